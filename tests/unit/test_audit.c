/* The audit file: what is written is there, nobody changes it unseen, and what cannot be written is said. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/audit.h"
#include "base/buf.h"
#include "base/record.h"
#include "base/redact.h"
#include "tests/unit/forged.h"

static char dir[] = "/tmp/binnacle-audit-XXXXXX";
static char path[128];
static struct clock_fixed still = { 1795244400123, 0 };

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/binnacle-audit-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/deep/er/audit.jsonl", dir);
	return 0;
}

static int teardown(void **state)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int write_one(struct audit *a, const char *event, char *why, size_t size)
{
	json_t *o = json_pack("{ss}", "event", event);
	int result = audit_write(a, o, why, size);

	json_decref(o);
	return result;
}

struct seen { unsigned lines, broken, garbage; char last[64], user[64], time[40]; };

static bool look(void *arg, unsigned line, const struct json_t *event, bool chain_ok)
{
	struct seen *s = arg;

	s->lines++;
	assert_int_equal(line, s->lines);
	s->broken += !chain_ok;
	s->garbage += !event;
	if (event) {
		snprintf(s->last, sizeof(s->last), "%s", json_string_value(json_object_get(event, "event")));
		snprintf(s->user, sizeof(s->user), "%s", json_string_value(json_object_get(event, "user")));
		snprintf(s->time, sizeof(s->time), "%s", json_string_value(json_object_get(event, "time")));
	}
	return true;
}

static struct seen read_all(void)
{
	struct seen s = { 0 };
	char why[300] = "";
	long lines = audit_read(path, look, &s, why, sizeof(why));

	assert_int_equal(lines, s.lines);
	return s;
}

static struct audit *fill(unsigned n)
{
	struct clock clock = clock_still(&still);
	static struct clock kept;
	char why[300] = "", event[16];
	struct audit *a;

	kept = clock;
	a = audit_open(path, &kept, why, sizeof(why));
	assert_string_equal(why, "");
	for (unsigned i = 0; i < n; i++) {
		snprintf(event, sizeof(event), "e%u", i);
		assert_int_equal(write_one(a, event, why, sizeof(why)), 0);
	}
	return a;
}

static void test_lines_are_chained(void **state)
{
	struct stat st;
	struct seen s;

	forge();
	audit_close(fill(3));
	s = read_all();
	assert_int_equal(s.lines, 3);
	assert_int_equal(s.broken, 0);
	assert_string_equal(s.last, "e2");
	assert_string_equal(s.user, who_really());
	assert_string_equal(s.time, "2026-11-21T07:00:00.123Z");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	audit_close(fill(2));               /* another session goes on where the first ended */
	s = read_all();
	assert_int_equal(s.lines, 5);
	assert_int_equal(s.broken, 0);
}

/* Root may be anyone, and says whose session it is. */
static void names(uid_t uid, const char *sudo, const char *user, const char *want)
{
	acting = uid;
	sudo ? setenv("SUDO_USER", sudo, 1) : unsetenv("SUDO_USER");
	user ? setenv("USER", user, 1) : unsetenv("USER");
	char *is = audit_who();
	assert_string_equal(is, want);
	free(is);
	acting = 65534;
}

static void test_who_acts(void **state)
{
	forge();
	names(0, "ada", "root", "ada");
	names(0, NULL, "ada", "ada");
	names(0, "", "", "root");
	names(65534, FORGED, FORGED, who_really());
	names(65534, NULL, NULL, who_really());
	names(4000000000u, FORGED, FORGED, "4000000000");
}

static void test_others_cannot_read(void **state)
{
	struct stat st;

	audit_close(fill(1));
	assert_int_equal(chmod(path, 0644), 0);
	audit_close(fill(1));
	stat(path, &st);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void change_byte(const char *old, const char *new)
{
	FILE *f = fopen(path, "r+");
	char text[8192];
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	char *at;

	text[n] = '\0';
	at = strstr(text, old);
	assert_non_null(at);
	fseek(f, at - text, SEEK_SET);
	fwrite(new, 1, strlen(new), f);
	fclose(f);
}

static void test_change_is_seen(void **state)
{
	struct seen s;

	audit_close(fill(4));
	change_byte("\"e1\"", "\"eX\"");
	s = read_all();
	assert_int_equal(s.lines, 4);
	assert_int_equal(s.broken, 1);      /* the line after the changed one does not follow it */
}

static void test_missing_line_is_seen(void **state)
{
	char command[300];
	struct seen s;

	audit_close(fill(4));
	snprintf(command, sizeof(command), "sed -i 2d %s", path);
	assert_int_equal(system(command), 0);
	s = read_all();
	assert_int_equal(s.lines, 3);
	assert_int_equal(s.broken, 1);
	snprintf(command, sizeof(command), "sed -i 1d %s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(read_all().broken, 1);     /* the beginning is missing */
}

static void test_garbage_and_torn_lines(void **state)
{
	struct seen s;
	FILE *f;

	audit_close(fill(2));
	f = fopen(path, "a");
	fputs("half a li", f);              /* a crash of another program */
	fclose(f);
	s = read_all();
	assert_int_equal(s.garbage, 1);
	audit_close(fill(1));
	s = read_all();
	assert_int_equal(s.lines, 4);
	assert_int_equal(s.garbage, 1);
	assert_string_equal(s.last, "e0");
}

static void test_disk_full(void **state)
{
	char why[300] = "";
	struct audit *a = audit_open("/dev/full", &clock_system, why, sizeof(why));

	assert_int_equal(write_one(a, "e", why, sizeof(why)), -1);
	assert_non_null(strstr(why, "No space left"));
	audit_close(a);
}

/* At a size limit the line is refused whole and the program lives. */
static void test_size_limit(void **state)
{
	struct rlimit limit = { 600, 600 };
	struct seen s;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char why[300] = "";
		struct audit *a = fill(1);
		int result = 0;

		setrlimit(RLIMIT_FSIZE, &limit);
		for (int i = 0; i < 10 && result == 0; i++)
			result = write_one(a, "more", why, sizeof(why));
		_exit(result == -1 && strstr(why, "audit file") ? 7 : 8);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	s = read_all();
	assert_true(s.lines >= 1);
	assert_int_equal(s.broken, 0);
	assert_int_equal(s.garbage, 0);
}

static void test_unwritable(void **state)
{
	char why[300] = "";
	struct audit *a = audit_open("/proc/nowhere/audit.jsonl", &clock_system, why, sizeof(why));

	assert_non_null(strstr(why, "/proc/nowhere"));
	why[0] = '\0';
	assert_int_equal(write_one(a, "e", why, sizeof(why)), -1);
	assert_non_null(strstr(why, "/proc/nowhere"));
	audit_close(a);
	assert_int_equal(audit_read("/proc/nowhere/x", look, NULL, why, sizeof(why)), -1);
}

/* Two programs write at once: every line is whole and the chain holds. */
static void test_two_writers(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		audit_close(fill(40));
		_exit(0);
	}
	audit_close(fill(40));
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(read_all().lines, 80);
	assert_int_equal(read_all().broken, 0);
}

/* ---- secrets */

static char *redacted(const char *text)
{
	json_t *in = json_loads(text, JSON_DECODE_ANY, NULL), *out;
	char *result;

	assert_non_null(in);
	out = redact_json(in);
	result = json_dumps(out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(in);
	json_decref(out);
	return result;
}

static void test_secrets_are_masked(void **state)
{
	static const char *const documents[] = {
		"{\"password\":\"hunter2\",\"n\":1}",
		"{\"env\":[{\"name\":\"DB\",\"value\":\"hunter2\"}]}",
		"{\"kind\":\"Secret\",\"data\":{\"a\":\"hunter2\"}}",
		"{\"body\":\"{\\\"spec\\\":{\\\"env\\\":[{\\\"name\\\":\\\"X\\\",\\\"value\\\":\\\"hunter2\\\"}]}}\"}",
		"{\"args\":[\"--token=hunter2\",\"--x\"]}",
		"{\"url\":\"postgresql://u:hunter2@db/x\"}",
		"{\"h\":\"Authorization: Bearer hunter2\"}",
		"{\"apiKey\":[\"hunter2\"],\"api_key\":\"hunter2\"}",
		"{\"s\":\"password = \\\"hunter2\\\"\"}",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		char *text = redacted(documents[i]);

		assert_null(strstr(text, "hunter2"));
		assert_non_null(strstr(text, "***"));
		free(text);
	}
}

static void test_the_rest_stays(void **state)
{
	static const char *const documents[] = {
		"{\"replicas\":5,\"do\":\"PATCH /apis/apps/v1/x?fieldManager=binnacle\"}",
		"{\"secretName\":\"tls\",\"secretKeyRef\":{\"name\":\"db\",\"key\":\"user\"}}",
		"{\"kind\":\"secrets\",\"key\":\"ml/db\"}",
		"[1,null,true,\"https://host:6443/a\",\"a=b\"]",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		char *text = redacted(documents[i]);

		assert_string_equal(text, documents[i]);
		free(text);
	}
}

/* A document that was revealed is on the screen, but not in a recording. */
static void test_revealed_is_not_recorded(void **state)
{
	struct store *store = store_new(&clock_system);
	struct msg *m = msg_new(MSG_TEXT, 7), *back;
	char why[300] = "", text[4096] = "";
	struct msg_text t;
	struct record *r;
	struct replay *play;
	FILE *f;

	store_add_source(store, "s", "dev");
	snprintf(path, sizeof(path), "%s/session.rec", dir);
	r = record_open(path, store, why, sizeof(why));
	assert_non_null(r);
	msg_put_text(m, (struct msg_text){ TEXT_RESET | TEXT_END | TEXT_SECRET, STR("password: hunter2") });
	assert_true(record_add(r, m));
	record_close(r);
	f = fopen(path, "r");
	assert_true(fread(text, 1, sizeof(text), f) > 0);
	fclose(f);
	assert_null(memmem(text, sizeof(text), "hunter2", 7));
	play = replay_open(path, why, sizeof(why));
	assert_non_null(play);
	back = replay_next(play, why, sizeof(why));
	assert_non_null(back);
	assert_int_equal(back->id, 7);
	assert_true(msg_get_text(back, &t));
	assert_int_equal(t.flags, TEXT_RESET | TEXT_END);
	assert_non_null(memmem(t.chunk.p, t.chunk.n, "not recorded", 12));
	msg_free(back);
	replay_close(play);
	msg_free(m);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_lines_are_chained), T(test_others_cannot_read), T(test_change_is_seen), T(test_missing_line_is_seen),
		T(test_garbage_and_torn_lines), T(test_disk_full), T(test_size_limit), T(test_unwritable), T(test_two_writers),
		T(test_who_acts), cmocka_unit_test(test_secrets_are_masked), T(test_revealed_is_not_recorded), cmocka_unit_test(test_the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
