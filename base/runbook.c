/* runbook: see runbook.h. The life of one: planned, shown, confirmed, moved on, asked about, ended. What a step does is in
 * runbook_steps.c, how it is planned in runbook_plan.c, what has to be given first in runbook_consent.c. Everything
 * happens on the main thread; runbooks_tick is called after messages came and when its time is up. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "base/runbook_private.h"
#include <stdio.h>
#include <stdlib.h>

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

void runbook_refuse(struct runbook *r, const char *fmt, ...)
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
	runbook_refuse(r, "%s", why);
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
		if (runbook_audit(r, runbook_state_name(s), NULL, why, sizeof(why)) != 0)
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

void runbook_begin_back(struct runbook *r, const char *why)
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
		runbook_begin_back(r, b.data);
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

/* ---- moving on */

static void move(struct runbook *r)
{
	tell_tick(r);
	if (r->priv->tell.on)
		return;
	switch (r->state) {
	case RUNBOOK_PLANNING:
		plan_move(r);
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
		bool approves = (r->state == RUNBOOK_SHOWN || (r->state == RUNBOOK_ASKING && r->approval)) && !runbook_approved(r);
		if (approves)
			runbook_approve(r);
		bool waits = (r->state == RUNBOOK_SHOWN && !approves) || runbook_over(r) || (r->state == RUNBOOK_ASKING && !r->priv->tell.on && !approves);
		wait = waits ? wait : TICK_MS;
	}
	return wait;
}
