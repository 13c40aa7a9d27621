#!/usr/bin/env python3
"""grumpy.py DIR: a plain HTTP port before the API server ($API_URL, as $TOKEN_ADMIN) that behaves as DIR/mode says,
which is read for every request; the port is in DIR/port, a line for each request in DIR/requests.

  ok                    everything passes
  token WORD            what does not carry it as its bearer token gets 401
  busy N                the next N requests get 429 with Retry-After: 1
  slow SECONDS          every answer takes so long
  fat                   "@FAT@" in what is not watched becomes 5 MB
Streams are cut when the mode changes.
"""
import asyncio, os, ssl, sys, urllib.parse

folder = sys.argv[1]
api = urllib.parse.urlsplit(os.environ["API_URL"])
tls = ssl._create_unverified_context()
busy = {"mode": "", "left": 0}
open_streams = set()


def mode():
    with open(folder + "/mode") as f:
        return f.read().strip()


def refuse(status, more=""):
    body = '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"%s","code":%s}' % (status[4:], status[:3])
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def answer(words, bearer):
    if words[:1] == ["token"] and bearer != "Bearer " + words[1]:
        return refuse("401 Unauthorized")
    if words[:1] == ["busy"]:
        if busy["mode"] != words[1]:
            busy.update(mode=words[1], left=int(words[1]))
        if busy["left"] > 0:
            busy["left"] -= 1
            return refuse("429 Too Many Requests", "Retry-After: 1\r\n")
    return None


async def relay(head, writer, fat):
    up_reader, up_writer = await asyncio.open_connection(api.hostname, api.port, ssl=tls)
    up_writer.write(head)
    if fat:
        head, body = (await up_reader.read(-1)).split(b"\r\n\r\n", 1)
        head = b"\r\n".join(x for x in head.split(b"\r\n") if not x.lower().startswith(b"content-length"))
        writer.write(head + b"\r\n\r\n" + body.replace(b"@FAT@", b"F" * 5000000))
        await writer.drain()
    while data := await up_reader.read(65536):
        writer.write(data)
        await writer.drain()
    up_writer.close()


async def client(reader, writer):
    task = asyncio.current_task()
    open_streams.add(task)
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            fields = dict((k.lower(), v.strip()) for k, v in (line.split(":", 1) for line in lines[1:]))
            said = answer(mode().split(), fields.get("authorization"))
            with open(folder + "/requests", "a") as f:
                f.write(f"{said[9:12].decode() if said else '---'} {asyncio.get_event_loop().time():.3f} {lines[0]}\n")
            if said:
                writer.write(said)
                continue
            if mode().startswith("slow "):
                await asyncio.sleep(float(mode().split()[1]))
            kept = [x for x in lines[1:] if x.split(":")[0].lower() not in ("authorization", "connection")]
            kept += ["Authorization: Bearer " + os.environ["TOKEN_ADMIN"], "Connection: close"]
            fat = mode() == "fat" and "watch=1" not in lines[0]
            if fat:  # neither chunks nor compression, nor what cannot be made longer
                lines[0] = lines[0].replace("HTTP/1.1", "HTTP/1.0")
                kept = [x for x in kept if not x.lower().startswith("accept-encoding")]
                kept = [x.replace("application/vnd.kubernetes.protobuf", "application/json") for x in kept]
            await relay("\r\n".join([lines[0]] + kept + ["", ""]).encode("latin-1"), writer, fat)
            break
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass
    finally:
        open_streams.discard(task)
        writer.close()


async def main():
    server = await asyncio.start_server(client, "127.0.0.1", 0)
    with open(folder + "/port.part", "w") as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename(folder + "/port.part", folder + "/port")
    last = mode()
    while True:
        await asyncio.sleep(0.05)
        now = mode()
        if now != last:
            last = now
            for task in list(open_streams):
                task.cancel()


asyncio.run(main())
