/* retrain: which pipeline trains a model anew when its data drifted, and what that pipeline is given of the check that
 * found it: the section `retrain` of every source of checks. */
#ifndef BASE_RETRAIN_H
#define BASE_RETRAIN_H
#include "base/config.h"
#include "base/table.h"

struct json_t;
extern const struct config_key retrain_keys[];
#define CONFIG_RETRAIN \
	{ .name = "retrain", .type = CONFIG_SECTION, .section = retrain_keys, .help = "The pipeline that trains anew: started from " \
	  "a check or a feature, what drifted filled in." }

struct drifted {
	const struct table *checks;      /* of kind drift; NULL with check */
	const struct row *check;         /* NULL: no check is known */
	struct str model, feature;       /* where the check does not say; empty: unknown */
};
/* The newest check of that source that found this feature of the model drifted. */
const struct row *retrain_check(const struct table *checks, uint16_t source, struct str model, struct str feature);
/* The parameters of `conf` (a map, may be NULL) as a JSON object, {batch} {model} {feature} {features} {score} {id} as they are
 * of what drifted. A parameter that wants what is not known is left out, its name in `left`. Of several that drifted there is one
 * run: a parameter that is not the same for all of them gets a list with commas. NULL and *why (to be freed): a {name} that there
 * is not. */
struct json_t *retrain_fill(const struct yaml *conf, const struct drifted *d, unsigned n, struct buf *left, char **why);
/* What that row of checks or features says of what drifted; checks: of kind drift, for features; may be NULL. */
struct drifted retrain_of(const struct table *t, const struct row *r, const struct table *checks);
struct str retrain_model(const struct drifted *d);      /* empty: not said */
#endif
