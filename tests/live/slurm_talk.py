"""Speaks binnacle-plugins(7) to a plugin, as the program would: slurm_talk.py PLUGIN COMMAND ...

  rows KIND                                what it lists, a row in a line
  ask|open NAME KIND KEY [PARAMS]          its answer, or its text up to the end
  act NAME KIND KEY PARAMS [--between SHELL] [--undo]
                                           plans, does what SHELL says, runs; `plan: `, `steps: `, `finished: ` and the same of the undo
  watch KIND SHELL...                      does one after the other, 3 s each at least, or up to the first line that has TEXT after
                                           ` => TEXT` in it; all that is sent meanwhile, and how it ends

The setting `interval` is 1 s. No answer in 60 s is a failure; so is a line that is no JSON."""
import json, queue, subprocess, sys, threading, time

plugin = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
lines, number = queue.Queue(), [0]


def read():
    for line in plugin.stdout:
        assert len(line) < 4 << 20
        lines.put(json.loads(line.decode("utf-8")))
    lines.put(None)


def send(**o):
    plugin.stdin.write(json.dumps(o).encode() + b"\n")
    plugin.stdin.flush()


def request(**o):
    number[0] += 1
    send(id=number[0], **o)
    return number[0]


def answers(of, last):
    """Lines that are for this request (or rows), up to the one that `last` says yes to."""
    end = time.time() + 60
    while True:
        o = lines.get(timeout=max(0.1, end - time.time()))
        assert o is not None, "the plugin ended"
        if o.get("id") == of or of is None:
            yield o
            if last(o):
                return


def act(name, kind, key, params, between=None):
    *_, o = answers(request(plan=name, kind=kind, key=key, params=params), lambda o: True)
    plan = o.get("answer")
    print("plan:", json.dumps(o if plan is None else plan, ensure_ascii=False))
    if plan is None or "blocked" in plan or "already" in plan:
        return None
    if between:
        subprocess.run(between, shell=True, check=True)
    said = list(answers(request(run=name, kind=kind, key=key, plan=plan), lambda o: "finished" in o))
    print("steps:", json.dumps(said[:-1]))
    print("finished:", json.dumps(said[-1]))
    *_, o = answers(request(ask="taken", kind=kind, key=key, params={"action": name, "plan": plan}), lambda o: True)
    print("taken:", json.dumps(o))
    return plan.get("undo")


def main(command, *words):
    send(binnacle=1, source="test", environment="dev", settings={"interval": "1s"})
    threading.Thread(target=read, daemon=True).start()
    assert lines.get(timeout=10)["binnacle"] == 1
    if command == "rows":
        request(watch=words[0], scope="")
        for o in answers(None, lambda o: o.get("end") or o.get("health") == "down"):
            for row in o.get("put", []):
                print(json.dumps(row, ensure_ascii=False, sort_keys=True))
            if "health" in o:
                print(json.dumps(o))
    elif command in ("ask", "open"):
        name, kind, key, *params = words
        params = json.loads((params or ["{}"])[0])
        for o in answers(request(**{command: name}, kind=kind, key=key, params=params), lambda o: command == "ask" or o.get("end")):
            print(json.dumps(o, ensure_ascii=False) if command == "ask" or o.get("error") or o.get("reset") else o["text"], end="\n" if command == "ask" else "")
    elif command == "act":
        name, kind, key, params, *more = words
        undo = act(name, kind, key, json.loads(params), more[more.index("--between") + 1] if "--between" in more else None)
        if "--undo" in more and undo:
            act(undo["action"], undo.get("kind", kind), undo.get("key", key), undo["params"])
    elif command == "watch":
        request(watch=words[0], scope="")
        for shell in words[1:]:
            shell, _, wanted = shell.partition(" => ")
            subprocess.run(shell, shell=True, check=True)
            if not wanted:
                time.sleep(3)
            while wanted or not lines.empty():
                line = json.dumps(lines.get(timeout=60), ensure_ascii=False)
                print(line)
                if wanted and wanted in line:
                    break
    began = time.time()
    plugin.stdin.close()
    plugin.wait(timeout=10)
    if command == "watch":
        print(f"ended with {plugin.returncode}", "in time" if time.time() - began < 5 else f"after {time.time() - began:.1f} s")


try:
    main(*sys.argv[2:])
finally:
    plugin.kill()
