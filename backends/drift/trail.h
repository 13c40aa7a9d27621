/* trail: the newest checks of each model, and what they say of every feature. */
#ifndef BACKENDS_DRIFT_TRAIL_H
#define BACKENDS_DRIFT_TRAIL_H
#include "backends/drift/features.h"
#include "base/drift.h"

#define TRAIL_WINDOW 60         /* checks of each model that are looked at */
#define TRAIL_HISTORY 24        /* of these, in the sparkline */
#define TRAIL_FEATURES 300      /* of each model; further ones are not ranked */
#define TRAIL_MODELS 200        /* further models have checks but no ranking */

struct trail;                   /* all models of a source */
struct trail *trail_new(void);
void trail_free(struct trail *t);
/* Notes a check, newer or older than those known, with its features; the same key again replaces. Copies all.
 * Checks older than the window are left. */
void trail_add(struct trail *t, const struct drift_check *c, const struct feature_list *f);
/* Forgets the checks of that key, of whichever model. */
void trail_remove(struct trail *t, struct str key);
void trail_clear(struct trail *t);
/* How features are judged where their scores are known and their check does not say. */
struct trail_rule {
	struct str method;
	double limit;
	enum points points;
	bool (*known)(void *arg, struct str key);    /* whether somebody acknowledged that check; NULL: nobody did */
	void *arg;
};
/* Appends a full listing of kind `features` (a rows message's body), empty when there is none; without its end where not all checks
 * are there. */
void trail_write(const struct trail *t, const struct trail_rule *rule, bool whole, struct buf *out);
/* Of the newest check of all: wall ms, 0 = none. */
int64_t trail_newest(const struct trail *t);
unsigned trail_checks(const struct trail *t);
#endif
