/* storage: buckets, and what is in them, whatever store holds them (S3, one that speaks like it, the demo).
 *
 * A prefix may hold a million objects, so rows of `objects` come by pages, and few pages at a time. A place is named
 * "BUCKET/PREFIX" ("data-raw/2026-11-21/"; a prefix ends with '/' or is empty), or "versions:BUCKET/KEY" for all versions
 * of one object (of a prefix: of what is right below it, deleted objects too). Its rows have it in the column `parent`. A row's key is "BUCKET/KEY", of a prefix with '/' at its end; of a
 * version "versions:BUCKET/KEY" TAB its id.
 *
 *   REQ_WATCH objects, key = the place, params {"paged": true}: the first page of its rows; until cancelled, then they go.
 *       Without "paged": every row below the place, at once, up to the source's limit.
 *   REQ_ASK "page", key = the place, params {"to": "next" | "previous" | "first" | "again", "from": KEY}: the window moves on by
 *       a page; with from it starts at the first key not before KEY. The answer, after the rows: {"before": bool, "after": bool: more is
 *       there; "back": previous leads there; "rows": in the window, "page": number of its first page, "empty": nothing at all}
 *   REQ_OPEN "count", key of a bucket or prefix: what is below it, counted; the row's objects and size grow meanwhile
 *   REQ_OPEN "preview", "describe", "link" (params {"expires": seconds}), key of an object: as text
 *   REQ_OPEN "download", key of an object, params {"file": path}: texts, each one JSON {"got", "of", "rate", "say"} in place
 *       of the one before, the last with TEXT_END; cancelling keeps what came, and the same request goes on from there
 *
 * From other panes: app_run_line(app, STR("storage s3://BUCKET/PREFIX-OR-KEY")) opens the place, or the object's place with
 * the cursor on it. */
#ifndef BASE_STORAGE_H
#define BASE_STORAGE_H
#include "base/rows.h"

extern const struct kind kind_buckets, kind_objects;

#define STORAGE_PAGE 1000            /* rows in a page, at most */
#define STORAGE_PAGES 4              /* pages kept at a time */
#define STORAGE_VERSIONS "versions:"

enum bucket_col { BUCKET_NAME, BUCKET_REGION, BUCKET_SIZE, BUCKET_OBJECTS, BUCKET_AGE, BUCKET_COUNTED, BUCKET_COL_COUNT };
enum object_col {
	OBJECT_NAME, OBJECT_SIZE, OBJECT_OBJECTS, OBJECT_AGE, OBJECT_CLASS, OBJECT_TYPE, OBJECT_VERSION, OBJECT_ETAG,
	OBJECT_PARENT, OBJECT_COUNTED, OBJECT_COL_COUNT
};
/* How far counting has come: nothing, so far, all. */
enum counted { COUNTED_NOT = -1, COUNTED_PART = 0, COUNTED_ALL = 1 };

struct bucket_row { struct str name, region; int64_t created; };    /* empty, 0: unknown */
void bucket_put(struct buf *b, const struct bucket_row *r);

enum object_type { OBJECT_IS_PREFIX, OBJECT_IS_OBJECT, OBJECT_IS_VERSION, OBJECT_IS_MARKER };
struct object_row {
	struct str key, name, parent;    /* row key; what is shown; the place */
	enum object_type type;
	int64_t size, modified;          /* -1, 0: unknown */
	struct str storage_class, etag, version;
	bool latest;                     /* of versions */
};
void object_put(struct buf *b, const struct object_row *r);
/* What counting found so far; kind is "buckets" or "objects". */
void storage_counted(struct buf *b, const char *kind, struct str key, int64_t size, int64_t objects, enum counted how);

/* What a store has of its rows as text: for `opens` of its backend. */
struct backend;
bool storage_opens(const struct backend *b, const char *what, const char *kind);

/* "BUCKET/KEY" at its first '/'. */
struct place { bool versions; struct str bucket, key; };
struct place place_of(struct str text);
/* The last part of a key, with the '/' of a prefix: "a/b/" -> "b/". */
struct str place_name(struct str key);
#endif
