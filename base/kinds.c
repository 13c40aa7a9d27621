/* kinds.c: the list of all constant kinds, in the order in which help and completion name them. */
#include "base/kinds.h"
#include <string.h>
#include "base/alerts.h"
#include "base/changes.h"
#include "base/cost.h"
#include "base/drift.h"
#include "base/forwards.h"
#include "base/pipelines.h"
#include "base/ranges.h"
#include "base/registry.h"
#include "base/serving.h"
#include "base/storage.h"

const struct kind *const kinds_all[] = {
	/* kinds_cluster.c */
	&kind_pods, &kind_containers, &kind_nodes, &kind_namespaces, &kind_deployments, &kind_replicasets,
	&kind_statefulsets, &kind_daemonsets, &kind_jobs, &kind_cronjobs, &kind_services, &kind_endpoints,
	&kind_ingresses, &kind_configmaps, &kind_secrets, &kind_persistentvolumeclaims,
	&kind_persistentvolumes, &kind_storageclasses, &kind_horizontalpodautoscalers,
	&kind_poddisruptionbudgets, &kind_events,
	/* kinds_forwards.c */
	&kind_forwards,
	/* kinds_drift.c */
	&kind_drift, &kind_features,
	/* ranges.c */
	&kind_ranges,
	/* kinds_registry.c */
	&kind_models, &kind_versions, &kind_experiments, &kind_trainings, &kind_promotions,
	/* kinds_cost.c */
	&kind_costs, &kind_budgets, &kind_spend, &kind_bills,
	/* kinds_serving.c */
	&kind_modelendpoints, &kind_predictions,
	/* kinds_pipelines.c */
	&kind_pipelines, &kind_runs, &kind_tasks,
	/* kinds_storage.c */
	&kind_buckets, &kind_objects,
	/* kinds_alerts.c */
	&kind_alerts, &kind_silences,
	/* kinds_timeline.c */
	&kind_timeline,
	NULL,
};

const struct kind *kind_named(const char *name)
{
	for (const struct kind *const *k = kinds_all; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}
