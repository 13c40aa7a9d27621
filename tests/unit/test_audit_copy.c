/* Copies of the audit trail: everything comes over once, in order, after outages, restarts and rotation; the file never waits. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/audit.h"
#include "base/audit_copy.h"
#include "base/mem.h"

static char dir[64], *path;

struct far { atomic_int down, lines, calls; struct buf all; unsigned most; };

static unsigned put(void *arg, const struct str *lines, unsigned n, char **why)
{
	struct far *f = arg;
	unsigned take = f->most && f->most < n ? f->most : n;

	atomic_fetch_add(&f->calls, 1);
	if (atomic_load(&f->down)) {
		*why = xstrdup("it is away");
		return 0;
	}
	for (unsigned i = 0; i < take; i++) {
		buf_addstr(&f->all, lines[i]);
		buf_addc(&f->all, '\n');
	}
	atomic_fetch_add(&f->lines, (int)take);
	return take;
}

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/binnacle-copy-XXXXXX");
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/audit.jsonl", dir);
}

static void finish(struct far *f)
{
	char *command = xasprintf("rm -rf %s", dir);

	assert_int_equal(system(command), 0);
	free(command);
	free(path);
	buf_release(&f->all);
}

static void write_lines(unsigned n)
{
	char why[300];
	struct audit *a = audit_open(path, &clock_system, why, sizeof(why));

	for (unsigned i = 0; i < n; i++) {
		json_t *e = json_pack("{sssi}", "event", "run", "n", (int)i);

		assert_int_equal(audit_write(a, e, why, sizeof(why)), 0);
		json_decref(e);
	}
	audit_close(a);
}

static struct audit_copy *copy(struct far *f, atomic_bool *closing)
{
	struct audit_sink sink = { "far", put, NULL, f };

	atomic_store(closing, false);
	return audit_copy_new(path, &sink, closing);
}

static bool is_the_file(const struct far *f)
{
	FILE *in = fopen(path, "r");
	struct buf b = { 0 };
	bool ok;

	buf_reserve(&b, 1 << 20);
	b.len = fread(b.data, 1, 1 << 20, in);
	fclose(in);
	ok = str_eq(buf_str(&b), buf_str(&f->all));
	buf_release(&b);
	return ok;
}

static void test_all_once_and_from_where_it_was(void **state)
{
	struct far f = { 0 };
	atomic_bool closing;

	begin();
	write_lines(450);                                /* more than a batch */
	audit_copy_free(copy(&f, &closing), 60000);
	assert_int_equal(atomic_load(&f.lines), 450);
	write_lines(3);
	audit_copy_free(copy(&f, &closing), 60000);           /* another program, later */
	assert_int_equal(atomic_load(&f.lines), 453);
	assert_true(is_the_file(&f));
	finish(&f);
}

static void test_outage(void **state)
{
	struct far f = { 0 };
	struct buf say = { 0 };
	atomic_bool closing;
	struct audit_copy *c;

	begin();
	atomic_store(&f.down, 1);
	write_lines(2);
	c = copy(&f, &closing);
	for (int i = 0; i < 6000 && !say.len; i++) {
		usleep(10000);
		audit_copy_say(c, &say);
	}
	assert_string_equal(say.data, "the copy in far is behind: it is away");
	write_lines(2);                                      /* the file goes on */
	atomic_store(&f.down, 0);
	audit_copy_free(c, 60000);                            /* the end tries once more */
	assert_int_equal(atomic_load(&f.lines), 4);
	assert_true(is_the_file(&f));
	buf_release(&say);
	finish(&f);
}

static void test_part_of_a_batch(void **state)
{
	struct far f = { .most = 7 };
	atomic_bool closing;

	begin();
	write_lines(20);
	for (int i = 0; i < 3; i++)
		audit_copy_free(copy(&f, &closing), 60000);
	assert_true(is_the_file(&f));
	finish(&f);
}

static void test_rotation_and_half_lines(void **state)
{
	struct far f = { 0 };
	char *old = NULL;
	atomic_bool closing;
	FILE *file;

	begin();
	write_lines(5);
	audit_copy_free(copy(&f, &closing), 60000);
	old = xasprintf("%s.1", path);
	assert_int_equal(rename(path, old), 0);
	buf_clear(&f.all);
	write_lines(9);                                      /* longer than the old one was */
	file = fopen(path, "a");
	fputs("{\"half\":", file);
	fclose(file);
	audit_copy_free(copy(&f, &closing), 60000);
	assert_int_equal(atomic_load(&f.lines), 14);
	free(old);
	finish(&f);
}

static void test_two_programs(void **state)
{
	struct far f = { 0 };
	atomic_bool one, two;
	struct audit_copy *a, *b;

	begin();
	write_lines(300);
	a = copy(&f, &one);
	b = copy(&f, &two);
	audit_copy_free(a, 60000);
	audit_copy_free(b, 60000);
	assert_int_equal(atomic_load(&f.lines), 300);
	assert_true(is_the_file(&f));
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_once_and_from_where_it_was), cmocka_unit_test(test_outage),
		cmocka_unit_test(test_part_of_a_batch), cmocka_unit_test(test_rotation_and_half_lines), cmocka_unit_test(test_two_programs),
	};

	return cmocka_run_group_tests_name("audit_copy", tests, NULL, NULL);
}
