/* burn: what is paid for now, made from the rows of the clusters: assets with their prices, and who causes what they cost. */
#ifndef COST_BURN_H
#define COST_BURN_H
#include "backends/cost/assets.h"
#include "backends/cost/intake.h"
#include "backends/cost/price.h"
#include "backends/cost/share.h"

struct burn_rules {                      /* settings; texts borrowed */
	enum share_by by;
	const char *region;                  /* where a node's zone does not say; NULL: us-east-1 */
	int control_plane;                   /* 1, 0, -1: where the nodes are of EKS */
	int nat_gateways;                    /* of each cluster */
	double node_volume;                  /* GiB of gp3 that each node of EKS starts from */
	const struct yaml *models;           /* map of model to "namespace/workload"; may be NULL */
	const struct yaml *extras;           /* map of name to $/h; may be NULL */
};

struct burn_group {                      /* of one cluster: a node group, the control plane, volumes of a type ... */
	enum asset_type type;
	unsigned cluster;                    /* in intake's sources */
	char *name, *basis;
	int64_t count, unpriced;
	double rate, idle;                   /* $/h; idle NaN where that means nothing */
	bool needed;                         /* what the cluster itself runs is here: not to be brought to 0 */
	bool mixed;
};
struct burn {
	struct burn_group *groups;
	size_t ngroups;
	struct share_sums namespaces, workloads, models;
	struct buf missing;                  /* "m9.huge on-demand in us-east-1, ..." */
	unsigned nmissing;
	bool known[IN_SOURCES];              /* the cluster's nodes are known */
	bool shared[IN_SOURCES];             /* and its pods */
};

void burn_release(struct burn *b);
/* Looks at everything; assets are brought up to date. b is empty, or of the last time (released first). */
void burn_make(struct burn *b, const struct intake *in, struct assets *a, const struct prices *p, const struct burn_rules *r,
               int64_t now);
/* Sums of the groups of one cluster, or of all (IN_SOURCES): $/h; NaN where no cluster is known. */
double burn_rate(const struct burn *b, unsigned cluster, enum asset_type type /* ASSET_TYPES: all */);
double burn_idle(const struct burn *b, unsigned cluster);
int64_t burn_unpriced(const struct burn *b, unsigned cluster);
int64_t burn_nodes(const struct burn *b, unsigned cluster);
#endif
