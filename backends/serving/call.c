/* call: one question to a model: sent as the protocol wants it, read in whatever shape it comes back, counted. */
#define _GNU_SOURCE    /* clock_gettime */
#include "backends/serving/answer.h"
#include "backends/serving/schema.h"
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ANSWER_MAX (4u << 20)

struct call {
	struct serving *s;
	struct model *m;
	json_t *root;                 /* the answer; NULL: none, error says why */
	bool odd;                     /* it held NaN or Infinity */
	bool text;                    /* it was no JSON */
	int status;
	enum http_end end;
	int64_t latency_us;
	char error[700];
};

/* ---- figures of our own calls */

static void count(struct model *m, double ms)
{
	m->ms[m->ncalls++ % CALLS_KEPT] = (float)ms;
	if (m->ncalls == 2 * CALLS_KEPT)
		m->ncalls = CALLS_KEPT;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

void call_figures(const struct model *m, double *p50, double *p99, int64_t *calls, int64_t *failed)
{
	float ok[CALLS_KEPT];
	size_t n = 0, kept = m->ncalls < CALLS_KEPT ? m->ncalls : CALLS_KEPT;
	for (size_t i = 0; i < kept; i++)
		if (!isnan(m->ms[i]))
			ok[n++] = m->ms[i];
	qsort(ok, n, sizeof(*ok), by_value);
	*p50 = n ? (double)ok[(n - 1) / 2] : NAN;
	*p99 = n ? (double)ok[(n - 1) * 99 / 100] : NAN;
	*calls = (int64_t)kept;
	*failed = (int64_t)(kept - n);
}

/* ---- one exchange */

static void say_failure(struct call *c, const struct http_reply *r)
{
	json_t *j = r->end == HTTP_STATUS && r->body.len ? json_loadb(r->body.data, r->body.len, 0, NULL) : NULL;
	struct buf b = { 0 };
	if (answer_complaint(j, &b))
		snprintf(c->error, sizeof(c->error), "%d: %.600s", r->status, b.data);
	else
		snprintf(c->error, sizeof(c->error), "%.500s%s%.180s", r->error, *r->remedy ? ": " : "", r->remedy);
	buf_release(&b);
	json_decref(j);
}

static void read_body(struct call *c, const struct http_reply *r)
{
	char why[160];
	struct str body = buf_str(&r->body);
	c->root = json_read(body, &c->odd, why, sizeof(why));
	if (c->root)
		return;
	bool page = !strcmp(r->type, "text/html"), claims = strstr(r->type, "json") != NULL;
	if (page || claims || !str_trim(body).n || !(c->root = json_stringn(body.p, body.n < 2000 ? body.n : 2000)))
		snprintf(c->error, sizeof(c->error), page ? "the model server answered with a web page: is this its address?"
		         : body.n ? "the answer is cut or is not JSON (%s)" : "the answer is empty", why);
	c->text = c->root != NULL;
}

/* What a call takes is measured finer than the clock of screens goes, and whole: connection, question, answer. */
static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool send_form(struct call *c, const struct call_form *f)
{
	struct serving *s = c->s;
	struct http_reply reply;
	char *body = json_dumps(f->body, JSON_COMPACT);
	int64_t start = now_us();
	json_decref(c->root);
	c->root = NULL;
	c->error[0] = '\0';
	http_call(s->http, &(struct http_request){ .method = "POST", .path = f->path.data, .body = str_of(body),
		.content_type = f->type, .timeout_ms = s->timeout_ms, .max = ANSWER_MAX, .cancelled = is_cancelled,
		.cancelled_arg = s }, &reply);
	c->end = reply.end;
	c->status = reply.status;
	c->latency_us = now_us() - start;
	if (reply.end == HTTP_OK)
		read_body(c, &reply);
	else
		say_failure(c, &reply);
	if (reply.end != HTTP_CANCELLED)
		count(c->m, c->root ? (double)c->latency_us / 1000 : NAN);
	http_reply_release(&reply);
	free(body);
	return c->root != NULL;
}

static bool send_inputs(struct call *c, const json_t *inputs, bool explain)
{
	struct call_form f = { 0 };
	bool ok = c->s->protocol->form(c->s, c->m, inputs, explain, &f);
	ok = ok && send_form(c, &f);
	json_decref(f.body);
	buf_release(&f.path);
	return ok;
}

/* ---- the answer */

static void set_word(json_t *o, const char *key, const char *first, const char *otherwise)
{
	const char *s = first && *first ? first : otherwise;
	json_t *v = s && *s ? json_string(s) : NULL;
	if (v)
		json_object_set_new(o, key, v);
}

static json_t *describe(const struct call *c, const struct answer *a)
{
	json_t *o = json_object(), *text;
	json_object_set_new(o, "prediction", isnan(a->value) ? json_null() : json_real(a->value));
	if (a->text.len && (text = json_stringn(a->text.data, a->text.len)))
		json_object_set_new(o, "text", text);
	if (a->numbers > 1)
		json_object_set_new(o, "numbers", json_integer(a->numbers));
	json_object_set_new(o, "latency_us", json_integer(c->latency_us));
	set_word(o, "name", a->name, "");
	set_word(o, "version", a->version, c->m->version);
	set_word(o, "stage", a->stage, c->m->stage);
	set_word(o, "run", a->run, c->m->run);
	set_word(o, "model", a->model, c->m->title);
	set_word(o, "request", a->request, "");
	return o;
}

static const char *note_of(const struct call *c, const struct answer *a, bool found)
{
	if (c->odd && !found)
		return "the model answered NaN or Infinity: no number";
	if (c->text && isnan(a->value))
		return "the answer is text, not JSON";
	if (!found)
		return "no prediction was found in the answer: name where it is with 'answer:'";
	return a->numbers > 1 ? "several numbers came; the first one is shown" : "";
}

/* What answered becomes known: a version in an answer is newer than the last look's. */
static void learn(struct model *m, const struct answer *a, const json_t *inputs)
{
	if (a->version)
		set_text(&m->version, a->version);
	if (a->stage)
		set_text(&m->stage, a->stage);
	if (a->run)
		set_text(&m->run, a->run);
	json_t *kept = json_incref((json_t *)(uintptr_t)inputs);   /* it may be what was sent before */
	json_decref(m->sent);
	m->sent = kept;
}

/* The service's own explanation; NULL: it has none, and the next time it is not asked. */
static json_t *explanation_of(struct call *c, const json_t *inputs, json_t **answered)
{
	json_t *found = NULL;
	*answered = NULL;
	if (c->m->explains == 0 || !send_inputs(c, inputs, true)) {
		if (c->status == 404 || c->status == 405 || c->status == 501 || (c->end == HTTP_STATUS && strstr(c->error, "mplement")))
			c->m->explains = 0;
		return NULL;
	}
	found = answer_explanation(c->root);
	c->m->explains = found != NULL;
	*answered = c->root;
	c->root = NULL;
	return found;
}

static void answer_request(struct call *c, const struct request *r, const json_t *inputs, json_t *explanation)
{
	struct answer a;
	bool found = answer_read(c->root, setting(c->s, "answer"), &a);
	learn(c->m, &a, inputs);
	json_t *o = describe(c, &a);
	set_word(o, "note", note_of(c, &a, found), "");
	if (explanation) {
		json_object_set(o, "explanation", explanation);
		json_object_set_new(explanation, "method", json_string("the service's own explanation"));
	}
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(c->s->link, r->id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(o);
	answer_release(&a);
}

/* An explanation's answer often holds the prediction too; then that is one question less. */
static bool says_prediction(const json_t *answered)
{
	struct answer a;
	bool is = answered && answer_read(answered, NULL, &a) && a.numbers == 1 && !isnan(a.value) && *a.name;
	if (answered)
		answer_release(&a);
	return is;
}

bool call_once(struct serving *s, struct model *m, const json_t *inputs, double *ms, char *error, size_t size)
{
	struct call c = { .s = s, .m = m, .latency_us = -1 };
	struct answer a;
	call_schema(s, m);
	bool ok = send_inputs(&c, inputs, false) && c.root;
	if (ok) {
		answer_read(c.root, setting(s, "answer"), &a);
		learn(m, &a, inputs);
		answer_release(&a);
	}
	*ms = (double)c.latency_us / 1000;
	snprintf(error, size, "%s", ok ? "" : *c.error ? c.error : "there was no answer");
	json_decref(c.root);
	return ok;
}

void call_ask(struct serving *s, struct model *m, const struct request *r, bool explain)
{
	struct call c = { .s = s, .m = m, .latency_us = -1 };
	json_t *params = json_loads(r->params, 0, NULL), *inputs = json_object_get(params, "inputs"), *explanation = NULL;
	json_t *answered = NULL;
	if (!json_is_object(inputs) || !json_object_size(inputs)) {
		link_fail(s->link, r->id, "there are no inputs to ask about");
		json_decref(params);
		return;
	}
	call_schema(s, m);
	if (explain)
		explanation = explanation_of(&c, inputs, &answered);
	bool failed = explain && !answered && *c.error && m->explains != 0;
	if (says_prediction(answered))
		c.root = json_incref(answered);
	else if (!failed)
		send_inputs(&c, inputs, false);
	if (c.root)
		answer_request(&c, r, inputs, explanation);
	else
		link_fail(s->link, r->id, "%s", *c.error ? c.error : "there was no answer");
	json_decref(explanation);
	json_decref(answered);
	json_decref(c.root);
	json_decref(params);
}

const json_t *call_schema(struct serving *s, struct model *m)
{
	if (!m->schema && s->protocol->schema)
		m->schema = s->protocol->schema(s, m);
	if (!m->schema && m->sent)
		m->schema = schema_inputs(m->sent);
	return m->schema;
}
