/* json_text: a member of an object as text; "" where there is none, or it is no text. Borrowed from o, which may be NULL. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H
#include <jansson.h>

static inline const char *json_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}
#endif
