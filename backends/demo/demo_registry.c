/* demo_registry: the simulated company's model registry: champion v6 of real_estate_model, its challenger v7 that was retrained
 * as drift rose, the models of other teams, the runs that trained them, and who was in production when. All follows from the
 * world's start and from what was promoted here: nothing changes by itself. */
#include "backends/demo/world.h"
#include "base/mem.h"
#include "base/registry.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
#define MODEL "real_estate_model"

static const struct house_version {
	int64_t age;                     /* before the world's start, ms */
	double r2, rmse, mae, mape;
	unsigned trees, depth, samples;
	int64_t size;
	const char *run, *who, *reason;  /* reason: why it was promoted */
} houses[] = {
	{ 58ll * DAY, 0.301, 668200, 331400, 0.312, 100, 8, 31002, 22000000, "b71e", "ada", "first model" },
	{ 37ll * DAY, 0.342, 651900, 322800, 0.301, 200, 8, 33871, 41000000, "02fd", "ada", "r2 0.342 over 0.301" },
	{ 23ll * DAY, 0.351, 648100, 320300, 0.297, 200, 8, 36120, 42000000, "9ce0", "lin", "r2 0.351 over 0.342" },
	{ 16ll * DAY, 0.377, 633500, 314700, 0.288, 300, 10, 39455, 61000000, "d413", "ada", "zip_price_mean added" },
	{ 9ll * DAY, 0.384, 629800, 311200, 0.284, 300, 10, 41208, 62000000, "5a60", "airflow", "weekly retraining" },
	{ 2ll * DAY, 0.412, 612400, 301990, 0.271, 300, 12, 44730, 74000000, "8c1f", "airflow", "weekly retraining, all gates pass" },
	{ 25ll * MINUTE, 0.447, 598100, 311020, 0.279, 400, 12, 48211, 212000000, "41aa", "airflow", NULL },
};
enum { HOUSES = sizeof(houses) / sizeof(houses[0]), CHAMPION = 6, CHALLENGER = 7 };

/* Models of other teams: their values follow from first and step. */
static const struct other {
	const char *name, *metric, *words, *experiment;
	unsigned versions, champion, challenger;
	double first, step;
	int64_t every;                   /* between two versions, ms */
} others[] = {
	{ "fraud_score", "auc", "probability that a listing is a fraud", "fraud", 12, 11, 0, 0.861, 0.0061, 5ll * DAY },
	{ "eta_minutes", "rmse", "minutes until a visit begins", "eta", 9, 9, 0, 7.41, -0.18, 11ll * DAY },
	{ "churn", "f1", "sellers who leave within a month", "churn", 4, 3, 4, 0.662, 0.0112, 19ll * DAY },
	{ "listing_ranker", "ndcg", "order of listings in a search", "ranking", 17, 17, 0, 0.4481, 0.0042, 3ll * DAY },
	{ "photo_quality", "accuracy", "whether a photo may be shown", "photos", 3, 0, 0, 0.881, 0.009, 33ll * DAY },
};

static double other_value(const struct other *o, unsigned version)
{
	uint32_t h = str_hash(str_of(o->name)) ^ version * 2654435761u;
	return o->first + o->step * version + fabs(o->step) * ((double)(h % 1000) / 1000 - 0.5);
}

static int64_t other_time(const struct world *w, const struct other *o, unsigned version)
{
	return w->start - (int64_t)(o->versions - version) * o->every - (int64_t)(str_hash(str_of(o->name)) % (3u * DAY));
}

/* A run's id: 32 digits that follow from its first ones. */
static const char *run_id(const char *begins, char out[33])
{
	uint32_t h = str_hash(str_of(begins));
	snprintf(out, 33, "%.4s%07x%08x%08x%05x", begins, h & 0xfffffff, h * 2654435761u, h ^ 0x9e3779b9, h % 0xfffff);
	return out;
}

static const char *other_run(const struct other *o, unsigned version, char out[33])
{
	char begins[24];
	snprintf(begins, sizeof(begins), "%04x%s%u", (str_hash(str_of(o->name)) + version * 40503u) & 0xffff, "x", version);
	return run_id(begins, out);
}

static void house_metrics(const struct house_version *h, struct buf *out)
{
	buf_addf(out, "mae=%.9g,mape=%.9g,r2_score=%.9g,rmse=%.9g", h->mae, h->mape, h->r2, h->rmse);
}

/* ---- models */

int demo_model(struct str name, unsigned *versions, unsigned *champion)
{
	if (str_is(name, MODEL)) {
		*versions = HOUSES;
		*champion = CHAMPION;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (str_is(name, others[i].name)) {
			*versions = others[i].versions;
			*champion = others[i].champion;
			return (int)i + 1;
		}
	return -1;
}

static unsigned champion_of(const struct world *w, const struct other *o)
{
	return o ? demo_champion(w, (int)(o - others) + 1, o->champion) : demo_champion(w, 0, CHAMPION);
}

static int64_t number_or_none(unsigned version)
{
	return version ? (int64_t)version : -1;
}

static void show_models(struct world *w, struct buf *body)
{
	struct buf trend = { 0 };
	char aliases[48];
	unsigned now = champion_of(w, NULL);
	snprintf(aliases, sizeof(aliases), "challenger=%d,champion=%u", CHALLENGER, now);
	for (unsigned i = 0; i < HOUSES; i++)
		buf_addf(&trend, "%s%.9g", i ? " " : "", houses[i].r2);
	model_put(body, &(struct reg_model){ .name = STR(MODEL), .description = STR("price of a house"), .metric = STR("r2_score"),
		.aliases = str_of(aliases), .tags = STR("team=pricing"), .trend = buf_str(&trend), .champion = now,
		.challenger = number_or_none(now == CHALLENGER ? 0 : CHALLENGER), .latest = HOUSES, .versions = HOUSES, .created = w->start - houses[0].age,
		.updated = w->start - houses[HOUSES - 1].age, .value = houses[now - 1].r2,
		.change = now == CHALLENGER ? NAN : relative_change(houses[now - 1].r2, houses[CHALLENGER - 1].r2) });
	for (const struct other *o = others; o < others + ARRAY_SIZE(others); o++) {
		buf_clear(&trend);
		for (unsigned v = 1; v <= o->versions; v++)
			buf_addf(&trend, "%s%.6g", v > 1 ? " " : "", other_value(o, v));
		unsigned champion = champion_of(w, o), challenger = o->challenger == champion ? 0 : o->challenger;
		unsigned shown = champion ? champion : o->versions;
		model_put(body, &(struct reg_model){ .name = str_of(o->name), .description = str_of(o->words), .metric = str_of(o->metric),
			.trend = buf_str(&trend), .champion = number_or_none(champion),
			.challenger = number_or_none(challenger),
			.latest = o->versions, .versions = o->versions, .created = other_time(w, o, 1), .updated = other_time(w, o, o->versions),
			.value = other_value(o, shown), .change = champion && challenger
				? relative_change(other_value(o, champion), other_value(o, challenger)) : NAN });
	}
	buf_release(&trend);
}

static struct str role_of(unsigned version, unsigned champion, unsigned challenger)
{
	return version == champion ? STR("champion") : version == challenger ? STR("challenger") : STR("");
}

static void show_versions(struct world *w, struct buf *body)
{
	struct buf metrics = { 0 };
	char run[33];
	for (unsigned i = 0; i < HOUSES; i++) {
		const struct house_version *h = &houses[i];
		buf_clear(&metrics);
		house_metrics(h, &metrics);
		version_put(body, &(struct reg_version){ .model = STR(MODEL), .version = i + 1, .created = w->start - h->age,
			.aliases = role_of(i + 1, champion_of(w, NULL), CHALLENGER), .status = STR("READY"), .user = str_of(h->who), .size = h->size,
			.run = str_of(run_id(h->run, run)), .metric = STR("r2_score"), .value = h->r2, .metrics = buf_str(&metrics),
			.updated = w->start - h->age });
	}
	for (const struct other *o = others; o < others + ARRAY_SIZE(others); o++)
		for (unsigned v = 1; v <= o->versions; v++) {
			buf_clear(&metrics);
			buf_addf(&metrics, "%s=%.6g", o->metric, other_value(o, v));
			version_put(body, &(struct reg_version){ .model = str_of(o->name), .version = v, .created = other_time(w, o, v),
				.aliases = role_of(v, champion_of(w, o), o->challenger), .status = STR("READY"), .user = STR("airflow"),
				.run = str_of(other_run(o, v, run)), .size = 9000000 + 800000ll * v, .metric = str_of(o->metric),
				.value = other_value(o, v), .metrics = buf_str(&metrics), .updated = other_time(w, o, v) });
		}
	buf_release(&metrics);
}

bool demo_house_run(unsigned v, char run[33], int64_t *size, int64_t *age)
{
	if (v < 1 || v > HOUSES)
		return false;
	run_id(houses[v - 1].run, run);
	*size = houses[v - 1].size;
	*age = houses[v - 1].age;
	return true;
}

/* ---- runs and experiments */

static void show_experiments(struct world *w, struct buf *body)
{
	char id[8] = "1", location[64] = "s3://mlflow-artifacts/1";
	experiment_put(body, &(struct reg_experiment){ .id = str_of(id), .name = STR("real_estate"), .stage = STR("active"),
		.location = str_of(location), .created = w->start - 60ll * DAY, .updated = w->start - 25ll * MINUTE });
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(id, sizeof(id), "%u", i + 2);
		snprintf(location, sizeof(location), "s3://mlflow-artifacts/%u", i + 2);
		experiment_put(body, &(struct reg_experiment){ .id = str_of(id), .name = str_of(others[i].experiment), .stage = STR("active"),
			.location = str_of(location), .created = other_time(w, &others[i], 1) - DAY,
			.updated = other_time(w, &others[i], others[i].versions) });
	}
}

static void show_trainings(struct world *w, struct buf *body)
{
	struct buf metrics = { 0 }, params = { 0 };
	char run[33], name[48], model[64];
	for (unsigned i = 0; i < HOUSES; i++) {
		const struct house_version *h = &houses[i];
		buf_clear(&metrics);
		buf_clear(&params);
		house_metrics(h, &metrics);
		buf_adds(&metrics, ",train_loss=0.21");
		buf_addf(&params, "max_depth=%u,n_estimators=%u,seed=42", h->depth, h->trees);
		snprintf(name, sizeof(name), "train-r%u", i + 1);
		snprintf(model, sizeof(model), MODEL " v%u", i + 1);
		training_put(body, &(struct reg_training){ .id = str_of(run_id(h->run, run)), .name = str_of(name), .status = STR("FINISHED"),
			.experiment = STR("real_estate"), .user = str_of(h->who), .model = str_of(model), .metric = STR("r2_score"),
			.value = h->r2, .metrics = buf_str(&metrics), .params = buf_str(&params), .origin = STR("train.py"),
			.started = w->start - h->age - 9 * MINUTE, .ended = w->start - h->age }, w->now);
	}
	training_put(body, &(struct reg_training){ .id = str_of(run_id("e0b2", run)), .name = STR("train-r6-lr"), .status = STR("FAILED"),
		.experiment = STR("real_estate"), .user = STR("lin"), .origin = STR("notebook.ipynb"), .value = NAN,
		.started = w->start - 26ll * HOUR, .ended = w->start - 26ll * HOUR + 40000 }, w->now);
	for (const struct other *o = others; o < others + ARRAY_SIZE(others); o++)
		for (unsigned v = 1; v <= o->versions; v++) {
			buf_clear(&metrics);
			buf_addf(&metrics, "%s=%.6g", o->metric, other_value(o, v));
			snprintf(name, sizeof(name), "%s-%u", o->experiment, v);
			snprintf(model, sizeof(model), "%s v%u", o->name, v);
			training_put(body, &(struct reg_training){ .id = str_of(other_run(o, v, run)), .name = str_of(name),
				.status = STR("FINISHED"), .experiment = str_of(o->experiment), .user = STR("airflow"), .model = str_of(model),
				.metric = str_of(o->metric), .value = other_value(o, v), .metrics = buf_str(&metrics), .origin = STR("train.py"),
				.started = other_time(w, o, v) - 31 * MINUTE, .ended = other_time(w, o, v) - MINUTE }, w->now);
		}
	buf_release(&metrics);
	buf_release(&params);
}

static void show_promotions(struct world *w, struct buf *body)
{
	struct buf metrics = { 0 };
	char run[33], key[32], version[16], before[16];
	for (unsigned i = 0; i < HOUSES; i++) {
		const struct house_version *h = &houses[i];
		buf_clear(&metrics);
		house_metrics(h, &metrics);
		snprintf(key, sizeof(key), "history/%u", i + 1);
		snprintf(version, sizeof(version), "v%u", i + 1);
		before[0] = 0;
		if (i)
			snprintf(before, sizeof(before), "v%u", i);
		promotion_put(body, &(struct reg_promotion){ .key = str_of(key), .model = STR(MODEL), .version = str_of(version),
			.before = str_of(before), .what = h->reason ? STR("promoted") : STR("kept back"), .user = str_of(h->who),
			.reason = h->reason ? str_of(h->reason) : STR("mae 3.0 % worse; 5 of 11 features of its data drift"),
			.metrics = buf_str(&metrics), .samples = h->samples, .run = str_of(run_id(h->run, run)), .origin = STR("model_history"),
			.refused = !h->reason, .time = w->start - h->age + 12 * MINUTE });
	}
	for (unsigned i = 0; i < w->nmoves; i++) {
		const struct move *m = &w->moves[i];
		snprintf(key, sizeof(key), "moved/%d/%lld", m->model, (long long)m->at);
		snprintf(version, sizeof(version), "v%u", m->version);
		before[0] = 0;
		if (m->before)
			snprintf(before, sizeof(before), "v%u", m->before);
		promotion_put(body, &(struct reg_promotion){ .key = str_of(key), .version = str_of(version), .before = str_of(before),
			.model = str_of(m->model ? others[m->model - 1].name : MODEL), .what = STR("became champion"), .user = STR("you"),
			.reason = str_of(m->reason), .samples = -1, .origin = STR("seen by binnacle"), .time = m->at });
	}
	buf_release(&metrics);
}

bool demo_registry_show(struct world *w, const char *kind, struct buf *body)
{
	static const struct { const char *kind; void (*show)(struct world *w, struct buf *body); } all[] = {
		{ "models", show_models }, { "versions", show_versions }, { "experiments", show_experiments },
		{ "trainings", show_trainings }, { "promotions", show_promotions },
	};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(kind, all[i].kind)) {
			all[i].show(w, body);
			return true;
		}
	return false;
}

/* ---- one version in full, one curve */

static json_t *house_signature(unsigned version)
{
	json_t *inputs = json_array();
	for (unsigned i = 0; i < FEATURES; i++)
		if (version >= 4 || strcmp(demo_features[i], "zip_price_mean"))
			json_array_append_new(inputs, json_pack("{s:s, s:s}", "name", demo_features[i], "type",
				strcmp(demo_features[i], "status") ? "double" : "string"));
	return json_pack("{s:o, s:[{s:s}]}", "inputs", inputs, "outputs", "type", "double");
}

static json_t *house_version(const struct world *w, unsigned v)
{
	const struct house_version *h = &houses[v - 1];
	char run[33], number[16], params[3][16], samples[16];
	int64_t at = w->start - h->age;
	snprintf(number, sizeof(number), "%u", v);
	snprintf(params[0], sizeof(params[0]), "%u", h->trees);
	snprintf(params[1], sizeof(params[1]), "%u", h->depth);
	snprintf(samples, sizeof(samples), "%u", h->samples);
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i}", "model", MODEL, "version", number, "status", "READY",
		"user", h->who, "created", (json_int_t)at, "updated", (json_int_t)at, "size", (json_int_t)h->size, "files", 6);
	char *source = xasprintf("s3://mlflow-artifacts/1/%s/artifacts/model", run_id(h->run, run));
	json_object_set_new(j, "source", json_string(source));
	free(source);
	json_object_set_new(j, "metrics", json_pack("{s:f, s:f, s:f, s:f}", "r2_score", h->r2, "rmse", h->rmse, "mae", h->mae, "mape", h->mape));
	json_object_set_new(j, "better", json_pack("{s:s, s:s, s:s, s:s}", "r2_score", "higher", "rmse", "lower", "mae", "lower", "mape", "lower"));
	json_object_set_new(j, "params", json_pack("{s:s, s:s, s:s}", "n_estimators", params[0], "max_depth", params[1], "seed", "42"));
	json_object_set_new(j, "tags", json_pack("{s:s, s:s}", "drift of training data", v == CHALLENGER ? "5 of 11 features" : "clean",
		"training_samples", samples));
	json_object_set_new(j, "run", json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "id", run_id(h->run, run), "status", "FINISHED", "user",
		h->who, "experiment", "real_estate", "origin", "train.py", "started", (json_int_t)(at - 9 * MINUTE), "ended", (json_int_t)at));
	json_object_set_new(j, "signature", house_signature(v));
	bool champion = v == champion_of(w, NULL);
	if (champion || v == CHALLENGER)
		json_object_set_new(j, "aliases", json_pack("[s]", champion ? "champion" : "challenger"));
	return j;
}

static json_t *other_version(const struct world *w, const struct other *o, unsigned v)
{
	char run[33], number[16];
	json_int_t at = other_time(w, o, v);
	snprintf(number, sizeof(number), "%u", v);
	const char *way = metric_better(str_of(o->metric)) < 0 ? "lower" : "higher";
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:{s:f}, s:{s:s}, s:{s:s, s:s, s:s, s:I, s:I}}", "model", o->name, "version", number,
		"status", "READY", "user", "airflow", "created", at, "size", (json_int_t)(9000000 + 800000ll * v), "metrics", o->metric,
		other_value(o, v), "better", o->metric, way, "run", "id", other_run(o, v, run), "status", "FINISHED", "experiment",
		o->experiment, "started", at - 31 * MINUTE, "ended", at - MINUTE);
}

/* "model/6"; NULL: there is none. */
json_t *demo_version(const struct world *w, struct str key)
{
	struct str number = key, name = str_split(&number, '/');
	int64_t v;
	if (!str_to_i64(number, &v) || v < 1)
		return NULL;
	if (str_is(name, MODEL))
		return v <= HOUSES ? house_version(w, (unsigned)v) : NULL;
	for (const struct other *o = others; o < others + ARRAY_SIZE(others); o++)
		if (str_is(name, o->name) && v <= o->versions)
			return other_version(w, o, (unsigned)v);
	return NULL;
}

/* The version that a run became. */
static json_t *version_of_run(const struct world *w, struct str run)
{
	char id[33];
	for (unsigned i = 0; i < HOUSES; i++)
		if (str_is(run, run_id(houses[i].run, id)))
			return house_version(w, i + 1);
	for (const struct other *o = others; o < others + ARRAY_SIZE(others); o++)
		for (unsigned v = 1; v <= o->versions; v++)
			if (str_is(run, other_run(o, v, id)))
				return other_version(w, o, v);
	return NULL;
}

static json_t *curve(const struct world *w, struct str run, const char *params)
{
	json_t *asked = json_loads(params, 0, NULL), *points = json_array(), *version = version_of_run(w, run);
	const char *metric = json_string_value(json_object_get(asked, "metric"));
	const json_t *last = json_object_get(json_object_get(version, "metrics"), metric ? metric : "");
	json_int_t at = json_integer_value(json_object_get(json_object_get(version, "run"), "started"));
	if (metric && strstr(metric, "loss"))
		for (int i = 0; i < 60; i++)
			json_array_append_new(points, json_pack("[i, I, f]", i, at + i * 9000, 0.19 + 1.8 * exp(-i / 11.0) + 0.02 * sin(i * 2.3)));
	else if (last)
		json_array_append_new(points, json_pack("[i, I, O]", 0, at, last));
	json_t *j = json_pack("{s:s, s:o, s:b}", "metric", metric ? metric : "", "points", points, "more", 0);
	json_decref(asked);
	json_decref(version);
	return j;
}

bool demo_registry_ask(struct world *w, struct link *l, const struct request *r)
{
	json_t *j = NULL;
	if (!strcmp(r->kind, "versions") && !strcmp(r->what, "version"))
		j = demo_version(w, str_of(r->key));
	else if (!strcmp(r->kind, "trainings") && !strcmp(r->what, "metric"))
		j = curve(w, str_of(r->key), r->params);
	if (!j)
		return false;
	char *text = json_dumps(j, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(j);
	return true;
}

bool demo_registry_open(struct world *w, struct link *l, const struct request *r)
{
	struct buf b = { 0 };
	bool version = !strcmp(r->kind, "versions");
	if (strcmp(r->what, "describe") || (!version && strcmp(r->kind, "trainings")))
		return false;
	json_t *j = version ? demo_version(w, str_of(r->key)) : version_of_run(w, str_of(r->key));
	if (!j)
		return false;
	registry_describe(j, w->now, &b);
	link_text(l, r->id, TEXT_END, buf_str(&b));
	buf_release(&b);
	json_decref(j);
	return true;
}
