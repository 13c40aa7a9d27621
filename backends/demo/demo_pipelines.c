/* demo_pipelines: the simulated engine of pipelines. What ran when is no state but a function of the clock: each run's tasks
 * follow one another with times that chance, fixed by the run's own time, bends a little. The story: a check finds drift,
 * mlops_full_pipeline trains on; one training takes three times as long as usual and holds the only slot of the pool gpu,
 * for which the next one waits. */
#define _GNU_SOURCE
#include "backends/demo/flows.h"
#include "base/mem.h"
#include "base/pipelines.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS_SHOWN = 24, MINUTE = 60000, LONG_RUN_MS = 45 * MINUTE };

static const struct flow plans[] = {
	{ "mlops_full_pipeline", NULL, "mlops", "mlops,model:real_estate_model", "Ingest, check drift, retrain if it drifted, reload "
	  "the API", 0, 0, false, { { "start", "", "EmptyOperator", 1 }, { "ingest_data", "start", "PythonOperator", 72 },
	  { "check_drift", "ingest_data", "PythonOperator", 41 }, { "branch", "check_drift", "BranchPythonOperator", 2 },
	  { "train_model", "branch", "KubernetesPodOperator", 420 }, { "skip_training", "branch", "PythonOperator", 1 },
	  { "reload_api", "train_model", "PythonOperator", 12 }, { "end", "reload_api,skip_training", "EmptyOperator", 1 } } },
	{ "batch_scoring", "0 * * * *", "scoring", "scoring", "Score what was listed in the last hour", 60, 17, false,
	  { { "read_listings", "", "PythonOperator", 55 }, { "predict", "read_listings", "KubernetesPodOperator", 230 },
	    { "write_scores", "predict", "PythonOperator", 30 } } },
	{ "feature_refresh", "*/15 * * * *", "features", "features", "Refresh the feature store", 15, 0, false,
	  { { "read_sources", "", "PythonOperator", 40 }, { "geo_features", "read_sources", "PythonOperator", 65 },
	    { "price_features", "read_sources", "PythonOperator", 90 },
	    { "publish", "geo_features,price_features", "PythonOperator", 20 } } },
	{ "data_quality", "*/30 * * * *", "data", "data,quality", "Great Expectations over the newest batch", 30, 7, false,
	  { { "profile", "", "PythonOperator", 70 }, { "expectations", "profile", "PythonOperator", 45 } } },
	{ "partner_export", "30 2 * * *", "partners", "export", "Prices for partners", 1440, 5, false,
	  { { "collect", "", "PythonOperator", 300 }, { "upload", "collect", "PythonOperator", 120 } } },
	{ "monthly_report", "0 6 1 * *", "reports", "reports", "Numbers of the month", 43200, 0, true,
	  { { "report", "", "PythonOperator", 900 } } },
};

static double chance(const char *name, int64_t at, unsigned i)
{
	struct rnd r = { (uint64_t)(at / 1000) * 2654435761u + str_hash(str_of(name)) + i * 977 };
	rnd_next(&r);
	return rnd_unit(&r);
}

const struct flow_task *flow_task(const struct flow_run *r, struct str name)
{
	for (unsigned i = 0; i < r->n; i++)
		if (str_is(name, r->tasks[i].step->name))
			return &r->tasks[i];
	return NULL;
}

/* Times of one task; what comes before has its own already. INT64_MAX: not before something that never comes. */
static void plan_task(struct flow_run *r, struct flow_task *t, unsigned i, bool trains, bool fails, int64_t slot_free, double slow)
{
	bool skip = (!strcmp(t->step->name, "train_model") || !strcmp(t->step->name, "reload_api")) && !trains;
	bool held = false;
	t->ready = r->start;
	for (struct str rest = str_of(t->step->upstream); rest.n;) {
		const struct flow_task *up = flow_task(r, str_split(&rest, ','));
		if (up && up->end > t->ready && strcmp(up->ends, "skipped"))
			t->ready = up->end;
		held |= up && (!strcmp(up->ends, "failed") || !strcmp(up->ends, "upstream_failed"));
	}
	skip |= !strcmp(t->step->name, "skip_training") && trains;
	t->start = t->ready + 1000 + (int64_t)(6000 * chance(r->flow->name, r->created, i));
	t->end = t->start + (int64_t)(t->step->usual_s * 1000 * (0.85 + 0.3 * chance(r->flow->name, r->created, i + 20)));
	t->ends = held ? "upstream_failed" : skip ? "skipped" : fails ? "failed" : "success";
	t->tried = 1;
	if (!strcmp(t->step->name, "train_model") && trains) {
		t->start = t->start < slot_free ? slot_free + 2000 : t->start;
		t->end = t->start + (int64_t)((double)(t->end - t->start) * slow);
	}
	if (held || skip)
		t->start = t->end = t->ready, t->tried = 0;
}

static void plan_run(const struct flow *p, int64_t created, int64_t now, bool may_fail, bool trains, int64_t slot_free, double slow,
                     struct flow_run *r)
{
	unsigned fails_at = p->fails && may_fail && (unsigned)(created / MINUTE / (p->every_min ? p->every_min : 1)) % p->fails == 0 ? 1 : 99;
	r->flow = p;
	r->created = created;
	r->start = created + 300 + (int64_t)(1500 * chance(p->name, created, 99));
	r->end = 0;
	r->state = "success";
	for (r->n = 0; r->n < FLOW_TASKS && p->steps[r->n].name; r->n++) {
		struct flow_task *t = &r->tasks[r->n];
		*t = (struct flow_task){ .step = &p->steps[r->n], .ends = "" };
		plan_task(r, t, r->n, trains, r->n == fails_at, slot_free, slow);
		r->end = t->end > r->end ? t->end : r->end;
		if (!strcmp(t->ends, "failed"))
			r->state = "failed";
	}
	for (unsigned i = 0; i < r->n; i++) {
		struct flow_task *t = &r->tasks[i];
		t->state = now < t->ready ? "" : now < t->start ? "queued" : now < t->end ? "running" : t->ends;
	}
	if (now < r->end)
		r->state = now < r->start ? "queued" : "running";
}

/* Run k of a plan as the clock makes it, the newest first. False: there are no more. */
static bool scripted(const struct world *w, const struct flow *p, unsigned k, struct flow_run *r)
{
	int64_t now = w->now, created, free_at = 0, long_start = w->start - 19 * MINUTE;
	time_t s;
	struct tm tm;
	bool trains = true;
	double slow = 1;
	if (p->every_min) {
		created = (now / MINUTE / p->every_min - k) * p->every_min * MINUTE;
		plan_run(p, created, now, k > 1, true, 0, 1, r);       /* the newest went well */
		r->trigger = "scheduled";
		r->params[0] = 0;
	} else {                               /* by checks: two of this morning, the others two hours apart */
		created = k == 0 ? w->start - 3 * MINUTE : k == 1 ? long_start : w->start - 7200000ll * (k - 1) - 113000;
		if (k == 0)
			free_at = long_start + LONG_RUN_MS;
		else if (k == 1)
			slow = 5.6;
		else
			trains = k < 6 || k % 4;
		plan_run(p, created, now, false, trains, free_at, slow, r);
		r->trigger = "manual";
		snprintf(r->params, sizeof(r->params), "rows=%u source=s3://data-raw/batch-%lld", 48000 + (unsigned)(created / 1000 % 911),
		         (long long)(created / 7200000 % 10000));
	}
	s = (time_t)(created / 1000);
	if (!gmtime_r(&s, &tm))
		return false;
	snprintf(r->name, sizeof(r->name), "%s__%04d-%02d-%02dT%02d:%02d:%02d", r->trigger, (tm.tm_year + 1900) % 10000, tm.tm_mon + 1,
	         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	flow_overlay(w, r);
	return created <= now;
}

void flow_begin(const struct flow *f, int64_t created, int64_t now, struct flow_run *r)
{
	plan_run(f, created, now, false, true, 0, 1, r);
}

const struct flow *flow_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		if (str_is(name, plans[i].name))
			return &plans[i];
	return NULL;
}

/* Run k, the newest first: those begun here, then the clock's. */
static bool run_at(const struct world *w, const struct flow *p, unsigned k, struct flow_run *r)
{
	unsigned begun;
	int64_t since;
	if (flow_begun(w, p, k, r, &begun))
		return true;
	if (!scripted(w, p, k - begun, r))
		return false;
	bool paused = flow_paused(w, p, &since);
	return paused == p->paused && !since ? !paused : paused ? r->created < since && !p->paused : r->created >= since || !p->paused;
}

/* ---- rows */

static int64_t usual_run(const struct world *w, const struct flow *p)
{
	int64_t ms[RUNS_SHOWN];
	unsigned n = 0;
	struct flow_run r;
	for (unsigned k = 0; k < RUNS_SHOWN; k++)
		if (run_at(w, p, k, &r) && !strcmp(r.state, "success"))
			ms[n++] = r.end - r.start;
	return usual_of(ms, n);
}

static void show_plan(const struct world *w, const struct flow *p, struct buf *out)
{
	struct flow_run r;
	char recent[11] = "", last[16] = "";
	int64_t last_at = 0, active = 0;
	unsigned n = 0;
	for (unsigned k = 10; k-- > 0;) {
		if (!run_at(w, p, k, &r))
			continue;
		recent[n++] = state_letter(state_meaning(str_of(r.state)));
		active += !state_over(state_meaning(str_of(r.state)));
		last_at = r.created;
		snprintf(last, sizeof(last), "%s", r.state);
	}
	recent[n] = 0;
	int64_t every = (int64_t)p->every_min * MINUTE, since;
	bool paused = flow_paused(w, p, &since);
	pipeline_put(out, &(struct pipeline){ .key = str_of(p->name), .name = str_of(p->name), .schedule = str_of(p->schedule),
		.owner = str_of(p->owner), .tags = str_of(p->tags), .help = str_of(p->help), .recent = str_of(recent),
		.last = str_of(last), .last_at = last_at, .next = every && !paused ? (w->now / every + 1) * every : 0,
		.usual = usual_run(w, p), .active = active, .max = 4, .paused = paused });
}

static void show_pipelines(const struct world *w, struct buf *out)
{
	pipeline_put(out, &(struct pipeline){ .key = STR("import error/churn_experiment.py"), .name = STR("churn_experiment.py"),
		.file = STR("/opt/airflow/dags/churn_experiment.py"), .error = STR("ModuleNotFoundError: No module named 'lightgbm'"),
		.last_at = w->start - 50 * MINUTE, .usual = -1, .active = -1, .max = -1, .paused = -1 });
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		show_plan(w, &plans[i], out);
}

static void run_key(const struct flow_run *r, char *key, size_t size)
{
	snprintf(key, size, "%s/%s", r->flow->name, r->name);
}

static void show_runs(const struct world *w, struct buf *out)
{
	struct flow_run r;
	char key[160];
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		int64_t usual = usual_run(w, &plans[i]);
		bool well = false;
		for (unsigned k = 0; k < RUNS_SHOWN; k++) {
			if (!run_at(w, &plans[i], k, &r))
				continue;
			run_key(&r, key, sizeof(key));
			run_put(out, &(struct run){ .key = str_of(key), .pipeline = str_of(r.flow->name), .name = str_of(r.name),
				.state = str_of(r.state), .trigger = str_of(r.trigger), .params = str_of(r.params),
				.by = str_of(plans[i].every_min ? "" : "drift-check"), .tags = str_of(plans[i].tags), .created = r.created,
				.start = w->now < r.start ? 0 : r.start, .end = w->now < r.end ? 0 : r.end, .date = r.created,
				.usual = usual, .past = well }, w->now);
			well |= !strcmp(r.state, "success");
		}
	}
}

static void show_tasks(const struct world *w, struct buf *out)
{
	struct flow_run r;
	char key[200], run[160];
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		for (unsigned k = 0; k < RUNS_SHOWN; k++) {
			if (!run_at(w, &plans[i], k, &r))
				continue;
			run_key(&r, run, sizeof(run));
			for (unsigned t = 0; t < r.n; t++) {
				const struct flow_task *s = &r.tasks[t];
				bool began = w->now >= s->start && s->tried, over = began && w->now >= s->end;
				bool pod = began && !strcmp(s->step->operator, "KubernetesPodOperator");
				snprintf(key, sizeof(key), "%s/%s", run, s->step->name);
				task_put(out, &(struct task){ .key = str_of(key), .pipeline = str_of(r.flow->name), .run = str_of(r.name),
					.name = str_of(s->step->name), .state = str_of(s->state), .operator = str_of(s->step->operator),
					.host = str_of(!began ? "" : pod && i == 0 ? "train-r3-8x4kd" : "airflow-worker-0"),
					.pool = str_of(!strcmp(s->step->name, "train_model") ? "gpu" : "default_pool"),
					.upstream = str_of(s->step->upstream), .ready = *s->state && s->tried ? s->ready : 0,
					.start = began ? s->start : 0, .end = over ? s->end : 0, .duration = over ? s->end - s->start : -1,
					.usual = (int64_t)s->step->usual_s * 1000, .tried = *s->state ? s->tried : 0, .tries = 2, .map = -1, .order = t, .before = str_of(s->before) });
			}
		}
}

bool demo_show_pipelines(struct world *w, const char *kind, struct buf *body)
{
	if (!strcmp(kind, "pipelines"))
		show_pipelines(w, body);
	else if (!strcmp(kind, "runs"))
		show_runs(w, body);
	else if (!strcmp(kind, "tasks"))
		show_tasks(w, body);
	else
		return false;
	return true;
}

/* ---- documents */

/* The run of a key "pipeline/run[/task]"; NULL in *task where none is named. */
bool flow_find(const struct world *w, struct str key, struct flow_run *r, const struct flow_task **task)
{
	struct str name = str_split(&key, '/'), run = str_split(&key, '/');
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		for (unsigned k = 0; k < RUNS_SHOWN && str_is(name, plans[i].name); k++)
			if (run_at(w, &plans[i], k, r) && str_is(run, r->name)) {
				*task = flow_task(r, key);
				return true;
			}
	return false;
}

static void log_at(const struct flow_run *r, const struct flow_task *t, int64_t at, struct buf *out)
{
	time_t s = (time_t)(at / 1000);
	struct tm tm;
	char stamp[32];
	int64_t in = (at - t->start) / 1000;
	if (!gmtime_r(&s, &tm) || !strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S.000Z", &tm))
		return;
	if (in == 0)
		buf_addf(out, "%s %s begins on %s, try %d\n", stamp, t->step->name, "airflow-worker-0", t->tried);
	else if (!strcmp(t->step->name, "train_model") && in % 20 == 0)
		buf_addf(out, "%s epoch %lld of 60: rmse %lld, learning rate 0.05%s\n", stamp, (long long)(in / 20),
		         (long long)(612400 - in * 9), in > 420 ? " (data grew 3x: 144,211 rows)" : "");
	else if (!strcmp(t->step->name, "ingest_data") && in % 10 == 0)
		buf_addf(out, "%s read %lld rows of %s\n", stamp, (long long)(in * 640), r->params);
	else if (in % 30 == 0)
		buf_addf(out, "%s heartbeat, %lld s\n", stamp, (long long)in);
	if (at + 1000 > t->end)
		buf_addf(out, "%s %s%s ends: %s\n", stamp, strcmp(t->ends, "failed") ? "" : "ERROR ", t->step->name, t->ends);
}

/* The log up to now; one second of it when `second`. True: more will come. */
static bool task_log(const struct world *w, struct str key, bool second, struct buf *out)
{
	struct flow_run r;
	const struct flow_task *t = NULL;
	if (!flow_find(w, key, &r, &t) || !t)
		return false;
	for (int64_t at = second ? w->now : t->start; t->tried && at <= w->now && at <= t->end; at += 1000)
		if (at >= t->start)
			log_at(&r, t, at - (at - t->start) % 1000, out);
	return w->now < t->end;
}

bool demo_open_pipelines(struct world *w, struct link *l, const struct request *r)
{
	struct buf b = { 0 };
	struct flow_run run;
	const struct flow_task *t = NULL;
	bool more = false;
	if (strcmp(r->kind, "pipelines") && strcmp(r->kind, "runs") && strcmp(r->kind, "tasks"))
		return false;
	if (!strcmp(r->what, "logs")) {
		more = task_log(w, str_of(r->key), false, &b) && strstr(r->params, "\"follow\":true");
		if (!b.len && !more)
			buf_adds(&b, "it has not begun: there is no log yet\n");
	} else if (strstr(r->key, "churn_experiment")) {
		buf_adds(&b, "File: /opt/airflow/dags/churn_experiment.py\n\nTraceback (most recent call last):\n"
		         "  File \"/opt/airflow/dags/churn_experiment.py\", line 7, in <module>\n    import lightgbm as lgb\n"
		         "ModuleNotFoundError: No module named 'lightgbm'\n");
	} else if (flow_find(w, str_of(r->key), &run, &t)) {
		if (!strcmp(r->what, "xcom"))
			buf_addf(&b, "# check_drift\ndrift_score: 0.33\n\n# train_model\nmodel_name: real_estate_model\nmodel_version: 7\n"
			         "pod_name: train-r3-8x4kd\npod_namespace: ml-training\n");
		else
			buf_addf(&b, "Pipeline: %s\nRun: %s\nState: %s\nTrigger: %s\nParameters: %s\n", run.flow->name, run.name, run.state,
			         run.trigger, *run.params ? run.params : "-");
		if (t)
			buf_addf(&b, "Task: %s\nTask's state: %s\nOperator: %s\n", t->step->name, *t->state ? t->state : "-", t->step->operator);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
			if (!strcmp(r->key, plans[i].name))
				buf_addf(&b, "Pipeline: %s\nDescription: %s\nSchedule: %s\nOwner: %s\nTags: %s\n", plans[i].name, plans[i].help,
				         plans[i].schedule ? plans[i].schedule : "by drift checks", plans[i].owner, plans[i].tags);
	}
	if (b.len || more)
		link_text(l, r->id, more ? 0 : TEXT_END, buf_str(&b));
	else
		link_textf(l, r->id, TEXT_END | TEXT_ERROR, "there is no '%s' of '%s'", r->what, r->key);
	buf_release(&b);
	return true;
}

bool demo_tick_pipelines(struct world *w, struct link *l, uint64_t id, const char *kind, struct str key)
{
	struct buf b = { 0 };
	if (strcmp(kind, "tasks"))
		return false;
	task_log(w, key, true, &b);
	if (b.len)
		link_text(l, id, 0, buf_str(&b));
	buf_release(&b);
	return true;
}

static void add(json_t *list, enum level level, const char *text, const char *evidence, const char *kind, const char *key,
                const char *what)
{
	json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:{s:s, s:s, s:s}}", "level", level, "text", text, "evidence", evidence,
		"link", "kind", kind, "key", key, "what", what));
}

/* The newest check that was there when the run began. */
static bool check_before(const struct world *w, int64_t at, char *key, size_t size)
{
	int64_t newest = 0;
	for (unsigned i = 0; i < w->nchecks; i++)
		if (w->checks[i].at <= at && w->checks[i].at > newest)
			newest = w->checks[i].at;
	snprintf(key, size, "%lld", (long long)(newest / 1000));
	return newest > 0;
}

json_t *demo_ask_pipelines(struct world *w, const struct request *r)
{
	struct flow_run run, long_run;
	const struct flow_task *t = NULL;
	char key[200];
	bool links = !strcmp(r->what, "links"), why = !strcmp(r->what, "why");
	if ((!links && !why) || (strcmp(r->kind, "runs") && strcmp(r->kind, "tasks") && strcmp(r->kind, "pipelines")))
		return NULL;
	json_t *list = json_array();
	if (strstr(r->key, "churn_experiment"))
		add(list, LEVEL_BAD, "the file does not load: module lightgbm is missing", "from the import error", "pipelines", r->key,
		    "describe");
	if (!flow_find(w, str_of(r->key), &run, &t))
		return list;
	const struct flow_task *train = flow_task(&run, STR("train_model"));
	if (links && train) {
		add(list, LEVEL_NONE, "the model version that it registered", "from its XCom values", "versions", "real_estate_model/7", "rows");
		if (run.created > w->start - 30 * MINUTE && world_find_pod(w, STR("ml-training/train-r3-8x4kd")))    /* pods of older ones are gone */
			add(list, LEVEL_NONE, "the pod that it runs in", "from its XCom values", "pods", "ml-training/train-r3-8x4kd", "rows");
		if (check_before(w, run.created, key, sizeof(key)))
			add(list, LEVEL_NONE, "the drift check that caused it", "from its parameters", "drift", key, "rows");
	}
	for (unsigned i = 0; why && i < run.n; i++) {
		const struct flow_task *s = &run.tasks[i];
		snprintf(key, sizeof(key), "%s/%s/%s", run.flow->name, run.name, s->step->name);
		if (!strcmp(s->state, "failed"))
			add(list, LEVEL_BAD, "it failed; Enter opens its log", "from its state", "tasks", key, "logs");
		if (s == train && !strcmp(s->state, "queued") && scripted(w, run.flow, 1, &long_run)) {
			snprintf(key, sizeof(key), "%s/%s/train_model", long_run.flow->name, long_run.name);
			add(list, LEVEL_DOUBT, "train_model waits: pool gpu has no free slot, 1 of 1 used", "the run before holds it", "tasks", key,
			    "logs");
		}
		if (s == train && !strcmp(s->state, "running") && w->now - s->start > 2ll * s->step->usual_s * 1000)
			add(list, LEVEL_DOUBT, "train_model is far over its usual time: the data grew threefold", "from its log", "tasks", key, "logs");
	}
	return list;
}
