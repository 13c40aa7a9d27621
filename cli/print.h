/* print: text from outside on standard output or error: made printable where that is a terminal, as it is elsewhere. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H
#include "base/str.h"
#include <stdio.h>

/* Always printable, filled with blanks up to `width` cells, at least one when width is not 0. */
void print_text(FILE *to, const char *s, int width);
bool print_raw_is_safe(FILE *to);     /* it is no terminal: bytes may go as they are */
#endif
