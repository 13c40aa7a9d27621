/* source: a configured connection, its thread, and the two ways across: requests go in, messages
 * come out. A backend is a constant descriptor; it sees only its `struct link`.
 *
 *   main thread                          the source's thread
 *   source_start(s) -------------------> backend->run(link): plain blocking code
 *   source_ask(s, request) ------------> link_take(link, ms) -> request
 *   inbox_take() <---------------------- link_send(link, msg)
 *   source_stop(s) --------------------> link_closing(link) is true, link_fd readable
 *
 * A request lives until its REQ_CANCEL; link_cancelled(link, id) tells long work that nobody waits for it. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H
#include "base/clock.h"
#include "base/config.h"
#include "base/inbox.h"
#include "base/kind.h"

struct action;
struct history;
struct link;

enum req_type {
	REQ_WATCH = 'w',    /* keep rows of `kind` coming (scope = namespace or ""); until cancelled */
	REQ_OPEN = 'o',     /* stream `what` ("logs", "yaml", "describe") of row `key`: TEXT messages */
	REQ_ASK = 'q',      /* one ANSWER for `what` ("why", "tree", "doctor", "complete"; "can": base/permits.h) */
	REQ_PLAN = 'p',     /* action `what` on `key` with `params`: ANSWER with a plan (base/plan.h) */
	REQ_RUN = 'x',      /* carry the plan in `params` out: STEPs up to FINISHED */
	REQ_CANCEL = 'c',   /* of request `id` */
	/* For a backend that `reads`, never answered: rows of another source. key: its name; kind, body: what base/rows.h
	 * writes. Without a body: how that source is, or (with a kind) its list of that kind: `what` is the state's name,
	 * `params` the sentence of why. With no source's name, key "": something of every source that it reads for its own
	 * kind `kind` has been handed on, if only an empty table; what is not there by then does not exist. */
	REQ_ROWS = 'r',
};

struct request {
	struct request *next;
	uint64_t id;         /* unique in the program; made by source_ask */
	enum req_type type;
	char *kind;          /* all texts are owned, never NULL */
	char *key;           /* row key, or scope */
	char *what;
	char *params;        /* JSON object, or "" */
	struct buf body;     /* REQ_ROWS */
	int fd;              /* REQ_RUN of an action that wants the terminal (base/lend.h), else -1; owned */
};
struct request *request_new(enum req_type type, const char *kind, struct str key, const char *what,
                            const char *params);   /* NULL texts become "" */
void request_free(struct request *r);

struct backend {
	const char *name;                      /* "kubernetes": `type:` in binnacle.yaml */
	const char *title, *help;
	const struct config_key *keys;         /* its settings; ends with name NULL */
	const struct kind *const *kinds;       /* that it may fill; NULL-terminated */
	const struct action *const *actions;   /* that it offers; NULL-terminated, may be NULL */
	/* The thread's body: returns when link_closing(). Must not touch anything but the link. */
	void (*run)(struct link *l);
	/* Kinds of other sources whose rows it wants (base/feed.h) while somebody looks at its own: "nodes" for any of its
	 * kinds, "costs:pods" only for its kind costs, "alertmanager@alerts" only from sources of that backend (two backends that
	 * fill one kind must not read each other). NULL-terminated, may be NULL. */
	const char *const *reads;
	/* Whether it has `what` ("describe", "yaml", "logs", "why", "tree") of rows of that kind. NULL: of all of its own. */
	bool (*opens)(const struct backend *b, const char *what, const char *kind);
	/* True: this backend has something to connect to with no configuration at all (a kubeconfig).
	 * May be NULL. Runs on the main thread: no network, no waiting. */
	bool (*by_itself)(void);
	/* What one may do differs from object to object: "can" is asked of each, not of each namespace (base/permits.h). */
	bool permits_each;
	/* A type whose kinds and actions are said by the settings of each source: what this one's are, to be freed by `unshape` once the
	 * source and the store are gone; NULL, with every mistake in errors (path: of the configuration), where the settings do not say it.
	 * May be NULL. Runs on the main thread: reads files, asks nobody. */
	const struct backend *(*shape)(const struct yaml *settings, const char *path, struct config_errors *errors);
	void (*unshape)(const struct backend *b);
};

/* The kind of that name (exact) is one that it may fill. */
bool backend_fills(const struct backend *b, const char *kind);
bool backend_opens(const struct backend *b, const char *what, const char *kind);
bool opens_nothing(const struct backend *b, const char *what, const char *kind);   /* for backends whose rows are all there is */

/* ---- the main thread's side */
struct source {
	uint16_t index;          /* in the store */
	char *name;              /* "eks-prod" */
	char *environment;       /* "prod"; never NULL */
	bool readonly;           /* environment or --readonly: REQ_PLAN and REQ_RUN are refused, whoever asks */
	const struct backend *backend;
	struct link *link;
	/* Sees each question before its thread does (recording); the main thread's. NULL: nobody. */
	void (*on_ask)(void *arg, const struct source *s, const struct request *r);
	void *on_ask_arg;
};
/* settings is borrowed, must outlive the source: the source's node in binnacle.yaml (may be NULL). */
struct source *source_new(uint16_t index, const char *name, const char *environment,
                          const struct backend *b, const struct yaml *settings, const struct clock *clock,
                          struct inbox *inbox);
/* Where its thread keeps what it saw; NULL (the default): nowhere. Before the start; borrowed, outlives the source. */
void source_keep(struct source *s, struct history *h);
const struct yaml *source_settings(const struct source *s);  /* NULL: none */
/* Nobody looks, what comes is only recorded: polls take their time (link_pace). Before the start. */
void source_rest(struct source *s);
void source_start(struct source *s);                       /* at most once */
uint64_t source_ask(struct source *s, struct request *r);  /* takes r; returns its id, never 0 */
void source_cancel(struct source *s, uint64_t id);
void source_tell(struct source *s, struct request *r);     /* takes r: REQ_ROWS, which is never answered */
/* Rows of `kind` from the source named `from`, for one that reads them. False: more than `most` bytes of them would wait;
 * then all that waits of them is gone, and a full listing must follow. */
bool source_feed(struct source *s, const char *kind, const char *from, struct str body, size_t most);
/* Tells the thread to end, waits up to wait_ms, frees. A thread that does not end is left behind (and with
 * it the link): false, and the program is about to exit. */
bool source_stop(struct source *s, int wait_ms);

/* ---- the backend's side; any of the backend's own threads may call these */
const char *link_name(const struct link *l);
const struct backend *link_backend(const struct link *l);   /* the source's: shaped, where it is one that takes shape */
const struct yaml *link_settings(const struct link *l);    /* NULL: none */
const char *link_setting(const struct link *l, const char *key);  /* scalar, or NULL */
/* "30s", "500ms", "2m", "1h" in ms; a plain number is seconds; `otherwise` where it is not set. */
int64_t link_duration(const struct link *l, const char *key, int64_t otherwise);
const struct clock *link_clock(const struct link *l);
struct history *link_history(const struct link *l);        /* NULL: nothing is kept (demo, replay) */
/* How long to wait between two polls that nobody waits for: usual_ms, or longer where nobody looks. */
int64_t link_pace(const struct link *l, int64_t usual_ms);
bool link_closing(const struct link *l);
const atomic_bool *link_closing_flag(const struct link *l);  /* the same, for whoever waits elsewhere */
int link_fd(const struct link *l);       /* readable when a request waits or the link closes */
/* Next request or NULL after wait_ms (0 = at once, -1 = until one or closing). Caller frees. REQ_CANCELs are
 * seen here too, after the registry behind link_cancelled has noted them. */
struct request *link_take(struct link *l, int wait_ms);
bool link_cancelled(struct link *l, uint64_t id);          /* cancelled, or the link closes */
/* The server answered 401 or 403 to what this request asked for (a plan, a run): the message that ends it says so, and
 * base/permits remembers it. Before that message. */
void link_refused(struct link *l, uint64_t id);
bool link_send(struct link *l, struct msg *m);             /* takes m; false when closing */
/* Shorthands. */
void link_health(struct link *l, struct msg_health h);
/* The same of the source as a whole, from its own thread: sent when state or why are new, else every 25 s at most, so that it may be
 * said after each exchange. Fills in since: when that state began. */
void link_say(struct link *l, struct msg_health h);
enum health_state link_said(const struct link *l);         /* the state that link_say was given last; IDLE at first */
void link_text(struct link *l, uint64_t id, unsigned flags, struct str chunk);
void link_textf(struct link *l, uint64_t id, unsigned flags, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void link_answer(struct link *l, uint64_t id, bool ok, struct str json_or_why);
void link_fail(struct link *l, uint64_t id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void link_step(struct link *l, uint64_t id, struct msg_step s);
#endif
