#!/usr/bin/env python3
"""Write the log files that kwok serves for pods: podlogs.py DIR

CRI format, one line each: TIME stdout|stderr F|P TEXT. Times end now, so --since works."""
import json
import pathlib
import random
import sys
import time


def stamp(seconds):
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1e9):09d}Z"


def write(path, lines, step):
    """lines: (stream, text) pairs, the last one stamped now and the others STEP seconds apart."""
    first = time.time() - step * len(lines)
    with open(path, "w", encoding="utf-8") as out:
        for number, (stream, text) in enumerate(lines):
            out.write(f"{stamp(first + step * number)} {stream} F {text}\n")


def app_lines(rng):
    yield "stdout", "INFO  train: loading s3://features/2026/part-0000.parquet"
    for step in range(1, 1200):
        loss = 2.5 / (1 + step / 90) + rng.random() / 20
        yield "stdout", f"INFO  train: step={step} loss={loss:.4f} lr=3e-4 tokens/s={rng.randint(41000, 47000)}"
        if step % 97 == 0:
            yield "stderr", f"WARNING train: gradient norm {rng.uniform(5, 30):.2f} clipped to 1.0"
        if step % 311 == 0:
            yield "stderr", "ERROR train: checkpoint upload failed: timeout after 30s, will retry (1/5)"
            yield "stderr", "Traceback (most recent call last):"
            yield "stderr", '  File "/app/train.py", line 88, in save'
            yield "stderr", "TimeoutError: [Errno 110] Connection timed out"
    yield "stdout", "INFO  train: naïve café 模型 \u200fשלום done"


def json_lines(rng):
    for number in range(1500):
        level = rng.choices(["info", "warn", "error"], [90, 8, 2])[0]
        record = {"level": level, "msg": {"info": "prediction served", "warn": "slow prediction",
                                          "error": "prediction failed"}[level],
                  "model": rng.choice(["churn", "fraud", "ranker"]), "version": rng.randint(3, 9),
                  "latency_ms": round(rng.expovariate(1 / 20), 2), "request_id": f"{rng.getrandbits(64):016x}"}
        yield "stdout", json.dumps(record)


def sidecar_lines(rng):
    for _ in range(400):
        yield "stdout", f'"POST /v2/models/churn/infer HTTP/1.1" {rng.choice([200, 200, 200, 503])} {rng.randint(1, 90)}'


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(3)
    write(folder / "app.log", list(app_lines(rng)), 1.5)
    write(folder / "app.previous.log", list(app_lines(rng))[:200] + [
        ("stderr", "RuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB"),
        ("stderr", "Killed")], 2)
    write(folder / "json.log", list(json_lines(rng)), 1)
    write(folder / "json.previous.log", list(json_lines(rng))[:50] + [
        ("stderr", '{"level":"fatal","msg":"model file truncated: /mnt/models/model.joblib"}')], 1)
    write(folder / "sidecar.log", list(sidecar_lines(rng)), 2)
    line = [("stdout", f"{number:08d} " + "the quick brown fox jumps over the lazy dog " * 3) for number in range(60000)]
    write(folder / "flood.log", line, 0.001)


main()
