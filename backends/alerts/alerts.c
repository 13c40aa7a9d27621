/* alerts: the source's thread, of both kinds of server. Nothing is asked while nobody looks. The first look runs all jobs of the
 * flavour one after the other; then each when it is due, and never more than a request in two seconds. A server that is lost is
 * tried again, slower each time; the rows stay. */
#include "backends/alerts/alerts.h"
#include "backends/net/doctor.h"
#include "base/mem.h"
#include "base/table.h"
#include <stdio.h>
#include <stdlib.h>

#define HOLD_MS 3000
#define WHOLE_MS 20000
#define BATCH_BYTES 65536        /* rows in one message */

int64_t alerts_now(const struct alerts *a) { return clock_wall(link_clock(a->link)); }
int64_t alerts_mono(const struct alerts *a) { return clock_mono(link_clock(a->link)); }

bool alerts_watches(const struct alerts *a, bool silences)
{
	for (unsigned i = 0; i < a->nwatches; i++)
		if (a->watches[i].silences == silences)
			return true;
	return false;
}

/* ---- rows on their way */

static void send_rows(struct listing *x)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	m->body = x->rows;
	x->rows = (struct buf){ 0 };
	link_send(x->a->link, m);
}

void listing_begin(struct listing *x)
{
	x->a->skipped = 0;
	rows_start(&x->rows, x->kind);
	rows_begin(&x->rows, STR(""));
}

void listing_more(struct listing *x)
{
	x->n++;
	if (x->rows.len < BATCH_BYTES)
		return;
	send_rows(x);
	rows_start(&x->rows, x->kind);
}

void listing_end(struct listing *x)
{
	if (!x->open)
		rows_end(&x->rows, STR(""));
	send_rows(x);
}

void listing_drop(struct listing *x)
{
	buf_release(&x->rows);
}

/* ---- health */

static void say(struct alerts *a, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	buf_addf(&detail, "%s%s%s", a->access.shown, a->access.user ? ", as " : "", a->access.user ? a->access.user : "");
	link_say(a->link, (struct msg_health){ .state = state, .latency_us = a->latency_us,
		.insecure = a->access.conf.insecure, .why = str_of(why), .remedy = str_of(remedy), .version = str_of(a->version),
		.detail = buf_str(&detail) });
	buf_release(&detail);
}

static void lost(struct alerts *a)
{
	const struct http_reply *f = &a->failure;
	bool refused = http_is_auth(f) || f->end == HTTP_TLS;
	a->retry_ms = alerts_mono(a) + http_backoff_next(&a->backoff, f->retry_after_ms);
	if (refused && a->retry_ms < alerts_mono(a) + 15000)
		a->retry_ms = alerts_mono(a) + 15000;           /* asking again soon could lock an account */
	if (!link_closing(a->link))
		say(a, f->status == 429 && f->end == HTTP_STATUS ? HEALTH_LIMITED : refused ? HEALTH_REFUSED : a->listed ? HEALTH_STALE : HEALTH_DOWN,
		    f->error, f->remedy);
}

static void went_well(struct alerts *a)
{
	char why[320];
	http_backoff_reset(&a->backoff);
	a->retry_ms = 0;
	snprintf(why, sizeof(why), "%s", a->trouble);
	if (!*why && a->skipped)
		snprintf(why, sizeof(why), "%u entries of its answers could not be read and were left out", a->skipped);
	if (a->listed)
		say(a, *why ? HEALTH_LIMITED : HEALTH_LIVE, why, "");
	else if (link_said(a->link) == HEALTH_IDLE)
		say(a, HEALTH_CONNECTING, "", "");
}

/* ---- jobs */

static int64_t next_due(const struct alerts *a, unsigned *which)
{
	int64_t at = INT64_MAX;
	for (unsigned i = 0; a->is->jobs[i].run; i++)
		if (a->due[i] < at) {
			at = a->due[i];
			*which = i;
		}
	if (at < a->retry_ms)
		at = a->retry_ms;
	if (!a->is->jobs[*which + 1].run && at < a->hold_ms && routed_awaited(a))
		at = a->hold_ms;
	if (!a->urgent && at < a->asked_ms + ALERTS_REST_MS)
		at = a->asked_ms + ALERTS_REST_MS;
	return a->nwatches ? at : INT64_MAX;
}

static void run_job(struct alerts *a, unsigned i)
{
	const struct job *j = &a->is->jobs[i];
	bool ok = j->run(a);
	if (link_closing(a->link))
		return;
	if (!ok && (!j->may_fail || a->failure.end != HTTP_STATUS || a->failure.status == 401 || a->failure.status == 429)) {
		lost(a);
		return;
	}
	a->due[i] = alerts_mono(a) + link_pace(a->link, j->every ? j->every : a->poll_ms);
	if (!j->every && alerts_mono(a) < a->whole_ms && a->due[i] > a->whole_ms)
		a->due[i] = a->whole_ms;
	a->urgent = a->urgent && a->is->jobs[i + 1].run;         /* the last of a round */
	went_well(a);
}

void alerts_again(struct alerts *a, bool at_once)
{
	a->urgent = a->urgent || at_once;
	for (unsigned i = 0; a->is->jobs[i].run; i++)
		if (!a->is->jobs[i].every)
			a->due[i] = 0;
}

/* ---- requests */

static void watch(struct alerts *a, const struct request *r)
{
	if (a->nwatches == ALERTS_WATCHES_MAX)
		return;
	a->watches[a->nwatches].id = r->id;
	a->watches[a->nwatches++].silences = !strcmp(r->kind, "silences");
	a->retry_ms = 0;
	if (!a->listed && a->is->reads) {
		a->hold_ms = alerts_mono(a) + HOLD_MS;
		a->whole_ms = alerts_mono(a) + WHOLE_MS;
	}
	alerts_again(a, true);
}

static void cancel(struct alerts *a, uint64_t id)
{
	for (unsigned i = 0; i < a->nwatches; i++)
		if (a->watches[i].id == id)
			a->watches[i--] = a->watches[--a->nwatches];
}

static void ask(struct alerts *a, const struct request *r)
{
	if (!strcmp(r->what, "doctor"))
		alerts_doctor(a, r);
	else if (!strcmp(r->what, "taken") && a->is->actions)
		alerts_taken(a, r);
	else if (!strcmp(r->what, "form") && a->is->actions)
		alerts_form(a, r);
	else
		link_fail(a->link, r->id, "%s cannot answer '%s'", a->is->what, r->what);
}

static void handle(struct alerts *a, struct request *r)
{
	switch (r->type) {
	case REQ_WATCH: watch(a, r); break;
	case REQ_CANCEL: cancel(a, r->id); break;
	case REQ_ASK: ask(a, r); break;
	case REQ_OPEN:
		if (!strcmp(r->what, "describe"))
			a->is->open(a, r);
		else
			link_textf(a->link, r->id, TEXT_END | TEXT_ERROR, "%s has no '%s' of %s", a->is->what, r->what, r->kind);
		break;
	case REQ_PLAN: alerts_plan(a, r); break;
	case REQ_RUN: alerts_run(a, r); break;
	case REQ_ROWS: routed_take(a, r); break;
	}
	request_free(r);
}

/* ---- doctor */

void alerts_doctor(struct alerts *a, const struct request *r)
{
	json_t *all = json_array();
	*a->version = '\0';
	bool ok = a->is->jobs[0].run(a);             /* asks for the version */
	const struct http_reply *f = &a->failure;
	if (!ok && (f->end != HTTP_STATUS || ask_is_lost(a))) {
		doctor_check(all, f->end == HTTP_STATUS || f->end == HTTP_CREDENTIALS ? "authenticated" : "reachable", 0, f->remedy, "%s", f->error);
	} else {
		int64_t skew = a->date_ms ? a->date_ms - alerts_now(a) : 0;
		doctor_check(all, "reachable", 1, "", "answers in %.1f ms", (double)a->latency_us / 1000);
		doctor_check(all, "version", *a->version ? 1 : -1, "it does not say which it is", "%s %s", a->is->what,
		             *a->version ? a->version : "of unknown version");
		doctor_check(all, "authenticated", 1, "", "%s", access_has(&a->access, "token") ? "by token" : a->access.user ?
		             "by user and password" : "nobody asks who we are");
		if (a->date_ms)
			doctor_check(all, "clock", skew > -30000 && skew < 30000 ? 1 : -1, "set the clock of this machine or of the server: ages "
			             "are wrong", "the server's clock is %lld s off ours", (long long)(skew / 1000));
		a->is->doctor(a, all);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(a->link, r->id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}

/* ---- life */

static void run_as(struct link *l, const struct flavour *is)
{
	struct alerts *a = xcalloc(1, sizeof(*a));
	unsigned which = 0;
	a->link = l;
	a->is = is;
	a->latency_us = -1;
	a->poll_ms = link_duration(l, "poll", 15000);
	a->poll_ms = a->poll_ms < 2 * ALERTS_REST_MS ? 2 * ALERTS_REST_MS : a->poll_ms;
	a->timeout_ms = (int)link_duration(l, "timeout", 30000);
	a->backoff = (struct http_backoff){ .rnd = { 88172645463325252u }, .first_ms = 2000, .most_ms = 60000 };
	ask_open(a);
	link_health(l, (struct msg_health){ .state = HEALTH_IDLE, .latency_us = -1 });
	while (!link_closing(l)) {
		int64_t at = next_due(a, &which), left = at - alerts_mono(a);
		struct request *r = link_take(l, at == INT64_MAX ? -1 : left > 60000 ? 60000 : left > 0 ? (int)left : 0);
		if (r)
			handle(a, r);
		else if (!link_closing(l) && next_due(a, &which) <= alerts_mono(a))
			run_job(a, which);
	}
	ask_close(a);
	for (unsigned i = 0; i < a->nrules; i++)
		rule_release(&a->rules[i]);
	for (unsigned i = 0; i < a->nmanagers; i++)
		free(a->managers[i].name);
	table_free(a->routed);
	json_decref(a->sending.external);
	relabel_free(a->sending.relabel);
	json_decref(a->silenced);
	free(a->rules);
	free(a);
}

#define SHARED_KEYS \
	ACCESS_CONFIG_KEYS, \
	{ .name = "tenant", .type = CONFIG_TEXT, .help = "Whose alerts these are, where one server has those of many (Mimir, Cortex, Loki): " \
	  "sent as X-Scope-OrgID." }, \
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "15s", .help = "How often it is asked what fires." }, \
	{ .name = "timeout", .type = CONFIG_DURATION, .otherwise = "30s", .help = "The longest that one answer may take." }

static const struct config_key prometheus_keys[] = {
	{ .name = "url", .type = CONFIG_URL, .required = true, .help = "Address of Prometheus, or of what speaks like it (Thanos Ruler, "
	  "Mimir, VictoriaMetrics' vmalert), with the path it is served under: https://prometheus.example.com." },
	SHARED_KEYS,
	CONFIG_END
};
static const struct config_key alertmanager_keys[] = {
	{ .name = "url", .type = CONFIG_URL, .required = true, .help = "Address of Alertmanager, with the path it is served under: "
	  "https://alerts.example.com/alertmanager. Of a cluster one member is enough." },
	SHARED_KEYS,
	CONFIG_END
};

static void run_prometheus(struct link *l) { run_as(l, &flavour_prometheus); }
static void run_alertmanager(struct link *l) { run_as(l, &flavour_alertmanager); }
static bool opens(const struct backend *b, const char *what, const char *kind) { return !strcmp(what, "describe"); }

static const struct kind *const prometheus_kinds[] = { &kind_alerts, NULL };
static const struct kind *const alertmanager_kinds[] = { &kind_alerts, &kind_silences, NULL };
static const char *const reads[] = { "alertmanager@alerts", NULL };
const struct backend backend_prometheus = {
	.name = "prometheus", .title = "Prometheus", .help = "alerts of Prometheus, and rules that cannot be evaluated",
	.keys = prometheus_keys, .kinds = prometheus_kinds, .run = run_prometheus, .reads = reads, .opens = opens,
};
const struct backend backend_alertmanager = {
	.name = "alertmanager", .title = "Alertmanager", .help = "alerts and silences of Alertmanager, 0.20 and later",
	.keys = alertmanager_keys, .kinds = alertmanager_kinds, .actions = alerts_actions, .run = run_alertmanager, .opens = opens,
};
