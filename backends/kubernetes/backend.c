/* backend: Kubernetes as a source: its settings, its thread's loop, its health. See engine.h for who does what. */
#define _GNU_SOURCE    /* eventfd, epoll */
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/engine.h"
#include "backends/kubernetes/forwards.h"
#include "backends/net/tunnel.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SILENCE_MS 75000         /* bookmarks come each minute: no byte for so long, and we ask */
#define FIRST_WORD_MS 150        /* nobody asked for anything: say hello all the same */
#define AGAIN_MS 8000            /* no answer to that: ask again */
#define METRICS_MS 15000
#define GATHER_MS 80
#define MODELS_MS 60000              /* between two looks for services that serve models */
#define PATIENCE_MS 30000

/* ---- health */

static void send_health(struct engine *e, int64_t latency_us)
{
	char version[sizeof(e->kube->version)];

	pthread_mutex_lock(&e->kube->lock);
	if (latency_us >= 0)
		e->kube->latency_us = latency_us;
	latency_us = e->kube->latency_us;
	memcpy(version, e->kube->version, sizeof(version));
	pthread_mutex_unlock(&e->kube->lock);
	link_health(e->link, (struct msg_health){ .state = e->state, .since = e->state_since, .latency_us = latency_us,
		.insecure = e->kube->access->insecure, .why = str_of(e->why), .remedy = str_of(e->remedy),
		.version = str_of(version), .detail = str_of(e->kube->access->described) });
}

void engine_health(struct engine *e, enum health_state state, const char *why, const char *remedy)
{
	if (e->state == state && strcmp(e->why, why) == 0)
		return;
	if (e->state != state)
		e->state_since = clock_wall(e->clock);
	e->state = state;
	snprintf(e->why, sizeof(e->why), "%s", why);
	snprintf(e->remedy, sizeof(e->remedy), "%s", remedy ? remedy : "");
	send_health(e, -1);
}

void engine_alive(struct engine *e, int64_t latency_us)
{
	bool was = e->state == HEALTH_LIVE;

	e->heard = engine_now(e);
	if (latency_us >= 0) {
		pthread_mutex_lock(&e->kube->lock);
		e->kube->latency_us = latency_us;
		pthread_mutex_unlock(&e->kube->lock);
	}
	engine_health(e, HEALTH_LIVE, "", "");
	if (!was)
		watches_kick(e);    /* the others need not wait out their pauses */
	if (!was)
		logs_kick(e);
}

void engine_lost(struct engine *e, const struct http_reply *r)
{
	enum health_state state = r->end == HTTP_CREDENTIALS || r->end == HTTP_TLS ||
		(r->end == HTTP_STATUS && r->status == 401) ? HEALTH_REFUSED : r->end == HTTP_BROKEN ? HEALTH_DOWN
		: HEALTH_STALE;

	engine_health(e, state, r->error, r->remedy);
}

void engine_kind_health(struct engine *e, const char *kind, enum health_state state, const char *why)
{
	link_health(e->link, (struct msg_health){ .state = state, .latency_us = -1, .why = str_of(why),
		.insecure = e->kube->access->insecure, .kind = str_of(kind) });
}

/* ---- the server's version, also the question whether it is still there */

static void on_version(void *arg, const struct http_reply *reply, struct str body)
{
	struct engine *e = arg;

	e->ping = NULL;
	e->version_failed = reply->end != HTTP_OK;
	e->version_due = e->version_failed ? engine_now(e) + AGAIN_MS : NEVER;
	if (reply->end != HTTP_OK && reply->end != HTTP_STATUS) {
		engine_lost(e, reply);
		watches_restart(e);
		return;
	}
	json_t *doc = body.n ? json_loadb(body.p, body.n, 0, NULL) : NULL;
	const char *version = json_string_value(json_object_get(doc, "gitVersion"));
	pthread_mutex_lock(&e->kube->lock);
	if (version)
		snprintf(e->kube->version, sizeof(e->kube->version), "%s", version);
	if (reply->date_ms)
		e->kube->skew_ms = reply->date_ms - clock_wall(e->clock);
	pthread_mutex_unlock(&e->kube->lock);
	json_decref(doc);
	if (reply->end == HTTP_STATUS && reply->status == 401)
		engine_lost(e, reply);
	else if (e->state == HEALTH_LIVE)
		send_health(e, reply->latency_us);
	else
		engine_alive(e, reply->latency_us);
}

static int64_t version_tick(struct engine *e, int64_t now)
{
	int64_t due = e->version_due;

	if (e->ping)
		return NEVER;
	if (e->version_due == NEVER)             /* it was answered: only silence is a reason */
		due = e->watches ? e->heard + SILENCE_MS : NEVER;
	else if (e->state == HEALTH_LIVE && !e->version_failed)
		due = now;
	if (now < due)
		return due;
	e->ping = fetch_start(e, "/version", "Accept: application/json", 1u << 16, on_version, e);
	return NEVER;
}

/* ---- what the pool does */

static void list_api(void *arg, const struct kube_api *api)
{
	json_t *aliases = json_array();

	for (unsigned i = 0; api->aliases && api->aliases[i]; i++)
		json_array_append_new(aliases, json_string(api->aliases[i]));
	json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "name", api->name, "singular", api->singular,
		"kind", api->kind, "group", api->group, "namespaced", (int)api->namespaced, "aliases", aliases));
}

/* REQ_ASK "kinds": every kind that can be listed, for completion. */
static void answer_kinds(struct kube *k, struct http *h, struct request *r)
{
	json_t *all = json_array();
	char why[320] = "";

	if (kube_each_api(k, h, list_api, all, why, sizeof(why))) {
		char *text = json_dumps(all, JSON_COMPACT);
		link_answer(k->link, r->id, true, str_of(text ? text : "[]"));
		free(text);
	} else {
		link_fail(k->link, r->id, "%s", why);
	}
	json_decref(all);
}

static void look_up(struct engine *e, struct http *h, const char *word)
{
	struct looked_up *l = xcalloc(1, sizeof(*l));
	char why[400] = "";

	l->word = xstrdup(word);
	if (!kube_find_api(e->kube, h, str_of(word), why, sizeof(why)))
		l->why = xstrdup(*why ? why : "the server has no such kind");
	pthread_mutex_lock(&e->lock);
	l->next = e->looked_up;
	e->looked_up = l;
	pthread_mutex_unlock(&e->lock);
	eventfd_write(e->wake_fd, 1);
}

static void work(void *arg, struct kube *k, struct http *h, struct request *r)
{
	if (r->type == REQ_WATCH)
		look_up(arg, h, r->kind);
	else if (r->type == REQ_ASK && !r->id && strcmp(r->what, "credentials") == 0)
		credentials_fetch(arg);
	else if (r->type == REQ_ASK && !r->id && strcmp(r->what, "models") == 0)
		models_tick(k->forwards, k, h);
	else if (r->type == REQ_ASK && strcmp(r->what, "kinds") == 0)
		answer_kinds(k, h, r);
	else
		kube_work(k, h, r);
}

static void take_looked_up(struct engine *e)
{
	eventfd_t ignored;

	eventfd_read(e->wake_fd, &ignored);
	pthread_mutex_lock(&e->lock);
	struct looked_up *l = e->looked_up;
	e->looked_up = NULL;
	pthread_mutex_unlock(&e->lock);
	for (struct looked_up *next; l; l = next) {
		next = l->next;
		watches_looked_up(e, l->word, l->why);
		free(l->word);
		free(l->why);
		free(l);
	}
}

/* ---- the loop */

static void take_request(struct engine *e, struct request *r)
{
	if (r->type != REQ_CANCEL && e->state != HEALTH_LIVE && e->state != HEALTH_CONNECTING) {
		watches_kick(e);    /* the user is here and asks: no pause now */
		logs_kick(e);
	}
	if (r->type == REQ_WATCH && !strcmp(r->kind, "forwards")) {
		forwards_watch(e->kube->forwards, r->id);
		e->models_due = 0;
		request_free(r);
	} else if (r->type == REQ_WATCH) {
		watch_request(e, r);
	} else if (r->type == REQ_OPEN && strcmp(r->what, "logs") == 0) {
		logs_request(e, r);
	} else if (r->type == REQ_CANCEL) {
		if (!watch_cancel(e, r->id) && !forwards_unwatch(e->kube->forwards, r->id))
			logs_cancel(e, r->id);
		request_free(r);
	} else if (r->type == REQ_ASK && strcmp(r->what, "retry") == 0) {
		watches_kick(e);
		logs_kick(e);
		link_answer(e->link, r->id, true, STR("{}"));
		request_free(r);
	} else {
		pool_put(e->pool, r);
	}
}

/* While somebody looks at the forwards: which services serve models? */
static int64_t look_for_models(struct engine *e, int64_t now)
{
	const char *setting = link_setting(e->link, "models");

	if (!setting || !*setting || !forwards_watched(e->kube->forwards))
		return NEVER;
	if (now >= e->models_due) {
		e->models_due = now + MODELS_MS;
		pool_put(e->pool, request_new(REQ_ASK, "", STR(""), "models", ""));
	}
	return e->models_due;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Changes trickle in: look at the sockets some ten times a second only, so that fifty changes cost five wakings and
 * five messages, not fifty. A request ends the pause at once. */
static void gather(struct engine *e)
{
	struct pollfd fd = { e->epoll_fd, POLLIN, 0 };

	watches_tick(e, engine_now(e));
	poll(&fd, 1, GATHER_MS);
}

static void loop(struct engine *e)
{
	while (!link_closing(e->link)) {
		struct request *r;
		while ((r = link_take(e->link, 0)) != NULL)
			take_request(e, r);
		take_looked_up(e);
		int64_t now = engine_now(e);
		int64_t next = least(watches_tick(e, now), logs_tick(e, now));
		next = least(next, usage_tick(e->usage, now));
		next = least(next, version_tick(e, now));
		next = least(next, look_for_models(e, now));
		int64_t wait = next <= now ? 0 : next - now;
		e->calm_events = 0;
		/* Not -1: http_run would go on by itself after data, and rows wait for the ticks. */
		http_run(e->http, e->epoll_fd, wait > 60000 ? 60000 : (int)wait);
		credentials_used(e);
		if (e->calm_events && !e->logs && !watches_listing(e))
			gather(e);
	}
}

static void watch_fd(int epoll_fd, int fd)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN });
}

static int64_t duration_setting(struct link *l, const char *key, int64_t otherwise)
{
	struct str s = str_of(link_setting(l, key));
	int64_t n = 0;

	if (s.n > 1 && (s.p[s.n - 1] == 's' || s.p[s.n - 1] == 'm') && str_to_i64((struct str){ s.p, s.n - 1 }, &n) && n > 0)
		return s.p[s.n - 1] == 's' ? n * 1000 : n * 60000;
	return otherwise;
}

static void run_engine(struct kube *k)
{
	struct engine e = { .kube = k, .link = k->link, .clock = link_clock(k->link), .state = HEALTH_IDLE };
	struct http_conf conf = k->conf;

	e.rnd.s = (uint64_t)clock_wall(e.clock) ^ (uintptr_t)&e;
	e.metrics_every = link_pace(k->link, duration_setting(k->link, "metrics_interval", METRICS_MS));
	e.patience = duration_setting(k->link, "timeout", PATIENCE_MS);
	pthread_mutex_init(&e.lock, NULL);
	e.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch_fd(e.epoll_fd, e.wake_fd);
	watch_fd(e.epoll_fd, link_fd(k->link));
	conf.auth = engine_auth;
	conf.renew = engine_renew;
	conf.arg = &e;
	e.http = http_new(&conf, e.clock);
	e.pool = pool_new(k, work, &e);
	e.usage = usage_new(&e);
	e.heard = engine_now(&e);
	e.version_due = e.heard + FIRST_WORD_MS;
	engine_health(&e, HEALTH_CONNECTING, "", "");
	loop(&e);
	pool_free(e.pool);
	take_looked_up(&e);
	http_free(e.http);    /* ends all streams: the rest only frees */
	e.http = NULL;
	fetch_stop(e.ping);
	logs_free(&e);
	watches_free(&e);
	usage_free(e.usage);
	ledger_release(&e.ledger);
	namespaces_clear(&e.namespaces);
	decoder_release(&e.decoder);
	close(e.epoll_fd);
	close(e.wake_fd);
	pthread_mutex_destroy(&e.lock);
}

/* Nothing to connect to: every request says so; each is also a reason to look again. */
static struct kube_access *load(struct link *l)
{
	struct kube_options o = { link_setting(l, "kubeconfig"), link_setting(l, "context"), link_setting(l, "namespace"),
		link_setting(l, "as") };
	struct kube_error err = { { 0 }, { 0 } };
	struct kube_access *a;

	while (!(a = kube_access_load(&o, link_clock(l), &err))) {
		link_health(l, (struct msg_health){ .state = HEALTH_DOWN, .latency_us = -1, .why = str_of(err.what),
			.remedy = str_of(err.remedy) });
		struct request *r = link_take(l, -1);
		if (!r)
			return NULL;
		if (r->type == REQ_OPEN)
			link_text(l, r->id, TEXT_END | TEXT_ERROR, str_of(err.what));
		else if (r->type == REQ_RUN)
			link_step(l, r->id, (struct msg_step){ .state = STEP_FINISHED, .say = str_of(err.what) });
		else if (r->type != REQ_WATCH && r->type != REQ_CANCEL)
			link_fail(l, r->id, "%s", err.what);
		request_free(r);
	}
	kube_access_obey(a, link_closing_flag(l));
	return a;
}

static void run(struct link *l)
{
	struct kube k = { .link = l, .latency_us = -1 };

	k.access = load(l);
	if (!k.access)
		return;
	pthread_mutex_init(&k.lock, NULL);
	k.apis = kube_apis_new();
	k.forwards = forwards_new(&k);
	kube_access_http_conf(k.access, &k.conf);
	k.conf.tunnel = tunnel_new(link_settings(l));
	run_engine(&k);
	forwards_free(k.forwards);
	tunnel_free(k.conf.tunnel);
	kube_apis_free(k.apis);
	pthread_mutex_destroy(&k.lock);
	kube_access_free(k.access);
}

static const struct config_key keys[] = {
	{ "kubeconfig", CONFIG_PATH, .help = "The kubeconfig file. Without it: $KUBECONFIG, ~/.kube/config, or the service "
	  "account of the pod binnacle runs in." },
	{ "context", CONFIG_TEXT, .help = "Context of the kubeconfig; 'in-cluster' for the pod's service account. Without "
	  "it the current one." },
	{ "namespace", CONFIG_TEXT, .help = "Namespace to look at where all of them are forbidden. Without it the "
	  "context's." },
	{ "as", CONFIG_TEXT, .help = "User to act as (impersonation)." },
	{ "metrics_interval", CONFIG_DURATION, .otherwise = "15s", .help = "How often the use of CPU and memory is asked "
	  "for, while pods or nodes are on screen." },
	{ "models", CONFIG_TEXT, .help = "Services whose models a source of type serving is to ask, each through a port of this "
	  "machine: 'annotated' (binnacle/serving: \"true\"), 'known' (labels of KServe, Seldon, Ray Serve, MLServer), or "
	  "NAMESPACE/NAME:PORT with * in it; several with commas. Without it none." },
	{ "shell", CONFIG_TEXT, .help = "What a shell in a container is. Without it bash, or sh where there is none." },
	{ "timeout", CONFIG_DURATION, .otherwise = "30s", .help = "How long a list may stand still before it is asked for "
	  "again." },
	TUNNEL_CONFIG_KEYS,
	CONFIG_END
};
static const struct kind *const kinds[] = {
	&kind_pods, &kind_containers, &kind_nodes, &kind_namespaces, &kind_deployments, &kind_replicasets,
	&kind_statefulsets, &kind_daemonsets, &kind_jobs, &kind_cronjobs, &kind_services, &kind_endpoints, &kind_ingresses,
	&kind_configmaps, &kind_secrets, &kind_persistentvolumeclaims, &kind_persistentvolumes, &kind_storageclasses,
	&kind_horizontalpodautoscalers, &kind_poddisruptionbudgets, &kind_events,
	&kind_forwards, NULL
};

/* Logs are of what has pods; of a kind that is not built in it is not known. */
static bool opens(const struct backend *b, const char *what, const char *kind)
{
	static const char *const logged[] = { "pods", "containers", "deployments", "replicasets", "statefulsets", "daemonsets",
		"jobs" };

	if (strcmp(kind, kind_forwards.name) == 0)
		return false;            /* ours, not the server's */
	if (strcmp(what, "logs") != 0 || !kube_kind_find(kind))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(logged); i++)
		if (strcmp(kind, logged[i]) == 0)
			return true;
	return false;
}

const struct backend backend_kubernetes = {
	.name = "kubernetes",
	.title = "Kubernetes",
	.help = "A Kubernetes cluster, as a context of a kubeconfig describes it.",
	.keys = keys,
	.kinds = kinds,
	.actions = kube_actions,
	.run = run,
	.opens = opens,
	.by_itself = kubeconfig_present,
};
