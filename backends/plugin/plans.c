/* plans: what a plugin says would be done, checked before the machine of base/action.h and the screen see it. */
#define _GNU_SOURCE
#include "backends/plugin/plugin.h"
#include "base/json_text.h"
#include <stdio.h>

static bool is_texts(const json_t *list)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (!json_is_string(v))
			return false;
	return json_is_array(list);
}

static bool is_steps(const json_t *list)
{
	static const char *const words[] = { "do", "body", "check", "undo", NULL };
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v) {
		if (!json_is_object(v) || !*json_text(v, "do"))
			return false;
		for (const char *const *w = words; *w; w++)
			if (json_object_get(v, *w) && !json_is_string(json_object_get(v, *w)))
				return false;
	}
	return json_is_array(list);
}

/* It names an action of the plugin's on that kind, and its parameters. */
static bool is_undo(const struct plugin *p, const struct asked *a, const json_t *undo)
{
	const json_t *params = json_object_get(undo, "params"), *kind = json_object_get(undo, "kind"), *key = json_object_get(undo, "key"),
		*say = json_object_get(undo, "say");
	const char *on = kind ? json_string_value(kind) : a->kind;
	return json_is_object(undo) && on && *json_text(undo, "action") && action_find(&p->backend, json_text(undo, "action"), on) &&
	       (!params || json_is_object(params)) && (!key || json_is_string(key)) && (!say || json_is_string(say));
}

enum shape { A_TEXT, TEXTS, STEPS, FLAG, ROW };
static const struct { const char *name; enum shape shape; } members[] = {
	{ "title", A_TEXT }, { "blocked", A_TEXT }, { "already", A_TEXT }, { "not_undone", A_TEXT }, { "dry_run", A_TEXT },
	{ "change", TEXTS }, { "warnings", TEXTS }, { "diff", TEXTS }, { "meanwhile", TEXTS }, { "steps", STEPS }, { "irreversible", FLAG },
	{ "makes", ROW },
};

static const char *misshapen(enum shape shape, const json_t *v)
{
	switch (shape) {
	case A_TEXT: return json_is_string(v) ? NULL : "a text";
	case TEXTS: return is_texts(v) ? NULL : "a list of texts";
	case STEPS: return is_steps(v) ? NULL : "a list of {\"do\": ...}";
	case FLAG: return json_is_boolean(v) ? NULL : "true or false";
	case ROW: return *json_text(v, "kind") && *json_text(v, "key") ? NULL : "a kind and a key";
	}
	return NULL;
}

json_t *plugin_plan(const struct plugin *p, const struct asked *a, const json_t *said, char *why, size_t size)
{
	const json_t *undo = json_object_get(said, "undo");
	*why = '\0';
	if (!json_is_object(said))
		snprintf(why, size, "its plan is no object");
	for (size_t i = 0; !*why && i < sizeof(members) / sizeof(*members); i++) {
		const json_t *v = json_object_get(said, members[i].name);
		const char *should = v ? misshapen(members[i].shape, v) : NULL;
		if (should)
			snprintf(why, size, "'%s' of its plan is not %s", members[i].name, should);
	}
	if (!*why && undo && !is_undo(p, a, undo))
		snprintf(why, size, "'undo' of its plan is no action of its manifest with params");
	if (!*why && !json_array_size(json_object_get(said, "steps")) && !json_object_get(said, "blocked") && !json_object_get(said, "already"))
		snprintf(why, size, "its plan has neither 'steps' nor 'blocked' nor 'already'");
	if (*why)
		return NULL;
	json_t *plan = json_copy((json_t *)(uintptr_t)said), *target = json_pack("{s:s, s:s}", "kind", a->kind, "key", a->key),
		*version = json_object_get(json_object_get(said, "target"), "version");
	if (json_is_string(version))
		json_object_set(target, "version", version);
	json_object_set_new(plan, "target", target);
	if (!*json_text(said, "title"))
		json_object_set_new(plan, "title", json_sprintf("%s %s", a->what, a->key));
	if (undo && !json_object_get(undo, "params")) {
		json_t *whole = json_copy((json_t *)(uintptr_t)undo);
		json_object_set_new(whole, "params", json_object());
		json_object_set_new(plan, "undo", whole);
	}
	static const char *const lists[] = { "change", "warnings", "steps" };
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (!json_object_get(plan, lists[i]))
			json_object_set_new(plan, lists[i], json_array());
	return plan;
}
