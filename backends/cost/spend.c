/* spend: see spend.h. */
#define _GNU_SOURCE                  /* timegm */
#include "backends/cost/spend.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>

static double of_life(const struct life *l, int64_t from, int64_t to)
{
	int64_t a = l->from > from ? l->from : from, b = l->to && l->to < to ? l->to : to;
	return b > a ? (double)(b - a) / HOUR_MS * l->rate : 0;
}

double spend_between(const struct life *lives, size_t n, int64_t from, int64_t to, unsigned *unknown)
{
	double sum = 0;
	if (unknown)
		*unknown = 0;
	for (size_t i = 0; i < n; i++) {
		if (!isnan(lives[i].rate))
			sum += of_life(&lives[i], from, to);
		else if (unknown && lives[i].from < to && (!lives[i].to || lives[i].to > from))
			++*unknown;
	}
	return sum;
}

void spend_series(const struct life *lives, size_t n, int64_t from, int64_t to, unsigned points, struct buf *out)
{
	double sum = 0;
	int64_t at = from;
	for (unsigned i = 0; i <= points; i++) {
		int64_t next = points ? from + (int64_t)((double)(to - from) * i / points) : to;
		sum += spend_between(lives, n, at, next, NULL);
		buf_addf(out, "%s%.4f", i ? " " : "", sum);
		at = next;
	}
}

/* ---- the calendar */

int64_t day_start(int64_t t)
{
	return t - ((t % DAY_MS) + DAY_MS) % DAY_MS;
}

static int64_t month_of(int64_t t, int plus)
{
	time_t s = (time_t)(day_start(t) / 1000);
	struct tm tm;
	if (!gmtime_r(&s, &tm))
		return t;
	struct tm first = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + plus, .tm_mday = 1 };
	return (int64_t)timegm(&first) * 1000;
}

int64_t month_start(int64_t t)
{
	return month_of(t, 0);
}

int64_t month_end(int64_t t)
{
	return month_of(t, 1);
}

int64_t month_hours(int64_t t)
{
	return (month_end(t) - month_start(t)) / HOUR_MS;
}

struct period period_now(const struct period_rule *r, int64_t now)
{
	if (r->type == PERIOD_DAY)
		return (struct period){ day_start(now), day_start(now) + DAY_MS };
	if (r->type == PERIOD_MONTH)
		return (struct period){ month_start(now), month_end(now) };
	int64_t starts = r->start;
	if (r->daily) {
		starts = day_start(now) + r->start;
		starts -= starts > now ? DAY_MS : 0;
	}
	return (struct period){ starts, starts + (int64_t)(r->hours * HOUR_MS) };
}

/* ---- ahead */

int64_t lasts_until(double left, double rate, int64_t now)
{
	if (!(left > 0) || !(rate > 0) || left / rate > 24.0 * 366 * 100)
		return 0;
	return now + (int64_t)(left / rate * HOUR_MS);
}

struct outlook outlook_of(double amount, double spent, double rate, struct period p, int64_t now)
{
	struct outlook o = { amount - spent, NAN, 0 };
	double ahead = p.ends > now ? (double)(p.ends - (now > p.starts ? now : p.starts)) / HOUR_MS : 0;
	if (!isnan(rate))
		o.forecast = spent + rate * ahead;
	int64_t until = lasts_until(o.left, rate, now > p.starts ? now : p.starts);
	o.runs_out = until && until < p.ends ? until : 0;
	return o;
}

void say_until(int64_t until, int64_t now, struct buf *out)
{
	char text[32];
	struct tm tm;
	time_t s = (time_t)(until / 1000);
	const char *form = until - now < DAY_MS ? "%H:%M" : until - now < 6 * DAY_MS ? "%a %H:%M" : "%d %b";
	if (localtime_r(&s, &tm) && strftime(text, sizeof(text), form, &tm))
		buf_adds(out, text + (text[0] == '0' && form[1] == 'd'));
}
