/* actions: the descriptors, and which functions stand behind each. */
#include "backends/kubernetes/actions.h"
#include "base/mem.h"

static const char *const rollouts[] = { "deployments", "statefulsets", "daemonsets", NULL };
static const char *const scalables[] = { "deployments", "statefulsets", "replicasets", NULL };
static const char *const zeroables[] = { "deployments", "statefulsets", "replicasets", "nodepools.karpenter.sh", NULL };
static const char *const imaged[] = { "deployments", "statefulsets", "daemonsets", "cronjobs", NULL };
static const char *const suspendables[] = { "cronjobs", "jobs", NULL };
static const char *const cronjobs[] = { "cronjobs", NULL };
static const char *const anything[] = { "*", NULL };
static const char *const pods[] = { "pods", NULL };
static const char *const nodes[] = { "nodes", NULL };
static const char *const deletables[] = { "pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs",
	"cronjobs", "services", "ingresses", "configmaps", "secrets", "persistentvolumeclaims",
	"horizontalpodautoscalers", "poddisruptionbudgets", "*", NULL };

static const struct field scale_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many pods there are to be", .type = FIELD_COUNT, .min = 0,
	  .max = 10000, .required = true },
	{ .name = NULL },
};
static const struct field rollback_fields[] = {
	{ .name = "revision", .title = "revision", .help = "which revision to go back to; 0 is the one before",
	  .type = FIELD_COUNT, .otherwise = "0", .min = 0, .max = INT32_MAX },
	{ .name = NULL },
};
#define GRACE { .name = "grace", .title = "grace, seconds", .help = "time to end in peace; -1 is the pod's own", \
	.type = FIELD_COUNT, .otherwise = "-1", .min = -1, .max = 86400 }
static const struct field delete_fields[] = {
	GRACE,
	{ .name = "dependents", .title = "what it owns", .help = "background: deleted after it; foreground: before it; orphan: kept",
	  .type = FIELD_CHOICE, .otherwise = "background", .choices = "background|foreground|orphan" },
	{ .name = NULL },
};
static const struct field evict_fields[] = { GRACE, { .name = NULL } };
static const struct field drain_fields[] = {
	GRACE,
	{ .name = "timeout", .title = "give up after, seconds", .help = "for pods that a disruption budget protects; 0 is never",
	  .type = FIELD_COUNT, .otherwise = "600", .min = 0, .max = 86400 },
	{ .name = "emptydir", .title = "pods with emptyDir too", .help = "what they keep there is lost", .type = FIELD_BOOL,
	  .otherwise = "false" },
	{ .name = "force", .title = "pods without a controller too", .help = "nothing will start them again",
	  .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = NULL },
};

static const struct field image_fields[] = {
	{ .name = "container", .title = "container", .help = "which one; may stay empty where there is only one", .type = FIELD_TEXT },
	{ .name = "image", .title = "image", .help = "registry/name:tag, or registry/name@sha256:...", .type = FIELD_TEXT,
	  .required = true },
	{ .name = NULL },
};
static const struct field back_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many; 0 is as many as there were before it was scaled to zero",
	  .type = FIELD_COUNT, .otherwise = "0", .min = 0, .max = 10000 },
	{ .name = NULL },
};
static const struct field taint_fields[] = {
	{ .name = "taint", .title = "taint", .help = "key=value:Effect, the effect NoSchedule, PreferNoSchedule or NoExecute; several "
	  "with commas", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
static const struct field label_fields[] = {
	{ .name = "label", .title = "label", .help = "key=value; key- takes it off", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
static const struct field annotate_fields[] = {
	{ .name = "annotate", .title = "annotation", .help = "key=value; key- takes it off", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};

static const struct action restart = { "restart", "Restart", "Replace the pods one after the other, as the update strategy says",
	rollouts, RISK_DISRUPTIVE, true, NULL };
static const struct action scale = { "scale", "Scale", "Set how many pods there are", scalables, RISK_DISRUPTIVE, true,
	scale_fields };
static const struct action rollback = { "rollback", "Roll back", "Undo a rollout: go back to a former revision", rollouts, RISK_DISRUPTIVE, true,
	rollback_fields };
static const struct action delete = { "delete", "Delete", "Delete the object; a disruption budget is not asked", deletables,
	RISK_DESTRUCTIVE, true, delete_fields };
static const struct action evict = { "evict", "Evict", "Delete the pod if its disruption budget allows it", pods,
	RISK_DISRUPTIVE, true, evict_fields };
static const struct action cordon = { "cordon", "Cordon", "Let no new pods be scheduled here", nodes, RISK_DISRUPTIVE, true,
	NULL };
static const struct action uncordon = { "uncordon", "Uncordon", "Let new pods be scheduled here again", nodes,
	RISK_HARMLESS, true, NULL };
static const struct action drain = { "drain", "Drain", "Cordon the node and evict its pods within their disruption budgets",
	nodes, RISK_DESTRUCTIVE, true, drain_fields };

static const struct action set_image = { "set-image", "Set image", "Run another image in one container, by a rollout", imaged,
	RISK_DISRUPTIVE, true, image_fields };
static const struct action scale_zero = { "scale-zero", "Scale to zero", "Leave no pod, and remember on the object how many there were; "
	"of a node pool: no node", zeroables, RISK_DISRUPTIVE, true, NULL };
static const struct action scale_back = { "scale-back", "Scale back", "Start as many pods as there were before it was scaled to zero",
	zeroables, RISK_DISRUPTIVE, true, back_fields };
static const struct action suspend = { "suspend", "Suspend", "Start no more jobs by the schedule; of a job: end its pods",
	suspendables, RISK_DISRUPTIVE, true, NULL };
static const struct action resume = { "resume", "Resume", "Start jobs by the schedule again; of a job: start its pods again",
	suspendables, RISK_DISRUPTIVE, true, NULL };
static const struct action trigger = { "trigger", "Run now", "Start a job from the cron job's template now", cronjobs,
	RISK_DISRUPTIVE, true, NULL };
static const struct action edit = { "edit", "Edit", "Change the object as YAML: what differs is sent, checked strictly by the server",
	anything, RISK_DISRUPTIVE, false, NULL };
static const struct action taint = { "taint", "Taint", "Keep pods that do not tolerate it off the node", nodes, RISK_DISRUPTIVE,
	true, taint_fields };
static const struct action untaint = { "untaint", "Untaint", "Take a taint off the node", nodes, RISK_DISRUPTIVE, true,
	taint_fields };
static const struct action label = { "label", "Label", "Set or take off a label", anything, RISK_DISRUPTIVE, true, label_fields };
static const struct action annotate = { "annotate", "Annotate", "Set or take off an annotation", anything, RISK_HARMLESS, true,
	annotate_fields };

const struct action *const kube_actions[] = { &act_scale_seldon, &act_scale_kserve, &act_canary, &act_sync,
	&restart, &scale, &scale_zero, &scale_back, &set_image, &rollback, &delete, &evict,
	&cordon, &uncordon, &drain, &taint, &untaint, &suspend, &resume, &trigger, &edit, &label, &annotate,
	&act_shell, &act_forward, &act_forward_stop, &act_copy_from, &act_copy_to, &act_debug, NULL };

const struct act_way *act_way(const char *name, const char *kind)
{
	static const struct act_way ways[] = {
		{ "restart", plan_restart, verify_rollout, NULL },
		{ "scale", plan_scale, verify_rollout, NULL },
		{ "rollback", plan_rollback, verify_rollout, NULL },
		{ "set-image", plan_set_image, verify_image, NULL },
		{ "scale-zero", plan_scale_zero, verify_scaling, NULL },
		{ "scale-back", plan_scale_back, verify_scaling, NULL },
		{ "suspend", plan_suspend, NULL, NULL },
		{ "resume", plan_resume, NULL, NULL },
		{ "trigger", plan_trigger, verify_triggered, NULL },
		{ "edit", plan_edit, verify_edit, NULL },
		{ "taint", plan_taint, NULL, NULL },
		{ "untaint", plan_untaint, NULL, NULL },
		{ "label", plan_label, NULL, NULL },
		{ "annotate", plan_annotate, NULL, NULL },
		{ "delete", plan_delete, verify_gone, NULL },
		{ "evict", plan_evict, verify_gone, NULL },
		{ "cordon", plan_cordon, NULL, NULL },
		{ "uncordon", plan_uncordon, NULL, NULL },
		{ "canary", plan_canary, verify_serving, NULL },
		{ "sync", plan_sync, verify_sync, NULL },
		{ "drain", plan_drain, NULL, send_drain },
		{ "shell", plan_shell, NULL, send_shell, true },
		{ "forward", plan_forward, NULL, send_forward },
		{ "copy-from", plan_copy_from, NULL, send_copy_from, true },
		{ "copy-to", plan_copy_to, NULL, send_copy_to, true },
		{ "debug", plan_debug, NULL, send_debug, true },
	};

	static const struct act_way scales = { "scale", plan_scale_serving, verify_serving, NULL };

	if (!strcmp(name, "scale") && (!strncmp(kind, "inferenceservices", 17) || !strncmp(kind, "seldondeployments", 17)))
		return &scales;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	return NULL;
}
