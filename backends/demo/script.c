/* script: what goes wrong on this morning, by the second since the world began (200 are lived through before the screen
 * opens). The demo's tour and the tests rely on these. */
#include "backends/demo/world.h"
#include <math.h>
#include <stdio.h>

const char *const demo_features[FEATURES] = {
	"house_size", "acre_lot", "bath", "bed", "state_price_mean", "zip_price_mean", "city_price_mean", "prev_sold_age", "status",
	"broker_rank", "listing_age",
};

void world_check(struct world *w, int64_t at, double score, const char *action)
{
	if (w->nchecks == CHECKS_MAX) {
		memmove(w->checks, w->checks + 1, sizeof(w->checks) - sizeof(w->checks[0]));
		w->nchecks--;
	}
	struct check *c = &w->checks[w->nchecks++];
	*c = (struct check){ .at = at, .score = score, .action = action };
	for (unsigned i = 0; i < FEATURES; i++) {
		/* the first features drift first; p values fall as the score grows */
		double pull = score * 24 / (1 + 0.5 * i), noise = rnd_unit(&w->rnd) * 0.6 + 0.2;
		c->p[i] = noise * exp(-pull);
		c->drifted += c->p[i] < 0.05;
	}
	w->checks_dirty = true;
}

static void checks_before(struct world *w)
{
	for (int i = 0; i < 60; i++) {
		double t = i / 59.0, score = 0.01 + 0.015 * rnd_unit(&w->rnd) + (t > 0.6 ? (t - 0.6) * (t - 0.6) * 2.1 : 0);
		world_check(w, w->now - (int64_t)(60 - i) * 7200000, score, score > 0.25 ? "retraining triggered" : score > 0.05 ?
		            "alert sent" : "none");
	}
}

/* A pod that asks for more of a graphics processor than there is. */
static void gpu_wish(struct world *w)
{
	struct pod *p = world_pod(w, -1);
	if (!p)
		return;
	snprintf(p->job, sizeof(p->job), "train-r3");
	snprintf(p->name, sizeof(p->name), "train-r3-8x4kd");
	world_state(w, p, UNSCHEDULABLE);
	p->until = INT64_MAX;         /* not before a node joins: see demo_cost.c */
}

static void gpu_waits(struct world *w)
{
	world_event(w, true, "FailedScheduling", "default-scheduler", "ml-training", "pod/train-r3-8x4kd",
	            "0/40 nodes are available: 6 Insufficient nvidia.com/gpu, 34 node(s) didn't match Pod's node affinity/selector");
}

static void node_fails(struct world *w, unsigned i, bool fails)
{
	struct node *n = &w->nodes[i];
	char object[96];
	n->ready = !fails;
	w->nodes_dirty = true;
	snprintf(object, sizeof(object), "node/%s", n->name);
	world_event(w, fails, fails ? "NodeNotReady" : "NodeReady", "node-controller", "default", object, "Node %s status is now: %s",
	            n->name, fails ? "NodeNotReady" : "NodeReady");
	for (struct pod *p = w->pods; fails && p < w->pods + PODS_MAX; p++)
		if (p->used && p->node == (int)i && p->workload >= 0 && w->workloads[p->workload].plan->type == DEPLOYMENT)
			world_end_pod(w, p);
}

void world_script(struct world *w)
{
	static const char *const v7 = "registry.internal/model-api:v7";
	if (w->step == 1)
		checks_before(w);
	if (w->step == 20)
		world_roll(w, world_workload(w, "model-api"), v7, 512, EATS_MEMORY);
	if (w->step == 60)
		gpu_wish(w);
	if (w->step >= 60 && w->step < 300 && w->step % 20 == 0)
		gpu_waits(w);
	if (w->step == 260)
		world_roll(w, world_workload(w, "validator"), "registry.internal/validator:1.4.5-rc", 1024, CANNOT_PULL);
	if (w->step == 300)
		demo_gpu_joins(w);
	if (w->step == 330)
		demo_training_starts(w);
	if (w->step == 340)
		node_fails(w, 17, true);
	if (w->step == 560)
		node_fails(w, 17, false);
	if (w->step == 620)
		world_roll(w, world_workload(w, "partner-export"), "registry.internal/partner-export:0.12.3", 256, EXITS);
	if (w->step > 200 && w->step % 120 == 0)
		world_check(w, w->now, 0.3 + 0.05 * rnd_unit(&w->rnd), "retraining triggered");
}
