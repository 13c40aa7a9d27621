/* billed: see billed.h. */
#define _GNU_SOURCE                  /* gmtime_r */
#include "backends/cost/billed.h"
#include "backends/net/aws_credentials.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KIND "cost.bills"
#define DAYS_BACK 35
#define PAGES_MAX 10
#define DAYS_MAX 400
#define CALL_MS 10000

struct billing {
	const struct yaml *aws;
	const struct clock *clock;
	const atomic_bool *closing;
	struct aws_chain *chain;
	const char *account;
	/* the exchange under way, for signing */
	const char *service, *target, *base;
	struct str body;
	int64_t skew_ms;                 /* AWS's clock is so far ahead of ours */
};

static bool cancelled(void *arg)
{
	return atomic_load(((struct billing *)arg)->closing);
}

struct billing *billing_new(const struct yaml *aws, const struct clock *clock, const atomic_bool *closing)
{
	if (!aws)
		return NULL;
	struct billing *b = xcalloc(1, sizeof(*b));
	*b = (struct billing){ .aws = aws, .clock = clock, .closing = closing, .account = yaml_text(aws, "account") };
	struct aws_conf conf = { .settings = aws, .clock = clock, .cancelled = cancelled, .arg = b };
	b->chain = aws_chain_new(&conf);
	return b;
}

void billing_free(struct billing *b)
{
	if (!b)
		return;
	aws_chain_free(b->chain);
	free(b);
}

static void release_days(struct billed *b)
{
	for (size_t i = 0; i < b->ndays; i++)
		free(b->days[i].services);
	free(b->days);
	b->days = NULL;
	b->ndays = 0;
}

static void release_budgets(struct billed *b)
{
	for (size_t i = 0; i < b->nbudgets; i++)
		free(b->budgets[i].name);
	free(b->budgets);
	b->budgets = NULL;
	b->nbudgets = 0;
}

void billed_release(struct billed *b)
{
	release_days(b);
	release_budgets(b);
}

/* ---- answers */

/* {"Amount": "1.5", "Unit": "USD"}; NaN: not there, or of another currency. */
static double amount_of(const json_t *j)
{
	const char *text = json_string_value(json_object_get(j, "Amount")), *unit = json_string_value(json_object_get(j, "Unit"));
	double v;
	return text && (!unit || !strcmp(unit, "USD")) && str_to_f64(str_of(text), &v) ? v : NAN;
}

static int64_t day_of(const char *text)
{
	int y, m, d;
	int64_t at = 0;
	char whole[32];
	if (!text || sscanf(text, "%4d-%2d-%2d", &y, &m, &d) != 3)
		return 0;
	snprintf(whole, sizeof(whole), "%04d-%02d-%02dT00:00:00Z", y % 10000, m % 100, d % 100);
	return time_parse(str_of(whole), &at) ? at : 0;
}

struct service { const char *name; double amount; };

static int by_amount(const void *a, const void *b)
{
	double x = ((const struct service *)a)->amount, y = ((const struct service *)b)->amount;
	return (x < y) - (x > y);
}

static int by_day(const void *a, const void *b)
{
	int64_t x = ((const struct bill_day *)a)->day, y = ((const struct bill_day *)b)->day;
	return (x > y) - (x < y);
}

/* The sum of a day's groups, or its total; the dearest services into text. */
static double sum_of(const json_t *result, struct buf *services)
{
	struct service top[64];
	size_t n = 0, i;
	double sum = 0;
	json_t *groups = json_object_get(result, "Groups"), *group;
	if (!json_array_size(groups))
		return amount_of(json_object_get(json_object_get(result, "Total"), "UnblendedCost"));
	json_array_foreach(groups, i, group) {
		double v = amount_of(json_object_get(json_object_get(group, "Metrics"), "UnblendedCost"));
		const char *name = json_string_value(json_array_get(json_object_get(group, "Keys"), 0));
		if (isnan(v))
			continue;
		sum += v;
		if (name && v > 0 && n < ARRAY_SIZE(top))
			top[n++] = (struct service){ name, v };
	}
	qsort(top, n, sizeof(*top), by_amount);
	for (i = 0; i < n && i < 3; i++)
		buf_addf(services, "%s%.60s %.2f", i ? ", " : "", top[i].name, top[i].amount);
	return sum;
}

/* A day may come on two pages: then it is the sum. */
static void add_day(struct billed *out, int64_t day, double amount, bool final, struct str services)
{
	for (size_t i = 0; i < out->ndays; i++) {
		if (out->days[i].day == day) {
			out->days[i].amount += amount;
			return;
		}
	}
	out->days = xreallocarray(out->days, out->ndays + 1, sizeof(*out->days));
	out->days[out->ndays++] = (struct bill_day){ day, amount, final, str_dup(services) };
}

static json_t *open_answer(struct str json, char **next_page)
{
	json_t *root = json_loadb(json.p, json.n, 0, NULL);
	const char *next = json_string_value(json_object_get(root, "NextPageToken"));
	next = next ? next : json_string_value(json_object_get(root, "NextToken"));
	*next_page = next && *next ? xstrdup(next) : NULL;
	return root;
}

bool billed_parse_days(struct str json, struct billed *out, char **next_page, unsigned *skipped)
{
	json_t *root = open_answer(json, next_page), *list = json_object_get(root, "ResultsByTime"), *result;
	bool ok = json_is_array(list);
	struct buf services = { 0 };
	size_t i;
	json_array_foreach(list, i, result) {
		buf_clear(&services);
		int64_t day = day_of(json_string_value(json_object_get(json_object_get(result, "TimePeriod"), "Start")));
		double amount = sum_of(result, &services);
		if (day && !isnan(amount) && out->ndays < DAYS_MAX)
			add_day(out, day, amount, json_is_false(json_object_get(result, "Estimated")), buf_str(&services));
		else
			++*skipped;
	}
	if (out->ndays)
		qsort(out->days, out->ndays, sizeof(*out->days), by_day);
	buf_release(&services);
	json_decref(root);
	return ok;
}

bool billed_parse_budgets(struct str json, struct billed *out, char **next_page, unsigned *skipped)
{
	static const char *const units[][2] = { { "DAILY", "day" }, { "MONTHLY", "month" }, { "QUARTERLY", "quarter" },
		{ "ANNUALLY", "year" } };
	json_t *root = open_answer(json, next_page), *list = json_object_get(root, "Budgets"), *x;
	bool ok = root && (!list || json_is_array(list));
	size_t i;
	json_array_foreach(list, i, x) {
		const char *name = json_string_value(json_object_get(x, "BudgetName")), *unit = json_string_value(json_object_get(x, "TimeUnit"));
		const char *type = json_string_value(json_object_get(x, "BudgetType"));
		json_t *spend = json_object_get(x, "CalculatedSpend");
		if (!name || (type && strcmp(type, "COST"))) {       /* others count hours or coverage, not dollars */
			*skipped += !name;
			continue;
		}
		struct aws_budget b = { .name = xstrdup(name), .period = "", .amount = amount_of(json_object_get(x, "BudgetLimit")),
			.actual = amount_of(json_object_get(spend, "ActualSpend")), .forecast = amount_of(json_object_get(spend, "ForecastedSpend")) };
		for (size_t u = 0; unit && u < ARRAY_SIZE(units); u++)
			b.period = !strcmp(unit, units[u][0]) ? units[u][1] : b.period;
		out->budgets = xreallocarray(out->budgets, out->nbudgets + 1, sizeof(*out->budgets));
		out->budgets[out->nbudgets++] = b;
	}
	json_decref(root);
	return ok;
}

/* ---- asking */

static bool sign(void *arg, struct http_auth *auth)
{
	struct billing *b = arg;
	const struct aws_keys *keys = aws_chain_get(b->chain);
	struct str host = str_of(strstr(b->base, "://") ? strstr(b->base, "://") + 3 : b->base);
	if (!keys) {
		snprintf(auth->error, sizeof(auth->error), "%s", aws_chain_why(b->chain));
		snprintf(auth->remedy, sizeof(auth->remedy), "%s", aws_chain_remedy(b->chain));
		return false;
	}
	struct sigv4_request q = { .method = "POST", .host = str_split(&host, '/'), .path = STR("/"),
		.headers = (const char *const[]){ b->target, NULL }, .body = b->body, .region = "us-east-1", .service = b->service,
		.now_ms = clock_wall(b->clock) + b->skew_ms };
	return sigv4_sign(&q, keys, auth);
}

/* True: ask once more; keys that the server refuses may be replaced, and its clock followed. */
static bool worth_again(struct billing *b, struct http_reply *reply)
{
	int64_t skew = reply->date_ms ? reply->date_ms - clock_wall(b->clock) : 0;
	bool refused = reply->status == 400 || reply->status == 401 || reply->status == 403;
	if (!refused)
		return false;
	if (llabs(skew - b->skew_ms) > 60000) {
		b->skew_ms = skew;
		return true;
	}
	if (strstr(reply->error, "xpired") || strstr(reply->error, "UnrecognizedClient") || strstr(reply->error, "security token")) {
		aws_chain_forget(b->chain);
		return true;
	}
	return false;
}

static bool call(struct billing *b, const char *service, const char *target, struct str body, struct http_reply *reply)
{
	const char *endpoint = yaml_text(b->aws, "endpoint");
	char base[300], what[40];
	snprintf(base, sizeof(base), "https://%s.%samazonaws.com", service, strcmp(service, "ce") ? "" : "us-east-1.");
	if (endpoint)
		snprintf(base, sizeof(base), "%.*s", (int)(strlen(endpoint) - str_ends(str_of(endpoint), STR("/"))), endpoint);
	snprintf(what, sizeof(what), "AWS %s", strcmp(service, "ce") ? "Budgets" : "Cost Explorer");
	b->service = service, b->target = target, b->body = body, b->base = base;
	struct http_conf conf = { .base = b->base, .what = what, .auth = sign, .arg = b };
	struct http_request q = { .method = "POST", .path = "/", .headers = (const char *const[]){ target, NULL }, .body = body,
		.content_type = "application/x-amz-json-1.1", .timeout_ms = CALL_MS, .max = 8 << 20, .cancelled = cancelled,
		.cancelled_arg = b };
	struct http *h = http_new(&conf, b->clock);
	bool ok = http_call(h, &q, reply);
	if (!ok && worth_again(b, reply)) {
		http_reply_release(reply);
		ok = http_call(h, &q, reply);
	}
	http_free(h);
	return ok;
}

static void day_text(int64_t at, char out[16])
{
	time_t s = (time_t)(at / 1000);
	struct tm tm;
	if (!gmtime_r(&s, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		*out = 0;
}

static char *ask_bill(const struct billing *b, const char *page)
{
	char from[16], to[16];
	const char *tag = yaml_text(b->aws, "tag");
	int64_t now = clock_wall(b->clock);
	day_text(day_start(now) - DAYS_BACK * DAY_MS, from);
	day_text(day_start(now) + DAY_MS, to);
	json_t *j = json_pack("{s:{s:s, s:s}, s:s, s:[s], s:[{s:s, s:s}]}", "TimePeriod", "Start", from, "End", to, "Granularity",
	                      "DAILY", "Metrics", "UnblendedCost", "GroupBy", "Type", "DIMENSION", "Key", "SERVICE");
	if (tag) {
		struct str value = str_of(tag), key = str_split(&value, '=');
		json_object_set_new(j, "Filter", json_pack("{s:{s:s%, s:[s%]}}", "Tags", "Key", key.p, key.n, "Values",
		                                           value.n ? value.p : "", value.n));
	}
	if (page)
		json_object_set_new(j, "NextPageToken", json_string(page));
	char *text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static char *ask_budgets(const struct billing *b, const char *page)
{
	json_t *j = json_pack("{s:s, s:i}", "AccountId", b->account, "MaxResults", 100);
	if (page)
		json_object_set_new(j, "NextToken", json_string(page));
	char *text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

/* All pages of one list into `out`. */
static bool ask_pages(struct billing *b, bool bill, struct billed *out, struct http_reply *reply)
{
	char *page = NULL;
	unsigned skipped = 0;
	bool ok = true;
	for (int i = 0; i < PAGES_MAX && ok && (i == 0 || page); i++) {
		char *body = bill ? ask_bill(b, page) : ask_budgets(b, page);
		free(page);
		page = NULL;
		http_reply_release(reply);
		ok = bill ? call(b, "ce", "X-Amz-Target: AWSInsightsIndexService.GetCostAndUsage", str_of(body), reply)
			: call(b, "budgets", "X-Amz-Target: AWSBudgetServiceGateway.DescribeBudgets", str_of(body), reply);
		free(body);
		if (ok && !(bill ? billed_parse_days : billed_parse_budgets)(buf_str(&reply->body), out, &page, &skipped)) {
			ok = false;
			reply->end = HTTP_NOT_JSON;
			snprintf(reply->error, sizeof(reply->error), "AWS %s answered something that is not its JSON",
			         bill ? "Cost Explorer" : "Budgets");
		}
	}
	free(page);
	return ok;
}

static void name_permission(struct http_reply *reply, bool bill)
{
	if (reply->status == 400 || reply->status == 403)
		snprintf(reply->remedy, sizeof(reply->remedy), "the credentials need %s", bill ? "ce:GetCostAndUsage (and Cost Explorer "
		         "switched on in the account)" : "budgets:ViewBudget for this account");
}

bool billing_ask(struct billing *b, int64_t fresh_ms, struct billed *out, struct http_reply *reply)
{
	struct billed fresh = { 0 };
	int64_t now = clock_wall(b->clock);
	if (!out->as_of || now - out->as_of >= fresh_ms) {
		bool ok = ask_pages(b, true, &fresh, reply);
		if (ok) {
			release_days(out);
			out->days = fresh.days;
			out->ndays = fresh.ndays;
			out->as_of = now;
		} else {
			name_permission(reply, true);
			billed_release(&fresh);
			return false;
		}
	}
	if (!b->account)
		return true;
	fresh = (struct billed){ 0 };
	bool ok = ask_pages(b, false, &fresh, reply);
	if (ok) {
		release_budgets(out);
		out->budgets = fresh.budgets;
		out->nbudgets = fresh.nbudgets;
	} else {
		name_permission(reply, false);
		billed_release(&fresh);
	}
	return ok;
}

/* ---- kept */

static void subject_of(const struct billing *b, struct buf *out)
{
	const char *endpoint = yaml_text(b->aws, "endpoint"), *tag = yaml_text(b->aws, "tag"), *profile = yaml_text(b->aws, "profile");
	char where[200];
	http_redact(endpoint ? endpoint : "", where, sizeof(where));
	buf_addf(out, "%s %s %s %s", where, b->account ? b->account : "", profile ? profile : "", tag ? tag : "");
}

void billing_keep(const struct billing *b, struct history *h, const char *source, const struct billed *in)
{
	json_t *list = json_array();
	struct buf subject = { 0 };
	for (size_t i = 0; i < in->ndays; i++)
		json_array_append_new(list, json_pack("[I, f, b, s]", (json_int_t)in->days[i].day, in->days[i].amount, in->days[i].final,
		                                      in->days[i].services));
	char *text = json_dumps(list, JSON_COMPACT);
	subject_of(b, &subject);
	history_add(h, &(struct history_event){ STR(KIND), str_of(source), buf_str(&subject), STR("days"), str_of(text), in->as_of, NAN });
	buf_release(&subject);
	free(text);
	json_decref(list);
}

static bool recall(void *arg, const struct history_event *e)
{
	struct billed *out = arg;
	json_t *list = json_loadb(e->detail.p, e->detail.n, 0, NULL), *x;
	size_t i;
	release_days(out);
	json_array_foreach(list, i, x) {
		json_int_t day = json_integer_value(json_array_get(x, 0));
		const char *services = json_string_value(json_array_get(x, 3));
		if (day > 0 && out->ndays < DAYS_MAX)
			add_day(out, day, json_number_value(json_array_get(x, 1)), json_is_true(json_array_get(x, 2)), str_of(services));
	}
	out->as_of = e->at;
	json_decref(list);
	return true;
}

void billing_recall(struct billing *b, struct history *h, const char *source, struct billed *out)
{
	struct buf subject = { 0 };
	subject_of(b, &subject);
	history_read(h, &(struct history_query){ .kind = KIND, .source = source, .subject = subject.data, .limit = 1 }, recall, out,
	             NULL);
	buf_release(&subject);
}
