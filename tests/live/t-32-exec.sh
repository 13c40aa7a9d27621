#!/usr/bin/env bash
# A shell in a container, files out and in, a debug container, ports forwarded and models asked through them: all through the
# genuine API server; kwok runs the commands.
# needs: rest
. "$(dirname "$0")/lib.sh"
bin=$(dirname "$BINNACLE")/tests/live
audit=$scratch/audit.jsonl
ns=t32-$$
room=$LIVE/containers/$ns
mkdir -p "$room"
config=$scratch/binnacle.yaml
cat >"$config" <<-YAML
	environments:
	  staging: {guard: confirm}
	sources:
	  eks: {type: kubernetes, environment: staging, kubeconfig: $KUBECONFIG, context: admin, models: annotated}
	  inside: {type: models, environment: staging, cluster: eks}
YAML

drive() {
	timeout -k 5 180 "$bin/drive" --audit "$audit" --wait 60000 "$@" 2>&1
}
# screen SCRIPT: in a terminal of 100x30, all must hold
screen() {
	timeout -k 5 180 "$bin/screen_drive" "${size:-100x30}" "$BINNACLE" --config "$config" "${@:2}" <<<"$1" 2>&1
}
cleanup() {
	kubectl delete namespace "$ns" --wait=false >/dev/null 2>&1
	rm -rf "$room" "$scratch"
}
trap cleanup EXIT

setup() {
	kubectl create namespace "$ns"
	kubectl -n "$ns" apply -f - <<-YAML
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: price-api}
		spec:
		  replicas: 2
		  selector: {matchLabels: {app: price-api}}
		  template:
		    metadata: {labels: {app: price-api}}
		    spec:
		      containers:
		      - {name: api, image: 'registry.example.com/price-api:v1', ports: [{containerPort: 8000, name: http}]}
		      - {name: sidecar, image: 'registry.example.com/sidecar:v1'}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: price-api, annotations: {binnacle/serving: 'true'}}
		spec: {selector: {app: price-api}, ports: [{port: 80, targetPort: http}]}
	YAML
	kubectl -n "$ns" rollout status deployment/price-api --timeout 180s
}
check "a deployment and its service run" setup
pod=$(kubectl -n "$ns" get pods -o 'jsonpath={.items[0].metadata.name}')

# --- the shell
to_shell=$(printf 'wait triage\nkeys :pods\\r\nwait NAMESPACE\nkeys /%s\\r\nwait 15 pods 1 of\nkeys X\nwait 15 Enter or y\nkeys y\nwait 15 Ctrl-] comes back to' "$pod")
check "a shell runs in the container, of the terminal's size, and its exit code is told" screen "$to_shell
keys cd $ns; stty size; echo is=\$((40+2))\r
wait is=42
wait 30 100
size 80x24
keys until stty size | grep -x '24 80'; do sleep 0.1; done; echo sized=\$((40+3))\r
wait sized=43
keys printf '\\\\033[?1049h\\\\033[?1000h\\\\033[?25l\\\\033[31m'; exit 3\r
wait exit code 3
hidden
sent \e[?1000l
keys q
wait NAMESPACE
keys Q
end 0"
check "Ctrl-] comes back while something runs there" screen "$to_shell
keys sleep 300\r
keys $(printf '\035')
wait left by Ctrl-]
keys Q
end 0"
like "the audit trail says who and where, and not what was typed" 'shell.*"as":"admin"|"as":"admin".*shell' \
	"$(cat "$XDG_STATE_HOME"/binnacle/audit*)"
unlike "nothing of what was typed is kept" 'stty size' "$(cat "$XDG_STATE_HOME"/binnacle/audit* "$XDG_STATE_HOME"/binnacle/history 2>/dev/null)"
said=$(screen "$to_shell
keys echo wait-\$((1+1))\r
wait wait-2
run HOME=/ '$live_tests/servers.sh' stop-api '$LIVE'
wait 40 the stream broke
hidden
run HOME=/ '$live_tests/servers.sh' start-api '$LIVE'
keys Q
end 0")
equal "the API server killed while it is open: told, and the screen is back" "" "$said"
check "the cluster's controllers are back" servers restart-controllers
like "without a terminal it says so" 'no terminal' "$(drive act shell pods "$ns/$pod" '{"container":"api"}')"
like "a container that is not there" "no container 'nope'" "$(drive plan shell pods "$ns/$pod" '{"container":"nope"}')"
like "who may not is told" 'not permitted: .*viewer.* may not get pods/exec' \
	"$(drive --context viewer plan shell pods "$ns/$pod")"

# --- a command without a screen
run() {
	timeout -k 5 180 "$BINNACLE" exec --config "$config" --source eks "$@"
}
equal "a command's output comes, and nothing else" "42" "$(run -y "$ns/$pod" -- sh -c 'echo $((40+2)); echo no >&2' 2>/dev/null </dev/null)"
equal "its errors come apart" "no" "$(run -y "$ns/$pod" -- sh -c 'echo yes; echo no >&2' 2>&1 >/dev/null </dev/null)"
run -y -n "$ns" "$pod" -c sidecar -- sh -c 'exit 7' </dev/null
equal "its exit code is ours, of the container that is named" 7 $?
# kwok keeps standard input open after its end (kubectl exec -i waits for ever there too): so the command stops reading by itself
equal "standard input goes there" "$(head -c 3000000 /dev/zero | md5sum)" \
	"$(head -c 3000000 /dev/zero | run -y "$ns/$pod" -- sh -c 'head -c 3000000 | md5sum')"
megabytes() {             # kwok cuts a stream now and then, of kubectl's too
	for _ in 1 2 3 4; do
		run -y "$ns/$pod" -- head -c 3000000 /dev/zero </dev/null 2>/dev/null | { sleep 2; cmp - <(head -c 3000000 /dev/zero); } && return
	done
	return 1
}
check "output of some megabytes comes whole to a slow reader" megabytes
like "a guard that wants a yes gets it, or nothing runs" 'say --yes.*5$' "$(run "$ns/$pod" -- true 2>&1 </dev/null; echo $?)"
like "read-only refuses it" 'read-only.*5$' "$(run -r -y "$ns/$pod" -- true 2>&1 </dev/null; echo $?)"
like "a container that is not there is told" "no container 'nope'" "$(run -y "$ns/$pod" -c nope -- true 2>&1 </dev/null)"
like "a pod that is not there is told" 'no-such-pod' "$(run -y "$ns/no-such-pod" -- true 2>&1 </dev/null)"
like "a program that is not there is told" '(not found|no such file|exit code)' "$(run -y "$ns/$pod" -- /no/such/program 2>&1 </dev/null)"
like "the audit trail has the command" 'command=exit(%20|\+)7|exit 7|exit%207' "$(cat "$XDG_STATE_HOME"/binnacle/audit*)"

# --- files
src=$scratch/'a "src"' back=$scratch/back
mkdir -p "$src/-x *" "$back"
head -c 3000000 /dev/urandom >"$src/big file"
printf 'ü' >"$src/-x */ünï\$HOME'cödé"
printf 'n' >"$src/$(printf 'n%.0s' {1..200})"
: >"$src/empty"
ln -s /etc/passwd "$src/link"
q() { python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"; }
like "files go in, with odd names" 'state: done' "$(drive act copy-to pods "$ns/$pod" "$(q path "$src" to "$room")")"
rm "$src/link"
equal "they are what they were" "" "$(diff -r "$src" "$room/a \"src\"" 2>&1)"
ln -s /etc/passwd "$room/a \"src\"/link"
like "files come out" 'state: done' "$(drive act copy-from containers "$ns/$pod/api" "$(q path "$room/a \"src\"" to "$back")")"
equal "they are what they were, without the link" "" "$(diff -r "$src" "$back/a \"src\"" 2>&1)"
like "nothing here is overwritten unasked" 'there already' "$(drive act copy-from pods "$ns/$pod" "$(q path "$room/a \"src\"" to "$back")")"
like "what is not there is told in tar's words" 'tar there says: .*No such file' \
	"$(drive act copy-from pods "$ns/$pod" "$(q path /nowhere/at/all to "$back")")"
like "so is a folder that is not there" 'tar there says: .*No such file' "$(drive act copy-to pods "$ns/$pod" "$(q path "$src" to /nowhere)")"

# --- a debug container: kwok plays no ephemeral containers, so its state is written here
cat >"$scratch/debug_runs" <<-SH
	exec "$KUBECTL" -n "$ns" patch pod "$pod" --subresource status --type strategic \
		-p '{"status":{"ephemeralContainerStatuses":[{"name":"debug-1","image":"busybox","imageID":"","ready":true,"restartCount":0,"state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}'
SH
like "the server tries the debug container" '"dry_run": "accepted"' "$(drive plan debug pods "$ns/$pod" '{"image":"busybox:1.36"}')"
check "a debug container is added, and the terminal attached when it runs" screen "wait triage
keys :pods\r
wait NAMESPACE
keys /$pod\r
wait 15 pods 1 of
keys :action debug image=busybox:1.36\r
wait 15 Enter or y
keys y
wait 15 not started yet
run sh $scratch/debug_runs
wait 20 Ctrl-] comes back to
keys $(printf '\035')
wait left by Ctrl-]
keys Q
end 0"
equal "it is in the pod" debug-1 "$(kubectl -n "$ns" get pod "$pod" -o 'jsonpath={.spec.ephemeralContainers[*].name}')"

# --- ports
forwarded() {
	"$bin/screen_drive" 140x30 "$BINNACLE" --config "$config" <<<"wait triage
keys :deployments\r
wait NAMESPACE
keys /$ns\r
wait 15 price-api
keys :action forward port=http local=$1\r
wait 15 Enter or y
keys y
wait 127.0.0.1:$1; see
keys :forwards\r
wait deployment/price-api:http
run curl -fsS -m 20 127.0.0.1:$1/health | grep -q healthy
run curl -fsS -m 20 -X POST -H 'Content-Type: application/json' 127.0.0.1:$1/predict -d '$inputs' | grep -q price
wait 15 Ki
run $KUBECTL -n $ns delete pods --all --wait=true >/dev/null
run $KUBECTL -n $ns rollout status deployment/price-api --timeout 180s >/dev/null
run curl -fsS -m 30 127.0.0.1:$1/health | grep -q healthy
run HOME=/ '$live_tests/servers.sh' stop-api '$LIVE'
run ! curl -fsS -m 30 127.0.0.1:$1/health >/dev/null 2>&1
wait 20 failing
run HOME=/ '$live_tests/servers.sh' start-api '$LIVE'
run curl -fsS -m 30 127.0.0.1:$1/health | grep -q healthy
wait 20 open
keys /deployment\r
gone service/
keys K
wait 15 Enter or y
keys y
wait it is closed
run ! curl -fsS -m 5 127.0.0.1:$1/health >/dev/null 2>&1
keys Q
end 0" 2>&1
}
inputs='{"bed":3,"bath":2,"acre_lot":0.25,"house_size":1800,"state":"California","status":"for_sale"}'
port=$(free_ports 1)
equal "a forward leads to a ready pod, to another when they die, is back with the API server, and ends" "" "$(forwarded "$port")"
check "the cluster's controllers are back again" servers restart-controllers
within 60 kubectl -n "$ns" rollout status deployment/price-api --timeout 5s
like "a port that is in use is told" 'cannot be used: Address already in use' \
	"$(drive act forward deployments "$ns/price-api" "{\"local\":\"${API_URL##*:}\"}")"
like "a service without that port" 'has no port 99' "$(drive plan forward services "$ns/price-api" '{"port":"99"}')"

# --- the models behind it
rows=$(binnacle --config "$config" get modelendpoints)
like "the annotated service is an endpoint that is ready" "inside/$ns/price-api +ready +real_estate_model" "$rows"
like "it predicts through the forwarded port" 'price|[0-9]{6}' \
	"$(binnacle --config "$config" predict "inside/$ns/price-api" "$inputs" 2>&1)"

# --- read-only
for act in shell forward copy-from copy-to debug; do
	like "read-only refuses $act" 'read-only' "$(drive --readonly act "$act" pods "$ns/$pod" '{"path":"/tmp","to":"/tmp"}')"
done
finish
