/* page: one place the user can be in: a list, a text, a form, a plan. A pane is a stack of pages: Enter pushes, Esc pops
 * to exactly where one was. A page draws from const data only: whatever must be brought up to date first happens in
 * prepare(). */
#ifndef TUI_PAGE_H
#define TUI_PAGE_H
#include "base/action.h"
#include "tui/command.h"
#include "tui/frame.h"

struct app;
struct page;

struct page_ops {
	const char *name;                                /* scope of its keys: "table" */
	const struct command_scope *const *scopes;       /* inner to outer, without "app"; NULL-terminated */
	/* Settle views, take scroll limits for this size. Main thread, a few ms at most. True: something to draw anew. */
	bool (*prepare)(struct page *p, struct app *app, int w, int h, int64_t now);
	/* Goes on for a few ms with what takes long (a search through a long log); called between keys and messages for as
	 * long as it says that there is more. May be NULL. */
	bool (*work)(struct page *p, struct app *app);
	void (*draw)(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now);
	/* A command of its scopes. False: not mine (goes outward). */
	bool (*command)(struct page *p, struct app *app, const struct command *c, struct str args);
	/* Whether a command of its scopes does anything now: only then its key is hinted. May be NULL: all do. */
	bool (*offers)(const struct page *p, const struct app *app, const struct command *c);
	/* The list in it to which keys go, where a page has some beside other things; may be NULL. */
	const struct page *(*list)(const struct page *p);
	/* Text typed into a field (UTF-8), when the page wants it; NULL or false: keys go through the keymap. */
	bool (*typed)(struct page *p, struct app *app, struct str utf8);
	/* What was pasted, whole, lines and all; NULL or false: its first line goes to `typed`. */
	bool (*pasted)(struct page *p, struct app *app, struct str text);
	/* "pods 812 of 10,412  ns ml-*  sorted by RESTARTS": for the title line. */
	void (*title)(const struct page *p, const struct app *app, struct buf *out);
	/* What to copy with y, for `save`; may be NULL. */
	void (*copy)(const struct page *p, const struct app *app, struct buf *out);
	void (*shown)(struct page *p, struct app *app, bool on);  /* ask for rows / stop asking */
	void (*free)(struct page *p, struct app *app);
	/* What typed at `:` leads back here ("pods status=Running"), for saved views; may be NULL. */
	void (*line)(const struct page *p, struct buf *out);
};
struct page {
	const struct page_ops *ops;
	struct page *below;          /* where Esc goes */
};

/* A pane: one constant descriptor and one line in panes/list.h. */
struct pane {
	const char *name;            /* "cluster" */
	const char *help;
	struct page *(*open)(struct app *app, struct str args);    /* its first page */
	/* Kinds it can show when typed at `:`; NULL-terminated; may be NULL. */
	const char *const *kinds;
	/* Page for that kind, with a filter; used by `:pods`, references and Enter. NULL = table page. */
	struct page *(*kind_page)(struct app *app, const char *kind, struct str filter);
	bool aside;                  /* no tab of its own: `:NAME` opens it; last in panes/list.h */
	const char *brief;           /* its tab where there is no room for the name; NULL = the name */
};
#endif
