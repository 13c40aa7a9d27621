/* acts_ml: what can be done to pipelines, models, endpoints, objects of a store, checks and node groups; see acts.h. */
#include "base/acts.h"

static const char *const pipelines[] = { "pipelines", NULL }, *const triggers[] = { "pipelines", "runs", NULL },
	*const clears[] = { "runs", "tasks", NULL }, *const runs[] = { "runs", NULL }, *const versions[] = { "versions", NULL },
	*const models[] = { "models", "versions", NULL }, *const endpoints[] = { "modelendpoints", NULL },
	*const objects[] = { "objects", NULL }, *const drift[] = { "drift", NULL }, *const costs[] = { "costs", NULL };

/* ---- pipelines */

static const struct field trigger_fields[] = {
	{ .name = "conf", .title = "parameters", .help = "rows=100 source=s3://... or a JSON object; empty: as the pipeline defines them",
	  .type = FIELD_TEXT, .otherwise = "@parameters", .asked = true },
	{ .name = "logical_date", .title = "logical date", .help = "2026-11-21T00:00:00Z; empty: now", .type = FIELD_TEXT },
	{ .name = "note", .title = "note", .help = "why, for whoever reads the run later", .type = FIELD_TEXT },
	{ .name = NULL },
};
#define REACH_FIELDS \
	{ .name = "upstream", .title = "what comes before too", .help = "tasks before it as well", .type = FIELD_BOOL, \
	  .otherwise = "false" }, \
	{ .name = "future", .title = "later runs too", .help = "the same tasks in all runs after this one", .type = FIELD_BOOL, \
	  .otherwise = "false" }, \
	{ .name = "past", .title = "earlier runs too", .help = "the same tasks in all runs before this one", .type = FIELD_BOOL, \
	  .otherwise = "false" }
static const struct field clear_fields[] = {
	{ .name = "only_failed", .title = "failed ones only", .help = "tasks that went well stay as they are; for a whole run this "
	  "is the default", .type = FIELD_CHOICE, .otherwise = "auto", .choices = "auto|true|false", .asked = true },
	{ .name = "downstream", .title = "what follows too", .help = "of a task: tasks after it are run again as well", .type = FIELD_BOOL,
	  .otherwise = "true" },
	REACH_FIELDS,
	{ .name = NULL },
};
static const struct field mark_fields[] = {
	{ .name = "state", .title = "as", .help = "nothing is run: it only counts as this", .type = FIELD_CHOICE, .otherwise = "success",
	  .choices = "success|failed|skipped", .required = true, .asked = true },
	{ .name = "downstream", .title = "what follows too", .help = "of a task: tasks after it as well", .type = FIELD_BOOL,
	  .otherwise = "false" },
	REACH_FIELDS,
	{ .name = NULL },
};
static const struct field backfill_fields[] = {
	{ .name = "from", .title = "from", .help = "the first logical date: 2026-11-14 or 2026-11-14T06:00:00Z", .required = true },
	{ .name = "to", .title = "to", .help = "the last one, included", .required = true },
	{ .name = "zone", .title = "time zone", .help = "of the schedule, and of dates without one, where REST says another: Europe/Berlin",
	  .type = FIELD_TEXT },
	{ .name = "reprocess", .title = "dates that have a run", .help = "none: they are left; failed: run again if they failed; completed: "
	  "run again (Airflow 3 only)", .type = FIELD_CHOICE, .otherwise = "none", .choices = "none|failed|completed" },
	{ .name = "at_once", .title = "runs at once", .help = "how many run side by side (Airflow 3 only; 2 keeps to max_active_runs)",
	  .type = FIELD_COUNT, .otherwise = "1", .min = 1, .max = 100 },
	{ .name = "backwards", .title = "newest first", .help = "Airflow 3 only", .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = "conf", .title = "parameters", .help = "rows=100 or a JSON object, for all of them", .type = FIELD_TEXT },
	{ .name = NULL },
};
static const struct field backfill_state_fields[] = {
	{ .name = "do", .title = "do", .help = "of the backfill that is under way; one that was cancelled does not go on",
	  .type = FIELD_CHOICE, .choices = "pause|unpause|cancel", .otherwise = "pause", .required = true },
	{ .name = "id", .title = "which", .help = "its number; empty: the one under way", .type = FIELD_COUNT, .max = INT64_MAX },
	{ .name = NULL },
};
const struct action
	act_flow_trigger = { "trigger", "Trigger", "Start a run of the pipeline, its parameters in a form; of a run, with that run's filled in",
		triggers, RISK_DISRUPTIVE, false, trigger_fields },
	act_flow_pause = { "pause", "Pause", "Let no new tasks of the pipeline begin", pipelines, RISK_DISRUPTIVE, true, NULL },
	act_flow_unpause = { "unpause", "Unpause", "Let the pipeline run again as scheduled", pipelines, RISK_DISRUPTIVE, true, NULL },
	act_flow_clear = { "clear", "Clear", "Run tasks again: of a run those that failed, of a task it and what follows", clears,
		RISK_DISRUPTIVE, true, clear_fields },
	act_flow_mark = { "mark", "Mark", "Let a task or a run count as success, failed or skipped, without running anything", clears,
		RISK_DISRUPTIVE, true, mark_fields },
	act_flow_cancel = { "cancel", "Cancel", "End a run: its tasks are stopped and it counts as failed", runs, RISK_DESTRUCTIVE, true, NULL },
	act_flow_backfill = { "backfill", "Backfill", "Run the pipeline for each date of its schedule between two", pipelines, RISK_DISRUPTIVE, false,
		backfill_fields },
	act_flow_backfill_state = { "backfill-state", "Pause or cancel a backfill", "Pause, unpause or cancel the backfill of the pipeline",
		pipelines, RISK_DISRUPTIVE, false, backfill_state_fields };

/* ---- the registry */

static const struct field promote_fields[] = {
	{ .name = "reason", .title = "reason", .help = "why, for whoever reads the version's tags later",
	  .type = FIELD_TEXT, .required = true },
	{ .name = "alias", .title = "alias", .help = "the alias to set; empty: that of the version in production, or stage Production "
	  "where that is what says it", .type = FIELD_TEXT },
	{ .name = NULL },
};
static const struct field put_back_fields[] = {
	{ .name = "version", .title = "version", .help = "to which one; empty: the one that was in production before", .type = FIELD_TEXT },
	{ .name = "reason", .title = "reason", .help = "why, for whoever reads the version's tags later", .type = FIELD_TEXT },
	{ .name = "alias", .title = "alias", .help = "the alias to set; empty: that of the version in production", .type = FIELD_TEXT },
	{ .name = NULL },
};
const struct action
	act_promote = { "promote", "Promote", "Put this version into production: set its alias, or stage Production where models go by stages",
		versions, RISK_DISRUPTIVE, false, promote_fields },
	act_put_back = { "rollback", "Roll back", "Put the version that was in production before back there, or any other", models,
		RISK_DISRUPTIVE, false, put_back_fields };

/* ---- endpoints */

#define WITHIN { .name = "within", .title = "give up after", .help = "how long it may take until it answers with its version", \
	.type = FIELD_DURATION, .otherwise = "2m" }
static const struct field reload_fields[] = {
	{ .name = "version", .title = "version", .help = "the one that it has to serve afterwards; empty: whatever its registry says",
	  .type = FIELD_TEXT },
	WITHIN,
	{ .name = NULL },
};
static const struct field unload_fields[] = { WITHIN, { .name = NULL } };
static const struct field warmup_fields[] = {
	{ .name = "calls", .title = "predictions", .help = "how many, with the inputs that were logged last", .type = FIELD_COUNT,
	  .otherwise = "20", .min = 1, .max = 500 },
	{ .name = NULL },
};
const struct action
	act_reload = { "reload", "Reload", "Let the service load its model anew: what its registry says is in production", endpoints,
		RISK_DISRUPTIVE, true, reload_fields },
	act_unload = { "unload", "Unload", "Let the server let go of the model: it answers no more until it is loaded again", endpoints,
		RISK_DESTRUCTIVE, true, unload_fields },
	act_warm_up = { "warm-up", "Warm up", "Ask it for predictions with the inputs that were logged last, and measure", endpoints,
		RISK_HARMLESS, true, warmup_fields };

/* ---- the store */

static const struct field where_fields[] = {
	{ .name = "to", .title = "to", .help = "s3://BUCKET/KEY; a '/' at its end keeps the name", .type = FIELD_TEXT, .required = true },
	{ .name = "overwrite", .title = "overwrite", .help = "what is there already", .type = FIELD_BOOL, .otherwise = "false" },
	{ .name = NULL },
};
const struct action
	act_object_delete = { "delete", "Delete", "Delete the object, or this one version of it for good", objects, RISK_DESTRUCTIVE, true, NULL },
	act_object_undelete = { "undelete", "Undelete", "Take the delete marker away, so that the version below it is there again", objects,
		RISK_DISRUPTIVE, true, NULL },
	act_object_restore = { "restore", "Restore", "Copy this older version on top, so that it is the current one again", objects,
		RISK_DISRUPTIVE, true, NULL },
	act_object_copy = { "copy", "Copy", "Copy the object within the store", objects, RISK_DISRUPTIVE, false, where_fields },
	act_object_move = { "move", "Move", "Copy the object within the store, and delete it here when the copy is whole", objects,
		RISK_DESTRUCTIVE, false, where_fields };

/* ---- checks */

static const struct field acknowledge_fields[] = {
	{ .name = "note", .title = "note", .help = "what you know of it, for the others", .type = FIELD_TEXT, .required = true },
	{ .name = "until", .title = "for", .help = "8h, 2d; empty: for good. The next check that drifts is told anyway", .type = FIELD_DURATION },
	{ .name = NULL },
};
const struct action
	act_acknowledge = { "acknowledge", "Acknowledge", "Say that somebody knows of this drift: it is no finding any more", drift,
		RISK_HARMLESS, true, acknowledge_fields },
	act_withdraw = { "withdraw", "Withdraw", "Take an acknowledgement back: the drift is a finding again", drift, RISK_HARMLESS, true,
		NULL };

/* ---- alerts */

static const char *const quiet[] = { "alerts", "silences", NULL }, *const silences[] = { "silences", NULL };
static const struct field silence_fields[] = {
	{ .name = "duration", .title = "for how long", .help = "2h, 30m, 1d", .type = FIELD_DURATION, .otherwise = "2h" },
	{ .name = "comment", .title = "why", .help = "for whoever finds it silenced", .type = FIELD_TEXT, .required = true },
	{ .name = "matchers", .title = "what", .help = "name=\"value\" with = != =~ or !~, a comma between two; empty: exactly this one by all "
	  "its labels", .type = FIELD_TEXT, .asked = true },
	{ .name = NULL },
};
static const struct field extend_fields[] = {
	{ .name = "duration", .title = "by how much", .help = "1h, 30m, 1d; counted from where it would end", .type = FIELD_DURATION,
	  .otherwise = "1h", .required = true },
	{ .name = NULL },
};
const struct action
	act_silence = { "silence", "Silence", "Let nobody be told of this alert for a while; of a silence: the same once more", quiet,
		RISK_DISRUPTIVE, true, silence_fields },
	act_expire = { "expire", "Expire", "End a silence now; of an alert: those that silence it", quiet, RISK_DISRUPTIVE, true, NULL },
	act_extend = { "extend", "Extend", "Let a silence end later", silences, RISK_DISRUPTIVE, true, extend_fields };

/* ---- what is paid for */

static const struct field group_fields[] = {
	{ .name = "min", .title = "least nodes", .type = FIELD_COUNT, .min = 0, .max = 450, .required = true },
	{ .name = "desired", .title = "nodes", .type = FIELD_COUNT, .min = 0, .max = 450, .required = true },
	{ .name = "max", .title = "most nodes", .type = FIELD_COUNT, .min = 1, .max = 450, .required = true },
	{ .name = NULL },
};
const struct action act_group_zero = { "scale-zero", "Nodes to zero", "Take a managed node group of EKS to no nodes", costs,
	RISK_DESTRUCTIVE, true, NULL };
const struct action act_group_back = { "scale-back", "Nodes back", "Give a managed node group of EKS its nodes back", costs,
	RISK_DISRUPTIVE, true, group_fields };
