/* logs: opens a log (REQ_OPEN "logs"), finds whose lines belong in it, and sends them on: those of one container as they
 * come, those of several merged in order of time. The parameters, all of them optional:
 *
 *   container       one container; else the pod's default one (as kubectl chooses), said in a note
 *   all_containers  every container of the pod, init containers too
 *   previous        of the instance before the last restart
 *   follow, tail, since_seconds
 *   selector        pods with these labels in the row's namespace, instead of the row's own
 *
 * A row that is no pod is a workload: its pods are found by its selector, and while its log is followed new ones
 * join. Lines have the form of base/logline.h. */
#include "backends/kubernetes/logs.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_MS 200                /* for which a line may wait for an earlier one */
#define MERGE_BYTES (4u << 20)
#define MESSAGE_BYTES (128u << 10)
#define TAILS_MAX 64
#define LOOK_AGAIN_MS 5000

/* ---- sending */

static void flush(struct logs *l)
{
	if (!l->out.len)
		return;
	link_text(l->e->link, l->id, 0, buf_str(&l->out));
	l->any = true;
	if (l->out.cap > 2 * MESSAGE_BYTES)
		buf_release(&l->out);
	buf_clear(&l->out);
}

static int64_t take_merged(struct logs *l, int64_t now)
{
	int64_t next = NEVER;

	while (l->merge && (next = logmerge_take(l->merge, now, MESSAGE_BYTES, &l->out)) <= now)
		flush(l);
	flush(l);
	return next;
}

void logs_lines(struct tail *t, struct str lines)
{
	struct logs *l = t->logs;

	if (l->merge) {
		int64_t now = engine_now(l->e);
		logmerge_feed(l->merge, t->input, lines, now);
		take_merged(l, now);
	} else if (lines.n >= MESSAGE_BYTES / 8) {    /* no need to collect */
		flush(l);
		link_text(l->e->link, l->id, 0, lines);
		l->any = true;
	} else {
		buf_addstr(&l->out, lines);
		if (l->out.len >= MESSAGE_BYTES)
			flush(l);
	}
}

void logs_note(struct logs *l, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	flush(l);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_text(l->e->link, l->id, TEXT_NOTE, buf_str(&b));
	buf_release(&b);
}

/* The request is over; the tick frees. */
static void end(struct logs *l, const char *why)
{
	if (l->over)
		return;
	take_merged(l, NEVER - 1);
	flush(l);
	link_text(l->e->link, l->id, why ? TEXT_END | TEXT_ERROR : TEXT_END, str_of(why ? why : ""));
	l->over = true;
}

void logs_tail_over(struct tail *t, const char *why)
{
	struct logs *l = t->logs;

	if (l->merge)
		logmerge_close(l->merge, t->input);
	if (why && l->merge)
		logs_note(l, "%s/%s: %s", t->pod, t->container, why);
	if (l->selector && l->follow)
		return;    /* other pods may come */
	for (unsigned i = 0; i < l->ntails; i++)
		if (l->tails[i]->state != TAIL_OVER)
			return;
	end(l, l->merge ? NULL : why);
}

/* ---- finding the containers */

static void add_tail(struct logs *l, const char *pod, const json_t *status, const char *container, bool many)
{
	struct tail *t;
	char *where;

	if (l->ntails >= TAILS_MAX)
		return;
	if (many && !l->merge)
		l->merge = logmerge_new(WINDOW_MS, MERGE_BYTES);
	t = tail_new(l, pod, container, jint(status, "restartCount", -1));
	if (l->merge) {
		where = l->selector ? xasprintf("%s/%s", pod, container) : xstrdup(container);
		t->input = logmerge_open(l->merge, where, t->opened);
		free(where);
	}
	l->tails = xreallocarray(l->tails, l->ntails + 1, sizeof(*l->tails));
	l->tails[l->ntails++] = t;
}

static const char *const parts[][2] = {
	{ "spec.initContainers", "status.initContainerStatuses" },
	{ "spec.containers", "status.containerStatuses" },
	{ "spec.ephemeralContainers", "status.ephemeralContainerStatuses" },
};

/* Whether it has written, or may write, anything: not one that never started in a log that is not followed. */
static bool has_log(const struct logs *l, const json_t *status)
{
	if (l->previous)
		return jat(status, "lastState.terminated") != NULL;
	return l->follow || !status || !jat(status, "state.waiting") || jat(status, "lastState.terminated");
}

static void name_containers(const json_t *pod, struct buf *out)
{
	size_t i;
	json_t *c;

	json_array_foreach(jat(pod, "spec.containers"), i, c)
		buf_addf(out, "%s%s", out->len ? ", " : "", jtext(c, "name"));
}

static unsigned add_pod(struct logs *l, const json_t *pod)
{
	const char *name = jtext(pod, "metadata.name");
	const char *chosen = l->only ? l->only : jnamed(pod, "metadata.annotations", "kubectl.kubernetes.io/default-container");
	size_t n = json_array_size(jat(pod, "spec.containers")), i;
	unsigned before = l->ntails;
	json_t *c;

	if (!*chosen || (!l->only && !jfind(pod, "spec.containers", "name", chosen)))
		chosen = jtext(json_array_get(jat(pod, "spec.containers"), 0), "name");
	for (unsigned p = 0; p < 3; p++) {
		json_array_foreach(jat(pod, parts[p][0]), i, c) {
			const char *container = jtext(c, "name");
			const json_t *status = jfind(pod, parts[p][1], "name", container);
			if (l->all ? has_log(l, status) : strcmp(container, chosen) == 0)
				add_tail(l, name, status, container, l->all || l->selector);
		}
	}
	if (!l->all && !l->only && !l->selector && n > 1) {
		struct buf names = { 0 };
		name_containers(pod, &names);
		logs_note(l, "container %s of %s", chosen, names.data);
		buf_release(&names);
	}
	return l->ntails - before;
}

static bool has_pod(const struct logs *l, const char *name)
{
	for (unsigned i = 0; i < l->ntails; i++)
		if (strcmp(l->tails[i]->pod, name) == 0)
			return true;
	return false;
}

static void nothing_found(struct logs *l, const json_t *pod)
{
	struct buf why = { 0 }, names = { 0 };

	name_containers(pod, &names);
	if (l->only)
		buf_addf(&why, "pod '%s' has no container '%s'; it has %s", l->name, l->only, names.data ? names.data : "none");
	else if (l->previous)
		buf_addf(&why, "no container of pod '%s' was restarted: there is no log of an instance before", l->name);
	else
		buf_addf(&why, "no container of pod '%s' has started yet", l->name);
	end(l, why.data);
	buf_release(&why);
	buf_release(&names);
}

static json_t *reply_json(struct logs *l, const struct http_reply *reply, struct str body)
{
	json_t *doc = reply->end == HTTP_OK && body.n ? json_loadb(body.p, body.n, JSON_ALLOW_NUL, NULL) : NULL;

	if (!doc && !(l->found && l->follow))
		end(l, reply->end == HTTP_OK || reply->end == HTTP_CANCELLED ? "the server's answer cannot be read" : reply->error);
	return doc;
}

static void on_pod(void *arg, const struct http_reply *reply, struct str body)
{
	struct logs *l = arg;

	l->fetch = NULL;
	json_t *pod = reply_json(l, reply, body);
	if (pod && !add_pod(l, pod))
		nothing_found(l, pod);
	l->found = true;
	json_decref(pod);
}

static void on_pods(void *arg, const struct http_reply *reply, struct str body)
{
	struct logs *l = arg;
	size_t i, left_out = 0;
	json_t *pod, *doc;

	l->fetch = NULL;
	l->look_again = engine_now(l->e) + LOOK_AGAIN_MS;
	if (!(doc = reply_json(l, reply, body)))
		return;
	json_array_foreach(jat(doc, "items"), i, pod) {
		const char *name = jtext(pod, "metadata.name");
		if (has_pod(l, name))
			continue;
		if (l->ntails >= TAILS_MAX)
			left_out++;
		else if (add_pod(l, pod) && l->found)
			logs_note(l, "pod %s joined", name);
	}
	if (left_out && !l->found)
		logs_note(l, "only the first %d containers are shown; %zu pods are left out", TAILS_MAX, left_out);
	if (!l->ntails && !l->found && l->follow)
		logs_note(l, "no pods yet with %s", l->selector);
	else if (!l->ntails && !l->follow)
		end(l, "there are no pods of it");
	l->found = true;
	json_decref(doc);
}

static void fetch_pods(struct logs *l)
{
	struct buf path = { 0 };

	buf_adds(&path, "/api/v1/namespaces/");
	http_escape(&path, str_of(l->ns));
	buf_adds(&path, "/pods");
	if (l->selector) {
		buf_addf(&path, "?limit=%d&labelSelector=", TAILS_MAX);
		http_escape(&path, str_of(l->selector));
	} else {
		buf_addc(&path, '/');
		http_escape(&path, str_of(l->name));
	}
	l->fetch = fetch_start(l->e, path.data, "Accept: application/json", 32u << 20, l->selector ? on_pods : on_pod, l);
	buf_release(&path);
}

/* ---- a workload's selector */

static void add_expression(const json_t *x, struct buf *out)
{
	const char *key = jtext(x, "key");
	size_t i;
	json_t *v;

	buf_adds(out, out->len ? "," : "");
	if (jis(x, "operator", "Exists") || jis(x, "operator", "DoesNotExist")) {
		buf_addf(out, "%s%s", jis(x, "operator", "Exists") ? "" : "!", key);
		return;
	}
	buf_addf(out, "%s %s (", key, jis(x, "operator", "In") ? "in" : "notin");
	json_array_foreach(jat(x, "values"), i, v)
		buf_addf(out, "%s%s", i ? "," : "", json_is_string(v) ? json_string_value(v) : "");
	buf_addc(out, ')');
}

/* As one text; NULL: the object selects nothing. */
static char *selector_of(const json_t *object)
{
	json_t *selector = jat(object, "spec.selector"), *labels = json_object_get(selector, "matchLabels"), *v;
	struct buf out = { 0 };
	const char *key;
	size_t i;

	if (!labels && !json_object_get(selector, "matchExpressions"))
		labels = selector;    /* services, replication controllers */
	json_object_foreach(labels, key, v)
		if (json_is_string(v))
			buf_addf(&out, "%s%s=%s", out.len ? "," : "", key, json_string_value(v));
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, v)
		add_expression(v, &out);
	return out.len ? buf_detach(&out) : NULL;
}

static void on_workload(void *arg, const struct http_reply *reply, struct str body)
{
	struct logs *l = arg;

	l->fetch = NULL;
	json_t *object = reply_json(l, reply, body);
	if (!object)
		return;
	l->selector = selector_of(object);
	json_decref(object);
	if (l->selector) {
		fetch_pods(l);
	} else {
		char why[300];
		snprintf(why, sizeof(why), "%s '%s' selects no pods; open the log of a pod instead", l->kind, l->name);
		end(l, why);
	}
}

static void fetch_workload(struct logs *l)
{
	const struct kube_api *api = kube_known_api(l->e->kube, str_of(l->kind));
	struct buf path = { 0 };

	if (!api || !api->namespaced) {
		char why[200];
		snprintf(why, sizeof(why), "%s have no logs of their own; open the log of a pod instead", l->kind);
		end(l, why);
		return;
	}
	kube_path(&path, api, str_of(l->ns), str_of(l->name), NULL);
	l->fetch = fetch_start(l->e, path.data, "Accept: application/json", 8u << 20, on_workload, l);
	buf_release(&path);
}

/* ---- requests */

static void read_params(struct logs *l, const char *text)
{
	json_t *p = *text ? json_loads(text, 0, NULL) : NULL;
	const char *container = jtext(p, "container"), *selector = jtext(p, "selector");

	l->follow = jtrue(p, "follow");
	l->previous = jtrue(p, "previous");
	l->all = jtrue(p, "all_containers");
	l->tail_lines = jint(p, "tail", -1);
	l->since_s = jint(p, "since_seconds", -1);
	if (*container && !l->only)
		l->only = xstrdup(container);
	if (*selector)
		l->selector = xstrdup(selector);
	if (l->only)
		l->all = false;
	if (l->previous)
		l->follow = false;
	json_decref(p);
}

void logs_request(struct engine *e, struct request *r)
{
	struct logs *l = xcalloc(1, sizeof(*l));
	struct str ns, name, container;
	bool is_container = strcmp(r->kind, "containers") == 0;

	l->e = e;
	l->id = r->id;
	l->kind = xstrdup(r->kind);
	l->next = e->logs;
	e->logs = l;
	bool good = kube_split_key(str_of(r->key), true, &ns, &name, &container);
	l->ns = good ? str_dup(ns) : xstrdup("");
	l->name = good ? str_dup(name) : xstrdup("");
	if (good && is_container && container.n)
		l->only = str_dup(container);
	read_params(l, r->params);
	if (!good)
		end(l, "this row has no logs; open the log of a pod instead");
	else if (l->selector || is_container || strcmp(r->kind, "pods") == 0)
		fetch_pods(l);
	else
		fetch_workload(l);
	request_free(r);
}

static void free_logs(struct logs *l)
{
	fetch_stop(l->fetch);
	for (unsigned i = 0; i < l->ntails; i++)
		tail_free(l->tails[i]);
	free(l->tails);
	logmerge_free(l->merge);
	buf_release(&l->out);
	free(l->kind);
	free(l->ns);
	free(l->name);
	free(l->only);
	free(l->selector);
	free(l);
}

bool logs_cancel(struct engine *e, uint64_t id)
{
	for (struct logs **at = &e->logs; *at; at = &(*at)->next) {
		struct logs *l = *at;
		if (l->id != id)
			continue;
		*at = l->next;
		free_logs(l);
		return true;
	}
	return false;
}

static int64_t tick(struct logs *l, int64_t now)
{
	int64_t next = take_merged(l, now);

	for (unsigned i = 0; i < l->ntails && !l->over; i++) {
		int64_t due = tail_tick(l->tails[i], now);
		if (due < next)
			next = due;
	}
	if (l->selector && l->follow && l->found && !l->fetch) {
		if (now >= l->look_again)
			fetch_pods(l);
		else if (l->look_again < next)
			next = l->look_again;
	}
	return next;
}

int64_t logs_tick(struct engine *e, int64_t now)
{
	int64_t next = NEVER;

	for (struct logs **at = &e->logs; *at; ) {
		struct logs *l = *at;
		int64_t due = tick(l, now);
		if (due < next)
			next = due;
		if (l->over) {
			*at = l->next;
			free_logs(l);
		} else {
			at = &l->next;
		}
	}
	return next;
}

void logs_kick(struct engine *e)
{
	for (struct logs *l = e->logs; l; l = l->next)
		for (unsigned i = 0; i < l->ntails; i++)
			l->tails[i]->due = 0;
}

void logs_free(struct engine *e)
{
	for (struct logs *l = e->logs, *next; l; l = next) {
		next = l->next;
		free_logs(l);
	}
	e->logs = NULL;
}
