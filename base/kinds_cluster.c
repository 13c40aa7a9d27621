/* kinds_cluster.c: the kinds of Kubernetes. First kubectl's own columns, in its order and under its
 * titles (COL_WIDE: only with -o wide); then ours (COL_OURS); then hidden ones that filters, relations
 * and actions need. backends/kubernetes/decode_*.c and the demo write their cells in this order. */
#include "base/fmt.h"
#include "base/kinds.h"
#include "base/table.h"
#include <math.h>

#define COL(name_, title_, type_, ...) { .name = name_, .title = title_, .type = type_, __VA_ARGS__ }
#define NAMESPACE COL("namespace", "NAMESPACE", COL_TEXT, .flags = COL_SHARED, .priority = 3, .width = 14)
#define NAME COL("name", "NAME", COL_TEXT, .width = 36)
#define AGE COL("age", "AGE", COL_TIME, .priority = 1, .width = 6, .none = "<unknown>")
/* What every object has and nobody reads in a list. */
#define LABELS COL("labels", "LABELS", COL_LABELS, .flags = COL_SHARED | COL_HIDDEN)
#define OWNER COL("owner", "OWNER", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN)
#define UID COL("uid", "UID", COL_TEXT, .flags = COL_HIDDEN)
/* Of a workload: what its pods are made from. */
#define CONTAINERS COL("containers", "CONTAINERS", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 7)
#define IMAGES COL("images", "IMAGES", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 8)
#define SELECTOR(...) COL("selector", "SELECTOR", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 9, __VA_ARGS__)
#define HEALTH COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED | COL_OURS, .width = 12)

#define KIND(id, singular_, help_, group_, namespaced_, columns, ...) \
	static const char *const id##_aliases[] = { __VA_ARGS__, NULL }; \
	const struct kind kind_##id = { .name = #id, .singular = singular_, .aliases = id##_aliases, \
		.help = help_, .cols = columns, .ncols = sizeof(columns) / sizeof(columns[0]), \
		.namespaced = namespaced_, .group = group_ }

/* "4 (12s ago)": how often, and the last time. */
static void show_restarts(const struct row *r, int count, int when, int64_t now, struct buf *out)
{
	if (row_null(r, count))
		return;
	fmt_count(row_int(r, count), out);
	if (row_int(r, count) == 0 || row_null(r, when))
		return;
	buf_adds(out, " (");
	fmt_age(now - row_int(r, when), out);
	buf_adds(out, " ago)");
}

static void show_pod_restarts(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_restarts(r, PODS_RESTARTS, PODS_RESTARTED, now, out);
}

static const struct column pods[] = {
	NAMESPACE, NAME,
	COL("ready", "READY", COL_PAIR, .flags = COL_RIGHT, .width = 5),
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 17),
	COL("restarts", "RESTARTS", COL_COUNT, .priority = 2, .width = 8, .show = show_pod_restarts),
	AGE,
	COL("ip", "IP", COL_TEXT, .flags = COL_WIDE, .priority = 9, .width = 15, .none = "<none>"),
	COL("node", "NODE", COL_REF, .flags = COL_SHARED | COL_WIDE, .priority = 5, .width = 14, .ref = "nodes",
	    .none = "<none>"),
	COL("nominated_node", "NOMINATED NODE", COL_REF, .flags = COL_SHARED | COL_WIDE, .priority = 11,
	    .ref = "nodes", .none = "<none>"),
	COL("readiness_gates", "READINESS GATES", COL_PAIR, .flags = COL_WIDE, .priority = 11, .none = "<none>"),
	COL("cpu", "CPU", COL_MILLI, .flags = COL_OURS, .priority = 4, .width = 6),
	COL("mem", "MEM", COL_BYTES, .flags = COL_OURS, .priority = 4, .width = 6),
	COL("mem_pct", "%LIM", COL_RATIO, .flags = COL_OURS, .priority = 6, .width = 5),
	COL("gpus", "GPU", COL_COUNT, .flags = COL_OURS, .priority = 8, .width = 3),
	COL("cpu_request", "CPU REQ", COL_MILLI, .flags = COL_HIDDEN),
	COL("mem_request", "MEM REQ", COL_BYTES, .flags = COL_HIDDEN),
	COL("mem_limit", "MEM LIM", COL_BYTES, .flags = COL_HIDDEN),
	COL("restarted", "RESTARTED", COL_TIME, .flags = COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(pods, "pod", "pods, with the status that kubectl prints", "", true, pods, "po");

static void show_container_restarts(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_restarts(r, CONTAINERS_RESTARTS, CONTAINERS_RESTARTED, now, out);
}

/* The reference is "namespace/pod"; the namespace has a column of its own. */
static void show_container_pod(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	struct str pod = row_text(t, r, CONTAINERS_POD);
	struct str name = pod;
	str_split(&name, '/');
	buf_addstr(out, name.n ? name : pod);
}

/* The metrics come without limits; both are in the row. */
static double container_mem_pct(const struct row *r)
{
	if (row_null(r, CONTAINERS_MEM) || row_null(r, CONTAINERS_MEM_LIMIT) || row_int(r, CONTAINERS_MEM_LIMIT) <= 0)
		return NAN;
	return (double)row_int(r, CONTAINERS_MEM) / (double)row_int(r, CONTAINERS_MEM_LIMIT);
}

static const struct column containers[] = {
	NAMESPACE,
	COL("pod", "POD", COL_REF, .priority = 1, .width = 30, .ref = "pods", .show = show_container_pod),
	COL("name", "NAME", COL_TEXT, .flags = COL_SHARED, .width = 20),
	COL("role", "ROLE", COL_TEXT, .flags = COL_SHARED, .priority = 4, .width = 7), /* main init sidecar debug */
	COL("ready", "READY", COL_BOOL, .width = 5),
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 17),
	COL("restarts", "RESTARTS", COL_COUNT, .priority = 2, .width = 8, .show = show_container_restarts),
	COL("age", "AGE", COL_TIME, .priority = 1, .width = 6), /* since it was started */
	COL("cpu", "CPU", COL_MILLI, .flags = COL_OURS, .priority = 3, .width = 6),
	COL("mem", "MEM", COL_BYTES, .flags = COL_OURS, .priority = 3, .width = 6),
	COL("mem_pct", "%LIM", COL_RATIO, .flags = COL_OURS, .priority = 5, .width = 5,
	    .derive = container_mem_pct),
	COL("last", "LAST END", COL_TEXT, .flags = COL_SHARED, .priority = 4, .width = 12),
	COL("exit_code", "EXIT", COL_COUNT, .priority = 5, .width = 4), /* of the last end */
	COL("image", "IMAGE", COL_TEXT, .flags = COL_SHARED, .priority = 6, .width = 40),
	COL("ports", "PORTS", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 8),
	COL("probes", "PROBES", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 9),
	COL("cpu_request", "CPU REQ", COL_MILLI, .flags = COL_WIDE, .priority = 7),
	COL("cpu_limit", "CPU LIM", COL_MILLI, .flags = COL_WIDE, .priority = 7),
	COL("mem_request", "MEM REQ", COL_BYTES, .flags = COL_WIDE, .priority = 7),
	COL("mem_limit", "MEM LIM", COL_BYTES, .flags = COL_WIDE, .priority = 7),
	COL("restarted", "RESTARTED", COL_TIME, .flags = COL_HIDDEN),
	COL("node", "NODE", COL_REF, .flags = COL_SHARED | COL_HIDDEN, .ref = "nodes"),
	LABELS, OWNER, UID, /* the pod's labels and uid; owner is "Pod/name" */
};
KIND(containers, "container", "containers of pods, init and sidecar ones too", "", true, containers, "co");

static const struct column nodes[] = {
	NAME,
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 12),
	COL("roles", "ROLES", COL_TEXT, .flags = COL_SHARED, .priority = 8, .width = 8, .none = "<none>"),
	AGE,
	COL("version", "VERSION", COL_TEXT, .flags = COL_SHARED, .priority = 7, .width = 10),
	COL("internal_ip", "INTERNAL-IP", COL_TEXT, .flags = COL_WIDE, .priority = 9, .width = 15, .none = "<none>"),
	COL("external_ip", "EXTERNAL-IP", COL_TEXT, .flags = COL_WIDE, .priority = 10, .none = "<none>"),
	COL("os_image", "OS-IMAGE", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 11, .none = "<unknown>"),
	COL("kernel", "KERNEL-VERSION", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 11,
	    .none = "<unknown>"),
	COL("runtime", "CONTAINER-RUNTIME", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 11,
	    .none = "<unknown>"),
	COL("pods", "PODS", COL_PAIR, .flags = COL_OURS | COL_RIGHT, .priority = 1, .width = 7), /* of allocatable */
	COL("cpu", "CPU", COL_MILLI, .flags = COL_OURS, .priority = 2, .width = 6),        /* used */
	COL("cpu_pct", "%CPU", COL_RATIO, .flags = COL_OURS, .priority = 4, .width = 5),   /* used of allocatable */
	COL("cpu_requested", "CPU REQ", COL_MILLI, .flags = COL_OURS, .priority = 3, .width = 7),
	COL("mem", "MEM", COL_BYTES, .flags = COL_OURS, .priority = 2, .width = 6),
	COL("mem_pct", "%MEM", COL_RATIO, .flags = COL_OURS, .priority = 4, .width = 5),
	COL("mem_requested", "MEM REQ", COL_BYTES, .flags = COL_OURS, .priority = 3, .width = 7),
	COL("gpus", "GPUS", COL_PAIR, .flags = COL_OURS | COL_RIGHT, .priority = 3, .width = 5), /* requested/allocatable */
	COL("nodegroup", "GROUP", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 2, .width = 10),
	COL("instance_type", "TYPE", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 5, .width = 12),
	COL("capacity_type", "CAPACITY", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 6, .width = 9),
	COL("zone", "ZONE", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 6, .width = 11),
	COL("taints", "TAINTS", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 7, .width = 20),
	COL("pressure", "PRESSURE", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 1, .width = 8),
	COL("cpu_allocatable", "CPU ALLOC", COL_MILLI, .flags = COL_HIDDEN),
	COL("mem_allocatable", "MEM ALLOC", COL_BYTES, .flags = COL_HIDDEN),
	COL("pods_allocatable", "PODS ALLOC", COL_COUNT, .flags = COL_HIDDEN),
	COL("gpus_allocatable", "GPUS ALLOC", COL_COUNT, .flags = COL_HIDDEN),
	COL("cpu_capacity", "CPU CAP", COL_MILLI, .flags = COL_HIDDEN),
	COL("mem_capacity", "MEM CAP", COL_BYTES, .flags = COL_HIDDEN),
	COL("unschedulable", "UNSCHEDULABLE", COL_BOOL, .flags = COL_HIDDEN),
	COL("provider_id", "PROVIDER ID", COL_TEXT, .flags = COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(nodes, "node", "nodes: what they hold, what is asked of them, what they use", "", false, nodes, "no");

static const struct column namespaces[] = {
	NAME,
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 11),
	AGE, LABELS, OWNER, UID,
};
KIND(namespaces, "namespace", "namespaces", "", false, namespaces, "ns");

static const struct column deployments[] = {
	NAMESPACE, NAME,
	COL("ready", "READY", COL_PAIR, .flags = COL_RIGHT, .width = 6),
	COL("up_to_date", "UP-TO-DATE", COL_COUNT, .priority = 3, .width = 10),
	COL("available", "AVAILABLE", COL_COUNT, .priority = 2, .width = 9),
	AGE, CONTAINERS, IMAGES, SELECTOR(), HEALTH,
	COL("revision", "REV", COL_COUNT, .flags = COL_OURS, .priority = 4, .width = 4),
	COL("strategy", "STRATEGY", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	COL("reason", "REASON", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN), /* of the condition that is wrong */
	LABELS, OWNER, UID,
};
KIND(deployments, "deployment", "deployments", "apps", true, deployments, "deploy");

static const struct column replicasets[] = {
	NAMESPACE, NAME,
	COL("desired", "DESIRED", COL_COUNT, .width = 7),
	COL("current", "CURRENT", COL_COUNT, .priority = 2, .width = 7),
	COL("ready", "READY", COL_COUNT, .width = 5),
	AGE, CONTAINERS, IMAGES, SELECTOR(.none = "<none>"), HEALTH,
	COL("revision", "REV", COL_COUNT, .flags = COL_OURS, .priority = 3, .width = 4),
	LABELS, OWNER, UID,
};
KIND(replicasets, "replicaset", "replica sets, one for each revision of a deployment", "apps", true, replicasets,
     "rs");

static const struct column statefulsets[] = {
	NAMESPACE, NAME,
	COL("ready", "READY", COL_PAIR, .flags = COL_RIGHT, .width = 6),
	AGE, CONTAINERS, IMAGES, HEALTH,
	COL("up_to_date", "UP-TO-DATE", COL_COUNT, .flags = COL_OURS, .priority = 3, .width = 10),
	COL("selector", "SELECTOR", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	COL("service", "SERVICE", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(statefulsets, "statefulset", "stateful sets", "apps", true, statefulsets, "sts");

static const struct column daemonsets[] = {
	NAMESPACE, NAME,
	COL("desired", "DESIRED", COL_COUNT, .width = 7),
	COL("current", "CURRENT", COL_COUNT, .priority = 4, .width = 7),
	COL("ready", "READY", COL_COUNT, .width = 5),
	COL("up_to_date", "UP-TO-DATE", COL_COUNT, .priority = 3, .width = 10),
	COL("available", "AVAILABLE", COL_COUNT, .priority = 2, .width = 9),
	COL("node_selector", "NODE SELECTOR", COL_TEXT, .flags = COL_SHARED, .priority = 5, .width = 16,
	    .none = "<none>"),
	AGE, CONTAINERS, IMAGES, SELECTOR(.none = "<none>"), HEALTH, LABELS, OWNER, UID,
};
KIND(daemonsets, "daemonset", "daemon sets", "apps", true, daemonsets, "ds");

enum { JOBS_COMPLETIONS = 3, JOBS_DURATION = 4, JOBS_STARTED = 9, JOBS_PARALLELISM = 11 };

/* "0/1 of 3": a job with no fixed number of completions says how many pods work at once. */
static void show_completions(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	fmt_pair(row_int(r, JOBS_COMPLETIONS), out);
	if (row_int(r, JOBS_PARALLELISM) > 1)
		buf_addf(out, " of %lld", (long long)row_int(r, JOBS_PARALLELISM));
}

/* Of a job that is not over: so far. */
static void show_job_duration(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (!row_null(r, JOBS_DURATION))
		fmt_age(row_int(r, JOBS_DURATION), out);
	else if (!row_null(r, JOBS_STARTED))
		fmt_age(now - row_int(r, JOBS_STARTED), out);
}

static const struct column jobs[] = {
	NAMESPACE, NAME,
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 10),
	COL("completions", "COMPLETIONS", COL_PAIR, .flags = COL_RIGHT, .priority = 1, .width = 11,
	    .show = show_completions),
	COL("duration", "DURATION", COL_DURATION, .priority = 2, .width = 8, .show = show_job_duration),
	AGE, CONTAINERS, IMAGES, SELECTOR(.none = "<none>"),
	COL("started", "STARTED", COL_TIME, .flags = COL_HIDDEN),
	COL("failed", "FAILED", COL_COUNT, .flags = COL_OURS, .priority = 3, .width = 6), /* pods that failed */
	COL("parallelism", "PARALLELISM", COL_COUNT, .flags = COL_HIDDEN), /* only where completions are not set */
	COL("reason", "REASON", COL_TEXT, .flags = COL_SHARED | COL_OURS, .priority = 4, .width = 20),
	LABELS, OWNER, UID,
};
KIND(jobs, "job", "jobs", "batch", true, jobs, "jo");

enum { CRONJOBS_SUSPEND = 4 };

static void show_suspend(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (!row_null(r, CRONJOBS_SUSPEND))
		buf_adds(out, row_int(r, CRONJOBS_SUSPEND) ? "True" : "False");
}

static const struct column cronjobs[] = {
	NAMESPACE, NAME,
	COL("schedule", "SCHEDULE", COL_TEXT, .width = 14),
	COL("timezone", "TIMEZONE", COL_TEXT, .flags = COL_SHARED, .priority = 5, .width = 10, .none = "<none>"),
	COL("suspend", "SUSPEND", COL_BOOL, .priority = 2, .width = 7, .none = "<unset>", .show = show_suspend),
	COL("active", "ACTIVE", COL_COUNT, .priority = 1, .width = 6),
	COL("last_schedule", "LAST SCHEDULE", COL_TIME, .priority = 1, .width = 13, .none = "<none>"),
	AGE, CONTAINERS, IMAGES, SELECTOR(.none = "<none>"),
	COL("last_success", "LAST SUCCESS", COL_TIME, .flags = COL_OURS, .priority = 3, .width = 12),
	LABELS, OWNER, UID,
};
KIND(cronjobs, "cronjob", "cron jobs", "batch", true, cronjobs, "cj");

static const struct column services[] = {
	NAMESPACE, NAME,
	COL("type", "TYPE", COL_TEXT, .flags = COL_SHARED, .priority = 3, .width = 12),
	COL("cluster_ip", "CLUSTER-IP", COL_TEXT, .priority = 4, .width = 15, .none = "<none>"),
	COL("external_ip", "EXTERNAL-IP", COL_STATUS, .flags = COL_SHARED, .priority = 3, .width = 15,
	    .none = "<none>"),
	COL("ports", "PORT(S)", COL_TEXT, .flags = COL_SHARED, .priority = 1, .width = 20, .none = "<none>"),
	AGE,
	COL("selector", "SELECTOR", COL_LABELS, .flags = COL_SHARED | COL_WIDE, .priority = 9, .none = "<none>"),
	LABELS, OWNER, UID,
};
KIND(services, "service", "services", "", true, services, "svc");

static const struct column endpoints[] = {
	NAMESPACE, NAME,
	COL("endpoints", "ENDPOINTS", COL_TEXT, .width = 40, .none = "<none>"),
	AGE,
	COL("ready", "READY", COL_PAIR, .flags = COL_OURS | COL_RIGHT, .width = 6), /* ready of all addresses */
	LABELS, OWNER, UID,
};
KIND(endpoints, "endpoint", "addresses behind the services", "", true, endpoints, "ep");

static const struct column ingresses[] = {
	NAMESPACE, NAME,
	COL("class", "CLASS", COL_TEXT, .flags = COL_SHARED, .priority = 3, .width = 8, .none = "<none>"),
	COL("hosts", "HOSTS", COL_TEXT, .width = 30, .none = "*"),
	COL("address", "ADDRESS", COL_TEXT, .flags = COL_SHARED, .priority = 2, .width = 20),
	COL("ports", "PORTS", COL_TEXT, .flags = COL_SHARED, .priority = 4, .width = 7),
	AGE, LABELS, OWNER, UID,
};
KIND(ingresses, "ingress", "ingresses", "networking.k8s.io", true, ingresses, "ing");

static const struct column configmaps[] = {
	NAMESPACE, NAME,
	COL("data", "DATA", COL_COUNT, .width = 4), /* keys */
	AGE,
	COL("size", "SIZE", COL_BYTES, .flags = COL_OURS, .priority = 2, .width = 6),
	LABELS, OWNER, UID,
};
KIND(configmaps, "configmap", "config maps", "", true, configmaps, "cm");

static const struct column secrets[] = {
	NAMESPACE, NAME,
	COL("type", "TYPE", COL_TEXT, .flags = COL_SHARED, .priority = 2, .width = 30),
	COL("data", "DATA", COL_COUNT, .width = 4), /* keys; values never leave the decoder */
	AGE,
	COL("size", "SIZE", COL_BYTES, .flags = COL_OURS, .priority = 3, .width = 6),
	LABELS, OWNER, UID,
};
KIND(secrets, "secret", "secrets: names, types and sizes, never values", "", true, secrets, "sec");

#define CAPACITY_TEXT COL("capacity_text", "CAPACITY", COL_TEXT, .flags = COL_SHARED | COL_PLAIN_GET)
#define CAPACITY COL("capacity", "CAPACITY", COL_BYTES, .flags = COL_OURS, .width = 8)
#define ACCESS_MODES COL("access_modes", "ACCESS MODES", COL_TEXT, .flags = COL_SHARED, .priority = 5, .width = 12)
#define STORAGECLASS COL("storageclass", "STORAGECLASS", COL_REF, .flags = COL_SHARED, .priority = 3, \
	.width = 12, .ref = "storageclasses")
#define ATTRIBUTES_CLASS COL("attributes_class", "VOLUMEATTRIBUTESCLASS", COL_TEXT, .flags = COL_SHARED, \
	.priority = 12, .none = "<unset>")
#define VOLUME_MODE COL("volume_mode", "VOLUMEMODE", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 11, \
	.none = "<unset>")

static const struct column persistentvolumeclaims[] = {
	NAMESPACE, NAME,
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 11),
	COL("volume", "VOLUME", COL_REF, .priority = 4, .width = 20, .ref = "persistentvolumes"),
	CAPACITY_TEXT, ACCESS_MODES, STORAGECLASS, ATTRIBUTES_CLASS, AGE, VOLUME_MODE, CAPACITY,
	COL("request", "REQUEST", COL_BYTES, .flags = COL_OURS, .priority = 5, .width = 8),
	LABELS, OWNER, UID,
};
KIND(persistentvolumeclaims, "persistentvolumeclaim", "claims of volumes", "", true, persistentvolumeclaims, "pvc");

static const struct column persistentvolumes[] = {
	NAME, CAPACITY_TEXT, ACCESS_MODES,
	COL("reclaim_policy", "RECLAIM POLICY", COL_TEXT, .flags = COL_SHARED, .priority = 5, .width = 14),
	COL("status", "STATUS", COL_STATUS, .flags = COL_SHARED, .width = 10),
	COL("claim", "CLAIM", COL_REF, .priority = 1, .width = 30, .ref = "persistentvolumeclaims"),
	STORAGECLASS, ATTRIBUTES_CLASS,
	COL("reason", "REASON", COL_TEXT, .flags = COL_SHARED, .priority = 4, .width = 10),
	AGE, VOLUME_MODE, CAPACITY, LABELS, OWNER, UID,
};
KIND(persistentvolumes, "persistentvolume", "volumes", "", false, persistentvolumes, "pv");

enum { STORAGECLASSES_NAME = 0, STORAGECLASSES_DEFAULT = 6 };

static void show_storageclass(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	buf_addstr(out, row_text(t, r, STORAGECLASSES_NAME));
	if (row_int(r, STORAGECLASSES_DEFAULT))
		buf_adds(out, " (default)");
}

static const struct column storageclasses[] = {
	COL("name", "NAME", COL_TEXT, .width = 24, .show = show_storageclass),
	COL("provisioner", "PROVISIONER", COL_TEXT, .flags = COL_SHARED, .priority = 2, .width = 30),
	COL("reclaim_policy", "RECLAIMPOLICY", COL_TEXT, .flags = COL_SHARED, .priority = 3, .width = 13),
	COL("binding_mode", "VOLUMEBINDINGMODE", COL_TEXT, .flags = COL_SHARED, .priority = 4, .width = 20),
	COL("expandable", "ALLOWVOLUMEEXPANSION", COL_BOOL, .priority = 5, .width = 20),
	AGE,
	COL("default", "DEFAULT", COL_BOOL, .flags = COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(storageclasses, "storageclass", "storage classes", "storage.k8s.io", false, storageclasses, "sc");

static const struct column horizontalpodautoscalers[] = {
	NAMESPACE, NAME,
	COL("reference", "REFERENCE", COL_TEXT, .priority = 2, .width = 30),
	COL("targets", "TARGETS", COL_TEXT, .width = 20, .none = "<none>"),
	COL("min", "MINPODS", COL_COUNT, .priority = 1, .width = 7, .none = "<unset>"),
	COL("max", "MAXPODS", COL_COUNT, .priority = 1, .width = 7),
	COL("replicas", "REPLICAS", COL_COUNT, .width = 8),
	AGE, HEALTH,
	COL("reason", "REASON", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(horizontalpodautoscalers, "horizontalpodautoscaler", "horizontal autoscalers", "autoscaling", true,
     horizontalpodautoscalers, "hpa");

static const struct column poddisruptionbudgets[] = {
	NAMESPACE, NAME,
	COL("min_available", "MIN AVAILABLE", COL_TEXT, .flags = COL_SHARED | COL_RIGHT, .width = 13, .none = "N/A"),
	COL("max_unavailable", "MAX UNAVAILABLE", COL_TEXT, .flags = COL_SHARED | COL_RIGHT, .width = 15,
	    .none = "N/A"),
	COL("allowed", "ALLOWED DISRUPTIONS", COL_COUNT, .width = 19),
	AGE,
	COL("healthy", "HEALTHY", COL_PAIR, .flags = COL_OURS | COL_RIGHT, .priority = 1, .width = 7), /* of desired */
	COL("selector", "SELECTOR", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(poddisruptionbudgets, "poddisruptionbudget", "disruption budgets", "policy", true, poddisruptionbudgets, "pdb");

static const struct column events[] = {
	NAMESPACE,
	COL("last_seen", "LAST SEEN", COL_TIME, .width = 9, .none = "<unknown>"),
	COL("type", "TYPE", COL_STATUS, .flags = COL_SHARED, .priority = 3, .width = 7),
	COL("reason", "REASON", COL_TEXT, .flags = COL_SHARED, .width = 18),
	COL("object", "OBJECT", COL_TEXT, .flags = COL_SHARED, .width = 36),
	COL("subobject", "SUBOBJECT", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 11),
	COL("source", "SOURCE", COL_TEXT, .flags = COL_SHARED | COL_WIDE, .priority = 10, .width = 20),
	COL("message", "MESSAGE", COL_TEXT, .flags = COL_SHARED, .width = 60),
	COL("first_seen", "FIRST SEEN", COL_TIME, .flags = COL_WIDE, .priority = 9, .width = 10, .none = "<unknown>"),
	COL("count", "COUNT", COL_COUNT, .flags = COL_WIDE, .priority = 4, .width = 5),
	COL("name", "NAME", COL_TEXT, .flags = COL_WIDE, .priority = 12),
	COL("age", "AGE", COL_TIME, .flags = COL_HIDDEN, .none = "<unknown>"),
	COL("object_uid", "OBJECT UID", COL_TEXT, .flags = COL_SHARED | COL_HIDDEN),
	LABELS, OWNER, UID,
};
KIND(events, "event", "events", "", true, events, "ev");

_Static_assert(sizeof(pods) / sizeof(pods[0]) == PODS_NCOLS, "enum pods_col");
_Static_assert(sizeof(nodes) / sizeof(nodes[0]) == NODES_NCOLS, "enum nodes_col");
_Static_assert(sizeof(containers) / sizeof(containers[0]) == CONTAINERS_NCOLS, "enum containers_col");
