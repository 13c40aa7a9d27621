/* Local history: written by a thread of its own, read back in order, the same event once; files that are wrong. */
#define _GNU_SOURCE
#include "base/buf.h"
#include "base/history.h"
#include "base/mem.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct dir { char path[64], file[80]; };

static void dir_make(struct dir *d)
{
	strcpy(d->path, "/tmp/binnacle-history.XXXXXX");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->file, sizeof(d->file), "%s/h.db", d->path);
}

static void dir_remove(struct dir *d)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	for (int i = 0; i < 3; i++) {
		char name[100];
		snprintf(name, sizeof(name), "%s%s", d->file, ends[i]);
		unlink(name);
	}
	assert_int_equal(rmdir(d->path), 0);
}

static bool add(struct history *h, const char *kind, const char *subject, const char *what, int64_t at, double value)
{
	return history_add(h, &(struct history_event){ str_of(kind), STR("src"), str_of(subject), str_of(what),
		STR("de'tail"), at, value });
}

static bool collect(void *arg, const struct history_event *e)
{
	struct buf *b = arg;
	buf_addf(b, STR_FMT "/" STR_FMT "@%lld", STR_ARG(e->subject), STR_ARG(e->what), (long long)e->at);
	if (!isnan(e->value))
		buf_addf(b, "=%g", e->value);
	assert_true(str_is(e->source, "src") && str_is(e->detail, "de'tail"));
	buf_addc(b, ' ');
	return !str_is(e->what, "stop");
}

static bool count(void *arg, const struct history_event *e)
{
	++*(unsigned char *)arg;
	return true;
}

static void reads(struct history *h, struct history_query q, const char *want)
{
	struct buf b = { 0 };
	char *why = NULL;
	buf_adds(&b, "");
	bool ok = history_read(h, &q, collect, &b, &why);
	if (!ok)
		print_message("%s\n", why);
	assert_true(ok);
	assert_string_equal(b.len ? b.data : "", want);
	buf_release(&b);
}

static void test_kept(void **state)
{
	struct dir d;
	struct stat st;
	dir_make(&d);
	struct history *h = history_new(d.file);
	add(h, "production", "m", "2", 200, NAN);
	add(h, "production", "m", "1", 100, NAN);
	add(h, "production", "n", "9", 150, NAN);
	add(h, "production", "m", "2", 200, NAN);
	add(h, "spend", "m", "", 100, 0.5);
	reads(h, (struct history_query){ .kind = "production" }, "m/1@100 n/9@150 m/2@200 ");
	reads(h, (struct history_query){ .kind = "production", .subject = "m" }, "m/1@100 m/2@200 ");
	reads(h, (struct history_query){ .kind = "production", .limit = 2 }, "n/9@150 m/2@200 ");
	reads(h, (struct history_query){ .kind = "production", .from = 101, .until = 150 }, "n/9@150 ");
	reads(h, (struct history_query){ .kind = "production", .source = "other" }, "");
	reads(h, (struct history_query){ .kind = "spend" }, "m/@100=0.5 ");
	assert_int_equal(stat(d.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	add(h, "production", "m", "stop", 50, 1);
	reads(h, (struct history_query){ .kind = "production" }, "m/stop@50=1 ");
	add(h, "production", "m", "late", 300, NAN);
	history_free(h);
	h = history_new(d.file);
	reads(h, (struct history_query){ .kind = "production", .limit = 1 }, "m/late@300 ");
	history_free(h);
	dir_remove(&d);
}

/* Two programs with one file. */
static void test_shared(void **state)
{
	struct dir d;
	dir_make(&d);
	struct history *a = history_new(d.file), *b = history_new(d.file);
	for (int i = 0; i < 500; i++) {
		assert_true(add(a, "k", "a", "x", i, i));
		assert_true(add(b, "k", "b", "x", i, i));
	}
	assert_true(history_flush(a, NULL) && history_flush(b, NULL));
	reads(a, (struct history_query){ .kind = "k", .from = 499 }, "a/x@499=499 b/x@499=499 ");
	history_free(a);
	history_free(b);
	dir_remove(&d);
}

/* Another program: for each byte that comes it reads the file, closes it, and says how much is there. */
static void read_for(int ask, int tell, const char *file)
{
	char c;
	while (read(ask, &c, 1) == 1) {
		struct history *h = history_new(file);
		unsigned char n = 0;
		history_read(h, &(struct history_query){ .kind = "k" }, count, &n, NULL);
		history_free(h);
		if (write(tell, &n, 1) != 1)
			break;
	}
	_exit(0);
}

/* What one program has the file open for is not taken away from it by another that closes it, however often it was read here. */
static void test_closed_by_another(void **state)
{
	struct dir d;
	int ask[2], tell[2];
	unsigned char n = 0;
	dir_make(&d);
	assert_true(pipe(ask) == 0 && pipe(tell) == 0);
	pid_t other = fork();
	assert_true(other >= 0);
	if (!other) {
		close(ask[1]);
		read_for(ask[0], tell[1], d.file);
	}
	struct history *h = history_new(d.file);
	for (int i = 1; i <= 3; i++) {
		assert_true(add(h, "k", "s", "x", i, NAN) && history_flush(h, NULL));
		reads(h, (struct history_query){ .kind = "k", .from = i }, i == 1 ? "s/x@1 " : i == 2 ? "s/x@2 " : "s/x@3 ");
		assert_true(write(ask[1], "?", 1) == 1 && read(tell[0], &n, 1) == 1);
		assert_int_equal(n, i);
	}
	history_free(h);
	for (int i = 0; i < 2; i++) {
		close(ask[i]);
		close(tell[i]);
	}
	assert_int_equal(waitpid(other, NULL, 0), other);
	dir_remove(&d);
}

static void refuses(struct history *h, const char *want)
{
	char *why = NULL;
	add(h, "k", "s", "w", 1, 1);
	assert_false(history_flush(h, &why));
	assert_non_null(strstr(why, want));
	free(why);
	why = NULL;
	assert_false(history_read(h, &(struct history_query){ .kind = "k" }, collect, NULL, &why));
	assert_non_null(strstr(why, want));
	free(why);
	history_free(h);
}

static void test_wrong(void **state)
{
	struct dir d;
	dir_make(&d);
	refuses(history_new(d.path), "Is a directory");
	refuses(history_new("/nonexistent/h.db"), "No such file");
	FILE *f = fopen(d.file, "w");
	for (int i = 0; i < 1000; i++)
		fputs("not a database ", f);
	fclose(f);
	refuses(history_new(d.file), "not a database; see whether");
	history_free(NULL);
	assert_false(history_add(NULL, &(struct history_event){ .kind = STR("k") }));
	assert_true(history_read(NULL, &(struct history_query){ .kind = "k" }, collect, NULL, NULL));
	dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kept), cmocka_unit_test(test_shared),
		cmocka_unit_test(test_closed_by_another),		cmocka_unit_test(test_wrong) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
