/* The action machine against a source that does as its keys say. */
#define _GNU_SOURCE
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/action.h"
#include "base/approval.h"

static char dir[] = "/tmp/binnacle-action-XXXXXX";
static char audit_file[128];
static atomic_int plans, runs, recorded_first;

/* ---- the source */

static bool last_line_is_run(const char *key)
{
	FILE *f = fopen(audit_file, "r");
	char line[8192] = "", last[8192] = "", want[100];

	while (f && fgets(line, sizeof(line), f))
		strcpy(last, line);
	if (f)
		fclose(f);
	snprintf(want, sizeof(want), "\"key\":\"%s\"", key);
	return strstr(last, "\"event\":\"run\"") && strstr(last, want);
}

static void plan(struct link *l, const struct request *r)
{
	char text[600];

	atomic_fetch_add(&plans, 1);
	if (strstr(r->key, "noplan")) {
		link_fail(l, r->id, "'%s' is not there", r->key);
		return;
	}
	snprintf(text, sizeof(text), "{\"title\":\"%s %s\",\"target\":{\"kind\":\"things\",\"key\":\"%s\",\"uid\":\"u\",\"version\":\"7\"},"
	         "\"as\":\"kube-ada\",\"steps\":[{\"do\":\"PUT /x\",\"body\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}],"
	         "\"undo\":{\"action\":\"poke\",\"params\":{\"back\":\"%s\"}},\"params\":%s%s}", r->what, r->key, r->key, r->key,
	         *r->params ? r->params : "{}", strstr(r->key, "neither") ? ",\"blocked\":\"it is holy\",\"already\":\"it is so\""
	         : strstr(r->key, "blocked") ? ",\"blocked\":\"it is holy\""
	         : strstr(r->key, "already") ? ",\"already\":\"it is so\"" : "");
	link_answer(l, r->id, true, str_of(strstr(r->key, "garbage") ? "[1]" : text));
}

static void run(struct link *l, const struct request *r)
{
	if (strstr(r->key, "die"))
		_exit(9);
	atomic_fetch_add(&runs, 1);
	atomic_fetch_add(&recorded_first, last_line_is_run(r->key));
	link_step(l, r->id, (struct msg_step){ .state = STEP_RUNNING, .at = 1, .of = 1, .say = STR("working") });
	if (strstr(r->key, "slow"))
		while (!link_cancelled(l, r->id))
			usleep(1000);
	link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = !strstr(r->key, "fail") && !strstr(r->key, "slow"),
		.say = STR("that was it") });
}

static void body(struct link *l)
{
	struct request *r;

	while (!link_closing(l)) {
		r = link_take(l, -1);
		if (!r)
			continue;
		if (r->type == REQ_PLAN)
			plan(l, r);
		else if (r->type == REQ_RUN)
			run(l, r);
		request_free(r);
	}
}

static const char *const kinds[] = { "things", NULL };
static const struct action poke = { "poke", "Poke", "", kinds, RISK_DISRUPTIVE, true, NULL };
static const struct action single = { "single", "Single", "", kinds, RISK_DISRUPTIVE, false, NULL };
static const struct action gentle = { "gentle", "Gentle", "", kinds, RISK_HARMLESS, true, NULL };
static const struct action final = { "final", "Final", "", kinds, RISK_IRREVERSIBLE, true, NULL };
static const struct action *const actions[] = { &poke, &single, &gentle, &final, NULL };
static const struct backend backend = { .name = "fake", .actions = actions, .run = body };

/* ---- the main thread */

struct desk {
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct audit *audit;
	struct actor *actor;
};
static const struct guard_rule rules[] = { { "dev", GUARD_CONFIRM, 3 }, { "prod", GUARD_TYPE_NAME, 2 }, { "vault", GUARD_READONLY, 9 } };

static const struct yaml *laws;      /* of the section guards:, NULL: none */

static void desk_open(struct desk *d, const char *environment, const char *file)
{
	char why[300];

	atomic_store(&plans, 0);
	atomic_store(&runs, 0);
	atomic_store(&recorded_first, 0);
	if (!file) {
		snprintf(dir, sizeof(dir), "/tmp/binnacle-action-XXXXXX");
		assert_non_null(mkdtemp(dir));
	}
	snprintf(audit_file, sizeof(audit_file), "%s/audit.jsonl", dir);
	d->store = store_new(&clock_system);
	d->inbox = inbox_new(1 << 20);
	d->source = source_new(store_add_source(d->store, "s", environment), "s", environment, &backend, NULL, &clock_system, d->inbox);
	d->audit = audit_open(file ? file : audit_file, &clock_system, why, sizeof(why));
	d->actor = actor_new(d->store, d->audit, guards_new(rules, 3, laws), &clock_system);
	source_start(d->source);
}

static void desk_close(struct desk *d)
{
	char command[200];

	actor_free(d->actor);
	source_stop(d->source, 30000);
	audit_close(d->audit);
	store_free(d->store);
	inbox_free(d->inbox);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void take(struct desk *d)
{
	struct pollfd p = { inbox_fd(d->inbox), POLLIN, 0 };
	struct msg *m;

	poll(&p, 1, 10);
	while ((m = inbox_take(d->inbox)))
		store_apply(d->store, m, 0);
}

static void leave(struct desk *d, struct act *act, enum act_state from)
{
	for (int i = 0; act->state == from && i < 6000; i++)
		take(d);
	assert_int_not_equal(act->state, from);
}

static struct act *begin(struct desk *d, const struct action *a, const char *keys, const char **why)
{
	char *copy = strdup(keys), *next = copy;
	const char *list[16];
	unsigned n = 0;
	struct act *act;

	while (next && *keys)
		list[n++] = strsep(&next, ",");
	act = act_start(d->actor, d->source, a, "things", list, n, "{\"n\":1}", why);
	free(copy);
	if (act)
		leave(d, act, ACT_PLANNING);
	return act;
}

static struct act *done(struct desk *d, const struct action *a, const char *keys, const char *typed)
{
	const char *why = NULL;
	struct act *act = begin(d, a, keys, &why);

	assert_non_null(act);
	assert_true(act_confirm(act, typed));
	leave(d, act, ACT_RUNNING);
	return act;
}

struct lines { unsigned n, runs, outcomes; char all[16384]; };
static bool line(void *arg, unsigned number, const struct json_t *event, bool chain_ok)
{
	struct lines *l = arg;
	char *text = json_dumps(event, JSON_COMPACT);

	assert_true(chain_ok);
	l->n++;
	l->runs += strstr(text, "\"event\":\"run\"") != NULL;
	l->outcomes += strstr(text, "\"event\":\"outcome\"") != NULL;
	strncat(l->all, text, sizeof(l->all) - strlen(l->all) - 1);
	free(text);
	return true;
}

static struct lines audit_lines(void)
{
	struct lines l = { 0 };
	char why[300];

	audit_read(audit_file, line, &l, why, sizeof(why));
	return l;
}

/* ---- tests */

static void test_well(void **state)
{
	struct desk d;
	struct act *act;
	struct lines l;

	desk_open(&d, "dev", NULL);
	act = done(&d, &poke, "a/one", NULL);
	assert_int_equal(act->state, ACT_DONE);
	assert_int_equal(atomic_load(&runs), 1);
	assert_int_equal(atomic_load(&recorded_first), 1);
	assert_int_equal(act->nlog, 2);
	assert_string_equal(act->log[0].say, "working");
	l = audit_lines();
	assert_int_equal(l.n, 2);
	assert_int_equal(l.runs, 1);
	assert_int_equal(l.outcomes, 1);
	assert_non_null(strstr(l.all, "kube-ada"));
	assert_non_null(strstr(l.all, "\"version\":\"7\""));
	assert_null(strstr(l.all, "hunter2"));
	assert_false(act_confirm(act, NULL));        /* once only */
	assert_int_equal(atomic_load(&runs), 1);
	desk_close(&d);
}

/* Back is always open; but the undo of an undo does the first again, and for that the rules hold. */
static void test_no_way_round_by_undoing_twice(void **state)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(STR("{few: {action: poke, limit: 1/hour}}"), &err);
	struct act *act, *undo, *again;
	const char *why = NULL;
	struct lines l;
	struct desk d;

	laws = yaml_root(doc);
	desk_open(&d, "dev", NULL);
	act = done(&d, &poke, "a/one", NULL);
	undo = act_undo(act, &why);
	assert_non_null(undo);
	leave(&d, undo, ACT_PLANNING);
	assert_true(act_confirm(undo, NULL));
	leave(&d, undo, ACT_RUNNING);
	assert_int_equal(undo->state, ACT_DONE);
	again = act_undo(undo, &why);
	assert_null(again);
	assert_non_null(strstr(why, "is the limit of guard 'few'"));
	assert_int_equal(atomic_load(&runs), 2);
	desk_close(&d);
	laws = NULL;
	desk_open(&d, "dev", NULL);                  /* without a rule it can be done, and counts */
	act = done(&d, &poke, "a/one", NULL);
	undo = act_undo(act, &why);
	leave(&d, undo, ACT_PLANNING);
	act_confirm(undo, NULL);
	leave(&d, undo, ACT_RUNNING);
	again = act_undo(undo, &why);
	assert_non_null(again);
	leave(&d, again, ACT_PLANNING);
	assert_true(act_confirm(again, NULL));
	leave(&d, again, ACT_RUNNING);
	l = audit_lines();
	assert_non_null(strstr(l.all, "\"redo\":true"));
	desk_close(&d);
	yaml_doc_free(doc);
}

static void test_undo_is_a_new_act(void **state)
{
	struct desk d;
	struct act *act, *undo;
	const char *why = NULL;

	desk_open(&d, "dev", NULL);
	act = done(&d, &poke, "a/one,a/two", NULL);
	assert_ptr_equal(actor_last_undoable(d.actor), act);
	undo = act_undo(act, &why);
	assert_non_null(undo);
	leave(&d, undo, ACT_PLANNING);
	assert_int_equal(undo->undo_of, act->id);
	assert_string_equal(undo->targets[0].key, "a/two");     /* the last first */
	assert_string_equal(json_string_value(json_object_get(json_object_get(undo->targets[1].plan, "params"), "back")), "a/one");
	assert_true(act_confirm(undo, NULL));
	leave(&d, undo, ACT_RUNNING);
	assert_int_equal(undo->state, ACT_DONE);
	assert_null(act_undo(act, &why));
	assert_string_equal(why, "it was undone already");
	assert_null(actor_last_undoable(d.actor));
	desk_close(&d);
}

static void test_bulk_stops_at_failure(void **state)
{
	struct desk d;
	struct act *act;

	desk_open(&d, "dev", NULL);
	act = done(&d, &poke, "a,fail,c", NULL);
	assert_int_equal(act->state, ACT_FAILED);
	assert_int_equal(atomic_load(&runs), 2);
	assert_int_equal(act->targets[0].state, ACT_DONE);
	assert_int_equal(act->targets[1].state, ACT_FAILED);
	assert_int_equal(act->targets[2].state, ACT_CANCELLED);
	assert_int_equal(audit_lines().runs, 2);
	desk_close(&d);
}

static void test_guards(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "prod", NULL);
	act = begin(&d, &poke, "ns/model-api", &why);
	assert_string_equal(act->must_type, "model-api");
	assert_false(act_confirm(act, NULL));
	assert_false(act_confirm(act, "model"));
	assert_string_equal(act->error, "type 'model-api' to go on");
	assert_int_equal(atomic_load(&runs), 0);
	assert_true(act_confirm(act, "model-api"));
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(act->state, ACT_DONE);
	act = begin(&d, &poke, "a,b", &why);
	assert_string_equal(act->must_type, "2 things");
	assert_null(begin(&d, &poke, "a,b,c", &why));            /* over the limit */
	assert_non_null(strstr(why, "limit of 2"));
	assert_null(begin(&d, &single, "a,b", &why));
	assert_null(begin(&d, &poke, "", &why));
	act = begin(&d, &gentle, "a", &why);
	assert_null(act->must_type);
	desk_close(&d);
	desk_open(&d, "dev", NULL);
	act = begin(&d, &final, "ns/x", &why);                   /* irreversible: typed everywhere */
	assert_string_equal(act->must_type, "x");
	desk_close(&d);
}

static void test_readonly(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "vault", NULL);
	assert_null(begin(&d, &gentle, "a", &why));
	assert_non_null(strstr(why, "read-only"));
	desk_close(&d);
	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "a", &why);
	d.source->readonly = true;                               /* after the plan was shown */
	assert_false(act_confirm(act, NULL));
	assert_int_equal(atomic_load(&runs), 0);
	assert_int_equal(audit_lines().n, 0);
	desk_close(&d);
}

static void test_unrecorded_does_not_run(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "dev", "/dev/full");
	act = begin(&d, &poke, "a", &why);
	assert_false(act_confirm(act, NULL));
	assert_int_equal(act->state, ACT_FAILED);
	assert_non_null(strstr(act->error, "cannot be recorded"));
	usleep(20000);
	take(&d);
	assert_int_equal(atomic_load(&runs), 0);
	desk_close(&d);
}

/* The file vanishes behind us: it is made anew, or the next target does not run. */
static void test_audit_lost_midway(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "slow,b", &why);
	assert_true(act_confirm(act, NULL));
	for (int i = 0; act->nlog < 1 && i < 6000; i++)
		take(&d);
	assert_int_equal(unlink(audit_file), 0);
	assert_int_equal(symlink("/dev/full", audit_file), 0);
	act_cancel(act);
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(atomic_load(&runs), 1);
	assert_int_equal(act->targets[1].state, ACT_CANCELLED);
	desk_close(&d);
}

static void test_plans_that_fail(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "noplan", &why);
	assert_int_equal(act->state, ACT_FAILED);
	assert_string_equal(act->error, "'noplan' is not there");
	act = begin(&d, &poke, "garbage", &why);
	assert_int_equal(act->state, ACT_FAILED);
	act = begin(&d, &poke, "blocked", &why);
	assert_int_equal(act->state, ACT_SHOWN);
	assert_false(act->decision.allowed);
	assert_string_equal(act->decision.why, "it is holy");
	assert_false(act_confirm(act, NULL));
	act = begin(&d, &poke, "a,noplan,c", &why);
	assert_false(act_confirm(act, NULL));                    /* one bad target blocks all */
	assert_non_null(strstr(act->error, "1 of 3"));
	assert_int_equal(atomic_load(&runs), 0);
	assert_null(act_undo(act, &why));
	desk_close(&d);
}

static void test_cancel(void **state)
{
	struct desk d;
	struct act *act;
	const char *why = NULL;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "a", &why);
	act_cancel(act);
	assert_int_equal(act->state, ACT_CANCELLED);
	assert_false(act_confirm(act, NULL));
	act = begin(&d, &poke, "slow,b", &why);
	assert_true(act_confirm(act, NULL));
	for (int i = 0; act->nlog < 1 && i < 6000; i++)
		take(&d);
	act_cancel(act);
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(act->state, ACT_CANCELLED);
	assert_int_equal(atomic_load(&runs), 1);
	assert_int_equal(audit_lines().outcomes, 1);
	desk_close(&d);
}

/* Killed the moment the request is out: the file says what was begun, and that its end is not known. */
static void test_killed_while_running(void **state)
{
	char file[128];
	const char *why = NULL;
	struct lines l;
	struct desk d;
	int status;
	pid_t pid;

	desk_open(&d, "dev", NULL);
	desk_close(&d);                                          /* the child's desk is its own */
	snprintf(file, sizeof(file), "/tmp/binnacle-killed-%d.jsonl", (int)getpid());
	pid = fork();
	if (pid == 0) {
		desk_open(&d, "dev", file);
		act_confirm(begin(&d, &poke, "ns/die", &why), NULL);
		for (;;)
			take(&d);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 9);
	snprintf(audit_file, sizeof(audit_file), "%s", file);
	l = audit_lines();
	unlink(file);
	assert_int_equal(l.runs, 1);
	assert_int_equal(l.outcomes, 0);
	assert_non_null(strstr(l.all, "ns/die"));
}

/* Acts may be thrown away while their requests are under way. */
static void test_leave_while_planning(void **state)
{
	struct desk d;
	const char *key = "slow", *why;
	struct act *act;

	desk_open(&d, "dev", NULL);
	act_start(d.actor, d.source, &poke, "things", &key, 1, NULL, &why);
	act = begin(&d, &poke, "slow", &why);
	act_confirm(act, NULL);
	desk_close(&d);
}

static void summary_is(const struct act *act, const char *want)
{
	struct buf b = { 0 };

	act_summary(act, &b);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

/* Of three: the first fails, the second is blocked; what goes on is the third, and only that is undone. */
static void test_bulk_goes_on(void **state)
{
	struct desk d;
	const char *why = NULL;
	struct act *act, *undo;
	struct lines l;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "a/fail,a/blocked,a/well", &why);
	assert_false(act->decision.allowed);                /* as long as one that cannot be done stops all */
	assert_false(act_confirm(act, NULL));
	assert_true(act_go_on(act, true));
	assert_true(act->decision.allowed);
	assert_true(act_confirm(act, NULL));
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(act->state, ACT_FAILED);
	assert_string_equal(act->error, "2 of 3 failed, first 'a/fail': that was it");
	summary_is(act, "1 of 3 done, 2 failed");
	assert_int_equal(act->targets[0].state, ACT_FAILED);
	assert_string_equal(act->targets[1].said, "it is holy");
	assert_int_equal(act->targets[2].state, ACT_DONE);
	assert_int_equal(atomic_load(&runs), 2);
	l = audit_lines();
	assert_int_equal(l.runs, 2);
	assert_non_null(strstr(l.all, "\"if_one_fails\":\"go on\""));
	undo = act_undo(act, &why);
	assert_int_equal(undo->ntargets, 1);
	assert_string_equal(undo->targets[0].key, "a/well");
	desk_close(&d);
}

static void test_bulk_order_and_undo(void **state)
{
	struct desk d;
	const char *why = NULL;
	struct act *act, *undo;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "a/1,a/2,a/3", &why);
	assert_true(act_reverse(act));
	assert_string_equal(act->targets[0].key, "a/3");
	assert_true(act_confirm(act, NULL));
	assert_false(act_reverse(act));
	leave(&d, act, ACT_RUNNING);
	summary_is(act, "3 of 3 done");
	undo = act_undo(act, &why);
	assert_int_equal(undo->ntargets, 3);
	assert_string_equal(undo->targets[0].key, "a/1");   /* what was done last goes first */
	assert_string_equal(undo->targets[2].key, "a/3");
	desk_close(&d);
}

static void test_nothing_to_do(void **state)
{
	struct desk d;
	const char *why = NULL;
	struct act *act;

	desk_open(&d, "dev", NULL);
	/* what cannot be done is not taken for done */
	act = begin(&d, &poke, "a/neither", &why);
	assert_false(act->decision.allowed);
	assert_string_equal(act->decision.why, "it is holy");
	assert_null(act_already(act));
	act = begin(&d, &poke, "a/already", &why);
	assert_false(act->decision.allowed);
	assert_string_equal(act->decision.why, "there is nothing to do: it is so");
	act = begin(&d, &poke, "a/already,b/already", &why);
	assert_false(act->decision.allowed);
	assert_false(act_go_on(begin(&d, &poke, "a/one", &why), true));
	act = done(&d, &poke, "a/already,a/one", NULL);
	assert_int_equal(act->state, ACT_DONE);
	summary_is(act, "1 of 2 done, 1 had nothing to do");
	assert_int_equal(atomic_load(&runs), 1);
	assert_string_equal(act_undo(act, &why)->targets[0].key, "a/one");
	desk_close(&d);
}

static void test_limit_is_told_at_once(void **state)
{
	struct desk d;
	const char *why;

	desk_open(&d, "dev", NULL);
	assert_null(act_refused(d.actor, d.source, &poke, 3));
	why = act_refused(d.actor, d.source, &poke, 10000);
	assert_string_equal(why, "10000 at once is over the limit of 3 in environment 'dev': mark fewer");
	assert_non_null(act_refused(d.actor, d.source, &single, 2));
	assert_int_equal(atomic_load(&plans), 0);
	desk_close(&d);
}

/* ---- what people give */

static struct yaml_doc *lay_down(const char *text)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(str_of(text), &err);

	assert_non_null(doc);
	laws = yaml_root(doc);
	return doc;
}

static void test_reason_and_override(void **state)
{
	struct yaml_doc *doc = lay_down("{why: {require-reason: true}, no: {action: poke, deny: frozen, overridable: true}}");
	const char *why = NULL;
	struct act *act;
	struct lines l;
	struct desk d;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &single, "a/b", &why);
	assert_int_equal(act_wants(act), ACT_WANTS_REASON);
	assert_false(act_confirm(act, NULL));
	assert_false(act_answer(act, "  "));
	assert_true(act_answer(act, "it is late"));
	assert_int_equal(act_wants(act), ACT_WANTS_YES);
	assert_true(act_answer(act, ""));
	leave(&d, act, ACT_RUNNING);
	act = begin(&d, &poke, "a/b", &why);
	assert_int_equal(act_wants(act), ACT_WANTS_OVERRIDE);
	assert_false(act_confirm(act, NULL));
	assert_false(act_answer(act, ""));
	assert_true(act_answer(act, "it burns; password=hunter2"));
	assert_true(act_answer(act, ""));
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(act->state, ACT_DONE);
	l = audit_lines();
	assert_non_null(strstr(l.all, "\"reason\":\"it is late\""));
	assert_non_null(strstr(l.all, "\"override\":{\"rules\":\"no\",\"reason\":\"it burns"));
	assert_null(strstr(l.all, "hunter2"));
	desk_close(&d);
	laws = NULL;
	yaml_doc_free(doc);
}

static void test_second_person(void **state)
{
	struct yaml_doc *doc = lay_down("{two: {second-person: true}}");
	char why_not[300], ours[48], theirs[48], *text, *own = NULL, *bob = NULL, *answer;
	struct config_errors errors;
	struct config *config;
	struct approvers *a, *b;
	const char *why = NULL;
	struct act *act, *undo;
	struct lines l;
	struct desk d;
	bool laid;

	desk_open(&d, "dev", NULL);
	act = begin(&d, &poke, "a/b", &why);
	assert_false(act->decision.allowed);                     /* nobody who could */
	assert_non_null(strstr(act->decision.why, "second person"));
	assert_false(act_confirm(act, NULL));
	assert_true(asprintf(&own, "%s/own", dir) > 0 && asprintf(&bob, "%s/bob", dir) > 0);
	assert_true(approval_key(own, ours, why_not, 300) && approval_key(bob, theirs, why_not, 300));
	assert_true(asprintf(&text, "approvers: {me: {key: '%s'}, bob: {key: '%s'}}", ours, theirs) > 0);
	config = config_parse(str_of(text), "x", (const struct config_type_keys[]){ { 0 } }, &errors);
	a = approvers_new(config, own);
	b = approvers_new(config, bob);
	actor_approvers(d.actor, a);
	act = begin(&d, &poke, "a/b", &why);
	assert_int_equal(act_wants(act), ACT_WANTS_APPROVAL);
	assert_false(act_confirm(act, NULL));
	assert_false(act_answer(act, "bob:nonsense"));
	answer = approval_sign(b, act->approval->request, "bob", clock_wall(&clock_system), &laid, why_not, 300);
	assert_true(act_answer(act, answer));
	assert_true(act_answer(act, ""));
	leave(&d, act, ACT_RUNNING);
	assert_int_equal(act->state, ACT_DONE);
	assert_int_equal(act_wants(act), ACT_WANTS_NOTHING);
	undo = act_undo(act, &why);                              /* coming back stays possible */
	leave(&d, undo, ACT_PLANNING);
	assert_int_equal(act_wants(undo), ACT_WANTS_YES);
	act = begin(&d, &poke, "a/b", &why);                     /* the same once more: the answer was used */
	assert_false(act_answer(act, answer));
	l = audit_lines();
	assert_non_null(strstr(l.all, "\"approved\":{\"by\":\"bob\""));
	assert_non_null(strstr(l.all, answer));
	desk_close(&d);
	approvers_free(a);
	approvers_free(b);
	config_free(config);
	free(answer);
	free(text);
	free(own);
	free(bob);
	laws = NULL;
	yaml_doc_free(doc);
}

/* Two programs with one trail: what one used up the other cannot, even when its plan was shown before. */
static void test_limit_between_programs(void **state)
{
	struct yaml_doc *doc = lay_down("{few: {limit: 2/hour}}");
	const char *why = NULL;
	struct act *act;
	struct desk d;

	desk_open(&d, "dev", NULL);
	struct actor *other = actor_new(d.store, d.audit, guards_new(rules, 3, laws), &clock_system);
	const char *key = "x/y";
	act = act_start(other, d.source, &poke, "things", &key, 1, "{}", &why);
	leave(&d, act, ACT_PLANNING);
	done(&d, &poke, "a", NULL);
	done(&d, &poke, "b", NULL);
	assert_false(act_confirm(act, NULL));
	assert_non_null(strstr(act->error, "2 were done"));
	assert_int_equal(audit_lines().runs, 2);
	actor_free(other);
	desk_close(&d);
	laws = NULL;
	yaml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reason_and_override), cmocka_unit_test(test_second_person),
		cmocka_unit_test(test_limit_between_programs), cmocka_unit_test(test_well), cmocka_unit_test(test_undo_is_a_new_act), cmocka_unit_test(test_no_way_round_by_undoing_twice), cmocka_unit_test(test_bulk_stops_at_failure),
		cmocka_unit_test(test_guards), cmocka_unit_test(test_readonly), cmocka_unit_test(test_unrecorded_does_not_run),
		cmocka_unit_test(test_audit_lost_midway), cmocka_unit_test(test_plans_that_fail), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_killed_while_running), cmocka_unit_test(test_leave_while_planning),
		cmocka_unit_test(test_bulk_goes_on), cmocka_unit_test(test_bulk_order_and_undo), cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_limit_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
