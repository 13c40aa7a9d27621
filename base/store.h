/* store: everything the screen may draw from; written only by store_apply, on the main thread. */
#ifndef BASE_STORE_H
#define BASE_STORE_H
#include "base/source.h"
#include "base/table.h"

struct source_state {            /* what the header and doctor show of one source */
	struct source *source;       /* owned by main.c */
	char *name, *environment;
	enum health_state state;
	int64_t since, latency_us, heard; /* heard: wall ms of its last message */
	bool insecure;
	char *why, *remedy, *version, *detail;
};
struct kind_state {              /* of one kind from one source, when it differs from the source's */
	uint16_t source;
	char *kind;
	enum health_state state;
	bool listed;                  /* a full listing has ended at least once */
	bool listing;                 /* one is under way */
	int64_t since;
	char *why;
};

struct store {
	struct source_state *sources; unsigned nsources;
	struct table **tables;        unsigned ntables;
	struct kind_state *kinds;     unsigned nkinds;
	const struct clock *clock;
	uint64_t version;             /* grows with everything that could change a screen */
	struct store_private *priv;
};

struct store *store_new(const struct clock *clock);
void store_free(struct store *s);                       /* not the sources */
void store_add_kind(struct store *s, const struct kind *k);   /* constant kinds, at start */
uint16_t store_add_source(struct store *s, const char *name, const char *environment);
struct table *store_table(struct store *s, const char *kind); /* exact name; NULL: no such kind */
const struct table *store_table_const(const struct store *s, const char *kind);
const struct kind *store_kind(const struct store *s, struct str word); /* name, singular or alias */
const struct kind_state *store_kind_state(const struct store *s, const char *kind, uint16_t source);

/* Apply a message; takes it. For rows at most `budget` operations are done (0 = all): returns true
 * when there is more to do, then call store_apply(s, NULL, budget) before any other message. */
bool store_apply(struct store *s, struct msg *m, unsigned budget);

bool store_busy(const struct store *s);   /* a message of rows is applied in part */
/* Every message of rows and health is shown to fn once it is applied; m borrowed. One tap; NULL: none. */
void store_tap(struct store *s, void (*fn)(void *arg, const struct msg *m), void *arg);

/* Replies find whoever waits for them: fn is called from store_apply with TEXT, STEP and ANSWER messages of
 * request id, m borrowed. */
typedef void (*store_reply_fn)(void *arg, const struct msg *m);
void store_expect(struct store *s, uint64_t id, store_reply_fn fn, void *arg);
void store_forget(struct store *s, uint64_t id);
#endif
