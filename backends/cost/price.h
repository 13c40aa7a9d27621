/* price: what an hour of a thing costs: the table that ships with the program (prices.yaml), and tables that are laid over
 * it (a file, a URL). What is not in any table has no price: NaN, and the caller names it. */
#ifndef COST_PRICE_H
#define COST_PRICE_H
#include "base/yaml.h"

#define PRICE_LAYERS 4
struct prices {
	struct yaml_doc *layers[PRICE_LAYERS];   /* the last one wins */
	unsigned n;
};

/* Never fails: the shipped table is part of the program. */
void prices_init(struct prices *p);
void prices_release(struct prices *p);
/* Lays a table over what is there. False: *why is a sentence; nothing changed. */
bool prices_add(struct prices *p, struct str text, char *why, size_t size);
bool prices_load(struct prices *p, const char *path, char *why, size_t size);
void prices_drop(struct prices *p);              /* the uppermost, which was laid last */
const char *prices_version(const struct prices *p);   /* "2026-11", of the uppermost that says */

/* "us-east-1" of a zone: us-east-1a, us-east-1-bos-1a, use1-az4 is not known. n = 0: not a zone of AWS. */
struct str price_region(struct str zone);

enum capacity { CAPACITY_ON_DEMAND, CAPACITY_SPOT };
/* $/h. A region without prices of its own has its usual ratio to us-east-1. NaN: no price. */
double price_instance(const struct prices *p, struct str type, enum capacity c, struct str region);
/* $/h of "control_plane", "nat_gateway", "load_balancers.network"; NaN: no price. */
double price_hour(const struct prices *p, const char *what, struct str region);
/* $/h of so many bytes on a volume type ("gp3"), for a month of so many hours. */
double price_volume(const struct prices *p, struct str type, int64_t bytes, int64_t month_hours, struct str region);
#endif
