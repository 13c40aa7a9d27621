/* nodegroup: a managed node group of EKS to no nodes and back, by UpdateNodegroupConfig. Rows of `costs` by group; the cluster's
 * name in AWS is the setting aws.eks_cluster. */
#ifndef COST_NODEGROUP_H
#define COST_NODEGROUP_H
#include "backends/cost/show.h"

extern const struct action *const cost_actions[];

/* Both always end r. `aws` and what c holds are borrowed for the call, which takes as long as AWS does. */
void nodegroup_plan(const struct cost *c, struct link *l, const struct request *r);
void nodegroup_run(const struct cost *c, struct link *l, const struct request *r);
#endif
