#!/usr/bin/env bash
# A promotion whose terminal is closed (SIGHUP), whose connection is lost, or that is asked to end (SIGTERM) in the middle of a step:
# the journal stays, the next start tells of it, and goes on or back, after what the guards want was given anew.
# needs: mlflow3
# apart: registry
. "$(dirname "$0")/lib.sh"
. "$live_tests/promotions.sh"

model=t58c_$$ driver=""
drive_screen=$(dirname "$BINNACLE")/tests/live/screen_drive
state=$XDG_STATE_HOME/binnacle
clean() {
	kill $service_pid $driver
	python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" --delete "$model"
	rm -rf "$scratch"
} >/dev/null 2>&1
trap clean EXIT
# config NAME GUARD
config() {
	cat >"$scratch/$1.yaml" <<-END2
	environments: {here: {guard: $2}}
	${3:-}
	sources:
	  registry: {type: mlflow, environment: here, url: '$MLFLOW3_URL', timeout: 30s}
	  api: {type: serving, environment: here, url: '$service', timeout: 8s}
	promotions:
	  "$model":
	    steps: [{action: reload, kind: modelendpoints, name: api, source: api, params: {within: 20s}}]
	    verify: {for: 2s, every: 2s, failures: 2, checks: [{kind: modelendpoints, name: api, where: "version={version} status=ready"}]}
	END2
}
unfinished() {
	ls "$state/runbooks" 2>/dev/null | grep -v '\.over\.jsonl$' | grep -c '\.jsonl$'
}
begun() {
	grep -l '"e":"start","step":2' "$state"/runbooks/*.jsonl 2>/dev/null | grep -qv over
}
went() {                         # the registry and the service have what was sent to them
	[[ $(both) == "7 7" ]]
}
gone() {                         # or it waits for its parent to look
	! kill -0 "$1" 2>/dev/null || [[ $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == Z ]]
}
# console NAME SIZE: a screen in the background, driven by what is written to descriptor 5
console() {
	rm -f "$scratch/lines"
	mkfifo "$scratch/lines"
	"$drive_screen" "$2" "$BINNACLE" --config "$scratch/$1.yaml" <"$scratch/lines" >"$scratch/screen" 2>&1 &
	driver=$!
	exec 5>"$scratch/lines"
}
# middle NAME HOW: a promotion in a console, cut off in the middle of its second step
middle() {
	local program
	reset
	fault '{"reload_ms": 6000}'
	console "$1" 80x24
	printf '%s\n' "keys :promote $model 7 reason=\"r2 0.447\"\\r" "wait 20 When the verification fails" >&5
	[[ $1 != strict ]] || printf 'keys %s\n' "$model" >&5
	printf '%s\n' 'keys \r' 'wait 20 leave at any time' >&5
	within 30 begun || not_ok "$2: the second step begins" "$(<"$scratch/screen")"
	program=$(pgrep -P "$driver")
	case $2 in
	"the terminal closed") kill -KILL "$driver" ;;      # the other end of the terminal is gone: SIGHUP
	SIGHUP) kill -HUP "$program" ;;
	SIGTERM) kill -TERM "$program" ;;
	esac
	if within 15 gone "$program"; then ok "$2: the program ends"; else not_ok "$2: the program ends"; fi
	exec 5>&-
	{ kill "$driver"; wait "$driver"; } 2>/dev/null
	equal "$2: its journal is left" 1 "$(unfinished)"
	within 30 went
	equal "$2: what was sent went its way" "7 7" "$(both)"
	like "$2: and is told" '2 of 2 steps done|1 of 2 steps done|step 2 .*was taken|cannot be told.*exit 8' "$(bin "$1" runbooks)"
	fault '{}'
}
# again NAME SIZE WHAT LINE...: the next start, and what is chosen there
again() {
	local said
	said=$(printf '%s\n' 'wait 20 ended in the middle' 'keys :runbooks\r' "wait $model" 'keys \r' 'wait 20 g goes on' "${@:4}" |
		timeout -k 5 180 "$drive_screen" "$2" "$BINNACLE" --config "$scratch/$1.yaml" 2>&1)
	if [[ $? == 0 ]]; then ok "$3"; else not_ok "$3" "$said"; fi
}

check "seeded" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
serve
config plain confirm
config strict type-name
config frozen confirm 'guards: {frost: {freeze: ["2000-01-01 - 2100-01-01"]}}'

middle plain "the terminal closed"
again plain 80x24 "the next start goes back, at 80x24" 'keys b' 'wait 40 taken back: it is as it was before, version 6'
equal "as it was" "6 6" "$(both)"
middle plain SIGHUP
again plain 120x40 "the next start goes on, at 120x40" 'keys g' 'wait 40 done: version 7'
equal "to its end" "7 7" "$(both)"
equal "and nothing is left" 0 "$(unfinished)"

middle strict SIGTERM
like "headless: the name is asked for again" 'say --type.*nothing was done: type .*exit 5|nothing was done: type .*exit 5' \
	"$(bin strict runbooks --go-on last --yes)"
again strict 80x24 "the name is wanted again, another does not do" 'keys b' "wait type '$model' to go back" 'keys x\r' 'wait not its name' \
	'keys b' "wait type '$model' to go back" "keys $model\\r" 'wait 40 taken back: it is as it was before, version 6'
equal "back" "6 6" "$(both)"
middle plain SIGTERM
like "going back is held up by no freeze" 'rolled back.*exit 7' "$(bin frozen runbooks --go-back last --yes)"
equal "and all is v6" "6 6" "$(both)"

for signal in HUP TERM; do
	reset
	fault '{"reload_ms": 6000}'
	"$BINNACLE" --config "$scratch/plain.yaml" promote "$model" 7 --reason x --yes >/dev/null 2>&1 </dev/null &
	pid=$!
	within 30 begun || not_ok "headless, SIG$signal: the second step begins"
	kill -$signal $pid
	wait $pid 2>/dev/null
	equal "headless, SIG$signal: its journal is left" 1 "$(unfinished)"
	within 30 went
	fault '{}'
	like "headless, SIG$signal: it goes on" 'done.*exit 0' "$(bin plain runbooks --go-on last --yes)"
done
check "the chain of the audit file holds" binnacle audit verify
like "who took it up is in it" '"state":"(gone on with|taken back)"' "$(grep '"event":"runbook"' "$state/audit.jsonl")"
finish
