/* timeline: what changed across systems, on one time axis: a lane for each system, a letter for each change, now at the right;
 * below it the same changes as a list, newest first. The cursor is one: where it stands in the list is where it stands on the
 * axis, which follows it. Of one moment (a finding, a row of another list) only what came before it is shown. The list is an
 * ordinary table page; this page gives it its place and narrows it by lane, model and time. */
#define _GNU_SOURCE                  /* localtime_r */
#include "base/fmt.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MINUTE_MS 60000ll
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define BEFORE_MS (30 * MINUTE_MS)
#define AFTER_MS MINUTE_MS           /* what comes a moment after it was still its cause: clocks differ */

static const int64_t spans[] = { 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 3 * DAY_MS,
	7 * DAY_MS, 14 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS };
enum { USUAL_SPAN = 4, LANES_MAX = 12, LANE_W = 11, LIST_LEAST = 7 };

struct timeline_page {
	struct page page;
	struct page *list;
	unsigned span;                   /* of spans */
	int64_t end;                     /* right edge of the axis; 0: now */
	int64_t moment, before_ms;       /* only what changed in the time before a moment; moment 0: all */
	char *lane, *model;              /* only these; NULL: all */
	const char *lanes[LANES_MAX];    /* that have changes */
	unsigned nlanes;
	int axis_lines, axis_w;
	int64_t now;                     /* when it was prepared */
};

static struct timeline_page *of(const struct page *p)
{
	return (struct timeline_page *)(uintptr_t)p;
}

static const struct row *row_of(const struct timeline_page *x, const struct table **t)
{
	return table_page_row(x->list, t);
}

/* ---- what is shown */

static bool holds(void *arg, const struct table *t, const struct row *r)
{
	const struct timeline_page *x = arg;
	int64_t at = row_int(r, TIMELINE_TIME);
	struct str model = row_text(t, r, TIMELINE_MODEL), about = row_text(t, r, TIMELINE_ABOUT);
	return (!x->moment || (at >= x->moment - x->before_ms && at <= x->moment + AFTER_MS)) &&
	       (!x->lane || str_is(row_text(t, r, TIMELINE_LANE), x->lane)) &&
	       (!x->model || str_contains_fold(model, str_of(x->model)) || str_contains_fold(about, str_of(x->model)));
}

/* The namespace of the app and our own bounds have changed: every row is asked about again. */
static void narrow(struct timeline_page *x, struct app *app)
{
	struct table_page *t = table_page_of(x->list);
	free(t->space);
	t->space = NULL;
	t->dirty = true;
	app_redraw(app);
}

static void say_moment(int64_t at, int64_t now, struct buf *out)
{
	struct tm tm;
	char text[32];
	time_t s = (time_t)(at / 1000);
	if (localtime_r(&s, &tm) && strftime(text, sizeof(text), llabs(now - at) < DAY_MS ? "%H:%M:%S" : "%d %b %H:%M", &tm))
		buf_adds(out, text);
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	const struct timeline_page *x = arg;
	const struct table_page *t = table_page_of(p);
	const char *why = app_chronicle(app) ? chronicle_error(app_chronicle(app)) : NULL;
	if (why)
		buf_adds(out, why);
	else if (x->moment) {
		buf_adds(out, "no change is known in the ");      /* all of it in 80 columns */
		fmt_age(x->before_ms, out);
		buf_adds(out, " before ");
		say_moment(x->moment, now, out);
		buf_adds(out, "; - looks further back, b at all");
	} else if (x->lane || x->model)
		buf_addf(out, "no change of %s; Tab and m show others", x->lane ? x->lane : x->model);
	else if (!*t->typed)
		buf_adds(out, "nothing was seen to change yet; it is remembered from now on, by `binnacle watch` also while this is closed");
	return out->len > 0;
}

static const struct table_hooks hooks = { .holds = holds, .empty = empty };

/* ---- the axis */

static int64_t end_of(const struct timeline_page *x)
{
	return x->moment ? x->moment + AFTER_MS : x->end ? x->end : x->now;
}

static int64_t span_of(const struct timeline_page *x)
{
	return x->moment ? x->before_ms + AFTER_MS : spans[x->span];
}

static int column_of(const struct timeline_page *x, int64_t at, int w)
{
	int64_t from = end_of(x) - span_of(x);
	return at < from || at > end_of(x) ? -1 : (int)((double)(at - from) / (double)span_of(x) * (w - 1) + 0.5);
}

/* The axis follows the cursor: where its change is out of sight, to the middle; at the newest change of all, to now. */
static void follow(struct timeline_page *x)
{
	const struct table *t;
	const struct row *r = row_of(x, &t);
	if (!r || x->moment)
		return;
	int64_t at = row_int(r, TIMELINE_TIME);
	if (x->end && at > x->now - spans[x->span])
		x->end = 0;
	if (at < end_of(x) - span_of(x) || at > end_of(x))
		x->end = at + spans[x->span] / 2 < x->now ? at + spans[x->span] / 2 : 0;
}

static void find_lanes(struct timeline_page *x)
{
	struct view *v = table_page_of(x->list)->view;
	bool seen[LANES_MAX] = { false };
	const char *all[LANES_MAX];
	unsigned n = 0;
	for (const struct change_sort *s = change_sorts; s->name && n < LANES_MAX; s++)
		if (!n || strcmp(all[n - 1], s->lane))
			all[n++] = s->lane;
	if (v)
		view_settle(v);
	for (uint32_t i = 0; v && i < v->n; i++) {
		const struct row *r = table_row(v->table, v->ids[i]);
		for (unsigned k = 0; r && k < n; k++)
			seen[k] |= str_is(row_text(v->table, r, TIMELINE_LANE), all[k]);
	}
	x->nlanes = 0;
	for (unsigned k = 0; k < n; k++)
		if (seen[k])
			x->lanes[x->nlanes++] = all[k];
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct timeline_page *x = of(p);
	x->now = now;
	x->axis_w = w - LANE_W;
	find_lanes(x);
	x->axis_lines = !x->nlanes ? 0 : h >= (int)x->nlanes + 1 + LIST_LEAST ? (int)x->nlanes + 1 : h >= LIST_LEAST + 2 ? 2 : 0;
	bool changed = x->list->ops->prepare(x->list, app, w, h - x->axis_lines, now);
	follow(x);
	return changed;
}

struct spot { const struct row *row; bool many; };

/* The change that stands for all those of one cell: the worst, then the latest. */
static void put_spot(struct spot *s, const struct row *r)
{
	s->many = s->row != NULL;
	if (!s->row || r->level > s->row->level ||
	    (r->level == s->row->level && row_int(r, TIMELINE_TIME) > row_int(s->row, TIMELINE_TIME)))
		s->row = r;
}

static void draw_lane(const struct timeline_page *x, struct frame *f, struct rect line, const char *lane, const struct row *cursor)
{
	const struct table_page *list = table_page_of(x->list);
	const struct table *t = list->table;
	int w = line.w - LANE_W, here = cursor ? column_of(x, row_int(cursor, TIMELINE_TIME), w) : -1;
	struct spot *spots = xcalloc((size_t)w, sizeof(*spots));
	for (uint32_t i = 0; list->view && i < list->view->n; i++) {
		const struct row *r = table_row(t, list->view->ids[i]);
		int c = r && (!lane || str_is(row_text(t, r, TIMELINE_LANE), lane)) ? column_of(x, row_int(r, TIMELINE_TIME), w) : -1;
		if (c >= 0 && c < w)
			put_spot(&spots[c], r);
	}
	frame_fit(f, line, 1, 0, LANE_W - 2, str_of(lane ? lane : "all"), ROLE_CHART_AXIS);
	for (int c = 0; c < w; c++) {
		const struct row *r = spots[c].row;
		bool own = cursor && c == here && (!lane || str_is(row_text(t, cursor, TIMELINE_LANE), lane));
		if (own)
			r = cursor;
		if (r)
			frame_text(f, line, LANE_W + c, 0, 1, row_text(t, r, TIMELINE_LETTER), r->level >= LEVEL_BAD ? ROLE_BAD :
			           r->level >= LEVEL_DOUBT ? ROLE_DOUBT : ROLE_TEXT);
		else
			frame_text(f, line, LANE_W + c, 0, 1, c == here ? STR("|") : f->ascii ? STR(".") : STR("·"), ROLE_DIM);
		if (own)
			frame_back(f, rect_part(line, LANE_W + c, 0, 1, 1), ROLE_CURSOR);
	}
	free(spots);
}

/* Times at whole steps under the lanes, and the right edge. */
static void draw_times(const struct timeline_page *x, struct frame *f, struct rect line)
{
	static const int64_t steps[] = { MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS,
		6 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 30 * DAY_MS };
	int w = line.w - LANE_W;
	int64_t end = end_of(x), span = span_of(x), step = steps[0];
	struct tm tm;
	time_t zone = (time_t)(end / 1000);
	int64_t offset = localtime_r(&zone, &tm) ? (int64_t)tm.tm_gmtoff * 1000 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(steps) && (double)step / (double)span * w < 11; i++)
		step = steps[i];
	const char *edge = !x->moment && !x->end ? "now" : x->moment ? "then" : "";
	int edge_at = w - (int)strlen(edge);
	for (int64_t at = (end - span + offset + step - 1) / step * step - offset; at <= end; at += step) {
		char text[24];
		time_t s = (time_t)(at / 1000);
		int c = column_of(x, at, w);
		if (!localtime_r(&s, &tm) || !strftime(text, sizeof(text), step >= DAY_MS || (!tm.tm_hour && !tm.tm_min) ? "%d %b" : "%H:%M", &tm))
			continue;
		if (c >= 0 && c + (int)strlen(text) < edge_at)
			frame_text(f, line, LANE_W + c, 0, -1, str_of(text), ROLE_CHART_AXIS);
	}
	frame_text(f, line, LANE_W + edge_at, 0, -1, str_of(edge), ROLE_CHART_AXIS);
	struct buf b = { 0 };
	fmt_age(span, &b);
	frame_fit(f, line, 1, 0, LANE_W - 2, buf_str(&b), ROLE_CHART_AXIS);
	buf_release(&b);
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct timeline_page *x = of(p);
	const struct table *t;
	const struct row *cursor = row_of(x, &t);
	int y = 0;
	if (area.w > LANE_W + 20 && x->axis_lines) {
		for (; y < x->axis_lines - 1; y++)
			draw_lane(x, f, rect_part(area, 0, y, area.w, 1), x->axis_lines > (int)x->nlanes ? x->lanes[y] : NULL, cursor);
		draw_times(x, f, rect_part(area, 0, y++, area.w, 1));
	}
	x->list->ops->draw(x->list, app, f, rect_part(area, 0, y, area.w, area.h - y), now);
}

/* ---- moving along it */

/* The next change to the left (older) or right that stands in another cell of the axis. */
static void along(struct timeline_page *x, int by)
{
	struct table_page *list = table_page_of(x->list);
	const struct table *t;
	const struct row *r = row_of(x, &t), *best = NULL;
	int64_t at = r ? row_int(r, TIMELINE_TIME) : 0, cell = span_of(x) / 100;
	for (uint32_t i = 0; r && i < list->view->n; i++) {
		const struct row *o = table_row(t, list->view->ids[i]);
		int64_t d = o ? (row_int(o, TIMELINE_TIME) - at) * by : 0;
		if (d > cell && (!best || d < (row_int(best, TIMELINE_TIME) - at) * by))
			best = o;
	}
	if (best)
		table_page_put_cursor(list, view_index(list->view, best->id));
}

static void zoom(struct timeline_page *x, struct app *app, int by)
{
	const struct table *t;
	const struct row *r = row_of(x, &t);
	if (x->moment) {
		int64_t next = by < 0 ? x->before_ms / 2 : x->before_ms * 2;
		x->before_ms = next < 5 * MINUTE_MS ? 5 * MINUTE_MS : next > 32 * DAY_MS ? 32 * DAY_MS : next;
		narrow(x, app);
		return;
	}
	if ((by < 0 && x->span) || (by > 0 && x->span + 1 < ARRAY_SIZE(spans)))
		x->span = (unsigned)((int)x->span + by);
	if (x->end && r)
		x->end = row_int(r, TIMELINE_TIME) + spans[x->span] / 2;
	if (x->end > x->now)
		x->end = 0;
	app_redraw(app);
}

/* ---- narrowing */

/* Through the lanes, then all of them again; args: this one. */
static void next_lane(struct timeline_page *x, struct app *app, struct str args)
{
	const char *next = NULL, *last = NULL;
	bool found = !x->lane && !args.n;
	for (const struct change_sort *s = change_sorts; s->name && !next; s++) {
		if (last && !strcmp(last, s->lane))
			continue;
		last = s->lane;
		if (args.n ? str_starts(str_of(s->lane), args) : found)
			next = s->lane;
		found = found || (x->lane && !strcmp(s->lane, x->lane));
	}
	if (args.n && !next) {
		app_say(app, true, "no lane '" STR_FMT "'; there are actions, cluster, pipelines, registry, drift, serving, alerts, cost", STR_ARG(args));
		return;
	}
	free(x->lane);
	x->lane = xstrdup(next);
	narrow(x, app);
}

/* That of the row under the cursor, or all again; args: this one. */
static void only_model(struct timeline_page *x, struct app *app, struct str args)
{
	const struct table *t;
	const struct row *r = row_of(x, &t);
	struct str model = args.n ? args : r && !x->model ? row_text(t, r, TIMELINE_MODEL) : STR("");
	if (!model.n && !x->model)
		app_say(app, false, "this change is about no model; :model NAME shows those of one");
	char *name = model.n ? str_dup(model) : NULL;
	free(x->model);
	x->model = name;
	narrow(x, app);
}

/* "03:10", "2026-11-21T03:10:00Z": the moment, wall ms; 0: that is no time. Of today, or of yesterday where it is yet to come. */
static int64_t read_moment(struct str s, int64_t now)
{
	int h, m, n = 0;
	int64_t at = 0;
	char text[40];
	struct tm tm;
	time_t today = (time_t)(now / 1000);
	if (!s.n || s.n >= sizeof(text))
		return 0;
	snprintf(text, sizeof(text), STR_FMT, STR_ARG(s));
	if (time_parse(s, &at))
		return at;
	if (sscanf(text, "%d:%d%n", &h, &m, &n) != 2 || (size_t)n != s.n || h < 0 || h > 23 || m < 0 || m > 59 || !localtime_r(&today, &tm))
		return 0;
	tm.tm_hour = h, tm.tm_min = m, tm.tm_sec = 0, tm.tm_isdst = -1;
	at = (int64_t)mktime(&tm) * 1000;
	return at > now ? at - DAY_MS : at;
}

/* What changed before a moment: the cursor's change, or the time that was typed; once more: all again. */
static void before(struct timeline_page *x, struct app *app, struct str args)
{
	const struct table *t;
	const struct row *r = row_of(x, &t);
	struct str rest = args, first = str_split(&rest, ' ');
	int64_t now = clock_wall(app_clock(app)), at = first.n ? read_moment(first, now) : 0;
	double ms;
	if (first.n && !at && duration_parse(first, false, &ms)) {
		rest = first;
		at = x->moment ? x->moment : r ? row_int(r, TIMELINE_TIME) : now;
	} else if (first.n && !at) {
		app_say(app, true, "'" STR_FMT "' is no time; write 03:10, 2026-11-21T03:10:00Z, or how long before: 30m", STR_ARG(first));
		return;
	} else if (!first.n) {
		at = x->moment || !r ? 0 : row_int(r, TIMELINE_TIME);
	}
	x->before_ms = rest.n && duration_parse(str_trim(rest), true, &ms) && ms >= MINUTE_MS ? (int64_t)ms : BEFORE_MS;
	x->moment = at;
	narrow(x, app);
}

/* ---- commands */

/* The row that the change under the cursor comes from; NULL: it is not there (any more), or not asked for yet. */
static const struct row *origin(const struct timeline_page *x, struct app *app, const struct kind **kind)
{
	const struct table *t, *theirs;
	const struct row *r = row_of(x, &t);
	*kind = r ? store_kind(app_store(app), row_text(t, r, TIMELINE_KIND)) : NULL;
	theirs = *kind ? store_table_const(app_store(app), (*kind)->name) : NULL;
	return theirs ? table_find(theirs, r->source, row_text(t, r, TIMELINE_KEY)) : NULL;
}

static void open_origin(struct timeline_page *x, struct app *app)
{
	const struct kind *kind;
	const struct table *t;
	const struct row *r = row_of(x, &t), *o = origin(x, app, &kind);
	if (o || (r && kind && !row_null(r, TIMELINE_KEY) && !str_is(row_text(t, r, TIMELINE_SORT), "node"))) {
		char *key = str_dup(row_text(t, r, TIMELINE_KEY));
		app_open_row(app, kind->name, r->source, str_of(key));
		free(key);
	} else if (r) {
		app_say(app, false, STR_FMT "; it is not there any more", STR_ARG(row_text(t, r, TIMELINE_WHAT)));
	}
}

/* An action on what the change is about: of a promotion the model, of a rollout or a crash the workload. */
static void act(struct timeline_page *x, struct app *app, struct str args)
{
	static const char *const workloads[] = { "deployments", "statefulsets", "daemonsets" };
	const struct table *t;
	const struct kind *kind;
	const struct row *r = row_of(x, &t);
	const struct source *s = r ? app_source(app, r->source) : NULL;
	struct str rest = args, about = r ? row_text(t, r, TIMELINE_ABOUT) : STR(""), model = r ? row_text(t, r, TIMELINE_MODEL) : STR("");
	char *action = str_dup(str_split(&rest, ' ')), *key = str_dup(about.n ? about : model);
	const char *on = NULL;
	origin(x, app, &kind);
	bool registry = r && str_is(row_text(t, r, TIMELINE_LANE), "registry") && kind && strcmp(kind->name, "trainings");
	for (size_t i = 0; s && !registry && i < ARRAY_SIZE(workloads) && !on; i++) {
		const struct table *w = store_table_const(app_store(app), workloads[i]);
		if (action_find(s->backend, action, workloads[i]) && (i + 1 == ARRAY_SIZE(workloads) || !w || table_find(w, r->source, about) ||
		                                                      str_is(row_text(t, r, TIMELINE_KIND), "replicasets")))
			on = workloads[i];
	}
	if (s && registry && action_find(s->backend, action, "models"))
		on = "models";
	if (s && !on && kind && action_find(s->backend, action, kind->name)) {
		on = kind->name;
		free(key);
		key = str_dup(row_text(t, r, TIMELINE_KEY));
	}
	if (on)
		app_act(app, action, on, r->source, (const char *const[]){ key }, 1, "{}");
	else if (r)
		app_say(app, true, "%s: nothing that this change is about can be changed so", action);
	free(action);
	free(key);
}

/* Of a promotion: the version before it, by the runbook of the model; of a rollout or a crash the workload's former revision. */
static void roll_back(struct timeline_page *x, struct app *app)
{
	const struct table *t;
	const struct kind *kind;
	const struct row *r = row_of(x, &t), *o = origin(x, app, &kind);
	struct str sort = r ? row_text(t, r, TIMELINE_SORT) : STR("");
	if (!str_is(sort, "promotion") && !str_is(sort, "rollback")) {
		act(x, app, STR("rollback"));
		return;
	}
	struct str before = o ? row_text_by(store_table_const(app_store(app), kind->name), o, "before") : STR("");
	struct buf line = { 0 };
	buf_addf(&line, "rollback " STR_FMT " " STR_FMT, STR_ARG(row_text(t, r, TIMELINE_MODEL)), STR_ARG(before));
	app_run_line(app, str_trim(buf_str(&line)));
	buf_release(&line);
}

static bool document(struct timeline_page *x, struct app *app, const char *name)
{
	static const char *const texts[] = { "describe", "yaml", "logs", "previous-logs", "why", "tree" };
	const struct kind *kind;
	bool mine = false;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		mine |= !strcmp(name, texts[i]);
	const struct row *o = mine ? origin(x, app, &kind) : NULL;
	if (!mine)
		return false;
	if (!o)
		app_say(app, false, "what this change is about is not there any more");
	else if (!strcmp(name, "why") || !strcmp(name, "tree"))
		app_push(app, tree_page_new(app, name, o->source, name, kind->name, row_key(o)));
	else if (!strcmp(name, "logs") || !strcmp(name, "previous-logs"))
		table_page_open(app, "logs", kind->name, o, !strcmp(name, "logs") ?
		                "{\"follow\":true,\"all_containers\":true,\"timestamps\":true,\"tail\":1000}" : "{\"previous\":true,\"timestamps\":true,\"tail\":1000}");
	else
		table_page_open(app, name, kind->name, o, "");
	return true;
}

/* args: "X Y" within the page: on the axis the change nearest to it in time, below it the list's row. */
static void pressed(struct timeline_page *x, struct app *app, const struct command *c, struct str args)
{
	struct table_page *list = table_page_of(x->list);
	struct str rest = args, first = str_split(&rest, ' ');
	const struct row *best = NULL;
	int64_t px, py, near = INT64_MAX;
	char text[48];
	if (!str_to_i64(first, &px) || !str_to_i64(str_trim(rest), &py))
		return;
	if (py >= x->axis_lines) {
		snprintf(text, sizeof(text), "%lld %lld", (long long)px, (long long)(py - x->axis_lines));
		x->list->ops->command(x->list, app, c, str_of(text));
		return;
	}
	const char *lane = x->axis_lines > (int)x->nlanes && py < (int64_t)x->nlanes ? x->lanes[py] : NULL;
	for (uint32_t i = 0; list->view && i < list->view->n; i++) {
		const struct row *r = table_row(list->table, list->view->ids[i]);
		int at = r && (!lane || str_is(row_text(list->table, r, TIMELINE_LANE), lane)) ? column_of(x, row_int(r, TIMELINE_TIME), x->axis_w) : -1;
		if (at >= 0 && llabs(at - (px - LANE_W)) < near) {
			near = llabs(at - (px - LANE_W));
			best = r;
		}
	}
	if (best)
		table_page_put_cursor(list, view_index(list->view, best->id));
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct timeline_page *x = of(p);
	const char *n = c->name;
	if (!strcmp(n, "zoom-in") || !strcmp(n, "zoom-out"))
		zoom(x, app, !strcmp(n, "zoom-in") ? -1 : 1);
	else if (!strcmp(n, "older") || !strcmp(n, "newer"))
		along(x, !strcmp(n, "older") ? -1 : 1);
	else if (!strcmp(n, "lane"))
		next_lane(x, app, args);
	else if (!strcmp(n, "model"))
		only_model(x, app, args);
	else if (!strcmp(n, "before") || !strcmp(n, "around"))
		before(x, app, args);
	else if (!strcmp(n, "press"))
		pressed(x, app, c, args);
	else if (!strcmp(n, "open"))
		open_origin(x, app);
	else if (!strcmp(n, "action"))
		act(x, app, args);
	else if (!strcmp(n, "roll-back"))
		roll_back(x, app);
	else if (!document(x, app, n))
		return x->list->ops->command(x->list, app, c, args);
	app_redraw(app);
	return true;
}

static const char *const not_here[] = { "reveal", "node", "events", "mark", NULL };
static bool offers(const struct page *p, const struct app *app, const struct command *c)
{
	for (const char *const *n = not_here; *n; n++)
		if (!strcmp(*n, c->name))
			return false;
	return true;
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct timeline_page *x = of(p);
	const struct table_page *t = table_page_of(x->list);
	struct history_shared team;
	buf_adds(out, "timeline ");
	count_text(out, t->view ? t->view->n : 0);
	if (x->moment) {
		buf_adds(out, "   in the ");
		fmt_age(x->before_ms, out);
		buf_adds(out, " before ");
		say_moment(x->moment, x->now, out);
	}
	if (x->lane)
		buf_addf(out, "   only %s", x->lane);
	if (x->model)
		buf_addf(out, "   about %s", x->model);
	if (*t->typed)
		buf_addf(out, "   filter %s", t->typed);
	history_shared(app_history(app), &team);
	if (team.on && team.since && !team.well)
		buf_addf(out, "   the team's history is away, %u to be copied: %s", team.waiting, team.why);
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct table *t;
	const struct row *r = row_of(of(p), &t);
	if (r)
		buf_addstr(out, row_text(t, r, TIMELINE_WHAT));
}

static bool filled(const struct app *app, const char *kind)
{
	for (unsigned i = 0; i < app_sources(app); i++)
		if (backend_fills(app_source(app, (uint16_t)i)->backend, kind))
			return true;
	return false;
}

static void shown(struct page *p, struct app *app, bool on)
{
	of(p)->list->ops->shown(of(p)->list, app, on);
	for (unsigned i = 0; changes_kind(i); i++)
		if (filled(app, changes_kind(i)))
			(on ? app_watch : app_unwatch)(app, changes_kind(i), "");
}

static void release(struct page *p, struct app *app)
{
	struct timeline_page *x = of(p);
	x->list->ops->free(x->list, app);
	free(x->lane);
	free(x->model);
	free(x);
}

static const struct command commands[] = {
	{ "zoom-in", NULL, "show less time on the axis; before a moment, less of it", "zoom" },
	{ "zoom-out", NULL, "show more time on the axis; before a moment, more of it", NULL },
	{ "older", NULL, "go to the change to the left on the axis", NULL },
	{ "newer", NULL, "go to the change to the right on the axis", NULL },
	{ "roll-back", NULL, "go back to what was before: of a promotion to the version before it, of a rollout to the revision before it",
	  "roll back" },
	{ "lane", "[NAME]", "show only the next system, or this one; after the last all again", "system" },
	{ "model", "[NAME]", "show only what is about the row's model, or this one; again: all", "model" },
	{ "before", "[TIME] [DURATION]", "show only what changed in the 30 minutes before the row, or a time; again: all", "what changed before" },
	{ .name = NULL },
};
const struct command_scope timeline_scope = { "timeline", "the timeline pane", commands };
static const struct command_scope *const scopes[] = { &timeline_scope, &table_scope, NULL };
static const struct page_ops ops = {
	.name = "timeline", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.shown = shown, .free = release, .offers = offers,
};

/* args: a moment, and then a filter. */
static struct page *open_pane(struct app *app, struct str args)
{
	struct timeline_page *x = xcalloc(1, sizeof(*x));
	struct str rest = args, first = str_split(&rest, ' ');
	struct filter_error err;
	x->page.ops = &ops;
	x->span = USUAL_SPAN;
	x->before_ms = BEFORE_MS;
	x->moment = read_moment(first, clock_wall(app_clock(app)));
	x->list = table_page_over(app, store_table(app_store(app), kind_timeline.name));
	table_page_hook(x->list, &hooks, x);
	table_page_sort(x->list, "time", true);
	char *filter = str_dup(str_trim(x->moment ? rest : args));
	if (*filter && !table_page_refilter(table_page_of(x->list), app, filter, &err))
		app_say(app, true, "filter: %s", err.what);
	free(filter);
	return &x->page;
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	return open_pane(app, filter);
}

static const char *const kinds[] = { "timeline", NULL };
const struct pane pane_timeline = { .name = "timeline", .brief = "time", .help = "what changed across systems, and when", .open = open_pane,
	.kinds = kinds, .kind_page = kind_page };
