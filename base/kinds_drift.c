/* kinds_drift: what checks of data against a reference found. Whoever fills them says per row which way its number
 * points: a p value is wrong below its limit, a distance or a share above it. Colour: a check that found drift is
 * doubtful; a feature that drifts now is doubtful, and wrong from the third time in a row. */
#include "base/drift.h"
#include "base/mem.h"
#include "base/table.h"
#include <math.h>

static void show_count(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (row_null(r, DRIFT_COUNT))
		buf_addc(out, '-');
	else if (row_null(r, DRIFT_CHECKED))
		buf_addf(out, "%lld", (long long)row_int(r, DRIFT_COUNT));
	else
		buf_addf(out, "%lld/%lld", (long long)row_int(r, DRIFT_COUNT), (long long)row_int(r, DRIFT_CHECKED));
}

static const char *const drift_aliases[] = { "checks", "dr", NULL };
static const struct column drift_cols[DRIFT_COL_COUNT] = {
	[DRIFT_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 3, 20 },
	[DRIFT_AGE] = { "age", "AGE", COL_TIME, 0, 0, 6 },
	[DRIFT_RESULT] = { "result", "RESULT", COL_STATUS, COL_SHARED, 0, 9 },
	[DRIFT_SCORE] = { "score", "SCORE", COL_REAL, 0, 0, 8 },
	[DRIFT_LIMIT] = { "limit", "LIMIT", COL_REAL, 0, 4, 6 },
	[DRIFT_COUNT] = { "count", "FEATURES", COL_COUNT, 0, 1, 8, .show = show_count },
	[DRIFT_ACTION] = { "action", "DONE", COL_TEXT, 0, 2, 24 },
	[DRIFT_FEATURES] = { "features", "DRIFTED", COL_TEXT, 0, 5, 30 },
	[DRIFT_CURRENT] = { "batch", "BATCH", COL_TEXT, 0, 6, 18 },
	[DRIFT_REFERENCE] = { "reference", "REFERENCE", COL_TEXT, COL_SHARED, 7, 18 },
	[DRIFT_ID] = { "id", "ID", COL_TEXT, COL_WIDE | COL_RIGHT, 8, 6 },
	[DRIFT_DRIFTED] = { "drifted", "DRIFT", COL_BOOL, COL_HIDDEN, 9 },
	[DRIFT_CHECKED] = { "checked", "CHECKED", COL_COUNT, COL_HIDDEN, 9 },
	[DRIFT_POINTS] = { "points", "POINTS", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[DRIFT_ROWS] = { "rows", "ROWS", COL_COUNT, COL_OURS, 5, 7 },
	[DRIFT_ACKNOWLEDGED] = { "acknowledged", "ACKNOWLEDGED", COL_TEXT, COL_OURS, 1, 24 },
};
const struct kind kind_drift = {
	.name = "drift", .singular = "check", .aliases = drift_aliases,
	.help = "checks of a batch of data against its reference",
	.cols = drift_cols, .ncols = DRIFT_COL_COUNT, .group = "drift", .from = "postgres or reports",
};

static const char *const features_aliases[] = { "ft", NULL };
static const struct column features_cols[FEATURE_COL_COUNT] = {
	[FEATURE_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 4, 20 },
	[FEATURE_NAME] = { "name", "FEATURE", COL_TEXT, 0, 0, 18 },
	[FEATURE_METHOD] = { "method", "METHOD", COL_TEXT, COL_SHARED, 5, 8 },
	[FEATURE_VALUE] = { "value", "VALUE", COL_REAL, 0, 1, 8 },
	[FEATURE_LIMIT] = { "limit", "LIMIT", COL_REAL, 0, 6, 6 },
	[FEATURE_DRIFTED] = { "drifted", "DRIFTED", COL_PAIR, 0, 0, 8 },
	[FEATURE_NOW] = { "now", "NOW", COL_STATUS, COL_SHARED, 2, 11 },
	[FEATURE_FIRST] = { "first", "FIRST", COL_TIME, 0, 2, 6 },
	[FEATURE_LAST] = { "last", "LAST", COL_TIME, 0, 3, 6 },
	[FEATURE_HISTORY] = { "history", "HISTORY", COL_SERIES, 0, 2, 16 },
	[FEATURE_POINTS] = { "points", "POINTS", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[FEATURE_SCORES] = { "scores", "SCORES", COL_TEXT, COL_HIDDEN, 9 },
};
const struct kind kind_features = {
	.name = "features", .singular = "feature", .aliases = features_aliases,
	.help = "features by how often and how strongly they drifted",
	.cols = features_cols, .ncols = FEATURE_COL_COUNT, .group = "drift", .from = "postgres or reports",
};

int points_over(enum points p, double value, double limit)
{
	if (isnan(value) || isnan(limit))
		return -1;
	return p == POINTS_BELOW ? value < limit : value > limit;
}

int drift_of(const struct drift_check *c)
{
	return c->drifted >= 0 ? c->drifted : points_over(c->points, c->score, c->limit);
}

static void count_or_null(struct buf *b, int64_t v)
{
	v >= 0 ? cell_int(b, v) : cell_null(b);
}

void drift_put(struct buf *b, const struct drift_check *c)
{
	int drifted = drift_of(c);
	rows_put(b, c->key, drifted > 0 ? LEVEL_DOUBT : LEVEL_NONE);
	cell_text_or_null(b, c->model);
	cell_time(b, c->time);
	cell_text(b, drifted > 0 ? STR("drift") : drifted == 0 ? STR("clean") : STR("unknown"));
	cell_real(b, c->score);
	cell_real(b, c->limit);
	count_or_null(b, c->count);
	cell_text_or_null(b, c->action);
	cell_text_or_null(b, c->features);
	cell_text_or_null(b, c->current);
	cell_text_or_null(b, c->reference);
	cell_text_or_null(b, c->id);
	count_or_null(b, drifted);
	count_or_null(b, c->checked);
	cell_text(b, str_of(points_name(c->points)));
	c->rows > 0 ? cell_int(b, c->rows) : cell_null(b);
	cell_null(b);
}

void feature_put(struct buf *b, const struct drift_feature *f)
{
	struct buf key = { 0 };
	if (f->model.n) {
		buf_addstr(&key, f->model);
		buf_addc(&key, '/');
	}
	buf_addstr(&key, f->name);
	rows_put(b, buf_str(&key), f->row && f->known ? LEVEL_DONE : f->row >= 3 ? LEVEL_BAD : f->row ? LEVEL_DOUBT : LEVEL_NONE);
	buf_release(&key);
	cell_text_or_null(b, f->model);
	cell_text(b, f->name);
	cell_text_or_null(b, f->method);
	cell_real(b, f->value);
	cell_real(b, f->limit);
	cell_int(b, PAIR(f->drifted, f->checks));
	cell_text(b, !f->row ? STR("clean") : f->known ? STR("known drift") : STR("drift"));
	cell_time(b, f->first);
	cell_time(b, f->last);
	cell_text_or_null(b, f->history);
	cell_text(b, str_of(points_name(f->points)));
	cell_text_or_null(b, f->scores);
}
