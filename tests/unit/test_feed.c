/* Rows of one source handed to another that reads them: a full listing first, then what changes; while somebody looks. */
#define _GNU_SOURCE
#include "base/cost.h"
#include "base/drift.h"
#include "base/feed.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/serving.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The sources do not run: their requests are taken by the test. */
static void run_nothing(struct link *l)
{
}

static const struct kind *const node_kinds[] = { &kind_nodes, &kind_namespaces, NULL };
static const struct kind *const drift_kinds[] = { &kind_drift, &kind_features, NULL };
static const char *const reads[] = { "nodes", "features:namespaces", NULL };
extern const struct backend backend_cost, backend_models;
static const struct backend cluster = { .name = "cluster", .kinds = node_kinds, .run = run_nothing };
static const struct backend reader = { .name = "reader", .kinds = drift_kinds, .run = run_nothing, .reads = reads };

struct two {
	struct inbox *inbox;
	struct store *store;
	struct source *sources[2];
	struct feed *feed;
	struct clock_fixed at;
	struct clock still;          /* of cost's alone */
};

static int setup_with(void **state, const struct backend *second)
{
	struct two *t = xcalloc(1, sizeof(*t));
	t->inbox = inbox_new(1 << 20);
	t->store = store_new(&clock_system);
	store_add_kind(t->store, &kind_nodes);
	store_add_kind(t->store, &kind_drift);
	store_add_source(t->store, "eks", "");
	store_add_source(t->store, "cost", "");
	t->sources[0] = source_new(0, "eks", "", &cluster, NULL, &clock_system, t->inbox);
	t->still = clock_still(&t->at);
	t->at.wall = 1800000000000;
	t->at.mono = 1000000;
	t->sources[1] = source_new(1, "cost", "", second, NULL, second == &backend_cost ? &t->still : &clock_system, t->inbox);
	t->feed = feed_new(t->store, t->sources, 2);
	*state = t;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, &reader);
}

static int setup_cost(void **state)
{
	setup_with(state, &backend_cost);
	source_start(((struct two *)*state)->sources[1]);
	return 0;
}

static int setup_models(void **state)
{
	setup_with(state, &backend_models);
	source_start(((struct two *)*state)->sources[1]);
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;
	feed_free(t->feed);
	source_stop(t->sources[0], 30000);
	source_stop(t->sources[1], 30000);
	store_free(t->store);
	inbox_free(t->inbox);
	free(t);
	return 0;
}

static void put_node(struct buf *b, const char *name)
{
	rows_put(b, str_of(name), LEVEL_OK);
	cell_text(b, str_of(name));
	for (int i = 1; i < NODES_NCOLS; i++)
		cell_null(b);
}

/* A message of nodes a..: listed when `full`. */
static void nodes_come(struct two *t, const char *names, bool full)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "nodes");
	if (full)
		rows_begin(&m->body, STR(""));
	for (const char *c = names; *c; c++)
		put_node(&m->body, (char[]){ *c, 0 });
	if (full)
		rows_end(&m->body, STR(""));
	store_apply(t->store, m, 0);
}

static struct request *next(struct two *t, unsigned source)
{
	return link_take(t->sources[source]->link, 0);
}

/* What the reader holds after all that waits for it, as "ab"; "-" in front: no listing has ended. */
static char *held(struct two *t, unsigned *requests)
{
	struct table *table = table_new(&kind_nodes);
	struct buf out = { 0 };
	struct request *r;
	*requests = 0;
	while ((r = next(t, 1))) {
		struct rd at;
		if (r->type == REQ_ROWS && r->body.len) {
			++*requests;
			assert_string_equal(r->kind, "nodes");
			assert_string_equal(r->key, "eks");
			assert_true(str_is(rows_open(&at, buf_str(&r->body)), "nodes"));
			assert_true(table_apply(table, 0, &at, 0));
		}
		request_free(r);
	}
	if (!table_listing(table, 0).listed)
		buf_addc(&out, '-');
	for (char c = 'a'; c <= 'z'; c++)
		if (table_find(table, 0, (struct str){ &c, 1 }))
			buf_addc(&out, c);
	table_free(table);
	return buf_detach(&out);
}

static void expect(struct two *t, const char *want, unsigned want_requests)
{
	unsigned n;
	char *got = held(t, &n);
	assert_string_equal(got, want);
	assert_int_equal(n, want_requests);
	free(got);
}

static void nothing_moves_while_nobody_looks(void **state)
{
	struct two *t = *state;
	nodes_come(t, "ab", true);
	assert_null(next(t, 0));
	assert_null(next(t, 1));
	feed_on(t->feed, 0, "nodes");                     /* it reads nothing */
	assert_null(next(t, 0));
}

static void a_listing_then_changes(void **state)
{
	struct two *t = *state;
	nodes_come(t, "ab", true);
	feed_on(t->feed, 1, "drift");
	feed_on(t->feed, 1, "drift");
	struct request *watch = next(t, 0);
	assert_non_null(watch);
	assert_int_equal(watch->type, REQ_WATCH);
	assert_string_equal(watch->kind, "nodes");
	assert_null(next(t, 0));
	nodes_come(t, "c", false);
	expect(t, "abc", 2);
	nodes_come(t, "c", true);
	expect(t, "c", 1);
	feed_off(t->feed, 1, "drift");
	assert_null(next(t, 0));
	feed_off(t->feed, 1, "drift");
	struct request *cancel = next(t, 0);
	assert_int_equal(cancel->type, REQ_CANCEL);
	assert_int_equal(cancel->id, watch->id);
	nodes_come(t, "d", false);
	expect(t, "-", 0);
	request_free(watch);
	request_free(cancel);
}

static void some_is_read_for_one_kind_only(void **state)
{
	struct two *t = *state;
	feed_on(t->feed, 1, "drift");
	request_free(next(t, 0));
	feed_on(t->feed, 1, "features");
	struct request *r = next(t, 0);
	assert_string_equal(r->kind, "namespaces");
	uint64_t id = r->id;
	request_free(r);
	assert_null(next(t, 0));
	feed_off(t->feed, 1, "features");
	r = next(t, 0);
	assert_true(r->type == REQ_CANCEL && r->id == id);
	request_free(r);
	assert_null(next(t, 0));
	feed_off(t->feed, 1, "features");
	feed_off(t->feed, 1, "drift");
	r = next(t, 0);
	assert_int_equal(r->type, REQ_CANCEL);
	request_free(r);
}

static void what_is_not_yet_listed_says_so(void **state)
{
	struct two *t = *state;
	feed_on(t->feed, 1, "drift");
	expect(t, "-", 1);
	nodes_come(t, "a", false);
	expect(t, "-a", 1);
}

/* Whether the word that all it reads has come waits for the reader, behind everything else. */
static bool all_named(struct two *t, const char *kind)
{
	bool last = false;
	for (struct request *r; (r = next(t, 1)); request_free(r))
		last = r->type == REQ_ROWS && !*r->key && !r->body.len && !strcmp(r->kind, kind);
	return last;
}

static void a_reader_is_told_when_it_has_heard_of_all(void **state)
{
	struct two *t = *state;
	feed_on(t->feed, 1, "drift");
	assert_true(all_named(t, "drift"));
	nodes_come(t, "a", true);
	feed_on(t->feed, 1, "drift");
	assert_false(all_named(t, "drift"));              /* once */
	feed_on(t->feed, 1, "features");
	assert_true(all_named(t, "features"));            /* and of each kind of its own */
	feed_off(t->feed, 1, "drift");
	feed_off(t->feed, 1, "drift");
	feed_on(t->feed, 1, "drift");
	assert_true(all_named(t, "drift"));
}

/* In the middle of a message the store has no listing to give. */
static void the_word_waits_for_the_listing(void **state)
{
	struct two *t = *state;
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, "nodes");
	put_node(&m->body, "a");
	put_node(&m->body, "b");
	assert_true(store_apply(t->store, m, 1));
	feed_on(t->feed, 1, "drift");
	assert_false(all_named(t, "drift"));
	while (store_apply(t->store, NULL, 1))
		;
	assert_true(all_named(t, "drift"));
}

/* Cost, on its thread: a cluster of which nothing is known yet is not one that has no nodes. */
static struct msg *rows_of(struct two *t, const char *kind, int wait_ms)
{
	for (struct pollfd fd = { inbox_fd(t->inbox), POLLIN, 0 }; poll(&fd, 1, wait_ms) > 0;)
		for (struct msg *m; (m = inbox_take(t->inbox)); msg_free(m)) {
			struct rd at;
			if (m->type == MSG_ROWS && str_is(rows_open(&at, buf_str(&m->body)), kind))
				return m;
		}
	return NULL;
}

static void nothing_is_told_of_what_was_not_heard(void **state)
{
	struct two *t = *state;
	source_ask(t->sources[1], request_new(REQ_WATCH, "costs", STR(""), NULL, NULL));
	assert_null(rows_of(t, "costs", 500));
	source_tell(t->sources[1], request_new(REQ_ROWS, "", STR("eks"), "connecting", NULL));
	assert_null(rows_of(t, "costs", 200));
	feed_on(t->feed, 1, "costs");
	assert_null(rows_of(t, "costs", 200));
	source_tell(t->sources[1], request_new(REQ_ROWS, "namespaces", STR("eks"), "refused", NULL));
	nodes_come(t, "a", true);
	struct msg *m = rows_of(t, "costs", 10000);
	assert_non_null(m);
	msg_free(m);
}

/* A cluster that takes long: figures are given of what is there, and the list ends when all is. */
static void costs_are_no_whole_list_before_the_clusters_are(void **state)
{
	struct two *t = *state;
	struct table *costs = table_new(&kind_costs);
	bool whole = false;
	source_ask(t->sources[1], request_new(REQ_WATCH, "costs", STR(""), NULL, NULL));
	feed_on(t->feed, 1, "costs");
	nodes_come(t, "a", false);
	assert_null(rows_of(t, "costs", 300));
	for (int turns = 0; !table_listing(costs, 0).listed && turns < 300; turns++) {
		t->at.mono += 21000;
		struct msg *m = rows_of(t, "costs", 300);
		struct rd at;
		if (!m)
			continue;
		rows_open(&at, buf_str(&m->body));
		assert_true(table_apply(costs, 0, &at, 0));
		msg_free(m);
		if (!whole) {
			assert_false(table_listing(costs, 0).listed);
			nodes_come(t, "a", true);
			whole = true;
		}
	}
	assert_true(whole && table_listing(costs, 0).listed);
	table_free(costs);
}

/* Models in clusters: one that has found none says nothing of the others. */
static void forwards_are(struct two *t, const char *from, bool whole)
{
	struct buf rows = { 0 };
	rows_start(&rows, "forwards");
	if (whole) {
		rows_begin(&rows, STR(""));
		rows_end(&rows, STR(""));
	}
	source_feed(t->sources[1], "forwards", from, buf_str(&rows), SIZE_MAX);
	buf_release(&rows);
}

static void no_models_is_what_all_clusters_say(void **state)
{
	struct two *t = *state;
	struct msg *m;
	struct table *endpoints = table_new(&kind_modelendpoints);
	struct rd at;
	source_ask(t->sources[1], request_new(REQ_WATCH, "modelendpoints", STR(""), NULL, NULL));
	forwards_are(t, "a", true);
	assert_null(rows_of(t, "modelendpoints", 300));
	forwards_are(t, "b", false);
	source_tell(t->sources[1], request_new(REQ_ROWS, "modelendpoints", STR(""), NULL, NULL));
	assert_null(rows_of(t, "modelendpoints", 300));
	source_tell(t->sources[1], request_new(REQ_ROWS, "", STR("b"), "stale", NULL));        /* it is not waited for */
	assert_non_null(m = rows_of(t, "modelendpoints", 30000));
	rows_open(&at, buf_str(&m->body));
	assert_true(table_apply(endpoints, 0, &at, 0));
	assert_true(table_listing(endpoints, 0).listed && !endpoints->count);
	msg_free(m);
	table_free(endpoints);
}

static void a_reader_that_lags_gets_one_listing(void **state)
{
	struct two *t = *state;
	struct msg *m;
	unsigned n;
	feed_on(t->feed, 1, "drift");
	nodes_come(t, "ab", true);
	for (int i = 0; i < 20000; i++) {
		m = msg_new(MSG_ROWS, 0);
		rows_start(&m->body, "nodes");
		put_node(&m->body, "c");
		rows_del(&m->body, STR("a"));
		store_apply(t->store, m, 0);
	}
	char *got = held(t, &n);
	assert_string_equal(got, "bc");
	assert_true(n < 12000);
	free(got);
}

static void health_goes_along(void **state)
{
	struct two *t = *state;
	struct msg *m = msg_new(MSG_HEALTH, 0);
	bool seen = false;
	feed_on(t->feed, 1, "drift");
	msg_put_health(m, (struct msg_health){ .state = HEALTH_DOWN, .why = STR("no route") });
	store_apply(t->store, m, 0);
	for (struct request *r; (r = next(t, 1)); request_free(r))
		seen = seen || (r->type == REQ_ROWS && !r->body.len && !strcmp(r->what, "down") && !strcmp(r->params, "no route"));
	assert_true(seen);
}

/* Every type of cell comes through table_write as it was. */
static void a_table_writes_itself(void **state)
{
	struct table *a = table_new(&kind_drift), *b = table_new(&kind_drift);
	struct buf first = { 0 }, again = { 0 };
	struct rd at;
	rows_start(&first, "drift");
	rows_begin(&first, STR(""));
	drift_put(&first, &(struct drift_check){ .key = STR("1"), .model = STR("m"), .time = 5, .score = 0.5, .limit = 0.1,
		.count = 3, .checked = -1, .drifted = -1 });
	rows_end(&first, STR(""));
	rows_open(&at, buf_str(&first));
	assert_true(table_apply(a, 7, &at, 0));
	table_write(a, 7, &again);
	rows_open(&at, buf_str(&again));
	assert_true(table_apply(b, 0, &at, 0));
	assert_true(table_listing(b, 0).listed);
	const struct row *r = table_find(b, 0, STR("1"));
	assert_non_null(r);
	assert_true(row_real(r, DRIFT_SCORE) == 0.5 && row_int(r, DRIFT_COUNT) == 3 && row_null(r, DRIFT_CHECKED));
	assert_true(str_is(row_text(b, r, DRIFT_RESULT), "drift") && r->level == LEVEL_DOUBT);
	buf_release(&first);
	buf_release(&again);
	table_free(a);
	table_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_moves_while_nobody_looks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_listing_then_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(some_is_read_for_one_kind_only, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_yet_listed_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_is_told_when_it_has_heard_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(the_word_waits_for_the_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_told_of_what_was_not_heard, setup_cost, teardown),
		cmocka_unit_test_setup_teardown(costs_are_no_whole_list_before_the_clusters_are, setup_cost, teardown),
		cmocka_unit_test_setup_teardown(no_models_is_what_all_clusters_say, setup_models, teardown),
		cmocka_unit_test_setup_teardown(a_reader_that_lags_gets_one_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(health_goes_along, setup, teardown),
		cmocka_unit_test(a_table_writes_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
