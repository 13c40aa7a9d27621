/* runbook_plan: what a runbook would do, before anything is done: the registry's own step first, as its plan says which version it is
 * about; then the steps, gates and checks of the configuration, all asked at once. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/runbook_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void make_id(struct runbook *r)
{
	time_t now = (time_t)(runbook_now(r) / 1000);
	struct tm tm;
	char at[24] = "";
	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y%m%dT%H%M%S", &tm);
	/* it names files: of a long name the beginning is enough */
	r->id = xasprintf("%s-%s-%.80s%s%.20s-%d", at, r->verb, r->model, *r->version ? "-" : "", r->version, (int)getpid() % 10000);
	for (char *p = r->id; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *p))
			*p = '_';
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
		r->gates = gates_new(gates, &(struct gates_subject){ p->registry, r->model, r->version, r->previous,
			p->rs->config ? yaml_text(yaml_get(p->rs->config->root, "guards"), "zone") : NULL }, p->rs->store, p->rs->sources, p->rs->nsources, p->rs->clock);
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
void runbook_decide(struct runbook *r)
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
	runbook_decide(r);
	if (r->decision.guard == GUARD_TYPE_NAME || (r->gates && gates_failed(r->gates)))
		r->must_type = r->model;
	make_id(r);
	probes_foresee(r);
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

void plan_move(struct runbook *r)
{
	if (r->priv->phase == PHASE_WHEN)
		find_at(r);
	else if (r->priv->phase == PHASE_FIRST)
		first_planned(r);
	else
		rest_planned(r);
}

/* What is written wrong in its entry is told before anything is asked of anybody. For a rollback only the steps have to be right. */
static bool is_written_well(struct runbooks *rs, const struct runbook_order *o, bool back)
{
	const struct yaml *entry = promotion_entry(rs->config, o->model, o->registry->name);
	struct promotion_place *places = xcalloc(rs->nsources + 1, sizeof(*places));
	struct config_errors wrong = { 0 };
	for (unsigned i = 0; i < rs->nsources; i++)
		places[i] = (struct promotion_place){ rs->sources[i]->name, rs->sources[i]->backend };
	if (entry)
		promotion_check(entry, back, places, rs->nsources, rs->config->path, &wrong);
	bool well = !wrong.n;
	if (!well)
		snprintf(rs->why, sizeof(rs->why), "%s:%u:%u: %s%s", wrong.list[0].file, wrong.list[0].line, wrong.list[0].column, wrong.list[0].what,
			wrong.n > 1 ? "; more: binnacle config check" : "");
	config_errors_release(&wrong);
	free(places);
	return well;
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
	else if (is_written_well(rs, o, back)) {
		struct runbook *r = runbook_new(rs, o->verb, o->model);
		struct runbook_private *p = r->priv;
		p->registry = o->registry;
		p->entry = promotion_entry(rs->config, o->model, o->registry->name);
		p->alias = o->alias && *o->alias ? xstrdup(o->alias) : NULL;
		p->user = audit_who();
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
