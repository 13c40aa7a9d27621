/* pattern: see pattern.h. How large a pattern becomes is reckoned beforehand: each character counts one, a repetition
 * as many as regcomp makes copies, and + makes two. */
#include "base/pattern.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 1000, DEPTH_MAX = 100 };

/* One group that is open: what stood before its last atom, and that atom. */
struct group { uint32_t before, atom; };

static void add_atom(struct group *g, uint32_t size)
{
	g->before += g->atom;
	g->atom = size;
}

/* Copies that {m,n} at *at stands for; *at moves onto its last character. 1 when it is none. */
static uint32_t copies(const char **at)
{
	char *end;
	unsigned long most = strtoul(*at + 1, &end, 10), more;

	if (*end == ',') {
		more = strtoul(end + 1, &end, 10);
		most = more > most ? more : most + 1;
	}
	if (*end != '}')
		return 1;
	*at = end;
	return most > SIZE_LIMIT ? SIZE_LIMIT : most ? (uint32_t)most : 1;
}

/* The last character of the bracket expression that opens at `at`, or of the text. */
static const char *past_bracket(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	at += *at == ']';
	while (*at && *at != ']') {
		if (*at == '[' && at[1] && strchr(":.=", at[1])) {
			char kind = at[1];

			for (at += 2; *at && !(*at == kind && at[1] == ']'); at++)
				;
			at += *at != 0;
		}
		at += *at != 0;
	}
	return *at ? at : at - 1;
}

/* NULL: it may be compiled; else why not. */
static const char *too_much(const char *text)
{
	struct group open[DEPTH_MAX + 1] = { 0 }, *g = open;

	for (const char *at = text; *at; at++) {
		if (*at == '\\' && at[1] >= '1' && at[1] <= '9')
			return "references back to a group are too slow";
		if (*at == '(') {
			if (g == open + DEPTH_MAX)
				return "groups go too deep";
			*++g = (struct group){ 0 };
		} else if (*at == ')' && g > open) {
			g--;
			add_atom(g, g[1].before + g[1].atom + 1);
		} else if (*at == '+') {
			g->atom *= 2;
		} else if (*at == '{') {
			g->atom *= copies(&at);
		} else if (*at != '*' && *at != '?') {
			if (*at == '[')
				at = past_bracket(at);
			else if (*at == '\\' && at[1])
				at++;
			add_atom(g, 1);
		}
		if (g->before + g->atom > SIZE_LIMIT)
			return "it repeats too much";
	}
	return NULL;
}

bool pattern_compile(regex_t *re, const char *text, int flags, char *why, size_t size)
{
	const char *refused = too_much(text);
	int rc;

	if (refused) {
		snprintf(why, size, "%s", refused);
		return false;
	}
	rc = regcomp(re, text, REG_EXTENDED | flags);
	if (rc)
		regerror(rc, re, why, size);
	return rc == 0;
}
