/* console: the screen itself: on a terminal, simulated, or one frame of it as text. */
#define _GNU_SOURCE
#include "base/mem.h"
#include "cli/session.h"
#include "panes/list.h"
#include "tui/app.h"
#include "tui/keymap.h"
#include "tui/theme.h"
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static int config_failed(const struct config_error *e)
{
	if (e->line)
		fprintf(stderr, "binnacle: %s:%u:%u: %s\n", e->file ? e->file : "?", e->line, e->column, e->what);
	else
		fprintf(stderr, "binnacle: %s: %s\n", e->file ? e->file : "?", e->what);
	free(e->file);
	return EXIT_USAGE;
}

struct dress {
	struct theme *theme;
	struct keymap *keymap;
	char *theme_dir;
};

static int load_look(const struct cli *c, const struct config *config, const char *dir, struct dress *l)
{
	struct config_error err = { 0 };
	char *keymaps = xasprintf("%s/keymaps", dir);
	const char *theme = c->theme ? c->theme : config_text(config, "theme");
	const char *keymap = c->keymap ? c->keymap : config_text(config, "keymap");
	l->theme_dir = xasprintf("%s/themes", dir);
	l->theme = theme_load(theme ? theme : "dark", l->theme_dir, &err);
	if (l->theme)
		l->keymap = keymap_load(keymap ? keymap : "default", keymaps, &err);
	free(keymaps);
	return l->keymap && keymap_check(l->keymap, scopes_all, &err) ? EXIT_OK : config_failed(&err);
}

static void release_look(struct dress *l)
{
	theme_free(l->theme);
	keymap_free(l->keymap);
	free(l->theme_dir);
}

int console_check_look(const struct cli *c, const struct config *config)
{
	char *dir = session_config_dir();
	struct dress l = { 0 };
	int code = load_look(c, config, dir, &l);
	release_look(&l);
	free(dir);
	return code;
}

static bool setting_on(const struct session *s, const char *key)
{
	const char *v = session_setting(s, key);
	return v && (v[0] == 't' || v[0] == 'y' || strcmp(v, "on") == 0);
}

/* What passes between session and app. */
struct passing { struct session *session; struct app *app; bool told; };

static void saw(void *arg, const struct msg *m)
{
	struct passing *p = arg;
	session_saw(p->session, m);
	const char *error = p->session->record ? record_error(p->session->record) : NULL;
	if (error && !p->told)
		app_say(p->app, true, "%s", error);
	p->told = error;
}

static struct app *make_app(struct session *s, const struct dress *l, bool ascii, struct passing *p)
{
	p->session = s;
	return p->app = app_new(&(struct app_options){
		.store = s->store, .inbox = s->inbox, .actor = s->actor, .runbooks = s->runbooks, .clock = &s->clock,
		.sources = s->sources, .nsources = s->nsources, .feed = s->feed, .panes = panes_all,
		.keymap = l->keymap, .theme = l->theme, .theme_dir = l->theme_dir,
		.environment = s->environment, .state_dir = s->state_dir, .config = s->config,
		.chronicle = s->chronicle, .history = s->history,
		.tour = s->cli->tour ? &demo_tour : NULL,
		.readonly = s->cli->readonly, .replay = s->cli->replay != NULL, .mouse = s->cli->mouse || setting_on(s, "mouse"), .ascii = ascii,
		.on_message = saw, .on_message_arg = p,
	});
}

static int run(struct cli *c, enum session_kind kind)
{
	int code;
	struct dress look = { 0 };
	struct passing passing = { 0 };
	struct session *s = session_open(c, kind, &code);
	if (!s)
		return code;
	code = load_look(c, s->config, s->config_dir, &look);
	if (code == EXIT_OK) {
		const char *ns = c->namespace ? c->namespace : session_setting(s, "namespace");
		const char *pane = c->pane ? c->pane : session_setting(s, "pane");
		struct app *app = make_app(s, &look, c->ascii || setting_on(s, "ascii"), &passing);
		if (ns)
			app_set_namespace(app, ns);
		session_start(s);
		code = app_run(app, pane);
		app_free(app);
	}
	session_close(s);
	release_look(&look);
	return code;
}

int cli_console(struct cli *c)
{
	return run(c, SESSION_CONFIGURED);
}

int cli_demo(struct cli *c)
{
	return run(c, SESSION_DEMO);
}

static int parse_size(const char *text, int *w, int *h)
{
	char rest;
	*w = 120, *h = 40;
	if (!text || (sscanf(text, "%dx%d%c", w, h, &rest) == 2 && *w > 0 && *h > 0 && *w <= 1000 && *h <= 1000))
		return EXIT_OK;
	fprintf(stderr, "binnacle: '%s' is not a size; write it like 120x40\n", text);
	return EXIT_USAGE;
}

static const char *find_pane(const char *name)
{
	const char *names[32];
	size_t n = 0;
	for (const struct pane *const *p = panes_all; *p && n < ARRAY_SIZE(names); p++) {
		if (strcmp((*p)->name, name) == 0)
			return (*p)->name;
		names[n++] = (*p)->name;
	}
	const char *near = str_nearest(str_of(name), names, n);
	fprintf(stderr, "binnacle: no pane '%s'%s%s%s\n", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

int cli_snapshot(struct cli *c)
{
	int code, w, h, wait_ms = c->wait ? atoi(c->wait) * 1000 : 30000;
	struct dress look = { 0 };
	struct passing passing = { 0 };
	const char *pane = find_pane(c->nargs ? c->args[0] : "triage");
	if (!pane || parse_size(c->size, &w, &h) != EXIT_OK)
		return EXIT_USAGE;
	struct session *s = session_open(c, c->seed ? SESSION_DEMO : SESSION_CONFIGURED, &code);
	if (!s)
		return code;
	code = load_look(c, s->config, s->config_dir, &look);
	if (code == EXIT_OK) {
		bool ascii = c->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
		struct app *app = make_app(s, &look, ascii, &passing);
		struct frame f = { .ascii = ascii };
		struct buf out = { 0 };
		if (c->namespace)
			app_set_namespace(app, c->namespace);
		session_start(s);
		app_snapshot(app, pane, w, h, wait_ms, &f);
		frame_dump(&f, &out);
		fwrite(out.data, 1, out.len, stdout);
		code = fflush(stdout) ? EXIT_FAILED : EXIT_OK;
		buf_release(&out);
		frame_release(&f);
		app_free(app);
	}
	session_close(s);
	release_look(&look);
	return code;
}
