/* app_in: what the files of the app share.
 *
 *   app.c         life, the loop, drawing when it is time       app_draw.c    header, tabs, title, hints
 *   app_cmd.c     keys, commands, typed lines                   app_line.c    the prompt, completion, saved views
 *   app_stack.c   panes and their stacks of pages               app_watch.c   which kinds are asked for
 *   app_lend.c    the terminal lent to somebody
 *   app_kind.c    kinds that only a source knows                app_tour.c    the demo's walk with captions
 *   app_runbook.c promotions and rollbacks, from a line or a row
 *   handover.c    the terminal lent to a program or a shell
 */
#ifndef TUI_APP_IN_H
#define TUI_APP_IN_H
#include "tui/app.h"
#include "base/permits.h"
#include "tui/keymap.h"
#include "tui/prompt.h"
#include "tui/term.h"

#define STACK_MAX 64             /* pages on top of one another */
#define SCOPES_MAX 12

struct watch {                   /* a kind that someone looks at, or did a moment ago */
	char *kind, *scope;
	unsigned count;
	int64_t until;           /* mono ms when it is let go; only when count is 0 */
	uint64_t *ids;           /* request per source, 0 = not asked */
};
struct saved_view { char *name, *line; };

struct app {
	struct app_options o;
	struct permits *permits;     /* what may be done where, as far as it was asked */
	struct terminal *term;       /* NULL in a snapshot */
	struct theme *own_theme;     /* after `theme NAME` */
	struct frame frame;
	struct page **tops;          /* per pane, NULL = not opened yet */
	unsigned npanes, pane;
	struct page *dead;           /* left, freed when no command of theirs can be running */
	struct watch *watches; unsigned nwatches;
	char *ns;
	int context;                 /* index of the only source shown, -1 = all */
	struct prompt prompt;
	struct recall commands, lines;
	app_line_fn typing, done;    /* of a page's question; done NULL: the `:` prompt */
	void *line_arg;
	struct saved_view *views; unsigned nviews;
	struct key pending[KEYS_MAX]; unsigned npending;
	char *say;
	bool say_bad;
	int64_t say_until;           /* mono ms */
	bool dirty;                  /* something to draw that no version shows */
	bool more;                   /* a message is only half applied */
	bool key;                    /* a key was handled: draw at once */
	uint64_t drawn_version;
	int64_t drawn_at, drawn_second;
	int64_t page_now, active_at; /* wall ms: what the page was told; when something last happened */
	const struct page *drawn_page;   /* only compared */
	int64_t earned, earned_at;   /* see may_draw_at */
	int64_t wake_at;             /* mono ms, 0 = not asked for */
	bool trickle;                /* few messages came last time */
	bool touring;
	unsigned tour_at;            /* step of o.tour */
	const char *tour_line;       /* of that step, still to be run; NULL = all were */
	int64_t tour_until;          /* mono ms; 0 = the line before was only just run */
	uint64_t tour_listed;        /* version of the store when what it asked for was listed; 0 = not yet */
	int64_t runbooks_at;         /* mono ms when they want to be moved on, 0 = not at all */
	uint64_t runbooks_version;
	struct kind_quest *quest;    /* a kind being asked for, or NULL */
	int lent;                    /* descriptor of who has the terminal, or will have it; -1 = nobody */
	bool quit;
	int code;
};
/* app.c: applies what waits, for a few milliseconds. True: there is more. */
bool app_take_messages(struct app *app);
/* app_kind.c: true when some source is asked whether it knows such a kind; the list opens when it does. */
bool app_find_kind(struct app *app, struct str word, struct str filter);
void app_drop_quest(struct app *app);

/* app_lend.c */
void app_lend_turn(struct app *app);        /* its descriptor is readable */

/* app_cmd.c */
void app_key(struct app *app, const struct key *k);
/* typed: names of kinds go before commands of the page. */
bool app_run_as(struct app *app, struct str line, bool typed);
unsigned app_scopes(const struct app *app, const struct command_scope *out[SCOPES_MAX]);   /* inner to outer, app last */
/* Whether the keys run that on this page, and not what an inner scope has on them. */
bool app_reaches(const struct app *app, const struct page *p, const struct binding *b);

/* app_stack.c */
bool app_open_kind(struct app *app, const struct kind *k, struct str filter);
void app_show_pane(struct app *app, unsigned i);
void app_reap(struct app *app);
void app_free_pages(struct app *app);

/* app_runbook.c */
bool app_runbook_command(struct app *app, const char *name, struct str args);
void app_runbooks_start(struct app *app);       /* looks for what a program before left in the middle */
void app_runbooks_tick(struct app *app, int64_t mono);
const struct runbook *app_runbook_now(const struct app *app);    /* that asks, else that runs; NULL: none */
bool app_rolls_back(const struct app *app);                           /* a model is behind the row under the cursor */
void app_runbook_complete(const struct app *app, struct prompt *p, struct str before, size_t from);

/* app_draw.c */
void app_layout(const struct app *app, struct rect *page);
int app_tab_at(const struct app *app, int x, int y);           /* the pane whose tab is there, or -1 */
void app_draw(struct app *app, int64_t page_now, int64_t now);   /* page_now: for the page's ages */
void app_draw_lines(struct app *app, int64_t now);    /* only header and title, in the frame as it is */

/* app_line.c */
void app_command_line(struct app *app, const char *text);
void app_line_key(struct app *app, const struct key *k);
void app_leave_line(struct app *app);       /* as by Esc */
const char *app_view(const struct app *app, struct str name);
bool app_view_save(struct app *app, struct str name, struct str line);   /* line n 0: forget it */
void app_views_load(struct app *app);
void app_lines_free(struct app *app);

/* app_tour.c */
extern const struct command_scope tour_scope;
void app_tour_start(struct app *app);
bool app_tour_command(struct app *app, const struct command *c);
void app_tour_tick(struct app *app, int64_t mono);
int64_t app_tour_next(const struct app *app, int64_t mono);      /* mono ms when a tick is due, or INT64_MAX */
int app_tour_height(const struct app *app);
void app_tour_draw(const struct app *app, struct frame *f, struct rect area);

/* app_watch.c */
void app_watch_header(struct app *app);     /* what the header shows, for as long as the app runs */
void app_watch_tick(struct app *app, int64_t mono);
int64_t app_watch_next(const struct app *app);          /* mono ms of the next tick needed, or INT64_MAX */
void app_watch_free(struct app *app);
/* Asks what may be done with the row under the cursor; and why this action may not, NULL: it may, or it is not known. */
/* The list to which keys go: the page itself, or one in it; NULL: none. */
const struct page *app_list(const struct app *app);
void app_want_permits(struct app *app);
const char *app_refuses(const struct app *app, const char *action);
#endif
