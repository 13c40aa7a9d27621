/* runbook_verify: what is looked at after the last step, again and again for a while: rows that must fit a filter, figures of an
 * endpoint against those before the first step, recent inputs predicted once more. A check that fails so many times in a row takes
 * everything back; one that cannot be told for as long is asked about. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/mem.h"
#include "base/runbook_private.h"
#include "base/say.h"
#include "base/serving.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *text_in(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static const json_t *spec_of(const struct runbook *r, unsigned i)
{
	return json_array_get(json_object_get(r->priv->verify, "checks"), i);
}

static struct source *source_of(const struct runbook *r, const json_t *spec)
{
	return text_in(spec, "source") ? runbook_source(r->priv->rs, text_in(spec, "source")) : NULL;
}

static char *title_of(const json_t *spec)
{
	struct buf b = { 0 };
	if (text_in(spec, "say")) {
		buf_adds(&b, text_in(spec, "say"));
		return buf_detach(&b);
	}
	buf_addf(&b, "%s:", text_in(spec, "name"));
	if (text_in(spec, "where"))
		buf_addf(&b, " %s", text_in(spec, "where"));
	if (json_object_get(spec, "errors_below"))
		buf_adds(&b, " errors");
	if (json_object_get(spec, "slower_below"))
		buf_adds(&b, " latency");
	if (json_object_get(spec, "predictions"))
		buf_adds(&b, " predictions");
	return buf_detach(&b);
}

void verify_begin_checks(struct runbook *r)
{
	unsigned n = (unsigned)json_array_size(json_object_get(r->priv->verify, "checks"));
	r->checks = xcalloc(n + 1, sizeof(*r->checks));
	r->priv->untold = xcalloc(n + 1, sizeof(*r->priv->untold));
	r->priv->probes = xcalloc(n + 1, sizeof(*r->priv->probes));
	r->nchecks = n;
	for (unsigned i = 0; i < n; i++) {
		r->checks[i].title = title_of(spec_of(r, i));
		runbook_watch(r, source_of(r, spec_of(r, i)), text_in(spec_of(r, i), "kind"));
		if (json_object_get(spec_of(r, i), "predictions"))
			runbook_watch(r, NULL, "predictions");
	}
}

/* ---- figures */

static double figure(const struct runbook *r, const json_t *spec, const char *column)
{
	const struct table *t;
	const struct row *row = runbook_row(r, text_in(spec, "kind"), text_in(spec, "name"), source_of(r, spec), &t);
	int c = row ? kind_col(t->kind, str_of(column), false) : -1;
	return c >= 0 && col_is_real(&t->kind->cols[c]) && !row_null(row, c) ? row_real(row, c) : NAN;
}

void verify_figures_before(struct runbook *r)
{
	json_decref(r->priv->before);
	r->priv->before = json_array();
	for (unsigned i = 0; i < r->nchecks; i++) {
		json_t *o = json_object();
		double errors = figure(r, spec_of(r, i), "errors"), p99 = figure(r, spec_of(r, i), "p99");
		if (isfinite(errors))
			json_object_set_new(o, "errors", json_real(errors));
		if (isfinite(p99))
			json_object_set_new(o, "p99", json_real(p99));
		json_array_append_new(r->priv->before, o);
	}
}

static double before(const struct runbook *r, unsigned i, const char *what)
{
	const json_t *v = json_object_get(json_array_get(r->priv->before, i), what);
	return v ? json_number_value(v) : NAN;
}

static enum gate_result worst(enum gate_result a, enum gate_result b)
{
	return a == GATE_FAIL || b == GATE_FAIL ? GATE_FAIL : a == GATE_UNKNOWN || b == GATE_UNKNOWN ? GATE_UNKNOWN
		: a == GATE_PENDING || b == GATE_PENDING ? GATE_PENDING : GATE_PASS;
}

static enum gate_result look_errors(const struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *limit = json_object_get(spec_of(r, i), "errors_below");
	double now = figure(r, spec_of(r, i), "errors"), was = before(r, i, "errors");
	if (!limit)
		return GATE_PASS;
	buf_addf(say, "%serrors ", say->len ? "; " : "");
	fmt_ratio(now, say);
	if (isfinite(was)) {
		buf_adds(say, ", before ");
		fmt_ratio(was, say);
	}
	if (!json_is_number(limit))
		buf_addf(say, ": '%s' is no share such as 2%%", json_string_value(limit));
	if (!json_is_number(limit) || !isfinite(now))
		return GATE_UNKNOWN;
	return now < json_number_value(limit) || now <= was ? GATE_PASS : GATE_FAIL;
}

static enum gate_result look_latency(const struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *limit = json_object_get(spec_of(r, i), "slower_below");
	double now = figure(r, spec_of(r, i), "p99"), was = before(r, i, "p99");
	if (!limit)
		return GATE_PASS;
	buf_addf(say, "%sp99 ", say->len ? "; " : "");
	fmt_real(now, say);
	buf_adds(say, " ms, before ");
	fmt_real(was, say);
	if (!json_is_number(limit))
		buf_addf(say, ": '%s' is no share such as 50%%", json_string_value(limit));
	if (!json_is_number(limit) || !isfinite(now) || !isfinite(was))
		return GATE_UNKNOWN;
	return now <= was * (1 + json_number_value(limit)) ? GATE_PASS : GATE_FAIL;
}

/* ---- predictions */

static void probe_release(struct runbook *r, struct runbook_probe *p)
{
	if (p->id)
		store_forget(r->priv->rs->store, p->id);
	for (unsigned k = 0; k < p->n; k++)
		free(p->inputs[k]);
	free(p->inputs);
	free(p->was);
	*p = (struct runbook_probe){ 0 };
}

struct logged { int64_t at; const struct row *row; };

static int newest_first(const void *a, const void *b)
{
	const struct logged *x = a, *y = b;
	return (x->at < y->at) - (x->at > y->at);
}

/* The newest inputs of the log that have an answer beside them, made before the first step where there are such. */
static void gather(const struct runbook *r, struct runbook_probe *p, unsigned want)
{
	const struct table *t = store_table_const(r->priv->rs->store, "predictions");
	struct logged *all = xcalloc(t && t->count ? t->count : 1, sizeof(*all));
	unsigned n = 0;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		struct str of = row ? row_text_by(t, row, "model") : STR("");
		if (row && !row_null(row, PREDICTION_VALUE) && !row_null(row, PREDICTION_INPUTS) && (!of.n || str_is(of, r->model)))
			all[n++] = (struct logged){ row_time_by(t, row, "age"), row };
	}
	qsort(all, n, sizeof(*all), newest_first);
	p->inputs = xcalloc(want + 1, sizeof(*p->inputs));
	p->was = xcalloc(want + 1, sizeof(*p->was));
	for (unsigned i = 0; i < n && p->n < want; i++) {
		if (str_is(row_text_by(t, all[i].row, "version"), r->version))
			continue;                        /* of the version that is to be judged itself */
		p->was[p->n] = row_real(all[i].row, PREDICTION_VALUE);
		p->inputs[p->n++] = str_dup(row_text(t, all[i].row, PREDICTION_INPUTS));
	}
	free(all);
}

static void ask_next(struct runbook_probe *p);

static void on_prediction(void *arg, const struct msg *m)
{
	struct runbook_probe *p = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || m->id != p->id)
		return;
	store_forget(p->r->priv->rs->store, p->id);
	p->id = 0;
	json_t *j = msg_get_answer(m, &a) && a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	const json_t *v = json_object_get(j, "prediction");
	if (json_is_number(v)) {
		double was = p->was[p->at], by = was != 0 ? fabs(json_number_value(v) - was) / fabs(was) : fabs(json_number_value(v));
		p->answered++;
		p->sum += by;
		p->most = by > p->most ? by : p->most;
	} else {
		p->failed++;
	}
	json_decref(j);
	p->at++;
	ask_next(p);
}

static void ask_next(struct runbook_probe *p)
{
	struct runbook *r = p->r;
	const json_t *spec = spec_of(r, (unsigned)(p - r->priv->probes));
	const struct table *t;
	const struct row *row = runbook_row(r, "modelendpoints", text_in(spec, "name"), source_of(r, spec), &t);
	json_t *inputs = p->at < p->n ? json_loads(p->inputs[p->at], 0, NULL) : NULL;
	if (p->at >= p->n)
		return;
	if (!row || !json_is_object(inputs) || row->source >= r->priv->rs->nsources) {
		p->failed += p->n - p->at;
		p->at = p->n;
		json_decref(inputs);
		return;
	}
	json_t *params = json_pack("{s:o}", "inputs", inputs);
	char *text = json_dumps(params, JSON_COMPACT);
	p->id = source_ask(r->priv->rs->sources[row->source], request_new(REQ_ASK, "modelendpoints", row_key(row), "predict", text));
	store_expect(r->priv->rs->store, p->id, on_prediction, p);
	free(text);
	json_decref(params);
}

/* One round is asked and then stands; one that did not pass is asked anew. */
static enum gate_result look_predictions(struct runbook *r, unsigned i, struct buf *say)
{
	struct runbook_probe *p = &r->priv->probes[i];
	const json_t *spec = spec_of(r, i), *want = json_object_get(spec, "predictions"), *limit = json_object_get(spec, "differ_below");
	if (!want)
		return GATE_PASS;
	if (!p->r) {
		p->r = r;
		gather(r, p, (unsigned)json_integer_value(want));
		if (p->n) {
			ask_next(p);
		} else {
			buf_addf(say, "%sno recent inputs of another version are in the log", say->len ? "; " : "");
			probe_release(r, p);
			return GATE_UNKNOWN;
		}
	}
	if (p->at < p->n) {
		buf_addf(say, "%s%u of %u inputs predicted", say->len ? "; " : "", p->at, p->n);
		return GATE_PENDING;
	}
	double mean = p->answered ? p->sum / p->answered : NAN;
	buf_addf(say, "%s%u predictions differ by ", say->len ? "; " : "", p->answered);
	fmt_ratio(mean, say);
	buf_adds(say, " on average, at most ");
	fmt_ratio(p->answered ? p->most : NAN, say);
	if (p->failed)
		buf_addf(say, "; %u were not answered", p->failed);
	enum gate_result result = p->failed * 2 > p->n ? GATE_FAIL : !limit ? GATE_PASS : !json_is_number(limit) || !isfinite(mean) ? GATE_UNKNOWN
		: mean < json_number_value(limit) ? GATE_PASS : GATE_FAIL;
	if (result != GATE_PASS)
		probe_release(r, p);
	return result;
}

/* ---- looking */

static enum gate_result look_at(struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *spec = spec_of(r, i);
	const char *where = text_in(spec, "where");
	enum gate_result result = GATE_PASS;
	if (where)
		result = runbook_fits(r, text_in(spec, "kind"), text_in(spec, "name"), source_of(r, spec), where, say);
	result = worst(result, look_errors(r, i, say));
	result = worst(result, look_latency(r, i, say));
	return worst(result, look_predictions(r, i, say));
}

void verify_begin_looking(struct runbook *r)
{
	const json_t *v = r->priv->verify;
	int64_t every = json_integer_value(json_object_get(v, "every_ms"));
	r->state = RUNBOOK_VERIFYING;
	r->verify_until = runbook_now(r) + json_integer_value(json_object_get(v, "for_ms"));
	r->priv->next_look = runbook_now(r) + (every < 2000 ? 2000 : every);
	for (unsigned i = 0; i < r->nchecks; i++) {
		r->checks[i].failed = r->priv->untold[i] = 0;
		r->checks[i].result = GATE_PENDING;
		probe_release(r, &r->priv->probes[i]);
	}
	runbook_look_again(r);
	if (!runbook_note(r, json_pack("{s:s, s:I}", "e", "verify", "until", (json_int_t)r->verify_until)))
		runbook_ask(r, "the journal cannot be written: %s", r->error);
	runbook_say(r, STEP_RUNNING, "verifying for %lld s", (long long)((r->verify_until - runbook_now(r) + 500) / 1000));
}

void verify_look(struct runbook *r)
{
	const json_t *v = r->priv->verify;
	int64_t every = json_integer_value(json_object_get(v, "every_ms")), now = runbook_now(r);
	unsigned most = (unsigned)json_integer_value(json_object_get(v, "failures"));
	enum gate_result all = GATE_PASS;
	if (now < r->priv->next_look)
		return;
	r->priv->next_look = now + (every < 2000 ? 2000 : every);
	for (unsigned i = 0; i < r->nchecks; i++) {
		struct runbook_check *c = &r->checks[i];
		struct buf say = { 0 };
		c->result = look_at(r, i, &say);
		c->failed = c->result == GATE_FAIL ? c->failed + 1 : 0;
		r->priv->untold[i] = c->result == GATE_UNKNOWN ? r->priv->untold[i] + 1 : 0;
		if (c->result != GATE_PASS && c->result != GATE_PENDING)
			runbook_say(r, STEP_FAILED, "%s: %s: %s", c->title, gate_result_name(c->result), say.data ? say.data : "");
		free(c->say);
		c->say = buf_detach(&say);
		all = worst(all, c->result);
	}
	runbook_changed(r);
	for (unsigned i = 0; i < r->nchecks && r->state == RUNBOOK_VERIFYING; i++)
		if (r->checks[i].failed >= most)
			runbook_wrong(r, "%s failed %u times in a row: %s", r->checks[i].title, r->checks[i].failed, r->checks[i].say);
	for (unsigned i = 0; i < r->nchecks && r->state == RUNBOOK_VERIFYING; i++)
		if (r->priv->untold[i] >= most)
			runbook_ask(r, "%s cannot be told: %s: go on looks again, go back takes everything back, hold leaves all as it is",
				r->checks[i].title, r->checks[i].say);
	if (r->state == RUNBOOK_VERIFYING && r->priv->stop) {
		r->priv->stop = false;
		runbook_ask(r, "stopped while verifying, as asked");
	}
	if (r->state == RUNBOOK_VERIFYING && now >= r->verify_until && all == GATE_PASS)
		runbook_end(r, RUNBOOK_DONE, NULL);
	if (r->state == RUNBOOK_VERIFYING)
		runbook_look_again(r);
}

void verify_release(struct runbook *r)
{
	for (unsigned i = 0; i < r->nchecks; i++) {
		probe_release(r, &r->priv->probes[i]);
		free(r->checks[i].title);
		free(r->checks[i].say);
	}
	free(r->checks);
	free(r->priv->probes);
	free(r->priv->untold);
}
