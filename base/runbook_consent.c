/* runbook_consent: what has to be given before a runbook moves: to confirm one that is shown, and to go on or back with one that a
 * program left in the middle. For that the guards are asked anew: whoever takes it up may be somebody else, at another time. */
#define _GNU_SOURCE
#include "base/json_text.h"
#include "base/mem.h"
#include "base/runbook_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
		json_object_set_new(o, "named", json_string(json_text(spec, "name")));
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

int runbook_audit(struct runbook *r, const char *state, const char *override, char *why, size_t size)
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
	runbook_decide(r);
	return r->decision.allowed;
}

static bool may_confirm(struct runbook *r, const char *typed, const char *override)
{
	unsigned bad = r->gates ? gates_failed(r->gates) : 0;
	bool overridden = override && str_trim(str_of(override)).n;
	if (r->state != RUNBOOK_SHOWN)
		runbook_refuse(r, r->state == RUNBOOK_PLANNING ? "the plan is not there yet" : "it cannot be confirmed any more");
	else if (bad && r->decision.gates_firm)
		runbook_refuse(r, "%u gate%s not pass, and that cannot be overridden here (guard %s)", bad, bad == 1 ? " does" : "s do",
			r->decision.rules);
	else if (bad && !overridden)
		runbook_refuse(r, "%u gate%s not pass: say why that shall not matter, or do not promote", bad, bad == 1 ? " does" : "s do");
	else if (!r->decision.allowed && !(overridden && r->decision.overridable && overrides(r, override)))
		runbook_refuse(r, "%s", r->decision.why);
	else if (r->must_type && (!typed || strcmp(typed, r->must_type)))
		runbook_refuse(r, "type '%s' to go on", r->must_type);
	else if (r->decision.reason && !str_trim(str_of(r->reason)).n && !overridden)
		runbook_refuse(r, "a reason has to be given (guard %s)", r->decision.rules);
	else if (!runbook_approved(r)) {
		runbook_approve(r);
		runbook_refuse(r, "another person has to approve it (guard %s)", r->decision.rules);
	}
	else
		return true;
	return false;
}

/* Two at once on one model would take each other's steps for their own. To go back is never kept waiting by another program: what
 * that one does next is planned anew, and its verification fails. */
static bool is_free(struct runbook *r)
{
	const struct runbook *mine = runbooks_unfinished(r->priv->rs, r->model);
	char *other = !mine && strcmp(r->verb, "rollback") ? runbooks_elsewhere(r->priv->rs, r->model) : NULL;
	bool free_of_others = !mine && !other;
	if (mine)
		runbook_refuse(r, "another one of %s is not at its end (%s): `:runbooks` leads to it", r->model, runbook_state_name(mine->state));
	else if (other)
		runbook_refuse(r, "%s", other);
	free(other);
	return free_of_others;
}

bool runbook_confirm(struct runbook *r, const char *typed, const char *override)
{
	char why[400];
	if (!may_confirm(r, typed, override) || !is_free(r))
		return false;
	bool needed = (r->gates && gates_failed(r->gates)) || *r->decision.overridden;
	override = needed ? override : NULL;
	r->priv->journal = journal_new(r->priv->rs->folder, r->id, r->priv->rs->clock, why, sizeof(why));
	if (!r->priv->journal) {
		runbook_refuse(r, "nothing is done without a journal: %s", why);
		return false;
	}
	if (!runbook_note(r, planned_line(r, override)))
		return false;
	if (runbook_audit(r, "begun", override, why, sizeof(why)) != 0) {
		runbook_refuse(r, "not begun, because it cannot be recorded: %s", why);
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

/* ---- choosing */

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

/* The strictest of what is to be done: steps forth, or what takes back those that were done. */
static struct decision judge(const struct runbook *r, enum runbook_choice c)
{
	struct decision d = { .allowed = true };
	for (unsigned i = 0; i < r->nsteps; i++) {
		const struct runbook_step *s = &r->steps[i];
		bool back = c == RUNBOOK_GO_BACK;
		const struct action *a = back ? step_undo_action(s) : s->action;
		const char *kind = back ? step_undo_kind(s) : s->kind, *keys[] = { back ? step_undo_key(s) : s->key };
		if (!a || (back && !step_was_done(s)))
			continue;
		struct decision one = actor_decide(r->priv->rs->actor, s->source, a, kind, keys, 1, back);
		if (!back && step_is_over(s))       /* the name is that of the whole; what is done cannot be forbidden any more */
			one = (struct decision){ .allowed = true, .guard = one.guard };
		if (!one.allowed) {
			struct decision said = one;
			snprintf(one.why, sizeof(one.why), "%s is denied at step %u (%.80s): %.180s", back ? "going back" : "going on", i + 1, s->title, said.why);
		}
		d = decision_strictest(&d, &one);
	}
	return d;
}

void runbook_judge(struct runbook *r, enum runbook_choice c)
{
	r->decision = judge(r, c);
	r->must_type = r->decision.guard == GUARD_TYPE_NAME ? r->model : NULL;
}

enum act_want runbook_wants(struct runbook *r, enum runbook_choice c, const struct runbook_given *given)
{
	bool reason = given && given->reason && str_trim(str_of(given->reason)).n, named = given && given->typed && !strcmp(given->typed, r->model);
	if (!r->recovered || r->state != RUNBOOK_ASKING || c == RUNBOOK_HOLD || r->priv->taken_up[c])
		return ACT_WANTS_NOTHING;
	runbook_judge(r, c);
	if (!r->decision.allowed && (!r->decision.overridable || !reason))
		return r->decision.overridable ? ACT_WANTS_OVERRIDE : ACT_WANTS_NOTHING;
	if (r->decision.reason && !reason && !str_trim(str_of(r->reason)).n)
		return ACT_WANTS_REASON;
	if (r->must_type && !named)
		return ACT_WANTS_NAME;
	if (!runbook_approved(r)) {
		runbook_approve(r);
		return r->decision.allowed ? ACT_WANTS_APPROVAL : ACT_WANTS_NOTHING;
	}
	return ACT_WANTS_NOTHING;
}

/* Of a recovered one: all is given, and the audit has who took it up. */
static bool take_up(struct runbook *r, enum runbook_choice c, const struct runbook_given *given)
{
	char why[400];
	const char *reason = given && given->reason && *given->reason ? given->reason : NULL;
	enum act_want want = runbook_wants(r, c, given);
	if (!r->recovered || r->state != RUNBOOK_ASKING || c == RUNBOOK_HOLD || r->priv->taken_up[c])
		return true;
	if (want == ACT_WANTS_NAME)
		runbook_refuse(r, "type '%s' to %s", r->model, c == RUNBOOK_GO_ON ? "go on" : "go back");
	else if (want == ACT_WANTS_REASON)
		runbook_refuse(r, "a reason has to be given (guard %s)", r->decision.rules);
	else if (want == ACT_WANTS_APPROVAL)
		runbook_refuse(r, "another person has to approve it (guard %s)", r->decision.rules);
	else if (!r->decision.allowed && !(r->decision.overridable && reason))
		runbook_refuse(r, "%s", r->decision.why);
	else if (runbook_audit(r, c == RUNBOOK_GO_ON ? "gone on with" : "taken back", reason, why, sizeof(why)) != 0 && c == RUNBOOK_GO_ON)
		runbook_refuse(r, "not gone on with, because it cannot be recorded: %s", why);
	else {
		if (reason)
			runbook_set(&r->priv->override, reason);
		r->priv->taken_up[c] = r->priv->taken_up[RUNBOOK_GO_BACK] = true;
		return true;
	}
	return false;
}

/* The first step that would have to be done and cannot be; r->nsteps: there is none. */
static unsigned not_doable(const struct runbook *r)
{
	unsigned i = 0;
	while (i < r->nsteps && !step_lost_secret(r, i, false))
		i++;
	return i;
}

bool runbook_choose(struct runbook *r, enum runbook_choice c, const struct runbook_given *given)
{
	static const char *const names[] = { "on", "back", "hold" };
	bool again = c == RUNBOOK_GO_BACK && runbook_can_undo(r);
	if (r->state != RUNBOOK_ASKING && !again)
		runbook_refuse(r, "nothing is asked");
	else if (r->priv->tell.on)
		runbook_refuse(r, "whether step %u was taken is being asked: a moment", r->priv->tell.step + 1);
	else if (c == RUNBOOK_GO_ON && r->priv->backwards)
		runbook_refuse(r, "it is going back: go back tries again, hold leaves it as it is");
	else if (c == RUNBOOK_GO_ON && not_doable(r) < r->nsteps)
		runbook_refuse(r, "step %u (%s) cannot be done: %s: go back, or hold and do the rest by hand", not_doable(r) + 1,
			r->steps[not_doable(r)].title, NO_SECRET);
	else if (take_up(r, c, given)) {
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
			runbook_begin_back(r, r->priv->backwards && r->priv->why_back ? r->priv->why_back : asked);
		else
			runbook_end(r, RUNBOOK_HELD, asked);
		free(asked);
		runbook_changed(r);
		return true;
	}
	return false;
}
