/* Any bytes as the body of a message: rows of pods or of a kind made at run time, in slices, under a sorted and
 * filtered view; text, health, steps and answers. Whatever comes, the table and the view stay whole. */
#include "base/kinds.h"
#include "base/msg.h"
#include "base/store.h"
#include "base/view.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(const struct table *t, struct view *v)
{
	struct buf out = { 0 };
	view_settle(v);
	if (v->n > t->count)
		abort();
	for (uint32_t i = 0; i < v->n; i++) {
		const struct row *r = table_row(t, v->ids[i]);
		if (!r || view_index(v, v->ids[i]) != (int64_t)i)
			abort();
		for (int c = 0; c < t->kind->ncols; c++)
			row_show(t, r, c, 1763700000000, &out);
		buf_clear(&out);
	}
	buf_release(&out);
}

static void apply(struct store *s, const uint8_t *data, size_t size, enum msg_type type, unsigned budget)
{
	struct msg *m = msg_new(type, 7);
	struct buf body = { 0 };
	if (type == MSG_ROWS && data[0] & 1)
		buf_string(&body, STR("pods"));
	buf_add(&body, data, size);
	m->body = body;
	for (bool more = store_apply(s, m, budget); more;)
		more = store_apply(s, NULL, budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum msg_type types[] = { MSG_ROWS, MSG_ROWS, MSG_ROWS, MSG_TEXT, MSG_HEALTH, MSG_STEP, MSG_ANSWER, MSG_ROWS };
	struct clock_fixed at = { 1763700000000, 1 };
	struct clock clock = clock_still(&at);
	if (size < 2)
		return 0;
	struct store *s = store_new(&clock);
	store_add_kind(s, &kind_pods);
	store_add_source(s, "fuzz", "dev");
	struct view *v = view_new(store_table(s, "pods"), 1763700000000);
	view_sort(v, data[0] >> 4, data[0] & 8);
	apply(s, data + 1, size - 1, types[data[0] & 7], data[0] & 1 ? 3 : 0);
	check_view(v->table, v);
	apply(s, data + 1, size - 1, types[data[0] & 7], 0);      /* once more: every row is there already */
	check_view(v->table, v);
	view_free(v);
	store_free(s);
	return 0;
}
