#define _GNU_SOURCE
/* What is done to pipelines: parameters held against their schema and shown as a form, the dates of a schedule, the tasks that a
 * dry run names. */
#include "backends/airflow/acts.h"
#include "backends/airflow/cron.h"
#include "base/fmt.h"
#include "tui/form_fields.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
	char why[200] = "";
	json_t *j = json_read(str_of(text), NULL, why, sizeof(why));
	if (!j)
		fail_msg("%s: %s", why, text);
	return j;
}

static const char schema[] =
	"{\"model\":{\"value\":\"a\",\"description\":\"which\",\"schema\":{\"type\":\"string\",\"enum\":[\"a\",\"b|c\"]}},"
	"\"depth\":{\"value\":6,\"schema\":{\"type\":\"integer\",\"enum\":[4,6]}},"
	"\"rows\":{\"value\":10,\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}},"
	"\"rate\":{\"value\":0.5,\"schema\":{\"type\":\"number\",\"minimum\":0}},"
	"\"when\":{\"value\":null,\"schema\":{\"type\":[\"null\",\"string\"],\"format\":\"date\",\"maxLength\":10}},"
	"\"must\":{\"value\":null,\"schema\":{\"type\":\"string\",\"minLength\":2}},"
	"\"list\":{\"value\":[1],\"schema\":{\"type\":\"array\"}},"
	"\"free\":{\"value\":3,\"schema\":{}},\"odd\":7}";

/* What is sent of it; or, after "!", what is wrong. */
static void checks(const char *conf, const char *want)
{
	json_t *params = parse(schema), *c = parse(conf);
	char *why = params_check(params, c), *text = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
	if (*want == '!' ? !why || !strstr(why, want + 1) : why || strcmp(text, want))
		fail_msg("%s: %s, %s; want %s", conf, why ? why : "well", text, want);
	free(why);
	free(text);
	json_decref(c);
	json_decref(params);
}

static void holds_values_against_the_schema(void **state)
{
	checks("{\"must\":\"xx\"}", "{\"must\":\"xx\"}");
	checks("{}", "!the pipeline wants 'must'");
	checks("{\"must\":\"x\"}", "!'must' is shorter than 2");
	checks("{\"must\":\"xx\",\"rows\":101}", "!'rows' is at most 100, not 101");
	checks("{\"must\":\"xx\",\"rows\":0}", "!'rows' is at least 1, not 0");
	checks("{\"must\":\"xx\",\"rows\":1.5}", "!'rows' is of type \"integer\"");
	checks("{\"must\":\"xx\",\"rows\":\"12\"}", "{\"must\":\"xx\",\"rows\":12}");      /* a form's text */
	checks("{\"must\":\"xx\",\"rows\":10,\"model\":\"a\",\"rate\":0.5}", "{\"must\":\"xx\"}");   /* as it is defined */
	checks("{\"must\":\"xx\",\"depth\":\"4\"}", "{\"depth\":4,\"must\":\"xx\"}");
	checks("{\"must\":\"xx\",\"depth\":5}", "!'depth' is one of [4,6], not '5'");
	checks("{\"must\":\"xx\",\"model\":\"d\"}", "!'model' is one of");
	checks("{\"must\":\"xx\",\"rate\":-0.1}", "!'rate' is at least 0");
	checks("{\"must\":\"xx\",\"when\":null}", "{\"must\":\"xx\"}");
	checks("{\"must\":\"xx\",\"when\":\"2026-11-21 or so\"}", "!'when' is longer than 10");
	checks("{\"must\":\"xx\",\"list\":\"[1,2]\"}", "{\"list\":[1,2],\"must\":\"xx\"}");
	checks("{\"must\":\"xx\",\"list\":\"[1,\"}", "!'list' is of type \"array\"");
	checks("{\"must\":\"xx\",\"free\":4.0}", "{\"free\":4,\"must\":\"xx\"}");
	checks("{\"must\":\"xx\",\"other\":[]}", "{\"must\":\"xx\",\"other\":[]}");
}

static const struct field *field_of(const struct field *f, const char *name)
{
	while (f->name && strcmp(f->name, name))
		f++;
	assert_non_null(f->name);
	return f;
}

static void makes_a_form(void **state)
{
	json_t *params = parse(schema), *given = parse("{\"rows\":50}"), *o = json_pack("{s:o, s:s}", "fields", params_form(params, given),
		"note", "as before");
	char *text = json_dumps(o, JSON_COMPACT), *note;
	struct field *all = form_fields_read(str_of(text), &note);
	const struct field *f = field_of(all, "conf.rows");
	assert_string_equal(note, "as before");
	assert_string_equal(f->title, "rows");
	assert_string_equal(f->otherwise, "50");
	assert_int_equal(f->type, FIELD_COUNT);
	assert_int_equal(f->min, 1);
	assert_int_equal(f->max, 100);
	f = field_of(all, "conf.rate");
	assert_int_equal(f->type, FIELD_REAL);
	assert_true(f->from == 0 && isinf(f->to));
	f = field_of(all, "conf.model");
	assert_int_equal(f->type, FIELD_TEXT);           /* a choice that cannot be stepped through */
	assert_non_null(strstr(f->help, "which; otherwise a"));
	assert_int_equal(field_of(all, "conf.depth")->type, FIELD_CHOICE);
	assert_string_equal(field_of(all, "conf.depth")->choices, "4|6");
	assert_true(field_of(all, "conf.must")->required);
	assert_false(field_of(all, "conf.when")->required);
	form_fields_free(all);
	free(note);
	free(text);
	json_decref(o);
	json_decref(given);
	json_decref(params);
	static const char *const odd[] = { "", "[]", "{\"fields\":{}}", "{\"fields\":[1,{\"name\":\"\"},{\"title\":\"x\"}]}" };
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		assert_null(form_fields_read(str_of(odd[i]), &note));
		free(note);
	}
}

static void next_is(const char *schedule, int64_t from, int64_t want)
{
	struct cron c;
	if (!cron_parse(str_of(schedule), &c))
		fail_msg("'%s' is none", schedule);
	if (cron_next(&c, from) != want)
		fail_msg("'%s' after %lld: %lld, want %lld", schedule, (long long)from, (long long)cron_next(&c, from), (long long)want);
}

static void knows_schedules(void **state)
{
	const int64_t at = 1795305600;                     /* Sunday 22 November 2026, 00:00 */
	struct cron c;
	next_is("@daily", at, at);
	next_is("@daily", at + 1, at + 86400);
	next_is("@hourly", at + 61, at + 3600);
	next_is("*/15 * * * *", at + 60, at + 900);
	next_is("30 2 * * *", at, at + 9000);
	next_is("0 6 1 * *", at, at + 9 * 86400 + 21600);
	next_is("0 0 * * 1-5", at, at + 86400);
	next_is("0 0 * * 7", at + 60, at + 7 * 86400);
	next_is("0 0 25 * 1", at, at + 86400);             /* the 25th, or a Monday */
	next_is("0 0 29 2 *", at, 1835395200);             /* 2028 */
	next_is("0 0 30 2 *", at, -1);
	static const char *const wrong[] = { "", "@once", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *x",
		"0 0 * * MONDAY", "0 0 L * *", "0 0 * * 1#2", "0 mon * * *", "* * * * * *" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (cron_parse(str_of(wrong[i]), &c))
			fail_msg("'%s' is taken", wrong[i]);
}

/* What CronDataIntervalTimetable of Airflow 2.10.5 gave, over changes of clocks, in zones of half hours, and beyond the tables of files. */
static void knows_zones(void **state)
{
	static const struct { const char *schedule, *zone, *from, *want; } cases[] = {
		{ "0 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", "10-24T00:00 10-25T01:00 10-26T01:00 10-27T01:00" },
		{ "30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", "03-28T01:30 03-29T01:30 03-30T00:30 03-31T00:30" },
		{ "30 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", "10-24T00:30 10-25T01:30 10-26T01:30 10-27T01:30" },
		{ "*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "10-25T00:00 10-25T00:30 10-25T01:00 10-25T01:30 10-25T02:00" },
		{ "*/30 1-3 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", "10-24T23:00 10-24T23:30 10-25T01:00 10-25T01:30 10-25T02:00 "
		  "10-25T02:30 10-26T00:00 10-26T00:30 10-26T01:00" },
		{ "0 * * * *", "Asia/Kolkata", "2026-10-24T22:10:00Z", "10-24T22:30 10-24T23:30 10-25T00:30" },
		{ "0 9 * * 1-5", "America/New_York", "2026-10-30T12:00:00Z", "10-30T13:00 11-02T14:00 11-03T14:00 11-04T14:00" },
		{ "@daily", "Australia/Lord_Howe", "2026-10-02T12:00:00Z", "10-02T13:30 10-03T13:30 10-04T13:00 10-05T13:00" },
		{ "0 3 */2 * 1", "UTC", "2026-10-01T00:00:00Z", "10-01T03:00 10-03T03:00 10-05T03:00 10-07T03:00 10-09T03:00 10-11T03:00 10-12T03:00" },
		{ "0 0 * * mon-fri", "Europe/Berlin", "2040-03-22T00:00:00Z", "03-22T23:00 03-25T22:00 03-26T22:00 03-27T22:00" },
		{ "0 0 1 jan,jul *", "Pacific/Apia", "2026-01-01T00:00:00Z", "06-30T11:00 12-31T11:00 06-30T11:00" },
		{ "0 0 * * *", "+05:30", "2026-01-01T00:00:00Z", "01-01T18:30 01-02T18:30" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct zone *z = zone_load(str_of(cases[i].zone));
		struct cron c;
		struct buf b = { 0 };
		int64_t at = 0;
		if (!z)
			fail_msg("no zone '%s': is tzdata installed?", cases[i].zone);
		assert_true(cron_parse(str_of(cases[i].schedule), &c) && time_parse(str_of(cases[i].from), &at));
		at /= 1000;
		for (const char *w = cases[i].want; w; w = strchr(w + 1, ' ')) {
			char text[24];
			time_t s = (time_t)(at = cron_next_in(&c, z, at));
			struct tm tm;
			strftime(text, sizeof(text), "%m-%dT%H:%M", gmtime_r(&s, &tm));
			buf_addf(&b, "%s%s", b.len ? " " : "", text);
			at++;
		}
		assert_string_equal(b.data, cases[i].want);
		buf_release(&b);
		zone_free(z);
	}
	static const char *const wrong[] = { "", "Nowhere/City", "../../../etc/passwd", "/etc/passwd", "+5x", "Europe", "zone.tab" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_null(zone_load(str_of(wrong[i])));
}

static void names_tasks(void **state)
{
	json_t *a = parse("{\"task_instances\":[{\"task_id\":\"b\",\"dag_run_id\":\"r\"},{\"task_id\":\"a\",\"dag_run_id\":\"r\",\"map_index\":2}]}");
	json_t *b = parse("{\"task_instances\":[{\"task_id\":\"a\",\"dag_run_id\":\"r\",\"map_index\":2},{\"task_id\":\"b\",\"dag_run_id\":\"r\"}]}");
	char *x = names_of(a), *y = names_of(b), *none = names_of(NULL);
	assert_string_equal(x, "r/a/2 r/b/-1");
	assert_string_equal(x, y);
	assert_string_equal(none, "");
	free(x);
	free(y);
	free(none);
	json_decref(a);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_values_against_the_schema), cmocka_unit_test(makes_a_form), cmocka_unit_test(knows_schedules), cmocka_unit_test(knows_zones),
		cmocka_unit_test(names_tasks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
