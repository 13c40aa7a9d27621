/* linediff: see linediff.h. What both texts begin and end with is cut off first; the longest common subsequence of what is
 * left is found by the plain table, which is quick for documents that a person has edited. */
#include "base/linediff.h"
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX (8u << 20)       /* of the table; two bytes each */

struct lines { struct str *at; unsigned n; };
struct edit { char mark; unsigned a, b; };   /* ' ' both, '-' only before (a), '+' only after (b) */
struct edits { struct edit *at; unsigned n, cap; };

static struct lines split(struct str s)
{
	struct lines l = { 0 };
	unsigned cap = 0;

	while (s.n) {
		if (l.n == cap) {
			cap = cap ? cap * 2 : 64;
			l.at = xreallocarray(l.at, cap, sizeof(*l.at));
		}
		l.at[l.n++] = str_split(&s, '\n');
	}
	return l;
}

static bool same(struct str x, struct str y)
{
	return x.n == y.n && !memcmp(x.p, y.p, x.n);
}

static void add(struct edits *e, char mark, unsigned a, unsigned b)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 64;
		e->at = xreallocarray(e->at, e->cap, sizeof(*e->at));
	}
	e->at[e->n++] = (struct edit){ mark, a, b };
}

/* Lines from..an of a and from..bn of b. */
static void middle(const struct lines *a, const struct lines *b, unsigned from, unsigned an, unsigned bn, struct edits *e)
{
	unsigned n = an - from, m = bn - from, i = 0, k = 0;
	bool fits = n < UINT16_MAX && m < UINT16_MAX && (size_t)(n + 1) * (m + 1) <= CELLS_MAX;
	uint16_t *t = fits ? xcalloc((size_t)(n + 1) * (m + 1), sizeof(*t)) : NULL;

#define T(x, y) t[(size_t)(x) * (m + 1) + (y)]
	for (unsigned x = n; t && x-- > 0;)
		for (unsigned y = m; y-- > 0;)
			T(x, y) = same(a->at[from + x], b->at[from + y]) ? (uint16_t)(T(x + 1, y + 1) + 1)
				: T(x + 1, y) >= T(x, y + 1) ? T(x + 1, y) : T(x, y + 1);
	while (i < n || k < m) {
		if (t && i < n && k < m && same(a->at[from + i], b->at[from + k])) {
			add(e, ' ', from + i, from + k);
			i++, k++;
		} else if (i < n && (!t || k == m || T(i + 1, k) >= T(i, k + 1))) {
			add(e, '-', from + i++, from + k);
		} else {
			add(e, '+', from + i, from + k++);
		}
	}
#undef T
	free(t);
}

static struct edits edits_of(const struct lines *a, const struct lines *b)
{
	struct edits e = { 0 };
	unsigned head = 0, tail = 0;

	while (head < a->n && head < b->n && same(a->at[head], b->at[head]))
		head++;
	while (tail < a->n - head && tail < b->n - head && same(a->at[a->n - 1 - tail], b->at[b->n - 1 - tail]))
		tail++;
	for (unsigned i = 0; i < head; i++)
		add(&e, ' ', i, i);
	middle(a, b, head, a->n - tail, b->n - tail, &e);
	for (unsigned i = 0; i < tail; i++)
		add(&e, ' ', a->n - tail + i, b->n - tail + i);
	return e;
}

static void write_hunk(const struct lines *a, const struct lines *b, const struct edits *e, unsigned from, unsigned to,
                       struct buf *out)
{
	unsigned na = 0, nb = 0;

	for (unsigned i = from; i < to; i++) {
		na += e->at[i].mark != '+';
		nb += e->at[i].mark != '-';
	}
	buf_addf(out, "@@ -%u,%u +%u,%u @@\n", e->at[from].a + (na > 0), na, e->at[from].b + (nb > 0), nb);
	for (unsigned i = from; i < to; i++) {
		buf_addc(out, e->at[i].mark);
		buf_addstr(out, e->at[i].mark == '+' ? b->at[e->at[i].b] : a->at[e->at[i].a]);
		buf_addc(out, '\n');
	}
}

void line_diff(struct str before, struct str after, unsigned context, struct buf *out, unsigned *plus, unsigned *minus)
{
	struct lines a = split(before), b = split(after);
	struct edits e = edits_of(&a, &b);
	unsigned added = 0, gone = 0;

	for (unsigned i = 0; i < e.n;) {
		unsigned from, to, last;

		if (e.at[i].mark == ' ') {
			i++;
			continue;
		}
		from = i > context ? i - context : 0;
		for (last = to = i; to < e.n && to - last <= 2 * context; to++)
			if (e.at[to].mark != ' ') {
				last = to;
				added += e.at[to].mark == '+';
				gone += e.at[to].mark == '-';
			}
		i = to = last + 1 + context < e.n ? last + 1 + context : e.n;
		write_hunk(&a, &b, &e, from, to, out);
	}
	if (plus)
		*plus = added;
	if (minus)
		*minus = gone;
	free(a.at);
	free(b.at);
	free(e.at);
}
