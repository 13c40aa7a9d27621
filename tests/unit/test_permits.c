/* What one may do, asked before and remembered after: base/permits.c with a source that refuses as its keys say. */
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
#include <unistd.h>
#include <cmocka.h>
#include "base/action.h"
#include "base/permits.h"

/* ---- the source */

static atomic_int asked;
static atomic_bool lets;             /* the server let itself be persuaded */

static void answer(struct link *l, const struct request *r)
{
	bool not = !atomic_load(&lets) && strstr(r->key, "secret");

	switch (r->type) {
	case REQ_ASK:
		atomic_fetch_add(&asked, 1);
		link_answer(l, r->id, true, strstr(r->key, "closed") ? STR("{\"may\":{\"poke\":\"closed to you\"}}")
		            : strstr(r->key, "open") ? STR("{\"may\":{\"poke\":true}}") : STR("{\"may\":{}}"));
		break;
	case REQ_PLAN:
		if (strstr(r->key, "noplan")) {
			link_refused(l, r->id);
			link_fail(l, r->id, "403: not you");
			break;
		}
		if (strstr(r->key, "dry") && !atomic_load(&lets))
			link_refused(l, r->id);
		link_answer(l, r->id, true, !strstr(r->key, "dry") ? STR("{\"title\":\"t\",\"steps\":[{\"do\":\"x\"}]}") : atomic_load(&lets)
		            ? STR("{\"title\":\"t\",\"dry_run\":\"accepted\"}") : STR("{\"title\":\"t\",\"blocked\":\"forbidden by law\"}"));
		break;
	case REQ_RUN:
		if (not)
			link_refused(l, r->id);
		link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = !not && !strstr(r->key, "broken"),
			.say = not ? STR("403 Forbidden") : STR("that was it") });
		break;
	default:
		break;
	}
}

static void body(struct link *l)
{
	while (!link_closing(l)) {
		struct request *r = link_take(l, -1);

		if (r)
			answer(l, r);
		request_free(r);
	}
}

static const char *const on[] = { "things", NULL };
static const struct action poke = { "poke", "Poke", "", on, RISK_HARMLESS, true, NULL };
static const struct action push = { "push", "Push", "", on, RISK_HARMLESS, true, NULL };
static const struct action *const actions[] = { &poke, &push, NULL };
static const struct backend by_namespace = { .name = "spaces", .actions = actions, .run = body };
static const struct backend by_each = { .name = "each", .actions = actions, .run = body, .permits_each = true };

/* ---- the main thread */

struct desk {
	struct clock clock;
	_Atomic int64_t mono;
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct audit *audit;
	struct actor *actor;
	struct permits *permits;
	unsigned open;               /* questions that are not answered yet */
	char file[64];
};

static void on_ask(void *arg, const struct source *s, const struct request *r)
{
	((struct desk *)arg)->open += r->type == REQ_ASK;
}

static int64_t mono(void *arg)
{
	return ((struct desk *)arg)->mono;
}

static int64_t wall(void *arg)
{
	return 1795000000000 + ((struct desk *)arg)->mono;
}

static void open_desk(struct desk *d, const struct backend *b)
{
	char why[200];

	*d = (struct desk){ .clock = { .mono_ms = mono, .wall_ms = wall, .arg = d }, .mono = 1000000 };
	atomic_store(&asked, 0);
	atomic_store(&lets, false);
	snprintf(d->file, sizeof(d->file), "/tmp/binnacle-permits-%d.jsonl", (int)getpid());
	d->store = store_new(&d->clock);
	d->inbox = inbox_new(1 << 20);
	d->source = source_new(store_add_source(d->store, "s", ""), "s", "", b, NULL, &d->clock, d->inbox);
	d->source->on_ask = on_ask;
	d->source->on_ask_arg = d;
	d->store->sources[0].state = HEALTH_LIVE;
	d->audit = audit_open(d->file, &d->clock, why, sizeof(why));
	assert_non_null(d->audit);
	d->actor = actor_new(d->store, d->audit, NULL, &d->clock);
	d->permits = permits_new(d->store, &d->clock);
	actor_permits(d->actor, d->permits);
	source_start(d->source);
}

static void close_desk(struct desk *d)
{
	actor_free(d->actor);
	permits_free(d->permits);
	source_stop(d->source, 30000);
	audit_close(d->audit);
	store_free(d->store);
	inbox_free(d->inbox);
	unlink(d->file);
}

static void take(struct desk *d)
{
	struct pollfd p = { inbox_fd(d->inbox), POLLIN, 0 };
	struct msg *m;

	poll(&p, 1, 10);
	while ((m = inbox_take(d->inbox))) {
		d->open -= m->type == MSG_ANSWER && d->open;
		store_apply(d->store, m, 0);
	}
}

/* Plans and, where it can be, runs. */
static enum act_state act(struct desk *d, const struct action *a, const char *key)
{
	const char *why = NULL;
	struct act *x = act_start(d->actor, d->source, a, "things", &key, 1, "{}", &why);

	assert_non_null(x);                  /* what is refused can always be asked again */
	for (int i = 0; x->state == ACT_PLANNING && i < 6000; i++)
		take(d);
	if (x->state == ACT_SHOWN && x->decision.allowed)
		act_confirm(x, "");
	for (int i = 0; x->state == ACT_RUNNING && i < 6000; i++)
		take(d);
	return x->state;
}

static const char *why_not(struct desk *d, const struct action *a, const char *key)
{
	return permits_refused(d->permits, d->source, "things", str_of(key), a->name);
}

static void want(struct desk *d, const char *key)
{
	int before = atomic_load(&asked);

	d->mono += 3000;
	d->open = 0;
	permits_want(d->permits, d->source, "things", str_of(key));
	for (int i = 0; d->open && i < 6000; i++)
		take(d);
	assert_true(atomic_load(&asked) <= before + 1);
}

/* ---- tests */

static void test_asked_before(void **state)
{
	struct desk d;

	open_desk(&d, &by_namespace);
	want(&d, "closed/a");
	assert_string_equal(why_not(&d, &poke, "closed/b"), "closed to you");
	assert_null(why_not(&d, &push, "closed/b"));
	assert_null(why_not(&d, &poke, "open/b"));
	want(&d, "closed/other");            /* the same namespace: known */
	assert_int_equal(atomic_load(&asked), 1);
	want(&d, "node-closed");
	assert_non_null(why_not(&d, &poke, "node-b"));       /* without namespaces: for all */
	permits_forget(d.permits, d.source);
	assert_null(why_not(&d, &poke, "closed/b"));
	d.source->readonly = true;
	want(&d, "closed/a");                /* what is read-only anyway is not asked about */
	assert_int_equal(atomic_load(&asked), 2);
	close_desk(&d);
	open_desk(&d, &by_each);
	want(&d, "model-closed");
	assert_non_null(why_not(&d, &poke, "model-closed"));
	assert_non_null(why_not(&d, &poke, "model-closed/7"));
	assert_null(why_not(&d, &poke, "model-b"));
	close_desk(&d);
}

static void test_remembered(void **state)
{
	struct desk d;

	open_desk(&d, &by_namespace);
	assert_int_equal(act(&d, &poke, "a/secret"), ACT_FAILED);
	assert_non_null(strstr(why_not(&d, &poke, "a/other"), "403 Forbidden"));
	assert_null(why_not(&d, &push, "a/other"));
	assert_null(why_not(&d, &poke, "b/other"));
	assert_int_equal(act(&d, &push, "a/broken"), ACT_FAILED);    /* failed, but not for want of permission */
	assert_null(why_not(&d, &push, "a/broken"));
	assert_int_equal(act(&d, &poke, "c/noplan"), ACT_FAILED);
	assert_non_null(strstr(why_not(&d, &poke, "c/x"), "not you"));
	act(&d, &poke, "d/dry");
	assert_non_null(strstr(why_not(&d, &poke, "d/dry"), "forbidden by law"));
	act(&d, &poke, "nospace-dry");
	assert_null(why_not(&d, &poke, "other"));            /* of one object nothing is concluded for all */
	assert_non_null(why_not(&d, &poke, "nospace-dry"));
	close_desk(&d);
}

static void test_forgotten(void **state)
{
	struct desk d;

	open_desk(&d, &by_namespace);
	act(&d, &poke, "a/secret");
	act(&d, &poke, "open/secret");
	act(&d, &poke, "d/dry");
	want(&d, "open/secret");
	assert_null(why_not(&d, &poke, "open/secret"));      /* the server says by now that one may */
	atomic_store(&lets, true);
	assert_non_null(why_not(&d, &poke, "a/secret"));
	assert_int_equal(act(&d, &poke, "a/secret"), ACT_DONE);
	assert_null(why_not(&d, &poke, "a/secret"));
	act(&d, &poke, "d/dry");
	assert_null(why_not(&d, &poke, "d/dry"));
	atomic_store(&lets, false);
	act(&d, &poke, "a/secret");
	d.mono += 11 * 60000;
	want(&d, "z/z");
	assert_null(why_not(&d, &poke, "a/secret"));         /* old */
	act(&d, &poke, "a/secret");
	d.store->sources[0].state = HEALTH_STALE;
	want(&d, "y/y");
	assert_null(why_not(&d, &poke, "a/secret"));         /* the server was lost */
	d.store->sources[0].state = HEALTH_LIVE;
	for (int i = 0; i < 300; i++) {                      /* no more than fits */
		char key[40];

		snprintf(key, sizeof(key), "ns%d/secret", i);
		permits_learn(d.permits, d.source, "things", str_of(key), "poke", "no");
	}
	assert_null(why_not(&d, &poke, "ns0/secret"));
	assert_non_null(why_not(&d, &poke, "ns299/secret"));
	permits_forget(d.permits, NULL);
	assert_null(why_not(&d, &poke, "ns299/secret"));
	permits_learn(NULL, d.source, "things", STR("a/b"), "poke", "no");
	close_desk(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_before), cmocka_unit_test(test_remembered), cmocka_unit_test(test_forgotten),
	};

	return cmocka_run_group_tests_name("permits", tests, NULL, NULL);
}
