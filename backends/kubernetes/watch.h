/* watch: one kind within one scope, listed and kept up to date; shared by watch.c (when to ask, what to make of an
 * ending) and watch_stream.c (what is asked, and what the answers say). */
#ifndef KUBERNETES_WATCH_H
#define KUBERNETES_WATCH_H
#include "backends/kubernetes/engine.h"
#include "backends/kubernetes/judge.h"

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
	bool refused;                    /* the last answer was 403 */
	struct fetch *namespaces;        /* WATCH_SPREAD: under way */
	bool quiet;                      /* no rows: for the ledger only */
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
	enum health_state said;          /* of the kind */
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
/* ---- watch.c: the exchange is over */
void watch_ended(struct watch *w, const struct http_reply *reply);
/* A page of a list or the whole listing is in. */
void watch_live(struct watch *w);
#endif
