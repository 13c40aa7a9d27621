/* acknowledge: what acknowledging a drift check says in its plan and makes of its row, wherever it is kept. */
#ifndef BASE_ACKNOWLEDGE_H
#define BASE_ACKNOWLEDGE_H
#include "base/source.h"

struct json_t;
struct acknowledged { const char *key, *words; int64_t until; };      /* words: who and why; until: wall ms, 0 for good */
/* The check's row says so and is no finding any more: an update, after its row. */
void acknowledge_put(struct buf *rows, const struct acknowledged *a, int64_t now);
/* The plan of "acknowledge" (parameters note, until) or "withdraw", into a new plan; held: the words of the one that holds, or NULL. */
void acknowledge_plan(struct json_t *plan, const struct request *r, const struct json_t *params, const char *held, int64_t now);
#endif
