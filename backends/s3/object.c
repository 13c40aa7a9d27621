/* object: one object in words: what HEAD tells, its first bytes as readable text, a link to it. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LINK_SECONDS 3600
#define LINK_MOST (7 * 86400)

static void say_fault(struct s3 *s, uint64_t id)
{
	link_textf(s->link, id, TEXT_END | TEXT_ERROR, "%s%s%s", s->fault.why, *s->fault.remedy ? "; " : "", s->fault.remedy);
}

/* ---- describe */

struct described { struct buf text, meta; int64_t now; };

static void line(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%s: ", name);
	for (size_t i = 0; i < value.n; i++)
		buf_addc(b, value.p[i] == '\n' ? ' ' : value.p[i]);
	buf_addc(b, '\n');
}

static void add_modified(struct described *d, struct str value)
{
	int64_t when = 0;
	buf_addf(&d->text, "modified: " STR_FMT, STR_ARG(value));
	/* "Sat, 21 Nov 2026 03:00:00 GMT" */
	struct tm tm = { 0 };
	char *text = str_dup(value);
	if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm)) {
		when = (int64_t)timegm(&tm) * 1000;
		buf_adds(&d->text, "  # ");
		fmt_age(d->now - when, &d->text);
		buf_adds(&d->text, " ago");
	}
	buf_addc(&d->text, '\n');
	free(text);
}

static void on_head(void *arg, struct str name, struct str value)
{
	struct described *d = arg;
	static const struct { const char *header, *name; } known[] = {
		{ "ETag", "etag" }, { "Content-Type", "type" }, { "Content-Encoding", "encoding" }, { "x-amz-storage-class", "class" },
		{ "x-amz-version-id", "version" }, { "x-amz-server-side-encryption", "encryption" },
		{ "x-amz-server-side-encryption-aws-kms-key-id", "encryption-key" }, { "x-amz-restore", "restore" },
		{ "x-amz-archive-status", "archive" }, { "x-amz-replication-status", "replication" }, { "x-amz-expiration", "expires" },
		{ "x-amz-object-lock-mode", "lock" }, { "x-amz-object-lock-retain-until-date", "locked-until" },
		{ "x-amz-delete-marker", "deleted" }, { "x-amz-mp-parts-count", "parts" }, { "Cache-Control", "cache" },
	};
	int64_t size;
	if (str_is_fold(name, "Content-Length") && str_to_i64(value, &size)) {
		buf_addf(&d->text, "size: %lld  # ", (long long)size);
		fmt_bytes(size, &d->text);
		buf_addc(&d->text, '\n');
	} else if (str_is_fold(name, "Last-Modified")) {
		add_modified(d, value);
	} else if (str_starts_fold(name, "x-amz-meta-")) {
		char *key = xasprintf("  " STR_FMT, (int)name.n - 11, name.p + 11);
		line(&d->meta, key, value);
		free(key);
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_is_fold(name, known[i].header))
			line(&d->text, known[i].name, value);
}

/* A refused HEAD has no body, and so no reason: the first byte is asked for, for the reason's sake. */
static void ask_reason(struct s3 *s, uint64_t id, const struct at *t, struct str query, const char *doing)
{
	struct http_reply r = { 0 };
	if (*s->fault.code || s->fault.status < 400)
		return;
	s3_call(s, &(struct s3_ask){ .bucket = t->bucket, .key = t->key, .query = query, .doing = doing, .id = id,
		.headers = (const char *const[]){ "Range: bytes=0-0", NULL } }, &r);
	http_reply_release(&r);
}

static void describe(struct s3 *s, const struct request *r)
{
	struct at t = at_of(str_of(r->key));
	struct described d = { .now = clock_wall(link_clock(s->link)) };
	struct http_reply reply = { 0 };
	struct buf q = { 0 }, doing = { 0 };
	version_query(&q, t.version);
	buf_addf(&doing, "read s3://" STR_FMT "/" STR_FMT, STR_ARG(t.bucket), STR_ARG(t.key));
	buf_addf(&d.text, "url: s3://" STR_FMT "/" STR_FMT "\n", STR_ARG(t.bucket), STR_ARG(t.key));
	if (!t.key.n || t.key.p[t.key.n - 1] == '/') {
		buf_addf(&d.text, "%s\nregion: %s\nendpoint: %s\n", t.key.n ? "prefix: what begins with this name" : "bucket: yes",
		         s3_region(s, t.bucket), s3_where(s));
		link_text(s->link, r->id, TEXT_END, buf_str(&d.text));
	} else if (s3_call(s, &(struct s3_ask){ .method = "HEAD", .bucket = t.bucket, .key = t.key, .query = buf_str(&q),
	                   .doing = doing.data, .id = r->id, .on_header = on_head, .arg = &d }, &reply)) {
		if (d.meta.len)
			buf_addf(&d.text, "metadata:\n" STR_FMT, STR_ARG(buf_str(&d.meta)));
		buf_addf(&d.text, "region: %s\nendpoint: %s\n", s3_region(s, t.bucket), s3_where(s));
		link_text(s->link, r->id, TEXT_END, buf_str(&d.text));
	} else {
		ask_reason(s, r->id, &t, buf_str(&q), doing.data);
		say_fault(s, r->id);
	}
	http_reply_release(&reply);
	buf_release(&q);
	buf_release(&doing);
	buf_release(&d.text);
	buf_release(&d.meta);
}

/* ---- preview */

static void on_range(void *arg, struct str name, struct str value)
{
	int64_t *total = arg;
	struct str rest = value;
	if (str_is_fold(name, "Content-Range")) {
		str_split(&rest, '/');
		if (!str_to_i64(str_trim(rest), total))
			*total = -1;
	}
}

static void show_bytes(struct s3 *s, uint64_t id, struct str bytes, struct str key, int64_t total)
{
	struct buf text = { 0 }, note = { 0 };
	const char *how = NULL;
	bool whole = total < 0 || (int64_t)bytes.n >= total;
	shape_text(bytes, place_name(key), whole, &text, &how);
	if (!whole) {
		buf_adds(&note, "the first ");
		fmt_bytes((int64_t)bytes.n, &note);
		buf_adds(&note, " of ");
		fmt_bytes(total, &note);
	}
	if (how)
		buf_addf(&note, "%s%s", note.len ? ", " : "", how);
	if (!bytes.n)
		buf_adds(&note, "the object is empty");
	if (note.len)
		link_text(s->link, id, TEXT_NOTE, buf_str(&note));
	link_text(s->link, id, TEXT_END, buf_str(&text));
	buf_release(&text);
	buf_release(&note);
}

static void preview(struct s3 *s, const struct request *r)
{
	struct at t = at_of(str_of(r->key));
	struct http_reply reply = { 0 };
	struct buf q = { 0 }, doing = { 0 };
	int64_t total = -1;
	char range[64];
	snprintf(range, sizeof(range), "Range: bytes=0-%lld", (long long)s->preview - 1);
	version_query(&q, t.version);
	buf_addf(&doing, "read s3://" STR_FMT "/" STR_FMT, STR_ARG(t.bucket), STR_ARG(t.key));
	struct s3_ask a = { .bucket = t.bucket, .key = t.key, .query = buf_str(&q), .doing = doing.data, .id = r->id,
		.headers = (const char *const[]){ range, NULL }, .on_header = on_range, .arg = &total };
	bool ok = s3_call(s, &a, &reply);
	if (ok)
		show_bytes(s, r->id, buf_str(&reply.body), t.key, reply.status == 206 ? total : -1);
	else if (reply.status == 416)        /* an empty object has no first byte */
		show_bytes(s, r->id, STR(""), t.key, -1);
	else
		say_fault(s, r->id);
	http_reply_release(&reply);
	buf_release(&q);
	buf_release(&doing);
}

/* ---- link */

static void give_link(struct s3 *s, const struct request *r)
{
	struct at t = at_of(str_of(r->key));
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	json_int_t seconds = json_integer_value(json_object_get(params, "expires"));
	int64_t ends = aws_chain_expires(s->chain), now = clock_wall(link_clock(s->link));
	struct buf url = { 0 }, note = { 0 };
	seconds = seconds < 1 ? LINK_SECONDS : seconds > LINK_MOST ? LINK_MOST : seconds;
	if (s3_link(s, t.bucket, t.key, t.version, (int)seconds, &url)) {
		ends = aws_chain_expires(s->chain);
		buf_adds(&note, "whoever has this link may read the object for ");
		fmt_duration(seconds * 1000, &note);
		if (ends && ends - now < seconds * 1000) {
			buf_adds(&note, ", but no longer than the credentials last: ");
			fmt_duration(ends - now, &note);
		}
		link_text(s->link, r->id, TEXT_NOTE, buf_str(&note));
		link_text(s->link, r->id, TEXT_END | TEXT_SECRET, buf_str(&url));
	} else {
		say_fault(s, r->id);
	}
	if (url.data)
		explicit_bzero(url.data, url.len);
	buf_release(&url);
	buf_release(&note);
	json_decref(params);
}

void object_open(struct s3 *s, const struct request *r)
{
	if (!strcmp(r->what, "preview"))
		preview(s, r);
	else if (!strcmp(r->what, "describe") || !strcmp(r->what, "yaml"))
		describe(s, r);
	else if (!strcmp(r->what, "link"))
		give_link(s, r);
	else
		link_textf(s->link, r->id, TEXT_END | TEXT_ERROR, "an object store has no '%s'", r->what);
}
