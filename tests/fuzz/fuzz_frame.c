/* Any bytes into a frame, in UTF-8 and ASCII: no control reaches a cell, widths add up, wide glyphs stay whole. */
#include "tui/frame.h"
#include "tui/text.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct frame *f, int y)
{
	const struct glyph *row = f->cells + y * f->w;

	for (int x = 0; x < f->w; x++) {
		if (row[x].ch == 0 && (x == 0 || row[x - 1].ch == 0))
			abort();                        /* half of nothing */
		if (row[x].ch && row[x].ch < 0x20)
			abort();
		if (row[x].ch >= 0x7f && row[x].ch < 0xa0)
			abort();
		if (f->ascii && row[x].ch >= 0x7f)
			abort();
		if (row[x].ch & CELL_CLUSTER && (row[x].ch & ~CELL_CLUSTER) >= f->pool.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int w, h;
	struct frame f;
	struct buf out = { 0 };

	if (size < 4)
		return 0;
	w = data[0] % 40, h = 1 + data[1] % 3;
	frame_init(&f, w, h, data[2] & 1);
	for (int i = 0; i < 3; i++) {
		struct str s = { (const char *)data + 4, size - 4 };
		struct rect area = { (int8_t)data[3] % 20, i - 1, data[2] % 50, 2 };
		int used, all = text_width(s, f.ascii), took;

		took = frame_text(&f, area, (int8_t)data[i], 0, i == 1 ? 7 : -1, s, ROLE_TEXT);
		if (took < 0 || took > all + 8)
			abort();
		frame_fit(&f, area, 1, 1, data[i] % 9, s, ROLE_BAD);
		frame_right(&f, area, 0, 0, data[i] % 30, s, ROLE_BAD);
		frame_fit_middle(&f, area, 1, 1, data[i] % 30, s, ROLE_BAD);
		if (text_fit(s, f.ascii, data[i], &used) > s.n || used > data[i])
			abort();
	}
	for (int y = 0; y < h && w; y++)
		check_row(&f, y);
	frame_dump_roles(&f, &out);
	buf_release(&out);
	frame_release(&f);
	return 0;
}
