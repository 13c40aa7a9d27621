/* The demo through its backend's descriptor alone: the same seed says the same bytes, every kind's rows decode, and every
 * action goes from plan through run, and to undo where it has one. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/action.h"
#include "base/store.h"
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT_MS 60000
#define NOON 1795262400000

struct demo {
	struct yaml_doc *settings;
	struct inbox *inbox;
	struct store *store;
	struct source *source;
	struct clock_fixed still;
	struct clock clock;
	struct buf bytes;            /* of every rows message */
};

/* text: its settings. A still clock gives the world as it begins. */
static void open_demo(struct demo *d, const char *text, bool still)
{
	struct yaml_error err;
	*d = (struct demo){ .settings = yaml_parse(str_of(text), &err), .inbox = inbox_new(64 << 20),
	                    .still = { NOON, 1000 }, .clock = clock_system };
	if (still)
		d->clock = clock_still(&d->still);
	assert_non_null(d->settings);
	d->store = store_new(&d->clock);
	for (const struct kind *const *k = backend_demo.kinds; *k; k++)
		store_add_kind(d->store, *k);
	d->source = source_new(store_add_source(d->store, "demo", "demo"), "demo", "demo", &backend_demo,
	                       yaml_root(d->settings), &d->clock, d->inbox);
	source_start(d->source);
}

static void close_demo(struct demo *d)
{
	source_stop(d->source, WAIT_MS);
	store_free(d->store);
	inbox_free(d->inbox);
	yaml_doc_free(d->settings);
	buf_release(&d->bytes);
}

static void take(struct demo *d, int ms)
{
	struct pollfd p = { .fd = inbox_fd(d->inbox), .events = POLLIN };
	struct msg *m;
	poll(&p, 1, ms);
	while ((m = inbox_take(d->inbox))) {
		if (m->type == MSG_ROWS)
			buf_addstr(&d->bytes, buf_str(&m->body));
		store_apply(d->store, m, 0);
	}
}

static bool listed(const struct demo *d, const char *kind)
{
	const struct kind_state *k = store_kind_state(d->store, kind, d->source->index);
	return k && k->listed;
}

static void watch(struct demo *d, const char *kind)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	source_ask(d->source, request_new(REQ_WATCH, kind, STR(""), "", ""));
	while (!listed(d, kind)) {
		if (clock_mono(&clock_system) > end)
			fail_msg("no listing of %s", kind);
		take(d, 100);
	}
}

/* Every kind comes whole: no message is malformed, and what the platform must have is there. */
static void rows_decode(void **state)
{
	static const struct { const char *kind; unsigned least; } must[] = {
		{ "pods", 550 }, { "nodes", 40 }, { "deployments", 15 }, { "statefulsets", 2 }, { "daemonsets", 3 }, { "drift", 60 },
		{ "features", 8 }, { "namespaces", 10 } };
	struct demo d;
	open_demo(&d, "seed: 3", true);
	for (const struct kind *const *k = backend_demo.kinds; *k; k++)
		watch(&d, (*k)->name);
	for (size_t i = 0; i < sizeof(must) / sizeof(*must); i++) {
		unsigned n = store_table(d.store, must[i].kind)->count;
		if (n < must[i].least)
			fail_msg("%u %s", n, must[i].kind);
	}
	/* A pod's node is a node. */
	const struct table *pods = store_table(d.store, "pods"), *nodes = store_table(d.store, "nodes");
	for (uint32_t i = 0; i < pods->nslots; i++) {
		const struct row *r = table_row(pods, i);
		struct str node = r ? row_text_by(pods, r, "node") : STR("");
		if (node.n && !table_find(nodes, r->source, node))
			fail_msg("no node " STR_FMT, STR_ARG(node));
	}
	close_demo(&d);
}

static void first_bytes(const char *settings, struct buf *out)
{
	struct demo d;
	open_demo(&d, settings, true);
	for (const struct kind *const *k = backend_demo.kinds; *k; k++)
		watch(&d, (*k)->name);
	buf_clear(out);
	buf_addstr(out, buf_str(&d.bytes));
	close_demo(&d);
}

static void same_seed_same_bytes(void **state)
{
	struct buf a = { 0 }, b = { 0 }, c = { 0 };
	first_bytes("seed: 5", &a);
	first_bytes("seed: 5", &b);
	first_bytes("seed: 6", &c);
	assert_true(a.len > 50000);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
	assert_false(str_eq(buf_str(&a), buf_str(&c)));
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

/* ---- actions */

static void wait_act(struct demo *d, struct act *act, enum act_state wanted)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	while (act->state != wanted) {
		if (act->state == ACT_FAILED || clock_mono(&clock_system) > end)
			fail_msg("%s %s: %s, not %s: %s", act->action->name, act->targets[0].key, act_state_name(act->state),
			         act_state_name(wanted), act->error ? act->error : act->targets[0].error ? act->targets[0].error : "");
		take(d, 50);
	}
}

/* The first row of the kind that is well, or the named one. */
static char *some_key(struct demo *d, const char *kind, const char *key)
{
	const struct table *t = store_table(d->store, kind);
	for (uint32_t i = 0; !key && i < t->nslots; i++)
		if (table_row(t, i) && table_row(t, i)->level <= LEVEL_OK)
			return str_dup(row_key(table_row(t, i)));
	assert_non_null(key);
	assert_non_null(table_find(t, d->source->index, str_of(key)));
	return strdup(key);
}

/* The world, which goes on, changed what it was planned for, or took it away. */
static bool overtaken(const struct act *act)
{
	const char *why = act->targets[0].error;
	return act->state == ACT_FAILED && why && (strstr(why, "plan again") || strstr(why, "is gone"));
}

/* A plan is shown. False: of what is gone by now, of which the rows are told with the world's next second. */
static bool planned(struct demo *d, struct act *act)
{
	while (act->state == ACT_PLANNING)
		take(d, 50);
	if (!overtaken(act))
		wait_act(d, act, ACT_SHOWN);
	else
		take(d, 50);
	return act->state == ACT_SHOWN;
}

/* Confirmed and done. False: it was overtaken; then it is planned again, as a person would. */
static bool carried_out(struct demo *d, struct act *act, const char *typed)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	wait_act(d, act, ACT_SHOWN);
	if (!act_confirm(act, typed))
		fail_msg("%s: not confirmed: %s", act->action->name, act->error ? act->error : act->decision.why);
	while (act->state == ACT_RUNNING && clock_mono(&clock_system) < end)
		take(d, 50);
	if (overtaken(act))
		return false;
	wait_act(d, act, ACT_DONE);
	return true;
}

static void act_and_undo(struct demo *d, struct actor *actor, const char *name, const char *kind, const char *key,
                         const char *params, bool undone)
{
	const char *why = NULL, *keys[1];
	const struct action *a = action_find(&backend_demo, name, kind);
	char *target = NULL;
	if (!a)
		fail_msg("no action %s on %s", name, kind);
	struct act *act, *back;
	do {
		free(target);
		keys[0] = target = some_key(d, kind, key);
		act = act_start(actor, d->source, a, kind, keys, 1, params, &why);
		if (!act)
			fail_msg("%s: %s", name, why);
		if (!planned(d, act))
			continue;
		const json_t *plan = act->targets[0].plan;
		assert_true(json_is_string(json_object_get(plan, "title")));
		assert_true(json_array_size(json_object_get(plan, "change")) > 0);
		assert_true(json_array_size(json_object_get(plan, "steps")) > 0);
		assert_true(json_is_string(json_object_get(json_object_get(plan, "target"), "uid")));
	} while (act->state != ACT_SHOWN || !carried_out(d, act, target));
	do {
		back = act_undo(act, &why);
		if ((back != NULL) != undone)
			fail_msg("undo of %s: %s", name, back ? "should not be there" : why);
	} while (back && !carried_out(d, back, target));
	free(target);
}

static int64_t number(struct demo *d, const char *kind, const char *key, const char *col)
{
	const struct table *t = store_table(d->store, kind);
	const struct row *r = table_find(t, d->source->index, str_of(key));
	int c = kind_col(t->kind, str_of(col), false);
	assert_true(r && c >= 0);
	return row_int(r, c);
}

/* Until the model's champion is that version: rows follow with the world's next second. */
static void champion_is(struct demo *d, int64_t version)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	while (number(d, "models", "real_estate_model", "champion") != version && clock_mono(&clock_system) < end)
		take(d, 50);
	assert_int_equal(number(d, "models", "real_estate_model", "champion"), version);
}

static void champion_moves(struct demo *d, struct actor *actor)
{
	champion_is(d, 6);
	act_and_undo(d, actor, "promote", "versions", "real_estate_model/7", "{\"reason\":\"better\"}", true);
	champion_is(d, 6);
	act_and_undo(d, actor, "rollback", "models", "real_estate_model", "{}", true);
	champion_is(d, 6);
	const char *key = "real_estate_model/7", *why = NULL;
	struct act *act = act_start(actor, d->source, action_find(&backend_demo, "promote", "versions"), "versions", &key, 1, "{}", &why);
	wait_act(d, act, ACT_SHOWN);
	assert_true(act_confirm(act, NULL));
	wait_act(d, act, ACT_DONE);
	champion_is(d, 7);
	act = act_start(actor, d->source, action_find(&backend_demo, "rollback", "versions"), "versions", &key, 1, "{}", &why);
	wait_act(d, act, ACT_SHOWN);
	assert_true(act_confirm(act, NULL));
	wait_act(d, act, ACT_DONE);
	champion_is(d, 6);
}

static void actions_go_round(void **state)
{
	static const struct guard_rule rule = { .environment = "demo", .guard = GUARD_CONFIRM, .limit = 10 };
	char path[] = "/tmp/test-demo-XXXXXX", why[200];
	struct demo d;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	open_demo(&d, "{seed: 3, speed: 50}", false);
	watch(&d, "pods");
	watch(&d, "nodes");
	watch(&d, "deployments");
	struct audit *audit = audit_open(path, &clock_system, why, sizeof(why));
	struct actor *actor = actor_new(d.store, audit, guards_new(&rule, 1, NULL), &clock_system);

	int64_t before = number(&d, "deployments", "ml-serving/model-api", "ready");
	act_and_undo(&d, actor, "scale", "deployments", "ml-serving/model-api", "{\"replicas\":5}", true);
	/* what an act changed comes back as rows, with the world's next second */
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	while (PAIR_DEN(number(&d, "deployments", "ml-serving/model-api", "ready")) != PAIR_DEN(before) &&
	       clock_mono(&clock_system) < end)
		take(&d, 50);
	assert_int_equal(PAIR_DEN(number(&d, "deployments", "ml-serving/model-api", "ready")), PAIR_DEN(before));
	act_and_undo(&d, actor, "restart", "deployments", NULL, "{}", false);
	act_and_undo(&d, actor, "rollback", "deployments", "ml-serving/model-api", "{}", true);
	act_and_undo(&d, actor, "cordon", "nodes", NULL, "{}", true);
	act_and_undo(&d, actor, "drain", "nodes", NULL, "{}", true);
	act_and_undo(&d, actor, "evict", "pods", NULL, "{}", false);
	act_and_undo(&d, actor, "delete", "pods", NULL, "{}", false);
	watch(&d, "models");
	watch(&d, "versions");
	champion_moves(&d, actor);

	actor_free(actor);
	audit_close(audit);
	close_demo(&d);
	unlink(path);
}

/* The newest run of that pipeline that was begun here, when it is in that state; NULL in time. Caller frees. */
static char *begun(struct demo *d, const char *prefix, const char *state)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	while (clock_mono(&clock_system) < end) {
		const struct table *t = store_table(d->store, "runs");
		for (uint32_t id = 0; t && id < t->nslots; id++) {
			const struct row *r = table_row(t, id);
			if (r && str_starts(row_key(r), str_of(prefix)) && str_is(row_text_by(t, r, "status"), state))
				return str_dup(row_key(r));
		}
		take(d, 50);
	}
	fail_msg("no run %s is %s", prefix, state);
	return NULL;
}

static void flows_go_round(void **state)
{
	static const struct guard_rule rule = { .environment = "demo", .guard = GUARD_CONFIRM, .limit = 10 };
	char path[] = "/tmp/test-demo-XXXXXX", why[200];
	struct demo d;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	open_demo(&d, "{seed: 3, speed: 10}", false);
	watch(&d, "pipelines");
	watch(&d, "runs");
	watch(&d, "tasks");
	struct audit *audit = audit_open(path, &clock_system, why, sizeof(why));
	struct actor *actor = actor_new(d.store, audit, guards_new(&rule, 1, NULL), &clock_system);
	act_and_undo(&d, actor, "pause", "pipelines", "feature_refresh", "{}", true);
	act_and_undo(&d, actor, "trigger", "pipelines", "mlops_full_pipeline", "{\"conf.rows\":5}", true);
	char *run = begun(&d, "mlops_full_pipeline/binnacle__", "failed"), *first = NULL;      /* its undo cancels the run, a row of another kind */
	act_and_undo(&d, actor, "clear", "runs", run, "{}", false);
	free(begun(&d, run, "running"));
	act_and_undo(&d, actor, "cancel", "runs", run, "{}", false);
	free(begun(&d, run, "failed"));
	act_and_undo(&d, actor, "clear", "runs", run, "{}", false);
	free(begun(&d, run, "running"));
	act_and_undo(&d, actor, "mark", "runs", run, "{\"state\":\"success\"}", false);
	free(begun(&d, run, "success"));
	act_and_undo(&d, actor, "backfill", "pipelines", "partner_export", "{\"from\":\"2026-11-03\",\"to\":\"2026-11-05\"}", false);
	first = begun(&d, "partner_export/backfill__2026-11-04", "running");
	free(first);
	free(run);
	actor_free(actor);
	audit_close(audit);
	close_demo(&d);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_decode),
		cmocka_unit_test(same_seed_same_bytes),
		cmocka_unit_test(actions_go_round),
		cmocka_unit_test(flows_go_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
