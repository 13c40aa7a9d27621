/* demo_reload: model-api loads its model anew: whatever is champion then. v7 needs more memory than its pods have: from a few seconds
 * after it is loaded they are killed under it, and its share of errors rises (demo_serving.c). */
#include "backends/demo/world.h"
#include "base/action.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const on_endpoints[] = { "modelendpoints", NULL };
const struct action demo_reload = { "reload", "Reload", "Let the service load its model anew: what its registry says is in production",
	on_endpoints, RISK_DISRUPTIVE, true, NULL };

static unsigned says_registry(const struct world *w)
{
	unsigned versions, at_start = 0;
	int model = demo_model(STR("real_estate_model"), &versions, &at_start);
	return demo_champion(w, model, at_start);
}

static unsigned serves(const struct world *w)
{
	return w->serves ? w->serves : 6;
}

bool demo_reload_plan(struct world *w, struct link *l, const struct request *r)
{
	unsigned now = serves(w);
	if (strcmp(r->kind, "modelendpoints"))
		return false;
	json_t *plan = json_pack("{s:o, s:{s:s, s:s, s:s, s:I}, s:[s], s:[{s:s, s:s, s:s}], s:[], s:{s:s, s:{s:o}, s:b}, s:s}", "title",
		json_sprintf("reload %s", r->key), "target", "kind", r->kind, "key", r->key, "uid", "demo", "version", (json_int_t)now, "change",
		"loads what the registry says then, instead of what it has", "steps", "do", "POST http://model-api.ml-serving/reload", "body", "",
		"check", "its version is read back", "warnings", "undo", "action", "reload", "params", "version", json_sprintf("%u", now),
		"last", 1, "not_undone", "reloading again loads whatever the registry says then: put the registry back first");
	json_array_append_new(json_object_get(plan, "change"), json_sprintf("it serves version %u now", now));
	if (strcmp(r->key, "model-api"))
		json_object_set_new(plan, "blocked", json_string("it serves one version only: it has no POST /reload"));
	char *text = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(plan);
	return true;
}

bool demo_reload_run(struct world *w, struct link *l, const struct request *r)
{
	char say[64], undo[40];
	if (strcmp(r->kind, "modelendpoints"))
		return false;
	snprintf(undo, sizeof(undo), "{\"version\":\"%u\"}", serves(w));
	w->serves = says_registry(w);
	w->loaded = w->now;
	w->serving_dirty = true;
	snprintf(say, sizeof(say), "%s serves version %u now", r->key, w->serves);
	link_step(l, r->id, (struct msg_step){ STEP_DONE, true, 1, 1, str_of(say), STR("") });
	link_step(l, r->id, (struct msg_step){ STEP_FINISHED, true, 0, 0, str_of(say), str_of(undo) });
	return true;
}
