#!/usr/bin/env python3
"""Between us and MLflow: registryfault.py URL MODE [WHICH]. Prints its port. Passes everything on but the first request that changes
production (WHICH "change", the default: alias or stage) or writes a tag ("tag"), and that one
  STATUS  is answered with that status; nothing is passed on
  html    is answered with 500 and a page
  lost    is passed on, no answer comes back, the rest goes well
  slow    is passed on, and its answer comes after 20 s
  gone    is passed on, then nothing answers any more
  before  is not passed on, and nothing answers any more"""
import http.server
import os
import sys
import time
import urllib.error
import urllib.request

url, mode, which = (sys.argv[1:] + ["change"])[:3]
PATHS = {"change": ("/registered-models/alias", "/transition-stage"), "tag": ("/set-tag",)}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def pass_on(self, body):
        ask = urllib.request.Request(url + self.path, body, {"Content-Type": "application/json"}, method=self.command)
        try:
            with urllib.request.urlopen(ask, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def do(self):
        global mode
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        how = mode if self.command == "POST" and self.path.endswith(PATHS[which]) else ""
        kind = "text/plain" if self.path == "/version" else "application/json"
        if how == "before":
            os._exit(0)
        if how.isdigit():
            code, data = int(how), b'{"message": "told to"}'
        elif how == "html":
            code, data, kind = 500, b"<html><h1>Internal Server Error</h1></html>", "text/html"
        else:
            code, data = self.pass_on(body)
        if how == "gone":
            os._exit(0)
        mode = "" if how else mode
        if how == "slow":
            time.sleep(20)
        if how in ("lost", "slow"):
            self.close_connection = True
            return
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
