/* table_keys: the commands of a list. */
#include "base/mem.h"
#include "tui/table_page.h"
#include <stdlib.h>

static const struct command commands[] = {
	{ "open", NULL, "go deeper: to what the row is made of", "open" },
	{ "filter", "[TEXT]", "show only rows that match", "filter", true },
	{ "sort", "[COLUMN [desc]]", "order by the next column, or by the one named", "sort", true },
	{ "reverse", NULL, "turn the order round", NULL },
	{ "sort-left", NULL, "order by the column to the left", NULL },
	{ "sort-right", NULL, "order by the column to the right", NULL },
	{ "wide", NULL, "show every column that kubectl shows with -o wide", NULL },
	{ "columns", "[NAME[=WIDTH] +NAME -NAME]", "choose columns and their widths", NULL },
	{ "mark", NULL, "mark the row, or take the mark off", "mark", true },
	{ "mark-range", NULL, "mark from the last mark to here", NULL },
	{ "mark-all", NULL, "mark every row that is shown", NULL },
	{ "unmark-all", NULL, "take all marks off", NULL },
	{ "logs", "[CONTAINER]", "follow the logs", "logs" },
	{ "previous-logs", NULL, "show the logs of the instance before", NULL },
	{ "why", NULL, "say why the object is not well", "why" },
	{ "describe", NULL, "show the object in words, with its events", "describe" },
	{ "yaml", NULL, "show the object as YAML", "yaml" },
	{ "reveal", NULL, "show the object as YAML with its secret values", NULL },
	{ "edit", NULL, "change the object as YAML in $VISUAL or $EDITOR; a plan with the difference follows", NULL },
	{ "tree", NULL, "show owners and owned as a tree", NULL },
	{ "node", NULL, "go to the row's node", NULL },
	{ "events", NULL, "show the object's events", NULL },
	{ "around", NULL, "show what changed in the 30 minutes before the row last changed, ended, began or was made; or before now, "
	  "if it is wrong and that was long ago", NULL },
	{ "save", "FILE", "write the rows to a .csv or .json file", NULL },
	{ "action", "NAME [PARAMETER=VALUE ...]", "start an action on the row or the marked rows", NULL },
	{ "down", "[N]", "move the cursor down", NULL },
	{ "up", "[N]", "move the cursor up", NULL },
	{ "page-down", NULL, "move a screenful down", NULL },
	{ "page-up", NULL, "move a screenful up", NULL },
	{ "half-down", NULL, "move half a screenful down", NULL },
	{ "half-up", NULL, "move half a screenful up", NULL },
	{ "first", NULL, "go to the first row", NULL },
	{ "last", NULL, "go to the last row", NULL },
	{ "left", NULL, "show the columns to the left", NULL },
	{ "right", NULL, "show the columns to the right; the first stays", NULL },
	{ "press", NULL, "put the cursor where the mouse pressed", NULL },
	{ NULL, NULL, NULL, NULL },
};
const struct command_scope table_scope = { "table", "a list", commands };

/* ---- moving */

static bool move(struct table_page *t, const char *name, struct str args)
{
	int64_t at = t->cursor, was = at;
	if (!move_line(name, args, t->rows, t->view ? t->view->n : 0, &at))
		return false;
	if (!strncmp(name, "page-", 5)) {            /* what is shown goes along */
		int64_t top = (int64_t)t->top + at - was;
		t->top = top > 0 ? (uint32_t)top : 0;
	}
	table_page_put_cursor(t, at);
	return true;
}

static bool sideways(struct table_page *t, const char *name)
{
	if (strcmp(name, "left") == 0)
		t->left -= t->left > 0;
	else if (strcmp(name, "right") == 0)
		t->left += t->left < t->most;
	else if (strcmp(name, "wide") == 0)
		t->wide = !t->wide, t->left = 0;
	else
		return false;
	t->dirty = true;
	return true;
}

/* args: "X Y" of the press, within the page. */
static bool press(struct table_page *t, struct str args)
{
	int64_t x, y;
	struct str rest = args, first = str_split(&rest, ' ');
	if (str_to_i64(first, &x) && str_to_i64(str_trim(rest), &y) && y > 0 && y <= t->rows)
		table_page_put_cursor(t, (int64_t)t->top + y - 1);
	return true;
}

/* ---- order */

static void order(struct table_page *t, int col, bool descending)
{
	if (t->view)
		view_sort(t->view, col, descending);
	t->dirty = true;
}

/* Numbers are asked for with the greatest first, names from a to z; ages: the youngest first. */
static bool natural_descending(const struct table_page *t, int col)
{
	const struct column *c = &t->table->kind->cols[col];
	return !col_is_text(c) && c->type != COL_PAIR;
}

static bool sort_by_name(struct table_page *t, struct app *app, struct str args)
{
	struct str rest = args, name = str_split(&rest, ' ');
	int col = kind_col(t->table->kind, name, true);
	rest = str_trim(rest);
	if (col < 0) {
		const char *names[KIND_MAX_COLS];
		for (int i = 0; i < t->table->kind->ncols; i++)
			names[i] = t->table->kind->cols[i].name;
		const char *near = str_nearest(name, names, t->table->kind->ncols);
		app_say(app, true, "no column '" STR_FMT "'%s%s%s", STR_ARG(name), near ? "; did you mean '" : "", near ? near : "",
		        near ? "'?" : "");
		return true;
	}
	order(t, col, rest.n ? str_starts(STR("descending"), rest) : natural_descending(t, col));
	return true;
}

/* by: +1 the next shown column, -1 the one before; past either end the order is the keys' again. */
static void sort_step(struct table_page *t, int by)
{
	int at = -1;
	for (int i = 0; i < t->ncols; i++)
		if (t->cols[i].col == t->view->sort_col)
			at = i;
	at += by;
	if (t->view->sort_col < 0 && by < 0)
		at = t->ncols - 1;
	if (at < 0 || at >= t->ncols || t->cols[at].col == COL_SOURCE)
		order(t, -1, false);
	else
		order(t, t->cols[at].col, natural_descending(t, t->cols[at].col));
}

static bool sort_command(struct table_page *t, struct app *app, const char *name, struct str args)
{
	bool sort = strcmp(name, "sort") == 0;
	if (!sort && strcmp(name, "reverse") && strcmp(name, "sort-left") && strcmp(name, "sort-right"))
		return false;
	if (!t->view)
		return true;
	if (sort && args.n)
		return sort_by_name(t, app, args);
	if (strcmp(name, "reverse") == 0)
		order(t, t->view->sort_col, !t->view->descending);
	else
		sort_step(t, strcmp(name, "sort-left") == 0 ? -1 : 1);
	return true;
}

/* ---- filter */

static void typing(void *arg, struct app *app, const char *text)
{
	struct filter_error err;
	if (!table_page_refilter(arg, app, text, &err))
		app_prompt_error_at(app, err.at, err.what);
}

static void typed(void *arg, struct app *app, const char *text)
{
	struct table_page *t = arg;
	struct filter_error err;
	if (!text) {                  /* left with Esc: as it was */
		char *before = xstrdup(t->before ? t->before : "");
		table_page_refilter(t, app, before, NULL);
		free(before);
		if (t->key_before) {
			free(t->key);
			t->key = t->key_before;
			t->source = t->source_before;
			t->key_before = NULL;
		}
	} else if (!table_page_refilter(t, app, text, &err)) {
		app_say(app, true, "filter: %s", err.what);
	}
}

static bool filter_command(struct table_page *t, struct app *app, struct str args)
{
	if (args.n) {
		char *text = str_dup(args);
		struct filter_error err;
		if (!table_page_refilter(t, app, text, &err))
			app_say(app, true, "filter: %s", err.what);
		free(text);
		return true;
	}
	free(t->before);
	free(t->key_before);
	t->before = xstrdup(t->typed);
	t->key_before = xstrdup(t->key);
	t->source_before = t->source;
	app_prompt(app, "/", t->typed, typing, typed, t);
	return true;
}

/* ---- marks */

static void mark_range(struct table_page *t)
{
	int64_t from = t->range_from < 0 ? t->cursor : t->range_from, to = t->cursor;
	if (from > to) {
		int64_t swap = from;
		from = to, to = swap;
	}
	for (int64_t i = from; i <= to && i < t->view->n; i++)
		view_mark(t->view, t->view->ids[i], true);
}

static bool mark_command(struct table_page *t, const char *name)
{
	const struct row *r = table_page_row(&t->page, NULL);
	if (strcmp(name, "mark") == 0) {
		if (r) {
			view_mark(t->view, r->id, !view_marked(t->view, r->id));
			t->range_from = t->cursor;
			table_page_put_cursor(t, (int64_t)t->cursor + 1);
		}
	} else if (strcmp(name, "mark-range") == 0) {
		if (r)
			mark_range(t);
	} else if (strcmp(name, "mark-all") == 0) {
		for (uint32_t i = 0; t->view && i < t->view->n; i++)
			view_mark(t->view, t->view->ids[i], true);
	} else if (strcmp(name, "unmark-all") == 0) {
		if (t->view)
			view_unmark_all(t->view);
	} else {
		return false;
	}
	t->dirty = true;
	return true;
}

/* ---- columns */

static void columns_typed(void *arg, struct app *app, const char *text)
{
	if (text)
		table_page_set_columns(arg, app, str_of(text));
}

static bool columns_command(struct table_page *t, struct app *app, struct str args)
{
	struct buf now = { 0 };
	if (args.n) {
		table_page_set_columns(t, app, args);
		return true;
	}
	table_page_columns_text(t, &now);
	app_prompt(app, "columns: ", now.data ? now.data : "", NULL, columns_typed, t);
	buf_release(&now);
	return true;
}

bool table_page_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct table_page *t = table_page_of(p);
	args = str_trim(args);
	if (t->hooks && t->hooks->command && t->hooks->command(t->arg, p, app, c, args))
		return true;
	if (t->view)
		view_settle(t->view);          /* several keys may come before a frame */
	if (strcmp(c->name, "press") == 0)
		return press(t, args);
	if (strcmp(c->name, "filter") == 0)
		return filter_command(t, app, args);
	if (strcmp(c->name, "columns") == 0)
		return columns_command(t, app, args);
	return move(t, c->name, args) || sideways(t, c->name) || sort_command(t, app, c->name, args) ||
	       mark_command(t, c->name) || table_page_open_command(t, app, c->name, args);
}
