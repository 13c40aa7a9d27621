/* action: see action.h. An act is a list of targets; their plans are asked for all at once, shown together, and run one
 * after the other, each behind an audit line of its own that is on disk before the request leaves. Replies come
 * through store_expect, so all of this happens on the main thread and nothing needs a lock. */
#define _GNU_SOURCE
#include "base/action_in.h"
#include "base/kinds.h"
#include "base/lend.h"
#include "base/mem.h"
#include "base/permits.h"
#include "base/redact.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define LOG_MAX 4000       /* older steps of an endless drain go */

/* "*" is every object of a backend's own: of the kinds in its table that have a document, and of those that only its servers know. */
static bool may_fill(const struct backend *b, const char *kind)
{
	return !kind_named(kind) || (backend_fills(b, kind) && backend_opens(b, "yaml", kind));
}

/* A custom resource is offered by its full name, "nodepools.karpenter.sh", and may be named by its first part. */
static bool is_on(const struct backend *b, const char *offered, const char *kind)
{
	size_t n = strlen(kind);

	return !strcmp(offered, kind) || (!strcmp(offered, "*") && may_fill(b, kind)) ||
	       (!strncmp(offered, kind, n) && offered[n] == '.' && !strchr(kind, '.'));
}

const struct action *action_find(const struct backend *b, const char *name, const char *kind)
{
	for (const struct action *const *a = b->actions; a && *a; a++) {
		if (strcmp((*a)->name, name))
			continue;
		for (const char *const *k = (*a)->kinds; k && *k; k++)
			if (is_on(b, *k, kind))
				return *a;
	}
	return NULL;
}

const char *act_state_name(enum act_state s)
{
	static const char *const names[] = { "planning", "planned", "running", "done", "failed", "cancelled" };

	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "?";
}

/* ---- guards */

const char *risk_name(enum risk r)
{
	static const char *const names[] = { "harmless", "disruptive", "destructive", "irreversible" };

	return (unsigned)r < ARRAY_SIZE(names) ? names[r] : "?";
}

struct decision actor_decide(const struct actor *ar, const struct source *s, const struct action *a, const char *kind,
                             const char *const *keys, unsigned nkeys, bool undo)
{
	return guard_decide(ar->guards, &(struct guard_ask){ .source = s, .action = a, .kind = kind, .keys = keys, .nkeys = nkeys,
		.audit = ar->audit, .now = clock_wall(ar->clock), .undo = undo });
}

/* An undo, and not the undo of one: that does the first anew, and no rule makes way for it. */
static bool takes_back(const struct act *act)
{
	return (act->undo_of && !act->priv->redo) || act->priv->step_undo;
}

struct decision guard_now(const struct act *act, unsigned from)
{
	struct actor *ar = act->priv->actor;
	const char **keys = xcalloc(act->ntargets, sizeof(*keys));
	struct decision d;

	for (unsigned i = from; i < act->ntargets; i++)
		keys[i - from] = act->targets[i].key;
	d = guard_decide(ar->guards, &(struct guard_ask){ .source = act->source, .action = act->action, .kind = act->kind, .keys = keys,
		.nkeys = act->ntargets - from, .audit = ar->audit, .now = clock_wall(ar->clock), .undo = takes_back(act),
		.override = act->override ? act->reason : NULL });
	free(keys);
	return d;
}

/* ---- acts */

void act_changed(struct act *act)
{
	act->version++;
	act->priv->actor->store->version++;
}

static void set_error(char **error, const char *text)
{
	free(*error);
	*error = xstrdup(text);
}

static void act_log(struct act *act, enum step_state state, struct str say)
{
	if (act->nlog == LOG_MAX) {
		free(act->log[0].say);
		memmove(act->log, act->log + 1, (LOG_MAX - 1) * sizeof(*act->log));
		act->nlog--;
		act->begun -= act->begun > 0;
	}
	act->log = xreallocarray(act->log, act->nlog + 1, sizeof(*act->log));
	act->log[act->nlog].at = clock_wall(act->priv->actor->clock);
	act->log[act->nlog].state = state;
	act->log[act->nlog].say = str_dup(say);
	act->nlog++;
}

static const char *name_of_key(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash && slash[1] ? slash + 1 : key;
}

/* Of "versions:b/k TAB id" what comes before the tab, which nobody types. */
static char *name_to_type(const char *key)
{
	char *name = xstrdup(name_of_key(key));

	name[strcspn(name, "\t")] = '\0';
	return name;
}

static void act_free(struct act *act)
{
	for (unsigned i = 0; i < act->ntargets; i++) {
		if (act->priv->waiters[i].id)
			store_forget(act->priv->actor->store, act->priv->waiters[i].id);
		free(act->priv->waiters[i].params);
		free(act->targets[i].key);
		free(act->targets[i].error);
		free(act->targets[i].undo);
		free(act->targets[i].said);
		json_decref(act->targets[i].plan);
	}
	for (unsigned i = 0; i < act->nlog; i++)
		free(act->log[i].say);
	if (act->terminal >= 0)
		close(act->terminal);
	free(act->priv->waiters);
	free(act->priv->must_type);
	free(act->priv->key_copy);
	free(act->priv->runbook);
	free(act->priv);
	free(act->targets);
	free(act->log);
	free(act->params);
	free(act->error);
	free(act->reason);
	approval_free(act->approval);
	json_decref(act->vouched);
	free(act);
}

struct actor *actor_new(struct store *store, struct audit *audit, struct guards *guards, const struct clock *clock)
{
	struct actor *ar = xcalloc(1, sizeof(*ar));

	ar->store = store;
	ar->audit = audit;
	ar->guards = guards;
	snprintf(ar->tag, sizeof(ar->tag), "%llx-%x", (unsigned long long)clock_wall(&clock_system), (unsigned)getpid());
	ar->clock = clock;
	return ar;
}

void actor_free(struct actor *ar)
{
	if (!ar)
		return;
	for (unsigned i = 0; i < ar->nacts; i++)
		act_free(ar->acts[i]);
	free(ar->acts);
	guards_free(ar->guards);
	free(ar);
}

/* ---- audit lines */

static json_t *target_json(const struct act *act, unsigned i)
{
	json_t *t = json_object(), *planned = json_object_get(act->targets[i].plan, "target");

	json_object_set_new(t, "kind", json_string(act->kind));
	json_object_set_new(t, "key", json_string_nocheck(act->targets[i].key));
	if (json_is_object(planned))
		json_object_update_missing(t, planned);
	return t;
}

/* Unique in all trails that come together somewhere, so that an undo can name what it undoes. */
static json_t *act_name(const struct act *act, uint64_t id)
{
	return json_sprintf("%s-%llu", act->priv->actor->tag, (unsigned long long)id);
}

static json_t *event_new(const struct act *act, const char *event, unsigned i)
{
	json_t *o = json_object(), *user = json_object_get(act->targets[i].plan, "as");

	json_object_set_new(o, "event", json_string(event));
	json_object_set_new(o, "act", act_name(act, act->id));
	json_object_set_new(o, "action", json_string(act->action->name));
	json_object_set_new(o, "source", json_string_nocheck(act->source->name));
	json_object_set_new(o, "environment", json_string_nocheck(act->source->environment));
	json_object_set_new(o, "target", target_json(act, i));
	if (act->ntargets > 1)
		json_object_set_new(o, "of", json_pack("[ii]", (int)i + 1, (int)act->ntargets));
	if (json_is_string(user))
		json_object_set(o, "as", user);
	if (act->priv->runbook) {
		json_object_set_new(o, "runbook", json_string_nocheck(act->priv->runbook));
		json_object_set_new(o, "step", json_integer(act->priv->step));
		if (act->priv->step_undo)
			json_object_set_new(o, "undo_of_step", json_integer(act->priv->step));
	}
	return o;
}

/* Writes the redacted event, if may (which may be NULL) allows it then; takes it. */
static int write_event(struct actor *ar, json_t *event, audit_may_fn may, void *arg, char *why, size_t size)
{
	json_t *clean = redact_json(event);
	int result;

	if (ar->audit)
		result = audit_write_if(ar->audit, clean, may, arg, why, size);
	else {
		snprintf(why, size, "there is no audit file");
		result = -1;
	}
	json_decref(clean);
	json_decref(event);
	return result;
}

int actor_note(struct actor *ar, json_t *event, char *why, size_t size)
{
	return write_event(ar, event, NULL, NULL, why, size);
}

/* Asked while no other program can write to the trail: a limit that another console used up meanwhile holds. */
static bool still_allowed(void *arg, char *why, size_t size)
{
	const struct act *act = arg;
	struct decision now = guard_now(act, act->current);

	if (!now.allowed)
		snprintf(why, size, "%s", now.why);
	return now.allowed;
}

static int audit_run(const struct act *act, unsigned i, char *why, size_t size)
{
	const struct waiter *w = &act->priv->waiters[i];
	json_t *o = event_new(act, "run", i), *plan, *evidence;
	json_t *params = json_loads(w->params ? w->params : act->params, 0, NULL);

	if (params)
		json_object_set_new(o, "params", params);
	json_object_set_new(o, "risk", json_string(risk_name(act->action->risk)));
	json_object_set_new(o, "guard", json_string(guard_name(act->decision.guard)));
	if (*act->decision.rules)
		json_object_set_new(o, "rules", json_string_nocheck(act->decision.rules));
	if (act->reason)
		json_object_set_new(o, "reason", json_string_nocheck(act->reason));
	if (*act->decision.overridden)
		json_object_set_new(o, "override", json_pack("{ssss}", "rules", act->decision.overridden, "reason", act->reason));
	if (act->ntargets > 1)
		json_object_set_new(o, "if_one_fails", json_string(act->go_on ? "go on" : "stop"));
	evidence = act->vouched ? json_incref(act->vouched) : act->approval
		? approval_evidence(act->approval, clock_wall(act->priv->actor->clock)) : NULL;
	if (evidence)
		json_object_set_new(o, "approved", evidence);
	if (act->undo_of)
		json_object_set_new(o, "undo_of", act_name(act, act->undo_of));
	if (act->priv->redo)
		json_object_set_new(o, "redo", json_true());
	plan = json_copy(act->targets[i].plan);
	json_object_del(plan, "diff");               /* lines, in which no secret can be told: the requests say the same */
	json_object_del(plan, "meanwhile");
	json_object_set_new(o, "plan", plan);
	return write_event(act->priv->actor, o, still_allowed, (void *)(uintptr_t)act, why, size);
}

static void audit_outcome(struct act *act, unsigned i, const char *say)
{
	json_t *o = event_new(act, "outcome", i);
	char why[400];

	json_object_set_new(o, "state", json_string(act_state_name(act->targets[i].state)));
	json_object_set_new(o, "say", json_string_nocheck(say));
	if (act->targets[i].undo) {
		json_t *undo = json_loads(act->targets[i].undo, 0, NULL);

		if (undo)
			json_object_set_new(o, "undo", undo);
	}
	if (act->targets[i].unknown)
		json_object_set_new(o, "unknown", json_true());
	if (actor_note(act->priv->actor, o, why, sizeof(why)) != 0) {
		char *text = xasprintf("the outcome is not in the audit file: %s", why);

		act_log(act, STEP_FAILED, str_of(text));
		free(text);
	}
}

/* ---- planning */

static const char *plan_says(const struct act_target *t, const char *name)
{
	return json_string_value(json_object_get(t->plan, name));
}

const char *act_already(const struct act *act)
{
	return act->ntargets ? plan_says(&act->targets[0], "already") : NULL;
}

/* Why this target cannot be done as planned; NULL: it can. */
static const char *cannot(const struct act_target *t)
{
	return t->error ? t->error : plan_says(t, "blocked");
}

/* Whether the whole may be run, of what is planned. One that cannot be done stops all of them, unless the rest is to go on
 * without it; and there has to be something to do. */
void act_decide(struct act *act)
{
	unsigned bad = 0, already = 0, first = 0, n = act->ntargets;
	struct decision *d = &act->decision;
	const char *reason = NULL;

	*d = guard_now(act, 0);
	for (unsigned i = n; i-- > 0;) {
		const struct act_target *t = &act->targets[i];

		already += !cannot(t) && plan_says(t, "already");
		if (json_is_true(json_object_get(t->plan, "irreversible")) && d->guard == GUARD_CONFIRM)
			d->guard = GUARD_TYPE_NAME;      /* what this one target makes of it may be worse than what the action is */
		if (cannot(t)) {
			reason = cannot(t);
			first = i;
			bad++;
		}
	}
	if (!d->allowed || (!bad && already < n) || (act->go_on && bad + already < n))
		return;
	d->allowed = d->overridable = false;
	if (n == 1)
		snprintf(d->why, sizeof(d->why), "%s%s", bad ? "" : "there is nothing to do: ",
		         bad ? reason : plan_says(&act->targets[0], "already"));
	else if (bad)
		snprintf(d->why, sizeof(d->why), "%u of %u cannot be done, '%s': %s", bad, n, act->targets[first].key, reason);
	else
		snprintf(d->why, sizeof(d->why), "there is nothing to do: all %u are so already", n);
}

/* All plans are in. */
static void plans_in(struct act *act)
{
	for (unsigned i = 0; i < act->ntargets; i++)
		act->targets[i].state = act->targets[i].plan ? ACT_SHOWN : ACT_FAILED;
	act_decide(act);
	if (act->ntargets == 1 && !act->targets[0].plan) {
		act->state = ACT_FAILED;
		set_error(&act->error, act->targets[0].error);
		return;
	}
	act->state = ACT_SHOWN;
	if (act->decision.guard == GUARD_TYPE_NAME) {
		act->priv->must_type = act->ntargets == 1 ? name_to_type(act->targets[0].key)
			: xasprintf("%u %s", act->ntargets, act->kind);
		act->must_type = act->priv->must_type;
	}
	consent_settle(act);
}

static void on_plan(void *arg, const struct msg *m)
{
	struct waiter *w = arg;
	struct act *act = w->act;
	struct act_target *t = &act->targets[w->target];
	struct msg_answer answer = { 0 };
	bool all = true;

	if (m->type != MSG_ANSWER || w->id != m->id)
		return;
	store_forget(act->priv->actor->store, w->id);
	w->id = 0;
	if (!msg_get_answer(m, &answer))
		t->error = xstrdup("the answer to the plan request is malformed");
	else if (!answer.ok)
		t->error = str_dup(answer.json);
	else {
		t->plan = json_loadb(answer.json.p, answer.json.n, 0, NULL);
		if (!json_is_object(t->plan)) {
			json_decref(t->plan);
			t->plan = NULL;
			t->error = xstrdup("the plan is not a JSON object");
		}
		if (json_object_get(t->plan, "blocked"))       /* what cannot be done is not done already: 'already' counts as success */
			json_object_del(t->plan, "already");
	}
	permits_after_plan(act->priv->actor->permits, act, t, answer.refused);
	for (unsigned i = 0; i < act->ntargets; i++)
		all = all && !act->priv->waiters[i].id;
	if (all && act->state == ACT_PLANNING)
		plans_in(act);
	act_changed(act);
}

static void ask_plan(struct act *act, unsigned i, const json_t *after)
{
	struct waiter *w = &act->priv->waiters[i];
	const char *params = w->params ? w->params : act->params;
	json_t *all = after && json_array_size(after) ? json_loads(params, 0, NULL) : NULL;
	char *told = NULL;

	if (json_is_object(all)) {                  /* for the plan alone: it is no parameter of the action */
		json_object_set(all, "after", (json_t *)(uintptr_t)after);
		told = json_dumps(all, JSON_COMPACT);
	}
	w->id = source_ask(act->source, request_new(REQ_PLAN, act->kind, str_of(act->targets[i].key), act->action->name, told ? told : params));
	store_expect(act->priv->actor->store, w->id, on_plan, w);
	free(told);
	json_decref(all);
}

/* What a reason could override is not refused before the plan is there to be read. */
static const char *first_refusal(struct actor *ar, const struct decision *d, unsigned nkeys)
{
	snprintf(ar->why, sizeof(ar->why), "%s", nkeys ? d->why : "there is nothing to act on");
	return nkeys && (d->allowed || d->overridable) ? NULL : ar->why;
}

const char *act_refused(struct actor *ar, const struct source *s, const struct action *a, unsigned nkeys)
{
	struct decision d = actor_decide(ar, s, a, NULL, NULL, nkeys, false);

	return first_refusal(ar, &d, nkeys);
}

/* params_of: each target's own parameters, or NULL when all share params. */
struct order {
	const char *params, *const *params_of;   /* of all; of each, for an undo of several */
	uint64_t undo_of;
	bool undo;
	const json_t *after;                     /* of a runbook's step: what was done before it by then */
};

static struct act *start(struct actor *ar, struct source *s, const struct action *a, const char *kind,
                         const char *const *keys, unsigned nkeys, const struct order *o, const char **why)
{
	struct decision d = actor_decide(ar, s, a, kind, keys, nkeys, o->undo);
	struct act *act;

	*why = first_refusal(ar, &d, nkeys);
	if (*why)
		return NULL;
	act = xcalloc(1, sizeof(*act));
	act->priv = xcalloc(1, sizeof(*act->priv));
	act->priv->actor = ar;
	act->priv->waiters = xcalloc(nkeys, sizeof(*act->priv->waiters));
	act->id = ++ar->next_id;
	act->action = a;
	act->source = s;
	act->kind = act->priv->key_copy = xstrdup(kind);
	act->params = xstrdup(o->params && *o->params ? o->params : "{}");
	act->targets = xcalloc(nkeys, sizeof(*act->targets));
	act->ntargets = nkeys;
	act->undo_of = o->undo_of;
	act->priv->redo = o->undo_of && !o->undo;
	act->terminal = -1;
	ar->acts = xreallocarray(ar->acts, ar->nacts + 1, sizeof(*ar->acts));
	ar->acts[ar->nacts++] = act;
	for (unsigned i = 0; i < nkeys; i++) {
		act->targets[i].key = xstrdup(keys[i]);
		act->priv->waiters[i].act = act;
		act->priv->waiters[i].target = i;
		if (o->params_of && o->params_of[i])
			act->priv->waiters[i].params = xstrdup(o->params_of[i]);
	}
	for (unsigned i = 0; i < nkeys; i++)
		ask_plan(act, i, o->after);
	act_changed(act);
	return act;
}

struct act *act_start(struct actor *ar, struct source *s, const struct action *a, const char *kind,
                      const char *const *keys, unsigned nkeys, const char *params, const char **why)
{
	return start(ar, s, a, kind, keys, nkeys, &(struct order){ .params = params }, why);
}

/* ---- running */

static void run_current(struct act *act);
static void run_next(struct act *act, unsigned from);

/* The act is over: what was not reached stays undone. */
static void finish(struct act *act, enum act_state state, const char *error)
{
	struct actor *ar = act->priv->actor;

	for (unsigned i = 0; i < act->ntargets; i++)
		if (act->targets[i].state == ACT_SHOWN || act->targets[i].state == ACT_PLANNING)
			act->targets[i].state = ACT_CANCELLED;
	act->state = state;
	if (error)
		set_error(&act->error, error);
	if (state == ACT_DONE && act->undo_of)
		for (unsigned i = 0; i < ar->nacts; i++)
			if (ar->acts[i]->id == act->undo_of)
				ar->acts[i]->priv->undone = true;
	act_changed(act);
}

static void target_over(struct act *act, bool ok, bool unknown, bool refused, struct str say, struct str undo)
{
	struct act_target *t = &act->targets[act->current];
	struct waiter *w = &act->priv->waiters[act->current];
	char *text = str_dup(say);

	store_forget(act->priv->actor->store, w->id);
	w->id = 0;
	t->state = ok ? ACT_DONE : act->priv->cancelled ? ACT_CANCELLED : ACT_FAILED;
	t->unknown = !ok && unknown;
	if (undo.n) {
		free(t->undo);
		t->undo = str_dup(undo);
	} else if (ok) {
		json_t *planned = json_object_get(json_object_get(t->plan, "undo"), "params");

		if (planned)
			t->undo = json_dumps(planned, JSON_COMPACT);
		else if (json_object_get(t->plan, "undo"))
			t->undo = xstrdup("{}");
	}
	if (!ok)
		set_error(&t->error, text);
	act_log(act, ok ? STEP_DONE : STEP_FAILED, say);
	audit_outcome(act, act->current, text);
	if (ok || refused)
		permits_learn(act->priv->actor->permits, act->source, act->kind, str_of(t->key), act->action->name, ok ? NULL : text);
	if (!ok && (!act->go_on || t->state == ACT_CANCELLED))
		finish(act, t->state, text);
	else if (act->priv->cancelled && act->current + 1 < act->ntargets)
		finish(act, ACT_CANCELLED, "stopped before the next target");
	else
		run_next(act, act->current + 1);
	free(t->said);
	t->said = text;
	act_changed(act);
}

static void on_step(void *arg, const struct msg *m)
{
	struct waiter *w = arg;
	struct act *act = w->act;
	struct msg_step step;
	struct msg_answer answer;

	if (w->id != m->id)
		return;
	if (m->type == MSG_ANSWER && msg_get_answer(m, &answer)) {   /* refused before it ran */
		target_over(act, false, false, answer.refused, answer.ok ? STR("answered instead of run") : answer.json, (struct str){ 0 });
		return;
	}
	if (m->type != MSG_STEP)
		return;
	if (!msg_get_step(m, &step))
		target_over(act, false, true, false, STR("a malformed step came: look at the target itself"), (struct str){ 0 });
	else if (step.state == STEP_FINISHED)
		target_over(act, step.ok, step.unknown, step.refused, step.say, step.undo);
	else {
		act_log(act, step.state, step.say);
		act_changed(act);
	}
}

/* The audit line first; only when it is on disk does the request leave. */
static void run_current(struct act *act)
{
	struct act_target *t = &act->targets[act->current];
	struct waiter *w = &act->priv->waiters[act->current];
	char why[400];
	json_t *params;
	char *text;

	if (audit_run(act, act->current, why, sizeof(why)) != 0) {
		text = guard_now(act, act->current).allowed ? xasprintf("not run, because it cannot be recorded: %s", why)
			: xasprintf("not run: %s", why);
		t->state = ACT_FAILED;
		set_error(&t->error, text);
		act_log(act, STEP_FAILED, str_of(text));
		finish(act, ACT_FAILED, text);
		free(text);
		return;
	}
	params = json_pack("{sOsI}", "plan", t->plan, "act", (json_int_t)act->id);
	text = json_dumps(params, JSON_COMPACT);
	t->state = ACT_RUNNING;
	act->begun = act->nlog;
	struct request *r = request_new(REQ_RUN, act->kind, str_of(t->key), act->action->name, text);
	int ends[2];
	if (act->action->terminal && lend_pair(ends)) {
		act->terminal = ends[0];
		r->fd = ends[1];
	}
	w->id = source_ask(act->source, r);
	store_expect(act->priv->actor->store, w->id, on_step, w);
	free(text);
	json_decref(params);
}

/* All were looked at: some may have failed and the rest gone on. */
static void finish_all(struct act *act)
{
	const struct act_target *first = NULL;
	unsigned failed = 0;
	char *text;

	for (unsigned i = act->ntargets; i-- > 0;)
		if (act->targets[i].state == ACT_FAILED) {
			first = &act->targets[i];
			failed++;
		}
	text = failed ? xasprintf("%u of %u failed, first '%s': %s", failed, act->ntargets, first->key,
	                          first->error ? first->error : "it cannot be done") : NULL;
	finish(act, failed ? ACT_FAILED : ACT_DONE, text);
	free(text);
}

/* The next target that has something to do; those that cannot be done were either refused before or are gone past. */
static void run_next(struct act *act, unsigned from)
{
	for (act->current = from; act->current < act->ntargets; act->current++) {
		struct act_target *t = &act->targets[act->current];
		const char *bad = cannot(t), *already = plan_says(t, "already");

		if (!bad && !already) {
			run_current(act);
			return;
		}
		t->state = bad ? ACT_FAILED : ACT_DONE;
		t->said = xstrdup(bad ? bad : already);
		if (!t->error && bad)
			t->error = xstrdup(bad);
	}
	act->current = act->ntargets - 1;
	finish_all(act);
}

bool act_confirm(struct act *act, const char *typed)
{
	struct decision now;

	if (act->state != ACT_SHOWN) {
		set_error(&act->error, act->state == ACT_PLANNING ? "the plan is not there yet" : "it cannot be run any more");
		return false;
	}
	now = guard_now(act, 0);
	if (!now.allowed || !act->decision.allowed)
		return act_refuse(act, "%s", now.allowed ? act->decision.why : now.why);
	if (!consent_given(act, &now, typed))
		return false;
	act->decision = now;
	free(act->error);
	act->error = NULL;
	act->state = ACT_RUNNING;
	run_next(act, 0);
	act_changed(act);
	return act->state == ACT_RUNNING;
}

void act_cancel(struct act *act)
{
	struct act_private *p = act->priv;

	if (act->state == ACT_PLANNING || act->state == ACT_SHOWN) {
		for (unsigned i = 0; i < act->ntargets; i++) {
			if (!p->waiters[i].id)
				continue;
			store_forget(p->actor->store, p->waiters[i].id);
			source_cancel(act->source, p->waiters[i].id);
			p->waiters[i].id = 0;
		}
		finish(act, ACT_CANCELLED, NULL);
	} else if (act->state == ACT_RUNNING && !p->cancelled) {
		p->cancelled = true;
		act_log(act, STEP_WAITING, STR("asked to stop after this step"));
		source_cancel(act->source, p->waiters[act->current].id);
		act_changed(act);
	}
}

/* ---- undo */

static const char *undo_says(const struct act *act, unsigned i, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(json_object_get(act->targets[i].plan, "undo"), name));

	return text ? text : otherwise;
}

static const struct action *undo_action(const struct act *act, unsigned i)
{
	const char *name = undo_says(act, i, "action", NULL);

	return name ? action_find(act->source->backend, name, undo_says(act, i, "kind", act->kind)) : NULL;
}

bool act_can_undo(const struct act *act)
{
	if (act->priv->undone || (act->state != ACT_DONE && act->state != ACT_FAILED && act->state != ACT_CANCELLED))
		return false;
	for (unsigned i = 0; i < act->ntargets; i++)
		if (act->targets[i].undo && undo_action(act, i))
			return true;
	return false;
}

void act_join(struct act *act, const struct act_part *part)
{
	free(act->priv->runbook);
	act->priv->runbook = xstrdup(part->runbook ? part->runbook : "");
	act->priv->step = part->step;
	act->priv->step_undo = part->undo;
	if (part->reason || part->override)
		act_give_reason(act, part->override ? part->override : part->reason);
	act->override = act->override || (part->override && act->reason);
}

struct act *act_start_part(struct actor *ar, struct source *s, const struct action *a, const char *kind, const char *key,
                           const char *params, const struct act_part *part, const char **why)
{
	struct act *act = start(ar, s, a, kind, &key, 1, &(struct order){ .params = params, .undo = part->undo, .after = part->after }, why);

	if (act)
		act_join(act, part);
	return act;
}

struct act *act_undo(struct act *act, const char **why)
{
	const struct action *a = NULL;
	const char **keys, **params;
	unsigned n = 0;
	struct act *undo;

	if (!act_can_undo(act)) {
		*why = act->priv->undone ? "it was undone already"
			: act->state == ACT_RUNNING ? "it is still running" : "it cannot be undone";
		return NULL;
	}
	keys = xcalloc(act->ntargets, sizeof(*keys));
	params = xcalloc(act->ntargets, sizeof(*params));
	for (unsigned i = act->ntargets; i-- > 0;) {       /* the last first */
		const struct action *mine = undo_action(act, i);

		if (!act->targets[i].undo || !mine || (a && a != mine))
			continue;
		a = mine;
		keys[n] = undo_says(act, i, "key", act->targets[i].key);
		params[n++] = act->targets[i].undo;
	}
	undo = start(act->priv->actor, act->source, a, undo_says(act, act->ntargets - 1, "kind", act->kind), keys, n,
	             &(struct order){ n == 1 ? params[0] : NULL, params, act->id, !takes_back(act), NULL }, why);
	free(keys);
	free(params);
	return undo;
}

struct act *actor_last_undoable(struct actor *ar)
{
	for (unsigned i = ar->nacts; i-- > 0;)
		if (!ar->acts[i]->undo_of && act_can_undo(ar->acts[i]))
			return ar->acts[i];
	return NULL;
}

const struct audit *actor_audit(const struct actor *a)
{
	return a->audit;
}
