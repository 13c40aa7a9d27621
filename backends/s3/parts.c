/* parts: a copy within the store of what one request cannot copy (more than 5 GiB): begun, copied part by part, ended; given back when
 * it fails or is cancelled, for parts that are left are paid for and seen by nobody. Amazon S3 API: CreateMultipartUpload,
 * UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload. */
#define _GNU_SOURCE                  /* nanosleep */
#include "backends/net/xml.h"
#include "backends/s3/s3.h"
#include "base/plan_json.h"
#include <jansson.h>
#include <stdio.h>
#include <time.h>

enum { NUMBER_MOST = 10000, TRIES = 4, PART_MS = 600000 };
#define WHOLE_MOST (5ll << 30)       /* of one CopyObject */

int64_t parts_size(const struct s3 *s, int64_t size)
{
	int64_t part = s->part, whole = part < WHOLE_MOST / 5 ? part * 5 : WHOLE_MOST;
	if (size <= whole)
		return 0;
	while (size / part >= NUMBER_MOST)
		part *= 2;
	return part;
}

/* ---- what is answered */

struct taking { const char *path; char text[PARTS_UPLOAD]; };

static bool take(void *arg, const char *path, struct str text)
{
	struct taking *t = arg;
	if (strcmp(path, t->path))
		return true;
	snprintf(t->text, sizeof(t->text), STR_FMT, STR_ARG(text));
	return false;
}

/* The text of one element, "" where there is none. */
static void element(const struct http_reply *r, const char *path, char *out, size_t size)
{
	struct taking t = { .path = path };
	struct xml *x = xml_new(take, &t);
	xml_feed(x, buf_str(&r->body));
	xml_free(x);
	snprintf(out, size, "%s", t.text);
}

static void on_version(void *arg, struct str name, struct str value)
{
	struct parts_copy *c = arg;
	if (str_is_fold(name, "x-amz-version-id"))
		snprintf(c->made, sizeof(c->made), STR_FMT, STR_ARG(value));
}

/* ---- the requests */

static void why(struct parts_copy *c, const char *doing)
{
	const struct fault *f = &c->s->fault;
	buf_addf(c->say, "%s: %s%s%s", doing, f->status == 412 ? "it changed since the plan was shown: plan again" : f->why,
	         f->status != 412 && *f->remedy ? "; " : "", f->status != 412 ? f->remedy : "");
}

static void upload_query(struct buf *q, const char *upload)
{
	buf_adds(q, "uploadId=");
	http_escape(q, str_of(upload));
}

static void add_headers(const char **out, size_t *n, const json_t *list)
{
	size_t i;
	json_t *h;
	json_array_foreach(list, i, h)
		if (*n + 2 < PARTS_HEADERS)
			out[(*n)++] = json_string_value(h);
}

static void pause_ms(const struct parts_copy *c, int64_t ms)
{
	for (; ms > 0 && !link_cancelled(c->s->link, c->id); ms -= 50)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

static bool begin(struct parts_copy *c)
{
	const char *headers[PARTS_HEADERS] = { NULL };
	struct http_reply r = { 0 };
	size_t n = 0;
	add_headers(headers, &n, json_object_get(c->step, "own"));
	bool ok = s3_call(c->s, &(struct s3_ask){ .method = "POST", .bucket = c->bucket, .key = c->key, .query = STR("uploads="),
		.headers = n ? headers : NULL, .doing = "begin a copy in parts", .id = c->id }, &r);
	if (ok)
		element(&r, "InitiateMultipartUploadResult/UploadId", c->upload, sizeof(c->upload));
	if (!ok)
		why(c, "nothing was begun");
	else if (!*c->upload)
		buf_adds(c->say, "nothing was begun: the store gave no upload's id");
	http_reply_release(&r);
	return ok && *c->upload;
}

/* One part, tried again while that may help. etag has 80 bytes. */
static bool copy_part(struct parts_copy *c, unsigned number, int64_t from, int64_t to, char *etag)
{
	const char *headers[PARTS_HEADERS] = { NULL };
	char range[80], doing[40];
	struct http_backoff backoff = { .rnd.s = c->id + number };
	size_t n = 0;
	snprintf(range, sizeof(range), "x-amz-copy-source-range: bytes=%lld-%lld", (long long)from, (long long)to);
	snprintf(doing, sizeof(doing), "copy part %u", number);
	add_headers(headers, &n, json_object_get(c->step, "headers"));
	headers[n] = range;
	*etag = '\0';
	for (unsigned tries = 0; tries < TRIES && !*etag; tries++) {
		struct http_reply r = { 0 };
		struct s3_error e = { 0 };
		struct buf q = { 0 };
		buf_addf(&q, "partNumber=%u&", number);
		upload_query(&q, c->upload);
		bool ok = s3_call(c->s, &(struct s3_ask){ .method = "PUT", .bucket = c->bucket, .key = c->key, .query = buf_str(&q), .headers = headers,
			.doing = doing, .timeout_ms = PART_MS, .id = c->id }, &r), again = !ok && c->s->fault.passing;
		if (ok)
			element(&r, "CopyPartResult/ETag", etag, 80);
		if (ok && !*etag) {              /* a copy may fail after its 200: then the body says so */
			s3_read_error(&r, &e);
			s3_fault(c->s, HEALTH_LIVE, "", "%s %s", *e.code ? e.code : "no ETag came", e.message);
			again = true;
		}
		http_reply_release(&r);
		buf_release(&q);
		if (!*etag && (!again || tries + 1 == TRIES || link_cancelled(c->s->link, c->id)))
			break;
		if (!*etag)
			pause_ms(c, http_backoff_next(&backoff, -1));
	}
	if (!*etag)
		why(c, doing);
	return *etag != '\0';
}

static bool end(struct parts_copy *c, const struct buf *list)
{
	struct http_reply r = { 0 };
	struct buf q = { 0 };
	char etag[80];
	upload_query(&q, c->upload);
	bool ok = s3_call(c->s, &(struct s3_ask){ .method = "POST", .bucket = c->bucket, .key = c->key, .query = buf_str(&q), .body = buf_str(list),
		.doing = "end the copy", .timeout_ms = PART_MS, .id = c->id, .on_header = on_version, .arg = c }, &r);
	if (ok) {
		struct s3_error e = { 0 };
		element(&r, "CompleteMultipartUploadResult/ETag", etag, sizeof(etag));
		if (!*etag) {
			s3_read_error(&r, &e);
			buf_addf(c->say, "the store began to put the parts together and gave up: %s %s", e.code, e.message);
			ok = false;
		}
	} else {
		c->lost = r.end == HTTP_TIMEOUT || r.end == HTTP_CUT || r.end == HTTP_CANCELLED || r.status >= 500;
		why(c, "the parts were copied, but not put together");
	}
	http_reply_release(&r);
	buf_release(&q);
	return ok;
}

bool parts_copy(struct parts_copy *c)
{
	int64_t part = json_integer_value(json_object_get(c->step, "part")), size = json_integer_value(json_object_get(c->step, "size"));
	unsigned n = part > 0 ? (unsigned)((size + part - 1) / part) : 0;
	struct buf list = { 0 };
	char etag[80];
	bool ok = n && begin(c);
	buf_adds(&list, "<CompleteMultipartUpload>");
	for (unsigned i = 0; ok && i < n; i++) {
		int64_t from = i * part, to = from + part < size ? from + part : size;
		run_say(c->s->link, c->id, STEP_RUNNING, i + 1, n, "part %u of %u", i + 1, n);
		ok = copy_part(c, i + 1, from, to - 1, etag);
		buf_addf(&list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1, etag);
	}
	buf_adds(&list, "</CompleteMultipartUpload>");
	ok = ok && end(c, &list);
	if (ok)
		*c->upload = '\0';
	buf_release(&list);
	return ok;
}

void parts_abort(struct s3 *s, struct str bucket, struct str key, const char *upload, struct buf *say)
{
	struct http_reply r = { 0 };
	struct buf q = { 0 };
	upload_query(&q, upload);
	/* not by the request's id: it may be cancelled, and this has to be done all the same */
	bool ok = s3_call(s, &(struct s3_ask){ .method = "DELETE", .bucket = bucket, .key = key, .query = buf_str(&q),
		.doing = "give the parts back" }, &r);
	if (ok || s->fault.status == 404)
		buf_adds(say, "; the parts copied so far were given back");
	else
		buf_addf(say, "; the parts copied so far are still there and paid for (upload %.80s): %s", upload, s->fault.why);
	http_reply_release(&r);
	buf_release(&q);
}
