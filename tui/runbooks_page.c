/* runbooks_page: promotions and rollbacks of this session, and those that a program before left in the middle, as a list. */
#include "base/mem.h"
#include "base/runbook.h"
#include "tui/table_page.h"
#include <stdlib.h>

enum { COL_AGE, COL_WHAT, COL_MODEL, COL_VERSION, COL_FROM, COL_STATE, COL_STEP, COL_SAY, COLS };
static const struct column columns[COLS] = {
	[COL_AGE] = { "age", "AGE", COL_TIME, 0, 1, 6 },
	[COL_WHAT] = { "what", "WHAT", COL_TEXT, COL_SHARED, 0, 9 },
	[COL_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED, 0, 22 },
	[COL_VERSION] = { "to", "TO", COL_TEXT, COL_SHARED, 0, 4 },
	[COL_FROM] = { "from", "FROM", COL_TEXT, COL_SHARED, 2, 4 },
	[COL_STATE] = { "state", "STATE", COL_STATUS, COL_SHARED, 0, 10 },
	[COL_STEP] = { "steps", "STEPS", COL_PAIR, 0, 3, 5 },
	[COL_SAY] = { "say", "SAYS", COL_TEXT, 0, 1, 60 },
};
static const struct kind kind_runbooks = {
	.name = "runbooks", .singular = "runbook", .help = "promotions and rollbacks of this session, and unfinished ones",
	.cols = columns, .ncols = COLS,
};

struct list { struct table *table; uint64_t version; };

static enum level level_of(const struct runbook *r)
{
	switch (r->state) {
	case RUNBOOK_ASKING: case RUNBOOK_FAILED: return LEVEL_BAD;
	case RUNBOOK_HELD: return LEVEL_DOUBT;
	case RUNBOOK_RUNNING: case RUNBOOK_VERIFYING: case RUNBOOK_UNDOING: case RUNBOOK_PLANNING: return LEVEL_BUSY;
	case RUNBOOK_DONE: return LEVEL_OK;
	default: return LEVEL_DONE;
	}
}

static const char *says(const struct runbook *r)
{
	if (r->state == RUNBOOK_ASKING && r->ask)
		return r->ask;
	if (r->error && *r->error)
		return r->error;
	return r->nlog && r->log[r->nlog - 1].say ? r->log[r->nlog - 1].say : "";
}

static void put(const struct runbook *r, struct buf *rows)
{
	unsigned done = 0;
	for (unsigned i = 0; i < r->nsteps; i++)
		done += r->steps[i].state == RSTEP_DONE || r->steps[i].state == RSTEP_ALREADY;
	rows_put(rows, str_of(r->id), level_of(r));
	cell_time(rows, r->nlog ? r->log[r->nlog - 1].at : 0);
	cell_text(rows, str_of(r->verb));
	cell_text(rows, str_of(r->model));
	cell_text_or_null(rows, str_of(r->version));
	cell_text_or_null(rows, str_of(r->previous));
	cell_text(rows, str_of(runbook_state_name(r->state)));
	cell_int(rows, PAIR(done, r->nsteps));
	cell_text_or_null(rows, str_of(says(r)));
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct list *l = arg;
	const struct runbook *r;
	struct buf rows = { 0 };
	uint64_t version = 0;
	for (unsigned i = 0; (r = runbooks_get(app_runbooks(app), i)); i++)
		version += r->version_of_screen + 1;
	if (version == l->version)
		return false;
	l->version = version;
	rows_start(&rows, kind_runbooks.name);
	rows_begin(&rows, STR(""));
	for (unsigned i = 0; (r = runbooks_get(app_runbooks(app), i)); i++)
		if (r->state > RUNBOOK_SHOWN && r->state != RUNBOOK_CANCELLED)      /* more than a plan that was looked at */
			put(r, &rows);
	rows_end(&rows, STR(""));
	struct rd rd;
	rows_open(&rd, buf_str(&rows));
	table_apply(l->table, 0, &rd, 0);
	buf_release(&rows);
	return true;
}

static struct runbook *under_cursor(const struct page *p, struct app *app)
{
	const struct row *row = table_page_row(p, NULL);
	struct runbook *r;
	for (unsigned i = 0; row && (r = runbooks_get(app_runbooks(app), i)); i++)
		if (str_is(row_key(row), r->id))
			return r;
	return NULL;
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	static const char *const none[] = { "describe", "yaml", "reveal", "logs", "previous-logs", "why", "tree", "node", "events", "action" };
	struct runbook *r;
	if (!strcmp(c->name, "open")) {
		if ((r = under_cursor(p, app)))
			app_push(app, runbook_page_new(app, r));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (!strcmp(c->name, none[i]))
			return true;
	return false;
}

static bool offers(void *arg, const struct command *c)
{
	return !strcmp(c->name, "open") || !strcmp(c->name, "filter") || !strcmp(c->name, "sort");
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	buf_adds(out, "nothing was promoted or rolled back here, and nothing was left unfinished");
	return true;
}

static void release(void *arg, struct app *app)
{
	struct list *l = arg;
	table_free(l->table);
	free(l);
}

static const struct table_hooks hooks = {
	.name = "runbooks", .command = command, .prepare = prepare, .offers = offers, .empty = empty, .free = release,
};

struct page *runbooks_page_new(struct app *app)
{
	struct list *l = xcalloc(1, sizeof(*l));
	l->table = table_new(&kind_runbooks);
	struct page *p = table_page_over(app, l->table);
	table_page_hook(p, &hooks, l);
	table_page_sort(p, "age", true);
	return p;
}
