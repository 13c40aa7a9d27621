#!/usr/bin/env bash
# The servers themselves: what the other tests stand on.
. "$(dirname "$0")/lib.sh"

equal "100 seeded nodes" 100 "$(kubectl get nodes -l eks.amazonaws.com/nodegroup --no-headers | wc -l)"
equal "1,000 seeded pods run" 1000 "$(kubectl get pods -A -l seed=cluster --no-headers | awk '$4 == "Running"' | wc -l)"
like "the platform has its incident" CrashLoopBackOff "$(kubectl get pods -n ml-platform)"
like "custom resources print their columns" 'NAME +URL +READY +PREV +LATEST' "$(kubectl get inferenceservices -n ml-platform)"
check "every status of the corpus prints as it is named" "$live_tests/../corpus/statuses.py" check "$LIVE"

pod=$(kubectl get pods -n ml-platform -l app=llm-gateway -o name | head -n 1)
like "logs come through the API server" '"level"' "$(kubectl logs -n ml-platform "$pod" -c gateway --tail 3)"
like "logs of the instance before" fatal "$(kubectl logs -n ml-platform "$pod" -c gateway --previous --tail 3)"

if alive=$(kubectl get apiservice v1beta1.metrics.k8s.io 2>/dev/null) && [[ -n $alive ]]; then
	check "metrics of nodes" within 60 kubectl top nodes
	# by what two scrapes differ in: one that came late makes it less or more until the next
	as_kwok_says() {
		[[ $(kubectl top pods -n fraud --containers | tr -s ' ') =~ trainer\ 3[0-9]{2}m\ 700Mi ]]
	}
	check "metrics of pods" within 90 as_kwok_says
else
	skip "metrics of nodes" "up without --metrics"
	skip "metrics of pods" "up without --metrics"
fi

refuse "a stranger sees no pods" kubectl --context nobody get pods
refuse "an old token is refused" kubectl --context expired get namespaces
refuse "a viewer sees no nodes" kubectl --context viewer get nodes
check "a viewer sees pods" kubectl --context viewer get pods -A
check "team-a sees its namespace" kubectl --context team-a get pods
refuse "team-a sees no other" kubectl --context team-a get pods -n fraud
check "by files and server name" kubectl --context admin-by-file get namespaces
check "without verification" kubectl --context admin-insecure get namespaces

equal "drift history" 60 "$(sql 'select count(*) from drift_history')"
equal "one check without a score" 1 "$(sql 'select count(*) from drift_history where drift_score is null')"
equal "another layout" 40 "$(sql 'select count(*) from monitoring.model_checks')"
finish
