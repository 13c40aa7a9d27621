/* table_page: how a pane furnishes a list, and what the table page's own files share.
 *
 * The page owns a view of one table. All that costs by the row happens in prepare(): the view is settled, the cursor
 * finds its row again, the rows that will be visible are measured, columns are chosen. draw() then only reads.
 *
 *   table_page.c      life, prepare, cursor, title       table_cols.c   which columns, how wide
 *   table_draw.c      drawing, why a list is empty       table_keys.c   its commands
 *   table_open.c      what opens from a row, save, actions */
#ifndef TUI_TABLE_PAGE_H
#define TUI_TABLE_PAGE_H
#include "base/view.h"
#include "tui/app.h"

/* ---- for panes */
struct table_hooks {
	const char *name;                        /* inner scope, tried before "table" */
	const struct command_scope *scope;       /* its commands; may be NULL: only commands of "table" are seen */
	/* A command of either scope, before the table's own. False: not mine. May be NULL. */
	bool (*command)(void *arg, struct page *p, struct app *app, const struct command *c, struct str args);
	/* Whether a row is one of this page, which shows a part of a table; asked when the row comes or changes, and must
	 * stay true. May be NULL: all are. */
	bool (*holds)(void *arg, const struct table *t, const struct row *r);
	/* Before the view is settled: fill an own table. May be NULL. True: something changed. */
	bool (*prepare)(void *arg, struct page *p, struct app *app, int64_t now);
	/* What to draw in `area` below the list; taken from prepare's `lines`. May be NULL. */
	void (*below)(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area,
	              int64_t now);
	int (*below_lines)(void *arg, const struct page *p, int h);   /* how many lines that takes of h */
	/* A sentence in place of an empty list; false: the usual one. May be NULL. */
	bool (*empty)(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out);
	void (*title)(void *arg, const struct page *p, const struct app *app, struct buf *out); /* may be NULL */
	/* Whether a command of the table's does anything here, for the hints. May be NULL: as its sources have it. */
	bool (*offers)(void *arg, const struct command *c);
	void (*shown)(void *arg, struct page *p, struct app *app, bool on);    /* may be NULL */
	void (*free)(void *arg, struct app *app);                              /* may be NULL */
};
/* Hooks are borrowed (constant); arg is the pane's. Call once, right after the page was made. */
void table_page_hook(struct page *p, const struct table_hooks *h, void *arg);
void *table_page_arg(const struct page *p);
/* A page over a table that is not the store's; t is borrowed and must outlive the page (the hook's free is called
 * after the page let go of it). */
struct page *table_page_over(struct app *app, struct table *t);
/* Show only rows that pass this filter (base/filter.h), besides what the user filters; `words` say so in the title
 * ("of deployment model-api"). False when the filter is wrong for the kind: then nothing changed. */
bool table_page_within(struct page *p, struct app *app, struct str filter, struct str words);
void table_page_sort(struct page *p, const char *col, bool descending);
/* Put the cursor on that row as soon as it is there. */
void table_page_seek(struct page *p, uint16_t source, struct str key);
/* Ask for rows of this scope ("namespace/pod" of containers) instead of the namespace's. */
void table_page_scope(struct page *p, const char *scope);
/* Show only rows of that source: two systems may have rows of the same key. */
void table_page_source(struct page *p, uint16_t source);
const char *table_page_kind(const struct page *p);
bool page_is_table(const struct page *p);
/* Open a document or log of a row as a text page: what is "yaml", "describe", "logs"; params may be "". A row whose source
 * has no document of it is described by its own cells. */
void table_page_open(struct app *app, const char *what, const char *kind, const struct row *r, const char *params);

/* ---- for the page's own files */
#define COL_SOURCE (-1)           /* the source's name, when more than one fills the list */
struct shown_col {
	int col;                  /* index into the kind's columns, or COL_SOURCE */
	int x, w;
};
struct layout_in {                /* what the choice of columns depends on */
	const struct kind *kind;
	int room;                 /* cells */
	bool wide;                /* all that kubectl prints with -o wide */
	bool source;              /* the source column is needed */
	bool one_namespace;       /* the namespace is said in the title */
	uint64_t hidden, asked;   /* by the user: columns off, columns on (even COL_HIDDEN) */
	uint64_t known;           /* columns in which a value was seen; of the others only kubectl's own are shown */
	int left;                 /* columns scrolled past */
	const uint16_t *natural;  /* widths of what will be seen, headings included; [ncols] is the source's */
	const uint8_t *set;       /* widths set by the user, 0 = not set */
};
/* Fills out[KIND_MAX_COLS + 1]; returns how many. Pure. *most gets the furthest useful `left`. */
int table_layout(const struct layout_in *in, struct shown_col *out, int *most);

struct table_page {
	struct page page;
	struct page_ops ops;                     /* the table's, with the hook's scope put before */
	const struct command_scope *scopes[3];
	const struct table_hooks *hooks;
	void *arg;
	char *kind_name;
	struct table *table;                     /* NULL until a source brings the kind */
	bool own;                                /* not the store's: nothing to watch, no namespace */
	struct view *view;
	struct filter *filter;
	char *typed;                             /* the filter as the user typed it; "" = none */
	char *before;                            /* the same before the prompt opened: Esc brings it back */
	char *within, *words;                    /* from table_page_within; "" = none */
	char *narrow;                            /* from table_page_scope; NULL = the namespace */
	char *watched;                           /* scope under which rows are asked for; NULL = not */
	char *space;                             /* namespace that the scope filters by; "" = all */
	int context;                             /* index of the only source shown; -1 = all */
	int only;                                /* one more than table_page_source's; 0 = not set */
	bool shown;
	/* cursor: a place, and the row it follows */
	uint32_t cursor, top, id;
	uint16_t source;
	char *key;                               /* of that row; NULL = none yet */
	bool follow;                             /* the user moved; else the cursor stays on top */
	bool sought;                             /* key is of a row that may not be there yet */
	char *key_before; uint16_t source_before; /* the row under the cursor when the filter prompt opened */
	int64_t range_from;                      /* where the last mark was put, -1 none */
	/* columns */
	uint64_t hidden, asked, known;
	bool wide;
	int left, most;
	uint8_t set[KIND_MAX_COLS];
	uint16_t natural[KIND_MAX_COLS + 1];
	struct shown_col cols[KIND_MAX_COLS + 1];
	int ncols;
	bool with_source;                        /* widths were taken with the source's column */
	uint32_t *of_source; unsigned nof_source; /* rows of the table by source */
	int w, h, rows;                          /* rows: list lines, heading and below taken off */
	uint32_t *window, nwindow, at_cursor;    /* ids of the rows drawn last, and where the cursor stood */
	bool touched;                            /* one of them was replaced */
	uint64_t seen_version, seen_store;
	int64_t seen_second;
	bool dirty, moved;                       /* draw it again: anything may be other than it was; only the cursor is */
};
struct table_page *table_page_of(const struct page *p);
bool table_page_refilter(struct table_page *t, struct app *app, const char *typed, struct filter_error *err);
void table_page_put_cursor(struct table_page *t, int64_t at);
/* all: not only rows that came into sight since the last time. */
void table_page_measure(struct table_page *t, const struct app *app, int64_t now, bool all);
void table_page_cell(const struct table_page *t, const struct app *app, const struct row *r, int col, int64_t now,
                     struct buf *out);
void table_page_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now);
bool table_page_command(struct page *p, struct app *app, const struct command *c, struct str args);
bool table_page_offers(const struct page *p, const struct app *app, const struct command *c);
bool table_page_open_command(struct table_page *t, struct app *app, const char *name, struct str args);
void table_page_copy(const struct page *p, const struct app *app, struct buf *out);
void table_page_set_columns(struct table_page *t, struct app *app, struct str args);
void table_page_columns_text(const struct table_page *t, struct buf *out);
int table_page_status_col(const struct kind *k);        /* the column that carries the level's glyph, or -1 */
int table_page_name_col(const struct kind *k);          /* the column that names a row */
unsigned table_page_sources(const struct table_page *t); /* how many sources have rows in it */
extern const struct command_scope table_scope;

/* "10,412" */
void count_text(struct buf *out, uint64_t n);
/* "40s", "4m", "5h32m": how long, short */
void span_text(struct buf *out, int64_t ms);
#endif
