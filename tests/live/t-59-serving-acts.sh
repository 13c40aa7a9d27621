#!/usr/bin/env bash
# Acts on what serves: reload, unload and warm up an endpoint whose model comes from MLflow and S3; canary weight and scale of
# KServe's and Seldon's objects, and Argo CD's sync, on the genuine API server (what their controllers say is written by hand).
# needs: mlflow1 mlflow3 s3 mlserver
. "$(dirname "$0")/lib.sh"

drive_bin=$(dirname "$BINNACLE")/tests/live/drive
model=t59_$$
bucket=t59-$$
space=t59-$$
service_pid=''
clean() {
	[[ -z $service_pid ]] || kill "$service_pid"
	kubectl delete namespace "$space" --wait=false
	for url in "$MLFLOW1_URL" "$MLFLOW3_URL"; do
		curl -fsS -X DELETE -H 'Content-Type: application/json' "$url/api/2.0/mlflow/registered-models/delete" -d "{\"name\":\"$model\"}"
	done
	rm -rf "${S3_DATA:?}/$bucket"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT

# --- what is loaded: two versions with their weights in S3, the third without
# put PATH FILE
put() {
	curl -fsS -m 10 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 -u "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
		-H "x-amz-content-sha256: $(sha256sum <"$2" | cut -c1-64)" -H 'Content-Type: application/json' --data-binary "@$2" "$S3_URL/$1" >/dev/null
}
weights() {
	python3 -c 'import json, sys
scale = float(sys.argv[1])
names = "bed bath acre_lot house_size state_price_mean is_sold rooms_per_sqft".split()
print(json.dumps({"weights": {n: scale * (i + 1) / 20 for i, n in enumerate(names)}, "base": 12.5}))' "$1"
}
post() {
	curl -fsS -m 20 -X POST -H 'Content-Type: application/json' "$1/api/2.0/mlflow/$2" -d "$3" >/dev/null
}
champion() {
	if [[ $1 == "$MLFLOW1_URL" ]]; then
		for v in 1 2 3; do
			local stage=Archived
			[[ $v != "$2" ]] || stage=Production
			post "$1" model-versions/transition-stage "{\"name\":\"$model\",\"version\":\"$v\",\"stage\":\"$stage\"}"
		done
	else
		post "$1" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"$2\"}"
	fi
}
put "$bucket" /dev/null
for v in 1 2; do weights "$v" >"$scratch/model.json" && put "$bucket/$model/$v/model.json" "$scratch/model.json"; done
for url in "$MLFLOW1_URL" "$MLFLOW3_URL"; do
	post "$url" registered-models/create "{\"name\":\"$model\"}"
	for v in 1 2 3; do
		post "$url" model-versions/create "{\"name\":\"$model\",\"source\":\"s3://$bucket/$model/$v\"}"
	done
	champion "$url" 1
done
port=$(free_ports 1)
serve() {
	env -u PG_URI python3 "$live_tests/model_service.py" "$port" 9 --mlflow "$1" --model "$model" >"$scratch/service.log" 2>&1 &
	service_pid=$!
	within 20 curl -fsS "http://127.0.0.1:$port/health" || not_ok "the service starts" "$(<"$scratch/service.log")"
}
service="http://127.0.0.1:$port"
serves() {
	curl -fsS -m 10 "$service/model" | python3 -c 'import json, sys; m = json.load(sys.stdin); print(m["model_version"], m["loaded_from"])'
}
fault() {
	curl -fsS -m 10 "$service/faults" -d "$1" >/dev/null
}
drive() {
	timeout -k 5 180 "$drive_bin" --audit "$scratch/audit" --wait 90000 "$@" 2>&1
}
settings="{type: serving, environment: dev, url: '$service', timeout: 4s}"
act() {
	drive --source "$settings" "${@:3}" act "$1" modelendpoints cluster "$2"
}

serve "$MLFLOW3_URL"
equal "the service loaded the champion from S3" "1 s3://$bucket/$model/1/model.json" "$(serves)"
said=$(drive --source "$settings" plan reload modelendpoints cluster)
like "the plan: what it serves, what is sent, what undoes it" 'it serves v1; what it becomes is unknown.*POST /reload.*"last": true.*put the registry back first' "$said"
unlike "and nothing was asked to load" '"/reload"' "$(curl -fsS "$service/calls")"
champion "$MLFLOW3_URL" 2
said=$(act reload '{"version":"2","within":"10s"}' --undo)
like "reloaded: read back" 'step: taken, it says v2.*it serves v2, ready, after [0-9.]+ s.*state: done' "$said"
like "undone while the registry still says so: it loads what the registry says, and that is told" 'it serves v2, not v1: that is what it found in its registry.*state: failed' "$said"
equal "it has the new weights" "2 s3://$bucket/$model/2/model.json" "$(serves)"
like "there already: nothing to do" '"already": "it serves v2".*there is nothing to do: it serves v2' "$(act reload '{"version":"v2"}')"
champion "$MLFLOW3_URL" 1
like "without a version: whatever comes" 'it serves v1, ready.*state: done' "$(act reload '{}')"

# --- faults
champion "$MLFLOW3_URL" 3
like "it fails to load (the object is not there) and keeps the old one" 'it answered 500: keeps version 1: HTTPError.*it serves v1.*state: failed' "$(act reload '{"version":"3"}')"
champion "$MLFLOW3_URL" 2
fault '{"reload": "broken"}'
like "told to fail: keeps the old one" '500: keeps version 1: ValueError.*it serves v1.*state: failed' "$(act reload '{"version":"2"}')"
fault '{"reload": "html"}'
like "a web page with 500" 'answered 500 with a web page.*it serves v1.*state: failed' "$(act reload '{"version":"2"}')"
fault '{"reload": "silent"}'
like "says well, but keeps the old one: seen by its answer" 'it serves v1, not v2.*state: failed' "$(act reload '{"version":"2","within":"2s"}')"
fault '{"reload": "wrong"}'
like "says a version that it does not serve" 'it serves v1.*still, after.*state: failed' "$(act reload '{"version":"2","within":"2s"}')"
fault '{"reload": "lost"}'
like "no answer and not taken: told, not guessed" 'may have been taken; looking.*it serves v1 still.*state: failed' "$(act reload '{"version":"2","within":"2s"}')"
like "without a version nobody can tell" 'it serves v1 as before.*cannot be told.*state: failed' "$(act reload '{"within":"2s"}')"
fault '{"reload": "cut"}'
like "no answer but taken: found by looking" 'may have been taken; looking.*but it was taken: it serves v2, ready.*state: done' "$(act reload '{"version":"2","within":"10s"}')"
champion "$MLFLOW3_URL" 1
fault '{"reload_ms": 6000}'
like "slower than its answer may take: the same" 'did not answer within 4 s.*looking.*but it was taken: it serves v1.*state: done' "$(act reload '{"version":"1","within":"20s"}')"
champion "$MLFLOW3_URL" 2
fault '{"reload_ms": 6000}'
like "stopped while it loads" 'state: cancelled' "$(act reload '{"version":"2"}' --cancel 1000)"
serves_two() {
	[[ $(serves) == 2* ]]
}
within 30 serves_two
fault '{}'
champion "$MLFLOW3_URL" 1
like "loaded by another between plan and run" 'serves something else since the plan was shown.*plan again.*state: failed' \
	"$(act reload '{"version":"1"}' --between "curl -fsS -X POST $service/reload >/dev/null")"
like "read-only" 'read-only here' "$(act reload '{}' --readonly)"

# --- which registry: said by what is read of it
champion "$MLFLOW3_URL" 2
printf 'environments:\n  dev: {}\nsources:\n  api:\n    type: serving\n    environment: dev\n    url: %s\n  mlflow3:\n    type: mlflow\n    environment: dev\n    url: %s\n' \
	"$service" "$MLFLOW3_URL" >"$scratch/b.yaml"
screen=$(dirname "$BINNACLE")/tests/live/screen_drive
if "$screen" 120x40 "$BINNACLE" --config "$scratch/b.yaml" --pane predict >"$scratch/screen" 2>&1 <<DRIVE
wait 20 rest
keys :models name=$model\r
wait 20 v2
keys :modelendpoints\r
wait 10 ready
keys :action reload\r
wait 10 mlflow3 has v2 as champion: it becomes v2
keys y
wait 20 it serves v2, ready
keys q
keys Q
end 0
DRIVE
then ok "with its registry beside it, the plan says what it becomes"; else not_ok "with its registry beside it, the plan says what it becomes" "$(<"$scratch/screen")"; fi

# --- warm up
fault '{"cold": 3}'
curl -fsS "$service/predict" -d '{"house_size": 1500}' >/dev/null
said=$(act warm-up '{"calls": 12}')
like "warm-up: with what the service remembers, the first slower than the last" '12 predictions with 1 different inputs, from what the service remembers.*12 of 12 answered: the first took (1[5-9][0-9]|[2-9][0-9]{2}|[0-9]{4,})\.[0-9] ms, the last 6 [0-9.]+ ms.*v2 answered.*state: done' "$said"
equal "so many were asked" 13 "$(curl -fsS "$service/calls" | python3 -c 'import json, sys; print(json.load(sys.stdin)["/predict"])')"
fault '{"status": 500}'
like "one that fails is left in peace after three" '0 of 20 answered; 3 failed: 500: told to fail.*state: failed' "$(act warm-up '{}')"
fault '{}'
like "not ready is no use" 'blocked.*it is not ready' "$(fault '{"unready": 1}'; act warm-up '{}'; fault '{}')"
like "too many" 'from 1 to 500' "$(act warm-up '{"calls": 5000}')"
kill "$service_pid"
wait "$service_pid" 2>/dev/null
like "a service that is gone" 'cannot be reached' "$(act reload '{}')"

# --- by stages: MLflow 1.28
serve "$MLFLOW1_URL"
champion "$MLFLOW1_URL" 2
like "MLflow 1.28: by stage" 'it serves v2, ready.*state: done' "$(act reload '{"version":"2"}')"
kill "$service_pid"
wait "$service_pid" 2>/dev/null
service_pid=''

# --- MLServer: load and unload
settings="{type: serving, environment: dev, url: '$MLSERVER_URL'}"
said=$(drive --source "$settings" act reload modelendpoints cluster/price '{"within":"20s"}')
like "MLServer loads anew by its repository API" 'POST /v2/repository/models/price/load.*it serves v3, ready.*state: done' "$said"
said=$(drive --source "$settings" --undo act unload modelendpoints cluster/tensor '{}')
like "unloaded, and loaded again by undo" 'models/tensor/unload.*state: done.*models/tensor/load.*it serves v1, ready.*state: done' "$said"
settings="{type: serving, environment: dev, protocol: mlflow, url: '$MLSERVER_URL'}"
like "who has none says what to do instead" 'blocked.*restart it with the new one' "$(drive --source "$settings" plan reload modelendpoints cluster)"

# --- KServe and Seldon: on the API server
kubectl apply -f "$live_tests/crds.yaml" >/dev/null
kubectl create namespace "$space" >/dev/null
within 20 kubectl get seldondeployments,applications -n "$space"
kubectl apply -f - >/dev/null <<YAML
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: price, namespace: $space}
spec: {predictor: {minReplicas: 1, model: {modelFormat: {name: sklearn}, storageUri: "s3://models/price/7"}}}
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: price, namespace: $space}
spec:
  predictors:
  - {name: main, traffic: 90, replicas: 2, graph: {name: m}}
  - {name: other, traffic: 10, graph: {name: o}}
  - {name: mirror, shadow: true, graph: {name: s}}
  - {name: next, traffic: 0, graph: {name: n}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: serving, namespace: $space}
spec: {project: default, source: {repoURL: "https://example.com/x.git", targetRevision: main}}
status: {sync: {status: OutOfSync, revision: abc123}, health: {status: Healthy}}
YAML
kube() {
	drive --kubeconfig "$KUBECONFIG" --context admin "$@"
}
field() {
	kubectl get "$1" -n "$space" "$2" -o "jsonpath=$3"
}
traffic='{.spec.predictors[*].traffic}' weight='{.spec.predictor.canaryTrafficPercent}'
said=$(kube plan canary inferenceservices.serving.kserve.io "$space/price" '{"weight": 10}')
like "KServe: the plan, tried as a dry run" 'latest revision 100 % -> 10 %.*no revision is known that was rolled out before.*canaryTrafficPercent.*"dry_run": "accepted"' "$(tr '\n' ' ' <<<"$said")"
equal "nothing was set by it" "" "$(field inferenceservices price "$weight")"
said=$(kube --undo act canary inferenceservices "$space/price" '{"weight": 10}')
like "set; that no controller is there is told; undone" 'no controller has said anything.*state: done.*10 % -> 100 %.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "as it was: no weight at all" "" "$(field inferenceservices price "$weight")"
kubectl patch inferenceservice price -n "$space" --subresource status --type merge -p '{"status": {"conditions": [{"type": "Ready", "status": "True"}],
  "components": {"predictor": {"previousRolledoutRevision": "price-00001", "traffic": [{"latestRevision": true, "percent": 25}]}}}}' >/dev/null
said=$(kube act canary inferenceservices "$space/price" '{"weight": "25"}')
like "what its controller reports is waited for" 'price-00001.*latest revision gets 25 %.*state: done' "$(tr '\n' ' ' <<<"$said")"
like "already" '"already": "the latest revision has 25 % already".*there is nothing to do' "$(kube act canary inferenceservices "$space/price" '{"weight": 25}' | tr '\n' ' ')"
said=$(kube --cancel 5000 act canary inferenceservices "$space/price" '{"weight": 100}')
like "a controller that has not come to it yet" 'gets 25 %, wanted 100 %.*not come to it yet' "$(tr '\n' ' ' <<<"$said")"
like "too much" 'weight is from 0 to 100' "$(kube plan canary inferenceservices "$space/price" '{"weight": 101}')"
kubectl annotate inferenceservice price -n "$space" serving.kserve.io/deploymentMode=RawDeployment >/dev/null
like "where KServe would ignore it, it is blocked" 'RawDeployment, where KServe ignores' "$(kube plan canary inferenceservices "$space/price" '{"weight": 5}')"
kubectl annotate inferenceservice price -n "$space" serving.kserve.io/deploymentMode- >/dev/null
like "changed between plan and run" 'changed since the plan.*state: failed' "$(kube --between "$KUBECTL annotate inferenceservice price -n $space a=b" act canary inferenceservices "$space/price" '{"weight": 5}' | tr '\n' ' ')"
said=$(kube --undo act scale inferenceservices "$space/price" '{"min": 0, "max": 4}')
like "scaled to 0..4 and back" 'minReplicas 1 -> 0, maxReplicas 0 -> 4.*first request after that waits.*state: done.*minReplicas 0 -> 1.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "as it was" "1 " "$(field inferenceservices price '{.spec.predictor.minReplicas} {.spec.predictor.maxReplicas}')"
like "who may not" 'is forbidden|not permitted' "$(drive --kubeconfig "$KUBECONFIG" --context viewer plan canary inferenceservices "$space/price" '{"weight": 5}')"

said=$(kube --undo act canary seldondeployments "$space/price" '{"weight": 20}')
like "Seldon: the others keep their proportions, and it comes back" 'main: traffic 90 % -> 72 %.*other: traffic 10 % -> 8 %.*next: traffic 0 % -> 20 %.*state: done.*main: traffic 72 % -> 90 %.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "exactly" "90 10 0" "$(field seldondeployments price "$traffic")"
kubectl patch seldondeployment price -n "$space" --subresource status --type merge -p '{"status": {"state": "Available"}}' >/dev/null
like "one by name, promoted" 'its state is Available.*state: done' "$(kube act canary seldondeployments "$space/price" '{"weight": 100, "predictor": "other"}' | tr '\n' ' ')"
equal "they sum up to 100" "0 100 0" "$(field seldondeployments price "$traffic")"
kubectl patch seldondeployment price -n "$space" --subresource status --type merge -p '{"status": {"state": "Failed", "description": "no pods"}}' >/dev/null
like "its controller says that it failed" 'its state is Failed: no pods.*state: failed' "$(kube act canary seldondeployments "$space/price" '{"weight": 10, "predictor": "main"}' | tr '\n' ' ')"
like "a shadow has no share" 'mirror is a shadow' "$(kube plan canary seldondeployments "$space/price" '{"weight": 5, "predictor": "mirror"}')"
like "no such predictor" "no predictor .nobody" "$(kube plan canary seldondeployments "$space/price" '{"weight": 5, "predictor": "nobody"}')"
like "which one to scale has to be said" 'say which one' "$(kube plan scale seldondeployments "$space/price" '{"replicas": 3}')"
kubectl patch seldondeployment price -n "$space" --subresource status --type merge -p '{"status": {"state": "Available"}}' >/dev/null
said=$(kube --undo act scale seldondeployments "$space/price" '{"replicas": 3, "predictor": "next"}')
like "scaled, and back to unset" 'replicas of next 1 -> 3.*state: done.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "only main says how many" "2" "$(field seldondeployments price '{.spec.predictors[*].replicas}')"

# --- Argo CD
said=$(kube act sync applications "$space/serving" '{"revision": "def456"}')
like "sync: asked for; that nobody takes it up is told" 'abc123 \(OutOfSync, Healthy\) -> def456.*no Argo CD has taken it up.*state: failed' "$(tr '\n' ' ' <<<"$said")"
equal "the request is there" "def456" "$(field applications serving '{.operation.sync.revision}')"
like "a second one waits" 'asked for already' "$(kube plan sync applications "$space/serving")"
cat >"$scratch/argo.sh" <<SH
until $KUBECTL get application serving -n $space -o jsonpath={.operation} | grep -q .; do sleep 0.2; done
$KUBECTL patch application serving -n $space --type json -p '[{"op": "remove", "path": "/operation"}, {"op": "add", "path": "/status/operationState", "value": {"phase": "Succeeded", "message": "successfully synced"}}]'
SH
kubectl patch application serving -n "$space" --type json -p '[{"op": "remove", "path": "/operation"}]' >/dev/null
said=$(kube --between "bash '$scratch/argo.sh' >/dev/null 2>&1 & sleep 0" act sync applications "$space/serving")
like "and what a controller says is what is told" 'Succeeded: successfully synced.*state: done' "$(tr '\n' ' ' <<<"$said")"
finish
