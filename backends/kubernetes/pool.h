/* pool: the few threads that carry out blocking requests, made on demand (at most POOL_MAX), each with an http of its
 * own; one that had nothing to do for a minute ends. Requests wait in order; one whose asker has gone is answered with
 * nothing. */
#ifndef KUBERNETES_POOL_H
#define KUBERNETES_POOL_H
#include "backends/kubernetes/kube.h"

#define POOL_MAX 6

struct pool;
/* Carries one request out on a pool thread; r is borrowed. */
typedef void (*pool_fn)(void *arg, struct kube *k, struct http *h, struct request *r);
struct pool *pool_new(struct kube *k, pool_fn fn, void *arg);
void pool_put(struct pool *p, struct request *r);    /* takes r */
/* Waits for every thread: the link must be closing, so that their work ends early. */
void pool_free(struct pool *p);
#endif
