/* taskgraph: the tasks of one run and what comes before what: when each will be over, which of them decide when the run is,
 * and how the graph is drawn as lanes of a list, the way git draws history. Pure; knows no kinds and no screen. */
#ifndef BASE_TASKGRAPH_H
#define BASE_TASKGRAPH_H
#include "base/buf.h"
#include "base/pipelines.h"

struct graph_task {
	struct str name, upstream;       /* names of what comes before, commas between */
	enum state_is is;
	int64_t start, end;              /* wall ms, 0 unknown */
	int64_t usual;                   /* ms, -1 unknown */
	/* Filled by graph_plan: */
	int64_t finish;                  /* when it was over or will be; 0 unknown */
	bool critical;                   /* the run ends later when it does */
};
/* Several tasks may have one name (one for each element of a list). Returns when the last one will be over, 0 where nothing is
 * known; *whole: no usual time was missing. */
int64_t graph_plan(struct graph_task *t, unsigned n, int64_t now, bool *whole);
/* Names on the critical path, the first to the last. Appends. */
void graph_path(const struct graph_task *t, unsigned n, const char *between, struct buf *out);

/* ---- lanes: each task is one line; lines between show where lanes part and meet */
#define LANES_MAX 24
struct graph_line {
	int task;                        /* index, -1: only lanes */
	uint8_t n;                       /* lanes in use */
	uint8_t cell[LANES_MAX];         /* enum lane */
	uint8_t across[LANES_MAX];       /* a line runs on from this lane to the next */
};
enum lane { LANE_EMPTY, LANE_PASS, LANE_TASK, LANE_FORK, LANE_FORK_END, LANE_FORK_END_LEFT, LANE_NEW_RIGHT, LANE_NEW_LEFT, LANE_JOIN_LEFT,
            LANE_JOIN_RIGHT, LANE_CROSS, LANE_OVER, LANE_BOTH };
/* Tasks must stand after all that comes before them; what does not is drawn as if it came from nowhere. Free the lines. */
unsigned graph_lines(const struct graph_task *t, unsigned n, struct graph_line **lines);
/* What stands in the lane's cell, as text of one cell. */
const char *lane_text(enum lane l, bool ascii);
#endif
