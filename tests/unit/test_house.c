/* What the rooms promise one another in tables: names are there, unique, and explained. */
#include "backends/list.h"
#include "backends/plugin/plugin.h"
#include "base/action.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "panes/list.h"
#include "tui/keymap.h"
#include "tui/theme.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The manual makes a sentence of it. */
static void explained(const char *what, const char *help)
{
	if (!help || !*help)
		fail_msg("'%s' is not explained", what);
}

static bool is_kind(const char *name)
{
	for (const struct kind *const *k = kinds_all; *k; k++)
		if (strcmp((*k)->name, name) == 0)
			return true;
	return false;
}

static void test_kinds(void **state)
{
	for (const struct kind *const *k = kinds_all; *k; k++) {
		explained((*k)->name, (*k)->help);
		assert_true((*k)->ncols <= KIND_MAX_COLS);
		for (const struct kind *const *o = kinds_all; o != k; o++) {
			assert_false(kind_answers_to(*o, str_of((*k)->name)));
			assert_false(kind_answers_to(*o, str_of((*k)->singular)));
			for (const char *const *a = (*k)->aliases; a && *a; a++)
				if (kind_answers_to(*o, str_of(*a)))
					fail_msg("'%s' is %s and %s", *a, (*k)->name, (*o)->name);
		}
		for (int c = 0; c < (*k)->ncols; c++) {
			const struct column *col = &(*k)->cols[c];
			if (kind_col(*k, str_of(col->name), false) != c)
				fail_msg("two columns '%s' in %s", col->name, (*k)->name);
			if (col->type == COL_REF && !is_kind(col->ref))
				fail_msg("%s.%s refers to no kind '%s'", (*k)->name, col->name, col->ref);
		}
	}
}

static void check_settings(const char *where, const struct config_key *keys)
{
	for (const struct config_key *k = keys; k && k->name; k++) {
		explained(k->name, k->help);
		for (const struct config_key *o = keys; o != k; o++)
			if (strcmp(o->name, k->name) == 0)
				fail_msg("'%s' twice in %s", k->name, where);
		if ((k->type == CONFIG_ENUM) != (k->choices != NULL))
			fail_msg("%s.%s: choices go with words", where, k->name);
		if ((k->type == CONFIG_SECTION || k->type == CONFIG_SECTIONS || k->type == CONFIG_ITEMS) != (k->section != NULL))
			fail_msg("%s.%s: a section has settings", where, k->name);
		if (k->own && k->type != CONFIG_SECTIONS)
			fail_msg("%s.%s: only a map of names has settings beside them", where, k->name);
		check_settings(k->name, k->own);
		if (k->section)
			check_settings(k->name, k->section);
	}
}

static void test_backends(void **state)
{
	check_settings("binnacle.yaml", config_keys);
	check_settings("manifest", plugin_manifest_keys);
	for (const struct backend *const *b = backends_all; *b; b++) {
		explained((*b)->name, (*b)->help);
		assert_non_null((*b)->run);
		check_settings((*b)->name, (*b)->keys);
		for (const struct kind *const *k = (*b)->kinds; *k; k++)
			if (!is_kind((*k)->name))
				fail_msg("%s fills '%s', which is not in kinds_all", (*b)->name, (*k)->name);
		for (const struct action *const *a = (*b)->actions; a && *a; a++) {
			explained((*a)->name, (*a)->help);
			assert_ptr_equal(action_find(*b, (*a)->name, (*a)->kinds[0]), *a);
			for (const char *const *k = (*a)->kinds; *k; k++)
				if (strcmp(*k, "*") != 0 && !strchr(*k, '.') && !is_kind(*k))      /* with a dot: a custom resource */
					fail_msg("action '%s' is offered on '%s', which is no kind", (*a)->name, *k);
		}
	}
}

static bool is_action(struct str name)
{
	for (const struct backend *const *b = backends_all; *b; b++)
		for (const struct action *const *a = (*b)->actions; a && *a; a++)
			if (str_is(name, (*a)->name))
				return true;
	return false;
}

static bool is_pane(struct str name)
{
	for (const struct pane *const *p = panes_all; *p; p++)
		if (str_is(name, (*p)->name))
			return true;
	return false;
}

/* Every key of ours leads somewhere. */
static void test_keymaps(void **state)
{
	for (const char *const *name = keymap_names; *name; name++) {
		struct config_error err = { 0 };
		struct keymap *m = keymap_load(*name, NULL, &err);
		assert_non_null(m);
		for (unsigned i = 0; i < m->n; i++) {
			struct str rest = str_of(m->bindings[i].line), word = str_split(&rest, ' ');
			struct str target = str_split(&rest, ' ');
			if (str_is(word, "action") && !is_action(target))
				fail_msg("%s:%u: no action '" STR_FMT "'", m->bindings[i].file, m->bindings[i].line_no, STR_ARG(target));
			char *place = str_dup(target);
			if (str_is(word, "goto") && !is_pane(target) && !is_kind(place))
				fail_msg("%s:%u: no place '%s'", m->bindings[i].file, m->bindings[i].line_no, place);
			free(place);
		}
		keymap_free(m);
	}
}

static void test_panes(void **state)
{
	for (const struct pane *const *p = panes_all; *p; p++) {
		explained((*p)->name, (*p)->help);
		assert_non_null((*p)->open);
		for (const char *const *k = (*p)->kinds; k && *k; k++)
			if (!is_kind(*k))
				fail_msg("pane %s shows '%s', which is no kind", (*p)->name, *k);
	}
}

static void test_commands(void **state)
{
	for (const struct command_scope *const *s = scopes_all; *s; s++) {
		explained((*s)->name, (*s)->help);
		for (const struct command *c = (*s)->commands; c->name; c++) {
			explained(c->name, c->help);
			if (command_find(*s, str_of(c->name)) != c)
				fail_msg("command '%s' twice in %s", c->name, (*s)->name);
		}
	}
}

static void test_themes(void **state)
{
	for (const char *const *name = theme_names; *name; name++) {
		struct config_error err = { 0 };
		struct theme *t = theme_load(*name, NULL, &err);
		assert_non_null(t);
		/* the cursor is seen on every terminal */
		for (int n = COLOURS_NONE; n <= COLOURS_TRUE; n++) {
			struct look plain = theme_look(t, ROLE_TEXT, ROLE_TEXT, (enum colours)n);
			struct look cursor = theme_look(t, ROLE_TEXT, ROLE_CURSOR, (enum colours)n);
			if (plain.bg == cursor.bg && plain.attrs == cursor.attrs)
				fail_msg("theme %s: no cursor with %d colours", *name, n);
		}
		theme_free(t);
	}
	for (int r = 0; r < ROLE_COUNT; r++)
		explained(role_names[r], role_helps[r]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_backends), cmocka_unit_test(test_keymaps),
		cmocka_unit_test(test_panes), cmocka_unit_test(test_commands), cmocka_unit_test(test_themes),
	};
	return cmocka_run_group_tests_name("house", tests, NULL, NULL);
}
