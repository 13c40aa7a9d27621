/* ranges: where the values of a feature lay in the data that a model was trained on or is compared with, and where they lie now: rows
 * of kind `ranges`, one for each feature of a model. Whoever knows a histogram or quantiles gives them as pieces. */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H
#include "base/rows.h"

extern const struct kind kind_ranges;
enum range_col {
	RANGE_MODEL, RANGE_NAME, RANGE_LOW, RANGE_MEDIAN, RANGE_HIGH, RANGE_SHAPE, RANGE_NOW, RANGE_OUTSIDE, RANGE_AGE, RANGE_FROM,
	RANGE_COL_COUNT
};

/* `mass` of all values lie evenly in from..to, or at one point where both are the same. */
struct range_piece { double from, to, mass; };
struct range_pieces { struct range_piece *list; unsigned n, cap; double mass; };
/* Takes no notice of what is no number or has no mass, and of more than RANGE_PIECES. */
#define RANGE_PIECES 2000
void range_add(struct range_pieces *p, double from, double to, double mass);
void range_release(struct range_pieces *p);
double range_below(const struct range_pieces *p, double x);      /* share of the mass at or below x; NaN: there is none */
double range_quantile(const struct range_pieces *p, double q);   /* the x with range_below(x) = q; NaN: there is none */

struct feature_range {
	struct str model, name, from;        /* from: "table public.training"; empty = unknown */
	int64_t time;                        /* of what says so, wall ms; 0 unknown */
	struct range_pieces reference, now;  /* now may be empty */
};
/* Its key is "model/name", or the name alone. Low and high are the 1st and 99th percentile of the reference. */
void range_put(struct buf *b, const struct feature_range *r);
#endif
