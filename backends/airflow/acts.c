/* acts: what can be done to pipelines, runs and tasks: trigger, pause, unpause, clear, cancel. A plan holds the requests word
 * by word, what the server's own dry run says of them, and what it saw (target.version); running sends these requests and
 * no others, after a look that nothing has changed. */
#define _GNU_SOURCE
#include "backends/airflow/airflow.h"
#include "base/action.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAMED_MOST 40            /* tasks named one by one in a plan */

static const char *const pipelines[] = { "pipelines", NULL };
static const char *const triggers[] = { "pipelines", "runs", NULL };
static const char *const clears[] = { "runs", "tasks", NULL };
static const char *const runs[] = { "runs", NULL };
static const struct field trigger_fields[] = {
	{ .name = "conf", .title = "parameters", .help = "rows=100 source=s3://... or a JSON object; empty: as the pipeline defines them",
	  .type = FIELD_TEXT, .otherwise = "@parameters" },
	{ .name = "note", .title = "note", .help = "why, for whoever reads the run later", .type = FIELD_TEXT },
	{ .name = NULL },
};
static const struct field clear_fields[] = {
	{ .name = "downstream", .title = "what follows too", .help = "tasks after it are run again as well", .type = FIELD_BOOL,
	  .otherwise = "true" },
	{ .name = "upstream", .title = "what comes before too", .help = "tasks before it are run again as well", .type = FIELD_BOOL,
	  .otherwise = "false" },
	{ .name = "only_failed", .title = "failed ones only", .help = "tasks that went well stay as they are; for a whole run this "
	  "is the default", .type = FIELD_CHOICE, .otherwise = "auto", .choices = "auto|true|false" },
	{ .name = NULL },
};
static const struct action
	trigger = { "trigger", "Trigger", "Start a run of the pipeline; of a run, with its parameters filled in", triggers,
		RISK_DISRUPTIVE, false, trigger_fields },
	pause_it = { "pause", "Pause", "Let no new tasks of the pipeline begin", pipelines, RISK_DISRUPTIVE, true, NULL },
	unpause = { "unpause", "Unpause", "Let the pipeline run again as scheduled", pipelines, RISK_DISRUPTIVE, true, NULL },
	clear = { "clear", "Clear", "Run tasks again: of a run those that failed, of a task it and what follows", clears,
		RISK_DISRUPTIVE, true, clear_fields },
	cancel = { "cancel", "Cancel", "End a run: its tasks are stopped and it counts as failed", runs, RISK_DESTRUCTIVE, true, NULL };
const struct action *const airflow_actions[] = { &trigger, &pause_it, &unpause, &clear, &cancel, NULL };

/* ---- plans */

struct plan { struct airflow *a; const struct request *r; struct task_key key; json_t *params, *o; };

static void change(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void change(struct plan *p, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(p->o, "change"), json_stringn(b.data, b.len));
	buf_release(&b);
}

static void warn(struct plan *p, const char *text)
{
	json_array_append_new(json_object_get(p->o, "warnings"), json_string(text));
}

static void warn_unknown(struct plan *p, const char *param)
{
	char *text = xasprintf("the pipeline defines no parameter '%s'", param);
	warn(p, text);
	free(text);
}

static void step(struct plan *p, const char *method, const char *path, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	json_array_append_new(json_object_get(p->o, "steps"), json_pack("{s:o, s:s}", "do", json_sprintf("%s %s", method, path),
		"body", text));
	free(text);
	json_decref(body);
}

/* "a=1 b=x" or a JSON object. NULL: neither. */
static json_t *conf_of(struct str text)
{
	json_t *o;
	char why[8];
	text = str_trim(text);
	if (text.n && *text.p == '{') {
		o = json_read(text, NULL, why, sizeof(why));
		if (json_is_object(o))
			return o;
		json_decref(o);
		return NULL;
	}
	o = json_object();
	while (text.n) {
		struct str value = str_split(&text, ' '), name = str_split(&value, '=');
		text = str_trim(text);
		char *key = str_dup(name);
		json_t *v = value.n ? json_loadb(value.p, value.n, JSON_DECODE_ANY, NULL) : NULL;
		bool ok = name.n && value.p;
		json_object_set_new(o, key, v ? v : json_stringn(value.p ? value.p : "", value.n));
		free(key);
		if (!ok) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

/* What the plan saw, to be compared before it runs: of a pipeline its pause, of a run or task the state and the try. */
static json_t *version_of(struct plan *p)
{
	struct buf path = { 0 };
	task_key_path(&p->key, &path);
	json_t *j = api_get(&p->a->api, "%s", path.data), *v = NULL;
	if (j && !p->key.run.n)
		v = json_sprintf("paused=%s", json_is_true(json_object_get(j, "is_paused")) ? "true" : "false");
	else if (j)
		v = json_sprintf(STR_FMT "/%.0f", STR_ARG(text_in(j, "state")), p->key.task.n ? real_in(j, "try_number") : 0);
	json_decref(j);
	buf_release(&path);
	return v;
}

static void plan_trigger(struct plan *p)
{
	struct buf path = { 0 }, id = { 0 };
	char name[64];
	time_t now = (time_t)(wall_of(p->a) / 1000);
	struct tm tm;
	json_t *conf = conf_of(text_in(p->params, "conf")), *body, *dag, *known;
	const char *param;
	json_t *v;
	if (!conf) {
		json_object_set_new(p->o, "blocked", json_string("the parameters are neither name=value ... nor a JSON object"));
		return;
	}
	if (!gmtime_r(&now, &tm) || !strftime(name, sizeof(name), "binnacle__%Y-%m-%dT%H:%M:%S", &tm))
		return;
	http_escape(&id, p->key.dag);
	dag = api_get(&p->a->api, "/dags/%s/details", id.data);
	known = json_object_get(dag, "params");
	json_object_foreach(conf, param, v) {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		change(p, "%s = %.200s", param, text ? text : "");
		free(text);
		if (json_object_size(known) && !json_object_get(known, param))
			warn_unknown(p, param);
	}
	change(p, "a run %s begins", name);
	if (json_is_true(json_object_get(dag, "is_paused")))
		warn(p, "the pipeline is paused: the run stays queued until it is not");
	buf_addf(&path, "/dags/%s/dagRuns", id.data);
	body = json_pack("{s:s, s:o}", "dag_run_id", name, "conf", conf);
	if (p->a->api.version == 2)
		json_object_set_new(body, "logical_date", json_null());
	if (text_in(p->params, "note").n)
		json_object_set(body, "note", json_object_get(p->params, "note"));
	step(p, "POST", path.data, body);
	json_object_set_new(p->o, "not_undone", json_string("what the run does is done; cancel ends it"));
	json_decref(dag);
	buf_release(&path);
	buf_release(&id);
}

static void plan_pause(struct plan *p, bool on)
{
	struct buf path = { 0 };
	buf_adds(&path, "/dags/");
	http_escape(&path, p->key.dag);
	buf_adds(&path, "?update_mask=is_paused");
	change(p, on ? "is_paused false -> true: tasks that run go on, no new ones begin" : "is_paused true -> false");
	if (!on)
		warn(p, "runs that are due, and those that are queued, begin at once");
	step(p, "PATCH", path.data, json_pack("{s:b}", "is_paused", on));
	json_object_set_new(p->o, "undo", json_pack("{s:s, s:{}}", "action", on ? "unpause" : "pause", "params"));
	buf_release(&path);
}

static bool truth(const json_t *params, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(params, name);
	return json_is_boolean(v) ? json_is_true(v) : str_is(text_in(params, name), "true") ? true :
	       str_is(text_in(params, name), "false") ? false : otherwise;
}

/* The server's dry run says which tasks; a task that runs is stopped first. */
static void plan_clear(struct plan *p)
{
	struct buf path = { 0 };
	bool whole = !p->key.task.n;
	json_t *body = json_pack("{s:b, s:s%, s:b, s:b, s:b, s:b}", "dry_run", 1, "dag_run_id", p->key.run.p, p->key.run.n,
		"include_downstream", !whole && truth(p->params, "downstream", true), "include_upstream",
		!whole && truth(p->params, "upstream", false), "only_failed", truth(p->params, "only_failed", whole), "reset_dag_runs", 1);
	if (!whole)
		json_object_set_new(body, "task_ids", json_pack("[s%]", p->key.task.p, p->key.task.n));
	buf_adds(&path, "/dags/");
	http_escape(&path, p->key.dag);
	buf_adds(&path, "/clearTaskInstances");
	json_t *dry = api_send(&p->a->api, "POST", path.data, body);
	const json_t *list = json_object_get(dry, "task_instances"), *t;
	size_t i, n = json_array_size(list);
	json_array_foreach(list, i, t)
		if (i < NAMED_MOST)
			change(p, STR_FMT " is run again", STR_ARG(text_in(t, "task_id")));
	if (n > NAMED_MOST)
		change(p, "and %zu more", n - NAMED_MOST);
	if (!dry)
		json_object_set_new(p->o, "blocked", json_string(p->a->api.error));
	else if (!n)
		json_object_set_new(p->o, "blocked", json_string("the server finds no task to clear: nothing failed, or nothing ran"));
	json_object_set_new(p->o, "dry_run", dry ? json_sprintf("accepted: %zu tasks", n) : json_string(p->a->api.error));
	if (p->key.map.n)
		warn(p, "all elements of the task are cleared, not this one alone");
	json_object_set_new(body, "dry_run", json_false());
	step(p, "POST", path.data, body);
	json_object_set_new(p->o, "not_undone", json_string("what the tasks did before stays done, and is done once more"));
	json_decref(dry);
	buf_release(&path);
}

static void plan_cancel(struct plan *p)
{
	struct buf path = { 0 };
	json_t *body = json_pack("{s:s}", "state", "failed");
	struct str seen = text_in(json_object_get(p->o, "target"), "version");
	task_key_path(&p->key, &path);
	if (str_starts(seen, STR("success")) || str_starts(seen, STR("failed")))
		json_object_set_new(p->o, "blocked", json_string("the run is over already"));
	change(p, "state " STR_FMT " -> failed; its tasks under way are stopped", STR_ARG(str_split(&seen, '/')));
	step(p, "PATCH", path.data, body);
	json_object_set_new(p->o, "not_undone", json_string("what was stopped does not go on; clear runs it again"));
	buf_release(&path);
}

void plan_ask(struct airflow *a, const struct request *r)
{
	struct plan p = { .a = a, .r = r, .params = json_loads(r->params, 0, NULL) };
	bool file = str_starts(str_of(r->key), STR("import error/"));
	task_key_parse(str_of(r->key), &p.key);
	if (!strcmp(r->what, "trigger"))
		p.key.run = p.key.task = STR("");
	json_t *version = file ? NULL : version_of(&p);
	if (!version) {
		link_fail(a->api.link, r->id, "%s", file ? "a file that does not load is no pipeline" : a->api.error);
		json_decref(p.params);
		return;
	}
	p.o = json_pack("{s:o, s:{s:s, s:s, s:s, s:o}, s:[], s:[], s:[]}", "title", json_sprintf("%s %s", r->what, r->key), "target",
		"kind", r->kind, "key", r->key, "uid", "", "version", version, "change", "steps", "warnings");
	if (!strcmp(r->what, "trigger"))
		plan_trigger(&p);
	else if (!strcmp(r->what, "pause") || !strcmp(r->what, "unpause"))
		plan_pause(&p, !strcmp(r->what, "pause"));
	else if (!strcmp(r->what, "clear"))
		plan_clear(&p);
	else
		plan_cancel(&p);
	char *text = json_dumps(p.o, JSON_COMPACT);
	link_answer(a->api.link, r->id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(p.o);
	json_decref(p.params);
}

/* ---- running */

/* Step i of the plan, as it was shown. */
static bool send_step(struct airflow *a, const json_t *step_of, struct buf *say, bool *unknown)
{
	struct str path = text_in(step_of, "do"), method = str_split(&path, ' ');
	const json_t *body_text = json_object_get(step_of, "body");
	char *m = str_dup(method), *p = str_dup(path), why[120];
	json_t *body = json_read((struct str){ json_string_value(body_text), json_string_length(body_text) }, NULL, why, sizeof(why));
	json_t *answer = body && *p == '/' ? api_send(&a->api, m, p, body) : NULL;
	struct str run = text_in(answer, "dag_run_id"), state = text_in(answer, "state");
	if (answer && run.n)
		buf_addf(say, "run " STR_FMT " is " STR_FMT, STR_ARG(run), STR_ARG(state));
	else if (answer && json_object_get(answer, "task_instances"))
		buf_addf(say, "%zu tasks are run again", json_array_size(json_object_get(answer, "task_instances")));
	else if (answer)
		buf_adds(say, json_is_true(json_object_get(answer, "is_paused")) ? "it is paused" : "it runs as scheduled");
	else
		buf_adds(say, body ? a->api.error : "the plan is not what was shown");
	/* Taken or not, when no answer came? A run has the name that the plan gave it: the list will tell. */
	*unknown = !answer && a->api.end != HTTP_STATUS && a->api.end != HTTP_CREDENTIALS && a->api.end != HTTP_CONNECT &&
	           a->api.end != HTTP_RESOLVE && a->api.end != HTTP_TLS && body;
	if (*unknown)
		buf_adds(say, "; whether it was taken is not known: look at the list before trying again");
	free(m);
	free(p);
	json_decref(body);
	bool ok = answer != NULL;
	json_decref(answer);
	return ok;
}

void run_ask(struct airflow *a, const struct request *r)
{
	struct plan p = { .a = a, .r = r };
	struct buf say = { 0 };
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *now;
	const json_t *steps = json_object_get(plan, "steps"), *undo = json_object_get(json_object_get(plan, "undo"), "params");
	size_t i, n = json_array_size(steps);
	bool ok = n > 0, unknown = false;
	task_key_parse(str_of(r->key), &p.key);
	if (!strcmp(r->what, "trigger"))
		p.key.run = p.key.task = STR("");
	now = version_of(&p);
	if (!now || !json_equal(now, json_object_get(json_object_get(plan, "target"), "version"))) {
		ok = false;
		buf_adds(&say, now ? "it has changed since the plan was shown: plan again" : a->api.error);
	}
	for (i = 0; i < n && ok; i++) {
		buf_clear(&say);
		ok = send_step(a, json_array_get(steps, i), &say, &unknown);
		link_step(a->api.link, r->id, (struct msg_step){ ok ? STEP_DONE : STEP_FAILED, ok, (unsigned)i + 1, (unsigned)n,
			buf_str(&say), STR("") });
	}
	char *undo_text = ok && undo ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(a->api.link, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&say), str_of(undo_text ? undo_text : ""),
		unknown });
	free(undo_text);
	json_decref(now);
	json_decref(params);
	buf_release(&say);
	poll_wake(a, WATCH_RUNS);
	a->dags.due = a->dags.listed ? mono_of(a) : a->dags.due;
	for (unsigned k = 0; k < a->nsets; k++)
		a->sets[k]->list.due = mono_of(a);
}

/* ---- was it carried out? A run has the name that the plan gave it; a pause can be seen. */

void taken_ask(struct airflow *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	const json_t *step_of = json_array_get(json_object_get(plan, "steps"), 0), *text = json_object_get(step_of, "body");
	json_t *body = json_is_string(text) ? json_loads(json_string_value(text), 0, NULL) : NULL, *now = NULL;
	struct str run = text_in(body, "dag_run_id");
	struct buf dag = { 0 }, id = { 0 }, say = { 0 };
	struct task_key key = { 0 };
	const char *taken = "unknown";
	task_key_parse(str_of(r->key), &key);
	http_escape(&dag, key.dag);
	http_escape(&id, run);
	bool begins = run.n && json_object_get(body, "conf"), pause = json_is_boolean(json_object_get(body, "is_paused"));
	if (begins)
		now = api_get(&a->api, "/dags/%s/dagRuns/%s", dag.data, id.data);
	else if (pause)
		now = api_get(&a->api, "/dags/%s", dag.data);
	if (begins && (now || (a->api.end == HTTP_STATUS && a->api.status == 404))) {
		taken = now ? "yes" : "no";
		buf_addf(&say, now ? "run " STR_FMT " is there" : "there is no run " STR_FMT, STR_ARG(run));
	} else if (pause && now) {
		taken = json_equal(json_object_get(now, "is_paused"), json_object_get(body, "is_paused")) ? "yes" : "no";
		buf_adds(&say, json_is_true(json_object_get(now, "is_paused")) ? "it is paused" : "it runs as scheduled");
	} else {
		buf_adds(&say, begins || pause ? a->api.error : "what it was to do leaves nothing that could be looked for");
	}
	json_t *o = json_pack("{s:s, s:s%}", "taken", taken, "say", say.data, say.len);
	char *out = json_dumps(o, JSON_COMPACT);
	link_answer(a->api.link, r->id, true, str_of(out ? out : "{}"));
	free(out);
	json_decref(o);
	json_decref(now);
	json_decref(body);
	json_decref(params);
	buf_release(&dag);
	buf_release(&id);
	buf_release(&say);
}
