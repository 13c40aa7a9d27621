/* cost: what an hour costs now, the budget as a chart with what is ahead, and lists of who causes it: node groups and the rest
 * of the cluster, namespaces, workloads, models, OpenCost's view; the budgets; the bills. The lists are ordinary table
 * pages. */
#define _GNU_SOURCE
#include "panes/cost.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

const struct cost_view cost_views[] = {
	{ "group", LIST_COSTS, "node groups" }, { "namespace", LIST_COSTS, "namespaces" }, { "workload", LIST_COSTS, "workloads" },
	{ "model", LIST_COSTS, "models" }, { "opencost", LIST_COSTS, "OpenCost" }, { NULL, LIST_BUDGETS, "budgets" },
	{ NULL, LIST_BILLS, "bills" },
};
const unsigned cost_nviews = ARRAY_SIZE(cost_views);

static struct cost_page *of(const struct page *p)
{
	return (struct cost_page *)(uintptr_t)p;
}

static struct page *list_of(const struct cost_page *c)
{
	return c->lists[cost_views[c->view].list];
}

static uint64_t versions(const struct app *app)
{
	static const char *const kinds[] = { "costs", "budgets", "spend", "bills" };
	uint64_t sum = 1;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct table *t = store_table_const(app_store(app), kinds[i]);
		sum += t ? t->version : 0;
	}
	return sum;
}

/* A view with nothing in it is passed over, but for the first. */
static bool has_rows(const struct app *app, unsigned view)
{
	static const char *const kinds[] = { "costs", "budgets", "bills" };
	const struct cost_view *v = &cost_views[view];
	const struct table *t = store_table_const(app_store(app), kinds[v->list]);
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && (!v->by || str_is(row_text(t, r, COST_BY), v->by)))
			return true;
	}
	return view == 0;
}

static void narrow(struct cost_page *c, struct app *app)
{
	const struct cost_view *v = &cost_views[c->view];
	char filter[32];
	if (!v->by)
		return;
	snprintf(filter, sizeof(filter), "by=%s", v->by);
	table_page_within(c->lists[LIST_COSTS], app, str_of(filter), STR(""));
	struct table_page *t = table_page_of(c->lists[LIST_COSTS]);
	uint64_t dull = 1ull << COST_BY | 1ull << COST_BASIS | 1ull << COST_UNPRICED | (c->unpriced ? 0 : 1ull << COST_MISSING) |
		(c->several ? 0 : 1ull << COST_CLUSTER);
	bool groups = !strcmp(v->by, "group");
	t->hidden = dull | (groups ? 1ull << COST_PER_1K : 1ull << COST_SAVES | 1ull << COST_LASTS | 1ull << COST_DIMENSION);
	t->dirty = true;
}

/* Room: chart beside the list where it is wide, above it where it is high, none where it is neither. */
static void arrange(struct cost_page *c, int w, int h)
{
	int need = 0;
	for (unsigned i = 0; i < c->nhead; i++)
		need += text_width(buf_str(&c->head[i].text), false) + 3;
	c->head_lines = need > w && h >= 12 ? 2 : c->nhead ? 1 : 0;
	c->foot_lines = h >= 10 ? (int)c->nfoot : 0;
	int left = h - c->head_lines - c->foot_lines;
	c->wide = w >= 132 && left >= 8 && c->n > 1;
	c->chart_w = c->wide ? w * 2 / 5 : w;
	c->chart_lines = c->n < 2 ? 0 : c->wide ? left : left >= 22 ? left / 2 : left >= 14 ? 7 : 0;
}

static struct rect list_rect(const struct cost_page *c, struct rect area)
{
	int h = area.h - c->head_lines - c->foot_lines;
	if (c->wide)
		return rect_part(area, c->chart_w + 2, c->head_lines, area.w - c->chart_w - 2, h);
	return rect_part(area, 0, c->head_lines + c->chart_lines, area.w, h - c->chart_lines);
}

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct cost_page *c = of(p);
	uint64_t v = versions(app);
	bool changed = v != c->seen;
	bool unpriced = c->unpriced, several = c->several;
	if (changed)
		cost_say(c, app, now);
	if (c->unpriced != unpriced || c->several != several)
		narrow(c, app);
	c->seen = v;
	arrange(c, w, h);
	struct rect r = list_rect(c, (struct rect){ 0, 0, w, h });
	return list_of(c)->ops->prepare(list_of(c), app, r.w, r.h, now) || changed;
}

/* Sentences beside each other; those that do not fit go into the second line, where there is one. */
static void draw_head(const struct cost_page *c, struct frame *f, struct rect area)
{
	int x = 1, y = 0;
	for (unsigned i = 0; i < c->nhead; i++) {
		struct str s = buf_str(&c->head[i].text);
		int w = text_width(s, f->ascii);
		if (x + w > area.w - 1 && y + 1 < c->head_lines)
			x = 1, y++;
		if (x >= area.w - 1)
			return;
		x += frame_fit_words(f, area, x, y, area.w - 1 - x, s, c->head[i].role) + 3;
	}
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct cost_page *c = of(p);
	draw_head(c, f, area);
	if (c->chart_lines)
		chart_draw(&c->chart, f, rect_part(area, 0, c->head_lines, c->chart_w, c->chart_lines));
	list_of(c)->ops->draw(list_of(c), app, f, list_rect(c, area), now);
	for (int i = 0; i < c->foot_lines; i++)
		frame_fit_words(f, area, 1, area.h - c->foot_lines + i, area.w - 2, buf_str(&c->foot[i].text), c->foot[i].role);
}

static bool has_quote(struct str s)
{
	return s.n && memchr(s.p, '"', s.n) != NULL;
}

/* Enter: from a share to what causes it. */
static bool open_row(struct cost_page *c, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(list_of(c), &t);
	struct buf b = { 0 };
	const char *kind = "pods";
	if (!r)
		return true;
	struct str name = row_text(t, r, COST_NAME), ns = name, rest = name, what = row_text(t, r, COST_DIMENSION);
	if (cost_views[c->view].list != LIST_COSTS || has_quote(name))
		return true;
	if (str_is(what, "node group") && (kind = "nodes"))
		buf_addf(&b, "nodegroup=\"" STR_FMT "\"", STR_ARG(str_is(name, "no group") ? STR("") : name));
	else if (str_is(what, "namespace"))
		buf_addf(&b, "namespace=\"" STR_FMT "\"", STR_ARG(name));
	else if (str_is(what, "workload")) {
		ns = str_split(&rest, '/');
		buf_addf(&b, "namespace=\"" STR_FMT "\" name=\"" STR_FMT "*\"", STR_ARG(ns), STR_ARG(rest));
	} else if (str_is(what, "volumes") && !str_is(name, "root of nodes")) {
		kind = "persistentvolumes";
		buf_addf(&b, "storageclass~\"" STR_FMT "\"", STR_ARG(name));
	}
	if (b.len)
		app_push(app, table_page_new(app, kind, buf_str(&b)));
	else
		app_say(app, false, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(row_text(t, r, COST_BASIS)));
	buf_release(&b);
	return true;
}

static const struct source *source_named(struct app *app, struct str name)
{
	for (unsigned i = 0; i < app_sources(app); i++)
		if (str_is(name, app_source(app, (uint16_t)i)->name))
			return app_source(app, (uint16_t)i);
	return NULL;
}

/* A managed group of EKS: by whoever may, the cost source that names its cluster, or the source of the cluster itself. */
static void eks_to_zero(struct app *app, const struct table *t, const struct row *r, const struct source *cluster, const char *params)
{
	const struct source *own = app_source(app, r->source);
	const struct source *by = yaml_text(yaml_get(source_settings(own), "aws"), "eks_cluster") ? own
		: cluster && action_find(cluster->backend, "scale-zero", "costs") ? cluster : NULL;
	if (!by) {
		app_say(app, true, STR_FMT " is a managed node group of EKS: set aws.eks_cluster of source %s", STR_ARG(row_text(t, r, COST_NAME)), own->name);
		return;
	}
	char *key = str_dup(row_key(r));
	app_act(app, "scale-zero", "costs", by->index, (const char *const[]){ key }, 1, params);
	free(key);
}

/* The node group under the cursor to no nodes: what its nodes' labels say it is; where they say nothing, one of EKS if the cost
 * source names a cluster of AWS, else a pool of Karpenter, whose cluster does not know what it saves. */
static void group_to_zero(struct cost_page *c, struct app *app)
{
	const struct table *t;
	const struct row *r = table_page_row(list_of(c), &t);
	const struct source *s = r ? app_source(app, r->source) : NULL;
	if (!s || cost_views[c->view].list != LIST_COSTS || !str_is(row_text(t, r, COST_DIMENSION), "node group") ||
	    str_is(row_text(t, r, COST_NAME), "no group")) {
		app_say(app, false, "only a node group is taken to no nodes");
		return;
	}
	const struct source *cluster = source_named(app, row_text(t, r, COST_CLUSTER));
	enum cost_pool pool = cluster ? cost_pool_of(store_table_const(app_store(app), "nodes"), cluster->index, row_text(t, r, COST_NAME))
		: COST_POOL_UNKNOWN;
	bool eks = yaml_text(yaml_get(source_settings(s), "aws"), "eks_cluster") != NULL;
	char *params = row_null(r, COST_RATE) ? xstrdup("{}") : xasprintf("{\"per_hour\":%.4f}", row_real(r, COST_RATE));
	if (pool == COST_POOL_BOTH) {
		app_say(app, true, "two are called " STR_FMT ": a group of EKS and a pool of Karpenter; take the pool to no nodes in :nodepools",
		        STR_ARG(row_text(t, r, COST_NAME)));
	} else if (pool == COST_POOL_EKS || (pool == COST_POOL_UNKNOWN && eks)) {
		eks_to_zero(app, t, r, cluster, params);
	} else if (cluster) {
		char *name = str_dup(row_text(t, r, COST_NAME));
		app_act(app, "scale-zero", "nodepools.karpenter.sh", cluster->index, (const char *const[]){ name }, 1, params);
		free(name);
	}
	free(params);
}

static void next_budget(struct cost_page *c, struct app *app)
{
	const struct table *t;
	const struct row *now = cost_find_budget(c, app, &t), *next = NULL;
	for (uint32_t i = 1; now && i <= t->nslots && !next; i++)
		next = table_row(t, (now->id + i) % t->nslots);
	if (!next)
		return;
	free(c->budget);
	c->budget = str_dup(row_key(next));
	c->seen = 0;
	app_redraw(app);
}

static bool command(struct page *p, struct app *app, const struct command *cmd, struct str args)
{
	struct cost_page *c = of(p);
	if (!strcmp(cmd->name, "swap")) {
		do
			c->view = (c->view + 1) % cost_nviews;
		while (!has_rows(app, c->view));
		narrow(c, app);
		app_redraw(app);
		return true;
	}
	if (!strcmp(cmd->name, "budget")) {
		next_budget(c, app);
		return true;
	}
	if (!strcmp(cmd->name, "group-zero")) {
		group_to_zero(c, app);
		return true;
	}
	if (!strcmp(cmd->name, "open"))
		return open_row(c, app);
	return list_of(c)->ops->command(list_of(c), app, cmd, args);
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct cost_page *c = of(p);
	buf_addf(out, "cost%s %s", cost_views[c->view].list == LIST_COSTS ? " by" : ":", cost_views[c->view].title);
	for (unsigned i = 1, more = 0; i < cost_nviews; i++) {
		unsigned view = (c->view + i) % cost_nviews;
		if (has_rows(app, view))
			buf_addf(out, "%s%s", more++ ? ", " : "   Tab: ", cost_views[view].title);
	}
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	const struct page *list = list_of(of(p));
	if (list->ops->copy)
		list->ops->copy(list, app, out);
}

static void shown(struct page *p, struct app *app, bool on)
{
	for (int i = 0; i < COST_LISTS; i++)
		of(p)->lists[i]->ops->shown(of(p)->lists[i], app, on);
	(on ? app_watch : app_unwatch)(app, "spend", "");
}

static void release(struct page *p, struct app *app)
{
	struct cost_page *c = of(p);
	for (int i = 0; i < COST_LISTS; i++)
		c->lists[i]->ops->free(c->lists[i], app);
	for (size_t i = 0; i < ARRAY_SIZE(c->head); i++)
		buf_release(&c->head[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(c->foot); i++)
		buf_release(&c->foot[i].text);
	free(c->budget);
	free(c);
}

static bool offers(const struct page *p, const struct app *app, const struct command *c)
{
	const struct cost_page *cost = of(p);
	if (!strcmp(c->name, "group-zero"))
		return cost_views[cost->view].by && !strcmp(cost_views[cost->view].by, "group");
	return table_page_offers(list_of(cost), app, c);
}

static const struct page *in_hand(const struct page *p)
{
	return list_of(of(p));
}

static const struct command commands[] = {
	{ "swap", NULL, "go to the next list: node groups, namespaces, workloads, models, budgets, bills", "next list" },
	{ "budget", NULL, "show the chart of the next budget", "budget" },
	{ "group-zero", NULL, "take the node group to no nodes: the plan says what that saves and whose pods find no place", "group to 0" },
	{ .name = NULL },
};
const struct command_scope cost_scope = { "cost", "the cost pane", commands };
static const struct command_scope *const scopes[] = { &cost_scope, &table_scope, NULL };
static const struct page_ops ops = {
	.name = "cost", .scopes = scopes, .prepare = prepare, .draw = draw, .command = command, .title = title, .copy = copy,
	.shown = shown, .free = release, .offers = offers, .list = in_hand,
};

static struct page *open_pane(struct app *app, struct str args)
{
	struct cost_page *c = xcalloc(1, sizeof(*c));
	c->page.ops = &ops;
	c->lists[LIST_COSTS] = table_page_new(app, "costs", args);
	c->lists[LIST_BUDGETS] = table_page_new(app, "budgets", STR(""));
	c->lists[LIST_BILLS] = table_page_new(app, "bills", STR(""));
	table_page_sort(c->lists[LIST_COSTS], "rate", true);
	table_page_sort(c->lists[LIST_BILLS], "day", true);
	narrow(c, app);
	return &c->page;
}

static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	struct page *p = table_page_new(app, kind, filter);
	table_page_sort(p, !strcmp(kind, "costs") || !strcmp(kind, "spend") ? "rate" : !strcmp(kind, "bills") ? "day" : "name",
	                strcmp(kind, "budgets") != 0);
	return p;
}

static const char *const kinds[] = { "costs", "budgets", "spend", "bills", NULL };
const struct pane pane_cost = { .name = "cost", .help = "what it costs: $/h now, budgets, who causes it, what was billed",
	.open = open_pane, .kinds = kinds, .kind_page = kind_page };
