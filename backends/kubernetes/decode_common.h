/* decode_common: what the decoders of the kinds share. Inside decode_*.c only. */
#ifndef BACKENDS_KUBERNETES_DECODE_COMMON_H
#define BACKENDS_KUBERNETES_DECODE_COMMON_H
#include "backends/kubernetes/decode.h"
#include "backends/kubernetes/protobuf.h"

#define DECODE_NAME_MAX 4096   /* bytes; what is longer is no name, and would not fit into a key */

/* Metadata, spec and status of an object: fields 1, 2 and 3 of every kind here but a few. */
struct parts { struct str metadata, spec, status; };
bool read_parts(struct str raw, struct parts *p);
/* metadata -> meta. False: malformed. */
bool read_meta(struct str metadata, struct decoded_meta *meta);
/* metav1.Time or MicroTime in wall ms; an empty message is 0 (unknown). */
int64_t read_time(struct str s);

/* Writing. All use d->text as scratch unless they say otherwise. */
void put_row(struct decoder *d, const struct decoded_meta *m, enum level level, struct buf *rows);
/* namespace (if the kind has one), name. */
void put_names(const struct decoded_meta *m, bool namespaced, struct buf *rows);
/* The last three: labels, owner, uid. metadata: where the labels are. */
void put_tail(struct decoder *d, struct str metadata, const struct decoded_meta *m, struct buf *rows);
/* The entries of map field `field` in s as "a=b,c=d", sorted; null when there are none. */
void put_map(struct decoder *d, struct str s, uint32_t field, struct buf *rows);
/* A metav1.LabelSelector as kubectl prints it; null when it has no requirements. */
void put_selector(struct decoder *d, struct str selector, struct buf *rows);
/* CONTAINERS and IMAGES of a PodSpec. */
void put_containers_images(struct decoder *d, struct str pod_spec, struct buf *rows);
static inline void cell_count(struct buf *rows, int64_t v)
{
	cell_int(rows, v);
}
static inline void cell_known(struct buf *rows, int64_t v)   /* -1 = unknown */
{
	v < 0 ? cell_null(rows) : cell_int(rows, v);
}
static inline void cell_word(struct buf *rows, const char *word)
{
	cell_text(rows, str_of(word));
}

/* The value of `key` in map<string, Quantity or string> field `field` of s; false: not there. For quantities the
 * text within. */
bool find_quantity(struct str s, uint32_t field, const char *key, struct str *text);
bool find_string(struct str s, uint32_t field, const char *key, struct str *text);
/* One map entry. */
static inline void read_entry(struct str entry, struct str *key, struct str *value)
{
	struct pb r = pb_of(entry);
	*key = *value = (struct str){ "", 0 };
	while (pb_next(&r)) {
		if (r.field == 1)
			*key = r.bytes;
		else if (r.field == 2)
			*value = r.bytes;
	}
}
/* The number of device plugins' GPUs in resource map field `field` of s (nvidia.com/gpu, amd.com/gpu,
 * gpu.intel.com/..., also MIG slices); 0 when none. */
int64_t count_gpus(struct str s, uint32_t field);

/* Conditions: field 1 type, 2 status in every kind; reason varies. */
struct condition { struct str type, status, reason; };
struct condition read_condition(struct str s, uint32_t reason_field);
static inline bool condition_true(const struct condition *c) { return str_is(c->status, "True"); }

bool decode_pod(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_containers(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
/* The keys of a pod's containers, as rows_del. */
bool delete_containers(struct decoder *d, struct str raw, const struct decoded_meta *m, struct buf *rows);
bool decode_node(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_namespace(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_deployment(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_replicaset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_statefulset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_daemonset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_job(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_cronjob(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_service(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_endpoints(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_ingress(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_configmap(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_secret(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_pvc(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_pv(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_storageclass(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_hpa(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_pdb(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
bool decode_event(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows);
#endif
