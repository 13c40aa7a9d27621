/* app: the loop and what pages may ask of it. One thread: keys, messages, timers, one redraw point. */
#ifndef TUI_APP_H
#define TUI_APP_H
#include "base/chronicle.h"
#include "base/runbook.h"
#include "tui/page.h"
#include "tui/scopes.h"
#include "tui/tour.h"

struct app_options {
	struct store *store;
	struct inbox *inbox;
	struct actor *actor;
	struct runbooks *runbooks;           /* NULL: nothing is promoted or rolled back */
	const struct clock *clock;
	struct source **sources; unsigned nsources;
	struct feed *feed;                   /* told what is watched; may be NULL */
	const struct pane *const *panes;     /* NULL-terminated, in tab order */
	const struct keymap *keymap;
	const struct theme *theme;
	const char *environment;             /* badge */
	const char *theme_dir;               /* where the user's themes are, for `theme NAME`; may be NULL */
	const char *state_dir;               /* history of the prompt, saved views; NULL = not kept */
	const struct tour *tour;             /* to be walked through from the start; NULL = none */
	const struct config *config;         /* NULL: there is none */
	struct chronicle *chronicle;         /* ticked by the app; NULL: nothing is remembered */
	struct history *history;             /* its trouble is told in the header; NULL: nothing is kept */
	bool readonly, mouse, ascii;
	bool replay;                     /* what is shown was recorded */
	void (*on_message)(void *arg, const struct msg *m);  /* --record sees each message before the store; or NULL */
	void *on_message_arg;
};
struct app *app_new(const struct app_options *o);
void app_free(struct app *app);
int app_run(struct app *app, const char *first_pane);     /* on the terminal; returns the exit code */
/* One frame without a terminal: takes messages for up to wait_ms or until every watched kind is listed. */
void app_snapshot(struct app *app, const char *pane, int w, int h, int wait_ms, struct frame *out);

/* ---- for pages */
struct store *app_store(const struct app *app);
struct actor *app_actor(const struct app *app);
const struct clock *app_clock(const struct app *app);
const struct config *app_config(const struct app *app);   /* NULL: there is none */
struct chronicle *app_chronicle(const struct app *app);   /* NULL: nothing is remembered */
struct history *app_history(const struct app *app);       /* NULL: nothing is kept */
bool app_ascii(const struct app *app);
struct source *app_source(const struct app *app, uint16_t index);
unsigned app_sources(const struct app *app);
void app_push(struct app *app, struct page *p);           /* takes p */
void app_pop(struct app *app);
struct page *app_top(const struct app *app);              /* what is shown; NULL = nothing yet */
bool app_goto(struct app *app, const char *pane, struct str args);   /* by pane name */
bool app_push_pane(struct app *app, const char *pane, struct str args);   /* its first page over this one: Esc comes back */
/* The list of that kind with the cursor on that row. False: no such kind. */
bool app_open_row(struct app *app, const char *kind, uint16_t source, struct str key);
bool app_run_line(struct app *app, struct str line);      /* as typed at `:` */
void app_say(struct app *app, bool bad, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void app_copy(struct app *app, struct str text);          /* OSC 52 */
/* Prepare and draw again after so many ms: for a page that must do something then, which nothing else would tell. */
void app_wake(struct app *app, int ms);
const char *app_state_dir(const struct app *app);         /* NULL: nothing is kept */
void app_redraw(struct app *app);                         /* something changed that no version shows */
/* Ask for a line at the prompt: done gets the text, or NULL when left with Esc; typing is told at each key. */
typedef void (*app_line_fn)(void *arg, struct app *app, const char *text);
void app_prompt(struct app *app, const char *label, const char *text, app_line_fn typing, app_line_fn done, void *arg);
void app_prompt_error(struct app *app, const char *what); /* shown beside the prompt until the next key */
void app_prompt_error_at(struct app *app, size_t at, const char *what);   /* and where in the text (bytes) */
/* Current namespace filter ("" = all) and its setter; pages of namespaced kinds follow it. */
const char *app_namespace(const struct app *app);
void app_set_namespace(struct app *app, const char *ns);
/* The only source that lists show (`:context NAME`), or -1 for all; pages follow it. */
int app_context(const struct app *app);
/* Watches by reference count: the first asks every source that fills the kind, the last cancels. */
void app_watch(struct app *app, const char *kind, const char *scope);
void app_unwatch(struct app *app, const char *kind, const char *scope);
bool app_watch_listed(const struct app *app);   /* every kind asked for has come, or will not */
/* Hands the terminal over as soon as the other end of fd (base/lend.h; taken) says that it is open, until it ends or Ctrl-]
 * is typed. */
void app_lend(struct app *app, int fd);
/* Start action `name` on rows and push its page. */
void app_act(struct app *app, const char *action, const char *kind, uint16_t source, const char *const *keys,
             unsigned nkeys, const char *params);

/* ---- page types of tui */
struct page *table_page_new(struct app *app, const char *kind, struct str filter);
/* The row under the cursor; NULL when the list is empty. */
const struct row *table_page_row(const struct page *p, const struct table **t);
/* The marked rows as they are listed, then those that the filter hides (*hidden of them, may be NULL); none marked: the row under
 * the cursor. How many there are; no more than `most` are put. */
unsigned table_page_rows(const struct page *p, const struct row **rows, unsigned most, unsigned *hidden);
/* A stream (REQ_OPEN what) of a row as text: follow for logs. */
struct page *text_page_new(struct app *app, const char *title, uint16_t source, const char *what, const char *kind,
                           struct str key, const char *params);
struct page *text_page_given(struct app *app, const char *title, const char *what, struct str text);  /* all there is of it */
struct page *tree_page_new(struct app *app, const char *title, uint16_t source, const char *what, const char *kind,
                           struct str key);
struct page *act_page_new(struct app *app, struct act *act);
struct page *runbook_page_new(struct app *app, struct runbook *r);
struct page *runbooks_page_new(struct app *app);          /* all of them, as a list */
struct runbooks *app_runbooks(const struct app *app);     /* may be NULL */
/* enter: what Enter does, after "Enter ": "shows the plan; nothing is sent yet". */
struct page *form_page_new(struct app *app, const char *title, const char *enter, const struct field *fields,
                           void (*done)(void *arg, struct app *app, const char *params_json), void *arg);
/* The source of that row is asked for the fields first (REQ_ASK "form"); the ones given are for when it cannot say. begin: values
 * to begin with, by parameter; may be NULL. */
void form_page_ask(struct page *form, struct app *app, uint16_t source, const char *kind, struct str key, const char *action,
                   const struct json_t *begin);
struct page *help_page_new(struct app *app, const struct page *of);
#endif
