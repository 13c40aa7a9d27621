/* runbook_recover: runbooks whose program ended in the midst, from their journals. What is known is put back as it was: steps done
 * with what undoes them, the one under way as not known. That one is asked about at once; then it is for somebody to say whether
 * to go on or to go back. A journal that a living program holds is left to it. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/redact.h"
#include "base/runbook_private.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct found { struct runbook *r; bool planned, over, back, began; int64_t last; char problem[400]; };

/* A secret is in no journal. Where `promotions` still has this step as it was, but for what was masked, it is taken from there. */
static json_t *with_secrets(const json_t *journaled, const json_t *configured)
{
	static const char *const same[] = { "action", "kind" };
	const json_t *params = json_object_get(configured, "params");
	json_t *masked = params ? redact_json(params) : NULL, *spec = NULL;
	bool is = masked && json_equal(masked, json_object_get(journaled, "params")) && !strcmp(json_text(journaled, "named"), json_text(configured, "name"));
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		is = is && !strcmp(json_text(journaled, same[i]), json_text(configured, same[i]));
	if (is) {
		spec = json_copy((json_t *)(uintptr_t)journaled);
		json_object_set(spec, "params", (json_t *)(uintptr_t)params);
	}
	json_decref(masked);
	return spec;
}

static json_t *configured_steps(const struct runbook *r, const json_t *steps)
{
	const struct runbook_private *p = r->priv;
	const char *alias = json_text(json_object_get(json_array_get(steps, 0), "params"), "alias");
	const struct promotion_words w = { r->model, r->version, r->previous, alias, r->reason, p->user };
	json_t *all = promotion_steps(p->registry ? promotion_entry(p->rs->config, r->model, p->registry->name) : NULL, &w);
	if (!strcmp(r->verb, "rollback"))
		promotion_straight(all);
	return all;
}

static void put_planned(struct found *f, const json_t *line)
{
	struct runbook *r = f->r;
	struct runbook_private *p = r->priv;
	json_t *spec, *steps = json_object_get(line, "steps");
	size_t i;
	runbook_set(&r->verb, json_text(line, "verb"));
	runbook_set(&r->model, json_text(line, "model"));
	runbook_set(&r->version, json_text(line, "version"));
	runbook_set(&r->previous, json_text(line, "previous"));
	runbook_set(&r->reason, json_text(line, "reason"));
	runbook_set(&p->user, json_text(line, "user"));
	r->hold = json_is_true(json_object_get(line, "hold"));
	p->registry = runbook_source(p->rs, json_text(line, "registry"));
	if (!p->registry)
		snprintf(f->problem, sizeof(f->problem), "the registry '%s' is not configured here", json_text(line, "registry"));
	json_t *configured = configured_steps(r, steps);
	json_array_foreach(steps, i, spec) {
		json_t *whole = i ? with_secrets(spec, json_array_get(configured, i - 1)) : NULL;
		json_array_append(p->steps, spec);
		if (!*f->problem && step_make(r, whole ? whole : spec, f->problem, sizeof(f->problem)))
			runbook_set(&r->steps[i].title, json_text(spec, "title"));
		json_decref(whole);
	}
	json_decref(configured);
	p->verify = json_incref(json_object_get(line, "verify"));
	p->before = json_incref(json_object_get(line, "before"));
	if (!*f->problem)
		verify_begin_checks(r);
	f->planned = json_is_array(steps) && json_array_size(steps);
}

/* What each line makes of its step. */
static void put_step(struct found *f, const json_t *line, const char *event)
{
	static const struct { const char *event; enum runbook_step_state state; } states[] = {
		{ "start", RSTEP_UNKNOWN }, { "done", RSTEP_DONE }, { "already", RSTEP_ALREADY }, { "failed", RSTEP_FAILED },
		{ "unknown", RSTEP_UNKNOWN }, { "not", RSTEP_WAITING }, { "undoing", RSTEP_UNDOING }, { "undone", RSTEP_UNDONE },
		{ "stays", RSTEP_STAYS } };
	json_int_t step = json_integer_value(json_object_get(line, "step"));
	struct runbook *r = f->r;
	if (step < 1 || step > (json_int_t)r->nsteps)
		return;
	struct runbook_step *s = &r->steps[step - 1];
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (strcmp(event, states[i].event))
			continue;
		s->state = states[i].state;
		s->at = f->last;
		s->touched = s->state == RSTEP_FAILED && json_is_true(json_object_get(line, "touched"));
		if (json_object_get(line, "say"))
			runbook_set(&s->say, json_text(line, "say"));
	}
	if (!strcmp(event, "start")) {
		json_object_set(json_array_get(r->priv->steps, (size_t)step - 1), "plan", json_object_get(line, "plan"));
		runbook_set(&s->key, json_text(line, "key"));
		step_take_undo(s, json_object_get(line, "plan"), NULL);
	} else if (!strcmp(event, "done") && s->undo_action && json_object_get(line, "undo")) {
		runbook_set(&s->undo_params, json_text(json_object_get(line, "undo"), "params"));
	}
	f->began = true;
}

static void put_line(struct found *f, const json_t *line)
{
	const char *event = json_text(line, "e");
	f->last = json_integer_value(json_object_get(line, "at"));
	if (!strcmp(event, "planned"))
		put_planned(f, line);
	else if (!strcmp(event, "before") && json_object_get(line, "before"))
		json_decref(f->r->priv->before), f->r->priv->before = json_incref(json_object_get(line, "before"));
	else if (!strcmp(event, "over"))
		f->over = true;
	else if (!strcmp(event, "back"))
		f->back = true, runbook_set(&f->r->priv->why_back, json_text(line, "say"));
	else if (!strcmp(event, "choice"))
		f->over = false;
	if (f->planned && json_object_get(line, "step"))
		put_step(f, line, event);
}

/* Where a secret is missing it is told before anything is chosen. */
static void tell_secret(struct found *f, unsigned i)
{
	struct runbook_step *s = &f->r->steps[i];
	bool forth = !f->back && step_lost_secret(f->r, i, false), back = step_lost_secret(f->r, i, true);
	char *say = xasprintf("%s%s%s%s", s->say ? s->say : "", s->say && (forth || back) ? "; " : "", forth ? "it cannot be done any more: " NO_SECRET : "",
		back ? "it cannot be taken back by itself: what takes it back holds a secret, which no journal keeps" : "");
	if (forth || back)
		runbook_set(&s->say, say);
	free(say);
}

/* What was done, what was not, what is not known: in one sentence. */
static void ask(struct found *f)
{
	struct runbook *r = f->r;
	struct buf b = { 0 };
	unsigned done = 0, unknown = 0, left = 0;
	for (unsigned i = 0; i < r->nsteps; i++) {
		enum runbook_step_state s = r->steps[i].state;
		done += s == RSTEP_DONE || s == RSTEP_ALREADY;
		unknown += s == RSTEP_UNKNOWN || s == RSTEP_UNDOING;
		left += s == RSTEP_WAITING;
		if (s == RSTEP_UNKNOWN && !f->back)
			tell_begin(r, i);
	}
	buf_addf(&b, "the program that ran it ended%s: %u of %u steps done", f->back ? " while it was going back" : "", done, r->nsteps);
	if (unknown)
		buf_addf(&b, ", %u not known", unknown);
	if (left)
		buf_addf(&b, ", %u not begun", left);
	r->priv->backwards = f->back;
	r->state = RUNBOOK_ASKING;
	r->ask = buf_detach(&b);
	runbook_judge(r, RUNBOOK_GO_ON);
	for (unsigned i = 0; i < r->nsteps; i++) {
		tell_secret(f, i);
		runbook_say(r, STEP_WAITING, "step %u, %s: %s%s%s", i + 1, r->steps[i].title, runbook_step_name(r->steps[i].state),
			r->steps[i].say ? ": " : "", r->steps[i].say ? r->steps[i].say : "");
	}
}

static void drop_last(struct runbooks *rs)
{
	runbook_free(rs->all[--rs->n]);
}

static bool known(const struct runbooks *rs, struct str id)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (rs->all[i]->id && rs->all[i]->priv->journal && str_eq(str_of(rs->all[i]->id), id))
			return true;
	return false;
}

/* True: one more unfinished runbook. */
static bool recover(struct runbooks *rs, const char *name, struct buf *why)
{
	char text[400] = "";
	bool held;
	json_t *lines, *line;
	size_t i;
	struct journal *j = journal_open(rs->folder, name, rs->clock, &lines, &held, text, sizeof(text));
	rs->living += held;
	if (!j && !held)
		buf_addf(why, "%s%s", why->len ? "\n" : "", text);
	if (!j)
		return false;
	struct found f = { .r = runbook_new(rs, "", "") };
	f.r->id = str_dup(journal_id(name));
	f.r->recovered = true;
	f.r->priv->journal = j;
	json_array_foreach(lines, i, line)
		put_line(&f, line);
	json_decref(lines);
	if (*f.problem)
		buf_addf(why, "%s%s: %s", why->len ? "\n" : "", name, f.problem);
	else if (!f.planned || f.over)
		journal_over(j, true);               /* nothing was begun, or it was over and only its name did not say so */
	else {
		ask(&f);
		return true;
	}
	drop_last(rs);
	return false;
}

struct runbook *runbooks_unfinished(const struct runbooks *rs, const char *model)
{
	for (unsigned i = rs->n; i-- > 0;)
		if (rs->all[i]->state > RUNBOOK_SHOWN && !runbook_over(rs->all[i]) && !strcmp(rs->all[i]->model, model))
			return rs->all[i];
	return NULL;
}

char *runbooks_elsewhere(const struct runbooks *rs, const char *model)
{
	DIR *d = opendir(rs->folder);
	struct buf b = { 0 };
	for (struct dirent *e; d && !b.len && (e = readdir(d));) {
		json_t *line = journal_id(e->d_name).n && !known(rs, journal_id(e->d_name)) ? journal_of_another(rs->folder, e->d_name) : NULL;
		if (line && !strcmp(json_text(line, "model"), model)) {
			buf_addf(&b, "another binnacle (process %lld) is busy with it: %s to version %s, begun ", (long long)json_integer_value(
				json_object_get(line, "pid")), json_text(line, "verb"), json_text(line, "version"));
			fmt_age(clock_wall(rs->clock) - json_integer_value(json_object_get(line, "at")), &b);
			buf_adds(&b, " ago");
		}
		json_decref(line);
	}
	if (d)
		closedir(d);
	return b.len ? buf_detach(&b) : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

unsigned runbooks_recover(struct runbooks *rs, char **why)
{
	DIR *d = opendir(rs->folder);
	char **names = NULL;
	unsigned n = 0, found = 0;
	struct buf bad = { 0 };
	rs->living = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		if (journal_id(e->d_name).n && !known(rs, journal_id(e->d_name))) {
			names = xreallocarray(names, n + 1, sizeof(*names));
			names[n++] = xstrdup(e->d_name);
		}
	if (d)
		closedir(d);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (unsigned i = 0; i < n; i++) {
		found += recover(rs, names[i], &bad);
		free(names[i]);
	}
	free(names);
	*why = bad.len ? buf_detach(&bad) : NULL;
	buf_release(&bad);
	return found;
}
