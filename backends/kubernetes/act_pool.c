/* act_pool: a node pool of Karpenter to no nodes at all, and back. No node is started any more once the pool's limit for CPU is
 * 0; those that run go with their claims, whose pods Karpenter drains first. The limits that there were are kept in an
 * annotation. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/fits.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LIMITS "binnacle/limits"
#define POOL_LABEL "karpenter.sh/nodepool"

static bool of_pool(void *arg, const json_t *node)
{
	return !strcmp(jnamed(node, "metadata.labels", POOL_LABEL), arg);
}

/* What becomes of the pods on its nodes. False: cannot be asked. */
static bool say_pods(struct plan *p)
{
	json_t *nodes = work_list(p->w, "nodes", "", ""), *pods = nodes ? work_list(p->w, "pods", "", "") : NULL;
	struct fits f = { 0 };
	double per_hour = json_number_value(json_object_get(p->w->params, "per_hour"));

	if (pods)
		f = fits_elsewhere(nodes, pods, of_pool, (void *)(uintptr_t)p->name);
	if (pods)
		plan_change(p, "its %u node%s go%s, with %u pod%s besides those of daemon sets", f.nodes, f.nodes == 1 ? "" : "s",
		            f.nodes == 1 ? "es" : "", f.pods, f.pods == 1 ? "" : "s");
	if (f.stuck.n)
		plan_warn(p, "about %u of these pods find no place on the other nodes: %s", f.stuck.n, few_end(&f.stuck));
	else if (f.pods)
		plan_change(p, "all of these pods find a place on the other nodes, by what they request (about: spread and volumes are not "
		            "considered)");
	if (per_hour > 0)
		plan_change(p, "saves about %.2f an hour", per_hour);
	buf_release(&f.stuck.text);
	json_decref(nodes);
	json_decref(pods);
	return nodes && pods;
}

static void say_schedule(struct plan *p)
{
	plan_change(p, "every night, shown and not run by us: 0 20 * * 1-5 kubectl patch nodepool %s --type merge -p '{\"spec\":{\"limits\":"
	            "{\"cpu\":\"0\"}}}' and kubectl delete nodeclaims -l %s=%s; 0 7 * * 1-5 the limits as they are now", p->name, POOL_LABEL,
	            p->name);
}

/* A delete for each claim of the pool; where claims are not known, the nodes stay until Karpenter takes them. */
static void claim_steps(struct plan *p)
{
	const struct kube_api *claims = work_api(p->w, "nodeclaims.karpenter.sh");
	struct buf query = { 0 };
	json_t *all = NULL, *claim;
	size_t i;

	buf_addf(&query, "labelSelector=");
	http_escape(&query, STR(POOL_LABEL));
	buf_adds(&query, "%3D");
	http_escape(&query, str_of(p->name));
	if (claims)
		all = work_list(p->w, "nodeclaims.karpenter.sh", "", query.data);
	json_array_foreach(all, i, claim)
		plan_step_of(p, claims, "", jtext(claim, "metadata.name"), "DELETE", "", "application/json", json_pack("{sssss{ss}}",
			"apiVersion", "v1", "kind", "DeleteOptions", "preconditions", "uid", jtext(claim, "metadata.uid")),
			"Karpenter drains it, then it goes", NULL);
	if (!claims || !all)
		plan_warn(p, "its node claims cannot be read: the nodes stay until Karpenter finds them empty");
	else if (json_array_size(all))
		plan_need(p, "delete", claims, "", "", "");
	buf_release(&query);
	json_decref(all);
}

bool plan_pool_zero(struct plan *p)
{
	json_t *limits = jat(p->object, "spec.limits");
	char *was = limits ? json_dumps(limits, JSON_COMPACT | JSON_SORT_KEYS) : xstrdup("null");

	plan_title(p, "take node pool %s to no nodes", p->name);
	if (jis(limits, "cpu", "0")) {
		plan_already(p, "its limit for CPU is 0 already");
		free(was);
		return true;
	}
	plan_change(p, "limits %s -> cpu 0, and what they were is remembered on it (%s)", was, LIMITS);
	plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{s{sssss{ss}}s{s{ss}}}", "metadata", "uid", p->uid, "resourceVersion", p->version,
		"annotations", LIMITS, was, "spec", "limits", "cpu", "0"), "it starts no more nodes", "the limits as they were");
	claim_steps(p);
	plan_undo_by(p, "scale-back", NULL);
	plan_not_undone(p, "nodes that went; others start as pods need them, which takes minutes");
	plan_need(p, "patch", p->t.api, "", p->name, "");
	plan_warn_owners(p, "f:limits");
	free(was);
	if (!say_pods(p))
		return false;
	say_schedule(p);
	return true;
}

bool plan_pool_back(struct plan *p)
{
	const char *note = jnamed(p->object, "metadata.annotations", LIMITS);
	json_t *was = *note ? json_loads(note, JSON_DECODE_ANY, NULL) : NULL, *now = jat(p->object, "spec.limits"), *patch, *v;
	const char *key;

	plan_title(p, "let node pool %s start nodes again", p->name);
	if (!was) {
		plan_block(p, "what its limits were is not remembered on it (annotation %s): edit it", LIMITS);
		return true;
	}
	plan_change(p, "limits cpu 0 -> %s; nodes start as pods need them", note);
	patch = json_is_object(was) ? json_deep_copy(was) : json_null();
	json_object_foreach(now, key, v)
		if (json_is_object(patch) && !json_object_get(patch, key))
			json_object_set_new(patch, key, json_null());
	plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{s{sssss{so}}s{so}}", "metadata", "uid", p->uid, "resourceVersion", p->version,
		"annotations", LIMITS, json_null(), "spec", "limits", patch), NULL, "to no nodes");
	plan_undo_by(p, "scale-zero", NULL);
	plan_need(p, "patch", p->t.api, "", p->name, "");
	plan_warn_owners(p, "f:limits");
	json_decref(was);
	return true;
}
