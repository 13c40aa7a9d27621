/* cut: a long JSON answer as it comes, cut into the elements of the lists in its top object, so that a page of ten
 * thousand versions costs the memory of one. Only the frame is looked at: quotes, brackets, commas. What is inside an
 * element is its reader's to judge. */
#ifndef MLFLOW_CUT_H
#define MLFLOW_CUT_H
#include "base/buf.h"

struct cut {
	/* An element of the list `name`, or (element false) the value of a member that is no list. Borrowed for the call. */
	void (*item)(void *arg, struct str name, struct str json, bool element);
	void *arg;
	size_t max;              /* of one element, bytes; larger ones are left out and counted */
	unsigned skipped;
	bool ended;              /* the top object is complete */
	/* inside */
	enum { CUT_START, CUT_KEY, CUT_COLON, CUT_VALUE, CUT_ITEM } at;
	int depth, base;         /* of brackets; of the item that is being read */
	bool in_string, escape, large, in_list;
	struct buf name, text;
};
/* False: this is not a JSON object; all that follows is ignored. */
bool cut_feed(struct cut *c, struct str chunk);
void cut_release(struct cut *c);
#endif
