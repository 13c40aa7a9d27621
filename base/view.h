/* view: which rows of a table are shown, in which order. Kept up to date row by row: a change costs by the change,
 * not by the list. Order is total (sort column, then key, then source), so rows never jump. */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H
#include "base/filter.h"
#include "base/table.h"

struct view {
	const struct table *table;
	uint32_t *ids;        /* row ids in order; valid after view_settle */
	uint32_t n;           /* how many are shown */
	uint64_t version;     /* grows when ids or a shown row changed */
	int sort_col;         /* -1: by key */
	bool descending;
	struct view_private *priv;
};

/* The table is watched until view_free. `now` for time filters (age<2h); re-checked by view_tick. */
struct view *view_new(struct table *t, int64_t now);
void view_free(struct view *v);
void view_sort(struct view *v, int col, bool descending);
void view_filter(struct view *v, const struct filter *f, int64_t now); /* borrowed until replaced; NULL = all */
/* Only rows for which fn is true, besides the filter (a namespace, an owner). NULL = all. */
typedef bool (*view_scope_fn)(void *arg, const struct table *t, const struct row *r);
void view_scope(struct view *v, view_scope_fn fn, void *arg);
/* Put pending rows into place; call before reading ids. Cheap when nothing is pending. */
void view_settle(struct view *v);
void view_tick(struct view *v, int64_t now);   /* time passed: rows may enter or leave a time filter */
/* Where row id stands in ids, or -1. */
int64_t view_index(const struct view *v, uint32_t id);

/* The user's marks (Space), by row id; a row that goes loses its mark. */
void view_mark(struct view *v, uint32_t id, bool on);
bool view_marked(const struct view *v, uint32_t id);
uint32_t view_marks(const struct view *v);     /* how many, shown or not */
void view_unmark_all(struct view *v);
#endif
