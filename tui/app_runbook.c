/* app_runbook: promotions and rollbacks from anywhere: `:promote MODEL VERSION`, `:rollback MODEL [VERSION] [at TIME]`, or without
 * words for what is under the cursor: a version, a model, an endpoint or anything else that names its model, a finding about one
 * of these, a workload or pod that the section `promotions:` has among the model's steps and checks, a finding before which a model changed. */
#include "base/fmt.h"
#include "base/mem.h"
#include "base/promotion.h"
#include "base/runbook.h"
#include "base/say.h"
#include "tui/app_in.h"
#include "tui/table_page.h"
#include <jansson.h>
#include <stdlib.h>

enum { LEAST_MS = 20,                /* between two looks at the runbooks */
       FRESH_MS = 2 * 3600 * 1000 };

/* ---- whose model it is */

struct subject { struct source *registry; char *model, *version; };     /* registry NULL: not known; texts may be NULL */

static void release(struct subject *s)
{
	free(s->model);
	free(s->version);
}

static struct str cell(const struct table *t, const struct row *r, const char *col)
{
	return row_text_by(t, r, col);
}

/* Of the key of a version, "model/6". */
static struct str version_in(struct str key)
{
	size_t at = key.n;
	while (at && key.p[at - 1] != '/')
		at--;
	return (struct str){ key.p + at, key.n - at };
}

static char *text_or_null(struct str s)
{
	return s.n ? str_dup(s) : NULL;
}

/* It went into production not long ago: what is wrong with what serves it may come from there. */
static bool is_fresh(const struct app *app, struct str model)
{
	const struct table *t = store_table_const(app->o.store, "promotions");
	const struct runbook *r;
	bool fresh = false;
	for (unsigned i = 0; app->o.runbooks && (r = runbooks_get(app->o.runbooks, i)); i++)
		fresh |= str_is(model, r->model) && (r->state == RUNBOOK_DONE || r->state == RUNBOOK_HELD);
	for (uint32_t i = 0; !fresh && t && i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		int64_t at = row ? row_time_by(t, row, "age") : 0;
		fresh = row && str_eq(row_text_by(t, row, "model"), model) && at && clock_wall(app->o.clock) - at < FRESH_MS;
	}
	return fresh;
}

/* The model among whose steps or checks this object is, when it was promoted of late: else the object has a past of its own. */
static char *model_served_by(const struct app *app, struct str kind, struct str key)
{
	const struct yaml *all = app->o.config ? yaml_get(app->o.config->root, "promotions") : NULL;
	for (unsigned i = 0; all && all->type == YAML_MAP && i < all->n; i++)
		if (!memchr(all->keys[i]->text.p, '*', all->keys[i]->text.n) &&
		    promotion_names(all->items[i], kind, key) && is_fresh(app, all->keys[i]->text))
			return str_dup(all->keys[i]->text);
	return NULL;
}

/* A finding before which a model went into production: that model. NULL: what changed was something else, or nothing. */
static char *model_changed(const struct app *app, const struct table *t, const struct row *r)
{
	const struct table *promotions = store_table_const(app->o.store, "promotions");
	if (!promotions || !str_is(cell(t, r, "changed_kind"), "promotions"))
		return NULL;
	for (unsigned i = 0; i < app->o.nsources; i++) {
		const struct row *row = str_is(cell(t, r, "changed_source"), app->o.sources[i]->name)
			? table_find(promotions, app->o.sources[i]->index, cell(t, r, "changed_object")) : NULL;
		if (row)
			return text_or_null(cell(promotions, row, "model"));
	}
	return NULL;
}

/* The row as it stands in the table of its kind, of a list of findings or moments that only point there. */
static void subject_of(const struct app *app, const struct table *t, const struct row *r, struct subject *s, bool deeper)
{
	struct str kind = str_of(t->kind->name), key = row_key(r);
	const struct source *own = app_source(app, r->source);
	if (own && backend_fills(own->backend, "versions") && (str_is(kind, "models") || str_is(kind, "versions") || str_is(kind, "promotions")))
		s->registry = app_source(app, r->source);
	s->model = text_or_null(cell(t, r, str_is(kind, "models") ? "name" : "model"));
	if (str_is(kind, "versions"))
		s->version = str_dup(version_in(key));
	struct str to_kind = cell(t, r, "kind"), to_key = cell(t, r, "object");
	if (!s->model && deeper && to_kind.n && to_key.n) {
		char *name = str_dup(to_kind);
		const struct table *to = store_table_const(app->o.store, name);
		const struct row *row = to ? table_find(to, r->source, to_key) : NULL;
		free(name);
		if (row)
			subject_of(app, to, row, s, false);
		kind = to_kind;
		key = to_key;
	}
	if (!s->model)
		s->model = model_served_by(app, kind, key);
	if (!s->model)
		s->model = model_changed(app, t, r);
}

/* ---- which registry */

static bool has_model(const struct app *app, const struct source *s, const char *model)
{
	const struct table *t = store_table_const(app->o.store, "models");
	return t && table_find(t, s->index, str_of(model));
}

/* What `promotions:` says, else the one whose list has the model, else the only one there is. NULL: said why. */
static struct source *registry_of(struct app *app, const char *model)
{
	const struct yaml *all = app->o.config ? yaml_get(app->o.config->root, "promotions") : NULL;
	const char *set = yaml_text(yaml_get(all, model), "source");
	struct source *only = NULL, *has = NULL;
	unsigned n = 0, nhas = 0;
	for (unsigned i = 0; i < app->o.nsources; i++) {
		struct source *s = app->o.sources[i];
		if (!backend_fills(s->backend, "versions") || (app->context >= 0 && s->index != app->context))
			continue;
		if (set && !strcmp(s->name, set))
			return s;
		only = s;
		n++;
		if (has_model(app, s, model)) {
			has = s;
			nhas++;
		}
	}
	if (nhas == 1 || (!nhas && n == 1))
		return has ? has : only;
	app_say(app, true, n ? "several registries may have %s: `:context NAME` first, or `source:` under promotions" :
	        "no registry is configured that could have %s", model);
	return NULL;
}

/* ---- starting */

struct order {                       /* runbook_order with its own texts */
	const char *verb;
	struct source *registry;
	char *model, *version, *reason, *alias;
	int64_t at;
	bool hold;
};

static void order_free(struct order *o)
{
	free(o->model);
	free(o->version);
	free(o->reason);
	free(o->alias);
	free(o);
}

static void start(struct app *app, struct order *o)
{
	const char *why = NULL;
	const struct runbook_order of = { .verb = o->verb, .registry = o->registry, .model = o->model, .version = o->version, .at = o->at,
		.reason = o->reason, .alias = o->alias, .hold = o->hold };
	struct runbook *r = runbooks_unfinished(app->o.runbooks, o->model);
	if (r)
		app_say(app, true, "this one of %s is not at its end (n stops it); another can follow then", o->model);
	else
		r = runbook_start(app->o.runbooks, &of, &why);
	if (r)
		app_push(app, runbook_page_new(app, r));
	else
		app_say(app, true, "%s: %s", o->verb, why ? why : "refused");
	order_free(o);
}

static void filled(void *arg, struct app *app, const char *params)
{
	struct order *o = arg;
	json_t *j = params ? json_loads(params, 0, NULL) : NULL;
	if (j) {
		free(o->reason);
		o->reason = xstrdup(json_string_value(json_object_get(j, "reason")));
		start(app, o);
	} else {
		order_free(o);
	}
	json_decref(j);
}

/* The form only where the registry's action wants a reason. */
static void start_or_ask(struct app *app, struct order *o)
{
	const char *kind = !strcmp(o->verb, "promote") ? "versions" : "models";
	const struct action *a = action_find(o->registry->backend, o->verb, kind);
	const struct field *f = a ? a->fields : NULL;
	while (f && f->name && (strcmp(f->name, "reason") || !f->required))
		f++;
	if (!f || !f->name || o->reason || runbooks_unfinished(app->o.runbooks, o->model)) {
		start(app, o);
		return;
	}
	const struct field fields[] = { *f, { .name = NULL } };
	char *title = xasprintf("%s %s %s", a->title, o->model, o->version ? o->version : "");
	app_push(app, form_page_new(app, title, "shows the plan; nothing is sent yet", fields, filled, o));
	free(title);
}

/* ---- lines */

/* MODEL [VERSION] [at TIME] [reason="..."] [alias=NAME] [hold]. False: said what is wrong. */
static bool read_words(struct app *app, struct str args, struct order *o)
{
	struct buf word = { 0 }, at = { 0 };
	bool time = false, ok = true;
	for (struct str rest = args; buf_clear(&word), buf_word(&word, &rest);) {
		const char *w = word.data ? word.data : "";
		if (!strncmp(w, "reason=", 7))
			o->reason = (free(o->reason), xstrdup(w + 7));
		else if (!strncmp(w, "alias=", 6))
			o->alias = (free(o->alias), xstrdup(w + 6));
		else if (!strcmp(w, "hold"))
			o->hold = true;
		else if (!o->model)
			o->model = xstrdup(w);
		else if (!strcmp(w, "at") && !strcmp(o->verb, "rollback"))
			time = true;
		else if (time)
			buf_addf(&at, "%s%s", at.len ? " " : "", w);
		else if (!o->version)
			o->version = xstrdup(*w == 'v' ? w + 1 : w);
		else
			ok = false;
	}
	if (!ok)
		app_say(app, true, "%s MODEL %s reason=\"why\"", o->verb, !strcmp(o->verb, "promote") ? "VERSION" : "[VERSION] [at TIME]");
	else if (time && !moment_parse(buf_str(&at), clock_wall(app->o.clock), &o->at)) {
		app_say(app, true, "'%s' is no time; write 17:45, 2026-11-21 17:45 or 2h (ago)", at.data ? at.data : "");
		ok = false;
	}
	buf_release(&word);
	buf_release(&at);
	return ok;
}

/* Of a model's row: the number in that column; NULL: there is none. */
static char *model_number(const struct app *app, const struct source *s, const char *model, const char *col)
{
	const struct table *t = store_table_const(app->o.store, "models");
	const struct row *r = t ? table_find(t, s->index, str_of(model)) : NULL;
	int c = r ? kind_col(t->kind, str_of(col), false) : -1;
	return c < 0 || row_null(r, c) ? NULL : xasprintf("%lld", (long long)row_int(r, c));
}

/* Of the row under the cursor. A rollback goes to an older version where the cursor is on one, else to the one before. */
static bool take_row(struct app *app, struct order *o)
{
	const struct page *list = app_list(app);
	const struct table *t;
	const struct row *r = list ? table_page_row(list, &t) : NULL;
	struct subject s = { 0 };
	if (r)
		subject_of(app, t, r, &s, true);
	if (!s.model) {
		release(&s);
		return false;
	}
	o->model = s.model;
	o->registry = s.registry;
	if (!o->registry && !(o->registry = registry_of(app, o->model))) {
		free(s.version);
		return true;
	}
	char *champion = model_number(app, o->registry, o->model, "champion");
	bool promote = !strcmp(o->verb, "promote");
	if (s.version && (promote || (champion && atoi(s.version) < atoi(champion))))
		o->version = xstrdup(s.version);
	else if (promote)
		o->version = model_number(app, o->registry, o->model, "challenger");
	free(champion);
	free(s.version);
	return true;
}

bool app_rolls_back(const struct app *app)
{
	struct page *p = app_top(app);
	const struct table *t;
	const struct row *r = app->o.runbooks && p && page_is_table(p) ? table_page_row(p, &t) : NULL;
	struct subject s = { 0 };
	if (r)
		subject_of(app, t, r, &s, true);
	bool found = s.model != NULL;
	release(&s);
	return found;
}

/* What is no model may still have a rollback of its own: a workload's former revision. */
static bool rollback_otherwise(struct app *app)
{
	struct page *p = app_top(app);
	const struct command *action = p && page_is_table(p) ? command_find(&table_scope, STR("action")) : NULL;
	if (!action || !table_page_row(p, NULL))
		return false;
	return p->ops->command(p, app, action, STR("rollback"));
}

static void begin(struct app *app, const char *verb, struct str args)
{
	struct order *o = xcalloc(1, sizeof(*o));
	bool row = !args.n;
	o->verb = verb;
	if (!app->o.runbooks) {
		app_say(app, true, "nothing can be changed here");
	} else if (row && !take_row(app, o)) {
		if (strcmp(verb, "rollback") || !rollback_otherwise(app))
			app_say(app, true, "the row names no model; say which: %s MODEL%s", verb, !strcmp(verb, "promote") ? " VERSION" : "");
	} else if (row && !o->registry) {
		;                                /* said why */
	} else if ((row || read_words(app, args, o)) && (o->registry || (o->registry = registry_of(app, o->model)))) {
		if (!strcmp(verb, "promote") && (!o->version || !*o->version)) {
			app_say(app, true, row ? "%s has no challenger; put the cursor on a version" : "promote %s to which version?", o->model);
		} else {
			start_or_ask(app, o);
			return;
		}
	}
	order_free(o);
}

bool app_runbook_command(struct app *app, const char *name, struct str args)
{
	if (!strcmp(name, "promote") || !strcmp(name, "rollback"))
		begin(app, !strcmp(name, "promote") ? "promote" : "rollback", args);
	else if (!app->o.runbooks)
		app_say(app, false, "there are no runbooks here");
	else
		app_push(app, runbooks_page_new(app));
	return true;
}

/* ---- the loop */

void app_runbooks_start(struct app *app)
{
	char *why = NULL;
	unsigned n = app->o.runbooks ? runbooks_recover(app->o.runbooks, &why) : 0;
	if (why)
		app_say(app, true, "%s", why);
	else if (n)
		app_say(app, true, "%u promotion%s or rollback%s ended in the middle: `:runbooks` says how far, and goes on or back", n,
		        n == 1 ? "" : "s", n == 1 ? "" : "s");
	free(why);
}

void app_runbooks_tick(struct app *app, int64_t mono)
{
	uint64_t version = 0;
	if (!app->o.runbooks)
		return;
	int due = runbooks_tick(app->o.runbooks, clock_wall(app->o.clock));
	const struct runbook *r;
	app->runbooks_at = due < 0 ? 0 : mono + (due > LEAST_MS ? due : LEAST_MS);
	for (unsigned i = 0; (r = runbooks_get(app->o.runbooks, i)); i++)
		version += r->version_of_screen + (r->gates ? r->gates->version : 0) + 1;
	app->dirty |= version != app->runbooks_version;
	app->runbooks_version = version;
}

const struct runbook *app_runbook_now(const struct app *app)
{
	const struct runbook *r, *now = NULL;
	for (unsigned i = 0; app->o.runbooks && (r = runbooks_get(app->o.runbooks, i)); i++)
		if (r->state > RUNBOOK_SHOWN && !runbook_over(r) && (!now || now->state != RUNBOOK_ASKING))
			now = r;
	return now;
}

/* ---- completion */

static void offer(struct prompt *p, struct str typed, const char *text, const char *help)
{
	if (str_starts(str_of(text), typed))
		prompt_offer(p, str_of(text), help);
}

void app_runbook_complete(const struct app *app, struct prompt *p, struct str before, size_t from)
{
	struct str rest = before, typed = { before.p + from, before.n - from };
	const struct table *models = store_table_const(app->o.store, "models"), *versions = store_table_const(app->o.store, "versions");
	struct buf verb = { 0 }, model = { 0 };
	buf_word(&verb, &rest);
	bool first = !buf_word(&model, &rest) || (!rest.n && rest.p == before.p + before.n && typed.n);
	for (uint32_t i = 0; first && models && i < models->nslots; i++)
		if (table_row(models, i) && str_starts(row_text_by(models, table_row(models, i), "name"), typed))
			prompt_offer(p, row_text_by(models, table_row(models, i), "name"), NULL);
	for (uint32_t i = 0; !first && versions && i < versions->nslots; i++) {
		const struct row *r = table_row(versions, i);
		if (r && str_eq(row_text_by(versions, r, "model"), buf_str(&model)) && str_starts(version_in(row_key(r)), typed))
			prompt_offer(p, version_in(row_key(r)), NULL);
	}
	if (!first) {
		offer(p, typed, "reason=", "why; quotes hold blanks");
		offer(p, typed, "hold", "a failing verification does not go back by itself");
		if (verb.data && !strcmp(verb.data, "rollback"))
			offer(p, typed, "at", "to what was in production then: 17:45, 2026-11-21 17:45, 2h");
	}
	buf_release(&verb);
	buf_release(&model);
}
