/* text: how text from outside becomes printable, one piece at a time. A piece is what goes into one place on
 * the screen: a character with its marks, or a stand-in for something that must not reach the terminal:
 *
 *   ^[ ^?        control characters                       \xff      a byte that is not UTF-8
 *   <9b> <202e>  C1 controls, bidirectional overrides, characters that cannot be seen, unassigned ones
 *
 * Terminals do not agree on how wide joined emoji are, so a joined family is its members side by side, and
 * variation selectors and skin tones are left out. At most three marks are kept on a character. */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H
#include "base/str.h"

#define PIECE_MAX 40             /* bytes of UTF-8 in a piece, NUL included */
struct piece {
	char text[PIECE_MAX];        /* what is shown, NUL-terminated */
	uint8_t n;                   /* bytes of it */
	uint8_t width;               /* cells, 1..10; more than 2 only for stand-ins, which are ASCII */
	bool control;                /* a stand-in */
	bool single;                 /* one code point: ch */
	bool rtl;                    /* written right to left */
	uint32_t ch;
};
/* Take the next piece from *rest; false at the end. A tab is a piece with control false, ch '\t', width 1: the caller
 * knows where the next stop is. */
bool piece_next(struct str *rest, bool ascii, struct piece *out);
/* One code point that ASCII stands for ('x' for a multiplication sign), or 0. */
char text_ascii(uint32_t ch);
/* Bytes of s that fit into `width` cells; *used gets the cells. Cut between pieces. */
size_t text_fit(struct str s, bool ascii, int width, int *used);
/* UTF-8 of ch in out (NUL-terminated); the bytes. */
int text_utf8(uint32_t ch, char out[5]);
#endif
