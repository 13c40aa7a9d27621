#!/usr/bin/env python3
"""Fill an MLflow server of any version (1.28, 2.x, 3.x) by plain REST: experiments, runs with metrics, parameters and
histories, the model real_estate_model with versions, stages, aliases (where the server knows them) and tags.

usage: mlseed.py URL [NAME]              NAME: of the model and of the experiment; real_estate_model
       mlseed.py URL --many MODELS VERSIONS   so many models with so many versions each, named many-0001 ...
       mlseed.py URL --delete NAME       the model and its experiment
MLFLOW_USER and MLFLOW_PASSWORD are used where they are set. Prints one line of JSON: {"experiment": ID, "runs": [...],
"aliases": bool}. A model that is there is left as it is.
"""
import base64
import json
import math
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

VERSIONS = [  # r2, rmse, mae, n_estimators
    (0.301, 668200, 331400, 50), (0.342, 651900, 322800, 100), (0.351, 648100, 320300, 100), (0.377, 633500, 314700, 200),
    (0.384, 629800, 311200, 200), (0.412, 612400, 301990, 300), (0.447, 598100, 311020, 400),
]
FEATURES = ["house_size", "acre_lot", "bath", "bed", "state_price_mean", "zip_price_mean", "city_price_mean",
            "prev_sold_age", "status", "broker_rank", "listing_age"]


class Server:
    def __init__(self, url):
        self.url = url.rstrip("/")
        self.headers = {"Content-Type": "application/json"}
        user, password = os.environ.get("MLFLOW_USER"), os.environ.get("MLFLOW_PASSWORD", "")
        if user:
            self.headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def call(self, method, path, body=None, raw=None, headers=None):
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {**self.headers, **(headers or {})}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] == b"{" else {}

    def post(self, path, **body):
        return self.call("POST", "/api/2.0/mlflow/" + path, body)

    def get(self, path, **query):
        return self.call("GET", "/api/2.0/mlflow/" + path + "?" + urllib.parse.urlencode(query))

    def knows(self, path, **query):
        try:
            self.get(path, **query)
        except urllib.error.HTTPError as error:
            return error.code != 404
        return True


def experiment_of(server, name):
    try:
        return server.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"]
    except urllib.error.HTTPError:
        return server.post("experiments/create", name=name, tags=[{"key": "team", "value": "pricing"}])["experiment_id"]


def signature(n):
    columns = [{"name": f, "type": "double" if f != "status" else "string"} for f in FEATURES[:n]]
    return {"inputs": json.dumps(columns), "outputs": json.dumps([{"type": "double"}])}


def run(server, experiment, name, at, metrics, params, tags, status="FINISHED", steps=0):
    made = server.post("runs/create", experiment_id=experiment, start_time=at, run_name=name,
                       tags=[{"key": "mlflow.runName", "value": name}, {"key": "mlflow.user", "value": "ada"},
                             {"key": "mlflow.source.name", "value": "train.py"}] +
                            [{"key": k, "value": v} for k, v in tags.items()])["run"]["info"]
    last = [{"key": k, "value": v, "timestamp": at + 60000, "step": steps} for k, v in metrics.items()]
    curve = [{"key": "loss", "value": 2 * math.exp(-i / 12) + 0.2, "timestamp": at + i * 1000, "step": i} for i in range(steps)]
    server.post("runs/log-batch", run_id=made["run_id"], metrics=last + curve,
                params=[{"key": k, "value": str(v)} for k, v in params.items()], tags=[])
    if status != "RUNNING":
        server.post("runs/update", run_id=made["run_id"], status=status, end_time=at + 90000)
    return made


def model_of(server, name):
    try:
        return server.get("registered-models/get", name=name)["registered_model"], False
    except urllib.error.HTTPError:
        return server.post("registered-models/create", name=name, description="price of a house",
                           tags=[{"key": "team", "value": "pricing"}])["registered_model"], True


def artifacts(server, made, size, features):
    """Below the run's folder where that is on this machine, else through the artifact proxy; which one differs by server."""
    uri = made.get("artifact_uri", "")
    mlmodel = "flavors: {}\nmodel_size_bytes: %d\nsignature:\n  inputs: '%s'\n  outputs: '%s'\n" % (
        size, signature(features)["inputs"], signature(features)["outputs"])
    files = {"MLmodel": mlmodel.encode(), "data/model.bin": b"x" * size}
    if uri.startswith("mlflow-artifacts:"):
        base = "/api/2.0/mlflow-artifacts/artifacts/" + urllib.parse.urlsplit(uri).path.lstrip("/") + "/model/"
        for path, content in files.items():
            server.call("PUT", base + path, raw=content, headers={"Content-Type": "application/octet-stream"})
    elif uri.startswith("/") and os.access(os.path.dirname(os.path.dirname(os.path.dirname(uri))), os.W_OK):
        for path, content in files.items():
            file = os.path.join(uri, "model", path)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as out:
                out.write(content)


def seed(server, name):
    aliases = server.knows("registered-models/alias", name=name, alias="champion") or server.knows(
        "logged-models/search") or is_two(server)
    experiment = experiment_of(server, name)
    _, fresh = model_of(server, name)
    runs = []
    if fresh:
        now = int(time.time() * 1000)
        for i, (r2, rmse, mae, trees) in enumerate(VERSIONS):
            version = i + 1
            features = 9 if version < 3 else 11
            history = [{"artifact_path": "model", "model_size_bytes": 60000 + version * 9000, "signature": signature(features)}]
            made = run(server, experiment, f"train-{version}", now - (len(VERSIONS) - i) * 86400000,
                       {"r2_score": r2, "rmse": rmse, "mae": mae},
                       {"n_estimators": trees, "max_depth": 8 if version < 6 else 10, "seed": 42},
                       {"git_sha": "abc%d" % version, "mlflow.log-model.history": json.dumps(history)}, steps=40)
            artifacts(server, made, 4000 + version * 500, features)
            runs.append(made["run_id"])
            server.post("model-versions/create", name=name, source=made["artifact_uri"] + "/model", run_id=made["run_id"],
                        description=f"trained on batch {version}",
                        tags=[{"key": "validated", "value": str(version != 2).lower()}])
        run(server, experiment, "train-broken", now - 3600000, {"loss": 9.5}, {"seed": 42}, {}, status="FAILED")
        server.post("model-versions/transition-stage", name=name, version="6", stage="Production", archive_existing_versions=False)
        server.post("model-versions/transition-stage", name=name, version="7", stage="Staging", archive_existing_versions=False)
        for key, value in (("promoted_by", "ada"), ("promotion_reason", "r2 0.412 over 0.384")):
            server.post("model-versions/set-tag", name=name, version="6", key=key, value=value)
        if aliases:
            server.post("registered-models/alias", name=name, alias="champion", version="6")
            server.post("registered-models/alias", name=name, alias="challenger", version="7")
    return {"experiment": experiment, "runs": runs, "aliases": aliases}


def is_two(server):
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + "/version", headers=server.headers), timeout=20):
            return True
    except urllib.error.HTTPError:
        return False


def many(server, models, versions):
    experiment = experiment_of(server, "many")
    now = int(time.time() * 1000)
    made = [run(server, experiment, f"many-{i}", now - i * 60000, {"r2_score": 0.3 + i / 1000}, {"i": i}, {}) for i in range(20)]
    for i in range(models):
        name = f"many-{i:04d}"
        if not model_of(server, name)[1]:
            continue
        for v in range(versions):
            source = made[v % len(made)]
            server.post("model-versions/create", name=name, source=source["artifact_uri"] + "/model", run_id=source["run_id"])
    return {"experiment": experiment}


def delete(server, name):
    server.call("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": name})
    server.post("experiments/delete", experiment_id=experiment_of(server, name))
    return {}


def main():
    server, rest = Server(sys.argv[1]), sys.argv[2:]
    if rest[:1] == ["--many"]:
        said = many(server, int(rest[1]), int(rest[2]))
    elif rest[:1] == ["--delete"]:
        said = delete(server, rest[1])
    else:
        said = seed(server, rest[0] if rest else "real_estate_model")
    print(json.dumps(said))


main()
