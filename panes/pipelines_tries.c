/* pipelines_tries: the logs of two tries of one task, side by side where there is room, else above each other: what was
 * different the second time. Both are ordinary text pages; keys go to the one in focus. */
#include "panes/pipelines.h"
#include "base/mem.h"
#include "tui/text_page.h"
#include <stdio.h>
#include <stdlib.h>

struct tries_page {
	struct page page;
	struct page *logs[2];
	char *key;
	int tried, first, focus;         /* tries there were; the left one */
	uint16_t source;
	bool beside;
};

static struct tries_page *of(const struct page *p)
{
	return (struct tries_page *)(uintptr_t)p;
}

static struct page *log_of(struct app *app, const struct tries_page *t, int try)
{
	char params[48], title[32];
	snprintf(params, sizeof(params), "{\"follow\":true,\"try\":%d}", try);
	snprintf(title, sizeof(title), "try %d", try);
	return text_page_new(app, title, t->source, "logs", "tasks", str_of(t->key), params);
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct tries_page *t = of(p);
	bool changed = false;
	t->beside = w >= 100;
	for (int i = 0; i < 2; i++)
		changed |= t->logs[i]->ops->prepare(t->logs[i], app, t->beside ? (w - 1) / 2 : w, t->beside ? h - 1 : h / 2 - 1, now);
	return changed;
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct tries_page *t = of(p);
	int half = (area.w - 1) / 2;
	for (int i = 0; i < 2; i++) {
		struct rect part = t->beside ? rect_part(area, i * (half + 1), 0, half, area.h)
		                   : rect_part(area, 0, i * (area.h / 2), area.w, area.h / 2);
		frame_textf(f, part, 0, 0, -1, i == t->focus ? ROLE_TITLE : ROLE_DIM, "%s try %d of %d", i == t->focus ? ">" : " ",
		            t->first + i, t->tried);
		t->logs[i]->ops->draw(t->logs[i], app, f, rect_part(part, 0, 1, part.w, part.h - 1), now);
	}
	if (t->beside)
		frame_fill(f, rect_part(area, half, 0, 1, area.h), f->ascii ? '|' : 0x2502, ROLE_BORDER);
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct tries_page *t = of(p);
	struct page *log = t->logs[t->focus];
	bool before = !strcmp(c->name, "try-before");
	if (!strcmp(c->name, "swap")) {
		t->focus = !t->focus;
		app_redraw(app);
	} else if (before || !strcmp(c->name, "try-after")) {
		int first = t->first + (before ? -1 : 1);
		if (first < 1 || first + 1 > t->tried) {
			app_say(app, false, before ? "these are the first tries" : "these are the last tries");
			return true;
		}
		t->first = first;
		for (int i = 0; i < 2; i++) {
			t->logs[i]->ops->shown(t->logs[i], app, false);
			t->logs[i]->ops->free(t->logs[i], app);
			t->logs[i] = log_of(app, t, first + i);
			t->logs[i]->ops->shown(t->logs[i], app, true);
		}
	} else {
		return log->ops->command(log, app, c, args);
	}
	return true;
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	buf_addf(out, "tries of %s", of(p)->key);
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct page *log = of(p)->logs[of(p)->focus];
	if (log->ops->copy)
		log->ops->copy(log, app, out);
}

static void shown(struct page *p, struct app *app, bool on)
{
	for (int i = 0; i < 2; i++)
		of(p)->logs[i]->ops->shown(of(p)->logs[i], app, on);
}

static void release(struct page *p, struct app *app)
{
	for (int i = 0; i < 2; i++)
		of(p)->logs[i]->ops->free(of(p)->logs[i], app);
	free(of(p)->key);
	free(p);
}

static const struct command commands[] = {
	{ "swap", NULL, "go to the other try's log", "other try" },
	{ "try-before", NULL, "show the pair of tries before", "tries before" },
	{ "try-after", NULL, "show the pair of tries after", NULL },
	{ .name = NULL },
};
const struct command_scope tries_scope = { "tries", "the logs of two tries of a task", commands };
static const struct command_scope *const scopes[] = { &tries_scope, &text_scope, NULL };
static const struct page_ops ops = {
	.name = "tries", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.shown = shown, .free = release,
};

struct page *tries_page_new(struct app *app, uint16_t source, struct str key, int tried)
{
	struct tries_page *t = xcalloc(1, sizeof(*t));
	t->page.ops = &ops;
	t->source = source;
	t->key = str_dup(key);
	t->tried = tried;
	t->first = tried - 1;
	t->focus = 1;
	t->logs[0] = log_of(app, t, tried - 1);
	t->logs[1] = log_of(app, t, tried);
	return &t->page;
}
