"""A DAG for what a console does to one, for Airflow 2.10 and 3.x: it has a schedule, two runs at a time, parameters that a schema
describes, and a task in a pool of one slot (the tests make the pool)."""

import time
from datetime import datetime

try:
    from airflow.sdk import Param, dag, get_current_context, task
except ImportError:
    from airflow.decorators import dag, task
    from airflow.models.param import Param
    from airflow.operators.python import get_current_context

PARAMS = {
    "model": Param("real_estate_model", type="string", enum=["real_estate_model", "churn_model"], description="which model to train"),
    "rows": Param(48211, type="integer", minimum=1, maximum=100000, description="how many rows are read"),
    "rate": Param(0.1, type="number", minimum=0, maximum=1),
    "full": Param(False, type="boolean", description="from nothing, not from the last model"),
    "batch": Param("", type=["null", "string"], maxLength=40),
    "options": Param({"depth": 6}, type="object"),
    "seconds": Param(0, type="number", minimum=0, maximum=600),
    "fail": Param(False, type="boolean"),
}


@dag(
    dag_id="retrain_daily",
    description="Retrain each day",
    schedule="@daily",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=2,
    is_paused_upon_creation=True,
    default_args={"owner": "mlops", "retries": 0},
    params=PARAMS,
    tags=["mlops"],
)
def retrain_daily():
    @task
    def prepare():
        print(f"params {get_current_context()['params']}")

    @task(pool="one_slot")
    def train():
        params = get_current_context()["params"]
        time.sleep(params["seconds"])
        if params["fail"]:
            raise RuntimeError("train: injected failure")

    @task
    def publish():
        print("published")

    prepare() >> train() >> publish()


retrain_daily()
