/* msg: what crosses the inbox, from a source's thread to the main thread. Five shapes, no more. A body is
 * flat bytes, so a message is recorded and replayed byte for byte. */
#ifndef BASE_MSG_H
#define BASE_MSG_H
#include "base/buf.h"

enum msg_type {
	MSG_ROWS = 'r',     /* base/rows.h */
	MSG_TEXT = 't',     /* a chunk of the stream that request `id` opened */
	MSG_HEALTH = 'h',   /* the source's state */
	MSG_STEP = 's',     /* progress of action `id` */
	MSG_ANSWER = 'a',   /* the reply to request `id`: JSON, or an error sentence */
};

struct msg {
	struct msg *next;
	int64_t at;          /* wall ms when it was made */
	uint64_t id;         /* the request it belongs to, 0 = none */
	enum msg_type type;
	uint16_t source;
	struct buf body;
};

struct msg *msg_new(enum msg_type type, uint64_t id);   /* caller owns until it is sent */
void msg_free(struct msg *m);

/* ---- text: flags, a count of dropped lines, then the chunk */
enum text_flag {
	TEXT_RESET = 1,      /* throw away what the stream held */
	TEXT_END = 2,        /* complete; nothing follows */
	TEXT_ERROR = 4,      /* the chunk is a sentence saying why it ended */
	TEXT_NOTE = 8,       /* the chunk is ours, not the server's ("reconnected", "container ended") */
	TEXT_SECRET = 16,    /* asked for with its secrets: shown, never recorded */
};
struct msg_text { unsigned flags; struct str chunk; };
void msg_put_text(struct msg *m, struct msg_text t);
bool msg_get_text(const struct msg *m, struct msg_text *t);

/* ---- health */
enum health_state {
	HEALTH_IDLE,         /* nobody asked it for anything */
	HEALTH_CONNECTING,
	HEALTH_LIVE,
	HEALTH_STALE,        /* lost; retrying; rows are as of `since` */
	HEALTH_REFUSED,      /* not let in: credentials, permissions, certificate */
	HEALTH_LIMITED,      /* live, but a part is forbidden or throttled */
	HEALTH_DOWN,         /* gave up until asked again, or misconfigured */
};
struct msg_health {
	enum health_state state;
	int64_t since;        /* wall ms of the last change of state */
	int64_t latency_us;   /* of the last exchange, -1 unknown */
	bool insecure;        /* TLS is not verified: a red badge for as long as it lasts */
	struct str why;       /* one sentence; empty when live */
	struct str remedy;    /* what to do; may be empty */
	struct str version;   /* of the server, "v1.34.4"; may be empty */
	struct str detail;    /* "as admin at https://..."; may be empty */
	/* Of one kind only (a forbidden list): its name; empty = of the source. */
	struct str kind;
};
void msg_put_health(struct msg *m, struct msg_health h);
bool msg_get_health(const struct msg *m, struct msg_health *h);
const char *health_name(enum health_state s);   /* "live" */
enum health_state health_named(const char *name);   /* what health_name gave; HEALTH_DOWN for what it never gives */
/* What its rows say is old, and nothing comes until it is back: stale, refused or down. */
static inline bool health_lost(enum health_state s)
{
	return s == HEALTH_STALE || s == HEALTH_REFUSED || s == HEALTH_DOWN;
}

/* ---- step of an action */
enum step_state { STEP_RUNNING, STEP_WAITING, STEP_DONE, STEP_FAILED, STEP_FINISHED };
struct msg_step {
	enum step_state state;  /* FINISHED ends the action: ok tells how */
	bool ok;
	unsigned at, of;        /* step `at` (1-based) of `of`; 0 = of no single step */
	struct str say;         /* a sentence: "evicted 3 of 12 pods" */
	struct str undo;        /* with FINISHED: JSON for the undo's parameters, or empty; not ok: something was changed */
	bool unknown;           /* with FINISHED, not ok: it was sent, and whether it was taken is not known */
	bool refused;           /* with FINISHED, not ok: for want of permission (link_refused) */
};
void msg_put_step(struct msg *m, struct msg_step s);
bool msg_get_step(const struct msg *m, struct msg_step *s);

/* ---- answer */
/* refused: the server let us not in or not do it (link_refused); a plan that is there nevertheless is blocked by it. */
struct msg_answer { bool ok; struct str json; /* ok: the document; else: a sentence of why */ bool refused; };
void msg_put_answer(struct msg *m, struct msg_answer a);
bool msg_get_answer(const struct msg *m, struct msg_answer *a);

bool msg_is_last(const struct msg *m);      /* its request is over with it */
#endif
