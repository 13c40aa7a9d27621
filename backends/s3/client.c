/* client: one exchange with the store. The address of a bucket is its own host at AWS, and a path elsewhere; the region is
 * learnt when the server says that another is right; our clock is set aside for the server's once it has refused ours. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/mem.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES 4

/* ---- where */

/* A name that can be a part of a host's: lower case, and without dots, which no wildcard certificate covers. */
static bool fits_host(struct str bucket, bool tls)
{
	for (size_t i = 0; i < bucket.n; i++) {
		char c = bucket.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && !tls)))
			return false;
	}
	return bucket.n >= 3 && bucket.n <= 63;
}

const char *s3_region(const struct s3 *s, struct str bucket)
{
	for (unsigned i = 0; bucket.n && i < s->nregions; i++)
		if (str_is(bucket, s->regions[i].bucket))
			return s->regions[i].region;
	return s->region;
}

void s3_address(const struct s3 *s, struct str bucket, struct str key, struct buf *base, struct buf *path)
{
	const char *region = s3_region(s, bucket);
	bool tls = !s->endpoint || !strncmp(s->endpoint, "https:", 6);
	bool host = bucket.n && fits_host(bucket, tls) &&
		(s->style == STYLE_HOST || (s->style == STYLE_AUTO && !s->endpoint));
	char aws[160];
	if (!s->endpoint)
		snprintf(aws, sizeof(aws), "https://s3.%s.amazonaws.com%s", region, !strncmp(region, "cn-", 3) ? ".cn" : "");
	const char *whole = s->endpoint ? s->endpoint : aws, *at = strstr(whole, "://");
	size_t scheme = at ? (size_t)(at + 3 - whole) : 0, authority = scheme + strcspn(whole + scheme, "/");
	buf_add(base, whole, scheme);
	if (host)
		buf_addf(base, STR_FMT ".", STR_ARG(bucket));
	buf_add(base, whole + scheme, authority - scheme);
	buf_adds(path, whole + authority);               /* an endpoint may have a path of its own */
	if (path->len && path->data[path->len - 1] == '/')
		path->data[--path->len] = '\0';
	buf_addc(path, '/');
	if (bucket.n && !host) {
		sigv4_path(path, bucket);
		buf_adds(path, key.n ? "/" : "");
	}
	sigv4_path(path, key);
}

const char *s3_where(const struct s3 *s)
{
	return s->endpoint ? s->endpoint : "AWS S3";
}

static void learn_region(struct s3 *s, struct str bucket, const char *region)
{
	for (unsigned i = 0; i < s->nregions; i++) {
		if (!str_is(bucket, s->regions[i].bucket))
			continue;
		free(s->regions[i].region);
		s->regions[i].region = xstrdup(region);
		return;
	}
	if (!bucket.n) {
		free(s->region);
		s->region = xstrdup(region);
		return;
	}
	s->regions = xreallocarray(s->regions, s->nregions + 1, sizeof(*s->regions));
	s->regions[s->nregions++] = (struct region_of){ str_dup(bucket), xstrdup(region) };
}

/* ---- who */

static void note_keys(struct s3 *s, const struct aws_keys *k)
{
	struct str id = secret_reveal(k->id);
	if (id.n > 12)       /* enough to tell keys apart */
		snprintf(s->key_id, sizeof(s->key_id), "%.8s...%.4s", id.p, id.p + id.n - 4);
	else
		snprintf(s->key_id, sizeof(s->key_id), "%.12s", id.p);
	snprintf(s->from, sizeof(s->from), "%s", aws_chain_from(s->chain));
}

static struct str host_of(const char *base)
{
	const char *at = strstr(base, "://");
	struct str h = str_of(at ? at + 3 : base);
	/* what curl sends: without the scheme's own port */
	struct str own = !strncmp(base, "https:", 6) ? STR(":443") : STR(":80");
	if (str_ends(h, own))
		h.n -= own.n;
	return h;
}

static struct sigv4_request to_sign(struct s3 *s, const struct s3_ask *a, const char *base, const char *path)
{
	return (struct sigv4_request){ .method = a->method, .host = host_of(base), .path = str_of(path), .query = a->query,
		.headers = a->headers, .body = a->body, .region = s3_region(s, a->bucket), .service = "s3",
		.now_ms = clock_wall(link_clock(s->link)) + s->offset_ms };
}

/* Called by http for each exchange. */
static bool sign(void *arg, struct http_auth *auth)
{
	struct s3 *s = arg;
	if (s->anonymous)
		return true;
	const struct aws_keys *k = aws_chain_get(s->chain);
	if (!k) {
		snprintf(auth->error, sizeof(auth->error), "%.250s", aws_chain_why(s->chain));
		snprintf(auth->remedy, sizeof(auth->remedy), "%.150s", aws_chain_remedy(s->chain));
		return false;
	}
	note_keys(s, k);
	struct sigv4_request q = to_sign(s, s->asking, s->asking_base, s->asking_path);
	return sigv4_sign(&q, k, auth);
}

bool s3_link(struct s3 *s, struct str bucket, struct str key, struct str version, int seconds, struct buf *url)
{
	struct buf base = { 0 }, path = { 0 }, query = { 0 };
	const struct aws_keys *k = aws_chain_get(s->chain);
	bool ok = false;
	s->fault = (struct fault){ 0 };
	if (!k || s->anonymous) {
		s3_fault(s, HEALTH_LIVE, "links are signed with credentials", "%s", k ? "this source is anonymous" : aws_chain_why(s->chain));
		return false;
	}
	note_keys(s, k);
	s3_address(s, bucket, key, &base, &path);
	if (version.n) {
		buf_adds(&query, "versionId=");
		http_escape(&query, version);
	}
	struct s3_ask a = { .bucket = bucket, .key = key, .query = buf_str(&query) };
	struct sigv4_request q = to_sign(s, &a, base.data, path.data);
	buf_addf(url, "%s%s?", base.data, path.data);
	ok = sigv4_presign(&q, k, seconds, url);
	if (!ok)
		s3_fault(s, HEALTH_LIVE, "install libssl3", "the library libcrypto is not there, by which links are signed");
	buf_release(&base);
	buf_release(&path);
	buf_release(&query);
	return ok;
}

/* ---- the exchange */

struct exchange {
	struct s3 *s;
	const struct s3_ask *a;
	char region[48], code[64], message[160];     /* from headers: a HEAD has no body */
};

static void copy(char *out, size_t size, struct str s)
{
	snprintf(out, size, STR_FMT, STR_ARG(s));
}

static void on_header(void *arg, struct str name, struct str value)
{
	struct exchange *x = arg;
	static const struct { const char *name; size_t at, size; } known[] = {
		{ "x-amz-bucket-region", offsetof(struct exchange, region), 48 },
		{ "x-minio-error-code", offsetof(struct exchange, code), 64 },
		{ "x-amz-error-code", offsetof(struct exchange, code), 64 },
		{ "x-minio-error-desc", offsetof(struct exchange, message), 160 },
		{ "x-amz-error-message", offsetof(struct exchange, message), 160 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_is_fold(name, known[i].name))
			copy((char *)x + known[i].at, known[i].size, value);
	if (x->a->on_header)
		x->a->on_header(x->a->arg, name, value);
}

static bool on_data(void *arg, struct str chunk)
{
	struct exchange *x = arg;
	return x->a->on_data(x->a->arg, chunk);
}

static bool cancelled(void *arg)
{
	const struct exchange *x = arg;
	struct pollfd p = { .fd = link_fd(x->s->link), .events = POLLIN };
	if (link_closing(x->s->link) || (x->a->id && link_cancelled(x->s->link, x->a->id)))
		return true;
	return x->a->yield && poll(&p, 1, 0) > 0;
}

static void once(struct s3 *s, const struct s3_ask *a, struct exchange *x, struct http_reply *r)
{
	struct buf base = { 0 }, path = { 0 }, full = { 0 };
	*x = (struct exchange){ .s = s, .a = a };
	s3_address(s, a->bucket, a->key, &base, &path);
	buf_addf(&full, "%s%s" STR_FMT, path.data, a->query.n ? "?" : "", STR_ARG(a->query));
	s->asking = a;
	s->asking_base = base.data;
	s->asking_path = path.data;
	struct http_request q = { .method = a->method, .base = base.data, .path = full.data, .headers = a->headers, .body = a->body,
		.timeout_ms = a->timeout_ms ? a->timeout_ms : 30000, .idle_ms = 30000, .max = a->max ? a->max : 8u << 20,
		.large = a->on_data != NULL, .once = a->method && strcmp(a->method, "HEAD") && strcmp(a->method, "GET"), .cancelled = cancelled, .cancelled_arg = x, .on_data = a->on_data ? on_data : NULL,
		.on_header = on_header, .arg = x };
	http_call(s->http, &q, r);
	s->asking = NULL;
	s->asking_base = s->asking_path = NULL;
	buf_release(&base);
	buf_release(&path);
	buf_release(&full);
}

static void note_clock(struct s3 *s, const struct http_reply *r)
{
	if (r->latency_us >= 0)
		s->latency_us = r->latency_us;
	if (r->date_ms)
		s->skew_ms = r->date_ms - clock_wall(link_clock(s->link));
}

static bool is_one_of(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (!strcmp(code, *codes))
			return true;
	return false;
}

/* What can be put right at once and asked again. */
static bool put_right(struct s3 *s, const struct s3_ask *a, const struct exchange *x, const struct http_reply *r,
                      const struct s3_error *e, unsigned *done)
{
	static const char *const expired[] = { "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", NULL };
	enum { REGION = 1, CLOCK = 2, KEYS = 4 };
	const char *region = *x->region ? x->region : e->region;
	const char *now = s3_region(s, a->bucket);
	if (r->end != HTTP_STATUS)
		return false;
	if (*region && strcmp(region, now) && !(*done & REGION) &&
	    (r->status == 301 || r->status == 307 || r->status == 400 || r->status == 403)) {
		*done |= REGION;
		/* another endpoint's own region is the whole endpoint's */
		learn_region(s, s->endpoint ? STR("") : a->bucket, region);
		return true;
	}
	if (!strcmp(e->code, "RequestTimeTooSkewed") && r->date_ms && !(*done & CLOCK)) {
		*done |= CLOCK;
		s->offset_ms = s->skew_ms;
		return true;
	}
	if (is_one_of(e->code, expired) && !(*done & KEYS)) {
		*done |= KEYS;
		aws_chain_forget(s->chain);
		return aws_chain_get(s->chain) != NULL;
	}
	return false;
}

bool s3_call(struct s3 *s, const struct s3_ask *a, struct http_reply *r)
{
	unsigned done = 0;
	s->fault = (struct fault){ 0 };
	for (int i = 0; i < TRIES; i++) {
		struct exchange x;
		struct s3_error e = { 0 };
		once(s, a, &x, r);
		note_clock(s, r);
		if (r->end == HTTP_OK)
			return true;
		s3_read_error(r, &e);
		if (!*e.code)
			snprintf(e.code, sizeof(e.code), "%s", x.code);
		if (!*e.message)
			snprintf(e.message, sizeof(e.message), "%s", x.message);
		if (i + 1 == TRIES || !put_right(s, a, &x, r, &e, &done)) {
			s3_judge(s, a, r, &e);
			return false;
		}
		http_reply_release(r);
		*r = (struct http_reply){ 0 };
	}
	return false;
}

/* ---- life */

static bool chain_cancelled(void *arg)
{
	return link_closing(arg);
}

static char *own_setting(struct link *l, const char *name)
{
	const char *v = link_setting(l, name);
	return v && *v ? xstrdup(v) : NULL;
}

void s3_init(struct s3 *s, struct link *l)
{
	const char *style = link_setting(l, "style");
	struct aws_conf conf = { .settings = link_settings(l), .clock = link_clock(l), .cancelled = chain_cancelled, .arg = l };
	s->link = l;
	s->endpoint = own_setting(l, "endpoint");
	while (s->endpoint && *s->endpoint && s->endpoint[strlen(s->endpoint) - 1] == '/')
		s->endpoint[strlen(s->endpoint) - 1] = '\0';
	s->ca_file = own_setting(l, "ca_file");
	s->style = style && !strcmp(style, "path") ? STYLE_PATH : style && !strcmp(style, "host") ? STYLE_HOST : STYLE_AUTO;
	s->anonymous = yaml_bool(link_settings(l), "anonymous", false);
	s->insecure = yaml_bool(link_settings(l), "insecure", false);
	s->chain = aws_chain_new(&conf);
	s->region = xstrdup(aws_chain_region(s->chain));
	s->latency_us = -1;
	s->tunnel = tunnel_new(link_settings(l));
	s->http = http_new(&(struct http_conf){ .tunnel = s->tunnel, .base = s->endpoint ? s->endpoint : "https://s3.amazonaws.com", .what = "S3",
		.ca_file = s->ca_file, .insecure = s->insecure, .auth = sign, .arg = s }, link_clock(l));
}

struct at at_of(struct str key)
{
	struct place p = place_of(key);
	struct at t = { p.bucket, p.key, STR("") };
	if (p.versions) {
		struct str rest = p.key;
		t.key = str_split(&rest, '\t');
		t.version = rest.p ? rest : STR("");
	}
	return t;
}

void version_query(struct buf *q, struct str version)
{
	if (version.n) {
		buf_adds(q, "versionId=");
		http_escape(q, version);
	}
}

void s3_release(struct s3 *s)
{
	http_free(s->http);
	tunnel_free(s->tunnel);
	aws_chain_free(s->chain);
	for (unsigned i = 0; i < s->nregions; i++) {
		free(s->regions[i].bucket);
		free(s->regions[i].region);
	}
	free(s->regions);
	free(s->endpoint);
	free(s->region);
	free(s->ca_file);
}
