/* storage: what the files of the storage pane share.
 *
 *   storage.c         buckets, opening a place by its name, commands on a row     storage_get.c   a download under way
 *   storage_place.c   one place, page by page */
#ifndef PANES_STORAGE_H
#define PANES_STORAGE_H
#include "base/storage.h"
#include "tui/table_page.h"

extern const struct command_scope storage_scope;

/* What is being counted for a page; ended with the page. */
#define COUNTS_MAX 8
struct counts { struct app *app; struct { uint64_t id; uint16_t source; char *key; } at[COUNTS_MAX]; unsigned n; };
void counts_toggle(struct counts *c, struct app *app, const char *kind, const struct row *r);
void counts_end(struct counts *c, struct app *app);

/* A place as a page. seek: a row key to put the cursor on, may be "". sought: it was named by a link: when there is nothing,
 * it may be an object, or in another source. */
struct page *place_page_new(struct app *app, uint16_t source, struct str scope, struct str seek, bool sought);
void storage_open(struct app *app, uint16_t source, struct str scope);
/* A source that fills objects, after `after` (-1: the first); -1: there is none. */
int storage_source(const struct app *app, int after);

/* A command of either list on the row under its cursor. False: not one of these. */
bool storage_command(struct app *app, struct page *p, const struct command *c, struct str args);

/* storage_get.c */
struct page *download_page_new(struct app *app, uint16_t source, struct str key, const char *params);
#endif
