/* kind: what rows are made of. A kind is a constant table of columns; lists, sorting, filters,
 * export, the record file and plugins are written once, on kinds.
 *
 * Some kinds are made while running (custom resources, mapped tables): the same struct, built by
 * kind_parse() from a `rows` message and owned by the store. */
#ifndef BASE_KIND_H
#define BASE_KIND_H
#include "base/buf.h"

struct row;
struct table;

enum col_type {
	COL_TEXT,      /* UTF-8 text from outside */
	COL_STATUS,    /* text whose severity is the row's level */
	COL_LABELS,    /* text "a=b,c=d", sorted by name; what `-l` looks at */
	COL_REF,       /* text: key of a row of kind `ref` from the same source */
	COL_COUNT,     /* whole number */
	COL_BOOL,      /* 0 or 1, shown as true/false */
	COL_BYTES,     /* bytes, shown in Ki, Mi, Gi */
	COL_MILLI,     /* thousandths, as Kubernetes counts CPU: 120m, 3.8 */
	COL_PAIR,      /* "1/2": PAIR(1, 2); sorts by share, then by total */
	COL_TIME,      /* ms since 1970, shown as age */
	COL_DURATION,  /* ms, shown as 1m40s */
	COL_REAL,      /* number with a fraction (drift score, metric); NaN is unknown */
	COL_RATIO,     /* real, 0.18 shown as 18 % */
	COL_MONEY,     /* real, US dollars */
	COL_SERIES,    /* text "1 2.5 - 3": recent values, oldest first, shown as a sparkline */
	COL_TYPE_COUNT
};

#define PAIR(n, d) ((int64_t)(((uint64_t)(uint32_t)(n) << 32) | (uint32_t)(d)))
#define PAIR_NUM(v) ((int32_t)((uint64_t)(v) >> 32))
#define PAIR_DEN(v) ((int32_t)(uint32_t)(v))

enum col_flag {
	COL_SHARED = 1,   /* few distinct texts (namespace, node): kept once for all rows */
	COL_WIDE = 2,     /* kubectl prints it only with -o wide; on screen where there is room */
	COL_HIDDEN = 4,   /* shown only when asked for by name; always in json, csv, yaml */
	COL_OURS = 8,     /* not one of kubectl's columns: on screen and in json, not in -o table/wide */
	COL_RIGHT = 16,   /* right-aligned; numbers, times and durations are so anyway */
	COL_SPAN = 64,    /* COL_SERIES: drawn from its least value up, not from zero: how it moves matters */
	COL_PLAIN_GET = 32, /* only in -o table/wide (kubectl's form of something we show otherwise) */
};

struct column {
	const char *name;     /* "restarts": typed in filters, config and the prompt; json's field name */
	const char *title;    /* "RESTARTS" */
	enum col_type type;
	uint8_t flags;
	uint8_t priority;     /* on a narrow screen the highest numbers go first; 0 stays */
	uint8_t width;        /* usual width in cells, 0 = by content; never a limit for get */
	const char *ref;      /* COL_REF: the kind it refers to */
	const char *unit;     /* shown in the heading, may be NULL */
	/* kubectl's word for an unknown value, "<none>": printed by -o table and wide (NULL = nothing);
	 * on screen unknown is always "-". */
	const char *none;
	/* What is shown where it is not the plain value, e.g. "4 (12s ago)"; NULL = by type. Called for
	 * unknown values too; appending nothing leaves them unknown.
	 * Appends to out. now is wall ms. Sorting and filters still use the value itself. */
	void (*show)(const struct table *t, const struct row *r, int64_t now, struct buf *out);
	/* Of a real column: its value from the row's other cells, taken whenever one of them came; NaN leaves what is there. */
	double (*derive)(const struct row *r);
};

#define KIND_MAX_COLS 64

struct kind {
	const char *name;         /* "pods": plural, as in Kubernetes' paths or the field's own word */
	const char *singular;     /* "pod" */
	const char *const *aliases; /* "po"; NULL-terminated, may be NULL */
	const char *help;         /* one line */
	const struct column *cols;
	uint8_t ncols;
	bool namespaced;          /* first column is the namespace */
	const char *group;        /* API group or system word, only for help; may be NULL */
	const char *from;         /* types of source that have such rows, for whoever configured none: "airflow"; NULL = not said */
	/* Whether a word names a place whose rows can be asked for ("s3://b/p/"): then what requests call it is added to scope; keys
	 * of the place's rows begin with it. NULL: rows are not asked for by place. */
	bool (*place)(struct str word, struct buf *scope);
};

/* Index of the column named `name` (exact, else unique prefix if `loose`), or -1. */
int kind_col(const struct kind *k, struct str name, bool loose);
bool kind_answers_to(const struct kind *k, struct str name);  /* name, singular or alias */
static inline bool col_is_text(const struct column *c)
{
	return c->type <= COL_REF || c->type == COL_SERIES;
}
static inline bool col_is_real(const struct column *c)
{
	return c->type == COL_REAL || c->type == COL_RATIO || c->type == COL_MONEY;
}
bool col_is_right(const struct column *c);

/* A run-time kind to and from bytes (columns without show). kind_parse gives NULL when the bytes are
 * not a kind; the kind it gives is one allocation, freed by kind_free. */
void kind_write(const struct kind *k, struct buf *out);
struct kind *kind_parse(struct str bytes);
void kind_free(struct kind *k);
#endif
