/* logs_tail: the log of one container. The wire always carries timestamps, so that a stream that breaks goes on without
 * loss or repetition (logresume.h). A stream that ends by itself means that the container ended, or only that its file
 * was rotated: the pod's status tells which. */
#define _GNU_SOURCE    /* memrchr */
#include "backends/kubernetes/logs.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES (1u << 20)        /* a line longer than this is broken */
#define KEEP_ONE (128u << 10)
#define KEEP_MANY (32u << 10)
#define ASK_MS 2000
#define TRIES 3                      /* of a log that is not followed */

struct tail *tail_new(struct logs *l, const char *pod, const char *container, int64_t restarts)
{
	struct tail *t = xcalloc(1, sizeof(*t));

	t->logs = l;
	t->pod = xstrdup(pod);
	t->container = xstrdup(container);
	t->restarts = restarts;
	t->opened = engine_now(l->e);
	t->backoff = (struct http_backoff){ .rnd = { rnd_next(&l->e->rnd) }, .first_ms = 300, .most_ms = 10000 };
	logresume_init(&t->resume, l->merge ? KEEP_MANY : KEEP_ONE);
	return t;
}

void tail_free(struct tail *t)
{
	if (t->stream && t->logs->e->http)
		http_stop(t->logs->e->http, t->stream);
	fetch_stop(t->fetch);
	buf_release(&t->partial);
	logresume_release(&t->resume);
	free(t->pod);
	free(t->container);
	free(t);
}

static void wait_for(struct tail *t, int64_t ms, bool ask_next)
{
	t->state = TAIL_WAITS;
	t->ask_next = ask_next;
	t->due = engine_now(t->logs->e) + ms;
}

static void over(struct tail *t, const char *why)
{
	t->state = TAIL_OVER;
	logs_tail_over(t, why);
}

/* ---- lines */

static void take_lines(struct tail *t, struct str lines)
{
	struct buf fresh = { 0 };

	if (t->resume.comparing) {
		logresume_filter(&t->resume, lines, &fresh);
		lines = buf_str(&fresh);
	}
	if (lines.n) {
		logresume_note(&t->resume, lines);
		logs_lines(t, lines);
	}
	buf_release(&fresh);
}

static bool on_data(void *arg, struct str chunk)
{
	struct tail *t = arg;
	const char *end = memrchr(chunk.p, '\n', chunk.n);

	t->logs->e->heard = engine_now(t->logs->e);
	if (t->logs->e->state != HEALTH_LIVE)
		engine_alive(t->logs->e, -1);
	http_backoff_reset(&t->backoff);
	t->failures = 0;
	if (t->cut) {
		t->cut = false;
		logs_note(t->logs, "%s/%s: reconnected, nothing lost", t->pod, t->container);
	}
	if (end) {
		struct str lines = { chunk.p, (size_t)(end - chunk.p) + 1 };
		chunk.p += lines.n;
		chunk.n -= lines.n;
		if (t->partial.len) {
			buf_addstr(&t->partial, lines);
			lines = buf_str(&t->partial);
		}
		take_lines(t, lines);
		buf_clear(&t->partial);
	}
	buf_addstr(&t->partial, chunk);
	if (t->partial.len > LINE_BYTES) {
		buf_addc(&t->partial, '\n');
		take_lines(t, buf_str(&t->partial));
		buf_clear(&t->partial);
	}
	return true;
}

/* ---- the pod's status, after the stream ended by itself */

static json_t *status_of(const json_t *pod, const char *container)
{
	static const char *const lists[] = { "status.containerStatuses", "status.initContainerStatuses",
		"status.ephemeralContainerStatuses" };
	json_t *found = NULL;

	for (unsigned i = 0; i < 3 && !found; i++)
		found = jfind(pod, lists[i], "name", container);
	return found;
}

static void say_end(struct tail *t, const json_t *ended, const char *waits)
{
	const char *reason = jtext(ended, "reason");

	if (t->told)
		return;
	t->told = true;
	if (ended)
		logs_note(t->logs, "%s/%s ended: %s%sexit code %d%s%s", t->pod, t->container, reason, *reason ? ", " : "",
		          (int)jint(ended, "exitCode", 0), *waits ? "; it waits: " : "", waits);
	else
		logs_note(t->logs, "%s/%s waits: %s", t->pod, t->container, *waits ? waits : "not started yet");
}

static void judge_pod(struct tail *t, const json_t *pod)
{
	const json_t *s = status_of(pod, t->container);
	int64_t restarts = jint(s, "restartCount", 0);
	json_t *ended = jat(s, "state.terminated");
	bool pod_over = jis(pod, "status.phase", "Succeeded") || jis(pod, "status.phase", "Failed");

	if (jat(s, "state.running")) {
		if (t->restarts >= 0 && restarts > t->restarts)
			logs_note(t->logs, "%s/%s was started again (%d restarts)", t->pod, t->container, (int)restarts);
		t->restarts = restarts;
		t->told = false;
		wait_for(t, http_backoff_next(&t->backoff, -1), false);
		return;
	}
	say_end(t, ended ? ended : jat(s, "lastState.terminated"), jtext(s, "state.waiting.reason"));
	bool never = jis(pod, "spec.restartPolicy", "Never") || (ended && jint(ended, "exitCode", 0) == 0 &&
		(jis(pod, "spec.restartPolicy", "OnFailure") || jfind(pod, "spec.initContainers", "name", t->container)));
	if (pod_over || (ended && never) || jat(pod, "metadata.deletionTimestamp"))
		over(t, NULL);
	else
		wait_for(t, ASK_MS, true);
}

static void on_pod(void *arg, const struct http_reply *reply, struct str body)
{
	struct tail *t = arg;
	json_t *pod = reply->end == HTTP_OK && body.n ? json_loadb(body.p, body.n, 0, NULL) : NULL;

	t->fetch = NULL;
	if (pod) {
		judge_pod(t, pod);
	} else if (reply->end == HTTP_STATUS && reply->status == 404) {
		logs_note(t->logs, "pod %s is gone", t->pod);
		over(t, NULL);
	} else {
		wait_for(t, http_backoff_next(&t->backoff, reply->retry_after_ms), true);
	}
	json_decref(pod);
}

static void ask_pod(struct tail *t)
{
	struct buf path = { 0 };

	t->state = TAIL_ASKS;
	buf_adds(&path, "/api/v1/namespaces/");
	http_escape(&path, str_of(t->logs->ns));
	buf_adds(&path, "/pods/");
	http_escape(&path, str_of(t->pod));
	t->fetch = fetch_start(t->logs->e, path.data, "Accept: application/json", 8u << 20, on_pod, t);
	buf_release(&path);
}

/* ---- the stream */

/* What an answer of 400 and above means for this log. */
static void refused(struct tail *t, const struct http_reply *reply)
{
	const char *said = reply->error, *waits = strstr(said, "waiting to start");
	bool passing = reply->status == 429 || reply->status >= 500;

	if (reply->status == 400 && waits && t->logs->follow) {
		if (!t->told)
			logs_note(t->logs, "%s/%s is %s", t->pod, t->container, waits);
		t->told = true;
		wait_for(t, ASK_MS, false);
	} else if (reply->status == 400 && strstr(said, "previous terminated container")) {
		char why[300];
		snprintf(why, sizeof(why), "container '%s' of pod '%s' was not restarted: there is no log of an instance before",
		         t->container, t->pod);
		over(t, why);
	} else if (passing && (t->logs->follow || ++t->failures <= TRIES)) {
		if (!t->told)
			logs_note(t->logs, "%s/%s: %s; trying again", t->pod, t->container, said);
		t->told = true;
		wait_for(t, http_backoff_next(&t->backoff, reply->retry_after_ms), false);
	} else if (reply->status == 404 && t->resume.tail.len) {
		logs_note(t->logs, "pod %s is gone", t->pod);
		over(t, NULL);
	} else {
		over(t, said);
	}
}

static void on_done(void *arg, struct http_stream *s, const struct http_reply *reply)
{
	struct tail *t = arg;
	struct engine *e = t->logs->e;

	t->stream = NULL;
	if (reply->end == HTTP_OK) {
		if (t->partial.len) {    /* the last line lacks its end */
			buf_addc(&t->partial, '\n');
			take_lines(t, buf_str(&t->partial));
			buf_clear(&t->partial);
		}
		if (!t->logs->follow)
			over(t, NULL);
		else
			ask_pod(t);
		return;
	}
	buf_clear(&t->partial);          /* comes again */
	if (reply->end == HTTP_STATUS) {
		refused(t, reply);
	} else if (t->logs->follow || ++t->failures <= TRIES) {
		if (!t->cut && t->resume.tail.len) {
			logs_note(t->logs, "%s/%s: the connection was lost; trying again", t->pod, t->container);
			t->cut = true;
		}
		if (reply->end == HTTP_CONNECT || reply->end == HTTP_RESOLVE || http_is_auth(reply))
			engine_lost(e, reply);
		wait_for(t, engine_now(e) - t->began > 1000 ? 0 : http_backoff_next(&t->backoff, reply->retry_after_ms), false);
	} else {
		over(t, reply->error);
	}
}

static void start(struct tail *t, int64_t now)
{
	struct logs *l = t->logs;
	struct buf path = { 0 };
	char since[24];

	t->state = TAIL_RUNS;
	t->began = now;
	buf_adds(&path, "/api/v1/namespaces/");
	http_escape(&path, str_of(l->ns));
	buf_adds(&path, "/pods/");
	http_escape(&path, str_of(t->pod));
	buf_adds(&path, "/log?timestamps=true&container=");
	http_escape(&path, str_of(t->container));
	if (l->follow)
		buf_adds(&path, "&follow=true");
	if (l->previous)
		buf_adds(&path, "&previous=true");
	if (logresume_cut(&t->resume, since)) {
		buf_addf(&path, "&sinceTime=%s", since);
	} else {
		if (l->tail_lines >= 0)
			buf_addf(&path, "&tailLines=%lld", (long long)l->tail_lines);
		if (l->since_s >= 0)
			buf_addf(&path, "&sinceSeconds=%lld", (long long)(l->since_s + (now - t->opened) / 1000));
	}
	struct http_request q = { .path = path.data, .on_data = on_data, .arg = t, .large = true };
	t->stream = http_start(l->e->http, &q, on_done);
	buf_release(&path);
}

int64_t tail_tick(struct tail *t, int64_t now)
{
	if (t->state != TAIL_WAITS)
		return NEVER;
	if (now < t->due)
		return t->due;
	if (t->ask_next)
		ask_pod(t);
	else
		start(t, now);
	return NEVER;
}
