/* app_stack: a pane is a stack of pages. The page on top of the pane on screen is shown; when it is not any
 * more it is told, so that it stops asking for rows. */
#include "tui/app_in.h"
#include "tui/table_page.h"
#include "base/mem.h"
#include <stdlib.h>

struct page *app_top(const struct app *app)
{
	return app->tops[app->pane];              /* one more than there are panes: a program without any works too */
}

static void show(struct app *app, bool on)
{
	struct page *p = app_top(app);

	if (p && p->ops->shown)
		p->ops->shown(p, app, on);
	app->dirty = true;
}

/* Before another page comes on top: what was begun on this one is over. */
static void leave(struct app *app)
{
	app_leave_line(app);
	app->npending = 0;
	show(app, false);
}

void app_push(struct app *app, struct page *p)
{
	unsigned depth = 0;

	if (!p)
		return;
	leave(app);
	for (struct page *q = app_top(app); q; q = q->below)
		depth++;
	p->below = app->tops[app->pane];
	app->tops[app->pane] = p;
	if (depth >= STACK_MAX) {                     /* the oldest but the first goes */
		struct page *q = p;

		while (q->below->below->below)
			q = q->below;
		struct page *old = q->below;

		q->below = old->below;
		old->below = app->dead;
		app->dead = old;
	}
	show(app, true);
}

void app_pop(struct app *app)
{
	struct page *p = app_top(app);

	if (!p || !p->below)
		return;
	leave(app);
	app->tops[app->pane] = p->below;
	p->below = app->dead;
	app->dead = p;
	show(app, true);
}

static void free_page(struct app *app, struct page *p)
{
	p->ops->free(p, app);
}

void app_reap(struct app *app)
{
	while (app->dead) {
		struct page *p = app->dead;

		app->dead = p->below;
		p->below = NULL;
		free_page(app, p);
	}
}

void app_free_pages(struct app *app)
{
	show(app, false);
	app_reap(app);
	for (unsigned i = 0; i <= app->npanes; i++)
		while (app->tops[i]) {
			struct page *p = app->tops[i];

			app->tops[i] = p->below;
			free_page(app, p);
		}
}

/* Replaces the stack of pane i by its first page. */
static bool open_pane(struct app *app, unsigned i, struct str args)
{
	struct page *p = app->o.panes[i]->open(app, args), *last;

	if (!p)
		return false;
	leave(app);
	while ((last = app->tops[i]) != NULL) {
		app->tops[i] = last->below;
		last->below = app->dead;
		app->dead = last;
	}
	app->tops[i] = p;
	app->pane = i;
	show(app, true);
	return true;
}

void app_show_pane(struct app *app, unsigned i)
{
	if (i >= app->npanes)
		return;
	if (!app->tops[i]) {
		open_pane(app, i, STR(""));
		return;
	}
	if (i == app->pane)
		return;
	leave(app);
	app->pane = i;
	show(app, true);
}

bool app_goto(struct app *app, const char *pane, struct str args)
{
	for (unsigned i = 0; i < app->npanes; i++) {
		if (strcmp(app->o.panes[i]->name, pane) != 0)
			continue;
		if (args.n)
			return open_pane(app, i, args);
		app_show_pane(app, i);
		return app->tops[i] != NULL;
	}
	return false;
}

bool app_push_pane(struct app *app, const char *pane, struct str args)
{
	for (unsigned i = 0; i < app->npanes; i++) {
		struct page *p = strcmp(app->o.panes[i]->name, pane) ? NULL : app->o.panes[i]->open(app, args);

		if (p)
			app_push(app, p);
		if (p)
			return true;
	}
	return false;
}

static bool has_kind(const struct pane *p, const char *kind)
{
	for (const char *const *k = p ? p->kinds : NULL; k && *k; k++)
		if (strcmp(*k, kind) == 0)
			return true;
	return false;
}

bool app_open_row(struct app *app, const char *kind, uint16_t source, struct str key)
{
	const struct kind *k = store_kind(app->o.store, str_of(kind));

	if (!k || !app_open_kind(app, k, STR("")))
		return false;
	if (page_is_table(app_top(app)))
		table_page_seek(app_top(app), source, key);
	return true;
}

bool app_open_kind(struct app *app, const struct kind *k, struct str filter)
{
	const struct pane *pane = app->o.panes[app->pane];
	struct page *p;

	if (!has_kind(pane, k->name))
		for (unsigned i = 0; i < app->npanes; i++)
			if (has_kind(app->o.panes[i], k->name)) {
				app_show_pane(app, i);
				pane = app->o.panes[i];
				break;
			}
	p = pane && pane->kind_page && has_kind(pane, k->name) ? pane->kind_page(app, k->name, filter) :
	    table_page_new(app, k->name, filter);
	if (!p)
		return false;
	app_push(app, p);
	return true;
}
