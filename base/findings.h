/* findings: what is wrong across all systems, ranked, since when, and what changed shortly before. The doubtful and wrong rows
 * of every kind join by a small table (kind, weight, how to word it); pods are grouped by the workload that made them; a source
 * that is lost or refuses is a finding of its own. The triage pane shows them, `binnacle triage` prints them. */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H
#include "base/changes.h"

struct config;

extern const struct kind kind_triage;
enum finding_col {
	FINDING_WHAT, FINDING_SINCE, FINDING_WHERE, FINDING_CHANGED, FINDING_LEVEL, FINDING_KIND, FINDING_KEY, FINDING_COUNT,
	FINDING_CHANGED_AT, FINDING_CHANGED_KIND, FINDING_CHANGED_SOURCE, FINDING_CHANGED_KEY, FINDING_COL_COUNT
};

struct findings;
/* config: borrowed, may be NULL; what its promotions name is known to belong to the model. */
struct findings *findings_new(const struct config *config);
void findings_free(struct findings *f);
/* Kind i that is looked at, to be asked for (wrong rows, changes, figures of a calm day); NULL: no more. */
const char *findings_kind(unsigned i);
/* Brings the table up to date where rows changed, at most each 300 ms; complete: every list that was asked for is there. True:
 * it was computed anew. */
bool findings_update(struct findings *f, struct store *s, int64_t now, bool complete);
/* Rows in the order of their keys are in the order of their weight. */
struct table *findings_table(struct findings *f);
/* All is well, with figures, in at most three lines. */
void findings_calm(const struct findings *f, const struct store *s, int64_t now, struct buf *out);
#endif
