/* cost: what the platform costs by the hour, who causes it, what was spent of which budget, what was billed; and the rows
 * these become. Filled by the cost backend and the demo. An amount that is not known is NaN, never 0. */
#ifndef BASE_COST_H
#define BASE_COST_H
#include "base/rows.h"
#include "base/table.h"

extern const struct kind kind_costs, kind_budgets, kind_spend, kind_bills;

/* Columns by place, for panes; kinds_cost.c has them in this order. */
enum cost_col {
	COST_BY, COST_DIMENSION, COST_NAME, COST_COUNT, COST_RATE, COST_SHARE, COST_IDLE, COST_TODAY, COST_SAVES, COST_LASTS,
	COST_PER_1K, COST_BASIS, COST_UNPRICED, COST_MISSING, COST_CLUSTER, COST_COL_COUNT
};
enum budget_col {
	BUDGET_NAME, BUDGET_PERIOD, BUDGET_AMOUNT, BUDGET_SPENT, BUDGET_LEFT, BUDGET_STATUS, BUDGET_FORECAST, BUDGET_RUNS_OUT,
	BUDGET_STARTS, BUDGET_ENDS, BUDGET_ADVICE, BUDGET_ORIGIN, BUDGET_SERIES, BUDGET_UNTIL, BUDGET_COL_COUNT
};
enum spend_col {
	SPEND_NAME, SPEND_RATE, SPEND_TODAY, SPEND_MONTH, SPEND_SESSION, SPEND_BUDGET, SPEND_LEFT, SPEND_RUNS_OUT, SPEND_ENDS,
	SPEND_STATUS, SPEND_IDLE, SPEND_NODES, SPEND_UNPRICED, SPEND_MISSING, SPEND_SINCE, SPEND_PERIOD, SPEND_NOTE, SPEND_COL_COUNT
};
enum bill_col {
	BILL_DAY, BILL_AMOUNT, BILL_ESTIMATE, BILL_DIFFERENCE, BILL_STATE, BILL_SERVICES, BILL_ORIGIN, BILL_AS_OF, BILL_COL_COUNT
};

/* ---- one line of the shares: $/h of a node group, the control plane, a namespace, a model ... */
struct cost_share {
	const char *by;              /* the list it belongs to: "group" "namespace" "workload" "model" "opencost" */
	const char *dimension;       /* "node group", "control plane", "volumes", "network", "namespace", ... */
	struct str cluster, name;
	int64_t count;               /* nodes, pods; -1 not counted */
	double rate, share, idle;    /* $/h; of all; part that is paid for but not used */
	double today;                /* dollars */
	double saves;                /* $/h less when it is brought to 0 */
	int64_t lasts;               /* then the main budget runs out then; 0 = it does not, or not known */
	double per_1k;               /* dollars for 1,000 predictions */
	struct str basis;            /* "requests", "larger of requests and usage", "OpenCost" */
	int64_t unpriced;            /* of count, so many have no price */
	struct str missing;          /* which price is lacking */
};
void cost_share_put(struct buf *b, const struct cost_share *c);

/* Who manages the nodes of a group, by their labels (rows of kind nodes of that source): that decides how it goes to no nodes. */
enum cost_pool { COST_POOL_UNKNOWN, COST_POOL_EKS, COST_POOL_KARPENTER, COST_POOL_BOTH };
enum cost_pool cost_pool_of(const struct table *nodes, uint16_t source, struct str group);

/* ---- a budget, and how it stands */
struct cost_budget {
	struct str name, period, origin, advice;   /* period: "day" "month" "session" */
	double amount, spent, left, forecast;
	int64_t starts, ends, runs_out;            /* runs_out 0 = not before it ends */
	bool doubtful;                             /* an unpriced part: spent is a lower bound */
	struct str series;           /* COL_SERIES: what was spent at equal steps from starts to until */
	int64_t until;
	int64_t now;
};
/* LEVEL_BAD: over; LEVEL_DOUBT: runs out before it ends; NONE: neither, or not known. */
enum level cost_budget_level(const struct cost_budget *c);
void cost_budget_put(struct buf *b, const struct cost_budget *c);

/* ---- all of one cluster, or of all ("total") */
struct cost_spend {
	struct str name, missing, note;
	double rate, today, month, session, idle;
	const struct cost_budget *budget;          /* the main one; NULL: none */
	int64_t nodes, unpriced, since;            /* since: nodes that went earlier are not counted; 0 unknown */
};
void cost_spend_put(struct buf *b, const struct cost_spend *s);

/* ---- a day as the provider billed it */
struct cost_bill {
	int64_t day, as_of;          /* midnight UTC; when it was asked */
	double billed, estimate;
	bool final;                  /* the provider no longer calls it estimated */
	struct str services, origin;
};
void cost_bill_put(struct buf *b, const struct cost_bill *c);
#endif
