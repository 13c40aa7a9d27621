#!/usr/bin/env python3
"""See wire_plugin.yaml."""
import http.client, json, sys

port = int(json.loads(sys.stdin.readline())["settings"]["port"])
print('{"binnacle": 1}', flush=True)
for line in sys.stdin:
    q = json.loads(line)
    if "cancel" in q:
        continue
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    server.request("POST" if "run" in q else "GET", "/")
    server.getresponse().read()
    server.close()
    print(json.dumps({"rows": "wires", "begin": True, "end": True} if "watch" in q else {"id": q["id"], "finished": True} if "run" in q else
                     {"id": q["id"], "text": "", "end": True} if "open" in q else {"id": q["id"], "error": "no"}), flush=True)
