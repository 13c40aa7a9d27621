/* known: what a source of endpoints learns from the rows of others while somebody looks at its own: who is champion in the
 * registries, so that a plan can say what a reload would bring; and what was asked of late, to warm a model up with it. */
#include "backends/serving/serving.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/table.h"
#include <stdio.h>
#include <stdlib.h>

enum { SOURCES_MAX = 16 };

const char *const serving_reads[] = { "modelendpoints:models", "modelendpoints:predictions", NULL };

struct known {
	struct table *models, *predictions;
	char *sources[SOURCES_MAX];
	bool registry[SOURCES_MAX];      /* it has models */
	unsigned nsources;
	bool named;                      /* everyone who is read has been heard of */
};

struct known *known_new(void)
{
	struct known *k = xcalloc(1, sizeof(*k));
	k->models = table_new(&kind_models);
	k->predictions = table_new(&kind_predictions);
	return k;
}

void known_free(struct known *k)
{
	table_free(k->models);
	table_free(k->predictions);
	for (unsigned i = 0; i < k->nsources; i++)
		free(k->sources[i]);
	free(k);
}

static unsigned source_of(struct known *k, const char *name)
{
	unsigned i = 0;
	while (i < k->nsources && strcmp(k->sources[i], name))
		i++;
	if (i == k->nsources && i < SOURCES_MAX)
		k->sources[k->nsources++] = xstrdup(name);
	return i;
}

void known_take(struct known *k, const struct request *r)
{
	struct table *t = !strcmp(r->kind, "models") ? k->models : !strcmp(r->kind, "predictions") ? k->predictions : NULL;
	struct rd at;
	k->named |= !*r->key;
	if (!t || !r->body.len)
		return;
	unsigned source = source_of(k, r->key);
	if (source == SOURCES_MAX)
		return;
	k->registry[source] |= t == k->models;
	rows_open(&at, buf_str(&r->body));
	table_apply(t, (uint16_t)source, &at, 0);
}

int64_t known_champion(const struct known *k, const char *model, const char *from, char *say, size_t size)
{
	int64_t found = -1;
	const char *by = "";
	snprintf(say, size, "%s", k->named ? "no registry that is read here has this model" : "no registry has been read");
	for (unsigned i = 0; model && i < k->nsources; i++) {
		if (k->registry[i] && !table_listing(k->models, (uint16_t)i).listed && (!from || !strcmp(from, k->sources[i])))
			snprintf(say, size, "%.60s has not listed its models yet", k->sources[i]);
		const struct row *row = table_find(k->models, (uint16_t)i, str_of(model));
		if (!row || row_null(row, MODELS_CHAMPION) || (from && strcmp(from, k->sources[i])))
			continue;
		int64_t champion = row_int(row, MODELS_CHAMPION);
		if (found >= 0 && champion != found) {
			snprintf(say, size, "%.60s has v%lld as champion, %.60s v%lld: which one counts is said by the setting 'registry'", by,
			         (long long)found, k->sources[i], (long long)champion);
			return -1;
		}
		found = champion;
		by = k->sources[i];
	}
	if (found >= 0)
		snprintf(say, size, "%.60s", by);
	return found;
}

struct logged { int64_t at; const struct row *row; };

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct logged *)a)->at, y = ((const struct logged *)b)->at;
	return (x < y) - (x > y);
}

json_t *known_inputs(const struct known *k, const char *model, unsigned n)
{
	const struct table *t = k->predictions;
	struct logged *all = xcalloc(t->count + 1, sizeof(*all));
	json_t *list = json_array();
	unsigned count = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *row = table_row(t, i);
		struct str of = row ? row_text(t, row, PREDICTION_MODEL) : STR("");
		if (row && !row_null(row, PREDICTION_INPUTS) && (!model || !of.n || str_is(of, model)))
			all[count++] = (struct logged){ row_int(row, PREDICTION_AGE), row };
	}
	qsort(all, count, sizeof(*all), newest_first);
	for (unsigned i = 0; i < count && json_array_size(list) < n; i++) {
		struct str text = row_text(t, all[i].row, PREDICTION_INPUTS);
		json_t *inputs = json_loadb(text.p, text.n, 0, NULL);
		if (json_is_object(inputs) && json_object_size(inputs))
			json_array_append(list, inputs);
		json_decref(inputs);
	}
	free(all);
	return list;
}
