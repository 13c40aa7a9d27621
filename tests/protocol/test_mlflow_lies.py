#!/usr/bin/env python3
"""What an MLflow server may do to us: every lie of lying_mlflow.py ends in rows, or in a sentence that says what, where and
what to do; never in a crash, an endless wait or a secret shown. One lie never dims the honest server beside it."""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

import tap
from tap import ok

HERE = os.path.dirname(os.path.abspath(__file__))
BINNACLE = os.environ["BINNACLE"]


def config(lies, more=""):
    path = os.path.join(scratch, "b.yaml")
    with open(path, "w") as f:
        f.write("environments:\n  dev: {}\nsources:\n")
        for lie in lies:
            f.write(f"  {lie}:\n    type: mlflow\n    environment: dev\n    url: http://127.0.0.1:{port}/{lie}\n"
                    f"    timeout: {'3s' if lie == 'slow' else '200s'}\n{more}")
    return path


def run(lies, *words, more="", env=None, wait=300):
    path = config(lies, more)
    done = subprocess.run([BINNACLE, "--config", path, "--wait", str(wait), *words], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "HOME": scratch, "XDG_STATE_HOME": scratch, **(env or {})})
    return done.returncode, done.stdout + done.stderr


def rows(lies, kind, **more):
    code, said = run(lies, "get", kind, "-o", "json", **more)
    try:
        return json.loads(said[said.index("["):said.rindex("]") + 1]), said
    except ValueError:
        return None, f"exit {code}: {said}"


def says(lie, kind, *words, more=""):
    for wait in (6, 90):             # what may become better is asked again until then: no longer than a busy machine needs
        code, said = run([lie], "get", kind, more=more, wait=wait)
        if all(w in said for w in words):
            break
    ok(code > 0 and all(w in said for w in words), f"{lie}: {' ... '.join(words)}", code, said)


scratch = tempfile.mkdtemp()
server = subprocess.Popen([sys.executable, os.path.join(HERE, "lying_mlflow.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline())
try:
    got, said = rows(["honest"], "versions")
    ok(got and len(got) == 4 and got[0]["value"] == 10 and got[0]["role"] == "champion", "honest: versions with metrics and roles", said)
    got, said = rows(["honest"], "models")
    ok(got and [m["name"] for m in got] == ["a", "b"] and got[0]["trend"] == "10 11", "honest: both pages of models, with a trend", said)

    says("cut", "models", "cut short")
    says("broken", "models", "broke")
    says("page", "models", "instead of JSON", "address")
    says("oops", "models", "500")
    says("busy", "models", "slow down")
    says("forbidden", "models", "Permission denied")
    says("basic", "models", "401", "set user and password")
    says("slow", "models", "did not answer within 3 s")
    says("host", "models", "Invalid Host header", "--allowed-hosts")

    secret = "    user: ada\n    password: {env: T_PASSWORD}\n"
    got, said = rows(["basic"], "models", more=secret, env={"T_PASSWORD": "s3cret"})
    ok(got and len(got) == 2, "basic: let in by user and password", said)
    code, said = run(["basic"], "get", "models", more=secret, env={"T_PASSWORD": "wr0ng"})
    ok(code > 0 and "see that user and password" in said and "wr0ng" not in said, "basic: a wrong password is said, not shown", said)
    code, said = run(["basic"], "get", "models", more=secret)
    ok(code > 0 and "T_PASSWORD" in said, "basic: a password that is not set is said so", said)
    got, said = rows(["bearer"], "models", more="    token: {command: echo t0ken}\n")
    ok(got and len(got) == 2, "bearer: let in by a token from a command", said)
    got, said = rows(["host"], "models", more="    host: mlflow.internal\n")
    ok(got and len(got) == 2, "host: let in under the name it knows", said)

    tenant = "    headers: {X-Scope-OrgID: ml, x-route: 'a b'}\n"
    got, said = rows(["tenant"], "models", more=tenant)
    ok(got and len(got) == 2, "headers: let in as that tenant", said)
    says("tenant", "models", "answered 400")
    got, said = rows(["apikey"], "models", more="    token: {env: T_KEY}\n    token_header: X-Api-Key\n", env={"T_KEY": "k3y"})
    ok(got and len(got) == 2, "token_header: let in by a gateway's key", said)
    says("tenant", "models", "authorization is a secret", "token:", "correct line", more="    headers: {authorization: Bearer t0ken}\n")
    says("tenant", "models", "'X Scope' is no name of a header", "correct line", more="    headers: {X Scope: ml}\n")
    code, said = run(["tenant"], "get", "models", more='    headers: {X-Scope-OrgID: "s3cret\\r\\nX-Evil: 1"}\n')
    ok(code > 0 and "bytes that no header may" in said and "s3cret" not in said, "headers: none is smuggled in", said)

    got, said = rows(["parts"], "trainings")
    ok(got and len(got) == 4, "parts: what may be read is read", said)
    says("parts", "models", "no registry for you")

    got, said = rows(["types"], "models")
    ok(got is not None and [m["name"] for m in got] == ["c"], "types: wrong types are unknown, not fatal", said)
    got, said = rows(["nan"], "versions")
    ok(got and len(got) == 4 and all(v["value"] is None for v in got), "nan: what is no number is unknown", said)
    got, said = rows(["states"], "trainings")
    ok(got and len(got) == 4 and got[0]["status"].startswith("PAUSED"), "states: an unknown state is shown as it is", said)
    got, said = rows(["large"], "models")
    ok(got and len(got[0]["description"]) <= 200 and not got[1]["description"], "large: a long field is cut, an endless one left out", said)
    got, said = rows(["loop"], "models")
    ok(got is not None and len(got) >= 1, "loop: pages that lead to themselves end", said)
    got, said = rows(["newer"], "models")
    ok(got and len(got) == 2, "newer: an unknown version is read all the same", said)
    code, said = run(["newer"], "doctor")
    ok("9.1.0" in said and "known to work" in said, "newer: doctor says that it is not known", said)

    got, said = rows(["honest", "oops", "slow", "types"], "models")
    ok(got and {m["name"] for m in got if m.get("source", "honest") == "honest"} >= {"a", "b"}, "one server's failure never dims another", said)
    code, said = run(["honest", "slow"], "doctor")
    ok("honest" in said and "ok     registry" in said, "doctor looks at each", said)

    asked = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/count"))
    ok(asked["busy"] <= 3, "busy: asked no more than it wants", asked)
finally:
    server.stdin.close()
    server.wait(10)
tap.done()
