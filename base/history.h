/* history: what was seen, kept on this machine in SQLite, so that charts, "who was in production when" and spend reach
 * back before the program was opened. One table of events for all: a promotion, a point of a curve, a run that ended.
 *
 * Writes never wait: they go to a thread of its own, in batches, one transaction each. An event that is there already
 * (same kind, source, subject, at, what) is not written twice, so whoever observes may simply say what it sees. Several
 * programs may use one file (WAL). Reading is done on the caller's thread, through a connection of its own: from a
 * backend's thread, never from the main one.
 *
 * libsqlite3 is loaded, and the file made (0600), when the history is first used. No secrets belong in it. */
#ifndef BASE_HISTORY_H
#define BASE_HISTORY_H
#include "base/str.h"
#include <stdatomic.h>

struct history;

struct history_event {
	struct str kind;         /* what sort: "production", "spend", "latency" */
	struct str source;       /* name of the source that says so */
	struct str subject;      /* what it is about: a model's name, a node group */
	struct str what;         /* short: "7", "joined"; part of what makes an event the same */
	struct str detail;       /* a sentence or JSON; may be empty */
	int64_t at;              /* wall ms */
	double value;            /* of a point; NaN = none */
};

/* path's folder must exist when it is first used. Nothing is opened yet. */
struct history *history_new(const char *path);
void history_free(struct history *h);       /* writes what waits first; NULL is allowed */
/* Copies. False: h is NULL, or more than HISTORY_WAITING events wait (the disk is full or gone). Any thread. */
#define HISTORY_WAITING 65536
bool history_add(struct history *h, const struct history_event *e);
/* Waits until what was added so far is in the file, or could not be. False: *why (caller frees; may be NULL when not
 * wanted) says what is wrong with the file or the library, and what to do. */
bool history_flush(struct history *h, char **why);

struct history_query {
	const char *kind;                  /* required */
	const char *source, *subject;      /* NULL: any */
	int64_t from, until;               /* wall ms, both included; until 0 = no end */
	unsigned limit;                    /* the newest so many; 0 = all */
};
/* Calls each for every event, oldest first; texts are borrowed for the call; false ends it. What was added before is
 * seen. False: could not be read, *why as above. h NULL: nothing, true. Any thread but the main one. */
bool history_read(struct history *h, const struct history_query *q, bool (*each)(void *arg, const struct history_event *e),
                  void *arg, char **why);
/* Forgets what is older than `before`: of one kind, or (kind NULL) of all but the kind `but`; in a team's database too. Never waits. */
void history_prune(struct history *h, const char *kind, const char *but, int64_t before);

/* ---- with a team: what is written here is copied to a database that several share, and what others wrote there is fetched,
 * so that every reader of the local file sees all. The file comes first, always: what could not be copied stays in its outbox
 * and is copied when the database is back, by this program or the next one. An event that both saw is one event. */
struct history_sink {
	const char *name;                  /* where it is, without secrets; what was copied and fetched is remembered by it */
	/* Write these in one piece; those that are there stay as they are. False: *why (caller frees). Called on one thread only;
	 * returns soon once history_closing() is true. */
	bool (*put)(void *arg, const struct history_event *events, unsigned n, char **why);
	/* Calls each with what was written after position `after`, in order, at most `limit`. *last: the position of the newest
	 * that is there. */
	bool (*get)(void *arg, int64_t after, unsigned limit, void (*each)(void *arg, int64_t position, const struct history_event *e),
	            void *each_arg, int64_t *last, char **why);
	/* Forget what history_prune() says, or less: others may want it longer. NULL: nothing is forgotten. Where it fails, the next
	 * time does it. */
	void (*prune)(void *arg, const char *kind, const char *but, int64_t before);
	void (*free)(void *arg);
	void *arg;
};
const atomic_bool *history_closing(const struct history *h);
void history_share(struct history *h, const struct history_sink *sink);   /* once, before use; borrowed, but for its arg */
struct history_shared {
	bool on, well;                     /* on: there is a team's database; well: the last exchange went well */
	unsigned waiting;                  /* events that are yet to be copied */
	int64_t since;                     /* wall ms: how long it is so; 0: nothing was tried yet */
	char why[400];
};
void history_shared(struct history *h, struct history_shared *out);   /* h NULL: off */
/* Waits until all is copied and fetched, or that failed, or ms are over. True: it is copied. */
bool history_settle(struct history *h, int ms);
/* Grows when something of others came. Any thread. */
uint64_t history_version(struct history *h);
/* For history_read: waits a moment for the first look at what others wrote. */
void history_await_others(struct history *h);
#endif
