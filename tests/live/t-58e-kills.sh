#!/usr/bin/env bash
# A promotion killed with -9 at every step, of every registry: MLflow 1 by stage (the old version is archived by a request of its own),
# MLflow 2 by stage and by alias, MLflow 3. At each turn of the journal, between any two requests to the registry, while it goes back,
# and at random; each time the state is known, told, and gone on with or taken back to the end, and no audit line is lost.
# needs: mlflow1 mlflow2 mlflow3
# apart: registry
# limit: 3000
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t58e_$$ staged=t58e_staged_$$
clean() {
	kill $service_pid
	for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do python3 "$live_tests/mlseed.py" "$url" --delete "t58e_$$"; done
	python3 "$live_tests/mlseed.py" "$MLFLOW2_URL" --delete "$staged"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
config() {
	cat >"$scratch/kills.yaml" <<-END
	environments: {dev: {guard: confirm}}
	sources:
	  registry: {type: mlflow, environment: dev, url: '$registry', timeout: 5s}
	  api: {type: serving, environment: dev, url: '$service', timeout: 4s}
	promotions:
	  "$model":
	    steps: [{action: reload, kind: modelendpoints, name: api, source: api, params: {within: 8s}}]
	    verify: {for: 1s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: "version={version} status=ready"}]}
	END
}
# killed NAME EVENT...: each event twice, to go on and to go back; without an event three times
killed() {
	local name=$1 found
	shift
	found=$(python3 "$live_tests/runbook_kills.py" "$BINNACLE" "$scratch/kills.yaml" "$model" "$registry" "$service" $(($# ? 2 : 3)) 58 "$@" 2>&1)
	if [[ $? == 0 && $found == *", 0 audit lines lost"* ]]; then
		ok "$name: $* ($(tail -n 1 <<<"$found"))"
	else
		not_ok "$name: $*" "$found"
	fi
}

for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do check "seeded: $url" python3 "$live_tests/mlseed.py" "$url" "$model"; done
check "seeded, to go by stage: $MLFLOW2_URL" python3 "$live_tests/mlseed.py" "$MLFLOW2_URL" "$staged"
for alias in champion challenger; do
	curl -fsS -m 20 -X DELETE "$MLFLOW2_URL/api/2.0/mlflow/registered-models/alias" -H 'Content-Type: application/json' \
		-d "{\"name\":\"$staged\",\"alias\":\"$alias\"}" >/dev/null
done

# by stage: 1 the new one to Production, 2 the old one archived, 3 to 5 its tags; by alias: 1 the alias, 2 to 4 its tags
for where in "MLflow 1, by stage" "MLflow 2, by stage" "MLflow 2, by alias" "MLflow 3, by alias"; do
	case $where in
	"MLflow 1"*) registry=$MLFLOW1_URL ;;
	"MLflow 2"*) registry=$MLFLOW2_URL ;;
	*) registry=$MLFLOW3_URL ;;
	esac
	[[ $where != "MLflow 2, by stage" ]] || model=$staged
	[[ $where != "MLflow 2, by alias" ]] || model=t58e_$$
	serve
	config
	said=$(bin kills promote "$model" 7 --reason x --plan)
	if [[ $where == *stage ]]; then
		like "$where: archiving the old one is a request of its own" \
			'stage Production v6 -> v7.*transition-stage .*"version":"7","stage":"Production".*transition-stage .*"version":"6","stage":"Archived".*undo: rollback.*exit 0' "$said"
	else
		like "$where: the alias is moved" 'alias champion v6 -> v7.*registered-models/alias .*undo: rollback.*exit 0' "$said"
	fi
	[[ $where != *stage ]] || killed "$where" sent:1 sent:2 sent:3 sent:5 back/sent:6 back/sent:7
	[[ $where != *alias ]] || killed "$where" sent:1 sent:2 sent:4 back/sent:5
	killed "$where" planned start:1 done:1 start:2 done:2 verify back/undoing:1
	killed "$where, at random"
	kill $service_pid
	wait $service_pid 2>/dev/null
done
check "the chain of the audit file holds" binnacle audit verify
finish
