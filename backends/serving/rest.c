/* rest: services that teams write themselves: /predict and, where they have it, /explain, /health, /ready, /model, described by
 * /openapi.json. */
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "backends/serving/answer.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static struct model *only(struct serving *s)
{
	return serving_model(s, "");
}

static const char *path_of(struct serving *s, bool explain)
{
	const char *said = setting(s, explain ? "explain_path" : "predict_path");
	struct openapi_paths p = openapi_paths(s->openapi);
	if (said)
		return said;
	return explain ? p.explain : p.predict ? p.predict : "/predict";
}

static bool take_openapi(struct serving *s)
{
	json_t *doc;
	if (!serving_get(s, "/openapi.json", &doc, NULL, 0))
		return false;
	if (!json_is_object(json_object_get(doc, "paths"))) {
		json_decref(doc);
		return false;
	}
	json_decref(s->openapi);
	s->openapi = doc;
	return true;
}

static bool probe(struct serving *s)
{
	if (take_openapi(s) && openapi_paths(s->openapi).predict)
		return true;
	/* without a description: a path that is there, but not for GET */
	return !serving_lost(s) && !serving_get(s, path_of(s, false), NULL, NULL, 0) && s->status == 405;
}

/* "model_version", "version" ... of GET /model */
static void take_model(struct model *m, json_t *j)
{
	static const struct { const char *key; size_t at; } known[] = {
		{ "model_version", offsetof(struct model, version) }, { "version", offsetof(struct model, version) },
		{ "model_stage", offsetof(struct model, stage) }, { "stage", offsetof(struct model, stage) },
		{ "alias", offsetof(struct model, stage) },
		{ "model_run_id", offsetof(struct model, run) }, { "run_id", offsetof(struct model, run) },
		{ "model_name", offsetof(struct model, title) }, { "name", offsetof(struct model, title) },
		{ "loaded_at", offsetof(struct model, loaded) }, { "model_loaded_at", offsetof(struct model, loaded) },
		{ "last_reload", offsetof(struct model, loaded) },
	};
	size_t seen = 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct buf b = { 0 };
		if (!(seen & (size_t)1 << known[i].at / sizeof(char *)) && scalar_text(json_object_get(j, known[i].key), &b) && b.len) {
			set_text((char **)((char *)m + known[i].at), b.data);
			seen |= (size_t)1 << known[i].at / sizeof(char *);
		}
		buf_release(&b);
	}
}

static bool look(struct serving *s)
{
	struct model *m = only(s);
	json_t *j = NULL;
	bool ready = serving_get(s, s->no_ready ? "/health" : "/ready", &j, NULL, 0);
	if (serving_lost(s))
		return false;
	if (s->status == 404 && !s->no_ready) {
		s->no_ready = true;
		ready = serving_get(s, "/health", &j, NULL, 0);
	}
	if (serving_lost(s))
		return json_decref(j), false;
	bool says = json_is_false(json_object_get(j, "ready")) || json_is_false(json_object_get(j, "model_loaded"));
	if (s->status == 404)                            /* it answers: more cannot be known */
		model_is(s, m, STATUS_READY, "");
	else
		model_is(s, m, ready && !says ? STATUS_READY : STATUS_NOT_READY, says ? "it says that no model is loaded" : s->error);
	json_decref(j);
	if (!s->no_model && serving_get(s, "/model", &j, NULL, 0)) {
		take_model(m, j);
		json_decref(j);
	} else if (s->status == 404) {
		s->no_model = true;
	}
	if (m->explains < 0 && s->openapi && !path_of(s, true))
		m->explains = 0;
	return true;
}

static json_t *schema(struct serving *s, struct model *m)
{
	(void)m;
	if (!s->openapi && !take_openapi(s))
		return NULL;
	return schema_openapi(s->openapi, path_of(s, false));
}

static bool form(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f)
{
	const char *path = path_of(s, explain);
	if (explain && (m->explains == 0 || (!path && s->openapi)))
		return false;
	buf_adds(&f->path, path ? path : "/explain");
	f->body = schema_wrap(m->schema, inputs);
	return true;
}

/* As set, else as its description has it; without a description the usual name, which shows when it is asked. */
static char *reload(struct serving *s, struct model *m, bool unload, char *why, size_t size)
{
	const char *said = setting(s, "reload_path"), *path;
	json_t *item, *paths = json_object_get(s->openapi, "paths");
	(void)m;
	if (unload) {
		snprintf(why, size, "a REST service is not unloaded: scale its Deployment to 0");
		return NULL;
	}
	if (said || !paths)
		return xstrdup(said ? said : "/reload");
	json_object_foreach(paths, path, item)
		if (json_object_get(item, "post") && str_find(str_of(path), STR("reload"), true) != STR_NONE && !strchr(path, '{'))
			return xstrdup(path);
	snprintf(why, size, "its OpenAPI description has no POST /reload: restart it instead, or name its path with 'reload_path'");
	return NULL;
}

const struct protocol protocol_rest = { .reload = reload, .name = "rest", .title = "REST, described by OpenAPI", .probe = probe, .look = look,
	.schema = schema, .form = form };
