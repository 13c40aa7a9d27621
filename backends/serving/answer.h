/* answer: what a model server said, in whatever shape: a price, a list in a list, a tensor, a text; and its explanation. Pure
 * functions from bytes to numbers; wrong types are unknown, never an error. */
#ifndef SERVING_ANSWER_H
#define SERVING_ANSWER_H
#include "backends/net/json.h"
#include "base/buf.h"

struct answer {
	double value;                /* the first number of it; NaN: none */
	unsigned numbers;            /* how many there are in all */
	char name[40];               /* what the server calls it: "price"; "" unknown */
	struct buf text;             /* as shown: the text, or several numbers; empty when it is one number */
	char *version, *stage, *run, *request, *model;   /* NULL unknown */
};
/* key: where the answer is ("data.price"), NULL: found by the usual names. False: there is nothing in it that could be an
 * answer; then text holds its beginning. */
bool answer_read(const json_t *root, const char *key, struct answer *a);
void answer_release(struct answer *a);

/* {"base": number|null, "features": [{"name", "value", "by"}]} or NULL: no contributions in it. Caller decrefs. */
json_t *answer_explanation(const json_t *root);

/* The server's words for what is wrong with the input: "house_size: Field required"; false: none found. */
bool answer_complaint(const json_t *root, struct buf *out);
/* A scalar as text, at most max bytes; false: it is none. */
bool scalar_text(const json_t *j, struct buf *out);
#endif
