/* schema: see schema.h. */
#include "backends/serving/schema.h"
#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MAX 500
#define DEEP 16

static json_t *new_schema(const char *from)
{
	return json_pack("{s:[], s:s}", "fields", "from", from);
}

static json_t *done(json_t *schema)
{
	if (json_array_size(json_object_get(schema, "fields")))
		return schema;
	json_decref(schema);
	return NULL;
}

static json_t *add_field(json_t *schema, const char *name, const char *type)
{
	json_t *fields = json_object_get(schema, "fields"), *f = json_pack("{s:s, s:s}", "name", name, "type", type);
	if (!f || json_array_size(fields) >= FIELDS_MAX) {
		json_decref(f);
		return NULL;
	}
	json_array_append_new(fields, f);
	return f;
}

/* ---- OpenAPI */

/* "#/components/schemas/X" within doc. */
static const json_t *resolve(const json_t *doc, const json_t *s)
{
	for (int deep = 0; deep < DEEP && *json_text(s, "$ref"); deep++) {
		struct str rest = str_of(json_text(s, "$ref"));
		if (!str_is(str_split(&rest, '/'), "#"))
			return NULL;
		for (s = doc; rest.n && s;) {
			char *part = str_dup(str_split(&rest, '/'));
			s = json_object_get(s, part);
			free(part);
		}
	}
	return s;
}

static bool is_null(const json_t *doc, const json_t *s)
{
	return !strcmp(json_text(resolve(doc, s), "type"), "null");
}

static void copy(json_t *to, const char *as, const json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);
	if (v && !json_object_get(to, as))
		json_object_set(to, as, v);
}

/* What `s` says goes into the field; where it says nothing, what was said before stays. */
static void take(const json_t *doc, const json_t *s, json_t *f, int deep)
{
	static const char *const choices[] = { "allOf", "anyOf", "oneOf" };
	const json_t *one, *type;
	size_t i;
	copy(f, "default", s, "default");
	copy(f, "help", s, "description");
	s = resolve(doc, s);
	if (!s || deep > DEEP)
		return;
	copy(f, "default", s, "default");
	copy(f, "help", s, "description");
	copy(f, "enum", s, "enum");
	copy(f, "min", s, "minimum");
	copy(f, "min", s, "exclusiveMinimum");
	copy(f, "max", s, "maximum");
	copy(f, "max", s, "exclusiveMaximum");
	if (json_object_get(s, "const") && !json_object_get(f, "enum"))
		json_object_set_new(f, "enum", json_pack("[O]", json_object_get(s, "const")));
	if (json_array_size(json_object_get(s, "examples")))
		json_object_set(f, "example", json_array_get(json_object_get(s, "examples"), 0));
	copy(f, "example", s, "example");
	type = json_object_get(s, "type");
	json_array_foreach(type, i, one)                        /* 3.1: ["number", "null"] */
		if (strcmp(json_string_value(one) ? json_string_value(one) : "null", "null"))
			type = one;
	if (json_is_string(type) && !*json_text(f, "type"))
		json_object_set(f, "type", (json_t *)(uintptr_t)type);
	for (size_t c = 0; c < ARRAY_SIZE(choices); c++) {
		json_array_foreach(json_object_get(s, choices[c]), i, one) {
			if (is_null(doc, one))
				continue;
			take(doc, one, f, deep + 1);
			if (c)
				break;                  /* the first that is not null serves */
		}
	}
}

static void settle_type(json_t *f)
{
	static const char *const known[] = { "integer", "number", "boolean", "string" };
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(json_text(f, "type"), known[i]))
			return;
	const json_t *first = json_array_get(json_object_get(f, "enum"), 0);
	json_object_set_new(f, "type", json_string(json_is_string(first) ? "string" : json_is_integer(first) ? "integer"
	                    : json_is_number(first) ? "number" : "json"));
}

/* allOf of a body: its parts' properties together. */
static void take_properties(const json_t *doc, const json_t *s, json_t *schema, int deep)
{
	const char *name;
	json_t *p;
	const json_t *one, *required = json_object_get(s, "required");
	size_t i;
	json_object_foreach(json_object_get(s, "properties"), name, p) {
		json_t *f = add_field(schema, name, "");
		bool wanted = false;
		if (!f)
			continue;
		json_object_del(f, "type");
		take(doc, p, f, 0);
		settle_type(f);
		json_array_foreach(required, i, one)
			wanted |= json_is_string(one) && !strcmp(json_string_value(one), name);
		if (wanted)
			json_object_set_new(f, "required", json_true());
	}
	json_array_foreach(json_object_get(s, "allOf"), i, one)
		if (deep < DEEP)
			take_properties(doc, resolve(doc, one), schema, deep + 1);
}

/* Through a body that only wraps the inputs: a list, or an object with one property that is an object or a list. */
static const json_t *unwrap(const json_t *doc, const json_t *s, json_t *wrap)
{
	for (int deep = 0; deep < DEEP; deep++) {
		json_t *properties = json_object_get(s, "properties"), *only;
		const json_t *in;
		if (!strcmp(json_text(s, "type"), "array")) {
			json_array_append_new(wrap, json_string("[]"));
			s = resolve(doc, json_object_get(s, "items"));
			continue;
		}
		if (json_object_size(properties) != 1)
			return s;
		only = json_object_iter_value(json_object_iter(properties));
		in = resolve(doc, only);
		if (!json_object_get(in, "properties") && (strcmp(json_text(in, "type"), "array") ||
		    !json_object_get(resolve(doc, json_object_get(in, "items")), "properties")))
			return s;
		json_array_append_new(wrap, json_string(json_object_iter_key(json_object_iter(properties))));
		s = in;
	}
	return s;
}

static const json_t *body_of(const json_t *doc, const char *path)
{
	const json_t *post = json_object_get(json_object_get(json_object_get(doc, "paths"), path), "post");
	const json_t *content = json_object_get(resolve(doc, json_object_get(post, "requestBody")), "content");
	return resolve(doc, json_object_get(json_object_get(content, "application/json"), "schema"));
}

json_t *schema_openapi(const json_t *doc, const char *path)
{
	json_t *schema = new_schema("its OpenAPI description"), *wrap = json_array();
	take_properties(doc, unwrap(doc, body_of(doc, path), wrap), schema, 0);
	json_object_set_new(schema, "wrap", wrap);
	return done(schema);
}

struct openapi_paths openapi_paths(const json_t *doc)
{
	static const char *const predicts[] = { "/predict", "/v1/predict", "/api/predict", "/api/v1/predict", "/predictions",
		"/inference", "/infer", "/score", "/invocations" };
	struct openapi_paths p = { 0 };
	const char *path;
	json_t *item;
	for (size_t i = 0; i < ARRAY_SIZE(predicts) && !p.predict; i++)
		if (json_object_get(json_object_get(json_object_get(doc, "paths"), predicts[i]), "post"))
			p.predict = predicts[i];
	json_object_foreach(json_object_get(doc, "paths"), path, item) {
		if (!json_object_get(item, "post"))
			continue;
		if (!p.predict && str_find(str_of(path), STR("predict"), true) != STR_NONE && !strchr(path, '{') &&
		    str_find(str_of(path), STR("batch"), true) == STR_NONE)
			p.predict = path;
		if (!p.explain && str_find(str_of(path), STR("expla"), true) != STR_NONE && !strchr(path, '{'))
			p.explain = path;
	}
	return p;
}

/* ---- Open Inference Protocol */

static const char *type_of_datatype(const char *datatype)
{
	return !strncmp(datatype, "INT", 3) || !strncmp(datatype, "UINT", 4) ? "integer" : !strcmp(datatype, "BOOL") ? "boolean"
	       : !strcmp(datatype, "BYTES") ? "string" : "number";
}

json_t *schema_v2(const json_t *metadata)
{
	json_t *schema = new_schema("the server's metadata"), *inputs = json_object_get(metadata, "inputs"), *one;
	size_t i;
	if (json_array_size(inputs) == 1) {
		const json_t *shape = json_object_get(json_array_get(inputs, 0), "shape");
		json_int_t n = json_integer_value(json_array_get(shape, json_array_size(shape) - 1));
		one = json_array_get(inputs, 0);
		if (json_array_size(shape) == 2 && n > 1 && n <= FIELDS_MAX) {
			for (json_int_t k = 0; k < n; k++) {
				char name[32];
				snprintf(name, sizeof(name), "%lld", (long long)k);
				add_field(schema, name, type_of_datatype(json_text(one, "datatype")));
			}
			json_object_set_new(schema, "tensor", json_string(json_text(one, "name")));
			json_object_set_new(schema, "datatype", json_string(json_text(one, "datatype")));
			return schema;
		}
	}
	json_array_foreach(inputs, i, one) {
		json_t *f = *json_text(one, "name") ? add_field(schema, json_text(one, "name"), type_of_datatype(json_text(one, "datatype"))) : NULL;
		if (f && json_object_set_new(f, "required", json_true()) == 0)
			json_object_set_new(f, "datatype", json_string(json_text(one, "datatype")));
		if (f && json_array_size(json_object_get(one, "shape")) == 2)
			json_object_set_new(f, "column", json_true());
	}
	return done(schema);
}

/* ---- MLflow */

/* "Model is missing inputs ['bed', 'bath']": names without types. */
static json_t *missing_inputs(struct str s)
{
	json_t *schema = new_schema("what it says it misses");
	size_t at = str_find(s, STR("missing inputs ["), false);
	struct str rest = at == STR_NONE ? STR("") : (struct str){ s.p + at + 16, s.n - at - 16 };
	while (rest.n && *rest.p == '\'') {
		rest = (struct str){ rest.p + 1, rest.n - 1 };
		char *name = str_dup(str_split(&rest, '\''));
		json_t *f = rest.p ? add_field(schema, name, "json") : NULL;
		if (f)
			json_object_set_new(f, "required", json_true());
		free(name);
		while (rest.n && (*rest.p == ',' || *rest.p == ' '))
			rest = (struct str){ rest.p + 1, rest.n - 1 };
	}
	return done(schema);
}

json_t *schema_mlflow(struct str s)
{
	json_t *schema = new_schema("the model's signature");
	size_t at = str_find(s, STR("schema '["), false);
	struct str rest = at == STR_NONE ? STR("") : (struct str){ s.p + at + 9, s.n - at - 9 };
	while (rest.n && *rest.p == '\'') {
		struct str name, tail;
		rest = (struct str){ rest.p + 1, rest.n - 1 };
		name = str_split(&rest, '\'');
		if (!rest.n || *rest.p != ':')
			break;
		tail = str_split(&rest, ')');                   /* ": long (required" */
		struct str type = str_trim((struct str){ tail.p + 1, tail.n - 1 });
		char *plain = str_dup(name);
		json_t *f = add_field(schema, plain, str_starts(type, STR("long")) || str_starts(type, STR("integer")) ? "integer"
			: str_starts(type, STR("double")) || str_starts(type, STR("float")) ? "number"
			: str_starts(type, STR("boolean")) ? "boolean" : str_starts(type, STR("string")) ? "string" : "json");
		if (f && str_contains_fold(type, STR("required")))
			json_object_set_new(f, "required", json_true());
		free(plain);
		while (rest.n && (*rest.p == ',' || *rest.p == ' '))
			rest = (struct str){ rest.p + 1, rest.n - 1 };
	}
	schema = done(schema);
	return schema ? schema : missing_inputs(s);
}

/* ---- what was sent before */

json_t *schema_inputs(const json_t *inputs)
{
	json_t *schema = new_schema("inputs sent before"), *v;
	const char *name;
	json_object_foreach((json_t *)(uintptr_t)inputs, name, v) {
		json_t *f = add_field(schema, name, json_is_integer(v) ? "integer" : json_is_real(v) ? "number" : json_is_boolean(v)
			? "boolean" : json_is_string(v) ? "string" : "json");
		if (f)
			json_object_set(f, "default", v);
	}
	return done(schema);
}

json_t *schema_wrap(const json_t *schema, const json_t *inputs)
{
	json_t *body = json_incref((json_t *)(uintptr_t)inputs);
	const json_t *wrap = json_object_get(schema, "wrap");
	for (size_t i = json_array_size(wrap); i-- > 0;) {
		const char *name = json_string_value(json_array_get(wrap, i));
		body = name && !strcmp(name, "[]") ? json_pack("[o]", body) : json_pack("{s:o}", name ? name : "", body);
	}
	return body;
}
