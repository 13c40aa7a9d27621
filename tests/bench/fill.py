#!/usr/bin/env python3
"""Rows by the thousand in the databases under genuine servers, since making them by REST takes hours: fill.py LIVE_DIR ROWS [VERSIONS]

LIVE_DIR is a set of servers that runs. Airflow 3 (in PostgreSQL) gets ROWS finished runs of its pipeline, MLflow 3 (in SQLite) a
tenth of VERSIONS (as many as ROWS) models with ten versions each, the prediction log ROWS rows, the object store ROWS keys below one prefix. What is there
stays; the servers answer as they would for rows of their own."""
import glob
import os
import re
import sqlite3
import subprocess
import sys
import time

TABLES = {
    "airflow3": """insert into dag_run (dag_id, queued_at, logical_date, start_date, end_date, state, run_id, run_type, run_after,
        data_interval_start, data_interval_end, updated_at, log_template_id, clear_number, span_status, conf)
      select d.dag_id, t, t, t + interval '3 s', t + interval '200 s' + (g %% 90) * interval '1 s',
        case when g %% 41 = 0 then 'failed' else 'success' end, 'fill__' || g, 'scheduled', t, t, t, t,
        (select max(id) from log_template), 0, 'not_started', '{}'
      from (select dag_id from dag where dag_id = 'mlops_full_pipeline') d, generate_series(1, %d) g,
        lateral (select now() - g * interval '10 min') as x(t)
      on conflict do nothing""",
    "binnacle": """create table if not exists inference_logs (id bigserial primary key, timestamp timestamptz, inputs jsonb,
        predicted_price double precision, model_version text, model_run_id text, response_time_ms double precision, request_id text);
      insert into inference_logs (timestamp, inputs, predicted_price, model_version, model_run_id, response_time_ms, request_id)
      select now() - g * interval '1 s', jsonb_build_object('bed', 1 + g %% 6, 'bath', 1 + g %% 4, 'house_size', 600 + g %% 4000,
        'state', 'Texas'), 200000 + g %% 500000, '6', 'r6', 5 + g %% 40, 'fill-' || g from generate_series(1, %d) g""",
}


def sql(uri, statement):
    psql = max(glob.glob("/usr/lib/postgresql/*/bin/psql"))
    subprocess.run([psql, "-qX", uri, "-v", "ON_ERROR_STOP=1", "-c", statement], check=True, stdout=subprocess.DEVNULL)


def models(path, rows):
    now = int(time.time() * 1000)
    db = sqlite3.connect(path, timeout=60)
    named = [r[1] for r in db.execute("pragma table_info(model_versions)")]
    for i in range(rows // 10):
        name, at = f"fill-{i:05}", now - i * 60000
        db.execute("insert or ignore into registered_models (name, creation_time, last_updated_time, description, workspace) "
                   "values (?, ?, ?, '', 'default')", (name, at, at))
        for v in range(1, 11):
            made = {"name": name, "version": v, "creation_time": at - (10 - v) * 3600000, "last_updated_time": at, "user_id": "ada",
                    "current_stage": "None", "source": f"s3://models/{name}/{v}", "run_id": "", "status": "READY",
                    "storage_location": f"s3://models/{name}/{v}", "workspace": "default"}
            made = {k: x for k, x in made.items() if k in named}
            db.execute(f"insert or ignore into model_versions ({', '.join(made)}) values ({', '.join('?' * len(made))})",
                       list(made.values()))
        db.execute("insert or ignore into registered_model_aliases (alias, version, name, workspace) values ('champion', 9, ?, 'default')",
                   (name,))
    db.commit()


def main():
    live, rows = sys.argv[1], int(sys.argv[2])
    versions = int(sys.argv[3]) if len(sys.argv) > 3 else rows
    env = dict(re.findall(r"^(\w+)='?(.*?)'?$", open(f"{live}/env").read(), re.M))
    for name, statement in TABLES.items():
        if name == "binnacle" or "AIRFLOW3_URL" in env:
            sql(f"{env['PG_URI'].rsplit('/', 1)[0]}/{name}", statement % rows)
    if "MLFLOW3_URL" in env:
        models(f"{live}/ml/mlflow3/mlflow.db", versions)
    if "S3_DATA" in env:
        os.makedirs(f"{env['S3_DATA']}/fill/flat", exist_ok=True)
        for i in range(rows):
            with open(f"{env['S3_DATA']}/fill/flat/part-{i:06}.csv", "w") as f:
                f.write("a\n1\n")


main()
