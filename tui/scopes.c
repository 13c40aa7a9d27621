/* scopes: see scopes.h. */
#include "tui/scopes.h"
#include <stddef.h>

const struct command_scope *const tui_scopes[] = {
#define X(name) &name##_scope,
	TUI_SCOPES(X)
#undef X
	NULL
};
