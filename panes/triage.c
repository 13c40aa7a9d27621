/* triage: the first screen: what is wrong, since when, where, and what changed before (base/findings.h); each a link. */
#include "base/findings.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include <stdlib.h>

struct triage { struct findings *findings; };

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct triage *t = arg;
	return findings_update(t->findings, app_store(app), now, app_watch_listed(app));
}

static bool any_listed(const struct store *s)
{
	for (unsigned i = 0; i < s->nkinds; i++)
		if (s->kinds[i].listed)
			return true;
	return false;
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	const struct triage *t = arg;
	const struct store *s = app_store(app);
	if (findings_table(t->findings)->count)
		return false;
	if (any_listed(s)) {
		findings_calm(t->findings, s, now, out);
		return true;
	}
	for (unsigned i = 0; i < s->nsources; i++)
		buf_addf(out, "%s%s: %s%s%s", out->len ? "; " : "", s->sources[i].name, health_name(s->sources[i].state),
		         s->sources[i].why[0] ? ", " : "", s->sources[i].why);
	return out->len > 0;
}

/* What the row under the cursor stands for; kind stays NULL for what is in no table (a source). */
static const struct row *object_of(const struct page *p, struct app *app, const char **kind)
{
	const struct table *t, *tab;
	const struct row *r = table_page_row(p, &t);
	for (unsigned k = 0; r && findings_kind(k); k++)
		if (str_is(row_text(t, r, FINDING_KIND), findings_kind(k))) {
			*kind = findings_kind(k);
			tab = store_table_const(app_store(app), *kind);
			return tab ? table_find(tab, r->source, row_text(t, r, FINDING_KEY)) : NULL;
		}
	return NULL;
}

/* Enter: pods as the list of the workload's pods, everything else as its row in the list of its kind. */
static void open_finding(const struct page *p, struct app *app, const char *kind, const struct row *object)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct str name = row_text(t, r, FINDING_WHERE), ns = str_split(&name, '/');
	struct buf line = { 0 };
	if (strcmp(kind, "pods")) {
		app_open_row(app, kind, object->source, row_key(object));
		return;
	}
	if (!name.n)
		buf_addf(&line, "pods name=" STR_FMT, STR_ARG(ns));
	else
		buf_addf(&line, "pods namespace=" STR_FMT " name=" STR_FMT "*", STR_ARG(ns), STR_ARG(name));
	app_run_line(app, buf_str(&line));
	buf_release(&line);
}

/* What changed before: the row that says so. */
static void open_changed(const struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	const struct store *s = app_store(app);
	if (!r || row_null(r, FINDING_CHANGED_KIND)) {
		app_say(app, false, "%s", r && !row_null(r, FINDING_CHANGED) ? "a rollout: Enter shows its pods" : "nothing is known to have changed before");
		return;
	}
	char *kind = str_dup(row_text(t, r, FINDING_CHANGED_KIND)), *key = str_dup(row_text(t, r, FINDING_CHANGED_KEY));
	for (unsigned i = 0; i < s->nsources; i++)
		if (str_is(row_text(t, r, FINDING_CHANGED_SOURCE), s->sources[i].name)) {
			app_open_row(app, kind, (uint16_t)i, str_of(key));
			break;
		}
	free(kind);
	free(key);
}

/* A source that is lost or refuses: why, and what to do. */
static void say_source(const struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (!r || !str_is(row_text(t, r, FINDING_KIND), "sources"))
		return;
	const struct source_state *s = &app_store(app)->sources[r->source];
	app_say(app, true, "%s: %s%s%s", s->name, s->why, s->remedy && *s->remedy ? "; " : "", s->remedy ? s->remedy : "");
}

/* On the object of the row; what is not offered on pods is meant for the workload that made them. */
static void act_on(const struct page *p, struct app *app, const char *kind, const struct row *r, struct str args)
{
	static const char *const workloads[] = { "deployments", "statefulsets", "daemonsets" };
	struct str rest = args, name = str_split(&rest, ' ');
	char *action = str_dup(name);
	const struct source *s = app_source(app, r->source);
	const struct table *t;
	const struct row *shown = table_page_row(p, &t);
	struct str where = shown ? row_text(t, shown, FINDING_WHERE) : STR(""), key = row_key(r);
	for (size_t i = 0; s && i < ARRAY_SIZE(workloads) && !action_find(s->backend, action, kind); i++) {
		const struct table *tab = store_table_const(app_store(app), workloads[i]);
		if (tab && table_find(tab, r->source, where) && action_find(s->backend, action, workloads[i])) {
			kind = workloads[i];
			key = where;
		}
	}
	char *target = str_dup(key);
	app_act(app, action, kind, r->source, (const char *const[]){ target }, 1, "{}");
	free(action);
	free(target);
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	static const char *const texts[] = { "describe", "yaml" }, *const trees[] = { "why", "tree" };
	const char *kind = NULL;
	bool mine = !strcmp(c->name, "open") || !strcmp(c->name, "action") || !strcmp(c->name, "logs") ||
	            !strcmp(c->name, "previous-logs") || !strcmp(c->name, "events") || !strcmp(c->name, "node");
	for (size_t i = 0; i < 2; i++)
		mine |= !strcmp(c->name, texts[i]) || !strcmp(c->name, trees[i]);
	const struct row *r = mine ? object_of(p, app, &kind) : NULL;
	if (!strcmp(c->name, "changed")) {
		open_changed(p, app);
		return true;
	}
	if (!mine)
		return false;
	if (!r) {
		say_source(p, app);
		return true;
	}
	if (!strcmp(c->name, "open"))
		open_finding(p, app, kind, r);
	else if (!strcmp(c->name, "action"))
		act_on(p, app, kind, r, args);
	else if (!strcmp(c->name, "logs") || !strcmp(c->name, "previous-logs"))
		table_page_open(app, "logs", kind, r, !strcmp(c->name, "logs")
			? "{\"follow\":true,\"all_containers\":true,\"timestamps\":true,\"tail\":1000}"
			: "{\"previous\":true,\"timestamps\":true,\"tail\":1000}");
	else if (!strcmp(c->name, "why") || !strcmp(c->name, "tree"))
		app_push(app, tree_page_new(app, c->name, r->source, c->name, kind, row_key(r)));
	else if (!strcmp(c->name, "describe") || !strcmp(c->name, "yaml"))
		table_page_open(app, c->name, kind, r, "");
	else
		open_finding(p, app, kind, r);
	return true;
}

/* A kind that no source fills is not asked for: nobody would know it. */
static bool filled(const struct app *app, const char *kind)
{
	for (unsigned i = 0; i < app_sources(app); i++)
		if (backend_fills(app_source(app, (uint16_t)i)->backend, kind))
			return true;
	return app_sources(app) == 0;
}

static void shown(void *arg, struct page *p, struct app *app, bool on)
{
	for (unsigned k = 0; findings_kind(k); k++)
		if (filled(app, findings_kind(k)))
			(on ? app_watch : app_unwatch)(app, findings_kind(k), "");
}

static void release(void *arg, struct app *app)
{
	struct triage *t = arg;
	findings_free(t->findings);
	free(t);
}

static const struct command commands[] = {
	{ "changed", NULL, "go to what changed before", "what changed" },
	{ .name = NULL },
};
const struct command_scope triage_scope = { "triage", "the first screen", commands };
static const struct table_hooks hooks = {
	.name = "triage", .scope = &triage_scope, .command = command, .prepare = prepare, .empty = empty, .shown = shown,
	.free = release,
};

static struct page *open_pane(struct app *app, struct str args)
{
	struct triage *t = xcalloc(1, sizeof(*t));
	t->findings = findings_new(app_config(app));
	struct page *p = table_page_over(app, findings_table(t->findings));
	table_page_hook(p, &hooks, t);
	return p;
}

const struct pane pane_triage = {
	.name = "triage", .help = "what is wrong, since when, where, and what changed before", .open = open_pane,
};
