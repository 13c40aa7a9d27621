/* rows: the body of a `rows` message. One kind, one source, any number of operations:
 *
 *   kind    (only for kinds made at run time) the columns; before the first row of that kind
 *   begin P a full listing of the keys that start with P starts (P may be empty: all)
 *   end P   it is complete: rows under P that were not put since begin are gone
 *   put     a row: key, level, one cell per column in order; a cell may say "keep what you have"
 *   update  the same, but only if the row is there (metrics polled apart from the listing)
 *   del     a key is gone
 *
 * The bytes are also what --record writes and what external plugins speak. */
#ifndef BASE_ROWS_H
#define BASE_ROWS_H
#include "base/kind.h"

/* Severity of a row. Colour follows it and nothing else. */
enum level {
	LEVEL_NONE,    /* nothing to say */
	LEVEL_OK,
	LEVEL_DONE,    /* over and well, or off on purpose: drawn dim */
	LEVEL_BUSY,    /* on its way: pending, terminating within its grace */
	LEVEL_DOUBT,   /* △ */
	LEVEL_BAD,     /* ▲ */
	LEVEL_KEEP = 15,
};

enum rows_op { ROWS_KIND = 'k', ROWS_BEGIN = 'b', ROWS_END = 'e', ROWS_PUT = 'p', ROWS_UPDATE = 'u',
               ROWS_DEL = 'd' };

/* ---- writing (backends). The buf is the message body; rows_start must come first. */
void rows_start(struct buf *b, const char *kind);
void rows_kind(struct buf *b, const struct kind *k);
void rows_begin(struct buf *b, struct str prefix);
void rows_end(struct buf *b, struct str prefix);
void rows_del(struct buf *b, struct str key);
/* A row: rows_put (or rows_update; LEVEL_KEEP leaves the level), then exactly kind->ncols of the cell functions, in column order. */
void rows_put(struct buf *b, struct str key, enum level level);
void rows_update(struct buf *b, struct str key, enum level level);
void cell_keep(struct buf *b);                     /* the table's old value; null in a new row */
void cell_null(struct buf *b);
void cell_text(struct buf *b, struct str s);       /* text types */
void cell_int(struct buf *b, int64_t v);           /* count, bool, bytes, milli, pair, time, duration */
void cell_real(struct buf *b, double v);           /* real, ratio, money; NaN becomes null */
/* Shorthand: empty text and time 0 are null (unknown). */
static inline void cell_text_or_null(struct buf *b, struct str s) { s.n ? cell_text(b, s) : cell_null(b); }
static inline void cell_time(struct buf *b, int64_t ms) { ms ? cell_int(b, ms) : cell_null(b); }

/* ---- reading (store, record, plugins) */
struct rows_cell { enum { CELL_NULL, CELL_TEXT, CELL_INT, CELL_REAL, CELL_KEEP } is; struct str text; int64_t i; double f; };
struct str rows_open(struct rd *r, struct str body);       /* the kind's name; r->bad when malformed */
bool rows_next(struct rd *r, enum rows_op *op);            /* false at the end or when bad */
/* then, by op: KIND rd_string; BEGIN, END, DEL rd_string; PUT, UPDATE rd_string (key), rd_byte (level), cells: */
struct rows_cell rows_cell(struct rd *r);
/* The same operations on rows of another shape: put writes the cells of each from its ncols ones. False: body is malformed; what came
 * before is in out. */
typedef void (*rows_cells_fn)(void *arg, const struct rows_cell *cells, struct buf *out);
bool rows_reshape(struct str body, const char *kind, unsigned ncols, rows_cells_fn put, void *arg, struct buf *out);
#endif
