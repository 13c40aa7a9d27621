#!/usr/bin/env python3
"""No secret gets out. Every secret setting of every backend holds a word that occurs nowhere else, and every server refuses and quotes
back all that it was sent: headers, bodies, and what the credentials mean once decoded. Every headless way of the program is gone,
and a session on a terminal; then all that came out of it is searched: what it printed, its screens, log, audit trail, journals,
history, record, command line. That the search finds is tried too, and that the servers did quote."""
import base64
import concurrent.futures
import http.server
import json
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import tap
from tap import ok

BINNACLE = os.environ["BINNACLE"]
quoted = set()
WORDS = {}


def word(name):
    """A secret of its own for each place; a quote in it, so that JSON writes it another way."""
    return WORDS.setdefault(name, f'S3cr"t-{name}-Zq9')


def encodings(secret):
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    for user in ("u", "AKID"):
        yield base64.b64encode(f"{user}:{secret}".encode()).rstrip(b"=")


# ---- servers that refuse and quote

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 401

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
        said = [f"{k}: {v}" for k, v in self.headers.items()] + [body]
        sent = self.headers.get("Authorization", "")
        if sent.startswith("Basic "):
            said.append("you are " + base64.b64decode(sent[6:]).decode("latin-1"))
        text = " | ".join(said)
        for name, secret in WORDS.items():
            if secret in text or json.dumps(secret)[1:-1] in text:
                quoted.add(name)
        status = self.server.status
        if self.path.endswith("/version") and self.server.lets:          # so that it goes on to what it wants to know
            status, data = 200, b'{"version": "2.10.5"}'
        elif self.path.startswith("/xml/"):
            data = f"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>".encode("latin-1", "replace")
        else:
            data = json.dumps({"message": text, "detail": text, "error": text, "kind": "Status", "status": "Failure", "code": status,
                               "error_code": "PERMISSION_DENIED"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if data[:1] == b"{" else "application/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):          # whoever leaves in the midst
        pass


def serve(status, lets=False):
    server = Server(("127.0.0.1", 0), Echo)
    server.status, server.lets, server.daemon_threads = status, lets, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def postgres(listener):
    """Asks for the password in the clear, and refuses with it in the sentence."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            size, = struct.unpack(">I", client.recv(4, socket.MSG_WAITALL))
            client.recv(size - 4, socket.MSG_WAITALL)
            client.sendall(b"R" + struct.pack(">II", 8, 3))
            kind, size = struct.unpack(">cI", client.recv(5, socket.MSG_WAITALL))
            given = client.recv(size - 4, socket.MSG_WAITALL).rstrip(b"\0")
            if given.decode() == WORDS.get("pg"):
                quoted.add("pg")
            fields = b"SFATAL\0C28P01\0Mpassword authentication failed: you gave '" + given + b"'\0\0"
            client.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)
        except (OSError, struct.error):
            pass
        client.close()


# ---- the program, with all backends

scratch = tempfile.mkdtemp()
state = os.path.join(scratch, "binnacle")
env = {**os.environ, "HOME": scratch, "XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": os.path.join(scratch, "conf"), "TERM": "xterm-256color"}
env.pop("KUBECONFIG", None)


def by_env(name):
    env["BINNACLE_T_" + name.upper()] = word(name)
    return "{env: BINNACLE_T_%s}" % name.upper()


def by_file(name):
    path = os.path.join(scratch, "secret-" + name)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as f:
        f.write(word(name) + "\n")
    return "{file: %s}" % path


def by_command(name):
    return "{command: cat %s}" % by_file(name)[7:-1]


def config(tag, status):
    port, half = serve(status), serve(status, lets=True)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=postgres, args=(listener,), daemon=True).start()
    kube = os.path.join(scratch, f"kube-{tag}")
    with open(kube, "w") as f:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [
            {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}], "users": [{"name": "u", "user": {"token": word("kube")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}, f)
    url = f"http://127.0.0.1:{port}"
    aws = "access_key: %s, secret_key: %s, session_token: %s, region: eu-west-1"
    path = os.path.join(scratch, f"{tag}.yaml")
    with open(path, "w") as f:
        f.write(f"""environments: {{dev: {{}}}}
sources:
  k8s: {{type: kubernetes, environment: dev, kubeconfig: {kube}}}
  af: {{type: airflow, environment: dev, url: '{url}', user: u, password: {by_env("airflow")}}}
  af2: {{type: airflow, environment: dev, url: 'http://127.0.0.1:{half}', user: u, password: {by_file("airflow2")}}}
  aft: {{type: airflow, environment: dev, url: '{url}', token: {by_command("airflowtoken")}}}
  ml: {{type: mlflow, environment: dev, url: '{url}', user: u, password: {by_file("mlflow")}}}
  mlt: {{type: mlflow, environment: dev, url: '{url}', token: {by_env("mlflowtoken")}}}
  rest: {{type: serving, environment: dev, url: '{url}', user: u, password: {by_env("serving")}, protocol: rest}}
  restt: {{type: serving, environment: dev, url: '{url}', token: {by_file("servingtoken")}}}
  s3: {{type: s3, environment: dev, endpoint: '{url}/xml/', {aws % (by_env("s3id"), by_file("s3"), by_command("s3token"))}, buckets: [b]}}
  pg: {{type: postgres, environment: dev, host: 127.0.0.1, port: {listener.getsockname()[1]}, user: u, sslmode: disable, password: {by_env("pg")}}}
  rep: {{type: reports, environment: dev, url: '{url}/', user: u, password: {by_command("reports")}}}
  cost: {{type: cost, environment: dev, opencost: '{url}', aws: {{endpoint: '{url}', eks_cluster: c, {aws % (by_env("awsid"), by_file("aws"), by_file("awstoken"))}}}}}
""")
    return path


out = {}


def run(path, *words, stdin=None):
    """One way of going the program; its command line is looked at while it runs."""
    p = subprocess.Popen([BINNACLE, "--config", path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    try:
        with open(f"/proc/{p.pid}/cmdline", "rb") as f:
            out[f"cmdline of {words[0]}"] = f.read()
    except OSError:
        pass
    try:
        said, _ = p.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        p.kill()
        said, _ = p.communicate()
    out.setdefault(" ".join(words)[:60], b"")
    out[" ".join(words)[:60]] += said
    return p.returncode, said


def session(path, record):
    """A session on a terminal that goes through every pane, opens a line, tries acts."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(BINNACLE, [BINNACLE, "--config", path, "--record", record], env)
    screen = b""

    def look(seconds, wanted=None):
        nonlocal screen
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (wanted and wanted in screen):
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    screen += os.read(fd, 65536)
                except OSError:
                    return

    look(60, b"help")
    look(4)
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        out["cmdline of the console"] = f.read()
    try:
        with open(f"/proc/{pid}/limits") as f:
            out_of_core[0] = [line.split()[4:6] for line in f if line.startswith("Max core")][0]
    except OSError:
        out_of_core[0] = "unreadable: " + str(pid)
    for keys in (b":pipelines\r", b":models\r", b":versions\r", b":drift\r", b":objects\r", b":cost\r", b":audit\r", b":modelendpoints\r", b":sources\r",
                 b"?", b"\x1b", b":action trigger\r", b"\x1b", b":rollback x\r", b"\x1b", b":pods\r", b"\x1b"):
        os.write(fd, keys)
        look(0.7)
    os.write(fd, b":quit\r")
    look(2)
    try:
        os.kill(pid, 15)
    except OSError:
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    out["screens"] = out.get("screens", b"") + screen
    return screen


def leaks(where, data):
    return [f"{where}: {name}" for name, secret in WORDS.items() for form in encodings(secret) if form in data]


def missed():
    return {w for w in WORDS if not w.startswith(("search", "s3", "aws"))} - quoted


out_of_core = [None]
try:
    word("search")
    ok(leaks("x", b"a " + word("search").encode() + b" b") and leaks("x", b"Basic " + base64.b64encode(b"u:" + word("search").encode())),
       "the search finds a secret, as it is and in base64")
    for tag, status in (("refused", 401), ("forbidden", 403), ("broken", 500)):
        path = config(tag, status)
        ways = [("doctor", "--wait", "5"), ("triage", "--wait", "2"), ("snapshot", "triage", "--wait", "2"), ("watch", "--once", "--wait", "2"),
                ("can", "trigger", "pipelines", "x", "--wait", "2"), ("promote", "m", "7", "--yes", "--reason", "because"),
                ("predict", "rest", "a=1", "--wait", "2"), ("doctor", "--wait", "5", "--json")]
        ways += [("get", kind, "--wait", "2", "--record", os.path.join(scratch, f"record-{tag}-{kind}"))
                 for kind in ("pods", "pipelines", "models", "modelendpoints", "buckets", "drift", "costs")]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:       # they wait most of the time
            list(pool.map(lambda words: run(path, *words), ways))
        for _ in range(5):                   # on a busy machine two seconds are over before all were asked
            if tag != "broken" or not missed():
                break
            for kind in ("pods", "pipelines", "models", "modelendpoints", "buckets", "drift", "costs"):
                run(path, "get", kind, "--wait", "20")
        if status == 403:                    # headless ways are enough
            continue
        screen = session(path, os.path.join(scratch, f"record-{tag}"))
        ok(len(screen) > 2000, f"{status}: there was a session to be searched", len(screen))
    ok(not missed(), "the servers were given these secrets, and quoted them", missed())
    ok({"s3token"} <= quoted, "and the session token of AWS", quoted)
    ok(any(b"***" in data for data in out.values()), "what they quoted was masked, and the rest of the sentence shown")
    found = []
    for where, data in out.items():
        found += leaks(where, data)
    ok(not found, "nothing printed or on a screen holds a secret", *sorted(found))
    found, files, given = [], 0, {os.path.join(scratch, n) for n in os.listdir(scratch) if n.startswith(("secret-", "kube-"))}
    for folder, _, names in os.walk(scratch):
        for name in names:
            at = os.path.join(folder, name)
            if at in given:
                continue
            files += 1
            with open(at, "rb") as f:
                found += leaks(os.path.relpath(at, scratch), f.read())
    ok(files > 5, "files were written: audit, history, records", files)
    ok(not found, "no file that was written holds a secret", *sorted(found))
    ok(out_of_core[0] == ["0", "0"] or "unreadable" in str(out_of_core[0]), "a core file would not be written", out_of_core[0])
finally:
    subprocess.run(["rm", "-rf", scratch], check=False)
tap.done()
sys.exit(0)
