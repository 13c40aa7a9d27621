#!/usr/bin/env python3
"""An MLflow server that lies, for test_mlflow_lies.py: it prints its port. The first part of a path names the lie:
http://127.0.0.1:PORT/cut is a server whose answers are cut short. /honest is one that does not lie. /count tells how
many requests each lie has had."""
import http.server
import json
import sys
import threading
import time
import urllib.parse

COUNT = {}
LOCK = threading.Lock()


def version(name, number, run, **more):
    return {"name": name, "version": str(number), "creation_timestamp": 1795231090385, "last_updated_timestamp": 1795231090385,
            "current_stage": "None", "source": f"/art/{run}/artifacts/model", "run_id": run, "status": "READY", **more}


def honest(path, query, body):
    models = [{"name": n, "creation_timestamp": 1, "last_updated_timestamp": 1795231090385,
               "aliases": [{"alias": "champion", "version": "1"}, {"alias": "challenger", "version": "2"}]} for n in ("a", "b")]
    versions = [version(m["name"], v, f"{m['name']}{v}") for m in models for v in (1, 2)]
    runs = [{"info": {"run_id": v["run_id"], "experiment_id": "0", "status": "FINISHED", "start_time": 1, "end_time": 2},
             "data": {"metrics": [{"key": "rmse", "value": 10.0 + i}], "params": [{"key": "n", "value": "1"}]}}
            for i, v in enumerate(versions)]
    if path.endswith("/registered-models/search"):
        start = int(query.get("page_token", ["0"])[0].replace("again", "0"))
        answer = {"registered_models": models[start:start + 1]}
        if start == 0:
            answer["next_page_token"] = "1"
        return answer
    if path.endswith("/model-versions/search"):
        return {"model_versions": versions}
    if path.endswith("/experiments/search"):
        return {"experiments": [{"experiment_id": "0", "name": "Default", "lifecycle_stage": "active"}]}
    if path.endswith("/runs/search"):
        return {"runs": runs}
    if path.endswith("/metrics/get-history"):
        return {"metrics": [{"key": "rmse", "value": 1.5, "timestamp": 1, "step": 0}]}
    return None


def wrong_types(o):
    """Every text a number, every number a text, every list an object."""
    if isinstance(o, dict):
        return {k: wrong_types(v) for k, v in o.items()}
    if isinstance(o, list):
        return [wrong_types(v) for v in o] + [None, 7, "x", {"name": 5}, {"name": "c", "version": {}}]
    return 17 if isinstance(o, str) and o not in ("a", "b", "1", "2") else [o]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, code, data, kind="application/json", **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        _, lie, rest = (url.path + "/").split("/", 2)
        path, query = "/" + rest.rstrip("/"), urllib.parse.parse_qs(url.query)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK:
            COUNT[lie] = COUNT.get(lie, 0) + 1
        if lie == "count":
            return self.say(200, json.dumps(COUNT).encode())
        if path == "/version" and lie not in ("slow", "basic", "bearer", "host", "tenant", "apikey", "busy"):
            return self.say(200, b"9.1.0" if lie == "newer" else b"2.22.5", "text/plain")
        return getattr(self, "lie_" + lie, self.lie_honest)(honest(path, query, body), path)

    do_GET = do_POST = answer

    def lie_honest(self, o, path):
        self.say(200 if o is not None else 404, json.dumps(o or {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}).encode())

    def lie_cut(self, o, path):
        self.say(200, json.dumps(o).encode()[:-20])

    def lie_broken(self, o, path):
        data = json.dumps(o).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:40])
        self.close_connection = True

    def lie_page(self, o, path):
        self.say(200, b"<html>log in", "text/html")

    def lie_oops(self, o, path):
        self.say(500, b"<h1>Internal Server Error</h1>", "text/html")

    def lie_busy(self, o, path):
        self.say(429, b'{"message":"slow down"}', Retry_After="60")

    def lie_tenant(self, o, path):
        if (self.headers.get("X-Scope-OrgID"), self.headers.get("x-route")) != ("ml", "a b"):
            return self.say(400, b"no tenant", "text/plain")
        self.lie_honest(o, path)

    def lie_apikey(self, o, path):
        if self.headers.get("X-Api-Key") != "k3y" or "Authorization" in self.headers:
            return self.say(403, b'{"message":"Forbidden"}')
        self.lie_honest(o, path)

    def lie_forbidden(self, o, path):
        self.say(403, b'{"error_code":"PERMISSION_DENIED","message":"Permission denied"}')

    def lie_host(self, o, path):
        if self.headers.get("Host") == "mlflow.internal":
            return self.lie_honest(o if path != "/version" else "2", path)
        self.say(403, b"Invalid Host header - possible DNS rebinding attack detected", "text/plain")

    def lie_basic(self, o, path):
        if self.headers.get("Authorization") == "Basic YWRhOnMzY3JldA==":
            return self.lie_honest(o if path != "/version" else "2", path)
        self.say(401, b"You are not authenticated", "text/html", WWW_Authenticate='Basic realm="mlflow"')

    def lie_bearer(self, o, path):
        if self.headers.get("Authorization") == "Bearer t0ken":
            return self.lie_honest(o if path != "/version" else "2", path)
        self.say(401, b'{"error_code":"UNAUTHENTICATED","message":"bad token"}')

    def lie_parts(self, o, path):
        """The registry is not to be read; the rest is."""
        if "model" in path:
            return self.say(403, b'{"error_code":"PERMISSION_DENIED","message":"no registry for you"}')
        self.lie_honest(o, path)

    def lie_types(self, o, path):
        self.say(200, json.dumps(wrong_types(o)).encode())

    def lie_nan(self, o, path):
        text = json.dumps(o).replace("10.0", "NaN").replace("11.0", '"NaN"').replace("12.0", "-Infinity").replace("13.0", "1e999")
        self.say(200, text.encode())

    def lie_states(self, o, path):
        text = json.dumps(o).replace('"READY"', '"HALF_READY"').replace('"None"', '"Limbo"').replace('"FINISHED"', '"PAUSED_\\u202e"')
        self.say(200, text.encode())

    def lie_large(self, o, path):
        """Megabytes in one field; more than is taken in another."""
        for m in (o or {}).get("registered_models", []):
            m["description"] = "x" * ((3 << 20) if m["name"] == "a" else (9 << 20))
        self.lie_honest(o, path)

    def lie_loop(self, o, path):
        if o and "registered_models" in o:
            o["next_page_token"] = "again"
        self.lie_honest(o, "")

    def lie_slow(self, o, path):
        time.sleep(20)
        self.lie_honest(o, path)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
