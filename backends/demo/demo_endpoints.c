/* demo_endpoints: model-api loads its model anew: whatever is champion then. v7 needs more memory than its pods have: from a few
 * seconds after it is loaded they are killed under it, and its share of errors rises (demo_serving.c). The challenger's server can
 * let go of its model; both can be warmed up. */
#include "backends/demo/ways.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAIN, CHALLENGER };

static unsigned says_registry(const struct world *w)
{
	unsigned versions, at_start = 0;
	int model = demo_model(STR("real_estate_model"), &versions, &at_start);
	return demo_champion(w, model, at_start);
}

static unsigned serves(const struct world *w)
{
	return w->serves ? w->serves : 6;
}

static int which(const struct doing *d)
{
	return !strcmp(d->r->key, "model-api-v7") ? CHALLENGER : MAIN;
}

static bool endpoint_state(struct doing *d, struct buf *out)
{
	buf_addf(out, "%u %s", which(d) == MAIN ? serves(d->w) : 7, which(d) == CHALLENGER && d->w->unloaded ? "unloaded" : "loaded");
	return which(d) == CHALLENGER || !strcmp(d->r->key, "model-api");
}

static void plan_reload(struct doing *d)
{
	struct buf b = { 0 };
	struct str asked = plan_param_text(d->params, "version", &b);
	unsigned now = serves(d->w), becomes = says_registry(d->w);
	char number[16];
	snprintf(number, sizeof(number), "%u", becomes);
	if (which(d) == CHALLENGER) {
		SAY(d, "change", d->w->unloaded ? "it loads version 7 again" : "it loads version 7 anew");
		doing_step(d, "", "POST http://model-api-v7.ml-serving/v2/repository/models/real_estate_model/load");
		SAY(d, "not_undone", "it was loaded");
		buf_release(&b);
		return;
	}
	SAY(d, "change", "it serves version %u now; the registry has %u as champion: it becomes version %u", now, becomes, becomes);
	if (asked.n && !str_is(asked, number))
		SAY(d, "warnings", "the registry has %u as champion: it will not come with " STR_FMT, becomes, STR_ARG(asked));
	plan_request(d->plan, "POST http://model-api.ml-serving/reload", NULL, "its version is read back", "reload again, when the registry says "
	             "the old version again");
	snprintf(number, sizeof(number), "%u", now);
	plan_undo(d->plan, "reload", json_pack("{s:s}", "version", number));
	json_object_set_new(json_object_get(d->plan, "undo"), "last", json_true());
	SAY(d, "not_undone", "reloading again loads whatever the registry says then: put the registry back first");
	buf_release(&b);
}

static bool run_reload(struct doing *d)
{
	if (which(d) == CHALLENGER) {
		d->w->unloaded = false;
	} else {
		d->w->serves = says_registry(d->w);
		d->w->loaded = d->w->now;
	}
	d->w->serving_dirty = true;
	buf_addf(&d->say, "%s serves version %u now", d->r->key, which(d) == MAIN ? d->w->serves : 7);
	return true;
}

static void plan_unload(struct doing *d)
{
	if (which(d) == MAIN)
		SAY(d, "blocked", "it serves predictions over REST: it has no way to let go of its model");
	else if (d->w->unloaded)
		SAY(d, "already", "it has no model loaded");
	SAY(d, "change", "it answers no more predictions until it is loaded again");
	SAY(d, "warnings", "gates that ask the challenger for predictions cannot tell any more");
	doing_step(d, "", "POST http://%s.ml-serving/v2/repository/models/real_estate_model/unload", d->r->key);
	plan_undo(d->plan, "reload", NULL);
}

static bool run_unload(struct doing *d)
{
	d->w->unloaded = d->w->serving_dirty = true;
	buf_addf(&d->say, "%s has no model loaded", d->r->key);
	return true;
}

static void plan_warm_up(struct doing *d)
{
	int64_t calls = plan_param_int(d->params, "calls", WARM_UP_CALLS);
	if (calls < 1 || calls > WARM_UP_MOST)
		SAY(d, "blocked", "the number of predictions is from 1 to %d", WARM_UP_MOST);
	else if (which(d) == CHALLENGER && d->w->unloaded)
		SAY(d, "blocked", "it is not ready: no model is loaded");
	SAY(d, "change", "%lld predictions with %lld different inputs, from the log of predictions", (long long)calls, (long long)calls);
	SAY(d, "change", "before: p50 %d ms, p99 %d ms", which(d) == MAIN ? 41 : 48, which(d) == MAIN ? 62 : 131);
	doing_step(d, "{\"house_size\":1800,\"bath\":2,\"bed\":3}", "%lld x POST http://%s.ml-serving/predict", (long long)calls, d->r->key);
	SAY(d, "not_undone", "the predictions were made");
}

static bool run_warm_up(struct doing *d)
{
	unsigned calls = (unsigned)plan_param_int(d->params, "calls", WARM_UP_CALLS);
	double usual = which(d) == MAIN ? 38.4 : 44.9;
	for (unsigned i = 0; i < calls; i += 10)
		run_say(d->l, d->r->id, STEP_RUNNING, 1, 1, "%u of %u: %.1f ms", i + 1, calls, usual + 40.0 / (i + 1));
	d->w->warmed[which(d)] += calls;
	d->w->serving_dirty = true;
	buf_addf(&d->say, "%u of %u answered: the first took %.1f ms, the last 10 %.1f ms (p50)", calls, calls, usual + 40, usual);
	return true;
}

const struct demo_way demo_ways_endpoints[] = {
	{ &act_reload, endpoint_state, plan_reload, run_reload },
	{ &act_unload, endpoint_state, plan_unload, run_unload },
	{ &act_warm_up, endpoint_state, plan_warm_up, run_warm_up },
	{ .action = NULL },
};
