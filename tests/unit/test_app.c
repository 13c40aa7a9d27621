/* app: panes and pages, typed lines, watches by reference count, the frame around the page. No terminal: keys go in by
 * app_key, the screen comes out by app_snapshot. */
#define _GNU_SOURCE
#include "tui/app_in.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a world: one source that is never started, one kind, two panes that note what happens to their pages */

static const struct column cols[] = {
	{ .name = "namespace", .title = "NAMESPACE", .type = COL_TEXT, .flags = COL_SHARED },
	{ .name = "name", .title = "NAME", .type = COL_TEXT },
};
static const char *const po[] = { "po", NULL };
static const struct kind pods = { .name = "pods", .singular = "pod", .aliases = po, .help = "pods", .cols = cols,
                                  .ncols = 2, .namespaced = true };
static const struct kind *const kinds[] = { &pods, NULL };
static const struct backend backend = { .name = "test", .kinds = kinds };

static struct buf diary;             /* what pages were told */

struct note_page { struct page page; char name[32]; };
static const struct command note_commands[] = {
	{ "open", NULL, "open another", "open" }, { "ask", NULL, "ask for a line", NULL }, { "down", NULL, "", NULL },
	{ .name = NULL }
};
static const struct command_scope note_scope = { "table", "in a note", note_commands };
static const struct command_scope *const note_scopes[] = { &note_scope, NULL };
static const struct page_ops note_ops;

static struct page *note_new(const char *name)
{
	struct note_page *n = xcalloc(1, sizeof(*n));

	n->page.ops = &note_ops;
	snprintf(n->name, sizeof(n->name), "%s", name);
	return &n->page;
}

static void note_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	frame_textf(f, area, 0, 0, -1, ROLE_TEXT, "this is %s", ((const struct note_page *)p)->name);
}

static void note_shown(struct page *p, struct app *app, bool on)
{
	buf_addf(&diary, "%c%s ", on ? '+' : '-', ((struct note_page *)p)->name);
	if (on)
		app_watch(app, "pods", "");
	else
		app_unwatch(app, "pods", "");
}

static void asked(void *arg, struct app *app, const char *text)
{
	buf_addf(&diary, "<%s> ", text ? text : "left");
}

static void asking(void *arg, struct app *app, const char *text)
{
	buf_addf(&diary, "%s.. ", text);
}

static bool note_command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	if (strcmp(c->name, "open") == 0)
		app_push(app, note_new("deeper"));
	else if (strcmp(c->name, "ask") == 0)
		app_prompt(app, "name:", "x", asking, asked, NULL);
	else
		buf_addf(&diary, "%s(" STR_FMT ") ", c->name, STR_ARG(args));
	return true;
}

static void note_line(const struct page *p, struct buf *out) { buf_adds(out, "second some filter"); }
static void note_free(struct page *p, struct app *app)
{
	buf_addf(&diary, "~%s ", ((struct note_page *)p)->name);
	free(p);
}
static const struct page_ops note_ops = { .name = "note", .scopes = note_scopes, .draw = note_draw,
	.shown = note_shown, .command = note_command, .line = note_line, .free = note_free };

static struct page *open_first(struct app *app, struct str args) { return note_new("first"); }
static struct page *open_second(struct app *app, struct str args)
{
	char name[32];

	snprintf(name, sizeof(name), "second" STR_FMT, STR_ARG(args));
	return note_new(name);
}
static struct page *kind_page(struct app *app, const char *kind, struct str filter)
{
	char name[32];

	snprintf(name, sizeof(name), "%s/" STR_FMT, kind, STR_ARG(filter));
	return note_new(name);
}
static const char *const second_kinds[] = { "pods", NULL };
static const struct pane first = { "first", "1", open_first, NULL, NULL };
static const struct pane second = { "second", "2", open_second, second_kinds, kind_page };
static const struct pane *const panes[] = { &first, &second, NULL };

struct world {
	struct clock_fixed time;
	struct clock clock;
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct keymap *keymap;
	struct theme *theme;
	struct app *app;
};

static void world_start(struct world *w, const char *state_dir)
{
	struct config_error err;

	w->time = (struct clock_fixed){ 1763694764000, 1000 };
	w->clock = clock_still(&w->time);
	w->store = store_new(&w->clock);
	store_add_kind(w->store, &pods);
	w->inbox = inbox_new(1 << 20);
	w->source = source_new(store_add_source(w->store, "eks-prod", "prod"), "eks-prod", "prod", &backend, NULL,
	                       &w->clock, w->inbox);
	w->keymap = keymap_load("vi", NULL, &err);
	w->theme = theme_load("dark", NULL, &err);
	w->app = app_new(&(struct app_options){ .store = w->store, .inbox = w->inbox, .clock = &w->clock,
		.sources = &w->source, .nsources = 1, .panes = panes, .keymap = w->keymap, .theme = w->theme,
		.environment = "prod", .readonly = true, .state_dir = state_dir });
	buf_clear(&diary);
	buf_adds(&diary, "");
	app_show_pane(w->app, 0);
}

static void world_end(struct world *w)
{
	app_free(w->app);
	source_stop(w->source, 0);
	store_free(w->store);
	inbox_free(w->inbox);
	keymap_free(w->keymap);
	theme_free(w->theme);
	buf_release(&diary);
}

/* Keys as in keymaps. */
static void press(struct world *w, const char *keys)
{
	struct str rest = str_of(keys);

	while (rest.n) {
		struct key k;

		assert_true(key_parse(str_split(&rest, ' '), &k));
		app_key(w->app, &k);
		app_reap(w->app);
	}
}

static void type(struct world *w, const char *text)
{
	for (; *text; text++) {
		struct key k = { .name = K_CHAR, .ch = (unsigned char)*text };

		app_key(w->app, &k);
	}
	press(w, "Enter");
}

static void diary_is(const char *want)
{
	assert_string_equal(diary.data, want);
	buf_clear(&diary);
	buf_adds(&diary, "");
}

static void sees(struct world *w, const char *text)
{
	struct frame f;
	struct buf out = { 0 };

	app_snapshot(w->app, NULL, 100, 12, 0, &f);
	frame_dump(&f, &out);
	if (!strstr(out.data, text))
		fail_msg("no '%s' in:\n%s", text, out.data);
	buf_release(&out);
	frame_release(&f);
}

/* ---- */

static void test_pages(void **state)
{
	struct world w;

	world_start(&w, NULL);
	diary_is("+first ");
	press(&w, "Enter");
	diary_is("-first +deeper ");
	press(&w, "Esc");
	diary_is("-deeper +first ~deeper ");
	press(&w, "Esc");                                          /* the first page stays */
	diary_is("");
	sees(&w, "this is the first page; Q or :quit leaves");
	press(&w, "2");
	diary_is("-first +second ");
	press(&w, "Enter 1 2");                                    /* each pane keeps its stack */
	diary_is("-second +deeper -deeper +first -first +deeper ");
	press(&w, "[");
	diary_is("-deeper +first ");
	for (int i = 0; i < 100; i++)
		press(&w, "Enter");
	for (int i = 0; i < 100; i++)
		press(&w, "Esc");
	buf_clear(&diary);
	buf_adds(&diary, "");
	sees(&w, "this is first");
	world_end(&w);
}

static void test_lines(void **state)
{
	struct world w;

	world_start(&w, NULL);
	press(&w, ":");
	type(&w, "second");
	diary_is("+first -first +second ");
	press(&w, ":");
	type(&w, "second with arguments");                         /* the pane anew */
	diary_is("-second +secondwith arguments ~second ");
	press(&w, ":");
	type(&w, "po  status=Failed ");
	diary_is("-secondwith arguments +pods/status=Failed ");
	press(&w, ":");
	type(&w, "goto first");
	diary_is("-pods/status=Failed +first ");
	press(&w, ":");
	type(&w, "down 5");
	diary_is("down(5) ");
	press(&w, ":");
	type(&w, "secnd");
	sees(&w, "no command, pane or kind 'secnd'; did you mean 'second'?");
	press(&w, ":");
	type(&w, "pane 7");
	press(&w, ":");
	type(&w, "ns ml-serving");
	assert_string_equal(app_namespace(w.app), "ml-serving");
	press(&w, ":");
	type(&w, "ns all");
	assert_string_equal(app_namespace(w.app), "");
	press(&w, ":");
	type(&w, "ctx eks-prdo");
	sees(&w, "no source 'eks-prdo'; did you mean 'eks-prod'?");
	assert_int_equal(app_context(w.app), -1);
	press(&w, ":");
	type(&w, "ctx eks-prod");
	assert_int_equal(app_context(w.app), 0);
	press(&w, ":");
	type(&w, "theme no-such");
	sees(&w, "no theme 'no-such'");
	press(&w, ":");
	type(&w, "q");
	assert_true(w.app->quit);
	world_end(&w);
}

static void test_sequences(void **state)
{
	struct world w;

	world_start(&w, NULL);
	diary_is("+first ");
	press(&w, "g");
	sees(&w, " g\n");
	press(&w, "t");
	diary_is("-first +second ");
	press(&w, "g Esc j");                                      /* Esc ends a sequence and nothing else */
	diary_is("down() ");
	press(&w, "g x j");
	diary_is("down() ");
	press(&w, "M-j");                                          /* Esc and j, in one piece */
	diary_is("down() ");
	press(&w, "g M-j");
	diary_is("down() ");
	press(&w, ": x M-: p a g M-b");
	assert_true(w.app->prompt.open && str_is(buf_str(&w.app->prompt.text), "pag"));
	press(&w, "M-j");
	assert_false(w.app->prompt.open);
	diary_is("down() ");
	press(&w, "C-F9 F9");
	sees(&w, "'F9' does nothing here");
	press(&w, "Z Z");
	assert_true(w.app->quit);
	world_end(&w);
}

static void test_questions(void **state)
{
	struct world w;

	world_start(&w, NULL);
	diary_is("+first ");
	press(&w, ":");
	type(&w, "ask");
	press(&w, "a");
	app_prompt_error_at(w.app, 1, "not that");
	sees(&w, "name:xa");
	sees(&w, "not that");
	press(&w, "b Enter");
	diary_is("xa.. xab.. <xab> ");
	press(&w, ":");
	type(&w, "ask");
	press(&w, "Esc");
	diary_is("<left> ");
	press(&w, ":");
	type(&w, "ask");
	app_show_pane(w.app, 1);                                   /* whoever asked is told before its page goes */
	diary_is("<left> -first +second ");
	world_end(&w);
}

static unsigned requests(struct world *w, enum req_type type)
{
	struct request *r;
	unsigned n = 0;

	while ((r = link_take(w->source->link, 0)) != NULL) {
		n += r->type == type && (type == REQ_CANCEL || strcmp(r->kind, "pods") == 0);
		request_free(r);
	}
	return n;
}

static void test_watches(void **state)
{
	struct world w;

	world_start(&w, NULL);
	assert_int_equal(requests(&w, REQ_WATCH), 1);
	press(&w, "Enter Esc 2 1");
	assert_int_equal(requests(&w, REQ_WATCH), 0);              /* asked once, kept for a while */
	app_watch(w.app, "pods", "ml-serving");
	assert_int_equal(requests(&w, REQ_WATCH), 1);              /* another scope is another watch */
	app_unwatch(w.app, "pods", "ml-serving");
	app_watch_tick(w.app, clock_system.mono_ms(NULL));
	assert_int_equal(requests(&w, REQ_CANCEL), 0);
	app_watch_tick(w.app, clock_system.mono_ms(NULL) + 31000);
	assert_int_equal(requests(&w, REQ_CANCEL), 1);
	assert_int_equal(app_watch_next(w.app), INT64_MAX);
	world_end(&w);
}

static void put_health(struct world *w, struct msg_health h)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);

	m->source = w->source->index;
	msg_put_health(m, h);
	store_apply(w->store, m, 0);
}

static void test_header(void **state)
{
	struct world w;

	world_start(&w, NULL);
	setenv("TZ", "UTC", 1);
	put_health(&w, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = -1, .since = w.time.wall });
	sees(&w, " PROD   read-only   eks-prod \u25cf");
	sees(&w, "03:12:44\n");
	sees(&w, "\n 1 first  2 second\n");
	put_health(&w, (struct msg_health){ .state = HEALTH_STALE, .latency_us = -1, .since = w.time.wall - 40000 });
	sees(&w, "eks-prod \u25cb 40s");
	put_health(&w, (struct msg_health){ .state = HEALTH_DOWN, .latency_us = -1, .since = w.time.wall - 7200000,
	                                    .insecure = true });
	sees(&w, "eks-prod \u25b2 2h  TLS not verified");
	world_end(&w);
}

static void test_small_screens(void **state)
{
	static const int sizes[][2] = { { 0, 0 }, { 1, 1 }, { 1, 2 }, { 2, 3 }, { 3, 4 }, { 10, 5 }, { 5, 7 }, { 4000, 2 } };
	struct world w;

	world_start(&w, NULL);
	press(&w, "g");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int prompt = 0; prompt < 2; prompt++) {
			struct frame f;

			if (prompt)
				press(&w, ": p Tab");
			app_snapshot(w.app, NULL, sizes[i][0], sizes[i][1], 0, &f);
			assert_int_equal(f.w, sizes[i][0]);
			frame_release(&f);
			if (prompt)
				press(&w, "Esc Esc");
		}
	world_end(&w);
}

static void test_views(void **state)
{
	char dir[] = "/tmp/binnacle-state-XXXXXX", path[64];
	static const char *const files[] = { "views", "history", "filters" };
	struct world w;

	assert_non_null(mkdtemp(dir));
	world_start(&w, dir);
	press(&w, ":");
	type(&w, "view-save broken po status!=Running");
	press(&w, ":");
	type(&w, "view-save here");
	press(&w, ":");
	type(&w, "view-save ring view ring");
	world_end(&w);

	world_start(&w, dir);
	press(&w, ":");
	type(&w, "view broken");
	diary_is("+first -first +second -second +pods/status!=Running ");
	press(&w, ":");
	type(&w, "here");
	diary_is("-pods/status!=Running +secondsome filter ~second ~pods/status!=Running ");
	press(&w, ":");
	type(&w, "ring");                                          /* a view of itself ends */
	sees(&w, "no saved view 'ring'");
	press(&w, ":");
	type(&w, "view-forget broken");
	press(&w, ": Up Up");
	assert_string_equal(prompt_text(&w.app->prompt), "ring");  /* what was typed is kept */
	press(&w, "C-g :");
	type(&w, "broken");
	sees(&w, "no command, pane or kind 'broken'");
	world_end(&w);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void test_completion(void **state)
{
	struct world w;

	world_start(&w, NULL);
	press(&w, ": s e c Tab");
	assert_string_equal(prompt_text(&w.app->prompt), "second ");
	press(&w, "C-u p o d s Space n a m e Tab");
	assert_string_equal(prompt_text(&w.app->prompt), "pods name");     /* name= and namespace= */
	struct msg *m = msg_new(MSG_ROWS, 0);

	rows_start(&m->body, "pods");
	rows_put(&m->body, STR("ml/a"), LEVEL_OK);
	cell_text(&m->body, STR("ml-serving"));
	cell_text(&m->body, STR("a"));
	rows_put(&m->body, STR("ml/b"), LEVEL_OK);
	cell_text(&m->body, STR("ml-serving"));
	cell_text(&m->body, STR("b"));
	store_apply(w.store, m, 0);
	press(&w, "s p a c e = m l Tab");                          /* the only value, once */
	assert_string_equal(prompt_text(&w.app->prompt), "pods namespace=ml-serving ");
	press(&w, "C-u c t x Space Tab");
	assert_string_equal(prompt_text(&w.app->prompt), "ctx eks-prod ");
	press(&w, "C-u t h e m e Space h Tab");
	assert_string_equal(prompt_text(&w.app->prompt), "theme high-contrast ");
	press(&w, "C-u p Tab");
	sees(&w, "pane-next");
	press(&w, "Esc Esc");
	world_end(&w);
}

static void test_help(void **state)
{
	struct world w;

	world_start(&w, NULL);
	press(&w, "?");
	sees(&w, "keys and commands");
	sees(&w, "Enter");
	press(&w, "G");
	sees(&w, ":suspend");
	press(&w, "Esc");
	sees(&w, "this is first");
	world_end(&w);
}

static void test_tabs_pressed(void **state)
{
	struct world w;

	world_start(&w, NULL);
	sees(&w, "\n 1 first  2 second\n");
	frame_resize(&w.app->frame, 100, 12);
	app_key(w.app, &(struct key){ .name = K_PRESS, .x = 12, .y = 1 });
	assert_int_equal(w.app->pane, 1);
	app_key(w.app, &(struct key){ .name = K_PRESS, .x = 8, .y = 1 });      /* between the two */
	app_key(w.app, &(struct key){ .name = K_PRESS, .x = 3, .y = 2 });
	assert_int_equal(w.app->pane, 1);
	app_key(w.app, &(struct key){ .name = K_PRESS, .x = 1, .y = 1 });
	assert_int_equal(w.app->pane, 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages), cmocka_unit_test(test_lines), cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_questions), cmocka_unit_test(test_watches), cmocka_unit_test(test_header),
		cmocka_unit_test(test_small_screens), cmocka_unit_test(test_views), cmocka_unit_test(test_completion),
		cmocka_unit_test(test_help), cmocka_unit_test(test_tabs_pressed),
	};

	return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
