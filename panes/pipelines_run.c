/* pipelines_run: one run: its tasks as a list, and beside each its time on one axis: waited, ran, the usual end marked; the
 * critical path, and when the run will be over. The list is an ordinary table page, so that its keys work here. */
#define _GNU_SOURCE
#include "panes/pipelines.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "tui/why_page.h"
#include <stdlib.h>
#include <time.h>

#define AXIS_LEAST 20
#define TASKS_MOST 2000

struct run_page {
	struct page page;
	struct page *list;
	uint16_t source;
	char *key;                       /* "pipeline/run" */
	struct run_tasks tasks;
	uint64_t seen_tasks, seen_runs;
	int64_t seen_at;
	int64_t start, end, ends, usual; /* of the axis; ends: estimate, 0 none; usual: of the run */
	bool over, late;                 /* late: what decides the end is over its usual time already */
	int list_w, head;
	struct buf path;                 /* names on the critical path */
};

static struct run_page *of(const struct page *p)
{
	return (struct run_page *)(uintptr_t)p;
}

/* ---- the tasks */

static int by_order(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	int64_t ox = row_null(x, TASK_ORDER) ? INT64_MAX : row_int(x, TASK_ORDER);
	int64_t oy = row_null(y, TASK_ORDER) ? INT64_MAX : row_int(y, TASK_ORDER);
	return ox != oy ? ox < oy ? -1 : 1 : str_cmp_natural(row_key(x), row_key(y));
}

void run_tasks_take(struct run_tasks *r, const struct table *t, uint16_t source, struct str key)
{
	struct str run = key, pipeline = str_split(&run, '/');
	run_tasks_release(r);
	r->rows = xcalloc(t ? t->count + 1 : 1, sizeof(*r->rows));
	for (uint32_t i = 0; t && i < t->nslots && r->n < TASKS_MOST; i++) {
		const struct row *row = table_row(t, i);
		if (row && row->source == source && str_eq(row_text(t, row, TASK_PIPELINE), pipeline) &&
		    str_eq(row_text(t, row, TASK_RUN), run))
			r->rows[r->n++] = row;
	}
	qsort(r->rows, r->n, sizeof(*r->rows), by_order);
	r->tasks = xcalloc(r->n + 1, sizeof(*r->tasks));
	for (unsigned i = 0; i < r->n; i++) {
		const struct row *row = r->rows[i];
		r->tasks[i] = (struct graph_task){ .name = row_text(t, row, TASK_NAME), .upstream = row_text(t, row, TASK_UPSTREAM),
			.is = state_meaning(row_text(t, row, TASK_STATUS)), .start = row_int(row, TASK_AGE),
			.end = row_int(row, TASK_END), .usual = row_null(row, TASK_USUAL) ? -1 : row_int(row, TASK_USUAL) };
	}
}

void run_tasks_release(struct run_tasks *r)
{
	free(r->tasks);
	free(r->rows);
	*r = (struct run_tasks){ 0 };
}

static const struct row *run_row(const struct run_page *p, const struct app *app, const struct table **t)
{
	*t = store_table_const(app_store(app), "runs");
	return *t ? table_find(*t, p->source, str_of(p->key)) : NULL;
}

/* The axis goes from the first task that was ready to the last that is or will be over. */
static void measure(struct run_page *p, const struct app *app, int64_t now)
{
	const struct table *tasks = store_table_const(app_store(app), "tasks"), *runs;
	const struct row *run = run_row(p, app, &runs);
	bool whole;
	run_tasks_take(&p->tasks, tasks, p->source, str_of(p->key));
	int64_t ends = graph_plan(p->tasks.tasks, p->tasks.n, now, &whole), first = 0, last = 0;
	for (unsigned i = 0; i < p->tasks.n; i++) {
		const struct row *r = p->tasks.rows[i];
		int64_t ready = row_int(r, TASK_READY) ? row_int(r, TASK_READY) : row_int(r, TASK_AGE);
		int64_t end = row_int(r, TASK_END) ? row_int(r, TASK_END) : row_int(r, TASK_AGE);
		first = ready && (!first || ready < first) ? ready : first;
		last = end > last ? end : last;
	}
	p->over = run && state_over(state_meaning(row_text(runs, run, RUN_STATUS)));
	p->usual = run && !row_null(run, RUN_USUAL) ? row_int(run, RUN_USUAL) : -1;
	p->start = run && row_int(run, RUN_AGE) && (!first || row_int(run, RUN_AGE) < first) ? row_int(run, RUN_AGE) : first;
	p->ends = p->over || !p->start ? 0 : whole ? ends : p->usual > 0 && p->start + p->usual > now ? p->start + p->usual : 0;
	p->late = false;
	for (unsigned i = 0; i < p->tasks.n; i++)
		p->late |= p->tasks.tasks[i].critical && p->tasks.tasks[i].is == STATE_RUNNING && p->tasks.tasks[i].finish <= now;
	p->end = p->over ? last : p->ends > now ? p->ends : now;
	if (p->end <= p->start)
		p->end = p->start + 1000;
	buf_clear(&p->path);
	graph_path(p->tasks.tasks, p->tasks.n, " > ", &p->path);
}

static bool prepare(struct page *page, struct app *app, int w, int h, int64_t now)
{
	struct run_page *p = of(page);
	const struct table *tasks = store_table_const(app_store(app), "tasks"), *runs = store_table_const(app_store(app), "runs");
	uint64_t vt = tasks ? tasks->version : 0, vr = runs ? runs->version : 0;
	bool changed = vt != p->seen_tasks || vr != p->seen_runs || (!p->over && now / 1000 != p->seen_at / 1000);
	if (changed) {
		measure(p, app, now);
		p->seen_tasks = vt, p->seen_runs = vr, p->seen_at = now;
	}
	p->head = h >= 12 ? 2 : 1;
	p->list_w = w >= 60 + AXIS_LEAST ? w >= 120 ? 62 : w - w * 9 / 20 : w;
	changed |= p->list->ops->prepare(p->list, app, p->list_w, h - p->head - 1, now);
	return changed;
}

/* ---- drawing */

static void add_span(struct buf *b, const char *before, int64_t ms)
{
	buf_adds(b, before);
	fmt_duration(ms > 0 ? ms : 0, b);
}

static void draw_head(const struct run_page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct table *t;
	const struct row *r = run_row(p, app, &t);
	struct buf b = { 0 };
	if (!r)
		return;
	struct str status = row_text(t, r, RUN_STATUS);
	enum level level = r->level;
	bool doubt = level == LEVEL_DOUBT || level == LEVEL_BAD;
	if (doubt)
		buf_adds(&b, level == LEVEL_BAD ? f->ascii ? "! " : "▲ " : f->ascii ? "? " : "△ ");
	buf_addf(&b, STR_FMT " ", STR_ARG(status));
	row_show(t, r, RUN_DURATION, now, &b);
	if (p->usual >= 0)
		add_span(&b, "   usual ", p->usual);
	if (p->ends > now) {
		time_t at = (time_t)(p->ends / 1000);
		struct tm tm;
		char clock[16] = "";
		if (localtime_r(&at, &tm))
			strftime(clock, sizeof(clock), p->ends - now < 600000 ? "%H:%M:%S" : "%H:%M", &tm);
		buf_addf(&b, p->late ? "   over its usual time, ends not before %s" : "   ends about %s", clock);
		if (!p->late)
			add_span(&b, ", in ", p->ends - now);
	} else if (p->late) {
		buf_adds(&b, "   over its usual time");
	}
	if (!row_null(r, RUN_TRIGGER))
		buf_addf(&b, "   " STR_FMT, STR_ARG(row_text(t, r, RUN_TRIGGER)));
	frame_fit(f, area, 1, 0, area.w - 1, buf_str(&b), doubt ? level == LEVEL_BAD ? ROLE_BAD : ROLE_DOUBT : ROLE_TEXT);
	if (p->head > 1) {
		buf_clear(&b);
		buf_addf(&b, "parameters " STR_FMT, STR_ARG(row_text(t, r, RUN_PARAMS)));
		frame_fit(f, area, 1, 1, area.w - 1, row_null(r, RUN_PARAMS) ? STR("parameters: as defined; p shows them") : buf_str(&b),
		          ROLE_DIM);
	}
	buf_release(&b);
}

/* Labels of elapsed time at round steps. */
static void draw_axis(const struct run_page *p, struct frame *f, struct rect line)
{
	static const int64_t steps[] = { 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
		172800, 604800 };
	int64_t span = p->end - p->start, step = steps[ARRAY_SIZE(steps) - 1] * 1000;
	for (size_t i = ARRAY_SIZE(steps); i > 0; i--)
		if (steps[i - 1] * 1000 * line.w / span >= 8)
			step = steps[i - 1] * 1000;
	for (int64_t at = 0; at <= span; at += step) {
		struct buf b = { 0 };
		int x = (int)(at * line.w / span);
		if (at)
			fmt_duration(at, &b);
		else
			buf_adds(&b, "0");
		int w = text_width(buf_str(&b), f->ascii);
		if (x + w <= line.w)
			frame_text(f, line, x, 0, -1, buf_str(&b), ROLE_CHART_AXIS);
		buf_release(&b);
		if (span / step > 40)
			break;
	}
}

static int place(const struct run_page *p, int64_t at, int w)
{
	int64_t x = (at - p->start) * w / (p->end - p->start);
	return x < 0 ? 0 : x >= w ? w - 1 : (int)x;
}

static void stretch(struct frame *f, struct rect line, int from, int to, const char *glyph, enum role role)
{
	for (int x = from; x <= to; x++)
		frame_text(f, line, x, 0, 1, str_of(glyph), role);
}

/* Tries that are over, each with how it ended: thinner than the one that counts. */
static void draw_before(const struct run_page *p, struct frame *f, struct rect line, struct str tries)
{
	int64_t start, end;
	struct str state;
	while (tries.n && try_next(&tries, &start, &end, &state)) {
		bool failed = state_meaning(state) == STATE_FAILED || str_is(state, "up_for_retry");
		if (end < p->start)
			continue;
		stretch(f, line, place(p, start, line.w), place(p, end, line.w), f->ascii ? "-" : "▂", failed ? ROLE_BAD : ROLE_CHART);
		if (failed)
			frame_text(f, line, place(p, end, line.w), 0, 1, STR("x"), ROLE_BAD);
	}
}

/* Waited light, ran solid (the critical path heaviest), still running with an arrow, the usual end a dotted line. */
static void draw_bar(const struct run_page *p, struct frame *f, struct rect line, const struct table *tasks, unsigned i, int64_t now)
{
	const struct row *r = p->tasks.rows[i];
	const struct graph_task *t = &p->tasks.tasks[i];
	int64_t ready = row_int(r, TASK_READY), start = t->start, end = t->end ? t->end : now;
	bool waits = t->is == STATE_WAITING, runs = t->is == STATE_RUNNING, slow = runs && t->usual > 0 && now - start > 2 * t->usual;
	enum role role = t->is == STATE_FAILED ? ROLE_BAD : slow ? ROLE_CHART_OVER : ROLE_CHART;
	if (waits && ready && !start)
		stretch(f, line, place(p, ready, line.w), place(p, now, line.w), f->ascii ? "." : "░", ROLE_CHART_AXIS);
	if (!start || t->is == STATE_SKIPPED || t->is == STATE_HELD) {
		draw_before(p, f, line, row_text(tasks, r, TASK_BEFORE));
		return;
	}
	int x = place(p, start, line.w), to = place(p, end, line.w);
	draw_before(p, f, line, row_text(tasks, r, TASK_BEFORE));
	if (ready && ready < start && place(p, ready, line.w) < x)
		stretch(f, line, place(p, ready, line.w), x - 1, f->ascii ? "." : "░", ROLE_CHART_AXIS);
	stretch(f, line, x, to, f->ascii ? t->critical ? "#" : "=" : t->critical ? "█" : "▒", role);
	if (runs)
		frame_text(f, line, to, 0, 1, str_of(f->ascii ? ">" : "▶"), role);
	if (t->is == STATE_FAILED)
		frame_text(f, line, to, 0, 1, STR("X"), role);
	int usual = t->usual > 0 ? place(p, start + t->usual, line.w) : -1;
	if (usual >= 0 && start + t->usual <= p->end && usual != to)
		frame_text(f, line, usual, 0, 1, str_of(f->ascii ? ":" : "┆"), ROLE_CHART_LIMIT);
	if (slow && to + 6 < line.w)
		frame_textf(f, line, to + 2, 0, -1, role, "%.1fx", (double)(now - start) / (double)t->usual);
}

static void draw_bars(const struct run_page *p, struct frame *f, struct rect area, int64_t now)
{
	const struct table_page *t = table_page_of(p->list);
	if (!t->view || !t->view->n || !p->start)
		return;
	draw_axis(p, f, rect_part(area, 0, 0, area.w, 1));
	for (int y = 1; y < area.h; y++) {
		uint32_t at = t->top + (uint32_t)y - 1;
		const struct row *r = at < t->view->n ? table_row(t->table, t->view->ids[at]) : NULL;
		struct rect line = rect_part(area, 0, y, area.w, 1);
		for (unsigned i = 0; r && i < p->tasks.n; i++)
			if (p->tasks.rows[i] == r)
				draw_bar(p, f, line, t->table, i, now);
		if (r && at == t->cursor)
			frame_back(f, line, ROLE_CURSOR);
	}
}

static void draw(const struct page *page, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct run_page *p = of(page);
	struct rect rest = rect_part(area, 0, p->head, area.w, area.h - p->head - 1);
	draw_head(p, app, f, area, now);
	p->list->ops->draw(p->list, app, f, rect_part(rest, 0, 0, p->list_w, rest.h), now);
	if (p->list_w < area.w)
		draw_bars(p, f, rect_part(rest, p->list_w + 1, 0, area.w - p->list_w - 2, rest.h), now);
	if (p->path.len && area.h > 4) {
		struct buf b = { 0 };
		buf_addf(&b, "critical path: %s", p->path.data);
		frame_fit(f, area, 1, area.h - 1, area.w - 1, buf_str(&b), ROLE_DIM);
		buf_release(&b);
	}
}

/* ---- commands */

static bool command(struct page *page, struct app *app, const struct command *c, struct str args)
{
	struct run_page *p = of(page);
	const struct table *t = NULL;
	const struct row *r = table_page_row(p->list, &t);
	if (!strcmp(c->name, "graph"))
		app_push(app, graph_page_new(app, p->source, str_of(p->key)));
	else if (!strcmp(c->name, "open") || !strcmp(c->name, "logs"))
		r ? open_task_log(app, r->source, row_key(r)) : app_say(app, false, "there is no task here");
	else if (!strcmp(c->name, "links"))
		app_push(app, links_page_new(app, p->key, p->source, "runs", str_of(p->key)));
	else if (!strcmp(c->name, "why-run"))
		app_push(app, why_page_new(app, p->key, p->source, "runs", str_of(p->key)));
	else if (!pipeline_command(app, c->name, "tasks", t, r))
		return p->list->ops->command(p->list, app, c, args);
	return true;
}

static void title(const struct page *page, const struct app *app, struct buf *out)
{
	const struct run_page *p = of(page);
	struct str run = str_of(p->key), pipeline = str_split(&run, '/');
	unsigned over = 0;
	for (unsigned i = 0; i < p->tasks.n; i++)
		over += state_over(p->tasks.tasks[i].is);
	buf_addf(out, STR_FMT "  " STR_FMT, STR_ARG(pipeline), STR_ARG(run));
	if (p->tasks.n)
		buf_addf(out, "   %u of %u tasks over", over, p->tasks.n);
	if (*table_page_of(p->list)->typed)
		buf_addf(out, "   filter %s", table_page_of(p->list)->typed);
}

static void copy(const struct page *page, const struct app *app, struct buf *out)
{
	of(page)->list->ops->copy(of(page)->list, app, out);
}

static void shown(struct page *page, struct app *app, bool on)
{
	struct run_page *p = of(page);
	p->list->ops->shown(p->list, app, on);
	on ? app_watch(app, "runs", "") : app_unwatch(app, "runs", "");
}

static void release(struct page *page, struct app *app)
{
	struct run_page *p = of(page);
	p->list->ops->free(p->list, app);
	run_tasks_release(&p->tasks);
	buf_release(&p->path);
	free(p->key);
	free(p);
}

static const struct command commands[] = {
	{ "graph", NULL, "show the tasks as a graph", "graph" },
	{ "parameters", NULL, "show the task's parameters, as they were rendered", "parameters", true },
	{ "xcom", NULL, "show the values that the task left (XCom)", "xcom", true },
	{ "tries", NULL, "show the logs of the task's last two tries side by side", NULL },
	{ "links", NULL, "show where the run leads: model version, pod, drift check", "links", true },
	{ "why-run", NULL, "say why the run waits or failed", NULL },
	{ .name = NULL },
};
const struct command_scope run_scope = { "run", "one run of a pipeline", commands };
static const struct command_scope *const scopes[] = { &run_scope, &table_scope, NULL };
static const struct page_ops ops = {
	.name = "run", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.shown = shown, .free = release,
};

struct page *run_page_new(struct app *app, uint16_t source, struct str key)
{
	struct run_page *p = xcalloc(1, sizeof(*p));
	struct str run = key, pipeline = str_split(&run, '/');
	struct buf filter = { 0 };
	p->page.ops = &ops;
	p->source = source;
	p->key = str_dup(key);
	p->usual = -1;
	p->list = table_page_new(app, "tasks", STR(""));
	buf_addf(&filter, "pipeline=\"" STR_FMT "\" run=\"" STR_FMT "\"", STR_ARG(pipeline), STR_ARG(run));
	table_page_scope(p->list, p->key);
	table_page_source(p->list, source);
	if (!table_page_within(p->list, app, buf_str(&filter), run))
		app_say(app, true, "the tasks of this run cannot be told by a filter");
	table_page_sort(p->list, "order", false);
	table_page_of(p->list)->hidden |= 1ull << TASK_PIPELINE | 1ull << TASK_RUN | 1ull << TASK_AGE | 1ull << TASK_HOST |
		1ull << TASK_POOL | 1ull << TASK_OPERATOR | 1ull << TASK_UPSTREAM;
	buf_release(&filter);
	return &p->page;
}
