/* keymap: bindings, keymaps on keymaps, conflicts with both places, and looking keys up. */
#include "tui/keymap.h"
#include "panes/list.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct keymap *parse(const char *yaml)
{
	struct config_error err = { 0 };
	struct keymap *k = keymap_parse(str_of(yaml), "mine", "mine.yaml", NULL, &err);

	if (!k)
		fail_msg("line %u: %s", err.line, err.what);
	return k;
}

/* What keys (blanks between) do in the scopes table, app: the line, "..." for a prefix, "" for nothing. */
static const char *does(const struct keymap *k, const char *keys)
{
	static const char *const scopes[] = { "table", "app", NULL };
	struct key key[KEYS_MAX];
	unsigned n = 0;
	const struct binding *b = NULL;
	struct str rest = str_of(keys);

	while (rest.n)
		assert_true(key_parse(str_split(&rest, ' '), &key[n++]));
	switch (keymap_find(k, scopes, key, n, &b)) {
	case KEY_BOUND: return b->line;
	case KEY_PREFIX: return "...";
	default: return "";
	}
}

static void test_ours(void **state)
{
	for (int i = 0; keymap_names[i]; i++) {
		struct config_error err = { 0 };
		struct keymap *k = keymap_load(keymap_names[i], NULL, &err);

		if (!k)
			fail_msg("%s: line %u: %s", keymap_names[i], err.line, err.what);
		assert_string_equal(does(k, ":"), "prompt");
		assert_string_equal(does(k, "?"), "help");
		assert_string_equal(does(k, "Enter"), "open");
		assert_string_equal(does(k, "R"), "action restart");
		assert_string_equal(does(k, "d"), "describe");
		if (!keymap_check(k, scopes_all, &err))
			fail_msg("%s: line %u: %s", keymap_names[i], err.line, err.what);
		keymap_free(k);
	}
}

static void test_habits(void **state)
{
	struct config_error err;
	struct keymap *k = keymap_load("vi", NULL, &err);

	assert_string_equal(does(k, "g"), "...");
	assert_string_equal(does(k, "g g"), "first");
	assert_string_equal(does(k, "g t"), "pane-next");          /* from app, though table has g g */
	assert_string_equal(does(k, "g x"), "");
	assert_string_equal(does(k, "Z Z"), "quit");
	assert_string_equal(does(k, "y"), "...");                  /* y y and y d took the place of y */
	assert_string_equal(does(k, "y d"), "yaml");
	keymap_free(k);
	k = keymap_load("emacs", NULL, &err);
	assert_string_equal(does(k, "C-n"), "down");
	assert_string_equal(does(k, "C-x C-c"), "quit");
	assert_string_equal(does(k, "C-x d"), "action drain");
	assert_string_equal(does(k, "M-x"), "prompt");
	keymap_free(k);
}

static void test_layers(void **state)
{
	struct keymap *k = parse("based-on: default\ntable:\n  j: none\n  x: action restart\n  Q: up\n");

	assert_string_equal(does(k, "j"), "");
	assert_string_equal(does(k, "x"), "action restart");
	assert_string_equal(does(k, "Q"), "up");                   /* the inner scope first */
	assert_string_equal(does(k, "k"), "up");
	keymap_free(k);
	k = parse("table:\n  x: up\n");                            /* without based-on: on default */
	assert_string_equal(does(k, "x"), "up");
	assert_string_equal(does(k, "G"), "last");
	keymap_free(k);
	k = parse("based-on: none\ntable:\n  x: up\n");
	assert_string_equal(does(k, "G"), "");
	keymap_free(k);
	k = parse("table:\n  G G: last\n");                        /* a sequence hides the key it starts with */
	assert_string_equal(does(k, "G"), "...");
	keymap_free(k);
}

static void fails(const char *yaml, unsigned line, const char *what)
{
	struct config_error err = { 0 };
	struct keymap *k = keymap_parse(str_of(yaml), "mine", "mine.yaml", NULL, &err);

	if (k)
		fail_msg("was taken: %s", yaml);
	assert_string_equal(err.file, "mine.yaml");
	assert_int_equal(err.line, line);
	if (!strstr(err.what, what))
		fail_msg("said: %s", err.what);
	free(err.file);
}

static void test_conflicts(void **state)
{
	fails("table:\n  x: up\n  y: down\n  <x>: last\n", 4, "'x' in 'table' is bound to 'last' here and to 'up' in line 2");
	fails("table:\n  g g: first\n  g: last\n", 3, "in 'table' the key 'g' (line 3) hides the sequence 'g g' (line 2)");
	fails("table:\n  C-x: up\n  C-x C-c: down\n", 3, "the key 'C-x' (line 2) hides the sequence 'C-x C-c' (line 3)");
	fails("table:\n  Tab: up\n  C-i: down\n", 3, "'Tab' in 'table' is bound");      /* one key on any terminal */
}

static void test_errors(void **state)
{
	fails("table:\n  Entr: up\n", 2, "'Entr' is no key; did you mean 'Enter'?");
	fails("table:\n  <PgDwn>: up\n", 2, "did you mean 'PgDn'?");
	fails("table:\n  a b c d e: up\n", 2, "longer than 4 keys");
	fails("table:\n  x:\n", 2, "a command is missing");
	fails("table:\n  x: [up]\n", 2, "a command is missing");
	fails("table: up\n", 1, "must be a map");
	fails("- x\n", 1, "a keymap is a map");
	fails("based-on: [x]\n", 1, "must be the name");
	fails("table:\n  \" \": up\n", 2, "a key is missing");
}

static void test_check(void **state)
{
	static const struct command table[] = { { "down", NULL, "", NULL }, { .name = NULL } };
	static const struct command app[] = { { "quit", NULL, "", NULL }, { .name = NULL } };
	static const struct command_scope t = { "table", "", table }, a = { "app", "", app };
	static const struct command_scope *const scopes[] = { &t, &a, NULL };
	static const struct { const char *yaml; unsigned line; const char *what; } bad[] = {
		{ "based-on: none\ntable:\n  j: dwn\n", 3, "no command 'dwn'; did you mean 'down'?" },
		{ "based-on: none\ntabel:\n  j: down\n", 3, "no scope 'tabel'; did you mean 'table'?" },
	};
	struct config_error err = { 0 };
	struct keymap *k = parse("based-on: none\ntable:\n  j: down 3\n  Q: quit\n");

	assert_true(keymap_check(k, scopes, &err));
	keymap_free(k);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		k = parse(bad[i].yaml);
		assert_false(keymap_check(k, scopes, &err));
		assert_int_equal(err.line, bad[i].line);
		if (!strstr(err.what, bad[i].what))
			fail_msg("said: %s", err.what);
		free(err.file);
		keymap_free(k);
	}
}

static void test_keys_of(void **state)
{
	struct keymap *k = parse("based-on: none\ntable:\n  g g: first\n  Home: first\n");
	struct buf b = { 0 };

	binding_show(keymap_key_of(k, "table", "first"), &b);
	assert_string_equal(b.data, "g g");
	assert_null(keymap_key_of(k, "app", "first"));
	buf_release(&b);
	keymap_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours), cmocka_unit_test(test_habits), cmocka_unit_test(test_layers),
		cmocka_unit_test(test_conflicts), cmocka_unit_test(test_errors), cmocka_unit_test(test_check),
		cmocka_unit_test(test_keys_of),
	};

	return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
