/* frame: cells with roles. Everything that enters a cell from text goes through piece_next; everything that is drawn
 * through frame_fill is ours, and only has to be made ASCII where the frame is. */
#include "tui/frame.h"
#include "base/mem.h"
#include "tui/text.h"
#include <stdio.h>
#include <stdlib.h>

#define X(id, name, help) name,
const char *const role_names[ROLE_COUNT] = { ROLES(X) };
#undef X
#define X(id, name, help) help,
const char *const role_helps[ROLE_COUNT] = { ROLES(X) };
#undef X

#define MIDDLE_MAX 512           /* bytes of a name */

static const struct glyph blank = { .ch = ' ' };

void frame_init(struct frame *f, int w, int h, bool ascii)
{
	*f = (struct frame){ .ascii = ascii, .cur_x = -1, .cur_y = -1 };
	frame_resize(f, w, h);
}

void frame_clear(struct frame *f)
{
	for (int i = 0, n = f->w * f->h; i < n; i++)
		f->cells[i] = blank;
	buf_clear(&f->pool);
	f->cur_x = f->cur_y = -1;
}

void frame_resize(struct frame *f, int w, int h)
{
	w = w < 0 ? 0 : w > 4096 ? 4096 : w;
	h = h < 0 ? 0 : h > 4096 ? 4096 : h;
	if (!f->cells || w != f->w || h != f->h) {
		free(f->cells);
		f->cells = xcalloc((size_t)w * (size_t)h + 1, sizeof(*f->cells));
		f->w = w, f->h = h;
	}
	frame_clear(f);
}

void frame_release(struct frame *f)
{
	free(f->cells);
	buf_release(&f->pool);
	*f = (struct frame){ .cur_x = -1, .cur_y = -1 };
}

struct rect rect_part(struct rect r, int x, int y, int w, int h)
{
	struct rect p = { r.x + (x < 0 ? 0 : x), r.y + (y < 0 ? 0 : y), w + (x < 0 ? x : 0), h + (y < 0 ? y : 0) };

	if (p.w > r.x + r.w - p.x)
		p.w = r.x + r.w - p.x;
	if (p.h > r.y + r.h - p.y)
		p.h = r.y + r.h - p.y;
	p.w = p.w < 0 ? 0 : p.w;
	p.h = p.h < 0 ? 0 : p.h;
	return p;
}

/* `area` within the frame. */
static struct rect clip(const struct frame *f, struct rect area)
{
	return rect_part((struct rect){ 0, 0, f->w, f->h }, area.x, area.y, area.w, area.h);
}

/* Whatever half of a wide glyph stays when x is overwritten becomes blank. */
static void cut_wide(struct frame *f, struct glyph *row, int x)
{
	if (!row[x].ch && x > 0)
		row[x - 1].ch = ' ';
	if (x + 1 < f->w && !row[x + 1].ch)
		row[x + 1].ch = ' ';
}

static void put(struct frame *f, struct glyph *row, int x, uint32_t ch, int width, enum role role)
{
	cut_wide(f, row, x);
	row[x].ch = ch;
	row[x].role = (uint8_t)role;
	if (width == 2) {
		cut_wide(f, row, x + 1);
		row[x + 1].ch = 0;
		row[x + 1].role = (uint8_t)role;
	}
}

static uint32_t pool_add(struct frame *f, const char *s, size_t n)
{
	uint32_t at = (uint32_t)f->pool.len;

	buf_add(&f->pool, s, n);
	buf_addc(&f->pool, 0);
	return at | CELL_CLUSTER;
}

/* Text of the other direction ends with a left-to-right mark, in the last cell of it: where the terminal orders
 * text itself, the cells that follow stay where they are. */
static void isolate(struct frame *f, struct glyph *g)
{
	char s[PIECE_MAX + 8];
	size_t n;

	if (g->ch & CELL_CLUSTER)
		n = (size_t)snprintf(s, sizeof(s), "%s", f->pool.data + (g->ch & ~CELL_CLUSTER));
	else
		n = (size_t)text_utf8(g->ch, s);
	n += (size_t)text_utf8(0x200e, s + n);
	g->ch = pool_add(f, s, n);
}

/* Draws pieces from x to end (exclusive) of a row; x may be left of the clip. Returns the cells taken. */
static int put_pieces(struct frame *f, int y, int x, int end, struct rect in, struct str s, enum role role)
{
	struct glyph *row = f->cells + (size_t)y * (size_t)f->w;
	struct glyph *rtl = NULL;
	struct piece p;
	int start = x;

	while (x < end && s.n) {
		unsigned char c = (unsigned char)*s.p;

		if (c >= 0x20 && c < 0x7f && (s.n == 1 || (unsigned char)s.p[1] < 0x80)) {   /* the usual case */
			if (x >= in.x)
				put(f, row, x, c, 1, role);
			s.p++, s.n--, x++;
			if (rtl && c != ' ')
				isolate(f, rtl), rtl = NULL;
			continue;
		}
		piece_next(&s, f->ascii, &p);
		if (p.ch == '\t' && !p.control) {
			for (int n = 8 - (x - start) % 8; n && x < end; n--, x++)
				if (x >= in.x)
					put(f, row, x, ' ', 1, role);
			continue;
		}
		if (x + p.width > end)
			break;
		if (p.control) {
			for (int i = 0; i < p.width; i++)
				if (x + i >= in.x)
					put(f, row, x + i, (unsigned char)p.text[i], 1, ROLE_CONTROL);
		} else if (x >= in.x) {
			put(f, row, x, p.single ? p.ch : pool_add(f, p.text, p.n), p.width, role);
		} else if (x + p.width > in.x) {
			put(f, row, in.x, ' ', 1, role);
		}
		if (rtl && !p.rtl && p.ch != ' ')
			isolate(f, rtl), rtl = NULL;
		if (p.rtl && x >= in.x)
			rtl = &row[x];
		x += p.width;
	}
	if (rtl)
		isolate(f, rtl);
	return x - start;
}

int frame_text(struct frame *f, struct rect area, int x, int y, int max, struct str s, enum role role)
{
	struct rect in = clip(f, area);
	int end = in.x + in.w;

	y += area.y;
	x += area.x;
	if (y < in.y || y >= in.y + in.h || x >= end || x < -100000)
		return 0;
	if (max >= 0 && max < end - x)
		end = x + max;
	return put_pieces(f, y, x, end, in, s, role);
}

int frame_textf(struct frame *f, struct rect area, int x, int y, int max, enum role role, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < (int)sizeof(small))
		return frame_text(f, area, x, y, max, (struct str){ small, n < 0 ? 0 : (size_t)n }, role);

	struct buf b = { 0 };

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	n = frame_text(f, area, x, y, max, buf_str(&b), role);
	buf_release(&b);
	return n;
}

/* True when s takes at most width cells; *used its cells. Never looks further than needed. */
static bool fits(const struct frame *f, struct str s, int width, int *used)
{
	return text_fit(s, f->ascii, width, used) == s.n;
}

int frame_fit(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role)
{
	int used = 0;

	if (width <= 0)
		return 0;
	if (fits(f, s, width, &used))
		return frame_text(f, area, x, y, width, s, role);
	s.n = text_fit(s, f->ascii, width - 1, &used);
	frame_text(f, area, x, y, used, s, role);
	return used + frame_text(f, area, x + used, y, 1, f->ascii ? STR("~") : STR("\u2026"), role);
}

int frame_fit_words(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role)
{
	struct str head = s;
	size_t at;
	int used = 0;

	if (width <= 0)
		return 0;
	if (fits(f, s, width, &used))
		return frame_text(f, area, x, y, width, s, role);
	head.n = text_fit(s, f->ascii, width - 1, &used);
	for (at = head.n; at > 0 && s.p[at - 1] != ' ';)
		at--;
	if (at > head.n / 2 && s.p[head.n] != ' ' && (memchr("0123456789$+-.", s.p[at], 14) || head.n - at < 3))
		for (head.n = at; head.n > 1 && memchr(" ,;:(", s.p[head.n - 1], 5);)
			head.n--;
	used = frame_text(f, area, x, y, width - 1, head, role);
	return used + frame_text(f, area, x + used, y, 1, f->ascii ? STR("~") : STR("\u2026"), role);
}

int frame_fit_middle(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role)
{
	struct str end = s;
	struct piece p;
	int used = 0, tail = width / 2, all;

	if (width < 5 || fits(f, s, width, &used))
		return frame_fit(f, area, x, y, width, s, role);
	if (s.n > MIDDLE_MAX)            /* nobody's name: not looked through for its end */
		return frame_fit(f, area, x, y, width, s, role);
	for (all = text_width(s, f->ascii); all > tail && piece_next(&end, f->ascii, &p);)
		all -= p.width;
	s.n = text_fit(s, f->ascii, width - 1 - all, &used);
	used = frame_text(f, area, x, y, used, s, role);
	used += frame_text(f, area, x + used, y, 1, f->ascii ? STR("~") : STR("\u2026"), role);
	return used + frame_text(f, area, x + used, y, width - used, end, role);
}

int frame_right(struct frame *f, struct rect area, int x, int y, int width, struct str s, enum role role)
{
	int used = 0;

	if (width <= 0)
		return 0;
	if (!fits(f, s, width, &used))
		return frame_fit(f, area, x, y, width, s, role);
	return frame_text(f, area, x + width - used, y, used, s, role);
}

void frame_fill(struct frame *f, struct rect area, uint32_t ch, enum role role)
{
	struct rect in = clip(f, area);

	if (f->ascii && ch >= 0x80) {
		char c = text_ascii(ch);

		ch = c ? (unsigned char)c : '?';
	}
	for (int y = in.y; y < in.y + in.h; y++)
		for (int x = in.x; x < in.x + in.w; x++)
			put(f, f->cells + (size_t)y * (size_t)f->w, x, ch, 1, role);
}

void frame_back(struct frame *f, struct rect area, enum role back)
{
	struct rect in = clip(f, area);

	for (int y = in.y; y < in.y + in.h; y++)
		for (int x = in.x; x < in.x + in.w; x++)
			f->cells[(size_t)y * (size_t)f->w + (size_t)x].back = (uint8_t)back;
}

void frame_role(struct frame *f, struct rect area, enum role role)
{
	struct rect in = clip(f, area);

	for (int y = in.y; y < in.y + in.h; y++)
		for (int x = in.x; x < in.x + in.w; x++)
			f->cells[(size_t)y * (size_t)f->w + (size_t)x].role = (uint8_t)role;
}

int text_width(struct str s, bool ascii)
{
	int used = 0;

	text_fit(s, ascii, 1 << 30, &used);
	return used;
}

void frame_dump(const struct frame *f, struct buf *out)
{
	char u[5];

	for (int y = 0; y < f->h; y++) {
		const struct glyph *row = f->cells + (size_t)y * (size_t)f->w;
		int n = f->w;

		while (n && row[n - 1].ch == ' ')
			n--;
		for (int x = 0; x < n; x++) {
			if (row[x].ch & CELL_CLUSTER)
				buf_adds(out, f->pool.data + (row[x].ch & ~CELL_CLUSTER));
			else if (row[x].ch)
				buf_add(out, u, (size_t)text_utf8(row[x].ch, u));
		}
		buf_addc(out, '\n');
	}
}

/* A letter per cell: A.. a.. by role, "." plain text, "_" plain text on a background. */
void frame_dump_roles(const struct frame *f, struct buf *out)
{
	frame_dump(f, out);
	for (int y = 0; y < f->h; y++) {
		const struct glyph *row = f->cells + (size_t)y * (size_t)f->w;
		int n = f->w;

		while (n && row[n - 1].ch == ' ' && !row[n - 1].back && !row[n - 1].role)
			n--;
		for (int x = 0; x < n; x++)
			buf_addc(out, !row[x].role ? (row[x].back ? '_' : '.') :
			         (char)((row[x].role <= 26 ? 'A' - 1 : 'a' - 27) + row[x].role));
		buf_addc(out, '\n');
	}
}
