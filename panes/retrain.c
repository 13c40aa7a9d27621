/* retrain: `retrain` of the drift source says which pipeline of which source trains anew (base/retrain.h). Its action `trigger`
 * is started as it would be on the pipeline's own row: form, plan, guards and audit are that action's. */
#include "panes/retrain.h"
#include "base/drift.h"
#include "base/mem.h"
#include "base/retrain.h"
#include <jansson.h>
#include <stdlib.h>

#define ON "pipelines"
#define DOES "trigger"
enum { ROWS_MOST = 50 };

static const struct command commands[] = {
	{ "retrain", NULL, "start the pipeline that trains anew, what drifted filled in (`retrain` of the source)", "retrain" },
	{ .name = NULL },
};
const struct command_scope checks_scope = { "checks", "lists of checks and features", commands };

struct chosen { uint16_t source; char *key; };

static void filled(void *arg, struct app *app, const char *params)
{
	struct chosen *c = arg;
	const char *key = c->key;
	if (params)
		app_act(app, DOES, ON, c->source, &key, 1, params);
	free(c->key);
	free(c);
}

/* The source of that name, or with none the only one that triggers pipelines. NULL: said why. */
static const struct source *trigger_source(struct app *app, const char *name)
{
	const struct source *found = NULL;
	unsigned n = 0;
	for (unsigned i = 0; i < app_sources(app); i++) {
		const struct source *s = app_source(app, (uint16_t)i);
		if (name ? strcmp(s->name, name) != 0 : !action_find(s->backend, DOES, ON))
			continue;
		found = s;
		n++;
	}
	if (n == 1 && action_find(found->backend, DOES, ON))
		return found;
	if (name)
		app_say(app, true, "retrain.source: %s '%s'", n ? "no pipelines are triggered of" : "there is no source", name);
	else
		app_say(app, true, n ? "%u sources trigger pipelines: retrain.source says which" : "no source triggers pipelines", n);
	return NULL;
}

/* given: the parameters; takes nothing. */
static void open_form(struct app *app, const struct source *s, const char *pipeline, const json_t *given, unsigned rows)
{
	const struct action *a = action_find(s->backend, DOES, ON);
	unsigned n = 0;
	while (a->fields && a->fields[n].name)
		n++;
	struct field *fields = xcalloc(n + 1, sizeof(*fields));
	char *conf = json_object_size(given) ? json_dumps(given, JSON_COMPACT) : NULL, *title = rows > 1
		? xasprintf("retrain: %s of %s: one run for all %u marked", pipeline, s->name, rows) : xasprintf("retrain: %s of %s", pipeline, s->name);
	struct chosen *c = xcalloc(1, sizeof(*c));
	*c = (struct chosen){ s->index, xstrdup(pipeline) };
	for (unsigned i = 0; i < n; i++) {
		fields[i] = a->fields[i];
		if (!strcmp(fields[i].name, "conf"))             /* for when the source cannot say its fields */
			fields[i].otherwise = conf;
	}
	struct page *form = form_page_new(app, title, "shows the plan; nothing is sent yet", fields, filled, c);
	form_page_ask(form, app, s->index, ON, str_of(pipeline), DOES, given);
	app_push(app, form);
	free(conf);
	free(title);
	free(fields);
}

/* What the rows say; 0: said why not. */
static unsigned gather(struct app *app, const struct table *t, const struct row *const *rows, unsigned n, struct str feature, struct drifted *d)
{
	for (unsigned i = 0; i < n; i++) {
		d[i] = retrain_of(t, rows[i], store_table_const(app_store(app), "drift"));
		if (feature.n)
			d[i].feature = feature;
		if (rows[i]->source == rows[0]->source && str_eq(retrain_model(&d[i]), retrain_model(&d[0])))
			continue;
		app_say(app, true, "the marked rows are of several models or sources: retrain one at a time");
		return 0;
	}
	return n;
}

static void start(struct app *app, const struct table *t, const struct row *const *rows, unsigned n, struct str feature)
{
	const struct source *of = app_source(app, rows[0]->source), *to;
	const struct yaml *said = of ? yaml_get(source_settings(of), "retrain") : NULL;
	const char *pipeline = said ? yaml_text(said, "pipeline") : NULL;
	struct drifted d[ROWS_MOST];
	struct buf left = { 0 };
	char *why = NULL;
	if (!pipeline) {
		app_say(app, true, "which pipeline trains anew is not known: set 'retrain: {pipeline: NAME}' of source %s", of ? of->name : "");
		return;
	}
	if (!gather(app, t, rows, n, feature, d) || !(to = trigger_source(app, yaml_text(said, "source"))))
		return;
	json_t *given = retrain_fill(yaml_get(said, "conf"), d, n, &left, &why);
	const char *refused = app_actor(app) ? act_refused(app_actor(app), to, action_find(to->backend, DOES, ON), 1) : NULL;
	if (!given || refused)
		app_say(app, true, "retrain: %s", refused ? refused : why);
	else
		open_form(app, to, pipeline, given, n);
	if (given && !refused && left.len)
		app_say(app, false, "not known here, and so not filled in: %s", left.data);
	json_decref(given);
	buf_release(&left);
	free(why);
}

bool retrain_command(struct app *app, const struct page *list, const struct command *c, struct str feature)
{
	const struct table *t;
	const struct row *rows[ROWS_MOST + 1];
	if (strcmp(c->name, "retrain") != 0)
		return false;
	table_page_row(list, &t);
	unsigned n = table_page_rows(list, rows, ROWS_MOST + 1, NULL);
	if (!n)
		app_say(app, false, "there is no row here");
	else if (n > ROWS_MOST)
		app_say(app, true, "more than %d rows are marked: that is too much for one run", ROWS_MOST);
	else
		start(app, t, rows, n, feature);
	return true;
}
