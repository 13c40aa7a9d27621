/* chart: numbers as pictures. Pure functions from values to a frame or to text; braille and eighth blocks where
 * the terminal has them, plain ASCII otherwise. NaN is a gap, never a zero. */
#ifndef TUI_CHART_H
#define TUI_CHART_H
#include "tui/frame.h"

/* A sparkline of the last `width` values: ▁▂▃▄▅▆▇█, in ASCII _.-=+*#@ ; scaled from min(0, least) to the greatest;
 * a gap is a blank. Appends to out; `text` holds "1 2.5 - 3" (COL_SERIES). */
void spark_text(struct str text, int width, bool ascii, struct buf *out);
/* The same, scaled from the least value instead (a tenth of the span below it). */
void spark_text_span(struct str text, int width, bool ascii, struct buf *out);
void spark(const double *v, int n, int width, bool ascii, struct buf *out);

struct chart_mark { double x; const char *letter; };   /* "T" trained, "P" promoted: on the axis */
struct chart {
	const double *x, *y;      /* n points, x rising; y NaN = a gap */
	int n;
	double limit;             /* threshold drawn as a dotted line; NaN = none */
	bool below;               /* values below the limit are over it (p values), not those above */
	double ahead;             /* points right of this x are expected ones, drawn with gaps; 0 = none */
	double lo, hi;            /* of y; NaN: from the data (0 and the limit are kept in sight) */
	const struct chart_mark *marks; int nmarks;
	/* A label for the axis at x; NULL: none. Appends to out. */
	void (*label)(double x, struct buf *out);
};
/* A line over the area: y labels at the left, the axis with labels and marks as the last line, points over the limit
 * in their own role. Areas under 4 lines or 16 columns get a sparkline. */
void chart_draw(const struct chart *c, struct frame *f, struct rect area);

/* A bar of value/full over width cells in eighths (ASCII: '#'); a negative or NaN value draws nothing. Returns cells
 * taken. */
int bar_draw(struct frame *f, struct rect area, int x, int y, int width, double value, double full, enum role role);
#endif
