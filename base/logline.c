/* logline: takes apart the lines of merged and single logs. The hot path (looking for the end of TIME) reads at most
 * 36 bytes of a line. */
#include "base/logline.h"

#define TIME_MIN 20    /* 2026-11-21T03:11:58Z */
#define TIME_MAX 35    /* 2026-11-21T03:11:58.123456789+00:00 */

static bool digits(const char *p, int n, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*out = v;
	return true;
}

/* Days since 1970-01-01 of a Gregorian date (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "Z" or "+02:00"; seconds to take away in *seconds. */
static bool zone(struct str z, int *seconds)
{
	int h, m;

	*seconds = 0;
	if (str_is(z, "Z"))
		return true;
	if (z.n != 6 || (z.p[0] != '+' && z.p[0] != '-') || z.p[3] != ':' || !digits(z.p + 1, 2, &h) ||
	    !digits(z.p + 4, 2, &m) || h > 23 || m > 59)
		return false;
	*seconds = (h * 60 + m) * (z.p[0] == '-' ? -60 : 60);
	return true;
}

bool logline_time(struct str t, int64_t *ns)
{
	int year, month, day, hour, minute, second, offset;
	int64_t fraction = 0, unit = 100000000;
	size_t at = 19;

	if (t.n < TIME_MIN || t.n > TIME_MAX || t.p[4] != '-' || t.p[7] != '-' || t.p[10] != 'T' || t.p[13] != ':' ||
	    t.p[16] != ':')
		return false;
	if (!digits(t.p, 4, &year) || !digits(t.p + 5, 2, &month) || !digits(t.p + 8, 2, &day) ||
	    !digits(t.p + 11, 2, &hour) || !digits(t.p + 14, 2, &minute) || !digits(t.p + 17, 2, &second))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	if (t.p[at] == '.')
		for (at++; at < t.n && t.p[at] >= '0' && t.p[at] <= '9' && unit; at++, unit /= 10)
			fraction += (t.p[at] - '0') * unit;
	if (!zone((struct str){ t.p + at, t.n - at }, &offset))
		return false;
	/* nanoseconds fit 1678..2261 */
	if (year < 1700 || year > 2200)
		return false;
	*ns = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset) * 1000000000 + fraction;
	return true;
}

struct logline logline_parse(struct str line)
{
	struct logline l = { { line.p, 0 }, { line.p, 0 }, line };
	size_t end = TIME_MIN;
	int64_t ns;

	if (l.text.n && l.text.p[l.text.n - 1] == '\n')
		l.text.n--;
	if (l.text.n && l.text.p[l.text.n - 1] == '\r')
		l.text.n--;
	line = l.text;
	if (line.n < TIME_MIN)
		return l;
	while (end < line.n && end <= TIME_MAX && line.p[end] != ' ' && line.p[end] != '|')
		end++;
	if ((end < line.n && line.p[end] != ' ' && line.p[end] != '|') || !logline_time((struct str){ line.p, end }, &ns))
		return l;
	l.time.n = end;
	l.text = (struct str){ line.p + end, line.n - end };
	if (l.text.n && *l.text.p == '|') {
		const char *blank = memchr(l.text.p, ' ', l.text.n);
		l.where.p = l.text.p + 1;
		l.where.n = (blank ? (size_t)(blank - l.text.p) : l.text.n) - 1;
		l.text.p += l.where.n + 1;
		l.text.n -= l.where.n + 1;
	}
	if (l.text.n) {    /* the blank */
		l.text.p++;
		l.text.n--;
	}
	return l;
}
