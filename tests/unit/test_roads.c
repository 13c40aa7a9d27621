/* The roads between threads: inbox, source, link, and the record of what crossed. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/record.h"
#include "base/store.h"
#include "base/yaml.h"
#include "cli/replay.h"
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
		assert_int_equal(poll(&fd, 1, 60000), 1);
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
	source_stop(s, 60000);
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
	source_stop(s, 60000);
	inbox_free(in);
}

static void stopping_frees_a_sender_that_waits(void **state)
{
	struct inbox *in = inbox_new(4 << 10);
	struct source *s = source_new(0, "e", "dev", &echo, NULL, &clock_system, in);
	source_start(s);
	source_ask(s, request_new(REQ_WATCH, "", STR(""), "", NULL));
	msg_free(wait_message(in));
	source_stop(s, 60000);     /* nobody takes: the thread must end all the same (ASan sees a leak if not) */
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
	source_stop(s, 60000);
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
	source_stop(s, 60000);
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

/* A record of questions to source 1 of two and of their replies, a second apart; another's reply has the same id. */
static char *record_answers(const struct clock *clock)
{
	static const struct { int type; uint64_t id; uint16_t source; unsigned flags; const char *what, *params; } said[] = {
		{ 'q', 7, 1, 0, "yaml", "" }, { 't', 7, 0, TEXT_END, "of another", "" }, { 't', 7, 1, TEXT_RESET, "kind: ", "" },
		{ 't', 7, 1, TEXT_END, "Pod\n", "" }, { 'q', 8, 1, 0, "why", "" }, { 'a', 8, 1, 0, "[\"so\"]", "" },
		{ 'q', 9, 1, 0, "logs", "{\"tail\":9,\"follow\":true}" }, { 't', 9, 1, 0, "one\n", "" },
		{ 'q', 10, 1, 0, "yaml", "{\"reveal\":true,\"password\":\"hunter2\"}" },
		{ 't', 10, 1, TEXT_END | TEXT_SECRET, "password: hunter2", "" },
		{ 'q', 11, 1, 0, "tree", "" }, { 't', 9, 1, 0, "two\n", "" },
	};
	struct store *s = store_new(clock);
	struct clock_fixed *at = clock->arg;
	char why[200], *path = temp_name();
	store_add_source(s, "a", "prod");
	store_add_source(s, "b", "prod");
	struct record *r = record_open(path, s, why, sizeof(why));
	for (size_t i = 0; i < ARRAY_SIZE(said); i++, at->wall += 1000) {
		if (said[i].type == 'q') {
			bool asks = !strcmp(said[i].what, "why") || !strcmp(said[i].what, "tree");
			struct request *q = request_new(asks ? REQ_ASK : REQ_OPEN, "pods", STR("k"), said[i].what, said[i].params);
			q->id = said[i].id;
			assert_true(record_ask(r, 1, q));
			request_free(q);
			continue;
		}
		struct msg *m = msg_new((enum msg_type)said[i].type, said[i].id);
		m->at = at->wall;
		m->source = said[i].source;
		if (m->type == MSG_TEXT)
			msg_put_text(m, (struct msg_text){ said[i].flags, str_of(said[i].what) });
		else
			msg_put_answer(m, (struct msg_answer){ true, str_of(said[i].what) });
		assert_true(record_add(r, m));
		msg_free(m);
	}
	record_close(r);
	store_free(s);
	return path;
}

/* Asks; the text of all replies up to the last, or up to one that has `until`. */
static void answers(struct source *s, struct inbox *in, enum req_type type, const char *key, const char *what, const char *params,
                    const char *until, const char *want)
{
	uint64_t id = source_ask(s, request_new(type, "pods", str_of(key), what, params));
	struct buf all = { 0 };
	for (bool over = false; !over;) {
		struct msg *m = wait_message(in);
		struct msg_text t;
		struct msg_answer a;
		assert_int_equal(m->id, id);
		if (msg_get_text(m, &t))
			buf_addstr(&all, t.chunk);
		else if (msg_get_answer(m, &a))
			buf_addstr(&all, a.json);
		over = msg_is_last(m) || (until && str_contains_fold(buf_str(&all), str_of(until)));
		msg_free(m);
	}
	buf_addc(&all, 0);
	assert_string_equal(all.data, want);
	buf_release(&all);
	source_cancel(s, id);
}

static void a_replay_answers_what_was_asked(void **state)
{
	struct clock_fixed fixed = { 1700000000000, 0 };
	struct clock clock = clock_still(&fixed);
	char *path = record_answers(&clock), *text = xasprintf("{file: '%s', source: 1}", path);
	struct yaml_error err;
	struct yaml_doc *settings = yaml_parse(str_of(text), &err);
	struct inbox *in = inbox_new(1 << 20);
	struct backend b = replay_backend(&echo);
	static const char none[] = "this was not asked while it was recorded";
	fixed.wall = 1700000000000 + 8500;          /* the log's second line is not yet said */
	struct source *s = source_new(0, "b", "prod", &b, yaml_root(settings), &clock, in);
	source_start(s);
	answers(s, in, REQ_OPEN, "k", "yaml", "", NULL, "kind: Pod\n");
	answers(s, in, REQ_ASK, "k", "why", "", NULL, "[\"so\"]");
	answers(s, in, REQ_OPEN, "k", "logs", "{\"follow\":true,\"tail\":9}", "one", "one\n");
	assert_null(inbox_take(in));
	answers(s, in, REQ_OPEN, "k", "logs", "{\"follow\":true,\"tail\":8}", NULL, none);
	answers(s, in, REQ_OPEN, "other", "yaml", "", NULL, none);
	answers(s, in, REQ_ASK, "k", "yaml", "", NULL, none);
	answers(s, in, REQ_PLAN, "k", "restart", "", NULL, "a replay does nothing, it only shows");
	answers(s, in, REQ_ASK, "k", "tree", "", NULL,
	        "this was asked while it was recorded, but not answered before the recording ended");
	answers(s, in, REQ_OPEN, "k", "yaml", "{\"password\":\"hunter2\",\"reveal\":true}", NULL, "(held secrets: not recorded)\n");
	fixed.wall += 10000;
	answers(s, in, REQ_OPEN, "k", "logs", "{\"tail\":9,\"follow\":true}", NULL, "one\ntwo\nthe recording ends here");
	assert_true(source_stop(s, 60000));
	char bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(n > 300 && n < sizeof(bytes));
	assert_null(memmem(bytes, n, "hunter2", 7));
	inbox_free(in);
	yaml_doc_free(settings);
	unlink(path);
	free(path);
	free(text);
}

/* As versions before the questions wrote it. */
static void a_record_without_questions_is_played(void **state)
{
	static const char old[] = "binnacle record 1\n"
		"{\"sources\":[{\"name\":\"a\",\"environment\":\"prod\"}],\"started\":1700000000000}\n";
	static const unsigned char frame[] = { 13, 0, 0, 116, 7, 0, 3, 111, 108, 100, 55, 114, 130, 49 };
	char why[200], *path = temp_name();
	FILE *f = fopen(path, "w");
	fwrite(old, 1, sizeof(old) - 1, f);
	fwrite(frame, 1, sizeof(frame), f);
	fclose(f);
	struct replay *p = replay_open(path, why, sizeof(why));
	assert_non_null(p);
	assert_string_equal(replay_source_type(p, 0), "");
	struct msg *m = replay_next(p, why, sizeof(why));
	struct msg_text t;
	assert_non_null(m);
	assert_true(msg_get_text(m, &t) && str_is(t.chunk, "old"));
	msg_free(m);
	replay_close(p);
	unlink(path);
	free(path);
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
		cmocka_unit_test(a_replay_answers_what_was_asked), cmocka_unit_test(a_record_without_questions_is_played),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
