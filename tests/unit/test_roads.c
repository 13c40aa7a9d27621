/* The roads between threads: inbox, source, link, and the record of what crossed. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/record.h"
#include "base/store.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* A backend that echoes: every question is answered with its own words, WATCH floods with numbered texts. */
static void run_echo(struct link *l)
{
	while (!link_closing(l)) {
		struct request *r = link_take(l, -1);
		if (!r)
			continue;
		if (r->type == REQ_ASK)
			link_answer(l, r->id, true, str_of(r->what));
		if (r->type == REQ_WATCH)
			for (int i = 0; i < 2000 && !link_cancelled(l, r->id); i++)
				link_textf(l, r->id, 0, "%d %0500d", i, 0);
		if (r->type == REQ_RUN)
			link_step(l, r->id, (struct msg_step){ STEP_FINISHED, true, 0, 0, STR("ran"), STR("") });
		request_free(r);
	}
}
static const struct backend echo = { .name = "echo", .title = "Echo", .run = run_echo };

static struct msg *wait_message(struct inbox *in)
{
	struct msg *m;
	while (!(m = inbox_take(in))) {
		struct pollfd fd = { inbox_fd(in), POLLIN, 0 };
		assert_int_equal(poll(&fd, 1, 5000), 1);
	}
	return m;
}

static void a_question_is_answered(void **state)
{
	struct inbox *in = inbox_new(1 << 20);
	struct source *s = source_new(0, "e", "dev", &echo, NULL, &clock_system, in);
	source_start(s);
	uint64_t id = source_ask(s, request_new(REQ_ASK, "k", STR("key"), "hello", NULL));
	struct msg *m = wait_message(in);
	struct msg_answer a;
	assert_true(msg_get_answer(m, &a));
	assert_int_equal(m->id, id);
	assert_true(a.ok && str_is(a.json, "hello"));
	msg_free(m);
	source_stop(s, 5000);
	inbox_free(in);
}

static void a_full_inbox_slows_the_sender_and_loses_nothing(void **state)
{
	struct inbox *in = inbox_new(16 << 10);
	struct source *s = source_new(0, "e", "dev", &echo, NULL, &clock_system, in);
	source_start(s);
	source_ask(s, request_new(REQ_WATCH, "", STR(""), "", NULL));
	for (int i = 0; i < 2000; i++) {
		struct msg *m = wait_message(in);
		struct msg_text t;
		assert_true(inbox_bytes(in) <= 16 << 10);
		assert_true(msg_get_text(m, &t));
		assert_int_equal(atoi(t.chunk.p), i);
		msg_free(m);
	}
	source_stop(s, 5000);
	inbox_free(in);
}

static void stopping_frees_a_sender_that_waits(void **state)
{
	struct inbox *in = inbox_new(4 << 10);
	struct source *s = source_new(0, "e", "dev", &echo, NULL, &clock_system, in);
	source_start(s);
	source_ask(s, request_new(REQ_WATCH, "", STR(""), "", NULL));
	msg_free(wait_message(in));
	source_stop(s, 5000);     /* nobody takes: the thread must end all the same (ASan sees a leak if not) */
	inbox_free(in);
}

static void a_cancelled_request_ends(void **state)
{
	struct inbox *in = inbox_new(4 << 10);
	struct source *s = source_new(0, "e", "dev", &echo, NULL, &clock_system, in);
	source_start(s);
	uint64_t id = source_ask(s, request_new(REQ_WATCH, "", STR(""), "", NULL));
	msg_free(wait_message(in));
	source_cancel(s, id);
	source_ask(s, request_new(REQ_ASK, "", STR(""), "after", NULL));
	int texts = 0;
	for (;;) {
		struct msg *m = wait_message(in);
		bool over = m->type == MSG_ANSWER;
		texts += m->type == MSG_TEXT;
		msg_free(m);
		if (over)
			break;
	}
	assert_in_range(texts, 0, 100);
	source_stop(s, 5000);
	inbox_free(in);
}

static void a_read_only_source_refuses_to_run(void **state)
{
	struct inbox *in = inbox_new(1 << 20);
	struct source *s = source_new(0, "e", "prod", &echo, NULL, &clock_system, in);
	s->readonly = true;
	source_start(s);
	source_ask(s, request_new(REQ_RUN, "k", STR("key"), "delete", "{}"));
	struct msg *m = wait_message(in);
	struct msg_step step;
	assert_true(msg_get_step(m, &step));
	assert_false(step.ok);
	assert_true(str_contains_fold(step.say, STR("read-only")));
	msg_free(m);
	source_stop(s, 5000);
	inbox_free(in);
}

static void messages_survive_their_bytes(void **state)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);
	msg_put_health(m, (struct msg_health){ HEALTH_STALE, 123456, -1, true, STR("why"), STR("remedy"), STR("v1"),
		STR("detail"), STR("pods") });
	struct msg_health h;
	assert_true(msg_get_health(m, &h));
	assert_int_equal(h.state, HEALTH_STALE);
	assert_int_equal(h.latency_us, -1);
	assert_true(h.insecure && str_is(h.kind, "pods") && str_is(h.remedy, "remedy"));
	for (size_t n = 0; n < m->body.len; n++) {
		struct msg cut = *m;
		cut.body.len = n;
		assert_false(msg_get_health(&cut, &h));
	}
	msg_free(m);
}

static char *temp_name(void)
{
	char *path = xasprintf("/tmp/binnacle-test-%d.record", (int)getpid());
	unlink(path);
	return path;
}

static void a_record_is_played_back_byte_for_byte(void **state)
{
	struct clock_fixed fixed = { 1700000000000, 0 };
	struct clock clock = clock_still(&fixed);
	struct store *s = store_new(&clock);
	char why[200], *path = temp_name();
	store_add_source(s, "eks", "prod");
	struct record *r = record_open(path, s, why, sizeof(why));
	assert_non_null(r);
	assert_null(record_open(path, s, why, sizeof(why)));      /* never over another */
	for (int i = 0; i < 5; i++) {
		struct msg *m = msg_new(MSG_TEXT, 7);
		m->at = fixed.wall + i * 1500;
		msg_put_text(m, (struct msg_text){ 0, STR("a\0b") });
		assert_true(record_add(r, m));
		msg_free(m);
	}
	record_close(r);
	struct replay *p = replay_open(path, why, sizeof(why));
	const char *environment;
	assert_non_null(p);
	assert_int_equal(replay_sources(p), 1);
	assert_string_equal(replay_source(p, 0, &environment), "eks");
	assert_string_equal(environment, "prod");
	assert_int_equal(replay_started(p), fixed.wall);
	for (int i = 0; i < 5; i++) {
		struct msg *m = replay_next(p, why, sizeof(why));
		struct msg_text t;
		assert_non_null(m);
		assert_int_equal(m->at, fixed.wall + i * 1500);
		assert_true(msg_get_text(m, &t) && str_eq(t.chunk, STR("a\0b")));
		msg_free(m);
	}
	assert_null(replay_next(p, why, sizeof(why)));
	assert_string_equal(why, "");
	replay_close(p);
	assert_int_equal(truncate(path, 150), 0);
	p = replay_open(path, why, sizeof(why));
	for (struct msg *m; (m = replay_next(p, why, sizeof(why)));)
		msg_free(m);
	assert_non_null(strstr(why, "cut off"));
	replay_close(p);
	unlink(path);
	free(path);
	store_free(s);
}

static void a_full_disk_stops_the_record_and_says_so(void **state)
{
	struct store *s = store_new(&clock_system);
	char why[200] = "";
	assert_null(record_open("/proc/none/record", s, why, sizeof(why)));
	assert_true(strlen(why) > 10);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered), cmocka_unit_test(a_full_inbox_slows_the_sender_and_loses_nothing),
		cmocka_unit_test(stopping_frees_a_sender_that_waits), cmocka_unit_test(a_cancelled_request_ends),
		cmocka_unit_test(a_read_only_source_refuses_to_run), cmocka_unit_test(messages_survive_their_bytes),
		cmocka_unit_test(a_record_is_played_back_byte_for_byte), cmocka_unit_test(a_full_disk_stops_the_record_and_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
