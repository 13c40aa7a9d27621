/* demo_checks: checks of the simulated drift history that somebody acknowledged, here in the world and not in a history file. */
#include "backends/demo/ways.h"
#include "base/acknowledge.h"
#include <stdio.h>
#include <stdlib.h>

static const struct acked *find(const struct world *w, struct str key)
{
	for (unsigned i = 0; i < w->nacked; i++)
		if (str_is(key, w->acked[i].key))
			return &w->acked[i];
	return NULL;
}

bool demo_check_known(const struct world *w, int64_t at)
{
	char key[24];
	snprintf(key, sizeof(key), "%lld", (long long)(at / 1000));
	return find(w, str_of(key)) != NULL;
}

void demo_checks_acked(const struct world *w, struct buf *body)
{
	for (unsigned i = 0; i < w->nacked; i++)
		acknowledge_put(body, &(struct acknowledged){ w->acked[i].key, w->acked[i].words, w->acked[i].until }, w->now);
}

static void forget(struct world *w, unsigned i)
{
	w->acked[i] = w->acked[--w->nacked];
	w->checks_dirty = true;
}

bool demo_checks_forget(struct world *w)
{
	unsigned had = w->nacked;
	for (unsigned i = w->nacked; i--;)
		if (w->acked[i].until && w->acked[i].until <= w->now)
			forget(w, i);
	return w->nacked != had;
}

static bool check_state(struct doing *d, struct buf *out)
{
	const struct acked *a = find(d->w, str_of(d->r->key));
	int64_t at;
	buf_adds(out, a ? a->words : "open");
	for (unsigned i = 0; i < d->w->nchecks; i++)
		if (str_to_i64(str_of(d->r->key), &at) && d->w->checks[i].at / 1000 == at)
			return true;
	return false;
}

static void plan(struct doing *d)
{
	const struct acked *a = find(d->w, str_of(d->r->key));
	acknowledge_plan(d->plan, d->r, d->params, a ? a->words : NULL, d->w->now);
	if (strcmp(d->r->what, "withdraw") && !a && d->w->nacked == ACKED_MAX)
		SAY(d, "blocked", "the demo remembers %d acknowledgements at most", ACKED_MAX);
}

static bool run(struct doing *d)
{
	const struct acked *a = find(d->w, str_of(d->r->key));
	struct buf note = { 0 };
	if (!strcmp(d->r->what, "withdraw")) {
		forget(d->w, (unsigned)(a - d->w->acked));
		buf_adds(&d->say, "it is a finding again");
		return true;
	}
	struct acked *k = a ? &d->w->acked[a - d->w->acked] : &d->w->acked[d->w->nacked++];
	int64_t lasts = plan_param_ms(d->params, "until", 0);
	plan_param_text(d->params, "note", &note);
	*k = (struct acked){ .until = lasts ? d->w->now + lasts : 0 };
	snprintf(k->key, sizeof(k->key), "%s", d->r->key);
	snprintf(k->words, sizeof(k->words), "you: %s", note.data);
	d->w->checks_dirty = true;
	buf_adds(&d->say, "acknowledged");
	buf_release(&note);
	return true;
}

const struct demo_way demo_ways_checks[] = {
	{ &act_acknowledge, check_state, plan, run }, { &act_withdraw, check_state, plan, run }, { .action = NULL },
};
