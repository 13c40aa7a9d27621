/* view: see view.h. ids is always in order; rows that came in wait in `pending` until view_settle sorts them and
 * merges them in by binary search. A row that goes is found by binary search with its old values, which the table still
 * holds while it tells us. */
#define _GNU_SOURCE
#include "base/view.h"
#include "base/mem.h"
#include <stdlib.h>

enum { OUT = 0, SHOWN = 1, PENDING = 2, WHERE = 3, MARKED = 4 };

struct view_private {
	struct table *table;
	const struct filter *filter;
	view_scope_fn scope;
	void *scope_arg;
	int64_t now;
	uint8_t *state;           /* by row id */
	uint32_t nstate, cap_ids;
	uint32_t *pending, npending, cap_pending;
	uint32_t marks;
};

static int compare(const struct view *v, const struct row *a, const struct row *b)
{
	int col = v->sort_col;
	if (col >= 0) {
		bool an = row_null(a, col), bn = row_null(b, col);
		if (an != bn)
			return an - bn;
		int c = an ? 0 : row_cmp(v->table, a, b, col);
		if (c)
			return v->descending ? -c : c;
	}
	int c = str_cmp(row_key(a), row_key(b));
	return c ? c : (int)a->source - (int)b->source;
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	const struct view *v = arg;
	return compare(v, v->table->slots[*(const uint32_t *)a], v->table->slots[*(const uint32_t *)b]);
}

static bool wanted(const struct view *v, const struct row *r)
{
	const struct view_private *p = v->priv;
	return (!p->scope || p->scope(p->scope_arg, v->table, r)) &&
	       (!p->filter || filter_match(p->filter, v->table, r, p->now));
}

/* First place within ids[0..n) whose row is not before r. */
static uint32_t lower(const struct view *v, const struct row *r, uint32_t n)
{
	uint32_t lo = 0;
	while (lo < n) {
		uint32_t mid = lo + (n - lo) / 2;
		if (compare(v, v->table->slots[v->ids[mid]], r) < 0)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static void need_state(struct view_private *p, uint32_t id)
{
	if (id < p->nstate)
		return;
	uint32_t n = id + id / 2 + 64;
	p->state = xrealloc(p->state, n);
	memset(p->state + p->nstate, OUT, n - p->nstate);
	p->nstate = n;
}

static void set_where(struct view_private *p, uint32_t id, uint8_t where)
{
	p->state[id] = (uint8_t)((p->state[id] & ~WHERE) | where);
}

static void push_pending(struct view *v, uint32_t id)
{
	struct view_private *p = v->priv;
	if (p->npending == p->cap_pending) {
		p->cap_pending = p->cap_pending ? p->cap_pending * 2 : 64;
		p->pending = xreallocarray(p->pending, p->cap_pending, sizeof(*p->pending));
	}
	p->pending[p->npending++] = id;
	set_where(p, id, PENDING);
}

static void take_out(struct view *v, const struct row *old)
{
	uint32_t at = lower(v, old, v->n);
	memmove(v->ids + at, v->ids + at + 1, (v->n - at - 1) * sizeof(*v->ids));
	v->n--;
	set_where(v->priv, old->id, OUT);
}

static bool same_place(const struct view *v, const struct row *old, const struct row *now)
{
	return v->sort_col < 0 ||
	       (row_null(old, v->sort_col) == row_null(now, v->sort_col) &&
	        row_cmp(v->table, old, now, v->sort_col) == 0);
}

static void seen(void *arg, const struct row *old, const struct row *now)
{
	struct view *v = arg;
	struct view_private *p = v->priv;
	uint32_t id = old ? old->id : now->id;
	need_state(p, id);
	uint8_t where = p->state[id] & WHERE;
	bool want = now && wanted(v, now);
	if (where == OUT && !want)
		goto gone;
	v->version++;
	if (where == SHOWN && !(want && same_place(v, old, now))) {
		take_out(v, old);
		where = OUT;
	} else if (where == PENDING && !want) {
		set_where(p, id, OUT);
	}
	if (want && where == OUT)
		push_pending(v, id);
gone:
	if (!now) {
		p->marks -= (p->state[id] & MARKED) != 0;
		p->state[id] = OUT;
	}
}

struct view *view_new(struct table *t, int64_t now)
{
	struct view *v = xcalloc(1, sizeof(*v));
	v->priv = xcalloc(1, sizeof(*v->priv));
	v->table = v->priv->table = t;
	v->sort_col = -1;
	v->priv->now = now;
	table_watch(t, seen, v);
	view_filter(v, NULL, now);
	return v;
}

void view_free(struct view *v)
{
	if (!v)
		return;
	table_unwatch(v->priv->table, seen, v);
	free(v->priv->pending);
	free(v->priv->state);
	free(v->priv);
	free(v->ids);
	free(v);
}

/* Decide again for every row; those that stay keep their order. */
static void decide_all(struct view *v)
{
	struct view_private *p = v->priv;
	const struct table *t = v->table;
	if (t->nslots)
		need_state(p, t->nslots - 1);
	uint32_t n = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t id = v->ids[i];
		if (wanted(v, t->slots[id]))
			v->ids[n++] = id;
		else
			set_where(p, id, OUT);
	}
	v->n = n;
	for (uint32_t id = 0; id < t->nslots; id++) {
		const struct row *r = t->slots[id];
		if (!r || (p->state[id] & WHERE) == SHOWN)
			continue;
		bool want = wanted(v, r);
		if (want && (p->state[id] & WHERE) == OUT)
			push_pending(v, id);
		else if (!want)
			set_where(p, id, OUT);
	}
	v->version++;
}

void view_filter(struct view *v, const struct filter *f, int64_t now)
{
	v->priv->filter = f && !filter_takes_all(f) ? f : NULL;
	v->priv->now = now;
	decide_all(v);
}

void view_scope(struct view *v, view_scope_fn fn, void *arg)
{
	v->priv->scope = fn;
	v->priv->scope_arg = arg;
	decide_all(v);
}

void view_tick(struct view *v, int64_t now)
{
	v->priv->now = now;
	if (v->priv->filter && filter_has_time(v->priv->filter))
		decide_all(v);
}

void view_sort(struct view *v, int col, bool descending)
{
	if (v->sort_col == col && v->descending == descending)
		return;
	view_settle(v);
	v->sort_col = col;
	v->descending = descending;
	if (v->n)
		qsort_r(v->ids, v->n, sizeof(*v->ids), compare_ids, v);
	v->version++;
}

void view_settle(struct view *v)
{
	struct view_private *p = v->priv;
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->npending; i++) {
		uint32_t id = p->pending[i];
		if ((p->state[id] & WHERE) != PENDING)
			continue;       /* went again, or stands here twice */
		set_where(p, id, SHOWN);
		p->pending[n++] = id;
	}
	p->npending = 0;
	if (!n)
		return;
	qsort_r(p->pending, n, sizeof(*p->pending), compare_ids, v);
	if (v->n + n > p->cap_ids) {
		p->cap_ids = (v->n + n) + (v->n + n) / 4 + 64;
		v->ids = xreallocarray(v->ids, p->cap_ids, sizeof(*v->ids));
	}
	uint32_t end = v->n;                 /* ids[end..) is where it will stay, shifted by what is left */
	for (uint32_t left = n; left; left--) {
		uint32_t id = p->pending[left - 1];
		uint32_t at = lower(v, v->table->slots[id], end);
		memmove(v->ids + at + left, v->ids + at, (end - at) * sizeof(*v->ids));
		v->ids[at + left - 1] = id;
		end = at;
	}
	v->n += n;
	v->version++;
	if (p->cap_pending > 4096) {
		free(p->pending);
		p->pending = NULL;
		p->cap_pending = 0;
	}
}

int64_t view_index(const struct view *v, uint32_t id)
{
	const struct row *r = table_row(v->table, id);
	if (!r || id >= v->priv->nstate || (v->priv->state[id] & WHERE) != SHOWN)
		return -1;
	return lower(v, r, v->n);
}

void view_mark(struct view *v, uint32_t id, bool on)
{
	struct view_private *p = v->priv;
	if (!table_row(v->table, id))
		return;
	need_state(p, id);
	if (on != ((p->state[id] & MARKED) != 0)) {
		p->state[id] ^= MARKED;
		p->marks += on ? 1u : -1u;
		v->version++;
	}
}

bool view_marked(const struct view *v, uint32_t id)
{
	return id < v->priv->nstate && (v->priv->state[id] & MARKED);
}

uint32_t view_marks(const struct view *v)
{
	return v->priv->marks;
}

void view_unmark_all(struct view *v)
{
	for (uint32_t i = 0; i < v->priv->nstate; i++)
		v->priv->state[i] &= (uint8_t)~MARKED;
	v->priv->marks = 0;
	v->version++;
}
