#!/usr/bin/env bash
# Drift history in a genuine PostgreSQL: recognised, mapped, refused, followed, and back after a restart.
. "$(dirname "$0")/lib.sh"

follow_bin=$(dirname "$BINNACLE")/tests/live/follow

# config LINE...: a configuration with one PostgreSQL source of these settings
config() {
	printf 'environments:\n  dev: {}\nsources:\n  pg:\n    type: postgres\n    environment: dev\n' >"$scratch/b.yaml"
	printf '    %s\n' "$@" >>"$scratch/b.yaml"
}
get() {
	binnacle --config "$scratch/b.yaml" --wait 40 get "$@" 2>&1
}
doctor() {
	binnacle --config "$scratch/b.yaml" --wait 40 doctor 2>&1
}

sql "drop schema if exists t40 cascade; delete from drift_history where id > 60" >/dev/null
config "connection: $PG_URI"
equal "the usual table is found by itself" 60 "$(get drift -o csv | tail -n +2 | wc -l)"
like "features of every way of writing" 'région' "$(get features)"
like "doctor is well" 'ok +table +public.drift_history, new rows by id' "$(doctor)"
like "a list narrowed by a filter" 'drift' "$(get drift 'result=drift score>0.3')"

# --- acknowledged: shown in the row, no finding any more, withdrawn
screen=$(dirname "$BINNACLE")/tests/live/screen_drive
printf 'environments:\n  dev: {}\nsources:\n  pg:\n    type: postgres\n    environment: dev\n    connection: %s\n' "$PG_URI" >"$scratch/ack.yaml"
ack() {
	"$screen" "$1" "$BINNACLE" --config "$scratch/ack.yaml" --pane drift >"$scratch/screen" 2>&1
}
drifted=$(get drift 'result=drift' -o csv | tail -n +2 | wc -l)
newest=$(get drift 'result=drift' -o json | python3 -c 'import json, sys; print(max(json.load(sys.stdin), key=lambda r: r["age"])["id"])')
if ack 120x40 <<DRIVE
wait 20 60 checks, $drifted with
keys \t
keys a
wait 5 note
keys known shift\r
wait 5 check $newest is no finding any more
keys y
wait 10 acknowledged
keys q
wait 15 $((drifted - 1)) with drift
wait 5 known shift
keys Q
end 0
DRIVE
then ok "a check is acknowledged with a note, and no finding any more"; else not_ok "a check is acknowledged with a note, and no finding any more" "$(<"$scratch/screen")"; fi
acknowledged() {
	binnacle --config "$scratch/ack.yaml" --wait 40 get drift -o json | python3 -c '
import json, sys
print(*(r["id"] + " " + r["acknowledged"] for r in json.load(sys.stdin) if r["acknowledged"]))'
}
like "whoever asks later sees it" "^$newest .*: known shift$" "$(acknowledged)"
like "it is in the audit trail" 'acknowledge.*known shift' "$(cat "$XDG_STATE_HOME"/binnacle/audit* 2>&1)"
if ack 80x24 <<DRIVE
wait 20 $((drifted - 1)) with
keys \t
keys :action withdraw\r
wait 5 Enter or y
keys y
wait 10 it is a finding again
keys q
wait 15 $drifted with drift
keys Q
end 0
DRIVE
then ok "and withdrawn"; else not_ok "and withdrawn" "$(<"$scratch/screen")"; fi
equal "as before" "" "$(acknowledged)"

config "connection: $PG_URI" "table: monitoring.model_checks"
like "another layout is recognised" 'fraud' "$(get drift)"
config "connection: $PG_URI" "table: monitoring.model_checks" "columns: {score: pssi}"
like "a wrong column is named, and the nearest" "no column 'pssi' \(mapped as score\); did you mean 'psi'" "$(get drift)"
config "connection: $PG_URI" "query: select psi as score, checked_at as ts, model_name as model from monitoring.model_checks" "threshold: 0.1"
like "a query" 'churn' "$(get drift)"
config "connection: $PG_URI" "query: selct 1"
like "a wrong query" "syntax error.*correct 'query:'" "$(get drift)"
config "connection: $PG_URI" "query: delete from drift_history returning *"
like "a query that writes is refused" "syntax error|read-only" "$(get drift)"
equal "and nothing was written" 60 "$(sql 'select count(*) from drift_history')"

config "connection: $PG_URI_GUARDED"
like "no password" "password: \{env: NAME\}" "$(get drift)"
config "connection: $PG_URI_GUARDED" "password: {command: echo wrong}"
like "a wrong password" 'password authentication failed for user "guarded"' "$(get drift)"
export T40_PASSWORD=$PG_PASSWORD
config "connection: $PG_URI_GUARDED" "password: {env: T40_PASSWORD}"
like "the right password" 'clean' "$(get drift)"
printf '%s\n' "$PG_PASSWORD" >"$scratch/password"
config "connection: $PG_URI_GUARDED" "password: {file: $scratch/password}" "sslmode: require"
like "from a file, over TLS" ', TLS' "$(doctor)"
hostport=${PG_URI_GUARDED#*@}
IFS=:/ read -r pg_host pg_port pg_db <<<"$hostport"
printf '%s:%s:%s:guarded:%s\n' "$pg_host" "$pg_port" "$pg_db" "$PG_PASSWORD" >"$HOME/.pgpass"
chmod 600 "$HOME/.pgpass"
printf '[live]\nhost=%s\nport=%s\ndbname=%s\nuser=guarded\n' "$pg_host" "$pg_port" "$pg_db" >"$HOME/.pg_service.conf"
config "service: live" "passfile: $HOME/.pgpass"
like "a service file and .pgpass" 'clean' "$(PGSERVICEFILE=$HOME/.pg_service.conf get drift)"
config "connection: postgresql://guarded:in-line@$hostport"
like "a password in line is refused" "holds a password" "$(get drift)"
unlike "and not shown" 'in-line' "$(get drift)"
config "connection: postgresql://postgres@$pg_host:1/$pg_db"
like "an absent server" 'Connection refused' "$(get drift)"
config "connection: postgresql://postgres@$pg_host:$pg_port/nothing"
like "an absent database" 'database "nothing" does not exist' "$(get drift)"
config "connection: $PG_URI" "table: t40.drift_history"
like "an absent table" "no table 't40.drift_history'" "$(get drift)"

sql "create schema t40; create table t40.drift_history (id int, timestamp timestamp, drift_detected bool, drift_score float8,
  features_with_drift text, reference_batch_id text, current_batch_id text, action_taken text);
  insert into t40.drift_history (id) values (1), (2);
  insert into t40.drift_history values (3, 'infinity', null, 'NaN', e'[\"bed\", \\'', null, null, null),
  (4, now(), true, '-inf', repeat('x,', 90000), null, null, null)" >/dev/null
like "nulls everywhere, NaN, infinity, a text without end" 'drift' "$(get drift)"
sql "create table t40.houses (house_size int, bath float8, state text);
  insert into t40.houses select 600 + g % 2000, 1 + g % 4, 'Ohio' from generate_series(1, 20000) g; analyze t40.houses" >/dev/null
config "connection: $PG_URI" "training: {table: t40.houses, model: houses}"
like "what a model was trained on, by the statistics of its table" 'house_size +6[0-9]{2} +1[56][0-9]{2} +25[0-9]{2}.*table t40.houses' \
	"$(get ranges -o wide)"
like "a column of few values too" 'bath +1 +[23] +4' "$(get ranges)"
equal "words have no range" 2 "$(get ranges -o csv | tail -n +2 | wc -l)"
config "connection: $PG_URI" "training: {table: t40.nothing}"
like "a table that nobody analysed" "nothing is known of the columns of 't40.nothing'" "$(get ranges)"
sql "create table t40.many as select g as id, now() - g * interval '1 minute' as timestamp, g / 1e6 as drift_score
  from generate_series(1, 200000) g" >/dev/null
config "connection: $PG_URI" "table: t40.many" "limit: 300"
equal "a huge table is bounded" 300 "$(get drift -o csv | tail -n +2 | wc -l)"

printf 'connection: %s\npoll: 60s\n' "$PG_URI" >"$scratch/f.yaml"
timeout 300 "$follow_bin" "$scratch/f.yaml" 280 >"$scratch/f.out" 2>&1 &
follower=$!
within 5 grep -q '60 checks' "$scratch/f.out"
sql "insert into drift_history (id, timestamp, drift_score) values (901, now(), 0.9); notify binnacle_drift"
check "a notified check comes at once" within 2 grep -q '^row 901 ' "$scratch/f.out"
equal "and only that one" 61 "$(grep -c '^row' "$scratch/f.out")"
servers stop-pg
check "a lost server is said" within 30 grep -q '^health stale' "$scratch/f.out"
servers start-pg
check "and it comes back" within 60 sh -c "sed '1,/^health stale/d' $scratch/f.out | grep -q '^health live'"
kill "$follower"
wait "$follower" 2>/dev/null
sql "drop schema t40 cascade; delete from drift_history where id > 60" >/dev/null
finish
