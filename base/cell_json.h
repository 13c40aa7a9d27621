/* cell_json: a row's cell as JSON and back, as `binnacle get -o json` prints it and plugins speak it: times in RFC 3339, durations in
 * ms, thousandths as reals, pairs as "1/2", what is unknown as null. */
#ifndef BASE_CELL_JSON_H
#define BASE_CELL_JSON_H
#include "base/table.h"

struct json_t;
/* Caller owns. NULL: a text that is not UTF-8. */
struct json_t *cell_json(const struct table *t, const struct row *r, int column);
/* Appended to rows, as the next cell of a row that rows_put began. False: the value does not fit that column, and the cell is unknown.
 * Beyond what cell_json makes: a time may be ms since 1970, a text any number or bool, a series a list of numbers and nulls. */
bool cell_from_json(const struct column *c, const struct json_t *v, struct buf *rows);
#endif
