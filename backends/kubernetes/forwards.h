/* forwards: ports of this machine that lead into the cluster. Each has a thread that listens on 127.0.0.1, and one more for
 * each connection, which is one WebSocket to a pod (stream.h). The door stays open while the pod behind it dies: the next
 * connection goes to another ready pod of the same target. They end with the source, or when asked to.
 *
 *   forwards.c         the list: start, stop, rows          forward_door.c   one door: listening, which pod, connections
 *   forward_models.c   services that serve models, found and given doors */
#ifndef BACKENDS_KUBERNETES_FORWARDS_H
#define BACKENDS_KUBERNETES_FORWARDS_H
#include "backends/kubernetes/work.h"
#include "base/forwards.h"

struct forwards;
struct door;
struct forward_ask {
	const char *kind, *ns, *name;    /* pods, services, deployments, statefulsets, daemonsets, replicasets */
	const char *port;                /* number or name, of the service or the container */
	int local;                       /* 0: a free one */
	const char *use;                 /* "by hand", FORWARD_FOR_MODELS */
};
struct forwards *forwards_new(struct kube *k);
void forwards_free(struct forwards *f);
/* The key of its row and its address go into key and local. False: say. One that is there already is given again. */
bool forwards_start(struct forwards *f, const struct forward_ask *a, char *key, size_t key_size, char *say, size_t size);
bool forwards_stop(struct forwards *f, const char *key);
bool forwards_has(struct forwards *f, const char *key);
/* Somebody looks at the list; their rows come at once, and with each change. */
void forwards_watch(struct forwards *f, uint64_t id);
bool forwards_unwatch(struct forwards *f, uint64_t id);     /* false: not one of these */
bool forwards_watched(struct forwards *f);
unsigned forwards_count(struct forwards *f);
void forwards_ready(struct forwards *f);      /* the services that serve models were looked for once */

/* ---- doors (forward_door.c) */
struct door_state {                      /* behind the list's lock */
	enum { DOOR_OPEN, DOOR_NO_POD, DOOR_FAILED } is;
	char pod[256], why[320];
	unsigned open; int64_t total, in, out, since;
};
struct door *door_new(struct forwards *all, struct kube *k, const struct forward_ask *a, char *say, size_t size);   /* NULL: say */
void door_free(struct door *d);          /* ends its threads; not under the lock */
const char *door_key(const struct door *d);
void door_put(const struct door *d, struct buf *out);       /* its row; under the lock */
/* The list, for a door's threads: lock, change, unlock; told when it is to be shown. */
void forwards_lock(struct forwards *f);
void forwards_unlock(struct forwards *f);
void forwards_changed(struct forwards *f);                  /* under the lock */
void forwards_tell(struct forwards *f);                     /* sends the list if it changed and somebody looks */

/* ---- which pod, which of its ports; apart for tests */
/* Of pods (an array of Pod objects) a ready one: `now` where it still is. NULL: none. */
const json_t *door_pick(const json_t *pods, const char *now);
/* The number of the pod's port that `port` means for the target (a Service's port, or a container's by number or name); "" is
 * the first there is. 0: there is none such. */
int door_port(const json_t *target, const json_t *pod, const char *port);

/* ---- forward_models.c */
void models_tick(struct forwards *f, struct kube *k, struct http *h);   /* on a pool thread: lists services, opens doors */
/* Whether the service is one of those that the setting names, and by which port ("" the first). */
bool models_wants(const char *setting, const json_t *service, char *port, size_t size);

/* ---- the actions (act_forward.c) */
void work_plan_forward_stop(struct work *w);
void work_run_forward_stop(struct work *w);
#endif
