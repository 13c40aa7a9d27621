/* watch: one kind within one scope, listed and kept up to date; shared by watch.c (when to ask, what to make of an
 * ending) and watch_stream.c (what is asked, and what the answers say). */
#ifndef KUBERNETES_WATCH_H
#define KUBERNETES_WATCH_H
#include "backends/kubernetes/engine.h"
#include "backends/kubernetes/judge.h"
#include "backends/kubernetes/unread.h"

enum watch_state {
	WATCH_LOOKING,       /* discovery is asked for the kind */
	WATCH_WAITING,       /* until `due` */
	WATCH_RUNS,          /* stream is under way */
	WATCH_SPREAD,        /* carried by one watch for each namespace */
};

struct watch {
	struct watch *next;
	struct engine *e;
	char *kind;                      /* name of the rows' kind (as asked for, until looked up) */
	char *scope;                     /* "", "namespace", or of containers "namespace/pod" */
	char *prefix;                    /* of the keys: "", "namespace/", "namespace/pod/" */
	const struct kube_kind *own;     /* of binnacle's tables; NULL: Table form */
	const struct kube_api *api;      /* for the Table form */
	struct table_form *form;
	uint64_t *ids; unsigned nids;    /* requests that want it */
	struct watch *parent;            /* in state WATCH_SPREAD; NULL: asked for itself */
	bool settled;                    /* this exchange works */
	bool tried;                      /* it worked once, or what is wrong was said */
	bool refused;                    /* the last answer was 403 */
	unsigned spread_version;         /* WATCH_SPREAD: of the namespaces that its children are for */
	unsigned left_out;               /* namespaces for which there was no place */
	bool quiet;                      /* no rows: for the ledger, or the names of namespaces, only */
	bool wanted_quietly;
	int64_t unwanted;                /* mono ms since when nobody wants it, 0 = wanted */
	enum watch_state state;
	enum watch_phase phase;
	struct http_stream *stream;
	int64_t due, began, fed;         /* mono ms; fed: of the last bytes */
	struct http_backoff backoff;
	bool listed;                     /* once, and `version` is good to go on from */
	bool listing;                    /* rows_begin was sent */
	bool list_only, whole;           /* cannot be watched; list without pages */
	enum health_state said;          /* of the kind; in a child, of itself */
	char *told;                      /* the sentence with it */
	struct unread unread;            /* objects that were left out */
	unsigned unread_told;
	char version[64];                /* resource version */
	struct buf page;                 /* token of the next page */
	struct msg *rows;                /* being filled */
	int64_t rows_since;
	struct decode_list list;
	struct decode_watch events;
	struct buf json;                 /* Table form: a page, or the line being received */
	/* what went wrong inside a 200: */
	int error_code;
	char error_reason[64], error_cause[64], error_text[320];
	bool garbage;
};

/* ---- watch_stream.c */
void watch_start(struct watch *w);           /* asks for what comes next; state is WATCH_RUNS after it */
void watch_stop_stream(struct watch *w);
void watch_flush(struct watch *w);           /* sends the rows collected so far */
bool watch_feeds_ledger(const struct watch *w);
bool watch_names_namespaces(const struct watch *w);
/* ---- watch.c */
struct watch *watch_find(struct engine *e, const char *kind, const char *scope);    /* NULL: there is none */
struct watch *watch_new(struct engine *e, const char *kind, const char *scope);
void watch_ended(struct watch *w, const struct http_reply *reply);    /* the exchange is over */
void watch_orphan(struct watch *child);      /* its namespace is gone: who does not want it for itself leaves it (`unwanted`) */
/* ---- spread.c */
void spread_start(struct watch *w);          /* all namespaces at once are forbidden */
void spread_tick(struct watch *w);           /* children come and go with the namespaces */
bool spread_has_room(const struct watch *w); /* for one more that is let in */
int64_t spread_refused_ms(const struct watch *child);    /* when a refused one may be tried again, at least */
/* A page of a list or the whole listing is in. */
void watch_live(struct watch *w);
void watch_say(struct watch *w, enum health_state state, const char *why);    /* trouble of the kind */
void watch_tell(struct watch *w);            /* no trouble: but what is left out is said, once */
#endif
