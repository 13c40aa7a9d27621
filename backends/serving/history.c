/* history: the predictions that a REST service remembers itself, where it is told that it does (`history: true`). A platform
 * that logs them in PostgreSQL too would have each twice, so nothing is read without being told. */
#include "backends/serving/answer.h"
#include "backends/serving/serving.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 2000 };

static const json_t *first_of(const json_t *o, const char *const *names)
{
	const json_t *v = NULL;
	while (*names && !v)
		v = json_object_get(o, *names++);
	return v;
}

/* RFC 3339, with or without a zone (then UTC), or seconds or milliseconds since 1970. */
static int64_t time_of(const json_t *v)
{
	int64_t ms = 0;
	const char *s = json_string_value(v);
	double n = json_number_value(v);
	if (json_is_number(v))
		return n > 1e11 ? (int64_t)n : n > 0 ? (int64_t)(n * 1000) : 0;
	if (!s || time_parse(str_of(s), &ms))
		return ms;
	char *zoned = xasprintf("%.40sZ", s);
	if (strlen(zoned) > 10 && zoned[10] == ' ')
		zoned[10] = 'T';
	if (!time_parse(str_of(zoned), &ms))
		ms = 0;
	free(zoned);
	return ms;
}

static void put_one(const struct serving *s, const json_t *o, struct buf *out)
{
	static const char *const times[] = { "timestamp", "created_at", "time", "predicted_at", NULL }, *const inputs[] = { "inputs",
		"input", "features", "request", NULL }, *const took[] = { "response_time_ms", "latency_ms", "duration_ms", NULL };
	struct answer a;
	struct buf key = { 0 };
	const json_t *in = first_of(o, inputs), *ms = first_of(o, took);
	char *text = json_is_object(in) || json_is_array(in) ? json_dumps(in, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	answer_read(o, setting(s, "answer"), &a);
	scalar_text(json_object_get(o, "id"), &key);
	if (!key.len)
		buf_adds(&key, a.request ? a.request : "");
	if (!key.len)
		buf_addf(&key, "%lld/%x", (long long)time_of(first_of(o, times)), str_hash(str_of(text)));
	prediction_put(out, &(struct prediction){ .key = buf_str(&key), .model = str_of(a.model ? a.model : s->models[0].title),
		.version = str_of(a.version), .run = str_of(a.run), .request = str_of(a.request), .inputs = str_of(text),
		.time = time_of(first_of(o, times)), .value = a.value,
		.latency_ms = json_is_number(ms) ? json_number_value(ms) : NAN });
	free(text);
	buf_release(&key);
	answer_release(&a);
}

static const char *const lists[] = { "predictions", "history", "items", "results", "data", NULL };

json_t *history_inputs(struct serving *s, unsigned n)
{
	static const char *const names[] = { "inputs", "input", "features", "request", NULL };
	const char *path = setting(s, "history_path");
	json_t *j = NULL, *one, *found = NULL;
	size_t i;
	if (s->protocol != &protocol_rest || !serving_get(s, path ? path : "/predictions/history", &j, NULL, 0))
		return NULL;
	found = json_array();
	json_array_foreach(json_is_object(j) ? first_of(j, lists) : j, i, one) {
		const json_t *in = json_is_object(one) ? first_of(one, names) : NULL;
		if (json_is_object(in) && json_object_size(in) && json_array_size(found) < n)
			json_array_append(found, (json_t *)(uintptr_t)in);
	}
	json_decref(j);
	return found;
}

void serving_history(struct serving *s)
{
	const struct yaml *settings = link_settings(s->link);
	struct msg *m = msg_new(MSG_ROWS, 0);
	const char *path = setting(s, "history_path");
	json_t *j = NULL, *one;
	size_t i;
	bool wanted = settings && yaml_bool(settings, "history", false) && s->nmodels;
	if (wanted && !serving_get(s, path ? path : "/predictions/history", &j, NULL, 0)) {
		link_health(s->link, (struct msg_health){ .state = HEALTH_REFUSED, .latency_us = -1, .kind = STR("predictions"),
			.why = str_of(s->error), .remedy = str_of(s->remedy) });
		msg_free(m);
		return;
	}
	const json_t *list = json_is_object(j) ? first_of(j, lists) : j;
	rows_start(&m->body, "predictions");
	rows_begin(&m->body, STR(""));
	json_array_foreach(list, i, one)
		if (i < ROWS_MAX && json_is_object(one))
			put_one(s, one, &m->body);
	rows_end(&m->body, STR(""));
	link_send(s->link, m);
	json_decref(j);
}
