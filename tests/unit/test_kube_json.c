/* The JSON that the API server answers with: Tables, discovery, metrics. The samples are a real server's (v1.34.4),
 * shortened. */
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/kube.h"
#include "base/fmt.h"
#include "base/table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW 1795230718000LL

#define DEFINITIONS "\"columnDefinitions\":[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"priority\":0}," \
	"{\"name\":\"URL\",\"type\":\"string\",\"priority\":0},{\"name\":\"Ready\",\"type\":\"string\",\"priority\":0}," \
	"{\"name\":\"Prev\",\"type\":\"integer\",\"priority\":1},{\"name\":\"Share %\",\"type\":\"number\",\"priority\":0}," \
	"{\"name\":\"Owner\",\"type\":\"string\",\"priority\":0},{\"name\":\"Paused\",\"type\":\"boolean\",\"priority\":0}," \
	"{\"name\":\"Age\",\"type\":\"date\",\"priority\":0}]"
#define ROW(name, ready, version) "{\"cells\":[\"" name "\",\"http://x\",\"" ready "\",7,12.5,\"me\",true,\"stale\"]," \
	"\"object\":{\"kind\":\"PartialObjectMetadata\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ml\"," \
	"\"uid\":\"u-1\",\"resourceVersion\":\"" version "\",\"creationTimestamp\":\"2026-11-21T03:01:58Z\"," \
	"\"labels\":{\"team\":\"a\",\"app\":\"f\"},\"ownerReferences\":[{\"kind\":\"A\",\"name\":\"a\"}," \
	"{\"kind\":\"B\",\"name\":\"b\",\"controller\":true}]}}}"

static struct table_form *new_form(void)
{
	static const char *const aliases[] = { "isvc", NULL };
	return table_form_new("inferenceservices.serving.kserve.io", "inferenceservice", aliases, "serving.kserve.io", true);
}

static void apply(struct table **t, struct table_form *f, struct buf *rows)
{
	struct rd r;
	if (!*t)
		*t = table_new(table_form_kind(f));
	rows_open(&r, buf_str(rows));
	assert_true(table_apply(*t, 0, &r, 0));
	buf_clear(rows);
	rows_start(rows, "x");
}

static void shows(const struct table *t, const char *key, const char *col, const char *wanted)
{
	struct buf out = { 0 };
	int c = kind_col(t->kind, str_of(col), false);
	const struct row *r = table_find(t, 0, str_of(key));
	assert_non_null(r);
	assert_true(c >= 0);
	row_print(t, r, c, NOW, &out);
	assert_string_equal(out.data ? out.data : "", wanted);
	buf_release(&out);
}

/* Dates that the server tells as ages become times, and so move on. */
static void dates(void **state)
{
	struct table_form *f = new_form();
	struct table *t = NULL;
	struct buf rows = { 0 };
	struct table_page page;
	const char *why;
	const int64_t sent = 1795230718000;

	rows_start(&rows, "x");
	table_form_sent(f, sent);
	assert_true(table_form_list(f, STR("{\"kind\":\"Table\",\"metadata\":{},\"columnDefinitions\":["
		"{\"name\":\"Name\",\"type\":\"string\"},{\"name\":\"Renewed\",\"type\":\"date\"},"
		"{\"name\":\"Expires\",\"type\":\"string\",\"format\":\"date-time\"},{\"name\":\"Never\",\"type\":\"date\"}],"
		"\"rows\":[{\"cells\":[\"a\",\"3h25m\",\"2026-11-21T02:48:00Z\",\"<unknown>\"],\"object\":{\"metadata\":"
		"{\"name\":\"a\"}}}]}"), &rows, &page, &why));
	apply(&t, f, &rows);
	const struct row *r = table_find(t, 0, STR("a"));
	const struct kind *k = table_form_kind(f);
	assert_int_equal(row_int(r, kind_col(k, STR("renewed"), false)), sent - (3 * 60 + 25) * 60000);
	int64_t at;
	assert_true(time_parse(STR("2026-11-21T02:48:00Z"), &at));
	assert_int_equal(row_int(r, kind_col(k, STR("expires"), false)), at);
	assert_true(row_null(r, kind_col(k, STR("never"), false)));
	table_page_release(&page);
	table_free(t);
	table_form_free(f);
	buf_release(&rows);
}

static void list(void **state)
{
	struct table_form *f = new_form();
	struct table *t = NULL;
	struct buf rows = { 0 };
	struct table_page page;
	const char *why;
	rows_start(&rows, "x");
	assert_null(table_form_kind(f));
	assert_true(table_form_list(f, STR("{\"kind\":\"Table\",\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"c\","
		"\"remainingItemCount\":3}," DEFINITIONS ",\"rows\":[" ROW("fraud", "False", "8") "," ROW("rank", "True", "9")
		"]}"), &rows, &page, &why));
	assert_int_equal(page.rows, 2);
	assert_int_equal(page.remaining, 3);
	assert_string_equal(page.next, "c");
	assert_string_equal(page.resource_version, "9");
	table_page_release(&page);
	const struct kind *k = table_form_kind(f);
	assert_true(k->namespaced && kind_answers_to(k, STR("isvc")));
	assert_int_equal(k->cols[kind_col(k, STR("prev"), false)].flags, COL_WIDE);
	/* The first thing written is the kind, and it reads back as it was. */
	struct rd r;
	enum rows_op op;
	rows_open(&r, buf_str(&rows));
	assert_true(rows_next(&r, &op) && op == ROWS_KIND);
	struct kind *again = kind_parse(rd_string(&r));
	assert_non_null(again);
	assert_int_equal(again->ncols, k->ncols);
	kind_free(again);
	apply(&t, f, &rows);
	shows(t, "ml/fraud", "namespace", "ml");
	shows(t, "ml/fraud", "name", "fraud");
	shows(t, "ml/fraud", "ready", "False");
	shows(t, "ml/fraud", "prev", "7");
	shows(t, "ml/fraud", "share", "12.5");
	shows(t, "ml/fraud", "paused", "true");
	shows(t, "ml/fraud", "age", "10m");
	shows(t, "ml/fraud", "owner_2", "me");
	shows(t, "ml/fraud", "owner", "B/b");
	shows(t, "ml/fraud", "labels", "app=f,team=a");
	shows(t, "ml/fraud", "uid", "u-1");
	assert_int_equal(table_find(t, 0, STR("ml/fraud"))->level, LEVEL_DOUBT);
	assert_int_equal(table_find(t, 0, STR("ml/rank"))->level, LEVEL_OK);
	table_free(t);
	table_form_free(f);
	buf_release(&rows);
}

static void list_refused(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "null", "{\"kind\":\"InferenceServiceList\",\"items\":[]}",
		"{\"kind\":\"Table\",\"rows\":[" ROW("x", "True", "1") "]}" };
	struct buf rows = { 0 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct table_form *f = new_form();
		struct table_page page;
		const char *why = NULL;
		assert_false(table_form_list(f, str_of(bad[i]), &rows, &page, &why));
		assert_non_null(why);
		assert_int_equal(rows.len, 0);
		table_page_release(&page);
		table_form_free(f);
	}
	buf_release(&rows);
}

static bool event(struct table_form *f, const char *line, struct buf *rows, struct table_event *e)
{
	const char *why;
	return table_form_event(f, str_of(line), rows, e, &why);
}

static void watch(void **state)
{
	struct table_form *f = new_form();
	struct table *t = NULL;
	struct buf rows = { 0 };
	struct table_event e;
	rows_start(&rows, "x");
	assert_true(event(f, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\"," DEFINITIONS ",\"rows\":["
		ROW("fraud", "Unknown", "11") "]}}", &rows, &e));
	assert_string_equal(e.resource_version, "11");
	assert_int_equal(e.type, WATCH_ADDED);
	table_event_release(&e);
	apply(&t, f, &rows);
	shows(t, "ml/fraud", "ready", "Unknown");
	/* Definitions come once. */
	assert_true(event(f, "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Table\",\"columnDefinitions\":null,\"rows\":["
		ROW("fraud", "True", "12") "]}}", &rows, &e));
	table_event_release(&e);
	apply(&t, f, &rows);
	shows(t, "ml/fraud", "ready", "True");
	assert_true(event(f, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Table\",\"rows\":[{\"cells\":[\"\"],\"object\":"
		"{\"metadata\":{\"resourceVersion\":\"33\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}]}}",
		&rows, &e));
	assert_true(e.initial_events_end);
	assert_string_equal(e.resource_version, "33");
	table_event_release(&e);
	apply(&t, f, &rows);
	assert_int_equal(t->count, 1);
	assert_true(event(f, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":410,"
		"\"reason\":\"Expired\",\"message\":\"too old\"}}", &rows, &e));
	assert_int_equal(e.status.code, 410);
	table_event_release(&e);
	assert_true(event(f, "{\"type\":\"DELETED\",\"object\":{\"kind\":\"Table\",\"rows\":[" ROW("fraud", "True", "13")
		"]}}", &rows, &e));
	table_event_release(&e);
	apply(&t, f, &rows);
	assert_int_equal(t->count, 0);
	assert_false(event(f, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\"}}", &rows, &e));
	assert_false(event(f, "{\"type\":\"ADDED\"", &rows, &e));
	assert_false(event(f, "{\"type\":\"ERROR\",\"object\":{}}", &rows, &e));
	table_free(t);
	table_form_free(f);
	buf_release(&rows);
}

/* A custom resource may have any columns: too many, of one name, of no name, called like ours. */
static void odd_columns(void **state)
{
	struct buf json = { 0 }, rows = { 0 };
	struct table_page page;
	const char *why;
	buf_adds(&json, "{\"kind\":\"Table\",\"columnDefinitions\":[{\"name\":\"\"},{\"name\":\"Labels\"},{\"name\":\"\\u00fc\"}");
	for (int i = 0; i < 100; i++)
		buf_adds(&json, ",{\"name\":\"Same\",\"type\":\"integer\"}");
	buf_adds(&json, "],\"rows\":[{\"cells\":[{\"a\":[1]},null,3,\"12\",\"many\"],\"object\":{\"metadata\":{\"name\":\"n\"}}},"
		"{\"cells\":[\"no metadata\"]}]}");
	struct table_form *f = new_form();
	struct table *t = NULL;
	rows_start(&rows, "x");
	assert_true(table_form_list(f, buf_str(&json), &rows, &page, &why));
	assert_int_equal(page.rows, 1);
	table_page_release(&page);
	apply(&t, f, &rows);
	assert_true(t->kind->ncols <= KIND_MAX_COLS);
	shows(t, "n", "column", "{\"a\":[1]}");
	shows(t, "n", "labels_2", "");
	shows(t, "n", "column_2", "3");
	shows(t, "n", "same", "12");
	shows(t, "n", "same_2", "");
	shows(t, "n", "name", "n");
	table_free(t);
	table_form_free(f);
	buf_release(&rows);
	buf_release(&json);
}

static void discovery(void **state)
{
	struct kube_resources r = { 0 };
	assert_false(discovery_aggregated(&r, STR("{\"kind\":\"APIGroupList\"}")));
	assert_true(discovery_aggregated(&r, STR("{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{\"name\":"
		"\"autoscaling\"},\"versions\":[{\"version\":\"v2\",\"resources\":[{\"resource\":\"horizontalpodautoscalers\","
		"\"responseKind\":{\"kind\":\"HorizontalPodAutoscaler\"},\"scope\":\"Namespaced\",\"singularResource\":"
		"\"horizontalpodautoscaler\",\"verbs\":[\"list\",\"watch\",\"get\"],\"shortNames\":[\"hpa\"]}]},"
		"{\"version\":\"v1\",\"resources\":[{\"resource\":\"horizontalpodautoscalers\",\"responseKind\":{\"kind\":"
		"\"HorizontalPodAutoscaler\"},\"scope\":\"Namespaced\",\"verbs\":[\"create\"]}]}]}]}")));
	assert_int_equal(r.n, 2);
	assert_string_equal(r.items[0].group, "autoscaling");
	assert_string_equal(r.items[0].version, "v2");
	assert_string_equal(r.items[0].name, "HorizontalPodAutoscaler");
	assert_string_equal(r.items[0].aliases[0], "hpa");
	assert_true(r.items[0].namespaced && r.items[0].preferred && !r.items[1].preferred);
	assert_int_equal(r.items[0].verbs, KUBE_GET | KUBE_LIST | KUBE_WATCH);
	kube_resources_release(&r);

	char **paths = NULL;
	size_t n = 0;
	assert_true(discovery_groups(STR("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}"), &paths, &n));
	assert_true(discovery_groups(STR("{\"kind\":\"APIGroupList\",\"groups\":[{\"name\":\"apps\",\"preferredVersion\":"
		"{\"groupVersion\":\"apps/v1\"}}]}"), &paths, &n));
	assert_int_equal(n, 2);
	assert_string_equal(paths[0], "api/v1");
	assert_string_equal(paths[1], "apis/apps/v1");
	while (n)
		free(paths[--n]);
	free(paths);

	assert_true(discovery_resources(&r, STR("{\"kind\":\"APIResourceList\",\"groupVersion\":\"apps/v1\",\"resources\":["
		"{\"name\":\"deployments\",\"singularName\":\"deployment\",\"namespaced\":true,\"kind\":\"Deployment\",\"verbs\":"
		"[\"list\"],\"shortNames\":[\"deploy\"]},{\"name\":\"deployments/scale\",\"kind\":\"Scale\"}]}")));
	assert_int_equal(r.n, 1);
	assert_string_equal(r.items[0].group, "apps");
	assert_string_equal(r.items[0].version, "v1");
	assert_true(discovery_resources(&r, STR("{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":["
		"{\"name\":\"nodes\",\"namespaced\":false,\"kind\":\"Node\",\"verbs\":[]}]}")));
	assert_string_equal(r.items[1].group, "");
	assert_string_equal(r.items[1].version, "v1");
	kube_resources_release(&r);
}

struct sums { int64_t cpu, mem; unsigned calls; };

static void add_usage(void *arg, struct str ns, struct str name, struct str container, int64_t cpu, int64_t mem)
{
	struct sums *s = arg;
	s->calls++;
	if (container.p)
		return;
	s->cpu += cpu;
	s->mem += mem;
}

static void metrics(void **state)
{
	struct sums s = { 0, 0, 0 };
	char *next;
	assert_true(metrics_read(STR("{\"kind\":\"PodMetricsList\",\"metadata\":{\"continue\":\"t\"},\"items\":[{\"metadata\":"
		"{\"name\":\"p\",\"namespace\":\"ns\"},\"containers\":[{\"name\":\"a\",\"usage\":{\"cpu\":\"1200000n\",\"memory\":"
		"\"10Mi\"}},{\"name\":\"b\",\"usage\":{\"cpu\":\"3m\",\"memory\":\"1Mi\"}}]}]}"), add_usage, &s, &next));
	assert_int_equal(s.calls, 3);
	assert_int_equal(s.cpu, 5);
	assert_int_equal(s.mem, 11 << 20);
	assert_string_equal(next, "t");
	free(next);
	assert_true(metrics_read(STR("{\"items\":[{\"metadata\":{\"name\":\"n\"},\"usage\":{\"cpu\":\"2\",\"memory\":\"1Ki\"}},"
		"{\"metadata\":{}}]}"), add_usage, &s, &next));
	assert_int_equal(s.calls, 4);
	assert_int_equal(s.cpu, 2005);
	assert_null(next);
	assert_false(metrics_read(STR("404 page not found"), add_usage, &s, &next));
}

static void pod_metrics_rows(void **state)
{
	struct table *t = table_new(&kind_pods);
	struct buf rows = { 0 };
	struct rd r;
	rows_start(&rows, "pods");
	rows_put(&rows, STR("ns/p"), LEVEL_BAD);
	for (int i = 0; i < PODS_NCOLS; i++)
		cell_null(&rows);
	metrics_pod_row(&rows, STR("ns/p"), 120, 512 << 20, 1 << 30);
	metrics_pod_row(&rows, STR("ns/gone"), 120, 512 << 20, 1 << 30);
	rows_open(&r, buf_str(&rows));
	assert_true(table_apply(t, 0, &r, 0));
	assert_int_equal(t->count, 1);
	assert_int_equal(table_row(t, 0)->level, LEVEL_BAD);
	shows(t, "ns/p", "cpu", "120m");
	shows(t, "ns/p", "mem", "512Mi");
	shows(t, "ns/p", "mem_pct", "50 %");
	table_free(t);
	buf_release(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list), cmocka_unit_test(dates), cmocka_unit_test(list_refused), cmocka_unit_test(watch), cmocka_unit_test(odd_columns),
		cmocka_unit_test(discovery), cmocka_unit_test(metrics), cmocka_unit_test(pod_metrics_rows),
	};
	return cmocka_run_group_tests_name("kube_json", tests, NULL, NULL);
}
