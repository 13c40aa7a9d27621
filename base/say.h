/* say: a row as a sentence, by a template with the names of columns in it:
 *
 *   "{name}: {status}[, ready {ready}]"      what stands in [] is left out when a column in it is unknown
 *   "{name}: {error}|{name} failed"          the first of several whose columns outside of [] are all known
 *
 * Values come out as lists show them, on one line. A column that the kind does not have is unknown. */
#ifndef BASE_SAY_H
#define BASE_SAY_H
#include "base/table.h"

/* False, and nothing appended, when no alternative fits. */
bool row_say(const struct table *t, const struct row *r, const char *how, int64_t now, struct buf *out);
/* Every {column} is one of the kind's; else out gets the first that is not. For checking tables and settings. */
bool say_fits(const struct kind *k, const char *how, struct buf *unknown);
/* The column of that name as a time, wall ms; 0 unknown. */
int64_t row_time_by(const struct table *t, const struct row *r, const char *col);
#endif
