/* Model servers' answers in every shape, descriptions of inputs, spaces of explanations, the log's layout, CSV. */
#define _GNU_SOURCE
#include "backends/drift/served.h"
#include "backends/serving/answer.h"
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "base/plan_json.h"
#include "base/registry.h"
#include "base/explain.h"
#include "base/mem.h"
#include "base/table.h"
#include "panes/predict.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* "price=447210.5 v6 #r1" or "text" or "-" */
static char *read_answer(const char *body, const char *key)
{
	struct answer a;
	struct buf b = { 0 };
	char why[100];
	bool odd;
	json_t *j = json_read(str_of(body), &odd, why, sizeof(why));
	if (!j)
		return xstrdup("not JSON");
	if (!answer_read(j, key, &a))
		buf_adds(&b, odd ? "odd" : "-");
	else if (isnan(a.value))
		buf_addf(&b, "'%s'", a.text.data);
	else
		buf_addf(&b, "%s=%.10g", a.name, a.value);
	if (a.numbers > 1)
		buf_addf(&b, " of %u", a.numbers);
	if (a.version)
		buf_addf(&b, " v%s", a.version);
	if (a.request)
		buf_addf(&b, " #%s", a.request);
	answer_release(&a);
	json_decref(j);
	return buf_detach(&b);
}

static void reads_answers(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"price\": 447210.5, \"model_version\": \"6\", \"request_id\": \"r1\"}", "price=447210.5 v6 #r1" },
		{ "{\"prediction\": \"412000.5\", \"model_version\": 7}", "prediction=412000.5 v7" },
		{ "{\"predictions\": [389150.0]}", "prediction=389150" },
		{ "[269.5]", "=269.5" },
		{ "269.5", "=269.5" },
		{ "{\"predictions\": [[[[412000.5], [1.0]], []]]}", "prediction=412000.5 of 2" },
		{ "{\"predictions\": [{\"price\": 5, \"currency\": \"USD\"}]}", "price=5" },
		{ "{\"model_name\": \"m\", \"model_version\": \"v3\", \"id\": \"q\", \"outputs\": [{\"name\": \"predict\", \"shape\": [1, 1], "
		  "\"datatype\": \"FP64\", \"data\": [464550.0]}]}", "predict=464550 vv3 #q" },
		{ "{\"data\": {\"ndarray\": [[0.25]]}}", "=0.25" },
		{ "{\"label\": \"approved\"}", "'approved'" },
		{ "{\"prediction\": true}", "prediction=1" },
		{ "{\"price\": NaN, \"note\": \"NaN in \\\"a\\\" text\"}", "odd" },
		{ "{\"price\": null}", "-" }, { "{}", "-" }, { "null", "-" }, { "{\"price\": {\"a\": {}}}", "-" },
		{ "{\"price\": 4120", "not JSON" }, { "", "not JSON" }, { "<html>", "not JSON" },
		{ "{\"model_version\": {\"major\": 7}, \"score\": 1}", "score=1" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = read_answer(cases[i][0], NULL);
		assert_string_equal(got, cases[i][1]);
		free(got);
	}
	char *got = read_answer("{\"price\": 1, \"out\": [{\"usd\": 7}]}", "out.0.usd");
	assert_string_equal(got, "=7");
	free(got);
}

static void survives_depth(void **state)
{
	struct buf b = { 0 };
	(void)state;
	for (int i = 0; i < 1500; i++)
		buf_adds(&b, "[");
	buf_adds(&b, "1");
	for (int i = 0; i < 1500; i++)
		buf_adds(&b, "]");
	char *got = read_answer(b.data, NULL);
	assert_string_equal(got, "-");                   /* deeper than anyone answers: nothing is guessed */
	free(got);
	buf_release(&b);
}

static char *read_explanation(const char *body)
{
	char why[100];
	bool odd;
	struct buf b = { 0 };
	json_t *j = json_read(str_of(body), &odd, why, sizeof(why)), *e = answer_explanation(j), *f;
	size_t i;
	if (!e)
		buf_adds(&b, "-");
	else if (json_is_null(json_object_get(e, "base")))
		buf_adds(&b, "base ?");
	else
		buf_addf(&b, "base %g", json_number_value(json_object_get(e, "base")));
	json_array_foreach(json_object_get(e, "features"), i, f) {
		buf_addf(&b, " %s", json_string_value(json_object_get(f, "name")));
		if (json_object_get(f, "value")) {
			buf_addc(&b, '(');
			scalar_text(json_object_get(f, "value"), &b);
			buf_addc(&b, ')');
		}
		buf_addf(&b, "%+g", json_number_value(json_object_get(f, "by")));
	}
	json_decref(e);
	json_decref(j);
	return buf_detach(&b);
}

static void reads_explanations(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"price\": 4, \"base_value\": 12.71, \"shap_values\": [0.1, -0.2], \"feature_names\": [\"bed\", \"bath\"], "
		  "\"feature_values\": [3, \"two\"]}", "base 12.71 bed(3)+0.1 bath(two)-0.2" },
		{ "{\"explanations\": [{\"base_value\": [5], \"shap_values\": [[1, 2]], \"feature_names\": [\"a\", \"b\"]}]}",
		  "base 5 a+1 b+2" },
		{ "{\"explanation\": {\"expected_value\": 2, \"contributions\": {\"a\": 1, \"b\": -3}}}", "base 2 a+1 b-3" },
		{ "{\"contributions\": [{\"feature\": \"a\", \"value\": 3, \"contribution\": 1.5}, {\"name\": \"b\", \"value\": -1}]}",
		  "base ? a(3)+1.5 b-1" },
		{ "{\"shap_values\": [[0.1], [0.9]], \"expected_value\": [0.2, 0.8]}", "base 0.8 feature 1+0.9" },
		{ "{\"shap_values\": [null, 2], \"base_value\": \"x\"}", "base ? feature 2+2" },
		{ "{\"shap_values\": \"none\"}", "-" }, { "{\"shap_values\": []}", "-" }, { "[]", "-" }, { "{\"data\": 3}", "-" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = read_explanation(cases[i][0]);
		assert_string_equal(got, cases[i][1]);
		free(got);
	}
}

static void recognises_spaces(void **state)
{
	double off;
	(void)state;
	assert_int_equal(space_find(389400, 57810, 447210, &off), SPACE_SAME);
	assert_int_equal(space_find(12.71, 0.3117, expm1(13.0217), &off), SPACE_LOG1P);
	assert_int_equal(space_find(12.71, 0.3117, exp(13.0217), &off), SPACE_LOG);
	assert_int_equal(space_find(5, 0.65, pow(10, 5.65), &off), SPACE_LOG10);
	assert_int_equal(space_find(-1, 1.4, 1 / (1 + exp(-0.4)), &off), SPACE_LOGIT);
	assert_int_equal(space_find(0.2, 0.1, 0.3, &off), SPACE_SAME);
	assert_int_equal(space_find(12.71, 0.3117, 447210.33, &off), SPACE_UNKNOWN);     /* 1.2 % off: not said to fit */
	assert_true(off > 0.9);
	assert_int_equal(space_find(NAN, 1, 2, &off), SPACE_UNKNOWN);
	assert_int_equal(space_find(1, 1, NAN, &off), SPACE_UNKNOWN);
	struct buf b = { 0 };
	space_effect(SPACE_LOG1P, 0.0349, &b);
	assert_string_equal(b.data, "x1.04");
	buf_clear(&b);
	space_effect(SPACE_SAME, 61300, &b);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

/* "bed:integer=3[0..20] state:string=CA{CA,TX}" */
static char *fields(const json_t *schema)
{
	struct buf b = { 0 };
	const json_t *f, *v;
	size_t i, k;
	json_array_foreach(json_object_get(schema, "fields"), i, f) {
		buf_addf(&b, "%s%s:%s", i ? " " : "", json_string_value(json_object_get(f, "name")),
		         json_string_value(json_object_get(f, "type")));
		if (json_object_get(f, "default")) {
			buf_addc(&b, '=');
			scalar_text(json_object_get(f, "default"), &b);
		}
		if (json_object_get(f, "min"))
			buf_addf(&b, "[%g..%g]", json_number_value(json_object_get(f, "min")), json_number_value(json_object_get(f, "max")));
		if (json_object_get(f, "required"))
			buf_addc(&b, '!');
		json_array_foreach(json_object_get(f, "enum"), k, v) {
			buf_addc(&b, k ? ',' : '{');
			scalar_text(v, &b);
		}
		if (json_object_get(f, "enum"))
			buf_addc(&b, '}');
	}
	return buf_detach(&b);
}

static const char openapi[] = "{\"paths\": {\"/health\": {\"get\": {}}, \"/predict\": {\"post\": {\"requestBody\": {\"content\": "
	"{\"application/json\": {\"schema\": {\"$ref\": \"#/components/schemas/In\"}}}}}}, \"/explain\": {\"post\": {}}},"
	"\"components\": {\"schemas\": {\"State\": {\"enum\": [\"CA\", \"TX\"], \"type\": \"string\"},"
	"\"In\": {\"type\": \"object\", \"required\": [\"size\"], \"properties\": {"
	"\"bed\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 20, \"default\": 3},"
	"\"size\": {\"type\": [\"number\", \"null\"]},"
	"\"state\": {\"allOf\": [{\"$ref\": \"#/components/schemas/State\"}], \"default\": \"CA\"},"
	"\"sold\": {\"anyOf\": [{\"type\": \"boolean\"}, {\"type\": \"null\"}]},"
	"\"tags\": {\"type\": \"array\", \"items\": {}},"
	"\"loop\": {\"$ref\": \"#/components/schemas/Loop\"}}},"
	"\"Loop\": {\"$ref\": \"#/components/schemas/Loop\"}}}}";

static void reads_openapi(void **state)
{
	json_t *doc = json_loads(openapi, 0, NULL);
	struct openapi_paths p = openapi_paths(doc);
	(void)state;
	assert_string_equal(p.predict, "/predict");
	assert_string_equal(p.explain, "/explain");
	json_t *s = schema_openapi(doc, p.predict);
	char *got = fields(s);
	assert_string_equal(got, "bed:integer=3[0..20] size:number! state:string=CA{CA,TX} sold:boolean tags:json loop:json");
	free(got);
	json_decref(s);
	assert_null(schema_openapi(doc, "/explain"));
	json_decref(doc);
}

static void wraps_inputs(void **state)
{
	json_t *doc = json_loads("{\"paths\": {\"/v1/predict\": {\"post\": {\"requestBody\": {\"content\": {\"application/json\": "
		"{\"schema\": {\"properties\": {\"instances\": {\"type\": \"array\", \"items\": {\"properties\": {\"a\": {\"type\": "
		"\"number\"}, \"b\": {\"type\": \"number\"}}}}}}}}}}}}}", 0, NULL);
	json_t *s = schema_openapi(doc, openapi_paths(doc).predict), *in = json_pack("{s:i}", "a", 1), *body = schema_wrap(s, in);
	char *text = json_dumps(body, JSON_COMPACT);
	(void)state;
	assert_string_equal(text, "{\"instances\":[{\"a\":1}]}");
	free(text);
	json_decref(body);
	json_decref(in);
	json_decref(s);
	json_decref(doc);
}

static void reads_other_schemas(void **state)
{
	json_t *j = json_loads("{\"inputs\": [{\"name\": \"bed\", \"datatype\": \"INT64\", \"shape\": [-1, 1]}, {\"name\": \"st\", "
		"\"datatype\": \"BYTES\", \"shape\": [-1]}, {\"datatype\": 3}]}", 0, NULL), *s = schema_v2(j);
	char *got = fields(s);
	(void)state;
	assert_string_equal(got, "bed:integer! st:string!");
	free(got);
	json_decref(s);
	json_decref(j);
	j = json_loads("{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [-1, 3]}]}", 0, NULL);
	s = schema_v2(j);
	got = fields(s);
	assert_string_equal(got, "0:number 1:number 2:number");
	assert_string_equal(json_string_value(json_object_get(s, "tensor")), "x");
	free(got);
	json_decref(s);
	json_decref(j);
	s = schema_mlflow(STR("enforce schema of data 'x' with schema '['bed': long (required), 'a b': double (optional)]'. Error"));
	got = fields(s);
	assert_string_equal(got, "bed:integer! a b:number");
	free(got);
	json_decref(s);
	s = schema_mlflow(STR("Model is missing inputs ['bed', 'bath']."));
	got = fields(s);
	assert_string_equal(got, "bed:json! bath:json!");
	free(got);
	json_decref(s);
	assert_null(schema_mlflow(STR("with schema '['bed")));
	assert_null(schema_mlflow(STR("")));
	assert_null(schema_v2(NULL));
}

static void reads_complaints(void **state)
{
	json_t *j = json_loads("{\"detail\": [{\"loc\": [\"body\", \"house_size\"], \"msg\": \"Field required\"}, {\"loc\": [\"body\", "
		"\"rows\", 3, \"bed\"], \"msg\": \"wrong\"}, 7]}", 0, NULL);
	struct buf b = { 0 };
	(void)state;
	assert_true(answer_complaint(j, &b));
	assert_string_equal(b.data, "house_size: Field required; rows.3.bed: wrong");
	buf_release(&b);
	json_decref(j);
	assert_false(answer_complaint(NULL, &b));
}

/* ---- the form */

static void checks_inputs(void **state)
{
	json_t *j = json_loads("[{\"name\": \"bed\", \"type\": \"integer\", \"min\": 0, \"max\": 20, \"default\": 3}, {\"name\": \"size\", "
		"\"type\": \"number\", \"required\": true}, {\"name\": \"state\", \"type\": \"string\", \"enum\": [\"CA\", \"TX\"], "
		"\"default\": \"CA\"}, {\"type\": \"no name\"}]", 0, NULL);
	struct form f = { 0 };
	unsigned at;
	char why[200];
	(void)state;
	form_read(&f, j);
	assert_int_equal(f.n, 3);
	assert_null(form_inputs(&f, &at, why, sizeof(why)));
	assert_string_equal(why, "'size' is needed");
	assert_int_equal(at, 1);
	json_t *in = json_pack("{s:f, s:i, s:s}", "size", 1800.0, "bed", 30, "more", "x");
	form_take(&f, in);
	assert_int_equal(f.n, 4);                        /* what is not described is sent too */
	assert_null(form_inputs(&f, &at, why, sizeof(why)));
	assert_string_equal(why, "'bed' is 0 to 20");
	assert_true(input_step(&f.in[0], -1, 1));
	json_t *inputs = form_inputs(&f, &at, why, sizeof(why));
	char *text = json_dumps(inputs, JSON_COMPACT);
	assert_string_equal(text, "{\"bed\":20,\"size\":1800,\"state\":\"CA\",\"more\":\"x\"}");
	free(text);
	assert_true(input_step(&f.in[1], 1, 1));
	assert_string_equal(f.in[1].value, "1850");
	assert_true(input_step(&f.in[1], 1, 10));
	assert_string_equal(f.in[1].value, "2350");
	assert_true(input_step(&f.in[2], -1, 1));
	assert_string_equal(f.in[2].value, "TX");
	assert_null(input_value(&f.in[2], STR("NY"), why, sizeof(why)));
	assert_null(input_value(&f.in[0], STR("2.5"), why, sizeof(why)));
	assert_string_equal(why, "'bed' is a whole number, not '2.5'");
	json_decref(inputs);
	json_decref(in);
	json_decref(j);
	form_release(&f);
}

static void reads_csv(void **state)
{
	struct str s = STR("a,\"b,\"\"c\"\"\",\r\n\n\"x\ny\",2,3\nlast,,");
	struct csv row = { 0 };
	(void)state;
	assert_true(csv_next(&s, &row));
	assert_int_equal(row.n, 3);
	assert_string_equal(csv_cell(&row, 1), "b,\"c\"");
	assert_string_equal(csv_cell(&row, 2), "");
	assert_true(csv_next(&s, &row));
	assert_string_equal(csv_cell(&row, 0), "x\ny");
	assert_true(csv_next(&s, &row));
	assert_int_equal(row.n, 3);
	assert_string_equal(csv_cell(&row, 0), "last");
	assert_false(csv_next(&s, &row));
	csv_release(&row);
}

/* ---- the log in PostgreSQL */

static void finds_columns(void **state)
{
#define COL(n, t) { (char *)(uintptr_t)n, (char *)(uintptr_t)t }
	struct layout_column usual[] = { COL("id", "integer"), COL("timestamp", "timestamp without time zone"), COL("inputs", "json"),
		COL("predicted_price", "double precision"), COL("model_version", "text") };
	struct layout_column other[] = { COL("created_at", "timestamp with time zone"), COL("payload", "jsonb"), COL("output", "jsonb") };
	struct served s = { 0 };
	struct buf sql = { 0 };
	char why[200];
	(void)state;
	assert_true(served_choose(&s, usual, ARRAY_SIZE(usual), NULL, why, sizeof(why)));
	assert_true(s.by_id);
	s.schema = xstrdup("public");
	s.table = xstrdup("inference_logs");
	served_sql(&s, true, &sql);
	assert_non_null(strstr(sql.data, "extract(epoch from \"timestamp\")::text"));
	assert_non_null(strstr(sql.data, "where \"id\" >= $2::integer order by \"id\" desc limit $1"));
	served_release(&s);
	assert_true(served_choose(&s, other, ARRAY_SIZE(other), NULL, why, sizeof(why)));
	assert_false(s.by_id);
	assert_string_equal(s.columns[SERVED_inputs].name, "payload");
	served_release(&s);
	assert_false(served_choose(&s, usual + 2, 2, NULL, why, sizeof(why)));
	served_release(&s);
	assert_true(served_value(STR("{\"price\": {\"usd\": 7.5}}")) == 7.5);
	assert_true(served_value(STR("[412]")) == 412);
	assert_true(isnan(served_value(STR("approved"))) && isnan(served_value(STR(""))) && isnan(served_value(STR("[]"))));
	buf_release(&sql);
}

static void endpoints_show_trouble(void **state)
{
	struct buf b = { 0 };
	struct table *t = table_new(&kind_modelendpoints);
	struct rd r;
	(void)state;
	rows_start(&b, "modelendpoints");
	endpoint_put(&b, &(struct endpoint){ .key = STR("a"), .name = STR("a"), .level = LEVEL_OK, .calls = 100, .failed = 6, .p50 = NAN,
		.p99 = 4, .explains = -1 });
	endpoint_put(&b, &(struct endpoint){ .key = STR("b"), .name = STR("b"), .level = LEVEL_OK, .calls = 4, .failed = 4, .p50 = 1 });
	r = rd_of(buf_str(&b));
	rows_open(&r, buf_str(&b));
	assert_true(table_apply(t, 0, &r, 0));
	const struct row *a = table_find(t, 0, STR("a"));
	assert_int_equal(a->level, LEVEL_DOUBT);
	assert_true(row_null(a, ENDPOINT_P50) && row_null(a, ENDPOINT_EXPLAINS));
	assert_int_equal(table_find(t, 0, STR("b"))->level, LEVEL_OK);       /* too few calls to judge */
	table_free(t);
	buf_release(&b);
}

static void feed_models(struct known *k, const char *source, int64_t champion)
{
	struct request *r = request_new(REQ_ROWS, "models", str_of(source), NULL, NULL);
	rows_start(&r->body, "models");
	rows_begin(&r->body, STR(""));
	model_put(&r->body, &(struct reg_model){ .name = STR("m"), .champion = champion, .challenger = -1, .latest = 9, .versions = 9,
		.value = NAN, .change = NAN });
	rows_end(&r->body, STR(""));
	known_take(k, r);
	request_free(r);
}

static void feed_prediction(struct known *k, const char *key, int64_t at, const char *inputs)
{
	struct request *r = request_new(REQ_ROWS, "predictions", STR("pg"), NULL, NULL);
	rows_start(&r->body, "predictions");
	prediction_put(&r->body, &(struct prediction){ .key = str_of(key), .model = STR("m"), .time = at, .inputs = str_of(inputs),
		.value = 1, .latency_ms = NAN });
	known_take(k, r);
	request_free(r);
}

/* What a reload would bring is said only where one registry, or all of them, say the same. */
static void knows_champions(void **state)
{
	struct known *k = known_new();
	char say[300];
	(void)state;
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), -1);
	assert_string_equal(say, "no registry has been read");
	struct request *named = request_new(REQ_ROWS, "modelendpoints", STR(""), NULL, NULL);
	known_take(k, named);
	request_free(named);
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), -1);
	assert_string_equal(say, "no registry that is read here has this model");
	struct request *begun = request_new(REQ_ROWS, "models", STR("mlflow2"), NULL, NULL);
	rows_start(&begun->body, "models");
	known_take(k, begun);
	request_free(begun);
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), -1);
	assert_string_equal(say, "mlflow2 has not listed its models yet");
	feed_models(k, "mlflow2", 6);
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), 6);
	assert_string_equal(say, "mlflow2");
	assert_int_equal(known_champion(k, "other", NULL, say, sizeof(say)), -1);
	assert_int_equal(known_champion(k, NULL, NULL, say, sizeof(say)), -1);
	feed_models(k, "mlflow3", 7);
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), -1);
	assert_non_null(strstr(say, "mlflow2 has v6 as champion, mlflow3 v7"));
	assert_int_equal(known_champion(k, "m", "mlflow3", say, sizeof(say)), 7);
	feed_models(k, "mlflow3", -1);
	assert_int_equal(known_champion(k, "m", NULL, say, sizeof(say)), 6);
	known_free(k);
}

static void knows_inputs(void **state)
{
	struct known *k = known_new();
	(void)state;
	feed_prediction(k, "1", 1000, "{\"a\": 1}");
	feed_prediction(k, "2", 3000, "{\"a\": 2}");
	feed_prediction(k, "3", 2000, "[1, 2]");          /* no inputs by name */
	feed_prediction(k, "4", 4000, "{\"a\": ");
	json_t *list = known_inputs(k, "m", 5), *none = known_inputs(k, "other", 5), *one = known_inputs(k, NULL, 1);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "a")), 2);
	assert_int_equal(json_array_size(none), 0);
	assert_int_equal(json_array_size(one), 1);
	json_decref(list);
	json_decref(none);
	json_decref(one);
	known_free(k);
}

static void reads_parameters(void **state)
{
	json_t *p = json_loads("{\"n\": \"20\", \"m\": 7, \"t\": \"2m\", \"ms\": 1500, \"b\": true, \"w\": \"true\", \"x\": {}, \"z\": \" v7 \"}", 0, NULL);
	struct buf b = { 0 };
	(void)state;
	assert_int_equal(plan_param_int(p, "n", -1), 20);
	assert_int_equal(plan_param_int(p, "m", -1), 7);
	assert_int_equal(plan_param_int(p, "x", -1), -1);
	assert_int_equal(plan_param_int(NULL, "n", -1), -1);
	assert_int_equal(plan_param_ms(p, "t", 5), 120000);
	assert_int_equal(plan_param_ms(p, "ms", 5), 1500);
	assert_int_equal(plan_param_ms(p, "z", 5), 5);
	assert_true(plan_param_bool(p, "b") && plan_param_bool(p, "w") && !plan_param_bool(p, "n"));
	assert_true(str_is(plan_param_text(p, "z", &b), "v7"));
	assert_int_equal(plan_param_text(p, "x", &b).n, 0);
	buf_release(&b);
	json_decref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_champions), cmocka_unit_test(knows_inputs), cmocka_unit_test(reads_parameters),
		cmocka_unit_test(reads_answers), cmocka_unit_test(survives_depth), cmocka_unit_test(reads_explanations),
		cmocka_unit_test(recognises_spaces), cmocka_unit_test(reads_openapi), cmocka_unit_test(wraps_inputs),
		cmocka_unit_test(reads_other_schemas), cmocka_unit_test(reads_complaints), cmocka_unit_test(checks_inputs),
		cmocka_unit_test(reads_csv), cmocka_unit_test(finds_columns), cmocka_unit_test(endpoints_show_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
