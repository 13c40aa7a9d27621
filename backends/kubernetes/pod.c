/* pod: see pod.h. The order of the rules is that of Kubernetes' own printer (pkg/printers/internalversion, printPod). */
#define _GNU_SOURCE
#include "backends/kubernetes/pod.h"
#include <stdio.h>
#include <string.h>

json_t *controller_of(const json_t *object)
{
	json_t *owner;
	size_t i;

	json_array_foreach(jat(object, "metadata.ownerReferences"), i, owner)
		if (jtrue(owner, "controller"))
			return owner;
	return NULL;
}

static bool restartable_init(const json_t *pod, const char *name)
{
	return jis(jfind(pod, "spec.initContainers", "name", name), "restartPolicy", "Always");
}

static void put(char *out, size_t size, const char *prefix, const char *reason, const json_t *ended)
{
	if (*reason)
		snprintf(out, size, "%s%s", prefix, reason);
	else if (jint(ended, "signal", 0))
		snprintf(out, size, "%sSignal:%lld", prefix, (long long)jint(ended, "signal", 0));
	else
		snprintf(out, size, "%sExitCode:%lld", prefix, (long long)jint(ended, "exitCode", 0));
}

/* True: initialising decides the status. */
static bool init_status(const json_t *pod, struct pod_brief *b)
{
	size_t total = json_array_size(jat(pod, "spec.initContainers")), i;
	json_t *s;

	json_array_foreach(jat(pod, "status.initContainerStatuses"), i, s) {
		const json_t *ended = jat(s, "state.terminated");
		const char *waiting = jtext(s, "state.waiting.reason");

		b->restarts += jint(s, "restartCount", 0);
		if (ended && jint(ended, "exitCode", -1) == 0)
			continue;
		if (restartable_init(pod, jtext(s, "name")) && jtrue(s, "started")) {
			b->containers++;
			b->ready += jtrue(s, "ready");
			continue;
		}
		if (ended)
			put(b->status, sizeof(b->status), "Init:", jtext(ended, "reason"), ended);
		else if (*waiting && strcmp(waiting, "PodInitializing"))
			put(b->status, sizeof(b->status), "Init:", waiting, NULL);
		else
			snprintf(b->status, sizeof(b->status), "Init:%zu/%zu", i, total);
		return true;
	}
	return false;
}

static void main_status(const json_t *pod, struct pod_brief *b)
{
	json_t *statuses = jat(pod, "status.containerStatuses");
	bool running = false;

	b->restarts = 0;
	for (size_t i = json_array_size(statuses); i-- > 0;) {
		const json_t *s = json_array_get(statuses, i), *ended = jat(s, "state.terminated");
		const char *waiting = jtext(s, "state.waiting.reason");

		b->restarts += jint(s, "restartCount", 0);
		if (*waiting)
			put(b->status, sizeof(b->status), "", waiting, NULL);
		else if (ended)
			put(b->status, sizeof(b->status), "", jtext(ended, "reason"), ended);
		else if (jtrue(s, "ready") && jat(s, "state.running")) {
			running = true;
			b->ready++;
		}
	}
	if (!strcmp(b->status, "Completed") && running)
		snprintf(b->status, sizeof(b->status), "%s",
		         jis(jfind(pod, "status.conditions", "type", "Ready"), "status", "True") ? "Running" : "NotReady");
}

static enum level level_of(const struct pod_brief *b)
{
	static const char *const busy[] = { "Pending", "ContainerCreating", "PodInitializing", "Terminating",
		"SchedulingGated" };

	if (!strcmp(b->status, "Running"))
		return b->ready >= b->containers ? LEVEL_OK : LEVEL_DOUBT;
	if (!strcmp(b->status, "Completed") || !strcmp(b->status, "Succeeded"))
		return LEVEL_DONE;
	for (size_t i = 0; i < sizeof(busy) / sizeof(*busy); i++)
		if (!strcmp(b->status, busy[i]))
			return LEVEL_BUSY;
	if (!strncmp(b->status, "Init:", 5) && b->status[5] >= '0' && b->status[5] <= '9')
		return LEVEL_BUSY;
	return !strcmp(b->status, "NotReady") ? LEVEL_DOUBT : LEVEL_BAD;
}

struct pod_brief pod_brief(const json_t *pod)
{
	const char *phase = jtext(pod, "status.phase");
	struct pod_brief b = { .containers = (json_int_t)json_array_size(jat(pod, "spec.containers")) };
	const json_t *scheduled = jfind(pod, "status.conditions", "type", "PodScheduled");

	snprintf(b.status, sizeof(b.status), "%s", *jtext(pod, "status.reason") ? jtext(pod, "status.reason") : phase);
	if (jis(scheduled, "reason", "SchedulingGated"))
		snprintf(b.status, sizeof(b.status), "SchedulingGated");
	if (!init_status(pod, &b) || jis(jfind(pod, "status.conditions", "type", "Initialized"), "status", "True"))
		main_status(pod, &b);
	b.finished = !strcmp(phase, "Succeeded") || !strcmp(phase, "Failed");
	if (*jtext(pod, "metadata.deletionTimestamp")) {
		if (jis(pod, "status.reason", "NodeLost"))
			snprintf(b.status, sizeof(b.status), "Unknown");
		else if (!b.finished)
			snprintf(b.status, sizeof(b.status), "Terminating");
	}
	if (!*b.status)
		snprintf(b.status, sizeof(b.status), "Unknown");
	b.level = level_of(&b);
	return b;
}
