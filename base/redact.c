/* redact: see redact.h. Errs on the side of masking: an audit line that says too little is a nuisance, one
 * that says a password is an incident. */
#define _GNU_SOURCE
#include "base/redact.h"
#include "base/buf.h"
#include "base/mem.h"
#include <ctype.h>
#include <jansson.h>
#include <strings.h>

#define DEPTH_MAX 64

static const char *const words[] = { "password", "passwd", "passphrase", "token", "secret", "authorization",
	"credential", "apikey", "api_key", "api-key", "accesskey", "access_key", "privatekey", "private_key",
	"private-key", "client-key-data", "connection_string" };
/* Names that hold one of these words and are no secrets. */
static const char *const harmless[] = { "secretname", "secretref", "secretkeyref", "serviceaccounttoken",
	"automountserviceaccounttoken", "imagepullsecrets", "tokenexpirationseconds", "secrets" };

static bool names_secret(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (!strcasecmp(name, harmless[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* End of the value that starts at i: a blank or a mark that cannot belong to it. */
static size_t value_end(struct str s, size_t i)
{
	char quote = i < s.n && (s.p[i] == '"' || s.p[i] == '\'') ? s.p[i] : 0;
	size_t scheme = !quote && s.n - i > 7 && !strncasecmp(s.p + i, "bearer ", 7) ? 7
		: !quote && s.n - i > 6 && !strncasecmp(s.p + i, "basic ", 6) ? 6 : 0;

	i += scheme;

	if (quote)
		for (i++; i < s.n && s.p[i] != quote; i++)
			;
	else
		while (i < s.n && !isspace((unsigned char)s.p[i]) && !strchr("&,;\"'`", s.p[i]))
			i++;
	return i;
}

/* Where the name before the '=' at `end` starts. */
static size_t name_start(struct str s, size_t end)
{
	while (end > 0 && s.p[end - 1] == ' ')
		end--;
	while (end > 0 && (isalnum((unsigned char)s.p[end - 1]) || strchr("_-.", s.p[end - 1])))
		end--;
	return end;
}

/* Copies s with name=value, "Bearer x" and user:password@ masked. */
char *redact_text(struct str s)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < s.n;) {
		if ((s.p[i] == '=' || s.p[i] == ':') && i + 1 < s.n) {
			size_t from = name_start(s, i), next = i + 1;
			char name[64];

			while (next < s.n && s.p[next] == ' ')
				next++;
			snprintf(name, sizeof(name), "%.*s", (int)(i - from > 63 ? 63 : i - from), s.p + from);
			if (i > from && names_secret(name)) {
				buf_add(&out, s.p + i, next - i);
				buf_adds(&out, REDACT_MASK);
				i = value_end(s, next);
				continue;
			}
		}
		if (s.n - i > 7 && (!strncasecmp(s.p + i, "bearer ", 7) || !strncasecmp(s.p + i, "basic ", 6))) {
			size_t n = tolower((unsigned char)s.p[i + 1]) == 'e' ? 7 : 6;

			buf_add(&out, s.p + i, n);
			buf_adds(&out, REDACT_MASK);
			i = value_end(s, i + n);
			continue;
		}
		if (s.n - i > 3 && !memcmp(s.p + i, "://", 3)) {
			size_t colon = 0, at = i + 3;

			while (at < s.n && !isspace((unsigned char)s.p[at]) && !strchr("/?#@", s.p[at])) {
				if (s.p[at] == ':' && !colon)
					colon = at;
				at++;
			}
			if (colon && at < s.n && s.p[at] == '@') {
				buf_add(&out, s.p + i, colon + 1 - i);
				buf_adds(&out, REDACT_MASK);
				i = at;
				continue;
			}
		}
		buf_addc(&out, s.p[i++]);
	}
	return buf_detach(&out);
}

static json_t *walk(const json_t *v, int depth);

static json_t *walk_text(const json_t *v, int depth)
{
	struct str s = { json_string_value(v), json_string_length(v) };
	size_t i = 0;
	char *text;
	json_t *out;

	while (i < s.n && isspace((unsigned char)s.p[i]))
		i++;
	if (i < s.n && (s.p[i] == '{' || s.p[i] == '[')) {
		json_t *inner = json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL);

		if (inner) {
			json_t *clean = walk(inner, depth + 1);

			text = json_dumps(clean, JSON_COMPACT);
			out = json_string(text ? text : REDACT_MASK);
			free(text);
			json_decref(clean);
			json_decref(inner);
			return out;
		}
	}
	text = redact_text(s);
	out = json_string_nocheck(text);
	free(text);
	return out;
}

static bool is_kind_secret(const json_t *object)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));

	return kind && !strcmp(kind, "Secret");
}

static json_t *masked(const json_t *v)
{
	json_t *out, *item;
	const char *key;
	size_t i;

	if (json_is_object(v)) {
		out = json_object();
		json_object_foreach((json_t *)v, key, item)
			json_object_set_new(out, key, masked(item));
	} else if (json_is_array(v)) {
		out = json_array();
		json_array_foreach(v, i, item)
			json_array_append_new(out, masked(item));
	} else {
		out = json_is_null(v) || json_is_boolean(v) ? json_copy((json_t *)v) : json_string(REDACT_MASK);
	}
	return out;
}

static json_t *walk_object(const json_t *v, int depth, bool env)
{
	bool secret = is_kind_secret(v);
	json_t *out = json_object(), *item;
	const char *key;

	json_object_foreach((json_t *)v, key, item) {
		json_t *put;

		if (secret && (!strcmp(key, "data") || !strcmp(key, "stringData")))
			put = masked(item);
		else if (env && !strcmp(key, "value") && json_is_string(item))
			put = json_string(REDACT_MASK);
		else if (names_secret(key) && !json_is_object(item) && !json_is_object(json_array_get(item, 0)))
			put = masked(item);
		else if (!strcmp(key, "env") && json_is_array(item)) {
			size_t i;
			json_t *e;

			put = json_array();
			json_array_foreach(item, i, e)
				json_array_append_new(put, json_is_object(e) && depth < DEPTH_MAX
					? walk_object(e, depth + 1, true) : walk(e, depth + 1));
		} else
			put = walk(item, depth + 1);
		json_object_set_new_nocheck(out, key, put);
	}
	return out;
}

static json_t *walk(const json_t *v, int depth)
{
	json_t *out, *item;
	size_t i;

	if (depth > DEPTH_MAX)
		return json_string(REDACT_MASK);
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return walk_object(v, depth, false);
	case JSON_ARRAY:
		out = json_array();
		json_array_foreach(v, i, item)
			json_array_append_new(out, walk(item, depth + 1));
		return out;
	case JSON_STRING:
		return walk_text(v, depth);
	default:
		return v ? json_deep_copy(v) : json_null();
	}
}

struct json_t *redact_json(const struct json_t *doc)
{
	return walk(doc, 0);
}
