/* demo_custom: what other controllers run in the simulated cluster: KServe's price model with its canary, Seldon's churn model, two
 * applications of Argo CD, and Karpenter's pool of GPU nodes beside the managed groups of EKS. Their kinds are made at run time, as
 * those of a real cluster are. Of model-api git says v6: whoever rolled v7 out by hand left it out of sync. */
#define _GNU_SOURCE
#include "backends/demo/ways.h"
#include "base/mem.h"
#include "base/table.h"
#include <stdio.h>
#include <stdlib.h>

#define KSERVE "inferenceservices.serving.kserve.io"
#define SELDON "seldondeployments.machinelearning.seldon.io"
#define ARGO "applications.argoproj.io"
#define POOLS "nodepools.karpenter.sh"
#define PRICE "ml-serving/price-model"
#define CHURN "ml-serving/churn-model"
#define GIT_V6 "5e02d7c"
#define GIT_V7 "41aa9e0"

#define NS { "namespace", "NAMESPACE", COL_TEXT, COL_SHARED, 1, 14, NULL, NULL, NULL, NULL, NULL }
#define TEXT(name, title, width, prio) { name, title, COL_TEXT, 0, prio, width, NULL, NULL, NULL, NULL, NULL }
#define COUNT(name, title) { name, title, COL_COUNT, 0, 1, 6, NULL, NULL, NULL, NULL, NULL }
#define STATUS(name, title) { name, title, COL_STATUS, 0, 1, 12, NULL, NULL, NULL, NULL, NULL }
#define AGE { "age", "AGE", COL_TIME, 0, 2, 5, NULL, NULL, NULL, NULL, NULL }
#define LABELS { "labels", "LABELS", COL_LABELS, COL_HIDDEN, 9, 20, NULL, NULL, NULL, NULL, NULL }
static const struct column of_kserve[] = { NS, TEXT("name", "NAME", 16, 0), TEXT("url", "URL", 40, 4), STATUS("ready", "READY"), COUNT("prev", "PREV"),
	COUNT("latest", "LATEST"), TEXT("rolledout", "PREVROLLEDOUTREVISION", 24, 6), TEXT("revision", "LATESTREADYREVISION", 24, 5), COUNT("min", "MIN"),
	COUNT("max", "MAX"), AGE, LABELS };
static const struct column of_seldon[] = { NS, TEXT("name", "NAME", 16, 0), STATUS("state", "STATE"), COUNT("main", "MAIN"), COUNT("canary", "CANARY"),
	COUNT("replicas", "REPLICAS"), AGE, LABELS };
static const struct column of_argo[] = { NS, TEXT("name", "NAME", 16, 0), STATUS("sync", "SYNC STATUS"), TEXT("health", "HEALTH STATUS", 12, 2),
	TEXT("revision", "REVISION", 10, 5), AGE, LABELS };
static const struct column of_pools[] = { TEXT("name", "NAME", 12, 0), TEXT("nodeclass", "NODECLASS", 10, 4), COUNT("nodes", "NODES"), STATUS("ready", "READY"),
	TEXT("limits", "LIMITS", 14, 2), AGE, LABELS };
static const struct kind kinds[] = {
	{ KSERVE, "inferenceservice", (const char *const[]){ "inferenceservices", "isvc", NULL }, "models served by KServe", of_kserve,
	  ARRAY_SIZE(of_kserve), true, "serving.kserve.io", NULL },
	{ SELDON, "seldondeployment", (const char *const[]){ "seldondeployments", "sdep", NULL }, "models served by Seldon", of_seldon,
	  ARRAY_SIZE(of_seldon), true, "machinelearning.seldon.io", NULL },
	{ ARGO, "application", (const char *const[]){ "applications", "app", "apps", NULL }, "applications of Argo CD", of_argo,
	  ARRAY_SIZE(of_argo), true, "argoproj.io", NULL },
	{ POOLS, "nodepool", (const char *const[]){ "nodepools", NULL }, "node pools of Karpenter", of_pools, ARRAY_SIZE(of_pools), false,
	  "karpenter.sh", NULL },
};

const struct kind *demo_custom_kind(struct str word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kind_answers_to(&kinds[i], word))
			return &kinds[i];
	return NULL;
}

/* ---- rows */

static const struct workload *model_api(const struct world *w)
{
	return world_workload((struct world *)(uintptr_t)w, "model-api");
}

static bool synced(const struct world *w)
{
	return str_ends(str_of(model_api(w)->image), STR(":v6"));
}

static unsigned nodes_of(const struct world *w, bool gpu, enum group g)
{
	unsigned n = 0;
	for (int i = 0; i < NODES_ALL; i++)
		n += w->nodes[i].born && (gpu ? w->nodes[i].group >= GPU : w->nodes[i].group == g);
	return n;
}

/* A row begins; its cells follow, of the kind's columns in order. False: it was deleted here. */
static bool row(const struct world *w, const struct kind *k, const char *key, enum level level, struct buf *b)
{
	const struct touched *t = demo_touched(w, k->name, str_of(key));
	struct str name = str_of(key), ns = k->namespaced ? str_split(&name, '/') : STR("");
	if (t && t->gone)
		return false;
	rows_put(b, str_of(key), level);
	if (k->namespaced)
		cell_text(b, ns);
	cell_text(b, name);
	return true;
}

static void end_row(const struct world *w, const struct kind *k, const char *key, int64_t days, struct buf *b)
{
	struct buf labels = { 0 };
	cell_int(b, w->start - days * 86400000);
	demo_labels(demo_touched(w, k->name, str_of(key)), STR(""), &labels);
	cell_text_or_null(b, buf_str(&labels));
	buf_release(&labels);
}

static void show_kserve(const struct world *w, const struct kind *k, struct buf *b)
{
	if (!row(w, k, PRICE, LEVEL_OK, b))
		return;
	cell_text(b, STR("http://price-model.ml-serving.example.com"));
	cell_text(b, STR("True"));
	cell_int(b, 100 - w->kserve.weight), cell_int(b, w->kserve.weight);
	cell_text(b, w->kserve.weight == 100 ? STR("") : STR("price-model-predictor-00006"));
	cell_text(b, STR("price-model-predictor-00007"));
	cell_int(b, w->kserve.min), cell_int(b, w->kserve.max);
	end_row(w, k, PRICE, 41, b);
}

static void show_seldon(const struct world *w, const struct kind *k, struct buf *b)
{
	if (!row(w, k, CHURN, LEVEL_OK, b))
		return;
	cell_text(b, STR("Available"));
	cell_int(b, 100 - w->seldon_weight), cell_int(b, w->seldon_weight);
	cell_int(b, w->seldon_replicas[0] + w->seldon_replicas[1]);
	end_row(w, k, CHURN, 120, b);
}

static void show_argo(const struct world *w, const struct kind *k, struct buf *b)
{
	bool well = workload_ready(w, model_api(w)) >= model_api(w)->replicas;
	if (row(w, k, "argocd/model-api", synced(w) ? LEVEL_OK : LEVEL_DOUBT, b)) {
		cell_text(b, synced(w) ? STR("Synced") : STR("OutOfSync"));
		cell_text(b, well ? STR("Healthy") : STR("Degraded"));
		cell_text(b, synced(w) ? STR(GIT_V6) : STR(GIT_V7));
		end_row(w, k, "argocd/model-api", 200, b);
	}
	if (row(w, k, "argocd/listings", LEVEL_OK, b)) {
		cell_text(b, STR("Synced")), cell_text(b, STR("Healthy")), cell_text(b, STR("c07d1f2"));
		end_row(w, k, "argocd/listings", 310, b);
	}
}

static bool pool_off(const struct world *w, bool gpu, enum group g)
{
	for (int i = 0; i < NODES_ALL; i++)
		if (w->nodes[i].before && (gpu ? w->nodes[i].group >= GPU : w->nodes[i].group == g))
			return true;
	return false;
}

static void show_pools(const struct world *w, const struct kind *k, struct buf *b)
{
	bool off = pool_off(w, true, GPU);
	if (!row(w, k, "gpu", off ? LEVEL_DONE : LEVEL_OK, b))
		return;
	cell_text(b, STR("default"));
	cell_int(b, nodes_of(w, true, GPU));
	cell_text(b, STR("True"));
	cell_text(b, off ? STR("cpu 0") : STR("cpu 200"));
	end_row(w, k, "gpu", 300, b);
}

void demo_custom_show(const struct world *w, const struct kind *k, struct buf *body)
{
	static void (*const shows[])(const struct world *, const struct kind *, struct buf *) = { show_kserve, show_seldon, show_argo, show_pools };
	shows[k - kinds](w, k, body);
}

bool demo_custom_yaml(const struct world *w, const char *kind, struct str key, struct buf *b)
{
	const struct kind *k = demo_custom_kind(str_of(kind));
	struct str name = key, ns = STR("");
	if (!k)
		return false;
	if (k->namespaced)
		ns = str_split(&name, '/');
	buf_addf(b, "apiVersion: %s\nkind: %s\nmetadata:\n  name: " STR_FMT "\n", k == kinds ? "serving.kserve.io/v1beta1" : k == kinds + 1
		? "machinelearning.seldon.io/v1" : k == kinds + 2 ? "argoproj.io/v1alpha1" : "karpenter.sh/v1", k == kinds ? "InferenceService"
		: k == kinds + 1 ? "SeldonDeployment" : k == kinds + 2 ? "Application" : "NodePool", STR_ARG(name));
	if (ns.n)
		buf_addf(b, "  namespace: " STR_FMT "\n", STR_ARG(ns));
	if (k == kinds)
		buf_addf(b, "spec:\n  predictor:\n    canaryTrafficPercent: %u\n    minReplicas: %u\n    maxReplicas: %u\n", w->kserve.weight,
		         w->kserve.min, w->kserve.max);
	else if (k == kinds + 1)
		buf_addf(b, "spec:\n  predictors:\n  - {name: main, traffic: %u, replicas: %u}\n  - {name: canary, traffic: %u, replicas: %u}\n",
		         100 - w->seldon_weight, w->seldon_replicas[0], w->seldon_weight, w->seldon_replicas[1]);
	else if (k == kinds + 2)
		buf_addf(b, "status:\n  sync:\n    status: %s\n    revision: %s\n", synced(w) ? "Synced" : "OutOfSync", synced(w) ? GIT_V6 : GIT_V7);
	else
		buf_addf(b, "spec:\n  limits:\n    cpu: \"%s\"\n", pool_off(w, true, GPU) ? "0" : "200");
	return true;
}

/* ---- acts */

static const char *const splits[] = { KSERVE, SELDON, NULL }, *const kserve[] = { KSERVE, NULL }, *const seldon[] = { SELDON, NULL },
	*const argo[] = { ARGO, NULL }, *const pools[] = { POOLS, NULL };
enum { CANARY, SCALE_KSERVE, SCALE_SELDON, SYNC, POOL_ZERO, POOL_BACK };
const struct action demo_acts_custom[] = { ACT_CANARY(splits), ACT_SCALE_KSERVE(kserve), ACT_SCALE_SELDON(seldon), ACT_SYNC(argo),
	ACT_SCALE_ZERO(pools), ACT_SCALE_BACK(pools) };

static bool is_seldon(const struct doing *d)
{
	return str_starts(str_of(d->r->kind), STR("seldon"));
}

static bool serving_state(struct doing *d, struct buf *out)
{
	const struct world *w = d->w;
	const struct touched *t = demo_touched(w, is_seldon(d) ? SELDON : KSERVE, str_of(d->r->key));
	if (is_seldon(d))
		buf_addf(out, "%u %u %u", w->seldon_weight, w->seldon_replicas[0], w->seldon_replicas[1]);
	else
		buf_addf(out, "%u %u..%u", w->kserve.weight, w->kserve.min, w->kserve.max);
	return !(t && t->gone) && !strcmp(d->r->key, is_seldon(d) ? CHURN : PRICE);
}

static void patch(struct doing *d, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	doing_step(d, text, "PATCH %s/%s", d->r->kind, d->r->key);
	free(text);
	json_decref(body);
}

static void plan_canary(struct doing *d)
{
	int64_t want = plan_param_int(d->params, "weight", -1);
	unsigned has = is_seldon(d) ? d->w->seldon_weight : d->w->kserve.weight;
	const char *predictor = doing_text(d->params, "predictor");
	if (want < 0 || want > 100)
		SAY(d, "blocked", "say how much: weight is from 0 to 100 percent");
	else if (is_seldon(d) && *predictor && strcmp(predictor, "canary"))
		SAY(d, "blocked", "it has no canary '%.60s': its predictors are main and canary", predictor);
	else if (want == has)
		SAY(d, "already", "the new version has %u %%", has);
	if (is_seldon(d))
		SAY(d, "change", "predictor canary: traffic %u %% -> %lld %%; main gets the rest", has, (long long)want);
	else
		SAY(d, "change", "traffic to the latest revision %u %% -> %lld %%, the rest to price-model-predictor-00006", has, (long long)want);
	patch(d, json_pack("{s:{s:{s:I}}}", "spec", "predictor", is_seldon(d) ? "traffic" : "canaryTrafficPercent", (json_int_t)want));
	SAY(d, "not_undone", "requests that were answered meanwhile");
	plan_undo(d->plan, "canary", json_pack("{s:i}", "weight", (int)has));
}

static bool run_canary(struct doing *d)
{
	unsigned want = (unsigned)plan_param_int(d->params, "weight", 0);
	*(is_seldon(d) ? &d->w->seldon_weight : &d->w->kserve.weight) = want;
	d->w->custom_dirty = true;
	run_say(d->l, d->r->id, STEP_WAITING, 1, 1, "its controller moves the traffic");
	buf_addf(&d->say, "the new version gets %u %%", want);
	return true;
}

static void plan_kserve(struct doing *d)
{
	const struct shares *s = &d->w->kserve;
	int64_t min = plan_param_int(d->params, "min", s->min), max = plan_param_int(d->params, "max", s->max);
	SAY(d, "change", "minReplicas %u -> %lld, maxReplicas %u -> %lld (0: no limit)", s->min, (long long)min, s->max, (long long)max);
	if (min < 0 || max < 0 || min > 10000 || max > 10000)
		SAY(d, "blocked", "replicas are from 0 to 10000");
	else if (max && min > max)
		SAY(d, "blocked", "at least %lld is more than at most %lld", (long long)min, (long long)max);
	else if (min == s->min && max == s->max)
		SAY(d, "already", "it is at %u..%u", s->min, s->max);
	if (min == 0)
		SAY(d, "warnings", "without requests no replica is left: the first request after that waits until one is up");
	patch(d, json_pack("{s:{s:{s:I, s:I}}}", "spec", "predictor", "minReplicas", (json_int_t)min, "maxReplicas", (json_int_t)max));
	plan_undo(d->plan, "scale", json_pack("{s:i, s:i}", "min", (int)s->min, "max", (int)s->max));
}

static bool run_kserve(struct doing *d)
{
	struct shares *s = &d->w->kserve;
	s->min = (unsigned)plan_param_int(d->params, "min", s->min);
	s->max = (unsigned)plan_param_int(d->params, "max", s->max);
	d->w->custom_dirty = true;
	buf_addf(&d->say, "it is at %u..%u", s->min, s->max);
	return true;
}

/* Which predictor is meant; -1: nobody can tell. */
static int predictor_of(const struct doing *d)
{
	const char *name = doing_text(d->params, "predictor");
	return !strcmp(name, "main") ? 0 : !strcmp(name, "canary") ? 1 : -1;
}

static void plan_seldon(struct doing *d)
{
	int i = predictor_of(d);
	int64_t want = plan_param_int(d->params, "replicas", -1);
	unsigned has = d->w->seldon_replicas[i == 1];
	if (i < 0)
		SAY(d, "blocked", "it has 2 predictors, main and canary: say which one (predictor)");
	else if (want < 0 || want > 100)
		SAY(d, "blocked", "say how many: replicas is from 0 to 100");
	else if (want == has)
		SAY(d, "already", "it is at %u", has);
	SAY(d, "change", "replicas of %s %u -> %lld", i == 1 ? "canary" : "main", has, (long long)want);
	patch(d, json_pack("[{s:s, s:s, s:I}]", "op", "add", "path", i == 1 ? "/spec/predictors/1/replicas" : "/spec/predictors/0/replicas",
		"value", (json_int_t)want));
	plan_undo(d->plan, "scale", json_pack("{s:i, s:s}", "replicas", (int)has, "predictor", i == 1 ? "canary" : "main"));
}

static bool run_seldon(struct doing *d)
{
	int i = predictor_of(d);
	unsigned *n = &d->w->seldon_replicas[i == 1];
	*n = (unsigned)plan_param_int(d->params, "replicas", *n);
	d->w->custom_dirty = true;
	buf_addf(&d->say, "predictor %s has %u replicas", i == 1 ? "canary" : "main", *n);
	return true;
}

/* ---- Argo CD */

static bool argo_state(struct doing *d, struct buf *out)
{
	bool known = !strcmp(d->r->key, "argocd/model-api") || !strcmp(d->r->key, "argocd/listings");
	buf_addf(out, "%s %u", synced(d->w) ? "Synced" : "OutOfSync", d->w->argo_synced);
	return known;
}

static void plan_sync(struct doing *d)
{
	const char *revision = doing_text(d->params, "revision"), *now = synced(d->w) ? GIT_V6 : GIT_V7;
	bool old = !strcmp(revision, GIT_V7);
	if (strcmp(d->r->key, "argocd/model-api")) {
		SAY(d, "already", "it is in sync");
		SAY(d, "change", "nothing: the cluster is as c07d1f2 says");
		return;
	}
	if (*revision && !old && strcmp(revision, GIT_V6) && strcmp(revision, "HEAD"))
		SAY(d, "blocked", "git has no revision '%.40s' of it: it has %s (HEAD, v6) and %s (v7)", revision, GIT_V6, GIT_V7);
	else if (synced(d->w) != old)
		SAY(d, "already", "the cluster is as %s says", old ? GIT_V7 : GIT_V6);
	SAY(d, "change", "%s (%s) -> %s", now, synced(d->w) ? "Synced" : "OutOfSync", old ? GIT_V7 : "HEAD " GIT_V6);
	SAY(d, "change", "deployment ml-serving/model-api: image %s -> registry.internal/model-api:%s", model_api(d->w)->image, old ? "v7" : "v6");
	doing_step(d, "{\"operation\":{\"sync\":{}}}", "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, "sync", json_pack("{s:s}", "revision", now));
	SAY(d, "not_undone", "what hooks of the sync did");
}

static bool run_sync(struct doing *d)
{
	bool old = !strcmp(doing_text(d->params, "revision"), GIT_V7);
	struct workload *l = world_workload(d->w, "model-api");
	world_roll(d->w, l, old ? "registry.internal/model-api:v7" : "registry.internal/model-api:v6", l->limit_mi, old ? EATS_MEMORY : WELL);
	d->w->argo_synced++;
	d->w->custom_dirty = true;
	run_say(d->l, d->r->id, STEP_WAITING, 1, 1, "Running");
	buf_addf(&d->say, "Succeeded: it is as %s says", old ? GIT_V7 : GIT_V6);
	return true;
}

/* ---- node pools and node groups to no nodes, and back */

struct pool { bool there, gpu; enum group group; };

/* The pool of Karpenter by its name, a managed group of EKS by its row in what is paid for. */
static struct pool pool_of(const struct request *r)
{
	struct str key = str_of(r->key), name = key;
	while (memchr(name.p, '/', name.n))
		str_split(&name, '/');
	bool karpenter = !strcmp(r->kind, POOLS) || str_is(str_of(r->kind), "nodepools");
	if (karpenter)
		return (struct pool){ str_is(key, "gpu"), true, GPU };
	return (struct pool){ str_starts(key, STR("group/node group/")) && (str_is(name, "cpu") || str_is(name, "system")), false,
		str_is(name, "cpu") ? CPU : SYSTEM };
}

static bool in_pool(const struct node *n, const struct pool *p)
{
	return p->gpu ? n->group >= GPU : n->group == p->group;
}

static bool pool_state(struct doing *d, struct buf *out)
{
	struct pool p = pool_of(d->r);
	buf_addf(out, "%u nodes", nodes_of(d->w, p.gpu, p.group));
	return p.there;
}

static void say_pods(struct doing *d, const struct pool *p)
{
	unsigned pods = 0, stuck = 0;
	double per_hour = json_number_value(json_object_get(d->params, "per_hour"));
	for (const struct pod *q = d->w->pods; q < d->w->pods + PODS_MAX; q++)
		if (pod_alive(q) && q->node >= 0 && in_pool(&d->w->nodes[q->node], p) && !pod_is_daemon(d->w, q))
			pods++, stuck += q->workload < 0 || d->w->workloads[q->workload].plan->group == d->w->nodes[q->node].group;
	SAY(d, "change", "its %u nodes go, with %u pods besides those of daemon sets", nodes_of(d->w, p->gpu, p->group), pods);
	if (stuck)
		SAY(d, "warnings", "about %u of these pods find no place on the other nodes: their node selector names this pool", stuck);
	if (p->group == SYSTEM)
		SAY(d, "warnings", "what the cluster itself runs is on these nodes: names are resolved no more");
	if (per_hour > 0)
		SAY(d, "change", "saves about %.2f an hour", per_hour);
}

static void plan_pool(struct doing *d)
{
	struct pool p = pool_of(d->r);
	bool zero = !strcmp(d->r->what, "scale-zero"), off = pool_off(d->w, p.gpu, p.group);
	if (zero == off)
		SAY(d, "already", zero ? "it has no nodes already" : "it has its nodes");
	if (zero)
		say_pods(d, &p);
	else
		SAY(d, "change", "the nodes that there were come back; pods that wait find a place");
	if (p.gpu)
		doing_step(d, zero ? "{\"spec\":{\"limits\":{\"cpu\":\"0\"}}}" : "{\"spec\":{\"limits\":{\"cpu\":\"200\"}}}", "PATCH %s/%s", d->r->kind, d->r->key);
	else
		doing_step(d, zero ? "{\"scalingConfig\":{\"minSize\":0,\"desiredSize\":0}}" : "the sizes of before",
		           "POST /clusters/demo/node-groups/%s/update-config", p.group == CPU ? "cpu" : "system");
	SAY(d, "not_undone", "pods that ended; others start in their place when the nodes are back");
	plan_undo(d->plan, zero ? "scale-back" : "scale-zero", NULL);
}

static bool run_pool(struct doing *d)
{
	struct pool p = pool_of(d->r);
	struct world *w = d->w;
	bool zero = !strcmp(d->r->what, "scale-zero");
	unsigned changed = 0;
	for (int i = 0; i < NODES_ALL; i++) {
		struct node *n = &w->nodes[i];
		if (!in_pool(n, &p) || !(zero ? n->born : n->before))
			continue;
		changed++;
		for (struct pod *q = w->pods; zero && q < w->pods + PODS_MAX; q++)
			if (pod_alive(q) && q->node == i)
				world_end_pod(w, q);
		n->before = zero ? n->born : 0;
		n->born = zero ? 0 : w->now;
		n->ready = !zero;
	}
	w->nodes_dirty = w->workloads_dirty = w->custom_dirty = true;
	buf_addf(&d->say, zero ? "%u nodes go" : "%u nodes are back", changed);
	return true;
}

const struct demo_way demo_ways_custom[] = {
	{ demo_acts_custom + CANARY, serving_state, plan_canary, run_canary },
	{ demo_acts_custom + SCALE_KSERVE, serving_state, plan_kserve, run_kserve },
	{ demo_acts_custom + SCALE_SELDON, serving_state, plan_seldon, run_seldon },
	{ demo_acts_custom + SYNC, argo_state, plan_sync, run_sync },
	{ demo_acts_custom + POOL_ZERO, pool_state, plan_pool, run_pool },
	{ demo_acts_custom + POOL_BACK, pool_state, plan_pool, run_pool },
	{ &act_group_zero, pool_state, plan_pool, run_pool },
	{ &act_group_back, pool_state, plan_pool, run_pool },
	{ .action = NULL },
};
