/* Tables, views, filters, the rows wire and the store: what a list is made of. */
#define _GNU_SOURCE
#include "base/filter.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static const struct column cols[] = {
	{ .name = "namespace", .title = "NAMESPACE", .type = COL_TEXT, .flags = COL_SHARED },
	{ .name = "name", .title = "NAME", .type = COL_TEXT },
	{ .name = "status", .title = "STATUS", .type = COL_STATUS, .flags = COL_SHARED },
	{ .name = "restarts", .title = "RESTARTS", .type = COL_COUNT },
	{ .name = "ready", .title = "READY", .type = COL_PAIR },
	{ .name = "mem", .title = "MEM", .type = COL_BYTES },
	{ .name = "cpu", .title = "CPU", .type = COL_MILLI },
	{ .name = "score", .title = "SCORE", .type = COL_REAL },
	{ .name = "age", .title = "AGE", .type = COL_TIME },
	{ .name = "labels", .title = "LABELS", .type = COL_LABELS, .flags = COL_HIDDEN | COL_SHARED },
};
static const struct kind things = { .name = "things", .singular = "thing", .cols = cols, .ncols = 10, .namespaced = true };
static const int64_t now = 1000000000;

static void put(struct buf *b, const char *ns, const char *name, const char *status, int64_t restarts)
{
	char key[200];
	snprintf(key, sizeof(key), "%s/%s", ns, name);
	rows_put(b, str_of(key), LEVEL_OK);
	cell_text(b, str_of(ns));
	cell_text(b, str_of(name));
	cell_text(b, str_of(status));
	if (restarts < 0)
		cell_null(b);
	else
		cell_int(b, restarts);
	cell_int(b, PAIR(restarts > 0, 2));
	cell_int(b, restarts * 1024 * 1024);
	cell_int(b, restarts * 100);
	cell_real(b, (double)restarts / 10);
	cell_int(b, now - restarts * 60000);
	cell_text(b, STR("app=api,tier=web"));
}

static void apply(struct table *t, uint16_t source, struct buf *b)
{
	struct rd r;
	assert_true(str_is(rows_open(&r, buf_str(b)), "things"));
	assert_true(table_apply(t, source, &r, 0));
	buf_release(b);
}

static char *order(struct view *v)
{
	static char out[4000];
	size_t n = 0;
	view_settle(v);
	out[0] = '\0';
	for (uint32_t i = 0; i < v->n; i++) {
		struct str s = row_text(v->table, table_row(v->table, v->ids[i]), 1);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i ? " " : "", STR_ARG(s));
	}
	return out;
}

static struct table *sample(void)
{
	struct table *t = table_new(&things);
	struct buf b = { 0 };
	rows_start(&b, "things");
	put(&b, "a", "api-10", "Running", 3);
	put(&b, "a", "api-9", "CrashLoopBackOff", 7);
	put(&b, "b", "web", "Running", 0);
	put(&b, "b", "job", "Completed", -1);
	apply(t, 0, &b);
	return t;
}

static void rows_are_put_replaced_and_deleted(void **state)
{
	struct table *t = sample();
	assert_int_equal(t->count, 4);
	const struct row *r = table_find(t, 0, STR("a/api-9"));
	assert_non_null(r);
	uint32_t id = r->id;
	assert_int_equal(row_int(r, 3), 7);
	assert_true(row_null(table_find(t, 0, STR("b/job")), 3));
	struct buf b = { 0 };
	rows_start(&b, "things");
	put(&b, "a", "api-9", "Running", 8);
	rows_del(&b, STR("b/web"));
	rows_del(&b, STR("no/such"));
	apply(t, 0, &b);
	assert_int_equal(t->count, 3);
	assert_int_equal(table_find(t, 0, STR("a/api-9"))->id, id);
	assert_true(str_is(row_text_by(t, table_find(t, 0, STR("a/api-9")), "status"), "Running"));
	assert_null(table_find(t, 1, STR("a/api-9")));
	table_free(t);
}

static void an_update_keeps_what_it_does_not_say(void **state)
{
	struct table *t = sample();
	struct buf b = { 0 };
	rows_start(&b, "things");
	for (int twice = 0; twice < 2; twice++) {
		rows_update(&b, twice ? STR("no/such") : STR("a/api-9"), LEVEL_KEEP);
		for (int c = 0; c < 10; c++) {
			if (c == 5)
				cell_int(&b, 42);
			else
				cell_keep(&b);
		}
	}
	apply(t, 0, &b);
	const struct row *r = table_find(t, 0, STR("a/api-9"));
	assert_int_equal(row_int(r, 5), 42);
	assert_int_equal(row_int(r, 3), 7);
	assert_true(str_is(row_text(t, r, 1), "api-9"));
	assert_int_equal(r->level, LEVEL_OK);
	assert_int_equal(t->count, 4);
	table_free(t);
}

static void a_full_listing_removes_what_vanished(void **state)
{
	struct table *t = sample();
	struct buf b = { 0 };
	rows_start(&b, "things");
	rows_begin(&b, STR("a/"));
	put(&b, "a", "api-9", "CrashLoopBackOff", 7);
	rows_begin(&b, STR("b/"));
	put(&b, "a", "new", "Running", 0);
	rows_end(&b, STR("a/"));
	apply(t, 0, &b);
	assert_int_equal(t->count, 4);    /* api-10 is gone, new is there, b is untouched */
	assert_null(table_find(t, 0, STR("a/api-10")));
	rows_start(&b, "things");
	rows_end(&b, STR("b/"));
	apply(t, 0, &b);
	assert_int_equal(t->count, 2);
	table_free(t);
}

static void an_unchanged_row_is_no_change(void **state)
{
	struct table *t = sample();
	uint64_t version = t->version;
	struct buf b = { 0 };
	rows_start(&b, "things");
	put(&b, "a", "api-10", "Running", 3);
	apply(t, 0, &b);
	assert_int_equal(t->version, version);
	table_free(t);
}

static void malformed_bytes_are_refused(void **state)
{
	struct table *t = sample();
	struct buf b = { 0 };
	rows_start(&b, "things");
	put(&b, "z", "cut", "Running", 3);
	for (size_t n = 8; n < b.len; n++) {
		struct rd r;
		rows_open(&r, (struct str){ b.data, n });
		assert_false(table_apply(t, 0, &r, 0));
	}
	assert_null(table_find(t, 0, STR("z/cut")));
	buf_clear(&b);
	rows_start(&b, "things");
	rows_put(&b, STR("z/wrong"), LEVEL_OK);
	for (int c = 0; c < 10; c++)
		cell_int(&b, 1);          /* text columns do not take numbers */
	struct rd r;
	rows_open(&r, buf_str(&b));
	assert_false(table_apply(t, 0, &r, 0));
	assert_null(table_find(t, 0, STR("z/wrong")));
	buf_release(&b);
	table_free(t);
}

static void a_view_sorts_and_follows(void **state)
{
	struct table *t = sample();
	struct view *v = view_new(t, now);
	assert_string_equal(order(v), "api-10 api-9 job web");
	view_sort(v, 1, false);
	assert_string_equal(order(v), "api-9 api-10 job web");
	view_sort(v, 3, true);
	assert_string_equal(order(v), "api-9 api-10 web job");   /* unknown stays last */
	view_sort(v, 3, false);
	assert_string_equal(order(v), "web api-10 api-9 job");
	struct buf b = { 0 };
	rows_start(&b, "things");
	put(&b, "b", "web", "Running", 9);
	put(&b, "b", "db", "Running", 5);
	rows_del(&b, STR("a/api-10"));
	apply(t, 0, &b);
	assert_string_equal(order(v), "db api-9 web job");
	view_mark(v, table_find(t, 0, STR("b/db"))->id, true);
	assert_int_equal(view_marks(v), 1);
	rows_start(&b, "things");
	rows_del(&b, STR("b/db"));
	apply(t, 0, &b);
	assert_int_equal(view_marks(v), 0);
	view_free(v);
	table_free(t);
}

/* Whatever comes and goes, in whatever slices, the view equals filtering and sorting from nothing. */
static void a_view_equals_sorting_anew(void **state)
{
	struct rnd rnd = { 7 };
	struct filter_error err;
	struct filter *f = filter_parse("restarts<60", &things, &err);
	struct table *t = table_new(&things);
	struct view *v = view_new(t, now), *again;
	view_filter(v, f, now);
	view_sort(v, 3, true);
	for (int round = 0; round < 300; round++) {
		struct buf b = { 0 };
		rows_start(&b, "things");
		for (uint32_t k = rnd_below(&rnd, 40); k; k--) {
			char name[20];
			snprintf(name, sizeof(name), "p%u", rnd_below(&rnd, 200));
			if (rnd_below(&rnd, 3)) {
				put(&b, "n", name, "Running", (int64_t)rnd_below(&rnd, 100) - 1);
			} else {
				char key[24];
				snprintf(key, sizeof(key), "n/%s", name);
				rows_del(&b, str_of(key));
			}
		}
		apply(t, 0, &b);
		if (rnd_below(&rnd, 3))
			continue;
		char *mine = xstrdup(order(v));
		again = view_new(t, now);
		view_filter(again, f, now);
		view_sort(again, 3, true);
		assert_string_equal(mine, order(again));
		for (uint32_t i = 0; i < v->n; i++)
			assert_int_equal(view_index(v, v->ids[i]), i);
		view_free(again);
		free(mine);
	}
	view_free(v);
	table_free(t);
	filter_free(f);
}

static int count(struct table *t, const char *text)
{
	struct filter_error err;
	struct filter *f = filter_parse(text, &things, &err);
	if (!f)
		fail_msg("%s: %s", text, err.what);
	filter_at(f, now);
	int n = 0;
	for (uint32_t i = 0; i < t->nslots; i++)
		n += t->slots[i] && filter_match(f, t, t->slots[i], now);
	filter_free(f);
	return n;
}

static void filters_match(void **state)
{
	static const struct { const char *text; int n; } cases[] = {
		{ "", 4 }, { "  ", 4 }, { "api", 2 }, { "API", 2 }, { "api|web", 3 }, { "!api", 2 }, { "!api !web", 1 },
		{ "/api-[0-9]$/", 1 }, { "/^api/", 2 }, { "!/^api/", 2 }, { "/api", 2 }, { "~a9", 1 }, { "~wb", 1 },
		{ "status=CrashLoopBackOff", 1 }, { "status=crash*", 1 }, { "status!=running", 2 }, { "status~loop", 1 },
		{ "status=Running|Completed", 3 }, { "restarts>5", 1 }, { "restarts>=3", 2 }, { "restarts=0", 1 },
		{ "restarts!=0", 3 }, { "restarts<5 !web", 1 }, { "rest>5", 1 }, { "RESTARTS>5", 1 }, { "mem>5Mi", 1 },
		{ "mem>=3Mi", 2 }, { "cpu>500m", 1 }, { "cpu<0.5", 3 }, { "score>0.5", 1 }, { "age<2m", 2 }, { "age>5m", 1 },
		{ "age>6m30s", 1 }, { "ready<1", 4 }, { "ready>=1/2", 2 }, { "-l app=api", 4 }, { "-l app=db", 0 }, { "-l tier", 4 },
		{ "-l !tier", 0 }, { "-l app!=api", 0 }, { "-l app=api,tier=web restarts>5", 1 }, { "\"status=x\"", 0 },
		{ "/^[[:alpha:]++++++++++++]{2,3}-[0-9]$/", 1 }, { "/[]+++++++++++++]|api/", 2 },
		{ "name=api-*", 2 }, { "namespace=b web", 1 }, { "a\\ b", 0 },
	};
	struct table *t = sample();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (count(t, cases[i].text) != cases[i].n)
			fail_msg("'%s' gives %d, not %d", cases[i].text, count(t, cases[i].text), cases[i].n);
	table_free(t);
}

/* What is later than 17:45: as it stands on the clock, in local time. */
static void filters_take_clock_times(void **state)
{
	struct table *t = sample();
	time_t at = (time_t)(now / 1000) - 120;
	char text[80];
	struct tm tm;
	localtime_r(&at, &tm);
	strftime(text, sizeof(text), "age>%H:%M:%S", &tm);
	assert_int_equal(count(t, text), count(t, "age<2m"));
	strftime(text, sizeof(text), "age<\"%Y-%m-%d %H:%M:%S\"", &tm);
	assert_int_equal(count(t, text), count(t, "age>2m"));
	strftime(text, sizeof(text), "age>%H:%M:%S age<1m", &tm);
	assert_int_equal(count(t, text), count(t, "age<1m"));
	table_free(t);
}

static void bad_filters_say_where(void **state)
{
	static const struct { const char *text; size_t at; const char *says; } cases[] = {
		{ "web statsu=x", 4, "did you mean 'status'" }, { "restarts>many", 9, "'many' is not a value for restarts" },
		{ "age<5q", 4, "90s, 5m" }, { "web /(/", 4, "regular expression" }, { "\"open", 0, "quote" },
		{ "-l ,", 3, "label" }, { "restarts>", 9, "missing" }, { "/a++++++++++++++++++++++++++++++++", 0, "repeats too much" },
		{ "/(.{99}){99}/", 0, "repeats too much" }, { "/((((((((((a+)+)+)+)+)+)+)+)+)+)+/", 0, "repeats too much" },
		{ "/(a*)\\1/", 0, "too slow" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter_error err;
		assert_null(filter_parse(cases[i].text, &things, &err));
		if (err.at != cases[i].at || !strstr(err.what, cases[i].says))
			fail_msg("'%s': at %zu: %s", cases[i].text, err.at, err.what);
	}
}

static void a_kind_survives_the_wire(void **state)
{
	struct buf b = { 0 };
	kind_write(&things, &b);
	struct kind *k = kind_parse(buf_str(&b));
	assert_non_null(k);
	assert_string_equal(k->name, "things");
	assert_int_equal(k->ncols, 10);
	assert_string_equal(k->cols[8].name, "age");
	assert_int_equal(k->cols[8].type, COL_TIME);
	assert_true(k->namespaced);
	kind_free(k);
	for (size_t n = 0; n < b.len; n++)
		assert_null(kind_parse((struct str){ b.data, n }));
	buf_release(&b);
}

static void the_store_takes_rows_in_slices(void **state)
{
	struct clock_fixed fixed = { now, 0 };
	struct clock clock = clock_still(&fixed);
	struct store *s = store_new(&clock);
	store_add_source(s, "one", "dev");
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "things");
	rows_kind(&m->body, &things);
	rows_begin(&m->body, STR(""));
	for (int i = 0; i < 100; i++) {
		char name[20];
		snprintf(name, sizeof(name), "p%d", i);
		put(&m->body, "n", name, "Running", i);
	}
	rows_end(&m->body, STR(""));
	bool more = store_apply(s, m, 10);
	assert_true(more);
	assert_true(store_kind_state(s, "things", 0)->listing);
	int slices = 1;
	while (store_apply(s, NULL, 10))
		slices++;
	assert_int_equal(slices, 10);
	assert_int_equal(store_table(s, "things")->count, 100);
	assert_true(store_kind_state(s, "things", 0)->listed);
	assert_ptr_equal(store_kind(s, STR("thing")), store_table(s, "things")->kind);
	store_free(s);
}

static void numbers_in_names_compare_as_numbers(void **state)
{
	assert_true(str_cmp_natural(STR("v9"), STR("v10")) < 0);
	assert_true(str_cmp_natural(STR("v10"), STR("v10")) == 0);
	assert_true(str_cmp_natural(STR("v010"), STR("v10")) != 0);
	assert_true(str_cmp_natural(STR("a"), STR("a1")) < 0);
	assert_true(str_cmp_natural(STR("b"), STR("a1")) > 0);
	const char *names[] = { "status", "restarts", "age" };
	assert_string_equal(str_nearest(STR("statsu"), names, 3), "status");
	assert_null(str_nearest(STR("quux"), names, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_put_replaced_and_deleted), cmocka_unit_test(an_update_keeps_what_it_does_not_say),
		cmocka_unit_test(a_full_listing_removes_what_vanished), cmocka_unit_test(an_unchanged_row_is_no_change),
		cmocka_unit_test(malformed_bytes_are_refused), cmocka_unit_test(a_view_sorts_and_follows),
		cmocka_unit_test(a_view_equals_sorting_anew), cmocka_unit_test(filters_match),
		cmocka_unit_test(filters_take_clock_times), cmocka_unit_test(bad_filters_say_where), cmocka_unit_test(a_kind_survives_the_wire),
		cmocka_unit_test(the_store_takes_rows_in_slices), cmocka_unit_test(numbers_in_names_compare_as_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
