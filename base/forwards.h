/* forwards: doors of this machine (127.0.0.1 only) to something inside a cluster, which the cluster's source keeps open: the
 * kind, and its rows. This is also how other sources get into a cluster: a source that `reads` forwards (base/feed.h) takes
 * those whose `for` is its own trade ("models") and speaks to their local address; it knows nothing of the cluster. */
#ifndef BASE_FORWARDS_H
#define BASE_FORWARDS_H
#include "base/rows.h"

extern const struct kind kind_forwards;
enum forward_col {
	FORWARD_NAMESPACE, FORWARD_TARGET, FORWARD_LOCAL, FORWARD_STATUS, FORWARD_OPEN, FORWARD_TOTAL, FORWARD_IN, FORWARD_OUT,
	FORWARD_SINCE, FORWARD_POD, FORWARD_USE, FORWARD_WHY, FORWARD_COL_COUNT
};
#define FORWARD_FOR_MODELS "models"
struct forward_row {
	struct str key, ns, target, local, status, pod, use, why;     /* empty = unknown */
	enum level level;
	int64_t open, total, in, out, since;                          /* in: bytes that came from there */
};
void forward_put(struct buf *b, const struct forward_row *f);
#endif
