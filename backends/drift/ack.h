/* ack: checks that somebody has looked at and said so, with a note: kept in the history, shown in the check's row, which is
 * then no finding any more until a time, or for good; the next check that drifts is a row of its own. For every source of
 * kind drift that keeps a history. */
#ifndef DRIFT_ACK_H
#define DRIFT_ACK_H
#include "base/action.h"

struct acks;
extern const struct action *const ack_actions[];
struct acks *acks_new(struct link *l);
void acks_free(struct acks *a);
/* What they make of the rows in this body, which holds rows of drift that are sent anew: read now, appended. */
void acks_add(struct acks *a, struct buf *body);
/* Now and then, and after one of our own: others hold than when rows were sent last, so these have to be sent anew. */
bool acks_changed(struct acks *a);
bool acks_hold(void *acks, struct str key);       /* somebody acknowledged that check, as of what was read last; for struct trail_rule */
void acks_plan(struct acks *a, const struct request *r);
void acks_run(struct acks *a, const struct request *r);
#endif
