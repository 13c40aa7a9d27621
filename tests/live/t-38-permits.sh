#!/usr/bin/env bash
# needs: airflow2 airflow3 mlflow3 mlflow-auth s3
# What one may do, asked of genuine servers as users of less rights, remembered where it cannot be asked; and read-only, counted on
# the wire of genuine servers, SQL too.
. "$(dirname "$0")/lib.sh"
tools=$(dirname "$BINNACLE")/tests/live
me=t38-$$ pw=t38-Pass-2026
a2=$AIRFLOW2_URL/api/v1
mlapi() { # PATH BODY
	curl -sf -m 60 -u "$MLFLOW_AUTH_USER:$MLFLOW_AUTH_PASSWORD" -X "${3:-POST}" -H 'Content-Type: application/json' "$MLFLOW_AUTH_URL/api/$1" -d "$2"
}
trap 'kill $(jobs -p) 2>/dev/null
	curl -s -u admin:admin -X DELETE "$a2/users/$me-viewer" >/dev/null
	curl -s -u admin:admin -X PATCH -H "Content-Type: application/json" "$a2/dags/mlops_full_pipeline" -d "{\"is_paused\":$was}" >/dev/null
	for m in a b c; do mlapi 2.0/mlflow/registered-models/delete "{\"name\":\"$me-$m\"}" DELETE >/dev/null; done
	mlapi 2.0/mlflow/users/delete "{\"username\":\"$me\"}" DELETE >/dev/null; rm -rf "$scratch"' EXIT
was=$(curl -s -u admin:admin "$a2/dags/mlops_full_pipeline" | python3 -c 'import json, sys; print(str(json.load(sys.stdin)["is_paused"]).lower())')
curl -sf -u admin:admin -X POST -H 'Content-Type: application/json' "$a2/users" -d "{\"username\":\"$me-viewer\",\"password\":\"$pw\",
	\"email\":\"$me@x\",\"first_name\":\"a\",\"last_name\":\"b\",\"roles\":[{\"name\":\"Viewer\"}]}" >/dev/null
mlapi 2.0/mlflow/users/create "{\"username\":\"$me\",\"password\":\"$pw\"}" >/dev/null
for m in a b c; do
	mlapi 2.0/mlflow/registered-models/create "{\"name\":\"$me-$m\"}" >/dev/null
	mlapi 2.0/mlflow/model-versions/create "{\"name\":\"$me-$m\",\"source\":\"s3://x/y\"}" >/dev/null
done
mlapi 3.0/mlflow/users/permissions/grant "{\"username\":\"$me\",\"resource_type\":\"registered_model\",\"resource_id\":\"$me-a\",\"permission\":\"EDIT\"}" >/dev/null
mlapi 3.0/mlflow/users/permissions/grant "{\"username\":\"$me\",\"resource_type\":\"registered_model\",\"resource_id\":\"$me-b\",\"permission\":\"READ\"}" >/dev/null
printf '%s' "$pw" >"$scratch/pw"
printf admin >"$scratch/admin"
printf viewer >"$scratch/viewer"
chmod 600 "$scratch"/{pw,admin,viewer}

# config NAME SOURCE...: a file of that name with these sources
config() {
	local file=$scratch/$1.yaml
	shift
	printf 'environments:\n  dev: {}\nsources:\n' >"$file"
	printf '  %s\n' "$@" >>"$file"
}
config ml "ml: {type: mlflow, environment: dev, url: '$MLFLOW_AUTH_URL', user: $me, password: {file: $scratch/pw}}"
config af3v "af: {type: airflow, environment: dev, url: '$AIRFLOW3_URL', user: viewer, password: {file: $scratch/viewer}}"
config af3a "af: {type: airflow, environment: dev, url: '$AIRFLOW3_URL', user: admin, password: {file: $scratch/admin}}"
config af2v "af: {type: airflow, environment: dev, url: '$AIRFLOW2_URL', user: $me-viewer, password: {file: $scratch/pw}}"
config af2a "af: {type: airflow, environment: dev, url: '$AIRFLOW2_URL', user: admin, password: {file: $scratch/admin}}"
# can CONFIG ACTION KIND NAME: what it says, and its exit status
can() {
	local file=$1 said
	shift
	said=$(BINNACLE_LIMIT=60 binnacle --config "$scratch/$file.yaml" can "$@" 2>&1)
	echo "$said $?"
}

# --- asked, headless
equal "MLflow: EDIT may promote" "yes 0" "$(can ml promote versions "$me-a/1")"
like "MLflow: READ may not, and why" "^no: '$me' has READ on model '$me-b', and it takes EDIT 5" "$(can ml rollback models "$me-b")"
like "MLflow: nor by the default alone" "^no: .* 5" "$(can ml promote versions "$me-c/1")"
like "Airflow 3: a viewer may not trigger" "^no: Airflow lets 'viewer' only look at .* 5" "$(can af3v trigger pipelines mlops_full_pipeline)"
like "Airflow 3: nor pause" "^no: .* 5" "$(can af3v pause pipelines mlops_full_pipeline)"
equal "Airflow 3: an admin may" "yes 0" "$(can af3a trigger pipelines mlops_full_pipeline)"
equal "Airflow 2: an admin may" "yes 0" "$(can af2a trigger pipelines mlops_full_pipeline)"
like "Airflow 2: a viewer cannot ask about himself" "^unknown: .* 1" "$(can af2v pause pipelines mlops_full_pipeline)"
like "what nobody offers is an error" "no source offers 'drain' on pipelines.* 2" "$(can af2v drain pipelines mlops_full_pipeline)"
like "as JSON" '"can":"no"' "$(binnacle --config "$scratch/af3v.yaml" can trigger pipelines mlops_full_pipeline --json 2>&1)"
like "read-only is said first" "^no: .*read-only.* 5" "$(binnacle --config "$scratch/af3a.yaml" --readonly can trigger pipelines mlops_full_pipeline | tr '\n' ' '; echo "${PIPESTATUS[0]}")"

# --- S3 has no such question: what it refuses to a plan is a no, what it would refuse only when it is sent is not known
s3() { # METHOD PATH [DATA]
	curl -sf -m 20 --aws-sigv4 aws:amz:us-east-1:s3 -u "$S3_ACCESS_KEY:$S3_SECRET_KEY" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -X "$1" \
		"$S3_URL/$2" ${3:+--data-binary "$3"}
}
versitygw() {
	"$BIN/versitygw" admin --access "$S3_ACCESS_KEY" --secret "$S3_SECRET_KEY" --endpoint-url "$S3_URL" "$@" >/dev/null 2>&1
}
versitygw create-user --access "$me" --secret "$pw" --role user
s3 PUT "$me" && s3 PUT "$me/a.txt" hello
printf '%s' "$me" >"$scratch/id"
config s3 "s3: {type: s3, environment: dev, endpoint: '$S3_URL', region: us-east-1, access_key: {file: $scratch/id}, secret_key: {file: $scratch/pw}}"
like "S3: a stranger may not" "^no: the access key $me may not read .* 5" "$(can s3 delete objects "$me/a.txt")"
s3 PUT "$me?policy=" "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"$me\"]},
	\"Action\":[\"s3:GetObject\",\"s3:ListBucket\",\"s3:GetBucketVersioning\"],\"Resource\":[\"arn:aws:s3:::$me\",\"arn:aws:s3:::$me/*\"]}]}"
like "S3: of who may read it is not known before" "^unknown: the plan stands.* 1" "$(can s3 delete objects "$me/a.txt")"
s3 DELETE "$me?policy="
s3 DELETE "$me/a.txt"
s3 DELETE "$me"
versitygw delete-user --access "$me"

# --- remembered: what Airflow 2 refused once is dim, says why, and can be tried again
if timeout -k 5 180 "$tools/screen_drive" 160x40 "$BINNACLE" --config "$scratch/af2v.yaml" >"$scratch/screen" 2>&1 <<DRIVE
wait 30 WHAT IS WRONG
keys :pipelines\r
wait 30 mlops_full_pipeline
keys /mlops_full\r
wait 10 mlops_full_pipeline
keys :action $([[ $was == true ]] && echo unpause || echo pause)\r
wait 20 is_paused
keys y
wait 20 orbidden
keys \e
wait 10 NEXT
keys ?
wait 10 refused at
keys \e
wait 10 NEXT
keys :action $([[ $was == true ]] && echo unpause || echo pause)\r
wait 20 asking again, though refused at
keys \e
keys :quit\r
end 0
DRIVE
then ok "Airflow 2: what was refused is remembered, told, and asked again"; else not_ok "Airflow 2: what was refused is remembered, told, and asked again" "$(cat "$scratch/screen")"; fi

# --- read-only, counted on the wire
pg=${PG_URI#*@} pg=${pg%%/*}
coproc proxy { exec python3 "$live_tests/counting_proxy.py" "$scratch/wire" "$pg" "${MLFLOW3_URL#http://}" "${AIRFLOW3_URL#http://}"; }
read -r -u "${proxy[0]}" pg_port
read -r -u "${proxy[0]}" ml_port
read -r -u "${proxy[0]}" af_port
config wire "pg: {type: postgres, environment: dev, connection: '${PG_URI/$pg/127.0.0.1:$pg_port}', sslmode: disable}" \
	"ml: {type: mlflow, environment: dev, url: 'http://127.0.0.1:$ml_port'}" \
	"af: {type: airflow, environment: dev, url: 'http://127.0.0.1:$af_port', user: admin, password: {file: $scratch/admin}}"
asks='^(GET|HEAD) |^POST [^ ]*/search$|^POST /auth/token$|^sql: (\()?(select|show|set|begin read only|begin transaction read only|commit|rollback|listen|declare|fetch|close) ?'
writes() {
	grep -Ev "$asks" "$scratch/wire" | grep -v '^sql: $'
}
model=$(binnacle --config "$scratch/wire.yaml" get models -o csv 2>/dev/null | sed -n 2p | cut -d, -f1)
for line in 'get drift' 'get features' 'get versions' 'get pipelines' 'get runs' 'get tasks' 'doctor' 'verify' 'triage' 'snapshot drift' 'watch --once' \
	"promote ${model:-x} 1 --yes --reason because" "rollback ${model:-x} --yes --reason because" 'runbooks' 'act pause pipelines mlops_full_pipeline --yes' \
	"act rollback models ${model:-x} --yes --reason because" 'retrain --yes' 'can pause pipelines mlops_full_pipeline'; do
	# shellcheck disable=SC2086
	BINNACLE_LIMIT=60 binnacle --config "$scratch/wire.yaml" --readonly $line >>"$scratch/said" 2>&1
done
like "promote and rollback say that it is read-only" "read-only" "$(cat "$scratch/said")"
equal "read-only sent nothing but reads, to genuine servers" "" "$(writes)"
like "statements went to PostgreSQL" "^[1-9][0-9]+$" "$(grep -c '^sql: ' "$scratch/wire")"
like "requests went to the others" "^[1-9][0-9]+$" "$(grep -c '^GET ' "$scratch/wire")"
# that it would be seen: the same servers, one change of each kind
"$(ls /usr/lib/postgresql/*/bin/psql | tail -1)" -qAtX "${PG_URI/$pg/127.0.0.1:$pg_port}?sslmode=disable" -c "create table ${me//-/_} (a int); drop table ${me//-/_}" >/dev/null
curl -s -m 20 -X POST "http://127.0.0.1:$ml_port/api/2.0/mlflow/registered-models/alias" -d '{}' >/dev/null
like "a statement that writes would have been seen" "sql: create table" "$(writes)"
like "and a request" "POST /api/2.0/mlflow/registered-models/alias" "$(writes)"
finish
