/* mlflow: one MLflow server, what is known of it and how it is asked.
 *
 *   backend.c   settings, the thread's loop, watches, health       client.c    requests, versions, what went wrong
 *   cut.c       long answers cut into their elements               parse.c     elements into structs, tolerantly
 *   catalog.c   what is known of models and versions               registry.c  models and versions, kept up to date
 *   runs.c      metrics of versions, experiments, training runs    detail.c    one version in full, a metric's history
 *   changes.c   who was in production when                         doctor.c    the checks of `binnacle doctor`
 *   standing.c  who is in production now, and who was before       acts.c      plans of promote and rollback, and their runs */
#ifndef MLFLOW_MLFLOW_H
#define MLFLOW_MLFLOW_H
#include "backends/net/cut.h"
#include "backends/net/access.h"
#include "backends/net/json.h"
#include "base/registry.h"
#include "base/source.h"

#define API "/api/2.0/mlflow/"
#define WATCHES_MAX 128
#define BATCH_IDS 200            /* versions whose runs are asked for at once */

/* ---- what is known (catalog.c) */
struct version {
	int number;
	bool measured;               /* its run was asked for */
	bool seen;                   /* in the listing under way */
	enum { V_READY, V_PENDING, V_FAILED } status;
	enum { S_NONE, S_STAGING, S_PRODUCTION, S_ARCHIVED } stage;
	double value;                /* of the model's key metric; NaN unknown */
	uint64_t run;                /* hash of its run's id */
	int64_t updated;
};
struct model {
	char *name, *description, *tags, *aliases;   /* aliases: "champion=6,challenger=7" */
	char *metric;                /* the key metric; NULL: not known yet */
	int64_t created, updated;
	struct version *versions;    /* by number, rising */
	unsigned nversions;
	int champion, challenger;    /* -1: none */
	int champion_said;           /* what the local history holds; -2: not looked yet */
	bool named;                  /* it was in a listing of models, not only named by its versions */
	bool listed, seen, changed, dirty;   /* changed: its versions are to be read again; dirty: its row is to be sent */
};
struct wanted { struct model *model; int version; char run[64]; };   /* a version whose run is to be asked for */
struct catalog {
	struct model **models;       /* by name */
	unsigned n, cap;
	struct wanted *wanted;
	unsigned nwanted, cap_wanted, at_wanted;
};
struct model *catalog_model(struct catalog *c, struct str name, bool make);   /* NULL: none of that name */
struct version *catalog_version(struct model *m, int number, bool make);
void catalog_drop(struct catalog *c, unsigned i);
void catalog_want(struct catalog *c, struct model *m, int version, struct str run);
void catalog_release(struct catalog *c);

/* ---- the source */
enum { WATCH_MODELS, WATCH_VERSIONS, WATCH_EXPERIMENTS, WATCH_TRAININGS, WATCH_PROMOTIONS, WATCH_KINDS };
struct watch { uint64_t id; int kind; char *scope; };
struct experiment { char *id, *name; };

struct mlflow {
	struct link *link;
	struct http *http;
	struct access access;
	/* settings */
	int64_t poll_ms;
	int timeout_ms;
	long limit;
	const char *metric;          /* the key metric of all models; NULL: by name */
	/* the server */
	bool known;                  /* its version was asked for */
	bool walk;                   /* it finds no runs by their ids */
	char version[32];
	int64_t latency_us;
	struct http_reply failure;   /* only end, status, error, remedy, retry_after_ms */
	struct http_backoff backoff;
	/* what somebody looks at */
	struct watch watches[WATCHES_MAX];
	unsigned nwatches;
	int64_t next_ms, retry_ms, look_ms;      /* mono: of the next poll, of the next try; when last looked at */
	int64_t models_ms, versions_ms;          /* mono: when all models, all versions are read again; 0: never read */
	bool opened[WATCH_KINDS], listed[WATCH_KINDS], refused[WATCH_KINDS];   /* a first full listing began, ended */
	struct catalog catalog;
	struct experiment *experiments;
	unsigned nexperiments;
	int64_t experiments_ms;      /* mono: when they were read; 0: never */
	struct request *later, **last_later;     /* came between two pages, to be seen to after the list */
	unsigned unsaid;             /* models read since the start */
	unsigned skipped;            /* elements that could not be read since the last full listing */
};

bool mlflow_watches(const struct mlflow *m, int kind);
/* Between two pages of a long list: what somebody opened is answered, the rest is kept for later. */
void mlflow_between(struct mlflow *m);
int64_t mlflow_now(const struct mlflow *m);      /* wall ms */
int64_t mlflow_mono(const struct mlflow *m);

/* ---- asking (client.c). False: m->failure says why. */
void client_open(struct mlflow *m);
void client_close(struct mlflow *m);
bool client_version(struct mlflow *m);           /* asks once for the server's version */
/* A small answer as a tree, owned by the caller. body NULL: GET. */
json_t *client_json(struct mlflow *m, const char *path, const char *body);
json_t *client_change(struct mlflow *m, const char *method, const char *path, const char *body);     /* the same by another method */
/* A text that is not JSON (an artifact), at most max bytes. */
bool client_text(struct mlflow *m, const char *path, size_t max, struct buf *out);
/* All pages of a list: element for each member of the list `name`. path ends in "?" or "&" for GET; with a body (an object,
 * borrowed) POST. max: how many are asked for a page, limit: how many in all (0: every one). */
struct list_query {
	const char *path, *name;
	json_t *body;
	unsigned page, limit;
	void (*element)(void *arg, const json_t *e);
	void *arg;
};
bool client_list(struct mlflow *m, const struct list_query *q);
/* Worth stopping everything for: the server is not there, or does not let us in. Else only what was asked for failed. */
bool client_is_lost(const struct mlflow *m);

/* ---- tolerant readers (parse.c): a member of the wrong type is unknown */
struct str get_text(const json_t *o, const char *key);
int64_t get_int(const json_t *o, const char *key, int64_t otherwise);   /* numbers, and numbers in texts */
double get_real(const json_t *v);                                       /* number, "NaN", "1.5"; NaN unknown */
/* [{key, value}] or {key: value} as "a=1,b=2", sorted by name, without MLflow's own (mlflow.*); most bytes. */
void get_labels(const json_t *list, size_t most, struct buf *out);
const json_t *get_tag(const json_t *list, const char *key);             /* value of that key in a list, or NULL */
bool get_model(const json_t *e, struct model *m, struct str *name);     /* false: it has no name */
struct run {
	struct str id, name, experiment, status, user, origin, git, artifacts;
	int64_t started, ended, size;
	struct buf metrics, params;  /* labels */
	const json_t *metric_list, *param_list, *tag_list;
};
bool get_run(const json_t *e, struct run *r);    /* borrows from e; release with run_release */
void run_release(struct run *r);
/* The metric that says most of these, and its value; "" none. prefer: taken when it is there. */
struct str key_metric(const json_t *metric_list, struct str prefer, double *value);

/* ---- work */
bool registry_refresh(struct mlflow *m);         /* models and versions; false: failure */
void registry_say(struct mlflow *m);             /* rows of models that changed */
void registry_close(struct mlflow *m);           /* the first listing is complete */
bool runs_measure(struct mlflow *m);             /* one batch of wanted versions */
bool runs_experiments(struct mlflow *m, bool send);
bool runs_trainings(struct mlflow *m, const char *experiment);   /* NULL: of all */
void runs_release(struct mlflow *m);
void changes_note(struct mlflow *m, struct model *model);     /* its champion may have changed */
void changes_send(struct mlflow *m);             /* what the local history holds */
json_t *detail_read(struct mlflow *m, struct str name, int64_t version, bool size);   /* owned; NULL: failure; size: of its artifacts too */
void detail_version(struct mlflow *m, const struct request *r, bool as_text);
void detail_training(struct mlflow *m, const struct request *r);
void detail_metric(struct mlflow *m, const struct request *r);
void doctor_run(struct mlflow *m, const struct request *r);

/* ---- who stands where (standing.c), read anew from the server for every plan and run */
struct stood { int number; bool production, archived, promoted; };   /* promoted: its tags say so */
struct standing {
	bool stages;                 /* production is told by stage: no alias, of the server or of the model */
	char *alias;                 /* else by this one */
	int champion;                /* -1: none */
	int staged;                  /* the newest in stage Production, or -1 */
	struct stood *versions;      /* by number, rising */
	unsigned n;
	struct buf words;            /* "alias champion: v6", "stage Production: v5,v6": what a plan has seen */
};
bool standing_read(struct mlflow *m, struct str model, struct str alias, struct standing *s);   /* false: failure */
void standing_release(struct standing *s);
const struct stood *standing_version(const struct standing *s, int number);
int standing_before(struct mlflow *m, struct str model, const struct standing *s);   /* the champion before; -1: not known */
/* ---- acts.c */
extern const struct action *const mlflow_actions[];
void mlflow_plan(struct mlflow *m, const struct request *r);
void mlflow_run(struct mlflow *m, const struct request *r);
void mlflow_may(struct mlflow *m, const struct request *r);          /* may.c: "can" of base/permits.h */
void mlflow_taken(struct mlflow *m, const struct request *r);        /* whether a plan was carried out (base/action.h) */
void send_body(struct mlflow *m, struct buf *body);   /* as a ROWS message; body is empty then */
#endif
