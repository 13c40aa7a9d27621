#!/usr/bin/env python3
"""Kills promotions and says what became of them.

    runbook_kills.py BINNACLE CONFIG MODEL MLFLOW_URL SERVICE_URL COUNT SEED [EVENT...]

CONFIG promotes MODEL from v6 to v7 in the registry, by its alias or by its stage, and reloads a service of the tests
(model_service.py). COUNT times for each EVENT the program is killed with SIGKILL:
  start:2         when that line of its journal is on disk
  sent:2          when the registry has taken the second request that changes it, and before the answer comes
  back/undoing:1  the same two while it goes back, because the reload fails
Without an event it is at random moments between the journal's first line and well after its end. Then `binnacle runbooks` has to
know all of it, and going on or going back (by turns) has to end where it says. Nothing else may be left: no unfinished journal, no
step that was carried out without its audit line, no state half of each. Prints a line for each that went wrong, then the figures;
the exit status says whether all went well."""
import glob
import hashlib
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

binnacle, config, model, mlflow, service, count, seed = sys.argv[1:8]
events = sys.argv[8:] or [None]
state = os.path.join(os.environ["XDG_STATE_HOME"], "binnacle")
figures = {"killed": 0, "over": 0, "recovered": 0, "nothing begun": 0, "bad": 0, "unknown": 0}
seconds = []
LATE = "it was not killed: it ended first"


def call(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def post(path, **body):
    return call(f"{mlflow}/api/2.0/mlflow/{path}", dict(body, name=model))


def aliased():
    """What the alias leads to; None: this model, or this server, has none."""
    try:
        return call(f"{mlflow}/api/2.0/mlflow/registered-models/alias?name={model}&alias=champion")["model_version"]["version"]
    except urllib.error.HTTPError as e:
        if e.code not in (400, 404):
            raise
        return None


def champion():
    """By stage all that are in Production: "6,7" is half of each."""
    if not by_stage:
        return aliased()
    query = urllib.parse.urlencode({"filter": f"name='{model}'", "max_results": 100})
    found = call(f"{mlflow}/api/2.0/mlflow/model-versions/search?{query}")["model_versions"]
    return ",".join(sorted(one["version"] for one in found if one["current_stage"] == "Production"))


def as_before():
    """v6 is in production and served."""
    if by_stage:
        for version, stage in (("6", "Production"), ("7", "Staging")):
            post("model-versions/transition-stage", version=version, stage=stage, archive_existing_versions=False)
    else:
        post("registered-models/alias", alias="champion", version="6")
    call(service + "/faults", {})
    call(service + "/reload", {})


class Between(http.server.BaseHTTPRequestHandler):
    """Stands between the program and the registry, and kills it when the request was taken that is waited for."""
    victim, changes, at = None, 0, 0

    def log_message(self, *_):
        pass

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        ask = urllib.request.Request(mlflow + self.path, body, {"Content-Type": "application/json"}, method=self.command)
        try:
            with urllib.request.urlopen(ask, timeout=20) as answer:
                code, kind, data = answer.status, answer.headers.get("Content-Type"), answer.read()
        except urllib.error.HTTPError as error:
            code, kind, data = error.code, error.headers.get("Content-Type"), error.read()
        if self.path.endswith(("/registered-models/alias", "/transition-stage", "/set-tag", "/delete-tag")) and self.command != "GET":
            Between.changes += 1
            if Between.victim and Between.changes == Between.at:
                os.kill(Between.victim.pid, signal.SIGKILL)
        try:
            self.send_response(code)
            self.send_header("Content-Type", kind or "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # the dead read no answers

    do_GET = do_POST = do_DELETE = do


def through_between():
    """The same configuration, with us in the registry's place."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(config) as f:
        text = f.read()
    assert mlflow in text, "the registry is not in the configuration"
    with open(config + ".between", "w") as f:
        f.write(text.replace(mlflow, f"http://127.0.0.1:{server.server_port}"))
    return config + ".between"


def served():
    return call(service + "/model")["model_version"]


def run(*args):
    return subprocess.run([binnacle, "--config", config, *args], capture_output=True, text=True, timeout=180)


def lines(path):
    with open(path, "rb") as f:
        whole = f.read().split(b"\n")[:-1]
    return [json.loads(line) for line in whole]


def audit():
    path, before, found = os.path.join(state, "audit.jsonl"), b"", []
    with open(path, "rb") as f:
        for raw in f.read().split(b"\n"):
            if not raw:
                continue
            line = json.loads(raw)
            assert line["prev"] == (hashlib.sha256(before).hexdigest() if before else ""), "the chain of the audit file is broken"
            before = raw
            found.append(line)
    return found


def journals():
    return set(glob.glob(os.path.join(state, "runbooks", "*.jsonl")))


def wait_for(process, known, step, delay):
    """Until the journal is there and holds the event, or for `delay` after its first line; True: it still ran when killed."""
    began = None
    while process.poll() is None:
        new = [path for path in journals() - known if not path.endswith(".over.jsonl")]
        if new:
            began = began or time.monotonic()
            if step is None and time.monotonic() - began >= delay:
                break
            try:
                seen = lines(new[0]) if step else []
            except (FileNotFoundError, ValueError):
                continue
            if any(line["e"] == step[0] and (len(step) < 2 or str(line.get("step")) == step[1]) for line in seen):
                break
        time.sleep(0.002)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def one(chance, turn, event):
    fails, step = event and event.startswith("back/"), event and tuple(event.removeprefix("back/").split(":"))
    as_before()
    if fails:
        call(service + "/faults", {"reload": "broken"})
    known = journals()
    Between.changes, Between.at = 0, int(step[1]) if step and step[0] == "sent" else 0
    process = subprocess.Popen([binnacle, "--config", config, "promote", model, "7", "--reason", f"kill {turn}", "--yes"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    Between.victim = process
    alive = wait_for(process, known, step, chance.uniform(0, 3))
    Between.victim = None
    call(service + "/faults", {})
    new = [path for path in journals() - known]
    figures["killed"] += alive
    if event and not alive:
        return LATE
    if not alive or all(path.endswith(".over.jsonl") for path in new):
        figures["over"] += 1
        return "" if (champion(), served()) == ("7", "7") else "it ended, and not all is v7"
    began = time.monotonic()
    written = lines(new[0])
    listed = json.loads(run("runbooks", "--json").stdout)
    if not listed:
        figures["nothing begun"] += 1
        return "" if (champion(), served()) == ("6", "6") and not any(l["e"] == "start" for l in written) else "half done and silent"
    if len(listed) != 1 or listed[0]["model"] != model:
        return f"{len(listed)} are unfinished, not 1"
    figures["unknown"] += any(step["state"] == "not known" for step in listed[0]["steps"])
    back = fails or turn % 2
    ended = run("runbooks", "--go-back" if back else "--go-on", listed[0]["runbook"], "--yes")
    seconds.append(time.monotonic() - began)
    want, code = ("6", 7) if back else ("7", 0)
    if ended.returncode != code:
        return f"exit status {ended.returncode}, not {code}: {ended.stdout[-300:]} {ended.stderr[-300:]}"
    if (champion(), served()) != (want, want):
        return f"champion v{champion()}, served v{served()}, wanted v{want}: {ended.stdout[-300:]}"
    figures["recovered"] += 1
    return ""


def missing():
    """Steps of all journals that were carried out, forth or back, without an audit line of their own."""
    runs = {(line.get("runbook"), line.get("step"), "undo_of_step" in line) for line in audit() if line["event"] == "run"}
    lost = []
    for path in journals():
        name = os.path.basename(path).replace(".over.jsonl", "").replace(".jsonl", "")
        begun = set()
        for line in lines(path):
            begun |= {(line.get("step"), line["e"] == "undoing")} if line["e"] in ("start", "undoing") else set()
            back = line["e"] == "undone"
            if line["e"] in ("done", "undone") and (line["step"], back) in begun and (name, line["step"], back) not in runs:
                lost.append(f"{name} step {line['step']} {line['e']}")
    return lost


chance = random.Random(int(seed))
by_stage = aliased() is None
config = through_between()
for number in range(int(count) * len(events)):
    event = events[number // int(count)]
    try:
        for _ in range(5):  # where we were held up until it had ended there was no kill to tell of: another one
            wrong = one(chance, number, event)
            if wrong != LATE:
                break
    except Exception as e:  # told like any other thing that went wrong
        wrong = f"{type(e).__name__}: {e}"
    if wrong:
        figures["bad"] += 1
        print(f"{number}, {event or 'at random'}: {wrong}", flush=True)
        for path in journals():
            if not path.endswith(".over.jsonl"):
                os.rename(path, path[:-6] + ".bad.over.jsonl")
lost = missing()
left = [path for path in journals() if not path.endswith(".over.jsonl")]
for text in lost + left:
    print("lost or left:", text)
seconds.sort()
middle = f", to the end of recovery {seconds[len(seconds) // 2]:.1f} s in the middle, {seconds[-1]:.1f} s at most" if seconds else ""
print(", ".join(f"{value} {name}" for name, value in figures.items()) + f", {len(lost)} audit lines lost{middle}")
sys.exit(bool(figures["bad"] or lost or left))
