#!/usr/bin/env python3
"""A node that moves on between the look and the request, as kubelets and controllers make it: what is asked for goes through where
only its status moved, nothing goes out anew where somebody changed it, and a node that never rests is given up and told."""
import http.server, json, os, subprocess, tempfile, threading
import tap

BINNACLE = os.environ["BINNACLE"]


class Cluster(http.server.ThreadingHTTPServer):
    """One node, n1. `moves`: what happens to it before each request that is no dry run."""

    def __init__(self, moves):
        super().__init__(("127.0.0.1", 0), Handler)
        self.moves, self.version, self.labels, self.spec, self.taken, self.asked = moves, 100, {}, {}, 0, 0

    def node(self):
        taints = [{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}] if self.version % 2 else []
        return {"apiVersion": "v1", "kind": "Node", "status": {"conditions": [{"type": "Ready", "n": self.version}]},
                "metadata": {"name": "n1", "uid": "u-1", "resourceVersion": str(self.version), "labels": self.labels,
                             "managedFields": [{"manager": "somebody", "time": "2026-11-22T03:00:00Z"}]},
                "spec": dict(self.spec, taints=taints)}

    def patch(self, body, dry):
        if not dry:
            self.asked += 1
            move = self.moves.pop(0) if self.moves else ""
            self.version += bool(move)
            if move == "label":
                self.labels = {"by": "somebody"}
        if body["metadata"]["resourceVersion"] != str(self.version):
            return 409, {"kind": "Status", "code": 409, "reason": "Conflict", "message": "the object has been modified"}
        if not dry:
            self.version += 1
            self.taken += 1
            self.spec = {k: v for k, v in dict(self.spec, **body["spec"]).items() if v is not None}
        return 200, self.node()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path.startswith("/api/v1/nodes/n1"):
            return self.say(200, self.server.node())
        self.say(404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not here"})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.say(404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not here"})

    def do_PATCH(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.say(*self.server.patch(body, "dryRun=All" in self.path))


def cordon(moves):
    """Its cluster, the exit code, and what was said."""
    with tempfile.TemporaryDirectory() as home, Cluster(moves) as cluster:
        threading.Thread(target=cluster.serve_forever, daemon=True).start()
        kubeconfig, config = home + "/kubeconfig", home + "/binnacle.yaml"
        with open(kubeconfig, "w") as f:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                       "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{cluster.server_port}"}}],
                       "users": [{"name": "u", "user": {"token": "t"}}],
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}, f)
        with open(config, "w") as f:
            json.dump({"environments": {"test": {}}, "sources": {"kube": {"type": "kubernetes", "environment": "test",
                                                                           "kubeconfig": kubeconfig}}}, f)
        out = subprocess.run([BINNACLE, "--config", config, "act", "cordon", "nodes", "n1", "--yes"], capture_output=True, text=True,
                             timeout=120, env=dict(os.environ, HOME=home, XDG_STATE_HOME=home, XDG_CONFIG_HOME=home))
        cluster.shutdown()
        return cluster, out.returncode, out.stdout + out.stderr


cluster, code, said = cordon([])
tap.ok(code == 0 and cluster.asked == 1 and cluster.spec == {"unschedulable": True}, "one that rests is asked once", code, said)

cluster, code, said = cordon(["status", "status"])
tap.ok(code == 0 and cluster.asked == 3 and cluster.taken == 1, "a status that moves on is no obstacle", code, cluster.asked, said)
tap.ok("only its status moved on" in said, "and that is told", said)

cluster, code, said = cordon(["label"])
tap.ok(code != 0 and cluster.asked == 1 and not cluster.taken, "what somebody changed is not asked for anew", code, said)
tap.ok("it changed since the plan was shown (last by 'somebody')" in said, "and who changed it is told", said)

cluster, code, said = cordon(["status"] * 100)
tap.ok(code != 0 and cluster.asked == 6 and not cluster.taken, "one that never rests is given up", code, cluster.asked, said)
tap.ok("it changed since the plan was shown: plan again" in said, "and that is told", said)
tap.done()
