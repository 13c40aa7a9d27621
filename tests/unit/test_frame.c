/* frame and text: what reaches a cell, how wide it is, and that nothing dangerous gets through. */
#include "tui/frame.h"
#include "tui/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void shows(const char *bytes, size_t n, bool ascii, const char *want, int cells)
{
	struct frame f;
	struct buf out = { 0 };
	struct rect all = { 0, 0, 40, 1 };
	int took;

	frame_init(&f, 40, 1, ascii);
	took = frame_text(&f, all, 0, 0, -1, (struct str){ bytes, n }, ROLE_TEXT);
	frame_dump(&f, &out);
	out.data[out.len - 1] = 0;
	assert_string_equal(out.data, want);
	assert_int_equal(took, cells);
	assert_int_equal(text_width((struct str){ bytes, n }, ascii), cells);
	buf_release(&out);
	frame_release(&f);
}
#define SHOWS(lit, want, cells) shows(lit, sizeof(lit) - 1, false, want, cells)
#define ASCII(lit, want, cells) shows(lit, sizeof(lit) - 1, true, want, cells)

static void test_plain(void **state)
{
	SHOWS("pods 12", "pods 12", 7);
	SHOWS("na\u00efve", "na\u00efve", 5);
	SHOWS("a\tb", "a       b", 9);
	SHOWS("", "", 0);
}

static void test_controls_are_shown(void **state)
{
	SHOWS("a\033[2Jb", "a^[[2Jb", 7);
	SHOWS("x\0y", "x^@y", 4);
	SHOWS("l1\nl2\r", "l1^Jl2^M", 8);
	SHOWS("\x7f", "^?", 2);
	SHOWS("\xc2\x9b" "31m", "<9b>31m", 7);
	SHOWS("\x9b" "31m", "\\x9b31m", 7);
}

static void test_bad_utf8_is_shown(void **state)
{
	SHOWS("\xff\xfe", "\\xff\\xfe", 8);
	SHOWS("\xc3", "\\xc3", 4);
	SHOWS("\xc0\xaf", "\\xc0\\xaf", 8);                        /* overlong */
	SHOWS("\xed\xa0\x80", "\\xed\\xa0\\x80", 12);              /* surrogate */
	SHOWS("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 16);     /* over U+10FFFF */
	SHOWS("e\xcc", "e\\xcc", 5);                               /* cut in the middle of a mark */
}

static void test_order_and_invisible(void **state)
{
	SHOWS("a\u202eb", "a<202e>b", 8);
	SHOWS("a\u2066b", "a<2066>b", 8);
	SHOWS("a\u200bb", "a<200b>b", 8);
	SHOWS("a\u200db", "a<200d>b", 8);                          /* a joiner where nothing is joined */
	SHOWS("\ufeffx", "<feff>x", 7);
	SHOWS("a\u2028b", "a<2028>b", 8);
	SHOWS("\U000e0041", "<e0041>", 7);                         /* a tag: invisible text */
	SHOWS("\u3164", "<3164>", 6);                              /* Hangul filler: an invisible letter */
}

static void test_marks(void **state)
{
	SHOWS("e\u0301", "e\u0301", 1);
	SHOWS("\u0301x", "<301>x", 6);                             /* a mark on nothing */
	/* of seven marks three stay */
	SHOWS("a\u0300\u0301\u0302\u0303\u0304\u0305\u0306b", "a\u0300\u0301\u0302b", 2);
	SHOWS("\u0915\u094d\u200d", "\u0915\u094d\u200d", 1);      /* a joiner where writing needs it */
}

static void test_wide_and_emoji(void **state)
{
	SHOWS("\u65e5\u672c", "\u65e5\u672c", 4);
	SHOWS("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\U0001f469\U0001f467", 6);
	SHOWS("\u2764\ufe0f", "\u2764", 1);
	SHOWS("\U0001f44d\U0001f3fd", "\U0001f44d", 2);
}

static void test_rtl_is_isolated(void **state)
{
	SHOWS("\u05d0\u05d1\u05d2 12", "\u05d0\u05d1\u05d2\u200e 12", 6);
	SHOWS("x\u05d0", "x\u05d0\u200e", 2);
	SHOWS("\u05d0 \u05d1", "\u05d0 \u05d1\u200e", 3);          /* a blank between does not end it */
}

static void test_ascii(void **state)
{
	ASCII("\u25b2 caf\u00e9", "! cafe", 6);
	ASCII("\u2581\u2588\u65e5", "_#?", 3);
	ASCII("\u2502\u2500\u2026\u28ff", "|-~#", 4);
	ASCII("\x1b", "^[", 2);
}

static void test_cut_at_a_piece(void **state)
{
	struct frame f;
	struct buf out = { 0 };
	struct rect all = { 0, 0, 8, 2 };

	frame_init(&f, 8, 2, false);
	assert_int_equal(frame_text(&f, all, 0, 0, 3, STR("\u65e5\u672c"), ROLE_TEXT), 2);
	assert_int_equal(frame_fit(&f, all, 4, 0, 4, STR("abcdef"), ROLE_TEXT), 4);
	assert_int_equal(frame_right(&f, all, 0, 1, 8, STR("12"), ROLE_TEXT), 2);
	frame_dump(&f, &out);
	assert_string_equal(out.data, "\u65e5  abc\u2026\n      12\n");
	buf_release(&out);
	frame_release(&f);
}

static void test_cut_in_the_middle(void **state)
{
	static const struct { const char *text; int width; bool ascii; const char *shows; } cases[] = {
		{ "api-6d9f7c-x2x8k", 16, false, "api-6d9f7c-x2x8k" }, { "api-6d9f7c-x2x8k", 11, false, "api-6\u2026x2x8k" },
		{ "api-6d9f7c-x2x8k", 10, true, "api-~x2x8k" }, { "api-6d9f7c-x2x8k", 4, true, "api~" },
		{ "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e", 8, false, "\u65e5\u2026\u672c\u8a9e" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f;
		struct buf out = { 0 }, want = { 0 };

		frame_init(&f, 20, 1, cases[i].ascii);
		frame_fit_middle(&f, (struct rect){ 0, 0, 20, 1 }, 0, 0, cases[i].width, str_of(cases[i].text), ROLE_TEXT);
		frame_dump(&f, &out);
		buf_addf(&want, "%s\n", cases[i].shows);
		assert_string_equal(out.data, want.data);
		buf_release(&out);
		buf_release(&want);
		frame_release(&f);
	}
}

static void test_halves_of_wide_glyphs(void **state)
{
	struct frame f;
	struct buf out = { 0 };
	struct rect all = { 0, 0, 6, 1 };

	frame_init(&f, 6, 1, false);
	frame_text(&f, all, 0, 0, -1, STR("\u65e5\u672c\u8a9e"), ROLE_TEXT);
	frame_text(&f, all, 1, 0, -1, STR("ab"), ROLE_TEXT);       /* over the second half of one, the first of another */
	frame_dump(&f, &out);
	assert_string_equal(out.data, " ab \u8a9e\n");
	buf_clear(&out);
	frame_clear(&f);
	frame_text(&f, all, -1, 0, -1, STR("\u65e5xy"), ROLE_TEXT);    /* scrolled: its first half is out of sight */
	frame_dump(&f, &out);
	assert_string_equal(out.data, " xy\n");
	buf_release(&out);
	frame_release(&f);
}

static void test_clip(void **state)
{
	struct frame f;
	struct buf out = { 0 };
	struct rect in = { 2, 1, 3, 1 }, far = { 100, 100, 5, 5 }, neg = { -5, -5, 7, 7 };

	frame_init(&f, 6, 3, false);
	frame_text(&f, in, 0, 0, -1, STR("abcdef"), ROLE_TEXT);
	frame_text(&f, in, 0, 1, -1, STR("never"), ROLE_TEXT);
	frame_text(&f, in, 0, -1, -1, STR("never"), ROLE_TEXT);
	frame_text(&f, far, 0, 0, -1, STR("never"), ROLE_TEXT);
	frame_fill(&f, far, 'x', ROLE_TEXT);
	frame_fill(&f, neg, '#', ROLE_BAD);
	frame_dump(&f, &out);
	assert_string_equal(out.data, "##\n##abc\n\n");
	assert_int_equal(f.cells[0].role, ROLE_BAD);
	buf_release(&out);
	frame_resize(&f, 0, 0);
	frame_text(&f, (struct rect){ 0, 0, 10, 10 }, 0, 0, -1, STR("x"), ROLE_TEXT);
	frame_resize(&f, -3, 1000000);
	frame_release(&f);
}

static void test_control_role(void **state)
{
	struct frame f;
	struct rect all = { 0, 0, 5, 1 };

	frame_init(&f, 5, 1, false);
	frame_text(&f, all, 0, 0, -1, STR("a\033b"), ROLE_BAD);
	assert_int_equal(f.cells[0].role, ROLE_BAD);
	assert_int_equal(f.cells[1].role, ROLE_CONTROL);
	assert_int_equal(f.cells[2].role, ROLE_CONTROL);
	assert_int_equal(f.cells[3].role, ROLE_BAD);
	frame_back(&f, all, ROLE_CURSOR);
	frame_text(&f, all, 0, 0, -1, STR("z"), ROLE_OK);
	assert_int_equal(f.cells[0].back, ROLE_CURSOR);            /* text keeps the background */
	frame_release(&f);
}

/* No input whatever puts a control, a lone mark, or an override into a cell; widths always add up. */
static void test_any_bytes(void **state)
{
	uint32_t seed = 7;
	struct frame f;
	struct rect all = { 0, 0, 30, 1 };
	char bytes[64];

	frame_init(&f, 30, 1, false);
	for (int round = 0; round < 20000; round++) {
		struct buf out = { 0 };

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = round % 3 ? (char)(seed >> 24) :
			           "\xe2\x80\xae\xcc\x81\x1b\xd7\x90\xf0\x9f\x91\xa8"[(seed >> 16) % 12];
		}
		frame_clear(&f);
		assert_true(frame_text(&f, all, 0, 0, -1, (struct str){ bytes, sizeof(bytes) }, ROLE_TEXT) <= 30);
		for (int x = 0; x < 30; x++)
			assert_true(f.cells[x].ch == 0 || f.cells[x].ch >= 0x20);
		frame_dump(&f, &out);
		for (size_t i = 0; i + 1 < out.len; i++)
			assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
		assert_null(strstr(out.data, "\u202e"));
		buf_release(&out);
	}
	frame_release(&f);
}

static void test_fit_never_overshoots(void **state)
{
	int used;

	assert_int_equal(text_fit(STR("\u65e5\u672c"), false, 3, &used), 3);
	assert_int_equal(used, 2);
	assert_int_equal(text_fit(STR("a\033b"), false, 2, &used), 1);   /* a stand-in is not torn */
	assert_int_equal(text_fit(STR("abc"), false, 0, &used), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_controls_are_shown),
		cmocka_unit_test(test_bad_utf8_is_shown), cmocka_unit_test(test_order_and_invisible),
		cmocka_unit_test(test_marks), cmocka_unit_test(test_wide_and_emoji),
		cmocka_unit_test(test_rtl_is_isolated), cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_cut_at_a_piece), cmocka_unit_test(test_cut_in_the_middle), cmocka_unit_test(test_halves_of_wide_glyphs),
		cmocka_unit_test(test_clip), cmocka_unit_test(test_control_role), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_fit_never_overshoots),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
