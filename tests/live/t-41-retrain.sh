#!/usr/bin/env bash
# From a drifted check in PostgreSQL to the pipeline of a genuine Airflow that trains anew: the form has the batch, the run gets it.
# needs: airflow2 airflow3
# apart: airflow
. "$(dirname "$0")/lib.sh"

screen=$(dirname "$BINNACLE")/tests/live/screen_drive
dag=retrain_daily schema=t41_$$ batch=t41-batch-$$
trap 'sql "drop schema if exists $schema cascade" >/dev/null 2>&1; rm -rf "$scratch"' EXIT

rest() { # VERSION METHOD PATH
	local url who=(-u admin:admin) token
	if [[ $1 == 2 ]]; then
		url=$AIRFLOW2_URL/api/v1
	else
		url=$AIRFLOW3_URL/api/v2
		token=$(curl -sf "$AIRFLOW3_URL/auth/token" -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin"}' |
			python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
		who=(-H "Authorization: Bearer $token")
	fi
	curl -sf "${who[@]}" -X "$2" "$url$3"
}
# runs VERSION: those that were given our batch, "ID BATCH MODEL FROM"
runs() {
	rest "$1" GET "/dags/$dag/dagRuns?limit=100&order_by=-start_date" | python3 -c '
import json, sys
for r in json.load(sys.stdin)["dag_runs"]:
    c = r["conf"] or {}
    if c.get("batch") == sys.argv[1]: print(r["dag_run_id"], c["batch"], c.get("model", "-"), c.get("from", "-"))' "$batch"
}
# config VERSION RETRAIN
config() {
	local url=AIRFLOW$1_URL
	cat >"$scratch/b.yaml" <<-END
		environments:
		  dev: {}
		sources:
		  pg:
		    type: postgres
		    environment: dev
		    connection: $PG_URI
		    table: $schema.drift_history
		    retrain: $2
		  airflow:
		    type: airflow
		    environment: dev
		    url: ${!url}
		    user: admin
		    password: {command: echo admin}
	END
}
look() { # SIZE [OPTION]..., a drive on standard input
	local size=$1
	shift
	"$screen" "$size" "$BINNACLE" --config "$scratch/b.yaml" --pane drift "$@" >"$scratch/screen" 2>&1
}

sql "create schema $schema; create table $schema.drift_history (id int, timestamp timestamp, drift_detected bool, drift_score float8,
  features_with_drift text, reference_batch_id text, current_batch_id text, action_taken text);
  insert into $schema.drift_history values (1, now() - interval '2 hours', false, 0.01, '', 'train', 'old', null),
  (2, now() - interval '1 hour', true, 0.375, 'bed', 'train', '$batch', null), (3, now(), true, 0.5, 'bath, area', 'train', null, null)" >/dev/null

for v in 3 2; do
	config $v "{pipeline: $dag, source: airflow, conf: {batch: '{batch}', from: 'check {id} of {feature}, score {score}', rows: '77'}}"
	like "$v: the settings are good" ': well;' "$("$BINNACLE" --config "$scratch/b.yaml" config check 2>&1 || echo refused)"
	if look 120x40 <<-DRIVE
		wait 20 3 checks, 2 with
		keys :features now=drift\r
		wait 10 area
		keys q
		keys \t
		wait 5 $batch
		keys jR
		wait 10 retrain: $dag of airflow
		wait 20 filled in: batch, from, rows; the rest as
		wait 5 $batch
		wait 5 check 2 of bed, score 0.375
		keys \r
		wait 20 rows = 77
		wait 5 $batch
		keys y
		wait 40 dev  done
		keys Q
		end 0
	DRIVE
	then ok "$v: a check starts the pipeline"; else not_ok "$v: a check starts the pipeline" "$(<"$scratch/screen")"; fi
	ran=$(runs $v)
	like "$v: its run was given the batch, and where it comes from" "^binnacle__[^ ]* $batch [^ ]* check 2 of bed, score 0\.375$" "$ran"
	[[ -z $ran ]] || rest $v DELETE "/dags/$dag/dagRuns/$(sed 's/ .*//; s/:/%3A/g; s/+/%2B/g' <<<"$ran")" >/dev/null
	like "$v: the audit trail has it as the trigger of the pipeline" "\"trigger\".*$dag" "$(cat "$XDG_STATE_HOME"/binnacle/audit*)"

	if look 80x24 <<-DRIVE
		wait 20 3 checks
		keys :features\r
		wait 10 bath
		keys /bath\r
		wait 5 filter bath
		keys R
		wait 10 not known here, and so not filled in: batch
		wait 20 filled in: from, rows
		keys \e
		wait 5 filter bath
		keys Q
		end 0
	DRIVE
	then ok "$v: what nobody knows is left out, and said"; else not_ok "$v: what nobody knows is left out, and said" "$(<"$scratch/screen")"; fi
	equal "$v: and Esc started nothing" "" "$(runs $v || echo it cannot be told)"

	if look 120x40 --readonly <<-DRIVE
		wait 20 3 checks
		keys \tR
		wait 5 read-only
		keys Q
		end 0
	DRIVE
	then ok "$v: read-only refuses it before the form"; else not_ok "$v: read-only refuses it before the form" "$(<"$scratch/screen")"; fi
done

config 3 "{pipeline: $dag, source: airflo}"
if look 120x40 <<-'DRIVE'
	wait 20 3 checks
	keys \tR
	wait 5 there is no source 'airflo'
	keys Q
	end 0
DRIVE
then ok "a source that there is not"; else not_ok "a source that there is not" "$(<"$scratch/screen")"; fi
config 3 "{pipeline: no_such_dag, conf: {batch: '{batch}'}}"
if look 120x40 <<-DRIVE
	wait 20 3 checks
	keys \tjR
	wait 10 retrain: no_such_dag of airflow
	wait 20 its parameters are not known
	wait 5 $batch
	keys \r
	wait 20 was not found
	keys Q
	end 0
DRIVE
then ok "a pipeline that there is not"; else not_ok "a pipeline that there is not" "$(<"$scratch/screen")"; fi
sed -i '/retrain:/d' "$scratch/b.yaml"
if look 120x40 <<-'DRIVE'
	wait 20 3 checks
	keys \tR
	wait 5 set 'retrain: {pipeline: NAME}' of source pg
	keys Q
	end 0
DRIVE
then ok "no setting"; else not_ok "no setting" "$(<"$scratch/screen")"; fi
finish
