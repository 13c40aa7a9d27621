/* kinds: the constant tables of columns that the backends fill and the panes show. One table per kind,
 * in kinds_*.c by area; a new kind is a table there, a line here and a line in kinds.c. */
#ifndef BASE_KINDS_H
#define BASE_KINDS_H
#include "base/kind.h"

/* All constant kinds, NULL at the end. */
extern const struct kind *const kinds_all[];
const struct kind *kind_named(const char *name);      /* the exact name; NULL: none of these, others are made while running */

/* Kubernetes (kinds_cluster.c). Row keys: "namespace/name", or "name" where there is no namespace;
 * containers: "namespace/pod/container". All have the columns name, age (creation time), labels, owner
 * ("Kind/name" of the controller) and uid. */
extern const struct kind kind_pods, kind_containers, kind_nodes, kind_namespaces, kind_deployments,
	kind_replicasets, kind_statefulsets, kind_daemonsets, kind_jobs, kind_cronjobs, kind_services,
	kind_endpoints, kind_ingresses, kind_configmaps, kind_secrets, kind_persistentvolumeclaims,
	kind_persistentvolumes, kind_storageclasses, kind_horizontalpodautoscalers,
	kind_poddisruptionbudgets, kind_events;

/* Columns of the kinds whose cells the backend writes apart from the listing (metrics, sums over
 * pods): the order of the table, checked by tests/unit/test_fmt.c. */
enum pods_col {
	PODS_NAMESPACE, PODS_NAME, PODS_READY, PODS_STATUS, PODS_RESTARTS, PODS_AGE, PODS_IP, PODS_NODE,
	PODS_NOMINATED, PODS_GATES, PODS_CPU, PODS_MEM, PODS_MEM_PCT, PODS_GPUS, PODS_CPU_REQUEST,
	PODS_MEM_REQUEST, PODS_MEM_LIMIT, PODS_RESTARTED, PODS_LABELS, PODS_OWNER, PODS_UID, PODS_NCOLS
};
enum nodes_col {
	NODES_NAME, NODES_STATUS, NODES_ROLES, NODES_AGE, NODES_VERSION, NODES_INTERNAL_IP,
	NODES_EXTERNAL_IP, NODES_OS_IMAGE, NODES_KERNEL, NODES_RUNTIME, NODES_PODS, NODES_CPU,
	NODES_CPU_PCT, NODES_CPU_REQUESTED, NODES_MEM, NODES_MEM_PCT, NODES_MEM_REQUESTED, NODES_GPUS,
	NODES_NODEGROUP, NODES_INSTANCE_TYPE, NODES_CAPACITY_TYPE, NODES_ZONE, NODES_TAINTS,
	NODES_PRESSURE, NODES_CPU_ALLOCATABLE, NODES_MEM_ALLOCATABLE, NODES_PODS_ALLOCATABLE,
	NODES_GPUS_ALLOCATABLE, NODES_CPU_CAPACITY, NODES_MEM_CAPACITY, NODES_UNSCHEDULABLE,
	NODES_PROVIDER_ID, NODES_LABELS, NODES_OWNER, NODES_UID, NODES_NCOLS
};
enum containers_col {
	CONTAINERS_NAMESPACE, CONTAINERS_POD, CONTAINERS_NAME, CONTAINERS_ROLE, CONTAINERS_READY,
	CONTAINERS_STATUS, CONTAINERS_RESTARTS, CONTAINERS_AGE, CONTAINERS_CPU, CONTAINERS_MEM,
	CONTAINERS_MEM_PCT, CONTAINERS_LAST, CONTAINERS_EXIT_CODE, CONTAINERS_IMAGE, CONTAINERS_PORTS,
	CONTAINERS_PROBES, CONTAINERS_CPU_REQUEST, CONTAINERS_CPU_LIMIT, CONTAINERS_MEM_REQUEST,
	CONTAINERS_MEM_LIMIT, CONTAINERS_RESTARTED, CONTAINERS_NODE, CONTAINERS_LABELS,
	CONTAINERS_OWNER, CONTAINERS_UID, CONTAINERS_NCOLS
};
#endif
