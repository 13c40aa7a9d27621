/* pipelines: one pipeline, one of its runs, one task of a run, and the rows that they become. Shared by every engine
 * that runs pipelines: Airflow, Argo, Kubeflow, Flyte, Step Functions, the demo. An engine keeps its own words for
 * states; what they mean is decided here. */
#ifndef BASE_PIPELINES_H
#define BASE_PIPELINES_H
#include "base/rows.h"

extern const struct kind kind_pipelines, kind_runs, kind_tasks;

/* Columns by place, for panes; kinds_pipelines.c has them in this order. */
enum pipeline_col {
	PIPE_NAME, PIPE_STATUS, PIPE_RECENT, PIPE_AGE, PIPE_SCHEDULE, PIPE_NEXT, PIPE_USUAL, PIPE_OWNER, PIPE_TAGS, PIPE_ACTIVE,
	PIPE_PAUSED, PIPE_FILE, PIPE_ERROR, PIPE_HELP, PIPE_MAX, PIPE_RANK, PIPE_COL_COUNT
};
enum run_col {
	RUN_PIPELINE, RUN_NAME, RUN_STATUS, RUN_AGE, RUN_DURATION, RUN_PACE, RUN_TRIGGER, RUN_PARAMS, RUN_USUAL, RUN_QUEUED,
	RUN_BY, RUN_NOTE, RUN_END, RUN_CREATED, RUN_DATE, RUN_TAGS, RUN_COL_COUNT
};
enum task_col {
	TASK_PIPELINE, TASK_RUN, TASK_NAME, TASK_STATUS, TASK_TRY, TASK_QUEUED, TASK_DURATION, TASK_USUAL, TASK_AGE,
	TASK_HOST, TASK_POOL, TASK_OPERATOR, TASK_UPSTREAM, TASK_END, TASK_READY, TASK_MAP, TASK_ORDER, TASK_BEFORE, TASK_COL_COUNT
};

/* What a state means, whatever the engine calls it. */
enum state_is {
	STATE_UNKNOWN,       /* a word we do not know */
	STATE_NONE,          /* not begun, nothing said */
	STATE_WAITING,       /* queued, scheduled, deferred, to be tried again */
	STATE_RUNNING,
	STATE_WELL,          /* success */
	STATE_FAILED,
	STATE_HELD,          /* did not run since what comes before failed */
	STATE_SKIPPED,
};
enum state_is state_meaning(struct str state);
static inline bool state_over(enum state_is s) { return s >= STATE_WELL; }
enum level state_level(enum state_is s);
/* One outcome as a letter that reads without colour: . well, X failed, > running, q waiting, - skipped, ? else. */
char state_letter(enum state_is s);

/* Texts empty, times 0 and numbers -1: unknown. Times are wall ms, durations ms. */
struct pipeline {
	struct str key, name, schedule, owner, tags, file, help;
	struct str recent;           /* state_letter()s, the oldest first */
	struct str last;             /* state of the last run that began */
	struct str error;            /* it does not load: why */
	int64_t last_at, next, usual, active, max;
	int paused;                  /* 1, 0, -1 */
	bool gone;                   /* not there any more, its history is */
};
void pipeline_put(struct buf *b, const struct pipeline *p);

struct run {
	struct str key, pipeline, name, state, trigger, params, by, note, tags;
	int64_t created, start, end; /* created: when it was to begin; from then to start it is queued */
	int64_t date, usual;
	bool past;                   /* a failure that a later run has made good */
	bool again;                  /* cleared and run again: how long it was queued is not known */
};
/* Key of a run: "pipeline/name". */
void run_put(struct buf *b, const struct run *r, int64_t now);

struct task {
	struct str key, pipeline, run, name, state, host, pool, operator, upstream;   /* upstream: names, commas between */
	int64_t ready, start, end, duration, usual, tried, tries, map, order;
	struct str before;           /* the tries before this one, by try_put, the first one first */
};
/* Appends a try that is over to the text for `before`; and takes the next one from such a text. Times are wall ms. */
void try_put(struct buf *b, int64_t start, int64_t end, struct str state);
bool try_next(struct str *text, int64_t *start, int64_t *end, struct str *state);
/* Key of a task: "pipeline/run/name", and "/3" of one of many. */
void task_put(struct buf *b, const struct task *t);

/* Median of n durations; -1 when there are none. Reorders them. */
int64_t usual_of(int64_t *ms, unsigned n);
#endif
