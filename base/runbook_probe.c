/* runbook_probe: what a verification measures from outside: predictions asked of the endpoint itself, with recent inputs of the log,
 * one after the other. A round of them goes before the first step and one before each look, so that share of errors and latency
 * are known where the endpoint tells none; what differs from what was logged (`predictions`) is asked once and then stands. */
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/runbook_private.h"
#include "base/sample.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LATE_MS = 10000 };            /* a round that takes longer is over: what came by then counts, and nothing at all is an error */

struct runbook_probe {
	struct sample *round, *once;
	int64_t began;               /* of the round, wall ms */
	bool waits;                  /* to begin it, for lists that are being read */
	unsigned asked, failed;      /* in all rounds since the verification began */
	struct probe_figures last;
	char error[160];
};

void probes_begin(struct runbook *r)
{
	r->priv->probes = xcalloc(r->nchecks + 1, sizeof(*r->priv->probes));
}

static void drop(struct sample **s)
{
	sample_free(*s);
	*s = NULL;
}

static void forget(struct runbook_probe *p)
{
	drop(&p->round);
	drop(&p->once);
	*p = (struct runbook_probe){ .last = { .errors = NAN, .p50 = NAN, .all = NAN, .error = "" } };
}

void probes_forget(struct runbook *r)
{
	for (unsigned i = 0; r->priv->probes && i < r->nchecks; i++)
		forget(&r->priv->probes[i]);
}

void probes_release(struct runbook *r)
{
	probes_forget(r);
	free(r->priv->probes);
}

/* Nothing is asked yet. NULL: no such endpoint, or no inputs to ask it with; waits: their lists are still being read. */
static struct sample *gather(struct runbook *r, const json_t *spec, const char *not_version, unsigned n, struct buf *why, bool *waits)
{
	const struct runbooks *rs = r->priv->rs;
	const struct table *t;
	const struct row *row = runbook_row(r, "modelendpoints", json_text(spec, "name"), runbook_source(rs, json_text(spec, "source")), &t);
	struct sample_of of[2] = { { row && row->source < rs->nsources ? rs->sources[row->source] : NULL, row ? str_dup(row_key(row)) : NULL } };
	struct sample *s = of[0].source ? sample_new(rs->store, r->model, not_version, n, of) : NULL;
	free(of[0].key);
	*waits = false;
	if (s && s->n) {
		s->at_once = 1;
		return s;
	}
	drop(&s);
	*waits = gate_sees(rs->store, row ? "predictions" : "modelendpoints", why) == GATE_PENDING;
	buf_clear(why);
	if (row)
		buf_addf(why, "no recent inputs%s are in the log", not_version ? " of another version" : "");
	else
		buf_addf(why, "there is no endpoint '%s'", json_text(spec, "name"));
	return NULL;
}

static struct sample *begin(struct runbook *r, const json_t *spec, const char *not_version, unsigned n, struct buf *why, bool *waits)
{
	struct sample *s = gather(r, spec, not_version, n, why, waits);
	if (s)
		sample_tick(s);
	return s;
}

/* ---- rounds */

static unsigned wanted(const json_t *spec)
{
	return (unsigned)json_integer_value(json_object_get(spec, "probes"));
}

/* What will not be measured is told while nothing is done yet. */
void probes_foresee(struct runbook *r)
{
	for (unsigned i = 0; i < r->nchecks; i++) {
		const json_t *spec = verify_spec(r, i), *n = json_object_get(spec, "predictions");
		struct buf why = { 0 };
		bool waits = false;
		struct sample *s = wanted(spec) || n ? gather(r, spec, n ? r->version : NULL, 1, &why, &waits) : NULL;
		drop(&s);
		if (why.len && !waits) {
			free(r->checks[i].say);
			r->checks[i].say = xasprintf("cannot be measured now: %s", why.data);
		}
		buf_release(&why);
	}
}

/* One that cannot be begun leaves its check with what the endpoint's row says. */
void probe_begin_round(struct runbook *r, unsigned i)
{
	struct buf why = { 0 };
	struct runbook_probe *p = &r->priv->probes[i];
	const json_t *spec = verify_spec(r, i);
	bool waits;
	if (r->state == RUNBOOK_VERIFYING && json_object_get(spec, "predictions") && !p->once)
		p->once = begin(r, spec, r->version, (unsigned)json_integer_value(json_object_get(spec, "predictions")), &why, &waits);
	buf_clear(&why);
	drop(&p->round);
	if (wanted(spec))
		p->round = begin(r, spec, NULL, wanted(spec), &why, &p->waits);
	p->began = runbook_now(r);
	p->last.error = p->error;
	if (!p->last.n)
		snprintf(p->error, sizeof(p->error), "%s", why.data && !p->round ? why.data : "");
	buf_release(&why);
}

bool probe_round_over(struct runbook *r, unsigned i)
{
	struct runbook_probe *p = &r->priv->probes[i];
	if (!p->round && p->waits && runbook_now(r) - p->began < RUNBOOK_LIST_MS) {
		int64_t since = p->began;
		probe_begin_round(r, i);
		p->began = p->round ? p->began : since;
	}
	if (!p->round)
		return !p->waits || runbook_now(r) - p->began >= RUNBOOK_LIST_MS;
	struct sample_figures f = sample_figures(p->round);
	if (p->round->in < p->round->n && runbook_now(r) - p->began < LATE_MS)
		return false;
	bool silent = !f.answered[0] && !f.failed[0];
	unsigned failed = f.failed[0] + silent, asked = f.answered[0] + failed;
	const char *error = f.error[0] ? f.error[0] : "no answer in 10 s";
	p->asked += asked;
	p->failed += failed;
	p->last = (struct probe_figures){ .n = asked, .errors = (double)failed / asked, .p50 = f.p50[0], .all = (double)p->failed / p->asked };
	snprintf(p->error, sizeof(p->error), "%s", failed ? error : "");
	p->last.error = p->error;
	drop(&p->round);
	return true;
}

struct probe_figures probe_last(const struct runbook *r, unsigned i)
{
	return r->priv->probes[i].last;
}

/* ---- against what was logged */

enum gate_result probe_predictions(struct runbook *r, unsigned i, struct buf *say)
{
	struct sample **s = &r->priv->probes[i].once;
	const json_t *spec = verify_spec(r, i), *want = json_object_get(spec, "predictions"), *limit = json_object_get(spec, "differ_below");
	if (!want)
		return GATE_PASS;
	buf_adds(say, say->len ? "; " : "");
	struct buf why = { 0 };
	bool waits = false;
	if (!*s && !(*s = begin(r, spec, r->version, (unsigned)json_integer_value(want), &why, &waits)))
		buf_adds(say, why.data);
	buf_release(&why);
	if (!*s)
		return waits && runbook_now(r) < r->verify_until ? GATE_PENDING : GATE_UNKNOWN;
	if ((*s)->in < (*s)->n) {
		buf_addf(say, "%u of %u inputs predicted", (*s)->in, (*s)->n);
		return GATE_PENDING;
	}
	struct sample_figures f = sample_figures(*s);
	unsigned n = (*s)->n;
	buf_addf(say, "%u predictions differ by ", f.both);
	fmt_ratio(f.mean, say);
	buf_adds(say, " on average, at most ");
	fmt_ratio(f.most, say);
	if (f.failed[0])
		buf_addf(say, "; %u were not answered: %.120s", f.failed[0], f.error[0]);
	if (limit && !json_is_number(limit))
		buf_addf(say, ": '%s' is no share such as 40%%", json_string_value(limit));
	enum gate_result result = f.failed[0] * 2 > n ? GATE_FAIL : !limit ? GATE_PASS : !json_is_number(limit) || !isfinite(f.mean) ? GATE_UNKNOWN
		: f.mean < json_number_value(limit) ? GATE_PASS : GATE_FAIL;
	if (result != GATE_PASS)
		drop(s);
	return result;
}
