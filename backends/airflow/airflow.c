/* airflow: the source's thread. It answers requests as they come and, between them, takes the most urgent step of what is
 * watched (poll.c): at once while somebody waits for a first list, else a request in two seconds at most. When the
 * server is away it tries again, slower each time; the rows stay. */
#include "backends/airflow/airflow.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define REFUSED_MS 60000

int64_t mono_of(const struct airflow *a)
{
	return clock_mono(link_clock(a->api.link));
}

int64_t wall_of(const struct airflow *a)
{
	return clock_wall(link_clock(a->api.link));
}

bool watched(const struct airflow *a, int what)
{
	for (unsigned i = 0; i < a->nwatches; i++)
		if ((int)a->watches[i].what == what)
			return true;
	return false;
}

void say_health(struct airflow *a, enum health_state s, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	const char *user = a->api.access.user;
	if (a->api.version)
		buf_addf(&detail, "%s%s%sat %s, REST v%d", user ? "as " : access_has(&a->api.access, "token") ? "by token " : "",
		         user ? user : "", user ? " " : "", a->api.access.shown, a->api.version);
	link_say(a->api.link, (struct msg_health){ .state = s, .latency_us = a->api.latency_us,
		.insecure = a->api.access.conf.insecure, .why = str_of(why), .remedy = str_of(remedy), .version = str_of(a->api.number),
		.detail = buf_str(&detail) });
	buf_release(&detail);
}

void kind_health(struct airflow *a, const char *kind, enum health_state s, const char *why)
{
	link_health(a->api.link, (struct msg_health){ .state = s, .since = wall_of(a), .latency_us = -1, .why = str_of(why),
		.kind = str_of(kind) });
}

static void went_well(struct airflow *a)
{
	char why[320];
	http_backoff_reset(&a->backoff);
	a->retry_at = 0;
	snprintf(why, sizeof(why), "%s", a->trouble);
	if (!*why && a->skipped)
		snprintf(why, sizeof(why), "%u elements of its answers had no name and are left out", a->skipped);
	say_health(a, *a->trouble ? HEALTH_LIMITED : HEALTH_LIVE, why,
	           *a->trouble ? "look at the processes of Airflow: scheduler, dag-processor, database" : "");
}

static void went_wrong(struct airflow *a)
{
	int64_t wait = http_backoff_next(&a->backoff, a->api.retry_after_ms);
	bool refused = api_refused(&a->api) || api_forbidden(&a->api), known = a->dags.listed || a->runs.listed;
	if (a->api.end == HTTP_CANCELLED || link_closing(a->api.link))
		return;
	if (a->api.end == HTTP_STATUS && a->api.status == 404)
		a->api.version = 0;          /* perhaps it became another version: look again */
	if (refused || a->api.end == HTTP_BROKEN)
		wait = REFUSED_MS;
	a->retry_at = mono_of(a) + wait;
	a->dags.offset = a->runs.offset = -1;
	say_health(a, refused ? HEALTH_REFUSED : a->api.status == 429 && a->api.end == HTTP_STATUS ? HEALTH_LIMITED :
	           a->api.end == HTTP_BROKEN ? HEALTH_DOWN : known ? HEALTH_STALE : HEALTH_DOWN, a->api.error, a->api.remedy);
}

/* ---- requests */

static void watch(struct airflow *a, const struct request *r)
{
	int what = !strcmp(r->kind, "pipelines") ? WATCH_PIPELINES : !strcmp(r->kind, "runs") ? WATCH_RUNS : WATCH_TASKS;
	a->watches = xreallocarray(a->watches, a->nwatches + 1, sizeof(*a->watches));
	a->watches[a->nwatches++] = (struct watch){ r->id, (unsigned)what, xstrdup(r->key) };
	if (what == WATCH_TASKS) {
		struct taskset *s = taskset_of(a, str_of(r->key));
		s->watches++;
		s->list.due = mono_of(a);
	}
	poll_wake(a, what);
	if (!a->api.version && link_said(a->api.link) == HEALTH_IDLE)
		say_health(a, HEALTH_CONNECTING, "", "");
}

static void cancel(struct airflow *a, uint64_t id)
{
	log_drop(a, id);
	for (unsigned i = 0; i < a->nwatches; i++) {
		if (a->watches[i].id != id)
			continue;
		if (a->watches[i].what == WATCH_TASKS)
			taskset_drop(a, str_of(a->watches[i].scope));
		free(a->watches[i].scope);
		a->watches[i--] = a->watches[--a->nwatches];
	}
}

static void ask(struct airflow *a, const struct request *r)
{
	if (!strcmp(r->what, "doctor"))
		doctor_ask(a, r->id);
	else if (!strcmp(r->what, "why"))
		why_ask(a, r);
	else if (!strcmp(r->what, "links"))
		links_ask(a, r);
	else if (!strcmp(r->what, "form"))
		form_ask(a, r);
	else if (!strcmp(r->what, "taken"))
		taken_ask(a, r);
	else if (!strcmp(r->what, "can"))
		may_ask(a, r);
	else
		link_fail(a->api.link, r->id, "Airflow cannot answer '%s'", r->what);
}

static void handle(struct airflow *a, struct request *r)
{
	a->api.waiting = r->id;
	switch (r->type) {
	case REQ_WATCH: watch(a, r); break;
	case REQ_CANCEL: cancel(a, r->id); break;
	case REQ_ROWS: break;                /* it reads no other source's rows */
	case REQ_ASK: ask(a, r); break;
	case REQ_OPEN:
		strcmp(r->what, "logs") ? doc_open(a, r) : log_open(a, r);
		break;
	case REQ_PLAN: plan_ask(a, r); break;
	case REQ_RUN:
		a->api.waiting = 0;          /* what was sent is waited for, whoever left */
		run_ask(a, r);
		break;
	}
	a->api.waiting = 0;
	request_free(r);
}

/* Mono ms at which the next step may be taken. */
static int64_t next_step(const struct airflow *a)
{
	bool urgent;
	int64_t at = poll_next(a, &urgent), rest = a->api.requests ? a->api.asked_at + link_pace(a->api.link, REST_MS) : 0;
	if (at == INT64_MAX)
		return at;
	if (!urgent && at < rest)
		at = rest;
	return at < a->retry_at ? a->retry_at : at;
}

static void run(struct link *l)
{
	struct airflow a = { .dags.offset = -1, .runs.offset = -1, .errors.offset = -1 };
	double most = 0;
	api_init(&a.api, l);
	a.backoff.rnd.s = (uint64_t)wall_of(&a) ^ (uintptr_t)&a;
	a.poll_ms = link_duration(l, "poll", 5000);
	a.poll_ms = a.poll_ms < REST_MS ? REST_MS : a.poll_ms;
	a.runs_most = str_to_f64(str_of(link_setting(l, "runs")), &most) && most >= 1 && most <= 100000 ? (int)most : 1000;
	link_health(l, (struct msg_health){ .state = HEALTH_IDLE, .latency_us = -1 });
	while (!link_closing(l)) {
		int64_t at = next_step(&a), left = at - mono_of(&a);
		struct request *r = link_take(l, at == INT64_MAX ? -1 : left > 60000 ? 60000 : left > 0 ? (int)left : 0);
		if (r)
			handle(&a, r);
		else if (!link_closing(l) && next_step(&a) <= mono_of(&a))
			poll_step(&a) ? went_well(&a) : went_wrong(&a);
	}
	while (a.nwatches)
		cancel(&a, a.watches[0].id);
	while (a.logs)
		log_drop(&a, a.logs->id);
	free(a.watches);
	free(a.sets);
	json_decref(a.first_page);
	past_release(&a.past);
	api_release(&a.api);
}

static const struct config_key keys[] = {
	{ "url", CONFIG_URL, .required = true, .help = "Where Airflow is, as in a browser: https://airflow.example/prefix. REST v2 "
	  "(Airflow 3) or v1 (2.x) is found by itself." },
	ACCESS_CONFIG_KEYS,
	{ "poll", CONFIG_DURATION, "5s", .help = "How often is asked what changed while runs are under way; when nothing "
	  "happens, seldomer." },
	{ "runs", CONFIG_COUNT, "1000", .help = "Most runs to list, the newest." },
	{ "timeout", CONFIG_DURATION, "20s", .help = "How long to wait for one answer." },
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_pipelines, &kind_runs, &kind_tasks, NULL };
const struct backend backend_airflow = {
	.name = "airflow", .title = "Airflow", .help = "pipelines, runs and tasks of Apache Airflow 2 and 3",
	.keys = keys, .kinds = kinds, .actions = airflow_actions, .run = run, .permits_each = true,
};
