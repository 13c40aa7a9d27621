/* store: see store.h. */
#include "base/store.h"
#include "base/mem.h"
#include <stdlib.h>

struct expected {
	uint64_t id;
	store_reply_fn fn;
	void *arg;
};

struct store_private {
	struct msg *rows;          /* being applied */
	struct rd at;
	struct table *into;
	struct expected *expected;
	unsigned nexpected;
	void (*tap)(void *arg, const struct msg *m);
	void *tap_arg;
	struct kind **made;        /* kinds made at run time */
	unsigned nmade;
};

struct store *store_new(const struct clock *clock)
{
	struct store *s = xcalloc(1, sizeof(*s));
	s->priv = xcalloc(1, sizeof(*s->priv));
	s->clock = clock;
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->nsources; i++) {
		struct source_state *x = &s->sources[i];
		free(x->name), free(x->environment), free(x->why), free(x->remedy), free(x->version), free(x->detail);
	}
	for (unsigned i = 0; i < s->ntables; i++)
		table_free(s->tables[i]);
	for (unsigned i = 0; i < s->nkinds; i++)
		free(s->kinds[i].kind), free(s->kinds[i].why);
	for (unsigned i = 0; i < s->priv->nmade; i++)
		kind_free(s->priv->made[i]);
	msg_free(s->priv->rows);
	free(s->priv->made);
	free(s->priv->expected);
	free(s->priv);
	free(s->sources);
	free(s->tables);
	free(s->kinds);
	free(s);
}

void store_add_kind(struct store *s, const struct kind *k)
{
	s->tables = xreallocarray(s->tables, s->ntables + 1, sizeof(struct table *));
	s->tables[s->ntables++] = table_new(k);
}

uint16_t store_add_source(struct store *s, const char *name, const char *environment)
{
	s->sources = xreallocarray(s->sources, s->nsources + 1, sizeof(*s->sources));
	s->sources[s->nsources] = (struct source_state){
		.name = xstrdup(name), .environment = xstrdup(environment ? environment : ""), .latency_us = -1,
		.since = clock_wall(s->clock), .why = xstrdup(""), .remedy = xstrdup(""), .version = xstrdup(""),
		.detail = xstrdup(""),
	};
	return (uint16_t)s->nsources++;
}

struct table *store_table(struct store *s, const char *kind)
{
	for (unsigned i = 0; i < s->ntables; i++)
		if (strcmp(s->tables[i]->kind->name, kind) == 0)
			return s->tables[i];
	return NULL;
}

const struct table *store_table_const(const struct store *s, const char *kind)
{
	return store_table((struct store *)s, kind);
}

const struct kind *store_kind(const struct store *s, struct str word)
{
	for (unsigned i = 0; i < s->ntables; i++)
		if (str_is(word, s->tables[i]->kind->name))
			return s->tables[i]->kind;
	for (unsigned i = 0; i < s->ntables; i++)
		if (kind_answers_to(s->tables[i]->kind, word))
			return s->tables[i]->kind;
	return NULL;
}

const struct kind_state *store_kind_state(const struct store *s, const char *kind, uint16_t source)
{
	for (unsigned i = 0; i < s->nkinds; i++)
		if (s->kinds[i].source == source && strcmp(s->kinds[i].kind, kind) == 0)
			return &s->kinds[i];
	return NULL;
}

static struct kind_state *need_kind_state(struct store *s, struct str kind, uint16_t source)
{
	for (unsigned i = 0; i < s->nkinds; i++)
		if (s->kinds[i].source == source && str_is(kind, s->kinds[i].kind))
			return &s->kinds[i];
	s->kinds = xreallocarray(s->kinds, s->nkinds + 1, sizeof(*s->kinds));
	s->kinds[s->nkinds] = (struct kind_state){ .source = source, .kind = str_dup(kind),
		.state = HEALTH_IDLE, .since = clock_wall(s->clock), .why = xstrdup("") };
	return &s->kinds[s->nkinds++];
}

static void replace(char **text, struct str with)
{
	free(*text);
	*text = str_dup(with);
}

static void apply_health(struct store *s, const struct msg *m)
{
	struct msg_health h;
	if (!msg_get_health(m, &h))
		return;
	if (h.kind.n) {
		struct kind_state *k = need_kind_state(s, h.kind, m->source);
		k->state = h.state;
		k->since = h.since;
		replace(&k->why, h.why);
		return;
	}
	struct source_state *x = &s->sources[m->source];
	if (x->state != h.state)
		x->since = h.since;
	x->state = h.state;
	x->latency_us = h.latency_us;
	x->insecure = h.insecure;
	replace(&x->why, h.why);
	replace(&x->remedy, h.remedy);
	if (h.version.n)
		replace(&x->version, h.version);
	if (h.detail.n)
		replace(&x->detail, h.detail);
}

void store_expect(struct store *s, uint64_t id, store_reply_fn fn, void *arg)
{
	struct store_private *p = s->priv;
	p->expected = xreallocarray(p->expected, p->nexpected + 1, sizeof(*p->expected));
	p->expected[p->nexpected++] = (struct expected){ id, fn, arg };
}

void store_forget(struct store *s, uint64_t id)
{
	struct store_private *p = s->priv;
	for (unsigned i = 0; i < p->nexpected; i++) {
		if (p->expected[i].id == id) {
			p->expected[i] = p->expected[--p->nexpected];
			return;
		}
	}
}

static void reply(struct store *s, const struct msg *m)
{
	for (unsigned i = 0; i < s->priv->nexpected; i++) {
		if (s->priv->expected[i].id == m->id) {
			s->priv->expected[i].fn(s->priv->expected[i].arg, m);
			return;
		}
	}
}

/* The table for the message's kind, made when the message brings the kind along. NULL: unknown or malformed. */
static struct table *table_for(struct store *s, struct str name, struct rd at)
{
	for (unsigned i = 0; i < s->ntables; i++)
		if (str_is(name, s->tables[i]->kind->name))
			return s->tables[i];
	enum rows_op op;
	if (!rows_next(&at, &op) || op != ROWS_KIND)
		return NULL;
	struct kind *k = kind_parse(rd_string(&at));
	if (!k)
		return NULL;
	if (!str_is(name, k->name)) {
		kind_free(k);
		return NULL;
	}
	s->priv->made = xreallocarray(s->priv->made, s->priv->nmade + 1, sizeof(*s->priv->made));
	s->priv->made[s->priv->nmade++] = k;
	store_add_kind(s, k);
	return s->tables[s->ntables - 1];
}

static void open_rows(struct store *s, struct msg *m)
{
	struct store_private *p = s->priv;
	struct str name = rows_open(&p->at, buf_str(&m->body));
	p->rows = m;
	p->into = p->at.bad ? NULL : table_for(s, name, p->at);
	if (!p->into)
		p->at = rd_of((struct str){ "", 0 });
}

static bool continue_rows(struct store *s, unsigned budget)
{
	struct store_private *p = s->priv;
	struct table *t = p->into;
	bool ok = t && table_apply(t, p->rows->source, &p->at, budget);
	if (t) {
		struct kind_state *k = need_kind_state(s, str_of(t->kind->name), p->rows->source);
		struct table_listing l = table_listing(t, p->rows->source);
		k->listing = l.listing;
		k->listed = l.listed;
	}
	if (ok && rd_more(&p->at))
		return true;
	if (!ok) {
		struct source_state *x = &s->sources[p->rows->source];
		replace(&x->why, STR("sent rows that cannot be read; they are left out"));
	}
	struct msg *m = p->rows;
	p->rows = NULL;
	if (p->tap && t)
		p->tap(p->tap_arg, m);
	msg_free(m);
	return false;
}

bool store_busy(const struct store *s)
{
	return s->priv->rows != NULL;
}

void store_tap(struct store *s, void (*fn)(void *arg, const struct msg *m), void *arg)
{
	s->priv->tap = fn;
	s->priv->tap_arg = arg;
}

bool store_apply(struct store *s, struct msg *m, unsigned budget)
{
	s->version++;
	if (!m)
		return s->priv->rows && continue_rows(s, budget);
	if (m->source >= s->nsources) {
		msg_free(m);
		return false;
	}
	s->sources[m->source].heard = m->at;
	if (m->type == MSG_ROWS) {
		open_rows(s, m);
		return continue_rows(s, budget);
	}
	if (m->type == MSG_HEALTH) {
		apply_health(s, m);
		if (s->priv->tap)
			s->priv->tap(s->priv->tap_arg, m);
	} else {
		reply(s, m);
	}
	msg_free(m);
	return false;
}
