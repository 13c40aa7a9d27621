/* demo_promote: promote and roll back in the simulated registry, with the names, parameters and plans of an MLflow source. */
#include "backends/demo/world.h"
#include "base/action.h"
#include "base/registry.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- who is champion, who was before */

unsigned demo_champion(const struct world *w, int model, unsigned at_start)
{
	for (unsigned i = w->nmoves; i--;)
		if (w->moves[i].model == model)
			return w->moves[i].version;
	return at_start;
}

/* Going back to a version takes off what came after it. 0: none is known. */
static unsigned before_of(const struct world *w, int model, unsigned at_start)
{
	unsigned stack[64 + MOVES_MAX], n = 0;
	for (unsigned v = 1; v <= at_start && n < 64; v++)
		stack[n++] = v;
	for (unsigned i = 0; i < w->nmoves; i++) {
		unsigned k = 0;
		if (w->moves[i].model != model)
			continue;
		while (k < n && stack[k] != w->moves[i].version)
			k++;
		stack[k] = w->moves[i].version;
		n = k + 1;
	}
	return n > 1 ? stack[n - 2] : 0;
}

/* ---- plans */

struct target { struct str name; int model; unsigned versions, champion; int64_t version; };

static bool find(const struct world *w, const struct request *r, struct target *t)
{
	struct str number = str_of(r->key);
	unsigned at_start = 0;
	*t = (struct target){ .version = -1 };
	t->name = str_split(&number, '/');
	t->model = demo_model(t->name, &t->versions, &at_start);
	t->champion = t->model < 0 ? 0 : demo_champion(w, t->model, at_start);
	if (!strcmp(r->kind, "versions") && !strcmp(r->what, "promote"))
		str_to_i64(number, &t->version);
	else if (t->model >= 0)
		t->version = before_of(w, t->model, at_start);
	return t->model >= 0;
}

static void add_step(json_t *plan, const char *path, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	json_array_append_new(json_object_get(plan, "steps"), json_pack("{s:o, s:s}", "do", json_sprintf("POST /api/2.0/mlflow/%s", path),
		"body", text));
	free(text);
	json_decref(body);
}

static void fill(const struct world *w, const struct target *t, const char *reason, json_t *plan)
{
	char key[96], number[16];
	snprintf(number, sizeof(number), "%d", (int)t->version);
	snprintf(key, sizeof(key), STR_FMT "/%s", STR_ARG(t->name), number);
	json_t *new = demo_version(w, str_of(key));
	snprintf(key, sizeof(key), STR_FMT "/%u", STR_ARG(t->name), t->champion);
	json_t *old = demo_version(w, str_of(key)), *change = json_object_get(plan, "change");
	json_array_append_new(change, t->champion ? json_sprintf("alias champion v%u -> v%s", t->champion, number)
	                                          : json_sprintf("alias champion none -> v%s", number));
	registry_versus(old, new, NULL, change, json_object_get(plan, "warnings"));
	if (t->model == 0)
		json_array_append_new(json_object_get(plan, "warnings"), json_string("what serves it goes on with the version it has until it is reloaded"));
	add_step(plan, "registered-models/alias", json_pack("{s:s%, s:s, s:s}", "name", t->name.p, t->name.n, "version", number, "alias", "champion"));
	add_step(plan, "model-versions/set-tag", json_pack("{s:s%, s:s, s:s, s:s}", "name", t->name.p, t->name.n, "version", number, "key",
		"promoted_reason", "value", reason));
	if (t->champion)
		json_object_set_new(plan, "undo", json_pack("{s:s, s:{s:o}}", "action", "rollback", "params", "version", json_sprintf("%u", t->champion)));
	else
		json_object_set_new(plan, "not_undone", json_string("nothing was in production before: there is nothing to go back to"));
	json_decref(old);
	json_decref(new);
}

bool demo_promote_plan(struct world *w, struct link *l, const struct request *r)
{
	struct target t;
	if (strcmp(r->kind, "models") && strcmp(r->kind, "versions"))
		return false;
	if (!find(w, r, &t)) {
		link_fail(l, r->id, "%s '%s' is gone", r->kind, r->key);
		return true;
	}
	bool back = !strcmp(r->what, "rollback");
	json_t *params = json_loads(r->params, 0, NULL), *asked = json_object_get(params, "version");
	const char *reason = json_string_value(json_object_get(params, "reason"));
	struct str text = str_trim(str_of(json_string_value(asked)));
	if (text.n && *text.p == 'v')
		text = (struct str){ text.p + 1, text.n - 1 };
	if (back && text.n && !str_to_i64(text, &t.version))
		t.version = -1;
	json_t *plan = json_pack("{s:o, s:{s:s, s:s, s:s, s:I, s:I, s:s}, s:[], s:[], s:[]}", "title",
		json_sprintf(back ? "roll back " STR_FMT " to v%d" : "promote " STR_FMT " to v%d", STR_ARG(t.name), (int)t.version), "target",
		"kind", r->kind, "key", r->key, "uid", "demo", "version", (json_int_t)t.champion, "to", (json_int_t)t.version, "reason",
		reason && *reason ? reason : back ? "rolled back" : "none given", "change", "steps", "warnings");
	if (t.version < 1 || t.version > t.versions)
		json_object_set_new(plan, "blocked", json_string(back && !text.n ? "which version was in production before is not known: "
			"say which one (version)" : "there is no such version of this model"));
	else if ((unsigned)t.version == t.champion)
		json_object_set_new(plan, "already", json_sprintf("v%u is in production already", t.champion));
	else
		fill(w, &t, json_string_value(json_object_get(json_object_get(plan, "target"), "reason")), plan);
	char *out = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(out));
	free(out);
	json_decref(plan);
	json_decref(params);
	return true;
}

/* ---- running */

static void move(struct world *w, const struct target *t, unsigned to, const char *reason)
{
	if (w->nmoves == MOVES_MAX)
		memmove(w->moves, w->moves + 1, --w->nmoves * sizeof(w->moves[0]));
	struct move *m = &w->moves[w->nmoves++];
	*m = (struct move){ .model = t->model, .version = to, .before = t->champion, .at = w->now };
	snprintf(m->reason, sizeof(m->reason), "%s", reason ? reason : "");
	w->registry_dirty = true;
}

bool demo_promote_run(struct world *w, struct link *l, const struct request *r)
{
	struct target t;
	struct buf say = { 0 };
	if (strcmp(r->kind, "models") && strcmp(r->kind, "versions"))
		return false;
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *target = json_object_get(plan, "target");
	json_t *back = json_object_get(json_object_get(plan, "undo"), "params");
	json_int_t to = json_integer_value(json_object_get(target, "to"));
	bool ok = find(w, r, &t) && json_integer_value(json_object_get(target, "version")) == t.champion && to > 0 && to <= t.versions;
	if (ok) {
		move(w, &t, (unsigned)to, json_string_value(json_object_get(target, "reason")));
		buf_addf(&say, "alias champion: v%d", (int)to);
		link_step(l, r->id, (struct msg_step){ STEP_DONE, true, 1, 1, buf_str(&say), STR("") });
	} else {
		buf_adds(&say, "changed since the plan, plan again");
	}
	char *undo = ok && back ? json_dumps(back, JSON_COMPACT) : NULL;
	link_step(l, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&say), str_of(undo ? undo : "") });
	free(undo);
	buf_release(&say);
	json_decref(params);
	return true;
}
