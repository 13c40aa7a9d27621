/* engine: the thread of one Kubernetes source. It alone owns everything here: one http whose connection carries all
 * watches and followed logs, and one loop:
 *
 *   requests (link) ---> watch.c   REQ_WATCH: list, watch, resync; rows messages
 *                   ---> logs.c    REQ_OPEN logs: tails, resumed and merged; text messages
 *                   ---> pool.c    everything that waits for single answers (kube_work)
 *   time -------------> usage.c    metrics polled, sums over the pods of a node
 *
 * Each part has a tick, called after every round, which does what is due and says when it wants to be called next
 * (mono ms). Callbacks of http run inside http_run only. */
#ifndef KUBERNETES_ENGINE_H
#define KUBERNETES_ENGINE_H
#include "backends/kubernetes/apis.h"
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/kube.h"
#include "backends/kubernetes/ledger.h"
#include "backends/kubernetes/pool.h"

#define NEVER INT64_MAX

/* Names of the namespaces, kept by their watch (spread.c); items in order. */
struct namespaces {
	struct namespace_name { char *name; bool seen; } *items;
	unsigned n, cap;
	unsigned version;                /* grows with each change */
	bool complete;                   /* a listing has ended */
};
void namespaces_begin(struct namespaces *n);
void namespaces_put(struct namespaces *n, struct str name);
void namespaces_drop(struct namespaces *n, struct str name);
void namespaces_end(struct namespaces *n);       /* those not seen since begin are gone */
void namespaces_clear(struct namespaces *n);

struct watch;
struct logs;
struct usage;

struct engine {
	struct kube *kube;
	struct link *link;
	struct http *http;
	const struct clock *clock;
	struct rnd rnd;
	struct pool *pool;
	struct decoder decoder;
	struct watch *watches;           /* list */
	struct logs *logs;               /* list */
	struct usage *usage;
	struct ledger ledger;
	struct namespaces namespaces;
	bool no_watchlist;               /* the server has it off: remembered */
	unsigned calm_events;            /* changes of whole lists in this round */
	int64_t heard;                   /* mono ms of the last byte from the server */
	int64_t metrics_every;           /* ms */
	int64_t patience;                /* ms without a byte, of an answer that must come */
	/* what the source's health was said to be */
	enum health_state state;
	int64_t state_since;             /* wall ms */
	char why[512], remedy[256];
	int64_t version_due;             /* mono ms; NEVER: it is known */
	bool version_failed;
	int64_t models_due;              /* mono ms: services that serve models are looked for */
	struct fetch *ping;              /* GET /version under way */
	/* kinds that the pool looked up: its threads leave the watch's id here and raise wake_fd */
	pthread_mutex_t lock;
	struct looked_up { struct looked_up *next; char *word; char *why; } *looked_up;
	struct credentials {             /* a plugin that runs in the pool, see credentials.c */
		enum { CREDENTIALS_IDLE, CREDENTIALS_RUN, CREDENTIALS_DONE } is;
		bool ok, used;
		char error[256], remedy[160];
	} credentials;
	int wake_fd, epoll_fd;           /* epoll: the link's descriptor and wake_fd as one */
};

static inline int64_t engine_now(const struct engine *e) { return clock_mono(e->clock); }
/* The server spoke: the source is live. latency -1: unknown. */
void engine_alive(struct engine *e, int64_t latency_us);
/* An exchange ended badly for a reason that is not the kind's own: the source's health. */
void engine_lost(struct engine *e, const struct http_reply *reply);
void engine_health(struct engine *e, enum health_state state, const char *why, const char *remedy);
void engine_kind_health(struct engine *e, const char *kind, enum health_state state, const char *why);

/* ---- one GET without waiting; body is collected (at most max bytes). fn may start new ones. */
struct fetch;
typedef void (*fetch_fn)(void *arg, const struct http_reply *reply, struct str body);
struct fetch *fetch_start(struct engine *e, const char *path, const char *accept, size_t max, fetch_fn fn, void *arg);
void fetch_stop(struct fetch *f);        /* fn is not called any more; NULL is fine, and so is an engine without http */

/* ---- credentials.c: a plugin runs beside the loop, not in it */
bool engine_auth(void *engine, struct http_auth *a);           /* of the engine's http_conf */
bool engine_renew(void *engine, uint64_t which);
void credentials_fetch(struct engine *e);                      /* in the pool: runs the plugin */
bool credentials_wait(struct engine *e);                       /* it runs: nothing can be asked meanwhile */
void credentials_used(struct engine *e);                       /* after a round of http: what came has been handed on */

/* ---- watch.c */
void watch_request(struct engine *e, struct request *r);       /* takes r */
bool watch_cancel(struct engine *e, uint64_t id);              /* false: not a watch's */
int64_t watches_tick(struct engine *e, int64_t now);
void watches_kick(struct engine *e);                           /* what waits for a retry tries at once */
void watches_restart(struct engine *e);                        /* the connection is dead: all begin again */
void watches_looked_up(struct engine *e, const char *word, const char *why); /* why NULL: found */
void watches_free(struct engine *e);
bool watches_listing(const struct engine *e);                  /* a listing is under way, or about to be */
/* Is kind watched for someone; with that scope ("" = cluster-wide; NULL = any). The first scope is put out, borrowed. */
bool watches_kind(struct engine *e, const char *kind, const char *scope, const char **which);
/* A watch of all of a kind that sends no rows, but feeds the ledger (pods) or the namespaces' names, as long as on. */
void watches_quietly(struct engine *e, const char *kind, bool on);

/* ---- usage.c */
struct usage *usage_new(struct engine *e);
void usage_free(struct usage *u);
int64_t usage_tick(struct usage *u, int64_t now);

/* ---- logs.c */
void logs_request(struct engine *e, struct request *r);        /* takes r */
bool logs_cancel(struct engine *e, uint64_t id);
int64_t logs_tick(struct engine *e, int64_t now);
void logs_kick(struct engine *e);
void logs_free(struct engine *e);
#endif
