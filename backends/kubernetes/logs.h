/* logs: one opened log: of a container, of a pod, or of all pods of a workload; shared by logs.c (whose logs, and how they
 * go out) and logs_tail.c (one container's stream: begun, cut, resumed, ended). */
#ifndef KUBERNETES_LOGS_H
#define KUBERNETES_LOGS_H
#include "backends/kubernetes/engine.h"
#include "backends/kubernetes/json.h"
#include "backends/kubernetes/logmerge.h"
#include "backends/kubernetes/logresume.h"

struct logs;
struct tail {
	struct logs *logs;
	char *pod, *container;
	unsigned input;                  /* of the merge */
	enum { TAIL_WAITS, TAIL_RUNS, TAIL_ASKS, TAIL_OVER } state;
	bool ask_next;                   /* TAIL_WAITS for the pod's state, not for the log */
	int64_t due, began, opened;      /* mono ms */
	struct http_stream *stream;
	struct fetch *fetch;             /* TAIL_ASKS: of the pod */
	struct buf partial;              /* a line that has not come whole */
	struct logresume resume;
	struct http_backoff backoff;
	bool cut;                        /* broken off: say so when it goes on */
	bool told;                       /* why it waits was said */
	int64_t restarts;                /* of the container, as far as seen; -1 unknown */
	unsigned failures;
};
struct logs {
	struct logs *next;
	struct engine *e;
	uint64_t id;
	char *kind, *ns, *name, *only;   /* only: the one container asked for, or NULL */
	char *selector;                  /* label selector of a workload's pods; NULL: a pod */
	bool follow, previous, all;
	int64_t tail_lines, since_s;     /* -1: not given */
	struct tail **tails; unsigned ntails;
	struct logmerge *merge;          /* NULL: one container */
	struct fetch *fetch;             /* finding the pods */
	int64_t look_again;              /* mono ms; for new pods of a workload */
	struct buf out;                  /* lines to go out */
	bool found, over, any;           /* pods were found; TEXT_END was sent; something was shown */
};

/* ---- logs.c */
void logs_lines(struct tail *t, struct str lines);    /* new whole lines of this container */
void logs_note(struct logs *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The container has no more to say, why (may be NULL) is an error sentence. */
void logs_tail_over(struct tail *t, const char *why);
/* ---- logs_tail.c */
struct tail *tail_new(struct logs *l, const char *pod, const char *container, int64_t restarts);
void tail_free(struct tail *t);
int64_t tail_tick(struct tail *t, int64_t now);      /* when it is due; starts what is due */
#endif
