#!/usr/bin/env bash
# A promotion with a step in a cluster whose API server refuses, answers nonsense, loses answers, or is gone between two steps: whatever
# happens, what is so is told, and the registry and the service do not stay half way in silence.
# needs: mlflow3
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t58d_$$ ns=t58d-$$ proxy_pid="" fault_pid=""
clean() {
	kill $service_pid $fault_pid $proxy_pid
	kubectl delete namespace $ns --wait=false
	python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" --delete "$model"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
{
	kubectl create namespace $ns
	kubectl -n $ns create deployment web --image=registry.example.com/web:v1 --replicas=2
	kubectl -n $ns rollout status deployment web --timeout=180s
} >/dev/null 2>&1
# faults need a port without TLS: kubectl's proxy, and ours before it
proxy_port=$(free_ports 1)
"$KUBECTL" --context admin proxy --port "$proxy_port" >/dev/null 2>&1 &
proxy_pid=$!
within 10 curl -fsS "http://127.0.0.1:$proxy_port/readyz"
mkdir "$scratch/fault"
echo ok >"$scratch/fault/mode"
python3 "$live_tests/httpfault.py" "http://127.0.0.1:$proxy_port" "$scratch/fault" 2>/dev/null &
fault_pid=$!
within 10 test -s "$scratch/fault/port"
cat >"$scratch/kubeconfig" <<END2
clusters: [{name: c, cluster: {server: "http://127.0.0.1:$(<"$scratch/fault/port")"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
END2
# config NAME [PAUSE] [ON_FAILURE]
config() {
	cat >"$scratch/$1.yaml" <<-END2
	environments: {dev: {guard: confirm}}
	sources:
	  registry: {type: mlflow, environment: dev, url: '$MLFLOW3_URL', timeout: 30s}
	  api: {type: serving, environment: dev, url: '$service', timeout: 3s}
	  kube: {type: kubernetes, environment: dev, kubeconfig: '${4:-$scratch/kubeconfig}', context: ${5:-x}}
	promotions:
	  "$model":
	    on_failure: ${3:-rollback}
	    steps:
	      - {action: reload, kind: modelendpoints, name: api, source: api, params: {within: 8s}, pause: ${2:-0s}}
	      - {action: restart, kind: deployments, name: $ns/web, source: kube, until: 'ready=2/2', within: 30s}
	    verify: {for: 2s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: "version={version} status=ready"}]}
	END2
}
revision() {
	kubectl -n $ns get deployment web -o 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}'
}
mode() {
	echo "$*" >"$scratch/fault/mode"
}
check "seeded" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
serve
config faulty
like "through the faulty port, when it behaves" 'done.*exit 0' "$(promote faulty)"
equal "promoted" "7 7" "$(both)"

for how in 'refuse 500' 'refuse 409' html drop; do
	reset
	mode ok
	before=$(revision)
	mode "$how"
	said=$(promote faulty)
	mode ok
	like "$how: told, and all is taken back" 'step 3.*(failed|refused|answered|500|409|429|broke|cannot).*rolled back.*exit 7' "$said"
	equal "$how: registry and service are as before" "6 6" "$(both)"
	equal "$how: nothing was restarted" "$before" "$(revision)"
done

reset
mode 'refuse 429'
like "too many requests: waited for, and done" 'step 3.*ready 2/2.*done.*exit 0' "$(promote faulty)"
equal "too many requests: promoted" "7 7" "$(both)"

reset
before=$(revision)
mode lose
said=$(promote faulty)
mode ok
like "the answer is lost, but it was taken: seen by looking" 'step 3.*(taken|restarted|ready).*exit [07]' "$said"
if [[ $said == *'exit 0'* ]]; then
	equal "lose: promoted, and told so" "7 7 yes" "$(both) $([[ $(revision) != "$before" ]] && echo yes)"
else
	equal "lose: taken back, and told so" "6 6" "$(both)"
fi

# --- gone between two steps: after the reload, in its pause
config gone 15s rollback "$KUBECONFIG" admin
reset
(
	until [[ $(serves) == 7 ]]; do sleep 0.2; done
	servers stop-api
) >/dev/null 2>&1 &
said=$(promote gone)
wait $!
servers start-api >/dev/null 2>&1
like "the API server is gone before its step: told, and taken back" 'step 3.*cannot be reached.*rolled back.*exit 7' "$said"
equal "registry and service are as before" "6 6" "$(both)"
check "the API server is well again" within 60 kubectl get namespaces
servers restart-controllers          # they wait for up to a minute else
finish
