/* acts: the actions of a Kubernetes source, on the simulated world: the same names, parameters and plans. */
#include "backends/demo/flows.h"
#include "base/action.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const rollouts[] = { "deployments", "statefulsets", "daemonsets", NULL };
static const char *const scalables[] = { "deployments", "statefulsets", NULL };
static const char *const pods[] = { "pods", NULL };
static const char *const nodes[] = { "nodes", NULL };
static const char *const undoables[] = { "deployments", NULL };
static const struct field scale_fields[] = {
	{ .name = "replicas", .title = "replicas", .help = "how many pods there are to be", .type = FIELD_COUNT, .max = 100,
	  .required = true },
	{ .name = NULL },
};
static const struct action
	restart = { "restart", "Restart", "Replace the pods one after the other", rollouts, RISK_DISRUPTIVE, true, NULL },
	scale = { "scale", "Scale", "Set how many pods there are", scalables, RISK_DISRUPTIVE, true, scale_fields },
	rollback = { "rollback", "Roll back", "Undo a rollout: go back to the revision before", undoables, RISK_DISRUPTIVE, true, NULL },
	delete = { "delete", "Delete", "Delete the pod; a disruption budget is not asked", pods, RISK_DESTRUCTIVE, true, NULL },
	evict = { "evict", "Evict", "Delete the pod if its disruption budget allows it", pods, RISK_DISRUPTIVE, true, NULL },
	cordon = { "cordon", "Cordon", "Let no new pods be scheduled here", nodes, RISK_DISRUPTIVE, true, NULL },
	uncordon = { "uncordon", "Uncordon", "Let new pods be scheduled here again", nodes, RISK_HARMLESS, true, NULL },
	drain = { "drain", "Drain", "Cordon the node and evict its pods", nodes, RISK_DESTRUCTIVE, true, NULL };
const struct action *const demo_actions[] = { &restart, &scale, &rollback, &delete, &evict, &cordon, &uncordon, &drain, demo_changes, demo_changes + 1,
	demo_changes + 2, demo_changes + 3, demo_changes + 4, demo_changes + 5, demo_changes + 6, demo_changes + 7, demo_changes + 8,
	&demo_promote, &demo_rollback, &demo_reload, demo_inside, demo_inside + 1, demo_inside + 2,
	&demo_trigger, &demo_pause, &demo_unpause, &demo_clear, &demo_mark, &demo_cancel, &demo_backfill, NULL };

struct target {
	struct pod *pod;
	struct workload *load;
	struct node *node;
};

static bool find(struct world *w, const char *kind, const char *key, struct target *t)
{
	*t = (struct target){ 0 };
	if (!strcmp(kind, "pods"))
		t->pod = world_find_pod(w, str_of(key));
	else if (!strcmp(kind, "nodes"))
		t->node = world_find_node(w, str_of(key));
	else
		t->load = world_find_workload(w, kind, str_of(key));
	return t->pod || t->load || t->node;
}

static unsigned pods_on(const struct world *w, const struct node *n, bool daemons)
{
	unsigned count = 0;
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		count += pod_alive(p) && p->node == (int)(n - w->nodes) &&
		         daemons == (p->workload >= 0 && w->workloads[p->workload].plan->type == DAEMONSET);
	return count;
}

/* Version of a target: what a plan saw, and what is looked at again before it runs. */
static json_int_t version(const struct target *t)
{
	if (t->load)
		return (json_int_t)t->load->revision * 1000 + t->load->replicas;
	if (t->node)
		return t->node->cordoned;
	return (json_int_t)t->pod->born;
}

struct words {
	char change[240], request[160], body[160], undo[20], undo_params[40], not_undone[80];
};

static void describe(const struct world *w, const char *action, const struct target *t, const json_t *params, const char *key,
                     struct words *x)
{
	const struct workload *l = t->load;
	memset(x, 0, sizeof(*x));
	if (!strcmp(action, "scale")) {
		int n = (int)json_integer_value(json_object_get(params, "replicas"));
		snprintf(x->change, sizeof(x->change), "replicas %u -> %d", l->replicas, n);
		snprintf(x->request, sizeof(x->request), "PATCH %s/scale", key);
		snprintf(x->body, sizeof(x->body), "{\"spec\":{\"replicas\":%d}}", n);
		snprintf(x->undo, sizeof(x->undo), "scale");
		snprintf(x->undo_params, sizeof(x->undo_params), "{\"replicas\":%u}", l->replicas);
	} else if (!strcmp(action, "restart")) {
		snprintf(x->change, sizeof(x->change), "%u pods are replaced one after the other", l->replicas);
		snprintf(x->request, sizeof(x->request), "PATCH %s", key);
		snprintf(x->body, sizeof(x->body), "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"restartedAt\":\"now\"}}}}}");
		snprintf(x->not_undone, sizeof(x->not_undone), "the pods that are replaced do not come back");
	} else if (!strcmp(action, "rollback")) {
		snprintf(x->change, sizeof(x->change), "image %s -> %s", l->image, l->before);
		snprintf(x->request, sizeof(x->request), "PATCH %s (revision %u's template)", key, l->revision - 1);
		snprintf(x->undo, sizeof(x->undo), "rollback");
		snprintf(x->undo_params, sizeof(x->undo_params), "{}");
	} else if (t->node) {
		bool on = !strcmp(action, "uncordon");
		snprintf(x->request, sizeof(x->request), "PATCH /api/v1/nodes/%s", key);
		snprintf(x->body, sizeof(x->body), "{\"spec\":{\"unschedulable\":%s}}", on ? "false" : "true");
		snprintf(x->change, sizeof(x->change), on ? "new pods may be scheduled on it again" : "no new pods are scheduled on it");
		if (!strcmp(action, "drain"))
			snprintf(x->change, sizeof(x->change), "cordoned, then %u pods are evicted; %u of daemon sets stay", pods_on(w, t->node, false),
			         pods_on(w, t->node, true));
		snprintf(x->undo, sizeof(x->undo), on ? "cordon" : "uncordon");
		snprintf(x->undo_params, sizeof(x->undo_params), "{}");
	} else {
		snprintf(x->request, sizeof(x->request), !strcmp(action, "evict") ? "POST %s/eviction" : "DELETE %s", key);
		snprintf(x->change, sizeof(x->change), "the pod ends; its controller makes another");
		snprintf(x->not_undone, sizeof(x->not_undone), "a pod that is gone does not come back");
	}
}

void demo_plan(struct world *w, struct link *l, const struct request *r)
{
	struct target t;
	struct words x;
	if (demo_inside_plan(w, l, r) || demo_promote_plan(w, l, r) || demo_flow_plan(w, l, r) || demo_reload_plan(w, l, r) || demo_change_plan(w, l, r))
		return;
	if (!find(w, r->kind, r->key, &t)) {
		link_fail(l, r->id, "%s '%s' is gone", r->kind, r->key);
		return;
	}
	json_t *params = json_loads(r->params, 0, NULL), *replicas = json_object_get(params, "replicas");
	if (!strcmp(r->what, "scale") && (!json_is_integer(replicas) || json_integer_value(replicas) < 0 ||
	    json_integer_value(replicas) > (json_int_t)scale_fields[0].max)) {
		link_fail(l, r->id, "'replicas' must be a whole number from 0 to %d", (int)scale_fields[0].max);
		json_decref(params);
		return;
	}
	describe(w, r->what, &t, params, r->key, &x);
	json_t *plan = json_pack("{s:o, s:{s:s, s:s, s:s, s:I}, s:[s], s:[{s:s, s:s}], s:[], s:s}",
		"title", json_sprintf("%s %s %s", r->what, r->kind, r->key), "target", "kind", r->kind, "key", r->key, "uid", "demo",
		"version", version(&t), "change", x.change, "steps", "do", x.request, "body", x.body, "warnings", "dry_run", "accepted");
	json_object_set_new(plan, "params", params ? params : json_object());
	if (t.load && t.load->plan->hpa && !strcmp(r->what, "scale"))
		json_array_append_new(json_object_get(plan, "warnings"), json_sprintf(
			"HorizontalPodAutoscaler %s owns replicas (2..%u): it may put them back", t.load->plan->name, t.load->plan->replicas * 2));
	if (t.load && !strcmp(r->what, "rollback") && t.load->revision < 2)
		json_object_set_new(plan, "blocked", json_string("there is no revision before this one"));
	if (*x.undo)
		json_object_set_new(plan, "undo", json_pack("{s:s, s:o}", "action", x.undo, "params", json_loads(x.undo_params, 0, NULL)));
	if (*x.not_undone)
		json_object_set_new(plan, "not_undone", json_string(x.not_undone));
	char *text = json_dumps(plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	json_decref(plan);
	free(text);
}

static void replace_pods(struct world *w, const struct workload *l)
{
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (pod_alive(p) && p->workload == (int)(l - w->workloads))
			p->revision = l->revision - 1;
}

static void roll_back(struct world *w, struct workload *l)
{
	char back[80];
	memcpy(back, l->before, sizeof(back));
	world_roll(w, l, back, l->limit_mi, l->fault_before);
}

static unsigned evict_all(struct world *w, const struct node *n)
{
	unsigned count = 0;
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		bool daemon = p->workload >= 0 && w->workloads[p->workload].plan->type == DAEMONSET;
		if (!pod_alive(p) || p->node != (int)(n - w->nodes) || daemon)
			continue;
		world_end_pod(w, p);
		count++;
	}
	return count;
}

static void carry_out(struct world *w, const char *action, struct target *t, const json_t *params, struct buf *say)
{
	if (!strcmp(action, "scale")) {
		t->load->replicas = (unsigned)json_integer_value(json_object_get(params, "replicas"));
		buf_addf(say, "%s has %u replicas now", t->load->plan->name, t->load->replicas);
	} else if (!strcmp(action, "restart")) {
		t->load->revision++;
		t->load->rolled = w->now;
		replace_pods(w, t->load);
		buf_addf(say, "%s is being restarted", t->load->plan->name);
	} else if (!strcmp(action, "rollback")) {
		roll_back(w, t->load);
		buf_addf(say, "%s runs %s again", t->load->plan->name, t->load->image);
	} else if (!strcmp(action, "uncordon")) {
		t->node->cordoned = false;
		buf_addf(say, "%s takes pods again", t->node->name);
	} else if (t->node) {
		t->node->cordoned = true;
		buf_addf(say, "%s takes no new pods", t->node->name);
		if (!strcmp(action, "drain"))
			buf_addf(say, "; %u pods evicted", evict_all(w, t->node));
	} else {
		world_end_pod(w, t->pod);
		buf_addf(say, "%s is ending", t->pod->name);
	}
	w->workloads_dirty = w->nodes_dirty = true;
}

void demo_run(struct world *w, struct link *l, const struct request *r)
{
	struct target t;
	struct buf say = { 0 };
	if (demo_inside_run(w, l, r) || demo_promote_run(w, l, r) || demo_flow_run(w, l, r) || demo_reload_run(w, l, r) || demo_change_run(w, l, r))
		return;
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	json_t *back = json_object_get(json_object_get(plan, "undo"), "params");
	bool there = find(w, r->kind, r->key, &t);
	bool same = there && json_integer_value(json_object_get(json_object_get(plan, "target"), "version")) == version(&t);
	if (same)
		carry_out(w, r->what, &t, json_object_get(plan, "params"), &say);
	else
		buf_adds(&say, there ? "it has changed since the plan was shown: plan again" : "it is gone");
	if (same)
		link_step(l, r->id, (struct msg_step){ STEP_DONE, true, 1, 1, STR("accepted"), STR("") });
	char *undo_text = back && same ? json_dumps(back, JSON_COMPACT) : NULL;
	link_step(l, r->id, (struct msg_step){ STEP_FINISHED, same, 0, 0, buf_str(&say), str_of(undo_text ? undo_text : "") });
	free(undo_text);
	buf_release(&say);
	json_decref(params);
}
