/* predict_csv: CSV as spreadsheets and data frames write it: quotes, doubled quotes, line ends within quotes. */
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/predict.h"
#include <stdlib.h>

static void end_cell(struct csv *row)
{
	buf_add(&row->cells, "", 1);
	if (row->n == row->room) {
		row->room = row->room ? row->room * 2 : 32;
		row->at = xreallocarray(row->at, row->room, sizeof(*row->at));
	}
	row->n++;
}

bool csv_next(struct str *rest, struct csv *row)
{
	bool quoted = false, any = false;
	size_t i = 0, start = 0;
	buf_clear(&row->cells);
	row->n = 0;
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		any |= c != '\n' && c != '\r';
		if (quoted && c == '"' && i + 1 < rest->n && rest->p[i + 1] == '"')
			buf_addc(&row->cells, rest->p[++i]);
		else if (c == '"' && (quoted || row->cells.len == start))
			quoted = !quoted;
		else if (quoted || (c != ',' && c != '\n' && c != '\r'))
			buf_addc(&row->cells, c ? c : ' ');
		else if (c == ',' || (c == '\n' && any)) {
			end_cell(row);
			row->at[row->n - 1] = start;
			start = row->cells.len;
			if (c == '\n')
				break;
		}
	}
	if (i >= rest->n && any) {
		end_cell(row);
		row->at[row->n - 1] = start;
	}
	rest->p += i < rest->n ? i + 1 : rest->n;
	rest->n -= i < rest->n ? i + 1 : rest->n;
	return row->n > 0;
}

void csv_put(FILE *f, const char *s, bool last)
{
	struct buf b = { 0 };
	fmt_csv(str_of(s), &b);
	buf_addc(&b, last ? '\n' : ',');
	fwrite(b.data, 1, b.len, f);
	buf_release(&b);
}

void csv_release(struct csv *row)
{
	buf_release(&row->cells);
	free(row->at);
	*row = (struct csv){ 0 };
}
