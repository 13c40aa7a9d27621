#!/usr/bin/env bash
# Run the live tests: run.sh BINNACLE [TEST...]
#
# Builds the servers (once), starts and seeds a set, runs every t-*.sh and t-*.py against it, and
# ends the set again, also when interrupted. Tests wait most of the time, so several sets run beside each other (unless tests are
# named): a line `# apart: airflow` near a test's top puts it with the others of that name, on a set of their own, which has a
# PostgreSQL, but no cluster. A line `# needs: airflow3 s3` starts these of
# mlservers.sh before it; they end after the last test that needs them. With LIVE_DIR naming a set that runs already (see
# servers.sh up, seed.sh) that one is used and left running: for work on one test.
# The last line is `N passed, N failed`; exit status 0 when nothing failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -n ${1:-} ]] || { sed -n '2,/^set /{/^#/s/^# \?//p}' "$0" >&2; exit 64; }
BINNACLE=$(realpath "$1")
[[ -x $BINNACLE ]] || { echo "run: no program '$1'" >&2; exit 66; }
shift
passed=0 failed=0 own="" child="" ahead="" begun="" lane="" up=(--metrics)
declare -A apart=()
# how this program calls itself: --apart NAME TEST...
[[ ${1:-} != --apart ]] || { lane=$2 up=(--only-pg); shift 2; }
# a test has a home of its own, but no servers
export BINNACLE_CACHE=${BINNACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/binnacle}

finish() {
	local status=$?
	trap - EXIT INT TERM HUP
	[[ -z $child ]] || kill -- "-$child" 2>/dev/null || true
	[[ ${#apart[@]} == 0 ]] || { kill -- "${apart[@]/#/-}" 2>/dev/null && wait "${apart[@]}" || true; }
	[[ -z $ahead ]] || { kill -- "-$ahead" 2>/dev/null || true; wait "$ahead" || true; }
	if [[ -n $own ]]; then
		((status == 0)) || keep_logs
		[[ ! -e $own/ml ]] || "$here/mlservers.sh" down "$own" || true
		[[ ! -e $own/env ]] || "$here/servers.sh" down "$own" || true
		rm -rf "$own"
	fi
	exit "$status"
}

keep_logs() {
	local kept
	kept=${BINNACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/binnacle}/live-logs${lane:+-$lane}
	rm -rf "$kept"
	cp -r "$own/log" "$kept" 2>/dev/null && echo "run: the servers' logs are in '$kept'" >&2 || true
}

needs_of() {
	[[ $# == 0 ]] || sed -ns '1,8s/^# needs: //p' "$@" 2>/dev/null | tr ' ' '\n' | sort -u
}

# What the next test with needs will want is started while those before it run: a server takes up to a minute.
start_ahead() {
	local test need
	[[ -z $ahead ]] || return 0
	for test in "$@"; do
		need=$(needs_of "$test")
		[[ $need && $test != "$begun" ]] || continue
		begun=$test
		# shellcheck disable=SC2086
		setsid "$here/mlservers.sh" up "$LIVE" $need &
		ahead=$!
		return 0
	done
}

# What the first test needs is started; what none of them needs any more has ended, in a set of our own.
bring_up() {
	local need idle
	need=$(needs_of "$1")
	if [[ $need && $ahead ]]; then       # its failure is found by the next line, which tries again
		wait "$ahead" || true
		ahead=""
	fi
	# shellcheck disable=SC2086
	[[ -z $need ]] || "$here/mlservers.sh" up "$LIVE" $need || return 1
	[[ -n $own && -d $own/ml ]] || return 0
	for idle in $(comm -13 <(needs_of "$@") <(cd "$own/ml" && printf '%s\n' *.prepared | sed 's/.prepared$//' | sort)); do
		"$here/mlservers.sh" stop "$LIVE" "$idle"
	done
}

# A session of its own, so that a test's children end with it.
run_test() {
	local test=$1 limit status=0 began=$SECONDS out=$LIVE/test.out good bad
	limit=$(sed -n '1,8s/^# limit: \([0-9]*\)$/\1/p' "$test")
	printf '# %s\n' "$(basename "$test")"
	LIVE=$LIVE BINNACLE=$BINNACLE setsid timeout -k 5 "${limit:-1200}" "$test" >"$out" 2>&1 </dev/null &
	child=$!
	wait "$child" || status=$?
	kill -KILL -- "-$child" 2>/dev/null || true
	child=""
	cat "$out"
	printf '# %s took %d s\n' "$(basename "$test")" $((SECONDS - began))
	good=$(grep -c '^ok ' "$out" || true) bad=$(grep -c '^not ok ' "$out" || true)
	if ((status != 0 && bad == 0)) || ! grep -q '^1\.\.' "$out"; then
		echo "not ok - $(basename "$test") ended with status $status after $((SECONDS - began)) s"
		bad=$((bad + 1))
	fi
	passed=$((passed + good)) failed=$((failed + bad))
}

# The name of the set apart that a test runs on, or nothing.
apart_of() {
	sed -n '1,8s/^# apart: //p' "$1" 2>/dev/null
}

# among_all PATTERN: the tests whose name of what stands apart is like it; '': those that do not
among_all() {
	local test
	for test in "$here"/t-*.sh "$here"/t-*.py; do
		[[ -e $test ]] || continue
		# shellcheck disable=SC2053
		[[ $(apart_of "$test") != $1 ]] || printf '%s\n' "$test"
	done
}

# this program again, for each name apart, beside this one
begin_apart() {
	local name list test
	for name in $(for test in "$here"/t-*; do apart_of "$test"; done | sort -u); do
		mapfile -t list < <(among_all "$name")
		setsid "$here/run.sh" "$BINNACLE" --apart "$name" "${list[@]}" >"$LIVE/apart-$name" 2>&1 </dev/null &
		apart[$name]=$!
	done
}

end_apart() {
	local name status good bad
	for name in "${!apart[@]}"; do
		status=0 good=0 bad=0
		wait "${apart[$name]}" || status=$?
		grep -v '^[0-9]* passed, [0-9]* failed$' "$LIVE/apart-$name" || true
		read -r good bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$LIVE/apart-$name") || true
		((status == 0 || ${bad:-0} > 0)) || { echo "not ok - the tests apart ($name) ended with status $status"; bad=1; }
		passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
		unset "apart[$name]"
	done
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [[ -n ${LIVE_DIR:-} ]]; then
	LIVE=$(realpath "$LIVE_DIR")
else
	"$here/servers.sh" build
	LIVE=$(mktemp -d) own=$LIVE
	(($#)) || begin_apart
	"$here/servers.sh" up "${up[@]}" "$LIVE"
	[[ ${up[*]} == --only-pg ]] || "$here/seed.sh" "$LIVE"
fi
tests=("$@")
((${#tests[@]})) || mapfile -t tests < <(among_all "${LIVE_DIR:+*}")
for ((i = 0; i < ${#tests[@]}; i++)); do
	test=${tests[i]}
	if [[ ! -x $test ]]; then        # a test that is passed over in silence is none
		[[ $test == *'*'* ]] || { echo "not ok - '$test' is no program" && failed=$((failed + 1)); }
		continue
	fi
	began=$SECONDS
	if bring_up "${tests[@]:i}"; then
		((SECONDS - began < 2)) || printf '# its servers took %d s\n' $((SECONDS - began))
		start_ahead "${tests[@]:i+1}"
		run_test "$(realpath "$test")"
	else
		echo "not ok - the servers that $(basename "$test") needs did not start"
		failed=$((failed + 1))
	fi
done
end_apart
echo "$passed passed, $failed failed"
((failed == 0))
