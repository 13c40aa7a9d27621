/* window: a stretch of a zone's time in which something shall rest (a freeze), as people write it:
 *
 *   Fri 16:00 - Mon 08:00          every week; across Sunday too
 *   Sat - Sun                      whole days, the last one included;  Sat: that day alone
 *   22:00 - 06:00                  every day
 *   Tue 18:00 - 20:00              every week, the same day (the next where the end comes first)
 *   2026-12-20 - 2027-01-03        once, the last day included;  2026-12-24 12:00 - 18:00
 *
 * What counts is what the clock on the wall says: where it is put back, an hour that comes twice is inside twice. */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H
#include "base/zone.h"

struct window {
	enum window_type { WINDOW_DAILY, WINDOW_WEEKLY, WINDOW_ONCE } type;
	int64_t from, to;        /* minutes of the day, of the week (from Sunday); once: year month day hour minute as one number */
};
/* False: *why (borrowed, constant) says what is wrong. */
bool window_parse(struct str s, struct window *w, const char **why);
/* Whether wall_ms is inside by that zone's clocks; *ends (may be NULL): when it will be over, wall ms, to the minute. */
bool window_inside(const struct window *w, const struct zone *z, int64_t wall_ms, int64_t *ends);
#endif
