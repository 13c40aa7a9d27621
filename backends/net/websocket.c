/* websocket: see websocket.h. The opening request is written by hand, as curl only makes the connection; what the server
 * sends after its head belongs to the frames already. */
#define _GNU_SOURCE
#include "backends/net/websocket.h"
#include "backends/net/http_private.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { OPEN_MS = 30000, HEAD_MAX = 64 << 10, MESSAGE_MAX = 4 << 20, TURN_MAX = 256 << 10, PING_MS = 20000, DEAD_MS = 75000, LAST_WORDS_MS = 2000 };

struct websocket {
	const struct late_curl *curl;
	const struct late_wslay *lib;
	const struct clock *clock;
	CURL *easy;
	int fd;
	wslay_event_context_ptr ctx;
	struct buf early;               /* came with the head */
	size_t early_at, taken;         /* taken: in this turn */
	bool more, over;
	websocket_fn fn;
	void *arg;
	int64_t heard, pinged;          /* mono ms */
	int64_t unheard;                /* since when nothing can be sent any more, 0: it can; what the peer said last is still read */
	char protocol[64], why[256];
};

/* ---- the handshake */

bool websocket_accept(const char *key, char out[32])
{
	const struct late_crypto *c = late_crypto(NULL);
	unsigned char digest[20];
	char text[96];
	int n = snprintf(text, sizeof(text), "%.40s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	if (!c)
		return false;
	c->SHA1((const unsigned char *)text, (size_t)n, digest);
	base64(digest, sizeof(digest), out);
	return true;
}

static void keep_word(char *to, size_t size, struct str from)
{
	snprintf(to, size, STR_FMT, STR_ARG(from));
	for (char *c = to; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

bool websocket_read_head(struct str head, const char *accept, struct websocket_head *out)
{
	struct str line = str_split(&head, '\n');
	bool upgrade = false, accepted = false;
	int64_t status = 0;
	*out = (struct websocket_head){ .length = -1 };
	line = str_trim(line);
	if (!str_starts(line, STR("HTTP/1.")) || line.n < 12 || !str_to_i64((struct str){ line.p + 9, 3 }, &status) || status < 100)
		return false;
	out->status = (int)status;
	while (head.n) {
		struct str value = str_trim(str_split(&head, '\n')), name = str_trim(str_split(&value, ':'));
		value = str_trim(value);
		if (str_is_fold(name, "Upgrade"))
			upgrade = str_is_fold(value, "websocket");
		else if (str_is_fold(name, "Sec-WebSocket-Accept"))
			accepted = str_is(value, accept);
		else if (str_is_fold(name, "Sec-WebSocket-Protocol"))
			keep_word(out->protocol, sizeof(out->protocol), value);
		else if (str_is_fold(name, "Content-Type"))
			keep_word(out->type, sizeof(out->type), str_trim(str_split(&value, ';')));
		else if (str_is_fold(name, "Content-Length") && !str_to_i64(value, &out->length))
			out->length = -1;
		else if (str_is_fold(name, "Transfer-Encoding"))
			out->chunked = str_is_fold(value, "chunked");
	}
	out->upgraded = out->status == 101 && upgrade && accepted;
	return true;
}

struct opening {
	struct http *h;
	const struct websocket_ask *q;
	struct http_stream *s;
	struct http_auth auth;
	int64_t until;
	int fd;
	struct buf in;
	char key[32], accept[32];
};

static bool is_cancelled(const struct opening *o)
{
	return o->q->cancelled && o->q->cancelled(o->q->cancelled_arg);
}

static int on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
	return is_cancelled(arg);
}

/* "GET /prefix/path HTTP/1.1", Host and credentials: what curl would have sent. */
static void write_request(struct opening *o, struct buf *out)
{
	const char *base = o->s->base, *host = strstr(base, "://");
	host = host ? host + 3 : base;
	size_t n = strcspn(host, "/");
	const char *at = memrchr(host, '@', n);
	size_t skip = at ? (size_t)(at - host) + 1 : 0;
	buf_addf(out, "GET %s%s HTTP/1.1\r\nHost: %.*s\r\n", host + n, o->q->path, (int)(n - skip), host + skip);
	buf_addf(out, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
	         "Sec-WebSocket-Protocol: %s\r\nUser-Agent: %s\r\n", o->key, o->q->protocols,
	         o->h->conf.agent ? o->h->conf.agent : "binnacle/" VERSION);
	for (unsigned i = 0; i < o->auth.n; i++) {
		buf_addstr(out, secret_reveal(o->auth.lines[i]));
		buf_adds(out, "\r\n");
	}
	buf_adds(out, "\r\n");
}

/* False: it took too long, or nobody waits any more; the stream's end says which. */
static bool wait_fd(struct opening *o, short events)
{
	while (clock_mono(o->h->clock) < o->until) {
		struct pollfd p = { o->fd, events, 0 };
		if (is_cancelled(o)) {
			o->s->end = HTTP_CANCELLED;
			http_explain_own(o->s);
			return false;
		}
		if (poll(&p, 1, 50) > 0)
			return true;
	}
	o->s->end = HTTP_TIMEOUT;
	http_say(&o->s->reply, "", "", "%s did not answer the request for a stream within %d s",
	         o->h->conf.what ? o->h->conf.what : "the server", OPEN_MS / 1000);
	return false;
}

static bool send_all(struct opening *o, const struct buf *out)
{
	for (size_t done = 0; done < out->len;) {
		size_t n = 0;
		CURLcode rc = o->h->curl->easy_send(o->s->easy, out->data + done, out->len - done, &n);
		done += n;
		if (rc == CURLE_AGAIN ? !wait_fd(o, POLLOUT) : rc != CURLE_OK) {
			if (rc != CURLE_AGAIN)
				http_explain_curl(o->s, rc);
			return false;
		}
	}
	return true;
}

/* More bytes into o->in. 0: the connection ended; -1: failed. */
static int receive(struct opening *o)
{
	char chunk[4096];
	size_t n = 0;
	for (;;) {
		CURLcode rc = o->h->curl->easy_recv(o->s->easy, chunk, sizeof(chunk), &n);
		if (rc == CURLE_AGAIN) {
			if (!wait_fd(o, POLLIN))
				return -1;
			continue;
		}
		if (rc != CURLE_OK) {
			http_explain_curl(o->s, rc);
			return -1;
		}
		buf_add(&o->in, chunk, n);
		return (int)n;
	}
}

/* The body of a refusal, as much of it as comes. in: from its first byte on. */
static void read_refusal(struct opening *o, const struct websocket_head *head, size_t at)
{
	struct buf *body = &o->s->reply.body;
	o->until = clock_mono(o->h->clock) + 2000;
	while (o->in.len < HEAD_MAX && (head->length < 0 || (int64_t)(o->in.len - at) < head->length) &&
	       !(head->chunked && o->in.len - at >= 5 && !memcmp(o->in.data + o->in.len - 5, "0\r\n\r\n", 5)))
		if (receive(o) <= 0)
			break;
	struct str rest = { o->in.data + at, o->in.len - at };
	while (head->chunked && rest.n) {
		struct str size = str_split(&rest, '\n');
		size_t n = 0;
		for (size_t i = 0; i < size.n && i < 7; i++) {
			char c = size.p[i];
			int d = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
			if (d < 0)
				break;
			n = n * 16 + (size_t)d;
		}
		if (!n)
			break;
		n = n < rest.n ? n : rest.n;
		buf_add(body, rest.p, n);
		rest = (struct str){ rest.p + n, rest.n - n };
		str_split(&rest, '\n');
	}
	if (!head->chunked)
		buf_add(body, rest.p, rest.n);
	o->s->reply.status = head->status;
	snprintf(o->s->reply.type, sizeof(o->s->reply.type), "%s", head->type);
	http_hide_sent(o->s);
	http_explain_status(o->s);
}

static struct websocket *answered(struct opening *o)
{
	const char *end;
	struct websocket_head head;
	int n = 1;
	while (!(end = o->in.len ? memmem(o->in.data, o->in.len, "\r\n\r\n", 4) : NULL) && o->in.len < HEAD_MAX && n > 0)
		n = receive(o);
	if (n < 0)
		return NULL;
	if (!end || !websocket_read_head((struct str){ o->in.data, (size_t)(end + 2 - o->in.data) }, o->accept, &head)) {
		o->s->end = HTTP_CUT;
		http_say(&o->s->reply, "a proxy on the way may not let WebSockets through", "", "%s ended the connection without an "
		         "answer to the request for a stream", o->h->conf.what ? o->h->conf.what : "the server");
		return NULL;
	}
	size_t at = (size_t)(end + 4 - o->in.data);
	if (!head.upgraded && head.status != 101 && (head.status < 200 || head.status > 299)) {
		read_refusal(o, &head, at);
		return NULL;
	}
	if (!head.upgraded) {
		o->s->end = HTTP_BROKEN;
		http_say(&o->s->reply, "a proxy on the way may not let WebSockets through", "", "%s answered %d instead of opening a "
		         "stream", o->h->conf.what ? o->h->conf.what : "the server", head.status);
		return NULL;
	}
	struct websocket *w = xcalloc(1, sizeof(*w));
	buf_add(&w->early, o->in.data + at, o->in.len - at);
	snprintf(w->protocol, sizeof(w->protocol), "%s", head.protocol);
	return w;
}

/* ---- what wslay calls */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *to, size_t len, int flags, void *arg)
{
	struct websocket *w = arg;
	size_t n = w->early.len - w->early_at;
	if (n) {
		n = n < len ? n : len;
		memcpy(to, w->early.data + w->early_at, n);
		w->early_at += n;
		return (ssize_t)n;
	}
	w->more = w->taken >= TURN_MAX;
	CURLcode rc = w->more ? CURLE_AGAIN : w->curl->easy_recv(w->easy, to, len, &n);
	if (rc == CURLE_OK && n) {
		w->taken += n;
		w->heard = clock_mono(w->clock);
		return (ssize_t)n;
	}
	if (rc != CURLE_AGAIN)
		snprintf(w->why, sizeof(w->why), "%s", rc == CURLE_OK ? "the connection was cut" : w->curl->easy_strerror(rc));
	w->lib->set_error(ctx, rc == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *arg)
{
	struct websocket *w = arg;
	size_t n = 0;
	CURLcode rc = w->curl->easy_send(w->easy, data, len, &n);
	if (rc == CURLE_OK)
		return (ssize_t)n;
	if (rc != CURLE_AGAIN && !w->unheard)
		w->unheard = clock_mono(w->clock);
	w->lib->set_error(ctx, rc == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static int on_mask(wslay_event_context_ptr ctx, uint8_t *to, size_t len, void *arg)
{
	return getrandom(to, len, 0) == (ssize_t)len ? 0 : -1;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct websocket *w = arg;
	if (!wslay_is_ctrl_frame(m->opcode) && w->fn)
		w->fn(w->arg, (struct str){ (const char *)m->msg, m->msg_length });
}

/* ---- opening */

static bool start_frames(struct opening *o, struct websocket *w)
{
	static const struct wslay_event_callbacks calls = { .recv_callback = on_recv, .send_callback = on_send,
		.genmask_callback = on_mask, .on_msg_recv_callback = on_message };
	w->curl = o->h->curl;
	w->clock = o->h->clock;
	w->fd = o->fd;
	w->heard = w->pinged = clock_mono(w->clock);
	w->lib = late_wslay(NULL);
	if (w->lib->context_client_init(&w->ctx, &calls, w))
		return false;
	w->lib->config_set_max_recv_msg_length(w->ctx, MESSAGE_MAX);
	w->easy = o->s->easy;
	o->s->easy = NULL;
	/* what it was given for the opening goes away now */
	w->curl->easy_setopt(w->easy, CURLOPT_ERRORBUFFER, NULL);
	w->curl->easy_setopt(w->easy, CURLOPT_NOPROGRESS, 1L);
	w->curl->easy_setopt(w->easy, CURLOPT_XFERINFODATA, NULL);
	w->curl->easy_setopt(w->easy, CURLOPT_HTTPHEADER, NULL);
	w->curl->easy_setopt(w->easy, CURLOPT_CONNECT_TO, NULL);
	w->curl->easy_setopt(w->easy, CURLOPT_PRIVATE, NULL);
	return true;
}

/* One connection and one request on it. */
static struct websocket *try_open(struct opening *o)
{
	struct http *h = o->h;
	struct buf out = { 0 };
	struct websocket *w = NULL;
	curl_socket_t fd = -1;
	o->auth = (struct http_auth){ 0 };
	if (!http_lone_dress(o->s, &o->auth))
		return NULL;
	h->curl->easy_setopt(o->s->easy, CURLOPT_CONNECT_ONLY, 1L);
	h->curl->easy_setopt(o->s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	h->curl->easy_setopt(o->s->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	h->curl->easy_setopt(o->s->easy, CURLOPT_NOPROGRESS, 0L);
	h->curl->easy_setopt(o->s->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	h->curl->easy_setopt(o->s->easy, CURLOPT_XFERINFODATA, o);
	CURLcode rc = h->curl->easy_perform(o->s->easy);
	h->curl->easy_getinfo(o->s->easy, CURLINFO_ACTIVESOCKET, &fd);
	o->fd = (int)fd;
	if (rc == CURLE_ABORTED_BY_CALLBACK) {
		o->s->end = HTTP_CANCELLED;
		http_explain_own(o->s);
	} else if (rc != CURLE_OK || fd == CURL_SOCKET_BAD) {
		http_explain_curl(o->s, rc != CURLE_OK ? rc : CURLE_COULDNT_CONNECT);
	} else {
		write_request(o, &out);
		if (send_all(o, &out))
			w = answered(o);
	}
	http_auth_release(&o->auth);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_release(&out);
	return w;
}

struct websocket *websocket_open(struct http *h, const struct websocket_ask *q, struct http_reply *reply)
{
	struct opening o = { .h = h, .q = q, .until = clock_mono(h->clock) + OPEN_MS };
	struct http_request as = { .path = q->path };
	struct websocket *w = NULL;
	unsigned char noise[16];
	const char *why = NULL;
	o.s = http_lone(h, &as);
	o.s->status_known = true;
	if (!late_wslay(&why) || getrandom(noise, sizeof(noise), 0) != sizeof(noise)) {
		o.s->end = HTTP_BROKEN;
		http_say(&o.s->reply, why ? why : "", "", "a stream cannot be opened here");
	} else {
		base64(noise, sizeof(noise), o.key);
		websocket_accept(o.key, o.accept);
		w = try_open(&o);
		if (!w && o.s->end == HTTP_STATUS && o.s->reply.status == 401 && h->conf.renew &&
		    h->conf.renew(h->conf.arg, o.s->credential)) {
			http_lone_undress(o.s);
			http_reply_release(&o.s->reply);
			o.s->reply = (struct http_reply){ .retry_after_ms = -1, .latency_us = -1 };
			o.s->end = HTTP_OK;
			buf_clear(&o.in);
			w = try_open(&o);
		}
	}
	if (w && !start_frames(&o, w)) {
		buf_release(&w->early);
		free(w);
		w = NULL;
		o.s->end = HTTP_BROKEN;
	}
	o.s->reply.end = o.s->end;
	*reply = o.s->reply;
	o.s->reply = (struct http_reply){ 0 };
	http_lone_free(o.s);
	buf_release(&o.in);
	return w;
}

/* ---- use */

void websocket_free(struct websocket *w)
{
	if (!w)
		return;
	if (!w->over && !w->unheard) {
		w->lib->queue_close(w->ctx, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
		w->lib->send(w->ctx);
	}
	w->lib->context_free(w->ctx);
	w->curl->easy_cleanup(w->easy);
	buf_release(&w->early);
	free(w);
}

const char *websocket_protocol(const struct websocket *w)
{
	return w->protocol;
}

const char *websocket_why(const struct websocket *w)
{
	return w->why;
}

int websocket_fd(const struct websocket *w)
{
	return w->fd;
}

short websocket_events(const struct websocket *w, bool read)
{
	return (short)((read ? POLLIN : 0) | (!w->unheard && w->lib->want_write(w->ctx) ? POLLOUT : 0));
}

void websocket_send(struct websocket *w, struct str head, struct str body)
{
	struct buf whole = { 0 };
	buf_addstr(&whole, head);
	buf_addstr(&whole, body);
	w->lib->queue_msg(w->ctx, &(struct wslay_event_msg){ WSLAY_BINARY_FRAME, (const uint8_t *)whole.data, whole.len });
	buf_release(&whole);
}

size_t websocket_unsent(const struct websocket *w)
{
	return w->lib->get_queued_msg_length(w->ctx);
}

/* The peer has to say something now and then: to a ping at least. */
static bool is_alive(struct websocket *w)
{
	int64_t now = clock_mono(w->clock);
	if (now - w->heard > DEAD_MS) {
		snprintf(w->why, sizeof(w->why), "nothing came for %d s, not even to a ping", DEAD_MS / 1000);
		return false;
	}
	if (now - w->heard > PING_MS && now - w->pinged > PING_MS) {
		w->pinged = now;
		w->lib->queue_msg(w->ctx, &(struct wslay_event_msg){ WSLAY_PING, NULL, 0 });
	}
	return true;
}

bool websocket_turn(struct websocket *w, bool read, websocket_fn fn, void *arg, bool *more)
{
	int rc = 0;
	*more = false;
	if (w->over)
		return false;
	w->fn = fn;
	w->arg = arg;
	w->taken = 0;
	w->more = false;
	if (read)
		rc = w->lib->recv(w->ctx);
	if (rc && !w->why[0])
		snprintf(w->why, sizeof(w->why), "%s", rc == WSLAY_ERR_PROTO ? "what came is no WebSocket" : "the stream broke");
	if (!w->lib->want_read(w->ctx) && !w->lib->get_close_received(w->ctx) && !w->why[0])   /* wslay has had enough */
		snprintf(w->why, sizeof(w->why), "what came is no WebSocket, or a message of over %d MiB", MESSAGE_MAX >> 20);
	if (!rc && (!read || is_alive(w)) && !w->unheard && w->lib->want_write(w->ctx) && w->lib->send(w->ctx) && !w->unheard && !w->why[0])
		snprintf(w->why, sizeof(w->why), "the stream broke");
	if (w->unheard && clock_mono(w->clock) - w->unheard > LAST_WORDS_MS && !w->why[0])
		snprintf(w->why, sizeof(w->why), "the connection was cut");
	if (w->lib->get_close_received(w->ctx) && !w->why[0]) {
		unsigned code = w->lib->get_status_code_received(w->ctx);
		if (code != WSLAY_CODE_NORMAL_CLOSURE && code != WSLAY_CODE_NO_STATUS_RCVD && code)
			snprintf(w->why, sizeof(w->why), "the server ended the stream with code %u", code);
		w->over = true;
	}
	w->over = w->over || w->why[0] || (!w->lib->want_read(w->ctx) && !w->lib->want_write(w->ctx));
	*more = w->more && !w->over;
	return !w->over;
}
