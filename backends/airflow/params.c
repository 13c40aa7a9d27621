/* params: the parameters that a pipeline defines, as fields of a form, and what a run is to be given held against them. Airflow
 * describes each by a JSON schema; of it, type, enum, bounds, pattern of dates and description count here. The rest is checked
 * by Airflow itself when it is sent. */
#include "backends/airflow/acts.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

/* As one would type it: texts without quotes, the rest as JSON. Caller frees. */
static char *typed(const json_t *v)
{
	if (json_is_string(v))
		return str_dup((struct str){ json_string_value(v), json_string_length(v) });
	return !v || json_is_null(v) ? xstrdup("") : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static bool has_type(const json_t *schema, const char *name)
{
	const json_t *type = json_object_get(schema, "type"), *v;
	size_t i;
	if (json_is_string(type))
		return !strcmp(json_string_value(type), name);
	json_array_foreach(type, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), name))
			return true;
	return false;
}

/* The schema says a type; else the default's is a hint, no more. */
static const char *type_of(const json_t *schema, const json_t *value)
{
	static const char *const types[] = { "string", "integer", "number", "boolean", "object", "array" };
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (has_type(schema, types[i]))
			return types[i];
	return json_is_boolean(value) ? "boolean" : json_is_number(value) ? "number" : json_is_object(value) ? "object"
	     : json_is_array(value) ? "array" : "string";
}

static const json_t *choices_of(const json_t *schema)
{
	const json_t *list = json_object_get(schema, "enum");
	return json_array_size(list) ? list : NULL;
}

static bool is_required(const json_t *schema, const json_t *value)
{
	return (!value || json_is_null(value)) && json_object_get(schema, "type") && !has_type(schema, "null");
}

static void add_help(const json_t *o, const json_t *schema, const char *type, struct buf *out)
{
	const json_t *value = json_object_get(o, "value"), *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum");
	struct str about = text_in(o, "description").n ? text_in(o, "description") : text_in(schema, "description");
	char *plain = typed(value);
	buf_addf(out, STR_FMT "%s", STR_ARG(about), about.n ? "; " : "");
	if (json_is_number(min))
		buf_addf(out, "from %.12g ", json_number_value(min));
	if (json_is_number(max))
		buf_addf(out, "to %.12g", json_number_value(max));
	if (json_is_number(min) || json_is_number(max))
		buf_adds(out, "; ");
	if (!strcmp(type, "object") || !strcmp(type, "array"))
		buf_addf(out, "JSON, %s; ", type);
	if (text_in(schema, "format").n)
		buf_addf(out, STR_FMT "; ", STR_ARG(text_in(schema, "format")));
	if (is_required(schema, value))
		buf_adds(out, "it must be given");
	else
		buf_addf(out, "otherwise %.80s", json_is_string(value) && !*plain ? "empty" : json_is_null(value) ? "null" : plain);
	free(plain);
}

json_t *params_form(const json_t *params, const json_t *given)
{
	json_t *fields = json_array();
	const char *name;
	json_t *o;
	json_object_foreach((json_t *)(uintptr_t)params, name, o) {
		const json_t *schema = json_object_get(o, "schema"), *value = json_object_get(o, "value"), *begin = json_object_get(given, name);
		const json_t *choices = choices_of(schema), *c;
		const char *type = type_of(schema, value);
		json_t *f = json_pack("{s:s++}", "name", "conf.", name, ""), *list = json_array();
		struct buf help = { 0 };
		size_t i;
		char *text = typed(begin ? begin : value);
		json_array_foreach(choices, i, c) {
			char *t = typed(c);
			json_array_append_new(list, json_string(t));
			free(t);
		}
		add_help(o, schema, type, &help);
		struct str title = text_in(schema, "title");
		json_object_set_new(f, "title", title.n ? json_stringn(title.p, title.n) : json_string(name));
		json_object_set_new(f, "help", json_stringn(help.data, help.len));
		json_object_set_new(f, "type", json_string(choices ? "choice" : !strcmp(type, "integer") ? "count" : !strcmp(type, "number")
			? "real" : !strcmp(type, "boolean") ? "bool" : "text"));
		json_object_set_new(f, "default", json_string(text));
		json_object_set_new(f, "required", json_boolean(is_required(schema, value)));
		json_object_set_new(f, "choices", list);
		json_object_set(f, "min", json_object_get(schema, "minimum"));
		json_object_set(f, "max", json_object_get(schema, "maximum"));
		json_array_append_new(fields, f);
		buf_release(&help);
		free(text);
	}
	return fields;
}

/* ---- values held against it */

/* A text as the schema wants it; NULL: as it is. */
static json_t *converted(const json_t *schema, const json_t *value, const json_t *v)
{
	const char *type = type_of(schema, value);
	const json_t *choices = choices_of(schema), *c;
	struct str s = { json_string_value(v), json_string_length(v) };
	char why[8];
	size_t i;
	if (json_is_real(v) && json_real_value(v) == floor(json_real_value(v)) && fabs(json_real_value(v)) < 1e15 && !json_is_real(value))
		return json_integer((json_int_t)json_real_value(v));
	if (!json_is_string(v))
		return NULL;
	json_array_foreach(choices, i, c) {
		char *t = typed(c);
		bool same = str_is(s, t);
		free(t);
		if (same)
			return json_incref((json_t *)(uintptr_t)c);
	}
	if (!strcmp(type, "string"))
		return NULL;
	return json_read(s, NULL, why, sizeof(why));
}

static bool is_of(const json_t *schema, const json_t *v)
{
	return !json_object_get(schema, "type") || (json_is_null(v) && has_type(schema, "null")) ||
	       (json_is_string(v) && has_type(schema, "string")) || (json_is_boolean(v) && has_type(schema, "boolean")) ||
	       (json_is_integer(v) && has_type(schema, "integer")) || (json_is_number(v) && has_type(schema, "number")) ||
	       (json_is_object(v) && has_type(schema, "object")) || (json_is_array(v) && has_type(schema, "array"));
}

static char *wrong_with(const char *name, const json_t *schema, const json_t *v)
{
	const json_t *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum"), *choices = choices_of(schema), *c;
	const json_t *shortest = json_object_get(schema, "minLength"), *longest = json_object_get(schema, "maxLength");
	size_t i, chars = 0;
	if (!is_of(schema, v)) {
		char *type = json_dumps(json_object_get(schema, "type"), JSON_ENCODE_ANY), *text = typed(v);
		char *why = xasprintf("'%s' is of type %s, not '%.80s'", name, type ? type : "?", text ? text : "");
		free(type);
		free(text);
		return why;
	}
	json_array_foreach(choices, i, c)
		if (json_equal(c, v))
			choices = NULL;
	if (choices) {
		char *all = json_dumps(choices, JSON_COMPACT), *text = typed(v);
		char *why = xasprintf("'%s' is one of %.200s, not '%.80s'", name, all, text ? text : "");
		free(all);
		free(text);
		return why;
	}
	if (json_is_number(v) && json_is_number(min) && json_number_value(v) < json_number_value(min))
		return xasprintf("'%s' is at least %.12g, not %.12g", name, json_number_value(min), json_number_value(v));
	if (json_is_number(v) && json_is_number(max) && json_number_value(v) > json_number_value(max))
		return xasprintf("'%s' is at most %.12g, not %.12g", name, json_number_value(max), json_number_value(v));
	for (const char *s = json_string_value(v); s && *s; s++)
		chars += ((unsigned char)*s & 0xc0) != 0x80;
	if (json_is_string(v) && json_is_integer(shortest) && (json_int_t)chars < json_integer_value(shortest))
		return xasprintf("'%s' is shorter than %lld characters", name, (long long)json_integer_value(shortest));
	if (json_is_string(v) && json_is_integer(longest) && (json_int_t)chars > json_integer_value(longest))
		return xasprintf("'%s' is longer than %lld characters", name, (long long)json_integer_value(longest));
	return NULL;
}

char *params_check(const json_t *params, json_t *conf)
{
	const char *name;
	json_t *o, *v;
	char *why = NULL;
	json_object_foreach((json_t *)(uintptr_t)params, name, o) {
		const json_t *schema = json_object_get(o, "schema"), *value = json_object_get(o, "value");
		v = json_object_get(conf, name);
		json_t *better = v ? converted(schema, value, v) : NULL;
		if (better) {
			json_object_set_new(conf, name, better);
			v = better;
		}
		if (!why && !v && is_required(schema, value))
			why = xasprintf("the pipeline wants '%s'", name);
		if (!why && v)
			why = wrong_with(name, schema, v);
		if (v && json_equal(v, value))
			json_object_del(conf, name);
	}
	return why;
}
