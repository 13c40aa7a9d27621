/* share: who causes what a node costs; pure. A node's price is shared out by what its pods ask for or use of processor, memory
 * and graphics processors, weighed by what these cost on the market; what nobody takes is idle, and is shown as such. */
#ifndef COST_SHARE_H
#define COST_SHARE_H
#include "base/buf.h"

/* What is counted of a pod: what it asks for, what it uses, the larger of both. */
enum share_by { SHARE_REQUESTS, SHARE_USAGE, SHARE_LARGER };
const char *share_by_name(enum share_by by);     /* "requests" */

/* -1: unknown. cpu in thousandths, mem in bytes. */
struct share_size { int64_t cpu, mem, gpus; };
/* Weight of a size: dollars an hour it would cost on its own; unknown parts count nothing. */
double share_weight(struct share_size s);

struct share_pod { struct share_size asks, uses; };
/* What a pod takes of its node; *used what it really uses (NaN: unknown). An unknown measure falls back to the other. */
double share_taken(const struct share_pod *p, enum share_by by, double *used);

/* Of a node: all pods' weight, then each pod's dollars. When more is taken than there is, all is shared, nothing is idle. */
struct share_node { double rate, weight, taken; };
static inline double share_full(const struct share_node *n) { return n->taken > n->weight ? n->taken : n->weight; }
double share_of(const struct share_node *n, double taken);   /* dollars an hour; NaN: the node has no price */
double share_idle(const struct share_node *n);               /* dollars an hour */

/* ---- sums by (where, name) */
struct share_sum {
	char *name;
	unsigned where;                  /* cluster */
	int64_t count, unpriced;
	double rate, used;               /* of pods whose node has a price; used NaN as soon as one is unknown */
};
struct share_sums { struct share_sum *items; size_t n, cap; uint32_t *index, mask; };
/* Made when it is not there; valid until the next call. */
struct share_sum *share_sum(struct share_sums *s, unsigned where, struct str name);
void share_sums_release(struct share_sums *s);

/* "model-api" of the owner "ReplicaSet/model-api-6d9f7c" and the label pod-template-hash=6d9f7c; of "Job/x-28312312" the cron
 * job's x. Empty owner: the pod's own name. Appends to out. */
void share_workload(struct str owner, struct str labels, struct str pod, struct buf *out);
/* Value of a label in "a=b,c=d"; n = 0: none. */
struct str share_label(struct str labels, const char *name);
extern const char *const share_model_labels[];   /* of a model server's pod: which name the model; NULL at the end */
void share_labels(struct str labels, struct buf *out);       /* those of them that matter here, and pod-template-hash */
#endif
