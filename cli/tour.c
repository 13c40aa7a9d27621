/* tour: the demo's story, step by step: prices shift, drift rises, the pipeline retrains, a challenger appears, predictions
 * differ, cost climbs as a GPU node starts. `binnacle demo --tour` walks through it; the seconds are those of
 * backends/demo/script.c. */
#include "cli/session.h"

const char demo_config[] =
	"promotions:\n"
	"  real_estate_model:\n"
	"    gates:\n"
	"      - {metric: rmse, better_by: 1%}\n"
	"      - {metric: r2_score, at_least: 0.35}\n"
	"      - {metric: mae, worse_at_most: 5%}\n"
	"      - {signature: same}\n"
	"      - {trained_within: 1d}\n"
	"      - {some: drift, where: age<6h, say: drift was checked in the last 6 hours}\n"
	"      - {predictions: 20, challenger: model-api-v7, champion: model-api, differ_below: 15%}\n"
	"      - {latency: model-api-v7, below: 300ms}\n"
	"    steps:\n"
	"      - {action: canary, kind: inferenceservices.serving.kserve.io, name: ml-serving/price-model, params: {weight: \"50\"}}\n"
	"      - {action: reload, kind: modelendpoints, name: model-api}\n"
	"      - {action: restart, kind: deployments, name: ml-serving/explainer, until: ready=2/2, within: 2m}\n"
	"    verify:\n"
	"      for: 20s\n"
	"      every: 2s\n"
	"      failures: 3\n"
	"      checks:\n"
	"        - {kind: modelendpoints, name: model-api, where: 'version={version} status=ready', say: model-api serves the version}\n"
	"        - {kind: modelendpoints, name: model-api, errors_below: 2%, slower_below: 150%, say: errors and latency of model-api}\n"
	"        - {kind: modelendpoints, name: model-api, predictions: 10, differ_below: 25%, say: predictions of model-api}\n";

const char demo_retrain[] =
	"retrain: {pipeline: mlops_full_pipeline, conf: {source: 's3://data-raw/{batch}', model: '{model}'}}";

static const struct tour_step steps[] = {
	{ "It is 3 in the morning, and you are on call for a company that prices houses. The first screen says what is wrong, since "
	  "when, where, and what changed before it. Space goes on, PgUp goes back, every other key works as ever.",
	  "triage", 0 },
	{ "model-api went out as v7 and its pods die. This is the cluster, narrowed to what is not well: rows come and go, the row "
	  "under the cursor stays under the cursor.",
	  "pods status!=Running status!=Completed status!=Pending", 0 },
	{ "Why? The likeliest cause comes first, each with its evidence: killed for memory, right after the new revision, while the "
	  "one before needed less.",
	  "deployments name~model-api\nwhy", 0 },
	{ "Before rolling back, how did v7 come to be? Prices have shifted: the scores of the last checks climb over their "
	  "threshold, and the features below are ranked by how often and how strongly they moved.",
	  "drift", 0 },
	{ "Drift called the pipeline. Its training waits: it wants a GPU, and there is none free. A strip of past outcomes, the "
	  "next run, the usual time: all pipelines on one screen, whatever runs them.",
	  "pipelines", 0 },
	{ "Five minutes on: a GPU node has joined, and training runs. Tasks stand on a time axis, waiting apart from working, "
	  "with the critical path and when it should end.",
	  "runs pipeline=mlops_full_pipeline state=running\nopen", 340 },
	{ "The GPU node costs. What the cluster burns an hour, what this session's budget has left, when it runs out, and which "
	  "group to switch off to last longer.",
	  "cost", 360 },
	{ "When did what happen? One axis for all systems: the rollout and the crashes after it, the run that drift called, the node that "
	  "joined, spend that jumped. It is remembered from day to day, and what others on the team saw is on it too; T on any row asks "
	  "what changed in the half hour before.",
	  "timeline", 380 },
	{ "The registry: v6 is champion, v7 the challenger. Champion against challenger, with the better figure marked and what "
	  "differs in parameters and signature. A better r2 is not the whole story.",
	  "registry\ncompare", 0 },
	{ "So ask both. The same house is priced by v6, and each input's part in the answer stands beside it. The arrow keys change "
	  "an input and the picture follows; v asks the other version the same.",
	  "predict\nopen", 0 },
	{ "Enough seen: the rollout goes back to v6. The plan says exactly what would be sent, what changes, what the server said to "
	  "a dry run; nothing leaves before you confirm, and a line is in the audit file first. Esc leaves all as it is.",
	  "deployments name~model-api\naction rollback", 0 },
	{ "What if v7 had been promoted here? Both versions side by side, gates with their figures, the steps with what checks and what "
	  "undoes each: first half of the traffic of a canary, then the reload. Press Enter and watch: its pods are killed under load, "
	  "errors rise, and it goes back by itself.",
	  "promote real_estate_model 7 reason=\"rmse 2.3 % better\"", 0 },
	{ "Or you are told in the morning: what was in production five days ago is one line away, `:rollback MODEL at 5d`, and the "
	  "version before two keys: B on a model, an endpoint or a finding, look, Enter. What changes and what cannot be undone is said.",
	  "rollback real_estate_model at 5d", 0 },
	{ "And the whole platform in one list, from pipeline to prediction, with its evidence. The same headless: `binnacle verify`, "
	  "`binnacle triage`, `binnacle get`. That is the tour; the demo goes on as long as you like.",
	  "verify", 0 },
	{ .caption = NULL },
};
const struct tour demo_tour = { "a night on call", steps };
