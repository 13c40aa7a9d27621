/* Objects as text: what is written reads back as what it was, secrets stay masked; and the small parts of plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/event.h"
#include "backends/kubernetes/plan.h"
#include "backends/kubernetes/yaml_out.h"
#include "base/yaml.h"

#define NOW 1795244400000     /* 2026-11-21T07:00:00Z */

static json_t *parse(const char *text)
{
	json_error_t err;
	json_t *v = json_loads(text, 0, &err);

	if (!v)
		fail_msg("%s in %s", err.text, text);
	return v;
}

/* ---- YAML */

static void test_kubectls_form(void **state)
{
	json_t *o = parse("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"labels\":{},\"managedFields\":[{\"manager\":"
		"\"kubectl\",\"operation\":\"Apply\"},{\"manager\":\"kubelet\",\"operation\":\"Update\",\"subresource\":\"status\"}]},"
		"\"spec\":{\"n\":3,\"on\":true,\"none\":null,\"text\":\"true\",\"when\":\"2026-11-21T07:00:00Z\",\"many\":\"a\\nb\\n\","
		"\"list\":[1,{\"x\":[],\"a\":\"b: c\"},[\"q\"]],\"args\":[\"-x\",\"--y=z\",\"*\"]}}");
	struct buf out = { 0 };

	doc_yaml(o, false, &out);
	assert_string_equal(out.data,
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata:\n"
		"  labels: {}\n"
		"  managedFields: [] # 2 folded: kubectl Apply, kubelet Update of status\n"
		"  name: a\n"
		"spec:\n"
		"  args:\n"
		"  - -x\n"
		"  - --y=z\n"
		"  - '*'\n"
		"  list:\n"
		"  - 1\n"
		"  - a: 'b: c'\n"
		"    x: []\n"
		"  -\n"
		"    - q\n"
		"  many: |\n"
		"    a\n"
		"    b\n"
		"  \"n\": 3\n"
		"  none: null\n"
		"  \"on\": true\n"
		"  text: \"true\"\n"
		"  when: \"2026-11-21T07:00:00Z\"\n");
	buf_release(&out);
	json_decref(o);
}

/* Whatever the text, a reader gets it back. */
static void check_back(struct str text)
{
	struct buf out = { 0 };
	struct yaml_error err;
	struct yaml_doc *doc;
	const struct yaml *v;

	buf_adds(&out, "a:\n  k: ");
	yaml_write_text(&out, text, 2);
	buf_adds(&out, "\n  z: end\n");
	doc = yaml_parse(buf_str(&out), &err);
	if (!doc)
		fail_msg("%s at %u: %s", err.what, err.line, out.data);
	v = yaml_get(yaml_get(yaml_root(doc), "a"), "k");
	if (!v || v->type != YAML_SCALAR || !str_eq(v->text, text))
		fail_msg("'%.*s' was written as\n%s\nand read as '%.*s'", (int)text.n, text.p, out.data, v ? (int)v->text.n : 0,
		         v ? v->text.p : "");
	assert_string_equal(yaml_text(yaml_get(yaml_root(doc), "a"), "z"), "end");
	yaml_doc_free(doc);
	buf_release(&out);
}

static void test_texts_read_back(void **state)
{
	static const char *const texts[] = { "", " ", "a b", " a", "a ", "a:", "a: b", "a #b", "#", "- a", "-", "?", "? a", ":", "---", "...",
		"{}", "[x", "'", "''", "\"", "it's", "%", "@a", "`", "!x", "&x", "*x", "|", ">", "a\nb", "a\nb\n", "a\n\n", "\na", "\n", "\n\n",
		" a\nb", "a\n  b\n", "a\n \nb", "\ta", "a\tb", "a\n\tb", "a\r\nb", "x\x01y", "x\x7fy", "\xc2\x85", "\xe2\x80\xa8", ("\xef\xbb\xbf" "a"),
		"yes", "No", "1", "1.5", "0x1f", "1e3", "1_000", "12:30", "~", "null", ".inf", "2026-11-21", "\xc3\xa9t\xc3\xa9", "\\n", "a\\", "key: |\n  x",
		"a,b", "C:\\x", "\n a", "a\n#b\n", "#a\nb", "a\n---\nb", "a\n...\n", "<<", "=" };
	struct buf out = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check_back(str_of(texts[i]));
	yaml_write_text(&out, (struct str){ "a\0b", 3 }, 0);          /* our own reader refuses NUL */
	assert_string_equal(out.data, "\"a\\x00b\"");
	buf_release(&out);
}

static void test_any_bytes_read_back(void **state)
{
	static const char alphabet[] = " \n\t:#-'\"\\{}[],&*!|>%@`ab1~.=\r\x01?";
	uint32_t seed = 7;
	char text[24];

	for (int round = 0; round < 20000; round++) {
		size_t n = 0, want = (seed >> 8) % sizeof(text);

		for (; n < want; n++) {
			seed = seed * 1664525 + 1013904223;
			text[n] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		seed = seed * 1664525 + 1013904223;
		check_back((struct str){ text, n });
	}
}

static void test_secrets_are_masked(void **state)
{
	static const char secret[] = "{\"kind\":\"Secret\",\"metadata\":{\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"aHVudGVyMg==\"}},"
		"\"data\":{\"password\":\"aHVudGVyMg==\",\"empty\":\"\"},\"stringData\":{\"x\":\"aHVudGVyMg==\"}}";
	json_t *o = parse(secret);
	struct buf out = { 0 };

	doc_yaml(o, false, &out);
	assert_null(strstr(out.data, "aHVudGVyMg"));
	assert_non_null(strstr(out.data, "password: '*** (7 bytes)'"));
	assert_non_null(strstr(out.data, "empty: '*** (0 bytes)'"));
	buf_clear(&out);
	json_decref(o);
	o = parse(secret);
	doc_yaml(o, true, &out);
	assert_non_null(strstr(out.data, "password: aHVudGVyMg=="));
	buf_clear(&out);
	json_decref(o);
	o = parse(secret);
	doc_describe(o, NULL, NOW, &out);
	assert_null(strstr(out.data, "aHVudGVyMg"));
	buf_release(&out);
	json_decref(o);
}

/* ---- describe */

static void test_describe_pod(void **state)
{
	json_t *o = parse("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"ml\",\"creationTimestamp\":\"2026-11-21T06:56:00Z\"},"
		"\"spec\":{\"nodeName\":\"gpu-2\",\"containers\":[{\"name\":\"server\",\"image\":\"i\",\"resources\":{\"limits\":{\"memory\":\"512Mi\"}},"
		"\"livenessProbe\":{\"httpGet\":{\"path\":\"/z\",\"port\":80}},\"env\":[{\"name\":\"K\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}]}]},"
		"\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"server\",\"restartCount\":4,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},"
		"\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\",\"finishedAt\":\"2026-11-21T06:59:00Z\"}}}]}}");
	json_t *events = parse("[{\"type\":\"Normal\",\"reason\":\"Newer\",\"note\":\"n\",\"series\":{\"count\":5,\"lastObservedTime\":\"2026-11-21T06:59:30.5Z\"},"
		"\"eventTime\":\"2026-11-21T06:50:00Z\"},{\"type\":\"Warning\",\"reason\":\"Older\",\"message\":\"m\",\"lastTimestamp\":\"2026-11-21T06:58:00Z\"}]");
	struct buf out = { 0 };

	doc_describe(o, events, NOW, &out);
	assert_non_null(strstr(out.data, "Pod ml/a\n"));
	assert_non_null(strstr(out.data, "4m ago"));
	assert_non_null(strstr(out.data, "waiting: CrashLoopBackOff, not ready"));
	assert_non_null(strstr(out.data, "ended with exit code 137 OOMKilled 60s ago"));
	assert_non_null(strstr(out.data, "memory 512Mi"));
	assert_non_null(strstr(out.data, "GET HTTP://:80/z"));
	assert_non_null(strstr(out.data, "K from secret s, key k"));
	assert_non_null(strstr(out.data, "(x5 over 10m)"));
	assert_true(strstr(out.data, "Older") < strstr(out.data, "Newer"));     /* the newest last */
	buf_release(&out);
	json_decref(events);
	json_decref(o);
}

/* Nothing where something should be, and the wrong things everywhere. */
static void test_describe_survives(void **state)
{
	static const char *const odd[] = { "{}", "{\"kind\":\"Pod\"}", "{\"kind\":\"Pod\",\"metadata\":[],\"spec\":5,\"status\":\"x\"}",
		"{\"kind\":\"Pod\",\"spec\":{\"containers\":[1,null,\"x\",{}],\"volumes\":[[]],\"tolerations\":{}},\"status\":{\"containerStatuses\":[7]}}",
		"{\"kind\":\"Node\",\"spec\":{\"taints\":[3]},\"status\":{\"capacity\":[],\"addresses\":{\"a\":1}}}",
		"{\"kind\":\"Secret\",\"data\":[1],\"stringData\":4}", "{\"kind\":\"Deployment\",\"spec\":{\"template\":{\"spec\":{\"containers\":{}}}}}" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		json_t *o = parse(odd[i]), *events = parse("[1,{},{\"series\":4}]");
		struct buf out = { 0 };

		doc_describe(o, events, NOW, &out);
		doc_yaml(o, false, &out);
		assert_true(out.len > 0);
		buf_release(&out);
		json_decref(events);
		json_decref(o);
	}
}

/* ---- plans */

static void test_print_ignores_status(void **state)
{
	json_t *o = parse("{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\",\"managedFields\":[]},\"spec\":{\"a\":1},\"status\":{\"x\":1}}");
	json_t *later = parse("{\"status\":{\"x\":2},\"spec\":{\"a\":1},\"metadata\":{\"resourceVersion\":\"2\",\"uid\":\"u\",\"generation\":4},\"kind\":\"Pod\"}");
	json_t *other = parse("{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\"},\"spec\":{\"a\":2}}");
	char a[17], b[17], c[17];

	object_print(o, a);
	object_print(later, b);
	object_print(other, c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_equal(jtext(o, "metadata.resourceVersion"), "1");     /* not changed by looking */
	json_decref(o);
	json_decref(later);
	json_decref(other);
}

/* A cordon makes a controller add its taint a moment later: that is no change of ours to stumble over. */
static void test_print_ignores_taints_of_status(void **state)
{
	json_t *o = parse("{\"kind\":\"Node\",\"spec\":{\"unschedulable\":true}}");
	json_t *later = parse("{\"kind\":\"Node\",\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"node.kubernetes.io/unschedulable\"}]}}");
	json_t *other = parse("{\"kind\":\"Node\",\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"gpu\"}]}}");
	char a[17], b[17], c[17];

	object_print(o, a);
	object_print(later, b);
	object_print(other, c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	json_decref(o);
	json_decref(later);
	json_decref(other);
}

static void test_version_is_replaced(void **state)
{
	static const char *const bodies[][2] = {
		{ "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\"}}", "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"9\"}}" },
		{ "{\"preconditions\":{\"resourceVersion\":\"1\"}}", "{\"preconditions\":{\"resourceVersion\":\"9\"}}" },
		{ "{\"metadata\":{\"name\":\"x\"},\"deleteOptions\":{\"preconditions\":{\"resourceVersion\":\"1\"}}}",
		  "{\"metadata\":{\"name\":\"x\"},\"deleteOptions\":{\"preconditions\":{\"resourceVersion\":\"9\"}}}" },
		{ "[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"1\"}]", "[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"9\"}]" },
		{ "{\"deleteOptions\":{\"preconditions\":{\"uid\":\"u\"}}}", NULL },
		{ "[]", NULL },
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		json_t *body = parse(bodies[i][0]);
		bool set = body_set_version(body, "9");
		char *text = json_dumps(body, JSON_COMPACT);

		assert_int_equal(set, bodies[i][1] != NULL);
		assert_string_equal(text, bodies[i][1] ? bodies[i][1] : bodies[i][0]);
		free(text);
		json_decref(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kubectls_form), cmocka_unit_test(test_texts_read_back), cmocka_unit_test(test_any_bytes_read_back),
		cmocka_unit_test(test_secrets_are_masked), cmocka_unit_test(test_describe_pod), cmocka_unit_test(test_describe_survives),
		cmocka_unit_test(test_print_ignores_status), cmocka_unit_test(test_print_ignores_taints_of_status),
		cmocka_unit_test(test_version_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
