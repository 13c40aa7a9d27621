/* items: cuts a large JSON list ({"kind": ..., "items": [{...}, ...]}) that arrives in pieces into lists of a few
 * hundred items each, so that no tree of the whole is ever built. Knows strings and nesting, nothing else. */
#ifndef KUBERNETES_ITEMS_H
#define KUBERNETES_ITEMS_H
#include "base/buf.h"

/* list: {"items":[...]} with some of the items, borrowed. False ends. */
typedef bool (*items_fn)(void *arg, struct str list);
struct items {
	items_fn fn;
	void *arg;
	struct buf list;         /* what was collected */
	size_t item;             /* bytes of the item being received */
	unsigned depth;          /* open brackets, of any kind */
	bool text, escaped;      /* within a string, after a backslash */
	bool broken;
};
void items_init(struct items *i, items_fn fn, void *arg);
/* False: fn said so, or the text cannot be such a list. */
bool items_feed(struct items *i, struct str piece);
bool items_end(struct items *i);       /* the rest; false as above, or when the list is cut */
void items_release(struct items *i);
#endif
