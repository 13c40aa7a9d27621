/* What the pipeline that trains anew is given of a drifted check: what is filled in, what is left out, what is refused. */
#include "base/drift.h"
#include "base/mem.h"
#include "base/retrain.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* Five checks of two models; of the newest nobody knows the batch. */
static struct table *checks(void)
{
	static const struct { const char *key, *model, *features, *batch; } is[] = {
		{ "1", "houses", "bed, bath", "b1" }, { "2", "houses", "bed", "b2" }, { "3", "churn", "bed", "b3" },
		{ "4", "houses", "bath_room", "b\"4" }, { "5", "houses", "", "" },
	};
	struct table *t = table_new(&kind_drift);
	struct buf b = { 0 };
	rows_start(&b, kind_drift.name);
	rows_begin(&b, STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(is); i++)
		drift_put(&b, &(struct drift_check){ .key = str_of(is[i].key), .id = str_of(is[i].key), .model = str_of(is[i].model),
			.features = str_of(is[i].features), .current = str_of(is[i].batch), .time = (int64_t)(i + 1) * 1000,
			.score = i == 4 ? NAN : 0.125 * (double)(i + 1), .limit = 0.05, .drifted = 1, .count = -1, .checked = -1 });
	rows_end(&b, STR(""));
	struct rd r = rd_of(buf_str(&b));
	assert_true(str_is(rows_open(&r, buf_str(&b)), "drift"));
	assert_true(table_apply(t, 0, &r, 0));
	buf_release(&b);
	return t;
}

/* The parameters as JSON; caller frees. */
static char *filled_all(const char *conf, const struct drifted *d, unsigned n, const char *left)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(str_of(conf), &err);
	struct buf out = { 0 };
	char *why;
	json_t *o = retrain_fill(yaml_root(doc), d, n, &out, &why);
	char *text = o ? json_dumps(o, JSON_COMPACT) : why;
	assert_string_equal(out.data ? out.data : "", left);
	json_decref(o);
	buf_release(&out);
	yaml_doc_free(doc);
	return text;
}

static char *filled(const char *conf, const struct drifted *d, const char *left)
{
	return filled_all(conf, d, 1, left);
}

static void fills(const char *conf, const struct drifted *d, const char *left, const char *want)
{
	char *text = filled(conf, d, left);
	assert_string_equal(text, want);
	free(text);
}

static void fills_in_what_is_known(void **state)
{
	struct table *t = checks();
	struct drifted d = { .checks = t, .check = table_find(t, 0, STR("1")) };
	(void)state;
	fills("{a: 's3://raw/{batch}/x', m: '{model} {model}', s: '{score}', i: '{id}', f: '{features}'}", &d, "",
	      "{\"a\":\"s3://raw/b1/x\",\"m\":\"houses houses\",\"s\":\"0.125\",\"i\":\"1\",\"f\":\"bed, bath\"}");
	fills("{f: '{feature}', k: v}", &d, "f", "{\"k\":\"v\"}");            /* of two, none is the one */
	d.check = table_find(t, 0, STR("2"));
	fills("{f: '{feature}'}", &d, "", "{\"f\":\"bed\"}");
	fills("{o: '{\"depth\": 3, \"b\": \"{batch}\"}', e: '{', g: 'x{}'}", &d, "",
	      "{\"o\":\"{\\\"depth\\\": 3, \\\"b\\\": \\\"b2\\\"}\",\"e\":\"{\",\"g\":\"x{}\"}");
	d.check = table_find(t, 0, STR("4"));
	fills("{b: '{batch}'}", &d, "", "{\"b\":\"b\\\"4\"}");
	d.check = table_find(t, 0, STR("5"));
	fills("{b: '{batch}', s: '{score}', m: '{model}', f: '{features}'}", &d, "b, s, f", "{\"m\":\"houses\"}");
	fills("{}", &d, "", "{}");
	fills("just a text", &d, "", "{}");
	char *why = filled("{b: '{batsh}'}", &d, "");
	assert_non_null(strstr(why, "retrain.conf.b: there is no {batsh}"));
	free(why);
	table_free(t);
}

static void finds_the_check_of_a_feature(void **state)
{
	struct table *t = checks();
	(void)state;
	assert_true(str_is(row_key(retrain_check(t, 0, STR("houses"), STR("bed"))), "2"));
	assert_true(str_is(row_key(retrain_check(t, 0, STR("houses"), STR("bath"))), "1"));     /* not bath_room */
	assert_true(str_is(row_key(retrain_check(t, 0, STR("churn"), STR("bed"))), "3"));
	assert_null(retrain_check(t, 0, STR("churn"), STR("bath")));
	assert_null(retrain_check(t, 1, STR("houses"), STR("bed")));
	struct drifted d = { .checks = t, .model = STR("houses"), .feature = STR("area") };      /* no check is known */
	fills("{b: '{batch}', f: '{feature} {features}', m: '{model}'}", &d, "b", "{\"f\":\"area area\",\"m\":\"houses\"}");
	d.check = table_find(t, 0, STR("1"));
	d.feature = STR("bath");
	fills("{f: '{feature}'}", &d, "", "{\"f\":\"bath\"}");
	table_free(t);
}

/* Several that drifted: one run with all of their batches; what is the same for all stays one word. */
static void one_run_for_several(void **state)
{
	struct table *t = checks();
	struct drifted d[3] = { retrain_of(t, table_find(t, 0, STR("1")), t), retrain_of(t, table_find(t, 0, STR("2")), t),
		retrain_of(t, table_find(t, 0, STR("5")), t) };
	(void)state;
	char *text = filled_all("{s: 's3://raw/{batch}/x', m: '{model}', i: '{id}', k: v}", d, 3, "");
	assert_string_equal(text, "{\"s\":\"s3://raw/b1/x,s3://raw/b2/x\",\"m\":\"houses\",\"i\":\"1,2,5\",\"k\":\"v\"}");
	free(text);
	text = filled_all("{b: '{batch}'}", d + 2, 1, "b");          /* of none is it known */
	assert_string_equal(text, "{}");
	free(text);
	text = filled_all("{b: '{batsh}'}", d, 3, "");
	assert_non_null(strstr(text, "there is no {batsh}"));
	free(text);
	text = filled_all("{f: '{features}'}", d, 2, "");            /* no feature twice */
	assert_non_null(strstr(text, "bed, bath"));
	free(text);
	assert_true(str_is(retrain_model(&d[0]), "houses"));
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fills_in_what_is_known), cmocka_unit_test(finds_the_check_of_a_feature),
		cmocka_unit_test(one_run_for_several) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
