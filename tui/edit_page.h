/* edit_page: an object as YAML in the user's editor, and then the plan with what differs. */
#ifndef TUI_EDIT_PAGE_H
#define TUI_EDIT_PAGE_H
#include "tui/app.h"

/* For a source that offers the action "edit" on the kind and opens its "yaml" with {"edit":true} (all that can be edited). The
 * action takes {"secret_base", "secret_text"}; see backends/kubernetes/act_edit.c. */
struct page *edit_page_new(struct app *app, uint16_t source, const char *kind, struct str key);
#endif
