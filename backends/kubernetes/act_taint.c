/* act_taint: taint and untaint a node. The list is one value to the server, so it is sent whole, and only where it is still
 * the one that was read; which pods a NoExecute taint drives off follows the taint eviction controller. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>


/* "gpu=true:NoSchedule", "gpu:NoSchedule", "gpu". False: not of that form. Fields that are missing are NULL. */
struct taint_text { char *key, *value, *effect; };

static void taint_release(struct taint_text *t)
{
	free(t->key);
	free(t->value);
	free(t->effect);
}

static bool taint_parse(struct str s, struct taint_text *t)
{
	const char *colon = memchr(s.p, ':', s.n), *equals = memchr(s.p, '=', colon ? (size_t)(colon - s.p) : s.n);
	const char *end = s.p + s.n, *key_end = equals ? equals : colon ? colon : end;

	*t = (struct taint_text){ 0 };
	t->key = str_dup((struct str){ s.p, (size_t)(key_end - s.p) });
	if (equals)
		t->value = str_dup((struct str){ equals + 1, (size_t)((colon ? colon : end) - equals - 1) });
	if (colon)
		t->effect = str_dup((struct str){ colon + 1, (size_t)(end - colon - 1) });
	return *t->key && (!t->effect || !strcmp(t->effect, "NoSchedule") || !strcmp(t->effect, "PreferNoSchedule") ||
	                   !strcmp(t->effect, "NoExecute"));
}

static bool names(const struct taint_text *t, const json_t *taint)
{
	return jis(taint, "key", t->key) && (!t->effect || jis(taint, "effect", t->effect)) &&
	       (!t->value || jis(taint, "value", t->value));
}

static void taint_write(const json_t *taint, struct buf *out)
{
	buf_addf(out, "%s%s", out->len ? "," : "", jtext(taint, "key"));
	if (*jtext(taint, "value"))
		buf_addf(out, "=%s", jtext(taint, "value"));
	buf_addf(out, ":%s", jtext(taint, "effect"));
}

bool taint_tolerated(const json_t *pod, const json_t *taint, json_int_t *seconds)
{
	json_t *t;
	size_t i;

	*seconds = -1;
	json_array_foreach(jat(pod, "spec.tolerations"), i, t) {
		const char *key = jtext(t, "key"), *effect = jtext(t, "effect");
		bool exists = jis(t, "operator", "Exists");

		if ((*effect && strcmp(effect, jtext(taint, "effect"))) || (*key ? strcmp(key, jtext(taint, "key")) : !exists))
			continue;
		if (!exists && strcmp(jtext(t, "value"), jtext(taint, "value")))
			continue;
		*seconds = jint(t, "tolerationSeconds", -1);
		return true;
	}
	return false;
}

/* Who a NoExecute taint drives off the node, at once or after a while. */
static bool say_driven_off(struct plan *p, const json_t *taint)
{
	struct buf query = { 0 };
	struct few off[2] = { { 0 } };
	json_t *pods, *pod;
	size_t i;

	buf_adds(&query, "fieldSelector=spec.nodeName%3D");
	http_escape(&query, str_of(p->name));
	pods = work_list(p->w, "pods", "", query.data);
	buf_release(&query);
	json_array_foreach(pods, i, pod) {
		json_int_t seconds;
		bool tolerated = taint_tolerated(pod, taint, &seconds);

		if ((tolerated && seconds < 0) || jis(pod, "status.phase", "Succeeded") || jis(pod, "status.phase", "Failed"))
			continue;
		few_add(&off[tolerated], "%s/%s", jtext(pod, "metadata.namespace"), jtext(pod, "metadata.name"));
	}
	if (pods && !off[0].n && !off[1].n)
		plan_change(p, "no pod is driven off: each one here tolerates it");
	if (off[0].n)
		plan_warn(p, "%u pod%s driven off at once, no disruption budget asked: %s", off[0].n, off[0].n == 1 ? " is" : "s are", few_end(&off[0]));
	if (off[1].n)
		plan_warn(p, "%u pod%s driven off after the while that they tolerate it: %s", off[1].n, off[1].n == 1 ? " is" : "s are",
		          few_end(&off[1]));
	buf_release(&off[0].text);
	buf_release(&off[1].text);
	json_decref(pods);
	return pods != NULL;
}

/* The list as it is to be; takes it. */
static void taints_step(struct plan *p, json_t *list, const char *undo)
{
	json_t *old = jat(p->object, "spec.taints"), *ops = json_pack("[{ssssss} {ssssss}]",
		"op", "test", "path", "/metadata/uid", "value", p->uid,
		"op", "test", "path", "/metadata/resourceVersion", "value", p->version);

	if (old)
		json_array_append_new(ops, json_pack("{sssssO}", "op", "test", "path", "/spec/taints", "value", old));
	json_array_append_new(ops, json_pack("{ssssso}", "op", "add", "path", "/spec/taints", "value", list));
	plan_step(p, "PATCH", "", JSON_PATCH, ops, NULL, undo);
	plan_need(p, "patch", p->t.api, "", p->name, "");
}

/* Puts one taint into list. What has to be done to undo it goes to back ("taint" texts) or off. */
static bool add_taint(struct plan *p, struct str text, json_t *list, struct buf *back, struct buf *off)
{
	struct taint_text t;
	json_t *new, *old;
	bool good = taint_parse(text, &t) && t.effect, done = false;
	size_t i;

	if (!good) {
		plan_block(p, "'%.*s' is no taint: write key=value:Effect or key:Effect, the effect NoSchedule, PreferNoSchedule or "
		           "NoExecute", (int)text.n, text.p);
		taint_release(&t);
		return true;
	}
	new = json_pack("{ssss}", "key", t.key, "effect", t.effect);
	if (t.value && *t.value)
		json_object_set_new(new, "value", json_string(t.value));
	json_array_foreach(list, i, old) {
		if (!jis(old, "key", t.key) || !jis(old, "effect", t.effect))
			continue;
		done = true;
		if (jis(old, "value", t.value ? t.value : ""))
			break;
		plan_change(p, "taint %s:%s: value '%s' -> '%s'", t.key, t.effect, jtext(old, "value"), t.value ? t.value : "");
		taint_write(old, back);
		json_array_set(list, i, new);
		break;
	}
	if (!done) {
		plan_change(p, "+ %.*s: %s", (int)text.n, text.p, t.effect[0] == 'P' ? "pods that do not tolerate it go elsewhere first"
		            : "no new pod that does not tolerate it");
		taint_write(new, off);
		json_array_append(list, new);
		if (!strcmp(t.effect, "NoExecute"))
			good = say_driven_off(p, new);
	}
	json_decref(new);
	taint_release(&t);
	return good;
}

bool plan_taint(struct plan *p)
{
	struct str rest = str_trim(str_of(jtext(p->w->params, "taint")));
	json_t *list = json_deep_copy(jat(p->object, "spec.taints"));
	struct buf back = { 0 }, off = { 0 };
	bool good = true;

	list = list ? list : json_array();
	plan_title(p, "taint node %s: %.*s", p->name, (int)rest.n, rest.p);
	if (!rest.n)
		plan_block(p, "say which taint: key=value:Effect");
	while (good && rest.n)
		good = add_taint(p, str_trim(str_split(&rest, ',')), list, &back, &off);
	if (good && !back.len && !off.len) {
		plan_already(p, "it has that taint already");
	} else if (good) {
		plan_undo_by(p, back.len ? "taint" : "untaint", json_pack("{ss}", "taint", back.len ? back.data : off.data));
		if (back.len && off.len)
			plan_not_undone(p, "a taint that was new stays");
		taints_step(p, json_incref(list), "the taints as they were");
	}
	json_decref(list);
	buf_release(&back);
	buf_release(&off);
	return good;
}

bool plan_untaint(struct plan *p)
{
	struct str rest = str_trim(str_of(jtext(p->w->params, "taint")));
	json_t *list = json_deep_copy(jat(p->object, "spec.taints"));
	struct buf back = { 0 }, has = { 0 };
	size_t i;

	list = list ? list : json_array();
	for (i = 0; i < json_array_size(list); i++)
		taint_write(json_array_get(list, i), &has);
	plan_title(p, "take the taint %.*s off node %s", (int)rest.n, rest.p, p->name);
	if (!rest.n)
		plan_block(p, "say which taint; it has %s", has.len ? has.data : "none");
	while (rest.n) {
		struct taint_text t;

		if (taint_parse(str_trim(str_split(&rest, ',')), &t))
			for (i = json_array_size(list); i-- > 0;)
				if (names(&t, json_array_get(list, i))) {
					taint_write(json_array_get(list, i), &back);
					json_array_remove(list, i);
				}
		taint_release(&t);
	}
	if (!back.len) {
		plan_already(p, "it has no such taint; it has %s", has.len ? has.data : "none");
	} else {
		plan_change(p, "- %s: pods that do not tolerate it may be scheduled here", back.data);
		plan_undo_by(p, "taint", json_pack("{ss}", "taint", back.data));
		taints_step(p, json_incref(list), "the taints as they were");
		if (strstr(back.data, "node.kubernetes.io/"))
			plan_warn(p, "a taint of node.kubernetes.io follows the node's state: its controller puts it back");
	}
	json_decref(list);
	buf_release(&back);
	buf_release(&has);
	return true;
}
