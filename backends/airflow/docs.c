/* docs: what Airflow knows of one pipeline, run or task, as text: the description, the object as it came, XCom values,
 * parameters as they were rendered; and where a run leads: the model version that it registered, the pod it ran in, the
 * check that caused it. */
#include "backends/airflow/airflow.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdlib.h>

#define XCOMS_MOST 50
#define VALUE_MOST 20000

static void value_text(const json_t *v, struct buf *out)
{
	char *text = json_is_string(v) ? str_dup((struct str){ json_string_value(v), json_string_length(v) })
	             : json_dumps(v, JSON_ENCODE_ANY | JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	struct str s = str_of(text ? text : "");
	if (s.n > VALUE_MOST)
		s.n = VALUE_MOST;
	bool lines = memchr(s.p, '\n', s.n) != NULL;
	if (lines)
		buf_addc(out, '\n');
	for (struct str rest = s; lines && rest.n;) {
		struct str line = str_split(&rest, '\n');
		buf_addf(out, "    " STR_FMT "\n", STR_ARG(line));
	}
	if (!lines)
		buf_addf(out, STR_FMT "\n", STR_ARG(s));
	free(text);
}

static void field(struct buf *out, const char *name, const json_t *o, const char *member)
{
	const json_t *v = json_object_get(o, member);
	if (!v || json_is_null(v) || (json_is_string(v) && !json_string_length(v)) ||
	    ((json_is_array(v) || json_is_object(v)) && !json_array_size(v) && !json_object_size(v)))
		return;
	buf_addf(out, "%s: ", name);
	value_text(v, out);
}

static void fields(struct buf *out, const json_t *o, const char *const (*names)[2])
{
	for (; (*names)[0]; names++)
		field(out, (*names)[0], o, (*names)[1]);
}

static const char *const dag_fields[][2] = { { "Pipeline", "dag_id" }, { "Description", "description" },
	{ "Paused", "is_paused" }, { "Schedule", "timetable_summary" }, { "Schedule", "schedule_interval" },
	{ "Timetable", "timetable_description" }, { "Next run", "next_dagrun_run_after" },
	{ "Next run", "next_dagrun_create_after" }, { "Owners", "owners" }, { "Tags", "tags" },
	{ "Most active runs", "max_active_runs" }, { "Most active tasks", "max_active_tasks" }, { "File", "fileloc" },
	{ "Bundle", "bundle_name" }, { "Bundle version", "bundle_version" }, { "Read", "last_parsed_time" },
	{ "Import errors", "has_import_errors" }, { NULL, NULL } };
static const char *const run_fields[][2] = { { "Pipeline", "dag_id" }, { "Run", "dag_run_id" }, { "State", "state" },
	{ "Type", "run_type" }, { "Triggered by", "triggered_by" }, { "User", "triggering_user_name" },
	{ "Logical date", "logical_date" }, { "Data from", "data_interval_start" }, { "Data to", "data_interval_end" },
	{ "Due", "run_after" }, { "Queued", "queued_at" }, { "Started", "start_date" }, { "Ended", "end_date" },
	{ "Last looked at by the scheduler", "last_scheduling_decision" }, { "Note", "note" }, { "Parameters", "conf" },
	{ NULL, NULL } };
static const char *const task_fields[][2] = { { "Pipeline", "dag_id" }, { "Run", "dag_run_id" }, { "Task", "task_id" },
	{ "Index", "rendered_map_index" }, { "State", "state" }, { "Try", "try_number" }, { "Tries more", "max_tries" },
	{ "Operator", "operator" }, { "Scheduled", "scheduled_when" }, { "Queued", "queued_when" }, { "Started", "start_date" },
	{ "Ended", "end_date" }, { "Seconds", "duration" }, { "Host", "hostname" }, { "Process", "pid" }, { "Executor", "executor" },
	{ "Pool", "pool" }, { "Slots", "pool_slots" }, { "Queue", "queue" }, { "Priority", "priority_weight" },
	{ "Waits for", "trigger" }, { "Triggerer", "triggerer_job" }, { "Note", "note" }, { "Parameters", "rendered_fields" },
	{ NULL, NULL } };

static void finish(struct airflow *a, uint64_t id, struct buf *out, bool ok)
{
	if (out->len)
		link_text(a->api.link, id, 0, buf_str(out));
	link_text(a->api.link, id, TEXT_END | (ok ? 0 : TEXT_ERROR), ok ? STR("") : str_of(a->api.error));
	buf_release(out);
}

/* The whole trace of a file that does not load. */
static bool import_error(struct airflow *a, struct str file, struct buf *out)
{
	json_t *j = api_get(&a->api, "/importErrors?limit=%d", PAGE);
	const json_t *e;
	size_t i;
	json_array_foreach(json_object_get(j, "import_errors"), i, e) {
		const json_t *trace = json_object_get(e, "stack_trace");
		if (!str_eq(text_in(e, "filename"), file))
			continue;
		buf_addf(out, "File: " STR_FMT "\nRead: " STR_FMT "\n\n", STR_ARG(file), STR_ARG(text_in(e, "timestamp")));
		buf_addstr(out, (struct str){ json_string_value(trace), json_string_length(trace) });
	}
	if (j && !out->len)
		buf_adds(out, "this file loads again\n");
	json_decref(j);
	return j != NULL;
}

/* ---- XCom */

static json_t *xcom_value(struct airflow *a, const struct task_key *k, struct str task, struct str key, const char *map)
{
	struct task_key one = { k->dag, k->run, task, STR("") };
	struct buf path = { 0 };
	task_key_path(&one, &path);
	buf_adds(&path, "/xcomEntries/");
	http_escape(&path, key);
	if (*map)
		buf_addf(&path, "?map_index=%s", map);
	json_t *j = api_get(&a->api, "%s", path.data);
	json_t *v = json_incref(json_object_get(j, "value"));
	json_decref(j);
	buf_release(&path);
	return v;
}

/* v1 writes every value as the text that Python prints of it: {'rows': 48211, 'ok': True}. As JSON, where it is that. */
static json_t *unpython(json_t *v)
{
	struct str s = { json_string_value(v), json_string_length(v) };
	struct buf b = { 0 };
	char quote = 0, why[8];
	static const char *const words[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" } };
	if (!s.n || (*s.p != '{' && *s.p != '['))
		return v;
	for (size_t i = 0; i < s.n;) {
		size_t w = 0;
		while (!quote && w < 3 && !str_starts((struct str){ s.p + i, s.n - i }, str_of(words[w][0])))
			w++;
		if (!quote && w < 3) {
			buf_adds(&b, words[w][1]);
			i += strlen(words[w][0]);
			continue;
		}
		char c = s.p[i++];
		if (quote && c == '\\' && i < s.n) {
			if (s.p[i] != '\'')
				buf_addc(&b, '\\');
			buf_addc(&b, s.p[i++]);
		} else if (c == quote || (!quote && (c == '\'' || c == '"'))) {
			quote = quote ? 0 : c;
			buf_addc(&b, '"');
		} else {
			if (c == '"')
				buf_addc(&b, '\\');
			buf_addc(&b, c);
		}
	}
	json_t *j = json_read(buf_str(&b), NULL, why, sizeof(why));
	buf_release(&b);
	if (!j)
		return v;
	json_decref(v);
	return j;
}

typedef void (*xcom_fn)(void *arg, struct str task, struct str key, const json_t *value);

/* Every XCom value of a task, or of all tasks of a run. False: api says why not. */
static bool each_xcom(struct airflow *a, const struct task_key *k, xcom_fn fn, void *arg)
{
	struct task_key all = { k->dag, k->run, k->task.n ? k->task : STR("~"), STR("") };
	struct buf path = { 0 };
	char map[16];
	task_key_path(&all, &path);
	buf_addf(&path, "/xcomEntries?limit=%d", XCOMS_MOST);
	if (k->map.n)
		buf_addf(&path, a->api.version == 2 ? "&map_index_filter=" STR_FMT : "&map_index=" STR_FMT, STR_ARG(k->map));
	json_t *j = api_get(&a->api, "%s", path.data);
	const json_t *e;
	size_t i;
	json_array_foreach(json_object_get(j, "xcom_entries"), i, e) {
		struct str task = text_in(e, "task_id"), key = text_in(e, "key");
		double index = real_in(e, "map_index");
		map[0] = 0;
		if (index >= 0 && index < 1e6)
			snprintf(map, sizeof(map), "%.0f", index);
		json_t *v = task.n && key.n ? unpython(xcom_value(a, k, task, key, map)) : NULL;
		if (v)
			fn(arg, task, key, v);
		json_decref(v);
		if (link_closing(a->api.link) || (a->api.waiting && link_cancelled(a->api.link, a->api.waiting)))
			break;
	}
	json_decref(j);
	buf_release(&path);
	return j != NULL;
}

struct xcom_doc { struct buf *out; struct str last; char task[256]; };

static void xcom_text(void *arg, struct str task, struct str key, const json_t *value)
{
	struct xcom_doc *d = arg;
	if (!str_is(task, d->task)) {
		snprintf(d->task, sizeof(d->task), STR_FMT, STR_ARG(task));
		buf_addf(d->out, "%s# " STR_FMT "\n", d->out->len ? "\n" : "", STR_ARG(task));
	}
	buf_addf(d->out, STR_FMT ": ", STR_ARG(key));
	value_text(value, d->out);
}

void doc_open(struct airflow *a, const struct request *r)
{
	struct task_key k;
	struct buf out = { 0 }, path = { 0 };
	bool ok = true, raw = !strcmp(r->what, "yaml"), pipeline = !strcmp(r->kind, "pipelines"), task = !strcmp(r->kind, "tasks");
	static const char file[] = "import error/";
	task_key_parse(str_of(r->key), &k);
	task_key_path(&k, &path);
	if (pipeline && str_starts(str_of(r->key), STR("import error/"))) {
		ok = import_error(a, str_of(r->key + sizeof(file) - 1), &out);
	} else if (!strcmp(r->what, "xcom")) {
		struct xcom_doc d = { .out = &out };
		ok = !pipeline && each_xcom(a, &k, xcom_text, &d);
		if (ok && !out.len)
			buf_adds(&out, "no XCom value was left\n");
		if (pipeline)
			snprintf(a->api.error, sizeof(a->api.error), "runs and tasks leave XCom values, a pipeline does not");
	} else if (raw || !strcmp(r->what, "describe") || !strcmp(r->what, "parameters")) {
		json_t *j = api_get(&a->api, "%s%s", path.data, pipeline ? "/details" : "");
		ok = j != NULL;
		if (ok && raw)
			value_text(j, &out);
		else if (ok && !strcmp(r->what, "parameters"))
			field(&out, "Parameters", j, pipeline ? "params" : task ? "rendered_fields" : "conf");
		else if (ok)
			fields(&out, j, pipeline ? dag_fields : task ? task_fields : run_fields);
		if (ok && pipeline && !raw)
			field(&out, "Parameters", j, "params");
		if (ok && !out.len)
			buf_adds(&out, "no parameters\n");
		json_decref(j);
	} else {
		ok = false;
		snprintf(a->api.error, sizeof(a->api.error), "Airflow has no '%s' of %s", r->what, r->kind);
	}
	finish(a, r->id, &out, ok);
	buf_release(&path);
}

/* ---- links */

struct finder { json_t *found; struct { char model[128], version[64], pod[256], ns[128], check[128]; } got; };

static void note(char *at, size_t size, const json_t *v)
{
	if (json_is_string(v) && !*at)
		snprintf(at, size, "%s", json_string_value(v));
	else if (json_is_integer(v) && !*at)
		snprintf(at, size, "%lld", (long long)json_integer_value(v));
}

/* The names under which MLflow, KubernetesPodOperator and drift checks are spoken of in XCom and parameters. */
static void look_at(void *arg, struct str task, struct str key, const json_t *value)
{
	struct finder *f = arg;
	static const struct { const char *name; int to; } names[] = { { "model_name", 0 }, { "registered_model", 0 },
		{ "registered_model_name", 0 }, { "model", 0 }, { "model_version", 1 }, { "version", 1 }, { "pod_name", 2 },
		{ "pod_namespace", 3 }, { "batch_id", 4 }, { "drift_batch", 4 }, { "check_id", 4 }, { "drift_check_id", 4 },
		{ "current_batch_id", 4 } };
	const char *name;
	const json_t *v;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *at[] = { f->got.model, f->got.version, f->got.pod, f->got.ns, f->got.check };
		size_t size[] = { sizeof(f->got.model), sizeof(f->got.version), sizeof(f->got.pod), sizeof(f->got.ns),
			sizeof(f->got.check) };
		if (str_is(key, names[i].name))
			note(at[names[i].to], size[names[i].to], value);
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, v)
		if (!json_is_object(v))
			look_at(arg, task, str_of(name), v);
}

static void add_link(struct finder *f, const char *kind, const char *key, const char *text, const char *evidence)
{
	json_array_append_new(f->found, json_pack("{s:i, s:s, s:s, s:{s:s, s:s, s:s}}", "level", LEVEL_NONE, "text", text,
		"evidence", evidence, "link", "kind", kind, "key", key, "what", "rows"));
}

/* Where tasks run in pods of their own, the host has the pod's name. */
static void host_pod(struct airflow *a, const struct task_key *k, struct finder *f)
{
	struct buf path = { 0 };
	task_key_path(k, &path);
	json_t *j = api_get(&a->api, "%s", path.data);
	struct str host = text_in(j, "hostname");
	if (host.n && memchr(host.p, '-', host.n) && !memchr(host.p, '.', host.n) && !memchr(host.p, '"', host.n)) {
		char *line = xasprintf("name=\"" STR_FMT "\"", STR_ARG(host)), *name = str_dup(host);
		add_link(f, "pods", name, "the host that it ran on, if that is a pod", "from its host name");
		json_object_set_new(json_object_get(json_array_get(f->found, json_array_size(f->found) - 1), "link"), "filter",
		                    json_string(line));
		free(line);
		free(name);
	}
	json_decref(j);
	buf_release(&path);
}

static void tags_model(struct finder *f, const char *tags)
{
	for (struct str rest = str_of(tags); rest.n;) {
		struct str tag = str_split(&rest, ',');
		if (str_starts(tag, STR("model:")) && !*f->got.model)
			snprintf(f->got.model, sizeof(f->got.model), STR_FMT, STR_ARG(((struct str){ tag.p + 6, tag.n - 6 })));
	}
}

void links_ask(struct airflow *a, const struct request *r)
{
	struct task_key k;
	struct finder f = { .found = json_array() };
	char *line;
	bool ok = task_key_parse(str_of(r->key), &k) && k.run.n && each_xcom(a, &k, look_at, &f);
	if (ok) {
		struct task_key run = { k.dag, k.run, STR(""), STR("") };
		struct buf path = { 0 };
		task_key_path(&run, &path);
		json_t *j = api_get(&a->api, "%s", path.data);
		look_at(&f, STR(""), STR("conf"), json_object_get(j, "conf"));
		json_decref(j);
		buf_release(&path);
		tags_model(&f, past_dag(&a->past, k.dag)->tags);
	}
	if (*f.got.model && *f.got.version) {
		line = xasprintf("%s/%s", f.got.model, f.got.version);
		add_link(&f, "versions", line, "the model version that it registered", "from its XCom values");
		free(line);
	} else if (*f.got.model) {
		add_link(&f, "models", f.got.model, "the model that it is about", "from its tags and parameters");
	}
	if (*f.got.pod) {
		line = xasprintf("%s%s%s", f.got.ns, *f.got.ns ? "/" : "", f.got.pod);
		add_link(&f, "pods", line, "the pod that it ran in", "from its XCom values");
		free(line);
	}
	if (ok && k.task.n && !*f.got.pod)
		host_pod(a, &k, &f);
	if (*f.got.check && !strchr(f.got.check, '"')) {
		line = xasprintf("batch=\"%s\"", f.got.check);
		add_link(&f, "drift", f.got.check, "the drift check that it looked at", "from its XCom values and parameters");
		json_object_set_new(json_object_get(json_array_get(f.found, json_array_size(f.found) - 1), "link"), "filter",
		                    json_string(line));
		free(line);
	}
	char *text = json_dumps(f.found, JSON_COMPACT);
	if (ok)
		link_answer(a->api.link, r->id, true, str_of(text ? text : "[]"));
	else
		link_fail(a->api.link, r->id, "%s", k.run.n ? a->api.error : "only runs and tasks lead on");
	free(text);
	json_decref(f.found);
}
