/* why_pod: findings from a pod's own status, its containers, its claims; and from its node's. */
#define _GNU_SOURCE
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/why.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LONG_MS (2 * 60 * 1000)       /* a start that takes longer deserves a word */
#define CRASH_RECENT_MS (24 * 60 * 60 * 1000)

static struct why_link container_link(const json_t *pod, const char *name, const char *what)
{
	return (struct why_link){ "containers", jtext(pod, "metadata.namespace"), jtext(pod, "metadata.name"), name, what };
}

static struct why_link pod_link(const json_t *pod, const char *what)
{
	return (struct why_link){ "pods", jtext(pod, "metadata.namespace"), jtext(pod, "metadata.name"), "", what };
}

static void evidence_of(struct why *y, struct buf *out, const char *label, const json_t *state, const json_t *status)
{
	json_int_t restarts = jint(status, "restartCount", 0);

	buf_addf(out, "%s: ", label);
	describe_state(out, state, y->now);
	if (restarts)
		buf_addf(out, ", %lld restart%s", (long long)restarts, restarts == 1 ? "" : "s");
}

/* A container that ended: state.terminated, or lastState.terminated of one that runs again. */
static void ended(struct why *y, const json_t *pod, const json_t *spec, const json_t *status, const char *role, bool last)
{
	const json_t *holder = json_object_get(status, last ? "lastState" : "state");
	const json_t *t = json_object_get(holder, "terminated");
	json_int_t code = jint(t, "exitCode", 0);
	const char *name = jtext(status, "name"), *reason = jtext(t, "reason"), *means = why_exit(code);
	const char *limit = jnamed(spec, "resources.limits", "memory");
	struct why_link link = container_link(pod, name, last ? "logs-previous" : "logs");
	bool running = jat(status, "state.running") != NULL;
	int rank = running ? 60 : 90;
	enum level level = running && jtrue(status, "ready") ? LEVEL_DOUBT : LEVEL_BAD;
	struct buf evidence = { 0 };

	if (last && running && jtrue(status, "ready") && y->now - jtime(t, "finishedAt") > CRASH_RECENT_MS)
		return;
	if (code == 0 && strcmp(reason, "OOMKilled") && !jis(status, "state.waiting.reason", "CrashLoopBackOff"))
		return;
	evidence_of(y, &evidence, last ? "last state" : "state", holder, status);
	if (!strcmp(reason, "OOMKilled"))
		why_add(y, rank + 5, level, link, "pod status", evidence.data, "%s '%s' was killed for lack of memory (OOMKilled), %s%s",
		        role, name, *limit ? "limit " : "without a limit of its own: the node ran out", limit);
	else if (code == 0)
		why_add(y, rank, level, link, "pod status", evidence.data,
		        "%s '%s' ends by itself with exit code 0 and is started again: it should run on, or be a Job", role, name);
	else if (!strcmp(reason, "StartError") || !strcmp(reason, "ContainerCannotRun"))
		why_add(y, rank + 1, level, link, "pod status", evidence.data, "%s '%s' cannot be started: %.200s", role, name,
		        jtext(t, "message"));
	else
		why_add(y, rank, level, link, "pod status", evidence.data, "%s '%s' ended with exit code %lld%s%s", role, name,
		        (long long)code, *means ? ": " : "", means);
	buf_release(&evidence);
}

static void waiting(struct why *y, const json_t *pod, const json_t *spec, const json_t *status, const char *role,
                    unsigned *skip)
{
	const char *reason = jtext(status, "state.waiting.reason"), *message = jtext(status, "state.waiting.message");
	const char *name = jtext(status, "name");
	bool ended_before = jat(status, "lastState.terminated") != NULL;
	struct buf evidence = { 0 };

	evidence_of(y, &evidence, "state", json_object_get(status, "state"), status);
	if (strstr(reason, "Image") || !strcmp(reason, "RegistryUnavailable")) {
		const char *cause = why_pull(!strcmp(reason, "InvalidImageName") ? reason : !strcmp(reason, "ErrImageNeverPull")
			? "never" : message);
		const json_t *event;
		size_t i;

		/* The back-off's own message often lacks the cause: the event has it. */
		json_array_foreach(json_object_get(y->facts, "events"), i, event)
			if (!strcmp(cause, why_pull("")) && jis(event, "involvedObject.uid", jtext(pod, "metadata.uid")) &&
			    jis(event, "reason", "Failed"))
				cause = why_pull(jtext(event, "message"));
		*skip |= WHY_SKIP_PULL;
		why_add(y, 92, LEVEL_BAD, pod_link(pod, "describe"), "pod status", evidence.data, "%s '%s': image %s cannot be pulled: %s",
		        role, name, jtext(spec, "image"), cause);
	} else if (!strcmp(reason, "CrashLoopBackOff")) {
		*skip |= WHY_SKIP_BACKOFF;
		if (!ended_before)
			why_add(y, 80, LEVEL_BAD, container_link(pod, name, "logs-previous"), "pod status", evidence.data,
			        "%s '%s' ends again and again; the kubelet waits before the next start", role, name);
	} else if (!strcmp(reason, "CreateContainerConfigError") || !strcmp(reason, "CreateContainerError") ||
	           !strcmp(reason, "RunContainerError")) {
		*skip |= WHY_SKIP_CONFIG;
		why_add(y, 92, LEVEL_BAD, pod_link(pod, "yaml"), "pod status", evidence.data, "%s '%s' cannot be made: %.240s", role, name,
		        *message ? message : reason);
	} else if (*reason && strcmp(reason, "ContainerCreating") && strcmp(reason, "PodInitializing"))
		why_add(y, 70, LEVEL_BAD, pod_link(pod, "describe"), "pod status", evidence.data, "%s '%s' waits: %s %.200s", role, name,
		        reason, message);
	buf_release(&evidence);
}

static void containers(struct why *y, const json_t *pod, unsigned *skip)
{
	static const char *const lists[][3] = { { "spec.initContainers", "status.initContainerStatuses", "init container" },
		{ "spec.containers", "status.containerStatuses", "container" } };
	json_t *spec;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach(jat(pod, lists[k][0]), i, spec) {
			const json_t *s = jfind(pod, lists[k][1], "name", jtext(spec, "name"));
			int64_t started = jtime(s, "state.running.startedAt");
			const char *role = jis(spec, "restartPolicy", "Always") ? "sidecar" : lists[k][2];
			struct buf evidence = { 0 };

			if (jat(s, "state.waiting"))
				waiting(y, pod, spec, s, role, skip);
			if (jat(s, "state.terminated"))
				ended(y, pod, spec, s, role, false);
			else if (jat(s, "lastState.terminated"))
				ended(y, pod, spec, s, role, true);
			if (k == 0 && started && !jis(spec, "restartPolicy", "Always") && y->now - started > LONG_MS) {
				evidence_of(y, &evidence, "state", json_object_get(s, "state"), s);
				why_add(y, 75, LEVEL_DOUBT, container_link(pod, jtext(spec, "name"), "logs"), "pod status", evidence.data,
				        "init container '%s' still runs: everything after it waits", jtext(spec, "name"));
				buf_release(&evidence);
			}
		}
	}
}

static void conditions(struct why *y, const json_t *pod)
{
	const json_t *scheduled = jfind(pod, "status.conditions", "type", "PodScheduled");
	const json_t *ready = jfind(pod, "status.conditions", "type", "Ready");
	struct buf words = { 0 };
	json_t *gate;
	size_t i;

	if (jis(scheduled, "status", "False") && jis(scheduled, "reason", "SchedulingGated")) {
		json_array_foreach(jat(pod, "spec.schedulingGates"), i, gate)
			why_add(y, 84, LEVEL_BUSY, pod_link(pod, "yaml"), "pod spec", jtext(scheduled, "message"),
			        "it is held back by the scheduling gate '%s', which its controller has to lift", jtext(gate, "name"));
	} else if (jis(scheduled, "status", "False")) {
		why_unschedulable(jtext(scheduled, "message"), &words);
		why_add(y, 90, LEVEL_BAD, pod_link(pod, "describe"), "pod condition PodScheduled", jtext(scheduled, "message"),
		        "no node takes it%s%s", words.len ? ": " : "", words.len ? words.data : "");
	} else if (!*jtext(pod, "spec.nodeName") && jis(pod, "status.phase", "Pending"))
		why_add(y, 60, LEVEL_BUSY, pod_link(pod, "describe"), "pod status", "no node is set and no scheduler has reported",
		        "no scheduler has looked at it yet (scheduler '%s')", jtext(pod, "spec.schedulerName"));
	json_array_foreach(jat(pod, "spec.readinessGates"), i, gate) {
		const json_t *c = jfind(pod, "status.conditions", "type", jtext(gate, "conditionType"));

		if (!jis(c, "status", "True"))
			why_add(y, 70, LEVEL_DOUBT, pod_link(pod, "yaml"), "pod conditions", *jtext(c, "message") ? jtext(c, "message")
			        : "the condition is not there or not True",
			        "the readiness gate '%s' is not met: its controller has not set it", jtext(gate, "conditionType"));
	}
	if (jis(ready, "status", "False") && jis(pod, "status.phase", "Running"))
		why_add(y, 45, LEVEL_DOUBT, pod_link(pod, "describe"), "pod condition Ready", jtext(ready, "message"),
		        "it is not ready, so no service sends it traffic");
	buf_release(&words);
}

static void phase(struct why *y, const json_t *pod)
{
	const char *reason = jtext(pod, "status.reason"), *message = jtext(pod, "status.message");
	int64_t deleted = jtime(pod, "metadata.deletionTimestamp");
	json_t *finalizer;
	size_t i;

	if (!strcmp(reason, "Evicted"))
		why_add(y, 97, LEVEL_BAD, pod_link(pod, "describe"), "pod status", message, "its node evicted it: %.200s", message);
	else if (!strcmp(reason, "NodeLost"))
		why_add(y, 97, LEVEL_BAD, pod_link(pod, "describe"), "pod status", message, "its node does not answer any more");
	else if (!strcmp(reason, "DeadlineExceeded"))
		why_add(y, 95, LEVEL_BAD, pod_link(pod, "describe"), "pod status", message, "it ran longer than activeDeadlineSeconds allows");
	else if (*reason && jis(pod, "status.phase", "Failed"))
		why_add(y, 94, LEVEL_BAD, pod_link(pod, "describe"), "pod status", message, "the kubelet refused or ended it: %s %.200s", reason,
		        message);
	if (!deleted || y->now - deleted < LONG_MS)
		return;
	json_array_foreach(jat(pod, "metadata.finalizers"), i, finalizer)
		why_add(y, 80, LEVEL_DOUBT, pod_link(pod, "yaml"), "metadata", "deletionTimestamp is long past",
		        "it is to be deleted but the finalizer '%s' holds it", json_is_string(finalizer) ? json_string_value(finalizer) : "");
	if (!i)
		why_add(y, 78, LEVEL_DOUBT, (struct why_link){ "nodes", "", jtext(pod, "spec.nodeName"), "", "describe" }, "metadata",
		        "deletionTimestamp is long past", "it is to be deleted but its kubelet has not confirmed that it ended");
}

/* Volume claims it uses that are not bound. */
static void claims(struct why *y, const json_t *pod)
{
	json_t *v, *claim;
	size_t i, k;

	json_array_foreach(jat(pod, "spec.volumes"), i, v) {
		const char *name = jtext(v, "persistentVolumeClaim.claimName");
		bool found = !json_object_get(y->facts, "claims");
		struct why_link link = { "persistentvolumeclaims", jtext(pod, "metadata.namespace"), name, "", "describe" };

		if (!*name)
			continue;
		json_array_foreach(json_object_get(y->facts, "claims"), k, claim) {
			if (!jis(claim, "metadata.name", name) || !jis(claim, "metadata.namespace", jtext(pod, "metadata.namespace")))
				continue;
			found = true;
			if (!jis(claim, "status.phase", "Bound"))
				why_add(y, 91, LEVEL_BAD, link, "volume claim", jtext(claim, "status.phase"), "its volume claim '%s' is %s", name,
				        jis(claim, "status.phase", "Lost") ? "lost: the volume is gone" : "not bound yet");
		}
		if (!found)
			why_add(y, 91, LEVEL_BAD, link, "volume claim", "no such claim in its namespace", "the volume claim '%s' does not exist", name);
	}
}

void why_pod(struct why *y, const json_t *pod)
{
	const char *node_name = jtext(pod, "spec.nodeName");
	const json_t *before = y->pod;
	unsigned skip = 0;
	json_t *node;
	size_t i;

	y->pod = pod;
	phase(y, pod);
	containers(y, pod, &skip);
	if (jis(pod, "status.phase", "Pending"))
		claims(y, pod);
	conditions(y, pod);
	why_events(y, pod, skip);
	y->pod = before;
	json_array_foreach(json_object_get(y->facts, "nodes"), i, node)
		if (*node_name && jis(node, "metadata.name", node_name))
			why_node(y, node, false);
}

/* ---- nodes */

void why_node(struct why *y, const json_t *node, bool asked)
{
	static const struct { const char *type, *means; } pressures[] = {
		{ "MemoryPressure", "is short of memory and evicts pods" },
		{ "DiskPressure", "is short of disk and evicts pods" },
		{ "PIDPressure", "is short of process numbers" },
		{ "NetworkUnavailable", "has no network set up" },
	};
	const char *name = jtext(node, "metadata.name"), *its = asked ? "the node" : "its node";
	struct why_link link = { "nodes", "", name, "", "describe" };
	const json_t *ready = jfind(node, "status.conditions", "type", "Ready");
	struct buf evidence = { 0 };
	json_t *t;
	size_t i;

	if (!jis(ready, "status", "True")) {
		buf_addf(&evidence, "Ready is %s for ", *jtext(ready, "status") ? jtext(ready, "status") : "absent");
		fmt_age(y->now - jtime(ready, "lastTransitionTime"), &evidence);
		buf_addf(&evidence, ": %s", jtext(ready, "message"));
		why_add(y, 96, LEVEL_BAD, link, "node condition", evidence.data, "%s %s %s", its, name, jis(ready, "status", "False")
		        ? "is not ready" : "does not answer: its kubelet has stopped reporting");
	}
	for (i = 0; i < ARRAY_SIZE(pressures); i++) {
		const json_t *c = jfind(node, "status.conditions", "type", pressures[i].type);

		if (jis(c, "status", "True"))
			why_add(y, 87, LEVEL_BAD, link, "node condition", jtext(c, "message"), "%s %s %s", its, name, pressures[i].means);
	}
	if (jtrue(node, "spec.unschedulable") && asked)
		why_add(y, 40, LEVEL_DOUBT, link, "node spec", "spec.unschedulable is true", "the node is cordoned: no new pods come here");
	json_array_foreach(jat(node, "spec.taints"), i, t)
		if (asked && strncmp(jtext(t, "key"), "node.kubernetes.io/", 19))
			why_add(y, 20, LEVEL_NONE, link, "node spec", jtext(t, "effect"), "the taint %s%s%s keeps pods away that do not tolerate it",
			        jtext(t, "key"), *jtext(t, "value") ? "=" : "", jtext(t, "value"));
	if (asked)
		why_events(y, node, 0);
	buf_release(&evidence);
}
