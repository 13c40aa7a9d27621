/* command: finding one by its name. */
#include "tui/command.h"

const struct command *command_find(const struct command_scope *s, struct str name)
{
	for (const struct command *c = s->commands; c && c->name; c++)
		if (str_is(name, c->name))
			return c;
	return NULL;
}
