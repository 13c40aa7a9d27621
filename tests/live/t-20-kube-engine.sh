#!/usr/bin/env bash
# The Kubernetes source against the genuine API server: lists, watches, permissions, logs, and a server that goes away.
. "$(dirname "$0")/lib.sh"
probe_bin=$(dirname "$BINNACLE")/tests/live/kube_probe

probe() {
	timeout -k 5 180 "$probe_bin" "$@" 2>&1
}

# rows KIND TEXT: how many rows of that kind the probe said to hold at its end
rows() {
	sed -n "s/^$1: \([0-9]*\) rows.*/\1/p" <<<"$2"
}

within 120 settled        # what a test before this one deleted is gone: both count the same
said=$(probe -q pods nodes namespaces events deployments)
for kind in pods nodes namespaces deployments; do
	equal "as many $kind as kubectl counts" "$(kubectl get $kind -A --no-headers | wc -l)" "$(rows $kind "$said")"
done
like "the server's version" "live v1\.[0-9]+" "$(probe -q namespaces)"

said=$(probe -w "no kind" secrets nosuchthing)
equal "custom resources" "$(kubectl get inferenceservices -A --no-headers | wc -l)" \
	"$(rows inferenceservices.serving.kserve.io "$(probe -q inferenceservices.serving.kserve.io)")"
like "a kind that is not there" "the server has no kind 'nosuchthing'" "$said"

kubectl create namespace engine-test >/dev/null
trap 'kubectl delete namespace engine-test --wait=false >/dev/null; rm -rf "$scratch"' EXIT
kubectl -n engine-test create configmap first >/dev/null
kubectl -n engine-test create secret generic hidden --from-literal=word=xyzzy --from-literal=other=1 >/dev/null
probe -s 90 -w second -w '!first' configmaps@engine-test secrets@engine-test -o configmaps >"$scratch/changes" &
within 30 grep -q 'all .* configmaps' "$scratch/changes"
kubectl -n engine-test create configmap second --from-literal=a=1 >/dev/null
kubectl -n engine-test delete configmap first >/dev/null
wait $!
like "what is made is seen" "engine-test.second" "$(cat "$scratch/changes")"
unlike "what is deleted is gone" "engine-test.first" "$(cat "$scratch/changes")"
said=$(probe -q secrets@engine-test -o secrets)
like "a secret by name and number of keys" $'engine-test\thidden\tOpaque\t2' "$said"

said=$(probe -w "only namespace" -w "may not list nodes" -c team-a pods nodes)
like "team-a sees its namespace alone" "pods: .* limited .*only namespace 'team-a'" "$said"
like "and no nodes" "nodes: 0 rows.* refused you may not list nodes" "$said"
said=$(probe -w "may not list pods" -c nobody pods)
like "a stranger sees nothing, and is told" "pods: 0 rows.* refused you may not list pods" "$said"
like "an old token is refused" "refused .*(token|credential|401|Unauthorized)" "$(probe -w credentials -c expired pods)"

pod=$(kubectl get pods -n ml-platform -l app=llm-gateway -o name | head -n 1)
pod=ml-platform/${pod#pod/}
like "the log of a container" '^20[0-9-]*T[0-9:.]*Z \{"level"' \
	"$(probe -q "logs:pods:$pod:{\"container\":\"gateway\",\"tail\":1}" | grep '^20[0-9][0-9]-')"
like "of the instance before" fatal "$(probe -q "logs:pods:$pod:{\"container\":\"gateway\",\"previous\":true,\"tail\":3}")"
like "no such container" "has no container 'nosuch'; it has" "$(probe -q "logs:pods:$pod:{\"container\":\"nosuch\"}")"
merged=$(probe -q "logs:deployments:ml-platform/llm-gateway:{\"all_containers\":true,\"tail\":20}" | grep '^20[0-9][0-9]-')
like "the logs of a deployment, merged" '\|llm-gateway-[a-z0-9-]*/gateway ' "$merged"
equal "in order of time" "$(cut -c1-23 <<<"$merged" | sort)" "$(cut -c1-23 <<<"$merged")"

timeout -k 5 300 "$probe_bin" -s 280 pods nodes >"$scratch/restart" 2>&1 &
within 60 grep -q 'all .* nodes' "$scratch/restart"
servers stop-api
within 60 grep -q 'ms: stale' "$scratch/restart"
servers start-api
servers restart-controllers          # they wait for up to a minute else
back() {
	sed '1,/ms: stale/d' "$scratch/restart" | grep -q 'ms: live'
}
within 60 back
kill $!                              # it ends when both kinds are as they should be
wait $!
said=$(cat "$scratch/restart")
like "a server that is away makes the source stale" "ms: stale .*cannot be reached" "$said"
like "and live again when it is back" "stale.*ms: live" "$(tr '\n' ' ' <<<"$said")"
equal "with all rows" "$(kubectl get pods -A --no-headers | wc -l)" "$(rows pods "$said")"
unlike "and nothing left to complain of" "(pods|nodes): [0-9]* rows.*(stale|limited|refused)" "$said"
finish
