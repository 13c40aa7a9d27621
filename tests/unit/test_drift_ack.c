/* Checks acknowledged and withdrawn, kept in a history file: what the row says, what two who do it at once are told, what happens
 * without a file, with one that cannot be written, and when the time is over. */
#define _GNU_SOURCE
#include "backends/drift/ack.h"
#include "base/drift.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/store.h"
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/forged.h"

#define WAIT_MS 60000

static void put_rows(struct link *l, struct acks *a)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "drift");
	rows_begin(&m->body, STR(""));
	for (int i = 1; i < 3; i++)
		drift_put(&m->body, &(struct drift_check){ .key = i == 1 ? STR("c1") : STR("c2"), .model = STR("houses"), .time = i * 1000, .score = 0.5,
			.limit = 0.05, .drifted = 1, .count = -1, .checked = -1 });
	acks_add(a, &m->body);
	rows_end(&m->body, STR(""));
	link_send(l, m);
}

/* A source of two checks that drift, with the acts of every source of drift. */
static void run(struct link *l)
{
	struct acks *a = acks_new(l);
	while (!link_closing(l)) {
		struct request *r = link_take(l, 50);
		if (r && r->type == REQ_WATCH)
			put_rows(l, a);
		else if (r && r->type == REQ_PLAN)
			acks_plan(a, r);
		else if (r && r->type == REQ_RUN)
			acks_run(a, r);
		request_free(r);
		if (acks_changed(a))
			put_rows(l, a);
	}
	acks_free(a);
}

static const struct kind *const kinds[] = { &kind_drift, NULL };
static const struct config_key keys[] = { CONFIG_END };
struct desk { struct inbox *inbox; struct store *store; struct source *source; struct actor *actor; struct history *history; struct clock_fixed at; struct clock clock; };

static void open_desk(struct desk *d, struct backend *b, const char *file)
{
	static const struct guard_rule rule = { .environment = "dev", .guard = GUARD_CONFIRM, .limit = 10 };
	*b = (struct backend){ .name = "checks", .title = "c", .help = "c", .keys = keys, .kinds = kinds, .actions = ack_actions, .run = run };
	*d = (struct desk){ .inbox = inbox_new(8 << 20), .at = { 1795262400000, 1000 } };
	d->clock = clock_still(&d->at);
	d->store = store_new(&d->clock);
	store_add_kind(d->store, &kind_drift);
	d->source = source_new(store_add_source(d->store, "pg", "dev"), "pg", "dev", b, NULL, &d->clock, d->inbox);
	d->history = file ? history_new(file) : NULL;
	source_keep(d->source, d->history);
	d->actor = actor_new(d->store, NULL, guards_new(&rule, 1, NULL), &d->clock);
	source_start(d->source);
	source_ask(d->source, request_new(REQ_WATCH, "drift", STR(""), "", ""));
}

static void close_desk(struct desk *d)
{
	actor_free(d->actor);
	source_stop(d->source, WAIT_MS);
	history_free(d->history);
	store_free(d->store);
	inbox_free(d->inbox);
}

static void take(struct desk *d)
{
	struct pollfd p = { .fd = inbox_fd(d->inbox), .events = POLLIN };
	struct msg *m;
	poll(&p, 1, 50);
	while ((m = inbox_take(d->inbox)))
		store_apply(d->store, m, 0);
}

/* What the list says of the check: "", or who acknowledged it and why. */
static void says(struct desk *d, const char *key, const char *want)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	struct str got = STR("(no row)");
	for (;;) {
		const struct table *t = store_table(d->store, "drift");
		const struct row *r = table_find(t, d->source->index, str_of(key));
		if (r) {
			got = row_null(r, DRIFT_ACKNOWLEDGED) ? STR("") : row_text(t, r, DRIFT_ACKNOWLEDGED);
			if (str_is(got, want) || (*want && str_ends(got, str_of(want)))) {
				assert_int_equal(r->level == LEVEL_DONE, *want != '\0');
				return;
			}
		}
		if (clock_mono(&clock_system) > end)
			fail_msg("%s: '" STR_FMT "', not '%s'", key, STR_ARG(got), want);
		take(d);
	}
}

struct reply { char *text; bool ok, over; };

static void answered(void *arg, const struct msg *m)
{
	struct reply *r = arg;
	struct msg_answer a;
	struct msg_step s;
	if (m->type == MSG_ANSWER && msg_get_answer(m, &a))
		r->text = str_dup(a.json), r->ok = a.ok, r->over = true;
	else if (m->type == MSG_STEP && msg_get_step(m, &s) && s.state == STEP_FINISHED)
		r->text = str_dup(s.say), r->ok = s.ok, r->over = true;
}

static bool send(struct desk *d, enum req_type type, const char *what, const char *key, const char *params, char **text)
{
	struct reply r = { 0 };
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	uint64_t id = source_ask(d->source, request_new(type, "drift", str_of(key), what, params));
	store_expect(d->store, id, answered, &r);
	while (!r.over && clock_mono(&clock_system) < end)
		take(d);
	store_forget(d->store, id);
	assert_true(r.over);
	*text = r.text;
	return r.ok;
}

static json_t *plan(struct desk *d, const char *what, const char *key, const char *params)
{
	char *text;
	assert_true(send(d, REQ_PLAN, what, key, params, &text));
	json_t *o = json_loads(text, 0, NULL);
	assert_non_null(o);
	free(text);
	return o;
}

/* Runs that plan (taken); what was said has `word` in it. */
static void runs(struct desk *d, const char *what, const char *key, json_t *o, bool ok, const char *word)
{
	json_t *params = json_pack("{s:o}", "plan", o);
	char *given = json_dumps(params, JSON_COMPACT), *text;
	bool went = send(d, REQ_RUN, what, key, given, &text);
	if (went != ok || !strstr(text, word))
		fail_msg("%s %s: %s: '%s', not '%s'", what, key, went ? "done" : "failed", text, word);
	free(text);
	free(given);
	json_decref(params);
}

static const char *word(const json_t *plan, const char *name)
{
	const char *s = json_string_value(json_object_get(plan, name));
	return s ? s : "";
}

static void kept_and_taken_back(void **state)
{
	char dir[] = "/tmp/test-ack-XXXXXX", file[64], other[64];
	struct backend b;
	struct desk d;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/h", dir);
	open_desk(&d, &b, file);
	says(&d, "c1", "");
	json_t *o = plan(&d, "acknowledge", "c1", "{}");
	assert_string_equal(word(o, "blocked"), "say what you know of it (note)");
	json_decref(o);
	o = plan(&d, "withdraw", "c1", "{}");
	assert_string_equal(word(o, "already"), "it is not acknowledged");
	json_decref(o);
	forge();
	char by[64];
	snprintf(by, sizeof(by), "%s: a new town", who_really());
	json_t *mine = plan(&d, "acknowledge", "c1", "{\"note\":\"a new town\"}"), *yours = json_deep_copy(mine);
	runs(&d, "acknowledge", "c1", mine, true, "acknowledged");
	says(&d, "c1", by);
	says(&d, "c2", "");
	/* who planned before that and runs now is told */
	runs(&d, "acknowledge", "c1", yours, false, "somebody else acknowledged it");
	o = plan(&d, "acknowledge", "c1", "{\"note\":\"again\"}");
	assert_int_equal(json_array_size(json_object_get(o, "warnings")), 1);
	json_decref(o);
	/* another program of the same history sees it */
	close_desk(&d);
	open_desk(&d, &b, file);
	says(&d, "c1", ": a new town");
	runs(&d, "withdraw", "c1", plan(&d, "withdraw", "c1", "{}"), true, "it is a finding again");
	says(&d, "c1", "");
	close_desk(&d);
	for (size_t i = 0; i < 3; i++) {
		snprintf(other, sizeof(other), "%s%s", file, (const char *const[]){ "", "-wal", "-shm" }[i]);
		unlink(other);
	}
	snprintf(other, sizeof(other), "rm -rf %s", dir);
	assert_int_equal(system(other), 0);
}

static void for_a_while(void **state)
{
	char dir[] = "/tmp/test-ack-XXXXXX", file[64];
	struct backend b;
	struct desk d;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/h", dir);
	open_desk(&d, &b, file);
	runs(&d, "acknowledge", "c2", plan(&d, "acknowledge", "c2", "{\"note\":\"n\",\"until\":\"8h\"}"), true, "acknowledged");
	says(&d, "c2", ": n, for 8h");
	d.at.wall += 7 * 3600000;
	d.at.mono += 7 * 3600000;
	json_t *o = plan(&d, "withdraw", "c2", "{}");
	assert_string_equal(word(o, "already"), "");
	json_decref(o);
	d.at.wall += 2 * 3600000;
	d.at.mono += 2 * 3600000;
	says(&d, "c2", "");
	o = plan(&d, "withdraw", "c2", "{}");
	assert_string_equal(word(o, "already"), "it is not acknowledged");
	json_decref(o);
	close_desk(&d);
	char *rm = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(rm), 0);
	free(rm);
}

static void without_a_history(void **state)
{
	struct backend b;
	struct desk d;
	(void)state;
	open_desk(&d, &b, NULL);
	says(&d, "c1", "");
	json_t *o = plan(&d, "acknowledge", "c1", "{\"note\":\"n\"}");
	assert_non_null(strstr(word(o, "blocked"), "no history is kept here"));
	json_decref(o);
	close_desk(&d);
	open_desk(&d, &b, "/proc/no/such/folder/h");             /* it cannot be made */
	says(&d, "c1", "");
	o = plan(&d, "acknowledge", "c1", "{\"note\":\"n\"}");
	if (!*word(o, "blocked"))
		runs(&d, "acknowledge", "c1", json_incref(o), false, "");
	says(&d, "c1", "");
	json_decref(o);
	close_desk(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(kept_and_taken_back), cmocka_unit_test(for_a_while), cmocka_unit_test(without_a_history) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
