/* changes: see changes.h. Kinds and columns are looked up by name, since a backend may or may not be there. */
#include "base/changes.h"
#include "base/mem.h"
#include "base/say.h"
#include <stdlib.h>

#define MINUTE_MS 60000ll
#define DAY_MS (24 * 60 * MINUTE_MS)

const struct change_sort change_sorts[] = {
	{ "action", "A", "actions" },
	{ "rollout", "U", "cluster" }, { "crash", "C", "cluster", 10 * MINUTE_MS }, { "node", "N", "cluster" },
	{ "run", "R", "pipelines" },
	{ "promotion", "P", "registry" }, { "rollback", "B", "registry" }, { "training", "T", "registry" },
	{ "drift", "D", "drift" },
	{ "endpoint", "E", "serving" }, { "latency", "L", "serving", MINUTE_MS },
	{ "alert", "!", "alerts", .once = true }, { "silence", "Q", "alerts" },
	{ "spend", "$", "cost" },
	{ .name = NULL },
};

const struct change_rule change_rules[] = {
	{ "promotions", "promotion", WHEN_DATED, "age", "{model} {version} {what}|{model} {version} promoted", "model", .never = LEVEL_DONE },
	{ "runs", "run", WHEN_DATED, "end", "{pipeline} run {status}", "pipeline" },
	{ "runs", "run", WHEN_DATED, "age", "{pipeline} run started", "pipeline", .unless = "end" },
	{ "trainings", "training", WHEN_DATED, "age", "trained {model}|trained {name}", "model" },
	{ "nodes", "node", WHEN_DATED, "age", "node {name} joined[, {instance_type}]", "name" },
	{ "nodes", "node", WHEN_GONE, "", "node {name} is gone[, {instance_type}]", "name" },
	{ "nodes", "node", WHEN_WORSE, "", "node {name}: {status}[, {pressure}]", "name", .least = LEVEL_DOUBT },
	{ "nodes", "node", WHEN_BETTER, "", "node {name} is well again", "name", .least = LEVEL_DOUBT },
	{ "drift", "drift", WHEN_BEGINS, "age", "drift of {model} began[, score {score}]|drift began[, score {score}]", "model",
	  .by = "model", .least = LEVEL_DOUBT },
	{ "drift", "drift", WHEN_ENDS, "age", "drift of {model} is over|drift is over", "model", .by = "model", .least = LEVEL_DOUBT },
	{ "replicasets", "rollout", WHEN_DATED, "age", "rollout of @[ revision {revision}][: {images}]", "@", .shape = true },
	{ "replicasets", "rollout", WHEN_CHANGED, "revision", "rollout of @ back to {name}[, now revision {revision}][: {images}]", "@",
	  .shape = true },
	{ "statefulsets", "rollout", WHEN_CHANGED, "images", "rollout of @: {images}", "@" },
	{ "daemonsets", "rollout", WHEN_CHANGED, "images", "rollout of @: {images}", "@" },
	{ "pods", "crash", WHEN_DATED, "restarted", "@: {name} restarted[, {status}]", "@", .recent_ms = DAY_MS },
	{ "pods", "crash", WHEN_WORSE, "", "@: {name} {status}", "@", .least = LEVEL_BAD },
	{ "modelendpoints", "endpoint", WHEN_WORSE, "", "endpoint {name}: {status}[, error share {errors}]", "name", .least = LEVEL_DOUBT },
	{ "modelendpoints", "endpoint", WHEN_BETTER, "", "endpoint {name} is well again", "name", .least = LEVEL_DOUBT },
	{ "modelendpoints", "endpoint", WHEN_CHANGED, "version", "endpoint {name} answers with {version}", "name" },
	{ "alerts", "alert", WHEN_DATED, "since", "{name} fires[: {summary}][ ({about})]", "about", .least = LEVEL_DOUBT },
	{ "alerts", "alert", WHEN_GONE, "", "{name} is resolved after {since}[: {about}]", "about", .least = LEVEL_DOUBT },
	{ "silences", "silence", WHEN_DATED, "since", "silenced {matchers}[: {comment}]", "matchers", .never = LEVEL_BUSY },
	{ "silences", "silence", WHEN_DATED, "ended", "silence of {matchers} ended[: {comment}]", "matchers" },
	{ "budgets", "spend", WHEN_WORSE, "", "budget {name} {status}[, {left} left]", "name", .least = LEVEL_DOUBT },
	{ .kind = NULL },
};

const struct change_sort *change_sort(struct str name)
{
	for (const struct change_sort *s = change_sorts; s->name; s++)
		if (str_is(name, s->name))
			return s;
	return NULL;
}

const char *changes_kind(unsigned i)
{
	unsigned n = 0;
	for (const struct change_rule *u = change_rules; u->kind; u++) {
		bool seen = u > change_rules && !strcmp(u->kind, u[-1].kind);      /* rules of a kind stand together */
		if (!seen && n++ == i)
			return u->kind;
	}
	return n == i ? "spend" : NULL;          /* its jumps are base/chronicle.c's to see */
}

/* ---- one row */

struct str workload_of(struct str owner, struct str pod)
{
	struct str name = owner, kind = str_split(&name, '/');
	if (!name.n)
		return pod;
	if (str_is(kind, "ReplicaSet"))
		for (size_t i = name.n; i > 0; i--)
			if (name.p[i - 1] == '-')
				return (struct str){ name.p, i - 1 };
	return name;
}

void change_about(const struct change_rule *u, const struct table *t, const struct row *r, struct buf *out)
{
	if (strcmp(u->about, "@")) {
		buf_addstr(out, row_text_by(t, r, u->about));
		return;
	}
	struct str ns = row_text_by(t, r, "namespace");
	buf_addf(out, STR_FMT "%s", STR_ARG(ns), ns.n ? "/" : "");
	buf_addstr(out, workload_of(row_text_by(t, r, "owner"), row_text_by(t, r, "name")));
}

static bool is_ours(const struct change_rule *u, const struct table *t, const struct row *r)
{
	return r->level >= u->least && !(u->never && r->level == u->never) &&
	       (!u->shape || str_starts(row_text_by(t, r, "owner"), STR("Deployment/")));
}

static bool replaced(const struct change_rule *u, const struct table *t, const struct row *old, const struct row *r)
{
	int col = kind_col(t->kind, str_of(u->col), false);
	return old && col >= 0 && !row_null(old, col) && !row_null(r, col) && row_cmp(t, old, r, col) != 0;
}

int64_t change_at(const struct change_rule *u, const struct table *t, const struct row *old, const struct row *r, int64_t now)
{
	int64_t at;
	switch (u->when) {
	case WHEN_DATED:
		at = r && is_ours(u, t, r) ? row_time_by(t, r, u->col) : 0;
		return at && (!old || row_time_by(t, old, u->col) != at || !is_ours(u, t, old)) && at <= now + MINUTE_MS &&
		       (!u->recent_ms || now - at < u->recent_ms) ? at : 0;
	case WHEN_CHANGED:
		return r && is_ours(u, t, r) && replaced(u, t, old, r) ? now : 0;
	case WHEN_WORSE:
		return r && old && old->level < u->least && r->level >= u->least ? now : 0;
	case WHEN_BETTER:
		return r && old && old->level >= u->least && r->level < u->least ? now : 0;
	case WHEN_GONE:
		return r || (old && old->level < u->least) ? 0 : now;
	case WHEN_BEGINS:
	case WHEN_ENDS:
		return 0;
	}
	return 0;
}

struct turn { struct str group; int64_t at; const struct row *row; };

static int by_group_and_time(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	int groups = (x->row->source > y->row->source) - (x->row->source < y->row->source);
	groups = groups ? groups : str_cmp(x->group, y->group);
	return groups ? groups : (x->at > y->at) - (x->at < y->at);
}

void change_turns(const struct change_rule *u, const struct table *t, void (*each)(void *arg, const struct row *r), void *arg)
{
	struct turn *all = xcalloc(t->count + 1, sizeof(*all));
	unsigned n = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		int64_t at = r ? row_time_by(t, r, u->col) : 0;
		if (at && n < t->count)
			all[n++] = (struct turn){ row_text_by(t, r, u->by), at, r };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_group_and_time);
	for (unsigned i = 0; i < n; i++) {
		bool first = !i || all[i].row->source != all[i - 1].row->source || !str_eq(all[i].group, all[i - 1].group);
		bool wrong = all[i].row->level >= u->least, before = !first && all[i - 1].row->level >= u->least;
		if (wrong != before && wrong == (u->when == WHEN_BEGINS))
			each(arg, all[i].row);
	}
	free(all);
}

bool change_say(const struct change_rule *u, const struct table *t, const struct row *r, int64_t now, struct buf *text)
{
	struct buf about = { 0 }, how = { 0 };
	change_about(u, t, r, &about);
	for (const char *p = u->say; *p; p++) {
		if (*p == '@')
			for (size_t i = 0; i < about.len; i++)          /* names cannot hold what templates mean something by */
				buf_addc(&how, strchr("{}[]|", about.data[i]) ? '_' : about.data[i]);
		else
			buf_addc(&how, *p);
	}
	bool ok = row_say(t, r, how.data, now, text);
	buf_release(&about);
	buf_release(&how);
	return ok;
}

const char *change_sort_of(const struct change_rule *u, const struct table *t, const struct row *r)
{
	struct str to = row_text_by(t, r, "version"), from = row_text_by(t, r, "before");
	bool back = !strcmp(u->sort, "promotion") && to.n && from.n && str_cmp_natural(to, from) < 0;
	return back ? "rollback" : u->sort;
}

/* ---- what is there now */

static int by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : strcmp(x->key, y->key);
}

static struct change *add(struct changes *c, int64_t at, const char *sort, uint16_t source, struct str key, struct str text, struct str about)
{
	const struct change_sort *s = change_sort(str_of(sort));
	c->list = xreallocarray(c->list, c->n + 1, sizeof(*c->list));
	struct change *x = &c->list[c->n++];
	*x = (struct change){ .time = at, .letter = s->letter, .sort = s->name, .source = source, .key = str_dup(key),
		.text = str_dup(text), .about = str_dup(about) };
	return x;
}

struct gathering { const struct change_rule *u; const struct table *t; int64_t from, to, now; struct changes *c; };

static void gather_row(void *arg, const struct row *r)
{
	const struct gathering *g = arg;
	int64_t at = is_ours(g->u, g->t, r) ? row_time_by(g->t, r, g->u->col) : 0;
	struct buf text = { 0 }, about = { 0 };
	if (!at || at < g->from || at > g->to || g->c->n >= 4 * CHANGES_MAX)
		return;
	change_about(g->u, g->t, r, &about);
	if (change_say(g->u, g->t, r, g->now, &text))
		add(g->c, at, change_sort_of(g->u, g->t, r), r->source, row_key(r), buf_str(&text), buf_str(&about))->kind = g->u->kind;
	buf_release(&text);
	buf_release(&about);
}

static void gather_rule(const struct gathering *g)
{
	int unless = g->u->unless ? kind_col(g->t->kind, str_of(g->u->unless), false) : -1;
	if (g->u->when == WHEN_BEGINS) {
		change_turns(g->u, g->t, gather_row, (void *)(uintptr_t)g);
		return;
	}
	for (uint32_t i = 0; i < g->t->nslots; i++) {
		const struct row *r = table_row(g->t, i);
		if (r && (unless < 0 || row_null(r, unless)))
			gather_row((void *)(uintptr_t)g, r);
	}
}

/* What was only seen and no row of another kind says: rollouts of what is not there any more, spend. */
static void gather_seen(const struct store *s, int64_t from, int64_t to, struct changes *c)
{
	const struct table *t = store_table_const(s, kind_timeline.name);
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		int64_t at = r ? row_int(r, TIMELINE_TIME) : 0;
		struct str sort = r ? row_text(t, r, TIMELINE_SORT) : STR("");
		if (at < from || at > to || !(str_is(sort, "rollout") || str_is(sort, "spend")) || c->n >= 4 * CHANGES_MAX)
			continue;
		const struct kind *k = store_kind(s, row_text(t, r, TIMELINE_KIND));
		add(c, at, str_is(sort, "spend") ? "spend" : "rollout", r->source, k ? row_text(t, r, TIMELINE_KEY) : row_key(r),
		    row_text(t, r, TIMELINE_WHAT), row_text(t, r, TIMELINE_ABOUT))->kind = k ? k->name : kind_timeline.name;
	}
}

/* Told at the time that a column says. Alerts say what is wrong, and are no cause of anything. */
static bool is_told_by_rows(const struct change_rule *u)
{
	static const char *const others[] = { "crash", "rollout", "alert", "silence" };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(u->sort, others[i]))
			return false;
	return u->when == WHEN_DATED || u->when == WHEN_BEGINS;
}

void changes_gather(const struct store *s, int64_t from, int64_t to, int64_t now, struct changes *c)
{
	changes_release(c);
	for (const struct change_rule *u = change_rules; u->kind; u++) {
		const struct table *t = store_table_const(s, u->kind);
		if (t && is_told_by_rows(u))
			gather_rule(&(struct gathering){ u, t, from, to, now, c });
	}
	gather_seen(s, from, to, c);
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
