"""Two DAGs of Airflow 2 whose schedules are of a place with summer time: one by the DAG's own time zone, with data intervals, and one
by a timetable that has a zone of its own, which REST does not tell."""

import pendulum

try:
    from airflow.sdk import CronTriggerTimetable, dag, task
except ImportError:
    from airflow.decorators import dag, task
    from airflow.timetables.trigger import CronTriggerTimetable

COMMON = {"start_date": pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"), "catchup": False, "is_paused_upon_creation": True,
          "default_args": {"owner": "mlops"}, "tags": ["mlops"]}


@dag(dag_id="zoned_nightly", description="Each night at 02:00 in Berlin", schedule="0 2 * * *", **COMMON)
def zoned_nightly():
    @task
    def export():
        print("exported")

    export()


@dag(dag_id="zoned_trigger", description="At 02:00 in New York, though the DAG's zone is Berlin",
     schedule=CronTriggerTimetable("0 2 * * *", timezone="America/New_York"), **COMMON)
def zoned_trigger():
    @task
    def export():
        print("exported")

    export()


zoned_nightly()
zoned_trigger()
