/* decode.c: the kinds that are read from protobuf, and one object of them into rows. */
#include "backends/kubernetes/decode_common.h"
#include <stdlib.h>

const struct kube_kind kube_kinds[] = {
	{ &kind_pods, "", "v1", "pods", "Pod", true, decode_pod },
	{ &kind_containers, "", "v1", "pods", "Pod", true, decode_containers },
	{ &kind_nodes, "", "v1", "nodes", "Node", false, decode_node },
	{ &kind_namespaces, "", "v1", "namespaces", "Namespace", false, decode_namespace },
	{ &kind_deployments, "apps", "v1", "deployments", "Deployment", true, decode_deployment },
	{ &kind_replicasets, "apps", "v1", "replicasets", "ReplicaSet", true, decode_replicaset },
	{ &kind_statefulsets, "apps", "v1", "statefulsets", "StatefulSet", true, decode_statefulset },
	{ &kind_daemonsets, "apps", "v1", "daemonsets", "DaemonSet", true, decode_daemonset },
	{ &kind_jobs, "batch", "v1", "jobs", "Job", true, decode_job },
	{ &kind_cronjobs, "batch", "v1", "cronjobs", "CronJob", true, decode_cronjob },
	{ &kind_services, "", "v1", "services", "Service", true, decode_service },
	{ &kind_endpoints, "", "v1", "endpoints", "Endpoints", true, decode_endpoints },
	{ &kind_ingresses, "networking.k8s.io", "v1", "ingresses", "Ingress", true, decode_ingress },
	{ &kind_configmaps, "", "v1", "configmaps", "ConfigMap", true, decode_configmap },
	{ &kind_secrets, "", "v1", "secrets", "Secret", true, decode_secret },
	{ &kind_persistentvolumeclaims, "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, decode_pvc },
	{ &kind_persistentvolumes, "", "v1", "persistentvolumes", "PersistentVolume", false, decode_pv },
	{ &kind_storageclasses, "storage.k8s.io", "v1", "storageclasses", "StorageClass", false, decode_storageclass },
	{ &kind_horizontalpodautoscalers, "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
	  true, decode_hpa },
	{ &kind_poddisruptionbudgets, "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, decode_pdb },
	{ &kind_events, "", "v1", "events", "Event", true, decode_event },
	{ NULL, NULL, NULL, NULL, NULL, false, NULL },
};

const struct kube_kind *kube_kind_find(const char *kind)
{
	for (const struct kube_kind *k = kube_kinds; k->kind; k++)
		if (strcmp(k->kind->name, kind) == 0)
			return k;
	return NULL;
}

void decoder_release(struct decoder *d)
{
	buf_release(&d->key);
	buf_release(&d->text);
	buf_release(&d->more);
	free(d->pairs);
	*d = (struct decoder){ { 0 } };
}

/* runtime.Unknown: 1 typeMeta (1 apiVersion, 2 kind), 2 raw. */
struct str decode_envelope(struct str raw, struct str *kind)
{
	if (kind)
		*kind = (struct str){ "", 0 };
	if (!str_starts(raw, (struct str){ "k8s\0", 4 }))
		return raw;
	struct str inside = { "", 0 };
	struct pb r = pb_of((struct str){ raw.p + 4, raw.n - 4 });
	while (pb_next(&r)) {
		if (r.field == 1 && kind)
			*kind = pb_get(r.bytes, 2);
		else if (r.field == 2)
			inside = r.bytes;
	}
	return inside;
}

static const struct decoded_meta nothing_known = { .cpu_request = -1, .mem_request = -1, .mem_limit = -1,
	.cpu_allocatable = -1, .mem_allocatable = -1, .pods_allocatable = -1, .gpus_allocatable = -1 };

bool decode_meta(struct str raw, struct decoded_meta *meta)
{
	*meta = nothing_known;
	struct pb r = pb_of(decode_envelope(raw, NULL));
	while (pb_next(&r))
		if (r.field == 1 && !read_meta(r.bytes, meta))
			return false;
	return !r.bad;
}

/* Metadata and the row's key. The server's names have at most 253 bytes. */
static bool start(struct decoder *d, struct str raw, struct decoded_meta *meta)
{
	if (!decode_meta(raw, meta) || !meta->name.n || meta->name.n > DECODE_NAME_MAX || meta->ns.n > DECODE_NAME_MAX)
		return false;
	buf_clear(&d->key);
	if (meta->ns.n) {
		buf_addstr(&d->key, meta->ns);
		buf_addc(&d->key, '/');
	}
	buf_addstr(&d->key, meta->name);
	return true;
}

bool decode_object(struct decoder *d, const struct kube_kind *k, struct str raw, struct decoded_meta *meta,
                   struct buf *rows)
{
	size_t before = rows->len;
	raw = decode_envelope(raw, NULL);
	if (start(d, raw, meta) && k->decode(d, raw, meta, rows))
		return true;
	rows->len = before;
	return false;
}

bool decode_delete(struct decoder *d, const struct kube_kind *k, struct str raw, struct decoded_meta *meta,
                   struct buf *rows)
{
	size_t before = rows->len;
	raw = decode_envelope(raw, NULL);
	if (!start(d, raw, meta))
		return false;
	if (k->decode != decode_containers) {
		rows_del(rows, buf_str(&d->key));
		return true;
	}
	if (delete_containers(d, raw, meta, rows))
		return true;
	rows->len = before;
	return false;
}
