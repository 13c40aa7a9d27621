#!/usr/bin/env python3
"""An API server that lies, for test_kube_lies.c: lying_api.py LIE...

Prints its port. Each request for the pods is answered by the next LIE, and when they are used up, honestly: the pods
keep-0 to keep-4, and by a watch the pod `late`. Whatever a lie shows holds one pod more, gone-N, of which nobody ever
says that it was deleted. The metrics of keep-0 can be had. Protobuf by hand: field numbers of k8s.io/api v0.34."""
import http.server
import json
import signal
import struct
import sys
import threading
import time

LIES = sys.argv[1:]
LOCK = threading.Lock()
STATE = {"n": 0, "late": False}
MOVED = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: MOVED.set())


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def field(number, value):
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def envelope(kind, raw):
    return b"k8s\0" + field(1, field(1, "v1") + field(2, kind)) + field(2, raw)


def pod(name, version, ns="ml"):
    meta = field(1, name) + field(3, ns) + field(5, "uid-" + name) + field(6, str(version))
    spec = field(2, field(1, "app") + field(2, "image:1")) + field(10, "node-1")
    state = field(1, "app") + field(2, field(2, b"")) + field(4, 1) + field(5, 0)
    status = field(1, "Running") + field(8, state)
    return field(1, meta) + field(2, spec) + field(3, status)


def event(kind, obj_kind, raw):
    body = field(1, kind) + field(2, field(1, envelope(obj_kind, raw)))
    return struct.pack(">I", len(body)) + body


def bookmark(version, end):
    note = field(12, field(1, "k8s.io/initial-events-end") + field(2, "true")) if end else b""
    return event("BOOKMARK", "Pod", field(1, field(6, str(version)) + note))


def status_json(code, reason, message, cont=None):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                       "message": message, "metadata": {"continue": cont} if cont else {}}).encode()


def status_event(code, reason, message):
    raw = field(2, "Failure") + field(3, message) + field(4, reason) + field(6, code)
    return event("ERROR", "Status", raw)


def names(lie_number):
    return [f"keep-{i}" for i in range(5)] + ([f"gone-{lie_number}"] if lie_number is not None else [])


def stamp(ms):
    """RFC3339Nano as Go prints it: no zeros at the end."""
    fraction = f"{ms % 1000:03d}".rstrip("0")
    return f"2026-11-21T03:00:{ms // 1000:02d}{'.' + fraction if fraction else ''}Z"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, code, body, kind="application/json", **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        length = headers.pop("length", len(body))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if length != len(body):
            self.close_connection = True

    def begin(self, kind="application/vnd.kubernetes.protobuf;stream=watch"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if LIES[:1] == ["narrow"] and path.startswith("/api/v1/"):
            self.narrow(path.split("/")[3:], dict(part.split("=", 1) for part in query.split("&") if "=" in part))
        elif path == "/version":
            self.send(200, b'{"gitVersion":"v1.99.0"}')
        elif path == "/api/v1/pods":
            self.pods(dict(part.split("=", 1) for part in query.split("&") if "=" in part))
        elif path == "/apis/metrics.k8s.io/v1beta1/pods":
            self.send(200, json.dumps({"kind": "PodMetricsList", "items": [{
                "metadata": {"name": "keep-0", "namespace": "ml"},
                "containers": [{"name": "app", "usage": {"cpu": "250m", "memory": "64Mi"}}]}]}).encode())
        elif path == "/api/v1/namespaces/ml/pods/writer":
            self.writer()
        elif path == "/api/v1/namespaces/ml/pods/writer/log":
            self.log(dict(part.split("=", 1) for part in query.split("&")))
        else:
            self.send(404, status_json(404, "NotFound", "the server could not find the requested resource"))

    def pods(self, q):
        with LOCK:
            number = STATE["n"]
            lie = LIES[number] if number < len(LIES) and LIES[number] not in ("flood", "waits") else None
            if lie in ("off", "old"):
                # for good: no WatchList here
                if "sendInitialEvents" in q:
                    lie = "422"
                else:
                    STATE["n"] += 1 if "continue" not in q or lie == "old" else 0
                    lie = None if lie == "off" else "old"
            else:
                STATE["n"] += 1
        if lie:
            getattr(self, "lie_" + lie.replace("-", "_"))(q, number)
        elif "watch" not in q:
            self.page(q, None)
        else:
            self.honest(q)

    # --- logs: of the pod `writer`, containers a and b; each connection breaks in the middle of a line

    def narrow(self, path, q):
        """narrow FIRST LAST: all pods at once are forbidden; of the namespaces n00 to n79 those from FIRST to LAST let one
        in, by list and not by watch where the number is odd; at SIGUSR1 n70 goes (its pod
        without a word), n72 lets nobody in any more, and n80 comes, which lets one in."""
        if path == ["pods"] or path == ["namespaces"] and "watch" not in q:
            return self.send(403, status_json(403, "Forbidden", "pods is forbidden"))
        if path == ["namespaces"]:
            return self.namespaces()
        number = int(path[1][1:])
        closed = number == 72 and MOVED.is_set()
        if closed or not (int(LIES[1]) <= number <= int(LIES[2]) or number == 80) or (number % 2 and "watch" in q):
            return self.send(403, status_json(403, "Forbidden", "no"))
        one = pod("one", 50, path[1])
        if "watch" not in q:
            return self.send(200, envelope("PodList", field(1, field(2, "100")) + field(2, one)),
                             "application/vnd.kubernetes.protobuf")
        self.begin()
        self.chunk(event("ADDED", "Pod", one) + bookmark(100, True))
        if number == 72 and MOVED.wait(300):
            return self.chunk(b"")
        time.sleep(60)

    def namespaces(self):
        self.begin()
        space = lambda name: field(1, field(1, name) + field(6, "50")) + field(3, field(1, "Active"))
        self.chunk(b"".join(event("ADDED", "Namespace", space(f"n{i:02}")) for i in range(80)) + bookmark(100, True))
        MOVED.wait(300)
        self.chunk(event("DELETED", "Namespace", space("n70")) + event("ADDED", "Namespace", space("n80")))
        time.sleep(60)

    def writer(self):
        over = {"terminated": {"exitCode": 3, "reason": "Error"}}
        self.send(200, json.dumps({
            "metadata": {"name": "writer", "namespace": "ml"},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "a"}, {"name": "b"}]},
            "status": {"phase": "Failed" if STATE.get("ended") else "Running", "containerStatuses": [
                {"name": c, "restartCount": 0, "state": over if STATE.get("ended") else {"running": {}}} for c in "ab"]},
        }).encode())

    def log(self, q):
        if LIES == ["flood"]:
            return self.flood()
        if LIES == ["waits"] and not STATE.setdefault("asked", False):
            STATE["asked"] = True
            return self.send(400, status_json(400, "BadRequest", 'container "a" in pod "writer" is waiting to start: '
                                              'ContainerCreating'))
        offset = 0 if q["container"] == "a" else 5
        since = q.get("sinceTime", "").replace("%3A", ":")
        lines = [f"{stamp(i * 10 + offset)} {q['container']} line {i}\n" for i in range(500)]
        text = "".join(line for line in lines if line[:19] + "Z" >= since).encode()
        STATE["ended"] = len(text) <= 6000
        self.begin("text/plain")
        for at in range(0, min(len(text), 6000), 999):
            self.chunk(text[at:min(at + 999, 6000)])
        if len(text) > 6000:
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            self.chunk(b"")

    def flood(self):
        block = b"".join(b"2026-11-21T03:00:00.%09dZ the quick brown fox jumps over the lazy dog, %08d times\n" % (i, i)
                         for i in range(20000))
        STATE["ended"] = True
        self.begin("text/plain")
        for _ in range(100):
            self.chunk(block)
        self.chunk(b"")

    # --- honest answers

    def page(self, q, lie_number, cont=""):
        items = names(lie_number)
        first, last = (items[:3], items[3:])
        shown = last if "continue" in q else first
        more = "" if "continue" in q else (cont or "the-rest")
        raw = field(1, field(2, "100") + field(3, more)) + b"".join(field(2, pod(name, 50)) for name in shown)
        self.send(200, envelope("PodList", raw), "application/vnd.kubernetes.protobuf")

    def initial(self, lie_number):
        return b"".join(event("ADDED", "Pod", pod(name, 50)) for name in names(lie_number))

    def honest(self, q):
        self.begin()
        if "sendInitialEvents" in q:
            self.chunk(self.initial(None))
            self.chunk(bookmark(100, True))
        time.sleep(0.1)
        late = event("ADDED", "Pod", pod("late", 101))
        for at in range(0, len(late), 7):   # in small pieces
            self.chunk(late[at:at + 7])
        time.sleep(60)

    # --- lies

    def lie_422(self, q, n):
        self.send(422, status_json(422, "Invalid", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch "
                                   "unless the WatchList feature gate is enabled"))

    def lie_410(self, q, n):
        self.send(410, status_json(410, "Expired", "too old resource version"))

    def lie_410event(self, q, n):
        self.begin()
        self.chunk(self.initial(n) + bookmark(90, True))
        time.sleep(0.05)
        self.chunk(status_event(410, "Expired", "too old resource version: 1 (100)"))
        time.sleep(5)

    def lie_410storm(self, q, n):
        self.begin()
        self.chunk(status_event(410, "Gone", "gone"))
        self.chunk(b"")

    def lie_504event(self, q, n):
        self.begin()
        self.chunk(status_event(504, "Timeout", "Too large resource version: 999, current: 100"))
        time.sleep(5)

    def lie_429(self, q, n):
        self.send(429, status_json(429, "TooManyRequests", "too many requests"), Retry_After="1")

    def lie_500(self, q, n):
        self.send(500, status_json(500, "InternalError", "etcdserver: leader changed"))

    def lie_503text(self, q, n):
        self.send(503, b"upstream connect error", "text/plain")

    def lie_html(self, q, n):
        self.send(200, b"<html><body>Please log in</body></html>" * 50, "text/html")

    def lie_html_502(self, q, n):
        self.send(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")

    def lie_cut(self, q, n):
        self.begin()
        self.chunk(self.initial(n)[:-40])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def lie_half(self, q, n):
        """A clean end in the middle of an event."""
        self.begin()
        self.chunk(self.initial(n) + bookmark(90, True) + event("ADDED", "Pod", pod("half", 91))[:-20])
        self.chunk(b"")

    def lie_huge(self, q, n):
        self.begin()
        self.chunk(self.initial(n) + b"\xff\xff\xff\xff" + b"x" * 100)
        time.sleep(5)

    def lie_noise(self, q, n):
        self.begin()
        self.chunk(self.initial(n) + struct.pack(">I", 64) + bytes(range(7, 71)))
        time.sleep(5)

    def lie_stall(self, q, n):
        self.begin()
        self.chunk(self.initial(n)[:100])
        time.sleep(30)

    def lie_silent(self, q, n):
        time.sleep(30)

    def lie_long(self, q, n):
        """Says more bytes than come."""
        body = self.initial(n)
        self.send(200, body, "application/vnd.kubernetes.protobuf;stream=watch", length=len(body) + 1000)

    def lie_short(self, q, n):
        """Says fewer bytes than come."""
        body = self.initial(n)
        self.send(200, body, "application/vnd.kubernetes.protobuf;stream=watch", length=len(body) - 30)

    def lie_dropped(self, q, n):
        self.close_connection = True
        self.connection.shutdown(2)

    def lie_end(self, q, n):
        """The listing, then a clean end."""
        self.begin()
        self.chunk(self.initial(None) + bookmark(90, True))
        time.sleep(0.05)
        self.chunk(b"")

    def lie_redirect(self, q, n):
        self.send(302, b"", Location="https://login.example.com/")

    def lie_old(self, q, n):
        """Pages whose token expires between the first and the second."""
        if "continue" in q:
            self.send(410, status_json(410, "Expired", "The provided continue parameter is too old", "inconsistent"))
        else:
            self.page(q, n)

    def lie_cutpage(self, q, n):
        raw = envelope("PodList", field(1, field(2, "100")) + b"".join(field(2, pod(x, 50)) for x in names(n)))
        self.send(200, raw[:-30], "application/vnd.kubernetes.protobuf")


    def odd(self, version):
        """Two objects that nobody can read: noise, and a pod whose spec is cut."""
        return [b"\x0a\xff", field(1, field(1, "odd") + field(3, "ml")) + b"\x12\x7f", pod("keep-4", version)]

    def lie_odd(self, q, n):
        """Such objects in an honest listing; later one of them can be read, and is deleted."""
        self.begin()
        self.chunk(b"".join(event("ADDED", "Pod", x) for x in self.odd(50)) + self.initial(None) + bookmark(100, True))
        time.sleep(0.3)
        self.chunk(event("MODIFIED", "Pod", self.odd(50)[1]) + event("MODIFIED", "Pod", pod("odd", 101)))
        self.chunk(event("DELETED", "Pod", pod("odd", 102)) + event("ADDED", "Pod", pod("late", 103)))
        time.sleep(60)

    def lie_oddpage(self, q, n):
        raw = field(1, field(2, "100")) + b"".join(field(2, x) for x in self.odd(50) + [pod(x, 50) for x in names(None)])
        self.send(200, envelope("PodList", raw), "application/vnd.kubernetes.protobuf")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):    # clients that go away are wanted here
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"{server.server_address[1]}\n", end="", flush=True)
server.serve_forever()
