#!/usr/bin/env python3
"""What a Prometheus or an Alertmanager may do to us: every lie of lying_alerts.py ends in rows, or in a sentence that says what,
where and what to do; never in a crash, an endless wait or an escape sequence on the terminal."""
import json
import os
import subprocess
import sys
import tempfile

import tap
from tap import ok

HERE = os.path.dirname(os.path.abspath(__file__))
BINNACLE = os.environ["BINNACLE"]


def run(kind, lie, *words, more="", timeout="200s", wait=300):
    path = os.path.join(scratch, "b.yaml")
    with open(path, "w") as f:
        f.write(f"sources:\n  liar: {{type: {kind}, url: 'http://127.0.0.1:{port}/{lie}', timeout: {timeout}{more}}}\n")
    done = subprocess.run([BINNACLE, "--config", path, "--wait", str(wait), *words], capture_output=True, timeout=600,
                          env={**os.environ, "HOME": scratch, "XDG_STATE_HOME": scratch})
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def several(sources, *words, wait=120):
    path = os.path.join(scratch, "several.yaml")
    with open(path, "w") as f:
        f.write("sources:\n" + "".join(f"  {name}: {{type: {kind}, url: 'http://127.0.0.1:{port}/{lie}', timeout: 100s}}\n" for name, kind, lie in sources))
    done = subprocess.run([BINNACLE, "--config", path, *(["--wait", str(wait)] if wait else []), *words], capture_output=True,
                          timeout=600, env={**os.environ, "HOME": scratch, "XDG_STATE_HOME": scratch})
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def rows(kind, lie, **more):
    code, said = run(kind, lie, "get", "alerts", "-o", "json", **more)
    try:
        return json.loads(said[said.index("["):said.rindex("]") + 1]), said
    except ValueError:
        return None, f"exit {code}: {said}"


scratch = tempfile.mkdtemp()
server = subprocess.Popen([sys.executable, os.path.join(HERE, "lying_alerts.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline())
try:
    for kind in ("alertmanager", "prometheus"):
        got, said = rows(kind, "honest")
        ok(got and len(got) == 1 and got[0]["name"] == "A" and got[0]["state"] == "firing" and got[0]["about"] == "pod n/p" and got[0]["expr"] == "a > 1",
           f"{kind}: honest", said)
        for lie, words in (("oops", ("500",)), ("page", ("instead of JSON", "own address")), ("basic", ("401", "set user and password")),
                           ("busy", ("429",)), ("cut", ("cut short",)), ("broke", ("broke",)), ("other", ("not what it should be",)),
                           ("slow", ("did not answer within 3 s",))):
            for wait in (6, 90):     # what may become better is asked again until then: no longer than a busy machine needs
                code, said = run(kind, lie, "get", "alerts", timeout="3s" if lie == "slow" else "200s", wait=wait)
                if all(w in said for w in words):
                    break
            ok(code > 0 and all(w in said for w in words), f"{kind}: {lie}: {' ... '.join(words)}", code, said)
        got, said = rows(kind, "wrong")
        ok(got is not None and any(a["name"] == "A" and a["state"] == "firing" for a in got), f"{kind}: what has the right types is kept", said)
        got, said = rows(kind, "huge")
        ok(got and any(a["name"] == "A" for a in got) and len(said) < 400000, f"{kind}: megabytes in one field stay small", said[:200], len(said))
        got, said = rows(kind, "tenant", more=", tenant: team-a")
        ok(got and len(got) == 1, f"{kind}: the tenant is sent", said)
        code, said = run(kind, "tenant", "get", "alerts")
        ok(code > 0 and "tenant" in said, f"{kind}: and named where it is wanted", said)
    # what Prometheus has is told for itself only once it is known what the Alertmanager has of it, however long that takes
    code, said, err = several([("prom", "prometheus", "honest"), ("am", "alertmanager", "late")], "get", "alerts", "-o", "json")
    got = {a["source"]: a["state"] for a in json.loads(said or "[]")}
    ok(code == 0 and got == {"prom": "routed", "am": "firing"}, "an alert that a late Alertmanager has too is not told twice", code, got, err)
    # of whom nothing was heard it is not known whether all is calm, nor whose alert is meant
    code, said, err = several([("one", "alertmanager", "calm"), ("am", "alertmanager", "slow")], "triage", wait=4)
    ok(code == 4 and said == "" and "am: no answer in time" in err, "triage is not calm while one has not answered", code, said, err)
    code, said, err = several([("prom", "prometheus", "calm"), ("am", "alertmanager", "calm")], "triage")
    ok(code == 0 and "nothing wrong" in said, "and is when all have", code, said, err)
    key = rows("alertmanager", "honest")[0][0]["fingerprint"]
    code, said, err = several([("one", "alertmanager", "honest"), ("two", "alertmanager", "slow")], "act", "silence", "alerts", key, "comment=c", "--plan", wait=None)
    ok(code == 2 and "say which one with --source: one, two" in err, "an act on one of two waits for both, or says so", code, said, err)
    code, said, err = several([("one", "alertmanager", "honest"), ("two", "alertmanager", "calm")], "act", "silence", "alerts", key, "comment=c", "--plan", wait=None)
    ok(code == 0 and "one: " in said, "and goes to the one that has it", code, said, err)
    code, said = run("alertmanager", "control", "snapshot", "alerts", "--size", "100x20")
    ok("red" in said and "\x1b[31m" not in said and "\x07" not in said and "\u202e" not in said, "control characters are shown, not sent", repr(said[:600]))
finally:
    server.stdin.close()
    server.kill()
    subprocess.run(["rm", "-rf", scratch], check=False)
tap.done()
