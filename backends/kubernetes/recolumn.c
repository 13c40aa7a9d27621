/* recolumn: see recolumn.h. */
#include "backends/kubernetes/recolumn.h"

static void put_cell(const struct column *c, const struct rows_cell *cell, struct buf *out)
{
	int64_t n;

	if (col_is_text(c) && cell->is == CELL_TEXT)
		cell_text_or_null(out, cell->text);
	else if (!col_is_text(c) && cell->is == CELL_INT)
		cell_int(out, cell->i);
	else if (!col_is_text(c) && cell->is == CELL_TEXT && str_to_i64(cell->text, &n))
		cell_int(out, n);
	else if (cell->is == CELL_KEEP)
		cell_keep(out);
	else
		cell_null(out);
}

static bool recolumn_row(const struct kind *from, const struct kind *to, struct rd *r, bool update, struct buf *out)
{
	struct rows_cell cells[KIND_MAX_COLS];
	struct str key = rd_string(r);
	enum level level = rd_byte(r);

	for (int i = 0; i < from->ncols; i++)
		cells[i] = rows_cell(r);
	if (r->bad)
		return false;
	update ? rows_update(out, key, level) : rows_put(out, key, level);
	for (int i = 0; i < to->ncols; i++) {
		int at = kind_col(from, str_of(to->cols[i].name), false);
		if (at < 0)
			cell_null(out);
		else
			put_cell(&to->cols[i], &cells[at], out);
	}
	return true;
}

bool recolumn(const struct kind *from, const struct kind *to, struct str body, struct buf *out)
{
	struct rd r;
	enum rows_op op;

	rows_open(&r, body);
	while (rows_next(&r, &op)) {
		switch (op) {
		case ROWS_KIND: rd_string(&r); break;
		case ROWS_BEGIN: rows_begin(out, rd_string(&r)); break;
		case ROWS_END: rows_end(out, rd_string(&r)); break;
		case ROWS_DEL: rows_del(out, rd_string(&r)); break;
		case ROWS_PUT:
		case ROWS_UPDATE:
			if (!recolumn_row(from, to, &r, op == ROWS_UPDATE, out))
				return false;
		}
	}
	return !r.bad;
}
