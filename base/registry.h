/* registry: models, their versions, the runs that trained them, and what was in production when; and the rows that these
 * become. Shared by every system that keeps models: MLflow, a table in PostgreSQL, the demo.
 *
 * A version in full is the answer to REQ_ASK "version" of a `versions` row (key "model/6"), a JSON object; what is
 * unknown is absent:
 *   model, version, description, status, stage, user, source   texts
 *   aliases      ["champion"]
 *   created, updated                                           wall ms
 *   run          {id, name, status, user, experiment, started, ended, git, origin}
 *   metrics      {"rmse": 612400.0}     better  {"rmse": "lower"|"higher"}, only where it is known
 *   params, tags, run_tags              {"n_estimators": "500"}
 *   signature    {"inputs": [{"name", "type"}], "outputs": [...]}
 *   size         bytes of its artifacts, files: how many; size_least: true when not all was counted
 *   notes        ["what could not be read, and why"]
 * REQ_OPEN "describe" of the same row gives it as text (registry_describe).
 *
 * The history of a metric is the answer to REQ_ASK "metric" of a `trainings` row with {"metric": NAME}:
 *   {"metric": NAME, "points": [[step, wall ms, value], ...], "more": true when there are points left out} */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H
#include "base/rows.h"

struct json_t;
extern const struct kind kind_models, kind_versions, kind_experiments, kind_trainings, kind_promotions;

/* Columns by place, for panes; kinds_registry.c has them in this order. */
enum models_col {
	MODELS_NAME, MODELS_STATUS, MODELS_CHAMPION, MODELS_CHALLENGER, MODELS_VERSIONS, MODELS_UPDATED, MODELS_METRIC,
	MODELS_VALUE, MODELS_CHANGE, MODELS_TREND, MODELS_LATEST, MODELS_DESCRIPTION, MODELS_AGE, MODELS_ALIASES, MODELS_TAGS,
	MODELS_COL_COUNT
};
enum versions_col {
	VERSIONS_MODEL, VERSIONS_VERSION, VERSIONS_ROLE, VERSIONS_STATUS, VERSIONS_AGE, VERSIONS_METRIC, VERSIONS_VALUE,
	VERSIONS_METRICS, VERSIONS_USER, VERSIONS_SIZE, VERSIONS_RUN, VERSIONS_UPDATED, VERSIONS_DESCRIPTION, VERSIONS_STAGE,
	VERSIONS_ALIASES, VERSIONS_TAGS, VERSIONS_COL_COUNT
};
enum experiments_col {
	EXPERIMENTS_NAME, EXPERIMENTS_STATUS, EXPERIMENTS_AGE, EXPERIMENTS_UPDATED, EXPERIMENTS_LOCATION, EXPERIMENTS_ID,
	EXPERIMENTS_TAGS, EXPERIMENTS_COL_COUNT
};
enum trainings_col {
	TRAININGS_NAME, TRAININGS_EXPERIMENT, TRAININGS_STATUS, TRAININGS_AGE, TRAININGS_DURATION, TRAININGS_METRIC,
	TRAININGS_VALUE, TRAININGS_MODEL, TRAININGS_USER, TRAININGS_METRICS, TRAININGS_ORIGIN, TRAININGS_PARAMS, TRAININGS_TAGS,
	TRAININGS_ID, TRAININGS_COL_COUNT
};
enum promotions_col {
	PROMOTIONS_MODEL, PROMOTIONS_AGE, PROMOTIONS_VERSION, PROMOTIONS_WHAT, PROMOTIONS_BEFORE, PROMOTIONS_USER,
	PROMOTIONS_REASON, PROMOTIONS_METRICS, PROMOTIONS_SAMPLES, PROMOTIONS_FEATURES, PROMOTIONS_RUN, PROMOTIONS_ORIGIN,
	PROMOTIONS_COL_COUNT
};

/* Texts empty, times 0, counts -1, reals NaN: unknown. Borrowed for the call. */
struct reg_model {
	struct str name, description, aliases, tags, trend, metric;   /* aliases, tags: COL_LABELS */
	int64_t champion, challenger, latest, versions, created, updated;
	double value, change;        /* the key metric of the champion (else the newest); the challenger's against it */
	int64_t failed, pending;     /* the newest version that could not be registered, or is not yet */
};
void model_put(struct buf *b, const struct reg_model *m);

struct reg_version {
	struct str model, stage, aliases, status, why, description, user, run, tags, metric, metrics;
	int64_t version, created, updated, size;
	double value;
	bool keep;                   /* metric, value, metrics, user, size: what the table has */
};
/* Its key: "model/6". */
void version_key(struct str model, int64_t version, struct buf *out);
void version_put(struct buf *b, const struct reg_version *v);
/* Only what its run says: metric, value, metrics, user, size; the rest stays. */
void version_update(struct buf *b, const struct reg_version *v);

struct reg_experiment { struct str id, name, stage, location, tags; int64_t created, updated; };
void experiment_put(struct buf *b, const struct reg_experiment *e);

struct reg_training {
	struct str id, name, experiment, status, user, model, metric, metrics, params, tags, origin;
	int64_t started, ended;
	double value;
};
void training_put(struct buf *b, const struct reg_training *t, int64_t now);

/* Something about who is in production. */
struct reg_promotion {
	struct str key, model, version, before, what, user, reason, metrics, features, run, origin;
	int64_t time, samples;
	bool refused;                /* it was looked at and kept out of production */
};
void promotion_put(struct buf *b, const struct reg_promotion *p);

/* Which way a metric is better, by its name: -1 lower (rmse, loss), 1 higher (r2, auc), 0 nobody knows. */
int metric_better(struct str name);
/* How much a name deserves to be the one number shown of a model: 0 is best, the higher the less. */
unsigned metric_rank(struct str name);
/* (now - before) / |before|; NaN where there is none. */
double relative_change(double before, double now);

/* The JSON object above as a text to read; now is wall ms. */
void registry_describe(const struct json_t *version, int64_t now, struct buf *out);
/* What changes when `new` takes the place of `old` (NULL: of none), in sentences appended to the JSON arrays: figures and
 * parameters to change; a worse key metric, another signature, a version that is not ready to warnings. metric: the key metric,
 * NULL: by name. */
void registry_versus(const struct json_t *old, const struct json_t *new, const char *metric, struct json_t *change,
                     struct json_t *warnings);
#endif
