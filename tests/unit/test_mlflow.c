/* MLflow: answers cut as they come, elements read tolerantly, the catalog, and what the names of metrics tell; a history of
 * models from PostgreSQL. */
#include "backends/drift/promoted.h"
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include "base/table.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- cut */

struct seen { struct buf text; };
static void see(void *arg, struct str name, struct str json, bool element)
{
	struct seen *s = arg;
	buf_addf(&s->text, "%s" STR_FMT ":" STR_FMT "\n", element ? "+" : "", STR_ARG(name), STR_ARG(json));
}

/* The text in pieces of so many bytes: the same comes out. */
static void cuts(const char *text, size_t piece, const char *want, bool good, bool ended, unsigned skipped)
{
	struct seen s = { 0 };
	struct cut c = { .item = see, .arg = &s, .max = 40 };
	struct str all = str_of(text);
	bool ok = true;
	for (size_t at = 0; at < all.n && ok; at += piece)
		ok = cut_feed(&c, (struct str){ all.p + at, all.n - at < piece ? all.n - at : piece });
	assert_int_equal(ok, good);
	if (good)
		assert_int_equal(c.ended, ended);
	assert_int_equal(c.skipped, skipped);
	assert_string_equal(s.text.data ? s.text.data : "", want);
	cut_release(&c);
	buf_release(&s.text);
}

static void test_cut(void **state)
{
	static const struct { const char *text, *want; bool good, ended; unsigned skipped; } all[] = {
		{ "{\"a\": [ {\"x\":1} , {\"y\":[2,{}]} ], \"token\" : \"t\\\"]\" }", "+a:{\"x\":1}\n+a:{\"y\":[2,{}]}\ntoken:\"t\\\"]\"\n", true, true, 0 },
		{ "{}", "", true, true, 0 },
		{ " \n{\"a\":[]}", "", true, true, 0 },
		{ "{\"run\":{\"i\":[1]},\"n\":5}", "run:{\"i\":[1]}\nn:5\n", true, true, 0 },
		{ "{\"a\":[1,\"],}\",null]}trailing", "+a:1\n+a:\"],}\"\n+a:null\n", true, true, 0 },
		{ "{\"a\":[{\"x\":1},{\"y\"", "+a:{\"x\":1}\n", true, false, 0 },
		{ "{\"a\":[\"0123456789012345678901234567890123456789012\",3]}", "+a:3\n", true, true, 1 },
		{ " [1,{\"a\":2}]", "+:1\n+:{\"a\":2}\n", true, true, 0 },
		{ "<html>", "", false, false, 0 },
		{ "{\"a\" 5}", "", false, false, 0 },
		{ "{\"a\":[1}", "+a:1\n", false, false, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (size_t piece = 1; piece < 70; piece += 1 + piece / 3)
			cuts(all[i].text, piece, all[i].want, all[i].good, all[i].ended, all[i].skipped);
}

/* ---- elements */

static json_t *json(const char *text)
{
	char *copy = xstrdup(text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *j = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	free(copy);
	return j;
}

static void test_readers(void **state)
{
	json_t *j = json("{'a':'text','n':5,'s':'1795231090385','r':2.9,'x':[1],'nan':'NaN','f':'1.5'}");
	assert_true(str_is(get_text(j, "a"), "text") && !get_text(j, "n").n && !get_text(j, "none").n);
	assert_int_equal(get_int(j, "n", -1), 5);
	assert_true(get_int(j, "s", -1) == 1795231090385);
	assert_int_equal(get_int(j, "r", -1), 2);
	assert_int_equal(get_int(j, "x", -1), -1);
	assert_true(isnan(get_real(json_object_get(j, "nan"))) && isnan(get_real(json_object_get(j, "x"))));
	assert_true(get_real(json_object_get(j, "f")) == 1.5);
	json_decref(j);
}

static void labels_are(const char *text, size_t most, const char *want)
{
	struct buf b = { 0 };
	json_t *j = json(text);
	get_labels(j, most, &b);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
	json_decref(j);
}

static void test_labels(void **state)
{
	labels_are("[{'key':'b','value':'2,3'},{'key':'a','value':'x\\ny'},{'key':'mlflow.user','value':'no'},7,{'key':5}]", 99, "a=x y,b=2 3");
	labels_are("[{'key':'rmse','value':612400.0},{'key':'mae','value':0.25}]", 99, "mae=0.25,rmse=612400");
	labels_are("[{'key':'a','value':'1'},{'key':'bb','value':'22222'}]", 8, "a=1");
	labels_are("{'z':'1','y':'2'}", 99, "y=2,z=1");
	labels_are("'no list'", 99, "");
}

static void test_run(void **state)
{
	json_t *j = json("{'info':{'run_uuid':'abc','start_time':'5','status':'FINISHED','user_id':''},'data':{'metrics':[{'key':'mae','value':3},"
		"{'key':'r2_score','value':0.4},{'key':'train_r2','value':0.9}],'tags':[{'key':'mlflow.user','value':'ada'},"
		"{'key':'mlflow.log-model.history','value':'[{\\\"model_size_bytes\\\": 77}]'}]}}");
	struct run r;
	double v;
	assert_true(get_run(j, &r));
	assert_true(str_is(r.id, "abc") && r.started == 5 && str_is(r.user, "ada") && r.size == 77);
	assert_true(str_is(key_metric(r.metric_list, STR(""), &v), "r2_score") && v == 0.4);
	assert_true(str_is(key_metric(r.metric_list, STR("mae"), &v), "mae") && v == 3);
	run_release(&r);
	json_decref(j);
	j = json("{'info':[1],'data':'x'}");
	assert_false(get_run(j, &r));
	json_decref(j);
}

static void test_model(void **state)
{
	struct model m = { .name = NULL };
	struct str name;
	json_t *j = json("{'name':'m','last_updated_timestamp':5,'aliases':[{'alias':'champion','version':'6'},{'alias':'a','version':7}]}");
	assert_true(get_model(j, &m, &name) && str_is(name, "m") && m.changed);
	assert_string_equal(m.aliases, "a=7,champion=6");
	m.changed = false;
	assert_true(get_model(j, &m, &name) && !m.changed);      /* the same again is no change */
	json_object_set_new(j, "aliases", json_array());
	assert_true(get_model(j, &m, &name) && m.changed);       /* a moved alias is, though MLflow's time stands still */
	json_decref(j);
	j = json("{'name':7}");
	assert_false(get_model(j, &m, &name));
	json_decref(j);
	free(m.aliases);
	free(m.tags);
	free(m.description);
}

static void test_catalog(void **state)
{
	struct catalog c = { 0 };
	struct model *b = catalog_model(&c, STR("b"), true), *a = catalog_model(&c, STR("a"), true);
	assert_ptr_equal(catalog_model(&c, STR("b"), true), b);
	assert_null(catalog_model(&c, STR("c"), false));
	assert_ptr_equal(c.models[0], a);
	for (int v = 40; v > 0; v--)
		assert_int_equal(catalog_version(b, v * 7 % 41, true)->number, v * 7 % 41);
	assert_int_equal(b->nversions, 40);
	for (unsigned i = 1; i < b->nversions; i++)
		assert_true(b->versions[i - 1].number < b->versions[i].number);
	assert_null(catalog_version(b, 99, false));
	catalog_want(&c, b, 1, STR("run1"));
	catalog_want(&c, a, 1, STR("run2"));
	catalog_want(&c, a, 2, STR(""));                         /* no run: nothing to ask for */
	assert_int_equal(c.nwanted, 2);
	catalog_drop(&c, 1);                                     /* b: what was wanted of it goes too */
	assert_int_equal(c.nwanted, 1);
	assert_string_equal(c.wanted[0].run, "run2");
	catalog_release(&c);
}

/* ---- what names tell */

static void test_metrics(void **state)
{
	static const struct { const char *name; int better; } all[] = {
		{ "rmse", -1 }, { "val_rmse", -1 }, { "test-MAE", -1 }, { "mape", -1 }, { "loss", -1 }, { "validationLoss", -1 },
		{ "log_loss", -1 }, { "mean_absolute_error", -1 }, { "neg_mean_squared_error", 1 }, { "r2_score", 1 }, { "r2", 1 },
		{ "accuracy", 1 }, { "val_acc", 1 }, { "roc_auc", 1 }, { "f1", 1 }, { "f1_macro", 1 }, { "precision_at_5", 1 },
		{ "maestro", 0 }, { "race", 0 }, { "n_rows", 0 }, { "", 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (metric_better(str_of(all[i].name)) != all[i].better)
			fail_msg("%s: %d", all[i].name, metric_better(str_of(all[i].name)));
	assert_true(metric_rank(STR("r2_score")) < metric_rank(STR("training_r2_score")));
	assert_true(metric_rank(STR("training_r2_score")) < metric_rank(STR("rmse")));
	assert_true(metric_rank(STR("rmse")) < metric_rank(STR("n_rows")));
	assert_true(fabs(relative_change(0.412, 0.447) - 0.08495) < 1e-4);
	assert_true(fabs(relative_change(-2, -1) - 0.5) < 1e-9);
	assert_true(isnan(relative_change(0, 1)) && isnan(relative_change(NAN, 1)));
}

static void test_describe(void **state)
{
	struct buf b = { 0 };
	json_t *j = json("{'model':'m','version':'6','aliases':['champion'],'size':2048,'files':2,'metrics':{'rmse':612400},'params':{'n':'3'},"
		"'run':{'id':'8c1f','started':1000,'ended':91000},'signature':{'inputs':[{'name':'bed','type':'double'}],'outputs':[]},"
		"'notes':['the artifacts cannot be listed: no'],'created':3600000}");
	registry_describe(j, 7200000, &b);
	for (const char *const *want = (const char *const[]){ "champion", "2Ki in 2 files", "612400", "8c1f", "1m30s", "Inputs (1)", "bed",
	     "cannot be listed", "60m ago", NULL }; *want; want++)
		if (!strstr(b.data, *want))
			fail_msg("no '%s' in:\n%s", *want, b.data);
	json_decref(j);
	buf_clear(&b);
	j = json("{'metrics':[1],'run':'x','signature':7,'aliases':{'a':1},'size':'many'}");       /* nothing is as it should be */
	registry_describe(j, 0, &b);
	json_decref(j);
	buf_release(&b);
}

/* ---- a history of models in PostgreSQL */

static void test_promoted(void **state)
{
	static const struct layout_column there[] = { { (char *)"id", (char *)"integer" }, { (char *)"timestamp", (char *)"timestamp without time zone" },
		{ (char *)"run_id", (char *)"text" }, { (char *)"model_version", (char *)"text" }, { (char *)"r2_score", (char *)"double precision" },
		{ (char *)"promoted_to_production", (char *)"boolean" } };
	struct promoted p = { 0 };
	struct buf b = { 0 };
	char why[300];
	assert_true(promoted_choose(&p, there, ARRAY_SIZE(there), NULL, why, sizeof(why)));
	p.schema = xstrdup("public");
	p.table = xstrdup("model\"history");
	promoted_sql(&p, &b);
	assert_non_null(strstr(b.data, "\"public\".\"model\"\"history\""));
	assert_non_null(strstr(b.data, "extract(epoch from \"timestamp\")"));
	promoted_release(&p);
	assert_false(promoted_choose(&p, there, 1, NULL, why, sizeof(why)));
	promoted_release(&p);
	buf_clear(&b);

	struct table *t = table_new(&kind_promotions);
	struct str c[PROMOTED_FIELD_COUNT] = { [PROMOTED_id] = STR("1"), [PROMOTED_time] = STR("1763692800"), [PROMOTED_version] = STR("6"),
		[PROMOTED_promoted] = STR("t"), [PROMOTED_r2] = STR("0.412"), [PROMOTED_mape] = STR("NaN"), [PROMOTED_samples] = STR("44730") };
	char before[40] = "";
	rows_start(&b, "promotions");
	promoted_put(c, STR("houses"), STR("model_history"), before, &b);
	assert_string_equal(before, "v6");
	c[PROMOTED_id] = STR("2"), c[PROMOTED_version] = STR("7"), c[PROMOTED_promoted] = STR("f"), c[PROMOTED_reason] = STR("mae worse");
	promoted_put(c, STR(""), STR("model_history"), before, &b);
	assert_string_equal(before, "v6");                       /* what was kept back is not in production */
	struct rd rd;
	rows_open(&rd, buf_str(&b));
	assert_true(table_apply(t, 0, &rd, 0));
	const struct row *r = table_find(t, 0, STR("history/1")), *s = table_find(t, 0, STR("history/2"));
	assert_true(str_is(row_text(t, r, PROMOTIONS_METRICS), "r2_score=0.412") && row_null(r, PROMOTIONS_BEFORE));
	assert_true(str_is(row_text(t, r, PROMOTIONS_WHAT), "promoted") && row_int(r, PROMOTIONS_SAMPLES) == 44730);
	assert_true(str_is(row_text(t, s, PROMOTIONS_WHAT), "kept back") && str_is(row_text(t, s, PROMOTIONS_BEFORE), "v6"));
	assert_true(s->level == LEVEL_DONE && row_null(s, PROMOTIONS_MODEL));
	table_free(t);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut), cmocka_unit_test(test_readers), cmocka_unit_test(test_labels), cmocka_unit_test(test_run),
		cmocka_unit_test(test_model), cmocka_unit_test(test_catalog), cmocka_unit_test(test_metrics), cmocka_unit_test(test_describe),
		cmocka_unit_test(test_promoted),
	};
	return cmocka_run_group_tests_name("mlflow", tests, NULL, NULL);
}
