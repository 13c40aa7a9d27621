/* history_private: what history.c and history_share.c share. */
#ifndef BASE_HISTORY_PRIVATE_H
#define BASE_HISTORY_PRIVATE_H
#include "base/history.h"
#include <pthread.h>
#include <sqlite3.h>

#define SQLITE(X) \
	X(open_v2) X(close) X(busy_timeout) X(exec) X(errmsg) X(prepare_v2) X(step) X(reset) X(finalize) X(bind_text) \
	X(bind_int64) X(bind_double) X(bind_null) X(column_text) X(column_bytes) X(column_int64) X(column_double) \
	X(column_type) X(changes) X(system_errno)

struct history_lib {
#define X(name) __typeof__(sqlite3_##name) *name;
	SQLITE(X)
#undef X
};

struct history_waiting {
	struct history_waiting *next;
	bool prune;                /* of kind texts[0] what is older than `at`; "": of every kind but the one in texts[1] */
	int64_t at;
	double value;
	struct str texts[5];       /* kind, source, subject, what, detail; bytes follow */
};

struct history {
	char *path;
	pthread_mutex_t lock;
	pthread_cond_t work, idle, copy;     /* copy: there is something for the sharer; by the monotonic clock */
	pthread_t writer, sharer;
	bool running, quit, busy;
	struct history_waiting *first, **last;
	unsigned n;
	char *error;               /* of the last batch; NULL: it is in the file */
	/* with a team: */
	const struct history_sink *sink;     /* NULL: kept here only */
	atomic_bool closing;
	struct history_waiting *forget;      /* prunes that the team's database has yet to see */
	bool looked;               /* what others wrote was fetched once, or could not be */
	struct history_shared shared;
	uint64_t written, copied;  /* batches in the file; and of them in the team's database */
	atomic_uint_fast64_t version;
};

/* NULL: *why. */
sqlite3 *history_open_file(struct history *h, const struct history_lib **lib, char **why);
char *history_trouble(const struct history *h, const struct history_lib *s, sqlite3 *db);
struct str history_text(const struct history_lib *s, sqlite3_stmt *q, int col);
void history_bind(const struct history_lib *s, sqlite3_stmt *put, const struct str texts[5], int64_t at, double value);
struct history_waiting *history_copy_event(const struct history_event *e);
void history_free_waiting(struct history_waiting *w);
void *history_share_all(void *history);      /* the sharer's thread */
#endif
