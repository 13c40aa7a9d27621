#!/usr/bin/env python3
"""A proxy for the live tests: HTTP CONNECT and SOCKS5 on one port, on the loopback, by TLS when started with a certificate's
and a key's file. Prints its port, then one line for
each connection: "connect HOST:PORT" or "socks5 HOST:PORT" (a name means that the proxy was to look it up)."""
import socket
import ssl
import struct
import sys
import threading


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_exactly(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise OSError("gone")
        data += more
    return data


def socks5(client):
    methods = read_exactly(client, 1)[0]
    read_exactly(client, methods)
    client.sendall(b"\x05\x00")
    kind = read_exactly(client, 4)[3]
    if kind == 3:
        host = read_exactly(client, read_exactly(client, 1)[0]).decode()
    else:
        host = socket.inet_ntoa(read_exactly(client, 4))
    port = struct.unpack(">H", read_exactly(client, 2))[0]
    return "socks5", host, port, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


def http(client, head):
    while b"\r\n\r\n" not in head:
        head += read_exactly(client, 1)
    method, target = head.split()[:2]
    if method != b"CONNECT":
        raise OSError("not CONNECT")
    host, port = target.decode().rsplit(":", 1)
    return "connect", host, int(port), b"HTTP/1.1 200 Connection established\r\n\r\n"


tls = None
if len(sys.argv) == 3:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])


def serve(client):
    try:
        if tls:
            client = tls.wrap_socket(client, server_side=True)
        first = read_exactly(client, 1)
        how, host, port, answer = socks5(client) if first == b"\x05" else http(client, first)
        print(how, f"{host}:{port}", flush=True)
        server = socket.create_connection((host, port))
        client.sendall(answer)
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        pump(server, client)
    except (OSError, ValueError):
        client.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
