/* Money over time: what nodes that join and leave cost, calendars in UTC, budgets that run out, prices, and who causes what. */
#define _GNU_SOURCE
#include "backends/cost/price.h"
#include "backends/cost/share.h"
#include "backends/cost/spend.h"
#include "base/fmt.h"
#include "base/cost.h"
#include "base/kinds.h"
#include "base/mem.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int64_t at(const char *text)
{
	int64_t t = 0;
	if (!time_parse(str_of(text), &t))
		fail_msg("'%s' is not a time", text);
	return t;
}

static void near(double got, double want)
{
	if (!(fabs(got - want) < 1e-9 * (1 + fabs(want))))
		fail_msg("%.12g is not %.12g", got, want);
}

/* ---- integration */

static void nodes_join_and_leave(void **state)
{
	int64_t t = at("2026-11-21T00:00:00Z");
	unsigned unknown;
	struct life lives[] = {
		{ t - 5 * HOUR_MS, 0, 1.0 },                     /* there before and after */
		{ t + 2 * HOUR_MS, t + 4 * HOUR_MS, 0.5 },       /* came and went */
		{ t - 9 * HOUR_MS, t - HOUR_MS, 8.0 },           /* gone before */
		{ t - HOUR_MS, t + HOUR_MS / 2, 2.0 },           /* gone within */
		{ t + 7 * HOUR_MS, 0, 64.0 },                    /* not yet */
		{ t + HOUR_MS, t + HOUR_MS, 100.0 },             /* never was */
	};
	near(spend_between(lives, 6, t, t + 6 * HOUR_MS, &unknown), 6 * 1.0 + 2 * 0.5 + 0.5 * 2.0);
	assert_int_equal(unknown, 0);
	near(spend_between(lives, 6, t + 3 * HOUR_MS, t + 3 * HOUR_MS, NULL), 0);
	near(spend_between(lives, 6, t + 3 * HOUR_MS, t + 2 * HOUR_MS, NULL), 0);
	near(spend_between(lives, 0, t, t + HOUR_MS, NULL), 0);
	/* parts add up to the whole */
	double sum = 0;
	for (int i = 0; i < 60; i++)
		sum += spend_between(lives, 6, t + i * HOUR_MS / 10, t + (i + 1) * HOUR_MS / 10, NULL);
	near(sum, 8.0);
}

static void no_price_is_not_zero(void **state)
{
	int64_t t = at("2026-11-21T00:00:00Z");
	unsigned unknown;
	struct life lives[] = { { t, 0, NAN }, { t, 0, 1 }, { t - DAY_MS, t, NAN }, { t + DAY_MS, 0, NAN } };
	near(spend_between(lives, 4, t, t + HOUR_MS, &unknown), 1);
	assert_int_equal(unknown, 1);                            /* those that fall into it */
}

static void a_series_ends_at_the_sum(void **state)
{
	int64_t t = at("2026-11-21T00:00:00Z");
	struct life lives[] = { { t, 0, 1 }, { t + 2 * HOUR_MS, 0, 3 } };
	struct buf b = { 0 };
	spend_series(lives, 2, t, t + 4 * HOUR_MS, 4, &b);
	assert_string_equal(b.data, "0.0000 1.0000 2.0000 6.0000 10.0000");
	buf_clear(&b);
	spend_series(lives, 2, t, t, 0, &b);
	assert_string_equal(b.data, "0.0000");
	buf_release(&b);
}

/* ---- the calendar */

static void months_begin_and_end(void **state)
{
	static const struct { const char *now, *from, *to; int64_t hours; } cases[] = {
		{ "2026-11-21T02:48:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 720 },
		{ "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", 744 },
		{ "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z", 744 },
		{ "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", 696 },
		{ "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 672 },
		/* where clocks are put forward or back it is an hour more or less; not in UTC */
		{ "2026-03-29T01:30:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", 744 },
		{ "2026-10-25T01:30:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", 744 },
	};
	static const char *const zones[] = { "UTC", "America/New_York", "Pacific/Kiritimati", "CET-1CEST,M3.5.0,M10.5.0/3" };
	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		setenv("TZ", zones[z], 1);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			int64_t now = at(cases[i].now);
			assert_int_equal(month_start(now), at(cases[i].from));
			assert_int_equal(month_end(now), at(cases[i].to));
			assert_int_equal(month_hours(now), cases[i].hours);
		}
		assert_int_equal(day_start(at("2026-03-29T23:59:59Z")), at("2026-03-29T00:00:00Z"));
		assert_int_equal(day_start(at("2026-03-29T00:00:00Z")), at("2026-03-29T00:00:00Z"));
	}
	assert_int_equal(day_start(-1), -DAY_MS);
}

static void a_node_over_the_end_of_the_month(void **state)
{
	struct life node = { at("2026-10-31T12:00:00Z"), at("2026-11-02T00:00:00Z"), 0.526 };
	int64_t oct = at("2026-10-31T23:00:00Z"), nov = at("2026-11-02T12:00:00Z");
	near(spend_between(&node, 1, month_start(oct), month_end(oct), NULL), 12 * 0.526);
	near(spend_between(&node, 1, month_start(nov), month_end(nov), NULL), 24 * 0.526);
}

static void sessions(void **state)
{
	int64_t now = at("2026-11-21T02:48:00Z");
	struct period_rule once = { PERIOD_SESSION, 10, false, at("2026-11-20T21:40:00Z") };
	struct period p = period_now(&once, now);
	assert_int_equal(p.starts, at("2026-11-20T21:40:00Z"));
	assert_int_equal(p.ends, at("2026-11-21T07:40:00Z"));
	struct period_rule daily = { PERIOD_SESSION, 10, true, 21 * HOUR_MS };
	p = period_now(&daily, now);
	assert_int_equal(p.starts, at("2026-11-20T21:00:00Z"));
	p = period_now(&daily, at("2026-11-21T21:00:00Z"));
	assert_int_equal(p.starts, at("2026-11-21T21:00:00Z"));
	struct period_rule day = { PERIOD_DAY, 0, false, 0 }, month = { PERIOD_MONTH, 0, false, 0 };
	assert_int_equal(period_now(&day, now).ends, at("2026-11-22T00:00:00Z"));
	assert_int_equal(period_now(&month, now).starts, at("2026-11-01T00:00:00Z"));
}

/* ---- budgets */

static void ten_dollars_for_ten_hours(void **state)
{
	int64_t start = at("2026-11-20T21:40:00Z"), now = start + 5 * HOUR_MS;
	struct period p = { start, start + 10 * HOUR_MS };
	struct outlook o = outlook_of(10, 4, 0.93, p, now);
	near(o.left, 6);
	near(o.forecast, 4 + 5 * 0.93);
	assert_int_equal(o.runs_out, 0);                          /* it lasts */
	o = outlook_of(10, 4, 2, p, now);
	near(o.forecast, 14);
	assert_int_equal(o.runs_out, now + 3 * HOUR_MS);
	o = outlook_of(10, 4, 1.2, p, now);                       /* to the very end: does not run out before it */
	assert_int_equal(o.runs_out, 0);
	o = outlook_of(10, 11, 2, p, now);
	near(o.left, -1);
	assert_int_equal(o.runs_out, 0);                          /* it is gone already */
	o = outlook_of(10, 4, NAN, p, now);
	assert_true(isnan(o.forecast) && o.runs_out == 0);
	o = outlook_of(10, 4, 0, p, now);
	near(o.forecast, 4);
	assert_int_equal(o.runs_out, 0);
	o = outlook_of(10, 9, 5, p, p.ends + HOUR_MS);            /* over: nothing is spent any more */
	near(o.forecast, 9);
	assert_int_equal(o.runs_out, 0);
	o = outlook_of(10, 0, 1, p, start - 2 * HOUR_MS);         /* not begun */
	near(o.forecast, 10);
}

static void how_long_the_rest_lasts(void **state)
{
	int64_t now = at("2026-11-21T03:00:00Z");
	struct buf b = { 0 };
	setenv("TZ", "UTC", 1);
	assert_int_equal(lasts_until(6, 2, now), now + 3 * HOUR_MS);
	assert_int_equal(lasts_until(6, 0, now), 0);
	assert_int_equal(lasts_until(6, -1, now), 0);
	assert_int_equal(lasts_until(0, 1, now), 0);
	assert_int_equal(lasts_until(NAN, 1, now), 0);
	assert_int_equal(lasts_until(6, NAN, now), 0);
	assert_int_equal(lasts_until(1e9, 1e-9, now), 0);         /* no overflow */
	say_until(now + 3 * HOUR_MS, now, &b);
	assert_string_equal(b.data, "06:00");
	buf_clear(&b);
	say_until(now + 30 * HOUR_MS, now, &b);
	assert_string_equal(b.data, "Sun 09:00");
	buf_clear(&b);
	say_until(at("2026-12-05T00:00:00Z"), now, &b);
	assert_string_equal(b.data, "5 Dec");
	buf_release(&b);
}

/* ---- prices */

static void shipped_prices(void **state)
{
	struct prices p;
	struct str us = STR("us-east-1"), eu = STR("eu-west-1"), none = STR("");
	prices_init(&p);
	assert_int_equal(p.n, 1);
	near(price_instance(&p, STR("m6i.xlarge"), CAPACITY_ON_DEMAND, us), 0.192);
	near(price_instance(&p, STR("m6i.xlarge"), CAPACITY_ON_DEMAND, none), 0.192);
	near(price_instance(&p, STR("g4dn.xlarge"), CAPACITY_ON_DEMAND, us), 0.526);
	near(price_instance(&p, STR("g4dn.xlarge"), CAPACITY_SPOT, us), 0.2);
	near(price_instance(&p, STR("m6i.xlarge"), CAPACITY_ON_DEMAND, eu), 0.192 * 1.11);
	assert_true(isnan(price_instance(&p, STR("m6i.xlarge"), CAPACITY_ON_DEMAND, STR("mars-north-1"))));
	assert_true(isnan(price_instance(&p, STR("x99.huge"), CAPACITY_ON_DEMAND, us)));
	assert_true(isnan(price_instance(&p, STR(""), CAPACITY_ON_DEMAND, us)));
	near(price_hour(&p, "control_plane", us), 0.10);
	near(price_hour(&p, "nat_gateway", us), 0.045);
	near(price_hour(&p, "load_balancers.network", us), 0.0225);
	assert_true(isnan(price_hour(&p, "load_balancers.wooden", us)));
	near(price_volume(&p, STR("gp3"), 100ll << 30, 720, us), 8.0 / 720);
	assert_true(isnan(price_volume(&p, STR("standard"), 1 << 30, 720, us)));
	assert_true(isnan(price_volume(&p, STR("gp3"), -1, 720, us)));
	prices_release(&p);
}

static void a_table_over_the_shipped_one(void **state)
{
	struct prices p;
	char why[200];
	prices_init(&p);
	assert_true(prices_add(&p, STR("version: ours\ncontrol_plane: 0.6\ninstances:\n  m6i.xlarge: 0.1\n  new.large: {on_demand: "
		"{us-east-1: 1, eu-west-1: 3}, spot: 0.5}\n  m5.large: [-1, text]\n"), why, sizeof(why)));
	assert_string_equal(prices_version(&p), "ours");
	near(price_hour(&p, "control_plane", STR("us-east-1")), 0.6);
	near(price_instance(&p, STR("m6i.xlarge"), CAPACITY_ON_DEMAND, STR("us-east-1")), 0.1);
	near(price_instance(&p, STR("m6i.xlarge"), CAPACITY_SPOT, STR("us-east-1")), 0.0768);   /* it says nothing of spot */
	near(price_instance(&p, STR("new.large"), CAPACITY_ON_DEMAND, STR("eu-west-1")), 3);
	near(price_instance(&p, STR("new.large"), CAPACITY_ON_DEMAND, STR("us-west-1")), 1.17);
	near(price_instance(&p, STR("new.large"), CAPACITY_SPOT, STR("us-east-1")), 0.5);
	near(price_instance(&p, STR("m5.large"), CAPACITY_ON_DEMAND, STR("us-east-1")), 0.096); /* nonsense is no price */
	prices_drop(&p);
	near(price_hour(&p, "control_plane", STR("us-east-1")), 0.1);
	assert_false(prices_add(&p, STR("a: ["), why, sizeof(why)));
	assert_false(prices_add(&p, STR("<html>no</html>"), why, sizeof(why)));
	assert_non_null(strstr(why, "not a table of prices"));
	assert_false(prices_load(&p, "/nonexistent/prices.yaml", why, sizeof(why)));
	prices_release(&p);
}

static void regions_of_zones(void **state)
{
	static const char *const cases[][2] = { { "us-east-1a", "us-east-1" }, { "eu-west-1c", "eu-west-1" },
		{ "ap-southeast-2b", "ap-southeast-2" }, { "us-gov-west-1a", "us-gov-west-1" }, { "us-east-1-bos-1a", "us-east-1" },
		{ "us-east-1", "us-east-1" }, { "", "" }, { "zone-a", "" }, { "a-b-", "" }, { "westeurope-1", "" } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str got = price_region(str_of(cases[i][0]));
		if (!str_is(got, cases[i][1]))
			fail_msg("%s gives " STR_FMT, cases[i][0], STR_ARG(got));
	}
}

/* ---- shares */

static void a_node_is_shared_out_and_the_rest_is_idle(void **state)
{
	struct share_node n = { .rate = 0.4, .weight = share_weight((struct share_size){ 4000, 16ll << 30, 0 }) };
	struct share_pod half = { { 2000, 8ll << 30, 0 }, { 1000, 4ll << 30, 0 } }, unknown = { { -1, -1, -1 }, { -1, -1, -1 } };
	double used, taken = share_taken(&half, SHARE_REQUESTS, &used);
	n.taken = taken;
	near(share_of(&n, taken), 0.2);
	near(share_of(&n, used), 0.1);
	near(share_idle(&n), 0.2);
	n.taken = share_taken(&half, SHARE_USAGE, &used);
	near(share_idle(&n), 0.3);
	near(share_taken(&half, SHARE_LARGER, &used), taken);
	near(share_taken(&unknown, SHARE_LARGER, &used), 0);
	assert_true(isnan(used));
	struct share_pod asks_nothing = { { -1, -1, -1 }, { 1000, 4ll << 30, 0 } };
	assert_true(share_taken(&asks_nothing, SHARE_REQUESTS, &used) > 0);      /* then what it uses */
	struct share_pod over = { { 1000, 4ll << 30, 0 }, { 2000, 8ll << 30, 0 } };
	near(share_taken(&over, SHARE_LARGER, &used), taken);
	n.taken = 3 * taken;                                     /* more is taken than there is */
	near(share_of(&n, taken), 0.4 / 3);
	near(share_idle(&n), 0);
	n.rate = NAN;
	assert_true(isnan(share_of(&n, taken)) && isnan(share_idle(&n)));
	struct share_node empty = { .rate = 0.3 };
	near(share_idle(&empty), 0.3);
}

static void graphics_processors_weigh_most(void **state)
{
	struct share_node n = { .rate = 0.526, .weight = share_weight((struct share_size){ 4000, 16ll << 30, 1 }) };
	struct share_pod model = { { 1000, 4ll << 30, 1 }, { 500, 1ll << 30, -1 } };
	double used;
	n.taken = share_taken(&model, SHARE_LARGER, &used);
	assert_true(share_of(&n, n.taken) > 0.4);
	assert_true(isnan(used));                                /* nobody said how busy it is */
}

static void sums_are_found_again(void **state)
{
	struct share_sums s = { 0 };
	char name[32];
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(name, sizeof(name), "ns-%u", i / 2);
			share_sum(&s, i % 2, str_of(name))->count++;
		}
	assert_int_equal(s.n, 1000);
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(s.items[i].count, 2);
	share_sums_release(&s);
}

static void workloads_of_pods(void **state)
{
	static const char *const cases[][4] = {
		{ "ReplicaSet/model-api-6d9f7c", "app=model-api,pod-template-hash=6d9f7c", "model-api-6d9f7c-x2x8k", "model-api" },
		{ "ReplicaSet/bare-rs", "app=x", "bare-rs-abc", "bare-rs" },
		{ "Job/report-28312312", "", "report-28312312-zz", "report" },
		{ "Job/train-r3", "", "train-r3-8x4kd", "train-r3" },
		{ "DaemonSet/kube-proxy", "", "kube-proxy-1", "kube-proxy" },
		{ "", "", "alone", "alone" },
		{ "odd", "", "p", "odd" },
	};
	struct buf b = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_clear(&b);
		share_workload(str_of(cases[i][0]), str_of(cases[i][1]), str_of(cases[i][2]), &b);
		assert_string_equal(b.data, cases[i][3]);
	}
	buf_release(&b);
	assert_true(str_is(share_label(STR("a=b,model=real_estate,c="), "model"), "real_estate"));
	assert_int_equal(share_label(STR("a=b,xmodel=1"), "model").n, 0);
}

/* ---- whose nodes a group's are */

static void pools_are_told_apart(void **state)
{
	static const struct { uint16_t source; const char *name, *labels; } nodes[] = {
		{ 0, "a", "eks.amazonaws.com/nodegroup=cpu,zone=a" }, { 0, "b", "a=karpenter.sh/nodepool,karpenter.sh/nodepool=gpu" },
		{ 0, "c", "eks.amazonaws.com/nodegroup=twin" }, { 0, "d", "karpenter.sh/nodepool=twin" },
		{ 1, "e", "karpenter.sh/nodepool=cpu" }, { 0, "f", "" },
	};
	struct table *t = table_new(&kind_nodes);
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct buf b = { 0 };
		struct rd at;
		rows_start(&b, "nodes");
		rows_put(&b, str_of(nodes[i].name), LEVEL_OK);
		for (int c = 0; c < kind_nodes.ncols; c++)
			if (!strcmp(kind_nodes.cols[c].name, "labels"))
				cell_text_or_null(&b, str_of(nodes[i].labels));
			else
				cell_null(&b);
		assert_true(str_is(rows_open(&at, buf_str(&b)), "nodes"));
		assert_true(table_apply(t, nodes[i].source, &at, 0));
		buf_release(&b);
	}
	assert_int_equal(cost_pool_of(t, 0, STR("cpu")), COST_POOL_EKS);
	assert_int_equal(cost_pool_of(t, 1, STR("cpu")), COST_POOL_KARPENTER);
	assert_int_equal(cost_pool_of(t, 0, STR("gpu")), COST_POOL_KARPENTER);
	assert_int_equal(cost_pool_of(t, 0, STR("twin")), COST_POOL_BOTH);
	assert_int_equal(cost_pool_of(t, 0, STR("gp")), COST_POOL_UNKNOWN);
	assert_int_equal(cost_pool_of(NULL, 0, STR("gpu")), COST_POOL_UNKNOWN);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_are_told_apart), cmocka_unit_test(nodes_join_and_leave), cmocka_unit_test(no_price_is_not_zero),
		cmocka_unit_test(a_series_ends_at_the_sum), cmocka_unit_test(months_begin_and_end),
		cmocka_unit_test(a_node_over_the_end_of_the_month), cmocka_unit_test(sessions),
		cmocka_unit_test(ten_dollars_for_ten_hours), cmocka_unit_test(how_long_the_rest_lasts),
		cmocka_unit_test(shipped_prices), cmocka_unit_test(a_table_over_the_shipped_one), cmocka_unit_test(regions_of_zones),
		cmocka_unit_test(a_node_is_shared_out_and_the_rest_is_idle), cmocka_unit_test(graphics_processors_weigh_most),
		cmocka_unit_test(sums_are_found_again), cmocka_unit_test(workloads_of_pods),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
