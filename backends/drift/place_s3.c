/* place_s3: reports in a bucket of S3 or of a store that speaks it. Keys are listed 1,000 at a time under the prefix and taken as
 * they stand (versitygw knows no encoding-type); the ETag tells what was written again. Every request is signed by the server's
 * clock and region, once they are known: a wrong clock or region is corrected, not fatal. */
#define _GNU_SOURCE
#include "backends/drift/place.h"
#include "backends/net/aws_credentials.h"
#include "backends/net/tunnel.h"
#include "backends/net/xml.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define SKEW_MAX_MS (4 * 60000)  /* S3 takes 15 minutes, others less */

struct bucket {
	struct http *http;
	struct tunnel *tunnel;                        /* NULL: none */
	struct aws_chain *chain;
	char *base, *host, *path, *prefix, *region;   /* path: "" or "/bucket" */
	bool path_style;
	int64_t skew_ms;
	const struct sigv4_request *signing;          /* during an exchange */
};

static bool closing(void *arg)
{
	return link_closing(arg);
}

static bool sign(void *arg, struct http_auth *auth)
{
	struct bucket *b = ((struct place *)arg)->own;
	const struct aws_keys *keys = aws_chain_get(b->chain);
	if (!keys) {
		snprintf(auth->error, sizeof(auth->error), "%s", aws_chain_why(b->chain));
		snprintf(auth->remedy, sizeof(auth->remedy), "%s", aws_chain_remedy(b->chain));
		return false;
	}
	return sigv4_sign(b->signing, keys, auth);
}

/* "https://host:9000" -> "host:9000" */
static char *host_of(const char *base)
{
	const char *at = strstr(base, "://");
	struct str host = str_of(at ? at + 3 : base);
	const char *slash = memchr(host.p, '/', host.n);
	return str_dup((struct str){ host.p, slash ? (size_t)(slash - host.p) : host.n });
}

static void connect_to(struct place *p)
{
	struct bucket *b = p->own;
	const char *endpoint = link_setting(p->link, "endpoint"), *name = link_setting(p->link, "bucket");
	http_free(b->http);
	free(b->base), free(b->host), free(b->path);
	b->path_style = endpoint || strchr(name, '.');
	if (endpoint)
		b->base = xstrdup(endpoint);
	else if (b->path_style)
		b->base = xasprintf("https://s3.%s.amazonaws.com", b->region);
	else
		b->base = xasprintf("https://%s.s3.%s.amazonaws.com", name, b->region);
	for (size_t n = strlen(b->base); n && b->base[n - 1] == '/';)
		b->base[--n] = '\0';
	b->host = host_of(b->base);
	b->path = b->path_style ? xasprintf("/%s", name) : xstrdup("");
	b->tunnel = b->tunnel ? b->tunnel : tunnel_new(link_settings(p->link));
	b->http = http_new(&(struct http_conf){ .base = b->base, .what = "the object store", .tunnel = b->tunnel, .auth = sign, .arg = p,
		.ca_file = link_setting(p->link, "ca"), .insecure = yaml_bool(link_settings(p->link), "insecure", false) },
		link_clock(p->link));
}

/* The text of one element of an error's XML. */
static struct str element(struct str body, const char *name)
{
	char open[40], close[40];
	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close, sizeof(close), "</%s>", name);
	size_t from = str_find(body, str_of(open), false), to = str_find(body, str_of(close), false);
	if (from == STR_NONE || to == STR_NONE || to < from + strlen(open))
		return STR("");
	from += strlen(open);
	return (struct str){ body.p + from, to - from };
}

/* Says what the store says; true: something was learned, and the same request may go through now. */
static bool learn(struct place *p, const struct http_reply *r, bool may_learn)
{
	struct bucket *b = p->own;
	struct str body = buf_str(&r->body), code = element(body, "Code"), region = element(body, "Region");
	int64_t skew = r->date_ms ? r->date_ms - clock_wall(link_clock(p->link)) : 0;
	place_say_reply(p, r);
	if (r->end != HTTP_STATUS)
		return false;
	if (code.n)
		place_say(p, p->state, p->remedy, STR_FMT ": " STR_FMT, STR_ARG(code), STR_ARG(element(body, "Message")));
	p->item_only = str_is(code, "NoSuchKey") || str_is(code, "InvalidObjectState");
	if (may_learn && region.n && region.n < 40 && !str_is(region, b->region)) {
		free(b->region);
		b->region = str_dup(region);
		connect_to(p);
		return true;
	}
	if (may_learn && str_is(code, "RequestTimeTooSkewed") && r->date_ms && llabs(skew - b->skew_ms) > 1000) {
		b->skew_ms = skew;
		return true;
	}
	if (str_is(code, "RequestTimeTooSkewed"))
		snprintf(p->remedy, sizeof(p->remedy), "this machine's clock is %lld s off the store's: set it (timedatectl set-ntp true)",
		         (long long)(-skew / 1000));
	else if (str_is(code, "NoSuchBucket"))
		snprintf(p->remedy, sizeof(p->remedy), "correct `bucket:`");
	else if (str_is(code, "SignatureDoesNotMatch"))
		snprintf(p->remedy, sizeof(p->remedy), "the secret key does not go with the access key (%s)", aws_chain_from(b->chain));
	else if (str_is(code, "InvalidAccessKeyId"))
		snprintf(p->remedy, sizeof(p->remedy), "the store does not know this access key (%s)", aws_chain_from(b->chain));
	else if (r->status == 403)
		snprintf(p->remedy, sizeof(p->remedy), "allow s3:ListBucket and s3:GetObject on it (as %s)", aws_chain_from(b->chain));
	if (r->status == 403)
		aws_chain_forget(b->chain);
	return false;
}

/* path and query as they are sent. */
static bool ask(struct place *p, struct str path, struct str query, struct http_reply *r)
{
	struct bucket *b = p->own;
	for (int try = 0;; try++) {
		struct sigv4_request s = { .host = str_of(b->host), .path = path, .query = query, .region = b->region, .service = "s3",
			.now_ms = clock_wall(link_clock(p->link)) + b->skew_ms };
		char *line = xasprintf(STR_FMT "%s" STR_FMT, STR_ARG(path), query.n ? "?" : "", STR_ARG(query));
		struct http_request q = { .path = line, .max = REPORT_BYTES_MAX, .cancelled = closing, .cancelled_arg = p->link };
		b->signing = &s;
		bool ok = http_call(b->http, &q, r);
		b->signing = NULL;
		free(line);
		if (ok) {
			p->latency_us = r->latency_us;
			return true;
		}
		if (!learn(p, r, try < 2) || link_closing(p->link))
			return false;
		http_reply_release(r);
	}
}

/* ---- listing */

struct listing {
	struct place_list *out;
	size_t root;                  /* bytes of the prefix that no name shows */
	char *key, *etag, *next;
	int64_t time, size;
	bool truncated;
};

static void add_object(struct listing *l)
{
	struct str key = str_of(l->key);
	if (key.n > l->root)
		place_add(l->out, (struct str){ key.p + l->root, key.n - l->root }, key, str_of(l->etag), l->time, l->size);
}

static bool on_element(void *arg, const char *path, struct str text)
{
	struct listing *l = arg;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	bool object = !strncmp(path, "ListBucketResult/Contents/", 26);
	if (object && !strcmp(name, "Key")) {
		free(l->key);
		l->key = str_dup(text);
	} else if (object && !strcmp(name, "ETag")) {
		free(l->etag);
		l->etag = str_dup(text);
	} else if (object && !strcmp(name, "LastModified")) {
		if (!time_parse(text, &l->time))
			l->time = 0;
	} else if (object && !strcmp(name, "Size")) {
		if (!str_to_i64(text, &l->size))
			l->size = -1;
	} else if (!strcmp(path, "ListBucketResult/Contents") && l->key) {
		add_object(l);
		free(l->key), free(l->etag);
		l->key = l->etag = NULL;
		l->time = 0, l->size = -1;
	} else if (!strcmp(path, "ListBucketResult/IsTruncated")) {
		l->truncated = str_is(text, "true");
	} else if (!strcmp(path, "ListBucketResult/NextContinuationToken")) {
		free(l->next);
		l->next = str_dup(text);
	}
	return true;
}

static bool list_page(struct place *p, struct listing *l)
{
	struct bucket *b = p->own;
	struct buf query = { 0 };
	struct http_reply r;
	struct xml *x;
	if (l->next) {
		buf_adds(&query, "continuation-token=");
		http_escape(&query, str_of(l->next));
		buf_addc(&query, '&');
	}
	buf_adds(&query, "list-type=2&max-keys=1000&prefix=");
	http_escape(&query, str_of(b->prefix));
	free(l->next);
	l->next = NULL;
	l->truncated = false;
	p->requests++;
	bool ok = ask(p, b->path[0] ? str_of(b->path) : STR("/"), buf_str(&query), &r);
	if (ok) {
		x = xml_new(on_element, l);
		ok = xml_feed(x, buf_str(&r.body)) && xml_finish(x);
		if (!ok)
			place_say(p, HEALTH_DOWN, "is `endpoint:` that of an object store?", "the listing cannot be read: %s", xml_error(x));
		xml_free(x);
	}
	http_reply_release(&r);
	buf_release(&query);
	return ok;
}

static bool bucket_list(struct place *p, struct place_list *out)
{
	struct bucket *b = p->own;
	struct listing l = { .out = out, .size = -1 };
	const char *slash = strrchr(b->prefix, '/');
	l.root = slash ? (size_t)(slash - b->prefix) + 1 : 0;
	bool ok;
	do
		ok = list_page(p, &l);
	while (ok && l.truncated && l.next && !out->more && !link_closing(p->link));
	out->more |= l.truncated;
	free(l.key), free(l.etag), free(l.next);
	return ok && !link_closing(p->link);
}

static bool bucket_read(struct place *p, struct place_item *item, struct buf *out)
{
	struct bucket *b = p->own;
	struct buf path = { 0 };
	struct http_reply r;
	p->item_only = false;
	buf_addf(&path, "%s/", b->path);
	sigv4_path(&path, str_of(item->path));
	bool ok = ask(p, buf_str(&path), STR(""), &r);
	if (ok)
		buf_addstr(out, buf_str(&r.body));
	http_reply_release(&r);
	buf_release(&path);
	return ok;
}

static void bucket_free(struct place *p)
{
	struct bucket *b = p->own;
	http_free(b->http);
	tunnel_free(b->tunnel);
	aws_chain_free(b->chain);
	free(b->base), free(b->host), free(b->path), free(b->prefix), free(b->region);
	free(b);
}

bool place_open_s3(struct place *p, const char *name)
{
	static const struct place_ops ops = { bucket_list, bucket_read, bucket_free };
	const char *prefix = link_setting(p->link, "prefix");
	struct bucket *b = p->own = xcalloc(1, sizeof(*b));
	p->ops = &ops;
	b->chain = aws_chain_new(&(struct aws_conf){ .settings = link_settings(p->link), .clock = link_clock(p->link),
		.cancelled = closing, .arg = p->link });
	b->region = xstrdup(aws_chain_region(b->chain));
	b->prefix = xstrdup(prefix ? prefix : "");
	snprintf(p->where, sizeof(p->where), "s3://%s/%s", name, b->prefix);
	connect_to(p);
	return true;
}
