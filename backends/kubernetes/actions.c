/* actions: the descriptors, and which functions stand behind each. */
#include "backends/kubernetes/actions.h"
#include "base/acts.h"
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

static const struct action restart = ACT_RESTART(rollouts), scale = ACT_SCALE(scalables), rollback = ACT_ROLLBACK(rollouts),
	delete = ACT_DELETE(deletables), evict = ACT_EVICT(pods), cordon = ACT_CORDON(nodes), uncordon = ACT_UNCORDON(nodes),
	drain = ACT_DRAIN(nodes), set_image = ACT_SET_IMAGE(imaged), scale_zero = ACT_SCALE_ZERO(zeroables),
	scale_back = ACT_SCALE_BACK(zeroables), suspend = ACT_SUSPEND(suspendables), resume = ACT_RESUME(suspendables),
	trigger = ACT_RUN_NOW(cronjobs), edit = ACT_EDIT(anything), taint = ACT_TAINT(nodes), untaint = ACT_UNTAINT(nodes),
	label = ACT_LABEL(anything), annotate = ACT_ANNOTATE(anything);

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
