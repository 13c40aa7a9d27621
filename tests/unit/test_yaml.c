/* yaml and secret: what is read, where it stood, what is refused, and that bombs stay small. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/mem.h"
#include "base/secret.h"
#include "base/yaml.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct yaml_doc *good(const char *text)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *d = yaml_parse(str_of(text), &err);
	if (!d)
		fail_msg("%u:%u: %s", err.line, err.column, err.what);
	return d;
}

static void refused(const char *text, unsigned line, const char *part)
{
	struct yaml_error err = { 0 };
	assert_null(yaml_parse(str_of(text), &err));
	assert_int_equal(err.line, line);
	if (!strstr(err.what, part))
		fail_msg("'%s' lacks '%s'", err.what, part);
}

static void reads_a_tree(void **state)
{
	struct yaml_doc *d = good("# c\na: 1\nb:\n  - x\n  - 'null'\n  - ~\n  -\nc: {on: yes, off: \"no\"}\n");
	const struct yaml *r = yaml_root(d), *b = yaml_get(r, "b"), *c = yaml_get(r, "c");
	assert_int_equal(r->type, YAML_MAP);
	assert_int_equal(r->n, 3);
	assert_string_equal(yaml_text(r, "a"), "1");
	assert_int_equal(b->type, YAML_LIST);
	assert_int_equal(b->n, 4);
	assert_int_equal(b->items[0]->line, 4);
	assert_int_equal(b->items[0]->column, 5);
	assert_int_equal(b->items[1]->type, YAML_SCALAR);
	assert_true(b->items[1]->quoted);
	assert_int_equal(b->items[2]->type, YAML_NULL);
	assert_int_equal(b->items[3]->type, YAML_NULL);
	assert_true(yaml_bool(c, "on", false));
	assert_true(yaml_bool(c, "off", true));       /* quoted: a text, so the default */
	assert_true(yaml_bool(r, "none", true));
	assert_null(yaml_get(r, "none"));
	assert_null(yaml_get(b, "a"));
	assert_null(yaml_text(r, "b"));
	yaml_doc_free(d);
}

static void empty_is_null(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct yaml_doc *d = good(texts[i]);
		assert_int_equal(yaml_root(d)->type, YAML_NULL);
		yaml_doc_free(d);
	}
}

static void json_is_yaml(void **state)
{
	struct yaml_doc *d = good("{\n\t\"a\": [1, {\"b\": \"\\u00e4\\n\"}],\n\t\"c\": null}");
	const struct yaml *a = yaml_get(yaml_root(d), "a");
	assert_string_equal(yaml_text(a->items[1], "b"), "\xc3\xa4\n");
	assert_int_equal(yaml_get(yaml_root(d), "c")->type, YAML_NULL);
	yaml_doc_free(d);
}

static void aliases_and_merges(void **state)
{
	struct yaml_doc *d = good("base: &b {x: 1, y: 2}\nother: &o {z: 9, y: 8}\nlist: *b\n"
	                          "one: {<<: *b, y: 3}\ntwo: {<<: [*b, *o]}\nsame: {q: *b, <<: *b}\n");
	const struct yaml *r = yaml_root(d);
	assert_ptr_equal(yaml_get(r, "list"), yaml_get(r, "base"));
	assert_string_equal(yaml_text(yaml_get(r, "one"), "x"), "1");
	assert_string_equal(yaml_text(yaml_get(r, "one"), "y"), "3");
	assert_null(yaml_get(yaml_get(r, "one"), "<<"));
	assert_string_equal(yaml_text(yaml_get(r, "two"), "y"), "2");
	assert_string_equal(yaml_text(yaml_get(r, "two"), "z"), "9");
	assert_string_equal(yaml_text(yaml_get(yaml_get(r, "same"), "q"), "x"), "1");
	assert_string_equal(yaml_text(yaml_get(r, "same"), "y"), "2");
	yaml_doc_free(d);
}

static void refuses_with_the_place(void **state)
{
	refused("a: 1\nb: [1, 2\nc: 3\n", 3, "did not find expected");
	refused("a: *nobody\n", 1, "nobody");
	refused("a: &x [1, *x]\n", 1, "stands inside");
	refused("a: \"x\\0y\"\n", 1, "NUL");
	refused("a:\n\t- 1\n", 2, "cannot start any token");
	refused("ok: 1\nbad: \xff\xfe\n", 1, "UTF-8");
	refused("a: {<<: 3}\n", 1, "takes a map");
}

static void bombs_are_small(void **state)
{
	struct buf b = { 0 };
	buf_adds(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 40; i++) {
		buf_addf(&b, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_addf(&b, "%s*a%d", j ? "," : "", i - 1);
		buf_adds(&b, "]\n");
	}
	refused(b.data, 6, "expand");
	buf_clear(&b);
	for (int i = 0; i < 100; i++)
		buf_addc(&b, '[');
	refused(b.data, 1, "deep");
	buf_clear(&b);
	for (int i = 0; i < 70; i++)   /* deep through aliases: each level one more */
		buf_addf(&b, "- &a%d [%s%.0d]\n", i, i ? "*a" : "x", i);
	buf_clear(&b);
	buf_adds(&b, "- &a0 [x]\n");
	for (int i = 1; i < 80; i++)
		buf_addf(&b, "- &a%d [*a%d]\n", i, i - 1);
	refused(b.data, 63, "deep");   /* list, list, 62 within, x: line 63 is the first to be 65 deep */
	buf_release(&b);
}

static void loads_files(void **state)
{
	struct yaml_error err;
	char dir[] = "/tmp/test_yaml.XXXXXX", path[64];
	assert_non_null(mkdtemp(dir));
	assert_null(yaml_load(dir, &err));
	assert_non_null(strstr(err.what, "directory"));
	snprintf(path, sizeof(path), "%s/none", dir);
	assert_null(yaml_load(path, &err));
	assert_non_null(strstr(err.what, "No such file"));
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* one who writes has it open before it is read, and writes later */
	int reader = open(path, O_RDONLY | O_NONBLOCK), writer = open(path, O_WRONLY);
	if (fork() == 0) {
		usleep(50000);
		_exit(write(writer, "a: b\n", 5) != 5);
	}
	close(writer);
	struct yaml_doc *d = yaml_load(path, &err);
	assert_non_null(d);
	assert_string_equal(yaml_text(yaml_root(d), "a"), "b");
	yaml_doc_free(d);
	close(reader);
	unlink(path);
	assert_null(yaml_load("/dev/zero", &err));
	assert_non_null(strstr(err.what, "16 MiB"));
	rmdir(dir);
}

static void secrets(void **state)
{
	struct secret s = secret_of(STR("hush"));
	assert_true(secret_set(s));
	assert_true(str_is(secret_reveal(s), "hush"));
	secret_release(&s);
	assert_false(secret_set(s));
	assert_int_equal(secret_reveal(s).n, 0);
	char path[] = "/tmp/test_secret.XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "tok en\r\n", 8), 8);
	close(fd);
	assert_int_equal(secret_from_file(&s, path), 0);
	assert_true(str_is(secret_reveal(s), "tok en"));
	unlink(path);
	assert_int_equal(secret_from_file(&s, path), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(secret_from_file(&s, "/"), -1);
	assert_int_equal(errno, EISDIR);
	assert_true(str_is(secret_reveal(s), "tok en"));   /* kept when reading fails */
	secret_take(&s, xstrdup("new"), 3);
	assert_true(str_is(secret_reveal(s), "new"));
	secret_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_tree), cmocka_unit_test(empty_is_null), cmocka_unit_test(json_is_yaml),
		cmocka_unit_test(aliases_and_merges), cmocka_unit_test(refuses_with_the_place),
		cmocka_unit_test(bombs_are_small), cmocka_unit_test(loads_files), cmocka_unit_test(secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
