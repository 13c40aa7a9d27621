/* why_page: what is wrong with an object, the likeliest cause first, each finding with its evidence and a link to where
 * it is seen. Asks the source (REQ_ASK "why"). */
#ifndef TUI_WHY_PAGE_H
#define TUI_WHY_PAGE_H
#include "tui/app.h"

struct page *why_page_new(struct app *app, const char *title, uint16_t source, const char *kind, struct str key);
/* The same for where an object leads (REQ_ASK "links"). */
struct page *links_page_new(struct app *app, const char *title, uint16_t source, const char *kind, struct str key);
/* Go to where a link of a finding or a node of a tree leads: what is "rows" or NULL (the kind's list, at that key), "logs",
 * "logs-previous", "describe", "yaml". Where the source has no such kind, another source that has is meant. */
void page_go(struct app *app, uint16_t source, const char *kind, struct str key, const char *what);
#endif
