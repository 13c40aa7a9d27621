/* demo_serving: the price model of the simulated company, v6 in production and v7 beside it, and the log of what they were
 * asked. Both are sums of a part per feature, so that what they explain adds up to the last dollar. Houses that are asked
 * about grow over the day: that is the drift. */
#include "backends/demo/world.h"
#include "base/mem.h"
#include "base/ranges.h"
#include "base/serving.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EVERY_MS 90000           /* between two predictions in the log */
enum { LOGGED = 240, DIES_MS = 4000 };

/* At these inputs v6 says 447,210: base 389,400 and the parts. */
static const struct feature { const char *name, *input, *help; double part, at, slope, min, max; bool log, whole; } features[] = {
	{ "house_size", "house_size", "living area in square feet", 61300, 1850, 148, 300, 12000, .whole = true },
	{ "state_price_mean", "state", "state", 22700, 0, 1, NAN, NAN },
	{ "acre_lot", "acre_lot", "lot in acres", -17900, 0.25, 42000, 0.01, 100, .log = true },
	{ "bath", "bath", "bathrooms", 11400, 2, 11800, 0, 12 },
	{ "zip_price_mean", NULL, NULL, -8200, 0, 0, NAN, NAN },
	{ "bed", "bed", "bedrooms", -4350, 3, -2900, 0, 12, .whole = true },
	{ "city_price_mean", NULL, NULL, -3600, 0, 0, NAN, NAN },
	{ "status", "status", "for_sale or sold", 900, 0, 1, NAN, NAN },
	{ "prev_sold_age", NULL, NULL, -2140, 0, 0, NAN, NAN },
	{ "broker_rank", NULL, NULL, -1500, 0, 0, NAN, NAN },
	{ "listing_age", NULL, NULL, -800, 0, 0, NAN, NAN },
};
static const struct choice { const char *input, *name; double part; } choices[] = {
	{ "state", "California", 22700 }, { "state", "New York", 19100 }, { "state", "Massachusetts", 25800 },
	{ "state", "Texas", -21400 }, { "state", "Florida", -9800 }, { "state", "Ohio", -46200 },
	{ "status", "for_sale", 900 }, { "status", "sold", -2700 },
};
static const struct version { const char *endpoint, *version, *stage, *run; double base, scale; } versions[] = {
	{ "model-api", "6", "champion", "8c1f20aa41d94e5b", 389400, 1 },
	{ "model-api-v7", "7", "challenger", "41aa9e03c2f74d18", 397132.8, 1.12 },
};

/* What an endpoint serves now: model-api what it loaded last, in the place of v6. Older versions answer as v6 does. */
static struct version served(const struct world *w, size_t i)
{
	static const char *const numbers[] = { "", "1", "2", "3", "4", "5", "6", "7" };
	struct version v = versions[i];
	if (i || !w->serves || w->serves >= ARRAY_SIZE(numbers))
		return v;
	if (w->serves == 7)
		v = versions[1];
	v.endpoint = versions[0].endpoint;
	v.version = numbers[w->serves];
	v.stage = "champion";
	return v;
}

/* endpoint NULL in it: there is none of that name. */
static struct version version_of(const struct world *w, const char *endpoint)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (!strcmp(versions[i].endpoint, endpoint))
			return served(w, i);
	return (struct version){ 0 };
}

/* ---- the model */

/* False: the input is not one that it knows; why says so. */
static bool part_of(const struct feature *f, const json_t *inputs, double *part, char *why, size_t size)
{
	const json_t *v = f->input ? json_object_get(inputs, f->input) : NULL;
	*part = f->part;
	if (!f->input || !v)
		return true;
	if (isnan(f->min)) {
		const char *word = json_string_value(v);
		for (size_t i = 0; word && i < ARRAY_SIZE(choices); i++)
			if (!strcmp(choices[i].input, f->input) && !strcmp(choices[i].name, word)) {
				*part = choices[i].part;
				return true;
			}
	} else if (json_is_number(v) && json_number_value(v) >= f->min && json_number_value(v) <= f->max) {
		double x = json_number_value(v);
		*part += f->slope * (f->log ? log1p(x) - log1p(f->at) : x - f->at);
		return true;
	}
	snprintf(why, size, "422: %s: Input should be %s", f->input, isnan(f->min) ? "one of those it knows" : "within its range");
	return false;
}

static bool price_of(const struct version *v, const json_t *inputs, double parts[ARRAY_SIZE(features)], double *price, char *why,
                     size_t size)
{
	*price = v->base;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!part_of(&features[i], inputs, &parts[i], why, size))
			return false;
		parts[i] *= v->scale;
		*price += parts[i];
	}
	return true;
}

/* ---- questions */

static json_t *schema(void)
{
	static const char *const order[] = { "house_size", "bath", "bed", "acre_lot", "state", "status" };
	json_t *fields = json_array();
	for (size_t o = 0; o < ARRAY_SIZE(order); o++)
		for (const struct feature *f = features; f < features + ARRAY_SIZE(features); f++) {
			if (!f->input || strcmp(f->input, order[o]))
				continue;
			json_t *field = json_pack("{s:s, s:s, s:s}", "name", f->input, "help", f->help, "type",
			                          isnan(f->min) ? "string" : f->whole ? "integer" : "number");
			json_t *list = isnan(f->min) ? json_array() : NULL;
			for (size_t i = 0; list && i < ARRAY_SIZE(choices); i++)
				if (!strcmp(choices[i].input, f->input))
					json_array_append_new(list, json_string(choices[i].name));
			if (list) {
				json_object_set(field, "default", json_array_get(list, 0));
				json_object_set_new(field, "enum", list);
			} else {
				json_object_set_new(field, "default", f->whole ? json_integer((json_int_t)(f->input[0] == 'h' ? 1800 : f->at))
				                    : json_real(f->at));
				json_object_set_new(field, "min", json_real(f->min));
				json_object_set_new(field, "max", json_real(f->max));
			}
			json_array_append_new(fields, field);
		}
	return json_pack("{s:o, s:s, s:b}", "fields", fields, "from", "its OpenAPI description", "explains", 1);
}

static json_t *explanation(const struct version *v, const json_t *inputs, const double *parts)
{
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		json_t *f = json_pack("{s:s, s:f}", "name", features[i].name, "by", parts[i]);
		json_t *value = features[i].input ? json_object_get(inputs, features[i].input) : NULL;
		if (value)
			json_object_set(f, "value", value);
		json_array_append_new(list, f);
	}
	return json_pack("{s:f, s:s, s:o}", "base", v->base, "method", "the service's own explanation", "features", list);
}

static json_t *predict(const struct version *v, const json_t *inputs, bool explain, char *why, size_t size)
{
	double parts[ARRAY_SIZE(features)], price;
	char request[16], *text = json_dumps(inputs, JSON_COMPACT | JSON_SORT_KEYS);
	unsigned hash = str_hash(str_of(text));
	free(text);
	if (!price_of(v, inputs, parts, &price, why, size))
		return NULL;
	snprintf(request, sizeof(request), "%04x", hash & 0xffff);
	json_t *o = json_pack("{s:f, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "prediction", round(price), "name", "price", "version",
		v->version, "stage", v->stage, "run", v->run, "request", request, "model", "real_estate_model", "latency_us",
		(int)(38000 + hash % 9000 + (v->version[0] == '7' ? 6000 : 0)));
	if (explain)
		json_object_set_new(o, "explanation", explanation(v, inputs, parts));
	return o;
}

static void note_asked(struct world *w, const struct version *v, const json_t *inputs, const json_t *answer)
{
	struct asked *a = &w->asked[w->nasked++ % ASKED_MAX];
	char *text = json_dumps(inputs, JSON_COMPACT);
	*a = (struct asked){ .at = w->now, .price = json_number_value(json_object_get(answer, "prediction")), .version = v->version,
	                     .run = v->run };
	snprintf(a->request, sizeof(a->request), "%s", json_string_value(json_object_get(answer, "request")));
	snprintf(a->inputs, sizeof(a->inputs), "%s", text && strlen(text) < sizeof(a->inputs) ? text : "{}");
	free(text);
}

bool demo_serving_ask(struct world *w, struct link *l, const struct request *r)
{
	const struct version v = version_of(w, r->key);
	bool explain = !strcmp(r->what, "explain");
	char why[200] = "there is no such endpoint";
	json_t *params = json_loads(r->params, 0, NULL), *inputs = json_object_get(params, "inputs"), *answer = NULL;
	bool mine = !strcmp(r->kind, "modelendpoints") && (explain || !strcmp(r->what, "predict") || !strcmp(r->what, "schema"));
	bool asks = mine && v.endpoint && strcmp(r->what, "schema"), dies = asks && v.endpoint == versions[0].endpoint && v.version[0] == '7' &&
		w->now - w->loaded >= DIES_MS;
	if (dies && w->calls++ % 5 == 1)         /* what its pods were just killed over */
		snprintf(why, sizeof(why), "502: the pod was killed");
	else if (mine && v.endpoint && w->unloaded && v.endpoint == versions[1].endpoint)
		snprintf(why, sizeof(why), "503: no model is loaded");
	else if (mine && v.endpoint)
		answer = !strcmp(r->what, "schema") ? schema() : predict(&v, inputs, explain, why, sizeof(why));
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (answer && strcmp(r->what, "schema"))
		note_asked(w, &v, inputs, answer);
	if (text)
		link_answer(l, r->id, true, str_of(text));
	else if (mine)
		link_fail(l, r->id, "%s", why);
	free(text);
	json_decref(answer);
	json_decref(params);
	return mine;
}

/* ---- rows */

static void show_endpoints(const struct world *w, struct buf *body)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		const struct version v = served(w, i);
		bool seventh = v.version[0] == '7', killed = seventh && (i ? w->step >= 20 : w->now - w->loaded >= DIES_MS);
		bool off = i && w->unloaded;
		endpoint_put(body, &(struct endpoint){ .key = str_of(v.endpoint), .name = str_of(v.endpoint), .status = off ? STR("no model") : STR("ready"),
			.level = off ? LEVEL_DOUBT : LEVEL_OK, .model = STR("real_estate_model"), .version = str_of(v.version), .stage = str_of(v.stage),
			.run = str_of(v.run), .protocol = STR("rest"), .explains = 1, .since = !i && w->loaded ? w->loaded : w->start,
			.p50 = seventh ? 48 : 41, .p99 = (seventh ? 131 : 62) * (w->warmed[i] ? 0.8 : 1), .calls = (seventh ? 412 : 508) + w->warmed[i],
			.failed = killed ? 74 : 1, .url = i ? STR("http://model-api-v7.ml-serving") : STR("http://model-api.ml-serving"),
			.why = off ? STR("no model is loaded") : killed ? STR("502: the pod was killed") : STR("") });
	}
}

static double around(struct rnd *r, double middle, double spread)
{
	return middle + spread * (rnd_unit(r) + rnd_unit(r) + rnd_unit(r) - 1.5);
}

/* Prediction i since 1970 is always the same: what is shown depends on the time alone. */
/* What somebody asks for; shift 0: as in the data that v6 was trained on, 1: as of late. */
static json_t *some_inputs(struct rnd *r, double shift)
{
	for (int k = 0; k < 4; k++)
		rnd_next(r);
	double size = around(r, 1800 * (1 + 0.45 * shift), 900);
	int bath = 1 + (int)rnd_below(r, 4), bed = 2 + (int)rnd_below(r, 4);
	double lot = round(fabs(around(r, 0.4 + 0.5 * shift, 0.6)) * 100 + 2) / 100;
	return json_pack("{s:i, s:i, s:i, s:f, s:s, s:s}", "house_size", (int)(size < 400 ? 400 : size), "bath", bath, "bed", bed,
	                 "acre_lot", lot, "state", choices[rnd_below(r, 6)].name, "status", "for_sale");
}

static double shift_at(const struct world *w, int64_t at)
{
	double shift = 1 - (double)(w->now - at) / (LOGGED * EVERY_MS * 0.6);
	return shift < 0 ? 0 : shift;
}

static void show_prediction(const struct world *w, int64_t i, struct buf *body)
{
	struct rnd r = { .s = (uint64_t)i * 2654435761u + 1 };
	int64_t at = i * EVERY_MS;
	double shift = shift_at(w, at), parts[ARRAY_SIZE(features)], price;
	char key[32], request[16], why[8];
	json_t *inputs = some_inputs(&r, shift);
	const struct version *v = &versions[w->step >= 20 && rnd_below(&r, 8) == 0 && shift > 0.7];
	char *text = json_dumps(inputs, JSON_COMPACT | JSON_REAL_PRECISION(6));
	snprintf(key, sizeof(key), "%lld", (long long)i);
	snprintf(request, sizeof(request), "%08x", (unsigned)rnd_next(&r));
	bool ok = price_of(v, inputs, parts, &price, why, sizeof(why));
	prediction_put(body, &(struct prediction){ .key = str_of(key), .id = str_of(key), .model = STR("real_estate_model"),
		.version = str_of(v->version), .run = str_of(v->run), .request = str_of(request), .inputs = str_of(text), .time = at,
		.value = ok ? round(price) : NAN, .latency_ms = 36 + 12 * rnd_unit(&r) + (rnd_below(&r, 40) ? 0 : 70) });
	free(text);
	json_decref(inputs);
}

/* The data that v6 was trained on, and the last hour of what was asked. */
static void show_ranges(const struct world *w, struct buf *body)
{
	static const char *const names[] = { "house_size", "bath", "bed", "acre_lot" };
	enum { TRAINED = 400, LATELY = 40 };
	for (size_t f = 0; f < ARRAY_SIZE(names); f++) {
		struct feature_range g = { .model = STR("real_estate_model"), .name = str_of(names[f]), .from = STR("training of v6"),
			.time = w->start - 86400000 };
		for (int i = 0; i < TRAINED + LATELY; i++) {
			int64_t at = w->now / EVERY_MS - (i - TRAINED);
			struct rnd r = { .s = (uint64_t)(i < TRAINED ? i : at) * 2654435761u + 1 };
			json_t *inputs = some_inputs(&r, i < TRAINED ? 0 : shift_at(w, at * EVERY_MS));
			double v = json_number_value(json_object_get(inputs, names[f]));
			range_add(i < TRAINED ? &g.reference : &g.now, v, v, 1);
			json_decref(inputs);
		}
		range_put(body, &g);
		range_release(&g.reference);
		range_release(&g.now);
	}
}

static void show_asked(const struct world *w, struct buf *body)
{
	for (unsigned i = 0; i < ASKED_MAX && i < w->nasked; i++) {
		const struct asked *a = &w->asked[i];
		char key[32];
		snprintf(key, sizeof(key), "asked-%u", i);
		prediction_put(body, &(struct prediction){ .key = str_of(key), .model = STR("real_estate_model"), .time = a->at,
			.version = str_of(a->version), .run = str_of(a->run), .request = str_of(a->request), .inputs = str_of(a->inputs),
			.value = a->price, .latency_ms = NAN });
	}
}

bool demo_serving_show(const struct world *w, const char *kind, struct buf *body)
{
	int64_t last = w->now / EVERY_MS;
	if (!strcmp(kind, "modelendpoints"))
		show_endpoints(w, body);
	else if (!strcmp(kind, "predictions")) {
		for (int64_t i = last - LOGGED + 1; i <= last; i++)
			show_prediction(w, i, body);
		show_asked(w, body);
	} else if (!strcmp(kind, "ranges"))
		show_ranges(w, body);
	else
		return false;
	return true;
}
