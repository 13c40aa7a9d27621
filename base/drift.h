/* drift: one check of a batch against its reference, one feature over many checks, and the rows that both become.
 * Shared by every system that knows of drift: a table in PostgreSQL, Evidently's reports, Great Expectations'
 * results, the demo. */
#ifndef BASE_DRIFT_H
#define BASE_DRIFT_H
#include "base/rows.h"

extern const struct kind kind_drift, kind_features;

/* Columns by place, for panes; kinds_drift.c has them in this order. */
enum drift_col {
	DRIFT_MODEL, DRIFT_AGE, DRIFT_RESULT, DRIFT_SCORE, DRIFT_LIMIT, DRIFT_COUNT, DRIFT_ACTION, DRIFT_FEATURES,
	DRIFT_CURRENT, DRIFT_REFERENCE, DRIFT_ID, DRIFT_DRIFTED, DRIFT_CHECKED, DRIFT_POINTS, DRIFT_ROWS, DRIFT_ACKNOWLEDGED,
	DRIFT_COL_COUNT
};
enum feature_col {
	FEATURE_MODEL, FEATURE_NAME, FEATURE_METHOD, FEATURE_VALUE, FEATURE_LIMIT, FEATURE_DRIFTED, FEATURE_NOW,
	FEATURE_FIRST, FEATURE_LAST, FEATURE_HISTORY, FEATURE_POINTS, FEATURE_SCORES, FEATURE_COL_COUNT
};

/* Which way a number is wrong. */
enum points {
	POINTS_ABOVE,        /* a distance, a share, PSI: drift when above the limit */
	POINTS_BELOW,        /* a p value: drift when below it */
};
static inline const char *points_name(enum points p) { return p == POINTS_BELOW ? "below" : "above"; }
/* -1 unknown (either is NaN), else 1 when value is on the wrong side of limit. */
int points_over(enum points p, double value, double limit);

struct drift_check {
	struct str key;              /* unique within the source */
	struct str model, id, features, current, reference, action;   /* empty = unknown */
	int64_t time;                /* wall ms, 0 unknown */
	double score, limit;         /* NaN unknown */
	enum points points;
	int drifted;                 /* 1, 0, -1 not said: then by score and limit, if both are known */
	int64_t count, checked;      /* features drifted, of how many; -1 unknown */
	int64_t rows;                /* of the batch, that were compared; 0 unknown */
};
int drift_of(const struct drift_check *c);      /* 1, 0, -1 as above */
/* Its row; that it is acknowledged is said by an update afterwards. */
void drift_put(struct buf *b, const struct drift_check *c);

struct drift_feature {
	struct str model, name, method;
	double value, limit;         /* of the last check that says; NaN unknown */
	enum points points;
	unsigned drifted, checks;    /* drifted in so many of the checks looked at */
	unsigned row;                /* drifted in the last so many without a break; 0 = not in the last one */
	int64_t first, last;         /* first and last check in which it drifted; 0 = never */
	struct str history;          /* COL_SERIES: the more, the further from the reference */
	bool known;                  /* somebody acknowledged the check that it drifted in last: no colour, no finding */
	struct str scores;           /* "1763692800=0.41 1763696400=0.02!": when (s since 1970) and what, oldest first; ! drifted */
};
/* Its key is "model/name", or the name alone where the model has none. */
void feature_put(struct buf *b, const struct drift_feature *f);
#endif
