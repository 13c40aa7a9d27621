/* serving: endpoints of models, whatever protocol they speak. One source is one address; it may serve several models.
 *
 *   serving.c    the source's thread: looks, rows, health, requests      doctor.c   what is well, check by check
 *   call.c       a prediction or explanation: sent, read, counted        answer.c   what came back, in any shape
 *   schema.c     the fields a model wants, from any description          history.c  what it remembers
 *   acts.c       reload, unload: planned, sent, read back            warmup.c   predictions to warm it up, and to measure
 *   found.c      model servers in a cluster: type models
 *   known.c      what other sources know: the registry's champions, the log's last inputs
 *   rest.c kserve.c v2.c mlflow.c ray.c      the protocols, each a constant descriptor */
#ifndef SERVING_SERVING_H
#define SERVING_SERVING_H
#include "backends/net/access.h"
#include "base/action.h"
#include "base/serving.h"
#include "base/source.h"
#include <jansson.h>

enum { CALLS_KEPT = 512, MODELS_MAX = 64 };

struct model {                    /* one endpoint */
	char *key;                    /* of its row */
	char *name;                   /* in the protocol's paths; "" where it has none */
	char *title, *version, *stage, *run, *loaded;   /* NULL unknown; loaded: when, in its own words */
	enum { STATUS_UNKNOWN, STATUS_READY, STATUS_NOT_READY, STATUS_DOWN, STATUS_REFUSED } status;
	char why[320];
	int64_t since;
	int explains;                 /* 1, 0, -1 unknown */
	json_t *schema;               /* NULL: not asked for yet, or none */
	json_t *sent;                 /* the last inputs that were answered */
	float ms[CALLS_KEPT];         /* of our own calls, NaN: failed; a ring */
	unsigned ncalls;
	bool seen;                    /* in the look that is under way */
};

struct protocol;
struct serving {
	struct link *link;
	const char *name;             /* the source's, and which service of a cluster; begins the keys of its models */
	const char *url;              /* NULL: the setting */
	struct http *http;
	struct access access;         /* opened before the first look */
	const struct protocol *protocol;      /* NULL: not found yet */
	char *flavour;                /* what the protocol noted of the server: its version; NULL */
	json_t *openapi;              /* REST and Ray: the description, NULL: none */
	bool no_ready, no_model;      /* REST: paths that are not there */
	struct model *models; unsigned nmodels;
	int timeout_ms;
	uint64_t asking;              /* the request that is worked on; 0: none */
	/* of the last exchange: */
	enum http_end end;
	int status;
	int64_t latency_us, retry_after_ms;
	char error[512], remedy[256];
	unsigned asked;               /* exchanges since the last look, which sets the pace */
	struct known *known;          /* rows of other sources */
};

/* One short GET. True: an answer of 2xx came; *json is its document (NULL where it is none; caller decrefs; the pointer may be
 * NULL) and text[size] its beginning. */
bool serving_get(struct serving *s, const char *path, json_t **json, char *text, size_t size);
bool serving_lost(const struct serving *s);      /* the last exchange got no answer at all, or was refused */
struct model *serving_model(struct serving *s, const char *name);    /* that model, made when new */
void model_is(struct serving *s, struct model *m, int status, const char *why);
void set_text(char **to, const char *text);      /* "" and NULL: unknown */
const char *setting(const struct serving *s, const char *key);       /* NULL where empty */
bool is_cancelled(void *serving);

struct call_form {                /* how a question is sent */
	struct buf path;
	json_t *body;
	const char *type;             /* Content-Type; NULL: application/json */
};
struct protocol {
	const char *name, *title;
	/* Does the server speak it? One or two short questions; notes what it learns. */
	bool (*probe)(struct serving *s);
	/* Which models, and how are they? False: nobody answered. */
	bool (*look)(struct serving *s);
	/* The fields; NULL: unknown. Caller owns. May be NULL. */
	json_t *(*schema)(struct serving *s, struct model *m);
	/* The question for these inputs. False: this service does not explain. */
	bool (*form)(struct serving *s, struct model *m, const json_t *inputs, bool explain, struct call_form *f);
	/* The path that loads its model anew when POSTed to, caller frees; NULL: it has none, and why[size] says so. NULL as
	 * function: fixed says what to do instead. unload: the one that lets it go; only v2 has it. */
	char *(*reload)(struct serving *s, struct model *m, bool unload, char *why, size_t size);
	const char *fixed;
};
extern const struct protocol protocol_rest, protocol_kserve, protocol_v2, protocol_mlflow, protocol_ray;
extern const struct protocol *const protocols[];  /* in the order of trying; NULL at the end */
json_t *v2_schema(struct serving *s, struct model *m);
char *model_path(const char *before, const struct model *m, const char *after);   /* name escaped; caller frees */

/* serving.c: one server, and its turns; found.c has many in one source */
struct watcher;
struct watcher *watcher_new(struct link *l, const char *name, const char *url);      /* borrowed until it is freed */
void watcher_free(struct watcher *w);
/* The rows of it and of what is chained to it by watcher_next are one list, and what watches is the first's. */
void watcher_chain(struct watcher *first, struct watcher *w);
void watcher_group(struct watcher *first);     /* it is no server itself, only the first of a chain, which may grow until */
void watcher_whole(struct watcher *first);
void watcher_unchain(struct watcher *first, struct watcher *w);
struct watcher *watcher_next(const struct watcher *w);
struct serving *watcher_serving(struct watcher *w);
int64_t watcher_due(const struct watcher *w);        /* mono ms of its next look; INT64_MAX: nobody looks */
bool watcher_look(struct watcher *w);
void watcher_handle(struct watcher *first, struct request *r);   /* takes r; what is of one model goes to its server */
void watcher_rows(struct watcher *first);
bool watcher_health(const struct watcher *w, const char **why);  /* live? */

/* call.c */
void call_ask(struct serving *s, struct model *m, const struct request *r, bool explain);
const json_t *call_schema(struct serving *s, struct model *m);   /* found now where it was not known; borrowed, or NULL */
void call_figures(const struct model *m, double *p50, double *p99, int64_t *calls, int64_t *failed);

/* One question with these inputs, counted like every other. True: an answer came; else error[size] says why. */
bool call_once(struct serving *s, struct model *m, const json_t *inputs, double *ms, char *error, size_t size);

/* acts.c, warmup.c: REQ_PLAN and REQ_RUN on that model */
extern const struct action *const serving_actions[];
void serving_plan(struct serving *s, struct model *m, const struct request *r);
void serving_run(struct serving *s, struct model *m, const struct request *r);
void warmup_plan(struct serving *s, struct model *m, const struct request *r, json_t *plan);
void warmup_run(struct serving *s, struct model *m, const struct request *r, const json_t *plan);

/* known.c */
extern const char *const serving_reads[];
struct known *known_new(void);
void known_free(struct known *k);
void known_take(struct known *k, const struct request *r);       /* REQ_ROWS */
/* The champion that registries have of the model, say[size]: which has it; -1: say tells why it cannot be said. from: the only
 * registry that counts, NULL: any. */
int64_t known_champion(const struct known *k, const char *model, const char *from, char *say, size_t size);
/* The newest logged inputs of the model (NULL: of any), at most n; a JSON array, caller owns. */
json_t *known_inputs(const struct known *k, const char *model, unsigned n);

/* history.c: the service's own log as rows of `predictions`; an empty list where none is to be read */
void serving_history(struct serving *s);
json_t *history_inputs(struct serving *s, unsigned n);   /* its newest inputs, asked for now; NULL: it has no such log */

/* doctor.c */
void serving_doctor(struct serving *s, uint64_t id, bool found);
bool serving_find(struct serving *s);            /* serving.c: the protocol, and the models; false: error says why */
#endif
