/* pod: what a Pod object's status comes to, read from its JSON: the word kubectl prints, how bad it is, how many restarts.
 * (Rows get theirs from protobuf, in decode.c.) */
#ifndef BACKENDS_KUBERNETES_POD_H
#define BACKENDS_KUBERNETES_POD_H
#include "backends/kubernetes/json.h"
#include "base/rows.h"

struct pod_brief {
	char status[80];           /* "Running", "Init:CrashLoopBackOff", "Terminating" */
	enum level level;
	json_int_t ready, containers, restarts;
	bool finished;             /* Succeeded or Failed: nothing of it runs */
};
struct pod_brief pod_brief(const json_t *pod);
/* The ownerReference with controller true, or NULL. */
json_t *controller_of(const json_t *object);
#endif
