/* act_workload: restart, scale, rollback, and how one sees that a rollout is through. The rules are kubectl's
 * (pkg/polymorphichelpers: objectrestarter, rollback, rollout_status). */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/tree.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REVISION "deployment.kubernetes.io/revision"
#define ROLLOUT_MS (10 * 60 * 1000)

/* Revisions of a workload, oldest first: replica sets or controller revisions that it controls. */
struct revision { json_int_t number; json_t *object; };

static int by_number(const void *a, const void *b)
{
	const struct revision *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* *list keeps the objects alive; caller decrefs it and frees the result. NULL: w->error. */
static struct revision *revisions(struct work *w, const json_t *o, json_t **list, size_t *n)
{
	bool deployment = jis(o, "kind", "Deployment");
	struct buf query = { 0 };
	struct revision *all;
	json_t *item;
	size_t i;

	label_query(&query, jat(o, "spec.selector.matchLabels"));
	*list = work_list(w, deployment ? "replicasets" : "controllerrevisions", jtext(o, "metadata.namespace"),
	                  query.data ? query.data : "");
	buf_release(&query);
	*n = 0;
	if (!*list)
		return NULL;
	all = xcalloc(json_array_size(*list) + 1, sizeof(*all));
	json_array_foreach(*list, i, item) {
		json_int_t number = deployment ? strtoll(jnamed(item, "metadata.annotations", REVISION), NULL, 10)
			: jint(item, "revision", 0);

		if (number > 0 && jis(controller_of(item), "uid", jtext(o, "metadata.uid")))
			all[(*n)++] = (struct revision){ number, item };
	}
	qsort(all, *n, sizeof(*all), by_number);
	return all;
}

/* The revision that runs now, 0 when unknown. */
static json_int_t current_revision(struct work *w, const json_t *o)
{
	json_int_t number = strtoll(jnamed(o, "metadata.annotations", REVISION), NULL, 10);
	struct revision *all;
	json_t *list;
	size_t n;

	if (jis(o, "kind", "Deployment"))
		return number;
	all = revisions(w, o, &list, &n);
	number = n ? all[n - 1].number : 0;
	free(all);
	json_decref(list);
	return number;
}

void plan_blocked_by_pause(struct plan *p)
{
	if (jtrue(p->object, "spec.paused"))
		plan_block(p, "the deployment is paused: resume it first (kubectl rollout resume)");
}

void plan_warn_on_delete(struct plan *p)
{
	if (jis(p->object, "spec.updateStrategy.type", "OnDelete"))
		plan_warn(p, "its update strategy is OnDelete: pods take the change only when someone deletes them");
}

bool plan_restart(struct plan *p)
{
	json_int_t revision = current_revision(p->w, p->object), pods;
	time_t now = (time_t)(clock_wall(link_clock(p->w->k->link)) / 1000);
	char stamp[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	plan_title(p, "restart %s %s/%s", p->t.api->singular, p->ns, p->name);
	pods = jint(p->object, "spec.replicas", jint(p->object, "status.desiredNumberScheduled", 1));
	plan_change(p, "its %lld pod%s replaced, as its update strategy says", (long long)pods, pods == 1 ? " is" : "s are");
	plan_blocked_by_pause(p);
	plan_warn_on_delete(p);
	plan_step(p, "PATCH", "", JSON_STRATEGIC, json_pack("{sos{s{s{s{ss}}}}}", "metadata", plan_identity(p), "spec",
		"template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt", stamp),
		"rollout is through", "roll back to the revision before");
	if (revision)
		plan_undo_by(p, "rollback", json_pack("{sI}", "revision", revision));
	plan_not_undone(p, "requests that the old pods were serving");
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, "");
	return true;
}

bool plan_scale(struct plan *p)
{
	json_int_t want = plan_param(p, "replicas", -1), has = jint(p->object, "spec.replicas", 1);
	char undo[64];

	plan_title(p, "scale %s %s/%s to %lld", p->t.api->singular, p->ns, p->name, (long long)want);
	plan_change(p, "replicas %lld -> %lld", (long long)has, (long long)want);
	if (want < 0 || want > INT32_MAX)
		plan_block(p, "say how many: replicas must be 0 or more");
	else if (want == has)
		plan_already(p, "it is at %lld already", (long long)has);
	if (want == 0)
		plan_warn(p, "no pod will be left");
	snprintf(undo, sizeof(undo), "scale to %lld", (long long)has);
	plan_step(p, "PATCH", "scale", JSON_MERGE, json_pack("{sos{sI}}", "metadata", plan_identity(p), "spec", "replicas",
		want), "as many are ready", undo);
	plan_undo_by(p, "scale", json_pack("{sI}", "replicas", has));
	plan_need(p, "patch", p->t.api, p->ns, p->name, "scale");
	plan_warn_owners(p, "f:replicas");
	return true;
}

/* ---- rollback */

/* What differs between two pod templates, in words. */
static void say_template_diff(struct plan *p, const json_t *from, const json_t *to)
{
	static const char *const parts[] = { "resources", "env", "command", "args", "ports", "livenessProbe",
		"readinessProbe", "volumeMounts" };
	json_t *c, *rest_from = json_deep_copy(from), *rest_to = json_deep_copy(to);
	const char *before;
	size_t i;

	json_array_foreach(jat(to, "spec.containers"), i, c) {
		const char *name = jtext(c, "name");
		const json_t *old = jfind(from, "spec.containers", "name", name);

		if (!old) {
			plan_change(p, "container %s: added", name);
			continue;
		}
		if (strcmp(jtext(old, "image"), jtext(c, "image")))
			plan_change(p, "container %s: image %s -> %s", name, jtext(old, "image"), jtext(c, "image"));
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
			if (!json_equal(json_object_get(old, parts[k]), json_object_get(c, parts[k])) &&
			    (json_object_get(old, parts[k]) || json_object_get(c, parts[k])))
				plan_change(p, "container %s: %s as it was then", name, parts[k]);
	}
	before = jnamed(from, "metadata.annotations", "kubectl.kubernetes.io/restartedAt");
	if (strcmp(before, jnamed(to, "metadata.annotations", "kubectl.kubernetes.io/restartedAt")))
		plan_change(p, "without the restart of %s", *before ? before : "then");
	json_object_del(json_object_get(rest_from, "spec"), "containers");
	json_object_del(json_object_get(rest_to, "spec"), "containers");
	json_object_del(jat(rest_from, "metadata.annotations"), "kubectl.kubernetes.io/restartedAt");
	json_object_del(jat(rest_to, "metadata.annotations"), "kubectl.kubernetes.io/restartedAt");
	if (!json_equal(json_object_get(rest_from, "spec"), json_object_get(rest_to, "spec")))
		plan_change(p, "other settings of the pod as they were then");
	json_decref(rest_from);
	json_decref(rest_to);
}

static bool stays(const char *annotation)
{
	static const char *const kept[] = { "kubectl.kubernetes.io/last-applied-configuration", REVISION,
		"deployment.kubernetes.io/revision-history", "deployment.kubernetes.io/desired-replicas",
		"deployment.kubernetes.io/max-replicas", "deprecated.deployment.rollback.to" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (!strcmp(annotation, kept[i]))
			return true;
	return false;
}

static void undo_deployment(struct plan *p, const json_t *set)
{
	json_t *template = json_deep_copy(jat(set, "spec.template")), *notes = json_object(), *v, *ops;
	const char *key;

	json_object_del(jat(template, "metadata.labels"), "pod-template-hash");
	json_object_foreach(jat(set, "metadata.annotations"), key, v)
		if (!stays(key))
			json_object_set(notes, key, v);
	json_object_foreach(jat(p->object, "metadata.annotations"), key, v)
		if (stays(key))
			json_object_set(notes, key, v);
	if (json_equal(template, jat(p->object, "spec.template")))
		plan_already(p, "that revision has the template that runs already");
	say_template_diff(p, jat(p->object, "spec.template"), template);
	ops = json_pack("[{ssssss} {ssssss} {ssssso} {ssssso}]",
		"op", "test", "path", "/metadata/uid", "value", p->uid,
		"op", "test", "path", "/metadata/resourceVersion", "value", p->version,
		"op", "replace", "path", "/spec/template", "value", template,
		"op", json_object_get(json_object_get(p->object, "metadata"), "annotations") ? "replace" : "add",
		"path", "/metadata/annotations", "value", notes);
	plan_step(p, "PATCH", "", JSON_PATCH, ops, "rollout is through", "roll forward to the revision that runs now");
}

static void undo_by_history(struct plan *p, const json_t *revision, const json_t *now)
{
	json_t *data = json_deep_copy(json_object_get(revision, "data"));

	if (!json_is_object(data)) {
		json_decref(data);
		data = json_object();
		plan_block(p, "the revision holds no patch");
	}
	json_object_set_new(data, "metadata", plan_identity(p));
	say_template_diff(p, jat(now, "data.spec.template"), jat(revision, "data.spec.template"));
	plan_warn_on_delete(p);
	plan_step(p, "PATCH", "", JSON_STRATEGIC, data, "rollout is through", "roll forward to the revision that runs now");
}

bool plan_rollback(struct plan *p)
{
	json_int_t want = plan_param(p, "revision", 0), now;
	struct revision *all, *to = NULL;
	json_t *list;
	size_t n;

	all = revisions(p->w, p->object, &list, &n);
	if (!all)
		return false;
	now = n ? all[n - 1].number : 0;
	if (want == 0 && n >= 2)
		to = &all[n - 2];
	for (size_t i = 0; want && i < n; i++)
		if (all[i].number == want)
			to = &all[i];
	plan_title(p, "roll %s %s/%s back to revision %lld", p->t.api->singular, p->ns, p->name,
	           (long long)(to ? to->number : want));
	if (!to)
		plan_block(p, want ? "revision %lld is not kept any more" : "there is no former revision to go back to",
		           (long long)want);
	else if (to->number == now)
		plan_already(p, "revision %lld is what runs already", (long long)now);
	plan_blocked_by_pause(p);
	if (to) {
		plan_change(p, "revision %lld -> the template of revision %lld", (long long)now, (long long)to->number);
		if (jis(p->object, "kind", "Deployment"))
			undo_deployment(p, to->object);
		else
			undo_by_history(p, to->object, all[n - 1].object);
		plan_undo_by(p, "rollback", json_pack("{sI}", "revision", now));
		plan_need(p, "patch", p->t.api, p->ns, p->name, "");
		plan_warn_owners(p, "f:template");
	}
	free(all);
	json_decref(list);
	return true;
}

/* ---- is it through? */

/* True: through. Else what it waits for is in say; *failed when it will not come. */
static bool rolled_out(const json_t *o, char *say, size_t size, bool *failed)
{
	const char *kind = jtext(o, "kind");
	json_int_t want = jint(o, "spec.replicas", 1), has = jint(o, "status.replicas", 0), all = want;
	json_int_t updated = jint(o, "status.updatedReplicas", 0), available = jint(o, "status.availableReplicas", 0);

	if (!strcmp(kind, "DaemonSet")) {
		want = jint(o, "status.desiredNumberScheduled", 0);
		updated = jint(o, "status.updatedNumberScheduled", 0);
		available = jint(o, "status.numberAvailable", 0);
		has = all = want;
	} else if (!strcmp(kind, "ReplicaSet")) {
		updated = has;
	} else if (!strcmp(kind, "StatefulSet")) {
		available = jint(o, "status.readyReplicas", 0);
		if (jis(o, "status.updateRevision", jtext(o, "status.currentRevision")))
			updated = has;
		else if (jint(o, "spec.updateStrategy.rollingUpdate.partition", 0) > 0)
			want -= jint(o, "spec.updateStrategy.rollingUpdate.partition", 0);
	}
	if (jint(o, "metadata.generation", 0) > jint(o, "status.observedGeneration", 0))
		snprintf(say, size, "its controller has not seen the change yet");
	else if (jis(jfind(o, "status.conditions", "type", "Progressing"), "reason", "ProgressDeadlineExceeded")) {
		snprintf(say, size, "the rollout exceeded its progress deadline");
		*failed = true;
	} else if (updated < want)
		snprintf(say, size, "%lld of %lld pods are new", (long long)updated, (long long)want);
	else if (has > updated)
		snprintf(say, size, "%lld old pods are ending", (long long)(has - updated));
	else if (has > all)
		snprintf(say, size, "%lld pods too many are ending", (long long)(has - all));
	else if (available < updated)
		snprintf(say, size, "%lld of %lld new pods are ready", (long long)available, (long long)updated);
	else {
		snprintf(say, size, "%lld of %lld pods are ready", (long long)available, (long long)want);
		return true;
	}
	return false;
}

static bool is_scaling(const struct run *run)
{
	return !strncmp(jtext(run->plan, "undo.action"), "scale", 5);
}

bool verify_rollout(struct run *run)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t until = clock_mono(clock) + ROLLOUT_MS;
	char said[200] = "", say[200];
	bool failed = false, through = false;

	while (!failed && !through) {
		json_t *o = work_object(run->w, run->t.api, run->t.ns, run->t.name);

		if (o && jis(o, "spec.updateStrategy.type", "OnDelete") && !is_scaling(run)) {
			snprintf(run->say, sizeof(run->say), "sent; with the strategy OnDelete pods change only when deleted");
			json_decref(o);
			return true;
		}
		if (o)
			through = rolled_out(o, say, sizeof(say), &failed);
		else
			snprintf(say, sizeof(say), "cannot see how it goes: %.150s", run->w->error);
		json_decref(o);
		/* A rollout that was stuck before stays so: the number was set all the same. */
		if (failed && is_scaling(run)) {
			snprintf(run->say, sizeof(run->say), "the number is set, but %s", say);
			return true;
		}
		if (strcmp(say, said) && !through)
			run_step(run, STEP_WAITING, "%s", say);
		snprintf(said, sizeof(said), "%s", say);
		if (!failed && !through && (clock_mono(clock) >= until || !work_sleep(run->w, 500)))
			break;
	}
	if (!through && work_cancelled(run->w))
		snprintf(run->say, sizeof(run->say), "sent, but its end was not waited for: %s", say);
	else
		snprintf(run->say, sizeof(run->say), "%s%s", through || failed ? "" : "sent, but not through after 10 minutes: ", say);
	return through || (!failed && work_cancelled(run->w));
}
