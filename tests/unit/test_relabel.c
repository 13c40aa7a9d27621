/* alert_relabel_configs: what Prometheus does to labels on the way to Alertmanager. The first cases are as its own tests have them. */
#include "backends/alerts/alerts.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct relabel *rules_of(const char *yaml, char why[160])
{
	struct yaml_error err;
	struct relabel *r = NULL;
	struct yaml_doc *doc = yaml_parse(str_of(yaml), &err);
	assert_non_null(doc);
	*why = '\0';
	assert_int_equal(relabel_read(&r, yaml_root(doc), why, 160), !*why);
	yaml_doc_free(doc);
	return r;
}

/* want: labels in order as "a=1 b=2", "-" where it is not sent. */
static void becomes(const char *labels, const char *yaml, const char *want)
{
	char why[160];
	struct relabel *r = rules_of(yaml, why);
	struct str rest = str_of(labels);
	struct buf got = { 0 };
	json_t *o = json_object();
	while (rest.n) {
		struct str value = str_split(&rest, ' '), name = str_split(&value, '=');
		json_object_setn_new(o, name.p, name.n, json_stringn(value.p, value.n));
	}
	assert_string_equal(why, "");
	bool sent = relabel_apply(r, o);
	struct label_set s;
	labels_read(o, &s);
	for (unsigned i = 0; sent && i < s.n; i++)
		buf_addf(&got, "%s" STR_FMT "=" STR_FMT, i ? " " : "", STR_ARG(s.l[i].name), STR_ARG(s.l[i].value));
	buf_adds(&got, sent ? "" : "-");
	if (strcmp(got.data, want))
		fail_msg("%s by %s is '%s', not '%s'", labels, yaml, got.data, want);
	buf_release(&got);
	json_decref(o);
	relabel_free(r);
}

static void as_prometheus_does(void **state)
{
	becomes("a=foo b=bar c=baz", "[{source_labels: [a], regex: 'f(.*)', target_label: d, separator: ';', replacement: 'ch${1}-ch${1}'}]",
		"a=foo b=bar c=baz d=choo-choo");
	becomes("a=foo b=bar c=baz", "[{source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: a, replacement: 'b${1}${2}m'},"
		"{source_labels: [c, a], regex: '(b).*b(.*)ba(.*)', target_label: d, replacement: '$1$2$2$3'}]",
		"a=boobam b=bar c=baz d=boooom");
	becomes("a=foo", "[{source_labels: [a], regex: '.*o.*', action: drop}, {source_labels: [a], regex: 'f(.*)', target_label: d}]", "-");
	becomes("a=foo b=bar", "[{source_labels: [a], regex: '.*o.*', action: drop}]", "-");
	becomes("a=abc", "[{source_labels: [a], regex: '.*(b).*', target_label: d, replacement: '$1'}]", "a=abc d=b");
	becomes("a=foo", "[{source_labels: [a], regex: no-match, action: drop}]", "a=foo");
	becomes("a=foo", "[{source_labels: [a], regex: 'f|o', action: drop}]", "a=foo");
	becomes("a=foo", "[{source_labels: [a], regex: no-match, action: keep}]", "-");
	becomes("a=foo", "[{source_labels: [a], regex: 'f.*', action: keep}]", "a=foo");
	becomes("a=boo", "[{source_labels: [a], regex: f, target_label: b, replacement: bar}]", "a=boo");
	becomes("a=foo b1=bar b2=baz", "[{regex: '(b.*)', replacement: 'bar_${1}', action: labelmap}]",
		"a=foo b1=bar b2=baz bar_b1=bar bar_b2=baz");
	becomes("a=foo __meta_my_bar=aaa __meta_my_baz=bbb __meta_other=ccc", "[{regex: '__meta_(my.*)', action: labelmap}]",
		"__meta_my_bar=aaa __meta_my_baz=bbb __meta_other=ccc a=foo my_bar=aaa my_baz=bbb");
	becomes("a=some-name-value", "[{source_labels: [a], regex: 'some-([^-]+)-([^,]+)', target_label: '${1}', replacement: '${2}'}]",
		"a=some-name-value name=value");
	becomes("a=foo b1=bar b2=baz", "[{regex: '(b.*)', action: labeldrop}]", "a=foo");
	becomes("a=foo b1=bar b2=baz", "[{regex: '(b.*)', action: labelkeep}]", "b1=bar b2=baz");
	becomes("foo=bAr123Foo", "[{source_labels: [foo], action: uppercase, target_label: up}, {source_labels: [foo], action: Lowercase, "
		"target_label: low}]", "foo=bAr123Foo low=bar123foo up=BAR123FOO");
	becomes("p=1234 container_port=1234", "[{source_labels: [p], target_label: container_port, action: keepequal}]", "container_port=1234 p=1234");
	becomes("p=1234 container_port=5678", "[{source_labels: [p], target_label: container_port, action: keepequal}]", "-");
	becomes("p=1234 container_port=1234", "[{source_labels: [p], target_label: container_port, action: dropequal}]", "-");
}

static void as_installed(void **state)
{
	/* the operator's */
	becomes("alertname=A prometheus=m/k8s prometheus_replica=prom-0", "[{separator: ;, regex: prometheus_replica, replacement: $1, action: labeldrop}]",
		"alertname=A prometheus=m/k8s");
	becomes("a=1", "[]", "a=1");
	becomes("a=1", "", "a=1");
	becomes("a=1", "[{target_label: cluster, replacement: prod}]", "a=1 cluster=prod");
	becomes("a=1 b=2", "[{target_label: b, replacement: ''}]", "a=1");                     /* an empty value is no label */
	becomes("a=1 b=2", "[{source_labels: [none], target_label: b}]", "a=1");
	becomes("a=1", "[{source_labels: [a], target_label: b, replacement: 'x$$y$name${z}$9$'}]", "a=1 b=x$y$");
}

static void what_is_not_followed_is_said(void **state)
{
	static const struct { const char *yaml, *why; } bad[] = {
		{ "[{action: labeldrop, regex: a}, {action: hashmod, modulus: 5, target_label: b, source_labels: [a]}]", "a rule with action 'hashmod'" },
		{ "[{action: drop, regex: '\\d+', source_labels: [a]}]", "a rule with the expression '\\d+': it is not POSIX's" },
		{ "[{action: drop, regex: '(?i)a', source_labels: [a]}]", "a rule with the expression '(?i)a': it is not POSIX's" },
		{ "[{action: drop, regex: 'a+?', source_labels: [a]}]", "a rule with the expression 'a+?': it is not POSIX's" },
		{ "[{action: drop, regex: '[\\.a]', source_labels: [a]}]", "a rule with the expression '[\\.a]': it is not POSIX's" },
		{ "[{action: drop, regex: '(a{99}){99}', source_labels: [a]}]", "a rule with the expression '(a{99}){99}': it repeats too much" },
		{ "[{action: drop, regex: '(', source_labels: [a]}]", NULL },
		{ "[5]", NULL },
	};
	char why[160];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct relabel *r = NULL;
		struct yaml_error err;
		struct yaml_doc *doc = yaml_parse(str_of(bad[i].yaml), &err);
		bool ok = relabel_read(&r, yaml_root(doc), why, sizeof(why));
		if (bad[i].why) {
			assert_false(ok);
			assert_null(r);
			assert_string_equal(why, bad[i].why);
		}
		relabel_free(r);
		yaml_doc_free(doc);
	}
}

/* A hundred rules that double a text do not fill the memory. */
static void texts_stay_small(void **state)
{
	struct buf yaml = { 0 };
	char why[160];
	buf_adds(&yaml, "[");
	for (int i = 0; i < 100; i++)
		buf_adds(&yaml, "{source_labels: [a], target_label: a, replacement: '$1$1$1$1'}, {regex: '(.*)', action: labelmap, replacement: '${1}x'},");
	buf_adds(&yaml, "]");
	struct relabel *r = rules_of(yaml.data, why);
	assert_string_equal(why, "");
	json_t *o = json_pack("{s:s}", "a", "ab");
	assert_true(relabel_apply(r, o));
	assert_true(json_object_size(o) <= 256);
	assert_true(json_string_length(json_object_get(o, "a")) < 100000);
	json_decref(o);
	relabel_free(r);
	buf_release(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_prometheus_does), cmocka_unit_test(as_installed), cmocka_unit_test(what_is_not_followed_is_said),
		cmocka_unit_test(texts_stay_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
