/* table_page: a list of any kind: a cursor that follows its row, marks, a filter as one types, an order, columns that fit.
 * Here: its life, what is settled before a frame, and its title. */
#include "tui/table_page.h"
#include "base/mem.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

static const struct page_ops table_ops;

bool page_is_table(const struct page *p)
{
	return p && p->ops && p->ops->draw == table_page_draw;
}

struct table_page *table_page_of(const struct page *p)
{
	return (struct table_page *)(uintptr_t)p;
}

void *table_page_arg(const struct page *p)
{
	return table_page_of(p)->arg;
}

const char *table_page_kind(const struct page *p)
{
	return table_page_of(p)->kind_name;
}

unsigned table_page_sources(const struct table_page *t)
{
	unsigned n = 0;
	if (t->only)
		return 1;
	for (unsigned i = 0; i < t->nof_source; i++)
		n += t->of_source[i] > 0;
	return n;
}

/* ---- rows of each source, kept change by change */
static void count_source(struct table_page *t, uint16_t source, int by)
{
	if (source >= t->nof_source) {
		t->of_source = xreallocarray(t->of_source, source + 1u, sizeof(*t->of_source));
		memset(t->of_source + t->nof_source, 0, (source + 1u - t->nof_source) * sizeof(*t->of_source));
		t->nof_source = source + 1u;
	}
	t->of_source[source] += (uint32_t)by;
}

static void see_row(void *arg, const struct row *old, const struct row *now)
{
	struct table_page *t = arg;
	for (uint32_t i = 0; old && i < t->nwindow && !t->touched; i++)
		t->touched = t->window[i] == old->id;
	if (old && !now)
		count_source(arg, old->source, -1);
	else if (now && !old)
		count_source(arg, now->source, 1);
}

/* ---- which namespace, and which source */
static bool in_space(void *arg, const struct table *tb, const struct row *r)
{
	const struct table_page *t = arg;
	if (t->hooks && t->hooks->holds && !t->hooks->holds(t->arg, tb, r))
		return false;
	if (t->context >= 0 && r->source != t->context)
		return false;
	if (!*t->space)
		return true;
	struct str ns = row_text(tb, r, 0);
	if (!strchr(t->space, '*'))
		return str_is(ns, t->space);
	char name[256];
	if (ns.n >= sizeof(name))
		return false;
	if (ns.n)
		memcpy(name, ns.p, ns.n);
	name[ns.n] = 0;
	return fnmatch(t->space, name, 0) == 0;
}

static void unwatch(struct table_page *t, struct app *app)
{
	if (t->watched)
		app_unwatch(app, t->kind_name, t->watched);
	free(t->watched);
	t->watched = NULL;
}

/* Ask for the rows that the page shows: of one namespace, or of all. */
static void follow_namespace(struct table_page *t, struct app *app)
{
	const char *ns = t->table && t->table->kind->namespaced && !t->own ? app_namespace(app) : "";
	if (!ns)
		ns = "";
	const char *scope = t->narrow ? t->narrow : strchr(ns, '*') ? "" : ns;
	if (t->narrow)
		ns = "";
	if (t->shown && !t->own && (!t->watched || strcmp(t->watched, scope))) {
		char *old = t->watched;
		t->watched = xstrdup(scope);
		app_watch(app, t->kind_name, scope);
		if (old)
			app_unwatch(app, t->kind_name, old);
		free(old);
	}
	int context = t->own ? -1 : t->only ? t->only - 1 : app_context(app);
	if (t->view && (!t->space || strcmp(t->space, ns) || t->context != context)) {
		free(t->space);
		t->space = xstrdup(ns);
		t->context = context;
		view_scope(t->view, *ns || context >= 0 || (t->hooks && t->hooks->holds) ? in_space : NULL, t);
		memset(t->natural, 0, sizeof(t->natural));
		t->dirty = true;
	}
}

/* ---- table and view */
static void attach(struct table_page *t, struct table *tb, int64_t now)
{
	t->table = tb;
	t->view = view_new(tb, now);
	for (uint32_t i = 0; i < tb->nslots; i++)
		if (tb->slots[i])
			count_source(t, tb->slots[i]->source, 1);
	table_watch(tb, see_row, t);
	free(t->space);
	t->space = NULL;
	t->dirty = true;
}

/* The filter in force is `within` and what was typed, which must both hold. */
bool table_page_refilter(struct table_page *t, struct app *app, const char *typed, struct filter_error *err)
{
	struct filter_error mine = { 0 };
	err = err ? err : &mine;
	if (!t->table) {           /* kept until the kind is there */
		char *copy = xstrdup(typed);
		free(t->typed);
		t->typed = copy;
		return true;
	}
	struct buf text = { 0 };
	buf_addf(&text, "%s%s", t->within, *t->within ? " " : "");
	size_t before = text.len;
	buf_adds(&text, typed);
	struct filter *f = filter_parse(text.data ? text.data : "", t->table->kind, err);
	buf_release(&text);
	if (!f) {
		err->at = err->at > before ? err->at - before : 0;
		return false;
	}
	filter_at(f, clock_wall(app_clock(app)));
	view_filter(t->view, f, clock_wall(app_clock(app)));
	filter_free(t->filter);
	t->filter = f;
	char *copy = xstrdup(typed);
	free(t->typed);
	t->typed = copy;
	t->dirty = true;
	return true;
}

static struct table_page *make(struct app *app, const char *kind)
{
	struct table_page *t = xcalloc(1, sizeof(*t));
	t->ops = table_ops;
	t->scopes[0] = &table_scope;
	t->ops.scopes = t->scopes;
	t->page.ops = &t->ops;
	t->kind_name = xstrdup(kind);
	t->typed = xstrdup("");
	t->within = xstrdup("");
	t->words = xstrdup("");
	t->range_from = -1;
	t->dirty = true;
	(void)app;
	return t;
}

struct page *table_page_new(struct app *app, const char *kind, struct str filter)
{
	const struct kind *known = store_kind(app_store(app), str_of(kind));
	struct table_page *t = make(app, known ? known->name : kind);
	struct table *tb = store_table(app_store(app), t->kind_name);
	if (tb)
		attach(t, tb, clock_wall(app_clock(app)));
	char *typed = str_dup(filter);
	struct filter_error err;
	if (*typed && !table_page_refilter(t, app, typed, &err))
		app_say(app, true, "filter: %s", err.what);
	free(typed);
	return &t->page;
}

struct page *table_page_over(struct app *app, struct table *tb)
{
	struct table_page *t = make(app, tb->kind->name);
	t->own = true;
	attach(t, tb, clock_wall(app_clock(app)));
	return &t->page;
}

void table_page_hook(struct page *p, const struct table_hooks *h, void *arg)
{
	struct table_page *t = table_page_of(p);
	t->hooks = h;
	t->arg = arg;
	t->ops.name = h->name ? h->name : t->ops.name;
	t->scopes[0] = h->scope ? h->scope : &table_scope;
	t->scopes[1] = h->scope ? &table_scope : NULL;
}

bool table_page_within(struct page *p, struct app *app, struct str filter, struct str words)
{
	struct table_page *t = table_page_of(p);
	char *old = t->within, *typed = xstrdup(t->typed);
	t->within = str_dup(filter);
	struct filter_error err;
	bool ok = table_page_refilter(t, app, typed, &err);
	free(typed);
	if (!ok) {
		free(t->within);
		t->within = old;
		app_say(app, true, "filter '" STR_FMT "': %s", STR_ARG(filter), err.what);
		return false;
	}
	free(old);
	free(t->words);
	t->words = str_dup(words);
	return true;
}

void table_page_source(struct page *p, uint16_t source)
{
	table_page_of(p)->only = source + 1;
}

void table_page_sort(struct page *p, const char *col, bool descending)
{
	struct table_page *t = table_page_of(p);
	int c = t->table ? kind_col(t->table->kind, str_of(col), false) : -1;
	if (c >= 0)
		view_sort(t->view, c, descending);
}

void table_page_scope(struct page *p, const char *scope)
{
	struct table_page *t = table_page_of(p);
	free(t->narrow);
	t->narrow = xstrdup(scope);
}

const struct row *table_page_row(const struct page *p, const struct table **tb)
{
	const struct table_page *t = table_page_of(p);
	if (tb)
		*tb = t->table;
	if (!t->view || t->cursor >= t->view->n)
		return NULL;
	return table_row(t->table, t->view->ids[t->cursor]);
}

unsigned table_page_rows(const struct page *p, const struct row **rows, unsigned most, unsigned *hidden)
{
	const struct table_page *t = table_page_of(p);
	uint32_t marks = t->view ? view_marks(t->view) : 0;
	const struct row *here = table_page_row(p, NULL);
	unsigned n = 0, shown;
	if (hidden)
		*hidden = 0;
	if (!marks && here && most)
		rows[n++] = here;
	for (uint32_t i = 0; marks && i < t->view->n && n < most; i++)
		if (view_marked(t->view, t->view->ids[i]))
			rows[n++] = table_row(t->table, t->view->ids[i]);
	shown = n;
	for (uint32_t id = 0; n < marks && n < most && id < t->table->nslots; id++)
		if (view_marked(t->view, id) && view_index(t->view, id) < 0 && table_row(t->table, id))
			rows[n++] = table_row(t->table, id);
	if (hidden)
		*hidden = n - shown;
	return n;
}

/* ---- the cursor */
/* Remember the row under the cursor, so as to find it again. */
static void hold_row(struct table_page *t)
{
	const struct row *r = table_page_row(&t->page, NULL);
	if (!r)
		return;
	if (t->key && t->id == r->id && t->source == r->source && str_eq(str_of(t->key), row_key(r)))
		return;
	free(t->key);
	t->key = str_dup(row_key(r));
	t->id = r->id;
	t->source = r->source;
}

void table_page_put_cursor(struct table_page *t, int64_t at)
{
	uint32_t n = t->view ? t->view->n : 0;
	at = at < 0 || !n ? 0 : at >= (int64_t)n ? (int64_t)n - 1 : at;
	t->cursor = (uint32_t)at;
	t->follow = true;
	t->sought = false;
	t->moved = true;
	hold_row(t);
}

void table_page_seek(struct page *p, uint16_t source, struct str key)
{
	struct table_page *t = table_page_of(p);
	free(t->key);
	t->key = str_dup(key);
	t->source = source;
	t->follow = t->dirty = t->sought = true;
}

/* Rows came, went or moved: the cursor stays on its row and the row on its line of the screen. */
static void find_row(struct table_page *t)
{
	uint32_t n = t->view->n, line = t->cursor - (t->top < t->cursor ? t->top : t->cursor);
	int64_t at = -1;
	if (!n) {
		t->cursor = t->top = 0;
		return;
	}
	if (t->follow && t->key) {
		const struct row *r = table_find(t->table, t->source, str_of(t->key));
		at = r ? view_index(t->view, r->id) : -1;
	}
	if (at >= 0) {
		t->sought = false;
		t->cursor = (uint32_t)at;
		t->top = t->cursor > line ? t->cursor - line : 0;
	} else if (t->sought) {
		return;                 /* it may still come */
	} else if (!t->follow) {
		t->cursor = 0;
	} else if (t->cursor >= n) {
		t->cursor = n - 1;
	}
	hold_row(t);
}

static void scroll(struct table_page *t)
{
	uint32_t rows = t->rows > 0 ? (uint32_t)t->rows : 1;
	if (t->cursor < t->top)
		t->top = t->cursor;
	else if (t->cursor >= t->top + rows)
		t->top = t->cursor - rows + 1;
	if (t->top + rows > t->view->n)
		t->top = t->view->n > rows ? t->view->n - rows : 0;
}

/* ---- before a frame */
/* What of the sources' state shows on this page. */
static uint64_t states(const struct table_page *t, const struct app *app)
{
	const struct store *s = app_store(app);
	uint64_t h = 1469598103934665603u;
	for (unsigned i = 0; i < s->nsources; i++) {
		const struct kind_state *k = store_kind_state(s, t->kind_name, (uint16_t)i);
		uint64_t v = (uint64_t)s->sources[i].state | (k ? 1u << 8 | k->listed << 9 | k->listing << 10 |
		             (unsigned)k->state << 12 : 0) | (uint64_t)(s->sources[i].why != NULL) << 20;
		h = (h ^ v) * 1099511628211u;
	}
	return h;
}

/* Whether what is in sight is not what was drawn: rows came, went, moved, or were replaced. */
static bool window_changed(struct table_page *t)
{
	uint32_t n = t->rows > 0 ? (uint32_t)t->rows : 0;
	if (n > t->view->n - t->top)
		n = t->view->n - t->top;
	const uint32_t *ids = t->view->ids + t->top;
	bool same = !t->touched && n == t->nwindow && t->cursor - t->top == t->at_cursor &&
	            (!n || memcmp(ids, t->window, n * sizeof(*ids)) == 0);
	t->touched = false;
	if (same)
		return false;
	t->window = xreallocarray(t->window, n + 1, sizeof(*t->window));
	if (n)
		memcpy(t->window, ids, n * sizeof(*ids));
	t->nwindow = n;
	t->at_cursor = t->cursor - t->top;
	return true;
}

static bool table_prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct table_page *t = table_page_of(p);
	bool changed = false;
	if (t->hooks && t->hooks->prepare)
		changed |= t->hooks->prepare(t->arg, p, app, now);
	if (!t->table && !t->own) {
		struct table *tb = store_table(app_store(app), t->kind_name);
		if (tb) {
			attach(t, tb, now);
			char *typed = xstrdup(t->typed);
			struct filter_error err;
			if (!table_page_refilter(t, app, typed, &err))
				app_say(app, true, "filter: %s", err.what);
			free(typed);
		}
	}
	follow_namespace(t, app);
	uint64_t st = states(t, app);
	changed |= st != t->seen_store || w != t->w;
	t->seen_store = st;
	int below = t->hooks && t->hooks->below_lines ? t->hooks->below_lines(t->arg, p, h) : 0;
	int rows = h - 1 - below > 0 ? h - 1 - below : 0;
	if (w < t->w)
		memset(t->natural, 0, sizeof(t->natural));
	changed |= rows != t->rows;
	t->w = w;
	t->h = h;
	t->rows = rows;
	bool second = now / 1000 != t->seen_second;
	t->seen_second = now / 1000;
	if (t->view) {
		if (second)
			view_tick(t->view, now);
		view_settle(t->view);
		changed |= t->dirty;
		if (t->view->version != t->seen_version || t->dirty || t->moved) {
			t->seen_version = t->view->version;
			changed |= below > 0;
			find_row(t);
		}
		scroll(t);
		table_page_measure(t, app, now, changed || second || t->touched);
		changed |= window_changed(t);
	}
	changed |= t->dirty || t->moved;
	t->dirty = t->moved = false;
	return changed || second;
}

static void table_shown(struct page *p, struct app *app, bool on)
{
	struct table_page *t = table_page_of(p);
	t->shown = on;
	if (!on)
		unwatch(t, app);
	else
		follow_namespace(t, app);
	if (t->hooks && t->hooks->shown)
		t->hooks->shown(t->arg, p, app, on);
	t->dirty = true;
}

static void table_free_page(struct page *p, struct app *app)
{
	struct table_page *t = table_page_of(p);
	unwatch(t, app);
	if (t->table)
		table_unwatch(t->table, see_row, t);
	if (t->view)
		view_free(t->view);
	filter_free(t->filter);
	if (t->hooks && t->hooks->free)
		t->hooks->free(t->arg, app);
	free(t->of_source);
	free(t->window);
	free(t->kind_name);
	free(t->typed);
	free(t->before);
	free(t->within);
	free(t->words);
	free(t->narrow);
	free(t->space);
	free(t->key);
	free(t->key_before);
	free(t);
}

/* ---- title */
void count_text(struct buf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_addc(out, ',');
		buf_addc(out, digits[i]);
	}
}

void span_text(struct buf *out, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;
	if (s < 120)
		buf_addf(out, "%llds", (long long)s);
	else if (s < 3600)
		buf_addf(out, "%lldm", (long long)(s / 60));
	else if (s < 2 * 86400 && s / 60 % 60)
		buf_addf(out, "%lldh%02lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
	else if (s < 2 * 86400)
		buf_addf(out, "%lldh", (long long)(s / 3600));
	else
		buf_addf(out, "%lldd", (long long)(s / 86400));
}

static void title_sources(const struct table_page *t, const struct app *app, struct buf *out)
{
	const struct store *s = app_store(app);
	for (unsigned i = 0; i < s->nsources && !t->own; i++) {
		const struct kind_state *k = store_kind_state(s, t->kind_name, (uint16_t)i);
		bool has = i < t->nof_source && t->of_source[i];
		if (k && (k->listing || !k->listed) && (has || s->sources[i].state == HEALTH_LIVE) && k->listing)
			buf_adds(out, "  reading");
		enum health_state h = s->sources[i].state;
		if (!has)
			continue;
		if (health_lost(h)) {
			const char *why = s->sources[i].why, *remedy = h == HEALTH_STALE ? "" : s->sources[i].remedy;
			buf_addf(out, "  %s %s ", s->sources[i].name, health_name(h));
			span_text(out, clock_wall(app_clock(app)) - s->sources[i].since);
			buf_addf(out, "%s%s%s%s", *why ? ": " : "", why, *remedy ? "; " : "", remedy);
		} else if (k && (k->state == HEALTH_REFUSED || k->state == HEALTH_LIMITED || k->state == HEALTH_STALE)) {
			buf_addf(out, "  %s: %s", s->sources[i].name, k->why && *k->why ? k->why : health_name(k->state));
		}
	}
}

static void table_title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct table_page *t = table_page_of(p);
	if (t->hooks && t->hooks->title) {
		t->hooks->title(t->arg, p, app, out);
		return;
	}
	buf_addf(out, "%s ", t->kind_name);
	if (t->view) {
		count_text(out, t->view->n);
		if (t->view->n != t->table->count) {
			buf_adds(out, " of ");
			count_text(out, t->table->count);
		}
	}
	if (*t->words)
		buf_addf(out, " %s", t->words);
	if (t->space && *t->space)
		buf_addf(out, "  ns %s", t->space);
	if (t->space && t->context >= 0 && !t->only && app_source(app, (uint16_t)t->context))
		buf_addf(out, "  source %s", app_source(app, (uint16_t)t->context)->name);
	if (*t->typed)
		buf_addf(out, "  filter %s", t->typed);
	if (t->view && t->view->sort_col >= 0) {
		const struct column *c = &t->table->kind->cols[t->view->sort_col];
		bool ascii = app_ascii(app);
		buf_addf(out, "  by %s%s", c->title ? c->title : c->name,
		         t->view->descending ? ascii ? " v" : "↓" : ascii ? " ^" : "↑");
	}
	if (t->view && view_marks(t->view))
		buf_addf(out, "  %u marked", view_marks(t->view));
	title_sources(t, app, out);
}

/* What leads here again, for saved views. */
static void table_line(const struct page *p, struct buf *out)
{
	const struct table_page *t = table_page_of(p);
	buf_addf(out, "%s%s%s", t->kind_name, *t->typed ? " " : "", t->typed);
}

static const struct page_ops table_ops = {
	.name = "table",
	.line = table_line,
	.prepare = table_prepare,
	.draw = table_page_draw,
	.command = table_page_command,
	.offers = table_page_offers,
	.title = table_title,
	.copy = table_page_copy,
	.shown = table_shown,
	.free = table_free_page,
};
