/* feature: how one feature moved: where its values lay in the reference and where they lie now, its score over the checks against
 * its own limit, when it first drifted, and what happened on the platform around that time (promotions, runs, trainings) as letters
 * on the same axis; below, the checks that found it drifted. */
#define _GNU_SOURCE
#include "panes/feature.h"
#include "base/drift.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/ranges.h"
#include "base/say.h"
#include "panes/retrain.h"
#include "tui/chart.h"
#include "tui/table_page.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define POINTS_MAX 256
#define MARKS_MAX 64
#define LEGEND_MAX 6

struct feature_page {
	struct page page;
	struct page *list;               /* of the checks */
	uint16_t source;
	char *key, *name, *model;
	uint64_t seen;                   /* version of the table, and of the store for the changes */
	double x[POINTS_MAX], y[POINTS_MAX], limit;
	int n;
	bool below, gone;
	int64_t first;
	char *head;
	enum level level;
	struct buf shape, now_shape, range;      /* series, and words; empty: nobody knows the distribution */
	bool far;
	uint64_t seen_ranges;
	struct changes changes;
	struct chart_mark marks[MARKS_MAX]; int nmarks;
	int64_t gathered;
	int chart_lines, legend_lines;
};

static struct feature_page *of(const struct page *p)
{
	return (struct feature_page *)(uintptr_t)p;
}

/* "1763692800=0.41! 1763696400=0.02" */
static void read_scores(struct feature_page *f, struct str text)
{
	f->n = 0;
	while (text.p && f->n < POINTS_MAX) {
		struct str value = str_split(&text, ' '), when = str_split(&value, '=');
		int64_t s;
		if (str_ends(value, STR("!")))
			value.n--;
		if (!str_to_i64(when, &s) || !str_to_f64(value, &f->y[f->n]))
			continue;
		f->x[f->n++] = (double)s * 1000;
	}
}

static void take_row(struct feature_page *f, const struct table *t, const struct row *r, int64_t now)
{
	struct buf b = { 0 };
	read_scores(f, row_text(t, r, FEATURE_SCORES));
	f->limit = row_null(r, FEATURE_LIMIT) ? NAN : row_real(r, FEATURE_LIMIT);
	f->below = str_is(row_text(t, r, FEATURE_POINTS), "below");
	f->first = row_int(r, FEATURE_FIRST);
	f->level = (enum level)r->level;
	row_say(t, r, "[{method}  ][{value}][, {points} {limit} is drift]", now, &b);
	buf_adds(&b, b.len ? "   drifted in " : "drifted in ");
	row_say(t, r, "{drifted} checks", now, &b);
	if (f->first) {
		buf_adds(&b, ", first ");
		fmt_age(now - f->first, &b);
		buf_adds(&b, " ago");
	}
	free(f->head);
	f->head = buf_detach(&b);
}

static void take_range(struct feature_page *f, const struct table *t, int64_t now)
{
	buf_clear(&f->shape);
	buf_clear(&f->now_shape);
	buf_clear(&f->range);
	for (uint32_t i = 0; t && i < t->nslots && !f->range.len; i++) {
		const struct row *r = table_row(t, i);
		if (!r || !str_is(row_text(t, r, RANGE_NAME), f->name) ||
		    (*f->model && !row_null(r, RANGE_MODEL) && !str_is(row_text(t, r, RANGE_MODEL), f->model)))
			continue;
		buf_addstr(&f->shape, row_text(t, r, RANGE_SHAPE));
		buf_addstr(&f->now_shape, row_text(t, r, RANGE_NOW));
		row_say(t, r, "98 % in {low} .. {high}[, {outside} outside now]", now, &f->range);
		f->far = r->level >= LEVEL_DOUBT;
	}
}

static bool is_marked(const struct change *c, struct str model)
{
	if (*c->letter == 'P' || *c->letter == 'T')          /* "real_estate_model v7" */
		return !model.n || !*c->about || str_starts(str_of(c->about), model);
	return *c->letter == 'R';
}

/* Runs first, so that promotions and trainings are drawn over them; of very many runs only those that failed. */
int feature_marks(const struct changes *c, struct str model, struct chart_mark *marks, int most)
{
	enum { RUNS_MAX = 12 };
	unsigned runs = 0;
	int n = 0;
	for (unsigned i = 0; i < c->n; i++)
		runs += *c->list[i].letter == 'R';
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = c->n; i-- > 0 && n < most;) {
			const struct change *x = &c->list[i];
			bool run = *x->letter == 'R';
			if (is_marked(x, model) && run == !pass && (!run || runs <= RUNS_MAX || (strstr(x->text, "fail") && n < most / 2)))
				marks[n++] = (struct chart_mark){ (double)x->time, x->letter };
		}
	return n;
}

void feature_watch(struct app *app, bool on)
{
	static const char *const kinds[] = { "promotions", "runs", "trainings" };
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned i = 0; i < app_sources(app); i++)
			if (backend_fills(app_source(app, (uint16_t)i)->backend, kinds[k])) {
				(on ? app_watch : app_unwatch)(app, kinds[k], "");
				break;
			}
}

/* What happened between the first and the last point. */
static void take_changes(struct feature_page *f, const struct store *s, int64_t now)
{
	int64_t from = f->n ? (int64_t)f->x[0] : 0, to = f->n ? (int64_t)f->x[f->n - 1] + 60000 : 0;
	changes_gather(s, from, to, now, &f->changes);
	f->nmarks = feature_marks(&f->changes, str_of(f->model), f->marks, MARKS_MAX - 1);
	if (f->first)
		f->marks[f->nmarks++] = (struct chart_mark){ (double)f->first, "D" };
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct feature_page *f = of(p);
	const struct table *t = store_table_const(app_store(app), "features");
	const struct row *r = t ? table_find(t, f->source, str_of(f->key)) : NULL;
	bool changed = false;
	if (t && (t->version != f->seen || !f->head)) {
		f->seen = t->version;
		f->gone = !r;
		if (r)
			take_row(f, t, r, now);
		f->gathered = 0;
		changed = true;
	}
	const struct table *ranges = store_table_const(app_store(app), "ranges");
	if (ranges && ranges->version != f->seen_ranges) {
		f->seen_ranges = ranges->version;
		take_range(f, ranges, now);
		changed = true;
	}
	if (now - f->gathered > 2000 || now < f->gathered) {
		take_changes(f, app_store(app), now);
		f->gathered = now;
		changed = true;
	}
	f->chart_lines = !f->n ? 0 : h >= 16 ? h / 2 - 2 : h >= 9 ? h - 5 : 2;
	f->legend_lines = !f->n || h < 12 ? 0 : f->nmarks < LEGEND_MAX ? f->nmarks : LEGEND_MAX;
	int rest = h - 1 - (f->range.len > 0) - f->chart_lines - f->legend_lines;
	return f->list->ops->prepare(f->list, app, w, rest > 0 ? rest : 1, now) || changed;
}

static void label_time(double x, struct buf *out)
{
	time_t s = (time_t)(x / 1000);
	struct tm tm;
	char text[24];
	if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), "%d %b %H:%M", &tm))
		buf_adds(out, text);
}

/* What the letters mean: the changes nearest to the first drift, in order of time. */
static void draw_legend(const struct feature_page *f, struct frame *fr, struct rect area, int64_t now)
{
	int shown = 0, skip;
	unsigned near = 0, n = 0;
	for (unsigned i = 0; i < f->changes.n; i++)
		if (is_marked(&f->changes.list[i], str_of(f->model))) {
			near += f->changes.list[i].time <= f->first;
			n++;
		}
	skip = (int)near - area.h / 2;
	skip = skip + area.h > (int)n ? (int)n - area.h + (f->first != 0) : skip;
	for (unsigned i = 0; i < f->changes.n && shown < area.h - (f->first != 0); i++) {
		const struct change *c = &f->changes.list[i];
		struct buf b = { 0 };
		if (!is_marked(c, str_of(f->model)) || skip-- > 0)
			continue;
		buf_addf(&b, "%s  ", c->letter);
		label_time((double)c->time, &b);
		buf_addf(&b, "  %s", c->text);
		frame_fit(fr, area, 9, shown++, area.w - 10, buf_str(&b), ROLE_DIM);
		buf_release(&b);
	}
	if (f->first && shown < area.h) {
		struct buf b = { 0 };
		buf_adds(&b, "D  ");
		label_time((double)f->first, &b);
		buf_addf(&b, "  %s first drifted", f->name);
		frame_fit(fr, area, 9, shown, area.w - 10, buf_str(&b), ROLE_DIM);
		buf_release(&b);
	}
}

static void draw(const struct page *p, const struct app *app, struct frame *fr, struct rect area, int64_t now)
{
	const struct feature_page *f = of(p);
	struct chart c = { .x = f->x, .y = f->y, .n = f->n, .limit = f->limit, .below = f->below, .lo = NAN, .hi = NAN,
	                   .marks = f->marks, .nmarks = f->nmarks, .label = label_time };
	int y = 1;
	frame_fit(fr, area, 1, 0, area.w - 2, str_of(f->gone ? "no check of those that are read names it any more" : f->head),
	          f->level >= LEVEL_DOUBT ? ROLE_DOUBT : ROLE_TEXT);
	if (f->range.len) {
		struct buf b = { 0 };
		buf_adds(&b, "reference ");
		spark_text(buf_str(&f->shape), 16, fr->ascii, &b);
		if (f->now_shape.len) {
			buf_adds(&b, "  now ");
			spark_text(buf_str(&f->now_shape), 16, fr->ascii, &b);
		}
		buf_addf(&b, "  " STR_FMT, STR_ARG(buf_str(&f->range)));
		frame_fit(fr, area, 1, y++, area.w - 2, buf_str(&b), f->far ? ROLE_DOUBT : ROLE_TEXT);
		buf_release(&b);
	}
	if (f->chart_lines) {
		chart_draw(&c, fr, rect_part(area, 0, y, area.w, f->chart_lines));
		y += f->chart_lines;
	}
	if (f->legend_lines) {
		draw_legend(f, fr, rect_part(area, 0, y, area.w, f->legend_lines), now);
		y += f->legend_lines;
	}
	if (area.h > y)
		f->list->ops->draw(f->list, app, fr, rect_part(area, 0, y, area.w, area.h - y), now);
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct page *list = of(p)->list;
	return retrain_command(app, list, c, str_of(of(p)->name)) || list->ops->command(list, app, c, args);
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct feature_page *f = of(p);
	buf_addf(out, "feature %s", f->key);
	if (f->n)
		buf_addf(out, "   score over %d check%s, below: those that found it drifted", f->n, f->n == 1 ? "" : "s");
	else
		buf_adds(out, "   its checks give no score; below: those that found it drifted");
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct page *list = of(p)->list;
	if (list->ops->copy)
		list->ops->copy(list, app, out);
}

static void shown(struct page *p, struct app *app, bool on)
{
	(on ? app_watch : app_unwatch)(app, "features", "");
	(on ? app_watch : app_unwatch)(app, "ranges", "");
	feature_watch(app, on);
	of(p)->list->ops->shown(of(p)->list, app, on);
}

static void release(struct page *p, struct app *app)
{
	struct feature_page *f = of(p);
	f->list->ops->free(f->list, app);
	changes_release(&f->changes);
	free(f->key);
	free(f->name);
	free(f->model);
	free(f->head);
	buf_release(&f->shape);
	buf_release(&f->now_shape);
	buf_release(&f->range);
	free(f);
}

static const struct command_scope *const scopes[] = { &checks_scope, &table_scope, NULL };
static const struct page_ops ops = {
	.name = "feature", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.shown = shown, .free = release,
};

struct page *feature_page_new(struct app *app, uint16_t source, struct str key)
{
	const struct table *t = store_table_const(app_store(app), "features");
	const struct row *r = t ? table_find(t, source, key) : NULL;
	struct str name = r ? row_text(t, r, FEATURE_NAME) : STR(""), model = r ? row_text(t, r, FEATURE_MODEL) : STR("");
	struct buf filter = { 0 };
	if (!r)
		return NULL;
	struct feature_page *f = xcalloc(1, sizeof(*f));
	f->page.ops = &ops;
	f->source = source;
	f->key = str_dup(key);
	f->name = str_dup(name);
	f->model = str_dup(model);
	f->list = table_page_new(app, "drift", STR(""));
	table_page_sort(f->list, "age", true);
	buf_addf(&filter, "features~\"" STR_FMT "\"", STR_ARG(name));
	if (model.n && !memchr(model.p, '"', model.n))
		buf_addf(&filter, " model=\"" STR_FMT "\"", STR_ARG(model));
	if (memchr(name.p, '"', name.n) || !table_page_within(f->list, app, buf_str(&filter), name))
		app_say(app, true, "the checks of this feature cannot be told by a filter");
	buf_release(&filter);
	return &f->page;
}
