/* trained: where each column of the table that a model was trained on lies, as rows of `ranges`. Nothing of the table itself is read:
 * what ANALYZE left in pg_stats (common values, bounds of equal shares) says it for a table of any size. */
#ifndef BACKENDS_DRIFT_TRAINED_H
#define BACKENDS_DRIFT_TRAINED_H
#include "backends/net/pg.h"
#include "base/config.h"
#include "base/ranges.h"

extern const struct config_key trained_keys[];    /* of the setting `training:` */
bool trained_said(const struct link *l);          /* the setting is there */
bool trained_list(struct pg *pg);                 /* false: pg says why */
/* Adds what two texts of pg_stats say: "{1,2,5.5}" bounds of equal shares (of what is not common), and the common values with
 * their shares. False: these are no numbers. For tests too. */
bool trained_pieces(struct str bounds, struct str values, struct str shares, struct range_pieces *out);
#endif
