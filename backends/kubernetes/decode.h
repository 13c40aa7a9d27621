/* decode: from the API server's bytes to rows messages.
 *
 *   body of a list, in pieces --> decode_list_feed --> one raw object --> decode_object --> rows_put
 *   watch stream, in pieces ---> decode_watch_feed --> event + raw object --> decode_object or decode_delete
 *
 * Protobuf (application/vnd.kubernetes.protobuf, field numbers of k8s.io/api v0.34) is read in place: no trees,
 * no copies but of an object that is cut in two by the network. All sizes are bounded; any bytes are survived.
 * Texts that are handed out are borrowed from the bytes that were given. Nothing here depends on the clock. */
#ifndef BACKENDS_KUBERNETES_DECODE_H
#define BACKENDS_KUBERNETES_DECODE_H
#include "base/kinds.h"
#include "base/rows.h"

#define DECODE_OBJECT_MAX (64u << 20)   /* bytes of one object or watch event; larger is refused */

/* What the engine needs of an object beside its row. */
struct decoded_meta {
	struct str ns, name, uid, resource_version;
	struct str owner_kind, owner_name, owner_uid;   /* the controller, else the first owner; may be empty */
	int64_t created, deleted;                       /* wall ms; 0 = not */
	bool initial_events_end;                        /* annotation of the bookmark that ends a WatchList */
	/* Pods: what they ask of their node. */
	struct str node;
	bool holds;                                     /* is bound to `node` and not over: counts against it */
	int64_t cpu_request, mem_request, mem_limit, gpus; /* thousandths, bytes, bytes, devices; -1 unknown */
	/* Nodes: what they can give; -1 unknown. */
	int64_t cpu_allocatable, mem_allocatable, pods_allocatable, gpus_allocatable;
};

/* Scratch that is used again from object to object; one per thread. Zero is valid. */
struct decoder {
	struct buf key, text, more;
	struct str *pairs;
	size_t npairs, cap_pairs;
};
void decoder_release(struct decoder *d);

struct kube_kind {
	const struct kind *kind;        /* the rows it makes */
	const char *group, *version;    /* "" and "v1", "apps" and "v1" */
	const char *resource;           /* in paths: "pods" (also of containers) */
	const char *name;               /* "Pod" */
	bool namespaced;
	/* For decode.c: meta is filled, the key is in d->key. False: malformed. */
	bool (*decode)(struct decoder *d, struct str raw, struct decoded_meta *meta, struct buf *rows);
};
extern const struct kube_kind kube_kinds[];      /* ends with kind NULL */
const struct kube_kind *kube_kind_find(const char *kind);   /* by the name of the rows' kind; NULL */

/* One object into rows (rows_put; of containers one for each). raw: the object's protobuf, with or without the
 * k8s envelope. False: malformed; rows is as it was. */
bool decode_object(struct decoder *d, const struct kube_kind *k, struct str raw, struct decoded_meta *meta,
                   struct buf *rows);
/* The same for an object that is gone: rows_del. */
bool decode_delete(struct decoder *d, const struct kube_kind *k, struct str raw, struct decoded_meta *meta,
                   struct buf *rows);
/* Only the metadata (bookmarks). */
bool decode_meta(struct str raw, struct decoded_meta *meta);

/* A body that is in an envelope is raw's inside; else raw itself. *kind is the envelope's kind, may be NULL. */
struct str decode_envelope(struct str raw, struct str *kind);

/* ---- lists */
/* False stops the parse: feed returns false. */
typedef bool (*decode_item_fn)(void *arg, struct str raw);
struct decode_list {
	decode_item_fn item;
	void *arg;
	const char *why;                 /* after false: what was wrong */
	struct buf resource_version, next; /* of the list; next = the token of the following page, empty = last */
	int64_t remaining;               /* items on following pages as the server estimates; -1 unknown */
	uint64_t count;                  /* items so far */
	struct buf pending;              /* bytes of a field that has not come whole */
	uint64_t left;                   /* of the list within the envelope */
	uint64_t skip;                   /* bytes of no interest still to come */
	unsigned char state;
};
void decode_list_init(struct decode_list *l, decode_item_fn item, void *arg);
bool decode_list_feed(struct decode_list *l, struct str bytes);
bool decode_list_whole(const struct decode_list *l);   /* at the body's end: nothing is missing */
void decode_list_release(struct decode_list *l);

/* ---- watches */
enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };
/* raw: the object, without envelope; of WATCH_ERROR a Status for decode_status. */
typedef bool (*decode_event_fn)(void *arg, enum watch_type type, struct str raw);
struct decode_watch {
	decode_event_fn event;
	void *arg;
	const char *why;
	struct buf pending;
};
void decode_watch_init(struct decode_watch *w, decode_event_fn event, void *arg);
bool decode_watch_feed(struct decode_watch *w, struct str bytes);
bool decode_watch_whole(const struct decode_watch *w); /* at the stream's end: no event was cut */
void decode_watch_release(struct decode_watch *w);

/* ---- errors */
struct kube_status {
	int code, retry_after_s;
	char *reason, *message;   /* never NULL */
	char *next;               /* metadata.continue of a 410 */
	char *cause;              /* reason of the first cause, "ResourceVersionTooLarge" */
	bool success;
};
/* A Status as protobuf (with or without envelope) or JSON. False: it is none (HTML, a proxy's text ...). */
bool decode_status(struct str body, struct kube_status *s);
void kube_status_release(struct kube_status *s);

/* ---- JSON: every other kind in Table form (table_form.c) */
struct table_form;
/* A kind of which nothing is known but its discovery. All texts are copied. */
struct table_form *table_form_new(const char *kind, const char *singular, const char *const *aliases,
                                  const char *group, bool namespaced);
void table_form_free(struct table_form *f);
/* When what is read next was sent: dates come as ages. */
void table_form_sent(struct table_form *f, int64_t wall_ms);
/* The run-time kind; NULL until the first columnDefinitions have come. Owned by f. */
const struct kind *table_form_kind(const struct table_form *f);
struct table_page {
	char *resource_version, *next;   /* owned; never NULL */
	int64_t remaining;
	unsigned rows;
};
/* A Table (a page of a list). rows_kind is written before the first row if the columns are new. False: *why (static
 * text) tells; "not a table" when the server sent a plain list. */
bool table_form_list(struct table_form *f, struct str json, struct buf *rows, struct table_page *page,
                     const char **why);
void table_page_release(struct table_page *p);
/* One line of a watch. On WATCH_ERROR *status is filled (caller releases); resource_version is of the object or
 * bookmark, owned by the caller, may be NULL. */
struct table_event {
	enum watch_type type;
	char *resource_version;
	bool initial_events_end;
	struct kube_status status;
};
bool table_form_event(struct table_form *f, struct str line, struct buf *rows, struct table_event *event,
                      const char **why);
void table_event_release(struct table_event *e);

/* ---- JSON: discovery (discovery.c) */
struct kube_resource {
	char *group, *version, *resource, *singular, *name;   /* "", "v1", "pods", "pod", "Pod"; never NULL */
	char **aliases;                                       /* NULL-terminated; never NULL */
	bool namespaced;
	unsigned verbs;                                       /* enum kube_verb (kube.h) */
	bool preferred;                                       /* the group's preferred version of it */
};
struct kube_resources {
	struct kube_resource *items;
	size_t n, cap;
};
/* APIGroupDiscoveryList (v2 or v2beta1), of /api or /apis: appended. False: it is none. */
bool discovery_aggregated(struct kube_resources *r, struct str json);
/* Without it: the group versions of /api (APIVersions) or /apis (APIGroupList) as paths ("api/v1", "apis/apps/v1"),
 * the preferred ones, appended to *paths (malloced strings, count in *n); then each path's APIResourceList. */
bool discovery_groups(struct str json, char ***paths, size_t *n);
bool discovery_resources(struct kube_resources *r, struct str json);
void kube_resources_release(struct kube_resources *r);

/* ---- JSON: metrics.k8s.io (metrics.c) */
/* Of one pod or node; container is NULL for the sum. cpu in thousandths rounded up, memory in bytes. */
typedef void (*metrics_fn)(void *arg, struct str ns, struct str name, struct str container, int64_t cpu, int64_t mem);
/* A PodMetricsList or NodeMetricsList: each container, then the sum of its pod; or each node. *next: the token of the
 * following page, owned by the caller, NULL = last. False: malformed. */
bool metrics_read(struct str json, metrics_fn fn, void *arg, char **next);
/* rows_update of one row; a limit or allocatable <= 0 is unknown. */
void metrics_pod_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t mem_limit);
void metrics_container_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t mem_limit);
void metrics_node_row(struct buf *rows, struct str key, int64_t cpu, int64_t mem, int64_t cpu_allocatable,
                      int64_t mem_allocatable);
/* rows_update of what is asked of a node: sums over its pods. */
void requested_node_row(struct buf *rows, struct str key, int64_t pods, int64_t cpu, int64_t mem, int64_t gpus,
                        int64_t pods_allocatable, int64_t gpus_allocatable);
#endif
