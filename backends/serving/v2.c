/* v2: the Open Inference Protocol: KServe, MLServer, Triton. */
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

char *model_path(const char *before, const struct model *m, const char *after)
{
	struct buf b = { 0 };
	buf_adds(&b, before);
	http_escape(&b, str_of(m->name));
	buf_adds(&b, after);
	return buf_detach(&b);
}

static bool probe(struct serving *s)
{
	json_t *j;
	if (!serving_get(s, "/v2", &j, NULL, 0))
		return false;
	bool is = json_is_string(json_object_get(j, "name")) && json_object_get(j, "version");
	if (is)
		set_text(&s->flavour, json_string_value(json_object_get(j, "version")));
	json_decref(j);
	return is;
}

/* Which models there are: MLServer and Triton have an index, which is asked for by POST. */
static void take_index(struct serving *s)
{
	struct http_reply reply;
	json_t *list = NULL, *one;
	size_t i;
	s->asked++;
	if (http_call(s->http, &(struct http_request){ .method = "POST", .path = "/v2/repository/index", .body = STR("{}"),
	              .timeout_ms = 5000, .max = 1 << 20, .cancelled = is_cancelled, .cancelled_arg = s }, &reply))
		list = json_loadb(reply.body.data, reply.body.len, 0, NULL);
	json_array_foreach(list, i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *version = json_string_value(json_object_get(one, "version"));
		struct model *m = name && *name ? serving_model(s, name) : NULL;
		if (m && version && *version)
			set_text(&m->version, version);
	}
	json_decref(list);
	http_reply_release(&reply);
}

static bool look(struct serving *s)
{
	const char *named = setting(s, "model");
	if (named)
		serving_model(s, named);
	else
		take_index(s);
	if (!s->nmodels) {
		if (!serving_get(s, "/v2/health/ready", NULL, NULL, 0) && serving_lost(s))
			return false;
		model_is(s, serving_model(s, ""), STATUS_UNKNOWN, "it does not list its models: name one with 'model:'");
		return true;
	}
	for (unsigned i = 0; i < s->nmodels; i++) {
		struct model *m = &s->models[i];
		char *path = model_path("/v2/models/", m, "/ready");
		bool ready = serving_get(s, path, NULL, NULL, 0);
		free(path);
		if (serving_lost(s))
			return false;
		m->explains = 0;
		model_is(s, m, ready ? STATUS_READY : STATUS_NOT_READY, ready ? "" : s->error);
	}
	return true;
}

json_t *v2_schema(struct serving *s, struct model *m)
{
	json_t *j = NULL, *schema = NULL;
	char *path = model_path("/v2/models/", m, "");
	if (serving_get(s, path, &j, NULL, 0))
		schema = schema_v2(j);
	json_decref(j);
	free(path);
	return schema;
}

static const char *datatype_of(const json_t *v)
{
	return json_is_integer(v) ? "INT64" : json_is_real(v) ? "FP64" : json_is_boolean(v) ? "BOOL" : "BYTES";
}

/* One tensor of all the fields in order. */
static json_t *one_tensor(const struct model *m, const json_t *inputs)
{
	const json_t *fields = json_object_get(m->schema, "fields"), *f;
	json_t *data = json_array();
	size_t i;
	json_array_foreach(fields, i, f) {
		json_t *v = json_object_get(inputs, json_string_value(json_object_get(f, "name")));
		json_is_null(v) || !v ? json_array_append_new(data, json_integer(0)) : json_array_append(data, v);
	}
	return json_pack("[{s:O, s:O, s:[i,i], s:o}]", "name", json_object_get(m->schema, "tensor"), "datatype",
	                 json_object_get(m->schema, "datatype"), "shape", 1, (int)json_array_size(fields), "data", data);
}

static const json_t *field_named(const json_t *schema, const char *name)
{
	const json_t *f;
	size_t i;
	json_array_foreach(json_object_get(schema, "fields"), i, f)
		if (json_is_string(json_object_get(f, "name")) && !strcmp(json_string_value(json_object_get(f, "name")), name))
			return f;
	return NULL;
}

static bool form(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f)
{
	json_t *tensors = json_array(), *v;
	const char *name;
	(void)s;
	if (explain) {
		json_decref(tensors);
		return false;
	}
	char *path = model_path("/v2/models/", m, "/infer");
	buf_adds(&f->path, path);
	free(path);
	if (json_object_get(m->schema, "tensor")) {
		json_decref(tensors);
		tensors = one_tensor(m, inputs);
	} else {
		json_object_foreach((json_t *)(uintptr_t)inputs, name, v) {
			const json_t *field = field_named(m->schema, name), *type = json_object_get(field, "datatype");
			const char *datatype = json_is_string(type) ? json_string_value(type) : datatype_of(v);
			json_t *t = json_pack("{s:s, s:s, s:[O]}", "name", name, "datatype", datatype, "data", v);
			json_object_set_new(t, "shape", json_object_get(field, "column") || !field ? json_pack("[i,i]", 1, 1)
			                    : json_pack("[i]", 1));
			if (!strcmp(datatype, "BYTES"))
				json_object_set_new(t, "parameters", json_pack("{s:s}", "content_type", "str"));
			json_array_append_new(tensors, t);
		}
	}
	f->body = json_pack("{s:o}", "inputs", tensors);
	return true;
}

static char *reload(struct serving *s, struct model *m, bool unload, char *why, size_t size)
{
	if (*m->name)
		return model_path("/v2/repository/models/", m, unload ? "/unload" : "/load");
	(void)s;
	snprintf(why, size, "which model is not known: name it with 'model'");
	return NULL;
}

const struct protocol protocol_v2 = { .reload = reload, .name = "v2", .title = "Open Inference Protocol v2", .probe = probe, .look = look,
	.schema = v2_schema, .form = form };
