/* key: what was pressed, from the terminal's bytes. The decoder takes bytes and gives keys; it knows no terminal (term.c
 * hands it what terminfo says), so that tests and fuzzers feed it directly. */
#ifndef TUI_KEY_H
#define TUI_KEY_H
#include "base/buf.h"

enum key_name {
	K_NONE,
	K_CHAR,              /* ch; with MOD_CTRL the lower-case letter */
	K_ENTER, K_TAB, K_ESC, K_BACKSPACE, K_UP, K_DOWN, K_LEFT, K_RIGHT, K_HOME, K_END, K_PGUP, K_PGDN, K_INSERT,
	K_DELETE,
	K_F1, K_F24 = K_F1 + 23,
	K_PRESS, K_WHEEL_UP, K_WHEEL_DOWN,   /* mouse, at x y */
	K_PASTE,             /* text: what was pasted, never to be taken for keys */
	K_SYNC,              /* the terminal says that it knows synchronized output */
};
#define MOD_CTRL 1
#define MOD_ALT 2
#define MOD_SHIFT 4          /* never with K_CHAR: the character says it */

struct key {
	enum key_name name;
	uint32_t ch;         /* K_CHAR: code point */
	uint8_t mods;
	uint16_t x, y;       /* mouse: cell, from 0 */
	struct str text;     /* K_PASTE: borrowed until the next keyin_next */
};
static inline bool key_same(struct key a, struct key b)
{
	return a.name == b.name && a.mods == b.mods && (a.name != K_CHAR || a.ch == b.ch);
}
static inline bool key_is(const struct key *k, uint32_t ch)      /* this plain character */
{
	return k->name == K_CHAR && !k->mods && k->ch == ch;
}

/* "j" "C-f" "M-x" "C-M-x" "F1" "<F1>" "Up" "<C-Left>" "S-Tab" "Space" "<" */
bool key_parse(struct str s, struct key *out);
void key_show(struct key k, struct buf *out);    /* what key_parse reads; the form shown in help */
bool key_text(struct key k, char utf8[5]);       /* a plain character as UTF-8; false for all else */
extern const char *const key_words[];            /* names of special keys, NULL-terminated */

struct keyin {
	struct buf in;
	size_t at;
	struct buf paste;
	bool pasting;
	bool backspace_is_8;         /* the terminal's Backspace sends what is C-h elsewhere */
	unsigned nseqs;
	struct keyin_seq { char *seq; struct key key; } *seqs;   /* from terminfo */
};
void keyin_release(struct keyin *k);
void keyin_add(struct keyin *k, const char *seq, struct key key);   /* seq is copied */
void keyin_feed(struct keyin *k, struct str bytes);
/* Next key. False: none, or the bytes so far may still become one (keyin_pending): when nothing more comes for 25 ms
 * call with late = true, which takes a lone ESC as Esc. */
bool keyin_next(struct keyin *k, bool late, struct key *out);
static inline bool keyin_pending(const struct keyin *k) { return k->in.len > k->at; }
#endif
