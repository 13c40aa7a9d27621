/* find: looks in the server for the table that holds the drift history, and for the columns of what the settings name. */
#ifndef BACKENDS_DRIFT_FIND_H
#define BACKENDS_DRIFT_FIND_H
#include "backends/drift/layout.h"
#include "backends/net/pg.h"

/* By the settings `table` or `query` and `columns`; with neither, a table named drift_history in any schema (those of the
 * search path first). False: pg->error, remedy and state say why. */
bool find_layout(struct pg *pg, struct layout *l);
#endif
