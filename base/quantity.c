/* quantity.c: Kubernetes quantities and RFC 3339 times, as the API server writes them; shares and moments, as people do. */
#define _GNU_SOURCE                  /* localtime_r */
#include "base/fmt.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__extension__ typedef __int128 wide;

/* mantissa * 10^exp10 * 2^exp2; `rest` tells that digits beyond the mantissa were dropped. */
struct number {
	wide mantissa;
	int exp10, exp2;
	bool negative, rest;
};

/* The digits before the suffix. At most 18 are kept: more than int64 thousandths can hold. */
static bool parse_digits(const char **p, const char *end, struct number *n)
{
	bool any = false, fraction = false;
	int kept = 0;
	for (; *p < end; (*p)++) {
		char c = **p;
		if (c == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		any = true;
		if (kept < 18) {
			n->mantissa = n->mantissa * 10 + (c - '0');
			kept += n->mantissa != 0;
			n->exp10 -= fraction;
		} else {
			n->rest |= c != '0';
			if (!fraction && n->exp10 < 1000)
				n->exp10++;
		}
	}
	return any;
}

static bool parse_suffix(struct str s, struct number *n)
{
	static const struct { char name[3]; signed char exp10, exp2; } suffixes[] = {
		{ "", 0, 0 }, { "n", -9, 0 }, { "u", -6, 0 }, { "m", -3, 0 }, { "k", 3, 0 }, { "M", 6, 0 },
		{ "G", 9, 0 }, { "T", 12, 0 }, { "P", 15, 0 }, { "E", 18, 0 }, { "Ki", 0, 10 }, { "Mi", 0, 20 },
		{ "Gi", 0, 30 }, { "Ti", 0, 40 }, { "Pi", 0, 50 }, { "Ei", 0, 60 },
	};
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (str_is(s, suffixes[i].name)) {
			n->exp10 += suffixes[i].exp10;
			n->exp2 = suffixes[i].exp2;
			return true;
		}
	int64_t exponent;
	if (s.n < 2 || (s.p[0] != 'e' && s.p[0] != 'E'))
		return false;
	s.p++, s.n--;
	if (s.p[0] == '+')
		s.p++, s.n--;
	if (!str_to_i64(s, &exponent) || exponent > 1000 || exponent < -1000)
		return false;
	n->exp10 += (int)exponent;
	return true;
}

/* s in units of 10^-shift, away from zero. */
static bool quantity(struct str s, int shift, int64_t *out)
{
	struct number n = { 0 };
	const char *p = s.p, *end = s.p + s.n;
	if (s.n && (*p == '-' || *p == '+'))
		n.negative = *p++ == '-';
	if (s.n == 0 || !parse_digits(&p, end, &n) || !parse_suffix((struct str){ p, (size_t)(end - p) }, &n))
		return false;
	wide v = n.mantissa << n.exp2;
	bool rest = n.rest;
	for (int e = n.exp10 + shift; e > 0 && v && v <= INT64_MAX; e--)
		v *= 10;
	for (int e = n.exp10 + shift; e < 0 && v; e++) {
		rest |= v % 10 != 0;
		v /= 10;
	}
	v += rest;
	if (v > INT64_MAX)
		v = INT64_MAX;
	*out = n.negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool quantity_milli(struct str s, int64_t *out)
{
	return quantity(s, 3, out);
}

bool quantity_units(struct str s, int64_t *out)
{
	return quantity(s, 0, out);
}

/* n digits at p, or -1. */
static int digits(const char *p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, days_from_civil). */
static int64_t days_from_civil(int y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool time_parse(struct str s, int64_t *out_ms)
{
	/* 2026-11-21T02:48:00 */
	if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ') ||
	    s.p[13] != ':' || s.p[16] != ':')
		return false;
	int year = digits(s.p, 4), month = digits(s.p + 5, 2), day = digits(s.p + 8, 2);
	int hour = digits(s.p + 11, 2), minute = digits(s.p + 14, 2), second = digits(s.p + 17, 2);
	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 60)
		return false;
	const char *p = s.p + 19, *end = s.p + s.n;
	int ms = 0, offset = 0;
	if (*p == '.') {
		int unit = 100;
		for (p++; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
			ms += (*p - '0') * unit;
	}
	if (end - p == 1 && (*p == 'Z' || *p == 'z')) {
		offset = 0;
	} else if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
		int h = digits(p + 1, 2), m = digits(p + 4, 2);
		if (h < 0 || m < 0)
			return false;
		offset = (h * 60 + m) * (*p == '-' ? -1 : 1);
	} else {
		return false;
	}
	*out_ms = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset) * 60000 +
		second * 1000 + ms;
	return true;
}

bool age_parse(struct str s, int64_t *out_ms)
{
	static const struct { char unit; int64_t ms; } units[] = {
		{ 'y', 365 * 86400000LL }, { 'd', 86400000 }, { 'h', 3600000 }, { 'm', 60000 }, { 's', 1000 },
	};
	int64_t ms = 0;
	size_t least = 0;        /* units come in order, each once */
	if (!s.n)
		return false;
	while (s.n) {
		int64_t n = 0;
		size_t digits = 0, u = least;
		while (digits < s.n && digits < 9 && s.p[digits] >= '0' && s.p[digits] <= '9')
			n = n * 10 + (s.p[digits++] - '0');
		while (u < sizeof(units) / sizeof(units[0]) && (digits == s.n || s.p[digits] != units[u].unit))
			u++;
		if (!digits || u == sizeof(units) / sizeof(units[0]) || n > 100000000000000 / units[u].ms)
			return false;
		ms += n * units[u].ms;
		least = u + 1;
		s.p += digits + 1, s.n -= digits + 1;
	}
	*out_ms = ms;
	return true;
}

bool duration_parse(struct str s, bool bare, double *ms)
{
	static const struct { char unit; double ms; } units[] = { { 's', 1e3 }, { 'm', 60e3 }, { 'h', 3600e3 }, { 'd', 86400e3 },
		{ 'w', 7 * 86400e3 }, { 'y', 365 * 86400e3 } };
	double sum = 0, x;

	if (!s.n)
		return false;
	if (bare && str_to_f64(s, &x) && x >= 0) {
		*ms = x * 1e3;
		return true;
	}
	while (s.n) {
		size_t k = 0;
		double by = 0;

		while (k < s.n && ((s.p[k] >= '0' && s.p[k] <= '9') || s.p[k] == '.'))
			k++;
		if (!k || !str_to_f64((struct str){ s.p, k }, &x))
			return false;
		s.p += k, s.n -= k;
		if (str_starts(s, STR("ms")))
			by = 1, s.p++, s.n--;
		for (size_t i = 0; s.n && !by && i < sizeof units / sizeof units[0]; i++)
			if (units[i].unit == s.p[0])
				by = units[i].ms;
		if (!by)
			return false;
		sum += x * by;
		s.p++, s.n--;
	}
	*ms = sum;
	return true;
}

bool ratio_parse(struct str s, double *out)
{
	double v;
	s = str_trim(s);
	bool percent = s.n && s.p[s.n - 1] == '%';
	if (percent)
		s = str_trim((struct str){ s.p, s.n - 1 });
	if (!str_to_f64(s, &v))
		return false;
	*out = percent ? v / 100 : v;
	return true;
}

static bool local_time(const char *s, int64_t now, int64_t *at)
{
	time_t t = (time_t)(now / 1000);
	int y, mon, d, h, min, sec = 0, at_min = 0, at_sec = 0;
	struct tm tm;
	localtime_r(&t, &tm);
	bool dated = sscanf(s, "%4d-%2d-%2d%*1[ T]%2d:%2d%n:%2d%n", &y, &mon, &d, &h, &min, &at_min, &sec, &at_sec) >= 5;
	if (dated) {
		tm.tm_year = y - 1900;
		tm.tm_mon = mon - 1;
		tm.tm_mday = d;
	} else if (sscanf(s, "%2d:%2d%n:%2d%n", &h, &min, &at_min, &sec, &at_sec) < 2) {
		return false;
	}
	if (s[at_sec ? at_sec : at_min] || h < 0 || h > 23 || min < 0 || min > 59 || sec < 0 || sec > 60)
		return false;
	tm.tm_hour = h;
	tm.tm_min = min;
	tm.tm_sec = sec;
	tm.tm_isdst = -1;
	struct tm day = tm;
	t = mktime(&tm);
	if (!dated && (int64_t)t * 1000 > now) {     /* yesterday's */
		day.tm_mday--;
		t = mktime(&day);
	}
	*at = (int64_t)t * 1000;
	return true;
}

bool moment_parse(struct str s, int64_t now, int64_t *at)
{
	double ago;
	s = str_trim(s);
	char *text = str_dup(s);
	bool ok = time_parse(s, at) || local_time(text, now, at);
	free(text);
	if (str_ends(s, STR(" ago")))
		s = str_trim((struct str){ s.p, s.n - 4 });
	else if (s.n && *s.p == '-')
		s = (struct str){ s.p + 1, s.n - 1 };
	if (!ok && duration_parse(s, false, &ago) && ago >= 0) {
		*at = now - (int64_t)ago;
		ok = true;
	}
	return ok;
}
