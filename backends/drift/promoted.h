/* promoted: the history of models that a pipeline keeps in PostgreSQL (model_history), as rows of `promotions`: which version
 * was promoted when, which was kept back, why, and with which metrics. */
#ifndef BACKENDS_DRIFT_PROMOTED_H
#define BACKENDS_DRIFT_PROMOTED_H
#include "backends/drift/layout.h"
#include "backends/net/pg.h"
#include "base/config.h"
#include "base/registry.h"

#define PROMOTED_FIELDS(X) \
	X(id, "what tells rows apart", "id", "history_id", "uuid") \
	X(time, "when: a timestamp, or seconds or milliseconds since 1970", "timestamp", "promoted_at", "created_at", "time") \
	X(run, "the run that trained it", "run_id", "model_run_id") \
	X(version, "the version", "model_version", "version") \
	X(r2, "its r2", "r2_score", "r2") \
	X(rmse, "its rmse", "rmse") \
	X(mae, "its mae", "mae") \
	X(mape, "its mape", "mape") \
	X(promoted, "whether it was promoted: a boolean", "promoted_to_production", "promoted", "is_production") \
	X(reason, "why", "promotion_reason", "reason") \
	X(samples, "how many rows it was trained on", "training_samples", "samples") \
	X(features, "the features that it uses", "features_used", "features") \
	X(model, "the model's name", "model_name", "model") \
	X(user, "who promoted it", "promoted_by", "user", "who")
enum promoted_field {
#define X(name, ...) PROMOTED_##name,
	PROMOTED_FIELDS(X)
#undef X
	PROMOTED_FIELD_COUNT
};
extern const struct config_key promoted_keys[];   /* of the setting `promotions:` */

struct promoted { struct layout_column columns[PROMOTED_FIELD_COUNT]; char *schema, *table; };   /* table NULL: not found yet */
void promoted_release(struct promoted *p);
bool promoted_find(struct promoted *p, struct pg *pg);     /* false: pg says why */
bool promoted_list(struct promoted *p, struct pg *pg);     /* all of the newest; false: pg says why */
/* For tests: choose columns; the statement ($1 limit), oldest first; one row of its answer. before: the version that was in
 * production, brought up to date, 40 bytes. */
bool promoted_choose(struct promoted *p, const struct layout_column *there, unsigned n, const struct yaml *mapped, char *why,
                     size_t size);
void promoted_sql(const struct promoted *p, struct buf *out);
void promoted_put(const struct str cells[PROMOTED_FIELD_COUNT], struct str model, struct str origin, char *before, struct buf *rows);
#endif
