#!/usr/bin/env bash
# Airflow 2 and 3 with the same DAG, by one backend: pipelines, runs, tasks, logs while they grow, XCom, reasons, links.
# needs: airflow2 airflow3
# apart: airflow
# limit: 3000
. "$(dirname "$0")/lib.sh"

screen=$(dirname "$BINNACLE")/tests/live/screen_drive
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
dag=mlops_full_pipeline
mark=t50_$$                  # in the names of our runs: the servers may be shared

token3() {
	curl -sf "$AIRFLOW3_URL/auth/token" -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin"}' |
		python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])'
}
# rest VERSION METHOD PATH [BODY]: the server itself, past our program
rest() {
	local body=()
	[[ -z ${4:-} ]] || body=(-d "$4")
	case $1 in
	2) curl -sf -u admin:admin -X "$2" -H 'Content-Type: application/json' "${body[@]}" "$AIRFLOW2_URL/api/v1$3" ;;
	3) curl -sf -H "Authorization: Bearer $(token3)" -X "$2" -H 'Content-Type: application/json' "${body[@]}" "$AIRFLOW3_URL/api/v2$3" ;;
	esac
}
# trigger VERSION NAME CONF
trigger() {
	local more=""
	[[ $1 == 2 ]] || more='"logical_date":null,'
	rest "$1" POST "/dags/$dag/dagRuns" "{$more\"dag_run_id\":\"${mark}__$2\",\"conf\":$3}" >/dev/null
}
state() {
	rest "$1" GET "/dags/$dag/dagRuns/${mark}__$2" | python3 -c 'import json,sys; print(json.load(sys.stdin)["state"])'
}
is_over() {
	[[ $(state "$1" "$2") == @(success|failed) ]]
}
# source_of VERSION: its settings, in one line
source_of() {
	local url=AIRFLOW$1_URL
	echo "{type: airflow, environment: dev, url: '${!url}', user: admin, password: {command: echo admin}}"
}
drive() {
	timeout -k 5 180 "$drive_bin" --source "$(source_of "$1")" --wait 90000 "${@:2}" 2>&1
}
config() {
	printf 'environments:\n  dev: {}\nsources:\n'
	for v; do printf '  af%s: %s\n' "$v" "$(source_of "$v")"; done
}
get() {
	binnacle --config "$scratch/b.yaml" --wait 60 get "$@" 2>&1
}
doctor() {
	binnacle --config "$scratch/b.yaml" --wait 60 doctor 2>&1
}
config 2 3 >"$scratch/b.yaml"

for v in 2 3; do
	check "airflow $v knows the DAG" within 60 rest $v GET /dags/$dag
	rest $v PATCH /dags/$dag '{"is_paused":false}' >/dev/null
	trigger $v well '{"drift_score":0.4}'
	trigger $v fails '{"fail_at":"train_model"}'
	trigger $v skips '{"drift_score":0.01,"flaky":true}'
done
like "doctor: 2" 'version +Airflow 2\.10[^,]*, REST v1' "$(doctor)"
said=$(doctor)
like "doctor: 3, with a token" 'version +Airflow 3\.[^,]*, REST v2.*token +is made anew in 1[0-9]+ minutes' "$said"
scheduler_beats() {           # Airflow calls it unhealthy where it was busy for 5 s
	[[ $(doctor) =~ scheduler\ +healthy ]]
}
check "doctor: the scheduler" within 60 scheduler_beats
for v in 2 3; do
	for run in well fails skips; do
		check "airflow $v: run '$run' ends" within 240 is_over $v $run
	done
done

rows=$(get pipelines -o csv)
like "the file that does not load is there, with why" 'broken_dag.py,import error,.*a_module_that_nobody_has' "$rows"
like "the strip of outcomes" "$dag,[a-z ]+,[.X>q-]{3,10}," "$rows"
like "owner and tags" ',mlops,"?(mlops|model:real_estate_model),(mlops|model:real_estate_model)"?,' "$rows"
rows=$(get runs -o csv)
for v in 2 3; do
	for pair in well:success fails:failed skips:success; do
		like "airflow $v: run ${pair%:*} is ${pair#*:}" "af$v,$dag,${mark}__${pair%:*},${pair#*:}," "$rows"
	done
	like "airflow $v: its parameters" "af$v,$dag,${mark}__fails,failed,[^"$'\n'"]*fail_at=train_model" "$rows"
done

rows=$(get tasks -o csv)
for v in 2 3; do
	like "airflow $v: what failed" "af$v,$dag,${mark}__fails,train_model,failed," "$rows"
	like "airflow $v: what was held up" "af$v,$dag,${mark}__fails,reload_api,upstream_failed," "$rows"
	like "airflow $v: what was tried twice" "af$v,$dag,${mark}__skips,ingest_data,success,2/2" "$rows"

	run=$dag/${mark}__well
	said=$(drive $v open xcom runs "$run")
	like "airflow $v: XCom values" 'drift_score: 0.4.*"model_version": "7"' "$said"
	said=$(drive $v ask links runs "$run")
	like "airflow $v: the version it registered" '"kind": "versions",[^}]*"key": "real_estate_model/7"' "$said"
	like "airflow $v: the pod it ran in" '"key": "ml-training/train-r2-98xk"' "$said"
	like "airflow $v: the check behind it" '"filter": "batch=' "$said"
	like "airflow $v: parameters of a run" 'drift_score.*0.4' "$(drive $v open parameters runs "$run")"
	like "airflow $v: a task described" 'Task: train_model.*State: success.*Host: ' "$(drive $v open describe tasks "$run/train_model")"
	said=$(drive $v open logs tasks "$run/train_model")
	like "airflow $v: a log that is over" 'epoch 1 of 5.*epoch 5 of 5' "$said"
	equal "airflow $v: each line once" 1 "$(grep -c 'epoch 3 of 5' <<<"$said")"
	like "airflow $v: lines have their time first" $'\n''20[0-9-]+T[0-9:.]+(Z|\+00:00) epoch 1 of 5' "$said"
	said=$(drive $v open logs tasks "$dag/${mark}__skips/ingest_data" '{"try":1}')
	like "airflow $v: the first try's log" 'first try fails, as asked' "$said"
	said=$(drive $v open logs tasks "$dag/${mark}__skips/ingest_data")
	like "airflow $v: the second try's log" 'read 48211 rows' "$said"
	like "airflow $v: what never ran has no log" 'never ran' "$(drive $v open logs tasks "$dag/${mark}__skips/train_model")"
	said=$(drive $v ask why runs "$dag/${mark}__fails")
	like "airflow $v: why it failed" 'train_model failed at try 1 of 1' "$said"
	said=$(drive $v ask why tasks "$dag/${mark}__fails/reload_api")
	like "airflow $v: why it was held up" 'train_model failed' "$said"
done

# --- a log while it grows, through the screen; and what waits
for v in 2 3; do
	config $v >"$scratch/one.yaml"
	trigger $v slow '{"drift_score":0.4,"train_seconds":25}'
	walk=$("$screen" 120x40 "$BINNACLE" --config "$scratch/one.yaml" <<-END 2>&1
		wait 10 af$v
		keys :pipelines\r
		wait 20 $dag
		keys :runs name=${mark}__slow\r
		wait 20 ${mark}__slow
		wait 90 running
		keys \r
		wait 20 critical path: start > ingest_data
		wait 90 train_model      running
		keys G
		wait 5 critical path
		wait 5 graph of $dag
		keys G
		wait 5 tasks over
		keys /name=train_model\r
		wait 5 train_model
		keys \r
		wait 60 epoch 2 of 5
		wait 90 epoch 5 of 5
		keys \e
		wait 60 success
		keys :quit\r
		end 0
	END
	)
	equal "airflow $v: from pipelines to a growing log" "" "$walk"
	rest $v PATCH /dags/$dag '{"is_paused":true}' >/dev/null
	trigger $v waits '{}'
	said=$(drive $v ask why runs "$dag/${mark}__waits")
	like "airflow $v: a run of a paused pipeline waits for that" 'the pipeline is paused' "$said"
	rest $v PATCH /dags/$dag '{"is_paused":false}' >/dev/null
done

# --- actions: what is planned is what is sent
act() {
	timeout -k 5 180 "$drive_bin" --source "$(source_of "$1")" --audit "$scratch/audit" --wait 90000 "${@:2}" 2>&1
}
for v in 2 3; do
	said=$(act $v plan clear runs "$dag/${mark}__fails")
	like "airflow $v: the server's dry run says what would be cleared" 'train_model is run again.*accepted: [1-9]' "$said"
	equal "airflow $v: and nothing was" failed "$(state $v fails)"
	said=$(act $v act clear tasks "$dag/${mark}__fails/train_model")
	like "airflow $v: a task and what follows are run again" 'tasks are run again.*state: done' "$said"
	like "airflow $v: of a run that went well nothing is cleared" 'blocked.*no task to clear' \
		"$(act $v plan clear runs "$dag/${mark}__well")"
	said=$(act $v --undo act pause pipelines $dag)
	like "airflow $v: paused, and back by undo" 'it is paused.*it runs as scheduled.*state: done' "$said"
	said=$(act $v plan trigger pipelines $dag '{"conf":"rows=5 nonsense=1"}')
	like "airflow $v: a parameter that is not defined is named" "no parameter 'nonsense'" "$said"
	like "airflow $v: parameters that are none" 'blocked' "$(act $v plan trigger pipelines $dag '{"conf":"rows"}')"
	said=$(act $v act trigger pipelines $dag '{"conf":"rows=5 train_seconds=60","note":"by t-50"}')
	like "airflow $v: triggered" 'run binnacle__[^ ]* is (queued|running).*state: done' "$said"
	run=$(grep -om1 'binnacle__[0-9T:-]*' <<<"$said")
	like "airflow $v: with the parameters asked for" '"rows": ?5' "$(rest $v GET "/dags/$dag/dagRuns/${run//:/%3A}" | tr -d '\n')"
	said=$(act $v act cancel runs "$dag/$run")
	like "airflow $v: cancelled" 'is failed.*state: done' "$said"
	like "airflow $v: what is over cannot be cancelled" 'ended already: ' "$(act $v plan cancel runs "$dag/$run")"
done

# --- credentials
sed 's/echo admin}/echo hunter3}/' "$scratch/b.yaml" >"$scratch/wrong.yaml"
said=$(binnacle --config "$scratch/wrong.yaml" --wait 40 get runs 2>&1)
like "a wrong password, 3" "af3: .*(401|Invalid credentials)" "$said"
like "a wrong password, 2" "af2: .*(401|Unauthorized)" "$said"
unlike "and it is not shown" 'hunter3' "$said"
token3 >"$scratch/token"
printf 'environments:\n  dev: {}\nsources:\n  af3: {type: airflow, environment: dev, url: "%s", token: {command: "cat %s"}}\n' \
	"$AIRFLOW3_URL" "$scratch/token" >"$scratch/b.yaml"
like "a token from a command" "${mark}__well" "$(get runs)"
echo e30.e30.x >"$scratch/token"
like "one that is refused" "af3: .*(Invalid JWT token|403)" "$(binnacle --config "$scratch/b.yaml" --wait 40 get runs 2>&1)"
finish
