/* fits: which pods would find no other node when some nodes go: their requests against what is left free on the nodes that
 * stay, taints, node selectors, required node affinity and cordons considered. Spread, pod affinity and volumes' zones are
 * not: it is an estimate, and may be too hopeful. Works on JSON alone. */
#ifndef BACKENDS_KUBERNETES_FITS_H
#define BACKENDS_KUBERNETES_FITS_H
#include "base/fmt.h"
#include <jansson.h>

struct fits { unsigned nodes, pods; struct few stuck; };   /* nodes that go, pods on them, of these without a place */
/* leaving(arg, node): this one goes. The caller releases stuck.text. */
struct fits fits_elsewhere(const json_t *nodes, const json_t *pods, bool (*leaving)(void *arg, const json_t *node), void *arg);
/* Whether the pod may be placed on the node by selector, affinity and taints. */
bool fits_by_rules(const json_t *pod, const json_t *node);
#endif
