/* term_rgb: curses takes colours from terminfo, and most entries know only a palette of 256, though the terminal knows
 * 24-bit colours and says so in COLORTERM. Changing the user's palette would change his other windows too, so the
 * entry is changed: what setupterm found is written down again as a compiled entry (term(5), 32-bit numbers) with direct
 * colours, and handed to newterm in TERMINFO as base64, which ncurses takes since 6.1. */
#define _GNU_SOURCE
#include "tui/term_rgb.h"
#include "base/buf.h"
#include "base/mem.h"
#include <curses.h>
#include <stdlib.h>
#include <term.h>

#define MAGIC_32 01036
#define DIRECT(few, bright, many) "\033[%?%p1%{8}%<%t" few "%p1%d%e%p1%{16}%<%t" bright "%p1%{8}%-%d%e" many \
	";2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m"

static void add_16(struct buf *b, int v)
{
	buf_addc(b, (char)(v & 255));
	buf_addc(b, (char)(v >> 8 & 255));
}

static void add_32(struct buf *b, int v)
{
	add_16(b, v & 0xffff);
	add_16(b, v >> 16 & 0xffff);
}

static const char *string_of(const char *name)
{
	if (strcmp(name, "setaf") == 0)
		return DIRECT("3", "9", "38");
	if (strcmp(name, "setab") == 0)
		return DIRECT("4", "10", "48");
	if (strcmp(name, "initc") == 0 || strcmp(name, "oc") == 0 || strcmp(name, "setf") == 0 || strcmp(name, "setb") == 0)
		return NULL;
	const char *s = tigetstr(name);

	return s == (const char *)-1 ? NULL : s;
}

static int number_of(const char *name)
{
	if (strcmp(name, "colors") == 0)
		return 1 << 24;
	if (strcmp(name, "pairs") == 0)
		return 32767;
	return strcmp(name, "ncv") == 0 ? -1 : tigetnum(name);
}

/* The entry of this terminal, compiled. */
static void compile(struct buf *out, const char *name)
{
	struct buf bools = { 0 }, nums = { 0 }, offs = { 0 }, text = { 0 };
	int n[3] = { 0 };

	for (; boolnames[n[0]]; n[0]++)
		buf_addc(&bools, strcmp(boolnames[n[0]], "ccc") != 0 && tigetflag(boolnames[n[0]]) > 0);
	for (; numnames[n[1]]; n[1]++)
		add_32(&nums, number_of(numnames[n[1]]));
	for (; strnames[n[2]]; n[2]++) {
		const char *s = string_of(strnames[n[2]]);

		add_16(&offs, s ? (int)text.len : -1);
		if (s)
			buf_add(&text, s, strlen(s) + 1);
	}
	add_16(out, MAGIC_32);
	add_16(out, (int)strlen(name) + 1);
	add_16(out, n[0]);
	add_16(out, n[1]);
	add_16(out, n[2]);
	add_16(out, (int)text.len);
	buf_add(out, name, strlen(name) + 1);
	buf_addstr(out, buf_str(&bools));
	if (out->len & 1)
		buf_addc(out, 0);
	buf_addstr(out, buf_str(&nums));
	buf_addstr(out, buf_str(&offs));
	buf_addstr(out, buf_str(&text));
	if (out->len & 1)
		buf_addc(out, 0);
	/* one extended capability: the flag RGB */
	add_16(out, 1);
	add_16(out, 0);
	add_16(out, 0);
	add_16(out, 1);
	add_16(out, 4);
	buf_addc(out, 1);
	buf_addc(out, 0);
	add_16(out, 0);
	buf_add(out, "RGB", 4);
	buf_release(&bools);
	buf_release(&nums);
	buf_release(&offs);
	buf_release(&text);
}

void term_base64(const char *bytes, size_t n, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);

		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_addc(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

bool term_rgb_begin(char **saved)
{
	const char *name = getenv("TERM"), *was = getenv("TERMINFO");
	struct buf entry = { 0 }, line = { 0 };
	bool ok;

	compile(&entry, name);
	buf_adds(&line, "b64:");
	term_base64(entry.data, entry.len, &line);
	*saved = xstrdup(was);
	ok = entry.len < 4096 && setenv("TERMINFO", line.data, 1) == 0;   /* what ncurses has room for */
	buf_release(&entry);
	buf_release(&line);
	return ok;
}

void term_rgb_end(char *saved)
{
	if (saved)
		setenv("TERMINFO", saved, 1);
	else
		unsetenv("TERMINFO");
	free(saved);
}
