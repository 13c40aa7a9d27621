#!/usr/bin/env python3
"""An Airflow that lies, stalls, refuses and floods, and what the program makes of it. Its own server, no network."""
import base64, collections, fcntl, http.server, json, os, pty, re, select, signal, socket, struct, subprocess, sys, tempfile
import termios, threading, time, urllib.parse

BINNACLE = os.environ["BINNACLE"]
SECRET = "hunter2-in-the-clear"
count = 0
failed = 0


def ok(name, passed, *details):
    global count, failed
    count += 1
    failed += not passed
    print(f"{'ok' if passed else 'not ok'} {count} - {name}")
    for line in ([] if passed else details):
        print("#   " + str(line)[:1500].replace("\n", "\n#   "))


def jwt(seconds):
    body = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds}).encode()).decode().rstrip("=")
    return f"e30.{body}.x"


def run_of(i, **more):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1795230000 - i * 60))
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1795230030 - i * 60))
    return {"dag_id": f"d{i % 10}", "dag_run_id": f"r{i}", "state": "success", "run_type": "scheduled", "start_date": at,
            "end_date": end, "run_after": at, "logical_date": at, "conf": {}, **more}


class Airflow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mode, version, runs, seen, tokens, lock = "", 2, [], collections.Counter(), [], threading.Lock()
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/auth/token":
            with self.lock:
                self.seen["/auth/token"] += 1
                if self.mode == "no-token":
                    return self.answer(401, {"detail": "Invalid credentials"})
                self.tokens.append(jwt(86400) + str(len(self.tokens)))
                return self.answer(201, {"access_token": self.tokens[-1]})
        self.do_GET()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = re.sub(r"^/api/v\d", "", url.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        mode = self.mode
        with self.lock:
            self.seen[path] += 1
            times = self.seen[path]
        if mode == "elsewhere":
            return self.answer(404, b"<html>nothing here</html>", "text/html")
        if mode == "login":
            return self.answer(302, b"", "text/html", Location="/login")
        if not url.path.startswith(f"/api/v{self.version}/"):
            return self.answer(404, b"<html>lots of circles</html>", "text/html")
        if path == "/version":
            return self.answer(200, {"version": "3.9.9" if self.version == 2 else "2.10.5"})
        auth = self.headers.get("Authorization", "")
        if self.version == 2 and auth != f"Bearer {self.tokens[-1] if self.tokens else '?'}":
            return self.answer(401, {"detail": "Not authenticated"})
        if self.version == 1 and not auth.startswith("Basic "):
            return self.answer(401, {"detail": None, "status": 401, "title": "Unauthorized"})
        if mode == "stale-jwt" and len(self.tokens) == 1:
            return self.answer(403, {"detail": "Invalid JWT token"})
        if mode == "busy" and path != "/monitor/health" and times == 1:
            return self.answer(429, {"detail": "slow down"}, Retry_After="1")
        if mode == "slow":
            time.sleep(6)
        if mode == "broken-inside":
            return self.answer(500, b"<html><h1>Ooops!</h1><p>Something bad has happened</p></html>", "text/html")
        if path == "/dags":
            self.dags(mode)
        elif path == "/importErrors":
            if mode == "forbidden-errors":
                return self.answer(403, {"detail": "Forbidden"})
            return self.answer(200, {"import_errors": [], "total_entries": 0})
        elif path.endswith("/dagRuns"):
            self.run_page(query, mode)
        elif path == "/dags/d0/dagRuns/w":
            self.run(mode)
        elif path == "/dags/d0/dagRuns/w/taskInstances":
            self.tasks_of_run(mode)
        elif "health" in path:
            return self.answer(200, {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}})
        else:
            return self.answer(404, {"detail": "not here"})

    # A run that is looked at, and one that is ended: with mode "begins" it begins, with "ends" it is over, once its tasks were asked for.
    states = []

    def run(self, mode):
        if self.command == "PATCH":
            self.states.append("failed")
        self.answer(200, run_of(0, dag_run_id="w", state=self.states[-1], end_date=None))

    def tasks_of_run(self, mode):
        self.states.append("success" if mode == "ends" else "running")
        self.answer(200, {"task_instances": [{"task_id": "t", "dag_id": "d0", "dag_run_id": "w", "state": None, "try_number": 0}], "total_entries": 1})

    def do_PATCH(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def dags(self, mode):
        if mode == "truncated":
            return self.answer(200, b'{"dags":[{"dag_id":"d0","own')
        dags = [{"dag_id": f"d{i}", "is_paused": False, "is_stale": False, "owners": ["o"], "tags": []} for i in range(10)]
        if mode == "odd":
            dags = ["x", None, {"dag_id": 7}, {"dag_id": "good", "owners": {"a": 1}, "tags": "t", "is_paused": "yes",
                    "next_dagrun_run_after": 5, "max_active_runs": "many"}]
        if mode == "huge":
            dags[0]["description"] = "x" * 5_000_000
        self.answer(200, {"dags": dags, "total_entries": len(dags)})

    def run_page(self, query, mode):
        runs = [] if "updated_at_gte" in query else self.runs
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
        total = len(runs) if mode != "boasts" else 1_000_000
        body = json.dumps({"dag_runs": runs[offset:offset + limit], "total_entries": total})
        self.answer(200, body.replace('"@NAN@"', "NaN").encode())


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass                                 # the program went away: it may


server = Server(("127.0.0.1", 0), Airflow)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
folder = tempfile.mkdtemp()
os.environ.update(HOME=folder, XDG_CONFIG_HOME=folder, XDG_STATE_HOME=folder, XDG_CACHE_HOME=folder, TERM="xterm-256color",
                  AIRFLOW_SECRET=SECRET)


def config(port=server.server_port, **more):
    lines = "".join(f"    {name}: {value}\n" for name, value in more.items())
    with open(folder + "/b.yaml", "w") as f:
        f.write("environments:\n  dev: {}\nsources:\n  af:\n    type: airflow\n    environment: dev\n"
                f"    url: http://127.0.0.1:{port}\n    user: admin\n    password: {{env: AIRFLOW_SECRET}}\n" + lines)
    return folder + "/b.yaml"


def ask(kind, mode="", version=2, runs=(), out="csv", **more):
    Airflow.mode, Airflow.version, Airflow.runs, Airflow.tokens = mode, version, list(runs), []
    Airflow.seen.clear()
    done = subprocess.run([BINNACLE, "--config", config(**more), "--wait", "90", "get", kind, "-o", out],
                          capture_output=True, timeout=600)
    said = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), done.returncode
    ok(f"no secret in what is said ({mode or 'well'})", SECRET not in said[0] + said[1], said)
    return said


out, err, code = ask("pipelines")
ok("ten pipelines", code == 0 and len(out.splitlines()) == 11, out, err)
out, err, code = ask("pipelines", version=1)
ok("version 1 is found by itself", code == 0 and len(out.splitlines()) == 11, out, err)
ok("and no token asked for", Airflow.seen["/auth/token"] == 0)
out, err, code = ask("pipelines", "stale-jwt")
ok("a token that is not taken any more is made anew", code == 0 and Airflow.seen["/auth/token"] == 2, out, err, Airflow.seen)
out, err, code = ask("pipelines", "no-token")
ok("wrong credentials are named", "Invalid credentials" in err and code != 0, out, err, code)
out, err, code = ask("pipelines", "forbidden-errors")
ok("a forbidden list does not stop the others", code == 0 and "d3" in out, out, err)
out, err, code = ask("pipelines", "busy")
ok("429: again when told to", code == 0 and "d3" in out and Airflow.seen["/dags"] <= 3, out, err, Airflow.seen)
out, err, code = ask("pipelines", "broken-inside")
ok("500 with HTML is a sentence", "500" in err and "<html" not in err and code != 0, out, err)
out, err, code = ask("pipelines", "truncated")
ok("truncated JSON is said to be so", "not whole JSON" in err, out, err)
out, err, code = ask("pipelines", "odd")
ok("what has a name is shown, the rest left out", code == 0 and "good" in out and len(out.splitlines()) == 2, out, err)
out, err, code = ask("pipelines", "huge")
ok("five megabytes in one field", code == 0 and len(out) < 100_000 and "d9" in out, len(out), err)
out, err, code = ask("pipelines", "elsewhere")
ok("not an Airflow", "no Airflow at" in err and code != 0, out, err)
out, err, code = ask("pipelines", "login")
ok("a login page in front", "login" in err and code != 0, out, err)
out, err, code = ask("pipelines", "slow", timeout="1s")
ok("a slow one is given up on", code != 0 and re.search("1 s|time|within", err), out, err)
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    free = s.getsockname()[1]
out, err, code = ask("pipelines", port=free)
ok("one that is down", "cannot be reached" in err and code != 0, out, err)

# a run that waited when it was planned to end it
for mode, want in (("begins", "state: done|is failed"), ("ends", "changed since the plan was shown")):
    Airflow.mode, Airflow.version, Airflow.tokens, Airflow.states = mode, 2, [], ["queued"]
    done = subprocess.run([BINNACLE, "--config", config(), "act", "cancel", "runs", "d0/w", "--yes"], capture_output=True, timeout=120)
    said = (done.stdout + done.stderr).decode(errors="replace")
    ok(f"a run that {mode} meanwhile is " + ("ended all the same" if mode == "begins" else "not touched"), re.search(want, said) and
       (Airflow.states[-1] == "failed") == (mode == "begins"), said, Airflow.states)

odd = [run_of(0, state="frobnicated"), run_of(1, conf={"x": "@NAN@"}), run_of(2, start_date=5, end_date=[], conf=[1]),
       {"dag_id": "d"}, 17, run_of(3, note="\x1b[2J\u202e"), run_of(4, conf={"big": "y" * 3_000_000})]
out, err, code = ask("runs", runs=odd, out="json")
ok("odd runs", code == 0 and "frobnicated" in out and len(out) < 60_000, len(out), err)
ok("no escape passes", "\x1b" not in out, out[:500])
out, err, code = ask("runs", runs=[run_of(i) for i in range(6000)])
ok("as many runs as are asked for", code == 0 and len(out.splitlines()) == 1001 and Airflow.seen["/dags/~/dagRuns"] <= 12,
   len(out.splitlines()), Airflow.seen)
out, err, code = ask("runs", "boasts", runs=[run_of(i) for i in range(250)])
ok("a total that is not there ends the listing all the same", code == 0 and len(out.splitlines()) == 251, len(out.splitlines()),
   Airflow.seen)


def console(seconds, keys, **more):
    """Requests in so many seconds of the pane at rest, and the screen's bytes. Each of `keys` goes with what shows that it was taken."""
    path = config(**more)
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(BINNACLE, [BINNACLE, "--config", path])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    text = b""

    def read(seconds, wanted=None):
        nonlocal text
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (wanted and wanted in text):
            if select.select([fd], [], [], 0.1)[0]:
                text += os.read(fd, 65536)
    read(60, b"help")
    for key, shows in keys:
        os.write(fd, key)
        read(60, shows)
    read(4)
    before = sum(Airflow.seen.values())
    read(seconds)
    asked = sum(Airflow.seen.values()) - before
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return asked, text.decode(errors="replace")


Airflow.mode, Airflow.version, Airflow.runs = "", 2, [run_of(i) for i in range(300)]
asked, text = console(20, [(b":pipelines\r", b"d9")])
ok("the pane at rest asks at most once in two seconds; idle, much less", asked <= 5, asked)
print(f"# {asked * 3} requests a minute at idle")
ok("the name column is there at 80x24", "PIPELINE" in text and "d9" in text, text[-800:])
Airflow.runs = [run_of(0, state="running", end_date=None)] + Airflow.runs[1:]
asked, text = console(20, [(b":runs\r", b"CREATED")])
ok("with a run under way too", asked <= 10, asked)
print(f"# {asked * 3} requests a minute with a run under way")
print(f"1..{count}")
sys.exit(failed > 0)
