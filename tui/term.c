/* term: the terminal, through curses. Frames go in; the cells that differ from the last frame are told to curses, which
 * finds the cheapest bytes for them (idlok: a list that moved by a line is scrolled by the terminal). Keys are read here as
 * bytes and decoded by key.c, because curses would wait where we must not. Whatever ends the program, the
 * terminal is put back: by endwin in the usual case, by one prepared string and tcsetattr in a signal handler else. */
#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include "tui/term.h"
#include "base/mem.h"
#include "tui/term_rgb.h"
#include "tui/text.h"
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

struct look_cache { attr_t attrs; int pair; bool known; };
struct terminal {
	SCREEN *screen;
	const struct theme *theme;
	enum colours colours;
	bool eight;                    /* only 8 of the 16: bright is bold */
	bool ascii, mouse, sync, xterm, shown_cursor, whole, lent;
	int w, h;
	struct keyin in;
	FILE *out;                     /* the terminal once more: what curses writes to */
	int sheet;                     /* a file in memory that stands there while a frame is drawn, -1 none */
	struct buf bytes;              /* of one frame */
	struct frame last;             /* what is on the screen */
	struct look_cache looks[ROLE_COUNT][ROLE_COUNT];
	unsigned events;
};

/* What signal handlers need. The one thing in tui that outlives a call without being passed: a handler gets no
 * argument. */
static struct {
	volatile sig_atomic_t active, stopped;   /* the terminal is ours; how many asked us to end */
	int fds[2];
	struct termios termios;
	char string[512];
	size_t n;
	struct sigaction old[NSIG];
	char stack[32768];
} restore = { .fds = { -1, -1 } };

static const int telling[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT };
static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGQUIT, SIGXCPU };

/* All of `n` bytes to the terminal, or as many as it takes. Safe in a signal handler. */
static void put_bytes(const char *p, size_t n)
{
	while (n) {
		ssize_t did = write(STDOUT_FILENO, p, n);

		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return;
		p += did, n -= (size_t)did;
	}
}

static void restore_now(void)
{
	if (!restore.active)
		return;
	restore.active = 0;
	put_bytes(restore.string, restore.n);
	tcsetattr(STDIN_FILENO, TCSANOW, &restore.termios);
}

static void on_deadly(int sig)
{
	restore_now();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_telling(int sig)
{
	char c = sig == SIGWINCH ? 'w' : sig == SIGTSTP ? 's' : sig == SIGCONT ? 'c' : 'q';
	int saved = errno;

	if (c == 'q' && restore.stopped++ > 0)          /* asked twice: the loop does not listen */
		on_deadly(sig);
	if (write(restore.fds[1], &c, 1) < 0)
		errno = saved;                          /* full: what is in it suffices */
	errno = saved;
}

static void take_signals(void)
{
	struct sigaction sa = { 0 };
	stack_t alt = { .ss_sp = restore.stack, .ss_size = sizeof(restore.stack) };

	sigaltstack(&alt, NULL);
	sigemptyset(&sa.sa_mask);
	sa.sa_flags = SA_RESTART;
	sa.sa_handler = on_telling;
	for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
		sigaction(telling[i], &sa, &restore.old[telling[i]]);
	sa.sa_flags = SA_ONSTACK | SA_NODEFER;
	sa.sa_handler = on_deadly;
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaction(deadly[i], &sa, &restore.old[deadly[i]]);
}

static void give_signals_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
		sigaction(telling[i], &restore.old[telling[i]], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaction(deadly[i], &restore.old[deadly[i]], NULL);
}

static void add_restore(const char *s)
{
	size_t n = s && s != (char *)-1 ? strlen(s) : 0;

	/* padding of old terminals ("$<50/>") is not sent: modern ones do not need it, the user waits for nothing */
	for (size_t i = 0; i < n && restore.n < sizeof(restore.string); i++) {
		if (s[i] == '$' && s[i + 1] == '<') {
			const char *end = strchr(s + i, '>');

			if (end) {
				i = (size_t)(end - s);
				continue;
			}
		}
		restore.string[restore.n++] = s[i];
	}
}

static void prepare_restore(const struct terminal *t)
{
	restore.n = 0;
	if (t->xterm)
		add_restore("\033[?2026l\033[?2004l");
	if (t->mouse)
		add_restore("\033[?1006l\033[?1000l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("op"));
	if (tigetstr("csr") && tigetstr("csr") != (char *)-1)
		add_restore(tparm(tigetstr("csr"), 0L, (long)t->h - 1, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
	add_restore(tigetstr("cnorm"));
	add_restore(tigetstr("rmkx"));
	if (tigetstr("cup") && tigetstr("cup") != (char *)-1)
		add_restore(tparm(tigetstr("cup"), (long)t->h - 1, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
	add_restore(tigetstr("rmcup"));
	add_restore("\r\n");
}

/* ---- opening */

static bool is_xterm_like(const char *name)
{
	static const char *const families[] = { "xterm", "tmux", "screen", "foot", "kitty", "alacritty", "wezterm",
		"ghostty", "contour", "rxvt", "st-", "vte", "konsole", "gnome", "putty", "iterm", "mintty" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (str_starts(str_of(name), str_of(families[i])))
			return true;
	return false;
}

static bool locale_is_utf8(void)
{
	const char *want = getenv("LC_ALL");

	if (!want || !*want)
		want = getenv("LC_CTYPE");
	if (!want || !*want)
		want = getenv("LANG");
	/* a locale that this machine does not have, as over SSH: its encoding is what counts */
	if (!setlocale(LC_CTYPE, "") && want && (strcasestr(want, "utf-8") || strcasestr(want, "utf8")))
		setlocale(LC_CTYPE, "C.UTF-8");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool check_terminal(char *why, size_t size)
{
	const char *name = getenv("TERM");
	int err = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		snprintf(why, size, "%s is not a terminal; for output without one use 'binnacle get' or 'binnacle snapshot'",
		         isatty(STDIN_FILENO) ? "standard output" : "standard input");
		return false;
	}
	if (!name || !*name || strcmp(name, "dumb") == 0 || strcmp(name, "unknown") == 0) {
		snprintf(why, size, "TERM is %s: this terminal cannot place text; set TERM to its kind (xterm-256color), or "
		         "use 'binnacle get' or 'binnacle snapshot'", name && *name ? name : "not set");
		return false;
	}
	if (setupterm(name, STDOUT_FILENO, &err) != OK) {
		snprintf(why, size, "TERM is '%.40s', which the terminfo database here does not know; try TERM=xterm, or "
		         "install the package 'ncurses-term'", name);
		return false;
	}
	if (!tigetstr("cup") || tigetstr("cup") == (char *)-1 || !tigetstr("clear") || tigetstr("clear") == (char *)-1) {
		snprintf(why, size, "TERM is '%.40s', a terminal that cannot place text; use 'binnacle get' or 'binnacle "
		         "snapshot'", name);
		return false;
	}
	return true;
}

static enum colours count_colours(void)
{
	const char *no = getenv("NO_COLOR"), *ct = getenv("COLORTERM");
	int n = tigetnum("colors");

	if ((no && *no) || n < 8)
		return COLOURS_NONE;
	if (ct && (strcmp(ct, "truecolor") == 0 || strcmp(ct, "24bit") == 0) && is_xterm_like(getenv("TERM")))
		return COLOURS_TRUE;
	return n >= 256 ? (n > 256 ? COLOURS_TRUE : COLOURS_256) : COLOURS_16;
}

static void learn_keys(struct terminal *t)
{
	static const struct { const char *cap; enum key_name name; uint8_t mods; } caps[] = {
		{ "kcuu1", K_UP, 0 }, { "kcud1", K_DOWN, 0 }, { "kcub1", K_LEFT, 0 }, { "kcuf1", K_RIGHT, 0 },
		{ "khome", K_HOME, 0 }, { "kend", K_END, 0 }, { "kpp", K_PGUP, 0 }, { "knp", K_PGDN, 0 },
		{ "kich1", K_INSERT, 0 }, { "kdch1", K_DELETE, 0 }, { "kcbt", K_TAB, MOD_SHIFT }, { "kent", K_ENTER, 0 },
		{ "kLFT", K_LEFT, MOD_SHIFT }, { "kRIT", K_RIGHT, MOD_SHIFT }, { "kri", K_UP, MOD_SHIFT },
		{ "kind", K_DOWN, MOD_SHIFT },
	};
	char cap[16], *s;

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		s = tigetstr(caps[i].cap);
		if (s && s != (char *)-1)
			keyin_add(&t->in, s, (struct key){ .name = caps[i].name, .mods = caps[i].mods });
	}
	for (int i = 1; i <= 24; i++) {
		snprintf(cap, sizeof(cap), "kf%d", i);
		s = tigetstr(cap);
		if (s && s != (char *)-1 && i <= 12)
			keyin_add(&t->in, s, (struct key){ .name = (enum key_name)(K_F1 + i - 1) });
	}
	s = tigetstr("kbs");
	t->in.backspace_is_8 = s && s != (char *)-1 && strcmp(s, "\b") == 0;
}

static void switch_on(const struct terminal *t)
{
	if (t->mouse)
		put_bytes("\033[?1000h\033[?1006h", 16);
	if (t->xterm)
		put_bytes("\033[?2004h", 8);
}

static void switch_off(const struct terminal *t)
{
	if (t->mouse)
		put_bytes("\033[?1006l\033[?1000l", 16);
	if (t->xterm)
		put_bytes("\033[?2004l", 8);
}

static void read_size(struct terminal *t)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0) {
		t->w = ws.ws_col, t->h = ws.ws_row;
		if (t->w != COLS || t->h != LINES)
			resizeterm(t->h, t->w);
	}
	t->w = COLS, t->h = LINES;
	prepare_restore(t);
}

static void set_up_curses(struct terminal *t)
{
	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	idlok(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	typeahead(-1);
	curs_set(0);
	if (t->colours != COLOURS_NONE && (start_color() != OK || use_default_colors() != OK))
		t->colours = COLOURS_NONE;
	t->eight = t->colours == COLOURS_16 && COLORS < 16;
}

static void start_screen(struct terminal *t)
{
	TERMINAL *asked = cur_term;              /* what check_terminal looked at */
	int palette = tigetnum("colors");
	char *saved = NULL;

	if (t->colours == COLOURS_TRUE && palette <= 256) {
		if (term_rgb_begin(&saved))
			t->screen = newterm(NULL, t->out, stdin);
		term_rgb_end(saved);
		if (!t->screen || tigetnum("colors") <= 256)      /* this ncurses does not take entries so */
			t->colours = palette >= 256 ? COLOURS_256 : COLOURS_16;
	}
	if (!t->screen)
		t->screen = newterm(NULL, t->out, stdin);
	if (cur_term != asked)
		del_curterm(asked);
}

/* ---- bytes out: curses writes at each movement of the cursor. What it writes for a frame is gathered in a file in memory
 * that takes the terminal's place, and sent in one go: fewer system calls, and no half frames on slow lines. */

static void open_out(struct terminal *t)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	t->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	t->sheet = memfd_create("frame", MFD_CLOEXEC);
}

static void close_out(struct terminal *t)
{
	if (t->out)
		fclose(t->out);
	if (t->sheet >= 0)
		close(t->sheet);
	buf_release(&t->bytes);
}

static void send_frame(struct terminal *t, bool at_once)
{
	int out = fileno(t->out);
	off_t n;

	if (t->sheet < 0 || dup3(t->sheet, out, O_CLOEXEC) < 0) {
		refresh();
		return;
	}
	refresh();
	dup3(STDOUT_FILENO, out, O_CLOEXEC);
	n = lseek(t->sheet, 0, SEEK_CUR);
	lseek(t->sheet, 0, SEEK_SET);
	buf_clear(&t->bytes);
	if (at_once)
		buf_adds(&t->bytes, "\033[?2026h");
	buf_reserve(&t->bytes, (size_t)n);
	n = pread(t->sheet, t->bytes.data + t->bytes.len, (size_t)n, 0);
	t->bytes.len += n > 0 ? (size_t)n : 0;
	if (at_once)
		buf_adds(&t->bytes, "\033[?2026l");
	put_bytes(t->bytes.data, t->bytes.len);
}

struct terminal *term_open(const struct term_options *o, char *why, size_t size)
{
	struct terminal *t;
	bool utf8 = locale_is_utf8();

	if (!check_terminal(why, size))
		return NULL;
	if (tcgetattr(STDIN_FILENO, &restore.termios) != 0 || pipe2(restore.fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		snprintf(why, size, "cannot use this terminal: %s", strerror(errno));
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->theme = o->theme;
	t->mouse = o->mouse;
	t->ascii = o->ascii || !utf8;
	t->xterm = is_xterm_like(getenv("TERM"));
	t->colours = count_colours();
	setenv("NCURSES_NO_PADDING", "1", 0);
	use_tioctl(TRUE);
	take_signals();
	open_out(t);
	if (t->out)
		start_screen(t);
	if (!t->screen) {
		snprintf(why, size, "cannot start curses on TERM '%.40s'", getenv("TERM"));
		give_signals_back();
		close(restore.fds[0]), close(restore.fds[1]);
		close_out(t);
		free(t);
		return NULL;
	}
	restore.active = 1;
	restore.stopped = 0;
	atexit(restore_now);
	learn_keys(t);
	set_up_curses(t);
	read_size(t);
	frame_init(&t->last, t->w, t->h, t->ascii);
	t->whole = true;
	switch_on(t);
	if (t->xterm)
		put_bytes("\033[?2026$p", 9);           /* K_SYNC when it knows */
	return t;
}

void term_close(struct terminal *t)
{
	if (!t)
		return;
	switch_off(t);
	endwin();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &restore.termios);
	restore.active = 0;
	give_signals_back();
	delscreen(t->screen);
	close_out(t);
	close(restore.fds[0]), close(restore.fds[1]);
	restore.fds[0] = restore.fds[1] = -1;
	frame_release(&t->last);
	keyin_release(&t->in);
	free(t);
}

void term_size(const struct terminal *t, int *w, int *h)
{
	*w = t->w, *h = t->h;
}

bool term_ascii(const struct terminal *t)
{
	return t->ascii;
}

enum colours term_colours(const struct terminal *t)
{
	return t->colours;
}

void term_set_theme(struct terminal *t, const struct theme *theme)
{
	t->theme = theme;
	memset(t->looks, 0, sizeof(t->looks));
	t->whole = true;
}

/* ---- drawing */

static const struct look_cache *look_of(struct terminal *t, const struct glyph *g)
{
	struct look_cache *c = &t->looks[g->role][g->back];
	struct look l;

	if (c->known)
		return c;
	l = theme_look(t->theme, (enum role)g->role, (enum role)g->back, t->colours);
	if (t->eight) {
		if (l.fg >= 8)
			l.attrs |= ATTR_BOLD;
		l.fg = l.fg >= 8 ? l.fg - 8 : l.fg;
		l.bg = l.bg >= 8 ? l.bg - 8 : l.bg;
	}
	c->attrs = (l.attrs & ATTR_BOLD ? A_BOLD : 0) | (l.attrs & ATTR_DIM ? A_DIM : 0) |
	           (l.attrs & ATTR_ITALIC ? A_ITALIC : 0) | (l.attrs & ATTR_UNDERLINE ? A_UNDERLINE : 0) |
	           (l.attrs & ATTR_REVERSE ? A_REVERSE : 0);
	c->pair = t->colours == COLOURS_NONE || (l.fg < 0 && l.bg < 0) ? 0 : alloc_pair(l.fg, l.bg);
	if (c->pair < 0)
		c->pair = 0;
	c->known = true;
	return c;
}

static bool same_cell(const struct frame *a, const struct glyph *x, const struct frame *b, const struct glyph *y)
{
	if (x->role != y->role || x->back != y->back)
		return false;
	if (x->ch & y->ch & CELL_CLUSTER)
		return strcmp(a->pool.data + (x->ch & ~CELL_CLUSTER), b->pool.data + (y->ch & ~CELL_CLUSTER)) == 0;
	return x->ch == y->ch;
}

/* The cell's code points as curses wants them. What this C library thinks of another width than we do would shift
 * the line: a question mark stands for it. */
static void wide_of(const struct frame *f, const struct glyph *g, int width, wchar_t out[CCHARW_MAX + 1])
{
	unsigned n = 0;

	if (!(g->ch & CELL_CLUSTER)) {
		out[n++] = (wchar_t)g->ch;
	} else {
		mbstate_t st = { 0 };
		const char *s = f->pool.data + (g->ch & ~CELL_CLUSTER);
		size_t k;

		while (n < CCHARW_MAX && (k = mbrtowc(&out[n], s, 8, &st)) > 0 && k < 8) {
			s += k;
			if (n++ && wcwidth(out[n - 1]) != 0)
				n--;
		}
	}
	out[n] = 0;
	if (out[0] < 0x20 || (out[0] >= 0x7f && wcwidth(out[0]) != width))
		out[0] = '?', out[1] = 0;
}

static void put_cell(struct terminal *t, const struct frame *f, int x, int y, const struct glyph *g)
{
	const struct look_cache *l = look_of(t, g);
	bool wide = x + 1 < f->w && !g[1].ch;
	wchar_t text[CCHARW_MAX + 1];
	cchar_t cc;
	int pair = l->pair;

	wide_of(f, g, wide ? 2 : 1, text);
	if (setcchar(&cc, text, l->attrs, 0, &pair) == OK)
		mvadd_wch(y, x, &cc);
	if (wide && text[0] == '?' && setcchar(&cc, L" ", l->attrs, 0, &pair) == OK)
		mvadd_wch(y, x + 1, &cc);
}

/* Tells curses of the cells that changed; how many. */
static int put_changes(struct terminal *t, const struct frame *f, int w, int h)
{
	int changed = 0;

	for (int y = 0; y < h; y++) {
		const struct glyph *now = f->cells + (size_t)y * (size_t)f->w;
		const struct glyph *was = t->last.cells + (size_t)y * (size_t)t->last.w;

		for (int x = 0; x < w; x++) {
			if (!t->whole && same_cell(f, &now[x], &t->last, &was[x]) &&
			    (x + 1 >= w || !now[x + 1].ch == !was[x + 1].ch))
				continue;
			changed++;
			if (now[x].ch && (x + 1 < w || f->w == w || now[x + 1].ch))
				put_cell(t, f, x, y, &now[x]);
		}
	}
	return changed;
}

static void keep(struct terminal *t, const struct frame *f)
{
	frame_resize(&t->last, f->w, f->h);
	memcpy(t->last.cells, f->cells, (size_t)f->w * (size_t)f->h * sizeof(*f->cells));
	buf_addstr(&t->last.pool, buf_str(&f->pool));
}

void term_put(struct terminal *t, const struct frame *f)
{
	int w = f->w < t->w ? f->w : t->w, h = f->h < t->h ? f->h : t->h, changed;
	bool cursor = f->cur_x >= 0 && f->cur_x < w && f->cur_y >= 0 && f->cur_y < h;

	if (t->last.w != f->w || t->last.h != f->h)
		t->whole = true;
	if (t->whole)
		erase();
	changed = put_changes(t, f, w, h);
	if (!changed && !t->whole && cursor == t->shown_cursor && !cursor)
		return;
	if (cursor != t->shown_cursor) {
		leaveok(stdscr, !cursor);
		curs_set(cursor);
		t->shown_cursor = cursor;
	}
	if (cursor)
		move(f->cur_y, f->cur_x);
	send_frame(t, t->sync && changed > w * h / 4);
	t->whole = false;
	keep(t, f);
}

void term_redraw(struct terminal *t)
{
	t->whole = true;
	clearok(stdscr, TRUE);
}

static void leave(struct terminal *t)
{
	switch_off(t);
	endwin();
	restore.active = 0;
	give_signals_back();
}

static void come_back(struct terminal *t)
{
	take_signals();
	reset_prog_mode();
	switch_on(t);
	t->events |= TERM_RESUMED;
	read_size(t);
	restore.active = 1;
	term_redraw(t);
}

void term_suspend(struct terminal *t)
{
	leave(t);
	kill(0, SIGTSTP);
	come_back(t);                            /* in the foreground again */
}

/* What a program in a borrowed terminal may have left behind when its stream broke: alternate screen, keypad and cursor keys,
 * mouse, focus, paste, hidden cursor, no wrapping, origin and insert mode, reverse video, margins, character set, colours. */
static const char to_rights[] = "\033[?1049l\033[?1l\033>\033[?1000l\033[?1002l\033[?1003l\033[?1004l\033[?1005l\033[?1006l"
	"\033[?1015l\033[?2004l\033[?2026l\033[?25h\033[?7h\033[?6l\033[4l\033[?5l\033[r\033(B\017\033[0m";

void term_lend(struct terminal *t, bool raw_bytes)
{
	struct termios modes = restore.termios;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, tell = { .sa_handler = on_telling, .sa_flags = SA_RESTART };

	leave(t);
	t->lent = true;
	/* Ctrl-C and Ctrl-\ are for whoever has the terminal; that we are to end, and of what size it is, we want to know */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGTERM, &tell, NULL);
	sigaction(SIGHUP, &tell, NULL);
	sigaction(SIGWINCH, &tell, NULL);
	if (raw_bytes) {
		cfmakeraw(&modes);
		restore.n = 0;
		add_restore(t->xterm ? to_rights : tigetstr("sgr0"));
		add_restore("\r\n");
		restore.active = 1;
	}
	tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
}

void term_take_back(struct terminal *t)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was;

	sigaction(SIGTTOU, &ignore, &was);       /* a shell may have left us in the background */
	tcsetpgrp(STDIN_FILENO, getpgrp());
	give_signals_back();
	t->lent = false;
	if (t->xterm)
		put_bytes(to_rights, sizeof(to_rights) - 1);
	t->shown_cursor = true;                  /* as it is now: the next frame hides it */
	come_back(t);
	sigaction(SIGTTOU, &was, NULL);
}

/* ---- keys and signals */

int term_fd(const struct terminal *t)
{
	(void)t;
	return STDIN_FILENO;
}

int term_signal_fd(const struct terminal *t)
{
	(void)t;
	return restore.fds[0];
}

unsigned term_events(struct terminal *t)
{
	char buf[64];
	ssize_t n;
	unsigned events;

	while ((n = read(restore.fds[0], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			t->events |= buf[i] == 'w' ? TERM_RESIZED : buf[i] == 's' ? TERM_STOP :
			             buf[i] == 'c' ? TERM_RESUMED : TERM_QUIT;
	events = t->events;
	t->events = 0;
	if (t->lent)
		return events;
	if (events & (TERM_RESIZED | TERM_RESUMED))
		read_size(t);
	if (events & TERM_RESUMED)
		term_redraw(t);
	return events;
}

bool term_read(struct terminal *t)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n > 0)
		keyin_feed(&t->in, (struct str){ buf, (size_t)n });
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

bool term_key(struct terminal *t, bool late, struct key *k)
{
	while (keyin_next(&t->in, late, k)) {
		if (k->name != K_SYNC)
			return true;
		t->sync = true;
	}
	return false;
}

bool term_pending(const struct terminal *t)
{
	return keyin_pending(&t->in);
}

/* ---- the clipboard */

void term_copy(struct terminal *t, struct str text)
{
	struct buf osc = { 0 }, out = { 0 };
	const char *name = getenv("TERM"), *tmux = getenv("TMUX");

	if (!t->xterm)
		return;
	if (text.n > 74000)                 /* xterm and tmux refuse longer ones whole */
		text.n = 74000;
	buf_adds(&osc, "\033]52;c;");
	term_base64(text.p, text.n, &osc);
	buf_adds(&osc, "\a");
	if (tmux && *tmux) {                /* once for tmux itself, once for the terminal around it */
		buf_addstr(&out, buf_str(&osc));
		buf_adds(&out, "\033Ptmux;\033");
		buf_addstr(&out, buf_str(&osc));
		buf_adds(&out, "\033\\");
	} else if (name && str_starts(str_of(name), STR("screen"))) {
		for (size_t i = 0; i < osc.len; i += 200) {      /* screen's strings are short */
			buf_adds(&out, "\033P");
			buf_add(&out, osc.data + i, osc.len - i < 200 ? osc.len - i : 200);
			buf_adds(&out, "\033\\");
		}
	} else {
		buf_addstr(&out, buf_str(&osc));
	}
	put_bytes(out.data, out.len);
	buf_release(&osc);
	buf_release(&out);
}
