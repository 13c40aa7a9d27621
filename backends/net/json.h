/* json: JSON as servers really write it. Python writes NaN and Infinity, which JSON does not know. */
#ifndef NET_JSON_H
#define NET_JSON_H
#include "base/str.h"
#include <jansson.h>

/* NaN and Infinity, outside of texts, become null; then *odd (may be NULL) is true, else false. NULL: it is not whole JSON, and
 * why[size] says where it breaks. The caller decrefs. */
json_t *json_read(struct str text, bool *odd, char *why, size_t size);
#endif
