#!/usr/bin/env bash
# Promotions across a registry, a service that loads from it, and a cluster: shown, done, verified, gone back by themselves, cut off by
# faults at every step (by SIGKILL: t-58e); recovered on and back; rolled back, and back to a time.
# needs: mlflow1 mlflow2 mlflow3
# limit: 3000
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t58_$$ ns=t58-$$ proxy_pid=""
state=$XDG_STATE_HOME/binnacle
clean() {
	kill $service_pid $proxy_pid
	kubectl delete namespace $ns --wait=false
	for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do python3 "$live_tests/mlseed.py" "$url" --delete "$model"; done
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
restarted() {
	kubectl -n $ns get deployment web -o 'jsonpath={.spec.template.metadata.annotations}'
}
# config NAME MLFLOW [GATES] [ON_FAILURE] [CHECK]: registry, reload, restart, verify; "short": without the cluster; "shortcanary": with
# a canary of KServe instead
config() {
	cat >"$scratch/$1.yaml" <<-END
	environments: {dev: {guard: confirm}}
	sources:
	  registry: {type: mlflow, environment: dev, url: '$2', timeout: 12s}
	  api: {type: serving, environment: dev, url: '$service', timeout: 4s}
	  kube: {type: kubernetes, environment: dev, kubeconfig: '$KUBECONFIG'}
	promotions:
	  "$model":
	    gates: [${3:-}]
	    on_failure: ${4:-rollback}
	    steps:
	      - {action: reload, kind: modelendpoints, name: api, source: api, params: {version: "{version}", within: 8s}}
	END
	[[ $1 != shortcanary* ]] || for weight in 10 50 100; do
		echo "      - {action: canary, kind: inferenceservices, name: $ns/price, source: kube, params: {weight: '$weight'}, pause: 1s}"
	done >>"$scratch/$1.yaml"
	[[ $1 == short* ]] || echo "      - {action: restart, kind: deployments, name: $ns/web, source: kube, until: 'ready=2/2', within: 60s}" >>"$scratch/$1.yaml"
	cat >>"$scratch/$1.yaml" <<-END
	    verify: {for: 2s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: "version={version} ${5:-status=ready}"}]}
	END
}
for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do check "seeded: $url" python3 "$live_tests/mlseed.py" "$url" "$model"; done
{
	kubectl create namespace $ns
	kubectl -n $ns create deployment web --image=registry.example.com/web:v1 --replicas=2
	kubectl -n $ns rollout status deployment web --timeout=180s
} >/dev/null 2>&1
serve
config full "$MLFLOW3_URL" '{metric: r2_score, at_least: 0.35}'
config short "$MLFLOW3_URL"
config strict "$MLFLOW3_URL" '{metric: r2_score, at_least: 0.9, say: far too good}'
config shorthold "$MLFLOW3_URL" '' hold
check "the configuration is right" binnacle --config "$scratch/full.yaml" config check

# --- shown, and nothing changed
said=$(bin full promote "$model" 7 --reason 'r2 0.447' --plan)
like "the plan: gate, all steps with their requests and undo, checks" \
	"promote $model: v6 -> v7.*gate pass.*0.447.*step 1  registry.*alias champion v6 -> v7.*step 2  api.*POST /reload.*\(after the others\).*step 3  kube: restart.*PATCH.*dry run: accepted.*undo: rollback.*until ready=2/2.*verify.*exit 0" "$said"
equal "nothing is changed by it" "6 6" "$(both)"
like "without a terminal: --yes" 'nothing was done.*--yes.*exit 5' "$(bin full promote "$model" 7 --reason x)"
like "a reason is wanted" 'needs a reason.*exit 5' "$(bin full promote "$model" 7 --yes)"
like "no such version" 'there is no v99.*exit 1' "$(bin full promote "$model" 99 --reason x --yes)"
like "a gate that fails" 'gate fail +far too good.*1 gate does not pass.*exit 6' "$(promote strict)"
like "and JSON of it" '"state": "planned".*"result": "fail"' "$(bin strict promote "$model" 7 --reason x --plan --json)"
like "read-only" 'read-only.*exit 5' "$(bin full promote "$model" 7 --reason x --yes --readonly)"
equal "nothing is changed by any" "6 6" "$(both)"

# --- done, rolled back, back to a time
before=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 1
said=$(promote full)
like "promoted across three systems, verified" 'alias champion: v7.*it serves v7.*2 of 2 pods are ready.*ready 2/2.*verifying.*done.*exit 0' "$said"
equal "registry and service say so" "7 7" "$(both)"
like "the cluster too" restartedAt "$(restarted)"
said=$(bin full rollback "$model" --yes)
like "rolled back to the one before" 'v7 -> v6.*it serves v6.*done.*exit 0' "$said"
equal "both serve it" "6 6" "$(both)"
promote short >/dev/null
said=$(bin short rollback "$model" --at "$before" --yes)
like "rolled back to what was in production then" 'v7 -> v6.*done.*exit 0' "$said"
like "before anything is remembered: said, and nothing done" 'not known: what is remembered of this model begins.*exit 1' \
	"$(bin short rollback "$model" --at '2001-01-01 10:00' --yes)"
like "no time" "'yesterdayish' is no time.*exit 2" "$(bin short rollback "$model" --at yesterdayish)"
said=$(promote strict --override 'the old one is broken' --type "$model")
like "overridden with a reason" 'overridden: the old one is broken.*done.*exit 0' "$said"
like "which the audit has, with the gate" 'far too good.*fail.*override.*the old one is broken' "$(grep '"event":"runbook"' "$state/audit.jsonl")"
reset

# --- a canary: 10, 50, 100 %, each with a pause; a verification that fails takes the weights back too
kubectl -n $ns apply -f - >/dev/null 2>&1 <<-YAML
	{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: price}, spec: {predictor: {model: {modelFormat: {name: sklearn}}, canaryTrafficPercent: 5}}}
YAML
weight() { kubectl -n $ns get inferenceservice price -o 'jsonpath={.spec.predictor.canaryTrafficPercent}'; }
check "an InferenceService with 5 %" test "$(weight)" = 5
config shortcanary "$MLFLOW3_URL"
said=$(promote shortcanary)
like "promoted with a canary of three weights" 'step 3: .*10 %.*step 4: .*50 %.*step 5: .*100 %.*verifying.*done.*exit 0' "$said"
equal "all of it gets the new one: no canary is left" " 7 7" "$(weight) $(both)"
said=$(bin shortcanary rollback "$model" --yes)
like "and back straight, without the stages" 'done.*exit 0' "$said"
unlike "no stage in between" '(10|50) %' "$said"
kubectl -n $ns patch inferenceservice price --type merge -p '{"spec": {"predictor": {"canaryTrafficPercent": 5}}}' >/dev/null
config shortcanarywrong "$MLFLOW3_URL" '' rollback stage=nowhere
like "a verification that fails after it takes all back, past the weights in one leap" 'failed 2 times in a row.*with step 3.*rolled back.*exit 7' "$(promote shortcanarywrong)"
equal "weight, registry and service are as they were" "5 6 6" "$(weight) $(both)"
reset

# --- faults at each step
config shortwrong "$MLFLOW3_URL" '' rollback stage=nowhere
said=$(promote shortwrong)
like "verify that fails twice in a row goes back by itself" 'failed 2 times in a row: version 7, stage champion.*rolled back.*exit 7' "$said"
equal "registry and service are back" "6 6" "$(both)"
reset
fault '{"reload": "broken"}'
like "a reload that fails (500) goes back" 'step 2.*failed.*rolled back.*exit 7' "$(promote short)"
equal "and all is v6" "6 6" "$(both)"
fault '{"reload": "broken"}'
like "told to hold, it asks instead" 'somebody has to decide.*exit 8' "$(promote shorthold)"
equal "half of it is done, and that is told" "7 6" "$(both)"
like "what is unfinished is listed" "promote $model to v7: done.*reload.*failed.*exit 8" "$(bin short runbooks)"
like "and stands in the way of another" 'is unfinished.*exit 8' "$(promote short)"
fault '{}'
like "mended, it goes on" 'it serves v7.*done.*exit 0' "$(bin short runbooks --go-on last --yes)"
equal "to the end" "7 7" "$(both)"
reset
fault '{"reload": "cut"}'
said=$(promote short)
like "an answer that is lost is looked for" 'it serves v7.*done.*exit 0' "$said"
reset
kill $service_pid
wait $service_pid 2>/dev/null
like "a service that is gone: no plan, nothing done" 'exit [15]' "$(promote short)"
equal "the registry is as it was" 6 "$(champion)"
serve

# through MODE [WHICH [URL]]: a promotion through registryfault.py; of that registry alone where a URL is given
through() {
	: >"$scratch/port"
	python3 "$live_tests/registryfault.py" "${3:-$MLFLOW3_URL}" "$1" "${2:-change}" >"$scratch/port" 2>/dev/null &
	proxy_pid=$!
	within 20 test -s "$scratch/port"
	config short-faulty "http://127.0.0.1:$(<"$scratch/port")"
	[[ -z ${3:-} ]] || echo "sources: {old: {type: mlflow, url: 'http://127.0.0.1:$(<"$scratch/port")', timeout: 12s}}" >"$scratch/short-faulty.yaml"
	promote short-faulty
	kill $proxy_pid 2>/dev/null
	wait $proxy_pid 2>/dev/null
}
for status in 409 429; do
	like "the registry says $status: nothing was changed, and that is said" 'failed: .*exit 1' "$(through $status)"
	equal "nothing was" "6 6" "$(both)"
done
said=$(through 500)
like "500 may be either: it is looked, and was not taken" 'cannot be told.*failed.*exit 1' "$said"
said=$(through lost)
like "an answer lost after it was taken: looked for, found, gone on" 'cannot be told.*step 1: .*alias champion: v7.*it serves v7.*done.*exit 0' "$said"
reset
said=$(through gone)
like "the registry is gone after it took it: nobody can tell, so it asks" 'somebody has to decide.*exit 8' "$said"
equal "it was taken" "7 6" "$(both)"
like "back again, the next program sees that it was, and takes it back" 'rolled back.*exit 7' "$(bin short runbooks --go-back last --yes)"
equal "so it is" "6 6" "$(both)"
like "nothing is unfinished" 'nothing is unfinished.*exit 0' "$(bin short runbooks)"

# --- the same of older registries, by stage and by alias, and of tags that come after
for url in "$MLFLOW1_URL" "$MLFLOW2_URL"; do
	echo "sources: {old: {type: mlflow, url: '$url'}}" >"$scratch/old.yaml"
	like "$url: promoted" 'done.*exit 0' "$(promote old)"
	equal "$url: it is" 7 "$(champion "$url")"
	like "$url: rolled back" 'done.*exit 0' "$(bin old rollback "$model" --yes)"
	equal "$url: it is, too" 6 "$(champion "$url")"
done
for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do
	for mode in 409 429; do
		like "$url, $mode: nothing was changed, and that is said" 'failed: .*exit 1' "$(through $mode change "$url")"
		equal "$url, $mode: nothing was" 6 "$(champion "$url")"
	done
	for mode in 500 html before; do
		said=$(through $mode change "$url")
		echo "sources: {old: {type: mlflow, url: '$url'}}" >"$scratch/old.yaml"
		like "$url, $mode: it is looked, and told" 'cannot be told.*(failed.*exit 1|somebody has to decide.*exit 8)' "$said"
		[[ $said != *"exit 8"* ]] || like "$url, $mode: held, as nothing was done" 'exit 8' "$(bin old runbooks --leave last --yes)"
		equal "$url, $mode: it was not taken" 6 "$(champion "$url")"
	done
	for mode in lost slow; do
		said=$(through $mode change "$url")
		echo "sources: {old: {type: mlflow, url: '$url'}}" >"$scratch/old.yaml"
		if [[ $url == "$MLFLOW1_URL" ]]; then      # of two stages one is changed
			like "$url, $mode: done in part, which is told and asked about" 'is done in part.*v6,v7.*somebody has to decide.*exit 8' "$said"
			said=$(bin old runbooks --go-on last --yes)
			like "$url, $mode: it goes on to the end" 'done.*exit 0' "$said"
		else
			like "$url, $mode: taken without an answer: looked for, found" 'cannot be told.*step 1: .*v7.*done.*exit 0' "$said"
		fi
		equal "$url, $mode: v7 alone is in production" 7 "$(champion "$url")"
		bin old rollback "$model" 6 --yes >/dev/null
	done
	like "$url: production changed, its tags refused: all goes back" 'rolled back.*exit 7' "$(through 429 tag "$url")"
	equal "$url: as it was" 6 "$(champion "$url")"
done
finish
