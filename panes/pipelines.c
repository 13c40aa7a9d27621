/* pipelines: every pipeline, import errors first; its runs; their tasks. Enter goes pipeline -> runs -> tasks on a time axis
 * -> log. */
#include "panes/pipelines.h"
#include "base/mem.h"
#include "tui/why_page.h"
#include <stdio.h>
#include <stdlib.h>

static struct page *kind_page(struct app *app, const char *kind, struct str filter);

void open_task_log(struct app *app, uint16_t source, struct str key)
{
	char *title = xasprintf("log of " STR_FMT, STR_ARG(key));
	app_push(app, text_page_new(app, title, source, "logs", "tasks", key, "{\"follow\":true}"));
	free(title);
}

/* ---- what every list of this pane can do */

static void open_doc(struct app *app, const char *what, const char *words, const char *kind, const struct row *r)
{
	char *title = xasprintf("%s of " STR_FMT, words, STR_ARG(row_key(r)));
	app_push(app, text_page_new(app, title, r->source, what, kind, row_key(r), ""));
	free(title);
}

static void open_tries(struct app *app, const char *kind, const struct table *t, const struct row *r)
{
	int tried = strcmp(kind, "tasks") || row_null(r, TASK_TRY) ? 0 : PAIR_NUM(row_int(r, TASK_TRY));
	if (tried < 2)
		app_say(app, false, strcmp(kind, "tasks") ? "choose a task of a run" : "there was one try only; Enter opens its log");
	else
		app_push(app, tries_page_new(app, r->source, row_key(r), tried));
}

bool pipeline_command(struct app *app, const char *command, const char *kind, const struct table *t, const struct row *r)
{
	if (strcmp(command, "xcom") && strcmp(command, "parameters") && strcmp(command, "links") && strcmp(command, "tries"))
		return false;
	if (!r) {
		app_say(app, false, "there is no row here");
	} else if (!strcmp(command, "tries")) {
		open_tries(app, kind, t, r);
	} else if (!strcmp(command, "links")) {
		char *title = xasprintf("where " STR_FMT " leads", STR_ARG(row_key(r)));
		app_push(app, links_page_new(app, title, r->source, kind, row_key(r)));
		free(title);
	} else if (!strcmp(command, "xcom")) {
		open_doc(app, "xcom", "XCom values", kind, r);
	} else {
		open_doc(app, "parameters", "parameters", kind, r);
	}
	return true;
}

/* ---- where Enter leads */

static void open_runs(struct app *app, const struct table *t, const struct row *r)
{
	struct str name = row_text(t, r, PIPE_NAME);
	struct buf filter = { 0 }, words = { 0 };
	struct page *p = kind_page(app, "runs", STR(""));
	buf_addf(&filter, "pipeline=\"" STR_FMT "\"", STR_ARG(name));
	buf_addf(&words, "of " STR_FMT, STR_ARG(name));
	if (!table_page_within(p, app, buf_str(&filter), buf_str(&words)))
		app_say(app, true, "the runs of this pipeline cannot be told by a filter");
	table_page_source(p, r->source);
	table_page_of(p)->hidden |= 1ull << RUN_PIPELINE;
	app_push(app, p);
	buf_release(&filter);
	buf_release(&words);
}

static bool open_row(struct page *p, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	const char *kind = table_page_kind(p);
	if (!r)
		return true;
	if (!strcmp(kind, "tasks"))
		open_task_log(app, r->source, row_key(r));
	else if (!strcmp(kind, "runs"))
		app_push(app, run_page_new(app, r->source, row_key(r)));
	else if (row_text(t, r, PIPE_ERROR).n)
		open_doc(app, "describe", "import error", kind, r);
	else
		open_runs(app, t, r);
	return true;
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	const struct table *t = NULL;
	const struct row *r = table_page_row(p, &t);
	const char *kind = table_page_kind(p);
	if (!strcmp(c->name, "open"))
		return open_row(p, app);
	if (!strcmp(c->name, "logs") && r && !strcmp(kind, "tasks")) {
		open_task_log(app, r->source, row_key(r));
		return true;
	}
	if (!strcmp(c->name, "swap")) {
		if (!strcmp(kind, "pipelines"))
			app_push(app, kind_page(app, "runs", STR("")));
		else
			app_pop(app);
		return true;
	}
	return pipeline_command(app, c->name, kind, t, r);
}

static const struct command commands[] = {
	{ "swap", NULL, "show the runs of all pipelines, or go back from them", "all runs" },
	{ "parameters", NULL, "show the parameters, as they were rendered", "parameters", true },
	{ "xcom", NULL, "show the values that tasks left (XCom)", NULL },
	{ "links", NULL, "show where the run leads: model version, pod, drift check", "links", true },
	{ "tries", NULL, "show the logs of the last two tries side by side", NULL },
	{ .name = NULL },
};
const struct command_scope pipelines_scope = { "pipelines", "the lists of pipelines, runs and tasks", commands };

/* An import error says under the list what is wrong. */
static int below_lines(void *arg, const struct page *p, int h)
{
	const struct table *t = NULL;
	const struct row *r = table_page_row(p, &t);
	return r && h > 8 && !strcmp(table_page_kind(p), "pipelines") && row_text(t, r, PIPE_ERROR).n ? 2 : 0;
}

static void below(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct table *t = NULL;
	const struct row *r = table_page_row(p, &t);
	if (!r)
		return;
	frame_fit(f, area, 1, 0, area.w - 1, row_text(t, r, PIPE_ERROR), ROLE_BAD);
	frame_textf(f, area, 1, 1, -1, ROLE_DIM, STR_FMT "   Enter shows where", STR_ARG(row_text(t, r, PIPE_FILE)));
}

static const struct table_hooks hooks = { .name = "pipelines", .scope = &pipelines_scope, .command = command, .below = below,
	.below_lines = below_lines };

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	struct page *p = table_page_new(app, kind, filter);
	table_page_hook(p, &hooks, NULL);
	if (!strcmp(kind, "pipelines"))
		table_page_sort(p, "rank", false);
	else if (!strcmp(kind, "runs"))
		table_page_sort(p, "created", true);
	else
		table_page_sort(p, "age", true);
	return p;
}

static struct page *open_pane(struct app *app, struct str args)
{
	return kind_page(app, "pipelines", args);
}

static const char *const kinds[] = { "pipelines", "runs", "tasks", NULL };
const struct pane pane_pipelines = { .name = "pipelines", .brief = "pipes", .help = "pipelines, their runs, the tasks of a run, their logs",
	.open = open_pane, .kinds = kinds, .kind_page = kind_page };
