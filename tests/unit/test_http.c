/* http: calls and streams against a small server in this program that cuts, stalls, lies about lengths, sends half a chunk, a
 * login page, 429, 401. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/net/http.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

/* ---- the server: one thread per connection */

static struct server {
	int fd, port;
	pthread_t thread;
	atomic_int connections, requests, open;
	atomic_bool over, go, went;
} server;

static const struct { const char *path, *answer; bool close; } answers[] = {
	{ "/ok", JSON_HEAD "Content-Length: 7\r\nDate: Sat, 21 Nov 2026 03:00:00 GMT\r\nWarning: 299 - \"old\"\r\n"
	  "Warning: 299 - \"older\"\r\n\r\n{\"a\":1}", false },
	{ "/cut", JSON_HEAD "Content-Length: 100\r\n\r\n{\"a\":", true },
	{ "/halfchunk", CHUNKED "5\r\n{\"a\":\r\n20\r\n12", true },
	{ "/badchunk", CHUNKED "zz\r\n{}\r\n", true },
	{ "/nothing", "", true },
	{ "/html", "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>", false },
	{ "/busy", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
	  "{\"message\":\"slow down\"}", true },
	{ "/gone", "HTTP/1.1 410 Gone\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<b>no", true },
	{ "/moved", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", false },
	{ "/oops", "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n<h1>500\n", false },
	{ "/rubbish", "SSH-2.0-OpenSSH_9.9\r\n", true },
	{ "/longer", JSON_HEAD "Content-Length: 2\r\n\r\n{}and more than was said", true },
	{ "/stall", JSON_HEAD "Content-Length: 9\r\n\r\n{\"a\"", false },
	{ "/silent", NULL, false },
	{ "/empty", "HTTP/1.1 204 No Content\r\n\r\n", false },
};

static void put(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t done = send(fd, s, n, MSG_NOSIGNAL);
		if (done <= 0)
			return;
		s += done, n -= (size_t)done;
	}
}

static void put_text(int fd, const char *s)
{
	put(fd, s, strlen(s));
}

/* Until the other side goes. */
static void hold(int fd)
{
	char byte[64];
	while (!atomic_load(&server.over)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 20) > 0 && recv(fd, byte, sizeof(byte), 0) <= 0)
			return;
	}
}

static void wait_for_go(void)
{
	while (!atomic_load(&server.go) && !atomic_load(&server.over))
		usleep(5000);
}

/* A line each 20 ms, for as long as the path's number says; twenty end when the test says so. */
static void drip(int fd, int lines)
{
	put_text(fd, CHUNKED);
	for (int i = 0; i < lines && !atomic_load(&server.over); i++) {
		put_text(fd, "3\r\n{}\n\r\n");
		usleep(20000);
	}
	if (lines == 20)
		wait_for_go();
	put_text(fd, "0\r\n\r\n");
}

/* Two lines, the other when the test says so, and then nothing more. */
static void pair(int fd)
{
	put_text(fd, CHUNKED "3\r\n{}\n\r\n");
	wait_for_go();
	put_text(fd, "3\r\n{}\n\r\n");
	atomic_store(&server.went, true);
	hold(fd);
}

static void flood(int fd)
{
	static const char block[65536];
	put_text(fd, JSON_HEAD "\r\n");
	for (int i = 0; i < 160; i++)
		put(fd, block, sizeof(block));
}

/* Gives back the whole request as the body. */
static void echo(int fd, const struct buf *request)
{
	struct buf b = { 0 };
	buf_addf(&b, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", request->len);
	buf_addstr(&b, buf_str(request));
	put(fd, b.data, b.len);
	buf_release(&b);
}

/* False: close. */
static bool answer(int fd, const struct buf *q)
{
	const char *path = strchr(q->data, ' ') + 1;
	size_t n = strcspn(path, " ?");
	bool known = strstr(q->data, "Authorization: Bearer fresh") != NULL;
	atomic_fetch_add(&server.requests, 1);
	if (n == 5 && !strncmp(path, "/auth", 5))
		put_text(fd, known ? JSON_HEAD "Content-Length: 4\r\n\r\nnull"
		                   : "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
	else if (n == 5 && !strncmp(path, "/echo", 5))
		echo(fd, q);
	else if (n == 6 && !strncmp(path, "/flood", 6))
		flood(fd);
	else if (n == 5 && !strncmp(path, "/pair", 5))
		pair(fd);
	else if (n > 5 && !strncmp(path, "/drip", 5))
		drip(fd, atoi(path + 5));
	else
		for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
			if (strlen(answers[i].path) != n || strncmp(path, answers[i].path, n))
				continue;
			if (answers[i].answer)
				put_text(fd, answers[i].answer);
			if (!answers[i].answer || strstr(path, "/stall") == path)
				hold(fd);
			return !answers[i].close;
		}
	return strncmp(path, "/flood", 6) != 0;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct buf q = { 0 };
	char part[4096];
	ssize_t n;
	bool more = true;
	while (more && (n = recv(fd, part, sizeof(part), 0)) > 0) {
		buf_add(&q, part, (size_t)n);
		char *end = strstr(q.data, "\r\n\r\n"), *length = strcasestr(q.data, "Content-Length: ");
		if (!end || (length && q.len < (size_t)(end - q.data) + 4 + (size_t)atoi(length + 16)))
			continue;
		more = answer(fd, &q);
		buf_clear(&q);
	}
	buf_release(&q);
	close(fd);
	atomic_fetch_sub(&server.open, 1);
	return NULL;
}

static void *accept_all(void *arg)
{
	int fd;
	while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
		pthread_t t;
		atomic_fetch_add(&server.connections, 1);
		atomic_fetch_add(&server.open, 1);
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
	}
	return NULL;
}

static char base[64];

static int server_start(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (struct sockaddr *)&at, n) || listen(server.fd, 64) || getsockname(server.fd, (struct sockaddr *)&at, &n))
		return -1;
	server.port = ntohs(at.sin_port);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", server.port);
	return pthread_create(&server.thread, NULL, accept_all, NULL);
}

static int server_stop(void **state)
{
	atomic_store(&server.over, true);
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	for (int i = 0; i < 200 && atomic_load(&server.open); i++)
		usleep(10000);
	return 0;
}

/* ---- helpers */

static struct http *client(void)
{
	static struct http_conf conf;
	conf = (struct http_conf){ .base = base, .what = "the test server", .proxy = "" };
	return http_new(&conf, &clock_system);
}

static void expect(const char *path, enum http_end end, int status, const char *words, const char *remedy)
{
	struct http *h = client();
	struct http_reply r;
	bool ok = http_call(h, &(struct http_request){ .path = path, .json = true, .timeout_ms = 60000, .idle_ms = strstr(path, "stall") ? 2000 : 60000 }, &r);
	if (ok != (end == HTTP_OK) || r.end != end || r.status != status || !strstr(r.error, words) || !strstr(r.remedy, remedy))
		fail_msg("%s: %s %d '%s' (%s)", path, http_end_name(r.end), r.status, r.error, r.remedy);
	http_reply_release(&r);
	http_free(h);
}

/* ---- calls */

static void takes_what_is_good(void **state)
{
	struct http *h = client();
	struct http_reply r;
	int before = atomic_load(&server.connections);
	for (int i = 0; i < 5; i++) {
		assert_true(http_get(h, "/ok", NULL, NULL, &r));
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.data, "{\"a\":1}");
		assert_string_equal(r.type, "application/json");
		assert_string_equal(r.warning, "299 - \"old\"; 299 - \"older\"");
		assert_true(r.date_ms == 1795230000000);
		assert_int_equal(r.retry_after_ms, -1);
		assert_true(r.latency_us >= 0 && r.latency_us < 60000000);
		assert_true(i == 0 ? r.connect_us > 0 : r.connect_us == 0);
		http_reply_release(&r);
	}
	assert_int_equal(atomic_load(&server.connections), before + 1);    /* one connection for all */
	assert_true(http_call(h, &(struct http_request){ .path = "/empty", .json = true }, &r));
	assert_int_equal(r.status, 204);
	http_reply_release(&r);
	http_free(h);
}

static void names_each_failure(void **state)
{
	expect("/cut", HTTP_CUT, 200, "the connection to the test server (http://127.0.0.1:", "");
	expect("/halfchunk", HTTP_CUT, 200, "broke", "");
	expect("/badchunk", HTTP_CUT, 200, "broke", "");
	expect("/nothing", HTTP_CUT, 0, "broke", "");
	expect("/html", HTTP_NOT_JSON, 200, "answered text/html instead of JSON", "login page");
	expect("/busy", HTTP_STATUS, 429, "slow down", "");
	expect("/gone", HTTP_STATUS, 410, "answered 410 with a web page", "");
	expect("/moved", HTTP_STATUS, 302, "answered 302", "elsewhere");
	expect("/oops", HTTP_STATUS, 500, "answered 500 with a web page", "");
	expect("/rubbish", HTTP_BROKEN, 0, "does not speak HTTP", "something else");
	expect("/stall", HTTP_TIMEOUT, 200, "said nothing", "");
	expect("/longer", HTTP_OK, 200, "", "");
}

static void reads_the_wait_asked_for(void **state)
{
	struct http *h = client();
	struct http_reply r;
	assert_false(http_get(h, "/busy", NULL, NULL, &r));
	assert_int_equal(r.retry_after_ms, 7000);
	assert_true(http_is_passing(&r));
	assert_false(http_is_auth(&r));
	struct http_backoff b = { .rnd = { 7 } };
	assert_int_equal(http_backoff_next(&b, r.retry_after_ms), 7000);
	int64_t most = 0;
	for (int i = 0; i < 20; i++) {
		int64_t full = b.tries > 6 ? 30000 : 500ll << b.tries, ms = http_backoff_next(&b, -1);
		full = full > 30000 ? 30000 : full;
		assert_true(ms >= full / 2 && ms <= full);
		most = ms > most ? ms : most;
	}
	assert_true(most > 15000);
	http_backoff_reset(&b);
	assert_true(http_backoff_next(&b, -1) <= 500);
	http_reply_release(&r);
	http_free(h);
}

static void refuses_what_is_too_large(void **state)
{
	struct http *h = client();
	struct http_reply r;
	assert_false(http_call(h, &(struct http_request){ .path = "/flood", .max = 1 << 20, .large = true }, &r));
	assert_int_equal(r.end, HTTP_TOO_LARGE);
	assert_true(r.body.len <= 1 << 20);
	assert_non_null(strstr(r.error, "more than 1 MiB"));
	http_reply_release(&r);
	http_free(h);
}

static void says_who_cannot_be_reached(void **state)
{
	struct http_conf conf = { .base = "http://ann:hunter2@127.0.0.1:1/x?token=hunter2", .proxy = "", .what = "it" };
	struct http *h = http_new(&conf, &clock_system);
	struct http_reply r;
	assert_false(http_get(h, "/", NULL, NULL, &r));
	assert_int_equal(r.end, HTTP_CONNECT);
	assert_non_null(strstr(r.error, "it (http://127.0.0.1:1/x) cannot be reached"));
	assert_null(strstr(r.error, "hunter2"));
	http_reply_release(&r);
	http_free(h);
	conf.base = "http://no-such-host.invalid";
	h = http_new(&conf, &clock_system);
	assert_false(http_get(h, "/", NULL, NULL, &r));
	assert_int_equal(r.end, HTTP_RESOLVE);
	http_reply_release(&r);
	http_free(h);
	conf.base = "file:///etc";
	h = http_new(&conf, &clock_system);
	assert_false(http_get(h, "/passwd", NULL, NULL, &r));
	assert_int_equal(r.end, HTTP_BROKEN);
	http_reply_release(&r);
	http_free(h);
	char tls[64];
	snprintf(tls, sizeof(tls), "https://127.0.0.1:%d", server.port);
	conf.base = tls;
	h = http_new(&conf, &clock_system);
	assert_false(http_call(h, &(struct http_request){ .path = "/ok", .timeout_ms = 60000 }, &r));
	assert_int_not_equal(r.end, HTTP_OK);
	http_reply_release(&r);
	http_free(h);
}

static bool third_time(void *arg)
{
	return ++*(int *)arg >= 3;
}

static void ends_in_time(void **state)
{
	struct http *h = client();
	struct http_reply r;
	int asked = 0;
	int64_t start = clock_mono(&clock_system);
	assert_false(http_call(h, &(struct http_request){ .path = "/silent", .timeout_ms = 200 }, &r));
	assert_int_equal(r.end, HTTP_TIMEOUT);
	http_reply_release(&r);
	assert_false(http_call(h, &(struct http_request){ .path = "/silent", .cancelled = third_time, .cancelled_arg = &asked }, &r));
	assert_int_equal(r.end, HTTP_CANCELLED);
	assert_true(clock_mono(&clock_system) - start < 30000);
	http_reply_release(&r);
	http_free(h);
}

static void sends_what_is_asked(void **state)
{
	static const char *const headers[] = { "Accept: application/x", "X-One: 1", NULL };
	struct http *h = client();
	struct http_reply r;
	assert_true(http_call(h, &(struct http_request){ .method = "PATCH", .path = "/echo?a=b%20c/../d", .headers = headers,
		.body = STR("{\"x\":1}"), .content_type = "application/merge-patch+json" }, &r));
	assert_ptr_equal(strstr(r.body.data, "PATCH /echo?a=b%20c/../d HTTP/1.1\r\n"), r.body.data);
	assert_non_null(strstr(r.body.data, "\r\nAccept: application/x\r\n"));
	assert_non_null(strstr(r.body.data, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(r.body.data, "\r\nContent-Type: application/merge-patch+json\r\n"));
	assert_non_null(strstr(r.body.data, "\r\n\r\n{\"x\":1}"));
	assert_null(strcasestr(r.body.data, "Expect:"));
	assert_null(strcasestr(r.body.data, "Accept-Encoding"));
	assert_null(strcasestr(r.body.data, "Authorization"));
	http_reply_release(&r);
	assert_true(http_call(h, &(struct http_request){ .method = "DELETE", .path = "/echo" }, &r));
	assert_ptr_equal(strstr(r.body.data, "DELETE /echo HTTP/1.1\r\n"), r.body.data);
	http_reply_release(&r);
	assert_true(http_call(h, &(struct http_request){ .method = "POST", .path = "/echo" }, &r));
	assert_non_null(strstr(r.body.data, "Content-Length: 0\r\n"));
	http_reply_release(&r);
	http_free(h);
}

/* ---- credentials */

struct keys { int asked, renewed; const char *token; };

static bool give(void *arg, struct http_auth *a)
{
	struct keys *k = arg;
	struct secret s = secret_of(str_of(k->token));
	a->which = (uint64_t)++k->asked;
	bool ok = http_auth_bearer(a, s);
	secret_release(&s);
	if (!ok)
		snprintf(a->error, sizeof(a->error), "odd bytes");
	return ok;
}

static bool renew(void *arg, uint64_t which)
{
	struct keys *k = arg;
	assert_int_equal(which, 1);           /* the first that was given */
	k->renewed++;
	k->token = "fresh";
	return true;
}

static bool renew_in_vain(void *arg, uint64_t which)
{
	((struct keys *)arg)->renewed++;
	return true;
}

static void renews_once(void **state)
{
	struct keys k = { .token = "stale" };
	struct http_conf conf = { .base = base, .proxy = "", .auth = give, .renew = renew, .arg = &k };
	struct http *h = http_new(&conf, &clock_system);
	struct http_reply r;
	assert_true(http_get(h, "/auth", NULL, NULL, &r));
	assert_string_equal(r.body.data, "null");
	assert_int_equal(k.renewed, 1);
	assert_int_equal(k.asked, 2);
	http_reply_release(&r);
	http_free(h);
	k = (struct keys){ .token = "stale" };
	conf.renew = renew_in_vain;
	h = http_new(&conf, &clock_system);
	assert_false(http_get(h, "/auth", NULL, NULL, &r));
	assert_int_equal(r.status, 401);
	assert_true(http_is_auth(&r));
	assert_int_equal(k.renewed, 1);
	http_reply_release(&r);
	k.token = "a\r\nEvil: 1";
	int before = atomic_load(&server.requests);
	assert_false(http_get(h, "/auth", NULL, NULL, &r));
	assert_int_equal(r.end, HTTP_CREDENTIALS);
	assert_string_equal(r.error, "odd bytes");
	assert_int_equal(atomic_load(&server.requests), before);
	http_reply_release(&r);
	http_free(h);
}

static void writes_basic(void **state)
{
	struct http_auth a = { 0 };
	struct secret p = secret_of(STR("open sesame"));
	assert_true(http_auth_basic(&a, STR("Aladdin"), p));
	assert_string_equal(secret_reveal(a.lines[0]).p, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_false(http_auth_add(&a, "X-A\n", STR("b")));
	assert_false(http_auth_add(&a, "X-A", STR("b\0c")));
	assert_int_equal(a.n, 1);
	secret_release(&p);
	http_auth_release(&a);
}

/* ---- streams */

struct seen {
	struct http *h;
	struct http_stream *other;
	size_t bytes;
	int chunks, done;
	enum http_end end;
	int status;
	char body[64];
};

static bool on_data(void *arg, struct str chunk)
{
	struct seen *s = arg;
	s->bytes += chunk.n;
	s->chunks++;
	return true;
}

static void on_done(void *arg, struct http_stream *stream, const struct http_reply *r)
{
	struct seen *s = arg;
	s->done++;
	s->end = r->end;
	s->status = r->status;
	snprintf(s->body, sizeof(s->body), "%s", r->body.data ? r->body.data : "");
}

static void run_until(struct http *h, const struct seen *s, int ms)
{
	int64_t until = clock_mono(&clock_system) + ms;
	while (!s->done && clock_mono(&clock_system) < until)
		http_run(h, -1, 100);
}

static void streams_flow_beside_calls(void **state)
{
	struct http *h = client();
	struct seen a = { 0 }, b = { 0 };
	struct http_reply r;
	http_start(h, &(struct http_request){ .path = "/drip20", .on_data = on_data, .arg = &a }, on_done);
	http_start(h, &(struct http_request){ .path = "/drip5", .on_data = on_data, .arg = &b }, on_done);
	assert_int_equal(http_streams(h), 2);
	atomic_store(&server.go, false);
	run_until(h, &b, 30000);
	assert_int_equal(b.done, 1);
	assert_int_equal(a.done, 0);               /* the short one did not wait for the long one */
	assert_true(http_get(h, "/ok", NULL, NULL, &r));
	http_reply_release(&r);
	atomic_store(&server.go, true);
	run_until(h, &a, 30000);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.end, HTTP_OK);
	assert_int_equal(a.bytes, 60);
	assert_true(a.chunks > 3);                 /* as it came, not at the end */
	assert_int_equal(b.bytes, 15);
	assert_int_equal(http_streams(h), 0);
	http_free(h);
}

static void streams_end_with_why(void **state)
{
	static const struct { const char *path; enum http_end end; int status; const char *body; } cases[] = {
		{ "/halfchunk", HTTP_CUT, 200, "" }, { "/gone", HTTP_STATUS, 410, "<b>no" }, { "/nothing", HTTP_CUT, 0, "" },
		{ "/stall", HTTP_TIMEOUT, 200, "" }, { "/silent", HTTP_TIMEOUT, 0, "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http *h = client();
		struct seen s = { 0 };
		http_start(h, &(struct http_request){ .path = cases[i].path, .idle_ms = cases[i].end == HTTP_TIMEOUT ? 2000 : 60000, .on_data = on_data, .arg = &s }, on_done);
		run_until(h, &s, 30000);
		if (s.done != 1 || s.end != cases[i].end || s.status != cases[i].status || strcmp(s.body, cases[i].body))
			fail_msg("%s: done %d, %s %d '%s'", cases[i].path, s.done, http_end_name(s.end), s.status, s.body);
		assert_true(cases[i].status != 410 || s.bytes == 0);   /* not a 2xx: never given to on_data */
		http_free(h);
	}
}

static void streams_can_be_stopped(void **state)
{
	struct http *h = client();
	struct seen s = { 0 };
	struct http_stream *one = http_start(h, &(struct http_request){ .path = "/drip500", .on_data = on_data, .arg = &s }, on_done);
	while (!s.chunks)
		http_run(h, -1, 100);
	http_stop(h, one);
	assert_int_equal(http_streams(h), 0);
	int chunks = s.chunks;
	http_run(h, -1, 60);
	assert_int_equal(s.chunks, chunks);
	http_start(h, &(struct http_request){ .path = "/drip500", .on_data = on_data, .arg = &s }, on_done);
	http_run(h, -1, 60);
	http_free(h);                              /* with a stream under way: no on_done */
	assert_int_equal(s.done, 0);
}

/* From within on_data: stops the other stream and starts a third. */
static bool meddle(void *arg, struct str chunk)
{
	struct seen *s = arg;
	if (s->other) {
		http_stop(s->h, s->other);
		s->other = NULL;
		http_start(s->h, &(struct http_request){ .path = "/drip2", .on_data = on_data, .arg = s }, on_done);
	}
	return true;
}

static void callbacks_may_start_and_stop(void **state)
{
	struct http *h = client();
	struct seen other = { 0 }, s = { .h = h };
	s.other = http_start(h, &(struct http_request){ .path = "/drip500", .on_data = on_data, .arg = &other }, on_done);
	struct http_stream *own = http_start(h, &(struct http_request){ .path = "/drip500", .on_data = meddle, .arg = &s }, on_done);
	run_until(h, &s, 30000);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.end, HTTP_OK);
	assert_int_equal(s.bytes, 6);
	assert_int_equal(other.done, 0);
	assert_int_equal(http_streams(h), 1);
	http_stop(h, own);
	http_free(h);
}

static bool enough(void *arg, struct str chunk)
{
	((struct seen *)arg)->chunks++;
	return false;
}

static void data_can_be_refused(void **state)
{
	struct http *h = client();
	struct seen s = { 0 };
	struct http_reply r;
	http_start(h, &(struct http_request){ .path = "/drip500", .on_data = enough, .arg = &s }, on_done);
	run_until(h, &s, 30000);
	assert_int_equal(s.end, HTTP_CANCELLED);
	assert_int_equal(s.chunks, 1);
	assert_false(http_call(h, &(struct http_request){ .path = "/ok", .on_data = enough, .arg = &s }, &r));
	assert_int_equal(r.end, HTTP_CANCELLED);
	http_reply_release(&r);
	http_free(h);
}

/* One who pauses after a first line, to gather more, hears of the others when he comes back, not with the next one. */
static void what_came_meanwhile_is_told_at_once(void **state)
{
	struct http *h = client();
	struct seen s = { 0 };
	atomic_store(&server.go, false);
	http_start(h, &(struct http_request){ .path = "/pair", .on_data = on_data, .arg = &s }, on_done);
	for (int64_t until = clock_mono(&clock_system) + 30000; !s.chunks && clock_mono(&clock_system) < until;)
		http_run(h, -1, 100);
	assert_int_equal(s.chunks, 1);
	atomic_store(&server.go, true);
	for (int i = 0; i < 6000 && !atomic_load(&server.went); i++)
		usleep(5000);
	usleep(50000);
	int64_t start = clock_mono(&clock_system);
	http_run(h, -1, 40000);
	assert_int_equal(s.chunks, 2);
	assert_true(clock_mono(&clock_system) - start < 20000);
	http_free(h);
}

static void a_waiting_fd_wakes(void **state)
{
	struct http *h = client();
	int fd = eventfd(0, EFD_CLOEXEC);
	int64_t start = clock_mono(&clock_system);
	assert_false(http_run(h, fd, 60));
	assert_true(clock_mono(&clock_system) - start >= 50);
	assert_int_equal(write(fd, &(uint64_t){ 1 }, 8), 8);
	assert_true(http_run(h, fd, 50000));
	assert_true(http_run(h, fd, -1));
	assert_true(clock_mono(&clock_system) - start < 40000);
	close(fd);
	http_free(h);
}

static void escapes_and_redacts(void **state)
{
	struct buf b = { 0 };
	char out[40];
	http_escape(&b, STR("a/b c\xc3\xa4~\0"));
	assert_string_equal(b.data, "a%2Fb%20c%C3%A4~%00");
	buf_release(&b);
	http_redact("https://u:p@h:1/x@y?q=p", out, sizeof(out));
	assert_string_equal(out, "https://h:1/x@y");
	http_redact("h\x1b[2J", out, sizeof(out));
	assert_string_equal(out, "h?[2J");
	http_redact("http://0123456789/", out, 8);
	assert_string_equal(out, "http://");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_is_good), cmocka_unit_test(names_each_failure), cmocka_unit_test(reads_the_wait_asked_for),
		cmocka_unit_test(refuses_what_is_too_large), cmocka_unit_test(says_who_cannot_be_reached), cmocka_unit_test(ends_in_time),
		cmocka_unit_test(sends_what_is_asked), cmocka_unit_test(renews_once), cmocka_unit_test(writes_basic),
		cmocka_unit_test(streams_flow_beside_calls), cmocka_unit_test(streams_end_with_why),
		cmocka_unit_test(streams_can_be_stopped), cmocka_unit_test(callbacks_may_start_and_stop),
		cmocka_unit_test(data_can_be_refused), cmocka_unit_test(a_waiting_fd_wakes),
		cmocka_unit_test(what_came_meanwhile_is_told_at_once), cmocka_unit_test(escapes_and_redacts),
	};
	return cmocka_run_group_tests(tests, server_start, server_stop);
}
