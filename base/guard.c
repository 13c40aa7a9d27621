/* guard: see guard.h. The rules are read once into plain structs; a decision walks all of them, and only a rule with a
 * limit reads the audit trail, backwards and no further than its span. */
#define _GNU_SOURCE
#include "base/guard.h"
#include "base/action.h"
#include "base/fmt.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/window.h"
#include <ctype.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define LIMIT_UNSET 10     /* of an environment without a rule */

const struct config_key guard_keys[] = {
	{ "environment", CONFIG_TEXT, .help = "Holds in this environment. As in all that a rule matches by: * and ? stand for others, "
	  "| is between several; what is left out matches all." },
	{ "source", CONFIG_TEXT, .help = "Holds for this source, by its name." },
	{ "kind", CONFIG_TEXT, .help = "Holds for this kind, by any of its names: deployments, deployment, deploy." },
	{ "name", CONFIG_TEXT, .help = "Holds for objects of this name and what belongs to them (a model's versions, a pipeline's runs); with a / for "
	  "a namespace and a name. Upper and lower case are one." },
	{ "action", CONFIG_TEXT, .help = "Holds for this action, such as scale." },
	{ "user", CONFIG_TEXT, .help = "Holds for this user of this machine, as the audit trail names them: who they are logged in as, whatever $USER says." },
	{ "risk", CONFIG_ENUM, .otherwise = "harmless", .choices = "harmless|disruptive|destructive|irreversible",
	  .help = "Holds for actions of this risk and worse." },
	{ "when", CONFIG_WINDOWS, .help = "Holds in these windows of local time only, such as \"Mon - Fri\" or \"22:00 - 06:00\"." },
	{ "zone", CONFIG_ZONE, .help = "Whose local time the windows of this rule are in; otherwise as for all rules." },
	{ "deny", CONFIG_TEXT, .help = "It cannot be done, and this is why." },
	{ "freeze", CONFIG_WINDOWS, .help = "It cannot be done in these windows of local time, such as \"Fri 16:00 - Mon 08:00\" or "
	  "\"2026-12-20 - 2027-01-03\"." },
	{ "guard", CONFIG_ENUM, .otherwise = "confirm", .choices = "confirm|type-name|read-only",
	  .help = "What it takes: a plain yes, typing the object's name, or it cannot be changed." },
	{ "require-reason", CONFIG_BOOL, .otherwise = "false", .help = "A reason has to be written; it is in the audit line." },
	{ "second-person", CONFIG_BOOL, .otherwise = "false", .help = "One of `approvers` other than who asks has to approve this plan." },
	{ "limit", CONFIG_RATE, .help = "How many objects may be changed so in which time, such as 5/hour, by all who share the audit file." },
	{ "overridable", CONFIG_BOOL, .otherwise = "false",
	  .help = "What deny, freeze or limit of this rule forbid can be done all the same for a written reason, which is in the audit line." },
	{ "firm-gates", CONFIG_BOOL, .otherwise = "false", .help = "A failed gate of a promotion cannot be overridden here." },
	CONFIG_END
};
const struct config_key guards_own_keys[] = {
	{ "zone", CONFIG_ZONE, .help = "Whose local time windows are in where a rule, or a gate of a promotion, names no zone of its own, so that "
	  "a team freezes at one hour; otherwise that of whoever runs it." },
	CONFIG_END
};

struct windows { struct window *list; unsigned n; };
struct rule {
	const char *name, *environment, *source, *kind, *object, *action, *user, *deny;    /* of what it matches NULL: any */
	enum risk risk;
	enum guard guard;
	struct windows when, freeze;
	struct zone *zone;               /* of both */
	struct rate limit;
	bool reason, second, overridable, gates_firm;
};
struct guards {
	const struct guard_rule *environments;
	unsigned nenvironments;
	struct rule *rules;
	unsigned nrules;
};

const char *guard_name(enum guard g)
{
	static const char *const names[] = { "confirm", "type-name", "read-only" };

	return (unsigned)g < ARRAY_SIZE(names) ? names[g] : "?";
}

/* ---- reading */

bool rate_parse(struct str s, struct rate *r)
{
	static const struct { const char *word; int64_t ms; } spans[] = {
		{ "minute", 60000 }, { "hour", 3600000 }, { "day", 86400000 }, { "week", 7 * 86400000LL } };
	struct str times = str_split(&s, '/');
	int64_t n;
	double ms = 0;

	if (!s.p || !str_to_i64(times, &n) || n < 1 || n > 1000000)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		if (str_is(s, spans[i].word))
			ms = (double)spans[i].ms;
	if (ms == 0 && !duration_parse(s, false, &ms))
		return false;
	if (ms < 1000 || ms > 366 * 86400000.0)
		return false;
	*r = (struct rate){ (unsigned)n, (int64_t)ms };
	return true;
}

static enum risk risk_of(const char *word)
{
	for (enum risk r = RISK_IRREVERSIBLE; word && r > RISK_HARMLESS; r--)
		if (!strcmp(risk_name(r), word))
			return r;
	return RISK_HARMLESS;
}

static enum guard guard_of(const char *word)
{
	for (enum guard g = GUARD_READONLY; word && g > GUARD_CONFIRM; g--)
		if (!strcmp(guard_name(g), word))
			return g;
	return GUARD_CONFIRM;
}

static struct windows windows_of(const struct yaml *list)
{
	struct windows w = { 0 };
	const char *why;

	w.list = xcalloc((list ? list->n : 0) + 1, sizeof(*w.list));
	for (unsigned i = 0; list && list->type == YAML_LIST && i < list->n; i++)
		w.n += window_parse(list->items[i]->text, &w.list[w.n], &why);
	return w;
}

static struct rule rule_read(const char *name, const struct yaml *y, const char *zone)
{
	const char *own = yaml_text(y, "zone"), *limit = yaml_text(y, "limit");
	struct rule r = {
		.name = name, .environment = yaml_text(y, "environment"), .source = yaml_text(y, "source"), .kind = yaml_text(y, "kind"),
		.object = yaml_text(y, "name"), .action = yaml_text(y, "action"), .user = yaml_text(y, "user"), .deny = yaml_text(y, "deny"),
		.risk = risk_of(yaml_text(y, "risk")),
		.guard = guard_of(yaml_text(y, "guard")),
		.when = windows_of(yaml_get(y, "when")), .freeze = windows_of(yaml_get(y, "freeze")),
		.zone = zone_or_here(own ? own : zone),
		.reason = yaml_bool(y, "require-reason", false), .second = yaml_bool(y, "second-person", false),
		.overridable = yaml_bool(y, "overridable", false), .gates_firm = yaml_bool(y, "firm-gates", false),
	};

	if (limit)
		rate_parse(str_of(limit), &r.limit);
	return r;
}

struct guards *guards_new(const struct guard_rule *environments, unsigned n, const struct yaml *rules)
{
	struct guards *g = xcalloc(1, sizeof(*g));

	g->environments = environments;
	g->nenvironments = n;
	if (!rules || rules->type != YAML_MAP)
		return g;
	g->rules = xcalloc(rules->n + 1, sizeof(*g->rules));
	for (unsigned i = 0; i < rules->n; i++)
		if (!str_is(rules->keys[i]->text, "zone"))         /* of guards_own_keys */
			g->rules[g->nrules++] = rule_read(rules->keys[i]->text.p, rules->items[i], yaml_text(rules, "zone"));
	return g;
}

void guards_free(struct guards *g)
{
	for (unsigned i = 0; g && i < g->nrules; i++) {
		free(g->rules[i].when.list);
		free(g->rules[i].freeze.list);
		zone_free(g->rules[i].zone);
	}
	if (g)
		free(g->rules);
	free(g);
}

/* ---- matching */

/* A rule can only tighten, so what is doubtful matches: upper and lower case are one, a kind is taken by its singular and its other
 * names too, and where a key's first parts are no namespace but what the object belongs to (a model's version, a pipeline's run),
 * a rule for the whole holds for its parts: else a pipeline that may not be triggered would be, from one of its runs. */

/* Any part of "model/6"; of "s3://bucket/a/b" too. */
static bool part_takes(const char *pattern, const char *key)
{
	struct str rest = str_of(key);
	bool takes = false;

	while (rest.p && !takes) {
		char *part = str_dup(str_split(&rest, '/'));

		takes = *part && fnmatch(pattern, part, FNM_CASEFOLD) == 0;
		free(part);
	}
	return takes;
}

/* "a|b*": either; NULL: any. A pattern with a / is of the whole key (namespace and name), one without is of the last part alone, or
 * of any where the kind has no namespaces. */
static bool name_takes(const char *pattern, const char *kind, const char *key)
{
	const struct kind *k = kind ? kind_named(kind) : NULL;
	const char *slash = strrchr(key, '/');
	char *copy, *save = NULL;
	bool takes = !pattern;

	if (takes)
		return true;
	copy = xstrdup(pattern);
	for (char *p = strtok_r(copy, "|", &save); p && !takes; p = strtok_r(NULL, "|", &save)) {
		bool whole = strchr(p, '/') || !slash || !slash[1];

		takes = fnmatch(p, whole ? key : slash + 1, FNM_CASEFOLD) == 0 || (!whole && k && !k->namespaced && part_takes(p, key));
	}
	free(copy);
	return takes;
}

/* The same of a plain word. */
bool guard_word_takes(const char *pattern, const char *word)
{
	return name_takes(pattern, NULL, word ? word : "");
}

/* "deployment" and "deploy" are deployments; "nodepools" is nodepools.karpenter.sh. */
bool guard_kind_takes(const char *pattern, const char *kind)
{
	const struct kind *k = kind ? kind_named(kind) : NULL;
	char *copy, *save = NULL;
	bool takes = guard_word_takes(pattern, kind);

	if (takes || !kind)
		return takes;
	copy = xstrdup(pattern);
	for (char *p = strtok_r(copy, "|", &save); p && !takes; p = strtok_r(NULL, "|", &save)) {
		size_t n = strlen(p);

		for (char *c = p; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		takes = (k && kind_answers_to(k, str_of(p))) || (!strncasecmp(kind, p, n) && kind[n] == '.');
	}
	free(copy);
	return takes;
}

/* What a rule is held against: an action to be, or an audit line. */
struct subject { const char *environment, *source, *kind, *action, *user; enum risk risk; };

static bool subject_matches(const struct rule *r, const struct subject *s)
{
	return s->risk >= r->risk && guard_word_takes(r->environment, s->environment) && guard_word_takes(r->source, s->source) &&
	       guard_kind_takes(r->kind, s->kind) && guard_word_takes(r->action, s->action) && guard_word_takes(r->user, s->user);
}

static bool inside(const struct windows *w, const struct zone *z, int64_t now, int64_t *ends)
{
	for (unsigned i = 0; i < w->n; i++)
		if (window_inside(&w->list[i], z, now, ends))
			return true;
	return false;
}

/* ---- what a limit counts */

struct count { const struct rule *rule; unsigned n; };

static bool count_line(void *arg, const struct json_t *e)
{
	struct count *c = arg;
	json_t *target = json_object_get(e, "target");
	const char *key = json_string_value(json_object_get(target, "key"));
	struct subject s = {
		json_string_value(json_object_get(e, "environment")), json_string_value(json_object_get(e, "source")),
		json_string_value(json_object_get(target, "kind")), json_string_value(json_object_get(e, "action")),
		json_string_value(json_object_get(e, "user")),
		risk_of(json_string_value(json_object_get(e, "risk"))) };
	const char *event = json_string_value(json_object_get(e, "event"));

	if (event && !strcmp(event, "run") && (!json_object_get(e, "undo_of") || json_object_get(e, "redo")) &&
	    !json_object_get(e, "undo_of_step") && key && subject_matches(c->rule, &s) && name_takes(c->rule->object, s.kind, key))
		c->n++;
	return true;
}

/* ---- deciding */

struct deciding {
	const struct guard_ask *q;
	struct decision d;
};

static void add_name(char *list, size_t size, const char *name)
{
	if (*list)
		strncat(list, ", ", size - strlen(list) - 1);
	strncat(list, name, size - strlen(list) - 1);
}

static void deny(struct deciding *g, const struct rule *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void deny(struct deciding *g, const struct rule *r, const char *fmt, ...)
{
	bool can = r && r->overridable;
	va_list ap;

	if (can && g->q->override && *g->q->override) {
		add_name(g->d.overridden, sizeof(g->d.overridden), r->name);
		return;
	}
	if (!g->d.allowed && (can || !g->d.overridable))       /* the first that cannot be overridden is told */
		return;
	g->d.allowed = false;
	g->d.overridable = can;
	va_start(ap, fmt);
	vsnprintf(g->d.why, sizeof(g->d.why), fmt, ap);
	va_end(ap);
}

static void deny_frozen(struct deciding *g, const struct rule *r, int64_t ends)
{
	time_t t = (time_t)(ends / 1000 + zone_offset(r->zone, ends / 1000));
	struct buf zone = { 0 };
	char at[40] = "";
	struct tm tm;

	zone_say(r->zone, ends / 1000, &zone);
	strftime(at, sizeof(at), "%a %d %b %H:%M", gmtime_r(&t, &tm));
	deny(g, r, "frozen until %s %s (guard '%s')", at, zone.data, r->name);
	buf_release(&zone);
}

static void check_limit(struct deciding *g, const struct rule *r, unsigned ntargets)
{
	struct count c = { .rule = r };
	struct buf span = { 0 };
	char why[200];

	if (!g->q->audit)
		return;                                            /* nothing runs without one */
	fmt_duration(r->limit.per_ms, &span);
	if (audit_since(g->q->audit, g->q->now - r->limit.per_ms, count_line, &c, why, sizeof(why)) < 0)
		deny(g, r, "the limit of guard '%s' cannot be counted: %s", r->name, why);
	else if (c.n + ntargets > r->limit.times)
		deny(g, r, "%u in %s is the limit of guard '%s': %u were done, this would be %u more", r->limit.times, span.data, r->name, c.n,
		     ntargets);
	buf_release(&span);
}

static void apply(struct deciding *g, const struct rule *r)
{
	const struct guard_ask *q = g->q;
	struct subject s = { q->source->environment, q->source->name, q->kind, q->action->name, audit_user(q->audit), q->action->risk };
	unsigned targets = 0;
	int64_t ends = 0;

	for (unsigned i = 0; i < q->nkeys; i++)
		targets += q->keys ? name_takes(r->object, q->kind, q->keys[i]) : !r->object;
	if (!targets || !subject_matches(r, &s) || (r->when.n && !inside(&r->when, r->zone, q->now, NULL)))
		return;
	add_name(g->d.rules, sizeof(g->d.rules), r->name);
	if (r->guard > g->d.guard)
		g->d.guard = r->guard;
	g->d.reason |= r->reason;
	g->d.gates_firm |= r->gates_firm;
	if (r->guard == GUARD_READONLY)
		deny(g, NULL, "'%s' is read-only here (guard '%s')", q->source->name, r->name);
	if (r->deny)
		deny(g, r, "%s (guard '%s')", *r->deny ? r->deny : "denied", r->name);
	if (q->undo)
		return;
	g->d.second |= r->second;
	if (inside(&r->freeze, r->zone, q->now, &ends))
		deny_frozen(g, r, ends);
	if (r->limit.times)
		check_limit(g, r, targets);
}

static const struct guard_rule *environment_of(const struct guards *g, const char *name)
{
	for (unsigned i = 0; g && i < g->nenvironments; i++)
		if (!strcmp(g->environments[i].environment, name))
			return &g->environments[i];
	return NULL;
}

struct decision guard_decide(const struct guards *guards, const struct guard_ask *q)
{
	const struct source *s = q->source;
	const struct guard_rule *rule = environment_of(guards, s->environment);
	unsigned limit = rule ? (rule->limit ? rule->limit : 1) : LIMIT_UNSET;
	struct deciding g = { .q = q, .d = { .allowed = true } };

	if (q->action->risk >= RISK_DISRUPTIVE)
		g.d.guard = rule ? rule->guard : !strncasecmp(s->environment, "prod", 4) ? GUARD_TYPE_NAME : GUARD_CONFIRM;
	if (q->action->risk == RISK_IRREVERSIBLE && g.d.guard == GUARD_CONFIRM)
		g.d.guard = GUARD_TYPE_NAME;
	if (s->readonly || (rule && rule->guard == GUARD_READONLY)) {
		g.d.guard = GUARD_READONLY;
		deny(&g, NULL, "'%s' is read-only here (environment '%s'): nothing can be changed", s->name, s->environment);
		return g.d;
	}
	if (q->nkeys > 1 && !q->action->bulk)
		deny(&g, NULL, "'%s' takes one target at a time, %u are marked", q->action->name, q->nkeys);
	else if (q->nkeys > limit)
		deny(&g, NULL, "%u at once is over the limit of %u in environment '%s': mark fewer", q->nkeys, limit, s->environment);
	for (unsigned i = 0; guards && i < guards->nrules; i++)
		apply(&g, &guards->rules[i]);
	return g.d;
}

struct decision decision_strictest(const struct decision *a, const struct decision *b)
{
	/* the one that forbids most tells why */
	bool b_worse = !b->allowed && (a->allowed || (a->overridable && !b->overridable));
	struct decision d = b_worse ? *b : *a;
	const struct decision *other = b_worse ? a : b;

	d.guard = a->guard > b->guard ? a->guard : b->guard;
	d.reason |= other->reason;
	d.second |= other->second;
	d.gates_firm |= other->gates_firm;
	if (*other->rules && !strstr(d.rules, other->rules))
		add_name(d.rules, sizeof(d.rules), other->rules);
	if (*other->overridden && !strstr(d.overridden, other->overridden))
		add_name(d.overridden, sizeof(d.overridden), other->overridden);
	return d;
}
