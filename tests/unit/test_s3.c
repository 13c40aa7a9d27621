/* s3: the source against a small server in this program that answers as S3 does, and as it does when something is wrong: each
 * refusal has to be told by its cause, a region and a clock have to be followed, a cut download has to go on. And bytes as
 * readable text. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/list.h"
#include "backends/s3/s3.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/store.h"
#include <arpa/inet.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the server */

enum mood { WELL, WRONG_KEY, WRONG_SECRET, EXPIRED, DENIED, SKEWED, ELSEWHERE, MALFORMED, BUSY, WEB_PAGE, CUT_LIST, PAGED, NO_RANGES, CHANGED };
static struct {
	int fd, port;
	pthread_t thread;
	_Atomic enum mood mood;
	atomic_int asked, cut_at;        /* cut_at: bytes of a body after which the connection breaks, once */
	char seen[8192];                 /* the last request */
	atomic_long date_offset;         /* seconds that the server's clock is ahead */
} server;

#define OBJECT_BYTES 300000
static char object_bytes[OBJECT_BYTES];

static const char *error_of(enum mood m, int *status)
{
	static const struct { enum mood mood; int status; const char *xml; } all[] = {
		{ WRONG_KEY, 403, "<Error><Code>InvalidAccessKeyId</Code><Message>no</Message></Error>" },
		{ WRONG_SECRET, 403, "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>" },
		{ EXPIRED, 400, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>" },
		{ DENIED, 403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>" },
		{ BUSY, 503, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>" },
		{ WEB_PAGE, 500, "<!DOCTYPE html><html><h1>500</h1>" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].mood == m) {
			*status = all[i].status;
			return all[i].xml;
		}
	return NULL;
}

static void put_list(struct buf *b, const char *request)
{
	const char *at = strstr(request, "start-after="), *token = strstr(request, "continuation-token=");
	int from = token ? atoi(token + 19) : at ? atoi(at + 12 + strcspn(at + 12, "0123456789")) + 1 : 0;
	int to = from + 1000 < 5500 ? from + 1000 : 5500;
	if (at)
		from = atoi(strstr(at, "k-") + 2) + 1, to = from + 1000 < 5500 ? from + 1000 : 5500;
	if (strstr(request, "prefix=odd")) {
		buf_adds(b, "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>odd%2Fa+b%2Bc%25"
		         "%26%E2%82%AC.txt</Key><Size>7</Size><LastModified>2026-11-21T03:00:00Z</LastModified><ETag>&quot;e&quot;</ETag>"
		         "<StorageClass>GLACIER</StorageClass></Contents><Contents><Key>odd%2F</Key><Size>0</Size></Contents><Contents>"
		         "<Key>odd%2Fwrong</Key><Size>many</Size></Contents><CommonPrefixes><Prefix>odd%2Fsub%2F</Prefix></CommonPrefixes>"
		         "</ListBucketResult>");
		return;
	}
	buf_addf(b, "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>%s</IsTruncated>",
	         to < 5500 ? "true" : "false");
	if (to < 5500)
		buf_addf(b, "<NextContinuationToken>%d</NextContinuationToken>", to);
	for (int i = from; i < to; i++)
		buf_addf(b, "<Contents><Key>p/k-%05d</Key><Size>10</Size></Contents>", i);
	buf_adds(b, "</ListBucketResult>");
}

/* 2,500 versions of p/k, newest first, and one of p/k2. */
static void put_versions(struct buf *b, const char *request)
{
	const char *at = strstr(request, "version-id-marker=v");
	int from = at ? atoi(at + 19) + 1 : 0, to = from + 1000;
	buf_addf(b, "<ListVersionsResult><IsTruncated>%s</IsTruncated>", to < 2501 ? "true" : "false");
	if (to < 2501)
		buf_addf(b, "<NextKeyMarker>p/k</NextKeyMarker><NextVersionIdMarker>v%d</NextVersionIdMarker>", to - 1);
	for (int i = from; i < to && i < 2501; i++)
		buf_addf(b, "<Version><Key>%s</Key><VersionId>v%d</VersionId><Size>%d</Size></Version>", i < 2500 ? "p/k" : "p/k2", i, i);
	buf_adds(b, "</ListVersionsResult>");
}

static void reply(int fd, int status, const char *more, struct str body, bool head)
{
	struct buf b = { 0 };
	char date[64];
	time_t now = time(NULL) + server.date_offset;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
	buf_addf(&b, "HTTP/1.1 %d X\r\nDate: %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status, date, body.n, more);
	size_t most = b.len + body.n;
	if (server.cut_at > 0 && !head && body.n > (size_t)server.cut_at) {
		most = b.len + (size_t)server.cut_at;
		server.cut_at = 0;
	}
	if (!head)
		buf_addstr(&b, body);
	for (size_t at = 0; at < most && at < b.len;) {
		ssize_t n = send(fd, b.data + at, (most < b.len ? most : b.len) - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_release(&b);
}

static void answer_object(int fd, const char *request, bool head)
{
	const char *range = strcasestr(request, "Range: bytes="), *match = strcasestr(request, "If-Match:");
	char more[200];
	long from = range ? atol(range + 13) : 0, to = range ? atol(strchr(range, '-') + 1) + 1 : OBJECT_BYTES;
	to = to > OBJECT_BYTES ? OBJECT_BYTES : to;
	if (match && server.mood == CHANGED) {
		server.mood = WELL;
		reply(fd, 412, "ETag: \"v2\"\r\n", STR(""), false);
		return;
	}
	if (range && server.mood == NO_RANGES)
		range = NULL, from = 0, to = OBJECT_BYTES;
	snprintf(more, sizeof(more), "ETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 03:00:00 GMT\r\nx-amz-meta-owner: ml\r\n");
	if (range)
		snprintf(more + strlen(more), sizeof(more) - strlen(more), "Content-Range: bytes %ld-%ld/%d\r\n", from, to - 1, OBJECT_BYTES);
	reply(fd, range ? 206 : 200, more, (struct str){ object_bytes + from, (size_t)(to - from) }, head);
}

static void answer(int fd, const char *request)
{
	enum mood m = server.mood;
	bool head = !strncmp(request, "HEAD", 4);
	struct buf b = { 0 };
	int status = 200;
	const char *xml = error_of(m, &status);
	if (xml) {
		reply(fd, status, m == WEB_PAGE ? "Content-Type: text/html\r\n" : "", head ? STR("") : str_of(xml), head);
	} else if (m == SKEWED && !strstr(request, "/20300101/")) {
		reply(fd, 403, "", STR("<Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error>"), head);
	} else if (m == ELSEWHERE && !strstr(request, "/eu-west-1/s3/")) {
		reply(fd, 301, "x-amz-bucket-region: eu-west-1\r\n", STR("<Error><Code>PermanentRedirect</Code></Error>"), head);
	} else if (m == MALFORMED && !strstr(request, "/eu-west-1/s3/")) {
		reply(fd, 400, "", STR("<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting "
		                       "'eu-west-1'</Message></Error>"), head);
	} else if (strstr(request, " /b/p/object")) {
		answer_object(fd, request, head);
	} else if (strstr(request, "list-type=2")) {
		put_list(&b, request);
		reply(fd, 200, "", m == CUT_LIST ? (struct str){ b.data, b.len / 2 } : buf_str(&b), false);
	} else if (strstr(request, " /b?versions=")) {
		put_versions(&b, request);
		reply(fd, 200, "", buf_str(&b), false);
	} else if (m == PAGED && !strncmp(request, "GET /?", 6)) {
		bool second = strstr(request, "continuation-token=t%2F2");
		buf_addf(&b, "<ListAllMyBucketsResult><Buckets><Bucket><Name>%s</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets>"
		         "<ContinuationToken>t/2</ContinuationToken></ListAllMyBucketsResult>", second ? "two" : "one");
		reply(fd, 200, "", buf_str(&b), false);
	} else if (!strncmp(request, "GET /?", 6)) {
		reply(fd, 200, "", STR("<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name><CreationDate>2026-11-01T00:00:00.000Z"
		                       "</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"), false);
	} else {
		reply(fd, 404, "", STR("<Error><Code>NoSuchKey</Code></Error>"), head);
	}
	buf_release(&b);
}

static void *serve(void *arg)
{
	for (;;) {
		char buf[8192];
		size_t n = 0;
		int fd = accept(server.fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		while (n + 1 < sizeof(buf)) {
			ssize_t got = recv(fd, buf + n, sizeof(buf) - 1 - n, 0);
			if (got <= 0)
				break;
			n += (size_t)got;
			buf[n] = '\0';
			if (strstr(buf, "\r\n\r\n"))
				break;
		}
		memcpy(server.seen, buf, n + 1);
		server.asked++;
		answer(fd, buf);
		close(fd);
	}
}

/* ---- the source */

static struct world {
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct yaml_doc *doc;
	bool over, ok;
	struct buf text;
} w;
static char dir[] = "/tmp/test_s3_XXXXXX";
static struct clock_shifted shifted;
static struct clock far_clock;

static void begin(const char *more, const struct clock *clock)
{
	struct yaml_error err;
	char *settings = xasprintf("{endpoint: 'http://127.0.0.1:%d', access_key: {env: T_ID}, secret_key: {env: T_SECRET}%s}", server.port, more);
	w.doc = yaml_parse(str_of(settings), &err);
	w.store = store_new(clock);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w.store, *k);
	w.inbox = inbox_new(4 << 20);
	w.source = source_new(store_add_source(w.store, "s", ""), "s", "", &backend_s3, yaml_root(w.doc), clock, w.inbox);
	source_start(w.source);
	free(settings);
}

static void end(void)
{
	source_stop(w.source, 5000);
	store_free(w.store);
	inbox_free(w.inbox);
	yaml_doc_free(w.doc);
	buf_release(&w.text);
	memset(&w, 0, sizeof(w));
	server.mood = WELL;
	server.cut_at = 0;
	server.date_offset = 0;
}

static void on_reply(void *arg, const struct msg *m)
{
	struct msg_text t;
	struct msg_answer a;
	if (m->type == MSG_TEXT && msg_get_text(m, &t)) {
		if (t.flags & TEXT_RESET)
			buf_clear(&w.text);
		buf_addstr(&w.text, t.chunk);
		buf_adds(&w.text, t.flags & TEXT_NOTE ? "\n" : "");
		w.ok = !(t.flags & TEXT_ERROR);
		w.over = t.flags & (TEXT_END | TEXT_ERROR);
	} else if (m->type == MSG_ANSWER && msg_get_answer(m, &a)) {
		buf_clear(&w.text);
		buf_addstr(&w.text, a.json);
		w.ok = a.ok;
		w.over = true;
	}
}

static void take(int ms)
{
	struct pollfd p = { inbox_fd(w.inbox), POLLIN, 0 };
	struct msg *m;
	poll(&p, 1, ms);
	while ((m = inbox_take(w.inbox)))
		while (store_apply(w.store, m, 0))
			m = NULL;
}

/* The reply's text; w.ok tells how it ended. */
static const char *ask(enum req_type type, const char *what, const char *key, const char *params)
{
	buf_clear(&w.text);
	w.over = false;
	uint64_t id = source_ask(w.source, request_new(type, "objects", str_of(key), what, params));
	store_expect(w.store, id, on_reply, &w);
	for (int i = 0; i < 30000 && !w.over; i++)
		take(10);
	store_forget(w.store, id);
	assert_true(w.over);
	return w.text.data ? w.text.data : "";
}

static const struct source_state *wait_health(enum health_state s)
{
	const struct source_state *st = &w.store->sources[0];
	for (int i = 0; i < 6000 && st->state != s; i++)
		take(10);
	if (st->state != s)
		fail_msg("health is %s (%s), not %s", health_name(st->state), st->why ? st->why : "", health_name(s));
	return st;
}

static void has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' does not hold '%s'", text ? text : "", part);
}

/* ---- lists */

static void test_pages(void **state)
{
	const struct table *t;
	begin("", &clock_system);
	t = store_table(w.store, "objects");
	uint64_t id = source_ask(w.source, request_new(REQ_WATCH, "objects", STR("b/p/"), "", "{\"paged\":true}"));
	has(ask(REQ_ASK, "page", "b/p/", "{\"to\":\"first\"}"), "\"before\":false,\"back\":false,\"after\":true");
	assert_int_equal(t->count, 1000);
	assert_non_null(table_find(t, 0, STR("b/p/k-00999")));
	for (int i = 1; i < 6; i++)
		ask(REQ_ASK, "page", "b/p/", "{\"to\":\"next\"}");
	has(w.text.data, "\"after\":false");
	assert_int_equal(t->count, 3500);                /* pages 2 to 5, the last half full */
	assert_null(table_find(t, 0, STR("b/p/k-01999")));
	assert_non_null(table_find(t, 0, STR("b/p/k-05499")));
	has(ask(REQ_ASK, "page", "b/p/", "{\"to\":\"previous\"}"), "\"after\":true");
	assert_non_null(table_find(t, 0, STR("b/p/k-01000")));
	assert_null(table_find(t, 0, STR("b/p/k-05000")));
	has(server.seen, "start-after=p%2Fk-00999");
	ask(REQ_ASK, "page", "b/p/", "{\"to\":\"next\"}");   /* forwards again, over what was let go */
	assert_non_null(table_find(t, 0, STR("b/p/k-05499")));
	assert_int_equal(t->count, 3500);
	has(ask(REQ_ASK, "page", "b/p/", "{\"from\":\"k-03000\"}"), "\"before\":true,\"back\":false,\"after\":true");
	assert_int_equal(t->count, 1000);
	server.mood = CUT_LIST;
	has(ask(REQ_ASK, "page", "b/p/", "{\"to\":\"first\"}"), "a list that cannot be read");
	assert_int_equal(t->count, 1000);                /* what was there stays */
	source_cancel(w.source, id);
	for (int i = 0; i < 6000 && t->count; i++)
		take(10);
	assert_int_equal(t->count, 0);
	end();
}

static void test_odd_keys(void **state)
{
	const struct table *t;
	begin("", &clock_system);
	t = store_table(w.store, "objects");
	source_ask(w.source, request_new(REQ_WATCH, "objects", STR("b/odd/"), "", "{\"paged\":true}"));
	ask(REQ_ASK, "page", "b/odd/", "{}");
	assert_int_equal(t->count, 3);                   /* the place itself is no row */
	const struct row *r = table_find(t, 0, STR("b/odd/a b+c%&\u20ac.txt"));
	assert_non_null(r);
	assert_true(str_is(row_text(t, r, OBJECT_NAME), "a b+c%&\u20ac.txt"));
	assert_true(str_is(row_text(t, r, OBJECT_CLASS), "GLACIER"));
	assert_int_equal(row_int(r, OBJECT_SIZE), 7);
	r = table_find(t, 0, STR("b/odd/wrong"));
	assert_true(row_null(r, OBJECT_SIZE) && row_null(r, OBJECT_AGE));
	r = table_find(t, 0, STR("b/odd/sub/"));
	assert_true(str_is(row_text(t, r, OBJECT_TYPE), "prefix"));
	end();
}

static void test_versions_are_paged(void **state)
{
	static const char place[] = "versions:b/p/k";
	const struct table *t;
	begin("", &clock_system);
	t = store_table(w.store, "objects");
	source_ask(w.source, request_new(REQ_WATCH, "objects", STR("versions:b/p/k"), "", "{\"paged\":true}"));
	has(ask(REQ_ASK, "page", place, "{\"to\":\"first\"}"), "\"after\":true");
	assert_null(strstr(server.seen, "key-marker"));
	assert_int_equal(t->count, 1000);
	has(ask(REQ_ASK, "page", place, "{\"to\":\"next\"}"), "\"after\":true");
	has(server.seen, "key-marker=p%2Fk&version-id-marker=v999");
	has(ask(REQ_ASK, "page", place, "{\"to\":\"next\"}"), "\"after\":false");
	assert_int_equal(t->count, 2500);                /* another key's are not among them */
	assert_non_null(table_find(t, 0, STR("versions:b/p/k\tv2499")));
	ask(REQ_ASK, "page", place, "{\"to\":\"first\"}");
	assert_int_equal(t->count, 1000);
	end();
}

static void test_buckets_are_paged(void **state)
{
	server.mood = PAGED;
	begin("", &clock_system);
	source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
	wait_health(HEALTH_LIVE);
	take(50);
	const struct table *t = store_table(w.store, "buckets");
	assert_int_equal(t->count, 2);                   /* the second page leads to itself: it is the last */
	assert_true(str_is(row_text(t, table_find(t, 0, STR("two")), BUCKET_REGION), "eu-west-1"));
	end();
}

static void test_count(void **state)
{
	const struct table *t;
	begin("", &clock_system);
	t = store_table(w.store, "buckets");
	source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
	wait_health(HEALTH_LIVE);
	buf_clear(&w.text);
	w.over = false;
	uint64_t id = source_ask(w.source, request_new(REQ_OPEN, "buckets", STR("b"), "count", ""));
	store_expect(w.store, id, on_reply, &w);
	for (int i = 0; i < 30000 && !w.over; i++)
		take(10);
	assert_string_equal(w.text.data, "5,500 objects, 53.7Ki");
	const struct row *r = table_find(t, 0, STR("b"));
	assert_int_equal(row_int(r, BUCKET_OBJECTS), 5500);
	assert_int_equal(row_int(r, BUCKET_SIZE), 55000);
	assert_int_equal(row_int(r, BUCKET_COUNTED), COUNTED_ALL);
	end();
}

static void test_words_that_name_a_place(void **state)
{
	static const struct { const char *word, *scope; } all[] = { { "s3://b", "b/" }, { "s3://b/p/", "b/p/" }, { "b.c-d_e/p/k", "b.c-d_e/p/k" },
		{ "versions:b/p/k", "versions:b/p/k" }, { "b", "" }, { "name=a/b", "" }, { "size>1/2", "" }, { "/p", "" }, { "s3:///p", "" }, { "!a/b", "" } };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct buf scope = { 0 };
		bool is = kind_objects.place(str_of(all[i].word), &scope);
		assert_int_equal(is, *all[i].scope != '\0');
		assert_true(str_is(buf_str(&scope), all[i].scope));
		buf_release(&scope);
	}
}

/* ---- what is wrong */

static void test_causes(void **state)
{
	static const struct { enum mood mood; enum health_state health; const char *why; } all[] = {
		{ WRONG_KEY, HEALTH_REFUSED, "does not know the access key AKIAIOSF...MPLE (from access_key in binnacle.yaml)" },
		{ WRONG_SECRET, HEALTH_REFUSED, "the secret key that goes with the access key AKIAIOSF...MPLE is wrong" },
		{ EXPIRED, HEALTH_REFUSED, "the session token of the access key AKIAIOSF...MPLE has expired" },
		{ DENIED, HEALTH_LIMITED, "may not list the buckets" },
		{ BUSY, HEALTH_LIMITED, "asks to slow down" },
		{ WEB_PAGE, HEALTH_LIMITED, "answered 500 with a web page" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		server.mood = all[i].mood;
		begin("", &clock_system);
		source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
		const struct source_state *s = wait_health(all[i].health);
		has(s->why, all[i].why);
		assert_null(strstr(s->why, "wJalr"));
		end();
	}
}

static void test_named_buckets(void **state)
{
	server.mood = DENIED;
	begin(", buckets: [mine, other]", &clock_system);
	source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
	wait_health(HEALTH_LIVE);
	take(50);
	assert_int_equal(store_table(w.store, "buckets")->count, 2);
	source_ask(w.source, request_new(REQ_WATCH, "objects", STR("mine/p/"), "", "{\"paged\":true}"));
	has(ask(REQ_ASK, "page", "mine/p/", "{}"), "may not list s3://mine/p/");
	wait_health(HEALTH_LIVE);                        /* a bucket's refusal is not the store's */
	end();
}

static void test_region_is_followed(void **state)
{
	for (int i = 0; i < 2; i++) {
		server.mood = i ? MALFORMED : ELSEWHERE;
		begin("", &clock_system);
		source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
		wait_health(HEALTH_LIVE);
		take(50);
		assert_int_equal(store_table(w.store, "buckets")->count, 1);
		has(server.seen, "/eu-west-1/s3/aws4_request");
		end();
	}
}

/* The server lives in 2030; our clock stands in 2026. */
static void test_clock_is_followed(void **state)
{
	struct tm tm = { .tm_year = 130, .tm_mday = 1, .tm_hour = 12 };
	server.date_offset = timegm(&tm) - time(NULL);
	server.mood = SKEWED;
	far_clock = clock_from(&shifted, 1795231200000);
	begin("", &far_clock);
	source_ask(w.source, request_new(REQ_WATCH, "buckets", STR(""), "", ""));
	const struct source_state *s = wait_health(HEALTH_LIMITED);
	has(s->why, "this machine's clock is 1137d8h behind the server's; requests are signed by the server's");
	assert_int_equal(store_table(w.store, "buckets")->count, 1);
	end();
}

/* ---- downloads */

static char *read_whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *bytes = xmalloc(OBJECT_BYTES * 2);
	assert_non_null(f);
	*n = fread(bytes, 1, OBJECT_BYTES * 2, f);
	fclose(f);
	return bytes;
}

static void download(const char *name, bool ok, const char *said)
{
	char params[300], path[200];
	size_t n;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(params, sizeof(params), "{\"file\":\"%s\"}", path);
	has(ask(REQ_OPEN, "download", "b/p/object", params), said);
	assert_int_equal(w.ok, ok);
	if (!ok)
		return;
	char *bytes = read_whole(path, &n);
	assert_int_equal(n, OBJECT_BYTES);
	assert_memory_equal(bytes, object_bytes, n);
	free(bytes);
}

static void test_downloads(void **state)
{
	begin("", &clock_system);
	download("plain", true, "\"got\":300000");
	download("plain", false, "exists already");
	server.cut_at = 100000;                          /* broken in the middle: it goes on from there */
	download("cut", true, "\"got\":300000");
	has(server.seen, "Range: bytes=");
	assert_null(strstr(server.seen, "bytes=0-"));
	has(server.seen, "If-Match: \"v1\"");
	server.mood = CHANGED;
	download("changed", true, "\"got\":300000");
	server.cut_at = 50000;
	server.mood = NO_RANGES;                         /* the whole comes again: it must not be appended */
	download("noranges", true, "\"got\":300000");
	download("no/such/directory", false, "cannot write");
	end();
}

static void test_documents(void **state)
{
	begin(", preview: 1Ki", &clock_system);
	const char *text = ask(REQ_OPEN, "describe", "b/p/object", "");
	has(text, "url: s3://b/p/object\n");
	has(text, "size: 300000  # 293Ki\n");
	has(text, "metadata:\n  owner: ml\n");
	has(ask(REQ_OPEN, "preview", "b/p/object", ""), "the first 1Ki of 293Ki");
	text = ask(REQ_OPEN, "link", "b/p/object", "{\"expires\":900}");
	has(text, "for 15m");
	has(text, "/b/p/object?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE");
	has(text, "X-Amz-Expires=900");
	has(ask(REQ_OPEN, "describe", "b/gone", ""), "is not there");
	assert_false(w.ok);
	has(ask(REQ_OPEN, "logs", "b/p/object", ""), "has no 'logs'");
	end();
}

/* ---- shapes */

static void shape(const char *name, struct str bytes, bool whole, const char *wanted, const char *note)
{
	struct buf b = { 0 };
	const char *how;
	shape_text(bytes, str_of(name), whole, &b, &how);
	assert_string_equal(b.data ? b.data : "", wanted);
	assert_string_equal(how ? how : "", note);
	buf_release(&b);
}

static void test_shapes(void **state)
{
	shape("a.csv", STR("id,name\r\n1,\"Kr\u00e4h, \"\"B\"\"\"\n22,\n3,cut"), false, "id  name\n1   Kr\u00e4h, \"B\"\n22  \n", "as a table");
	shape("a.tsv", STR("a\tb\n1\t2\n"), true, "a  b\n1  2\n", "as a table");
	shape("a.csv", STR("one column\n"), true, "one column\n", "");
	shape("a.json", STR("{\"b\":[1],\"a\":null}"), true, "{\n  \"b\": [\n    1\n  ],\n  \"a\": null\n}\n", "indented");
	shape("a.json", STR("{\"b\":[1"), false, "{\"b\":[1", "");
	shape("a.yaml", STR("a: 1\n"), true, "a: 1\n", "");
	shape("x", STR("PAR1\0\x01"), true, "000000  50 41 52 31 00 01                                PAR1..\n",
	      "a Parquet file: its columns are not read");
	shape("x", STR("\x1f\x8b broken"), true, "000000  1f 8b 20 62 72 6f 6b 65 6e                       .. broken\n", "gzip");
	assert_string_equal(shape_kind(STR("\0\1\2"), STR("m.onnx")), "an ONNX model");
	assert_string_equal(shape_kind(STR(""), STR("x")), "");
}

static void test_gzip(void **state)
{
	/* gzip of "a,b\n1,2\n" */
	static const char packed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xd4\x49\xe2\x32\xd4\x31\xe2\x02\x00\x7b\x07\x97\x0a\x08\x00\x00\x00";
	char half[sizeof(packed) * 2];
	size_t n = sizeof(packed) - 1;
	shape("a.csv.gz", (struct str){ packed, n }, true, "a  b\n1  2\n", "unpacked from gzip");
	memcpy(half, packed, n);
	memcpy(half + n, packed, n);             /* two members, as tools that append write */
	shape("a.txt.gz", (struct str){ half, 2 * n }, true, "a,b\n1,2\na,b\n1,2\n", "unpacked from gzip");
	shape("a.txt.gz", (struct str){ half, 2 * n - 9 }, false, "a,b\n1,2\na,b\n1,2\n", "unpacked from gzip");
}

/* ---- */

static int start(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	assert_non_null(mkdtemp(dir));
	setenv("T_ID", "AKIAIOSFODNN7EXAMPLE", 1);
	setenv("T_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 1);
	setenv("HOME", dir, 1);
	for (int i = 0; i < OBJECT_BYTES; i++)
		object_bytes[i] = (char)(i * 7 + i / 256);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	listen(server.fd, 16);
	getsockname(server.fd, (struct sockaddr *)&at, &n);
	server.port = ntohs(at.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
	char line[64];
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages), cmocka_unit_test(test_odd_keys), cmocka_unit_test(test_versions_are_paged), cmocka_unit_test(test_words_that_name_a_place),
		cmocka_unit_test(test_buckets_are_paged),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_causes), cmocka_unit_test(test_named_buckets), cmocka_unit_test(test_region_is_followed),
		cmocka_unit_test(test_clock_is_followed), cmocka_unit_test(test_downloads), cmocka_unit_test(test_documents),
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_gzip),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
