/* tables: what the manual pages say of options, commands, exit codes, settings, roles, keys, kinds and actions, printed as mdoc
 * from the tables that the program itself works by. man/NAME.in says `@table keys` where one of these stands. */
#include "backends/list.h"
#include "backends/plugin/plugin.h"
#include "base/action.h"
#include "base/fields.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "cli/options.h"
#include "panes/list.h"
#include "tui/keymap.h"
#include "tui/frame.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- mdoc */

static void put_escaped(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		static const char special[] = "\\-\"'`", *const as[] = { "\\e", "\\-", "\\(dq", "\\(aq", "\\(ga" };
		const char *found = memchr(special, s.p[i], sizeof(special) - 1);
		if (found)
			fputs(as[found - special], stdout);
		else
			putchar(s.p[i]);
	}
}

/* One argument of a macro line: quoted, and never taken for a macro or for the end of a sentence. */
static void put_word(const char *s)
{
	fputs(" \"\\&", stdout);
	put_escaped(str_of(s));
	fputs(*s && ispunct((unsigned char)s[strlen(s) - 1]) ? "\\&\"" : "\"", stdout);
}

/* Text lines, of at most 80 bytes, none of which is taken for a macro. */
static void put_text(const char *text)
{
	struct str rest = str_of(text);
	for (size_t col = 0; rest.p;) {
		struct str word = str_split(&rest, ' ');
		if (col && col + 2 * word.n > 70) {
			putchar('\n');
			col = 0;
		}
		fputs(col ? " " : "\\&", stdout);
		put_escaped(word);
		col += word.n + 1;
		if (word.n && word.p[word.n - 1] == '.')
			col = 80;       /* a sentence ends its line */
	}
	putchar('\n');
}

/* The help of something, as a sentence. */
static void put_sentence(const char *help)
{
	size_t n = strlen(help);
	char *text = xasprintf("%s%s", help, n && strchr(".?!", help[n - 1]) ? "" : ".");
	if (*text >= 'a' && *text <= 'z')
		*text -= 'a' - 'A';
	put_text(text);
	free(text);
}

/* "LEAD a, b JOIN c." of words between `|`. */
static void put_list(const char *lead, const char *join, const char *list)
{
	struct str rest = str_of(list);
	puts(lead);
	for (bool first = true; rest.p; first = false) {
		struct str word = str_split(&rest, '|');
		char text[64];
		snprintf(text, sizeof(text), STR_FMT, STR_ARG(word));
		if (!rest.p && !first)
			puts(join);
		fputs(".Cm", stdout);
		put_word(text);
		puts(!rest.p ? " ." : memchr(rest.p, '|', rest.n) ? " ," : "");
	}
}

/* ---- command line */

static void put_subs(const struct option_def *o)
{
	bool console = option_for(o, subcommands);
	if (!o->subs)
		return;
	if (console && !o->subs[1])
		puts("Only for the console.");
	else
		put_list(console ? "Only for the console, and for" : "Only for", "and", o->subs + console);
}

/* Help that begins with a value keeps its letters. */
static void put_help(const struct option_def *o)
{
	struct str values = str_of(o->values ? o->values : ""), help = str_of(o->help);
	while (values.p) {
		struct str word = str_split(&values, '|');
		if (word.n && str_starts(help, word)) {
			char *text = xasprintf("Is %s.", o->help);
			put_text(text);
			free(text);
			return;
		}
	}
	put_sentence(o->help);
}

static int print_options(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct option_def *o = option_defs; o->name; o++) {
		char name[64];
		fputs(".It", stdout);
		if (o->letter)
			printf(" Fl %c ,", o->letter);
		snprintf(name, sizeof(name), "-%s", o->name);
		fputs(" Fl", stdout);
		put_word(name);
		if (o->arg) {
			fputs(" Ar", stdout);
			put_word(o->arg);
		}
		putchar('\n');
		put_help(o);
		put_subs(o);
	}
	puts(".El");
	return EXIT_OK;
}

/* "check | explain [KEY]": words to be typed, names of what to type, what may be left out. */
static void put_args(const char *args)
{
	struct str rest = str_of(args);
	bool optional = false;
	while (rest.p) {
		struct str word = str_split(&rest, ' ');
		char text[64];
		if (word.n && word.p[0] == '[' && !optional) {
			fputs(" Oo", stdout);
			optional = true;
			word.p++, word.n--;
		}
		bool again = optional && str_ends(word, STR("]...")), ends = optional && (again || str_ends(word, STR("]")));
		snprintf(text, sizeof(text), STR_FMT, (int)(word.n - (again ? 4 : ends)), word.p ? word.p : "");
		if (strcmp(text, "|") == 0) {
			fputs(" |", stdout);
		} else if (*text) {
			fputs(*text >= 'a' && *text <= 'z' ? " Cm" : " Ar", stdout);
			put_word(text);
		}
		if (again)
			fputs(" ...", stdout);
		if (ends) {
			fputs(" Oc", stdout);
			optional = false;
		}
	}
}

static int print_commands(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct subcommand *s = subcommands + 1; s->name; s++) {
		fputs(".It Cm", stdout);
		put_word(s->name);
		put_args(s->args);
		putchar('\n');
		put_sentence(s->help);
	}
	puts(".El");
	return EXIT_OK;
}

static int print_exits(void)
{
	puts(".Bl -tag -width Ds -compact");
	for (const struct exit_help *e = exit_codes; e->means; e++) {
		printf(".It %d\n", e->code);
		put_sentence(e->means);
	}
	puts(".El");
	return EXIT_OK;
}

/* ---- settings */

static void put_keys(const struct config_key *keys)
{
	puts(".Bl -tag -width Ds");
	for (const struct config_key *k = keys; k && k->name; k++) {
		fputs(".It Ic", stdout);
		put_word(k->name);
		fputs(" Pq Em", stdout);
		put_word(config_type_name(k->type));
		putchar('\n');
		put_sentence(k->help);
		if (k->choices)
			put_list("One of", "or", k->choices);
		if (k->required)
			puts("Required.");
		else if (k->otherwise) {
			fputs("The default is\n.Ql", stdout);
			put_word(k->otherwise);
			puts(" .");
		}
		if (k->own)
			put_keys(k->own);
		if (k->section)
			put_keys(k->section);
	}
	puts(".El");
}

static int print_config(void)
{
	put_keys(config_keys);
	for (const struct backend *const *b = backends_all; *b; b++) {
		fputs(".Ss Sources of type", stdout);
		put_word((*b)->name);
		putchar('\n');
		put_sentence((*b)->help);
		if ((*b)->keys && (*b)->keys->name)
			put_keys((*b)->keys);
		else
			puts("It has no settings of its own.");
	}
	return EXIT_OK;
}

static int print_manifest(void)
{
	put_keys(plugin_manifest_keys);
	return EXIT_OK;
}

/* ---- screen */

static int print_roles(void)
{
	puts(".Bl -tag -width \"heading.sorted\" -compact");
	for (int i = 0; i < ROLE_COUNT; i++) {
		fputs(".It Cm", stdout);
		put_word(role_names[i]);
		putchar('\n');
		put_sentence(role_helps[i]);
	}
	puts(".El");
	return EXIT_OK;
}

/* Every key of a scope that runs `line`, by commas. */
static unsigned put_keys_of(const struct keymap *m, const char *scope, const char *line)
{
	unsigned found = 0;
	for (unsigned i = 0; i < m->n; i++) {
		struct buf key = { 0 };
		if (strcmp(m->bindings[i].scope, scope) != 0 || strcmp(m->bindings[i].line, line) != 0)
			continue;
		binding_show(&m->bindings[i], &key);
		fputs(found++ ? " , Ic" : ".It Ic", stdout);
		put_word(key.data);
		buf_release(&key);
	}
	return found;
}

static void put_command(const struct keymap *m, const char *scope, const struct command *c)
{
	if (!put_keys_of(m, scope, c->name))
		fputs(".It", stdout);
	fputs(" Pq Cm", stdout);
	put_word(c->name);
	if (c->args) {
		fputs(" Ar", stdout);
		put_word(c->args);
	}
	putchar('\n');
	put_sentence(c->help);
}

/* "action restart" is explained by that action, other lines by themselves. */
static void put_line_help(const char *line)
{
	struct str rest = str_of(line), word = str_split(&rest, ' ');
	for (const struct backend *const *b = backends_all; str_is(word, "action") && *b; b++) {
		for (const struct action *const *a = (*b)->actions; a && *a; a++) {
			if (str_is(rest, (*a)->name)) {
				put_sentence((*a)->help);
				return;
			}
		}
	}
	fputs("The command\n.Cm", stdout);
	put_word(line);
	puts(" .");
}

/* Bindings with arguments, "action restart": each such line once. */
static void put_lines(const struct keymap *m, const char *scope)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->bindings[i];
		bool before = false;
		if (strcmp(b->scope, scope) != 0 || !strchr(b->line, ' '))
			continue;
		for (unsigned k = 0; k < i; k++)
			before = before || (strcmp(m->bindings[k].scope, scope) == 0 && strcmp(m->bindings[k].line, b->line) == 0);
		if (before)
			continue;
		put_keys_of(m, scope, b->line);
		putchar('\n');
		put_line_help(b->line);
	}
}

static int print_keys(void)
{
	struct config_error err = { 0 };
	struct keymap *m = keymap_load("default", NULL, &err);
	if (!m) {
		fprintf(stderr, "binnacle: %s\n", err.what);
		return EXIT_FAILED;
	}
	for (const struct command_scope *const *s = scopes_all; *s; s++) {
		fputs(".Ss", stdout);
		put_word((*s)->name);
		putchar('\n');
		put_sentence((*s)->help);
		puts(".Bl -tag -width Ds -compact");
		for (const struct command *c = (*s)->commands; c->name; c++)
			put_command(m, (*s)->name, c);
		put_lines(m, (*s)->name);
		puts(".El");
	}
	keymap_free(m);
	return EXIT_OK;
}

/* ---- kinds */

static int print_kinds(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct kind *const *k = kinds_all; *k; k++) {
		fputs(".It Cm", stdout);
		put_word((*k)->name);
		for (const char *const *a = (*k)->aliases; a && *a; a++) {
			fputs(" , Cm", stdout);
			put_word(*a);
		}
		putchar('\n');
		put_sentence((*k)->help);
		puts("Columns:");
		for (int c = 0; c < (*k)->ncols; c++) {
			fputs(".Cm", stdout);
			put_word((*k)->cols[c].name);
			puts(c + 1 < (*k)->ncols ? " ," : " .");
		}
	}
	puts(".El");
	return EXIT_OK;
}

/* ---- actions */

/* One that several backends offer in the same words is told once. */
static bool told(const struct backend *const *upto, const struct action *const *of, const struct action *a)
{
	for (const struct backend *const *b = backends_all; *b && b <= upto; b++)
		for (const struct action *const *x = (*b)->actions; x && *x && x != of; x++)
			if (strcmp((*x)->name, a->name) == 0 && (*x)->kinds[0] && a->kinds[0] && strcmp((*x)->kinds[0], a->kinds[0]) == 0)
				return true;
	return false;
}

static void put_action(const struct action *a)
{
	fputs(".It Cm", stdout);
	put_word(a->name);
	fputs(" No on", stdout);
	for (const char *const *k = a->kinds; k && *k; k++) {
		fputs(k == a->kinds ? " Cm" : " , Cm", stdout);
		put_word(strcmp(*k, "*") ? *k : "anything");
	}
	putchar('\n');
	put_sentence(a->help ? a->help : a->title);
	for (const struct field *f = a->fields; f && f->name; f++) {
		struct buf said = { 0 };
		field_say(f, &said);
		fputs(".br\n.Cm", stdout);
		put_word(f->name);
		puts("");
		put_sentence(said.data);
		buf_release(&said);
	}
}

static int print_actions(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct backend *const *b = backends_all; *b; b++)
		for (const struct action *const *a = (*b)->actions; a && *a; a++)
			if (strcmp((*b)->name, "demo") != 0 && !told(b, a, *a))
				put_action(*a);
	puts(".El");
	return EXIT_OK;
}

int cli_version(struct cli *c)
{
	puts("binnacle " VERSION);
	return EXIT_OK;
}

int cli_tables(struct cli *c)
{
	static const struct { const char *name; int (*print)(void); } tables[] = {
		{ "options", print_options }, { "commands", print_commands }, { "exits", print_exits },
		{ "config", print_config }, { "manifest", print_manifest }, { "roles", print_roles }, { "keys", print_keys }, { "kinds", print_kinds },
		{ "actions", print_actions },
	};
	const char *name = c->nargs ? c->args[0] : "";
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (strcmp(name, tables[i].name) == 0) {
			int code = tables[i].print();
			return fflush(stdout) ? EXIT_FAILED : code;
		}
	}
	fprintf(stderr, "binnacle: no table '%s'; there are", name);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		fprintf(stderr, "%s %s", i ? "," : "", tables[i].name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
