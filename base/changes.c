/* changes: see changes.h. Kinds are looked up by name, since a backend may or may not be there. */
#include "base/changes.h"
#include "base/mem.h"
#include "base/say.h"
#include <stdlib.h>

static const struct rule {
	const char *kind, *letter;
	const char *times[3];            /* columns; the first that is known counts */
	const char *say, *about;
	enum level least;                /* rows of a lesser level are left out */
	enum level never;                /* and those of this one: a promotion that was refused changed nothing */
	const char *starts_by;           /* only where a row's level is `least` or worse and that of the row before it, of the same
	                                  * value in this column, is not: a beginning */
} rules[] = {
	{ "promotions", "P", { "age" }, "{model} {version} {what}|{model} {version} promoted", "model", 0, LEVEL_DONE },
	{ "runs", "R", { "end", "age" }, "{pipeline} run {status}", "pipeline" },
	{ "trainings", "T", { "age" }, "trained {model}|trained {name}", "model" },
	{ "nodes", "N", { "age" }, "node {name} joined[, {instance_type}]", "name" },
	{ "drift", "D", { "age" }, "drift of {model} began|drift began", "model", LEVEL_DOUBT, 0, "model" },
};
const char *const changes_kinds[] = { "promotions", "runs", "trainings", "nodes", "drift", NULL };

static int64_t time_of(const struct rule *u, const struct table *t, const struct row *r)
{
	int64_t at = 0;
	for (int i = 0; i < 3 && u->times[i] && !at; i++)
		at = row_time_by(t, r, u->times[i]);
	return at;
}

static int by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : strcmp(x->key, y->key);
}

static void add(struct changes *c, const struct rule *u, const struct table *t, const struct row *r, int64_t at, int64_t now)
{
	struct buf text = { 0 };
	if (row_say(t, r, u->say, now, &text)) {
		c->list = xreallocarray(c->list, c->n + 1, sizeof(*c->list));
		c->list[c->n++] = (struct change){ .time = at, .letter = u->letter, .kind = u->kind, .source = r->source,
			.key = str_dup(row_key(r)), .text = xstrdup(text.data ? text.data : ""), .about = str_dup(row_text_by(t, r, u->about)) };
	}
	buf_release(&text);
}

/* The row of the same group that is the last before r in time; NULL: none. */
static const struct row *row_before(const struct rule *u, const struct table *t, const struct row *r)
{
	const struct row *best = NULL;
	int64_t at = time_of(u, t, r), best_at = 0;
	struct str group = row_text_by(t, r, u->starts_by);
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *o = table_row(t, i);
		int64_t when = o ? time_of(u, t, o) : 0;
		if (!o || when >= at || when <= best_at || o->source != r->source || !str_eq(row_text_by(t, o, u->starts_by), group))
			continue;
		best = o;
		best_at = when;
	}
	return best;
}

static void gather_kind(const struct rule *u, const struct table *t, int64_t from, int64_t to, int64_t now, struct changes *c)
{
	unsigned begun = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		int64_t at = r && r->level >= u->least && !(u->never && r->level == u->never) ? time_of(u, t, r) : 0;
		if (!at || at < from || at > to || c->n >= 4 * CHANGES_MAX)
			continue;
		if (u->starts_by) {
			const struct row *before = ++begun <= 64 ? row_before(u, t, r) : r;
			if (before && before->level >= u->least)
				continue;
		}
		add(c, u, t, r, at, now);
	}
}

void changes_gather(const struct store *s, int64_t from, int64_t to, int64_t now, struct changes *c)
{
	changes_release(c);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct table *t = store_table_const(s, rules[i].kind);
		if (t)
			gather_kind(&rules[i], t, from, to, now, c);
	}
	if (c->n)
		qsort(c->list, c->n, sizeof(*c->list), by_time);
	if (c->n > CHANGES_MAX) {
		unsigned drop = c->n - CHANGES_MAX;
		for (unsigned i = 0; i < drop; i++)
			free(c->list[i].key), free(c->list[i].text), free(c->list[i].about);
		memmove(c->list, c->list + drop, CHANGES_MAX * sizeof(*c->list));
		c->n = CHANGES_MAX;
	}
}

void changes_release(struct changes *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->list[i].key), free(c->list[i].text), free(c->list[i].about);
	free(c->list);
	*c = (struct changes){ 0 };
}
