/* demo_cost: what the simulated platform costs: a large GPU node that joins while one looks, because the training run found
 * no room, so that the session's budget no longer lasts; and the bill of the days before. What an hour costs now is not
 * simulated: the demo's own cost source makes it from the nodes and pods, as from any cluster's. */
#include "backends/demo/world.h"
#include "base/cost.h"
#include <stdio.h>

#define DAY 86400000ll
#define NAME "ip-10-0-96-11.eu-west-1.compute.internal"

static struct pod *waiting_run(struct world *w)
{
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used && p->state == UNSCHEDULABLE && !strcmp(p->job, "train-r3"))
			return p;
	return NULL;
}

void demo_gpu_joins(struct world *w)
{
	struct node *n = &w->nodes[NODES];
	if (w->nodes[NODES - 1].before)          /* somebody has taken the pool to no nodes */
		return;
	*n = (struct node){ .name = NAME, .group = BIG_GPU, .born = w->now, .ready = true };
	w->nodes_dirty = true;
	world_event(w, false, "TriggeredScaleUp", "cluster-autoscaler", "ml-training", "pod/train-r3-8x4kd",
	            "pod triggered scale-up: [{gpu 6->7 (max: 8)}]");
	world_event(w, false, "NodeReady", "node-controller", "default", "node/" NAME, "Node %s status is now: NodeReady", NAME);
}

void demo_training_starts(struct world *w)
{
	struct pod *p = waiting_run(w);
	if (!p || !w->nodes[NODES].born)
		return;
	p->node = NODES;
	world_state(w, p, CREATING);
	p->until = w->now + 8000;
}

/* Dollars of a day: the nodes that were there, at the prices of eu-west-1, and the control plane. */
static double day_cost(const struct world *w, int64_t day)
{
	static const double rates[] = { 0.213, 0.341, 0.584, 6.296 };
	double sum = 24 * 0.111;
	for (int i = 0; i < NODES_ALL; i++) {
		const struct node *n = &w->nodes[i];
		if (n->born && n->born < day + DAY)
			sum += rates[n->group] * (n->born > day ? (double)(day + DAY - n->born) / DAY : 1) * 24;
	}
	return sum;
}

void demo_show_bills(const struct world *w, struct buf *body)
{
	int64_t today = w->start - w->start % DAY;
	char services[120];
	for (int back = 9; back >= 2; back--) {          /* yesterday is not billed yet */
		int64_t day = today - back * DAY;
		double estimate = day_cost(w, day), billed = estimate * (1.01 + 0.004 * (double)(day / DAY % 5));
		snprintf(services, sizeof(services), "Amazon EC2 %.2f, Amazon EKS 2.40, EC2 - Other %.2f", billed * 0.94,
		         billed * 0.06 - 2.4);
		cost_bill_put(body, &(struct cost_bill){ .day = day, .as_of = w->start - 2 * 3600000, .billed = billed,
			.estimate = estimate, .final = back > 2, .services = str_of(services), .origin = STR("simulated") });
	}
}
