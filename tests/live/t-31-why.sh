#!/usr/bin/env bash
# Why, on incidents that the genuine scheduler and controllers make; and those of the seeded platform.
. "$(dirname "$0")/lib.sh"
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
ns=whys

why() { # KIND KEY: level, text and evidence of each finding, a line each
	timeout -k 5 180 "$drive_bin" ask why "$1" "$2" 2>&1 |
		python3 -c 'import json,sys; [print(f["level"], f["text"], "|", f["evidence"]) for f in json.load(sys.stdin)]'
}

pod() { # NAME SPEC
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec: {containers: [{name: main, image: x%s}]%s}\n---\n' \
		"$1" $ns "${3:-}" "${2:+, $2}"
}

# unschedulable N: the scheduler says so of that many pods
unschedulable() {
	[[ $(kubectl -n $ns get pods -o 'jsonpath={.items[*].status.conditions[?(@.type=="PodScheduled")].reason}' | grep -o '\bUnschedulable' | wc -l) == "$1" ]]
}

setup() {
	kubectl create namespace $ns
	kubectl -n $ns create quota small --hard=count/configmaps=2
	{
		pod picky "nodeSelector: {disk: golden}"
		pod hungry "" ", resources: {requests: {memory: 900Ti}}"
		pod unclaimed "volumes: [{name: d, persistentVolumeClaim: {claimName: nowhere}}]"
		pod pending "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]"
		pod gated "schedulingGates: [{name: example.com/wait}]"
		cat <<-END
		apiVersion: v1
		kind: PersistentVolumeClaim
		metadata: {name: data, namespace: $ns}
		spec: {accessModes: [ReadWriteOnce], storageClassName: none-such, resources: {requests: {storage: 1Gi}}}
		---
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: stuck, namespace: $ns}
		spec:
		  replicas: 2
		  progressDeadlineSeconds: 3
		  selector: {matchLabels: {app: stuck}}
		  template:
		    metadata: {labels: {app: stuck}}
		    spec: {nodeSelector: {disk: golden}, containers: [{name: main, image: x}]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: nobody, namespace: $ns}
		spec: {selector: {app: no-such-app}, ports: [{port: 80}]}
		---
		apiVersion: v1
		kind: Node
		metadata: {name: why-node}
		spec: {unschedulable: true}
		END
	} | kubectl apply -f -
	# the quota counts what is there already, and the scheduler has looked at it
	within 60 unschedulable 6
	kubectl -n $ns create quota pods --hard=pods=9
	within 60 sh -c "$KUBECTL -n $ns get quota pods -o jsonpath={.status.used.pods} | grep -qx 7"
	cat <<-END | kubectl apply -f -
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: crowded, namespace: $ns}
	spec:
	  replicas: 12
	  selector: {matchLabels: {app: crowded}}
	  template:
	    metadata: {labels: {app: crowded}}
	    spec: {containers: [{name: main, image: x}]}
	END
	within 20 sh -c "$KUBECTL -n $ns get events | grep -q 'exceeded quota'"
	within 20 sh -c "$KUBECTL -n $ns get deploy crowded -o yaml | grep -q 'used: pods=9'"
	within 20 sh -c "$KUBECTL -n $ns get deploy stuck -o yaml | grep -q ProgressDeadlineExceeded"
}

cleanup() {
	kubectl delete namespace $ns --wait=false >/dev/null 2>&1
	kubectl delete node why-node >/dev/null 2>&1
	rm -rf "$scratch"
}
trap cleanup EXIT

check "things that go wrong" setup
like "node selector" '^5 no node takes it: of [0-9]+ nodes: .*do not match the pod.s node selector or affinity' "$(why pods $ns/picky)"
like "memory" '^5 no node takes it: .*too little free memory' "$(why pods $ns/hungry)"
like "no such claim" "^5 the volume claim 'nowhere' does not exist" "$(why pods $ns/unclaimed)"
like "claim not bound" "^5 its volume claim 'data' is not bound yet" "$(why pods $ns/pending)"
like "claim itself" "storage class 'none-such', 1Gi wanted" "$(why persistentvolumeclaims $ns/data)"
like "scheduling gate" "^3 it is held back by the scheduling gate 'example.com/wait'" "$(why pods $ns/gated)"
said=$(why deployments $ns/stuck)
like "deployment: the cause first" '^5 2 of 2 pods: no node takes it' "$said"
like "deployment: the deadline" 'made no progress within its deadline' "$said"
like "quota" "^5 no pod can be created: the quota 'pods' is exhausted: requested: pods=1, used: pods=9, limited: pods=9" \
	"$(why deployments $ns/crowded)"
like "service to nowhere" '^5 no pod matches its selector' "$(why services $ns/nobody)"
said=$(why nodes why-node)
like "node that never reported" '^5 the node why-node does not answer' "$said"
like "node: cordoned" 'the node is cordoned' "$said"
# The seeded platform, as far as no other test has mended it.
broken=$(kubectl -n ml-platform get pods 2>/dev/null)
if [[ $broken == *CrashLoopBackOff* ]]; then
	like "out of memory" "^5 1 of 3 pods: container 'predictor' was killed for lack of memory .*limit 1Gi \| .*exit code 137 OOMKilled" \
		"$(why deployments ml-platform/churn-predictor)"
fi
if [[ $broken == *ImagePullBackOff* ]]; then
	like "image" 'cannot be pulled: there is no such image or tag' "$(why deployments ml-platform/label-api)"
fi
if [[ $broken == *CreateContainerConfigError* ]]; then
	like "missing secret" 'cannot be made: secret "feature-store-tls" not found' "$(why statefulsets ml-platform/feature-store)"
fi
finish
