#!/usr/bin/env bash
# needs: rest mlflow2 airflow2
# The first screen and the checks from end to end, over genuine systems together: what is wrong is ranked, a lost source is
# a finding, and the exit codes tell.
. "$(dirname "$0")/lib.sh"

# config NAME=LINE...: a configuration of these sources
config() {
	local source
	printf 'sources:\n' >"$scratch/b.yaml"
	for source; do printf '  %s:\n    %s\n' "${source%%=*}" "${source#*=}" >>"$scratch/b.yaml"; done
}
run() {
	binnacle --config "$scratch/b.yaml" --wait 60 "$@" 2>"$scratch/err"
}
kube="kube=type: kubernetes
    kubeconfig: $KUBECONFIG"
pg="pg=type: postgres
    connection: $PG_URI"

# ---- nothing wrong: one model's checks, the newest clean
sql "drop schema if exists t54 cascade; create schema t54; create table t54.calm (id int, timestamp timestamptz, drift_detected bool,
  drift_score float8); insert into t54.calm select g, now() - g * interval '1 hour', g between 3 and 5, g / 10.0 from generate_series(1, 9) g" >/dev/null
config "pg=type: postgres
    connection: $PG_URI
    table: t54.calm"
said=$(run triage)
equal "calm is exit code 0" 0 $?
like "and says so with figures" 'nothing wrong.*last drift check 6[0-9]m ago, clean' "$said"
check "in at most three lines" test "$(wc -l <<<"$said")" -le 3
said=$(run verify)
equal "what is configured is verified" 0 $?
like "each check has its evidence" 'drift was checked lately +ok +6[0-9]m ago: clean' "$said"
unlike "what is not configured is not checked" 'nodes|endpoint|budget' "$said"

# ---- something wrong
sql "insert into t54.calm values (0, now(), true, 0.9)" >/dev/null
said=$(run triage)
equal "drift is a finding: exit code 1" 1 $?
like "worded with its score" 'drift: score 0\.9|drift.*score 0\.9' "$said"
equal "as JSON too" 1 "$(run triage -o json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')"
config "$kube" "$pg" "gone=type: postgres
    connection: postgresql://nobody@127.0.0.1:1/none"
said=$(run triage)
equal "several systems: exit code 1" 1 $?
like "a pod that crashes is there" 'crash-loop: 1 pod CrashLoopBackOff' "$said"
like "a node that is not ready" 'node corpus-[a-z-]*: ' "$said"
like "a source that is gone is a finding, and the others stay" 'gone: lost: ' "$said"
like "what changed before is beside it" 'joined|rollout' "$said"
first=$(sed -n 2p <<<"$said")
unlike "what is doubtful is not first" '^(drift|gone)' "$first"
run triage -o json >"$scratch/t.json"
check "wrong comes before doubtful" python3 - "$scratch/t.json" <<'PY'
import json, sys
levels = [x["level"] for x in json.load(open(sys.argv[1]))]
assert levels == sorted(levels, reverse=True) and set(levels) == {"wrong", "doubtful"}, levels
PY
said=$(run verify)
equal "verify fails" 1 $?
like "naming the source that is not reachable" 'gone is reachable +wrong' "$said"
like "and the pods" 'pods are well +wrong +[0-9]+ wrong, such as ' "$said"
cat >>"$scratch/b.yaml" <<'YAML'
verify:
  no crash: {kind: pods, filter: status~Crash, at_most: 0, say: nothing crashes}
  enough: {kind: nodes, at_least: 3}
YAML
said=$(run verify)
like "a check of one's own that fails names rows" 'nothing crashes +wrong +[0-9]+ of [0-9]+ pods: .*\(at most 0\)' "$said"
like "and one that holds" 'enough +ok +[0-9]+ of [0-9]+ nodes' "$said"
config "gone=type: postgres
    connection: postgresql://nobody@127.0.0.1:1/none"
run triage >/dev/null
equal "nothing but a source that is gone" 1 $?
like "is said on the screen as well" 'gone: lost: ' "$(run snapshot triage --size 120x20)"

# ---- from pipeline to prediction, where those servers run
BINNACLE_LIMIT=90
if [[ -n ${REST_URL:-} && -n ${MLFLOW2_URL:-} && -n ${AIRFLOW2_URL:-} ]]; then
	config "$kube" "$pg" "rest=type: serving
    url: $REST_URL" "mlflow=type: mlflow
    url: $MLFLOW2_URL" "airflow=type: airflow
    url: $AIRFLOW2_URL
    user: admin
    password: {command: echo admin}"
	said=$(run verify)
	like "a prediction is answered" 'a prediction is answered +ok +rest: answered in [0-9]+ ms' "$said"
	like "and found again in the inference log" "and found again in the log +ok +request " "$said"
	like "endpoints are ready" 'endpoints are ready +ok' "$said"
	like "a model is in production, or is not" 'a model is in production +(ok|wrong)' "$said"
	like "pipelines are there" 'pipelines are there +(ok|doubtful) +[0-9]+ pipelines?' "$said"
	unlike "with --readonly nothing is sent" 'a prediction is answered' "$(run --readonly verify)"
	like "an import error is a finding" 'pipeline broken_dag.py: import error: ' "$(run triage)"
fi
sql "drop schema t54 cascade" >/dev/null
finish
