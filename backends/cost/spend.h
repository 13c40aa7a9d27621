/* spend: the arithmetic of money over time; pure. Times are wall ms in UTC, where no hour is lost or told twice; rates are
 * dollars an hour; NaN is unknown and stays out of sums, counted. */
#ifndef COST_SPEND_H
#define COST_SPEND_H
#include "base/buf.h"

#define HOUR_MS 3600000ll
#define DAY_MS (24 * HOUR_MS)

/* Something paid for by the hour from `from` until `to` (0: it is still there). */
struct life { int64_t from, to; double rate; };

/* Dollars between two moments. Lives without a rate that fall into it are counted in *unknown (may be NULL). */
double spend_between(const struct life *lives, size_t n, int64_t from, int64_t to, unsigned *unknown);
/* The same at `points` equal steps, as COL_SERIES; out[points] counts from `from` at 0 to `to`. */
void spend_series(const struct life *lives, size_t n, int64_t from, int64_t to, unsigned points, struct buf *out);

int64_t day_start(int64_t t);
int64_t month_start(int64_t t);
int64_t month_end(int64_t t);            /* start of the next one */
int64_t month_hours(int64_t t);          /* 672 to 744 */

/* A period of a budget. Sessions: `hours` long, from a fixed moment; or, with `daily`, from so many ms after each
 * midnight (the newest such start that is not ahead). */
enum period_type { PERIOD_DAY, PERIOD_MONTH, PERIOD_SESSION };
struct period_rule { enum period_type type; double hours; bool daily; int64_t start; };
struct period { int64_t starts, ends; };
struct period period_now(const struct period_rule *r, int64_t now);

/* How a budget goes on at a rate. */
struct outlook {
	double left, forecast;               /* forecast: spent when it ends, at this rate */
	int64_t runs_out;                    /* 0: not before it ends, or not known */
};
struct outlook outlook_of(double amount, double spent, double rate, struct period p, int64_t now);
/* When `left` is gone at `rate`; 0: never, gone already, or unknown. */
int64_t lasts_until(double left, double rate, int64_t now);

/* "until Fri 09:30", "until 05:50" within a day, "until 5 Dec" later: for sentences; local time. */
void say_until(int64_t until, int64_t now, struct buf *out);
#endif
