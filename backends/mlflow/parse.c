/* parse: elements of MLflow's answers, tolerantly: a member that is missing or of the wrong type is unknown, nothing more. */
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

struct str get_text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

int64_t get_int(const json_t *o, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(o, key);
	int64_t i;
	if (json_is_integer(v))
		return json_integer_value(v);
	if (json_is_real(v) && fabs(json_real_value(v)) < 9e15)
		return (int64_t)json_real_value(v);
	if (json_is_string(v) && str_to_i64((struct str){ json_string_value(v), json_string_length(v) }, &i))
		return i;
	return otherwise;
}

double get_real(const json_t *v)
{
	double d;
	if (json_is_number(v))
		return json_number_value(v);
	if (json_is_string(v) && str_to_f64((struct str){ json_string_value(v), json_string_length(v) }, &d))
		return d;
	return NAN;
}

const json_t *get_tag(const json_t *list, const char *key)
{
	size_t i;
	const json_t *e;
	json_array_foreach(list, i, e)
		if (str_is(get_text(e, "key"), key))
			return json_object_get(e, "value");
	return json_object_get(list, key);
}

/* ---- labels */

struct label { struct str key; const json_t *value; };

static int by_key(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	return str_cmp(x->key, y->key);
}

/* A label's value keeps no comma and no line end: they part labels. */
static void add_value(struct buf *out, const json_t *v)
{
	if (json_is_number(v)) {
		buf_addf(out, "%.9g", json_number_value(v));
		return;
	}
	struct str s = { json_string_value(v), json_string_length(v) };
	for (size_t i = 0; i < s.n && i < 80; i++)
		buf_addc(out, s.p[i] == ',' || (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
}

void get_labels(const json_t *list, size_t most, struct buf *out)
{
	size_t n = json_is_array(list) ? json_array_size(list) : json_object_size(list), k = 0, i;
	struct label *labels = xcalloc(n + 1, sizeof(*labels));
	const json_t *e;
	const char *name;
	json_array_foreach(list, i, e)
		labels[k++] = (struct label){ get_text(e, "key"), json_object_get(e, "value") };
	if (json_is_object(list))
		json_object_foreach((json_t *)(uintptr_t)list, name, e)
			labels[k++] = (struct label){ str_of(name), e };
	qsort(labels, k, sizeof(*labels), by_key);
	for (i = 0; i < k; i++) {
		size_t before = out->len;
		if (!labels[i].key.n || str_starts(labels[i].key, STR("mlflow.")))
			continue;
		buf_addf(out, "%s" STR_FMT "=", out->len ? "," : "", STR_ARG(labels[i].key));
		add_value(out, labels[i].value);
		if (out->len > most) {           /* whole labels only */
			out->len = before;
			out->data[before] = '\0';
			break;
		}
	}
	free(labels);
}

struct str key_metric(const json_t *list, struct str prefer, double *value)
{
	size_t i;
	const json_t *e;
	struct str best = { 0 };
	*value = NAN;
	json_array_foreach(list, i, e) {
		struct str name = get_text(e, "key");
		bool meant = prefer.n && str_eq(name, prefer);
		if (!name.n || str_starts(name, STR("system/")) || (!meant && isnan(get_real(json_object_get(e, "value")))))
			continue;
		unsigned a = metric_rank(name), b = best.n ? metric_rank(best) : 0;
		if (!meant && best.n && (a > b || (a == b && str_cmp(name, best) >= 0)))
			continue;
		best = name;
		*value = get_real(json_object_get(e, "value"));
		if (meant)
			break;
	}
	return best;
}

/* ---- models */

static char *new_text(char *old, struct str now)
{
	if (old && str_eq(str_of(old), now))
		return old;
	free(old);
	return now.n ? str_dup(now) : NULL;
}

/* "champion=6,challenger=7" of [{alias, version}]. */
static void alias_labels(const json_t *list, struct buf *out)
{
	size_t i;
	const json_t *e;
	json_t *map = json_object();
	json_array_foreach(list, i, e) {
		struct str name = get_text(e, "alias");
		json_t *v = json_object_get(e, "version");
		if (name.n)
			json_object_set(map, name.p, v ? v : json_null());
	}
	get_labels(map, 1024, out);
	json_decref(map);
}

bool get_model(const json_t *e, struct model *m, struct str *name)
{
	struct buf tags = { 0 }, aliases = { 0 };
	*name = get_text(e, "name");
	if (!name->n)
		return false;
	if (!m)
		return true;
	int64_t updated = get_int(e, "last_updated_timestamp", 0);
	get_labels(json_object_get(e, "tags"), 256, &tags);
	alias_labels(json_object_get(e, "aliases"), &aliases);
	bool other = updated != m->updated || !str_eq(str_of(m->aliases), buf_str(&aliases)) || !updated;
	m->changed |= other;
	m->dirty |= other || !str_eq(str_of(m->tags), buf_str(&tags));
	m->updated = updated;
	m->created = get_int(e, "creation_timestamp", 0);
	struct str words = get_text(e, "description");
	m->description = new_text(m->description, (struct str){ words.p, words.n > 240 ? 240 : words.n });
	m->tags = new_text(m->tags, buf_str(&tags));
	m->aliases = new_text(m->aliases, buf_str(&aliases));
	buf_release(&tags);
	buf_release(&aliases);
	return true;
}

/* ---- runs */

static int64_t logged_size(const json_t *tags)
{
	/* mlflow.log-model.history: a JSON text, one object for each model that the run logged */
	const json_t *text = get_tag(tags, "mlflow.log-model.history");
	json_t *j = text ? json_loadb(json_string_value(text) ? json_string_value(text) : "", json_string_length(text), 0, NULL) : NULL;
	const json_t *last = json_array_get(j, json_array_size(j) ? json_array_size(j) - 1 : 0);
	int64_t size = get_int(last, "model_size_bytes", -1);
	json_decref(j);
	return size;
}

static struct str tag_text(const json_t *tags, const char *key)
{
	const json_t *v = get_tag(tags, key);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

bool get_run(const json_t *e, struct run *r)
{
	const json_t *info = json_object_get(e, "info"), *data = json_object_get(e, "data");
	*r = (struct run){ .id = get_text(info, "run_id") };
	if (!r->id.n)
		r->id = get_text(info, "run_uuid");
	if (!r->id.n)
		return false;
	r->metric_list = json_object_get(data, "metrics");
	r->param_list = json_object_get(data, "params");
	r->tag_list = json_object_get(data, "tags");
	r->name = get_text(info, "run_name");
	if (!r->name.n)
		r->name = tag_text(r->tag_list, "mlflow.runName");
	r->user = get_text(info, "user_id");
	if (!r->user.n)
		r->user = tag_text(r->tag_list, "mlflow.user");
	r->origin = tag_text(r->tag_list, "mlflow.source.name");
	r->git = tag_text(r->tag_list, "mlflow.source.git.commit");
	r->experiment = get_text(info, "experiment_id");
	r->status = get_text(info, "status");
	r->artifacts = get_text(info, "artifact_uri");
	r->started = get_int(info, "start_time", 0);
	r->ended = get_int(info, "end_time", 0);
	r->size = logged_size(r->tag_list);
	get_labels(r->metric_list, 256, &r->metrics);
	get_labels(r->param_list, 256, &r->params);
	return true;
}

void run_release(struct run *r)
{
	buf_release(&r->metrics);
	buf_release(&r->params);
}
