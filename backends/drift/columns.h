/* columns: what the information schema says of one table. */
#ifndef BACKENDS_DRIFT_COLUMNS_H
#define BACKENDS_DRIFT_COLUMNS_H
#include "backends/drift/layout.h"
#include "backends/net/pg.h"

#define COLUMNS_MAX 200
struct columns { struct layout_column list[COLUMNS_MAX]; unsigned n; char *schema, *table; };
/* name: "SCHEMA.TABLE" or "TABLE", then the first in the search path. True with n 0: there is none. */
bool columns_read(struct columns *c, struct pg *pg, struct str name);
void columns_release(struct columns *c);
/* Which column is each field: the one that the settings map, else the first of its known names that is there, else none
 * (name NULL). False: why says which mapped column of `what` is not there. into's texts are the caller's. */
#define COLUMN_NAMES 9
typedef const char *const column_names[COLUMN_NAMES];
bool columns_choose(struct layout_column *into, const char *const *fields, const column_names *known, int nfields,
                    const struct layout_column *there, unsigned n, const struct yaml *mapped, const char *what, char *why,
                    size_t size);
/* "select ..." of the fields in their order, null where a field has no column: texts cut at most_text characters, the
 * field `time` as seconds since 1970 where it is not a number. */
void columns_select(const struct layout_column *fields, int nfields, int time, int most_text, struct buf *out);
/* The column of that name, or NULL. */
const struct layout_column *columns_named(const struct layout_column *there, unsigned n, const char *name);
#endif
