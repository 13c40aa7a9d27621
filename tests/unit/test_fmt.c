/* Numbers as people read them; quantities and times as the API server writes them. */
#include "base/fmt.h"
#include "base/kinds.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MINUTE 60000LL
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void check_int(void (*fmt)(int64_t, struct buf *), int64_t v, const char *wanted)
{
	struct buf out = { 0 };
	fmt(v, &out);
	assert_string_equal(out.data, wanted);
	buf_release(&out);
}

static void check_real(void (*fmt)(double, struct buf *), double v, const char *wanted)
{
	struct buf out = { 0 };
	fmt(v, &out);
	assert_string_equal(out.data, wanted);
	buf_release(&out);
}

/* The cases of k8s.io/apimachinery's duration_test.go, and the edges between them. */
static void ages(void **state)
{
	static const struct { int64_t ms; const char *text; } cases[] = {
		{ 0, "0s" }, { 999, "0s" }, { 1000, "1s" }, { 119999, "119s" }, { 2 * MINUTE, "2m" },
		{ 2 * MINUTE + 3000, "2m3s" }, { 10 * MINUTE - 1, "9m59s" }, { 10 * MINUTE, "10m" },
		{ 3 * HOUR - 1, "179m" }, { 3 * HOUR, "3h" }, { 3 * HOUR + 5 * MINUTE, "3h5m" }, { 8 * HOUR - 1, "7h59m" },
		{ 8 * HOUR, "8h" }, { 2 * DAY - 1, "47h" }, { 2 * DAY, "2d" }, { 2 * DAY + HOUR, "2d1h" },
		{ 8 * DAY - 1, "7d23h" }, { 8 * DAY, "8d" }, { 2 * 365 * DAY - 1, "729d" }, { 2 * 365 * DAY, "2y" },
		{ 2 * 365 * DAY + 5 * DAY, "2y5d" }, { 8 * 365 * DAY - 1, "7y364d" }, { 8 * 365 * DAY, "8y" },
		{ 12 * 365 * DAY + 300 * DAY, "12y" }, { -1, "0s" }, { -1999, "0s" }, { -2000, "<invalid>" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_int(fmt_age, cases[i].ms, cases[i].text);
}

static void durations(void **state)
{
	check_int(fmt_duration, 41, "41ms");
	check_int(fmt_duration, 1240, "1.2s");
	check_int(fmt_duration, 3000, "3s");
	check_int(fmt_duration, 100000, "1m40s");
	check_int(fmt_duration, 21 * MINUTE + 50000, "21m50s");
	check_int(fmt_duration, 3 * HOUR + 12 * MINUTE, "3h12m");
	check_int(fmt_duration, 2 * DAY + 4 * HOUR, "2d4h");
	check_int(fmt_duration, INT64_MIN, "-106751991167d7h");
}

static void numbers(void **state)
{
	check_int(fmt_bytes, 0, "0");
	check_int(fmt_bytes, 1023, "1023");
	check_int(fmt_bytes, 1536, "1.5Ki");
	check_int(fmt_bytes, 509LL << 20, "509Mi");
	check_int(fmt_bytes, 12025908428, "11.2Gi");
	check_int(fmt_bytes, (1LL << 30) - 1, "1Gi");
	check_int(fmt_bytes, INT64_MAX, "8Ei");
	check_int(fmt_milli, 0, "0");
	check_int(fmt_milli, 120, "120m");
	check_int(fmt_milli, 1250, "1.25");
	check_int(fmt_milli, 3800, "3.8");
	check_int(fmt_milli, 16000, "16");
	check_int(fmt_milli, 123456, "123");
	check_int(fmt_pair, PAIR(2, 3), "2/3");
	check_int(fmt_count, 10412, "10412");
	check_int(fmt_thousands, 10412, "10,412");
	check_int(fmt_thousands, -1234567, "-1,234,567");
	check_int(fmt_thousands, 999, "999");
	check_real(fmt_real, 0.41318, "0.4132");
	check_real(fmt_real, 612400, "612400");
	check_real(fmt_real, NAN, "-");
	check_real(fmt_real, 1e300, "1.00e+300");
	check_real(fmt_ratio, 0.18, "18 %");
	check_real(fmt_ratio, 0.002, "0.2 %");
	check_real(fmt_ratio, 0.9949, "99 %");
	check_real(fmt_money, 0.93, "$0.93");
	check_real(fmt_money, 0.0042, "$0.0042");
	check_real(fmt_money, -41.2, "-$41.20");
	check_real(fmt_money, 1234.5, "$1,235");
}

static void quantities(void **state)
{
	static const struct { const char *text; int64_t milli, units; } good[] = {
		{ "0", 0, 0 }, { "1", 1000, 1 }, { "100m", 100, 1 }, { "1500m", 1500, 2 }, { "0.1", 100, 1 }, { "2k", 2000000, 2000 },
		{ "1Ki", 1024000, 1024 }, { "1.5Gi", 1610612736000, 1610612736 }, { "250000n", 1, 1 }, { "1u", 1, 1 },
		{ "12e6", 12000000000, 12000000 }, { "1E3", 1000000, 1000 }, { "-1500m", -1500, -2 }, { "+5", 5000, 5 }, { ".5", 500, 1 },
		{ "5.", 5000, 5 }, { "1E", INT64_MAX, 1000000000000000000 }, { "100Ei", INT64_MAX, INT64_MAX },
		{ "123456789012345678901234567890", INT64_MAX, INT64_MAX }, { "0.0000000001", 1, 1 },
		{ "0.000", 0, 0 }, { "1e-3", 1, 1 }, { "000128974848", 128974848000, 128974848 },
	};
	static const char *const bad[] = { "", "m", "-", "1x", "1 ", "1KiB", "e3", "1e", "1e+", "..", "0x10", "1.2.3", "1e99999" };
	int64_t v;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!quantity_milli(str_of(good[i].text), &v) || v != good[i].milli)
			fail_msg("milli of '%s' is %lld", good[i].text, (long long)v);
		if (!quantity_units(str_of(good[i].text), &v) || v != good[i].units)
			fail_msg("units of '%s' is %lld", good[i].text, (long long)v);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 42;
		if (quantity_milli(str_of(bad[i]), &v) || v != 42)
			fail_msg("'%s' was taken for a quantity", bad[i]);
	}
}

static void times(void **state)
{
	int64_t ms = 0;
	assert_true(time_parse(STR("1970-01-01T00:00:00Z"), &ms) && ms == 0);
	assert_true(time_parse(STR("2026-11-21T03:11:58.123456Z"), &ms) && ms == 1795230718123);
	assert_true(time_parse(STR("2026-11-21T05:11:58+02:00"), &ms) && ms == 1795230718000);
	assert_true(time_parse(STR("2024-02-29T12:00:00Z"), &ms) && ms == 1709208000000);
	assert_false(time_parse(STR("2026-11-21T03:11:58"), &ms));
	assert_false(time_parse(STR("2026-13-21T03:11:58Z"), &ms));
	assert_false(time_parse(STR("2026-11-21T03:11:58+0200"), &ms));
	assert_false(time_parse(STR("yesterday at about four"), &ms));
	assert_false(time_parse(STR(""), &ms));
}

/* What main, panes and backends rely on in every table of columns. */
static void kinds(void **state)
{
	for (const struct kind *const *k = kinds_all; *k; k++) {
		assert_true((*k)->ncols > 0 && (*k)->ncols <= KIND_MAX_COLS);
		if ((*k)->namespaced)
			assert_string_equal((*k)->cols[0].name, "namespace");
		for (int c = 0; c < (*k)->ncols; c++) {
			const struct column *col = &(*k)->cols[c];
			if (!col->name || !col->title || kind_col(*k, str_of(col->name), false) != c)
				fail_msg("%s: column %d has no name of its own", (*k)->name, c);
			if ((col->type == COL_REF) != (col->ref != NULL))
				fail_msg("%s: '%s' is half a reference", (*k)->name, col->name);
		}
		for (const struct kind *const *other = k + 1; *other; other++)
			for (const char *const *a = (*other)->aliases; a && *a; a++)
				if (kind_answers_to(*k, str_of(*a)))
					fail_msg("'%s' is %s and %s", *a, (*k)->name, (*other)->name);
	}
	static const char *const of_objects[] = { "name", "age", "labels", "owner", "uid" };
	const struct kind *const *k = kinds_all;
	do
		for (int i = 0; i < 5; i++)
			if (kind_col(*k, str_of(of_objects[i]), false) < 0)
				fail_msg("%s has no '%s'", (*k)->name, of_objects[i]);
	while (*k++ != &kind_events);
}

/* enum pods_col and the like are the order of the tables. */
static void orders(void **state)
{
	assert_int_equal(kind_col(&kind_pods, STR("restarted"), false), PODS_RESTARTED);
	assert_int_equal(kind_col(&kind_pods, STR("cpu"), false), PODS_CPU);
	assert_int_equal(kind_col(&kind_pods, STR("mem_limit"), false), PODS_MEM_LIMIT);
	assert_int_equal(kind_col(&kind_pods, STR("uid"), false), PODS_UID);
	assert_int_equal(kind_col(&kind_nodes, STR("pods"), false), NODES_PODS);
	assert_int_equal(kind_col(&kind_nodes, STR("cpu_requested"), false), NODES_CPU_REQUESTED);
	assert_int_equal(kind_col(&kind_nodes, STR("gpus"), false), NODES_GPUS);
	assert_int_equal(kind_col(&kind_nodes, STR("unschedulable"), false), NODES_UNSCHEDULABLE);
	assert_int_equal(kind_col(&kind_nodes, STR("uid"), false), NODES_UID);
	assert_int_equal(kind_col(&kind_containers, STR("cpu"), false), CONTAINERS_CPU);
	assert_int_equal(kind_col(&kind_containers, STR("mem_limit"), false), CONTAINERS_MEM_LIMIT);
	assert_int_equal(kind_col(&kind_containers, STR("restarted"), false), CONTAINERS_RESTARTED);
	assert_int_equal(kind_col(&kind_containers, STR("uid"), false), CONTAINERS_UID);
}

static void ages_read_back(void **state)
{
	static const int64_t seconds[] = { 0, 119, 599, 10740, 28740, 169200, 687600, 62985600, 63504000 };
	static const char *const none[] = { "", "5", "m", "5m2", "2m5d", "5m5m", "-5m", "<unknown>", "5w", "999999999y" };
	struct buf b = { 0 };
	int64_t ms;

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		buf_clear(&b);
		fmt_age(seconds[i] * 1000, &b);
		assert_true(age_parse(buf_str(&b), &ms));
		assert_in_range(seconds[i] * 1000 - ms, 0, 86399999);
		size_t n = b.len;
		fmt_age(ms, &b);    /* the same text again */
		assert_int_equal(b.len, 2 * n);
		assert_memory_equal(b.data, b.data + n, n);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(age_parse(str_of(none[i]), &ms));
	buf_release(&b);
}

static void lengths_of_time(void **state)
{
	static const struct { const char *text; bool bare; double ms; } good[] = {
		{ "90s", false, 90e3 }, { "1h30m", false, 5400e3 }, { "1.5d", false, 129600e3 }, { "500ms", false, 500 },
		{ "2w", false, 1209600e3 }, { "1y", false, 31536e6 }, { "1m500ms", true, 60500 }, { "90", true, 90e3 }, { "0.5", true, 500 },
	};
	static const struct { const char *text; bool bare; } bad[] = {
		{ "", true }, { "90", false }, { "m", true }, { "5q", true }, { "-5m", true }, { "-5", true }, { "5m3", true }, { "1..5m", true },
	};
	double ms = 7;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(duration_parse(str_of(good[i].text), good[i].bare, &ms));
		assert_true(ms == good[i].ms);
	}
	ms = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(duration_parse(str_of(bad[i].text), bad[i].bare, &ms));
	assert_true(ms == 7);
	assert_false(duration_parse((struct str){ "5\0", 2 }, false, &ms));
}

static void csv_fields(void **state)
{
	static const struct { const char *text, *field; } cases[] = {
		{ "", "" }, { "api", "api" }, { "a,b", "\"a,b\"" }, { "say \"a\"", "\"say \"\"a\"\"\"" }, { "a\nb", "\"a\nb\"" },
		{ "=1+1", "\"'=1+1\"" }, { "@x", "\"'@x\"" }, { "-5", "-5" }, { "-x", "\"'-x\"" }, { "+", "\"'+\"" },
	};
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		buf_adds(&b, "");
		fmt_csv(str_of(cases[i].text), &b);
		assert_string_equal(b.data, cases[i].field);
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_read_back), cmocka_unit_test(lengths_of_time), cmocka_unit_test(csv_fields),
		cmocka_unit_test(ages), cmocka_unit_test(durations), cmocka_unit_test(numbers), cmocka_unit_test(quantities),
		cmocka_unit_test(times), cmocka_unit_test(kinds), cmocka_unit_test(orders),
	};
	return cmocka_run_group_tests_name("fmt", tests, NULL, NULL);
}
