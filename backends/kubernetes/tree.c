/* tree: see tree.h. Fetching climbs to the topmost owner, then lists the kinds that can hang below it, narrowed by its
 * selector where it has one, so that a large namespace is not read whole for one deployment. */
#define _GNU_SOURCE
#include "backends/kubernetes/tree.h"
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/work.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 8
#define CLIMB_MAX 6

/* ---- building, on JSON alone */

static enum level ready_of(struct buf *note, json_int_t ready, json_int_t want)
{
	buf_addf(note, "%lld/%lld ready", (long long)ready, (long long)want);
	return ready >= want ? LEVEL_OK : ready == 0 ? LEVEL_BAD : LEVEL_DOUBT;
}

static enum level job_brief(const json_t *o, struct buf *note)
{
	json_int_t active = jint(o, "status.active", 0), failed = jint(o, "status.failed", 0);

	buf_addf(note, "%lld/%lld done", (long long)jint(o, "status.succeeded", 0), (long long)jint(o, "spec.completions", 1));
	if (failed)
		buf_addf(note, ", %lld failed", (long long)failed);
	if (jis(jfind(o, "status.conditions", "type", "Failed"), "status", "True"))
		return LEVEL_BAD;
	if (jis(jfind(o, "status.conditions", "type", "Complete"), "status", "True"))
		return LEVEL_DONE;
	return active ? LEVEL_BUSY : LEVEL_NONE;
}

static enum level ready_condition(const json_t *o, struct buf *note)
{
	static const char *const types[] = { "Ready", "Available", "Succeeded", "Failed" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const json_t *c = jfind(o, "status.conditions", "type", types[i]);
		bool yes = jis(c, "status", "True");

		if (!c || (i >= 2 && !yes))
			continue;
		buf_addf(note, "%s%s%s%s", yes ? "" : "not ", types[i], *jtext(c, "reason") ? ": " : "", jtext(c, "reason"));
		return i == 3 ? LEVEL_BAD : yes ? (i == 2 ? LEVEL_DONE : LEVEL_OK) : jis(c, "status", "False") ? LEVEL_BAD
			: LEVEL_BUSY;
	}
	buf_adds(note, jtext(o, "status.phase"));
	return LEVEL_NONE;
}

enum level object_brief(const json_t *o, int64_t now, struct buf *note)
{
	const char *kind = jtext(o, "kind");

	if (!strcmp(kind, "Pod")) {
		struct pod_brief b = pod_brief(o);

		buf_addf(note, "%s %lld/%lld", b.status, (long long)b.ready, (long long)b.containers);
		if (b.restarts)
			buf_addf(note, ", %lld restart%s", (long long)b.restarts, b.restarts == 1 ? "" : "s");
		if (*jtext(o, "spec.nodeName"))
			buf_addf(note, ", on %s", jtext(o, "spec.nodeName"));
		return b.level;
	}
	if (!strcmp(kind, "ReplicaSet")) {
		const char *revision = jnamed(o, "metadata.annotations", "deployment.kubernetes.io/revision");

		if (*revision)
			buf_addf(note, "revision %s, ", revision);
		if (!jint(o, "spec.replicas", 0)) {
			buf_adds(note, "scaled to 0");
			return LEVEL_DONE;
		}
		return ready_of(note, jint(o, "status.readyReplicas", 0), jint(o, "spec.replicas", 0));
	}
	if (!strcmp(kind, "Deployment") || !strcmp(kind, "StatefulSet"))
		return ready_of(note, jint(o, "status.readyReplicas", 0), jint(o, "spec.replicas", 1));
	if (!strcmp(kind, "DaemonSet"))
		return ready_of(note, jint(o, "status.numberReady", 0), jint(o, "status.desiredNumberScheduled", 0));
	if (!strcmp(kind, "Job"))
		return job_brief(o, note);
	if (!strcmp(kind, "CronJob")) {
		buf_addf(note, "%s%s", jtext(o, "spec.schedule"), jtrue(o, "spec.suspend") ? ", suspended" : "");
		return jtrue(o, "spec.suspend") ? LEVEL_DONE : LEVEL_OK;
	}
	return ready_condition(o, note);
}

static json_t *node_new(const char *kind, const char *name, struct buf *note, enum level level, const char *row_kind,
                        const char *ns, const char *key_name)
{
	json_t *n = json_object();

	json_object_set_new(n, "text", jstringf("%s %s%s" STR_FMT, kind, name, note->len ? "  " : "", STR_ARG(buf_str(note))));
	json_object_set_new(n, "level", json_integer(level));
	if (*row_kind) {
		json_object_set_new(n, "kind", json_string(row_kind));
		json_object_set_new(n, "key", jstringf("%s%s%s", ns, *ns ? "/" : "", key_name));
	}
	return n;
}

/* The name of the kind on our rows: given by whoever fetched it, else the plural of one of the usual ones. */
static const char *row_kind(const json_t *o)
{
	static const char *const usual[][2] = { { "Pod", "pods" }, { "ReplicaSet", "replicasets" },
		{ "Deployment", "deployments" }, { "StatefulSet", "statefulsets" }, { "DaemonSet", "daemonsets" },
		{ "Job", "jobs" }, { "CronJob", "cronjobs" }, { "Node", "nodes" }, { "Service", "services" } };

	if (*jtext(o, "rowKind"))
		return jtext(o, "rowKind");
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (jis(o, "kind", usual[i][0]))
			return usual[i][1];
	return "";
}

static void add_containers(json_t *children, const json_t *pod, int64_t now)
{
	static const char *const lists[][3] = { { "spec.initContainers", "status.initContainerStatuses", "init container" },
		{ "spec.containers", "status.containerStatuses", "container" } };
	json_t *c;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach(jat(pod, lists[k][0]), i, c) {
			const json_t *s = jfind(pod, lists[k][1], "name", jtext(c, "name")), *state = json_object_get(s, "state");
			char *name = xasprintf("%s/%s", jtext(pod, "metadata.name"), jtext(c, "name"));
			enum level level = jtrue(s, "ready") || jat(state, "running") ? LEVEL_OK : LEVEL_BUSY;
			struct buf note = { 0 };

			describe_state(&note, state, now);
			if (jat(state, "running") && !jtrue(s, "ready") && k == 1)
				level = LEVEL_DOUBT;
			if (jat(state, "terminated"))
				level = jint(state, "terminated.exitCode", 0) ? LEVEL_BAD : LEVEL_DONE;
			if (*jtext(state, "waiting.reason") && !jis(state, "waiting.reason", "ContainerCreating") &&
			    !jis(state, "waiting.reason", "PodInitializing"))
				level = LEVEL_BAD;
			json_array_append_new(children, node_new(jis(c, "restartPolicy", "Always") ? "sidecar" : lists[k][2],
			                                         jtext(c, "name"), &note, level, "containers",
			                                         jtext(pod, "metadata.namespace"), name));
			buf_release(&note);
			free(name);
		}
	}
}

/* The newest revision first, then by name. */
static int by_age(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t rx = strtoll(jnamed(x, "metadata.annotations", "deployment.kubernetes.io/revision"), NULL, 10);
	json_int_t ry = strtoll(jnamed(y, "metadata.annotations", "deployment.kubernetes.io/revision"), NULL, 10);

	if (rx != ry)
		return rx > ry ? -1 : 1;
	return str_cmp_natural(str_of(jtext(x, "metadata.name")), str_of(jtext(y, "metadata.name")));
}

static json_t *build(const json_t *o, const json_t *objects, bool adopt, const char *here, int64_t now, int depth)
{
	const char *ns = jtext(o, "metadata.namespace"), *uid = jtext(o, "metadata.uid");
	size_t n = 0, all = json_array_size(objects);
	json_t **mine = xcalloc(all, sizeof(*mine)), *children = json_array(), *node;
	struct buf note = { 0 };
	enum level level = object_brief(o, now, &note);

	node = node_new(jtext(o, "kind"), jtext(o, "metadata.name"), &note, level, row_kind(o), ns, jtext(o, "metadata.name"));
	buf_release(&note);
	if (*here && !strcmp(uid, here))
		json_object_set_new(node, "here", json_true());
	for (size_t i = 0; i < all && depth < DEPTH_MAX && !jis(o, "kind", "Pod"); i++) {
		json_t *child = json_array_get(objects, i), *owner;
		bool owned = adopt;
		size_t k;

		json_array_foreach(jat(child, "metadata.ownerReferences"), k, owner)
			owned = owned || (*uid && jis(owner, "uid", uid));
		if (owned && !jis(child, "metadata.uid", uid))
			mine[n++] = child;
	}
	if (n)
		qsort(mine, n, sizeof(*mine), by_age);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(children, build(mine[i], adopt ? NULL : objects, false, here, now, depth + 1));
	if (jis(o, "kind", "Pod"))
		add_containers(children, o, now);
	if (json_array_size(children))
		json_object_set(node, "children", children);
	json_decref(children);
	free(mine);
	return node;
}

json_t *tree_build(const json_t *root, const json_t *objects, bool adopt, const char *here, int64_t now)
{
	json_t *tree = json_array();

	json_array_append_new(tree, build(root, objects, adopt, here, now, 0));
	return tree;
}

/* ---- fetching */

/* Up to the topmost owner that can be read. Takes o. */
static json_t *climb(struct work *w, json_t *o)
{
	for (int i = 0; i < CLIMB_MAX && !work_cancelled(w); i++) {
		json_t *owner = controller_of(o), *above;
		const struct kube_api *api;
		char why[200];

		if (!owner)
			break;
		api = kube_find_kind(w->k, w->h, str_of(jtext(owner, "apiVersion")), str_of(jtext(owner, "kind")), why, sizeof(why));
		if (!api || !strcmp(api->kind, "Node"))     /* static pods */
			break;
		above = work_object(w, api, api->namespaced ? jtext(o, "metadata.namespace") : "", jtext(owner, "name"));
		if (!above)
			break;
		json_object_set_new(above, "rowKind", json_string(api->name));
		json_decref(o);
		o = above;
	}
	return o;
}

void label_query(struct buf *out, const json_t *match_labels)
{
	struct buf selector = { 0 };
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)match_labels, key, v)
		buf_addf(&selector, "%s%s=%s", selector.len ? "," : "", key, json_is_string(v) ? json_string_value(v) : "");
	if (selector.len) {
		buf_adds(out, "labelSelector=");
		http_escape(out, buf_str(&selector));
	}
	buf_release(&selector);
}

static void add_list(struct work *w, json_t *all, const char *kind, const char *ns, const char *query)
{
	json_t *items = work_list(w, kind, ns, query);

	if (items)
		json_array_extend(all, items);
	json_decref(items);
}

/* Everything that may hang below o. adopt: they do so without being owned. */
static json_t *fetch_below(struct work *w, const json_t *o, bool *adopt)
{
	static const char *const others[] = { "deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "pods" };
	const char *kind = jtext(o, "kind"), *ns = jtext(o, "metadata.namespace");
	json_t *all = json_array();
	struct buf query = { 0 };

	*adopt = !strcmp(kind, "Node") || !strcmp(kind, "Service");
	if (!strcmp(kind, "Pod"))
		;
	else if (!strcmp(kind, "Node")) {
		buf_adds(&query, "fieldSelector=spec.nodeName%3D");
		http_escape(&query, str_of(jtext(o, "metadata.name")));
		add_list(w, all, "pods", "", query.data);
	} else if (!strcmp(kind, "Service")) {
		label_query(&query, jat(o, "spec.selector"));
		if (query.len)
			add_list(w, all, "pods", ns, query.data);
	} else if (!strcmp(kind, "CronJob")) {
		add_list(w, all, "jobs", ns, "");
		add_list(w, all, "pods", ns, "labelSelector=job-name");
	} else if (jat(o, "spec.selector.matchLabels") && jat(o, "spec.template")) {
		label_query(&query, jat(o, "spec.selector.matchLabels"));
		if (!strcmp(kind, "Deployment"))
			add_list(w, all, "replicasets", ns, query.data ? query.data : "");
		add_list(w, all, "pods", ns, query.data ? query.data : "");
	} else if (*ns) {
		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			add_list(w, all, others[i], ns, "");
	}
	buf_release(&query);
	return all;
}

void work_tree(struct work *w)
{
	struct target t;
	json_t *object = NULL, *below;
	char *uid;
	bool adopt;

	if (!work_target(w, &t) || !(object = work_object(w, t.api, t.ns, t.name)))
		work_fail_exchange(w);
	else {
		uid = xstrdup(jtext(object, "metadata.uid"));
		json_object_set_new(object, "rowKind", json_string(t.api->name));
		object = climb(w, object);
		below = fetch_below(w, object, &adopt);
		work_answer(w, tree_build(object, below, adopt, uid, clock_wall(link_clock(w->k->link))));
		json_decref(below);
		free(uid);
	}
	json_decref(object);
	target_release(&t);
}
