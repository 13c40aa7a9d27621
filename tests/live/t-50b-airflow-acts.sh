#!/usr/bin/env bash
# What an engineer does to pipelines of Airflow 2 and 3: trigger by form, clear, mark, backfill; why runs wait; lost answers, refusals.
# needs: airflow2 airflow3
# apart: airflow
# limit: 3000
. "$(dirname "$0")/lib.sh"

drive_bin=$(dirname "$BINNACLE")/tests/live/drive
dag=retrain_daily
mark=t50b_$$ faults=()
# whatever happens, no scheduler is left standing
trap '[[ -n ${LIVE_DIR:-} ]] || for v in 2 3; do read -r p _ <"$PIDS/airflow$v-scheduler" && kill -CONT "$p"; done
	kill "${faults[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT

token3() {
	curl -sf "$AIRFLOW3_URL/auth/token" -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin"}' |
		python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])'
}
# rest VERSION METHOD PATH [BODY]: the server itself, past our program; a script, so that others may run it
cat >"$scratch/rest" <<-'END'
	#!/usr/bin/env bash
	if [[ $1 == 2 ]]; then who=(-u admin:admin) url=$AIRFLOW2_URL/api/v1
	else who=(-H "Authorization: Bearer $(<"${0%/*}/token")") url=$AIRFLOW3_URL/api/v2; fi
	exec curl -sf "${who[@]}" -X "$2" ${4:+-H 'Content-Type: application/json' -d "$4"} "$url$3"
END
chmod +x "$scratch/rest"
rest() {
	"$scratch/rest" "$@"
}
# trigger VERSION NAME CONF
trigger() {
	local more=""
	[[ $1 == 2 ]] || more='"logical_date":null,'
	rest "$1" POST "/dags/$dag/dagRuns" "{$more\"dag_run_id\":\"${mark}__$2\",\"conf\":$3}" >/dev/null
}
# of VERSION PATH MEMBER: one member of an answer
of() {
	rest "$1" GET "$2" | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$3"
}
state() {
	of "$1" "/dags/$dag/dagRuns/${2//:/%3A}${3:+/taskInstances/$3}" state
}
is() {
	[[ $(state "$1" "$2" "${4:-}") == "$3" ]]
}
# act VERSION [--url URL] [--user NAME] WORD...
act() {
	local v=$1 user=admin url=AIRFLOW$1_URL
	url=${!url}
	shift
	[[ $1 != --url ]] || { url=$2; shift 2; }
	[[ $1 != --user ]] || { user=$2; shift 2; }
	timeout -k 5 180 "$drive_bin" --source "{type: airflow, environment: dev, timeout: 10s, url: '$url', user: $user, password: {command: echo $user}}" \
		--audit "$scratch/audit" --wait 90000 "$@" 2>&1
}
pool() {
	rest "$1" PATCH "/pools/one_slot" "{\"name\":\"one_slot\",\"slots\":$2}" >/dev/null
}
# drop_backfills VERSION: what an earlier run of this test left
drop_backfills() {
	local run
	for run in $(rest "$1" GET "/dags/$dag/dagRuns?limit=100" | python3 -c '
import json, sys, urllib.parse
for r in json.load(sys.stdin)["dag_runs"]:
    if "backfill__" in r["dag_run_id"]: print(urllib.parse.quote(r["dag_run_id"], safe=""))'); do
		rest "$1" DELETE "/dags/$dag/dagRuns/$run" >/dev/null
	done
}
# end_all VERSION: no run of the DAG is left under way
end_all() {
	local run
	for run in $(rest "$1" GET "/dags/$dag/dagRuns?limit=100" | python3 -c '
import json, sys, urllib.parse
for r in json.load(sys.stdin)["dag_runs"]:
    if r["state"] in ("queued", "running"): print(urllib.parse.quote(r["dag_run_id"], safe=""))'); do
		rest "$1" PATCH "/dags/$dag/dagRuns/$run" '{"state":"failed"}' >/dev/null
	done
}

for v in 2 3; do
	token3 >"$scratch/token"
	check "$v: Airflow knows the DAG" within 90 rest $v GET /dags/$dag
	rest $v POST /pools '{"name":"one_slot","slots":1}' >/dev/null || pool $v 1
	end_all $v
	rest $v PATCH /dags/$dag '{"is_paused":false}' >/dev/null

	# --- the form that the DAG's own schema makes
	said=$(act $v ask form pipelines $dag '{"action":"trigger"}' | tr -d '\n ')
	like "$v: an enumeration to choose from" '"name":"conf.model","title":"model","help":"[^"]*","type":"choice","default":"real_estate_model"[^}]*"choices":\["real_estate_model","churn_model"\]' "$said"
	like "$v: a number with its bounds" '"name":"conf.rows"[^}]*"help":"howmanyrowsareread;from1to100000;otherwise48211","type":"count","default":"48211"[^}]*"min":1,"max":100000' "$said"
	like "$v: a switch" '"name":"conf.full"[^}]*"type":"bool"' "$said"
	like "$v: an object" 'conf\.options","title":"options","help":"JSON,object;otherwise' "$said"
	like "$v: out of bounds is said before anything is sent" "blocked.*'rows' is at most 100000, not 500000" "$(act $v plan trigger pipelines $dag '{"conf.rows":500000}')"
	like "$v: so is another choice" "blocked.*'model' is one of .*real_estate_model.*not 'x'" "$(act $v plan trigger pipelines $dag '{"conf":"model=x"}')"
	like "$v: and another type" "blocked.*'options' is of type" "$(act $v plan trigger pipelines $dag '{"conf.options":"{\"depth\""}')"
	like "$v: and what is too long" "blocked.*'batch' is longer than 40" "$(act $v plan trigger pipelines $dag "{\"conf.batch\":\"$(printf 'x%.0s' {1..41})\"}")"
	said=$(act $v plan trigger pipelines $dag '{"conf.model":"real_estate_model","conf.rows":5,"conf.full":false,"conf.options":"{\"depth\":3}","conf":"{\"extra\":1}"}')
	like "$v: only what differs is sent" '"body": "\{[^}]*\\"conf\\":\{\\"extra\\":1,\\"rows\\":5,\\"options\\":\{\\"depth\\":3\}\}' "$said"
	like "$v: and what it is instead of is told" 'rows = 5, instead of 48211' "$said"
	said=$(act $v act trigger pipelines $dag '{"conf.rows":5,"conf.seconds":0,"note":"by t-50b"}')
	like "$v: triggered" 'run binnacle__[^ ]* is (queued|running).*state: done' "$said"
	run=$(grep -om1 'binnacle__[0-9T:-]*' <<<"$said")
	check "$v: it ends well" within 240 is $v "$run" success
	like "$v: the form of a run begins with its parameters" '"name":"conf.rows"[^}]*"default":"5"' "$(act $v ask form runs "$dag/$run" '{"action":"trigger"}' | tr -d '\n ')"

	# --- clear: which tasks exactly
	trigger $v fails '{"fail":true}'
	check "$v: a run fails" within 240 is $v ${mark}__fails failed
	said=$(act $v plan clear runs "$dag/${mark}__fails")
	like "$v: of a run, what failed" 'change": \[[^]]*train is run again.*accepted: [12] task' "$said"
	unlike "$v: and not what went well" 'prepare is run again' "$said"
	said=$(act $v plan clear tasks "$dag/${mark}__fails/train" '{"downstream":false,"upstream":true}')
	like "$v: of a task, what comes before" 'prepare is run again' "$said"
	unlike "$v: but not what follows" 'publish is run again' "$said"
	said=$(act $v --between "$scratch/rest $v PATCH /dags/$dag/dagRuns/${mark}__fails '{\"state\":\"success\"}'" \
		act clear runs "$dag/${mark}__fails")
	like "$v: a plan that does not hold any more is not run" 'plan again.*state: failed' "$said"

	# --- mark
	trigger $v marks '{"fail":true}'
	check "$v: another fails" within 240 is $v ${mark}__marks failed
	said=$(act $v plan mark runs "$dag/${mark}__marks" '{"state":"success"}')
	like "$v: what a mark of a run touches" 'the run: failed -> success.*train failed -> success' "$said"
	like "$v: and what follows" 'the run: failed -> success.*publish upstream_failed -> success' "$said"
	like "$v: marked as it is already" '"already"' "$(act $v plan mark runs "$dag/${mark}__marks" '{"state":"failed"}')"
	said=$(act $v act mark runs "$dag/${mark}__marks" '{"state":"success"}')
	like "$v: a run is marked" 'is success.*state: done' "$said"
	equal "$v: its tasks too, as was said" "success success" "$(state $v ${mark}__marks train) $(state $v ${mark}__marks publish)"
	said=$(act $v act mark tasks "$dag/${mark}__marks/prepare" '{"state":"skipped"}')
	like "$v: a task is marked" 'state: done' "$said"
	equal "$v: and is so" skipped "$(state $v ${mark}__marks prepare)"
	said=$(act $v --undo act mark tasks "$dag/${mark}__marks/prepare" '{"state":"failed"}')
	equal "$v: undone, it is as before" skipped "$(state $v ${mark}__marks prepare)"

	# --- why runs wait: a pool of one slot, two runs at once
	trigger $v first '{"seconds":240}'
	check "$v: the slot is taken" within 240 is $v ${mark}__first running train
	trigger $v second '{}'
	trigger $v third '{}'
	check "$v: a task waits" within 240 is $v ${mark}__second scheduled train
	like "$v: it waits for the pool" 'pool one_slot has no free slot: 1 of 1 used' "$(act $v ask why tasks "$dag/${mark}__second/train")"
	like "$v: and so does its run" 'pool one_slot has no free slot' "$(act $v ask why runs "$dag/${mark}__second")"
	like "$v: the third run waits for the others" 'max_active_runs|2 of at most 2|most.*2' "$(act $v ask why runs "$dag/${mark}__third")"
	end_all $v

	# --- backfill
	days='"from":"2026-11-03","to":"2026-11-05"'
	rest $v PATCH /dags/$dag '{"is_paused":true}' >/dev/null
	drop_backfills $v
	like "$v: a backfill without dates" 'blocked.*are dates' "$(act $v plan backfill pipelines $dag '{"from":"x","to":"y"}')"
	like "$v: the wrong way round" 'blocked.*after' "$(act $v plan backfill pipelines $dag '{"from":"2026-11-05","to":"2026-11-03"}')"
	like "$v: a pipeline without a schedule" 'blocked.*(no schedule|has no schedule)' "$(act $v plan backfill pipelines mlops_full_pipeline "{$days}")"
	if ((v == 3)); then
		said=$(act 3 act backfill pipelines $dag "{$days,\"conf\":\"rows=7\"}")
		like "3: a backfill of its own" 'accepted: 3 runs|backfill [0-9]+ is under way.*state: done' "$said"
		equal "3: with these parameters" "{'rows': 7}" "$(of 3 '/backfills?dag_id='$dag'&order_by=-id&limit=1' backfills | python3 -c 'print(eval(input().replace("None","0"))[0]["dag_run_conf"])')"
		like "3: not two at a time" 'blocked.*backfill [0-9]+ of this pipeline is under way' "$(act 3 plan backfill pipelines $dag '{"from":"2026-11-08","to":"2026-11-09"}')"
		like "3: paused and back" 'is paused.*is under way.*state: done' "$(act 3 --undo act backfill-state pipelines $dag '{"do":"pause"}')"
		like "3: cancelled" 'backfill [0-9]+ is over.*state: done' "$(act 3 act backfill-state pipelines $dag '{"do":"cancel"}')"
		like "3: then there is none" 'already.*no backfill' "$(act 3 plan backfill-state pipelines $dag '{"do":"cancel"}')"
		said=$(act 3 --undo act backfill pipelines $dag '{"from":"2026-11-06","to":"2026-11-07"}')
		like "3: undone, it is cancelled" 'is under way.*is over.*state: done' "$said"
	else
		said=$(act 2 plan backfill pipelines $dag "{$days}")
		like "2: each date a run of its own" 'binnacle_backfill__2026-11-03T00:00:00Z, of the data from 2026-11-03T00:00:00Z to 2026-11-04T.*11-05T00:00:00Z to 2026-11-06' "$said"
		said=$(act 2 --between "$scratch/rest 2 POST /dags/$dag/dagRuns '{\"dag_run_id\":\"binnacle_backfill__2026-11-04T00:00:00Z\",\"logical_date\":\"2026-11-04T00:00:00Z\"}'" \
			act backfill pipelines $dag "{$days}")
		like "2: one that came meanwhile is a conflict, and where it stopped is told" 'already exists.*\(1 of 3 sent\).*state: failed' "$said"
		like "2: the rest is sent when planned anew" 'state: done' "$(act 2 act backfill pipelines $dag "{$days}")"
		equal "2: of its date" 2026-11-05T00:00:00+00:00 "$(of 2 "/dags/$dag/dagRuns/binnacle_backfill__2026-11-05T00%3A00%3A00Z" logical_date)"
		like "2: then there is nothing to do" 'already' "$(act 2 plan backfill pipelines $dag "{$days}")"
		# the schedule's zone: REST says UTC of a pipeline in Berlin, so it has to be said, and is held against the next run
		days25='"from":"2026-10-24","to":"2026-10-27"'
		within 90 rest 2 GET /dags/zoned_trigger
		like "2: dates in a zone that is not the schedule's" 'blocked.*is none of .0 2 \* \* \*. in UTC: say in which time zone' \
			"$(act 2 plan backfill pipelines zoned_nightly "{$days25}")"
		said=$(act 2 plan backfill pipelines zoned_nightly "{$days25,\"zone\":\"Europe/Berlin\"}")
		like "2: the night on which clocks change" '10-24T00:00:00Z to 2026-10-25T01:00:00Z.*10-25T01:00:00Z to 2026-10-26T01:00:00Z.*10-26T01:00:00Z to 2026-10-27T01' "$said"
		equal "2: three nights" 3 "$(grep -o 'binnacle_backfill__[^ ]*, of the data' <<<"$said" | sort -u | wc -l)"
		like "2: a timetable of moments, in a zone of its own" '10-24T06:00:00Z to 2026-10-24T06:00:00Z' \
			"$(act 2 plan backfill pipelines zoned_trigger "{$days25,\"zone\":\"America/New_York\"}")"
		like "2: no such zone" 'blocked.*knows no time zone .Mars/Olympus' "$(act 2 plan backfill pipelines zoned_nightly "{$days25,\"zone\":\"Mars/Olympus\"}")"
		like "2: years are not triggered one by one" 'blocked.*airflow dags backfill -s 2024-01-01' "$(act 2 plan backfill pipelines $dag '{"from":"2024-01-01","to":"2026-11-05"}')"
	fi
	end_all $v

	# --- the answer is lost, or nothing arrived: what happened is told
	mkdir -p "$scratch/fault$v" && echo ok >"$scratch/fault$v/mode"
	url=AIRFLOW${v}_URL
	python3 "$live_tests/httpfault.py" "${!url}" "$scratch/fault$v" &
	faults+=($!)
	within 10 test -e "$scratch/fault$v/port"
	through="http://127.0.0.1:$(<"$scratch/fault$v/port")"
	said=$(act $v --url "$through" --between "echo lose >$scratch/fault$v/mode" act trigger pipelines $dag '{"conf.rows":6}')
	like "$v: the answer was lost: it was taken" 'but it was taken.*state: done' "$said"
	run=$(grep -om1 'binnacle__[0-9T:-]*' <<<"$said")
	like "$v: and it is there" 'queued|running' "$(state $v "$run")"
	echo ok >"$scratch/fault$v/mode"
	said=$(act $v --url "$through" --between "echo drop >$scratch/fault$v/mode" act mark runs "$dag/$run" '{"state":"success"}')
	like "$v: it never arrived: it was not taken" 'it was not taken.*state: failed' "$said"
	echo ok >"$scratch/fault$v/mode"
	said=$(act $v --url "$through" --between "echo html >$scratch/fault$v/mode" act cancel runs "$dag/$run")
	like "$v: 500 with HTML" '500.*it was not taken.*state: failed' "$said"
	echo ok >"$scratch/fault$v/mode"
	said=$(act $v --url "$through" --between "echo refuse 401 >$scratch/fault$v/mode" act cancel runs "$dag/$run")
	like "$v: the token ended in the middle: another one, once more" 'is failed.*state: done' "$said"
	said=$(act $v --url "$through" --between "echo refuse 403 >$scratch/fault$v/mode" act pause pipelines $dag)
	like "$v: paused already, so nothing is sent" 'already|paused already' "$said"
	said=$(act $v --url "$through" --between "kill ${faults[-1]}" act unpause pipelines $dag)
	like "$v: the server is gone in the middle" 'refused|connect|reach.*state: failed' "$said"

	# --- a scheduler that does not beat. Not one that others use: it stands still until Airflow itself calls it unhealthy (5 s here)
	rest $v PATCH /dags/$dag '{"is_paused":false}' >/dev/null
	if [[ -z ${LIVE_DIR:-} ]]; then
		read -r beats _ <"$PIDS/airflow$v-scheduler"
		kill -STOP "$beats"
		trigger $v still '{}'
		check "$v: the stopped scheduler is the reason" within 40 eval '[[ $(act $v ask why runs "$dag/${mark}__still") =~ scheduler.*heartbeat.*nothing\ new\ starts ]]'
		kill -CONT "$beats"
		check "$v: and then no more" within 240 is $v ${mark}__still success
	else
		skip "$v: a scheduler that stands still" "the servers are shared"
	fi
	rest $v PATCH /dags/$dag '{"is_paused":true}' >/dev/null

	# --- who may only look
	[[ $v == 3 ]] || rest 2 POST /users '{"username":"viewer","password":"viewer","email":"v@example.com","first_name":"V","last_name":"W","roles":[{"name":"Viewer"}]}' >/dev/null
	said=$(act $v --user viewer act unpause pipelines $dag)
	like "$v: a viewer may not" '403|[Ff]orbidden|permission' "$said"
	equal "$v: and did not" True "$(of $v /dags/$dag is_paused)"
	rest $v PATCH /dags/$dag '{"is_paused":true}' >/dev/null
done
unlike "no password in the audit" 'admin:admin|"password"' "$(cat "$scratch/audit")"
finish
