/* zone: see zone.h. A file lists the moments when clocks change; what comes after the last is said by a rule at its end
 * ("CET-1CEST,M3.5.0,M10.5.0/3"). */
#define _GNU_SOURCE
#include "base/zone.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_MOST (1 << 20)
#define DAY 86400

struct change { int month, week, weekday; int64_t second; };     /* of a rule: the week-th such weekday (5 = the last) */
struct rule { bool known, twice; int64_t winter, summer; struct change begins, ends; };
struct zone {
	char *name;                  /* NULL: this machine's own */
	unsigned n;
	int64_t *at, *offset;        /* offset[i] from at[i] on */
	int64_t first;               /* before at[0] */
	struct rule rule;            /* after at[n - 1] */
};

/* ---- the rule */

static bool number(const char **s, int least, int most, int *out)
{
	char *end;
	long n = isdigit((unsigned char)**s) ? strtol(*s, &end, 10) : -1;
	if (n < least || n > most)
		return false;
	*s = end;
	*out = (int)n;
	return true;
}

/* "[+-]hh[:mm[:ss]]" */
static bool clock_time(const char **s, int64_t *out)
{
	int part[3] = { 0 }, sign = **s == '-' ? -1 : 1;
	*s += **s == '-' || **s == '+';
	if (!number(s, 0, 167, &part[0]))
		return false;
	for (int i = 1; i < 3 && **s == ':'; i++) {
		(*s)++;
		if (!number(s, 0, 59, &part[i]))
			return false;
	}
	*out = sign * (part[0] * 3600ll + part[1] * 60 + part[2]);
	return true;
}

static bool skip_name(const char **s)
{
	const char *from = *s;
	if (**s == '<') {
		while (**s && **s != '>')
			(*s)++;
		return *(*s)++ == '>';
	}
	while (isalpha((unsigned char)**s))
		(*s)++;
	return *s > from;
}

/* ",M3.5.0/2" */
static bool read_change(const char **s, struct change *c)
{
	c->second = 7200;
	if (strncmp(*s, ",M", 2))
		return false;
	*s += 2;
	if (!number(s, 1, 12, &c->month) || *(*s)++ != '.' || !number(s, 1, 5, &c->week) || *(*s)++ != '.' ||
	    !number(s, 0, 6, &c->weekday))
		return false;
	if (**s != '/')
		return true;
	(*s)++;
	return clock_time(s, &c->second);
}

static void read_rule(const char *s, struct rule *r)
{
	if (!skip_name(&s) || !clock_time(&s, &r->winter))
		return;
	r->winter = r->summer = -r->winter;      /* the rule counts west */
	if (*s) {
		r->twice = true;
		r->summer += 3600;
		if (!skip_name(&s))
			return;
		if (*s && *s != ',') {
			if (!clock_time(&s, &r->summer))
				return;
			r->summer = -r->summer;
		}
		if (!read_change(&s, &r->begins) || !read_change(&s, &r->ends))
			return;
	}
	r->known = !*s;
}

/* When clocks change in that year, by the clock before. */
static int64_t change_in(const struct change *c, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct tm tm = { .tm_year = year - 1900, .tm_mon = c->month - 1, .tm_mday = 1 };
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	int64_t first = timegm(&tm);
	int weekday = (int)(((first / DAY) % 7 + 4 + 7) % 7), day = (c->weekday - weekday + 7) % 7 + 7 * (c->week - 1);
	while (day >= days[c->month - 1] + (leap && c->month == 2))
		day -= 7;
	return first + day * DAY + c->second;
}

static int64_t by_rule(const struct rule *r, int64_t utc)
{
	time_t s = (time_t)(utc + r->winter);
	struct tm tm;
	if (!r->twice || !gmtime_r(&s, &tm))
		return r->winter;
	int64_t begins = change_in(&r->begins, tm.tm_year + 1900) - r->winter, ends = change_in(&r->ends, tm.tm_year + 1900) - r->summer;
	bool summer = begins < ends ? utc >= begins && utc < ends : utc >= begins || utc < ends;
	return summer ? r->summer : r->winter;
}

/* ---- the file */

static int64_t big(const unsigned char *p, unsigned n)
{
	uint64_t v = n && *p & 0x80 ? UINT64_MAX : 0;
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct counts { int64_t isut, isstd, leap, time, type, chars; };

static bool read_counts(struct str s, struct counts *c)
{
	const unsigned char *p = (const unsigned char *)s.p;
	if (s.n < 44 || memcmp(p, "TZif", 4))
		return false;
	*c = (struct counts){ big(p + 20, 4), big(p + 24, 4), big(p + 28, 4), big(p + 32, 4), big(p + 36, 4), big(p + 40, 4) };
	return c->isut >= 0 && c->isstd >= 0 && c->leap >= 0 && c->time >= 0 && c->type > 0 && c->chars >= 0 &&
	       c->isut < FILE_MOST && c->isstd < FILE_MOST && c->leap < FILE_MOST && c->time < FILE_MOST && c->type < 256 && c->chars < FILE_MOST;
}

static size_t block_size(const struct counts *c, unsigned wide)
{
	return (size_t)(c->time * wide + c->time + c->type * 6 + c->chars + c->leap * (wide + 4) + c->isstd + c->isut);
}

static bool read_block(struct zone *z, const unsigned char *p, const struct counts *c, unsigned wide)
{
	const unsigned char *which = p + c->time * wide, *types = which + c->time;
	z->n = (unsigned)c->time;
	z->at = xcalloc(z->n + 1, sizeof(*z->at));
	z->offset = xcalloc(z->n + 1, sizeof(*z->offset));
	z->first = big(types, 4);
	for (unsigned i = 0; i < z->n; i++) {
		if (which[i] >= c->type)
			return false;
		z->at[i] = big(p + i * wide, wide);
		z->offset[i] = big(types + which[i] * 6, 4);
	}
	return true;
}

static bool read_zone(struct zone *z, struct str s)
{
	struct counts c;
	unsigned wide = 4;
	if (!read_counts(s, &c))
		return false;
	bool second = s.p[4] >= '2';
	size_t skip = 44 + (second ? block_size(&c, 4) : 0);
	if (skip > s.n)
		return false;
	if (second) {
		s = (struct str){ s.p + skip, s.n - skip };
		wide = 8;
		if (!read_counts(s, &c))
			return false;
	}
	if (44 + block_size(&c, wide) > s.n || !read_block(z, (const unsigned char *)s.p + 44, &c, wide))
		return false;
	s = (struct str){ s.p + 44 + block_size(&c, wide), s.n - 44 - block_size(&c, wide) };
	if (second && s.n > 2 && *s.p == '\n') {
		s = (struct str){ s.p + 1, s.n - 1 };
		char *rule = str_dup(str_split(&s, '\n'));
		read_rule(rule, &z->rule);
		free(rule);
	}
	return true;
}

static bool read_file(struct zone *z, const char *name)
{
	char *path = xasprintf(FOLDER "%s", name), *bytes = xmalloc(FILE_MOST);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(bytes, 1, FILE_MOST, f) : 0;
	bool ok = n && read_zone(z, (struct str){ bytes, n });
	if (f)
		fclose(f);
	free(path);
	free(bytes);
	return ok;
}

struct zone *zone_load(struct str name)
{
	struct zone *z = xcalloc(1, sizeof(*z));
	char *text = str_dup(name);
	const char *s = text;
	bool ok = str_is(name, "UTC");
	if (*s == '+' || *s == '-')
		ok = clock_time(&s, &z->first) && !*s;
	else if (!ok)
		ok = name.n && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == name.n && *text != '/' &&
		     read_file(z, text);
	z->name = text;
	if (ok)
		return z;
	zone_free(z);
	return NULL;
}

struct zone *zone_or_here(const char *name)
{
	struct zone *z = name ? zone_load(str_of(name)) : NULL;
	return z ? z : xcalloc(1, sizeof(*z));
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->name);
	free(z->at);
	free(z->offset);
	free(z);
}

int64_t zone_offset(const struct zone *z, int64_t utc)
{
	unsigned i;
	time_t t = (time_t)utc;
	struct tm tm;
	if (!z)
		return 0;
	if (!z->name)
		return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
	for (i = z->n; i && z->at[i - 1] > utc;)
		i--;
	if (i == z->n && z->rule.known)
		return by_rule(&z->rule, utc);
	return i ? z->offset[i - 1] : z->first;
}

int64_t zone_utc(const struct zone *z, int64_t local)
{
	int64_t before = zone_offset(z, local - DAY), after = zone_offset(z, local + DAY);
	int64_t one = local - before, two = local - after;
	bool first = zone_offset(z, one) == before, second = zone_offset(z, two) == after;
	return first && second ? one > two ? one : two : second ? two : one;
}

void zone_say(const struct zone *z, int64_t utc, struct buf *out)
{
	time_t t = (time_t)utc;
	struct tm tm;
	if (!z || z->name)
		buf_adds(out, z ? z->name : "UTC");
	else if (localtime_r(&t, &tm))
		buf_adds(out, tm.tm_zone);
}
