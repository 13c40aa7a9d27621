/* why_ask: reads what why needs to know of an object: what belongs to it, its events, its nodes. What may not be read is
 * left out: a finding less is better than no answer. */
#define _GNU_SOURCE
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/tree.h"
#include "backends/kubernetes/why.h"
#include "backends/kubernetes/work.h"
#include "base/mem.h"
#include <stdlib.h>

#define SICK_MOST 20          /* unhealthy pods of a workload that are looked into */
#define NODES_MOST 10

static void put(json_t *facts, const char *name, json_t *list)
{
	if (list)
		json_object_set_new(facts, name, list);
}

static void add_events(struct work *w, json_t *events, const json_t *o)
{
	struct buf query = { 0 };
	json_t *found;

	event_query(&query, o);
	found = work_list(w, "events", jtext(o, "metadata.namespace"), query.data);
	json_array_extend(events, found);
	json_decref(found);
	buf_release(&query);
}

static void add_node(struct work *w, json_t *nodes, const char *name)
{
	const struct kube_api *api = *name && json_array_size(nodes) < NODES_MOST ? work_api(w, "nodes") : NULL;
	json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
		if (jis(node, "metadata.name", name))
			return;
	node = api ? work_object(w, api, "", name) : NULL;
	if (node)
		json_array_append_new(nodes, node);
}

static bool uses_claim(const json_t *pod)
{
	json_t *v;
	size_t i;

	json_array_foreach(jat(pod, "spec.volumes"), i, v)
		if (json_object_get(v, "persistentVolumeClaim"))
			return true;
	return false;
}

/* Pods below o; only those of replica sets or jobs that are o's, by selector. */
static json_t *pods_of(struct work *w, const json_t *o)
{
	struct buf query = { 0 };
	json_t *pods = NULL;

	if (jis(o, "kind", "CronJob"))
		return NULL;
	label_query(&query, jis(o, "kind", "Service") ? jat(o, "spec.selector") : jat(o, "spec.selector.matchLabels"));
	if (query.len && (jat(o, "spec.template") || jis(o, "kind", "Service")))
		pods = work_list(w, "pods", jtext(o, "metadata.namespace"), query.data);
	buf_release(&query);
	return pods;
}

static json_t *sets_of(struct work *w, const json_t *o)
{
	struct buf query = { 0 };
	json_t *all, *mine = json_array(), *set;
	size_t i;

	label_query(&query, jat(o, "spec.selector.matchLabels"));
	all = work_list(w, "replicasets", jtext(o, "metadata.namespace"), query.data ? query.data : "");
	json_array_foreach(all, i, set)
		if (jis(controller_of(set), "uid", jtext(o, "metadata.uid")) && jint(set, "spec.replicas", 0) > 0)
			json_array_append(mine, set);
	json_decref(all);
	buf_release(&query);
	return mine;
}

static json_t *gather(struct work *w, json_t *o)
{
	const char *ns = jtext(o, "metadata.namespace"), *kind = jtext(o, "kind");
	json_t *facts = json_object(), *events = json_array(), *nodes = json_array(), *pods, *sets = NULL, *v;
	unsigned sick = 0;
	bool claims = false;
	size_t i;

	json_object_set(facts, "object", o);
	pods = !strcmp(kind, "Pod") || !strcmp(kind, "Node") ? NULL : pods_of(w, o);
	if (!strcmp(kind, "Deployment"))
		sets = sets_of(w, o);
	add_events(w, events, o);
	json_array_foreach(sets, i, v)
		add_events(w, events, v);
	if (!strcmp(kind, "Pod")) {
		add_node(w, nodes, jtext(o, "spec.nodeName"));
		claims = uses_claim(o);
	}
	json_array_foreach(pods, i, v) {
		struct pod_brief b = pod_brief(v);

		if ((b.level < LEVEL_BUSY && !b.restarts) || sick++ >= SICK_MOST || work_cancelled(w))
			continue;
		add_events(w, events, v);
		add_node(w, nodes, jtext(v, "spec.nodeName"));
		claims = claims || uses_claim(v);
	}
	put(facts, "pods", pods);
	put(facts, "sets", sets);
	if (claims)
		put(facts, "claims", work_list(w, "persistentvolumeclaims", ns, ""));
	if (jat(o, "spec.template") && jat(o, "spec.replicas"))
		put(facts, "hpas", work_list(w, "horizontalpodautoscalers", ns, ""));
	put(facts, "events", events);
	put(facts, "nodes", nodes);
	return facts;
}

void work_why(struct work *w)
{
	struct target t;
	json_t *object = NULL, *facts;

	if (!work_target(w, &t) || !(object = work_object(w, t.api, t.ns, t.name)))
		work_fail_exchange(w);
	else {
		facts = gather(w, object);
		if (work_cancelled(w))
			work_fail(w, "cancelled");
		else
			work_answer(w, why_findings(facts, clock_wall(link_clock(w->k->link))));
		json_decref(facts);
	}
	json_decref(object);
	target_release(&t);
}
