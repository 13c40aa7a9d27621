/* Pipelines, runs and tasks: states, Airflow's answers of both versions as rows, logs, tokens, and the graph of a run. */
#define _GNU_SOURCE
#include "backends/airflow/airflow.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/taskgraph.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
	char why[200] = "";
	json_t *j = json_read(str_of(text), NULL, why, sizeof(why));
	if (!j)
		fail_msg("%s: %s", why, text);
	return j;
}

/* The rows as a table; free it. */
static struct table *table_of(const struct kind *k, struct buf *rows)
{
	struct table *t = table_new(k);
	struct buf all = { 0 };
	rows_start(&all, k->name);
	buf_addstr(&all, buf_str(rows));
	struct rd r = rd_of(buf_str(&all));
	rows_open(&r, buf_str(&all));
	r = rd_of(buf_str(&all));
	struct str name = rows_open(&r, buf_str(&all));
	assert_true(str_is(name, k->name));
	assert_true(table_apply(t, 0, &r, 0));
	buf_release(&all);
	buf_release(rows);
	return t;
}

static void shows(const struct table *t, const char *key, int col, int64_t now, const char *want)
{
	const struct row *r = table_find(t, 0, str_of(key));
	struct buf b = { 0 };
	if (!r)
		fail_msg("no row %s", key);
	row_show(t, r, col, now, &b);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
}

static enum level level_of(const struct table *t, const char *key)
{
	const struct row *r = table_find(t, 0, str_of(key));
	if (!r)
		fail_msg("no row %s", key);
	return r->level;
}

static void knows_states(void **state)
{
	static const struct { const char *word; enum state_is is; char letter; } cases[] = {
		{ "success", STATE_WELL, '.' }, { "Succeeded", STATE_WELL, '.' }, { "failed", STATE_FAILED, 'X' },
		{ "running", STATE_RUNNING, '>' }, { "queued", STATE_WAITING, 'q' }, { "up_for_retry", STATE_WAITING, 'q' },
		{ "upstream_failed", STATE_HELD, 'X' }, { "skipped", STATE_SKIPPED, '-' }, { "", STATE_NONE, '?' },
		{ "frobnicated", STATE_UNKNOWN, '?' }, { "succes", STATE_UNKNOWN, '?' },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(state_meaning(str_of(cases[i].word)), cases[i].is);
		assert_int_equal(state_letter(state_meaning(str_of(cases[i].word))), cases[i].letter);
	}
}

static void reads_both_versions(void **state)
{
	struct past p = { 0 };
	struct buf b = { 0 };
	int64_t now;
	assert_true(time_parse(STR("2026-11-21T03:12:45Z"), &now));
	json_t *two = parse("{\"conf\":{\"drift_score\":0.5,\"source\":\"s3://x\"},\"dag_id\":\"d\",\"dag_run_id\":\"a\",\"end_date\":null,"
		"\"execution_date\":\"2026-11-21T03:02:45.338437+00:00\",\"logical_date\":\"2026-11-21T03:02:45.338437+00:00\",\"run_type\":"
		"\"manual\",\"start_date\":\"2026-11-21T03:02:46+00:00\",\"state\":\"running\"}");
	json_t *three = parse("{\"dag_run_id\":\"b\",\"dag_id\":\"d\",\"logical_date\":null,\"queued_at\":\"2026-11-21T03:10:42.675107Z\","
		"\"start_date\":\"2026-11-21T03:10:43.675107Z\",\"end_date\":\"2026-11-21T03:10:48.675107Z\",\"run_after\":"
		"\"2026-11-21T03:10:42.665855Z\",\"run_type\":\"manual\",\"state\":\"success\",\"triggered_by\":\"rest_api\","
		"\"triggering_user_name\":\"admin\",\"conf\":{},\"note\":null}");
	assert_true(take_run(&p, two) && take_run(&p, three));
	assert_true(put_run(&p, two, now, &b) && put_run(&p, three, now, &b));
	struct table *t = table_of(&kind_runs, &b);
	shows(t, "d/a", RUN_DURATION, now, "9m59s");
	shows(t, "d/a", RUN_USUAL, now, "5s");
	shows(t, "d/a", RUN_PACE, now, "119.8x");
	shows(t, "d/a", RUN_PARAMS, now, "drift_score=0.5 source=s3://x");
	assert_int_equal(level_of(t, "d/a"), LEVEL_DOUBT);       /* far over its usual time */
	shows(t, "d/b", RUN_DURATION, now, "5s");
	shows(t, "d/b", RUN_QUEUED, now, "1s");
	shows(t, "d/b", RUN_BY, now, "admin");
	shows(t, "d/b", RUN_PARAMS, now, "-");
	assert_int_equal(level_of(t, "d/b"), LEVEL_OK);
	table_free(t);
	json_decref(two);
	json_decref(three);
	past_release(&p);
}

static void survives_wrong_types(void **state)
{
	static const char *const runs[] = { "{}", "[]", "null", "3", "\"x\"", "{\"dag_id\":3,\"dag_run_id\":\"a\"}",
		"{\"dag_id\":\"d\"}", "{\"dag_id\":\"\",\"dag_run_id\":\"\"}" };
	struct past p = { 0 };
	struct buf b = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		json_t *j = parse(runs[i]);
		assert_false(take_run(&p, j) || put_run(&p, j, 1, &b) || put_task(&p, j, &b) || put_error(j, &b));
		json_decref(j);
	}
	json_t *odd = parse("{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\",\"state\":17,\"start_date\":\"yesterday\",\"duration\":"
		"\"long\",\"try_number\":-3,\"max_tries\":1e300,\"conf\":[1],\"map_index\":\"x\",\"pool\":{}}");
	assert_true(put_run(&p, odd, 1, &b));
	struct table *t = table_of(&kind_runs, &b);
	for (int c = RUN_STATUS; c < RUN_COL_COUNT; c++)
		shows(t, "d/r", c, 1, "-");
	table_free(t);
	assert_true(put_task(&p, odd, &b));
	t = table_of(&kind_tasks, &b);
	for (int c = TASK_STATUS; c < TASK_COL_COUNT; c++)
		shows(t, "d/r/t", c, 1, "-");
	table_free(t);
	json_decref(odd);
	json_t *nan = parse("{\"a\":NaN,\"b\":[-Infinity,Infinity],\"c\":\"NaN \\\" NaN\"}");
	assert_true(json_is_null(json_object_get(nan, "a")));
	assert_string_equal(json_string_value(json_object_get(nan, "c")), "NaN \" NaN");
	json_decref(nan);
	char why[200] = "";
	assert_null(json_read(STR("{\"dags\":[{\"dag_id\":\"x"), NULL, why, sizeof(why)));
	assert_non_null(strstr(why, "at byte"));
	past_release(&p);
}

static void remembers_runs(void **state)
{
	struct past p = { 0 };
	struct dag *d = past_dag(&p, STR("d"));
	char strip[STRIP + 1], name[16];
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "r%d", (i * 7) % 40);          /* in any order */
		past_learn(d, str_of(name), 1000 + (i * 7) % 40, (i * 7) % 40 == 37 ? STR("failed") : STR("success"), 1000 * ((i * 7) % 40));
	}
	past_learn(d, STR("r39"), 1039, STR("running"), -1);
	past_recent(d, strip);
	assert_string_equal(strip, ".......X.>");
	assert_int_equal(d->nruns, PAST_RUNS);
	assert_string_equal(d->runs[0].name, "r39");
	assert_int_equal(past_usual(d), 28500);                             /* r20..r38 without the failed one: 18 runs */
	assert_int_equal(d->well_at, 1039);
	assert_false(past_learn(d, STR("r38"), 1038, STR("success"), 38000));   /* known */
	assert_ptr_equal(past_dag(&p, STR("d")), d);
	past_dag(&p, STR("a"));
	assert_ptr_equal(past_dag(&p, STR("d")), d);
	past_release(&p);
}

static void pipelines_as_rows(void **state)
{
	struct past p = { 0 };
	struct buf b = { 0 };
	json_t *one = parse("{\"dag_id\":\"a\",\"is_paused\":false,\"is_active\":true,\"schedule_interval\":{\"__type\":\"CronExpression\","
		"\"value\":\"0 3 * * *\"},\"owners\":[\"mlops\",\"x\"],\"tags\":[{\"name\":\"m\"},{\"name\":\"n\"}],\"next_dagrun_create_after\":"
		"\"2026-11-21T03:00:00+00:00\",\"max_active_runs\":4}");
	json_t *two = parse("{\"dag_id\":\"b\",\"is_paused\":true,\"is_stale\":false,\"timetable_summary\":\"1 day, 0:00:00\","
		"\"next_dagrun_run_after\":\"2026-11-22T00:00:00Z\",\"owners\":\"x\"}");
	json_t *delta = parse("{\"dag_id\":\"c\",\"schedule_interval\":{\"__type\":\"TimeDelta\",\"days\":0,\"seconds\":300}}");
	json_t *error = parse("{\"filename\":\"/dags/x/broken.py\",\"stack_trace\":\"Traceback\\n  File\\nImportError: no\\n\",\"timestamp\":"
		"\"2026-11-21T02:00:00Z\"}");
	assert_true(take_dag(&p, one) && take_dag(&p, two) && take_dag(&p, delta) && put_error(error, &b));
	for (unsigned i = 0; i < p.n; i++)
		past_put(p.dags[i], &b);
	struct table *t = table_of(&kind_pipelines, &b);
	int64_t now;
	assert_true(time_parse(STR("2026-11-21T02:55:00Z"), &now));
	shows(t, "a", PIPE_SCHEDULE, now, "0 3 * * *");
	shows(t, "a", PIPE_NEXT, now, "in 5m");
	shows(t, "a", PIPE_NEXT, now + 600000, "due 5m");
	shows(t, "a", PIPE_OWNER, now, "mlops,x");
	shows(t, "a", PIPE_TAGS, now, "m,n");
	shows(t, "a", PIPE_STATUS, now, "no runs");
	shows(t, "b", PIPE_STATUS, now, "paused");
	shows(t, "b", PIPE_NEXT, now, "-");
	shows(t, "c", PIPE_SCHEDULE, now, "every 5m");
	shows(t, "import error//dags/x/broken.py", PIPE_NAME, now, "broken.py");
	shows(t, "import error//dags/x/broken.py", PIPE_ERROR, now, "ImportError: no");
	assert_int_equal(level_of(t, "import error//dags/x/broken.py"), LEVEL_BAD);
	table_free(t);
	json_decref(one), json_decref(two), json_decref(delta), json_decref(error);
	past_release(&p);
}

static void tasks_in_order(void **state)
{
	struct past p = { 0 };
	struct dag *d = past_dag(&p, STR("d"));
	json_t *tasks = parse("[{\"task_id\":\"end\",\"downstream_task_ids\":[]},{\"task_id\":\"a\",\"downstream_task_ids\":[\"b\",\"c\"]},"
		"{\"task_id\":\"b\",\"downstream_task_ids\":[\"end\"]},{\"task_id\":\"c\",\"downstream_task_ids\":[\"end\",\"nobody\"]},7]");
	json_t *loop = parse("[{\"task_id\":\"x\",\"downstream_task_ids\":[\"y\"]},{\"task_id\":\"y\",\"downstream_task_ids\":[\"x\"]}]");
	json_t *times = parse("[{\"task_id\":\"b\",\"duration\":3.5},{\"task_id\":\"b\",\"duration\":1.5},{\"task_id\":\"b\",\"duration\":null}]");
	past_take_tasks(d, tasks);
	past_take_times(d, times);
	assert_int_equal(past_task(d, STR("a"))->order, 0);
	assert_int_equal(past_task(d, STR("end"))->order, 3);
	assert_string_equal(past_task(d, STR("end"))->upstream, "b,c");
	assert_int_equal(past_task(d, STR("b"))->usual, 2500);
	past_take_tasks(d, tasks);
	assert_int_equal(past_task(d, STR("b"))->usual, 2500);              /* kept */
	past_take_tasks(d, loop);                                           /* ends */
	assert_int_equal(past_task(d, STR("x"))->order, -1);
	json_decref(tasks), json_decref(loop), json_decref(times);
	past_release(&p);
}

/* What was tried before: asked for once a try, kept, in the row, and read from there. */
static void keeps_tries(void **state)
{
	struct past p = { 0 };
	struct dag *d = past_dag(&p, STR("d"));
	json_t *task = parse("{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\",\"map_index\":-1,\"try_number\":3,\"max_tries\":2,\"state\":\"running\"}");
	json_t *first = parse("{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"u\",\"try_number\":1}");
	json_t *tries = parse("{\"task_instances\":[{\"try_number\":1,\"state\":\"failed\",\"start_date\":\"2026-11-21T03:00:00Z\","
		"\"end_date\":\"2026-11-21T03:00:05Z\"},{\"try_number\":2,\"state\":\"a b\",\"start_date\":\"2026-11-21T03:00:00Z\",\"end_date\":"
		"\"2026-11-21T03:00:05Z\"},{\"try_number\":2,\"state\":7},{\"try_number\":3,\"state\":\"running\"},null]}");
	int64_t start, end;
	struct str s, text;
	struct buf rows = { 0 };
	assert_string_equal(tries_known(d, first), "");
	assert_null(tries_known(d, task));
	tries_learn(d, task, tries);
	assert_non_null(tries_known(d, task));
	assert_true(put_task(&p, task, &rows));
	struct table *t = table_of(&kind_tasks, &rows);
	text = row_text(t, table_find(t, 0, STR("d/r/t")), TASK_BEFORE);
	assert_true(try_next(&text, &start, &end, &s));
	assert_true(end - start == 5000 && str_is(s, "failed") && !text.n);
	table_free(t);
	json_object_set_new(task, "try_number", json_integer(4));
	assert_null(tries_known(d, task));
	tries_learn(d, task, NULL);
	assert_string_equal(tries_known(d, task), "");
	static const char *const odd[] = { "", "1-2", "1:failed", "2-1:failed", "a-b:c", "-", ":" };
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		text = str_of(odd[i]);
		bool ok = try_next(&text, &start, &end, &s);
		assert_true(ok == !strcmp(odd[i], "1-2"));
	}
	json_decref(task), json_decref(first), json_decref(tries);
	past_release(&p);
}

static void reads_logs(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "[('vm', \"it's\\n\")]", "it's\n" }, { "[('vm', 'a\\'b\"c')]", "a'b\"c\n" }, { "[]", "" },
		{ "[('a', 'one'), ('b', 'two\\x41\\u00e9\\U0001f600\\\\')]", "one\ntwoAé😀\\\n" },
		{ "[('vm', 'cut", NULL }, { "[('vm')]", NULL }, { "x", NULL }, { "", NULL }, { "[('vm', '\\u12')]", NULL }, { "[(", NULL },
		{ "[('vm', 'a')] ", NULL },
	};
	struct buf b = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_clear(&b);
		bool ok = repr_text(str_of(cases[i].in), &b);
		assert_int_equal(ok, cases[i].out != NULL);
		if (ok)
			assert_string_equal(b.data ? b.data : "", cases[i].out);
	}
	static const char *const entries[][2] = {
		{ "{\"timestamp\":\"2026-11-21T03:10:47.3Z\",\"event\":\"hello\",\"level\":\"info\"}", "2026-11-21T03:10:47.3Z hello\n" },
		{ "{\"timestamp\":\"2026-11-21T03:10:47.3Z\",\"event\":\"no\",\"level\":\"error\",\"error_detail\":[{\"exc_type\":\"E\",\"exc_value\":"
		  "\"v\",\"frames\":[{\"filename\":\"f.py\",\"lineno\":3,\"name\":\"g\"}]}]}",
		  "2026-11-21T03:10:47.3Z ERROR no\n2026-11-21T03:10:47.3Z ERROR E: v\n  f.py:3 in g\n" },
		{ "{\"timestamp\":null,\"event\":\"::group::Sources\",\"sources\":[\"/a\"]}", "Sources\n  from /a\n" },
		{ "{\"event\":\"::endgroup::\"}", "" }, { "\"plain\"", "plain\n" }, { "{\"event\":5}", "\n" }, { "3", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		json_t *j = parse(entries[i][0]);
		buf_clear(&b);
		log_line(j, &b);
		assert_string_equal(b.data ? b.data : "", entries[i][1]);
		json_decref(j);
	}
	buf_release(&b);
}

static void reads_tokens(void **state)
{
	/* {"alg":"none"} . {"exp":1795317042} */
	assert_int_equal(jwt_end(STR("eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTUzMTcwNDJ9.x")), 1795317042000);
	assert_int_equal(jwt_end(STR("eyJhbGciOiJub25lIn0.eyJleHAiOiJzb29uIn0.x")), 0);
	assert_int_equal(jwt_end(STR("opaque")), 0);
	assert_int_equal(jwt_end(STR("..")), 0);
	assert_int_equal(jwt_end(STR("")), 0);
}

static void parses_keys(void **state)
{
	struct task_key k;
	struct buf b = { 0 };
	assert_true(task_key_parse(STR("d/manual__2026-11-21T02:48:11+00:00/t/3"), &k));
	task_key_path(&k, &b);
	assert_string_equal(b.data, "/dags/d/dagRuns/manual__2026-11-21T02%3A48%3A11%2B00%3A00/taskInstances/t/3");
	assert_false(task_key_parse(STR(""), &k));
	buf_release(&b);
}

/* ---- the graph */

static struct graph_task task(const char *name, const char *upstream, enum state_is is, int64_t start, int64_t end, int64_t usual)
{
	return (struct graph_task){ .name = str_of(name), .upstream = str_of(upstream), .is = is, .start = start, .end = end,
		.usual = usual };
}

static void plans_ends(void **state)
{
	struct graph_task t[] = {
		task("a", "", STATE_WELL, 1000, 2000, 500), task("b", "a", STATE_RUNNING, 2000, 0, 5000),
		task("c", "a", STATE_WELL, 2000, 2500, 400), task("d", "b,c", STATE_NONE, 0, 0, 300), task("e", "a", STATE_SKIPPED, 0, 0, 9000),
	};
	struct buf path = { 0 };
	bool whole;
	assert_int_equal(graph_plan(t, 5, 3000, &whole), 7300);
	assert_true(whole);
	graph_path(t, 5, " > ", &path);
	assert_string_equal(path.data, "a > b > d");
	assert_int_equal(graph_plan(t, 5, 9000, &whole), 9300);             /* b is late */
	t[3].usual = -1;
	graph_plan(t, 5, 3000, &whole);
	assert_false(whole);
	struct graph_task loop[] = { task("x", "y", STATE_NONE, 0, 0, 10), task("y", "x", STATE_NONE, 0, 0, 10) };
	graph_plan(loop, 2, 100, &whole);                                   /* ends */
	assert_int_equal(graph_plan(NULL, 0, 1, &whole), 0);
	buf_release(&path);
}

static void draw(const struct graph_task *t, unsigned n, struct buf *out)
{
	struct graph_line *lines;
	unsigned count = graph_lines(t, n, &lines);
	buf_clear(out);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned c = 0; c < lines[i].n; c++)
			buf_addf(out, "%s%s", lane_text((enum lane)lines[i].cell[c], true), lines[i].across[c] ? "-" : " ");
		if (lines[i].task >= 0)
			buf_addstr(out, t[lines[i].task].name);
		buf_addc(out, '\n');
	}
	free(lines);
}

static void draws_graphs(void **state)
{
	struct buf b = { 0 };
	struct graph_task branch[] = { task("a", "", 0, 0, 0, 0), task("b", "a", 0, 0, 0, 0), task("c", "a", 0, 0, 0, 0),
		task("d", "c", 0, 0, 0, 0), task("end", "b,d", 0, 0, 0, 0) };
	draw(branch, 5, &b);
	assert_string_equal(b.data, "o a\n+-. \no | b\n| o c\n| o d\n+-' \no end\n");
	struct graph_task apart[] = { task("a", "", 0, 0, 0, 0), task("b", "", 0, 0, 0, 0), task("c", "a", 0, 0, 0, 0) };
	draw(apart, 3, &b);
	assert_string_equal(b.data, "o a\n| o b\no c\n");
	struct graph_task many[60];
	char names[60][8];
	for (int i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "t%u", (unsigned)i % 100);
		many[i] = task(names[i], i ? "t0" : "", 0, 0, 0, 0);
	}
	draw(many, 60, &b);                      /* more lanes than are drawn */
	assert_non_null(strstr(b.data, "t59"));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_states), cmocka_unit_test(reads_both_versions), cmocka_unit_test(survives_wrong_types),
		cmocka_unit_test(remembers_runs), cmocka_unit_test(pipelines_as_rows), cmocka_unit_test(tasks_in_order),
		cmocka_unit_test(keeps_tries), cmocka_unit_test(reads_logs), cmocka_unit_test(reads_tokens), cmocka_unit_test(parses_keys), cmocka_unit_test(plans_ends),
		cmocka_unit_test(draws_graphs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
