/* feature: one feature of the drift pane in full. */
#ifndef PANES_FEATURE_H
#define PANES_FEATURE_H
#include "tui/app.h"

/* Of the row of kind `features`; NULL when it is not there. */
struct page *feature_page_new(struct app *app, uint16_t source, struct str key);
#endif
