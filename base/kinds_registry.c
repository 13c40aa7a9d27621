/* kinds_registry: models, versions, experiments, the runs that trained them, and promotions. Colour: a version that could
 * not be registered is wrong, one that is not ready yet is on its way, a run that failed is wrong. That a challenger is
 * worse than the champion is no fault of the platform and is said where both are compared. */
#include "base/mem.h"
#include "base/registry.h"
#include "base/table.h"
#include <math.h>

static void show_version(const struct table *t, const struct row *r, int col, struct buf *out)
{
	if (!row_null(r, col))
		buf_addf(out, "v%lld", (long long)row_int(r, col));
}
#define SHOW(name, col) \
	static void show_##name(const struct table *t, const struct row *r, int64_t now, struct buf *out) \
	{ show_version(t, r, col, out); }
SHOW(champion, MODELS_CHAMPION)
SHOW(challenger, MODELS_CHALLENGER)
SHOW(latest, MODELS_LATEST)
SHOW(number, VERSIONS_VERSION)
#undef SHOW

static void show_change(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (!row_null(r, MODELS_CHANGE))
		buf_addf(out, "%+.1f %%", row_real(r, MODELS_CHANGE) * 100);
}

static const char *const models_aliases[] = { "mo", NULL };
static const struct column models_cols[MODELS_COL_COUNT] = {
	[MODELS_NAME] = { "name", "MODEL", COL_TEXT, 0, 0, 22 },
	[MODELS_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 4, 9 },
	[MODELS_CHAMPION] = { "champion", "CHAMPION", COL_COUNT, 0, 0, 8, .show = show_champion },
	[MODELS_CHALLENGER] = { "challenger", "CHALLENGER", COL_COUNT, 0, 1, 10, .show = show_challenger },
	[MODELS_VERSIONS] = { "versions", "VERSIONS", COL_COUNT, 0, 3, 8 },
	[MODELS_UPDATED] = { "updated", "UPDATED", COL_TIME, 0, 2, 7 },
	[MODELS_METRIC] = { "metric", "METRIC", COL_TEXT, COL_SHARED, 2, 9 },
	[MODELS_VALUE] = { "value", "VALUE", COL_REAL, 0, 1, 8 },
	[MODELS_CHANGE] = { "change", "CHALLENGER'S", COL_RATIO, 0, 5, 12, .show = show_change },
	[MODELS_TREND] = { "trend", "BY VERSION", COL_SERIES, COL_SPAN, 2, 12 },
	[MODELS_LATEST] = { "latest", "LATEST", COL_COUNT, COL_WIDE, 6, 6, .show = show_latest },
	[MODELS_DESCRIPTION] = { "description", "DESCRIPTION", COL_TEXT, COL_WIDE, 8, 30 },
	[MODELS_AGE] = { "age", "AGE", COL_TIME, COL_WIDE, 7, 6 },
	[MODELS_ALIASES] = { "aliases", "ALIASES", COL_LABELS, COL_HIDDEN, 9 },
	[MODELS_TAGS] = { "labels", "TAGS", COL_LABELS, COL_HIDDEN, 9 },
};
const struct kind kind_models = {
	.name = "models", .singular = "model", .aliases = models_aliases,
	.help = "registered models: champion, challenger, the metric that counts and how it went by version",
	.cols = models_cols, .ncols = MODELS_COL_COUNT, .group = "registry", .from = "mlflow",
};

static const char *const versions_aliases[] = { "mv", NULL };
static const struct column versions_cols[VERSIONS_COL_COUNT] = {
	[VERSIONS_MODEL] = { "model", "MODEL", COL_REF, COL_SHARED, 2, 22, .ref = "models" },
	[VERSIONS_VERSION] = { "version", "VERSION", COL_COUNT, 0, 0, 7, .show = show_number },
	[VERSIONS_ROLE] = { "role", "ROLE", COL_TEXT, COL_SHARED, 0, 12 },
	[VERSIONS_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 4, 8 },
	[VERSIONS_AGE] = { "age", "AGE", COL_TIME, 0, 1, 6 },
	[VERSIONS_METRIC] = { "metric", "METRIC", COL_TEXT, COL_SHARED, 3, 9 },
	[VERSIONS_VALUE] = { "value", "VALUE", COL_REAL, 0, 0, 8 },
	[VERSIONS_METRICS] = { "metrics", "METRICS", COL_LABELS, 0, 6, 30 },
	[VERSIONS_USER] = { "user", "WHO", COL_TEXT, COL_SHARED, 4, 10 },
	[VERSIONS_SIZE] = { "size", "SIZE", COL_BYTES, 0, 5, 6 },
	[VERSIONS_RUN] = { "run", "RUN", COL_REF, 0, 7, 12, .ref = "trainings" },
	[VERSIONS_UPDATED] = { "updated", "UPDATED", COL_TIME, COL_WIDE, 8, 7 },
	[VERSIONS_DESCRIPTION] = { "description", "DESCRIPTION", COL_TEXT, COL_WIDE, 8, 24 },
	[VERSIONS_STAGE] = { "stage", "STAGE", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[VERSIONS_ALIASES] = { "aliases", "ALIASES", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[VERSIONS_TAGS] = { "labels", "TAGS", COL_LABELS, COL_HIDDEN, 9 },
};
const struct kind kind_versions = {
	.name = "versions", .singular = "version", .aliases = versions_aliases,
	.help = "versions of registered models: role, metrics, who made them and from which run",
	.cols = versions_cols, .ncols = VERSIONS_COL_COUNT, .group = "registry", .from = "mlflow",
};

static const char *const experiments_aliases[] = { "ex", NULL };
static const struct column experiments_cols[EXPERIMENTS_COL_COUNT] = {
	[EXPERIMENTS_NAME] = { "name", "EXPERIMENT", COL_TEXT, 0, 0, 24 },
	[EXPERIMENTS_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 2, 8 },
	[EXPERIMENTS_AGE] = { "age", "AGE", COL_TIME, 0, 1, 6 },
	[EXPERIMENTS_UPDATED] = { "updated", "UPDATED", COL_TIME, 0, 2, 7 },
	[EXPERIMENTS_LOCATION] = { "location", "ARTIFACTS", COL_TEXT, 0, 4, 30 },
	[EXPERIMENTS_ID] = { "id", "ID", COL_TEXT, COL_RIGHT, 3, 6 },
	[EXPERIMENTS_TAGS] = { "labels", "TAGS", COL_LABELS, COL_HIDDEN, 9 },
};
const struct kind kind_experiments = {
	.name = "experiments", .singular = "experiment", .aliases = experiments_aliases,
	.help = "groups of training runs", .cols = experiments_cols, .ncols = EXPERIMENTS_COL_COUNT, .group = "registry", .from = "mlflow",
};

static const char *const trainings_aliases[] = { "tr", NULL };
static const struct column trainings_cols[TRAININGS_COL_COUNT] = {
	[TRAININGS_NAME] = { "name", "RUN", COL_TEXT, 0, 0, 20 },
	[TRAININGS_EXPERIMENT] = { "experiment", "EXPERIMENT", COL_TEXT, COL_SHARED, 4, 16 },
	[TRAININGS_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 0, 9 },
	[TRAININGS_AGE] = { "age", "AGE", COL_TIME, 0, 1, 6 },
	[TRAININGS_DURATION] = { "duration", "TOOK", COL_DURATION, 0, 2, 7 },
	[TRAININGS_METRIC] = { "metric", "METRIC", COL_TEXT, COL_SHARED, 3, 9 },
	[TRAININGS_VALUE] = { "value", "VALUE", COL_REAL, 0, 1, 8 },
	[TRAININGS_MODEL] = { "model", "BECAME", COL_TEXT, 0, 3, 22 },
	[TRAININGS_USER] = { "user", "WHO", COL_TEXT, COL_SHARED, 5, 10 },
	[TRAININGS_METRICS] = { "metrics", "METRICS", COL_LABELS, 0, 6, 30 },
	[TRAININGS_ORIGIN] = { "origin", "SOURCE", COL_TEXT, COL_WIDE | COL_SHARED, 8, 20 },
	[TRAININGS_PARAMS] = { "params", "PARAMETERS", COL_LABELS, COL_WIDE, 8, 30 },
	[TRAININGS_TAGS] = { "labels", "TAGS", COL_LABELS, COL_HIDDEN, 9 },
	[TRAININGS_ID] = { "id", "ID", COL_TEXT, COL_WIDE, 7, 12 },
};
const struct kind kind_trainings = {
	.name = "trainings", .singular = "training", .aliases = trainings_aliases,
	.help = "runs that trained models: metrics, parameters, and which version they became",
	.cols = trainings_cols, .ncols = TRAININGS_COL_COUNT, .group = "registry", .from = "mlflow",
};

static const char *const promotions_aliases[] = { "prom", NULL };
static const struct column promotions_cols[PROMOTIONS_COL_COUNT] = {
	[PROMOTIONS_MODEL] = { "model", "MODEL", COL_REF, COL_SHARED, 2, 20, .ref = "models" },
	[PROMOTIONS_AGE] = { "age", "AGE", COL_TIME, 0, 0, 6 },
	[PROMOTIONS_VERSION] = { "version", "VERSION", COL_TEXT, COL_SHARED | COL_RIGHT, 0, 7 },
	[PROMOTIONS_WHAT] = { "what", "WHAT", COL_STATUS, COL_SHARED, 0, 20 },
	[PROMOTIONS_BEFORE] = { "before", "BEFORE", COL_TEXT, COL_SHARED | COL_RIGHT, 1, 6 },
	[PROMOTIONS_USER] = { "user", "WHO", COL_TEXT, COL_SHARED, 1, 10 },
	[PROMOTIONS_REASON] = { "reason", "REASON", COL_TEXT, 0, 2, 30 },
	[PROMOTIONS_METRICS] = { "metrics", "METRICS", COL_LABELS, 0, 4, 30 },
	[PROMOTIONS_SAMPLES] = { "samples", "SAMPLES", COL_COUNT, 0, 6, 8 },
	[PROMOTIONS_FEATURES] = { "features", "FEATURES", COL_TEXT, COL_WIDE, 8, 20 },
	[PROMOTIONS_RUN] = { "run", "RUN", COL_TEXT, 0, 7, 12 },
	[PROMOTIONS_ORIGIN] = { "origin", "KNOWN FROM", COL_TEXT, COL_SHARED, 5, 14 },
};
const struct kind kind_promotions = {
	.name = "promotions", .singular = "promotion", .aliases = promotions_aliases,
	.help = "which version was in production when, who changed it and why",
	.cols = promotions_cols, .ncols = PROMOTIONS_COL_COUNT, .group = "registry", .from = "mlflow",
};

static void count_or_null(struct buf *b, int64_t v)
{
	v >= 0 ? cell_int(b, v) : cell_null(b);
}

/* Long texts of a list are cut: the whole is in the description. */
static void short_text(struct buf *b, struct str s, size_t most)
{
	if (s.n > most) {
		for (s.n = most; s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
			s.n--;
	}
	cell_text_or_null(b, s);
}

void model_put(struct buf *b, const struct reg_model *m)
{
	struct buf status = { 0 };
	if (m->failed > 0)
		buf_addf(&status, "v%lld failed", (long long)m->failed);
	else if (m->pending > 0)
		buf_addf(&status, "v%lld pending", (long long)m->pending);
	rows_put(b, m->name, m->failed > 0 ? LEVEL_BAD : m->pending > 0 ? LEVEL_BUSY : LEVEL_NONE);
	cell_text(b, m->name);
	cell_text(b, status.len ? buf_str(&status) : m->versions == 0 ? STR("empty") : STR("ready"));
	count_or_null(b, m->champion);
	count_or_null(b, m->challenger);
	count_or_null(b, m->versions);
	cell_time(b, m->updated);
	cell_text_or_null(b, m->metric);
	cell_real(b, m->value);
	cell_real(b, m->change);
	cell_text_or_null(b, m->trend);
	count_or_null(b, m->latest);
	short_text(b, m->description, 120);
	cell_time(b, m->created);
	short_text(b, m->aliases, 256);
	short_text(b, m->tags, 256);
	buf_release(&status);
}

void version_key(struct str model, int64_t version, struct buf *out)
{
	buf_addstr(out, model);
	buf_addf(out, "/%lld", (long long)version);
}

static void run_cells(struct buf *b, const struct reg_version *v)
{
	cell_text_or_null(b, v->metric);
	cell_real(b, v->value);
	short_text(b, v->metrics, 256);
	short_text(b, v->user, 60);
	count_or_null(b, v->size);
}

void version_put(struct buf *b, const struct reg_version *v)
{
	struct buf key = { 0 };
	bool failed = str_starts(v->status, STR("FAILED")), pending = str_starts(v->status, STR("PENDING"));
	bool staged = v->stage.n && !str_is(v->stage, "None");
	version_key(v->model, v->version, &key);
	rows_put(b, buf_str(&key), failed ? LEVEL_BAD : pending ? LEVEL_BUSY : str_is(v->stage, "Archived") ? LEVEL_DONE : LEVEL_NONE);
	cell_text(b, v->model);
	cell_int(b, v->version);
	short_text(b, v->aliases.n ? v->aliases : staged ? v->stage : STR(""), 60);
	cell_text_or_null(b, failed ? STR("failed") : pending ? STR("pending") : str_is(v->status, "READY") ? STR("ready") : v->status);
	cell_time(b, v->created);
	if (v->keep)
		for (int i = 0; i < 5; i++)
			cell_keep(b);
	else
		run_cells(b, v);
	cell_text_or_null(b, v->run);
	cell_time(b, v->updated);
	short_text(b, v->why.n ? v->why : v->description, 60);
	short_text(b, staged ? v->stage : STR(""), 60);
	short_text(b, v->aliases, 120);
	short_text(b, v->tags, 160);
	buf_release(&key);
}

void version_update(struct buf *b, const struct reg_version *v)
{
	struct buf key = { 0 };
	version_key(v->model, v->version, &key);
	rows_update(b, buf_str(&key), LEVEL_KEEP);
	for (int i = 0; i < VERSIONS_METRIC; i++)
		cell_keep(b);
	run_cells(b, v);
	for (int i = VERSIONS_RUN; i < VERSIONS_COL_COUNT; i++)
		cell_keep(b);
	buf_release(&key);
}

void experiment_put(struct buf *b, const struct reg_experiment *e)
{
	bool gone = str_is(e->stage, "deleted");
	rows_put(b, e->id, gone ? LEVEL_DONE : LEVEL_NONE);
	short_text(b, e->name, 200);
	cell_text_or_null(b, e->stage);
	cell_time(b, e->created);
	cell_time(b, e->updated);
	short_text(b, e->location, 200);
	cell_text(b, e->id);
	short_text(b, e->tags, 256);
}

void training_put(struct buf *b, const struct reg_training *t, int64_t now)
{
	static const struct { const char *theirs, *ours; enum level level; } states[] = {
		{ "FINISHED", "finished", LEVEL_NONE }, { "RUNNING", "running", LEVEL_BUSY }, { "SCHEDULED", "scheduled", LEVEL_BUSY },
		{ "FAILED", "failed", LEVEL_BAD }, { "KILLED", "killed", LEVEL_DOUBT },
	};
	struct str status = t->status;
	enum level level = LEVEL_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (str_is(t->status, states[i].theirs)) {
			status = str_of(states[i].ours);
			level = states[i].level;
		}
	int64_t until = t->ended ? t->ended : str_is(status, "running") ? now : 0;
	rows_put(b, t->id, level);
	short_text(b, t->name.n ? t->name : t->id, 120);
	short_text(b, t->experiment, 120);
	cell_text_or_null(b, status);
	cell_time(b, t->started);
	t->started && until >= t->started ? cell_int(b, until - t->started) : cell_null(b);
	cell_text_or_null(b, t->metric);
	cell_real(b, t->value);
	short_text(b, t->model, 120);
	short_text(b, t->user, 60);
	short_text(b, t->metrics, 256);
	short_text(b, t->origin, 120);
	short_text(b, t->params, 256);
	short_text(b, t->tags, 256);
	cell_text(b, t->id);
}

void promotion_put(struct buf *b, const struct reg_promotion *p)
{
	rows_put(b, p->key, p->refused ? LEVEL_DONE : LEVEL_NONE);
	cell_text_or_null(b, p->model);
	cell_time(b, p->time);
	short_text(b, p->version, 40);
	short_text(b, p->what, 60);
	short_text(b, p->before, 40);
	short_text(b, p->user, 60);
	short_text(b, p->reason, 200);
	short_text(b, p->metrics, 256);
	count_or_null(b, p->samples);
	short_text(b, p->features, 256);
	cell_text_or_null(b, p->run);
	cell_text_or_null(b, p->origin);
}
