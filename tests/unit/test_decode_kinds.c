/* The kinds beside pods: what kubectl would print of objects with everything, and with nothing, in them. All of them
 * are compared with the real kubectl by tests/corpus/compare.sh; here are the corners. */
#define _GNU_SOURCE   /* memmem */
#include "backends/kubernetes/decode.h"
#include "base/table.h"
#include "tests/unit/pbwrite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW 1795230718LL   /* seconds */

static struct decoder decoder;

static void add_meta(struct buf *b, const char *ns, const char *name)
{
	struct buf m = { 0 };
	pb_txt(&m, 1, name);
	pb_txt(&m, 3, ns);
	pb_txt(&m, 5, "uid-1");
	pb_time(&m, 8, NOW - 90);
	pb_msg(b, 1, &m);
}

/* The rows of one object; raw is emptied. */
static struct table *rows_of(const char *kind, struct buf *raw)
{
	const struct kube_kind *k = kube_kind_find(kind);
	struct decoded_meta meta;
	struct buf rows = { 0 };
	struct rd r;
	rows_start(&rows, kind);
	assert_true(decode_object(&decoder, k, buf_str(raw), &meta, &rows));
	struct table *t = table_new(k->kind);
	rows_open(&r, buf_str(&rows));
	assert_true(table_apply(t, 0, &r, 0));
	buf_release(&rows);
	buf_release(raw);
	return t;
}

static void shows(const struct table *t, const char *col, const char *wanted)
{
	struct buf out = { 0 };
	int c = kind_col(t->kind, str_of(col), false);
	assert_true(c >= 0 && t->count == 1);
	row_print(t, table_row(t, 0), c, NOW * 1000, &out);
	if (!str_is(buf_str(&out), wanted))
		fail_msg("%s.%s: '" STR_FMT "', wanted '%s'", t->kind->name, col, STR_ARG(buf_str(&out)), wanted);
	buf_release(&out);
}

/* Names only: every decoder writes all cells of its kind, whatever is missing. */
static void empty_objects(void **state)
{
	for (const struct kube_kind *k = kube_kinds; k->kind; k++) {
		struct buf raw = { 0 };
		add_meta(&raw, k->namespaced ? "ns" : "", "x");
		struct table *t = rows_of(k->kind->name, &raw);
		if (k->kind == &kind_containers) {
			assert_int_equal(t->count, 0);
		} else {
			assert_non_null(table_find(t, 0, k->namespaced ? STR("ns/x") : STR("x")));
			shows(t, "name", "x");
			shows(t, "age", "90s");
			shows(t, "uid", "uid-1");
		}
		table_free(t);
	}
}

static void nameless(void **state)
{
	struct decoded_meta meta;
	struct buf rows = { 0 };
	assert_false(decode_object(&decoder, kube_kind_find("pods"), STR(""), &meta, &rows));
	assert_int_equal(rows.len, 0);
	buf_release(&rows);
}

static void add_condition(struct buf *b, unsigned field, const char *type, const char *status, unsigned reason_field,
                          const char *reason)
{
	struct buf c = { 0 };
	pb_txt(&c, 1, type);
	pb_txt(&c, 2, status);
	pb_txt(&c, reason_field, reason);
	pb_msg(b, field, &c);
}

static void node(void **state)
{
	struct buf raw = { 0 }, m = { 0 }, spec = { 0 }, status = { 0 }, taint = { 0 };
	pb_txt(&m, 1, "gpu-2");
	pb_entry(&m, 11, "node-role.kubernetes.io/worker", "");
	pb_entry(&m, 11, "kubernetes.io/role", "gpu");
	pb_entry(&m, 11, "node-role.kubernetes.io/gpu", "");
	pb_entry(&m, 11, "eks.amazonaws.com/nodegroup", "gpu-train");
	pb_entry(&m, 11, "eks.amazonaws.com/capacityType", "SPOT");
	pb_msg(&raw, 1, &m);
	pb_num(&spec, 4, 1);
	pb_txt(&taint, 1, "nvidia.com/gpu");
	pb_txt(&taint, 2, "true");
	pb_txt(&taint, 3, "NoSchedule");
	pb_msg(&spec, 5, &taint);
	pb_msg(&raw, 2, &spec);
	pb_quantity(&status, 2, "cpu", "7910m");
	pb_quantity(&status, 2, "memory", "31Gi");
	pb_quantity(&status, 2, "nvidia.com/gpu", "8");
	add_condition(&status, 4, "DiskPressure", "True", 5, "x");
	add_condition(&status, 4, "Ready", "True", 5, "x");
	pb_msg(&raw, 3, &status);
	struct table *t = rows_of("nodes", &raw);
	shows(t, "status", "Ready,SchedulingDisabled");
	shows(t, "roles", "gpu,worker");
	shows(t, "internal_ip", "<none>");
	shows(t, "nodegroup", "gpu-train");
	shows(t, "capacity_type", "spot");
	shows(t, "taints", "nvidia.com/gpu=true:NoSchedule");
	shows(t, "pressure", "Disk");
	shows(t, "cpu_allocatable", "7.91");
	shows(t, "gpus_allocatable", "8");
	assert_int_equal(table_row(t, 0)->level, LEVEL_DOUBT);
	/* What is used and asked of it comes apart and stays when the node is put again. */
	struct buf rows = { 0 };
	struct rd r;
	rows_start(&rows, "nodes");
	metrics_node_row(&rows, STR("gpu-2"), 3955, 1LL << 30, 7910, 31LL << 30);
	requested_node_row(&rows, STR("gpu-2"), 12, 4000, 2LL << 30, 5, 110, 8);
	rows_open(&r, buf_str(&rows));
	assert_true(table_apply(t, 0, &r, 0));
	shows(t, "pods", "12/110");
	shows(t, "cpu", "3.96");
	shows(t, "cpu_pct", "50 %");
	shows(t, "cpu_requested", "4");
	shows(t, "mem", "1Gi");
	shows(t, "mem_requested", "2Gi");
	shows(t, "gpus", "5/8");
	shows(t, "nodegroup", "gpu-train");
	buf_release(&rows);
	table_free(t);
}

static void secret_values_stay_out(void **state)
{
	struct buf raw = { 0 }, rows = { 0 };
	struct decoded_meta meta;
	add_meta(&raw, "ns", "db");
	pb_entry(&raw, 2, "password", "hunter2-and-more");
	pb_entry(&raw, 2, "user", "me");
	pb_txt(&raw, 3, "Opaque");
	rows_start(&rows, "secrets");
	assert_true(decode_object(&decoder, kube_kind_find("secrets"), buf_str(&raw), &meta, &rows));
	assert_null(memmem(rows.data, rows.len, "hunter2", 7));
	buf_release(&rows);
	struct table *t = rows_of("secrets", &raw);
	shows(t, "data", "2");
	shows(t, "size", "18");
	shows(t, "type", "Opaque");
	table_free(t);
}

static void add_expression(struct buf *selector, const char *key, const char *op, const char *a, const char *b)
{
	struct buf e = { 0 };
	pb_txt(&e, 1, key);
	pb_txt(&e, 2, op);
	if (a)
		pb_txt(&e, 3, a);
	if (b)
		pb_txt(&e, 3, b);
	pb_msg(selector, 2, &e);
}

static void selectors(void **state)
{
	struct buf raw = { 0 }, spec = { 0 }, s = { 0 };
	add_meta(&raw, "ns", "rs");
	add_expression(&s, "zone", "NotIn", "b", "a");
	add_expression(&s, "gpu", "Exists", NULL, NULL);
	add_expression(&s, "spot", "DoesNotExist", NULL, NULL);
	add_expression(&s, "env", "In", "In", NULL);
	pb_entry(&s, 1, "tier", "Exists");
	pb_entry(&s, 1, "app", "web");
	pb_msg(&spec, 2, &s);
	pb_num(&spec, 1, 3);
	pb_msg(&raw, 2, &spec);
	struct table *t = rows_of("replicasets", &raw);
	shows(t, "selector", "app=web,env in (In),gpu,!spot,tier=Exists,zone notin (a,b)");
	shows(t, "desired", "3");
	assert_int_equal(table_row(t, 0)->level, LEVEL_BAD);
	table_free(t);
}

static void jobs(void **state)
{
	struct buf raw = { 0 }, spec = { 0 }, status = { 0 };
	add_meta(&raw, "ns", "j");
	pb_num(&spec, 1, 3);
	pb_msg(&raw, 2, &spec);
	pb_time(&status, 2, NOW - 75);
	pb_num(&status, 5, 1);
	pb_msg(&raw, 3, &status);
	struct table *t = rows_of("jobs", &raw);
	shows(t, "status", "Running");
	shows(t, "completions", "1/1 of 3");
	shows(t, "duration", "75s");
	shows(t, "selector", "<none>");
	table_free(t);

	add_meta(&raw, "ns", "j");
	pb_num(&spec, 1, 3);
	pb_num(&spec, 2, 5);
	pb_msg(&raw, 2, &spec);
	add_condition(&status, 1, "FailureTarget", "True", 5, "BackoffLimitExceeded");
	add_condition(&status, 1, "Failed", "True", 5, "BackoffLimitExceeded");
	pb_time(&status, 2, NOW - 75);
	pb_time(&status, 3, NOW - 15);
	pb_msg(&raw, 3, &status);
	t = rows_of("jobs", &raw);
	shows(t, "status", "Failed");
	shows(t, "completions", "0/5");
	shows(t, "duration", "60s");
	shows(t, "reason", "BackoffLimitExceeded");
	assert_int_equal(table_row(t, 0)->level, LEVEL_BAD);
	table_free(t);
}

static void add_ingress_point(struct buf *status, const char *ip, const char *host)
{
	struct buf lb = { 0 }, point = { 0 };
	if (ip)
		pb_txt(&point, 1, ip);
	if (host)
		pb_txt(&point, 2, host);
	pb_msg(&lb, 1, &point);
	pb_msg(status, 1, &lb);
}

static void services(void **state)
{
	struct buf raw = { 0 }, spec = { 0 }, status = { 0 }, port = { 0 };
	add_meta(&raw, "ns", "s");
	pb_num(&port, 3, 80);
	pb_txt(&port, 2, "TCP");
	pb_num(&port, 5, 30080);
	pb_msg(&spec, 1, &port);
	pb_num(&port, 3, 53);
	pb_txt(&port, 2, "UDP");
	pb_msg(&spec, 1, &port);
	pb_txt(&spec, 4, "LoadBalancer");
	pb_txt(&spec, 18, "10.0.0.1");
	pb_entry(&spec, 2, "b", "2");
	pb_entry(&spec, 2, "a", "1");
	pb_msg(&raw, 2, &spec);
	struct table *t = rows_of("services", &raw);
	shows(t, "external_ip", "<pending>");
	shows(t, "cluster_ip", "10.0.0.1");
	shows(t, "ports", "80:30080/TCP,53/UDP");
	shows(t, "selector", "a=1,b=2");
	assert_int_equal(table_row(t, 0)->level, LEVEL_DOUBT);
	table_free(t);

	add_meta(&raw, "ns", "s");
	pb_txt(&spec, 4, "LoadBalancer");
	pb_txt(&spec, 5, "1.2.3.4");
	pb_msg(&raw, 2, &spec);
	add_ingress_point(&status, NULL, "elb.example.com");
	pb_msg(&raw, 3, &status);
	t = rows_of("services", &raw);
	shows(t, "external_ip", "elb.example.com,1.2.3.4");
	shows(t, "ports", "<none>");
	assert_int_equal(table_row(t, 0)->level, LEVEL_NONE);
	table_free(t);
}

static void endpoints(void **state)
{
	struct buf raw = { 0 }, subset = { 0 }, address = { 0 }, port = { 0 };
	static const char *const ips[] = { "10.0.0.1", "fd00::1", "10.0.0.3", "10.0.0.4" };
	add_meta(&raw, "ns", "e");
	for (int i = 0; i < 4; i++) {
		pb_txt(&address, 1, ips[i]);
		pb_msg(&subset, i < 3 ? 1 : 2, &address);
	}
	pb_num(&port, 2, 8080);
	pb_msg(&subset, 3, &port);
	pb_num(&port, 2, 9090);
	pb_msg(&subset, 3, &port);
	pb_msg(&raw, 2, &subset);
	struct table *t = rows_of("endpoints", &raw);
	shows(t, "endpoints", "10.0.0.1:8080,[fd00::1]:8080,10.0.0.3:8080 + 3 more...");
	shows(t, "ready", "3/4");
	assert_int_equal(table_row(t, 0)->level, LEVEL_DOUBT);
	table_free(t);

	add_meta(&raw, "ns", "e");
	t = rows_of("endpoints", &raw);
	shows(t, "endpoints", "<none>");
	table_free(t);
}

static void add_metric(struct buf *b, unsigned field, const char *name, int utilization, bool status)
{
	struct buf metric = { 0 }, source = { 0 }, target = { 0 };
	pb_txt(&source, 1, name);
	if (utilization >= 0)
		pb_num(&target, status ? 3 : 4, (uint64_t)utilization);
	pb_msg(&source, 2, &target);
	pb_txt(&metric, 1, "Resource");
	pb_msg(&metric, 4, &source);
	pb_msg(b, field, &metric);
}

static void autoscalers(void **state)
{
	struct buf raw = { 0 }, spec = { 0 }, status = { 0 }, ref = { 0 };
	add_meta(&raw, "ns", "h");
	pb_txt(&ref, 1, "Deployment");
	pb_txt(&ref, 2, "web");
	pb_msg(&spec, 1, &ref);
	pb_num(&spec, 3, 10);
	add_metric(&spec, 4, "cpu", 80, false);
	add_metric(&spec, 4, "memory", -1, false);
	add_metric(&spec, 4, "third", 5, false);
	pb_msg(&raw, 2, &spec);
	add_metric(&status, 5, "cpu", 12, true);
	add_condition(&status, 6, "ScalingActive", "False", 4, "FailedGetResourceMetric");
	pb_msg(&raw, 3, &status);
	struct table *t = rows_of("horizontalpodautoscalers", &raw);
	shows(t, "reference", "Deployment/web");
	shows(t, "targets", "cpu: 12%/80%, memory: <unknown>/<auto> + 1 more...");
	shows(t, "min", "<unset>");
	shows(t, "max", "10");
	shows(t, "reason", "FailedGetResourceMetric");
	assert_int_equal(table_row(t, 0)->level, LEVEL_BAD);
	table_free(t);
}

static void events(void **state)
{
	struct buf raw = { 0 }, object = { 0 }, series = { 0 };
	add_meta(&raw, "ns", "e.1");
	pb_txt(&object, 1, "Pod");
	pb_txt(&object, 3, "web-1");
	pb_msg(&raw, 2, &object);
	pb_txt(&raw, 3, "BackOff");
	pb_txt(&raw, 4, "  Back-off restarting\n");
	pb_txt(&raw, 9, "Warning");
	pb_time(&raw, 10, NOW - 300);
	pb_num(&series, 1, 7);
	pb_time(&series, 2, NOW - 12);
	pb_msg(&raw, 11, &series);
	pb_txt(&raw, 14, "kubelet");
	pb_txt(&raw, 15, "node-1");
	struct table *t = rows_of("events", &raw);
	shows(t, "last_seen", "12s");
	shows(t, "first_seen", "5m");
	shows(t, "count", "7");
	shows(t, "object", "pod/web-1");
	shows(t, "source", "kubelet, node-1");
	shows(t, "message", "Back-off restarting");
	assert_int_equal(table_row(t, 0)->level, LEVEL_DOUBT);
	table_free(t);
}

static int release(void **state)
{
	decoder_release(&decoder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_objects), cmocka_unit_test(nameless), cmocka_unit_test(node),
		cmocka_unit_test(secret_values_stay_out), cmocka_unit_test(selectors), cmocka_unit_test(jobs),
		cmocka_unit_test(services), cmocka_unit_test(endpoints), cmocka_unit_test(autoscalers), cmocka_unit_test(events),
	};
	return cmocka_run_group_tests_name("decode_kinds", tests, NULL, release);
}
