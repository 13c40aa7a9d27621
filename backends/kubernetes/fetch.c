/* fetch: one GET on the engine's connection without waiting for it; see engine.h. */
#include "backends/kubernetes/engine.h"
#include "base/mem.h"
#include <stdlib.h>

struct fetch {
	struct engine *e;
	struct http_stream *stream;
	struct buf body;
	size_t max;
	fetch_fn fn;
	void *arg;
};

static bool on_data(void *arg, struct str chunk)
{
	struct fetch *f = arg;

	f->e->heard = engine_now(f->e);
	if (f->body.len + chunk.n > f->max)
		return false;
	buf_addstr(&f->body, chunk);
	return true;
}

static void on_done(void *arg, struct http_stream *s, const struct http_reply *reply)
{
	struct fetch *f = arg;

	if (reply->status && reply->status < 500 && reply->status != 401 && f->e->state != HEALTH_LIVE)
		engine_alive(f->e, reply->latency_us);
	f->fn(f->arg, reply, buf_str(&f->body));
	buf_release(&f->body);
	free(f);
}

struct fetch *fetch_start(struct engine *e, const char *path, const char *accept, size_t max, fetch_fn fn, void *arg)
{
	struct fetch *f = xcalloc(1, sizeof(*f));
	const char *headers[] = { accept, NULL };
	struct http_request q = { .path = path, .headers = headers, .timeout_ms = 15000, .on_data = on_data, .arg = f };

	*f = (struct fetch){ .e = e, .max = max, .fn = fn, .arg = arg };
	f->stream = http_start(e->http, &q, on_done);
	return f;
}

void fetch_stop(struct fetch *f)
{
	if (!f)
		return;
	if (f->e->http)
		http_stop(f->e->http, f->stream);
	buf_release(&f->body);
	free(f);
}
