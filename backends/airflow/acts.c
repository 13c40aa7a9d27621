/* acts: what can be done to pipelines, runs and tasks. A plan holds the requests word by word, what the server's own dry run says of
 * them, and what it saw (target.version); running sends these requests and no others, after a look that nothing has changed.
 * A request that got no answer is looked for on the server: whether it was taken is told, or that it cannot be told.
 *
 *   acts.c   the table, what plans share, running        act_runs.c   trigger, backfill
 *   params.c the pipeline's own parameters               act_tasks.c  clear, mark, cancel */
#define _GNU_SOURCE
#include "backends/airflow/acts.h"
#include "base/acts.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/redact.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct action *const airflow_actions[] = { &act_flow_trigger, &act_flow_pause, &act_flow_unpause, &act_flow_clear, &act_flow_mark, &act_flow_cancel, &act_flow_backfill,
	&act_flow_backfill_state, NULL };

/* ---- what plans share */

static void append(struct plan *p, const char *list, const char *fmt, va_list ap)
{
	struct buf b = { 0 };
	buf_vaddf(&b, fmt, ap);
	json_array_append_new(json_object_get(p->o, list), json_stringn(b.data ? b.data : "", b.len));
	buf_release(&b);
}

void af_change(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	append(p, "change", fmt, ap);
	va_end(ap);
}

void af_warn(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	append(p, "warnings", fmt, ap);
	va_end(ap);
}

/* The first reason stays. */
void af_say(struct plan *p, const char *member, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (!json_object_get(p->o, member))
		json_object_set_new(p->o, member, json_stringn(b.data ? b.data : "", b.len));
	buf_release(&b);
}

void af_step(struct plan *p, const char *method, const char *path, json_t *body, const char *check, const char *read, json_t *want)
{
	char *text = json_dumps(body, JSON_COMPACT);
	json_t *s = json_pack("{s:o, s:s}", "do", json_sprintf("%s %s", method, path), "body", text);
	if (check)
		json_object_set_new(s, "check", json_string(check));
	if (read)
		json_object_set_new(s, "read", json_string(read));
	if (want)
		json_object_set_new(s, "want", want);
	json_array_append_new(json_object_get(p->o, "steps"), s);
	free(text);
	json_decref(body);
}

void af_undo(struct plan *p, const char *action, json_t *params)
{
	json_object_set_new(p->o, "undo", json_pack("{s:s, s:o}", "action", action, "params", params));
}

struct str af_seen(const struct plan *p)
{
	return text_in(json_object_get(p->o, "target"), "version");
}

struct str param_text(const struct plan *p, const char *name)
{
	return str_trim(text_in(p->params, name));
}

bool param_true(const struct plan *p, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(p->params, name);
	return json_is_boolean(v) ? json_is_true(v) : str_is(param_text(p, name), "true") ? true :
	       str_is(param_text(p, name), "false") ? false : otherwise;
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

json_t *param_conf(struct plan *p)
{
	const char *name;
	json_t *v, *conf = json_is_object(json_object_get(p->params, "conf")) ? json_deep_copy(json_object_get(p->params, "conf"))
		: conf_of(text_in(p->params, "conf"));
	if (!conf)
		af_say(p, "blocked", "the parameters are neither name=value ... nor a JSON object");
	json_object_foreach(p->params, name, v)
		if (conf && str_starts(str_of(name), STR("conf.")) && !json_object_get(conf, name + 5))
			json_object_set(conf, name + 5, v);
	return conf;
}

char *dag_path(const struct plan *p, const char *more)
{
	struct buf b = { 0 };
	buf_adds(&b, "/dags/");
	http_escape(&b, p->key.dag);
	buf_adds(&b, more);
	return buf_detach(&b);
}

/* What the plan saw, to be compared before it runs: of a pipeline its pause, of a run or task the state and the try. */
static json_t *version_in(const struct task_key *k, const json_t *j)
{
	if (!j)
		return NULL;
	if (!k->run.n)
		return json_sprintf("paused=%s", json_is_true(json_object_get(j, "is_paused")) ? "true" : "false");
	return json_sprintf(STR_FMT "/%.0f", STR_ARG(text_in(j, "state")), k->task.n ? real_in(j, "try_number") : 0);
}

/* Of a version of a run or task. */
static bool is_over(const json_t *version)
{
	struct str rest = str_of(json_string_value(version));
	return state_over(state_meaning(str_split(&rest, '/')));
}

static json_t *version_of(struct airflow *a, const struct task_key *k)
{
	struct buf path = { 0 };
	task_key_path(k, &path);
	json_t *j = api_get(&a->api, "%s", path.data), *v = version_in(k, j);
	json_decref(j);
	buf_release(&path);
	return v;
}

static void af_pause(struct plan *p)
{
	bool on = !strcmp(p->r->what, "pause");
	char *path = dag_path(p, "?update_mask=is_paused"), *read = dag_path(p, "");
	if (str_is(af_seen(p), on ? "paused=true" : "paused=false"))
		af_say(p, "already", on ? "it is paused already" : "it is not paused");
	af_change(p, on ? "is_paused false -> true: tasks that run go on, no new ones begin" : "is_paused true -> false");
	if (!on)
		af_warn(p, "runs that are due, and those that are queued, begin at once");
	af_step(p, "PATCH", path, json_pack("{s:b}", "is_paused", on), NULL, read, json_pack("{s:b}", "is_paused", on));
	af_undo(p, on ? "unpause" : "pause", json_object());
	free(path);
	free(read);
}

static const struct { const char *name; void (*plan)(struct plan *p); bool of_dag; } planners[] = {
	{ "trigger", af_trigger, true }, { "pause", af_pause, true }, { "unpause", af_pause, true }, { "clear", af_clear, false },
	{ "mark", af_mark, false }, { "cancel", af_cancel, false }, { "backfill", af_backfill, true },
	{ "backfill-state", af_backfill_state, true },
};

static size_t planner_of(const char *action)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(planners) && strcmp(planners[i].name, action))
		i++;
	return i;
}

/* What is acted on: of a run's row, trigger acts on its pipeline. */
static struct task_key target_of(const char *key, const char *action)
{
	struct task_key k;
	size_t i = planner_of(action);
	task_key_parse(str_of(key), &k);
	if (i < ARRAY_SIZE(planners) && planners[i].of_dag)
		k.run = k.task = k.map = STR("");
	return k;
}

/* What failed last failed for want of permission. */
static void note_refusal(struct airflow *a, uint64_t id, bool failed)
{
	if (failed && (api_forbidden(&a->api) || (a->api.end == HTTP_STATUS && a->api.status == 401)))
		link_refused(a->api.link, id);
}

void plan_ask(struct airflow *a, const struct request *r)
{
	struct plan p = { .a = a, .r = r, .params = json_loads(r->params, 0, NULL), .key = target_of(r->key, r->what) };
	size_t i = planner_of(r->what);
	bool file = str_starts(str_of(r->key), STR("import error/"));
	json_t *version = file || i == ARRAY_SIZE(planners) ? NULL : version_of(a, &p.key);
	note_refusal(a, r->id, !version);
	if (!version) {
		link_fail(a->api.link, r->id, "%s", file ? "a file that does not load is no pipeline" : i == ARRAY_SIZE(planners)
		          ? "Airflow has no such action" : a->api.error);
		json_decref(p.params);
		return;
	}
	p.o = json_pack("{s:o, s:{s:s, s:s, s:s, s:o}, s:[], s:[], s:[]}", "title", json_sprintf("%s %s", r->what, r->key), "target",
		"kind", r->kind, "key", r->key, "uid", "", "version", version, "change", "steps", "warnings");
	planners[i].plan(&p);
	note_refusal(a, r->id, json_object_get(p.o, "blocked"));
	if (json_object_get(p.o, "already"))
		json_object_del(p.o, "blocked");
	char *text = json_dumps(p.o, JSON_COMPACT);
	link_answer(a->api.link, r->id, text != NULL, str_of(text ? text : "the plan holds bytes that are not UTF-8"));
	free(text);
	json_decref(p.o);
	json_decref(p.params);
}

/* ---- running */

enum { CANCEL_LOOKS = 5, CANCEL_LOOK_MS = 700 };
struct carry { struct airflow *a; const struct request *r; const json_t *plan; struct task_key key; struct buf say; json_t *undo; bool unknown; };

static bool holds(const json_t *j, const json_t *want)
{
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)want, name, v)
		if (!json_equal(json_object_get(j, name), v))
			return false;
	return j != NULL;
}

/* Whether a step was taken, as the server shows: 1, 0, -1 it cannot be told. */
static int was_taken(struct airflow *a, const json_t *step, const struct task_key *k, const json_t *seen)
{
	struct str read = text_in(step, "read");
	json_t *j = read.n ? api_get(&a->api, STR_FMT, STR_ARG(read)) : NULL, *now;
	const json_t *want = json_object_get(step, "want");
	int is = -1;
	if (!j)
		return read.n && a->api.end == HTTP_STATUS && a->api.status == 404 ? 0 : -1;
	const json_t *list = json_object_get(j, "backfills"), *o;
	size_t i;
	if (list)
		for (is = 0, i = 0; (o = json_array_get(list, i)) && !is; i++)
			is = real_in(o, "id") > real_in(want, "after");
	else if (want)
		is = holds(j, want);
	else if ((now = version_in(k, j))) {
		is = !json_equal(now, seen);
		json_decref(now);
	}
	json_decref(j);
	return is;
}

static void say_answer(struct carry *c, const json_t *answer)
{
	struct str run = text_in(answer, "dag_run_id"), state = text_in(answer, "state");
	const json_t *list = json_object_get(answer, "task_instances");
	if (json_is_integer(json_object_get(answer, "id")) && json_object_get(answer, "from_date")) {
		json_int_t id = json_integer_value(json_object_get(answer, "id"));
		buf_addf(&c->say, "backfill %lld is %s", (long long)id, json_object_get(answer, "completed_at") &&
		         !json_is_null(json_object_get(answer, "completed_at")) ? "over" : json_is_true(json_object_get(answer, "is_paused"))
		         ? "paused" : "under way");
		json_decref(c->undo);
		c->undo = strcmp(c->r->what, "backfill") ? NULL : json_pack("{s:s, s:I}", "do", "cancel", "id", id);
	} else if (run.n && state.n && !text_in(answer, "task_id").n) {
		buf_addf(&c->say, "run " STR_FMT " is " STR_FMT, STR_ARG(run), STR_ARG(state));
	} else if (list) {
		buf_addf(&c->say, !strcmp(c->r->what, "clear") ? "%zu tasks are run again" : "%zu tasks are marked", json_array_size(list));
	} else if (json_object_get(answer, "is_paused")) {
		buf_adds(&c->say, json_is_true(json_object_get(answer, "is_paused")) ? "it is paused" : "it runs as scheduled");
	} else {
		buf_adds(&c->say, "the server took it");
	}
}

/* Step i of the plan, as it was shown. */
static bool send_step(struct carry *c, const json_t *step)
{
	struct api *api = &c->a->api;
	struct str path = text_in(step, "do"), method = str_split(&path, ' ');
	const json_t *body_text = json_object_get(step, "body");
	char *m = str_dup(method), *p = str_dup(path), why[120];
	json_t *body = json_read((struct str){ json_string_value(body_text), json_string_length(body_text) }, NULL, why, sizeof(why));
	json_t *answer = body && *p == '/' ? api_send(api, m, p, body) : NULL;
	bool ok = answer != NULL, unclear = !ok && body && api->end != HTTP_CREDENTIALS && api->end != HTTP_RESOLVE && api->end != HTTP_CONNECT &&
		(api->end != HTTP_STATUS || api->status >= 500);
	buf_clear(&c->say);
	if (ok)
		say_answer(c, answer);
	else
		buf_adds(&c->say, body ? api->error : "the plan is not what was shown");
	if (unclear) {
		int taken = was_taken(c->a, step, &c->key, json_object_get(json_object_get(c->plan, "target"), "version"));
		ok = taken == 1;
		c->unknown = taken < 0;
		buf_adds(&c->say, taken == 1 ? "; but it was taken, as a look at the server shows" : taken == 0
		         ? "; it was not taken, as a look at the server shows" : "; whether it was taken cannot be told: look before trying again");
	}
	free(m);
	free(p);
	json_decref(body);
	json_decref(answer);
	return ok;
}

/* The server names the same tasks as when the plan was made. */
static bool same_names(struct carry *c)
{
	const json_t *dry = json_object_get(c->plan, "dry");
	struct str path = text_in(dry, "do"), method = str_split(&path, ' ');
	if (!dry)
		return true;
	char *m = str_dup(method), *p = str_dup(path);
	json_t *answer = api_send(&c->a->api, m, p, json_object_get(dry, "body"));
	char *names = answer ? names_of(answer) : NULL;
	bool same = names && str_is(text_in(c->plan, "names"), names);
	if (!same)
		buf_adds(&c->say, answer ? "it would reach other tasks than the plan shows: plan again" : c->a->api.error);
	free(names);
	json_decref(answer);
	free(m);
	free(p);
	return same;
}

static void look_again(struct airflow *a)
{
	poll_wake(a, WATCH_RUNS);
	a->dags.due = a->dags.listed ? mono_of(a) : a->dags.due;
	for (unsigned k = 0; k < a->nsets; k++)
		a->sets[k]->list.due = mono_of(a);
}

/* What a run was given is where the next form begins. */
static void remember(struct carry *c)
{
	struct task_key k = c->key;
	const json_t *step = json_array_get(json_object_get(c->plan, "steps"), 0);
	char why[8];
	json_t *body = json_read(text_in(step, "body"), NULL, why, sizeof(why)), *conf = json_object_get(body, "conf");
	json_t *clean = conf ? redact_json(conf) : NULL;
	char *text = clean ? json_dumps(clean, JSON_COMPACT) : NULL;
	if (text)
		history_add(link_history(c->a->api.link), &(struct history_event){ .kind = STR("parameters"), .source =
			str_of(link_name(c->a->api.link)), .subject = k.dag, .what = STR("trigger"), .detail = str_of(text),
			.at = wall_of(c->a), .value = 0 });
	free(text);
	json_decref(clean);
	json_decref(body);
}

/* The scheduler may have had the run in hand when it was cancelled, and writes over the answer that we got what it makes of it. */
static bool has_ended(struct carry *c)
{
	json_t *now = NULL;
	enum state_is is = STATE_FAILED;
	for (int k = 0; k < CANCEL_LOOKS && (!k || (now && !state_over(is))) && !link_closing(c->a->api.link); k++) {
		nanosleep(&(struct timespec){ .tv_nsec = CANCEL_LOOK_MS * 1000000L }, NULL);
		json_decref(now);
		now = version_of(c->a, &c->key);
		struct str rest = str_of(json_string_value(now));
		is = now ? state_meaning(str_split(&rest, '/')) : STATE_FAILED;
	}
	if (!state_over(is))
		buf_adds(&c->say, ", but Airflow's scheduler has put it back: it runs; cancel it again");
	else if (now && is != STATE_FAILED)
		buf_addf(&c->say, ", and counts as %.*s, as Airflow's scheduler had it in hand: what was left of it does not run",
		         (int)strcspn(json_string_value(now), "/"), json_string_value(now));
	json_decref(now);
	return state_over(is);
}

/* A run that is cancelled may meanwhile have begun, or waited again: it is ended all the same. */
static bool is_as_seen(const char *what, const json_t *now, const json_t *seen)
{
	return json_equal(now, seen) || (!strcmp(what, "cancel") && json_string_length(seen) && !is_over(now) && !is_over(seen));
}

void run_ask(struct airflow *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *now;
	struct carry c = { .a = a, .r = r, .plan = json_object_get(params, "plan"), .key = target_of(r->key, r->what) };
	const json_t *steps = json_object_get(c.plan, "steps");
	size_t i, n = json_array_size(steps);
	c.undo = json_incref(json_object_get(json_object_get(c.plan, "undo"), "params"));
	now = version_of(a, &c.key);
	bool same = now && is_as_seen(r->what, now, json_object_get(json_object_get(c.plan, "target"), "version"));
	if (!same)
		buf_adds(&c.say, now ? "it has changed since the plan was shown: plan again" : a->api.error);
	bool ok = same && n && same_names(&c);
	for (i = 0; i < n && ok; i++) {
		ok = send_step(&c, json_array_get(steps, i)) && (strcmp(r->what, "cancel") || has_ended(&c));
		link_step(a->api.link, r->id, (struct msg_step){ ok ? STEP_DONE : STEP_FAILED, ok, (unsigned)i + 1, (unsigned)n,
			buf_str(&c.say), STR("") });
	}
	if (n > 1 && i > 0)
		buf_addf(&c.say, " (%zu of %zu sent)", i - !ok, n);
	if (ok && !strcmp(r->what, "trigger"))
		remember(&c);
	char *undo = ok && c.undo ? json_dumps(c.undo, JSON_COMPACT) : NULL;
	note_refusal(a, r->id, !ok);
	link_step(a->api.link, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&c.say), str_of(undo ? undo : ""),
		c.unknown });
	free(undo);
	json_decref(c.undo);
	json_decref(now);
	json_decref(params);
	buf_release(&c.say);
	look_again(a);
}

/* ---- questions about acts */

void taken_ask(struct airflow *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *step;
	char *action = str_dup(text_in(params, "action"));
	struct task_key k = target_of(r->key, action);
	size_t i, yes = 0, no = 0, n = json_array_size(json_object_get(plan, "steps"));
	json_array_foreach(json_object_get(plan, "steps"), i, step) {
		int is = was_taken(a, step, &k, json_object_get(json_object_get(plan, "target"), "version"));
		yes += is == 1;
		no += is == 0;
	}
	const char *word = !n || yes + no < n ? "unknown" : yes == n ? "yes" : yes ? "part" : "no";
	json_t *o = json_pack("{s:s, s:o}", "taken", word, "say", json_sprintf("%zu of %zu requests are seen to have been taken", yes, n));
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(a->api.link, r->id, true, str_of(text));
	free(text);
	free(action);
	json_decref(o);
	json_decref(params);
}

struct last { json_t *conf; };

static bool take_last(void *arg, const struct history_event *e)
{
	struct last *l = arg;
	char why[8];
	json_decref(l->conf);
	l->conf = json_read(e->detail, NULL, why, sizeof(why));
	return true;
}

/* What to begin with: of a run's row that run's, else what was given here the last time. */
static json_t *begin_with(struct airflow *a, const struct task_key *run, struct buf *note)
{
	struct buf path = { 0 };
	struct last last = { NULL };
	char *dag = str_dup(run->dag);
	if (run->run.n) {
		task_key_path(run, &path);
		json_t *j = api_get(&a->api, "%s", path.data);
		last.conf = json_incref(json_object_get(j, "conf"));
		json_decref(j);
		buf_addf(note, "as in " STR_FMT, STR_ARG(run->run));
	} else {
		history_read(link_history(a->api.link), &(struct history_query){ .kind = "parameters", .source = link_name(a->api.link),
			.subject = dag, .limit = 1 }, take_last, &last, NULL);
		buf_adds(note, json_object_size(last.conf) ? "as it was triggered from here the last time" : "as the pipeline defines them");
	}
	free(dag);
	buf_release(&path);
	return last.conf;
}

/* Values that whoever asks for the form has of his own go before all others. */
static json_t *given_over(json_t *begin, const json_t *given, struct buf *note)
{
	json_t *all = json_is_object(begin) ? json_copy(begin) : json_object();
	json_decref(begin);
	if (!json_object_size(given))
		return all;
	struct buf named = { 0 };
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)given, name, v)
		buf_addf(&named, "%s%s", named.len ? ", " : "filled in: ", name);
	json_object_update(all, (json_t *)(uintptr_t)given);
	buf_addf(&named, "; the rest " STR_FMT, STR_ARG(buf_str(note)));
	buf_release(note);
	*note = named;
	return all;
}

static void form_trigger(struct airflow *a, const struct request *r, const json_t *given)
{
	struct task_key k = target_of(r->key, "trigger"), row;
	struct plan p = { .a = a, .key = k };
	struct buf note = { 0 };
	char *path = dag_path(&p, "/details");
	task_key_parse(str_of(r->key), &row);
	row.task = row.map = STR("");
	json_t *dag = api_get(&a->api, "%s", path), *known = json_object_get(dag, "params"), *fields, *v;
	free(path);
	if (!dag) {
		link_fail(a->api.link, r->id, "%s", a->api.error);
		return;
	}
	const char *name;
	json_t *begin = given_over(begin_with(a, &row, &note), given, &note), *rest = json_object();
	json_object_foreach(begin, name, v)
		if (!json_object_get(known, name))
			json_object_set(rest, name, v);
	char *raw = json_object_size(rest) ? json_dumps(rest, JSON_COMPACT) : NULL;
	fields = params_form(known, begin);
	json_array_append_new(fields, json_pack("{s:s, s:s, s:s, s:s*}", "name", "conf", "title", "more parameters", "help",
		"a JSON object; what it says goes before what stands above", "default", raw));
	json_array_append_new(fields, json_pack("{s:s, s:s, s:s}", "name", "logical_date", "title", "logical date", "help",
		"2026-11-21T00:00:00Z; empty: now"));
	json_array_append_new(fields, json_pack("{s:s, s:s, s:s}", "name", "note", "title", "note", "help",
		"why, for whoever reads the run later"));
	json_t *o = json_pack("{s:o, s:o}", "fields", fields, "note", json_stringn(note.data, note.len));
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(a->api.link, r->id, text != NULL, str_of(text ? text : "the parameters are not UTF-8"));
	free(text);
	free(raw);
	buf_release(&note);
	json_decref(o);
	json_decref(rest);
	json_decref(begin);
	json_decref(dag);
}

/* clear and mark: a run has no neighbours. */
static void form_fields(struct airflow *a, const struct request *r, const struct field *f)
{
	static const char *const types[] = { "text", "count", "bool", "choice", "duration", "real" };
	bool run = !strcmp(r->kind, "runs");
	json_t *fields = json_array(), *o;
	for (; f->name; f++) {
		if (run && f->type == FIELD_BOOL)
			continue;
		json_t *choices = json_array();
		for (struct str rest = str_of(f->choices); rest.n;) {
			struct str one = str_split(&rest, '|');
			if (!run || !str_is(one, "skipped"))
				json_array_append_new(choices, json_stringn(one.p, one.n));
		}
		json_array_append_new(fields, json_pack("{s:s, s:s, s:s, s:s, s:s*, s:b, s:o}", "name", f->name, "title", f->title, "help", f->help,
			"type", types[f->type], "default", f->otherwise, "required", f->required, "choices", choices));
	}
	o = json_pack("{s:o}", "fields", fields);
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(a->api.link, r->id, true, str_of(text));
	free(text);
	json_decref(o);
}

void form_ask(struct airflow *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL);
	struct str action = text_in(params, "action");
	if (str_is(action, "trigger") && !str_starts(str_of(r->key), STR("import error/")))
		form_trigger(a, r, json_object_get(params, "begin"));
	else if (str_is(action, "clear") || str_is(action, "mark"))
		form_fields(a, r, str_is(action, "mark") ? act_flow_mark.fields : act_flow_clear.fields);
	else
		link_fail(a->api.link, r->id, "it has no form of its own");
	json_decref(params);
}
