/* vt: see vt.h. libvterm 0.1 (Debian 12) to 0.3. */
#define _GNU_SOURCE
#include "tests/screens/vt.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

struct vt {
	int fd, w, h;
	pid_t pid;
	bool ended;
	int status;
	VTerm *term;
	VTermScreen *screen;
	bool alternate, cursor;
	unsigned bells;
	struct buf bytes, text, line;
};

int64_t vt_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int on_prop(VTermProp prop, VTermValue *val, void *user)
{
	struct vt *v = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		v->alternate = val->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		v->cursor = val->boolean;
	return 1;
}

static int on_bell(void *user)
{
	((struct vt *)user)->bells++;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_prop, .bell = on_bell };

static void child(const char *const *argv, const char *const *env)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("TERM", "xterm-256color", 1);
	setenv("LANG", "C.UTF-8", 1);
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("COLORTERM");
	unsetenv("NO_COLOR");
	unsetenv("TMUX");
	for (; env && *env; env++) {
		const char *eq = strchr(*env, '=');
		char *name = eq ? xstrndup(*env, (size_t)(eq - *env)) : xstrdup(*env);

		if (eq)
			setenv(name, eq + 1, 1);
		else
			unsetenv(name);
		free(name);
	}
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

struct vt *vt_start(const char *const *argv, const char *const *env, int w, int h)
{
	struct winsize ws = { .ws_row = (unsigned short)h, .ws_col = (unsigned short)w };
	struct vt *v = xcalloc(1, sizeof(*v));

	v->w = w, v->h = h, v->cursor = true;
	v->term = vterm_new(h, w);
	vterm_set_utf8(v->term, 1);
	v->screen = vterm_obtain_screen(v->term);
	vterm_screen_enable_altscreen(v->screen, 1);
	vterm_screen_set_callbacks(v->screen, &callbacks, v);
	vterm_screen_reset(v->screen, 1);
	v->pid = forkpty(&v->fd, NULL, NULL, &ws);
	if (v->pid < 0) {
		perror("forkpty");
		abort();
	}
	if (v->pid == 0)
		child(argv, env);
	fcntl(v->fd, F_SETFL, O_NONBLOCK);
	fcntl(v->fd, F_SETFD, FD_CLOEXEC);
	return v;
}

void vt_free(struct vt *v)
{
	if (!v)
		return;
	vt_hangup(v);
	if (!v->ended && vt_end(v, 2000) < 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	vterm_free(v->term);
	buf_release(&v->bytes);
	buf_release(&v->text);
	buf_release(&v->line);
	free(v);
}

/* Reads what comes within ms; true when anything did. */
static bool pump(struct vt *v, int ms)
{
	struct pollfd p = { .fd = v->fd, .events = POLLIN };
	char in[65536], out[4096];
	ssize_t n;
	size_t back;

	if (v->fd < 0 || poll(&p, 1, ms) <= 0)
		return false;
	n = read(v->fd, in, sizeof(in));
	if (n <= 0) {
		poll(NULL, 0, ms < 5 ? ms : 5);           /* the other side is closed: that is told at once, each time */
		return false;
	}
	buf_add(&v->bytes, in, (size_t)n);
	vterm_input_write(v->term, in, (size_t)n);
	while ((back = vterm_output_read(v->term, out, sizeof(out))) > 0)
		vt_send(v, out, back);
	return true;
}

void vt_send(struct vt *v, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n && v->fd >= 0) {
		ssize_t did = write(v->fd, p, n);

		if (did < 0 && errno == EAGAIN) {
			pump(v, 10);
			continue;
		}
		if (did <= 0)
			return;
		p += did, n -= (size_t)did;
	}
	if (p > (const char *)bytes && p[-1] == 27)
		vt_settle(v);                             /* else the next key would be Alt and it */
}

void vt_type(struct vt *v, const char *bytes)
{
	vt_send(v, bytes, strlen(bytes));
}

/* ---- the screen */

static void add_row(struct vt *v, int y, struct buf *out)
{
	size_t start = out->len, end = out->len;

	for (int x = 0; x < v->w; x++) {
		VTermScreenCell cell;

		if (!vterm_screen_get_cell(v->screen, (VTermPos){ y, x }, &cell) || cell.chars[0] == (uint32_t)-1)
			continue;
		if (!cell.chars[0])
			buf_addc(out, ' ');
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
			uint32_t c = cell.chars[i];

			if (c < 0x80)
				buf_addc(out, (char)c);
			else if (c < 0x800)
				buf_addf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
			else if (c < 0x10000)
				buf_addf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
			else
				buf_addf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
				         (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
		}
		if (cell.chars[0] && cell.chars[0] != ' ')
			end = out->len;
		if (cell.width == 2)
			x++;
	}
	out->len = end > start ? end : start;
	if (out->data)
		out->data[out->len] = 0;
}

const char *vt_screen(struct vt *v)
{
	buf_clear(&v->text);
	for (int y = 0; y < v->h; y++) {
		add_row(v, y, &v->text);
		buf_addc(&v->text, '\n');
	}
	return v->text.data;
}

const char *vt_line(struct vt *v, int y)
{
	buf_clear(&v->line);
	buf_adds(&v->line, "");
	if (y >= 0 && y < v->h)
		add_row(v, y, &v->line);
	return v->line.data ? v->line.data : "";
}

bool vt_more(struct vt *v, int ms)
{
	return pump(v, ms);
}

bool vt_has(struct vt *v, const char *text)
{
	return strstr(vt_screen(v), text) != NULL;
}

int vt_find(struct vt *v, const char *text)
{
	for (int y = 0; y < v->h; y++)
		if (strstr(vt_line(v, y), text))
			return y;
	return -1;
}

static int colour(const VTermColor *c, bool fore)
{
	if (fore ? VTERM_COLOR_IS_DEFAULT_FG(c) : VTERM_COLOR_IS_DEFAULT_BG(c))
		return -1;
	if (VTERM_COLOR_IS_INDEXED(c))
		return 0x1000000 + c->indexed.idx;
	return c->rgb.red << 16 | c->rgb.green << 8 | c->rgb.blue;
}

struct vt_look vt_look(struct vt *v, int x, int y)
{
	VTermScreenCell c = { 0 };

	vterm_screen_get_cell(v->screen, (VTermPos){ y, x }, &c);
	return (struct vt_look){ c.attrs.bold, false, c.attrs.underline != 0, c.attrs.reverse, colour(&c.fg, true),
	                         colour(&c.bg, false) };
}

/* ---- waiting */

/* Bytes typed that the program has not read yet. (poll lets those arrive that the kernel has on their way; FIONREAD does not.) */
static bool unread(const struct vt *v)
{
	char name[64];
	struct pollfd p = { .events = POLLIN };
	bool any;

	p.fd = ptsname_r(v->fd, name, sizeof(name)) ? -1 : open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p.fd < 0)
		return false;
	any = poll(&p, 1, 0) > 0 && p.revents & POLLIN;
	close(p.fd);
	return any;
}

/* A line of /proc/PID/name; empty: there is none. */
static void proc_line(const struct vt *v, const char *name, char *line, int size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)v->pid, name);
	f = fopen(path, "r");
	if (!f || !fgets(line, size, f))
		line[0] = 0;
	if (f)
		fclose(f);
}

/* Its main thread waits for something: neither at work, nor in want of a processor or a lock, nor stopped; or it has ended. */
static bool asleep(const struct vt *v)
{
	char line[512];

	proc_line(v, "stat", line, sizeof(line));
	if (line[0] && !strstr(line, ") S ") && !strstr(line, ") Z "))
		return false;
	proc_line(v, "wchan", line, sizeof(line));
	return strncmp(line, "futex", 5) != 0;
}

/* Until the program has read all that was typed, sleeps, and goes on sleeping for the given number of turns of 5 ms: what it
 * had to draw is drawn then, and whole. Not longer than ms: a program may be busy without end. */
static bool rest(struct vt *v, int turns, int ms)
{
	int64_t end = vt_now_us() + (int64_t)ms * 1000;

	for (int still = 0; v->fd >= 0 && !v->ended;) {
		bool came = pump(v, still ? 5 : 1);

		if (still == turns)
			break;
		if (vt_now_us() >= end)
			return false;
		still = came || unread(v) || !asleep(v) ? 0 : still + 1;
	}
	return true;
}

/* The screen is looked at while the program rests only, if it does: before, it is that from before the key, or half of each. */
static bool wait_for(struct vt *v, const char *text, bool there, int ms)
{
	int64_t end = vt_now_us() + (int64_t)ms * 1000;

	for (;;) {
		int64_t left;

		rest(v, 2, ms < 1000 ? ms : 1000);
		if (vt_has(v, text) == there)
			return true;
		left = end - vt_now_us();
		if (left <= 0) {
			fprintf(stderr, "waited %d ms for the screen to %s '%s'; it is:\n%s\n", ms, there ? "show" : "lose", text,
			        vt_screen(v));
			return false;
		}
		pump(v, left > 50000 ? 50 : (int)(left / 1000) + 1);
	}
}

bool vt_wait(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, true, ms);
}

bool vt_wait_gone(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, false, ms);
}

void vt_quiet(struct vt *v, int quiet_ms)
{
	int64_t end = vt_now_us() + 20 * 1000000;

	do
		rest(v, 2, 1000);
	while (pump(v, quiet_ms) && vt_now_us() < end);
}

void vt_run(struct vt *v, int ms)
{
	int64_t end = vt_now_us() + (int64_t)ms * 1000, left;

	while ((left = end - vt_now_us()) > 0)
		pump(v, (int)(left / 1000) + 1);
}

void vt_settle(struct vt *v)
{
	rest(v, 12, 20000);
}

int64_t vt_answer_us(struct vt *v, const char *keys, int ms)
{
	int64_t start = vt_now_us();

	vt_type(v, keys);
	return pump(v, ms) ? vt_now_us() - start : -1;
}

/* ---- the terminal and the program */

void vt_resize(struct vt *v, int w, int h)
{
	struct winsize ws = { .ws_row = (unsigned short)h, .ws_col = (unsigned short)w };

	v->w = w, v->h = h;
	vterm_set_size(v->term, h, w);
	ioctl(v->fd, TIOCSWINSZ, &ws);
}

void vt_hangup(struct vt *v)
{
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

pid_t vt_pid(const struct vt *v) { return v->pid; }
size_t vt_count(const struct vt *v) { return v->bytes.len; }
void vt_count_reset(struct vt *v) { buf_clear(&v->bytes); }
struct str vt_bytes(const struct vt *v) { return buf_str(&v->bytes); }
bool vt_alternate(const struct vt *v) { return v->alternate; }
/* By the bytes: libvterm takes DECSC and DECRC, which curses uses to scroll, to save this too; terminals do not. */
bool vt_cursor_shown(const struct vt *v)
{
	for (size_t i = v->bytes.len; i-- > 5;)
		if (memcmp(v->bytes.data + i - 5, "\033[?25", 5) == 0 && (v->bytes.data[i] == 'h' || v->bytes.data[i] == 'l'))
			return v->bytes.data[i] == 'h';
	return v->cursor;
}
unsigned vt_bells(const struct vt *v) { return v->bells; }

bool vt_raw_mode(const struct vt *v)
{
	struct termios t;

	return tcgetattr(v->fd, &t) == 0 && !(t.c_lflag & (ECHO | ICANON));
}

int vt_end(struct vt *v, int ms)
{
	int64_t end = vt_now_us() + (int64_t)ms * 1000;

	while (!v->ended) {
		pid_t r = waitpid(v->pid, &v->status, WNOHANG);

		if (r == v->pid || r < 0) {
			v->ended = true;
			while (pump(v, 100))                  /* the last bytes may still be on their way through the kernel */
				;
			break;
		}
		if (vt_now_us() >= end)
			return -1;
		if (!pump(v, 5))
			poll(NULL, 0, 2);                 /* the terminal is closed but the program still runs */
	}
	return WIFSIGNALED(v->status) ? 128 + WTERMSIG(v->status) : WEXITSTATUS(v->status);
}

double vt_cpu_s(const struct vt *v)
{
	char path[64];
	struct dirent *e;
	double ns = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)v->pid);
	d = opendir(path);
	while (d && (e = readdir(d)) != NULL) {
		char file[400];
		double one = 0;
		FILE *f;

		snprintf(file, sizeof(file), "%s/%s/schedstat", path, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(file, "r");
		if (f && fscanf(f, "%lf", &one) == 1)
			ns += one;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return ns / 1e9;
}

long vt_rss_kb(const struct vt *v)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)v->pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}
