/* poll: what is asked of Airflow while somebody looks. Pipelines and runs are listed once, page by page; after that one
 * request brings what changed since the last look (`updated_at_gte`), so that being idle costs a request in ten seconds.
 * Tasks are asked for by run, often while it runs and hardly once it is over. */
#include "backends/airflow/airflow.h"
#include "base/mem.h"
#include <stdlib.h>
#include <time.h>

#define TRIES_MOST 20            /* tasks of a run whose earlier tries are asked for */
#define DAGS_MS 60000
#define HEART_MS 60000
#define RELIST_MS 900000         /* runs that were deleted go then */
#define OVERLAP_MS 5000          /* a look begins so long before the last one: clocks are by the second */
#define IDLE_MOST_MS 15000
#define TASKS_MS 3000
#define TASKS_MOST_MS 9000
#define OVER_MS 120000
#define LEARN_MS 600000
#define LATELY_MS (24 * 3600 * 1000ll)
#define LATELY_PAGES 10
#define TIMES_RUNS 12            /* runs from which the usual times of tasks are taken */
#define OLD_BEAT_MS 60000
#define FORBIDDEN_MS 300000

/* ---- what is due */

struct due { enum { DUE_NONE, DUE_DAGS, DUE_ERRORS, DUE_RUNS, DUE_CHANGED, DUE_HEART, DUE_TASKS, DUE_LOG } what; int64_t at;
             bool urgent; void *of; };

static void consider(struct due *d, int what, int64_t at, bool urgent, void *of)
{
	if (d->what == DUE_NONE || at < d->at || (urgent && !d->urgent && at <= d->at))
		*d = (struct due){ .what = (unsigned)what, .at = at, .urgent = urgent, .of = of };
}

static struct due most_due(const struct airflow *a)
{
	struct due d = { 0 };
	bool pipes = watched(a, WATCH_PIPELINES), runs = pipes || watched(a, WATCH_RUNS);
	if (pipes)
		consider(&d, DUE_DAGS, a->dags.due, !a->dags.listed, NULL);
	if (pipes && a->dags.listed)           /* whose listing begins with them */
		consider(&d, DUE_ERRORS, a->errors.due, false, NULL);
	if (runs)
		consider(&d, DUE_RUNS, a->runs.due, !a->runs.listed, NULL);
	if (runs && a->runs.listed)
		consider(&d, DUE_CHANGED, a->changed.due, false, NULL);
	for (unsigned i = 0; i < a->nsets; i++)
		consider(&d, DUE_TASKS, a->sets[i]->list.due, !a->sets[i]->list.listed, a->sets[i]);
	for (struct log *l = a->logs; l; l = l->next)
		consider(&d, DUE_LOG, l->due, !l->began, l);
	if (a->nwatches && d.what && !d.urgent)
		consider(&d, DUE_HEART, a->heart.due, false, NULL);
	return d;
}

int64_t poll_next(const struct airflow *a, bool *urgent)
{
	struct due d = most_due(a);
	*urgent = d.urgent;
	return d.what ? d.at : INT64_MAX;
}

static void send_rows(struct airflow *a, struct buf *rows)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	m->body = *rows;
	*rows = (struct buf){ 0 };
	link_send(a->api.link, m);
}

/* Pipelines whose rows are behind; all: every one that the server listed. */
static void send_dags(struct airflow *a, bool begin, bool end)
{
	struct buf b = { 0 };
	bool any = begin || end;
	rows_start(&b, "pipelines");
	if (begin)
		rows_begin(&b, STR(""));
	for (unsigned i = 0; i < a->past.n; i++) {
		struct dag *d = a->past.dags[i];
		if (!d->known || (!d->dirty && !end))
			continue;
		past_put(d, &b);
		d->dirty = false;
		any = true;
	}
	if (any && !end)
		send_rows(a, &b);
	else if (end)
		send_rows(a, &b);
	buf_release(&b);
}

static void count_active(struct airflow *a)
{
	a->active = 0;
	for (unsigned i = 0; i < a->past.n; i++)
		for (unsigned k = 0; k < a->past.dags[i]->nruns; k++)
			a->active += a->past.dags[i]->runs[k].is == STATE_RUNNING || a->past.dags[i]->runs[k].is == STATE_WAITING;
}

static int total_of(const json_t *j)
{
	const json_t *v = json_object_get(j, "total_entries");
	return json_is_integer(v) && json_integer_value(v) < 1000000 ? (int)json_integer_value(v) : -1;
}

/* The next page is wanted: this one was full, or the server counts more. */
static bool more_pages(const json_t *answer, size_t n, int offset)
{
	int total = total_of(answer);
	return n > 0 && (total >= 0 ? offset + (int)n < total : n >= PAGE);
}

/* ---- pipelines */

/* Import errors are rows of the same kind: the listing of pipelines begins with them and ends with the last page. */
static bool list_errors(struct airflow *a, struct buf *out)
{
	json_t *j = api_get(&a->api, "/importErrors?limit=%d", PAGE);
	const json_t *e;
	size_t i;
	json_array_foreach(json_object_get(j, "import_errors"), i, e)
		a->skipped += !put_error(e, out);
	json_decref(j);
	return j != NULL;
}

static bool step_errors(struct airflow *a)
{
	struct buf b = { 0 };
	rows_start(&b, "pipelines");
	rows_begin(&b, STR("import error/"));
	bool ok = list_errors(a, &b);
	if (!ok && api_forbidden(&a->api)) {       /* then there are none to be seen */
		a->errors = (struct lister){ .due = mono_of(a) + FORBIDDEN_MS, .offset = -1, .listed = true };
		buf_release(&b);
		return true;
	}
	if (ok) {
		rows_end(&b, STR("import error/"));
		send_rows(a, &b);
		a->errors = (struct lister){ .due = mono_of(a) + DAGS_MS, .offset = -1, .listed = true };
	}
	buf_release(&b);
	return ok;
}

static bool step_dags(struct airflow *a)
{
	int offset = a->dags.offset < 0 ? 0 : a->dags.offset;
	json_t *j = api_get(&a->api, a->api.version == 2 ? "/dags?limit=%d&offset=%d&exclude_stale=true"
	                    : "/dags?limit=%d&offset=%d&only_active=true", PAGE, offset);
	const json_t *list = json_object_get(j, "dags"), *o;
	size_t i, n = json_array_size(list);
	struct buf b = { 0 };
	if (!j)
		return false;
	if (offset == 0)
		for (unsigned k = 0; k < a->past.n; k++)
			a->past.dags[k]->gone = true;
	json_array_foreach(list, i, o)
		a->skipped += !take_dag(&a->past, o);
	bool more = more_pages(j, n, offset);
	json_decref(j);
	if (more) {
		send_dags(a, false, false);
		a->dags.offset = offset + (int)n;
		a->dags.due = mono_of(a);
		return true;
	}
	for (unsigned k = 0; k < a->past.n; k++) {
		struct dag *d = a->past.dags[k];
		if (!d->gone || !d->known)
			continue;
		d->known = false;
		rows_start(&b, "pipelines");
		rows_del(&b, str_of(d->id));
		send_rows(a, &b);
	}
	send_dags(a, false, false);
	rows_start(&b, "pipelines");               /* said to be whole, with what is there */
	rows_begin(&b, STR(""));
	for (unsigned k = 0; k < a->past.n; k++)
		if (a->past.dags[k]->known)
			past_put(a->past.dags[k], &b);
	if (list_errors(a, &b) || !api_passing(&a->api)) {
		rows_end(&b, STR(""));
		send_rows(a, &b);
		a->errors = (struct lister){ .due = mono_of(a) + DAGS_MS, .offset = -1, .listed = true };
		/* Where there are thousands, seldomer: ten pages a minute at most. */
		a->dags = (struct lister){ .due = mono_of(a) + DAGS_MS + DAGS_MS * (offset / (10 * PAGE)), .offset = -1, .listed = true };
	}
	buf_release(&b);
	return a->dags.listed;
}

/* ---- runs */

/* What orders runs and is never null. */
static const char *order_of(const struct airflow *a)
{
	return a->api.version == 2 ? "run_after" : "execution_date";
}

static void put_runs(struct airflow *a, const json_t *list, struct buf *b)
{
	const json_t *o;
	size_t i;
	json_array_foreach(list, i, o)
		a->skipped += !take_run(&a->past, o);
	json_array_foreach(list, i, o)
		put_run(&a->past, o, wall_of(a), b);
}

static bool step_runs(struct airflow *a)
{
	int offset = a->runs.offset < 0 ? 0 : a->runs.offset;
	json_t *j = api_get(&a->api, "/dags/~/dagRuns?limit=%d&offset=%d&order_by=-%s", PAGE, offset, order_of(a));
	const json_t *list = json_object_get(j, "dag_runs");
	size_t n = json_array_size(list);
	struct buf b = { 0 };
	if (!j)
		return false;
	rows_start(&b, "runs");
	if (offset == 0) {
		rows_begin(&b, STR(""));
		a->since = a->api.date_ms ? a->api.date_ms : wall_of(a);
		json_decref(a->first_page);
		a->first_page = json_incref((json_t *)(uintptr_t)list);
	}
	put_runs(a, list, &b);
	bool more = more_pages(j, n, offset) && offset + (int)n < a->runs_most;
	if (!more) {
		if (offset)                            /* usual times are known better now */
			put_runs(a, a->first_page, &b);
		json_decref(a->first_page);
		a->first_page = NULL;
		rows_end(&b, STR(""));
		a->runs = (struct lister){ .due = mono_of(a) + RELIST_MS, .offset = -1, .listed = true };
		a->changed.due = mono_of(a) + a->poll_ms;
		a->changed.every = a->poll_ms;
	} else {
		a->runs.offset = offset + (int)n;
		a->runs.due = mono_of(a);
	}
	send_rows(a, &b);
	json_decref(j);
	count_active(a);
	if (a->dags.listed)
		send_dags(a, false, false);
	return true;
}

static void wake_sets(struct airflow *a, const json_t *runs)
{
	const json_t *o;
	size_t i;
	json_array_foreach(runs, i, o)
		for (unsigned k = 0; k < a->nsets; k++) {
			struct str id = text_in(o, "dag_id"), name = text_in(o, "dag_run_id"), rest = str_of(a->sets[k]->scope);
			if (str_eq(str_split(&rest, '/'), id) && str_eq(rest, name) && a->sets[k]->over)
				a->sets[k]->list.due = mono_of(a);
		}
}

/* A failure that a later run made good is no alarm any more. */
static void settle_failures(struct airflow *a, struct buf *b)
{
	for (unsigned i = 0; i < a->past.n; i++) {
		struct dag *d = a->past.dags[i];
		for (unsigned k = 0; k < d->nruns && d->dirty; k++) {
			struct buf key = { 0 };
			if (d->runs[k].is != STATE_FAILED || d->runs[k].at >= d->well_at)
				continue;
			buf_addf(&key, "%s/%s", d->id, d->runs[k].name);
			rows_update(b, buf_str(&key), LEVEL_DONE);
			for (int c = 0; c < RUN_COL_COUNT; c++)
				cell_keep(b);
			buf_release(&key);
		}
	}
}

static bool step_changed(struct airflow *a)
{
	char since[32];
	time_t s = (time_t)((a->since - OVERLAP_MS) / 1000);
	struct tm tm;
	if (!gmtime_r(&s, &tm) || !strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	json_t *j = api_get(&a->api, "/dags/~/dagRuns?limit=%d&updated_at_gte=%s&order_by=-%s", PAGE, since,
	                    order_of(a));
	const json_t *list = json_object_get(j, "dag_runs");
	struct buf b = { 0 };
	bool dirty = false;
	if (!j)
		return false;
	rows_start(&b, "runs");
	put_runs(a, list, &b);
	for (unsigned i = 0; i < a->past.n; i++)
		dirty |= a->past.dags[i]->dirty;
	settle_failures(a, &b);
	if (json_array_size(list))
		send_rows(a, &b);
	buf_release(&b);
	wake_sets(a, list);
	if (more_pages(j, json_array_size(list), 0))
		a->runs.due = mono_of(a);          /* too much went by: list again */
	a->since = a->api.date_ms ? a->api.date_ms : wall_of(a);
	json_decref(j);
	count_active(a);
	if (a->dags.listed)
		send_dags(a, false, false);
	a->changed.every = dirty || a->active ? a->poll_ms : a->changed.every * 3 / 2;
	if (a->changed.every > IDLE_MOST_MS && a->poll_ms < IDLE_MOST_MS)
		a->changed.every = IDLE_MOST_MS;
	a->changed.due = mono_of(a) + a->changed.every;
	return true;
}

/* ---- tasks */

struct taskset *taskset_of(struct airflow *a, struct str scope)
{
	for (unsigned i = 0; i < a->nsets; i++)
		if (str_is(scope, a->sets[i]->scope))
			return a->sets[i];
	struct taskset *s = xcalloc(1, sizeof(*s));
	*s = (struct taskset){ .scope = str_dup(scope), .list = { .offset = -1, .every = TASKS_MS } };
	a->sets = xreallocarray(a->sets, a->nsets + 1, sizeof(*a->sets));
	return a->sets[a->nsets++] = s;
}

void taskset_drop(struct airflow *a, struct str scope)
{
	for (unsigned i = 0; i < a->nsets; i++) {
		struct taskset *s = a->sets[i];
		if (!str_is(scope, s->scope) || --s->watches)
			continue;
		json_decref(s->want);
		free(s->scope);
		free(s);
		a->sets[i] = a->sets[--a->nsets];
		return;
	}
}

/* The names of the newest runs that went well. */
static json_t *good_runs(const struct dag *d)
{
	json_t *names = json_array();
	for (unsigned i = 0; i < d->nruns && json_array_size(names) < TIMES_RUNS; i++)
		if (d->runs[i].is == STATE_WELL)
			json_array_append_new(names, json_string(d->runs[i].name));
	return names;
}

static void learn_times(struct airflow *a, struct dag *d, const char *id)
{
	if (!d->nruns) {                       /* nobody looked at runs yet */
		json_t *runs = api_get(&a->api, "/dags/%s/dagRuns?limit=%d&order_by=-%s", id, PAST_RUNS, order_of(a));
		const json_t *o;
		size_t i;
		json_array_foreach(json_object_get(runs, "dag_runs"), i, o)
			take_run(&a->past, o);
		json_decref(runs);
	}
	json_t *body = json_pack("{s:[s], s:o, s:[s], s:i}", "dag_ids", d->id, "dag_run_ids", good_runs(d), "state", "success",
	                         "page_limit", PAGE);
	if (json_array_size(json_object_get(body, "dag_run_ids"))) {
		json_t *times = api_send(&a->api, "POST", "/dags/~/dagRuns/~/taskInstances/list", body);
		past_take_times(d, json_object_get(times, "task_instances"));
		json_decref(times);
	}
	json_decref(body);
}

bool learn_tasks(struct airflow *a, struct dag *d)
{
	struct buf id = { 0 };
	if (d->tasks_at && mono_of(a) - d->tasks_at < LEARN_MS)
		return true;
	http_escape(&id, str_of(d->id));
	json_t *tasks = api_get(&a->api, "/dags/%s/tasks", id.data);
	bool ok = tasks != NULL;
	if (ok) {
		past_take_tasks(d, json_object_get(tasks, "tasks"));
		learn_times(a, d, id.data);
	}
	json_decref(tasks);
	buf_release(&id);
	if (ok || !api_passing(&a->api))
		d->tasks_at = mono_of(a) ? mono_of(a) : 1;
	return ok || !api_passing(&a->api);
}

static void ask_path(struct airflow *a, const struct taskset *s, int offset, struct buf *path)
{
	struct task_key k;
	char since[32] = "";
	time_t from = (time_t)((wall_of(a) - LATELY_MS) / 1000);
	struct tm tm;
	if (*s->scope && task_key_parse(str_of(s->scope), &k)) {
		k.run = k.run.n ? k.run : STR("~");
		task_key_path(&k, path);
		buf_addf(path, "/taskInstances?limit=%d&offset=%d", PAGE, offset);
		return;
	}
	if (gmtime_r(&from, &tm))
		strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_addf(path, "/dags/~/dagRuns/~/taskInstances?limit=%d&offset=%d&start_date_gte=%s%s", PAGE, offset, since,
	         a->api.version == 2 ? "&order_by=-start_date" : "");
}

static bool all_over(const json_t *list)
{
	const json_t *o;
	size_t i;
	json_array_foreach(list, i, o)
		if (!state_over(state_meaning(text_in(o, "state"))))
			return false;
	return true;
}

static void set_again(struct airflow *a, struct taskset *s, const struct buf *rows)
{
	uint64_t seen = str_hash(buf_str(rows)) ^ (uint64_t)rows->len << 32;
	int64_t every = !*s->scope ? IDLE_MOST_MS : s->over ? OVER_MS : seen != s->seen ? TASKS_MS : s->list.every * 4 / 3;
	if (!s->over && every > TASKS_MOST_MS && *s->scope)
		every = TASKS_MOST_MS;
	s->seen = seen;
	s->list = (struct lister){ .due = mono_of(a) + every, .every = every, .offset = -1, .listed = true };
}

/* One of the tasks whose earlier tries are not known. The list comes anew when all are. */
static bool ask_tries(struct airflow *a, struct taskset *s, struct dag *d)
{
	json_t *task = json_incref(json_array_get(s->want, json_array_size(s->want) - 1));
	struct task_key k = { text_in(task, "dag_id"), text_in(task, "dag_run_id"), text_in(task, "task_id"), STR("") };
	double map = real_in(task, "map_index");
	struct buf path = { 0 };
	json_array_remove(s->want, json_array_size(s->want) - 1);
	task_key_path(&k, &path);
	if (map >= 0)
		buf_addf(&path, "/%.0f", map);
	json_t *tries = api_get(&a->api, "%s/tries", path.data);
	bool ok = tries || !api_passing(&a->api);        /* before 2.10 there is no such list */
	if (ok)
		tries_learn(d, task, tries);
	s->list.due = mono_of(a);
	json_decref(tries);
	json_decref(task);
	buf_release(&path);
	return ok;
}

static void want_tries(struct taskset *s, const struct dag *d, const json_t *task)
{
	if (d && json_array_size(s->want) < TRIES_MOST && !tries_known(d, task)) {
		s->want = s->want ? s->want : json_array();
		json_array_append_new(s->want, json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "dag_id", json_object_get(task, "dag_id"), "dag_run_id",
			json_object_get(task, "dag_run_id"), "task_id", json_object_get(task, "task_id"), "map_index",
			json_object_get(task, "map_index"), "try_number", json_object_get(task, "try_number")));
	}
}

static bool step_tasks(struct airflow *a, struct taskset *s)
{
	int offset = s->list.offset < 0 ? 0 : s->list.offset;
	struct buf path = { 0 }, b = { 0 }, prefix = { 0 };
	struct task_key k;
	struct dag *d = *s->scope && task_key_parse(str_of(s->scope), &k) ? past_dag(&a->past, k.dag) : NULL;
	if (d && s->list.listed && !d->tasks_at) {
		s->list.due = mono_of(a);
		return learn_tasks(a, d);
	}
	if (d && offset == 0 && json_array_size(s->want))
		return ask_tries(a, s, d);
	ask_path(a, s, offset, &path);
	json_t *j = api_get(&a->api, "%s", path.data);
	const json_t *list = json_object_get(j, "task_instances"), *o;
	size_t i, n = json_array_size(list);
	bool gone = !j && a->api.end == HTTP_STATUS && a->api.status == 404;
	buf_addf(&prefix, "%s%s", s->scope, *s->scope ? "/" : "");
	rows_start(&b, "tasks");
	if (offset == 0)
		rows_begin(&b, buf_str(&prefix));
	json_array_foreach(list, i, o) {
		a->skipped += !put_task(&a->past, o, &b);
		want_tries(s, d, o);
	}
	bool more = j && more_pages(j, n, offset) && (*s->scope || offset < LATELY_PAGES * PAGE);
	s->over = (offset == 0 || s->over) && all_over(list);
	if (more) {
		s->list.offset = offset + (int)n;
		s->list.due = mono_of(a);
	} else if (j || gone) {
		rows_end(&b, buf_str(&prefix));
		s->over |= gone;
		set_again(a, s, &b);
		if (d && (!d->tasks_at || json_array_size(s->want)))
			s->list.due = mono_of(a);      /* then with their order and usual times, and what was tried before */
	}
	if (j || gone)
		send_rows(a, &b);
	json_decref(j);
	buf_release(&path);
	buf_release(&prefix);
	buf_release(&b);
	return j || gone;
}

/* ---- how Airflow itself is */

static void judge(struct airflow *a, const json_t *j, const char *part, const char *beat, const char *what)
{
	const json_t *o = json_object_get(j, part);
	int64_t at = time_in(o, beat), now = a->api.date_ms ? a->api.date_ms : wall_of(a);
	struct str status = text_in(o, "status");
	if (*a->trouble || !status.n)
		return;
	if (at && now - at > OLD_BEAT_MS)
		snprintf(a->trouble, sizeof(a->trouble), "the %s's last heartbeat was %lld s ago: %s", part,
		         (long long)((now - at) / 1000), what);
	else if (!str_is(status, "healthy"))
		snprintf(a->trouble, sizeof(a->trouble), "the %s is " STR_FMT ": %s", part, STR_ARG(status), what);
}

static bool step_heart(struct airflow *a)
{
	json_t *j = api_get(&a->api, a->api.version == 2 ? "/monitor/health" : "/health");
	a->heart.due = mono_of(a) + HEART_MS;
	if (!j)
		return !api_passing(&a->api);
	a->trouble[0] = 0;
	judge(a, j, "metadatabase", "", "nothing works without it");
	judge(a, j, "scheduler", "latest_scheduler_heartbeat", "no task starts");
	judge(a, j, "dag_processor", "latest_dag_processor_heartbeat", "changed pipelines are not seen");
	json_decref(j);
	return true;
}

/* ---- a step */

void poll_wake(struct airflow *a, int what)
{
	int64_t now = mono_of(a);
	if (what != WATCH_TASKS) {
		a->changed.due = now;
		a->changed.every = a->poll_ms;
	}
	if (!a->dags.listed)
		a->dags.due = now;
	a->retry_at = a->retry_at > now + 1000 ? now : a->retry_at;
}

static const char *const due_kinds[] = { [DUE_DAGS] = "pipelines", [DUE_ERRORS] = "pipelines", [DUE_RUNS] = "runs",
	[DUE_CHANGED] = "runs", [DUE_TASKS] = "tasks", [DUE_HEART] = NULL, [DUE_LOG] = NULL, [DUE_NONE] = NULL };

/* Not let in to one list: it rests, the others go on. */
static bool put_off(struct airflow *a, const struct due *d)
{
	struct taskset *s = d->of;
	struct lister *l = d->what == DUE_DAGS ? &a->dags : d->what == DUE_ERRORS ? &a->errors : d->what == DUE_RUNS ? &a->runs :
	                   d->what == DUE_CHANGED ? &a->changed : d->what == DUE_TASKS ? &s->list : NULL;
	if (!l || api_refused(&a->api) || api_passing(&a->api) || a->api.end == HTTP_CANCELLED || !a->api.version)
		return false;
	l->due = mono_of(a) + (api_forbidden(&a->api) ? FORBIDDEN_MS : HEART_MS);
	l->offset = -1;
	kind_health(a, due_kinds[d->what], api_forbidden(&a->api) ? HEALTH_REFUSED : l->listed ? HEALTH_STALE : HEALTH_DOWN,
	            a->api.error);
	a->put_off |= 1u << d->what;
	return true;
}

bool poll_step(struct airflow *a)
{
	struct due d = most_due(a);
	bool ok = true;
	if (d.what != DUE_NONE && !api_ready(&a->api))
		return false;
	switch (d.what) {
	case DUE_NONE: break;
	case DUE_DAGS: ok = step_dags(a); break;
	case DUE_ERRORS: ok = step_errors(a); break;
	case DUE_RUNS: ok = step_runs(a); break;
	case DUE_CHANGED: ok = step_changed(a); break;
	case DUE_HEART: ok = step_heart(a); break;
	case DUE_TASKS: ok = step_tasks(a, d.of); break;
	case DUE_LOG: ok = log_step(a, d.of); break;
	}
	if (ok && a->put_off & 1u << d.what) {
		a->put_off &= ~(1u << d.what);
		kind_health(a, due_kinds[d.what], HEALTH_LIVE, "");
	}
	return ok || put_off(a, &d);
}
