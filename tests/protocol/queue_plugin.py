#!/usr/bin/env python3
"""A plugin for tests: a queue of jobs in a file, honest unless its settings name a lie. What it is told goes into a file, line by line."""
import json, os, sys, threading, time

greeting = json.loads(sys.stdin.readline())
settings = greeting["settings"]
lie, state, heard = settings.get("lie", ""), settings["state"], open(settings["heard"], "a")
lock = threading.Lock()


def say(**line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def jobs():
    with open(state) as f:
        return json.load(f)


def change(key, **what):
    all_ = jobs()
    all_[key].update(what)
    with open(state + ".new", "w") as f:
        json.dump(all_, f)
    os.rename(state + ".new", state)


def row(key, job):
    return {"key": key, "level": {"RUNNING": "ok", "CANCELLED": "bad"}.get(job["state"], "busy"), **job}


def watch():
    seen = {}
    if lie == "late":
        time.sleep(1)
    say(rows="batchjobs", begin=True)
    say(rows="batchjobs", put=[row(k, j) for k, j in jobs().items()], end=True)
    if lie == "cells":
        say(rows="batchjobs", put=[{"key": "9", "gpus": "many", "started": "yesterday", "colour": 1}, {"level": "purple"}])
    while True:
        now = jobs()
        say(rows="batchjobs", put=[row(k, j) for k, j in now.items() if seen.get(k) != j], **{"del": [k for k in seen if k not in now]})
        seen = now
        time.sleep(0.1)


def plan(q):
    job = jobs().get(q["key"])
    if not job:
        return say(id=q["id"], error=f"there is no job {q['key']}")
    if lie == "plan":
        return say(id=q["id"], answer={"title": ["x"], "steps": [{"do": 1}]})
    if lie == "undo":
        return say(id=q["id"], answer={"steps": [{"do": "x"}], "undo": {"action": "explode"}})
    if lie == "refused":
        return say(id=q["id"], error="jobs of others may not be touched", refused=True)
    to, back = {"cancel": ("CANCELLED", "requeue"), "requeue": ("PENDING", "cancel")}[q["plan"]]
    if job["state"] == to:
        return say(id=q["id"], answer={"already": f"it is {to}"})
    say(id=q["id"], answer={"change": [f"{job['state']} -> {to}"], "steps": [{"do": f"{q['plan']} {q['key']} {q['params'].get('signal', '')}"}],
                            "undo": {"action": back, "params": {}}, "saw": job["state"]})


def run(q):
    job = jobs()[q["key"]]
    if lie == "die":
        change(q["key"], state="CANCELLED")
        sys.stderr.write("password=hunter2 and then the end\n")
        sys.stderr.flush()
        os._exit(3)
    if job["state"] != q["plan"]["saw"]:
        return say(id=q["id"], finished=False, say="it changed since the plan was shown: plan again")
    say(id=q["id"], step="sent", at=1, of=1)
    change(q["key"], state={"cancel": "CANCELLED", "requeue": "PENDING"}[q["run"]])
    say(id=q["id"], finished=True, say="it is so")


def answer(q):
    if "watch" in q:
        watch()
    elif "open" in q:
        say(id=q["id"], text=f"job {q['key']}\n\x1b[31mred?\n")
        say(id=q["id"], text=f"{q['open']} ends", end=True)
    elif "ask" in q:
        say(id=q["id"], answer={"may": {"cancel": True, "requeue": "the queue is frozen"}} if q["ask"] == "can" else
            [{"level": "bad", "text": "it waits for GPUs", "evidence": "8 wanted, 4 free"}] if q["ask"] == "why" else 7)
    elif "plan" in q and "run" not in q:
        plan(q)
    elif "run" in q:
        run(q)


if lie == "greeting":
    print("hello world", flush=True)
elif lie == "mute":
    time.sleep(60)
elif lie == "version":
    say(binnacle=99)
elif lie == "crash":
    sys.exit("no license for this host")
say(binnacle=1, version="7.1", detail="as ml")
if lie == "garbage":
    for _ in range(200):
        print("{not json", flush=True)
elif lie == "odd":
    for odd in ["7", "[]", '{"rows": "pods", "put": []}', '{"rows": 1}', '{"id": 12345, "answer": 1}', '{"health": "fine"}', "{}", '"\\u0000"',
                '{"rows": "batchjobs", "put": 7}', '{"rows": "batchjobs", "put": [7, null, {"key": ""}]}', '{"health": "live", "kind": "moons"}', "\x00\xff"]:
        print(odd, flush=True)
elif lie == "long":
    print("x" * (5 << 20), flush=True)
elif lie == "closes":
    os.close(1)
    time.sleep(60)
elif lie == "deaf":
    time.sleep(60)
elif lie == "down":
    say(health="down", why="the queue's server does not answer", remedy="look at it")
for line in sys.stdin:
    heard.write(line)
    heard.flush()
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
