/* why: gathers findings, says those of many pods once, puts the likeliest cause first. */
#define _GNU_SOURCE
#include "backends/kubernetes/why.h"
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/tree.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void why_add(struct why *y, int rank, enum level level, struct why_link link, const char *from, const char *evidence,
             const char *fmt, ...)
{
	struct buf text = { 0 }, key = { 0 };
	json_t *f, *pods;
	size_t i;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	json_array_foreach(y->out, i, f) {
		if (strcmp(jtext(f, "text"), text.data))
			continue;
		/* The same of another pod is counted; the same of the same pod is known already. */
		if (y->pod && (pods = json_object_get(f, "pods")))
			json_object_set_new(pods, jtext(y->pod, "metadata.uid"), json_true());
		buf_release(&text);
		return;
	}
	f = json_object();
	json_object_set_new(f, "text", jstring(buf_str(&text)));
	json_object_set_new(f, "level", json_integer(level));
	json_object_set_new(f, "rank", json_integer(rank));
	json_object_set_new(f, "evidence", jstring(str_of(evidence)));
	json_object_set_new(f, "from", json_string(from));
	if (y->pod) {
		pods = json_object();
		json_object_set_new(pods, jtext(y->pod, "metadata.uid"), json_true());
		json_object_set_new(f, "pods", pods);
	}
	if (link.kind) {
		buf_addf(&key, "%s%s%s%s%s", link.ns, *link.ns ? "/" : "", link.name, link.sub && *link.sub ? "/" : "",
		         link.sub ? link.sub : "");
		json_object_set_new(f, "link", json_pack("{ssssss}", "kind", link.kind, "key", key.data, "what", link.what));
	}
	json_array_append_new(y->out, f);
	buf_release(&text);
	buf_release(&key);
}

static struct why_link self(const json_t *o, const char *kind)
{
	return (struct why_link){ kind, jtext(o, "metadata.namespace"), jtext(o, "metadata.name"), "", "describe" };
}

/* ---- workloads */

static bool autoscaled(struct why *y, const json_t *o)
{
	json_t *hpa, *f;
	bool any = false;
	size_t i, k;

	json_array_foreach(json_object_get(y->facts, "hpas"), i, hpa) {
		const json_t *limited = jfind(hpa, "status.conditions", "type", "ScalingLimited");
		const json_t *active = jfind(hpa, "status.conditions", "type", "ScalingActive");
		json_int_t wants = jint(hpa, "status.desiredReplicas", -1), has = jint(o, "spec.replicas", 1);
		const char *name = jtext(hpa, "metadata.name");
		struct why_link link = self(hpa, "horizontalpodautoscalers");

		if (!jis(hpa, "spec.scaleTargetRef.name", jtext(o, "metadata.name")) ||
		    !jis(hpa, "spec.scaleTargetRef.kind", jtext(o, "kind")))
			continue;
		any = true;
		if (jis(active, "status", "False") && strcmp(jtext(active, "reason"), "ScalingDisabled"))
			why_add(y, 62, LEVEL_DOUBT, link, "autoscaler", jtext(active, "message"), "the autoscaler '%s' cannot work: %s", name,
			        jtext(active, "reason"));
		if (jis(limited, "status", "True") && jis(limited, "reason", "TooManyReplicas"))
			why_add(y, 58, LEVEL_DOUBT, link, "autoscaler", jtext(limited, "message"),
			        "the autoscaler '%s' wants more than its maximum of %lld", name, (long long)jint(hpa, "spec.maxReplicas", 0));
		if (wants >= 0 && has && wants != has)
			why_add(y, 57, LEVEL_DOUBT, link, "autoscaler", jtext(jfind(hpa, "status.conditions", "type", "AbleToScale"), "message"),
			        "the autoscaler '%s' wants %lld replicas, %lld are set", name, (long long)wants, (long long)has);
		json_array_foreach(jat(o, "metadata.managedFields"), k, f)
			if (jis(f, "operation", "Apply") && jat(f, "fieldsV1.f:spec.f:replicas"))
				why_add(y, 64, LEVEL_DOUBT, self(o, "deployments"), "managedFields", "both own spec.replicas",
				        "'%s' and the autoscaler '%s' fight over the number of replicas", jtext(f, "manager"), name);
	}
	return any;
}

static void condition(struct why *y, const json_t *o, const char *type, const char *bad, int rank, struct why_link link,
                      const char *reason, const char *text)
{
	const json_t *c = jfind(o, "status.conditions", "type", type);
	struct buf words = { 0 };

	if (!jis(c, "status", bad) || (reason && !jis(c, "reason", reason)))
		return;
	if (why_quota(jtext(c, "message"), &words))
		why_add(y, 93, LEVEL_BAD, link, "condition", jtext(c, "message"), "no pod can be created: %s", words.data);
	else
		why_add(y, rank, LEVEL_BAD, link, "condition", jtext(c, "message"), "%s%s%s", text, *jtext(c, "reason") && !reason ? ": " : "",
		        reason ? "" : jtext(c, "reason"));
	buf_release(&words);
}

static void workload(struct why *y, const json_t *o, const char *kind)
{
	struct why_link link = self(o, kind);
	struct buf note = { 0 };
	json_t *set;
	size_t i;

	condition(y, o, "ReplicaFailure", "True", 88, link, NULL, "its pods cannot be created");
	condition(y, o, "Progressing", "False", 68, link, "ProgressDeadlineExceeded",
	          "the rollout made no progress within its deadline (progressDeadlineSeconds)");
	if (jtrue(o, "spec.paused"))
		why_add(y, 50, LEVEL_DOUBT, link, "spec", "spec.paused is true", "it is paused: changes are not rolled out");
	if (jint(o, "metadata.generation", 0) > jint(o, "status.observedGeneration", 0) && jat(o, "status.observedGeneration"))
		why_add(y, 66, LEVEL_DOUBT, link, "status", "status.observedGeneration is behind metadata.generation",
		        "its controller has not seen the last change: does the controller manager run?");
	autoscaled(y, o);
	json_array_foreach(json_object_get(y->facts, "sets"), i, set) {
		condition(y, set, "ReplicaFailure", "True", 88, self(set, "replicasets"), NULL, "its pods cannot be created");
		why_events(y, set, 0);
	}
	why_events(y, o, 0);
	if (!json_array_size(json_object_get(y->facts, "pods")) && jint(o, "spec.replicas", 1) > 0 && jat(o, "spec.replicas"))
		why_add(y, 42, LEVEL_BAD, link, "pods", "no pod matches its selector", "it has no pods at all");
	if (jat(o, "spec.replicas") && jint(o, "spec.replicas", 1) == 0)
		why_add(y, 41, LEVEL_DONE, link, "spec", "spec.replicas is 0", "it is scaled to 0");
	else if (object_brief(o, y->now, &note) >= LEVEL_DOUBT)
		why_add(y, 10, LEVEL_DOUBT, link, "status", note.data ? note.data : "", "not all of it is ready: %s", note.data ? note.data : "");
	buf_release(&note);
}

static void job(struct why *y, const json_t *o)
{
	const json_t *failed = jfind(o, "status.conditions", "type", "Failed");
	struct why_link link = self(o, "jobs");

	if (jis(failed, "status", "True"))
		why_add(y, 65, LEVEL_BAD, link, "job condition", jtext(failed, "message"), "%s", jis(failed, "reason", "BackoffLimitExceeded")
		        ? "it failed as often as it may (backoffLimit)" : jis(failed, "reason", "DeadlineExceeded")
		        ? "it ran longer than activeDeadlineSeconds allows" : jis(failed, "reason", "PodFailurePolicy")
		        ? "a pod failed in a way that its policy does not forgive" : "it failed");
	if (jtrue(o, "spec.suspend"))
		why_add(y, 70, LEVEL_DOUBT, link, "spec", "spec.suspend is true", "it is suspended");
	why_events(y, o, 0);
}

static void claim(struct why *y, const json_t *o)
{
	struct why_link link = self(o, "persistentvolumeclaims");

	if (jis(o, "status.phase", "Lost"))
		why_add(y, 95, LEVEL_BAD, link, "status", "phase Lost", "the volume it was bound to is gone");
	else if (!jis(o, "status.phase", "Bound"))
		why_add(y, 50, LEVEL_DOUBT, link, "status", jtext(o, "status.phase"), "it is not bound (storage class '%s', %s wanted)",
		        *jtext(o, "spec.storageClassName") ? jtext(o, "spec.storageClassName") : "none",
		        jnamed(o, "spec.resources.requests", "storage"));
	why_events(y, o, 0);
}

/* A service without a ready pod behind it. */
static void service(struct why *y, const json_t *o)
{
	json_t *pods = json_object_get(y->facts, "pods"), *pod;
	struct why_link link = self(o, "services");
	struct buf selector = { 0 };
	const char *key;
	size_t ready = 0, i;
	json_t *v;

	json_object_foreach(jat(o, "spec.selector"), key, v)
		buf_addf(&selector, "%s%s=%s", selector.len ? "," : "", key, json_is_string(v) ? json_string_value(v) : "");
	json_array_foreach(pods, i, pod)
		ready += jis(jfind(pod, "status.conditions", "type", "Ready"), "status", "True");
	if (selector.len && pods && !i)
		why_add(y, 85, LEVEL_BAD, link, "selector", selector.data, "no pod matches its selector: it leads nowhere");
	else if (selector.len && pods && !ready)
		why_add(y, 84, LEVEL_BAD, link, "pods", selector.data, "none of its %zu pods is ready: it leads nowhere", i);
	if (jis(o, "spec.type", "LoadBalancer") && !json_array_size(jat(o, "status.loadBalancer.ingress")))
		why_add(y, 60, LEVEL_DOUBT, link, "status", "status.loadBalancer is empty", "the load balancer has no address yet");
	why_events(y, o, 0);
	buf_release(&selector);
}

static void cronjob(struct why *y, const json_t *o)
{
	int64_t tried = jtime(o, "status.lastScheduleTime"), went = jtime(o, "status.lastSuccessfulTime");

	if (jtrue(o, "spec.suspend"))
		why_add(y, 70, LEVEL_DOUBT, self(o, "cronjobs"), "spec", "spec.suspend is true", "it is suspended: no job is started");
	if (tried > went && !json_array_size(jat(o, "status.active")))
		why_add(y, 72, LEVEL_BAD, self(o, "cronjobs"), "status", jtext(o, "status.lastSuccessfulTime"),
		        "its last job has not succeeded%s", went ? "" : ", and none ever has");
	why_events(y, o, 0);
}

/* Any kind: conditions that say no. */
static void other(struct why *y, const json_t *o)
{
	static const char *const good[] = { "Ready", "Available", "Healthy", "Synced", "Established", "PredictorReady",
		"IngressReady", "Programmed", "Accepted", "AbleToScale", "ScalingActive", "NamesAccepted" };
	static const char *const evil[] = { "Failed", "Degraded", "Stalled", "Error", "OutOfSync" };
	json_t *c;
	size_t i;

	json_array_foreach(jat(o, "status.conditions"), i, c) {
		bool wrong = false;

		for (size_t k = 0; k < ARRAY_SIZE(good); k++)
			wrong = wrong || (jis(c, "type", good[k]) && jis(c, "status", "False"));
		for (size_t k = 0; k < ARRAY_SIZE(evil); k++)
			wrong = wrong || (jis(c, "type", evil[k]) && jis(c, "status", "True"));
		if (wrong)
			why_add(y, 80, LEVEL_BAD, (struct why_link){ NULL }, "condition", jtext(c, "message"), "condition %s is %s%s%s", jtext(c, "type"),
			        jtext(c, "status"), *jtext(c, "reason") ? ": " : "", jtext(c, "reason"));
	}
	why_events(y, o, 0);
}

/* ---- order */

static int by_rank(const void *a, const void *b)
{
	json_int_t x = jint(*(json_t *const *)a, "rank", 0), y = jint(*(json_t *const *)b, "rank", 0);

	return x != y ? (x > y ? -1 : 1) : strcmp(jtext(*(json_t *const *)a, "text"), jtext(*(json_t *const *)b, "text"));
}

/* Findings of several pods say how many; then all in order of rank. */
static json_t *settle(const struct why *y)
{
	size_t n = json_array_size(y->out), total = json_array_size(json_object_get(y->facts, "pods"));
	json_t **all = xcalloc(n, sizeof(*all)), *sorted = json_array();

	for (size_t i = 0; i < n; i++) {
		size_t pods;

		all[i] = json_array_get(y->out, i);
		pods = json_object_size(json_object_get(all[i], "pods"));
		if (pods && total)
			json_object_set_new(all[i], "text", jstringf("%zu of %zu pod%s: %s", pods, total, total == 1 ? "" : "s",
			                                             jtext(all[i], "text")));
		json_object_del(all[i], "pods");
	}
	if (n)
		qsort(all, n, sizeof(*all), by_rank);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, all[i]);
	free(all);
	return sorted;
}

json_t *why_findings(const json_t *facts, int64_t now)
{
	const json_t *o = json_object_get(facts, "object");
	const char *kind = jtext(o, "kind");
	struct why y = { .facts = facts, .out = json_array(), .now = now };
	struct buf note = { 0 };
	json_t *pod, *sorted;
	size_t i;

	if (!strcmp(kind, "Pod"))
		why_pod(&y, o);
	else if (!strcmp(kind, "Node"))
		why_node(&y, o, true);
	else if (!strcmp(kind, "Deployment"))
		workload(&y, o, "deployments");
	else if (!strcmp(kind, "StatefulSet"))
		workload(&y, o, "statefulsets");
	else if (!strcmp(kind, "DaemonSet"))
		workload(&y, o, "daemonsets");
	else if (!strcmp(kind, "ReplicaSet"))
		workload(&y, o, "replicasets");
	else if (!strcmp(kind, "Job"))
		job(&y, o);
	else if (!strcmp(kind, "PersistentVolumeClaim"))
		claim(&y, o);
	else if (!strcmp(kind, "Service"))
		service(&y, o);
	else if (!strcmp(kind, "CronJob"))
		cronjob(&y, o);
	else
		other(&y, o);
	if (strcmp(kind, "Pod") && strcmp(kind, "Node"))
		json_array_foreach(json_object_get(facts, "pods"), i, pod)
			if (pod_brief(pod).level >= LEVEL_BUSY || pod_brief(pod).restarts)
				why_pod(&y, pod);
	if (!json_array_size(y.out)) {
		object_brief(o, now, &note);
		why_add(&y, 0, LEVEL_OK, (struct why_link){ NULL }, "status", note.data ? note.data : "", "nothing wrong is to be seen%s%s",
		        note.len ? ": " : "", note.len ? note.data : "");
	}
	sorted = settle(&y);
	json_decref(y.out);
	buf_release(&note);
	return sorted;
}
