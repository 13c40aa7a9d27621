/* report_evidently: reports and test suites of Evidently. Up to 0.6 an entry is {"metric": NAME, "result": {...}} or a test with
 * "parameters"; from 0.7 on it is {"metric_name", "config", "value"}, with tests beside it that name the metric they are about.
 * A p value is wrong below its threshold, every other score above it. */
#include "backends/drift/report.h"
#include <jansson.h>
#include <math.h>

struct found {                   /* of the whole data set */
	struct drift_check c;
	int tests, failed;       /* of any sort */
};

static enum points points_of(struct str method)
{
	return str_contains_fold(method, STR("p_value")) || str_contains_fold(method, STR("p value")) ? POINTS_BELOW : POINTS_ABOVE;
}

static int64_t whole(double d)
{
	return d >= 0 && d < 1e15 ? (int64_t)(d + 0.5) : -1;
}

static void take(double *to, double from)
{
	*to = isnan(from) ? *to : from;
}

/* drifted -1: not said, then by score and limit. */
static void note_feature(struct reading *r, struct str name, struct str method, double score, double limit, int drifted)
{
	enum points p = points_of(method);
	features_add(&r->features, &(struct feature_say){ .name = name, .method = method, .score = score, .limit = limit,
		.points = p, .drifted = (drifted >= 0 ? drifted : points_over(p, score, limit)) > 0 });
}

/* {"small_distribution": {"x": n + 1 edges, "y": n densities}}; of words there is none that has a place on an axis. */
static void read_histogram(const json_t *side, struct range_pieces *out)
{
	const json_t *d = json_object_get(side, "small_distribution"), *x = json_object_get(d, "x"), *y = json_object_get(d, "y");
	for (size_t i = 0; i + 1 < json_array_size(x) && i < json_array_size(y); i++) {
		const json_t *from = json_array_get(x, i), *to = json_array_get(x, i + 1), *height = json_array_get(y, i);
		if (json_is_number(from) && json_is_number(to) && json_is_number(height))
			range_add(out, json_number_value(from), json_number_value(to),
			          json_number_value(height) * (json_number_value(to) - json_number_value(from)));
	}
}

static void note_range(struct reading *r, const struct found *f, struct str name, const json_t *v)
{
	struct feature_range g = { .model = report_model(r, f->c.model), .name = name, .from = r->about->name,
		.time = f->c.time ? f->c.time : r->about->time };
	if (!r->about->range || !name.n)
		return;
	read_histogram(json_object_get(v, "reference"), &g.reference);
	read_histogram(json_object_get(v, "current"), &g.now);
	if (g.reference.n)
		r->about->range(r->arg, &g);
	range_release(&g.reference);
	range_release(&g.now);
}

/* ---- up to 0.6 */

static void old_column(struct reading *r, const struct found *f, struct str name, const json_t *v)
{
	struct str said = report_text(v, "column_name");
	note_range(r, f, said.n ? said : name, v);
	note_feature(r, said.n ? said : name, report_text(v, "stattest_name"), report_number(v, "drift_score"),
	             report_number(v, "stattest_threshold"), report_bool(v, "drift_detected"));
}

static void old_metric(struct reading *r, struct found *f, const json_t *m)
{
	const json_t *result = json_object_get(m, "result"), *columns = json_object_get(result, "drift_by_columns"), *v;
	const json_t *rows = json_object_get(json_object_get(result, "current"), "number_of_rows");
	const char *name;
	if (f->c.checked < 0)
		f->c.checked = whole(report_number(result, "number_of_columns"));
	if (!json_is_null(json_object_get(result, "number_of_drifted_columns")))
		f->c.count = whole(report_number(result, "number_of_drifted_columns"));
	take(&f->c.score, report_number(result, "share_of_drifted_columns"));
	take(&f->c.limit, report_number(result, "drift_share"));
	if (report_bool(result, "dataset_drift") >= 0)
		f->c.drifted = report_bool(result, "dataset_drift");
	if (json_is_integer(rows) && json_integer_value(rows) > 0)
		f->c.rows = json_integer_value(rows);
	json_object_foreach((json_t *)columns, name, v)
		old_column(r, f, str_of(name), v);
	if (report_text(m, "metric").n && str_is(report_text(m, "metric"), "ColumnDriftMetric"))
		old_column(r, f, STR(""), result);
}

/* A bound as {"lt": 0.3}, {"lte": ...}. */
static double upper_bound(const json_t *condition)
{
	double lt = report_number(condition, "lt");
	return isnan(lt) ? report_number(condition, "lte") : lt;
}

static void old_test(struct reading *r, struct found *f, const json_t *t, int failed)
{
	const json_t *p = json_object_get(t, "parameters"), *features = json_object_get(p, "features"), *v;
	struct str name = report_text(t, "name"), column = report_text(p, "column_name");
	const char *key;
	if (!str_is(report_text(t, "group"), "data_drift")) {
		if (str_is(name, "Number of Rows") && report_number(p, "value") > 0)
			f->c.rows = whole(report_number(p, "value"));
		return;
	}
	json_object_foreach((json_t *)features, key, v)
		note_feature(r, str_of(key), report_text(v, "stattest"), report_number(v, "score"), report_number(v, "threshold"),
		             report_bool(v, "detected"));
	if (json_is_object(features) && failed >= 0) {
		f->c.drifted = failed;
		if (str_contains_fold(name, STR("share")))
			take(&f->c.limit, upper_bound(json_object_get(p, "condition")));
	}
	if (column.n)
		note_feature(r, column, report_text(p, "stattest"), report_number(p, "score"), report_number(p, "threshold"),
		             report_bool(p, "detected") >= 0 ? report_bool(p, "detected") : failed);
}

/* ---- from 0.7 on */

static bool config_is(const json_t *config, const char *type)
{
	struct str t = report_text(config, "type");
	return t.n && str_ends(t, str_of(type)) && (t.n == strlen(type) || t.p[t.n - strlen(type) - 1] == ':');
}

/* A test about this metric: 1 failed, 0 passed, -1 there is none. */
static int tested(const json_t *tests, struct str id)
{
	size_t i;
	const json_t *t;
	json_array_foreach((json_t *)tests, i, t) {
		struct str status = report_text(t, "status");
		if (id.n && str_eq(report_text(json_object_get(t, "metric_config"), "metric_id"), id))
			return str_is(status, "FAIL") ? 1 : str_is(status, "SUCCESS") ? 0 : -1;
	}
	return -1;
}

static void new_metric(struct reading *r, struct found *f, const json_t *m, const json_t *tests)
{
	const json_t *config = json_object_get(m, "config"), *value = json_object_get(m, "value");
	int test = tested(tests, report_text(m, "id"));
	if (config_is(config, "DriftedColumnsCount")) {
		double count = report_number(value, "count"), share = report_number(value, "share");
		f->c.count = whole(count);
		take(&f->c.score, share);
		take(&f->c.limit, report_number(config, "drift_share"));
		if (share > 0)
			f->c.checked = whole(count / share);
		f->c.drifted = test >= 0 ? test : isnan(f->c.score) || isnan(f->c.limit) ? -1 : f->c.score >= f->c.limit;
	} else if (config_is(config, "ValueDrift")) {
		note_feature(r, report_text(config, "column"), report_text(config, "method"), report_number(m, "value"),
		             report_number(config, "threshold"), test);
	} else if (config_is(config, "RowCount") && report_number(m, "value") > 0) {
		f->c.rows = whole(report_number(m, "value"));
	}
}

/* ---- both */

static void read_tests(struct reading *r, struct found *f, const json_t *tests)
{
	size_t i;
	const json_t *t;
	json_array_foreach((json_t *)tests, i, t) {
		struct str status = report_text(t, "status");
		int failed = str_is(status, "FAIL") ? 1 : str_is(status, "SUCCESS") ? 0 : -1;
		f->tests += failed >= 0;
		f->failed += failed > 0;
		old_test(r, f, t, failed);
	}
}

static struct str model_said(const json_t *root)
{
	static const char *const keys[] = { "model", "model_name", "model_id", "dataset", "dataset_id", "name" };
	const json_t *metadata = json_object_get(root, "metadata");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (report_text(metadata, keys[i]).n)
			return report_text(metadata, keys[i]);
	return report_text(root, "name");
}

bool report_evidently(struct reading *r, const json_t *root)
{
	struct found f = { .c = { .score = NAN, .limit = NAN, .drifted = -1, .count = -1, .checked = -1 } };
	const json_t *metrics = json_object_get(root, "metrics"), *tests = json_object_get(root, "tests"), *m;
	size_t i;
	if (!json_is_array(metrics) && !json_is_array(tests))
		return false;
	f.c.model = model_said(root);
	f.c.time = report_time(report_text(root, "timestamp"));
	json_array_foreach((json_t *)metrics, i, m) {
		if (json_object_get(m, "metric_name") || json_object_get(m, "config"))
			new_metric(r, &f, m, tests);
		else
			old_metric(r, &f, m);
	}
	read_tests(r, &f, tests);
	bool drift = r->features.n || !isnan(f.c.score);
	if (isnan(f.c.score) && r->features.n)
		f.c.score = (double)r->features.drifted / r->features.n;
	if (!drift && f.tests) {             /* a suite of other tests: the share that failed */
		f.c.score = (double)f.failed / f.tests;
		f.c.limit = 0;
		f.c.drifted = f.failed > 0;
		f.c.checked = -1;
	} else if (!drift) {
		return true;
	}
	if (f.c.drifted < 0 && isnan(f.c.limit))
		f.c.drifted = r->features.drifted > 0;
	report_give(r, &f.c);
	return true;
}
