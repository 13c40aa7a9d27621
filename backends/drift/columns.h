/* columns: what the information schema says of one table. */
#ifndef BACKENDS_DRIFT_COLUMNS_H
#define BACKENDS_DRIFT_COLUMNS_H
#include "backends/drift/layout.h"
#include "backends/drift/pg.h"

#define COLUMNS_MAX 200
struct columns { struct layout_column list[COLUMNS_MAX]; unsigned n; char *schema, *table; };
/* name: "SCHEMA.TABLE" or "TABLE", then the first in the search path. True with n 0: there is none. */
bool columns_read(struct columns *c, struct pg *pg, struct str name);
void columns_release(struct columns *c);
/* The column of that name, or NULL. */
const struct layout_column *columns_named(const struct layout_column *there, unsigned n, const char *name);
#endif
