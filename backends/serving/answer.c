/* answer: see answer.h. */
#define _GNU_SOURCE
#include "backends/serving/answer.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEEP 12                  /* lists within lists that are looked into */
#define SHOWN_MAX 400            /* bytes of an answer that is no number */
#define FEATURES_MAX 2000

bool scalar_text(const json_t *j, struct buf *out)
{
	if (json_is_string(j))
		buf_add(out, json_string_value(j), json_string_length(j));
	else if (json_is_integer(j))
		buf_addf(out, "%lld", (long long)json_integer_value(j));
	else if (json_is_real(j))
		fmt_real(json_real_value(j), out);
	else if (json_is_boolean(j))
		fmt_bool(json_is_true(j), out);
	else
		return false;
	return true;
}

/* ---- the number */

static void take_scalar(struct answer *a, const json_t *j)
{
	double v = json_is_number(j) ? json_number_value(j) : NAN;
	struct buf b = { 0 };
	if (json_is_boolean(j))
		v = json_is_true(j);
	if (json_is_string(j))
		str_to_f64((struct str){ json_string_value(j), json_string_length(j) }, &v);
	if (!a->numbers++)
		a->value = v;
	if (a->text.len < SHOWN_MAX && scalar_text(j, &b)) {
		buf_adds(&a->text, a->text.len ? ", " : "");
		buf_add(&a->text, b.data, b.len < SHOWN_MAX ? b.len : SHOWN_MAX);
	}
	buf_release(&b);
}

static const json_t *named(const json_t *o, const char *const *names, struct answer *a);
/* Names under which services answer, the plainest first. */
static const char *const value_names[] = { "price", "prediction", "predicted_price", "predictions", "predicted_value",
	"predicted", "value", "score", "probability", "y_pred", "yhat", "y", "result", "results", "output", "outputs", "data",
	"label", "class", "answer", NULL };

static bool take(struct answer *a, const json_t *j, int deep)
{
	size_t i;
	const json_t *v;
	unsigned before = a->numbers;
	if (json_is_array(j) && deep < DEEP) {
		json_array_foreach(j, i, v)
			take(a, v, deep + 1);
	} else if (json_is_object(j) && deep < DEEP) {
		v = named(j, value_names, a);
		if (!v && json_object_size(j) == 1)
			v = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)j));
		return v && take(a, v, deep + 1);
	} else if (json_is_number(j) || json_is_string(j) || json_is_boolean(j)) {
		take_scalar(a, j);
	}
	return a->numbers > before;
}

static const json_t *named(const json_t *o, const char *const *names, struct answer *a)
{
	for (; *names; names++) {
		const json_t *v = json_object_get(o, *names);
		if (!v)
			continue;
		const json_t *first = json_is_array(v) ? json_array_get(v, 0) : NULL;
		const char *own = json_string_value(json_object_get(first, "name"));   /* a tensor's */
		size_t n = strlen(own ? own : *names);
		if (own || strcmp(*names, "data"))       /* "predictions" of one row are a prediction */
			snprintf(a->name, sizeof(a->name), "%.*s", (int)(!own && (*names)[n - 1] == 's' && strcmp(*names, "class") ?
			         n - 1 : n), own ? own : *names);
		return v;
	}
	return NULL;
}

static char *word_of(const json_t *o, const char *const *names)
{
	struct buf b = { 0 };
	for (; *names; names++)
		if (scalar_text(json_object_get(o, *names), &b) && b.len)
			return buf_detach(&b);
	buf_release(&b);
	return NULL;
}

static const json_t *at_path(const json_t *j, const char *path)
{
	for (struct str rest = str_of(path); rest.n && j;) {
		struct str part = str_split(&rest, '.');
		char *name = str_dup(part);
		int64_t i;
		j = json_is_array(j) && str_to_i64(part, &i) ? json_array_get(j, (size_t)i) : json_object_get(j, name);
		free(name);
	}
	return j;
}

bool answer_read(const json_t *root, const char *key, struct answer *a)
{
	static const char *const versions[] = { "model_version", "version", NULL }, *const stages[] = { "model_stage", "stage",
		"alias", NULL }, *const runs[] = { "model_run_id", "run_id", NULL }, *const requests[] = { "request_id",
		"prediction_id", "id", NULL }, *const models[] = { "model_name", "model", NULL };
	*a = (struct answer){ .value = NAN };
	a->version = word_of(root, versions);
	a->stage = word_of(root, stages);
	a->run = word_of(root, runs);
	a->request = word_of(root, requests);
	a->model = word_of(root, models);
	bool found = take(a, key ? at_path(root, key) : root, 0);
	if (found && a->numbers == 1 && !isnan(a->value))
		buf_clear(&a->text);
	if (!found) {
		char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
		buf_add(&a->text, text ? text : "", text ? strnlen(text, SHOWN_MAX) : 0);
		free(text);
	}
	return found;
}

void answer_release(struct answer *a)
{
	free(a->version);
	free(a->stage);
	free(a->run);
	free(a->request);
	free(a->model);
	buf_release(&a->text);
	*a = (struct answer){ .value = NAN };
}

/* ---- the explanation */

static const json_t *first_of(const json_t *o, const char *const *names)
{
	const json_t *v = NULL;
	while (*names && !v)
		v = json_object_get(o, *names++);
	return v;
}

static const char *const by_names[] = { "shap_values", "contributions", "attributions", "feature_contributions",
	"feature_attributions", "feature_importance", "shap", NULL };

/* The object that holds contributions, wherever it is. */
static const json_t *explained(const json_t *j, int deep)
{
	static const char *const within[] = { "explanation", "explanations", "predictions", "data", "result", "results", NULL };
	const json_t *v;
	if (json_is_array(j) && deep < DEEP)
		return explained(json_array_get(j, 0), deep + 1);
	if (!json_is_object(j) || deep >= DEEP)
		return NULL;
	if ((v = first_of(j, by_names)) && (json_is_array(v) || json_is_object(v)))
		return j;
	for (const char *const *n = within; *n; n++)
		if ((v = explained(json_object_get(j, *n), deep + 1)))
			return v;
	return NULL;
}

static void add_feature(json_t *out, const char *name, const json_t *value, const json_t *by)
{
	if (!json_is_number(by) || json_array_size(out) >= FEATURES_MAX)
		return;
	json_t *f = json_pack("{s:s, s:f}", "name", name, "by", json_number_value(by));
	if (f && (json_is_number(value) || json_is_string(value) || json_is_boolean(value)))
		json_object_set(f, "value", (json_t *)(uintptr_t)value);
	if (f)
		json_array_append_new(out, f);
}

/* [{"feature": "bed", "value": 3, "contribution": -0.1}] */
static void add_object(json_t *out, const json_t *o)
{
	static const char *const names[] = { "feature", "name", "column", NULL }, *const bys[] = { "contribution", "shap_value",
		"attribution", "by", "shap", "weight", "importance", NULL };
	const json_t *by = first_of(o, bys);
	const char *name = json_string_value(first_of(o, names));
	if (name && by)
		add_feature(out, name, json_object_get(o, "value"), by);
	else if (name)
		add_feature(out, name, NULL, json_object_get(o, "value"));
}

static void add_list(json_t *out, const json_t *o, const json_t *by)
{
	static const char *const names[] = { "feature_names", "features", "columns", "names", NULL }, *const values[] = {
		"feature_values", "values", "inputs", NULL };
	const json_t *name = first_of(o, names), *value = first_of(o, values), *v;
	if (json_is_array(value) && json_is_array(json_array_get(value, 0)))
		value = json_array_get(value, 0);
	size_t i;
	json_array_foreach(by, i, v) {
		const char *said = json_string_value(json_array_get(name, i));
		char made[32];
		snprintf(made, sizeof(made), "feature %zu", i + 1);
		if (json_is_object(v))
			add_object(out, v);
		else
			add_feature(out, said ? said : made, json_is_object(value) && said ? json_object_get(value, said)
			            : json_array_get(value, i), v);
	}
}

json_t *answer_explanation(const json_t *root)
{
	static const char *const bases[] = { "base_value", "expected_value", "base", "expected", "intercept", "bias", NULL };
	const json_t *o = explained(root, 0), *by = first_of(o, by_names), *base = first_of(o, bases), *v;
	const char *name;
	json_t *features = json_array();
	size_t last = 0;
	/* one row of contributions for each output: the last one is that of the class that counts */
	while (json_is_array(by) && json_is_array(json_array_get(by, 0))) {
		last = json_array_size(by) - 1;
		by = json_array_get(by, last);
	}
	while (json_is_array(base))
		base = json_array_get(base, last < json_array_size(base) ? last : 0);
	if (json_is_object(by)) {
		json_object_foreach((json_t *)(uintptr_t)by, name, v)
			add_feature(features, name, NULL, v);
	} else {
		add_list(features, o, by);
	}
	if (!json_array_size(features)) {
		json_decref(features);
		return NULL;
	}
	return json_pack("{s:o, s:o}", "base", json_is_number(base) ? json_real(json_number_value(base)) : json_null(),
	                 "features", features);
}

/* ---- complaints */

bool answer_complaint(const json_t *root, struct buf *out)
{
	static const char *const keys[] = { "detail", "message", "error", "error_message", "title", NULL };
	const json_t *said = first_of(root, keys), *one, *part;
	size_t i, k;
	if (json_is_object(said))
		return answer_complaint(said, out);
	if (json_is_string(said) && json_string_length(said)) {
		buf_adds(out, json_string_value(said));
		return true;
	}
	json_array_foreach(said, i, one) {                      /* FastAPI: [{"loc": ["body", "bed"], "msg": "..."}] */
		const char *msg = json_string_value(json_object_get(one, "msg"));
		const json_t *loc = json_object_get(one, "loc");
		if (!msg || i >= 8)
			continue;
		buf_adds(out, out->len ? "; " : "");
		json_array_foreach(loc, k, part)
			if (k || !json_is_string(part) || strcmp(json_string_value(part), "body")) {
				scalar_text(part, out);
				buf_adds(out, k + 1 < json_array_size(loc) ? "." : ": ");
			}
		buf_adds(out, msg);
	}
	return out->len > 0;
}
