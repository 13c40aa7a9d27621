#!/usr/bin/env python3
"""Between the program and genuine servers, for the tests of read-only: counting_proxy.py FILE HOST:PORT... prints a port for each and
writes a line to FILE for each HTTP request ("GET /path") and each statement of PostgreSQL's protocol ("sql: select ..."), TLS
aside. What goes through is not changed."""
import socket
import struct
import sys
import threading

METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"HEAD ", b"OPTIONS ")
lock, log = threading.Lock(), open(sys.argv[1], "w", buffering=1)


def note(line):
    with lock:
        log.write(line.replace("\n", " ")[:400] + "\n")


class Sql:
    """Messages of the client: one without a type first, then type, length, body."""

    def __init__(self):
        self.data, self.hello = b"", True

    def feed(self, data):
        self.data += data
        while True:
            head = 0 if self.hello else 1
            if len(self.data) < head + 4:
                return
            size, = struct.unpack(">I", self.data[head:head + 4])
            if len(self.data) < head + size:
                return
            kind, body, self.data = self.data[:head], self.data[head + 4:head + size], self.data[head + size:]
            if kind == b"Q":
                note("sql: " + body.rstrip(b"\0").decode("utf-8", "replace"))
            elif kind == b"P":
                note("sql: " + body.split(b"\0")[1].decode("utf-8", "replace"))
            elif kind == b"F":
                note("sql: function call")
            # a request for TLS or for encryption is answered first and followed by another hello
            self.hello = self.hello and len(body) == 4 and body[:2] == b"\x04\xd2"


def http(data):
    for part in data.split(b"\r\n"):
        if part.startswith(METHODS) and b" HTTP/1" in part:
            note(part.rsplit(b" ", 1)[0].decode("latin-1"))


def pump(source, target, look):
    try:
        while data := source.recv(65536):
            if look:
                look(data)
            target.sendall(data)
    except OSError:
        pass
    for s in (source, target):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, host, port):
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection((host, port))
        except OSError:
            client.close()
            continue
        first = client.recv(1, socket.MSG_PEEK)
        look = Sql().feed if first == b"\0" else http
        threading.Thread(target=pump, args=(client, server, look), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, None), daemon=True).start()


threads = []
for place in sys.argv[2:]:
    host, port = place.rsplit(":", 1)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threads.append(threading.Thread(target=serve, args=(listener, host, int(port)), daemon=True))
    threads[-1].start()
for thread in threads:
    thread.join()
