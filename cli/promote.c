/* promote: runbooks without a screen: promote a version, roll one back, and finish what a program that died left. The plan is
 * printed first; on a terminal it is asked, elsewhere --yes has to be said, and what the guards want typed with --type. What has to
 * be decided and has nobody to ask stays in its journal, and the exit code says so. */
#define _GNU_SOURCE
#include "base/fmt.h"
#include "base/mem.h"
#include "base/promotion.h"
#include "cli/print.h"
#include "cli/session.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLICE_MS = 250 };
struct desk { struct session *s; struct runbook *r; enum runbook_state from; unsigned printed; bool looking; };

/* ---- words on the screen */

static void print_runbook(const struct runbook *r)
{
	print_line(stdout, "%s %s: v%s -> v%s", r->verb, r->model, *r->previous ? r->previous : "-", r->version);
	for (unsigned i = 0; r->gates && i < r->gates->n; i++)
		print_line(stdout, "  gate %-12s %s: %s", gate_result_name(r->gates->list[i].result), r->gates->list[i].title,
		    r->gates->list[i].figures ? r->gates->list[i].figures : "");
	for (unsigned i = 0; i < r->nsteps; i++) {
		const struct runbook_step *s = &r->steps[i];
		print_line(stdout, "  step %u  %s: %s", i + 1, s->source->name, s->title);
		if (s->act && s->act->targets[0].plan)
			print_plan(s->act->targets[0].plan);
		if (s->act && s->act->error)
			print_line(stdout, "      cannot be done: %s", s->act->error);
		if (s->until)
			print_line(stdout, "      until %s, within %lld s", s->until, (long long)(s->within_ms / 1000));
		if (s->pause_ms)
			print_line(stdout, "      then a pause of %lld s", (long long)(s->pause_ms / 1000));
	}
	for (unsigned i = 0; i < r->nchecks; i++)
		print_line(stdout, "  verify  %s%s%s", r->checks[i].title, r->checks[i].say ? ": " : "", r->checks[i].say ? r->checks[i].say : "");
	fflush(stdout);
}

/* ---- as JSON */

static json_t *runbook_json(const struct runbook *r)
{
	json_t *o = json_pack("{s:s?, s:s, s:s, s:s, s:s, s:s?, s:s, s:b, s:s?, s:s?}", "runbook", r->id, "verb", r->verb, "model", r->model,
		"version", r->version, "previous", r->previous, "reason", r->reason, "state", runbook_state_name(r->state), "recovered",
		(int)r->recovered, "error", r->error, "ask", r->ask);
	json_t *steps = json_array(), *gates = json_array(), *checks = json_array(), *log = json_array();
	for (unsigned i = 0; r->gates && i < r->gates->n; i++)
		json_array_append_new(gates, json_pack("{s:s?, s:s, s:s?}", "gate", r->gates->list[i].title, "result",
			gate_result_name(r->gates->list[i].result), "figures", r->gates->list[i].figures));
	for (unsigned i = 0; i < r->nsteps; i++) {
		const struct runbook_step *s = &r->steps[i];
		json_t *x = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?}", "title", s->title, "source", s->source->name, "action",
			s->action->name, "kind", s->kind, "key", s->key, "state", runbook_step_name(s->state), "say", s->say);
		if (s->act && s->act->targets[0].plan)
			json_object_set(x, "plan", s->act->targets[0].plan);
		json_array_append_new(steps, x);
	}
	for (unsigned i = 0; i < r->nchecks; i++)
		json_array_append_new(checks, json_pack("{s:s, s:s, s:s?}", "check", r->checks[i].title, "result",
			gate_result_name(r->checks[i].result), "say", r->checks[i].say));
	for (unsigned i = 0; i < r->nlog; i++)
		json_array_append_new(log, json_pack("{s:I, s:s}", "at", (json_int_t)r->log[i].at, "say", r->log[i].say));
	json_object_set_new(o, "gates", gates);
	json_object_set_new(o, "steps", steps);
	json_object_set_new(o, "checks", checks);
	json_object_set_new(o, "log", log);
	return o;
}

/* ---- moving on */

static bool moved(void *arg)
{
	struct desk *d = arg;
	runbooks_tick(d->s->runbooks, clock_wall(&d->s->clock));
	for (; d->r && !d->s->cli->json && d->r->state > RUNBOOK_SHOWN && d->printed < d->r->nlog; d->printed++) {
		print_line(stdout, "%s", d->r->log[d->printed].say);
		fflush(stdout);
	}
	return !d->r || (d->r->state != d->from && !runbook_looking(d->r));
}

/* Until it is in another state. */
static void leave(struct desk *d, enum runbook_state from)
{
	d->from = from;
	while (!session_run(d->s, SLICE_MS, moved, d))
		;
}

static int code_of(const struct runbook *r)
{
	switch (r->state) {
	case RUNBOOK_DONE: return EXIT_OK;
	case RUNBOOK_UNDONE: return EXIT_ROLLED_BACK;
	case RUNBOOK_HELD: case RUNBOOK_ASKING: return EXIT_HELD;
	default: return EXIT_FAILED;
	}
}

/* ---- a second person, and what else a recovered one takes */

static bool is_approved(void *desk)
{
	struct desk *d = desk;
	runbooks_tick(d->s->runbooks, clock_wall(&d->s->clock));
	return runbook_approved(d->r) || !d->r->approval;
}

/* Where the guards want a second person: says how, and waits for as long as the code is good for. */
static bool approved(struct desk *d)
{
	const struct approval *p = d->r->approval;
	if (runbook_approved(d->r) || !p)
		return true;                     /* or it is refused for another reason, which is told */
	int64_t left = p->until - clock_wall(&d->s->clock);
	print_line(stderr, "a second person has to approve this within %d s, on their own login, with:", (int)(left / 1000));
	print_line(stderr, "  binnacle approve %s", p->lies ? p->code : p->word);
	for (int64_t at = 0; at < left && !is_approved(d); at += 500)
		session_run(d->s, 500, is_approved, d);
	if (runbook_approved(d->r))
		print_line(stderr, "approved by %s", d->r->approval->by);
	return runbook_approved(d->r);
}

/* A recovered one is confirmed anew, by what the guards want now. */
static bool take_up(struct desk *d, enum runbook_choice c)
{
	const struct cli *o = d->s->cli;
	struct runbook *r = d->r;
	struct runbook_given given = { o->type, o->override };
	char *name = NULL, *reason = NULL;
	enum act_want want;
	if ((want = runbook_wants(r, c, &given)) == ACT_WANTS_OVERRIDE || want == ACT_WANTS_REASON) {
		print_line(stderr, want == ACT_WANTS_OVERRIDE ? "%s" : "the guards want a reason", r->decision.why);
		given.reason = reason = ask_line("why shall it be done all the same? (empty: stop)");
	}
	if (runbook_wants(r, c, &given) == ACT_WANTS_NAME) {
		char *question = xasprintf("type '%s' to go on:", r->must_type);
		given.typed = name = ask_line(question);
		free(question);
	}
	if (runbook_wants(r, c, &given) == ACT_WANTS_APPROVAL)
		approved(d);
	bool ok = runbook_choose(r, c, &given);
	if (!ok && runbook_wants(r, c, &given) == ACT_WANTS_NAME && !isatty(STDIN_FILENO))
		print_line(stderr, "binnacle: where there is no terminal to ask on, say --type %s", r->must_type);
	free(name);
	free(reason);
	return ok;
}

/* To its end; where something is asked and nobody is there to say it, no further. */
static int carry_out(struct desk *d)
{
	struct runbook *r = d->r;
	while (!runbook_over(r)) {
		leave(d, r->state);
		if (r->state != RUNBOOK_ASKING)
			continue;
		char *line = d->s->cli->yes ? NULL : ask_line("go on, go back, or hold? [on/back/hold]");
		enum runbook_choice c = line && !strncmp(line, "on", 2) ? RUNBOOK_GO_ON : line && *line == 'b' ? RUNBOOK_GO_BACK : RUNBOOK_HOLD;
		bool said = line && *line;
		free(line);
		if (!said) {
			print_line(stderr, "binnacle: somebody has to decide: binnacle runbooks --go-on %s, --go-back %s or --leave %s", r->id, r->id, r->id);
			break;
		}
		if (!take_up(d, c))
			print_line(stderr, "binnacle: %s", r->error);
	}
	if (d->s->cli->json)
		print_document(runbook_json(r));
	return code_of(r);
}

/* ---- confirming */

static bool confirm(struct desk *d)
{
	const struct cli *c = d->s->cli;
	struct runbook *r = d->r;
	char *typed = NULL, *override = NULL, *yes = NULL;
	bool ok = false;
	unsigned bad = r->gates ? gates_failed(r->gates) : 0;
	if (bad && !c->override && !c->yes)
		override = ask_line("gates do not pass; why shall that not matter? (empty: stop)");
	if (r->must_type && !c->type && (!bad || c->override || (override && *override))) {
		char *question = xasprintf("type '%s' to go on:", r->must_type);
		typed = ask_line(question);
		free(question);
	} else if (!r->must_type && !c->yes) {
		yes = ask_line("go on? [y/N]");
	}
	if (!r->must_type && !c->yes && !(yes && (*yes == 'y' || *yes == 'Y')))
		print_line(stderr, yes ? "binnacle: nothing was done" : "binnacle: nothing was done; where there is no terminal to ask on, say --yes");
	else if (r->must_type && !c->yes && !typed && !isatty(STDIN_FILENO))
		print_line(stderr, "binnacle: nothing was done; say --yes and --type %s", r->must_type);
	else if (!approved(d))
		print_line(stderr, "binnacle: nothing was done: nobody has approved it");
	else if (!runbook_confirm(r, c->type ? c->type : typed, c->override ? c->override : override))
		print_line(stderr, "binnacle: nothing was done: %s", r->error);
	else
		ok = true;
	free(typed);
	free(override);
	free(yes);
	return ok;
}

static int plan_code(const struct runbook *r)
{
	return r->gates && gates_failed(r->gates) ? EXIT_GATES : r->decision.allowed ? EXIT_OK : EXIT_REFUSED;
}

static int shown(struct desk *d)
{
	const struct cli *c = d->s->cli;
	struct runbook *r = d->r;
	if (r->state != RUNBOOK_SHOWN) {
		print_line(stderr, "binnacle: %s", r->error ? r->error : runbook_state_name(r->state));
		if (c->json)
			print_document(runbook_json(r));
		return EXIT_FAILED;
	}
	if (c->json && c->plan)
		print_document(runbook_json(r));
	else if (!c->json)
		print_runbook(r);
	if (c->plan && !r->decision.allowed)
		print_line(stderr, "binnacle: it cannot be done: %s", r->decision.why);
	if (c->plan)
		return plan_code(r);
	if (!confirm(d))
		return plan_code(r) == EXIT_OK ? EXIT_REFUSED : plan_code(r);
	return carry_out(d);
}

/* ---- beginning */

static bool promotes(const struct source *s, const char *verb)
{
	return action_find(s->backend, verb, !strcmp(verb, "rollback") ? "models" : "versions") != NULL;
}

/* The registry: as said, as configured for the model, else the only one. */
static struct source *registry_of(const struct session *s, const char *verb, const char *model)
{
	const struct yaml *entry = s->cli->source ? NULL : promotion_entry(s->config, model, NULL);
	const char *name = s->cli->source ? s->cli->source : entry ? yaml_text(entry, "source") : NULL;
	struct source *found = NULL;
	unsigned n = 0;
	for (unsigned i = 0; i < s->nsources; i++)
		if (promotes(s->sources[i], verb) && (!name || !strcmp(s->sources[i]->name, name))) {
			found = s->sources[i];
			n++;
		}
	if (n == 1)
		return found;
	if (name)
		print_line(stderr, "binnacle: no registry '%s' is configured", name);
	else
		print_line(stderr, n ? "binnacle: there are several registries: say which one (--source)" : "binnacle: no registry is configured");
	return NULL;
}

/* An unfinished one of the same model stands in the way: two halves would become one whole nobody planned. */
static const struct runbook *unfinished(const struct session *s, const char *model)
{
	char *why;
	runbooks_recover(s->runbooks, &why);
	if (why)
		print_line(stderr, "binnacle: %s", why);
	free(why);
	for (unsigned i = 0; runbooks_get(s->runbooks, i); i++)
		if (!strcmp(runbooks_get(s->runbooks, i)->model, model))
			return runbooks_get(s->runbooks, i);
	return NULL;
}

/* What gates and checks look at may be made from the rows of others: an alert that another source has is not told twice. */
static void feed_gates(struct session *s, const char *model)
{
	const char *kind;
	for (unsigned k = 0; (kind = runbooks_kind(s->runbooks, model, k)); k++)
		for (unsigned i = 0; i < s->nsources; i++)
			if (backend_fills(s->sources[i]->backend, kind))
				feed_on(s->feed, i, kind);
}

static int begin(struct session *s, struct runbook_order *o)
{
	const char *why = NULL;
	const struct runbook *old = unfinished(s, o->model);
	struct desk d = { .s = s };
	if (old) {
		print_line(stderr, "binnacle: %s is unfinished: %s; binnacle runbooks --go-on %s or --go-back %s", old->id, old->ask, old->id, old->id);
		return EXIT_HELD;
	}
	if (!(o->registry = registry_of(s, o->verb, o->model)))
		return EXIT_USAGE;
	feed_gates(s, o->model);
	if (!(d.r = runbook_start(s->runbooks, o, &why))) {
		print_line(stderr, "binnacle: %s", why);
		return EXIT_REFUSED;
	}
	leave(&d, RUNBOOK_PLANNING);
	return shown(&d);
}

static int usage_of(const char *verb)
{
	fprintf(stderr, "binnacle: say which: binnacle %s MODEL %s; see binnacle %s --help\n", verb, !strcmp(verb, "promote") ? "VERSION"
		: "[VERSION | --at TIME]", verb);
	return EXIT_USAGE;
}

static bool is_version(const char *text)
{
	text += *text == 'v';
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int run(struct cli *c, const char *verb)
{
	int code;
	struct runbook_order o = { .verb = verb, .reason = c->reason, .alias = c->alias, .hold = c->hold };
	char *model = c->nargs ? xstrdup(c->args[0]) : NULL, *slash = model && c->nargs == 1 ? strrchr(model, '/') : NULL;
	if (slash && !is_version(slash + 1))     /* of the model's own name */
		slash = NULL;
	o.version = c->nargs > 1 ? c->args[1] : slash ? slash + 1 : NULL;
	if (slash)
		*slash = '\0';
	o.model = model;
	struct session *s = NULL;
	if (!model || !*model || c->nargs > 2 || (!strcmp(verb, "promote") && !o.version) || (c->at && o.version))
		code = usage_of(verb);
	else if (c->at && !moment_parse(str_of(c->at), clock_wall(&clock_system), &o.at)) {
		print_line(stderr, "binnacle: '%s' is no time; write it like '2026-11-20 14:00' or '3h ago'", c->at);
		code = EXIT_USAGE;
	} else if ((s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code))) {
		session_start(s);
		code = begin(s, &o);
		session_close(s);
	}
	free(model);
	return code;
}

int cli_promote(struct cli *c)
{
	return run(c, "promote");
}

int cli_rollback(struct cli *c)
{
	return run(c, "rollback");
}

/* ---- what is unfinished */

static bool looked(void *arg)
{
	const struct session *s = arg;
	bool all = true;
	runbooks_tick(s->runbooks, clock_wall(&s->clock));
	for (unsigned i = 0; runbooks_get(s->runbooks, i); i++)
		all = all && !runbook_looking(runbooks_get(s->runbooks, i));
	return all;
}

static int list(const struct session *s)
{
	json_t *all = json_array();
	for (unsigned i = 0; runbooks_get(s->runbooks, i); i++) {
		const struct runbook *r = runbooks_get(s->runbooks, i);
		json_array_append_new(all, runbook_json(r));
		if (s->cli->json)
			continue;
		print_line(stdout, "%s: %s", r->id, r->ask ? r->ask : runbook_state_name(r->state));
		for (unsigned k = 0; k < r->nsteps; k++)
			print_line(stdout, "  step %u  %s: %s: %s%s%s", k + 1, r->steps[k].source->name, r->steps[k].title,
			    runbook_step_name(r->steps[k].state), r->steps[k].say ? ": " : "", r->steps[k].say ? r->steps[k].say : "");
	}
	if (!s->cli->json && runbooks_living(s->runbooks))
		print_line(stdout, "%u more in the hands of a running binnacle", runbooks_living(s->runbooks));
	int code = json_array_size(all) ? EXIT_HELD : EXIT_OK;
	if (s->cli->json)
		print_document(json_incref(all));
	else if (code == EXIT_OK && !runbooks_living(s->runbooks))
		print_line(stdout, "nothing is unfinished");
	json_decref(all);
	return code;
}

/* By its id, or the beginning of one that is like no other; "last" is the newest. */
static struct runbook *find(const struct session *s, const char *id)
{
	struct runbook *found = NULL, *r;
	unsigned n = 0;
	for (unsigned i = 0; (r = runbooks_get(s->runbooks, i)); i++)
		if (!strcmp(id, "last") || !strncmp(r->id, id, strlen(id))) {
			found = r;
			n++;
		}
	if (n == 1 || (n && !strcmp(id, "last")))
		return found;
	print_line(stderr, n ? "binnacle: '%s' is the beginning of several" : "binnacle: no unfinished runbook '%s'", id);
	return NULL;
}

static int finish(struct session *s, const char *id, enum runbook_choice choice)
{
	struct desk d = { .s = s, .r = find(s, id) };
	if (!d.r)
		return EXIT_USAGE;
	d.printed = d.r->nlog;
	if (!s->cli->yes) {
		print_line(stdout, "%s: %s", d.r->id, d.r->ask);
		char *line = ask_line(choice == RUNBOOK_GO_BACK ? "go back? [y/N]" : choice == RUNBOOK_GO_ON ? "go on? [y/N]" : "leave it as it is? [y/N]");
		bool yes = line && (*line == 'y' || *line == 'Y');
		free(line);
		if (!yes) {
			print_line(stderr, "binnacle: nothing was done; where there is no terminal to ask on, say --yes");
			return EXIT_REFUSED;
		}
	}
	if (!take_up(&d, choice)) {
		print_line(stderr, "binnacle: nothing was done: %s", d.r->error);
		return EXIT_REFUSED;
	}
	return carry_out(&d);
}

int cli_runbooks(struct cli *c)
{
	int code;
	char *why;
	struct session *s = session_open(c, SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	runbooks_recover(s->runbooks, &why);
	if (why)
		print_line(stderr, "binnacle: %s", why);
	free(why);
	while (!session_run(s, SLICE_MS, looked, s))
		;
	code = c->go_on ? finish(s, c->go_on, RUNBOOK_GO_ON) : c->go_back ? finish(s, c->go_back, RUNBOOK_GO_BACK)
		: c->leave ? finish(s, c->leave, RUNBOOK_HOLD) : list(s);
	session_close(s);
	return code;
}
