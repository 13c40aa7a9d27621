/* intake: the rows of other sources that cost is made from, kept with the few columns that matter. */
#ifndef COST_INTAKE_H
#define COST_INTAKE_H
#include "base/source.h"
#include "base/table.h"

/* Each kind, and for which of ours alone it is read: what an hour costs needs no pods. */
#define IN_KINDS(X) \
	X(NODES, nodes, "") X(PODS, pods, "costs:") X(VOLUMES, persistentvolumes, "") X(SERVICES, services, "") \
	X(INGRESSES, ingresses, "") X(NAMESPACES, namespaces, "") X(PREDICTIONS, predictions, "costs:")
#define X(id, name, when) IN_##id,
enum in_kind { IN_KINDS(X) IN_COUNT };
#undef X
enum { NODE_AGE, NODE_VERSION, NODE_GROUP, NODE_TYPE, NODE_CAPACITY, NODE_ZONE, NODE_CPU, NODE_MEM, NODE_GPUS, NODE_PROVIDER,
	NODE_LABELS };
enum { POD_NAMESPACE, POD_NODE, POD_STATUS, POD_OWNER, POD_LABELS, POD_CPU_ASKED, POD_MEM_ASKED, POD_CPU, POD_MEM, POD_GPUS };
enum { VOLUME_AGE, VOLUME_CAPACITY, VOLUME_CLASS, VOLUME_CLAIM, VOLUME_STATUS };
enum { SERVICE_AGE, SERVICE_TYPE, SERVICE_IP };
enum { INGRESS_AGE, INGRESS_CLASS };
enum { NAMESPACE_AGE };
enum { MADE_AGE, MADE_MODEL };

#define IN_SOURCES 32
struct in_source {
	char *name;
	enum health_state state;
	char *why;                       /* of state; never NULL */
	bool fills[IN_COUNT];            /* something came of it, if only an empty table */
	bool shut[IN_COUNT];             /* its list is refused or gone */
};
struct intake {
	struct table *tables[IN_COUNT];
	struct kind kinds[IN_COUNT];
	struct column cols[IN_COUNT][16];
	uint8_t from[IN_COUNT][16];      /* where they stand in the whole kind */
	struct in_source sources[IN_SOURCES];
	unsigned nsources;
	unsigned malformed;              /* messages that could not be read */
};
extern const char *const in_reads[];     /* as struct backend wants it */

void intake_init(struct intake *in);
void intake_release(struct intake *in);
void intake_clear(struct intake *in);    /* nobody looks any more */
/* A REQ_ROWS. True: rows changed. */
bool intake_take(struct intake *in, const struct request *r);
/* The whole list of that source is there. */
bool intake_listed(const struct intake *in, enum in_kind k, unsigned source);
/* The list is there, or will not come. */
bool intake_settled(const struct intake *in, enum in_kind k, unsigned source);
#endif
