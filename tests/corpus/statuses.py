#!/usr/bin/env python3
"""Put the corpus of statuses on the live API server, from which kubectl and binnacle print it.

  statuses.py apply DIR    create what is missing, and report the statuses again
  statuses.py check DIR    compare kubectl's STATUS of every pod with the one the corpus names
  statuses.py remove DIR   take it all away
"""
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True  # a clean checkout stays clean
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]

import objects  # noqa: E402
import pods  # noqa: E402
from kubeapi import Api, ApiError, parallel, until  # noqa: E402

DELETED = "binnacle.example/deleted"


def put(api, item):
    """Create one object, report its status, and delete it when it is to be seen Terminating."""
    plural, obj, status = item
    meta = obj["metadata"]
    name, namespace = meta["name"], meta.get("namespace")
    made = api.create(plural, obj)
    if status is not None and (made or plural != "jobs"):  # a job may not begin twice
        api.patch(plural, namespace, name, {"status": status}, "status")
    if meta.get("annotations", {}).get(DELETED):
        api.delete(plural, namespace, name)


def put_pod(api, entry):
    api.create("pods", pods.manifest(entry, objects.NS))
    api.patch("pods", objects.NS, entry["name"], {"status": pods.status(entry)}, "status")
    if entry.get("deleted"):
        api.delete("pods", objects.NS, entry["name"])


def apply(api):
    api.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": objects.NS}})

    def account():
        try:
            return api.get("serviceaccounts", objects.NS, "default")
        except ApiError:
            return None
    until("service account of the corpus", account)
    made, refused = objects.make(), []

    def attempt(name, work, item):
        try:
            work(api, item)
        except ApiError as error:
            if "corpus-leaving" not in str(error):  # leaves since the first time
                refused.append(f"corpus: {name}: {error}")
    for item in made:  # in order: volumes before claims, namespaces before what is in them
        attempt(item[1]["metadata"]["name"], put, item)
    parallel(lambda entry: attempt(entry["name"], put_pod, entry), pods.PODS)
    api.delete("namespaces", None, "corpus-leaving")
    print(*refused, f"corpus: {len(pods.PODS)} pods and {len(made)} other objects", sep="\n")
    return 1 if refused else 0


def check(api):
    text = subprocess.run([api.env["KUBECTL"], "--kubeconfig", api.env["KUBECONFIG"], "-n", objects.NS, "get", "pods",
                           "--no-headers"], check=True, stdout=subprocess.PIPE, text=True).stdout
    seen = {line.split()[0]: line.split()[2] for line in text.splitlines()}
    wrong = [(entry["name"], entry["want"], seen.get(entry["name"])) for entry in pods.PODS
             if seen.get(entry["name"]) != entry["want"]]
    for name, want, got in wrong:
        print(f"corpus: {name}: want '{want}', kubectl prints '{got}'")
    print(f"corpus: {len(pods.PODS) - len(wrong)} of {len(pods.PODS)} pods print as named,"
          f" {len({entry['want'] for entry in pods.PODS})} statuses")
    return 1 if wrong else 0


def remove(api):
    def release(plural, namespace, name):
        try:
            api.patch(plural, namespace, name, {"metadata": {"finalizers": None}})
        except ApiError as error:
            if error.status != 404:
                raise
    for entry in pods.PODS:
        api.delete("pods", objects.NS, entry["name"], 0)
        release("pods", objects.NS, entry["name"])
    for plural, obj, _ in reversed(objects.make()):
        meta = obj["metadata"]
        api.delete(plural, meta.get("namespace"), meta["name"])
        release(plural, meta.get("namespace"), meta["name"])
    api.delete("namespaces", None, objects.NS)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("apply", "check", "remove"):
        raise SystemExit(__doc__)
    return {"apply": apply, "check": check, "remove": remove}[sys.argv[1]](Api(sys.argv[2]))


sys.exit(main())
