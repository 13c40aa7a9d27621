#!/usr/bin/env python3
"""Prometheus and Alertmanager as they should not be: the first part of the path names the lie. Prints its port."""
import http.server
import json
import socketserver
import sys
import threading
import time

LABELS = {"alertname": "A", "severity": "page", "namespace": "n", "pod": "p"}
ALERT = {"labels": LABELS, "annotations": {"summary": "s"}, "startsAt": "2026-11-21T02:00:00Z", "endsAt": "2026-11-21T05:00:00Z",
         "status": {"state": "active", "silencedBy": [], "inhibitedBy": []}, "receivers": [{"name": "r"}], "generatorURL": "http://p/graph?g0.expr=a+%3E+1"}
OWN = {"labels": LABELS, "annotations": {}, "state": "firing", "activeAt": "2026-11-21T02:00:00Z", "value": "1e+00"}
RULES = {"groups": [{"name": "g", "file": "f", "rules": [{"name": "A", "query": "a > 1", "duration": 60, "labels": {"severity": "page"}, "alerts": [OWN],
                                                          "health": "ok", "type": "alerting"}]}]}


def wrong(v):
    """Every value of another type."""
    if isinstance(v, dict):
        return {k: wrong(x) for k, x in v.items()}
    return [v] if isinstance(v, str) else {"x": 1} if isinstance(v, list) else "text"


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, body, status=200, kind="application/json", length=None, headers=()):
        body = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def honest(self, what, alerts=None, own=None):
        if "/api/v2/alerts" in what:
            return self.send([ALERT] if alerts is None else alerts)
        if "/api/v2/silences" in what:
            return self.send([])
        if "/api/v2/status" in what:
            return self.send({"versionInfo": {"version": "0.25.0"}})
        if "/api/v1/alerts" in what:
            return self.send({"status": "success", "data": {"alerts": [OWN] if own is None else own}})
        if "/api/v1/rules" in what:
            return self.send({"status": "success", "data": RULES})
        if "buildinfo" in what:
            return self.send({"status": "success", "data": {"version": "2.42.0"}})
        return self.send({"status": "error", "error": "not here"}, 404)

    def do_GET(self):
        _, lie, what = self.path.split("/", 2)
        what = "/" + what
        listing = "/alerts" in what
        if lie == "honest" or not listing and lie not in ("oops", "basic", "down", "tenant"):
            self.honest(what)
        elif lie == "tenant":
            self.honest(what) if self.headers.get("X-Scope-OrgID") == "team-a" else self.send("no org id", 401, "text/plain")
        elif lie == "oops":
            self.send("<html><h1>Internal error</h1></html>", 500, "text/html")
        elif lie == "page":
            self.send("<html>Please log in</html>", 200, "text/html")
        elif lie == "basic":
            self.send('"unauthorized"', 401)
        elif lie == "busy":
            self.send('"slow down please"', 429, headers=[("Retry-After", "1")])
        elif lie == "cut":
            self.send(json.dumps([ALERT, ALERT] if "v2" in what else {"data": {"alerts": [OWN, OWN]}})[:-40])
        elif lie == "broke":
            self.send(json.dumps([ALERT]), length=100000)
            self.close_connection = True
        elif lie == "other":
            self.send({"data": 5} if "v2" in what else [1, 2])
        elif lie == "wrong":
            self.honest(what, [wrong(ALERT), 5, "x", None, [], {}, {"labels": {}}, ALERT], [wrong(OWN), 5, None, {}, OWN])
        elif lie == "huge":
            big = dict(ALERT, annotations={"summary": "s" * 3000000, "é" * 50: "é" * 300000}, labels=dict(LABELS, alertname="B", x="y" * 2000000))
            many = dict(ALERT, labels={"l%d" % i: "v" * 50 for i in range(5000)})
            self.honest(what, [big, many, dict(ALERT, junk="z" * 9000000), ALERT], [dict(OWN, labels=big["labels"]), OWN])
        elif lie == "control":
            self.honest(what, [dict(ALERT, labels=dict(LABELS, alertname="\x1b[31mred\x07\u202e"))], [])
        elif lie == "slow":
            time.sleep(30)
        elif lie == "late":
            time.sleep(6)
            self.honest(what)
        elif lie == "calm":
            self.honest(what, [], [])
        else:
            self.send("?", 404)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Liar)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
