/* work: one blocking request while a pool thread carries it out: exchanges of JSON with the API server that end when the
 * request is cancelled, and the ways to end the request itself. */
#ifndef BACKENDS_KUBERNETES_WORK_H
#define BACKENDS_KUBERNETES_WORK_H
#include "backends/kubernetes/json.h"
#include "backends/kubernetes/kube.h"

struct work {
	struct kube *k;
	struct http *h;
	const struct request *r;
	json_t *params;              /* of r; an object, never NULL */
	bool ended;                  /* the last message went out */
	/* of the last exchange */
	enum http_end end;
	int status;                  /* HTTP, 0 = none came */
	int64_t retry_after_ms, date_ms, latency_us;
	json_t *refusal;             /* the Status object of a refusal; NULL: none. Owned */
	char error[600], remedy[256];
	char warning[256];           /* of the server, e.g. a deprecated API */
};

#define JSON_MERGE "application/merge-patch+json"
#define JSON_STRATEGIC "application/strategic-merge-patch+json"
#define JSON_PATCH "application/json-patch+json"

/* Sends and gives the answer's JSON, which the caller decrefs; NULL: w->error and the rest say why. body NULL: none;
 * type NULL: application/json. */
json_t *work_send(struct work *w, const char *method, const char *path, const char *type, const char *body);
static inline json_t *work_get(struct work *w, const char *path) { return work_send(w, "GET", path, NULL, NULL); }
/* The kind `name`, or NULL and w->error. */
const struct kube_api *work_api(struct work *w, const char *name);
/* One object, or NULL and w->error. ns "" for cluster-wide ones. */
json_t *work_object(struct work *w, const struct kube_api *api, const char *ns, const char *name);
/* All objects of a kind: an array, page by page, at most 20,000. query like "labelSelector=a%3Db" or "". NULL and
 * w->error when refused. */
json_t *work_list(struct work *w, const char *kind, const char *ns, const char *query);
/* The row's object by r's kind and key. Names are xmalloc'ed into ns and name (both always set on success). */
struct target { const struct kube_api *api; char *ns, *name, *container; };
bool work_target(struct work *w, struct target *t);
void target_release(struct target *t);
bool work_cancelled(const struct work *w);
/* Sleeps, but wakes for cancellation: false then. */
bool work_sleep(const struct work *w, int64_t ms);

/* Ends of a request. Only the first counts. */
void work_answer(struct work *w, json_t *answer);          /* takes answer */
void work_fail(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void work_fail_exchange(struct work *w);                   /* with w->error and its remedy */

/* ---- what kube_work hands out (docs.c, describe.c, tree.c, why_ask.c, doctor.c, plan.c) */
void work_yaml(struct work *w);
void work_describe(struct work *w);
void work_tree(struct work *w);
void work_why(struct work *w);
void work_can(struct work *w);
void work_may_all(struct work *w);
void work_doctor(struct work *w);
void work_plan(struct work *w);
void work_run(struct work *w);
void work_taken(struct work *w);             /* whether a plan was carried out (base/action.h) */
#endif
