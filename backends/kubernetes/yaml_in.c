/* yaml_in: see yaml_in.h. Which plain words are numbers and booleans is what Go's YAML 1.1 reader says, as for kubectl. */
#define _GNU_SOURCE
#include "backends/kubernetes/yaml_in.h"
#include "backends/kubernetes/list_keys.h"
#include "backends/kubernetes/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* In one of the three ways of writing it: yes, Yes, YES. */
static bool is_word(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strlen(s) == n && !strcasecmp(s, word) &&
	       (!strcmp(s + 1, word + 1) || (s[0] < 'a' && s[1] < 'a' && (n < 3 || s[n - 1] < 'a')));
}

static json_t *bool_of(const char *s)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (is_word(s, yes[i]))
			return json_true();
		if (is_word(s, no[i]))
			return json_false();
	}
	return NULL;
}

/* 12, -3, 0644 (octal), 0o17, 0b101, 0x1f, 1.5, 1e3; NULL: no number. */
static json_t *number_of(const char *s)
{
	const char *digits = s + (*s == '-' || *s == '+');
	long long n;
	double x;
	char *end;

	if (!(*digits >= '0' && *digits <= '9') && !(*digits == '.' && digits[1] >= '0' && digits[1] <= '9'))
		return NULL;
	errno = 0;
	if (digits[0] == '0' && (digits[1] == 'o' || digits[1] == 'b')) {
		n = strtoll(digits + 2, &end, digits[1] == 'o' ? 8 : 2);
		return !*end && end > digits + 2 && !errno ? json_integer(*s == '-' ? -n : n) : NULL;
	}
	n = strtoll(s, &end, 0);
	if (!*end && !errno)
		return json_integer(n);
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		return NULL;
	x = strtod(s, &end);
	if (*end || !isfinite(x))
		return NULL;
	return x == floor(x) && fabs(x) < 9007199254740992.0 ? json_integer((json_int_t)x) : json_real(x);
}

static json_t *value_of(const struct yaml *y)
{
	json_t *v = NULL;

	switch (y->type) {
	case YAML_NULL:
		return json_null();
	case YAML_SCALAR:
		if (!y->quoted && (v = bool_of(y->text.p)))
			return v;
		if (!y->quoted && (v = number_of(y->text.p)))
			return v;
		return jstring(y->text);
	case YAML_LIST:
		v = json_array();
		for (unsigned i = 0; i < y->n; i++)
			json_array_append_new(v, value_of(y->items[i]));
		return v;
	case YAML_MAP:
		v = json_object();
		for (unsigned i = 0; i < y->n; i++)
			json_object_set_new(v, y->keys[i]->text.p, value_of(y->items[i]));
		return v;
	}
	return json_null();
}

json_t *yaml_read(struct str text, char *why, size_t size)
{
	struct yaml_error err = { 0 };
	struct yaml_doc *doc = yaml_parse(text, &err);
	const struct yaml *root = doc ? yaml_root(doc) : NULL;
	json_t *v = NULL;

	if (!doc)
		snprintf(why, size, "line %u: %s", err.line, err.what);
	else if (root->type != YAML_MAP)
		snprintf(why, size, "line %u: an object is wanted here: apiVersion, kind, metadata ...", root->line ? root->line : 1);
	else
		v = value_of(root);
	yaml_doc_free(doc);
	return v;
}

/* Goes down one step of a path: "replicas", "containers[0]". NULL: there is none. line: of the key, or of the item. */
static const struct yaml *step_down(const struct yaml *y, struct str step, unsigned *line)
{
	struct str index = step, name = str_split(&index, '[');
	const struct yaml *found = NULL;
	int64_t at;

	for (unsigned i = 0; y->type == YAML_MAP && i < y->n; i++)
		if (str_eq(y->keys[i]->text, name)) {
			*line = y->keys[i]->line;
			found = y->items[i];
		}
	if (!found || !index.p || !str_to_i64(str_split(&index, ']'), &at) || found->type != YAML_LIST || at < 0 || at >= found->n)
		return found;
	*line = found->items[at]->line;
	return found->items[at];
}

/* Paths begin with one of these, after a type's name or a quotation mark or on their own. */
static const char *path_in(const char *error)
{
	static const char *const roots[] = { "metadata.", "spec.", "data.", "spec[", "webhooks[", "rules[", "subjects[", "roleRef." };
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		const char *p = strstr(error, roots[i]);

		if (p && (!first || p < first))
			first = p;
	}
	return first;
}

unsigned yaml_line_named(struct str text, const char *error)
{
	const char *path = path_in(error);
	struct yaml_doc *doc = path ? yaml_parse(text, NULL) : NULL;
	const struct yaml *y = doc ? yaml_root(doc) : NULL;
	struct str rest = path ? (struct str){ path, strcspn(path, " :\"'\n") } : STR("");
	unsigned line = 0;

	while (y && rest.n)
		y = step_down(y, str_split(&rest, '.'), &line);
	yaml_doc_free(doc);
	return line;
}

json_t *merge_diff(const json_t *from, const json_t *to)
{
	json_t *patch = json_object(), *v, *old;
	const char *key;

	json_object_foreach((json_t *)from, key, v)
		if (!json_object_get(to, key))
			json_object_set_new(patch, key, json_null());
	json_object_foreach((json_t *)to, key, v) {
		old = json_object_get(from, key);
		if (old && json_equal(old, v))
			continue;
		if (json_is_object(old) && json_is_object(v))
			json_object_set_new(patch, key, merge_diff(old, v));
		else if (old || !json_is_null(v))
			json_object_set(patch, key, v);
	}
	return patch;
}

json_t *merge_apply(const json_t *onto, const json_t *patch)
{
	json_t *out, *v;
	const char *key;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	out = json_is_object(onto) ? json_deep_copy(onto) : json_object();
	json_object_foreach((json_t *)patch, key, v) {
		if (json_is_null(v))
			json_object_del(out, key);
		else
			json_object_set_new(out, key, merge_apply(json_object_get(out, key), v));
	}
	return out;
}

unsigned merge_clash(const json_t *one, const json_t *other, const char *path, struct buf *out)
{
	unsigned n = 0;
	const char *key;
	json_t *v, *w;

	json_object_foreach((json_t *)one, key, v) {
		char *here;

		w = json_object_get(other, key);
		if (!w || json_equal(v, w) || !strcmp(key, LIST_ORDER))   /* of two orders the user's is taken */
			continue;
		here = xasprintf("%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(v) && json_is_object(w))
			n += merge_clash(v, w, here, out);
		else
			buf_addf(out, "%s%s", out->len ? ", " : "", here), n++;
		free(here);
	}
	return n;
}
