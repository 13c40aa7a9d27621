# shellcheck shell=bash
# What servers.sh and mlservers.sh share: processes that are started, waited for and ended.
# (Free ports: ports.sh.) Needs $dir: DIR/log, DIR/pid. Each process is a session of its own, known by pid and start time.

die() {
	echo "$(basename "$0" .sh): $*" >&2
	exit 1
}

started_at() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	[[ $1 != Z ]] && echo "${20}"
}

# start NAME COMMAND...  (its output goes to DIR/log/NAME)
start() {
	local name=$1 pid
	shift
	setsid "$@" >>"$dir/log/$name" 2>&1 </dev/null 9>&- &
	pid=$!
	echo "$pid $(started_at "$pid")" >"$dir/pid/$name"
}

alive() {
	local pid since
	[[ -r $dir/pid/$1 ]] && read -r pid since <"$dir/pid/$1" && [[ $(started_at "$pid") == "$since" ]]
}

# stop NAME [SIGNAL [SECONDS]]: ends it and waits, so many seconds in peace and then by force
stop() {
	local name=$1 pid since tenths=0 limit=$((${3:-30} * 10))
	if alive "$name"; then
		read -r pid since <"$dir/pid/$name"
		kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
		while alive "$name"; do
			((tenths++ == limit)) && kill -KILL "$pid" 2>/dev/null
			sleep 0.1
		done
	fi
	rm -f "$dir/pid/$name"
}

# wait_for NAME SECONDS COMMAND...: until the command succeeds, while the process lives
wait_for() {
	local name=$1 limit=$(($2 * 10)) tenths=0
	shift 2
	until "$@" >/dev/null 2>&1; do
		alive "$name" || { tail -n 20 "$dir/log/$name" >&2; die "$name ended while starting"; }
		((tenths++ < limit)) || { tail -n 20 "$dir/log/$name" >&2; die "$name is not ready after $((limit / 10)) s"; }
		sleep 0.1
	done
}

# shellcheck disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/ports.sh"
