/* cron: the times that a schedule of five fields means, and those in a time zone as Airflow counts them. */
#ifndef AIRFLOW_CRON_H
#define AIRFLOW_CRON_H
#include "base/zone.h"

struct cron { uint64_t minutes; uint32_t hours, days, months, weekdays; bool any_day, any_weekday; };
/* "0 2 * * 1-5", "@daily". False: not of that form; then nothing can be said of its times. */
bool cron_parse(struct str s, struct cron *out);
/* The first time not before `from` (seconds since 1970, in UTC); -1: none within five years. */
int64_t cron_next(const struct cron *c, int64_t from);
/* The same by the clocks of a zone (NULL: UTC). */
int64_t cron_next_in(const struct cron *c, const struct zone *z, int64_t from);
#endif
