/* command: finding one by its name; those that move by lines. */
#include "tui/command.h"

const struct command *command_find(const struct command_scope *s, struct str name)
{
	for (const struct command *c = s->commands; c && c->name; c++)
		if (str_is(name, c->name))
			return c;
	return NULL;
}

bool move_line(const char *name, struct str args, int shown, int64_t n, int64_t *at)
{
	int64_t by = 1, page = shown > 1 ? shown - 1 : 1;
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	const struct { const char *name; int64_t to; } all[] = {
		{ "down", *at + by }, { "up", *at - by }, { "page-down", *at + page }, { "page-up", *at - page },
		{ "half-down", *at + page / 2 + 1 }, { "half-up", *at - page / 2 - 1 }, { "first", 0 }, { "last", n },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(name, all[i].name)) {
			*at = all[i].to;
			return true;
		}
	return false;
}
