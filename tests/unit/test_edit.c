/* What an edited object comes to: differences of lines, YAML as a person writes it, merge patches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/list_keys.h"
#include "backends/kubernetes/yaml_in.h"
#include "backends/kubernetes/yaml_out.h"
#include "base/linediff.h"

static void diff_is(const char *a, const char *b, unsigned context, const char *want)
{
	struct buf out = { 0 };
	unsigned plus, minus;

	line_diff(str_of(a), str_of(b), context, &out, &plus, &minus);
	assert_string_equal(out.data ? out.data : "", want);
	buf_release(&out);
}

static void test_diff(void **state)
{
	diff_is("a\nb\n", "a\nb\n", 2, "");
	diff_is("", "a\n", 2, "@@ -0,0 +1,1 @@\n+a\n");
	diff_is("a\n", "", 2, "@@ -1,1 +0,0 @@\n-a\n");
	diff_is("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", 1, "@@ -4,3 +4,3 @@\n 4\n-5\n+x\n 6\n");
	/* two changes far apart are two hunks, near each other one */
	diff_is("a\n2\n3\n4\n5\n6\nb\n", "A\n2\n3\n4\n5\n6\nB\n", 1, "@@ -1,2 +1,2 @@\n-a\n+A\n 2\n@@ -6,2 +6,2 @@\n 6\n-b\n+B\n");
	diff_is("a\n2\nb\n", "A\n2\nB\n", 1, "@@ -1,3 +1,3 @@\n-a\n+A\n 2\n-b\n+B\n");
	/* what moved is told as little as can be */
	diff_is("a\nb\nc\nd\n", "b\nc\nd\na\n", 0, "@@ -1,1 +0,0 @@\n-a\n@@ -4,0 +4,1 @@\n+a\n");
}

static void reads(const char *yaml, const char *want)
{
	char why[300] = "";
	json_t *v = yaml_read(str_of(yaml), why, sizeof(why));
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

	assert_string_equal(text ? text : why, want);
	free(text);
	json_decref(v);
}

static void test_yaml(void **state)
{
	reads("a: 1\nb: -2\nc: 0644\nd: 0x1f\ne: 0o17\n", "{\"a\":1,\"b\":-2,\"c\":420,\"d\":31,\"e\":15}");
	reads("a: 1.5\nb: 1e3\nc: \"1\"\nd: '0x1'\ne: 1.2.3\nf: 12abc\n",
	      "{\"a\":1.5,\"b\":1000,\"c\":\"1\",\"d\":\"0x1\",\"e\":\"1.2.3\",\"f\":\"12abc\"}");
	reads("a: true\nb: No\nc: ON\nd: tRue\ne: ~\nf: null\ng:\n",
	      "{\"a\":true,\"b\":false,\"c\":true,\"d\":\"tRue\",\"e\":null,\"f\":null,\"g\":null}");
	reads("a: |\n  x\n  1\nb: [1, {c: d}]\n", "{\"a\":\"x\\n1\\n\",\"b\":[1,{\"c\":\"d\"}]}");
	reads("a: 2026-11-21T07:00:00Z\n", "{\"a\":\"2026-11-21T07:00:00Z\"}");
	reads("- a\n", "line 1: an object is wanted here: apiVersion, kind, metadata ...");
	reads("", "line 1: an object is wanted here: apiVersion, kind, metadata ...");
	reads("# only a comment\n", "line 1: an object is wanted here: apiVersion, kind, metadata ...");
	char why[300] = "";
	assert_null(yaml_read(STR("a: 1\nb: [\n"), why, sizeof(why)));
	assert_non_null(strstr(why, "line "));
}

/* What we write reads back as what it was. */
static void test_round(void **state)
{
	json_t *o = json_loads("{\"kind\":\"Pod\",\"n\":3,\"mode\":\"0644\",\"yes\":\"yes\",\"f\":0.25,\"nul\":null,\"e\":{},\"l\":[],"
	                       "\"t\":\"a\\nb\\n\",\"u\":\"\\u0007 \\\"\",\"s\":\"- x\",\"d\":\"2026-11-21\",\"o\":\"0o7\",\"b\":\"0b1\","
	                       "\"deep\":[[1,[2]],{\"x\":[{\"y\":\"#z\"}]}]}", 0, NULL), *back;
	struct buf b = { 0 };
	char why[300];

	yaml_write(&b, o, 0, NULL);
	back = yaml_read(buf_str(&b), why, sizeof(why));
	if (!json_equal(o, back))
		fail_msg("%s\n%s", b.data, back ? json_dumps(back, JSON_COMPACT) : why);
	buf_release(&b);
	json_decref(o);
	json_decref(back);
}

static void test_merge(void **state)
{
	json_t *from = json_loads("{\"spec\":{\"replicas\":2,\"paused\":true,\"list\":[1,2]},\"x\":{\"y\":1}}", 0, NULL);
	json_t *to = json_loads("{\"spec\":{\"replicas\":3,\"list\":[1]},\"x\":{\"y\":1},\"new\":{\"a\":\"b\"}}", 0, NULL);
	json_t *patch = merge_diff(from, to), *done = merge_apply(from, patch), *back = merge_diff(to, from);
	json_t *undone = merge_apply(to, back), *theirs = json_loads("{\"spec\":{\"replicas\":9,\"other\":1},\"x\":{\"y\":2}}", 0, NULL);
	char *text = json_dumps(patch, JSON_COMPACT | JSON_SORT_KEYS);
	struct buf b = { 0 };

	assert_string_equal(text, "{\"new\":{\"a\":\"b\"},\"spec\":{\"list\":[1],\"paused\":null,\"replicas\":3}}");
	assert_true(json_equal(done, to));
	assert_true(json_equal(undone, from));
	assert_int_equal(merge_clash(patch, theirs, "", &b), 1);
	assert_string_equal(b.data, "spec.replicas");
	buf_release(&b);
	free(text);
	json_decref(from), json_decref(to), json_decref(patch), json_decref(done), json_decref(back), json_decref(undone);
	json_decref(theirs);
}

#define POD(containers) "{\"spec\":{\"containers\":[" containers "],\"args\":[1]}}"

/* What one changed from base to mine, put on what others made of it meanwhile; or where both changed it. */
static void keyed_is(const char *base, const char *mine, const char *now, const char *want)
{
	json_t *o[3] = { json_loads(base, 0, NULL), json_loads(mine, 0, NULL), json_loads(now, 0, NULL) }, *k[3];
	json_t *patch, *theirs, *done, *plain;
	struct buf b = { 0 };
	char *text;

	for (int i = 0; i < 3; i++) {
		assert_non_null(o[i]);
		k[i] = lists_keyed(o[i]);
		plain = lists_plain(k[i]);
		assert_true(json_equal(plain, o[i]));
		json_decref(plain);
	}
	patch = merge_diff(k[0], k[1]);
	theirs = merge_diff(k[0], k[2]);
	done = merge_apply(k[2], patch);
	plain = lists_plain(done);
	text = json_dumps(plain, JSON_COMPACT);
	merge_clash(patch, theirs, "", &b);
	assert_string_equal(b.len ? b.data : text, want);
	for (int i = 0; i < 3; i++)
		json_decref(o[i]), json_decref(k[i]);
	json_decref(patch), json_decref(theirs), json_decref(done), json_decref(plain);
	buf_release(&b);
	free(text);
}

static void test_lists(void **state)
{
#define A1 "{\"name\":\"a\",\"image\":\"1\"}"
#define A2 "{\"name\":\"a\",\"image\":\"2\"}"
#define A3 "{\"name\":\"a\",\"image\":\"3\"}"
#define B1 "{\"name\":\"b\",\"ports\":[{\"containerPort\":80},{\"containerPort\":81}]}"
#define B2 "{\"name\":\"b\",\"ports\":[{\"containerPort\":80},{\"containerPort\":82}]}"
#define C "{\"name\":\"c\"}"
#define D "{\"name\":\"d\"}"
	/* one changes a, the other b: both stay */
	keyed_is(POD(A1 "," B1), POD(A2 "," B1), POD(A1 "," B2), POD(A2 "," B2));
	/* the same field of the same element */
	keyed_is(POD(A1), POD(A2), POD(A3), "spec.containers.a.image");
	/* each adds one; one is taken away, an added one stays */
	keyed_is(POD(A1), POD(A1 "," C), POD(A1 "," D), POD(A1 "," C "," D));
	keyed_is(POD(A1 "," B1), POD(A1), POD(A1 "," B1 "," D), POD(A1 "," D));
	/* taken away here, changed there */
	keyed_is(POD(A1 "," B1), POD(A1), POD(A1 "," B2), "spec.containers.b");
	/* the order is the user's */
	keyed_is(POD(A1 "," C), POD(C "," A1), POD(A2 "," C), POD(C "," A2));
	/* two elements of one name: the list is one thing, as is one without names */
	keyed_is(POD(C "," C), POD(C "," C "," D), POD(C "," C), POD(C "," C "," D));
	keyed_is(POD(C "," C), POD(C "," C "," D), POD(C "," C "," A1), "spec.containers");
	keyed_is(POD("{\"x\":1}"), POD("{\"x\":2}"), POD("{\"x\":1}"), POD("{\"x\":2}"));
	/* the whole list comes or goes */
	keyed_is("{\"spec\":{}}", POD(A1), "{\"spec\":{}}", POD(A1));
	keyed_is(POD(A1), "{\"spec\":{}}", POD(A1), "{\"spec\":{}}");
}

static void test_line_named(void **state)
{
	const char text[] = "# a comment\napiVersion: v1\nspec:\n  replicas: many\n  template:\n    spec:\n      containers:\n      - name: a\n"
		"      - name: b\n        image: \"\"\n        imagePulPolicy: x\n  a: 1\n";
	static const struct { unsigned line; const char *error; } all[] = {
		{ 4, "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32" },
		{ 10, "Deployment.apps \"web\" is invalid: spec.template.spec.containers[1].image: Required value" },
		{ 11, "strict decoding error: unknown field \"spec.template.spec.containers[1].imagePulPolicy\"" },
		{ 9, "spec.template.spec.containers[1].ports: Invalid value" }, { 7, "spec.template.spec.containers[7].image: what" },
		{ 0, "the object has been modified" }, { 0, "" }, { 0, "metadata.: x" }, { 0, "nospec" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (yaml_line_named(str_of(text), all[i].error) != all[i].line)
			fail_msg("%u, want %u: %s", yaml_line_named(str_of(text), all[i].error), all[i].line, all[i].error);
	assert_int_equal(yaml_line_named(str_of("a: ["), all[0].error), 0);
}

static void test_tolerations(void **state)
{
	static const struct { const char *tolerations; bool yes; int seconds; } all[] = {
		{ "[]", false, -1 },
		{ "[{\"operator\":\"Exists\"}]", true, -1 },
		{ "[{\"key\":\"gpu\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}]", true, 300 },
		{ "[{\"key\":\"gpu\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}]", false, -1 },
		{ "[{\"key\":\"gpu\",\"value\":\"broken\"}]", true, -1 },
		{ "[{\"key\":\"gpu\",\"operator\":\"Equal\",\"value\":\"well\"}]", false, -1 },
		{ "[{\"key\":\"cpu\",\"operator\":\"Exists\"}]", false, -1 },
	};
	json_t *taint = json_loads("{\"key\":\"gpu\",\"value\":\"broken\",\"effect\":\"NoExecute\"}", 0, NULL);

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		json_t *pod = json_pack("{s{so}}", "spec", "tolerations", json_loads(all[i].tolerations, 0, NULL));
		json_int_t seconds;

		assert_int_equal(taint_tolerated(pod, taint, &seconds), all[i].yes);
		assert_int_equal(seconds, all[i].seconds);
		json_decref(pod);
	}
	json_decref(taint);
}

static void test_editable(void **state)
{
	json_t *o = json_loads("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"7\","
	                       "\"managedFields\":[]},\"data\":{\"k\":\"aGk=\"},\"status\":{\"x\":1}}", 0, NULL);
	struct buf b = { 0 };

	doc_editable(o, &b);
	assert_string_equal(b.data, "apiVersion: v1\ndata:\n  k: aGk=\nkind: Secret\nmetadata:\n  name: a\n");
	assert_non_null(json_object_get(o, "status"));
	buf_release(&b);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff), cmocka_unit_test(test_yaml), cmocka_unit_test(test_round), cmocka_unit_test(test_merge), cmocka_unit_test(test_lists), cmocka_unit_test(test_line_named),
		cmocka_unit_test(test_tolerations), cmocka_unit_test(test_editable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
