/* help: the keys and commands of the place one came from, made from its scopes and the keymap, so that it cannot be
 * wrong about what a key does. */
#include "tui/app_in.h"
#include "base/mem.h"
#include "tui/table_page.h"
#include "tui/wrap.h"
#include <stdio.h>
#include <stdlib.h>

struct help_line { char *keys, *name, *text; bool heading; };
struct help_page {
	struct page page;
	struct help_line *lines;
	int n, all, top, rows, key_width, name_width;     /* lines; rows that the shown ones take, the first seen, seen at once */
	char filter[64];
};

static const struct command help_commands[] = {
	{ "search", "[TEXT]", "show only lines with that text", "search" },
	{ "down", "[LINES]", "a line down", NULL },
	{ "up", "[LINES]", "a line up", NULL },
	{ "page-down", NULL, "a screen down", NULL },
	{ "page-up", NULL, "a screen up", NULL },
	{ "first", NULL, "to the first line", NULL },
	{ "last", NULL, "to the last line", NULL },
	{ .name = NULL }
};
const struct command_scope help_scope = { "help", "in this help", help_commands };
static const struct command_scope *const help_scopes[] = { &help_scope, NULL };

static void add_line(struct help_page *h, struct help_line l)
{
	int kw = l.heading ? 0 : text_width(str_of(l.keys), false), nw = l.heading ? 0 : text_width(str_of(l.name), false);

	h->lines = xreallocarray(h->lines, (size_t)h->n + 1, sizeof(l));
	h->lines[h->n++] = l;
	h->key_width = kw > h->key_width ? kw : h->key_width;
	h->name_width = nw > h->name_width ? nw : h->name_width;
}

/* True when a line is that command with nothing or a number after it: "down 3". */
static bool is_plain(const char *line, const char *command)
{
	struct str rest = str_of(line), word = str_split(&rest, ' ');
	int64_t n;

	return str_is(word, command) && (!rest.n || str_to_i64(rest, &n));
}

/* Adds the keys of a scope that run `line`, or the command of that name with a number, on that page. */
static void add_keys(const struct app *app, const struct page *of, const char *scope, const char *line, struct buf *out)
{
	const struct keymap *m = app->o.keymap;

	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->bindings[i].scope, scope) == 0 && app_reaches(app, of, &m->bindings[i]) &&
		    (strcmp(m->bindings[i].line, line) == 0 || is_plain(m->bindings[i].line, line))) {
			if (out->len)
				buf_adds(out, ", ");
			binding_show(&m->bindings[i], out);
		}
}

static void add_heading(struct help_page *h, const char *text)
{
	if (h->n)
		add_line(h, (struct help_line){ .text = xstrdup(""), .heading = true });
	add_line(h, (struct help_line){ .text = xstrdup(text), .heading = true });
}

static bool is_action(const char *line)
{
	return str_starts(str_of(line), STR("action "));
}

static void add_scope(struct help_page *h, const struct app *app, const struct page *of, const struct command_scope *s, bool actions)
{
	const struct keymap *m = app->o.keymap;

	add_heading(h, s->help ? s->help : s->name);
	for (const struct command *c = s->commands; c && c->name; c++) {
		struct buf keys = { 0 };

		add_keys(app, of, s->name, c->name, &keys);
		add_line(h, (struct help_line){ buf_detach(&keys), xasprintf(":%s%s%s", c->name, c->args ? " " : "",
		         c->args ? c->args : ""), xstrdup(c->help), false });
	}
	/* what is bound with arguments: "pane 3"; a list's actions have a place of their own */
	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->bindings[i];
		struct buf keys = { 0 };
		bool before = false;

		if (strcmp(b->scope, s->name) != 0 || !strchr(b->line, ' ') || (is_action(b->line) && !actions))
			continue;
		for (const struct command *c = s->commands; c && c->name; c++)
			before |= is_plain(b->line, c->name);
		for (unsigned k = 0; k < i; k++)
			before |= strcmp(m->bindings[k].scope, b->scope) == 0 && strcmp(m->bindings[k].line, b->line) == 0;
		if (before)
			continue;
		add_keys(app, of, s->name, b->line, &keys);
		if (!keys.len)
			continue;            /* an inner scope has all its keys */
		add_line(h, (struct help_line){ buf_detach(&keys), xasprintf(":%s", b->line), xstrdup(""), false });
	}
}

/* One action that is offered on what is listed: its key, if it has one in a scope of the page, and what it does, or why not. */
static void add_action(struct help_page *h, const struct app *app, const struct page *of, const struct action *a)
{
	const char *refused = app_refuses(app, a->name);
	char *line = xasprintf("action %s", a->name);
	struct buf keys = { 0 };

	for (unsigned i = 0; of->ops->scopes[i] && !keys.len; i++)
		add_keys(app, of, of->ops->scopes[i]->name, line, &keys);
	add_line(h, (struct help_line){ buf_detach(&keys), xasprintf(":%s", line),
	         refused ? xasprintf("%s: %s", a->help ? a->help : "", refused) : xstrdup(a->help ? a->help : ""), false });
	free(line);
}

/* Every action that some source offers on the rows of this list. */
static void add_actions(struct help_page *h, const struct app *app, const struct page *of)
{
	const struct page *list = app_list(app);
	const char *kind = list ? table_page_kind(list) : NULL;
	char *title = kind ? xasprintf("what can be done with %s; each shows a plan first", kind) : NULL;
	bool any = false;

	for (unsigned i = 0; kind && i < app->o.nsources; i++)
		for (const struct action *const *a = app->o.sources[i]->backend->actions; a && *a; a++) {
			bool before = false;

			for (unsigned k = 0; k < i; k++)
				before |= action_find(app->o.sources[k]->backend, (*a)->name, kind) != NULL;
			if (before || action_find(app->o.sources[i]->backend, (*a)->name, kind) != *a)
				continue;
			if (!any)
				add_heading(h, title);
			any = true;
			add_action(h, app, of, *a);
		}
	free(title);
}

static bool has(const char *text, struct str part)
{
	return text && str_contains_fold(str_of(text), part);
}

/* Lines that are shown: all, or those with the text in them and the headings above such. */
static bool is_shown(const struct help_page *h, int at)
{
	const struct help_line *l = &h->lines[at];
	struct str part = str_of(h->filter);

	if (!part.n)
		return true;
	if (!l->heading)
		return has(l->keys, part) || has(l->name, part) || has(l->text, part);
	for (int i = at + 1; *l->text && i < h->n && !h->lines[i].heading; i++)
		if (is_shown(h, i))
			return true;
	return false;
}

struct help_widths { int keys, name, text_x; };

/* Three columns; where they leave little room for the words, names without what may follow them. */
static struct help_widths widths_of(const struct help_page *h, int w)
{
	struct help_widths o = { h->key_width < w / 4 ? h->key_width : w / 4, h->name_width < w / 3 ? h->name_width : w / 3, 0 };

	if (w < 100) {
		o.keys = o.keys < 16 ? o.keys : 16;
		o.name = o.name < 20 ? o.name : 20;
	}
	o.text_x = o.keys + o.name + 5;
	return o;
}

/* Rows that a line takes. */
static int line_rows(const struct help_page *h, int at, struct rect area, bool ascii)
{
	const struct help_line *l = &h->lines[at];

	if (!is_shown(h, at))
		return 0;
	return l->heading || !*l->text ? 1 : (int)wrap_text(NULL, area, widths_of(h, area.w).text_x, 0, str_of(l->text), ascii,
	                                                    ROLE_DIM, NULL);
}

static bool help_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct help_page *help = (struct help_page *)p;
	int max;

	(void)now;
	help->all = 0;
	for (int i = 0; i < help->n; i++)
		help->all += line_rows(help, i, (struct rect){ 0, 0, w, h }, app_ascii(app));
	max = help->all > h ? help->all - h : 0;
	help->rows = h;
	help->top = help->top > max ? max : help->top < 0 ? 0 : help->top;
	return false;
}

static void help_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct help_page *h = (const struct help_page *)p;
	struct help_widths w = widths_of(h, area.w);
	int y = -h->top;

	(void)now;
	if (!h->all)
		frame_textf(f, area, 3, 1, -1, ROLE_TEXT, "nothing here says '%s'", h->filter);
	for (int i = 0; i < h->n && y < area.h; i++) {
		const struct help_line *l = &h->lines[i];
		int rows = line_rows(h, i, area, app_ascii(app));

		if (rows && l->heading && y >= 0) {
			frame_fit(f, area, 1, y, area.w - 2, str_of(l->text), ROLE_HEADING_SORTED);
		} else if (rows && !l->heading) {
			if (y >= 0) {
				frame_fit(f, area, 1, y, w.keys, str_of(l->keys), ROLE_HINT_KEY);
				frame_fit(f, area, w.keys + 3, y, w.name, str_of(l->name), ROLE_TEXT);
			}
			wrap_text(f, area, w.text_x, y, str_of(l->text), app_ascii(app), ROLE_DIM, NULL);
		}
		y += rows;
	}
}

static void filter_as(void *arg, struct app *app, const char *text)
{
	struct help_page *h = arg;

	if (!text)
		return;
	snprintf(h->filter, sizeof(h->filter), "%s", text);
	h->top = 0;
	app_redraw(app);
}

static bool help_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct help_page *h = (struct help_page *)p;
	int64_t n = 1;

	if (args.n && (!str_to_i64(args, &n) || n < 1 || n > 1000))
		n = 1;
	if (strcmp(c->name, "search") == 0 && args.n) {
		snprintf(h->filter, sizeof(h->filter), STR_FMT, STR_ARG(args));
		h->top = 0;
	} else if (strcmp(c->name, "search") == 0) {
		app_prompt(app, "/", h->filter, filter_as, filter_as, h);
	} else if (strcmp(c->name, "down") == 0)
		h->top += (int)n;
	else if (strcmp(c->name, "up") == 0)
		h->top -= (int)n;
	else if (strcmp(c->name, "page-down") == 0)
		h->top += h->rows > 2 ? h->rows - 2 : 1;
	else if (strcmp(c->name, "page-up") == 0)
		h->top -= h->rows > 2 ? h->rows - 2 : 1;
	else if (strcmp(c->name, "first") == 0)
		h->top = 0;
	else if (strcmp(c->name, "last") == 0)
		h->top = h->all;
	app_redraw(app);
	return true;
}

static void help_title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct help_page *h = (const struct help_page *)p;

	(void)app;
	buf_addf(out, "keys and commands   lines %d to %d of %d", h->all ? h->top + 1 : 0,
	         h->top + h->rows < h->all ? h->top + h->rows : h->all, h->all);
	if (*h->filter)
		buf_addf(out, "   with '%s' in them", h->filter);
}

static void help_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct help_page *h = (const struct help_page *)p;

	(void)app;
	for (int i = 0; i < h->n; i++)
		buf_addf(out, "%s%s%s%s%s\n", h->lines[i].keys ? h->lines[i].keys : "", h->lines[i].keys ? "\t" : "",
		         h->lines[i].name ? h->lines[i].name : "", h->lines[i].name ? "\t" : "", h->lines[i].text);
}

static void help_free(struct page *p, struct app *app)
{
	struct help_page *h = (struct help_page *)p;

	(void)app;
	for (int i = 0; i < h->n; i++) {
		free(h->lines[i].keys);
		free(h->lines[i].name);
		free(h->lines[i].text);
	}
	free(h->lines);
	free(h);
}

static const struct page_ops help_ops = {
	.name = "help", .scopes = help_scopes, .prepare = help_prepare, .draw = help_draw, .command = help_command,
	.title = help_title, .copy = help_copy, .free = help_free,
};

struct page *help_page_new(struct app *app, const struct page *of)
{
	struct help_page *h = xcalloc(1, sizeof(*h));

	h->page.ops = &help_ops;
	for (unsigned i = 0; of && of->ops->scopes && of->ops->scopes[i]; i++) {
		bool last = !of->ops->scopes[i + 1];

		if (last)
			add_actions(h, app, of);
		add_scope(h, app, of, of->ops->scopes[i], !app_list(app));
	}
	add_scope(h, app, of, &app_scope, true);
	return &h->page;
}
