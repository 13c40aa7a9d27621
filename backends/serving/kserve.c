/* kserve: KServe's V1 protocol: instances in, predictions out, and an explainer at :explain. Where the server speaks v2 too, the
 * fields come from there. */
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

/* {"models": ["a"]}; older ones and TensorFlow Serving have no such list. */
static json_t *list_of(struct serving *s)
{
	json_t *j = NULL, *list;
	if (!serving_get(s, "/v1/models", &j, NULL, 0))
		return NULL;
	list = json_incref(json_object_get(j, "models"));
	json_decref(j);
	return list;
}

static bool probe(struct serving *s)
{
	json_t *list = list_of(s);
	bool is = json_is_array(list);
	json_decref(list);
	return is;
}

static bool look(struct serving *s)
{
	const char *named = setting(s, "model"), *name;
	json_t *list = named ? NULL : list_of(s), *one;
	size_t i;
	if (!named && !list)
		return !serving_lost(s);
	if (named)
		serving_model(s, named);
	json_array_foreach(list, i, one)
		if ((name = json_string_value(json_is_object(one) ? json_object_get(one, "name") : one)) && *name)
			serving_model(s, name);
	json_decref(list);
	for (unsigned k = 0; k < s->nmodels; k++) {
		struct model *m = &s->models[k];
		char *path = model_path("/v1/models/", m, "");
		json_t *j = NULL;
		bool ok = serving_get(s, path, &j, NULL, 0);
		bool ready = ok && !json_is_false(json_object_get(j, "ready"));
		/* "ready" as a word, where it was written by hand */
		const char *word = json_string_value(json_object_get(j, "ready"));
		ready = ready && (!word || (word[0] | 32) == 't');
		free(path);
		json_decref(j);
		if (serving_lost(s))
			return false;
		model_is(s, m, ready ? STATUS_READY : STATUS_NOT_READY, ready ? "" : ok ? "it says that it is not ready" : s->error);
	}
	return true;
}

/* A tensor without names is a plain list of numbers here. */
static json_t *instance(const struct serving *s, const struct model *m, const json_t *inputs)
{
	const char *rows = setting(s, "rows");
	json_t *list, *v;
	const char *name;
	bool digits = true;
	json_object_foreach((json_t *)(uintptr_t)inputs, name, v)
		digits &= *name >= '0' && *name <= '9';
	if (rows ? strcmp(rows, "lists") != 0 : !digits && !json_object_get(m->schema, "tensor"))
		return json_incref((json_t *)(uintptr_t)inputs);
	list = json_array();
	json_object_foreach((json_t *)(uintptr_t)inputs, name, v)
		json_array_append(list, v);
	return list;
}

static bool form(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f)
{
	if (explain && m->explains == 0)
		return false;
	char *path = model_path("/v1/models/", m, explain ? ":explain" : ":predict");
	buf_adds(&f->path, path);
	free(path);
	f->body = json_pack("{s:[o]}", "instances", instance(s, m, inputs));
	return true;
}

const struct protocol protocol_kserve = { .fixed = "KServe's V1 protocol loads nothing anew: change storageUri of the InferenceService, or restart its pods",
	 .name = "kserve-v1", .title = "KServe V1", .probe = probe, .look = look,
	.schema = v2_schema, .form = form };
