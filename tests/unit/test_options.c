/* The command line: what is taken, what is refused and how, and what --help says of it. */
#define _GNU_SOURCE
#include "cli/options.h"
#include "base/mem.h"
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Parses words, NULL-terminated; what went to stderr in *said (caller frees). */
static int parse(struct cli *c, char **said, ...)
{
	static char copies[16][64];
	static char *argv[17];
	int argc = 0, kept = dup(2);
	va_list ap;
	FILE *err = tmpfile();
	argv[argc++] = strcpy(copies[0], "binnacle");
	va_start(ap, said);
	for (const char *word; (word = va_arg(ap, const char *)) && argc < 16; argc++)
		argv[argc] = strcpy(copies[argc], word);
	va_end(ap);
	argv[argc] = NULL;
	assert_non_null(err);
	*c = (struct cli){ 0 };
	dup2(fileno(err), 2);
	optind = 0;              /* getopt starts anew */
	int code = cli_parse(c, argc, argv);
	dup2(kept, 2);
	close(kept);
	if (said) {
		*said = xcalloc(1, 1000);
		rewind(err);
		size_t n = fread(*said, 1, 999, err);
		(*said)[n] = '\0';
	}
	fclose(err);
	return code;
}

static void refused(const char *says, char *said)
{
	if (!strstr(said, says) || strncmp(said, "binnacle: ", 10) != 0)
		fail_msg("want '%s' in '%s'", says, said);
	free(said);
}

static void test_console(void **state)
{
	struct cli c;
	assert_int_equal(parse(&c, NULL, NULL), EXIT_OK);
	assert_ptr_equal(c.sub, subcommands);
	assert_int_equal(c.nargs, 0);
	assert_int_equal(parse(&c, NULL, "--theme", "light", "-n", "ml", "-r", "--context=prod", NULL), EXIT_OK);
	assert_string_equal(c.theme, "light");
	assert_string_equal(c.namespace, "ml");
	assert_string_equal(c.context, "prod");
	assert_true(c.readonly);
	assert_false(c.ascii);
}

static void test_subcommand(void **state)
{
	struct cli c;
	assert_int_equal(parse(&c, NULL, "-r", "get", "pods", "-o", "json", "status!=Running", "age<2h", NULL), EXIT_OK);
	assert_string_equal(c.sub->name, "get");
	assert_string_equal(c.output, "json");
	assert_true(c.readonly);
	assert_int_equal(c.nargs, 3);
	assert_string_equal(c.args[0], "pods");
	assert_string_equal(c.args[2], "age<2h");
	/* what follows -- is no option */
	assert_int_equal(parse(&c, NULL, "get", "pods", "--", "-l", "app=web", NULL), EXIT_OK);
	assert_int_equal(c.nargs, 3);
	assert_string_equal(c.args[1], "-l");
}

static void test_nearest(void **state)
{
	struct cli c;
	char *said;
	assert_int_equal(parse(&c, &said, "--contxt", "x", NULL), EXIT_USAGE);
	refused("no option '--contxt'; did you mean '--context'?", said);
	assert_int_equal(parse(&c, &said, "--themes=dark", NULL), EXIT_USAGE);
	refused("did you mean '--theme'?", said);
	assert_int_equal(parse(&c, &said, "doctr", NULL), EXIT_USAGE);
	refused("no command 'doctr'; did you mean 'doctor'?", said);
	assert_int_equal(parse(&c, &said, "--xyzzyxyzzy", NULL), EXIT_USAGE);
	assert_null(strstr(said, "did you mean"));
	refused("no option '--xyzzyxyzzy'", said);
}

static void test_wrong_letter(void **state)
{
	struct cli c;
	char *said;
	assert_int_equal(parse(&c, &said, "-z", NULL), EXIT_USAGE);
	refused("no option '-z'", said);
	/* also within a cluster, and behind another word */
	assert_int_equal(parse(&c, &said, "get", "-rz", "pods", NULL), EXIT_USAGE);
	refused("no option '-z'", said);
}

static void test_values(void **state)
{
	struct cli c;
	char *said;
	assert_int_equal(parse(&c, &said, "--context", NULL), EXIT_USAGE);
	refused("a value is missing after '--context'", said);
	assert_int_equal(parse(&c, &said, "-n", NULL), EXIT_USAGE);
	refused("a value is missing after '-n'", said);
	assert_int_equal(parse(&c, &said, "--readonly=yes", NULL), EXIT_USAGE);
	refused("'--readonly' takes no value", said);
}

static void test_belongs(void **state)
{
	struct cli c;
	char *said;
	assert_int_equal(parse(&c, &said, "doctor", "--size", "80x24", NULL), EXIT_USAGE);
	refused("--size does not go with 'doctor'", said);
	assert_int_equal(parse(&c, &said, "--output", "json", NULL), EXIT_USAGE);
	refused("--output", said);
	assert_int_equal(parse(&c, NULL, "snapshot", "cluster", "--size", "80x24", NULL), EXIT_OK);
}

static void check_width(const struct subcommand *s)
{
	struct buf help = { 0 };
	cli_help(s, &help);
	struct str rest = buf_str(&help);
	while (rest.p) {
		struct str line = str_split(&rest, '\n');
		if (line.n > 80)
			fail_msg("longer than 80 columns: '" STR_FMT "'", STR_ARG(line));
		if (line.n && line.p[line.n - 1] == ' ')
			fail_msg("blank at the end of '" STR_FMT "'", STR_ARG(line));
	}
	for (const struct option_def *o = option_defs; o->name; o++) {
		char flag[64];
		snprintf(flag, sizeof(flag), " --%s ", o->name);
		char *found = strstr(help.data, flag);
		if (!found) {
			snprintf(flag, sizeof(flag), " --%s\n", o->name);
			found = strstr(help.data, flag);
		}
		if (!found != !option_for(o, s ? s : subcommands))
			fail_msg("help of '%s' %s --%s", s ? s->name : "", found ? "has" : "lacks", o->name);
	}
	buf_release(&help);
}

static void test_help(void **state)
{
	check_width(NULL);
	for (const struct subcommand *s = subcommands; s->name; s++)
		check_width(s);
}

static bool is_sub(struct str name)
{
	for (const struct subcommand *s = subcommands; s->name; s++)
		if (str_is(name, s->name))
			return true;
	return false;
}

/* A letter that one sub-command has for itself. */
static void test_letter_of_a_subcommand(void **state)
{
	struct cli c;
	assert_int_equal(parse(&c, NULL, "exec", "-c", "side", "pod", "--", "ls", "-c", NULL), EXIT_OK);
	assert_string_equal(c.container, "side");
	assert_null(c.config);
	assert_int_equal(c.nargs, 3);
	assert_string_equal(c.args[2], "-c");
	assert_int_equal(parse(&c, NULL, "get", "-c", "file", "pods", NULL), EXIT_OK);
	assert_string_equal(c.config, "file");
	assert_null(c.container);
}

/* The tables are right in themselves. */
static void test_tables(void **state)
{
	for (const struct option_def *o = option_defs; o->name; o++) {
		assert_true(o->at < sizeof(struct cli));
		for (const struct option_def *p = option_defs; p != o; p++) {
			assert_string_not_equal(o->name, p->name);
			assert_true(!o->letter || o->letter != p->letter || (o->subs && !p->subs));      /* one of its own: exec -c */
			assert_true(o->at != p->at);
		}
		struct str rest = str_of(o->subs);
		while (rest.p)
			assert_true(is_sub(str_split(&rest, '|')));
	}
	for (const struct subcommand *s = subcommands; s->name; s++)
		assert_non_null(s->run);
	for (const struct exit_help *e = exit_codes; e->means; e++)
		assert_int_equal(e->code, e - exit_codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_console), cmocka_unit_test(test_subcommand), cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_wrong_letter), cmocka_unit_test(test_values), cmocka_unit_test(test_belongs),
		cmocka_unit_test(test_help), cmocka_unit_test(test_tables), cmocka_unit_test(test_letter_of_a_subcommand),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
