/* airflow: pipelines, runs and tasks of Apache Airflow, 2.x by REST v1 and 3.x by REST v2, found by itself.
 *
 *   airflow.c   the source: settings, its thread's loop, what is asked when    api.c    one exchange: version, credentials
 *   past.c      what is known of each pipeline: past runs, tasks, usual times  rows.c   answers as rows
 *   poll.c      what is asked of the server when somebody looks                log.c    task logs, followed
 *   acts.c      plans and their runs: act_runs.c, act_tasks.c; params.c, cron.c
 *   docs.c      descriptions, XCom values, rendered parameters, links          why.c    why a run waits; doctor
 *
 * One thread, one request at a time. What is watched is asked for again as often as it changes, and never more than
 * one request in two seconds goes out by itself. */
#ifndef AIRFLOW_AIRFLOW_H
#define AIRFLOW_AIRFLOW_H
#include "backends/net/access.h"
#include "backends/net/json.h"
#include "base/history.h"
#include "base/pipelines.h"
#include "base/source.h"

#define REST_MS 2000             /* between two requests that nobody waits for */
#define PAGE 100                 /* Airflow's own bound of a page */
#define TEXT_MOST 4000           /* bytes of one text that become a cell */

/* ---- api.c: the server as one asks it */
struct api {
	struct link *link;
	struct http *http;
	struct access access;
	int version;                     /* 1, 2; 0: not found yet */
	char number[32];                 /* "2.10.5" */
	struct secret bearer;            /* v2: from /auth/token; or from the setting `token` */
	int64_t bearer_until;            /* wall ms when it is made anew; 0: when refused */
	bool bare;                       /* this exchange goes without credentials */
	int timeout_ms;
	/* Of the last exchange: */
	char error[512], remedy[256];
	enum http_end end;
	int status;
	int64_t retry_after_ms, latency_us, date_ms, asked_at;   /* asked_at: mono */
	uint64_t requests;
	uint64_t waiting;                /* request that waits for the answer: its cancellation cuts the call; 0 = none */
};
void api_init(struct api *a, struct link *link);
void api_release(struct api *a);
/* Version known and credentials at hand. False: error says why. */
bool api_ready(struct api *a);
/* GET of "/dags?..." below /api/vN, or with a body POST and others. NULL: error, end and status say why. */
json_t *api_get(struct api *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
json_t *api_send(struct api *a, const char *method, const char *path, json_t *body);    /* borrows body */
/* The same with the body as it comes; for logs. */
bool api_stream(struct api *a, const char *path, const char *accept, bool (*on_data)(void *, struct str), void *arg);
bool api_refused(const struct api *a);       /* not let in, as a whole */
bool api_forbidden(const struct api *a);     /* only from this */
bool api_passing(const struct api *a);
/* When a JWT ends, wall ms; 0: it does not say. */
int64_t jwt_end(struct str token);
json_t *jwt_claims(struct str token);        /* what is written in it, unchecked; NULL: it is no JWT. New reference */

/* ---- past.c */
enum { PAST_RUNS = 20, STRIP = 10 };
struct past_run { char *name; int64_t at, took; enum state_is is; };
struct past_task { char *name, *upstream; int64_t usual, order; };
struct dag {
	char *id, *schedule, *owner, *tags, *file, *help;
	int64_t next, max;
	int paused;
	bool known, gone;                /* known: the server listed it */
	struct past_run runs[PAST_RUNS]; unsigned nruns;   /* the newest first */
	int64_t well_at;                 /* of the newest run that went well */
	struct past_task *tasks; unsigned ntasks;
	int64_t tasks_at;                /* mono when they were read; 0 never */
	bool dirty;                      /* its row is behind */
	json_t *tries;                   /* of tasks tried before: "run/task/map" -> {"try", "text"} as try_put makes it */
};
struct past { struct dag **dags; unsigned n; };
struct dag *past_dag(struct past *p, struct str id);               /* made when new */
/* Learn of a run. True: it is new, or its state is. */
bool past_learn(struct dag *d, struct str name, int64_t at, struct str state, int64_t took);
int64_t past_usual(const struct dag *d);
void past_recent(const struct dag *d, char out[STRIP + 1]);
void past_put(const struct dag *d, struct buf *out);               /* as a row of pipelines */
void past_take_tasks(struct dag *d, const json_t *tasks);          /* of GET /dags/X/tasks */
void past_take_times(struct dag *d, const json_t *instances);      /* of past task instances that went well */
const struct past_task *past_task(const struct dag *d, struct str name);
void past_release(struct past *p);

/* ---- rows.c: elements of answers as rows. What has not the right type is unknown; false: it has no name. */
struct str text_in(const json_t *o, const char *name);             /* borrowed; at most TEXT_MOST bytes */
int64_t time_in(const json_t *o, const char *name);                /* 0 unknown */
double real_in(const json_t *o, const char *name);                 /* NaN unknown */
bool take_dag(struct past *p, const json_t *dag);
bool take_run(struct past *p, const json_t *run);                  /* learns; puts no row */
bool put_run(struct past *p, const json_t *run, int64_t now, struct buf *out);
bool put_task(struct past *p, const json_t *task, struct buf *out);
bool put_error(const json_t *error, struct buf *out);
/* The earlier tries of that task as text, when they are known up to its try; else NULL, and it is worth asking. "" if none. */
const char *tries_known(const struct dag *d, const json_t *task);
void tries_learn(struct dag *d, const json_t *task, const json_t *tries);       /* of GET .../tries; NULL: there are none to be had */
void params_text(const json_t *conf, struct buf *out);             /* rows=48211 source=s3://... */

/* A row key in its parts; false: not of that form. map is "" where there is one only. */
struct task_key { struct str dag, run, task, map; };
bool task_key_parse(struct str key, struct task_key *out);
/* "/dags/X/dagRuns/Y" and so on, escaped. */
void task_key_path(const struct task_key *k, struct buf *out);

/* ---- airflow.c */
struct watch { uint64_t id; enum { WATCH_PIPELINES, WATCH_RUNS, WATCH_TASKS } what; char *scope; };
struct lister {                  /* a list that is asked for again and again */
	int64_t due, every;          /* mono; ms */
	int offset;                  /* of the next page of a listing under way; -1 none */
	bool listed;
};
struct taskset {                 /* tasks of one run ("dag/run"), or of all lately ("") */
	char *scope;
	unsigned watches;
	struct lister list;
	uint64_t seen;               /* hash of the last answer */
	bool over;
	json_t *want;                /* tasks whose earlier tries are to be asked for: keys */
};
struct log {
	uint64_t id;
	struct buf task, path, map;  /* of the task instance; of the same without its map index; that index */
	struct buf token;            /* where we are */
	int64_t due;
	int tried;                   /* which try; 0 the last, -1 the one before, until it began */
	int quiet;                   /* times without anything new */
	size_t entries;              /* shown of a structured log */
	uint32_t first;              /* hash of the first of them */
	bool follow, began, plain, shown;
	struct log *next;
};
struct airflow {
	struct api api;
	struct past past;
	struct watch *watches; unsigned nwatches;
	struct lister dags, errors, runs, changed, heart;
	struct taskset **sets; unsigned nsets;
	struct log *logs;
	json_t *first_page;          /* of runs: put again when all usual times are known */
	int64_t since;               /* server's wall ms of the last look at changed runs */
	int64_t poll_ms;
	int runs_most;
	unsigned active;             /* runs under way */
	unsigned skipped;            /* elements that had no name */
	unsigned put_off;            /* bits: lists that the server would not give */
	int64_t retry_at;
	struct http_backoff backoff;
	char trouble[256];           /* the server is up, but: from its own health */
};
bool watched(const struct airflow *a, int what);
int64_t mono_of(const struct airflow *a);
int64_t wall_of(const struct airflow *a);
void say_health(struct airflow *a, enum health_state s, const char *why, const char *remedy);
void kind_health(struct airflow *a, const char *kind, enum health_state s, const char *why);

/* ---- poll.c */
/* The most urgent of what is due; *urgent: somebody waits for it. Its time is mono. */
int64_t poll_next(const struct airflow *a, bool *urgent);
/* One request, one page. False: it failed, api says how. */
bool poll_step(struct airflow *a);
void poll_wake(struct airflow *a, int what);          /* someone began to look */
struct taskset *taskset_of(struct airflow *a, struct str scope);
void taskset_drop(struct airflow *a, struct str scope);
bool learn_tasks(struct airflow *a, struct dag *d);   /* structure and usual times, when they are old */

/* ---- log.c */
void log_open(struct airflow *a, const struct request *r);
bool log_step(struct airflow *a, struct log *l);
void log_drop(struct airflow *a, uint64_t id);
/* A list of pairs of strings as Python prints it, [('host', "text"), ...]: the texts alone. False: not that. */
bool repr_text(struct str s, struct buf *out);
/* One entry of a structured log as a line. */
void log_line(const json_t *entry, struct buf *out);

/* ---- docs.c, why.c */
void doc_open(struct airflow *a, const struct request *r);
void links_ask(struct airflow *a, const struct request *r);
void why_ask(struct airflow *a, const struct request *r);
void doctor_ask(struct airflow *a, uint64_t id);

/* ---- may.c */
void may_ask(struct airflow *a, const struct request *r);

/* ---- acts.c */
extern const struct action *const airflow_actions[];
void plan_ask(struct airflow *a, const struct request *r);
void run_ask(struct airflow *a, const struct request *r);
void taken_ask(struct airflow *a, const struct request *r);
void form_ask(struct airflow *a, const struct request *r);       /* the fields of an action of this row */
#endif
