/* detail: one version in full, and the history of one metric: what is asked for when somebody opens it. Four or five small
 * requests; what cannot be had is left out and said in a note, never guessed. */
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LISTS_MAX 60             /* folders of artifacts looked into */
#define POINTS_MAX 5000          /* of a metric's history, shown */

static void set_text(json_t *o, const char *key, struct str s)
{
	if (s.n)
		json_object_set_new(o, key, json_stringn(s.p, s.n));
}

static void set_time(json_t *o, const char *key, int64_t ms)
{
	if (ms)
		json_object_set_new(o, key, json_integer(ms));
}

static void note(json_t *o, const char *what, const struct mlflow *m)
{
	json_t *notes = json_object_get(o, "notes");
	char *text = xasprintf("%s: %s", what, m->failure.error);
	if (!notes)
		json_object_set_new(o, "notes", notes = json_array());
	json_array_append_new(notes, json_string(text));
	free(text);
}

/* [{key, value}] as an object. */
static json_t *map_of(const json_t *list, bool theirs)
{
	json_t *map = json_object();
	size_t i;
	const json_t *e;
	json_array_foreach(list, i, e) {
		struct str key = get_text(e, "key");
		json_t *v = json_object_get(e, "value");
		if (key.n && v && (theirs || !str_starts(key, STR("mlflow."))))
			json_object_set(map, key.p, v);
	}
	return map;
}

/* ---- metrics, and which way they are better */

static int better(const struct mlflow *m, const char *name)
{
	const char *said = yaml_text(yaml_get(link_settings(m->link), "better"), name);
	return !said ? metric_better(str_of(name)) : !strcmp(said, "lower") ? -1 : !strcmp(said, "higher") ? 1 : 0;
}

static void set_metrics(const struct mlflow *m, json_t *out, const json_t *list)
{
	json_t *map = json_object(), *ways = json_object();
	size_t i;
	const json_t *e;
	json_array_foreach(list, i, e) {
		struct str key = get_text(e, "key");
		double v = get_real(json_object_get(e, "value"));
		int way = key.n ? better(m, key.p) : 0;
		if (!key.n || !isfinite(v))
			continue;
		json_object_set_new(map, key.p, json_real(v));
		if (way)
			json_object_set_new(ways, key.p, json_string(way < 0 ? "lower" : "higher"));
	}
	json_object_set_new(out, "metrics", map);
	json_object_set_new(out, "better", ways);
}

/* ---- signature and size */

/* MLflow writes a signature's columns as a JSON text: "[{\"name\": ..., \"type\": ...}]"; tensors have "tensor-spec". */
static json_t *columns_of(struct str text)
{
	json_t *j = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	size_t i;
	json_t *e;
	if (!json_is_array(j)) {
		json_decref(j);
		return NULL;
	}
	json_array_foreach(j, i, e) {
		const json_t *spec = json_object_get(e, "tensor-spec");
		struct str dtype = get_text(spec, "dtype");
		char *shape = spec ? json_dumps(json_object_get(spec, "shape"), JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		if (dtype.n) {
			char *type = xasprintf(STR_FMT "%s", STR_ARG(dtype), shape ? shape : "");
			json_object_set_new(e, "type", json_string(type));
			json_object_del(e, "tensor-spec");
			free(type);
		}
		free(shape);
	}
	return j;
}

static void set_signature(json_t *out, struct str inputs, struct str outputs)
{
	json_t *in = columns_of(inputs), *o = columns_of(outputs);
	if (in || o)
		json_object_set_new(out, "signature", json_pack("{s:o, s:o}", "inputs", in ? in : json_array(), "outputs", o ? o : json_array()));
}

static bool from_mlmodel(struct mlflow *m, json_t *out, struct str name, int64_t version)
{
	struct buf path = { 0 }, text = { 0 };
	struct yaml_error error;
	int64_t size = -1;
	buf_adds(&path, "/model-versions/get-artifact?name=");
	http_escape(&path, name);
	buf_addf(&path, "&version=%lld&path=MLmodel", (long long)version);
	bool ok = client_text(m, path.data, 4 << 20, &text);
	struct yaml_doc *doc = ok ? yaml_parse(buf_str(&text), &error) : NULL;
	const struct yaml *root = doc ? yaml_root(doc) : NULL, *s = yaml_get(root, "signature");
	if (s)
		set_signature(out, str_of(yaml_text(s, "inputs")), str_of(yaml_text(s, "outputs")));
	if (str_to_i64(str_of(yaml_text(root, "model_size_bytes")), &size) && size >= 0)
		json_object_set_new(out, "size", json_integer(size));
	yaml_doc_free(doc);
	buf_release(&path);
	buf_release(&text);
	return s != NULL;
}

/* What the run wrote down about the models it logged. */
static void from_tag(json_t *out, const json_t *tags)
{
	const json_t *text = get_tag(tags, "mlflow.log-model.history");
	json_t *j = text ? json_loadb(json_string_value(text) ? json_string_value(text) : "", json_string_length(text), 0, NULL) : NULL;
	const json_t *last = json_array_get(j, json_array_size(j) ? json_array_size(j) - 1 : 0);
	const json_t *s = json_object_get(last, "signature");
	if (!json_object_get(out, "signature"))
		set_signature(out, get_text(s, "inputs"), get_text(s, "outputs"));
	int64_t size = get_int(last, "model_size_bytes", -1);
	if (size >= 0 && !json_object_get(out, "size"))
		json_object_set_new(out, "size", json_integer(size));
	json_decref(j);
}

struct sizes { int64_t bytes, files; unsigned lists; bool least; };

static bool count_folder(struct mlflow *m, struct str run, const char *folder, int depth, struct sizes *s)
{
	struct buf path = { 0 };
	size_t i;
	const json_t *f;
	bool ok = true;
	if (s->lists++ >= LISTS_MAX || depth > 8) {
		s->least = true;
		return true;
	}
	buf_adds(&path, API "artifacts/list?run_id=");
	http_escape(&path, run);
	buf_adds(&path, "&path=");
	http_escape(&path, str_of(folder));
	json_t *j = client_json(m, path.data, NULL);
	buf_release(&path);
	if (!j)
		return false;
	json_array_foreach(json_object_get(j, "files"), i, f) {
		struct str name = get_text(f, "path");
		if (json_is_true(json_object_get(f, "is_dir"))) {
			ok &= !name.n || count_folder(m, run, name.p, depth + 1, s);
		} else {
			s->files++;
			s->bytes += get_int(f, "file_size", 0);
		}
	}
	s->least |= json_string_length(json_object_get(j, "next_page_token")) > 0;
	json_decref(j);
	return ok;
}

/* The artifacts below the run's folder that the version's source names; other places are not looked into. */
static void set_size(struct mlflow *m, json_t *out, const struct run *r, struct str source)
{
	struct sizes s = { 0 };
	struct str root = r->artifacts;
	if (str_starts(source, STR("file://")))
		source = (struct str){ source.p + 7, source.n - 7 };
	if (str_starts(root, STR("file://")))
		root = (struct str){ root.p + 7, root.n - 7 };
	if (!root.n || !str_starts(source, root))
		return;
	struct str below = { source.p + root.n, source.n - root.n };
	while (below.n && *below.p == '/')
		below = (struct str){ below.p + 1, below.n - 1 };
	char *folder = str_dup(below);
	bool ok = count_folder(m, r->id, folder, 0, &s);
	if (!ok && !s.files)
		note(out, "the artifacts cannot be listed", m);
	else if (s.files) {
		json_object_set_new(out, "size", json_integer(s.bytes));
		json_object_set_new(out, "files", json_integer(s.files));
		if (s.least || !ok)
			json_object_set_new(out, "size_least", json_true());
	}
	free(folder);
}

/* ---- the whole */

static void set_run(struct mlflow *m, json_t *out, const struct run *r)
{
	json_t *run = json_object();
	set_text(run, "id", r->id);
	set_text(run, "name", r->name);
	set_text(run, "status", r->status);
	set_text(run, "user", r->user);
	set_text(run, "origin", r->origin);
	set_text(run, "git", r->git);
	set_time(run, "started", r->started);
	set_time(run, "ended", r->ended);
	set_text(run, "experiment", r->experiment);
	for (unsigned i = 0; i < m->nexperiments; i++)
		if (str_is(r->experiment, m->experiments[i].id))
			set_text(run, "experiment", str_of(m->experiments[i].name));
	json_object_set_new(out, "run", run);
	json_object_set_new(out, "params", map_of(r->param_list, true));
	json_object_set_new(out, "run_tags", map_of(r->tag_list, false));
	set_metrics(m, out, r->metric_list);
}

static void add_run(struct mlflow *m, json_t *out, struct str run_id, struct str source, bool size)
{
	struct buf path = { 0 };
	struct run r = { 0 };
	buf_adds(&path, API "runs/get?run_id=");
	http_escape(&path, run_id);
	json_t *j = run_id.n ? client_json(m, path.data, NULL) : NULL;
	if (j && get_run(json_object_get(j, "run"), &r)) {
		set_run(m, out, &r);
		from_tag(out, r.tag_list);
		if (size)
			set_size(m, out, &r, source);
	} else if (run_id.n) {
		note(out, "the run that trained it cannot be read", m);
	}
	run_release(&r);
	json_decref(j);
	buf_release(&path);
}

json_t *detail_read(struct mlflow *m, struct str name, int64_t version, bool size)
{
	struct buf path = { 0 };
	buf_adds(&path, API "model-versions/get?name=");
	http_escape(&path, name);
	buf_addf(&path, "&version=%lld", (long long)version);
	json_t *j = client_json(m, path.data, NULL), *out = NULL;
	buf_release(&path);
	const json_t *v = json_object_get(j, "model_version");
	if (j && !v)
		snprintf(m->failure.error, sizeof(m->failure.error), "MLflow's answer holds no version");
	if (v) {
		out = json_object();
		set_text(out, "model", name);
		set_text(out, "version", get_text(v, "version"));
		set_text(out, "description", get_text(v, "description"));
		set_text(out, "status", get_text(v, "status"));
		set_text(out, "user", get_text(v, "user_id"));
		set_text(out, "source", get_text(v, "source"));
		if (!str_is(get_text(v, "current_stage"), "None"))
			set_text(out, "stage", get_text(v, "current_stage"));
		set_time(out, "created", get_int(v, "creation_timestamp", 0));
		set_time(out, "updated", get_int(v, "last_updated_timestamp", 0));
		if (json_is_array(json_object_get(v, "aliases")))
			json_object_set(out, "aliases", json_object_get(v, "aliases"));
		json_object_set_new(out, "tags", map_of(json_object_get(v, "tags"), false));
		from_mlmodel(m, out, name, version);
		add_run(m, out, get_text(v, "run_id"), get_text(v, "source"), size);
	}
	json_decref(j);
	return out;
}

void detail_version(struct mlflow *m, const struct request *r, bool as_text)
{
	struct str key = str_of(r->key);
	size_t slash = key.n;
	int64_t version = -1;
	json_t *j = NULL;
	while (slash && key.p[slash - 1] != '/')
		slash--;
	snprintf(m->failure.error, sizeof(m->failure.error), "'%.200s' is no version", r->key);
	if (slash && str_to_i64((struct str){ key.p + slash, key.n - slash }, &version))
		j = detail_read(m, (struct str){ key.p, slash - 1 }, version, true);
	if (!j && as_text) {
		link_textf(m->link, r->id, TEXT_END | TEXT_ERROR, "%s", m->failure.error);
	} else if (!j) {
		link_fail(m->link, r->id, "%s", m->failure.error);
	} else if (as_text) {
		struct buf b = { 0 };
		registry_describe(j, mlflow_now(m), &b);
		link_text(m->link, r->id, TEXT_END, buf_str(&b));
		buf_release(&b);
	} else {
		char *text = json_dumps(j, JSON_COMPACT);
		link_answer(m->link, r->id, true, str_of(text ? text : "{}"));
		free(text);
	}
	json_decref(j);
}

/* A training run in words: the part of a version that its run tells. */
void detail_training(struct mlflow *m, const struct request *r)
{
	json_t *j = json_object();
	struct buf b = { 0 };
	add_run(m, j, str_of(r->key), STR(""), true);
	registry_describe(j, mlflow_now(m), &b);
	link_text(m->link, r->id, TEXT_END, str_trim(buf_str(&b)));
	buf_release(&b);
	json_decref(j);
}

/* ---- a metric's history */

static void on_point(void *arg, const json_t *e)
{
	double v = get_real(json_object_get(e, "value"));
	json_array_append_new(arg, json_pack("[I, I, o]", (json_int_t)get_int(e, "step", 0), (json_int_t)get_int(e, "timestamp", 0),
		isfinite(v) ? json_real(v) : json_null()));
}

void detail_metric(struct mlflow *m, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *points = json_array();
	const char *metric = json_string_value(json_object_get(params, "metric"));
	struct buf path = { 0 };
	buf_adds(&path, API "metrics/get-history?run_id=");
	http_escape(&path, str_of(r->key));
	buf_adds(&path, "&metric_key=");
	http_escape(&path, str_of(metric));
	buf_addc(&path, '&');
	if (!metric) {
		link_fail(m->link, r->id, "which metric?");
	} else if (!client_list(m, &(struct list_query){ .path = path.data, .name = "metrics", .page = 1000, .limit = POINTS_MAX + 1,
	                                                 .element = on_point, .arg = points })) {
		link_fail(m->link, r->id, "%s", m->failure.error);
	} else {
		bool more = json_array_size(points) > POINTS_MAX;
		json_t *j = json_pack("{s:s, s:O, s:b}", "metric", metric, "points", points, "more", more);
		char *text = json_dumps(j, JSON_COMPACT);
		link_answer(m->link, r->id, true, str_of(text ? text : "{}"));
		free(text);
		json_decref(j);
	}
	buf_release(&path);
	json_decref(points);
	json_decref(params);
}
