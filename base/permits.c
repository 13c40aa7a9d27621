/* permits: see permits.h. */
#define _GNU_SOURCE
#include "base/permits.h"
#include "base/action.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdlib.h>

enum { AGAIN_MS = 5 * 60000, BETWEEN_MS = 2000, MOST = 200 };

struct place {
	struct permits *all;
	const struct source *source;
	char *kind, *space;
	int64_t asked;               /* mono ms */
	uint64_t id;                 /* of the request under way, 0: none */
	json_t *may;                 /* NULL: not known */
};
struct permits {
	struct store *store;
	const struct clock *clock;
	struct place *places[MOST];  /* newest last; the oldest go */
	unsigned n;
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

void permits_free(struct permits *p)
{
	for (unsigned i = 0; p && i < p->n; i++)
		place_free(p->places[i]);
	free(p);
}

static struct str space_of(struct str key)
{
	const char *slash = key.n ? memchr(key.p, '/', key.n) : NULL;

	return slash ? (struct str){ key.p, (size_t)(slash - key.p) } : STR("");
}

static struct place *find(const struct permits *p, const struct source *s, const char *kind, struct str key)
{
	for (unsigned i = p->n; i-- > 0;)
		if (p->places[i]->source == s && !strcmp(p->places[i]->kind, kind) && str_is(space_of(key), p->places[i]->space))
			return p->places[i];
	return NULL;
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
	x->space = str_dup(space_of(key));
	p->places[p->n++] = x;
	return x;
}

void permits_want(struct permits *p, struct source *s, const char *kind, struct str key)
{
	struct place *x = find(p, s, kind, key);
	int64_t now = clock_mono(p->clock);
	json_t *params;
	char *text;

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
	x->id = source_ask(s, request_new(REQ_ASK, kind, STR(""), "can", text));
	store_expect(p->store, x->id, on_answer, x);
	free(text);
	json_decref(params);
}

const char *permits_refused(const struct permits *p, const struct source *s, const char *kind, struct str key, const char *action)
{
	const struct place *x = find(p, s, kind, key);

	return x ? json_string_value(json_object_get(x->may, action)) : NULL;
}
