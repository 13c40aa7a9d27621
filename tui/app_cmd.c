/* app_cmd: from a key to a command, and from a typed line to one. Scopes are asked from the page outward; the app's own
 * commands are the outermost. */
#include "tui/app_in.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static const struct command app_commands[] = {
	{ "prompt", NULL, "type a command, a kind, a pane or a saved view", "command" },
	{ "help", NULL, "show the keys and commands of this place", "help" },
	{ "back", NULL, "go back to where one was", NULL },
	{ "quit", NULL, "leave binnacle", NULL },
	{ "q", NULL, "leave binnacle", NULL },
	{ "goto", "PANE|KIND [FILTER]", "go to a pane, or to the list of a kind", NULL },
	{ "pane", "NUMBER", "go to a pane by its number", NULL },
	{ "pane-next", NULL, "go to the next pane", NULL },
	{ "pane-previous", NULL, "go to the previous pane", NULL },
	{ "namespace", "[NAME]", "show only this namespace; without a name all", NULL },
	{ "ns", "[NAME]", "the same as namespace", NULL },
	{ "context", "[SOURCE]", "show only rows of this source; without a name of all", NULL },
	{ "ctx", "[SOURCE]", "the same as context", NULL },
	{ "view", "NAME", "go to a saved view", NULL },
	{ "view-save", "NAME [LINE]", "save this place, or a command line, as a view", NULL },
	{ "view-forget", "NAME", "forget a saved view", NULL },
	{ "theme", "NAME", "use another theme", NULL },
	{ "promote", "[MODEL VERSION [reason=\"WHY\"] [hold]]", "put a version into production: gates, steps, checks; without words the "
	  "version, or the model's challenger, under the cursor", NULL },
	{ "rollback", "[MODEL [VERSION] [at TIME]]", "put the version before, another, or that of a time back; without words for the model "
	  "that the row is about", NULL },
	{ "runbooks", NULL, "list promotions and rollbacks of this session, and unfinished ones", NULL },
	{ "undo", NULL, "undo the last action that can be undone", NULL },
	{ "copy", NULL, "copy what is shown or selected to the clipboard", NULL },
	{ "redraw", NULL, "draw the whole screen again; what one may do is asked again", NULL },
	{ "suspend", NULL, "stop, and go back to the shell until fg", NULL },
	{ .name = NULL }
};
const struct command_scope app_scope = { "app", "everywhere", app_commands };

static unsigned scopes_of(const struct app *app, const struct page *p, const struct command_scope *out[SCOPES_MAX])
{
	unsigned n = 0;

	if (app->touring)
		out[n++] = &tour_scope;
	for (unsigned i = 0; p && p->ops->scopes && p->ops->scopes[i] && n < SCOPES_MAX - 1; i++)
		out[n++] = p->ops->scopes[i];
	out[n++] = &app_scope;
	return n;
}

unsigned app_scopes(const struct app *app, const struct command_scope *out[SCOPES_MAX])
{
	return scopes_of(app, app_top(app), out);
}

bool app_reaches(const struct app *app, const struct page *p, const struct binding *b)
{
	const struct command_scope *scopes[SCOPES_MAX];
	const char *names[SCOPES_MAX + 1];
	const struct binding *found = NULL;
	unsigned n = scopes_of(app, p, scopes);

	for (unsigned k = 0; k < n; k++)
		names[k] = scopes[k]->name;
	names[n] = NULL;
	return keymap_find(app->o.keymap, names, b->keys, b->nkeys, &found) == KEY_BOUND && found == b;
}

/* ---- the app's own commands */

static bool go_pane(struct app *app, struct str args, int by)
{
	unsigned tabs = app->npanes;
	int64_t n = 0;

	while (tabs && app->o.panes[tabs - 1]->aside)
		tabs--;
	if (!tabs)
		return true;
	if (by) {
		app_show_pane(app, app->pane >= tabs ? 0 : (app->pane + tabs + (unsigned)by) % tabs);
	} else if (!str_to_i64(args, &n) || n < 1 || n > (int64_t)tabs) {
		if (args.n != 1)
			app_say(app, true, "no pane '" STR_FMT "'; there are 1 to %u", STR_ARG(args), tabs);
	} else {
		app_show_pane(app, (unsigned)n - 1);
	}
	return true;
}

static bool go_to(struct app *app, struct str args)
{
	struct str rest = args, word = str_split(&rest, ' ');
	char *pane = str_dup(word);
	bool found = app_goto(app, pane, str_trim(rest));
	const struct kind *k = found ? NULL : store_kind(app->o.store, word);

	free(pane);
	if (k)
		found = app_open_kind(app, k, str_trim(rest));
	if (!found)
		app_say(app, true, "no pane or kind '" STR_FMT "'", STR_ARG(word));
	return true;
}

static bool set_context(struct app *app, struct str name)
{
	const char *names[64], *near;
	size_t n = 0;

	for (unsigned i = 0; i < app->o.nsources; i++) {
		if (str_is(name, app->o.sources[i]->name)) {
			app->context = app->o.sources[i]->index;
			app_say(app, false, "only rows of %s", app->o.sources[i]->name);
			return true;
		}
		if (n < ARRAY_SIZE(names))
			names[n++] = app->o.sources[i]->name;
	}
	if (!name.n) {
		app->context = -1;
		app_say(app, false, "rows of all sources");
		return true;
	}
	near = str_nearest(name, names, n);
	app_say(app, true, "no source '" STR_FMT "'%s%s%s", STR_ARG(name), near ? "; did you mean '" : "", near ? near : "",
	        near ? "'?" : "");
	return true;
}

static bool set_theme(struct app *app, struct str args)
{
	struct config_error err = { 0 };
	char *name = str_dup(args);
	struct theme *t = theme_load(name, app->o.theme_dir, &err);

	free(name);
	if (!t) {
		app_say(app, true, "%s%s%s", err.line ? err.file : "", err.line ? ": " : "", err.what);
		free(err.file);
		return true;
	}
	if (app->term)
		term_set_theme(app->term, t);
	theme_free(app->own_theme);
	app->own_theme = t;
	app->dirty = true;
	return true;
}

static bool undo(struct app *app)
{
	struct act *last = app->o.actor ? actor_last_undoable(app->o.actor) : NULL, *act;
	const char *why = NULL;

	if (!last) {
		app_say(app, false, "nothing to undo");
		return true;
	}
	act = act_undo(last, &why);
	if (act)
		app_push(app, act_page_new(app, act));
	else
		app_say(app, true, "cannot undo: %s", why ? why : "refused");
	return true;
}

static bool copy(struct app *app)
{
	struct page *p = app_top(app);
	struct buf b = { 0 };

	if (p && p->ops->copy)
		p->ops->copy(p, app, &b);
	if (b.len)
		app_copy(app, buf_str(&b));
	else
		app_say(app, false, "nothing to copy here");
	buf_release(&b);
	return true;
}

static bool save_view(struct app *app, struct str args)
{
	struct page *p = app_top(app);
	struct str line = args, name = str_split(&line, ' ');
	struct buf b = { 0 };

	line = str_trim(line);
	if (!line.n && p && p->ops->line) {
		p->ops->line(p, &b);
		line = buf_str(&b);
	}
	if (!name.n)
		app_say(app, true, "a name for the view is missing");
	else if (!line.n)
		app_say(app, true, "this place cannot be saved; give the line too: view-save NAME pods status=Failed");
	else if (app_view_save(app, name, line))
		app_say(app, false, "saved as '" STR_FMT "': " STR_FMT, STR_ARG(name), STR_ARG(line));
	buf_release(&b);
	return true;
}

static bool go_view(struct app *app, struct str name)
{
	const char *line = app_view(app, name);

	if (!line || str_starts(str_of(line), STR("view "))) {       /* a view of a view would never end */
		app_say(app, true, "no saved view '" STR_FMT "'", STR_ARG(name));
		return true;
	}
	return app_run_as(app, str_of(line), true);
}

static void back(struct app *app)
{
	struct page *p = app_top(app);

	if (app->say) {
		free(app->say);
		app->say = NULL;
	}
	if (p && p->below)
		app_pop(app);
	else
		app_say(app, false, "this is the first page; Q or :quit leaves");
}

static bool app_command(struct app *app, const struct command *c, struct str args)
{
	const char *n = c->name;

	if (strcmp(n, "prompt") == 0)
		app_command_line(app, "");
	else if (strcmp(n, "help") == 0)
		app_push(app, help_page_new(app, app_top(app)));
	else if (strcmp(n, "back") == 0)
		back(app);
	else if (strcmp(n, "quit") == 0 || strcmp(n, "q") == 0)
		app->quit = true;
	else if (strcmp(n, "goto") == 0)
		return go_to(app, args);
	else if (strcmp(n, "pane") == 0)
		return go_pane(app, args, 0);
	else if (strcmp(n, "pane-next") == 0)
		return go_pane(app, args, 1);
	else if (strcmp(n, "pane-previous") == 0)
		return go_pane(app, args, -1);
	else if (strcmp(n, "namespace") == 0 || strcmp(n, "ns") == 0) {
		char *ns = str_dup(str_is(args, "all") ? STR("") : args);

		app_set_namespace(app, ns);
		app_say(app, false, *ns ? "namespace %s" : "all namespaces", ns);
		free(ns);
	} else if (strcmp(n, "context") == 0 || strcmp(n, "ctx") == 0)
		return set_context(app, args);
	else if (strcmp(n, "view") == 0)
		return go_view(app, args);
	else if (strcmp(n, "view-save") == 0)
		return save_view(app, args);
	else if (strcmp(n, "view-forget") == 0)
		return app_view_save(app, args, STR("")) || true;
	else if (strcmp(n, "theme") == 0)
		return set_theme(app, args);
	else if (strcmp(n, "promote") == 0 || strcmp(n, "rollback") == 0 || strcmp(n, "runbooks") == 0)
		return app_runbook_command(app, n, args);
	else if (strcmp(n, "undo") == 0)
		return undo(app);
	else if (strcmp(n, "copy") == 0)
		return copy(app);
	else if (strcmp(n, "redraw") == 0) {
		permits_forget(app->permits, NULL);
		if (app->term)
			term_redraw(app->term);
	} else if (strcmp(n, "suspend") == 0 && app->term)
		term_suspend(app->term);
	return true;
}

/* ---- lines */

static bool run_command(struct app *app, struct str word, struct str args)
{
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned n = app_scopes(app, scopes);
	struct page *p = app_top(app);

	for (unsigned i = 0; i < n; i++) {
		const struct command *c = command_find(scopes[i], word);

		if (!c)
			continue;
		if (scopes[i] == &app_scope)
			return app_command(app, c, args);
		if (scopes[i] == &tour_scope)
			return app_tour_command(app, c);
		if (p->ops->command && p->ops->command(p, app, c, args))
			return true;
	}
	return false;
}

/* What was meant: among commands, panes, kinds and views. */
static const char *meant(const struct app *app, struct str word)
{
	const char *names[400];
	const struct command_scope *scopes[SCOPES_MAX];
	unsigned ns = app_scopes(app, scopes);
	size_t n = 0;

	for (unsigned i = 0; i < ns; i++)
		for (const struct command *c = scopes[i]->commands; c && c->name && n < 100; c++)
			names[n++] = c->name;
	for (unsigned i = 0; i < app->npanes && n < 150; i++)
		names[n++] = app->o.panes[i]->name;
	for (unsigned i = 0; i < app->o.store->ntables && n < 350; i++)
		names[n++] = app->o.store->tables[i]->kind->name;
	for (unsigned i = 0; i < app->nviews && n < 400; i++)
		names[n++] = app->views[i].name;
	return str_nearest(word, names, n);
}

bool app_run_as(struct app *app, struct str line, bool typed)
{
	struct str rest = str_trim(line), word = str_split(&rest, ' ');
	const struct kind *k;
	const char *near;
	char *name;
	bool found;

	rest = str_trim(rest);
	if (!word.n)
		return false;
	if (str_is(word, "q!") || str_is(word, "wq") || str_is(word, "qa"))
		word = STR("quit");
	if (command_find(&app_scope, word) && run_command(app, word, rest))
		return true;
	name = str_dup(word);
	found = typed && app_goto(app, name, rest);
	free(name);
	if (found)
		return true;
	k = store_kind(app->o.store, word);
	if (typed && k)
		return app_open_kind(app, k, rest);
	if (run_command(app, word, rest))
		return true;
	if (app_view(app, word))
		return go_view(app, word);
	if (k)
		return app_open_kind(app, k, rest);
	near = meant(app, word);
	if (typed && !near && app_find_kind(app, word, rest))
		return true;
	app_say(app, true, "no command, pane or kind '" STR_FMT "'%s%s%s", STR_ARG(word), near ? "; did you mean '" : "",
	        near ? near : "", near ? "'?" : "");
	return false;
}

bool app_run_line(struct app *app, struct str line)
{
	return app_run_as(app, line, true);
}

/* ---- keys */

static bool give_text(struct app *app, const struct key *k)
{
	struct page *p = app_top(app);
	char u[5];

	if (p && p->ops->pasted && k->name == K_PASTE && p->ops->pasted(p, app, k->text))
		return true;
	if (!p || !p->ops->typed)
		return false;
	if (k->name == K_PASTE) {
		struct str s = k->text;

		for (size_t i = 0; i < s.n; i++)                  /* its first line */
			if ((unsigned char)s.p[i] < 0x20)
				s.n = i;
		return p->ops->typed(p, app, s);
	}
	return key_text(*k, u) && p->ops->typed(p, app, str_of(u));
}

/* Esc and a key in one piece, as a slow line or a quick hand sends them, look like Alt and that key: where that means nothing
 * they are the two. What is typed next would otherwise be taken for keys. */
static void split_key(struct app *app, struct key k)
{
	struct key esc = { .name = K_ESC };

	app->npending = 0;
	k.mods &= (uint8_t)~MOD_ALT;
	app_key(app, &esc);
	if (!app->quit)
		app_key(app, &k);
}

static void bound_key(struct app *app, const struct key *k)
{
	const struct command_scope *scopes[SCOPES_MAX];
	const char *names[SCOPES_MAX + 1];
	const struct binding *b = NULL;
	unsigned n = app_scopes(app, scopes);

	for (unsigned i = 0; i < n; i++)
		names[i] = scopes[i]->name;
	names[n] = NULL;
	app->pending[app->npending++] = *k;
	app->pending[app->npending - 1].text = (struct str){ 0 };
	switch (keymap_find(app->o.keymap, names, app->pending, app->npending, &b)) {
	case KEY_PREFIX:
		if (app->npending < KEYS_MAX)
			return;
		break;
	case KEY_BOUND:
		app->npending = 0;
		if (k->name == K_PRESS) {                         /* a page wants to know where */
			struct rect page;
			char line[64];

			app_layout(app, &page);
			snprintf(line, sizeof(line), "%.30s %d %d", b->line, k->x - page.x, k->y - page.y);
			app_run_as(app, str_of(line), false);
		} else {
			app_run_as(app, str_of(b->line), false);
		}
		return;
	case KEY_UNBOUND:
		if (k->name == K_CHAR && k->mods & MOD_ALT) {
			split_key(app, *k);
			return;
		}
		if (app->npending == 1 && k->name < K_PRESS && k->name != K_ESC) {
			struct buf s = { 0 };

			key_show(*k, &s);
			app_say(app, false, "'%s' does nothing here; ? shows what does", buf_str(&s).p ? s.data : "");
			buf_release(&s);
		}
		break;
	}
	app->npending = 0;
}

void app_key(struct app *app, const struct key *k)
{
	if (app->prompt.open) {
		if (prompt_takes(k))
			app_line_key(app, k);
		else
			split_key(app, *k);
		return;
	}
	if (app->say && !app->say_bad) {
		free(app->say);
		app->say = NULL;
	}
	if (!app->npending && give_text(app, k))
		return;
	if (k->name == K_PASTE) {
		app_say(app, false, "pasted text is not taken for keys; open the prompt first");
		return;
	}
	if (app->npending && k->name == K_ESC) {
		app->npending = 0;
		return;
	}
	int tab = k->name == K_PRESS ? app_tab_at(app, k->x, k->y) : -1;

	if (tab >= 0) {
		app->npending = 0;
		app_show_pane(app, (unsigned)tab);
		return;
	}
	bound_key(app, k);
}
