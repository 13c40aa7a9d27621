#!/usr/bin/env bash
# The smaller acts on a cluster, on a genuine API server: images, zero and back, cron jobs, taints, labels; several at once.
. "$(dirname "$0")/lib.sh"
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
audit=$scratch/audit.jsonl
ns=cluster-acts

drive() {
	timeout -k 5 180 "$drive_bin" --audit "$audit" --wait 90000 "$@" 2>&1
}
field() { # KIND NAME JSONPATH
	kubectl -n $ns get "$1" "$2" -o "jsonpath={$3}" 2>&1
}
workload() { # KIND NAME REPLICAS
	cat <<-END
	apiVersion: apps/v1
	kind: $1
	metadata: {name: $2, namespace: $ns, labels: {tier: acts}}
	spec:
	  replicas: $3
	  selector: {matchLabels: {app: $2}}
	  template:
	    metadata: {labels: {app: $2}}
	    spec: {containers: [{name: main, image: 'registry.example.com/$2:v1'}]}
	---
	END
}
setup() {
	kubectl create namespace $ns
	{
		for name in web side one two three; do workload Deployment $name 2; done
		workload StatefulSet store 2
		cat <<-END
		apiVersion: batch/v1
		kind: CronJob
		metadata: {name: nightly, namespace: $ns}
		spec:
		  schedule: "0 3 29 2 *"
		  jobTemplate:
		    metadata: {labels: {made: by-cron}}
		    spec:
		      template:
		        spec: {restartPolicy: Never, containers: [{name: main, image: 'registry.example.com/nightly:v1'}]}
		---
		apiVersion: autoscaling/v2
		kind: HorizontalPodAutoscaler
		metadata: {name: web, namespace: $ns}
		spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
		---
		apiVersion: v1
		kind: Node
		metadata:
		  name: cluster-acts-node
		  annotations: {kwok.x-k8s.io/node: fake}
		  labels: {kubernetes.io/hostname: cluster-acts-node}
		spec: {taints: [{key: acts, effect: NoSchedule}]}
		END
	} | kubectl apply -f -
}
cleanup() {
	kubectl delete namespace $ns --wait=false
	kubectl delete node cluster-acts-node
	kubectl delete nodepool acts-pool
	kubectl delete nodeclaim acts-claim
	[[ -z ${made_crd:-} ]] || kubectl delete crd nodeclaims.karpenter.sh
}
trap 'cleanup >/dev/null 2>&1; rm -rf "$scratch"' EXIT
check "objects to act on" setup
check "they are there" within 60 kubectl -n $ns rollout status deploy/web --timeout=1s
within 30 kubectl -n $ns rollout status sts/store --timeout=1s

# ---- images
said=$(drive --undo act set-image deployments $ns/web '{"image":"registry.example.com/web:v2"}')
equal "set image, followed, and undone" 2 "$(grep -c '^state: done' <<<"$said")"
like "set image: says what changes" 'container main: image registry.example.com/web:v1 -> registry.example.com/web:v2' "$said"
equal "set image: as it was" registry.example.com/web:v1 "$(field deploy web .spec.template.spec.containers[0].image)"
like "set image: no such container" "no container 'x'; it has main" "$(drive plan set-image deployments $ns/web '{"container":"x","image":"a:1"}')"
like "set image: already" '"already": "container main runs that image already"' \
	"$(drive plan set-image deployments $ns/web '{"image":"registry.example.com/web:v1"}')"
like "set image: no fixed version" 'names no fixed version' "$(drive plan set-image deployments $ns/web '{"image":"web"}')"
like "set image: of a cron job" 'state: done' "$(drive act set-image cronjobs $ns/nightly '{"image":"registry.example.com/nightly:v2"}')"
equal "set image: of a cron job, there" registry.example.com/nightly:v2 \
	"$(field cronjob nightly .spec.jobTemplate.spec.template.spec.containers[0].image)"
kubectl -n $ns label deploy side argocd.argoproj.io/instance=shop >/dev/null
like "set image: whose it is" 'Argo CD manages it \(shop\)' "$(drive plan set-image deployments $ns/side '{"image":"a:1"}')"
like "set image: changed meanwhile" 'it changed since the plan was shown' "$(drive \
	--between "$KUBECTL -n $ns patch deploy side --type=merge -p '{\"spec\":{\"minReadySeconds\":1}}' >/dev/null" \
	act set-image deployments $ns/side '{"image":"a:1"}')"
like "set image: forbidden" 'not permitted: .* may not patch deployments' \
	"$(drive --context viewer plan set-image deployments $ns/web '{"image":"a:1"}')"

# ---- zero and back
said=$(drive act scale-zero deployments $ns/web)
like "to zero: done" 'state: done' "$said"
like "to zero: the autoscaler rests" 'web owns replicas \(2..9\): it rests while they are 0' "$said"
equal "to zero: none is left, two are remembered" "0 2" \
	"$(field deploy web .spec.replicas) $(field deploy web '.metadata.annotations.binnacle/replicas')"
like "to zero: already" '"already": "it has no replicas already"' "$(drive plan scale-zero deployments $ns/web)"
like "back: as many as there were" 'state: done' "$(drive act scale-back deployments $ns/web)"
equal "back: and the note is gone" "2 " "$(field deploy web .spec.replicas) $(field deploy web '.metadata.annotations.binnacle/replicas')"
like "back: nothing remembered" 'how many there were is not remembered' "$(drive plan scale-back deployments $ns/side)"
said=$(drive --undo act scale-zero statefulsets $ns/store)
equal "to zero and undone" "2 2" "$(grep -c '^state: done' <<<"$said") $(field sts store .spec.replicas)"

# ---- cron jobs
said=$(drive --undo act suspend cronjobs $ns/nightly)
equal "suspend and resume" "2 false" "$(grep -c '^state: done' <<<"$said") $(field cronjob nightly .spec.suspend)"
like "resume: not suspended" '"already": "it is not suspended"' "$(drive plan resume cronjobs $ns/nightly)"
said=$(drive act trigger cronjobs $ns/nightly)
like "run now: done" 'state: done' "$said"
equal "run now: as kubectl makes it" "CronJob manual by-cron" "$(kubectl -n $ns get jobs -o \
	jsonpath='{.items[0].metadata.ownerReferences[0].kind} {.items[0].metadata.annotations.cronjob\.kubernetes\.io/instantiate} {.items[0].metadata.labels.made}')"

# ---- taints
kubectl -n $ns run stays --image=x --overrides='{"spec":{"nodeName":"cluster-acts-node","tolerations":[{"operator":"Exists"}]}}' >/dev/null
kubectl -n $ns run goes --image=x --overrides='{"spec":{"nodeName":"cluster-acts-node"}}' >/dev/null
within 20 kubectl -n $ns wait --for=condition=Ready pod/goes --timeout=1s
only_ours() {               # a new node's taint not-ready is taken off by a controller
	[[ $(kubectl get node cluster-acts-node -o 'jsonpath={.spec.taints[*].key}') == acts ]]
}
within 60 only_ours
said=$(drive plan taint nodes cluster-acts-node '{"taint":"gpu=broken:NoExecute"}')
like "taint: who is driven off" "1 pod is driven off at once, no disruption budget asked: $ns/goes" "$said"
like "taint: not of that form" 'is no taint' "$(drive plan taint nodes cluster-acts-node '{"taint":"gpu=broken"}')"
like "taint: the server's word" 'the server refuses it' "$(drive plan taint nodes cluster-acts-node '{"taint":"a b=c:NoSchedule"}')"
said=$(drive --undo act taint nodes cluster-acts-node '{"taint":"gpu=broken:NoSchedule,slow:PreferNoSchedule"}')
equal "taint with two and take them off" "2 acts" "$(grep -c '^state: done' <<<"$said") $(kubectl get node cluster-acts-node \
	-o jsonpath='{.spec.taints[*].key}')"
said=$(drive --undo act untaint nodes cluster-acts-node '{"taint":"acts"}')
equal "untaint and put it back" "2 acts:NoSchedule" "$(grep -c '^state: done' <<<"$said") $(kubectl get node cluster-acts-node \
	-o jsonpath='{.spec.taints[0].key}:{.spec.taints[0].effect}')"

# ---- labels
said=$(drive --undo act label deployments $ns/web '{"label":"tier=front"}')
equal "label and undo" "2 acts" "$(grep -c '^state: done' <<<"$said") $(field deploy web .metadata.labels.tier)"
like "label: the server's word" 'the server refuses it' "$(drive plan label deployments $ns/web '{"label":"tier=a b"}')"
like "annotate any kind" 'state: done.*state: done' "$(drive --undo act annotate serviceaccounts $ns/default '{"annotate":"acts=seen"}' |
	paste -sd' ')"

# ---- several at once
all=$ns/one,$ns/two,$ns/three
said=$(drive --undo act scale-zero deployments "$all")
equal "bulk: three to zero, and back, the last first" "2 2 2 2" "$(grep -c '^state: done' <<<"$said") $(for d in one two three; do
	field deploy $d .spec.replicas; done | paste -sd' ' | sed 's/\([0-9]\)\([0-9]\)/\1 \2/g;s/\([0-9]\)\([0-9]\)/\1 \2/g')"
equal "bulk: undone in reverse" "$ns/three $ns/two $ns/one" "$(grep '^row:' <<<"$said" | tail -n 3 | cut -d' ' -f2 | paste -sd' ')"
said=$(drive --between "$KUBECTL -n $ns delete deploy two --wait=true >/dev/null" act scale deployments "$all" '{"replicas":1}')
like "bulk: stops at the first that fails" "row: $ns/two failed: it is gone.*row: $ns/three cancelled" "$(paste -sd' ' <<<"$said")"
equal "bulk: the one after it is as it was" 2 "$(field deploy three .spec.replicas)"
said=$(drive --go-on act scale deployments "$all" '{"replicas":3}')
like "bulk: goes on past one that is gone" "1 of 3 failed, first '$ns/two'" "$said"
equal "bulk: the rest is done" "3 3" "$(field deploy one .spec.replicas) $(field deploy three .spec.replicas)"
like "bulk: over the limit, at once" 'over the limit of 5' "$(drive act restart deployments a/1,a/2,a/3,a/4,a/5,a/6)"

# ---- a node pool to no nodes and back
pool() {
	cat <<-END
	apiVersion: apiextensions.k8s.io/v1
	kind: CustomResourceDefinition
	metadata: {name: nodeclaims.karpenter.sh}
	spec:
	  group: karpenter.sh
	  scope: Cluster
	  names: {plural: nodeclaims, singular: nodeclaim, kind: NodeClaim}
	  versions:
	  - name: v1
	    served: true
	    storage: true
	    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
	END
}
pool_objects() {
	cat <<-END
	apiVersion: karpenter.sh/v1
	kind: NodePool
	metadata: {name: acts-pool}
	spec: {limits: {cpu: "64", memory: 256Gi}, template: {spec: {}}}
	---
	apiVersion: karpenter.sh/v1
	kind: NodeClaim
	metadata: {name: acts-claim, labels: {karpenter.sh/nodepool: acts-pool}}
	END
}
if ! kubectl get crd nodeclaims.karpenter.sh >/dev/null 2>&1; then
	made_crd=yes
	pool | kubectl apply -f - >/dev/null
fi
within 30 kubectl get nodeclaims
pool_objects | kubectl apply -f - >/dev/null
kubectl label node cluster-acts-node karpenter.sh/nodepool=acts-pool >/dev/null
kubectl -n $ns run picky --image=x --overrides='{"spec":{"nodeName":"cluster-acts-node","nodeSelector":{"kubernetes.io/hostname":"cluster-acts-node"}}}' >/dev/null
within 20 kubectl -n $ns wait --for=condition=Ready pod/picky --timeout=1s
kubectl label node cluster-acts-node node.kubernetes.io/instance-type=p3.2xlarge topology.kubernetes.io/zone=us-east-1a >/dev/null
printf 'sources:\n  kube:\n    type: kubernetes\n    kubeconfig: %s\n  cost:\n    type: cost\n    control_plane: no\n' "$KUBECONFIG" >"$scratch/cost.yaml"
if "$(dirname "$BINNACLE")/tests/live/screen_drive" 120x40 "$BINNACLE" --config "$scratch/cost.yaml" --pane cost >"$scratch/screen" 2>&1 <<-'DRIVE'
	wait 30 acts-pool
	keys /acts-pool\r
	keys O
	wait 20 saves about 3.06 an hour
	wait 5 find no place on the other nodes
	keys \e
	wait 5 THEN LASTS
	keys Q
	end 0
DRIVE
then ok "pool: from the cost pane, with what it saves"; else not_ok "pool: from the cost pane, with what it saves" "$(<"$scratch/screen")"; fi
equal "pool: Esc left it as it is" 64 "$(kubectl get nodepool acts-pool -o jsonpath='{.spec.limits.cpu}')"
said=$(drive act scale-zero nodepools.karpenter.sh acts-pool '{"per_hour":1.25}')
like "pool: to no nodes" 'state: done' "$said"
like "pool: whose pods find no place" "find no place on the other nodes: .*$ns/picky" "$said"
like "pool: what it saves" 'saves about 1.25 an hour' "$said"
like "pool: a schedule is shown" 'shown and not run by us: 0 20' "$said"
equal "pool: no node is started, and its claims go" "0 " "$(kubectl get nodepool acts-pool -o jsonpath='{.spec.limits.cpu}') $(kubectl \
	get nodeclaims -l karpenter.sh/nodepool=acts-pool -o name)"
like "pool: back" 'state: done' "$(drive act scale-back nodepools.karpenter.sh acts-pool)"
equal "pool: the limits are as they were" "64 256Gi" "$(kubectl get nodepool acts-pool -o jsonpath='{.spec.limits.cpu} {.spec.limits.memory}')"

equal "audit: a run and an outcome for each" "$(grep -c '"event":"run"' "$audit")" "$(grep -c '"event":"outcome"' "$audit")"
finish
