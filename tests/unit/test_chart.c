/* charts: sparklines, lines with a threshold, bars; Unicode and ASCII; gaps and odd numbers. */
#define _GNU_SOURCE
#include "tui/chart.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void spark_is(const char *values, int width, bool ascii, const char *want)
{
	struct buf b = { 0 };
	buf_adds(&b, "");
	spark_text(str_of(values), width, ascii, &b);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_sparks(void **state)
{
	spark_is("0 1 2 3 4 5 6 7", 8, false, "▁▂▃▄▅▆▇█");
	spark_is("0 1 2 3 4 5 6 7", 8, true, "_.-=+*#@");
	spark_is("0 1 2 3 4 5 6 7", 2, true, "#@");     /* the last ones */
	spark_is("0 - 7", 8, true, "_ @");              /* a gap is a gap */
	spark_is("", 8, true, "");
	spark_is("5 5 5", 8, true, "@@@");
	spark_is("0 0", 8, true, "__");
	spark_is("rubbish 1", 8, true, " @");
}

static char *chart_at(const struct chart *c, int w, int h, bool ascii)
{
	struct frame f;
	struct buf out = { 0 };
	frame_init(&f, w, h, ascii);
	chart_draw(c, &f, (struct rect){ 0, 0, w, h });
	frame_dump(&f, &out);
	frame_release(&f);
	return buf_detach(&out);
}

static void test_lines(void **state)
{
	double x[40], y[40];
	for (int i = 0; i < 40; i++)
		x[i] = i, y[i] = i < 20 ? 0.02 : 0.02 + (i - 20) * 0.02;
	y[5] = NAN;
	struct chart_mark mark = { 10, "T" };
	struct chart c = { .x = x, .y = y, .n = 40, .limit = 0.1, .lo = NAN, .hi = NAN, .marks = &mark, .nmarks = 1 };
	char *s = chart_at(&c, 60, 10, false);
	assert_non_null(strstr(s, "┄"));                 /* the threshold */
	assert_non_null(strstr(s, "T"));                 /* the mark on the axis */
	free(s);
	s = chart_at(&c, 60, 10, true);
	for (char *p = s; *p; p++)
		assert_true((unsigned char)*p < 128);
	free(s);
	for (int w = 0; w < 40; w++)                     /* any size is survived */
		for (int h = 0; h < 8; h++)
			free(chart_at(&c, w, h, w & 1));
	c.n = 0;
	free(chart_at(&c, 60, 10, false));
	double odd[3] = { INFINITY, -INFINITY, 1e308 };
	c = (struct chart){ .x = x, .y = odd, .n = 3, .limit = NAN, .lo = NAN, .hi = NAN };
	free(chart_at(&c, 60, 10, false));
}

static void bar_is(double value, double full, int want)
{
	struct frame f;
	frame_init(&f, 20, 1, true);
	assert_int_equal(bar_draw(&f, (struct rect){ 0, 0, 20, 1 }, 0, 0, 10, value, full, ROLE_CHART), want);
	frame_release(&f);
}

static void test_bars(void **state)
{
	bar_is(0, 10, 0);
	bar_is(5, 10, 5);
	bar_is(10, 10, 10);
	bar_is(50, 10, 10);
	bar_is(-3, 10, 0);
	bar_is(NAN, 10, 0);
	bar_is(1, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparks), cmocka_unit_test(test_lines), cmocka_unit_test(test_bars),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
