/* window: freeze windows as people write them, over the end of the week, of the year, and where clocks are put forward and back. */
#define _GNU_SOURCE
#include "base/window.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct zone *in;              /* NULL: this machine's own */

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
	zone_free(in);
	in = NULL;
}

/* Of a rule, whatever this machine's own is. */
static void named(const char *tz, const char *name)
{
	zone(tz);
	in = zone_load(str_of(name));
	if (!in)
		fail_msg("no zone '%s': is tzdata installed?", name);
}

/* "2026-11-21 17:45" of UTC, in ms. */
static int64_t utc(const char *s)
{
	struct tm tm = { 0 };
	assert_int_equal(sscanf(s, "%d-%d-%d %d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min), 5);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) * 1000;
}

/* ends NULL: it must be outside. */
static void expect(const char *window, const char *at, const char *ends)
{
	struct window w;
	const char *why;
	int64_t over = -1;
	if (!window_parse(str_of(window), &w, &why))
		fail_msg("'%s': %s", window, why);
	struct zone *z = in ? in : zone_or_here(NULL);
	bool inside = window_inside(&w, z, utc(at), &over);
	if (!in)
		zone_free(z);
	if (inside != (ends != NULL))
		fail_msg("'%s' at %s: %s", window, at, inside ? "inside" : "outside");
	if (ends && over != utc(ends))
		fail_msg("'%s' at %s ends %lld minutes from there", window, at, (long long)(over - utc(at)) / 60000);
}

static void weekly_over_the_end_of_the_week(void **state)
{
	zone("UTC");                                                    /* 2026-11-21 is a Saturday */
	expect("Fri 16:00 - Mon 08:00", "2026-11-20 15:59", NULL);
	expect("Fri 16:00 - Mon 08:00", "2026-11-20 16:00", "2026-11-23 08:00");
	expect("Fri 16:00 - Mon 08:00", "2026-11-22 00:00", "2026-11-23 08:00");
	expect("Fri 16:00 - Mon 08:00", "2026-11-23 07:59", "2026-11-23 08:00");
	expect("Fri 16:00 - Mon 08:00", "2026-11-23 08:00", NULL);
	expect("friday 16:00-monday 8:00", "2026-11-21 12:00", "2026-11-23 08:00");
	expect("Sat - Sun", "2026-11-22 23:59", "2026-11-23 00:00");
	expect("Sat-Sun", "2026-11-23 00:00", NULL);
	expect("Sat", "2026-11-21 00:00", "2026-11-22 00:00");
	expect("Tue 18:00 - 20:00", "2026-11-24 19:00", "2026-11-24 20:00");
	expect("Sat 22:00 - 06:00", "2026-11-22 05:00", "2026-11-22 06:00");
}

static void daily_and_once(void **state)
{
	zone("UTC");
	expect("22:00 - 06:00", "2026-11-21 23:30", "2026-11-22 06:00");
	expect("22:00 - 06:00", "2026-11-21 06:00", NULL);
	expect("09:00-24:00", "2026-11-21 23:59", "2026-11-22 00:00");
	expect("2026-12-20 - 2027-01-03", "2026-12-19 23:59", NULL);
	expect("2026-12-20 - 2027-01-03", "2027-01-03 23:59", "2027-01-04 00:00");
	expect("2026-12-20 - 2027-01-03", "2027-01-04 00:00", NULL);
	expect("2026-12-25", "2026-12-25 10:00", "2026-12-26 00:00");
	expect("2026-12-24 12:00 - 18:00", "2026-12-24 17:59", "2026-12-24 18:00");
	expect("2026-12-31 20:00 - 06:00", "2027-01-01 03:00", "2027-01-01 06:00");
}

static void local_time_and_summer_time(void **state)
{
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	expect("22:00 - 06:00", "2026-07-01 20:30", "2026-07-02 04:00");
	expect("22:00 - 06:00", "2026-01-10 20:30", NULL);
	/* put forward on 2026-03-29 at 02:00 (01:00 UTC): the window is an hour shorter, and what ends in the gap ends with it */
	expect("Sat 20:00 - Sun 08:00", "2026-03-28 20:00", "2026-03-29 06:00");
	expect("01:30 - 02:30", "2026-03-29 00:45", "2026-03-29 01:00");
	expect("01:30 - 02:30", "2026-03-29 01:00", NULL);
	/* put back on 2026-10-25 at 03:00 (01:00 UTC): what the clock says twice is inside twice */
	expect("Sat 20:00 - Sun 08:00", "2026-10-24 20:00", "2026-10-25 07:00");
	expect("02:15 - 02:45", "2026-10-25 00:30", "2026-10-25 01:45");
	expect("02:15 - 02:45", "2026-10-25 01:30", "2026-10-25 01:45");
	expect("02:15 - 02:45", "2026-10-25 01:50", NULL);
	zone("UTC");
}

/* Wherever who runs it is: Berlin's two nights, New York's (three and two weeks away from them), and a zone that knows neither. */
static void in_a_zone_of_its_own(void **state)
{
	static const char *const here[] = { "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "CET-1CEST,M3.5.0,M10.5.0/3" };
	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++) {
		named(here[i], "Europe/Berlin");
		expect("Fri 16:00 - Mon 08:00", "2026-11-20 14:59", NULL);
		expect("Fri 16:00 - Mon 08:00", "2026-11-20 15:00", "2026-11-23 07:00");
		expect("01:30 - 02:30", "2026-03-29 00:45", "2026-03-29 01:00");           /* skipped: 02:00 to 03:00 */
		expect("02:15 - 02:45", "2026-03-29 01:20", NULL);
		expect("Sun 02:00 - Sun 03:00", "2026-03-29 01:00", NULL);
		expect("Sat 20:00 - Sun 08:00", "2026-03-28 19:00", "2026-03-29 06:00");
		expect("02:15 - 02:45", "2026-10-25 00:30", "2026-10-25 01:45");           /* repeated: 02:00 to 03:00 */
		expect("02:15 - 02:45", "2026-10-25 01:30", "2026-10-25 01:45");
		expect("02:15 - 02:45", "2026-10-25 01:45", NULL);
		expect("Sat 20:00 - Sun 08:00", "2026-10-24 18:00", "2026-10-25 07:00");
		expect("2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00");               /* a day of 23 hours, and one of 25 */
		expect("2026-10-25", "2026-10-25 22:59", "2026-10-25 23:00");
		expect("2040-03-25 01:00 - 05:00", "2040-03-25 00:30", "2040-03-25 03:00");   /* beyond what files list */
		named(here[i], "America/New_York");
		expect("02:00 - 03:00", "2026-03-08 07:00", NULL);
		expect("01:00 - 02:00", "2026-11-01 05:30", "2026-11-01 07:00");
		named(here[i], "Asia/Kolkata");
		expect("22:00 - 06:00", "2026-03-28 16:30", "2026-03-29 00:30");
		named(here[i], "+05:45");
		expect("00:00 - 00:15", "2026-07-01 18:15", "2026-07-01 18:30");
	}
	zone("UTC");
}

static void what_is_no_window(void **state)
{
	static const char *const bad[] = { "", " ", "-", "Fri", "Fri - ", "16:00", "25:00 - 26:00", "12:61 - 13:00", "Fri 16:00 - 2026-01-01",
		"2026-13-01", "2026-02-30 - 2026-03-01", "2026-12-20 - 2026-12-19", "Fri 16:00 - Fri 16:00", "08:00 - 08:00", "F - M",
		"Fri Sat - Sun", "Fri 16:00 17:00 - Sun", "x - y", "2026-12-20-2026-12-24", "0000-00-00 - 9999-99-99", "Mon 1:2 - Tue" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct window w;
		const char *why = NULL;
		bool is = window_parse(str_of(bad[i]), &w, &why);
		if (is != !strcmp(bad[i], "Fri"))
			fail_msg("'%s': %s", bad[i], is ? "taken" : why);
		assert_non_null(why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weekly_over_the_end_of_the_week), cmocka_unit_test(daily_and_once),
		cmocka_unit_test(local_time_and_summer_time), cmocka_unit_test(in_a_zone_of_its_own),
		cmocka_unit_test(what_is_no_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
