/* The terminal's side of the program, seen from outside: what is shown, what is sent, and that the terminal is always
 * given back. The program under test is this one itself, run as tests/screens/probe.c says. */
#define _GNU_SOURCE
#include "tests/screens/probe.h"
#include "tests/screens/vt.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT 90000              /* ms, of what comes at once: see vt.h */

static char self[512];

static struct vt *start(const char *const *env, int w, int h)
{
	const char *argv[] = { self, "probe", NULL };
	struct vt *v = vt_start(argv, env, w, h);

	assert_true(vt_wait(v, "first", WAIT));
	return v;
}

static void check_given_back(struct vt *v)
{
	assert_false(vt_alternate(v));
	assert_true(vt_cursor_shown(v));
	assert_int_equal(vt_bells(v), 0);
}

static void test_first_screen(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	assert_true(vt_wait(v, "? help", WAIT));
	assert_non_null(strstr(vt_line(v, 0), " PROD "));
	assert_non_null(strstr(vt_line(v, 0), "eks-prod"));
	assert_non_null(strstr(vt_line(v, 1), "1 first  2 second"));
	assert_non_null(strstr(vt_line(v, 23), "? help"));
	assert_true(vt_alternate(v));
	assert_false(vt_cursor_shown(v));
	assert_true(vt_raw_mode(v));
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	check_given_back(v);
	assert_true(vt_wait(v, "probe ends", WAIT));
	vt_free(v);
}

static void test_keys_and_sequences(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	vt_type(v, "jjj");
	assert_true(vt_wait(v, "rows 4 of 1000", WAIT));
	vt_type(v, "\033[A");                                 /* Up, as in normal mode */
	assert_true(vt_wait(v, "rows 3 of 1000", WAIT));
	vt_type(v, "\033OB");                                 /* Down, as in application mode */
	assert_true(vt_wait(v, "rows 4 of 1000", WAIT));
	vt_type(v, "G");
	assert_true(vt_wait(v, "rows 1000 of 1000", WAIT));
	vt_type(v, "g\r");
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	vt_type(v, "jj");
	assert_true(vt_wait(v, "rows 3 of 1000", WAIT));
	vt_type(v, "\033");                                   /* a lone Esc, after 25 ms: back to the page below */
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	vt_type(v, "2");
	vt_type(v, "jj");
	assert_true(vt_wait(v, "rows 3 of 1000", WAIT));
	vt_type(v, "[");
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	vt_free(v);
}

static void test_prompt(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	vt_type(v, ":");
	assert_true(vt_wait(v, ":", WAIT));
	vt_type(v, "pag\t");
	assert_true(vt_wait(v, ":page-down", WAIT));
	assert_true(vt_cursor_shown(v));
	vt_type(v, "\r");
	assert_true(vt_wait(v, "rows 20 of 1000", WAIT));
	vt_type(v, ":frst\r");
	assert_true(vt_wait(v, "did you mean 'first'?", WAIT));
	vt_type(v, "/abc!");
	assert_true(vt_wait(v, "no exclamation marks", WAIT));
	assert_true(vt_wait(v, "filter abc!", WAIT));
	vt_type(v, "\x7f\x7f\r");
	assert_true(vt_wait_gone(v, "no exclamation", WAIT));
	assert_true(vt_wait(v, "filter ab", WAIT));
	vt_type(v, "\033[200~jjj\033[201~");                  /* pasted text is no keys */
	assert_true(vt_wait(v, "pasted text is not taken", WAIT));
	assert_true(vt_wait(v, "rows 20 of 1000", WAIT));
	vt_free(v);
}

static void test_help(void **state)
{
	struct vt *v = start(NULL, 100, 30);

	vt_type(v, "?");
	assert_true(vt_wait(v, "keys and commands", WAIT));
	assert_true(vt_wait(v, "j, Down", WAIT));
	assert_true(vt_wait(v, ":filter", WAIT));
	vt_type(v, "q");
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	vt_free(v);
}

static void test_odd_text_is_harmless(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	vt_type(v, ":odd\r");
	assert_true(vt_wait(v, "esc ^[[31mred^[]0;owned^G bell", WAIT));
	assert_true(vt_wait(v, "override <202e>gnp.exe", WAIT));
	assert_true(vt_wait(v, "bad \\xff\\xc3( end", WAIT));
	assert_true(vt_wait(v, "\u65e5\u672c\u8a9e end", WAIT));
	assert_true(vt_wait(v, "\U0001f468\U0001f469\U0001f467 end", WAIT));
	assert_int_equal(vt_bells(v), 0);
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	vt_free(v);
}

static void ends_by(const char *command, int sig, int want)
{
	struct vt *v = start(NULL, 80, 24);

	if (command)
		vt_type(v, command);
	else
		kill(vt_pid(v), sig);
	assert_int_equal(vt_end(v, WAIT), want);
	check_given_back(v);
	vt_free(v);
}

static void test_given_back_whatever_happens(void **state)
{
	ends_by(":crash\r", 0, 128 + SIGSEGV);
	ends_by(":abort\r", 0, 128 + SIGABRT);
	ends_by(":exit\r", 0, 7);
	ends_by(NULL, SIGTERM, 143);
	ends_by(NULL, SIGHUP, 143);
	ends_by(NULL, SIGQUIT, 128 + SIGQUIT);
	ends_by("\003", 0, 0);                                /* C-c is a key */
}

static void test_closed_terminal(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	vt_hangup(v);
	assert_true(vt_end(v, WAIT) >= 0);
	vt_free(v);
}

static void test_sizes(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 2, 2 }, { 200, 50 }, { 7, 3 }, { 1, 40 }, { 300, 1 }, { 120, 40 } };
	struct vt *v = start(NULL, 80, 24);

	for (int i = 0; i < 300; i++)
		vt_resize(v, 1 + i * 7 % 131, 1 + i * 13 % 53);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		vt_resize(v, sizes[i][0], sizes[i][1]);
		vt_quiet(v, 60);
	}
	vt_type(v, "j");
	assert_true(vt_wait(v, "rows 2 of 1000", WAIT));
	assert_true(vt_wait(v, "? help", WAIT));
	assert_int_equal(vt_find(v, "? help"), 39);
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	vt_free(v);
}

static void test_kinds_of_terminal(void **state)
{
	static const char *const terms[] = { "TERM=vt100", "TERM=linux", "TERM=screen", "TERM=tmux-256color", "TERM=xterm",
		"TERM=screen-256color", "TERM=vt220", "TERM=ansi", "TERM=rxvt" };

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		const char *env[] = { terms[i], NULL };
		struct vt *v = start(env, 80, 24);

		vt_type(v, "jjj");
		if (!vt_wait(v, "rows 4 of 1000", WAIT))
			fail_msg("%s", terms[i]);
		vt_type(v, "Q");
		assert_int_equal(vt_end(v, WAIT), 0);
		vt_free(v);
	}
}

static void test_refusals(void **state)
{
	static const struct { const char *env, *says; } cases[] = {
		{ "TERM=dumb", "TERM is dumb: this terminal cannot place text" },
		{ "TERM=", "TERM is not set" },
		{ "TERM=no-such-thing", "which the terminfo database here does not know" },
	};
	const char *argv[] = { self, "probe", NULL }, *pipe[] = { "sh", "-c", NULL, NULL };
	char line[600];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *env[] = { cases[i].env, NULL };
		struct vt *v = vt_start(argv, env, 120, 24);

		assert_int_equal(vt_end(v, WAIT), 3);
		assert_true(vt_wait(v, cases[i].says, WAIT));
		assert_int_equal(strcspn(vt_bytes(v).p, "\033"), vt_bytes(v).n);     /* nothing but text was sent */
		vt_free(v);
	}
	snprintf(line, sizeof(line), "%s probe | cat", self);
	pipe[2] = line;
	struct vt *v = vt_start(pipe, NULL, 120, 24);

	assert_true(vt_wait(v, "standard output is not a terminal", WAIT));
	vt_free(v);
}

static void test_ascii_in_the_c_locale(void **state)
{
	const char *env[] = { "LANG=C", "LC_ALL=C", NULL };
	struct vt *v = start(env, 80, 24);
	struct str all;

	vt_type(v, ":odd\r");
	assert_true(vt_wait(v, "status ! ? | ~", WAIT));
	all = vt_bytes(v);
	for (size_t i = 0; i < all.n; i++)
		assert_true((unsigned char)all.p[i] < 0x80);
	vt_free(v);
}

static void test_colours(void **state)
{
	static const struct { const char *env[4]; int want; } cases[] = {
		{ { NULL }, 0x1000000 + 203 },                         /* 256: nearest of ff6b6b */
		{ { "COLORTERM=truecolor", NULL }, 0xff6b6b },
		{ { "TERM=xterm", NULL }, 0x1000000 + 1 },             /* 8: bright red is bold red */
		{ { "NO_COLOR=1", NULL }, -1 },
		{ { "TERM=vt100", NULL }, -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vt *v = start(cases[i].env, 80, 24);
		struct vt_look l;
		int y;

		vt_type(v, "j");                                       /* the cursor away from row 0, which is bad */
		assert_true(vt_wait(v, "rows 2 of 1000", WAIT));
		vt_quiet(v, 50);
		y = vt_find(v, "OOMKilled");
		l = vt_look(v, 5, y);
		if (l.fg != cases[i].want)
			fail_msg("case %zu: colour %x, not %x", i, (unsigned)l.fg, (unsigned)cases[i].want);
		l = vt_look(v, 70, y + 1);                             /* the cursor's row is told in any case */
		if (l.bg == -1 && !l.reverse)
			fail_msg("case %zu: the cursor's row cannot be told", i);
		vt_free(v);
	}
}

static void test_suspend(void **state)
{
	char line[600];
	const char *argv[] = { "bash", "--norc", "-i", NULL }, *env[] = { "PS1=shell> ", NULL };
	struct vt *v = vt_start(argv, env, 100, 24);

	assert_true(vt_wait(v, "shell>", WAIT));
	snprintf(line, sizeof(line), "%s probe\r", self);
	vt_type(v, line);
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	vt_type(v, "\032");                                            /* C-z */
	assert_true(vt_wait(v, "shell>", WAIT));
	check_given_back(v);
	vt_resize(v, 90, 30);
	vt_type(v, "fg\r");
	assert_true(vt_wait(v, "rows 1 of 1000", WAIT));
	assert_true(vt_alternate(v));
	assert_true(vt_wait(v, "? help", WAIT));
	vt_type(v, "jj");
	assert_true(vt_wait(v, "rows 3 of 1000", WAIT));
	vt_type(v, "Q");
	assert_true(vt_wait(v, "probe ends", WAIT));
	vt_type(v, "exit\r");
	vt_end(v, WAIT);
	vt_free(v);
}

static void test_copy(void **state)
{
	static const struct { const char *env[4], *sent; } cases[] = {
		{ { NULL }, "\033]52;c;cm93IDI=\a" },
		{ { "TMUX=/tmp/x,1,0", "TERM=tmux-256color", NULL }, "\033Ptmux;\033\033]52;c;cm93IDI=\a\033\\" },
		{ { "TERM=screen", NULL }, "\033P\033]52;c;cm93IDI=\a\033\\" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vt *v = start(cases[i].env, 80, 24);

		vt_type(v, "jjY");
		assert_true(vt_wait(v, "copied 5 bytes", WAIT));
		assert_non_null(memmem(vt_bytes(v).p, vt_bytes(v).n, cases[i].sent, strlen(cases[i].sent)));
		vt_free(v);
	}
}

static void test_mouse(void **state)
{
	const char *argv[] = { self, "probe", "-m", NULL };
	struct vt *v = vt_start(argv, NULL, 80, 24);

	assert_true(vt_wait(v, "rows 1 of", WAIT));
	vt_type(v, "\033[<65;10;10M");
	assert_true(vt_wait(v, "rows 4 of", WAIT));
	vt_type(v, "\033[<0;10;6M");
	assert_true(vt_wait(v, "pressed 9 2", WAIT));
	vt_free(v);
}

/* Synchronized output only where the terminal says that it has it, and only for big updates. */
static void test_synchronized(void **state)
{
	struct vt *v = start(NULL, 80, 24);

	assert_non_null(memmem(vt_bytes(v).p, vt_bytes(v).n, "\033[?2026$p", 9));
	vt_type(v, "G");
	assert_true(vt_wait(v, "rows 1000 of", WAIT));
	assert_null(memmem(vt_bytes(v).p, vt_bytes(v).n, "\033[?2026h", 8));
	vt_type(v, "\033[?2026;2$y");
	vt_type(v, "g");
	assert_true(vt_wait(v, "rows 1 of", WAIT));
	vt_quiet(v, 50);
	assert_non_null(memmem(vt_bytes(v).p, vt_bytes(v).n, "\033[?2026h", 8));
	assert_non_null(memmem(vt_bytes(v).p, vt_bytes(v).n, "\033[?2026l", 8));
	vt_count_reset(v);
	vt_type(v, "j");
	assert_true(vt_wait(v, "rows 2 of", WAIT));
	assert_null(memmem(vt_bytes(v).p, vt_bytes(v).n, "2026", 4));
	vt_free(v);
}

/* Bytes a second, in about so many ms: however long we were kept from reading. */
static size_t sent_in(struct vt *v, int ms)
{
	int64_t start;

	vt_count_reset(v);
	start = vt_now_us();
	vt_run(v, ms);
	return (size_t)((int64_t)vt_count(v) * 1000000 / (vt_now_us() - start));
}

static void test_bytes(void **state)
{
	struct vt *v = start(NULL, 120, 40);
	size_t scroll, idle;

	vt_quiet(v, 200);
	vt_type(v, "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj");
	assert_true(vt_wait(v, "rows 41 of 1000", WAIT));
	vt_quiet(v, 200);
	vt_count_reset(v);
	for (int i = 0; i < 20; i++) {
		vt_type(v, "j");
		vt_settle(v);
	}
	assert_true(vt_wait(v, "rows 61 of 1000", WAIT));
	scroll = vt_count(v) / 20;
	idle = sent_in(v, 4000);
	print_message("a scrolling j sends %zu bytes, idle %zu bytes/s\n", scroll, idle);
	assert_true(scroll > 0 && scroll <= 500);
	assert_true(idle <= 20);
	vt_free(v);
}

/* A list of pods that are seconds old: ages move each second while someone works, and rest on an idle screen. */
static void test_ages(void **state)
{
	const char *argv[] = { self, "probe", "-p", "500", NULL };
	struct vt *v = vt_start(argv, NULL, 120, 40);
	size_t active, idle;

	assert_true(vt_wait(v, "ns-0", WAIT));
	vt_type(v, "j");                                       /* five seconds from now on */
	vt_settle(v);
	active = sent_in(v, 2000);
	vt_run(v, 5000);
	vt_settle(v);
	idle = sent_in(v, 4000);
	print_message("ages: %zu bytes/s while active, %zu idle\n", active, idle);
	assert_true(active > 50);
	assert_true(idle > 0 && idle <= 20);
	vt_free(v);
}

/* While a source reports 500 times a second the screen is drawn at most ten times. */
static void test_busy_source(void **state)
{
	const char *argv[] = { self, "probe", "-r", "500", NULL };
	struct vt *v = vt_start(argv, NULL, 120, 40);
	size_t sent;

	assert_true(vt_wait(v, "rows 1 of", WAIT));
	sent = sent_in(v, 2000);
	print_message("500 messages a second: %zu bytes/s\n", sent);
	assert_true(sent > 0 && sent <= 1200);
	vt_free(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_screen), cmocka_unit_test(test_keys_and_sequences),
		cmocka_unit_test(test_prompt), cmocka_unit_test(test_help), cmocka_unit_test(test_odd_text_is_harmless),
		cmocka_unit_test(test_given_back_whatever_happens), cmocka_unit_test(test_closed_terminal),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_kinds_of_terminal), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_ascii_in_the_c_locale), cmocka_unit_test(test_colours),
		cmocka_unit_test(test_suspend), cmocka_unit_test(test_copy), cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_synchronized), cmocka_unit_test(test_bytes), cmocka_unit_test(test_ages), cmocka_unit_test(test_busy_source),
	};

	if (argc > 1 && strcmp(argv[1], "probe") == 0)
		return probe_main(argc - 1, argv + 1);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
