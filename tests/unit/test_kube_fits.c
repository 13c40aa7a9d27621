/* What becomes of pods when nodes go, and how traffic and replicas of served models are set: the arithmetic and the plans, on
 * objects that are whole, odd, and wrong. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
/* Of the functions that ask a server nothing is wanted here. */
#define plan_need(p, ...) ((void)(p))
#define plan_warn_owners(p, field) ((void)(p))
#include "backends/kubernetes/act_serving.c"
#include "backends/kubernetes/fits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* ---- fits */

static json_t *node(const char *name, const char *cpu, const char *more)
{
	json_t *o = json_pack("{s:{s:s, s:{s:s}}, s:{}, s:{s:{s:s, s:s, s:s}}}", "metadata", "name", name, "labels", "pool", name, "spec", "status",
		"allocatable", "cpu", cpu, "memory", "8Gi", "pods", "10"), *spec = json_loads(more, 0, NULL);
	assert_non_null(spec);
	json_object_set_new(o, "spec", spec);
	return o;
}

static json_t *pod(const char *name, const char *on, const char *cpu, const char *owner, const char *more)
{
	json_t *o = json_pack("{s:{s:s, s:s, s:[{s:s, s:s, s:b}]}, s:{s:s, s:[{s:s, s:{s:{s:s}}}]}, s:{s:s}}", "metadata", "name", name, "namespace", "ml",
		"ownerReferences", "kind", owner, "name", "x", "controller", 1, "spec", "nodeName", on, "containers", "name", "c", "resources", "requests",
		"cpu", cpu, "status", "phase", "Running"), *extra = json_loads(more, 0, NULL);
	assert_non_null(extra);
	json_object_update(json_object_get(o, "spec"), extra);
	json_decref(extra);
	return o;
}

static bool goes(void *arg, const json_t *o)
{
	return !strcmp(jtext(o, "metadata.name"), arg);
}

static void expect(json_t *nodes, json_t *pods, const char *gone, unsigned n, unsigned on, unsigned stuck, const char *names)
{
	struct fits f = fits_elsewhere(nodes, pods, goes, (void *)(uintptr_t)gone);
	assert_int_equal(f.nodes, n);
	assert_int_equal(f.pods, on);
	assert_int_equal(f.stuck.n, stuck);
	assert_string_equal(few_end(&f.stuck), names);
	buf_release(&f.stuck.text);
	json_decref(nodes);
	json_decref(pods);
}

static void pods_find_places(void **state)
{
	(void)state;
	/* two of one CPU each fit where two are free, beside one that is there */
	expect(json_pack("[o, o]", node("a", "4", "{}"), node("b", "3", "{}")), json_pack("[o, o, o]", pod("p", "a", "1", "ReplicaSet", "{}"),
		pod("q", "a", "1", "ReplicaSet", "{}"), pod("r", "b", "1", "ReplicaSet", "{}")), "a", 1, 2, 0, "");
	/* of three, one is stuck; those of daemon sets do not count */
	expect(json_pack("[o, o]", node("a", "4", "{}"), node("b", "3", "{}")), json_pack("[o, o, o, o, o]", pod("p", "a", "1500m", "ReplicaSet", "{}"),
		pod("q", "a", "1", "ReplicaSet", "{}"), pod("s", "a", "1", "ReplicaSet", "{}"), pod("d", "a", "1", "DaemonSet", "{}"),
		pod("r", "b", "1", "ReplicaSet", "{}")), "a", 1, 3, 2, "ml/q, ml/s");
	/* a taint, a cordon, a selector */
	expect(json_pack("[o, o]", node("a", "4", "{}"), node("b", "9", "{\"taints\": [{\"key\": \"k\", \"value\": \"v\", \"effect\": \"NoSchedule\"}]}")),
		json_pack("[o, o]", pod("p", "a", "1", "ReplicaSet", "{}"), pod("t", "a", "1", "ReplicaSet",
		"{\"tolerations\": [{\"key\": \"k\", \"operator\": \"Exists\"}]}")), "a", 1, 2, 1, "ml/p");
	expect(json_pack("[o, o]", node("a", "4", "{}"), node("b", "9", "{\"unschedulable\": true}")),
		json_pack("[o]", pod("p", "a", "1", "ReplicaSet", "{}")), "a", 1, 1, 1, "ml/p");
	expect(json_pack("[o, o]", node("a", "4", "{}"), node("b", "9", "{}")),
		json_pack("[o]", pod("p", "a", "1", "ReplicaSet", "{\"nodeSelector\": {\"pool\": \"a\"}}")), "a", 1, 1, 1, "ml/p");
}

/* Wrong types, nothing at all: no crash, and nobody is called stuck who is not there. */
static void odd_objects_fit_nowhere(void **state)
{
	(void)state;
	expect(json_array(), json_array(), "a", 0, 0, 0, "");
	expect(json_loads("[{\"metadata\": {\"name\": \"a\"}}, 7, null, {\"metadata\": {\"name\": \"b\"}, \"status\": {\"allocatable\": {\"cpu\": []}}}]", 0, NULL),
		json_loads("[{\"metadata\": {\"name\": \"p\", \"namespace\": \"ml\"}, \"spec\": {\"nodeName\": \"a\", \"containers\": [{\"resources\": {\"requests\": "
		"{\"cpu\": \"1\"}}}]}, \"status\": {\"phase\": \"Running\"}}, \"text\", {\"spec\": {\"nodeName\": 3}}]", 0, NULL), "a", 1, 1, 1, "ml/p");
}

/* ---- shares and replicas */

struct setup { struct plan p; struct work w; struct kube_api api; struct target t; };

static void plan_of(struct setup *s, const char *kind, const char *object, const char *params)
{
	*s = (struct setup){ .api = { .group = "g", .version = "v1", .plural = "things", .kind = kind,
		.singular = "thing", .namespaced = true } };
	s->w.params = json_loads(params, 0, NULL);
	s->p = (struct plan){ .w = &s->w, .object = json_loads(object, 0, NULL), .out = json_object(), .ns = "ml", .name = "price", .uid = "u", .version = "7" };
	s->p.t.api = &s->api;
	assert_non_null(s->w.params);
	assert_non_null(s->p.object);
}

static void drop(struct setup *s)
{
	json_decref(s->w.params);
	json_decref(s->p.object);
	json_decref(s->p.out);
}

/* The body of its only request; "": nothing is sent. */
static const char *body(const struct setup *s)
{
	const json_t *steps = json_object_get(s->p.out, "steps");
	assert_true(json_array_size(steps) < 2);
	return json_array_size(steps) ? jtext(json_array_get(steps, 0), "body") : "";
}

static void canary(const char *kind, const char *object, const char *params, const char *says, const char *sends)
{
	struct setup s;
	plan_of(&s, kind, object, params);
	assert_true(plan_canary(&s.p));
	if (*says)
		assert_non_null(strstr(*jtext(s.p.out, "blocked") ? jtext(s.p.out, "blocked") : jtext(s.p.out, "already"), says));
	else
		assert_string_equal(jtext(s.p.out, "blocked"), "");
	if (*sends && !strstr(body(&s), sends))
		fail_msg("'%s' is not in '%s'", sends, body(&s));
	if (!*sends)
		assert_string_equal(body(&s), "");
	drop(&s);
}

#define ISVC "InferenceService"
#define SDEP "SeldonDeployment"
#define TWO "{\"spec\":{\"predictors\":[{\"name\":\"main\",\"traffic\":80,\"replicas\":2},{\"name\":\"new\",\"traffic\":20}]}}"

static void shares_are_split(void **state)
{
	(void)state;
	canary(ISVC, "{\"spec\":{\"predictor\":{\"canaryTrafficPercent\":10}}}", "{\"weight\":50}", "", "\"canaryTrafficPercent\":50");
	canary(ISVC, "{\"spec\":{\"predictor\":{\"canaryTrafficPercent\":10}}}", "{\"weight\":\"100\"}", "", "\"canaryTrafficPercent\":null");
	canary(ISVC, "{}", "{\"weight\":100}", "has 100 % already", "");
	canary(ISVC, "{}", "{\"weight\":101}", "from 0 to 100", "");
	canary(ISVC, "{}", "{}", "from 0 to 100", "");
	canary(ISVC, "{\"status\":{\"deploymentMode\":\"RawDeployment\"}}", "{\"weight\":5}", "ignores canaryTrafficPercent", "canaryTrafficPercent\":5");
	canary(SDEP, TWO, "{\"weight\":30}", "", "\"path\":\"/spec/predictors/0/traffic\",\"value\":70");
	canary(SDEP, TWO, "{\"weight\":30}", "", "\"path\":\"/metadata/resourceVersion\",\"value\":\"7\"");
	canary(SDEP, TWO, "{\"weight\":20}", "has 20 %", "");
	canary(SDEP, TWO, "{\"weight\":5,\"predictor\":\"other\"}", "no predictor 'other'", "");
	canary(SDEP, "{\"spec\":{\"predictors\":[{\"name\":\"main\"}]}}", "{\"weight\":5}", "one predictor only", "");
	canary(SDEP, "{\"spec\":{\"predictors\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"s\",\"shadow\":true}]}}", "{\"weight\":5,\"predictor\":\"s\"}", "is a shadow", "");
	canary(SDEP, "{\"spec\":{\"predictors\":\"none\"}}", "{\"weight\":5}", "no predictors", "");
	/* 100 among three: what rounding leaves goes to the first */
	json_int_t has[3] = { 34, 33, 33 }, want[3];
	json_t *all = json_loads("[{}, {}, {}]", 0, NULL);
	seldon_split(all, has, want, 3, 2, 50);
	assert_int_equal(want[0] + want[1] + want[2], 100);
	assert_int_equal(want[2], 50);
	seldon_split(all, (json_int_t[]){ 0, 0, 100 }, want, 3, 2, 40);          /* nobody else had any */
	assert_int_equal(want[0], 60);
	assert_int_equal(want[1], 0);
	json_decref(all);
}

static void replicas_are_set(void **state)
{
	struct setup s;
	(void)state;
	plan_of(&s, ISVC, "{\"spec\":{\"predictor\":{\"minReplicas\":1}}}", "{\"min\":\"0\"}");
	assert_true(plan_scale_serving(&s.p));
	assert_non_null(strstr(body(&s), "\"minReplicas\":0"));
	assert_non_null(strstr(body(&s), "\"maxReplicas\":null"));                       /* it had none: none it keeps */
	assert_int_equal(json_integer_value(jat(s.p.out, "undo.params.unset_max")), 1);
	drop(&s);
	plan_of(&s, ISVC, "{\"spec\":{\"predictor\":{\"minReplicas\":1}}}", "{\"min\":4,\"max\":2}");
	plan_scale_serving(&s.p);
	assert_non_null(strstr(jtext(s.p.out, "blocked"), "at least 4 is more than at most 2"));
	drop(&s);
	plan_of(&s, SDEP, TWO, "{\"replicas\":3,\"predictor\":\"new\"}");
	plan_scale_serving(&s.p);
	assert_non_null(strstr(body(&s), "\"op\":\"add\",\"path\":\"/spec/predictors/1/replicas\",\"value\":3"));
	assert_int_equal(json_integer_value(jat(s.p.out, "undo.params.unset")), 1);
	drop(&s);
	plan_of(&s, SDEP, TWO, "{\"replicas\":3}");
	plan_scale_serving(&s.p);
	assert_non_null(strstr(jtext(s.p.out, "blocked"), "say which one"));
	drop(&s);
}

/* What a controller says of it: at rest, under way, silent, and nonsense. */
static void controllers_are_understood(void **state)
{
	static const struct { const char *object; bool canary, settled, silent; } all[] = {
		{ "{\"kind\":\"InferenceService\",\"metadata\":{\"generation\":2},\"spec\":{\"predictor\":{\"canaryTrafficPercent\":30}},\"status\":{\"observedGeneration\":2,"
		  "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"components\":{\"predictor\":{\"traffic\":[{\"latestRevision\":true,\"percent\":30}]}}}}", true, true, false },
		{ "{\"kind\":\"InferenceService\",\"metadata\":{\"generation\":2},\"spec\":{\"predictor\":{\"canaryTrafficPercent\":30}},\"status\":{\"observedGeneration\":2,"
		  "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"components\":{\"predictor\":{\"traffic\":[{\"latestRevision\":true,\"percent\":10}]}}}}", true, false, false },
		{ "{\"kind\":\"InferenceService\",\"metadata\":{\"generation\":1}}", true, false, true },
		{ "{\"kind\":\"InferenceService\",\"status\":{\"conditions\":\"none\",\"components\":7}}", true, false, true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		json_t *o = json_loads(all[i].object, 0, NULL);
		bool silent, failed = false;
		char say[300] = "";
		assert_non_null(o);
		assert_int_equal(settled(o, all[i].canary, say, sizeof(say), &silent, &failed), all[i].settled);
		assert_int_equal(silent, all[i].silent);
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(pods_find_places), cmocka_unit_test(odd_objects_fit_nowhere), cmocka_unit_test(shares_are_split),
		cmocka_unit_test(replicas_are_set), cmocka_unit_test(controllers_are_understood) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
