/* cost: what the two files of the cost pane share. */
#ifndef PANES_COST_H
#define PANES_COST_H
#include "base/cost.h"
#include "tui/chart.h"
#include "tui/table_page.h"

enum cost_list { LIST_COSTS, LIST_BUDGETS, LIST_BILLS, COST_LISTS };
#define COST_POINTS 160          /* spent so far, and what is ahead */

struct cost_page {
	struct page page;
	struct page *lists[COST_LISTS];
	unsigned view;               /* index into cost_views */
	uint64_t seen;               /* sum of the tables' versions */
	char *budget;                /* whose chart is shown; NULL = the main one */
	bool unpriced, several;      /* some price is lacking; there is more than one cluster */
	bool wide;                   /* chart beside the list, not above it */
	int head_lines, chart_lines, chart_w, foot_lines;
	/* the chart */
	double x[COST_POINTS], y[COST_POINTS];
	int n;
	struct chart chart;
	/* sentences, by role */
	struct { struct buf text; enum role role; } head[6], foot[4];
	unsigned nhead, nfoot;
};
struct cost_view { const char *by; enum cost_list list; const char *title; };
extern const struct cost_view cost_views[];
extern const unsigned cost_nviews;

/* cost_say.c: the sentences above and below, and the points of the chart, from the store. */
void cost_say(struct cost_page *c, const struct app *app, int64_t now);
const struct row *cost_find_budget(const struct cost_page *c, const struct app *app, const struct table **t);
#endif
