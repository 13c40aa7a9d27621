#!/usr/bin/env python3
"""Deleting, bringing back, restoring and copying objects, on a store that answers as wrongly as stores do: an answer that is lost
after the request was taken, or before; 500, 403, 412; an error in the body of a 200; an object that changes between plan and run.
What is told must be what is so."""
import http.server, json, os, subprocess, sys, tempfile, threading, urllib.parse

TOP = os.environ.get("TOP", ".")
BINNACLE = os.environ["BINNACLE"]


class Store:
    """One bucket, 'b', that keeps versions or not."""

    def __init__(self, keeps=True):
        self.keeps, self.versions, self.count, self.fault, self.seen = keeps, {}, 0, {}, []

    def put(self, key, size, marker=False):
        self.count += 1
        v = {"id": f"v{self.count}" if self.keeps else "null", "size": size, "etag": f'"{key}-{size}"', "marker": marker}
        self.versions[key] = (self.versions.get(key, []) if self.keeps else []) + [v]
        return v

    def now(self, key, version=None):
        all_ = self.versions.get(key, [])
        if version:
            return next((v for v in all_ if v["id"] == version), None)
        return all_[-1] if all_ else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", headers.get("length", len(body)) if self.command == "HEAD" else len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.say(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def do(self):
        s = self.server.store
        u = urllib.parse.urlsplit(self.path)
        q = dict(urllib.parse.parse_qsl(u.query, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(u.path)[1:].partition("/")
        if self.command in ("PUT", "DELETE"):
            s.seen.append(self.command + " " + key)
        fault = s.fault.get(self.command)
        if fault == "before":                # lost: it was never taken
            self.close_connection = True
            return
        if fault in (500, 403, 412):
            return self.refuse(fault, {500: "InternalError", 403: "AccessDenied", 412: "PreconditionFailed"}[fault])
        if bucket != "b":
            return self.refuse(404, "NoSuchBucket")
        if "versioning" in q:
            word = b"<Status>Enabled</Status>" if s.keeps else b""
            return self.say(200, b"<VersioningConfiguration>" + word + b"</VersioningConfiguration>")
        if "versions" in q:
            rows = ""
            for k in sorted(s.versions):
                for n, v in enumerate(reversed(s.versions[k])):
                    tag = "DeleteMarker" if v["marker"] else "Version"
                    rows += (f"<{tag}><Key>{k}</Key><VersionId>{v['id']}</VersionId><IsLatest>{str(n == 0).lower()}</IsLatest>"
                             f"<LastModified>2026-11-21T0{v['id'][1:]}:00:00.000Z</LastModified><ETag>{v['etag']}</ETag><Size>{v['size']}</Size></{tag}>")
            return self.say(200, f"<ListVersionsResult><Name>b</Name>{rows}<IsTruncated>false</IsTruncated></ListVersionsResult>".encode())
        v = s.now(key, q.get("versionId"))
        answer = (204, b"", {})
        if self.command == "HEAD":
            if not v or v["marker"]:
                return self.say(404, x_amz_delete_marker="true" if v else "false")
            return self.say(200, ETag=v["etag"], x_amz_version_id=v["id"], length=v["size"])
        if self.command == "PUT":
            source, _, version = urllib.parse.unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("?versionId=")
            old = s.now(source.partition("/")[2], version or None)
            if fault != "in the body":
                new = s.put(key, old["size"])
                new["etag"] = old["etag"]
                answer = (200, f"<CopyObjectResult><ETag>{new['etag']}</ETag></CopyObjectResult>".encode(), {"x_amz_version_id": new["id"]})
            else:
                answer = (200, b"<Error><Code>SlowDown</Code><Message>later</Message></Error>", {})
        elif self.command == "DELETE":
            if q.get("versionId"):
                s.versions[key] = [x for x in s.versions.get(key, []) if x["id"] != q["versionId"]]
            elif s.keeps:
                answer[2]["x_amz_version_id"] = s.put(key, 0, True)["id"]
            else:
                s.versions.pop(key, None)
        if fault == "after":                 # lost, but it was taken
            self.close_connection = True
            return
        self.say(answer[0], answer[1], **answer[2])

    do_GET = do_HEAD = do_PUT = do_DELETE = do


count = 0


def check(name, good, detail=""):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    if not good:
        print("# " + str(detail).replace("\n", "\n# ")[:2000])
        check.bad = True


check.bad = False


def act(server, home, *args, yes=True):
    config = os.path.join(home, "b.yaml")
    with open(config, "w") as f:
        f.write("sources:\n  s3: {type: s3, endpoint: 'http://127.0.0.1:%d', region: us-east-1, access_key: {env: S3KEY}, secret_key: {env: S3KEY}}\n"
                % server.server_port)
    env = dict(os.environ, HOME=home, XDG_STATE_HOME=home, XDG_CONFIG_HOME=home, S3KEY="s")
    p = subprocess.run([BINNACLE, "act", "--config", config, "--json"] + (["-y"] if yes else ["--plan"]) + list(args), env=env,
                       capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    try:
        return p.returncode, json.loads(p.stdout), p.stderr
    except ValueError:
        return p.returncode, {}, p.stdout + p.stderr


def run(home):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def store(keeps=True, **objects):
        server.store = Store(keeps)
        for k, size in objects.items():
            server.store.put(k, size)
        return server.store

    s = store(a=10)
    code, o, err = act(server, home, "delete", "objects", "b/a")
    check("an object is deleted, and its undo known", code == 0 and s.now("a")["marker"] and o["plan"]["undo"]["action"] == "undelete", (o, err))
    code, o, err = act(server, home, "undelete", "objects", "b/a")
    check("it is brought back", code == 0 and not s.now("a")["marker"] and s.now("a")["size"] == 10, (o, err))
    s.put("a", 20)
    code, o, err = act(server, home, "restore", "objects", "versions:b/a\tv1")
    check("an older version is current again", code == 0 and s.now("a")["size"] == 10, (o, err, s.versions))
    check("its undo is the version that was made", json.loads(o.get("undo") or "{}").get("at", "").startswith("versions:b/a\t"), o)

    s = store(a=10)
    s.fault = {"DELETE": "after"}
    code, o, err = act(server, home, "delete", "objects", "b/a")
    check("an answer that is lost after it was taken: told as done", code == 0 and "but it was taken" in json.dumps(o.get("log")), (code, o, err))
    s = store(a=10)
    s.fault = {"DELETE": "before"}
    code, o, err = act(server, home, "delete", "objects", "b/a")
    check("one that is lost before: told as not done", code == 1 and "it was not taken" in json.dumps(o.get("log")) and not o.get("undo"), (code, o, err))
    for status, word in ((500, "InternalError|not taken|500"), (403, "AccessDenied|not allowed|403|may not")):
        s = store(a=10)
        s.fault = {"DELETE": status}
        code, o, err = act(server, home, "delete", "objects", "b/a")
        check(f"{status}: it is said, and nothing changed", code == 1 and any(w in json.dumps(o) for w in word.split("|")) and not s.now("a")["marker"],
              (code, o, err))

    s = store(a=10)
    s.fault = {"PUT": "in the body"}
    code, o, err = act(server, home, "copy", "objects", "b/a", "to=s3://b/c")
    check("an error in the body of a 200 is one", code == 1 and "SlowDown" in json.dumps(o.get("log")) and not s.now("c"), (code, o, err))
    s.fault = {"PUT": 412}
    code, o, err = act(server, home, "copy", "objects", "b/a", "to=s3://b/c")
    check("a copy of what changed meanwhile is refused by its ETag", code == 1 and "plan again" in json.dumps(o.get("log")), (code, o, err))
    s.fault = {}
    code, o, err = act(server, home, "move", "objects", "b/a", "to=s3://b/c")
    check("a move copies, then deletes", code == 0 and s.seen[-2:] == ["PUT c", "DELETE a"] and s.now("c")["size"] == 10, (code, s.seen, err))
    s = store(a=10)
    s.fault = {"PUT": "before"}
    code, o, err = act(server, home, "move", "objects", "b/a", "to=s3://b/c")
    check("a move whose copy failed deletes nothing", code == 1 and "DELETE a" not in s.seen and not s.now("a")["marker"], (code, s.seen, o))

    s = store(a=10, c=5)
    code, o, err = act(server, home, "copy", "objects", "b/a", "to=s3://b/c", yes=False)
    check("what is there is not overwritten unasked", code == 5 and "say overwrite" in o.get("plan", {}).get("blocked", "") and not s.seen, (code, o))
    code, o, err = act(server, home, "copy", "objects", "b/a", "to=s3://nowhere/c", yes=False)
    check("nor is there such a bucket", code == 5 and "there is no bucket" in o.get("plan", {}).get("blocked", ""), (code, o))
    s = store(keeps=False, a=10)
    code, o, err = act(server, home, "delete", "objects", "b/a", yes=False)
    check("without versions it is gone for good, and said so", o.get("plan", {}).get("irreversible") is True and "undo" not in o.get("plan", {}), o)
    code, o, err = act(server, home, "undelete", "objects", "b/x", yes=False)
    check("what never was is not brought back", code == 5 and "nothing to bring back" in o.get("plan", {}).get("blocked", ""), (code, o))
    server.shutdown()


with tempfile.TemporaryDirectory() as home:
    run(home)
print(f"1..{count}")
sys.exit(check.bad)
