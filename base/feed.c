/* feed: see feed.h. */
#include "base/feed.h"
#include "base/mem.h"
#include <stdlib.h>

#define LAG_BYTES (512 * 1024)   /* so much of one kind may wait at a reader, and twice the kind's rows */

struct reading {                 /* one kind of one source, for one reader */
	unsigned reader, from;       /* places in sources */
	const char *kind;
	uint64_t watch;
	bool owed;                   /* a full listing, as soon as the store is between two messages */
};
struct feed {
	struct store *store;
	struct source **sources;
	unsigned nsources;
	struct look { unsigned source; char *kind; unsigned count; bool told; } *looks;   /* what is watched of readers; told: it knows from whom */
	unsigned nlooks;
	struct reading *readings;
	unsigned n;
};

static const struct source_state *state_of(const struct feed *f, unsigned source)
{
	return &f->store->sources[f->sources[source]->index];
}

static void send_listing(struct feed *f, struct reading *r)
{
	const struct table *t = store_table(f->store, r->kind);
	struct buf body = { 0 };
	r->owed = false;
	if (!t)
		return;
	table_write(t, f->sources[r->from]->index, &body);
	source_feed(f->sources[r->reader], r->kind, state_of(f, r->from)->name, buf_str(&body), SIZE_MAX);
	buf_release(&body);
}

static void send_health(struct feed *f, const struct reading *r)
{
	const struct source_state *x = state_of(f, r->from);
	struct request *q = request_new(REQ_ROWS, "", str_of(x->name), health_name(x->state), x->why);
	source_tell(f->sources[r->reader], q);
}

/* A list that is forbidden or gone: of one kind only. */
static void send_kind_health(struct feed *f, const struct reading *r, const struct msg_health *h)
{
	struct request *q = request_new(REQ_ROWS, r->kind, str_of(state_of(f, r->from)->name), health_name(h->state), NULL);
	free(q->params);
	q->params = str_dup(h->why);
	source_tell(f->sources[r->reader], q);
}

/* To every reader that was handed something of all that it reads: that this was all. */
static void say_all(struct feed *f)
{
	for (unsigned i = 0; i < f->nlooks; i++) {
		struct look *l = &f->looks[i];
		bool owed = false;
		for (unsigned k = 0; k < f->n; k++)
			owed = owed || (f->readings[k].reader == l->source && f->readings[k].owed);
		if (l->told || owed)
			continue;
		l->told = true;
		source_tell(f->sources[l->source], request_new(REQ_ROWS, l->kind, STR(""), NULL, NULL));
	}
}

static void tapped(void *arg, const struct msg *m)
{
	struct feed *f = arg;
	struct rd at;
	struct str kind = m->type == MSG_ROWS ? rows_open(&at, buf_str(&m->body)) : STR("");
	unsigned told = UINT32_MAX;
	struct msg_health h = { .kind = { "", 0 } };
	if (m->type == MSG_HEALTH)
		msg_get_health(m, &h);
	for (unsigned i = 0; i < f->n; i++) {
		struct reading *r = &f->readings[i];
		if (f->sources[r->from]->index != m->source) {
			if (r->owed)
				send_listing(f, r);
			continue;
		}
		const struct table *t = store_table(f->store, r->kind);
		if (h.kind.n) {
			if (str_is(h.kind, r->kind))
				send_kind_health(f, r, &h);
		} else if (m->type == MSG_HEALTH && told != r->reader) {
			told = r->reader;
			send_health(f, r);
		} else if (m->type == MSG_ROWS && str_is(kind, r->kind) && !r->owed &&
		           !source_feed(f->sources[r->reader], r->kind, state_of(f, r->from)->name, buf_str(&m->body),
		                        LAG_BYTES + 2 * (t ? t->bytes : 0))) {
			r->owed = true;
		}
		if (r->owed)
			send_listing(f, r);
	}
	say_all(f);
}

struct feed *feed_new(struct store *store, struct source **sources, unsigned nsources)
{
	struct feed *f = xcalloc(1, sizeof(*f));
	*f = (struct feed){ .store = store, .sources = sources, .nsources = nsources };
	store_tap(store, tapped, f);
	return f;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	store_tap(f->store, NULL, NULL);
	for (unsigned i = 0; i < f->nlooks; i++)
		free(f->looks[i].kind);
	free(f->looks);
	free(f->readings);
	free(f);
}

static void add(struct feed *f, unsigned reader, unsigned from, const char *kind)
{
	bool told = false;
	for (unsigned i = 0; i < f->n; i++)
		told = told || (f->readings[i].reader == reader && f->readings[i].from == from);
	f->readings = xreallocarray(f->readings, f->n + 1, sizeof(*f->readings));
	struct reading *r = &f->readings[f->n++];
	*r = (struct reading){ reader, from, kind, 0, store_busy(f->store) };
	if (!told)
		send_health(f, r);
	if (!r->owed)
		send_listing(f, r);
	r->watch = source_ask(f->sources[from], request_new(REQ_WATCH, kind, STR(""), "", ""));
}

/* Whether a line of `reads`, "nodes", "costs:pods" or "alertmanager@alerts", counts now; *kind becomes what it reads. */
static bool is_wanted(const struct feed *f, unsigned source, const char *line, const char **kind)
{
	const char *colon = strchr(line, ':');
	*kind = colon ? colon + 1 : line;
	*kind = strchr(*kind, '@') ? strchr(*kind, '@') + 1 : *kind;
	for (unsigned i = 0; i < f->nlooks; i++)
		if (f->looks[i].source == source &&
		    (!colon || str_is((struct str){ line, (size_t)(colon - line) }, f->looks[i].kind)))
			return true;
	return false;
}

/* Whether the line reads from sources of that backend. */
static bool is_from(const char *line, const struct backend *b)
{
	const char *colon = strchr(line, ':'), *name = colon ? colon + 1 : line, *at = strchr(name, '@');
	return !at || str_is((struct str){ name, (size_t)(at - name) }, b->name);
}

static struct reading *find(struct feed *f, unsigned reader, unsigned from, const char *kind)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->readings[i].reader == reader && f->readings[i].from == from && !strcmp(f->readings[i].kind, kind))
			return &f->readings[i];
	return NULL;
}

/* Starts and ends what the source reads, by what of it is looked at. */
static void settle(struct feed *f, unsigned source)
{
	for (const char *const *line = f->sources[source]->backend->reads; line && *line; line++)
		for (unsigned from = 0; from < f->nsources; from++) {
			const char *kind;
			bool wanted = is_wanted(f, source, *line, &kind);
			struct reading *r = find(f, source, from, kind);
			if (from == source || !backend_fills(f->sources[from]->backend, kind) || !is_from(*line, f->sources[from]->backend) ||
			    wanted == (r != NULL))
				continue;
			if (wanted) {
				add(f, source, from, kind);
				feed_on(f, from, kind);
			} else {
				source_cancel(f->sources[from], r->watch);
				*r = f->readings[--f->n];
				feed_off(f, from, kind);
			}
		}
}

void feed_on(struct feed *f, unsigned source, const char *kind)
{
	if (!f || !f->sources[source]->backend->reads)
		return;
	for (unsigned i = 0; i < f->nlooks; i++)
		if (f->looks[i].source == source && !strcmp(f->looks[i].kind, kind)) {
			f->looks[i].count++;
			return;
		}
	f->looks = xreallocarray(f->looks, f->nlooks + 1, sizeof(*f->looks));
	f->looks[f->nlooks++] = (struct look){ source, xstrdup(kind), 1, false };
	settle(f, source);
	say_all(f);
}

void feed_off(struct feed *f, unsigned source, const char *kind)
{
	for (unsigned i = 0; f && i < f->nlooks; i++) {
		struct look *l = &f->looks[i];
		if (l->source != source || strcmp(l->kind, kind) || --l->count)
			continue;
		free(l->kind);
		*l = f->looks[--f->nlooks];
		settle(f, source);
		return;
	}
}
