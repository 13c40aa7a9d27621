/* pageworld: an app without a terminal on a store that the test fills, to look at pages. */
#ifndef PAGEWORLD_H
#define PAGEWORLD_H
#include "base/kinds.h"
#include "base/mem.h"
#include "tui/app_in.h"
#include "tui/table_page.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW 1763694764000LL

struct world {
	struct clock_fixed time;
	struct clock clock;
	struct store *store;
	struct inbox *inbox;
	struct source *source[2];
	unsigned nsources;
	struct keymap *keymap;
	struct theme *theme;
	struct actor *actor;
	struct app *app;
};

static inline void world_start(struct world *w, const struct backend *b, unsigned nsources,
                               const struct pane *const *panes)
{
	static const char *const names[] = { "eks-prod", "eks-dev" };
	struct config_error err;
	w->time = (struct clock_fixed){ NOW, 1000 };
	w->clock = clock_still(&w->time);
	w->store = store_new(&w->clock);
	for (unsigned i = 0; kinds_all[i]; i++)
		store_add_kind(w->store, kinds_all[i]);
	w->inbox = inbox_new(1 << 20);
	w->nsources = nsources;
	for (unsigned i = 0; i < nsources; i++)
		w->source[i] = source_new(store_add_source(w->store, names[i], "prod"), names[i], "prod", b, NULL, &w->clock,
		                          w->inbox);
	w->actor = actor_new(w->store, NULL, NULL, &w->clock);
	w->keymap = keymap_load("default", NULL, &err);
	w->theme = theme_load("dark", NULL, &err);
	w->app = app_new(&(struct app_options){ .store = w->store, .inbox = w->inbox, .clock = &w->clock,
		.sources = w->source, .nsources = nsources, .panes = panes, .keymap = w->keymap, .theme = w->theme,
		.actor = w->actor, .environment = "prod" });
	app_show_pane(w->app, 0);
}

static inline void world_end(struct world *w)
{
	app_free(w->app);
	actor_free(w->actor);
	for (unsigned i = 0; i < w->nsources; i++)
		source_stop(w->source[i], 0);
	store_free(w->store);
	inbox_free(w->inbox);
	keymap_free(w->keymap);
	theme_free(w->theme);
}

/* Keys as in keymaps, between blanks. */
static inline void press(struct world *w, const char *keys)
{
	struct str rest = str_of(keys);
	while (rest.n) {
		struct key k;
		assert_true(key_parse(str_split(&rest, ' '), &k));
		app_key(w->app, &k);
		app_reap(w->app);
	}
}

static inline void type(struct world *w, const char *text)
{
	for (; *text; text++) {
		struct key k = { .name = K_CHAR, .ch = (unsigned char)*text };
		app_key(w->app, &k);
	}
}

/* The page's part of the screen: without header, tabs and hints. Caller frees. */
static inline char *screen(struct world *w, int width, int height)
{
	struct frame f;
	struct buf out = { 0 };
	app_snapshot(w->app, NULL, width, height, 0, &f);
	frame_dump(&f, &out);
	frame_release(&f);
	return buf_detach(&out);
}

static inline void sees_at(struct world *w, int width, int height, const char *text, bool yes)
{
	char *s = screen(w, width, height);
	if ((strstr(s, text) != NULL) != yes)
		fail_msg("%s '%s' in:\n%s", yes ? "no" : "unexpected", text, s);
	free(s);
}
#define sees(w, text) sees_at(w, 120, 40, text, true)
#define sees_not(w, text) sees_at(w, 120, 40, text, false)

static inline void live(struct world *w, unsigned source)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);
	m->source = (uint16_t)source;
	msg_put_health(m, (struct msg_health){ .state = HEALTH_LIVE, .since = NOW, .latency_us = -1 });
	store_apply(w->store, m, 0);
}

/* A row of any kind from "column=value" texts; columns not named are unknown. */
static inline void put_row(struct buf *b, const struct kind *k, const char *key, enum level level, const char *cells)
{
	rows_put(b, str_of(key), level);
	for (int c = 0; c < k->ncols; c++) {
		struct str rest = str_of(cells), value = { 0 };
		while (rest.n) {
			struct str v = str_split(&rest, ' '), name = str_split(&v, '=');
			if (str_is(name, k->cols[c].name))
				value = v;
		}
		int64_t i = 0;
		if (!value.n) {
			cell_null(b);
		} else if (col_is_text(&k->cols[c])) {
			cell_text(b, value);
		} else if (k->cols[c].type == COL_PAIR) {
			cell_int(b, PAIR(value.p[0] - '0', value.p[2] - '0'));
		} else {
			assert_true(str_to_i64(value, &i));
			cell_int(b, k->cols[c].type == COL_TIME ? NOW - i * 1000 : i);
		}
	}
}

static inline struct buf *rows_of(struct msg **m, struct world *w, const char *kind, unsigned source)
{
	*m = msg_new(MSG_ROWS, 0);
	(*m)->source = (uint16_t)source;
	rows_start(&(*m)->body, kind);
	(void)w;
	return &(*m)->body;
}

/* What the page asked of its source last. */
static inline struct request *asked(struct world *w, unsigned source, enum req_type type)
{
	struct request *r, *found = NULL;
	while ((r = link_take(w->source[source]->link, 0))) {
		if (r->type == type && !found)
			found = r;
		else
			request_free(r);
	}
	return found;
}

static inline void answer(struct world *w, const struct request *r, bool ok, const char *json)
{
	struct msg *m = msg_new(MSG_ANSWER, r->id);
	msg_put_answer(m, (struct msg_answer){ ok, str_of(json) });
	store_apply(w->store, m, 0);
}

static inline void say(struct world *w, const struct request *r, unsigned flags, const char *text)
{
	struct msg *m = msg_new(MSG_TEXT, r->id);
	msg_put_text(m, (struct msg_text){ flags, str_of(text) });
	store_apply(w->store, m, 0);
}
#endif
