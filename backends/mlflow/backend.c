/* backend: one MLflow server as a source. Nothing is asked while nobody looks. A look lists models and versions, then the
 * metrics of versions in batches, answering other requests between two batches; later polls read what changed. A server that
 * is lost is tried again, slower each time; the rows stay. */
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static const struct kind *const kinds[] = { &kind_models, &kind_versions, &kind_experiments, &kind_trainings, &kind_promotions, NULL };

int64_t mlflow_now(const struct mlflow *m) { return clock_wall(link_clock(m->link)); }
int64_t mlflow_mono(const struct mlflow *m) { return clock_mono(link_clock(m->link)); }

bool mlflow_watches(const struct mlflow *m, int kind)
{
	for (unsigned i = 0; i < m->nwatches; i++)
		if (m->watches[i].kind == kind)
			return true;
	return false;
}

/* ---- health */

static void say(struct mlflow *m, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	char skipped[96] = "";
	if (m->skipped && state == HEALTH_LIVE) {
		snprintf(skipped, sizeof(skipped), "%u entries of its answers could not be read and were left out", m->skipped);
		state = HEALTH_LIMITED;
		why = skipped;
	}
	buf_addf(&detail, "%s%s%s", m->access.shown, m->access.user ? ", as " : "", m->access.user ? m->access.user : "");
	link_say(m->link, (struct msg_health){ .state = state, .latency_us = m->latency_us,
		.insecure = m->access.conf.insecure, .why = str_of(why), .remedy = str_of(remedy), .version = str_of(m->version),
		.detail = buf_str(&detail) });
	buf_release(&detail);
}

static void say_kind(struct mlflow *m, int kind, enum health_state state, const char *why)
{
	link_health(m->link, (struct msg_health){ .state = state, .since = mlflow_now(m), .latency_us = -1,
		.why = str_of(why), .kind = str_of(kinds[kind]->name) });
}

/* Everything stops: the server is away, or does not let us in. */
static void lost(struct mlflow *m)
{
	const struct http_reply *f = &m->failure;
	bool rows = m->listed[WATCH_MODELS] || m->listed[WATCH_TRAININGS] || m->listed[WATCH_EXPERIMENTS];
	bool refused = http_is_auth(f) || f->end == HTTP_TLS;
	m->retry_ms = mlflow_mono(m) + http_backoff_next(&m->backoff, f->retry_after_ms);
	if (refused && m->retry_ms < mlflow_mono(m) + 15000)
		m->retry_ms = mlflow_mono(m) + 15000;        /* asking again soon could lock an account */
	if (!link_closing(m->link))
		say(m, f->status == 429 ? HEALTH_LIMITED : refused ? HEALTH_REFUSED : rows ? HEALTH_STALE : HEALTH_DOWN, f->error, f->remedy);
}

/* True: go on. A part that is refused is said of its kinds alone. */
static bool went(struct mlflow *m, bool ok, int first, int last)
{
	if (!ok && (client_is_lost(m) || link_closing(m->link))) {
		lost(m);
		return false;
	}
	for (int k = first; k <= last; k++) {
		if (ok && m->refused[k])
			say_kind(m, k, HEALTH_LIVE, "");
		if (!ok)
			say_kind(m, k, m->failure.status == 403 ? HEALTH_REFUSED : HEALTH_LIMITED, m->failure.error);
		m->refused[k] = !ok;
	}
	return true;
}

/* ---- work */

static bool wants_registry(const struct mlflow *m)
{
	return mlflow_watches(m, WATCH_MODELS) || mlflow_watches(m, WATCH_VERSIONS) || mlflow_watches(m, WATCH_PROMOTIONS) ||
	       mlflow_watches(m, WATCH_TRAININGS);       /* which name the version that a run became */
}

static bool poll_trainings(struct mlflow *m)
{
	bool all = false;
	for (unsigned i = 0; i < m->nwatches; i++) {
		if (m->watches[i].kind != WATCH_TRAININGS || (all && !*m->watches[i].scope))
			continue;
		all |= !*m->watches[i].scope;
		if (!went(m, runs_trainings(m, *m->watches[i].scope ? m->watches[i].scope : NULL), WATCH_TRAININGS, WATCH_TRAININGS))
			return false;
	}
	return true;
}

/* One round of what is looked at. */
static void poll(struct mlflow *m)
{
	if (link_said(m->link) == HEALTH_IDLE)
		say(m, HEALTH_CONNECTING, "", "");
	if (!client_version(m)) {
		lost(m);
		return;
	}
	if (wants_registry(m) && !went(m, registry_refresh(m), WATCH_MODELS, WATCH_VERSIONS))
		return;
	if (mlflow_watches(m, WATCH_EXPERIMENTS)) {
		bool ok = runs_experiments(m, true);
		m->listed[WATCH_EXPERIMENTS] |= ok;
		if (!went(m, ok, WATCH_EXPERIMENTS, WATCH_EXPERIMENTS))
			return;
	}
	if (!poll_trainings(m))
		return;
	http_backoff_reset(&m->backoff);
	m->retry_ms = 0;
	m->next_ms = mlflow_mono(m) + m->poll_ms;
	say(m, HEALTH_LIVE, "", "");
}

static bool measures(const struct mlflow *m)
{
	return m->catalog.at_wanted < m->catalog.nwanted && !m->retry_ms &&
	       (mlflow_watches(m, WATCH_MODELS) || mlflow_watches(m, WATCH_VERSIONS));
}

static void measure(struct mlflow *m)
{
	bool ok = runs_measure(m);
	registry_say(m);
	if (!ok && client_is_lost(m))
		lost(m);
	else if (!measures(m))
		registry_close(m);
}

/* ---- requests */

static void watch(struct mlflow *m, const struct request *r)
{
	int kind = 0;
	while (kind < WATCH_KINDS && strcmp(kinds[kind]->name, r->kind))
		kind++;
	if (kind == WATCH_KINDS || m->nwatches == WATCHES_MAX)
		return;
	m->watches[m->nwatches++] = (struct watch){ r->id, kind, xstrdup(r->key) };
	m->next_ms = m->retry_ms = 0;
	m->look_ms = mlflow_mono(m);
}

static void cancel(struct mlflow *m, uint64_t id)
{
	for (unsigned i = 0; i < m->nwatches; i++)
		if (m->watches[i].id == id) {
			free(m->watches[i].scope);
			m->watches[i--] = m->watches[--m->nwatches];
			m->look_ms = mlflow_mono(m);
		}
}

static void ask(struct mlflow *m, const struct request *r)
{
	if (!strcmp(r->what, "doctor"))
		doctor_run(m, r);
	else if (!strcmp(r->what, "version"))
		detail_version(m, r, false);
	else if (!strcmp(r->what, "metric"))
		detail_metric(m, r);
	else if (!strcmp(r->what, "taken"))
		mlflow_taken(m, r);
	else if (!strcmp(r->what, "can"))
		mlflow_may(m, r);
	else
		link_fail(m->link, r->id, "an MLflow source cannot answer '%s'", r->what);
}

static void handle(struct mlflow *m, struct request *r)
{
	switch (r->type) {
	case REQ_WATCH:
		watch(m, r);
		break;
	case REQ_CANCEL:
		cancel(m, r->id);
		break;
	case REQ_ASK:
		ask(m, r);
		break;
	case REQ_OPEN:
		if (!strcmp(r->what, "describe") && !strcmp(r->kind, "versions"))
			detail_version(m, r, true);
		else if (!strcmp(r->what, "describe") && !strcmp(r->kind, "trainings"))
			detail_training(m, r);
		else
			link_textf(m->link, r->id, TEXT_END | TEXT_ERROR, "MLflow has no '%s' of %s", r->what, r->kind);
		break;
	case REQ_ROWS:
		break;
	case REQ_PLAN:
		mlflow_plan(m, r);
		break;
	case REQ_RUN:
		mlflow_run(m, r);
		break;
	}
	request_free(r);
}

void mlflow_between(struct mlflow *m)
{
	struct request *r;
	while ((r = link_take(m->link, 0))) {
		if (r->type == REQ_OPEN || (r->type == REQ_ASK && strcmp(r->what, "doctor"))) {
			handle(m, r);
			continue;
		}
		r->next = NULL;
		*m->last_later = r;
		m->last_later = &r->next;
	}
}

static struct request *next_request(struct mlflow *m, int wait_ms)
{
	struct request *r = m->later;
	if (!r)
		return link_take(m->link, wait_ms);
	m->later = r->next;
	if (!m->later)
		m->last_later = &m->later;
	return r;
}

/* ---- settings and life */

static void read_settings(struct mlflow *m)
{
	int64_t limit = 0;
	m->poll_ms = link_duration(m->link, "poll", 30000);
	m->poll_ms = m->poll_ms < 2000 ? 2000 : m->poll_ms;
	m->timeout_ms = (int)link_duration(m->link, "timeout", 30000);
	m->limit = str_to_i64(str_of(link_setting(m->link, "limit")), &limit) && limit > 0 && limit <= 50000 ? (long)limit : 1000;
	m->metric = link_setting(m->link, "metric");
	m->backoff = (struct http_backoff){ .rnd = { 88172645463325252u }, .first_ms = 2000, .most_ms = 60000 };
}

/* How long the thread may sleep, ms; -1: until somebody asks. */
static int wait_of(const struct mlflow *m)
{
	int64_t until = m->retry_ms ? m->retry_ms : m->next_ms, left = until - mlflow_mono(m);
	if (!m->nwatches)
		return -1;
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void run(struct link *l)
{
	struct mlflow *m = xcalloc(1, sizeof(*m));
	m->link = l;
	m->latency_us = -1;
	m->last_later = &m->later;
	read_settings(m);
	client_open(m);
	while (!link_closing(l)) {
		struct request *r = next_request(m, measures(m) ? 0 : wait_of(m));
		if (r) {
			handle(m, r);
			continue;
		}
		if (!m->nwatches || link_closing(l))
			continue;
		if (mlflow_mono(m) >= (m->retry_ms ? m->retry_ms : m->next_ms))
			poll(m);
		else if (measures(m))
			measure(m);
	}
	while (m->later)
		request_free(next_request(m, 0));
	client_close(m);
	catalog_release(&m->catalog);
	runs_release(m);
	while (m->nwatches)
		cancel(m, m->watches[0].id);
	free(m);
}

static const struct config_key keys[] = {
	{ .name = "url", .type = CONFIG_URL, .required = true, .help = "Address of the tracking server, with the path it is "
	  "served under: https://mlflow.example.com." },
	ACCESS_CONFIG_KEYS,
	{ .name = "champion", .type = CONFIG_TEXT, .help = "The alias of the version in production; otherwise champion, production, "
	  "prod or live, else stage Production." },
	{ .name = "challenger", .type = CONFIG_TEXT, .help = "The alias of the version that may follow; otherwise challenger, "
	  "candidate, staging, shadow or canary, else stage Staging." },
	{ .name = "metric", .type = CONFIG_TEXT, .help = "The metric shown of every model; otherwise the best known name it has, "
	  "r2 and accuracy before rmse and loss." },
	{ .name = "better", .type = CONFIG_MAP, .help = "Which way metrics are better, where their names do not tell: lower or "
	  "higher, by name." },
	{ .name = "limit", .type = CONFIG_COUNT, .otherwise = "1000", .help = "How many training runs are read, the newest ones." },
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "30s", .help = "How often it is asked for what changed." },
	{ .name = "timeout", .type = CONFIG_DURATION, .otherwise = "30s", .help = "The longest that one answer may take." },
	CONFIG_END
};
const struct backend backend_mlflow = {
	.name = "mlflow", .title = "MLflow", .help = "models, versions, experiments and training runs of an MLflow server, 1.28 to 3.x",
	.keys = keys, .kinds = kinds, .actions = mlflow_actions, .run = run, .permits_each = true,
};
