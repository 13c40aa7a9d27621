/* Logs of several containers in order of time, and logs that go on after a cut. */
#include "backends/kubernetes/logmerge.h"
#include "backends/kubernetes/logresume.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define T(s) "2026-11-21T03:00:0" s "Z"

static void takes(struct logmerge *m, int64_t now, const char *want, int64_t next)
{
	struct buf out = { 0 };

	assert_int_equal(logmerge_take(m, now, 65536, &out), next);
	assert_string_equal(out.data ? out.data : "", want);
	buf_release(&out);
}

static void merge_orders(void **state)
{
	struct logmerge *m = logmerge_new(100, 1 << 20);
	unsigned a = logmerge_open(m, "web-0/app", 0), b = logmerge_open(m, "web-1/app", 0);

	logmerge_feed(m, a, STR(T("1") " one\n" T("3.5") " three\n"), 10);
	takes(m, 10, "", 1000);    /* b has not shown itself */
	logmerge_feed(m, b, STR(T("2") " two\n"), 20);
	takes(m, 20, T("1") "|web-0/app one\n" T("2") "|web-1/app two\n", 110);
	takes(m, 110, T("3.5") "|web-0/app three\n", INT64_MAX);
	logmerge_feed(m, b, STR(T("4") " four\nlater, without a time\n"), 200);
	takes(m, 299, "", 300);
	logmerge_close(m, a);
	takes(m, 299, T("4") "|web-1/app four\nlater, without a time\n", INT64_MAX);
	logmerge_free(m);
}

static void merge_is_bounded(void **state)
{
	struct logmerge *m = logmerge_new(100, 30);
	unsigned a = logmerge_open(m, "a", 0);

	logmerge_open(m, "b", 0);
	logmerge_feed(m, a, STR(T("1") " x\n" T("2") " y\n"), 0);
	takes(m, 0, T("1") "|a x\n", 1000);
	logmerge_free(m);
}

static void resumed(struct logresume *r, const char *lines, const char *want)
{
	struct buf out = { 0 };

	logresume_filter(r, str_of(lines), &out);
	assert_string_equal(out.data ? out.data : "", want);
	buf_release(&out);
}

static void resume_leaves_out_what_was_seen(void **state)
{
	struct logresume r;
	char since[24];

	logresume_init(&r, 4096);
	assert_false(logresume_cut(&r, since));
	logresume_note(&r, STR(T("1.1") " a\n" T("2.1") " b\n" T("2.1") " b\n"));
	logresume_note(&r, STR(T("2.3") " c\n"));
	assert_true(logresume_cut(&r, since));
	assert_string_equal(since, T("2"));
	resumed(&r, T("2.1") " b\n" T("2.1") " b\n" T("2.1") " b\n" T("2.2") " slow\n" T("2.3") " c\n",
	        T("2.1") " b\n" T("2.2") " slow\n");
	resumed(&r, T("2.4") " d\n" T("9") " e\n" T("9") " e\n", T("2.4") " d\n" T("9") " e\n" T("9") " e\n");
	assert_false(r.comparing);
	logresume_release(&r);
}

static void resume_after_a_flood(void **state)
{
	struct logresume r;
	char since[24], line[64];
	struct buf all = { 0 }, out = { 0 };

	logresume_init(&r, 400);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "2026-11-21T03:00:05.%03dZ line %d\n", i, i);
		logresume_note(&r, str_of(line));
		buf_adds(&all, line);
	}
	assert_true(r.tail.len <= 600);
	assert_true(logresume_cut(&r, since));
	buf_adds(&all, "2026-11-21T03:00:05.100Z new\n");
	logresume_filter(&r, buf_str(&all), &out);
	assert_string_equal(out.data, "2026-11-21T03:00:05.100Z new\n");
	buf_release(&all);
	buf_release(&out);
	logresume_release(&r);
}

static void resume_keeps_whole_lines(void **state)
{
	struct logresume r;
	char since[24];

	logresume_init(&r, 70);
	logresume_note(&r, STR(T("1") " first line here\n" T("2") " second line here\n" T("3") " third\n"));
	assert_true(r.tail.len < 70);
	assert_memory_equal(r.tail.data, T("2"), 20);
	assert_true(logresume_cut(&r, since));
	assert_string_equal(since, T("3"));
	logresume_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_orders), cmocka_unit_test(merge_is_bounded),
		cmocka_unit_test(resume_leaves_out_what_was_seen), cmocka_unit_test(resume_after_a_flood),
		cmocka_unit_test(resume_keeps_whole_lines),
	};

	return cmocka_run_group_tests_name("logs", tests, NULL, NULL);
}
