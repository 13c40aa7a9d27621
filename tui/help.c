/* help: the keys and commands of the place one came from, made from its scopes and the keymap, so that it cannot be
 * wrong about what a key does. */
#include "tui/app_in.h"
#include "base/mem.h"
#include <stdlib.h>

struct help_line { char *keys, *name, *text; bool heading; };
struct help_page {
	struct page page;
	struct help_line *lines;
	int n, top, rows, key_width, name_width;
};

static const struct command help_commands[] = {
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

/* Adds the keys of a scope that run `line`, or the command of that name with a number. */
static void add_keys(const struct keymap *m, const char *scope, const char *line, struct buf *out)
{
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->bindings[i].scope, scope) == 0 &&
		    (strcmp(m->bindings[i].line, line) == 0 || is_plain(m->bindings[i].line, line))) {
			if (out->len)
				buf_adds(out, ", ");
			binding_show(&m->bindings[i], out);
		}
}

static void add_scope(struct help_page *h, const struct app *app, const struct command_scope *s)
{
	const struct keymap *m = app->o.keymap;

	if (h->n)
		add_line(h, (struct help_line){ .text = xstrdup(""), .heading = true });
	add_line(h, (struct help_line){ .text = xstrdup(s->help ? s->help : s->name), .heading = true });
	for (const struct command *c = s->commands; c && c->name; c++) {
		struct buf keys = { 0 };

		add_keys(m, s->name, c->name, &keys);
		add_line(h, (struct help_line){ buf_detach(&keys), xasprintf(":%s%s%s", c->name, c->args ? " " : "",
		         c->args ? c->args : ""), xstrdup(c->help), false });
	}
	/* what is bound with arguments: "action restart" */
	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->bindings[i];
		const char *refused = str_starts(str_of(b->line), STR("action ")) ? app_refuses(app, b->line + 7) : NULL;
		struct buf keys = { 0 };
		bool before = false;

		if (strcmp(b->scope, s->name) != 0 || !strchr(b->line, ' '))
			continue;
		for (const struct command *c = s->commands; c && c->name; c++)
			before |= is_plain(b->line, c->name);
		for (unsigned k = 0; k < i; k++)
			before |= strcmp(m->bindings[k].scope, b->scope) == 0 && strcmp(m->bindings[k].line, b->line) == 0;
		if (before)
			continue;
		add_keys(m, s->name, b->line, &keys);
		add_line(h, (struct help_line){ buf_detach(&keys), xasprintf(":%s", b->line), xstrdup(refused ? refused : ""), false });
	}
}

static bool help_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct help_page *help = (struct help_page *)p;
	int max = help->n > h ? help->n - h : 0;

	(void)app, (void)w, (void)now;
	help->rows = h;
	help->top = help->top > max ? max : help->top < 0 ? 0 : help->top;
	return false;
}

static void help_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct help_page *h = (const struct help_page *)p;
	int kw = h->key_width < area.w / 4 ? h->key_width : area.w / 4;
	int nw = h->name_width < area.w / 3 ? h->name_width : area.w / 3;

	(void)app, (void)now;
	for (int y = 0; y < area.h && h->top + y < h->n; y++) {
		const struct help_line *l = &h->lines[h->top + y];

		if (l->heading) {
			frame_fit(f, area, 1, y, area.w - 2, str_of(l->text), ROLE_HEADING_SORTED);
			continue;
		}
		frame_fit(f, area, 1, y, kw, str_of(l->keys), ROLE_HINT_KEY);
		frame_fit(f, area, kw + 3, y, nw, str_of(l->name), ROLE_TEXT);
		frame_fit(f, area, kw + nw + 5, y, area.w - kw - nw - 6, str_of(l->text), ROLE_DIM);
	}
}

static bool help_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct help_page *h = (struct help_page *)p;
	int64_t n = 1;

	if (args.n && (!str_to_i64(args, &n) || n < 1 || n > 1000))
		n = 1;
	if (strcmp(c->name, "down") == 0)
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
		h->top = h->n;
	app_redraw(app);
	return true;
}

static void help_title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct help_page *h = (const struct help_page *)p;

	(void)app;
	buf_addf(out, "keys and commands   lines %d to %d of %d", h->n ? h->top + 1 : 0,
	         h->top + h->rows < h->n ? h->top + h->rows : h->n, h->n);
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
	for (unsigned i = 0; of && of->ops->scopes && of->ops->scopes[i]; i++)
		add_scope(h, app, of->ops->scopes[i]);
	add_scope(h, app, &app_scope);
	return &h->page;
}
