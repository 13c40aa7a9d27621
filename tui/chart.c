/* chart: see chart.h. */
#include "tui/chart.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

/* ---- sparklines */

static void scale_of(const double *v, int n, double *lo, double *hi)
{
	*lo = 0, *hi = -INFINITY;
	for (int i = 0; i < n; i++) {
		if (isnan(v[i]))
			continue;
		*lo = v[i] < *lo ? v[i] : *lo;
		*hi = v[i] > *hi ? v[i] : *hi;
	}
	if (*hi <= *lo)
		*hi = *lo + 1;
}

void spark(const double *v, int n, int width, bool ascii, struct buf *out)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char letters[] = "_.-=+*#@";
	double lo, hi;
	if (n > width)
		v += n - width, n = width;
	scale_of(v, n, &lo, &hi);
	for (int i = 0; i < n; i++) {
		if (isnan(v[i])) {
			buf_addc(out, ' ');
			continue;
		}
		int k = (int)((v[i] - lo) / (hi - lo) * 7.999);
		k = k < 0 ? 0 : k > 7 ? 7 : k;
		if (ascii)
			buf_addc(out, letters[k]);
		else
			buf_adds(out, blocks[k]);
	}
}

enum { SERIES_MAX = 256 };

/* The last values of the text; returns how many. */
static int read_series(struct str text, double *v)
{
	int n = 0;
	while (text.n) {
		struct str word = str_split(&text, ' ');
		if (!word.n)
			continue;
		if (n == SERIES_MAX) {
			memmove(v, v + 1, (SERIES_MAX - 1) * sizeof(*v));
			n--;
		}
		if (!str_to_f64(word, &v[n]))
			v[n] = NAN;
		n++;
	}
	return n;
}

void spark_text(struct str text, int width, bool ascii, struct buf *out)
{
	double v[SERIES_MAX];
	int n = read_series(text, v);
	spark(v, n, width < SERIES_MAX ? width : SERIES_MAX, ascii, out);
}

void spark_text_span(struct str text, int width, bool ascii, struct buf *out)
{
	double v[SERIES_MAX], lo = INFINITY, hi = -INFINITY;
	int n = read_series(text, v), from = n > width ? n - width : 0;
	for (int i = from; i < n; i++) {
		lo = v[i] < lo ? v[i] : lo;
		hi = v[i] > hi ? v[i] : hi;
	}
	for (int i = from; i < n; i++)
		v[i] = hi > lo ? v[i] - lo + (hi - lo) * 0.1 : v[i];
	spark(v + from, n - from, width, ascii, out);
}

/* ---- a line over an area */

struct plot {
	const struct chart *c;
	struct rect area;          /* without labels and axis */
	double x0, x1, lo, hi;
	int dots_x, dots_y;        /* per cell: 2 x 4 in braille, 1 x 1 in ASCII */
	int ahead;                 /* dot from which it is expected, -1 none */
};

static void range(const struct chart *c, struct plot *p)
{
	double lo = 0, hi = -INFINITY;
	for (int i = 0; i < c->n; i++) {
		if (isnan(c->y[i]))
			continue;
		lo = c->y[i] < lo ? c->y[i] : lo;
		hi = c->y[i] > hi ? c->y[i] : hi;
	}
	if (!isnan(c->limit))
		hi = c->limit * 1.2 > hi ? c->limit * 1.2 : hi;
	p->lo = isnan(c->lo) ? lo : c->lo;
	p->hi = isnan(c->hi) ? hi : c->hi;
	if (!(p->hi > p->lo))
		p->hi = p->lo + 1;
	p->x0 = c->n ? c->x[0] : 0;
	p->x1 = c->n ? c->x[c->n - 1] : 1;
	if (p->x1 <= p->x0)
		p->x1 = p->x0 + 1;
}

static int at_x(const struct plot *p, double x)
{
	return (int)((x - p->x0) / (p->x1 - p->x0) * (p->area.w * p->dots_x - 1) + 0.5);
}

static int at_y(const struct plot *p, double y)
{
	int most = p->area.h * p->dots_y - 1;
	int k = (int)((y - p->lo) / (p->hi - p->lo) * most + 0.5);
	return most - (k < 0 ? 0 : k > most ? most : k);
}

static void dot(const struct plot *p, uint8_t *cells, uint8_t *over, int x, int y, bool wrong)
{
	static const uint8_t bits[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
	int cx = x / p->dots_x, cy = y / p->dots_y;
	if (cx < 0 || cy < 0 || cx >= p->area.w || cy >= p->area.h || (p->ahead >= 0 && x > p->ahead && cx % 2))
		return;
	cells[cy * p->area.w + cx] |= bits[y % p->dots_y][x % p->dots_x];
	over[cy * p->area.w + cx] |= wrong;
}

static bool is_over(const struct chart *c, double v)
{
	return !isnan(c->limit) && (c->below ? v < c->limit : v > c->limit);
}

static void segment(const struct plot *p, uint8_t *cells, uint8_t *over, int i)
{
	const struct chart *c = p->c;
	int x = at_x(p, c->x[i]), y = at_y(p, c->y[i]);
	dot(p, cells, over, x, y, is_over(c, c->y[i]));
	if (i == 0 || isnan(c->y[i - 1]))
		return;
	int fx = at_x(p, c->x[i - 1]), fy = at_y(p, c->y[i - 1]);
	int steps = abs(x - fx) > abs(y - fy) ? abs(x - fx) : abs(y - fy);
	for (int k = 1; k < steps; k++) {
		double part = (double)k / steps, value = c->y[i - 1] + (c->y[i] - c->y[i - 1]) * part;
		dot(p, cells, over, fx + (int)lround((x - fx) * part), fy + (int)lround((y - fy) * part),
		    is_over(c, value));
	}
}

static void draw_limit(const struct plot *p, struct frame *f)
{
	if (isnan(p->c->limit) || p->c->limit < p->lo || p->c->limit > p->hi)
		return;
	int row = at_y(p, p->c->limit) / p->dots_y;
	frame_fill(f, rect_part(p->area, 0, row, p->area.w, 1), f->ascii ? '.' : 0x2504, ROLE_CHART_LIMIT);
}

static void draw_cells(const struct plot *p, struct frame *f, const uint8_t *cells, const uint8_t *over)
{
	for (int y = 0; y < p->area.h; y++) {
		for (int x = 0; x < p->area.w; x++) {
			uint8_t bits = cells[y * p->area.w + x];
			if (bits)
				frame_fill(f, rect_part(p->area, x, y, 1, 1), f->ascii ? '*' : 0x2800u + bits,
				           over[y * p->area.w + x] ? ROLE_CHART_OVER : ROLE_CHART);
		}
	}
}

#define LABEL_CELLS 6            /* "21 Nov", "03:15" */

/* Where from x on a label stands clear of the marks, `most` cells away at most; else x itself: marks are drawn over it. */
static int label_place(const struct plot *p, int x, int width, int most)
{
	for (int by = 0; by <= most; by++) {
		bool clear = true;
		for (int i = 0; clear && i < p->c->nmarks; i++) {
			int m = at_x(p, p->c->marks[i].x) / p->dots_x;
			clear = m < x + by - 1 || m > x + by + width;
		}
		if (clear)
			return x + by;
	}
	return x;
}

static void draw_axis(const struct plot *p, struct frame *f, struct rect line)
{
	const struct chart *c = p->c;
	frame_fill(f, line, f->ascii ? '-' : 0x2500, ROLE_CHART_AXIS);
	int step = 16, free_from = 0;
	for (int at = 0; c->label && at + 8 < line.w; at += step) {
		int x = label_place(p, at, LABEL_CELLS, step / 2);
		struct buf b = { 0 };
		c->label(p->x0 + (p->x1 - p->x0) * x / (line.w > 1 ? line.w - 1 : 1), &b);
		if (b.len && x >= free_from && x + (int)b.len <= line.w) {
			int used = frame_text(f, line, x, 0, line.w - x, buf_str(&b), ROLE_CHART_AXIS);
			free_from = x + used + 2;
		}
		buf_release(&b);
	}
	for (int i = 0; i < c->nmarks; i++) {
		int x = at_x(p, c->marks[i].x) / p->dots_x;
		if (x >= 0 && x < line.w)
			frame_text(f, line, x, 0, 1, str_of(c->marks[i].letter), ROLE_TITLE);
	}
}

static void draw_scale(const struct plot *p, struct frame *f, struct rect area, int label_w)
{
	double values[3] = { p->hi, (p->hi + p->lo) / 2, p->lo };
	int rows[3] = { 0, (p->area.h - 1) / 2, p->area.h - 1 };
	for (int i = 0; i < 3; i++) {
		struct buf b = { 0 };
		if (i == 1 && p->area.h < 5)
			continue;
		fmt_real(values[i], &b);
		frame_right(f, area, 0, rows[i], label_w - 1, buf_str(&b), ROLE_CHART_AXIS);
		buf_release(&b);
	}
	frame_fill(f, rect_part(area, label_w - 1, 0, 1, p->area.h), f->ascii ? '|' : 0x2502, ROLE_CHART_AXIS);
}

void chart_draw(const struct chart *c, struct frame *f, struct rect area)
{
	enum { LABEL_W = 8 };
	if (area.h < 4 || area.w < 16) {
		struct buf b = { 0 };
		if (area.h > 0 && area.w > 0)
			spark(c->y, c->n, area.w, f->ascii, &b);
		frame_text(f, area, 0, 0, area.w, buf_str(&b), ROLE_CHART);
		buf_release(&b);
		return;
	}
	struct plot p = { .c = c, .dots_x = f->ascii ? 1 : 2, .dots_y = f->ascii ? 1 : 4 };
	p.area = rect_part(area, LABEL_W, 0, area.w - LABEL_W, area.h - 1);
	range(c, &p);
	p.ahead = c->ahead > 0 ? at_x(&p, c->ahead) : -1;
	size_t n = (size_t)p.area.w * (size_t)p.area.h;
	uint8_t *cells = xcalloc(n ? n : 1, 1), *over = xcalloc(n ? n : 1, 1);
	for (int i = 0; i < c->n; i++)
		if (!isnan(c->y[i]))
			segment(&p, cells, over, i);
	draw_scale(&p, f, area, LABEL_W);
	draw_limit(&p, f);
	draw_cells(&p, f, cells, over);
	draw_axis(&p, f, rect_part(area, LABEL_W, area.h - 1, area.w - LABEL_W, 1));
	free(cells);
	free(over);
}

int bar_draw(struct frame *f, struct rect area, int x, int y, int width, double value, double full, enum role role)
{
	if (!(value > 0) || !(full > 0) || width <= 0)
		return 0;
	int eighths = (int)(value / full * width * 8 + 0.5);
	eighths = eighths > width * 8 ? width * 8 : eighths < 1 ? 1 : eighths;
	int whole = eighths / 8, part = eighths % 8, used = whole;
	frame_fill(f, rect_part(area, x, y, whole, 1), f->ascii ? '#' : 0x2588, role);
	if (part && !f->ascii) {
		frame_fill(f, rect_part(area, x + whole, y, 1, 1), 0x2590u - (uint32_t)part, role);
		used++;
	}
	return used;
}
