/* serving: the source's thread. While somebody looks it asks how the models are, no oftener than one question in two seconds;
 * predictions are asked for at once. The protocol is found by trying where it is not set. */
#include "backends/serving/serving.h"
#include "backends/serving/schema.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 5000             /* the longest that a look may take a question */
#define PACE_MS 2000             /* for each question of the last look */
#define WATCHES_MAX 64

struct watcher {
	struct serving s;
	struct watcher *first, *next;            /* of a chain; first: itself where it is alone */
	bool group;                              /* the first of a chain that is no server itself */
	bool more;                               /* servers may be to come: their list is not whole */
	struct { uint64_t id; bool predictions; } watches[WATCHES_MAX];
	unsigned nwatches;
	int64_t poll_ms, next_ms, looked_ms;     /* mono */
	struct http_backoff backoff;
	enum health_state said;
	char *said_why;
	int64_t since;
};

const struct protocol *const protocols[] = { &protocol_ray, &protocol_kserve, &protocol_v2, &protocol_mlflow, &protocol_rest,
	NULL };

/* ---- helpers of the protocols */

const char *setting(const struct serving *s, const char *key)
{
	const char *v = link_setting(s->link, key);
	return v && *v ? v : NULL;
}

void set_text(char **to, const char *text)
{
	char *fresh = text && *text ? xstrdup(text) : NULL;
	free(*to);
	*to = fresh;
}

bool is_cancelled(void *serving)
{
	const struct serving *s = serving;
	return s->asking ? link_cancelled(s->link, s->asking) : link_closing(s->link);
}

bool serving_get(struct serving *s, const char *path, json_t **json, char *text, size_t size)
{
	struct http_reply r;
	if (json)
		*json = NULL;
	s->asked++;
	bool ok = http_call(s->http, &(struct http_request){ .path = path, .timeout_ms = LOOK_MS, .max = 4 << 20,
		.cancelled = is_cancelled, .cancelled_arg = s }, &r);
	s->end = r.end;
	s->status = r.status;
	s->latency_us = r.latency_us;
	s->retry_after_ms = r.retry_after_ms;
	snprintf(s->error, sizeof(s->error), "%s", ok ? "" : r.error);
	snprintf(s->remedy, sizeof(s->remedy), "%s", ok ? "" : r.remedy);
	if (ok && json && r.body.len)
		*json = json_loadb(r.body.data, r.body.len, 0, NULL);
	if (ok && size)
		snprintf(text, size, "%.*s", (int)(r.body.len < size ? r.body.len : size - 1), r.body.len ? r.body.data : "");
	http_reply_release(&r);
	return ok;
}

bool serving_lost(const struct serving *s)
{
	return (s->end != HTTP_OK && s->end != HTTP_STATUS) ||
	       (s->end == HTTP_STATUS && (s->status == 401 || s->status == 403 || s->status == 429));
}

struct model *serving_model(struct serving *s, const char *name)
{
	const char *plain = *name == '/' ? name + 1 : name;   /* a route; the root has none */
	unsigned i = 0;
	while (i < s->nmodels && strcmp(s->models[i].name, name))
		i++;
	if (i == s->nmodels) {
		if (s->nmodels == MODELS_MAX)
			i--;                     /* enough */
		else
			s->models[s->nmodels++] = (struct model){ .name = xstrdup(name), .explains = -1,
				.key = *plain ? xasprintf("%s/%s", s->name, plain) : xstrdup(s->name) };
	}
	s->models[i].seen = true;
	return &s->models[i];
}

void model_is(struct serving *s, struct model *m, int status, const char *why)
{
	if ((int)m->status != status || !m->since)
		m->since = clock_wall(link_clock(s->link));
	m->status = (unsigned)status;
	snprintf(m->why, sizeof(m->why), "%s", why);
}

static void model_release(struct model *m)
{
	free(m->key);
	free(m->name);
	free(m->title);
	free(m->version);
	free(m->stage);
	free(m->run);
	free(m->loaded);
	json_decref(m->schema);
	json_decref(m->sent);
}

/* ---- rows and health */

static void put_model(const struct serving *s, const struct model *m, struct buf *out)
{
	static const struct { const char *word; enum level level; } states[] = {
		[STATUS_UNKNOWN] = { "unknown", LEVEL_NONE }, [STATUS_READY] = { "ready", LEVEL_OK },
		[STATUS_NOT_READY] = { "not ready", LEVEL_BAD }, [STATUS_DOWN] = { "down", LEVEL_BAD },
		[STATUS_REFUSED] = { "refused", LEVEL_BAD } };
	struct endpoint e = { .key = str_of(m->key), .name = str_of(m->key), .status = str_of(states[m->status].word),
		.level = states[m->status].level, .model = str_of(m->title ? m->title : *m->name == '/' ? "" : m->name),
		.version = str_of(m->version), .stage = str_of(m->stage), .run = str_of(m->run), .url = str_of(s->access.shown),
		.why = str_of(m->why), .since = m->since, .explains = m->explains,
		.protocol = str_of(s->protocol ? s->protocol->name : NULL) };
	call_figures(m, &e.p50, &e.p99, &e.calls, &e.failed);
	endpoint_put(out, &e);
}

static void send_rows(struct watcher *w)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	struct link *l = w->s.link;
	bool all = !w->first->more;                      /* nor while one of many was never looked at: it has no rows yet */
	for (struct watcher *x = w->first->group ? w->first->next : NULL; x; x = x->next)
		all = all && x->looked_ms;
	rows_start(&m->body, "modelendpoints");
	if (all)
		rows_begin(&m->body, STR(""));
	for (w = w->first; w; w = w->next)
		for (unsigned i = 0; i < w->s.nmodels; i++)
			put_model(&w->s, &w->s.models[i], &m->body);
	if (all)
		rows_end(&m->body, STR(""));
	link_send(l, m);
}

static void say_health(struct watcher *w, enum health_state state, const char *why, const char *remedy)
{
	struct buf detail = { 0 };
	int64_t now = clock_wall(link_clock(w->s.link));
	if (state == w->said && w->said_why && !strcmp(why, w->said_why) && state != HEALTH_LIVE)
		return;
	if (state != w->said || !w->since)
		w->since = now;
	w->said = state;
	if (w->first != w) {                             /* of one among many: found.c says how all are */
		set_text(&w->said_why, why);
		return;
	}
	set_text(&w->said_why, why);
	if (!w->said_why)
		w->said_why = xstrdup("");
	if (w->s.protocol)
		buf_addf(&detail, "%s, %u model%s", w->s.protocol->title, w->s.nmodels, w->s.nmodels == 1 ? "" : "s");
	link_health(w->s.link, (struct msg_health){ .state = state, .since = w->since, .insecure = w->s.access.conf.insecure,
		.latency_us = state == HEALTH_LIVE ? w->s.latency_us : -1, .why = str_of(why), .remedy = str_of(remedy),
		.version = str_of(w->s.flavour), .detail = buf_str(&detail) });
	buf_release(&detail);
}

static bool watched(const struct watcher *w, bool predictions)
{
	w = w->first;
	for (unsigned i = 0; i < w->nwatches; i++)
		if (w->watches[i].predictions == predictions)
			return true;
	return false;
}

/* ---- looking */

static bool chosen(const struct serving *s, const struct protocol *p)
{
	const char *said = setting(s, "protocol");
	return !said || !strcmp(said, p->name);
}

static bool find_protocol(struct serving *s)
{
	bool set = setting(s, "protocol") != NULL;
	for (const struct protocol *const *p = protocols; *p; p++) {
		if (!chosen(s, *p))
			continue;
		bool is = (*p)->probe(s);
		if (serving_lost(s))
			return false;
		if (is || set) {                         /* told so: its own look will say what is wrong */
			s->protocol = *p;
			return true;
		}
	}
	s->end = HTTP_BROKEN;
	snprintf(s->error, sizeof(s->error), "something answers, but none of the protocols that are known");
	snprintf(s->remedy, sizeof(s->remedy), "check 'url', or say 'protocol: rest' and 'predict_path: /...'");
	return false;
}

bool serving_find(struct serving *s)
{
	if (!s->http) {
		access_open(&s->access, s->link, "the model server");
		if (s->url)
			access_at(&s->access, s->url);
		s->access.conf.connect_ms = 5000;
		s->http = http_new(&s->access.conf, link_clock(s->link));
	}
	if (!s->protocol && !find_protocol(s))
		return false;
	for (unsigned i = 0; i < s->nmodels; i++)
		s->models[i].seen = false;
	if (!s->protocol->look(s))
		return false;
	for (unsigned i = 0; i < s->nmodels; i++)
		if (!s->models[i].seen)
			model_is(s, &s->models[i], STATUS_DOWN, "the server does not list it any more");
	return true;
}

static void all_are(struct serving *s, int status)
{
	if (!s->nmodels)
		serving_model(s, setting(s, "model") ? setting(s, "model") : "");
	for (unsigned i = 0; i < s->nmodels; i++)
		model_is(s, &s->models[i], status, s->error);
}

static bool look(struct watcher *w)
{
	struct serving *s = &w->s;
	s->asked = 0;
	w->looked_ms = clock_mono(link_clock(s->link));
	if (w->said == HEALTH_IDLE)
		say_health(w, HEALTH_CONNECTING, "", "");
	bool placeholder = !s->protocol && s->nmodels;
	if (placeholder)                                 /* the real names may come now */
		for (; s->nmodels; s->nmodels--)
			model_release(&s->models[s->nmodels - 1]);
	bool ok = serving_find(s);
	if (link_closing(s->link) || (!ok && s->end == HTTP_CANCELLED))
		return ok;
	bool refused = !ok && (s->end == HTTP_CREDENTIALS || s->end == HTTP_TLS || (s->end == HTTP_STATUS && s->status != 429));
	if (!ok)
		all_are(s, refused ? STATUS_REFUSED : STATUS_DOWN);
	send_rows(w);                                    /* before the health: who waits for either has both */
	if (ok && watched(w, true))
		serving_history(s);
	say_health(w, ok ? HEALTH_LIVE : refused ? HEALTH_REFUSED : s->end == HTTP_STATUS ? HEALTH_LIMITED
	           : s->end == HTTP_BROKEN || s->end == HTTP_RESOLVE ? HEALTH_DOWN : HEALTH_STALE, ok ? "" : s->error,
	           ok ? "" : s->remedy);
	int64_t now = clock_mono(link_clock(s->link)), pace = (int64_t)s->asked * PACE_MS;
	if (ok)
		http_backoff_reset(&w->backoff);
	int64_t wait = ok ? w->poll_ms : http_backoff_next(&w->backoff, s->retry_after_ms);
	w->next_ms = now + (wait > pace ? wait : pace);
	return ok;
}

/* ---- requests */

static struct model *model_of(struct serving *s, const char *key)
{
	for (unsigned i = 0; i < s->nmodels; i++)
		if (!strcmp(s->models[i].key, key) || !strcmp(s->models[i].name, key))
			return &s->models[i];
	return s->nmodels == 1 && (!*key || !strcmp(key, s->name)) ? &s->models[0] : NULL;
}

static void answer_schema(struct serving *s, struct model *m, uint64_t id)
{
	const json_t *schema = call_schema(s, m);
	json_t *o = json_pack("{s:O?, s:O?, s:O?}", "fields", json_object_get(schema, "fields"), "from",
	                      json_object_get(schema, "from"), "sent", m->sent);
	json_object_set_new(o, "explains", m->explains < 0 ? json_null() : json_boolean(m->explains));
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(s->link, id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(o);
}

static void ask(struct watcher *w, const struct request *r)
{
	struct serving *s = &w->s;
	bool explain = !strcmp(r->what, "explain");
	if (link_cancelled(s->link, r->id))
		return;
	if (!strcmp(r->what, "doctor")) {
		bool found = look(w);
		serving_doctor(s, r->id, found);
		return;
	}
	if (!explain && strcmp(r->what, "predict") && strcmp(r->what, "schema")) {
		link_fail(s->link, r->id, "a model server cannot answer '%s'", r->what);
		return;
	}
	s->asking = 0;
	if (!s->protocol && !look(w)) {
		link_fail(s->link, r->id, "%s%s%s", s->error, *s->remedy ? ": " : "", s->remedy);
		return;
	}
	struct model *m = model_of(s, r->key);
	if (!m) {
		link_fail(s->link, r->id, "there is no model '%.100s' here", r->key);
		return;
	}
	s->asking = r->id;
	if (!strcmp(r->what, "schema"))
		answer_schema(s, m, r->id);
	else
		call_ask(s, m, r, explain);
	s->asking = 0;
	if (w->first->nwatches)
		send_rows(w);
}

/* A plan, or its run, of one model. */
static void act(struct watcher *w, const struct request *r)
{
	struct serving *s = &w->s;
	bool run = r->type == REQ_RUN;
	s->asking = r->id;
	bool found = s->protocol || serving_find(s);
	struct model *m = found ? model_of(s, r->key) : NULL;
	struct buf why = { 0 };
	if (m) {
		(run ? serving_run : serving_plan)(s, m, r);
	} else {
		if (found)
			buf_addf(&why, "there is no model '%.100s' here", r->key);
		else
			buf_addf(&why, "%s%s%s", s->error, *s->remedy ? ": " : "", s->remedy);
		if (run)
			run_over(s->link, r->id, false, buf_str(&why), NULL);
		else
			link_fail(s->link, r->id, "%s", why.data);
		buf_release(&why);
	}
	s->asking = 0;
	if (w->first->nwatches && m)
		send_rows(w);
}

/* The server that a request is for: whose model it names, else whose name begins the key. */
static struct watcher *server_of(struct watcher *first, const char *key)
{
	struct watcher *w, *near = NULL;
	for (w = first->group ? first->next : first; w; w = w->next) {
		size_t n = strlen(w->s.name);
		if (!first->group || model_of(&w->s, key))
			return w;
		if (!strncmp(key, w->s.name, n) && (!key[n] || key[n] == '/'))
			near = w;
	}
	return near;
}

void watcher_handle(struct watcher *first, struct request *r)
{
	struct link *l = first->s.link;
	bool of_one = r->type == REQ_ASK || r->type == REQ_PLAN || r->type == REQ_RUN;
	struct watcher *w = of_one ? server_of(first, r->key) : first;
	if (!w && r->type == REQ_RUN)
		run_over(l, r->id, false, STR("there is no such endpoint any more"), NULL);
	else if (!w)
		link_fail(l, r->id, "there is no endpoint '%.200s' here", r->key);
	if (!w) {
		request_free(r);
		return;
	}
	switch (r->type) {
	case REQ_WATCH:
		if (w->nwatches < WATCHES_MAX)
			w->watches[w->nwatches].id = r->id, w->watches[w->nwatches++].predictions = !strcmp(r->kind, "predictions");
		if (!strcmp(r->kind, "predictions") || clock_mono(link_clock(l)) - w->looked_ms > PACE_MS || !w->looked_ms)
			for (struct watcher *x = w; x; x = x->next)
				x->next_ms = 0;
		else
			send_rows(w);
		break;
	case REQ_CANCEL:
		for (unsigned i = 0; i < w->nwatches; i++)
			if (w->watches[i].id == r->id)
				w->watches[i--] = w->watches[--w->nwatches];
		break;
	case REQ_ASK:
		ask(w, r);
		break;
	case REQ_OPEN:
		link_textf(l, r->id, TEXT_END | TEXT_ERROR, "a model server has no '%s'", r->what);
		break;
	case REQ_PLAN:
	case REQ_RUN:
		act(w, r);
		break;
	case REQ_ROWS:
		for (struct watcher *x = w; x; x = x->next)
			known_take(x->s.known, r);
		break;
	}
	request_free(r);
}

static int64_t time_setting(const struct serving *s, const char *key, int64_t otherwise)
{
	double ms;
	return duration_parse(str_of(setting(s, key)), true, &ms) && ms >= 1 && ms < 1e9 ? (int64_t)ms : otherwise;
}

struct watcher *watcher_new(struct link *l, const char *name, const char *url)
{
	struct watcher *w = xcalloc(1, sizeof(*w));
	w->first = w;
	w->s.link = l;
	w->s.name = name;
	w->s.url = url;
	w->s.known = known_new();
	w->s.models = xcalloc(MODELS_MAX, sizeof(*w->s.models));
	w->s.timeout_ms = (int)time_setting(&w->s, "timeout", 75000);
	w->poll_ms = link_pace(l, time_setting(&w->s, "poll", 15000));
	w->backoff = (struct http_backoff){ .rnd.s = (uint64_t)clock_wall(link_clock(l)), .first_ms = 2000, .most_ms = 60000 };
	return w;
}

void watcher_free(struct watcher *w)
{
	for (unsigned i = 0; i < w->s.nmodels; i++)
		model_release(&w->s.models[i]);
	free(w->s.models);
	if (w->s.http)
		http_free(w->s.http);
	access_close(&w->s.access);
	known_free(w->s.known);
	json_decref(w->s.openapi);
	free(w->s.flavour);
	free(w->said_why);
	free(w);
}

void watcher_chain(struct watcher *first, struct watcher *w)
{
	w->first = first;
	w->next = first->next;
	first->next = w;
}

void watcher_group(struct watcher *first)
{
	first->group = first->more = true;
}

void watcher_whole(struct watcher *first)
{
	first->more = false;
}

void watcher_unchain(struct watcher *first, struct watcher *w)
{
	for (struct watcher *x = first; x; x = x->next)
		if (x->next == w)
			x->next = w->next;
}

struct watcher *watcher_next(const struct watcher *w)
{
	return w->next;
}

struct serving *watcher_serving(struct watcher *w)
{
	return &w->s;
}

int64_t watcher_due(const struct watcher *w)
{
	return w->first->nwatches ? w->next_ms : INT64_MAX;
}

bool watcher_look(struct watcher *w)
{
	return look(w);
}

void watcher_rows(struct watcher *first)
{
	send_rows(first);
}

bool watcher_health(const struct watcher *w, const char **why)
{
	*why = w->said_why ? w->said_why : "";
	return w->said == HEALTH_LIVE || w->said == HEALTH_IDLE || w->said == HEALTH_CONNECTING;
}

static void run(struct link *l)
{
	struct watcher *w = watcher_new(l, link_name(l), NULL);
	struct request *r;
	while (!link_closing(l)) {
		int64_t due = watcher_due(w), left = due == INT64_MAX ? -1 : due - clock_mono(link_clock(l));
		if (due != INT64_MAX && left <= 0) {
			look(w);
			continue;
		}
		if ((r = link_take(l, left > 60000 ? 60000 : (int)left)))
			watcher_handle(w, r);
	}
	watcher_free(w);
}

/* ---- the descriptor */

static const struct config_key keys[] = {
	{ .name = "url", .type = CONFIG_URL, .required = true, .help = "Address of the model server, without the path of a model." },
	{ .name = "protocol", .type = CONFIG_ENUM, .choices = "rest|kserve-v1|v2|mlflow|ray-serve", .help = "What it speaks; otherwise "
	  "found by trying." },
	{ .name = "model", .type = CONFIG_TEXT, .help = "The model, where the server does not list its models or only one matters." },
	ACCESS_CONFIG_KEYS,
	{ .name = "timeout", .type = CONFIG_DURATION, .otherwise = "75s", .help = "The longest that a prediction may take: a model "
	  "scaled to zero needs a minute." },
	{ .name = "poll", .type = CONFIG_DURATION, .otherwise = "15s", .help = "How often it is asked how it is, while somebody looks." },
	{ .name = "predict_path", .type = CONFIG_TEXT, .help = "REST: where to POST inputs; otherwise from /openapi.json, else /predict." },
	{ .name = "explain_path", .type = CONFIG_TEXT, .help = "REST: where to POST inputs for an explanation." },
	{ .name = "reload_path", .type = CONFIG_TEXT, .help = "REST: where a POST makes it load its model anew; otherwise from "
	  "/openapi.json, else /reload." },
	{ .name = "registry", .type = CONFIG_TEXT, .help = "The source whose champion it loads, where several registries have the "
	  "model." },
	{ .name = "answer", .type = CONFIG_TEXT, .help = "Where in the answer the prediction is (data.price); otherwise found by the "
	  "usual names." },
	{ .name = "history", .type = CONFIG_BOOL, .otherwise = "false", .help = "REST: list the predictions that the service remembers; "
	  "not where they are read from PostgreSQL." },
	{ .name = "history_path", .type = CONFIG_TEXT, .otherwise = "/predictions/history", .help = "REST: where it lists them." },
	{ .name = "rows", .type = CONFIG_ENUM, .choices = "records|lists", .help = "KServe V1: whether an instance is an object or a "
	  "list; otherwise by the names of the inputs." },
	CONFIG_END
};
static const struct kind *const kinds[] = { &kind_modelendpoints, &kind_predictions, NULL };
const struct backend backend_serving = {
	.name = "serving", .title = "Model server", .help = "predictions and explanations from REST services, KServe, MLServer, "
	"MLflow scoring and Ray Serve", .keys = keys, .kinds = kinds, .actions = serving_actions,
	.reads = serving_reads, .run = run, .opens = opens_nothing,
};
