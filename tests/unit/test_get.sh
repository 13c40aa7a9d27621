#!/usr/bin/env bash
# `get` on the simulated platform: every kind it fills, in every form, and what is refused.
set -uo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch
n=0 bad=0

check() {
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then echo "ok $n - $name"; else
		echo "not ok $n - $name"; sed 's/^/# /' <<<"$said"; bad=$((bad + 1))
	fi
}

get() {
	timeout 120 "$BINNACLE" get --seed 1 --wait 90 "$@"     # answered in far less: only a hang is long
}

# filled KIND: it is listed, without complaint, and has rows
filled() {
	get "$1" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }
	[[ ! -s $scratch/err && $(wc -l <"$scratch/out") -gt 1 ]] || { head -n 3 "$scratch/out" "$scratch/err"; return 1; }
}

# refused STATUS PATTERN ARGUMENT...
refused() {
	local want=$1 pattern=$2 status=0
	shift 2
	get "$@" >"$scratch/out" 2>&1 || status=$?
	[[ $status == "$want" ]] && grep -q -- "$pattern" "$scratch/out" || { echo "status $status:"; cat "$scratch/out"; return 1; }
}

for kind in pods containers nodes namespaces deployments replicasets statefulsets daemonsets jobs cronjobs services \
	configmaps secrets persistentvolumeclaims horizontalpodautoscalers events drift features; do
	check "$kind" filled "$kind"
done
get pods -o json >"$scratch/json"
get pods -o csv >"$scratch/csv"
get pods -o yaml >"$scratch/yaml"
check "json, csv and yaml hold the same pods" python3 - "$scratch" <<'END'
import csv, json, re, sys
top = sys.argv[1]
pods = json.load(open(top + "/json"))
rows = list(csv.DictReader(open(top + "/csv", newline="")))
names = [json.loads(line[8:]) for line in open(top + "/yaml") if line.startswith("  name: ")]
assert len(pods) > 500 and [p["name"] for p in pods] == [r["name"] for r in rows] == names, (len(pods), len(rows), len(names))
assert all(isinstance(p["restarts"], int) and re.fullmatch(r"\d+/\d+", p["ready"]) for p in pods)
END
check "a filter takes some" bash -c '(($(wc -l < <('"$BINNACLE"' get pods --seed 1 "status=CrashLoopBackOff")) < 20))'
check "short names" filled po
check "labels" bash -c '(($(wc -l < <('"$BINNACLE"' get po --seed 1 -l app=model-api "restarts>0")) == 4))'
check "no such label" bash -c '(($(wc -l < <('"$BINNACLE"' get po --seed 1 -l app=nothing)) == 0))'
check "a wrong kind" refused 2 "did you mean 'pods'" podz
check "a wrong column, and where" refused 2 "at 1: no column 'statsu'" pods statsu=x
check "a wrong form" refused 2 "no output form 'jsn'; did you mean json" pods -o jsn
echo "1..$n"
exit $((bad > 0))
