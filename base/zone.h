/* zone: a time zone by its name, from this machine's files (TZif, RFC 8536): the C library's own way to one is the process's TZ, which
 * threads share, and whoever runs it sets. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H
#include "base/buf.h"

struct zone;
/* "Europe/Berlin", "UTC", "+05:30". NULL: this machine does not know it. */
struct zone *zone_load(struct str name);
/* The same, but this machine's own (as localtime_r has it) for NULL, and for what it does not know: configurations with such are refused. */
struct zone *zone_or_here(const char *name);
void zone_free(struct zone *z);
/* Seconds east of Greenwich at that time (seconds since 1970). z NULL: UTC. */
int64_t zone_offset(const struct zone *z, int64_t utc);
/* When clocks there show `local` (seconds as if they were UTC). A time that is skipped is taken by the clock before, one that comes
 * twice is the second, as Airflow has it. */
int64_t zone_utc(const struct zone *z, int64_t local);
/* What it is called: as it was loaded; this machine's own by the abbreviation in force then ("CET"). */
void zone_say(const struct zone *z, int64_t utc, struct buf *out);
#endif
