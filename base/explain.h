/* explain: in which space contributions to a prediction live. A model trained on log1p(price) explains log1p(price): its
 * numbers are no dollars. Which link it is shows by base + sum of contributions = link(prediction); nothing else tells. */
#ifndef BASE_EXPLAIN_H
#define BASE_EXPLAIN_H
#include "base/buf.h"

enum space {
	SPACE_SAME,          /* the prediction's own */
	SPACE_LOG, SPACE_LOG1P, SPACE_LOG10, SPACE_LOGIT, SPACE_SQRT,
	SPACE_UNKNOWN,       /* base or prediction is not known, or nothing fits */
};
const char *space_name(enum space s);                 /* "log1p" */
double space_of(enum space s, double prediction);     /* the link; NaN outside its domain */
double space_back(enum space s, double v);            /* its inverse */
/* The space in which base + sum is the prediction, within half a percent; the nearest of several. *off: how far
 * space_back(base + sum) is from the prediction, as a share of it. */
enum space space_find(double base, double sum, double prediction, double *off);
/* What one contribution means: "x1.06" of the price, of the odds; nothing appended where it is the plain number. */
void space_effect(enum space s, double by, struct buf *out);
#endif
