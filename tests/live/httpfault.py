#!/usr/bin/env python3
"""httpfault.py URL DIR: an HTTP port before URL that behaves, for whatever changes something (POST, PATCH, PUT but no dry run), as
DIR/mode says; read for every request. The port is in DIR/port.

  ok             everything passes
  lose           it is taken by the server, and the answer never comes back
  drop           it never reaches the server
  refuse STATUS  it is refused with that status, once; then the mode is ok
  html           500 with a page of HTML
"""
import http.client
import http.server
import os
import sys
import urllib.parse

server, folder = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2]


class Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, r):
        """What does not end by itself: as it comes, until either side ends."""
        self.close_connection = True
        self.send_response(r.status)
        self.send_header("Content-Type", r.getheader("Content-Type"))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while part := r.read1(65536):
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:
            pass

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(folder + "/mode") as f:
            words = f.read().split() or ["ok"]
        harmless = (self.command == "GET" or "/auth/token" in self.path or "dry_run" in self.path or "dryRun" in self.path or "selfsubject" in self.path
                    or b'"dry_run":true' in body.replace(b" ", b""))
        mode = "ok" if harmless else words[0]
        if mode == "drop":
            self.close_connection = True
            return
        if mode == "refuse":
            with open(folder + "/mode", "w") as f:
                f.write("ok")
            self.answer(int(words[1]), [("Content-Type", "application/json")], b'{"detail":"as the test wants it"}')
            return
        if mode == "html":
            self.answer(500, [("Content-Type", "text/html")], b"<html><h1>Oops</h1></html>")
            return
        c = http.client.HTTPConnection(server.hostname, server.port, timeout=3600 if "watch=" in self.path else 60)
        c.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")})
        r = c.getresponse()
        if "watch=" in self.path:
            self.stream(r)
            return
        data = r.read()
        c.close()
        if mode == "lose":
            self.close_connection = True
            return
        self.answer(r.status, r.getheaders(), data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = any


s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
with open(folder + "/port.part", "w") as f:
    f.write(str(s.server_port))
os.rename(folder + "/port.part", folder + "/port")
s.serve_forever()
