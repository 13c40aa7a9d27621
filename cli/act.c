/* act: any action of any source without a screen, through the same machine: the plan is printed, the guards ask what they ask (on
 * a terminal; elsewhere --yes, --type, --reason, --override), the audit has it, and the exit code tells. `retrain` is one: the
 * pipeline that trains anew, with what drifted. */
#define _GNU_SOURCE
#include "cli/act.h"
#include "base/drift.h"
#include "base/fields.h"
#include "base/mem.h"
#include "base/retrain.h"
#include "cli/print.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLAN_MS = 60000, SLICE_MS = 250, LIST_MS = 20000, CHECKS_MOST = 50 };

/* Nobody offers it: what else there is on that kind. */
static void no_source(const struct session *s, const char *action, const char *kind)
{
	struct buf there = { 0 };
	for (unsigned i = 0; i < s->nsources; i++)
		for (const struct action *const *a = s->sources[i]->backend->actions; a && *a; a++)
			if (action_find(s->sources[i]->backend, (*a)->name, kind) == *a && !(there.data && strstr(there.data, (*a)->name)))
				buf_addf(&there, "%s%s", there.len ? ", " : "", (*a)->name);
	print_line(stderr, "binnacle: no source offers '%s' on %s; %s%s", action, kind, there.len ? "there are: " : "nothing can be done to these",
	           there.len ? there.data : "");
	buf_release(&there);
}

static bool offers(const struct session *s, const struct source *from, const char *action, const char *kind)
{
	return action_find(from->backend, action, kind) && (!s->cli->source || !strcmp(s->cli->source, from->name));
}

/* Of several that offer it the only one that lists such a row; NULL: none does, several do, or one has not listed in time and may. */
static struct source *holder(struct session *s, const char *action, const char *kind, const char *key)
{
	struct source *found = NULL;
	const struct kind *k = store_kind(s->store, str_of(kind));
	if (!k || k->place || !session_list(s, (const char *const[]){ kind, NULL }, LIST_MS))
		return NULL;
	const struct table *t = store_table_const(s->store, kind);
	for (unsigned i = 0; t && i < s->nsources; i++) {
		if (!offers(s, s->sources[i], action, kind))
			continue;
		if (!session_heard(s, s->sources[i]->index, kind))
			return NULL;
		if (!table_find(t, s->sources[i]->index, str_of(key)))
			continue;
		if (found)
			return NULL;
		found = s->sources[i];
	}
	return found;
}

struct source *act_source(struct session *s, const char *action, const char *kind, const char *key)
{
	struct source *found = NULL;
	struct buf names = { 0 };
	unsigned n = 0;
	for (unsigned i = 0; i < s->nsources; i++)
		if (offers(s, s->sources[i], action, kind)) {
			found = s->sources[i];
			buf_addf(&names, "%s%s", n++ ? ", " : "", found->name);
		}
	if (n > 1)
		found = key ? holder(s, action, kind, key) : NULL;
	if (n > 1 && !found)
		print_line(stderr, "binnacle: several sources offer '%s' on %s: say which one with --source: %s", action, kind, names.data);
	else if (!n)
		no_source(s, action, kind);
	buf_release(&names);
	return found;
}

char *act_key(const struct session *s, const char *kind, const char *word)
{
	const struct kind *k = store_kind(s->store, str_of(kind));
	struct buf place = { 0 };
	if (k && k->place && k->place(str_of(word), &place) && place.len)
		return buf_detach(&place);
	buf_release(&place);
	return s->cli->namespace && !strchr(word, '/') ? xasprintf("%s/%s", s->cli->namespace, word) : xstrdup(word);
}

static bool planned(void *arg)
{
	return ((struct act *)arg)->state != ACT_PLANNING;
}

static bool over(void *arg)
{
	return ((struct act *)arg)->state != ACT_RUNNING;
}

static bool looked(void *arg)
{
	return act_look(arg) || act_wants(arg) != ACT_WANTS_APPROVAL;
}

/* Waits for the second person for as long as the code is good for. False: nobody came. */
static bool second(struct session *s, struct act *act)
{
	const struct approval *p = act->approval;
	int64_t until = p ? p->until : 0;
	if (!p)
		return false;
	print_line(stderr, "a second person has to approve this within %d s, on their own login, with:",
	           (int)((until - clock_wall(&s->clock)) / 1000));
	print_line(stderr, "  binnacle approve %s", p->lies ? p->code : p->word);
	while (act_wants(act) == ACT_WANTS_APPROVAL && clock_wall(&s->clock) < until)
		session_run(s, 500, looked, act);
	return act_wants(act) != ACT_WANTS_APPROVAL;
}

/* What is wanted, from the command line, else from the terminal. NULL: nobody said. Caller frees. */
static char *said(const struct cli *c, enum act_want want, const struct act *act)
{
	const char *given = want == ACT_WANTS_OVERRIDE ? c->override : want == ACT_WANTS_REASON ? c->reason : want == ACT_WANTS_NAME ? c->type
		: c->yes ? "y" : NULL;
	if (given)
		return xstrdup(given);
	char *question = want == ACT_WANTS_OVERRIDE ? xasprintf("%s; why shall that not matter? (empty: stop)", act->decision.why)
		: want == ACT_WANTS_REASON ? xstrdup("why is it done?") : want == ACT_WANTS_NAME ? xasprintf("type '%s' to go on:", act->must_type)
		: xstrdup("go on? [y/N]");
	char *line = ask_line(question);
	free(question);
	return line;
}

/* From SHOWN to RUNNING. */
static bool confirmed(struct session *s, struct act *act)
{
	static const char *const options[] = { [ACT_WANTS_OVERRIDE] = "--override REASON", [ACT_WANTS_REASON] = "--reason TEXT",
		[ACT_WANTS_APPROVAL] = "a terminal", [ACT_WANTS_NAME] = "--type NAME", [ACT_WANTS_YES] = "--yes" };
	while (act->state == ACT_SHOWN) {
		enum act_want want = act_wants(act);
		if (want == ACT_WANTS_NOTHING) {
			print_line(stderr, "binnacle: nothing was done: %s", act->decision.why);
			return false;
		}
		if (want == ACT_WANTS_APPROVAL) {
			if (second(s, act))
				continue;
			print_line(stderr, "binnacle: nothing was done: nobody has approved it");
			return false;
		}
		char *text = said(s->cli, want, act);
		bool no = text && want == ACT_WANTS_YES && *text != 'y' && *text != 'Y';
		bool ok = text && !no && act_answer(act, want == ACT_WANTS_YES ? "" : text);
		if (!ok)
			print_line(stderr, "binnacle: nothing was done%s%s", !text ? "; where there is no terminal to ask on, say " : no ? "" : ": ",
			           !text ? options[want] : no ? "" : act->error);
		free(text);
		if (!ok)
			return false;
	}
	return true;
}

static json_t *act_json(const struct act *act)
{
	const struct act_target *t = &act->targets[0];
	json_t *log = json_array();
	for (unsigned i = 0; i < act->nlog; i++)
		json_array_append_new(log, json_pack("{s:I, s:s}", "at", (json_int_t)act->log[i].at, "say", act->log[i].say));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:O?, s:s?, s:o}", "action", act->action->name, "kind", act->kind, "key", t->key, "source",
		act->source->name, "state", act_state_name(act->state), "error", t->error ? t->error : act->error, "plan", t->plan, "undo", t->undo,
		"log", log);
}

int act_carry_out(struct session *s, struct act *act, void (*turn)(void *arg, struct act *act), void *arg)
{
	const struct act_target *t = &act->targets[0];
	bool json = s->cli->json, quiet = json || turn;
	int code = EXIT_FAILED;
	if (!session_run(s, PLAN_MS, planned, act))
		print_line(stderr, "binnacle: no plan came in time");
	if (act->state == ACT_PLANNING)
		return EXIT_UNREACHABLE;
	if (!quiet && t->plan) {
		print_line(stdout, "%s: %s", act->source->name, json_string_value(json_object_get(t->plan, "title")));
		print_plan(t->plan);
		fflush(stdout);
	}
	if (act->state != ACT_SHOWN)
		print_line(stderr, "binnacle: %s", t->error ? t->error : act->error ? act->error : act_state_name(act->state));
	else if (act_already(act))
		code = EXIT_OK;
	else if (s->cli->plan)
		code = act->decision.allowed ? EXIT_OK : EXIT_REFUSED;
	else if (!confirmed(s, act))
		code = EXIT_REFUSED;
	for (unsigned printed = act->nlog; act->state == ACT_RUNNING;) {
		if (turn)
			turn(arg, act);
		session_run(s, turn ? 0 : SLICE_MS, over, act);
		for (; !quiet && printed < act->nlog; printed++)
			print_line(stdout, "%s", act->log[printed].say);
	}
	if (act->state == ACT_DONE)
		code = EXIT_OK;
	else if (act->state == ACT_FAILED && t->plan)
		print_line(stderr, "binnacle: %s", t->error ? t->error : act->error ? act->error : "it failed");
	if (json)
		print_document(act_json(act));
	return code;
}

static int start(struct session *s, struct source *from, const char *action, const char *kind, const char *key, const json_t *params)
{
	const char *why = NULL;
	char *text = json_dumps(params, JSON_COMPACT);
	struct act *act = act_start(s->actor, from, action_find(from->backend, action, kind), kind, &key, 1, text, &why);
	free(text);
	if (act)
		return act_carry_out(s, act, NULL, NULL);
	print_line(stderr, "binnacle: %s", why);
	return EXIT_REFUSED;
}

/* An acknowledgement is written into our own history: no server says that there is no such check. */
static bool no_such_check(struct session *s, const struct source *from, const char *kind, const char *key)
{
	const struct table *t = NULL;
	const struct kind_state *k = NULL;
	if (strcmp(kind, "drift") || !session_list(s, (const char *const[]){ kind, NULL }, LIST_MS))
		return false;
	t = store_table_const(s->store, kind);
	k = store_kind_state(s->store, kind, from->index);       /* it may be another source that has listed its own */
	if (!k || !k->listed || (t && table_find(t, from->index, str_of(key))))
		return false;
	print_line(stderr, "binnacle: %s has no check '%s'", from->name, key);
	return true;
}

static int act_on(struct session *s, const char *kind)
{
	const struct cli *c = s->cli;
	char *key = act_key(s, kind, c->args[2]);
	struct source *from = act_source(s, c->args[0], kind, key);
	json_t *params = json_object();
	int code = EXIT_USAGE;
	const struct action *a = from ? action_find(from->backend, c->args[0], kind) : NULL;
	bool good = a != NULL;
	char *missing;
	for (int i = 3; good && i < c->nargs; i++) {
		char *why;
		good = fields_take(a, params, str_of(c->args[i]), &why);
		if (!good)
			print_line(stderr, "binnacle: %s", why);
		free(why);
	}
	if (good && no_such_check(s, from, kind, key)) {
		good = false;
		code = EXIT_FAILED;
	}
	if (good && (missing = fields_missing(a, params))) {
		print_line(stderr, "binnacle: %s", missing);
		free(missing);
		good = false;
	}
	if (good && a->terminal)
		print_line(stderr, "binnacle: '%s' wants a terminal: open it from the console, or see binnacle exec", c->args[0]);
	else if (good)
		code = start(s, from, c->args[0], kind, key, params);
	free(key);
	json_decref(params);
	return code;
}

/* With no name: what the action is and takes. */
static int tell(struct session *s, const char *kind)
{
	const struct action *a = NULL;
	for (unsigned i = 0; i < s->nsources && !a; i++)
		a = action_find(s->sources[i]->backend, s->cli->args[0], kind);
	if (!a) {
		no_source(s, s->cli->args[0], kind);
		return EXIT_USAGE;
	}
	print_line(stdout, "%s: %s", a->name, a->help ? a->help : a->title);
	for (const struct field *f = a->fields; f && f->name; f++) {
		struct buf said = { 0 };
		field_say(f, &said);
		print_line(stdout, "  %s=  %s", f->name, said.data);
		if (f->asked && !strcmp(f->name, "conf"))
			print_line(stdout, "  conf.NAME=  one parameter of the pipeline's own");
		buf_release(&said);
	}
	return EXIT_OK;
}

int cli_act(struct cli *c)
{
	int code;
	if (c->nargs < 2) {
		fputs("binnacle: act takes ACTION KIND NAME [PARAMETER=VALUE]..., such as: act scale deployments ml/model-api replicas=3; "
		      "without NAME it says which parameters there are\n", stderr);
		return EXIT_USAGE;
	}
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	char *kind = resolve_kind(s, c->args[1], LIST_MS);
	code = !kind ? unknown_kind(s, c->args[1]) : c->nargs == 2 ? tell(s, kind) : act_on(s, kind);
	free(kind);
	session_close(s);
	return code;
}

/* ---- retrain */

/* A check that was named, by its id, batch, key or model; with no name the newest that drifted and nobody acknowledged. */
static unsigned choose(const struct session *s, const struct table *t, const struct row **rows)
{
	const struct cli *c = s->cli;
	const struct row *newest = NULL;
	unsigned n = 0;
	for (uint32_t i = 0; i < t->nslots && n < CHECKS_MOST; i++) {
		const struct row *r = table_row(t, i);
		bool named = false;
		if (!r || (c->source && strcmp(s->sources[r->source]->name, c->source)))
			continue;
		for (int k = 0; k < c->nargs; k++)
			named |= str_is(row_key(r), c->args[k]) || str_is(row_text(t, r, DRIFT_ID), c->args[k]) || str_is(row_text(t, r, DRIFT_CURRENT), c->args[k]);
		if (named)
			rows[n++] = r;
		else if (!c->nargs && r->level >= LEVEL_DOUBT && r->level != LEVEL_KEEP && (!newest || row_int(r, DRIFT_AGE) > row_int(newest, DRIFT_AGE)))
			newest = r;
	}
	if (!c->nargs && newest)
		rows[n++] = newest;
	return n;
}

static int retrain(struct session *s)
{
	const struct row *rows[CHECKS_MOST];
	struct drifted d[CHECKS_MOST];
	const struct table *t = store_table_const(s->store, "drift");
	unsigned n = t ? choose(s, t, rows) : 0;
	const struct yaml *said = n ? yaml_get(source_settings(s->sources[rows[0]->source]), "retrain") : NULL;
	const char *pipeline = said ? yaml_text(said, "pipeline") : NULL, *named = said ? yaml_text(said, "source") : NULL;
	struct buf left = { 0 };
	char *why = NULL;
	int code = EXIT_USAGE;
	for (unsigned i = 0; i < n; i++) {
		d[i] = retrain_of(t, rows[i], t);
		if (rows[i]->source != rows[0]->source || !str_eq(retrain_model(&d[i]), retrain_model(&d[0]))) {
			print_line(stderr, "binnacle: these checks are of several models or sources: retrain one at a time");
			return EXIT_USAGE;
		}
	}
	if (!n && session_missed(s, (const char *const[]){ "drift", NULL }))
		return EXIT_UNREACHABLE;
	if (!n)
		print_line(stderr, s->cli->nargs ? "binnacle: there is no such check" : "binnacle: no check drifts that nobody has acknowledged");
	else if (!pipeline)
		print_line(stderr, "binnacle: which pipeline trains anew is not known: set 'retrain: {pipeline: NAME}' of source %s",
		           s->sources[rows[0]->source]->name);
	if (!n || !pipeline)
		return n ? EXIT_USAGE : EXIT_FAILED;
	struct cli with = *s->cli;
	with.source = named;
	struct session as = *s;
	as.cli = &with;
	struct source *to = act_source(&as, "trigger", "pipelines", NULL);
	json_t *given = retrain_fill(yaml_get(said, "conf"), d, n, &left, &why), *params = json_object(), *v;
	const char *name;
	json_object_foreach(given, name, v) {
		char *full = xasprintf("conf.%s", name);
		json_object_set(params, full, v);
		free(full);
	}
	if (left.len)
		print_line(stderr, "binnacle: not known here, and so not filled in: %s", left.data);
	if (!given)
		print_line(stderr, "binnacle: %s", why);
	else if (to && n > 1 && !s->cli->json)
		print_line(stdout, "one run for all %u checks", n);
	if (given && to)
		code = start(s, to, "trigger", "pipelines", pipeline, params);
	json_decref(given);
	json_decref(params);
	buf_release(&left);
	free(why);
	return code;
}

int cli_retrain(struct cli *c)
{
	int code;
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	session_start(s);
	if (session_list(s, (const char *const[]){ "drift", NULL }, c->wait ? atoi(c->wait) * 1000 : 30000))
		code = retrain(s);
	else {
		fputs("binnacle: no source answered in time\n", stderr);
		code = EXIT_UNREACHABLE;
	}
	session_close(s);
	return code;
}
