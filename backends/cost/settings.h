/* settings: what binnacle.yaml says of a cost source. */
#ifndef COST_SETTINGS_H
#define COST_SETTINGS_H
#include "backends/cost/burn.h"

#define BUDGETS_MAX 8
struct budget_rule {
	char *name;
	double amount;
	struct period_rule period;
	bool from_cluster;                   /* a session that starts with the oldest cluster */
};
struct cost_settings {
	struct burn_rules rules;
	struct budget_rule budgets[BUDGETS_MAX]; unsigned nbudgets;
	const char *prices;                  /* file or URL; NULL: only the shipped table */
	int64_t prices_ms;                   /* how often it is read again */
	const struct yaml *aws;              /* NULL: not asked */
	int64_t aws_ms;
	const char *opencost;                /* URL; NULL: not asked */
	int64_t opencost_ms;
	char wrong[200];                     /* a setting that makes no sense: a sentence; "" = all well */
};
extern const struct config_key cost_keys[];
void cost_settings_read(struct cost_settings *s, const struct yaml *settings);
void cost_settings_release(struct cost_settings *s);
/* "6h", "90s", "2d"; plain numbers are seconds. */
int64_t cost_duration(const char *text, int64_t otherwise);
static inline bool is_url(const char *s) { return s && (!strncmp(s, "http://", 7) || !strncmp(s, "https://", 8)); }
#endif
