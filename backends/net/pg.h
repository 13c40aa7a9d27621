/* pg: one connection to PostgreSQL, used by one thread, with deadlines: connecting, asking and waiting all end when its owner
 * closes. The session says who it is, and is read-only unless it is one that writes. Its settings are CONFIG_PG_KEYS
 * (base/config.h). */
#ifndef NET_PG_H
#define NET_PG_H
#include "backends/net/late.h"
#include "backends/net/tunnel.h"
#include "base/secret.h"
#include "base/source.h"

struct pg {
	struct link *link;           /* of the source whose it is (pg_of_link); NULL: another's */
	const struct yaml *settings; /* borrowed; may be NULL: as libpq has it */
	const atomic_bool *closing;  /* becomes true when all waiting has to end; NULL: never */
	int wake;                    /* pg_wait looks at this file too; -1: none */
	struct tunnel *tunnel;       /* made when first connected, where the settings have one; port: what its door leads to */
	int port;
	bool writes;
	const struct late_pq *q;     /* NULL until the library was needed */
	PGconn *c;                   /* NULL: not connected */
	int timeout_ms;              /* of one statement */
	int64_t latency_us;          /* of the last short exchange, -1 unknown */
	bool notified;               /* a NOTIFY came since it was last cleared */
	/* Of the last failure: */
	enum health_state state;     /* REFUSED, DOWN, or STALE: worth trying again soon */
	char error[400], remedy[300], sqlstate[6];
};
/* A connection by the settings of a source. Nothing is opened yet. */
struct pg pg_of_link(struct link *l, int timeout_ms);
/* Connects by the settings; takes up to connect_ms. False: error, remedy and state say why. */
bool pg_connect(struct pg *pg, int connect_ms);
void pg_close(struct pg *pg);
void pg_release(struct pg *pg);      /* closes, and ends its tunnel */
/* Sends a statement with its values (NULL = null) and gives each row as it comes; false from fn stops and cancels. False:
 * failed; when the connection was lost it is closed. Only one statement at a time. */
typedef bool (*pg_row_fn)(void *arg, const struct pg *pg, const PGresult *row);
bool pg_ask(struct pg *pg, const char *sql, const char *const *values, int nvalues, pg_row_fn fn, void *arg);
/* The same for one whole answer, for its columns: the caller clears it. NULL: failed. */
PGresult *pg_ask_once(struct pg *pg, const char *sql);
struct str pg_cell(const struct pg *pg, const PGresult *row, int col);    /* p NULL = null; borrowed */
/* Waits for a notification, a request or ms; false: the connection was lost. */
bool pg_wait(struct pg *pg, int ms);
/* "as reader at 127.0.0.1:5432/binnacle, TLS, through bastion" */
void pg_describe(const struct pg *pg, struct buf *out);
void pg_say(struct pg *pg, enum health_state state, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#endif
