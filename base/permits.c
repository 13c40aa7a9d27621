/* permits: see permits.h. */
#define _GNU_SOURCE
#include "base/permits.h"
#include "base/action.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AGAIN_MS = 5 * 60000, KEEP_MS = 10 * 60000, BETWEEN_MS = 2000, MOST = 200 };

struct place {
	struct permits *all;
	const struct source *source;
	char *kind, *space;
	int64_t asked;               /* mono ms */
	uint64_t id;                 /* of the request under way, 0: none */
	json_t *may;                 /* NULL: not known */
};
struct refusal {
	const struct source *source;
	char *kind, *place, *action, *say;
	int64_t at;                  /* mono ms */
};
struct permits {
	struct store *store;
	const struct clock *clock;
	struct place *places[MOST];  /* newest last; the oldest go */
	unsigned n;
	struct refusal refusals[MOST]; unsigned nrefusals;       /* newest last */
};

struct permits *permits_new(struct store *store, const struct clock *clock)
{
	struct permits *p = xcalloc(1, sizeof(*p));

	p->store = store;
	p->clock = clock;
	return p;
}

static void place_free(struct place *x)
{
	if (x->id)
		store_forget(x->all->store, x->id);
	json_decref(x->may);
	free(x->kind);
	free(x->space);
	free(x);
}

static void refusal_drop(struct permits *p, unsigned i)
{
	struct refusal *r = &p->refusals[i];

	free(r->kind);
	free(r->place);
	free(r->action);
	free(r->say);
	memmove(r, r + 1, (--p->nrefusals - i) * sizeof(*r));
	p->store->version++;
}

void permits_free(struct permits *p)
{
	for (unsigned i = 0; p && i < p->n; i++)
		place_free(p->places[i]);
	while (p && p->nrefusals)
		refusal_drop(p, p->nrefusals - 1);
	free(p);
}

/* exact: of a key without a slash the key itself. */
static struct str place_of(struct str key, bool exact)
{
	const char *slash = key.n ? memchr(key.p, '/', key.n) : NULL;

	return slash ? (struct str){ key.p, (size_t)(slash - key.p) } : exact ? key : STR("");
}

static struct place *find(const struct permits *p, const struct source *s, const char *kind, struct str key)
{
	struct str place = place_of(key, s->backend->permits_each);

	for (unsigned i = p->n; i-- > 0;)
		if (p->places[i]->source == s && !strcmp(p->places[i]->kind, kind) && str_is(place, p->places[i]->space))
			return p->places[i];
	return NULL;
}

/* ---- remembered */

static int remembered(const struct permits *p, const struct source *s, const char *kind, struct str place, const char *action)
{
	for (unsigned i = p->nrefusals; i-- > 0;) {
		const struct refusal *r = &p->refusals[i];

		if (r->source == s && !strcmp(r->kind, kind) && str_is(place, r->place) && !strcmp(r->action, action))
			return (int)i;
	}
	return -1;
}

void permits_learn(struct permits *p, const struct source *s, const char *kind, struct str key, const char *action, const char *refused)
{
	struct str place = place_of(key, true);
	int at = p ? remembered(p, s, kind, place, action) : -1;
	time_t now = p ? (time_t)(clock_wall(p->clock) / 1000) : 0;
	char when[16] = "";
	struct tm tm;

	if (at >= 0)
		refusal_drop(p, (unsigned)at);
	if (!p || !refused)
		return;
	if (p->nrefusals == MOST)
		refusal_drop(p, 0);
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%H:%M", &tm);
	p->refusals[p->nrefusals++] = (struct refusal){ s, xstrdup(kind), str_dup(place), xstrdup(action),
		xasprintf("refused at %s: %.300s", when, refused), clock_mono(p->clock) };
	p->store->version++;
}

void permits_after_plan(struct permits *p, const struct act *act, const struct act_target *t, bool refused)
{
	const char *blocked = t->error ? t->error : json_string_value(json_object_get(t->plan, "blocked")),
	           *dry_run = json_string_value(json_object_get(t->plan, "dry_run"));
	bool accepted = !blocked && dry_run && !strncmp(dry_run, "accepted", 8);

	if ((refused && blocked) || accepted)
		permits_learn(p, act->source, act->kind, str_of(t->key), act->action->name, accepted ? NULL : blocked);
}

void permits_forget(struct permits *p, const struct source *s)
{
	for (unsigned i = p->nrefusals; i-- > 0;)
		if (!s || p->refusals[i].source == s)
			refusal_drop(p, i);
	for (unsigned i = p->n; i-- > 0;) {
		struct place *x = p->places[i];

		if (s && x->source != s)
			continue;
		place_free(x);
		memmove(&p->places[i], &p->places[i + 1], (--p->n - i) * sizeof(*p->places));
		p->store->version++;
	}
}

/* What was refused by a server that was lost since may be permitted by the one that came back; and nothing is known forever. */
static void forget_old(struct permits *p)
{
	for (unsigned i = p->nrefusals; i-- > 0;)
		if (clock_mono(p->clock) - p->refusals[i].at > KEEP_MS)
			refusal_drop(p, i);
	for (unsigned i = 0; i < p->store->nsources; i++) {
		const struct source_state *x = &p->store->sources[i];
		bool lost = x->state == HEALTH_STALE || x->state == HEALTH_DOWN || x->state == HEALTH_CONNECTING;

		for (unsigned k = p->nrefusals; lost && k-- > 0;)
			if (p->refusals[k].source->index == i)
				refusal_drop(p, k);
	}
}

/* ---- asked */

/* What is permitted by now is refused no more. */
static void take_back(struct place *x)
{
	struct permits *p = x->all;

	for (unsigned i = p->nrefusals; i-- > 0;) {
		const struct refusal *r = &p->refusals[i];

		if (r->source == x->source && !strcmp(r->kind, x->kind) && !strcmp(r->place, x->space) &&
		    json_is_true(json_object_get(x->may, r->action)))
			refusal_drop(p, i);
	}
}

static void on_answer(void *arg, const struct msg *m)
{
	struct place *x = arg;
	struct msg_answer a;
	json_t *o;

	if (m->type != MSG_ANSWER || x->id != m->id)
		return;
	store_forget(x->all->store, x->id);
	x->id = 0;
	if (!msg_get_answer(m, &a) || !a.ok)
		return;                                            /* what was known of it stays */
	o = json_loadb(a.json.p, a.json.n, 0, NULL);
	if (json_is_object(json_object_get(o, "may"))) {
		json_decref(x->may);
		x->may = json_incref(json_object_get(o, "may"));
		take_back(x);
		x->all->store->version++;
	}
	json_decref(o);
}

static bool offers_any(const struct backend *b, const char *kind)
{
	for (const struct action *const *a = b->actions; a && *a; a++)
		if (action_find(b, (*a)->name, kind))
			return true;
	return false;
}

static struct place *add(struct permits *p, const struct source *s, const char *kind, struct str key)
{
	struct place *x = xcalloc(1, sizeof(*x));

	if (p->n == MOST) {
		place_free(p->places[0]);
		memmove(p->places, p->places + 1, (MOST - 1) * sizeof(*p->places));
		p->n--;
	}
	x->all = p;
	x->source = s;
	x->kind = xstrdup(kind);
	x->space = str_dup(place_of(key, s->backend->permits_each));
	p->places[p->n++] = x;
	return x;
}

void permits_want(struct permits *p, struct source *s, const char *kind, struct str key)
{
	struct place *x = find(p, s, kind, key);
	int64_t now = clock_mono(p->clock);
	json_t *params;
	char *text;

	forget_old(p);
	if (s->readonly || !offers_any(s->backend, kind) || (x && (x->id || now - x->asked < AGAIN_MS)))
		return;
	for (unsigned i = 0; i < p->n; i++)
		if (p->places[i]->source == s && now - p->places[i]->asked < BETWEEN_MS)
			return;
	if (!x)
		x = add(p, s, kind, key);
	x->asked = now;
	params = json_pack("{ss}", "namespace", x->space);
	text = json_dumps(params, JSON_COMPACT);
	x->id = source_ask(s, request_new(REQ_ASK, kind, key, "can", text));
	store_expect(p->store, x->id, on_answer, x);
	free(text);
	json_decref(params);
}

const char *permits_refused(const struct permits *p, const struct source *s, const char *kind, struct str key, const char *action)
{
	const struct place *x = find(p, s, kind, key);
	int at = remembered(p, s, kind, place_of(key, true), action);

	return at >= 0 ? p->refusals[at].say : x ? json_string_value(json_object_get(x->may, action)) : NULL;
}
