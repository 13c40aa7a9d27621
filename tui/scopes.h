/* scopes: every table of commands that tui has, for checking keymaps, for completion and for the manuals. */
#ifndef TUI_SCOPES_H
#define TUI_SCOPES_H
#include "tui/command.h"

#define TUI_SCOPES(X) X(app) X(table) X(text) X(tree) X(form) X(act) X(edit) X(runbook) X(help) X(tour)
#define X(name) extern const struct command_scope name##_scope;
TUI_SCOPES(X)
#undef X
/* All of them, NULL at the end; panes/list.h has them together with the panes' own. */
extern const struct command_scope *const tui_scopes[];
#endif
