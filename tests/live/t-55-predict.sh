#!/usr/bin/env bash
# Model servers of every protocol, found by trying: asked, explained, changed, swept, compared, in batches; their log; and
# what comes of a bad one.
# needs: rest rest2 kserve mlserver scoring1 scoring2 scoring3 ray s3
. "$(dirname "$0")/lib.sh"

screen=$(dirname "$BINNACLE")/tests/live/screen_drive
servings() {             # NAME=URL...: a configuration with these model servers
	printf 'environments:\n  dev: {}\nsources:\n'
	for one; do
		printf '  %s:\n    type: serving\n    environment: dev\n    url: %s\n' "${one%%=*}" "${one#*=}"
	done
}
servings rest="$REST_URL" rest2="$REST2_URL" kserve="$KSERVE_URL" mlserver="$MLSERVER_URL" scoring1="$SCORING1_URL" \
	scoring2="$SCORING2_URL" scoring3="$SCORING3_URL" ray="$SERVE_URL" >"$scratch/b.yaml"
get() {
	binnacle --config "$scratch/b.yaml" --wait 60 get "$@" 2>&1
}
predict() {
	binnacle --config "$scratch/b.yaml" --wait 60 predict "$@" 2>&1
}
house=(bed=3 bath=2 acre_lot=0.25 house_size=1850)

# --- what is there
rows=$(get modelendpoints -o csv)
for one in rest:rest kserve/price:kserve-v1 mlserver/price:v2 mlserver/tensor:v2 scoring1:mlflow scoring2:mlflow scoring3:mlflow \
	ray:ray-serve; do
	like "${one%%:*} is found to speak ${one#*:}" ",${one%%:*},ready,[^"$'\n'"]*,${one#*:}," "$rows"
done
like "doctor says where inputs are described" 'rest .*6 fields, from its OpenAPI description.*4 fields, from the model.s signature' \
	"$(binnacle --config "$scratch/b.yaml" --wait 60 doctor 2>&1 | tr '\n' ' ')"

# --- asked
version=$(curl -fsS "$REST_URL/model" | python3 -c 'import json, sys; print(json.load(sys.stdin)["model_version"])')
wanted=$(curl -fsS "$REST_URL/predict" -d '{"bed":3,"bath":2,"acre_lot":0.25,"house_size":1850}' |
	python3 -c 'import json, sys; print("%.10g" % json.load(sys.stdin)["price"])')
like "the same price as curl gets, and who said it" "^price $wanted  version $version  [0-9.]+ ms  request " "$(predict rest "${house[@]}")"
like "inputs as JSON" "^price $wanted " "$(predict rest '{"bed": 3, "bath": 2, "acre_lot": 0.25, "house_size": 1850}')"
like "KServe V1" '^prediction 389150 ' "$(predict kserve/price "${house[@]}")"
like "Open Inference Protocol, columns by name" '^predict 464550  version v3 ' "$(predict mlserver/price "${house[@]}")"
like "and one tensor" '^predict 464550  version v1 ' "$(predict mlserver/tensor 0=3 1=2 2=0.25 3=1850)"
for i in 1 2 3; do
	like "MLflow scoring $i" '^prediction [0-9.]+ ' "$(predict "scoring$i" "${house[@]}")"
	like "its inputs are known" 'house_size' "$(predict "scoring$i")"
done
like "Ray Serve" '^prediction 390300  version ray-1 ' "$(predict ray "${house[@]}")"
like "a form from the description" 'bed +integer +3 +bedrooms.*state +string +"California"' "$(predict rest | tr '\n' ' ')"
like "an input is refused in the server's words" '422: house_size: Input should be a valid number' "$(predict rest house_size=big)"
like "and a field that is missing" 'missing inputs' "$(predict scoring2 bed=3)"

# --- explained
said=$(predict rest "${house[@]}" --explain)
like "contributions are named in their own space" 'in log1p of the prediction' "$said"
like "largest of them" 'state_price_mean +\+[0-9.]+ +x1\.3' "$said"
unlike "and are no money" '\$' "$said"
like "KServe's explainer explains the price itself" "in the prediction's own unit.*bath +-24400" "$(predict kserve/price "${house[@]}" --explain | tr '\n' ' ')"
like "where nothing explains, that is said" 'does not explain' "$(predict scoring3 "${house[@]}" --explain)"

# --- in the pane
printf 'bed,bath,acre_lot,house_size,note\n3,2,0.25,1850,first\n4,2\n3,two,0.3,1500,"a, b"\n2,1,0.1,900,last\n' >"$scratch/rows.csv"
if "$screen" 120x40 "$BINNACLE" --config "$scratch/b.yaml" --pane predict >"$scratch/screen" 2>&1 <<DRIVE
wait 20 scoring3
wait 20 ray-serve
keys :modelendpoints name=rest\r
wait modelendpoints 1 of
keys \r
wait 10 adds up to
wait log1p
keys jjj
keys p
wait inputs as JSON
keys {"house_size": 1850}\r
wait 10 house_size  1850
keys \e[C
wait 10 house_size  1900
keys v
wait 10 rest2
keys s
wait 20 over house_size, all else as it is: 
keys b
wait rows from which file
keys $scratch/rows.csv\r
wait 20 2 rows answered, 2 wrong
keys Q
end 0
DRIVE
then ok "what if, another version, a sweep and a batch"; else not_ok "what if, another version, a sweep and a batch" "$(<"$scratch/screen")"; fi
saved=$(cat "$scratch/rows.predictions.csv" 2>&1)
like "the batch is saved with the file's columns" '^bed,bath,acre_lot,house_size,note,prediction,model_version,latency_ms,error' "$saved"
like "a wrong row keeps its error" '4,2,,,,,,,"?2 cells, but the heading has 5' "$saved"
like "and a wrong value" "3,two,0.3,1500,\"a, b\",,,,\"?'bath' is a number" "$saved"
like "the rows after it are answered" "2,1,0.1,900,last,[0-9.]+,$version," "$saved"
equal "the last inputs are remembered, for their owner only" 600 "$(stat -c %a "$XDG_STATE_HOME"/binnacle/predict/rest+rest.json)"

# --- the log
printf 'environments:\n  dev: {}\nsources:\n  pg:\n    type: postgres\n    environment: dev\n    connection: %s\n' "$PG_URI" >"$scratch/pg.yaml"
pg_predictions() {
	binnacle --config "$scratch/pg.yaml" --wait 15 get predictions 2>&1
}
like "what the service logged is there" "house_size" "$(pg_predictions)"
sql "drop schema if exists t55 cascade; create schema t55; create table t55.calls (called_at timestamptz, payload jsonb, output jsonb, ms int);
  insert into t55.calls values (now(), '{\"a\": 1}', '{\"y\": 0.25}', 7), (now(), 'null', '\"text\"', null)" >/dev/null
printf '    predictions:\n      table: t55.calls\n      columns: {time: called_at, latency: ms}\n' >>"$scratch/pg.yaml"
like "another layout" '0\.25 .*\{"a": 1\}' "$(pg_predictions)"
sed -i 's/called_at/calld_at/' "$scratch/pg.yaml"
like "a wrong column is named" "no column 'calld_at'" "$(pg_predictions)"
sql "drop schema t55 cascade" >/dev/null

servings rest="$REST_URL" kserve="$KSERVE_URL" >"$scratch/b.yaml"
equal "what a service remembers is not read untold" 0 "$(get predictions -o csv | tail -n +2 | wc -l)"
sed -i '/^  rest:/a\    history: true' "$scratch/b.yaml"
like "but when told" '"?rest"?,.*house_size' "$(get predictions -o csv)"

# --- a bad one, of our own
port=$(free_ports 1)
env -u PG_URI python3 "$live_tests/model_service.py" "$port" 7 >/dev/null 2>&1 &
bad_pid=$!
within 20 curl -fsS "http://127.0.0.1:$port/health" || not_ok "the bad server starts"
servings bad="http://127.0.0.1:$port" rest="$REST_URL" >"$scratch/b.yaml"
fault() {
	curl -fsS "http://127.0.0.1:$port/faults" -d "$1" >/dev/null
	predict bad house_size=1850
}
like "text instead of JSON" 'text, not JSON' "$(fault '{"text": "about four hundred thousand"}')"
like "a number as text" '^prediction 412000.5|^ ?412000.5|412000.5' "$(fault '{"text": "412000.5"}')"
like "nested arrays" '412000.5.*several numbers' "$(fault '{"nested": 1}' | tr '\n' ' ')"
like "a web page" 'answered 500 with a web page' "$(fault '{"html": 1}')"
like "a web page with 200" 'web page' "$(fault '{"html": 1, "status": 200}')"
like "cut JSON" 'cut or is not JSON' "$(fault '{"truncate": 1}')"
like "NaN" 'NaN or Infinity' "$(fault '{"nan": 1}')"
like "megabytes beside the number" '^price 1 ' "$(fault '{"huge": 1}')"
like "401" '401: told to fail' "$(fault '{"status": 401}')"
like "403" '403: told to fail' "$(fault '{"status": 403}')"
like "429" '429: told to fail' "$(fault '{"status": 429}')"
like "an answer after a while" '^price [0-9.]+  version 7  ([2-9][0-9]{3}|[0-9]{5})' "$(fault '{"slow_ms": 2000}')"
servings bad="http://127.0.0.1:$port" >"$scratch/b.yaml"
printf '    timeout: 1s\n' >>"$scratch/b.yaml"
like "an answer after too long" 'did not answer within 1 s' "$(fault '{"slow_ms": 5000}')"
servings bad="http://127.0.0.1:$port" >"$scratch/b.yaml"      # with the timeout that everyone has
fault '{"unready": true}' >/dev/null
like "not ready is a status" 'not ready .*model is not loaded' "$(get modelendpoints)"
kill "$bad_pid"
wait "$bad_pid" 2>/dev/null
servings bad="http://127.0.0.1:$port" rest="$REST_URL" >"$scratch/b.yaml"
rows=$(get modelendpoints)
like "a server that is gone is a row too" 'bad +down' "$rows"
like "and says why" 'cannot be reached' "$rows"
like "the other is as well as before" 'rest +ready' "$rows"
servings pg="http://127.0.0.1:${S3_URL##*:}" >"$scratch/b.yaml"
like "something else that answers" 'none of the protocols|refused|down' "$(get modelendpoints)"
finish
