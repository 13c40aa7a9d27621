/* actions: what a Kubernetes source can do to its objects, and how each of these is planned and verified. */
#ifndef BACKENDS_KUBERNETES_ACTIONS_H
#define BACKENDS_KUBERNETES_ACTIONS_H
#include "backends/kubernetes/plan.h"
#include "base/action.h"

extern const struct action *const kube_actions[];     /* for the backend's descriptor; NULL-terminated */

/* One action's work, on a pool thread. */
struct act_way {
	const char *name;
	/* Fills p. False: it cannot even be planned, w->error says why. */
	bool (*plan)(struct plan *p);
	/* After the steps were sent: waits until what was meant is so, reporting as it goes. False and run->say: it did not
	 * come true. NULL: nothing to wait for. */
	bool (*verify)(struct run *run);
	/* Sends the steps itself instead of one after the other (drain). False and run->say: failed. NULL: as usual. */
	bool (*send)(struct run *run);
	bool containers;           /* a row of containers will do too */
};
const struct act_way *act_way(const char *name, const char *kind);

bool may_knows(const char *action);      /* may.c: what has to be permitted for it */

bool plan_restart(struct plan *p);
bool plan_scale(struct plan *p);
bool plan_rollback(struct plan *p);
bool verify_rollout(struct run *run);
void plan_blocked_by_pause(struct plan *p);
void plan_warn_on_delete(struct plan *p);
bool plan_edit(struct plan *p);
bool verify_edit(struct run *run);
bool plan_set_image(struct plan *p);
bool verify_image(struct run *run);
bool plan_scale_zero(struct plan *p);
bool plan_scale_back(struct plan *p);
bool plan_pool_zero(struct plan *p);     /* the same two of a node pool of Karpenter */
bool plan_pool_back(struct plan *p);
bool verify_scaling(struct run *run);
bool plan_suspend(struct plan *p);
bool plan_resume(struct plan *p);
bool plan_trigger(struct plan *p);
bool verify_triggered(struct run *run);
bool plan_label(struct plan *p);
bool plan_annotate(struct plan *p);
bool plan_taint(struct plan *p);
bool plan_untaint(struct plan *p);
/* Whether the pod tolerates the taint; seconds: for how long, -1 for good. */
bool taint_tolerated(const json_t *pod, const json_t *taint, json_int_t *seconds);
extern const struct action act_canary, act_scale_kserve, act_scale_seldon, act_sync;
bool plan_canary(struct plan *p);
bool plan_scale_serving(struct plan *p);
bool verify_serving(struct run *run);
bool plan_sync(struct plan *p);
bool verify_sync(struct run *run);
bool plan_delete(struct plan *p);
bool plan_evict(struct plan *p);
bool verify_gone(struct run *run);
bool plan_cordon(struct plan *p);
bool plan_uncordon(struct plan *p);
bool plan_drain(struct plan *p);
bool send_drain(struct run *run);

/* act_forward.c */
extern const struct action act_forward, act_forward_stop;
bool plan_forward(struct plan *p);
bool send_forward(struct run *run);

/* act_debug.c */
extern const struct action act_debug;
bool plan_debug(struct plan *p);
bool send_debug(struct run *run);

/* act_copy.c */
extern const struct action act_copy_from, act_copy_to;
bool plan_copy_from(struct plan *p);
bool plan_copy_to(struct plan *p);
bool send_copy_from(struct run *run);
bool send_copy_to(struct run *run);

/* act_shell.c */
extern const struct action act_shell;
bool plan_shell(struct plan *p);
bool send_shell(struct run *run);
unsigned split_words(char *text, const char **words, unsigned most);
/* The container that was asked for, else the row's, the annotated one, the first; blocks where there is none such. */
const char *plan_container(struct plan *p, const char *asked);
void plan_running(struct plan *p, const char *container);      /* blocks where it does not run */
void plan_need_stream(struct plan *p, const char *sub);
void plan_stream(struct plan *p, const char *path, const char *check);
/* Joins the lent terminal with that stream until either ends; false and run->say: it failed. */
/* what NULL: there is no terminal: output and errors apart, and the exit code at the end */
bool run_terminal(struct run *run, const char *path, const char *what);
#endif
