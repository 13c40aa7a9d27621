/* predict: the pane: every endpoint that answers for a model; Enter asks it, i opens the log of predictions. */
#include "base/mem.h"
#include "panes/predict.h"
#include "tui/table_page.h"

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	(void)arg, (void)args;
	if (!strcmp(c->name, "log")) {
		app_push(app, predict_log_page(app, STR(""), NULL));
		return true;
	}
	if (strcmp(c->name, "open"))
		return false;
	if (r)
		app_push(app, predict_page_new(app, r->source, row_key(r), NULL, NULL));
	return true;
}

static const struct command commands[] = {
	{ "log", NULL, "list the predictions that were made", "log" },
	{ .name = NULL },
};
const struct command_scope endpoints_scope = { "endpoints", "the list of endpoints", commands };
static const struct table_hooks hooks = { .name = "endpoints", .scope = &endpoints_scope, .command = command };

static struct page *list(struct app *app, struct str filter)
{
	struct page *p = table_page_new(app, "modelendpoints", filter);
	table_page_hook(p, &hooks, NULL);
	return p;
}

/* The name of an endpoint after the pane's opens it: `:predict model-api`. */
static struct page *open_pane(struct app *app, struct str args)
{
	return list(app, args);
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	return strcmp(kind, "predictions") ? list(app, filter) : predict_log_page(app, filter, NULL);
}

static const char *const kinds[] = { "modelendpoints", "predictions", NULL };
const struct pane pane_predict = { .name = "predict", .help = "models that answer: ask, explain, what if, batches, the log",
	.open = open_pane, .kinds = kinds, .kind_page = kind_page };
