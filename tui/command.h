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
#endif
