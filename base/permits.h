/* permits: what the systems say one may do, asked before a key is offered. For a kind in a place (a namespace; "" where there are
 * none) the source is asked once (REQ_ASK "can", params {"namespace"}), and again after some minutes; it answers for all of
 * its actions on that kind, {"may": {"scale": true, "delete": "why not"}}. What is missing, and all of a source that knows no
 * such question, is not known, and then it is offered: the plan says what is so. Main thread only. */
#ifndef BASE_PERMITS_H
#define BASE_PERMITS_H
#include "base/source.h"
#include "base/store.h"

struct permits;
struct permits *permits_new(struct store *store, const struct clock *clock);
void permits_free(struct permits *p);
/* The cursor rests on this row: asks where it is not known, at most once in two seconds of a source. */
void permits_want(struct permits *p, struct source *s, const char *kind, struct str key);
/* Why this action is not permitted there; NULL: it is, or it is not known. Good until the next answer. */
const char *permits_refused(const struct permits *p, const struct source *s, const char *kind, struct str key, const char *action);
#endif
