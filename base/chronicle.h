/* chronicle: what changed, remembered. It watches the store's rows by the rules of base/changes.h, sees when spend jumps, reads
 * the audit trail for what was done from here, writes each change once into the local history, and keeps the newest of them, of
 * this run and of earlier ones and of the whole team, as rows of kind `timeline` in the store.
 *
 * Cost goes by what changes: a row that is replaced is compared with the one before by a few columns. Reading, from the history
 * and of the audit trail, is done by a thread of its own. All calls: the main thread. */
#ifndef BASE_CHRONICLE_H
#define BASE_CHRONICLE_H
#include "base/changes.h"
#include "base/history.h"

#define CHRONICLE_KEEP_MS (90 * 24 * 3600 * 1000ll)
#define CHRONICLE_ROWS 4000          /* so many of the newest are rows */

struct chronicle;
/* store's sources may be added later. history NULL: nothing is kept; audit NULL: no trail is read. All borrowed. */
struct chronicle *chronicle_new(struct store *store, struct history *history, const char *audit, int64_t keep_ms,
                                const struct clock *clock);
void chronicle_free(struct chronicle *c);        /* before the store and the history */
/* Makes rows of what was seen and read since the last time; cheap when there is nothing. At least once a second or two. */
void chronicle_tick(struct chronicle *c);
/* Waits up to ms for what is being read from the history and the audit trail, and ticks. False: it took longer. */
bool chronicle_settle(struct chronicle *c, int ms);
/* What is wrong with reading the history; NULL: nothing. */
const char *chronicle_error(const struct chronicle *c);
#endif
