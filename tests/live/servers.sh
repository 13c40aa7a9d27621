#!/usr/bin/env bash
# The genuine servers that the live tests run against: an API server with its store, controllers
# and simulated kubelets, and a PostgreSQL. Everything listens on the loopback only, on ports
# chosen when it starts, so that several sets can run at once.
#
#   servers.sh build                      build the programs into the cache (nothing when there)
#   servers.sh up [--no-watchlist] [--metrics] [--only-pg] DIR
#                                         start a set, described by DIR/env and DIR/kubeconfig;
#                                         --metrics: with metrics.k8s.io (kwok then works all the time)
#                                         --only-pg: PostgreSQL and no cluster
#   servers.sh down DIR                   end what that `up` started, and wait for it
#   servers.sh stop-api|start-api|restart-api DIR
#   servers.sh restart-controllers DIR    after the API server was away they wait for up to a minute else
#   servers.sh rotate-cert [--new-ca] DIR the API server shows another certificate from now on
#   servers.sh stop-pg|start-pg DIR
#   servers.sh status DIR                 what runs
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${BINNACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/binnacle}/bin
# shellcheck source=tests/live/build.sh
. "$here/build.sh"
# shellcheck source=tests/live/pki.sh
. "$here/pki.sh"
# shellcheck source=tests/live/processes.sh
. "$here/processes.sh"

# --- the servers -----------------------------------------------------------------------------------

start_etcd() {
	start etcd "$bin/etcd" --name live --data-dir "$dir/etcd" --unsafe-no-fsync --log-level warn \
		--quota-backend-bytes 8589934592 --snapshot-count 50000 \
		--listen-client-urls "http://127.0.0.1:$PORT_ETCD" \
		--advertise-client-urls "http://127.0.0.1:$PORT_ETCD" \
		--listen-peer-urls "http://127.0.0.1:$PORT_ETCD_PEER" \
		--initial-advertise-peer-urls "http://127.0.0.1:$PORT_ETCD_PEER" \
		--initial-cluster "live=http://127.0.0.1:$PORT_ETCD_PEER"
}

start_api() {
	local pki=$dir/pki
	start kube-apiserver "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$PORT_ETCD" \
		--bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$PORT_API" \
		--tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
		--client-ca-file "$pki/ca.crt" --token-auth-file "$pki/tokens.csv" \
		--service-account-key-file "$pki/sa.pub" --service-account-signing-key-file "$pki/sa.key" \
		--service-account-issuer https://kubernetes.default.svc \
		--requestheader-client-ca-file "$pki/ca.crt" --requestheader-allowed-names front-proxy \
		--requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
		--requestheader-extra-headers-prefix X-Remote-Extra- \
		--proxy-client-cert-file "$pki/front-proxy.crt" --proxy-client-key-file "$pki/front-proxy.key" \
		--service-cluster-ip-range 10.96.0.0/16 --authorization-mode RBAC --allow-privileged \
		--endpoint-reconciler-type none --kubelet-preferred-address-types ExternalDNS,InternalIP --max-requests-inflight 800 \
		--max-mutating-requests-inflight 400 --feature-gates "WatchList=$WATCHLIST"
}

api_is_ready() {
	"$bin/kubectl" --kubeconfig "$dir/kubeconfig" --context admin --request-timeout 2s get --raw /readyz
}

# Nodes that kwok does not keep (those without its annotation) stay as the tests write them.
start_controllers() {
	local all=(--kubeconfig "$dir/pki/internal.kubeconfig" --leader-elect=false
		--bind-address 127.0.0.1 --kube-api-qps 500 --kube-api-burst 1000)
	start kube-controller-manager "$bin/kube-controller-manager" "${all[@]}" \
		--secure-port "$PORT_CONTROLLERS" --node-monitor-grace-period 24h --node-startup-grace-period 24h \
		--service-account-private-key-file "$dir/pki/sa.key" --root-ca-file "$dir/pki/ca.crt"
	start kube-scheduler "$bin/kube-scheduler" "${all[@]}" --secure-port "$PORT_SCHEDULER"
	start kwok "$bin/kwok" --kubeconfig "$dir/pki/internal.kubeconfig" --config "$dir/kwok.yaml" \
		--manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
		--node-ip 127.0.0.1 --node-port "$PORT_KWOK" --server-address "127.0.0.1:$PORT_KWOK"
}

# What is asked of a kubelet that is not there yet is refused.
controllers_answer() {
	wait_for kwok 120 curl -fsS -m 2 "http://127.0.0.1:$PORT_KWOK/healthz"
	wait_for kube-scheduler 120 curl -fsSk -m 2 "https://127.0.0.1:$PORT_SCHEDULER/healthz"
	wait_for kube-controller-manager 120 curl -fsSk -m 2 "https://127.0.0.1:$PORT_CONTROLLERS/healthz"
}

# The genuine metrics-server, reading usage from kwok as it would from kubelets.
start_metrics() {
	local config=$dir/pki/internal.kubeconfig
	start metrics-server "$bin/metrics-server" --kubeconfig "$config" --secure-port "$PORT_METRICS" \
		--authentication-kubeconfig "$config" --authorization-kubeconfig "$config" \
		--bind-address 127.0.0.1 --cert-dir "$dir/pki/metrics" --kubelet-insecure-tls \
		--kubelet-preferred-address-types ExternalDNS,InternalIP --kubelet-use-node-status-port \
		--metric-resolution 15s
	sed "s|@METRICS@|$PORT_METRICS|" "$here/metrics.yaml" |
		"$bin/kubectl" --kubeconfig "$config" apply -f - >"$dir/log/metrics" 2>&1
}

# PostgreSQL refuses to run as root, and its user must reach the data: hence a folder in /tmp.
pg_tools() {
	local found
	found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
	[[ -n $found ]] || found=$(dirname "$(command -v initdb || true)")
	[[ -x $found/initdb ]] || die "no PostgreSQL server; install one (Debian: apt-get install postgresql)"
	echo "$found"
}

as_pg() {
	if [[ $(id -u) == 0 ]]; then
		setpriv --reuid postgres --regid postgres --init-groups -- env HOME="$PG_DIR" "$@"
	else
		"$@"
	fi
}

create_pg() {
	cp "$dir/pki/apiserver.crt" "$PG_DIR/server.crt"
	cp "$dir/pki/apiserver.key" "$PG_DIR/server.key"
	chmod 600 "$PG_DIR/server.key"
	[[ $(id -u) != 0 ]] || chown -R postgres:postgres "$PG_DIR"
	(cd / && as_pg "$(pg_tools)/initdb" -D "$PG_DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync) \
		>"$dir/log/initdb" 2>&1 || { cat "$dir/log/initdb" >&2; die "initdb failed"; }
	as_pg tee "$PG_DIR/data/pg_hba.conf" >/dev/null <<-'HBA'
		local all all trust
		host all guarded 127.0.0.1/32 scram-sha-256
		host all all 127.0.0.1/32 trust
	HBA
}

start_pg() {
	cd /
	local runner=()
	[[ $(id -u) != 0 ]] || runner=(setpriv --reuid postgres --regid postgres --init-groups --)
	start postgres "${runner[@]}" "$(pg_tools)/postgres" -D "$PG_DIR/data" -p "$PORT_PG" -k "$PG_DIR" \
		-c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
		-c shared_buffers=64MB -c ssl=on -c ssl_cert_file="$PG_DIR/server.crt" \
		-c ssl_key_file="$PG_DIR/server.key"
	cd - >/dev/null
}

pg_is_ready() {
	"$(pg_tools)/psql" -qAtX "postgresql://postgres@127.0.0.1:$PORT_PG/postgres" -c 'select 1'
}

seed_pg() {
	"$(pg_tools)/psql" -qAtX -v ON_ERROR_STOP=1 "postgresql://postgres@127.0.0.1:$PORT_PG/postgres" <<-SQL
		create database binnacle;
		create role guarded login password '$PG_PASSWORD';
		create role reader login;
	SQL
}

# --- sub-commands ------------------------------------------------------------------------------------

write_env() {
	cat >"$dir/env" <<-ENV
		LIVE='$dir'
		BIN='$bin'
		KUBECTL='$bin/kubectl'
		KUBECONFIG='$dir/kubeconfig'
		API_URL='https://127.0.0.1:$PORT_API'
		CA_FILE='$dir/pki/ca.crt'
		TOKEN_ADMIN='$TOKEN_ADMIN'
		TOKEN_VIEWER='$TOKEN_VIEWER'
		TOKEN_TEAM_A='$TOKEN_TEAM_A'
		TOKEN_NOBODY='$TOKEN_NOBODY'
		PG_URI='postgresql://postgres@127.0.0.1:$PORT_PG/binnacle'
		PG_URI_GUARDED='postgresql://guarded@127.0.0.1:$PORT_PG/binnacle'
		PG_PASSWORD='$PG_PASSWORD'
		PG_DIR='$PG_DIR'
		POD_LOGS='$dir/pod-logs'
		PIDS='$dir/pid'
		WATCHLIST='$WATCHLIST'
		PORT_ETCD='$PORT_ETCD'
		PORT_ETCD_PEER='$PORT_ETCD_PEER'
		PORT_API='$PORT_API'
		PORT_CONTROLLERS='$PORT_CONTROLLERS'
		PORT_SCHEDULER='$PORT_SCHEDULER'
		PORT_KWOK='$PORT_KWOK'
		PORT_PG='$PORT_PG'
		PORT_METRICS='$PORT_METRICS'
		PORTS='$PORT_ETCD $PORT_ETCD_PEER $PORT_API $PORT_CONTROLLERS $PORT_SCHEDULER $PORT_KWOK $PORT_PG $PORT_METRICS'
	ENV
	chmod 600 "$dir/env"
}

random_word() {
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

new_set() {
	mkdir -p "$dir"/{log,pid,pki,etcd}
	chmod 700 "$dir" "$dir/etcd"
	read -r PORT_ETCD PORT_ETCD_PEER PORT_API PORT_CONTROLLERS PORT_SCHEDULER PORT_KWOK PORT_PG \
		PORT_METRICS <<<"$(free_ports 8)"
	TOKEN_ADMIN=$(random_word) TOKEN_VIEWER=$(random_word) TOKEN_TEAM_A=$(random_word)
	TOKEN_NOBODY=$(random_word) PG_PASSWORD=$(random_word)
	PG_DIR=$(mktemp -d /tmp/binnacle-pg.XXXXXX)
	write_env
	make_pki
	make_kubeconfigs
	mkdir "$dir/containers"
	sed "s|@LOGS@|$dir/pod-logs|; s|@DIR@|$dir|; s|@HERE@|$here|; s|@PG@|$PORT_PG|; s|@KWOK@|$PORT_KWOK|" \
		"$here/kwok.yaml" >"$dir/kwok.yaml"
}

up() {
	[[ ! -e $dir/env ]] || die "'$dir' is in use; first: servers.sh down '$dir'"
	build_is_current || servers_build
	trap 'down' ERR EXIT
	new_set
	if [[ $only_pg ]]; then
		create_pg
		start_pg
		wait_for postgres 120 pg_is_ready
		seed_pg
		trap - ERR EXIT
		return
	fi
	start_etcd
	start_api
	{ python3 "$here/podlogs.py" "$dir/pod-logs" && create_pg; } &
	local pg_ready=$!
	wait_for kube-apiserver 120 api_is_ready
	start_controllers
	"$bin/kubectl" --kubeconfig "$dir/kubeconfig" apply -f "$here/rbac.yaml" >"$dir/log/rbac" 2>&1
	[[ -z $metrics ]] || start_metrics
	wait "$pg_ready"
	start_pg
	wait_for postgres 120 pg_is_ready
	seed_pg
	wait_for kwok 120 "$bin/kubectl" --kubeconfig "$dir/kubeconfig" -n default get serviceaccount default
	controllers_answer
	trap - ERR EXIT
}

down() {
	local status=$?
	trap - ERR EXIT
	local name
	for name in metrics-server kwok kube-scheduler kube-controller-manager; do
		stop "$name" TERM 5
	done
	stop_api
	stop etcd
	stop postgres INT
	[[ ${PG_DIR:-} == /tmp/binnacle-pg.* ]] && rm -rf "$PG_DIR"
	rm -rf "$dir"/{etcd,pid,pki,pod-logs,containers,env,kubeconfig,kwok.yaml}
	return "$status"
}

restart_controllers() {
	local name
	for name in kwok kube-scheduler kube-controller-manager; do
		stop "$name" TERM 5
	done
	start_controllers
	controllers_answer
}

status() {
	local name
	for name in etcd kube-apiserver kube-controller-manager kube-scheduler kwok metrics-server postgres; do
		if alive "$name"; then echo "$name: runs"; else echo "$name: down"; fi
	done
}

# It would wait for every watch to end; clients are told to leave at once.
stop_api() {
	stop kube-apiserver TERM 3
}

main() {
	local command=${1:-} WATCHLIST=true metrics='' only_pg='' new_ca=''
	[[ -n $command ]] && shift
	while [[ ${1:-} == --* ]]; do
		case $1 in
		--no-watchlist) WATCHLIST=false ;;
		--metrics) metrics=1 ;;
		--only-pg) only_pg=1 ;;
		--new-ca) new_ca=other- ;;
		*) die "unknown option '$1'" ;;
		esac
		shift
	done
	[[ $command == build ]] && { servers_build; return; }
	[[ -n ${1:-} ]] || { sed -n '2,/^set /{/^#/s/^# \?//p}' "$0" >&2; exit 64; }
	dir=$(realpath -m "$1")
	if [[ $command != up ]]; then
		[[ -r $dir/env ]] || die "no servers in '$dir'"
		# shellcheck disable=SC1091
		. "$dir/env"
		bin=$BIN
	fi
	case $command in
	up) up ;;
	down) true && down ;;
	status) status ;;
	stop-api) stop_api ;;
	start-api) alive kube-apiserver || { start_api && wait_for kube-apiserver 120 api_is_ready; } ;;
	restart-api) stop_api && start_api && wait_for kube-apiserver 120 api_is_ready ;;
	restart-controllers) restart_controllers ;;
	rotate-cert) rotate_cert "$new_ca" ;;
	stop-pg) stop postgres INT ;;
	start-pg) alive postgres || { start_pg && wait_for postgres 120 pg_is_ready; } ;;
	*) die "unknown command '$command'" ;;
	esac
}

main "$@"
