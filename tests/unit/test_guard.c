/* The guards: what rules match, which wins, what they count, and that nothing loosens what another asks for. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "backends/kubernetes/actions.h"
#include "backends/list.h"
#include "base/action.h"
#include "base/guard.h"
#include "base/mem.h"

static const char *const kinds[] = { "deployments", NULL };
static const struct action scale = { "scale", "Scale", "", kinds, RISK_DISRUPTIVE, true, NULL };
static const struct action look = { "annotate", "Annotate", "", kinds, RISK_HARMLESS, true, NULL };
static const struct action wipe = { "wipe", "Wipe", "", kinds, RISK_DESTRUCTIVE, true, NULL };
static const struct guard_rule environments[] = { { "dev", GUARD_CONFIRM, 5 }, { "prod", GUARD_TYPE_NAME, 5 } };
static const struct config_type_keys types[] = { { "kubernetes", "", NULL }, { 0 } };

struct desk { struct config *config; struct guards *guards; struct source source; struct audit *audit; int64_t now; };

static void desk_open(struct desk *d, const char *environment, const char *rules)
{
	char *text = NULL;
	struct config_errors errors;

	*d = (struct desk){ .source = { .name = (char *)"eks", .environment = (char *)(uintptr_t)environment }, .now = 1795240800000 };
	assert_true(asprintf(&text, "guards:\n%s", rules) > 0);
	d->config = config_parse(str_of(text), "x.yaml", types, &errors);
	if (errors.n)
		fail_msg("%s", errors.list[0].what);
	d->guards = guards_new(environments, 2, yaml_get(d->config->root, "guards"));
	free(text);
}

static void desk_close(struct desk *d)
{
	guards_free(d->guards);
	config_free(d->config);
	if (d->audit) {
		unlink(audit_path(d->audit));
		audit_close(d->audit);
	}
}

static struct decision ask(struct desk *d, const struct action *a, const char *key, const char *override, bool undo)
{
	return guard_decide(d->guards, &(struct guard_ask){ .source = &d->source, .action = a, .kind = "deployments", .keys = &key,
		.nkeys = 1, .audit = d->audit, .now = d->now, .override = override, .undo = undo });
}

static int64_t local(int y, int mo, int d, int h, int mi)
{
	struct tm tm = { .tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi, .tm_isdst = -1 };

	return (int64_t)mktime(&tm) * 1000;
}

/* ---- tests */

static void test_defaults(void **state)
{
	struct desk d;

	desk_open(&d, "prod", "  {}\n");
	assert_int_equal(ask(&d, &scale, "a/b", NULL, false).guard, GUARD_TYPE_NAME);
	assert_int_equal(ask(&d, &look, "a/b", NULL, false).guard, GUARD_CONFIRM);
	assert_true(ask(&d, &scale, "a/b", NULL, false).allowed);
	d.source.readonly = true;
	assert_false(ask(&d, &look, "a/b", "because", false).allowed);
	assert_false(ask(&d, &look, "a/b", NULL, true).allowed);
	desk_close(&d);
}

static void test_matching(void **state)
{
	struct desk d;
	struct decision x;

	desk_open(&d, "prod", "  a: {environment: 'st*|pr?d', kind: deployments, name: 'model-*', action: scale|restart, deny: no}\n"
	          "  b: {name: 'kube-system/*', deny: theirs}\n  c: {risk: destructive, require-reason: true}\n"
	          "  d: {source: other, deny: never}\n  e: {user: 'nobody-*', deny: never}\n");
	assert_string_equal(ask(&d, &scale, "ml/model-api", NULL, false).why, "no (guard 'a')");
	assert_false(ask(&d, &scale, "model-api", NULL, false).allowed);
	assert_true(ask(&d, &look, "ml/model-api", NULL, false).allowed);
	assert_true(ask(&d, &scale, "model-x/api", NULL, false).allowed);
	assert_false(ask(&d, &look, "kube-system/dns", NULL, false).allowed);
	x = ask(&d, &wipe, "ml/x", NULL, false);
	assert_true(x.allowed && x.reason && !x.second);
	assert_string_equal(x.rules, "c");
	assert_false(ask(&d, &scale, "ml/x", NULL, false).reason);
	desk_close(&d);
}

static void test_strictest_wins(void **state)
{
	struct desk d;
	struct decision x, y, z;

	desk_open(&d, "dev", "  loose: {guard: confirm}\n  tight: {guard: type-name, firm-gates: true}\n  two: {second-person: true}\n"
	          "  soft: {deny: soft, overridable: true, action: wipe}\n  hard: {deny: hard, name: x}\n");
	x = ask(&d, &look, "a/y", NULL, false);
	assert_int_equal(x.guard, GUARD_TYPE_NAME);
	assert_true(x.allowed && x.second && x.gates_firm);
	assert_false(ask(&d, &look, "a/y", NULL, true).second);          /* coming back stays possible */
	y = ask(&d, &wipe, "a/y", NULL, false);
	assert_true(!y.allowed && y.overridable);
	z = ask(&d, &wipe, "a/x", NULL, false);
	assert_true(!z.allowed && !z.overridable);
	assert_string_equal(z.why, "hard (guard 'hard')");
	assert_false(ask(&d, &wipe, "a/x", "I must", false).allowed);
	assert_false(ask(&d, &wipe, "a/y", "", false).allowed);
	y = ask(&d, &wipe, "a/y", "I must", false);
	assert_true(y.allowed);
	assert_string_equal(y.overridden, "soft");
	x = decision_strictest(&x, &z);
	assert_true(!x.allowed && x.second && x.guard == GUARD_TYPE_NAME);
	assert_string_equal(x.why, "hard (guard 'hard')");
	desk_close(&d);
}

/* Returns what it was, for put_back(). */
static char *zone(const char *tz)
{
	char *was = getenv("TZ") ? strdup(getenv("TZ")) : NULL;

	setenv("TZ", tz, 1);
	tzset();
	return was;
}

static void put_back(char *was)
{
	was ? setenv("TZ", was, 1) : unsetenv("TZ");
	tzset();
	free(was);
}

static void test_time(void **state)
{
	char *was = zone("UTC");
	struct desk d;

	desk_open(&d, "dev", "  rest: {freeze: ['Fri 16:00 - Mon 08:00'], overridable: true}\n  night: {when: ['22:00 - 06:00'], guard: type-name}\n");
	d.now = local(2026, 11, 20, 15, 59);                            /* a Friday */
	assert_true(ask(&d, &look, "a/b", NULL, false).allowed);
	assert_int_equal(ask(&d, &look, "a/b", NULL, false).guard, GUARD_CONFIRM);
	d.now = local(2026, 11, 20, 22, 30);
	assert_string_equal(ask(&d, &look, "a/b", NULL, false).why, "frozen until Mon 23 Nov 08:00 UTC (guard 'rest')");
	assert_true(ask(&d, &look, "a/b", NULL, false).overridable);
	assert_int_equal(ask(&d, &look, "a/b", NULL, false).guard, GUARD_TYPE_NAME);
	assert_true(ask(&d, &look, "a/b", NULL, true).allowed);
	desk_close(&d);
	put_back(was);
}

/* A team across zones freezes at one hour: by the rule's zone, else the section's, wherever who asks is. */
static void test_time_of_a_zone(void **state)
{
	static const char *const here[] = { "UTC", "America/New_York", "Pacific/Auckland" };

	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++) {
		char *was = zone(here[i]);
		struct desk d;

		desk_open(&d, "dev", "  zone: Europe/Berlin\n  rest: {name: a/b, freeze: ['Fri 16:00 - Mon 08:00']}\n"
		          "  tokyo: {name: a/c, zone: Asia/Tokyo, freeze: ['00:00 - 06:00']}\n"
		          "  night: {name: a/d, when: ['Sun 02:00 - Sun 03:00'], deny: 'clocks change'}\n");
		d.now = 1795186800000 - 60000;                          /* Fri 2026-11-20 15:00 UTC: 16:00 in Berlin, 00:00 in Tokyo */
		assert_true(ask(&d, &look, "a/b", NULL, false).allowed && ask(&d, &look, "a/c", NULL, false).allowed);
		d.now += 60000;
		assert_string_equal(ask(&d, &look, "a/b", NULL, false).why, "frozen until Mon 23 Nov 08:00 Europe/Berlin (guard 'rest')");
		assert_string_equal(ask(&d, &look, "a/c", NULL, false).why, "frozen until Sat 21 Nov 06:00 Asia/Tokyo (guard 'tokyo')");
		assert_true(ask(&d, &look, "a/d", NULL, false).allowed);
		d.now = 1774746000000;                                  /* 2026-03-29 01:00 UTC: Berlin's 02:00 is skipped */
		assert_true(ask(&d, &look, "a/d", NULL, false).allowed);
		d.now = 1792886400000;                                  /* 2026-10-25 00:00 UTC: there is 02:00 to 03:00 twice */
		for (int m = 0; m < 2 * 60; m++, d.now += 60000)
			assert_string_equal(ask(&d, &look, "a/d", NULL, false).why, "clocks change (guard 'night')");
		assert_true(ask(&d, &look, "a/d", NULL, false).allowed);
		desk_close(&d);
		put_back(was);
	}
}

static void write_run(struct desk *d, const char *action, const char *key, bool undo)
{
	char why[200];
	json_t *e = json_pack("{sssssssss{ssss}ss}", "event", "run", "environment", "dev", "source", "eks", "action", action, "target",
	                      "kind", "deployments", "key", key, "risk", "disruptive");

	if (undo)
		json_object_set_new(e, "undo_of", json_string("x"));
	assert_int_equal(audit_write(d->audit, e, why, sizeof(why)), 0);
	json_decref(e);
}

static void test_limit_counts_the_trail(void **state)
{
	char path[80], why[200];
	struct clock_fixed still = { 1795240800000, 0 };
	struct clock clock = clock_still(&still);
	struct decision x;
	struct desk d;

	snprintf(path, sizeof(path), "/tmp/binnacle-guard-%d.jsonl", (int)getpid());
	desk_open(&d, "dev", "  few: {action: scale, name: 'api-*', limit: 2/hour}\n");
	d.audit = audit_open(path, &clock, why, sizeof(why));
	assert_true(ask(&d, &scale, "ml/api-1", NULL, false).allowed);  /* no file yet, or an empty one */
	write_run(&d, "scale", "ml/api-1", false);
	still.wall += 30 * 60000;
	write_run(&d, "scale", "ml/other", false);                      /* neither name, nor action, nor an undo counts */
	write_run(&d, "restart", "ml/api-1", false);
	write_run(&d, "scale", "ml/api-1", true);
	d.now = still.wall;
	assert_true(ask(&d, &scale, "ml/api-2", NULL, false).allowed);
	write_run(&d, "scale", "ml/api-2", false);
	x = ask(&d, &scale, "ml/api-3", NULL, false);
	assert_false(x.allowed);
	assert_string_equal(x.why, "2 in 1h is the limit of guard 'few': 2 were done, this would be 1 more");
	assert_true(ask(&d, &scale, "ml/api-3", NULL, true).allowed);
	d.now += 31 * 60000;                                            /* the first is past */
	assert_true(ask(&d, &scale, "ml/api-3", NULL, false).allowed);
	desk_close(&d);
}

static bool lets(struct desk *d, const char *kind, const char *action, const char *key)
{
	struct action a = { action, action, "", kinds, RISK_DISRUPTIVE, true, NULL };

	return guard_decide(d->guards, &(struct guard_ask){ .source = &d->source, .action = &a, .kind = kind, .keys = &key, .nkeys = 1,
		.audit = d->audit, .now = d->now }).allowed;
}

/* Ways round a rule by how a thing is called. */
static void test_no_way_round_by_names(void **state)
{
	struct desk d;

	desk_open(&d, "prod", "  dag: {name: retrain, deny: no}\n  model: {name: 'price_*', action: promote|rollback, deny: no}\n"
	          "  one: {kind: deployment, name: api, deny: no}\n  short: {kind: svc, name: '*', deny: no}\n"
	          "  pools: {kind: nodepools, deny: no}\n  bucket: {kind: objects, name: vault, deny: no}\n"
	          "  env: {environment: PROD, kind: cronjobs, deny: no}\n  whole: {name: 'kube-system/*', deny: no}\n");
	assert_false(lets(&d, "pipelines", "trigger", "retrain"));
	assert_false(lets(&d, "runs", "trigger", "retrain/manual__1"));         /* the pipeline, from one of its runs */
	assert_false(lets(&d, "tasks", "clear", "retrain/manual__1/fit"));
	assert_true(lets(&d, "runs", "trigger", "other/manual__1"));
	assert_false(lets(&d, "versions", "promote", "price_model/7"));         /* the model, from one of its versions */
	assert_false(lets(&d, "models", "rollback", "price_model"));
	assert_true(lets(&d, "versions", "promote", "other/7"));
	assert_false(lets(&d, "deployments", "scale", "ml/api"));               /* the singular means the kind */
	assert_true(lets(&d, "deployments", "scale", "api/web"));               /* a namespace is no name */
	assert_true(lets(&d, "statefulsets", "scale", "ml/api"));
	assert_false(lets(&d, "services", "delete", "ml/x"));
	assert_false(lets(&d, "nodepools.karpenter.sh", "scale-zero", "x"));
	assert_true(lets(&d, "nodepoolsx.karpenter.sh", "scale-zero", "x"));
	assert_false(lets(&d, "objects", "delete", "s3://vault/a/b"));
	assert_true(lets(&d, "objects", "delete", "s3://public/a/b"));
	assert_false(lets(&d, "cronjobs", "suspend", "a/b"));                   /* prod and PROD */
	assert_false(lets(&d, "deployments", "scale", "ml/API"));
	assert_false(lets(&d, "deployments", "scale", "kube-system/\xff\xfe\n*"));      /* odd bytes */
	assert_false(lets(&d, "models", "rollback", "price_\xff"));
	assert_false(lets(&d, "configmaps", "delete", "kube-system/a|b"));
	desk_close(&d);
}

/* Consoles on several machines share a trail, and not all clocks are right. */
static void test_limit_with_clocks_that_differ(void **state)
{
	char path[80], why[200];
	struct clock_fixed still = { 1795240800000, 0 };
	struct clock clock = clock_still(&still);
	struct desk d;

	snprintf(path, sizeof(path), "/tmp/binnacle-guard-skew-%d.jsonl", (int)getpid());
	desk_open(&d, "dev", "  few: {action: scale, limit: 2/hour}\n");
	d.audit = audit_open(path, &clock, why, sizeof(why));
	write_run(&d, "scale", "ml/a", false);
	write_run(&d, "scale", "ml/b", false);
	still.wall -= 5 * 3600000;                                      /* one whose clock is five hours behind */
	write_run(&d, "restart", "ml/c", false);
	d.now = 1795240800000 + 60000;
	assert_false(ask(&d, &scale, "ml/d", NULL, false).allowed);
	desk_close(&d);
}

/* Over midnight, and in the nights in which the clock is put on and back: Berlin, where the window is one hour shorter or longer. */
static void test_freeze_over_midnight_and_summer_time(void **state)
{
	char *was = zone("CET-1CEST,M3.5.0,M10.5.0/3");
	struct desk d;

	desk_open(&d, "dev", "  night: {freeze: ['22:00 - 06:00']}\n  gap: {kind: none, freeze: ['Sun 02:00 - Sun 03:00']}\n");
	d.now = local(2026, 3, 28, 23, 59);
	assert_string_equal(ask(&d, &look, "a/b", NULL, false).why, "frozen until Sun 29 Mar 06:00 CEST (guard 'night')");
	d.now += 2 * 60000;
	assert_false(ask(&d, &look, "a/b", NULL, false).allowed);
	d.now = local(2026, 3, 29, 5, 59);
	assert_false(ask(&d, &look, "a/b", NULL, false).allowed);
	assert_true((d.now - local(2026, 3, 28, 22, 0)) / 60000 == 6 * 60 + 59);   /* one hour is missing */
	d.now += 60000;
	assert_true(ask(&d, &look, "a/b", NULL, false).allowed);
	d.now = local(2026, 10, 24, 22, 0);
	for (int i = 0; i < 9 * 60; i++, d.now += 60000)                 /* nine hours, 02:00 to 03:00 twice */
		assert_false(ask(&d, &look, "a/b", NULL, false).allowed);
	assert_true(ask(&d, &look, "a/b", NULL, false).allowed);
	desk_close(&d);
	put_back(was);
}

static void test_what_is_refused_in_the_file(void **state)
{
	static const struct { const char *rules, *says; } bad[] = {
		{ "  a: {limit: many}\n", "'many' is no value of 'limit', which is a number per time such as 5/hour" },
		{ "  a: {limit: 0/hour}\n", "'0/hour' is no value" },
		{ "  a: {limit: 5/}\n", "'5/' is no value" },
		{ "  a: {freeze: [Someday]}\n", "'Someday' is no window of time" },
		{ "  a: {freeze: Fri}\n", "'freeze' is a list of windows" },
		{ "  a: {guard: maybe}\n", "allowed: confirm|type-name|read-only" },
		{ "  a: {denies: x}\n", "did you mean 'deny'?" },
		{ "  a: {zone: Europe/Berln}\n", "this machine knows no time zone 'Europe/Berln' ('zone'; one is Europe/Berlin)" },
		{ "  a: {zone: ../../../etc/passwd}\n", "knows no time zone" },
		{ "  a: {zone: [UTC]}\n", "'zone' is a time zone such as Europe/Berlin, not a list" },
		{ "  zone: Mars/Olympus\n  a: {}\n", "this machine knows no time zone 'Mars/Olympus'" },
		{ "  zone: {freeze: [Fri - Sat]}\n", "'zone' is a time zone such as Europe/Berlin, not a map" },
		{ "  zone: UTC\n  zone: UTC\n", "'zone' stands here twice" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct config_errors errors;
		char text[200];

		snprintf(text, sizeof(text), "guards:\n%s", bad[i].rules);
		assert_null(config_parse(str_of(text), "x.yaml", types, &errors));
		assert_non_null(strstr(errors.list[0].what, bad[i].says));
		config_errors_release(&errors);
	}
}

/* What is said of rules that would hold for nothing, one mistake a line. */
static void says_of(const char *rule, const char *want)
{
	struct config_errors errors, wrong = { 0 };
	char *text = xasprintf("environments: {prod: {}, staging: {}}\nsources: {eks-eu: {type: kubernetes, environment: prod}}\nguards:\n  zone: UTC\n  a: {%s}\n", rule);
	struct config *config = config_parse(str_of(text), "x.yaml", types, &errors);
	struct buf said = { 0 };

	if (!config)
		fail_msg("%s: %s", rule, errors.list[0].what);
	guards_check(config, backends_all, NULL, 0, &wrong);
	for (unsigned i = 0; i < wrong.n; i++)
		buf_addf(&said, "%u:%u %.*s\n", wrong.list[i].line, wrong.list[i].column, (int)strcspn(wrong.list[i].what, ";?"), wrong.list[i].what);
	assert_string_equal(said.data ? said.data : "", want);
	buf_release(&said);
	config_errors_release(&wrong);
	config_free(config);
	free(text);
}

static void test_rules_that_hold_for_nothing(void **state)
{
	says_of("deny: no", "");
	says_of("environment: PROD|stag*, source: eks-*|'arn:aws:eks:eu-west-1:1:cluster/x', action: '*scale*|Promote', kind: Deploy|pod|nodepools", "");
	says_of("environment: prd", "5:20 no environment 'prd'\n");
	says_of("environment: prod|mars", "5:20 no environment 'mars'\n");
	says_of("action: restart|delet", "5:15 no action 'delet'\n");
	says_of("source: eks-ue", "5:15 no source 'eks-ue'\n");
	says_of("kind: pods|nods|deploymnets", "5:13 no kind 'nods'\n5:13 no kind 'deploymnets'\n");
	says_of("kind: tfjobs|jobsets|trainjobs|mpijobs|rollouts.argoproj.io", "");      /* of some cluster, perhaps */
}

/* A new action of a cluster's has to say what has to be permitted for it, or that nothing has. */
static void test_every_action_can_be_asked_for(void **state)
{
	for (const struct action *const *a = kube_actions; *a; a++)
		if (!may_knows((*a)->name))
			fail_msg("backends/kubernetes/may.c does not know what '%s' needs", (*a)->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_matching), cmocka_unit_test(test_strictest_wins),
		cmocka_unit_test(test_time), cmocka_unit_test(test_time_of_a_zone), cmocka_unit_test(test_limit_counts_the_trail), cmocka_unit_test(test_no_way_round_by_names),
		cmocka_unit_test(test_limit_with_clocks_that_differ), cmocka_unit_test(test_freeze_over_midnight_and_summer_time),
		cmocka_unit_test(test_what_is_refused_in_the_file), cmocka_unit_test(test_rules_that_hold_for_nothing),
		cmocka_unit_test(test_every_action_can_be_asked_for),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
