#!/usr/bin/env bash
# From "a pod of the new model fails" to "the old model answers again", on live servers: registry, service and cluster. Triage shows the
# pod and what changed before; B there shows the way back, Enter takes it. Keys and seconds are told, beside the same by hand.
# needs: mlflow3
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t62_$$ ns=t62-$$
drive_screen=$(dirname "$BINNACLE")/tests/live/screen_drive
clean() {
	kill $service_pid
	kubectl delete namespace $ns --wait=false
	python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" --delete "$model"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
cat >"$scratch/config.yaml" <<END2
environments: {here: {guard: confirm}}
sources:
  registry: {type: mlflow, environment: here, url: '$MLFLOW3_URL', timeout: 30s}
  api: {type: serving, environment: here, url: '$service', timeout: 4s, history: true}
  kube: {type: kubernetes, environment: here, kubeconfig: '$KUBECONFIG'}
promotions:
  "$model":
    steps:
      - {action: reload, kind: modelendpoints, name: api, source: api, params: {within: 8s}}
      - {action: restart, kind: deployments, name: $ns/model-api, source: kube, until: 'ready=1/1', within: 60s}
    verify: {for: 2s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: "version={version} status=ready"}]}
END2
# A pod of the newest revision crashes, as a kubelet would say it: sick NAMESPACE [FILE for the moment]
cat >"$scratch/sick" <<'END2'
#!/usr/bin/env bash
pod=$("$KUBECTL" -n "$1" get pods -l app=model-api --sort-by=.metadata.creationTimestamp -o name | tail -n 1)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
[[ -z ${2:-} ]] || date +%s.%N >"$2"
"$KUBECTL" -n "$1" patch "$pod" --subresource=status --type=merge -p '{"status": {"conditions": [{"type": "Ready", "status": "False",
	"reason": "ContainersNotReady", "lastTransitionTime": "'"$now"'"}], "containerStatuses": [{"name": "model-api", "image": "x", "imageID": "",
	"ready": false, "restartCount": 3, "started": false, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
	"lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "'"$now"'"}}}]}}' >/dev/null
END2
# The moment at which v6 answers: answers FILE
cat >"$scratch/answers" <<'END2'
#!/usr/bin/env bash
until curl -fsS -m 5 "$1/predict" -H 'Content-Type: application/json' -d '{"house_size": 1500}' 2>/dev/null | grep -q '"model_version": "6"'; do sleep 0.05; done
date +%s.%N >"$2"
END2
chmod +x "$scratch/sick" "$scratch/answers"

check "seeded" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
{
	kubectl create namespace $ns
	kubectl -n $ns create deployment model-api --image=registry.example.com/model-api:v1 --replicas=1
	kubectl -n $ns rollout status deployment model-api --timeout=180s
} >/dev/null 2>&1
serve
like "v7 is promoted: registry, service, cluster" 'done.*exit 0' "$(bin config promote "$model" 7 --reason 'r2 0.447' --yes)"
equal "and answers" "7 7" "$(both)"

# keys: / and the name (the shared cluster has a hundred other findings), then what is counted: B, Enter
said=$(printf '%s\n' "keys /$ns" 'keys \r' "run '$scratch/sick' $ns '$scratch/began'" \
	"run '$scratch/answers' '$service' '$scratch/ended' >/dev/null 2>&1 &" \
	'wait 30 CrashLoopBackOff' "run date +%s.%N >'$scratch/seen'" 'wait 10 7' 'keys B' 'wait 20 Enter or y does it' "run date +%s.%N >'$scratch/plan'" 'keys \r' \
	'wait 40 done: version 6' | timeout -k 5 150 "$drive_screen" "${SIZE:-120x40}" "$BINNACLE" --config "$scratch/config.yaml" 2>&1)
if [[ $? == 0 ]]; then ok "from the pod's row in triage: B, a look at the plan, Enter"; else not_ok "from the pod's row in triage" "$said"; fi
equal "the old model is champion and answers" "6 6" "$(both)"
took=$(python3 - "$scratch" <<'PY'
import sys
at = {n: float(open(f"{sys.argv[1]}/{n}").read()) for n in ("began", "seen", "plan", "ended")}
print(f"{at['ended'] - at['began']:.1f} s: seen after {at['seen'] - at['began']:.1f}, the plan after {at['plan'] - at['seen']:.1f}, answered after {at['ended'] - at['plan']:.1f}")
PY
)
echo "# binnacle, 2 keys: $took"

# --- the same by hand, typed without a mistake and known by heart: each of these is one command
reset
post "$MLFLOW3_URL" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"7\"}"
curl -fsS -m 10 -X POST "$service/reload" >/dev/null
equal "v7 again" "7 7" "$(both)"
"$scratch/sick" $ns
n=0
by_hand() {
	n=$((n + 1))
	"$@" >/dev/null 2>&1
}
"$scratch/answers" "$service" "$scratch/ended" >/dev/null 2>&1 &
began=$(date +%s.%N)
by_hand kubectl -n $ns get pods
by_hand kubectl -n $ns rollout history deployment model-api
by_hand curl -fsS "$MLFLOW3_URL/api/2.0/mlflow/model-versions/search?filter=name%3D%27$model%27"
by_hand post "$MLFLOW3_URL" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"6\"}"
for tag in promoted_by promoted_reason promoted_at; do
	by_hand post "$MLFLOW3_URL" model-versions/set-tag "{\"name\":\"$model\",\"version\":\"6\",\"key\":\"$tag\",\"value\":\"x\"}"
done
by_hand curl -fsS -X POST "$service/reload"
by_hand curl -fsS "$service/model"
by_hand kubectl -n $ns rollout restart deployment model-api
by_hand kubectl -n $ns rollout status deployment model-api --timeout=180s
wait $!
echo "# by hand: $n commands, $(python3 -c "print('%.1f' % ($(<"$scratch/ended") - $began))") s of machine time alone, nothing checked or kept; in web interfaces 3 of them"
equal "by hand too" "6 6" "$(both)"
finish
