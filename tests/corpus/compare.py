#!/usr/bin/env python3
"""See compare.sh. kubectl runs before and after binnacle: what changed in between is no difference,
and an age may be anything from the first to the second."""
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # a clean checkout stays clean
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
from kubeapi import read_env  # noqa: E402

BUILT_IN = ["pods", "nodes", "namespaces", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs",
            "services", "endpoints", "ingresses", "configmaps", "secrets", "persistentvolumes",
            "persistentvolumeclaims", "horizontalpodautoscalers", "poddisruptionbudgets", "events"]
BY_TABLE = ["replicationcontrollers", "serviceaccounts", "resourcequotas", "limitranges", "storageclasses",
            "endpointslices", "customresourcedefinitions", "clusterroles"]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
DURATION = re.compile(r"(?<![\w./:-])(?:\d+[smhdy])+(?![\w./:-])")
SHOWN = 20


def seconds(text):
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdy])", text))


def grain(text):
    """The smallest unit that the duration names."""
    return UNITS[re.findall(r"[smhdy]", text)[-1]]


def parse(text):
    """Titles and {key: cells} of a table in kubectl's layout. Raises ValueError for anything else."""
    lines = text.split("\n")
    found = [(m.group(), m.start()) for m in re.finditer(r"\S+(?: \S+)*", lines[0])]
    if not found:
        return [], {}
    titles = [title for title, _ in found]
    edges = [start for _, start in found] + [None]
    rows = {}
    for line in lines[1:]:
        if not line.strip():
            continue
        cells = [line[begin:end].strip() for begin, end in zip(edges, edges[1:])]
        for begin in edges[1:-1]:
            if len(line) > begin > 0 and line[begin - 1] != " ":
                raise ValueError(f"columns do not stand in line: '{line[:200]}'")
        key = tuple(cell for title, cell in zip(titles, cells) if title in ("NAMESPACE", "NAME"))
        if key in rows:
            raise ValueError(f"'{'/'.join(key)}' is there twice")
        rows[key] = cells
    return titles, rows


def same(before, got, after):
    """Whether a cell is what kubectl printed, or would have between its two runs."""
    if got in (before, after):
        return True
    if DURATION.sub("#", got) != DURATION.sub("#", before):
        return False
    for low, one, high in zip(DURATION.findall(before), DURATION.findall(got), DURATION.findall(after)):
        slack = 2 if grain(one) == 1 else grain(one)
        if not min(seconds(low), seconds(high)) - slack <= seconds(one) <= max(seconds(low), seconds(high)) + slack:
            return False
    return True


def run(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"'{' '.join(words)}' ended with {done.returncode}: {done.stderr.strip()[:300]}")
    return done.stdout


def differences(kind, binnacle, kubectl):
    """Sentences about what differs, and how many rows were compared."""
    arguments = ("get", kind, "-A", "-o", "wide")
    before = parse(run(*kubectl, *arguments))
    text = run(binnacle, *arguments)
    after = parse(run(*kubectl, *arguments))
    try:
        titles, rows = parse(text)
    except ValueError as error:
        return [f"binnacle: {error}"], 0
    if titles != before[0]:
        return [f"titles: kubectl  {before[0]}", f"titles: binnacle {titles}"], 0
    steady = [key for key, cells in before[1].items() if key in after[1]
              and all(same(a, b, b) for a, b in zip(cells, after[1][key]))]
    found = [f"{'/'.join(key)}: missing" for key in steady if key not in rows]
    found += [f"{'/'.join(key)}: unknown to kubectl" for key in rows if key not in before[1] and key not in after[1]]
    for key in steady:
        for title, want, got, last in zip(titles, before[1][key], rows.get(key, []), after[1][key]):
            if not same(want, got, last):
                found.append(f"{'/'.join(key)}: {title}: kubectl '{want}', binnacle '{got}'")
    return found, len(steady)


def main():
    if len(sys.argv) < 3:
        raise SystemExit("usage: compare.sh BINNACLE DIR [KIND...]")
    binnacle, folder, kinds = sys.argv[1], sys.argv[2], sys.argv[3:] or BUILT_IN + BY_TABLE
    env = read_env(folder)
    os.environ.update(KUBECONFIG=env["KUBECONFIG"], LC_ALL="C.UTF-8", TERM="dumb")
    wrong = 0
    for kind in kinds:
        for attempt in range(3):  # something may have changed while both read
            try:
                found, rows = differences(kind, binnacle, [env["KUBECTL"]])
            except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
                found, rows = [str(error)], 0
            if not found:
                break
            time.sleep(0.5 * attempt)
        print(f"{'ok' if not found else 'not ok'} - {kind}: {rows} rows, {len(found)} differences")
        for line in found[:SHOWN]:
            print(f"#   {line}")
        if len(found) > SHOWN:
            print(f"#   and {len(found) - SHOWN} more")
        wrong += bool(found)
    print(f"compare: {len(kinds) - wrong} of {len(kinds)} kinds equal")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
