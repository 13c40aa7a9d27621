/* doctor: see doctor.h. */
#include "backends/net/doctor.h"
#include "base/rows.h"

void doctor_check(json_t *all, const char *name, int ok, const char *remedy, const char *fmt, ...)
{
	static const int levels[] = { LEVEL_DOUBT, LEVEL_BAD, LEVEL_OK };
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(all, json_pack("{s:s, s:i, s:s+, s:s, s:o}", "check", name, "level", levels[ok + 1],
		"say", b.data ? b.data : "", "", "remedy", ok == 1 ? "" : remedy, "ok", ok < 0 ? json_null() : json_boolean(ok)));
	buf_release(&b);
}
