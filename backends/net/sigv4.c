/* sigv4: see sigv4.h. The canonical request is built as one text; headers and query parameters are sorted as it wants
 * them. Where S3 and the other services differ: S3 signs the path as it is sent, the others encode it once more. */
#include "backends/net/sigv4.h"
#include "backends/net/late.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

void aws_keys_release(struct aws_keys *k)
{
	secret_release(&k->id);
	secret_release(&k->secret);
	secret_release(&k->token);
}

static void hex(const unsigned char *md, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

bool sha256_hex(struct str bytes, char out[65])
{
	const struct late_crypto *c = late_crypto(NULL);
	unsigned char md[32];
	if (!c)
		return false;
	c->SHA256((const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n, md);
	hex(md, sizeof(md), out);
	return true;
}

bool sha1_hex(struct str bytes, char out[41])
{
	const struct late_crypto *c = late_crypto(NULL);
	unsigned char md[20];
	if (!c)
		return false;
	c->SHA1((const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n, md);
	hex(md, sizeof(md), out);
	return true;
}

void sigv4_path(struct buf *out, struct str path)
{
	while (path.n) {
		size_t n = 0;
		while (n < path.n && path.p[n] != '/')
			n++;
		http_escape(out, (struct str){ path.p, n });
		if (n < path.n)
			buf_addc(out, '/'), n++;
		path.p += n, path.n -= n;
	}
}

/* ---- the canonical request */

/* By name, then by the rest: '=' and ':' would sort after '-' and '.', which names hold. */
static int by_name(struct str x, struct str y, char sep)
{
	struct str xn = str_split(&x, sep), yn = str_split(&y, sep);
	int c = str_cmp(xn, yn);
	return c ? c : str_cmp(x, y);
}

static int by_parameter(const void *a, const void *b)
{
	return by_name(*(const struct str *)a, *(const struct str *)b, '=');
}

static int by_header(const void *a, const void *b)
{
	return by_name(*(const struct str *)a, *(const struct str *)b, ':');
}

static void add_query(struct buf *out, struct str query)
{
	struct str *list = NULL;
	size_t n = 0;
	while (query.n) {
		struct str one = str_split(&query, '&');
		if (!one.n)
			continue;
		list = xreallocarray(list, n + 1, sizeof(*list));
		list[n++] = one;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_parameter);
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i ? "&" : "");
		buf_addstr(out, list[i]);
		if (!memchr(list[i].p, '=', list[i].n))
			buf_addc(out, '=');
	}
	free(list);
}

/* "name:value" with the name in lower case, the value trimmed and its inner blanks as one. */
static char *canonical_header(const char *line)
{
	struct str rest = str_of(line), name = str_split(&rest, ':');
	struct buf b = { 0 };
	bool blank = false;
	for (size_t i = 0; i < name.n; i++)
		buf_addc(&b, (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]));
	buf_addc(&b, ':');
	rest = str_trim(rest);
	for (size_t i = 0; i < rest.n; i++) {
		bool is = rest.p[i] == ' ' || rest.p[i] == '\t';
		if (!is)
			buf_addc(&b, rest.p[i]);
		else if (!blank)
			buf_addc(&b, ' ');
		blank = is;
	}
	return buf_detach(&b);
}

void sigv4_canonical(const struct sigv4_request *q, const char *const *headers, const char *body_hash,
                     struct buf *signed_headers, struct buf *out)
{
	struct str *list = NULL;
	size_t n = 0;
	buf_addf(out, "%s\n", q->method ? q->method : "GET");
	if (!q->path.n)
		buf_addc(out, '/');
	else if (strcmp(q->service, "s3") == 0)
		buf_addstr(out, q->path);
	else
		sigv4_path(out, q->path);
	buf_addc(out, '\n');
	add_query(out, q->query);
	buf_addc(out, '\n');
	for (; headers[n]; n++) {
		list = xreallocarray(list, n + 1, sizeof(*list));
		list[n] = str_of(canonical_header(headers[n]));
	}
	if (n)
		qsort(list, n, sizeof(*list), by_header);
	for (size_t i = 0; i < n; i++) {
		struct str rest = list[i];
		buf_addstr(out, list[i]);
		buf_addc(out, '\n');
		buf_adds(signed_headers, i ? ";" : "");
		buf_addstr(signed_headers, str_split(&rest, ':'));
	}
	buf_addc(out, '\n');
	buf_addstr(out, buf_str(signed_headers));
	buf_addf(out, "\n%s", body_hash);
	for (size_t i = 0; i < n; i++)
		free((char *)list[i].p);
	free(list);
}

/* ---- the signature */

static void hmac(const struct late_crypto *c, const unsigned char *key, size_t n, struct str text, unsigned char out[32])
{
	unsigned len = 32;
	c->HMAC(c->EVP_sha256(), key, (int)n, (const unsigned char *)text.p, text.n, out, &len);
}

struct stamp { char time[20], day[12]; };

static struct stamp stamp_of(int64_t now_ms)
{
	struct stamp s;
	struct tm tm;
	time_t t = (time_t)(now_ms / 1000);
	gmtime_r(&t, &tm);
	strftime(s.time, sizeof(s.time), "%Y%m%dT%H%M%SZ", &tm);
	strftime(s.day, sizeof(s.day), "%Y%m%d", &tm);
	return s;
}

/* "20260102/us-east-1/s3/aws4_request" */
static void add_scope(struct buf *b, const struct sigv4_request *q, const struct stamp *at)
{
	buf_addf(b, "%s/%s/%s/aws4_request", at->day, q->region, q->service);
}

static bool signature(const struct sigv4_request *q, const struct aws_keys *k, const struct stamp *at, struct str canonical,
                      char out[65])
{
	const struct late_crypto *c = late_crypto(NULL);
	struct str secret = secret_reveal(k->secret);
	struct buf key = { 0 }, text = { 0 };
	unsigned char a[32], b[32];
	char hash[65];
	if (!c || !sha256_hex(canonical, hash))
		return false;
	buf_reserve(&key, secret.n + 5);           /* one block: no copy is left behind */
	buf_adds(&key, "AWS4");
	buf_addstr(&key, secret);
	buf_addf(&text, ALGORITHM "\n%s\n", at->time);
	add_scope(&text, q, at);
	buf_addf(&text, "\n%s", hash);
	hmac(c, (const unsigned char *)key.data, key.len, str_of(at->day), a);
	hmac(c, a, 32, str_of(q->region), b);
	hmac(c, b, 32, str_of(q->service), a);
	hmac(c, a, 32, STR("aws4_request"), b);
	hmac(c, b, 32, buf_str(&text), a);
	hex(a, 32, out);
	explicit_bzero(key.data, key.cap);
	explicit_bzero(a, sizeof(a));
	explicit_bzero(b, sizeof(b));
	buf_release(&key);
	buf_release(&text);
	return true;
}

static bool no_library(struct http_auth *auth)
{
	const char *why = NULL;
	late_crypto(&why);
	snprintf(auth->error, sizeof(auth->error), "requests cannot be signed: %s", why ? why : "libcrypto is missing");
	return false;
}

/* "Name: value" of what is signed besides the host; the texts are the caller's to free, wiped. */
struct lines { const char *at[24]; unsigned n; };

static void add_line(struct lines *l, const char *name, struct str value)
{
	if (l->n + 1 < ARRAY_SIZE(l->at))
		l->at[l->n++] = xasprintf("%s:" STR_FMT, name, STR_ARG(value));
}

static void release_lines(struct lines *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		explicit_bzero((char *)l->at[i], strlen(l->at[i]));
		free((char *)l->at[i]);
	}
}

static void add_own_lines(struct lines *l, const struct sigv4_request *q)
{
	add_line(l, "host", q->host);
	for (unsigned i = 0; q->headers && q->headers[i]; i++) {
		struct str rest = str_of(q->headers[i]), name = str_split(&rest, ':');
		char *text = str_dup(name);
		add_line(l, text, rest);
		free(text);
	}
}

bool sigv4_sign(const struct sigv4_request *q, const struct aws_keys *k, struct http_auth *auth)
{
	struct stamp at = stamp_of(q->now_ms);
	struct lines lines = { .n = 0 };
	struct buf canonical = { 0 }, names = { 0 }, value = { 0 };
	struct str token = secret_reveal(k->token);
	char hash[65], sign[65];
	bool s3 = strcmp(q->service, "s3") == 0;

	if (q->body_hash)
		snprintf(hash, sizeof(hash), "%s", q->body_hash);
	else if (!sha256_hex(q->body, hash))
		return no_library(auth);
	add_own_lines(&lines, q);
	add_line(&lines, "x-amz-date", str_of(at.time));
	if (s3)
		add_line(&lines, "x-amz-content-sha256", str_of(hash));
	if (token.n)
		add_line(&lines, "x-amz-security-token", token);
	sigv4_canonical(q, lines.at, hash, &names, &canonical);
	bool ok = signature(q, k, &at, buf_str(&canonical), sign);
	if (ok) {
		buf_addf(&value, ALGORITHM " Credential=" STR_FMT "/", STR_ARG(secret_reveal(k->id)));
		add_scope(&value, q, &at);
		buf_addf(&value, ", SignedHeaders=" STR_FMT ", Signature=%s", STR_ARG(buf_str(&names)), sign);
		ok = http_auth_add(auth, "X-Amz-Date", str_of(at.time)) &&
			(!s3 || http_auth_add(auth, "X-Amz-Content-Sha256", str_of(hash))) &&
			(!token.n || http_auth_add(auth, "X-Amz-Security-Token", token)) &&
			http_auth_add(auth, "Authorization", buf_str(&value));
		if (!ok)
			snprintf(auth->error, sizeof(auth->error), "the access key holds characters that no key has");
	} else {
		no_library(auth);
	}
	if (canonical.data)
		explicit_bzero(canonical.data, canonical.len);   /* it holds the token */
	release_lines(&lines);
	buf_release(&canonical);
	buf_release(&names);
	buf_release(&value);
	return ok;
}

static void add_parameter(struct buf *b, const char *name, struct str value)
{
	buf_adds(b, b->len ? "&" : "");
	buf_addf(b, "%s=", name);
	http_escape(b, value);
}

bool sigv4_presign(const struct sigv4_request *q, const struct aws_keys *k, int expires_s, struct buf *query)
{
	struct stamp at = stamp_of(q->now_ms);
	struct lines lines = { .n = 0 };
	struct buf canonical = { 0 }, names = { 0 }, all = { 0 }, scope = { 0 }, once = { 0 };
	struct sigv4_request whole = *q;
	char sign[65], expires[16], hash[65] = "UNSIGNED-PAYLOAD";

	if (strcmp(q->service, "s3") != 0 && !sha256_hex(q->body, hash))
		return false;
	add_own_lines(&lines, q);
	sigv4_canonical(q, lines.at, "", &names, &once);      /* for the names of the headers */
	buf_addstr(&scope, secret_reveal(k->id));
	buf_addc(&scope, '/');
	add_scope(&scope, q, &at);
	snprintf(expires, sizeof(expires), "%d", expires_s);
	buf_addstr(&all, q->query);
	add_parameter(&all, "X-Amz-Algorithm", STR(ALGORITHM));
	add_parameter(&all, "X-Amz-Credential", buf_str(&scope));
	add_parameter(&all, "X-Amz-Date", str_of(at.time));
	add_parameter(&all, "X-Amz-Expires", str_of(expires));
	if (secret_set(k->token))
		add_parameter(&all, "X-Amz-Security-Token", secret_reveal(k->token));
	add_parameter(&all, "X-Amz-SignedHeaders", buf_str(&names));
	whole.query = buf_str(&all);
	buf_clear(&names);
	sigv4_canonical(&whole, lines.at, q->body_hash ? q->body_hash : hash, &names, &canonical);
	bool ok = signature(q, k, &at, buf_str(&canonical), sign);
	if (ok) {
		buf_addstr(query, buf_str(&all));
		buf_addf(query, "&X-Amz-Signature=%s", sign);
	}
	release_lines(&lines);
	buf_release(&canonical);
	buf_release(&names);
	buf_release(&all);
	buf_release(&scope);
	buf_release(&once);
	return ok;
}
