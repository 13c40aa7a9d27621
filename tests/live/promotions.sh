# shellcheck shell=bash disable=SC2154
# What the live tests of promotions share, after lib.sh: a registry's champion, a service of our own that loads it (model_service.py),
# and faults in both. $model is theirs to set, and $registry where it is another than MLflow 3, $patience
# (seconds) where a promotion may take longer.
service_pid="" registry=${MLFLOW3_URL:-}
export BINNACLE_LIMIT=120
post() {
	curl -fsS -m 20 -X POST -H 'Content-Type: application/json' "$1/api/2.0/mlflow/$2" -d "$3" >/dev/null
}
champion() {                    # by its alias; where it has none those in stage Production
	local url=${1:-$registry}
	curl -fsS -m 20 "$url/api/2.0/mlflow/registered-models/alias?name=$model&alias=champion" 2>/dev/null |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["model_version"]["version"])' 2>/dev/null ||
		curl -fsS -m 20 "$url/api/2.0/mlflow/model-versions/search?filter=name%3D%27$model%27" | python3 -c '
import json, sys
print(*sorted(v["version"] for v in json.load(sys.stdin)["model_versions"] if v["current_stage"] == "Production"))'
}
port=$(free_ports 1)
service=http://127.0.0.1:$port
# serve [OPTION...]: of model_service.py
serve() {
	env -u PG_URI python3 "$live_tests/model_service.py" "$port" 6 --mlflow "$registry" --model "$model" "$@" >"$scratch/service.log" 2>&1 &
	service_pid=$!
	within 20 curl -fsS "$service/health" || not_ok "the service starts" "$(<"$scratch/service.log")"
}
serves() {
	curl -fsS -m 10 "$service/model" | python3 -c 'import json, sys; print(json.load(sys.stdin)["model_version"])'
}
fault() {
	curl -fsS -m 10 "$service/faults" -d "$1" >/dev/null
}
both() {
	echo "$(champion) $(serves)"
}
reset() {
	fault '{}'
	post "$MLFLOW3_URL" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"6\"}"
	curl -fsS -m 10 -X POST "$service/reload" >/dev/null
}
# bin NAME WORD...: its output and, last, its exit status
bin() {
	local status=0
	timeout -k 5 "${patience:-120}" "$BINNACLE" --config "$scratch/$1.yaml" "${@:2}" 2>&1 </dev/null || status=$?
	echo "exit $status"
}
promote() {
	bin "$1" promote "$model" 7 --reason 'r2 0.447' --yes "${@:2}"
}
