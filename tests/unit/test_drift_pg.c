/* The drift backend's readers: lists of features, layouts of tables, cells, faults, and the ranking of features. */
#define _GNU_SOURCE
#include "backends/drift/features.h"
#include "backends/drift/layout.h"
#include "backends/net/pg_say.h"
#include "backends/drift/trail.h"
#include "base/table.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* "bed=0.3 bath! state" for text: name, =score when said, ! when said not to have drifted */
static char *read_list(const char *text)
{
	struct feature_list f = { 0 };
	struct buf b = { 0 };
	features_parse(&f, str_of(text));
	for (unsigned i = 0; i < f.n; i++) {
		buf_addf(&b, "%s" STR_FMT, i ? "|" : "", STR_ARG(feature_name(&f, i)));
		if (!isnan(f.items[i].score))
			buf_addf(&b, "=%g", f.items[i].score);
		if (!f.items[i].drifted)
			buf_addc(&b, '!');
	}
	features_release(&f);
	return buf_detach(&b);
}

static void reads_lists(void **state)
{
	static const char *const cases[][2] = {
		{ "[\"bed\", \"house_size\"]", "bed|house_size" },
		{ "['bed', 'house_size']", "bed|house_size" },
		{ "('bed',)", "bed" },
		{ "{'bed', \"it's\"}", "bed|it's" },
		{ "{bed,\"house size\",NULL}", "bed|house size" },
		{ "bed, house_size ;state", "bed|house_size|state" },
		{ "bed\nhouse_size\n", "bed|house_size" },
		{ "bed", "bed" },
		{ "bed: 0.3, bath=0.25", "bed=0.3|bath=0.25" },
		{ "house:size, a=b", "house:size|a=b" },
		{ "{\"bed\": 0.31, \"bath\": 2e-1}", "bed=0.31|bath=0.2" },
		{ "{'bed': True, 'bath': False, 'x': None}", "bed|bath!|x" },
		{ "{\"bed\": {\"drift_score\": 0.4, \"drift_detected\": true}, \"bath\": {\"drift_score\": 0.01, "
		  "\"drift_detected\": false}}", "bed=0.4|bath=0.01!" },
		{ "[{\"column\": \"bed\", \"p_value\": 0.001}, {\"feature\": \"bath\", \"psi\": 0.3}]",
		  "bed=0.001|bath=0.3" },
		{ "[[\"bed\", 0.3], ('bath', 0.4)]", "bed=0.3|bath=0.4" },
		{ "{\"features\": [\"bed\", \"bath\"], \"share\": 0.4}", "bed|bath" },
		{ "\"[\\\"bed\\\", \\\"bath\\\"]\"", "bed|bath" },
		{ "[\"r\\u00e9gion\", \"\\ud83d\\ude00\"]", "région|😀" },
		{ "set()", "" }, { "{}", "" }, { "[]", "" }, { "", "" }, { "  ", "" }, { "None", "" }, { "null", "" },
		{ "NaN", "" }, { "[None]", "" }, { "frozenset({'a'})", "a" }, { "array(['a', 'b'])", "a|b" },
		{ "[\"bed\", \"bed\"]", "bed" },
		{ "[\"bed\", \"ba", "bed|ba" }, { "[\"bed\"", "bed" }, { "['bed': {", "bed" }, { "[[[[", "" },
		{ "\"None\"", "None" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *got = read_list(cases[i][0]);
		if (strcmp(got, cases[i][1]))
			fail_msg("%s -> %s, not %s", cases[i][0], got, cases[i][1]);
		free(got);
	}
}

static void bounds_lists(void **state)
{
	struct feature_list f = { 0 };
	struct buf b = { 0 };
	for (int i = 0; i < 5000; i++)
		buf_addf(&b, "f%d,", i);
	features_parse(&f, buf_str(&b));
	assert_int_equal(f.n, FEATURES_MAX);
	buf_clear(&b);
	for (int i = 0; i < 300; i++)
		buf_adds(&b, "é");
	features_parse(&f, buf_str(&b));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.items[0].len, FEATURE_NAME_MAX);
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, '[');
	features_parse(&f, buf_str(&b));
	assert_int_equal(f.n, 0);
	features_parse(&f, (struct str){ "a\0b,c", 5 });
	assert_int_equal(f.n, 2);
	buf_release(&b);
	features_release(&f);
}

/* ---- layouts */

#define COLUMN(name, type) { (char *)(uintptr_t)(name), (char *)(uintptr_t)(type) }

static bool choose(struct layout *l, const struct layout_column *there, unsigned n, const char *const *mapped, char why[700])
{
	layout_release(l);
	return layout_choose(l, there, n, mapped, why, 700);
}

static void chooses_columns(void **state)
{
	struct layout_column usual[] = {
		COLUMN("id", "integer"), COLUMN("timestamp", "timestamp without time zone"), COLUMN("drift_detected", "boolean"),
		COLUMN("drift_score", "double precision"), COLUMN("features_with_drift", "text"), COLUMN("reference_batch_id", "text"),
		COLUMN("current_batch_id", "text"), COLUMN("action_taken", "text") };
	struct layout_column other[] = { COLUMN("uuid", "uuid"), COLUMN("at", "timestamp with time zone"), COLUMN("psi\"x", "numeric") };
	const char *mapped[LAYOUT_FIELD_COUNT] = { 0 };
	struct layout l = { 0 };
	struct buf sql = { 0 };
	char why[700];

	assert_true(choose(&l, usual, 8, mapped, why));
	assert_int_equal(l.cursor, CURSOR_ID);
	assert_string_equal(l.columns[LAYOUT_action].name, "action_taken");
	assert_null(l.columns[LAYOUT_model].name);
	assert_false(choose(&l, other, 3, mapped, why));
	assert_non_null(strstr(why, "when a check ran"));
	mapped[LAYOUT_time] = "att";
	assert_false(choose(&l, other, 3, mapped, why));
	assert_non_null(strstr(why, "no column 'att' (mapped as time); did you mean 'at'?"));
	mapped[LAYOUT_time] = "at";
	assert_false(choose(&l, other, 3, mapped, why));
	assert_non_null(strstr(why, "score or a verdict"));
	mapped[LAYOUT_score] = "psi\"x";
	assert_true(choose(&l, other, 3, mapped, why));
	assert_int_equal(l.cursor, CURSOR_TIME);
	l.schema = strdup("odd\"schema");
	l.table = strdup("t");
	layout_sql(&l, LAYOUT_NEWER, &sql);
	assert_non_null(strstr(sql.data, "left(\"psi\"\"x\"::text"));
	assert_non_null(strstr(sql.data, "from \"odd\"\"schema\".\"t\" where \"at\" >= $2::timestamp with time zone order by \"at\" desc limit $1"));
	free(l.table);
	free(l.schema);
	l.table = l.schema = NULL;
	l.query = strdup("select 1 -- x;\n ;");
	buf_clear(&sql);
	layout_sql(&l, LAYOUT_ALL, &sql);
	assert_non_null(strstr(sql.data, "from (select 1 -- x\n) as checks"));
	buf_release(&sql);
	layout_release(&l);
}

static void reads_cells(void **state)
{
	struct str cells[LAYOUT_FIELD_COUNT] = { 0 };
	struct drift_check c;
	struct buf key = { 0 };

	assert_int_equal(read_verdict(STR("Drift ")), 1);
	assert_int_equal(read_verdict(STR("warn")), 0);
	assert_int_equal(read_verdict(STR("perhaps")), -1);
	assert_int_equal(read_verdict(STR("")), -1);
	assert_int_equal(read_epoch(STR("1763692800.25")), 1763692800250);
	assert_int_equal(read_epoch(STR("1763692800250")), 1763692800250);
	assert_int_equal(read_epoch(STR("1763692800250000")), 1763692800250);
	assert_int_equal(read_epoch(STR("Infinity")), 0);
	assert_int_equal(read_epoch(STR("NaN")), 0);
	assert_int_equal(read_epoch(STR("-5")), 0);
	layout_check(cells, &key, &c);           /* nothing but nulls */
	assert_int_equal(c.time, 0);
	assert_true(isnan(c.score));
	assert_int_equal(drift_of(&c), -1);
	assert_string_equal(key.data, "0//");
	cells[LAYOUT_id] = STR("7");
	cells[LAYOUT_score] = STR("0.4");
	cells[LAYOUT_limit] = STR("0.05");
	layout_check(cells, &key, &c);
	assert_true(str_is(c.key, "7"));
	assert_int_equal(drift_of(&c), 1);
	c.points = POINTS_BELOW;
	assert_int_equal(drift_of(&c), 0);
	cells[LAYOUT_drifted] = STR("t");
	layout_check(cells, &key, &c);
	c.points = POINTS_BELOW;
	assert_int_equal(drift_of(&c), 1);       /* what the check itself says counts */
	buf_release(&key);
}

static void says_faults(void **state)
{
	char text[320];
	pg_sentence(STR("connection to server at \"h\" (10.0.0.1), port 5432 failed: FATAL:  password authentication failed "
	                "for user \"x\"\nconnection to server ..."), text, sizeof(text));
	assert_string_equal(text, "password authentication failed for user \"x\"");
	pg_sentence(STR(""), text, sizeof(text));
	assert_string_equal(text, "no reason given");
	assert_int_equal(pg_fault("", STR("password authentication failed for user")).state, HEALTH_REFUSED);
	assert_int_equal(pg_fault("42P01", STR("")).state, HEALTH_DOWN);
	assert_int_equal(pg_fault("57P03", STR("")).state, HEALTH_STALE);
	assert_non_null(strstr(pg_fault("42501", STR("")).remedy, "grant select"));
	assert_int_equal(pg_fault("XX000", STR("Connection refused")).state, HEALTH_STALE);
}

/* ---- the ranking */

static void add(struct trail *t, const char *key, int64_t time, const char *features)
{
	struct feature_list f = { 0 };
	features_parse(&f, str_of(features));
	struct drift_check c = { .key = str_of(key), .model = STR("m"), .time = time, .score = NAN, .limit = NAN,
	                         .drifted = f.n > 0 };
	trail_add(t, &c, &f);
	features_release(&f);
}

static struct table *ranked(const struct trail *t, const struct trail_rule *rule)
{
	struct buf b = { 0 };
	struct table *table = table_new(&kind_features);
	trail_write(t, rule, true, &b);
	struct rd r = rd_of(buf_str(&b));
	assert_true(str_is(rows_open(&r, buf_str(&b)), "features"));
	assert_true(table_apply(table, 0, &r, 0));
	buf_release(&b);
	return table;
}

static void ranks_features(void **state)
{
	struct trail *t = trail_new();
	struct trail_rule rule = { .limit = NAN };
	add(t, "1", 1000, "bed, bath");
	add(t, "3", 3000, "bed");
	add(t, "2", 2000, "");
	add(t, "4", 4000, "bed, house_size");
	add(t, "4", 4000, "bed");                /* written again */
	struct table *table = ranked(t, &rule);
	assert_int_equal(table->count, 2);
	const struct row *bed = table_find(table, 0, STR("m/bed")), *bath = table_find(table, 0, STR("m/bath"));
	assert_int_equal(row_int(bed, FEATURE_DRIFTED), PAIR(3, 4));
	assert_int_equal(row_int(bed, FEATURE_FIRST), 1000);
	assert_int_equal(row_int(bed, FEATURE_LAST), 4000);
	assert_true(str_is(row_text(table, bed, FEATURE_HISTORY), "1 0 1 1"));
	assert_true(str_is(row_text(table, bed, FEATURE_NOW), "drift"));
	assert_int_equal(bed->level, LEVEL_DOUBT);
	assert_int_equal(row_int(bath, FEATURE_DRIFTED), PAIR(1, 4));
	assert_true(str_is(row_text(table, bath, FEATURE_NOW), "clean"));
	assert_int_equal(trail_newest(t), 4000);
	table_free(table);

	trail_clear(t);                          /* p values: small is drift */
	rule = (struct trail_rule){ STR("KS"), 0.05, POINTS_BELOW };
	add(t, "1", 1000, "{\"bed\": 0.4}");
	add(t, "2", 2000, "{\"bed\": 0.01}");
	table = ranked(t, &rule);
	bed = table_find(table, 0, STR("m/bed"));
	assert_int_equal(row_int(bed, FEATURE_DRIFTED), PAIR(1, 2));
	assert_true(row_real(bed, FEATURE_VALUE) == 0.01);
	assert_true(str_is(row_text(table, bed, FEATURE_HISTORY), "0.6 0.99"));   /* how far from the reference */
	assert_true(str_is(row_text(table, bed, FEATURE_SCORES), "1=0.4 2=0.01!"));
	table_free(table);

	trail_clear(t);                          /* only the newest are kept */
	for (int i = 0; i < 3 * TRAIL_WINDOW; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		add(t, key, 1000 + i * 7 % 181, "bed");
	}
	assert_int_equal(trail_checks(t), TRAIL_WINDOW);
	assert_int_equal(trail_newest(t), 1180);
	trail_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lists),
		cmocka_unit_test(bounds_lists),
		cmocka_unit_test(chooses_columns),
		cmocka_unit_test(reads_cells),
		cmocka_unit_test(says_faults),
		cmocka_unit_test(ranks_features),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
