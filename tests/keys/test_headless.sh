#!/usr/bin/env bash
# What needs no terminal: snapshots, recording and replaying, the audit file, the configuration, and every exit code.
set -uo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch TZ=UTC
cd "$scratch" || exit 1
n=0 bad=0

check() {
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then echo "ok $n - $name"; else
		echo "not ok $n - $name"; sed 's/^/# /' <<<"$said"; bad=$((bad + 1))
	fi
}

# says STATUS TEXT ARGUMENT...: it ends so and says that
says() {
	local want=$1 text=$2 status=0
	shift 2
	timeout 30 "$BINNACLE" "$@" >out 2>&1 </dev/null || status=$?
	[[ $status == "$want" ]] && grep -qF -- "$text" out || { echo "status $status:"; cat out; return 1; }
}

# framed PANE WxH TEXT: a frame of that many lines, none wider, that has the text
framed() {
	local size=$2
	timeout 30 "$BINNACLE" snapshot "$1" --seed 1 --size "$size" >frame 2>err || { cat err; return 1; }
	[[ ! -s err && $(wc -l <frame) == "${size#*x}" ]] && grep -qF -- "$3" frame && ! grep -qP '\033' frame &&
		! grep -qP "^.{$((${size%x*} + 1))}" frame || { cat err frame; return 1; }
}

# the caret stands under what is wrong
points() {
	says 2 "$2" get pods --seed 1 "$1" || return 1
	local line caret
	line=$(grep -nF -- "  $1" out | tail -n 1) caret=$(tail -n 1 out)
	[[ -n $line && $caret =~ ^\ *\^$ && ${#caret} == $((2 + $3)) ]] || { cat out; return 1; }
}

same_replayed() {
	"$BINNACLE" get pods --seed 1 --record record -o csv >first || return 1
	"$BINNACLE" get pods --replay record -o csv >again || return 1
	[[ $(wc -l <first) -gt 500 && $(stat -c %a record) == 600 ]] && cmp first again
}

for size in 80x24 120x40 200x50; do
	check "triage at $size" framed triage $size "model-api"
	check "cluster at $size" framed cluster $size "airflow-scheduler"
	check "drift at $size" framed drift $size "drift of real_estate_model"
	check "audit at $size" framed audit $size "nothing was changed from here yet"
done
check "a frame of 20x5" framed cluster 20x5 "tgres-0"
check "a frame of one cell" framed cluster 1x1 ""
check "ascii only" bash -c '! "$BINNACLE" snapshot drift --seed 1 --ascii | LC_ALL=C grep -q "[^ -~]"'
check "a wrong pane" says 2 "did you mean 'triage'" snapshot triag --seed 1
check "a wrong size" says 2 "'0x5' is not a size" snapshot cluster --seed 1 --size 0x5

check "wide has what table has not" bash -c '"$BINNACLE" get pods --seed 1 | head -1 | grep -qv NODE &&
	"$BINNACLE" get pods --seed 1 -o wide | head -1 | grep -q "NODE.*READINESS GATES"'
check "one namespace" bash -c '"$BINNACLE" get pods -n airflow --seed 1 -o csv >one && (($(wc -l <one) > 3)) && ! tail -n +2 one | grep -v ",airflow,"'
check "a wrong value points" points 'age<x' "'x' is not a value for age" 5
check "a wrong expression points" points '/(/' "in this regular expression" 1
check "an unknown column points" points 'redis statsu=x' "no column 'statsu'" 7
check "an unknown kind" says 2 "did you mean 'pods'" get podz --seed 1
check "objects of no place" says 2 "name one: binnacle get objects s3://" get objects --seed 1 'size>1'
check "nothing taken is no failure" says 0 "no pods that the filter takes" get pods --seed 1 name=unicorn

check "a replay lists what was recorded" same_replayed
check "a recording is not written over" says 2 "record" get pods --seed 1 --record record
check "a file that is no recording" says 2 "binnacle:" get pods --replay first
check "a replay of nothing" says 2 "absent" get pods --replay absent

printf 'environments:\n  prod:\n    gaurd: confirm\n' >wrong.yaml
printf 'environments:\n  prod:\n    guard: confirm\n' >right.yaml
printf 'a: [\n' >torn.yaml
check "a configuration with an error" says 2 "wrong.yaml:3:5: no setting 'gaurd' in 'prod'; did you mean 'guard'" \
	config check --config wrong.yaml
check "a torn configuration" says 2 "torn.yaml:" config check --config torn.yaml
check "a configuration that is absent" says 2 "absent.yaml" config check --config absent.yaml
check "a good configuration" says 0 "" config check --config right.yaml

check "no terminal" says 3 "is not a terminal" demo
check "a wrong command" says 2 "did you mean 'doctor'" doctr
check "a wrong option" says 2 "did you mean '--theme'" --thme
check "nothing to connect to" says 2 "nothing to connect to" get pods
check "doctor of nothing" says 2 "nothing to connect to" doctor
check "a kubeconfig that is absent" says 4 "cannot be read" get pods --kubeconfig "$scratch/absent"
check "the version" says 0 "binnacle " version

# a parameter that is not taken as it was meant must not be dropped in silence
dep=airflow/airflow-webserver
check "a parameter that there is not" says 2 "no parameter 'replica'; did you mean 'replicas'" act scale deployments $dep replica=3 --seed 1
check "a number that is none" says 2 "'replicas' is a whole number, not 'abc'" act scale deployments $dep replicas=abc --seed 1 --plan
check "a number out of bounds" says 2 "'replicas' is from 0 to 10000" act scale deployments $dep replicas=-1 --seed 1 --plan
check "a switch that is neither" says 2 "'force' is true or false, not 'ture'" act drain nodes x force=ture --seed 1 --plan
check "a choice that there is not" says 2 "'dependents' is one of background|foreground|orphan" act delete pods a/b dependents=none --seed 1
check "a parameter that is needed" says 2 "replicas=... is needed: how many pods" act scale deployments $dep --seed 1 --plan
check "one too many" says 2 "'cordon' takes no parameters" act cordon nodes x a=b --seed 1
check "one of the pipeline's own" says 2 "it takes conf, conf.NAME" act trigger pipelines mlops_full_pipeline rows=3 --seed 1 --plan
check "good ones" says 0 "replicas 2 -> 3" act scale deployments $dep replicas=3 --seed 1 --plan
check "which parameters there are" says 0 "force=  pods without a controller too: true or false" act drain nodes --seed 1
check "a check that there is not" says 1 "has no check '99999'" act acknowledge drift 99999 note=x --seed 1 --plan
check "a kind by its short name in the cluster" says 2 "'weight' is from 0 to 100" act canary isvc ml-serving/price-model weight=150 --seed 1 --plan
check "a kind that there is not" says 2 "no source has a kind 'deploymnts'; did you mean 'deployments'?" act scale deploymnts x/y replicas=1 --seed 1
check "which actions there are" says 2 "there are: restart, scale" act scale-to-zero deployments $dep --seed 1

check "no audit file" says 1 "" audit --file "$scratch/absent"
echo "1..$n"
exit $((bad > 0))
