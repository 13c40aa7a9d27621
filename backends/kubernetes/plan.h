/* plan: what an action is going to send, put together and tried (dry run, permission) before anyone confirms; and the run
 * that later sends exactly this. The form of a plan is in base/action.h; beside it steps carry "type" (content type),
 * target carries "print" (a fingerprint of all but status, so that a pod that crashed once more meanwhile is not
 * taken for a changed one), and "as" says who we are to the server. */
#ifndef BACKENDS_KUBERNETES_PLAN_H
#define BACKENDS_KUBERNETES_PLAN_H
#include "backends/kubernetes/work.h"

struct plan {
	struct work *w;
	struct target t;
	json_t *object;            /* as read now */
	json_t *out;               /* the plan */
	const char *ns, *name, *uid, *version;   /* of the object */
};

/* Each may be called any number of times. */
void plan_title(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_change(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_warn(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_block(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));   /* the first counts */
/* What the plan is to bring about holds: nothing is sent, no dry run. The first counts. */
void plan_already(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes params; NULL: {}. */
void plan_undo_by(struct plan *p, const char *action, json_t *params);
void plan_not_undone(struct plan *p, const char *what);
/* A request. path is the object's own, with sub ("", "scale", "eviction"). body is taken. check and undo in words, may be
 * NULL. Gives the step, borrowed. */
json_t *plan_step(struct plan *p, const char *method, const char *sub, const char *type, json_t *body, const char *check,
                  const char *undo);
json_t *plan_step_of(struct plan *p, const struct kube_api *api, const char *ns, const char *name, const char *method,
                     const char *sub, const char *type, json_t *body, const char *check, const char *undo);
json_t *plan_add_step(struct plan *p, json_t *step);      /* takes it, gives it back borrowed */
/* Blocks the plan when the server says that we may not. */
void plan_need(struct plan *p, const char *verb, const struct kube_api *api, const char *ns, const char *name, const char *sub);
/* {"uid","resourceVersion"} of the object: merged into patches and preconditions. */
json_t *plan_identity(const struct plan *p);
/* Warns of whoever else keeps the field: autoscaler (replicas), Argo CD, Flux, Helm, server-side apply. field as in
 * managedFields: "f:replicas" below f:spec; "" when nobody else declares it (an annotation of ours): only its controller. */
void plan_warn_owners(struct plan *p, const char *field);
json_int_t plan_param(const struct plan *p, const char *name, json_int_t otherwise);   /* number or its text */
bool plan_flag(const struct plan *p, const char *name);

/* Of all of object but status, version, generation, managedFields and a node's own taints; 16 hex digits. */
void object_print(const json_t *object, char out[17]);
/* Sets the resourceVersion that a request's body demands; false when it demands none. */
bool body_set_version(json_t *body, const char *version);
/* The server's answer to a permission question. -1: it could not be asked (w->error). */
int work_may(struct work *w, const char *verb, const struct kube_api *api, const char *ns, const char *name, const char *sub,
             char *why, size_t size);
/* Who the server takes us for; "" when it does not say. Caller frees. */
char *work_who(struct work *w);

struct run {
	struct work *w;
	struct target t;
	json_t *plan;
	char say[600];             /* how it ended */
	unsigned at, of;
	bool unknown;              /* a request went out, and whether it was taken cannot be told */
};
void run_step(struct run *run, int state, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sends one step of the plan as it stands; NULL: refused (w->status, run->say). Caller decrefs. */
json_t *run_send(struct run *run, const json_t *step);
#endif
