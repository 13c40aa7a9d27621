/* watch: the collector without a screen, for a service that runs day and night: the timeline, spend and who was in production
 * then have no gaps. It asks for the kinds that are recorded, at the pace of something nobody looks at, says on stderr when a
 * source is lost and when it is back, and ends on SIGTERM, SIGINT and SIGHUP with everything written. */
#define _GNU_SOURCE
#include "backends/net/pg_history.h"
#include "base/mem.h"
#include "cli/session.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Besides those that tell of changes: their backends keep something of their own while these are watched. */
static const char *const recorded[] = { "models", "spend", NULL };
enum { KINDS_MAX = 64, TICK_MS = 1000, AGAIN_MS = 5 * 60000, LOST_MS = 30000, CLOSE_MS = 5000 };

struct watched { unsigned source; const char *kind; uint64_t id; };
struct watcher {
	struct session *s;
	struct watched *list; unsigned n;
	struct { enum health_state said; int64_t again; } *of;      /* by source */
};

static void kinds_of(const char *kinds[KINDS_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; changes_kind(i) && n < KINDS_MAX - 1; i++)
		kinds[n++] = changes_kind(i);
	for (unsigned i = 0; recorded[i] && n < KINDS_MAX - 1; i++) {
		bool have = false;
		for (unsigned k = 0; k < n; k++)
			have |= !strcmp(kinds[k], recorded[i]);
		if (!have)
			kinds[n++] = recorded[i];
	}
	kinds[n] = NULL;
}

static void start(struct watcher *w)
{
	const char *kinds[KINDS_MAX];
	struct session *s = w->s;
	kinds_of(kinds);
	for (unsigned i = 0; i < s->nsources; i++)
		for (unsigned k = 0; kinds[k]; k++) {
			if (!backend_fills(s->sources[i]->backend, kinds[k]))
				continue;
			w->list = xreallocarray(w->list, w->n + 1, sizeof(*w->list));
			w->list[w->n++] = (struct watched){ i, kinds[k], source_ask(s->sources[i], request_new(REQ_WATCH, kinds[k], STR(""), "", "")) };
			feed_on(s->feed, i, kinds[k]);
		}
}

/* A source that gave up is asked again now and then: nobody is there to do it. */
static void ask_again(struct watcher *w, unsigned source)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->list[i].source == source) {
			source_cancel(w->s->sources[source], w->list[i].id);
			w->list[i].id = source_ask(w->s->sources[source], request_new(REQ_WATCH, w->list[i].kind, STR(""), "", ""));
		}
}

static void look_after(struct watcher *w)
{
	int64_t now = clock_wall(&w->s->clock);
	for (unsigned i = 0; i < w->s->nsources; i++) {
		const struct source_state *x = &w->s->store->sources[w->s->sources[i]->index];
		bool lost = health_lost(x->state), said = health_lost(w->of[i].said);
		if (lost && !said && now - x->since >= LOST_MS) {
			fprintf(stderr, "%s: %s%s%s\n", x->name, x->state == HEALTH_STALE ? "lost" : health_name(x->state), *x->why ? ": " : "", x->why);
			w->of[i].said = x->state;
		} else if (said && x->state == HEALTH_LIVE) {
			fprintf(stderr, "%s: there again\n", x->name);
			w->of[i].said = x->state;
		}
		if ((x->state == HEALTH_REFUSED || x->state == HEALTH_DOWN) && now >= w->of[i].again) {
			if (w->of[i].again)
				ask_again(w, i);
			w->of[i].again = now + AGAIN_MS;
		} else if (!lost) {
			w->of[i].again = 0;
		}
	}
}

/* Until a signal says to end. */
static void loop(struct watcher *w, int signals)
{
	struct session *s = w->s;
	struct pollfd fds[2] = { { signals, POLLIN, 0 }, { inbox_fd(s->inbox), POLLIN, 0 } };
	int64_t ticked = 0;
	while (!(fds[0].revents & POLLIN)) {
		struct msg *m;
		int64_t now = clock_mono(&clock_system);
		while ((m = inbox_take(s->inbox))) {
			session_saw(s, m);
			store_apply(s->store, m, 0);
		}
		if (now - ticked >= TICK_MS) {
			ticked = now;
			chronicle_tick(s->chronicle);
			look_after(w);
		}
		/* a trickle of messages waits for the next tick: one wake-up a second, however many */
		fds[1].events = inbox_bytes(s->inbox) > 65536 ? POLLIN : 0;
		poll(fds, 2, TICK_MS);
	}
}

static int print_ddl(const struct cli *c)
{
	struct config_errors errors = { 0 };
	char *path = config_find(c->config);
	struct config *config = path ? config_load(path, session_source_types(), &errors) : NULL;
	const struct yaml *mine = config ? yaml_get(config->root, "history") : NULL, *team = mine ? yaml_get(mine, "postgres") : NULL;
	const char *schema = team ? yaml_text(team, "schema") : NULL;
	char *ddl = pg_history_ddl(schema ? schema : "binnacle");
	session_print_errors(&errors);
	int code = errors.n || !ddl ? EXIT_USAGE : EXIT_OK;
	if (!ddl)
		fprintf(stderr, "binnacle: history: schema: '%s' is no name; use a-z, 0-9 and _\n", schema);
	else if (!code)
		fputs(ddl, stdout);
	config_errors_release(&errors);
	config_free(config);
	free(path);
	free(ddl);
	return code;
}

/* What is there now. */
static int once(struct session *s, int wait_ms)
{
	const char *kinds[KINDS_MAX];
	kinds_of(kinds);
	bool any = session_list(s, kinds, wait_ms);
	chronicle_settle(s->chronicle, wait_ms);
	if (!any)
		fputs("binnacle: no source answered in time\n", stderr);
	return any ? EXIT_OK : EXIT_UNREACHABLE;
}

/* All that was seen is in the file before the program ends. */
static int finish(struct session *s, int code)
{
	struct history_shared h;
	char *why = NULL;
	chronicle_tick(s->chronicle);
	if (!history_flush(s->history, &why)) {
		fprintf(stderr, "binnacle: %s\n", why ? why : "the history could not be written");
		code = EXIT_FAILED;
	}
	free(why);
	history_settle(s->history, CLOSE_MS);
	history_shared(s->history, &h);
	if (h.on && !h.well)
		fprintf(stderr, "binnacle: kept here, not copied yet: %s\n", *h.why ? h.why : "no answer in time");
	return code;
}

int cli_watch(struct cli *c)
{
	int code, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	sigset_t ends;
	if (c->ddl)
		return print_ddl(c);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);          /* before there are threads: they inherit it */
	struct session *s = session_open(c, SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	struct watcher w = { .s = s, .of = xcalloc(s->nsources + 1, sizeof(*w.of)) };
	int signals = signalfd(-1, &ends, SFD_CLOEXEC);
	code = EXIT_OK;
	for (unsigned i = 0; i < s->nsources; i++)
		source_rest(s->sources[i]);
	session_start(s);
	if (c->once) {
		code = once(s, wait_ms);
	} else {
		start(&w);
		loop(&w, signals);
	}
	code = finish(s, code);
	close(signals);
	free(w.list);
	free(w.of);
	session_close(s);
	return code;
}
