/* ranges: see ranges.h. */
#include "base/ranges.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/table.h"
#include <math.h>
#include <stdlib.h>

enum { BINS = 16 };

static const char *const ranges_aliases[] = { "rg", NULL };
static const struct column ranges_cols[RANGE_COL_COUNT] = {
	[RANGE_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 4, 20 },
	[RANGE_NAME] = { "name", "FEATURE", COL_TEXT, 0, 0, 18 },
	[RANGE_LOW] = { "low", "LOW", COL_REAL, 0, 1, 10 },
	[RANGE_MEDIAN] = { "median", "MEDIAN", COL_REAL, 0, 1, 10 },
	[RANGE_HIGH] = { "high", "HIGH", COL_REAL, 0, 1, 10 },
	[RANGE_SHAPE] = { "shape", "REFERENCE", COL_SERIES, 0, 2, BINS },
	[RANGE_NOW] = { "now", "NOW", COL_SERIES, 0, 2, BINS },
	[RANGE_OUTSIDE] = { "outside", "OUTSIDE", COL_RATIO, 0, 1, 8 },
	[RANGE_AGE] = { "age", "AGE", COL_TIME, 0, 3, 6 },
	[RANGE_FROM] = { "from", "FROM", COL_TEXT, COL_SHARED, 5, 28 },
};
const struct kind kind_ranges = {
	.name = "ranges", .singular = "range", .aliases = ranges_aliases,
	.help = "where the values of each feature lay in the reference, and where they lie now",
	.cols = ranges_cols, .ncols = RANGE_COL_COUNT, .group = "drift",
};

void range_add(struct range_pieces *p, double from, double to, double mass)
{
	if (!isfinite(from) || !isfinite(to) || !isfinite(mass) || to < from || mass <= 0 || p->n == RANGE_PIECES)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
	}
	p->list[p->n++] = (struct range_piece){ from, to, mass };
	p->mass += mass;
}

void range_release(struct range_pieces *p)
{
	free(p->list);
	*p = (struct range_pieces){ 0 };
}

double range_below(const struct range_pieces *p, double x)
{
	double sum = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct range_piece *c = &p->list[i];
		sum += x >= c->to ? c->mass : x <= c->from ? 0 : c->mass * ((x - c->from) / (c->to - c->from));
	}
	return p->n ? sum / p->mass : NAN;
}

double range_quantile(const struct range_pieces *p, double q)
{
	double least = INFINITY, most = -INFINITY;
	for (unsigned i = 0; i < p->n; i++) {
		least = fmin(least, p->list[i].from);
		most = fmax(most, p->list[i].to);
	}
	if (!p->n)
		return NAN;
	if (range_below(p, least) >= q)
		return least;
	for (int i = 0; i < 60; i++) {       /* halving finds it to the last bit that matters */
		double x = least + (most - least) / 2;
		if (range_below(p, x) < q)
			least = x;
		else
			most = x;
	}
	return most;
}

/* What is beyond low and high is in the outermost bins. */
static void put_shape(struct buf *b, const struct range_pieces *p, double low, double high)
{
	struct buf text = { 0 };
	double before = 0;
	for (int i = 0; p->n && high > low && i < BINS; i++) {
		double upto = i + 1 == BINS ? 1 : range_below(p, low + (high - low) * (i + 1) / BINS);
		buf_addf(&text, "%s%.4g", i ? " " : "", upto > before ? upto - before : 0);
		before = upto;
	}
	cell_text_or_null(b, buf_str(&text));
	buf_release(&text);
}

void range_put(struct buf *b, const struct feature_range *r)
{
	double low = range_quantile(&r->reference, 0.01), high = range_quantile(&r->reference, 0.99), outside = NAN;
	struct buf key = { 0 };
	if (r->now.n && !isnan(low))         /* a hair below low, as what lies on it is within */
		outside = 1 - range_below(&r->now, high) + range_below(&r->now, nextafter(low, -INFINITY));
	if (r->model.n)
		buf_addf(&key, STR_FMT "/", STR_ARG(r->model));
	buf_addstr(&key, r->name);
	rows_put(b, buf_str(&key), outside > 0.1 ? LEVEL_DOUBT : LEVEL_NONE);
	buf_release(&key);
	cell_text_or_null(b, r->model);
	cell_text(b, r->name);
	cell_real(b, low);
	cell_real(b, range_quantile(&r->reference, 0.5));
	cell_real(b, high);
	put_shape(b, &r->reference, low, high);
	put_shape(b, &r->now, low, high);
	cell_real(b, outside < 0 ? 0 : outside);
	cell_time(b, r->time);
	cell_text_or_null(b, r->from);
}
