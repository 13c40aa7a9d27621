/* verify: the checks of base/verify.h, headless, with an exit code. One check needs to ask: a prediction is sent to an endpoint that
 * is ready, with the inputs of the last one in the log or with values that its form takes, and then looked for in the log. With
 * --readonly nothing is sent. */
#include "base/verify.h"
#include "base/mem.h"
#include "base/say.h"
#include "cli/session.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { KINDS_MAX = 60, LOGGED_MS = 40000, LOOK_MS = 2000 };

struct probing {
	struct session *s;
	struct verify_probe probe;
	struct buf answered, logged;
	char *request;               /* its id, NULL: not told */
};

/* An endpoint that is ready; NULL: none. */
static const struct row *ready_endpoint(const struct table *t)
{
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && r->level < LEVEL_DOUBT && r->level != LEVEL_BUSY)
			return r;
	}
	return NULL;
}

/* The inputs of the newest prediction in the log that says them, of that model where both name one. Caller decrefs. */
static json_t *logged_inputs(const struct session *s, struct str model)
{
	const struct table *t = store_table_const(s->store, "predictions");
	const struct row *best = NULL;
	json_t *inputs = NULL;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		struct str of = r ? row_text_by(t, r, "model") : STR("");
		if (!r || (of.n && model.n && !str_eq(of, model)) || (best && row_time_by(t, r, "age") <= row_time_by(t, best, "age")))
			continue;
		json_t *j = json_loadb(row_text_by(t, r, "inputs").p, row_text_by(t, r, "inputs").n, 0, NULL);
		if (json_is_object(j)) {
			json_decref(inputs);
			inputs = json_incref(j);
			best = r;
		}
		json_decref(j);
	}
	return inputs;
}

/* Something that the field takes: its default, the first of its words, the middle of its range, 1, false. NULL: who knows. New
 * reference. */
static json_t *some_value(const json_t *field)
{
	const json_t *min = json_object_get(field, "min"), *max = json_object_get(field, "max"),
	             *word = json_array_get(json_object_get(field, "enum"), 0);
	json_t *value = json_object_get(field, "default");
	const char *type = json_string_value(json_object_get(field, "type"));
	if (value && !json_is_null(value))
		return json_incref(value);
	if (word)
		return json_incref((json_t *)word);
	if (type && !strcmp(type, "boolean"))
		return json_false();
	if (!type || (strcmp(type, "number") && strcmp(type, "integer")))
		return NULL;
	double v = json_is_number(min) && json_is_number(max) ? (json_number_value(min) + json_number_value(max)) / 2
		: json_is_number(min) ? json_number_value(min) : json_is_number(max) ? json_number_value(max) : 1;
	return strcmp(type, "integer") ? json_real(v) : json_integer((json_int_t)v);
}

/* Inputs that the endpoint's form takes; NULL when a required field has no value that is known to do. Caller decrefs. */
static json_t *default_inputs(struct session *s, struct source *from, struct str key, int wait_ms)
{
	bool ok;
	char *answer = session_ask(s, from, REQ_ASK, "modelendpoints", key, "schema", "", wait_ms, &ok);
	json_t *schema = answer && ok ? json_loads(answer, 0, NULL) : NULL, *inputs = json_object(), *field;
	const json_t *fields = json_object_get(schema, "fields");
	size_t i;
	json_array_foreach((json_t *)fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));
		json_t *value = some_value(field);
		if (name && value)
			json_object_set(inputs, name, value);
		json_decref(value);
		if (value)
			continue;
		if (name && !json_is_false(json_object_get(field, "required"))) {
			json_object_clear(inputs);
			break;
		}
	}
	if (!json_object_size(inputs)) {
		json_decref(inputs);
		inputs = NULL;
	}
	json_decref(schema);
	free(answer);
	return inputs;
}

static bool is_logged(void *arg)
{
	const struct probing *p = arg;
	const struct table *t = store_table_const(p->s->store, "predictions");
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && str_is(row_text_by(t, r, "request"), p->request))
			return true;
	}
	return false;
}

static void look_in_log(struct probing *p, int wait_ms)
{
	int64_t from = clock_mono(&clock_system);
	if (!p->request) {
		buf_adds(&p->logged, "the answer has no request id to look for");
		p->probe.logged = -1;
		return;
	}
	int left = wait_ms < LOGGED_MS ? wait_ms : LOGGED_MS;
	for (p->probe.logged = 0; !p->probe.logged && left > 0; left -= LOOK_MS) {
		session_watch(p->s, "predictions", "");          /* who looks anew is told at once what is new */
		p->probe.logged = session_run(p->s, left < LOOK_MS ? left : LOOK_MS, is_logged, p);
	}
	buf_addf(&p->logged, p->probe.logged ? "request %s after %d s" : "request %s is not there after %d s", p->request,
	         (int)((clock_mono(&clock_system) - from) / 1000));
}

static void take_answer(struct probing *p, const char *name, const char *answer, bool ok)
{
	json_t *j = answer && ok ? json_loads(answer, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(j, "text")), *version = json_string_value(json_object_get(j, "version"));
	p->probe.answered = json_is_object(j);
	p->request = xstrdup(json_string_value(json_object_get(j, "request")));
	if (!p->probe.answered) {
		buf_addf(&p->answered, "%s: %s", name, answer ? answer : "no answer in time");
	} else {
		buf_addf(&p->answered, "%s: %s", name, text ? text : "answered");
		if (json_is_integer(json_object_get(j, "latency_us")))
			buf_addf(&p->answered, " in %.0f ms", (double)json_integer_value(json_object_get(j, "latency_us")) / 1000);
		if (version)
			buf_addf(&p->answered, " by %s", version);
	}
	json_decref(j);
}

static void probe(struct probing *p, int wait_ms)
{
	struct session *s = p->s;
	const struct table *t = store_table_const(s->store, "modelendpoints");
	const struct row *r = ready_endpoint(t);
	if (!r || r->source >= s->nsources)
		return;
	char *key = str_dup(row_key(r)), *name = str_dup(row_text_by(t, r, "name"));
	struct source *from = s->sources[r->source];
	json_t *inputs = logged_inputs(s, row_text_by(t, r, "model"));
	p->probe.tried = true;
	inputs = inputs ? inputs : default_inputs(s, from, str_of(key), wait_ms);
	if (inputs) {
		bool ok;
		json_t *params = json_pack("{s:O}", "inputs", inputs);
		char *text = json_dumps(params, JSON_COMPACT);
		char *answer = session_ask(s, from, REQ_ASK, "modelendpoints", str_of(key), "predict", text, wait_ms, &ok);
		take_answer(p, name, answer, ok);
		free(answer);
		free(text);
		json_decref(params);
	} else {
		p->probe.answered = -1;
		buf_addf(&p->answered, "%s: no inputs are known to send: the log has none, and its form does not say enough", name);
	}
	if (p->probe.answered == 1)
		look_in_log(p, wait_ms);
	else {
		p->probe.logged = -1;
		buf_adds(&p->logged, "nothing was answered");
	}
	p->probe.say_answered = buf_str(&p->answered);
	p->probe.say_logged = buf_str(&p->logged);
	json_decref(inputs);
	free(key);
	free(name);
}

/* The kinds by the names that sources know, each once. */
static void kinds_of(const struct verify *v, const struct store *s, const char *kinds[KINDS_MAX + 1])
{
	unsigned n = 0;
	for (unsigned i = 0; verify_kind(v, i) && n < KINDS_MAX; i++) {
		const struct kind *k = store_kind(s, str_of(verify_kind(v, i)));
		bool have = !k;
		for (unsigned j = 0; j < n && !have; j++)
			have = !strcmp(kinds[j], k->name);
		if (!have)
			kinds[n++] = k->name;
	}
	kinds[n] = NULL;
}

int cli_verify(struct cli *c)
{
	int code, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	const char *kinds[KINDS_MAX + 1];
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	struct verify *v = verify_new(s->config);
	struct probing p = { .s = s };
	kinds_of(v, s->store, kinds);
	session_start(s);
	session_list(s, kinds, wait_ms);
	if (!c->readonly)
		probe(&p, wait_ms);
	verify_update(v, s->store, &p.probe, clock_wall(&s->clock));
	code = print_rows(s, verify_table(v), c->output);
	code = code ? code : verify_failed(v) ? EXIT_FAILED : EXIT_OK;
	verify_free(v);
	buf_release(&p.answered);
	buf_release(&p.logged);
	free(p.request);
	session_close(s);
	return code;
}
