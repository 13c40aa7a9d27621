/* cut: a long JSON answer as it comes, cut into the elements of the lists in its top object, so that a page of ten
 * thousand versions costs the memory of one. The answer may be a list itself: then its name is "". Only the frame is looked
 * at: quotes, brackets, commas. What is inside an element is its reader's to judge. */
#ifndef NET_CUT_H
#define NET_CUT_H
#include "base/buf.h"

struct cut {
	/* An element of the list `name`, or (element false) the value of a member that is no list. Borrowed for the call. */
	void (*item)(void *arg, struct str name, struct str json, bool element);
	void *arg;
	const char *within;      /* an object of this name is opened too: its members are cut like those of the top one. NULL: none */
	const char *without;     /* inside an element, values of members of this name become null: never held. NULL: none are */
	size_t max;              /* of one element, bytes; larger ones are left out and counted */
	unsigned skipped;
	bool ended;              /* the answer is complete */
	/* inside */
	enum { CUT_START, CUT_KEY, CUT_COLON, CUT_VALUE, CUT_ITEM } at;
	int depth, base;         /* of brackets; of the item that is being read */
	int inner;               /* of the objects that were opened */
	int dropped;             /* depth in which a value is left out; 0 none */
	size_t word;             /* where in text the last string began */
	bool in_string, escape, large, in_list, whole;
	struct buf name, text;
};
/* False: this is neither a JSON object nor a list; all that follows is ignored. */
bool cut_feed(struct cut *c, struct str chunk);
void cut_release(struct cut *c);
#endif
