/* watch: which kinds are listed and watched, for whom, and what happens when an exchange ends: resume, list anew, fall
 * back to single namespaces, or wait (judge.c decides). A watch that nobody wants any more goes on for half a minute, so
 * that going back and forth between panes costs nothing. */
#include "backends/kubernetes/watch.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LINGER_MS 30000
#define LIST_ONLY_MS 30000
#define SETTLE_MS 1500
#define FULL_MS 60000

/* ---- who wants what */

static bool wanted(const struct watch *w)
{
	return w->nids > 0 || w->wanted_quietly || (w->parent && !w->parent->unwanted);
}

static void note_wanted(struct watch *w)
{
	if (wanted(w))
		w->unwanted = 0;
	else if (!w->unwanted)
		w->unwanted = engine_now(w->e) + 1;
}

struct watch *watch_find(struct engine *e, const char *kind, const char *scope)
{
	for (struct watch *w = e->watches; w; w = w->next)
		if (strcmp(w->kind, kind) == 0 && strcmp(w->scope, scope) == 0)
			return w;
	return NULL;
}

static char *prefix_of(const char *scope)
{
	return *scope ? xasprintf("%s/", scope) : xstrdup("");
}

/* Kinds without columns of their own come as Tables; so do secrets, whose values are to stay on the server. */
static struct table_form *form_for(const struct watch *w)
{
	if (w->own && w->own->kind == &kind_secrets)
		return table_form_new("secrets", "secret", kind_secrets.aliases, "", true);
	if (w->own)
		return NULL;
	return table_form_new(w->api->name, w->api->singular, w->api->aliases, w->api->group, w->api->namespaced);
}

/* What is served how; false: discovery has to be asked. */
static bool resolve(struct watch *w)
{
	w->own = kube_kind_find(w->kind);
	if (!w->own) {
		w->api = kube_known_api(w->e->kube, str_of(w->kind));
		if (!w->api)
			return false;
		w->own = kube_kind_find(w->api->name);
		free(w->kind);
		w->kind = xstrdup(w->api->name);
	}
	w->form = form_for(w);
	return true;
}

static void look_up(struct engine *e, const char *word)
{
	pool_put(e->pool, request_new(REQ_WATCH, word, STR(""), "", ""));
}

static bool cannot_watch(const struct watch *w)
{
	return w->api && !(w->api->verbs & KUBE_WATCH);
}

static void prepare(struct watch *w)
{
	bool namespaced = w->own ? w->own->namespaced : w->api->namespaced;

	if (!namespaced && *w->scope) {
		*w->scope = '\0';
		*w->prefix = '\0';
	}
	w->list_only = cannot_watch(w);
	w->phase = w->form || w->e->no_watchlist || w->list_only ? PHASE_LISTING : PHASE_STREAMING;
	w->state = WATCH_WAITING;
	w->due = 0;
}

struct watch *watch_new(struct engine *e, const char *kind, const char *scope)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->e = e;
	w->kind = xstrdup(kind);
	w->scope = xstrdup(scope);
	w->prefix = prefix_of(scope);
	w->backoff = (struct http_backoff){ .rnd = { rnd_next(&e->rnd) }, .first_ms = 300, .most_ms = 10000 };
	w->said = HEALTH_IDLE;
	w->next = e->watches;
	e->watches = w;
	if (resolve(w)) {
		prepare(w);
	} else {
		w->state = WATCH_LOOKING;
		look_up(e, kind);
	}
	return w;
}

static void free_watch(struct watch *w)
{
	watch_stop_stream(w);
	msg_free(w->rows);
	table_form_free(w->form);
	decode_list_release(&w->list);
	decode_watch_release(&w->events);
	buf_release(&w->json);
	buf_release(&w->page);
	unread_clear(&w->unread);
	free(w->told);
	free(w->ids);
	free(w->kind);
	free(w->scope);
	free(w->prefix);
	free(w);
}

static void start_over(struct watch *w)
{
	watch_stop_stream(w);
	w->listed = w->listing = false;
	buf_clear(&w->page);
	w->state = WATCH_WAITING;
	w->phase = w->form || w->e->no_watchlist || w->list_only ? PHASE_LISTING : PHASE_STREAMING;
	w->due = 0;
}

void watch_orphan(struct watch *child)
{
	child->parent = NULL;
	note_wanted(child);
	if (child->unwanted)
		start_over(child);
}

/* A watch that ran for the ledger alone never sent its rows: it starts over. */
static void unquiet(struct watch *w)
{
	if (!w->quiet)
		return;
	w->quiet = false;
	if (w->state == WATCH_RUNS)
		start_over(w);
}

void watch_request(struct engine *e, struct request *r)
{
	struct watch *w = watch_find(e, r->kind, r->key);

	if (!w)
		w = watch_new(e, r->kind, r->key);
	w->ids = xreallocarray(w->ids, w->nids + 1, sizeof(*w->ids));
	w->ids[w->nids++] = r->id;
	unquiet(w);
	note_wanted(w);
	request_free(r);
}

bool watch_cancel(struct engine *e, uint64_t id)
{
	for (struct watch *w = e->watches; w; w = w->next) {
		for (unsigned i = 0; i < w->nids; i++) {
			if (w->ids[i] != id)
				continue;
			w->ids[i] = w->ids[--w->nids];
			note_wanted(w);
			return true;
		}
	}
	return false;
}

void watches_quietly(struct engine *e, const char *kind, bool on)
{
	struct watch *w = watch_find(e, kind, "");

	if (!w && on) {
		w = watch_new(e, kind, "");
		w->quiet = true;
	}
	if (w && w->wanted_quietly != on) {
		w->wanted_quietly = on;
		note_wanted(w);
	}
}

bool watches_kind(struct engine *e, const char *kind, const char *scope, const char **which)
{
	for (struct watch *w = e->watches; w; w = w->next) {
		if (w->nids == 0 || strcmp(w->kind, kind) != 0 || (scope && strcmp(scope, w->scope) != 0))
			continue;
		if (which)
			*which = w->scope;
		return true;
	}
	return false;
}

bool watches_listing(const struct engine *e)
{
	for (const struct watch *w = e->watches; w; w = w->next)
		if (!w->listed && w->state != WATCH_SPREAD && w->state != WATCH_LOOKING && !(w->state == WATCH_WAITING && w->due > 1))
			return true;
	return false;
}

void watches_looked_up(struct engine *e, const char *word, const char *why)
{
	for (struct watch *w = e->watches; w; w = w->next) {
		if (w->state != WATCH_LOOKING || strcmp(w->kind, word) != 0)
			continue;
		if (!why && resolve(w)) {
			prepare(w);
			continue;
		}
		engine_kind_health(e, w->kind, HEALTH_DOWN, why ? why : "the server has no such kind");
		w->said = HEALTH_DOWN;
		w->due = engine_now(e) + 60000;    /* asked again then, see tick */
	}
}

/* ---- endings */

static void wait_for(struct watch *w, const struct verdict *v)
{
	int64_t wait = v->at_once ? rnd_below(&w->e->rnd, 200) : http_backoff_next(&w->backoff, v->least_ms);

	if (wait < v->least_ms)
		wait = v->least_ms;
	w->state = WATCH_WAITING;
	w->due = engine_now(w->e) + wait;
}

/* The connection cannot be relied on any more. */
static void watch_restart(struct watch *w)
{
	bool resume = w->listed;

	watch_stop_stream(w);
	if (!resume)
		start_over(w);
	else
		w->phase = PHASE_WATCHING;
	wait_for(w, &(struct verdict){ .at_once = true });
}

void watch_ended(struct watch *w, const struct http_reply *reply)
{
	struct kube_status status = { 0 };
	bool has_status = reply->end == HTTP_STATUS && decode_status(buf_str(&reply->body), &status);
	bool namespaced = w->own ? w->own->namespaced : w->api->namespaced;
	struct ending ending = {
		.phase = w->phase, .listed = w->listed, .cluster_wide = namespaced && !*w->scope,
		.end = reply->end, .code = w->error_code ? w->error_code : reply->end == HTTP_STATUS ? reply->status : 0,
		.reason = w->error_code ? w->error_reason : has_status ? status.reason : NULL,
		.cause = w->error_code ? w->error_cause : has_status ? status.cause : NULL,
		.retry_after_ms = reply->retry_after_ms, .garbage = w->garbage,
		.lasted_ms = engine_now(w->e) - w->began,
	};
	if (ending.retry_after_ms < 0 && has_status && status.retry_after_s > 0)
		ending.retry_after_ms = status.retry_after_s * 1000;
	const char *why = w->error_text[0] ? w->error_text : has_status && *status.message ? status.message : reply->error;
	struct verdict v = judge(&ending);
	if (ending.phase == PHASE_LISTING && ending.end == HTTP_OK && !w->garbage)     /* a list of what cannot be watched */
		v = (struct verdict){ .then = JUDGED_RELIST, .at_once = true, .least_ms = LIST_ONLY_MS };
	if (v.source != HEALTH_IDLE)
		engine_lost(w->e, reply);
	else if (reply->end == HTTP_STATUS)
		engine_alive(w->e, -1);
	if (v.kind != HEALTH_IDLE && v.then != JUDGED_NAMESPACES)
		watch_say(w, v.kind, why);
	if (v.then == JUDGED_NO_WATCHLIST)
		w->e->no_watchlist = true;
	if (v.then == JUDGED_LIST_ONLY)
		w->list_only = true;
	else if (ending.code == 403)
		w->list_only = cannot_watch(w);
	if (w->parent && w->refused && v.least_ms < spread_refused_ms(w))
		v.least_ms = spread_refused_ms(w);
	if (v.then == JUDGED_RELIST && ending.phase == PHASE_LISTING && ending.code == 410)
		w->whole = true;    /* the list went stale between two pages: take it in one */
	if (v.then != JUDGED_RESUME)
		start_over(w);
	else
		w->phase = PHASE_WATCHING;
	if (v.then == JUDGED_NAMESPACES)
		spread_start(w);
	else
		wait_for(w, &v);
	if (has_status)
		kube_status_release(&status);
}

/* ---- time */

/* A watch may have nothing to say: when it was not refused within a moment, it works. */
static int64_t settle(struct watch *w, int64_t now)
{
	if (w->state != WATCH_RUNS || w->phase != PHASE_WATCHING || w->settled)
		return NEVER;
	if (credentials_wait(w->e))
		w->began = now;
	if (now - w->began < SETTLE_MS)
		return w->began + SETTLE_MS;
	watch_live(w);
	return NEVER;
}

/* A listing that stands still is given up; a watch may be silent for long (backend.c asks after the server then). */
static void give_up_if_stalled(struct watch *w, int64_t now)
{
	char why[120];

	if (w->state != WATCH_RUNS || w->phase == PHASE_WATCHING || w->listed || now - w->fed < w->e->patience)
		return;
	if (credentials_wait(w->e)) {
		w->fed = now;
		return;
	}
	snprintf(why, sizeof(why), "the API server has sent nothing for %d s", (int)(w->e->patience / 1000));
	watch_restart(w);
	watch_say(w, HEALTH_STALE, why);
}

void watches_restart(struct engine *e)
{
	for (struct watch *w = e->watches; w; w = w->next)
		if (w->state == WATCH_RUNS)
			watch_restart(w);
}

static bool drop_if_unwanted(struct engine *e, struct watch **at, int64_t now)
{
	struct watch *w = *at;

	if (!w->unwanted || (now - w->unwanted < LINGER_MS && w->state != WATCH_WAITING && w->state != WATCH_LOOKING))
		return false;
	for (struct watch *c = e->watches; c; c = c->next)
		if (c->parent == w)
			return false;    /* they go first, see below */
	if (watch_feeds_ledger(w))
		ledger_clear(&e->ledger);
	if (watch_names_namespaces(w))
		namespaces_clear(&e->namespaces);
	*at = w->next;
	free_watch(w);
	return true;
}

/* The children of what is spread, for which the namespaces' names are needed. */
static void spread_all(struct engine *e)
{
	bool any = false;

	for (struct watch *w = e->watches; w; w = w->next)
		any |= w->state == WATCH_SPREAD && !w->unwanted;
	watches_quietly(e, "namespaces", any);
	for (struct watch *w = e->watches; w; w = w->next)    /* new ones come before those that are there */
		if (w->state == WATCH_SPREAD && !w->unwanted)
			spread_tick(w);
}

static void start_if_due(struct watch *w, int64_t now)
{
	if (w->state == WATCH_LOOKING && w->due && now >= w->due) {
		w->due = 0;
		look_up(w->e, w->kind);
	}
	if (w->state != WATCH_WAITING || now < w->due || w->unwanted)
		return;
	if (w->parent && w->refused && !spread_has_room(w->parent))
		w->due = now + FULL_MS;
	else
		watch_start(w);
}

int64_t watches_tick(struct engine *e, int64_t now)
{
	int64_t next = NEVER;

	spread_all(e);
	for (struct watch *w = e->watches; w; w = w->next) {
		if (w->parent)
			note_wanted(w);
		watch_flush(w);
		give_up_if_stalled(w, now);
		start_if_due(w, now);
		if (w->settled && w->unread.n != w->unread_told) {
			w->unread_told = w->unread.n;
			watch_tell(w);
		}
		int64_t when = w->state == WATCH_WAITING || (w->state == WATCH_LOOKING && w->due) ? w->due : NEVER;
		int64_t settles = settle(w, now);
		if (settles < when)
			when = settles;
		if (w->state == WATCH_RUNS && !w->listed)
			when = w->fed + e->patience;
		if (w->unwanted && w->unwanted + LINGER_MS < when)
			when = w->unwanted + LINGER_MS;
		if (when < next)
			next = when;
	}
	for (struct watch **at = &e->watches; *at; )
		if (!drop_if_unwanted(e, at, now))
			at = &(*at)->next;
	return next;
}

void watches_kick(struct engine *e)
{
	for (struct watch *w = e->watches; w; w = w->next)
		if (w->state == WATCH_WAITING || (w->state == WATCH_LOOKING && w->due))
			w->due = 1;
}

void watches_free(struct engine *e)
{
	for (struct watch *w = e->watches, *next; w; w = next) {
		next = w->next;
		free_watch(w);
	}
	e->watches = NULL;
}
