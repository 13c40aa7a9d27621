/* cost_say: what the cost pane says above and below its list, and the chart of a budget: what was spent since it started,
 * what will be at this rate (with gaps), and the amount as the limit. */
#define _GNU_SOURCE                  /* gmtime_r, localtime_r */
#include "panes/cost.h"
#include "base/fmt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A sentence; where there is no more room for one it goes into a spare that nobody shows. */
static struct buf *say(struct cost_page *c, bool head, enum role role)
{
	unsigned *n = head ? &c->nhead : &c->nfoot, most = head ? 5 : 3;
	unsigned at = *n < most ? (*n)++ : most;
	struct buf *b = head ? &c->head[at].text : &c->foot[at].text;
	*(head ? &c->head[at].role : &c->foot[at].role) = role;
	buf_clear(b);
	return b;
}

static enum role role_of(const struct row *r, enum role calm)
{
	return r->level == LEVEL_BAD ? ROLE_BAD : r->level == LEVEL_DOUBT ? ROLE_DOUBT : calm;
}

static double money(const struct row *r, int col)
{
	return row_null(r, col) ? NAN : row_real(r, col);
}

static void add_money(struct buf *b, const struct row *r, int col)
{
	fmt_money(money(r, col), b);
}

/* ---- which rows */

static bool is_here(const struct app *app, const struct row *r)
{
	return r && (app_context(app) < 0 || r->source == app_context(app));
}

static const struct row *total(const struct app *app, const struct table **t)
{
	*t = store_table_const(app_store(app), "spend");
	for (uint32_t i = 0; *t && i < (*t)->nslots; i++) {
		const struct row *r = table_row(*t, i);
		if (is_here(app, r) && str_is(row_key(r), "total"))
			return r;
	}
	return NULL;
}

const struct row *cost_find_budget(const struct cost_page *c, const struct app *app, const struct table **t)
{
	const struct table *spend;
	const struct row *all = total(app, &spend), *first = NULL;
	*t = store_table_const(app_store(app), "budgets");
	for (uint32_t i = 0; *t && i < (*t)->nslots; i++) {
		const struct row *r = table_row(*t, i);
		if (!is_here(app, r))
			continue;
		bool main = all && !row_null(all, SPEND_BUDGET) && row_real(all, SPEND_BUDGET) == row_real(r, BUDGET_AMOUNT) &&
			row_int(all, SPEND_ENDS) == row_int(r, BUDGET_ENDS) && str_is(row_text(*t, r, BUDGET_ORIGIN), "binnacle");
		if (c->budget ? str_is(row_key(r), c->budget) : main)
			return r;
		first = first ? first : r;
	}
	return first;
}

/* ---- above */

static void add_moment(struct buf *b, const struct table *t, const struct row *r, int col, int64_t now)
{
	row_show(t, r, col, now, b);
}

static void say_budget(struct cost_page *c, const struct app *app, int64_t now)
{
	const struct table *t;
	const struct row *r = cost_find_budget(c, app, &t);
	if (!r)
		return;
	struct str period = row_text(t, r, BUDGET_PERIOD), name = row_text(t, r, BUDGET_NAME);
	struct buf *b = say(c, true, ROLE_TEXT);
	if (str_eq(period, name))
		buf_addf(b, "this " STR_FMT " ", STR_ARG(period));
	else
		buf_addf(b, STR_FMT " ", STR_ARG(name));
	add_money(b, r, BUDGET_SPENT);
	buf_adds(b, " of ");
	add_money(b, r, BUDGET_AMOUNT);
	b = say(c, true, role_of(r, ROLE_TEXT));
	if (row_int(r, BUDGET_ENDS) && row_int(r, BUDGET_ENDS) < now)
		buf_addf(b, "ended ");
	else if (money(r, BUDGET_LEFT) < 0)
		buf_adds(b, "over, ends ");
	else if (!row_null(r, BUDGET_RUNS_OUT)) {
		buf_adds(b, "runs out ");
		add_moment(b, t, r, BUDGET_RUNS_OUT, now);
		buf_addf(b, ", " STR_FMT " ends ", STR_ARG(period));
	} else if (!row_null(r, BUDGET_FORECAST)) {
		buf_adds(b, "ends with ");
		add_money(b, r, BUDGET_FORECAST);
		buf_adds(b, " at ");
	} else {
		buf_adds(b, "ends ");
	}
	add_moment(b, t, r, BUDGET_ENDS, now);
}

/* Billed and estimated over the same days of this month. */
static void say_billed(struct cost_page *c, const struct app *app, int64_t now)
{
	const struct table *t = store_table_const(app_store(app), "bills");
	double billed = 0, estimate = 0;
	int64_t last = 0, today = now - now % 86400000;
	struct tm tm, that;
	time_t s = (time_t)(now / 1000);
	if (!t || !gmtime_r(&s, &tm))
		return;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		s = r ? (time_t)(row_int(r, BILL_DAY) / 1000) : 0;
		if (!is_here(app, r) || row_int(r, BILL_DAY) >= today || !gmtime_r(&s, &that) || that.tm_mon != tm.tm_mon ||
		    that.tm_year != tm.tm_year || row_null(r, BILL_AMOUNT))
			continue;
		billed += row_real(r, BILL_AMOUNT);
		estimate += money(r, BILL_ESTIMATE);
		last = row_int(r, BILL_DAY) > last ? row_int(r, BILL_DAY) : last;
	}
	s = (time_t)(last / 1000);
	if (!last || !gmtime_r(&s, &that))
		return;
	char day[16];
	strftime(day, sizeof(day), "%d %b", &that);
	struct buf *b = say(c, true, ROLE_DIM);
	buf_addf(b, "billed by AWS until %s: ", day + (day[0] == '0'));
	fmt_money(billed, b);
	buf_adds(b, ", estimate ");
	fmt_money(estimate, b);
	if (!isnan(estimate) && billed > 0)
		buf_addf(b, " (%+.0f %%)", (estimate - billed) / billed * 100);
	if (today - last > 86400000)     /* yesterday is not there yet */
		buf_addf(b, ", %lld d behind", (long long)((today - last) / 86400000 - 1));
}

static void say_head(struct cost_page *c, const struct app *app, int64_t now)
{
	const struct table *t;
	const struct row *r = total(app, &t);
	if (!r)
		return;
	bool least = row_int(r, SPEND_UNPRICED) > 0 || !row_null(r, SPEND_NOTE);
	c->unpriced = row_int(r, SPEND_UNPRICED) > 0;
	c->several = t->count > 1;       /* of one there is only the total */
	struct buf *b = say(c, true, ROLE_TITLE);
	buf_adds(b, least ? "at least " : "");
	if (row_null(r, SPEND_RATE))
		buf_adds(b, "$/h not known");
	else
		buf_addf(b, "$%.2f/h now", row_real(r, SPEND_RATE));
	b = say(c, true, ROLE_TEXT);
	buf_adds(b, "today ");
	add_money(b, r, SPEND_TODAY);
	buf_adds(b, ", month ");
	add_money(b, r, SPEND_MONTH);
	say_budget(c, app, now);
	say_billed(c, app, now);
}

/* ---- below */

static void say_models(struct cost_page *c, const struct app *app)
{
	const struct table *t = store_table_const(app_store(app), "costs");
	struct buf *b = NULL;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!is_here(app, r) || !str_is(row_text(t, r, COST_DIMENSION), "model") || row_null(r, COST_RATE))
			continue;
		if (b && b->len > 120)
			break;
		b = b ? b : say(c, false, ROLE_TEXT);
		buf_addf(b, "%s" STR_FMT " ", b->len ? ", " : "by model: ", STR_ARG(row_text(t, r, COST_NAME)));
		add_money(b, r, COST_RATE);
		if (!row_null(r, COST_PER_1K)) {
			buf_adds(b, " (");
			add_money(b, r, COST_PER_1K);
			buf_adds(b, " per 1,000 predictions)");
		}
	}
}

/* What went before anybody looked is in no sum. */
static void say_since(struct cost_page *c, const struct row *r, int64_t now)
{
	char text[24];
	time_t since = (time_t)(row_int(r, SPEND_SINCE) / 1000), s = (time_t)(now / 1000);
	struct tm tm, that;
	if (!since || !gmtime_r(&s, &tm) || !gmtime_r(&since, &that) || that.tm_mon != tm.tm_mon || that.tm_year != tm.tm_year ||
	    !localtime_r(&since, &that) || !strftime(text, sizeof(text), "%d %b %H:%M", &that))
		return;
	buf_addf(say(c, false, ROLE_DIM), "nodes that went before %s are not in these sums: nobody looked", text + (text[0] == '0'));
}

static void say_foot(struct cost_page *c, const struct app *app, int64_t now)
{
	const struct table *t, *budgets;
	const struct row *r = total(app, &t), *g = cost_find_budget(c, app, &budgets);
	if (r && (row_text(t, r, SPEND_NOTE).n || row_int(r, SPEND_UNPRICED) > 0)) {
		struct buf *b = say(c, false, ROLE_DOUBT);
		buf_addstr(b, row_text(t, r, SPEND_NOTE));
		if (row_int(r, SPEND_UNPRICED) > 0)
			buf_addf(b, "%s%lld without a price, not counted: " STR_FMT, b->len ? "; " : "",
			         (long long)row_int(r, SPEND_UNPRICED), STR_ARG(row_text(t, r, SPEND_MISSING)));
	}
	if (g && row_text(budgets, g, BUDGET_ADVICE).n)
		buf_addstr(say(c, false, ROLE_TEXT), row_text(budgets, g, BUDGET_ADVICE));
	say_models(c, app);
	if (r && !row_null(r, SPEND_IDLE)) {
		struct buf *b = c->nfoot && c->foot[c->nfoot - 1].role == ROLE_TEXT && c->foot[c->nfoot - 1].text.len < 60 ?
			&c->foot[c->nfoot - 1].text : say(c, false, ROLE_TEXT);
		buf_adds(b, b->len ? "   idle " : "idle ");
		fmt_ratio(row_real(r, SPEND_IDLE), b);
		buf_adds(b, " of what nodes cost");
	}
	if (r && c->nfoot < 3)
		say_since(c, r, now);
}

/* ---- the chart */

static void label_hour(double x, struct buf *out)
{
	time_t t = (time_t)(x / 1000);
	struct tm tm;
	if (localtime_r(&t, &tm))
		buf_addf(out, "%02d:%02d", tm.tm_hour, tm.tm_min);
}

static void label_day(double x, struct buf *out)
{
	char text[16];
	time_t t = (time_t)(x / 1000);
	struct tm tm;
	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%d %b", &tm))
		buf_adds(out, text + (text[0] == '0'));
}

static void chart_budget(struct cost_page *c, const struct app *app)
{
	const struct table *t;
	const struct row *r = cost_find_budget(c, app, &t);
	c->n = 0;
	c->chart = (struct chart){ .x = c->x, .y = c->y, .lo = 0, .hi = NAN, .limit = NAN };
	struct str series = r ? row_text(t, r, BUDGET_SERIES) : STR("");
	if (!series.n)
		return;
	double from = (double)row_int(r, BUDGET_STARTS), until = (double)row_int(r, BUDGET_UNTIL), ends = (double)row_int(r, BUDGET_ENDS);
	while (series.n && c->n < COST_POINTS - 3) {
		if (!str_to_f64(str_split(&series, ' '), &c->y[c->n]))
			c->y[c->n] = NAN;
		c->n++;
	}
	for (int i = 0; i < c->n; i++)
		c->x[i] = from + (until - from) * (c->n > 1 ? (double)i / (c->n - 1) : 0);
	if (ends > until && !row_null(r, BUDGET_FORECAST)) {
		c->x[c->n] = ends;
		c->y[c->n++] = row_real(r, BUDGET_FORECAST);
		c->chart.ahead = until;
	}
	c->chart.n = c->n;
	c->chart.limit = row_null(r, BUDGET_AMOUNT) ? NAN : row_real(r, BUDGET_AMOUNT);
	c->chart.label = ends - from > 3 * 86400e3 ? label_day : label_hour;
	double spent = row_real(r, BUDGET_SPENT), forecast = row_real(r, BUDGET_FORECAST);
	double most = fmax(spent * 1.2, c->chart.limit * 2);
	if (c->chart.ahead > 0 && forecast > most) {       /* far over: what was spent must stay in sight */
		c->x[c->n - 1] = until + (ends - until) * (most - spent) / (forecast - spent);
		c->y[c->n - 1] = c->chart.hi = most;
		c->x[c->n] = ends;
		c->y[c->n++] = NAN;
		c->chart.n = c->n;
	}
}

void cost_say(struct cost_page *c, const struct app *app, int64_t now)
{
	c->nhead = c->nfoot = 0;
	say_head(c, app, now);
	say_foot(c, app, now);
	chart_budget(c, app);
}
