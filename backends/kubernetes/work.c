/* work: see work.h. kube_work() is where the pool's threads enter this room. */
#define _GNU_SOURCE
#include "backends/kubernetes/work.h"
#include "backends/kubernetes/forwards.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIST_MOST 20000
#define PAGE 500

bool work_cancelled(const struct work *w)
{
	return link_cancelled(w->k->link, w->r->id);
}

static bool cancelled(void *arg)
{
	return work_cancelled(arg);
}

bool work_sleep(const struct work *w, int64_t ms)
{
	for (; ms > 0 && !work_cancelled(w); ms -= 50)
		nanosleep(&(struct timespec){ .tv_nsec = (ms < 50 ? ms : 50) * 1000000L }, NULL);
	return !work_cancelled(w);
}

/* A patch that makes no valid object is refused with the whole object in the sentence (a Secret's values and all): only what is
 * said after it counts. */
static void drop_value(struct work *w)
{
	const char *text = jtext(w->refusal, "message"), *value = strstr(text, "Invalid value: \"{"), *end = NULL;

	for (const char *at = value; at && (at = strstr(at, "}\": ")); at += 4)
		end = at + 4;
	if (value)
		snprintf(w->error, sizeof(w->error), "%.590s", end ? end : "what it would become is not a valid object");
}

static void note_exchange(struct work *w, const struct http_reply *reply)
{
	const json_t *cause;

	w->end = reply->end;
	w->status = reply->status;
	w->retry_after_ms = reply->retry_after_ms;
	w->date_ms = reply->date_ms;
	w->latency_us = reply->latency_us;
	snprintf(w->error, sizeof(w->error), "%s", reply->error);
	snprintf(w->remedy, sizeof(w->remedy), "%s", reply->remedy);
	snprintf(w->warning, sizeof(w->warning), "%s", reply->warning);
	json_decref(w->refusal);
	w->refusal = NULL;
	if (reply->end == HTTP_STATUS && reply->body.len)
		w->refusal = json_loadb(reply->body.data, reply->body.len, 0, NULL);
	drop_value(w);
	/* Which budget forbids an eviction is only said in the causes. */
	cause = json_array_get(jat(w->refusal, "details.causes"), 0);
	if (w->status == 429 && *jtext(cause, "message"))
		snprintf(w->error, sizeof(w->error), "%.590s", jtext(cause, "message"));
}

json_t *work_send(struct work *w, const char *method, const char *path, const char *type, const char *body)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	struct http_request q = { .method = method, .path = path, .headers = headers, .content_type = type,
		.once = !strcmp(method, "POST") && !strstr(path, "/selfsubject"), .body = str_of(body), .json = true, .cancelled = cancelled, .cancelled_arg = w };
	struct http_reply reply = { 0 };
	json_t *answer = NULL;
	json_error_t where;

	if (http_call(w->h, &q, &reply)) {
		answer = json_loadb(reply.body.data ? reply.body.data : "", reply.body.len, JSON_ALLOW_NUL, &where);
		note_exchange(w, &reply);
		if (!answer)
			snprintf(w->error, sizeof(w->error), "the answer to %s %.200s is not JSON: %s", method, path,
			         where.text);
	} else
		note_exchange(w, &reply);
	http_reply_release(&reply);
	return answer;
}

const struct kube_api *work_api(struct work *w, const char *name)
{
	char why[300];
	const struct kube_api *api = kube_find_api(w->k, w->h, str_of(name), why, sizeof(why));

	if (!api) {
		snprintf(w->error, sizeof(w->error), "%s", why);
		w->remedy[0] = '\0';
	}
	return api;
}

json_t *work_object(struct work *w, const struct kube_api *api, const char *ns, const char *name)
{
	struct buf path = { 0 };
	json_t *o;

	kube_path(&path, api, str_of(ns), str_of(name), "");
	o = work_get(w, path.data);
	buf_release(&path);
	return o;
}

/* Items of a list come without kind and apiVersion. */
static void take_items(json_t *all, const json_t *page, const struct kube_api *api)
{
	json_t *item;
	size_t i;

	json_array_foreach(jat(page, "items"), i, item) {
		if (!json_is_object(item))
			continue;
		if (!*jtext(item, "kind"))
			json_object_set_new(item, "kind", json_string(api->kind));
		if (!*jtext(item, "apiVersion"))
			json_object_set_new(item, "apiVersion",
			                    jstringf("%s%s%s", api->group, *api->group ? "/" : "", api->version));
		json_array_append(all, item);
	}
}

json_t *work_list(struct work *w, const char *kind, const char *ns, const char *query)
{
	const struct kube_api *api = work_api(w, kind);
	json_t *all;
	struct buf path = { 0 };
	char *next = NULL;

	if (!api)
		return NULL;
	all = json_array();
	do {
		json_t *page;

		buf_clear(&path);
		kube_path(&path, api, str_of(ns), STR(""), "");
		buf_addf(&path, "?limit=%d", PAGE);
		if (*query)
			buf_addf(&path, "&%s", query);
		if (next) {
			buf_adds(&path, "&continue=");
			http_escape(&path, str_of(next));
		}
		free(next);
		next = NULL;
		page = work_get(w, path.data);
		if (!page) {
			json_decref(all);
			all = NULL;
			break;
		}
		take_items(all, page, api);
		if (*jtext(page, "metadata.continue"))
			next = xstrdup(jtext(page, "metadata.continue"));
		json_decref(page);
	} while (next && json_array_size(all) < LIST_MOST);
	free(next);
	buf_release(&path);
	return all;
}

bool work_target(struct work *w, struct target *t)
{
	struct str ns, name, container = { 0 };
	bool of_pod = !strcmp(w->r->kind, "containers");

	memset(t, 0, sizeof(*t));
	t->api = work_api(w, of_pod ? "pods" : w->r->kind);
	if (!t->api)
		return false;
	if (!kube_split_key(str_of(w->r->key), t->api->namespaced, &ns, &name, &container)) {
		snprintf(w->error, sizeof(w->error), "'%.200s' is no key of %s%s", w->r->key, t->api->plural,
		         t->api->namespaced ? ": write NAMESPACE/NAME" : "");
		return false;
	}
	t->ns = str_dup(ns);
	t->name = str_dup(name);
	t->container = str_dup(container);
	return true;
}

void target_release(struct target *t)
{
	free(t->ns);
	free(t->name);
	free(t->container);
	memset(t, 0, sizeof(*t));
}

void work_answer(struct work *w, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	if (!w->ended)
		link_answer(w->k->link, w->r->id, true, str_of(text ? text : "null"));
	w->ended = true;
	free(text);
	json_decref(answer);
}

void work_fail(struct work *w, const char *fmt, ...)
{
	struct link *l = w->k->link;
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (!w->ended) {
		if (w->r->type == REQ_OPEN)
			link_text(l, w->r->id, TEXT_END | TEXT_ERROR, buf_str(&b));
		else if (w->r->type == REQ_RUN)
			link_step(l, w->r->id, (struct msg_step){ .state = STEP_FINISHED, .say = buf_str(&b) });
		else
			link_answer(l, w->r->id, false, buf_str(&b));
	}
	w->ended = true;
	buf_release(&b);
}

void work_fail_exchange(struct work *w)
{
	if (w->status == 401 || w->status == 403)
		link_refused(w->k->link, w->r->id);
	work_fail(w, "%s%s%s", *w->error ? w->error : "no answer", *w->remedy ? ": " : "", w->remedy);
}

/* {"kind": the name on our rows of what the user calls `key`}: "sa", "ServiceAccount", "inferenceservices". */
static void work_kind(struct work *w)
{
	const struct kube_api *api = work_api(w, w->r->key);

	if (!api)
		work_fail_exchange(w);
	else if (!(api->verbs & KUBE_LIST))
		work_fail(w, "'%s' cannot be listed", api->name);
	else
		work_answer(w, json_pack("{s:s}", "kind", api->name));
}

static void dispatch(struct work *w)
{
	static const struct { enum req_type type; const char *what; void (*go)(struct work *w); } ways[] = {
		{ REQ_OPEN, "yaml", work_yaml },
		{ REQ_OPEN, "describe", work_describe },
		{ REQ_ASK, "tree", work_tree },
		{ REQ_ASK, "why", work_why },
		{ REQ_ASK, "can", work_can },
		{ REQ_ASK, "doctor", work_doctor },
		{ REQ_ASK, "kind", work_kind },
		{ REQ_PLAN, "forward-stop", work_plan_forward_stop },
		{ REQ_RUN, "forward-stop", work_run_forward_stop },
		{ REQ_ASK, "taken", work_taken },
		{ REQ_PLAN, NULL, work_plan },
		{ REQ_RUN, NULL, work_run },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].type == w->r->type && (!ways[i].what || !strcmp(ways[i].what, w->r->what))) {
			ways[i].go(w);
			return;
		}
	work_fail(w, "a Kubernetes source cannot answer '%s'", w->r->what);
}

void kube_work(struct kube *k, struct http *h, struct request *r)
{
	struct work w = { .k = k, .h = h, .r = r, .latency_us = -1 };

	w.params = *r->params ? json_loads(r->params, 0, NULL) : json_object();
	if (!json_is_object(w.params)) {
		json_decref(w.params);
		w.params = json_object();
		work_fail(&w, "the parameters of '%s' are not a JSON object", r->what);
	} else
		dispatch(&w);
	if (!w.ended)
		work_fail(&w, "'%s' came to no end", r->what);
	json_decref(w.params);
	json_decref(w.refusal);
}
