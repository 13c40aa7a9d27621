/* window: see window.h. Clocks of a place are UTC and what the zone adds to it then; summer time is the zone's business. */
#define _GNU_SOURCE
#include "base/window.h"
#include "base/mem.h"
#include <stdio.h>
#include <strings.h>
#include <time.h>

enum { DAY = 24 * 60, WEEK = 7 * DAY };

/* One end: what of it was said. */
struct point { int day, date, minute; };       /* -1: not said; date: yyyymmdd */

static int day_of(struct str s)
{
	static const char *const days[] = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" };
	for (int i = 0; i < 7 && s.n >= 2; i++)
		if (s.n <= strlen(days[i]) && strncasecmp(s.p, days[i], s.n) == 0)
			return i;
	return -1;
}

/* Digits only, of exactly that many; -1: not so. */
static int digits(struct str s, size_t from, size_t n)
{
	int v = 0;
	for (size_t i = from; i < from + n; i++) {
		if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + s.p[i] - '0';
	}
	return v;
}

static int minute_of(struct str s)
{
	size_t colon = s.n == 5 ? 2 : s.n == 4 ? 1 : 0;
	int h = colon ? digits(s, 0, colon) : -1, m = colon ? digits(s, colon + 1, 2) : -1;
	if (h < 0 || m < 0 || s.p[colon] != ':' || m > 59 || h * 60 + m > DAY)
		return -1;
	return h * 60 + m;
}

static int date_of(struct str s)
{
	int y = digits(s, 0, 4), m = digits(s, 5, 2), d = digits(s, 8, 2);
	struct tm tm = { .tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d, .tm_hour = 12 };
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || y < 1970 || m < 1 || d < 1)
		return -1;
	return timegm(&tm) != -1 && tm.tm_mday == d && tm.tm_mon == m - 1 ? y * 10000 + m * 100 + d : -1;
}

static bool point_parse(struct str s, struct point *p)
{
	*p = (struct point){ -1, -1, -1 };
	for (struct str rest = str_trim(s); rest.p && rest.n; rest = str_trim(rest)) {
		struct str word = str_split(&rest, ' ');
		int *to = &p->day, v = day_of(word);
		if (v < 0) {
			to = &p->date;
			v = date_of(word);
		}
		if (v < 0) {
			to = &p->minute;
			v = minute_of(word);
		}
		if (v < 0 || *to >= 0)
			return false;
		*to = v;
	}
	return p->day >= 0 || p->date >= 0 || p->minute >= 0;
}

static int64_t once(int date, int minute)
{
	return (int64_t)date * 10000 + minute / 60 * 100 + minute % 60;
}

static int next_date(int date)
{
	struct tm tm = { .tm_year = date / 10000 - 1900, .tm_mon = date / 100 % 100 - 1, .tm_mday = date % 100 + 1, .tm_hour = 12 };
	timegm(&tm);
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

/* The two ends around " - ", or around the one "-" of "Sat-Sun"; without one, both are the whole text. */
static void cut(struct str s, struct str *from, struct str *to)
{
	size_t at = str_find(s, STR(" - "), false), skip = 3;
	if (at == STR_NONE && date_of((struct str){ s.p, s.n < 10 ? s.n : 10 }) < 0) {
		at = str_find(s, STR("-"), false);
		skip = 1;
	}
	*from = at == STR_NONE ? s : (struct str){ s.p, at };
	*to = at == STR_NONE ? s : (struct str){ s.p + at + skip, s.n - at - skip };
}

bool window_parse(struct str s, struct window *w, const char **why)
{
	struct str first, last;
	struct point a, b;
	s = str_trim(s);
	cut(s, &first, &last);
	*why = "a window is e.g. 'Fri 16:00 - Mon 08:00', 'Sat - Sun', '22:00 - 06:00' or '2026-12-20 - 2027-01-03'";
	if (!point_parse(first, &a) || !point_parse(last, &b) || (a.day >= 0 && a.date >= 0) || (b.day >= 0 && b.date >= 0) ||
	    (a.minute >= 0 && first.p == last.p))
		return false;
	bool later = a.minute >= 0 && b.minute >= 0 && b.minute <= a.minute;     /* an end with a time alone: the next day */
	if (b.day < 0 && b.date < 0 && a.day >= 0)
		b.day = (a.day + later) % 7;
	if (b.day < 0 && b.date < 0 && a.date >= 0)
		b.date = later ? next_date(a.date) : a.date;
	if ((a.day >= 0) != (b.day >= 0) || (a.date >= 0) != (b.date >= 0))
		return false;
	w->type = a.date >= 0 ? WINDOW_ONCE : a.day >= 0 ? WINDOW_WEEKLY : WINDOW_DAILY;
	int from = a.minute < 0 ? 0 : a.minute, to = b.minute < 0 ? DAY : b.minute;
	if (w->type == WINDOW_ONCE)
		w->from = once(a.date, from), w->to = once(b.date, to);
	else if (w->type == WINDOW_WEEKLY)
		w->from = (a.day * DAY + from) % WEEK, w->to = (b.day * DAY + to) % WEEK;
	else
		w->from = from % DAY, w->to = to % DAY;
	*why = "this window has no length, or ends before it begins";
	if (w->type == WINDOW_ONCE)
		return w->from < w->to;
	return w->from != w->to;
}

static int64_t place(const struct window *w, const struct tm *tm)
{
	int minute = tm->tm_hour * 60 + tm->tm_min;
	if (w->type == WINDOW_ONCE)
		return once((tm->tm_year + 1900) * 10000 + (tm->tm_mon + 1) * 100 + tm->tm_mday, minute);
	return w->type == WINDOW_WEEKLY ? tm->tm_wday * DAY + minute : minute;
}

static bool inside(const struct window *w, const struct zone *z, int64_t t)
{
	time_t local = (time_t)(t + zone_offset(z, t));
	struct tm tm;
	if (!gmtime_r(&local, &tm))
		return false;
	int64_t at = place(w, &tm);
	return w->from < w->to ? at >= w->from && at < w->to : at >= w->from || at < w->to;
}

/* The end by the calendar; where summer time begins or ends in between, off by that: put right minute by minute. */
static int64_t end_of(const struct window *w, const struct zone *z, int64_t now)
{
	int64_t span = w->type == WINDOW_WEEKLY ? WEEK : DAY, date = w->to / 10000, clock = w->to % 10000;
	time_t local = (time_t)(now + zone_offset(z, now));
	struct tm tm;
	gmtime_r(&local, &tm);
	if (w->type == WINDOW_ONCE)
		tm = (struct tm){ .tm_year = (int)(date / 10000) - 1900, .tm_mon = (int)(date / 100 % 100) - 1, .tm_mday = (int)(date % 100),
			.tm_hour = (int)(clock / 100), .tm_min = (int)(clock % 100) };
	else
		tm.tm_min += (int)((w->to - place(w, &tm) + span) % span);
	tm.tm_sec = 0;
	int64_t t = zone_utc(z, timegm(&tm));
	for (int i = 0; i < 3 * 60 && t - 60 > now && !inside(w, z, t - 60); i++)
		t -= 60;
	for (int i = 0; i < 3 * 60 && inside(w, z, t); i++)
		t += 60;
	return t;
}

bool window_inside(const struct window *w, const struct zone *z, int64_t wall_ms, int64_t *ends)
{
	if (!inside(w, z, wall_ms / 1000))
		return false;
	if (ends)
		*ends = end_of(w, z, wall_ms / 1000) * 1000;
	return true;
}
