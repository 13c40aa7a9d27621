/* settings: see settings.h. */
#include "backends/drift/settings.h"
#include "base/mem.h"
#include <math.h>

double setting_real(struct link *l, const char *key)
{
	double v;
	return str_to_f64(str_trim(str_of(link_setting(l, key))), &v) ? v : NAN;
}

int64_t setting_duration(struct link *l, const char *key, int64_t otherwise_ms)
{
	static const struct { const char *unit; int64_t ms; } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "", 1000 } };
	struct str s = str_trim(str_of(link_setting(l, key)));
	for (size_t i = 0; s.n && i < ARRAY_SIZE(units); i++) {
		struct str unit = str_of(units[i].unit);
		double v;
		if (str_ends(s, unit) && str_to_f64((struct str){ s.p, s.n - unit.n }, &v) && v > 0 && v < 1e6)
			return (int64_t)(v * (double)units[i].ms);
	}
	return otherwise_ms;
}

enum points setting_points(struct link *l, const char *key)
{
	const char *s = link_setting(l, key);
	return s && !strcmp(s, "below") ? POINTS_BELOW : POINTS_ABOVE;
}
