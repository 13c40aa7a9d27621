"""Drift history in PostgreSQL: the table that binnacle recognises, and one it must be told about."""
import json
import os
import pathlib
import random
import subprocess

SCHEMA = """
drop table if exists drift_history;
create table drift_history (
    id serial primary key,
    timestamp timestamp not null default now(),
    drift_detected boolean,
    drift_score double precision,
    features_with_drift text,
    reference_batch_id text,
    current_batch_id text,
    action_taken text
);
drop schema if exists monitoring cascade;
create schema monitoring;
create table monitoring.model_checks (
    check_uuid uuid primary key default gen_random_uuid(),
    model_name text not null,
    checked_at timestamptz not null,
    psi numeric(8, 4),
    threshold numeric(8, 4) not null default 0.2,
    verdict text check (verdict in ('ok', 'warn', 'drift')),
    drifted_columns text[],
    details jsonb
);
create index on monitoring.model_checks (checked_at);
grant usage on schema monitoring to reader, guarded;
grant select on drift_history, monitoring.model_checks to reader, guarded;
"""
FEATURES = ["tenure_months", "monthly_charges", "contract_type", "payment_method", "support_calls",
            "avg_session_s", "région", "device_os"]
ACTIONS = ["none", "retrain_triggered", "alert_sent", "retrain_skipped_cooldown", None]


def quote(value):
    """A value as an SQL literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"'{value}'::double precision"
    return "'" + str(value).replace("'", "''") + "'"


def features_text(rng, number, names):
    """The three ways in which programs write a list into a text column, and the ways they fail to."""
    scores = {name: round(rng.uniform(0.2, 0.9), 3) for name in names}
    if not names:
        return [None, "", "[]", "{}"][number % 4]
    return [json.dumps(names), str(names), ", ".join(names), json.dumps(scores, ensure_ascii=False)][number % 4]


def history(rows=60):
    """Oldest first; the last row is 20 minutes old, checks are six hours apart."""
    rng = random.Random(4)
    for number in range(rows):
        wave = 0.12 + 0.25 * (number > 30) * (number - 30) / 30 + rng.uniform(-0.05, 0.08)
        score = {7: None, 19: float("nan"), 33: float("inf")}.get(number, round(max(wave, 0.0), 4))
        known = score is not None and score == score
        detected = (score > 0.2) if known else (None if number == 7 else False)
        names = rng.sample(FEATURES, rng.randint(1, 4)) if detected else []
        action = ACTIONS[1 + number % 4] if detected else "none"
        when = f"(now() at time zone 'utc') - interval '{(rows - 1 - number) * 360 + 20} minutes'"
        current = None if number == 12 else f"batch-2026-{number:03d}"
        yield (f"({when}, {quote(detected)}, {quote(score)}, {quote(features_text(rng, number, names))}, "
               f"'reference-2026-q3', {quote(current)}, {quote(action)})")


def checks(rows=40):
    rng = random.Random(5)
    for number in range(rows):
        psi = round(rng.expovariate(8), 4)
        verdict = "drift" if psi > 0.2 else "warn" if psi > 0.1 else "ok"
        names = rng.sample(FEATURES, 2) if verdict == "drift" else []
        columns = "array[" + ", ".join(map(quote, names)) + "]::text[]"
        yield (f"({quote(['churn', 'fraud'][number % 2])}, now() - interval '{(rows - number) * 30} minutes', "
               f"{'null' if number == 3 else psi}, {quote(verdict)}, {columns}, "
               f"{quote(json.dumps({'rows': rng.randint(1000, 90000)}))}::jsonb)")


def add_check(env, score=0.42):
    """One more row, and the notification that a platform may send with it."""
    run(env, f"""insert into drift_history (timestamp, drift_detected, drift_score, features_with_drift,
        reference_batch_id, current_batch_id, action_taken) values (now() at time zone 'utc', {quote(score > 0.2)},
        {quote(float(score))}, '["tenure_months"]', 'reference-2026-q3', 'batch-new', 'alert_sent');
        notify drift_history;""")


def run(env, sql):
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))
    psql = str(programs[-1]) if programs else "psql"
    subprocess.run([psql, "-qX", "-v", "ON_ERROR_STOP=1", env["PG_URI"]], input=sql, text=True, check=True,
                   env=dict(os.environ, PGOPTIONS="-c client_min_messages=warning"))


def fill(env):
    run(env, SCHEMA
        + "insert into drift_history (timestamp, drift_detected, drift_score, features_with_drift, "
          "reference_batch_id, current_batch_id, action_taken) values\n" + ",\n".join(history()) + ";\n"
        + "insert into monitoring.model_checks (model_name, checked_at, psi, verdict, drifted_columns, details) "
          "values\n" + ",\n".join(checks()) + ";\n")
    print("seed: drift_history with 60 rows, monitoring.model_checks with 40")
