/* term_rgb: true colour for terminals whose terminfo entry knows only a palette but which say COLORTERM=truecolor. */
#ifndef TUI_TERM_RGB_H
#define TUI_TERM_RGB_H
#include "base/buf.h"

/* After setupterm: arranges that the next newterm sees this terminal with 24-bit colours. False: cannot. In both cases
 * call term_rgb_end with *saved, which puts the environment back. */
bool term_rgb_begin(char **saved);
void term_rgb_end(char *saved);
void term_base64(const char *bytes, size_t n, struct buf *out);
#endif
