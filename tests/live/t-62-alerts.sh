#!/usr/bin/env bash
# Alerts of a genuine Prometheus and Alertmanager: what fires, is about to, is silenced, inhibited, cannot be evaluated; each told
# once where both are configured; silence, extend, expire and their undo; gates; the timeline; faults.
# needs: prometheus alertmanager mlflow3
# apart: registry
. "$(dirname "$0")/lib.sh"

drive_bin=$(dirname "$BINNACLE")/tests/live/drive
model=t62_$$
# fires LINE...: what Prometheus scrapes from now on
fires() {
	printf '%s\n' "$@" '' >"$PROM_METRICS"
}
trap 'fires; rm -rf "$scratch"' EXIT
config() {
	printf 'environments:\n  dev: {}\nsources:\n' >"$scratch/b.yaml"
	printf '  %s\n' "$@" >>"$scratch/b.yaml"
}
both() {
	config "prom: {type: prometheus, environment: dev, url: '$PROM_URL'}" "am: {type: alertmanager, environment: dev, url: '$AM_URL'}"
}
run() {
	binnacle --config "$scratch/b.yaml" --wait 15 "$@" 2>&1
}
# alerts [FILTER]: name=state, in order
alerts() {
	run get alerts "model=$model $*" -o json | python3 -c '
import json, sys
print(*sorted("%s=%s" % (a["name"], a["state"]) for a in json.load(sys.stdin)))' 2>&1
}
has_alerts() {
	[[ $(alerts) == "$1" ]]
}
key_of() {
	run get alerts "name=$1 model=$model state!=routed" -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["fingerprint"])'
}
# act WORD...
act() {
	timeout -k 5 180 "$drive_bin" --source "{type: alertmanager, environment: dev, timeout: 4s, user: ops, password: {env: T62_PASSWORD}, url: '${url:-$AM_URL}'}" \
		--audit "$scratch/audit" --wait 90000 "$@" 2>&1
}
export T62_PASSWORD=never-to-be-seen
silences() {
	curl -fsS -m 10 "$AM_URL/api/v2/silences" | python3 -c '
import json, sys
print(sum(1 for s in json.load(sys.stdin) if s["status"]["state"] == "active" and any(m["value"] == sys.argv[1] for m in s["matchers"])))' "$model"
}

# --- one server alone
errors="model_error_share{model=\"$model\",namespace=\"ml-serving\",pod=\"api-1\"} 0.18"
drifts="drift_score{model=\"$model\"} 0.41"
fires "$errors" "$drifts" "not_yet{model=\"$model\"} 1" "inhibit{model=\"$model\"} 1" "twice{a=\"1\"} 1" "twice{a=\"2\"} 1"
config "prom: {type: prometheus, environment: dev, url: '$PROM_URL'}"
check "what fires and what is about to, by Prometheus alone" within 30 has_alerts \
	"DriftAboveLimit=firing Inhibited=firing ModelErrorRate=firing NotYet=pending Source=firing"
said=$(run get alerts "name=ModelErrorRate model=$model" -o json)
like "with its value, what it is about, its labels and rule" \
	'"about":"pod ml-serving/api-1".*"value":0.18,.*"labels":"alertname=ModelErrorRate,.*severity=critical".*"expr":"model_error_share > 0.05"' \
	"$(tr '\n' ' ' <<<"$said")"
like "a rule that cannot be evaluated is told, with why" 'CannotBeEvaluated.*many-to-many' "$(run get alerts state=error -o json | tr '\n' ' ')"
like "and is a finding" 'rule CannotBeEvaluated cannot be evaluated' "$(run triage)"
like "doctor says so too" 'rules.*1 of 7 alerting rules cannot be evaluated' "$(run doctor)"
config "am: {type: alertmanager, environment: dev, url: '$AM_URL'}"
check "and by Alertmanager alone, which inhibits one" within 30 has_alerts \
	"DriftAboveLimit=firing Inhibited=inhibited ModelErrorRate=firing Source=firing"
like "its version" 'Alertmanager 0\.2' "$(run doctor)"

# --- both: each counts once
both
check "both: what Alertmanager has is there as it has it" within 30 has_alerts \
	"DriftAboveLimit=firing DriftAboveLimit=routed Inhibited=inhibited Inhibited=routed ModelErrorRate=firing ModelErrorRate=routed NotYet=pending Source=firing Source=routed"
said=$(run triage -o json)
equal "each is one finding" 1 "$(grep -o "\"what\":\"ModelErrorRate: $model answers 18% of requests with an error\"" <<<"$said" | wc -l)"
unlike "an inhibited one is none" 'Inhibited' "$said"
like "the header counts them" '[3-9] firing' "$(run snapshot alerts --size 120x30)"
said=$(run snapshot alerts --size 120x30)
like "the worst first" 'ABOUT[^▌]*▌am +ModelErrorRate' "$said"
unlike "and none twice" 'routed' "$said"
equal "our key is Alertmanager's fingerprint" "$(curl -fsS "$AM_URL/api/v2/alerts?filter=alertname=ModelErrorRate&filter=model=$model" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["fingerprint"])')" "$(key_of ModelErrorRate)"
key=$(key_of ModelErrorRate)
like "in full" 'Runbook +https://runbooks.example.com/model-error-rate.*Expression.*model_error_share > 0.05.*Link' \
	"$(act open describe alerts "$key" | tr '\n' ' ')"

# --- silence: the plan, and that it changes nothing
said=$(act plan silence alerts "$key" '{"comment":"known","duration":"90m"}')
like "the request, word by word" 'POST /api/v2/silences.*matchers.*alertname.*ModelErrorRate.*createdBy.*ops.*comment.*known' "$said"
like "without a login it is who runs it, whatever \$USER says" "createdBy[^,]*$(unforged)" \
	"$(forged "$drive_bin" --source "{type: alertmanager, url: '$AM_URL'}" --wait 90000 plan silence alerts "$key" '{"comment":"known"}' 2>&1)"
like "and what it would quiet now" '1 alert that fires is silenced now: ModelErrorRate of ml-serving/api-1' "$said"
equal "nothing was sent" 0 "$(silences)"
like "without a reason it is not done" 'blocked.*say why' "$(act plan silence alerts "$key" '{}')"
like "matchers that are none" 'blocked.*is no matcher' "$(act plan silence alerts "$key" '{"comment":"c","matchers":"alertname ModelErrorRate"}')"
like "a bad expression is refused with the server's words" 'blocked.*bad matcher format|blocked.*error parsing regexp|blocked.*cannot be told' \
	"$(act plan silence alerts "$key" '{"comment":"c","matchers":"model=~\"(\""}')"
like "wide matchers name all that they take" "2 alerts that fire are silenced now: |3 alerts that fire are silenced now: " \
	"$(act plan silence alerts "$key" "{\"comment\":\"c\",\"matchers\":\"model=\\\"$model\\\"\"}")"
like "the form begins with all its labels" "\"matchers\".*alertname=.*ModelErrorRate.*model=.*$model" "$(act ask form alerts "$key" '{"action":"silence"}')"

# --- done, read back, seen, undone
said=$(act act silence alerts "$key" '{"comment":"known","duration":"90m"}')
like "silenced" 'it is silenced, by [0-9a-f-]{36}.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "the server says so" 1 "$(silences)"
id=$(grep -o 'silenced, by [0-9a-f-]*' <<<"$said" | head -n 1 | cut -d' ' -f3)
check "and the row" within 20 has_alerts \
	"DriftAboveLimit=firing DriftAboveLimit=routed Inhibited=inhibited Inhibited=routed ModelErrorRate=routed ModelErrorRate=silenced NotYet=pending Source=firing Source=routed"
unlike "silenced, it is no finding" "ModelErrorRate: $model" "$(run triage)"
like "the silence is listed, with how many it keeps quiet" '"alerts":1,.*"by":"ops".*"comment":"known"' \
	"$(run get silences "id=$id" -o json | tr '\n' ' ')"
was=$(curl -fsS "$AM_URL/api/v2/silence/$id" | python3 -c 'import json, sys; print(json.load(sys.stdin)["endsAt"])')
said=$(act --undo act extend silences "$id" '{"duration":"1h"}')
like "extended, and put back" 'state: done.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "to the second" "${was%.*}" "$(curl -fsS "$AM_URL/api/v2/silence/$id" | python3 -c 'import json, sys; print(json.load(sys.stdin)["endsAt"].split(".")[0])')"
said=$(act --undo act expire silences "$id")
like "expired, and posted again" 'it is expired.*state: done.*it is silenced, by.*state: done' "$(tr '\n' ' ' <<<"$said")"
equal "so that it is silenced again" 1 "$(silences)"
like "expire of what is expired has nothing to do" 'already.*expired already' "$(act plan expire silences "$id")"
like "of an alert: what silences it" 'it is expired.*state: done' "$(act act expire alerts "$key" | tr '\n' ' ')"
equal "none is left" 0 "$(silences)"
said=$(act --undo act silence alerts "$key,$(key_of DriftAboveLimit)" '{"comment":"both"}')
equal "two at once, undone" 0 "$(silences)"
like "each of them" '(it is expired.*){2}' "$(tr '\n' ' ' <<<"$said")"
like "the trail has them" '^[1-9]' "$(grep -c '"action":"silence"' "$scratch/audit")"
unlike "and no password" "$T62_PASSWORD" "$(cat "$scratch/audit")"

# --- answers that never come
python3 "$live_tests/httpfault.py" "$AM_URL" "$scratch" >/dev/null 2>&1 &
fault=$!
within 10 test -s "$scratch/port"
url=http://127.0.0.1:$(<"$scratch/port")
echo lose >"$scratch/mode"
like "taken, but its answer is lost: found by its comment and end" 'but it was taken, as a look at the server shows.*state: done' \
	"$(url=$url act act silence alerts "$key" '{"comment":"lost answer"}' | tr '\n' ' ')"
equal "it is there once" 1 "$(silences)"
echo drop >"$scratch/mode"
like "not taken: so it is said" 'it was not taken, as a look at the server shows' "$(url=$url act act silence alerts "$key" '{"comment":"dropped"}' | tr '\n' ' ')"
echo html >"$scratch/mode"
like "500 with a page" '500.*it was not taken' "$(url=$url act act silence alerts "$key" '{"comment":"page"}' | tr '\n' ' ')"
echo 'refuse 400' >"$scratch/mode"
like "400: nothing happened" 'as the test wants it|400' "$(url=$url act act silence alerts "$key" '{"comment":"refused"}' | tr '\n' ' ')"
equal "still once" 1 "$(silences)"
echo ok >"$scratch/mode"
unset url
kill "$fault" 2>/dev/null
act act expire alerts "$key" >/dev/null

# --- gates
check "a registry for the gate" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
gated() {
	both
	printf '%s\n' "  ml: {type: mlflow, environment: dev, url: '$MLFLOW3_URL'}" "promotions:" "  $model:" "    gates:" \
		"      - {none: alerts, where: 'state=firing model={model}', say: no alert fires}" >>"$scratch/b.yaml"
	binnacle --config "$scratch/b.yaml" promote "$model" 7 --plan --reason "r2 0.447" 2>&1
}
like "a firing alert blocks a promotion" 'fail.*no alert fires|no alert fires.*fail' "$(gated)"
act act silence alerts "$key" '{"comment":"gate"}' >/dev/null
act act silence alerts "$(both; key_of DriftAboveLimit)" '{"comment":"gate"}' >/dev/null
act act silence alerts "$(both; key_of Source)" '{"comment":"gate"}' >/dev/null
like "silenced ones do not" 'pass.*no alert fires|no alert fires.*pass' "$(gated)"
for name in ModelErrorRate DriftAboveLimit Source; do act act expire alerts "$(both; key_of $name)" >/dev/null; done

# --- the timeline: fired, resolved, silenced; from the local history
both
"$BINNACLE" --config "$scratch/b.yaml" watch >"$scratch/watch" 2>&1 &
watch=$!
trap 'fires; kill "$watch" 2>/dev/null; rm -rf "$scratch"' EXIT
# known [FILTER]: what changed, as a program that knows no Prometheus finds it in the history; told has it
known() {
	run get timeline "$@" -o json | python3 -c 'import json, sys; print("\n".join(c["what"] for c in json.load(sys.stdin)))' 2>&1
}
told() {
	known | grep -qE -- "$1"
}
check "watch remembers that it fires" within 60 told "ModelErrorRate fires: $model answers 18% of requests"
fires "$drifts"
check "and that it is resolved" within 90 told "ModelErrorRate is resolved after [0-9a-z]+: pod ml-serving/api-1"
kill "$watch"; wait "$watch" 2>/dev/null
like "and what was silenced, why" "silenced .*model=\"$model\".*: known" "$(known sort=silence)"
equal "once, though both sources saw it" 1 "$(known sort=alert | grep -c "ModelErrorRate fires: $model")"

# --- servers that are away, or say no
both
mlservers stop alertmanager
like "Alertmanager is down: a sentence, and Prometheus' own stay" 'am.*(refused|down|connect)' "$(run get alerts "model=$model" | tr '\n' ' ')"
like "and count" '^DriftAboveLimit +firing' "$(binnacle --config "$scratch/b.yaml" --wait 15 get alerts "model=$model" 2>/dev/null | tail -n 1)"
mlservers start alertmanager
config "prom: {type: prometheus, url: '$PROM_URL/nowhere'}"
like "a wrong path says what to look at" '404.*own address' "$(run get alerts | tr '\n' ' ')"
finish
