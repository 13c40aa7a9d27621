/* gates: each judged with its figures against a registry, endpoints and lists of the test's own; what nobody listed is never taken
 * for empty, what does not answer cannot be told. And words in quotes, shares and moments as they are typed. */
#define _GNU_SOURCE
#include "base/alerts.h"
#include "base/drift.h"
#include "base/fmt.h"
#include "base/gates.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/sample.h"
#include "base/serving.h"
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static atomic_int most_under_way, asked;

#define SIGNATURE "'signature': {'inputs': [{'name': 'bed', 'type': 'long'}]}"
static const char *const versions[] = {
	[5] = "{'model': 'price', 'version': '5', 'metrics': {'oddity': 2.0}, 'status': 'READY'}",
	[6] = "{'model': 'price', 'version': '6', 'status': 'READY', 'metrics': {'rmse': 612400.0, 'r2': 0.41, 'oddity': 1.0, 'n': 4.0}, "
	      "'better': {'rmse': 'lower', 'r2': 'higher'}, 'params': {'depth': '8', 'trees': '500'}, " SIGNATURE "}",
	[7] = "{'model': 'price', 'version': '7', 'status': 'READY', 'metrics': {'rmse': 598100.0, 'r2': 0.40, 'oddity': 2.0}, "
	      "'better': {'rmse': 'lower', 'r2': 'higher'}, 'params': {'depth': '9', 'trees': '500'}, 'tags': {'validated': 'true', "
	      "'validated_at': '2026-11-20T12:00:00Z', 'when': 'soon'}, 'run_tags': {'approved_by': 'ada'}, "
	      "'run': {'ended': 1795046400000}, " SIGNATURE "}",
	[8] = "{'model': 'price', 'version': '8', 'metrics': {'rmse': 700000.0}, 'signature': {'inputs': [{'name': 'bath', 'type': 'long'}]}}",
};

static void answer(struct link *l, const struct request *r)
{
	char *text = NULL;
	int n = strncmp(r->key, "price/", 6) ? -1 : atoi(r->key + 6);
	if (!strcmp(r->what, "version") && n >= 5 && n <= 8) {
		text = xstrdup(versions[n]);
		for (char *c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
	} else if (!strcmp(r->what, "predict") && !strstr(r->key, "broken")) {
		json_t *p = json_loads(r->params, 0, NULL), *bed = json_object_get(json_object_get(p, "inputs"), "bed");
		double v = json_number_value(bed) * 100;
		text = xasprintf("{\"prediction\": %g, \"version\": \"%s\", \"latency_us\": %d}", strstr(r->key, "-v7") ? v * 1.1 : v,
		                 strstr(r->key, "-v7") ? "7" : "6", strstr(r->key, "-v7") ? 40000 : 30000);
		json_decref(p);
	}
	if (text)
		link_answer(l, r->id, true, str_of(text));
	else
		link_fail(l, r->id, "%s: 404", r->key);
	free(text);
}

/* Predictions wait a moment, so that it is seen how many are asked at once. */
static void body(struct link *l)
{
	struct request *held[16];
	int nheld = 0;
	while (!link_closing(l)) {
		struct request *r = link_take(l, nheld ? 5 : -1);
		if (r && r->type == REQ_ASK && !strcmp(r->what, "predict") && nheld < 16) {
			held[nheld++] = r;
			atomic_fetch_add(&asked, 1);
			if (nheld > atomic_load(&most_under_way))
				atomic_store(&most_under_way, nheld);
			continue;
		}
		if (r && r->type == REQ_ASK && !strstr(r->key, "silent"))
			answer(l, r);
		request_free(r);
		if (!r && nheld) {
			answer(l, held[0]);
			request_free(held[0]);
			memmove(held, held + 1, sizeof(*held) * (size_t)--nheld);
		}
	}
	while (nheld)
		request_free(held[--nheld]);
}

static const struct kind *const kinds[] = { &kind_models, &kind_versions, &kind_drift, &kind_modelendpoints, &kind_predictions, &kind_alerts, NULL };
static const struct backend backend = { .name = "test", .title = "test", .help = "", .kinds = kinds, .run = body };

struct world {
	struct clock_fixed still;
	struct clock clock;
	struct inbox *inbox;
	struct store *store;
	struct source *source;
	struct yaml_doc *doc;
};

static void apply(struct world *w, struct buf *rows)
{
	struct msg *m = msg_new(MSG_ROWS, 0);
	m->body = *rows;
	*rows = (struct buf){ 0 };
	store_apply(w->store, m, 0);
}

static void list(struct world *w, const char *kind, void (*put)(struct buf *b, int64_t now))
{
	struct buf b = { 0 };
	rows_start(&b, kind);
	rows_begin(&b, STR(""));
	if (put)
		put(&b, w->still.wall);
	rows_end(&b, STR(""));
	apply(w, &b);
}

static void say_live(struct world *w, const char *kind, enum health_state state, const char *why)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);
	msg_put_health(m, (struct msg_health){ .state = state, .latency_us = -1, .why = str_of(why), .kind = str_of(kind) });
	store_apply(w->store, m, 0);
}

/* One of the model, silenced; one of another. */
static void put_alerts(struct buf *b, int64_t now)
{
	const struct alert_label mine[] = { { STR("alertname"), STR("Errors") }, { STR("model"), STR("price") } },
		other[] = { { STR("alertname"), STR("Errors") }, { STR("model"), STR("churn") } };
	alert_put(b, &(struct alert_row){ .key = STR("a1"), .name = STR("Errors"), .labels = mine, .nlabels = 2, .state = ALERT_IS_SILENCED,
		.since = now - 60000 });
	alert_put(b, &(struct alert_row){ .key = STR("a2"), .name = STR("Errors"), .labels = other, .nlabels = 2, .state = ALERT_IS_FIRING,
		.since = now - 60000 });
}

static void put_drift(struct buf *b, int64_t now)
{
	drift_put(b, &(struct drift_check){ .key = STR("d1"), .model = STR("price"), .time = now - 60000, .score = 0.4, .limit = 0.3, .drifted = 1,
		.count = 3, .checked = 9, .features = STR("bed") });
	drift_put(b, &(struct drift_check){ .key = STR("d0"), .model = STR("price"), .time = now - 86400000, .score = 0.1, .limit = 0.3,
		.drifted = 0, .count = -1, .checked = -1 });
}

static void put_endpoints(struct buf *b, int64_t now)
{
	static const char *const names[] = { "api", "api-v7", "broken" };
	for (int i = 0; i < 3; i++)
		endpoint_put(b, &(struct endpoint){ .key = str_of(names[i]), .name = str_of(names[i]), .status = STR("ready"), .model = STR("price"),
			.version = i == 0 ? STR("6") : i == 1 ? STR("7") : STR("9"), .p50 = 20, .p99 = 250, .calls = 100, .explains = 0 });
}

static void put_predictions(struct buf *b, int64_t now)
{
	for (int i = 0; i < 30; i++) {
		char key[8], inputs[64];
		snprintf(key, sizeof(key), "%d", i);
		if (i == 29)
			strcpy(inputs, "not JSON");
		else
			snprintf(inputs, sizeof(inputs), i % 2 ? "{\"bed\": %d, \"a\": 1}" : "{\"a\": 1, \"bed\": %d}", 1 + i / 2);
		prediction_put(b, &(struct prediction){ .key = str_of(key), .model = i == 28 ? STR("other") : STR("price"), .inputs = str_of(inputs),
			.time = now - 1000 * i, .value = 100 * (1 + i / 2), .latency_ms = 20 });
	}
}

static void begin(struct world *w)
{
	*w = (struct world){ .still = { .wall = 1795219200000, .mono = 5000 } };      /* 2026-11-21 00:00 UTC, a Saturday */
	setenv("TZ", "UTC", 1);
	tzset();
	w->clock = clock_still(&w->still);
	w->inbox = inbox_new(1 << 20);
	w->store = store_new(&w->clock);
	for (unsigned i = 0; kinds[i]; i++)
		store_add_kind(w->store, kinds[i]);
	uint16_t index = store_add_source(w->store, "test", "dev");
	w->source = source_new(index, "test", "dev", &backend, NULL, &w->clock, w->inbox);
	w->store->sources[index].source = w->source;
	source_start(w->source);
	say_live(w, "", HEALTH_LIVE, "");
	list(w, "drift", put_drift);
	list(w, "alerts", put_alerts);
	list(w, "modelendpoints", put_endpoints);
	list(w, "predictions", put_predictions);
}

static void end(struct world *w)
{
	assert_true(source_stop(w->source, 60000));
	store_free(w->store);
	inbox_free(w->inbox);
	yaml_doc_free(w->doc);
}

static void take(struct world *w)
{
	struct msg *m;
	struct pollfd fd = { inbox_fd(w->inbox), POLLIN, 0 };
	poll(&fd, 1, 20);
	while ((m = inbox_take(w->inbox)))
		store_apply(w->store, m, 0);
}

static struct gates *gates_of(struct world *w, const char *yaml, const char *version, const char *champion)
{
	struct yaml_error err;
	yaml_doc_free(w->doc);
	w->doc = yaml_parse(str_of(yaml), &err);
	if (!w->doc)
		fail_msg("%s: %s", yaml, err.what);
	return gates_new(yaml_root(w->doc), &(struct gates_subject){ w->source, "price", version, champion }, w->store, &w->source, 1, &w->clock);
}

static void settle(struct world *w, struct gates *g)
{
	for (int i = 0; i < 6000 && !gates_tick(g, w->still.wall); i++)
		take(w);
}

/* One gate on version 7 against 6. */
static void expect(struct world *w, const char *yaml, enum gate_result is, const char *figures)
{
	struct gates *g = gates_of(w, yaml, "7", "6");
	settle(w, g);
	assert_int_equal(g->n, 1);
	if (g->list[0].result != is || !strstr(g->list[0].figures, figures))
		fail_msg("%s\n  is %s: %s\n  wanted %s: %s", yaml, gate_result_name(g->list[0].result), g->list[0].figures,
		         gate_result_name(is), figures);
	assert_int_equal(gates_failed(g), is == GATE_FAIL || is == GATE_UNKNOWN);
	gates_free(g);
}

static void metrics(void **state)
{
	struct world w;
	begin(&w);
	expect(&w, "[{metric: rmse, better_by: 1%}]", GATE_PASS, "rmse 598,100 against 612,400: 2.3 % better, wanted 1%");
	expect(&w, "[{metric: rmse, better_by: 5%}]", GATE_FAIL, "2.3 % better, wanted 5%");
	expect(&w, "[{metric: r2, worse_at_most: 2%}]", GATE_FAIL, "r2 0.4 against 0.41: 2.4 % worse, wanted at most 2% worse");
	expect(&w, "[{metric: r2, worse_at_most: 3%}]", GATE_PASS, "2.4 % worse");
	expect(&w, "[{metric: r2, at_least: 0.35}]", GATE_PASS, "r2 0.4, wanted at least 0.35");
	expect(&w, "[{metric: rmse, at_most: 500000, at_least: 0}]", GATE_FAIL, "wanted at most 500,000");
	expect(&w, "[{metric: oddity, better_by: 1%}]", GATE_UNKNOWN, "whether more or less of it is better is not known");
	expect(&w, "[{metric: oddity, better_by: 1%, direction: higher}]", GATE_PASS, "100.0 % better");
	expect(&w, "[{metric: oddity, better_by: 1%, direction: lower}]", GATE_FAIL, "100.0 % worse");
	expect(&w, "[{metric: auc, at_least: 1}]", GATE_UNKNOWN, "version 7 has no auc");
	expect(&w, "[{metric: rmse, better_by: much}]", GATE_UNKNOWN, "better_by 'much' is no number");
	expect(&w, "[{}]", GATE_UNKNOWN, "it says nothing to look at");
	struct gates *g = gates_of(&w, "[{metric: rmse, better_by: 1%}, {signature: same}, {metric: n, better_by: 1%}]", "7", "");
	settle(&w, g);
	assert_int_equal(g->list[0].result, GATE_PASS);              /* the first of its kind is better than nothing */
	assert_non_null(strstr(g->list[0].figures, "nothing is in production"));
	assert_int_equal(g->list[1].result, GATE_PASS);
	gates_free(g);
	g = gates_of(&w, "[{metric: rmse, at_most: 1}, {signature: same}]", "4", "6");
	settle(&w, g);
	assert_int_equal(g->list[0].result, GATE_UNKNOWN);
	assert_string_equal(g->list[0].figures, "version 4: price/4: 404");
	gates_free(g);
	end(&w);
}

static void tags_times_signature_freeze(void **state)
{
	struct world w;
	begin(&w);
	expect(&w, "[{tag: validated, is: 'true'}]", GATE_PASS, "validated: true");
	expect(&w, "[{tag: validated, is: 'yes'}]", GATE_FAIL, "validated: true, wanted yes");
	expect(&w, "[{tag: approved_by}]", GATE_PASS, "approved_by: ada");
	expect(&w, "[{tag: signed_off}]", GATE_FAIL, "neither the version nor its run has the tag signed_off");
	expect(&w, "[{tag: validated_at, within: 7d}]", GATE_PASS, "12h ago, wanted within 7d");
	expect(&w, "[{tag: validated_at, within: 1h}]", GATE_FAIL, "12h ago, wanted within 1h");
	expect(&w, "[{tag: when, within: 1h}]", GATE_UNKNOWN, "its value is no time");
	expect(&w, "[{trained_within: 3d}]", GATE_PASS, "trained 2d ago");
	expect(&w, "[{trained_within: 1d}]", GATE_FAIL, "trained 2d ago, wanted within 1d");
	expect(&w, "[{signature: same}]", GATE_PASS, "the same 1 inputs");
	expect(&w, "[{freeze: ['Fri 16:00 - Mon 08:00']}]", GATE_FAIL, "inside 'Fri 16:00 - Mon 08:00' UTC, over in 2d8h");
	expect(&w, "[{freeze: ['22:30 - 23:00', '2026-12-20 - 2027-01-03']}]", GATE_PASS, "inside none of 2 windows UTC");
	expect(&w, "[{freeze: ['Fri 16:00 - Mon 08:00'], zone: Asia/Tokyo}]", GATE_FAIL, "inside 'Fri 16:00 - Mon 08:00' Asia/Tokyo, over in 47h");
	expect(&w, "[{freeze: ['whenever']}]", GATE_UNKNOWN, "'whenever': a window is");
	struct gates *g = gates_of(&w, "[{signature: same}]", "8", "6");
	settle(&w, g);
	assert_int_equal(g->list[0].result, GATE_FAIL);
	assert_non_null(strstr(g->list[0].figures, "bath"));
	gates_free(g);
	end(&w);
}

static void rows(void **state)
{
	struct world w;
	begin(&w);
	expect(&w, "[{none: drift, where: 'model={model} result=drift'}]", GATE_FAIL, "1 drift with model=price result=drift: d1");
	expect(&w, "[{none: drift, where: 'result=drift age>1h'}]", GATE_PASS, "no drift with");
	expect(&w, "[{some: modelendpoints, where: 'version={version}'}]", GATE_PASS, "1 modelendpoints with version=7: api-v7");
	expect(&w, "[{some: modelendpoints, where: 'version={previous}'}]", GATE_PASS, "version=6: api");
	expect(&w, "[{none: drift, where: 'colour=red'}]", GATE_UNKNOWN, "no column 'colour'");
	expect(&w, "[{none: alerts, where: 'state=firing model={model}'}]", GATE_PASS, "no alerts with");
	expect(&w, "[{none: alerts, where: 'state=silenced model={model}'}]", GATE_FAIL, "a1");
	expect(&w, "[{none: alerts, where: 'state=firing'}]", GATE_FAIL, "1 alerts with state=firing: a2");
	expect(&w, "[{none: alarms}]", GATE_UNKNOWN, "no source is configured that shows alarms");
	say_live(&w, "drift", HEALTH_STALE, "connection lost");
	expect(&w, "[{none: drift, where: 'result=never'}]", GATE_UNKNOWN, "connection lost");
	/* nobody has listed them: pending, and after half a minute it cannot be told */
	struct gates *g = gates_of(&w, "[{none: versions}]", "7", "6");
	for (int i = 0; i < 10; i++) {
		assert_false(gates_tick(g, w.still.wall));
		take(&w);
	}
	assert_int_equal(g->list[0].result, GATE_PENDING);
	assert_string_equal(g->list[0].figures, "reading versions");
	assert_null(gates_comparison(g));
	w.still.mono += 31000;
	assert_true(gates_tick(g, w.still.wall));
	assert_int_equal(g->list[0].result, GATE_UNKNOWN);
	assert_string_equal(g->list[0].figures, "reading versions: no answer in time");
	gates_free(g);
	end(&w);
}

static void predictions(void **state)
{
	struct world w;
	begin(&w);
	atomic_store(&asked, 0);
	expect(&w, "[{predictions: 10, challenger: api-v7, champion: api, differ_below: 25%}]", GATE_PASS,
	       "10 of 10 differ, on average by 10.0 %, at most by 10.0 %; wanted below 25.0 %");
	assert_int_equal(atomic_load(&asked), 20);
	assert_in_range(atomic_load(&most_under_way), 2, 4);
	expect(&w, "[{predictions: 100, differ_below: 5%}]", GATE_FAIL, "14 of 14 differ");   /* distinct, of this model, readable; by version */
	expect(&w, "[{predictions: 5, challenger: gone, champion: api, differ_below: 5%}]", GATE_UNKNOWN, "there is no endpoint gone");
	expect(&w, "[{predictions: 5, challenger: api, champion: api, differ_below: 5%}]", GATE_UNKNOWN, "api answered with version 6, not 7");
	expect(&w, "[{predictions: 5, challenger: broken, champion: api, differ_below: 5%}]", GATE_FAIL, "broken failed 5 of 5 times: broken: 404");
	expect(&w, "[{latency: api-v7, below: 300ms}]", GATE_PASS, "p99 250 ms of 100 calls, wanted below 300ms");
	expect(&w, "[{latency: api-v7, below: 100ms}]", GATE_FAIL, "p99 250 ms");
	expect(&w, "[{latency: api-v7}]", GATE_UNKNOWN, "below: 300ms");
	struct gates *g = gates_of(&w, "[{latency: api-v7, below: 100ms}, {predictions: 10, challenger: api-v7, champion: api}]", "7", "6");
	settle(&w, g);
	assert_int_equal(g->list[0].result, GATE_PASS);              /* of these calls, not of the row */
	assert_string_equal(g->list[0].figures, "p99 40 ms of 10 calls, wanted below 100ms");
	gates_free(g);
	g = gates_of(&w, "[{predictions: 10, challenger: api-v7, champion: api}]", "7", "6");
	for (int i = 0; i < 5; i++) {
		gates_tick(g, w.still.wall);
		take(&w);
	}
	gates_free(g);                                                /* in the middle */
	list(&w, "predictions", NULL);
	expect(&w, "[{predictions: 10, challenger: api-v7, champion: api}]", GATE_UNKNOWN, "has no inputs of this model");
	end(&w);
}

static const json_t *row_of(const json_t *c, const char *what)
{
	size_t i;
	json_t *r;
	json_array_foreach(json_object_get(c, "rows"), i, r)
		if (!strcmp(json_string_value(json_object_get(r, "what")), what))
			return r;
	return NULL;
}

static void comparison(void **state)
{
	struct world w;
	begin(&w);
	struct gates *g = gates_of(&w, "[{predictions: 4, challenger: api-v7, champion: api}]", "7", "6");
	settle(&w, g);
	const json_t *c = gates_comparison(g), *r = row_of(c, "rmse");
	assert_non_null(c);
	assert_string_equal(json_string_value(json_object_get(r, "champion")), "612,400");
	assert_string_equal(json_string_value(json_object_get(r, "challenger")), "598,100");
	assert_true(json_is_true(json_object_get(r, "better")));
	assert_true(fabs(json_number_value(json_object_get(r, "change")) + 0.02335) < 1e-4);
	assert_true(json_is_false(json_object_get(row_of(c, "r2"), "better")));
	assert_true(json_is_null(json_object_get(row_of(c, "n"), "challenger")));
	assert_string_equal(json_string_value(json_object_get(row_of(c, "depth"), "challenger")), "9");
	assert_null(row_of(c, "trees"));                              /* the same in both */
	assert_string_equal(json_string_value(json_object_get(row_of(c, "p99"), "champion")), "30 ms");
	char *notes = json_dumps(json_object_get(c, "notes"), 0);
	assert_non_null(strstr(notes, "4 of 4 predictions differ, on average by 10.0 %"));
	assert_non_null(strstr(notes, "drift: the last check, 60s ago: drift, score 0.4 (bed)"));
	free(notes);
	gates_free(g);
	assert_string_equal(gates_kind(yaml_root(w.doc), 0), "drift");
	assert_string_equal(gates_kind(yaml_root(w.doc), 2), "predictions");
	assert_null(gates_kind(yaml_root(w.doc), 3));
	assert_null(gates_kind(NULL, 0));
	g = gates_new(NULL, &(struct gates_subject){ w.source, "price", "7", "6" }, w.store, &w.source, 1, &w.clock);
	settle(&w, g);
	assert_int_equal(g->n, 0);
	assert_non_null(row_of(gates_comparison(g), "rmse"));         /* without gates both are compared all the same */
	gates_free(g);
	end(&w);
}

static void as_typed(void **state)
{
	struct buf b = { 0 };
	struct str rest = str_of("  a=1 reason=\"two words\" \"x y\"z q\\\"r \"\" \"open end");
	static const char *const want[] = { "a=1", "reason=two words", "x yz", "q\"r", "", "open end" };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		buf_clear(&b);
		assert_true(buf_word(&b, &rest));
		assert_true(str_is(buf_str(&b), want[i]));
	}
	assert_false(buf_word(&b, &rest));
	buf_release(&b);
	double v;
	assert_true(ratio_parse(STR(" 2.5 %"), &v) && fabs(v - 0.025) < 1e-12);
	assert_true(ratio_parse(STR("0.3"), &v) && v == 0.3);
	assert_false(ratio_parse(STR("%"), &v) || ratio_parse(STR("a lot"), &v));
	int64_t at, now = 1795219200000 + 10 * 3600000;               /* 2026-11-21 10:00 UTC */
	setenv("TZ", "UTC", 1);
	tzset();
	assert_true(moment_parse(STR("09:30"), now, &at) && at == now - 1800000);
	assert_true(moment_parse(STR("10:30:30"), now, &at) && at == now - 23 * 3600000ll - 1770000);     /* yesterday's */
	assert_true(moment_parse(STR("2026-11-20 10:00"), now, &at) && at == now - 86400000);
	assert_true(moment_parse(STR("2026-11-20T10:00:00Z"), now, &at) && at == now - 86400000);
	assert_true(moment_parse(STR("1h30m"), now, &at) && at == now - 5400000);
	assert_false(moment_parse(STR("25:00"), now, &at) || moment_parse(STR("soon"), now, &at) || moment_parse(STR(""), now, &at) ||
	             moment_parse(STR("10:00x"), now, &at) || moment_parse(STR("2026-11-20"), now, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics), cmocka_unit_test(tags_times_signature_freeze), cmocka_unit_test(rows), cmocka_unit_test(predictions),
		cmocka_unit_test(comparison), cmocka_unit_test(as_typed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
