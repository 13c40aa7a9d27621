#!/usr/bin/env bash
# The genuine ML systems that the live tests run against, beside the set of servers.sh: Airflow, MLflow, an S3 gateway,
# emulated AWS, model servers. All on the loopback, on ports chosen when they start.
#
#   mlservers.sh build [NAME...]     install what these servers are made of into the cache (nothing when there)
#   mlservers.sh up DIR NAME...      start them, once, beside the set in DIR (servers.sh up); what runs already stays.
#                                    DIR/env gains their addresses.
#   mlservers.sh stop|start DIR NAME one of them, as a failure
#   mlservers.sh down DIR            end them all
#   mlservers.sh list                the names
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BINNACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/binnacle}
bin=$cache/bin py=$cache/py
# shellcheck source=tests/live/build.sh
. "$here/build.sh"
# shellcheck source=tests/live/processes.sh
. "$here/processes.sh"

uv_version=0.13.8 versitygw_version=v1.8.0
names=(airflow2 airflow3 mlflow1 mlflow2 mlflow3 mlflow-auth s3 moto mlserver kserve scoring1 scoring2 scoring3 ray rest rest2 prometheus alertmanager)

# What each is made of: a lock file of locks/, or versitygw; nothing for our own model service.
made_of() {
	case $1 in
	airflow[23]) echo "af${1#airflow}" ;;
	mlflow[123]) echo "mlf${1#mlflow}" ;;
	scoring[123]) echo "mlf${1#scoring}" ;;
	mlflow-auth) echo mlf3 ;;
	s3) echo versitygw ;;
	moto | mlserver | kserve | ray) echo "$1" ;;
	rest | rest2 | prometheus | alertmanager) ;;
	*) die "no server '$1'; there are: ${names[*]}" ;;
	esac
}

# --- installing ------------------------------------------------------------------------------------

install_uv() {
	[[ ! -x $py/uv-$uv_version/bin/uv ]] || return 0
	python3 -m venv "$py/uv-$uv_version"
	"$py/uv-$uv_version/bin/pip" install -q --disable-pip-version-check "uv==$uv_version"
}

# A virtual environment with exactly what its lock file names.
install_venv() {
	local stamp uv=$py/uv-$uv_version/bin/uv
	stamp=$(sha256sum <"$here/locks/$1.txt")
	[[ ! -r $py/$1/.stamp || $(<"$py/$1/.stamp") != "$stamp" ]] || return 0
	echo "mlservers: installing $1" >&2
	install_uv
	rm -rf "${py:?}/$1"
	export UV_CACHE_DIR=$py/uv-cache UV_LINK_MODE=hardlink UV_PYTHON_DOWNLOADS=never
	"$uv" venv -q --python 3.11 "$py/$1"
	"$uv" pip install -q --no-deps --python "$py/$1/bin/python" -r "$here/locks/$1.txt"
	echo "$stamp" >"$py/$1/.stamp"
}

install_versitygw() (
	[[ ! -e $bin/.versitygw-$versitygw_version ]] || return 0
	need_go
	mkdir -p "$bin"
	cd "$bin"
	build_step versitygw env GOBIN="$bin" GOFLAGS=-mod=mod go install -trimpath -ldflags '-s -w' \
		"github.com/versity/versitygw/cmd/versitygw@$versitygw_version"
	touch "$bin/.versitygw-$versitygw_version"
)

# Two at once wait for each other.
build() {
	local what
	mkdir -p "$py"
	exec 8>"$py/.lock"
	flock 8
	for what in $(for name in "$@"; do made_of "$name"; done | sort -u); do
		if [[ $what == versitygw ]]; then install_versitygw; else install_venv "$what"; fi
	done
	exec 8>&-
}

# --- starting --------------------------------------------------------------------------------------

answers() {
	curl -fsS -m 10 -o /dev/null "$@"
}

# note NAME=VALUE...: into DIR/env, in place of an older value; in one piece, for others read and note beside us
note() (
	local pair
	exec 7>"$dir/env.lock"
	flock 7
	cp -p "$dir/env" "$dir/env.new"
	for pair; do
		sed -i "/^${pair%%=*}=/d" "$dir/env.new"
		printf "%s='%s'\n" "${pair%%=*}" "${pair#*=}" >>"$dir/env.new"
	done
	mv "$dir/env.new" "$dir/env"
)

# take_ports NAME N: sets the array ports; the same ones when it is started again
take_ports() {
	local kept=$dir/ml/$1.ports
	[[ -r $kept ]] || free_ports "$2" >"$kept"
	read -ra ports <"$kept"
}

database() {
	local psql
	psql=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
	"$psql" -qAtX "$PG_URI" -c "create database $1" 2>/dev/null || true
}

airflow_settings() {
	local home=$dir/ml/$1 port=$2 sql=${PG_URI%/*}/$1
	printf '%s\n' "AIRFLOW_HOME=$home" "AIRFLOW__CORE__DAGS_FOLDER=$dir/ml/dags" AIRFLOW__CORE__LOAD_EXAMPLES=False \
		AIRFLOW__CORE__EXECUTOR=LocalExecutor AIRFLOW__CORE__PARALLELISM=2 AIRFLOW__CORE__FERNET_KEY= \
		"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://${sql#*://}" \
		AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC=1 AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD=5 AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME=0.2 \
		AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False AIRFLOW__LOGGING__LOGGING_LEVEL=INFO \
		"PATH=$py/af${1#airflow}/bin:$PATH"
	if [[ $1 == airflow2 ]]; then
		printf '%s\n' AIRFLOW__API__AUTH_BACKENDS=airflow.api.auth.backend.basic_auth \
			"AIRFLOW__WEBSERVER__WEB_SERVER_PORT=$port" AIRFLOW__WEBSERVER__WEB_SERVER_HOST=127.0.0.1 \
			AIRFLOW__WEBSERVER__WORKERS=1 AIRFLOW__WEBSERVER__SECRET_KEY=livetest-secret \
			AIRFLOW__WEBSERVER__WEB_SERVER_MASTER_TIMEOUT=1200 AIRFLOW__WEBSERVER__WEB_SERVER_WORKER_TIMEOUT=600 \
			AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL=5 AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL=5 \
			AIRFLOW__CORE__MP_START_METHOD=fork
	else
		printf '%s\n' "AIRFLOW__API__PORT=$port" AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__WORKERS=1 \
			"AIRFLOW__API__BASE_URL=http://127.0.0.1:$port" \
			"AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$port/execution/" \
			AIRFLOW__CORE__AUTH_MANAGER=airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager \
			AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=admin:admin,viewer:viewer \
			"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=$home/passwords.json" \
			AIRFLOW__API__SECRET_KEY=livetest-api-secret AIRFLOW__API_AUTH__JWT_SECRET="$(printf 'livetest-jwt-%.0s' {1..6})" \
			AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL=5 AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL=5
	fi
}

# prepare_NAME runs once, start_NAME each time; both after take_ports. ready_NAME tells when it answers.

prepare_airflow() {
	local settings
	mkdir -p "$dir/ml/$1" "$dir/ml/dags"
	cp "$here"/dags/*.py "$dir/ml/dags/"
	echo '{"admin":"admin","viewer":"viewer"}' >"$dir/ml/$1/passwords.json"
	mapfile -t settings < <(airflow_settings "$1" "${ports[0]}")
	database "$1"
	env "${settings[@]}" airflow db migrate >"$dir/log/$1-migrate" 2>&1 </dev/null || die "$1: see $dir/log/$1-migrate"
	[[ $1 != airflow2 ]] || env "${settings[@]}" airflow users create --role Admin -u admin -p admin -f A -l B \
		-e a@example.com >>"$dir/log/$1-migrate" 2>&1 </dev/null || die "$1: see $dir/log/$1-migrate"
}

start_airflow() {
	local settings
	mapfile -t settings < <(airflow_settings "$1" "${ports[0]}")
	if [[ $1 == airflow2 ]]; then
		start airflow2 env "${settings[@]}" airflow webserver
		start airflow2-scheduler env "${settings[@]}" airflow scheduler
		note "AIRFLOW2_URL=http://127.0.0.1:${ports[0]}"
	else
		start airflow3 env "${settings[@]}" airflow api-server
		start airflow3-scheduler env "${settings[@]}" airflow scheduler
		start airflow3-dags env "${settings[@]}" airflow dag-processor
		note "AIRFLOW3_URL=http://127.0.0.1:${ports[0]}"
	fi
}

# gunicorn ends a worker that says nothing for 30 s, while it starts too, which a busy machine needs more for
start_mlflow() {
	local version=${1#mlflow} home=$dir/ml/$1 more=() settings=(MLFLOW_DISABLE_TELEMETRY=true
		MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false GUNICORN_CMD_ARGS='--timeout 600')
	if [[ $version == -auth ]]; then
		version=3 more=(--app-name basic-auth)
		settings+=("MLFLOW_AUTH_CONFIG_PATH=$home/auth.ini" MLFLOW_FLASK_SERVER_SECRET_KEY=livetest)
		note "MLFLOW_AUTH_URL=http://127.0.0.1:${ports[0]}" MLFLOW_AUTH_USER=admin MLFLOW_AUTH_PASSWORD=live-Test-2026
	else
		note "MLFLOW${version}_URL=http://127.0.0.1:${ports[0]}"
	fi
	[[ $version != 3 ]] || more+=(--allowed-hosts '*')
	mkdir -p "$home/art"
	printf '%s\n' '[mlflow]' 'default_permission = READ' "database_uri = sqlite:///$home/auth.db" \
		'admin_username = admin' 'admin_password = live-Test-2026' \
		'authorization_function = mlflow.server.auth:authenticate_request_basic_auth' >"$home/auth.ini"
	settings+=("PATH=$py/mlf$version/bin:$PATH")
	cd "$home"
	start "$1" env "${settings[@]}" mlflow server --host 127.0.0.1 --port "${ports[0]}" --workers 1 \
		--backend-store-uri "sqlite:///$home/mlflow.db" --default-artifact-root "$home/art" "${more[@]}"
	cd - >/dev/null
}

start_s3() {
	mkdir -p "$dir/ml/s3"/{iam,versions,data}
	start s3 env ROOT_ACCESS_KEY=AKIDROOT ROOT_SECRET_KEY=rootsecret "$bin/versitygw" --port "127.0.0.1:${ports[0]}" \
		--health /health --iam-dir "$dir/ml/s3/iam" posix --versioning-dir "$dir/ml/s3/versions" "$dir/ml/s3/data"
	note "S3_URL=http://127.0.0.1:${ports[0]}" S3_ACCESS_KEY=AKIDROOT S3_SECRET_KEY=rootsecret "S3_DATA=$dir/ml/s3/data"
}

start_moto() {
	start moto "$py/moto/bin/python" "$py/moto/bin/moto_server" -H 127.0.0.1 -p "${ports[0]}"
	note "MOTO_URL=http://127.0.0.1:${ports[0]}"
}

prepare_mlserver() {
	"$py/mlserver/bin/python" "$here/mlserver/make_model.py" "$dir/ml/mlserver" >"$dir/log/mlserver-model" 2>&1
}

start_mlserver() {
	start mlserver env PATH="$py/mlserver/bin:$PATH" MLSERVER_HTTP_PORT="${ports[0]}" MLSERVER_GRPC_PORT="${ports[1]}" \
		MLSERVER_METRICS_PORT="${ports[2]}" mlserver start "$dir/ml/mlserver"
	note "MLSERVER_URL=http://127.0.0.1:${ports[0]}"
}

start_kserve() {
	start kserve "$py/kserve/bin/python" "$here/kserve_model.py" --http_port "${ports[0]}" --grpc_port "${ports[1]}"
	note "KSERVE_URL=http://127.0.0.1:${ports[0]}"
}

prepare_scoring() {
	mkdir -p "$dir/ml/$1"        # MLflow leaves an mlruns where it is run
	(cd "$dir/ml/$1" && MLFLOW_DISABLE_TELEMETRY=true "$py/mlf${1#scoring}/bin/python" "$here/scoring_model.py" model) \
		>"$dir/log/$1-model" 2>&1 || die "$1: see $dir/log/$1-model"
}

start_scoring() {
	start "$1" env MLFLOW_DISABLE_TELEMETRY=true PATH="$py/mlf${1#scoring}/bin:$PATH" mlflow models serve \
		-m "$dir/ml/$1/model" -h 127.0.0.1 -p "${ports[0]}" --timeout 600 --env-manager local
	note "SCORING${1#scoring}_URL=http://127.0.0.1:${ports[0]}"
}

# What an earlier one left: processes with sessions of their own, its folder.
clear_ray() {
	[[ ${RAY_DIR:-} != /tmp/binnacle-ray.* ]] || { pkill -KILL -f "$RAY_DIR" || true; rm -rf "$RAY_DIR"; }
}

# Its sockets' names must be short, hence a folder in /tmp. It gives its own parts 15 to 60 s to start, which a busy machine needs more than.
# Those 15 cannot be set (github.com/ray-project/ray/issues/65983), and are for ports that its agents choose and write to files: they are given
# theirs, and the file of the one whose option is not heeded there is written for it.
start_ray() {
	local node
	clear_ray
	RAY_DIR=$(mktemp -d /tmp/binnacle-ray.XXXXXX)
	node=$(printf 'b1%.0s' {1..28})
	start ray env PATH="$py/ray/bin:$PATH" PYTHONPATH="$here" RAY_DISABLE_IMPORT_WARNING=1 RAY_OVERRIDE_NODE_ID_FOR_TESTING="$node" \
		RAY_raylet_start_wait_time_s=400 RAY_agent_register_timeout_ms=400000 RAY_worker_register_timeout_seconds=400 \
		RAY_DASHBOARD_STARTUP_TIMEOUT_S=400 RAY_health_check_failure_threshold=60 \
		bash -c '(until [[ -d $0/session_latest ]]; do sleep 0.1; done; echo "$1" >"$0/session_latest/$2") & shift 2; exec "$@"' \
		"$RAY_DIR" "${ports[2]}" "dashboard_agent_listen_port_$node" ray start --head --block \
		--node-ip-address 127.0.0.1 --port "${ports[0]}" --dashboard-host 127.0.0.1 --dashboard-port "${ports[1]}" \
		--dashboard-agent-listen-port "${ports[2]}" --ray-client-server-port "${ports[3]}" \
		--dashboard-agent-grpc-port "${ports[5]}" --metrics-export-port "${ports[6]}" --runtime-env-agent-port "${ports[7]}" \
		--min-worker-port 17000 --max-worker-port 17099 \
		--num-cpus 2 --object-store-memory 100000000 --temp-dir "$RAY_DIR" --disable-usage-stats
	note "RAY_URL=http://127.0.0.1:${ports[1]}" "SERVE_URL=http://127.0.0.1:${ports[4]}" "RAY_DIR=$RAY_DIR"
}

deploy_ray() {
	printf '{"http_options":{"host":"127.0.0.1","port":%s},"applications":[{"name":"price","route_prefix":"/","import_path":"ray_app:app"}]}' \
		"${ports[4]}" >"$dir/ml/serve.json"
	curl -fsS -m 20 -X PUT "http://127.0.0.1:${ports[1]}/api/serve/applications/" -H 'Content-Type: application/json' \
		-d "@$dir/ml/serve.json"
}

ray_serves() {
	[[ -e $dir/ml/ray.deployed ]] || { deploy_ray && touch "$dir/ml/ray.deployed"; } || return 1
	answers "http://127.0.0.1:${ports[4]}/-/healthz" && curl -sS -m 2 -o /dev/null "http://127.0.0.1:${ports[4]}/" -d '{}' &&
		curl -sS -m 2 "http://127.0.0.1:${ports[1]}/api/serve/applications/" | grep -q '"status": *"RUNNING"'
}

start_rest() {
	local version=6 name=REST
	[[ $1 == rest ]] || { version=7 name=REST2; }
	start "$1" env PG_URI="$PG_URI" python3 "$here/model_service.py" "${ports[0]}" "$version"
	note "${name}_URL=http://127.0.0.1:${ports[0]}"
}

# Debian's own. What it scrapes is a file that a test writes (PROM_METRICS); what fires goes to alertmanager, whether that runs or not.
# A scrape that takes longer than the interval ends what fires: hence 5 s.
start_prometheus() {
	local home=$dir/ml/prometheus manager
	mkdir -p "$home/www"
	touch "$home/www/metrics"
	cp "$here/prometheus/rules.yml" "$home/rules.yml"
	manager=$(take_ports alertmanager 1 && echo "${ports[0]}")
	printf '%s\n' 'global: {scrape_interval: 5s, evaluation_interval: 1s, external_labels: {cluster: live, prometheus_replica: prom-0}}' \
		'rule_files: [rules.yml]' \
		"alerting: {alert_relabel_configs: [{regex: prometheus_replica, action: labeldrop}, {source_labels: [severity, namespace],
			regex: '(.)[^;]*;(.+)', target_label: route, replacement: '\$1-\${2}'}], alertmanagers: [{static_configs: [{targets: ['127.0.0.1:$manager']}]}]}" \
		"scrape_configs: [{job_name: live, static_configs: [{targets: ['127.0.0.1:${ports[1]}']}]}]" >"$home/prometheus.yml"
	start prometheus-metrics python3 -m http.server --bind 127.0.0.1 --directory "$home/www" "${ports[1]}"
	start prometheus prometheus --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/data" --web.enable-lifecycle \
		--web.listen-address="127.0.0.1:${ports[0]}"
	note "PROM_URL=http://127.0.0.1:${ports[0]}" "PROM_METRICS=$home/www/metrics" "PROM_RULES=$home/rules.yml"
}

start_alertmanager() {
	start alertmanager prometheus-alertmanager --config.file="$here/prometheus/alertmanager.yml" \
		--storage.path="$dir/ml/alertmanager" --cluster.listen-address= --web.listen-address="127.0.0.1:${ports[0]}"
	note "AM_URL=http://127.0.0.1:${ports[0]}"
}

# How many ports, what is prepared, started, and asked until it answers.
start_one() {
	local name=$1 ports n=1 group=${1%[0-9]} first=''
	case $name in mlserver) n=3 ;; kserve | prometheus) n=2 ;; ray) n=8 ;; mlflow-auth) group=mlflow ;; s3) group=s3 ;; esac
	take_ports "$name" "$n"
	if [[ ! -e $dir/ml/$name.prepared ]]; then
		first=1
		! declare -F "prepare_$group" >/dev/null || "prepare_$group" "$name"
		touch "$dir/ml/$name.prepared"
	fi
	[[ $name != ray ]] || rm -f "$dir/ml/ray.deployed"
	"start_$group" "$name"
}

# airflow_knows HEALTH API LOGIN...: its scheduler is alive, and every file of dags/ was read, the broken one too: that is later than its first answer
airflow_knows() {
	local api=$2 id
	[[ $(curl -fsS -m 5 "$1") =~ '"scheduler":'\ ?'{'[^}]*'"status":'\ ?'"healthy"' ]] || return 1
	shift 2
	for id in mlops_full_pipeline retrain_daily zoned_nightly zoned_trigger; do
		answers "$@" "$api/dags/$id" || return 1
	done
	curl -fsS -m 5 "$@" "$api/importErrors" | grep -q broken_dag
}

airflow3_knows() {
	local token
	token=$(curl -fsS -m 5 "$1/auth/token" -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin"}' |
		sed 's/.*"access_token":"\([^"]*\)".*/\1/')
	[[ $token ]] && airflow_knows "$1/api/v2/monitor/health" "$1/api/v2" -H "Authorization: Bearer $token"
}

# Long, for a machine that has other things to do: a server that ends is seen at once.
await_one() {
	local name=$1 ports url
	read -ra ports <"$dir/ml/$name.ports"
	url=http://127.0.0.1:${ports[0]}
	case $name in
	airflow2) wait_for "$name" 400 airflow_knows "$url/health" "$url/api/v1" -u admin:admin ;;
	airflow3) wait_for "$name" 400 airflow3_knows "$url" ;;
	mlflow* | s3) wait_for "$name" 400 answers "$url/health" ;;
	moto) wait_for "$name" 150 answers "$url/moto-api/" ;;
	mlserver | kserve) wait_for "$name" 300 answers "$url/v2/health/ready" ;;
	scoring?) wait_for "$name" 400 answers "$url/ping" ;;
	ray) wait_for "$name" 400 ray_serves ;;
	prometheus | alertmanager) wait_for "$name" 150 answers "$url/-/ready" ;;
	rest*) wait_for "$name" 60 answers "$url/health" ;;
	esac
}

# All that it is made of lives: an Airflow whose scheduler has gone with a PostgreSQL that was restarted answers, and runs nothing.
whole() {
	local part
	for part in "$1" $(parts_of "$1"); do
		alive "$part" || return 1
	done
}

up() {
	local name todo=()
	for name; do
		made_of "$name" >/dev/null
		whole "$name" || { stop_all_of "$name"; todo+=("$name"); }
	done
	((${#todo[@]})) || return 0
	build "${todo[@]}"
	mkdir -p "$dir/ml"
	cd "$dir/ml"                 # some leave traces where they are run
	for name in "${todo[@]}"; do start_one "$name"; done
	for name in "${todo[@]}"; do
		(await_one "$name") || { stop_all_of "$name"; start_one "$name"; await_one "$name"; }
	done
}

parts_of() {
	local file
	for file in "$dir/pid/$1" "$dir/pid/$1"-*; do
		[[ ! -e $file ]] || basename "$file"
	done
}

# A server's children are in its session: all of it ends.
stop_all_of() {
	local part pid
	for part in $(parts_of "$1"); do
		pid=$(cut -d' ' -f1 "$dir/pid/$part")
		stop "$part" TERM 5
		pkill -KILL -s "$pid" 2>/dev/null || true
	done
}

down() {
	local name
	[[ -d $dir/ml ]] || return 0
	for name in "${names[@]}"; do stop_all_of "$name" & done
	wait
	clear_ray
	rm -rf "$dir/ml"
}

main() {
	local command=${1:-}
	[[ -n $command ]] && shift
	case $command in
	list) printf '%s\n' "${names[@]}"; return ;;
	build) if (($#)); then build "$@"; else build "${names[@]}"; fi; return ;;
	up | start | stop | down) ;;
	*) sed -n '2,/^set /{/^#/s/^# \?//p}' "$0" >&2; exit 64 ;;
	esac
	dir=$(realpath -m "${1:?a folder of servers}")
	shift
	[[ -r $dir/env ]] || die "no servers in '$dir'; first: servers.sh up '$dir'"
	# shellcheck disable=SC1091
	. "$dir/env"
	case $command in
	up | start) up "$@" ;;
	stop) stop_all_of "$1" ;;
	down) down ;;
	esac
}

main "$@"
