/* consent: what people have to give before a planned act may run, one after the other: a reason, another person's approval, the
 * object's name. Part of the action machine (base/action.h); what is wanted is decided by base/guard.c. */
#define _GNU_SOURCE
#include "base/action_in.h"
#include "base/audit_copy.h"
#include "base/mem.h"
#include "base/redact.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool act_refuse(struct act *act, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(act->error);
	act->error = buf_detach(&b);
	act_changed(act);
	return false;
}

static int64_t now_of(const struct act *act)
{
	return clock_wall(act->priv->actor->clock);
}

static bool approved(const struct act *act)
{
	if (act->priv->runbook)                                /* what was typed and approved there holds for the whole */
		return true;
	return act->vouched || (act->approval && act->approval->by && now_of(act) <= act->approval->until);
}

enum act_want act_wants(const struct act *act)
{
	const struct decision *d = &act->decision;

	if (act->state != ACT_SHOWN)
		return ACT_WANTS_NOTHING;
	if (!d->allowed)
		return d->overridable ? ACT_WANTS_OVERRIDE : ACT_WANTS_NOTHING;
	if (d->reason && !act->reason)
		return ACT_WANTS_REASON;
	if (d->second && !approved(act))
		return ACT_WANTS_APPROVAL;
	return act->must_type ? ACT_WANTS_NAME : ACT_WANTS_YES;
}

/* ---- what it is decided by */

const struct approvers *actor_who_approves(const struct actor *ar)
{
	return ar->approvers;
}

void actor_approvers(struct actor *ar, const struct approvers *a)
{
	ar->approvers = a;
}

void actor_permits(struct actor *ar, struct permits *p)
{
	ar->permits = p;
}

void actor_copies(struct actor *ar, struct audit_copy *const *copies, unsigned n)
{
	ar->copies = copies;
	ar->ncopies = n;
}

void actor_copies_say(const struct actor *ar, struct buf *out)
{
	for (unsigned i = 0; i < ar->ncopies; i++)
		audit_copy_say(ar->copies[i], out);
}

/* ---- the second person */

/* All that would be sent, as one hash: an approval is of this and of nothing else. */
static bool plans_hash(const struct act *act, char hash[65])
{
	struct buf b = { 0 };
	bool ok;

	for (unsigned i = 0; i < act->ntargets; i++) {
		char *text = json_dumps(act->targets[i].plan, JSON_COMPACT | JSON_SORT_KEYS);

		buf_addf(&b, "%s\n%s\n", act->targets[i].key, text ? text : "");
		free(text);
	}
	ok = crypto_sha256(buf_str(&b), hash);
	buf_release(&b);
	return ok;
}

/* What the second person is shown; short, as it may have to go by hand. */
static json_t *what_is_asked(const struct act *act)
{
	enum { MOST = 5 };
	const json_t *first = act->targets[0].plan;
	const char *title = json_string_value(json_object_get(first, "title"));
	json_t *o = json_object(), *targets = json_array(), *change = json_array(), *v, *clean;
	char host[256] = "", hash[65] = "";
	size_t i;

	gethostname(host, sizeof(host) - 1);
	plans_hash(act, hash);
	for (unsigned t = 0; t < act->ntargets && t < MOST; t++)
		json_array_append_new(targets, json_string_nocheck(act->targets[t].key));
	if (act->ntargets > MOST)
		json_array_append_new(targets, json_sprintf("and %u more", act->ntargets - MOST));
	json_array_foreach(json_object_get(first, "change"), i, v)
		if (i < MOST)
			json_array_append_new(change, json_sprintf("%.200s", json_is_string(v) ? json_string_value(v) : ""));
	json_object_set_new(o, "asked_by", json_string_nocheck(audit_user(act->priv->actor->audit)));
	json_object_set_new(o, "host", json_string_nocheck(host));
	json_object_set_new(o, "source", json_string_nocheck(act->source->name));
	json_object_set_new(o, "environment", json_string_nocheck(act->source->environment));
	json_object_set_new(o, "action", json_string(act->action->name));
	json_object_set_new(o, "kind", json_string_nocheck(act->kind));
	json_object_set_new(o, "title", json_string_nocheck(title && act->ntargets == 1 ? title : act->action->title));
	json_object_set_new(o, "targets", targets);
	json_object_set_new(o, "change", change);
	if (act->reason)
		json_object_set_new(o, "reason", json_string_nocheck(act->reason));
	json_object_set_new(o, "plan", json_string(hash));
	clean = redact_json(o);
	json_decref(o);
	return clean;
}

void consent_settle(struct act *act)
{
	char why[300];

	approval_free(act->approval);
	act->approval = NULL;
	if (!act->reason && act->state == ACT_SHOWN) {
		json_t *params = json_loads(act->params, 0, NULL);      /* an action may ask for one by itself */
		const char *own = json_string_value(json_object_get(params, "reason"));

		act->reason = own && *own ? xstrdup(own) : NULL;
		json_decref(params);
	}
	if (act_wants(act) != ACT_WANTS_APPROVAL)
		return;
	act->approval = approval_new(act->priv->actor->approvers, what_is_asked(act), now_of(act), why, sizeof(why));
	if (!act->approval) {
		act->decision.allowed = act->decision.overridable = false;
		snprintf(act->decision.why, sizeof(act->decision.why), "%s", why);
	}
}

void act_vouch(struct act *act, struct json_t *evidence)
{
	json_decref(act->vouched);
	act->vouched = evidence;
	act_changed(act);
}

bool act_look(struct act *act)
{
	bool changed = false;

	if (!act->approval || act->state != ACT_SHOWN)
		return false;
	if (now_of(act) > act->approval->until) {                      /* it can still be approved: by a new code */
		consent_settle(act);
		changed = true;
	} else
		changed = approval_look(act->approval, now_of(act));
	if (changed)
		act_changed(act);
	return changed;
}

bool act_go_on(struct act *act, bool go_on)
{
	if (act->ntargets < 2 || (act->state != ACT_SHOWN && act->state != ACT_RUNNING))
		return false;
	act->go_on = go_on;
	if (act->state == ACT_SHOWN) {
		act_decide(act);
		consent_settle(act);
	}
	act_changed(act);
	return true;
}

bool act_reverse(struct act *act)
{
	unsigned n = act->ntargets;

	if (n < 2 || act->state != ACT_SHOWN)
		return false;
	for (unsigned i = 0; i < n / 2; i++) {
		struct act_target t = act->targets[i];
		char *params = act->priv->waiters[i].params;

		act->targets[i] = act->targets[n - 1 - i];
		act->targets[n - 1 - i] = t;
		act->priv->waiters[i].params = act->priv->waiters[n - 1 - i].params;
		act->priv->waiters[n - 1 - i].params = params;
	}
	act_decide(act);
	consent_settle(act);
	act_changed(act);
	return true;
}

/* ---- what is given */

void act_give_reason(struct act *act, const char *reason)
{
	struct str s = str_trim(str_of(reason ? reason : ""));

	free(act->reason);
	act->reason = s.n ? str_dup(s) : NULL;
	consent_settle(act);
	act_changed(act);
}

static void all_well(struct act *act)
{
	free(act->error);
	act->error = NULL;
	act_changed(act);
}

bool act_override(struct act *act, const char *reason)
{
	if (act->state != ACT_SHOWN || act->decision.allowed || !act->decision.overridable)
		return act_refuse(act, "there is nothing here that a reason could override");
	act_give_reason(act, reason);
	if (!act->reason)
		return act_refuse(act, "it takes a written reason");
	act->override = true;
	act_decide(act);
	if (!act->decision.allowed)
		return act_refuse(act, "%s", act->decision.why);
	consent_settle(act);
	all_well(act);
	return true;
}

bool consent_given(struct act *act, const struct decision *now, const char *typed)
{
	if (act->must_type && !act->priv->runbook && (!typed || strcmp(typed, act->must_type)))
		return act_refuse(act, "type '%s' to go on", act->must_type);
	if (now->reason && !act->reason)
		return act_refuse(act, "a reason has to be given (guard %s)", now->rules);
	if (now->second && !approved(act))
		return act_refuse(act, "another person has to approve it (guard %s)", now->rules);
	return true;
}

bool act_answer(struct act *act, const char *text)
{
	switch (act_wants(act)) {
	case ACT_WANTS_OVERRIDE:
		return act_override(act, text);
	case ACT_WANTS_REASON:
		act_give_reason(act, text);
		if (!act->reason)
			return act_refuse(act, "a reason has to be given (guard %s)", act->decision.rules);
		all_well(act);
		return true;
	case ACT_WANTS_APPROVAL:
		if (!*text)
			return act_refuse(act, "another person has to approve it first");
		if (!approval_answer(act->approval, text, now_of(act)))
			return act_refuse(act, "%s", act->approval->error);
		all_well(act);
		return true;
	default:
		return act_confirm(act, text);
	}
}
