#!/usr/bin/env bash
# What a verification measures from outside: errors, latency and predictions of the new version against before, and no call more than
# was told; and a pipeline as a step, waited for to its end, its run cancelled while it runs. Each that fails goes back by itself.
# needs: mlflow3 airflow2 airflow3
# apart: airflow
# limit: 3000
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t58b_$$ patience=600          # a run that takes 5 s took over four minutes beside all that a build machine does
clean() {
	kill $service_pid
	python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" --delete "$model"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
# config NAME CHECK [STEP] [SOURCE]: registry and reload, then that check for 4 s
config() {
	cat >"$scratch/$1.yaml" <<-END2
	environments: {dev: {guard: confirm}}
	sources:
	  registry: {type: mlflow, environment: dev, url: '$MLFLOW3_URL', timeout: 30s}
	  api: {type: serving, environment: dev, url: '$service', timeout: 10s, history: true}
	  ${4:-}
	promotions:
	  "$model":
	    steps:
	      - {action: reload, kind: modelendpoints, name: api, source: api, params: {within: 8s}}
	      ${3:-}
	    verify: {for: 4s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, $2}]}
	END2
}
# feed N: so many predictions of what is served now are in its log
feed() {
	for ((k = 0; k < $1; k++)); do
		curl -fsS -m 10 "$service/predict" -H 'Content-Type: application/json' -d "{\"bed\":$((1 + k % 5)),\"house_size\":$((900 + 77 * k))}" >/dev/null
	done
}
asked() {
	curl -fsS -m 10 "$service/calls" | python3 -c 'import json, sys; print(json.load(sys.stdin).get("/predict", 0))'
}
# again FAULT: as before the promotion, and with that fault
again() {
	reset
	fault "$1"
}

check "seeded" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
serve
feed 24
equal "v6 serves" "6 6" "$(both)"

# --- errors and latency by predictions of our own
config both 'errors_below: 2%, slower_below: 500%'
sed 's/, history: true//' "$scratch/both.yaml" >"$scratch/unread.yaml"
like "without inputs nothing can be asked, and the plan says so" 'verify +api: .*cannot be measured now: no recent inputs are in the log.*exit 0' \
	"$(bin unread promote "$model" 7 --reason x --plan)"
like "the plan says how many are asked" 'verify +api: errors latency \(by 5 predictions each 2s\).*exit 0' "$(bin both promote "$model" 7 --reason x --plan)"
before=$(asked)
equal "and asks none yet" 24 "$before"
fault '{"slow_ms": 80}'              # six times one millisecond is what a busy machine makes of it
said=$(promote both)
like "before the first step, and after the last" \
	'before the first step: api: errors 0 %, p50 [0-9.]+ ms of 5 predictions.*step 1: .*verifying.*done.*exit 0' "$said"
equal "it stays" "7 7" "$(both)"
calls=$(($(asked) - before))
if ((calls >= 10 && calls <= 25 && calls % 5 == 0)); then ok "5 before, 5 for each look, no more"; else not_ok "5 before, 5 for each look, no more" "$calls calls"; fi
again '{"only": "7", "status": 503}'
said=$(promote both)
like "errors of the new version go back" 'errors 100 % of 5 predictions: 503.*before 0 %.*failed 2 times in a row.*rolled back.*exit 7' "$said"
equal "all is v6" "6 6" "$(both)"
again '{"only": "7", "slow_ms": 800}'
said=$(promote both)
like "so does a slow one" 'p50 [0-9]{3,}.* ms, before .*failed 2 times in a row.*rolled back.*exit 7' "$said"
equal "all is v6 again" "6 6" "$(both)"
config late 'errors_below: 2%, slower_below: 500%'
sed -i "/  api:/s/timeout: 10s/timeout: 3s/" "$scratch/late.yaml"
again '{"only": "7", "slow_ms": 4000}'
said=$(promote late)
like "and one that answers too late for us" 'errors 100 %.*failed 2 times in a row.*rolled back.*exit 7' "$said"
equal "v6 too" "6 6" "$(both)"
again '{"only": "6", "status": 500}'
like "one that answered nothing before may be as slow as it is" 'before the first step: api: errors 100 %.*done.*exit 0' "$(promote both)"
config none 'errors_below: 2%, slower_below: 500%, probes: 0'
again '{}'
before=$(asked)
like "told to ask nothing, it cannot tell, and asks a person" 'cannot be told.*somebody has to decide.*exit 8' "$(promote none)"
equal "and the endpoint was asked nothing" "$before" "$(asked)"
like "back" 'rolled back.*exit 7' "$(bin none runbooks --go-back last --yes)"

# --- the same inputs predicted once more
config near 'predictions: 10, differ_below: 60%'
config nearer 'predictions: 10, differ_below: 0.1%'
again '{}'
feed 12
like "predictions within the limit" '10 predictions differ by [0-9.]+ % on average.*done.*exit 0' "$(promote near --json)"
again '{}'
like "beyond it: back" '10 predictions differ by [0-9.]+ % on average, at most.*failed 2 times in a row.*rolled back.*exit 7' "$(promote nearer)"
again '{"only": "7", "html": true}'
like "none that can be read: back" '10 were not answered.*failed 2 times in a row.*rolled back.*exit 7' "$(promote near)"
equal "all three times to v6" "6 6" "$(both)"

# --- champion and challenger behind one address, told apart by a header
kill $service_pid
serve --canary 7
feed 12
config canary 'where: "version={version}"' '' "canary: {type: serving, environment: dev, url: '$service', timeout: 3s, headers: {x-canary: always}}"
# gate LIMIT: the plan, with the answers of both compared
gate() {
	sed "s/^    steps:/    gates: [{predictions: 10, challenger: canary, champion: api, differ_below: $1}]\n    steps:/" \
		"$scratch/canary.yaml" >"$scratch/split.yaml"
	bin split promote "$model" 7 --reason x --plan
}
like "each is an endpoint of its own" 'canary.*"version": *"7"' "$(bin canary get modelendpoints -o json | tr -d '\n')"
like "the gate compares what both answer" '10 of 10 differ, on average by [0-9.]+ %.*wanted below 60.*exit 0' "$(gate 60%)"
like "and blocks" 'fail.*10 of 10 differ.*wanted below 0.1 .*exit [1-9]' "$(gate 0.1%)"

# --- a pipeline as a step: its run is waited for
# flow VERSION PATH [BODY]: of this pipeline; BODY is PATCHed
flow() {
	local who=(-u admin:admin) url=$AIRFLOW2_URL/api/v1/dags/mlops_full_pipeline$2
	if (($1 == 3)); then
		who=(-H "Authorization: Bearer $(curl -sf "$AIRFLOW3_URL/auth/token" -H 'Content-Type: application/json' \
			-d '{"username":"admin","password":"admin"}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')")
		url=$AIRFLOW3_URL/api/v2/dags/mlops_full_pipeline$2
	fi
	curl -sf -m 20 "${who[@]}" ${3:+-X PATCH -H 'Content-Type: application/json' -d "$3"} "$url"
}
paused() {                       # paused VERSION [BOOL]: whether the pipeline is; sets it
	flow "$1" "" ${2:+"{\"is_paused\": $2}"} | python3 -c 'import json, sys; print(str(json.load(sys.stdin)["is_paused"]).lower())'
}
begun() {                        # begun TEXT: the run that it says it has begun; planned anew, it has another name than in the plan
	grep -o 'run binnacle__[-0-9T:]* is' <<<"$1" | head -n 1 | cut -d' ' -f2
}
state() {
	flow "$1" "/dagRuns/$2" | python3 -c 'import json, sys; print(json.load(sys.stdin)["state"])'
}
for v in 2 3; do
	url=AIRFLOW${v}_URL
	flow="flow: {type: airflow, environment: dev, url: '${!url}', user: admin, password: {command: echo admin}, timeout: 10s}"
	run='action: trigger, kind: pipelines, name: mlops_full_pipeline, source: flow, until: "status=success", within: 480s'
	config "well$v" 'where: "version={version} status=ready"' "- {$run, params: {conf: '{\"source\": \"{model}/{version}\", \"train_seconds\": 0}'}}" "$flow"
	config "long$v" 'where: "version={version} stage=nowhere"' \
		"- {action: trigger, kind: pipelines, name: mlops_full_pipeline, source: flow, params: {conf: '{\"drift_score\": 0.5, \"train_seconds\": 90}'}}" "$flow"
	sed 's/^    steps:/    on_failure: hold\n&/' "$scratch/long$v.yaml" >"$scratch/held$v.yaml"
	config "ill$v" 'where: "version={version}"' "- {$run, params: {conf: '{\"fail_at\": \"ingest_data\"}'}}" "$flow"
	again '{}'
	was=$(paused $v)
	paused $v false >/dev/null
	check "Airflow $v: the configuration is right" binnacle --config "$scratch/well$v.yaml" config check
	said=$(promote "well$v")
	like "Airflow $v: the run's success is waited for" "step 3: trigger.*step 3: status success.*verifying.*done.*exit 0" "$said"
	again '{}'
	said=$(promote "ill$v")
	like "Airflow $v: a run that fails goes back at once" "'status=success' will not come about: status failed.*step 3 stays.*ended already: failed; what the run wrote is not taken back.*rolled back.*exit 7" "$said"
	equal "Airflow $v: all is v6" "6 6" "$(both)"

	# one that still runs is ended when all is taken back, by whoever does that
	again '{}'
	said=$(promote "long$v")
	run=$(begun "$said")
	like "Airflow $v: the plan says what takes the run back, and what stays" \
		"undo: cancel mlops_full_pipeline/binnacle__[-0-9T:]*, while it runs; one that has ended stays.*stays: what the run wrote is not taken back" "$said"
	like "Airflow $v: the run that still runs is cancelled" \
		"step 3 taken back: trigger.*run $run is failed.*; what the run wrote is not taken back.*rolled back.*exit 7" "$said"
	like "Airflow $v: so it is" "(failed|success) 6 6" "$(state $v "$run") $(both)"      # Airflow 2 may count it as success, which is told
	like "Airflow $v: the audit has it as an act of its own" '"action":"cancel".*"undo_of_step":3' \
		"$(grep "$run" "$XDG_STATE_HOME/binnacle/audit.jsonl" | grep '"event":"run"' | tail -n 1)"
	again '{}'
	said=$(promote "held$v")
	run=$(begun "$said")
	like "Airflow $v: held, the run goes on" "somebody has to decide.*exit 8 (running|queued)" "$said $(state $v "$run")"
	like "Airflow $v: another program cancels it too" "step 3 taken back.*run $run is failed.*rolled back.*exit 7" \
		"$(bin "held$v" runbooks --go-back last --yes)"
	like "Airflow $v: it is" "(failed|success) 6 6" "$(state $v "$run") $(both)"
	paused $v "$was" >/dev/null
done
finish
