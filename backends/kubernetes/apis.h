/* apis: the cache behind kube_find_api(): which kinds the server has and where each lives. */
#ifndef KUBERNETES_APIS_H
#define KUBERNETES_APIS_H
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/kube.h"

struct kube_apis *kube_apis_new(void);
void kube_apis_free(struct kube_apis *a);
/* What is known without asking; never blocks. NULL: unknown so far. */
const struct kube_api *kube_known_api(struct kube *k, struct str word);
/* Takes in what discovery found; what is known already stays as it is. */
void kube_apis_learn(struct kube_apis *a, const struct kube_resources *r);
#endif
