/* cost: the source's thread. It asks no cluster itself: the rows of nodes, pods and volumes that other sources fill are handed
 * to it (base/feed.h), and it makes of them what an hour costs, who causes it, what was spent of which budget. Beside that
 * it asks, rarely, what was billed. Nothing is read or computed while nobody looks. */
#include "backends/cost/billed.h"
#include "backends/cost/nodegroup.h"
#include "backends/cost/opencost.h"
#include "backends/net/doctor.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHES_MAX 64
#define SETTLE_MS 20000          /* so long is waited for what the clusters list before figures are given */
#define LEAST_MS 2000            /* between two computations, however much changes */
#define TICK_MS 10000            /* money runs on */
#define FAILED_FIRST_MS 60000
#define FAILED_MOST_MS (30 * 60000)

enum { COSTS, BUDGETS, SPEND, BILLS, KINDS };
static const struct kind *const kinds[] = { &kind_costs, &kind_budgets, &kind_spend, &kind_bills, NULL };

/* Something that is asked now and then: its next turn, and what went wrong last. */
struct errand {
	int64_t next;                /* mono */
	unsigned failures;
	char why[400], remedy[160];  /* why "" = well, or not asked yet */
	bool asked;
};
struct run {
	struct cost c;
	struct link *link;
	struct { uint64_t id; int kind; } watches[WATCHES_MAX];
	unsigned nwatches, looked[KINDS];
	bool named[KINDS];           /* every source that is read for it has been heard */
	struct billing *billing;
	struct errand prices, aws, opencost;
	bool laid;                   /* a table of the user's is laid over the shipped one */
	bool loaded;                 /* the history was read */
	char *history_why;
	bool dirty, shown;
	int64_t since, done, sent[KINDS];    /* mono: first watch, last computation, last listing */
};

static int64_t mono(const struct run *u)
{
	return clock_mono(link_clock(u->link));
}

static bool is_closing(void *arg)
{
	return link_closing(((struct run *)arg)->link);
}

/* ---- health */

static void describe(const struct run *u, struct buf *out)
{
	unsigned clusters = 0;
	for (unsigned i = 0; i < u->c.in.nsources; i++)
		clusters += u->c.in.sources[i].fills[IN_NODES];
	buf_addf(out, "prices of %s, shared out by %s, %u cluster%s", prices_version(&u->c.prices),
	         share_by_name(u->c.settings.rules.by), clusters, clusters == 1 ? "" : "s");
}

static void say_health(struct run *u)
{
	const struct errand *const all[] = { &u->prices, &u->aws, &u->opencost };
	const char *why = u->c.settings.wrong, *remedy = *why ? "correct it in binnacle.yaml" : "";
	struct buf detail = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(all) && !*why; i++)
		why = all[i]->why, remedy = all[i]->remedy;
	if (!*why && u->history_why)
		why = u->history_why, remedy = "";
	enum health_state state = !u->nwatches ? HEALTH_IDLE : *why ? HEALTH_LIMITED : u->shown ? HEALTH_LIVE : HEALTH_CONNECTING;
	describe(u, &detail);
	link_say(u->link, (struct msg_health){ .state = state, .latency_us = -1, .why = str_of(why),
		.remedy = str_of(remedy), .version = str_of(prices_version(&u->c.prices)), .detail = buf_str(&detail) });
	buf_release(&detail);
}

static void say_bills(struct run *u, bool ok, bool refused)
{
	link_health(u->link, (struct msg_health){ .kind = STR("bills"), .latency_us = -1, .why = str_of(u->aws.why),
		.state = ok ? HEALTH_LIVE : refused ? HEALTH_REFUSED : HEALTH_DOWN });
}

/* ---- errands */

static void went_well(struct run *u, struct errand *e, int64_t again_ms)
{
	e->failures = 0;
	e->why[0] = e->remedy[0] = 0;
	e->asked = true;
	e->next = mono(u) + again_ms;
}

/* at_least_ms: what the server asked for, -1 nothing. */
static void went_wrong(struct run *u, struct errand *e, const char *why, const char *remedy, int64_t at_least_ms)
{
	int64_t wait = (int64_t)FAILED_FIRST_MS << (e->failures < 6 ? e->failures : 6);
	wait = wait < FAILED_MOST_MS ? wait : FAILED_MOST_MS;
	e->failures++;
	e->asked = true;
	snprintf(e->why, sizeof(e->why), "%s", why);
	snprintf(e->remedy, sizeof(e->remedy), "%s", remedy);
	e->next = mono(u) + (wait > at_least_ms ? wait : at_least_ms);
}

static bool fetch_prices(struct run *u, struct buf *text, char *why, size_t size)
{
	struct http_conf conf = { .base = u->c.settings.prices, .what = "the table of prices" };
	struct http_request q = { .path = "", .timeout_ms = 10000, .max = 4 << 20, .cancelled = is_closing, .cancelled_arg = u };
	struct http_reply reply = { 0 };
	struct http *h = http_new(&conf, link_clock(u->link));
	bool ok = http_call(h, &q, &reply);
	if (ok)
		buf_addstr(text, buf_str(&reply.body));
	else
		snprintf(why, size, "%.290s", reply.error);
	http_reply_release(&reply);
	http_free(h);
	return ok;
}

/* The old table stays until the new one can be read. */
static void read_prices(struct run *u)
{
	struct prices *p = &u->c.prices;
	const char *from = u->c.settings.prices;
	struct yaml_doc *old = u->laid ? p->layers[p->n - 1] : NULL;
	struct buf text = { 0 };
	char why[300] = "";
	bool got = !is_url(from) || fetch_prices(u, &text, why, sizeof(why));
	p->n -= old != NULL;
	bool ok = got && (is_url(from) ? prices_add(p, buf_str(&text), why, sizeof(why)) : prices_load(p, from, why, sizeof(why)));
	buf_release(&text);
	if (ok) {
		if (old)
			yaml_doc_free(old);
		u->laid = u->dirty = true;
		went_well(u, &u->prices, u->c.settings.prices_ms);
	} else {
		if (old)
			p->layers[p->n++] = old;
		char remedy[160];
		snprintf(remedy, sizeof(remedy), "see 'prices' of this source; until then the %s ones are used", old ? "old" : "shipped");
		went_wrong(u, &u->prices, why, remedy, -1);
	}
}

static void ask_aws(struct run *u)
{
	struct http_reply reply = { 0 };
	int64_t before = u->c.billed.as_of;
	bool ok = billing_ask(u->billing, u->c.settings.aws_ms, &u->c.billed, &reply);
	if (ok)
		went_well(u, &u->aws, u->c.settings.aws_ms);
	else
		went_wrong(u, &u->aws, reply.error, reply.remedy, reply.retry_after_ms);
	if (u->c.billed.as_of != before)
		billing_keep(u->billing, link_history(u->link), link_name(u->link), &u->c.billed);
	say_bills(u, u->c.billed.as_of > 0, http_is_auth(&reply));
	http_reply_release(&reply);
	u->dirty = true;
}

static void ask_opencost(struct run *u)
{
	struct http_reply reply = { 0 };
	if (opencost_ask(u->c.settings.opencost, link_clock(u->link), is_closing, u, &u->c.opencost, &reply))
		went_well(u, &u->opencost, u->c.settings.opencost_ms);
	else
		went_wrong(u, &u->opencost, reply.error, reply.remedy, reply.retry_after_ms);
	http_reply_release(&reply);
	u->dirty = true;
}

static void load_history(struct run *u)
{
	u->loaded = true;
	assets_load(&u->c.assets, clock_wall(link_clock(u->link)), &u->history_why);
	if (u->billing)
		billing_recall(u->billing, link_history(u->link), link_name(u->link), &u->c.billed);
}

/* ---- rows */

static void send_kind(struct run *u, int kind)
{
	static void (*const shows[])(const struct cost *, struct buf *) = { show_costs, show_budgets, show_spend, show_bills };
	if (kind == BILLS && u->billing && !u->c.billed.as_of)
		return;                  /* not an empty list: it is not known yet */
	struct msg *m = msg_new(MSG_ROWS, 0);
	shows[kind](&u->c, &m->body);
	link_send(u->link, m);
}

/* Everything that was asked of the clusters is there, or will not come; predictions are waited for so long. */
static bool is_there(const struct run *u, int64_t now, int64_t predictions_ms)
{
	for (int k = 0; k < KINDS; k++)
		if (u->looked[k] && !u->named[k])
			return false;
	for (unsigned i = 0; i < u->c.in.nsources; i++)
		for (int k = 0; k < IN_COUNT; k++) {
			bool matters = k == IN_PREDICTIONS ? now - u->since < predictions_ms && u->looked[COSTS] : k != IN_PODS || u->looked[COSTS];
			if (matters && !intake_settled(&u->c.in, (enum in_kind)k, i))
				return false;
		}
	return true;
}

/* Figures can be given: of all, or of what came so far, and then they are no whole list. */
static bool is_settled(const struct run *u, int64_t now)
{
	return now - u->since > SETTLE_MS || is_there(u, now, SETTLE_MS / 5);
}

static void compute(struct run *u)
{
	u->c.more = !is_there(u, mono(u), SETTLE_MS);
	u->c.now = clock_wall(link_clock(u->link));
	u->c.more_budgets = u->billing && !u->aws.asked;
	u->c.more_costs = u->c.settings.opencost && !u->opencost.asked;
	burn_make(&u->c.burn, &u->c.in, &u->c.assets, &u->c.prices, &u->c.settings.rules, u->c.now);
	for (int k = 0; k < KINDS; k++)
		if (u->looked[k])
			send_kind(u, k);
	u->dirty = false;
	u->shown = true;
	u->done = mono(u);
}

/* One turn of what is due; ms until the next. */
static int work(struct run *u)
{
	int64_t now = mono(u);
	if (!u->loaded)
		load_history(u);
	if (u->c.settings.prices && now >= u->prices.next)
		read_prices(u);
	u->dirty |= u->shown && u->c.more && is_there(u, now, SETTLE_MS);
	if (!u->shown ? is_settled(u, now) : now - u->done >= (u->dirty ? LEAST_MS : TICK_MS))
		compute(u);
	if (u->billing && (u->looked[BILLS] || u->looked[BUDGETS]) && u->shown && now >= u->aws.next)
		ask_aws(u);
	if (u->c.settings.opencost && u->looked[COSTS] && u->shown && now >= u->opencost.next)
		ask_opencost(u);
	say_health(u);
	int64_t wait = !u->shown ? 100 : u->done + (u->dirty ? LEAST_MS : TICK_MS) - mono(u);
	return wait < 1 ? 1 : (int)wait;
}

/* ---- doctor */

static void check_errand(json_t *all, const char *name, const struct errand *e, const char *well)
{
	doctor_check(all, name, e->why[0] ? 0 : 1, e->remedy, "%s", e->why[0] ? e->why : well);
}

static void doctor(struct run *u, uint64_t id)
{
	json_t *all = json_array();
	if (!u->loaded)
		load_history(u);
	if (u->c.settings.prices)
		read_prices(u);
	if (u->billing)
		ask_aws(u);
	if (u->c.settings.opencost)
		ask_opencost(u);
	if (u->c.settings.wrong[0])
		doctor_check(all, "settings", 0, "correct it in binnacle.yaml", "%s", u->c.settings.wrong);
	doctor_check(all, "budget", u->c.settings.nbudgets ? 1 : -1, "set one: budgets: {session: {amount: 10, hours: 10}}", "%s",
	      u->c.settings.nbudgets ? u->c.settings.budgets[0].name : "there is none");
	check_errand(all, "prices", &u->prices, prices_version(&u->c.prices));
	doctor_check(all, "history", u->history_why ? 0 : link_history(u->link) ? 1 : -1, "", "%s", u->history_why ? u->history_why :
	      link_history(u->link) ? "spend of what went is kept" : "nothing is kept");
	if (u->billing)
		check_errand(all, "AWS bill", &u->aws, "answered; the days are at most as old as 'refresh' says");
	if (u->c.settings.opencost)
		check_errand(all, "OpenCost", &u->opencost, "answers");
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(u->link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}

/* ---- requests */

static int kind_of(const struct request *r)
{
	int k = 0;
	while (k < KINDS && strcmp(kinds[k]->name, r->kind))
		k++;
	return k;
}

static void watch(struct run *u, const struct request *r)
{
	int k = kind_of(r);
	if (k == KINDS || u->nwatches == WATCHES_MAX)
		return;
	if (!u->nwatches) {
		u->since = mono(u);
		u->shown = false;
	}
	u->watches[u->nwatches].id = r->id;
	u->watches[u->nwatches++].kind = k;
	if (!u->looked[k]++ && u->shown) {
		u->dirty = true;
		u->shown = k != COSTS;           /* it needs pods, which come now */
		u->since = u->shown ? u->since : mono(u);
	}
	u->aws.next = u->aws.why[0] && k == BILLS ? 0 : u->aws.next;
}

static void cancel(struct run *u, uint64_t id)
{
	for (unsigned i = 0; i < u->nwatches; i++) {
		if (u->watches[i].id != id)
			continue;
		u->named[u->watches[i].kind] &= --u->looked[u->watches[i].kind] > 0;
		u->watches[i] = u->watches[--u->nwatches];
		if (!u->nwatches)
			intake_clear(&u->c.in);      /* it comes anew with the next look */
		return;
	}
}

static void handle(struct run *u, struct request *r)
{
	switch (r->type) {
	case REQ_ROWS:
		if (*r->key && u->nwatches && intake_take(&u->c.in, r))
			u->dirty = true;
		if (!*r->key && kind_of(r) < KINDS)
			u->named[kind_of(r)] = true;
		break;
	case REQ_WATCH:
		watch(u, r);
		break;
	case REQ_CANCEL:
		cancel(u, r->id);
		break;
	case REQ_ASK:
		if (!strcmp(r->what, "doctor"))
			doctor(u, r->id);
		else
			link_fail(u->link, r->id, "a cost source cannot answer '%s'", r->what);
		break;
	case REQ_OPEN:
		link_textf(u->link, r->id, TEXT_END | TEXT_ERROR, "a cost source has no '%s'", r->what);
		break;
	case REQ_PLAN:
		nodegroup_plan(&u->c, u->link, r);
		break;
	case REQ_RUN:
		nodegroup_run(&u->c, u->link, r);
		break;
	}
	request_free(r);
}

static void run(struct link *l)
{
	struct run u = { .link = l };
	struct request *r;
	int wait = -1;
	cost_settings_read(&u.c.settings, link_settings(l));
	prices_init(&u.c.prices);
	intake_init(&u.c.in);
	u.c.assets.history = link_history(l);
	u.c.assets.source = link_name(l);
	u.billing = billing_new(u.c.settings.aws, link_clock(l), link_closing_flag(l));
	while (!link_closing(l)) {
		r = link_take(l, wait);
		for (; r; r = link_take(l, 0))
			handle(&u, r);
		wait = -1;
		if (u.nwatches && !link_closing(l))
			wait = work(&u);
		else
			say_health(&u);
	}
	billing_free(u.billing);
	billed_release(&u.c.billed);
	opencost_release(&u.c.opencost);
	burn_release(&u.c.burn);
	assets_release(&u.c.assets);
	intake_release(&u.c.in);
	prices_release(&u.c.prices);
	cost_settings_release(&u.c.settings);
	free(u.history_why);
}

const struct backend backend_cost = {
	.name = "cost", .title = "Cost", .help = "what the clusters cost, made from their nodes, pods and volumes; and what was billed",
	.keys = cost_keys, .kinds = kinds, .actions = cost_actions, .run = run, .opens = opens_nothing, .reads = in_reads,
};
