/* The simulated platform: the same seed makes the same morning, all of it can be read as rows, what goes wrong goes wrong,
 * and what is done to it through the action machine helps. */
#define _GNU_SOURCE
#include "backends/demo/world.h"
#include "backends/list.h"
#include "base/action.h"
#include "base/mem.h"
#include "base/storage.h"
#include "base/yaml.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#define START 1795000000000ll
#define NODE "ip-10-0-0-10.eu-west-1.compute.internal"

static struct world *world_of(uint64_t seed, unsigned steps)
{
	struct world *w = xcalloc(1, sizeof(*w));

	world_init(w, seed, START);
	while (steps--)
		world_step(w);
	return w;
}

static void read_into(struct table *t, const struct buf *body)
{
	struct rd r = rd_of(buf_str(body));

	assert_true(str_is(rows_open(&r, buf_str(body)), t->kind->name));
	assert_true(table_apply(t, 0, &r, 0));
}

static struct table *listed(struct world *w, const struct kind *k)
{
	struct table *t = table_new(k);
	struct buf body = { 0 };

	assert_true(demo_show(w, k->name, &body));
	read_into(t, &body);
	buf_release(&body);
	return t;
}

static const struct kind *kind_named(const char *name)
{
	for (const struct kind *const *k = demo_kinds; *k; k++)
		if (strcmp((*k)->name, name) == 0)
			return *k;
	return NULL;
}

static void test_same_seed_same_bytes(void **state)
{
	struct world *a = world_of(7, 400), *b = world_of(7, 400), *other = world_of(8, 400);
	struct buf x = { 0 }, y = { 0 };

	for (const struct kind *const *k = demo_kinds; *k; k++) {
		buf_clear(&x), buf_clear(&y);
		assert_true(demo_show(a, (*k)->name, &x));
		assert_true(demo_show(b, (*k)->name, &y));
		if (!str_eq(buf_str(&x), buf_str(&y)))
			fail_msg("two worlds of one seed have different %s", (*k)->name);
	}
	buf_clear(&x), buf_clear(&y);
	assert_true(demo_show(a, "pods", &x));
	assert_true(demo_show(other, "pods", &y));
	assert_false(str_eq(buf_str(&x), buf_str(&y)));
	buf_clear(&x);
	assert_false(demo_show(a, "unicorns", &x));
	buf_release(&x), buf_release(&y);
	free(a), free(b), free(other);
}

static void test_every_kind_reads(void **state)
{
	static const struct { const char *kind; unsigned least, most; } counts[] = {
		{ "pods", 500, 700 }, { "nodes", 40, 40 }, { "drift", 60, 60 }, { "features", FEATURES, FEATURES }, { "namespaces", 10, 20 },
		{ "deployments", 25, 40 }, { "statefulsets", 5, 15 }, { "daemonsets", 5, 5 }, { "events", 2, EVENTS_MAX },
	};
	struct world *w = world_of(1, 0);

	for (const struct kind *const *k = demo_kinds; *k; k++) {
		struct table *t = listed(w, *k);
		if (!t->count)
			fail_msg("there are no %s", (*k)->name);
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
			if (!strcmp(counts[i].kind, (*k)->name))
				assert_in_range(t->count, counts[i].least, counts[i].most);
		table_free(t);
	}
	free(w);
}

/* Pods sent as they change, over an hour of incidents, are the pods of a full listing. */
static void test_changes_make_the_listing(void **state)
{
	struct world *w = world_of(3, 0);
	struct table *t = listed(w, kind_named("pods"));
	struct buf body = { 0 };

	for (unsigned i = 1; i <= 3600; i++) {
		world_step(w);
		assert_false(w->gone_more);
		buf_clear(&body);
		demo_show_pods_changed(w, &body);
		read_into(t, &body);
		if (i % 300)
			continue;
		struct table *whole = listed(w, t->kind);
		assert_in_range(whole->count, 480, 720);
		assert_int_equal(t->count, whole->count);
		for (uint32_t id = 0; id < whole->nslots; id++) {
			const struct row *r = table_row(whole, id), *mine = r ? table_find(t, 0, row_key(r)) : NULL;
			if (r && (!mine || !str_eq(row_text_by(whole, r, "status"), row_text_by(t, mine, "status"))))
				fail_msg("'" STR_FMT "' is not as listed after %u s", STR_ARG(row_key(r)), i);
		}
		table_free(whole);
	}
	buf_release(&body);
	table_free(t);
	free(w);
}

/* The scoring's pods work for a while before they are done. */
/* The last day's folder of raw data is three times the others. */
static void test_data_grows(void **state)
{
	struct world *w = world_of(1, 1);
	struct table *t = listed(w, &kind_objects);
	int64_t bytes[2] = { 0 };
	char day[2][48];
	for (int i = 0; i < 2; i++) {
		time_t at = (time_t)((START / 86400000 - i) * 86400);
		strftime(day[i], sizeof(day[i]), "data-raw/%Y-%m-%d/", gmtime(&at));
	}
	for (uint32_t i = 0; i < t->nslots; i++)
		for (int k = 0; k < 2; k++)
			if (table_row(t, i) && str_is(row_text(t, table_row(t, i), OBJECT_PARENT), day[k]))
				bytes[k] += row_int(table_row(t, i), OBJECT_SIZE);
	assert_true(bytes[1] > 200000000);
	assert_in_range(bytes[0] * 10 / bytes[1], 29, 31);
	assert_null(table_find(t, 0, STR("data-raw/")));     /* a bucket is no prefix */
	table_free(t);
	free(w);
}

static void test_jobs_take_their_time(void **state)
{
	struct world *w = world_of(1, 0);
	struct table *t = listed(w, kind_named("jobs"));
	int duration = kind_col(t->kind, STR("duration"), false);
	unsigned over = 0;

	for (uint32_t id = 0; id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		if (!r || row_null(r, duration))
			continue;
		assert_in_range(row_int(r, duration), 25000, 100000);
		over++;
	}
	assert_true(over > 0);
	table_free(t);
	free(w);
}

static void test_a_check_every_two_minutes(void **state)
{
	struct world *w = world_of(1, 0);
	unsigned before = w->nchecks, came = 0;
	int64_t last = 0;

	assert_int_equal(before, 60);
	for (unsigned i = 0; i < 1200; i++) {
		world_step(w);
		if (w->nchecks == before)
			continue;
		before = w->nchecks;
		assert_true(w->checks_dirty);
		if (came++)
			assert_int_equal(w->checks[w->nchecks - 1].at - last, 120000);
		last = w->checks[w->nchecks - 1].at;
	}
	assert_int_equal(came, 10);
	free(w);
}

/* ---- through a source's thread and the action machine */

struct desk {
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct audit *audit;
	struct actor *actor;
	struct yaml_doc *settings;
	char file[64];
	bool oom, back_off;          /* seen among the pods of model-api */
};
static const struct guard_rule rules[] = { { "demo", GUARD_CONFIRM, 3 } };

static struct desk desk_open(const char *settings)
{
	struct desk d = { .store = store_new(&clock_system), .inbox = inbox_new(8 << 20), .file = "/tmp/binnacle-demo-XXXXXX" };
	struct yaml_error err;
	char why[300];
	int fd = mkstemp(d.file);

	assert_true(fd >= 0);
	close(fd);
	d.settings = yaml_parse(str_of(settings), &err);
	assert_non_null(d.settings);
	for (const struct kind *const *k = demo_kinds; *k; k++)
		store_add_kind(d.store, *k);
	d.source = source_new(store_add_source(d.store, "demo", "demo"), "demo", "demo", &backend_demo, yaml_root(d.settings),
	                      &clock_system, d.inbox);
	d.audit = audit_open(d.file, &clock_system, why, sizeof(why));
	assert_non_null(d.audit);
	d.actor = actor_new(d.store, d.audit, guards_new(rules, 1, NULL), &clock_system);
	source_start(d.source);
	for (const char *const *k = (const char *const[]){ "pods", "deployments", "nodes", "drift", "features", NULL }; *k; k++)
		source_ask(d.source, request_new(REQ_WATCH, *k, STR(""), NULL, NULL));
	return d;
}

static void desk_close(struct desk *d)
{
	actor_free(d->actor);
	source_stop(d->source, 5000);
	audit_close(d->audit);
	store_free(d->store);
	inbox_free(d->inbox);
	yaml_doc_free(d->settings);
	unlink(d->file);
}

static void look(struct desk *d)
{
	const struct table *t = store_table(d->store, "pods");

	for (uint32_t id = 0; t && id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		if (!r || !str_starts(row_key(r), STR("ml-serving/model-api-")))
			continue;
		d->oom |= str_is(row_text_by(t, r, "status"), "OOMKilled");
		d->back_off |= str_is(row_text_by(t, r, "status"), "CrashLoopBackOff");
	}
}

static void take(struct desk *d)
{
	struct pollfd p = { inbox_fd(d->inbox), POLLIN, 0 };
	struct msg *m;

	poll(&p, 1, 10);
	while ((m = inbox_take(d->inbox)))
		while (store_apply(d->store, m, 0))
			m = NULL;
	look(d);
}

static const struct row *row_of(struct desk *d, const char *kind, const char *key)
{
	struct table *t = store_table(d->store, kind);
	return t ? table_find(t, d->source->index, str_of(key)) : NULL;
}

static struct str cell(struct desk *d, const char *kind, const char *key, const char *col)
{
	const struct row *r = row_of(d, kind, key);
	return r ? row_text_by(store_table(d->store, kind), r, col) : STR("");
}

static int64_t count(struct desk *d, const char *kind, const char *key, const char *col)
{
	const struct row *r = row_of(d, kind, key);
	return r ? row_int(r, kind_col(store_table(d->store, kind)->kind, str_of(col), false)) : -1;
}

/* Takes what comes until cond holds; fails after 90 s. */
#define UNTIL(d, cond) do { \
	int64_t end_ = clock_mono(&clock_system) + 90000; \
	while (!(cond)) { \
		if (clock_mono(&clock_system) > end_) \
			fail_msg("never: %s", #cond); \
		take(d); \
	} \
} while (0)

static struct act *planned(struct desk *d, const char *action, const char *kind, const char *key, const char *params)
{
	const struct action *a = action_find(&backend_demo, action, kind);
	const char *why = NULL;
	struct act *act;

	assert_non_null(a);
	act = act_start(d->actor, d->source, a, kind, &key, 1, params, &why);
	if (!act)
		fail_msg("%s %s: %s", action, key, why);
	UNTIL(d, act->state != ACT_PLANNING);
	return act;
}

/* Confirmed and done. False: the world, which goes on, changed what it was planned for; then it is planned again, as a person would. */
static bool confirmed(struct desk *d, struct act *act)
{
	assert_int_equal(act->state, ACT_SHOWN);
	if (!act_confirm(act, NULL))
		fail_msg("%s", act->error);
	UNTIL(d, act->state != ACT_RUNNING);
	const char *error = act->targets[0].error ? act->targets[0].error : act->error ? act->error : "failed";
	if (act->state != ACT_DONE && !strstr(error, "plan again"))
		fail_msg("%s: %s", act->action->name, error);
	return act->state == ACT_DONE;
}

static struct act *done(struct desk *d, const char *action, const char *kind, const char *key, const char *params)
{
	struct act *act;

	do
		act = planned(d, action, kind, key, params);
	while (!confirmed(d, act));
	return act;
}

static void undone(struct desk *d, struct act *act)
{
	const char *why = NULL;
	struct act *back;

	do {
		back = act_undo(act, &why);
		if (!back)
			fail_msg("%s: %s", act->action->name, why);
		UNTIL(d, back->state != ACT_PLANNING);
	} while (!confirmed(d, back));
}

static void test_scale_and_undo(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 50");
	const char *load = "mail/templates", *why;       /* the script leaves it alone, however long this takes */
	struct act *act;

	UNTIL(&d, row_of(&d, "deployments", load));
	act = done(&d, "scale", "deployments", load, "{\"replicas\":7}");
	UNTIL(&d, count(&d, "deployments", load, "up_to_date") == 7);
	undone(&d, act);
	UNTIL(&d, count(&d, "deployments", load, "up_to_date") == 4);
	act = planned(&d, "scale", "deployments", load, "{\"replicas\":-1}");
	assert_false(act_confirm(act, NULL));
	act = planned(&d, "scale", "deployments", load, "{\"replicas\":101}");
	assert_false(act_confirm(act, NULL));
	act = planned(&d, "restart", "deployments", "data/unicorn", "{}");
	assert_int_equal(act->state, ACT_FAILED);
	assert_null(act_undo(act, &why));
	desk_close(&d);
}

static void test_restart_and_pods(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 50");
	const char *why, *load = "web/redis";
	int64_t born;
	struct act *act;

	UNTIL(&d, row_of(&d, "pods", "web/redis-0"));
	born = count(&d, "pods", "web/redis-0", "age");
	act = done(&d, "restart", "statefulsets", load, "{}");
	assert_null(act_undo(act, &why));
	UNTIL(&d, row_of(&d, "pods", "web/redis-0") && count(&d, "pods", "web/redis-0", "age") > born);
	born = count(&d, "pods", "airflow/airflow-worker-3", "age");
	done(&d, "delete", "pods", "airflow/airflow-worker-3", "{}");
	UNTIL(&d, count(&d, "pods", "airflow/airflow-worker-3", "age") > born);
	born = count(&d, "pods", "mlflow/mlflow-postgres-0", "age");
	done(&d, "evict", "pods", "mlflow/mlflow-postgres-0", "{}");
	UNTIL(&d, count(&d, "pods", "mlflow/mlflow-postgres-0", "age") > born);
	desk_close(&d);
}

static unsigned on_node(struct desk *d, const char *node)
{
	const struct table *t = store_table(d->store, "pods");
	unsigned n = 0;

	for (uint32_t id = 0; id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		n += r && str_is(row_text_by(t, r, "node"), node) && !str_starts(row_text_by(t, r, "owner"), STR("DaemonSet"));
	}
	return n;
}

static void test_nodes(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 50");
	struct act *act;

	UNTIL(&d, row_of(&d, "nodes", NODE) && store_table(d.store, "pods")->count);
	act = done(&d, "cordon", "nodes", NODE, "{}");
	UNTIL(&d, str_is(cell(&d, "nodes", NODE, "status"), "Ready,SchedulingDisabled"));
	undone(&d, act);
	UNTIL(&d, str_is(cell(&d, "nodes", NODE, "status"), "Ready"));
	assert_true(on_node(&d, NODE) > 0);
	act = done(&d, "drain", "nodes", NODE, "{}");
	UNTIL(&d, on_node(&d, NODE) == 0);
	undone(&d, act);
	UNTIL(&d, str_is(cell(&d, "nodes", NODE, "status"), "Ready"));
	act = done(&d, "cordon", "nodes", NODE, "{}");
	act = done(&d, "uncordon", "nodes", NODE, "{}");
	undone(&d, act);
	UNTIL(&d, str_is(cell(&d, "nodes", NODE, "status"), "Ready,SchedulingDisabled"));
	desk_close(&d);
}

/* model-api's new version eats its memory, until it is rolled back; rolling that back brings it back. */
static void test_the_incident(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 50");
	const char *load = "ml-serving/model-api";
	struct act *act;

	UNTIL(&d, d.oom && d.back_off && row_of(&d, "deployments", load));
	assert_true(str_ends(cell(&d, "deployments", load, "images"), STR(":v7")));
	act = done(&d, "rollback", "deployments", load, "{}");
	UNTIL(&d, str_ends(cell(&d, "deployments", load, "images"), STR(":v6")) &&
	      count(&d, "deployments", load, "up_to_date") == 3 && count(&d, "deployments", load, "available") == 3 &&
	      row_of(&d, "deployments", load)->level == LEVEL_OK);
	d.oom = d.back_off = false;
	for (int64_t end = clock_mono(&clock_system) + 1500; clock_mono(&clock_system) < end;)       /* 75 s of the world */
		take(&d);
	assert_false(d.oom || d.back_off);
	undone(&d, act);
	UNTIL(&d, d.oom);
	desk_close(&d);
}

static void test_checks_reach_the_store(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 200");

	UNTIL(&d, store_table(d.store, "drift")->count >= 62);
	assert_int_equal(store_table(d.store, "features")->count, FEATURES);
	desk_close(&d);
}

/* ---- questions and documents */

struct reply { struct buf text; unsigned flags; bool came, ok; };

static void on_reply(void *arg, const struct msg *m)
{
	struct reply *r = arg;
	struct msg_text t;
	struct msg_answer a;

	if (m->type == MSG_TEXT && msg_get_text(m, &t)) {
		buf_add(&r->text, t.chunk.p, t.chunk.n);
		r->flags |= t.flags;
		r->came = t.flags & TEXT_END;
	} else if (m->type == MSG_ANSWER && msg_get_answer(m, &a)) {
		buf_add(&r->text, a.json.p, a.json.n);
		r->ok = a.ok;
		r->came = true;
	}
}

static struct reply asked(struct desk *d, enum req_type type, const char *kind, const char *key, const char *what, const char *params)
{
	struct reply r = { 0 };
	uint64_t id = source_ask(d->source, request_new(type, kind, str_of(key), what, params));

	store_expect(d->store, id, on_reply, &r);
	UNTIL(d, r.came);
	store_forget(d->store, id);
	return r;
}

static json_t *answered(struct desk *d, const char *kind, const char *key, const char *what)
{
	struct reply r = asked(d, REQ_ASK, kind, key, what, "");
	json_t *doc = r.text.len ? json_loadb(r.text.data, r.text.len, 0, NULL) : NULL;

	if (!r.ok || !doc)
		fail_msg("%s of %s '%s' is no document: " STR_FMT, what, kind, key, STR_ARG(buf_str(&r.text)));
	buf_release(&r.text);
	return doc;
}

static void test_questions(void **state)
{
	static const char *const loads[][2] = { { "deployments", "ml-serving/model-api" }, { "statefulsets", "web/redis" },
		{ "daemonsets", "kube-system/kube-proxy" }, { "pods", "web/redis-0" }, { "nodes", NODE }, { "jobs", "ml-training/train-r3" } };
	struct desk d = desk_open("seed: 1\nspeed: 1");
	json_t *doc;

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		doc = answered(&d, loads[i][0], loads[i][1], "why");
		assert_true(json_is_array(doc));
		json_decref(doc);
	}
	for (size_t i = 0; i < 4; i++) {
		doc = answered(&d, loads[i][0], loads[i][1], "tree");
		assert_true(json_array_size(json_object_get(json_array_get(doc, 0), "children")) > 0);
		json_decref(doc);
	}
	doc = answered(&d, "deployments", "ml-serving/model-api", "why");
	assert_non_null(strstr(json_string_value(json_object_get(json_array_get(doc, 0), "text")), "OOMKilled"));
	json_decref(doc);
	doc = answered(&d, "jobs", "ml-training/train-r3", "why");
	assert_non_null(strstr(json_string_value(json_object_get(json_array_get(doc, 0), "text")), "no node can take it"));
	json_decref(doc);
	json_decref(answered(&d, "", "", "doctor"));
	json_decref(answered(&d, "pods", "web/redis-0", "can"));
	struct reply r = asked(&d, REQ_ASK, "pods", "web/redis-0", "unicorn", "");
	assert_false(r.ok);
	buf_release(&r.text);
	desk_close(&d);
}

static void test_documents(void **state)
{
	struct desk d = desk_open("seed: 1\nspeed: 1");
	struct yaml_error err;
	struct reply r = asked(&d, REQ_OPEN, "pods", "web/redis-0", "yaml", "");
	struct yaml_doc *doc = yaml_parse(buf_str(&r.text), &err);

	if (!doc)
		fail_msg("line %u: %s", err.line, err.what);
	assert_string_equal(yaml_text(yaml_root(doc), "kind"), "Pod");
	assert_true(str_is(cell(&d, "pods", "web/redis-0", "uid"), yaml_text(yaml_get(yaml_root(doc), "metadata"), "uid")));
	yaml_doc_free(doc);
	buf_release(&r.text);
	r = asked(&d, REQ_OPEN, "pods", "web/unicorn", "describe", "");
	assert_true(r.flags & TEXT_ERROR);
	buf_release(&r.text);
	r = asked(&d, REQ_OPEN, "deployments", "ml-serving/model-api", "describe", "");
	assert_non_null(strstr(r.text.data, "ScalingReplicaSet"));
	buf_release(&r.text);
	r = asked(&d, REQ_OPEN, "pods", "airflow/airflow-worker-0", "logs", "{\"follow\":false}");
	assert_non_null(strstr(r.text.data, "ingest_data"));
	buf_release(&r.text);
	r = asked(&d, REQ_OPEN, "deployments", "web/search", "logs", "{\"follow\":false}");
	assert_non_null(strstr(r.text.data, "|search-"));
	buf_release(&r.text);
	r = asked(&d, REQ_OPEN, "pods", "ml-training/train-r3-8x4kd", "logs", "{\"follow\":true}");
	assert_true(r.flags & TEXT_ERROR);
	buf_release(&r.text);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_bytes), cmocka_unit_test(test_every_kind_reads),
		cmocka_unit_test(test_changes_make_the_listing), cmocka_unit_test(test_a_check_every_two_minutes),
		cmocka_unit_test(test_jobs_take_their_time), cmocka_unit_test(test_data_grows),
		cmocka_unit_test(test_scale_and_undo), cmocka_unit_test(test_restart_and_pods), cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_the_incident), cmocka_unit_test(test_checks_reach_the_store), cmocka_unit_test(test_questions),
		cmocka_unit_test(test_documents),
	};
	return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
