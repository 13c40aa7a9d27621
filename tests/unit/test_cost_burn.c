/* What is made of the rows of clusters: assets and their lives, shares, spend and budgets; and the answers of AWS and OpenCost,
 * good and bad. */
#define _GNU_SOURCE
#include "backends/cost/billed.h"
#include "backends/cost/opencost.h"
#include "base/fmt.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/serving.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
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
	if (!(fabs(got - want) < 1e-6 * (1 + fabs(want))))
		fail_msg("%.12g is not %.12g", got, want);
}

/* ---- a cluster, row by row: cells by name, the rest unknown */

struct cell_of { const char *col, *text; int64_t i; };

static void put(struct buf *b, const struct kind *k, const char *key, const struct cell_of *cells)
{
	rows_put(b, str_of(key), LEVEL_OK);
	for (int c = 0; c < k->ncols; c++) {
		const struct cell_of *x = cells;
		while (x->col && strcmp(x->col, k->cols[c].name))
			x++;
		if (!x->col)
			cell_null(b);
		else if (x->text)
			cell_text(b, str_of(x->text));
		else
			cell_int(b, x->i);
	}
}
#define ROW(kind, key, ...) put(&b, &kind_##kind, key, (const struct cell_of[]){ __VA_ARGS__, { NULL, NULL, 0 } })
#define T(col, text) { col, text, 0 }
#define N(col, number) { col, NULL, number }

static void feed(struct cost *c, const char *kind, struct buf *body)
{
	struct request *r = request_new(REQ_ROWS, kind, STR("eks"), NULL, NULL);
	r->body = *body;
	*body = (struct buf){ 0 };
	intake_take(&c->in, r);
	request_free(r);
}

static void start(struct buf *b, const char *kind)
{
	rows_start(b, kind);
	rows_begin(b, STR(""));
}

#define GIB (1ll << 30)
static int64_t born;                 /* of the nodes; set once by each test */

static void give_nodes(struct cost *c, bool gpu)
{
	struct buf b = { 0 };
	start(&b, "nodes");
	ROW(nodes, "n1", N("age", born), T("nodegroup", "system"), T("instance_type", "m6i.xlarge"), T("zone", "us-east-1a"),
	    N("cpu_allocatable", 4000), N("mem_allocatable", 16 * GIB), N("gpus_allocatable", 0), T("version", "v1.31.2-eks-1"));
	if (gpu)
		ROW(nodes, "n2", N("age", born), T("nodegroup", "gpu"), T("instance_type", "g4dn.xlarge"), T("capacity_type", "spot"),
		    T("zone", "us-east-1b"), N("cpu_allocatable", 4000), N("mem_allocatable", 16 * GIB), N("gpus_allocatable", 1));
	ROW(nodes, "n3", N("age", born), T("nodegroup", "odd"), T("instance_type", "x99.huge"), T("zone", "us-east-1b"));
	rows_end(&b, STR(""));
	feed(c, "nodes", &b);
}

static void give_the_rest(struct cost *c)
{
	struct buf b = { 0 };
	start(&b, "namespaces");
	ROW(namespaces, "kube-system", N("age", born));
	rows_end(&b, STR(""));
	feed(c, "namespaces", &b);
	start(&b, "persistentvolumes");
	ROW(persistentvolumes, "v1", N("age", born), N("capacity", 100 * GIB), T("storageclass", "ebs-gp3"), T("claim", "ml/data"));
	ROW(persistentvolumes, "v2", N("age", born), N("capacity", 100 * GIB), T("storageclass", "ceph"));
	rows_end(&b, STR(""));
	feed(c, "persistentvolumes", &b);
	start(&b, "services");
	ROW(services, "ml/api", N("age", born), T("type", "LoadBalancer"));
	ROW(services, "ml/inside", N("age", born), T("type", "ClusterIP"));
	rows_end(&b, STR(""));
	feed(c, "services", &b);
	start(&b, "pods");
	ROW(pods, "kube-system/coredns-1-x", T("namespace", "kube-system"), T("node", "n1"), T("status", "Running"),
	    T("owner", "ReplicaSet/coredns-1"), N("cpu_request", 1000), N("mem_request", 4 * GIB), N("gpus", 0));
	ROW(pods, "ml/api-7f-a", T("namespace", "ml"), T("node", "n2"), T("status", "Running"), T("owner", "ReplicaSet/api-7f"),
	    T("labels", "model=real_estate,pod-template-hash=7f"), N("cpu_request", 4000), N("mem_request", 16 * GIB), N("gpus", 1));
	ROW(pods, "ml/done", T("namespace", "ml"), T("node", "n1"), T("status", "Completed"), N("cpu_request", 3000));
	ROW(pods, "ml/waits", T("namespace", "ml"), T("status", "Pending"), N("cpu_request", 3000));
	rows_end(&b, STR(""));
	feed(c, "pods", &b);
}

static struct cost *open_cost(const char *settings, struct yaml_doc **doc)
{
	struct cost *c = xcalloc(1, sizeof(*c));
	struct yaml_error err;
	*doc = yaml_parse(str_of(settings), &err);
	assert_non_null(*doc);
	cost_settings_read(&c->settings, yaml_root(*doc));
	prices_init(&c->prices);
	intake_init(&c->in);
	c->assets.source = "cost";
	return c;
}

static void close_cost(struct cost *c, struct yaml_doc *doc)
{
	billed_release(&c->billed);
	opencost_release(&c->opencost);
	burn_release(&c->burn);
	assets_release(&c->assets);
	intake_release(&c->in);
	prices_release(&c->prices);
	cost_settings_release(&c->settings);
	yaml_doc_free(doc);
	free(c);
}

static void look(struct cost *c, int64_t now)
{
	c->now = now;
	burn_make(&c->burn, &c->in, &c->assets, &c->prices, &c->settings.rules, now);
}

/* The rows of a kind as the store would hold them. */
static struct table *shown(const struct cost *c, const struct kind *k, void (*show)(const struct cost *, struct buf *))
{
	struct table *t = table_new(k);
	struct buf body = { 0 };
	struct rd r;
	show(c, &body);
	assert_true(str_is(rows_open(&r, buf_str(&body)), k->name));
	assert_true(table_apply(t, 0, &r, 0));
	assert_true(table_listing(t, 0).listed || c->more_budgets);
	buf_release(&body);
	return t;
}

static const struct row *row_of(const struct table *t, const char *key)
{
	const struct row *r = table_find(t, 0, str_of(key));
	if (!r)
		fail_msg("no row '%s'", key);
	return r;
}

#define GP3_100 (8.0 / 720)          /* 100 GiB in November */
#define ROOTS (3 * 1.6 / 720)        /* three nodes of EKS with 20 GiB */
#define RATE (0.192 + 0.2 + 0.10 + 0.0225 + GP3_100 + ROOTS)

static void a_cluster_costs(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("budgets: {session: {amount: 2, hours: 10}, month: {amount: 100, period: month}}", &doc);
	born = at("2026-11-21T00:00:00Z");
	give_nodes(c, true);
	give_the_rest(c);
	look(c, born + 2 * HOUR_MS);
	near(burn_rate(&c->burn, IN_SOURCES, ASSET_TYPES), RATE);
	assert_int_equal(burn_unpriced(&c->burn, IN_SOURCES), 2);        /* the odd node and the volume of ceph: named, not 0 */
	assert_non_null(strstr(c->burn.missing.data, "x99.huge on-demand in us-east-1"));
	assert_non_null(strstr(c->burn.missing.data, "a volume of ceph"));
	struct table *t = shown(c, &kind_spend, show_spend);
	const struct row *r = row_of(t, "total");
	near(row_real(r, SPEND_RATE), RATE);
	near(row_real(r, SPEND_TODAY), 2 * RATE);
	near(row_real(r, SPEND_MONTH), 2 * RATE);
	near(row_real(r, SPEND_SESSION), 2 * RATE);
	near(row_real(r, SPEND_LEFT), 2 - 2 * RATE);
	assert_int_equal(row_int(r, SPEND_ENDS), born + 10 * HOUR_MS);
	assert_true(llabs(row_int(r, SPEND_RUNS_OUT) - (born + (int64_t)(2 / RATE * HOUR_MS))) < 1000);
	assert_int_equal(r->level, LEVEL_DOUBT);
	assert_int_equal(row_int(r, SPEND_UNPRICED), 2);
	table_free(t);
	t = shown(c, &kind_budgets, show_budgets);
	assert_true(str_is(row_text_by(t, row_of(t, "session"), "advice"), "gpu to 0 saves $0.20/h, then lasts until 04:48"));
	assert_true(str_is(row_text_by(t, row_of(t, "session"), "status"), "runs out"));
	near(row_real(row_of(t, "month"), BUDGET_LEFT), 100 - 2 * RATE);
	table_free(t);
	close_cost(c, doc);
}

static void every_list_of_shares_adds_up(void **state)
{
	static const char *const lists[] = { "group", "namespace", "workload", "model" };
	struct yaml_doc *doc;
	struct cost *c = open_cost("{}", &doc);
	born = at("2026-11-21T00:00:00Z");
	give_nodes(c, true);
	give_the_rest(c);
	look(c, born + 2 * HOUR_MS);
	struct table *t = shown(c, &kind_costs, show_costs);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		double sum = 0;
		for (uint32_t id = 0; id < t->nslots; id++) {
			const struct row *r = table_row(t, id);
			if (r && str_is(row_text(t, r, COST_BY), lists[i]) && !row_null(r, COST_RATE))
				sum += row_real(r, COST_RATE);
		}
		near(sum, RATE);
	}
	/* a pod that fills the GPU node costs what the node does; its use of the processor is not known */
	const struct row *r = row_of(t, "model/model/eks/real_estate");
	near(row_real(r, COST_RATE), 0.2);
	assert_true(row_null(r, COST_IDLE));
	near(row_real(row_of(t, "workload/workload/eks/ml/api"), COST_RATE), 0.2);
	near(row_real(row_of(t, "namespace/namespace/eks/ml"), COST_RATE), 0.2 + GP3_100);
	/* a quarter of the other node is asked for */
	near(row_real(row_of(t, "namespace/namespace/eks/kube-system"), COST_RATE), 0.192 / 4);
	near(row_real(row_of(t, "group/node group/eks/system"), COST_IDLE), 0.75);
	r = row_of(t, "group/node group/eks/odd");
	assert_true(row_null(r, COST_RATE) && row_null(r, COST_TODAY));
	assert_int_equal(r->level, LEVEL_DOUBT);
	table_free(t);
	close_cost(c, doc);
}

static void predictions_have_a_price(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("{}", &doc);
	struct buf b = { 0 };
	char key[16];
	born = at("2026-11-21T00:00:00Z");
	int64_t now = born + 2 * HOUR_MS;
	give_nodes(c, true);
	give_the_rest(c);
	start(&b, "predictions");
	for (int i = 1; i <= 60; i++) {                  /* one a minute, in a log that names no model */
		snprintf(key, sizeof(key), "%d", i);
		ROW(predictions, key, N("age", now - i * 60000));
	}
	rows_end(&b, STR(""));
	feed(c, "predictions", &b);
	look(c, now);
	struct table *t = shown(c, &kind_costs, show_costs);
	near(row_real(row_of(t, "model/model/eks/real_estate"), COST_PER_1K), 0.2 / 60 * 1000);
	table_free(t);
	look(c, now + 3 * HOUR_MS);                      /* nothing for hours: not known any more */
	t = shown(c, &kind_costs, show_costs);
	assert_true(row_null(row_of(t, "model/model/eks/real_estate"), COST_PER_1K));
	table_free(t);
	close_cost(c, doc);
}

static void nodes_that_went_still_count(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("control_plane: no\nnode_volume: 0", &doc);
	born = at("2026-11-20T22:00:00Z");
	give_nodes(c, true);
	look(c, born + HOUR_MS);
	give_nodes(c, false);
	look(c, born + 3 * HOUR_MS);     /* seen to be gone now: an hour into the next day */
	look(c, born + 9 * HOUR_MS);
	near(burn_rate(&c->burn, IN_SOURCES, ASSET_TYPES), 0.192);
	struct table *t = shown(c, &kind_spend, show_spend);
	const struct row *r = row_of(t, "total");
	near(row_real(r, SPEND_TODAY), 7 * 0.192 + 1 * 0.2);
	near(row_real(r, SPEND_MONTH), 9 * 0.192 + 3 * 0.2);
	assert_true(row_null(r, SPEND_BUDGET) && row_null(r, SPEND_LEFT) && row_null(r, SPEND_SESSION));
	table_free(t);
	close_cost(c, doc);
}

static void the_history_knows_what_went(void **state)
{
	char dir[] = "/tmp/binnacle-cost.XXXXXX", path[64], *why = NULL;
	struct yaml_doc *doc;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/h.db", dir);
	struct history *h = history_new(path);
	born = at("2026-11-21T00:00:00Z");
	struct cost *c = open_cost("control_plane: no\nnode_volume: 0", &doc);
	c->assets.history = h;
	give_nodes(c, true);
	look(c, born + HOUR_MS);
	give_nodes(c, false);
	look(c, born + 2 * HOUR_MS);     /* n2 was seen to leave; n1 is there when the program ends */
	close_cost(c, doc);
	/* the next time the cluster is empty */
	c = open_cost("control_plane: no\nnode_volume: 0", &doc);
	c->assets.history = h;
	assert_true(assets_load(&c->assets, born + 5 * HOUR_MS, &why));
	struct buf b = { 0 };
	start(&b, "nodes");
	rows_end(&b, STR(""));
	feed(c, "nodes", &b);
	look(c, born + 5 * HOUR_MS);
	struct table *t = shown(c, &kind_spend, show_spend);
	const struct row *r = row_of(t, "total");
	near(row_real(r, SPEND_RATE), 0);
	/* n1 until it was last seen, for more is not known; n2 until it left */
	near(row_real(r, SPEND_TODAY), 2 * 0.192 + 2 * 0.2);
	assert_int_equal(row_int(r, SPEND_SINCE), born + HOUR_MS);
	table_free(t);
	/* and comes back as the same: nothing is counted twice */
	give_nodes(c, true);
	look(c, born + 6 * HOUR_MS);
	t = shown(c, &kind_spend, show_spend);
	near(row_real(row_of(t, "total"), SPEND_TODAY), 6 * 0.192 + 6 * 0.2);
	table_free(t);
	close_cost(c, doc);
	history_free(h);
	static const char *const ends[] = { "", "-wal", "-shm" };
	for (int i = 0; i < 3; i++) {
		char name[80];
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* A cluster that cannot be read is unknown, not free. */
static void unknown_is_not_zero(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("budgets: {session: {amount: 10, hours: 10}}", &doc);
	struct request *r = request_new(REQ_ROWS, "", STR("eks"), "refused", "no credentials");
	struct buf b = { 0 };
	rows_start(&b, "nodes");
	feed(c, "nodes", &b);
	assert_false(intake_settled(&c->in, IN_NODES, 0));
	intake_take(&c->in, r);
	request_free(r);
	assert_true(intake_settled(&c->in, IN_NODES, 0));
	look(c, at("2026-11-21T00:00:00Z"));
	struct table *t = shown(c, &kind_spend, show_spend);
	const struct row *row = row_of(t, "total");
	assert_true(row_null(row, SPEND_RATE) && row_null(row, SPEND_TODAY) && row_null(row, SPEND_LEFT) && row_null(row, SPEND_NODES));
	assert_true(str_is(row_text(t, row, SPEND_NOTE), "nodes of eks are not known: no credentials"));
	table_free(t);
	/* beside one that is known: its own row stays unknown, the sum says what it lacks */
	r = request_new(REQ_ROWS, "nodes", STR("other"), NULL, NULL);
	start(&r->body, "nodes");
	rows_end(&r->body, STR(""));
	intake_take(&c->in, r);
	request_free(r);
	look(c, at("2026-11-21T00:00:00Z"));
	t = shown(c, &kind_spend, show_spend);
	row = row_of(t, "eks");
	assert_true(row_null(row, SPEND_RATE) && row_null(row, SPEND_TODAY) && row_null(row, SPEND_NODES) && row_null(row, SPEND_UNPRICED));
	assert_true(!row_null(row_of(t, "other"), SPEND_RATE) && row_real(row_of(t, "other"), SPEND_RATE) == 0);
	assert_int_equal(row_of(t, "total")->level, LEVEL_DOUBT);
	assert_non_null(strstr(row_text(t, row_of(t, "total"), SPEND_NOTE).p, "nodes of eks are not known"));
	table_free(t);
	close_cost(c, doc);
}

static void malformed_rows_are_counted_not_fatal(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("{}", &doc);
	struct buf b = { 0 };
	born = 1;
	start(&b, "nodes");
	ROW(nodes, "n1", T("age", "text where a time belongs"), N("instance_type", 7));
	feed(c, "nodes", &b);
	rows_start(&b, "nodes");
	buf_adds(&b, "p\x05n1");         /* cut within a key */
	feed(c, "nodes", &b);
	assert_int_equal(c->in.malformed, 1);
	look(c, at("2026-11-21T00:00:00Z"));
	close_cost(c, doc);
}

static void settings_that_make_no_sense(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("budgets: {a: {amount: -1}, b: {amount: 5, start: yesterday}, c: {amount: 5, start: '08:30', hours: 9},"
		" d: {amount: 3, period: day}}\nnat_gateways: many", &doc);
	assert_int_equal(c->settings.nbudgets, 3);
	assert_non_null(strstr(c->settings.wrong, "yesterday"));
	assert_true(c->settings.budgets[0].from_cluster);
	assert_true(c->settings.budgets[1].period.daily);
	assert_int_equal(c->settings.budgets[1].period.start, 8 * HOUR_MS + 30 * 60000);
	assert_int_equal(c->settings.budgets[2].period.type, PERIOD_DAY);
	assert_int_equal(c->settings.rules.nat_gateways, 0);
	close_cost(c, doc);
	assert_int_equal(cost_duration("6h", 1), 6 * HOUR_MS);
	assert_int_equal(cost_duration("90s", 1), 90000);
	assert_int_equal(cost_duration("-5s", 1), 1);
	assert_int_equal(cost_duration("soon", 1), 1);
	assert_int_equal(cost_duration(NULL, 1), 1);
}

/* ---- AWS */

static const char bill[] = "{\"GroupDefinitions\":[{\"Type\":\"DIMENSION\",\"Key\":\"SERVICE\"}],\"ResultsByTime\":["
	"{\"TimePeriod\":{\"Start\":\"2026-11-20\",\"End\":\"2026-11-21\"},\"Total\":{},\"Groups\":["
	"{\"Keys\":[\"Amazon EKS\"],\"Metrics\":{\"UnblendedCost\":{\"Amount\":\"2.4\",\"Unit\":\"USD\"}}},"
	"{\"Keys\":[\"Amazon EC2\"],\"Metrics\":{\"UnblendedCost\":{\"Amount\":\"38.85\",\"Unit\":\"USD\"}}},"
	"{\"Keys\":[\"Tax\"],\"Metrics\":{\"UnblendedCost\":{\"Amount\":\"NaN\",\"Unit\":\"USD\"}}}],\"Estimated\":true},"
	"{\"TimePeriod\":{\"Start\":\"2026-11-19\",\"End\":\"2026-11-20\"},\"Total\":{\"UnblendedCost\":{\"Amount\":\"41.2\",\"Unit\":"
	"\"USD\"}},\"Groups\":[],\"Estimated\":false},"
	"{\"TimePeriod\":{\"Start\":\"soon\"},\"Total\":{\"UnblendedCost\":{\"Amount\":\"1\",\"Unit\":\"USD\"}}},"
	"{\"TimePeriod\":{\"Start\":\"2026-11-18\"},\"Total\":{\"UnblendedCost\":{\"Amount\":5}}}, 7, null],"
	"\"NextPageToken\":\"more\"}";

static void days_of_a_bill(void **state)
{
	struct billed b = { 0 };
	char *page;
	unsigned skipped = 0;
	assert_true(billed_parse_days(STR(bill), &b, &page, &skipped));
	assert_string_equal(page, "more");
	free(page);
	assert_int_equal(skipped, 4);
	assert_int_equal(b.ndays, 2);
	assert_int_equal(b.days[0].day, at("2026-11-19T00:00:00Z"));     /* sorted */
	near(b.days[0].amount, 41.2);
	assert_true(b.days[0].final && !b.days[1].final);
	near(b.days[1].amount, 41.25);
	assert_string_equal(b.days[1].services, "Amazon EC2 38.85, Amazon EKS 2.40");
	assert_true(billed_parse_days(STR(bill), &b, &page, &skipped));  /* the next page of the same days adds */
	free(page);
	near(b.days[0].amount, 82.4);
	assert_int_equal(b.ndays, 2);
	static const char *const bad[] = { "", "<html>", "{}", "[]", "{\"ResultsByTime\":7}", "{\"ResultsByTime\":[" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(billed_parse_days(str_of(bad[i]), &b, &page, &skipped));
		assert_null(page);
	}
	billed_release(&b);
}

static void budgets_of_aws(void **state)
{
	static const char json[] = "{\"Budgets\":[{\"BudgetName\":\"ml\",\"BudgetType\":\"COST\",\"TimeUnit\":\"MONTHLY\",\"BudgetLimit\":"
		"{\"Amount\":\"400.0\",\"Unit\":\"USD\"},\"CalculatedSpend\":{\"ActualSpend\":{\"Amount\":\"120.5\",\"Unit\":\"USD\"}},"
		"\"TimePeriod\":{\"Start\":1793491200,\"End\":3706473600.0}},{\"BudgetName\":\"hours\",\"BudgetType\":\"USAGE\"},"
		"{\"BudgetName\":\"planned\",\"BudgetType\":\"COST\"},{\"TimeUnit\":[]}, 3]}";
	struct billed b = { 0 };
	char *page;
	unsigned skipped = 0;
	assert_true(billed_parse_budgets(STR(json), &b, &page, &skipped));
	assert_null(page);
	assert_int_equal(b.nbudgets, 2);
	assert_int_equal(skipped, 2);
	near(b.budgets[0].amount, 400);
	near(b.budgets[0].actual, 120.5);
	assert_true(isnan(b.budgets[0].forecast) && isnan(b.budgets[1].amount));
	assert_string_equal(b.budgets[0].period, "month");
	assert_true(billed_parse_budgets(STR("{}"), &b, &page, &skipped));       /* no budgets at all */
	assert_false(billed_parse_budgets(STR("no"), &b, &page, &skipped));
	billed_release(&b);
}

static void bills_beside_the_estimate(void **state)
{
	struct yaml_doc *doc;
	struct cost *c = open_cost("control_plane: no\nnode_volume: 0", &doc);
	char *page;
	unsigned skipped = 0;
	born = at("2026-11-20T12:00:00Z");
	give_nodes(c, true);
	look(c, at("2026-11-21T06:00:00Z"));
	assert_true(billed_parse_days(STR(bill), &c->billed, &page, &skipped));
	free(page);
	c->billed.as_of = c->now;
	struct table *t = shown(c, &kind_bills, show_bills);
	char key[32];
	snprintf(key, sizeof(key), "%lld", (long long)at("2026-11-20T00:00:00Z"));
	near(row_real(row_of(t, key), BILL_ESTIMATE), 12 * 0.392);
	near(row_real(row_of(t, key), BILL_DIFFERENCE), 12 * 0.392 / 41.25 - 1);
	snprintf(key, sizeof(key), "%lld", (long long)at("2026-11-19T00:00:00Z"));
	assert_true(row_null(row_of(t, key), BILL_ESTIMATE));            /* nothing is known of that day: not $0 */
	table_free(t);
	close_cost(c, doc);
}

/* ---- OpenCost */

static void shares_of_opencost(void **state)
{
	static const char json[] = "{\"code\":200,\"status\":\"success\",\"data\":[{\"ml\":{\"name\":\"ml\",\"minutes\":120,\"totalCost\":1.5,"
		"\"totalEfficiency\":0.4},\"__idle__\":{\"name\":\"__idle__\",\"minutes\":120,\"totalCost\":0.5,\"totalEfficiency\":null},"
		"\"broken\":{\"totalCost\":null},\"wrong\":7},{\"ml\":{\"minutes\":60,\"totalCost\":0.5}},null]}";
	struct opencost o = { 0 };
	const char *why;
	assert_true(opencost_parse(STR(json), &o, &why));
	assert_int_equal(o.n, 2);
	assert_string_equal(o.items[0].name, "ml");
	near(o.items[0].total, 2);
	near(o.items[0].minutes, 180);
	near(o.items[0].idle, 0.6);
	assert_string_equal(o.items[1].name, "(idle)");
	near(o.items[1].idle, 1);
	opencost_release(&o);
	assert_true(opencost_parse(STR("{\"data\":[null]}"), &o, &why));
	assert_true(opencost_parse(STR("{\"data\":[{}]}"), &o, &why));
	assert_int_equal(o.n, 0);
	assert_false(opencost_parse(STR("Invalid window"), &o, &why));
	assert_non_null(strstr(why, "not JSON"));
	assert_false(opencost_parse(STR("{\"data\":{}}"), &o, &why));
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cluster_costs), cmocka_unit_test(every_list_of_shares_adds_up), cmocka_unit_test(predictions_have_a_price),
		cmocka_unit_test(nodes_that_went_still_count), cmocka_unit_test(the_history_knows_what_went),
		cmocka_unit_test(unknown_is_not_zero), cmocka_unit_test(malformed_rows_are_counted_not_fatal),
		cmocka_unit_test(settings_that_make_no_sense), cmocka_unit_test(days_of_a_bill), cmocka_unit_test(budgets_of_aws),
		cmocka_unit_test(bills_beside_the_estimate), cmocka_unit_test(shares_of_opencost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
