/* runbook: see runbook.h. The life of one: planned, shown, confirmed, moved on, asked about, ended. What a step does is in
 * runbook_steps.c. Everything happens on the main thread; runbooks_tick is called after messages came and when its time is up. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/runbook_private.h"
#include "base/say.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOG_MAX = 2000, TICK_MS = 1000 };

const char *runbook_state_name(enum runbook_state s)
{
	static const char *const names[] = { "planning", "planned", "running", "verifying", "asking", "going back", "done", "rolled back",
		"held", "failed", "cancelled" };
	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "?";
}

const char *runbook_step_name(enum runbook_step_state s)
{
	static const char *const names[] = { "waiting", "planning", "running", "checking", "done", "nothing to do", "failed", "not known",
		"going back", "taken back", "stays" };
	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "?";
}

bool runbook_over(const struct runbook *r)
{
	return r->state >= RUNBOOK_DONE;
}

bool runbook_looking(const struct runbook *r)
{
	return r->priv->tell.on;
}

/* ---- small things */

int64_t runbook_now(const struct runbook *r)
{
	return clock_wall(r->priv->rs->clock);
}

void runbook_changed(struct runbook *r)
{
	r->version_of_screen++;
	r->priv->rs->store->version++;
}

void runbook_set(char **text, const char *to)
{
	char *copy = xstrdup(to);
	free(*text);
	*text = copy;
}

void runbook_say(struct runbook *r, enum step_state how, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (r->nlog == LOG_MAX) {
		free(r->log[0].say);
		memmove(r->log, r->log + 1, (LOG_MAX - 1) * sizeof(*r->log));
		r->nlog--;
	}
	r->log = xreallocarray(r->log, r->nlog + 1, sizeof(*r->log));
	r->log[r->nlog].at = runbook_now(r);
	r->log[r->nlog].state = how;
	r->log[r->nlog++].say = buf_detach(&b);
	runbook_changed(r);
}

static void set_error(struct runbook *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void set_error(struct runbook *r, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(r->error);
	r->error = buf_detach(&b);
	runbook_changed(r);
}

bool runbook_note(struct runbook *r, json_t *line)
{
	char why[400];
	if (!r->priv->journal) {
		json_decref(line);
		return true;
	}
	if (journal_write(r->priv->journal, line, why, sizeof(why)))
		return true;
	set_error(r, "%s", why);
	return false;
}

struct source *runbook_source(const struct runbooks *rs, const char *name)
{
	for (unsigned i = 0; name && i < rs->nsources; i++)
		if (!strcmp(rs->sources[i]->name, name))
			return rs->sources[i];
	return NULL;
}

/* ---- rows that are looked at */

static void watch_one(struct runbook *r, struct source *from, const char *kind)
{
	struct runbook_private *p = r->priv;
	for (unsigned i = 0; i < p->nwatches; i++)
		if (p->watches[i].source == from && !strcmp(p->watches[i].kind, kind))
			return;
	p->watches = xreallocarray(p->watches, p->nwatches + 1, sizeof(*p->watches));
	p->watches[p->nwatches++] = (struct runbook_watch){ from, xstrdup(kind),
		source_ask(from, request_new(REQ_WATCH, kind, STR(""), "", "")) };
}

void runbook_watch(struct runbook *r, struct source *from, const char *kind)
{
	const struct runbooks *rs = r->priv->rs;
	for (unsigned i = 0; kind && i < rs->nsources; i++)
		if ((!from || from == rs->sources[i]) && backend_fills(rs->sources[i]->backend, kind))
			watch_one(r, rs->sources[i], kind);
}

void runbook_look_again(struct runbook *r)
{
	for (unsigned i = 0; i < r->priv->nwatches; i++) {
		struct runbook_watch *w = &r->priv->watches[i];
		uint64_t was = w->id;
		w->id = source_ask(w->source, request_new(REQ_WATCH, w->kind, STR(""), "", ""));
		source_cancel(w->source, was);
	}
}

void runbook_unwatch(struct runbook *r)
{
	for (unsigned i = 0; i < r->priv->nwatches; i++) {
		source_cancel(r->priv->watches[i].source, r->priv->watches[i].id);
		free(r->priv->watches[i].kind);
	}
	free(r->priv->watches);
	r->priv->watches = NULL;
	r->priv->nwatches = 0;
}

/* ---- making and freeing */

struct runbook *runbook_new(struct runbooks *rs, const char *verb, const char *model)
{
	struct runbook *r = xcalloc(1, sizeof(*r));
	r->priv = xcalloc(1, sizeof(*r->priv));
	r->priv->rs = rs;
	r->verb = xstrdup(verb);
	r->model = xstrdup(model);
	r->priv->steps = json_array();
	r->priv->since = clock_wall(rs->clock);
	rs->all = xreallocarray(rs->all, rs->n + 1, sizeof(*rs->all));
	rs->all[rs->n++] = r;
	return r;
}

void runbook_free(struct runbook *r)
{
	struct runbook_private *p = r->priv;
	char *const texts[] = { r->id, r->verb, r->model, r->version, r->previous, r->reason, r->error, r->ask, p->alias, p->user,
		p->override, p->why_back, p->tell.say };
	if (p->tell.id)
		store_forget(p->rs->store, p->tell.id);
	runbook_unwatch(r);
	verify_release(r);
	gates_free(r->gates);
	approval_free(r->approval);
	for (unsigned i = 0; i < r->nsteps; i++)
		step_release(&r->steps[i]);
	for (unsigned i = 0; i < r->nlog; i++)
		free(r->log[i].say);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	json_decref(p->steps);
	json_decref(p->verify);
	json_decref(p->before);
	journal_free(p->journal);
	free(r->steps);
	free(r->log);
	free(p);
	free(r);
}

struct runbooks *runbooks_new(struct actor *actor, struct store *store, struct source **sources, unsigned nsources,
                              const struct config *config, const char *folder, const struct clock *clock)
{
	struct runbooks *rs = xcalloc(1, sizeof(*rs));
	*rs = (struct runbooks){ .actor = actor, .store = store, .sources = sources, .nsources = nsources, .config = config,
		.folder = xstrdup(folder), .clock = clock };
	return rs;
}

void runbooks_free(struct runbooks *rs)
{
	if (!rs)
		return;
	for (unsigned i = 0; i < rs->n; i++)
		runbook_free(rs->all[i]);
	free(rs->all);
	free(rs->folder);
	free(rs);
}

struct runbook *runbooks_get(const struct runbooks *rs, unsigned i)
{
	return i < rs->n ? rs->all[i] : NULL;
}

unsigned runbooks_living(const struct runbooks *rs)
{
	return rs->living;
}

bool runbooks_knows(const struct runbooks *rs, const char *model, const struct source *registry)
{
	return promotion_entry(rs->config, model, registry ? registry->name : NULL) != NULL;
}

const char *runbooks_kind(const struct runbooks *rs, const char *model, unsigned i)
{
	const struct yaml *entry = promotion_entry(rs->config, model, NULL), *checks = yaml_get(yaml_get(entry, "verify"), "checks");
	const char *gate = gates_kind(yaml_get(entry, "gates"), i);
	unsigned n = 0;
	if (gate)
		return gate;
	while (gates_kind(yaml_get(entry, "gates"), n))
		n++;
	i -= n;
	return checks && checks->type == YAML_LIST && i < checks->n ? yaml_text(checks->items[i], "kind") : NULL;
}

/* ---- planning */

static void make_id(struct runbook *r)
{
	time_t now = (time_t)(runbook_now(r) / 1000);
	struct tm tm;
	char at[24] = "";
	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y%m%dT%H%M%S", &tm);
	r->id = xasprintf("%s-%s-%s%s%s-%d", at, r->verb, r->model, *r->version ? "-" : "", r->version, (int)getpid() % 10000);
	for (char *p = r->id; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *p))
			*p = '_';
}

static char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER"), *user = getenv("USER");
	const struct passwd *pw = getpwuid(getuid());
	return xstrdup(sudo && *sudo ? sudo : user && *user ? user : pw ? pw->pw_name : "");
}

/* Planning cannot go on; nothing was changed. */
static void give_up(struct runbook *r, const char *why)
{
	runbook_say(r, STEP_FAILED, "%s", why);
	runbook_end(r, RUNBOOK_FAILED, why);
}

static void first_step(struct runbook *r)
{
	bool back = !strcmp(r->verb, "rollback");
	char why[400];
	json_t *params = json_object(), *spec;
	char *key = back ? xstrdup(r->model) : xasprintf("%s/%s", r->model, r->version);
	if (r->reason && *r->reason)
		json_object_set_new(params, "reason", json_string(r->reason));
	if (r->priv->alias)
		json_object_set_new(params, "alias", json_string(r->priv->alias));
	if (back && *r->version)
		json_object_set_new(params, "version", json_string(r->version));
	spec = json_pack("{s:s, s:s, s:s, s:s, s:o}", "action", r->verb, "kind", back ? "models" : "versions", "name", key, "source",
		r->priv->registry->name, "params", params);
	json_array_append_new(r->priv->steps, spec);
	free(key);
	r->priv->phase = PHASE_FIRST;
	if (step_make(r, spec, why, sizeof(why)))
		step_begin_plan(r, 0);
	else
		give_up(r, why);
}

/* Which version and which one before: from the registry's own plan. */
static void learn(struct runbook *r, const json_t *plan)
{
	const json_t *to = json_object_get(json_object_get(plan, "target"), "to");
	const json_t *was = json_object_get(json_object_get(json_object_get(plan, "undo"), "params"), "version");
	char text[24];
	if (json_is_integer(to)) {
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(to));
		runbook_set(&r->version, text);
	}
	runbook_set(&r->previous, json_is_string(was) ? json_string_value(was) : "");
}

static void plan_rest(struct runbook *r)
{
	struct runbook_private *p = r->priv;
	const struct promotion_words w = { r->model, r->version, r->previous, p->alias, r->reason, p->user };
	const struct yaml *gates = strcmp(r->verb, "rollback") ? yaml_get(p->entry, "gates") : NULL;
	char why[400];
	json_t *steps = promotion_steps(p->entry, &w), *spec;
	size_t i;
	if (!strcmp(r->verb, "rollback"))
		promotion_straight(steps);
	json_array_foreach(steps, i, spec) {
		json_array_append(p->steps, spec);
		if (!step_make(r, spec, why, sizeof(why))) {
			give_up(r, why);
			break;
		}
	}
	json_decref(steps);
	if (r->state != RUNBOOK_PLANNING)
		return;
	p->verify = promotion_verify(p->entry, &w);
	verify_begin_checks(r);
	for (unsigned k = 0; gates_kind(gates, k); k++)
		runbook_watch(r, NULL, gates_kind(gates, k));
	if (strcmp(r->verb, "rollback"))
		r->gates = gates_new(gates, &(struct gates_subject){ p->registry, r->model, r->version, r->previous }, p->rs->store,
			p->rs->sources, p->rs->nsources, p->rs->clock);
	p->phase = PHASE_REST;
}

static void first_planned(struct runbook *r)
{
	struct act *act = r->steps[0].act;
	const char *blocked;
	if (!act || step_plan_late(r, 0)) {
		give_up(r, r->steps[0].say ? r->steps[0].say : "the registry cannot be asked");
		return;
	}
	if (act->state == ACT_PLANNING)
		return;
	blocked = json_string_value(json_object_get(act->targets[0].plan, "blocked"));
	if (act->state != ACT_SHOWN || blocked) {
		give_up(r, blocked ? blocked : act->error ? act->error : "the registry made no plan");
		return;
	}
	learn(r, act->targets[0].plan);
	plan_rest(r);
}

/* Of all steps the strictest is what has to be confirmed. */
static void decide(struct runbook *r)
{
	struct decision d = { .allowed = true };
	for (unsigned i = 0; i < r->nsteps; i++) {
		struct runbook_step *s = &r->steps[i];
		struct decision one = { .allowed = false };
		const char *why = s->say ? s->say : "it cannot be planned";
		if (s->act && s->act->state == ACT_SHOWN) {
			one = s->act->decision;
			one.allowed |= act_already(s->act) != NULL;
			why = one.why;
		} else if (s->act && s->act->error) {
			why = s->act->error;
		}
		s->state = one.allowed ? RSTEP_WAITING : RSTEP_FAILED;
		if (!one.allowed) {
			runbook_set(&s->say, why);
			snprintf(one.why, sizeof(one.why), "step %u (%.100s): %.180s", i + 1, s->title, s->say);
		}
		d = decision_strictest(&d, &one);
	}
	r->decision = d;
}

static void shown(struct runbook *r)
{
	for (unsigned i = 0; i < r->nsteps; i++) {
		const struct act *act = r->steps[i].act;
		const char *title = act ? json_string_value(json_object_get(act->targets[0].plan, "title")) : NULL;
		if (title)
			runbook_set(&r->steps[i].title, title);
	}
	decide(r);
	if (r->decision.guard == GUARD_TYPE_NAME || (r->gates && gates_failed(r->gates)))
		r->must_type = r->model;
	make_id(r);
	r->state = RUNBOOK_SHOWN;
	runbook_approve(r);
	runbook_changed(r);
}

static void rest_planned(struct runbook *r)
{
	bool all = !r->gates || gates_tick(r->gates, runbook_now(r));
	for (unsigned i = 1; i < r->nsteps; i++) {
		struct runbook_step *s = &r->steps[i];
		if (s->state == RSTEP_WAITING)
			step_begin_plan(r, i);
		else if (s->state == RSTEP_PLANNING && s->act->state == ACT_PLANNING)
			step_plan_late(r, i);
		all = all && s->state != RSTEP_WAITING && (s->state != RSTEP_PLANNING || s->act->state != ACT_PLANNING);
	}
	if (all)
		shown(r);
}

static void find_at(struct runbook *r)
{
	struct buf why = { 0 };
	int found = runbook_find_at(r, &why);
	if (found > 0)
		first_step(r);
	else if (found < 0)
		give_up(r, why.data);
	buf_release(&why);
}

struct runbook *runbook_start(struct runbooks *rs, const struct runbook_order *o, const char **why)
{
	bool back = !strcmp(o->verb, "rollback");
	const char *version = o->version ? o->version : "";
	const struct action *a = action_find(o->registry->backend, o->verb, back ? "models" : "versions");
	const char *keys[] = { o->model };
	struct decision d = { .allowed = false };
	if (*version == 'v' || *version == 'V')
		version++;
	if (a)
		d = actor_decide(rs->actor, o->registry, a, "models", keys, 1, false);
	if (!a)
		snprintf(rs->why, sizeof(rs->why), "'%s' cannot %s models", o->registry->name, back ? "roll back" : "promote");
	else if (!back && !*version)
		snprintf(rs->why, sizeof(rs->why), "which version of '%s' to promote is missing", o->model);
	else if (!back && !str_trim(str_of(o->reason)).n)
		snprintf(rs->why, sizeof(rs->why), "a promotion needs a reason");
	else if (!d.allowed && !d.overridable)
		snprintf(rs->why, sizeof(rs->why), "%s", d.why);
	else {
		struct runbook *r = runbook_new(rs, o->verb, o->model);
		struct runbook_private *p = r->priv;
		p->registry = o->registry;
		p->entry = promotion_entry(rs->config, o->model, o->registry->name);
		p->alias = o->alias && *o->alias ? xstrdup(o->alias) : NULL;
		p->user = user_name();
		p->at = o->at;
		r->version = xstrdup(version);
		r->previous = xstrdup("");
		r->reason = xstrdup(o->reason ? o->reason : "");
		r->hold = o->hold || promotion_holds(p->entry);
		runbook_watch(r, o->registry, "promotions");
		if (!o->at)
			first_step(r);
		return r;
	}
	*why = rs->why;
	return NULL;
}

/* ---- confirming */

static json_t *planned_line(struct runbook *r, const char *override)
{
	struct runbook_private *p = r->priv;
	json_t *steps = json_array(), *spec;
	size_t i;
	json_array_foreach(p->steps, i, spec) {
		const struct runbook_step *s = &r->steps[i];
		json_t *o = json_copy(spec);
		json_object_set_new(o, "source", json_string(s->source->name));
		json_object_set_new(o, "name", json_string(s->key));
		json_object_set_new(o, "title", json_string(s->title));
		json_array_append_new(steps, o);
	}
	json_t *line = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "e", "planned", "format", 1, "verb", r->verb,
		"model", r->model, "version", r->version, "previous", r->previous, "reason", r->reason, "user", p->user, "registry",
		p->registry->name, "hold", (int)r->hold, "steps", steps);
	if (override)
		json_object_set_new(line, "override", json_string(override));
	if (p->verify)
		json_object_set(line, "verify", p->verify);
	json_object_set_new(line, "pid", json_integer(getpid()));
	return line;
}

/* The audit has the whole beside its steps: what failed, why it did not matter, how it ended. */
static int audit_whole(struct runbook *r, const char *state, const char *override, char *why, size_t size)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "event", "runbook", "state", state, "runbook", r->id, "action",
		r->verb, "source", r->priv->registry->name, "environment", r->priv->registry->environment, "version", r->version, "previous",
		r->previous, "reason", r->reason);
	json_object_set_new(o, "target", json_pack("{s:s, s:s}", "kind", "models", "key", r->model));
	for (unsigned i = 0; r->gates && i < r->gates->n; i++) {
		const struct gate *g = &r->gates->list[i];
		json_t *list = json_object_get(o, "gates");
		if (!list) {
			list = json_array();
			json_object_set_new(o, "gates", list);
		}
		json_array_append_new(list, json_pack("{s:s?, s:s?, s:s}", "gate", g->title, "figures", g->figures, "result",
			gate_result_name(g->result)));
	}
	if (override)
		json_object_set_new(o, "override", json_string(override));
	json_t *approved = r->approval ? approval_evidence(r->approval, runbook_now(r)) : NULL;
	if (approved)
		json_object_set_new(o, "approved", approved);
	if (runbook_over(r) && r->error)
		json_object_set_new(o, "say", json_string(r->error));
	return actor_note(r->priv->rs->actor, o, why, size);
}

/* The reason that overrides gates overrides rules of the guards that may be, too. */
static bool overrides(struct runbook *r, const char *override)
{
	for (unsigned i = 0; i < r->nsteps; i++) {
		struct act *act = r->steps[i].act;
		if (act && act->state == ACT_SHOWN && !act->decision.allowed && act->decision.overridable)
			act_override(act, override);
	}
	decide(r);
	return r->decision.allowed;
}

static bool may_confirm(struct runbook *r, const char *typed, const char *override)
{
	unsigned bad = r->gates ? gates_failed(r->gates) : 0;
	bool overridden = override && str_trim(str_of(override)).n;
	if (r->state != RUNBOOK_SHOWN)
		set_error(r, r->state == RUNBOOK_PLANNING ? "the plan is not there yet" : "it cannot be confirmed any more");
	else if (bad && r->decision.gates_firm)
		set_error(r, "%u gate%s not pass, and that cannot be overridden here (guard %s)", bad, bad == 1 ? " does" : "s do",
			r->decision.rules);
	else if (bad && !overridden)
		set_error(r, "%u gate%s not pass: say why that shall not matter, or do not promote", bad, bad == 1 ? " does" : "s do");
	else if (!r->decision.allowed && !(overridden && r->decision.overridable && overrides(r, override)))
		set_error(r, "%s", r->decision.why);
	else if (r->must_type && (!typed || strcmp(typed, r->must_type)))
		set_error(r, "type '%s' to go on", r->must_type);
	else if (r->decision.reason && !str_trim(str_of(r->reason)).n && !overridden)
		set_error(r, "a reason has to be given (guard %s)", r->decision.rules);
	else if (!runbook_approved(r)) {
		runbook_approve(r);
		set_error(r, "another person has to approve it (guard %s)", r->decision.rules);
	}
	else
		return true;
	return false;
}

bool runbook_confirm(struct runbook *r, const char *typed, const char *override)
{
	char why[400];
	if (!may_confirm(r, typed, override))
		return false;
	bool needed = (r->gates && gates_failed(r->gates)) || *r->decision.overridden;
	override = needed ? override : NULL;
	r->priv->journal = journal_new(r->priv->rs->folder, r->id, r->priv->rs->clock, why, sizeof(why));
	if (!r->priv->journal) {
		set_error(r, "nothing is done without a journal: %s", why);
		return false;
	}
	if (!runbook_note(r, planned_line(r, override)))
		return false;
	if (audit_whole(r, "begun", override, why, sizeof(why)) != 0) {
		set_error(r, "not begun, because it cannot be recorded: %s", why);
		return false;
	}
	runbook_set(&r->error, NULL);
	runbook_set(&r->priv->override, override);
	for (unsigned i = 0; i < r->nsteps; i++)
		r->steps[i].at = 0;
	if (r->steps[0].act)
		act_join(r->steps[0].act, &(struct act_part){ .runbook = r->id, .step = 1, .reason = r->reason, .override = override });
	r->state = RUNBOOK_RUNNING;
	r->current = 0;
	verify_begin_before(r);
	if (override)
		runbook_say(r, STEP_RUNNING, "overridden: %s", override);
	runbook_changed(r);
	return true;
}

/* ---- turns */

void runbook_end(struct runbook *r, enum runbook_state s, const char *error)
{
	char why[400];
	char *copy = xstrdup(error);
	r->state = s;
	free(r->error);
	r->error = copy;
	runbook_set(&r->ask, NULL);
	if (r->priv->journal) {
		runbook_note(r, json_pack("{s:s, s:s, s:s?}", "e", "over", "state", runbook_state_name(s), "say", copy));
		if (audit_whole(r, runbook_state_name(s), NULL, why, sizeof(why)) != 0)
			runbook_say(r, STEP_FAILED, "its end is not in the audit file: %s", why);
		journal_over(r->priv->journal, true);
	}
	runbook_say(r, s == RUNBOOK_DONE ? STEP_DONE : STEP_FAILED, "%s%s%s", runbook_state_name(s), copy ? ": " : "", copy ? copy : "");
	runbook_unwatch(r);
}

void runbook_ask(struct runbook *r, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	r->state = RUNBOOK_ASKING;
	free(r->ask);
	r->ask = buf_detach(&b);
	runbook_note(r, json_pack("{s:s, s:s}", "e", "ask", "say", r->ask));
	runbook_say(r, STEP_WAITING, "%s", r->ask);
}

static void begin_back(struct runbook *r, const char *why)
{
	runbook_set(&r->priv->why_back, why);
	runbook_say(r, STEP_RUNNING, "going back: %s", why);
	r->priv->backwards = true;
	r->state = RUNBOOK_UNDOING;
	r->current = r->nsteps ? r->nsteps - 1 : 0;
	runbook_note(r, json_pack("{s:s, s:s}", "e", "back", "say", why));
	runbook_changed(r);
}

void runbook_wrong(struct runbook *r, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	bool any = false;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < r->nsteps; i++)
		any = any || step_was_done(&r->steps[i]);
	if (!any)
		runbook_end(r, RUNBOOK_FAILED, b.data);
	else if (r->hold || r->priv->stop)
		runbook_ask(r, "%s", b.data);
	else
		begin_back(r, b.data);
	buf_release(&b);
}

void runbook_cancel(struct runbook *r)
{
	if (r->state == RUNBOOK_PLANNING || r->state == RUNBOOK_SHOWN) {
		for (unsigned i = 0; i < r->nsteps; i++)
			if (r->steps[i].act)
				act_cancel(r->steps[i].act);
		runbook_end(r, RUNBOOK_CANCELLED, NULL);
	} else if (r->state == RUNBOOK_RUNNING && r->priv->stop) {
		if (r->current < r->nsteps && r->steps[r->current].act)      /* asked twice: not even its end is waited for */
			act_cancel(r->steps[r->current].act);
	} else if (r->state == RUNBOOK_RUNNING || r->state == RUNBOOK_VERIFYING) {
		r->priv->stop = true;
		runbook_say(r, STEP_WAITING, "asked to stop after this step");
	}
}

bool runbook_can_undo(const struct runbook *r)
{
	bool any = false;
	for (unsigned i = 0; i < r->nsteps; i++)
		any = any || step_was_done(&r->steps[i]);
	return any && (r->state == RUNBOOK_DONE || r->state == RUNBOOK_HELD);
}

static void go_on(struct runbook *r)
{
	r->state = RUNBOOK_RUNNING;
	r->priv->stop = false;
	for (unsigned i = 0; i < r->nsteps; i++) {
		struct runbook_step *s = &r->steps[i];
		if (s->state == RSTEP_CHECKING || (s->state == RSTEP_FAILED && s->touched && !s->until))
			s->state = RSTEP_DONE;
		else if (s->state == RSTEP_FAILED && s->touched)
			s->state = RSTEP_CHECKING, s->at = runbook_now(r);       /* it is done: its check is given its time once more */
		else if (s->state == RSTEP_FAILED || s->state == RSTEP_UNKNOWN || s->state == RSTEP_PLANNING || s->state == RSTEP_RUNNING) {
			s->state = RSTEP_WAITING;
			s->act = NULL;
			s->at = 0;
		}
	}
	for (r->current = 0; r->current < r->nsteps && (r->steps[r->current].state == RSTEP_DONE ||
	     r->steps[r->current].state == RSTEP_ALREADY); r->current++)
		;
	if (!r->current)
		verify_begin_before(r);
}

bool runbook_choose(struct runbook *r, enum runbook_choice c)
{
	static const char *const names[] = { "on", "back", "hold" };
	bool again = c == RUNBOOK_GO_BACK && runbook_can_undo(r);
	if (r->state != RUNBOOK_ASKING && !again)
		set_error(r, "nothing is asked");
	else if (r->priv->tell.on)
		set_error(r, "whether step %u was taken is being asked: a moment", r->priv->tell.step + 1);
	else if (c == RUNBOOK_GO_ON && r->priv->backwards)
		set_error(r, "it is going back: go back tries again, hold leaves it as it is");
	else {
		if (again && r->priv->journal) {
			journal_over(r->priv->journal, false);
			for (unsigned i = 0; i < r->nsteps; i++)
				runbook_watch(r, r->steps[i].source, r->steps[i].kind);
		}
		runbook_note(r, json_pack("{s:s, s:s}", "e", "choice", "say", names[c]));
		char *asked = r->ask ? xstrdup(r->ask) : xstrdup("as chosen");
		runbook_set(&r->ask, NULL);
		runbook_set(&r->error, NULL);
		if (c == RUNBOOK_GO_ON)
			go_on(r);
		else if (c == RUNBOOK_GO_BACK)
			begin_back(r, r->priv->backwards && r->priv->why_back ? r->priv->why_back : asked);
		else
			runbook_end(r, RUNBOOK_HELD, asked);
		free(asked);
		runbook_changed(r);
		return true;
	}
	return false;
}

/* ---- moving on */

static void move(struct runbook *r)
{
	tell_tick(r);
	if (r->priv->tell.on)
		return;
	switch (r->state) {
	case RUNBOOK_PLANNING:
		if (r->priv->phase == PHASE_WHEN)
			find_at(r);
		else if (r->priv->phase == PHASE_FIRST)
			first_planned(r);
		else
			rest_planned(r);
		break;
	case RUNBOOK_RUNNING:
		if (!verify_has_before(r) || r->state != RUNBOOK_RUNNING)
			break;
		if (r->current < r->nsteps)
			step_forth(r);
		else if (r->nchecks)
			verify_begin_looking(r);
		else
			runbook_end(r, RUNBOOK_DONE, NULL);
		break;
	case RUNBOOK_VERIFYING:
		verify_look(r);
		break;
	case RUNBOOK_UNDOING:
		step_back(r);
		break;
	default:
		break;
	}
}

int runbooks_tick(struct runbooks *rs, int64_t now)
{
	int wait = -1;
	for (unsigned i = 0; i < rs->n; i++) {
		struct runbook *r = rs->all[i];
		uint64_t seen;
		int turns = 0;
		do {
			seen = r->version_of_screen;
			if (r->state != RUNBOOK_SHOWN && !runbook_over(r))
				move(r);
		} while (r->version_of_screen != seen && ++turns < 50 && r->state != RUNBOOK_SHOWN && !runbook_over(r));
		bool approves = r->state == RUNBOOK_SHOWN && !runbook_approved(r);
		if (approves)
			runbook_approve(r);
		bool waits = (r->state == RUNBOOK_SHOWN && !approves) || runbook_over(r) || (r->state == RUNBOOK_ASKING && !r->priv->tell.on);
		wait = waits ? wait : TICK_MS;
	}
	return wait;
}
