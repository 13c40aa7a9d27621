"""The DAG of the live tests, one file for Airflow 2.10 and 3.x: data comes in, drift is checked,
and a model is trained and reloaded, or training is skipped.

Parameters: rows (read), drift_score against drift_threshold (decides the branch), source,
fail_at (the task that shall fail), flaky (ingest_data fails its first try), train_seconds
(how long training takes, for tests that follow a log)."""

import time
from datetime import datetime, timedelta

try:
    from airflow.sdk import dag, get_current_context, task
except ImportError:
    from airflow.decorators import dag, task
    from airflow.operators.python import get_current_context

PARAMS = {
    "rows": 48211,
    "drift_score": 0.12,
    "drift_threshold": 0.05,
    "source": "s3://data-raw/2026-11-21",
    "fail_at": "",
    "flaky": False,
    "train_seconds": 0.5,
}


def begin(name):
    """Tell the log which step runs, fail it where that was asked for, and give the parameters."""
    params = get_current_context()["params"]
    print(f"{name}: begins")
    if params["fail_at"] == name:
        print(f"ERROR {name}: injected failure")
        raise RuntimeError(f"{name}: injected failure (fail_at={name})")
    return params


@dag(
    dag_id="mlops_full_pipeline",
    description="Ingest, check drift, retrain if it drifted, reload the API",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=4,
    default_args={"owner": "mlops", "retries": 0},
    params=PARAMS,
    tags=["mlops", "model:real_estate_model"],
)
def mlops_full_pipeline():
    @task
    def start():
        begin("start")

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def ingest_data():
        params = begin("ingest_data")
        context = get_current_context()
        if params["flaky"] and context["ti"].try_number == 1:
            raise RuntimeError("ingest_data: first try fails, as asked (flaky)")
        print(f"read {params['rows']} rows of {params['source']}")
        return {"rows": params["rows"], "source": params["source"]}

    @task
    def check_drift(_data):
        params = begin("check_drift")
        ti = get_current_context()["ti"]
        ti.xcom_push(key="drift_score", value=params["drift_score"])
        ti.xcom_push(key="batch_id", value=str(params["source"]).rsplit("/", 1)[-1])
        print(f"drift score {params['drift_score']} over {params['drift_threshold']}")
        return params["drift_score"] > params["drift_threshold"]

    @task.branch
    def branch(drifted):
        begin("branch")
        return "train_model" if drifted else "skip_training"

    @task
    def train_model():
        params = begin("train_model")
        ti = get_current_context()["ti"]
        epochs = 5
        for epoch in range(epochs):
            print(f"epoch {epoch + 1} of {epochs}: rmse {612400 - 2860 * epoch}", flush=True)
            time.sleep(params["train_seconds"] / epochs)
        # The names under which a KubernetesPodOperator leaves its pod.
        ti.xcom_push(key="pod_name", value="train-r2-98xk")
        ti.xcom_push(key="pod_namespace", value="ml-training")
        return {
            "model_name": "real_estate_model",
            "model_version": "7",
            "mlflow_run_id": "41aa0c7f2b5d4e7e9a3c6b1d8f204e55",
            "r2_score": 0.447,
        }

    @task
    def skip_training():
        begin("skip_training")

    @task(trigger_rule="none_failed_min_one_success")
    def reload_api():
        begin("reload_api")

    @task(trigger_rule="none_failed_min_one_success")
    def end():
        begin("end")

    data = ingest_data()
    start() >> data
    choice = branch(check_drift(data))
    trained, skipped = train_model(), skip_training()
    choice >> [trained, skipped]
    trained >> reload_api() >> (last := end())
    skipped >> last


mlops_full_pipeline()
