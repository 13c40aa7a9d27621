/* ways: what can be done to the simulated world, as tables: an action (its words are base/acts.h's), what has to be the same when
 * it runs, what its plan says and what it does. acts.c looks up the way and does the rest for all of them. */
#ifndef DEMO_WAYS_H
#define DEMO_WAYS_H
#include "backends/demo/world.h"
#include "base/acts.h"
#include "base/plan_json.h"
#include <jansson.h>

struct doing {
	struct world *w;
	struct link *l;
	const struct request *r;
	const json_t *params;                /* as they were given */
	json_t *plan;                        /* running: as it was shown */
	struct buf say;                      /* how it went */
	struct { struct pod *pod; struct workload *load; struct node *node; } t;   /* that the key names, where it is one of these */
};
struct demo_way {
	const struct action *action;
	bool (*state)(struct doing *d, struct buf *out);     /* false: it is gone. NULL: by d->t */
	void (*plan)(struct doing *d);
	bool (*run)(struct doing *d);                        /* false: it failed, and say tells how */
};
extern const struct demo_way demo_ways_cluster[], demo_ways_change[], demo_ways_objects[], demo_ways_custom[], demo_ways_inside[],
	demo_ways_endpoints[], demo_ways_storage[], demo_ways_checks[], demo_ways_alerts[];
extern const struct action demo_acts_cluster[], demo_acts_change[], demo_acts_objects[], demo_acts_custom[], demo_acts_inside[];

extern const struct backend backend_demo;
#define SAY(d, where, ...) plan_say((d)->plan, where, __VA_ARGS__)
const char *doing_text(const json_t *params, const char *name);      /* "" where it is not given */
/* The request, as the real thing would send it; body in words, may be "". */
void doing_step(struct doing *d, const char *body, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Into the plan's "diff". False: nothing differs. */
bool doing_diff(struct doing *d, struct str before, struct str after);
#endif
