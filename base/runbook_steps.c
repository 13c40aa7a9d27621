/* runbook_steps: one step of a runbook, forth (planned anew, noted in the journal, run, its check) and back (by its own undo). A
 * step that ended without an answer is asked about before anything else is done: REQ_ASK "taken", else by planning it anew. */
#define _GNU_SOURCE
#include "base/filter.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/pipelines.h"
#include "base/redact.h"
#include "base/runbook_private.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- making */

/* The one source that offers the action: as named, else the only one, else the one that has the row. */
static struct source *source_for(struct runbook *r, const json_t *spec, char *why, size_t size)
{
	const struct runbooks *rs = r->priv->rs;
	const char *name = json_text(spec, "source"), *kind = json_text(spec, "kind"), *action = json_text(spec, "action");
	struct source *found = NULL;
	unsigned n = 0;
	if (*name) {
		found = runbook_source(rs, name);
		if (!found)
			snprintf(why, size, "there is no source '%s'", name);
		return found;
	}
	for (unsigned i = 0; i < rs->nsources; i++)
		if (action_find(rs->sources[i]->backend, action, kind)) {
			found = rs->sources[i];
			n++;
		}
	if (n == 1)
		return found;
	snprintf(why, size, n ? "several sources offer '%s' on %s: say which one (source)" : "no source offers '%s' on %s", action, kind);
	return NULL;
}

bool step_make(struct runbook *r, const json_t *spec, char *why, size_t size)
{
	const char *kind = json_text(spec, "kind"), *name = json_text(spec, "name"), *action = json_text(spec, "action");
	char text[300] = "";
	struct source *from = source_for(r, spec, text, sizeof(text));
	const struct action *a = from ? action_find(from->backend, action, kind) : NULL;
	json_int_t line = json_integer_value(json_object_get(spec, "line"));
	if (!a) {
		if (from)
			snprintf(text, sizeof(text), "'%s' has no action '%s' on %s", from->name, action, kind);
		snprintf(why, size, "step %u%s: %s", r->nsteps + 1, line ? " of `promotions`" : "", text);
		return false;
	}
	char *params = json_dumps(json_object_get(spec, "params"), JSON_COMPACT);
	r->steps = xreallocarray(r->steps, r->nsteps + 1, sizeof(*r->steps));
	struct runbook_step *s = &r->steps[r->nsteps++];
	*s = (struct runbook_step){ .source = from, .action = a, .kind = xstrdup(kind), .key = xstrdup(name),
		.params = params ? params : xstrdup("{}"), .title = xasprintf("%s %s %s", action, kind, name),
		.until = *json_text(spec, "until") ? xstrdup(json_text(spec, "until")) : NULL,
		.within_ms = json_integer_value(json_object_get(spec, "within_ms")),
		.pause_ms = json_integer_value(json_object_get(spec, "pause_ms")) };
	runbook_watch(r, from, kind);
	return true;
}

void step_release(struct runbook_step *s)
{
	free(s->kind);
	free(s->key);
	free(s->params);
	free(s->title);
	free(s->until);
	free(s->undo_action);
	free(s->undo_params);
	free(s->undo_kind);
	free(s->undo_key);
	free(s->stays);
	free(s->say);
}

/* ---- rows */

static const struct row *named(const struct table *t, const char *name, int source)
{
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		if (row && (source < 0 || row->source == source) &&
		    (str_is(row_key(row), name) || str_is(row_text_by(t, row, "name"), name)))
			return row;
	}
	return NULL;
}

const struct row *runbook_row(const struct runbook *r, const char *kind, const char *name, const struct source *from,
                              const struct table **t)
{
	const struct row *row;
	*t = store_table_const(r->priv->rs->store, kind);
	if (*t && from && (row = table_find(*t, from->index, str_of(name))))
		return row;
	return *t ? named(*t, name, from ? from->index : -1) : NULL;
}

enum gate_result runbook_fits(const struct runbook *r, const char *kind, const char *name, const struct source *from,
                              const char *where, struct buf *say)
{
	const struct store *st = r->priv->rs->store;
	const struct table *t;
	const struct row *row = runbook_row(r, kind, name, from, &t);
	struct filter_error err;
	if (!row) {
		buf_addf(say, "there is no '%s' among %s", name, kind);
		return GATE_UNKNOWN;
	}
	const struct source_state *s = &st->sources[row->source];
	if (health_lost(s->state)) {
		buf_addf(say, "'%s' is %s, so what is known of %s is old: %s", s->name, health_name(s->state), name, s->why ? s->why : "");
		return GATE_UNKNOWN;
	}
	struct filter *f = filter_parse(where, t->kind, &err);
	if (!f) {
		buf_addf(say, "'%s' is no filter: %s", where, err.what);
		return GATE_UNKNOWN;
	}
	filter_at(f, runbook_now(r));
	bool fits = filter_match(f, t, row, runbook_now(r));
	filter_free(f);
	/* the columns that the filter names, as they are */
	struct str rest = str_of(where);
	while (rest.p) {
		struct str term = str_split(&rest, ' ');
		size_t n = 0;
		while (n < term.n && !strchr("=!~<>", term.p[n]))
			n++;
		int c = n && n < term.n ? kind_col(t->kind, (struct str){ term.p, n }, false) : -1;
		if (c < 0)
			continue;
		buf_addf(say, "%s%s ", say->len ? ", " : "", t->kind->cols[c].name);
		row_show(t, row, c, runbook_now(r), say);
	}
	return fits ? GATE_PASS : GATE_FAIL;
}

/* ---- planning */

static void set_state(struct runbook *r, unsigned i, enum runbook_step_state s, const char *say)
{
	r->steps[i].state = s;
	r->steps[i].at = runbook_now(r);
	if (say)
		runbook_set(&r->steps[i].say, say);
	runbook_changed(r);
}

/* What a journal gave back had its secrets taken out: such a step is never sent with a mask in their place. Of the registry's own a
 * mask can stand in the reason only. */
static bool lost_secret(const struct runbook *r, unsigned i, const char *params)
{
	return r->recovered && i > 0 && params && strstr(params, REDACT_MASK);
}

bool step_is_over(const struct runbook_step *s)
{
	return s->state == RSTEP_DONE || s->state == RSTEP_ALREADY || s->state == RSTEP_UNDONE || s->state == RSTEP_STAYS;
}

bool step_lost_secret(const struct runbook *r, unsigned i, bool back)
{
	const struct runbook_step *s = &r->steps[i];
	if (back)
		return step_was_done(s) && step_undo_action(s) && lost_secret(r, i, s->undo_params);
	return !step_is_over(s) && s->state != RSTEP_CHECKING && !(s->state == RSTEP_FAILED && s->touched) && lost_secret(r, i, s->params);
}

/* Its plan, of this program or as the journal has it. */
static const json_t *plan_of(const struct runbook *r, unsigned i)
{
	const struct runbook_step *s = &r->steps[i];
	return s->act ? s->act->targets[0].plan : json_object_get(json_array_get(r->priv->steps, i), "plan");
}

/* The steps before, for a plan that is made before they are done. */
static json_t *steps_before(const struct runbook *r, unsigned i)
{
	json_t *list = json_array();
	for (unsigned k = 0; k < i; k++) {
		const struct runbook_step *s = &r->steps[k];
		json_t *to = json_object_get(json_object_get(plan_of(r, k), "target"), "to");
		json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "step", (int)k + 1, "action", s->action->name, "kind", s->kind, "key", s->key);
		if (to)
			json_object_set(o, "to", to);
		json_array_append_new(list, o);
	}
	return list;
}

bool step_begin_plan(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	struct store *st = r->priv->rs->store;
	const struct table *t;
	const struct row *row = runbook_row(r, s->kind, s->key, s->source, &t);
	const struct kind_state *k = store_kind_state(st, s->kind, s->source->index);
	if (!s->at)
		s->at = runbook_now(r);
	/* a name that is no key may be one of a row that has not come yet */
	if (!row && !(k && k->listed) && backend_fills(s->source->backend, s->kind) && runbook_now(r) - s->at < RUNBOOK_LIST_MS &&
	    i > 0)
		return false;
	if (row && !str_is(row_key(row), s->key)) {
		free(s->key);
		s->key = str_dup(row_key(row));
	}
	const char *why = "";
	if (lost_secret(r, i, s->params)) {
		set_state(r, i, RSTEP_FAILED, NO_SECRET);
		return true;
	}
	if (s->act && (s->act->state == ACT_PLANNING || s->act->state == ACT_SHOWN))
		act_cancel(s->act);
	json_t *after = steps_before(r, i);
	s->act = act_start_part(r->priv->rs->actor, s->source, s->action, s->kind, s->key, s->params, &(struct act_part){ .runbook = r->id,
		.step = i + 1, .reason = r->reason, .override = r->priv->override, .after = after }, &why);
	json_decref(after);
	set_state(r, i, s->act ? RSTEP_PLANNING : RSTEP_FAILED, s->act ? NULL : why);
	return true;
}

bool step_plan_late(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	if (!s->act || s->act->state != ACT_PLANNING || runbook_now(r) - s->at < RUNBOOK_PLAN_MS)
		return false;
	const struct source_state *st = &r->priv->rs->store->sources[s->source->index];
	char *say = xasprintf("no plan in %d s; '%s' is %s%s%s", RUNBOOK_PLAN_MS / 1000, s->source->name, health_name(st->state),
		st->why && *st->why ? ": " : "", st->why && *st->why ? st->why : "");
	act_cancel(s->act);
	set_state(r, i, RSTEP_FAILED, say);
	free(say);
	return true;
}

/* Before it is run too: so that the journal has it whatever happens. */
void step_take_undo(struct runbook_step *s, const json_t *plan, const char *params)
{
	const json_t *undo = json_object_get(plan, "undo");
	char *text = params ? xstrdup(params) : json_dumps(json_object_get(undo, "params"), JSON_COMPACT);
	runbook_set(&s->undo_action, json_string_value(json_object_get(undo, "action")));
	runbook_set(&s->undo_params, s->undo_action ? text ? text : "{}" : NULL);
	runbook_set(&s->undo_kind, json_string_value(json_object_get(undo, "kind")));
	runbook_set(&s->undo_key, json_string_value(json_object_get(undo, "key")));
	runbook_set(&s->stays, s->undo_key ? json_string_value(json_object_get(plan, "not_undone")) : NULL);
	s->undo_last = json_is_true(json_object_get(undo, "last"));
	free(text);
}

const char *step_undo_kind(const struct runbook_step *s)
{
	return s->undo_kind ? s->undo_kind : s->kind;
}

const char *step_undo_key(const struct runbook_step *s)
{
	return s->undo_key ? s->undo_key : s->key;
}

const struct action *step_undo_action(const struct runbook_step *s)
{
	return s->undo_action ? action_find(s->source->backend, s->undo_action, step_undo_kind(s)) : NULL;
}

bool runbook_step_stays(const struct runbook_step *s)
{
	return s->state == RSTEP_STAYS && s->undo_action;
}

/* ---- forth */

static json_t *line_of(const char *event, unsigned i)
{
	return json_pack("{s:s, s:i}", "e", event, "step", (int)i + 1);
}

static void done(struct runbook *r, unsigned i, const char *say)
{
	struct runbook_step *s = &r->steps[i];
	json_t *line = line_of("done", i);
	if (say)
		json_object_set_new(line, "say", json_string(say));
	if (s->undo_action)
		json_object_set_new(line, "undo", json_pack("{s:s, s:s, s:b}", "action", s->undo_action, "params", s->undo_params, "last",
			(int)s->undo_last));
	set_state(r, i, s->until || s->pause_ms ? RSTEP_CHECKING : RSTEP_DONE, say);
	runbook_say(r, STEP_DONE, "step %u: %s%s%s", i + 1, s->title, say ? ": " : "", say ? say : "");
	if (!runbook_note(r, line))
		runbook_ask(r, "step %u is done, and that cannot be written down: %s", i + 1, r->error);
}

/* Nothing of it was done. */
static void failed(struct runbook *r, unsigned i, const char *say)
{
	char *copy = xstrdup(say && *say ? say : "it failed");
	json_t *line = line_of("failed", i);
	json_object_set_new(line, "say", json_string(copy));
	json_object_set_new(line, "touched", json_boolean(r->steps[i].touched));
	set_state(r, i, RSTEP_FAILED, copy);
	runbook_say(r, STEP_FAILED, "step %u: %s: %s", i + 1, r->steps[i].title, copy);
	runbook_note(r, line);
	runbook_wrong(r, "step %u (%s) failed: %s", i + 1, r->steps[i].title, copy);
	free(copy);
}

static bool once_more(struct runbook *r)
{
	if (++r->priv->tries >= RUNBOOK_TRIES)
		return false;
	r->priv->again_at = runbook_now(r) + RUNBOOK_AGAIN_MS;
	return true;
}

static void planned(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	bool wrong = s->act->state != ACT_SHOWN || (!s->act->decision.allowed && !act_already(s->act));
	if (wrong && i > 0 && once_more(r)) {        /* the first is as it was shown, or it is not */
		set_state(r, i, RSTEP_WAITING, NULL);
		return;
	}
	r->priv->tries = 0;
	struct act *act = s->act;
	const char *already = act_already(act), *title = json_string_value(json_object_get(act->targets[0].plan, "title"));
	if (title)
		runbook_set(&s->title, title);
	if (act->state != ACT_SHOWN) {
		failed(r, i, act->error);
		return;
	}
	if (already) {
		json_t *line = line_of("already", i);
		json_object_set_new(line, "say", json_string(already));
		set_state(r, i, RSTEP_ALREADY, already);
		runbook_say(r, STEP_DONE, "step %u: nothing to do: %s", i + 1, already);
		act_cancel(act);
		runbook_note(r, line);
		return;
	}
	if (!act->decision.allowed) {
		failed(r, i, act->decision.why);
		return;
	}
	step_take_undo(s, act->targets[0].plan, NULL);
	json_t *line = line_of("start", i);
	json_object_set(line, "plan", act->targets[0].plan);
	json_object_set_new(line, "key", json_string(s->key));
	if (!runbook_note(r, line)) {
		set_state(r, i, RSTEP_WAITING, NULL);
		runbook_ask(r, "step %u was not begun, because it cannot be written down: %s", i + 1, r->error);
		return;
	}
	runbook_say(r, STEP_RUNNING, "step %u: %s", i + 1, s->title);
	set_state(r, i, RSTEP_RUNNING, NULL);
	if (!act_confirm(act, NULL) && act->state != ACT_RUNNING)
		failed(r, i, act->error);
}

static void ran(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	const struct act_target *t = &s->act->targets[0];
	const char *last = s->act->nlog ? s->act->log[s->act->nlog - 1].say : NULL;
	if (s->act->state == ACT_RUNNING)
		return;
	if (s->act->state == ACT_DONE) {
		step_take_undo(s, t->plan, t->undo);
		done(r, i, last);
	} else if (t->unknown) {
		json_t *line = line_of("unknown", i);
		json_object_set_new(line, "say", json_string(s->act->error ? s->act->error : ""));
		set_state(r, i, RSTEP_UNKNOWN, s->act->error);
		runbook_say(r, STEP_WAITING, "step %u: it cannot be told whether it was taken: %s", i + 1, s->act->error);
		runbook_note(r, line);
		tell_begin(r, i);
	} else {
		s->touched = t->undo != NULL;
		if (s->touched)
			step_take_undo(s, t->plan, t->undo);
		failed(r, i, s->act->error);
	}
}

/* Where `until` is looked at: the row itself, or the one that came of it (`makes` of its plan), such as the run of a pipeline. */
static enum gate_result look_until(struct runbook *r, unsigned i, struct buf *say)
{
	struct runbook_step *s = &r->steps[i];
	const json_t *made = json_object_get(plan_of(r, i), "makes");
	const struct table *t;
	if (!made)
		return runbook_fits(r, s->kind, s->key, s->source, s->until, say);
	const char *kind = json_text(made, "kind"), *key = json_text(made, "key");
	runbook_watch(r, s->source, kind);
	enum gate_result fits = runbook_fits(r, kind, key, s->source, s->until, say);
	const struct row *row = runbook_row(r, kind, key, s->source, &t);
	if (fits == GATE_FAIL && state_meaning(row_text_by(t, row, "status")) != STATE_FAILED)
		fits = GATE_PENDING;                 /* else it is over, and waiting brings nothing */
	return fits;
}

/* Done, but not through: its `until`, then its pause. */
static void check(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	int64_t for_ms = runbook_now(r) - s->at;
	if (s->until) {
		struct buf say = { 0 };
		bool ended = false;
		enum gate_result fits = for_ms < 1000 ? GATE_PENDING : look_until(r, i, &say);
		ended = fits == GATE_FAIL && json_object_get(plan_of(r, i), "makes");
		if (fits == GATE_PASS) {
			runbook_say(r, STEP_DONE, "step %u: %s", i + 1, say.data ? say.data : s->until);
			runbook_set(&s->until, NULL);
			s->at = runbook_now(r);
		} else if (for_ms > s->within_ms || ended) {
			s->touched = true;
			runbook_set(&s->say, say.data);
			char *text = ended ? xasprintf("'%s' will not come about: %s", s->until, say.data)
				: xasprintf("'%s' did not come about in %lld s: %s", s->until, (long long)(s->within_ms / 1000), say.data ? say.data : "");
			failed(r, i, text);
			free(text);
		} else if (say.len && (!s->say || strcmp(s->say, say.data))) {
			runbook_set(&s->say, say.data);
			runbook_changed(r);
		}
		buf_release(&say);
	} else if (for_ms >= s->pause_ms) {
		set_state(r, i, RSTEP_DONE, NULL);
	}
}

void step_forth(struct runbook *r)
{
	unsigned i = r->current;
	struct runbook_step *s = &r->steps[i];
	switch (s->state) {
	case RSTEP_WAITING:
		if (runbook_now(r) < r->priv->again_at)
			break;
		if (r->priv->stop) {
			r->priv->stop = false;
			runbook_ask(r, "stopped before step %u (%s), as asked", i + 1, s->title);
		} else if (i == 0 && s->act && s->act->state == ACT_SHOWN) {
			planned(r, i);               /* what was shown is what is sent; its run looks whether that still holds */
		} else {
			step_begin_plan(r, i);
		}
		break;
	case RSTEP_PLANNING:
		if (step_plan_late(r, i))
			runbook_wrong(r, "step %u (%s) failed: %s", i + 1, s->title, s->say);
		else if (s->act->state != ACT_PLANNING)
			planned(r, i);
		break;
	case RSTEP_RUNNING:
		ran(r, i);
		break;
	case RSTEP_CHECKING:
		check(r, i);
		break;
	case RSTEP_DONE:
	case RSTEP_ALREADY:
		r->current++;
		runbook_changed(r);
		break;
	case RSTEP_FAILED:
		runbook_wrong(r, "step %u (%s) failed: %s", i + 1, s->title, s->say ? s->say : "");
		break;
	default:
		break;
	}
}

/* ---- was it taken? */

static void on_told(void *arg, const struct msg *m)
{
	struct runbook_telling *t = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || m->id != t->id)
		return;
	store_forget(t->r->priv->rs->store, t->id);
	t->id = 0;
	json_t *j = msg_get_answer(m, &a) && a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	snprintf(t->taken, sizeof(t->taken), "%s", json_is_object(j) ? json_text(j, "taken") : "");
	runbook_set(&t->say, json_is_object(j) ? json_text(j, "say") : NULL);
	if (!json_is_object(j)) {
		free(t->say);
		t->say = str_dup(a.json);
	}
	json_decref(j);
	t->told = true;
	runbook_changed(t->r);
}

void tell_begin(struct runbook *r, unsigned i)
{
	struct runbook_telling *t = &r->priv->tell;
	struct runbook_step *s = &r->steps[i];
	json_t *params = json_pack("{s:s, s:O?}", "action", s->action->name, "plan", (json_t *)(uintptr_t)plan_of(r, i));
	char *text = json_dumps(params, JSON_COMPACT);
	free(t->say);
	*t = (struct runbook_telling){ .r = r, .step = i, .since = runbook_now(r), .on = true };
	t->id = source_ask(s->source, request_new(REQ_ASK, s->kind, str_of(s->key), "taken", text ? text : "{}"));
	store_expect(r->priv->rs->store, t->id, on_told, t);
	free(text);
	json_decref(params);
}

static void told(struct runbook *r)
{
	struct runbook_telling *t = &r->priv->tell;
	unsigned i = t->step;
	bool asking = r->state == RUNBOOK_ASKING;
	char *say = xstrdup(t->say ? t->say : "");
	t->on = false;
	if (!strcmp(t->taken, "yes")) {
		done(r, i, say);
		if (asking)
			runbook_ask(r, "step %u (%s) was taken: %s", i + 1, r->steps[i].title, say);
	} else if (!strcmp(t->taken, "no") && asking) {
		json_t *line = line_of("not", i);
		json_object_set_new(line, "say", json_string(say));
		runbook_note(r, line);
		set_state(r, i, RSTEP_WAITING, say);
		runbook_ask(r, "step %u (%s) was not taken: %s", i + 1, r->steps[i].title, say);
	} else if (!strcmp(t->taken, "no")) {
		failed(r, i, say);
	} else {
		runbook_ask(r, "step %u (%s) was sent, and %s%s%s: go on plans it anew, go back takes it back, hold leaves all as it is",
			i + 1, r->steps[i].title, !strcmp(t->taken, "part") ? "is done in part" : "it cannot be told whether it was taken",
			*say ? ": " : "", say);
	}
	free(say);
}

/* A backend that does not know the question: its plan may say that there is nothing left to do. */
static void tell_by_plan(struct runbook *r)
{
	struct runbook_telling *t = &r->priv->tell;
	struct runbook_step *s = &r->steps[t->step];
	if (!t->planning && lost_secret(r, t->step, s->params)) {
		told(r);
	} else if (!t->planning) {
		const char *why = "";
		s->act = act_start_part(r->priv->rs->actor, s->source, s->action, s->kind, s->key, s->params,
			&(struct act_part){ .runbook = r->id, .step = t->step + 1 }, &why);
		t->planning = true;
		if (!s->act) {
			runbook_set(&t->say, why);
			told(r);
		}
	} else if (s->act->state != ACT_PLANNING) {
		const char *already = act_already(s->act);
		if (already) {
			snprintf(t->taken, sizeof(t->taken), "yes");
			runbook_set(&t->say, already);
		} else {
			runbook_set(&t->say, s->act->error ? s->act->error : t->say ? t->say : "");
		}
		act_cancel(s->act);
		told(r);
	}
}

void tell_tick(struct runbook *r)
{
	struct runbook_telling *t = &r->priv->tell;
	if (!t->on)
		return;
	if (runbook_now(r) - t->since > RUNBOOK_TELL_MS) {
		if (t->id) {
			store_forget(r->priv->rs->store, t->id);
			source_cancel(r->steps[t->step].source, t->id);
			t->id = 0;
		}
		t->taken[0] = '\0';
		runbook_set(&t->say, "it does not answer");
		told(r);
	} else if (t->told && !*t->taken) {
		tell_by_plan(r);
	} else if (t->told) {
		told(r);
	}
}

/* ---- back */

bool step_was_done(const struct runbook_step *s)
{
	return s->state == RSTEP_DONE || s->state == RSTEP_CHECKING || s->state == RSTEP_UNKNOWN || s->state == RSTEP_UNDOING ||
	       s->state == RSTEP_RUNNING || (s->state == RSTEP_FAILED && s->touched);
}

static void undone(struct runbook *r, unsigned i, enum runbook_step_state how, const char *say)
{
	json_t *line = line_of(how == RSTEP_STAYS ? "stays" : "undone", i);
	char *all = r->steps[i].stays && say ? xasprintf("%s; %s", say, r->steps[i].stays) : say ? xstrdup(say) : NULL;
	set_state(r, i, how, all);
	if (all)
		json_object_set_new(line, "say", json_string(all));
	runbook_say(r, STEP_DONE, "step %u %s: %s%s%s", i + 1, how == RSTEP_STAYS ? "stays" : "taken back", r->steps[i].title,
		all ? ": " : "", all ? all : "");
	runbook_note(r, line);
	r->priv->undo_again = false;
	free(all);
}

static void begin_undo(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	const struct action *a = step_undo_action(s);
	const char *kind = step_undo_kind(s), *key = step_undo_key(s);
	const struct act_part part = { .runbook = r->id, .step = i + 1, .undo = true, .reason = r->priv->why_back };
	const char *why = "";
	struct act *was = s->act;
	if (!a) {
		undone(r, i, RSTEP_STAYS, s->undo_action ? "its source does not offer what would take it back" : "nothing takes it back");
		return;
	}
	if (lost_secret(r, i, s->undo_params) && !(was && act_can_undo(was))) {
		char *by_hand = xasprintf("what takes it back (%s %s) holds a secret, which no journal keeps: take it back by hand", s->undo_action, key);
		undone(r, i, RSTEP_STAYS, by_hand);      /* and the rest all the same: asking again would bring nothing */
		free(by_hand);
		return;
	}
	s->act = was && act_can_undo(was) ? act_undo(was, &why)
		: act_start_part(r->priv->rs->actor, s->source, a, kind, key, s->undo_params, &part, &why);
	set_state(r, i, RSTEP_UNDOING, NULL);
	r->priv->since = runbook_now(r);
	if (s->act)
		act_join(s->act, &part);
	else
		runbook_ask(r, "step %u (%s) cannot be taken back: %s", i + 1, s->title, why);
}

static void undo_planned(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	const char *already = act_already(s->act);
	if (s->act->state == ACT_SHOWN && already) {
		act_cancel(s->act);
		undone(r, i, s->undo_key ? RSTEP_STAYS : RSTEP_UNDONE, already);       /* what it made has ended by itself */
		return;
	}
	if ((s->act->state != ACT_SHOWN || !s->act->decision.allowed) && once_more(r)) {
		act_cancel(s->act);
		s->act = NULL;
		runbook_changed(r);
		return;
	}
	r->priv->tries = 0;
	json_t *line = line_of("undoing", i);
	json_object_set(line, "plan", s->act->targets[0].plan);
	runbook_note(r, line);                       /* where it cannot be written the audit still must be */
	runbook_say(r, STEP_RUNNING, "step %u is taken back: %s", i + 1, s->title);
	if (s->act->state != ACT_SHOWN || (!act_confirm(s->act, NULL) && s->act->state != ACT_RUNNING)) {
		char *why = xstrdup(s->act->error ? s->act->error : s->act->decision.why);
		s->act = NULL;
		runbook_ask(r, "step %u (%s) cannot be taken back: %s: go back tries again, hold leaves it", i + 1, s->title, why);
		free(why);
	}
}

static void undo_ran(struct runbook *r, unsigned i)
{
	struct runbook_step *s = &r->steps[i];
	if (s->act->state == ACT_DONE) {
		undone(r, i, RSTEP_UNDONE, s->act->nlog ? s->act->log[s->act->nlog - 1].say : NULL);
	} else if (!r->priv->undo_again) {
		r->priv->undo_again = true;          /* planned anew: it may have been taken, then there is nothing left to do */
		runbook_say(r, STEP_FAILED, "taking back step %u: %s; once more", i + 1, s->act->error ? s->act->error : "");
		s->act = NULL;
	} else {
		char *why = xstrdup(s->act->error ? s->act->error : "");
		r->priv->undo_again = false;
		s->act = NULL;
		runbook_ask(r, "step %u (%s) is not taken back: %s: go back tries again, hold leaves it", i + 1, s->title, why);
		free(why);
	}
}

static bool same_value(const json_t *a, const json_t *b)
{
	char x[32], y[32];
	snprintf(x, sizeof(x), "%lld", (long long)json_integer_value(a));
	snprintf(y, sizeof(y), "%lld", (long long)json_integer_value(b));
	return !strcmp(json_is_string(a) ? json_string_value(a) : x, json_is_string(b) ? json_string_value(b) : y) &&
	       (json_is_string(a) || json_is_integer(a)) && (json_is_string(b) || json_is_integer(b));
}

/* What takes step i back sets again what the step before it had set on the same object, as of canary 10, 50, 100 %. */
static bool leads_to_former(const struct runbook *r, unsigned i)
{
	const struct runbook_step *s = &r->steps[i], *former = &r->steps[i - 1];
	if ((former->state != RSTEP_DONE && former->state != RSTEP_CHECKING) || s->source != former->source || s->action != former->action ||
	    strcmp(s->kind, former->kind) || strcmp(s->key, former->key) || !s->undo_action || strcmp(s->undo_action, s->action->name) ||
	    !former->undo_action || strcmp(former->undo_action, s->undo_action) || s->undo_last != former->undo_last)
		return false;
	json_t *undo = json_loads(s->undo_params ? s->undo_params : "", 0, NULL), *set = json_loads(former->params, 0, NULL), *v;
	const char *name;
	bool same = json_object_size(set) > 0;
	json_object_foreach(set, name, v)
		same = same && same_value(json_object_get(undo, name), v);
	json_decref(undo);
	json_decref(set);
	return same;
}

/* Of stages what takes the first back takes all: nobody waits for each of them while the wrong version answers. The later ones are
 * noted first, so that whoever finds a journal that ends here goes to the first one too. */
static unsigned first_stage(struct runbook *r, unsigned i)
{
	unsigned first = i;
	while (first > 0 && leads_to_former(r, first))
		first--;
	for (char *say; i > first; i--) {
		say = xasprintf("with step %u", first + 1);
		undone(r, i, RSTEP_UNDONE, say);
		free(say);
	}
	return first;
}

/* Which step is taken back next. False: none is left. */
static bool next_back(struct runbook *r)
{
	for (int last = 0; last < 2; last++)
		for (unsigned i = r->nsteps; i-- > 0;)
			if (step_was_done(&r->steps[i]) && r->steps[i].undo_last == last) {
				r->current = first_stage(r, i);
				return true;
			}
	return false;
}

void step_back(struct runbook *r)
{
	struct runbook_step *s = &r->steps[r->current];
	if (s->state == RSTEP_UNDOING && s->act && s->act->state == ACT_PLANNING) {
		if (runbook_now(r) - r->priv->since < RUNBOOK_PLAN_MS)
			return;
		act_cancel(s->act);
		s->act = NULL;
		runbook_ask(r, "step %u (%s): no plan to take it back in %d s: go back tries again, hold leaves it", r->current + 1, s->title,
			RUNBOOK_PLAN_MS / 1000);
	} else if (s->state == RSTEP_UNDOING && s->act && s->act->state == ACT_RUNNING) {
		return;
	} else if (s->state == RSTEP_UNDOING && s->act && (s->act->state == ACT_SHOWN || !s->act->nlog)) {
		undo_planned(r, r->current);
	} else if (s->state == RSTEP_UNDOING && s->act) {
		undo_ran(r, r->current);
	} else if (runbook_now(r) < r->priv->again_at) {
		return;
	} else if (next_back(r)) {
		begin_undo(r, r->current);
	} else {
		struct buf all = { 0 };
		buf_adds(&all, r->priv->why_back ? r->priv->why_back : "");
		for (unsigned i = 0; i < r->nsteps; i++)
			if (runbook_step_stays(&r->steps[i]))      /* else its plan said that nothing does */
				buf_addf(&all, "; step %u (%s) stays: %s", i + 1, r->steps[i].title, r->steps[i].say ? r->steps[i].say : "");
		runbook_end(r, RUNBOOK_UNDONE, all.data);
		buf_release(&all);
	}
}
