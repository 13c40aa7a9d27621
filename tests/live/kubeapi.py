"""A small client of the live API server: standard library only, JSON, many threads."""
import http.client
import json
import pathlib
import queue
import shlex
import ssl
import threading
import time
import urllib.parse

GROUPS = {  # plural: path prefix
    "pods": "/api/v1", "nodes": "/api/v1", "namespaces": "/api/v1", "services": "/api/v1",
    "endpoints": "/api/v1", "configmaps": "/api/v1", "secrets": "/api/v1", "events": "/api/v1",
    "persistentvolumes": "/api/v1", "persistentvolumeclaims": "/api/v1", "serviceaccounts": "/api/v1",
    "replicationcontrollers": "/api/v1", "resourcequotas": "/api/v1", "limitranges": "/api/v1",
    "deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1", "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1", "jobs": "/apis/batch/v1", "cronjobs": "/apis/batch/v1",
    "ingresses": "/apis/networking.k8s.io/v1", "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "poddisruptionbudgets": "/apis/policy/v1", "storageclasses": "/apis/storage.k8s.io/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
    "runtimeclasses": "/apis/node.k8s.io/v1",
}


def read_env(folder):
    """DIR/env of servers.sh, as a dictionary."""
    words = shlex.split((pathlib.Path(folder) / "env").read_text(), comments=True)
    return dict(word.split("=", 1) for word in words)


class ApiError(Exception):
    def __init__(self, status, text):
        try:
            text = json.loads(text)["message"]
        except (ValueError, KeyError, TypeError):
            pass
        super().__init__(f"{status}: {text[:600]}")
        self.status = status


class Api:
    """One per DIR; safe to share between threads, each of which has its own connection."""

    def __init__(self, folder):
        self.env = read_env(folder)
        url = urllib.parse.urlsplit(self.env["API_URL"])
        self.address = (url.hostname, url.port)
        self.tls = ssl.create_default_context(cafile=self.env["CA_FILE"])
        self.local = threading.local()

    def request(self, method, path, body=None, kind="application/json"):
        """Answer's JSON; raises ApiError for 4xx and 5xx. Waits out 429 and a broken connection."""
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        headers = {"Authorization": "Bearer " + self.env["TOKEN_ADMIN"], "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = kind
        for attempt in range(6):
            try:
                if getattr(self.local, "connection", None) is None:
                    self.local.connection = http.client.HTTPSConnection(
                        *self.address, context=self.tls, timeout=60)
                self.local.connection.request(method, path, data, headers)
                answer = self.local.connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                if attempt == 5:
                    raise
                time.sleep(0.1 * 2 ** attempt)
                continue
            if answer.status == 429 and attempt < 5:
                time.sleep(0.5)
                continue
            if answer.status >= 400:
                raise ApiError(answer.status, text.decode(errors="replace"))
            return json.loads(text) if text[:1] in (b"{", b"[") else text
        return None

    def path(self, plural, namespace=None, name=None, sub=None):
        parts = [GROUPS.get(plural) or plural]
        if plural not in GROUPS:  # "group/version/plural"
            group, version, plural = plural.split("/")
            parts = [f"/apis/{group}/{version}"]
        if namespace:
            parts.append(f"namespaces/{namespace}")
        return "/".join(parts + [plural] + [p for p in (name, sub) if p])

    def get(self, plural, namespace=None, name=None, query=""):
        return self.request("GET", self.path(plural, namespace, name) + query)

    def create(self, plural, obj):
        """Create; what exists already stays as it is. Returns the object, or None when it existed."""
        try:
            return self.request("POST", self.path(plural, obj["metadata"].get("namespace")), obj)
        except ApiError as error:
            if error.status != 409:
                raise
            return None

    def patch(self, plural, namespace, name, change, sub=None, kind="application/merge-patch+json"):
        return self.request("PATCH", self.path(plural, namespace, name, sub), change, kind)

    def delete(self, plural, namespace, name, grace=None):
        """Delete; what is gone already is fine."""
        body = None if grace is None else {"gracePeriodSeconds": grace}
        try:
            self.request("DELETE", self.path(plural, namespace, name), body)
        except ApiError as error:
            if error.status != 404:
                raise


def parallel(work, items, threads=16):
    """Call work(item) for every item in several threads; the first failure is raised here."""
    waiting = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    failures = []

    def worker():
        while not failures:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                work(item)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

    pool = [threading.Thread(target=worker) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    if failures:
        raise failures[0]


def until(what, condition, seconds=60):
    """Wait until condition() is true; a TimeoutError names what never came."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds} s")
        time.sleep(0.1)
