/* Answers of an MLflow server: cut into elements, which are read as models and runs. However they are cut, the same comes out. */
#include "backends/mlflow/mlflow.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct out { unsigned n; size_t bytes; };

static void take(void *arg, struct str name, struct str json, bool element)
{
	struct out *o = arg;
	json_t *e = json_loadb(json.p, json.n, JSON_DECODE_ANY, NULL);
	struct run r;
	struct str model;
	struct model m = { .name = NULL };
	struct buf b = { 0 };
	o->n++;
	o->bytes += json.n;
	if (get_run(e, &r)) {
		double v;
		key_metric(r.metric_list, STR(""), &v);
		run_release(&r);
	}
	get_model(e, &m, &model);
	registry_describe(e, 0, &b);
	buf_release(&b);
	free(m.aliases);
	free(m.tags);
	free(m.description);
	json_decref(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct out whole = { 0 }, parts = { 0 };
	struct cut a = { .item = take, .arg = &whole, .max = 4096 }, b = { .item = take, .arg = &parts, .max = 4096 };
	struct str all = { (const char *)data, size };
	bool good = cut_feed(&a, all), same = true;
	for (size_t i = 0; i < size && same; i++)
		same = cut_feed(&b, (struct str){ all.p + i, 1 });
	if (good != same || a.ended != b.ended || a.skipped != b.skipped || whole.n != parts.n || whole.bytes != parts.bytes)
		abort();
	cut_release(&a);
	cut_release(&b);
	return 0;
}
