/* tree: who owns whom, as the answer to REQ_ASK "tree":
 *
 *   [{"text": "ReplicaSet model-api-6d9f7c  2/3 ready", "level": 5, "kind": "replicasets",
 *     "key": "ml-serving/model-api-6d9f7c", "here": true, "children": [ ... the same ... ]}]
 *
 * level is enum level (base/rows.h). kind and key lead to the row, absent where there is none. here marks the
 * object that was asked about (the tree starts at its topmost owner). children is absent when there are none. */
#ifndef BACKENDS_KUBERNETES_TREE_H
#define BACKENDS_KUBERNETES_TREE_H
#include "backends/kubernetes/json.h"
#include "base/rows.h"

/* The tree under root, made of those of objects (array; with kind and metadata) that it owns directly or not. Objects
 * without an owner in reach are left out unless adopt: then they hang below root (a node's or service's pods). here:
 * uid to mark. Works on JSON alone. Caller decrefs. */
json_t *tree_build(const json_t *root, const json_t *objects, bool adopt, const char *here, int64_t now);
/* "2/3 ready" and the level of any object, into note. */
enum level object_brief(const json_t *object, int64_t now, struct buf *note);
/* Appends "labelSelector=..." for matchLabels (escaped); nothing when they are empty. */
void label_query(struct buf *out, const json_t *match_labels);
#endif
