/* stream: see stream.h. */
#define _GNU_SOURCE
#include "backends/kubernetes/stream.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void stream_path(struct buf *out, const struct stream_ask *a)
{
	buf_adds(out, "/api/v1/namespaces/");
	http_escape(out, str_of(a->ns));
	buf_adds(out, "/pods/");
	http_escape(out, str_of(a->pod));
	buf_adds(out, a->command ? "/exec?" : "/attach?");
	for (const char *const *c = a->command; c && *c; c++) {
		buf_adds(out, "command=");
		http_escape(out, str_of(*c));
		buf_addc(out, '&');
	}
	buf_adds(out, "container=");
	http_escape(out, str_of(a->container));
	buf_addf(out, "%s&stdout=true%s", a->in ? "&stdin=true" : "", a->tty ? "&tty=true" : "&stderr=true");
}

/* The number at the end of "... exit status 3", where the code does not come by itself. */
static int code_in(const char *text)
{
	static const char *const words[] = { "exit status ", "exit code " };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *at = strstr(text, words[i]);
		int64_t n;
		if (at && str_to_i64(str_trim(str_of(at + strlen(words[i]))), &n) && n > 0 && n < 256)
			return (int)n;
	}
	return -1;
}

void stream_read_end(struct str json, struct stream_end *out)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL);
	int64_t code;
	*out = (struct stream_end){ .known = true, .code = -1 };
	out->ok = jis(o, "status", "Success");
	snprintf(out->why, sizeof(out->why), "%s", jtext(o, "message"));
	if (out->ok)
		out->code = 0;
	else if (str_to_i64(str_of(jtext(jfind(o, "details.causes", "reason", "ExitCode"), "message")), &code) && code >= 0 &&
	         code < 256)
		out->code = (int)code;
	else
		out->code = code_in(out->why);
	if (!o || (!out->ok && !*out->why))
		snprintf(out->why, sizeof(out->why), "the server said how it ended in a form that is not known");
	json_decref(o);
}

static bool cancelled(void *arg)
{
	return work_cancelled(arg);
}

struct stream *stream_open(struct work *w, const char *path)
{
	struct http_reply reply;
	struct websocket *ws = websocket_open(w->h, &(struct websocket_ask){ .path = path, .cancelled = cancelled,
		.cancelled_arg = w, .protocols = "v5.channel.k8s.io, v4.channel.k8s.io" }, &reply);
	struct stream *s = NULL;
	w->end = reply.end;
	w->status = reply.status;
	snprintf(w->error, sizeof(w->error), "%s", reply.error);
	snprintf(w->remedy, sizeof(w->remedy), "%s", reply.remedy);
	http_reply_release(&reply);
	if (ws) {
		s = xcalloc(1, sizeof(*s));
		s->ws = ws;
		s->v5 = !strncmp(websocket_protocol(ws), "v5.", 3);
	}
	return s;
}

void stream_free(struct stream *s)
{
	if (s)
		websocket_free(s->ws);
	free(s);
}

void stream_input(struct stream *s, struct str bytes)
{
	websocket_send(s->ws, (struct str){ "\0", 1 }, bytes);
}

bool stream_close_input(struct stream *s)
{
	if (s->v5)
		websocket_send(s->ws, (struct str){ "\377\0", 2 }, STR(""));
	return s->v5;
}

void stream_resize(struct stream *s, int w, int h)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "{\"Width\":%d,\"Height\":%d}", w, h);
	websocket_send(s->ws, (struct str){ "\4", 1 }, (struct str){ text, (size_t)n });
}

static void on_message(void *arg, struct str m)
{
	struct stream *s = arg;
	int channel = m.n ? (unsigned char)m.p[0] : -1;
	struct str rest = { m.p + 1, m.n - 1 };
	if (m.n < 2)
		return;                  /* each channel begins with an empty one */
	if (channel == STREAM_STATUS)
		stream_read_end(rest, &s->end);
	else if (channel == STREAM_STDOUT || channel == STREAM_STDERR)
		s->fn(s->arg, channel, rest);
}

bool stream_turn(struct stream *s, bool read, stream_fn fn, void *arg, bool *more)
{
	s->fn = fn;
	s->arg = arg;
	return websocket_turn(s->ws, read, on_message, s, more);
}

bool stream_say(const struct stream *s, char *say, size_t size)
{
	const struct stream_end *e = &s->end;
	const char *why = websocket_why(s->ws);
	if (e->known && e->code >= 0)
		snprintf(say, size, "exit code %d", e->code);
	else if (e->known)
		snprintf(say, size, "%s", e->why);
	else
		snprintf(say, size, "%s: how it ended is not known", *why ? why : "the server closed the stream");
	return e->known && e->ok;
}

bool forwarding_read(struct forwarding *f, struct str m, bool *is_error, struct str *bytes)
{
	int channel = m.n ? (unsigned char)m.p[0] : -1;
	if (channel != 0 && channel != 1)
		return false;
	*is_error = channel == 1;
	*bytes = (struct str){ m.p + 1, m.n - 1 };
	if (!f->seen[channel]) {
		if (bytes->n < 2)
			return false;
		f->seen[channel] = true;
		*bytes = (struct str){ m.p + 3, m.n - 3 };
	}
	return true;
}
