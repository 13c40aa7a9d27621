/* cron: see cron.h. */
#include "backends/airflow/cron.h"
#include "base/mem.h"
#include <strings.h>
#include <time.h>

#define FAR_S (5ll * 366 * 86400)

/* A number, or a name of which the first three letters count: "mon" is 1 of the week, "jan" 1 of the year. */
static bool parse_value(struct str s, const char *names, int first, int64_t *out)
{
	if (str_to_i64(s, out))
		return true;
	for (size_t i = 0; names && s.n == 3 && names[i]; i += 3)
		if (!strncasecmp(s.p, names + i, 3)) {
			*out = first + (int64_t)i / 3;
			return true;
		}
	return false;
}

/* "*", "5", "1-5", "0-58/2", and lists of these. */
static bool parse_field(struct str s, int min, int max, const char *names, uint64_t *bits)
{
	*bits = 0;
	if (!s.n)
		return false;
	while (s.n) {
		struct str step = str_split(&s, ','), high = str_split(&step, '/'), low = str_split(&high, '-');
		int64_t from = min, to = max, by = 1;
		if (step.p && (!str_to_i64(step, &by) || by < 1))
			return false;
		if (!str_is(low, "*") && !parse_value(low, names, min, &from))
			return false;
		if (high.p && !parse_value(high, names, min, &to))
			return false;
		if (!high.p && !str_is(low, "*") && !step.p)
			to = from;
		if (from < min || to > max || from > to)
			return false;
		for (int64_t i = from; i <= to; i += by)
			*bits |= 1ull << i;
	}
	return true;
}

bool cron_parse(struct str s, struct cron *out)
{
	static const char *const presets[][2] = { { "@hourly", "0 * * * *" }, { "@daily", "0 0 * * *" }, { "@weekly", "0 0 * * 0" },
		{ "@monthly", "0 0 1 * *" }, { "@quarterly", "0 0 1 */3 *" }, { "@yearly", "0 0 1 1 *" } };
	uint64_t bits[5];
	static const int min[] = { 0, 0, 1, 1, 0 }, max[] = { 59, 23, 31, 12, 7 };
	static const char *const names[] = { NULL, NULL, NULL, "janfebmaraprmayjunjulaugsepoctnovdec", "sunmontuewedthufrisat" };
	s = str_trim(s);
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (str_is(s, presets[i][0]))
			s = str_of(presets[i][1]);
	for (unsigned i = 0; i < 5; i++) {
		struct str field = str_split(&s, ' ');
		if (!parse_field(field, min[i], max[i], names[i], &bits[i]))
			return false;
		s = str_trim(s);
	}
	if (bits[4] & 1u << 7)
		bits[4] |= 1;
	out->minutes = bits[0];
	out->hours = (uint32_t)bits[1];
	out->days = (uint32_t)bits[2];
	out->months = (uint32_t)bits[3];
	out->weekdays = (uint32_t)bits[4];
	/* "*" is what lets every day pass, however it was written: so Airflow's reader of cron has it. */
	out->any_day = out->days == 0xfffffffe;
	out->any_weekday = (out->weekdays & 0x7f) == 0x7f;
	return s.n == 0;
}

static bool day_matches(const struct cron *c, const struct tm *tm)
{
	bool day = c->days >> tm->tm_mday & 1, weekday = c->weekdays >> tm->tm_wday & 1;
	if (!(c->months >> (tm->tm_mon + 1) & 1))
		return false;
	/* Where both are restricted, either will do: so cron has it. */
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

int64_t cron_next(const struct cron *c, int64_t from)
{
	int64_t t = (from + 59) / 60 * 60;
	for (int64_t end = t + FAR_S; t < end;) {
		time_t s = (time_t)t;
		struct tm tm;
		if (!gmtime_r(&s, &tm))
			return -1;
		if (!day_matches(c, &tm))
			t += 86400 - t % 86400;
		else if (!(c->hours >> tm.tm_hour & 1))
			t += 3600 - t % 3600;
		else if (!(c->minutes >> tm.tm_min & 1))
			t += 60;
		else
			return t;
	}
	return -1;
}

/* A schedule of every hour goes on by what its clock advances, also through hours that come twice or not at all; one of certain
 * hours means the clock on the wall. */
int64_t cron_next_in(const struct cron *c, const struct zone *z, int64_t from)
{
	int64_t local = from + zone_offset(z, from), next = cron_next(c, local);
	if (next < 0)
		return -1;
	return c->hours == 0xffffff ? from + (next - local) : zone_utc(z, next);
}
