/* Reports of Evidently and Great Expectations, as those programs wrote them (tests/samples/drift), and bent ones. */
#define _GNU_SOURCE
#include "backends/drift/report.h"
#include "base/mem.h"
#include "base/store.h"
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SAMPLES "tests/samples/drift/"

static void write_down(void *arg, const struct drift_check *c, const struct feature_list *f)
{
	struct buf *b = arg;
	buf_addf(b, "%s" STR_FMT " model=" STR_FMT " %s score=%.3g limit=%.3g %lld/%lld rows=%lld:", b->len ? "\n" : "", STR_ARG(c->key),
	         STR_ARG(c->model), drift_of(c) > 0 ? "drift" : drift_of(c) == 0 ? "clean" : "unknown", c->score, c->limit,
	         (long long)c->count, (long long)c->checked, (long long)c->rows);
	for (unsigned i = 0; i < f->n; i++)
		buf_addf(b, " " STR_FMT "[" STR_FMT "]=%.3g%s%.3g%s", STR_ARG(feature_name(f, i)), STR_ARG(feature_method(f, i)),
		         f->items[i].score, f->items[i].points == POINTS_BELOW ? "<" : ">", f->items[i].limit, f->items[i].drifted ? "!" : "");
}

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *data = xcalloc(1, 1 << 20);
	assert_non_null(f);
	*n = fread(data, 1, (1 << 20) - 1, f);
	fclose(f);
	return data;
}

static char *read_text(struct str text, const char *name, const char *model, enum report_is want)
{
	struct buf b = { 0 };
	char why[160];
	struct report_about about = { .name = str_of(name), .time = 1000, .model = str_of(model) };
	enum report_is is = report_read(text, &about, write_down, &b, why, sizeof(why));
	assert_int_equal(is, want);
	assert_true((is == REPORT_BAD) == (why[0] != '\0'));
	if (is == REPORT_BAD)
		buf_adds(&b, why);
	return buf_detach(&b);
}

static void expect_text(const char *text, enum report_is is, const char *want)
{
	char *got = read_text(str_of(text), "a/b.json", "", is);
	assert_string_equal(got, want);
	free(got);
}

static void reads_genuine_reports(void **state)
{
	static const struct { const char *file; enum report_is is; const char *want; } cases[] = {
		{ "evidently_0.4.40_drift.json", REPORT_DRIFT, "model=drift drift score=0.8 limit=0.5 4/5 rows=0: "
		  "target[K-S p_value]=5.6e-53<0.05! prediction[K-S p_value]=8.19e-47<0.05! area[K-S p_value]=1.38e-59<0.05! "
		  "rooms[chi-square p_value]=0.985<0.05 city[chi-square p_value]=0.00242<0.05!" },
		{ "evidently_0.4.40_testsuite.json", REPORT_DRIFT, "model=drift drift score=0.8 limit=0.3 4/5 rows=500: "
		  "target[K-S p_value]=0<0.05! prediction[K-S p_value]=0<0.05! area[K-S p_value]=0<0.05! "
		  "rooms[chi-square p_value]=0.985<0.05 city[chi-square p_value]=0.002<0.05!" },
		{ "evidently_0.7.23_drift.json", REPORT_DRIFT, "model=drift drift score=0.667 limit=0.5 2/3 rows=0: "
		  "area[K-S p_value]=1.38e-59<0.05! rooms[chi-square p_value]=0.985<0.05 city[chi-square p_value]=0.00242<0.05!" },
		{ "evidently_0.7.23_drift_tests.json", REPORT_DRIFT, "model=drift drift score=0.667 limit=0.5 2/3 rows=0: "
		  "area[K-S p_value]=1.38e-59<0.05! rooms[chi-square p_value]=0.985<0.05 city[chi-square p_value]=0.00242<0.05!" },
		{ "evidently_0.4.40_regression.json", REPORT_OTHER, "" }, { "evidently_0.7.23_regression.json", REPORT_OTHER, "" },
		{ "evidently_0.7.23_summary.json", REPORT_OTHER, "" },
		{ "gx_0.18.22_validation_result.json", REPORT_DRIFT, "model=real_estate drift score=0.667 limit=0 2/3 rows=500: "
		  "price[not be null]=0.002>0! area[be between]=0.002>0! city[be in set]=0>0" },
		{ "gx_0.18.22_checkpoint_result.json", REPORT_DRIFT, "model=real_estate drift score=0.667 limit=0 2/3 rows=500: "
		  "price[not be null]=0.002>0! area[be between]=0.002>0! city[be in set]=0>0" },
		{ "gx_1.24.1_validation_result.json", REPORT_DRIFT, "model=real_estate drift score=0.4 limit=0 2/5 rows=500: "
		  "price[not be null]=0.002>0! area[be between]=0.002>0! city[be in set]=0>0 price mean[bounds]=299<200 row count[bounds]=500<100" },
		{ "gx_1.24.1_checkpoint_result.json", REPORT_DRIFT, "model=pd-real_estate drift score=0.4 limit=0 2/5 rows=500: "
		  "price[not be null]=0.002>0! area[be between]=0.002>0! city[be in set]=0>0 price mean[bounds]=299<200 row count[bounds]=500<100" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n;
		char *path = xasprintf(SAMPLES "%s", cases[i].file), *data = slurp(path, &n);
		char *got = read_text((struct str){ data, n }, "drift/x.json", "", cases[i].is);
		char *want = cases[i].is == REPORT_DRIFT ? xasprintf("drift/x.json %s", cases[i].want) : xstrdup("");
		assert_string_equal(got, want);
		free(path), free(data), free(got), free(want);
	}
}

/* Every prefix of a genuine report is either read or refused with a reason, and none crashes. */
static void cut_reports_are_refused(void **state)
{
	static const char *const files[] = { "evidently_0.4.40_drift.json", "gx_1.24.1_validation_result.json" };
	for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
		size_t n;
		char *path = xasprintf(SAMPLES "%s", files[k]), *data = slurp(path, &n);
		for (size_t cut = 0; cut + 2 < n; cut += 7)
			free(read_text((struct str){ data, cut }, "x.json", "m", REPORT_BAD));
		free(path), free(data);
	}
}

static void tolerates_wrong_values(void **state)
{
	expect_text("", REPORT_BAD, "it is empty");
	expect_text("{\"a\": 1}", REPORT_BAD, "neither a report of Evidently nor a result of Great Expectations");
	expect_text("[1, 2]", REPORT_BAD, "neither a report of Evidently nor a result of Great Expectations");
	expect_text("{\"metric_results\": {}}", REPORT_BAD, "a snapshot of Evidently's workspace; have save_json() write reports");
	expect_text("<html>login</html>", REPORT_BAD, "invalid token near '<', in line 1 at byte 1 of 18");
	/* NaN as Python writes it, wrong types everywhere, the same column twice */
	expect_text("{\"metrics\": [{\"metric\": \"DataDriftTable\", \"result\": {\"number_of_columns\": \"7\", "
	            "\"share_of_drifted_columns\": NaN, \"number_of_drifted_columns\": [], \"dataset_drift\": 3, \"drift_by_columns\": "
	            "{\"a\\\"NaN\": {\"drift_score\": -Infinity, \"stattest_threshold\": 0.1}, "
	            "\"b\": {\"stattest_name\": \"psi\", \"drift_score\": \"0.3\", \"stattest_threshold\": 0.1}, \"c\": 5}}}, 7, null]}",
	            REPORT_DRIFT, "a/b.json model=a drift score=0.333 limit=nan 1/7 rows=0: a\"NaN[]=nan>0.1 b[psi]=0.3>0.1! c[]=nan>nan");
	/* a distance is wrong above its threshold, a share without a test counts from the threshold on */
	expect_text("{\"metrics\": [{\"metric_name\": \"x\", \"config\": {\"type\": \"evidently:metric_v2:DriftedColumnsCount\", "
	            "\"drift_share\": 0.5}, \"value\": {\"count\": 1, \"share\": 0.5}}, {\"metric_name\": \"y\", \"config\": {\"type\": "
	            "\"ValueDrift\", \"column\": \"d\", \"method\": \"Wasserstein distance (normed)\", \"threshold\": 0.1}, \"value\": 0.7}]}",
	            REPORT_DRIFT, "a/b.json model=a drift score=0.5 limit=0.5 1/2 rows=0: d[Wasserstein distance (normed)]=0.7>0.1!");
	/* a suite of other tests is a check by the share that failed */
	expect_text("{\"tests\": [{\"status\": \"FAIL\"}, {\"status\": \"SUCCESS\"}, {\"status\": \"ERROR\"}]}", REPORT_DRIFT,
	            "a/b.json model=a drift score=0.5 limit=0 -1/-1 rows=0:");
	/* a column with two expectations shows the worse one, `mostly` is its limit; a checkpoint of two is two checks */
	expect_text("{\"run_results\": {\"1\": {\"success\": true, \"results\": [{\"success\": true, \"expectation_config\": {\"type\": "
	            "\"expect_column_values_to_be_unique\", \"kwargs\": {\"column\": \"k\", \"mostly\": 0.9}}, \"result\": "
	            "{\"unexpected_percent\": 5}}, {\"success\": true, \"expectation_config\": {\"type\": \"expect_column_values_to_not_be_null\", "
	            "\"kwargs\": {\"column\": \"k\"}}, \"result\": {\"unexpected_percent\": 0}}]}, \"2\": {\"results\": [], \"success\": null}}}",
	            REPORT_DRIFT, "a/b.json model=a clean score=0 limit=0 0/1 rows=0: k[be unique]=0.05>0.1\n"
	            "a/b.json#2 model=a unknown score=nan limit=0 -1/-1 rows=0:");
}

static void reads_times(void **state)
{
	assert_int_equal(report_time(STR("2026-11-21T03:31:18.382979+00:00")), 1795231878382);
	assert_int_equal(report_time(STR("2026-11-21 03:31:18")), 1795231878000);
	assert_int_equal(report_time(STR("20261121T033118.351834Z")), 1795231878351);
	assert_int_equal(report_time(STR("2026-11-21T05:31:18+02:00")), 1795231878000);
	assert_int_equal(report_time(STR("20261121T")), 0);
	assert_int_equal(report_time(STR("yesterday, at around noon or so")), 0);
	assert_int_equal(report_time(STR("")), 0);
}

/* Reports are shown as they are read, but of no kind are they told to be all before they are. */
static void nothing_is_whole_before_all_is_read(void **state)
{
	extern const struct backend backend_reports;
	char dir[] = "/tmp/binnacle-reports-XXXXXX", *command, *settings;
	struct inbox *inbox = inbox_new(1 << 22);
	struct store *store = store_new(&clock_system);
	struct yaml_error err;
	assert_non_null(mkdtemp(dir));
	command = xasprintf("for i in $(seq 60); do cp " SAMPLES "evidently_0.7.23_drift.json %s/$i.json; done", dir);
	assert_int_equal(system(command), 0);
	free(command);
	settings = xasprintf("{folder: %s}", dir);
	struct yaml_doc *doc = yaml_parse(str_of(settings), &err);
	for (const struct kind *const *k = backend_reports.kinds; *k; k++)
		store_add_kind(store, *k);
	struct source *s = source_new(store_add_source(store, "r", ""), "r", "", &backend_reports, yaml_root(doc), &clock_system, inbox);
	source_start(s);
	source_ask(s, request_new(REQ_WATCH, "features", STR(""), "", ""));
	const struct kind_state *all = NULL;
	for (struct pollfd fd = { inbox_fd(inbox), POLLIN, 0 }; !(all && all->listed) && poll(&fd, 1, 60000) > 0;)
		for (struct msg *m; (m = inbox_take(inbox));) {
			store_apply(store, m, 0);
			all = store_kind_state(store, "drift", 0);
			for (size_t i = 0; !(all && all->listed) && i < 2; i++) {
				const struct kind_state *k = store_kind_state(store, i ? "ranges" : "features", 0);
				assert_false(k && k->listed);
			}
		}
	assert_true(all && all->listed);
	assert_true(source_stop(s, 60000));
	command = xasprintf("rm -r %s", dir);
	assert_int_equal(system(command), 0);
	free(command);
	free(settings);
	store_free(store);
	inbox_free(inbox);
	yaml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_genuine_reports),
		cmocka_unit_test(cut_reports_are_refused),
		cmocka_unit_test(tolerates_wrong_values),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(nothing_is_whole_before_all_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
