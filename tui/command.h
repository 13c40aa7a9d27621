/* command: everything a user can do has a name, can be typed at `:`, can be bound to a key and is found in help. Every
 * page type and the app itself have one constant table; help, hints, completion and the man page come from these. */
#ifndef TUI_COMMAND_H
#define TUI_COMMAND_H
#include "base/str.h"

struct command {
	const char *name;      /* "down", "filter", "sort" */
	const char *args;      /* "[COLUMN]", NULL = none */
	const char *help;      /* one line, imperative */
	const char *hint;      /* one or two words for the hint line; NULL = not hinted */
	bool last;             /* hinted after everything else: one finds it in every list */
};
/* The scopes, inner to outer: a page's own name ("table", "text", "cluster" ...), then "app". A key is looked up in
 * the scopes in that order; so is a typed name. */
struct command_scope {
	const char *name;
	const char *help;
	const struct command *commands;   /* ends with name NULL */
};
const struct command *command_find(const struct command_scope *s, struct str name);
/* The commands that move by lines, in lists and in texts: down [N], up [N], page-down, page-up, half-down, half-up, first, last. *at
 * becomes where it leads, perhaps beyond either end; shown: lines on the screen; n: lines in all. False: it is none of these. */
bool move_line(const char *name, struct str args, int shown, int64_t n, int64_t *at);
#endif
