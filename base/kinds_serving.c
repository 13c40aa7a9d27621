/* kinds_serving: endpoints that answer for a model, and predictions that were made. Kubernetes has `endpoints` of its own,
 * so ours are modelendpoints. */
#include "base/serving.h"
#include "base/fmt.h"
#include "base/table.h"
#include <math.h>

static const char *const endpoints_aliases[] = { "serving", "me", NULL };
static const struct column endpoints_cols[ENDPOINT_COL_COUNT] = {
	[ENDPOINT_NAME] = { "name", "ENDPOINT", COL_TEXT, 0, 0, 20 },
	[ENDPOINT_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 0, 10 },
	[ENDPOINT_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 2, 20 },
	[ENDPOINT_VERSION] = { "version", "VERSION", COL_TEXT, COL_SHARED, 1, 8 },
	[ENDPOINT_STAGE] = { "stage", "STAGE", COL_TEXT, COL_SHARED, 4, 10 },
	[ENDPOINT_P50] = { "p50", "P50 ms", COL_REAL, 0, 2, 7 },
	[ENDPOINT_P99] = { "p99", "P99 ms", COL_REAL, 0, 3, 7 },
	[ENDPOINT_ERRORS] = { "errors", "ERRORS", COL_RATIO, 0, 1, 7 },
	[ENDPOINT_CALLS] = { "calls", "CALLS", COL_COUNT, 0, 5, 6 },
	[ENDPOINT_PROTOCOL] = { "protocol", "PROTOCOL", COL_TEXT, COL_SHARED, 4, 10 },
	[ENDPOINT_SINCE] = { "since", "SINCE", COL_TIME, 0, 3, 6 },
	[ENDPOINT_EXPLAINS] = { "explains", "EXPLAINS", COL_BOOL, COL_WIDE, 7 },
	[ENDPOINT_RUN] = { "run", "RUN", COL_TEXT, COL_WIDE, 8, 12 },
	[ENDPOINT_URL] = { "url", "URL", COL_TEXT, COL_WIDE, 6, 28 },
	[ENDPOINT_WHY] = { "why", "WHY", COL_TEXT, 0, 6, 40 },
};
const struct kind kind_modelendpoints = {
	.name = "modelendpoints", .singular = "modelendpoint", .aliases = endpoints_aliases,
	.help = "services that answer for a model: ready, version, latency and errors of our own calls",
	.cols = endpoints_cols, .ncols = ENDPOINT_COL_COUNT, .group = "serving", .from = "serving or models",
};

/* 447,210: a price is read by its thousands. */
static void show_value(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	double v = row_real(r, PREDICTION_VALUE);
	(void)t, (void)now;
	if (row_null(r, PREDICTION_VALUE))
		buf_addc(out, '-');
	else if (v >= 1000 && v < 1e15)
		fmt_thousands((int64_t)(v + 0.5), out);
	else
		fmt_real(v, out);
}

static const char *const predictions_aliases[] = { "pred", NULL };
static const struct column predictions_cols[PREDICTION_COL_COUNT] = {
	[PREDICTION_AGE] = { "age", "AGE", COL_TIME, 0, 0, 6 },
	[PREDICTION_VALUE] = { "prediction", "PREDICTION", COL_REAL, 0, 0, 12, .show = show_value },
	[PREDICTION_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 5, 18 },
	[PREDICTION_VERSION] = { "version", "VERSION", COL_TEXT, COL_SHARED, 1, 8 },
	[PREDICTION_LATENCY] = { "latency", "LATENCY ms", COL_REAL, 0, 2, 10 },
	[PREDICTION_INPUTS] = { "inputs", "INPUTS", COL_TEXT, 0, 3, 60 },
	[PREDICTION_RUN] = { "run", "RUN", COL_TEXT, COL_SHARED | COL_WIDE, 7, 12 },
	[PREDICTION_REQUEST] = { "request", "REQUEST", COL_TEXT, 0, 6, 14 },
	[PREDICTION_ID] = { "id", "ID", COL_TEXT, COL_WIDE | COL_RIGHT, 8, 8 },
};
const struct kind kind_predictions = {
	.name = "predictions", .singular = "prediction", .aliases = predictions_aliases,
	.help = "predictions that were made, from the log of a service",
	.cols = predictions_cols, .ncols = PREDICTION_COL_COUNT, .group = "serving", .from = "serving or models",
};

void endpoint_put(struct buf *b, const struct endpoint *e)
{
	enum level level = e->level;
	if (level < LEVEL_DOUBT && e->calls >= 5 && e->failed * 20 >= e->calls)
		level = e->failed * 5 >= e->calls ? LEVEL_BAD : LEVEL_DOUBT;
	rows_put(b, e->key, level);
	cell_text_or_null(b, e->name);
	cell_text_or_null(b, e->status);
	cell_text_or_null(b, e->model);
	cell_text_or_null(b, e->version);
	cell_text_or_null(b, e->stage);
	cell_real(b, e->p50);
	cell_real(b, e->p99);
	cell_real(b, e->calls ? (double)e->failed / (double)e->calls : NAN);
	cell_int(b, e->calls);
	cell_text_or_null(b, e->protocol);
	cell_time(b, e->since);
	e->explains < 0 ? cell_null(b) : cell_int(b, e->explains);
	cell_text_or_null(b, e->run);
	cell_text_or_null(b, e->url);
	cell_text_or_null(b, e->why);
}

void prediction_put(struct buf *b, const struct prediction *p)
{
	rows_put(b, p->key, LEVEL_NONE);
	cell_time(b, p->time);
	cell_real(b, p->value);
	cell_text_or_null(b, p->model);
	cell_text_or_null(b, p->version);
	cell_real(b, p->latency_ms);
	cell_text_or_null(b, p->inputs);
	cell_text_or_null(b, p->run);
	cell_text_or_null(b, p->request);
	cell_text_or_null(b, p->id);
}
