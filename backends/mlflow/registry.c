/* registry: models and versions, kept up to date. Models are read whole at each poll: their pages are few and they alone name
 * the aliases. Versions are read whole once, and again now and then; between that only those of models that changed. */
#include "backends/mlflow/mlflow.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FULL_MS 600000           /* versions are all read again: one may have been deleted */
#define RECENT 50                /* models looked at between two full listings of a large registry, the last changed ones */
#define COST 20                  /* a full listing of models may take a part of so many of our time */
#define SINGLE_MAX 20            /* more models than this changed: all versions at once are cheaper */
#define TREND 16                 /* versions in a trend */
#define BATCH_BYTES 32768

struct listing { struct mlflow *m; struct buf rows, promotions; struct str only; };

static uint64_t hash_text(struct str s)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 1099511628211u;
	return h;
}

void send_body(struct mlflow *m, struct buf *body)
{
	if (!body->len)
		return;
	struct msg *msg = msg_new(MSG_ROWS, 0);
	msg->body = *body;
	*body = (struct buf){ 0 };
	link_send(m->link, msg);
}

/* ---- roles */

/* The version that an alias of this name (ASCII case folded) leads to, or -1. */
static int aliased(const struct model *m, const char *name)
{
	struct str rest = str_of(m->aliases);
	while (rest.n) {
		struct str number = str_split(&rest, ','), alias = str_split(&number, '=');
		int64_t v;
		if (alias.n == strlen(name) && str_find(alias, str_of(name), true) == 0 && str_to_i64(number, &v))
			return (int)v;
	}
	return -1;
}

static int newest_in(const struct model *m, int stage)
{
	for (unsigned i = m->nversions; i--;)
		if ((int)m->versions[i].stage == stage)
			return m->versions[i].number;
	return -1;
}

static int find_role(const struct mlflow *m, const struct model *model, const char *setting, const char *const *usual, int stage)
{
	const char *name = link_setting(m->link, setting);
	int v = name ? aliased(model, name) : -1;
	for (; !name && v < 0 && *usual; usual++)
		v = aliased(model, *usual);
	return v >= 0 ? v : newest_in(model, stage);
}

/* Who is champion and challenger follows from aliases and stages. */
static void settle(struct mlflow *m, struct model *model)
{
	static const char *const champions[] = { "champion", "production", "prod", "live", NULL };
	static const char *const challengers[] = { "challenger", "candidate", "staging", "shadow", "canary", NULL };
	int before = model->champion;
	model->champion = find_role(m, model, "champion", champions, S_PRODUCTION);
	model->challenger = find_role(m, model, "challenger", challengers, S_STAGING);
	if (model->challenger == model->champion)
		model->challenger = -1;
	model->changed = false;
	model->listed = model->dirty = true;
	if (before != model->champion || model->champion_said == -2)
		changes_note(m, model);
}

/* "champion,canary": the aliases of one version. */
static void aliases_of(const struct model *m, int number, struct buf *out)
{
	struct str rest = str_of(m->aliases);
	while (rest.n) {
		struct str version = str_split(&rest, ','), alias = str_split(&version, '=');
		int64_t v;
		if (str_to_i64(version, &v) && v == number)
			buf_addf(out, "%s" STR_FMT, out->len ? "," : "", STR_ARG(alias));
	}
}

/* ---- versions */

static int stage_of(struct str s)
{
	return str_is(s, "Production") ? S_PRODUCTION : str_is(s, "Staging") ? S_STAGING : str_is(s, "Archived") ? S_ARCHIVED : S_NONE;
}

/* Promoted by whom, said by tags that pipelines leave; and what a stage tells. */
static void note_promotion(struct listing *l, const struct reg_version *v, const json_t *e)
{
	static const char *const who[] = { "promoted_by", "approved_by", "promoted.by" };
	static const char *const why[] = { "promotion_reason", "reason", "promoted_reason" };
	const json_t *tags = json_object_get(e, "tags"), *at = get_tag(tags, "promoted_at");
	bool staged = str_is(v->stage, "Production");
	struct str by = { 0 }, reason = { 0 };
	struct buf key = { 0 };
	char version[24];
	int64_t time = v->updated;
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		const json_t *b = get_tag(tags, who[i]), *r = get_tag(tags, why[i]);
		by = by.n ? by : (struct str){ json_string_value(b), json_string_length(b) };
		reason = reason.n ? reason : (struct str){ json_string_value(r), json_string_length(r) };
	}
	if (!staged && !at && !(by.n && get_tag(tags, "promoted_by")))
		return;
	struct str text = { json_string_value(at), json_string_length(at) };
	if (text.n && !time_parse(text, &time) && str_to_i64(text, &time) && time < 100000000000)
		time *= 1000;                  /* seconds */
	snprintf(version, sizeof(version), "v%lld", (long long)v->version);
	buf_adds(&key, "said/");
	version_key(v->model, v->version, &key);
	if (!l->promotions.len)
		rows_start(&l->promotions, "promotions");
	promotion_put(&l->promotions, &(struct reg_promotion){ .key = buf_str(&key), .model = v->model, .version = str_of(version),
		.what = staged ? STR("stage Production") : STR("promoted"), .user = by, .reason = reason, .run = v->run, .time = time,
		.samples = -1, .origin = at || by.n ? STR("MLflow's tags") : STR("MLflow's stage") });
	buf_release(&key);
}

static void on_version(void *arg, const json_t *e)
{
	struct listing *l = arg;
	struct mlflow *m = l->m;
	struct buf aliases = { 0 }, tags = { 0 };
	struct reg_version v = { .model = get_text(e, "name"), .version = get_int(e, "version", -1), .keep = true, .size = -1,
		.status = get_text(e, "status"), .stage = get_text(e, "current_stage"), .run = get_text(e, "run_id"),
		.why = get_text(e, "status_message"), .description = get_text(e, "description"), .value = NAN,
		.created = get_int(e, "creation_timestamp", 0), .updated = get_int(e, "last_updated_timestamp", 0) };
	if (!v.model.n || v.version < 0 || v.version > INT32_MAX || (l->only.n && !str_eq(l->only, v.model))) {
		m->skipped++;
		return;
	}
	struct model *model = catalog_model(&m->catalog, v.model, true);
	struct version *known = catalog_version(model, (int)v.version, true);
	known->stage = stage_of(v.stage);
	known->status = str_starts(v.status, STR("FAILED")) ? V_FAILED : str_starts(v.status, STR("PENDING")) ? V_PENDING : V_READY;
	known->seen = true;
	known->run = hash_text(v.run);
	if (!known->measured || known->updated != v.updated)
		catalog_want(&m->catalog, model, known->number, v.run);
	known->measured = true;
	known->updated = v.updated;
	aliases_of(model, known->number, &aliases);
	get_labels(json_object_get(e, "tags"), 160, &tags);
	v.aliases = buf_str(&aliases);
	v.tags = buf_str(&tags);
	if (known->status == V_READY)
		v.why = STR("");
	if (!l->rows.len)
		rows_start(&l->rows, "versions");
	version_put(&l->rows, &v);
	note_promotion(l, &v, e);
	buf_release(&aliases);
	buf_release(&tags);
	if (l->rows.len > BATCH_BYTES)
		send_body(m, &l->rows);
}

static void unsee(struct model *model)
{
	for (unsigned i = 0; i < model->nversions; i++)
		model->versions[i].seen = false;
}

static void forget_unseen(struct model *model)
{
	unsigned k = 0;
	for (unsigned i = 0; i < model->nversions; i++)
		if (model->versions[i].seen)
			model->versions[k++] = model->versions[i];
	model->nversions = k;
	/* catalog_version makes room at powers of two: the room must be that of the count */
	unsigned room = 1;
	while (room < k)
		room *= 2;
	if (model->versions)
		model->versions = xreallocarray(model->versions, room, sizeof(*model->versions));
}

/* All versions under `prefix` ("" or "model/"), by this path. */
static bool list_versions(struct listing *l, const char *path, struct str prefix)
{
	struct mlflow *m = l->m;
	rows_start(&l->rows, "versions");
	rows_begin(&l->rows, prefix);
	bool ok = client_list(m, &(struct list_query){ .path = path, .name = "model_versions", .page = 1000, .element = on_version, .arg = l });
	if (ok && m->listed[WATCH_VERSIONS]) {       /* the first time registry_close does it */
		if (!l->rows.len)
			rows_start(&l->rows, "versions");
		rows_end(&l->rows, prefix);
	}
	send_body(m, &l->rows);
	send_body(m, &l->promotions);
	return ok;
}

static bool list_all(struct mlflow *m)
{
	struct listing l = { .m = m };
	for (unsigned i = 0; i < m->catalog.n; i++)
		unsee(m->catalog.models[i]);
	if (!list_versions(&l, API "model-versions/search?", STR("")))
		return false;
	for (unsigned i = 0; i < m->catalog.n; i++) {
		forget_unseen(m->catalog.models[i]);
		settle(m, m->catalog.models[i]);
	}
	m->versions_ms = mlflow_mono(m) + FULL_MS;
	return true;
}

static bool list_one(struct mlflow *m, struct model *model)
{
	struct listing l = { .m = m, .only = str_of(model->name) };
	struct buf path = { 0 }, prefix = { 0 }, filter = { 0 };
	char quote = strchr(model->name, '\'') ? '"' : '\'';
	buf_addf(&filter, "name=%c%s%c", quote, model->name, quote);
	buf_adds(&path, API "model-versions/search?filter=");
	http_escape(&path, buf_str(&filter));
	buf_addc(&path, '&');
	buf_addf(&prefix, "%s/", model->name);
	unsee(model);
	bool ok = list_versions(&l, path.data, buf_str(&prefix));
	if (ok) {
		forget_unseen(model);
		settle(m, model);
	}
	buf_release(&path);
	buf_release(&prefix);
	buf_release(&filter);
	return ok;
}

/* ---- models */

static void on_model(void *arg, const json_t *e)
{
	struct mlflow *m = arg;
	struct str name;
	if (!get_model(e, NULL, &name)) {
		m->skipped++;
		return;
	}
	struct model *model = catalog_model(&m->catalog, name, true);
	get_model(e, model, &name);
	model->seen = model->named = true;
	if (!m->models_ms && ++m->unsaid % 100 == 0)     /* the first time rows come as they are read */
		registry_say(m);
}

static void forget_models(struct mlflow *m)
{
	struct buf models = { 0 }, versions = { 0 }, key = { 0 };
	for (unsigned i = m->catalog.n; i--;) {
		const struct model *model = m->catalog.models[i];
		if (model->seen || !model->named)
			continue;
		if (!models.len) {
			rows_start(&models, "models");
			rows_start(&versions, "versions");
		}
		rows_del(&models, str_of(model->name));
		for (unsigned k = 0; k < model->nversions; k++) {
			buf_clear(&key);
			version_key(str_of(model->name), model->versions[k].number, &key);
			rows_del(&versions, buf_str(&key));
		}
		catalog_drop(&m->catalog, i);
	}
	send_body(m, &models);
	send_body(m, &versions);
	buf_release(&key);
}

/* The key metric of the last versions, oldest first. */
static void trend_of(const struct model *m, struct buf *out)
{
	unsigned from = m->nversions > TREND ? m->nversions - TREND : 0, known = 0;
	for (unsigned i = from; i < m->nversions; i++) {
		buf_adds(out, i > from ? " " : "");
		if (isnan(m->versions[i].value))
			buf_addc(out, '-');
		else
			buf_addf(out, "%.9g", m->versions[i].value), known++;
	}
	if (!known)
		buf_clear(out);
}

static double value_of(struct model *m, int number)
{
	const struct version *v = number >= 0 ? catalog_version(m, number, false) : NULL;
	return v ? v->value : NAN;
}

static void put_model(struct model *m, struct buf *rows)
{
	struct buf trend = { 0 };
	int latest = m->nversions ? m->versions[m->nversions - 1].number : -1;
	struct reg_model r = { .name = str_of(m->name), .description = str_of(m->description), .aliases = str_of(m->aliases),
		.tags = str_of(m->tags), .metric = str_of(m->metric), .champion = m->champion, .challenger = m->challenger,
		.latest = latest, .versions = m->listed ? (int64_t)m->nversions : -1, .created = m->created, .updated = m->updated,
		.value = value_of(m, m->champion >= 0 ? m->champion : latest) };
	r.change = m->champion >= 0 ? relative_change(r.value, value_of(m, m->challenger)) : NAN;
	for (unsigned i = 0; i < m->nversions; i++) {
		if (m->versions[i].status == V_FAILED)
			r.failed = m->versions[i].number;
		else if (m->versions[i].status == V_PENDING)
			r.pending = m->versions[i].number;
		else
			r.failed = 0;            /* a newer one came through */
	}
	trend_of(m, &trend);
	r.trend = buf_str(&trend);
	model_put(rows, &r);
	m->dirty = false;
	buf_release(&trend);
}

void registry_say(struct mlflow *m)
{
	struct buf rows = { 0 };
	for (unsigned i = 0; i < m->catalog.n; i++) {
		if (!m->catalog.models[i]->dirty)
			continue;
		if (!rows.len)
			rows_start(&rows, "models");
		put_model(m->catalog.models[i], &rows);
		if (rows.len > BATCH_BYTES)
			send_body(m, &rows);
	}
	send_body(m, &rows);
}

static void mark(struct mlflow *m, const char *kind, bool begin)
{
	struct buf rows = { 0 };
	rows_start(&rows, kind);
	if (begin)
		rows_begin(&rows, STR(""));
	else
		rows_end(&rows, STR(""));
	send_body(m, &rows);
}

/* The first listing is complete when the metrics are there too, so that who asks once gets them. */
void registry_close(struct mlflow *m)
{
	static const struct { int kind; const char *name; } kinds[] = { { WATCH_MODELS, "models" }, { WATCH_VERSIONS, "versions" },
		{ WATCH_PROMOTIONS, "promotions" } };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (m->listed[kinds[i].kind] || !m->opened[kinds[i].kind])
			continue;
		mark(m, kinds[i].name, false);
		m->listed[kinds[i].kind] = true;
	}
}

static bool open_listings(struct mlflow *m)
{
	bool promotions = mlflow_watches(m, WATCH_PROMOTIONS) && !m->opened[WATCH_PROMOTIONS];
	if (!m->opened[WATCH_MODELS])
		mark(m, "models", true);
	m->opened[WATCH_MODELS] = m->opened[WATCH_VERSIONS] = true;
	if (promotions) {
		mark(m, "promotions", true);
		m->opened[WATCH_PROMOTIONS] = true;
		changes_send(m);
	}
	return promotions;               /* then the versions are read again, for what their tags say */
}

/* All models; of a large registry, whose listing is dear (MLflow 2 takes seconds for 500), mostly those that changed last. An
 * alias that was moved shows only in the full listing, which comes again the sooner the less it costs. */
static bool list_models(struct mlflow *m)
{
	int64_t from = mlflow_mono(m);
	struct list_query q = { .path = API "registered-models/search?", .name = "registered_models", .page = 200, .element = on_model,
		.arg = m };
	if (m->models_ms && from < m->models_ms && m->catalog.n > 2 * RECENT) {
		q.path = API "registered-models/search?order_by=last_updated_timestamp%20DESC&";
		q.page = q.limit = RECENT;
		return client_list(m, &q);
	}
	for (unsigned i = 0; i < m->catalog.n; i++)
		m->catalog.models[i]->seen = false;
	if (!client_list(m, &q))
		return false;
	forget_models(m);
	m->models_ms = mlflow_mono(m) + (mlflow_mono(m) - from) * COST;
	return true;
}

bool registry_refresh(struct mlflow *m)
{
	unsigned changed = 0;
	bool full = open_listings(m) || !m->versions_ms || mlflow_mono(m) >= m->versions_ms, ok = true;
	if (full)
		m->skipped = 0;
	if (!list_models(m))
		return false;
	registry_say(m);                 /* names first: the versions of many models take their time */
	for (unsigned i = 0; i < m->catalog.n; i++)
		changed += m->catalog.models[i]->changed;
	if (full || changed > SINGLE_MAX)
		ok = list_all(m);
	for (unsigned i = 0; ok && i < m->catalog.n; i++)
		if (m->catalog.models[i]->changed)
			ok = list_one(m, m->catalog.models[i]);
	registry_say(m);
	bool metrics = mlflow_watches(m, WATCH_MODELS) || mlflow_watches(m, WATCH_VERSIONS);
	if (ok && (!metrics || m->catalog.at_wanted == m->catalog.nwanted))
		registry_close(m);
	return ok;
}
