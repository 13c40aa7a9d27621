/* kind: see kind.h. */
#include "base/kind.h"
#include "base/mem.h"
#include <stdlib.h>

int kind_col(const struct kind *k, struct str name, bool loose)
{
	int found = -1;
	for (int i = 0; i < k->ncols; i++) {
		struct str n = str_of(k->cols[i].name);
		if (str_eq(n, name))
			return i;
		if (loose && name.n && str_starts(n, name))
			found = found == -1 ? i : -2;
	}
	return found < 0 ? -1 : found;
}

bool kind_answers_to(const struct kind *k, struct str name)
{
	if (str_is(name, k->name) || (k->singular && str_is(name, k->singular)))
		return true;
	for (const char *const *a = k->aliases; a && *a; a++)
		if (str_is(name, *a))
			return true;
	return false;
}

bool col_is_right(const struct column *c)
{
	return (c->flags & COL_RIGHT) || !(col_is_text(c) || c->type == COL_BOOL || c->type == COL_PAIR);
}

void kind_write(const struct kind *k, struct buf *out)
{
	buf_string(out, str_of(k->name));
	buf_string(out, str_of(k->singular ? k->singular : ""));
	buf_string(out, str_of(k->group ? k->group : ""));
	buf_string(out, str_of(k->help ? k->help : ""));
	unsigned naliases = 0;
	while (k->aliases && k->aliases[naliases])
		naliases++;
	buf_varint(out, naliases);
	for (unsigned i = 0; i < naliases; i++)
		buf_string(out, str_of(k->aliases[i]));
	buf_varint(out, k->namespaced);
	buf_varint(out, k->ncols);
	for (unsigned i = 0; i < k->ncols; i++) {
		const struct column *c = &k->cols[i];
		buf_string(out, str_of(c->name));
		buf_string(out, str_of(c->title));
		buf_varint(out, c->type);
		buf_varint(out, c->flags);
		buf_varint(out, c->priority);
		buf_varint(out, c->width);
		buf_string(out, str_of(c->ref ? c->ref : ""));
		buf_string(out, str_of(c->unit ? c->unit : ""));
	}
}

/* One allocation: the struct, columns, alias pointers, then all texts. Texts never take more than the bytes
 * they were read from plus a NUL each. */
struct kind_block {
	struct kind kind;
	struct column cols[KIND_MAX_COLS];
	const char *aliases[17];
	char *at;
	char text[];
};

static const char *keep(struct kind_block *b, struct rd *r, bool empty_is_null)
{
	struct str s = rd_string(r);
	if (empty_is_null && !s.n)
		return NULL;
	char *p = b->at;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	b->at += s.n + 1;
	return p;
}

static void parse_column(struct kind_block *b, struct rd *r, struct column *c)
{
	c->name = keep(b, r, false);
	c->title = keep(b, r, false);
	uint64_t type = rd_varint(r);
	if (type >= COL_TYPE_COUNT)
		r->bad = true;
	c->type = r->bad ? COL_TEXT : (enum col_type)type;
	c->flags = (uint8_t)rd_varint(r);
	c->priority = (uint8_t)rd_varint(r);
	c->width = (uint8_t)rd_varint(r);
	c->ref = keep(b, r, true);
	c->unit = keep(b, r, true);
}

struct kind *kind_parse(struct str bytes)
{
	struct rd r = rd_of(bytes);
	struct kind_block *b = xcalloc(1, sizeof(*b) + 2 * bytes.n + 1024);
	b->at = b->text;
	b->kind.name = keep(b, &r, false);
	b->kind.singular = keep(b, &r, true);
	b->kind.group = keep(b, &r, true);
	b->kind.help = keep(b, &r, true);
	uint64_t n = rd_varint(&r);
	if (n > 16)
		r.bad = true;
	for (uint64_t i = 0; !r.bad && i < n; i++)
		b->aliases[i] = keep(b, &r, false);
	b->kind.aliases = b->aliases;
	b->kind.namespaced = rd_varint(&r);
	n = rd_varint(&r);
	if (!n || n > KIND_MAX_COLS)
		r.bad = true;
	for (uint64_t i = 0; !r.bad && i < n; i++)
		parse_column(b, &r, &b->cols[i]);
	b->kind.ncols = r.bad ? 0 : (uint8_t)n;
	b->kind.cols = b->cols;
	if (r.bad || rd_more(&r) || !b->kind.name[0]) {
		free(b);
		return NULL;
	}
	return &b->kind;
}

void kind_free(struct kind *k)
{
	free(k);   /* the block's first member */
}
