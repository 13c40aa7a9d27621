/* linediff: how two texts differ, line by line, as `diff -u` writes it. */
#ifndef BASE_LINEDIFF_H
#define BASE_LINEDIFF_H
#include "base/buf.h"

/* Appends hunks ("@@ -12,4 +12,4 @@", then lines that begin with ' ', '-' or '+') with `context` lines around each change;
 * nothing when they are the same. How many lines were added and taken away goes to *plus and *minus (may be NULL). Texts that
 * differ in more than some thousand lines are told as one change of all of these. */
void line_diff(struct str before, struct str after, unsigned context, struct buf *out, unsigned *plus, unsigned *minus);
#endif
