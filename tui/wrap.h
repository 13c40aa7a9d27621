/* wrap: a sentence over several lines, broken at blanks; for pages of sentences (actions, runbooks). */
#ifndef TUI_WRAP_H
#define TUI_WRAP_H
#include "tui/frame.h"

/* From column x, row y of the area to its right edge. With f NULL only counts. Rows out of sight are not drawn. Returns the rows
 * it takes, at least 1; *end (may be NULL): the column after the last character. */
unsigned wrap_text(struct frame *f, struct rect area, int x, int y, struct str s, bool ascii, enum role role, int *end);
#endif
