/* table: see table.h. Rows are found through an open-addressing index of ids (linear probing, deletion by shifting
 * back), shared texts through a chained pool with reference counts. A row is built in a scratch buffer, and only
 * kept when it differs from the one that is there. */
#include "base/table.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

struct sym {
	struct sym *next;
	uint32_t refs, hash, n;
	char text[];
};

struct listing {
	uint16_t source, gen;
	bool listing, listed;
	unsigned nopen;
	struct open_listing { char *prefix; size_t n; uint16_t gen; } *open;
};

struct watcher {
	table_seen_fn fn;
	void *arg;
};

struct table_private {
	uint32_t *index, mask, used;      /* ids + 1; 0 = free */
	uint32_t *free_ids, nfree;
	uint32_t cap_slots;
	struct sym **syms;
	uint32_t sym_mask, nsyms;
	struct watcher *watchers;
	unsigned nwatchers;
	struct listing *listings;
	unsigned nlistings;
	struct buf scratch;
};

/* ---- shared texts */

static void grow_syms(struct table_private *p)
{
	uint32_t n = p->sym_mask ? (p->sym_mask + 1) * 2 : 64;
	struct sym **fresh = xcalloc(n, sizeof(*fresh));
	for (uint32_t i = 0; p->sym_mask && i <= p->sym_mask; i++) {
		for (struct sym *s = p->syms[i], *next; s; s = next) {
			next = s->next;
			s->next = fresh[s->hash & (n - 1)];
			fresh[s->hash & (n - 1)] = s;
		}
	}
	free(p->syms);
	p->syms = fresh;
	p->sym_mask = n - 1;
}

static struct sym *sym_get(struct table_private *p, struct str text)
{
	if (!p->sym_mask || p->nsyms > p->sym_mask)
		grow_syms(p);
	uint32_t h = str_hash(text);
	for (struct sym *s = p->syms[h & p->sym_mask]; s; s = s->next) {
		if (s->hash == h && str_eq((struct str){ s->text, s->n }, text)) {
			s->refs++;
			return s;
		}
	}
	struct sym *s = xmalloc(sizeof(*s) + text.n);
	*s = (struct sym){ p->syms[h & p->sym_mask], 1, h, (uint32_t)text.n };
	memcpy(s->text, text.p, text.n);
	p->syms[h & p->sym_mask] = s;
	p->nsyms++;
	return s;
}

static void sym_put(struct table_private *p, struct sym *s)
{
	if (--s->refs)
		return;
	struct sym **at = &p->syms[s->hash & p->sym_mask];
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	p->nsyms--;
	free(s);
}

static bool shared(const struct column *c)
{
	return (c->flags & COL_SHARED) && col_is_text(c);
}

static void release_syms(struct table *t, const struct row *r)
{
	for (int c = 0; c < t->kind->ncols; c++)
		if (shared(&t->kind->cols[c]) && !row_null(r, c))
			sym_put(t->priv, (struct sym *)r->cells[c].shared);
}

/* ---- index */

static uint32_t key_hash(uint16_t source, struct str key)
{
	return str_hash(key) ^ source * 0x9e3779b1u;
}

static uint32_t index_find(const struct table *t, uint16_t source, struct str key, uint32_t hash)
{
	const struct table_private *p = t->priv;
	if (!p->index)
		return UINT32_MAX;
	for (uint32_t i = hash & p->mask; p->index[i]; i = (i + 1) & p->mask) {
		const struct row *r = t->slots[p->index[i] - 1];
		if (r->hash == hash && r->source == source && str_eq(row_key(r), key))
			return i;
	}
	return UINT32_MAX;
}

static void index_add(struct table *t, uint32_t id, uint32_t hash)
{
	struct table_private *p = t->priv;
	if (!p->index || p->used * 4 >= (p->mask + 1) * 3) {
		uint32_t n = p->index ? (p->mask + 1) * 2 : 64;
		uint32_t *old = p->index, old_n = p->index ? p->mask + 1 : 0;
		p->index = xcalloc(n, sizeof(*p->index));
		p->mask = n - 1;
		for (uint32_t i = 0; i < old_n; i++) {
			if (!old[i])
				continue;
			uint32_t at = t->slots[old[i] - 1]->hash & p->mask;
			while (p->index[at])
				at = (at + 1) & p->mask;
			p->index[at] = old[i];
		}
		free(old);
	}
	uint32_t at = hash & p->mask;
	while (p->index[at])
		at = (at + 1) & p->mask;
	p->index[at] = id + 1;
	p->used++;
}

/* The rows must still be in their slots: their hashes decide who may shift back. */
static void index_remove(struct table *t, uint32_t at)
{
	struct table_private *p = t->priv;
	uint32_t hole = at;
	for (uint32_t i = (at + 1) & p->mask; p->index[i]; i = (i + 1) & p->mask) {
		uint32_t home = t->slots[p->index[i] - 1]->hash & p->mask;
		if (((i - home) & p->mask) >= ((i - hole) & p->mask)) {
			p->index[hole] = p->index[i];
			hole = i;
		}
	}
	p->index[hole] = 0;
	p->used--;
}

/* ---- life */

struct table *table_new(const struct kind *kind)
{
	struct table *t = xcalloc(1, sizeof(*t));
	t->kind = kind;
	t->priv = xcalloc(1, sizeof(*t->priv));
	return t;
}

static void free_listing(struct listing *l)
{
	for (unsigned i = 0; i < l->nopen; i++)
		free(l->open[i].prefix);
	free(l->open);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	struct table_private *p = t->priv;
	for (uint32_t i = 0; i < t->nslots; i++)
		free(t->slots[i]);
	for (uint32_t i = 0; p->sym_mask && i <= p->sym_mask; i++) {
		for (struct sym *s = p->syms[i], *next; s; s = next) {
			next = s->next;
			free(s);
		}
	}
	for (unsigned i = 0; i < p->nlistings; i++)
		free_listing(&p->listings[i]);
	free(p->listings);
	free(p->syms);
	free(p->index);
	free(p->free_ids);
	free(p->watchers);
	buf_release(&p->scratch);
	free(p);
	free(t->slots);
	free(t);
}

void table_watch(struct table *t, table_seen_fn fn, void *arg)
{
	struct table_private *p = t->priv;
	p->watchers = xreallocarray(p->watchers, p->nwatchers + 1, sizeof(*p->watchers));
	p->watchers[p->nwatchers++] = (struct watcher){ fn, arg };
}

void table_unwatch(struct table *t, table_seen_fn fn, void *arg)
{
	struct table_private *p = t->priv;
	for (unsigned i = 0; i < p->nwatchers; i++) {
		if (p->watchers[i].fn == fn && p->watchers[i].arg == arg) {
			p->watchers[i] = p->watchers[--p->nwatchers];
			return;
		}
	}
}

static void tell(struct table *t, const struct row *old, const struct row *now)
{
	t->version++;
	for (unsigned i = 0; i < t->priv->nwatchers; i++)
		t->priv->watchers[i].fn(t->priv->watchers[i].arg, old, now);
}

static uint32_t take_id(struct table *t)
{
	struct table_private *p = t->priv;
	if (p->nfree)
		return p->free_ids[--p->nfree];
	if (t->nslots == p->cap_slots) {
		p->cap_slots = p->cap_slots ? p->cap_slots + p->cap_slots / 2 : 64;
		t->slots = xreallocarray(t->slots, p->cap_slots, sizeof(*t->slots));
		p->free_ids = xreallocarray(p->free_ids, p->cap_slots, sizeof(*p->free_ids));
	}
	t->slots[t->nslots] = NULL;
	return t->nslots++;
}

static void remove_row(struct table *t, uint32_t at)
{
	uint32_t id = t->priv->index[at] - 1;
	struct row *r = t->slots[id];
	tell(t, r, NULL);
	index_remove(t, at);
	t->slots[id] = NULL;
	t->priv->free_ids[t->priv->nfree++] = id;
	t->count--;
	t->bytes -= r->size;
	release_syms(t, r);
	free(r);
}

/* ---- building rows */

static void set_text(struct table *t, int c, struct str text)
{
	struct buf *b = &t->priv->scratch;
	union cell *cell;
	if (shared(&t->kind->cols[c])) {
		struct sym *s = sym_get(t->priv, text);
		cell = &((struct row *)(void *)b->data)->cells[c];
		cell->shared = s;
		return;
	}
	/* The key follows the cells; a name is its tail. */
	struct str key = row_key((struct row *)(void *)b->data);
	uint32_t at = (uint32_t)b->len;
	if (text.n && str_ends(key, text))
		at = (uint32_t)(key.p + key.n - text.n - b->data);
	else
		buf_add(b, text.p, text.n);
	cell = &((struct row *)(void *)b->data)->cells[c];
	cell->own.at = at;
	cell->own.n = (uint32_t)text.n;
}

static void set_null(struct table *t, int c)
{
	((struct row *)(void *)t->priv->scratch.data)->nulls |= 1ull << c;
}

static void keep_cell(struct table *t, int c, const struct row *old)
{
	if (!old || row_null(old, c))
		set_null(t, c);
	else if (col_is_text(&t->kind->cols[c]))
		set_text(t, c, row_text(t, old, c));
	else
		((struct row *)(void *)t->priv->scratch.data)->cells[c] = old->cells[c];
}

/* One cell from the wire into the scratch row. False: not of the column's type. */
static bool read_cell(struct table *t, int c, struct rd *r, const struct row *old)
{
	const struct column *col = &t->kind->cols[c];
	struct rows_cell v = rows_cell(r);
	union cell *cell = &((struct row *)(void *)t->priv->scratch.data)->cells[c];
	switch (v.is) {
	case CELL_NULL:
		set_null(t, c);
		return true;
	case CELL_KEEP:
		keep_cell(t, c, old);
		return true;
	case CELL_TEXT:
		if (!col_is_text(col))
			break;
		set_text(t, c, v.text);
		return true;
	case CELL_INT:
		if (col_is_text(col))
			break;
		if (col_is_real(col))
			cell->f = (double)v.i;
		else
			cell->i = v.i;
		return true;
	case CELL_REAL:
		if (!col_is_real(col))
			break;
		cell->f = v.f;
		return true;
	}
	set_null(t, c);
	return false;
}

static void derive_cells(const struct kind *k, struct row *r)
{
	for (int c = 0; c < k->ncols; c++) {
		double v = k->cols[c].derive ? k->cols[c].derive(r) : NAN;
		if (!isnan(v)) {
			r->cells[c].f = v;
			r->nulls &= ~((uint64_t)1 << c);
		}
	}
}

static bool same(const struct row *a, const struct row *b)
{
	return a->size == b->size && a->nulls == b->nulls && a->level == b->level &&
	       memcmp(a->cells, b->cells, a->size - sizeof(*a)) == 0;
}

static struct listing *listing_of(struct table *t, uint16_t source)
{
	struct table_private *p = t->priv;
	for (unsigned i = 0; i < p->nlistings; i++)
		if (p->listings[i].source == source)
			return &p->listings[i];
	p->listings = xreallocarray(p->listings, p->nlistings + 1, sizeof(*p->listings));
	p->listings[p->nlistings] = (struct listing){ .source = source };
	return &p->listings[p->nlistings++];
}

static bool put_row(struct table *t, uint16_t source, struct rd *r, bool only_update)
{
	struct table_private *p = t->priv;
	struct str key = rd_string(r);
	uint8_t level = rd_byte(r);
	if (r->bad || key.n > UINT16_MAX)
		return false;
	uint32_t hash = key_hash(source, key);
	uint32_t at = index_find(t, source, key, hash);
	struct row *old = at == UINT32_MAX ? NULL : t->slots[p->index[at] - 1];
	struct buf *b = &p->scratch;
	size_t fixed = sizeof(struct row) + t->kind->ncols * sizeof(union cell);
	buf_clear(b);
	buf_reserve(b, fixed + key.n);
	memset(b->data, 0, fixed);
	b->len = fixed;
	buf_add(b, key.p, key.n);
	((struct row *)(void *)b->data)->key_at = (uint32_t)fixed;
	((struct row *)(void *)b->data)->key_len = (uint16_t)key.n;
	bool ok = true;
	for (int c = 0; c < t->kind->ncols; c++)
		ok = read_cell(t, c, r, old) && ok;
	struct row *now = (struct row *)(void *)b->data;
	derive_cells(t->kind, now);
	if (level == LEVEL_KEEP)
		level = old ? old->level : LEVEL_NONE;
	now->level = level > LEVEL_BAD ? LEVEL_NONE : level;
	now->hash = hash, now->source = source, now->size = (uint32_t)b->len;
	now->gen = listing_of(t, source)->gen;
	if (r->bad || !ok || (only_update && !old) || (old && same(old, now))) {
		if (old && !only_update)
			old->gen = now->gen;
		release_syms(t, now);
		return !r->bad && ok;
	}
	now->id = old ? old->id : take_id(t);
	struct row *kept = xmalloc(b->len);
	memcpy(kept, b->data, b->len);
	tell(t, old, kept);
	t->slots[kept->id] = kept;
	t->bytes += kept->size;
	if (old) {
		t->bytes -= old->size;
		release_syms(t, old);
		free(old);
	} else {
		index_add(t, kept->id, hash);
		t->count++;
	}
	return true;
}

/* ---- listings */

static void begin(struct table *t, uint16_t source, struct str prefix)
{
	struct listing *l = listing_of(t, source);
	l->gen++;
	l->listing = true;
	for (unsigned i = 0; i < l->nopen; i++) {
		if (str_eq((struct str){ l->open[i].prefix, l->open[i].n }, prefix)) {
			l->open[i].gen = l->gen;   /* started over */
			return;
		}
	}
	l->open = xreallocarray(l->open, l->nopen + 1, sizeof(*l->open));
	l->open[l->nopen++] = (struct open_listing){ str_dup(prefix), prefix.n, l->gen };
}

/* Is a listing open of which this one is a part? */
static bool is_part(const struct listing *l, struct str prefix)
{
	for (unsigned i = 0; i < l->nopen; i++)
		if (str_starts(prefix, (struct str){ l->open[i].prefix, l->open[i].n }))
			return true;
	return false;
}

static void end(struct table *t, uint16_t source, struct str prefix)
{
	struct listing *l = listing_of(t, source);
	unsigned i = 0;
	while (i < l->nopen && !str_eq((struct str){ l->open[i].prefix, l->open[i].n }, prefix))
		i++;
	if (i == l->nopen)
		return;
	uint16_t seen_within = (uint16_t)(l->gen - l->open[i].gen), gen = l->gen;
	free(l->open[i].prefix);
	l->open[i] = l->open[--l->nopen];
	l->listing = l->nopen > 0;
	l->listed |= !is_part(l, prefix);
	for (uint32_t id = 0; id < t->nslots; id++) {
		struct row *r = t->slots[id];
		if (r && r->source == source && (uint16_t)(gen - r->gen) > seen_within &&
		    str_starts(row_key(r), prefix))
			remove_row(t, index_find(t, source, row_key(r), r->hash));
	}
	t->version++;
}

struct table_listing table_listing(const struct table *t, uint16_t source)
{
	for (unsigned i = 0; i < t->priv->nlistings; i++)
		if (t->priv->listings[i].source == source)
			return (struct table_listing){ t->priv->listings[i].listing, t->priv->listings[i].listed };
	return (struct table_listing){ false, false };
}

bool table_apply(struct table *t, uint16_t source, struct rd *r, unsigned budget_ops)
{
	enum rows_op op;
	for (unsigned n = 0; (!budget_ops || n < budget_ops) && rows_next(r, &op); n++) {
		struct str key;
		uint32_t at;
		switch (op) {
		case ROWS_PUT:
		case ROWS_UPDATE:
			if (!put_row(t, source, r, op == ROWS_UPDATE))
				return false;
			break;
		case ROWS_DEL:
			key = rd_string(r);
			at = index_find(t, source, key, key_hash(source, key));
			if (!r->bad && at != UINT32_MAX)
				remove_row(t, at);
			break;
		case ROWS_BEGIN:
			key = rd_string(r);
			if (!r->bad)
				begin(t, source, key);
			break;
		case ROWS_END:
			key = rd_string(r);
			if (!r->bad)
				end(t, source, key);
			break;
		case ROWS_KIND:
			rd_string(r);   /* the store has made the table from it */
			break;
		}
	}
	return !r->bad;
}

static void write_row(const struct table *t, const struct row *r, struct buf *body)
{
	rows_put(body, row_key(r), r->level);
	for (int c = 0; c < t->kind->ncols; c++) {
		const struct column *col = &t->kind->cols[c];
		if (row_null(r, c))
			cell_null(body);
		else if (col_is_text(col))
			cell_text(body, row_text(t, r, c));
		else if (col_is_real(col))
			cell_real(body, row_real(r, c));
		else
			cell_int(body, row_int(r, c));
	}
}

/* Listings under way are begun for the reader too, so that their end means something to it. */
void table_write(const struct table *t, uint16_t source, struct buf *body)
{
	const struct listing *l = NULL;
	for (unsigned i = 0; i < t->priv->nlistings; i++)
		l = t->priv->listings[i].source == source ? &t->priv->listings[i] : l;
	bool listed = l && l->listed;
	rows_start(body, t->kind->name);
	if (listed)
		rows_begin(body, STR(""));
	for (unsigned i = 0; l && i < l->nopen; i++)
		if (!listed || l->open[i].n)
			rows_begin(body, (struct str){ l->open[i].prefix, l->open[i].n });
	for (uint32_t id = 0; id < t->nslots; id++)
		if (t->slots[id] && t->slots[id]->source == source)
			write_row(t, t->slots[id], body);
	if (listed)
		rows_end(body, STR(""));
}

void table_drop_source(struct table *t, uint16_t source)
{
	for (uint32_t id = 0; id < t->nslots; id++) {
		struct row *r = t->slots[id];
		if (r && r->source == source)
			remove_row(t, index_find(t, source, row_key(r), r->hash));
	}
}

/* ---- reading */

const struct row *table_find(const struct table *t, uint16_t source, struct str key)
{
	uint32_t at = index_find(t, source, key, key_hash(source, key));
	return at == UINT32_MAX ? NULL : t->slots[t->priv->index[at] - 1];
}

struct str row_text(const struct table *t, const struct row *r, int col)
{
	if (col < 0 || row_null(r, col) || !col_is_text(&t->kind->cols[col]))
		return (struct str){ "", 0 };
	if (shared(&t->kind->cols[col]))
		return (struct str){ r->cells[col].shared->text, r->cells[col].shared->n };
	return (struct str){ (const char *)r + r->cells[col].own.at, r->cells[col].own.n };
}

struct str row_text_by(const struct table *t, const struct row *r, const char *col)
{
	return row_text(t, r, kind_col(t->kind, str_of(col), false));
}

/* Appends nothing when the value is unknown. */
static void show_value(const struct table *t, const struct row *r, int col, int64_t now, struct buf *out)
{
	const struct column *c = &t->kind->cols[col];
	if (c->show) {
		c->show(t, r, now, out);
		return;
	}
	if (row_null(r, col))
		return;
	int64_t i = r->cells[col].i;
	double f = r->cells[col].f;
	switch (c->type) {
	case COL_COUNT: fmt_count(i, out); break;
	case COL_BOOL: fmt_bool(i, out); break;
	case COL_BYTES: fmt_bytes(i, out); break;
	case COL_MILLI: fmt_milli(i, out); break;
	case COL_PAIR: fmt_pair(i, out); break;
	case COL_TIME: fmt_age(now - i, out); break;
	case COL_DURATION: fmt_duration(i, out); break;
	case COL_REAL: fmt_real(f, out); break;
	case COL_RATIO: fmt_ratio(f, out); break;
	case COL_MONEY: fmt_money(f, out); break;
	default: buf_addstr(out, row_text(t, r, col));
	}
}

void row_show(const struct table *t, const struct row *r, int col, int64_t now, struct buf *out)
{
	size_t before = out->len;
	show_value(t, r, col, now, out);
	if (out->len == before)
		buf_addc(out, '-');
}

void row_print(const struct table *t, const struct row *r, int col, int64_t now, struct buf *out)
{
	const char *none = t->kind->cols[col].none;
	size_t before = out->len;
	show_value(t, r, col, now, out);
	if (out->len == before && none && row_null(r, col))
		buf_adds(out, none);
}

static int cmp_real(double a, double b)
{
	return (a > b) - (a < b);
}

static int cmp_pair(int64_t a, int64_t b)
{
	int64_t x = (int64_t)PAIR_NUM(a) * PAIR_DEN(b), y = (int64_t)PAIR_NUM(b) * PAIR_DEN(a);
	return x != y ? (x > y) - (x < y) : (a > b) - (a < b);
}

int row_cmp(const struct table *t, const struct row *a, const struct row *b, int col)
{
	const struct column *c = &t->kind->cols[col];
	bool an = row_null(a, col), bn = row_null(b, col);
	if (an || bn)
		return bn - an;
	if (shared(c) && a->cells[col].shared == b->cells[col].shared)
		return 0;
	if (col_is_text(c))
		return str_cmp_natural(row_text(t, a, col), row_text(t, b, col));
	if (col_is_real(c))
		return cmp_real(a->cells[col].f, b->cells[col].f);
	if (c->type == COL_PAIR)
		return cmp_pair(a->cells[col].i, b->cells[col].i);
	return (a->cells[col].i > b->cells[col].i) - (a->cells[col].i < b->cells[col].i);
}
