/* runs: what training runs say: the metrics of versions, asked for many at once, and the lists of experiments and runs. */
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPERIMENTS_MS 600000    /* experiments are read again when a run of a version is looked for */
#define BATCH_BYTES 32768
#define WALK_MAX 50000           /* runs looked through */
#define WALK_SINGLE 3

/* ---- experiments */

struct listing { struct mlflow *m; struct buf rows; bool send; };

static void on_experiment(void *arg, const json_t *e)
{
	struct listing *l = arg;
	struct mlflow *m = l->m;
	struct buf tags = { 0 };
	struct reg_experiment x = { .id = get_text(e, "experiment_id"), .name = get_text(e, "name"),
		.stage = get_text(e, "lifecycle_stage"), .location = get_text(e, "artifact_location"),
		.created = get_int(e, "creation_time", 0), .updated = get_int(e, "last_update_time", 0) };
	if (!x.id.n) {
		m->skipped++;
		return;
	}
	m->experiments = xreallocarray(m->experiments, m->nexperiments + 1, sizeof(*m->experiments));
	m->experiments[m->nexperiments++] = (struct experiment){ str_dup(x.id), str_dup(x.name) };
	if (!l->send)
		return;
	get_labels(json_object_get(e, "tags"), 256, &tags);
	x.tags = buf_str(&tags);
	experiment_put(&l->rows, &x);
	buf_release(&tags);
}

void runs_release(struct mlflow *m)
{
	for (unsigned i = 0; i < m->nexperiments; i++) {
		free(m->experiments[i].id);
		free(m->experiments[i].name);
	}
	free(m->experiments);
	m->experiments = NULL;
	m->nexperiments = 0;
}

bool runs_experiments(struct mlflow *m, bool send)
{
	struct listing l = { .m = m, .send = send };
	json_t *body = json_pack("{s:s}", "view_type", "ALL");
	runs_release(m);
	rows_start(&l.rows, "experiments");
	rows_begin(&l.rows, STR(""));
	bool ok = client_list(m, &(struct list_query){ .path = API "experiments/search", .name = "experiments", .body = body,
		.page = 1000, .limit = 20000, .element = on_experiment, .arg = &l });
	json_decref(body);
	m->experiments_ms = ok ? mlflow_mono(m) : 0;
	if (ok && send) {
		rows_end(&l.rows, STR(""));
		send_body(m, &l.rows);
	}
	buf_release(&l.rows);
	return ok;
}

static json_t *experiment_ids(const struct mlflow *m)
{
	json_t *ids = json_array();
	for (unsigned i = 0; i < m->nexperiments; i++)
		json_array_append_new(ids, json_string(m->experiments[i].id));
	return ids;
}

static bool know_experiments(struct mlflow *m)
{
	return (m->experiments_ms && mlflow_mono(m) - m->experiments_ms < EXPERIMENTS_MS) || runs_experiments(m, false);
}

/* ---- the metrics of versions */

struct batch { struct mlflow *m; struct wanted *wanted; unsigned n; struct buf rows; };

static void measured(struct batch *b, const struct wanted *w, const struct run *r)
{
	struct model *model = w->model;
	struct version *v = catalog_version(model, w->version, false);
	struct str prefer = str_of(b->m->metric ? b->m->metric : model->metric);
	double value;
	if (!v)
		return;
	struct str metric = key_metric(r->metric_list, prefer, &value);
	if (!model->metric && metric.n)
		model->metric = str_dup(metric);
	v->value = metric.n && str_eq(metric, str_of(model->metric)) ? value : NAN;
	model->dirty = true;
	if (!b->rows.len)
		rows_start(&b->rows, "versions");
	version_update(&b->rows, &(struct reg_version){ .model = str_of(model->name), .version = w->version, .metric = metric,
		.value = value, .metrics = buf_str(&r->metrics), .user = r->user, .size = r->size });
}

static void on_run_of_version(void *arg, const json_t *e)
{
	struct batch *b = arg;
	struct run r;
	if (!get_run(e, &r))
		return;
	for (unsigned i = 0; i < b->n; i++)
		if (str_is(r.id, b->wanted[i].run))
			measured(b, &b->wanted[i], &r);
	run_release(&r);
	if (b->rows.len > BATCH_BYTES)
		send_body(b->m, &b->rows);
}

/* 'a','b': run ids go into the filter as they are, so anything but letters, digits and dashes is left out. */
static void add_ids(const struct batch *b, struct buf *out)
{
	static const char *const allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	for (unsigned i = 0; i < b->n; i++)
		if (strspn(b->wanted[i].run, allowed) == strlen(b->wanted[i].run))
			buf_addf(out, "%s'%s'", out->len ? "," : "", b->wanted[i].run);
}

/* MLflow 1 finds no runs by their ids: one walk through the newest runs of all experiments serves all that are wanted; a few
 * are asked for one by one. */
static int by_run(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->run, ((const struct wanted *)b)->run);
}

static void on_walked(void *arg, const json_t *e)
{
	struct batch *b = arg;
	struct run r;
	struct wanted w = { 0 };
	if (!get_run(e, &r))
		return;
	if (r.id.n < sizeof(w.run))
		memcpy(w.run, r.id.p, r.id.n);
	struct wanted *found = bsearch(&w, b->wanted, b->n, sizeof(w), by_run);
	while (found && found > b->wanted && !strcmp(found[-1].run, w.run))
		found--;
	for (; found && found < b->wanted + b->n && !strcmp(found->run, w.run); found++)
		measured(b, found, &r);
	run_release(&r);
	if (b->rows.len > BATCH_BYTES)
		send_body(b->m, &b->rows);
}

static bool ask_one(struct batch *b, const struct wanted *w)
{
	struct buf path = { 0 };
	buf_adds(&path, API "runs/get?run_id=");
	http_escape(&path, str_of(w->run));
	json_t *j = client_json(b->m, path.data, NULL);
	if (j)
		on_walked(b, json_object_get(j, "run"));
	json_decref(j);
	buf_release(&path);
	return j || !client_is_lost(b->m);
}

static bool walk(struct mlflow *m)
{
	struct catalog *c = &m->catalog;
	struct batch b = { .m = m, .wanted = c->wanted + c->at_wanted, .n = c->nwanted - c->at_wanted };
	bool ok = true;
	qsort(b.wanted, b.n, sizeof(*b.wanted), by_run);
	if (b.n <= WALK_SINGLE) {
		for (unsigned i = 0; ok && i < b.n; i++)
			ok = ask_one(&b, &b.wanted[i]);
	} else {
		json_t *body = json_pack("{s:o, s:[s], s:s}", "experiment_ids", experiment_ids(m), "order_by",
			"attributes.start_time DESC", "run_view_type", "ALL");
		ok = client_list(m, &(struct list_query){ .path = API "runs/search", .name = "runs", .body = body, .page = 1000,
			.limit = WALK_MAX, .element = on_walked, .arg = &b });
		json_decref(body);
	}
	if (ok || !client_is_lost(m))
		c->at_wanted = c->nwanted = 0;
	send_body(m, &b.rows);
	return ok;
}

bool runs_measure(struct mlflow *m)
{
	struct catalog *c = &m->catalog;
	unsigned left = c->nwanted - c->at_wanted;
	struct batch b = { .m = m, .wanted = c->wanted + c->at_wanted, .n = left > BATCH_IDS ? BATCH_IDS : left };
	struct buf ids = { 0 }, filter = { 0 };
	bool ok = true;
	if (!left || !know_experiments(m))
		return !left;
	if (m->walk)
		return walk(m);
	add_ids(&b, &ids);
	if (ids.len && m->nexperiments) {
		buf_addf(&filter, "attributes.run_id IN (%s)", ids.data);
		json_t *body = json_pack("{s:o, s:s, s:s}", "experiment_ids", experiment_ids(m), "filter", filter.data, "run_view_type", "ALL");
		ok = client_list(m, &(struct list_query){ .path = API "runs/search", .name = "runs", .body = body, .page = b.n,
			.limit = b.n, .element = on_run_of_version, .arg = &b });
		json_decref(body);
		m->walk = !ok && m->failure.status == 400;
	}
	if (!m->walk && (ok || !client_is_lost(m)))        /* a refusal will be the same again: go on without */
		c->at_wanted += b.n;
	if (c->at_wanted == c->nwanted)
		c->at_wanted = c->nwanted = 0;
	send_body(m, &b.rows);
	buf_release(&ids);
	buf_release(&filter);
	return ok || m->walk;
}

/* ---- training runs */

struct trainings { struct mlflow *m; struct buf rows; int64_t now; };

static const char *experiment_name(const struct mlflow *m, struct str id)
{
	for (unsigned i = 0; i < m->nexperiments; i++)
		if (str_is(id, m->experiments[i].id))
			return m->experiments[i].name;
	return NULL;
}

static uint64_t hash_text(struct str s)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 1099511628211u;
	return h;
}

/* "real_estate_model v7", when the versions are known. */
static void became(const struct mlflow *m, struct str run, struct buf *out)
{
	uint64_t hash = hash_text(run);
	for (unsigned i = 0; i < m->catalog.n; i++)
		for (unsigned k = 0; k < m->catalog.models[i]->nversions; k++)
			if (m->catalog.models[i]->versions[k].run == hash) {
				buf_addf(out, "%s v%d", m->catalog.models[i]->name, m->catalog.models[i]->versions[k].number);
				return;
			}
}

static void on_training(void *arg, const json_t *e)
{
	struct trainings *t = arg;
	struct mlflow *m = t->m;
	struct buf tags = { 0 }, model = { 0 };
	struct run r;
	double value;
	if (!get_run(e, &r)) {
		m->skipped++;
		return;
	}
	const char *experiment = experiment_name(m, r.experiment);
	struct str metric = key_metric(r.metric_list, str_of(m->metric), &value);
	get_labels(r.tag_list, 256, &tags);
	became(m, r.id, &model);
	if (!t->rows.len)
		rows_start(&t->rows, "trainings");
	training_put(&t->rows, &(struct reg_training){ .id = r.id, .name = r.name, .experiment = experiment ? str_of(experiment) :
		r.experiment, .status = r.status, .user = r.user, .model = buf_str(&model), .metric = metric, .value = value,
		.metrics = buf_str(&r.metrics), .params = buf_str(&r.params), .tags = buf_str(&tags), .origin = r.origin,
		.started = r.started, .ended = r.ended }, t->now);
	buf_release(&tags);
	buf_release(&model);
	run_release(&r);
	if (t->rows.len > BATCH_BYTES)
		send_body(m, &t->rows);
}

/* The newest runs of all experiments, or of one; scope is its id. */
bool runs_trainings(struct mlflow *m, const char *experiment)
{
	struct trainings t = { .m = m, .now = mlflow_now(m) };
	bool first = !m->listed[WATCH_TRAININGS];
	if (!know_experiments(m))
		return false;
	json_t *ids = experiment ? json_pack("[s]", experiment) : experiment_ids(m);
	json_t *body = json_pack("{s:o, s:[s], s:s}", "experiment_ids", ids, "order_by", "attributes.start_time DESC",
	                         "run_view_type", "ACTIVE_ONLY");
	rows_start(&t.rows, "trainings");
	if (first)
		rows_begin(&t.rows, STR(""));
	bool ok = client_list(m, &(struct list_query){ .path = API "runs/search", .name = "runs", .body = body, .page = 200,
		.limit = first || experiment ? (unsigned)m->limit : 50, .element = on_training, .arg = &t });
	json_decref(body);
	if (ok && first) {
		if (!t.rows.len)
			rows_start(&t.rows, "trainings");
		rows_end(&t.rows, STR(""));
		m->listed[WATCH_TRAININGS] = true;
	}
	send_body(m, &t.rows);
	return ok;
}
