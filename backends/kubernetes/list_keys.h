/* list_keys: lists whose elements have a name (containers, env, ports ...) as objects by that name, so that two changes in one list
 * meet only where they are about the same element, as in kubectl's strategic merge. No server here. */
#ifndef BACKENDS_KUBERNETES_LIST_KEYS_H
#define BACKENDS_KUBERNETES_LIST_KEYS_H
#include <jansson.h>

#define LIST_ORDER "$order"   /* the member that such an object has beside its elements: their names in order */

/* A new value: every such list an object. A list in which two elements have the same name stays a list. */
json_t *lists_keyed(const json_t *value);
/* The lists again, in a new value: in the order named, then those that it does not name. */
json_t *lists_plain(const json_t *keyed);
#endif
