/* show: see show.h. Sums over all clusters where there are several; every list of shares adds up to the whole, with what is
 * idle and what belongs to nobody as lines of their own. */
#include "backends/cost/show.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES_POINTS 96

static double spent(const struct cost *c, struct str cluster, enum asset_type type, struct str group, int64_t from, int64_t to)
{
	size_t n;
	struct life *lives = assets_lives(&c->assets, cluster, type, group, &n);
	double sum = spend_between(lives, n, from, to < c->now ? to : c->now, NULL);
	free(lives);
	return sum;
}

static double spent_all(const struct cost *c, int64_t from, int64_t to)
{
	return spent(c, STR(""), ASSET_TYPES, (struct str){ NULL, 0 }, from, to);
}

/* Whether anything is known of what this cluster cost, or any (IN_SOURCES): its nodes now, or what the history tells. */
static bool is_known(const struct cost *c, unsigned cluster)
{
	for (unsigned i = 0; i < c->in.nsources; i++)
		if (c->burn.known[i] && (cluster == IN_SOURCES || cluster == i))
			return true;
	for (size_t i = 0; i < c->assets.n; i++)
		if (cluster == IN_SOURCES || !strcmp(c->assets.items[i].cluster, c->in.sources[cluster].name))
			return true;
	return false;
}

/* ---- budgets */

static int64_t cluster_start(const struct cost *c)
{
	int64_t first = 0;
	for (size_t i = 0; i < c->assets.n; i++) {
		const struct asset *x = &c->assets.items[i];
		bool counts = x->live && (x->type == ASSET_NODE || x->type == ASSET_CONTROL);
		if (counts && (!first || x->life.from < first))
			first = x->life.from;
	}
	return first ? first : c->now;
}

struct standing { struct cost_budget b; struct period p; };

static struct standing standing_of(const struct cost *c, const struct budget_rule *rule)
{
	static const char *const periods[] = { "day", "month", "session" };
	struct period_rule r = rule->period;
	double rate = burn_rate(&c->burn, IN_SOURCES, ASSET_TYPES);
	if (rule->from_cluster)
		r.start = cluster_start(c);
	struct period p = period_now(&r, c->now);
	double sum = is_known(c, IN_SOURCES) ? spent_all(c, p.starts, p.ends) : NAN;
	struct outlook o = outlook_of(rule->amount, sum, rate, p, c->now);
	return (struct standing){ { .name = str_of(rule->name), .period = str_of(periods[r.type]), .origin = STR("binnacle"),
		.amount = rule->amount, .spent = sum, .left = o.left, .forecast = o.forecast, .starts = p.starts, .ends = p.ends,
		.runs_out = o.runs_out, .doubtful = burn_unpriced(&c->burn, IN_SOURCES) > 0, .now = c->now,
		.until = c->now < p.ends ? c->now : p.ends }, p };
}

/* Of the node groups that the cluster does not itself need, the dearest. */
static const struct burn_group *dearest(const struct cost *c)
{
	const struct burn_group *best = NULL;
	for (size_t i = 0; i < c->burn.ngroups; i++) {
		const struct burn_group *g = &c->burn.groups[i];
		if (g->type == ASSET_NODE && !g->needed && g->rate > 0 && (!best || g->rate > best->rate))
			best = g;
	}
	return best;
}

/* "gpu to 0 saves $2.10/h, then lasts until Fri 09:30" */
static void advise(const struct cost *c, const struct standing *s, struct buf *out)
{
	const struct burn_group *g = dearest(c);
	double rate = burn_rate(&c->burn, IN_SOURCES, ASSET_TYPES);
	if (c->now > s->p.ends) {
		buf_adds(out, "it has ended; set its start");
		return;
	}
	if (!g || !(s->b.forecast > s->b.amount) || isnan(rate))
		return;
	buf_addf(out, "%s to 0 saves $%.2f/h", g->name, g->rate);
	if (!(s->b.left > 0))
		return;
	int64_t until = lasts_until(s->b.left, rate - g->rate, c->now);
	buf_adds(out, ", then lasts ");
	if (!until || until >= s->p.ends)
		buf_adds(out, "to its end, ");
	else
		buf_adds(out, "until ");
	say_until(!until || until >= s->p.ends ? s->p.ends : until, c->now, out);
}

void show_budgets(const struct cost *c, struct buf *body)
{
	struct buf advice = { 0 }, series = { 0 };
	size_t n;
	struct life *lives = assets_lives(&c->assets, STR(""), ASSET_TYPES, (struct str){ NULL, 0 }, &n);
	rows_start(body, "budgets");
	rows_begin(body, STR(""));
	for (unsigned i = 0; i < c->settings.nbudgets; i++) {
		struct standing s = standing_of(c, &c->settings.budgets[i]);
		buf_clear(&advice);
		buf_clear(&series);
		advise(c, &s, &advice);
		if (s.b.until > s.b.starts && !isnan(s.b.spent))
			spend_series(lives, n, s.b.starts, s.b.until, SERIES_POINTS, &series);
		s.b.advice = buf_str(&advice);
		s.b.series = buf_str(&series);
		cost_budget_put(body, &s.b);
	}
	free(lives);
	for (size_t i = 0; i < c->billed.nbudgets; i++) {
		const struct aws_budget *a = &c->billed.budgets[i];
		struct period_rule rule = { .type = !strcmp(a->period, "day") ? PERIOD_DAY : PERIOD_MONTH };
		struct period p = period_now(&rule, c->now);     /* its own start and end are those of all its periods together */
		bool known = !strcmp(a->period, "day") || !strcmp(a->period, "month");
		buf_clear(&advice);
		buf_addf(&advice, "aws:%s", a->name);
		cost_budget_put(body, &(struct cost_budget){ .name = buf_str(&advice), .period = str_of(a->period),
			.origin = STR("AWS Budgets"), .amount = a->amount, .spent = a->actual, .left = a->amount - a->actual,
			.forecast = a->forecast, .starts = known ? p.starts : 0, .ends = known ? p.ends : 0, .now = c->now });
	}
	if (!c->more && !c->more_budgets)
		rows_end(body, STR(""));
	buf_release(&advice);
	buf_release(&series);
}

/* ---- spend */

/* What keeps the figures from being whole. */
static void note(const struct cost *c, struct buf *out)
{
	unsigned clusters = 0;
	for (unsigned i = 0; i < c->in.nsources; i++) {
		const struct in_source *s = &c->in.sources[i];
		if (!s->fills[IN_NODES])
			continue;
		clusters++;
		if (!c->burn.known[i])
			buf_addf(out, "%snodes of %s are not known%s%s", out->len ? "; " : "", s->name, *s->why ? ": " : "", s->why);
		else if (health_lost(s->state))
			buf_addf(out, "%snodes of %s are as they were before it was lost", out->len ? "; " : "", s->name);
	}
	if (!clusters)
		buf_adds(out, "no source with nodes is configured");
}

static void put_spend(const struct cost *c, unsigned cluster, struct str name, const struct cost_budget *b, double session,
                      struct buf *body)
{
	struct buf said = { 0 };
	struct str where = cluster == IN_SOURCES ? STR("") : str_of(c->in.sources[cluster].name), all = { NULL, 0 };
	double rate = burn_rate(&c->burn, cluster, ASSET_TYPES);
	bool known = is_known(c, cluster), now_known = !isnan(rate);
	int64_t day = day_start(c->now), month = month_start(c->now);
	if (cluster == IN_SOURCES)
		note(c, &said);
	cost_spend_put(body, &(struct cost_spend){ .name = name, .rate = rate,
		.today = known ? spent(c, where, ASSET_TYPES, all, day, c->now) : NAN,
		.month = known ? spent(c, where, ASSET_TYPES, all, month, c->now) : NAN, .session = session,
		.idle = burn_idle(&c->burn, cluster), .budget = b, .nodes = now_known ? burn_nodes(&c->burn, cluster) : -1,
		.unpriced = now_known ? burn_unpriced(&c->burn, cluster) : -1,
		.missing = cluster == IN_SOURCES ? buf_str(&c->burn.missing) : STR(""), .since = c->assets.since,
		.note = buf_str(&said) });
	buf_release(&said);
}

void show_spend(const struct cost *c, struct buf *body)
{
	struct standing main_budget;
	double session = NAN;
	unsigned clusters = 0;
	for (unsigned i = c->settings.nbudgets; i--;) {
		main_budget = standing_of(c, &c->settings.budgets[i]);
		if (c->settings.budgets[i].period.type == PERIOD_SESSION)
			session = main_budget.b.spent;
	}
	rows_start(body, "spend");
	rows_begin(body, STR(""));
	put_spend(c, IN_SOURCES, STR("total"), c->settings.nbudgets ? &main_budget.b : NULL, session, body);
	for (unsigned i = 0; i < c->in.nsources; i++)
		clusters += c->in.sources[i].fills[IN_NODES];
	for (unsigned i = 0; clusters > 1 && i < c->in.nsources; i++)
		if (c->in.sources[i].fills[IN_NODES])
			put_spend(c, i, str_of(c->in.sources[i].name), NULL, NAN, body);
	if (!c->more)
		rows_end(body, STR(""));
}

/* ---- shares */

static struct str cluster_name(const struct cost *c, unsigned cluster)
{
	return str_of(c->in.sources[cluster].name);
}

static void show_groups(const struct cost *c, double all, double left, struct buf *body)
{
	for (size_t i = 0; i < c->burn.ngroups; i++) {
		const struct burn_group *g = &c->burn.groups[i];
		bool priced = g->count > g->unpriced, node = g->type == ASSET_NODE;
		bool shared = node && c->burn.shared[g->cluster] && g->rate > 0;
		double saves = priced && node ? g->rate : NAN;
		cost_share_put(body, &(struct cost_share){ .by = "group", .dimension = asset_type_name(g->type),
			.cluster = cluster_name(c, g->cluster), .name = str_of(g->name), .count = g->count,
			.rate = priced ? g->rate : NAN, .share = priced && all > 0 ? g->rate / all : NAN,
			.idle = shared ? g->idle / g->rate : NAN,
			.today = priced ? spent(c, cluster_name(c, g->cluster), g->type, str_of(g->name), day_start(c->now), c->now) : NAN,
			.saves = saves, .lasts = isnan(saves) ? 0 : lasts_until(left, all - saves, c->now), .per_1k = NAN,
			.basis = g->mixed ? STR("mixed") : str_of(g->basis), .unpriced = g->unpriced,
			.missing = g->unpriced ? g->mixed ? buf_str(&c->burn.missing) : str_of(g->basis) : STR("") });
	}
}

/* Predictions an hour of a model, from those that are listed; NaN: not known. A log that names no model is of the only one. */
static double predictions_rate(const struct cost *c, const char *model)
{
	const struct table *t = c->in.tables[IN_PREDICTIONS];
	int64_t first = INT64_MAX, last = 0, n = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		int64_t at = r ? row_int(r, MADE_AGE) : 0;
		if (!at || at > c->now || !(str_is(row_text(t, r, MADE_MODEL), model) ||
		                            (row_null(r, MADE_MODEL) && c->burn.models.n == 1)))
			continue;
		n++;
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	return n < 2 || c->now - last > HOUR_MS || c->now - first < 1000 ? NAN : (double)n * HOUR_MS / (double)(c->now - first);
}

static void put_rest(const struct cost *c, const char *by, const char *dimension, unsigned cluster, const char *name, double rate,
                     double all, double idle, struct buf *body)
{
	if (rate > 1e-9)
		cost_share_put(body, &(struct cost_share){ .by = by, .dimension = dimension, .cluster = cluster_name(c, cluster),
			.name = str_of(name), .count = -1, .rate = rate, .share = all > 0 ? rate / all : NAN, .idle = idle,
			.today = NAN, .saves = NAN, .per_1k = NAN, .unpriced = -1 });
}

/* A list of sums, then what is left of the cluster: idle, pods that are in no line, what no pod causes. */
static void show_sums(const struct cost *c, const char *by, const struct share_sums *sums, double all, struct buf *body)
{
	bool models = sums == &c->burn.models;
	double of_pods[IN_SOURCES] = { 0 };
	for (size_t i = 0; i < sums->n; i++) {
		const struct share_sum *s = &sums->items[i];
		double rate = s->unpriced && s->rate <= 0 ? NAN : s->rate, made = models ? predictions_rate(c, s->name) : NAN;
		of_pods[s->where] += s->rate;
		cost_share_put(body, &(struct cost_share){ .by = by, .dimension = by, .cluster = cluster_name(c, s->where),
			.name = str_of(s->name), .count = s->count, .rate = rate, .share = all > 0 ? rate / all : NAN,
			.idle = s->rate > 0 ? 1 - s->used / s->rate : NAN, .today = NAN, .saves = NAN, .per_1k = rate / made * 1000,
			.basis = str_of(share_by_name(c->settings.rules.by)), .unpriced = s->unpriced });
	}
	for (unsigned i = 0; i < c->in.nsources; i++) {
		if (!c->burn.shared[i])
			continue;
		double whole = burn_rate(&c->burn, i, ASSET_TYPES), nodes = burn_rate(&c->burn, i, ASSET_NODE);
		double idle = burn_idle(&c->burn, i) * nodes;
		idle = idle > 0 ? idle : 0;
		put_rest(c, by, "idle", i, "(idle)", idle, all, 1, body);
		if (models)
			put_rest(c, by, "other", i, "(other pods)", nodes - idle - of_pods[i], all, NAN, body);
		put_rest(c, by, "shared", i, "(of the cluster)", whole - (models ? nodes : idle + of_pods[i]), all, NAN, body);
	}
}

void show_costs(const struct cost *c, struct buf *body)
{
	double all = burn_rate(&c->burn, IN_SOURCES, ASSET_TYPES), left = NAN;
	if (c->settings.nbudgets)
		left = standing_of(c, &c->settings.budgets[0]).b.left;
	rows_start(body, "costs");
	rows_begin(body, STR(""));
	show_groups(c, all, left, body);
	show_sums(c, "namespace", &c->burn.namespaces, all, body);
	show_sums(c, "workload", &c->burn.workloads, all, body);
	if (c->burn.models.n)
		show_sums(c, "model", &c->burn.models, all, body);
	double sum = 0;
	for (size_t i = 0; i < c->opencost.n; i++)
		sum += c->opencost.items[i].total;
	for (size_t i = 0; i < c->opencost.n; i++) {
		const struct opencost_share *o = &c->opencost.items[i];
		cost_share_put(body, &(struct cost_share){ .by = "opencost", .dimension = "namespace", .name = str_of(o->name),
			.count = -1, .rate = o->minutes > 0 ? o->total / o->minutes * 60 : NAN, .share = sum > 0 ? o->total / sum : NAN,
			.idle = o->idle, .today = o->total, .saves = NAN, .per_1k = NAN, .basis = STR("OpenCost"), .unpriced = -1 });
	}
	if (!c->more && !c->more_costs)
		rows_end(body, STR(""));
}

/* ---- bills */

void show_bills(const struct cost *c, struct buf *body)
{
	rows_start(body, "bills");
	rows_begin(body, STR(""));
	for (size_t i = 0; i < c->billed.ndays; i++) {
		const struct bill_day *d = &c->billed.days[i];
		double estimate = spent_all(c, d->day, d->day + DAY_MS);
		cost_bill_put(body, &(struct cost_bill){ .day = d->day, .as_of = c->billed.as_of, .billed = d->amount,
			.estimate = estimate > 0 ? estimate : NAN, .final = d->final,
			.services = str_of(d->services ? d->services : ""), .origin = STR("Cost Explorer") });
	}
	rows_end(body, STR(""));
}
