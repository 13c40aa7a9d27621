/* http: see http.h. One curl multi handle carries everything of one thread, calls too, so that streams go on while a call
 * waits. Each exchange is a `struct http_stream`; a call is one whose end somebody waits for. */
#define _GNU_SOURCE
#include "backends/net/http.h"
#include "backends/net/http_private.h"
#include "backends/net/tunnel.h"
#include "base/mem.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEFAULT_MS = 30000, CONNECT_MS = 10000, DEFAULT_MAX = 64 << 20, ERROR_MAX = 1 << 20 };

struct http *http_new(const struct http_conf *conf, const struct clock *clock)
{
	struct http *h = xcalloc(1, sizeof(*h));
	h->conf = *conf;
	h->clock = clock;
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->streams)
		http_stop(h, h->streams);
	for (unsigned i = 0; i < h->nidle; i++)
		h->curl->easy_cleanup(h->idle[i]);
	if (h->multi)
		h->curl->multi_cleanup(h->multi);
	free(h);
}

static bool load(struct http *h)
{
	if (h->curl)
		return true;
	if (!(h->curl = late_curl(&h->broken)))
		return false;
	h->multi = h->curl->multi_init();
	h->curl->multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	h->curl->multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 8L);
	return true;
}

/* ---- what curl calls */

static void finish_header(struct http_stream *s, struct str name, struct str value)
{
	struct http_reply *r = &s->reply;
	int64_t seconds;
	if (str_is_fold(name, "Content-Type")) {
		struct str type = str_trim(str_split(&value, ';'));
		size_t n = type.n < sizeof(r->type) ? type.n : sizeof(r->type) - 1;
		for (size_t i = 0; i < n; i++)
			r->type[i] = (char)(type.p[i] >= 'A' && type.p[i] <= 'Z' ? type.p[i] | 0x20 : type.p[i]);
		r->type[n] = '\0';
	} else if (str_is_fold(name, "Warning")) {
		size_t have = strlen(r->warning);
		snprintf(r->warning + have, sizeof(r->warning) - have, "%s" STR_FMT, have ? "; " : "", STR_ARG(value));
	} else if (str_is_fold(name, "Retry-After")) {
		int64_t date;
		if (str_to_i64(value, &seconds) && seconds >= 0 && seconds < 86400)
			r->retry_after_ms = seconds * 1000;
		else if (http_date(value, &date))
			r->retry_after_ms = date > clock_wall(s->http->clock) ? date - clock_wall(s->http->clock) : 0;
	} else if (str_is_fold(name, "Date")) {
		http_date(value, &r->date_ms);
	} else if (str_is_fold(name, "Last-Modified")) {
		http_date(value, &r->modified_ms);
	}
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	struct str line = str_trim((struct str){ p, size * n });
	if (str_starts(line, STR("HTTP/"))) {        /* the last of several counts (100, proxy's CONNECT) */
		s->reply.type[0] = s->reply.warning[0] = '\0';
		s->reply.retry_after_ms = -1;
		s->status_known = false;
		return size * n;
	}
	const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	if (colon) {
		struct str name = { line.p, (size_t)(colon - line.p) };
		struct str value = str_trim((struct str){ colon + 1, line.n - name.n - 1 });
		finish_header(s, name, value);
		if (s->on_header && !s->stopped)
			s->on_header(s->arg, name, value);
	}
	return size * n;
}

static int status_of(struct http_stream *s)
{
	long code = 0;
	if (!s->status_known) {
		s->http->curl->easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code);
		s->reply.status = (int)code;
		s->status_known = true;
	}
	return s->reply.status;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	struct str chunk = { p, size * n };
	if (s->stopped)
		return 0;
	int status = status_of(s);
	bool good = status >= 200 && status < 300;
	s->heard = clock_mono(s->http->clock);
	s->got += chunk.n;
	if (good && s->json_only && strstr(s->reply.type, "html"))
		good = false;             /* a login page: kept for the error, not given on */
	if (good && s->max && s->got > s->max) {
		s->end = HTTP_TOO_LARGE;
		return 0;
	}
	if (good && s->on_data) {
		s->http->inside = s->http->fed = true;
		bool more = s->on_data(s->arg, chunk);
		s->http->inside = false;
		if (!more && s->end == HTTP_OK)
			s->end = HTTP_CANCELLED;
		return more && !s->stopped ? chunk.n : 0;
	}
	if (!good && s->reply.body.len + chunk.n > ERROR_MAX)
		return chunk.n;           /* the rest of a long error page is not needed */
	buf_add(&s->reply.body, chunk.p, chunk.n);
	return chunk.n;
}

/* ---- one exchange */

static void set_tls(struct http *h, CURL *e, const struct http_auth *a)
{
	const struct late_curl *c = h->curl;
	const struct http_conf *k = &h->conf;
	if (k->insecure) {
		c->easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		c->easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (k->ca_pem.n)
		c->easy_setopt(e, CURLOPT_CAINFO_BLOB, &(struct curl_blob){ (void *)k->ca_pem.p, k->ca_pem.n, CURL_BLOB_COPY });
	else if (k->ca_file)
		c->easy_setopt(e, CURLOPT_CAINFO, k->ca_file);
	if (k->ca_pem.n || k->ca_file)
		c->easy_setopt(e, CURLOPT_CAPATH, NULL);
	struct str cert = secret_set(a->cert_pem) ? secret_reveal(a->cert_pem) : k->cert_pem;
	struct secret key = secret_set(a->cert_pem) ? a->key_pem : k->key_pem;
	if (!cert.n)
		return;
	struct str key_pem = secret_set(key) ? secret_reveal(key) : cert;
	c->easy_setopt(e, CURLOPT_SSLCERT_BLOB, &(struct curl_blob){ (void *)cert.p, cert.n, CURL_BLOB_COPY });
	c->easy_setopt(e, CURLOPT_SSLCERTTYPE, "PEM");
	c->easy_setopt(e, CURLOPT_SSLKEY_BLOB, &(struct curl_blob){ (void *)key_pem.p, key_pem.n, CURL_BLOB_COPY });
	c->easy_setopt(e, CURLOPT_SSLKEYTYPE, "PEM");
}

static void add_header(struct http_stream *s, struct curl_slist **list, const char *line)
{
	*list = s->http->curl->slist_append(*list, line);
}

static void set_headers(struct http_stream *s, const struct http_auth *a, const char *host)
{
	struct curl_slist *list = NULL;
	add_header(s, &list, "Expect:");
	for (char **h = s->headers; h && *h; h++)
		add_header(s, &list, *h);
	if (s->content_type)
		add_header(s, &list, s->content_type);
	if (host)
		add_header(s, &list, host);
	for (unsigned i = 0; i < a->n; i++)
		add_header(s, &list, secret_reveal(a->lines[i]).p);
	s->list = list;
	s->http->curl->easy_setopt(s->easy, CURLOPT_HTTPHEADER, list);
}

/* curl takes the name for SNI and verification from the URL: put the TLS name there, connect to the real host, and say the
 * real host in the Host header. Gives the URL to use; *connect_to and *host are freed by the caller. */
static char *tls_url(const struct http_conf *k, const char *path, char **connect_to, char **host)
{
	const char *authority = strstr(k->base, "://");
	authority = authority ? authority + 3 : k->base;
	size_t n = strcspn(authority, "/");
	const char *colon = memrchr(authority, ':', n);
	if (colon && memchr(colon, ']', n - (size_t)(colon - authority)))
		colon = NULL;
	int port = colon ? atoi(colon + 1) : 443;
	size_t host_n = colon ? (size_t)(colon - authority) : n;
	*connect_to = xasprintf("%s:%d:%.*s:%d", k->tls_name, port, (int)host_n, authority, port);
	*host = xasprintf("Host: %.*s", (int)n, authority);
	return xasprintf("https://%s:%d%s%s", k->tls_name, port, authority + n, path);
}

static void set_body(struct http_stream *s)
{
	const struct late_curl *c = s->http->curl;
	if (strcmp(s->method, "HEAD") == 0)
		c->easy_setopt(s->easy, CURLOPT_NOBODY, 1L);
	else if (s->body.n || !strcmp(s->method, "POST") || !strcmp(s->method, "PUT") || !strcmp(s->method, "PATCH")) {
		c->easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body.p ? s->body.p : "");
		c->easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.n);
	}
	if (strcmp(s->method, "HEAD") != 0)
		c->easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, s->method);
}

/* A peer that vanished without a word is noticed within a minute, also while a watch is quiet; and no plugin that we start
 * inherits the socket. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned lost_ms = 45000;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof(lost_ms));
	return CURL_SOCKOPT_OK;
}

static void set_proxy(struct http *h, CURL *e)
{
	const struct late_curl *c = h->curl;
	const struct http_conf *k = &h->conf;
	if (k->tunnel) {
		c->easy_setopt(e, CURLOPT_PROXY, tunnel_proxy(k->tunnel));
		c->easy_setopt(e, CURLOPT_NOPROXY, "");      /* the environment's is about other proxies */
	} else if (k->proxy)
		c->easy_setopt(e, CURLOPT_PROXY, k->proxy);
	/* A proxy that is spoken to by TLS is trusted as the server is, as client-go does it. */
	if (k->ca_pem.n)
		c->easy_setopt(e, CURLOPT_PROXY_CAINFO_BLOB, &(struct curl_blob){ (void *)k->ca_pem.p, k->ca_pem.n, CURL_BLOB_COPY });
	else if (k->ca_file)
		c->easy_setopt(e, CURLOPT_PROXY_CAINFO, k->ca_file);
	if (k->insecure) {
		c->easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
		c->easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	}
}

static void set_options(struct http_stream *s, const struct http_auth *a)
{
	struct http *h = s->http;
	const struct late_curl *c = h->curl;
	CURL *e = s->easy;
	char *connect_to = NULL, *host = NULL, *url;
	url = h->conf.tls_name && *h->conf.tls_name ? tls_url(&h->conf, s->path, &connect_to, &host)
	                                            : xasprintf("%s%s", s->base, s->path);
	c->easy_setopt(e, CURLOPT_URL, url);
	if (connect_to) {
		s->connect_to = c->slist_append(NULL, connect_to);
		c->easy_setopt(e, CURLOPT_CONNECT_TO, s->connect_to);
	}
	c->easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	c->easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	c->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	c->easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	c->easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
	c->easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 15L);
	c->easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Wait for a connection that may take several streams. Never where that cannot be: without TLS curl learns it only
	 * when the first stream, a watch, ends. */
	c->easy_setopt(e, CURLOPT_PIPEWAIT, (long)(strncasecmp(s->base, "https:", 6) == 0));
	if (s->once)
		c->easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	c->easy_setopt(e, CURLOPT_BUFFERSIZE, s->large ? 64 * 1024L : 16 * 1024L);
	c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(h->conf.connect_ms ? h->conf.connect_ms : CONNECT_MS));
	c->easy_setopt(e, CURLOPT_USERAGENT, h->conf.agent ? h->conf.agent : "binnacle/" VERSION);
	c->easy_setopt(e, CURLOPT_ERRORBUFFER, s->curl_error);
	c->easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	c->easy_setopt(e, CURLOPT_WRITEDATA, s);
	c->easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	c->easy_setopt(e, CURLOPT_HEADERDATA, s);
	c->easy_setopt(e, CURLOPT_PRIVATE, s);
	if (s->timeout_ms > 0)
		c->easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)s->timeout_ms);
	if (h->conf.compress && s->is_call)
		c->easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	set_tls(h, e, a);
	set_proxy(h, e);
	set_body(s);
	set_headers(s, a, host);
	free(url);
	free(connect_to);
	free(host);
}

/* Hand it to curl, with credentials as they are now. */
static void submit(struct http_stream *s)
{
	struct http *h = s->http;
	struct http_auth a = { 0 };
	s->pending = h->inside;          /* curl takes nothing new while it calls us */
	s->heard = s->begun = clock_mono(h->clock);
	if (s->pending)
		return;
	if (!load(h)) {
		http_say(&s->reply, h->broken, "", "libcurl could not be loaded");
		s->end = HTTP_BROKEN;
		s->done = true;
		return;
	}
	if (h->conf.auth && !h->conf.auth(h->conf.arg, &a)) {
		if (a.later) {
			s->pending = true;
			http_auth_release(&a);
			return;
		}
		http_say(&s->reply, a.remedy, "", "%s", a.error);
		s->end = HTTP_CREDENTIALS;
		s->done = true;
		http_auth_release(&a);
		return;
	}
	s->easy = h->nidle ? h->idle[--h->nidle] : h->curl->easy_init();
	set_options(s, &a);
	s->credential = a.which;
	http_auth_release(&a);
	s->active = true;
	h->curl->multi_add_handle(h->multi, s->easy);
}

static void free_lists(struct http_stream *s)
{
	for (struct curl_slist *l = s->list; l; l = l->next)      /* they hold copies of the credential */
		explicit_bzero(l->data, strlen(l->data));
	if (s->list)
		s->http->curl->slist_free_all(s->list);
	if (s->connect_to)
		s->http->curl->slist_free_all(s->connect_to);
	s->list = s->connect_to = NULL;
}

static void take_back(struct http_stream *s)
{
	struct http *h = s->http;
	if (!s->easy)
		return;
	if (s->active)
		h->curl->multi_remove_handle(h->multi, s->easy);
	s->active = false;
	h->curl->easy_reset(s->easy);
	if (h->nidle < ARRAY_SIZE(h->idle))
		h->idle[h->nidle++] = s->easy;
	else
		h->curl->easy_cleanup(s->easy);
	s->easy = NULL;
	free_lists(s);
}

/* ---- ends */

static void read_times(struct http_stream *s)
{
	const struct late_curl *c = s->http->curl;
	curl_off_t connect = 0, app = 0, pre = 0, first = 0;
	long version = 0;
	c->easy_getinfo(s->easy, CURLINFO_CONNECT_TIME_T, &connect);
	c->easy_getinfo(s->easy, CURLINFO_APPCONNECT_TIME_T, &app);
	c->easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &pre);
	c->easy_getinfo(s->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	c->easy_getinfo(s->easy, CURLINFO_HTTP_VERSION, &version);
	s->reply.connect_us = app ? app : connect;
	s->reply.latency_us = first > pre ? first - pre : -1;
	s->reply.http2 = version == CURL_HTTP_VERSION_2_0;
}

/* curl is through with it: what came of it. True: it starts over with new credentials. */
static bool conclude(struct http_stream *s, CURLcode rc)
{
	struct http *h = s->http;
	struct http_reply *r = &s->reply;
	int status = status_of(s);
	read_times(s);
	if (status < 200 || status >= 300)
		http_hide_sent(s);
	take_back(s);
	if (status == 401 && !s->renewed && !s->stopped && rc == CURLE_OK && h->conf.renew && h->conf.renew(h->conf.arg, s->credential)) {
		s->renewed = true;
		s->status_known = false;
		s->got = 0;
		buf_clear(&r->body);
		submit(s);
		return !s->done;
	}
	s->done = true;
	if (s->end != HTTP_OK)
		http_explain_own(s);
	else if (rc != CURLE_OK)
		http_explain_curl(s, rc);
	else if (status < 200 || status >= 300)
		http_explain_status(s);
	else if (s->json_only && !strstr(r->type, "json") && (r->body.len || strstr(r->type, "html")))
		http_explain_not_json(s);
	return false;
}

static void unlink_stream(struct http_stream *s)
{
	struct http_stream **at = &s->http->streams;
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

static void free_stream(struct http_stream *s)
{
	take_back(s);
	unlink_stream(s);
	for (char **h = s->headers; h && *h; h++)
		free(*h);
	free(s->headers);
	free(s->method);
	free(s->path);
	free(s->base);
	free(s->content_type);
	http_reply_release(&s->reply);
	free(s);
}

static struct http_stream *make_stream(struct http *h, const struct http_request *q)
{
	struct http_stream *s = xcalloc(1, sizeof(*s));
	unsigned n = 0;
	while (q->headers && q->headers[n])
		n++;
	s->http = h;
	s->headers = xcalloc(n + 1, sizeof(*s->headers));
	for (unsigned i = 0; i < n; i++)
		s->headers[i] = xstrdup(q->headers[i]);
	s->method = xstrdup(q->method ? q->method : "GET");
	s->path = xstrdup(q->path);
	s->base = xstrdup(q->base ? q->base : h->conf.base);
	s->body = q->body;
	s->hide = q->hide;
	if (q->body.n)
		s->content_type = xasprintf("Content-Type: %s", q->content_type ? q->content_type : "application/json");
	s->idle_ms = q->idle_ms;
	s->max = q->max;
	s->json_only = q->json;
	s->large = q->large;
	s->once = q->once || !strcmp(s->method, "PUT") || !strcmp(s->method, "PATCH") || !strcmp(s->method, "DELETE");
	s->on_data = q->on_data;
	s->on_header = q->on_header;
	s->arg = q->arg;
	s->reply.retry_after_ms = s->reply.latency_us = -1;
	s->next = h->streams;
	h->streams = s;
	return s;
}

struct http_stream *http_lone(struct http *h, const struct http_request *q)
{
	struct http_stream *s = make_stream(h, q);
	unlink_stream(s);
	return s;
}

bool http_lone_dress(struct http_stream *s, struct http_auth *a)
{
	struct http *h = s->http;
	if (!load(h)) {
		http_say(&s->reply, h->broken, "", "libcurl could not be loaded");
		s->end = HTTP_BROKEN;
		return false;
	}
	if (h->conf.auth && !h->conf.auth(h->conf.arg, a)) {
		http_say(&s->reply, a->remedy, "", "%s", a->error);
		s->end = HTTP_CREDENTIALS;
		http_auth_release(a);
		return false;
	}
	s->easy = h->curl->easy_init();
	set_options(s, a);
	s->credential = a->which;
	return true;
}

void http_lone_undress(struct http_stream *s)
{
	if (s->easy)
		s->http->curl->easy_cleanup(s->easy);
	s->easy = NULL;
	free_lists(s);
}

void http_lone_free(struct http_stream *s)
{
	http_lone_undress(s);
	free_stream(s);
}

struct http_stream *http_start(struct http *h, const struct http_request *q, http_done_fn on_done)
{
	struct http_stream *s = make_stream(h, q);
	s->on_done = on_done;
	s->timeout_ms = q->timeout_ms;
	submit(s);
	return s;
}

void http_stop(struct http *h, struct http_stream *s)
{
	if (h->inside) {              /* from an on_data: curl must get out first, deliver frees it */
		s->stopped = s->done = true;
		return;
	}
	free_stream(s);
}

unsigned http_streams(const struct http *h)
{
	unsigned n = 0;
	for (const struct http_stream *s = h->streams; s; s = s->next)
		n++;
	return n;
}

/* ---- the loop */

static void collect(struct http *h)
{
	int left;
	CURLMsg *m;
	while (h->multi && (m = h->curl->multi_info_read(h->multi, &left))) {
		struct http_stream *s = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode rc = m->data.result;
		h->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
		conclude(s, rc);
	}
}

/* Streams that heard nothing for too long. Looked at about once a second. */
static void cut_idle(struct http *h)
{
	int64_t now = clock_mono(h->clock);
	if (now - h->idle_checked < 1000)
		return;
	h->idle_checked = now;
	for (struct http_stream *s = h->streams; s; s = s->next) {
		if (s->done || !s->idle_ms || now - s->heard <= s->idle_ms)
			continue;
		s->end = HTTP_TIMEOUT;
		s->was_idle = true;
		status_of(s);
		take_back(s);
		http_explain_own(s);
		s->done = true;
	}
}

/* Tell those who wait. A callback may start and stop streams: begin anew after each. */
static bool deliver(struct http *h)
{
	bool any = false;
	for (struct http_stream *s = h->streams; s;) {
		if (!s->done || s->is_call) {
			s = s->next;
			continue;
		}
		unlink_stream(s);
		s->next = NULL;
		s->reply.end = s->end;
		if (s->on_done && !s->stopped)
			s->on_done(s->arg, s, &s->reply);
		free_stream(s);
		any = true;
		s = h->streams;
	}
	return any;
}

static int wait_limit(const struct http *h, int wait_ms)
{
	for (const struct http_stream *s = h->streams; s; s = s->next) {
		if (s->done)
			return 0;
		if (s->idle_ms && (wait_ms < 0 || wait_ms > 1000))
			wait_ms = 1000;
	}
	return wait_ms < 0 ? 60000 : wait_ms;
}

/* One turn: let curl work, wait if nothing is to be done, collect the ends. True: fd is readable. */
static bool turn(struct http *h, int fd, int wait_ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running, n;
	for (struct http_stream *s = h->streams; s; s = s->next)
		if (s->pending && !s->done)
			submit(s);
	if (!load(h))
		return false;
	h->fed = false;
	h->curl->multi_perform(h->multi, &running);
	collect(h);
	cut_idle(h);
	/* what this gave already is something that happened: its takers want to go on */
	h->curl->multi_poll(h->multi, &extra, fd >= 0, h->fed ? 0 : wait_limit(h, wait_ms), &n);
	h->curl->multi_perform(h->multi, &running);
	collect(h);
	return fd >= 0 && extra.revents;
}

bool http_run(struct http *h, int extra_fd, int wait_ms)
{
	int64_t until = clock_mono(&clock_system) + wait_ms;
	for (;;) {
		int64_t left = wait_ms < 0 ? -1 : until - clock_mono(&clock_system);
		bool readable = turn(h, extra_fd, left < 0 && wait_ms >= 0 ? 0 : (int)left);
		bool told = deliver(h);
		if (readable || told || h->broken || (wait_ms >= 0 && clock_mono(&clock_system) >= until))
			return readable;
		/* bytes may have gone to on_data: that is something that happened */
		if (wait_ms >= 0)
			return false;
	}
}

bool http_call(struct http *h, const struct http_request *q, struct http_reply *reply)
{
	struct http_stream *s = make_stream(h, q);
	s->is_call = true;
	s->timeout_ms = q->timeout_ms ? q->timeout_ms : DEFAULT_MS;
	if (!s->max)
		s->max = DEFAULT_MAX;
	submit(s);
	while (!s->done) {
		turn(h, -1, 50);
		deliver(h);
		if (!s->done && q->cancelled && q->cancelled(q->cancelled_arg)) {
			s->end = HTTP_CANCELLED;
			take_back(s);
			http_explain_own(s);
			s->done = true;
		}
	}
	s->reply.end = s->end;
	*reply = s->reply;
	s->reply = (struct http_reply){ 0 };
	free_stream(s);
	return reply->end == HTTP_OK;
}

bool http_get(struct http *h, const char *path, bool (*cancelled)(void *), void *cancelled_arg,
              struct http_reply *reply)
{
	const char *const headers[] = { "Accept: application/json", NULL };
	return http_call(h, &(struct http_request){ .path = path, .headers = headers, .json = true,
		.cancelled = cancelled, .cancelled_arg = cancelled_arg }, reply);
}
