/* recolumn: rows of one kind made into rows of another, column by column of the same name. For secrets: they are listed
 * as Tables, so that no value ever leaves the server, yet shown in binnacle's own columns. */
#ifndef KUBERNETES_RECOLUMN_H
#define KUBERNETES_RECOLUMN_H
#include "base/rows.h"

/* body: a whole rows message of `from` (its ROWS_KIND is left out). Appends its operations in the columns of `to`, after
 * rows_start. A column that `from` lacks is null. False: body is malformed. */
bool recolumn(const struct kind *from, const struct kind *to, struct str body, struct buf *out);
#endif
