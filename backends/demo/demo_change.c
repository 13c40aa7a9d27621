/* demo_change: smaller acts on the simulated cluster, as a Kubernetes source has them: another image, no pods and back, the cron
 * job that rests or runs now, a tainted node, a workload edited as YAML. */
#define _GNU_SOURCE
#include "backends/demo/world.h"
#include "base/action.h"
#include "base/linediff.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define CRON "ml-training/batch-score"

static const char *const imaged[] = { "deployments", "statefulsets", "daemonsets", NULL };
static const char *const scalables[] = { "deployments", "statefulsets", NULL };
static const char *const cronjobs[] = { "cronjobs", NULL };
static const char *const nodes[] = { "nodes", NULL };
static const struct field image_fields[] = {
	{ .name = "container", .title = "container", .help = "which one; there is only one", .type = FIELD_TEXT },
	{ .name = "image", .title = "image", .help = "registry/name:tag", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
static const struct field taint_fields[] = {
	{ .name = "taint", .title = "taint", .help = "key=value:Effect", .type = FIELD_TEXT, .required = true },
	{ .name = NULL },
};
const struct action demo_changes[DEMO_CHANGES] = {
	{ "set-image", "Set image", "Run another image, by a rollout", imaged, RISK_DISRUPTIVE, true, image_fields },
	{ "scale-zero", "Scale to zero", "Leave no pod, and remember how many there were", scalables, RISK_DISRUPTIVE, true, NULL },
	{ "scale-back", "Scale back", "Start as many pods as there were before", scalables, RISK_DISRUPTIVE, true, NULL },
	{ "suspend", "Suspend", "Start no more jobs by the schedule", cronjobs, RISK_DISRUPTIVE, true, NULL },
	{ "resume", "Resume", "Start jobs by the schedule again", cronjobs, RISK_DISRUPTIVE, true, NULL },
	{ "trigger", "Run now", "Start a job from the cron job's template now", cronjobs, RISK_DISRUPTIVE, true, NULL },
	{ "taint", "Taint", "Keep pods that do not tolerate it off the node", nodes, RISK_DISRUPTIVE, true, taint_fields },
	{ "untaint", "Untaint", "Take a taint off the node", nodes, RISK_DISRUPTIVE, true, taint_fields },
	{ "edit", "Edit", "Change the object as YAML: what differs is sent", scalables, RISK_DISRUPTIVE, false, NULL },
};

/* What is to become so; what stays is 0 or "". */
struct change {
	struct workload *load;
	struct node *node;
	bool cron;
	unsigned replicas, limit_mi;
	bool sets_replicas;
	char image[80], taint[80];
	bool untaint, suspend, trigger, remember;
};

static const char *param(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	return s ? s : "";
}

static void put(json_t *plan, const char *list, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void put(json_t *plan, const char *list, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (!strcmp(list, "blocked") || !strcmp(list, "already"))
		json_object_set_new(plan, list, json_string(b.data));
	else
		json_array_append_new(json_object_get(plan, list), json_string(b.data));
	buf_release(&b);
}

/* "replicas", "image" and the memory limit of a workload as YAML. False: why. */
static bool read_workload(struct str text, struct change *x, char *why, size_t size)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(text, &err);
	const struct yaml *spec = doc ? yaml_get(yaml_root(doc), "spec") : NULL;
	const struct yaml *pod = yaml_get(yaml_get(spec, "template"), "spec"), *all = yaml_get(pod, "containers");
	const struct yaml *c = all && all->n ? all->items[0] : NULL, *limits = yaml_get(yaml_get(c, "resources"), "limits");
	const char *replicas = yaml_text(spec, "replicas"), *image = yaml_text(c, "image"), *memory = yaml_text(limits, "memory");
	bool good = replicas && image && memory && sscanf(replicas, "%u", &x->replicas) == 1 && sscanf(memory, "%uMi", &x->limit_mi) == 1;
	if (!doc)
		snprintf(why, size, "line %u: %s", err.line, err.what);
	else if (!good)
		snprintf(why, size, "it needs spec.replicas, and of its container image and resources.limits.memory (in Mi)");
	else
		snprintf(x->image, sizeof(x->image), "%s", image);
	yaml_doc_free(doc);
	x->sets_replicas = good;
	return good;
}

static void without_comments(struct str s, struct buf *out)
{
	while (s.n) {
		struct str line = str_split(&s, '\n');
		if (!str_starts(line, STR("#")))
			buf_addf(out, STR_FMT "\n", STR_ARG(line));
	}
}

static bool plan_edit(struct change *x, const json_t *params, json_t *plan)
{
	struct workload *l = x->load, after;
	struct buf now = { 0 }, text = { 0 }, want = { 0 }, diff = { 0 };
	const json_t *patch = json_object_get(params, "patch");
	char why[300] = "";
	bool good = true;
	if (patch) {
		x->replicas = (unsigned)json_integer_value(json_object_get(patch, "replicas"));
		x->limit_mi = (unsigned)json_integer_value(json_object_get(patch, "limit_mi"));
		snprintf(x->image, sizeof(x->image), "%s", param(patch, "image"));
		x->sets_replicas = true;
	} else {
		without_comments(str_of(param(params, "secret_text")), &text);
		good = read_workload(buf_str(&text), x, why, sizeof(why));
	}
	after = *l;
	after.replicas = x->replicas, after.limit_mi = x->limit_mi;
	memcpy(after.image, x->image, sizeof(after.image));
	demo_workload_yaml(l, &now);
	demo_workload_yaml(&after, &want);
	if (!good)
		put(plan, "blocked", "%s", why);
	else if (!patch && !str_eq(buf_str(&want), buf_str(&text)))
		put(plan, "blocked", "the simulated server takes another number of replicas, another image and another memory limit; "
		    "the rest has to stay as it is");
	line_diff(buf_str(&now), buf_str(&want), 2, &diff, NULL, NULL);
	json_object_set_new(plan, "diff", json_array());
	for (struct str rest = buf_str(&diff); good && rest.n;) {
		struct str line = str_split(&rest, '\n');
		put(plan, "diff", STR_FMT, STR_ARG(line));
	}
	if (good && !diff.len)
		put(plan, "already", "nothing differs from what it is now");
	put(plan, "change", "the lines that differ, as below");
	json_object_set_new(plan, "undo", json_pack("{s:s, s:{s:{s:i, s:i, s:s}}}", "action", "edit", "params", "patch", "replicas",
		(int)l->replicas, "limit_mi", (int)l->limit_mi, "image", l->image));
	buf_release(&now);
	buf_release(&text);
	buf_release(&want);
	buf_release(&diff);
	return good;
}

static void undo_by(json_t *plan, const char *action, json_t *params)
{
	json_object_set_new(plan, "undo", json_pack("{s:s, s:o}", "action", action, "params", params ? params : json_object()));
}

static void plan_scaling(struct change *x, bool zero, json_t *plan)
{
	const struct workload *l = x->load;
	x->sets_replicas = true;
	x->remember = zero;
	x->replicas = zero ? 0 : l->remembered;
	put(plan, "change", "replicas %u -> %u%s", l->replicas, x->replicas, zero ? ", and how many there were is remembered on it" : "");
	if (zero && !l->replicas)
		put(plan, "already", "it has no replicas already");
	else if (zero)
		put(plan, "warnings", "no pod will be left: what asks it gets no answer until it is scaled back");
	else if (!l->remembered)
		put(plan, "blocked", "how many there were is not remembered on it: scale it to a number");
	if (l->plan->hpa && zero)
		put(plan, "warnings", "HorizontalPodAutoscaler %s owns replicas (2..%u): it rests while they are 0", l->plan->name,
		    l->plan->replicas * 2);
	undo_by(plan, zero ? "scale-back" : "scale-zero", NULL);
}

static void plan_cron(const struct world *w, const char *action, struct change *x, json_t *plan)
{
	x->trigger = !strcmp(action, "trigger");
	x->suspend = !strcmp(action, "suspend");
	if (x->trigger) {
		put(plan, "change", "a job batch-score-manual-%u is made from its template; its schedule goes on as it is", w->next_job);
		json_object_set_new(plan, "not_undone", json_string("what the job does; it can be deleted as any job"));
		return;
	}
	put(plan, "change", x->suspend ? "no more jobs by its schedule '*/15 * * * *'; those that run go on"
	    : "jobs by its schedule '*/15 * * * *' again");
	if (w->cron_suspended == x->suspend)
		put(plan, "already", x->suspend ? "it is suspended already" : "it is not suspended");
	undo_by(plan, x->suspend ? "resume" : "suspend", NULL);
}

static void plan_taint(struct change *x, const char *action, const char *taint, json_t *plan)
{
	const char *colon = strchr(taint, ':');
	x->untaint = !strcmp(action, "untaint");
	snprintf(x->taint, sizeof(x->taint), "%s", taint);
	if (!x->untaint && (!colon || (strcmp(colon, ":NoSchedule") && strcmp(colon, ":PreferNoSchedule") && strcmp(colon, ":NoExecute"))))
		put(plan, "blocked", "'%s' is no taint: write key=value:Effect, the effect NoSchedule, PreferNoSchedule or NoExecute", taint);
	if (x->untaint ? strcmp(x->node->taint, taint) != 0 : !strcmp(x->node->taint, taint))
		put(plan, "already", x->untaint ? "it has no such taint" : "it has that taint already");
	put(plan, "change", x->untaint ? "- %s: any pod may be scheduled here" : "+ %s: no new pod that does not tolerate it", taint);
	undo_by(plan, x->untaint ? "taint" : "untaint", json_pack("{s:s}", "taint", taint));
}

/* False: it is none of these acts, or there is no such row. */
static bool prepare(struct world *w, const struct request *r, const json_t *params, struct change *x, json_t *plan)
{
	const struct action *a = NULL;
	for (size_t i = 0; i < DEMO_CHANGES; i++)
		if (!strcmp(demo_changes[i].name, r->what) && !strcmp(r->kind, "cronjobs") == (demo_changes[i].kinds == cronjobs))
			a = &demo_changes[i];
	if (!a)
		return false;
	x->load = world_find_workload(w, r->kind, str_of(r->key));
	x->node = !strcmp(r->kind, "nodes") ? world_find_node(w, str_of(r->key)) : NULL;
	x->cron = !strcmp(r->kind, "cronjobs") && !strcmp(r->key, CRON);
	if (!x->load && !x->node && !x->cron) {
		put(plan, "blocked", "it is gone");
	} else if (x->cron) {
		plan_cron(w, r->what, x, plan);
	} else if (x->node) {
		plan_taint(x, r->what, param(params, "taint"), plan);
	} else if (!strcmp(r->what, "edit")) {
		plan_edit(x, params, plan);
	} else if (!strcmp(r->what, "set-image")) {
		snprintf(x->image, sizeof(x->image), "%s", param(params, "image"));
		if (!*x->image)
			put(plan, "blocked", "say which image, as registry/name:tag");
		else if (!strcmp(x->image, x->load->image))
			put(plan, "already", "it runs that image already");
		put(plan, "change", "container server: image %s -> %s", x->load->image, x->image);
		undo_by(plan, "set-image", json_pack("{s:s}", "image", x->load->image));
	} else {
		plan_scaling(x, !strcmp(r->what, "scale-zero"), plan);
	}
	return true;
}

static json_int_t version_of(const struct world *w, const struct change *x)
{
	if (x->load)
		return (json_int_t)x->load->revision * 1000 + x->load->replicas;
	return x->node ? x->node->cordoned + (json_int_t)strlen(x->node->taint) * 2 : w->cron_suspended;
}

bool demo_change_plan(struct world *w, struct link *l, const struct request *r)
{
	struct change x = { 0 };
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	json_t *plan = json_pack("{s:[], s:[], s:s}", "change", "warnings", "dry_run", "accepted");
	bool mine = prepare(w, r, params, &x, plan);
	if (mine) {
		json_object_set_new(plan, "title", json_sprintf("%s %s %s", r->what, r->kind, r->key));
		json_object_set_new(plan, "target", json_pack("{s:s, s:s, s:s, s:I}", "kind", r->kind, "key", r->key, "uid", "demo",
		                                              "version", version_of(w, &x)));
		json_object_set_new(plan, "steps", json_pack("[{s:o, s:s}]", "do", json_sprintf("%s %s/%s", x.trigger ? "POST job from"
			: "PATCH", r->kind, r->key), "body", "simulated"));
		json_object_set(plan, "params", params);
		char *text = json_dumps(plan, JSON_COMPACT);
		link_answer(l, r->id, true, str_of(text));
		free(text);
	}
	json_decref(plan);
	json_decref(params);
	return mine;
}

static void roll(struct world *w, const struct change *x)
{
	struct workload *l = x->load;
	int fault = !strcmp(x->image, l->before) ? (int)l->fault_before : strcmp(x->image, l->image) ? WELL : (int)l->fault;
	if (fault == EATS_MEMORY && x->limit_mi >= 2 * l->limit_mi)
		fault = WELL;                      /* twice the memory is enough for it */
	world_roll(w, l, x->image, x->limit_mi ? x->limit_mi : l->limit_mi, fault);
}

static void carry_out(struct world *w, struct change *x, struct buf *say)
{
	if (x->remember)
		x->load->remembered = x->load->replicas;
	if (x->sets_replicas)
		x->load->replicas = x->replicas;
	if (x->load && *x->image && (strcmp(x->image, x->load->image) || (x->limit_mi && x->limit_mi != x->load->limit_mi)))
		roll(w, x);
	if (x->load)
		buf_addf(say, "%s: %u replicas of %s", x->load->plan->name, x->load->replicas, x->load->image);
	if (x->node) {
		snprintf(x->node->taint, sizeof(x->node->taint), "%s", x->untaint ? "" : x->taint);
		buf_addf(say, "%s has %s", x->node->name, x->untaint ? "no such taint any more" : "the taint");
	}
	if (x->trigger)
		buf_addf(say, world_job(w, "manual") ? "a job has started" : "there is no room for its pod");
	else if (x->cron) {
		w->cron_suspended = x->suspend;
		buf_addf(say, x->suspend ? "it starts no more jobs" : "it starts jobs again");
	}
	w->workloads_dirty = w->nodes_dirty = w->crons_dirty = true;
}

bool demo_change_run(struct world *w, struct link *l, const struct request *r)
{
	struct change x = { 0 };
	struct buf say = { 0 };
	json_t *given = json_loads(r->params, 0, NULL), *shown = json_object_get(given, "plan");
	json_t *plan = json_pack("{s:[], s:[]}", "change", "warnings"), *back = json_object_get(json_object_get(shown, "undo"), "params");
	bool mine = prepare(w, r, json_object_get(shown, "params"), &x, plan);
	bool ok = mine && !json_object_get(plan, "blocked") &&
	          json_integer_value(json_object_get(json_object_get(shown, "target"), "version")) == version_of(w, &x);
	if (mine) {
		char *undo = ok && back ? json_dumps(back, JSON_COMPACT) : NULL;
		if (ok)
			carry_out(w, &x, &say);
		else
			buf_adds(&say, "it has changed since the plan was shown: plan again");
		link_step(l, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&say), str_of(undo ? undo : "") });
		free(undo);
	}
	buf_release(&say);
	json_decref(plan);
	json_decref(given);
	return mine;
}
