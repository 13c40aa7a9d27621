/* flows: the simulated pipelines, as demo_pipelines.c makes them by the clock and demo_flows.c changes them by what was done here. */
#ifndef DEMO_FLOWS_H
#define DEMO_FLOWS_H
#include "backends/demo/world.h"

enum { FLOW_TASKS = 8 };

struct flow_step { const char *name, *upstream, *operator; unsigned usual_s; };
struct flow {
	const char *name, *schedule, *owner, *tags, *help;
	unsigned every_min, fails;           /* every so many runs fails; 0: none */
	bool paused;
	struct flow_step steps[FLOW_TASKS];
};
struct flow_task { const struct flow_step *step; int64_t ready, start, end; const char *state, *ends; int tried; char before[128]; };
struct flow_run {
	char name[64], params[240];
	const struct flow *flow;
	int64_t created, start, end;
	const char *state, *trigger;
	struct flow_task tasks[FLOW_TASKS];
	unsigned n;
};

/* demo_pipelines.c */
const struct flow *flow_named(struct str name);                      /* NULL: there is none */
bool flow_find(const struct world *w, struct str key, struct flow_run *r, const struct flow_task **task);   /* "flow/run[/task]" */
/* A run that goes well, as if it began at `created`. */
void flow_begin(const struct flow *f, int64_t created, int64_t now, struct flow_run *r);
const struct flow_task *flow_task(const struct flow_run *r, struct str name);

/* demo_flows.c */
bool flow_paused(const struct world *w, const struct flow *f, int64_t *since);
/* The k-th run that was begun here, the newest first; false: there are no more, and *n is how many there were. */
bool flow_begun(const struct world *w, const struct flow *f, unsigned k, struct flow_run *r, unsigned *n);
void flow_overlay(const struct world *w, struct flow_run *r);        /* what was done to it here */
bool demo_flow_plan(struct world *w, struct link *l, const struct request *r);
bool demo_flow_run(struct world *w, struct link *l, const struct request *r);
struct json_t *demo_flow_form(const struct world *w, const struct request *r);
#endif
