/* drift: the scores of one model's checks as a line against their threshold, the features by how often and how strongly
 * they drifted, and the checks themselves with what was done. Both lists are ordinary table pages; this page gives them
 * their places and sends keys to the one in focus. */
#define _GNU_SOURCE
#include "base/drift.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/feature.h"
#include "panes/retrain.h"
#include "tui/chart.h"
#include "tui/table_page.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define POINTS_MAX 512           /* checks in the chart, the newest */
#define OLD_INTERVALS 3          /* no check for so many usual intervals is a warning */
#define OLD_MS (24 * 3600 * 1000ll)   /* and so is this, where there are too few to know */
enum { FEATURES, CHECKS };

struct drift_page {
	struct page page;
	struct page *lists[2];
	int focus;
	bool both;                       /* there is room for both lists */
	int chart_lines, top_lines;      /* of them for the list in focus when both are shown */
	char *model;                     /* shown; NULL = that of the newest check */
	char *shown_model;
	uint64_t seen;
	double x[POINTS_MAX], y[POINTS_MAX], limit;
	int n;
	bool below;                      /* scores below the limit are drift */
	struct chart_mark marks[64]; int nmarks;   /* promotions, runs, trainings */
	int64_t marked;
	bool all;                        /* when they were gathered, every list was there */
	int64_t newest, usual;           /* last check, usual time between two; 0 unknown */
	unsigned models, drifted;        /* models: 0, 1, or 2 for several */
	char *last;                      /* what the last check said, a sentence */
	bool last_bad;
};

static struct drift_page *of(const struct page *p)
{
	return (struct drift_page *)(uintptr_t)p;
}

struct point { int64_t time; double score; const struct row *row; };

static int by_time(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	return (x->time > y->time) - (x->time < y->time);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The next model after `name` in the order of the alphabet, or the first; n 0: the model of the newest check. */
static char *choose_model(struct drift_page *d, const struct app *app, const struct table *t, const char *name, bool next)
{
	struct str best = { 0 }, first = { 0 }, after = { 0 }, some = { 0 };
	int64_t newest = -1;
	d->models = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		struct str m = r ? row_text(t, r, DRIFT_MODEL) : STR("");
		if (!r || (app_context(app) >= 0 && r->source != app_context(app)))
			continue;
		if (row_int(r, DRIFT_AGE) > newest) {
			newest = row_int(r, DRIFT_AGE);
			best = m;
		}
		if (!d->models || str_cmp(m, first) < 0)
			first = m;
		if (name && str_cmp(m, str_of(name)) > 0 && (!after.p || str_cmp(m, after) < 0))
			after = m;
		some = d->models ? some : m;
		d->models = d->models > 1 || !str_eq(m, some) ? 2 : 1;
	}
	return str_dup(!next ? best : after.p ? after : first);
}

static void measure_interval(struct drift_page *d, const struct point *points, int n)
{
	int64_t gaps[64];
	int k = 0;
	for (int i = n - 1; i > 0 && k < 64; i--)
		if (points[i].time > points[i - 1].time)
			gaps[k++] = points[i].time - points[i - 1].time;
	qsort(gaps, (size_t)k, sizeof(*gaps), by_number);
	d->usual = k >= 3 ? gaps[k / 2] : 0;
}

static void describe_last(struct drift_page *d, const struct table *t, const struct row *r)
{
	struct buf b = { 0 };
	d->last_bad = r->level >= LEVEL_DOUBT && r->level != LEVEL_KEEP;
	buf_addstr(&b, row_text(t, r, DRIFT_RESULT));
	if (!row_null(r, DRIFT_COUNT) && row_int(r, DRIFT_COUNT) > 0) {
		buf_addf(&b, ": %lld", (long long)row_int(r, DRIFT_COUNT));
		if (!row_null(r, DRIFT_CHECKED))
			buf_addf(&b, " of %lld", (long long)row_int(r, DRIFT_CHECKED));
		buf_adds(&b, " features");
	}
	if (!row_null(r, DRIFT_SCORE)) {
		buf_adds(&b, ", score ");
		fmt_real(row_real(r, DRIFT_SCORE), &b);
	}
	if (row_text(t, r, DRIFT_ACTION).n)
		buf_addf(&b, ", done: " STR_FMT, STR_ARG(row_text(t, r, DRIFT_ACTION)));
	free(d->last);
	d->last = buf_detach(&b);
}

/* Take the points of the model that is shown. */
static void gather(struct drift_page *d, const struct app *app, const struct table *t)
{
	struct point *points = xcalloc(t->count + 1, sizeof(*points));
	int n = 0, from;
	d->drifted = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || row_null(r, DRIFT_AGE) || !str_is(row_text(t, r, DRIFT_MODEL), d->shown_model) ||
		    (app_context(app) >= 0 && r->source != app_context(app)))
			continue;
		points[n++] = (struct point){ row_int(r, DRIFT_AGE),
			row_null(r, DRIFT_SCORE) ? NAN : row_real(r, DRIFT_SCORE), r };
		d->drifted += r->level >= LEVEL_DOUBT;
	}
	qsort(points, (size_t)n, sizeof(*points), by_time);
	from = n > POINTS_MAX ? n - POINTS_MAX : 0;
	d->n = n - from;
	for (int i = from; i < n; i++) {
		d->x[i - from] = (double)points[i].time;
		d->y[i - from] = points[i].score;
	}
	free(d->last);
	d->last = NULL;
	d->newest = n ? points[n - 1].time : 0;
	d->limit = NAN;
	measure_interval(d, points, n);
	if (n) {
		const struct row *r = points[n - 1].row;
		d->limit = row_null(r, DRIFT_LIMIT) ? NAN : row_real(r, DRIFT_LIMIT);
		d->below = str_is(row_text(t, r, DRIFT_POINTS), "below");
		describe_last(d, t, r);
	}
	free(points);
}

/* Both lists show this model only, when there are several. */
static void narrow(struct drift_page *d, struct app *app)
{
	struct buf filter = { 0 };
	if (d->models > 1)
		buf_addf(&filter, "model=\"%s\"", d->shown_model);
	for (int i = 0; i < 2; i++) {
		struct table_page *t = table_page_of(d->lists[i]);
		uint64_t model = 1ull << (i == FEATURES ? (int)FEATURE_MODEL : (int)DRIFT_MODEL);
		table_page_within(d->lists[i], app, buf_str(&filter), str_of(d->models > 1 ? d->shown_model : ""));
		t->hidden |= model;              /* it is in the title */
		t->dirty = true;
	}
	buf_release(&filter);
}

static bool refresh(struct drift_page *d, struct app *app)
{
	const struct table *t = store_table_const(app_store(app), "drift");
	if (!t || t->version == d->seen)
		return false;
	d->seen = t->version;
	char *model = choose_model(d, app, t, NULL, false);
	if (d->model) {
		free(model);
		model = xstrdup(d->model);
	}
	bool moved = !d->shown_model || strcmp(model, d->shown_model);
	free(d->shown_model);
	d->shown_model = model;
	gather(d, app, t);
	if (moved)
		narrow(d, app);
	return true;
}

/* What happened on the platform in the time of the chart. */
static bool refresh_marks(struct drift_page *d, const struct app *app, int64_t now)
{
	struct changes c = { 0 };
	if (d->all && now >= d->marked && now - d->marked < 2000)
		return false;
	d->marked = now;
	d->all = app_watch_listed(app);
	if (d->n)
		changes_gather(app_store(app), (int64_t)d->x[0], (int64_t)d->x[d->n - 1] + 60000, now, &c);
	d->nmarks = feature_marks(&c, str_of(d->shown_model), d->marks, (int)ARRAY_SIZE(d->marks));
	changes_release(&c);
	return true;
}

static bool is_old(const struct drift_page *d, int64_t now)
{
	int64_t age = now - d->newest;
	return d->newest && age > (d->usual ? d->usual * OLD_INTERVALS : OLD_MS);
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct drift_page *d = of(p);
	bool changed = refresh(d, app);
	changed |= refresh_marks(d, app, now);
	d->chart_lines = !d->n ? 0 : h >= 30 ? h / 4 : h >= 18 ? 6 : h >= 10 ? 2 : 0;
	int lines = h - 1 - d->chart_lines;
	d->both = lines >= 18;
	d->top_lines = d->both ? lines / 2 : lines;
	if (d->both) {
		changed |= d->lists[FEATURES]->ops->prepare(d->lists[FEATURES], app, w, d->top_lines, now);
		changed |= d->lists[CHECKS]->ops->prepare(d->lists[CHECKS], app, w, lines - d->top_lines - 1, now);
	} else {
		changed |= d->lists[d->focus]->ops->prepare(d->lists[d->focus], app, w, lines, now);
	}
	return changed;
}

static void label_day(double x, struct buf *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(x / 1000);
	struct tm tm;
	if (gmtime_r(&t, &tm))
		buf_addf(out, "%d %.3s", tm.tm_mday, months + 3 * (tm.tm_mon % 12));
}

static void label_hour(double x, struct buf *out)
{
	time_t t = (time_t)(x / 1000);
	struct tm tm;
	if (gmtime_r(&t, &tm))
		buf_addf(out, "%02d:%02d", tm.tm_hour, tm.tm_min);
}

static void draw_head(const struct drift_page *d, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	struct buf b = { 0 };
	int x = 0;
	if (d->n) {
		bool old = is_old(d, now);
		buf_adds(&b, app_ascii(app) ? (old ? "! last check " : "last check ") : old ? "△ last check " : "last check ");
		fmt_age(now - d->newest, &b);
		buf_adds(&b, " ago");
		if (old && d->usual) {
			buf_adds(&b, ", usual is every ");
			fmt_age(d->usual, &b);
		}
		buf_adds(&b, "  ");
		x = frame_text(f, area, 1, 0, -1, buf_str(&b), old ? ROLE_DOUBT : ROLE_DIM) + 1;
		frame_fit_words(f, area, x, 0, area.w - x, str_of(d->last), d->last_bad ? ROLE_DOUBT : ROLE_TEXT);
	}
	buf_release(&b);
}

static void draw_chart(const struct drift_page *d, struct frame *f, struct rect area)
{
	double span = d->n ? d->x[d->n - 1] - d->x[0] : 0;
	struct chart c = { .x = d->x, .y = d->y, .n = d->n, .limit = d->limit, .below = d->below, .lo = NAN, .hi = NAN,
	                   .marks = d->marks, .nmarks = d->nmarks,
	                   .label = span > 2 * 86400e3 ? label_day : label_hour };
	chart_draw(&c, f, area);
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct drift_page *d = of(p);
	int y = 1 + d->chart_lines;
	draw_head(d, app, f, area, now);
	if (d->chart_lines)
		draw_chart(d, f, rect_part(area, 0, 1, area.w, d->chart_lines));
	if (!d->both) {
		const struct page *list = d->lists[d->focus];
		list->ops->draw(list, app, f, rect_part(area, 0, y, area.w, area.h - y), now);
		return;
	}
	struct rect parts[2] = { rect_part(area, 0, y, area.w, d->top_lines),
	                         rect_part(area, 0, y + d->top_lines + 1, area.w, area.h - y - d->top_lines - 1) };
	struct rect line = rect_part(area, 0, y + d->top_lines, area.w, 1);
	frame_fill(f, line, app_ascii(app) ? '-' : 0x2500, ROLE_BORDER);
	for (int i = 0; i < 2; i++) {
		d->lists[i]->ops->draw(d->lists[i], app, f, parts[i], now);
		if (i != d->focus) {             /* its cursor is not where keys go */
			frame_back(f, parts[i], ROLE_TEXT);
			frame_fill(f, rect_part(parts[i], 0, 1, 1, parts[i].h - 1), ' ', ROLE_TEXT);
		}
	}
}

/* Enter: a feature in full; of a check, all that it says. */
static bool open_row(struct drift_page *d, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(d->lists[d->focus], &t);
	struct buf b = { 0 };
	if (r && d->focus == FEATURES) {
		app_push(app, feature_page_new(app, r->source, row_key(r)));
	} else if (r) {
		buf_addf(&b, "check " STR_FMT ": " STR_FMT "  ", STR_ARG(row_key(r)), STR_ARG(row_text(t, r, DRIFT_RESULT)));
		buf_addstr(&b, row_text(t, r, DRIFT_FEATURES));
		app_say(app, false, "%s", b.data);
	}
	buf_release(&b);
	return true;
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct drift_page *d = of(p);
	struct page *list = d->lists[d->focus];
	if (!strcmp(c->name, "swap")) {
		d->focus = !d->focus;
		app_redraw(app);
		return true;
	}
	if (!strcmp(c->name, "model")) {
		const struct table *t = store_table_const(app_store(app), "drift");
		free(d->model);
		d->model = args.n ? str_dup(args) : t ? choose_model(d, app, t, d->shown_model, true) : NULL;
		d->seen = 0;
		app_redraw(app);
		return true;
	}
	if (!strcmp(c->name, "open"))
		return open_row(d, app);
	return retrain_command(app, list, c, STR("")) || list->ops->command(list, app, c, args);
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct drift_page *d = of(p);
	buf_adds(out, "drift");
	if (d->shown_model && *d->shown_model)
		buf_addf(out, " of %s", d->shown_model);
	if (d->n)
		buf_addf(out, "   %d check%s, %u with drift", d->n, d->n == 1 ? "" : "s", d->drifted);
	if (d->models > 1)
		buf_adds(out, "   more models: m");
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct page *list = of(p)->lists[of(p)->focus];
	if (list->ops->copy)
		list->ops->copy(list, app, out);
}

static void shown(struct page *p, struct app *app, bool on)
{
	for (int i = 0; i < 2; i++)
		of(p)->lists[i]->ops->shown(of(p)->lists[i], app, on);
	feature_watch(app, on);
}

static void release(struct page *p, struct app *app)
{
	struct drift_page *d = of(p);
	for (int i = 0; i < 2; i++)
		d->lists[i]->ops->free(d->lists[i], app);
	free(d->model);
	free(d->shown_model);
	free(d->last);
	free(d);
}

static const struct command commands[] = {
	{ "swap", NULL, "go to the other list: features, checks", "other list" },
	{ "model", "[NAME]", "show the next model, or this one", "model" },
	{ .name = NULL },
};
const struct command_scope drift_scope = { "drift", "the drift pane", commands };
static const struct command_scope *const scopes[] = { &drift_scope, &checks_scope, &table_scope, NULL };
static bool offers(const struct page *p, const struct app *app, const struct command *c)
{
	return table_page_offers(of(p)->lists[of(p)->focus], app, c);
}

static const struct page *in_hand(const struct page *p)
{
	return of(p)->lists[of(p)->focus];
}

static const struct page_ops ops = {
	.name = "drift", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title,
	.copy = copy, .shown = shown, .free = release, .offers = offers, .list = in_hand,
};

static struct page *open_pane(struct app *app, struct str args)
{
	struct drift_page *d = xcalloc(1, sizeof(*d));
	d->page.ops = &ops;
	d->limit = NAN;
	d->lists[FEATURES] = table_page_new(app, "features", args);
	d->lists[CHECKS] = table_page_new(app, "drift", STR(""));
	table_page_sort(d->lists[FEATURES], "drifted", true);
	table_page_sort(d->lists[CHECKS], "age", true);
	return &d->page;
}

/* Enter on a list of features; what drifted trains anew. */
static bool list_command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (retrain_command(app, p, c, STR("")))
		return true;
	struct page *next = r && !strcmp(c->name, "open") && !strcmp(table_page_kind(p), "features") ? feature_page_new(app, r->source, row_key(r)) : NULL;
	(void)arg, (void)args;
	if (next)
		app_push(app, next);
	return next != NULL;
}

/* The batch in which a feature drifted is known by the checks. */
static void list_shown(void *arg, struct page *p, struct app *app, bool on)
{
	(void)arg;
	if (!strcmp(table_page_kind(p), "features"))
		(on ? app_watch : app_unwatch)(app, "drift", "");
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	static const struct table_hooks hooks = { .name = "checks", .scope = &checks_scope, .command = list_command, .shown = list_shown };
	struct page *p = table_page_new(app, kind, filter);
	table_page_hook(p, &hooks, NULL);
	table_page_sort(p, !strcmp(kind, "features") ? "drifted" : "age", true);
	return p;
}

static const char *const kinds[] = { "features", "drift", NULL };
const struct pane pane_drift = { .name = "drift", .help = "drift of the data: scores, checks, features", .open = open_pane,
	.kinds = kinds, .kind_page = kind_page };
