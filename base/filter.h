/* filter: what the user types after `/` (and `get KIND [filter]`).
 *
 *   terms are separated by blanks and must all hold; "quotes" keep blanks; \ escapes
 *   text            in any shown text column, case folded         a|b        either
 *   /regex/         in any text column (extended, case folded)    !term      not
 *   ~fuzzy          letters in this order in the name             -l a=b,c!=d,e,!f   labels, as kubectl
 *   col=x  col!=x  col~x (contains)  col>5  col>=5  col<5  col<=5
 *     numbers take units: 500Mi, 3.5k, 120m; times and durations: 90s 5m 2h 3d; `age` is any kind's
 *     creation time; text = is case folded and takes * as a wildcard
 *
 * A filter is parsed for one kind and is immutable. */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H
#include "base/table.h"

struct filter;

struct filter_error {
	size_t at;            /* byte offset in the text where it went wrong */
	char what[160];       /* "no column 'statsu' in pods; did you mean 'status'?" */
};

/* NULL and *err filled when the text is wrong. Empty or blank text gives a filter that takes all. */
struct filter *filter_parse(const char *text, const struct kind *kind, struct filter_error *err);
void filter_free(struct filter *f);
/* Clock times in it ("time>17:45", "time>=\"2026-11-21 17:45\"") are the last such before now (wall ms): call it once, after parsing. */
void filter_at(struct filter *f, int64_t now);
bool filter_match(const struct filter *f, const struct table *t, const struct row *r, int64_t now);
bool filter_has_time(const struct filter *f);     /* depends on now */
bool filter_takes_all(const struct filter *f);
#endif
