/* price: see price.h. Look-ups walk the tables from the last laid to the shipped one; the tree is small and asked only when
 * nodes come. */
#include "backends/cost/price.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__asm__(".section .rodata\n.globl cost_prices\n.globl cost_prices_end\ncost_prices:\n"
        ".incbin \"backends/cost/prices.yaml\"\ncost_prices_end:\n.byte 0\n.previous\n");
extern const char cost_prices[], cost_prices_end[];

void prices_init(struct prices *p)
{
	struct yaml_error err;
	*p = (struct prices){ { NULL }, 0 };
	p->layers[0] = yaml_parse((struct str){ cost_prices, (size_t)(cost_prices_end - cost_prices) }, &err);
	p->n = p->layers[0] != NULL;
}

void prices_release(struct prices *p)
{
	while (p->n)
		prices_drop(p);
}

void prices_drop(struct prices *p)
{
	if (p->n)
		yaml_doc_free(p->layers[--p->n]);
}

static bool take(struct prices *p, struct yaml_doc *doc, const struct yaml_error *err, char *why, size_t size)
{
	if (!doc) {
		snprintf(why, size, "prices: line %u: %s", err->line, err->what);
		return false;
	}
	const struct yaml *root = yaml_root(doc);
	if (p->n == PRICE_LAYERS || root->type != YAML_MAP ||
	    !(yaml_get(root, "instances") || yaml_get(root, "control_plane") || yaml_get(root, "volumes"))) {
		snprintf(why, size, "prices: not a table of prices: it has none of instances, control_plane, volumes");
		yaml_doc_free(doc);
		return false;
	}
	p->layers[p->n++] = doc;
	return true;
}

bool prices_add(struct prices *p, struct str text, char *why, size_t size)
{
	struct yaml_error err = { 0 };
	return take(p, yaml_parse(text, &err), &err, why, size);
}

bool prices_load(struct prices *p, const char *path, char *why, size_t size)
{
	struct yaml_error err = { 0 };
	return take(p, yaml_load(path, &err), &err, why, size);
}

const char *prices_version(const struct prices *p)
{
	const char *v = NULL;
	for (unsigned i = p->n; i-- && !v;)
		v = yaml_text(yaml_root(p->layers[i]), "version");
	return v ? v : "";
}

struct str price_region(struct str zone)
{
	size_t i = 0, dashes = 0;
	while (i < zone.n && dashes < 2)
		dashes += zone.p[i++] == '-';
	if (dashes == 2 && str_starts(zone, STR("us-gov")))
		while (i < zone.n && zone.p[i++] != '-')
			;
	size_t digits = i;
	while (i < zone.n && zone.p[i] >= '0' && zone.p[i] <= '9')
		i++;
	return dashes == 2 && i > digits ? (struct str){ zone.p, i } : (struct str){ "", 0 };
}

/* The value under a key that is not NUL-terminated. */
static const struct yaml *child(const struct yaml *map, struct str key)
{
	char name[64];
	if (key.n >= sizeof(name))
		return NULL;
	memcpy(name, key.p, key.n);
	name[key.n] = 0;
	return yaml_get(map, name);
}

static double number_of(const struct yaml *y)
{
	double v;
	return y && y->type == YAML_SCALAR && str_to_f64(y->text, &v) && v >= 0 && v < 1e6 ? v : NAN;
}

/* A price in a region: of its own, else by the region's ratio. */
static double regional(const struct prices *p, double base, struct str region)
{
	if (!region.n || str_is(region, "us-east-1"))
		return base;
	for (unsigned i = p->n; i--;) {
		double ratio = number_of(child(yaml_get(yaml_root(p->layers[i]), "regions"), region));
		if (!isnan(ratio))
			return base * ratio;
	}
	return NAN;
}

/* A price that is one number, or a map of region to number with "us-east-1" as the base. */
static double priced(const struct prices *p, const struct yaml *y, struct str region)
{
	if (y && y->type == YAML_MAP) {
		double own = number_of(child(y, region.n ? region : STR("us-east-1")));
		return isnan(own) ? regional(p, number_of(yaml_get(y, "us-east-1")), region) : own;
	}
	return regional(p, number_of(y), region);
}

double price_instance(const struct prices *p, struct str type, enum capacity c, struct str region)
{
	for (unsigned i = p->n; i--;) {
		const struct yaml *y = child(yaml_get(yaml_root(p->layers[i]), "instances"), type);
		double v = NAN;
		if (y && y->type == YAML_LIST)           /* [on demand, spot] */
			v = regional(p, y->n > (unsigned)c ? number_of(y->items[c]) : NAN, region);
		else if (y && y->type == YAML_MAP)
			v = priced(p, yaml_get(y, c == CAPACITY_SPOT ? "spot" : "on_demand"), region);
		else if (c == CAPACITY_ON_DEMAND)
			v = priced(p, y, region);
		if (!isnan(v))
			return v;
	}
	return NAN;
}

static const struct yaml *by_path(const struct yaml *y, const char *path)
{
	struct str rest = str_of(path);
	while (y && rest.n)
		y = child(y, str_split(&rest, '.'));
	return y;
}

double price_hour(const struct prices *p, const char *what, struct str region)
{
	for (unsigned i = p->n; i--;) {
		double v = priced(p, by_path(yaml_root(p->layers[i]), what), region);
		if (!isnan(v))
			return v;
	}
	return NAN;
}

double price_volume(const struct prices *p, struct str type, int64_t bytes, int64_t month_hours, struct str region)
{
	for (unsigned i = p->n; i--;) {
		double v = priced(p, child(yaml_get(yaml_root(p->layers[i]), "volumes"), type), region);
		if (!isnan(v) && bytes >= 0)
			return v * (double)bytes / (1 << 30) / (double)month_hours;
	}
	return NAN;
}
