/* Any bytes as what the cost source is given: rows of other sources in every kind that it reads, a table of prices, a bill of AWS,
 * its budgets, an answer of OpenCost. Then everything is computed and shown. */
#include "backends/cost/billed.h"
#include "backends/cost/opencost.h"
#include "base/mem.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct cost *c)
{
	static void (*const shows[])(const struct cost *, struct buf *) = { show_costs, show_budgets, show_spend, show_bills };
	for (size_t i = 0; i < ARRAY_SIZE(shows); i++) {
		struct buf body = { 0 };
		enum rows_op op;
		struct rd r;
		shows[i](c, &body);
		rows_open(&r, buf_str(&body));
		if (r.bad || !rows_next(&r, &op) || op != ROWS_BEGIN)
			abort();
		buf_release(&body);
	}
}

static void feed(struct cost *c, struct str bytes)
{
	for (int k = 0; k < IN_COUNT; k++) {
		struct request *r = request_new(REQ_ROWS, c->in.kinds[k].name, STR("eks"), NULL, NULL);
		rows_start(&r->body, c->in.kinds[k].name);
		rows_begin(&r->body, STR(""));
		buf_addstr(&r->body, bytes);
		intake_take(&c->in, r);
		request_free(r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(STR("budgets: {s: {amount: 3, hours: 1}}"), &err);
	struct cost c = { .now = 1763700000000 };
	char why[200], *page = NULL;
	const char *what;
	unsigned skipped = 0;
	cost_settings_read(&c.settings, yaml_root(doc));
	prices_init(&c.prices);
	intake_init(&c.in);
	c.assets.source = "cost";
	prices_add(&c.prices, bytes, why, sizeof(why));
	billed_parse_days(bytes, &c.billed, &page, &skipped);
	free(page);
	billed_parse_budgets(bytes, &c.billed, &page, &skipped);
	free(page);
	opencost_parse(bytes, &c.opencost, &what);
	feed(&c, bytes);
	for (int i = 0; i < 2; i++, c.now += 7200000) {
		burn_make(&c.burn, &c.in, &c.assets, &c.prices, &c.settings.rules, c.now);
		show(&c);
	}
	billed_release(&c.billed);
	opencost_release(&c.opencost);
	burn_release(&c.burn);
	assets_release(&c.assets);
	intake_release(&c.in);
	prices_release(&c.prices);
	cost_settings_release(&c.settings);
	yaml_doc_free(doc);
	return 0;
}
