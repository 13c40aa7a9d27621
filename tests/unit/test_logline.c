/* Lines of logs, taken apart. */
#include "base/logline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check(const char *line, const char *time, const char *where, const char *text)
{
	struct logline l = logline_parse(str_of(line));

	assert_true(str_is(l.time, time));
	assert_true(str_is(l.where, where));
	assert_true(str_is(l.text, text));
}

static void parts(void **state)
{
	check("2026-11-21T03:11:58.123456789Z hello there\n", "2026-11-21T03:11:58.123456789Z", "", "hello there");
	check("2026-11-21T03:11:58Z \r\n", "2026-11-21T03:11:58Z", "", "");
	check("2026-11-21T03:11:58Z", "2026-11-21T03:11:58Z", "", "");
	check("2026-11-21T03:11:58.1+02:00|web-0/app  two", "2026-11-21T03:11:58.1+02:00", "web-0/app", " two");
	check("2026-11-21T03:11:58Z|app", "2026-11-21T03:11:58Z", "app", "");
	check("2026-11-21T03:11:58Z a|b c", "2026-11-21T03:11:58Z", "", "a|b c");
}

static void no_time(void **state)
{
	check("", "", "", "");
	check("\n", "", "", "");
	check("plain", "", "", "plain");
	check("2026-13-21T03:11:58Z month thirteen", "", "", "2026-13-21T03:11:58Z month thirteen");
	check("2026-11-21T03:11:58.123456789123456789Z x", "", "", "2026-11-21T03:11:58.123456789123456789Z x");
	check("failed to open log file \"/var/log\": no such file\n", "", "",
	      "failed to open log file \"/var/log\": no such file");
}

static void times(void **state)
{
	int64_t ns = 0;

	assert_true(logline_time(STR("1970-01-01T00:00:00Z"), &ns));
	assert_int_equal(ns, 0);
	assert_true(logline_time(STR("2026-11-21T03:11:58.5Z"), &ns));
	assert_int_equal(ns, 1795230718500000000);
	assert_true(logline_time(STR("2026-11-21T05:11:58.000000001+02:00"), &ns));
	assert_int_equal(ns, 1795230718000000001);
	assert_true(logline_time(STR("2024-02-29T23:59:60Z"), &ns));
	assert_false(logline_time(STR("2024-02-29T23:59:60"), &ns));
	assert_false(logline_time(STR("9999-02-28T23:59:00Z"), &ns));
	assert_false(logline_time(STR("2024-02-29 23:59:00Z"), &ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parts), cmocka_unit_test(no_time), cmocka_unit_test(times) };

	return cmocka_run_group_tests_name("logline", tests, NULL, NULL);
}
