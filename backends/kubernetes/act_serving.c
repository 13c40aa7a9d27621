/* act_serving: what can be done to models and applications that other controllers run from custom resources: the share of
 * traffic that a new version gets and how many replicas it has (KServe's InferenceService, Seldon's SeldonDeployment), and
 * Argo CD's sync. We set what the controller reads, and tell what it says of it; where none is there, that is told. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "base/acts.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define SETTLE_MS (5 * 60 * 1000)
#define SILENT_MS 10000          /* so long a controller may take to say its first word */

#define KSERVE "inferenceservices.serving.kserve.io"
#define SELDON "seldondeployments.machinelearning.seldon.io"
static const char *const splits[] = { KSERVE, SELDON, NULL }, *const kserve[] = { KSERVE, NULL }, *const seldon[] = { SELDON, NULL };
static const char *const applications[] = { "applications.argoproj.io", NULL };
const struct action act_canary = ACT_CANARY(splits), act_scale_kserve = ACT_SCALE_KSERVE(kserve), act_scale_seldon = ACT_SCALE_SELDON(seldon),
	act_sync = ACT_SYNC(applications);

static bool is_kserve(const struct plan *p)
{
	return !strcmp(p->t.api->kind, "InferenceService");
}

/* ---- KServe */

/* Traffic of the latest revision now: as set; without a word it is all. */
static json_int_t kserve_weight(const json_t *o)
{
	return jint(o, "spec.predictor.canaryTrafficPercent", 100);
}

static bool plan_canary_kserve(struct plan *p, json_int_t want)
{
	json_int_t has = kserve_weight(p->object);
	const char *mode = jtext(p->object, "status.deploymentMode");
	const char *before = jtext(p->object, "status.components.predictor.previousRolledoutRevision");
	char undo[64];
	plan_change(p, "traffic to the latest revision %lld %% -> %lld %%, the rest to %s", (long long)has, (long long)want,
	            *before ? before : "the one before");
	if (!*mode)
		mode = jnamed(p->object, "metadata.annotations", "serving.kserve.io/deploymentMode");
	if (!strcmp(mode, "RawDeployment") || !strcmp(mode, "Standard"))
		plan_block(p, "it is deployed in mode %s, where KServe ignores canaryTrafficPercent: only Knative splits traffic", mode);
	if (!*before && want < 100)
		plan_warn(p, "no revision is known that was rolled out before: until there is one, the latest gets all traffic");
	if (want == has) {
		plan_already(p, "the latest revision has %lld %% already", (long long)has);
		return true;
	}
	snprintf(undo, sizeof(undo), "back to %lld %%", (long long)has);
	/* All is no weight at all: KServe then takes the next revision whole too. */
	plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{sos{s{so}}}", "metadata", plan_identity(p), "spec", "predictor",
		"canaryTrafficPercent", want == 100 ? json_null() : json_integer(want)), "its status says so", undo);
	plan_undo_by(p, "canary", json_pack("{sI}", "weight", has));
	return true;
}

static bool plan_scale_kserve(struct plan *p)
{
	json_t *has_min = jat(p->object, "spec.predictor.minReplicas"), *has_max = jat(p->object, "spec.predictor.maxReplicas");
	json_int_t was_min = jint(p->object, "spec.predictor.minReplicas", 1), was_max = jint(p->object, "spec.predictor.maxReplicas", 0);
	json_int_t min = plan_param(p, "min", was_min), max = plan_param(p, "max", was_max);
	json_t *body = json_object();
	plan_title(p, "scale %s %s/%s to %lld..%lld", p->t.api->singular, p->ns, p->name, (long long)min, (long long)max);
	plan_change(p, "minReplicas %lld -> %lld, maxReplicas %lld -> %lld (0: no limit)", (long long)was_min, (long long)min,
	            (long long)was_max, (long long)max);
	if (min < 0 || max < 0 || min > 10000 || max > 10000)
		plan_block(p, "replicas are from 0 to 10000");
	else if (max && min > max)
		plan_block(p, "at least %lld is more than at most %lld", (long long)min, (long long)max);
	else if (min == was_min && max == was_max)
		plan_already(p, "it is at %lld..%lld", (long long)min, (long long)max);
	if (min == 0)
		plan_warn(p, "without requests no replica is left: the first request after that waits until one is up");
	/* -1 in an undo: it was not set */
	bool unset_min = plan_param(p, "unset_min", 0), unset_max = plan_param(p, "unset_max", 0);
	json_object_set_new(body, "minReplicas", unset_min ? json_null() : json_integer(min));
	json_object_set_new(body, "maxReplicas", unset_max || (!has_max && !max) ? json_null() : json_integer(max));
	if (json_object_get(p->out, "already"))
		json_decref(body);
	else
		plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{sos{so}}", "metadata", plan_identity(p), "spec", "predictor", body),
			"its status says so", "the numbers of before");
	plan_undo_by(p, "scale", json_pack("{sIsIsIsI}", "min", was_min, "max", was_max, "unset_min", (json_int_t)!has_min,
		"unset_max", (json_int_t)!has_max));
	return true;
}

/* ---- Seldon */

static const char *param_text(const struct plan *p, const char *name)
{
	const char *s = json_string_value(json_object_get(p->w->params, name));
	return s ? s : "";
}

/* The predictor that is meant: as named, else the last that takes traffic and is not the first. -1: blocked. */
static int seldon_predictor(struct plan *p, bool canary)
{
	json_t *all = jat(p->object, "spec.predictors"), *one;
	const char *named = param_text(p, "predictor");
	int found = -1, open = 0;
	size_t i;
	json_array_foreach(all, i, one) {
		bool shadow = jtrue(one, "shadow");
		open += !shadow;
		if (*named ? jis(one, "name", named) : !shadow)
			found = (int)i;
		if (*named && shadow && jis(one, "name", named) && canary)
			plan_block(p, "predictor %s is a shadow: it gets copies, no share", named);
	}
	if (found < 0)
		plan_block(p, *named ? "it has no predictor '%.100s'" : "it has no predictors", named);
	else if (canary && open < 2)
		plan_block(p, "it has one predictor only: there is nothing to split traffic with");
	else if (!canary && open > 1 && !*named)
		plan_block(p, "it has %d predictors: say which one (predictor)", open);
	else
		return found;
	return -1;
}

/* What each predictor gets, as set; what is not set shares what is left, the first taking the rest. */
static void seldon_shares(const json_t *all, json_int_t *share, size_t n)
{
	json_int_t sum = 0;
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(all, i);
		share[i] = jtrue(one, "shadow") ? 0 : jint(one, "traffic", 0);
		any |= json_object_get(one, "traffic") != NULL;
		sum += share[i];
	}
	if (n && !any && !sum)
		share[0] = 100;
}

/* The others keep their proportions; what rounding leaves goes to the first of them. */
static void seldon_split(const json_t *all, const json_int_t *has, json_int_t *want, size_t n, size_t canary, json_int_t weight)
{
	json_int_t others = 0, given = 0;
	size_t first = n;
	for (size_t i = 0; i < n; i++)
		if (i != canary && !jtrue(json_array_get(all, i), "shadow")) {
			others += has[i];
			first = first == n ? i : first;
		}
	for (size_t i = 0; i < n; i++) {
		want[i] = jtrue(json_array_get(all, i), "shadow") ? has[i] : i == canary ? weight
			: others ? has[i] * (100 - weight) / others : i == first ? 100 - weight : 0;
		given += jtrue(json_array_get(all, i), "shadow") ? 0 : want[i];
	}
	if (first < n)
		want[first] += 100 - given;
}

enum { PREDICTORS_MAX = 32 };

/* An undo brings each share back as it was, for proportions cannot be taken back. */
static void seldon_exact(const struct plan *p, json_int_t *want, size_t n)
{
	const json_t *exact = json_object_get(p->w->params, "traffic");
	for (size_t i = 0; json_array_size(exact) == n && i < n; i++)
		want[i] = json_integer_value(json_array_get(exact, i));
}

static bool plan_canary_seldon(struct plan *p, json_int_t weight)
{
	json_t *all = jat(p->object, "spec.predictors"), *ops, *before = json_array();
	size_t n = json_array_size(all);
	json_int_t has[PREDICTORS_MAX], want[PREDICTORS_MAX];
	int canary = n <= PREDICTORS_MAX ? seldon_predictor(p, true) : -1;
	bool same = true;
	if (n > PREDICTORS_MAX)
		plan_block(p, "it has more than %d predictors", PREDICTORS_MAX);
	if (canary < 0) {
		json_decref(before);
		return true;
	}
	seldon_shares(all, has, n);
	seldon_split(all, has, want, n, (size_t)canary, weight);
	seldon_exact(p, want, n);
	ops = json_pack("[{ssssss} {ssssss}]", "op", "test", "path", "/metadata/uid", "value", p->uid,
		"op", "test", "path", "/metadata/resourceVersion", "value", p->version);
	for (size_t i = 0; i < n; i++) {
		json_t *one = json_array_get(all, i);
		char path[64];
		json_array_append_new(before, json_integer(has[i]));
		if (want[i] == has[i] && json_object_get(one, "traffic"))
			continue;
		same &= want[i] == has[i];
		if (want[i] != has[i])
			plan_change(p, "predictor %s: traffic %lld %% -> %lld %%", jtext(one, "name"), (long long)has[i], (long long)want[i]);
		if (jtrue(one, "shadow"))
			continue;
		snprintf(path, sizeof(path), "/spec/predictors/%zu/traffic", i);
		json_array_append_new(ops, json_pack("{sssssI}", "op", "add", "path", path, "value", want[i]));
	}
	plan_undo_by(p, "canary", json_pack("{sIsssO}", "weight", has[canary], "predictor", jtext(json_array_get(all, (size_t)canary), "name"),
		"traffic", before));
	if (same)
		plan_already(p, "predictor %s has %lld %%", jtext(json_array_get(all, (size_t)canary), "name"), (long long)weight);
	else
		plan_step(p, "PATCH", "", JSON_PATCH, ops, "its status is Available", "the shares of before");
	if (same)
		json_decref(ops);
	json_decref(before);
	return true;
}

static bool plan_scale_seldon(struct plan *p)
{
	int i = seldon_predictor(p, false);
	json_t *one = json_array_get(jat(p->object, "spec.predictors"), (size_t)(i < 0 ? 0 : i));
	bool own = json_object_get(one, "replicas") != NULL;
	json_int_t has = own ? jint(one, "replicas", 1) : jint(p->object, "spec.replicas", 1), want = plan_param(p, "replicas", -1);
	char path[64];
	if (i < 0)
		return true;
	snprintf(path, sizeof(path), "/spec/predictors/%d/replicas", i);
	plan_title(p, "scale predictor %s of %s %s/%s to %lld", jtext(one, "name"), p->t.api->singular, p->ns, p->name, (long long)want);
	plan_change(p, "replicas of %s %lld -> %lld", jtext(one, "name"), (long long)has, (long long)want);
	if (want < 0 || want > 10000)
		plan_block(p, "say how many: replicas is from 0 to 10000");
	else if (want == has)
		plan_already(p, "it is at %lld", (long long)has);
	if (want == 0 && jint(one, "traffic", 0) > 0)
		plan_warn(p, "it still gets %lld %% of the traffic: move that away first", (long long)jint(one, "traffic", 0));
	bool unset = plan_param(p, "unset", 0) && own;
	json_t *set = unset ? json_pack("{ssss}", "op", "remove", "path", path)
		: json_pack("{sssssI}", "op", "add", "path", path, "value", want);
	json_t *ops = json_pack("[{ssssss} {ssssss} o]", "op", "test", "path", "/metadata/uid", "value", p->uid,
		"op", "test", "path", "/metadata/resourceVersion", "value", p->version, set);
	if (want == has)
		json_decref(ops);
	else
		plan_step(p, "PATCH", "", JSON_PATCH, ops, "its status says so", "the number of before");
	plan_undo_by(p, "scale", json_pack("{sIsssI}", "replicas", has, "predictor", jtext(one, "name"), "unset", (json_int_t)!own));
	return true;
}

/* ---- both */

bool plan_canary(struct plan *p)
{
	json_int_t want = plan_param(p, "weight", -1);
	bool ok;
	plan_title(p, "canary %s %s/%s %lld %%", p->t.api->singular, p->ns, p->name, (long long)want);
	if (want < 0 || want > 100) {
		plan_block(p, "say how much: weight is from 0 to 100 percent");
		return true;
	}
	ok = is_kserve(p) ? plan_canary_kserve(p, want) : plan_canary_seldon(p, want);
	plan_not_undone(p, "requests that were answered meanwhile");
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, is_kserve(p) ? "f:predictor" : "f:predictors");
	return ok;
}

bool plan_scale_serving(struct plan *p)
{
	bool ok = is_kserve(p) ? plan_scale_kserve(p) : plan_scale_seldon(p);
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, is_kserve(p) ? "f:predictor" : "f:predictors");
	return ok;
}

/* Traffic of the latest revision as KServe reports it; -1: it does not. */
static json_int_t kserve_reported(const json_t *o)
{
	json_t *list = jat(o, "status.components.predictor.traffic"), *one;
	size_t i;
	json_array_foreach(list, i, one)
		if (jtrue(one, "latestRevision"))
			return jint(one, "percent", -1);
	return -1;
}

/* True: its controller has come to what was set. Else what it waits for; *silent: nobody says anything of it. */
static bool settled(const json_t *o, bool canary, char *say, size_t size, bool *silent, bool *failed)
{
	const json_t *ready = jfind(o, "status.conditions", "type", "Ready");
	json_int_t reported = kserve_reported(o), want = kserve_weight(o);
	const char *state = jtext(o, "status.state");
	*silent = false;
	if (jis(o, "kind", "InferenceService")) {
		bool seen = jint(o, "metadata.generation", 0) <= jint(o, "status.observedGeneration", 0) || !jat(o, "status.observedGeneration");
		*silent = !ready;
		if (canary && reported >= 0)
			snprintf(say, size, "the latest revision gets %lld %%, wanted %lld %%", (long long)reported, (long long)want);
		else
			snprintf(say, size, "Ready is %s%s%s", ready ? jtext(ready, "status") : "unknown", *jtext(ready, "message") ? ": " : "",
			         jtext(ready, "message"));
		return ready && jis(ready, "status", "True") && seen && (!canary || reported == want);
	}
	*silent = !*state;
	*failed = !strcmp(state, "Failed");
	snprintf(say, size, "its state is %s%s%.100s", *state ? state : "unknown", *jtext(o, "status.description") ? ": " : "",
	         jtext(o, "status.description"));
	return !strcmp(state, "Available");
}

bool verify_serving(struct run *run)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t began = clock_mono(clock);
	bool canary = !strcmp(run->w->r->what, "canary"), silent = true, failed = false, over = false;
	char said[300] = "", say[300] = "";
	while (!over) {
		json_t *o = work_object(run->w, run->t.api, run->t.ns, run->t.name);
		bool through = o && settled(o, canary, say, sizeof(say), &silent, &failed);
		if (!o)
			snprintf(say, sizeof(say), "cannot see how it goes: %.150s", run->w->error);
		json_decref(o);
		if (through || failed) {
			snprintf(run->say, sizeof(run->say), "%s", say);
			return through;
		}
		if (strcmp(say, said))
			run_step(run, STEP_WAITING, "%s", say);
		snprintf(said, sizeof(said), "%s", say);
		int64_t waited = clock_mono(clock) - began;
		over = waited >= (silent ? SILENT_MS : SETTLE_MS) || !work_sleep(run->w, 500);
	}
	snprintf(run->say, sizeof(run->say), silent ? "set; no controller has said anything of it in its status (%s)"
	         : "set, but its controller has not come to it yet: %s", said);
	return silent || work_cancelled(run->w);
}

/* ---- Argo CD */

bool plan_sync(struct plan *p)
{
	const char *revision = param_text(p, "revision"), *phase = jtext(p->object, "status.operationState.phase");
	const char *now = jtext(p->object, "status.sync.revision"), *target = jtext(p->object, "spec.source.targetRevision");
	bool prune = plan_flag(p, "prune");
	json_t *sync = json_object();
	plan_title(p, "sync application %s/%s", p->ns, p->name);
	plan_change(p, "%s (%s%s%s) -> %s", *now ? now : "nothing yet", *jtext(p->object, "status.sync.status") ?
		jtext(p->object, "status.sync.status") : "unknown", *jtext(p->object, "status.health.status") ? ", " : "",
		jtext(p->object, "status.health.status"), *revision ? revision : *target ? target : "HEAD");
	if (prune)
		plan_warn(p, "what is in the cluster but no longer in git is deleted");
	if (jat(p->object, "operation"))
		plan_block(p, "a sync is asked for already, and Argo CD has not taken it up yet");
	else if (!strcmp(phase, "Running") || !strcmp(phase, "Terminating"))
		plan_block(p, "a sync is under way: %s", *jtext(p->object, "status.operationState.message") ?
			jtext(p->object, "status.operationState.message") : phase);
	if (jat(p->object, "spec.syncPolicy.automated") && *revision)
		plan_warn(p, "it syncs by itself: Argo CD will put %s back", *target ? target : "the target revision");
	if (*revision)
		json_object_set_new(sync, "revision", json_string(revision));
	json_object_set_new(sync, "prune", json_boolean(prune));
	plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{sos{s{ss}so}}", "metadata", plan_identity(p), "operation", "initiatedBy",
		"username", *jtext(p->out, "as") ? jtext(p->out, "as") : "binnacle", "sync", sync), "Argo CD says Succeeded",
		"sync the revision of before");
	if (*now)
		plan_undo_by(p, "sync", json_pack("{ssso}", "revision", now, "prune", json_boolean(prune)));
	plan_not_undone(p, "what hooks of the sync did");
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	return true;
}

bool verify_sync(struct run *run)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t began = clock_mono(clock);
	bool taken = false, over = false;
	char said[300] = "", say[300] = "";
	while (!over) {
		json_t *o = work_object(run->w, run->t.api, run->t.ns, run->t.name);
		const char *phase = jtext(o, "status.operationState.phase"), *message = jtext(o, "status.operationState.message");
		bool waits = o && jat(o, "operation") != NULL;
		bool done = o && !waits && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed") || !strcmp(phase, "Error"));
		bool well = done && !strcmp(phase, "Succeeded");
		taken |= o && !waits;
		if (!o)
			snprintf(say, sizeof(say), "cannot see how it goes: %.150s", run->w->error);
		else
			snprintf(say, sizeof(say), "%s%s%.200s", waits ? "not taken up yet" : *phase ? phase : "taken up", *message ? ": " : "", message);
		json_decref(o);
		if (done) {
			snprintf(run->say, sizeof(run->say), "%s", say);
			return well;
		}
		if (strcmp(say, said))
			run_step(run, STEP_WAITING, "%s", say);
		snprintf(said, sizeof(said), "%s", say);
		over = clock_mono(clock) - began >= (taken ? SETTLE_MS : 2 * SILENT_MS) || !work_sleep(run->w, 500);
	}
	snprintf(run->say, sizeof(run->say), taken ? "asked for, not over yet: %s" : "asked for, but no Argo CD has taken it up: the "
	         "request stands in the object until one does, or its field 'operation' is removed (%s)", said);
	return work_cancelled(run->w);
}
