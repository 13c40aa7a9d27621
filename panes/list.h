/* list: every pane, one line each, in the order of their tabs; and the scopes of their own commands. */
#ifndef PANES_LIST_H
#define PANES_LIST_H
#include "tui/page.h"
#include "tui/scopes.h"

#define PANES(X) \
	X(triage) \
	X(cluster) \
	X(pipelines) \
	X(registry) \
	X(drift) \
	X(cost) \
	X(predict) \
	X(storage) \
	X(timeline) \
	X(alerts) \
	X(audit) \
	X(verify)

#define X(name) extern const struct pane pane_##name;
PANES(X)
#undef X

static const struct pane *const panes_all[] = {
#define X(name) &pane_##name,
	PANES(X)
#undef X
	NULL
};

#define PANE_SCOPES(X) \
	X(triage) \
	X(registry) \
	X(pipelines) \
	X(run) \
	X(graph) \
	X(tries) \
	X(drift) \
	X(checks) \
	X(cost) \
	X(endpoints) \
	X(predict) \
	X(storage) \
	X(alerts) \
	X(timeline)

#define X(name) extern const struct command_scope name##_scope;
PANE_SCOPES(X)
#undef X

static const struct command_scope *const scopes_all[] = {
#define X(name) &name##_scope,
	TUI_SCOPES(X)
	PANE_SCOPES(X)
#undef X
	NULL
};
#endif
