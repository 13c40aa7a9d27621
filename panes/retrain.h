/* retrain: from what drifted to the pipeline that trains anew. */
#ifndef PANES_RETRAIN_H
#define PANES_RETRAIN_H
#include "tui/table_page.h"

extern const struct command_scope checks_scope;
/* The command `retrain` on a row of checks or features: the trigger form of that pipeline, what drifted filled in. feature: the
 * one that the page is about; may be empty. False: another command. */
bool retrain_command(struct app *app, const struct page *list, const struct command *c, struct str feature);
#endif
