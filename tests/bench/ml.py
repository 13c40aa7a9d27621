#!/usr/bin/env python3
"""What the panes of the ML systems cost: ml.py BINNACLE LIVE_DIR [SECONDS] [ROWS...]

LIVE_DIR is a set of servers that runs (tests/live/servers.sh up, mlservers.sh up); those that are up are measured. Every
server is reached through a proxy that counts requests. Printed, a line each: what a pane costs from cold (ms until its
first row is on the screen), its server at rest (requests a minute), itself (% CPU, bytes a second to the terminal); a
headless prediction beside curl's; memory with every pane opened. With ROWS (1000 10000) the databases are filled to so many
rows (fill.py; they stay) and each list is opened from cold and read whole.
"""
import fcntl
import math
import os
import pty
import re
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.parse

SYSTEMS = {  # source: (variable, settings, pane)
    "airflow2": ("AIRFLOW2_URL", "type: airflow, user: admin, password: {env: AIRFLOW_PASSWORD}", "pipelines"),
    "airflow3": ("AIRFLOW3_URL", "type: airflow, user: admin, password: {env: AIRFLOW_PASSWORD}", "pipelines"),
    "mlflow1": ("MLFLOW1_URL", "type: mlflow", "registry"),
    "mlflow2": ("MLFLOW2_URL", "type: mlflow", "registry"),
    "mlflow3": ("MLFLOW3_URL", "type: mlflow", "registry"),
    "s3": ("S3_URL", "type: s3, region: us-east-1, access_key: {env: S3_ACCESS_KEY}, secret_key: {env: S3_SECRET_KEY}", "storage"),
    "rest": ("REST_URL", "type: serving", "predict"),
    "kserve": ("KSERVE_URL", "type: serving", "predict"),
    "mlserver": ("MLSERVER_URL", "type: serving", "predict"),
}


class Proxy:
    """Forwards one port and counts what looks like the first line of a request."""
    FIRST = re.compile(rb"(?:^|\n)(?:GET|POST|PUT|PATCH|DELETE|HEAD) [^ \r\n]+ HTTP/1\.[01]\r\n")

    def __init__(self, url):
        to = urllib.parse.urlsplit(url)
        self.to, self.requests, self.answered = (to.hostname, to.port), 0, 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.to)
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, a, b, count):
        try:
            while data := a.recv(65536):
                if count:
                    self.requests += len(self.FIRST.findall(data))
                b.sendall(data)
                if not count:
                    self.answered = time.monotonic()
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Console:
    """binnacle in a pseudo-terminal of 120x40."""
    def __init__(self, args):
        self.began, self.bytes, self.text, self.seen = time.monotonic(), 0, b"", 0.0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(args[0], args)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read(self, seconds, until=None):
        """Reads for so long, or until the text is seen; milliseconds since the start."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], min(left, 0.05))[0]:
                data = os.read(self.fd, 65536)
                self.bytes += len(data)
                self.seen = time.monotonic()
                self.text = (self.text + data)[-200000:]
                if until and until in self.text:
                    return (time.monotonic() - self.began) * 1000
        return None

    def cpu(self):
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        status = open(f"/proc/{self.pid}/status").read()
        return [int(re.search(rf"{k}:\s+(\d+)", status).group(1)) / 1024 for k in ("VmRSS", "RssAnon")]

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def config(path, urls, kubeconfig, more=""):
    with open(path, "w") as f:
        f.write("sources:\n")
        for name, url in urls.items():
            where = "endpoint" if name == "s3" else "url"
            f.write(f'  {name}: {{{SYSTEMS[name][1]}{more}, {where}: "{url}"}}\n')
        if kubeconfig:
            f.write(f"  eks: {{type: kubernetes, kubeconfig: {kubeconfig}, context: admin}}\n"
                    "  cost: {type: cost, budgets: {night: {amount: 10, period: session, hours: 10}}}\n")
    return path


def one_pane(binnacle, folder, pane, proxies, kubeconfig, seconds):
    names = [n for n in proxies if SYSTEMS[n][2] == pane]
    conf = config(f"{folder}/{pane}.yaml", {n: proxies[n].url for n in names}, kubeconfig if pane == "cost" else None)
    first = []
    for _ in range(5):
        c = Console([binnacle, "--config", conf, "--pane", pane])
        ms = c.read(20, "▌".encode())
        c.end()
        first += [ms] if ms else []
    c = Console([binnacle, "--config", conf, "--pane", pane])
    c.read(10)
    asked, spent, sent = sum(proxies[n].requests for n in names), c.cpu(), c.bytes
    c.read(seconds)
    asked, spent, sent = sum(proxies[n].requests for n in names) - asked, c.cpu() - spent, c.bytes - sent
    c.end()
    per = f"{asked * 60 / seconds / len(names):.1f} requests/min a server" if names else "no server of its own"
    cold = f"{statistics.median(first):.0f} ms" if first else "no rows"
    print(f"{pane:10} first row {cold:>8}   at rest {per:28} {100 * spent / seconds:.2f} % CPU   "
          f"{sent / seconds:.0f} bytes/s   ({', '.join(names) or 'eks'})", flush=True)


def timed(n, *command):
    all_ms = []
    for _ in range(n):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        all_ms.append((time.monotonic() - began) * 1000)
    return statistics.median(all_ms)


def predictions(binnacle, folder, url):
    conf = config(f"{folder}/predict.yaml", {"rest": url}, None)
    row = '{"bed":3,"bath":2,"acre_lot":0.25,"house_size":1800,"state":"California","status":"for_sale"}'
    ours = timed(9, binnacle, "--config", conf, "predict", "rest", row)
    curl = timed(9, "curl", "-sS", f"{url}/predict", "-H", "Content-Type: application/json", "-d", row)
    print(f"predict    headless {ours:.0f} ms, curl {curl:.0f} ms, ratio {ours / curl:.2f} (it asks for the description first)")


def what_if(binnacle, folder, proxy):
    """From the key that changes an input to the new prediction on the screen, beside curl through the same proxy."""
    c = Console([binnacle, "--config", config(f"{folder}/whatif.yaml", {"rest": proxy.url}, None), "--pane", "predict"])
    c.read(10, "▌".encode())
    c.type("\r")
    c.read(3)
    all_ms = []
    for _ in range(15):
        began = time.monotonic()
        c.type("l")
        while time.monotonic() - began < 5 and (proxy.answered < began or c.seen < proxy.answered):
            c.read(0.005)
        all_ms.append((c.seen - began) * 1000)
        c.read(0.4)
    c.end()
    row = '{"bed":3,"bath":2,"acre_lot":0.25,"house_size":1800,"state":"California","status":"for_sale"}'
    curl = timed(9, "curl", "-sS", f"{proxy.url}/predict", "-H", "Content-Type: application/json", "-d", row)
    ours = statistics.median(all_ms)
    print(f"what if    key to new prediction on the screen {ours:.0f} ms, curl {curl:.0f} ms, ratio {ours / curl:.2f}")


LISTS = [("pipelines", "runs", "airflow3"), ("registry", "versions", "mlflow3"), ("storage", "objects", "s3"),
         ("predict", "predictions", "pg")]


def lists(binnacle, folder, live, env, rows):
    """Each list of so many rows: first row on the screen, the whole list headless, memory with it open."""
    subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "fill.py"), live, str(rows)], check=True)
    for pane, kind, source in LISTS:
        if source != "pg" and SYSTEMS[source][0] not in env:
            continue
        conf = f"{folder}/{source}.yaml"
        if source == "pg":
            with open(conf, "w") as f:
                f.write(f'sources:\n  pg: {{type: postgres, connection: "{env["PG_URI"]}"}}\n')
        else:
            config(conf, {source: env[SYSTEMS[source][0]]}, None, f", runs: {rows}" if kind == "runs" else "")
        c = Console([binnacle, "--config", conf, "--pane", pane])
        first = c.read(30, "▌".encode())
        c.type(f":{kind}\r")
        c.read(8)
        rss, anon = c.memory()
        c.end()
        whole = timed(3, binnacle, "--config", conf, "get", kind, *(["fill/flat/"] if kind == "objects" else []))
        print(f"{kind:12} {rows:>7,} rows: first row {first or math.nan:.0f} ms, whole list {whole:.0f} ms, {rss:.1f} MB resident, "
              f"{anon:.1f} MB private", flush=True)


def everything(binnacle, folder, proxies, kubeconfig):
    conf = config(f"{folder}/all.yaml", {n: p.url for n, p in proxies.items()}, kubeconfig)
    c = Console([binnacle, "--config", conf])
    c.read(8)
    for digit in "2345678":
        c.type(digit)
        c.read(4)
    c.type("1")
    c.read(5)
    rss, anon = c.memory()
    spent = c.cpu()
    c.read(20)
    print(f"all panes  opened: {rss:.1f} MB resident, {anon:.1f} MB private, {100 * (c.cpu() - spent) / 20:.2f} % CPU on the first screen")
    c.end()


def main():
    binnacle, live = os.path.abspath(sys.argv[1]), sys.argv[2]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 60
    env = dict(re.findall(r"^(\w+)='(.*)'$", open(f"{live}/env").read(), re.M))
    for k in ("S3_ACCESS_KEY", "S3_SECRET_KEY"):
        os.environ[k] = env.get(k, "")
    os.environ.update(AIRFLOW_PASSWORD="admin", TERM="xterm-256color", LC_ALL="C.UTF-8")
    proxies = {n: Proxy(env[s[0]]) for n, s in SYSTEMS.items() if s[0] in env}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(HOME=folder, XDG_STATE_HOME=folder, XDG_CONFIG_HOME=folder)
        for pane in ("pipelines", "registry", "storage", "predict", "cost"):
            if pane == "cost" or any(SYSTEMS[n][2] == pane for n in proxies):
                one_pane(binnacle, folder, pane, proxies, env.get("KUBECONFIG"), seconds)
        if "rest" in proxies:
            predictions(binnacle, folder, proxies["rest"].url)
            what_if(binnacle, folder, proxies["rest"])
        for rows in sys.argv[4:]:
            lists(binnacle, folder, live, env, int(rows))
        everything(binnacle, folder, proxies, env.get("KUBECONFIG"))


main()
