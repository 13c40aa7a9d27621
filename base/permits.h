/* permits: what the systems say one may do, so that what is refused anyway is shown dim, with the reason, before its key is
 * pressed. A hint, never a lock: the key works all the same, and its plan asks the server again. Two sources of it:
 *
 * Asked before. For a kind in a place the source is asked once (REQ_ASK "can", key: the row's, params {"namespace"}), and again
 * after some minutes; it answers for all of its actions on that kind, {"may": {"scale": true, "delete": "why not"}}. What is
 * missing, and all of a source that knows no such question, is not known, and then it is offered.
 *
 * Remembered. What a server refused with 401 or 403 to a plan or a run (link_refused) is remembered for its place with the
 * server's sentence, for some minutes; it is forgotten when the same went well, when an answer says that it is permitted, when
 * the source was lost meanwhile, and when the screen is drawn anew by its key.
 *
 * A place is what the key says before its first slash: a namespace, a bucket, a pipeline, a model. Of a key without one it is
 * "" when asked of a backend whose permissions are by namespace, else (permits_each) and always when remembered the key.
 * Main thread only. */
#ifndef BASE_PERMITS_H
#define BASE_PERMITS_H
#include "base/source.h"
#include "base/store.h"

struct act;
struct act_target;
struct permits;
struct permits *permits_new(struct store *store, const struct clock *clock);
void permits_free(struct permits *p);
/* The cursor rests on this row: asks where it is not known, at most once in two seconds of a source. */
void permits_want(struct permits *p, struct source *s, const char *kind, struct str key);
/* Why this action is not permitted there; NULL: it is, or it is not known. Good until the next answer. */
const char *permits_refused(const struct permits *p, const struct source *s, const char *kind, struct str key, const char *action);
/* An action ended: refused by the server with this sentence, or (NULL) well. p may be NULL. */
void permits_learn(struct permits *p, const struct source *s, const char *kind, struct str key, const char *action, const char *refused);
/* The same of a plan. */
void permits_after_plan(struct permits *p, const struct act *act, const struct act_target *t, bool refused);
void permits_forget(struct permits *p, const struct source *s);      /* all that is known of a source; NULL: of any */
#endif
