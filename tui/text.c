/* text: the one place where bytes from outside become printable. Width and class of a code point come from utf8proc;
 * what may follow what is decided here, by what terminals do: a cell holds one character and its marks, and nothing
 * without width, nothing that moves other text, reaches the terminal. */
#include "tui/text.h"
#include <stdio.h>
#include <utf8proc.h>

#define MARKS_MAX 3      /* with the isolating mark a cell of curses holds five code points */

int text_utf8(uint32_t ch, char out[5])
{
	utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)ch, (utf8proc_uint8_t *)out);

	if (n < 0)
		n = 0;
	out[n] = 0;
	return (int)n;
}

/* Glyphs that we draw with ourselves, and what stands for them in ASCII. */
static const struct { uint32_t ch; char ascii; } plain[] = {
	{ 0x00a0, ' ' }, { 0x00b0, 'o' }, { 0x00b1, '+' }, { 0x00b5, 'u' }, { 0x00b7, '.' }, { 0x00d7, 'x' },
	{ 0x2010, '-' }, { 0x2011, '-' }, { 0x2012, '-' }, { 0x2013, '-' }, { 0x2014, '-' }, { 0x2018, '\'' },
	{ 0x2019, '\'' }, { 0x201c, '"' }, { 0x201d, '"' }, { 0x2022, '*' }, { 0x2026, '~' }, { 0x2190, '<' },
	{ 0x2191, '^' }, { 0x2192, '>' }, { 0x2193, 'v' }, { 0x21b3, '>' }, { 0x2212, '-' }, { 0x2260, '#' },
	{ 0x2264, '<' }, { 0x2265, '>' }, { 0x2500, '-' }, { 0x2501, '=' }, { 0x2502, '|' }, { 0x2503, '|' },
	{ 0x2504, '-' }, { 0x2506, ':' }, { 0x2508, '.' }, { 0x250a, ':' }, { 0x2550, '=' }, { 0x2551, '|' },
	{ 0x2574, '-' }, { 0x2588, '#' }, { 0x2591, '.' }, { 0x2592, ':' }, { 0x2593, '#' }, { 0x25a0, '#' },
	{ 0x25ac, '-' }, { 0x25b2, '!' }, { 0x25b3, '?' }, { 0x25b6, '>' }, { 0x25b8, '>' }, { 0x25bc, 'v' },
	{ 0x25be, 'v' }, { 0x25c2, '<' }, { 0x25c6, '*' }, { 0x25c7, '*' }, { 0x25cb, 'o' }, { 0x25cf, '*' },
	{ 0x2713, 'v' }, { 0x2714, 'v' }, { 0x2717, 'x' }, { 0x2718, 'x' },
};

char text_ascii(uint32_t ch)
{
	static const char rise[] = "_.-:=+*#";
	utf8proc_int32_t parts[8];
	int boundary = 0;

	if (ch < 0x80)
		return (char)ch;
	if (ch >= 0x2581 && ch <= 0x2588)          /* one eighth block and up */
		return rise[ch - 0x2581];
	if (ch >= 0x2589 && ch <= 0x258f)          /* left blocks, full to thin */
		return ch <= 0x258b ? '#' : ch <= 0x258d ? '=' : '-';
	if (ch >= 0x250c && ch <= 0x254b)
		return '+';
	if (ch >= 0x2552 && ch <= 0x2570)
		return '+';
	if (ch >= 0x2800 && ch <= 0x28ff) {        /* braille: by how many dots are set */
		int dots = __builtin_popcount(ch & 0xff);

		return dots == 0 ? ' ' : dots < 3 ? '.' : dots < 6 ? ':' : '#';
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].ch == ch)
			return plain[i].ascii;
	if (utf8proc_decompose_char((utf8proc_int32_t)ch, parts, 8, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
	                            UTF8PROC_STRIPMARK, &boundary) == 1 && parts[0] >= 0x20 && parts[0] < 0x7f)
		return (char)parts[0];
	return 0;
}

static bool is_pictograph(uint32_t ch)
{
	return ch >= 0x231a && utf8proc_get_property((utf8proc_int32_t)ch)->boundclass ==
	       UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_rtl(uint32_t ch)
{
	int class = ch < 0x590 ? 0 : utf8proc_get_property((utf8proc_int32_t)ch)->bidi_class;

	return class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL;
}

/* A character of its own that terminals draw in one or two cells; 0: a stand-in is needed. */
static int base_width(uint32_t ch)
{
	switch (utf8proc_category((utf8proc_int32_t)ch)) {
	case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_CN: case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP:
		return 0;
	default:
		/* fillers: letters that show nothing */
		if (ch == 0x115f || ch == 0x1160 || ch == 0x3164 || ch == 0xffa0)
			return 0;
		return utf8proc_charwidth((utf8proc_int32_t)ch);
	}
}

enum follow { FOLLOW_NOT, FOLLOW_KEEP, FOLLOW_DROP };
/* What to do with next after a character that begins with base. */
static enum follow follows(uint32_t base, uint32_t next)
{
	utf8proc_category_t c;

	if (next < 0x300)
		return FOLLOW_NOT;
	if (next >= 0xfe00 && next <= 0xfe0f)                   /* variation selectors */
		return FOLLOW_DROP;
	if (is_pictograph(base))
		return next == 0x200d || (next >= 0x1f3fb && next <= 0x1f3ff) ? FOLLOW_DROP : FOLLOW_NOT;
	if (next == 0x200d || next == 0x200c)                   /* joiners: only where writing needs them */
		return base >= 0x0590 && base < 0x2000 ? FOLLOW_KEEP : FOLLOW_NOT;
	c = utf8proc_category((utf8proc_int32_t)next);
	if (c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME)
		return FOLLOW_KEEP;
	if (next >= 0x1160 && next <= 0x11ff && base >= 0x1100 && base <= 0x11ff)  /* Hangul vowels and finals */
		return FOLLOW_KEEP;
	return FOLLOW_NOT;
}

static void stand_in(struct piece *p, const char *fmt, unsigned v)
{
	p->n = (uint8_t)snprintf(p->text, sizeof(p->text), fmt, v);
	p->width = p->n;
	p->control = true;
}

static bool piece_ascii(struct piece *p)
{
	char c = text_ascii(p->ch);

	p->text[0] = c ? c : '?';
	p->text[1] = 0;
	p->ch = (uint8_t)p->text[0];
	p->n = p->width = 1;
	p->single = true;
	p->rtl = false;
	return true;
}

bool piece_next(struct str *rest, bool ascii, struct piece *p)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)rest->p;
	utf8proc_int32_t cp = 0, next = 0;
	utf8proc_ssize_t n, m;
	unsigned marks = 0;

	if (!rest->n)
		return false;
	*p = (struct piece){ .width = 1, .n = 1, .single = true };
	n = *s < 0x80 ? 1 : utf8proc_iterate(s, (utf8proc_ssize_t)rest->n, &cp);
	if (*s < 0x80)
		cp = *s;
	if (n <= 0) {
		stand_in(p, "\\x%02x", *s);
		p->single = false;
		rest->p++, rest->n--;
		return true;
	}
	rest->p += n, rest->n -= (size_t)n;
	p->ch = (uint32_t)cp;
	if (cp == '\t')
		return true;
	if (cp < 0x20 || cp == 0x7f) {
		stand_in(p, "^%c", (unsigned)cp ^ 0x40);
		p->single = false;
		return true;
	}
	if (cp < 0x7f) {
		p->text[0] = (char)cp;
	} else {
		p->width = (uint8_t)base_width(p->ch);
		if (!p->width || p->width > 2) {
			stand_in(p, "<%x>", p->ch);
			p->single = false;
			return true;
		}
		p->n = (uint8_t)text_utf8(p->ch, p->text);
		p->rtl = is_rtl(p->ch);
	}
	while (rest->n && (unsigned char)*rest->p >= 0xcc) {       /* the first mark is U+0300: cc 80 */
		m = utf8proc_iterate((const utf8proc_uint8_t *)rest->p, (utf8proc_ssize_t)rest->n, &next);
		enum follow how = m <= 0 ? FOLLOW_NOT : follows(p->ch, (uint32_t)next);

		if (how == FOLLOW_NOT)
			break;
		if (how == FOLLOW_KEEP && marks++ < MARKS_MAX) {
			p->n += (uint8_t)text_utf8((uint32_t)next, p->text + p->n);
			p->single = false;
		}
		rest->p += m, rest->n -= (size_t)m;
	}
	return ascii && p->ch >= 0x80 ? piece_ascii(p) : ascii && !p->single ? piece_ascii(p) : true;
}

size_t text_fit(struct str s, bool ascii, int width, int *used)
{
	struct str rest = s;
	struct piece p;
	size_t fit = 0;
	int at = 0, w;

	for (;;) {
		while (rest.n && *rest.p >= 0x20 && *rest.p < 0x7f && at < width &&
		       (rest.n == 1 || (unsigned char)rest.p[1] < 0x80))
			at++, rest.p++, rest.n--;         /* the usual case */
		fit = (size_t)(rest.p - s.p);
		if (!piece_next(&rest, ascii, &p))
			break;
		w = p.ch == '\t' && !p.control ? 8 - at % 8 : p.width;
		if (at + w > width)
			break;
		at += w;
		fit = (size_t)(rest.p - s.p);
	}
	if (used)
		*used = at;
	return fit;
}
