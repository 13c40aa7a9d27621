/* app: one loop. Keys first, and what they change is drawn at once; then messages for a few milliseconds; what
 * they change is drawn ten times a second in the long run, at once after a quiet while; then the clock. Between these
 * the program sleeps in poll(2), and does not look at a trickle of messages before it may draw them. */
#include "tui/app_in.h"
#include "base/mem.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SLICE_MS 1               /* for messages between two looks at the keys */
#define SLICE_OPS 256            /* row operations between two looks at the time */
#define FRAME_MS 100             /* what a drawing for the sake of data costs; so much is earned by waiting */
#define EARNED_MAX_MS 400        /* a few drawings in a row after a quiet while */
#define GAP_MS 16                /* between any two of them */
#define AGES_MS 20000            /* how old ages may be on a screen where nothing happens */
#define ACTIVE_MS 5000           /* after a key or a change ages are brought up to date each second */
#define TRICKLE 16384            /* bytes of messages that can wait until they may be drawn */
#define ESC_MS 25                /* after which a lone ESC is the key Esc */
#define POOL_MAX 65536           /* bytes of glyphs in a frame that is drawn over and over in part */
#define SAY_MS 5000
#define SAY_BAD_MS 12000

struct app *app_new(const struct app_options *o)
{
	struct app *app = xcalloc(1, sizeof(*app));
	char *path;

	app->o = *o;
	app->permits = permits_new(o->store, o->clock);
	if (o->actor)
		actor_permits(o->actor, app->permits);
	app->context = -1;
	app->lent = -1;
	app->ns = xstrdup("");
	while (o->panes[app->npanes])
		app->npanes++;
	app->tops = xcalloc(app->npanes + 1, sizeof(*app->tops));
	frame_init(&app->frame, 0, 0, o->ascii);
	path = o->state_dir ? xasprintf("%s/history", o->state_dir) : NULL;
	recall_load(&app->commands, path);
	free(path);
	path = o->state_dir ? xasprintf("%s/filters", o->state_dir) : NULL;
	recall_load(&app->lines, path);
	free(path);
	app_views_load(app);
	return app;
}

void app_free(struct app *app)
{
	if (!app)
		return;
	if (app->lent >= 0)
		close(app->lent);
	app_drop_quest(app);
	app_leave_line(app);
	app_free_pages(app);
	if (app->o.actor)
		actor_permits(app->o.actor, NULL);
	permits_free(app->permits);
	app_watch_free(app);
	app_lines_free(app);
	frame_release(&app->frame);
	theme_free(app->own_theme);
	free(app->tops);
	free(app->ns);
	free(app->say);
	free(app);
}

/* ---- messages */

bool app_take_messages(struct app *app)
{
	int64_t end = clock_system.mono_ms(NULL) + SLICE_MS;

	app->trickle = inbox_bytes(app->o.inbox) < TRICKLE && !app->more;

	for (;;) {
		if (app->more) {
			app->more = store_apply(app->o.store, NULL, SLICE_OPS);
		} else {
			struct msg *m = inbox_take(app->o.inbox);

			if (!m)
				return false;
			if (app->o.on_message)
				app->o.on_message(app->o.on_message_arg, m);
			app->more = store_apply(app->o.store, m, SLICE_OPS);
		}
		if (clock_system.mono_ms(NULL) >= end)
			return true;
	}
}

/* ---- drawing */

/* Why the screen is drawn. Ages move all over a list at once: a key does not pay for that, and where nothing
 * happens they wait, so that an idle screen sends next to nothing. */
enum why { FOR_KEY, FOR_DATA, FOR_TIME };

static void tell_time(struct app *app, enum why why, int64_t now)
{
	const struct page *top = app_top(app);

	if (why != FOR_TIME)
		app->active_at = now;
	if (why != FOR_KEY || top != app->drawn_page || now < app->page_now)
		app->page_now = now;
	app->drawn_page = top;
	app->drawn_second = now / 1000;
}

/* What came does not show on the page: its rows are not in sight. Then only the lines that count and tell stay to be
 * drawn; but at least once a second the page is drawn all the same. */
static bool is_out_of_sight(const struct app *app, enum why why, bool changed, bool same, int64_t now)
{
	return why == FOR_DATA && !changed && same && !app->dirty && !app->key && now >= app->page_now &&
	       now - app->page_now < 1000 && app->frame.pool.len < POOL_MAX;
}

static void draw(struct app *app, enum why why)
{
	int64_t now = clock_wall(app->o.clock), told = app->page_now;
	struct page *p = app_top(app);
	bool same = p == app->drawn_page, changed = true;
	struct rect area;
	int w = app->frame.w, h = app->frame.h;

	if (app->term)
		term_size(app->term, &w, &h);
	same = same && w == app->frame.w && h == app->frame.h;
	if (!same)
		frame_resize(&app->frame, w, h);
	tell_time(app, why, now);
	app_layout(app, &area);
	app->drawn_version = app->o.store->version;
	if (p && p->ops->prepare)
		changed = p->ops->prepare(p, app, area.w, area.h, app->page_now);
	app_want_permits(app);
	int64_t tells = app->page_now;
	app->page_now = told;
	if (is_out_of_sight(app, why, changed, same, now)) {
		app_draw_lines(app, now);
	} else {
		app->page_now = tells;
		frame_clear(&app->frame);
		app_draw(app, app->page_now, now);
	}
	if (app->term)
		term_put(app->term, &app->frame);
	app->drawn_at = clock_system.mono_ms(NULL);
	app->dirty = app->key = false;
}

/* A second has passed and nothing else has: the header, and the ages when they are old enough. */
static void draw_time(struct app *app)
{
	int64_t now = clock_wall(app->o.clock);
	int64_t ages = now - app->active_at < ACTIVE_MS ? 1000 : AGES_MS;

	if (now - app->page_now >= ages || now < app->page_now) {
		draw(app, FOR_TIME);
		return;
	}
	app->drawn_second = now / 1000;
	app_draw_lines(app, now);
	if (app->term)
		term_put(app->term, &app->frame);
}

/* When what changed may be drawn, mono ms. */
static int64_t may_draw_at(struct app *app, int64_t mono)
{
	int64_t earned = app->earned + (mono - app->earned_at), at;

	app->earned = earned > EARNED_MAX_MS ? EARNED_MAX_MS : earned;
	app->earned_at = mono;
	at = mono + (app->earned < FRAME_MS ? FRAME_MS - app->earned : 0);
	return at < app->drawn_at + GAP_MS ? app->drawn_at + GAP_MS : at;
}

/* Milliseconds until something is due without anyone saying so, -1 = never. */
static int until_due(struct app *app, int64_t mono, bool changed)
{
	int64_t due = INT64_MAX, t;

	if (changed)
		due = may_draw_at(app, mono);
	t = mono + 1000 - clock_wall(app->o.clock) % 1000;        /* the clock in the header */
	due = t < due ? t : due;
	if (app->say && app->say_until < due)
		due = app->say_until;
	if (app->wake_at && app->wake_at < due)
		due = app->wake_at;
	if (app->runbooks_at && app->runbooks_at < due)
		due = app->runbooks_at;
	t = app_watch_next(app);
	due = t < due ? t : due;
	t = app_tour_next(app, mono);
	due = t < due ? t : due;
	if (due == INT64_MAX)
		return -1;
	return due <= mono ? 0 : (int)(due - mono);
}

static void take_time(struct app *app, int64_t mono)
{
	if (app->say && mono >= app->say_until) {
		free(app->say);
		app->say = NULL;
		app->dirty = true;
	}
	if (app->wake_at && mono >= app->wake_at) {
		app->wake_at = 0;
		app->dirty = true;
	}
	if (app->o.chronicle)
		chronicle_tick(app->o.chronicle);
	app_watch_tick(app, mono);
	app_runbooks_tick(app, mono);
	app_tour_tick(app, mono);
}

/* ---- keys and signals */

static void take_keys(struct app *app, bool late)
{
	struct key k;

	while (!app->quit && term_key(app->term, late, &k)) {
		app_key(app, &k);
		app_reap(app);
		app->key = true;
	}
}

static void take_events(struct app *app)
{
	unsigned e = term_events(app->term);

	if (e & TERM_QUIT) {
		app->quit = true;
		app->code = 143;                                  /* 128 + SIGTERM, as the shell would say */
	}
	if (e & TERM_STOP && !app->quit)
		term_suspend(app->term);
	if (e & (TERM_RESIZED | TERM_RESUMED | TERM_STOP))
		app->key = true;
}

static bool work(struct app *app)
{
	struct page *p = app_top(app);

	return p && p->ops->work && !app->quit && p->ops->work(p, app);
}

static void loop(struct app *app)
{
	struct pollfd fds[4] = {
		{ .fd = term_fd(app->term), .events = POLLIN },
		{ .fd = term_signal_fd(app->term), .events = POLLIN },
		{ .fd = inbox_fd(app->o.inbox), .events = POLLIN },
	};
	int64_t waiting = 0;                 /* since when bytes of a key wait for more, 0 = none do */
	bool more = false, busy = false;

	while (!app->quit) {
		bool changed = app->o.store->version != app->drawn_version;
		int64_t mono = clock_system.mono_ms(NULL);
		int wait = more || busy || app->more ? 0 : until_due(app, mono, changed || app->dirty);

		if (waiting && (wait < 0 || wait > waiting + ESC_MS - mono))
			wait = waiting + ESC_MS > mono ? (int)(waiting + ESC_MS - mono) : 0;
		/* a trickle waits until it may be drawn: ten wake-ups a second, however many messages */
		int64_t at = may_draw_at(app, mono);
		bool hold = app->trickle && at > mono && !more && !busy && !app->more;

		if (hold && (wait < 0 || wait > at - mono))
			wait = (int)(at - mono);
		fds[2].events = hold ? 0 : POLLIN;
		fds[2].revents = 0;
		fds[3] = (struct pollfd){ .fd = app->lent, .events = POLLIN };
		/* time that passes here, or before we are let run again, is no sign that nothing follows: the look at the bytes must be later */
		bool late = waiting && mono >= waiting + ESC_MS;

		poll(fds, 4, wait);
		if (fds[1].revents)
			take_events(app);
		if (fds[3].revents)
			app_lend_turn(app);
		else if (fds[0].revents && !term_read(app->term)) {
			app->code = 129;                          /* the terminal is gone */
			return;
		}
		mono = clock_system.mono_ms(NULL);
		take_keys(app, late && !fds[0].revents);
		waiting = !term_pending(app->term) ? 0 : waiting && !fds[0].revents ? waiting : mono;
		if (app->key && !app->quit)
			draw(app, FOR_KEY);
		if (fds[2].events || more || app->more)
			more = app_take_messages(app);
		app_reap(app);
		busy = work(app);
		mono = clock_system.mono_ms(NULL);
		take_time(app, mono);
		changed = app->o.store->version != app->drawn_version || app->dirty;
		if (changed && may_draw_at(app, mono) <= mono && !app->quit) {
			more = app_take_messages(app) || more;        /* what came while waiting is drawn too */
			app->earned -= FRAME_MS;
			draw(app, FOR_DATA);
		}
		if (clock_wall(app->o.clock) / 1000 != app->drawn_second && !app->quit)
			draw_time(app);
	}
}

int app_run(struct app *app, const char *first_pane)
{
	struct term_options to = { .theme = app->o.theme, .mouse = app->o.mouse, .ascii = app->o.ascii };
	char why[256];

	app->term = term_open(&to, why, sizeof(why));
	if (!app->term) {
		fprintf(stderr, "binnacle: %s\n", why);
		return 3;      /* there is no terminal, or none that can show a screen: see exit_codes */
	}
	app->frame.ascii = term_ascii(app->term);
	app_watch_header(app);
	if (!first_pane || !app_goto(app, first_pane, STR("")))
		app_show_pane(app, 0);
	app_runbooks_start(app);
	app_tour_start(app);
	draw(app, FOR_DATA);
	loop(app);
	term_close(app->term);
	app->term = NULL;
	return app->code;
}

void app_snapshot(struct app *app, const char *pane, int w, int h, int wait_ms, struct frame *out)
{
	int64_t end = clock_system.mono_ms(NULL) + wait_ms;
	struct pollfd fd = { .fd = inbox_fd(app->o.inbox), .events = POLLIN };

	frame_resize(&app->frame, w, h);
	app_watch_header(app);
	if (!pane || !*pane)
		app_show_pane(app, 0);
	else
		app_run_as(app, str_of(pane), true);
	for (;;) {
		int64_t left = end - clock_system.mono_ms(NULL);

		while (app_take_messages(app))
			;
		app_reap(app);
		while (work(app))
			;
		app->dirty = true;
		draw(app, FOR_DATA);
		if (left <= 0 || app_watch_listed(app))
			break;
		poll(&fd, 1, left > 20 ? 20 : (int)left);
	}
	/* what is made of many rows is made at most each 300 ms (base/findings.h): of the last ones too, where any were waited for */
	poll(NULL, 0, wait_ms < 320 ? wait_ms : 320);
	while (app_take_messages(app))
		;
	if (app->o.chronicle)
		chronicle_settle(app->o.chronicle, 3000);
	app->dirty = true;
	draw(app, FOR_DATA);
	*out = app->frame;
	frame_init(&app->frame, 0, 0, out->ascii);
}

/* ---- small things that pages ask */

struct runbooks *app_runbooks(const struct app *app)
{
	return app->o.runbooks;
}

struct store *app_store(const struct app *app)
{
	return app->o.store;
}

struct actor *app_actor(const struct app *app)
{
	return app->o.actor;
}

const struct config *app_config(const struct app *app)
{
	return app->o.config;
}

struct chronicle *app_chronicle(const struct app *app)
{
	return app->o.chronicle;
}

struct history *app_history(const struct app *app)
{
	return app->o.history;
}

const struct clock *app_clock(const struct app *app)
{
	return app->o.clock;
}

bool app_ascii(const struct app *app)
{
	return app->frame.ascii;
}

struct source *app_source(const struct app *app, uint16_t index)
{
	for (unsigned i = 0; i < app->o.nsources; i++)
		if (app->o.sources[i]->index == index)
			return app->o.sources[i];
	return NULL;
}

unsigned app_sources(const struct app *app)
{
	return app->o.nsources;
}

const char *app_namespace(const struct app *app)
{
	return app->ns;
}

int app_context(const struct app *app)
{
	return app->context;
}

void app_set_namespace(struct app *app, const char *ns)
{
	char *copy = xstrdup(ns ? ns : "");

	free(app->ns);
	app->ns = copy;
	app->dirty = true;
}

void app_wake(struct app *app, int ms)
{
	int64_t at = clock_system.mono_ms(NULL) + (ms > 0 ? ms : 1);
	if (!app->wake_at || at < app->wake_at)
		app->wake_at = at;
}

const char *app_state_dir(const struct app *app)
{
	return app->o.state_dir;
}

void app_redraw(struct app *app)
{
	app->dirty = true;
}

void app_say(struct app *app, bool bad, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(app->say);
	app->say = buf_detach(&b);
	app->say_bad = bad;
	app->say_until = clock_system.mono_ms(NULL) + (bad ? SAY_BAD_MS : SAY_MS);
	app->dirty = true;
}

void app_copy(struct app *app, struct str text)
{
	if (app->term)
		term_copy(app->term, text);
	app_say(app, false, "copied %zu bytes", text.n);
}

void app_act(struct app *app, const char *action, const char *kind, uint16_t source, const char *const *keys,
             unsigned nkeys, const char *params)
{
	struct source *s = app_source(app, source);
	const struct action *a = s ? action_find(s->backend, action, kind) : NULL;
	const char *why = NULL, *dim;
	struct act *act;

	if (!a) {
		app_say(app, true, "'%s' is not offered on %s%s%s", action, kind, s ? " of " : "", s ? s->name : "");
		return;
	}
	act = act_start(app->o.actor, s, a, kind, keys, nkeys, params, &why);
	if (!act) {
		app_say(app, true, "%s: %s", a->title, why ? why : "refused");
		return;
	}
	dim = nkeys ? permits_refused(app->permits, s, kind, str_of(keys[0]), action) : NULL;
	if (dim)
		app_say(app, true, "asking again, though %s", dim);
	app_push(app, act_page_new(app, act));
}
