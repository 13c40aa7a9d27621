/* rows: see rows.h. Cell tags: 'n' null, 't' text, 'i' zigzag, 'f' 8 bytes little-endian, 'k' keep. */
#include "base/rows.h"
#include <math.h>

void rows_start(struct buf *b, const char *kind)
{
	buf_string(b, str_of(kind));
}

static void op(struct buf *b, enum rows_op o, struct str key)
{
	buf_addc(b, (char)o);
	buf_string(b, key);
}

void rows_kind(struct buf *b, const struct kind *k)
{
	struct buf body = { 0 };
	kind_write(k, &body);
	op(b, ROWS_KIND, buf_str(&body));
	buf_release(&body);
}

void rows_begin(struct buf *b, struct str prefix)
{
	op(b, ROWS_BEGIN, prefix);
}

void rows_end(struct buf *b, struct str prefix)
{
	op(b, ROWS_END, prefix);
}

void rows_del(struct buf *b, struct str key)
{
	op(b, ROWS_DEL, key);
}

void rows_put(struct buf *b, struct str key, enum level level)
{
	op(b, ROWS_PUT, key);
	buf_addc(b, (char)level);
}

void rows_update(struct buf *b, struct str key, enum level level)
{
	op(b, ROWS_UPDATE, key);
	buf_addc(b, (char)level);
}

void cell_keep(struct buf *b)
{
	buf_addc(b, 'k');
}

void cell_null(struct buf *b)
{
	buf_addc(b, 'n');
}

void cell_text(struct buf *b, struct str s)
{
	buf_reserve(b, s.n + 8);
	buf_addc(b, 't');
	buf_string(b, s);
}

void cell_int(struct buf *b, int64_t v)
{
	buf_addc(b, 'i');
	buf_zigzag(b, v);
}

void cell_real(struct buf *b, double v)
{
	if (!isfinite(v)) {
		cell_null(b);
		return;
	}
	uint64_t bits;
	char le[9] = { 'f' };
	memcpy(&bits, &v, 8);
	for (int i = 0; i < 8; i++)
		le[1 + i] = (char)(bits >> 8 * i);
	buf_add(b, le, 9);
}

struct str rows_open(struct rd *r, struct str body)
{
	*r = rd_of(body);
	return rd_string(r);
}

bool rows_next(struct rd *r, enum rows_op *o)
{
	if (!rd_more(r))
		return false;
	uint8_t c = rd_byte(r);
	if (!c || !strchr("kbepud", c)) {
		r->bad = true;
		return false;
	}
	*o = (enum rows_op)c;
	return true;
}

struct rows_cell rows_cell(struct rd *r)
{
	struct rows_cell c = { CELL_NULL, { "", 0 }, 0, 0 };
	switch (rd_byte(r)) {
	case 'n':
		break;
	case 'k':
		c.is = CELL_KEEP;
		break;
	case 't':
		c.is = CELL_TEXT;
		c.text = rd_string(r);
		break;
	case 'i':
		c.is = CELL_INT;
		c.i = rd_zigzag(r);
		break;
	case 'f': {
		struct str s = rd_bytes(r, 8);
		uint64_t bits = 0;
		for (size_t i = 0; i < s.n; i++)
			bits |= (uint64_t)(unsigned char)s.p[i] << 8 * i;
		memcpy(&c.f, &bits, 8);
		c.is = isfinite(c.f) ? CELL_REAL : CELL_NULL;
		break;
	}
	default:
		r->bad = true;
	}
	return c;
}

bool rows_reshape(struct str body, const char *kind, unsigned ncols, rows_cells_fn put, void *arg, struct buf *out)
{
	struct rows_cell cells[KIND_MAX_COLS];
	enum rows_op op;
	struct rd r;
	rows_start(out, kind);
	rows_open(&r, body);
	while (rows_next(&r, &op)) {
		struct str key = rd_string(&r);
		if (op == ROWS_BEGIN)
			rows_begin(out, key);
		else if (op == ROWS_END)
			rows_end(out, key);
		else if (op == ROWS_DEL)
			rows_del(out, key);
		if (op != ROWS_PUT && op != ROWS_UPDATE)
			continue;
		enum level level = (enum level)rd_byte(&r);
		for (unsigned c = 0; c < ncols; c++)
			cells[c] = rows_cell(&r);
		if (r.bad)
			break;
		(op == ROWS_PUT ? rows_put : rows_update)(out, key, level);
		put(arg, cells, out);
	}
	return !r.bad;
}
