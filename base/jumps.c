/* jumps: see jumps.h. What a figure is held against follows it slowly while it stays about the same, so that a drift of hours is
 * no jump; a figure of few calls is none at all. */
#include "base/jumps.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

enum { ENDPOINTS_MAX = 256, CALLS_LEAST = 5 };
#define SETTLE_MS 30000              /* the first figures of an endpoint */
#define FOLLOW_MS 600000.0           /* in which what is held against follows a figure by two thirds */

/* Times `ratio` and `least` apart is a jump, either way. */
static const struct figure { const char *col; double ratio, least; bool share; } figures[] = {
	{ "p50", 1.5, 5 }, { "p99", 2, 20 }, { "errors", 1.5, 0.05, true },
};
enum { FIGURES = ARRAY_SIZE(figures) };

struct endpoint {
	uint16_t source;
	char *key;
	int64_t first, seen;                 /* wall ms */
	struct { double was, is; int64_t since; } of[FIGURES];       /* since: it is beyond; 0: it is not */
};
struct jumps { struct endpoint list[ENDPOINTS_MAX]; unsigned n; };

struct jumps *jumps_new(void)
{
	return xcalloc(1, sizeof(struct jumps));
}

void jumps_free(struct jumps *j)
{
	for (unsigned i = 0; j && i < j->n; i++)
		free(j->list[i].key);
	free(j);
}

/* The one seen longest ago makes room. */
static struct endpoint *endpoint_of(struct jumps *j, const struct row *r, int64_t now)
{
	struct endpoint *old = &j->list[0];
	for (unsigned i = 0; i < j->n; i++) {
		if (j->list[i].source == r->source && str_is(row_key(r), j->list[i].key))
			return &j->list[i];
		old = j->list[i].seen < old->seen ? &j->list[i] : old;
	}
	struct endpoint *e = j->n < ENDPOINTS_MAX ? &j->list[j->n++] : old;
	free(e->key);
	*e = (struct endpoint){ .source = r->source, .key = str_dup(row_key(r)), .first = now, .seen = now };
	for (int i = 0; i < FIGURES; i++)
		e->of[i].was = e->of[i].is = NAN;
	return e;
}

/* 1: worse, -1: better, 0: about the same. */
static int beyond(const struct figure *f, double was, double is)
{
	double more = fmax(was, is), less = fmin(was, is);
	return more - less >= f->least && more >= less * f->ratio ? (is > was ? 1 : -1) : 0;
}

void jumps_see(struct jumps *j, const struct table *t, const struct row *r, int64_t now)
{
	int calls = kind_col(t->kind, STR("calls"), false);
	if (calls >= 0 && !row_null(r, calls) && row_int(r, calls) < CALLS_LEAST)
		return;
	struct endpoint *e = endpoint_of(j, r, now);
	double follow = 1 - exp(-(double)(now > e->seen ? now - e->seen : 0) / FOLLOW_MS);
	e->seen = now;
	for (int i = 0; i < FIGURES; i++) {
		int col = kind_col(t->kind, str_of(figures[i].col), false);
		if (col < 0 || row_null(r, col))
			continue;
		double is = row_real(r, col), was = e->of[i].was;
		int before = isnan(was) ? 0 : beyond(&figures[i], was, e->of[i].is);
		e->of[i].is = is;
		if (isnan(was) || now - e->first < SETTLE_MS) {
			e->of[i].was = is;
		} else if (!beyond(&figures[i], was, is)) {
			e->of[i].was = was + (is - was) * follow;
			e->of[i].since = 0;
		} else if (!e->of[i].since || beyond(&figures[i], was, is) != before) {
			e->of[i].since = now;
		}
	}
}

static void say(const struct figure *f, double was, double is, struct buf *out)
{
	buf_addf(out, "%s%s ", out->len ? ", " : "", f->col);
	if (f->share)
		buf_addf(out, "%.0f %% -> %.0f %%", was * 100, is * 100);
	else
		buf_addf(out, "%.3g -> %.3g ms", was, is);
}

void jumps_tell(struct jumps *j, int64_t now, void (*each)(void *arg, const struct jump *x), void *arg)
{
	for (unsigned k = 0; k < j->n; k++) {
		struct endpoint *e = &j->list[k];
		struct buf text = { 0 };
		bool sustained = false, slower = false, fails = false, latency = false;
		int64_t at = now;
		for (int i = 0; i < FIGURES; i++)
			sustained |= e->of[i].since && now - e->of[i].since >= JUMP_SUSTAIN_MS;
		/* what goes with it is told with it, though it began later */
		for (int i = 0; sustained && i < FIGURES; i++)
			if (e->of[i].since) {
				say(&figures[i], e->of[i].was, e->of[i].is, &text);
				latency |= !figures[i].share;
				*(figures[i].share ? &fails : &slower) |= e->of[i].is > e->of[i].was;
				at = e->of[i].since < at ? e->of[i].since : at;
				e->of[i].was = e->of[i].is;
				e->of[i].since = 0;
			}
		if (sustained)
			each(arg, &(struct jump){ e->source, str_of(e->key), at, fails || slower, fails ? "fails more" : slower ? "is slower" :
				latency ? "is faster" : "fails less", buf_str(&text) });
		buf_release(&text);
	}
}
