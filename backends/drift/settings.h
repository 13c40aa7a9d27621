/* settings: values of a drift source's settings. */
#ifndef BACKENDS_DRIFT_SETTINGS_H
#define BACKENDS_DRIFT_SETTINGS_H
#include "base/drift.h"
#include "base/source.h"

double setting_real(struct link *l, const char *key);        /* NaN: not set */
/* "30s", "500ms", "2m", "1h"; plain numbers are seconds. */
int64_t setting_duration(struct link *l, const char *key, int64_t otherwise_ms);
enum points setting_points(struct link *l, const char *key);
#endif
