/* Any text as a filter on pods, matched against a few rows. The first byte says where `now` stands. */
#include "base/filter.h"
#include "base/kinds.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A row with something in each cell, and one with nothing in any. */
static struct table *make_rows(void)
{
	struct table *t = table_new(&kind_pods);
	struct buf b = { 0 };
	rows_start(&b, "pods");
	for (int empty = 0; empty < 2; empty++) {
		rows_put(&b, empty ? STR("ml/empty") : STR("ml/model-api-6d9f7c-x2x8k"), LEVEL_BAD);
		for (int c = 0; c < kind_pods.ncols; c++) {
			const struct column *col = &kind_pods.cols[c];
			if (empty)
				cell_null(&b);
			else if (col->type == COL_LABELS)
				cell_text(&b, STR("app=model-api,tier=gpu,x"));
			else if (col_is_text(col))
				cell_text(&b, STR("CrashLoopBackOff \xff|/!~"));
			else if (col_is_real(col))
				cell_real(&b, 0.99);
			else
				cell_int(&b, col->type == COL_PAIR ? PAIR(1, 2) : 1000000);
		}
	}
	struct rd r = rd_of(buf_str(&b));
	rows_open(&r, buf_str(&b));
	r = rd_of(buf_str(&b));
	rd_string(&r);
	if (!table_apply(t, 0, &r, 0) || t->count != 2)
		abort();
	buf_release(&b);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_error err;
	if (!size)
		return 0;
	char *text = str_dup((struct str){ (const char *)data + 1, size - 1 });
	struct filter *f = filter_parse(text, &kind_pods, &err);
	if (!f) {
		if (err.at > strlen(text) || !err.what[0] || !memchr(err.what, 0, sizeof(err.what)))
			abort();
	} else {
		struct table *t = make_rows();
		for (uint32_t i = 0; i < t->nslots; i++)
			if (table_row(t, i))
				filter_match(f, t, table_row(t, i), data[0] * 3600000LL);
		table_free(t);
	}
	filter_free(f);
	free(text);
	return 0;
}
