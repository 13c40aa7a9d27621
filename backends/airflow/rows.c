/* rows: elements of Airflow's answers, of either version, as rows. A value of the wrong type is unknown; an element
 * without its name is none. */
#include "backends/airflow/airflow.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

#define AGAIN_MS (15 * 60000)    /* a run of v1 that began so long after it was due was cleared */

struct str text_in(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	struct str s = { json_string_value(v), json_string_length(v) };
	if (s.n > TEXT_MOST)
		s.n = TEXT_MOST;
	return s;
}

int64_t time_in(const json_t *o, const char *name)
{
	int64_t ms = 0;
	return time_parse(text_in(o, name), &ms) ? ms : 0;
}

double real_in(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	double f;
	if (json_is_number(v))
		return json_number_value(v);
	return json_is_string(v) && str_to_f64(text_in(o, name), &f) ? f : NAN;
}

static int64_t count_in(const json_t *o, const char *name)
{
	double v = real_in(o, name);
	return v >= 0 && v < 2e9 ? (int64_t)v : -1;
}

/* A string alone, or members named `member` of a list, commas between. */
static void names_in(const json_t *list, const char *member, struct buf *out)
{
	size_t i;
	const json_t *o;
	json_array_foreach(list, i, o) {
		struct str s = member && json_is_object(o) ? text_in(o, member)
		               : (struct str){ json_string_value(o), json_string_length(o) };
		if (s.n && out->len < TEXT_MOST)
			buf_addf(out, "%s" STR_FMT, out->len ? "," : "", STR_ARG(s));
	}
}

static void set_text(char **at, struct str s, bool *changed)
{
	if (*at ? str_is(s, *at) : !s.n)
		return;
	free(*at);
	*at = str_dup(s);
	*changed = true;
}

/* v1: {"__type":"CronExpression","value":"0 3 * * *"}, a TimeDelta, or null; v2: a summary. */
static void schedule_of(const json_t *dag, struct buf *out)
{
	const json_t *interval = json_object_get(dag, "schedule_interval");
	double days = real_in(interval, "days"), seconds = real_in(interval, "seconds");
	if (text_in(dag, "timetable_summary").n)
		buf_addstr(out, text_in(dag, "timetable_summary"));
	else if (text_in(interval, "value").n)
		buf_addstr(out, text_in(interval, "value"));
	else if (days >= 0 && days < 1e6 && seconds >= 0 && seconds < 1e6) {
		buf_adds(out, "every ");
		fmt_age((int64_t)(days * 86400 + seconds) * 1000, out);
	}
	if (str_is(buf_str(out), "None"))
		buf_clear(out);
}

bool take_dag(struct past *p, const json_t *dag)
{
	struct str id = text_in(dag, "dag_id");
	struct buf b = { 0 };
	if (!id.n)
		return false;
	struct dag *d = past_dag(p, id);
	const json_t *paused = json_object_get(dag, "is_paused");
	int64_t next = time_in(dag, "next_dagrun_run_after"), max = count_in(dag, "max_active_runs");
	bool stale = json_is_true(json_object_get(dag, "is_stale")) || json_is_false(json_object_get(dag, "is_active"));
	int is_paused = json_is_boolean(paused) ? json_is_true(paused) : -1;
	next = next ? next : time_in(dag, "next_dagrun_create_after");
	d->dirty |= !d->known || d->next != next || d->paused != is_paused || d->gone != stale || d->max != max;
	d->known = true;
	d->next = next, d->paused = is_paused, d->gone = stale, d->max = max;
	schedule_of(dag, &b);
	set_text(&d->schedule, buf_str(&b), &d->dirty);
	buf_clear(&b);
	names_in(json_object_get(dag, "owners"), NULL, &b);
	set_text(&d->owner, buf_str(&b), &d->dirty);
	buf_clear(&b);
	names_in(json_object_get(dag, "tags"), "name", &b);
	set_text(&d->tags, buf_str(&b), &d->dirty);
	set_text(&d->file, text_in(dag, "fileloc"), &d->dirty);
	set_text(&d->help, text_in(dag, "description"), &d->dirty);
	buf_release(&b);
	return true;
}

/* ---- runs */

/* When it was to begin; what orders runs. v1 has no such time, but the end of the data interval is it, and for runs by
 * hand the logical date. */
static int64_t due_of(const json_t *run)
{
	int64_t due = time_in(run, "run_after"), logical = time_in(run, "logical_date");
	bool manual = str_is(text_in(run, "run_type"), "manual");
	if (!due && !manual)
		due = time_in(run, "data_interval_end");
	if (!due)
		due = logical ? logical : time_in(run, "execution_date");
	return due ? due : time_in(run, "start_date");
}

bool take_run(struct past *p, const json_t *run)
{
	struct str id = text_in(run, "dag_id"), name = text_in(run, "dag_run_id");
	int64_t start = time_in(run, "start_date"), end = time_in(run, "end_date");
	if (!id.n || !name.n)
		return false;
	past_learn(past_dag(p, id), name, due_of(run), text_in(run, "state"), start && end ? end - start : -1);
	return true;
}

static void scalar_text(const json_t *v, struct buf *out)
{
	if (json_is_string(v)) {
		buf_addstr(out, (struct str){ json_string_value(v), json_string_length(v) });
	} else {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
		buf_adds(out, text ? text : "-");
		free(text);
	}
}

void params_text(const json_t *conf, struct buf *out)
{
	const char *name;
	const json_t *v;
	json_object_foreach((json_t *)(uintptr_t)conf, name, v) {
		size_t at = out->len;
		buf_addf(out, "%s%s=", at ? " " : "", name);
		scalar_text(v, out);
		if (out->len > TEXT_MOST) {
			out->len = TEXT_MOST;
			return;
		}
	}
}

bool put_run(struct past *p, const json_t *run, int64_t now, struct buf *out)
{
	struct str id = text_in(run, "dag_id"), name = text_in(run, "dag_run_id"), by = text_in(run, "triggering_user_name");
	struct buf key = { 0 }, params = { 0 };
	if (!id.n || !name.n)
		return false;
	struct dag *d = past_dag(p, id);
	int64_t start = time_in(run, "start_date"), created = time_in(run, "queued_at"), due = due_of(run);
	created = created && !(start && created > start) ? created : due;
	/* v1 does not say when it was queued: the date of a run that was cleared later is of no use for that. */
	bool again = start && !time_in(run, "queued_at") && start - due > AGAIN_MS;
	params_text(json_object_get(run, "conf"), &params);
	buf_addf(&key, STR_FMT "/" STR_FMT, STR_ARG(id), STR_ARG(name));
	run_put(out, &(struct run){ .key = buf_str(&key), .pipeline = id, .name = name, .state = text_in(run, "state"),
		.trigger = text_in(run, "run_type"), .params = buf_str(&params), .by = by.n ? by : text_in(run, "triggered_by"),
		.note = text_in(run, "note"), .tags = str_of(d->tags), .created = start && created > start ? 0 : created,
		.start = start, .end = time_in(run, "end_date"), .date = time_in(run, "logical_date"),
		.usual = past_usual(d), .past = due < d->well_at, .again = again }, now);
	buf_release(&key);
	buf_release(&params);
	return true;
}

/* ---- tasks, import errors */

#define TRIES_KEPT 500

static char *try_key(const json_t *task)
{
	return xasprintf(STR_FMT "/" STR_FMT "/%.0f", STR_ARG(text_in(task, "dag_run_id")), STR_ARG(text_in(task, "task_id")),
	                 real_in(task, "map_index"));
}

const char *tries_known(const struct dag *d, const json_t *task)
{
	double tried = real_in(task, "try_number");
	if (!(tried > 1))
		return "";
	char *key = try_key(task);
	const json_t *o = json_object_get(d->tries, key);
	free(key);
	return o && real_in(o, "try") >= tried ? json_string_value(json_object_get(o, "text")) : NULL;
}

void tries_learn(struct dag *d, const json_t *task, const json_t *tries)
{
	double now = real_in(task, "try_number");
	char *key = try_key(task);
	struct buf text = { 0 };
	const json_t *t;
	size_t i;
	json_array_foreach(json_object_get(tries, "task_instances"), i, t)
		if (real_in(t, "try_number") < now && text.len < TEXT_MOST)
			try_put(&text, time_in(t, "start_date"), time_in(t, "end_date"), text_in(t, "state"));
	if (!d->tries || json_object_size(d->tries) >= TRIES_KEPT) {
		json_decref(d->tries);
		d->tries = json_object();
	}
	json_object_set_new(d->tries, key, json_pack("{s:f, s:s%}", "try", now, "text", text.data ? text.data : "", text.len));
	buf_release(&text);
	free(key);
}

bool put_task(struct past *p, const json_t *task, struct buf *out)
{
	struct str id = text_in(task, "dag_id"), run = text_in(task, "dag_run_id"), name = text_in(task, "task_id");
	struct str operator = text_in(task, "operator_name");
	struct buf key = { 0 };
	if (!id.n || !run.n || !name.n)
		return false;
	const struct dag *d = past_dag(p, id);
	const struct past_task *past = past_task(d, name);
	int64_t map = count_in(task, "map_index"), ready = time_in(task, "scheduled_when"), tries = count_in(task, "max_tries");
	double took = real_in(task, "duration");
	ready = ready ? ready : time_in(task, "queued_when");
	buf_addf(&key, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(id), STR_ARG(run), STR_ARG(name));
	if (map >= 0)
		buf_addf(&key, "/%lld", (long long)map);
	const char *before = tries_known(d, task);
	struct task t = { .key = buf_str(&key), .before = str_of(before), .pipeline = id, .run = run, .name = name, .state = text_in(task, "state"),
		.host = text_in(task, "hostname"), .pool = text_in(task, "pool"),
		.operator = operator.n ? operator : text_in(task, "operator"), .upstream = str_of(past ? past->upstream : ""),
		.ready = ready, .start = time_in(task, "start_date"), .end = time_in(task, "end_date"),
		.duration = took >= 0 && took < 1e9 ? (int64_t)(took * 1000) : -1, .usual = past ? past->usual : -1,
		.tried = count_in(task, "try_number"), .tries = tries >= 0 ? tries + 1 : -1, .map = map,
		.order = past ? past->order : -1 };
	if (state_meaning(t.state) == STATE_RUNNING)
		t.duration = -1, t.end = 0;  /* of the try before */
	else if (state_meaning(t.state) == STATE_SKIPPED || state_meaning(t.state) == STATE_HELD)
		t.duration = -1, t.start = 0, t.ready = 0;
	else if (state_meaning(t.state) == STATE_WAITING || !t.state.n)
		t.start = t.state.n && str_is(t.state, "up_for_retry") ? t.start : 0, t.duration = t.start ? t.duration : -1,
		t.end = t.start ? t.end : 0;
	task_put(out, &t);
	buf_release(&key);
	return true;
}

/* The last line of the trace says what is wrong; the name is that of the file. */
bool put_error(const json_t *error, struct buf *out)
{
	struct str file = text_in(error, "filename"), base = file;
	const json_t *trace = json_object_get(error, "stack_trace");
	struct str what = str_trim((struct str){ json_string_value(trace), json_string_length(trace) });
	struct buf key = { 0 };
	if (!file.n)
		return false;
	for (size_t i = 0; i < file.n; i++)
		if (file.p[i] == '/')
			base = (struct str){ file.p + i + 1, file.n - i - 1 };
	for (size_t i = what.n; i > 0; i--)
		if (what.p[i - 1] == '\n') {
			what = (struct str){ what.p + i, what.n - i };
			break;
		}
	what.n = what.n > 400 ? 400 : what.n;
	buf_addf(&key, "import error/" STR_FMT, STR_ARG(file));
	pipeline_put(out, &(struct pipeline){ .key = buf_str(&key), .name = base, .file = file,
		.error = what.n ? what : STR("does not load"), .last_at = time_in(error, "timestamp"), .usual = -1, .active = -1,
		.max = -1, .paused = -1 });
	buf_release(&key);
	return true;
}

/* ---- keys */

bool task_key_parse(struct str key, struct task_key *out)
{
	struct str rest = key;
	*out = (struct task_key){ .dag = str_split(&rest, '/') };
	out->run = str_split(&rest, '/');
	out->task = str_split(&rest, '/');
	out->map = rest;
	return out->dag.n > 0;
}

void task_key_path(const struct task_key *k, struct buf *out)
{
	static const char *const parts[] = { "/dags/", "/dagRuns/", "/taskInstances/", "/" };
	const struct str values[] = { k->dag, k->run, k->task, k->map };
	for (int i = 0; i < 4 && values[i].n; i++) {
		buf_adds(out, parts[i]);
		http_escape(out, values[i]);
	}
}
