/* fields: see fields.h. */
#include "base/fields.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_NAMED 16

static json_t *read_count(const struct field *f, struct str s, char **why)
{
	int64_t i = 0;
	if (!str_to_i64(s, &i))
		*why = xasprintf("'%s' is a whole number, not '" STR_FMT "'", f->title, STR_ARG(s));
	else if (f->max > f->min && (i < f->min || i > f->max))
		*why = f->max == INT64_MAX ? xasprintf("'%s' is at least %lld", f->title, (long long)f->min)
		     : f->min == INT64_MIN ? xasprintf("'%s' is at most %lld", f->title, (long long)f->max)
		     : xasprintf("'%s' is from %lld to %lld", f->title, (long long)f->min, (long long)f->max);
	return *why ? NULL : json_integer(i);
}

static json_t *read_real(const struct field *f, struct str s, char **why)
{
	double d = 0;
	if (!str_to_f64(s, &d))
		*why = xasprintf("'%s' is a number, not '" STR_FMT "'", f->title, STR_ARG(s));
	else if (f->to > f->from && d < f->from)
		*why = xasprintf("'%s' is at least %.12g", f->title, f->from);
	else if (f->to > f->from && d > f->to)
		*why = xasprintf("'%s' is at most %.12g", f->title, f->to);
	return *why ? NULL : json_real(d);
}

static json_t *read_bool(const struct field *f, struct str s, char **why)
{
	bool yes = str_is(s, "true") || str_is(s, "yes");
	if (!yes && !str_is(s, "false") && !str_is(s, "no"))
		*why = xasprintf("'%s' is true or false, not '" STR_FMT "'", f->title, STR_ARG(s));
	return *why ? NULL : json_boolean(yes);
}

static json_t *read_duration(const struct field *f, struct str s, char **why)
{
	double d = 0;
	if (!duration_parse(s, true, &d) || d > 1e15)
		*why = xasprintf("'%s' is a time such as 30s, 5m or 2h, not '" STR_FMT "'", f->title, STR_ARG(s));
	return *why ? NULL : json_integer((int64_t)d);
}

static bool is_choice(const struct field *f, struct str s)
{
	struct str rest = str_of(f->choices);
	while (rest.n)
		if (str_eq(str_split(&rest, '|'), s))
			return true;
	return false;
}

json_t *field_read(const struct field *f, struct str s, char **why)
{
	json_t *j;
	*why = NULL;
	if (!s.n) {
		if (f->required)
			*why = xasprintf("'%s' is needed", f->title);
		return NULL;
	}
	switch (f->type) {
	case FIELD_COUNT:
		return read_count(f, s, why);
	case FIELD_REAL:
		return read_real(f, s, why);
	case FIELD_BOOL:
		return read_bool(f, s, why);
	case FIELD_DURATION:
		return read_duration(f, s, why);
	case FIELD_CHOICE:
		if (!is_choice(f, s)) {
			*why = xasprintf("'%s' is one of %s, not '" STR_FMT "'", f->title, f->choices, STR_ARG(s));
			return NULL;
		}
		break;
	case FIELD_TEXT:
		break;
	}
	j = json_stringn(s.p, s.n);
	if (!j)
		*why = xasprintf("'%s' is not UTF-8", f->title);
	return j;
}

static void takes(const struct field *f, struct buf *out)
{
	bool bounded = f->type == FIELD_COUNT && f->max > f->min;
	switch (f->type) {
	case FIELD_COUNT:
		buf_adds(out, "a whole number");
		break;
	case FIELD_REAL:
		buf_adds(out, "a number");
		break;
	case FIELD_BOOL:
		buf_adds(out, "true or false");
		break;
	case FIELD_DURATION:
		buf_adds(out, "a time such as 30s, 5m or 2h");
		break;
	case FIELD_CHOICE:
		buf_adds(out, f->choices);
		break;
	case FIELD_TEXT:
		buf_adds(out, "text");
		break;
	}
	if (bounded && f->max >= INT32_MAX)
		buf_addf(out, ", at least %lld", (long long)f->min);
	else if (bounded)
		buf_addf(out, " from %lld to %lld", (long long)f->min, (long long)f->max);
}

void field_say(const struct field *f, struct buf *out)
{
	if (strcmp(f->title, f->name))
		buf_addf(out, "%s: ", f->title);
	takes(f, out);
	buf_addf(out, "%s%s%s", f->required && !f->otherwise ? ", needed" : "", f->help ? "; " : "", f->help ? f->help : "");
}

static char *no_such(const struct action *a, struct str name)
{
	const char *names[FIELDS_NAMED], *near;
	struct buf all = { 0 };
	unsigned n = 0;
	char *text;
	for (const struct field *f = a->fields; f && f->name && n < FIELDS_NAMED; f++)
		names[n++] = f->name;
	near = str_nearest(name, names, n);
	for (unsigned i = 0; i < n; i++)
		buf_addf(&all, "%s%s%s", i ? ", " : "", names[i], a->fields[i].asked && !strcmp(names[i], "conf") ? ", conf.NAME" : "");
	text = near ? xasprintf("'%s' has no parameter '" STR_FMT "'; did you mean '%s'?", a->name, STR_ARG(name), near)
	     : n ? xasprintf("'%s' has no parameter '" STR_FMT "'; it takes %s", a->name, STR_ARG(name), all.data)
	     : xasprintf("'%s' takes no parameters", a->name);
	buf_release(&all);
	return text;
}

bool fields_take(const struct action *a, json_t *params, struct str word, char **why)
{
	struct str value = word, name = str_split(&value, '=');
	*why = NULL;
	if (!name.n || !value.p) {
		*why = xasprintf("'" STR_FMT "' is no parameter: write NAME=VALUE", STR_ARG(word));
		return false;
	}
	for (const struct field *f = a->fields; f && f->name; f++) {
		size_t n = strlen(f->name);
		bool part = f->asked && name.n > n + 1 && !strncmp(name.p, f->name, n) && name.p[n] == '.';
		json_t *v;
		if (!part && !str_is(name, f->name))
			continue;
		struct field named = *f;
		named.title = f->name;               /* what was typed, not what a form would say */
		v = part ? json_stringn(value.p, value.n) : field_read(&named, value, why);
		if (v)
			json_object_setn_new(params, name.p, name.n, v);
		else if (part)
			*why = xasprintf("'" STR_FMT "' is not UTF-8", STR_ARG(name));
		return !*why;
	}
	*why = no_such(a, name);
	return false;
}

char *fields_missing(const struct action *a, const json_t *params)
{
	for (const struct field *f = a->fields; f && f->name; f++)
		if (f->required && !f->otherwise && !json_object_get(params, f->name))
			return xasprintf("%s=... is needed: %s", f->name, f->help ? f->help : f->title);
	return NULL;
}
