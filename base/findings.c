/* findings: see findings.h. A view keeps the doubtful and wrong rows of each kind: cost goes by what is wrong, not by what there
 * is. Kinds are looked up by name, so that a kind may or may not be there. */
#include "base/findings.h"
#include "base/drift.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/promotion.h"
#include "base/say.h"
#include "base/view.h"
#include <stdlib.h>

static const struct column columns[FINDING_COL_COUNT] = {
	[FINDING_WHAT] = { .name = "what", .title = "WHAT IS WRONG", .type = COL_TEXT, .width = 44 },
	[FINDING_SINCE] = { .name = "since", .title = "SINCE", .type = COL_TIME, .width = 6, .priority = 1 },
	[FINDING_WHERE] = { .name = "where", .title = "WHERE", .type = COL_TEXT, .width = 24, .priority = 2 },
	[FINDING_CHANGED] = { .name = "changed", .title = "CHANGED BEFORE", .type = COL_TEXT, .width = 36, .priority = 3 },
	[FINDING_LEVEL] = { .name = "level", .title = "LEVEL", .type = COL_TEXT, .flags = COL_HIDDEN | COL_SHARED },
	[FINDING_KIND] = { .name = "kind", .title = "KIND", .type = COL_TEXT, .flags = COL_HIDDEN | COL_SHARED },
	[FINDING_KEY] = { .name = "object", .title = "OBJECT", .type = COL_TEXT, .flags = COL_HIDDEN },
	[FINDING_COUNT] = { .name = "count", .title = "COUNT", .type = COL_COUNT, .flags = COL_HIDDEN },
	[FINDING_CHANGED_AT] = { .name = "changed_at", .title = "CHANGED", .type = COL_TIME, .flags = COL_HIDDEN },
	[FINDING_CHANGED_KIND] = { .name = "changed_kind", .title = "CHANGED KIND", .type = COL_TEXT, .flags = COL_HIDDEN | COL_SHARED },
	[FINDING_CHANGED_SOURCE] = { .name = "changed_source", .title = "CHANGED SOURCE", .type = COL_TEXT,
	                             .flags = COL_HIDDEN | COL_SHARED },
	[FINDING_CHANGED_KEY] = { .name = "changed_object", .title = "CHANGED OBJECT", .type = COL_TEXT, .flags = COL_HIDDEN },
};
const struct kind kind_triage = {
	.name = "triage", .singular = "finding", .help = "what is wrong", .cols = columns, .ncols = FINDING_COL_COUNT,
};

/* How rows of a kind join. Of one level the heavier come first. */
static const struct rule {
	const char *kind;
	unsigned weight;
	const char *say;                 /* base/say.h; NULL: in code */
	const char *where;
	const char *since[3];            /* columns; without one, since it was first seen */
	enum level most;                 /* rows of a higher level are told by another kind; 0: none are */
	const char *newest_by;           /* only the newest row (by age) of each value of this column counts */
	const char *by;                  /* rows of the same value in this column are one finding */
	bool has_about;                  /* told by the finding of what a row is about, where there is one */
} rules[] = {
	{ "modelendpoints", 85, "endpoint {name}: {status}[, error share {errors}][: {why}]", "{name}[ {model}][ {version}]", { "since" } },
	/* Pods before workloads: what a workload says of itself is left out where its pods say it. */
	{ "pods", 80, NULL, NULL, { "restarted", "age" } },
	{ "nodes", 75, "node {name}: {status}[, {pressure}]", "{name}[ {nodegroup}]", { NULL } },
	{ "deployments", 70, "{name}: {status}[, ready {ready}]", "{namespace}/{name}", { "age" } },
	{ "statefulsets", 70, "{name}: {status}[, ready {ready}]", "{namespace}/{name}", { "age" } },
	{ "daemonsets", 70, "{name}: {status}[, ready {ready}]", "{namespace}/{name}", { "age" } },
	{ "budgets", 65, "budget {name}: {status}[ {runs_out}][, {left} left][; {advice}]", "budget {name}", { NULL } },
	{ "pipelines", 60, "pipeline {name}: import error: {error}|pipeline {name}: last run {status}", "{name}", { "age" } },
	{ "drift", 55, "drift: {count} features[, score {score}][ over {limit}]|drift[ of {model}][: score {score}][ over {limit}]",
	  "[{model} ]batch {batch}|{model}", { "age" }, 0, "model" },
	{ "versions", 50, "{model} {version}: registration {status}[: {description}]", "{model}", { "age" } },
	{ "runs", 45, "{pipeline}: run takes {pace} its usual time|{pipeline}: run {status}", "{pipeline} {name}", { "age" }, LEVEL_DOUBT },
	{ "jobs", 40, "job {name}: {status}", "{namespace}/{name}", { "age" } },
	{ "persistentvolumeclaims", 35, "volume claim {name}: {status}", "{namespace}/{name}", { "age" } },
	/* Last, when all is there that they may be about. */
	{ "alerts", 66, "rule {name} cannot be evaluated: {error}|{name}[: {summary}]", "{about}|rule {name}", { "since" }, .by = "name",
	  .has_about = true },
};
enum { RULES = ARRAY_SIZE(rules), SOURCES = RULES, GROUPS_MAX = 400, SOURCE_WEIGHT = 90 };
/* Asked for besides, for what changed and for a calm day's figures. */
static const char *const further[] = { "promotions", "trainings", "models", "spend", "replicasets", NULL };

#define RECENT_MS (2 * 3600 * 1000ll)    /* what changed so long before a finding began may have to do with it */
#define PAST_MS (7 * 24 * 3600 * 1000ll) /* changes are not looked for further back */
#define LOST_MS 20000                    /* a connection may be lost so long before it is a finding */

struct group {
	uint16_t source;
	unsigned rule;                   /* SOURCES: the source itself */
	struct buf key, what, object, owner;   /* key: of the group; object: the row key of its worst row */
	struct few alerts;               /* names of those about it */
	enum level level;
	int64_t since, youngest;
	unsigned count;
};
struct findings {
	const struct config *config;
	struct table *table;
	struct view *views[RULES];
	uint64_t versions[RULES];
	struct group *groups; unsigned ngroups;
	struct changes changes;
	int64_t computed, well_since;
	bool complete;                   /* when it was computed, every list was there */
	bool before;                     /* it was complete before: what appears now began now */
};

static const char *kind_of(const struct group *g)
{
	return g->rule == SOURCES ? "sources" : rules[g->rule].kind;
}

const char *findings_kind(unsigned i)
{
	return i < RULES ? rules[i].kind : i - RULES < ARRAY_SIZE(further) ? further[i - RULES] : NULL;
}

struct findings *findings_new(const struct config *config)
{
	struct findings *f = xcalloc(1, sizeof(*f));
	f->config = config;
	f->table = table_new(&kind_triage);
	f->groups = xcalloc(GROUPS_MAX, sizeof(*f->groups));
	return f;
}

struct table *findings_table(struct findings *f)
{
	return f->table;
}

static bool doubtful(void *arg, const struct table *t, const struct row *r)
{
	return r->level >= LEVEL_DOUBT;
}

/* ---- groups */

static struct group *find_group(struct findings *f, uint16_t source, unsigned rule, struct str key)
{
	for (unsigned i = 0; i < f->ngroups; i++)
		if (f->groups[i].source == source && f->groups[i].rule == rule && str_eq(buf_str(&f->groups[i].key), key))
			return &f->groups[i];
	return NULL;
}

/* The same, made where there is none; NULL: there are too many. */
static struct group *group_for(struct findings *f, uint16_t source, unsigned rule, struct str key)
{
	struct group *found = find_group(f, source, rule, key);
	if (found || f->ngroups == GROUPS_MAX)
		return found;
	struct group *g = &f->groups[f->ngroups++];
	*g = (struct group){ .source = source, .rule = rule };
	buf_addstr(&g->key, key);
	return g;
}

static int64_t since_of(const struct rule *u, const struct table *t, const struct row *r)
{
	int64_t at = 0;
	for (int i = 0; i < 3 && u->since[i] && !at; i++)
		at = row_time_by(t, r, u->since[i]);
	return at;
}

static void set_text(struct buf *b, struct str s)
{
	buf_clear(b);
	buf_addstr(b, s);
}

static void group_key(unsigned rule, const struct table *tab, const struct row *r, struct buf *key)
{
	bool pod = !rules[rule].say;
	struct str ns = row_text_by(tab, r, "namespace");
	struct str load = pod ? workload_of(row_text_by(tab, r, "owner"), row_text_by(tab, r, "name"))
	                      : rules[rule].by ? row_text_by(tab, r, rules[rule].by) : row_key(r);
	if (pod)
		buf_addf(key, STR_FMT "%s", STR_ARG(ns), ns.n ? "/" : "");
	buf_addstr(key, load.n ? load : row_key(r));
}

static struct group *join(struct findings *f, unsigned rule, const struct table *tab, const struct row *r)
{
	struct str owner = row_text_by(tab, r, "owner");
	struct buf key = { 0 };
	group_key(rule, tab, r, &key);
	struct group *g = group_for(f, r->source, rule, buf_str(&key));
	buf_release(&key);
	if (!g)
		return NULL;
	int64_t since = since_of(&rules[rule], tab, r), born = row_time_by(tab, r, "age");
	g->count++;
	if (!g->since || (since && since < g->since))
		g->since = since;
	if (born > g->youngest) {
		g->youngest = born;
		set_text(&g->owner, owner);
	}
	if (r->level > g->level) {
		g->level = (enum level)r->level;
		set_text(&g->object, row_key(r));
		set_text(&g->what, row_text_by(tab, r, "status"));
	}
	return g;
}

/* ---- alerts: where what they are about is a finding of its own, they are told by it */

/* The finding of what the alert is about, of whichever source; NULL: that is well, or not known here. */
static struct group *about(struct findings *f, const struct store *s, const struct row *alert, const struct table *alerts)
{
	struct str kind = row_text_by(alerts, alert, "about_kind"), object = row_text_by(alerts, alert, "about_object");
	struct group *found = NULL;
	struct buf key = { 0 };
	unsigned k = 0;
	while (k < RULES && !str_is(kind, rules[k].kind))
		k++;
	const struct table *t = k < RULES && object.n && f->views[k] ? f->views[k]->table : NULL;
	for (unsigned src = 0; t && src < s->nsources && !found; src++) {
		const struct row *r = table_find(t, (uint16_t)src, object);
		if (!r || r->level < LEVEL_DOUBT)
			continue;
		buf_clear(&key);
		group_key(k, t, r, &key);
		found = find_group(f, (uint16_t)src, k, buf_str(&key));
	}
	buf_release(&key);
	return found;
}

static void join_alert(struct findings *f, const struct store *s, unsigned rule, const struct table *t, const struct row *r)
{
	struct group *g = about(f, s, r, t);
	struct str name = row_text_by(t, r, "name");
	if (!g) {
		join(f, rule, t, r);
		return;
	}
	int64_t since = since_of(&rules[rule], t, r);
	g->level = r->level > g->level ? (enum level)r->level : g->level;
	g->since = since && (!g->since || since < g->since) ? since : g->since;
	for (struct str rest = buf_str(&g->alerts.text); rest.n;) {
		struct str named = str_trim(str_split(&rest, ','));
		if (str_eq(named, name))
			return;
	}
	few_add(&g->alerts, STR_FMT, STR_ARG(name));
}

/* ---- the newest of a group of rows only (checks of one model) */

struct newest { uint16_t source; struct str group; const struct row *row; };

/* Since when without a break: the oldest doubtful row of the group that is younger than its newest good one. */
static int64_t unbroken_since(const struct rule *u, const struct table *t, const struct newest *n)
{
	int64_t good = 0, since = row_time_by(t, n->row, "age");
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t id = 0; id < t->nslots; id++) {
			const struct row *r = table_row(t, id);
			int64_t at = r ? row_time_by(t, r, "age") : 0;
			if (!r || r->source != n->source || !at || !str_eq(row_text_by(t, r, u->newest_by), n->group))
				continue;
			if (!turn && r->level < LEVEL_DOUBT && at > good)
				good = at;
			if (turn && at > good && at < since)
				since = at;
		}
	return since;
}

static void join_newest(struct findings *f, unsigned rule, const struct table *t)
{
	enum { MODELS_MAX = 128 };
	const struct rule *u = &rules[rule];
	struct newest *all = xcalloc(MODELS_MAX, sizeof(*all));
	unsigned n = 0;
	for (uint32_t id = 0; id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		struct str group = r ? row_text_by(t, r, u->newest_by) : STR("");
		unsigned i = 0;
		if (!r)
			continue;
		while (i < n && !(all[i].source == r->source && str_eq(all[i].group, group)))
			i++;
		if (i == n && n < MODELS_MAX)
			all[n++] = (struct newest){ r->source, group, r };
		else if (i < n && row_time_by(t, r, "age") > row_time_by(t, all[i].row, "age"))
			all[i].row = r;
	}
	for (unsigned i = 0; i < n; i++) {
		struct group *g = all[i].row->level >= LEVEL_DOUBT ? join(f, rule, t, all[i].row) : NULL;
		if (g)
			g->since = unbroken_since(u, t, &all[i]);
	}
	free(all);
}

/* ---- sources */

static bool ever_listed(const struct store *s, uint16_t source)
{
	for (unsigned i = 0; i < s->nkinds; i++)
		if (s->kinds[i].source == source && s->kinds[i].listed)
			return true;
	return false;
}

static void join_sources(struct findings *f, const struct store *s, int64_t now)
{
	for (unsigned i = 0; i < s->nsources; i++) {
		const struct source_state *x = &s->sources[i];
		bool out = x->state == HEALTH_REFUSED || x->state == HEALTH_DOWN;
		if (!out && !(x->state == HEALTH_STALE && (now - x->since > LOST_MS || !ever_listed(s, (uint16_t)i))))
			continue;
		struct group *g = group_for(f, (uint16_t)i, SOURCES, str_of(x->name));
		if (!g)
			return;
		g->level = out ? LEVEL_BAD : LEVEL_DOUBT;
		g->since = x->since;
		g->count = 1;
		buf_addf(&g->what, "%s: %s%s%s", x->name, x->state == HEALTH_STALE ? "lost" : health_name(x->state),
		         x->why && x->why[0] ? ": " : "", x->why ? x->why : "");
		set_text(&g->object, str_of(x->name));
	}
}

/* ---- what changed before */

/* A word of at least four letters that both have: "model-api" and "real_estate_model". */
static bool share_a_word(struct str a, struct str b)
{
	size_t from = 0;
	for (size_t i = 0; i <= a.n; i++) {
		bool letter = i < a.n && ((a.p[i] | 32) >= 'a' && (a.p[i] | 32) <= 'z');
		if (letter)
			continue;
		if (i - from >= 4 && str_contains_fold(b, (struct str){ a.p + from, i - from }))
			return true;
		from = i + 1;
	}
	return false;
}

/* One of both names the other, a promotion by its steps and checks, or it is about money. */
static bool is_related(const struct findings *f, const struct group *g, const struct change *c, struct str where)
{
	if (*c->letter == '$' && !strcmp(kind_of(g), "budgets"))
		return true;
	return share_a_word(str_of(c->about), where) || (!strcmp(c->kind, "promotions") &&
	       promotion_names(promotion_entry(f->config, c->about, NULL), str_of(kind_of(g)), buf_str(&g->object)));
}

/* A training or a run that went well has to do with nothing but its own model or pipeline: 0. */
static int weight_of(const struct change *c, bool related)
{
	bool failed = *c->letter == 'R' && strstr(c->text, "fail");
	int alone = *c->letter == 'D' || failed ? 3 : *c->letter == 'N' ? 2 : strchr("PB", *c->letter) ? 1 : 0;
	return !related ? alone : strchr("PB", *c->letter) ? 9 : *c->letter == 'U' ? 8 : 5 + alone;
}

/* The one that most likely has to do with it: about the same thing, of the weightier sort, the later. */
static const struct change *change_before(const struct findings *f, const struct group *g, struct str where, int64_t now)
{
	const struct change *best = NULL;
	int64_t since = g->since ? g->since : now;
	int most = 0;
	for (unsigned i = 0; i < f->changes.n; i++) {
		const struct change *c = &f->changes.list[i];
		bool own = !strcmp(c->kind, kind_of(g)) || (!strcmp(c->kind, "runs") && !strcmp(kind_of(g), "pipelines"));
		if (own || c->time > since + 60000 || c->time < since - RECENT_MS)
			continue;
		bool related = is_related(f, g, c, where);
		int weight = weight_of(c, related);
		if (weight && weight >= most && (related || g->rule != SOURCES)) {
			most = weight;
			best = c;
		}
	}
	return best;
}

static bool say_rollout(const struct group *g, int64_t now, struct buf *out)
{
	struct str name = buf_str(&g->owner), kind = str_split(&name, '/');
	if (g->rule == SOURCES || rules[g->rule].say || !g->youngest || now - g->youngest > RECENT_MS || !name.n)
		return false;
	if (str_is(kind, "ReplicaSet"))
		buf_adds(out, "rollout ");
	buf_addstr(out, name);
	buf_addc(out, ' ');
	fmt_age(now - g->youngest, out);
	buf_adds(out, " ago");
	return true;
}

static void put_changed(const struct findings *f, const struct group *g, struct str where, int64_t now, struct buf *rows,
                        const struct change **link)
{
	const struct change *c = change_before(f, g, where, now);
	struct buf text = { 0 };
	bool told = c && strchr("PBU", *c->letter) && is_related(f, g, c, where);
	*link = told || !say_rollout(g, now, &text) ? c : NULL;
	if (*link) {
		const char *name = strchr(c->about, '/');
		if (*c->letter == 'U')               /* what stands beside it says the rest */
			buf_addf(&text, "rollout %s ", name ? name + 1 : c->about);
		else
			buf_addf(&text, "%s ", c->text);
		fmt_age(now - c->time, &text);
		buf_adds(&text, " ago");
	}
	cell_text_or_null(rows, buf_str(&text));
	buf_release(&text);
}

/* ---- rows */

/* A workload that is short of replicas, when its pods have not said so already. */
static bool told_by_pods(const struct findings *f, const struct group *g)
{
	if (g->rule == SOURCES || !rules[g->rule].say)
		return false;
	for (unsigned i = 0; i < f->ngroups; i++)
		if (f->groups[i].source == g->source && f->groups[i].rule != SOURCES && !rules[f->groups[i].rule].say &&
		    str_eq(buf_str(&f->groups[i].key), buf_str(&g->key)))
			return true;
	return false;
}

static void say_what(const struct table *tab, const struct row *r, struct group *g, int64_t now, struct buf *out)
{
	struct str name = buf_str(&g->key), rest = name;
	if (g->rule == SOURCES) {
		buf_addstr(out, buf_str(&g->what));
	} else if (rules[g->rule].say) {
		if (!row_say(tab, r, rules[g->rule].say, now, out))
			buf_addf(out, "%s " STR_FMT, tab->kind->singular, STR_ARG(name));
		if (rules[g->rule].by && g->count > 1)
			buf_addf(out, ", and %u more", g->count - 1);
	} else {
		str_split(&rest, '/');
		buf_addf(out, STR_FMT ": %u pod%s " STR_FMT, STR_ARG(rest.p ? rest : name), g->count, g->count > 1 ? "s" : "",
		         STR_ARG(buf_str(&g->what)));
	}
	if (g->alerts.n)
		buf_addf(out, "; alert %s", few_end(&g->alerts));
}

static void say_where(const struct table *tab, const struct row *r, const struct group *g, int64_t now, struct buf *out)
{
	if (g->rule == SOURCES || !rules[g->rule].where || !row_say(tab, r, rules[g->rule].where, now, out))
		buf_addstr(out, buf_str(&g->key));
}

static void put_group(struct findings *f, struct group *g, const struct store *s, int64_t now, struct buf *rows)
{
	const struct table *tab = g->rule == SOURCES ? NULL : store_table_const(s, rules[g->rule].kind);
	const struct row *r = tab ? table_find(tab, g->source, buf_str(&g->object)) : NULL, *old;
	const struct change *link = NULL;
	struct buf key = { 0 }, text = { 0 };
	if (tab && !r)
		return;
	buf_addf(&key, "%d%02u %s " STR_FMT, 9 - (int)g->level, 99 - (g->rule == SOURCES ? SOURCE_WEIGHT : rules[g->rule].weight),
	         kind_of(g), STR_ARG(buf_str(&g->key)));
	if (!g->since) {                  /* nothing says since when: since we saw it begin */
		old = table_find(f->table, g->source, buf_str(&key));
		g->since = old ? row_int(old, FINDING_SINCE) : f->before ? now : 0;
	}
	rows_put(rows, buf_str(&key), g->level);
	say_what(tab, r, g, now, &text);
	cell_text_or_null(rows, buf_str(&text));
	cell_time(rows, g->since);
	buf_clear(&text);
	say_where(tab, r, g, now, &text);
	cell_text_or_null(rows, buf_str(&text));
	put_changed(f, g, buf_str(&text), now, rows, &link);
	cell_text(rows, g->level >= LEVEL_BAD ? STR("wrong") : STR("doubtful"));
	cell_text(rows, str_of(kind_of(g)));
	cell_text(rows, buf_str(&g->object));
	cell_int(rows, g->count);
	cell_time(rows, link ? link->time : 0);
	cell_text_or_null(rows, link ? str_of(link->kind) : STR(""));
	cell_text_or_null(rows, link ? str_of(s->sources[link->source].name) : STR(""));
	cell_text_or_null(rows, link ? str_of(link->key) : STR(""));
	buf_release(&key);
	buf_release(&text);
}

static void clear_groups(struct findings *f)
{
	for (unsigned i = 0; i < f->ngroups; i++) {
		struct group *g = &f->groups[i];
		buf_release(&g->key), buf_release(&g->what), buf_release(&g->object);
		buf_release(&g->owner), buf_release(&g->alerts.text);
	}
	f->ngroups = 0;
}

static void gather_groups(struct findings *f, const struct store *s, int64_t now)
{
	int64_t from = now;
	clear_groups(f);
	for (unsigned k = 0; k < RULES; k++) {
		struct view *v = f->views[k];
		if (v && rules[k].newest_by) {
			join_newest(f, k, v->table);
			continue;
		}
		for (uint32_t i = 0; v && i < v->n; i++) {
			const struct row *r = table_row(v->table, v->ids[i]);
			if (rules[k].has_about)
				join_alert(f, s, k, v->table, r);
			else if (!rules[k].most || r->level <= rules[k].most)
				join(f, k, v->table, r);
		}
	}
	join_sources(f, s, now);
	for (unsigned i = 0; i < f->ngroups; i++)
		if (f->groups[i].since && f->groups[i].since < from)
			from = f->groups[i].since;
	from = from < now - PAST_MS ? now - PAST_MS : from;
	if (f->ngroups)
		changes_gather(s, from - RECENT_MS, now, now, &f->changes);
}

static void compute(struct findings *f, const struct store *s, int64_t now)
{
	struct buf rows = { 0 };
	struct rd rd;
	gather_groups(f, s, now);
	for (unsigned src = 0; src < s->nsources; src++) {
		buf_clear(&rows);
		rows_start(&rows, kind_triage.name);
		rows_begin(&rows, STR(""));
		for (unsigned i = 0; i < f->ngroups; i++)
			if (f->groups[i].source == src && !told_by_pods(f, &f->groups[i]))
				put_group(f, &f->groups[i], s, now, &rows);
		rows_end(&rows, STR(""));
		rd = rd_of(STR(""));
		rows_open(&rd, buf_str(&rows));
		table_apply(f->table, (uint16_t)src, &rd, 0);
	}
	buf_release(&rows);
	if (f->table->count)
		f->well_since = 0;
	else if (!f->well_since)
		f->well_since = now;
}

bool findings_update(struct findings *f, struct store *s, int64_t now, bool complete)
{
	bool changed = false;
	if (f->complete && now - f->computed < 300 && now >= f->computed)
		return false;
	for (unsigned k = 0; k < RULES; k++) {
		struct table *tab = store_table(s, rules[k].kind);
		if (!f->views[k] && tab) {
			f->views[k] = view_new(tab, now);
			view_scope(f->views[k], doubtful, NULL);
		}
		if (!f->views[k])
			continue;
		view_settle(f->views[k]);
		/* a good row may make an older one past */
		uint64_t version = rules[k].newest_by ? tab->version : f->views[k]->version;
		changed |= f->versions[k] != version;
		f->versions[k] = version;
	}
	if (!changed && complete == f->complete && now >= f->computed && now - f->computed < 5000)
		return false;
	f->before = f->complete;
	f->complete = complete;
	f->computed = now;
	compute(f, s, now);
	return true;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (unsigned k = 0; k < RULES; k++)
		view_free(f->views[k]);
	clear_groups(f);
	changes_release(&f->changes);
	free(f->groups);
	table_free(f->table);
	free(f);
}

/* ---- a calm day */

static void add_part(struct buf *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_part(struct buf *line, const char *fmt, ...)
{
	va_list ap;
	if (line->len)
		buf_adds(line, " · ");
	va_start(ap, fmt);
	buf_vaddf(line, fmt, ap);
	va_end(ap);
}

static const struct table *filled(const struct store *s, const char *kind)
{
	const struct table *t = store_table_const(s, kind);
	return t && t->count ? t : NULL;
}

/* The row that is last by a column of times. */
static const struct row *last_row(const struct table *t, const char *col)
{
	const struct row *best = NULL;
	for (uint32_t id = 0; t && id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		if (r && (!best || row_time_by(t, r, col) > row_time_by(t, best, col)))
			best = r;
	}
	return best;
}

static void say_work(const struct store *s, int64_t now, struct buf *line)
{
	const struct table *t = filled(s, "runs");
	unsigned today = 0, failed = 0;
	for (uint32_t id = 0; t && id < t->nslots; id++) {
		const struct row *r = table_row(t, id);
		bool recent = r && row_time_by(t, r, "age") > now - 24 * 3600 * 1000ll;
		today += recent;
		failed += recent && str_contains_fold(row_text_by(t, r, "status"), STR("fail"));
	}
	if (t && failed)
		add_part(line, "%u runs in 24h, %u failed and made good", today, failed);
	else if (t)
		add_part(line, "%u run%s in 24h, all well", today, today == 1 ? "" : "s");
	t = filled(s, "models");
	const struct row *r = last_row(t, "updated");
	struct buf b = { 0 };
	if (r && row_say(t, r, "{name} {champion} in production", now, &b))
		add_part(line, "%s", b.data);
	t = filled(s, "modelendpoints");
	buf_clear(&b);
	if (t && (r = last_row(t, "since")) && row_say(t, r, "endpoint {name} {status}[ {version}][, {p50} ms]", now, &b))
		add_part(line, "%s", b.data);
	buf_release(&b);
}

static void say_data_and_money(const struct store *s, int64_t now, struct buf *line)
{
	const struct table *t = filled(s, "drift");
	const struct row *r = last_row(t, "age");
	struct buf b = { 0 };
	if (r && row_say(t, r, "last drift check {age} ago, {result}", now, &b))
		add_part(line, "%s", b.data);
	t = filled(s, "spend");
	r = t ? table_find(t, 0, STR("total")) : NULL;
	r = r ? r : last_row(t, "since");
	buf_clear(&b);
	if (r && row_say(t, r, "{rate}/h[, {left} of {budget} left]", now, &b))
		add_part(line, "%s", b.data);
	buf_release(&b);
}

void findings_calm(const struct findings *f, const struct store *s, int64_t now, struct buf *out)
{
	const struct table *pods = filled(s, "pods"), *nodes = filled(s, "nodes");
	struct buf line = { 0 }, n = { 0 };
	buf_adds(&line, "nothing wrong");
	if (f->well_since && now - f->well_since > 5000) {
		buf_adds(&line, " for ");
		fmt_age(now - f->well_since, &line);
	}
	if (pods || nodes) {
		fmt_thousands(pods ? pods->count : 0, &n);
		add_part(&line, "%s pods on %u nodes", n.data, nodes ? nodes->count : 0);
	}
	buf_addstr(out, buf_str(&line));
	for (int i = 0; i < 2; i++) {
		buf_clear(&line);
		(i ? say_data_and_money : say_work)(s, now, &line);
		if (line.len)
			buf_addf(out, "\n%s", line.data);
	}
	buf_release(&line);
	buf_release(&n);
}
