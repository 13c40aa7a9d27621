/* probe: the app with pages of its own and no sources, for tests of the terminal and the loop: a list of 1,000 rows
 * that can be scrolled, a page of odd text, and rows that change by themselves when asked to.
 * With -p N there is a third pane: the real list, of N pods from a source of its own, of which -c a second change.
 *   probe [-p PODS] [-c CHANGES] [-t THEME] [-k KEYMAP] [-r CHANGES_PER_SECOND] [-s STATE_DIR] [-m] [-a]
 * A test program runs itself again with "probe" as its first argument. */
#define _GNU_SOURCE
#include "tests/screens/probe.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/rows.h"
#include "tui/app.h"
#include "tui/keymap.h"
#include "tui/theme.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROWS 1000

struct list {
	struct page page;
	int cursor, top, rows;
	bool shown;
	char typed[64];
};
static const struct command list_commands[] = {
	{ "down", "[LINES]", "a row down", NULL }, { "up", "[LINES]", "a row up", NULL }, { "first", NULL, "first row", NULL },
	{ "last", NULL, "last row", NULL }, { "page-down", NULL, "a screen down", NULL },
	{ "open", NULL, "open the row", "open" }, { "filter", NULL, "ask for a filter", "filter" },
	{ "crash", NULL, "write to address 0", NULL }, { "abort", NULL, "abort", NULL }, { "exit", NULL, "call exit", NULL },
	{ "say", "TEXT", "say something bad", NULL }, { "odd", NULL, "show odd text", NULL },
	{ "press", "X Y", "a mouse press", NULL }, { .name = NULL }
};
static const struct command_scope list_scope = { "table", "in a list", list_commands };
static const struct command_scope *const scopes[] = { &list_scope, NULL };

static bool prepare(struct page *p, struct app *app, int w, int h, int64_t now)
{
	struct list *l = (struct list *)p;

	l->rows = h - 1;
	l->cursor = l->cursor < 0 ? 0 : l->cursor >= ROWS ? ROWS - 1 : l->cursor;
	if (l->cursor < l->top)
		l->top = l->cursor;
	if (l->rows > 0 && l->cursor >= l->top + l->rows)
		l->top = l->cursor - l->rows + 1;
	return false;
}

static void draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct list *l = (const struct list *)p;

	frame_text(f, area, 1, 0, -1, STR("NAMESPACE     NAME                               READY STATUS     RESTARTS"), ROLE_HEADING);
	for (int y = 1; y < area.h && l->top + y - 1 < ROWS; y++) {
		int i = l->top + y - 1;

		frame_textf(f, area, 1, y, -1, i % 17 ? ROLE_TEXT : ROLE_BAD,
		            "ml-serving    model-api-%08x-%05d          %d/2   %-10s %d", (unsigned)i * 2654435761u, i, i % 3,
		            i % 17 ? "Running" : "OOMKilled", i % 7);
		frame_textf(f, area, 80, y, -1, ROLE_TEXT, "%4dm  gpu-%d", i % 60, i % 40);
		if (i == l->cursor)
			frame_back(f, rect_part(area, 0, y, area.w, 1), ROLE_CURSOR);
	}
}

static void odd_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	static const char *const lines[] = { "esc \033[31mred\033]0;owned\a bell", "rtl \u05e9\u05dc\u05d5\u05dd 123",
		"override \u202egnp.exe", "wide \u65e5\u672c\u8a9e end", "family \U0001f468\u200d\U0001f469\u200d\U0001f467 end",
		"marks a\u0300\u0301\u0302\u0303\u0304\u0305 end", "bad \xff\xc3( end", "status \u25b2 \u25b3 \u2502 \u2026", NULL };

	for (int y = 0; lines[y]; y++)
		frame_text(f, area, 0, y, -1, str_of(lines[y]), ROLE_TEXT);
}

static void title(const struct page *p, const struct app *app, struct buf *out)
{
	const struct list *l = (const struct list *)p;

	buf_addf(out, "rows %d of %d%s%s", l->cursor + 1, ROWS, l->typed[0] ? "   filter " : "", l->typed);
}

static void free_page(struct page *p, struct app *app) { free(p); }
static const struct page_ops odd_ops = { .name = "odd", .scopes = scopes + 1, .draw = odd_draw, .free = free_page };

static void typing(void *arg, struct app *app, const char *text)
{
	snprintf(((struct list *)arg)->typed, 64, "%s", text);
	if (strchr(text, '!'))
		app_prompt_error_at(app, (size_t)(strchr(text, '!') - text), "no exclamation marks");
}

static void typed(void *arg, struct app *app, const char *text)
{
	if (!text)
		((struct list *)arg)->typed[0] = 0;
}

static struct page *list_new(struct app *app, struct str args);
static bool command(struct page *p, struct app *app, const struct command *c, struct str args)
{
	struct list *l = (struct list *)p;
	int64_t n = 1;

	str_to_i64(args, &n);
	if (strcmp(c->name, "down") == 0) l->cursor += (int)n;
	else if (strcmp(c->name, "up") == 0) l->cursor -= (int)n;
	else if (strcmp(c->name, "first") == 0) l->cursor = 0;
	else if (strcmp(c->name, "last") == 0) l->cursor = ROWS - 1;
	else if (strcmp(c->name, "page-down") == 0) l->cursor += l->rows, l->top += l->rows;
	else if (strcmp(c->name, "open") == 0) app_push(app, list_new(app, STR("")));
	else if (strcmp(c->name, "filter") == 0) app_prompt(app, "/", l->typed, typing, typed, l);
	else if (strcmp(c->name, "crash") == 0) raise(SIGSEGV);
	else if (strcmp(c->name, "abort") == 0) abort();
	else if (strcmp(c->name, "exit") == 0) exit(7);
	else if (strcmp(c->name, "say") == 0) app_say(app, true, STR_FMT, STR_ARG(args));
	else if (strcmp(c->name, "press") == 0) app_say(app, false, "pressed " STR_FMT, STR_ARG(args));
	else if (strcmp(c->name, "odd") == 0) {
		struct page *o = xcalloc(1, sizeof(*o));

		o->ops = &odd_ops;
		app_push(app, o);
	}
	return true;
}

static void copy(const struct page *p, const struct app *app, struct buf *out)
{
	buf_addf(out, "row %d", ((const struct list *)p)->cursor);
}

static const struct page_ops list_ops = { .name = "list", .scopes = scopes, .prepare = prepare, .draw = draw,
	.command = command, .title = title, .copy = copy, .free = free_page };

static struct page *list_new(struct app *app, struct str args)
{
	struct list *l = xcalloc(1, sizeof(*l));

	l->page.ops = &list_ops;
	return &l->page;
}
static const struct pane first = { "first", "the first pane", list_new, NULL, NULL };
static const struct pane second = { "second", "the second pane", list_new, NULL, NULL };
static const struct pane *const panes[] = { &first, &second, NULL };

/* ---- a source of pods */
static int npods, changes;

static void put_pod(struct buf *b, struct rnd *r, int i, bool update)
{
	static const char *const states[] = { "Running", "Running", "Running", "Pending", "CrashLoopBackOff" };
	char key[80], text[64];
	int n, bad = i % 97 == 0 ? 4 : i % 53 == 0 ? 3 : 0;

	n = snprintf(key, sizeof(key), "ns-%d/model-api-%08x-%05d", i % 20, (unsigned)i * 2654435761u, i);
	(update ? rows_update : rows_put)(b, (struct str){ key, (size_t)n }, bad == 4 ? LEVEL_BAD : bad ? LEVEL_BUSY : LEVEL_OK);
	for (int c = 0; c < PODS_NCOLS; c++) {
		const struct column *col = &kind_pods.cols[c];

		if (c == PODS_NAMESPACE)
			cell_text(b, (struct str){ key, strcspn(key, "/") });
		else if (c == PODS_NAME)
			cell_text(b, str_of(strchr(key, '/') + 1));
		else if (c == PODS_STATUS)
			cell_text(b, str_of(states[bad]));
		else if (c == PODS_READY)
			cell_int(b, PAIR(bad ? 0 : 1, 1));
		else if (c == PODS_AGE)
			cell_int(b, clock_wall(&clock_system) - i * 1000LL);
		else if (c == PODS_NODE && snprintf(text, sizeof(text), "node-%d", i % 100))
			cell_text(b, str_of(text));
		else if (c == PODS_CPU || c == PODS_MEM)
			cell_int(b, rnd_below(r, 4000) * (c == PODS_MEM ? 1000000LL : 1));
		else if (col_is_text(col) || col_is_real(col))
			cell_null(b);
		else
			cell_int(b, rnd_below(r, 7));
	}
}

static void run_source(struct link *l)
{
	struct rnd r = { 7 };
	struct request *q;
	int at = 0;

	link_health(l, (struct msg_health){ .state = HEALTH_LIVE, .latency_us = -1 });
	while ((q = link_take(l, -1)) != NULL) {
		bool pods = q->type == REQ_WATCH && strcmp(q->kind, "pods") == 0;

		request_free(q);
		if (pods)
			break;
	}
	for (int i = 0; i < npods && !link_closing(l);) {
		struct msg *m = msg_new(MSG_ROWS, 0);

		rows_start(&m->body, "pods");
		if (!i)
			rows_begin(&m->body, STR(""));
		for (int k = 0; k < 500 && i < npods; k++, i++)
			put_pod(&m->body, &r, i, false);
		if (i == npods)
			rows_end(&m->body, STR(""));
		link_send(l, m);
	}
	while (!link_closing(l)) {
		struct msg *m;

		if (!changes) {
			request_free(link_take(l, -1));
			continue;
		}
		request_free(link_take(l, 1000 / changes));
		m = msg_new(MSG_ROWS, 0);
		rows_start(&m->body, "pods");
		put_pod(&m->body, &r, at = (at + 7919) % npods, true);
		link_send(l, m);
	}
}
static const struct kind *const fills[] = { &kind_pods, NULL };
static const struct backend pods_backend = { .name = "probe", .kinds = fills, .run = run_source };
static struct page *open_pods(struct app *app, struct str args) { return table_page_new(app, "pods", args); }
static const struct pane pods = { "pods", "pods", open_pods, NULL, NULL };
static const struct pane *const all_panes[] = { &first, &second, &pods, NULL };

/* Sends health messages at a rate, as a busy source would. */
static struct inbox *inbox;
static atomic_bool ended;
static void *busy(void *arg)
{
	struct timespec gap = { 0, 1000000000L / *(int *)arg };

	for (long i = 0; !atomic_load(&ended); i++) {
		struct msg *m = msg_new(MSG_HEALTH, 0);
		struct msg_health h = { .state = i % 2 ? HEALTH_LIVE : HEALTH_LIMITED, .latency_us = -1 };

		msg_put_health(m, h);
		inbox_put(inbox, m, &ended);
		nanosleep(&gap, NULL);
	}
	return NULL;
}

int probe_main(int argc, char **argv)
{
	const char *theme = "dark", *keymap = "default", *state = NULL;
	struct config_error err = { 0 };
	struct app_options o = { .clock = &clock_system, .panes = panes, .environment = "prod" };
	struct source *source;
	int c, rate = 0, code;
	pthread_t t;

	while ((c = getopt(argc, argv, "t:k:r:s:p:c:ma")) != -1)
		switch (c) {
		case 't': theme = optarg; break;
		case 'k': keymap = optarg; break;
		case 'r': rate = atoi(optarg); break;
		case 's': state = optarg; break;
		case 'p': npods = atoi(optarg); break;
		case 'c': changes = atoi(optarg); break;
		case 'm': o.mouse = true; break;
		case 'a': o.ascii = true; break;
		}
	o.store = store_new(&clock_system);
	o.inbox = inbox = inbox_new(1 << 20);
	o.state_dir = state;
	store_add_kind(o.store, &kind_pods);
	source = source_new(store_add_source(o.store, "eks-prod", "prod"), "eks-prod", "prod", &pods_backend, NULL,
	                    &clock_system, o.inbox);
	if (npods) {
		o.panes = all_panes;
		o.sources = &source, o.nsources = 1;
		source_start(source);
	}
	o.theme = theme_load(theme, NULL, &err);
	o.keymap = o.theme ? keymap_load(keymap, NULL, &err) : NULL;
	if (!o.keymap) {
		fprintf(stderr, "%s:%u: %s\n", err.file, err.line, err.what);
		return 2;
	}
	struct app *app = app_new(&o);
	if (rate)
		pthread_create(&t, NULL, busy, &rate);
	code = app_run(app, npods ? "pods" : "first");
	atomic_store(&ended, true);
	inbox_wake_senders(inbox);
	if (rate)
		pthread_join(t, NULL);
	app_free(app);
	source_stop(source, 1000);
	store_free(o.store);
	inbox_free(inbox);
	theme_free((struct theme *)(uintptr_t)o.theme);
	keymap_free((struct keymap *)(uintptr_t)o.keymap);
	printf("probe ends\n");
	return code;
}
