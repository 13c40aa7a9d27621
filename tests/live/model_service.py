#!/usr/bin/env python3
"""The tests' own model service: a price model behind REST with an OpenAPI description, as teams write it.

    model_service.py PORT [MODEL_VERSION] [--mlflow URL] [--model NAME] [--canary VERSION]      (PG_URI in the environment: logs there)

With --mlflow it loads what the registry has in production: the alias champion, or stage Production where there are no
aliases; when that version's source is s3://BUCKET/KEY, its model.json is fetched from there, signed (S3_URL, S3_ACCESS_KEY,
S3_SECRET_KEY): {"weights": {...}, "base":}. What cannot be loaded leaves the old model in place.
With --canary, a request with the header `x-canary: always` is answered by that version, as a gateway in front would route it.

Endpoints: /openapi.json /predict /explain /health /ready /reload /model /predictions/history, and for tests
POST /faults {"only": the version that has them, "slow_ms":, "status":, "text":, "nested":, "html":, "truncate":, "nan":, "huge":, "unready":} of predictions,
{"reload": "broken" (fails, keeps the old) | "silent" (keeps it and says well) | "html" (500, a page) | "cut" (loads, no
answer) | "lost" (does not load, no answer) | "wrong" (answers with a version that it does not serve), "reload_ms": it takes so long, "cold": the next so
many predictions take 150 ms longer} ({} ends all), GET /calls (how many of each path were seen).

The model is additive in log1p(price): contributions are exact Shapley values in that space,
and base + sum = log1p(price) to the last digit.
"""
import argparse
import datetime
import hashlib
import hmac
import json
import math
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATES = {"California": 12.9, "Texas": 12.3, "New York": 12.8, "Florida": 12.4, "Ohio": 11.9,
          "Massachusetts": 12.95, "Puerto Rico": 11.6}
FEATURES = ["bed", "bath", "acre_lot", "house_size", "state_price_mean", "is_sold", "rooms_per_sqft"]
MEANS = {"bed": 3.3, "bath": 2.4, "acre_lot": 0.2, "house_size": 7.45, "state_price_mean": 12.4, "is_sold": 0.3,
         "rooms_per_sqft": 3.1}
WEIGHTS = {
    "6": {"bed": -0.031, "bath": 0.142, "acre_lot": 0.052, "house_size": 0.475, "state_price_mean": 0.61,
          "is_sold": -0.045, "rooms_per_sqft": -0.012},
    "7": {"bed": -0.022, "bath": 0.131, "acre_lot": 0.071, "house_size": 0.561, "state_price_mean": 0.64,
          "is_sold": -0.061, "rooms_per_sqft": -0.018},
}
BASE = {"6": 12.71, "7": 12.74}


class Bad(Exception):
    pass


def number(body, name, default, low, high, whole=False):
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise Bad([{"type": "float_type", "loc": ["body", name], "msg": "Input should be a valid number", "input": value}])
    if whole and value != int(value):
        raise Bad([{"type": "int_from_float", "loc": ["body", name],
                    "msg": "Input should be a valid integer, got a number with a fractional part", "input": value}])
    if not low <= value <= high:
        raise Bad([{"type": "range", "loc": ["body", name],
                    "msg": f"Input should be between {low} and {high}", "input": value}])
    return value


def features(body):
    """The input as the model sees it; Bad says which field is wrong, in FastAPI's words."""
    if not isinstance(body, dict):
        raise Bad([{"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary"}])
    if "house_size" not in body:
        raise Bad([{"type": "missing", "loc": ["body", "house_size"], "msg": "Field required", "input": body}])
    bed = number(body, "bed", 3, 0, 20, whole=True)
    bath = number(body, "bath", 2, 0, 20)
    size = number(body, "house_size", 1800, 100, 20000)
    acre = number(body, "acre_lot", 0.25, 0, 1000)
    state = body.get("state", "California")
    if state not in STATES:
        raise Bad([{"type": "enum", "loc": ["body", "state"], "input": state,
                    "msg": "Input should be " + ", ".join(repr(s) for s in STATES)}])
    status = body.get("status", "for_sale")
    if status not in ("for_sale", "sold", None):
        raise Bad([{"type": "enum", "loc": ["body", "status"], "msg": "Input should be 'for_sale' or 'sold'", "input": status}])
    return {"bed": bed, "bath": bath, "acre_lot": math.log1p(acre), "house_size": math.log1p(size),
            "state_price_mean": STATES[state], "is_sold": 1.0 if status == "sold" else 0.0,
            "rooms_per_sqft": 1000.0 * (bed + bath) / size}


class Model:
    def __init__(self, version, name, mlflow):
        self.name, self.mlflow, self.lock = name, mlflow, threading.Lock()
        self.version, self.run_id, self.stage = version, "local" + version.rjust(27, "0"), "champion"
        self.weights, self.base = self.known(version)
        self.origin, self.loads, self.cold = "built in", 0, 0
        self.loaded_at = self.now()
        try:
            self.reload()
        except Exception as e:
            print("keeps the built-in model:", e, flush=True)

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")

    @staticmethod
    def known(version):
        number = int(version) if str(version).isdigit() else 0
        return (WEIGHTS.get(version) or {k: w * (1 + 0.01 * (number % 5)) for k, w in WEIGHTS["6"].items()},
                BASE.get(version, 12.7))

    def production(self):
        """The version that the registry has in production."""
        query = urllib.parse.urlencode({"name": self.name, "alias": "champion"})
        try:
            return self.get("registered-models/alias?" + query)["model_version"]
        except urllib.error.HTTPError as e:   # 1.x has no aliases
            if e.code not in (400, 404):
                raise
        query = urllib.parse.urlencode({"filter": f"name='{self.name}'", "max_results": 100})
        for one in self.get("model-versions/search?" + query).get("model_versions", []):
            if one.get("current_stage") == "Production":
                return one
        raise LookupError(f"no version of '{self.name}' is in production")

    def reload(self):
        """All or nothing: what raises has changed nothing."""
        found = self.production() if self.mlflow else {"version": self.version, "run_id": self.run_id}
        weights, base, origin = *self.known(found["version"]), "built in"
        source = found.get("source") or ""
        if source.startswith("s3://"):
            bucket, _, key = source[5:].partition("/")
            origin = f"s3://{bucket}/{key}/model.json"
            loaded = json.loads(s3_get(bucket, key + "/model.json"))
            weights, base = {k: float(loaded["weights"][k]) for k in FEATURES}, float(loaded["base"])
        with self.lock:
            self.version, self.run_id = found["version"], found.get("run_id") or ""
            self.weights, self.base, self.origin, self.loaded_at = weights, base, origin, self.now()
            self.loads += 1

    def get(self, path):
        with urllib.request.urlopen(self.mlflow.rstrip("/") + "/api/2.0/mlflow/" + path, timeout=5) as answer:
            return json.load(answer)

    def run(self, body):
        seen = features(body)
        shap = {k: self.weights[k] * (seen[k] - MEANS[k]) for k in FEATURES}
        return seen, shap, math.expm1(self.base + sum(shap.values()))


def s3_get(bucket, key):
    """An object, by Signature Version 4, path style."""
    url = os.environ["S3_URL"].rstrip("/")
    path = "/" + urllib.parse.quote(f"{bucket}/{key}", safe="/~")
    at = datetime.datetime.now(datetime.timezone.utc)
    stamp, scope = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d") + "/us-east-1/s3/aws4_request"
    empty, host = hashlib.sha256(b"").hexdigest(), urllib.parse.urlsplit(url).netloc
    head = f"host:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n"
    names = "host;x-amz-content-sha256;x-amz-date"
    asked = hashlib.sha256(f"GET\n{path}\n\n{head}\n{names}\n{empty}".encode()).hexdigest()
    sign = ("AWS4" + os.environ["S3_SECRET_KEY"]).encode()
    for part in scope.split("/"):
        sign = hmac.new(sign, part.encode(), hashlib.sha256).digest()
    sign = hmac.new(sign, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{asked}".encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(url + path, headers={
        "x-amz-content-sha256": empty, "x-amz-date": stamp, "Authorization":
        f"AWS4-HMAC-SHA256 Credential={os.environ['S3_ACCESS_KEY']}/{scope}, SignedHeaders={names}, Signature={sign}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


class Log:
    """inference_logs through one psql that stays as long as its server does; nothing without PG_URI."""

    def __init__(self, uri):
        self.uri, self.psql, self.lock, self.recent = uri, None, threading.Lock(), []
        if uri:
            self.say("create table if not exists inference_logs (id serial primary key, timestamp timestamp "
                     "default now(), inputs json, predicted_price double precision, model_version text, "
                     "model_run_id text, response_time_ms double precision, request_id text);")

    def say(self, line):
        """True once it was done; the server may have been restarted since the last time."""
        for _ in range(2):
            if not self.psql or self.psql.poll() is not None:
                self.psql = subprocess.Popen(["psql", "-qX", self.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                self.psql.stdin.write(line + "\n\\echo done\n")
                self.psql.stdin.flush()
                if self.psql.stdout.readline():
                    return True
            except OSError:
                pass
            self.psql.wait()
        return False

    def add(self, inputs, answer, ms):
        def quoted(text):
            return "'" + str(text).replace("'", "''") + "'"
        with self.lock:
            self.recent = ([{"timestamp": answer["timestamp"], "inputs": inputs, "predicted_price": answer["price"],
                             "model_version": answer["model_version"], "response_time_ms": ms,
                             "request_id": answer["request_id"]}] + self.recent)[:500]
            if self.uri:
                self.say("insert into inference_logs (inputs, predicted_price, model_version, model_run_id, "
                         f"response_time_ms, request_id) values ({quoted(json.dumps(inputs))}, {answer['price']}, "
                         f"{quoted(answer['model_version'])}, {quoted(answer['model_run_id'])}, {ms:.3f}, "
                         f"{quoted(answer['request_id'])});")


def ref(name):
    return {"$ref": "#/components/schemas/" + name}


def openapi():
    """As FastAPI with pydantic 2 writes it."""
    schemas = {
        "State": {"type": "string", "enum": list(STATES), "title": "State"},
        "RealEstateInput": {
            "title": "RealEstateInput", "type": "object", "required": ["house_size"], "properties": {
                "bed": {"type": "integer", "minimum": 0, "maximum": 20, "default": 3, "title": "Bed",
                        "description": "bedrooms"},
                "bath": {"type": "number", "minimum": 0, "maximum": 20, "default": 2, "title": "Bath"},
                "acre_lot": {"type": "number", "minimum": 0, "maximum": 1000, "default": 0.25, "title": "Acre Lot"},
                "house_size": {"type": "number", "minimum": 100, "maximum": 20000, "title": "House Size",
                               "description": "square feet", "examples": [1800]},
                "state": {"allOf": [ref("State")], "default": "California"},
                "status": {"anyOf": [{"type": "string", "enum": ["for_sale", "sold"]}, {"type": "null"}],
                           "default": "for_sale", "title": "Status"}}},
        "Prediction": {"type": "object", "title": "Prediction", "properties": {
            "price": {"type": "number"}, "model_version": {"type": "string"}, "request_id": {"type": "string"}}},
    }
    answers = {"200": {"description": "ok", "content": {"application/json": {"schema": ref("Prediction")}}}}
    takes = {"required": True, "content": {"application/json": {"schema": ref("RealEstateInput")}}}
    get = {"get": {"responses": {"200": {"description": "ok"}}}}
    return {"openapi": "3.1.0", "info": {"title": "Real estate prices", "version": "1.4.0"}, "paths": {
        "/predict": {"post": {"summary": "Predict", "requestBody": takes, "responses": answers}},
        "/explain": {"post": {"summary": "Explain", "requestBody": takes, "responses": answers}},
        "/reload": {"post": {"responses": {"200": {"description": "ok"}}}},
        "/health": get, "/ready": get, "/model": get, "/predictions/history": get},
        "components": {"schemas": schemas}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True    # head and body are two writes: without it an answer waits 40 ms for an acknowledgement

    def log_message(self, *_):
        pass

    def model(self):
        return self.server.canary if self.server.canary and self.headers.get("x-canary") == "always" else self.server.model

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def seen(self):
        path = urllib.parse.urlsplit(self.path).path
        with self.server.model.lock:
            self.server.calls[path] = self.server.calls.get(path, 0) + 1
        return path

    def do_GET(self):
        model, path = self.model(), self.seen()
        if path == "/openapi.json":
            self.answer(200, openapi())
        elif path == "/health":
            self.answer(200, {"status": "healthy", "model_loaded": True})
        elif path == "/ready":
            ready = not self.server.faults.get("unready")
            self.answer(200 if ready else 503, {"ready": ready} if ready else {"detail": "model is not loaded"})
        elif path == "/model":
            self.answer(200, {"model_name": model.name, "model_version": model.version, "model_stage": model.stage,
                              "model_run_id": model.run_id, "loaded_at": model.loaded_at, "loaded_from": model.origin,
                              "features": FEATURES})
        elif path == "/predictions/history":
            self.answer(200, {"predictions": self.server.log.recent[:100]})
        elif path == "/calls":
            self.answer(200, self.server.calls)
        else:
            self.answer(404, {"detail": "Not Found"})

    def do_POST(self):
        start, path = time.monotonic(), self.seen()
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        except ValueError as e:
            return self.answer(422, {"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": f"JSON decode error: {e}"}]})
        if path == "/faults":
            self.server.faults = body or {}
            return self.answer(200, self.server.faults)
        if path == "/reload":
            return self.reload()
        if path not in ("/predict", "/explain"):
            return self.answer(404, {"detail": "Not Found"})
        if self.fault():
            return None
        try:
            answer = self.predict(body, path == "/explain", start)
        except Bad as e:
            return self.answer(422, {"detail": e.args[0]})
        return self.answer(200, answer)

    def reload(self):
        model, faults = self.server.model, self.server.faults
        how = faults.get("reload")
        time.sleep(faults.get("reload_ms", 0) / 1000)
        try:
            if how == "broken":
                raise ValueError("model.json is truncated (told to)")
            if how not in ("silent", "lost", "html", "wrong"):
                model.reload()
        except Exception as e:
            return self.answer(500, {"detail": f"keeps version {model.version}: {type(e).__name__}: {e}"})
        if how == "html":
            return self.answer(500, b"<html><body><h1>Internal Server Error</h1></body></html>", "text/html")
        if how in ("cut", "lost"):
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        return self.answer(200, {"status": "reloaded", "model_version": "99" if how == "wrong" else model.version})

    def predict(self, body, explain, start):
        model = self.model()
        if self.server.faults.get("cold", 0) > 0:
            self.server.faults["cold"] -= 1
            time.sleep(0.15)
        seen, shap, price = model.run(body)
        answer = {"price": round(price, 2), "model_version": model.version, "model_stage": model.stage,
                  "model_run_id": model.run_id, "request_id": uuid.uuid4().hex[:12],
                  "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())}
        if explain:
            answer.update(shap_values=[shap[k] for k in FEATURES], base_value=model.base, feature_names=FEATURES,
                          feature_values=[seen[k] for k in FEATURES])
        else:
            self.server.log.add(body, answer, (time.monotonic() - start) * 1000)
        return answer

    def fault(self):
        """True: answered already, wrongly, as told by POST /faults."""
        faults = self.server.faults
        if faults.get("only", self.model().version) != self.model().version:
            return False
        if faults.get("slow_ms"):
            time.sleep(faults["slow_ms"] / 1000)
        if faults.get("html"):
            self.answer(int(faults.get("status", 500)), b"<html><body><h1>Internal Server Error</h1></body></html>", "text/html")
        elif faults.get("status"):
            self.answer(int(faults["status"]), {"detail": faults.get("detail", "told to fail")})
        elif faults.get("text"):
            self.answer(200, str(faults["text"]).encode(), "text/plain")
        elif faults.get("nested"):
            self.answer(200, {"predictions": [[[[412000.5], [1.0]], []]], "model_version": {"major": 7}})
        elif faults.get("truncate"):
            self.answer(200, b'{"price": 4120')
        elif faults.get("nan"):
            self.answer(200, b'{"price": NaN, "model_version": "6", "shap_values": [Infinity]}')
        elif faults.get("huge"):
            self.answer(200, b'{"price": 1, "note": "' + b"x" * 3000000 + b'"}')
        else:
            return False
        return True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    args = argparse.ArgumentParser()
    args.add_argument("port", type=int)
    args.add_argument("version", nargs="?", default=os.environ.get("MODEL_VERSION", "6"))
    args.add_argument("--model", default="real_estate_model")
    args.add_argument("--mlflow")
    args.add_argument("--canary")
    args = args.parse_args()
    server = Server(("127.0.0.1", args.port), Handler)
    server.model = Model(args.version, args.model, args.mlflow)
    server.canary = args.canary and Model(args.canary, args.model, None)
    server.log, server.faults, server.calls = Log(os.environ.get("PG_URI")), {}, {}
    server.serve_forever()


if __name__ == "__main__":
    main()
