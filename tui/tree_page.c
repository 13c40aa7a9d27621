/* tree_page: the answer to a question as a tree that folds: owners and what they own. Enter goes to the object. */
#include "tui/why_page.h"
#include "tui/table_page.h"
#include "tui/scopes.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define TREE_DEEP 64

struct branch {                  /* a node, in the order in which all would be shown unfolded */
	const json_t *node;
	int depth;
	bool last;               /* of its siblings */
	bool folded, hidden;
	uint64_t bars;           /* depths at which an ancestor has siblings to come */
};
struct tree_page {
	struct page page;
	char *title;
	uint16_t source;
	uint64_t id;
	json_t *answer;
	struct branch *all; size_t n, cap;
	char *error;
	size_t cursor, top;      /* index into all */
	int h;
	bool changed;
};

static struct tree_page *of(const struct page *p)
{
	return (struct tree_page *)(uintptr_t)p;
}

static void unroll(struct tree_page *t, const json_t *list, int depth, uint64_t bars)
{
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n && depth < TREE_DEEP; i++) {
		if (t->n == t->cap) {
			t->cap = t->cap ? t->cap * 2 : 64;
			t->all = xreallocarray(t->all, t->cap, sizeof(*t->all));
		}
		const json_t *o = json_array_get(list, i);
		bool last = i + 1 == n;
		if (json_is_true(json_object_get(o, "here")))
			t->cursor = t->n;
		t->all[t->n++] = (struct branch){ .node = o, .depth = depth, .last = last, .bars = bars };
		unroll(t, json_object_get(o, "children"), depth + 1, last ? bars : bars | (uint64_t)1 << depth);
	}
}

static void take(void *arg, const struct msg *m)
{
	struct tree_page *t = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	t->changed = true;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (!json_is_array(j)) {
		json_decref(j);
		free(t->error);
		t->error = a.ok ? xstrdup("the answer was no tree") : str_dup(a.json);
		return;
	}
	t->n = t->cursor = t->top = 0;
	json_decref(t->answer);
	t->answer = j;
	unroll(t, j, 0, 0);
}

/* Which are hidden below something folded. */
static void refold(struct tree_page *t)
{
	int under = TREE_DEEP + 1;
	for (size_t i = 0; i < t->n; i++) {
		struct branch *b = &t->all[i];
		if (b->depth <= under)
			under = TREE_DEEP + 1;
		b->hidden = b->depth > under;
		if (!b->hidden && b->folded)
			under = b->depth;
	}
}

static size_t step(const struct tree_page *t, size_t at, int by)
{
	size_t i = at;
	while (by > 0 ? i + 1 < t->n : i > 0) {
		i += by > 0 ? 1 : (size_t)-1;
		if (!t->all[i].hidden)
			return i;
	}
	return at;
}

static bool tree_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct tree_page *t = of(p);
	(void)app, (void)w, (void)now;
	bool changed = t->changed || h != t->h;
	t->changed = false;
	t->h = h > 0 ? h : 1;
	if (t->cursor < t->top)
		t->top = t->cursor;
	size_t at = t->cursor;
	for (int y = t->h - 1; y > 0 && at > t->top; y--)
		at = step(t, at, -1);
	if (at > t->top)
		t->top = at;
	return changed;
}

static void tree_lines(const struct branch *b, bool ascii, struct buf *out)
{
	for (int d = 1; d < b->depth; d++)
		buf_adds(out, b->bars >> d & 1 ? ascii ? "|  " : "│  " : "   ");
	if (b->depth)
		buf_adds(out, ascii ? b->last ? "`- " : "|- " : b->last ? "└─ " : "├─ ");
	if (b->folded)
		buf_adds(out, ascii ? "+ " : "▸ ");
}

static void tree_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct tree_page *t = of(p);
	struct buf b = { 0 };
	(void)app, (void)now;
	if (t->error)
		frame_textf(f, area, 2, 1, -1, ROLE_SAY_BAD, "%s", t->error);
	else if (!t->answer)
		frame_text(f, area, 2, 1, -1, STR("looking"), ROLE_DIM);
	else if (!t->n)
		frame_text(f, area, 2, 1, -1, STR("it owns nothing and nothing owns it"), ROLE_DIM);
	int y = 0;
	for (size_t i = t->top; i < t->n && y < area.h; i++) {
		const struct branch *br = &t->all[i];
		if (br->hidden)
			continue;
		struct rect line = rect_part(area, 0, y++, area.w, 1);
		int level = (int)json_integer_value(json_object_get(br->node, "level"));
		const char *glyph = level == LEVEL_BAD ? f->ascii ? "!" : "▲" : level == LEVEL_DOUBT ? f->ascii ? "?" : "△" : " ";
		if (i == t->cursor)
			frame_text(f, line, 0, 0, 1, str_of(f->ascii ? ">" : "▌"), ROLE_CURSOR);
		frame_text(f, line, 1, 0, 1, str_of(glyph), level == LEVEL_BAD ? ROLE_BAD : ROLE_DOUBT);
		buf_clear(&b);
		tree_lines(br, f->ascii, &b);
		int x = 3 + frame_text(f, line, 3, 0, -1, buf_str(&b), ROLE_BORDER);
		if (x < area.w)
			frame_fit(f, line, x, 0, area.w - x, str_of(json_text(br->node, "text")),
			          level == LEVEL_DONE ? ROLE_DIM : ROLE_TEXT);
		if (i == t->cursor)
			frame_back(f, line, ROLE_CURSOR);
	}
	buf_release(&b);
}

static const struct command tree_commands[] = {
	{ "open", NULL, "go to the object", "go there" },
	{ "fold", NULL, "fold the node, or go to its parent", "fold" },
	{ "unfold", NULL, "unfold the node", "unfold" },
	{ "toggle", NULL, "fold or unfold the node", NULL },
	{ "logs", NULL, "follow the log of the object", "logs" },
	{ "describe", NULL, "describe the object", "describe" },
	{ "yaml", NULL, "show the object's document", "yaml" },
	{ "why", NULL, "say what is wrong with the object", "why" },
	{ "down", "[N]", "go down", NULL },
	{ "up", "[N]", "go up", NULL },
	{ "page-down", NULL, "go down a page", NULL },
	{ "page-up", NULL, "go up a page", NULL },
	{ "first", NULL, "go to the top", NULL },
	{ "last", NULL, "go to the end", NULL },
	{ .name = NULL }
};
const struct command_scope tree_scope = { "tree", "trees", tree_commands };
static const struct command_scope *const tree_scopes[] = { &tree_scope, NULL };

static void fold(struct tree_page *t, const char *n)
{
	struct branch *b = &t->all[t->cursor];
	bool parent = json_array_size(json_object_get(b->node, "children")) > 0;
	if (!strcmp(n, "toggle"))
		b->folded = parent && !b->folded;
	else if (!strcmp(n, "unfold"))
		b->folded = false;
	else if (parent && !b->folded)
		b->folded = true;
	else
		while (t->cursor > 0 && t->all[t->cursor].depth >= b->depth && b->depth)
			t->cursor--;
	refold(t);
}

static void tree_open(struct tree_page *t, struct app *app, const char *n)
{
	const json_t *o = t->all[t->cursor].node;
	const char *kind = json_text(o, "kind"), *key = json_text(o, "key");
	if (!*kind || !*key)
		app_say(app, false, "there is no row of its own for this");
	else if (!strcmp(n, "why")) {
		char *title = xasprintf("why %s %s", kind, key);
		app_push(app, why_page_new(app, title, t->source, kind, str_of(key)));
		free(title);
	} else {
		page_go(app, t->source, kind, str_of(key), !strcmp(n, "open") ? NULL : n);
	}
}

static bool tree_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct tree_page *t = of(p);
	const char *n = c->name;
	int64_t by = 1;
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	t->changed = true;
	if (!t->n)
		return true;
	if (!strcmp(n, "page-down") || !strcmp(n, "page-up"))
		by = t->h;
	if (!strcmp(n, "down") || !strcmp(n, "page-down"))
		while (by-- > 0)
			t->cursor = step(t, t->cursor, 1);
	else if (!strcmp(n, "up") || !strcmp(n, "page-up"))
		while (by-- > 0)
			t->cursor = step(t, t->cursor, -1);
	else if (!strcmp(n, "first"))
		t->cursor = 0;
	else if (!strcmp(n, "last"))
		t->cursor = t->all[t->n - 1].hidden ? step(t, t->n - 1, -1) : t->n - 1;
	else if (!strcmp(n, "fold") || !strcmp(n, "unfold") || !strcmp(n, "toggle"))
		fold(t, n);
	else
		tree_open(t, app, n);
	return true;
}

static void tree_title(const struct page *p, const struct app *app, struct buf *out)
{
	(void)app;
	buf_adds(out, of(p)->title);
}

static void tree_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct tree_page *t = of(p);
	for (size_t i = 0; i < t->n; i++) {
		tree_lines(&t->all[i], app_ascii(app), out);
		buf_addf(out, "%s\n", json_text(t->all[i].node, "text"));
	}
}

static void tree_free(struct page *p, struct app *app)
{
	struct tree_page *t = of(p);
	struct source *s = app_source(app, t->source);
	if (t->id) {
		store_forget(app_store(app), t->id);
		if (s)
			source_cancel(s, t->id);
	}
	json_decref(t->answer);
	free(t->all);
	free(t->error);
	free(t->title);
	free(t);
}

static const struct page_ops tree_ops = {
	.name = "tree", .scopes = tree_scopes, .prepare = tree_prepare, .draw = tree_draw, .command = tree_command,
	.title = tree_title, .copy = tree_copy, .free = tree_free,
};

struct page *tree_page_new(struct app *app, const char *title, uint16_t source, const char *what, const char *kind,
                           struct str key)
{
	struct tree_page *t = xcalloc(1, sizeof(*t));
	struct source *s = app_source(app, source);
	t->page.ops = &tree_ops;
	t->title = xstrdup(title);
	t->source = source;
	t->changed = true;
	if (s) {
		t->id = source_ask(s, request_new(REQ_ASK, kind, key, what, ""));
		store_expect(app_store(app), t->id, take, t);
	} else {
		t->error = xstrdup("its source is not there any more");
	}
	return &t->page;
}
