#!/usr/bin/env bash
# needs: mlflow3
# Guards against a genuine API server and PostgreSQL: rules, limits that hold across programs, a second person with another
# login, what one may do asked before, copies of the audit trail after an outage, and read-only by every way.
. "$(dirname "$0")/lib.sh"
tools=$(dirname "$BINNACLE")/tests/live
ns=t34-$$
kubectl create namespace $ns >/dev/null
kubectl -n $ns create deployment api --image=registry.example.com/api:v1 >/dev/null
trap 'kubectl delete namespace $ns --wait=false >/dev/null 2>&1; sql "drop table if exists t34_$$" >/dev/null 2>&1
	[[ -z ${log_pid:-} ]] || { kill "$log_pid"; rm -f /dev/log; }; rm -rf "$scratch"' EXIT

drive() {
	timeout -k 5 180 "$tools/drive" --audit "$scratch/drive.jsonl" --wait 90000 "$@" 2>&1
}
replicas() {
	kubectl -n $ns get deployment api -o 'jsonpath={.spec.replicas}'
}
# screen CONFIG [ARGUMENT]... <SCRIPT
screen() {
	timeout -k 5 180 "$tools/screen_drive" 120x40 "$BINNACLE" --config "$@" >"$scratch/screen" 2>&1
}

# --- rules
said=$(drive --guards '{k: {name: api, deny: not ours}}' act scale deployments $ns/api '{"replicas":2}')
like "denied with its reason" "not ours \(guard 'k'\)" "$said"
said=$(drive --guards '{k: {freeze: ["00:00 - 12:00", "12:00 - 00:00"]}}' act scale deployments $ns/api '{"replicas":2}')
like "frozen, and until when" "frozen until .*guard 'k'" "$said"
tokyo=$(TZ=Asia/Tokyo date -d '-1 hour' +%H:%M)" - "$(TZ=Asia/Tokyo date -d '1 hour' +%H:%M)
said=$(TZ=America/New_York drive --guards "{zone: Asia/Tokyo, k: {freeze: ['$tokyo']}}" act scale deployments $ns/api '{"replicas":2}')
like "frozen by the clocks of the zone that the rules name" "frozen until .* Asia/Tokyo \(guard 'k'\)" "$said"
said=$(drive --guards '{k: {require-reason: true}}' act scale deployments $ns/api '{"replicas":2}')
like "no reason, no change" 'a reason has to be given' "$said"
said=$(drive --guards '{k: {second-person: true}}' act scale deployments $ns/api '{"replicas":2}')
like "nobody to approve, no change" 'it takes a second person' "$said"
equal "nothing was changed by any of them" 1 "$(replicas)"
limit='{few: {action: scale, limit: 2/hour}}'
drive --guards "$limit" act scale deployments $ns/api '{"replicas":2}' >/dev/null
drive --guards "$limit" act scale deployments $ns/api '{"replicas":1}' >/dev/null
said=$(drive --guards "$limit" act scale deployments $ns/api '{"replicas":2}')
like "a limit counts what other programs did" "2 in 1h is the limit of guard 'few': 2 were done" "$said"
equal "and holds" 1 "$(replicas)"

# --- what one may do
like "can: an admin" '"scale": true' "$(drive ask can deployments '' "{\"namespace\":\"$ns\"}")"
like "can: a viewer may not, and why" "\"scale\": \"you may not patch deployments/scale in namespace '$ns'\"" \
	"$(drive --context viewer ask can deployments '' "{\"namespace\":\"$ns\"}")"
like "can: a team in its own namespace" '"delete": true' "$(drive --context team-a ask can pods '' '{"namespace":"team-a"}')"
like "can: and not in another" '"delete": "you may not delete pods' "$(drive --context team-a ask can pods '' "{\"namespace\":\"$ns\"}")"
like "can: nodes" '"cordon": "you may not patch nodes"' "$(drive --context viewer ask can nodes '' '{"namespace":""}')"

# --- a reason and a second person, on the screen
mkdir -p "$scratch"/{approvals,bob}
ann=$(USER=ann "$BINNACLE" --config /dev/null approve key | tail -n 1)
bob=$(XDG_CONFIG_HOME=$scratch/bob USER=bob "$BINNACLE" --config /dev/null approve key | tail -n 1)
equal "a key is for its owner alone" 600 "$(stat -c %a "$scratch/config/binnacle/approval.key")"
like "whatever \$USER says, a key is for who made it" "^approvers: +$(unforged): " "$(forged "$BINNACLE" --config /dev/null approve key | tr '\n' ' ')"
config() { # PORT
	cat <<-END
	sources:
	  k: {type: kubernetes, environment: prod, kubeconfig: $KUBECONFIG}
	environments: {prod: {guard: confirm}}
	approvers:
	$ann
	$bob
	approvals: {folder: $scratch/approvals}
	guards:
	  two: {name: $ns/*, action: scale, require-reason: true, second-person: true}
	  calm: {name: $ns/*, action: restart, freeze: ["00:00 - 12:00", "12:00 - 00:00"], overridable: true}
	audit:
	  syslog: local3
	  postgres: {host: 127.0.0.1, port: $1, database: binnacle, user: postgres, password: {env: PG_PASSWORD}, table: t34_$$}
	END
}
config 1 >"$scratch/far.yaml"
config "$PORT_PG" >"$scratch/near.yaml"
export approve="XDG_CONFIG_HOME=$scratch/bob USER=bob $BINNACLE --config $scratch/near.yaml approve"
if USER=ann screen "$scratch/far.yaml" --pane cluster <<DRIVE
keys :deployments namespace=$ns\r
wait 20 registry.example.com
keys :action scale replicas=3\r
wait 20 write why this is done
keys load of the morning\r
wait 10 a second person has to approve this
run sh -c 'code=\$(ls $scratch/approvals/*.ask); code=\${code##*/}; ! (echo y | USER=ann $BINNACLE --config $scratch/near.yaml approve \${code%.ask})'
run sh -c 'code=\$(ls $scratch/approvals/*.ask); code=\${code##*/}; echo y | $approve \${code%.ask}'
wait 10 by bob
keys \r
wait 30 done
keys q
keys :action restart\r
wait 20 to do it all the same, write why
keys it leaks\r
wait 10 overrides guard calm
keys \r
wait 40 done
keys q
keys :audit\r
wait 10 the copy in postgres is behind
keys Q
DRIVE
then ok "a reason, a second person, an override"; else not_ok "a reason, a second person, an override" "$(cat "$scratch/screen")"; fi
equal "it was done" 3 "$(replicas)"
trail=$scratch/state/binnacle/audit.jsonl
lines=$(cat "$trail")
like "the trail has the reason and who approved" '"reason":"load of the morning".*"approved":\{"by":"bob"' "$lines"
like "and the override" '"override":\{"rules":"calm","reason":"it leaks"\}' "$lines"
like "its chain is whole, its approval genuine" ' 0 wrong.*1 approvals, 0 forged, 0 by' "$(binnacle --config "$scratch/near.yaml" audit verify 2>&1)"
sed "s/$(sed -n 's/.*key: "\(.*\)".*/\1/p' <<<"$bob")/$(sed -n 's/.*key: "\(.*\)".*/\1/p' <<<"$ann")/" "$scratch/near.yaml" >"$scratch/forged.yaml"
refuse "an approval by another key is forged" binnacle --config "$scratch/forged.yaml" audit verify
equal "what was asked does not stay behind" "" "$(ls "$scratch/approvals")"

# --- a promotion, without a screen
python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" t34_$$ >/dev/null
cat >"$scratch/ml.yaml" <<END
sources:
  registry: {type: mlflow, environment: dev, url: '$MLFLOW3_URL'}
environments: {dev: {}}
approvers:
$ann
$bob
approvals: {folder: $scratch/approvals}
guards:
  two: {source: registry, action: promote, second-person: true}
END
champion() {
	curl -fsS -m 20 "$MLFLOW3_URL/api/2.0/mlflow/registered-models/alias?name=t34_$$&alias=champion" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["model_version"]["version"])'
}
asked() {
	compgen -G "$scratch/approvals/*.ask"
}
was=$(champion)
USER=ann BINNACLE_LIMIT=90 binnacle --config "$scratch/ml.yaml" promote t34_$$ 7 --reason 'r2 is better' --yes >"$scratch/promoted" 2>&1 </dev/null &
promoting=$!
check "a promotion asks for the second person" within 40 asked
equal "and waits" "$was" "$(champion)"
code=$(basename "$scratch"/approvals/*.ask .ask)
said=$(echo y | XDG_CONFIG_HOME=$scratch/bob USER=bob binnacle --config "$scratch/ml.yaml" approve "$code" 2>&1)
like "who sees what is asked" "promote t34_$$ to version 7.*r2 is better.*ann.*approved" "$said"
wait "$promoting"
equal "and is done then" "0 7" "$? $(champion)"
like "with their name in the trail" '"event":"runbook".*"approved":\{"by":"bob"' "$(cat "$trail")"

# --- copies: after the outage, with the next program
rm -f "$scratch/log"
if [[ ! -e /dev/log && -w /dev ]]; then
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
while True:
    line = s.recv(65536)
    open(sys.argv[1], "ab").write(line + b"\n")' "$scratch/log" &
	log_pid=$!
	within 5 test -S /dev/log
fi
psql=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
cat >"$scratch/copied" <<SH
for i in \$(seq 300); do
	[ "\$("$psql" -qAtX "$PG_URI" -c "select count(*) from t34_$$")" = "\$(wc -l <"$trail")" ] && break
	sleep 0.1
done
SH
USER=ann screen "$scratch/near.yaml" --pane audit <<DRIVE
wait 20 restart
run sh $scratch/copied
keys Q
DRIVE
equal "PostgreSQL has every line" "$(wc -l <"$trail")" "$(sql "select count(*) from t34_$$")"
equal "word by word" "$(sha256sum <"$trail")" "$(sql "select line from t34_$$ order by seq" | sha256sum)"
equal "to be searched by" "$(printf 'restart\nscale')" "$(sql "select distinct action from t34_$$ where event = 'run' and key = '$ns/api' order by 1")"
USER=ann screen "$scratch/near.yaml" --pane audit <<DRIVE
wait 20 restart
run sleep 2
keys Q
DRIVE
equal "and no line twice" "$(wc -l <"$trail")" "$(sql "select count(*) from t34_$$")"
if [[ -n ${log_pid:-} ]]; then
	all_logged() {          # who listens there reads when it comes to it
		(($(grep -c 'binnacle audit: ' "$scratch/log") >= $(wc -l <"$trail")))
	}
	within 30 all_logged
	equal "syslog has every line once" "$(wc -l <"$trail")" "$(grep -c 'binnacle audit: ' "$scratch/log")"
	unlike "without plans" '"plan"' "$(cat "$scratch/log")"
else
	skip "syslog has every line" "/dev/log is somebody else's"
fi

# --- read-only, on the screen and without one
if screen "$scratch/near.yaml" --readonly <<DRIVE
keys :deployments namespace=$ns\r
wait 20 registry.example.com
keys :action scale replicas=9\r
wait 10 is read-only here
keys Q
DRIVE
then ok "read-only says so at the key"; else not_ok "read-only says so at the key" "$(cat "$scratch/screen")"; fi
acting=$(for c in $("$BINNACLE" --help | sed -n '/^commands:/,/^$/s/^  \([a-z][a-z]*\).*/\1/p'); do
	"$BINNACLE" "$c" --help | grep -q -- '--yes' && echo "$c"
done)
like "commands that act take --yes, and are found by it" 'promote.*rollback' "$acting"
before=$(wc -l <"$trail")
for command in $acting; do
	words="t34_$$ 6"
	! "$BINNACLE" "$command" --help | grep -q -- '--reason' || words+=" --reason x"
	# shellcheck disable=SC2086
	BINNACLE_LIMIT=60 binnacle --config "$scratch/ml.yaml" --readonly "$command" $words --yes >"$scratch/said" 2>&1 </dev/null
	status=$?
	if ((status != 0 && status < 124)) || grep -q '^nothing is unfinished' "$scratch/said"; then ok "read-only: $command"; else not_ok "read-only: $command" "exit $status" "$(cat "$scratch/said")"; fi
done
equal "nothing was changed in the cluster" 3 "$(replicas)"
equal "nor in the registry" 7 "$(champion)"
equal "nor written to the trail" "$before" "$(wc -l <"$trail")"
finish
