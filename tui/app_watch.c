/* app_watch: which kinds the sources are asked for. A kind that nobody looks at any more is kept for a while, so that
 * going into a row and back, or from pane to pane, asks for nothing again. */
#include "tui/app_in.h"
#include "base/feed.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <stdlib.h>

#define LINGER_MS 30000

/* Kinds made while running are in no backend's table: then everyone is asked, and who knows it answers. One of ours that nobody
 * here fills is asked of nobody. */
static bool anyone_fills(const struct app *app, const char *kind)
{
	for (unsigned i = 0; i < app->o.nsources; i++)
		if (backend_fills(app->o.sources[i]->backend, kind))
			return true;
	return false;
}

static struct watch *find(struct app *app, const char *kind, const char *scope)
{
	for (unsigned i = 0; i < app->nwatches; i++)
		if (strcmp(app->watches[i].kind, kind) == 0 && strcmp(app->watches[i].scope, scope) == 0)
			return &app->watches[i];
	return NULL;
}

void app_watch(struct app *app, const char *kind, const char *scope)
{
	struct watch *w = find(app, kind, scope ? scope : "");
	bool known;

	if (w) {
		w->count++;
		return;
	}
	app->watches = xreallocarray(app->watches, app->nwatches + 1, sizeof(*w));
	w = &app->watches[app->nwatches++];
	*w = (struct watch){ .kind = xstrdup(kind), .scope = xstrdup(scope ? scope : ""), .count = 1,
	                     .ids = xcalloc(app->o.nsources + 1, sizeof(uint64_t)) };
	known = kind_named(kind) || anyone_fills(app, kind);
	for (unsigned i = 0; i < app->o.nsources; i++)
		if (!known || backend_fills(app->o.sources[i]->backend, kind)) {
			w->ids[i] = source_ask(app->o.sources[i],
			                       request_new(REQ_WATCH, kind, str_of(w->scope), "", NULL));
			if (known)
				feed_on(app->o.feed, i, kind);
		}
}

void app_watch_header(struct app *app)
{
	static const char *const kinds[] = { "spend", "alerts" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (anyone_fills(app, kinds[i]))
			app_watch(app, kinds[i], "");
}

void app_unwatch(struct app *app, const char *kind, const char *scope)
{
	struct watch *w = find(app, kind, scope ? scope : "");

	if (w && w->count && --w->count == 0)
		w->until = clock_system.mono_ms(NULL) + LINGER_MS;
}

static void let_go(struct app *app, struct watch *w)
{
	for (unsigned i = 0; i < app->o.nsources; i++)
		if (w->ids[i]) {
			if (backend_fills(app->o.sources[i]->backend, w->kind))
				feed_off(app->o.feed, i, w->kind);
			source_cancel(app->o.sources[i], w->ids[i]);
		}
	free(w->kind);
	free(w->scope);
	free(w->ids);
	*w = app->watches[--app->nwatches];
}

void app_watch_tick(struct app *app, int64_t mono)
{
	for (unsigned i = 0; i < app->nwatches; i++)
		if (!app->watches[i].count && mono >= app->watches[i].until)
			let_go(app, &app->watches[i--]);
}

int64_t app_watch_next(const struct app *app)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < app->nwatches; i++)
		if (!app->watches[i].count && app->watches[i].until < next)
			next = app->watches[i].until;
	return next;
}

void app_watch_free(struct app *app)
{
	while (app->nwatches)
		let_go(app, &app->watches[0]);
	free(app->watches);
	app->watches = NULL;
}

/* Of sources that are only played back it is not known what they hold: the first list that is there will do. */
static bool played_listed(const struct app *app)
{
	for (unsigned i = 0; i < app->nwatches; i++)
		for (unsigned s = 0; s < app->o.store->nsources; s++) {
			const struct kind_state *k = store_kind_state(app->o.store, app->watches[i].kind, (uint16_t)s);

			if (k && k->listed)
				return true;
		}
	return app->nwatches == 0;
}

bool app_watch_listed(const struct app *app)
{
	if (app->o.replay || !app->o.nsources)
		return played_listed(app);
	for (unsigned i = 0; i < app->nwatches; i++)
		for (unsigned s = 0; s < app->o.nsources; s++) {
			const struct source *src = app->o.sources[s];
			const struct kind_state *k;
			enum health_state h;

			if (!app->watches[i].ids[s] || src->index >= app->o.store->nsources)
				continue;
			k = store_kind_state(app->o.store, app->watches[i].kind, src->index);
			h = app->o.store->sources[src->index].state;
			if ((!k || !k->listed) && h != HEALTH_REFUSED && h != HEALTH_DOWN &&
			    !(k && (k->state == HEALTH_REFUSED || k->state == HEALTH_DOWN)))
				return false;
		}
	return true;
}
