/* catalog: what the source remembers of models and versions between two polls: enough to make a model's row (count, champion,
 * trend), little enough for twenty thousand versions. */
#include "backends/mlflow/mlflow.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

struct model *catalog_model(struct catalog *c, struct str name, bool make)
{
	unsigned lo = 0, hi = c->n;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		int d = str_cmp(str_of(c->models[mid]->name), name);
		if (!d)
			return c->models[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!make)
		return NULL;
	if (c->n == c->cap)
		c->models = xreallocarray(c->models, c->cap = c->cap ? c->cap * 2 : 64, sizeof(struct model *));
	memmove(c->models + lo + 1, c->models + lo, (c->n - lo) * sizeof(*c->models));
	struct model *m = c->models[lo] = xcalloc(1, sizeof(*m));
	c->n++;
	m->name = str_dup(name);
	m->champion = m->challenger = -1;
	m->champion_said = -2;
	m->changed = m->dirty = true;
	return m;
}

struct version *catalog_version(struct model *m, int number, bool make)
{
	unsigned lo = 0, hi = m->nversions;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		if (m->versions[mid].number == number)
			return &m->versions[mid];
		if (m->versions[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!make)
		return NULL;
	if ((m->nversions & (m->nversions - 1)) == 0)       /* room grows at powers of two */
		m->versions = xreallocarray(m->versions, m->nversions ? m->nversions * 2 : 1, sizeof(*m->versions));
	memmove(m->versions + lo + 1, m->versions + lo, (m->nversions - lo) * sizeof(*m->versions));
	m->versions[lo] = (struct version){ .number = number, .value = NAN };
	m->nversions++;
	return &m->versions[lo];
}

static void free_model(struct model *m)
{
	free(m->name);
	free(m->description);
	free(m->tags);
	free(m->aliases);
	free(m->metric);
	free(m->versions);
	free(m);
}

void catalog_drop(struct catalog *c, unsigned i)
{
	unsigned kept = c->at_wanted;
	for (unsigned k = c->at_wanted; k < c->nwanted; k++)
		if (c->wanted[k].model != c->models[i])
			c->wanted[kept++] = c->wanted[k];
	c->nwanted = kept;
	free_model(c->models[i]);
	memmove(c->models + i, c->models + i + 1, (c->n - i - 1) * sizeof(*c->models));
	c->n--;
}

void catalog_want(struct catalog *c, struct model *m, int version, struct str run)
{
	if (!run.n || run.n >= sizeof(c->wanted->run))
		return;
	if (c->nwanted == c->cap_wanted)
		c->wanted = xreallocarray(c->wanted, c->cap_wanted = c->cap_wanted ? c->cap_wanted * 2 : 64, sizeof(*c->wanted));
	struct wanted *w = &c->wanted[c->nwanted++];
	*w = (struct wanted){ .model = m, .version = version };
	memcpy(w->run, run.p, run.n);
}

void catalog_release(struct catalog *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free_model(c->models[i]);
	free(c->models);
	free(c->wanted);
	*c = (struct catalog){ 0 };
}
