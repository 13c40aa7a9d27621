/* pattern: regular expressions that a user types, compiled only when they are small: what a few characters such as
 * a++++++++++++++++ or (a{99}){99}{99} ask of regcomp would stop the screen and eat all memory. */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/* As regcomp with REG_EXTENDED | flags. False: nothing to free, and why not is in `why` (size bytes). */
bool pattern_compile(regex_t *re, const char *text, int flags, char *why, size_t size);
#endif
