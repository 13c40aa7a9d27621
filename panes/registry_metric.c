/* registry_metric: how a metric went while a run trained, step by step. */
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/registry.h"
#include "tui/chart.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

struct metric_page {
	struct page page;
	uint16_t source;
	char *key, *name, *metrics, *metric, *error;
	uint64_t id;
	double *x, *y;
	int n;
	bool more, steps, changed, came;
};

static struct metric_page *of(const struct page *p)
{
	return (struct metric_page *)(uintptr_t)p;
}

struct point { double x, y; };
static int by_x(const void *a, const void *b)
{
	const struct point *p = a, *q = b;
	return (p->x > q->x) - (p->x < q->x);
}

static void read_points(struct metric_page *m, const json_t *points)
{
	size_t n = json_array_size(points), i;
	const json_t *p;
	struct point *all = xcalloc(n + 1, sizeof(*all));
	m->x = xcalloc(n + 1, sizeof(double));
	m->y = xcalloc(n + 1, sizeof(double));
	m->steps = false;
	json_array_foreach(points, i, p)
		m->steps |= json_integer_value(json_array_get(p, 0)) != 0;
	json_array_foreach(points, i, p) {
		const json_t *y = json_array_get(p, 2);
		all[i].x = (double)json_integer_value(json_array_get(p, m->steps ? 0 : 1));
		all[i].y = json_is_number(y) ? json_number_value(y) : NAN;
	}
	qsort(all, n, sizeof(*all), by_x);
	for (i = 0; i < n; i++) {
		m->x[i] = all[i].x;
		m->y[i] = all[i].y;
	}
	m->n = (int)n;
	free(all);
}

static void take(void *arg, const struct msg *msg)
{
	struct metric_page *m = arg;
	struct msg_answer a;
	if (!msg_get_answer(msg, &a))
		return;
	m->id = 0;
	m->changed = m->came = true;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	if (j)
		read_points(m, json_object_get(j, "points"));
	else
		m->error = a.ok ? xstrdup("the answer was no curve") : str_dup(a.json);
	m->more = json_is_true(json_object_get(j, "more"));
	json_decref(j);
}

static void drop(struct metric_page *m, struct app *app)
{
	if (m->id) {
		store_forget(app_store(app), m->id);
		source_cancel(app_source(app, m->source), m->id);
	}
	free(m->x);
	free(m->y);
	free(m->error);
	m->x = m->y = NULL;
	m->error = NULL;
	m->n = 0;
	m->id = 0;
	m->came = false;
}

static void ask(struct metric_page *m, struct app *app)
{
	struct source *s = app_source(app, m->source);
	json_t *params = json_pack("{s:s}", "metric", m->metric);
	char *text = json_dumps(params, JSON_COMPACT);
	drop(m, app);
	m->id = source_ask(s, request_new(REQ_ASK, "trainings", str_of(m->key), "metric", text));
	store_expect(app_store(app), m->id, take, m);
	m->changed = true;
	free(text);
	json_decref(params);
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	bool changed = of(p)->changed;
	of(p)->changed = false;
	return changed;
}

static void label_step(double x, struct buf *out)
{
	buf_addf(out, "%.0f", x);
}

static void draw_head(const struct metric_page *m, struct frame *f, struct rect area)
{
	struct buf b = { 0 };
	int best = -1, last = -1, way = metric_better(str_of(m->metric));
	for (int i = 0; i < m->n; i++) {
		if (isnan(m->y[i]))
			continue;
		last = i;
		if (best < 0 || (way > 0 ? m->y[i] > m->y[best] : m->y[i] < m->y[best]))
			best = i;
	}
	if (last < 0)
		return;
	buf_adds(&b, "last ");
	fmt_real(m->y[last], &b);
	if (m->steps)
		buf_addf(&b, " at step %.0f", m->x[last]);
	if (way) {
		buf_adds(&b, ", best ");
		fmt_real(m->y[best], &b);
		if (m->steps)
			buf_addf(&b, " at step %.0f", m->x[best]);
	}
	buf_addf(&b, ", %d point%s%s", m->n, m->n == 1 ? "" : "s", m->more ? ", more are left out" : "");
	frame_fit(f, area, 1, 0, area.w - 1, buf_str(&b), ROLE_TEXT);
	buf_release(&b);
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct metric_page *m = of(p);
	struct chart c = { .x = m->x, .y = m->y, .n = m->n, .limit = NAN, .lo = NAN, .hi = NAN, .label = m->steps ? label_step : NULL };
	draw_head(m, f, area);
	if (m->error)
		frame_textf(f, area, 2, 1, -1, ROLE_SAY_BAD, "%s", m->error);
	else if (!m->came)
		frame_text(f, area, 2, 1, -1, STR("reading"), ROLE_DIM);
	else if (m->n < 2)
		frame_text(f, area, 2, 2, -1, m->n ? STR("one value: it was not followed while the run trained") : STR("no value"), ROLE_DIM);
	else
		chart_draw(&c, f, rect_part(area, 0, 1, area.w, area.h - 1));
}

static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct metric_page *m = of(p);
	if (strcmp(c->name, "metric"))
		return false;
	char *next = str_dup(args.n ? args : label_next(str_of(m->metrics), str_of(m->metric)));
	free(m->metric);
	m->metric = next;
	ask(m, app);
	return true;
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	buf_addf(out, "%s of %s   other metrics: m", of(p)->metric, of(p)->name);
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	for (int i = 0; i < of(p)->n; i++)
		buf_addf(out, "%.0f\t%.9g\n", of(p)->x[i], of(p)->y[i]);
}

static void release(struct page *p, struct app *app)
{
	struct metric_page *m = of(p);
	drop(m, app);
	free(m->key);
	free(m->name);
	free(m->metrics);
	free(m->metric);
	free(m);
}

static const struct command commands[] = {
	{ "metric", "[NAME]", "show the next metric, or this one", "other metric" },
	{ .name = NULL },
};
static const struct command_scope scope = { "registry", "the registry pane", commands };
static const struct command_scope *const scopes[] = { &scope, NULL };
static const struct page_ops ops = {
	.name = "registry", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.free = release,
};

struct page *metric_page_new(struct app *app, uint16_t source, struct str key, struct str name, struct str metrics)
{
	struct metric_page *m = xcalloc(1, sizeof(*m));
	struct str best = { 0 }, rest = metrics;
	m->page.ops = &ops;
	m->source = source;
	m->key = str_dup(key);
	m->name = str_dup(name.n ? name : key);
	m->metrics = str_dup(metrics);
	while (rest.n) {                         /* a loss is what a run follows; else what says most */
		struct str value = str_split(&rest, ','), one = str_split(&value, '=');
		bool loss = str_contains_fold(one, STR("loss"));
		if (!best.n || loss)
			best = one;
		if (loss)
			break;
	}
	m->metric = str_dup(best);
	ask(m, app);
	return &m->page;
}
