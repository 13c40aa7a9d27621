/* predict_log: predictions that were made, as their services logged them: the list, and under it how many, how fast, and
 * whether inputs and outputs are still where they used to be. The newer half of the log is set against what the model was trained
 * on, where rows of `ranges` say that, else against the older half. */
#include "base/fmt.h"
#include "base/mem.h"
#include "base/ranges.h"
#include "panes/predict.h"
#include "tui/chart.h"
#include "tui/table_page.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 2000, INPUTS_MAX = 12, BINS = 16, ENOUGH = 20 };

struct spread {                  /* one input, or the prediction */
	char name[48];
	double *older, *newer; unsigned nolder, nnewer;
	bool trained;                /* lo, hi and median_before are of what the model was trained on */
	double lo, hi;               /* where 98 % of that, or of the older, lie */
	double median_before, median, outside;   /* outside: share of the newer beyond lo and hi */
	double bins[BINS];           /* of the newer, between lo and hi */
};
struct log_page {
	struct predict_page *fill;   /* Enter fills its inputs; NULL: opens an endpoint */
	uint64_t seen, seen_ranges;
	unsigned n, counted;
	int64_t first, last;
	double p50, p99;             /* latency, ms */
	double rate[24]; unsigned nrate;
	struct spread spreads[INPUTS_MAX + 1]; unsigned nspreads;
	char versions[160];
};

bool predict_log_inputs(const struct table *t, const struct row *r, json_t **inputs)
{
	struct str s = row_text(t, r, PREDICTION_INPUTS);
	*inputs = s.n ? json_loadb(s.p, s.n, 0, NULL) : NULL;
	while (json_is_array(*inputs)) {
		json_t *first = json_incref(json_array_get(*inputs, 0));
		json_decref(*inputs);
		*inputs = first;
	}
	if (json_is_object(*inputs))
		return true;
	json_decref(*inputs);
	*inputs = NULL;
	return false;
}

/* ---- figures */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = row_int(*(const struct row *const *)a, PREDICTION_AGE), y = row_int(*(const struct row *const *)b, PREDICTION_AGE);
	return (x > y) - (x < y);
}

static double quantile(const double *v, unsigned n, double q)
{
	return n ? v[(unsigned)((n - 1) * q)] : NAN;
}

static struct spread *spread_of(struct log_page *l, const char *name)
{
	for (unsigned i = 0; i < l->nspreads; i++)
		if (!strcmp(l->spreads[i].name, name))
			return &l->spreads[i];
	if (l->nspreads == ARRAY_SIZE(l->spreads))
		return NULL;
	struct spread *s = &l->spreads[l->nspreads++];
	*s = (struct spread){ .older = xcalloc(ROWS_MAX, sizeof(double)), .newer = xcalloc(ROWS_MAX, sizeof(double)) };
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

static void add_value(struct log_page *l, const char *name, double v, bool newer)
{
	struct spread *s = isnan(v) ? NULL : spread_of(l, name);
	if (s && newer)
		s->newer[s->nnewer++] = v;
	else if (s)
		s->older[s->nolder++] = v;
}

/* The range of that input: of that model, or of any. */
static const struct row *trained_on(const struct table *t, struct str model, const char *name)
{
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && str_is(row_text(t, r, RANGE_NAME), name) && !row_null(r, RANGE_LOW) &&
		    (row_null(r, RANGE_MODEL) || !model.n || str_eq(row_text(t, r, RANGE_MODEL), model)))
			return r;
	}
	return NULL;
}

static void settle(struct spread *s, const struct row *trained)
{
	unsigned outside = 0;
	qsort(s->older, s->nolder, sizeof(double), by_value);
	qsort(s->newer, s->nnewer, sizeof(double), by_value);
	s->lo = quantile(s->older, s->nolder, 0.01);
	s->hi = quantile(s->older, s->nolder, 0.99);
	s->median_before = quantile(s->older, s->nolder, 0.5);
	s->median = quantile(s->newer, s->nnewer, 0.5);
	if ((s->trained = trained != NULL)) {
		s->lo = row_real(trained, RANGE_LOW);
		s->hi = row_real(trained, RANGE_HIGH);
		s->median_before = row_real(trained, RANGE_MEDIAN);
	}
	for (unsigned i = 0; i < s->nnewer; i++) {
		double at = s->hi > s->lo ? (s->newer[i] - s->lo) / (s->hi - s->lo) * BINS : 0;
		outside += s->newer[i] < s->lo || s->newer[i] > s->hi;
		s->bins[at < 0 ? 0 : at >= BINS ? BINS - 1 : (int)at]++;
	}
	s->outside = (s->trained || s->nolder >= ENOUGH) && s->nnewer ? (double)outside / s->nnewer : NAN;
}

static void forget_spreads(struct log_page *l)
{
	for (unsigned i = 0; i < l->nspreads; i++) {
		free(l->spreads[i].older);
		free(l->spreads[i].newer);
	}
	l->nspreads = 0;
}

static void count_versions(struct log_page *l, const struct table *t, const struct row *const *rows)
{
	struct { struct str name; unsigned n; } seen[6] = { 0 };
	struct buf b = { 0 };
	unsigned k = 0;
	for (unsigned i = 0; i < l->n; i++) {
		struct str v = row_text(t, rows[i], PREDICTION_VERSION);
		for (k = 0; k < ARRAY_SIZE(seen) && seen[k].n && !str_eq(seen[k].name, v); k++)
			;
		if (k < ARRAY_SIZE(seen)) {
			seen[k].name = v;
			seen[k].n++;
		}
	}
	for (k = 0; k < ARRAY_SIZE(seen) && seen[k].n; k++)
		buf_addf(&b, "%sv" STR_FMT " %u", k ? ", " : "", STR_ARG(seen[k].name.n ? seen[k].name : STR("-")), seen[k].n);
	snprintf(l->versions, sizeof(l->versions), "%s", b.data ? b.data : "");
	buf_release(&b);
}

static void figure(struct log_page *l, const struct table *t, const struct row *const *rows, const struct table *ranges)
{
	double *ms = xcalloc(l->n + 1, sizeof(double));
	unsigned nms = 0;
	l->first = l->n ? row_int(rows[0], PREDICTION_AGE) : 0;
	l->last = l->n ? row_int(rows[l->n - 1], PREDICTION_AGE) : 0;
	l->nrate = l->last > l->first ? 24 : 0;
	memset(l->rate, 0, sizeof(l->rate));
	for (unsigned i = 0; i < l->n; i++) {
		json_t *o = NULL, *v;
		const char *name;
		bool newer = i >= l->n / 2;
		if (!row_null(rows[i], PREDICTION_LATENCY))
			ms[nms++] = row_real(rows[i], PREDICTION_LATENCY);
		if (l->nrate)
			l->rate[(int)((double)(row_int(rows[i], PREDICTION_AGE) - l->first) / (double)(l->last - l->first) * 23.999)]++;
		add_value(l, "prediction", row_null(rows[i], PREDICTION_VALUE) ? NAN : row_real(rows[i], PREDICTION_VALUE), newer);
		if (predict_log_inputs(t, rows[i], &o))
			json_object_foreach(o, name, v)
				if (json_is_number(v))
					add_value(l, name, json_number_value(v), newer);
		json_decref(o);
	}
	qsort(ms, nms, sizeof(double), by_value);
	l->p50 = quantile(ms, nms, 0.5);
	l->p99 = quantile(ms, nms, 0.99);
	free(ms);
	struct str model = l->n ? row_text(t, rows[l->n - 1], PREDICTION_MODEL) : STR("");
	for (unsigned i = 0; i < l->nspreads; i++)
		settle(&l->spreads[i], trained_on(ranges, model, l->spreads[i].name));
	count_versions(l, t, rows);
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct log_page *l = arg;
	const struct table *t = store_table_const(app_store(app), "predictions"), *ranges = store_table_const(app_store(app), "ranges");
	(void)p, (void)now;
	if (!t || (t->version == l->seen && (!ranges || ranges->version == l->seen_ranges)))
		return false;
	l->seen = t->version;
	l->seen_ranges = ranges ? ranges->version : 0;
	const struct row **rows = xcalloc(t->count + 1, sizeof(*rows));
	unsigned n = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && !row_null(r, PREDICTION_AGE) && (app_context(app) < 0 || r->source == app_context(app)))
			rows[n++] = r;
	}
	qsort(rows, n, sizeof(*rows), by_time);
	l->counted = n;
	unsigned from = n > ROWS_MAX ? n - ROWS_MAX : 0;
	l->n = n - from;
	forget_spreads(l);
	figure(l, t, rows + from, ranges);
	free(rows);
	return true;
}

/* ---- under the list */

static int below_lines(void *arg, const struct page *p, int h)
{
	const struct log_page *l = arg;
	int want = (int)l->nspreads + 3;
	(void)p;
	return h < 14 || !l->n ? 0 : want < h / 2 ? want : h / 2;
}

static void draw_rate(const struct log_page *l, struct frame *f, struct rect area)
{
	struct buf b = { 0 };
	double hours = (double)(l->last - l->first) / 3600e3;
	fmt_thousands(l->counted, &b);
	buf_adds(&b, " predictions in ");
	span_text(&b, l->last - l->first);
	if (hours > 0)
		buf_addf(&b, ", %.3g/h ", l->n / hours);
	spark(l->rate, (int)l->nrate, 24, f->ascii, &b);
	if (!isnan(l->p50)) {
		buf_adds(&b, "   latency p50 ");
		ms_text(l->p50, &b);
		buf_adds(&b, ", p99 ");
		ms_text(l->p99, &b);
	}
	buf_addf(&b, "   %s", l->versions);
	frame_fit(f, area, 1, 1, area.w - 1, buf_str(&b), ROLE_TEXT);
	buf_release(&b);
}

static void draw_spread(const struct spread *s, struct frame *f, struct rect line)
{
	struct buf b = { 0 };
	bool far = s->outside > 0.1;
	frame_text(f, line, 0, 0, 1, str_of(!far ? " " : f->ascii ? "?" : "△"), ROLE_DOUBT);
	frame_fit(f, line, 2, 0, 18, str_of(s->name), ROLE_TEXT);
	spark(s->bins, BINS, BINS, f->ascii, &b);
	frame_text(f, line, 21, 0, BINS, buf_str(&b), ROLE_CHART);
	buf_clear(&b);
	number_text(s->median, &b);
	frame_right(f, line, 39, 0, 11, buf_str(&b), far ? ROLE_DOUBT : ROLE_TEXT);
	buf_clear(&b);
	number_text(s->median_before, &b);
	frame_right(f, line, 51, 0, 11, buf_str(&b), ROLE_DIM);
	buf_clear(&b);
	if (isnan(s->outside)) {
		buf_adds(&b, "too few to compare");
	} else {
		fmt_ratio(s->outside, &b);
		buf_adds(&b, " outside ");
		number_text(s->lo, &b);
		buf_adds(&b, " .. ");
		number_text(s->hi, &b);
		buf_adds(&b, s->trained ? ", trained on" : "");
	}
	frame_fit(f, line, 64, 0, line.w - 64, buf_str(&b), far ? ROLE_DOUBT : ROLE_DIM);
	buf_release(&b);
}

static void below(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct log_page *l = arg;
	(void)p, (void)app, (void)now;
	frame_fill(f, rect_part(area, 0, 0, area.w, 1), f->ascii ? '-' : 0x2500, ROLE_BORDER);
	draw_rate(l, f, area);
	frame_text(f, area, 2, 2, -1, STR("newer half"), ROLE_HEADING);
	frame_right(f, area, 39, 2, 11, STR("median"), ROLE_HEADING);
	frame_right(f, area, 51, 2, 11, STR("before"), ROLE_HEADING);
	frame_fit(f, area, 64, 2, area.w - 64, STR("against 98 % of what it was trained on, else of the older half"), ROLE_HEADING);
	for (unsigned i = 0; i < l->nspreads && (int)i + 3 < area.h; i++)
		draw_spread(&l->spreads[i], f, rect_part(area, 0, (int)i + 3, area.w, 1));
}

/* ---- Enter */

/* The endpoint that serves this row's version, else the one of its model, else the first. */
static const struct row *endpoint_for(const struct table *e, const struct table *t, const struct row *r)
{
	const struct row *best = NULL;
	int good = -1;
	for (uint32_t i = 0; e && i < e->nslots; i++) {
		const struct row *x = table_row(e, i);
		if (!x)
			continue;
		struct str version = row_text(e, x, ENDPOINT_VERSION), model = row_text(e, x, ENDPOINT_MODEL);
		int is = 2 * (version.n && str_eq(version, row_text(t, r, PREDICTION_VERSION))) +
		         (model.n && str_eq(model, row_text(t, r, PREDICTION_MODEL)));
		if (is > good) {
			best = x;
			good = is;
		}
	}
	return best;
}

static char *say_logged(const struct table *t, const struct row *r)
{
	struct buf b = { 0 };
	buf_adds(&b, "the log says ");
	number_text(row_null(r, PREDICTION_VALUE) ? NAN : row_real(r, PREDICTION_VALUE), &b);
	buf_addf(&b, " by v" STR_FMT ", request " STR_FMT, STR_ARG(row_text(t, r, PREDICTION_VERSION)),
	         STR_ARG(row_text(t, r, PREDICTION_REQUEST)));
	return buf_detach(&b);
}

static void replay(struct log_page *l, struct page *p, struct app *app)
{
	const struct table *t, *e = store_table_const(app_store(app), "modelendpoints");
	const struct row *r = table_page_row(p, &t), *to;
	json_t *inputs = NULL;
	if (!r || !predict_log_inputs(t, r, &inputs)) {
		if (r)
			app_say(app, true, "the log holds no inputs of this prediction that could be sent again");
		return;
	}
	char *logged = say_logged(t, r);
	if (l->fill) {
		predict_take(l->fill, inputs, logged);
		app_pop(app);
	} else if ((to = endpoint_for(e, t, r))) {
		app_push(app, predict_page_new(app, to->source, row_key(to), inputs, logged));
	} else {
		app_say(app, true, "there is no endpoint to send this to: configure a source of type serving");
	}
	free(logged);
	json_decref(inputs);
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	(void)args;
	if (strcmp(c->name, "open"))
		return false;
	replay(arg, p, app);
	return true;
}

static void shown(void *arg, struct page *p, struct app *app, bool on)
{
	(void)arg, (void)p;
	(on ? app_watch : app_unwatch)(app, "modelendpoints", "");
	(on ? app_watch : app_unwatch)(app, "ranges", "");
}

static void release(void *arg, struct app *app)
{
	(void)app;
	forget_spreads(arg);
	free(arg);
}

static const struct table_hooks hooks = { .command = command, .prepare = prepare, .below = below, .below_lines = below_lines,
	.shown = shown, .free = release };

struct page *predict_log_page(struct app *app, struct str filter, struct predict_page *fill)
{
	struct page *p = table_page_new(app, "predictions", filter);
	struct log_page *l = xcalloc(1, sizeof(*l));
	l->fill = fill;
	table_page_hook(p, &hooks, l);
	table_page_sort(p, "age", true);
	return p;
}
