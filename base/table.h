/* table: all rows of one kind, from all sources, found by (source, key).
 *
 * A row is one block: header, one 8-byte cell per column, then its own text. Texts of COL_SHARED
 * columns are kept once in the table's pool. A row's id is small, stays the same while the row
 * lives, and is used again later. Rows are replaced, never edited: an observer sees the old and the new
 * row side by side. Memory: 32 + 8 * columns + text bytes a row, and 12 in the index. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H
#include "base/rows.h"

struct sym;  /* a shared text */

union cell {
	int64_t i;
	double f;
	struct { uint32_t at, n; } own;   /* text in the row's own block, `at` from the row's start */
	const struct sym *shared;
};

struct row {
	uint64_t nulls;      /* bit c set: cell c is unknown */
	uint32_t id;
	uint32_t hash;       /* of source and key */
	uint32_t size;       /* bytes of this block */
	uint32_t key_at;     /* the key's bytes, from the row's start */
	uint16_t key_len;
	uint16_t source;     /* index into the store's sources */
	uint16_t gen;        /* of the listing that saw it last */
	uint8_t level;       /* enum level */
	union cell cells[];
};

typedef void (*table_seen_fn)(void *arg, const struct row *old, const struct row *now);

struct table {
	const struct kind *kind;
	struct row **slots;            /* by id; NULL = free */
	uint32_t nslots, count;
	uint64_t version;              /* grows with every change */
	size_t bytes;                  /* of all row blocks */
	struct table_private *priv;
};

struct table *table_new(const struct kind *kind);   /* kind is borrowed and must outlive the table */
void table_free(struct table *t);

/* Apply one message's operations (reader stands after rows_open). False: the bytes are malformed; what
 * came before is applied. `budget_ops` > 0 stops after that many operations: *r stands where to go on. */
bool table_apply(struct table *t, uint16_t source, struct rd *r, unsigned budget_ops);
/* A full listing of this kind from that source: under way, and has one ended before (not as a part of one that is still
 * under way: of namespaces, of all). */
struct table_listing { bool listing, listed; };
struct table_listing table_listing(const struct table *t, uint16_t source);
/* The rows of a source as the body of a message that lists them: a full listing, if one has ever ended. */
void table_write(const struct table *t, uint16_t source, struct buf *body);
void table_drop_source(struct table *t, uint16_t source);      /* all its rows are gone */

const struct row *table_find(const struct table *t, uint16_t source, struct str key);
static inline const struct row *table_row(const struct table *t, uint32_t id)
{
	return id < t->nslots ? t->slots[id] : NULL;
}
/* Watch changes: put (old NULL when new), delete (now NULL). During the call the slot still holds old. */
void table_watch(struct table *t, table_seen_fn fn, void *arg);
void table_unwatch(struct table *t, table_seen_fn fn, void *arg);

static inline struct str row_key(const struct row *r)
{
	return (struct str){ (const char *)r + r->key_at, r->key_len };
}
static inline bool row_null(const struct row *r, int col) { return r->nulls >> col & 1; }
struct str row_text(const struct table *t, const struct row *r, int col);  /* n = 0 when null */
static inline int64_t row_int(const struct row *r, int col) { return row_null(r, col) ? 0 : r->cells[col].i; }
static inline double row_real(const struct row *r, int col) { return row_null(r, col) ? 0 : r->cells[col].f; }
/* By name; for panes and tests, not for loops over all rows. -1 column gives null/0/empty. */
struct str row_text_by(const struct table *t, const struct row *r, const char *col);
/* The value as shown: by type, in `now` (wall ms); "-" when unknown. Raw bytes from outside: the frame
 * makes them printable. */
void row_show(const struct table *t, const struct row *r, int col, int64_t now, struct buf *out);
/* The same for -o table and wide: an unknown value is the column's `none`, or nothing. */
void row_print(const struct table *t, const struct row *r, int col, int64_t now, struct buf *out);
/* Order by one column: unknown last in both directions is the view's business; here null < any. */
int row_cmp(const struct table *t, const struct row *a, const struct row *b, int col);
#endif
