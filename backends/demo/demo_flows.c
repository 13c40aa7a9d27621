/* demo_flows: what can be done to the simulated pipelines: trigger, pause, clear, mark, cancel, backfill. Each is kept with its
 * time; the runs, which are a function of the clock, are drawn over by it. */
#define _GNU_SOURCE
#include "backends/demo/flows.h"
#include "base/acts.h"
#include "base/mem.h"
#include "base/pipelines.h"
#include "base/plan_json.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DATES_MOST 10

/* ---- what was done, over what the clock says */

bool flow_paused(const struct world *w, const struct flow *f, int64_t *since)
{
	bool paused = f->paused;
	*since = 0;
	for (unsigned i = 0; i < w->ndeeds; i++)
		if ((w->deeds[i].what == DEED_PAUSE || w->deeds[i].what == DEED_UNPAUSE) && !strcmp(w->deeds[i].flow, f->name)) {
			paused = w->deeds[i].what == DEED_PAUSE;
			*since = w->deeds[i].at;
		}
	return paused;
}

bool flow_begun(const struct world *w, const struct flow *f, unsigned k, struct flow_run *r, unsigned *n)
{
	*n = 0;
	for (unsigned i = w->ndeeds; i-- > 0;) {
		const struct deed *d = &w->deeds[i];
		if (d->what != DEED_TRIGGER || strcmp(d->flow, f->name) || (*n)++ != k)
			continue;
		flow_begin(f, d->begins, w->now, r);
		snprintf(r->name, sizeof(r->name), "%s", d->run);
		snprintf(r->params, sizeof(r->params), "%s", d->params);
		r->trigger = d->state;
		flow_overlay(w, r);
		return true;
	}
	return false;
}

static const char *state_word(const char *s)
{
	static const char *const words[] = { "success", "failed", "skipped" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], s))
			return words[i];
	return "failed";
}

/* The tasks run again from then on, each after those before it that do so too. */
static void again(struct flow_run *r, const struct deed *d)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct flow_task *t = &r->tasks[i];
		if (!(d->tasks >> i & 1))
			continue;
		struct buf before = { 0 };
		buf_adds(&before, t->before);
		if (t->tried)
			try_put(&before, t->start, t->end < d->at ? t->end : d->at, str_of(t->end < d->at ? t->ends : "failed"));
		if (before.len < sizeof(t->before))
			snprintf(t->before, sizeof(t->before), "%s", before.data ? before.data : "");
		buf_release(&before);
		t->ready = d->at;
		for (struct str rest = str_of(t->step->upstream); rest.n;) {
			const struct flow_task *up = flow_task(r, str_split(&rest, ','));
			if (up && d->tasks >> (up - r->tasks) & 1 && up->end > t->ready)
				t->ready = up->end;
		}
		t->start = t->ready + 2000;
		t->end = t->start + (int64_t)t->step->usual_s * 1000;
		t->ends = "success";
		t->tried++;
	}
}

static void count_as(struct flow_run *r, const struct deed *d)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct flow_task *t = &r->tasks[i];
		if (!(d->tasks >> i & 1))
			continue;
		t->ready = t->ready < d->at ? t->ready : d->at;
		t->start = t->start < d->at ? t->start : d->at;
		t->end = t->end < d->at ? t->end : d->at;
		t->ends = state_word(d->state);
	}
}

void flow_overlay(const struct world *w, struct flow_run *r)
{
	const char *forced = NULL;
	bool touched = false;
	for (unsigned i = 0; i < w->ndeeds; i++) {
		const struct deed *d = &w->deeds[i];
		if ((d->what != DEED_CLEAR && d->what != DEED_MARK) || strcmp(d->run, r->name) || strcmp(d->flow, r->flow->name))
			continue;
		d->what == DEED_CLEAR ? again(r, d) : count_as(r, d);
		forced = d->what == DEED_MARK && d->whole ? state_word(d->state) : NULL;
		touched = true;
	}
	if (!touched)
		return;
	r->state = "success";
	r->end = 0;
	for (unsigned i = 0; i < r->n; i++) {
		struct flow_task *t = &r->tasks[i];
		t->state = w->now < t->ready ? "" : w->now < t->start ? "queued" : w->now < t->end ? "running" : t->ends;
		r->end = t->end > r->end ? t->end : r->end;
		if (!strcmp(t->ends, "failed") || !strcmp(t->ends, "upstream_failed"))
			r->state = "failed";
	}
	r->state = forced ? forced : w->now < r->end ? "running" : r->state;
}

/* ---- plans */

static void put_date(int64_t at, const char *form, char *out, size_t size)
{
	time_t s = (time_t)(at / 1000);
	struct tm tm;
	*out = 0;
	if (gmtime_r(&s, &tm))
		strftime(out, size, form, &tm);
}

struct aim { const struct flow *flow; struct flow_run run; const struct flow_task *task; bool whole; json_t *params, *plan; };

static void step(json_t *plan, const char *body, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void step(json_t *plan, const char *body, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(plan, "steps"), json_pack("{s:s%, s:s}", "do", b.data, b.len, "body", body));
	buf_release(&b);
}

static const char *param(const struct aim *a, const char *name)
{
	const char *s = json_string_value(json_object_get(a->params, name));
	return s ? s : "";
}

static bool wants(const struct aim *a, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(a->params, name);
	return json_is_boolean(v) ? json_is_true(v) : !strcmp(param(a, name), "true") ? true : !strcmp(param(a, name), "false") ? false : otherwise;
}

/* What a form or the prompt gave, "rows=5 source=x": what the run's row shows. */
static void params_text(const struct aim *a, char *out, size_t size)
{
	struct buf b = { 0 };
	const char *name;
	json_t *v;
	json_object_foreach(a->params, name, v) {
		char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		if (!strncmp(name, "conf.", 5) && *text)
			buf_addf(&b, "%s%s=%s", b.len ? " " : "", name + 5, text);
		free(text);
	}
	if (*param(a, "conf"))
		buf_addf(&b, "%s%s", b.len ? " " : "", param(a, "conf"));
	snprintf(out, size, "%s", b.data ? b.data : "");
	buf_release(&b);
}

/* Which tasks clear reaches, as bits: those that failed, or of one task what it is asked to take along. */
static unsigned reach(const struct aim *a)
{
	const struct flow_run *r = &a->run;
	bool failed = wants(a, "only_failed", a->whole);
	unsigned all = 0, add = 1;
	if (a->whole)
		all = (1u << r->n) - 1;
	else
		all = 1u << (a->task - r->tasks);
	for (unsigned seed = all; !a->whole && add;) {
		add = 0;
		for (unsigned i = 0; i < r->n; i++)
			for (struct str rest = str_of(r->tasks[i].step->upstream); rest.n;) {
				const struct flow_task *up = flow_task(r, str_split(&rest, ','));
				unsigned u = up ? 1u << (up - r->tasks) : 0, me = 1u << i;
				if (wants(a, "downstream", true) && all & u && !(all & me) && (seed & u || all & u))
					add |= me;
				if (wants(a, "upstream", false) && seed & me && !(all & u))
					add |= u, seed |= u;
			}
		all |= add;
	}
	for (unsigned i = 0; i < r->n; i++) {
		enum state_is is = state_meaning(str_of(r->tasks[i].state));
		if (!*r->tasks[i].state || (failed && is != STATE_FAILED && is != STATE_HELD))
			all &= ~(1u << i);
	}
	return all;
}

static void plan_trigger(struct world *w, struct aim *a)
{
	char name[64], params[240];
	int64_t since;
	params_text(a, params, sizeof(params));
	put_date(w->now, "binnacle__%Y-%m-%dT%H:%M:%S", name, sizeof(name));
	if (*params)
		plan_say(a->plan, "change", "%s", params);
	plan_say(a->plan, "change", "a run %s begins", name);
	if (flow_paused(w, a->flow, &since))
		plan_say(a->plan, "warnings", "the pipeline is paused: the run stays queued until it is not");
	step(a->plan, params, "POST /dags/%s/dagRuns", a->flow->name);
	json_object_set_new(a->plan, "undo", json_pack("{s:s, s:{}, s:s, s:o, s:s}", "action", "cancel", "params", "kind", "runs", "key",
		json_sprintf("%s/%s", a->flow->name, name), "say", "while it runs; one that has ended stays"));
	plan_say(a->plan, "not_undone", "what the run wrote is not taken back");
	json_object_set_new(a->plan, "makes", json_pack("{s:s, s:o}", "kind", "runs", "key", json_sprintf("%s/%s", a->flow->name, name)));
	json_object_set_new(a->plan, "run", json_string(name));
}

static void plan_pause(struct world *w, struct aim *a, bool on)
{
	int64_t since;
	if (flow_paused(w, a->flow, &since) == on)
		plan_say(a->plan, "already", on ? "it is paused already" : "it is not paused");
	plan_say(a->plan, "change", on ? "is_paused false -> true: tasks that run go on, no new ones begin" : "is_paused true -> false");
	step(a->plan, on ? "{\"is_paused\":true}" : "{\"is_paused\":false}", "PATCH /dags/%s", a->flow->name);
	json_object_set_new(a->plan, "undo", json_pack("{s:s, s:{}}", "action", on ? "unpause" : "pause", "params"));
}

static void plan_clear(struct aim *a)
{
	unsigned tasks = reach(a), n = 0;
	for (unsigned i = 0; i < a->run.n; i++)
		if (tasks >> i & 1 && ++n)
			plan_say(a->plan, "change", "%s is run again (now %s)", a->run.tasks[i].step->name, a->run.tasks[i].state);
	if (!n)
		plan_say(a->plan, "blocked", "there is no task to clear: nothing failed, or nothing ran");
	plan_say(a->plan, "dry_run", "accepted: %u task%s", n, n == 1 ? "" : "s");
	step(a->plan, "{\"dry_run\":false}", "POST /dags/%s/clearTaskInstances", a->flow->name);
	plan_say(a->plan, "not_undone", "what the tasks did before stays done, and is done once more");
	json_object_set_new(a->plan, "tasks", json_integer(tasks));
}

static void plan_mark(struct aim *a, const char *state)
{
	struct flow_run *r = &a->run;
	unsigned tasks = 0;
	bool well = !strcmp(state, "success");
	if (a->whole && !strcmp(state, "skipped"))
		plan_say(a->plan, "blocked", "a run is success or failed; only its tasks are skipped");
	if (a->whole)
		plan_say(a->plan, "change", "the run: %s -> %s", r->state, state);
	if (!strcmp(a->whole ? r->state : a->task->state, state))
		plan_say(a->plan, "already", "it counts as %s already", state);
	for (unsigned i = 0; i < r->n; i++) {
		const struct flow_task *t = &r->tasks[i];
		bool touched = !a->whole ? t == a->task : well ? strcmp(t->state, "success") != 0 : !state_over(state_meaning(str_of(t->state)));
		if (!touched)
			continue;
		tasks |= 1u << i;
		plan_say(a->plan, "change", "%s %s -> %s", t->step->name, *t->state ? t->state : "-", state);
	}
	step(a->plan, "", "PATCH /dags/%s/dagRuns/%s%s%s", a->flow->name, r->name, a->whole ? "" : "/taskInstances/",
	     a->whole ? "" : a->task->step->name);
	plan_say(a->plan, "dry_run", "accepted");
	plan_say(a->plan, "not_undone", "the tasks keep the states they get; clear runs them again");
	json_object_set_new(a->plan, "tasks", json_integer(tasks));
	json_object_set_new(a->plan, "state", json_string(state));
}

static bool parse_day(const char *text, int64_t *out)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	*out = end && !*end ? (int64_t)timegm(&tm) * 1000 : 0;
	return *out > 0;
}

static void plan_backfill(struct aim *a)
{
	int64_t from = 0, to = 0, every = (int64_t)a->flow->every_min * 60000;
	json_t *dates = json_array();
	json_object_set_new(a->plan, "dates", dates);
	if (!every)
		plan_say(a->plan, "blocked", "the pipeline has no schedule: there are no dates to run it for; trigger it");
	else if (!parse_day(param(a, "from"), &from) || !parse_day(param(a, "to"), &to))
		plan_say(a->plan, "blocked", "'from' and 'to' are dates: 2026-11-14");
	else if (from > to)
		plan_say(a->plan, "blocked", "'from' is after 'to'");
	else if ((to - from) / every >= DATES_MOST)
		plan_say(a->plan, "blocked", "%lld dates; %d at most here", (long long)((to - from) / every) + 1, DATES_MOST);
	for (int64_t at = from; !json_object_get(a->plan, "blocked") && at <= to; at += every) {
		char date[32];
		put_date(at, "%Y-%m-%dT%H:%M:%SZ", date, sizeof(date));
		plan_say(a->plan, "change", "a run of %s", date);
		json_array_append_new(dates, json_string(date));
	}
	step(a->plan, "", "POST /backfills");
	plan_say(a->plan, "not_undone", "what the runs do is done; cancel ends them");
}

/* What the row is; false: it is gone. */
static bool aim_at(const struct world *w, const struct request *r, struct aim *a)
{
	struct str rest = str_of(r->key), name = str_split(&rest, '/');
	a->flow = flow_named(name);
	if (!a->flow || !strcmp(r->kind, "pipelines"))
		return a->flow != NULL;
	a->whole = !strcmp(r->kind, "runs");
	return flow_find(w, str_of(r->key), &a->run, &a->task) && (a->whole || a->task);
}

/* What a plan saw: the state, and of a task which try. */
static json_t *version_of(const struct world *w, const struct aim *a, const char *action)
{
	int64_t since;
	if (!strcmp(action, "trigger") || !a->run.flow)
		return json_sprintf("paused=%s", flow_paused(w, a->flow, &since) ? "true" : "false");
	return json_sprintf("%s/%d", a->task ? a->task->state : a->run.state, a->task ? a->task->tried : 0);
}

static bool ours(const struct request *r)
{
	return !strcmp(r->kind, "pipelines") || !strcmp(r->kind, "runs") || !strcmp(r->kind, "tasks");
}

bool demo_flow_plan(struct world *w, struct link *l, const struct request *r)
{
	struct aim a = { 0 };
	if (!ours(r))
		return false;
	if (!aim_at(w, r, &a)) {
		link_fail(l, r->id, strstr(r->key, "import error/") ? "a file that does not load is no pipeline" : "it is gone");
		return true;
	}
	a.params = json_loads(r->params, 0, NULL);
	a.plan = json_pack("{s:o, s:{s:s, s:s, s:s, s:o}, s:[], s:[], s:[]}", "title", json_sprintf("%s %s", r->what, r->key), "target",
		"kind", r->kind, "key", r->key, "uid", "demo", "version", version_of(w, &a, r->what), "change", "steps", "warnings");
	if (!strcmp(r->what, "trigger"))
		plan_trigger(w, &a);
	else if (!strcmp(r->what, "pause") || !strcmp(r->what, "unpause"))
		plan_pause(w, &a, !strcmp(r->what, "pause"));
	else if (!strcmp(r->what, "clear"))
		plan_clear(&a);
	else if (!strcmp(r->what, "backfill"))
		plan_backfill(&a);
	else if (!strcmp(r->what, "backfill-state")) {
		plan_say(a.plan, "change", "%s the backfill", param(&a, "do"));
		plan_say(a.plan, "blocked", "no backfill is under way: the simulated engine makes all of its runs at once; cancel those");
		step(a.plan, "", "PUT /backfills");
	} else if (!strcmp(r->what, "cancel") && state_over(state_meaning(str_of(a.run.state))))
		plan_say(a.plan, "already", "the run has ended already: %s", a.run.state);
	else
		plan_mark(&a, !strcmp(r->what, "cancel") ? "failed" : *param(&a, "state") ? param(&a, "state") : "success");
	json_object_set(a.plan, "params", a.params);
	char *text = json_dumps(a.plan, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	free(text);
	json_decref(a.plan);
	json_decref(a.params);
	return true;
}

/* ---- running */

static struct deed *deed_new(struct world *w, enum deed_is what, const struct aim *a)
{
	if (w->ndeeds == DEEDS_MAX)
		memmove(w->deeds, w->deeds + 1, --w->ndeeds * sizeof(w->deeds[0]));
	struct deed *d = &w->deeds[w->ndeeds++];
	*d = (struct deed){ .what = what, .at = w->now, .begins = w->now, .whole = a->whole };
	snprintf(d->flow, sizeof(d->flow), "%s", a->flow->name);
	snprintf(d->run, sizeof(d->run), "%s", a->run.flow ? a->run.name : "");
	return d;
}

static void carry_out(struct world *w, const char *action, struct aim *a, const json_t *plan, struct buf *said)
{
	const json_t *dates = json_object_get(plan, "dates"), *o;
	size_t i;
	if (!strcmp(action, "trigger")) {
		struct deed *d = deed_new(w, DEED_TRIGGER, a);
		snprintf(d->run, sizeof(d->run), "%s", json_string_value(json_object_get(plan, "run")));
		snprintf(d->state, sizeof(d->state), "manual");
		params_text(a, d->params, sizeof(d->params));
		buf_addf(said, "run %s is queued", d->run);
	} else if (!strcmp(action, "pause") || !strcmp(action, "unpause")) {
		deed_new(w, !strcmp(action, "pause") ? DEED_PAUSE : DEED_UNPAUSE, a);
		buf_adds(said, !strcmp(action, "pause") ? "it is paused" : "it runs as scheduled");
	} else if (!strcmp(action, "backfill")) {
		json_array_foreach(dates, i, o) {
			struct deed *d = deed_new(w, DEED_TRIGGER, a);
			d->begins = w->now + (int64_t)i * 1000;
			snprintf(d->run, sizeof(d->run), "backfill__%.40s", json_string_value(o));
			snprintf(d->state, sizeof(d->state), "backfill");
		}
		buf_addf(said, "%zu runs begin", json_array_size(dates));
	} else {
		struct deed *d = deed_new(w, !strcmp(action, "clear") ? DEED_CLEAR : DEED_MARK, a);
		const char *state = json_string_value(json_object_get(plan, "state"));
		d->tasks = (unsigned)json_integer_value(json_object_get(plan, "tasks"));
		snprintf(d->state, sizeof(d->state), "%s", state ? state : "");
		if (d->what == DEED_CLEAR)
			buf_addf(said, "%d tasks are run again", __builtin_popcount(d->tasks));
		else
			buf_addf(said, "it counts as %s", d->state);
	}
}

bool demo_flow_run(struct world *w, struct link *l, const struct request *r)
{
	struct aim a = { 0 };
	struct buf said = { 0 };
	if (!ours(r))
		return false;
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	json_t *back = json_object_get(json_object_get(plan, "undo"), "params");
	bool there = aim_at(w, r, &a);
	json_t *now = there ? version_of(w, &a, r->what) : NULL;
	bool same = there && json_equal(now, json_object_get(json_object_get(plan, "target"), "version"));
	a.params = json_object_get(plan, "params");
	if (same)
		carry_out(w, r->what, &a, plan, &said);
	else
		buf_adds(&said, there ? "it has changed since the plan was shown: plan again" : "it is gone");
	if (same)
		link_step(l, r->id, (struct msg_step){ STEP_DONE, true, 1, 1, STR("accepted"), STR("") });
	char *undo = back && same ? json_dumps(back, JSON_COMPACT) : NULL;
	link_step(l, r->id, (struct msg_step){ STEP_FINISHED, same, 0, 0, buf_str(&said), str_of(undo ? undo : "") });
	free(undo);
	json_decref(now);
	json_decref(params);
	buf_release(&said);
	return true;
}

/* ---- the form of trigger */

json_t *demo_flow_form(const struct world *w, const struct request *r)
{
	struct aim a = { 0 };
	json_t *params = json_loads(r->params, 0, NULL);
	const char *action = json_string_value(json_object_get(params, "action"));
	bool ok = ours(r) && action && !strcmp(action, "trigger") && aim_at(w, r, &a);
	const json_t *begin = json_object_get(params, "begin");
	const char *batch = json_string_value(json_object_get(begin, "source")), *model = json_string_value(json_object_get(begin, "model"));
	if (!ok) {
		json_decref(params);
		return NULL;
	}
	struct str given = str_of(a.run.flow ? a.run.params : ""), source = str_of(batch ? batch : "s3://data-raw/newest"), rows = STR("48211");
	while (given.n) {
		struct str v = str_split(&given, ' '), name = str_split(&v, '=');
		if (str_is(name, "rows"))
			rows = v;
		else if (str_is(name, "source"))
			source = v;
	}
	json_t *form = json_pack("{s:s, s:[{s:s, s:s, s:s, s:s, s:i, s:i, s:s%}, {s:s, s:s, s:s, s:s%}, {s:s, s:s, s:s, s:s, s:[s, s], s:s},"
		"{s:s, s:s, s:s, s:s, s:s}, {s:s, s:s}]}", "note", a.run.flow ? "as in this run" : batch ? "source and model filled in; the rest as the pipeline defines it" : "as the pipeline defines them", "fields",
		"name", "conf.rows", "title", "rows", "help", "how many rows are read; from 1 to 1000000", "type", "count", "min", 1, "max", 1000000,
		"default", rows.p, rows.n, "name", "conf.source", "title", "source", "help", "where the batch lies", "default", source.p, source.n,
		"name", "conf.model", "title", "model", "help", "which model to train", "type", "choice", "choices", "real_estate_model",
		"churn_model", "default", model ? model : "real_estate_model", "name", "conf.full", "title", "full", "help", "from nothing, not from the last model",
		"type", "bool", "default", "false", "name", "note", "title", "note");
	json_decref(params);
	return form;
}
