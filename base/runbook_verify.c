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

enum { LEAST_MS = 2000,              /* between two looks */
       NOISE_MS = 5 };               /* slower by less is not slower */

static const char *text_in(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

const json_t *verify_spec(const struct runbook *r, unsigned i)
{
	return json_array_get(json_object_get(r->priv->verify, "checks"), i);
}

static struct source *source_of(const struct runbook *r, const json_t *spec)
{
	return text_in(spec, "source") ? runbook_source(r->priv->rs, text_in(spec, "source")) : NULL;
}

static int64_t every_of(const struct runbook *r)
{
	int64_t every = json_integer_value(json_object_get(r->priv->verify, "every_ms"));
	return every < LEAST_MS ? LEAST_MS : every;
}

static char *title_of(const struct runbook *r, const json_t *spec)
{
	struct buf b = { 0 };
	if (text_in(spec, "say")) {
		buf_adds(&b, text_in(spec, "say"));
	} else {
		buf_addf(&b, "%s:", text_in(spec, "name"));
		if (text_in(spec, "where"))
			buf_addf(&b, " %s", text_in(spec, "where"));
		if (json_object_get(spec, "errors_below"))
			buf_adds(&b, " errors");
		if (json_object_get(spec, "slower_below"))
			buf_adds(&b, " latency");
		if (json_object_get(spec, "predictions"))
			buf_adds(&b, " predictions");
	}
	json_int_t n = json_integer_value(json_object_get(spec, "probes"));
	if (n) {
		buf_addf(&b, " (by %lld prediction%s each ", (long long)n, n == 1 ? "" : "s");
		fmt_age(every_of(r), &b);
		buf_addc(&b, ')');
	}
	return buf_detach(&b);
}

void verify_begin_checks(struct runbook *r)
{
	unsigned n = (unsigned)json_array_size(json_object_get(r->priv->verify, "checks"));
	r->checks = xcalloc(n + 1, sizeof(*r->checks));
	r->priv->untold = xcalloc(n + 1, sizeof(*r->priv->untold));
	r->nchecks = n;
	probes_begin(r);
	for (unsigned i = 0; i < n; i++) {
		const json_t *spec = verify_spec(r, i);
		r->checks[i].title = title_of(r, spec);
		runbook_watch(r, source_of(r, spec), text_in(spec, "kind"));
		if (json_object_get(spec, "predictions") || json_object_get(spec, "probes"))
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

static void put_figure(json_t *o, const char *name, double v)
{
	if (isfinite(v))
		json_object_set_new(o, name, json_real(v));
}

void verify_begin_before(struct runbook *r)
{
	json_decref(r->priv->before);
	r->priv->before = json_array();
	probes_forget(r);
	for (unsigned i = 0; i < r->nchecks; i++) {
		json_t *o = json_object();
		put_figure(o, "errors", figure(r, verify_spec(r, i), "errors"));
		put_figure(o, "p99", figure(r, verify_spec(r, i), "p99"));
		json_array_append_new(r->priv->before, o);
		r->priv->measuring = true;
		probe_begin_round(r, i);
	}
}

bool verify_has_before(struct runbook *r)
{
	bool all = true;
	if (!r->priv->measuring)
		return true;
	for (unsigned i = 0; i < r->nchecks; i++)
		all = probe_round_over(r, i) && all;
	if (!all)
		return false;
	r->priv->measuring = false;
	for (unsigned i = 0; i < r->nchecks; i++) {
		struct probe_figures f = probe_last(r, i);
		json_t *o = json_array_get(r->priv->before, i);
		struct buf say = { 0 };
		if (!f.n)
			continue;
		put_figure(o, "probe_errors", f.errors);
		put_figure(o, "probe_p50", f.p50);
		buf_addf(&say, "before the first step: %s: errors ", text_in(verify_spec(r, i), "name"));
		fmt_ratio(f.errors, &say);
		buf_adds(&say, ", p50 ");
		fmt_real(f.p50, &say);
		runbook_say(r, STEP_RUNNING, "%s ms of %u predictions%s%s", say.data, f.n, *f.error ? ": " : "", f.error);
		buf_release(&say);
	}
	if (!runbook_note(r, json_pack("{s:s, s:O}", "e", "before", "before", r->priv->before)))
		runbook_ask(r, "the journal cannot be written: %s", r->error);
	return true;
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

/* A share limit that is none is told; NaN then. */
static double limit_of(const json_t *limit, const char *like, struct buf *say)
{
	if (json_is_number(limit))
		return json_number_value(limit);
	buf_addf(say, ": '%s' is no share such as %s", json_string_value(limit), like);
	return NAN;
}

static enum gate_result look_errors(const struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *limit = json_object_get(verify_spec(r, i), "errors_below");
	struct probe_figures f = probe_last(r, i);
	double now = f.n ? f.errors : figure(r, verify_spec(r, i), "errors"), was = before(r, i, f.n ? "probe_errors" : "errors");
	bool last = f.n && runbook_now(r) >= r->verify_until;
	if (!limit)
		return GATE_PASS;
	buf_addf(say, "%serrors ", say->len ? "; " : "");
	fmt_ratio(now, say);
	if (f.n)
		buf_addf(say, " of %u predictions%s%s", f.n, *f.error ? ": " : "", f.error);
	else if (f.error && *f.error)
		buf_addf(say, " (%s)", f.error);
	if (isfinite(was)) {
		buf_adds(say, ", before ");
		fmt_ratio(was, say);
	}
	double most = limit_of(limit, "2%", say);
	if (!isfinite(most) || !isfinite(now))
		return GATE_UNKNOWN;
	if (last && now < most && f.all >= most && f.all > was) {      /* one now and then, which no look alone shows */
		buf_adds(say, "; in all looks ");
		fmt_ratio(f.all, say);
		return GATE_FAIL;
	}
	return now < most || now <= was ? GATE_PASS : GATE_FAIL;
}

static void put_ms(double v, struct buf *say)
{
	fmt_real(v, say);
	buf_adds(say, isfinite(v) ? " ms" : "");
}

static enum gate_result look_latency(const struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *limit = json_object_get(verify_spec(r, i), "slower_below");
	struct probe_figures f = probe_last(r, i);
	double now = f.n ? f.p50 : figure(r, verify_spec(r, i), "p99"), was = before(r, i, f.n ? "probe_p50" : "p99");
	if (!limit)
		return GATE_PASS;
	buf_addf(say, "%s%s ", say->len ? "; " : "", f.n ? "p50" : "p99");
	put_ms(now, say);
	buf_adds(say, ", before ");
	put_ms(was, say);
	if (!f.n && f.error && *f.error && !json_object_get(verify_spec(r, i), "errors_below"))
		buf_addf(say, " (%s)", f.error);
	double most = limit_of(limit, "50%", say);
	if (!isfinite(most))
		return GATE_UNKNOWN;
	if (f.n && f.errors == 1)
		return GATE_FAIL;            /* it does not answer at all */
	if (f.n && before(r, i, "probe_errors") == 1)
		return GATE_PASS;            /* nor did it before: whatever comes is quicker */
	if (!isfinite(now) || !isfinite(was))
		return GATE_UNKNOWN;
	return now <= was * (1 + most) || (f.n && now < was + NOISE_MS) ? GATE_PASS : GATE_FAIL;
}

/* ---- looking */

/* Its list is being read: a row that is not there may come yet. */
static bool is_awaited(const struct runbook *r, const json_t *spec, struct buf *say)
{
	const struct table *t;
	struct buf reading = { 0 };
	bool is = runbook_now(r) < r->verify_until && !runbook_row(r, text_in(spec, "kind"), text_in(spec, "name"), source_of(r, spec), &t) &&
		gate_sees(r->priv->rs->store, text_in(spec, "kind"), &reading) == GATE_PENDING;
	if (is)
		buf_addstr(say, buf_str(&reading));
	buf_release(&reading);
	return is;
}

static enum gate_result look_at(struct runbook *r, unsigned i, struct buf *say)
{
	const json_t *spec = verify_spec(r, i);
	const char *where = text_in(spec, "where");
	enum gate_result result = GATE_PASS;
	if (!probe_round_over(r, i)) {
		buf_adds(say, "predictions are still being asked");
		return GATE_PENDING;
	}
	if (is_awaited(r, spec, say))
		return GATE_PENDING;
	if (where)
		result = runbook_fits(r, text_in(spec, "kind"), text_in(spec, "name"), source_of(r, spec), where, say);
	result = worst(result, look_errors(r, i, say));
	result = worst(result, look_latency(r, i, say));
	return worst(result, probe_predictions(r, i, say));
}

static void begin_rounds(struct runbook *r)
{
	for (unsigned i = 0; i < r->nchecks; i++)
		if (probe_round_over(r, i))
			probe_begin_round(r, i);
}

void verify_begin_looking(struct runbook *r)
{
	const json_t *v = r->priv->verify;
	r->state = RUNBOOK_VERIFYING;
	r->verify_until = runbook_now(r) + json_integer_value(json_object_get(v, "for_ms"));
	r->priv->next_look = runbook_now(r) + every_of(r);
	for (unsigned i = 0; i < r->nchecks; i++) {
		r->checks[i].failed = r->priv->untold[i] = 0;
		r->checks[i].result = GATE_PENDING;
	}
	probes_forget(r);
	begin_rounds(r);
	runbook_look_again(r);
	if (!runbook_note(r, json_pack("{s:s, s:I}", "e", "verify", "until", (json_int_t)r->verify_until)))
		runbook_ask(r, "the journal cannot be written: %s", r->error);
	runbook_say(r, STEP_RUNNING, "verifying for %lld s", (long long)((r->verify_until - runbook_now(r) + 500) / 1000));
}

void verify_look(struct runbook *r)
{
	const json_t *v = r->priv->verify;
	int64_t now = runbook_now(r);
	unsigned most = (unsigned)json_integer_value(json_object_get(v, "failures"));
	enum gate_result all = GATE_PASS;
	if (now < r->priv->next_look)
		return;
	r->priv->next_look = now + every_of(r);
	for (unsigned i = 0; i < r->nchecks; i++) {
		struct runbook_check *c = &r->checks[i];
		struct buf say = { 0 };
		c->result = look_at(r, i, &say);
		if (c->result != GATE_PENDING) {     /* what is still being asked is neither better nor worse */
			c->failed = c->result == GATE_FAIL ? c->failed + 1 : 0;
			r->priv->untold[i] = c->result == GATE_UNKNOWN ? r->priv->untold[i] + 1 : 0;
		}
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
	if (r->state == RUNBOOK_VERIFYING) {
		begin_rounds(r);
		runbook_look_again(r);
	} else {
		probes_forget(r);
	}
}

void verify_release(struct runbook *r)
{
	for (unsigned i = 0; i < r->nchecks; i++) {
		free(r->checks[i].title);
		free(r->checks[i].say);
	}
	probes_release(r);
	free(r->checks);
	free(r->priv->untold);
}
