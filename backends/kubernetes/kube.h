/* kube: what the threads of one Kubernetes source share: its link, its way in, what the server is and which kinds it
 * serves. One thread (engine.h) carries every watch and followed log; requests that wait for single answers
 * (documents, why, plans, runs, doctor) run in a small pool (pool.h), whose threads call kube_work().
 *
 * Everything here may be called from any of the source's threads.
 *
 * Row keys: "name" of a cluster-wide object, "namespace/name" of a namespaced one, "namespace/pod/container" of a
 * container. Names of kinds: the plural for those of binnacle's own tables (decode.h: "pods", "deployments"), else
 * "plural.group" ("inferenceservices.serving.kserve.io"). */
#ifndef BACKENDS_KUBERNETES_KUBE_H
#define BACKENDS_KUBERNETES_KUBE_H
#include "backends/kubernetes/kubeconfig.h"
#include "base/source.h"
#include <pthread.h>

struct kube_apis;        /* discovery's cache, behind a lock of its own */
struct forwards;         /* forwarded ports, likewise */

struct kube {
	struct link *link;
	struct kube_access *access;
	struct http_conf conf;       /* of access; each thread makes its own http from it (the pool's threads have one) */
	struct kube_apis *apis;
	struct forwards *forwards;
	pthread_mutex_t lock;        /* of what follows */
	char version[32];            /* "v1.34.4"; "" until it answered */
	int64_t skew_ms;             /* server's Date less our clock, of the last exchange; 0 unknown */
	int64_t latency_us;          /* of the last short exchange, -1 unknown */
};

/* What one served kind is and where it lives. */
enum kube_verb { KUBE_GET = 1, KUBE_LIST = 2, KUBE_WATCH = 4 };
struct kube_api {
	const char *name;            /* the kind's name on our rows, as above */
	const char *group, *version; /* group "" = core */
	const char *plural, *singular, *kind;   /* "deployments", "deployment", "Deployment" */
	const char *const *aliases;  /* short names, NULL-terminated; may be NULL */
	bool namespaced;
	unsigned verbs;              /* enum kube_verb */
};

/* The kind that `word` names: a row's kind, plural, singular, alias, "plural.group", or Kind. The usual ones are
 * known without asking; else discovery is asked once and kept (a blocking exchange) and again when the word is
 * unknown and the last answer older than a minute. h is the calling thread's own. NULL and why[size] filled when the
 * server has no such kind or cannot be asked. The answer lives as long as the source. */
const struct kube_api *kube_find_api(struct kube *k, struct http *h, struct str word, char *why, size_t size);
/* The same by apiVersion ("apps/v1", "v1") and Kind, as in ownerReferences. */
const struct kube_api *kube_find_kind(struct kube *k, struct http *h, struct str api_version, struct str kind,
                                      char *why, size_t size);
/* Calls fn for every kind the server can list, asking discovery first when it was not asked yet. */
typedef void (*kube_api_fn)(void *arg, const struct kube_api *api);
bool kube_each_api(struct kube *k, struct http *h, kube_api_fn fn, void *arg, char *why, size_t size);

/* Appends the path: "/api/v1/namespaces/NS/pods/NAME/log"; ns, name and sub may be empty. Escapes as URLs need. */
void kube_path(struct buf *out, const struct kube_api *api, struct str ns, struct str name, const char *sub);
/* Splits a row key of that kind; false when it does not have its form. container may be NULL. */
bool kube_split_key(struct str key, bool namespaced, struct str *ns, struct str *name, struct str *container);

/* Room `docs`: carries out one blocking request (REQ_OPEN yaml/describe, REQ_ASK, REQ_PLAN, REQ_RUN) on a pool thread
 * and always ends it: an ANSWER, a TEXT with TEXT_END, or a STEP FINISHED. Looks at link_cancelled() at least once a
 * second. r is borrowed; h is this pool thread's own, its connections are kept from request to request. */
void kube_work(struct kube *k, struct http *h, struct request *r);
#endif
