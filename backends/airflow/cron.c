/* cron: see cron.h. */
#include "backends/airflow/cron.h"
#include "base/mem.h"
#include <time.h>

#define FAR_S (5ll * 366 * 86400)

/* "*", "5", "1-5", "0-58/2", and lists of these. */
static bool parse_field(struct str s, int min, int max, uint64_t *bits)
{
	*bits = 0;
	if (!s.n)
		return false;
	while (s.n) {
		struct str step = str_split(&s, ','), high = str_split(&step, '/'), low = str_split(&high, '-');
		int64_t from = min, to = max, by = 1;
		if (step.p && (!str_to_i64(step, &by) || by < 1))
			return false;
		if (!str_is(low, "*") && !str_to_i64(low, &from))
			return false;
		if (high.p ? !str_to_i64(high, &to) : !str_is(low, "*") && !step.p)
			to = from;
		if (from < min || to > max || from > to || (high.p && !str_to_i64(high, &to)))
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
	s = str_trim(s);
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (str_is(s, presets[i][0]))
			s = str_of(presets[i][1]);
	for (unsigned i = 0; i < 5; i++) {
		struct str field = str_split(&s, ' ');
		if (!parse_field(field, min[i], max[i], &bits[i]))
			return false;
		if (i == 2)
			out->any_day = *field.p == '*';
		if (i == 4)
			out->any_weekday = *field.p == '*';
		s = str_trim(s);
	}
	if (bits[4] & 1u << 7)
		bits[4] |= 1;
	out->minutes = bits[0];
	out->hours = (uint32_t)bits[1];
	out->days = (uint32_t)bits[2];
	out->months = (uint32_t)bits[3];
	out->weekdays = (uint32_t)bits[4];
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
