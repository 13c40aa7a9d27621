#!/usr/bin/env bash
# needs: moto
# What nodes on a genuine API server cost: prices, shares, budgets, what went; bills and budgets of moto's Cost Explorer. OpenCost
# is in no registry: its answers come from a small server that says what its documentation shows.
. "$(dirname "$0")/lib.sh"

ns=t56-$$ account=56$(printf '%010d' $$)
clean() {
	kubectl delete node -l t56="$$" --wait=false >/dev/null 2>&1
	kubectl delete ns "$ns" --wait=false >/dev/null 2>&1
	[[ -z ${web:-} ]] || kill "$web" 2>/dev/null
	rm -rf "$scratch"
}
trap clean EXIT

# node NAME GROUP TYPE CAPACITY
node() {
	kubectl apply -f - >/dev/null <<-END
	apiVersion: v1
	kind: Node
	metadata:
	  name: $1
	  annotations: {kwok.x-k8s.io/node: fake}
	  labels: {t56: "$$", eks.amazonaws.com/nodegroup: $2, node.kubernetes.io/instance-type: $3,
	    eks.amazonaws.com/capacityType: $4, topology.kubernetes.io/zone: us-east-1b}
	spec:
	  taints: [{key: t56, effect: NoSchedule}]
	status:
	  allocatable: {cpu: "4", memory: 16Gi, pods: "20"}
	  capacity: {cpu: "4", memory: 16Gi, pods: "20"}
	END
}
# config LINE...: the cluster, and a cost source with these settings
config() {
	printf 'sources:\n  kube:\n    type: kubernetes\n    kubeconfig: %s\n  cost:\n    type: cost\n    share_by: requests\n' \
		"${kubeconfig:-$KUBECONFIG}" >"$scratch/b.yaml"
	[[ $# == 0 ]] || printf '    %s\n' "$@" >>"$scratch/b.yaml"
}
get() {
	binnacle --config "$scratch/b.yaml" --wait 25 get "$@" 2>&1
}
# cell KIND COLUMN FILTER...: of the first row
cell() {
	local kind=$1 column=$2
	shift 2
	get "$kind" -o json "$@" | python3 -c "import json,sys; r=json.load(sys.stdin); print(r[0]['$column'] if r else 'no row')"
}
# near WANT GOT
near() {
	python3 -c "import sys; a, b = map(float, sys.argv[1:]); sys.exit(abs(a - b) > 1e-6 * (1 + abs(a)))" "$1" "$2"
}

node "t56-$$-a" "cpu-$$" m6i.xlarge ON_DEMAND
node "t56-$$-b" "cpu-$$" m6i.xlarge ON_DEMAND
node "t56-$$-c" "gpu-$$" g4dn.xlarge SPOT
node "t56-$$-d" "odd-$$" x99.huge ON_DEMAND
kubectl create ns "$ns" >/dev/null
kubectl apply -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata: {name: predictor, namespace: $ns, labels: {model: m-$$}}
spec:
  nodeName: t56-$$-a
  tolerations: [{operator: Exists}]
  containers: [{name: c, image: x, resources: {requests: {cpu: "1", memory: 4Gi}}}]
END
within 60 kubectl wait -n "$ns" --for=condition=Ready pod/predictor --timeout=1s
within 60 kubectl wait --for=condition=Ready node -l t56="$$" --timeout=1s

# ---- prices and shares

config
check "a node group costs what its nodes do" near 0.384 "$(cell costs rate by=group name="cpu-$$")"
check "spot is priced as spot" near 0.2 "$(cell costs rate by=group name="gpu-$$")"
equal "a type without a price is not 0" None "$(cell costs rate by=group name="odd-$$")"
equal "and is named" "x99.huge on-demand in us-east-1" "$(cell costs missing by=group name="odd-$$")"
like "in the total too" 'x99\.huge on-demand' "$(cell spend missing name=total)"
check "a pod costs its part of the node" near 0.048 "$(cell costs rate by=namespace name="$ns")"
check "so does its model" near 0.048 "$(cell costs rate by=model name="m-$$")"
check "what nobody asks for is idle" near 0.875 "$(cell costs idle by=group name="cpu-$$")"
check "the control plane of EKS" near 0.1 "$(cell costs rate by=group name=EKS | python3 -c 'r=float(input()); print(0.1 if r >= 0.1 else r)')"

printf 'version: ours\ninstances:\n  g4dn.xlarge: {on_demand: 2, spot: 36000}\n  x99.huge: 7\n' >"$scratch/prices.yaml"
config "prices: $scratch/prices.yaml"
check "a file of prices is laid over the shipped ones" near 36000 "$(cell costs rate by=group name="gpu-$$")"
check "what it does not say stays" near 0.384 "$(cell costs rate by=group name="cpu-$$")"
check "what was lacking is there" near 7 "$(cell costs rate by=group name="odd-$$")"

python3 - "$scratch" >"$scratch/port" <<'END' &
import http.server, json, sys
allocation = {"code": 200, "status": "success", "data": [{
    "ml-serving": {"name": "ml-serving", "minutes": 600.0, "totalCost": 3.5, "totalEfficiency": 0.25},
    "__idle__": {"name": "__idle__", "minutes": 600.0, "totalCost": 1.5, "totalEfficiency": None},
    "empty": {"name": "empty", "totalCost": None}}]}
class Web(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def say(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/prices.yaml":
            self.say(200, b"instances: {x99.huge: 3}\n", "text/yaml")
        elif self.path == "/login":
            self.say(200, b"<html><body>sign in</body></html>", "text/html")
        elif self.path.startswith("/oc/allocation?window=today&aggregate=namespace"):
            self.say(200, json.dumps(allocation).encode(), "application/json")
        elif self.path.startswith("/bad/"):
            self.say(400, b"Invalid 'window' parameter", "text/plain")
        else:
            self.say(500, b"<html><h1>Internal Server Error</h1></html>", "text/html")
    do_POST = lambda self: self.say(500, b"<html><h1>Internal Server Error</h1></html>", "text/html")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
print(server.server_port, flush=True)
server.serve_forever()
END
web=$!
within 10 test -s "$scratch/port"
url=http://127.0.0.1:$(<"$scratch/port")
config "prices: $url/prices.yaml"
check "prices from a URL" near 3 "$(cell costs rate by=group name="odd-$$")"
for wrong in login missing; do
	config "prices: $url/$wrong"
	check "prices that cannot be read ($wrong) leave the shipped ones" near 0.384 "$(cell costs rate by=group name="cpu-$$")"
	like "and doctor says so" 'prices .*(not a table of prices|500)' "$(binnacle --config "$scratch/b.yaml" doctor 2>&1)"
done

# ---- OpenCost

config "opencost: $url/oc"
seen() { get costs -o json by=opencost; }
like "OpenCost stands beside the estimate" '"name":"ml-serving".*"rate":0\.35.*"idle":0\.75' "$(
	binnacle --config "$scratch/b.yaml" snapshot 'costs by=opencost' --size 200x50 --wait 5 >/dev/null 2>&1; seen)"
config "opencost: $url/bad"
check "one that refuses takes nothing away" near 0.384 "$(cell costs rate by=group name="cpu-$$")"
like "its words are told" "OpenCost .*Invalid 'window'" "$(binnacle --config "$scratch/b.yaml" doctor 2>&1)"

# ---- what went is still counted

export XDG_STATE_HOME=$scratch/went
config "prices: $scratch/prices.yaml"
before=$(cell spend month name=total)
kubectl delete node "t56-$$-c" >/dev/null
equal "a node that went is in no group" "no row" "$(cell costs rate by=group name="gpu-$$")"
after=$(cell spend month name=total)
check "but what it cost is in the month ($before, $after)" python3 -c "import sys; sys.exit(not float('$after') >= float('$before') > 1)"
export XDG_STATE_HOME=$scratch/state

# ---- budgets

config "budgets: {session: {amount: 0.01, hours: 10, start: '$(date -u -d '1 hour ago' +%H:%M)'}, month: {amount: 90000000, period: month}}"
like "a budget that is spent" 'session +session +\$0\.01 .* over ' "$(get budgets)"
like "says what would change it" ' to 0 saves \$' "$(cell budgets advice name=session)"
like "one that lasts" 'month +month +\$90,000,000 .* (lasts|at least) ' "$(get budgets)"
equal "the first is the main one" 0.01 "$(cell spend budget name=total)"
like "the header shows it" '/h +[0-9.]+ over 0\.01' "$(binnacle --config "$scratch/b.yaml" snapshot cost --size 120x40 2>&1 | head -n 1)"
for size in 80x24 120x40 200x50; do
	screen=$(binnacle --config "$scratch/b.yaml" snapshot cost --size $size 2>&1)
	like "the pane at $size" "\\\$[0-9.]+/h now.*over, ends.*cpu-$$" "$(tr '\n' ' ' <<<"$screen")"
done

# ---- a cluster that lets nobody in: unknown, never 0

sed "s/^\( *\)\(client-certificate\|client-key\|token\).*/\1token: nonsense/" "$KUBECONFIG" | awk '!/token: nonsense/ || !seen++' >"$scratch/kc"
kubeconfig=$scratch/kc config
equal "a cluster that refuses has no price" None "$(cell spend rate name=total)"
like "and says why" 'nodes of kube are not known: ' "$(cell spend note name=total)"

# ---- AWS

aws() {
	curl -s --aws-sigv4 "aws:amz:us-east-1:$1" -u K:S -H "X-Amz-Target: $2" -H 'Content-Type: application/x-amz-json-1.1' -d "$3" "$MOTO_URL/"
}
day() { date -u -d "$1 days ago" +%F; }
inject() {
	curl -s -X POST "$MOTO_URL/moto-api/static/ce/cost-and-usage-results" -d "{\"results\":[{\"ResultsByTime\":[$1],\"DimensionValueAttributes\":[]}]}" >/dev/null
}
total() { echo "{\"TimePeriod\":{\"Start\":\"$(day "$1")\",\"End\":\"$(day $(($1 - 1)))\"},\"Total\":{\"UnblendedCost\":{\"Amount\":\"$2\",\"Unit\":\"USD\"}},\"Groups\":[],\"Estimated\":$3}"; }
keys='access_key: {command: echo AKIDT56}, secret_key: {command: echo hush-hush}'
inject "$(total 3 41.2 false),$(total 2 10.25 true)"
aws budgets AWSBudgetServiceGateway.CreateBudget "{\"AccountId\":\"$account\",\"Budget\":{\"BudgetName\":\"team\",\"BudgetType\":\"COST\",\"TimeUnit\":\"MONTHLY\",\"BudgetLimit\":{\"Amount\":\"400\",\"Unit\":\"USD\"}}}" >/dev/null
config "aws: {endpoint: '$MOTO_URL', account: '$account', tag: 't56=$$', $keys}"
like "days as they were billed" "$(day 3) +\\\$41\.20 .* final.*$(day 2) +\\\$10\.25 .* not final" "$(get bills | tr '\n' ' ')"
asked=$(cell bills as_of)
sleep 1.2
equal "the paid answer is kept, not asked for again" "$asked" "$(cell bills as_of)"
like "AWS Budgets beside ours" 'aws:team +month +\$400\.00' "$(get budgets)"
config "aws: {endpoint: '$url/aws', $keys}"
like "a server error is told" 'Cost Explorer.*500' "$(get bills)"
check "and takes nothing from the estimate" near 0.384 "$(cell costs rate by=group name="cpu-$$")"
config "aws: {endpoint: 'http://127.0.0.1:1', $keys}"
like "no server" 'Cost Explorer.*(refused|reach)' "$(get bills)"
unlike "secrets are not shown" 'hush-hush' "$(get bills; binnacle --config "$scratch/b.yaml" doctor 2>&1)"
config "aws: {endpoint: '$MOTO_URL', profile: nobody-t56}"
like "no credentials" "nobody-t56|redentials" "$(AWS_EC2_METADATA_DISABLED=true get bills)"
finish
