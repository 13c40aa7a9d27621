/* ledger: what each pod asks of its node, in a few bytes a pod, and the sums for each node. Fed by the pods' watch; read
 * for the columns of nodes (requested) and for the share of its limit that a pod uses. 24 bytes a pod in an open hash
 * table that is at most five sixths full. Keys are known by 64 bits of hash alone. */
#ifndef KUBERNETES_LEDGER_H
#define KUBERNETES_LEDGER_H
#include "backends/kubernetes/decode.h"

struct ledger_pod {
	uint64_t key;              /* hash of "namespace/name"; 0 = free */
	uint32_t cpu;              /* requested, thousandths */
	uint32_t mem, limit;       /* KiB; 0 = none */
	uint16_t node;             /* index, LEDGER_NO_NODE: counts against none */
	uint8_t gpus;
	uint8_t gen;               /* of the listing that saw it last */
};
#define LEDGER_NO_NODE 0xffff

struct ledger_node {
	char *name;
	int64_t pods, cpu, mem, gpus;                 /* requested; mem in KiB */
	int64_t cpu_can, mem_can, pods_can, gpus_can; /* allocatable; -1 unknown; mem in bytes */
	bool seen;                                    /* its row was put since it was last told */
	bool dirty;                                   /* sums changed since they were last told */
};
struct ledger {
	struct ledger_pod *pods;
	uint32_t npods, cap;
	struct ledger_node *nodes;
	uint32_t nnodes, cap_nodes;
	uint16_t *index;           /* of nodes, by hash of the name; 0xffff = free */
	uint32_t cap_index;
	uint8_t gen;
	bool complete;             /* a listing of all pods has ended */
};
void ledger_release(struct ledger *l);
void ledger_begin(struct ledger *l);                             /* a listing of all pods starts */
void ledger_end(struct ledger *l);                               /* those not seen since are gone */
void ledger_put(struct ledger *l, const struct decoded_meta *pod);
void ledger_drop(struct ledger *l, struct str ns, struct str name);
void ledger_clear(struct ledger *l);                             /* forget the pods; nodes stay known */
void ledger_node_put(struct ledger *l, const struct decoded_meta *node);
/* Limit of a pod in bytes, 0 = none or unknown. */
int64_t ledger_limit(const struct ledger *l, struct str ns, struct str name);
const struct ledger_node *ledger_node(const struct ledger *l, struct str name);
#endif
