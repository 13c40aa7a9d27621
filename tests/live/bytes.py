#!/usr/bin/env python3
"""A hundred thousand pods for the benchmark, without a cluster of that size.

  bytes.py record DIR                     take the protobuf of a running, seeded set (servers.sh)
  bytes.py serve OUT [--pods 100000] [--rate N] [--no-watchlist] [--port P]

`record` keeps what the API server of DIR says to discovery, to lists and to WatchLists in the
cache. `serve` multiplies the recorded pods by re-encoding names, uids and versions, and answers
over TLS: discovery, lists with limit and continue, WatchLists, and then N changed pods a second. Logs
of its pods never end and come as fast as they are taken.
Into OUT it writes `kubeconfig`, `env` (API_URL, CA_FILE, TOKEN_ADMIN, KUBECONFIG, PID), and the
line `ready` on its output when it listens. It ends with SIGTERM or SIGINT."""
import argparse
import base64
import hashlib
import http.server
import itertools
import json
import os
import pathlib
import random
import select
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True  # a clean checkout stays clean
from kubeapi import read_env

PROTOBUF = "application/vnd.kubernetes.protobuf"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MAGIC = b"k8s\0"
INITIAL = "&".join(["watch=1", "sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true"])
CHUNK = 1 << 20


def cache():
    base = os.environ.get("BINNACLE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "binnacle")
    return pathlib.Path(base) / "bytes"


# --- protobuf, as far as it is needed here ---------------------------------------------------------

def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def fields(data):
    """[(field number, bytes or int)] of a message that holds only varints and length-delimited fields."""
    found, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            value, at = bytes(data[at:at + value]), at + value
        elif key & 7:
            raise ValueError(f"wire type {key & 7}")
        found.append((key >> 3, value))
    return found


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(pairs):
    return b"".join(field(number, value) for number, value in pairs)


def unknown(version, kind, raw):
    """An object as the API server wraps it: MAGIC, runtime.Unknown{TypeMeta, raw, "", ""}."""
    return MAGIC + message([(1, message([(1, version), (2, kind)])), (2, raw), (3, b""), (4, b"")])


def frame(event, version, kind, raw):
    """One event of a watch, with its length before it."""
    data = message([(1, event), (2, message([(1, unknown(version, kind, raw))]))])
    return len(data).to_bytes(4, "big") + data


def items_of(data):
    """The items of a list as the API server answers it."""
    if data[:4] != MAGIC:
        raise ValueError("no protobuf: " + repr(data[:80]))
    raw = dict(fields(data[4:]))[2]
    return [value for number, value in fields(raw) if number == 2]


# --- record ----------------------------------------------------------------------------------------

def record(folder):
    env, out = read_env(folder), cache()
    out.mkdir(parents=True, exist_ok=True)
    tls = ssl.create_default_context(cafile=env["CA_FILE"])

    def fetch(path, accept, limit=None):
        request = urllib.request.Request(env["API_URL"] + path, headers={
            "Authorization": "Bearer " + env["TOKEN_ADMIN"], "Accept": accept})
        with urllib.request.urlopen(request, context=tls, timeout=60) as answer:
            return read_watch(answer) if limit else answer.read()

    def read_watch(answer):
        """Whole frames up to the bookmark that ends the initial events."""
        data = b""
        while True:
            size = answer.read(4)
            body = answer.read(int.from_bytes(size, "big"))
            data += size + body
            if b"k8s.io/initial-events-end" in body:
                return data

    kept = {"json": {}, "aggregated": {}, "lists": {}, "watches": {}}
    paths = ["/version", "/api", "/apis", "/api/v1"]
    groups = json.loads(fetch("/apis", "application/json"))["groups"]
    paths += ["/apis/" + version["groupVersion"] for group in groups for version in group["versions"]]
    for path in paths:
        kept["json"][path] = fetch(path, "application/json").decode()
    for path in ("/api", "/apis"):
        kept["aggregated"][path] = fetch(path, AGGREGATED + "," + "application/json").decode()
    for path in paths[3:]:
        for resource in json.loads(kept["json"][path])["resources"]:
            if "/" in resource["name"] or not {"list", "watch"} <= set(resource["verbs"]) or resource["name"] == "pods":
                continue
            where = f"{path}/{resource['name']}"
            try:
                kept["lists"][where] = base64.b64encode(fetch(where, PROTOBUF)).decode()
                kept["watches"][where] = base64.b64encode(fetch(f"{where}?{INITIAL}", PROTOBUF + ";stream=watch", True)).decode()
            except urllib.error.HTTPError as error:  # custom resources have no protobuf
                if error.code != 406:
                    raise
    pods = fetch("/api/v1/pods?labelSelector=seed%3Dcluster&limit=2000", PROTOBUF)
    (out / "pods.pb").write_bytes(pods)
    (out / "rest.json").write_text(json.dumps(kept))
    print(f"bytes: {len(items_of(pods))} pods, {len(kept['lists'])} other lists in '{out}'")


# --- pods by the hundred thousand --------------------------------------------------------------------

class Pods:
    """COUNT pods, encoded: ready to be sent as items of a list, or as frames of a watch."""

    def __init__(self, recorded, count):
        self.first_version = 1_000_000
        self.version = self.first_version + count
        made = sorted(self.multiply([self.take_apart(item) for item in recorded], count))
        self.namespaces = [namespace for namespace, _, _ in made]
        self.items = [field(2, item) for _, _, item in made]  # as they stand in a list
        self.frames = self.join(frame(b"ADDED", b"v1", b"Pod", item) for _, _, item in made)
        self.lock = threading.Lock()

    @staticmethod
    def take_apart(item):
        """(namespace, name, fields of the metadata, what follows the metadata) of a pod"""
        (number, raw), *_ = fields(item)
        if number != 1:
            raise ValueError("a pod that does not begin with its metadata")
        meta = fields(raw)
        known = dict(meta)
        return known[3], known[1], meta, item[len(field(1, raw)):]

    def multiply(self, recorded, count):
        """(namespace, name, pod): the first round as recorded, later ones with a number in the name."""
        for number in range(count):
            namespace, name, meta, rest = recorded[number % len(recorded)]
            lap = number // len(recorded)
            if lap:
                name = b"%s-%03d" % (name, lap)
                uid = hashlib.md5(name + namespace).hexdigest()
                uid = f"{uid[:8]}-{uid[8:12]}-4{uid[13:16]}-a{uid[17:20]}-{uid[20:]}".encode()
                changed = {1: name, 5: uid, 6: str(self.first_version + number).encode()}
                meta = [(kind, changed.get(kind, value)) for kind, value in meta]
            yield namespace, name, field(1, message(meta)) + rest

    @staticmethod
    def join(frames):
        """Fewer and larger pieces: they are sent as fast as TLS can."""
        joined, part = [], bytearray()
        for one in frames:
            part += one
            if len(part) >= CHUNK:
                joined.append(bytes(part))
                part = bytearray()
        return joined + [bytes(part)]

    def page(self, namespace, begin, limit):
        """The length of a list's answer, and its pieces, made as they are sent."""
        items = self.items
        if namespace:
            items = [item for where, item in zip(self.namespaces, items) if where == namespace]
        end = min(begin + limit, len(items)) if limit else len(items)
        rest = [(3, str(end).encode()), (4, len(items) - end)] if end < len(items) else [(3, b"")]
        meta = field(1, message([(1, b""), (2, str(self.version).encode()), *rest]))
        size = len(meta) + sum(map(len, items[begin:end]))
        kind = field(1, message([(1, b"v1"), (2, b"PodList")]))
        head, tail = MAGIC + kind + varint(2 << 3 | 2) + varint(size) + meta, message([(3, b""), (4, b"")])
        middle = (b"".join(items[at:min(at + 300, end)]) for at in range(begin, end, 300))
        return len(head) - len(meta) + size + len(tail), itertools.chain([head], middle, [tail])

    def change(self, rng, number):
        """The frame of a pod that restarted once more, or became ready again."""
        (_, item), = fields(self.items[rng.randrange(len(self.items))])
        with self.lock:
            self.version += 1
            version = str(self.version).encode()
        parts = fields(item)
        meta = message([(kind, version if kind == 6 else value) for kind, value in fields(parts[0][1])])
        status = []
        first = True
        for kind, value in fields(parts[2][1]):
            if kind == 8 and first:  # containerStatuses: ready is 4, restartCount 5
                first = False
                value = message([(k, number % 2 if k == 4 else 1 + number % 50 if k == 5 else v) for k, v in fields(value)])
            status.append((kind, value))
        return frame(b"MODIFIED", b"v1", b"Pod", message([(1, meta), parts[1], (3, message(status))]))

    def bookmark(self):
        """The end of the initial events."""
        note = message([(1, b"k8s.io/initial-events-end"), (2, b"true")])
        meta = message([(1, b""), (2, b""), (3, b""), (4, b""), (5, b""), (6, str(self.version).encode()), (7, 0), (8, b""), (12, note)])
        return frame(b"BOOKMARK", b"v1", b"Pod", field(1, meta) + field(2, field(10, b"")) + field(3, b""))


# --- serve -------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bytes"
    wbufsize = 0

    def setup(self):
        try:
            self.request.do_handshake()
        except OSError:
            pass
        super().setup()

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        self.answer_pieces(status, len(body), [body], kind)

    def answer_pieces(self, status, size, pieces, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for one in pieces:
            self.wfile.write(one)

    def refuse(self, status, reason, text):
        self.answer(status, json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                                        "message": text, "reason": reason, "code": status}).encode())

    def do_POST(self):  # access reviews: whoever comes may do everything
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "accessreview" not in self.path:
            return self.refuse(405, "MethodNotAllowed", "this server only plays pods back")
        review = json.loads(body)
        review["status"] = {"allowed": True}
        return self.answer(201, json.dumps(review).encode())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {key: values[-1] for key, values in urllib.parse.parse_qs(url.query).items()}
        accept, served = self.headers.get("Accept", ""), self.server
        path = url.path.rstrip("/")
        if path in served.rest["aggregated"] and "as=APIGroupDiscoveryList" in accept:
            return self.answer(200, served.rest["aggregated"][path].encode(), AGGREGATED)
        if path in served.rest["json"]:
            return self.answer(200, served.rest["json"][path].encode())
        if path in ("/readyz", "/livez", "/healthz"):
            return self.answer(200, b"ok", "text/plain")
        parts = path.split("/")
        namespace = None
        if len(parts) in (7, 8) and parts[1:4] == ["api", "v1", "namespaces"] and parts[5] == "pods":
            return self.flood() if parts[7:] == ["log"] else self.writer(parts[4], parts[6])
        if len(parts) == 6 and parts[1:4] == ["api", "v1", "namespaces"]:
            namespace, path = parts[4].encode(), "/api/v1/" + parts[5]
        if path != "/api/v1/pods" and path not in served.rest["lists"]:
            return self.refuse(404, "NotFound", f"nothing recorded for '{path}'")
        if PROTOBUF not in accept:
            return self.refuse(406, "NotAcceptable", "only the following media types are accepted: " + PROTOBUF)
        if query.get("watch", "0") in ("1", "true"):
            return self.watch(path, query)
        if path != "/api/v1/pods":
            return self.answer(200, base64.b64decode(served.rest["lists"][path]), PROTOBUF)
        size, pieces = served.pods.page(namespace, int(query.get("continue") or 0), int(query.get("limit") or 0))
        return self.answer_pieces(200, size, pieces, PROTOBUF)

    def piece(self, data):
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n" if len(data) < 65536 else b"%x\r\n" % len(data))
        if len(data) >= 65536:
            self.wfile.write(data)
            self.wfile.write(b"\r\n")

    def writer(self, namespace, name):
        """A pod as the one who follows its log wants it: which containers it has, and that they run."""
        state = {"name": "main", "restartCount": 0, "state": {"running": {}}}
        return self.answer(200, json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name},
            "spec": {"containers": [{"name": "main"}]}, "status": {"phase": "Running", "containerStatuses": [state]}}).encode())

    def flood(self):
        """A log without end, as fast as it is taken."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        for second in itertools.count():
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1763694000 + second))
            self.piece("".join(f"{at}.{i:06d}Z INFO GET /v1/listings?page={i} 200 12 ms request_id={i * 7919 % 65536:04x}\n"
                               for i in range(10000)).encode())

    def watch(self, path, query):
        served = self.server
        initial = query.get("sendInitialEvents") == "true"
        if initial and not served.watchlist:
            return self.refuse(422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: '
                               "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        self.send_response(200)
        self.send_header("Content-Type", PROTOBUF + ";stream=watch")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pods = path == "/api/v1/pods"
        if initial and pods:
            for part in served.pods.frames:
                self.piece(part)
            self.piece(served.pods.bookmark())
        elif initial:
            self.piece(base64.b64decode(served.rest["watches"][path]))
        self.close_connection = True
        if pods and served.rate:
            self.keep_changing(served)
        else:
            self.until_gone(None)
        return None

    def keep_changing(self, served):
        """RATE changes a second, evenly: late ones are caught up with."""
        rng, began, number = random.Random(7), time.monotonic(), 0
        while True:
            number += 1
            wait = began + number / served.rate - time.monotonic()
            if self.until_gone(max(0.0, wait)):
                return
            self.piece(served.pods.change(rng, number))

    def until_gone(self, seconds):
        """Whether the client went away within so many seconds (None: wait for it)."""
        ready, _, _ = select.select([self.connection], [], [], seconds)
        return bool(ready)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, tls, rest, pods, rate, watchlist):
        self.tls, self.rest, self.pods, self.rate, self.watchlist = tls, rest, pods, rate, watchlist
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):  # without asking for the host's name
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        connection, address = super().get_request()
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass  # clients come and go


def certificate(out):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-subj", "/CN=bytes", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", str(out / "key.pem"), "-out", str(out / "ca.crt")], check=True, stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(out / "ca.crt", out / "key.pem")
    tls.set_alpn_protocols(["http/1.1"])
    return tls


def write_clients(out, port):
    url = f"https://127.0.0.1:{port}"
    token = "any"
    ca = base64.b64encode((out / "ca.crt").read_bytes()).decode()
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "bytes",
              "clusters": [{"name": "bytes", "cluster": {"server": url, "certificate-authority-data": ca}}],
              "users": [{"name": "bytes", "user": {"token": token}}],
              "contexts": [{"name": "bytes", "context": {"cluster": "bytes", "user": "bytes"}}]}
    (out / "kubeconfig").write_text(json.dumps(config, indent=1) + "\n")  # JSON is YAML
    (out / "env").write_text(f"API_URL='{url}'\nCA_FILE='{out / 'ca.crt'}'\nTOKEN_ADMIN='{token}'\n"
                             f"KUBECONFIG='{out / 'kubeconfig'}'\nPID='{os.getpid()}'\n")


def serve(options):
    out = pathlib.Path(options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        rest = json.loads((cache() / "rest.json").read_text())
        recorded = items_of((cache() / "pods.pb").read_bytes())
    except OSError:
        raise SystemExit("bytes: nothing recorded; first: bytes.py record DIR") from None
    began = time.monotonic()
    pods = Pods(recorded, options.pods)
    server = Server(options.port, certificate(out), rest, pods, options.rate, not options.no_watchlist)
    write_clients(out, server.server_port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    size = sum(map(len, pods.items))
    print(f"bytes: {options.pods} pods, {size / 1e6:.0f} MB, made in {time.monotonic() - began:.1f} s\nready", flush=True)
    server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("record").add_argument("dir")
    play = commands.add_parser("serve")
    play.add_argument("out")
    play.add_argument("--pods", type=int, default=100000)
    play.add_argument("--rate", type=float, default=0)
    play.add_argument("--port", type=int, default=0)
    play.add_argument("--no-watchlist", action="store_true")
    options = parser.parse_args()
    if options.command == "record":
        record(options.dir)
    else:
        serve(options)


if __name__ == "__main__":
    main()
