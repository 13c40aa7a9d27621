/* alerts: what fires, the worst and youngest first; below the list what the alert under the cursor says. Enter shows it in full, o
 * goes to what it is about, Tab to the silences. When nothing fires that is said, and since when. What an Alertmanager has is shown
 * as it stands there, and not as Prometheus sees it too. */
#include "base/alerts.h"
#include "base/changes.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include <stdlib.h>

enum { BELOW_LINES = 5, LIST_LEAST = 8 };

struct alerts { int64_t opened; };

static bool holds(void *arg, const struct table *t, const struct row *r)
{
	return !str_is(row_text(t, r, ALERT_STATE), "routed");
}

/* ---- nothing fires */

/* The newest change of an alert that is known: when, and the row that says so. */
static const struct row *last_change(const struct table *t)
{
	const struct row *best = NULL;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && str_is(row_text(t, r, TIMELINE_SORT), "alert") && (!best || row_int(r, TIMELINE_TIME) > row_int(best, TIMELINE_TIME)))
			best = r;
	}
	return best;
}

static void say_calm(const struct app *app, const struct alerts *x, int64_t now, struct buf *out)
{
	const struct table *t = store_table_const(app_store(app), kind_timeline.name);
	const struct row *r = last_change(t);
	int64_t since = r ? row_int(r, TIMELINE_TIME) : x->opened;
	buf_adds(out, "nothing fires");
	if (since && now - since > 5000) {
		buf_adds(out, r ? ", for " : ", for at least ");
		fmt_age(now - since, out);
	}
	if (r && row_text(t, r, TIMELINE_WHAT).n)
		buf_addf(out, "; last: " STR_FMT, STR_ARG(row_text(t, r, TIMELINE_WHAT)));
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	const struct table_page *t = table_page_of(p);
	if (*t->typed || !app_watch_listed(app) || !t->table || !table_page_sources(t))
		return false;
	say_calm(app, arg, now, out);
	return true;
}

static bool is_listed(const struct store *s)
{
	for (unsigned i = 0; i < s->nkinds; i++)
		if (s->kinds[i].listed && !strcmp(s->kinds[i].kind, "alerts"))
			return true;
	return false;
}

/* ---- list */

static void title(void *arg, const struct page *p, const struct app *app, struct buf *out)
{
	static const char *const states[] = { "firing", "pending", "silenced", "inhibited", "error" }, *const words[] = { "firing", "pending",
		"silenced", "inhibited", "not evaluable" };
	unsigned told = 0;           /* that fire for information only, as in the header */
	const struct table_page *t = table_page_of(p);
	unsigned n[ARRAY_SIZE(states)] = { 0 };
	buf_adds(out, "alerts ");
	for (uint32_t i = 0; t->view && i < t->view->n; i++) {
		const struct row *r = table_row(t->table, t->view->ids[i]);
		for (size_t k = 0; r && k < ARRAY_SIZE(states); k++)
			if (str_is(row_text(t->table, r, ALERT_STATE), states[k]))
				++*(!k && r->level < LEVEL_DOUBT ? &told : &n[k]);
	}
	for (size_t k = 0; k < ARRAY_SIZE(states); k++)
		if (n[k] || !k) {
			buf_adds(out, k ? ", " : "  ");
			count_text(out, n[k]);
			buf_addf(out, " %s", words[k]);
		}
	if (told)
		buf_addf(out, ", %u for information", told);
	if (*t->typed)
		buf_addf(out, "   filter %s", t->typed);
}

static int below_lines(void *arg, const struct page *p, int h)
{
	return table_page_row(p, NULL) && h >= LIST_LEAST + BELOW_LINES + 1 ? BELOW_LINES + 1 : 0;
}

static void below(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	static const struct { const char *name; int col; } lines[] = { { "summary", ALERT_SUMMARY }, { "error", ALERT_ERROR }, { "labels", ALERT_LABELS },
		{ "rule", ALERT_EXPR }, { "runbook", ALERT_RUNBOOK }, { "silenced by", ALERT_SILENCED_BY } };
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	int y = 1;
	frame_fill(f, rect_part(area, 0, 0, area.w, 1), f->ascii ? '-' : 0x2500, ROLE_DIM);
	for (size_t i = 0; r && i < ARRAY_SIZE(lines) && y < area.h; i++) {
		struct str text = row_text(t, r, lines[i].col);
		if (!text.n || (lines[i].col == ALERT_SUMMARY && !row_null(r, ALERT_ERROR)))
			continue;
		frame_fit(f, area, 1, y, 12, str_of(lines[i].name), ROLE_DIM);
		frame_fit(f, area, 14, y++, area.w - 15, text, ROLE_TEXT);
	}
}

/* ---- what it is about */

/* The row of that kind and key, in whichever source; its name is the key, or what follows the namespace in it. */
static void open_about(const struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct str kind = r ? row_text(t, r, ALERT_ABOUT_KIND) : STR(""), key = r ? row_text(t, r, ALERT_ABOUT_KEY) : STR(""), name = key, ns = { 0 };
	const struct kind *k = kind.n ? store_kind(app_store(app), kind) : NULL;
	const struct table *tab = k ? store_table_const(app_store(app), k->name) : NULL;
	struct buf line = { 0 };
	if (!k) {
		if (r)
			app_say(app, false, "its labels do not say which row it is about; d shows them");
		return;
	}
	for (unsigned i = 0; tab && i < app_sources(app); i++)
		if (table_find(tab, (uint16_t)i, key)) {
			app_open_row(app, k->name, (uint16_t)i, key);
			return;
		}
	if (k->namespaced)
		ns = str_split(&name, '/');
	buf_addstr(&line, kind);
	if (ns.n)
		buf_addf(&line, " namespace=\"" STR_FMT "\"", STR_ARG(ns));
	buf_addf(&line, " name=\"" STR_FMT "\"", STR_ARG(name));
	app_run_line(app, buf_str(&line));
	buf_release(&line);
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter);

/* Of a silence: the alerts that it keeps quiet. */
static void open_silenced(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	struct buf filter = { 0 }, words = { 0 };
	if (!r)
		return;
	buf_addf(&filter, "silenced_by=\"*" STR_FMT "*\"", STR_ARG(row_key(r)));
	buf_addf(&words, "silenced by " STR_FMT, STR_ARG(row_text(t, r, SILENCE_MATCHERS)));
	struct page *next = kind_page(app, "alerts", STR(""));
	if (!table_page_within(next, app, buf_str(&filter), buf_str(&words)))
		app_say(app, true, "these alerts cannot be told by a filter");
	app_push(app, next);
	buf_release(&filter);
	buf_release(&words);
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	bool alerts = !strcmp(table_page_kind(p), "alerts");
	const struct row *r = table_page_row(p, NULL);
	if (!strcmp(c->name, "about")) {
		if (alerts)
			open_about(p, app);
		return true;
	}
	if (!strcmp(c->name, "silences")) {
		if (alerts)
			app_push(app, kind_page(app, "silences", STR("")));
		else
			app_run_line(app, STR("back"));
		return true;
	}
	if (strcmp(c->name, "open"))
		return false;
	if (r && alerts)
		table_page_open(app, "describe", "alerts", r, "");
	else if (r)
		open_silenced(p, app);
	return true;
}

static bool offers(void *arg, const struct command *c)
{
	static const char *const none[] = { "yaml", "logs", "previous-logs", "why", "tree", "events", "node" };
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (!strcmp(c->name, none[i]))
			return false;
	return true;
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct alerts *x = arg;
	if (!x->opened && is_listed(app_store(app)))
		x->opened = now;
	return false;
}

static void release(void *arg, struct app *app)
{
	free(arg);
}

static const struct command commands[] = {
	{ "about", NULL, "go to what the alert is about: a pod, a node, a model", "about" },
	{ "silences", NULL, "go to the silences, and back", "silences" },
	{ .name = NULL },
};
const struct command_scope alerts_scope = { "alerts", "alerts and silences", commands };

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	static const struct table_hooks of_alerts = { .name = "alerts", .scope = &alerts_scope, .command = command, .holds = holds,
		.prepare = prepare, .below = below, .below_lines = below_lines, .empty = empty, .title = title, .offers = offers, .free = release };
	static const struct table_hooks of_silences = { .name = "alerts", .scope = &alerts_scope, .command = command, .offers = offers };
	bool alerts = !strcmp(kind, "alerts");
	struct page *p = table_page_new(app, kind, filter);
	table_page_hook(p, alerts ? &of_alerts : &of_silences, alerts ? xcalloc(1, sizeof(struct alerts)) : NULL);
	table_page_sort(p, alerts ? "urgency" : "until", true);
	return p;
}

static struct page *open_pane(struct app *app, struct str args)
{
	return kind_page(app, "alerts", args);
}

static const char *const kinds[] = { "alerts", "silences", NULL };
const struct pane pane_alerts = { .name = "alerts", .help = "what fires, and what is silenced", .open = open_pane, .kinds = kinds,
	.kind_page = kind_page };
