/* why_event: findings from events, and the scheduler's, kubelet's and registries' messages in plain words. */
#define _GNU_SOURCE
#include "backends/kubernetes/why.h"
#include "backends/kubernetes/docs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define RECENT_MS (60 * 60 * 1000)    /* older warnings are history */

/* ---- messages */

static const struct { const char *says, *means; } predicates[] = {
	{ "untolerated taint", "have taints that it does not tolerate" },
	{ "Insufficient cpu", "have too little free CPU" },
	{ "Insufficient memory", "have too little free memory" },
	{ "Insufficient nvidia.com/gpu", "have too few free GPUs" },
	{ "Insufficient amd.com/gpu", "have too few free GPUs" },
	{ "Insufficient ephemeral-storage", "have too little free disk" },
	{ "Too many pods", "hold as many pods as they may" },
	{ "were unschedulable", "are cordoned" },
	{ "affinity/selector", "do not match the pod's node selector or affinity" },
	{ "anti-affinity rules", "hold pods that its anti-affinity keeps away from" },
	{ "affinity rules", "lack the pods that its affinity wants nearby" },
	{ "topology spread constraints", "would break its topology spread" },
	{ "volume node affinity conflict", "are out of reach of its volume (another zone or host)" },
	{ "available persistent volumes to bind", "have no volume to bind" },
	{ "unbound immediate PersistentVolumeClaims", "wait for its volume claim to be bound" },
	{ "exceed max volume count", "have as many volumes as they may" },
	{ "free ports for the requested", "have its host port in use" },
	{ "had disk pressure", "have disk pressure" },
	{ "had memory pressure", "have memory pressure" },
	{ "not ready", "are not ready" },
};

/* One reason: "2 node(s) had untolerated taint {gpu: true}". */
static void predicate(struct str part, struct buf *out)
{
	const char *open = memchr(part.p, '{', part.n), *close = memchr(part.p, '}', part.n);
	size_t digits = 0;

	while (digits < part.n && isdigit((unsigned char)part.p[digits]))
		digits++;
	if (out->len)
		buf_adds(out, ", ");
	if (digits)
		buf_addf(out, "%.*s ", (int)digits, part.p);
	if (open && close && close > open && memmem(part.p, part.n, "taint", 5)) {
		struct str taint = { open + 1, (size_t)(close - open - 1) }, key = str_split(&taint, ':');

		taint = str_trim(taint);
		buf_addf(out, "have the taint " STR_FMT "%s" STR_FMT " that it does not tolerate", STR_ARG(key), taint.n ? "=" : "",
		         STR_ARG(taint));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(predicates); i++)
		if (memmem(part.p, part.n, predicates[i].says, strlen(predicates[i].says))) {
			buf_adds(out, predicates[i].means);
			return;
		}
	part.p += digits;
	part.n -= digits;
	part = str_trim(part);
	if (str_starts(part, STR("Insufficient ")))
		buf_addf(out, "have too little free " STR_FMT, (int)(part.n - 13), part.p + 13);
	else if (str_starts(part, STR("node(s) ")))
		buf_addf(out, STR_FMT, (int)(part.n - 8), part.p + 8);
	else
		buf_addstr(out, part);
}

bool why_unschedulable(const char *message, struct buf *out)
{
	static const char mark[] = " nodes are available: ";
	const char *from = strstr(message, mark), *end, *slash = strchr(message, '/');
	struct buf parts = { 0 };
	int depth = 0;

	if (!from || !slash || slash > from)
		return false;
	end = strstr(from, ". preemption");
	if (!end)
		end = strstr(from, ". no new claims");
	if (!end)
		end = from + strlen(from);
	buf_addf(out, "of %.*s nodes: ", (int)(from - slash - 1), slash + 1);
	from += sizeof(mark) - 1;
	for (const char *c = from; c <= end; c++) {
		if (c < end && (*c == '{' || *c == '}'))
			depth += *c == '{' ? 1 : -1;
		/* ", that the pod didn't tolerate" of older schedulers belongs to what stands before it. */
		if (c == end || (depth <= 0 && *c == ',' && c[1] == ' ' && strncmp(c, ", that the pod", 14))) {
			struct str part = str_trim((struct str){ from, (size_t)(c - from) });

			if (part.n && part.p[part.n - 1] == '.')
				part.n--;
			if (part.n)
				predicate(part, &parts);
			from = c + 1;
		}
	}
	buf_addstr(out, buf_str(&parts));
	buf_release(&parts);
	return true;
}

bool why_quota(const char *message, struct buf *out)
{
	static const char mark[] = "exceeded quota: ";
	const char *at = strstr(message, mark);
	struct str rest, name, part;

	if (!at)
		return false;
	rest = str_of(at + sizeof(mark) - 1);
	name = str_split(&rest, ',');
	buf_addf(out, "the quota '" STR_FMT "' is exhausted", STR_ARG(name));
	part = str_trim(rest);
	if (part.n) {
		buf_adds(out, ": ");
		buf_addstr(out, part);
	}
	return true;
}

const char *why_pull(const char *m)
{
	static const struct { const char *says, *means; } causes[] = {
		{ "manifest unknown", "the registry has no such tag" },
		{ "not found", "there is no such image or tag" },
		{ "repository does not exist", "there is no such image, or it is private and no credentials fit" },
		{ "unauthorized", "the registry refuses the credentials (image pull secret)" },
		{ "authentication required", "the registry asks for credentials (image pull secret)" },
		{ "no basic auth", "the registry asks for credentials (image pull secret)" },
		{ "denied", "the registry refuses access: no or wrong credentials (image pull secret)" },
		{ "forbidden", "the registry refuses access: no or wrong credentials (image pull secret)" },
		{ "no such host", "the registry's name cannot be resolved (DNS)" },
		{ "server misbehaving", "the registry's name cannot be resolved (DNS)" },
		{ "toomanyrequests", "the registry limits the number of pulls" },
		{ "429", "the registry limits the number of pulls" },
		{ "x509", "the registry's certificate is not trusted" },
		{ "i/o timeout", "the registry does not answer" },
		{ "deadline exceeded", "the registry does not answer in time" },
		{ "connection refused", "the registry refuses connections" },
		{ "no match for platform", "the image is not built for the node's architecture" },
		{ "no matching manifest", "the image is not built for the node's architecture" },
		{ "no space left", "the node's disk is full" },
		{ "couldn't parse image", "the image's name is malformed" },
		{ "InvalidImageName", "the image's name is malformed" },
		{ "never", "it is not on the node and the pull policy is Never" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (strcasestr(m, causes[i].says))
			return causes[i].means;
	return "it cannot be pulled";
}

const char *why_exit(json_int_t code)
{
	static const struct { int code; const char *means; } codes[] = {
		{ 1, "the program failed by itself: its log says why" },
		{ 2, "the program was used wrongly, or failed by itself" },
		{ 126, "the command is there but cannot be executed" },
		{ 127, "the command was not found in the image" },
		{ 128, "the command could not be started" },
		{ 129, "ended by SIGHUP" },
		{ 130, "interrupted (SIGINT)" },
		{ 132, "illegal instruction: built for another processor?" },
		{ 134, "aborted (SIGABRT): a failed assertion or allocation" },
		{ 135, "bus error (SIGBUS): often shared memory (/dev/shm) too small" },
		{ 136, "arithmetic error (SIGFPE)" },
		{ 137, "killed (SIGKILL): out of memory, a liveness probe, or not ended within its grace" },
		{ 139, "segmentation fault (SIGSEGV): a crash in native code" },
		{ 141, "its output was closed (SIGPIPE)" },
		{ 143, "asked to end (SIGTERM): by a probe, a rollout, an eviction or by hand" },
		{ 255, "the program failed, or the node lost it" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			return codes[i].means;
	return code > 128 && code < 160 ? "ended by a signal (exit code less 128)" : "";
}

/* ---- events */

/* "spec.containers{server}" -> server */
static void container_of(const char *field, char *name, size_t size)
{
	const char *open = strchr(field, '{'), *close = open ? strchr(open, '}') : NULL;

	snprintf(name, size, "%.*s", close ? (int)(close - open - 1) : 0, open ? open + 1 : "");
}

/* The one container that has such a probe; NULL when several have. */
static const json_t *only_probed(const json_t *pod, const char *probe)
{
	const json_t *found = NULL;
	json_t *c;
	size_t i;

	json_array_foreach(jat(pod, "spec.containers"), i, c)
		if (json_object_get(c, probe)) {
			if (found)
				return NULL;
			found = c;
		}
	return found;
}

static void unhealthy(struct why *y, const json_t *o, const struct event *e, const char *evidence)
{
	static const char *const probes[][2] = { { "Liveness", "livenessProbe" }, { "Readiness", "readinessProbe" },
		{ "Startup", "startupProbe" } };
	struct buf probe = { 0 };
	char name[80];
	const json_t *c;

	container_of(e->field, name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (strncmp(e->message, probes[i][0], strlen(probes[i][0])))
			continue;
		c = jfind(o, "spec.containers", "name", name);
		if (!c)
			c = jfind(o, "spec.initContainers", "name", name);
		if (!c && !(c = only_probed(o, probes[i][1])))
			c = json_array_get(jat(o, "spec.containers"), 0);
		if (json_object_get(c, probes[i][1]))
			describe_probe(&probe, json_object_get(c, probes[i][1]));
		why_add(y, i == 1 ? 72 : 78, i == 1 ? LEVEL_DOUBT : LEVEL_BAD,
		        (struct why_link){ "containers", jtext(o, "metadata.namespace"), jtext(o, "metadata.name"), jtext(c, "name"), "logs" },
		        "events", evidence, "the %s probe of container '%s' fails%s%s%s%s", i == 0 ? "liveness" : i == 1 ? "readiness"
		        : "startup", jtext(c, "name"), i == 1 ? ", so it gets no traffic" : ", so it is restarted",
		        probe.len ? " (" : "", probe.len ? probe.data : "", probe.len ? ")" : "");
		break;
	}
	buf_release(&probe);
}

static void mount_failed(struct why *y, const json_t *o, const struct event *e, struct why_link link, const char *evidence)
{
	const char *m = e->message;
	const char *what = strstr(m, "configmap \"") || strstr(m, "secret \"") ? "what it wants to mount does not exist"
		: strcasestr(m, "multi-attach") ? "the volume is still attached to another node"
		: strstr(m, "timed out") || strstr(m, "timeout") ? "mounting took too long"
		: strcasestr(m, "permission denied") ? "permission was denied" : "a volume cannot be mounted";

	(void)o;
	why_add(y, 86, LEVEL_BAD, link, "events", evidence, "%s", what);
}

/* Events whose meaning needs no parsing. */
static const struct { const char *reason; int rank; enum level level; const char *means; } plain[] = {
	{ "FailedCreatePodSandBox", 86, LEVEL_BAD, "its network or sandbox cannot be set up" },
	{ "NetworkNotReady", 86, LEVEL_BAD, "the node's network is not ready" },
	{ "FailedAttachVolume", 86, LEVEL_BAD, "a volume cannot be attached to its node" },
	{ "Evicted", 94, LEVEL_BAD, "it was evicted by its node" },
	{ "Preempted", 80, LEVEL_BAD, "it made room for a pod of higher priority" },
	{ "TaintManagerEviction", 80, LEVEL_BAD, "it was evicted because of a taint" },
	{ "NodeNotReady", 80, LEVEL_BAD, "its node is not ready" },
	{ "FailedPreStopHook", 50, LEVEL_DOUBT, "its hook before stopping fails" },
	{ "FailedPostStartHook", 88, LEVEL_BAD, "its hook after starting fails, so it is killed" },
	{ "ProvisioningFailed", 88, LEVEL_BAD, "its volume cannot be provisioned" },
	{ "FailedBinding", 84, LEVEL_BAD, "no volume fits the claim" },
	{ "WaitForFirstConsumer", 40, LEVEL_BUSY, "the volume is made when a pod that uses the claim is scheduled" },
	{ "BackoffLimitExceeded", 90, LEVEL_BAD, "it failed as often as it may (backoffLimit)" },
	{ "DeadlineExceeded", 90, LEVEL_BAD, "it ran longer than it may (activeDeadlineSeconds)" },
	{ "FailedGetResourceMetric", 60, LEVEL_DOUBT, "the autoscaler cannot read the metrics it scales by" },
	{ "FailedComputeMetricsReplicas", 60, LEVEL_DOUBT, "the autoscaler cannot work out how many replicas are needed" },
	{ "SystemOOM", 92, LEVEL_BAD, "the node itself ran out of memory" },
	{ "OOMKilling", 92, LEVEL_BAD, "the node killed a process for lack of memory" },
	{ "Rebooted", 80, LEVEL_BAD, "the node was rebooted" },
	{ "FreeDiskSpaceFailed", 80, LEVEL_BAD, "the node cannot free disk space" },
	{ "ImageGCFailed", 60, LEVEL_DOUBT, "the node cannot remove old images" },
	{ "EvictionThresholdMet", 85, LEVEL_BAD, "the node evicts pods to regain resources" },
	{ "Unhealthy", 60, LEVEL_DOUBT, "a probe fails" },
	{ "InspectFailed", 80, LEVEL_BAD, "the image cannot be inspected" },
	{ "NotTriggerScaleUp", 70, LEVEL_BAD, "the cluster autoscaler has no node group that would fit it" },
};

static void one_event(struct why *y, const json_t *o, const struct event *e, unsigned skip)
{
	struct buf evidence = { 0 }, words = { 0 };
	struct why_link link = { !strcmp(jtext(o, "kind"), "Pod") ? "pods" : !strcmp(jtext(o, "kind"), "Node") ? "nodes" : NULL,
		jtext(o, "metadata.namespace"), jtext(o, "metadata.name"), "", "describe" };

	buf_addf(&evidence, "%s", e->reason);
	if (e->count > 1)
		buf_addf(&evidence, " x%lld", (long long)e->count);
	buf_adds(&evidence, ", last ");
	fmt_age(y->now - e->last, &evidence);
	buf_addf(&evidence, " ago: %s", e->message);
	if (!strcmp(e->reason, "FailedScheduling")) {
		bool known = why_unschedulable(e->message, &words);

		if (!known && strstr(e->message, "persistentvolumeclaim"))
			buf_adds(&words, "its volume claim is missing or not bound");
		why_add(y, 90, LEVEL_BAD, link, "events", evidence.data, "no node takes it%s%s", words.len ? ": " : "",
		        words.len ? words.data : "");
	} else if (!strcmp(e->reason, "FailedMount") || !strcmp(e->reason, "FailedMapVolume"))
		mount_failed(y, o, e, link, evidence.data);
	else if (!strcmp(e->reason, "Unhealthy") && strstr(e->message, "robe"))
		unhealthy(y, o, e, evidence.data);
	else if (why_quota(e->message, &words))
		why_add(y, 93, LEVEL_BAD, link, "events", evidence.data, "no pod can be created: %s", words.data);
	else if (!strcmp(e->reason, "FailedCreate"))
		why_add(y, 88, LEVEL_BAD, link, "events", evidence.data, "its pods cannot be created: %.200s", e->message);
	else if (!strcmp(e->reason, "Failed") && strcasestr(e->message, "pull")) {
		if (!(skip & WHY_SKIP_PULL))
			why_add(y, 90, LEVEL_BAD, link, "events", evidence.data, "an image cannot be pulled: %s", why_pull(e->message));
	} else if (!strcmp(e->reason, "Failed")) {
		if (!(skip & WHY_SKIP_CONFIG))
			why_add(y, 85, LEVEL_BAD, link, "events", evidence.data, "a container cannot be started: %.200s", e->message);
	} else if (!strcmp(e->reason, "BackOff")) {
		if (!(skip & (WHY_SKIP_BACKOFF | WHY_SKIP_PULL)))
			why_add(y, 55, LEVEL_BAD, link, "events", evidence.data, "it failed again and again: the kubelet waits before it tries anew");
	} else
		for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
			if (!strcmp(e->reason, plain[i].reason)) {
				why_add(y, plain[i].rank, plain[i].level, link, "events", evidence.data, "%s", plain[i].means);
				break;
			}
	buf_release(&evidence);
	buf_release(&words);
}

static bool about(const json_t *event, const json_t *o)
{
	const char *uid = jtext(event, "involvedObject.uid"), *name = jtext(event, "involvedObject.name");

	if (!*uid && !*name) {
		uid = jtext(event, "regarding.uid");
		name = jtext(event, "regarding.name");
	}
	if (*uid && !strcmp(uid, jtext(o, "metadata.uid")))
		return true;
	return jis(o, "kind", "Node") && !strcmp(name, jtext(o, "metadata.name"));
}

void why_events(struct why *y, const json_t *o, unsigned skip)
{
	const json_t *events = json_object_get(y->facts, "events");
	size_t n, *order = event_order(events, &n);

	for (size_t i = n; i-- > 0;) {             /* the newest of each reason */
		const json_t *object = json_array_get(events, order[i]);
		struct event e = event_read(object);
		bool seen = false;

		if (!about(object, o) || y->now - e.last > RECENT_MS || (!e.warning && strcmp(e.reason, "WaitForFirstConsumer") &&
		    strcmp(e.reason, "NotTriggerScaleUp")))
			continue;
		for (size_t k = i + 1; k < n && !seen; k++) {
			const json_t *later = json_array_get(events, order[k]);
			struct event f = event_read(later);

			seen = about(later, o) && !strcmp(e.reason, f.reason) && !strcmp(e.field, f.field) &&
			       strncmp(e.reason, "Unhealthy", 9) && strcmp(e.reason, "Failed");
			seen = seen || (about(later, o) && !strcmp(e.reason, f.reason) && !strcmp(e.message, f.message));
		}
		if (!seen)
			one_event(y, o, &e, skip);
	}
	free(order);
}
