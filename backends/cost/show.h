/* show: what is known as rows of costs, budgets, spend and bills. */
#ifndef COST_SHOW_H
#define COST_SHOW_H
#include "backends/cost/settings.h"
#include "base/cost.h"

struct bill_day { int64_t day; double amount; bool final; char *services; };
struct aws_budget { char *name; const char *period; double amount, actual, forecast; };
struct billed {                          /* what AWS said last */
	struct bill_day *days; size_t ndays;
	struct aws_budget *budgets; size_t nbudgets;
	int64_t as_of;                       /* 0: never */
};
struct opencost_share { char *name; double total, minutes, idle; };
struct opencost { struct opencost_share *items; size_t n; int64_t as_of; };

struct cost {                            /* all that rows are made from */
	struct cost_settings settings;
	struct intake in;
	struct assets assets;
	struct prices prices;
	struct burn burn;
	struct billed billed;
	struct opencost opencost;
	bool more, more_budgets, more_costs; /* a cluster's, AWS's, OpenCost's are still to come: the list does not end yet */
	int64_t now;
};

/* Each appends a full listing to body, which is empty. */
void show_costs(const struct cost *c, struct buf *body);
void show_budgets(const struct cost *c, struct buf *body);
void show_spend(const struct cost *c, struct buf *body);
void show_bills(const struct cost *c, struct buf *body);
#endif
