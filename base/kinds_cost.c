/* kinds_cost: shares, budgets, spend and bills. Colour: over a budget is wrong; a budget that will not last and a price that
 * is lacking are doubtful. */
#define _GNU_SOURCE                  /* gmtime_r, localtime_r */
#include "base/cost.h"
#include "base/fmt.h"
#include "base/table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A moment ahead or behind as it is said to people: 05:50, or 23 Nov 05:50 when that is not within a day; in local time, as the
 * clock in the header. */
static void show_moment(const struct row *r, int col, int64_t now, struct buf *out)
{
	struct tm tm;
	char text[24];
	if (row_null(r, col))
		return;
	time_t at = (time_t)(row_int(r, col) / 1000);
	bool near = llabs(row_int(r, col) - now) < 24 * 3600000ll;
	if (localtime_r(&at, &tm) && strftime(text, sizeof(text), near ? "%H:%M" : "%d %b %H:%M", &tm))
		buf_adds(out, text + (text[0] == '0' && !near));
}

#define MOMENT(id, col) \
	static void show_##id(const struct table *t, const struct row *r, int64_t now, struct buf *out) \
	{ \
		show_moment(r, col, now, out); \
	}
MOMENT(lasts, COST_LASTS)
MOMENT(budget_runs_out, BUDGET_RUNS_OUT)
MOMENT(budget_starts, BUDGET_STARTS)
MOMENT(budget_ends, BUDGET_ENDS)
MOMENT(spend_runs_out, SPEND_RUNS_OUT)
MOMENT(spend_ends, SPEND_ENDS)

static void show_day(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	struct tm tm;
	char text[24];
	time_t at = (time_t)(row_int(r, BILL_DAY) / 1000);
	if (!row_null(r, BILL_DAY) && gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%Y-%m-%d", &tm))
		buf_adds(out, text);
}

static const char *const costs_aliases[] = { "cost", NULL };
static const struct column costs_cols[COST_COL_COUNT] = {
	[COST_BY] = { "by", "BY", COL_TEXT, COL_SHARED | COL_WIDE, 9, 9 },
	[COST_DIMENSION] = { "dimension", "WHAT", COL_TEXT, COL_SHARED, 3, 13 },
	[COST_NAME] = { "name", "NAME", COL_TEXT, 0, 0, 24 },
	[COST_COUNT] = { "count", "COUNT", COL_COUNT, 0, 2, 5 },
	[COST_RATE] = { "rate", "$/h", COL_MONEY, 0, 0, 7 },
	[COST_SHARE] = { "share", "SHARE", COL_RATIO, 0, 1, 6 },
	[COST_IDLE] = { "idle", "IDLE", COL_RATIO, 0, 2, 6 },
	[COST_TODAY] = { "today", "TODAY", COL_MONEY, 0, 4, 7 },
	[COST_SAVES] = { "saves", "TO 0 SAVES", COL_MONEY, 0, 3, 10, .unit = "$/h" },
	[COST_LASTS] = { "lasts", "THEN LASTS", COL_TIME, COL_RIGHT, 3, 12, .show = show_lasts },
	[COST_PER_1K] = { "per_1k", "PER 1,000", COL_MONEY, 0, 4, 9 },
	[COST_BASIS] = { "basis", "BASIS", COL_TEXT, COL_SHARED, 8, 12 },
	[COST_UNPRICED] = { "unpriced", "UNPRICED", COL_COUNT, 0, 7, 8 },
	[COST_MISSING] = { "missing", "PRICE LACKING", COL_TEXT, 0, 6, 24 },
	[COST_CLUSTER] = { "cluster", "CLUSTER", COL_TEXT, COL_SHARED, 7, 12 },
};
const struct kind kind_costs = {
	.name = "costs", .singular = "costshare", .aliases = costs_aliases,
	.help = "what it costs by the hour, by node group, namespace, workload, model",
	.cols = costs_cols, .ncols = COST_COL_COUNT, .group = "cost", .from = "cost",
};

static const char *const budgets_aliases[] = { "bu", NULL };
static const struct column budgets_cols[BUDGET_COL_COUNT] = {
	[BUDGET_NAME] = { "name", "BUDGET", COL_TEXT, 0, 0, 14 },
	[BUDGET_PERIOD] = { "period", "PERIOD", COL_TEXT, COL_SHARED, 3, 8 },
	[BUDGET_AMOUNT] = { "amount", "AMOUNT", COL_MONEY, 0, 0, 8 },
	[BUDGET_SPENT] = { "spent", "SPENT", COL_MONEY, 0, 0, 8 },
	[BUDGET_LEFT] = { "left", "LEFT", COL_MONEY, 0, 1, 8 },
	[BUDGET_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 0, 10 },
	[BUDGET_FORECAST] = { "forecast", "FORECAST", COL_MONEY, 0, 2, 8 },
	[BUDGET_RUNS_OUT] = { "runs_out", "RUNS OUT", COL_TIME, COL_RIGHT, 1, 12, .show = show_budget_runs_out },
	[BUDGET_STARTS] = { "starts", "FROM", COL_TIME, COL_RIGHT, 5, 12, .show = show_budget_starts },
	[BUDGET_ENDS] = { "ends", "ENDS", COL_TIME, COL_RIGHT, 4, 12, .show = show_budget_ends },
	[BUDGET_ADVICE] = { "advice", "WHAT WOULD CHANGE IT", COL_TEXT, 0, 5, 40 },
	[BUDGET_ORIGIN] = { "origin", "FROM WHERE", COL_TEXT, COL_SHARED, 7, 12 },
	[BUDGET_SERIES] = { "series", "SERIES", COL_SERIES, COL_HIDDEN, 9 },
	[BUDGET_UNTIL] = { "until", "UNTIL", COL_TIME, COL_HIDDEN, 9 },
};
const struct kind kind_budgets = {
	.name = "budgets", .singular = "budget", .aliases = budgets_aliases,
	.help = "amounts for a day, a month or a session, and how long they last",
	.cols = budgets_cols, .ncols = BUDGET_COL_COUNT, .group = "cost", .from = "cost",
};

static const char *const spend_aliases[] = { "burn", NULL };
static const struct column spend_cols[SPEND_COL_COUNT] = {
	[SPEND_NAME] = { "name", "NAME", COL_TEXT, 0, 0, 14 },
	[SPEND_RATE] = { "rate", "$/h", COL_MONEY, 0, 0, 7 },
	[SPEND_TODAY] = { "today", "TODAY", COL_MONEY, 0, 0, 8 },
	[SPEND_MONTH] = { "month", "MONTH", COL_MONEY, 0, 1, 8 },
	[SPEND_SESSION] = { "session", "SESSION", COL_MONEY, 0, 2, 8 },
	[SPEND_BUDGET] = { "budget", "BUDGET", COL_MONEY, 0, 2, 8 },
	[SPEND_LEFT] = { "left", "LEFT", COL_MONEY, 0, 1, 8 },
	[SPEND_RUNS_OUT] = { "runs_out", "RUNS OUT", COL_TIME, COL_RIGHT, 1, 12, .show = show_spend_runs_out },
	[SPEND_ENDS] = { "ends", "ENDS", COL_TIME, COL_RIGHT, 3, 12, .show = show_spend_ends },
	[SPEND_STATUS] = { "status", "STATUS", COL_STATUS, COL_SHARED, 1, 12 },
	[SPEND_IDLE] = { "idle", "IDLE", COL_RATIO, 0, 4, 6 },
	[SPEND_NODES] = { "nodes", "NODES", COL_COUNT, 0, 4, 5 },
	[SPEND_UNPRICED] = { "unpriced", "UNPRICED", COL_COUNT, 0, 3, 8 },
	[SPEND_MISSING] = { "missing", "PRICE LACKING", COL_TEXT, 0, 5, 24 },
	[SPEND_SINCE] = { "since", "COUNTED", COL_TIME, 0, 6, 7 },
	[SPEND_PERIOD] = { "period", "PERIOD", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[SPEND_NOTE] = { "note", "NOTE", COL_TEXT, 0, 7, 30 },
};
const struct kind kind_spend = {
	.name = "spend", .singular = "spending", .aliases = spend_aliases,
	.help = "dollars an hour now, spent today, this month, of the budget",
	.cols = spend_cols, .ncols = SPEND_COL_COUNT, .group = "cost", .from = "cost",
};

static const char *const bills_aliases[] = { "billed", NULL };
static const struct column bills_cols[BILL_COL_COUNT] = {
	[BILL_DAY] = { "day", "DAY", COL_TIME, 0, 0, 10, .show = show_day },
	[BILL_AMOUNT] = { "billed", "BILLED", COL_MONEY, 0, 0, 9 },
	[BILL_ESTIMATE] = { "estimate", "ESTIMATE", COL_MONEY, 0, 0, 9 },
	[BILL_DIFFERENCE] = { "difference", "DIFFERENCE", COL_RATIO, 0, 1, 10 },
	[BILL_STATE] = { "state", "STATE", COL_STATUS, COL_SHARED, 2, 10 },
	[BILL_SERVICES] = { "services", "MOST FOR", COL_TEXT, 0, 3, 40 },
	[BILL_ORIGIN] = { "origin", "FROM", COL_TEXT, COL_SHARED, 5, 16 },
	[BILL_AS_OF] = { "as_of", "ASKED", COL_TIME, 0, 4, 6 },
};
const struct kind kind_bills = {
	.name = "bills", .singular = "bill", .aliases = bills_aliases,
	.help = "days as the provider billed them, beside the estimate",
	.cols = bills_cols, .ncols = BILL_COL_COUNT, .group = "cost", .from = "cost",
};

/* ---- rows */

static void count_or_null(struct buf *b, int64_t v)
{
	v >= 0 ? cell_int(b, v) : cell_null(b);
}

void cost_share_put(struct buf *b, const struct cost_share *c)
{
	struct buf key = { 0 };
	buf_addf(&key, "%s/%s/" STR_FMT "/" STR_FMT, c->by, c->dimension, STR_ARG(c->cluster), STR_ARG(c->name));
	rows_put(b, buf_str(&key), c->unpriced > 0 ? LEVEL_DOUBT : LEVEL_NONE);
	buf_release(&key);
	cell_text(b, str_of(c->by));
	cell_text(b, str_of(c->dimension));
	cell_text(b, c->name);
	count_or_null(b, c->count);
	cell_real(b, c->rate);
	cell_real(b, c->share);
	cell_real(b, c->idle);
	cell_real(b, c->today);
	cell_real(b, c->saves);
	cell_time(b, c->lasts);
	cell_real(b, c->per_1k);
	cell_text_or_null(b, c->basis);
	count_or_null(b, c->unpriced);
	cell_text_or_null(b, c->missing);
	cell_text_or_null(b, c->cluster);
}

enum level cost_budget_level(const struct cost_budget *c)
{
	return c->left < 0 ? LEVEL_BAD : c->runs_out || c->forecast > c->amount ? LEVEL_DOUBT : LEVEL_NONE;
}

static const char *budget_word(const struct cost_budget *c)
{
	if (isnan(c->left))
		return "unknown";
	if (c->left < 0)
		return "over";
	if (c->ends && c->now > c->ends)
		return "ended";
	return cost_budget_level(c) == LEVEL_DOUBT ? "runs out" : c->doubtful ? "at least" : "lasts";
}

void cost_budget_put(struct buf *b, const struct cost_budget *c)
{
	rows_put(b, c->name, cost_budget_level(c));
	cell_text(b, c->name);
	cell_text_or_null(b, c->period);
	cell_real(b, c->amount);
	cell_real(b, c->spent);
	cell_real(b, c->left);
	cell_text(b, str_of(budget_word(c)));
	cell_real(b, c->forecast);
	cell_time(b, c->runs_out);
	cell_time(b, c->starts);
	cell_time(b, c->ends);
	cell_text_or_null(b, c->advice);
	cell_text_or_null(b, c->origin);
	cell_text_or_null(b, c->series);
	cell_time(b, c->until);
}

void cost_spend_put(struct buf *b, const struct cost_spend *s)
{
	const struct cost_budget *g = s->budget;
	enum level level = g ? cost_budget_level(g) : LEVEL_NONE;
	rows_put(b, s->name, level > LEVEL_NONE ? level : s->unpriced > 0 || s->note.n ? LEVEL_DOUBT : LEVEL_NONE);
	cell_text(b, s->name);
	cell_real(b, s->rate);
	cell_real(b, s->today);
	cell_real(b, s->month);
	cell_real(b, s->session);
	cell_real(b, g ? g->amount : NAN);
	cell_real(b, g ? g->left : NAN);
	cell_time(b, g ? g->runs_out : 0);
	cell_time(b, g ? g->ends : 0);
	cell_text_or_null(b, g ? str_of(budget_word(g)) : s->unpriced > 0 ? STR("unpriced") : STR(""));
	cell_real(b, s->idle);
	count_or_null(b, s->nodes);
	count_or_null(b, s->unpriced);
	cell_text_or_null(b, s->missing);
	cell_time(b, s->since);
	cell_text_or_null(b, g ? g->period : STR(""));
	cell_text_or_null(b, s->note);
}

void cost_bill_put(struct buf *b, const struct cost_bill *c)
{
	char key[32];
	snprintf(key, sizeof(key), "%lld", (long long)c->day);
	rows_put(b, str_of(key), LEVEL_NONE);
	cell_time(b, c->day);
	cell_real(b, c->billed);
	cell_real(b, c->estimate);
	cell_real(b, c->billed > 0 ? (c->estimate - c->billed) / c->billed : NAN);
	cell_text(b, c->final ? STR("final") : STR("not final"));
	cell_text_or_null(b, c->services);
	cell_text_or_null(b, c->origin);
	cell_time(b, c->as_of);
}

enum cost_pool cost_pool_of(const struct table *nodes, uint16_t source, struct str group)
{
	static const char *const labels[] = { [COST_POOL_EKS] = "eks.amazonaws.com/nodegroup", [COST_POOL_KARPENTER] = "karpenter.sh/nodepool" };
	unsigned found = 0;
	int col = nodes ? kind_col(nodes->kind, STR("labels"), false) : -1;
	for (uint32_t i = 0; col >= 0 && i < nodes->nslots; i++) {
		const struct row *r = table_row(nodes, i);
		struct str rest = r && r->source == source && !row_null(r, col) ? row_text(nodes, r, col) : STR("");
		while (rest.n) {
			struct str value = str_split(&rest, ','), name = str_split(&value, '=');
			for (int p = COST_POOL_EKS; p <= COST_POOL_KARPENTER; p++)
				if (str_is(name, labels[p]) && str_eq(value, group))
					found |= (unsigned)p;
		}
	}
	return (enum cost_pool)found;
}
