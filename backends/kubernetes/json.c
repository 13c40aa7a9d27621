/* json: see json.h. */
#include "backends/kubernetes/json.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdlib.h>

json_t *jat(const json_t *o, const char *path)
{
	char name[128];

	while (o && *path) {
		const char *dot = strchr(path, '.');
		size_t n = dot ? (size_t)(dot - path) : strlen(path);

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		o = json_object_get(o, name);
		path += n + (dot != NULL);
	}
	return (json_t *)o;
}

const char *jtext(const json_t *o, const char *path)
{
	const char *s = json_string_value(jat(o, path));

	return s ? s : "";
}

json_int_t jint(const json_t *o, const char *path, json_int_t otherwise)
{
	json_t *v = jat(o, path);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool jtrue(const json_t *o, const char *path)
{
	return json_is_true(jat(o, path));
}

const char *jnamed(const json_t *o, const char *path, const char *name)
{
	const char *s = json_string_value(json_object_get(jat(o, path), name));

	return s ? s : "";
}

int64_t jtime(const json_t *o, const char *path)
{
	int64_t ms = 0;

	time_parse(str_of(jtext(o, path)), &ms);
	return ms;
}

json_t *jfind(const json_t *o, const char *path, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(jat(o, path), i, item)
		if (jis(item, key, value))
			return item;
	return NULL;
}

json_t *jstring(struct str s)
{
	json_t *v = json_stringn(s.p ? s.p : "", s.n);

	if (!v) {
		char *copy = str_dup(s);

		for (size_t i = 0; i < s.n; i++)
			if ((unsigned char)copy[i] >= 0x80)
				copy[i] = '?';
		v = json_stringn(copy, s.n);
		free(copy);
	}
	return v;
}

json_t *jstringf(const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	json_t *v;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	v = jstring(buf_str(&b));
	buf_release(&b);
	return v;
}
