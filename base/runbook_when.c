/* runbook_when: what was in production at a time, from the rows of kind promotions: of this registry, else of anybody who wrote down
 * who was promoted. */
#include "base/fmt.h"
#include "base/registry.h"
#include "base/runbook_private.h"
#include <stdlib.h>

static const struct row *last_before(const struct runbook *r, const struct table *t, bool own, int64_t *first_at)
{
	const struct row *best = NULL;
	*first_at = 0;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		struct str what = row ? row_text(t, row, PROMOTIONS_WHAT) : STR("");
		bool counts = str_is(what, "became champion") || str_is(what, "champion, found so") || str_is(what, "left without champion") ||
		              str_is(what, "promoted") || str_is(what, "stage Production");
		int64_t at = row ? row_int(row, PROMOTIONS_AGE) : 0;
		if (!row || !counts || !at || !str_is(row_text(t, row, PROMOTIONS_MODEL), r->model) ||
		    (own && row->source != r->priv->registry->index))
			continue;
		if (at <= r->priv->at && (!best || at > row_int(best, PROMOTIONS_AGE)))
			best = row;
		if (!*first_at || at < *first_at)
			*first_at = at;
	}
	return best;
}

int runbook_find_at(struct runbook *r, struct buf *b)
{
	const struct table *t = store_table_const(r->priv->rs->store, "promotions");
	const struct kind_state *k = store_kind_state(r->priv->rs->store, "promotions", r->priv->registry->index);
	int64_t first, any;
	if (!(k && k->listed) && runbook_now(r) - r->priv->since < RUNBOOK_LIST_MS)
		return 0;
	const struct row *row = last_before(r, t, true, &first);
	row = row ? row : last_before(r, t, false, &any);
	struct str version = row ? row_text(t, row, PROMOTIONS_VERSION) : STR("");
	if (version.n && (*version.p == 'v' || *version.p == 'V'))
		version = (struct str){ version.p + 1, version.n - 1 };
	if (version.n) {
		free(r->version);
		r->version = str_dup(version);
		return 1;
	}
	if (row)
		buf_adds(b, "nothing was in production then");
	else if (first) {
		buf_adds(b, "what was in production then is not known: what is remembered of this model begins ");
		fmt_age(runbook_now(r) - first, b);
		buf_adds(b, " ago");
	} else {
		buf_adds(b, "what was in production then is not known: nothing is remembered of this model");
	}
	return -1;
}
