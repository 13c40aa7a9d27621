/* demo_cluster: restart, scale, roll back, evict, cordon and drain in the simulated cluster. */
#include "backends/demo/ways.h"
#include <stdio.h>

enum { SCALE_MOST = 100 };

static const char *const rollouts[] = { "deployments", "statefulsets", "daemonsets", NULL };
static const char *const scalables[] = { "deployments", "statefulsets", NULL };
static const char *const undoables[] = { "deployments", NULL };
static const char *const pods[] = { "pods", NULL };
static const char *const nodes[] = { "nodes", NULL };
enum { RESTART, SCALE, ROLLBACK, EVICT, CORDON, UNCORDON, DRAIN };
const struct action demo_acts_cluster[] = {
	ACT_RESTART(rollouts), ACT_SCALE(scalables), ACT_ROLLBACK(undoables), ACT_EVICT(pods), ACT_CORDON(nodes), ACT_UNCORDON(nodes),
	ACT_DRAIN(nodes),
};

static void plan_restart(struct doing *d)
{
	SAY(d, "change", "%u pods are replaced one after the other", workload_ready(d->w, d->t.load));
	doing_step(d, "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"restartedAt\":\"now\"}}}}}", "PATCH %s", d->r->key);
	SAY(d, "not_undone", "the pods that are replaced do not come back");
}

static bool run_restart(struct doing *d)
{
	struct workload *l = d->t.load;
	l->revision++;
	l->rolled = d->w->now;
	for (struct pod *p = d->w->pods; p < d->w->pods + PODS_MAX; p++)
		if (pod_alive(p) && p->workload == (int)(l - d->w->workloads))
			p->revision = l->revision - 1;
	d->w->workloads_dirty = true;
	buf_addf(&d->say, "%s is being restarted", l->plan->name);
	return true;
}

static void plan_scale(struct doing *d)
{
	const struct workload *l = d->t.load;
	int64_t n = plan_param_int(d->params, "replicas", -1);
	SAY(d, "change", "replicas %u -> %lld", l->replicas, (long long)n);
	if (n < 0 || n > SCALE_MOST)
		SAY(d, "blocked", "'replicas' must be a whole number from 0 to %d", SCALE_MOST);
	else if (n == l->replicas)
		SAY(d, "already", "it has %u replicas", l->replicas);
	if (l->plan->hpa)
		SAY(d, "warnings", "HorizontalPodAutoscaler %s owns replicas (2..%u): it may put them back", l->plan->name, l->plan->replicas * 2);
	char body[60];
	snprintf(body, sizeof(body), "{\"spec\":{\"replicas\":%lld}}", (long long)n);
	doing_step(d, body, "PATCH %s/scale", d->r->key);
	plan_undo(d->plan, "scale", json_pack("{s:i}", "replicas", (int)l->replicas));
}

static bool run_scale(struct doing *d)
{
	d->t.load->replicas = (unsigned)plan_param_int(d->params, "replicas", d->t.load->replicas);
	d->w->workloads_dirty = true;
	buf_addf(&d->say, "%s has %u replicas now", d->t.load->plan->name, d->t.load->replicas);
	return true;
}

static void plan_rollback(struct doing *d)
{
	const struct workload *l = d->t.load;
	int64_t to = plan_param_int(d->params, "revision", 0);
	SAY(d, "change", "image %s -> %s", l->image, l->before);
	if (l->revision < 2)
		SAY(d, "blocked", "there is no revision before this one");
	else if (to && to != l->revision - 1)
		SAY(d, "blocked", "revision %lld is not kept: the one before is %u", (long long)to, l->revision - 1);
	doing_step(d, "", "PATCH %s (revision %u's template)", d->r->key, l->revision - 1);
	plan_undo(d->plan, "rollback", NULL);
}

static bool run_rollback(struct doing *d)
{
	struct workload *l = d->t.load;
	char back[80];
	memcpy(back, l->before, sizeof(back));
	world_roll(d->w, l, back, l->limit_mi, (int)l->fault_before);
	buf_addf(&d->say, "%s runs %s again", l->plan->name, l->image);
	return true;
}

static void plan_evict(struct doing *d)
{
	SAY(d, "change", "the pod ends; its controller makes another");
	doing_step(d, "", "POST %s/eviction", d->r->key);
	SAY(d, "not_undone", "a pod that is gone does not come back");
}

static bool run_evict(struct doing *d)
{
	world_end_pod(d->w, d->t.pod);
	buf_addf(&d->say, "%s is ending", d->t.pod->name);
	return true;
}

static unsigned pods_on(const struct world *w, const struct node *n, bool daemons)
{
	unsigned count = 0;
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		count += pod_alive(p) && p->node == (int)(n - w->nodes) && daemons == pod_is_daemon(w, p);
	return count;
}

static void plan_node(struct doing *d)
{
	bool on = !strcmp(d->r->what, "uncordon"), drain = !strcmp(d->r->what, "drain");
	if (drain)
		SAY(d, "change", "cordoned, then %u pods are evicted; %u of daemon sets stay", pods_on(d->w, d->t.node, false),
		    pods_on(d->w, d->t.node, true));
	else
		SAY(d, "change", on ? "new pods may be scheduled on it again" : "no new pods are scheduled on it");
	if (!drain && d->t.node->cordoned != on)
		SAY(d, "already", on ? "it takes pods" : "it is cordoned");
	doing_step(d, on ? "{\"spec\":{\"unschedulable\":false}}" : "{\"spec\":{\"unschedulable\":true}}", "PATCH /api/v1/nodes/%s", d->r->key);
	plan_undo(d->plan, on ? "cordon" : "uncordon", NULL);
}

static bool run_node(struct doing *d)
{
	struct node *n = d->t.node;
	n->cordoned = strcmp(d->r->what, "uncordon") != 0;
	buf_addf(&d->say, n->cordoned ? "%s takes no new pods" : "%s takes pods again", n->name);
	if (!strcmp(d->r->what, "drain"))
		buf_addf(&d->say, "; %u pods evicted", world_empty(d->w, n));
	d->w->workloads_dirty = d->w->nodes_dirty = true;
	return true;
}

const struct demo_way demo_ways_cluster[] = {
	{ demo_acts_cluster + RESTART, NULL, plan_restart, run_restart },
	{ demo_acts_cluster + SCALE, NULL, plan_scale, run_scale },
	{ demo_acts_cluster + ROLLBACK, NULL, plan_rollback, run_rollback },
	{ demo_acts_cluster + EVICT, NULL, plan_evict, run_evict },
	{ demo_acts_cluster + CORDON, NULL, plan_node, run_node },
	{ demo_acts_cluster + UNCORDON, NULL, plan_node, run_node },
	{ demo_acts_cluster + DRAIN, NULL, plan_node, run_node },
	{ .action = NULL },
};
