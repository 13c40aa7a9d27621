#!/usr/bin/env bash
# Actions on a genuine API server: each as planned, each undone, each refused where it must be.
. "$(dirname "$0")/lib.sh"
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
audit=$scratch/audit.jsonl
ns=acts

drive() {
	timeout -k 5 180 "$drive_bin" --audit "$audit" --wait 90000 "$@" 2>&1
}

# What the last field of an object is: field KIND NAME JSONPATH
field() {
	kubectl -n $ns get "$1" "$2" -o "jsonpath={$3}" 2>&1
}

workload() { # KIND NAME REPLICAS [POD FIELDS]
	cat <<-END
	apiVersion: apps/v1
	kind: $1
	metadata: {name: $2, namespace: $ns}
	spec:
	  replicas: $3
	  selector: {matchLabels: {app: $2}}
	  template:
	    metadata: {labels: {app: $2}}
	    spec: {containers: [{name: main, image: 'registry.example.com/$2:v1', env: [{name: DB_PASSWORD, value: hunter2}]}]${4:+, $4}}
	---
	END
}

setup() {
	kubectl create namespace $ns
	{
		workload Deployment web 2
		workload Deployment guarded 2 "nodeSelector: {kubernetes.io/hostname: act-node}, tolerations: [{key: acts, operator: Exists}]"
		workload Deployment loose 2 "nodeSelector: {kubernetes.io/hostname: act-node}, tolerations: [{key: acts, operator: Exists}]"
		workload StatefulSet store 2
		workload Deployment scaled 2
		workload DaemonSet each 0 "nodeSelector: {kubernetes.io/hostname: act-node}, tolerations: [{key: acts, operator: Exists}]" |
			sed '/replicas:/d'
		cat <<-END
		apiVersion: v1
		kind: Node
		metadata:
		  name: act-node
		  annotations: {kwok.x-k8s.io/node: fake}
		  labels: {kubernetes.io/hostname: act-node}
		spec: {taints: [{key: acts, effect: NoSchedule}]}
		---
		apiVersion: policy/v1
		kind: PodDisruptionBudget
		metadata: {name: guarded, namespace: $ns}
		spec: {maxUnavailable: 0, selector: {matchLabels: {app: guarded}}}
		---
		apiVersion: autoscaling/v2
		kind: HorizontalPodAutoscaler
		metadata: {name: scaled, namespace: $ns}
		spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}}
		---
		apiVersion: v1
		kind: Secret
		metadata: {name: db, namespace: $ns}
		stringData: {password: hunter2}
		END
	} | kubectl apply -f -
	for w in deploy/web deploy/guarded deploy/loose deploy/scaled sts/store ds/each; do
		kubectl -n $ns rollout status "$w" --timeout=180s || return 1
	done
}

cleanup() {
	kubectl delete namespace $ns --wait=false >/dev/null 2>&1
	kubectl delete node act-node >/dev/null 2>&1
	rm -rf "$scratch"
}
trap cleanup EXIT

check "workloads to act on" setup

# ---- scale, restart, undo
said=$(drive --undo act scale deployments $ns/web '{"replicas":4}')
like "scale: the plan says what changes" 'replicas 2 -> 4' "$said"
like "scale: dry run accepted" '"dry_run": "accepted"' "$said"
equal "scale: undone" 2 "$(field deploy web .spec.replicas)"
equal "scale: both done" 2 "$(grep -c '^state: done' <<<"$said")"
said=$(drive plan scale deployments $ns/scaled '{"replicas":5}')
like "scale: warns of the autoscaler" 'HorizontalPodAutoscaler scaled owns replicas \(2\.\.9\)' "$said"
for mark in 'annotate argocd.argoproj.io/tracking-id=shop:apps/Deployment Argo CD manages it' \
	'label argocd.argoproj.io/instance=shop Argo CD manages it' 'label kustomize.toolkit.fluxcd.io/name=shop Flux manages it' \
	'label helm.toolkit.fluxcd.io/name=shop Flux manages it' 'annotate meta.helm.sh/release-name=shop Helm manages it'; do
	read -r verb pair who <<<"$mark"
	kubectl -n $ns "$verb" --overwrite deploy scaled "$pair" >/dev/null
	like "scale: warns that ${who% manages it} will set it back (${pair%%=*})" "$who \\(shop" "$(drive plan scale deployments $ns/scaled '{"replicas":5}')"
	kubectl -n $ns "$verb" deploy scaled "${pair%%=*}-" >/dev/null
done
printf '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"%s"},"spec":{"replicas":2}}' $ns |
	kubectl apply --server-side --force-conflicts --field-manager argocd-controller -f - >/dev/null 2>&1
like "scale: warns of who owns the field by server-side apply" "'argocd-controller' owns replicas" \
	"$(drive plan scale deployments $ns/web '{"replicas":3}')"
equal "plan changes nothing" 2 "$(field deploy scaled .spec.replicas)"
said=$(drive --undo act restart deployments $ns/web)
equal "restart and its undo are done" 2 "$(grep -c '^state: done' <<<"$said")"
equal "restart undone: no mark left" "" "$(field deploy web '.spec.template.metadata.annotations')"
kubectl -n $ns set image deploy/web main=registry.example.com/web:v2 >/dev/null
kubectl -n $ns rollout status deploy/web --timeout=180s >/dev/null
said=$(drive act rollback deployments $ns/web)
like "undo: says which image comes back" 'web:v2 -> registry.example.com/web:v1' "$said"
equal "undo: the image is back" registry.example.com/web:v1 "$(field deploy web '.spec.template.spec.containers[0].image')"
for kind in sts/store/statefulsets ds/each/daemonsets; do
	IFS=/ read -r short name plural <<<"$kind"
	kubectl -n $ns set image "$short/$name" "main=registry.example.com/$name:v2" >/dev/null
	kubectl -n $ns rollout status "$short/$name" --timeout=180s >/dev/null
	said=$(drive --undo act rollback "$plural" "$ns/$name")
	equal "undo and redo of a rollout: $plural" "2 registry.example.com/$name:v2" \
		"$(grep -c '^state: done' <<<"$said") $(field "$short" "$name" '.spec.template.spec.containers[0].image')"
	said=$(drive act restart "$plural" "$ns/$name")
	like "restart: $plural" 'state: done' "$said"
done
said=$(drive plan rollback deployments $ns/scaled)
like "undo: blocked without history" '"blocked": "there is no former revision' "$said"

# ---- what changed between plan and run is not run over
said=$(drive --between "$KUBECTL -n $ns scale deploy web --replicas=3" act scale deployments $ns/web '{"replicas":5}')
like "changed since the plan: refused" 'changed since the plan was shown.*plan again' "$said"
equal "changed since the plan: untouched" 3 "$(field deploy web .spec.replicas)"
kubectl -n $ns rollout status deploy/web --timeout=180s >/dev/null
said=$(drive --between "$KUBECTL -n $ns patch deploy web --subresource=status --type=merge -p '{\"status\":{\"collisionCount\":1}}'" \
	act scale deployments $ns/web '{"replicas":2}')
like "only the status moved: goes on" 'state: done' "$said"
pod=store-0
said=$(drive --between "$KUBECTL -n $ns delete pod $pod --grace-period=0 --force; sleep 2" act delete pods $ns/$pod)
like "another pod of that name: refused" 'another object has its name|it is gone' "$said"
said=$(drive --between "$KUBECTL -n $ns delete deploy scaled" act restart deployments $ns/scaled)
like "gone meanwhile: refused" 'it is gone' "$said"

# ---- who may not, does not
said=$(drive --context viewer plan scale deployments $ns/web '{"replicas":5}')
like "forbidden: the plan is blocked and says why" 'not permitted: viewer may not patch deployments/scale' "$said"
said=$(drive --context viewer act scale deployments $ns/web '{"replicas":5}')
like "forbidden: cannot be confirmed" 'refused: not permitted' "$said"
refuse "forbidden to read: a clear failure" drive --context nobody plan restart deployments $ns/web
said=$(drive --readonly act restart deployments $ns/web)
like "read-only: refused" 'read-only' "$said"
said=$(drive --environment prod act restart deployments $ns/web)
like "prod: the name has to be typed" "type 'web' to go on" "$said"
said=$(drive act delete pods a/1,a/2,a/3,a/4,a/5,a/6)
like "too many at once: refused" 'over the limit of 5' "$said"
said=$(timeout 60 "$drive_bin" --audit /dev/full act scale deployments $ns/web '{"replicas":7}' 2>&1)
like "no audit line, no action" 'cannot be recorded.*No space left' "$said"
equal "no audit line: untouched" 2 "$(field deploy web .spec.replicas)"
said=$(drive plan scale deployments $ns/web '{"replicas":-1}')
like "nonsense is blocked" '"blocked": "say how many' "$said"

# ---- delete, evict
two_pods() {                # the one too many has gone
	pods=$(kubectl -n $ns get pods -l app=web -o name | sed "s,pod,$ns," | paste -sd,)
	[[ $pods == *,* && $pods != *,*,* ]]
}
within 30 two_pods
two_pods
said=$(drive act delete pods "$pods")
equal "delete two pods, one after the other" 2 "$(grep -c 'step: it is gone' <<<"$said")"
pod=$(kubectl -n $ns get pods -l app=guarded -o jsonpath='{.items[0].metadata.name}')
said=$(drive --cancel 6000 act evict pods "$ns/$pod")
like "evict: the budget is named" 'disruption budget guarded needs 2' "$said"
like "evict: tried again, then stopped" 'state: cancelled' "$said"
equal "evict: the pod lives" Running "$(field pod "$pod" .status.phase)"
pod=$(kubectl -n $ns get pods -l app=loose -o jsonpath='{.items[0].metadata.name}')
like "evict: an unprotected pod goes" 'state: done' "$(drive act evict pods "$ns/$pod")"

# ---- nodes
said=$(drive --undo act cordon nodes act-node)
equal "cordon and its undo" "2 " "$(grep -c '^state: done' <<<"$said") $(field node act-node .spec.unschedulable)"
kubectl -n $ns rollout status deploy/loose --timeout=180s >/dev/null        # what was evicted has its successor there
kubectl -n $ns run alone --image=x --overrides='{"spec":{"nodeName":"act-node","volumes":[{"name":"v","emptyDir":{}}]}}' >/dev/null
within 20 kubectl -n $ns wait --for=condition=Ready pod/alone --timeout=1s
said=$(drive plan drain nodes act-node)
like "drain: pods with emptyDir block it" 'keep data in an emptyDir volume \(acts/alone\)' "$said"
like "drain: pods of daemon sets stay" 'pods of daemon sets stay' "$said"
like "drain: protected pods are named" 'budget guarded needs 2' "$said"
said=$(drive act drain nodes act-node '{"emptydir":true,"force":true,"timeout":15}')
like "drain: gives up on the protected" 'given up after 15 s: 3 of 5 pods are gone, disruption budgets protect 2' "$said"
kubectl -n $ns delete pdb guarded >/dev/null
said=$(drive act drain nodes act-node '{"emptydir":true,"force":true,"timeout":90}')
like "drain: through without the budget" 'state: done' "$said"
equal "drain: only the daemon set's pod is left" each "$(kubectl get pods -A --field-selector spec.nodeName=act-node \
	-o jsonpath='{.items[*].metadata.labels.app}')"
like "uncordon" 'state: done' "$(drive act uncordon nodes act-node)"

# ---- documents and the audit file
like "yaml: a secret is masked" 'password: .\*\*\* \(7 bytes\)' "$(drive open yaml secrets $ns/db)"
like "yaml: a secret on demand" 'aHVudGVyMg==' "$(drive open yaml secrets $ns/db '{"reveal":true}')"
like "yaml: kinds known by discovery only" 'kind: Lease' "$(drive open yaml leases.coordination.k8s.io \
	"$(kubectl get leases -A -o jsonpath='{.items[0].metadata.namespace}/{.items[0].metadata.name}')")"
like "tree: from the deployment to its containers" 'container main' "$(drive ask tree deployments $ns/web)"
kubectl -n $ns rollout status deploy/web --timeout=180s >/dev/null
like "why: nothing wrong" 'nothing wrong is to be seen' "$(drive ask why deployments $ns/web)"
like "doctor: reachable as admin" 'admin' "$(drive ask doctor '' '')"
unlike "audit: no secrets" hunter2 "$(cat "$audit")"
equal "audit: mode 0600" 600 "$(stat -c %a "$audit")"
equal "audit: a run and an outcome for each" "$(grep -c '"event":"run"' "$audit")" "$(grep -c '"event":"outcome"' "$audit")"
finish
