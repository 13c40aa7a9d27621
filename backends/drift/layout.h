/* layout: which column of which table or query holds what of a check, and the statements made of that. */
#ifndef BACKENDS_DRIFT_LAYOUT_H
#define BACKENDS_DRIFT_LAYOUT_H
#include "base/buf.h"
#include "base/drift.h"

/* X(field, help, names by which a column is recognised, the first best) */
#define LAYOUT_FIELDS(X) \
	X(id, "what tells checks apart", "id", "check_id", "check_uuid", "uuid") \
	X(time, "when the check ran: a timestamp, or seconds or milliseconds since 1970", "timestamp", "checked_at", \
	  "created_at", "time", "ts", "run_at", "date") \
	X(drifted, "whether it found drift: a boolean, or words as drift and ok", "drift_detected", "drifted", \
	  "dataset_drift", "is_drift", "verdict", "result") \
	X(score, "the number it found", "drift_score", "score", "drift_share", "psi", "share_of_drifted_columns", \
	  "p_value", "distance") \
	X(limit, "the number from which on it is drift", "threshold", "drift_threshold", "limit") \
	X(features, "the drifted features: JSON, a Python list, an array, or words between commas", \
	  "features_with_drift", "drifted_features", "drifted_columns", "features", "columns") \
	X(count, "how many features drifted, where they are not named", "number_of_drifted_columns", "drifted_count") \
	X(checked, "how many features were looked at", "number_of_columns", "features_checked", "checked") \
	X(reference, "the batch that it compared with", "reference_batch_id", "reference_batch", "reference") \
	X(current, "the batch that it looked at", "current_batch_id", "current_batch", "batch_id", "batch") \
	X(action, "what was done about it", "action_taken", "action") \
	X(model, "the model or data set that it is about", "model_name", "model", "dataset", "dataset_name")
enum layout_field {
#define X(name, ...) LAYOUT_##name,
	LAYOUT_FIELDS(X)
#undef X
	LAYOUT_FIELD_COUNT
};
extern const char *const layout_names[LAYOUT_FIELD_COUNT];

/* How a column's values become what we need; from its type's name in information_schema or pg_type. */
enum layout_class { CLASS_NONE, CLASS_TIME, CLASS_LOCAL_TIME, CLASS_NUMBER, CLASS_TEXT };
enum layout_class layout_class(struct str type);

struct layout_column { char *name; char *type; };
struct layout {
	char *schema, *table;        /* of a table; query NULL */
	char *query;                 /* or a query */
	struct layout_column columns[LAYOUT_FIELD_COUNT];   /* name NULL: not there */
	enum { CURSOR_NONE, CURSOR_ID, CURSOR_TIME } cursor; /* what tells new rows from old */
};
void layout_release(struct layout *l);
/* Chooses a column for every field that `mapped` (by field; NULL = not said) leaves open, among those that are there.
 * False and why[size] when a mapped one is not there or what remains is no drift history (a time, and a score or a
 * verdict, are needed). */
bool layout_choose(struct layout *l, const struct layout_column *there, unsigned n,
                   const char *const mapped[LAYOUT_FIELD_COUNT], char *why, size_t size);
/* The columns of the answer are the fields in order, then the cursor's exact value. Identifiers are quoted here. */
enum layout_ask {
	LAYOUT_ALL,          /* newest first; $1 limit */
	LAYOUT_NEWER,        /* newest first; $1 limit, $2 cursor value: newer than it, or as new */
};
void layout_sql(const struct layout *l, enum layout_ask ask, struct buf *out);
void quote_identifier(struct buf *out, struct str name);   /* "a""b"; a NUL ends it */

/* One row of the answer as texts (p NULL = null) becomes a check; texts are borrowed. key: room for a made-up key. */
void layout_check(const struct str cells[LAYOUT_FIELD_COUNT], struct buf *key, struct drift_check *c);
/* "t", "yes", "drift" 1; "f", "ok", "clean" 0; else -1. */
int read_verdict(struct str s);
/* "1763692800.25" or NaN, infinity, "" -> 0; seconds, milliseconds or microseconds by size. */
int64_t read_epoch(struct str s);
double read_number(struct str s);    /* NaN when it is none */
#endif
