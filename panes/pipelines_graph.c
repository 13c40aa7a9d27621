/* pipelines_graph: the tasks of one run as a graph, drawn in lanes downwards as git draws history, so that a graph of any
 * width stands in 80 columns and one of any length scrolls. */
#include "panes/pipelines.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "tui/why_page.h"
#include <stdlib.h>

struct graph_page {
	struct page page;
	uint16_t source;
	char *key;
	struct run_tasks tasks;
	struct graph_line *lines; unsigned nlines;
	unsigned cursor, top;            /* lines; the cursor stands on lines of tasks only */
	int h, lanes;
	uint64_t seen;
	int64_t seen_at;
	bool dirty;
};

static struct graph_page *of(const struct page *p)
{
	return (struct graph_page *)(uintptr_t)p;
}

static void measure(struct graph_page *g, const struct app *app, int64_t now)
{
	bool whole;
	run_tasks_take(&g->tasks, store_table_const(app_store(app), "tasks"), g->source, str_of(g->key));
	graph_plan(g->tasks.tasks, g->tasks.n, now, &whole);
	free(g->lines);
	g->nlines = graph_lines(g->tasks.tasks, g->tasks.n, &g->lines);
	g->lanes = 1;
	for (unsigned i = 0; i < g->nlines; i++)
		g->lanes = g->lines[i].n > g->lanes ? g->lines[i].n : g->lanes;
}

static void to_task(struct graph_page *g, int step)
{
	if (g->cursor >= g->nlines)
		g->cursor = g->nlines ? g->nlines - 1 : 0;
	unsigned at = g->cursor;
	while (at < g->nlines && g->lines[at].task < 0)
		at = step < 0 && at > 0 ? at - 1 : at + 1;
	if (at < g->nlines)
		g->cursor = at;
	else if (step > 0 && g->nlines)
		for (at = g->nlines; at > 0; at--)
			if (g->lines[at - 1].task >= 0) {
				g->cursor = at - 1;
				return;
			}
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct graph_page *g = of(p);
	const struct table *t = store_table_const(app_store(app), "tasks");
	uint64_t version = t ? t->version : 0;
	bool changed = g->dirty || version != g->seen || h != g->h || now / 1000 != g->seen_at / 1000;
	if (g->dirty || version != g->seen)
		measure(g, app, now);
	g->seen = version, g->seen_at = now, g->h = h, g->dirty = false;
	to_task(g, 1);
	if (g->cursor < g->top)
		g->top = g->cursor;
	if (h > 0 && g->cursor >= g->top + (unsigned)h)
		g->top = g->cursor - (unsigned)h + 1;
	return changed;
}

static const struct row *row_at(const struct graph_page *g)
{
	return g->cursor < g->nlines && g->lines[g->cursor].task >= 0 ? g->tasks.rows[g->lines[g->cursor].task] : NULL;
}

static enum role role_of(enum state_is is)
{
	return is == STATE_FAILED ? ROLE_BAD : is == STATE_HELD ? ROLE_DOUBT : is == STATE_RUNNING || is == STATE_WAITING ? ROLE_BUSY :
	       is == STATE_SKIPPED || is == STATE_NONE ? ROLE_DIM : ROLE_TEXT;
}

/* A task's glyph says its state: filled done, hollow not yet, a dot skipped. */
static const char *glyph_of(enum state_is is, bool ascii)
{
	static const char *const fine[] = { "?", "○", "◌", "▶", "●", "✗", "△", "·" }, *const plain[] = { "?", "o", "q", ">", "*", "X",
		"!", "-" };
	return (ascii ? plain : fine)[is];
}

static void draw_task(const struct graph_page *g, const struct table *t, struct frame *f, struct rect line, unsigned i,
                      int64_t now)
{
	const struct row *r = g->tasks.rows[i];
	const struct graph_task *task = &g->tasks.tasks[i];
	int x = 2 + 2 * g->lanes, name = line.w / 2 - x;
	struct buf b = { 0 };
	name = name < 16 ? 16 : name > 36 ? 36 : name;
	buf_addstr(&b, task->name);
	if (!row_null(r, TASK_MAP))
		buf_addf(&b, " [%lld]", (long long)row_int(r, TASK_MAP));
	frame_fit(f, line, x, 0, name, buf_str(&b), task->critical ? ROLE_TITLE : task->is == STATE_SKIPPED ? ROLE_DIM : ROLE_TEXT);
	x += name + 1;
	frame_fit(f, line, x, 0, 16, row_null(r, TASK_STATUS) ? STR("-") : row_text(t, r, TASK_STATUS), role_of(task->is));
	buf_clear(&b);
	row_show(t, r, TASK_DURATION, now, &b);
	frame_right(f, line, x + 16, 0, 8, buf_str(&b), ROLE_TEXT);
	buf_clear(&b);
	if (task->usual >= 0) {
		buf_adds(&b, "usual ");
		fmt_duration(task->usual, &b);
	}
	if (task->critical)
		buf_addf(&b, "%scritical path", b.len ? "   " : "");
	frame_fit(f, line, x + 26, 0, line.w - x - 26, buf_str(&b), ROLE_DIM);
	buf_release(&b);
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct graph_page *g = of(p);
	const struct table *t = store_table_const(app_store(app), "tasks");
	if (!g->nlines)
		frame_text(f, area, 3, 1, -1, STR("no task is known of this run yet"), ROLE_DIM);
	for (int y = 0; y < area.h && g->top + (unsigned)y < g->nlines; y++) {
		const struct graph_line *l = &g->lines[g->top + (unsigned)y];
		struct rect line = rect_part(area, 0, y, area.w, 1);
		for (int i = 0; i < l->n; i++) {
			bool task = l->cell[i] == LANE_TASK && l->task >= 0;
			enum state_is is = task ? g->tasks.tasks[l->task].is : STATE_NONE;
			frame_text(f, line, 2 + 2 * i, 0, 1, str_of(task ? glyph_of(is, f->ascii) : lane_text((enum lane)l->cell[i], f->ascii)),
			           task ? role_of(is) : ROLE_BORDER);
			if (l->across[i])
				frame_text(f, line, 3 + 2 * i, 0, 1, str_of(lane_text(LANE_OVER, f->ascii)), ROLE_BORDER);
		}
		if (l->task >= 0)
			draw_task(g, t, f, line, (unsigned)l->task, now);
		if (g->top + (unsigned)y == g->cursor) {
			frame_text(f, line, 0, 0, 1, str_of(f->ascii ? ">" : "▌"), ROLE_CURSOR);
			frame_back(f, line, ROLE_CURSOR);
		}
	}
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct graph_page *g = of(p);
	const struct row *r = row_at(g);
	const char *n = c->name;
	int64_t by = 1;
	int step = 1;
	if (args.n && !str_to_i64(args, &by))
		by = 1;
	if (!strcmp(n, "graph")) {
		app_pop(app);
	} else if (!strcmp(n, "open") || !strcmp(n, "logs")) {
		r ? open_task_log(app, r->source, row_key(r)) : app_say(app, false, "there is no task here");
	} else if (!strcmp(n, "why") && r) {
		app_push(app, why_page_new(app, "why", r->source, "tasks", row_key(r)));
	} else {
		int64_t page = g->h > 1 ? g->h - 1 : 1, at = g->cursor;
		at = !strcmp(n, "down") ? at + by : !strcmp(n, "up") ? at - by : !strcmp(n, "page-down") ? at + page
		   : !strcmp(n, "page-up") ? at - page : !strcmp(n, "first") ? 0 : !strcmp(n, "last") ? (int64_t)g->nlines - 1 : -2;
		if (at == -2)
			return pipeline_command(app, n, "tasks", store_table_const(app_store(app), "tasks"), r);
		step = at < (int64_t)g->cursor ? -1 : 1;
		g->cursor = at < 0 ? 0 : (unsigned)at;
		to_task(g, step);
		app_redraw(app);
	}
	return true;
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	buf_addf(out, "graph of %s", of(p)->key);
}

static void shown(struct page *p, struct app *app, bool on)
{
	on ? app_watch(app, "tasks", of(p)->key) : app_unwatch(app, "tasks", of(p)->key);
	of(p)->dirty = true;
}

static void release(struct page *p, struct app *app)
{
	run_tasks_release(&of(p)->tasks);
	free(of(p)->lines);
	free(of(p)->key);
	free(p);
}

static const struct command commands[] = {
	{ "down", "[N]", "go down", NULL },
	{ "up", "[N]", "go up", NULL },
	{ "page-down", NULL, "go down a page", NULL },
	{ "page-up", NULL, "go up a page", NULL },
	{ "first", NULL, "go to the first task", NULL },
	{ "last", NULL, "go to the last task", NULL },
	{ "open", NULL, "follow the task's log", "log" },
	{ "logs", NULL, "follow the task's log", NULL },
	{ "graph", NULL, "go back to the time axis", "times" },
	{ "parameters", NULL, "show the task's parameters, as they were rendered", "parameters" },
	{ "xcom", NULL, "show the values that the task left (XCom)", "xcom" },
	{ "tries", NULL, "show the logs of the task's last two tries side by side", NULL },
	{ "links", NULL, "show where the task leads: model version, pod, drift check", "links" },
	{ "why", NULL, "say why the task waits or failed", "why" },
	{ .name = NULL },
};
const struct command_scope graph_scope = { "graph", "the tasks of a run as a graph", commands };
static const struct command_scope *const scopes[] = { &graph_scope, NULL };
static const struct page_ops ops = {
	.name = "graph", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .shown = shown,
	.free = release,
};

struct page *graph_page_new(struct app *app, uint16_t source, struct str key)
{
	struct graph_page *g = xcalloc(1, sizeof(*g));
	g->page.ops = &ops;
	g->source = source;
	g->key = str_dup(key);
	g->dirty = true;
	return &g->page;
}
