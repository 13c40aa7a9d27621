/* settings: see settings.h. Wrong ones are said in the source's health; the rest works. */
#include "backends/cost/settings.h"
#include "backends/net/aws_credentials.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct config_key budget_keys[] = {
	{ "amount", CONFIG_REAL, NULL, NULL, NULL, true, "Dollars." },
	{ "period", CONFIG_ENUM, NULL, "day|month|session", .help = "What the amount is for, in UTC; a session where hours is set, "
	  "else a month." },
	{ "hours", CONFIG_REAL, "10", .help = "Length of a session." },
	{ "start", CONFIG_TEXT, "cluster", .help = "When a session starts: cluster (with the oldest cluster that is up), a time such "
	  "as 2026-11-21T08:00:00Z, or HH:MM for each day, in UTC." },
	CONFIG_END
};
static const struct config_key aws_keys_table[] = {
	AWS_CONFIG_KEYS,
	{ "account", CONFIG_TEXT, NULL, .help = "Account number: its AWS Budgets are shown too." },
	{ "tag", CONFIG_TEXT, NULL, .help = "KEY=VALUE: only what carries this cost allocation tag, such as eks:cluster-name=prod." },
	{ "eks_cluster", CONFIG_TEXT, NULL, .help = "Name of the EKS cluster whose managed node groups may be taken to no nodes and back." },
	{ "endpoint", CONFIG_URL, NULL, .help = "Instead of AWS, for all its services." },
	{ "refresh", CONFIG_DURATION, "6h", .help = "How often the bill is asked for; AWS takes $0.01 for each page." },
	CONFIG_END
};
const struct config_key cost_keys[] = {
	{ "budgets", CONFIG_SECTIONS, NULL, .section = budget_keys, .help = "Budgets by name; the first is the main one." },
	{ "region", CONFIG_TEXT, NULL, .help = "Region of nodes whose zone does not say; otherwise us-east-1." },
	{ "prices", CONFIG_TEXT, NULL, .help = "A file or URL with prices, laid over the ones that ship with the program (see "
	  "backends/cost/prices.yaml)." },
	{ "prices_refresh", CONFIG_DURATION, "24h", .help = "How often the file or URL is read again." },
	{ "share_by", CONFIG_ENUM, "larger", "requests|usage|larger", .help = "By what of a pod a node's price is shared out: what it "
	  "asks for, what it uses, the larger of both." },
	{ "models", CONFIG_MAP, NULL, .help = "Model to the workload that serves it, NAMESPACE/NAME; others are known by the usual "
	  "labels." },
	{ "control_plane", CONFIG_ENUM, "auto", "auto|yes|no", .help = "Whether the control plane is paid for; auto: where nodes are of "
	  "EKS." },
	{ "nat_gateways", CONFIG_COUNT, "0", .help = "NAT gateways of each cluster: they cannot be seen from inside." },
	{ "node_volume", CONFIG_REAL, "20", .help = "GiB of gp3 that each node of EKS starts from." },
	{ "extras", CONFIG_MAP, NULL, .help = "What else is paid for: name to dollars an hour." },
	{ "aws", CONFIG_SECTION, NULL, .section = aws_keys_table, .help = "Ask AWS Cost Explorer and Budgets for what was billed." },
	{ "opencost", CONFIG_URL, NULL, .help = "OpenCost, http://HOST:9003, or Kubecost, http://HOST:9090/model." },
	{ "opencost_refresh", CONFIG_DURATION, "2m", .help = "How often it is asked." },
	CONFIG_END
};

int64_t cost_duration(const char *text, int64_t otherwise)
{
	double ms;
	return text && duration_parse(str_trim(str_of(text)), true, &ms) && ms > 0 && ms < 1e15 ? (int64_t)ms : otherwise;
}

static double real(const struct yaml *map, const char *key, double otherwise)
{
	double v;
	const char *text = yaml_text(map, key);
	return text && str_to_f64(str_of(text), &v) ? v : otherwise;
}

static void read_start(struct cost_settings *s, struct budget_rule *b, const char *start)
{
	struct str minutes = str_of(start), hours = str_split(&minutes, ':');
	int64_t h, m;
	b->from_cluster = !start || !strcmp(start, "cluster");
	if (b->from_cluster || time_parse(str_of(start), &b->period.start))
		return;
	if (str_to_i64(hours, &h) && str_to_i64(minutes, &m) && h >= 0 && h < 24 && m >= 0 && m < 60) {
		b->period.daily = true;
		b->period.start = h * HOUR_MS + m * 60000;
		return;
	}
	b->from_cluster = true;
	snprintf(s->wrong, sizeof(s->wrong), "budget '%.40s': start '%.40s' is neither cluster, a time (2026-11-21T08:00:00Z) nor HH:MM",
	         b->name, start);
}

static void read_budget(struct cost_settings *s, const char *name, const struct yaml *y)
{
	struct budget_rule *b = &s->budgets[s->nbudgets];
	const char *period = yaml_text(y, "period");
	bool session = period ? !strcmp(period, "session") : yaml_text(y, "hours") || yaml_text(y, "start");
	*b = (struct budget_rule){ .name = xstrdup(name), .amount = real(y, "amount", NAN) };
	b->period.type = session ? PERIOD_SESSION : period && !strcmp(period, "day") ? PERIOD_DAY : PERIOD_MONTH;
	b->period.hours = real(y, "hours", 10);
	if (session)
		read_start(s, b, yaml_text(y, "start"));
	if (!(b->amount > 0) || !(b->period.hours > 0 && b->period.hours < 1e5)) {
		snprintf(s->wrong, sizeof(s->wrong), "budget '%.40s': amount and hours must be above 0; it is left out", name);
		free(b->name);
		return;
	}
	s->nbudgets++;
}

static void read_budgets(struct cost_settings *s, const struct yaml *y)
{
	char number[24];
	for (unsigned i = 0; y && i < y->n && s->nbudgets < BUDGETS_MAX; i++) {
		snprintf(number, sizeof(number), "budget %u", i + 1);
		read_budget(s, y->type == YAML_MAP ? y->keys[i]->text.p : number, y->items[i]);
	}
}

void cost_settings_read(struct cost_settings *s, const struct yaml *y)
{
	const char *by = yaml_text(y, "share_by"), *plane = yaml_text(y, "control_plane"), *url = yaml_text(y, "opencost");
	*s = (struct cost_settings){ .prices = yaml_text(y, "prices"), .aws = yaml_get(y, "aws"), .opencost = url };
	s->rules = (struct burn_rules){
		.by = by && !strcmp(by, "requests") ? SHARE_REQUESTS : by && !strcmp(by, "usage") ? SHARE_USAGE : SHARE_LARGER,
		.region = yaml_text(y, "region"),
		.control_plane = !plane || !strcmp(plane, "auto") ? -1 : !strcmp(plane, "no") ? 0 : 1,
		.nat_gateways = (int)fmin(real(y, "nat_gateways", 0), 100),
		.node_volume = real(y, "node_volume", 20),
		.models = yaml_get(y, "models"), .extras = yaml_get(y, "extras"),
	};
	s->prices_ms = cost_duration(yaml_text(y, "prices_refresh"), DAY_MS);
	s->aws_ms = cost_duration(yaml_text(s->aws, "refresh"), 6 * HOUR_MS);
	s->opencost_ms = cost_duration(yaml_text(y, "opencost_refresh"), 120000);
	read_budgets(s, yaml_get(y, "budgets"));
}

void cost_settings_release(struct cost_settings *s)
{
	for (unsigned i = 0; i < s->nbudgets; i++)
		free(s->budgets[i].name);
	s->nbudgets = 0;
}
