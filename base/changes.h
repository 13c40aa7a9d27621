/* changes: what changed on the platform and when: promotions, pipeline runs, trainings, nodes that joined, drift that began;
 * from whatever kinds the store has. What went wrong is set beside what changed shortly before. */
#ifndef BASE_CHANGES_H
#define BASE_CHANGES_H
#include "base/store.h"

struct change {
	int64_t time;                /* wall ms */
	const char *letter;          /* on the axis of a chart: "P" */
	const char *kind;            /* and source and key: the row that says so */
	uint16_t source;
	char *key, *text;            /* text: "promote real_estate_model v7" */
	char *about;                 /* model, pipeline or node that it is about; never NULL */
};
struct changes { struct change *list; unsigned n; };

/* Kinds that are looked at, so that they may be asked for; ends with NULL. */
extern const char *const changes_kinds[];
/* Those from..to, oldest first; at most CHANGES_MAX, the newest. c is emptied first. */
#define CHANGES_MAX 2000
void changes_gather(const struct store *s, int64_t from, int64_t to, int64_t now, struct changes *c);
void changes_release(struct changes *c);
#endif
