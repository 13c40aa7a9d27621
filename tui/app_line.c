/* app_line: the prompt's two uses: `:` lines with completion and history, and a page's own question. Saved views are
 * command lines with a name, one "NAME LINE" a line in state_dir/views. */
#define _GNU_SOURCE
#include "tui/app_in.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- saved views */

static void views_path(const struct app *app, char *out, size_t size)
{
	snprintf(out, size, "%s/views", app->o.state_dir ? app->o.state_dir : "");
}

static void put_view(struct app *app, struct str name, struct str line)
{
	for (unsigned i = 0; i < app->nviews; i++)
		if (str_is(name, app->views[i].name)) {
			free(app->views[i].name);
			free(app->views[i].line);
			app->views[i] = app->views[--app->nviews];
			break;
		}
	if (!line.n || app->nviews >= 200)
		return;
	app->views = xreallocarray(app->views, app->nviews + 1, sizeof(*app->views));
	app->views[app->nviews++] = (struct saved_view){ str_dup(name), str_dup(line) };
}

void app_views_load(struct app *app)
{
	char path[4096], line[4096];
	FILE *f;

	if (!app->o.state_dir)
		return;
	views_path(app, path, sizeof(path));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		struct str rest = str_trim(str_of(line)), name = str_split(&rest, ' ');

		if (name.n)
			put_view(app, name, str_trim(rest));
	}
	if (f)
		fclose(f);
}

bool app_view_save(struct app *app, struct str name, struct str line)
{
	char path[4096];
	FILE *f;
	int fd;

	if (!line.n && !app_view(app, name)) {
		app_say(app, true, "no saved view '" STR_FMT "'", STR_ARG(name));
		return false;
	}
	put_view(app, name, line);
	if (!app->o.state_dir)
		return true;
	views_path(app, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		app_say(app, true, "the view is not kept: cannot write %s", path);
		return false;
	}
	for (unsigned i = 0; i < app->nviews; i++)
		fprintf(f, "%s %s\n", app->views[i].name, app->views[i].line);
	if (fclose(f) != 0)
		app_say(app, true, "the view is not kept: cannot write %s", path);
	return true;
}

const char *app_view(const struct app *app, struct str name)
{
	for (unsigned i = 0; i < app->nviews; i++)
		if (str_is(name, app->views[i].name))
			return app->views[i].line;
	return NULL;
}

void app_lines_free(struct app *app)
{
	prompt_close(&app->prompt);
	recall_release(&app->commands);
	recall_release(&app->lines);
	for (unsigned i = 0; i < app->nviews; i++) {
		free(app->views[i].name);
		free(app->views[i].line);
	}
	free(app->views);
	app->views = NULL;
	app->nviews = 0;
}

/* ---- completion */

static void offer(struct prompt *p, struct str typed, const char *text, const char *help)
{
	if (str_starts(str_of(text), typed))
		prompt_offer(p, str_of(text), help);
}

static void offer_panes_and_kinds(const struct app *app, struct prompt *p, struct str typed)
{
	for (unsigned i = 0; i < app->npanes; i++)
		offer(p, typed, app->o.panes[i]->name, app->o.panes[i]->help);
	for (unsigned i = 0; i < app->o.store->ntables; i++)
		offer(p, typed, app->o.store->tables[i]->kind->name, app->o.store->tables[i]->kind->help);
}

static void offer_first(const struct app *app, struct prompt *p, struct str typed)
{
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned n = app_scopes(app, scopes);

	offer_panes_and_kinds(app, p, typed);
	for (unsigned i = 0; i < n; i++)
		for (const struct command *c = scopes[i]->commands; c && c->name; c++)
			offer(p, typed, c->name, c->help);
	for (unsigned i = 0; i < app->nviews; i++)
		offer(p, typed, app->views[i].name, app->views[i].line);
}

static void offer_namespaces(const struct app *app, struct prompt *p, struct str typed)
{
	const struct table *t = store_table_const(app->o.store, "namespaces");

	for (uint32_t i = 0, n = 0; t && i < t->nslots && n < 500; i++)
		if (t->slots[i] && str_starts(row_key(t->slots[i]), typed)) {
			prompt_offer(p, row_key(t->slots[i]), NULL);
			n++;
		}
}

static void offer_actions(const struct app *app, struct prompt *p, struct str typed)
{
	for (unsigned i = 0; i < app->o.nsources; i++)
		for (const struct action *const *a = app->o.sources[i]->backend->actions; a && *a; a++) {
			const char *refused = app_refuses(app, (*a)->name);

			offer(p, typed, (*a)->name, refused ? refused : (*a)->help);
		}
}

/* Values that a column has, for "status=Cr". */
static void offer_values(const struct table *t, struct prompt *p, struct str typed, int col, size_t skip)
{
	struct str part = { typed.p + skip, typed.n - skip };

	for (uint32_t i = 0; i < t->nslots && p->noffers < 100; i++) {
		struct str value = t->slots[i] ? row_text(t, t->slots[i], col) : STR("");

		if (!value.n || value.n > 100 || !str_starts(value, part) || memchr(value.p, ' ', value.n))
			continue;
		char *text = xasprintf("%.*s" STR_FMT, (int)skip, typed.p, STR_ARG(value));

		prompt_offer(p, str_of(text), NULL);
		free(text);
	}
}

static void offer_columns(const struct app *app, struct prompt *p, struct str typed, const struct kind *k)
{
	const struct table *t = store_table_const(app->o.store, k->name);
	const char *eq = memchr(typed.p, '=', typed.n);

	if (eq && t) {
		size_t end = (size_t)(eq - typed.p), name = end;
		int col;

		while (name && (typed.p[name - 1] == '!' || typed.p[name - 1] == '~'))
			name--;
		col = kind_col(k, (struct str){ typed.p, name }, false);
		if (col >= 0 && col_is_text(&k->cols[col]) && k->cols[col].type != COL_SERIES)
			offer_values(t, p, typed, col, end + 1);
		return;
	}
	for (unsigned i = 0; i < k->ncols; i++) {
		char *name = xasprintf("%s=", k->cols[i].name);

		offer(p, typed, name, k->cols[i].title);
		free(name);
	}
}

/* For the word being typed: what may stand there. */
static size_t complete(void *arg, struct prompt *p, struct str before)
{
	const struct app *app = arg;
	struct str rest = before, first = str_split(&rest, ' '), typed;
	const struct kind *k;
	size_t from = before.n;

	while (from && before.p[from - 1] != ' ')
		from--;
	typed = (struct str){ before.p + from, before.n - from };
	if (!rest.p) {
		offer_first(app, p, typed);
		return from;
	}
	if (str_is(first, "ns") || str_is(first, "namespace")) {
		offer_namespaces(app, p, typed);
	} else if (str_is(first, "ctx") || str_is(first, "context")) {
		for (unsigned i = 0; i < app->o.nsources; i++)
			offer(p, typed, app->o.sources[i]->name, app->o.sources[i]->environment);
	} else if (str_is(first, "theme")) {
		for (unsigned i = 0; theme_names[i]; i++)
			offer(p, typed, theme_names[i], NULL);
	} else if (str_is(first, "view") || str_is(first, "view-forget")) {
		for (unsigned i = 0; i < app->nviews; i++)
			offer(p, typed, app->views[i].name, app->views[i].line);
	} else if (str_is(first, "goto") && from == first.n + 1) {
		offer_panes_and_kinds(app, p, typed);
	} else if (str_is(first, "promote") || str_is(first, "rollback")) {
		app_runbook_complete(app, p, before, from);
	} else if (str_is(first, "action")) {
		offer_actions(app, p, typed);
	} else if ((k = store_kind(app->o.store, first)) != NULL) {
		offer_columns(app, p, typed, k);
	}
	return from;
}

/* In a list's filter: its columns and what is in them. */
static size_t complete_filter(void *arg, struct prompt *p, struct str before)
{
	const struct app *app = arg;
	const struct page *page = app_top(app);
	const struct kind *k = page && page_is_table(page) ? store_kind(app->o.store, str_of(table_page_kind(page))) : NULL;
	size_t from = before.n;

	while (from && before.p[from - 1] != ' ')
		from--;
	if (k)
		offer_columns(app, p, (struct str){ before.p + from, before.n - from }, k);
	return from;
}

/* ---- lines */

void app_command_line(struct app *app, const char *text)
{
	app_leave_line(app);
	prompt_open(&app->prompt, ":", text, &app->commands, complete, app);
	app->dirty = true;
}

void app_prompt(struct app *app, const char *label, const char *text, app_line_fn typing, app_line_fn done, void *arg)
{
	app_leave_line(app);
	prompt_open(&app->prompt, label, text, &app->lines, strcmp(label, "/") == 0 ? complete_filter : NULL, app);
	app->typing = typing;
	app->done = done;
	app->line_arg = arg;
	app->dirty = true;
}

void app_prompt_error(struct app *app, const char *what)
{
	prompt_error(&app->prompt, (size_t)-1, what);
	app->dirty = true;
}

void app_prompt_error_at(struct app *app, size_t at, const char *what)
{
	prompt_error(&app->prompt, at, what);
	app->dirty = true;
}

/* Closes the prompt and tells whoever asked; text is NULL when left. */
static void close_line(struct app *app, const char *text)
{
	app_line_fn done = app->done;
	char *copy = xstrdup(text);
	void *arg = app->line_arg;

	prompt_close(&app->prompt);
	app->typing = app->done = NULL;
	app->line_arg = NULL;
	app->dirty = true;
	if (done)
		done(arg, app, copy);
	else if (copy)
		app_run_as(app, str_of(copy), true);
	free(copy);
}

void app_leave_line(struct app *app)
{
	if (app->prompt.open)
		close_line(app, NULL);
}

void app_line_key(struct app *app, const struct key *k)
{
	switch (prompt_key(&app->prompt, k)) {
	case PROMPT_CHANGED:
		if (app->typing)
			app->typing(app->line_arg, app, prompt_text(&app->prompt));
		break;
	case PROMPT_DONE:
		close_line(app, prompt_text(&app->prompt));
		break;
	case PROMPT_LEFT:
		app_leave_line(app);
		break;
	default:
		break;
	}
}
