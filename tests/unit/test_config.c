/* config: what a good binnacle.yaml becomes, and that each fault of a bad one is told with its place, what was found, what
 * is allowed, and the nearest name. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/config.h"
#include "base/mem.h"
#include "base/secret.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct config_key tls_keys[] = { { "ca", CONFIG_PATH, .help = "CA file." }, { "verify", CONFIG_BOOL }, CONFIG_END };
static const struct config_key engine_keys[] = {
	{ "url", CONFIG_URL, .required = true, .help = "Where it listens." },
	{ "password", CONFIG_SECRET, .help = "Its password." },
	{ "every", CONFIG_DURATION, .otherwise = "15s", .help = "How often." },
	{ "most", CONFIG_BYTES }, { "share", CONFIG_REAL }, { "columns", CONFIG_MAP }, { "tables", CONFIG_LIST },
	{ "mode", CONFIG_ENUM, .choices = "fast|careful", .help = "How." },
	{ "tls", CONFIG_SECTION, .section = tls_keys }, CONFIG_END
};
static const struct config_key tug_keys[] = { { "context", CONFIG_TEXT, .help = "Which one." }, CONFIG_END };
static const struct config_type_keys types[] = {
	{ "engine", "an engine", engine_keys }, { "tug", "a tug", tug_keys }, { NULL, NULL, NULL }
};

static const char good[] =
	"environments:\n"
	"  prod: {badge: prod, guard: type-name, limit: 3}\n"
	"  dev:\n"
	"theme: light\n"
	"sources:\n"
	"  main:\n"
	"    type: engine\n"
	"    environment: prod\n"
	"    url: https://host:1/x\n"
	"    password: {env: PW}\n"
	"    every: 1.5m\n"
	"    most: 64Ki\n"
	"    tls: {ca: /x, verify: no}\n"
	"    tables: [a, b]\n"
	"    columns: {a: b}\n"
	"    mode: careful\n"
	"  small: {type: tug}\n";

static struct config *parse(const char *text, struct config_errors *errors)
{
	return config_parse(str_of(text), "b.yaml", types, errors);
}

static struct config *good_one(const char *text)
{
	struct config_errors e;
	struct config *c = parse(text, &e);
	if (!c)
		fail_msg("%u:%u: %s", e.list[0].line, e.list[0].column, e.list[0].what);
	assert_int_equal(e.n, 0);
	return c;
}

static void told(const char *text, unsigned line, unsigned column, const char *part)
{
	struct config_errors e;
	struct buf all = { 0 };
	bool found = false;
	assert_null(parse(text, &e));
	for (unsigned i = 0; i < e.n; i++) {
		assert_string_equal(e.list[i].file, "b.yaml");
		found |= e.list[i].line == line && e.list[i].column == column && strstr(e.list[i].what, part);
		buf_addf(&all, "%u:%u: %s\n", e.list[i].line, e.list[i].column, e.list[i].what);
	}
	if (!found)
		fail_msg("'%u:%u: %s' is not in:\n%s", line, column, part, all.data ? all.data : "(nothing)");
	buf_release(&all);
	config_errors_release(&e);
}

static void reads_what_is_good(void **state)
{
	struct config *c = good_one(good);
	assert_int_equal(c->nsources, 2);
	assert_string_equal(c->sources[0].name, "main");
	assert_string_equal(c->sources[0].type, "engine");
	assert_string_equal(c->sources[0].environment, "prod");
	assert_string_equal(yaml_text(c->sources[0].settings, "url"), "https://host:1/x");
	assert_string_equal(c->sources[1].environment, "");
	assert_int_equal(c->nenvironments, 2);
	assert_string_equal(config_environment(c, "prod")->guard, "type-name");
	assert_int_equal(config_environment(c, "prod")->limit, 3);
	assert_string_equal(config_environment(c, "dev")->guard, "confirm");
	assert_null(config_environment(c, "staging"));
	assert_string_equal(config_text(c, "theme"), "light");
	assert_null(config_text(c, "keymap"));
	assert_null(config_text(NULL, "theme"));
	config_free(c);
	c = good_one("");
	assert_int_equal(c->nsources, 0);
	config_free(c);
}

static void tells_each_fault(void **state)
{
	told("thme: dark\n", 1, 1, "no setting 'thme'; did you mean 'theme'?");
	told("qqqqqqqqqq: 1\n", 1, 1, "there are: sources, environments, theme");
	told("theme: [a]\n", 1, 8, "'theme' is a text, not a list");
	told("theme: a\ntheme: b\n", 2, 1, "'theme' stands here twice, first in line 1");
	told("mouse: maybe\n", 1, 8, "'maybe' is no value of 'mouse', which is a true or false");
	told("- a\n", 1, 1, "the configuration is a map of settings");
	told("a: [\n", 2, 1, "did not find");
	told("environments: {p: {guard: read_only}}\n", 1, 27, "allowed: confirm|type-name|read-only; did you mean 'read-only'?");
	told("environments: {p: {limit: -1}}\n", 1, 27, "'-1' is no value of 'limit'");
	told("environments: {p: {limit: 99999999999}}\n", 1, 27, "more than 1000000");
	told("environments: {p: , p: }\n", 1, 21, "'p' stands here twice, first in line 1");
	told("environments: {p: 3}\n", 1, 19, "'p' in 'environments' is a map of settings");
	told("sources: {a: {typ: tug}}\n", 1, 14, "source 'a' has no 'type'");
	told("sources: {a: {type: tgu}}\n", 1, 21, "no source type 'tgu'; did you mean 'tug'?");
	told("sources: {a: {type: zzzzzzz}}\n", 1, 21, "there are: engine, tug");
	told("sources: {a: }\n", 1, 14, "is a map of settings");
	told("sources: {a: {type: tug, contxt: x}}\n", 1, 26, "no setting 'contxt' in 'a'; did you mean 'context'?");
	told("sources: {a: {type: tug, environment: prdo}}\nenvironments: {prod: }\n", 1, 39, "did you mean 'prod'?");
	told("sources: {a: {type: tug, environment: x}}\n", 1, 39, "no environment 'x' under 'environments'");
	told("sources: {a: {type: engine}}\n", 1, 14, "'url' is missing in 'a'");
	told("sources: {a: {type: engine, url: nowhere}}\n", 1, 34, "'nowhere' is no value of 'url', which is a URL");
	told("sources: {a: {type: engine, url: 'http://u:p@h/'}}\n", 1, 34, "'url' holds a password");
	told("sources: {a: {type: engine, url: 'http://h', every: 5}}\n", 1, 53, "which is a duration");
	told("sources: {a: {type: engine, url: 'http://h', every: 1.2.3s}}\n", 1, 53, "which is a duration");
	told("sources: {a: {type: engine, url: 'http://h', tls: {cert: x}}}\n", 1, 52, "no setting 'cert' in 'tls'");
	told("sources: {a: {type: engine, url: 'http://h', tables: [[a]]}}\n", 1, 55, "this is not a text");
	told("sources: {\"a\\e[2J\": {type: tug}}\n", 1, 11, "without quotes and control characters");
	told("\"th\\eme\": 1\n", 1, 1, "no setting 'th?me'");
}

static void gathers_all_in_order(void **state)
{
	struct config_errors e;
	assert_null(parse("sources: {a: {type: tug, environment: x}}\nthme: x\nmouse: 3\nenvironments: {p: {gaurd: x}}\n", &e));
	assert_int_equal(e.n, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(e.list[i].line, i + 1);
	config_errors_release(&e);
	struct buf many = { 0 };
	for (int i = 0; i < 20000; i++)
		buf_addf(&many, "k%d: 1\n", i);
	assert_null(parse(many.data, &e));
	assert_int_equal(e.n, 1);
	assert_string_equal(e.list[0].what, "more than 1000 settings");
	config_errors_release(&e);
	buf_release(&many);
}

static void never_shows_a_secret(void **state)
{
	static const char *const bad[] = { "hunter2", "[hunter2]", "{value: hunter2}", "{env: A, file: hunter2}", "{env: [hunter2]}" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *text = xasprintf("sources: {a: {type: engine, url: 'http://h', password: %s}}\n", bad[i]);
		struct config_errors e;
		assert_null(parse(text, &e));
		for (unsigned k = 0; k < e.n; k++)
			assert_null(strstr(e.list[k].what, "hunter2"));
		config_errors_release(&e);
		free(text);
	}
	told("sources: {a: {type: engine, url: 'http://h', password: x}}\n", 1, 56, "must not stand here in the open");
	told("sources: {a: {type: engine, url: 'http://h', password: {}}}\n", 1, 56, "exactly one of env:, file:, command:");
}

static void explains(void **state)
{
	static const struct { const char *key, *part; bool known; } cases[] = {
		{ "", "theme", true }, { "theme", "default dark", true }, { "sources", "sources.NAME.context", true },
		{ "sources.NAME.context", "Which one.", true }, { "sources.tug.context", "Which one.", true },
		{ "environments.prod.guard", "confirm|type-name|read-only", true }, { "environments.guard", "default confirm", true },
		{ "sources.engine.every", "default 15s", true }, { "them", "did you mean 'theme'?", false },
		{ "sources.NAME.contxt", "did you mean 'context'?", false }, { "sources.a.tls.ca", "CA file.", true },
		{ "guards.zone", "names no zone of its own", true }, { "guards.any.zone", "windows of this rule", true },
		{ "guards", "guards.zone: time zone such as", true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };
		bool known = config_explain(cases[i].key, types, &b);
		if (known != cases[i].known || !strstr(b.data, cases[i].part))
			fail_msg("%s: %d\n%s", cases[i].key, known, b.data);
		buf_release(&b);
	}
}

static void finds_the_file(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX", path[80];
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("XDG_CONFIG_DIRS", dir, 1);
	assert_null(config_find(NULL));
	snprintf(path, sizeof(path), "%s/binnacle", dir);
	mkdir(path, 0700);
	strcat(path, "/binnacle.yaml");
	FILE *f = fopen(path, "w");
	fputs("mouse: on\n", f);
	fclose(f);
	char *found = config_find(NULL);
	assert_string_equal(found, path);
	struct config_errors e;
	struct config *c = config_load(found, types, &e);
	assert_non_null(c);
	assert_string_equal(config_text(c, "mouse"), "on");
	config_free(c);
	free(found);
	setenv("XDG_CONFIG_HOME", "/none", 1);
	found = config_find(NULL);
	assert_string_equal(found, path);          /* by XDG_CONFIG_DIRS */
	free(found);
	unlink(path);
	assert_null(config_load(path, types, &e));
	assert_int_equal(e.n, 1);
	assert_non_null(strstr(e.list[0].what, "No such file"));
	config_errors_release(&e);
	*strrchr(path, '/') = 0;
	rmdir(path);
	rmdir(dir);
}

static void write_secret(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* ~/ in a path or a secret's file is the home folder; a secret's file is read again when it has changed, and one that is
 * gone leaves what was read. */
static void paths_and_kept_secrets(void **state)
{
	char home[] = "/tmp/binnacle-home.XXXXXX", why[200] = "", *was = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
	struct config_errors errors = { 0 };
	struct secret secret = { 0 };
	uint64_t seen = 0;

	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	struct config *c = parse("sources:\n  a: {type: engine, url: x://y, tls: {ca: ~/ca.pem}, password: {file: ~/pw}}\n", &errors);
	assert_non_null(c);
	const struct yaml *a = yaml_get(yaml_get(c->root, "sources"), "a");
	char *ca = xasprintf("%s/ca.pem", home), *file = xasprintf("%s/pw", home);
	assert_string_equal(yaml_text(yaml_get(a, "tls"), "ca"), ca);
	assert_int_equal(secret_follow(&secret, &seen, yaml_get(a, "password"), why, sizeof(why)), -1);
	assert_non_null(strstr(why, file));
	write_secret(file, "first\n");
	assert_int_equal(secret_follow(&secret, &seen, yaml_get(a, "password"), why, sizeof(why)), 0);
	assert_true(str_is(secret_reveal(secret), "first"));
	write_secret(file, "the second\n");
	assert_int_equal(secret_follow(&secret, &seen, yaml_get(a, "password"), why, sizeof(why)), 0);
	assert_true(str_is(secret_reveal(secret), "the second"));
	unlink(file);
	assert_int_equal(secret_follow(&secret, &seen, yaml_get(a, "password"), why, sizeof(why)), 0);
	assert_true(str_is(secret_reveal(secret), "the second"));
	secret_release(&secret);
	config_free(c);
	rmdir(home);
	was ? setenv("HOME", was, 1) : unsetenv("HOME");
	free(was);
	free(ca);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_good), cmocka_unit_test(tells_each_fault), cmocka_unit_test(gathers_all_in_order),
		cmocka_unit_test(never_shows_a_secret), cmocka_unit_test(explains), cmocka_unit_test(finds_the_file), cmocka_unit_test(paths_and_kept_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
