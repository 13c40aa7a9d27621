/* Alerts: fingerprints as Prometheus reckons them, what labels say an alert is about, levels, matchers, answers as rows, and what
 * fires counted. */
#include "backends/alerts/alerts.h"
#include "base/changes.h"
#include "base/findings.h"
#include "base/mem.h"
#include "base/store.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW 1795230000000ll

static json_t *json(const char *text)
{
	char *copy = xstrdup(text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *j = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	free(copy);
	return j;
}

/* ---- labels */

static void test_fingerprint(void **state)
{
	/* as a genuine Alertmanager has it */
	struct label_set s;
	char key[20];
	json_t *j = json("{'severity':'none','alertname':'Watchdog','cluster':'live','not a text':5}");
	labels_read(j, &s);
	assert_int_equal(s.n, 3);
	assert_true(str_is(s.l[0].name, "alertname") && str_is(s.l[2].value, "none"));
	key_of_labels(&s, key);
	assert_string_equal(key, "4e829d5952cc6fb2");
	assert_true(alert_fingerprint(NULL, 0) == 14695981039346656037u);
	json_t *more = json("{'cluster':'other','region':'x'}");
	labels_add(&s, more);
	assert_int_equal(s.n, 4);
	assert_true(str_is(alert_label(s.l, s.n, "cluster"), "live") && str_is(alert_label(s.l, s.n, "region"), "x"));
	json_decref(more);
	json_decref(j);
}

static void about_is(const char *labels, const char *want)
{
	struct label_set s;
	struct buf key = { 0 };
	json_t *j = json(labels);
	labels_read(j, &s);
	const char *kind = alert_about(s.l, s.n, &key);
	char *is = kind ? xasprintf("%s %s", kind, key.data) : xstrdup("-");
	assert_string_equal(is, want);
	free(is);
	buf_release(&key);
	json_decref(j);
}

static void test_about(void **state)
{
	about_is("{'namespace':'ml','pod':'a-1','deployment':'a','node':'n1'}", "pods ml/a-1");
	about_is("{'pod':'a-1','node':'n1'}", "nodes n1");
	about_is("{'namespace':'ml','deployment':'a'}", "deployments ml/a");
	about_is("{'namespace':'ml','job':'kube-state-metrics','job_name':'train-7'}", "jobs ml/train-7");
	about_is("{'namespace':'ml','endpoint':'http-metrics','model_name':'price'}", "models price");
	about_is("{'model':'price','model_endpoint':'api'}", "modelendpoints api");
	about_is("{'dag_id':'train'}", "pipelines train");
	about_is("{'instance':'10.0.0.1:9100','namespace':'ml'}", "-");
}

static void test_levels(void **state)
{
	static const struct { enum alert_state s; const char *severity; enum level want; } all[] = {
		{ ALERT_IS_FIRING, "critical", LEVEL_BAD }, { ALERT_IS_FIRING, "PAGE", LEVEL_BAD }, { ALERT_IS_FIRING, "warning", LEVEL_DOUBT },
		{ ALERT_IS_FIRING, "", LEVEL_DOUBT }, { ALERT_IS_FIRING, "informed", LEVEL_DOUBT }, { ALERT_IS_FIRING, "none", LEVEL_NONE },
		{ ALERT_IS_PENDING, "critical", LEVEL_BUSY }, { ALERT_IS_SILENCED, "critical", LEVEL_DONE },
		{ ALERT_IS_ROUTED, "critical", LEVEL_DONE }, { ALERT_IS_ERROR, "", LEVEL_DOUBT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(alert_level(all[i].s, str_of(all[i].severity)), all[i].want);
}

/* ---- matchers */

static void reads(const char *text, const char *want)
{
	char why[160] = "";
	struct buf b = { 0 };
	json_t *m = matchers_parse(str_of(text), why, sizeof(why));
	if (m)
		matchers_text(m, &b);
	else
		buf_adds(&b, why);
	if (!strstr(b.data ? b.data : "", want))
		fail_msg("%s: want %s, got %s", text, want, b.data);
	if (m) {
		json_t *again = matchers_parse(buf_str(&b), why, sizeof(why));
		assert_true(matchers_same(m, again));
		json_decref(again);
	}
	json_decref(m);
	buf_release(&b);
}

static void test_matchers(void **state)
{
	reads("a=b", "a=\"b\"");
	reads(" { a = \"b\" , c!~\"d|e\", } ", "a=\"b\",c!~\"d|e\"");
	reads("a=\"x\\\"y\\\\z\\n,\",b!=\"\"", "a=\"x\\\"y\\\\z\\n,\",b!=\"\"");
	reads("pod=~\"api-.*\"", "pod=~\"api-.*\"");
	reads("", "no matcher");
	reads("a", "'a' is no matcher");
	reads("a=\"b", "is no matcher");
	reads("a=b c=d", "is no matcher");
	reads("a=b,,c=d", "is no matcher");
}

static bool takes(const char *matchers, const char *labels)
{
	char why[100];
	struct label_set s;
	json_t *m = matchers_parse(str_of(matchers), why, sizeof(why)), *j = json(labels);
	labels_read(j, &s);
	bool is = matchers_match(m, s.l, s.n);
	json_decref(m);
	json_decref(j);
	return is;
}

static void test_matching(void **state)
{
	assert_true(takes("a=\"b\",c=~\"d.*\"", "{'a':'b','c':'def'}"));
	assert_false(takes("c=~\"d\"", "{'c':'def'}"));                 /* from end to end */
	assert_true(takes("x=\"\"", "{'a':'b'}") && takes("x!=\"y\"", "{}") && takes("c!~\"e|f\"", "{'c':'ef'}"));
	assert_false(takes("a!=\"b\"", "{'a':'b'}") || takes("c=~\"(\"", "{'c':'('}"));
}

static void test_exact_is_read_back(void **state)
{
	struct label_set s;
	struct buf b = { 0 };
	char why[100];
	json_t *j = json("{'alertname':'A','odd':'\\\\ \\n,=~ü'}");
	labels_read(j, &s);
	matchers_exact(s.l, s.n, &b);
	json_t *m = matchers_parse(buf_str(&b), why, sizeof(why));
	assert_int_equal(json_array_size(m), 2);
	assert_true(matchers_match(m, s.l, s.n));
	json_decref(m);
	json_decref(j);
	buf_release(&b);
}

/* ---- answers as rows */

static void apply(struct store *s, const char *kind, uint16_t source, const struct buf *rows)
{
	struct buf b = { 0 };
	struct rd r;
	rows_start(&b, kind);
	buf_addstr(&b, buf_str(rows));
	rows_open(&r, buf_str(&b));
	assert_true(table_apply(store_table(s, kind), source, &r, 0));
	buf_release(&b);
}

static void row_is(struct store *s, uint16_t source, const char *key, const char *want)
{
	const struct table *t = store_table_const(s, "alerts");
	const struct row *r = table_find(t, source, str_of(key));
	struct buf b = { 0 };
	assert_non_null(r);
	for (int c = ALERT_NAME; c <= ALERT_VALUE; c++) {
		buf_adds(&b, c ? "|" : "");
		row_show(t, r, c, NOW, &b);
	}
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static struct store *store_of_two(void)
{
	struct store *s = store_new(&clock_system);
	store_add_kind(s, &kind_alerts);
	store_add_source(s, "prom", "");
	store_add_source(s, "am", "");
	return s;
}

#define LABELS "{'alertname':'A','severity':'page','namespace':'ml','pod':'p'}"
static void test_rows(void **state)
{
	struct store *s = store_of_two();
	struct buf b = { 0 };
	struct rule rule;
	char key[20];
	enum level worst;
	json_t *managed = json("{'labels':" LABELS ",'annotations':{'message':' m ','runbook_url':'http://r'},'startsAt':'2026-11-21T02:00:00Z',"
		"'generatorURL':'http://p/graph?g0.expr=a+%3E+1&g0.tab=1','status':{'state':'active'},'receivers':[{'name':'x'},{'name':'y'}]}");
	json_t *own = json("{'labels':" LABELS ",'state':'firing','activeAt':'2026-11-21T01:59:00Z','value':'1.5e+00','annotations':{'summary':'s'}}");
	json_t *r = json("{'type':'alerting','name':'A','query':'a > 1','duration':60,'labels':{'severity':'page','t':'{{ $x }}'},'health':'err',"
		"'lastError':'many-to-many'}");
	assert_true(rule_read(r, "g", "f", &rule));
	assert_true(put_managed(managed, &b, key));
	apply(s, "alerts", 1, &b);
	row_is(s, 1, key, "A|firing|page|60m|pod ml/p|m|-");
	buf_clear(&b);
	assert_true(put_own(own, &rule, key, false, &b));
	apply(s, "alerts", 0, &b);
	row_is(s, 0, key, "A|firing|page|60m|pod ml/p|s|1.5");      /* it fired when its minute was over */
	assert_int_equal(alerts_firing(s, -1, &worst), 2);
	buf_clear(&b);
	assert_true(put_own(own, &rule, key, true, &b));
	put_broken(&rule, &b);
	apply(s, "alerts", 0, &b);
	assert_int_equal(alerts_firing(s, -1, &worst), 1);              /* the one that Alertmanager has; a broken rule is no alert */
	assert_int_equal(worst, LEVEL_BAD);
	assert_int_equal(alerts_firing(s, 0, NULL), 0);
	row_is(s, 0, "rule/g/A", "A|error|page|-|-|the rule cannot be evaluated|-");
	rule_release(&rule);
	json_decref(managed), json_decref(own), json_decref(r);
	buf_release(&b);
	store_free(s);
}

static void test_odd_answers(void **state)
{
	static const char *const none[] = { "{}", "{'labels':{}}", "{'labels':5}", "{'labels':{'a':1}}", "[]", "'x'" };
	static const char *const some[] = { "{'labels':{'a':'b'},'status':5,'annotations':[1],'startsAt':7,'receivers':{'x':1}}",
		"{'labels':{'a':'b'},'status':{'state':'suppressed','silencedBy':'x'},'startsAt':'0001-01-01T00:00:00Z','generatorURL':'%zz?g0.expr=%4'}" };
	struct buf b = { 0 };
	struct rule rule;
	char key[20];
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		json_t *j = json(none[i]);
		assert_false(put_managed(j, &b, key) || put_own(j, NULL, key, false, &b) || put_silence(j, NULL, &b) || rule_read(j, "", "", &rule));
		json_decref(j);
	}
	assert_int_equal(b.len, 0);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		json_t *j = json(some[i]);
		assert_true(put_managed(j, &b, key) && put_own(j, NULL, key, false, &b));
		json_decref(j);
	}
	buf_release(&b);
}

static void test_long_texts_are_cut(void **state)
{
	struct buf b = { 0 };
	char key[20], *text = xcalloc(1, 3000001);
	memset(text, 'x', 3000000);
	json_t *j = json_pack("{s:{s:s, s:s}, s:{s:s, s:s}}", "labels", "alertname", "A", "l", text, "annotations", "summary", text, "more", text);
	assert_true(put_managed(j, &b, key));
	assert_true(b.len < 12000);
	free(text);
	json_decref(j);
	buf_release(&b);
}

/* ---- findings and changes */

static void test_findings_group_by_name(void **state)
{
	struct store *s = store_of_two();
	struct findings *f = findings_new(NULL);
	struct buf b = { 0 };
	for (int i = 0; i < 30; i++) {
		char pod[8], key[20];
		snprintf(pod, sizeof(pod), "p%d", i);
		json_t *j = json_pack("{s:{s:s, s:s, s:s, s:s}, s:s, s:{s:s}}", "labels", "alertname", i < 28 ? "A" : "B", "severity", i == 29 ? "none" :
			"page", "namespace", "ml", "pod", pod, "startsAt", "2026-11-21T02:00:00Z", "status", "state", i == 28 ? "suppressed" : "active");
		put_managed(j, &b, key);
		json_decref(j);
	}
	apply(s, "alerts", 1, &b);
	findings_update(f, s, NOW, true);
	const struct table *t = findings_table(f);
	assert_int_equal(t->count, 1);
	for (uint32_t i = 0; i < t->nslots; i++)
		if (table_row(t, i))
			assert_true(str_is(row_text(t, table_row(t, i), FINDING_WHAT), "A, and 27 more"));
	findings_free(f);
	buf_release(&b);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_about), cmocka_unit_test(test_levels), cmocka_unit_test(test_matchers),
		cmocka_unit_test(test_matching), cmocka_unit_test(test_exact_is_read_back), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_odd_answers), cmocka_unit_test(test_long_texts_are_cut), cmocka_unit_test(test_findings_group_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
