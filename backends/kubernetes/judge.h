/* judge: what a watch does after an exchange ended: a pure function, so that every odd ending can be tested. */
#ifndef KUBERNETES_JUDGE_H
#define KUBERNETES_JUDGE_H
#include "backends/net/http.h"
#include "base/msg.h"

enum watch_phase {
	PHASE_STREAMING,     /* WatchList: the listing comes as events, then changes */
	PHASE_LISTING,       /* pages of a list */
	PHASE_WATCHING,      /* changes since a resource version */
};
struct ending {
	enum watch_phase phase;
	bool listed;             /* PHASE_STREAMING: the listing was complete */
	bool cluster_wide;       /* a namespaced kind was asked for in all namespaces */
	enum http_end end;
	int code;                /* HTTP status, or of an ERROR event; 0 none */
	const char *reason, *cause;   /* of the Status; may be NULL */
	int64_t retry_after_ms;  /* -1 none */
	bool garbage;            /* 200, but its body could not be read */
	int64_t lasted_ms;       /* how long the exchange went well */
};
enum judged {
	JUDGED_RESUME,           /* watch again from the last resource version */
	JUDGED_RELIST,           /* list anew */
	JUDGED_NO_WATCHLIST,     /* list and watch from now on */
	JUDGED_NAMESPACES,       /* ask for single namespaces instead */
	JUDGED_LIST_ONLY,        /* the kind cannot be watched: list it now and then */
};
struct verdict {
	enum judged then;
	bool at_once;            /* only jitter (0..200 ms) before it; else a backoff */
	int64_t least_ms;        /* but not before so many ms */
	enum health_state source; /* what it says of the source; HEALTH_IDLE: nothing */
	enum health_state kind;   /* of this kind; HEALTH_IDLE: nothing */
};
struct verdict judge(const struct ending *e);
#endif
