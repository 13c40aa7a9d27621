/* acts: what the parts of planning share. A plan is the JSON of base/action.h. Beyond that, a step has `read` and `want`: what to
 * GET, and what its answer holds once the step was taken; without `want`: anything but what the plan saw. And a plan may have
 * `dry`: the request of a server's dry run, sent again before it runs, and `names`: what that run named. */
#ifndef AIRFLOW_ACTS_H
#define AIRFLOW_ACTS_H
#include "backends/airflow/airflow.h"
#include "base/action.h"

#define NAMED_MOST 40            /* tasks named one by one in a plan */

struct plan { struct airflow *a; const struct request *r; struct task_key key; json_t *params, *o; };

/* acts.c */
void af_change(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void af_warn(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void af_say(struct plan *p, const char *member, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Takes body and want (may be NULL); check and read may be NULL. */
void af_step(struct plan *p, const char *method, const char *path, json_t *body, const char *check, const char *read, json_t *want);
void af_undo(struct plan *p, const char *action, json_t *params);     /* takes params */
struct str af_seen(const struct plan *p);      /* the target's version: "paused=true", "success/1" */
bool param_true(const struct plan *p, const char *name, bool otherwise);
struct str param_text(const struct plan *p, const char *name);
/* An object of the parameters that are the action's own: those below "conf.", and what `conf` says in full. NULL: it says nothing
 * that could be read, and the plan is blocked. */
json_t *param_conf(struct plan *p);
/* "/dags/X" and what follows. Caller frees. */
char *dag_path(const struct plan *p, const char *more);

/* params.c: the parameters of a pipeline, {"name": {"value", "description", "schema"}} as both versions say it */
json_t *params_form(const json_t *params, const json_t *given);         /* fields for "form"; given: values to begin with */
/* What is wrong with these values, or NULL; caller frees. Texts from a form become what the schema says. What is as the pipeline
 * defines it goes away. */
char *params_check(const json_t *params, json_t *conf);

/* act_runs.c, act_tasks.c */
void af_trigger(struct plan *p);
void af_backfill(struct plan *p);
void af_backfill_state(struct plan *p);
void af_clear(struct plan *p);
void af_mark(struct plan *p);
void af_cancel(struct plan *p);
char *names_of(const json_t *dry);               /* the tasks that an answer names, in a text that can be compared */
#endif
