#!/usr/bin/env bash
# apart: registry
# Promotions from a table model_history in a genuine PostgreSQL, beside what MLflow's registry tells.
. "$(dirname "$0")/lib.sh"

clean() {
	sql "drop schema if exists t51b cascade" >/dev/null 2>&1
	rm -rf "$scratch"
}
trap clean EXIT
sql "drop schema if exists t51b cascade; create schema t51b;
  create table t51b.model_history (id serial primary key, timestamp timestamp, run_id text, model_version text, r2_score double precision,
    rmse double precision, mae double precision, mape double precision, promoted_to_production boolean, promotion_reason text,
    training_samples integer, features_used text);
  insert into t51b.model_history (timestamp, run_id, model_version, r2_score, rmse, mae, mape, promoted_to_production, promotion_reason,
    training_samples, features_used) values
    (now() - interval '3 days', 'run5', '5', 0.384, 629800, 311200, 0.21, true, 'r2 over 0.35', 48000, 'bed,bath'),
    (now() - interval '2 days', 'run6', '6', 0.412, 612400, 301990, 0.19, true, 'r2 0.412 over 0.384', 48211, 'bed,bath,acre_lot'),
    (now() - interval '1 day', 'run7', '7', 'NaN', 698100, null, null, false, 'rmse worse', null, null)" >/dev/null
printf 'environments:\n  dev: {}\nsources:\n  pg:\n    type: postgres\n    environment: dev\n    connection: %s\n    promotions: {table: t51b.model_history}\n' "$PG_URI" >"$scratch/b.yaml"
get() {
	binnacle --config "$scratch/b.yaml" --wait 10 get "$@" 2>&1
}
rows=$(get promotions -o json | python3 -c '
import json, sys
for r in sorted(json.load(sys.stdin), key=lambda r: r["age"]):
    print(r["version"], "|", r["what"], "|", r["before"], "|", r["reason"], "|", r["samples"], "|", r["run"], "|", r["metrics"])')
like "a promotion, with who was before, why and from how much" 'v6 \| promoted \| v5 \| r2 0.412 over 0.384 \| 48211 \| run6 \| .*rmse=612400' "$rows"
like "one that was refused" 'v7 \| kept back \| v6 \| rmse worse' "$rows"
equal "three rows" 3 "$(wc -l <<<"$rows")"
like "doctor names the table" 'promotions +t51b.model_history' "$(binnacle --config "$scratch/b.yaml" --wait 10 doctor 2>&1)"
sql "alter table t51b.model_history rename column timestamp to at_noon" >/dev/null
like "without a time it is said" 'time' "$(get promotions)"
sql "drop table t51b.model_history" >/dev/null
like "a table that goes is said" "t51b.model_history|model_history" "$(get promotions)"
finish
