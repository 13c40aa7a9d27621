/* theme: styles, themes on themes, errors, and what is left of a colour on each kind of terminal. */
#define _GNU_SOURCE
#include "tui/theme.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct style style(const char *text)
{
	struct style s;
	char why[240] = "";

	if (!style_parse(str_of(text), &s, why, sizeof(why)))
		fail_msg("'%s': %s", text, why);
	return s;
}

static void test_styles(void **state)
{
	struct style s = style("bold underline ff5f00/brightred on 303030/black");
	static const struct { const char *text, *why; } bad[] = {
		{ "blod", "'blod' is no colour or attribute; did you mean 'bold'?" },
		{ "red green", "'green' is one colour too many" },
		{ "red on", "a background colour is missing" },
		{ "256", "'256' is no colour" }, { "12345", "'12345' is no colour" }, { "red/9999", "'red/9999' is no colour" },
		{ "gggggg", "'gggggg' is no colour" }, { "#ff", "'#ff' is no colour" },
	};

	assert_int_equal(s.attrs, ATTR_BOLD | ATTR_UNDERLINE);
	assert_int_equal(s.fg.is, COLOUR_RGB);
	assert_int_equal(s.fg.value, 0xff5f00);
	assert_int_equal(s.fg.ansi, 9);
	assert_int_equal(s.bg.value, 0x303030);
	assert_int_equal(s.bg.ansi, 0);
	s = style("#FF5F00");
	assert_int_equal(s.fg.value, 0xff5f00);
	s = style("  on   208 dim ");
	assert_int_equal(s.bg.is, COLOUR_INDEX);
	assert_int_equal(s.bg.value, 208);
	assert_int_equal(s.attrs, ATTR_DIM);
	s = style("default");
	assert_int_equal(s.fg.is, COLOUR_DEFAULT);
	s = style("");
	assert_int_equal(s.attrs, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char why[240];

		assert_false(style_parse(str_of(bad[i].text), &s, why, sizeof(why)));
		if (!strstr(why, bad[i].why))
			fail_msg("'%s': %s", bad[i].text, why);
	}
}

static void test_ours_are_whole(void **state)
{
	for (int i = 0; theme_names[i]; i++) {
		struct config_error err = { 0 };
		struct theme *t = theme_load(theme_names[i], NULL, &err);

		if (!t)
			fail_msg("%s: %u: %s", theme_names[i], err.line, err.what);
		/* wrong and selected can be told from plain on every kind of terminal */
		for (int n = COLOURS_NONE; n <= COLOURS_TRUE; n++) {
			struct look plain = theme_look(t, ROLE_TEXT, ROLE_TEXT, (enum colours)n);
			struct look bad = theme_look(t, ROLE_BAD, ROLE_TEXT, (enum colours)n);
			struct look doubt = theme_look(t, ROLE_DOUBT, ROLE_TEXT, (enum colours)n);
			struct look cursor = theme_look(t, ROLE_TEXT, ROLE_CURSOR, (enum colours)n);
			struct look prod = theme_look(t, ROLE_BADGE_PROD, ROLE_TEXT, (enum colours)n);

			assert_memory_not_equal(&plain, &cursor, sizeof(plain));
			assert_memory_not_equal(&plain, &prod, sizeof(plain));
			assert_memory_not_equal(&plain, &bad, sizeof(plain));
			if (n != COLOURS_NONE)
				assert_memory_not_equal(&plain, &doubt, sizeof(plain));
			/* calm: what is well has no colour */
			assert_int_equal(theme_look(t, ROLE_OK, ROLE_TEXT, (enum colours)n).fg, -1);
			assert_int_equal(plain.fg, -1);
			assert_int_equal(plain.bg, -1);
		}
		theme_free(t);
	}
}

static void test_fallbacks(void **state)
{
	struct config_error err;
	struct theme *t = theme_parse(STR("roles:\n  status.bad: bold ff6b6b/brightred\n  status.doubt: ffaf00\n"
		"  row.cursor: on 303030\n  link: 33\n  say: red\n  badge.dev: dim on blue\n"), "x", "x.yaml", NULL, &err);
	struct look l;

	assert_non_null(t);
	assert_int_equal(theme_look(t, ROLE_BAD, ROLE_TEXT, COLOURS_TRUE).fg, 0xff6b6b);
	assert_int_equal(theme_look(t, ROLE_BAD, ROLE_TEXT, COLOURS_256).fg, 203);
	assert_int_equal(theme_look(t, ROLE_BAD, ROLE_TEXT, COLOURS_16).fg, 9);
	assert_int_equal(theme_look(t, ROLE_BAD, ROLE_TEXT, COLOURS_NONE).fg, -1);
	assert_int_equal(theme_look(t, ROLE_BAD, ROLE_TEXT, COLOURS_NONE).attrs, ATTR_BOLD);
	assert_int_equal(theme_look(t, ROLE_DOUBT, ROLE_TEXT, COLOURS_256).fg, 214);
	assert_int_equal(theme_look(t, ROLE_DOUBT, ROLE_TEXT, COLOURS_16).fg, 3);
	assert_int_equal(theme_look(t, ROLE_LINK, ROLE_TEXT, COLOURS_256).fg, 33);
	assert_int_equal(theme_look(t, ROLE_LINK, ROLE_TEXT, COLOURS_TRUE).fg, 0x0087ff);
	assert_int_equal(theme_look(t, ROLE_SAY, ROLE_TEXT, COLOURS_TRUE).fg, 1);      /* the user's own red */
	/* the cursor's background under a bad row keeps the row's colour */
	l = theme_look(t, ROLE_BAD, ROLE_CURSOR, COLOURS_TRUE);
	assert_int_equal(l.fg, 0xff6b6b);
	assert_int_equal(l.bg, 0x303030);
	/* without colours a background is told by reversing, never dim at the same time */
	l = theme_look(t, ROLE_TEXT, ROLE_CURSOR, COLOURS_NONE);
	assert_int_equal(l.attrs, ATTR_REVERSE);
	assert_int_equal(theme_look(t, ROLE_BADGE_DEV, ROLE_TEXT, COLOURS_NONE).attrs, ATTR_REVERSE);
	theme_free(t);
}

static void fails(const char *yaml, unsigned line, const char *what)
{
	struct config_error err = { 0 };
	struct theme *t = theme_parse(str_of(yaml), "mine", "mine.yaml", NULL, &err);

	assert_null(t);
	assert_string_equal(err.file, "mine.yaml");
	assert_int_equal(err.line, line);
	if (!strstr(err.what, what))
		fail_msg("said: %s", err.what);
	free(err.file);
}

static void test_errors(void **state)
{
	fails("roles:\n  status.bda: red\n", 2, "no role 'status.bda'; did you mean 'status.bad'?");
	fails("roles:\n  dim: dim\n  link: rde\n", 3, "'rde' is no colour or attribute; did you mean 'red'?");
	fails("rolse:\n  dim: dim\n", 1, "did you mean 'roles'?");
	fails("roles: [a]\n", 1, "must be a map");
	fails("roles:\n  dim: [a]\n", 2, "'dim' must be a style");
	fails("- a\n", 1, "a theme is a map");
	fails("roles:\n  dim: \"x\n", 3, "");        /* the quote is missed at the end */
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_user_themes(void **state)
{
	char dir[] = "/tmp/binnacle-themes-XXXXXX", path[64];
	static const char *const names[] = { "mine.yaml", "dark.yaml", "loop.yaml" };
	struct config_error err = { 0 };
	struct theme *t;

	assert_non_null(mkdtemp(dir));
	write_file(dir, names[0], "based-on: light\nroles:\n  link: 33\n");
	write_file(dir, names[1], "based-on: dark\nroles:\n  link: 34\n");      /* the user's dark is based on ours */
	write_file(dir, names[2], "based-on: loop2\n");
	t = theme_load("mine", dir, &err);
	assert_non_null(t);
	assert_string_equal(t->name, "mine");
	assert_int_equal(t->roles[ROLE_LINK].fg.value, 33);
	assert_int_equal(t->roles[ROLE_LOG_ERROR].fg.value, 0xaf0000);          /* from light */
	assert_int_equal(t->roles[ROLE_TAB_ON].attrs, ATTR_BOLD | ATTR_UNDERLINE); /* from dark, below light */
	theme_free(t);
	t = theme_load("dark", dir, &err);
	assert_non_null(t);
	assert_int_equal(t->roles[ROLE_LINK].fg.value, 34);
	theme_free(t);
	assert_null(theme_load("ligth", dir, &err));
	assert_non_null(strstr(err.what, "no theme 'ligth'; did you mean 'light'?"));
	free(err.file);
	write_file(dir, "loop2.yaml", "based-on: loop\n");
	assert_null(theme_load("loop", dir, &err));
	assert_non_null(strstr(err.what, "deep"));
	free(err.file);
	assert_null(theme_load("../../etc/passwd", dir, &err));
	free(err.file);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/loop2.yaml", dir);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_styles), cmocka_unit_test(test_ours_are_whole), cmocka_unit_test(test_fallbacks),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_user_themes),
	};

	return cmocka_run_group_tests_name("theme", tests, NULL, NULL);
}
