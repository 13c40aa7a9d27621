/* key: names, and the decoder: what terminals send, in one piece or byte by byte. */
#include "tui/key.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void parses(const char *name, enum key_name want, uint32_t ch, int mods, const char *shown)
{
	struct key k;
	struct buf b = { 0 };

	assert_true(key_parse(str_of(name), &k));
	assert_int_equal(k.name, want);
	assert_int_equal(k.ch, ch);
	assert_int_equal(k.mods, mods);
	key_show(k, &b);
	assert_string_equal(b.data, shown);
	buf_release(&b);
}

static void test_names(void **state)
{
	parses("j", K_CHAR, 'j', 0, "j");
	parses("G", K_CHAR, 'G', 0, "G");
	parses("C-f", K_CHAR, 'f', MOD_CTRL, "C-f");
	parses("C-F", K_CHAR, 'f', MOD_CTRL, "C-f");
	parses("M-x", K_CHAR, 'x', MOD_ALT, "M-x");
	parses("M-X", K_CHAR, 'X', MOD_ALT, "M-X");
	parses("C-M-x", K_CHAR, 'x', MOD_CTRL | MOD_ALT, "C-M-x");
	parses("<F1>", K_F1, 0, 0, "F1");
	parses("F12", (enum key_name)(K_F1 + 11), 0, 0, "F12");
	parses("<C-Left>", K_LEFT, 0, MOD_CTRL, "C-Left");
	parses("S-Tab", K_TAB, 0, MOD_SHIFT, "S-Tab");
	parses("Space", K_CHAR, ' ', 0, "Space");
	parses("C-Space", K_CHAR, ' ', MOD_CTRL, "C-Space");
	parses("C-@", K_CHAR, ' ', MOD_CTRL, "C-Space");
	parses("<", K_CHAR, '<', 0, "<");
	parses(">", K_CHAR, '>', 0, ">");
	parses("-", K_CHAR, '-', 0, "-");
}

static void test_more_names(void **state)
{
	static const char *const bad[] = { "", "jj", "C-", "S-a", "F0", "F25", "C-C-a", "X-a", "<>", "C-!", "\x01", "Entr",
		"\xff", "C-F99", "\u0301", "C--" };
	struct key k;

	parses("C-m", K_ENTER, 0, 0, "Enter");                 /* terminals cannot tell them apart */
	parses("C-i", K_TAB, 0, 0, "Tab");
	parses("C-[", K_ESC, 0, 0, "Esc");
	parses("\u00e9", K_CHAR, 0xe9, 0, "\u00e9");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (key_parse(str_of(bad[i]), &k))
			fail_msg("'%s' was taken for a key", bad[i]);
	for (size_t i = 0; key_words[i]; i++)
		assert_true(key_parse(str_of(key_words[i]), &k));
}

/* Feeds the bytes at once and one by one; the keys must be the same, and `want` when shown. */
static void decodes(const char *bytes, size_t n, const char *want)
{
	for (int single = 0; single < 2; single++) {
		struct keyin in = { 0 };
		struct buf got = { 0 };
		struct key k;

		keyin_add(&in, "\033[[A", (struct key){ .name = K_F1 });     /* as the Linux console has it */
		for (size_t i = 0; i < n; i += single ? 1 : n) {
			keyin_feed(&in, (struct str){ bytes + i, single ? 1 : n });
			while (keyin_next(&in, false, &k)) {
				if (got.len)
					buf_addc(&got, ' ');
				key_show(k, &got);
				if (k.name == K_PASTE)
					buf_addf(&got, "paste(" STR_FMT ")", STR_ARG(k.text));
				if (k.name >= K_PRESS && k.name <= K_WHEEL_DOWN)
					buf_addf(&got, "@%d,%d", k.x, k.y);
				if (k.name == K_SYNC)
					buf_adds(&got, "sync");
			}
		}
		while (keyin_next(&in, true, &k)) {
			buf_adds(&got, got.len ? " late:" : "late:");
			key_show(k, &got);
		}
		assert_string_equal(got.data ? got.data : "", want);
		assert_false(keyin_pending(&in));
		buf_release(&got);
		keyin_release(&in);
	}
}
#define DECODES(lit, want) decodes(lit, sizeof(lit) - 1, want)

static void test_decode(void **state)
{
	DECODES("jG ", "j G Space");
	DECODES("\x06\x01", "C-f C-a");
	DECODES("\r\n\t\x7f", "Enter Enter Tab Backspace");
	DECODES("\x08", "C-h");
	DECODES("\0", "C-Space");
	DECODES("\x1c\x1f", "C-\\ C-_");
	DECODES("\u00e9\u65e5\U0001f600", "\u00e9 \u65e5 \U0001f600");
	DECODES("\033[A\033OB\033[1;5C\033[1;3D\033[1;2H", "Up Down C-Right M-Left S-Home");
	DECODES("\033OP\033[15~\033[24;5~\033[5~\033[6~\033[3~", "F1 F5 C-F12 PgUp PgDn Delete");
	DECODES("\033[[A", "F1");
	DECODES("\033[Z", "S-Tab");
	DECODES("\033x\033\x06\033\u00e9", "M-x C-M-f M-\u00e9");
	DECODES("\033", "late:Esc");
	DECODES("\033\033", "Esc late:Esc");
	DECODES("\033\033[A", "Esc Up");
	DECODES("\033[", "late:M-[");
	DECODES("\033O", "late:M-O");
	DECODES("j\033", "j late:Esc");
}

static void test_mouse_paste_replies(void **state)
{
	DECODES("\033[<0;3;4M\033[<0;3;4m\033[<64;1;1M", "Press@2,3 WheelUp@0,0");
	DECODES("\033[200~a\033[Ab\r\033[201~j", "paste(a\033[Ab\r) j");
	DECODES("\033[?2026;2$yj", "sync j");
	DECODES("\033[?2026;0$yj", "j");
	DECODES("\033[?62;1;2cj", "j");                        /* an answer nobody asked for is no typing */
}

static void test_rubbish_is_swallowed(void **state)
{
	DECODES("\xff\xfej", "j");
	DECODES("\xc3(", "(");
	DECODES("\xc2\x9b" "A", "A");                          /* C1 as UTF-8 */
	DECODES("\033[999999999999;5;5;5;5;5;5;5;5;5;5;5~j", "j");
	DECODES("\033[1;99Aj", "Up j");
	DECODES("\033[\033[A", "Up");
	DECODES("\xe6\x97", "");
}

/* An unending sequence must not be kept for ever, nor turned into keys. */
static void test_endless_sequence(void **state)
{
	struct keyin in = { 0 };
	struct key k;
	int keys = 0;

	for (int i = 0; i < 10000; i++) {
		keyin_feed(&in, STR("\033[11111111111111111111111111111111111111111111111111111111111111"));
		while (keyin_next(&in, false, &k))
			keys++;
		assert_true(in.in.len - in.at < 200);
	}
	keyin_release(&in);
	assert_true(keys <= 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_more_names), cmocka_unit_test(test_decode),
		cmocka_unit_test(test_mouse_paste_replies), cmocka_unit_test(test_rubbish_is_swallowed),
		cmocka_unit_test(test_endless_sequence),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
