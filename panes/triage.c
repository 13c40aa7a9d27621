/* triage: what is wrong, since when, where, and what changed before. It keeps a view of the doubtful and wrong rows of each
 * kind it knows, groups pods by the workload that made them, and shows the groups, worst first. Cost goes by what is
 * wrong, not by what there is. */
#include "base/drift.h"
#include "base/fmt.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include <stdlib.h>

enum { WHAT, SINCE, WHERE, CHANGED, KIND, KEY, COUNT, NCOLS };
static const struct column columns[NCOLS] = {
	[WHAT] = { .name = "what", .title = "WHAT IS WRONG", .type = COL_TEXT, .width = 44 },
	[SINCE] = { .name = "since", .title = "SINCE", .type = COL_TIME, .width = 6, .priority = 1 },
	[WHERE] = { .name = "where", .title = "WHERE", .type = COL_TEXT, .width = 24, .priority = 2 },
	[CHANGED] = { .name = "changed", .title = "CHANGED BEFORE", .type = COL_TEXT, .width = 36, .priority = 3 },
	[KIND] = { .name = "kind", .title = "KIND", .type = COL_TEXT, .flags = COL_HIDDEN | COL_SHARED },
	[KEY] = { .name = "object", .title = "OBJECT", .type = COL_TEXT, .flags = COL_HIDDEN },
	[COUNT] = { .name = "count", .title = "COUNT", .type = COL_COUNT, .flags = COL_HIDDEN },
};
static const struct kind kind_triage = {
	.name = "triage", .singular = "finding", .help = "what is wrong", .cols = columns, .ncols = NCOLS,
};

/* Pods first: what a workload says of itself is left out where its pods say it. */
static const char *const watched[] = {
	"pods", "nodes", "deployments", "statefulsets", "daemonsets", "jobs", "persistentvolumeclaims", "drift",
};
enum { NWATCHED = sizeof(watched) / sizeof(watched[0]), GROUPS_MAX = 400, RECENT_MS = 2 * 3600 * 1000 };

struct group {
	uint16_t source;
	const char *kind;
	struct buf key, what, object, owner;   /* key: of the group; object: the row key of its worst row */
	enum level level;
	int64_t since, youngest;
	unsigned count;
};
struct triage {
	struct table *table;
	struct view *views[NWATCHED];
	uint64_t versions[NWATCHED];
	struct group *groups; unsigned ngroups;
	int64_t computed, well_since;
	bool complete;               /* when it was computed, every list was there */
	bool first;
};

static bool doubtful(void *arg, const struct table *t, const struct row *r)
{
	return r->level >= LEVEL_DOUBT;
}

/* ---- groups */

/* "ReplicaSet/app-6d9f7c" belongs to the deployment "app"; other owners are the workload themselves. */
static struct str workload_of(struct str owner, struct str pod)
{
	struct str name = owner, kind = str_split(&name, '/');
	if (!name.n)
		return pod;
	if (str_is(kind, "ReplicaSet"))
		for (size_t i = name.n; i > 0; i--)
			if (name.p[i - 1] == '-')
				return (struct str){ name.p, i - 1 };
	return name;
}

static struct group *group_for(struct triage *t, uint16_t source, const char *kind, struct str key)
{
	for (unsigned i = 0; i < t->ngroups; i++)
		if (t->groups[i].source == source && t->groups[i].kind == kind && str_eq(buf_str(&t->groups[i].key), key))
			return &t->groups[i];
	if (t->ngroups == GROUPS_MAX)
		return NULL;
	struct group *g = &t->groups[t->ngroups++];
	*g = (struct group){ .source = source, .kind = kind };
	buf_addstr(&g->key, key);
	return g;
}

static int64_t since_of(const struct table *t, const struct row *r)
{
	int restarted = kind_col(t->kind, STR("restarted"), false), age = kind_col(t->kind, STR("age"), false);
	int64_t at = restarted >= 0 ? row_int(r, restarted) : 0;
	return at ? at : age >= 0 ? row_int(r, age) : 0;
}

static void join(struct triage *t, const struct table *tab, const struct row *r)
{
	bool pod = strcmp(tab->kind->name, "pods") == 0;
	struct str name = row_text_by(tab, r, "name"), owner = row_text_by(tab, r, "owner");
	struct str load = pod ? workload_of(owner, name) : name, ns = row_text_by(tab, r, "namespace");
	struct buf key = { 0 };
	buf_addf(&key, STR_FMT "%s" STR_FMT, STR_ARG(ns), ns.n ? "/" : "", STR_ARG(load.n ? load : row_key(r)));
	struct group *g = group_for(t, r->source, tab->kind->name, buf_str(&key));
	if (g) {
		int64_t since = since_of(tab, r);
		int age = kind_col(tab->kind, STR("age"), false);
		int64_t born = age >= 0 ? row_int(r, age) : 0;
		g->count++;
		if (!g->since || (since && since < g->since))
			g->since = since;
		if (born > g->youngest) {
			g->youngest = born;
			buf_clear(&g->owner);
			buf_addstr(&g->owner, owner);
		}
		if (r->level > g->level) {
			g->level = r->level;
			buf_clear(&g->object);
			buf_addstr(&g->object, row_key(r));
			buf_clear(&g->what);
			buf_addstr(&g->what, row_text_by(tab, r, "status"));
		}
	}
	buf_release(&key);
}

/* ---- sentences */

static void say_drift(const struct table *t, const struct row *r, struct buf *out)
{
	buf_adds(out, "drift: ");
	row_show(t, r, DRIFT_COUNT, 0, out);
	buf_adds(out, " features, score ");
	row_show(t, r, DRIFT_SCORE, 0, out);
	if (!row_null(r, DRIFT_LIMIT)) {
		buf_adds(out, " over ");
		row_show(t, r, DRIFT_LIMIT, 0, out);
	}
}

/* A workload that is short of replicas, when its pods have not said so already. */
static bool told_by_pods(const struct triage *t, const struct group *g)
{
	if (strcmp(g->kind, "pods") == 0 || strcmp(g->kind, "nodes") == 0)
		return false;
	for (unsigned i = 0; i < t->ngroups; i++)
		if (t->groups[i].source == g->source && !strcmp(t->groups[i].kind, "pods") &&
		    str_eq(buf_str(&t->groups[i].key), buf_str(&g->key)))
			return true;
	return false;
}

static void say_what(const struct table *tab, const struct row *r, const struct group *g, struct buf *out)
{
	struct str name = buf_str(&g->key), rest = name;
	str_split(&rest, '/');
	if (rest.p)
		name = rest;
	if (!strcmp(g->kind, "drift")) {
		say_drift(tab, r, out);
	} else if (!strcmp(g->kind, "pods")) {
		buf_addf(out, STR_FMT ": %u pod%s " STR_FMT, STR_ARG(name), g->count, g->count > 1 ? "s" : "",
		         STR_ARG(buf_str(&g->what)));
	} else {
		int ready = kind_col(tab->kind, STR("ready"), false);
		buf_addf(out, "%s " STR_FMT ": " STR_FMT, tab->kind->singular, STR_ARG(name), STR_ARG(buf_str(&g->what)));
		if (ready >= 0 && r && !row_null(r, ready)) {
			buf_adds(out, ", ready ");
			row_show(tab, r, ready, 0, out);
		}
	}
}

static void say_changed(const struct group *g, int64_t now, struct buf *out)
{
	struct str name = buf_str(&g->owner), kind = str_split(&name, '/');
	if (!g->youngest || now - g->youngest > RECENT_MS || !name.n)
		return;
	if (str_is(kind, "ReplicaSet"))
		buf_adds(out, "rollout ");
	buf_addstr(out, name);
	buf_addc(out, ' ');
	fmt_age(now - g->youngest, out);
	buf_adds(out, " ago");
}

static void put_group(struct triage *t, const struct group *g, const struct store *s, int64_t now, struct buf *rows)
{
	const struct table *tab = store_table_const(s, g->kind);
	const struct row *r = table_find(tab, g->source, buf_str(&g->object));
	struct buf key = { 0 }, text = { 0 };
	buf_addf(&key, "%d %s " STR_FMT, 9 - (int)g->level, g->kind, STR_ARG(buf_str(&g->key)));
	rows_put(rows, buf_str(&key), g->level);
	if (r)
		say_what(tab, r, g, &text);
	cell_text_or_null(rows, buf_str(&text));
	cell_time(rows, g->since);
	buf_clear(&text);
	if (!strcmp(g->kind, "drift") && r) {
		buf_adds(&text, "batch ");
		buf_addstr(&text, row_text(tab, r, DRIFT_CURRENT));
	} else {
		buf_addstr(&text, buf_str(&g->key));
	}
	cell_text_or_null(rows, buf_str(&text));
	buf_clear(&text);
	say_changed(g, now, &text);
	cell_text_or_null(rows, buf_str(&text));
	cell_text(rows, str_of(g->kind));
	cell_text(rows, buf_str(&g->object));
	cell_int(rows, g->count);
	buf_release(&key);
	buf_release(&text);
}

static void clear_groups(struct triage *t)
{
	for (unsigned i = 0; i < t->ngroups; i++) {
		struct group *g = &t->groups[i];
		buf_release(&g->key), buf_release(&g->what), buf_release(&g->object);
		buf_release(&g->owner);
	}
	t->ngroups = 0;
}

/* Of the checks of drift only the newest of each model counts. */
static void join_drift(struct triage *t, const struct table *tab)
{
	const struct row *newest = NULL;
	for (uint32_t id = 0; id < tab->nslots; id++) {
		const struct row *r = table_row(tab, id);
		if (r && (!newest || row_int(r, DRIFT_AGE) > row_int(newest, DRIFT_AGE)))
			newest = r;
	}
	if (newest && newest->level >= LEVEL_DOUBT)
		join(t, tab, newest);
}

static void compute(struct triage *t, const struct store *s, int64_t now)
{
	struct buf rows = { 0 };
	struct rd rd;
	clear_groups(t);
	for (unsigned k = 0; k < NWATCHED; k++) {
		struct view *v = t->views[k];
		if (v && !strcmp(watched[k], "drift"))
			join_drift(t, v->table);
		else
			for (uint32_t i = 0; v && i < v->n; i++)
				join(t, v->table, table_row(v->table, v->ids[i]));
	}
	for (unsigned src = 0; src < s->nsources; src++) {
		buf_clear(&rows);
		rows_start(&rows, kind_triage.name);
		rows_begin(&rows, STR(""));
		for (unsigned i = 0; i < t->ngroups; i++)
			if (t->groups[i].source == src && !told_by_pods(t, &t->groups[i]))
				put_group(t, &t->groups[i], s, now, &rows);
		rows_end(&rows, STR(""));
		rows_open(&rd, buf_str(&rows));
		table_apply(t->table, (uint16_t)src, &rd, 0);
	}
	buf_release(&rows);
	if (t->table->count)
		t->well_since = 0;
	else if (!t->well_since)
		t->well_since = now;
}

/* ---- the page */

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct triage *t = arg;
	bool changed = false;
	if (t->complete && now - t->computed < 300 && now >= t->computed)
		return false;
	for (unsigned k = 0; k < NWATCHED; k++) {
		struct table *tab = store_table(app_store(app), watched[k]);
		if (!t->views[k] && tab) {
			t->views[k] = view_new(tab, now);
			view_scope(t->views[k], doubtful, NULL);
		}
		if (!t->views[k])
			continue;
		view_settle(t->views[k]);
		changed |= t->versions[k] != t->views[k]->version;
		t->versions[k] = t->views[k]->version;
	}
	if (!changed && now - t->computed < 30000)
		return false;
	t->computed = now;
	t->complete = app_watch_listed(app);
	compute(t, app_store(app), now);
	return true;
}

static unsigned count_of(const struct app *app, const char *kind)
{
	const struct table *t = store_table_const(app_store(app), kind);
	return t ? t->count : 0;
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
	if (t->table->count)
		return false;
	if (!any_listed(s)) {
		for (unsigned i = 0; i < s->nsources; i++)
			buf_addf(out, "%s%s: %s%s%s", out->len ? "; " : "", s->sources[i].name, health_name(s->sources[i].state),
			         s->sources[i].why[0] ? ", " : "", s->sources[i].why);
		return out->len > 0;
	}
	buf_adds(out, "nothing wrong");
	if (t->well_since && now - t->well_since > 5000) {
		buf_adds(out, " for ");
		fmt_age(now - t->well_since, out);
	}
	buf_adds(out, " · ");
	fmt_thousands(count_of(app, "pods"), out);
	buf_addf(out, " pods on %u nodes", count_of(app, "nodes"));
	return true;
}

/* What the row under the cursor stands for. */
static const struct row *object_of(const struct page *p, struct app *app, const char **kind)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (!r)
		return NULL;
	for (unsigned k = 0; k < NWATCHED; k++) {
		if (!str_is(row_text(t, r, KIND), watched[k]))
			continue;
		*kind = watched[k];
		const struct table *tab = store_table_const(app_store(app), watched[k]);
		return tab ? table_find(tab, r->source, row_text(t, r, KEY)) : NULL;
	}
	return NULL;
}

/* Enter: the list of that kind, with the rows of the group. */
static void open_group(const struct page *p, struct app *app, const char *kind)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct str name = row_text(t, r, WHERE), ns = str_split(&name, '/');
	struct buf line = { 0 };
	if (!strcmp(kind, "drift"))
		buf_adds(&line, "goto drift");
	else if (!name.n)
		buf_addf(&line, "%s name=" STR_FMT, kind, STR_ARG(ns));
	else if (!strcmp(kind, "pods"))
		buf_addf(&line, "pods namespace=" STR_FMT " name=" STR_FMT "*", STR_ARG(ns), STR_ARG(name));
	else
		buf_addf(&line, "%s namespace=" STR_FMT " name=" STR_FMT, kind, STR_ARG(ns), STR_ARG(name));
	app_run_line(app, buf_str(&line));
	buf_release(&line);
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
	struct str where = shown ? row_text(t, shown, WHERE) : STR(""), key = row_key(r);
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
	if (!mine)
		return false;
	if (!r)
		return true;
	if (!strcmp(c->name, "open"))
		open_group(p, app, kind);
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
		open_group(p, app, kind);
	return true;
}

static void shown(void *arg, struct page *p, struct app *app, bool on)
{
	for (unsigned k = 0; k < NWATCHED; k++)
		(on ? app_watch : app_unwatch)(app, watched[k], "");
}

static void release(void *arg, struct app *app)
{
	struct triage *t = arg;
	for (unsigned k = 0; k < NWATCHED; k++)
		view_free(t->views[k]);
	clear_groups(t);
	free(t->groups);
	table_free(t->table);
	free(t);
}

static const struct table_hooks hooks = {
	.command = command, .prepare = prepare, .empty = empty, .shown = shown, .free = release,
};

static struct page *open_pane(struct app *app, struct str args)
{
	struct triage *t = xcalloc(1, sizeof(*t));
	t->table = table_new(&kind_triage);
	t->groups = xcalloc(GROUPS_MAX, sizeof(*t->groups));
	struct page *p = table_page_over(app, t->table);
	table_page_hook(p, &hooks, t);
	return p;
}

const struct pane pane_triage = {
	.name = "triage", .help = "what is wrong, since when, where, and what changed before", .open = open_pane,
};
