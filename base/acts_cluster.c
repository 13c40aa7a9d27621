/* acts_cluster: parameters of what can be done to objects of a cluster; see acts.h. */
#include "base/acts.h"

const struct field act_scale_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many pods there are to be", .type = FIELD_COUNT, .min = 0,
	  .max = 10000, .required = true },
	{ .name = NULL },
};
const struct field act_rollback_fields[] = {
	{ .name = "revision", .title = "revision", .help = "which revision to go back to; 0 is the one before",
	  .type = FIELD_COUNT, .otherwise = "0", .min = 0, .max = INT32_MAX },
	{ .name = NULL },
};
#define GRACE { .name = "grace", .title = "grace, seconds", .help = "time to end in peace; -1 is the pod's own", \
	.type = FIELD_COUNT, .otherwise = "-1", .min = -1, .max = 86400 }
const struct field act_delete_fields[] = {
	GRACE,
	{ .name = "dependents", .title = "what it owns", .help = "background: deleted after it; foreground: before it; orphan: kept",
	  .type = FIELD_CHOICE, .otherwise = "background", .choices = "background|foreground|orphan" },
	{ .name = NULL },
};
const struct field act_evict_fields[] = { GRACE, { .name = NULL } };
const struct field act_drain_fields[] = {
	GRACE,
	{ .name = "timeout", .title = "give up after, seconds", .help = "for pods that a disruption budget protects; 0 is never",
	  .type = FIELD_COUNT, .otherwise = "600", .min = 0, .max = 86400 },
	{ .name = "emptydir", .title = "pods with emptyDir too", .help = "what they keep there is lost", .type = FIELD_BOOL,
	  .otherwise = "false" },
	{ .name = "force", .title = "pods without a controller too", .help = "nothing will start them again",
	  .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = NULL },
};

const struct field act_image_fields[] = {
	{ .name = "container", .title = "container", .help = "which one; may stay empty where there is only one", .type = FIELD_TEXT },
	{ .name = "image", .title = "image", .help = "registry/name:tag, or registry/name@sha256:...", .type = FIELD_TEXT,
	  .required = true },
	{ .name = NULL },
};
const struct field act_back_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many; 0 is as many as there were before it was scaled to zero",
	  .type = FIELD_COUNT, .otherwise = "0", .min = 0, .max = 10000 },
	{ .name = NULL },
};
const struct field act_taint_fields[] = {
	{ .name = "taint", .title = "taint", .help = "key=value:Effect, the effect NoSchedule, PreferNoSchedule or NoExecute; several "
	  "with commas", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
const struct field act_label_fields[] = {
	{ .name = "label", .title = "label", .help = "key=value; key- takes it off", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
const struct field act_annotate_fields[] = {
	{ .name = "annotate", .title = "annotation", .help = "key=value; key- takes it off", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};


/* ---- what is in a container */

#define CONTAINER_FIELD { .name = "container", .title = "container", .help = "empty: the row's, the default one, or the first", \
	.type = FIELD_TEXT }
const struct field act_shell_fields[] = {
	CONTAINER_FIELD,
	{ .name = "command", .title = "command", .help = "empty: bash, or sh where there is none", .type = FIELD_TEXT },
	{ .name = NULL },
};
const struct field act_forward_fields[] = {
	{ .name = "port", .title = "port", .help = "of the service, or of the container: a number or a name; empty: the first there is",
	  .type = FIELD_TEXT },
	{ .name = "local", .title = "local port", .help = "of this machine; 0 is a free one", .type = FIELD_COUNT, .otherwise = "0",
	  .min = 0, .max = 65535 },
	{ .name = NULL },
};
const struct field act_from_fields[] = {
	{ .name = "path", .title = "path there", .help = "file or folder in the container", .type = FIELD_TEXT, .required = true },
	{ .name = "to", .title = "to", .help = "folder of this machine", .type = FIELD_TEXT, .otherwise = "." },
	CONTAINER_FIELD,
	{ .name = "overwrite", .title = "overwrite", .help = "files that are there already", .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = NULL },
};
const struct field act_to_fields[] = {
	{ .name = "path", .title = "path here", .help = "file or folder of this machine", .type = FIELD_TEXT, .required = true },
	{ .name = "to", .title = "to", .help = "folder in the container; it must be there", .type = FIELD_TEXT, .otherwise = "/tmp" },
	CONTAINER_FIELD,
	{ .name = NULL },
};
const struct field act_debug_fields[] = {
	{ .name = "image", .title = "image", .help = "what brings the tools", .type = FIELD_TEXT, .otherwise = "busybox:1.36", .required = true },
	{ .name = "container", .title = "processes of", .help = "the container whose processes it sees; empty: the row's, the default one, "
	  "or the first; -: none", .type = FIELD_TEXT },
	{ .name = "command", .title = "command", .help = "empty: what the image starts by itself", .type = FIELD_TEXT },
	{ .name = NULL },
};

/* ---- what other controllers run: KServe, Seldon, Argo CD */

const struct field act_canary_fields[] = {
	{ .name = "weight", .title = "traffic, %", .help = "how much the new version gets; 100 puts it in place, 0 takes it back",
	  .type = FIELD_COUNT, .min = 0, .max = 100, .required = true },
	{ .name = "predictor", .title = "predictor", .help = "Seldon: which one is the canary; empty: the last", .type = FIELD_TEXT },
	{ .name = NULL },
};
const struct field act_kserve_fields[] = {
	{ .name = "min", .title = "at least", .help = "minReplicas; 0 lets it go to none without requests; empty: as it is",
	  .type = FIELD_COUNT, .min = 0, .max = 10000 },
	{ .name = "max", .title = "at most", .help = "maxReplicas; 0: no limit; empty: as it is", .type = FIELD_COUNT, .min = 0,
	  .max = 10000 },
	{ .name = NULL },
};
const struct field act_seldon_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many pods the predictor has", .type = FIELD_COUNT, .min = 0,
	  .max = 10000, .required = true },
	{ .name = "predictor", .title = "predictor", .help = "which one; empty where there is one only", .type = FIELD_TEXT },
	{ .name = NULL },
};
const struct field act_sync_fields[] = {
	{ .name = "revision", .title = "revision", .help = "of git or of the chart; empty: the application's own target", .type = FIELD_TEXT },
	{ .name = "prune", .title = "prune", .help = "delete what is no longer in git", .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = NULL },
};
