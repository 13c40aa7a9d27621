/* event: what an Event object says, whichever of its two API forms it has (core/v1, events.k8s.io/v1). */
#ifndef BACKENDS_KUBERNETES_EVENT_H
#define BACKENDS_KUBERNETES_EVENT_H
#include "backends/kubernetes/json.h"

struct event {                 /* texts are borrowed from the object, never NULL */
	const char *name, *type, *reason, *message, *from, *field; /* field: fieldPath of the object, e.g. a container */
	bool warning;
	int64_t first, last;       /* wall ms, 0 unknown */
	json_int_t count;          /* at least 1 */
};
struct event event_read(const json_t *object);
/* Indices of the events in order of their last sighting, oldest first; caller frees. *n: how many. */
size_t *event_order(const json_t *events, size_t *n);
/* Appends the query that selects the events about object: by uid, but nodes by name, for the kubelet knows no other. */
void event_query(struct buf *out, const json_t *object);
#endif
