/* kinds_storage: buckets and objects. Nothing here is well or ill: sizes and counts are unknown until somebody has them
 * counted, and a count that is under way is shown as "at least", by a '+'. */
#include "base/storage.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/table.h"
#include <ctype.h>

static void add_plus(const struct row *r, int counted, struct buf *out)
{
	if (!row_null(r, counted) && row_int(r, counted) == COUNTED_PART)
		buf_addc(out, '+');
}

static void show_bytes(const struct row *r, int col, int counted, struct buf *out)
{
	if (row_null(r, col))
		return;
	fmt_bytes(row_int(r, col), out);
	add_plus(r, counted, out);
}

static void show_objects(const struct row *r, int col, int counted, struct buf *out)
{
	if (row_null(r, col))
		return;
	fmt_thousands(row_int(r, col), out);
	add_plus(r, counted, out);
}

static void show_bucket_size(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_bytes(r, BUCKET_SIZE, BUCKET_COUNTED, out);
}

static void show_bucket_objects(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_objects(r, BUCKET_OBJECTS, BUCKET_COUNTED, out);
}

static void show_object_size(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_bytes(r, OBJECT_SIZE, OBJECT_COUNTED, out);
}

static void show_object_objects(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_objects(r, OBJECT_OBJECTS, OBJECT_COUNTED, out);
}

static const char *const bucket_aliases[] = { "bk", NULL };
static const struct column bucket_cols[BUCKET_COL_COUNT] = {
	[BUCKET_NAME] = { "name", "NAME", COL_TEXT, 0, 0, 30 },
	[BUCKET_REGION] = { "region", "REGION", COL_TEXT, COL_SHARED, 3, 12 },
	[BUCKET_SIZE] = { "size", "SIZE", COL_BYTES, 0, 1, 9, .show = show_bucket_size },
	[BUCKET_OBJECTS] = { "objects", "OBJECTS", COL_COUNT, 0, 2, 10, .show = show_bucket_objects },
	[BUCKET_AGE] = { "age", "AGE", COL_TIME, 0, 0, 6 },
	[BUCKET_COUNTED] = { "counted", "COUNTED", COL_BOOL, COL_HIDDEN, 9 },
};
const struct kind kind_buckets = {
	.name = "buckets", .singular = "bucket", .aliases = bucket_aliases, .help = "buckets of object stores",
	.cols = bucket_cols, .ncols = BUCKET_COL_COUNT, .group = "storage", .from = "s3",
};

/* "s3://b", "b/p/", "versions:b/p/key"; no term of a filter, which has an operator before its '/'. */
static bool object_place(struct str word, struct buf *scope)
{
	bool link = str_starts(word, STR("s3://"));
	if (link)
		word.p += 5, word.n -= 5;
	struct place p = place_of(word);
	for (size_t i = 0; i < p.bucket.n; i++)
		if (!isalnum((unsigned char)p.bucket.p[i]) && !strchr(".-_", p.bucket.p[i]))
			return false;
	if (!p.bucket.n || (!link && str_find(word, STR("/"), false) == STR_NONE))
		return false;
	buf_addf(scope, "%s" STR_FMT "/" STR_FMT, p.versions ? STORAGE_VERSIONS : "", STR_ARG(p.bucket), STR_ARG(p.key));
	return true;
}

static const char *const object_aliases[] = { "obj", NULL };
static const struct column object_cols[OBJECT_COL_COUNT] = {
	[OBJECT_NAME] = { "name", "NAME", COL_TEXT, 0, 0, 40 },
	[OBJECT_SIZE] = { "size", "SIZE", COL_BYTES, 0, 0, 9, .show = show_object_size },
	[OBJECT_OBJECTS] = { "objects", "OBJECTS", COL_COUNT, 0, 2, 10, .show = show_object_objects },
	[OBJECT_AGE] = { "age", "AGE", COL_TIME, 0, 1, 6 },
	[OBJECT_CLASS] = { "class", "CLASS", COL_TEXT, COL_SHARED | COL_OURS, 4, 10 },
	[OBJECT_TYPE] = { "type", "TYPE", COL_TEXT, COL_SHARED, 5, 8 },
	[OBJECT_VERSION] = { "version", "VERSION", COL_TEXT, COL_OURS, 3, 24 },
	[OBJECT_ETAG] = { "etag", "ETAG", COL_TEXT, COL_HIDDEN, 6, 34 },
	[OBJECT_PARENT] = { "parent", "PARENT", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[OBJECT_COUNTED] = { "counted", "COUNTED", COL_BOOL, COL_HIDDEN, 9 },
};
const struct kind kind_objects = {
	.name = "objects", .singular = "object", .aliases = object_aliases, .help = "what is in a bucket, below a prefix",
	.cols = object_cols, .ncols = OBJECT_COL_COUNT, .group = "storage", .from = "s3", .place = object_place,
};

void bucket_put(struct buf *b, const struct bucket_row *r)
{
	rows_put(b, r->name, LEVEL_NONE);
	cell_text(b, r->name);
	cell_text_or_null(b, r->region);
	cell_keep(b);
	cell_keep(b);
	cell_time(b, r->created);
	cell_keep(b);
}

static const char *type_name(const struct object_row *r)
{
	switch (r->type) {
	case OBJECT_IS_PREFIX: return "prefix";
	case OBJECT_IS_VERSION: return r->latest ? "latest" : "version";
	case OBJECT_IS_MARKER: return "deleted";
	default: return "object";
	}
}

void object_put(struct buf *b, const struct object_row *r)
{
	bool prefix = r->type == OBJECT_IS_PREFIX;
	rows_put(b, r->key, r->type == OBJECT_IS_MARKER ? LEVEL_DONE : LEVEL_NONE);
	cell_text(b, r->name);
	if (prefix)
		cell_keep(b);
	else
		r->size >= 0 ? cell_int(b, r->size) : cell_null(b);
	prefix ? cell_keep(b) : cell_null(b);
	cell_time(b, r->modified);
	/* the usual class says nothing */
	str_is(r->storage_class, "STANDARD") ? cell_null(b) : cell_text_or_null(b, r->storage_class);
	cell_text(b, str_of(type_name(r)));
	cell_text_or_null(b, r->version);
	cell_text_or_null(b, r->etag);
	cell_text(b, r->parent);
	prefix ? cell_keep(b) : cell_null(b);
}

void storage_counted(struct buf *b, const char *kind, struct str key, int64_t size, int64_t objects, enum counted how)
{
	bool bucket = !strcmp(kind, "buckets");
	int ncols = bucket ? (int)BUCKET_COL_COUNT : (int)OBJECT_COL_COUNT;
	rows_update(b, key, LEVEL_KEEP);
	for (int c = 0; c < ncols; c++) {
		if (c == (bucket ? (int)BUCKET_SIZE : (int)OBJECT_SIZE))
			cell_int(b, size);
		else if (c == (bucket ? (int)BUCKET_OBJECTS : (int)OBJECT_OBJECTS))
			cell_int(b, objects);
		else if (c == (bucket ? (int)BUCKET_COUNTED : (int)OBJECT_COUNTED))
			how == COUNTED_NOT ? cell_null(b) : cell_int(b, how);
		else
			cell_keep(b);
	}
}

bool storage_opens(const struct backend *b, const char *what, const char *kind)
{
	static const char *const known[] = { "describe", "yaml", "preview", "link", "download" };
	size_t n = !strcmp(kind, "objects") ? ARRAY_SIZE(known) : !strcmp(kind, "buckets") ? 2 : 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(what, known[i]))
			return true;
	return false;
}

struct place place_of(struct str text)
{
	struct place p = { 0 };
	if (str_starts(text, STR(STORAGE_VERSIONS))) {
		size_t n = sizeof(STORAGE_VERSIONS) - 1;
		p.versions = true;
		text.p += n, text.n -= n;
	}
	p.key = text;
	p.bucket = str_split(&p.key, '/');
	if (!p.key.p)
		p.key = STR("");
	return p;
}

struct str place_name(struct str key)
{
	size_t at = key.n ? key.n - 1 : 0;
	while (at > 0 && key.p[at - 1] != '/')
		at--;
	return (struct str){ key.p + at, key.n - at };
}
