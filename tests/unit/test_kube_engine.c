/* The parts of the Kubernetes engine that need no server: what follows an ending, the ledger of requests, lists cut
 * into items, keys and paths. */
#include "backends/kubernetes/apis.h"
#include "backends/kubernetes/items.h"
#include "backends/kubernetes/judge.h"
#include "backends/kubernetes/ledger.h"
#include "backends/kubernetes/recolumn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- judge */

static struct verdict judged(struct ending e)
{
	if (!e.retry_after_ms)
		e.retry_after_ms = -1;
	return judge(&e);
}

static void history_is_gone(void **state)
{
	struct ending by_status = { .phase = PHASE_WATCHING, .end = HTTP_STATUS, .code = 410, .lasted_ms = 5000 };
	struct ending by_event = { .phase = PHASE_STREAMING, .listed = true, .end = HTTP_CANCELLED, .code = 410,
		.reason = "Expired", .lasted_ms = 5000 };
	struct ending storm = { .phase = PHASE_WATCHING, .end = HTTP_CANCELLED, .code = 410, .lasted_ms = 3 };

	assert_int_equal(judged(by_status).then, JUDGED_RELIST);
	assert_true(judged(by_status).at_once);
	assert_int_equal(judged(by_event).then, JUDGED_RELIST);
	assert_int_equal(judged(by_event).kind, HEALTH_IDLE);
	assert_int_equal(judged(storm).then, JUDGED_RELIST);
	assert_false(judged(storm).at_once);
}

static void streams_end_and_break(void **state)
{
	struct ending over = { .phase = PHASE_WATCHING, .end = HTTP_OK, .lasted_ms = 600000 };
	struct ending cut = { .phase = PHASE_STREAMING, .listed = true, .end = HTTP_CUT, .lasted_ms = 6000 };
	struct ending half = { .phase = PHASE_STREAMING, .end = HTTP_CUT, .lasted_ms = 6000 };
	struct ending gone = { .phase = PHASE_WATCHING, .end = HTTP_CONNECT };
	struct ending garbage = { .phase = PHASE_WATCHING, .end = HTTP_CANCELLED, .garbage = true };

	assert_int_equal(judged(over).then, JUDGED_RESUME);
	assert_true(judged(over).at_once);
	assert_int_equal(judged(over).source, HEALTH_IDLE);
	assert_int_equal(judged(cut).then, JUDGED_RESUME);
	assert_int_equal(judged(cut).source, HEALTH_IDLE);
	assert_int_equal(judged(half).then, JUDGED_RELIST);
	assert_int_equal(judged(gone).then, JUDGED_RESUME);
	assert_int_equal(judged(gone).source, HEALTH_STALE);
	assert_false(judged(gone).at_once);
	assert_int_equal(judged(garbage).then, JUDGED_RELIST);
	assert_int_equal(judged(garbage).kind, HEALTH_STALE);
}

static void refusals(void **state)
{
	struct ending watch = { .phase = PHASE_STREAMING, .end = HTTP_STATUS, .code = 403, .cluster_wide = true };
	struct ending all = { .phase = PHASE_LISTING, .end = HTTP_STATUS, .code = 403, .cluster_wide = true };
	struct ending one = { .phase = PHASE_LISTING, .end = HTTP_STATUS, .code = 403 };
	struct ending who = { .phase = PHASE_WATCHING, .end = HTTP_STATUS, .code = 401 };
	struct ending tls = { .phase = PHASE_WATCHING, .end = HTTP_TLS };

	assert_int_equal(judged(watch).then, JUDGED_LIST_ONLY);
	assert_int_equal(judged(watch).kind, HEALTH_IDLE);
	assert_int_equal(judged(all).then, JUDGED_NAMESPACES);
	assert_int_equal(judged(all).source, HEALTH_IDLE);
	assert_int_equal(judged(one).kind, HEALTH_REFUSED);
	assert_true(judged(one).least_ms >= 10000);
	assert_int_equal(judged(who).source, HEALTH_REFUSED);
	assert_int_equal(judged(who).then, JUDGED_RESUME);
	assert_int_equal(judged(tls).source, HEALTH_REFUSED);
}

static void old_and_busy_servers(void **state)
{
	struct ending off = { .phase = PHASE_STREAMING, .end = HTTP_STATUS, .code = 422, .reason = "Invalid" };
	struct ending busy = { .phase = PHASE_LISTING, .end = HTTP_STATUS, .code = 429, .retry_after_ms = 7000 };
	struct ending ahead = { .phase = PHASE_WATCHING, .end = HTTP_CANCELLED, .code = 504, .reason = "Timeout",
		.cause = "ResourceVersionTooLarge" };
	struct ending absent = { .phase = PHASE_LISTING, .end = HTTP_STATUS, .code = 404 };
	struct ending unwatchable = { .phase = PHASE_WATCHING, .end = HTTP_STATUS, .code = 405 };
	struct ending broken = { .phase = PHASE_WATCHING, .end = HTTP_STATUS, .code = 500 };

	assert_int_equal(judged(off).then, JUDGED_NO_WATCHLIST);
	assert_true(judged(off).at_once);
	assert_int_equal(judged(busy).least_ms, 7000);
	assert_int_equal(judged(busy).kind, HEALTH_LIMITED);
	assert_int_equal(judged(ahead).then, JUDGED_RESUME);
	assert_int_equal(judged(ahead).least_ms, 1000);
	assert_int_equal(judged(absent).kind, HEALTH_DOWN);
	assert_int_equal(judged(unwatchable).then, JUDGED_LIST_ONLY);
	assert_int_equal(judged(broken).kind, HEALTH_STALE);
	assert_int_equal(judged(broken).source, HEALTH_IDLE);
}

/* ---- ledger */

static struct decoded_meta pod(const char *name, const char *node, int64_t cpu)
{
	return (struct decoded_meta){ .ns = STR("n"), .name = str_of(name), .node = str_of(node), .holds = node != NULL,
		.cpu_request = cpu, .mem_request = 2 << 20, .mem_limit = 4 << 20, .gpus = 1 };
}

static void put(struct ledger *l, const char *name, const char *node, int64_t cpu)
{
	struct decoded_meta m = pod(name, node, cpu);

	ledger_put(l, &m);
}

static void sums_follow_pods(void **state)
{
	struct ledger l = { 0 };

	ledger_begin(&l);
	put(&l, "a", "one", 100);
	put(&l, "b", "one", 50);
	put(&l, "c", NULL, 70);
	ledger_end(&l);
	assert_true(l.complete);
	assert_int_equal(ledger_node(&l, STR("one"))->cpu, 150);
	assert_int_equal(ledger_node(&l, STR("one"))->mem, 4096);
	assert_int_equal(ledger_limit(&l, STR("n"), STR("c")), 4 << 20);
	put(&l, "a", "two", 100);    /* moved */
	put(&l, "b", "one", 60);     /* changed */
	put(&l, "c", "one", 70);     /* scheduled */
	assert_int_equal(ledger_node(&l, STR("one"))->cpu, 130);
	assert_int_equal(ledger_node(&l, STR("one"))->pods, 2);
	assert_int_equal(ledger_node(&l, STR("two"))->gpus, 1);
	ledger_drop(&l, STR("n"), STR("a"));
	ledger_drop(&l, STR("n"), STR("never"));
	assert_int_equal(ledger_node(&l, STR("two"))->pods, 0);
	ledger_begin(&l);            /* b vanished while we were away */
	put(&l, "c", "one", 70);
	ledger_end(&l);
	assert_int_equal(ledger_node(&l, STR("one"))->cpu, 70);
	assert_int_equal(l.npods, 1);
	ledger_release(&l);
}

static void many_come_and_go(void **state)
{
	struct ledger l = { 0 };
	char name[32], node[32];
	int64_t sum = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20000; i++) {
			snprintf(name, sizeof(name), "pod-%d", i);
			snprintf(node, sizeof(node), "node-%d", i % 700);
			put(&l, name, node, 1 + round);
		}
		for (int i = round; i < 20000; i += 3) {
			snprintf(name, sizeof(name), "pod-%d", i);
			ledger_drop(&l, STR("n"), str_of(name));
		}
	}
	for (uint32_t i = 0; i < l.nnodes; i++)
		sum += l.nodes[i].pods;
	assert_int_equal(sum, l.npods);
	assert_int_equal(l.npods, 20000 - 6666);
	assert_int_equal(l.nnodes, 700);
	assert_non_null(ledger_node(&l, STR("node-699")));
	assert_null(ledger_node(&l, STR("node-700")));
	assert_true(l.cap * sizeof(*l.pods) <= 20000 * 48);
	ledger_release(&l);
}

/* ---- items */

static bool collect(void *arg, struct str list)
{
	buf_addstr(arg, list);
	buf_addc(arg, '\n');
	return true;
}

static const char metrics[] = "{\"kind\":\"PodMetricsList\",\"metadata\":{\"a\":\"}{][\\\"\"},\"items\":[{\"x\":{\"y\":[1,{}]}},"
	" {\"z\":\"\\\\\"}\n]}";

static void items_in_any_pieces(void **state)
{
	for (size_t piece = 1; piece <= sizeof(metrics); piece++) {
		struct buf out = { 0 };
		struct items i = { 0 };
		items_init(&i, collect, &out);
		for (size_t at = 0; at < sizeof(metrics) - 1; at += piece) {
			size_t n = sizeof(metrics) - 1 - at;
			assert_true(items_feed(&i, (struct str){ metrics + at, n < piece ? n : piece }));
		}
		assert_true(items_end(&i));
		assert_string_equal(out.data, "{\"items\":[{\"x\":{\"y\":[1,{}]}},{\"z\":\"\\\\\"}]}\n");
		items_release(&i);
		buf_release(&out);
	}
}

static void items_broken(void **state)
{
	struct buf out = { 0 };
	struct items i = { 0 };

	items_init(&i, collect, &out);
	assert_false(items_feed(&i, STR("}")));
	items_init(&i, collect, &out);
	assert_true(items_feed(&i, STR("{\"items\":[{\"a\":1},{")));
	assert_false(items_end(&i));
	items_init(&i, collect, &out);
	assert_true(items_feed(&i, STR("<html>not found</html>")));
	assert_true(items_end(&i));
	assert_int_equal(out.len, 0);
	items_release(&i);
}

/* ---- rows in other columns */

static void columns_by_name(void **state)
{
	static const struct column from_cols[] = { { .name = "name" }, { .name = "data" }, { .name = "extra" } };
	static const struct column to_cols[] = { { .name = "size", .type = COL_BYTES }, { .name = "data", .type = COL_COUNT },
		{ .name = "name" } };
	static const struct kind from = { .name = "k", .cols = from_cols, .ncols = 3 };
	static const struct kind to = { .name = "k", .cols = to_cols, .ncols = 3 };
	struct buf in = { 0 }, out = { 0 }, want = { 0 };

	rows_start(&in, "k");
	rows_kind(&in, &from);
	rows_begin(&in, STR("ns/"));
	rows_put(&in, STR("ns/a"), LEVEL_OK);
	cell_text(&in, STR("a"));
	cell_text(&in, STR("12"));
	cell_text(&in, STR("dropped"));
	rows_del(&in, STR("ns/b"));
	rows_end(&in, STR("ns/"));
	rows_start(&want, "k");
	rows_begin(&want, STR("ns/"));
	rows_put(&want, STR("ns/a"), LEVEL_OK);
	cell_null(&want);
	cell_int(&want, 12);
	cell_text(&want, STR("a"));
	rows_del(&want, STR("ns/b"));
	rows_end(&want, STR("ns/"));
	rows_start(&out, "k");
	assert_true(recolumn(&from, &to, buf_str(&in), &out));
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.data, want.data, want.len);
	for (size_t n = 0; n < in.len; n++) {    /* cut anywhere: no crash */
		buf_clear(&out);
		recolumn(&from, &to, (struct str){ in.data, n }, &out);
	}
	buf_release(&in);
	buf_release(&out);
	buf_release(&want);
}

/* ---- keys, paths, words */

static void keys_and_paths(void **state)
{
	struct kube k = { .apis = kube_apis_new() };
	const struct kube_api *deployments = kube_known_api(&k, STR("deploy")), *nodes = kube_known_api(&k, STR("Node"));
	struct buf path = { 0 };
	struct str ns, name, container;

	assert_ptr_equal(deployments, kube_known_api(&k, STR("deployments.apps")));
	assert_null(kube_known_api(&k, STR("deployments.example.com")));
	assert_null(kube_known_api(&k, STR("")));
	kube_path(&path, deployments, STR("a b"), STR("x/y"), "scale");
	assert_string_equal(path.data, "/apis/apps/v1/namespaces/a%20b/deployments/x%2Fy/scale");
	buf_clear(&path);
	kube_path(&path, nodes, STR("ignored"), STR(""), NULL);
	assert_string_equal(path.data, "/api/v1/nodes");
	assert_true(kube_split_key(STR("n/p/c"), true, &ns, &name, &container));
	assert_true(str_is(ns, "n") && str_is(name, "p") && str_is(container, "c"));
	assert_false(kube_split_key(STR("n/p/c"), true, &ns, &name, NULL));
	assert_false(kube_split_key(STR("p"), true, &ns, &name, NULL));
	assert_false(kube_split_key(STR("n/p/c/d"), true, &ns, &name, &container));
	assert_true(kube_split_key(STR("node-1"), false, &ns, &name, NULL));
	buf_release(&path);
	kube_apis_free(k.apis);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_is_gone), cmocka_unit_test(streams_end_and_break), cmocka_unit_test(refusals),
		cmocka_unit_test(old_and_busy_servers), cmocka_unit_test(sums_follow_pods), cmocka_unit_test(many_come_and_go),
		cmocka_unit_test(items_in_any_pieces), cmocka_unit_test(items_broken), cmocka_unit_test(columns_by_name),
		cmocka_unit_test(keys_and_paths),
	};

	return cmocka_run_group_tests_name("kube_engine", tests, NULL, NULL);
}
