/* why_page: findings as a list of two lines each: what is wrong, and how one knows. Enter goes to where it is seen. */
#include "tui/why_page.h"
#include "tui/table_page.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct why_page {
	struct page page;
	char *title, *kind, *key;
	const char *none;        /* said when there is nothing */
	uint16_t source;
	uint64_t id;
	json_t *found;           /* array, NULL until it came */
	char *error;
	size_t cursor, top;
	int h;
	bool changed;
};

static struct why_page *of(const struct page *p)
{
	return (struct why_page *)(uintptr_t)p;
}

/* The source that fills the kind: this one, else one that has that row, else any. */
static uint16_t source_for(const struct app *app, uint16_t source, const char *kind, struct str key)
{
	const struct table *t = store_table_const(app_store(app), kind);
	const struct source *own = app_source(app, source);
	int any = -1;
	if (!own || backend_fills(own->backend, kind))
		return source;
	for (unsigned i = 0; i < app_store(app)->nsources; i++) {
		const struct source *s = app_store(app)->sources[i].source;
		if (!s || !s->backend || !backend_fills(s->backend, kind))
			continue;
		if (t && table_find(t, (uint16_t)i, key))
			return (uint16_t)i;
		any = any < 0 ? (int)i : any;
	}
	return any < 0 ? source : (uint16_t)any;
}

void page_go(struct app *app, uint16_t source, const char *kind, struct str key, const char *what)
{
	char *title = xasprintf("%s %s " STR_FMT, what ? what : "", kind, STR_ARG(key));
	source = source_for(app, source, kind, key);
	if (what && !strncmp(what, "logs", 4)) {
		app_push(app, text_page_new(app, title, source, "logs", kind, key, strcmp(what, "logs")
		         ? "{\"previous\":true}" : "{\"follow\":true,\"tail\":1000}"));
	} else if (what && strcmp(what, "rows")) {
		app_push(app, text_page_new(app, title, source, what, kind, key, ""));
	} else {
		struct page *p = table_page_new(app, kind, (struct str){ 0 });
		table_page_seek(p, source, key);
		app_push(app, p);
	}
	free(title);
}

static void take(void *arg, const struct msg *m)
{
	struct why_page *w = arg;
	struct msg_answer a;
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	w->changed = true;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (json_is_array(j)) {
		json_decref(w->found);
		w->found = j;
		return;
	}
	json_decref(j);
	free(w->error);
	w->error = a.ok ? xstrdup("the answer was no list of findings") : str_dup(a.json);
}

static bool why_prepare(struct page *p, struct app *app, int width, int h, int64_t now)
{
	struct why_page *w = of(p);
	size_t n = json_array_size(w->found), fit = h > 3 ? (size_t)h / 3 : 1;
	(void)app, (void)width, (void)now;
	bool changed = w->changed || h != w->h;
	w->h = h;
	w->changed = false;
	if (w->cursor >= n)
		w->cursor = n ? n - 1 : 0;
	if (w->cursor < w->top)
		w->top = w->cursor;
	if (w->cursor >= w->top + fit)
		w->top = w->cursor - fit + 1;
	return changed;
}

static void why_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct why_page *w = of(p);
	(void)app, (void)now;
	if (w->error)
		frame_textf(f, area, 2, 1, -1, ROLE_SAY_BAD, "%s", w->error);
	else if (!w->found)
		frame_text(f, area, 2, 1, -1, STR("looking"), ROLE_DIM);
	else if (!json_array_size(w->found))
		frame_text(f, area, 2, 1, -1, str_of(w->none), ROLE_OK);
	int y = 0;
	for (size_t i = w->top; i < json_array_size(w->found) && y < area.h; i++, y += 3) {
		const json_t *o = json_array_get(w->found, i);
		int level = (int)json_integer_value(json_object_get(o, "level"));
		enum role role = level == LEVEL_BAD ? ROLE_BAD : level == LEVEL_DOUBT ? ROLE_DOUBT : ROLE_TEXT;
		const char *glyph = level == LEVEL_BAD ? f->ascii ? "!" : "▲" : level == LEVEL_DOUBT ? f->ascii ? "?" : "△" : " ";
		const json_t *link = json_object_get(o, "link");
		struct rect line = rect_part(area, 0, y, area.w, 1), under = rect_part(area, 0, y + 1, area.w, 1);
		if (i == w->cursor)
			frame_text(f, line, 0, 0, 1, str_of(f->ascii ? ">" : "▌"), ROLE_CURSOR);
		frame_text(f, line, 1, 0, 1, str_of(glyph), role);
		frame_fit_words(f, line, 3, 0, area.w - 3, str_of(json_text(o, "text")), ROLE_TEXT);
		if (i == w->cursor)
			frame_back(f, line, ROLE_CURSOR);
		int x = 5;
		if (json_is_object(link)) {
			struct buf b = { 0 };
			buf_addf(&b, "%s %s", json_text(link, "what"), json_text(link, "key"));
			int width = text_width(buf_str(&b), f->ascii), room = area.w - 10;
			width = width < room / 2 ? width : room / 2;
			frame_fit(f, under, area.w - width - 1, 0, width, buf_str(&b), ROLE_LINK);
			area.w > 40 ? frame_fit(f, under, x, 0, area.w - width - 3 - x, str_of(json_text(o, "evidence")), ROLE_DIM) : 0;
			buf_release(&b);
		} else {
			frame_fit(f, under, x, 0, area.w - x, str_of(json_text(o, "evidence")), ROLE_DIM);
		}
	}
}

static const struct command why_commands[] = {
	{ "open", NULL, "go to where the finding is seen", "go there" },
	{ "logs", NULL, "follow the log of the object", "logs" },
	{ "describe", NULL, "describe the object", "describe" },
	{ "yaml", NULL, "show the object's document", NULL },
	{ "down", "[N]", "go down", NULL },
	{ "up", "[N]", "go up", NULL },
	{ "page-down", NULL, "go down a page", NULL },
	{ "page-up", NULL, "go up a page", NULL },
	{ "first", NULL, "go to the first finding", NULL },
	{ "last", NULL, "go to the last finding", NULL },
	{ .name = NULL }
};
/* The keys of trees serve: one looks, goes down, goes there. */
static const struct command_scope why_scope = { "tree", "findings", why_commands };
static const struct command_scope *const why_scopes[] = { &why_scope, NULL };

static bool why_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct why_page *w = of(p);
	const char *n = c->name;
	size_t count = json_array_size(w->found);
	int64_t by = 1, at = (int64_t)w->cursor, page = w->h > 6 ? w->h / 3 : 1;
	const json_t *link = json_object_get(json_array_get(w->found, w->cursor), "link");
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	w->changed = true;
	if (!strcmp(n, "open")) {
		if (*json_text(link, "filter")) {            /* a row that is known by something else than its key */
			char *line = xasprintf("%s %s", json_text(link, "kind"), json_text(link, "filter"));
			app_run_line(app, str_of(line));
			free(line);
		} else if (json_is_object(link))
			page_go(app, w->source, json_text(link, "kind"), str_of(json_text(link, "key")), json_text(link, "what"));
		else if (count)
			app_say(app, false, "there is no place of its own for this finding");
		return true;
	}
	if (!strcmp(n, "logs") || !strcmp(n, "describe") || !strcmp(n, "yaml")) {
		page_go(app, w->source, w->kind, str_of(w->key), n);
		return true;
	}
	at = !strcmp(n, "down") ? at + by : !strcmp(n, "up") ? at - by : !strcmp(n, "page-down") ? at + page
	   : !strcmp(n, "page-up") ? at - page : !strcmp(n, "first") ? 0 : (int64_t)count - 1;
	w->cursor = at < 0 ? 0 : (size_t)at < count ? (size_t)at : count ? count - 1 : 0;
	return true;
}

static void why_title(const struct page *p, const struct app *app, struct buf *out)
{
	(void)app;
	buf_adds(out, of(p)->title);
}

static void why_copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct why_page *w = of(p);
	size_t i;
	json_t *o;
	(void)app;
	json_array_foreach(w->found, i, o)
		buf_addf(out, "%s\n  %s\n", json_text(o, "text"), json_text(o, "evidence"));
}

static void why_free(struct page *p, struct app *app)
{
	struct why_page *w = of(p);
	struct source *s = app_source(app, w->source);
	if (w->id) {
		store_forget(app_store(app), w->id);
		if (s)
			source_cancel(s, w->id);
	}
	json_decref(w->found);
	free(w->error);
	free(w->title);
	free(w->kind);
	free(w->key);
	free(w);
}

static const struct page_ops why_ops = {
	.name = "why", .scopes = why_scopes, .prepare = why_prepare, .draw = why_draw, .command = why_command,
	.title = why_title, .copy = why_copy, .free = why_free,
};

static struct page *findings_page(struct app *app, const char *title, uint16_t source, const char *kind, struct str key,
                                  const char *what, const char *none)
{
	struct why_page *w = xcalloc(1, sizeof(*w));
	struct source *s = app_source(app, source);
	w->page.ops = &why_ops;
	w->title = xstrdup(title);
	w->kind = xstrdup(kind);
	w->key = str_dup(key);
	w->source = source;
	w->none = none;
	w->changed = true;
	if (s) {
		w->id = source_ask(s, request_new(REQ_ASK, kind, key, what, ""));
		store_expect(app_store(app), w->id, take, w);
	} else {
		w->error = xstrdup("its source is not there any more");
	}
	return &w->page;
}

struct page *why_page_new(struct app *app, const char *title, uint16_t source, const char *kind, struct str key)
{
	return findings_page(app, title, source, kind, key, "why", "nothing wrong was found");
}

struct page *links_page_new(struct app *app, const char *title, uint16_t source, const char *kind, struct str key)
{
	return findings_page(app, title, source, kind, key, "links", "it leads nowhere that is known here");
}
