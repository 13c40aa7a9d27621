#!/usr/bin/env bash
# The plugin for Slurm against a genuine Slurm of this test's own: its rows, why jobs wait or failed, their output, each action with
# its undo, what changed between plan and run, and a slurmctld that is killed before, between and while.
# apart: airflow
. "$(dirname "$0")/lib.sh"
plugin=$live_tests/../../contrib/plugins/slurm
dir=$scratch/slurm
export SLURM_CONF=$dir/slurm.conf PATH=$PATH:/usr/sbin
slurm() {
	"$live_tests/slurm.sh" "$1" "$dir"
}
cleanup() {
	slurm down
	rm -rf "$scratch"
}
trap cleanup EXIT
talk() {
	timeout -k 5 150 python3 "$live_tests/slurm_talk.py" "$plugin" "$@" 2>&1
}
# submit NAME OPTION... -- SCRIPT: its id
submit() {
	local name=$1 options=()
	shift
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	sbatch --parsable -J "$name" -D "$dir" -o "$dir/out/%x-%j.out" "${options[@]}" --wrap "$2"
}
# of OBJECTS WHO COLUMN...: of the row (a line of JSON each) whose name or id that is; null: -
of() {
	python3 -c '
import json, sys
rows = [json.loads(line) for line in sys.argv[1].splitlines()]
row = next((r for r in rows if sys.argv[2] in (r.get("name"), r.get("id"))), {})
print(*("-" if row.get(c) is None else row[c] for c in sys.argv[3:]))' "$@"
}
# field ID NAME: as scontrol has it
field() {
	scontrol show job "$1" 2>&1 | grep -o "\b$2=[^ ]*" | head -n 1 | cut -d= -f2
}
state_is() {
	[[ $(field "$1" JobState) == "$2" ]]
}
field_is() { # ID NAME VALUE
	[[ $(field "$1" "$2") == "$3" ]]
}
three_lines() {
	[[ $(wc -l <"$dir/out/train-$train.out") -ge 3 ]]
}
node_state() {
	scontrol show node "$1" | grep -o 'State=[^ ]*' | cut -d= -f2
}
column_of() { # of squeue, of an array's tasks one by one
	squeue -h -r -o "$1" -j "$2" -t all | sort | tr '\n' ' '
}

began=$SECONDS
check "a Slurm of our own starts" slurm up
echo "# it took $((SECONDS - began)) s"

# ---- rows
short=$(submit short -t 1 -- 'sleep 600')
train=$(submit train --gres=gpu:1 -t 5:00:00 -- 'trap "echo caught" USR1; while :; do sleep 1; echo epoch; done')
done=$(submit done -- 'echo all is well; printf "\303("')
fail=$(submit fail -- 'exit 3')
killed=$(submit killed -- 'kill -9 $$')
held=$(submit held --hold -- true)
imp=$(submit imp -N9 -- true)
big=$(submit big -N3 --gres=gpu:2 --mem=500M -- true)
lost=$(submit lost --no-requeue -w gpu2 -- 'sleep 600')
array=$(submit array --array=0-7%1 -- 'sleep 600')
odd=$(submit $'a "b"\n   StdOut=/etc/passwd\xff\xfe é' -o "$dir/out/odd.out" --comment="$(head -c 1020 /dev/zero | tr '\0' c)" -- true)
check "the one job has failed" within 90 state_is "$fail" FAILED
never=$(submit never -d "afterok:$fail" -- true)
for pair in "$train RUNNING" "$lost RUNNING" "$done COMPLETED" "$killed FAILED" "$odd COMPLETED" "${array}_0 RUNNING"; do
	# shellcheck disable=SC2086
	check "job $pair" within 90 state_is $pair
done
scontrol suspend "$lost"
# why a job waits is written by the scheduler's next round
within 90 field_is "$never" Reason DependencyNeverSatisfied
within 90 field_is "$imp" Reason PartitionNodeLimit
array_waits() {
	scontrol show job "$array" | grep -q Reason=JobArrayTaskLimit
}
big_waits() {
	[[ $(field "$big" Reason) == @(Resources|ReqNodeNotAvail*) ]]
}
within 90 array_waits
within 90 big_waits
rows=$(talk rows slurm_jobs)
equal "running: level, state, what it has" "ok RUNNING 1 1 1 10485760 gpu1 18000000 0" \
	"$(of "$rows" train level state nodes gpus cpus memory node_list limit restarts)"
equal "done" "done COMPLETED 0:0" "$(of "$rows" done level state exit_code)"
equal "failed by its script" "bad FAILED NonZeroExitCode 3:0" "$(of "$rows" fail level state reason exit_code)"
equal "killed by a signal" "bad FAILED 0:9" "$(of "$rows" killed level state exit_code)"
equal "held" "doubt PENDING JobHeldUser 0 -" "$(of "$rows" held level state reason priority started)"
equal "it can never run" "doubt PENDING PartitionNodeLimit" "$(of "$rows" imp level state reason)"
like "three nodes, where one is DOWN" '^doubt PENDING (Resources|ReqNodeNotAvail) 3 6 1572864000$' "$(of "$rows" "$big" level state reason nodes gpus memory)"
equal "its dependency failed" "doubt PENDING DependencyNeverSatisfied afterok:$fail(failed)" "$(of "$rows" never level state reason dependency)"
equal "suspended" "doubt SUSPENDED" "$(of "$rows" lost level state)"
equal "a task of an array" "ok RUNNING" "$(of "$rows" "${array}_0" level state)"
equal "the tasks that wait, as one row" "busy PENDING JobArrayTaskLimit" "$(of "$rows" "${array}_[1-7]" level state reason)"
equal "an odd name" $'a "b"\n   StdOut=/etc/passwd\xef\xbf\xbd\xef\xbf\xbd é' "$(of "$rows" "$odd" name)"
equal "a long comment is cut" 1001 "$(of "$rows" "$odd" comment | tr -d '\n' | wc -m)"
equal "all columns are in the manifest" "" "$(comm -13 <(sed -n 's/^      \([a-z_]*\): *{type.*/\1/p' "$plugin.yaml" | sort -u) \
	<(grep -o '"[a-z_]*": ' <<<"$rows" | tr -d '": ' | grep -vx 'key\|level' | sort -u))"
scontrol resume "$lost"
nodes=$(talk rows nodes)
equal "a node that works" "ok MIXED 1/2 4 False gpu" "$(of "$nodes" gpu1 level status gpus cpu_capacity unschedulable nodegroup)"
equal "a node that is DOWN, and why" "bad DOWN burnt True" "$(of "$nodes" lost1 level status taints unschedulable | tr -d '*')"

# ---- questions and texts
like "why: more nodes than there are" 'more nodes than.*wants 9 nodes and 0 GPUs; in gpu 2 of 3 nodes are in service.*lost1 DOWN\*? \(burnt\)' "$(talk ask why slurm_jobs "$imp")"
like "why: the dependency" "never starts.*afterok:$fail\\(failed\\)" "$(talk ask why slurm_jobs "$never")"
like "why: the exit code" '"bad", "text": "it ended as FAILED".*ended with 3' "$(talk ask why slurm_jobs "$fail")"
like "why: a signal" 'signal 9 ended it' "$(talk ask why slurm_jobs "$killed")"
like "why: held" 'owner holds it: release it' "$(talk ask why slurm_jobs "$held")"
like "why: a running job" '"ok", "text": "it is RUNNING"' "$(talk ask why slurm_jobs "$train")"
like "why: a node" 'it is DOWN: burnt' "$(talk ask why nodes lost1)"
like "no such job" '"error": "slurmctld knows no job 4711 any more' "$(talk ask why slurm_jobs 4711)"
like "describe" "JobId=$train JobName=train" "$(talk open describe slurm_jobs "$train")"
like "describe a node" 'NodeName=lost1.*Reason=burnt' "$(talk open describe nodes lost1 | tr '\n' ' ')"
equal "the output of a job that is over, what is no UTF-8 replaced" $'all is well\n\xef\xbf\xbd('"job $done is COMPLETED" "$(talk open logs slurm_jobs "$done")"
equal "its last lines" $'epoch\nepoch' "$(within 90 three_lines; talk open logs slurm_jobs "$train" '{"follow": false, "tail": 2}')"
like "not the file that a name pretends" "job $odd is COMPLETED" "$(talk open logs slurm_jobs "$odd")"
mv "$dir/out/fail-$fail.out" "$dir/out/elsewhere"
like "output that cannot be read here" "\"error\": true.*|text.*fail-$fail.out cannot be read here: No such file.*written on gpu" "$(talk open logs slurm_jobs "$fail")"
followed=$(submit followed -- 'for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 1; done')
equal "the output is followed to the job's end" "line 1 line 8 job $followed is COMPLETED" \
	"$(within 90 state_is "$followed" RUNNING; talk open logs slurm_jobs "$followed" | sed -n '1p;$p;/line 8/p' | tr '\n' ' ' | sed 's/ $//')"

# ---- actions, each undone
said=$(talk act hold slurm_jobs "$big" '{}' --undo)
like "hold, and its undo" "scontrol hold $big.*finished\": true[^}]*JobHeldAdmin.*scontrol release $big.*finished\": true" "$(tr '\n' ' ' <<<"$said")"
unlike "it is released" JobHeld "$(field "$big" Reason)"
said=$(talk act release slurm_jobs "$held" '{}' --between true)
like "release" 'finished": true' "$said"
like "its undo would be the user's own hold" '"undo": \{"action": "hold", "params": \{"owner": true\}\}' "$said"
like "hold what is held" '"already": "it is held"' "$(scontrol uhold "$imp"; talk act hold slurm_jobs "$imp" '{}')"
like "hold what runs" '"blocked": "it is RUNNING: only a job that waits' "$(talk act hold slurm_jobs "$train" '{}')"
said=$(talk act set_limit slurm_jobs "$train" '{"limit": "2h30m"}' --undo)
equal "a time limit: both plans" "time limit 05:00:00 -> 02:30:00 time limit 02:30:00 -> 05:00:00" "$(grep -o 'time limit [0-9:]* -> [0-9:]*' <<<"$said" | tr '\n' ' ' | sed 's/ $//')"
equal "a time limit: as before" 05:00:00 "$(field "$train" TimeLimit)"
like "a time limit that it has" '"already": "its time limit is 05:00:00"' "$(talk act set_limit slurm_jobs "$train" '{"limit": "300"}')"
like "no time limit" "'soon' is no time limit" "$(talk act set_limit slurm_jobs "$train" '{"limit": "soon"}')"
said=$(talk act drain nodes gpu1 '{"reason": "bad \"disk\" = é; $(id)"}' --undo)
like "drain: the reason, word for word" 'node gpu1 is (MIXED|ALLOCATED)\+DRAIN \(bad \\"disk\\" = \\u00e9; \$\(id\)\)' "$said"
unlike "drain: undone" 'DRAIN|DOWN' "$(node_state gpu1)"
said=$(talk act drain nodes gpu1 '{"reason": "first"}'; talk act drain nodes gpu1 '{"reason": "second"}' --undo; scontrol show node gpu1)
like "the undo of a second reason is the first" 'Reason=first \[' "$said"
like "drained for that reason already" '"already": "it is drained for that reason"' "$(talk act drain nodes gpu1 '{"reason": "first"}')"
like "resume" 'finished": true' "$(talk act resume nodes gpu1 '{}')"
like "resume what is in service" '"already": "it is in service' "$(talk act resume nodes gpu1 '{}')"
like "a reason of two lines" '"error": "a node is drained for a reason: one line' "$(talk act drain nodes gpu1 '{"reason": "a\nb"}')"
said=$(talk act cancel slurm_jobs "$train" '{"signal": "USR1"}')
like "a signal: sent, and not taken back" "scancel --full --signal=USR1 $train.*a signal cannot be taken back.*the signal was sent" "$(tr '\n' ' ' <<<"$said" | sed -E 's/("not_undone.*)("steps.*do": "[^"]*")(.*)/\2\1\3/')"
check "and it came" within 90 grep -q caught "$dir/out/train-$train.out"
like "a signal to what waits" 'only a running job can be sent a signal' "$(talk act cancel slurm_jobs "$big" '{"signal": "USR1"}')"
said=$(talk act requeue slurm_jobs "$lost" '{}')
like "submitted not to be requeued" '"blocked": "it was submitted with --no-requeue"' "$said"
again=$(submit again -- 'sleep 600')
within 90 state_is "$again" RUNNING
like "requeue and hold" 'finished": true' "$(talk act requeue slurm_jobs "$again" '{"held": "true"}')"
equal "requeued and held" "1 0" "$(within 90 state_is "$again" PENDING; within 90 field_is "$again" Restarts 1; echo "$(field "$again" Restarts) $(field "$again" Priority)")"
like "requeue what failed" 'FAILED -> PENDING.*restarts 0 -> 1' "$(talk act requeue slurm_jobs "$killed" '{}')"
said=$(talk act cancel slurm_jobs "${array}_[1-7]" '{}')
like "cancel the tasks that wait" "\"do\": \"scancel '${array}_\[1-7\]'\".*finished\": true" "$(tr '\n' ' ' <<<"$said")"
equal "and not the one that runs" RUNNING "$(field "${array}_0" JobState)"
said=$(talk act cancel slurm_jobs "$again" '{}'; talk act cancel slurm_jobs "$again" '{}'; talk act cancel slurm_jobs "$done" '{}')
like "cancel; again; what is done" 'finished": true.*taken": "yes".*"already": "it is CANCELLED".*"blocked": "it is over: COMPLETED"' "$(tr '\n' ' ' <<<"$said")"
chmod 711 "$scratch"
if ((EUID == 0)) && [[ -x /usr/bin/python3 ]]; then
	said=$(cd / && PATH=/usr/bin:/bin timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups python3 "$live_tests/slurm_talk.py" "$plugin" act cancel slurm_jobs "$train" '{}' 2>&1)
	like "somebody else's job" 'finished": false.*denied.*"refused": true' "$said"
	equal "it runs on" RUNNING "$(field "$train" JobState)"
else
	skip "somebody else's job" "only root, with a python3 of all users, can be somebody else"
	skip "it runs on"
fi

# ---- the same by the program
bin() {
	timeout -k 5 100 "$BINNACLE" --config "$scratch/b.yaml" "$@" 2>&1 </dev/null
	echo "exit $?"
}
printf 'environments:\n  dev: {}\nsources:\n  gpus: {type: plugin, environment: dev, manifest: %s, settings: {interval: 1s}}\n' \
	"$(realpath "$plugin.yaml")" >"$scratch/b.yaml"
like "its manifest is well" 'well; 1 sources.*exit 0' "$(bin config check | tr '\n' ' ')"
said=$(bin get slurm_jobs -o json | sed 's/^exit 0$//; s/^\[//; s/^\]//; s/,$//' | grep .)
equal "get: as the plugin has it" "RUNNING 1 gpu1" "$(of "$said" train state gpus node_list)"
equal "get: an odd name" $'a "b"\n   StdOut=/etc/passwd\xef\xbf\xbd\xef\xbf\xbd é' "$(of "$said" "$odd" name)"
like "get: by another name, filtered" "ID .*$fail +fail .*exit 0" "$(bin get squeue exit_code=3:0 | tr '\n' ' ')"
like "get nodes: a kind of its own" 'lost1 +DOWN.*exit 0' "$(bin get nodes | tr '\n' ' ')"
like "act: planned, done, read back" "time limit 05:00:00 -> 04:00:00.*> scontrol update JobId=$train TimeLimit=04:00:00.*undo: set_limit.*its time limit is 04:00:00.*exit 0" \
	"$(bin act set_limit slurm_jobs "$train" limit=4h --yes | tr '\n' ' ')"
equal "act: so it is" 04:00:00 "$(field "$train" TimeLimit)"
like "act: nothing to do" 'already|nothing to do|its time limit is 04:00:00' "$(bin act set_limit slurm_jobs "$train" limit=240 --yes | tr '\n' ' ')"
like "act: blocked" 'blocked: it is over: COMPLETED.*exit 5' "$(bin act cancel slurm_jobs "$done" --yes | tr '\n' ' ')"
like "act: read-only" 'read-only.*exit 5' "$(bin --readonly act cancel slurm_jobs "$train" --yes | tr '\n' ' ')"
like "act: no such parameter" 'exit 2' "$(bin act set_limit slurm_jobs "$train" limits=4h --yes | tr '\n' ' ')"
like "act: hold, with a bool" 'scontrol uhold.*exit 0' "$(bin act hold slurm_jobs "$big" owner=true --yes | tr '\n' ' ')"
like "act: release" 'undo: hold .*"owner": ?true.*exit 0' "$(bin act release slurm_jobs "$big" --yes | tr '\n' ' ')"
like "act: drain" "Reason=bad disk.*node gpu1 is (MIXED|ALLOCATED)\\+DRAIN \\(bad disk\\).*exit 0" "$(bin act drain nodes gpu1 'reason=bad disk' --yes | tr '\n' ' ')"
like "act: resume" 'exit 0' "$(bin act resume nodes gpu1 --yes | tr '\n' ' ')"

# ---- a time limit: before slurmctld is killed, which may forget that it ended the job
check "its time limit is over" within 300 state_is "$short" TIMEOUT
like "why: the time limit" 'bad", "text": "it ran into its time limit of 00:01:00"' "$(talk ask why slurm_jobs "$short")"

# ---- what changed between plan and run
odds=$(submit ends -- 'sleep 600')
within 90 state_is "$odds" RUNNING
said=$(talk act cancel slurm_jobs "$odds" '{}' --between "scancel $odds")
like "it ended meanwhile: nothing is sent" 'finished": false, "say": "it changed since it was planned: state RUNNING -> (CANCELLED|COMPLETING); nothing was sent"' "$said"
said=$(talk act drain nodes gpu1 '{"reason": "mine"}' --between "scontrol update NodeName=gpu1 State=DRAIN Reason=theirs")
like "drained by another meanwhile" 'it changed since it was planned: drained False -> True, reason  -> theirs; nothing was sent' "$said"
equal "their reason stays" theirs "$(scontrol show node gpu1 | sed -n 's/.*Reason=\([a-z]*\) .*/\1/p')"
scontrol update NodeName=gpu1 State=RESUME
said=$(talk act cancel slurm_jobs "$train" '{}' --between "$live_tests/slurm.sh kill-ctld $dir")
like "slurmctld killed between plan and run" 'finished": false, "say": "slurmctld does not answer.*nothing was sent"}' "$said"
like "killed before the plan" '"error": "slurmctld does not answer: Slurmctld\(primary\) at .* is DOWN"' "$(talk act cancel slurm_jobs "$train" '{}')"
said=$(talk rows slurm_jobs)
like "no rows, but why" '^\{"health": "down", "why": "slurmctld does not answer.*"remedy"' "$(tail -n 1 <<<"$said")"
like "get: no rows, but why" 'slurmctld does not answer.*exit [1-9]' "$(bin get slurm_jobs | tr '\n' ' ')"
like "act: no plan, but why" 'slurmctld does not answer.*exit [1-9]' "$(bin act cancel slurm_jobs "$train" --yes | tr '\n' ' ')"
check "slurmctld is back" slurm start-ctld

# it dies as the request is on its way: whether it was taken is not known
mkdir "$scratch/bin"
printf '#!/bin/sh\n"%s" kill-ctld "%s"\nexec %s "$@"\n' "$live_tests/slurm.sh" "$dir" "$(command -v scancel)" >"$scratch/bin/scancel"
chmod +x "$scratch/bin/scancel"
said=$(PATH=$scratch/bin:$PATH talk act cancel slurm_jobs "$train" '{}')
like "killed while it is sent: not known" 'finished": false, "say": "whether it was done cannot be told: slurmctld does not answer.*"unknown": true' "$said"
like "asked later: not known either" '"taken": "unknown", "say": "slurmctld does not answer' "$said"
slurm start-ctld
like "and once it is back, the job as it is" "JobState=RUNNING" "$(scontrol show job "$train")"

# ---- outages, as one who watches sees them
said=$(talk watch slurm_jobs "true => live" "$live_tests/slurm.sh kill-ctld $dir => down" "$live_tests/slurm.sh start-ctld $dir => live")
equal "listed, live, down, listed anew, live" "begin end live down begin end live" "$(grep -o '"begin"\|"end"\|"health": "[a-z]*"' <<<"$said" | sed 's/.*: //' | tr -d '"' | tr '\n' ' ' | sed 's/ $//')"
unlike "nothing is gone while it is away" '"del"' "$said"
said=$(talk watch slurm_jobs "true => live" "scontrol uhold $big => \"key\": \"$big\"" true)
said=$(sed 's/{"key"/\n&/g' <<<"$said")
like "only what differs is sent: the one again, the other once" '^[2-9] 1$' "$(grep -c "\"key\": \"$big\"" <<<"$said") $(grep -c "\"key\": \"$fail\"" <<<"$said")"
slurm stop-ctld
like "a slurmctld that hangs does not keep it from ending" 'ended with 0 in time' "$(talk watch slurm_jobs true)"
slurm cont-ctld
scontrol update NodeName=gpu2 State=DOWN Reason='power supply'
within 90 state_is "$lost" NODE_FAIL
like "why: its node failed" 'bad", "text": "a node of its failed".*on gpu2: it is DOWN: power supply' "$(talk ask why slurm_jobs "$lost")"
finish
