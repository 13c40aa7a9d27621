/* lists: answers in XML as rows, element by element. Keys are asked for URL-encoded, for a key may hold bytes that XML may
 * not; what says that it is encoded is decoded. */
#define _GNU_SOURCE
#include "backends/net/xml.h"
#include "backends/s3/s3.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define BUCKETS_MAX 100000

void s3_list_release(struct s3_list *l)
{
	buf_release(&l->keys);
	buf_release(&l->last);
	buf_release(&l->token);
}

struct reading {
	struct s3_list *l;
	bool encoded, is_list;
	/* the entry under way */
	struct buf key, etag, class, version;
	int64_t size, modified;
	bool latest, stop;
	struct buf row_key;
	struct buf marker, version_marker;
};

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static void decode(struct buf *out, struct str s, bool encoded)
{
	buf_clear(out);
	for (size_t i = 0; i < s.n; i++) {
		int a = encoded && s.p[i] == '%' && i + 2 < s.n ? hex(s.p[i + 1]) : -1, b = a < 0 ? -1 : hex(s.p[i + 2]);
		if (b >= 0)
			buf_addc(out, (char)(a << 4 | b)), i += 2;
		else
			buf_addc(out, encoded && s.p[i] == '+' ? ' ' : s.p[i]);
	}
}

static void begin_entry(struct reading *r)
{
	buf_clear(&r->key);
	buf_clear(&r->etag);
	buf_clear(&r->class);
	buf_clear(&r->version);
	r->size = -1;
	r->modified = 0;
	r->latest = false;
}

static void add_row(struct reading *r, enum object_type type)
{
	struct s3_list *l = r->l;
	struct str key = buf_str(&r->key), etag = buf_str(&r->etag), name = key;
	if (etag.n > 1 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"')
		etag.p++, etag.n -= 2;
	struct str above = l->prefix;    /* a prefix may end in the middle of a name */
	while (above.n && above.p[above.n - 1] != '/')
		above.n--;
	if (str_starts(key, above))
		name.p += above.n, name.n -= above.n;
	buf_clear(&r->row_key);
	if (type == OBJECT_IS_VERSION || type == OBJECT_IS_MARKER) {
		name = key;
		buf_addf(&r->row_key, STORAGE_VERSIONS STR_FMT "/", STR_ARG(l->bucket));
		buf_addstr(&r->row_key, key);
		buf_addf(&r->row_key, "\t" STR_FMT, STR_ARG(buf_str(&r->version)));
		name = place_name(key);
	} else {
		buf_addstr(&r->row_key, l->bucket);
		buf_addc(&r->row_key, '/');
		buf_addstr(&r->row_key, key);
	}
	if (!l->rows->len)
		rows_start(l->rows, "objects");
	object_put(l->rows, &(struct object_row){ .key = buf_str(&r->row_key), .name = name, .parent = l->parent, .type = type,
		.size = type == OBJECT_IS_MARKER ? -1 : r->size, .modified = r->modified, .storage_class = buf_str(&r->class), .etag = etag,
		.version = buf_str(&r->version), .latest = r->latest });
	buf_addstr(&l->keys, buf_str(&r->row_key));
	buf_addc(&l->keys, '\0');
	l->n++;
}

static void end_entry(struct reading *r, enum object_type type)
{
	struct s3_list *l = r->l;
	struct str key = buf_str(&r->key);
	bool version = type == OBJECT_IS_VERSION || type == OBJECT_IS_MARKER;
	bool whole_prefix = !l->only.n || l->only.p[l->only.n - 1] == '/';
	r->stop |= version && !whole_prefix && str_cmp(key, l->only) > 0;     /* those of the key itself come first */
	/* the place itself, as some tools make it, is no object in it; and of what was seen nothing comes twice */
	bool skip = !key.n || (l->after.n && str_eq(key, l->after)) || (version && !whole_prefix && !str_eq(key, l->only)) ||
		(l->parent.n && !version && str_eq(key, l->prefix) && key.p[key.n - 1] == '/' && r->size <= 0);
	if (!skip) {
		if (type == OBJECT_IS_OBJECT) {
			l->objects++;
			l->size += r->size > 0 ? r->size : 0;
			l->newest = r->modified > l->newest ? r->modified : l->newest;
		}
		if (l->parent.n)
			add_row(r, type);
	}
	if (key.n && str_cmp(key, buf_str(&l->last)) > 0) {
		buf_clear(&l->last);
		buf_addstr(&l->last, key);
	}
	begin_entry(r);
}

static bool entry_member(struct reading *r, const char *name, struct str text)
{
	if (!strcmp(name, "Key"))
		decode(&r->key, text, r->encoded);
	else if (!strcmp(name, "LastModified"))
		time_parse(text, &r->modified);
	else if (!strcmp(name, "ETag"))
		decode(&r->etag, text, false);
	else if (!strcmp(name, "Size") && str_to_i64(text, &r->size))
		r->size = r->size < 0 ? -1 : r->size;
	else if (!strcmp(name, "StorageClass"))
		decode(&r->class, text, false);
	else if (!strcmp(name, "VersionId"))
		decode(&r->version, text, false);
	else if (!strcmp(name, "IsLatest"))
		r->latest = str_is(text, "true");
	else
		return false;
	return true;
}

static bool on_end(void *arg, const char *path, struct str text)
{
	static const struct { const char *name; enum object_type type; } entries[] = { { "Contents", OBJECT_IS_OBJECT },
		{ "Version", OBJECT_IS_VERSION }, { "DeleteMarker", OBJECT_IS_MARKER } };
	struct reading *r = arg;
	struct s3_list *l = r->l;
	const char *slash = strchr(path, '/');
	if (strncmp(path, "ListBucketResult", 16) && strncmp(path, "ListVersionsResult", 18))
		return true;
	r->is_list = true;
	const char *at = slash ? slash + 1 : "";
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		size_t n = strlen(entries[i].name);
		if (strncmp(at, entries[i].name, n))
			continue;
		if (at[n] == '/')
			entry_member(r, at + n + 1, text);
		else if (!at[n])
			end_entry(r, entries[i].type);
	}
	if (!strcmp(at, "CommonPrefixes/Prefix")) {
		decode(&r->key, text, r->encoded);
		if (!l->versions)
			end_entry(r, OBJECT_IS_PREFIX);
	} else if (!strcmp(at, "IsTruncated")) {
		l->truncated = str_is(text, "true");
	} else if (!strcmp(at, "NextContinuationToken")) {
		decode(&l->token, text, false);
	} else if (!strcmp(at, "NextKeyMarker")) {
		decode(&r->marker, text, r->encoded);
	} else if (!strcmp(at, "NextVersionIdMarker")) {
		decode(&r->version_marker, text, false);
	}
	return true;
}

/* Where the versions go on: an id has no TAB, a key may have one. */
static void versions_token(struct reading *r)
{
	r->l->truncated = r->l->truncated && r->marker.len && !r->stop;
	buf_clear(&r->l->token);
	buf_addf(&r->l->token, STR_FMT "\t" STR_FMT, STR_ARG(buf_str(&r->version_marker)), STR_ARG(buf_str(&r->marker)));
}

bool s3_read_list(struct s3 *s, struct str xml, struct s3_list *l)
{
	struct reading r = { .l = l, .encoded = str_find(xml, STR("<EncodingType>url<"), false) != STR_NONE };
	struct xml *x = xml_new(on_end, &r);
	begin_entry(&r);
	bool ok = xml_feed(x, xml) && xml_finish(x) && r.is_list;
	if (!ok)
		s3_fault(s, HEALTH_DOWN, "check the endpoint: is it S3?", "%s answered a list that cannot be read: %s", s3_where(s),
		         *xml_error(x) ? xml_error(x) : "it is another document");
	if (l->versions)
		versions_token(&r);
	if (!l->truncated)
		buf_clear(&l->token);
	xml_free(x);
	buf_release(&r.key);
	buf_release(&r.etag);
	buf_release(&r.class);
	buf_release(&r.version);
	buf_release(&r.row_key);
	buf_release(&r.marker);
	buf_release(&r.version_marker);
	return ok;
}

static void add_query(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "%s%s=", b->len ? "&" : "", name);
	http_escape(b, value);
}

static bool ask_list(struct s3 *s, uint64_t id, bool yield, struct str query, struct s3_list *l)
{
	struct buf doing = { 0 };
	struct http_reply r = { 0 };
	buf_addf(&doing, "list s3://" STR_FMT "/" STR_FMT, STR_ARG(l->bucket), STR_ARG(l->prefix));
	bool ok = s3_call(s, &(struct s3_ask){ .bucket = l->bucket, .query = query, .doing = doing.data, .id = id, .yield = yield }, &r) &&
		s3_read_list(s, buf_str(&r.body), l);
	http_reply_release(&r);
	buf_release(&doing);
	return ok;
}

bool s3_list_page(struct s3 *s, uint64_t id, bool yield, bool delimiter, struct str token, struct str after, unsigned max,
                  struct s3_list *l)
{
	struct buf q = { 0 };
	char number[16];
	snprintf(number, sizeof(number), "%u", max);
	add_query(&q, "list-type", STR("2"));
	add_query(&q, "encoding-type", STR("url"));
	add_query(&q, "max-keys", str_of(number));
	add_query(&q, "prefix", l->prefix);
	if (delimiter)
		add_query(&q, "delimiter", STR("/"));
	if (token.n)
		add_query(&q, "continuation-token", token);
	else if (after.n)
		add_query(&q, "start-after", after);
	bool ok = ask_list(s, id, yield, buf_str(&q), l);
	buf_release(&q);
	return ok;
}

bool s3_list_versions(struct s3 *s, uint64_t id, struct str token, struct s3_list *l)
{
	struct buf q = { 0 };
	struct str key = token, version = str_split(&key, '\t');
	buf_adds(&q, "versions=");
	add_query(&q, "encoding-type", STR("url"));
	add_query(&q, "max-keys", STR("1000"));
	add_query(&q, "prefix", l->only);
	if (!l->only.n || l->only.p[l->only.n - 1] == '/')
		add_query(&q, "delimiter", STR("/"));
	if (key.n)
		add_query(&q, "key-marker", key);
	if (version.n)                   /* without it: after all versions of the key */
		add_query(&q, "version-id-marker", version);
	l->prefix = l->only;
	l->versions = true;
	bool ok = ask_list(s, id, false, buf_str(&q), l);
	buf_release(&q);
	return ok;
}

/* ---- buckets */

struct buckets { struct buf *rows; struct buf name, region, token; int64_t created; unsigned n; bool is; };

static bool on_bucket(void *arg, const char *path, struct str text)
{
	struct buckets *b = arg;
	const char *at = strchr(path, '/');
	b->is |= !strncmp(path, "ListAllMyBucketsResult", 22);
	if (!b->is || !at)
		return true;
	if (!strcmp(at, "/Buckets/Bucket/Name")) {
		decode(&b->name, text, false);
	} else if (!strcmp(at, "/Buckets/Bucket/CreationDate")) {
		time_parse(text, &b->created);
	} else if (!strcmp(at, "/Buckets/Bucket/BucketRegion")) {
		decode(&b->region, text, false);
	} else if (!strcmp(at, "/ContinuationToken")) {
		decode(&b->token, text, false);
	} else if (!strcmp(at, "/Buckets/Bucket") && b->name.len) {
		bucket_put(b->rows, &(struct bucket_row){ buf_str(&b->name), buf_str(&b->region), b->created });
		b->n++;
		buf_clear(&b->name);
		buf_clear(&b->region);
		b->created = 0;
	}
	return true;
}

static bool buckets_page(struct s3 *s, uint64_t id, struct str token, struct buckets *b)
{
	struct buf q = { 0 };
	struct http_reply r = { 0 };
	struct xml *x = xml_new(on_bucket, b);
	add_query(&q, "max-buckets", STR("1000"));       /* AWS tells the regions too when it is asked so */
	if (token.n)
		add_query(&q, "continuation-token", token);
	bool ok = s3_call(s, &(struct s3_ask){ .query = buf_str(&q), .doing = "list the buckets", .id = id }, &r);
	b->is = false;
	buf_clear(&b->token);
	if (ok && !(xml_feed(x, buf_str(&r.body)) && xml_finish(x) && b->is)) {
		s3_fault(s, HEALTH_DOWN, "check the endpoint: is it S3?", "%s does not speak S3: it answered %s", s3_where(s),
		         *r.type ? r.type : "something else");
		ok = false;
	}
	xml_free(x);
	http_reply_release(&r);
	buf_release(&q);
	return ok;
}

/* Page by page; a store that knows no pages sends them all at once. A page that leads to itself is the last. */
bool s3_list_buckets(struct s3 *s, uint64_t id, struct buf *rows, unsigned *n)
{
	struct buckets b = { .rows = rows };
	struct buf token = { 0 };
	bool ok;
	do {
		buf_clear(&token);
		buf_addstr(&token, buf_str(&b.token));
		ok = buckets_page(s, id, buf_str(&token), &b);
	} while (ok && b.token.len && b.n < BUCKETS_MAX && !str_eq(buf_str(&token), buf_str(&b.token)));
	*n = b.n;
	buf_release(&token);
	buf_release(&b.name);
	buf_release(&b.region);
	buf_release(&b.token);
	return ok;
}
