/* acts: names, words and parameters of actions that more than one backend offers: of every cluster, registry, store, endpoint
 * and engine of its kind, and of the simulated one. Whoever offers one plans and runs it in its own way. Those on objects of a
 * cluster are macros, for not every source has the same kinds. */
#ifndef BASE_ACTS_H
#define BASE_ACTS_H
#include "base/action.h"

/* ---- acts_ml.c: pipelines, the registry, endpoints, the store, checks, and what is paid for */
extern const struct action act_flow_trigger, act_flow_pause, act_flow_unpause, act_flow_clear, act_flow_mark, act_flow_cancel, act_flow_backfill, act_flow_backfill_state;
extern const struct action act_promote, act_put_back;
extern const struct action act_reload, act_unload, act_warm_up;
extern const struct action act_object_delete, act_object_undelete, act_object_restore, act_object_copy, act_object_move;
extern const struct action act_acknowledge, act_withdraw;
extern const struct action act_silence, act_expire, act_extend;
extern const struct action act_group_zero, act_group_back;
enum { WARM_UP_CALLS = 20, WARM_UP_MOST = 500 };

/* ---- acts_cluster.c: objects of a cluster; `on`: kinds */
extern const struct field act_scale_fields[], act_rollback_fields[], act_delete_fields[], act_evict_fields[], act_drain_fields[],
	act_image_fields[], act_back_fields[], act_taint_fields[], act_label_fields[], act_annotate_fields[], act_shell_fields[],
	act_forward_fields[], act_from_fields[], act_to_fields[], act_debug_fields[], act_canary_fields[], act_kserve_fields[],
	act_seldon_fields[], act_sync_fields[];

#define ACT_RESTART(on) { "restart", "Restart", "Replace the pods one after the other, as the update strategy says", on, \
	RISK_DISRUPTIVE, true, NULL }
#define ACT_SCALE(on) { "scale", "Scale", "Set how many pods there are", on, RISK_DISRUPTIVE, true, act_scale_fields }
#define ACT_ROLLBACK(on) { "rollback", "Roll back", "Undo a rollout: go back to a former revision", on, RISK_DISRUPTIVE, true, \
	act_rollback_fields }
#define ACT_DELETE(on) { "delete", "Delete", "Delete the object; a disruption budget is not asked", on, RISK_DESTRUCTIVE, true, \
	act_delete_fields }
#define ACT_EVICT(on) { "evict", "Evict", "Delete the pod if its disruption budget allows it", on, RISK_DISRUPTIVE, true, \
	act_evict_fields }
#define ACT_CORDON(on) { "cordon", "Cordon", "Let no new pods be scheduled here", on, RISK_DISRUPTIVE, true, NULL }
#define ACT_UNCORDON(on) { "uncordon", "Uncordon", "Let new pods be scheduled here again", on, RISK_HARMLESS, true, NULL }
#define ACT_DRAIN(on) { "drain", "Drain", "Cordon the node and evict its pods within their disruption budgets", on, \
	RISK_DESTRUCTIVE, true, act_drain_fields }
#define ACT_SET_IMAGE(on) { "set-image", "Set image", "Run another image in one container, by a rollout", on, RISK_DISRUPTIVE, true, \
	act_image_fields }
#define ACT_SCALE_ZERO(on) { "scale-zero", "Scale to zero", "Leave no pod, and remember on the object how many there were; " \
	"of a node pool: no node", on, RISK_DISRUPTIVE, true, NULL }
#define ACT_SCALE_BACK(on) { "scale-back", "Scale back", "Start as many pods as there were before it was scaled to zero", on, \
	RISK_DISRUPTIVE, true, act_back_fields }
#define ACT_SUSPEND(on) { "suspend", "Suspend", "Start no more jobs by the schedule; of a job: end its pods", on, RISK_DISRUPTIVE, \
	true, NULL }
#define ACT_RESUME(on) { "resume", "Resume", "Start jobs by the schedule again; of a job: start its pods again", on, \
	RISK_DISRUPTIVE, true, NULL }
#define ACT_RUN_NOW(on) { "trigger", "Run now", "Start a job from the cron job's template now", on, RISK_DISRUPTIVE, true, NULL }
#define ACT_EDIT(on) { "edit", "Edit", "Change the object as YAML: what differs is sent, checked strictly by the server", on, \
	RISK_DISRUPTIVE, false, NULL }
#define ACT_TAINT(on) { "taint", "Taint", "Keep pods that do not tolerate it off the node", on, RISK_DISRUPTIVE, true, act_taint_fields }
#define ACT_UNTAINT(on) { "untaint", "Untaint", "Take a taint off the node", on, RISK_DISRUPTIVE, true, act_taint_fields }
#define ACT_LABEL(on) { "label", "Label", "Set or take off a label", on, RISK_DISRUPTIVE, true, act_label_fields }
#define ACT_ANNOTATE(on) { "annotate", "Annotate", "Set or take off an annotation", on, RISK_HARMLESS, true, act_annotate_fields }
#define ACT_SHELL(on) { "shell", "Shell", "Run a shell or another command in the container, on this terminal", on, RISK_DISRUPTIVE, \
	false, act_shell_fields, .terminal = true }
#define ACT_FORWARD(on) { "forward", "Forward a port", "Open a port of this machine that leads there, until it is ended in " \
	":forwards", on, RISK_HARMLESS, false, act_forward_fields }
#define ACT_FORWARD_STOP(on) { "forward-stop", "End a forward", "Close the port and its connections", on, RISK_HARMLESS, true, NULL }
#define ACT_COPY_FROM(on) { "copy-from", "Copy from", "Copy a file or folder out of the container", on, RISK_HARMLESS, false, \
	act_from_fields }
#define ACT_COPY_TO(on) { "copy-to", "Copy to", "Copy a file or folder into the container; what is there is overwritten", on, \
	RISK_DISRUPTIVE, false, act_to_fields }
#define ACT_DEBUG(on) { "debug", "Debug container", "Add a container with tools to the running pod and attach to it", on, \
	RISK_DISRUPTIVE, false, act_debug_fields, .terminal = true }
#define ACT_CANARY(on) { "canary", "Canary", "Set how much traffic the new version gets (KServe, Seldon)", on, RISK_DISRUPTIVE, false, \
	act_canary_fields }
#define ACT_SCALE_KSERVE(on) { "scale", "Scale", "Set how many replicas there are at least and at most", on, RISK_DISRUPTIVE, true, \
	act_kserve_fields }
#define ACT_SCALE_SELDON(on) { "scale", "Scale", "Set how many replicas a predictor has", on, RISK_DISRUPTIVE, true, act_seldon_fields }
#define ACT_SYNC(on) { "sync", "Sync", "Let Argo CD bring the cluster to what git says", on, RISK_DISRUPTIVE, true, act_sync_fields }
#endif
