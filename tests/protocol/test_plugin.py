#!/usr/bin/env python3
"""A source that is a program of somebody else's (queue_plugin.py): its rows, its actions with undo, read-only, its manifest's mistakes, and
every lie it can tell."""
import json, os, subprocess, tempfile
import tap

BINNACLE, TOP = os.environ["BINNACLE"], os.path.abspath(os.environ.get("TOP", "."))
JOBS = {"1": {"name": "train \u00e9", "state": "RUNNING", "gpus": 8, "started": "2026-11-22T03:00:00Z", "took": 61000, "share": 0.5, "memory": 1 << 30,
              "ready": "1/2", "cpu": 1.5, "held": False, "loss": "3 2 - 1", "labels": "a=b,c=d", "price": 2.25, "node": "n1"},
        "2": {"name": "wait", "state": "PENDING", "gpus": None}}
COLUMNS = {"name": {}, "state": {"type": "status"}, "gpus": {"type": "count", "title": "GPUS"}, "started": {"type": "time"}, "took": {"type": "duration"},
           "share": {"type": "ratio"}, "memory": {"type": "bytes"}, "ready": {"type": "pair"}, "cpu": {"type": "milli"}, "held": {"type": "bool"},
           "loss": {"type": "series"}, "labels": {"type": "labels", "hidden": True}, "price": {"type": "money", "wide": True},
           "node": {"type": "ref", "ref": "nodes"}}
MANIFEST = {"title": "A queue", "help": "Jobs of a queue", "command": [TOP + "/tests/protocol/queue_plugin.py"],
            
            "actions": {"cancel": {"title": "Cancel", "help": "Ends the job", "kinds": ["batchjobs"], "risk": "destructive", "bulk": True, "fields": {
                            "signal": {"type": "choice", "choices": ["TERM", "KILL"], "default": "TERM", "help": "which"}}},
                        "requeue": {"help": "Puts it back", "kinds": ["batchjobs"], "risk": "harmless"}},
            "opens": {"describe": ["batchjobs"]}, "asks": ["why", "can", "taken"]}
MANIFEST["kinds"] = {"batchjobs": {"singular": "job", "aliases": ["jb"], "help": "Jobs of the queue", "columns": COLUMNS}}


class World:
    """A folder with the queue, a manifest and a configuration."""

    def __init__(self, lie="", manifest=None, guard="confirm", **more):
        self.dir = tempfile.mkdtemp()
        self.jobs, self.heard_at = self.dir + "/jobs", self.dir + "/heard"
        self.write("jobs", JOBS)
        self.write("heard", None)
        self.write("queue.yaml", manifest or MANIFEST)
        self.write("binnacle.yaml", {"environments": {"e": {"guard": guard}}, "sources": {"queue": {
            "type": "plugin", "manifest": "queue.yaml", "environment": "e",
            "settings": {"state": self.jobs, "heard": self.heard_at, **({"lie": lie} if lie else {})}}, **more}})

    def write(self, name, what):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write("" if what is None else json.dumps(what))

    def run(self, *args):
        env = dict(os.environ, HOME=self.dir, XDG_STATE_HOME=self.dir, XDG_CONFIG_HOME=self.dir, TERM="dumb")
        out = subprocess.run([BINNACLE, "--config", self.dir + "/binnacle.yaml", *args], capture_output=True, timeout=150, env=env)
        return out.returncode, (out.stdout + out.stderr).decode("utf-8", "replace")

    def state(self, key="1"):
        with open(self.jobs) as f:
            return json.load(f)[key]["state"]

    def heard(self):
        with open(self.heard_at) as f:
            return f.read()


def honest():
    w = World()
    code, said = w.run("config", "check")
    tap.ok(code == 0, "its manifest is well", said)
    code, said = w.run("get", "batchjobs", "-o", "json")
    rows = {r["name"]: r for r in json.loads(said)}
    want = {"source": "queue", **JOBS["1"]}
    tap.ok(code == 0 and rows["train \u00e9"] == want, "cells come out as they went in", said, want)
    tap.ok(rows["wait"]["gpus"] is None and rows["wait"]["loss"] is None, "what is unknown stays so", said)
    code, said = w.run("get", "jb", "gpus>4")
    tap.ok(code == 0 and "train" in said and "wait" not in said, "by an alias, with a filter", said)
    code, said = w.run("act", "cancel", "batchjobs")
    tap.ok("signal=" in said and "TERM" in said, "what an action takes", said)
    code, said = w.run("act", "cancel", "batchjobs", "1", "signal=HUP", "--yes")
    tap.ok(code != 0 and w.state() == "RUNNING" and '"plan"' not in w.heard(), "a choice that is none never leaves", said)
    code, said = w.run("act", "cancel", "batchjobs", "1", "signal=KILL", "--yes")
    tap.ok(code == 0 and w.state() == "CANCELLED" and "RUNNING -> CANCELLED" in said, "an action, as planned", code, said)
    tap.ok("cancel 1 KILL" in w.heard(), "the run has the plan that was shown", w.heard())
    code, said = w.run("act", "cancel", "batchjobs", "1", "--yes")
    tap.ok(code == 0 and "it is CANCELLED" in said, "what holds already is not done again", code, said)
    code, said = w.run("act", "cancel", "batchjobs", "7", "--yes")
    tap.ok(code != 0 and "7" in said, "a row that is not there", said)
    with open(w.dir + "/binnacle/audit.jsonl") as f:
        audit = f.read()
    tap.ok('"event":"run"' in audit and '"action":"cancel"' in audit and "queue" in audit, "it is in the audit trail", audit)
    code, said = w.run("audit", "verify")
    tap.ok(code == 0, "whose chain holds", said)
    code, said = w.run("can", "requeue", "batchjobs", "1")
    tap.ok(code != 0 and "the queue is frozen" in said, "what one may not is told", said)
    _, before = w.run("--record", w.dir + "/record", "get", "batchjobs", "-o", "json")
    code, said = w.run("--replay", w.dir + "/record", "get", "batchjobs", "-o", "json")
    tap.ok(code == 0 and said == before, "recorded and played again, without the plugin", before, said)
    code, said = w.run("--replay", w.dir + "/record", "get", "moons")
    tap.ok(code == 2 and "no source has a kind 'moons'" in said, "a record without that kind", code, said)
    code, said = w.run("doctor")
    tap.ok("queue.yaml" in said and "queue_plugin.py" in said, "the doctor knows it", said)


def two_recorded():
    """A record of two sources, one of which listed a second after the other."""
    w = World()
    w.write("binnacle.yaml", {"environments": {"e": {}}, "sources": {name: {
        "type": "plugin", "manifest": "queue.yaml", "environment": "e", "settings": {"state": w.jobs, "heard": w.heard_at, "lie": lie}}
        for name, lie in (("near", "none"), ("far", "late"))}})
    _, before = w.run("--record", w.dir + "/record", "get", "batchjobs", "-o", "csv")
    code, said = w.run("--replay", w.dir + "/record", "get", "batchjobs", "-o", "csv")
    tap.ok(code == 0 and said == before and said.count("\nfar,") == 2, "a replay waits for the list of each source that the record has one of", before, said)


def readonly():
    for name, w, args in (("--readonly", World(), ["--readonly"]), ("a read-only environment", World(guard="read-only"), [])):
        w.run("get", "batchjobs")
        before = w.state(), w.state("2")
        said = ""
        for action in MANIFEST["actions"]:
            for key in JOBS:
                code, text = w.run(*args, "act", action, "batchjobs", key, "--yes")
                said += f"{action} {key}: {code} {text}"
                tap.ok(code != 0, f"{name}: {action} of {key} is refused", text)
        tap.ok("watch" in w.heard(), f"{name}: it is asked for rows", w.heard())
        tap.ok('"plan"' not in w.heard() and '"run"' not in w.heard(), f"{name}: but neither for plans nor to run them", w.heard())
        tap.ok((w.state(), w.state("2")) == before, f"{name}: all is as it was", said)


def mistakes():
    def changed(**what):
        return {**MANIFEST, **what}
    kinds = MANIFEST["kinds"]
    for name, manifest, want in (
            ("no command", {k: v for k, v in MANIFEST.items() if k != "command"}, "'command' is missing"),
            ("an unknown setting", changed(comand=["x"]), "did you mean 'command'"),
            ("an own kind of a known name", changed(kinds={"pods": kinds["batchjobs"]}), "'pods' is a kind of binnacle's own"),
            ("fills what is not there", changed(fills=["moons"]), "binnacle has no kind 'moons'"),
            ("an unknown type of column", changed(kinds={"batchjobs": {"columns": {"a": {"type": "colour"}}}}), "colour"),
            ("a column named as a part of each row", changed(kinds={"batchjobs": {"columns": {"key": {}}}}), "name the column otherwise"),
            ("a name with blanks", changed(kinds={"batchjobs": {"columns": {"a b": {}}}}), "small letter"),
            ("no columns", changed(kinds={"batchjobs": {"columns": {}}}), "1 to 64 columns"),
            ("an action on no kind of its", changed(actions={"x": {"help": "y", "kinds": ["pods"]}}), "neither under 'kinds' nor under 'fills'"),
            ("choices of no choice", changed(actions={"x": {"help": "y", "kinds": ["batchjobs"], "fields": {"a": {"choices": ["b"]}}}}), "go together"),
            ("an action of nothing", changed(actions={"x": None}), "are missing"),
            ("no rows at all", changed(kinds={}, actions={}, opens={}), "it has no rows"),
            ("no map", [1], "a map of settings")):
        w = World(manifest=manifest)
        code, said = w.run("config", "check")
        tap.ok(code == 2 and want in said and "queue.yaml:1:" in said, f"manifest with {name}", code, said)
        code, said = w.run("get", "batchjobs")
        tap.ok(code == 2 and want in said, f"manifest with {name}: nothing is started", code, said)
    w = World()
    os.unlink(w.dir + "/queue.yaml")
    code, said = w.run("config", "check")
    tap.ok(code == 2 and "binnacle.yaml:1:" in said and "cannot be read" in said, "no manifest", code, said)
    w = World(manifest=changed(command=["./gone"]))
    code, said = w.run("get", "batchjobs")
    tap.ok(code != 0 and "gone' is not there" in said, "no program", code, said)
    other = World()
    w = World(more={"type": "plugin", "manifest": other.dir + "/queue.yaml", "settings": {"state": other.jobs, "heard": other.heard_at}})
    code, said = w.run("get", "batchjobs", "-o", "json")
    tap.ok(code == 0 and len(json.loads(said)) == 4, "two sources of one manifest", code, said)
    other.write("queue.yaml", changed(kinds={"batchjobs": {"columns": {"name": {}}}}))
    code, said = w.run("get", "batchjobs")
    tap.ok(code == 2 and "has other columns" in said, "two shapes of one kind", code, said)


def lies():
    for lie, want in (("greeting", "it is no plugin"), ("version", "another version of the protocol"), ("crash", "ended with code 1: no license for this host"),
                      ("garbage", "100 lines in a row"), ("long", "longer than 4 MiB"), ("closes", "closed its standard output"),
                      ("mute", "said nothing for 20 s")):
        w = World(lie)
        code, said = w.run("get", "batchjobs")
        tap.ok(code not in (0, -6, -11) and want in said, f"{lie}: told", code, said)
    w = World("odd")
    code, said = w.run("get", "batchjobs", "-o", "json")
    tap.ok(code == 0 and len(json.loads(said)) == 2, "odd lines are passed over", code, said)
    w = World("cells")
    code, said = w.run("get", "batchjobs", "-o", "json")
    tap.ok(code == 0 and "train" in said, "cells that do not fit", code, said)
    for lie, want in (("plan", "'title' of its plan is not a text"), ("undo", "no action of its manifest"), ("refused", "jobs of others")):
        w = World(lie)
        code, said = w.run("act", "cancel", "batchjobs", "1", "--yes")
        tap.ok(code != 0 and want in said and w.state() == "RUNNING" and '"run"' not in w.heard(), f"{lie}: nothing is run", code, said)
    w = World("die")
    code, said = w.run("act", "cancel", "batchjobs", "1", "--yes")
    tap.ok(code != 0 and "ended with code 3" in said, "it dies while it runs: told", code, said)
    tap.ok("hunter2" not in said and "and then the end" in said, "with its last words, without the secret in them", said)
    with open(w.dir + "/binnacle/audit.jsonl") as f:
        audit = f.read()
    tap.ok('"event":"run"' in audit and "unknown" in audit and "hunter2" not in audit, "and in the audit trail as not known", audit)
    w = World("deaf")
    code, said = w.run("act", "cancel", "batchjobs", "1", "--yes", "--wait", "2s")
    tap.ok(code != 0 and w.state() == "RUNNING", "it answers nothing", code, said)


honest()
two_recorded()
readonly()
mistakes()
lies()
tap.done()
