/* report_gx: validation and checkpoint results of Great Expectations, of 0.x (expectation_type, evaluation_parameters) and 1.x
 * (type, suite_name). A check's score is the share of expectations that were not met. A feature is a column with the share of
 * its values that were unexpected, above what `mostly` allows; an expectation of one number (a mean, a count of rows) is a feature
 * of its own, "price mean", with the bound that it broke or is nearest to. */
#include "backends/drift/report.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

struct expectation {
	struct str type, column;
	const json_t *kwargs, *result;
	int success;             /* -1 not said */
};

/* "expect_column_values_to_not_be_null" -> "not_be_null", "expect_column_mean_to_be_between" -> "mean" */
static struct str short_type(struct str type)
{
	static const char *const heads[] = { "expect_column_values_to_", "expect_column_", "expect_table_", "expect_", NULL };
	for (const char *const *h = heads; *h; h++)
		if (str_starts(type, str_of(*h))) {
			type.p += strlen(*h), type.n -= strlen(*h);
			break;
		}
	size_t to = str_find(type, STR("_to_"), false);
	return to != STR_NONE && to > 0 ? (struct str){ type.p, to } : type;
}

static struct expectation expectation_of(const json_t *e)
{
	const json_t *config = json_object_get(e, "expectation_config");
	const json_t *of = json_is_object(config) ? config : e;
	struct str type = report_text(of, "type");
	const json_t *kwargs = json_object_get(of, "kwargs");
	return (struct expectation){ .type = type.n ? type : report_text(of, "expectation_type"),
		.column = report_text(kwargs, "column"), .kwargs = kwargs, .result = json_object_get(e, "result"),
		.success = report_bool(e, "success") };
}

static void note_share(struct reading *r, const struct expectation *e, double percent)
{
	double mostly = report_number(e->kwargs, "mostly");
	struct buf method = { 0 };
	struct str type = short_type(e->type);
	for (size_t i = 0; i < type.n; i++)
		buf_addc(&method, type.p[i] == '_' ? ' ' : type.p[i]);
	features_add(&r->features, &(struct feature_say){ .name = e->column.n ? e->column : type, .method = buf_str(&method),
		.score = percent / 100, .limit = mostly >= 0 && mostly <= 1 ? 1 - mostly : 0, .drifted = e->success == 0 });
	buf_release(&method);
}

static void note_number(struct reading *r, const struct expectation *e)
{
	double value = report_number(e->result, "observed_value"), lo = report_number(e->kwargs, "min_value"),
	       hi = report_number(e->kwargs, "max_value");
	struct str type = short_type(e->type);
	struct buf name = { 0 };
	bool low = !isnan(lo) && (isnan(hi) || value < lo || (value <= hi && value - lo < hi - value));
	buf_addf(&name, STR_FMT "%s", STR_ARG(e->column), e->column.n ? " " : "");
	for (size_t i = 0; i < type.n; i++)
		buf_addc(&name, type.p[i] == '_' ? ' ' : type.p[i]);
	features_add(&r->features, &(struct feature_say){ .name = buf_str(&name), .method = STR("bounds"), .score = value,
		.limit = low ? lo : hi, .points = low ? POINTS_BELOW : POINTS_ABOVE, .drifted = e->success == 0 });
	buf_release(&name);
}

struct ranked { struct expectation e; double percent, rank; size_t at; };

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->rank != y->rank ? (x->rank < y->rank) - (x->rank > y->rank) : (x->at > y->at) - (x->at < y->at);
}

/* A column with several expectations shows the one that was broken by most: broken ones first, the worst first; of a
 * name that is there already no more is taken. */
static void note_features(struct reading *r, const json_t *list)
{
	size_t i, n = 0;
	const json_t *item;
	struct ranked *all = xcalloc(json_array_size(list) + 1, sizeof(*all));
	json_array_foreach((json_t *)list, i, item) {
		struct ranked *k = &all[n];
		*k = (struct ranked){ .e = expectation_of(item), .at = i };
		k->percent = report_number(k->e.result, "unexpected_percent");
		if (isnan(k->percent))
			continue;
		k->rank = k->percent + (k->e.success == 0 ? 1000 : 0);
		n++;
	}
	qsort(all, n, sizeof(*all), by_rank);
	for (i = 0; i < n; i++)
		note_share(r, &all[i].e, all[i].percent);
	free(all);
	json_array_foreach((json_t *)list, i, item) {
		struct expectation e = expectation_of(item);
		if (isnan(report_number(e.result, "unexpected_percent")) &&
		    (!isnan(report_number(e.result, "observed_value")) || e.success == 0))
			note_number(r, &e);
	}
}

static void count_rows(struct drift_check *c, const struct expectation *e)
{
	double n = report_number(e->result, "element_count");
	if (isnan(n) && str_starts(e->type, STR("expect_table_row_count")))
		n = report_number(e->result, "observed_value");
	if (n > 0 && n < 1e15 && (int64_t)n > c->rows)
		c->rows = (int64_t)n;
}

static void one_validation(struct reading *r, const json_t *v, const json_t *list, int64_t outer_time)
{
	const json_t *meta = json_object_get(v, "meta"), *run = json_object_get(meta, "run_id"), *item;
	const json_t *batch = json_object_get(meta, "active_batch_definition");
	struct drift_check c = { .score = NAN, .limit = 0, .drifted = -1, .count = -1, .checked = -1 };
	struct str batch_id = { 0 };
	unsigned met = 0, broken = 0;
	size_t i;
	json_array_foreach((json_t *)list, i, item) {
		struct expectation e = expectation_of(item);
		met += e.success == 1;
		broken += e.success == 0;
		count_rows(&c, &e);
		batch_id = batch_id.n ? batch_id : report_text(e.kwargs, "batch_id");
	}
	note_features(r, list);
	if (met + broken)
		c.score = (double)broken / (met + broken);
	c.drifted = report_bool(v, "success") >= 0 ? !report_bool(v, "success") : met + broken ? broken > 0 : -1;
	c.time = report_time(report_text(meta, "validation_time"));
	c.time = c.time ? c.time : report_time(report_text(run, "run_time"));
	c.time = c.time ? c.time : outer_time;
	c.model = report_text(batch, "data_asset_name");
	c.model = c.model.n ? c.model : batch_id;
	c.current = report_text(run, "run_name");
	c.current = c.current.n ? c.current : batch_id;
	c.reference = report_text(v, "suite_name");
	c.reference = c.reference.n ? c.reference : report_text(meta, "expectation_suite_name");
	report_give(r, &c);
}

bool report_expectations(struct reading *r, const json_t *root)
{
	const json_t *results = json_object_get(root, "results"), *runs = json_object_get(root, "run_results"),
	             *list = json_object_get(root, "validation_results"), *v;
	int64_t time = report_time(report_text(json_object_get(root, "run_id"), "run_time"));
	const char *key;
	size_t i;
	if (json_is_array(results) && json_object_get(root, "success")) {
		one_validation(r, root, results, time);
		return true;
	}
	json_object_foreach((json_t *)runs, key, v) {
		const json_t *inner = json_object_get(v, "validation_result");
		const json_t *of = json_is_object(inner) ? inner : v;
		one_validation(r, of, json_object_get(of, "results"), time);
	}
	json_array_foreach((json_t *)list, i, v) {
		const json_t *of = json_object_get(v, "expectations");
		one_validation(r, v, json_is_array(of) ? of : json_object_get(v, "results"), time);
	}
	return json_is_object(runs) || json_is_array(list);
}
