/* Findings, what changed before them, the checks of the platform, and rows as sentences: from rows of many kinds. */
#define _GNU_SOURCE
#include "base/findings.h"
#include "base/fmt.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/say.h"
#include "base/verify.h"
#include "base/view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW 1795272000000ll
#define MIN 60000ll

static const struct config_type_keys no_types[] = { { .name = NULL } };

struct world {
	struct clock_fixed at;
	struct clock clock;
	struct store *s;
};

static void world_init(struct world *w)
{
	w->at = (struct clock_fixed){ NOW, 0 };
	w->clock = clock_still(&w->at);
	w->s = store_new(&w->clock);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w->s, *k);
	store_add_source(w->s, "prod", "");
	store_add_source(w->s, "other", "");
}

static void send(struct world *w, uint16_t source, struct msg *m)
{
	m->source = source;
	m->at = NOW;
	assert_false(store_apply(w->s, m, 0));
}

static void cell(struct buf *b, const struct column *c, const char *v)
{
	double d;
	int64_t i;
	if (!v)
		cell_null(b);
	else if (col_is_text(c))
		cell_text(b, str_of(v));
	else if (col_is_real(c) && str_to_f64(str_of(v), &d))
		cell_real(b, d);
	else if (c->type == COL_PAIR) {
		int x = 0, y = 0;
		sscanf(v, "%d/%d", &x, &y);
		cell_int(b, PAIR(x, y));
	} else if (c->type == COL_TIME && str_to_i64(str_of(v), &i))
		cell_int(b, NOW - i * MIN);              /* minutes ago */
	else if (str_to_i64(str_of(v), &i))
		cell_int(b, i);
	else
		fail_msg("%s=%s", c->name, v);
}

/* A row whose cells are "column", "value" pairs, NULL at the end; a listing of one. */
static void put(struct world *w, uint16_t source, const char *kind, const char *key, enum level level, ...)
{
	const struct kind *k = store_kind(w->s, str_of(kind));
	const char *values[KIND_MAX_COLS] = { NULL }, *name;
	struct msg *m = msg_new(MSG_ROWS, 0);
	va_list ap;
	assert_non_null(k);
	va_start(ap, level);
	while ((name = va_arg(ap, const char *))) {
		int c = kind_col(k, str_of(name), false);
		if (c < 0)
			fail_msg("%s has no column %s", kind, name);
		values[c] = va_arg(ap, const char *);
	}
	va_end(ap);
	rows_start(&m->body, kind);
	rows_put(&m->body, str_of(key), level);
	for (int c = 0; c < k->ncols; c++)
		cell(&m->body, &k->cols[c], values[c]);
	send(w, source, m);
}

static void health(struct world *w, uint16_t source, enum health_state state, const char *why)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);
	msg_put_health(m, (struct msg_health){ .state = state, .since = NOW - 5 * MIN, .latency_us = -1, .why = str_of(why) });
	send(w, source, m);
}

/* "what | where | changed", a line each, in the order of rank; "!" in front of what is wrong */
static char *ranked(struct findings *f, struct world *w)
{
	struct buf b = { 0 };
	struct table *t = findings_table(f);
	findings_update(f, w->s, w->at.wall, true);
	struct view *v = view_new(t, NOW);
	view_settle(v);
	for (uint32_t i = 0; i < v->n; i++) {
		const struct row *r = table_row(t, v->ids[i]);
		buf_addf(&b, "%s%s" STR_FMT " | " STR_FMT " | " STR_FMT, i ? "\n" : "", r->level == LEVEL_BAD ? "!" : "",
		         STR_ARG(row_text(t, r, FINDING_WHAT)), STR_ARG(row_text(t, r, FINDING_WHERE)), STR_ARG(row_text(t, r, FINDING_CHANGED)));
	}
	view_free(v);
	return buf_detach(&b);
}

static const struct row *finding_of(struct findings *f, const char *kind)
{
	const struct table *t = findings_table(f);
	for (uint32_t i = 0; i < t->nslots; i++)
		if (table_row(t, i) && str_is(row_text(t, table_row(t, i), FINDING_KIND), kind))
			return table_row(t, i);
	fail_msg("no finding of %s", kind);
	return NULL;
}

static void every_kind_joins(void **state)
{
	struct world w;
	struct findings *f = findings_new(NULL);
	world_init(&w);
	char *text = ranked(f, &w);
	assert_string_equal(text, "");
	free(text);
	put(&w, 0, "pods", "ml/api-6d9-a", LEVEL_BAD, "namespace", "ml", "name", "api-6d9-a", "status", "OOMKilled", "age", "4", "owner",
	    "ReplicaSet/api-6d9", NULL);
	put(&w, 0, "pods", "ml/api-6d9-b", LEVEL_DOUBT, "namespace", "ml", "name", "api-6d9-b", "status", "Pending", "age", "3", "owner",
	    "ReplicaSet/api-6d9", NULL);
	put(&w, 0, "pods", "ml/fine", LEVEL_OK, "namespace", "ml", "name", "fine", "status", "Running", NULL);
	put(&w, 0, "deployments", "ml/api", LEVEL_DOUBT, "namespace", "ml", "name", "api", NULL);         /* told by its pods */
	put(&w, 0, "nodes", "n1", LEVEL_BAD, "name", "n1", "status", "NotReady", "age", "9000", NULL);
	put(&w, 0, "pipelines", "dag", LEVEL_BAD, "name", "dag", "status", "import error", "error", "No module\nnamed x", NULL);
	put(&w, 0, "pipelines", "train", LEVEL_BAD, "name", "train", "status", "failed", "age", "30", NULL);
	put(&w, 0, "runs", "train/1", LEVEL_BAD, "pipeline", "train", "name", "1", "status", "failed", "end", "30", NULL);
	put(&w, 0, "versions", "m/7", LEVEL_BAD, "model", "m", "version", "7", "status", "failed", NULL);
	put(&w, 0, "modelendpoints", "e", LEVEL_BAD, "name", "e", "status", "down", "why", "refused", "since", "2", NULL);
	put(&w, 0, "budgets", "day", LEVEL_DOUBT, "name", "day", "status", "runs out", "left", "1.5", NULL);
	health(&w, 1, HEALTH_REFUSED, "401");
	w.at.wall += 1000;
	text = ranked(f, &w);
	assert_string_equal(text, "!other: refused: 401 | other | \n"
		"!endpoint e: down: refused | e | train run failed 30m ago\n"
		"!api: 2 pods OOMKilled | ml/api | rollout api-6d9 3m1s ago\n"
		"!node n1: NotReady | n1 | train run failed 30m ago\n"
		"!pipeline dag: import error: No module named x | dag | \n"
		"!pipeline train: last run failed | train | \n"
		"!m v7: registration failed | m | train run failed 30m ago\n"
		"budget day: runs out, $1.50 left | budget day | train run failed 30m ago");
	free(text);
	findings_free(f);
	store_free(w.s);
}

static void only_the_newest_check_counts(void **state)
{
	struct world w;
	struct findings *f = findings_new(NULL);
	world_init(&w);
	put(&w, 0, "drift", "1", LEVEL_DOUBT, "model", "m", "age", "400", "score", "0.4", NULL);
	put(&w, 0, "drift", "2", LEVEL_NONE, "model", "m", "age", "300", "score", "0.1", NULL);
	put(&w, 0, "drift", "3", LEVEL_DOUBT, "model", "m", "age", "200", "score", "0.4", NULL);
	put(&w, 0, "drift", "4", LEVEL_DOUBT, "model", "m", "age", "100", "score", "0.5", "limit", "0.2", "count", "5", NULL);
	put(&w, 0, "drift", "5", LEVEL_DOUBT, "model", "n", "age", "400", NULL);
	put(&w, 0, "drift", "6", LEVEL_NONE, "model", "n", "age", "10", NULL);
	char *text = ranked(f, &w);
	assert_string_equal(text, "drift: 5 features, score 0.5 over 0.2 | m | ");
	free(text);
	assert_int_equal(row_int(finding_of(f, "drift"), FINDING_SINCE), NOW - 200 * MIN);
	put(&w, 0, "drift", "7", LEVEL_NONE, "model", "m", "age", "1", NULL);
	w.at.wall += 1000;
	text = ranked(f, &w);
	assert_string_equal(text, "");
	free(text);
	findings_free(f);
	store_free(w.s);
}

/* The promotion of the same model comes before a node, a node before an unrelated promotion; a refused one never. */
static void what_changed_before_is_related(void **state)
{
	struct world w;
	struct findings *f = findings_new(NULL);
	world_init(&w);
	put(&w, 0, "modelendpoints", "e", LEVEL_BAD, "name", "estate-api", "status", "down", "since", "10", NULL);
	put(&w, 0, "promotions", "p1", LEVEL_NONE, "model", "fraud", "version", "v2", "what", "champion", "age", "11", NULL);
	put(&w, 0, "promotions", "p2", LEVEL_DONE, "model", "real_estate", "version", "v9", "what", "kept back", "age", "11", NULL);
	put(&w, 0, "promotions", "p3", LEVEL_NONE, "model", "real_estate", "version", "v7", "what", "champion", "age", "2", NULL);
	char *text = ranked(f, &w);
	assert_non_null(strstr(text, "fraud v2 champion 11m ago"));
	free(text);
	put(&w, 0, "nodes", "n", LEVEL_OK, "name", "n", "age", "40", NULL);
	w.at.wall += 6000;
	text = ranked(f, &w);
	assert_non_null(strstr(text, "node n joined 40m ago"));
	free(text);
	put(&w, 1, "promotions", "p4", LEVEL_NONE, "model", "real_estate", "version", "v7", "what", "champion", "age", "90", NULL);
	put(&w, 1, "promotions", "p5", LEVEL_NONE, "model", "real_estate", "version", "v6", "what", "champion", "age", "900", NULL);
	put(&w, 1, "modelendpoints", "e", LEVEL_BAD, "name", "estate-api", "status", "down", "since", "10", NULL);
	w.at.wall += 6000;
	text = ranked(f, &w);
	assert_non_null(strstr(text, "real_estate v7 champion 90m ago"));
	free(text);
	const struct row *r = finding_of(f, "modelendpoints");
	assert_true(str_is(row_text(findings_table(f), r, FINDING_CHANGED_KIND), "promotions"));
	assert_true(str_is(row_text(findings_table(f), r, FINDING_CHANGED_SOURCE), "other"));
	findings_free(f);
	store_free(w.s);
}

/* What a promotion restarts fails because of the promotion, whatever both are called; nobody else's does. */
static void promotions_name_what_they_change(void **state)
{
	struct world w;
	struct config_errors errors = { 0 };
	struct config *config = config_parse(STR("environments: {dev: {}}\nsources: {}\npromotions:\n"
		"  'fr*': {steps: [{action: restart, kind: deployments, name: ml/gate}], verify: {checks: [{kind: modelendpoints, name: e}]}}\n"),
		"test", no_types, &errors);
	assert_non_null(config);
	struct findings *f = findings_new(config);
	world_init(&w);
	put(&w, 0, "promotions", "p1", LEVEL_NONE, "model", "fraud", "version", "v7", "what", "champion", "age", "11", NULL);
	put(&w, 0, "promotions", "p2", LEVEL_NONE, "model", "other", "version", "v1", "what", "champion", "age", "9", NULL);
	put(&w, 0, "pods", "ml/gate-6d9-a", LEVEL_BAD, "namespace", "ml", "name", "gate-6d9-a", "status", "Error", "age", "10", "owner",
	    "ReplicaSet/gate-6d9", NULL);
	put(&w, 0, "pods", "ml/api-55b-a", LEVEL_BAD, "namespace", "ml", "name", "api-55b-a", "status", "Error", "age", "10", "owner",
	    "ReplicaSet/api-55b", NULL);
	put(&w, 0, "modelendpoints", "e", LEVEL_BAD, "name", "e", "status", "down", "since", "2", NULL);
	char *text = ranked(f, &w);
	assert_string_equal(text, "!endpoint e: down | e | fraud v7 champion 11m ago\n"
		"!api: 1 pod Error | ml/api | rollout api-55b 10m ago\n"
		"!gate: 1 pod Error | ml/gate | fraud v7 champion 11m ago");
	free(text);
	findings_free(f);
	config_free(config);
	store_free(w.s);
}

/* An alert is told by the finding of what it is about, which is as bad and as old as the alert; else it is one of its own. */
static void alerts_join_what_they_are_about(void **state)
{
	struct world w;
	world_init(&w);
	struct findings *f = findings_new(NULL);
	put(&w, 0, "pods", "ns/app-1-x", LEVEL_DOUBT, "namespace", "ns", "name", "app-1-x", "owner", "ReplicaSet/app-1", "status", "Pending",
	    "age", "3", NULL);
	put(&w, 1, "alerts", "a", LEVEL_BAD, "name", "PodWaits", "state", "firing", "since", "9", "about_kind", "pods", "about_object", "ns/app-1-x", NULL);
	put(&w, 1, "alerts", "b", LEVEL_DOUBT, "name", "TooFew", "state", "firing", "since", "1", "about_kind", "pods", "about_object", "ns/app-1-x", NULL);
	put(&w, 1, "alerts", "c", LEVEL_BAD, "name", "TooFew", "state", "firing", "since", "1", "about_kind", "pods", "about_object", "ns/gone", NULL);
	char *said = ranked(f, &w);
	assert_non_null(strstr(said, "!app: 1 pod Pending; alert PodWaits, TooFew | ns/app | "));
	assert_non_null(strstr(said, "\n!TooFew | "));
	assert_int_equal(row_int(finding_of(f, "pods"), FINDING_SINCE), NOW - 9 * MIN);
	free(said);
	/* however many there are, the line stays one; a name that is part of another's, or stands in the line, is one of its own */
	for (int i = 0; i < 2000; i++) {
		char key[16], name[16];
		snprintf(key, sizeof(key), "k%d", i);
		snprintf(name, sizeof(name), i ? "More%d" : "Pod", i);
		put(&w, 1, "alerts", key, LEVEL_BAD, "name", name, "state", "firing", "since", "1", "about_kind", "pods", "about_object", "ns/app-1-x", NULL);
	}
	w.at.wall += 1000;
	said = ranked(f, &w);
	assert_non_null(strstr(said, "!app: 1 pod Pending; alert PodWaits, TooFew, Pod and 1999 more | ns/app | "));
	free(said);
	findings_free(f);
	store_free(w.s);
}

static void since_it_was_seen(void **state)
{
	struct world w;
	struct findings *f = findings_new(NULL);
	world_init(&w);
	put(&w, 0, "nodes", "old", LEVEL_BAD, "name", "old", "status", "NotReady", "age", "9000", NULL);
	free(ranked(f, &w));
	assert_true(row_null(finding_of(f, "nodes"), FINDING_SINCE));         /* it was so before we looked */
	w.at.wall += MIN;
	put(&w, 1, "nodes", "new", LEVEL_BAD, "name", "new", "status", "NotReady", "age", "9000", NULL);
	free(ranked(f, &w));
	w.at.wall += MIN;
	put(&w, 1, "nodes", "more", LEVEL_DOUBT, "name", "more", "status", "NotReady", "age", "9000", NULL);
	free(ranked(f, &w));
	const struct table *t = findings_table(f);
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && str_is(row_text(t, r, FINDING_KEY), "new"))
			assert_int_equal(row_int(r, FINDING_SINCE), NOW + MIN);
	}
	findings_free(f);
	store_free(w.s);
}

static void a_calm_day_has_figures(void **state)
{
	struct world w;
	struct findings *f = findings_new(NULL);
	struct buf b = { 0 };
	unsigned lines = 1;
	world_init(&w);
	put(&w, 0, "pods", "a", LEVEL_OK, "name", "a", NULL);
	put(&w, 0, "nodes", "a", LEVEL_OK, "name", "a", NULL);
	put(&w, 0, "runs", "a", LEVEL_OK, "pipeline", "a", "status", "success", "age", "60", NULL);
	put(&w, 0, "models", "m", LEVEL_NONE, "name", "m", "champion", "6", "updated", "1", NULL);
	put(&w, 0, "drift", "1", LEVEL_NONE, "model", "m", "age", "22", "result", "clean", NULL);
	put(&w, 0, "spend", "total", LEVEL_NONE, "name", "total", "rate", "0.31", "left", "6.1", "budget", "10", NULL);
	free(ranked(f, &w));
	findings_calm(f, w.s, NOW, &b);
	assert_string_equal(b.data, "nothing wrong · 1 pods on 1 nodes\n1 run in 24h, all well · m v6 in production\n"
	                    "last drift check 22m ago, clean · $0.31/h, $6.10 of $10.00 left");
	for (const char *p = b.data; *p; p++)
		lines += *p == '\n';
	assert_true(lines <= 3);
	buf_release(&b);
	findings_free(f);
	store_free(w.s);
}

/* ---- the checks */

static char *verified(struct world *w, const char *yaml, const struct verify_probe *p, unsigned *failed)
{
	struct config_errors errors = { 0 };
	struct config *c = config_parse(str_of(yaml), "b.yaml", no_types, &errors);
	struct verify *v;
	struct buf b = { 0 };
	if (!c)
		fail_msg("%s", errors.list[0].what);
	v = verify_new(c);
	verify_update(v, w->s, p, NOW);
	const struct table *t = verify_table(v);
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r)
			buf_addf(&b, STR_FMT ": " STR_FMT ": " STR_FMT "\n", STR_ARG(row_text(t, r, VERIFY_CHECK)),
			         STR_ARG(row_text(t, r, VERIFY_RESULT)), STR_ARG(row_text(t, r, VERIFY_EVIDENCE)));
	}
	*failed = verify_failed(v);
	verify_free(v);
	config_free(c);
	config_errors_release(&errors);
	return buf_detach(&b);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void checks_what_is_configured(void **state)
{
	struct world w;
	unsigned failed;
	world_init(&w);
	health(&w, 0, HEALTH_LIVE, "");
	health(&w, 1, HEALTH_LIVE, "");
	char *text = verified(&w, "", NULL, &failed);
	assert_string_equal(text, "prod is reachable: ok: \nother is reachable: ok: \n");
	assert_int_equal(failed, 0);
	free(text);

	put(&w, 0, "pipelines", "t", LEVEL_OK, "name", "t", "status", "success", "age", "20", NULL);
	put(&w, 0, "models", "m", LEVEL_NONE, "name", "m", "champion", "6", NULL);
	put(&w, 0, "modelendpoints", "e", LEVEL_OK, "name", "e", "status", "ready", "model", "m", "version", "v6", NULL);
	put(&w, 0, "modelendpoints", "f", LEVEL_OK, "name", "f", "status", "ready", "model", "m", "version", "7", NULL);
	put(&w, 0, "predictions", "1", LEVEL_NONE, "request", "x", NULL);
	put(&w, 0, "drift", "1", LEVEL_NONE, "age", "60", "result", "clean", NULL);
	put(&w, 0, "nodes", "n", LEVEL_OK, "name", "n", NULL);
	put(&w, 0, "pods", "p", LEVEL_DONE, "name", "p", NULL);
	put(&w, 0, "budgets", "day", LEVEL_NONE, "name", "day", "spent", "1", "amount", "10", "status", "lasts", NULL);
	struct verify_probe probe = { true, 1, 1, STR("e: 41 ms"), STR("request x") };
	text = verified(&w, "", &probe, &failed);
	has(text, "pipelines are there: ok: 1 pipeline\n");
	has(text, "last runs went well: ok: t: last run success, 20m ago\n");
	has(text, "a model is in production: ok: m v6\n");
	has(text, "endpoints are ready: ok: 2 of 2: ");
	has(text, "they serve that version: ok: e serves m v6, in production is v6\n");
	has(text, "a prediction is answered: ok: e: 41 ms\nand found again in the log: ok: request x\n");
	has(text, "drift was checked lately: ok: 60m ago: clean\n");
	has(text, "nodes are well: ok: 1 node well\n");
	has(text, "pods are well: ok: 1 pod well\n");
	has(text, "spend is within budget: ok: day: $1.00 of $10.00 spent, lasts\n");
	assert_int_equal(failed, 0);
	free(text);
	store_free(w.s);
}

static void checks_fail_with_evidence(void **state)
{
	struct world w;
	unsigned failed;
	world_init(&w);
	health(&w, 0, HEALTH_LIVE, "");
	health(&w, 1, HEALTH_DOWN, "no such host");
	put(&w, 0, "pipelines", "t", LEVEL_BAD, "name", "t", "status", "failed", "age", "20", NULL);
	put(&w, 0, "pipelines", "b", LEVEL_BAD, "name", "b", "status", "import error", "error", "x", NULL);
	put(&w, 0, "models", "m", LEVEL_NONE, "name", "m", NULL);
	put(&w, 0, "modelendpoints", "e", LEVEL_BAD, "name", "e", "status", "down", "model", "m", "version", "6", NULL);
	put(&w, 0, "predictions", "1", LEVEL_NONE, "request", "x", NULL);
	put(&w, 0, "drift", "1", LEVEL_NONE, "age", "1500", "result", "clean", NULL);
	put(&w, 0, "nodes", "n", LEVEL_BAD, "name", "n", "status", "NotReady", NULL);
	put(&w, 0, "pods", "p", LEVEL_DOUBT, "name", "p", "status", "Pending", NULL);
	put(&w, 0, "budgets", "day", LEVEL_BAD, "name", "day", "spent", "11", "amount", "10", "status", "over", NULL);
	struct verify_probe probe = { true, 0, -1, STR("e: 500"), STR("nothing was answered") };
	char *text = verified(&w, "", &probe, &failed);
	has(text, "other is reachable: wrong: down: no such host\n");
	has(text, "pipelines are there: doubtful: 1 pipeline, 1 cannot be imported: b\n");
	has(text, "last runs went well: wrong: t: last run failed, 20m ago\n");
	has(text, "a model is in production: wrong: none of 1 registered models is in production\n");
	has(text, "endpoints are ready: wrong: 0 of 1: e down\n");
	has(text, "they serve that version: unknown: ");
	has(text, "a prediction is answered: wrong: e: 500\nand found again in the log: unknown: ");
	has(text, "drift was checked lately: wrong: 25h ago: clean\n");
	has(text, "nodes are well: wrong: 1 wrong, such as n: NotReady\n");
	has(text, "pods are well: doubtful: 1 doubtful, such as p: Pending\n");
	has(text, "spend is within budget: wrong: day: $11.00 of $10.00 spent, over\n");
	assert_int_equal(failed, 10);
	free(text);
	store_free(w.s);
}

static void checks_of_the_configuration(void **state)
{
	static const char yaml[] = "verify:\n"
		"  replicas: {kind: pods, filter: 'name~api status=Running', at_least: 2, say: two replicas run}\n"
		"  crashes: {kind: po, filter: status=Failed, at_most: 0}\n"
		"  any: {kind: pods}\n"
		"  wrong: {kind: pods, filter: 'statsu=x'}\n"
		"  absent: {kind: rockets}\n"
		"  unfilled: {kind: runs}\n";
	struct config_errors errors = { 0 };
	struct world w;
	unsigned failed;
	world_init(&w);
	health(&w, 0, HEALTH_LIVE, "");
	health(&w, 1, HEALTH_LIVE, "");
	put(&w, 0, "pods", "ml/api-1", LEVEL_OK, "name", "api-1", "status", "Running", NULL);
	put(&w, 0, "pods", "ml/api-2", LEVEL_OK, "name", "api-2", "status", "Failed", NULL);
	char *text = verified(&w, yaml, NULL, &failed);
	has(text, "two replicas run: wrong: 1 of 2 pods: ml/api-1 (at least 2)\n");
	has(text, "crashes: wrong: 1 of 2 pods: ml/api-2 (at most 0)\n");
	has(text, "any: ok: 2 of 2 pods: ml/api-1, ml/api-2\n");
	has(text, "wrong: wrong: in its filter: no column 'statsu' in pods; did you mean 'status'");
	has(text, "absent: wrong: there is no kind 'rockets'\n");
	has(text, "unfilled: wrong: no source has runs\n");
	assert_int_equal(failed, 5);
	free(text);
	store_free(w.s);
	assert_null(config_parse(STR("verify: {a: {filter: x}}"), "b.yaml", no_types, &errors));
	has(errors.list[0].what, "'kind' is missing");
	config_errors_release(&errors);
}

static void rows_as_sentences(void **state)
{
	static const struct { const char *how, *want; } cases[] = {
		{ "{name}: {status}", "p: Running" }, { "{name}[ on {node}]", "p" }, { "{name}[ is {status}[x]", "p is Running[x" },
		{ "{node}|{name}", "p" }, { "{node} {name}", NULL }, { "{nothing}", NULL }, { "[{nothing}]", "" }, { "{name", "{name" },
		{ "", "" }, { "plain", "plain" },
	};
	struct world w;
	struct buf b = { 0 };
	world_init(&w);
	put(&w, 0, "pods", "p", LEVEL_OK, "name", "p", "status", "Running", NULL);
	const struct table *t = store_table(w.s, "pods");
	const struct row *r = table_find(t, 0, STR("p"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_clear(&b);
		buf_adds(&b, ">");
		assert_int_equal(row_say(t, r, cases[i].how, NOW, &b), cases[i].want != NULL);
		char *want = xasprintf(">%s", cases[i].want ? cases[i].want : "");
		assert_string_equal(b.data, want);
		free(want);
	}
	buf_clear(&b);
	assert_true(say_fits(t->kind, "{name}[ on {node}]", &b));
	assert_false(say_fits(t->kind, "{name} {nmae}", &b));
	assert_string_equal(b.data, "nmae");
	buf_release(&b);
	store_free(w.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_joins),
		cmocka_unit_test(only_the_newest_check_counts),
		cmocka_unit_test(what_changed_before_is_related), cmocka_unit_test(promotions_name_what_they_change),
		cmocka_unit_test(alerts_join_what_they_are_about),
		cmocka_unit_test(since_it_was_seen),
		cmocka_unit_test(a_calm_day_has_figures),
		cmocka_unit_test(checks_what_is_configured),
		cmocka_unit_test(checks_fail_with_evidence),
		cmocka_unit_test(checks_of_the_configuration),
		cmocka_unit_test(rows_as_sentences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
