/* key: names of keys, and the decoder: terminfo's sequences first, then what every terminal of the xterm family
 * sends (CSI with modifiers, SS3, Alt as ESC before a key, SGR mouse, bracketed paste). What cannot be understood is
 * swallowed whole, never half taken for typing. */
#define _GNU_SOURCE                  /* memmem */
#include "tui/key.h"
#include "base/mem.h"
#include "tui/text.h"
#include <stdlib.h>
#include <utf8proc.h>

#define SEQUENCE_MAX 64          /* bytes that one escape sequence may have */
#define PASTE_MAX (1 << 20)

static const struct { const char *word; enum key_name name; } words[] = {
	{ "Enter", K_ENTER }, { "Tab", K_TAB }, { "Esc", K_ESC }, { "Backspace", K_BACKSPACE }, { "Up", K_UP },
	{ "Down", K_DOWN }, { "Left", K_LEFT }, { "Right", K_RIGHT }, { "Home", K_HOME }, { "End", K_END },
	{ "PgUp", K_PGUP }, { "PgDn", K_PGDN }, { "Insert", K_INSERT }, { "Delete", K_DELETE },
	{ "Press", K_PRESS }, { "WheelUp", K_WHEEL_UP }, { "WheelDown", K_WHEEL_DOWN },
};
const char *const key_words[] = {
	"Space", "Enter", "Tab", "Esc", "Backspace", "Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDn",
	"Insert", "Delete", "Press", "WheelUp", "WheelDown", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9",
	"F10", "F11", "F12", NULL
};

static bool parse_word(struct str s, struct key *k)
{
	int64_t n;

	if (str_is(s, "Space")) {
		k->name = K_CHAR, k->ch = ' ';
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_is(s, words[i].word)) {
			k->name = words[i].name;
			return true;
		}
	if (s.n < 2 || s.n > 3 || s.p[0] != 'F' || !str_to_i64((struct str){ s.p + 1, s.n - 1 }, &n) || n < 1 || n > 24)
		return false;
	k->name = (enum key_name)(K_F1 + n - 1);
	return true;
}

bool key_parse(struct str s, struct key *out)
{
	struct key k = { 0 };
	utf8proc_int32_t cp;
	utf8proc_ssize_t n;

	if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct str){ s.p + 1, s.n - 2 };
	while (s.n > 2 && s.p[1] == '-') {
		uint8_t mod = s.p[0] == 'C' ? MOD_CTRL : s.p[0] == 'M' ? MOD_ALT : s.p[0] == 'S' ? MOD_SHIFT : 0;

		if (!mod || k.mods & mod)
			return false;
		k.mods |= mod;
		s.p += 2, s.n -= 2;
	}
	if (!s.n)
		return false;
	if (!parse_word(s, &k)) {
		n = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &cp);
		if (n != (utf8proc_ssize_t)s.n || cp < 0x21 || cp == 0x7f || utf8proc_charwidth(cp) < 1)
			return false;
		k.name = K_CHAR, k.ch = (uint32_t)cp;
	}
	if (k.name == K_CHAR && k.mods & MOD_SHIFT)
		return false;                       /* the character itself says it */
	if (k.name == K_CHAR && k.mods & MOD_CTRL) {
		if (k.ch >= 'A' && k.ch <= 'Z')
			k.ch += 'a' - 'A';
		if (k.ch == 'i' || k.ch == 'm' || k.ch == '[')      /* terminals cannot tell them from Tab, Enter, Esc */
			k.name = k.ch == 'i' ? K_TAB : k.ch == 'm' ? K_ENTER : K_ESC, k.ch = 0, k.mods &= (uint8_t)~MOD_CTRL;
		else if (!(k.ch >= 'a' && k.ch <= 'z') && !strchr(" \\]^_@", (int)k.ch))
			return false;
		if (k.ch == '@')
			k.ch = ' ';
	}
	*out = k;
	return true;
}

void key_show(struct key k, struct buf *out)
{
	char u[5];

	if (k.mods & MOD_CTRL)
		buf_adds(out, "C-");
	if (k.mods & MOD_ALT)
		buf_adds(out, "M-");
	if (k.mods & MOD_SHIFT)
		buf_adds(out, "S-");
	if (k.name == K_CHAR) {
		if (k.ch == ' ')
			buf_adds(out, "Space");
		else
			buf_add(out, u, (size_t)text_utf8(k.ch, u));
		return;
	}
	if (k.name >= K_F1 && k.name <= K_F24)
		buf_addf(out, "F%d", k.name - K_F1 + 1);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].name == k.name)
			buf_adds(out, words[i].word);
}

bool key_text(struct key k, char utf8[5])
{
	return k.name == K_CHAR && !k.mods && k.ch >= 0x20 && text_utf8(k.ch, utf8) > 0;
}

/* ---- the decoder */

void keyin_release(struct keyin *k)
{
	for (unsigned i = 0; i < k->nseqs; i++)
		free(k->seqs[i].seq);
	free(k->seqs);
	buf_release(&k->in);
	buf_release(&k->paste);
	*k = (struct keyin){ 0 };
}

void keyin_add(struct keyin *k, const char *seq, struct key key)
{
	if (!seq || !seq[0] || !seq[1] || strlen(seq) > SEQUENCE_MAX)   /* one byte is a control key already */
		return;
	k->seqs = xreallocarray(k->seqs, k->nseqs + 1, sizeof(*k->seqs));
	k->seqs[k->nseqs++] = (struct keyin_seq){ xstrdup(seq), key };
}

void keyin_feed(struct keyin *k, struct str bytes)
{
	if (k->at) {
		buf_consume(&k->in, k->at);
		k->at = 0;
	}
	buf_addstr(&k->in, bytes);
}

enum took { TOOK_KEY, TOOK_NOTHING, TOOK_MORE };     /* a key; bytes without one; more bytes are needed */

static enum took take(struct keyin *k, size_t n, struct key key, struct key *out)
{
	k->at += n;
	*out = key;
	return key.name ? TOOK_KEY : TOOK_NOTHING;
}

/* A sequence of terminfo's; TOOK_MORE when the bytes so far are the start of one. */
static enum took take_known(struct keyin *k, struct str s, struct key *out)
{
	enum took r = TOOK_NOTHING;

	for (unsigned i = 0; i < k->nseqs; i++) {
		struct str seq = str_of(k->seqs[i].seq);

		if (str_starts(s, seq))
			return take(k, seq.n, k->seqs[i].key, out);
		if (str_starts(seq, s))
			r = TOOK_MORE;
	}
	return r;
}

static struct key final_key(char final, int first)
{
	static const uint8_t tilde[] = {
		[1] = K_HOME, [2] = K_INSERT, [3] = K_DELETE, [4] = K_END, [5] = K_PGUP, [6] = K_PGDN, [7] = K_HOME,
		[8] = K_END, [11] = K_F1, [12] = K_F1 + 1, [13] = K_F1 + 2, [14] = K_F1 + 3, [15] = K_F1 + 4,
		[17] = K_F1 + 5, [18] = K_F1 + 6, [19] = K_F1 + 7, [20] = K_F1 + 8, [21] = K_F1 + 9, [23] = K_F1 + 10,
		[24] = K_F1 + 11, [25] = K_F1 + 12, [26] = K_F1 + 13, [28] = K_F1 + 14, [29] = K_F1 + 15,
		[31] = K_F1 + 16, [32] = K_F1 + 17, [33] = K_F1 + 18, [34] = K_F1 + 19,
	};
	static const char letters[] = "ABCDFHPQRSM";
	static const uint8_t by_letter[] = { K_UP, K_DOWN, K_RIGHT, K_LEFT, K_END, K_HOME, K_F1, K_F1 + 1, K_F1 + 2,
	                                     K_F1 + 3, K_ENTER };
	const char *l = final ? strchr(letters, final) : NULL;
	struct key key = { 0 };

	if (final == 'Z')
		key = (struct key){ .name = K_TAB, .mods = MOD_SHIFT };
	else if (final == '~' && first > 0 && first < (int)sizeof(tilde))
		key.name = (enum key_name)tilde[first];
	else if (l)
		key.name = (enum key_name)by_letter[l - letters];
	return key;
}

/* CSI < b ; x ; y M|m */
static struct key mouse_key(const int *arg, unsigned n, char final)
{
	struct key key = { 0 };

	if (n != 3 || arg[1] < 1 || arg[2] < 1 || arg[1] > 4096 || arg[2] > 4096)
		return key;
	if (arg[0] == 64 || arg[0] == 65)
		key.name = arg[0] == 64 ? K_WHEEL_UP : K_WHEEL_DOWN;
	else if (arg[0] == 0 && final == 'M')
		key.name = K_PRESS;
	key.x = (uint16_t)(arg[1] - 1), key.y = (uint16_t)(arg[2] - 1);
	return key;
}

static enum took take_csi(struct keyin *k, struct str s, struct key *out)
{
	int arg[8] = { 0 };
	unsigned n = 0;
	size_t i = 2;
	char lead = 0, mid = 0;
	struct key key = { 0 };

	if (s.n > 2 && s.p[2] >= '<' && s.p[2] <= '?')
		lead = s.p[i++];
	for (; i < s.n && i < SEQUENCE_MAX; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9') {
			if (!n)
				n = 1;
			if (arg[n - 1] < 100000)
				arg[n - 1] = arg[n - 1] * 10 + c - '0';
		} else if (c == ';' || c == ':') {
			n = n ? n + 1 : 2;
			if (n > ARRAY_SIZE(arg))
				n = ARRAY_SIZE(arg);
		} else if (c >= 0x20 && c <= 0x2f) {
			mid = c;
		} else if (c >= 0x40 && c <= 0x7e) {
			if (lead == '<' && (c == 'M' || c == 'm'))
				return take(k, i + 1, mouse_key(arg, n, c), out);
			if (lead == '?' && mid == '$' && c == 'y')
				return take(k, i + 1, (struct key){ .name = arg[0] == 2026 && (arg[1] == 1 || arg[1] == 2) ?
				            K_SYNC : K_NONE }, out);
			if (!lead && !mid && c == '~' && arg[0] == 200) {
				k->pasting = true;
				buf_clear(&k->paste);
				return take(k, i + 1, key, out);
			}
			if (!lead && !mid)
				key = final_key(c, arg[0]);
			if (key.name && n >= 2 && arg[1] > 1 && arg[1] <= 8)
				key.mods |= (uint8_t)((arg[1] - 1) & 1 ? MOD_SHIFT : 0) |
				            (uint8_t)((arg[1] - 1) & 2 ? MOD_ALT : 0) |
				            (uint8_t)((arg[1] - 1) & 4 ? MOD_CTRL : 0);
			return take(k, i + 1, key, out);
		} else {
			return take(k, i, key, out);        /* broken off by a control: drop what was before it */
		}
	}
	return i >= SEQUENCE_MAX ? take(k, i, key, out) : TOOK_MORE;
}

static enum took take_plain(struct keyin *k, struct str s, struct key *out);

static enum took take_escape(struct keyin *k, struct str s, struct key *out)
{
	enum took r;

	if (s.n == 1)
		return TOOK_MORE;
	if (s.p[1] == '[')
		return s.n == 2 ? TOOK_MORE : take_csi(k, s, out);
	if (s.p[1] == 'O' && s.n == 2)
		return TOOK_MORE;
	if (s.p[1] == 'O') {
		struct key key = final_key(s.p[2], 0);

		if (key.name)
			return take(k, 3, key, out);
	}
	if (s.p[1] == 0x1b)
		return take(k, 1, (struct key){ .name = K_ESC }, out);
	k->at++;                                     /* Alt and a key */
	r = take_plain(k, (struct str){ s.p + 1, s.n - 1 }, out);
	if (r == TOOK_MORE)
		k->at--;
	else if (r == TOOK_KEY)
		out->mods |= MOD_ALT;
	return r;
}

static enum took take_plain(struct keyin *k, struct str s, struct key *out)
{
	unsigned char c = (unsigned char)s.p[0];
	utf8proc_int32_t cp;
	size_t need = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c == '\r' || c == '\n')
		return take(k, 1, (struct key){ .name = K_ENTER }, out);
	if (c == '\t')
		return take(k, 1, (struct key){ .name = K_TAB }, out);
	if (c == 0x7f || (c == 8 && k->backspace_is_8))
		return take(k, 1, (struct key){ .name = K_BACKSPACE }, out);
	if (c == 0x1b)
		return take(k, 1, (struct key){ .name = K_ESC }, out);
	if (c < 0x20) {
		struct key key = { .name = K_CHAR, .mods = MOD_CTRL };

		key.ch = c == 0 ? ' ' : c <= 26 ? (uint32_t)c + 'a' - 1 : (uint32_t)c + '@';
		return take(k, 1, key, out);
	}
	if (c >= 0xc2 && c <= 0xf4 && s.n < need) {
		for (size_t i = 1; i < s.n; i++)
			if ((s.p[i] & 0xc0) != 0x80)
				return take(k, 1, (struct key){ 0 }, out);
		return TOOK_MORE;
	}
	if (utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)(s.n < need ? s.n : need), &cp) !=
	    (utf8proc_ssize_t)need || (cp >= 0x80 && cp < 0xa0))
		return take(k, 1, (struct key){ 0 }, out);      /* not UTF-8: not typed */
	return take(k, need, (struct key){ .name = K_CHAR, .ch = (uint32_t)cp }, out);
}

/* Bytes of a paste up to its end mark. */
static enum took take_paste(struct keyin *k, struct str s, struct key *out)
{
	static const char mark[] = "\033[201~";
	const char *end = memmem(s.p, s.n, mark, sizeof(mark) - 1);
	size_t n = end ? (size_t)(end - s.p) : s.n > sizeof(mark) - 2 ? s.n - (sizeof(mark) - 2) : 0;

	if (k->paste.len < PASTE_MAX)
		buf_add(&k->paste, s.p, n);
	k->at += n;
	if (!end)
		return TOOK_MORE;
	k->pasting = false;
	return take(k, sizeof(mark) - 1, (struct key){ .name = K_PASTE, .text = buf_str(&k->paste) }, out);
}

bool keyin_next(struct keyin *k, bool late, struct key *out)
{
	while (k->at < k->in.len) {
		struct str s = { k->in.data + k->at, k->in.len - k->at };
		enum took r;

		if (k->pasting) {
			r = take_paste(k, s, out);
			if (r == TOOK_MORE)
				return false;
		} else if (s.p[0] == 0x1b) {
			r = take_known(k, s, out);
			if (r == TOOK_NOTHING)
				r = take_escape(k, s, out);
			if (r == TOOK_MORE && late && s.n <= 2)     /* Esc, Alt-[ and Alt-O */
				r = s.n == 1 ? take(k, 1, (struct key){ .name = K_ESC }, out) :
				    take(k, 2, (struct key){ .name = K_CHAR, .ch = (unsigned char)s.p[1], .mods = MOD_ALT }, out);
			else if (r == TOOK_MORE && late)
				r = take(k, s.n, (struct key){ 0 }, out);
		} else {
			r = take_plain(k, s, out);
			if (r == TOOK_MORE && late)
				r = take(k, s.n, (struct key){ 0 }, out);
		}
		if (r == TOOK_MORE)
			return false;
		if (r == TOOK_KEY)
			return true;
	}
	return false;
}
