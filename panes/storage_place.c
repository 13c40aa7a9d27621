/* storage_place: what is in one place, page by page. The source keeps a window of a few pages as rows (base/storage.h); as
 * the cursor comes near an end of it, the next page is asked for and the farthest one goes. The cursor follows its row, so
 * that nothing jumps. Filters and orders other than the names' work on the window, and the title says so. */
#define _GNU_SOURCE
#include "panes/storage.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MARGIN 150               /* rows before the end at which more is asked for */
#define AGAIN_MS 30000           /* how often a place that fits on one page is listed again */

struct place_page {
	struct counts counts;        /* first: the pane's own commands take it */
	struct page *page;
	struct app *app;
	char *scope, *seek;
	uint16_t source;
	uint64_t watch, asking;
	bool before, after, back, known, empty, sought;
	bool fresh;                  /* the rows that came are not in the view yet */
	bool top;                    /* the answer under way begins the window anew */
	int64_t asked_at, since;     /* wall ms of the last question; of the first answer */
	char *why;                   /* why the place could not be listed */
	char *parent_seek;           /* a link may name an object: that to look for in its prefix */
};

static void ask(struct place_page *l, const char *to, const char *from);

static struct source *source_of(const struct place_page *l)
{
	return app_source(l->app, l->source);
}

static bool holds(void *arg, const struct table *t, const struct row *r)
{
	const struct place_page *l = arg;
	return r->source == l->source && str_is(row_text(t, r, OBJECT_PARENT), l->scope);
}

/* ---- asking */

static void let_go(struct place_page *l)
{
	struct source *s = source_of(l);
	if (l->asking) {
		store_forget(app_store(l->app), l->asking);
		if (s)
			source_cancel(s, l->asking);
	}
	if (l->watch && s)
		source_cancel(s, l->watch);
	l->asking = l->watch = 0;
}

static void begin(struct place_page *l)
{
	struct source *s = source_of(l);
	if (!s)
		return;
	l->known = l->empty = l->before = l->after = false;
	l->watch = source_ask(s, request_new(REQ_WATCH, "objects", str_of(l->scope), "", "{\"paged\":true}"));
	ask(l, "first", NULL);
}

/* What a link named is no prefix: the object of that name, in its prefix. */
static void try_object(struct place_page *l)
{
	size_t n = strlen(l->scope) - 1;
	struct str whole = { l->scope, n }, name = place_name(whole);
	let_go(l);
	l->sought = false;
	char *seek = str_dup(whole), *scope = str_dup((struct str){ whole.p, n - name.n }), *from = str_dup(name);
	free(l->scope);
	l->scope = scope;
	free(l->parent_seek);
	l->parent_seek = from;
	struct source *s = source_of(l);
	l->watch = source_ask(s, request_new(REQ_WATCH, "objects", str_of(l->scope), "", "{\"paged\":true}"));
	l->known = false;
	table_page_seek(l->page, l->source, str_of(seek));
	free(seek);
	view_scope(table_page_of(l->page)->view, holds, l);
	ask(l, NULL, from);
}

/* The list from its name on has come: without it, the prefix is shown from its start. */
static void look_for_object(struct place_page *l)
{
	const struct table_page *t = table_page_of(l->page);
	char *key = xasprintf("%s%s", l->scope, l->parent_seek), *name = l->parent_seek;
	l->parent_seek = NULL;
	if (!table_find(t->table, l->source, str_of(key))) {
		app_say(l->app, true, "there is no '%s' here (any more); v on the prefix shows what was deleted", name);
		ask(l, "first", NULL);
	}
	free(key);
	free(name);
}

static void failed(struct place_page *l, struct str why)
{
	int next = l->sought && !l->known ? storage_source(l->app, l->source) : -1;
	if (next >= 0) {         /* another store may have the bucket */
		let_go(l);
		l->source = (uint16_t)next;
		view_scope(table_page_of(l->page)->view, holds, l);
		begin(l);
		return;
	}
	free(l->why);
	l->why = str_dup(why);
	if (l->known)
		app_say(l->app, true, STR_FMT, STR_ARG(why));
}

static void came(void *arg, const struct msg *m)
{
	struct place_page *l = arg;
	struct msg_answer a;
	if (!msg_get_answer(m, &a))
		return;
	store_forget(app_store(l->app), l->asking);
	l->asking = 0;
	app_redraw(l->app);
	table_page_of(l->page)->dirty = true;
	if (!a.ok) {
		failed(l, a.json);
		return;
	}
	json_t *o = json_loadb(a.json.p, a.json.n, 0, NULL);
	l->before = json_is_true(json_object_get(o, "before"));
	l->after = json_is_true(json_object_get(o, "after"));
	l->back = json_is_true(json_object_get(o, "back"));
	l->empty = json_is_true(json_object_get(o, "empty"));
	json_decref(o);
	free(l->why);
	l->why = NULL;
	bool depth = strchr(l->scope, '/') + 1 < l->scope + strlen(l->scope);
	if (l->empty && l->sought && depth && !str_starts(str_of(l->scope), STR(STORAGE_VERSIONS))) {
		try_object(l);
		return;
	}
	if (l->parent_seek) {
		look_for_object(l);
		if (l->asking)
			return;
	}
	l->known = l->fresh = true;
	if (l->top && !table_page_of(l->page)->sought)
		table_page_put_cursor(table_page_of(l->page), 0);
	l->top = false;
}

static void ask(struct place_page *l, const char *to, const char *from)
{
	struct source *s = source_of(l);
	json_t *o = json_object();
	if (to)
		json_object_set_new(o, "to", json_string(to));
	if (from)
		json_object_set_new(o, "from", json_string(from));
	char *params = json_dumps(o, JSON_COMPACT);
	l->asking = source_ask(s, request_new(REQ_ASK, "objects", str_of(l->scope), "page", params));
	l->asked_at = clock_wall(app_clock(l->app));
	store_expect(app_store(l->app), l->asking, came, l);
	free(params);
	json_decref(o);
}

/* Not in the order of the store, or not all: then the end of the rows is not where more begins. Versions come newest first. */
static bool narrowed(const struct place_page *l, const struct table_page *t)
{
	bool versions = place_of(str_of(l->scope)).versions;
	int own = versions ? OBJECT_AGE : OBJECT_NAME;
	return *t->typed || (t->view && t->view->sort_col >= 0 && (t->view->sort_col != own || t->view->descending != versions));
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct place_page *l = arg;
	const struct table_page *t = table_page_of(p);
	if (!l->watch && !l->why)
		begin(l);
	if (l->asking || !l->known || !t->view || narrowed(l, t) || l->fresh) {
		bool again = l->fresh;
		l->fresh = false;
		return again;
	}
	if (l->after && t->cursor + MARGIN >= t->view->n)
		ask(l, "next", NULL);
	else if (l->back && t->cursor < MARGIN / 3 && t->follow)
		ask(l, "previous", NULL);
	else if (!l->before && !l->after && now - l->asked_at > AGAIN_MS)
		ask(l, "again", NULL);
	return false;
}

/* ---- what it says */

static void title(void *arg, const struct page *p, const struct app *app, struct buf *out)
{
	const struct place_page *l = arg;
	const struct table_page *t = table_page_of(p);
	struct place at = place_of(str_of(l->scope));
	const struct source_state *s = &app_store(app)->sources[l->source];
	buf_addf(out, "%ss3://" STR_FMT "/" STR_FMT "  ", at.versions ? "versions of " : "", STR_ARG(at.bucket), STR_ARG(at.key));
	count_text(out, t->view ? t->view->n : 0);
	if (l->before || l->after)
		buf_adds(out, !l->before ? " so far, more below" : !l->after ? ", more above" : ", more above and below");
	if ((l->before || l->after) && narrowed(l, t))
		buf_addf(out, " (%s only these)", *t->typed ? "filters" : "orders");
	if (*t->typed)
		buf_addf(out, "  filter %s", t->typed);
	if (l->asking)
		buf_adds(out, "  reading");
	if (storage_source(app, storage_source(app, -1)) >= 0)
		buf_addf(out, "  of %s", s->name);
	if (health_lost(s->state)) {
		buf_addf(out, "  %s ", health_name(s->state));
		span_text(out, clock_wall(app_clock(app)) - s->since);
	}
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	const struct place_page *l = arg;
	const struct table_page *t = table_page_of(p);
	if (l->why)
		buf_adds(out, l->why);
	else if (!l->known)
		buf_addf(out, "reading s3://%s", l->scope);
	else if (*t->typed)
		buf_addf(out, "no name here passes the filter%s", l->after ? "; more follows below: J goes to a name" : "");
	else
		buf_adds(out, "nothing is here");
	return true;
}

/* ---- commands */

static void jumped(void *arg, struct app *app, const char *text)
{
	struct place_page *l = arg;
	if (!text || l->asking)
		return;
	l->top = true;
	*text ? ask(l, NULL, text) : ask(l, "first", NULL);
}

static void go_up(struct place_page *l, struct app *app)
{
	struct place at = place_of(str_of(l->scope));
	struct page *below = l->page->below;
	if (at.versions || !at.key.n) {
		app_pop(app);
		return;
	}
	struct str whole = { l->scope, strlen(l->scope) }, name = place_name(whole);
	char *scope = str_dup((struct str){ whole.p, whole.n - name.n }), *key = str_dup(whole);
	const struct place_page *b = below && page_is_table(below) && !strcmp(table_page_kind(below), "objects") ?
		table_page_arg(below) : NULL;
	if (b && !strcmp(b->scope, scope))
		app_pop(app);
	else
		app_push(app, place_page_new(app, l->source, str_of(scope), str_of(key), false));
	free(scope);
	free(key);
}

static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct place_page *l = arg;
	const struct table *t;
	const struct row *r = table_page_row(p, &t);
	if (!strcmp(c->name, "count")) {
		if (r && str_is(row_text(t, r, OBJECT_TYPE), "prefix"))
			counts_toggle(&l->counts, app, "objects", r);
		else
			app_say(app, false, "only what is below a prefix or bucket is counted");
	} else if (!strcmp(c->name, "jump") && args.n) {
		char *text = str_dup(args);
		jumped(l, app, text);
		free(text);
	} else if (!strcmp(c->name, "jump")) {
		app_prompt(app, "from: ", "", NULL, jumped, l);
	} else if (!strcmp(c->name, "first") && l->before && !l->asking) {
		jumped(l, app, "");
	} else if (!strcmp(c->name, "again")) {
		if (!l->asking && !l->watch)
			begin(l);
		else if (!l->asking)
			jumped(l, app, "");
	} else if (!strcmp(c->name, "up")) {
		go_up(l, app);
	} else {
		return storage_command(app, p, c, args);
	}
	return true;
}

static void release(void *arg, struct app *app)
{
	struct place_page *l = arg;
	counts_end(&l->counts, app);
	let_go(l);
	free(l->scope);
	free(l->seek);
	free(l->why);
	free(l->parent_seek);
	free(l);
}

static const struct table_hooks hooks = {
	.name = "storage", .scope = &storage_scope, .holds = holds, .command = command, .prepare = prepare, .empty = empty,
	.title = title, .free = release,
};

static void line(const struct page *p, struct buf *out)
{
	const struct place_page *l = table_page_arg(p);
	buf_addf(out, "storage s3://%s", l->scope);
}

struct page *place_page_new(struct app *app, uint16_t source, struct str scope, struct str seek, bool sought)
{
	struct place_page *l = xcalloc(1, sizeof(*l));
	l->app = app;
	l->source = source;
	l->scope = str_dup(scope);
	l->sought = sought;
	l->page = table_page_over(app, store_table(app_store(app), "objects"));
	table_page_hook(l->page, &hooks, l);
	table_page_of(l->page)->ops.line = line;
	if (str_starts(scope, STR(STORAGE_VERSIONS)))
		table_page_sort(l->page, "age", true);
	if (seek.n)
		table_page_seek(l->page, source, seek);
	return l->page;
}

void storage_open(struct app *app, uint16_t source, struct str scope)
{
	app_push(app, place_page_new(app, source, scope, STR(""), false));
}
