/* Ranges of features: quantiles of pieces, rows, and who says them: pg_stats, Evidently's histograms. */
#include "backends/drift/report.h"
#include "backends/drift/trained.h"
#include "base/mem.h"
#include "base/table.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * (fabs(a) + fabs(b) + 1e-9);
}

static void finds_quantiles(void **state)
{
	struct range_pieces p = { 0 };
	assert_true(isnan(range_quantile(&p, 0.5)) && isnan(range_below(&p, 1)));
	range_add(&p, 0, 10, 1);
	assert_true(near(range_quantile(&p, 0.25), 2.5) && near(range_below(&p, 7), 0.7));
	range_add(&p, 20, 20, 1);            /* half of all at one point */
	assert_true(near(range_quantile(&p, 0.25), 5) && near(range_quantile(&p, 0.75), 20));
	assert_true(near(range_below(&p, 19), 0.5) && near(range_below(&p, 20), 1));
	range_add(&p, NAN, 1, 1);
	range_add(&p, 1, INFINITY, 1);
	range_add(&p, 2, 1, 1);
	range_add(&p, 1, 2, -1);
	assert_int_equal(p.n, 2);
	for (int i = 0; i < 2 * RANGE_PIECES; i++)
		range_add(&p, i, i, 1);
	assert_int_equal(p.n, RANGE_PIECES);
	range_release(&p);
}

static void reads_statistics(void **state)
{
	struct range_pieces p = { 0 };
	assert_true(trained_pieces(STR("{0,10,20,40,80}"), STR(""), STR(""), &p));
	assert_true(near(range_quantile(&p, 0.5), 20) && near(range_quantile(&p, 0.875), 60));
	range_release(&p);
	assert_true(trained_pieces(STR(""), STR("{3,2,4}"), STR("{0.5,0.3,0.2}"), &p));
	assert_true(near(range_quantile(&p, 0.25), 2) && near(range_quantile(&p, 0.6), 3) && near(range_quantile(&p, 0.99), 4));
	range_release(&p);
	assert_true(trained_pieces(STR("{100,200}"), STR("{0}"), STR("{0.9}"), &p));
	assert_true(near(range_quantile(&p, 0.95), 150) && near(range_below(&p, 0), 0.9));
	range_release(&p);
	assert_false(trained_pieces(STR("{a,b}"), STR(""), STR(""), &p));
	assert_false(trained_pieces(STR(""), STR("{\"new york\"}"), STR("{1}"), &p));
	assert_false(trained_pieces(STR("{}"), STR("{}"), STR("{}"), &p));
	assert_false(trained_pieces(STR("{7}"), STR(""), STR(""), &p));
	range_release(&p);
}

static void no_check(void *arg, const struct drift_check *c, const struct feature_list *f)
{
	(void)arg, (void)c, (void)f;
}

static void put(void *arg, const struct feature_range *r)
{
	range_put(arg, r);
}

static void reads_histograms(void **state)
{
	static const char text[] = "{\"timestamp\": \"2026-11-21 03:31:30\", \"metrics\": [{\"metric\": \"DataDriftTable\", \"result\": "
		"{\"drift_by_columns\": {\"area\": {\"column_name\": \"area\", \"drift_score\": 0.001, \"stattest_threshold\": 0.05, "
		"\"reference\": {\"small_distribution\": {\"x\": [0, 50, 100], \"y\": [0.01, 0.01]}}, "
		"\"current\": {\"small_distribution\": {\"x\": [50, 100, 200], \"y\": [0.01, 0.005]}}}, "
		"\"city\": {\"drift_score\": 0.5, \"reference\": {\"small_distribution\": {\"x\": [\"a\", \"b\"], \"y\": [1, 2]}}}, "
		"\"odd\": {\"drift_score\": 0.5, \"reference\": {\"small_distribution\": 7}}}}}]}";
	struct report_about about = { .name = STR("houses/r.json"), .range = put };
	struct buf rows = { 0 };
	char why[100];
	struct table *t = table_new(&kind_ranges);
	rows_start(&rows, "ranges");
	assert_int_equal(report_read(STR(text), &about, no_check, &rows, why, sizeof(why)), REPORT_DRIFT);
	struct rd in;
	assert_true(str_is(rows_open(&in, buf_str(&rows)), "ranges"));
	assert_true(table_apply(t, 0, &in, 0));
	const struct row *r = table_find(t, 0, STR("houses/area"));
	assert_int_equal(t->count, 1);
	assert_non_null(r);
	assert_true(near(row_real(r, RANGE_LOW), 1) && near(row_real(r, RANGE_MEDIAN), 50) && near(row_real(r, RANGE_HIGH), 99));
	assert_true(near(row_real(r, RANGE_OUTSIDE), 0.51));       /* half are beyond 100, and a little between 99 and 100 */
	assert_int_equal(r->level, LEVEL_DOUBT);
	table_free(t);
	buf_release(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_quantiles), cmocka_unit_test(reads_statistics), cmocka_unit_test(reads_histograms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
