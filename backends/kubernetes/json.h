/* json: small readers over jansson for documents that may lack anything anywhere. A path is names joined by dots; each
 * reader gives something harmless when a part is missing or of another type. */
#ifndef BACKENDS_KUBERNETES_JSON_H
#define BACKENDS_KUBERNETES_JSON_H
#include "base/buf.h"
#include <jansson.h>

json_t *jat(const json_t *o, const char *path);               /* borrowed, or NULL */
const char *jtext(const json_t *o, const char *path);         /* "" when there is no such text */
json_int_t jint(const json_t *o, const char *path, json_int_t otherwise);
bool jtrue(const json_t *o, const char *path);
/* A name that itself holds dots (annotations, labels): `name` within the object at path; "" when absent. */
const char *jnamed(const json_t *o, const char *path, const char *name);
int64_t jtime(const json_t *o, const char *path);             /* RFC 3339 to ms, 0 when absent */
/* Element of the array at path whose member `key` is `value`; NULL when none. */
json_t *jfind(const json_t *o, const char *path, const char *key, const char *value);
/* A new string, bad UTF-8 replaced by '?': for texts that come from anywhere. */
json_t *jstring(struct str s);
json_t *jstringf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline bool jis(const json_t *o, const char *path, const char *value)
{
	return !strcmp(jtext(o, path), value);
}
#endif
