/* Mistakes in `promotions:`: each is found where it stands, with what to write instead; what is right is left alone. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/mem.h"
#include "base/promotion.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct promotion_place places[] = { { "registry", &backend_mlflow }, { "api", &backend_serving }, { "kube", &backend_kubernetes },
	{ "flow", &backend_airflow }, { "drift", &backend_postgres } };

/* What is said of an entry, one mistake a line; "" nothing. */
static char *said_of(const char *entry, bool steps_alone)
{
	struct yaml_error err;
	struct config_errors wrong = { 0 };
	struct buf b = { 0 };
	struct yaml_doc *doc = yaml_parse(str_of(entry), &err);
	if (!doc)
		fail_msg("%u:%u: %s in: %s", err.line, err.column, err.what, entry);
	promotion_check(yaml_root(doc), steps_alone, places, ARRAY_SIZE(places), "b.yaml", &wrong);
	for (unsigned i = 0; i < wrong.n; i++)
		buf_addf(&b, "%s:%u:%u: %s\n", wrong.list[i].file, wrong.list[i].line, wrong.list[i].column, wrong.list[i].what);
	config_errors_release(&wrong);
	yaml_doc_free(doc);
	return b.len ? buf_detach(&b) : xstrdup("");
}

static void finds(const char *entry, const char *what)
{
	char *said = said_of(entry, false);
	const char *end = strchr(said, '\n');
	if (!strstr(said, what) || !end || end[1])
		fail_msg("of %s\nwanted once: %s\nsaid: %s", entry, what, said);
	free(said);
}

static void is_well(const char *entry)
{
	char *said = said_of(entry, false);
	if (*said)
		fail_msg("said: %s", said);
	free(said);
}

#define STEP(text) "{steps: [{" text "}]}"
#define CANARY "action: canary, kind: inferenceservices, name: ml/price, source: kube"
#define GATE(text) "{gates: [{" text "}]}"
#define CHECK(text) "{verify: {checks: [{kind: modelendpoints, name: api" text "}]}}"

static void test_well(void **state)
{
	is_well("{}");
	is_well("source: registry\n"
	        "gates:\n"
	        "  - {metric: rmse, better_by: 1%}\n"
	        "  - {metric: r2_score, at_least: 0.35, at_most: 1}\n"
	        "  - {tag: validated_at, within: 7d}\n"
	        "  - {none: drift, where: 'result=drift model={model}'}\n"
	        "  - {some: runs, where: 'pipeline=train status=success age<2d'}\n"
	        "  - {none: notebooks, where: 'whatever=that cluster says'}\n"
	        "  - {freeze: ['Fri 16:00 - Mon 08:00']}\n"
	        "  - {predictions: 20, challenger: api, differ_below: 25%}\n"
	        "  - {latency: api, below: 300ms}\n"
	        "  - {signature: same}\n"
	        "steps:\n"
	        "  - {action: reload, kind: modelendpoints, name: api, params: {within: 8s}}\n"
	        "  - {action: restart, kind: deployments, name: ml/api, source: kube, until: ready=2/2, within: 5m}\n"
	        "  - {" CANARY ", params: {weight: 10}, pause: 10m}\n"
	        "  - {action: trigger, kind: pipelines, name: train, params: {conf: '{\"version\": \"{version}\", \"a\": {}}'}, until: status=success}\n"
	        "verify: {for: 8s, checks: [{kind: modelendpoints, name: api, where: 'version={version}', errors_below: 2%}]}\n");
	(void)state;
}

static void test_steps(void **state)
{
	finds(STEP("action: relod, kind: modelendpoints, name: api, source: api"), "b.yaml:1:19: 'api' has no action 'relod' on modelendpoints; did you mean 'reload'?");
	finds(STEP("action: reload, kind: modelendpoints, name: api, source: apo"), "there is no source 'apo'; did you mean 'api'?");
	finds(STEP("action: restart, kind: deployment, name: a/b"), "no kind 'deployment' here; write 'deployments'");
	finds(STEP("action: restart, kind: zorgs, name: a/b"), "no source has an action 'restart' on zorgs");
	finds(STEP(CANARY ", params: {weight: 110}"), "'110' is no value of 'weight', which is from 0 to 100");
	finds(STEP(CANARY), "the parameter 'weight' is missing");
	finds(STEP(CANARY ", params: {weight: 1, wait: 3}"), "this action has no parameter 'wait'");
	finds(STEP(CANARY ", params: {weight: '{weigt}'}"), "nothing is put in for '{weigt}'");
	finds(STEP("action: restart, kind: deployments, name: a/b, until: redy=2/2"), "no column 'redy' in deployments; did you mean 'ready'");
	finds(STEP("action: restart, kind: deployments, name: a/b, within: 10s"), "there is no 'until'");
	finds(STEP("action: trigger, kind: pipelines, name: train, until: statas=success"), "no column 'statas' in runs");
	finds("{source: api}", "'api' is no registry of models");
	(void)state;
}

static void test_gates(void **state)
{
	finds(GATE("say: all is well"), "a gate that looks at nothing");
	finds(GATE("metric: rmse"), "at_least, at_most, better_by or worse_at_most");
	finds(GATE("metric: rmse, at_most: 1, tag: validated"), "b.yaml:1:42: a gate looks at one thing, and this at 'metric' and 'tag'");
	finds(GATE("metric: rmse, at_most: 1, is: 'true'"), "'is' belongs to 'tag', not to 'metric'");
	finds(GATE("metric: rmse, better_by: lots"), "'lots' is no value of 'better_by'");
	finds(GATE("none: alerts"), "no source that is configured shows 'alerts'");
	finds(GATE("none: drift, where: stat=drifted"), "no column 'stat' in drift");
	finds(GATE("none: drift, where: 'model={user}'"), "nothing is put in for '{user}'");
	finds(GATE("freeze: ['Frday 16:00 - Mon 8']"), "'Frday 16:00 - Mon 8': a window is");
	finds(GATE("predictions: 20"), "differ_below");
	finds(GATE("latency: api"), "below: 300ms");
	(void)state;
}

static void test_verify(void **state)
{
	finds("{verify: {for: 8s}}", "nothing would be verified");
	finds(CHECK(""), "a check that looks at nothing");
	finds(CHECK(", where: 'verion={version}'"), "no column 'verion' in modelendpoints; did you mean 'version'");
	finds(CHECK(", where: 'version={verison}'"), "did you mean '{version}'?");
	finds(CHECK(", errors_below: few"), "'few' is no value of 'errors_below'");
	finds(CHECK(", errors_below: 2%, differ_below: 2%"), "predictions: 20");
	finds(CHECK(", errors_below: 2%, source: kub"), "there is no source 'kub'");
	finds("{verify: {failures: 0, checks: [{kind: modelendpoints, name: api, errors_below: 1%}]}}", "at least 1");
	finds("{verify: {checks: [{kind: modelendpoins, name: api, source: api, where: status=ready}]}}", "did you mean 'modelendpoints'?");
	finds("{verify: {checks: [{kind: modelendpoint, name: api, where: status=ready}]}}", "write 'modelendpoints'");
	(void)state;
}

/* To go back no gate is asked: one that is written wrong does not stand in the way. */
static void test_rollback(void **state)
{
	char *said = said_of("{gates: [{say: x}], verify: {for: 8s}, steps: [{action: relod, kind: modelendpoints, name: api, source: api}]}", true);
	assert_non_null(strstr(said, "relod"));
	assert_null(strstr(strstr(said, "\n"), "gate"));
	assert_null(strstr(said, "verified"));
	free(said);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_well), cmocka_unit_test(test_steps), cmocka_unit_test(test_gates),
		cmocka_unit_test(test_verify), cmocka_unit_test(test_rollback) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
