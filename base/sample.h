/* sample: the same recent inputs put to one or two endpoints, to see by how much their answers differ and how long they take.
 * The inputs are distinct ones of the log (rows of `predictions`, newest first); no more than four calls are under way, or fewer. */
#ifndef BASE_SAMPLE_H
#define BASE_SAMPLE_H
#include "base/store.h"

struct sample_answer { double value, ms; char *text, *version, *error; bool in; };   /* value, ms NaN: unknown; texts may be NULL */
struct sample_pair {
	char *inputs;                    /* JSON, as asked */
	double logged;                   /* what the log says was answered then; NaN unknown */
	struct sample_answer of[2];
};
struct sample_of { struct source *source; char *key; };     /* an endpoint; source NULL: none, its answers stay out */
struct sample {
	struct sample_of of[2];
	struct sample_pair *list; unsigned n;
	unsigned at_once;                /* calls under way: 4, set it lower before the first tick */
	unsigned in;                     /* pairs that are complete */
	struct sample_private *priv;
};
/* model: only what was predicted by it (rows that name no model count too). not_version: and not by this one, with an answer
 * beside them (NULL: all). Up to n inputs are taken from what the store has now; s->n says how many there were. Keys are copied. */
struct sample *sample_new(struct store *store, const char *model, const char *not_version, unsigned n, const struct sample_of of[2]);
bool sample_tick(struct sample *s);              /* begins; from then on each answer asks on. True: all answers are in */
void sample_free(struct sample *s);              /* cancels what is under way */

struct sample_figures {
	unsigned both, differ;           /* inputs that both answered; answers that are not the same */
	double mean, most;               /* relative difference, of texts 1 or 0; NaN: none */
	double p50[2], p99[2];           /* ms; NaN unknown */
	unsigned answered[2], failed[2];
	const char *error[2];            /* the first; borrowed */
};
/* Of `of[0]` against `of[1]`; where that is nobody, against what was logged. */
struct sample_figures sample_figures(const struct sample *s);
#endif
