/* ray: Ray Serve over HTTP: applications under routes. An application made with FastAPI describes itself; others take the JSON
 * that they expect, which only its user knows. */
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <stdlib.h>

static bool probe(struct serving *s)
{
	json_t *j;
	if (!serving_get(s, "/-/routes", &j, NULL, 0))
		return false;
	bool is = json_is_object(j);
	json_decref(j);
	return is;
}

/* The route is the model's name; "/" is that of an application at the root. */
static bool look(struct serving *s)
{
	json_t *routes = NULL, *app;
	const char *route, *named = setting(s, "model");
	bool healthy = serving_get(s, "/-/healthz", NULL, NULL, 0);
	char why[sizeof(s->error)];
	if (serving_lost(s))
		return false;
	memcpy(why, s->error, sizeof(why));
	if (!serving_get(s, "/-/routes", &routes, NULL, 0) && serving_lost(s))
		return false;
	json_object_foreach(routes, route, app) {
		const char *title = json_string_value(app);
		if (*route != '/' || (named && strcmp(named, title ? title : "") && strcmp(named, route)))
			continue;
		struct model *m = serving_model(s, route);
		set_text(&m->title, title);
		model_is(s, m, healthy ? STATUS_READY : STATUS_NOT_READY, healthy ? "" : why);
	}
	json_decref(routes);
	if (!s->nmodels)
		model_is(s, serving_model(s, ""), STATUS_NOT_READY, "no application runs");
	return true;
}

static void add_path(struct buf *out, const char *route, const char *rest)
{
	buf_adds(out, !strcmp(route, "/") ? "" : route);
	buf_adds(out, rest);
	if (!out->len)
		buf_addc(out, '/');
}

static json_t *schema(struct serving *s, struct model *m)
{
	struct buf path = { 0 };
	json_t *doc = NULL, *found = NULL;
	add_path(&path, m->name, "/openapi.json");
	if (serving_get(s, path.data, &doc, NULL, 0)) {
		struct openapi_paths p = openapi_paths(doc);
		found = p.predict ? schema_openapi(doc, p.predict) : NULL;
		if (found)
			json_object_set_new(found, "path", json_string(p.predict));
		if (found && p.explain)
			json_object_set_new(found, "explain", json_string(p.explain));
		m->explains = found && p.explain;
	}
	json_decref(doc);
	buf_release(&path);
	return found;
}

static bool form(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f)
{
	const char *said = setting(s, explain ? "explain_path" : "predict_path");
	const char *path = json_string_value(json_object_get(m->schema, explain ? "explain" : "path"));
	if (explain && !said && !path)
		return false;
	add_path(&f->path, m->name, said ? said : path ? path : "");
	f->body = schema_wrap(m->schema, inputs);
	return true;
}

const struct protocol protocol_ray = { .fixed = "Ray Serve has no reload: deploy the application again (PUT /api/serve/applications/)",
	 .name = "ray-serve", .title = "Ray Serve", .probe = probe, .look = look,
	.schema = schema, .form = form };
