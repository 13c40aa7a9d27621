#!/usr/bin/env bash
# The timeline: what changes on genuine servers is on it with its time, and there again in a new program; two programs share one
# PostgreSQL, which goes and comes back; `watch` is killed.
# needs: airflow3 mlflow3
. "$(dirname "$0")/lib.sh"

mark=t61-$$ schema=t61_$$ model=t61_$$
export T61_PASSWORD=admin
cleanup() {
	kill "$forward" "$watcher" 2>/dev/null
	kubectl delete namespace "$mark" --wait=false
	python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" --delete "$model"
	sql "drop schema if exists $schema cascade; drop schema if exists ${schema}_drift cascade"
	rm -rf "$scratch"
}
forward="" watcher=""
trap 'cleanup >/dev/null 2>&1' EXIT

# --- PostgreSQL behind a door that can be shut
hostport=${PG_URI#*@}
pg_user=${PG_URI#*//} pg_user=${pg_user%%@*}
IFS=:/ read -r pg_host pg_port pg_db <<<"$hostport"
cat >"$scratch/forward.py" <<'PY'
"""forward.py HOST PORT LISTEN: every connection to 127.0.0.1:LISTEN (told, once it does) goes on to HOST:PORT."""
import socket, sys, threading
host, port, listen = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", listen))
door.listen()
print(door.getsockname()[1], flush=True)
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
while True:
    client, _ = door.accept()
    try:
        server = socket.create_connection((host, port))
    except OSError:
        client.close()
        continue
    for pair in ((client, server), (server, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
PY
door=$(free_ports 1)          # not one of those that connections are given: it has to be had again
open_door() {
	: >"$scratch/port"
	python3 "$scratch/forward.py" "$pg_host" "$pg_port" "$door" >"$scratch/port" 2>/dev/null &
	forward=$!
	within 20 test -s "$scratch/port"
}
shut_door() {
	kill -9 "$forward"
	wait "$forward" 2>/dev/null
}
open_door

# config KUBECONFIG: all of the sources, sharing one history
config() {
	cat <<-END
	history: {keep: 30d, postgres: {connection: 'postgresql://$pg_user@127.0.0.1:$door/$pg_db', schema: $schema}}
	sources:
	  kube: {type: kubernetes, kubeconfig: $1}
	  mlflow: {type: mlflow, url: '$MLFLOW3_URL', poll: 2s}
	  airflow: {type: airflow, url: '$AIRFLOW3_URL', user: admin, password: {env: T61_PASSWORD}}
	  checks: {type: postgres, connection: '$PG_URI', table: ${schema}_drift.drift_history, poll: 2s}
	  cost: {type: cost}
	END
}
config "$KUBECONFIG" >"$scratch/b.yaml"
# as STATE COMMAND...: the program with a state folder, and so a local history, of its own
as() {
	XDG_STATE_HOME=$scratch/$1 binnacle --config "$scratch/b.yaml" "${@:2}" 2>&1
}
start_watch() {
	XDG_STATE_HOME=$scratch/a "$BINNACLE" --config "$scratch/b.yaml" watch 2>>"$scratch/said" &
	watcher=$!
}
shared() {
	sql "select count(*) from $schema.events where kind = 'timeline' and what like '%$1%'"
}
has() {
	[[ $(shared "$1") -gt 0 ]]
}
mkdir "$scratch"/{a,b,c}

# --- what happens
like "the statements that make it" 'create schema if not exists "t61_[0-9]+".*primary key' "$(as a watch --ddl)"
sql "create schema ${schema}_drift; create table ${schema}_drift.drift_history (id serial primary key, timestamp timestamptz, drift_detected bool,
  drift_score float8); insert into ${schema}_drift.drift_history (timestamp, drift_detected, drift_score)
  values (now() - interval '3 hours', false, 0.01), (now() - interval '2 hours', false, 0.02)" >/dev/null
kubectl create namespace "$mark" >/dev/null
kubectl -n "$mark" create deployment web --image=registry.example.com/web:v1 >/dev/null
check "MLflow is seeded" python3 "$live_tests/mlseed.py" "$MLFLOW3_URL" "$model"
start_watch
check "watch records what was there already, for the team" within 40 has "rollout of $mark/web revision 1: registry.example.com/web:v1"
kubectl -n "$mark" set image deploy/web web=registry.example.com/web:v2 >/dev/null
kubectl -n "$mark" rollout status deploy/web --timeout=180s >/dev/null
new_pod() {
	pod=$(kubectl -n "$mark" get pods --field-selector=status.phase=Running \
		-o jsonpath='{range .items[*]}{.spec.containers[0].image} {.metadata.name}{"\n"}{end}' | sed -n 's/.*:v2 //p')
	[[ -n $pod ]]
}
check "the new pod runs" within 30 new_pod
new_pod
died=$(date -u +%FT%TZ)
kubectl -n "$mark" patch pod "$pod" --subresource=status --type=merge -p "{\"status\":{\"containerStatuses\":[{\"name\":\"web\",\"image\":\"x\",
  \"imageID\":\"\",\"ready\":false,\"restartCount\":3,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":
  {\"exitCode\":137,\"reason\":\"OOMKilled\",\"finishedAt\":\"$died\",\"startedAt\":\"$died\"}}}]}}" >/dev/null
curl -fsS -m 20 -X POST -H 'Content-Type: application/json' "$MLFLOW3_URL/api/2.0/mlflow/registered-models/alias" \
	-d "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"7\"}" >/dev/null
sql "insert into ${schema}_drift.drift_history (timestamp, drift_detected, drift_score) values (now(), true, 0.41)" >/dev/null
token=$(curl -sf "$AIRFLOW3_URL/auth/token" -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin"}' |
	python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
airflow() {
	curl -sf -m 20 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$AIRFLOW3_URL/api/v2/dags/mlops_full_pipeline$1" "${@:2}"
}
airflow "" -X PATCH -d '{"is_paused":false}' >/dev/null
airflow /dagRuns -d "{\"logical_date\":null,\"dag_run_id\":\"$mark\",\"conf\":{\"drift_score\":0.01}}" >/dev/null

check "a rollout" within 30 has "rollout of $mark/web revision 2: registry.example.com/web:v2"
check "a pod that crashes" within 30 has "$mark/web: $pod"
check "a promotion" within 60 has "$model v7"
check "drift that began" within 60 has 'drift began, score 0.41'
is_over() {
	[[ $(airflow "/dagRuns/$mark") =~ '"state":"success"' ]]
}
check "the run ends" within 300 is_over

# --- in another program, which has seen nothing of it; with the times that the servers say
rows=$(as b --wait 40 get timeline -o csv)
created=$(kubectl -n "$mark" get rs -o jsonpath='{range .items[*]}{.spec.template.spec.containers[0].image} {.metadata.creationTimestamp}{"\n"}{end}' |
	sed -n 's/.*:v2 //p')
like "a rollout, when its replica set was made" "kube,\"?${created%Z}[^,]*,U,rollout of $mark/web revision 2" "$rows"
like "a crash, when the container died" "kube,\"?${died%Z}[^,]*,C,\"?$mark/web: $pod" "$rows"
like "a promotion, by its model" "mlflow,[^,]*,P,$model v7[^,]*,$model,$model," "$rows"
like "drift, by its source" 'checks,[^,]*,D,"?drift began, score 0.41' "$rows"
ended=$(airflow "/dagRuns/$mark" | python3 -c 'import json,sys; print(json.load(sys.stdin)["end_date"][:19])')
like "a run, when it ended" "airflow,\"?$ended[^,]*,R,mlops_full_pipeline run success" "$rows"
like "filters" "rollout of $mark/web" "$(as b --wait 40 get timeline "sort=rollout namespace=$mark age<1h")"
snapshot=$(as b --wait 20 --size 120x40 snapshot timeline | tr "\n" " ")
like "the pane: lanes on an axis, and the list" 'cluster .*now.*WHAT CHANGED.*(run started|rollout of|restarted)' "$snapshot"

# --- none of the servers there: it is there again
config /dev/null | sed "s#url: '[^']*'#url: 'http://127.0.0.1:9'#; s#'$PG_URI'#'postgresql://x@127.0.0.1:9/x'#" >"$scratch/none.yaml"
said=$(XDG_STATE_HOME=$scratch/b binnacle --config "$scratch/none.yaml" --wait 5 get timeline -o csv 2>&1)
like "without any server it is there again" "rollout of $mark/web revision 2" "$said"
like "with what was done by others" "$model v7" "$said"

# --- killed
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
intact() {
	python3 - "$scratch/$1/binnacle/history.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
assert db.execute("select count(*) from events where kind = 'timeline'").fetchone()[0] > 3
PY
}
check "watch killed with -9: the file is intact" intact a

# --- the database goes and comes back: nothing is lost, nothing twice
shut_door
start_watch
sleep 3
kubectl -n "$mark" set image deploy/web web=registry.example.com/web:v3 >/dev/null
kept() {
	python3 - "$scratch/$1/binnacle/history.db" "$2" <<'PY'
import sqlite3, sys
assert sqlite3.connect(sys.argv[1]).execute("select count(*) from events where what like ?", (f"%{sys.argv[2]}%",)).fetchone()[0] == 1
PY
}
check "the local file is written meanwhile: web:v3" within 20 kept a "$mark/web revision 3"
equal "the team has not got it yet" 0 "$(shared "$mark/web revision 3")"
like "doctor says so, and that nothing is lost" "WRONG +team's history.*(refused|reached|closed).*nothing is lost" "$(as a --wait 10 doctor)"
kill -TERM "$watcher"
ended() { ! kill -0 "$watcher" 2>/dev/null; }
check "SIGTERM ends it" within 10 ended
wait "$watcher"
equal "well" 0 $?
like "it says what was not copied" 'kept here, not copied yet' "$(<"$scratch/said")"
open_door
as a --wait 20 watch --once >/dev/null
equal "back: the next program copies what waited" 1 "$(shared "$mark/web revision 3")"
equal "nothing is there twice" 0 "$(sql "select count(*) from (select source, subject, what, count(*) from $schema.events where kind = 'timeline'
  and what like '%$mark/web%' and what like '%revision%' group by 1, 2, 3 having count(*) > 1) as t")"
sql "insert into $schema.events(kind, at_ms, source, subject, what, detail, writer) select kind, extract(epoch from now() - age::interval) * 1000,
  'mlflow', 't61', what, '{}', 'by hand' from (values ('timeline', '91 days', 'old'), ('timeline', '89 days', 'not so old'),
  ('cost.asset', '92 days', 'old'), ('production', '400 days', 'never forgotten')) as t(kind, age, what)"
as c --wait 30 watch --once >/dev/null
equal "the team's database forgets as the file does: not who was in production" "never forgotten,not so old" "$(sql "select string_agg(what,
  ',' order by what) from $schema.events where writer = 'by hand'")"
equal "two that count the same nodes: each began once" 0 "$(sql "select count(*) from (select subject, detail, count(*) from $schema.events
  where kind = 'cost.asset' and what = 'joined' group by 1, 2 having count(*) > 1) as t")"
python3 - "$scratch/c/binnacle/history.db" <<'PY'
import os, sqlite3, sys, time
db, now = sqlite3.connect(sys.argv[1]), int(time.time() * 1000)
for i, what in enumerate([os.urandom(3000).hex(), "after it", "from a clock that is ahead"]):
    event = ("timeline", now + (i == 2) * 86400000 + i, "mlflow", "t61", what)
    db.execute("insert into events(kind, at, source, subject, what, detail) values(?, ?, ?, ?, ?, '{\"sort\": \"run\"}')", event)
    db.execute("insert into outbox(kind, at, source, subject, what) values(?, ?, ?, ?, ?)", event)
db.commit()
PY
as c --wait 20 watch --once >/dev/null
equal "what the database cannot take (a key of 6,000 bytes) keeps nothing else back" 1 "$(shared "after it")"
sql "insert into $schema.events(kind, at_ms, source, subject, what, detail, writer) select 'timeline', at, 'mlflow', 't61', what, detail, 'by hand'
  from (values (extract(epoch from now()) * 1000, 'not JSON', '{{{'), (9223372036854775807, 'the end of time', '{\"sort\":\"run\"}'),
  (extract(epoch from now()) * 1000, E'esc \x1b[31m', '{\"sort\":\"run\",\"level\":99,\"model\":{}}')) as t(at, what, detail)"
sql "alter table $schema.events add column later int default 2"
rows=$(as c --wait 20 get timeline -o csv)
like "what others wrote is taken as it is, columns of later versions too" 'run.*esc ' "$rows"
unlike "but for what is no change, and for what is yet to come" 'not JSON|end of time|clock that is ahead' "$rows"
sql "alter table $schema.events rename column detail to details"
like "a table of another version is said" "WRONG +team's history.*not that of this version" "$(as e --wait 10 doctor)"
sql "alter table $schema.events rename column details to detail"
like "doctor is well again" "ok +team's history" "$(as c --wait 10 doctor)"

# --- a database in which we may not make a schema
cat >"$scratch/guarded.yaml" <<END
history: {postgres: {connection: '$PG_URI_GUARDED', password: {env: T61_GUARDED}, schema: ${schema}_no}}
sources: {mlflow: {type: mlflow, url: '$MLFLOW3_URL'}}
END
said=$(T61_GUARDED=$PG_PASSWORD XDG_STATE_HOME=$scratch/d binnacle --config "$scratch/guarded.yaml" --wait 10 doctor 2>&1)
like "not allowed: what somebody else has to run" 'cannot be made.*binnacle watch --ddl' "$said"
unlike "no password anywhere" "$PG_PASSWORD" "$said $(<"$scratch/said")"
finish
