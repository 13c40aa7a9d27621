# shellcheck shell=bash
# For the live tests (t-*.sh): `. "$(dirname "$0")/lib.sh"` first, `finish` last.
#
# run.sh gives each test $BINNACLE (the program) and $LIVE (the folder of running servers); from
# $LIVE/env come KUBECONFIG, API_URL, PG_URI, TOKEN_*, POD_LOGS and the rest. A test prints TAP:
# `ok N - name` or `not ok N - name`, with details in lines that begin with `#`. It leaves the
# servers as it found them. A first line `# limit: 600` in it asks for more than 300 seconds.
set -uo pipefail
: "${BINNACLE:?the program to test}" "${LIVE:?the folder of running servers}"
live_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC1091
. "$live_tests/ports.sh"
set -a
# shellcheck disable=SC1091
. "$LIVE/env"
set +a
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nothing of the one who runs the tests may reach the program.
export XDG_CONFIG_HOME=$scratch/config XDG_STATE_HOME=$scratch/state XDG_CACHE_HOME=$scratch/cache
export HOME=$scratch LC_ALL=C.UTF-8 TERM=${TERM:-xterm-256color}
unset NO_COLOR PGPASSWORD PGSERVICE PGHOST PGPORT PGUSER PGDATABASE
mkdir -p "$scratch"/{config,state,cache}
tap_number=0 tap_failed=0

ok() {
	echo "ok $((++tap_number)) - $1"
}

# not_ok NAME [DETAIL]...
not_ok() {
	echo "not ok $((++tap_number)) - $1"
	tap_failed=$((tap_failed + 1))
	shift
	[[ $# == 0 ]] || printf '%s\n' "$@" | head -n 40 | cut -c1-400 | sed 's/^/#   /'
}

skip() {
	echo "ok $((++tap_number)) - $1 # SKIP ${2:-}"
}

# check NAME COMMAND...: whether the command succeeds; its output is shown when it does not
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1 </dev/null); then ok "$name"; else not_ok "$name" "exit status $?: $*" "$said"; fi
}

# refuse NAME COMMAND...: whether the command fails, and not by a signal
refuse() {
	local name=$1 said status
	shift
	said=$("$@" 2>&1 </dev/null)
	status=$?
	if ((status > 0 && status < 124)); then ok "$name"; else not_ok "$name" "exit status $status: $*" "$said"; fi
}

# equal NAME WANT GOT
equal() {
	if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "want '$2'" "got  '$3'"; fi
}

# like NAME REGEX TEXT
like() {
	if [[ $3 =~ $2 ]]; then ok "$1"; else not_ok "$1" "want /$2/ in:" "$3"; fi
}

# unlike NAME REGEX TEXT
unlike() {
	if [[ $3 =~ $2 ]]; then not_ok "$1" "do not want /$2/ in:" "$3"; else ok "$1"; fi
}

# forged PROGRAM ARGUMENT...: a copy of it is run by an ordinary user whose environment says to be mallory
forged() {
	local as=() home status
	home=$(mktemp -d /tmp/forged.XXXXXX)
	install -m 755 "$1" "$home/program"
	((EUID)) || {
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chown 65534 "$home"
	}
	shift
	env -C "$home" HOME="$home" XDG_CONFIG_HOME="$home/c" XDG_STATE_HOME="$home/s" XDG_CACHE_HOME="$home/k" USER=mallory LOGNAME=mallory \
		SUDO_USER=mallory "${as[@]}" timeout -k 5 60 "$home/program" "$@"
	status=$?
	rm -rf "$home"
	return $status
}
# who that is
unforged() {
	if ((EUID)); then id -un; else id -un 65534; fi
}

# within SECONDS COMMAND...: tries until it succeeds, for that long, and never less than 30: other work may be under way beside
within() {
	local end=$((SECONDS + ($1 < 30 ? 30 : $1)))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

kubectl() {
	"$KUBECTL" "$@"
}

# Nothing is about to go: a namespace that a test deleted without waiting has pods for a while, and goes last.
settled() {
	local going
	going=$(kubectl get namespaces -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.deletionTimestamp}{"\n"}{end}') &&
		! grep -v '^corpus-' <<<"$going" | grep -q ' .'          # of the corpus one leaves for ever
}

# The program with a time limit, which it never should need.
binnacle() {
	timeout -k 5 "${BINNACLE_LIMIT:-100}" "$BINNACLE" "$@"
}

# servers stop-api, start-api, restart-api, restart-controllers, rotate-cert [--new-ca], stop-pg, start-pg
servers() {
	HOME=/ "$live_tests/servers.sh" "$@" "$LIVE"
}

# mlservers stop|start NAME...
mlservers() {
	local command=$1
	shift
	HOME=/ "$live_tests/mlservers.sh" "$command" "$LIVE" "$@"
}

sql() {
	local found
	found=$(ls -d /usr/lib/postgresql/*/bin/psql 2>/dev/null | sort -V | tail -n 1)
	"${found:-psql}" -qAtX "$PG_URI" -c "$1"
}

finish() {
	echo "1..$tap_number"
	exit $((tap_failed > 0))
}
