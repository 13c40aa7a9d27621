/* why: why a run or a task waits or failed, from what Airflow itself can say: its pause, its bounds, its pools, its
 * scheduler's heartbeat, and the scheduler's own reasons (…/dependencies); and the doctor. */
#include "backends/airflow/airflow.h"
#include "backends/net/doctor.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define OLD_BEAT_MS 60000
#define WAITS_MOST 5             /* tasks whose reasons are asked for */

struct findings { struct airflow *a; json_t *all; struct task_key key; };

static void found(struct findings *f, enum level level, const char *kind, const char *key, const char *what,
                  const char *evidence, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void found(struct findings *f, enum level level, const char *kind, const char *key, const char *what,
                  const char *evidence, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_t *o = json_pack("{s:i, s:s+, s:s+}", "level", level, "text", b.data, "", "evidence", evidence ? evidence : "", "");
	if (o && kind)
		json_object_set_new(o, "link", json_pack("{s:s, s:s, s:s}", "kind", kind, "key", key, "what", what));
	if (o)
		json_array_append_new(f->all, o);
	buf_release(&b);
}

/* ---- Airflow as a whole */

static void beat(struct findings *f, const json_t *health, const char *part, const char *member, const char *stops)
{
	const json_t *o = json_object_get(health, part);
	int64_t at = time_in(o, member), now = f->a->api.date_ms ? f->a->api.date_ms : wall_of(f->a);
	struct str status = text_in(o, "status");
	struct buf age = { 0 };
	if (at)
		fmt_age(now - at, &age);
	if (at && now - at > OLD_BEAT_MS)
		found(f, LEVEL_BAD, NULL, NULL, NULL, "from Airflow's health", "the %s's last heartbeat was %s ago: %s", part, age.data,
		      stops);
	else if (status.n && !str_is(status, "healthy"))
		found(f, LEVEL_BAD, NULL, NULL, NULL, "from Airflow's health", "the %s is " STR_FMT "%s%s%s: %s", part, STR_ARG(status),
		      at ? ", its last heartbeat was " : "", at ? age.data : "", at ? " ago" : "", stops);
	buf_release(&age);
}

static void look_at_health(struct findings *f)
{
	json_t *j = api_get(&f->a->api, f->a->api.version == 2 ? "/monitor/health" : "/health");
	beat(f, j, "metadatabase", "", "nothing works without it");
	beat(f, j, "scheduler", "latest_scheduler_heartbeat", "nothing new starts");
	beat(f, j, "triggerer", "latest_triggerer_heartbeat", "deferred tasks do not come back");
	json_decref(j);
}

static json_t *get_dag(struct findings *f)
{
	struct buf id = { 0 };
	http_escape(&id, f->key.dag);
	json_t *j = api_get(&f->a->api, "/dags/%s", id.data);
	buf_release(&id);
	return j;
}

static void look_at_pause(struct findings *f, const json_t *dag)
{
	if (json_is_true(json_object_get(dag, "is_paused")))
		found(f, LEVEL_DOUBT, NULL, NULL, NULL, "is_paused is true", "the pipeline is paused: its runs stay queued, tasks not yet "
		      "begun do not begin");
}

static void look_at_bounds(struct findings *f, const json_t *dag)
{
	struct buf id = { 0 };
	double most = real_in(dag, "max_active_runs");
	http_escape(&id, f->key.dag);
	json_t *j = api_get(&f->a->api, "/dags/%s/dagRuns?state=running&limit=1", id.data);
	double running = real_in(j, "total_entries");
	if (most > 0 && running >= most)
		found(f, LEVEL_DOUBT, NULL, NULL, NULL, "from the runs under way", "%.0f of %.0f runs are under way (max_active_runs): "
		      "this one waits until one ends", running, most);
	json_decref(j);
	buf_release(&id);
}

static void look_at_pool(struct findings *f, struct str pool)
{
	struct buf name = { 0 };
	if (!pool.n)
		return;
	http_escape(&name, pool);
	json_t *j = api_get(&f->a->api, "/pools/%s", name.data);
	double slots = real_in(j, "slots"), used = real_in(j, "occupied_slots"), open = real_in(j, "open_slots");
	double waits = real_in(j, "queued_slots"), scheduled = real_in(j, "scheduled_slots");
	if (j && open <= 0)
		found(f, LEVEL_DOUBT, NULL, NULL, NULL, "from the pools", "pool " STR_FMT " has no free slot: %.0f of %.0f used, %.0f "
		      "queued, %.0f scheduled", STR_ARG(pool), used, slots, waits, scheduled);
	else if (!j && f->a->api.status == 404)
		found(f, LEVEL_BAD, NULL, NULL, NULL, "from the pools", "there is no pool " STR_FMT ": the task never starts",
		      STR_ARG(pool));
	json_decref(j);
	buf_release(&name);
}

/* ---- a task */

static char *key_of(const json_t *task)
{
	double map = real_in(task, "map_index");
	char index[16] = "";
	if (map >= 0 && map < 1e6)
		snprintf(index, sizeof(index), "/%.0f", map);
	return xasprintf(STR_FMT "/" STR_FMT "/" STR_FMT "%s", STR_ARG(text_in(task, "dag_id")),
	                 STR_ARG(text_in(task, "dag_run_id")), STR_ARG(text_in(task, "task_id")), index);
}

/* What the scheduler itself says it waits for; only of tasks not yet queued. */
static unsigned ask_scheduler(struct findings *f, const json_t *task)
{
	struct buf path = { 0 };
	struct task_key k;
	char *key = key_of(task);
	unsigned n = 0;
	const json_t *d;
	size_t i;
	task_key_parse(str_of(key), &k);
	task_key_path(&k, &path);
	json_t *j = api_get(&f->a->api, "%s/dependencies", path.data);
	json_array_foreach(json_object_get(j, "dependencies"), i, d) {
		struct str name = text_in(d, "name"), reason = text_in(d, "reason");
		char *evidence = xasprintf("the scheduler: " STR_FMT, STR_ARG(name));
		/* It says so of every task that waits for its turn. */
		if (!str_is(name, "Task Instance State") && !str_is(name, "Task Instance Not Running"))
			n++, found(f, LEVEL_DOUBT, NULL, NULL, NULL, evidence, STR_FMT ": " STR_FMT, STR_ARG(text_in(task, "task_id")),
			           STR_ARG(reason));
		free(evidence);
	}
	json_decref(j);
	buf_release(&path);
	free(key);
	return n;
}

static void look_at_task(struct findings *f, const json_t *task)
{
	struct str state = text_in(task, "state"), name = text_in(task, "task_id");
	enum state_is is = state_meaning(state);
	char *key = key_of(task);
	double tried = real_in(task, "try_number"), more = real_in(task, "max_tries");
	if (is == STATE_FAILED)
		found(f, LEVEL_BAD, "tasks", key, "logs", "Enter opens its log", STR_FMT " failed at try %.0f of %.0f", STR_ARG(name), tried,
		      more + 1);
	else if (str_is(state, "up_for_retry"))
		found(f, LEVEL_DOUBT, "tasks", key, "logs", "Enter opens the log of the try that failed", STR_FMT " failed try %.0f of "
		      "%.0f and will be tried again", STR_ARG(name), tried, more + 1);
	else if (str_is(state, "deferred") || str_is(state, "up_for_reschedule"))
		found(f, LEVEL_NONE, "tasks", key, "describe", "from its state", STR_FMT " waits for something outside (" STR_FMT ")",
		      STR_ARG(name), STR_ARG(state));
	else if (str_is(state, "queued"))
		found(f, LEVEL_BUSY, "tasks", key, "describe", "from its state", STR_FMT " is with the executor, which has not begun it: "
		      "no worker is free, or its pod is not up", STR_ARG(name));
	if (str_is(state, "queued") || str_is(state, "scheduled"))
		look_at_pool(f, text_in(task, "pool"));
	if ((!state.n || str_is(state, "scheduled")) && !ask_scheduler(f, task) && str_is(state, "scheduled"))
		found(f, LEVEL_BUSY, NULL, NULL, NULL, "from its state", STR_FMT " may start, and waits for the scheduler's next turn, a "
		      "free slot or max_active_tasks", STR_ARG(name));
	free(key);
}

static json_t *tasks_of(struct findings *f)
{
	struct task_key run = { f->key.dag, f->key.run, STR(""), STR("") };
	struct buf path = { 0 };
	task_key_path(&run, &path);
	json_t *j = api_get(&f->a->api, "%s/taskInstances?limit=%d", path.data, PAGE);
	buf_release(&path);
	return j;
}

/* Failed ones first; then those that wait, but not those that only wait for others. */
static void look_at_tasks(struct findings *f, bool all)
{
	json_t *j = tasks_of(f);
	const json_t *list = json_object_get(j, "task_instances"), *o;
	unsigned n = 0;
	size_t i;
	json_array_foreach(list, i, o)
		if (state_meaning(text_in(o, "state")) == STATE_FAILED)
			look_at_task(f, o);
	json_array_foreach(list, i, o) {
		enum state_is is = state_meaning(text_in(o, "state"));
		if (all && is == STATE_WAITING && n++ < WAITS_MOST)
			look_at_task(f, o);
	}
	if (all && !n && !json_array_size(f->all))
		json_array_foreach(list, i, o)
			if (!text_in(o, "state").n && n++ < 1)
				look_at_task(f, o);
	json_decref(j);
}

/* ---- what is asked */

static bool why_run(struct findings *f)
{
	struct buf path = { 0 };
	task_key_path(&f->key, &path);
	json_t *run = api_get(&f->a->api, "%s", path.data), *dag = run ? get_dag(f) : NULL;
	enum state_is is = state_meaning(text_in(run, "state"));
	bool ok = run != NULL;
	if (ok && !state_over(is)) {
		look_at_pause(f, dag);
		look_at_health(f);
	}
	if (ok && is == STATE_WAITING)
		look_at_bounds(f, dag);
	if (ok && is != STATE_WELL)
		look_at_tasks(f, is == STATE_RUNNING);
	json_decref(run);
	json_decref(dag);
	buf_release(&path);
	return ok;
}

static bool why_task(struct findings *f)
{
	struct buf path = { 0 };
	task_key_path(&f->key, &path);
	json_t *task = api_get(&f->a->api, "%s", path.data), *dag = NULL;
	struct str state = text_in(task, "state");
	enum state_is is = state_meaning(state);
	bool ok = task != NULL;
	if (ok && is == STATE_HELD)
		look_at_tasks(f, false);
	else if (ok)
		look_at_task(f, task);
	if (ok && (is == STATE_WAITING || is == STATE_NONE)) {
		dag = get_dag(f);
		look_at_pause(f, dag);
		look_at_health(f);
	}
	if (ok && is == STATE_SKIPPED)
		found(f, LEVEL_NONE, NULL, NULL, NULL, "from its state", "a branch before it was decided the other way, or a task before "
		      "it was skipped");
	json_decref(task);
	json_decref(dag);
	buf_release(&path);
	return ok;
}

static bool why_pipeline(struct findings *f, const char *key)
{
	char *run;
	if (str_starts(str_of(key), STR("import error/"))) {
		found(f, LEVEL_BAD, "pipelines", key, "describe", "Enter shows where", "the file does not load: what it defines is not "
		      "scheduled, or in its last good form");
		return true;
	}
	json_t *dag = get_dag(f);
	const struct dag *d = past_dag(&f->a->past, f->key.dag);
	if (!dag)
		return false;
	if (json_is_true(json_object_get(dag, "has_import_errors")))
		found(f, LEVEL_BAD, NULL, NULL, NULL, "has_import_errors is true", "its file does not load any more; this is its last good "
		      "form");
	look_at_pause(f, dag);
	look_at_health(f);
	for (unsigned i = 0; i < d->nruns && i < 3; i++) {
		if (d->runs[i].is != STATE_FAILED)
			continue;
		run = xasprintf("%s/%s", d->id, d->runs[i].name);
		found(f, i ? LEVEL_DOUBT : LEVEL_BAD, "runs", run, "rows", "Enter goes to the run", "run %s failed", d->runs[i].name);
		free(run);
	}
	json_decref(dag);
	return true;
}

void why_ask(struct airflow *a, const struct request *r)
{
	struct findings f = { .a = a, .all = json_array() };
	bool ok;
	task_key_parse(str_of(r->key), &f.key);
	if (!strcmp(r->kind, "pipelines"))
		ok = why_pipeline(&f, r->key);
	else
		ok = f.key.task.n ? why_task(&f) : why_run(&f);
	char *text = json_dumps(f.all, JSON_COMPACT);
	if (ok)
		link_answer(a->api.link, r->id, true, str_of(text ? text : "[]"));
	else
		link_fail(a->api.link, r->id, "%s", a->api.error);
	free(text);
	json_decref(f.all);
}

/* ---- doctor */

static void check_list(struct airflow *a, json_t *all, const char *name, const char *path)
{
	json_t *j = api_get(&a->api, "%s", path);
	double n = real_in(j, "total_entries");
	if (j)
		doctor_check(all, name, 1, "", "%.0f", n);
	else
		doctor_check(all, name, api_forbidden(&a->api) ? -1 : 0, *a->api.remedy ? a->api.remedy :
		      "give the user a role that may read it", "%s", a->api.error);
	json_decref(j);
}

static void check_part(struct airflow *a, json_t *all, const json_t *health, const char *part, const char *beat_name)
{
	const json_t *o = json_object_get(health, part);
	struct str status = text_in(o, "status");
	int64_t at = time_in(o, beat_name), now = a->api.date_ms ? a->api.date_ms : wall_of(a);
	if (!status.n)
		return;                      /* this Airflow runs none, and needs none */
	struct buf b = { 0 };
	if (at)
		buf_adds(&b, ", last heartbeat "), fmt_age(now - at, &b), buf_adds(&b, " ago");
	doctor_check(all, part, str_is(status, "healthy") && (!at || now - at < OLD_BEAT_MS) ? 1 : 0, "start it, and look at its log",
	      STR_FMT "%s", STR_ARG(status), b.data ? b.data : "");
	buf_release(&b);
}

void doctor_ask(struct airflow *a, uint64_t id)
{
	json_t *all = json_array();
	bool ready = api_ready(&a->api);
	int64_t end = a->api.bearer_until, skew;
	if (!a->api.version) {
		doctor_check(all, "reachable", 0, a->api.remedy, "%s", a->api.error);
	} else {
		doctor_check(all, "reachable", 1, "", "answers in %.1f ms", (double)a->api.latency_us / 1000);
		doctor_check(all, "version", 1, "", "Airflow %s, REST v%d", *a->api.number ? a->api.number : "of unknown version", a->api.version);
		json_t *j = ready ? api_get(&a->api, "/dags?limit=1") : NULL;
		if (j)
			doctor_check(all, "authenticated", 1, "", "%s%s", a->api.access.user ? "as " : "by token", a->api.access.user ? a->api.access.user : "");
		else
			doctor_check(all, "authenticated", 0, a->api.remedy, "%s", a->api.error);
		end = a->api.bearer_until;
		if (j && end)
			doctor_check(all, "token", end > wall_of(a) ? 1 : -1, "", "is made anew in %lld minutes", (long long)(end - wall_of(a)) / 60000);
		if (j) {
			check_list(a, all, "pipelines", "/dags?limit=1");
			check_list(a, all, "runs", "/dags/~/dagRuns?limit=1");
			check_list(a, all, "import errors", "/importErrors?limit=1");
		}
		json_decref(j);
		j = api_get(&a->api, a->api.version == 2 ? "/monitor/health" : "/health");
		check_part(a, all, j, "metadatabase", "");
		check_part(a, all, j, "scheduler", "latest_scheduler_heartbeat");
		check_part(a, all, j, "triggerer", "latest_triggerer_heartbeat");
		check_part(a, all, j, "dag_processor", "latest_dag_processor_heartbeat");
		json_decref(j);
		skew = a->api.date_ms ? a->api.date_ms - wall_of(a) : 0;
		doctor_check(all, "clock", llabs(skew) < 30000 ? 1 : -1, "set the clock of this machine, or the server's: ages are wrong",
		      "the server's clock is %lld s off ours", (long long)(skew / 1000));
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(a->api.link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}
