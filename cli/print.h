/* print: text from outside on standard output or error: made printable where that is a terminal, as it is elsewhere. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H
#include "base/str.h"
#include <stdio.h>

/* Always printable, filled with blanks up to `width` cells, at least one when width is not 0. */
void print_text(FILE *to, const char *s, int width);
bool print_raw_is_safe(FILE *to);     /* it is no terminal: bytes may go as they are */
struct json_t;
void print_line(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));      /* printable, and a newline */
void print_plan(const struct json_t *plan);     /* base/action.h; indented, without its title */
void print_document(struct json_t *o);              /* takes it */
/* A line from the terminal; NULL: there is none, or its input has ended. Caller frees. */
char *ask_line(const char *question);
#endif
