/* docs: objects as text. Both functions work on JSON alone, without a server. */
#ifndef BACKENDS_KUBERNETES_DOCS_H
#define BACKENDS_KUBERNETES_DOCS_H
#include "base/buf.h"
#include <jansson.h>

/* Replaces what a Secret holds (data, stringData, the last applied manifest) by "*** (N bytes)"; others untouched. */
void doc_mask_secret(json_t *object);
/* Appends the YAML of object, which is changed (masked) on the way unless reveal. */
void doc_yaml(json_t *object, bool reveal, struct buf *out);

/* Appends the YAML that is edited: whole, secret values too, without what only the server writes (act_edit.c). */
void doc_editable(const json_t *object, struct buf *out);

/* Appends a page about object: what it is, how it fares, its parts, its events (an array of core/v1 or
 * events.k8s.io Event objects, may be NULL), newest last. now is wall ms. */
/* Parts of it that other pages use too: "waiting: CrashLoopBackOff: ..."; "GET http://:8080/ready  after 0s, ...". */
void describe_state(struct buf *out, const json_t *state, int64_t now);
void describe_probe(struct buf *out, const json_t *probe);
void doc_describe(json_t *object, const json_t *events, int64_t now, struct buf *out);
#endif
