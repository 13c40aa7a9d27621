/* act_tasks: what is done to tasks and runs that exist: run again, count as, end. Which tasks exactly is the server's word (its dry
 * run); only of a whole run that is marked it has none, and there the run's tasks are read. */
#define _GNU_SOURCE
#include "backends/airflow/acts.h"
#include "base/mem.h"
#include <stdlib.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *names_of(const json_t *dry)
{
	const json_t *list = json_object_get(dry, "task_instances"), *t;
	size_t i, n = json_array_size(list);
	char **names = xcalloc(n + 1, sizeof(*names));
	struct buf out = { 0 };
	json_array_foreach(list, i, t)
		names[i] = xasprintf(STR_FMT "/" STR_FMT "/%.0f", STR_ARG(text_in(t, "dag_run_id")), STR_ARG(text_in(t, "task_id")),
		                     real_in(t, "map_index") >= 0 ? real_in(t, "map_index") : -1.0);
	qsort(names, n, sizeof(*names), by_text);
	for (i = 0; i < n; i++) {
		buf_addf(&out, "%s%s", i ? " " : "", names[i]);
		free(names[i]);
	}
	free(names);
	return out.data ? buf_detach(&out) : xstrdup("");
}

/* The tasks that the server named, with the run where it is another one, and what they are now where it says so. */
static void tell_tasks(struct plan *p, const json_t *dry, const char *what)
{
	const json_t *list = json_object_get(dry, "task_instances"), *t;
	size_t i, n = json_array_size(list);
	json_array_foreach(list, i, t) {
		struct str run = text_in(t, "dag_run_id"), state = text_in(t, "state");
		double map = real_in(t, "map_index");
		char index[24] = "";
		if (i >= NAMED_MOST)
			break;
		if (map >= 0 && map < 1e6)
			snprintf(index, sizeof(index), "[%.0f]", map);
		af_change(p, STR_FMT "%s%s" STR_FMT " %s%s" STR_FMT "%s", STR_ARG(text_in(t, "task_id")), index, str_eq(run, p->key.run) ? ""
		          : " of run ", STR_ARG(str_eq(run, p->key.run) ? STR("") : run), what, state.n ? " (now " : "", STR_ARG(state),
		          state.n ? ")" : "");
	}
	if (n > NAMED_MOST)
		af_change(p, "and %zu more", n - NAMED_MOST);
	if (p->key.task.n && (param_true(p, "future", false) || param_true(p, "past", false)))
		af_warn(p, "other runs are touched as well: %zu tasks in all", n);
}

/* The server's dry run: told, kept for the look before it runs. NULL: it refused, and the plan is blocked. The body is borrowed. */
static json_t *ask_dry(struct plan *p, const char *method, const char *path, json_t *body, const char *what)
{
	json_t *dry = api_send(&p->a->api, method, path, body);
	size_t n = json_array_size(json_object_get(dry, "task_instances"));
	if (!dry) {
		af_say(p, "dry_run", "%s", p->a->api.error);
		af_say(p, "blocked", "%s", p->a->api.error);
		return NULL;
	}
	char *names = names_of(dry);
	af_say(p, "dry_run", "accepted: %zu task%s", n, n == 1 ? "" : "s");
	af_say(p, "names", "%s", names);
	json_object_set_new(p->o, "dry", json_pack("{s:o, s:o}", "do", json_sprintf("%s %s", method, path), "body", json_deep_copy(body)));
	tell_tasks(p, dry, what);
	free(names);
	return dry;
}

/* Of a row: where its state is read back. */
static char *read_path(const struct plan *p)
{
	struct buf b = { 0 };
	task_key_path(&p->key, &b);
	return buf_detach(&b);
}

static void set_reach(struct plan *p, json_t *body, bool downstream)
{
	json_object_set_new(body, "include_downstream", json_boolean(p->key.task.n && param_true(p, "downstream", downstream)));
	json_object_set_new(body, "include_upstream", json_boolean(p->key.task.n && param_true(p, "upstream", false)));
	json_object_set_new(body, "include_future", json_boolean(p->key.task.n && param_true(p, "future", false)));
	json_object_set_new(body, "include_past", json_boolean(p->key.task.n && param_true(p, "past", false)));
}

void af_clear(struct plan *p)
{
	bool whole = !p->key.task.n;
	char *path = dag_path(p, "/clearTaskInstances"), *read = read_path(p);
	json_t *body = json_pack("{s:b, s:s%, s:b, s:b}", "dry_run", 1, "dag_run_id", p->key.run.p, p->key.run.n, "only_failed",
		param_true(p, "only_failed", whole), "reset_dag_runs", 1), *dry;
	set_reach(p, body, true);
	if (!whole)
		json_object_set_new(body, "task_ids", json_pack("[s%]", p->key.task.p, p->key.task.n));
	dry = ask_dry(p, "POST", path, body, "is run again");
	if (dry && !json_array_size(json_object_get(dry, "task_instances")))
		af_say(p, "blocked", "the server finds no task to clear: nothing failed, or nothing ran");
	if (p->key.map.n)
		af_warn(p, "all elements of the task are cleared, not this one alone");
	json_object_set_new(body, "dry_run", json_false());
	af_step(p, "POST", path, body, NULL, read, NULL);
	af_say(p, "not_undone", "what the tasks did before stays done, and is done once more");
	json_decref(dry);
	free(path);
	free(read);
}

/* ---- mark */

static void af_mark_task(struct plan *p, struct str state)
{
	bool v2 = p->a->api.version == 2;
	char *read = read_path(p), *path = v2 || p->key.map.n ? xstrdup(read) : dag_path(p, "/updateTaskInstancesState");
	char *dry_path = v2 ? xasprintf("%s/dry_run", read) : xstrdup(path);
	const char *method = v2 || p->key.map.n ? "PATCH" : "POST";
	struct str seen = af_seen(p), was = str_split(&seen, '/');
	json_t *body = json_pack("{s:s%}", "new_state", state.p, state.n), *dry, *want = json_pack("{s:s%}", "state", state.p, state.n);
	if (!v2)
		json_object_set_new(body, "dry_run", json_true());
	if (!v2 && !p->key.map.n) {
		json_object_set_new(body, "task_id", json_stringn(p->key.task.p, p->key.task.n));
		json_object_set_new(body, "dag_run_id", json_stringn(p->key.run.p, p->key.run.n));
	}
	if (v2 || !p->key.map.n)
		set_reach(p, body, false);
	char *what = xasprintf("-> " STR_FMT, STR_ARG(state));
	dry = ask_dry(p, method, dry_path, body, what);
	size_t n = json_array_size(json_object_get(dry, "task_instances"));
	if (dry && json_object_get(dry, "task_instances") && !n)
		af_say(p, "already", "the server finds no task that is not " STR_FMT " already", STR_ARG(state));
	af_warn(p, "Airflow looks anew at tasks after it that failed or were held up, and at the run's own state");
	if (state_meaning(was) == STATE_RUNNING)
		af_warn(p, "the task is running: it is stopped");
	if (!v2)
		json_object_set_new(body, "dry_run", json_false());
	af_step(p, method, path, body, NULL, read, want);
	if (n == 1 && (str_is(was, "success") || str_is(was, "failed") || str_is(was, "skipped")))
		af_undo(p, "mark", json_pack("{s:s%}", "state", was.p, was.n));
	af_say(p, "not_undone", "what Airflow began because of it is not undone");
	json_decref(dry);
	free(what);
	free(dry_path);
	free(path);
	free(read);
}

/* Airflow has no dry run of it: what it does to each task of the run is known. */
static void tell_run(struct plan *p, bool well)
{
	char *path = read_path(p);
	json_t *j = api_get(&p->a->api, "%s/taskInstances?limit=%d", path, PAGE);
	const json_t *t;
	size_t i, n = 0;
	json_array_foreach(json_object_get(j, "task_instances"), i, t) {
		struct str state = text_in(t, "state");
		enum state_is is = state_meaning(state);
		bool touched = well ? is != STATE_WELL : !state_over(is);
		if (touched && n++ < NAMED_MOST)
			af_change(p, STR_FMT " " STR_FMT " -> %s", STR_ARG(text_in(t, "task_id")), STR_ARG(state.n ? state : STR("-")), well ? "success"
			            : is == STATE_RUNNING ? "failed, it is stopped" : "skipped");
	}
	if (n > NAMED_MOST)
		af_change(p, "and %zu tasks more", n - NAMED_MOST);
	if (real_in(j, "total_entries") > PAGE)
		af_change(p, "and what applies of the %.0f tasks beyond these", real_in(j, "total_entries") - PAGE);
	if (!j)
		af_warn(p, "its tasks could not be read: %s", p->a->api.error);
	json_decref(j);
	free(path);
}

static void af_run_state(struct plan *p, struct str state)
{
	char *path = read_path(p);
	struct str seen = af_seen(p), was = str_split(&seen, '/');
	if (str_eq(was, state))
		af_say(p, "already", "the run counts as " STR_FMT " already", STR_ARG(state));
	af_change(p, "the run: " STR_FMT " -> " STR_FMT, STR_ARG(was), STR_ARG(state));
	tell_run(p, str_is(state, "success"));
	af_step(p, "PATCH", path, json_pack("{s:s%}", "state", state.p, state.n), NULL, path, json_pack("{s:s%}", "state", state.p, state.n));
	free(path);
}

void af_mark(struct plan *p)
{
	struct str state = param_text(p, "state").n ? param_text(p, "state") : STR("success");
	if (p->key.task.n) {
		af_mark_task(p, state);
		return;
	}
	if (str_is(state, "skipped"))
		af_say(p, "blocked", "a run is success or failed; only its tasks are skipped");
	af_run_state(p, state);
	af_say(p, "not_undone", "the tasks keep the states they get; clear runs them again");
}

void af_cancel(struct plan *p)
{
	struct str state = af_seen(p), was = str_split(&state, '/');
	if (state_over(state_meaning(was)))
		af_say(p, "already", "the run has ended already: " STR_FMT, STR_ARG(was));
	af_run_state(p, STR("failed"));
	af_say(p, "not_undone", "what was stopped does not go on; clear runs it again");
}
