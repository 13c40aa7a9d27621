/* act_edit: an object as the user wrote it. The difference between what he was given and what he gave back is put on the object of
 * now: fields that he was not shown (status, managedFields), or that others changed meanwhile, stay as they are; of lists whose
 * elements have names (list_keys.h) also the other elements. What is sent is what that changes, as a JSON merge patch that
 * demands the version it was made for, so that lists in it, which are whole, hold nothing old.
 *
 * Parameters: secret_text (the YAML as written) with secret_base (as it was given; without it: the object of now), or patch. They
 * are called secret so that no journal keeps them: the difference itself is in the plan, a Secret's without its values. Where
 * somebody else changed the same fields meanwhile the plan is blocked, and carries secret_base and secret_merged: the object
 * of now, and that with the user's changes on top, to be edited again. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/list_keys.h"
#include "backends/kubernetes/yaml_in.h"
#include "backends/kubernetes/yaml_out.h"
#include "base/linediff.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define CONTEXT 2          /* lines around a change */
#define DIFF_LINES 400     /* shown of a difference */

/* What is not edited: the server's own. */
static json_t *trimmed(const json_t *object)
{
	static const char *const own[] = { "managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink" };
	json_t *o = json_copy((json_t *)object), *meta = json_copy(json_object_get(object, "metadata"));

	json_object_del(o, "status");
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		json_object_del(meta, own[i]);
	if (meta)
		json_object_set_new(o, "metadata", meta);
	return o;
}

void doc_editable(const json_t *object, struct buf *out)
{
	json_t *o = trimmed(object);

	yaml_write(out, o, 0, NULL);
	json_decref(o);
}

/* A Secret's values by their length, those that change marked as such. */
static void mask(json_t *object, const json_t *other)
{
	static const char *const where[] = { "data", "stringData" };
	json_t *was = json_deep_copy(object), *v;
	const char *key;

	doc_mask_secret(object);
	for (size_t i = 0; i < ARRAY_SIZE(where); i++)
		json_object_foreach(json_object_get(was, where[i]), key, v) {
			const json_t *before = json_object_get(json_object_get(other, where[i]), key);
			json_t *text = json_object_get(json_object_get(object, where[i]), key);

			if (other && before && !json_equal(before, v))
				json_object_set_new(json_object_get(object, where[i]), key,
				                    json_sprintf("%s, changed", json_string_value(text)));
		}
	json_decref(was);
}

/* Lines that differ, into the plan's list `name`. Both are objects as trimmed() makes them. */
static void put_diff(struct plan *p, const char *name, const json_t *from, const json_t *to, unsigned *plus, unsigned *minus)
{
	json_t *a = json_deep_copy(from), *b = json_deep_copy(to), *list = json_array();
	struct buf before = { 0 }, after = { 0 }, diff = { 0 };

	if (jis(p->object, "kind", "Secret")) {
		mask(a, NULL);
		mask(b, from);
	}
	yaml_write(&before, a, 0, NULL);
	yaml_write(&after, b, 0, NULL);
	line_diff(buf_str(&before), buf_str(&after), CONTEXT, &diff, plus, minus);
	for (struct str rest = buf_str(&diff); rest.n;) {
		struct str line = str_split(&rest, '\n');

		if (json_array_size(list) == DIFF_LINES) {
			json_array_append_new(list, json_string("... and more"));
			break;
		}
		json_array_append_new(list, jstring(line));
	}
	json_object_set_new(p->out, name, list);
	buf_release(&before);
	buf_release(&after);
	buf_release(&diff);
	json_decref(a);
	json_decref(b);
}

/* What differs between two objects, lists by their elements' names. */
static json_t *keyed_diff(const json_t *from, const json_t *to)
{
	json_t *a = lists_keyed(from), *b = lists_keyed(to), *diff = merge_diff(a, b);

	json_decref(a);
	json_decref(b);
	return diff;
}

static json_t *keyed_apply(const json_t *onto, const json_t *patch)
{
	json_t *a = lists_keyed(onto), *b = merge_apply(a, patch), *out = lists_plain(b);

	json_decref(a);
	json_decref(b);
	return out;
}

/* What the user changed, as keyed_diff() has it. NULL: w->error says what is wrong with the text. */
static json_t *wanted(struct plan *p, const json_t *now, json_t **base)
{
	json_t *patch = json_object_get(p->w->params, "patch"), *text, *mine;
	const char *given = jtext(p->w->params, "secret_base");
	char why[300];

	*base = NULL;
	if (json_is_object(patch)) {
		patch = json_deep_copy(patch);
		json_object_del(patch, "kind");
		json_object_del(patch, "apiVersion");
		return patch;
	}
	text = yaml_read(str_of(jtext(p->w->params, "secret_text")), why, sizeof(why));
	if (text && *given && !(*base = yaml_read(str_of(given), why, sizeof(why)))) {
		json_decref(text);
		text = NULL;
	}
	if (!text) {
		snprintf(p->w->error, sizeof(p->w->error), "%s", why);
		p->w->remedy[0] = '\0';
		return NULL;
	}
	if (json_object_get(text, "status") && !json_object_get(*base, "status"))
		plan_warn(p, "what stands under status is not sent: only its controller writes it");
	mine = trimmed(text);
	patch = keyed_diff(*base ? *base : now, mine);
	json_decref(mine);
	json_decref(text);
	return patch;
}

static void check_identity(struct plan *p, const json_t *now, const json_t *new)
{
	static const char *const same[] = { "apiVersion", "kind", "metadata.name", "metadata.namespace" };

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (strcmp(jtext(now, same[i]), jtext(new, same[i])))
			plan_block(p, "%s cannot be changed ('%s' -> '%s'): that would be another object", same[i], jtext(now, same[i]),
			           jtext(new, same[i]));
}

/* Others changed it since the user was given it. */
static void check_meanwhile(struct plan *p, const json_t *base, const json_t *now, const json_t *patch, const json_t *new)
{
	json_t *theirs = keyed_diff(base, now);
	struct buf paths = { 0 }, text = { 0 };

	if (json_object_size(theirs)) {
		put_diff(p, "meanwhile", base, now, NULL, NULL);
		if (merge_clash(patch, theirs, "", &paths)) {
			plan_block(p, "it was changed meanwhile where you changed it too (%s): edit it again", paths.data);
			yaml_write(&text, now, 0, NULL);
			json_object_set_new(p->out, "secret_base", jstring(buf_str(&text)));
			buf_clear(&text);
			yaml_write(&text, new, 0, NULL);
			json_object_set_new(p->out, "secret_merged", jstring(buf_str(&text)));
		} else {
			plan_warn(p, "it was changed meanwhile elsewhere; your change goes on top of that");
		}
	}
	buf_release(&paths);
	buf_release(&text);
	json_decref(theirs);
}

static void warn_spec_owners(struct plan *p, const json_t *patch)
{
	json_t *spec = json_object_get(patch, "spec"), *v;
	const char *key, *first = "";
	char field[80];

	json_object_foreach(spec, key, v)
		if (!*first || !strcmp(key, "replicas") || !strcmp(key, "template"))
			first = key;
	snprintf(field, sizeof(field), "f:%.70s", first);
	plan_warn_owners(p, *first ? field : "");
}

/* The request, and what takes it back. */
static void edit_step(struct plan *p, const json_t *now, const json_t *new)
{
	json_t *patch = merge_diff(now, new), *back = keyed_diff(new, now), *meta, *step;
	bool secret = jis(p->object, "kind", "Secret");

	if (secret) {                          /* so that every journal knows what it is and masks it */
		json_object_set_new(patch, "kind", json_string("Secret"));
		json_object_set_new(back, "kind", json_string("Secret"));
	}
	meta = json_object_get(patch, "metadata");
	if (!meta) {
		json_object_set_new(patch, "metadata", plan_identity(p));
	} else {
		json_t *identity = plan_identity(p);

		json_object_update(meta, identity);
		json_decref(identity);
	}
	step = plan_step(p, "PATCH", "", JSON_MERGE, patch, NULL, "the fields as they were");
	if (secret)
		json_object_set_new(step, "secret", json_true());
	plan_undo_by(p, "edit", json_pack("{so}", "patch", back));
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
}

bool plan_edit(struct plan *p)
{
	json_t *now = trimmed(p->object), *base, *patch = wanted(p, now, &base), *new;
	unsigned plus = 0, minus = 0;

	if (!patch) {
		json_decref(now);
		return false;
	}
	new = keyed_apply(now, patch);
	plan_title(p, "edit %s %s%s%s", p->t.api->singular, p->ns, *p->ns ? "/" : "", p->name);
	check_identity(p, now, new);
	if (base)
		check_meanwhile(p, base, now, patch, new);
	put_diff(p, "diff", now, new, &plus, &minus);
	plan_change(p, "%u line%s added, %u taken away, as below", plus, plus == 1 ? "" : "s", minus);
	if (!plus && !minus)
		plan_already(p, "nothing differs from what it is now");
	else {
		warn_spec_owners(p, patch);
		edit_step(p, now, new);
	}
	json_decref(base);
	json_decref(new);
	json_decref(now);
	json_decref(patch);
	return true;
}

/* Where pods are replaced by it, that is followed. */
bool verify_edit(struct run *run)
{
	json_t *body = json_loads(jtext(json_array_get(json_object_get(run->plan, "steps"), 0), "body"), 0, NULL);
	const char *kind = run->t.api->kind;
	bool rolls = (jat(body, "spec.template") || jat(body, "spec.replicas")) && !jtrue(body, "spec.paused") &&
		(!strcmp(kind, "Deployment") || !strcmp(kind, "StatefulSet") || !strcmp(kind, "DaemonSet"));

	json_decref(body);
	return !rolls || verify_rollout(run);
}
