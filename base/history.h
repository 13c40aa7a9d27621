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
#endif
