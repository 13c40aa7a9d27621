/* http_say: what went wrong, as sentences; and the small helpers of http.h that need no curl. */
#define _GNU_SOURCE
#include "backends/net/http_private.h"
#include "backends/net/tunnel.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void http_say(struct http_reply *r, const char *remedy, const char *suffix, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(r->error))
		snprintf(r->error + n, sizeof(r->error) - (size_t)n, "%s", suffix);
	snprintf(r->remedy, sizeof(r->remedy), "%s", remedy ? remedy : "");
}

static const char *server_name(const struct http *h)
{
	return h->conf.what ? h->conf.what : "the server";
}

void http_explain_own(struct http_stream *s)
{
	const char *who = server_name(s->http);
	char at[160];
	http_redact(s->base, at, sizeof(at));
	switch (s->end) {
	case HTTP_TIMEOUT:
		http_say(&s->reply, "", "", "%s (%s) said nothing for %d s", who, at, s->idle_ms / 1000);
		break;
	case HTTP_TOO_LARGE:
		http_say(&s->reply, "ask for less (a namespace, a filter)", "", "%s (%s) sent more than %zu MiB", who, at, s->max >> 20);
		break;
	default:
		http_say(&s->reply, "", "", "stopped");
	}
}

/* OpenSSL's words for what is wrong with a certificate, where curl gives them. */
static const char *tls_remedy(const char *words)
{
	static const struct { const char *part, *remedy; } known[] = {
		{ "expired", "its certificate has expired: renew it, or check this machine's clock" },
		{ "not yet valid", "check this machine's clock" },
		{ "self", "add its CA to the configuration (certificate-authority)" },
		{ "local issuer", "add its CA to the configuration (certificate-authority)" },
		{ "no alternative certificate", "set tls-server-name to a name its certificate holds" },
		{ "does not match", "set tls-server-name to a name its certificate holds" },
		{ "certificate required", "it wants a client certificate" },
		{ "bad certificate", "it does not take our client certificate" },
		{ "wrong version number", "it does not speak TLS: is http meant instead of https?" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasestr(words, known[i].part))
			return known[i].remedy;
	return "check the CA, the certificate and the clock";
}

void http_explain_curl(struct http_stream *s, CURLcode rc)
{
	struct http_reply *r = &s->reply;
	const char *who = server_name(s->http), *words = s->curl_error;
	char at[160], why[400], remedy[300];
	http_redact(s->base, at, sizeof(at));
	if (s->http->conf.tunnel && tunnel_trouble(s->http->conf.tunnel, why, sizeof(why), remedy, sizeof(remedy))) {
		s->end = HTTP_CONNECT;
		http_say(r, remedy, "", "%s (%s): %s", who, at, why);
		return;
	}
	if (!*words)
		words = s->http->curl->easy_strerror(rc);
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		s->end = HTTP_RESOLVE;
		http_say(r, "check the address, DNS, and whether the VPN is up", "", "no such host: %s (%s)", at,
		         rc == CURLE_COULDNT_RESOLVE_PROXY ? "the proxy's name" : who);
		break;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		s->end = HTTP_CONNECT;
		http_say(r, "check that it runs, the address, the VPN and the proxy", "", "%s (%s) cannot be reached: %s", who, at, words);
		break;
	case CURLE_SSL_CONNECT_ERROR: case CURLE_PEER_FAILED_VERIFICATION: case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER: case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_ISSUER_ERROR: case CURLE_SSL_INVALIDCERTSTATUS:
		s->end = HTTP_TLS;
		http_say(r, tls_remedy(words), "", "no trust in %s (%s): %s", who, at, words);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		s->end = HTTP_TIMEOUT;
		http_say(r, "", "", "%s (%s) did not answer within %d s", who, at,
		         s->timeout_ms > 0 ? (s->timeout_ms + 999) / 1000 : 10);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_URL_MALFORMAT: case CURLE_WEIRD_SERVER_REPLY: case CURLE_FAILED_INIT:
	case CURLE_BAD_CONTENT_ENCODING:
		s->end = HTTP_BROKEN;
		http_say(r, "check the address: does something else listen there?", "", "%s (%s) does not speak HTTP as expected: %s",
		         who, at, words);
		break;
	default:
		s->end = HTTP_CUT;
		http_say(r, "", "", "the connection to %s (%s) broke: %s", who, at, words);
	}
}

/* The server's own message, where the body is JSON and has one. */
static bool own_message(const struct buf *body, char *out, size_t size)
{
	static const char *const keys[] = { "message", "detail", "error", "title" };
	json_t *j = body->len ? json_loadb(body->data, body->len, 0, NULL) : NULL;
	bool found = false;
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !found; i++) {
		const json_t *v = json_object_get(j, keys[i]);
		const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "message") : v);
		if (text && *text) {
			snprintf(out, size, "%s", text);
			found = true;
		}
	}
	json_decref(j);
	return found;
}

/* ---- what a server quotes of us */

/* As it is, and as JSON writes it: a quoted request may be JSON in JSON. */
static void hide(struct buf *b, struct str what)
{
	char *text = str_dup(what);
	size_t n = what.n;
	for (int depth = 0; depth < 3 && text; depth++) {
		secret_mask(b->data, b->len, (struct str){ text, n });
		json_t *v = json_stringn(text, n);
		char *quoted = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
		explicit_bzero(text, n);
		free(text);
		n = quoted ? strlen(quoted) - 2 : 0;
		if (quoted)
			memmove(quoted, quoted + 1, n);
		text = quoted;
		json_decref(v);
	}
	if (text)
		explicit_bzero(text, n);
	free(text);
}

/* Of "user:password" in base64 the password, which a server may quote once it has read it. */
static void hide_basic(struct buf *b, struct str value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *plain = xcalloc(value.n + 1, 1);
	size_t n = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < value.n && value.p[i] != '='; i++) {
		const char *d = value.p[i] ? strchr(digits, value.p[i]) : NULL;
		bits = bits << 6 | (uint32_t)(d ? d - digits : 0);
		if (i % 4)
			plain[n++] = (char)(bits >> (6 - i % 4 * 2));
	}
	const char *colon = memchr(plain, ':', n);
	if (colon)
		hide(b, (struct str){ colon + 1, n - (size_t)(colon + 1 - plain) });
	explicit_bzero(plain, value.n);
	free(plain);
}

void http_hide_sent(struct http_stream *s)
{
	static const char *const names[] = { "authorization", "proxy-authorization", "x-amz-security-token", "cookie", "x-api-key" };
	struct buf *b = &s->reply.body;
	for (const struct curl_slist *l = s->list; l && b->len; l = l->next) {
		struct str value = str_of(l->data), name = str_split(&value, ':');
		bool secret = false;
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			secret |= str_is_fold(name, names[i]);
		if (!secret)
			continue;
		value = str_trim(value);
		if (str_starts(value, STR("Bearer ")) || str_starts(value, STR("Basic "))) {
			struct str scheme = str_split(&value, ' ');
			if (str_is(scheme, "Basic"))
				hide_basic(b, value);
		}
		hide(b, value);
	}
	hide(b, s->hide);
}

void http_explain_status(struct http_stream *s)
{
	struct http_reply *r = &s->reply;
	const char *who = server_name(s->http), *remedy = "";
	char message[360];
	s->end = HTTP_STATUS;
	if (r->status == 401)
		remedy = "log in again: the credentials are missing, wrong or expired";
	else if (r->status == 403)
		remedy = "ask for the permission, or use another user";
	else if (r->status >= 300 && r->status < 400)
		remedy = "it sends us elsewhere, which is not followed: use the address itself, or log in first";
	if (own_message(&r->body, message, sizeof(message)))
		http_say(r, remedy, "", "%s", message);
	else
		http_say(r, remedy, strstr(r->type, "html") ? " with a web page" : "", "%s answered %d", who, r->status);
}

void http_explain_not_json(struct http_stream *s)
{
	char at[160];
	http_redact(s->base, at, sizeof(at));
	s->end = HTTP_NOT_JSON;
	http_say(&s->reply, "is this the right address, or does a login page or proxy stand in front of it?", "",
	         "%s (%s) answered %s instead of JSON", server_name(s->http), at, s->reply.type[0] ? s->reply.type : "something");
}

/* ---- helpers */

bool http_date(struct str s, int64_t *out)
{
	struct tm tm = { 0 };
	char text[40];
	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);   /* LC_TIME stays "C" */
	if (!end || *end)
		return false;
	*out = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool header_safe(struct str s)
{
	return !memchr(s.p, '\r', s.n) && !memchr(s.p, '\n', s.n) && !memchr(s.p, '\0', s.n);
}

/* A token of RFC 9110, 5.6.2. */
static bool header_name(const char *name)
{
	size_t n = strspn(name, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	return n && !name[n];
}

static void add_line(struct http_auth *a, struct buf *line)
{
	a->lines = xreallocarray(a->lines, a->n + 1, sizeof(*a->lines));
	a->lines[a->n] = (struct secret){ NULL };
	/* slist_append wants a C string */
	buf_add(line, "", 1);
	size_t n = line->len;
	secret_take(&a->lines[a->n++], buf_detach(line), n);
}

bool http_auth_add(struct http_auth *a, const char *name, struct str value)
{
	struct buf line = { 0 };
	if (!header_name(name) || (value.n && !header_safe(value)))
		return false;
	buf_reserve(&line, strlen(name) + value.n + 3);   /* one block: no copy is left behind */
	buf_addf(&line, "%s: ", name);
	buf_addstr(&line, value);
	add_line(a, &line);
	return true;
}

bool http_auth_bearer(struct http_auth *a, struct secret token)
{
	struct str t = str_trim(secret_reveal(token));
	struct buf value = { 0 };
	buf_reserve(&value, t.n + 8);
	buf_adds(&value, "Bearer ");
	buf_addstr(&value, t);
	bool ok = http_auth_add(a, "Authorization", buf_str(&value));
	explicit_bzero(value.data, value.cap);
	buf_release(&value);
	return ok;
}

bool http_auth_basic(struct http_auth *a, struct str user, struct secret password)
{
	struct str p = secret_reveal(password);
	struct buf plain = { 0 }, value = { 0 };
	buf_reserve(&plain, user.n + p.n + 2);
	buf_addstr(&plain, user);
	buf_addc(&plain, ':');
	buf_addstr(&plain, p);
	buf_reserve(&value, plain.len * 2 + 16);
	buf_adds(&value, "Basic ");
	base64(plain.data, plain.len, value.data + value.len);
	value.len += strlen(value.data + value.len);
	bool ok = http_auth_add(a, "Authorization", buf_str(&value));
	explicit_bzero(plain.data, plain.cap);
	explicit_bzero(value.data, value.cap);
	buf_release(&plain);
	buf_release(&value);
	return ok;
}

void http_auth_release(struct http_auth *a)
{
	for (unsigned i = 0; i < a->n; i++)
		secret_release(&a->lines[i]);
	free(a->lines);
	secret_release(&a->cert_pem);
	secret_release(&a->key_pem);
	a->lines = NULL;
	a->n = 0;
}

void http_reply_release(struct http_reply *r)
{
	buf_release(&r->body);
}

const char *http_end_name(enum http_end e)
{
	static const char *const names[] = {
		[HTTP_OK] = "ok", [HTTP_STATUS] = "status", [HTTP_CREDENTIALS] = "credentials", [HTTP_RESOLVE] = "resolve",
		[HTTP_CONNECT] = "connect", [HTTP_TLS] = "tls", [HTTP_TIMEOUT] = "timeout", [HTTP_CUT] = "cut",
		[HTTP_TOO_LARGE] = "too large", [HTTP_NOT_JSON] = "not json", [HTTP_CANCELLED] = "cancelled",
		[HTTP_BROKEN] = "broken",
	};
	return (unsigned)e < ARRAY_SIZE(names) ? names[e] : "?";
}

bool http_is_passing(const struct http_reply *r)
{
	if (r->end == HTTP_STATUS)
		return r->status == 429 || r->status >= 500;
	return r->end == HTTP_RESOLVE || r->end == HTTP_CONNECT || r->end == HTTP_TIMEOUT || r->end == HTTP_CUT ||
	       r->end == HTTP_TLS;
}

void http_escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)) && c)
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

void http_redact(const char *url, char *out, size_t size)
{
	const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
	size_t authority = strcspn(host, "/?#"), n = 0;
	const char *at = memrchr(host, '@', authority);
	struct buf b = { 0 };
	if (scheme)
		buf_add(&b, url, (size_t)(host - url));
	buf_adds(&b, at ? at + 1 : host);
	b.len = strcspn(b.data, "?#");
	for (size_t i = 0; i < b.len && n + 1 < size; i++)
		out[n++] = (unsigned char)b.data[i] < 0x20 || b.data[i] == 0x7f ? '?' : b.data[i];
	if (size)
		out[n] = '\0';
	buf_release(&b);
}

int64_t http_backoff_next(struct http_backoff *b, int64_t retry_after_ms)
{
	int64_t first = b->first_ms ? b->first_ms : 500, most = b->most_ms ? b->most_ms : 30000, wait = first;
	for (unsigned i = 0; i < b->tries && wait < most; i++)
		wait *= 2;
	if (wait > most)
		wait = most;
	b->tries++;
	wait = wait / 2 + (int64_t)(rnd_unit(&b->rnd) * (double)(wait / 2));
	return retry_after_ms > wait ? retry_after_ms : wait;
}
