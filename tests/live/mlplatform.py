"""A small ML platform on the live cluster: platform.yaml by real controllers, then what those
controllers that are absent here would have written (statuses, events, what went wrong today)."""
import pathlib
import subprocess
import time

from kubeapi import Api, ApiError, until

HERE = pathlib.Path(__file__).resolve().parent
NAMESPACE = "ml-platform"


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def apply(env, name):
    subprocess.run([env["KUBECTL"], "--kubeconfig", env["KUBECONFIG"], "apply", "--server-side", "--force-conflicts",
                    "-f", str(HERE / name)], check=True, stdout=subprocess.DEVNULL)


def pods_of(api, app):
    found = api.get("pods", NAMESPACE, query=f"?labelSelector=app%3D{app}")["items"]
    return sorted((p for p in found if not p["metadata"].get("deletionTimestamp")), key=lambda p: p["metadata"]["name"])


def wait_running(api, app, count):
    until(f"{count} pods of {app}", lambda: sum(
        bool(p["status"].get("containerStatuses")) for p in pods_of(api, app)) >= count, 90)
    return pods_of(api, app)


def event(api, obj, reason, message, kind="Warning", count=1, age=300, component="kubelet"):
    """An event about OBJ, named by its reason so that a second seeding adds none."""
    meta = obj["metadata"]
    api.create("events", {
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": f"{meta['name'][:200]}.{reason.lower()}", "namespace": meta.get("namespace", "default")},
        "involvedObject": {"apiVersion": obj.get("apiVersion", "v1"), "kind": obj.get("kind", "Pod"), "name": meta["name"],
                           "namespace": meta.get("namespace", ""), "uid": meta["uid"],
                           "resourceVersion": meta["resourceVersion"]},
        "reason": reason, "message": message, "type": kind, "count": count,
        "firstTimestamp": ago(age * max(count // 2, 1)), "lastTimestamp": ago(age // 2),
        "source": {"component": component}, "reportingComponent": component})


def set_state(api, pod, index, state, restarts=0, last=None, phase="Running"):
    """One container of POD is in STATE (and the pod not ready)."""
    states = pod["status"]["containerStatuses"]
    states[index].update(state=state, restartCount=restarts, ready=False, started=False, lastState=last or {})
    conditions = pod["status"]["conditions"]
    for condition in conditions:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition.update(status="False", reason="ContainersNotReady",
                             message=f"containers with unready status: [{states[index]['name']}]")
    api.patch("pods", NAMESPACE, pod["metadata"]["name"],
              {"status": {"phase": phase, "containerStatuses": states, "conditions": conditions}}, "status")


def break_things(api):
    """This morning's incidents."""
    pod = wait_running(api, "churn-predictor", 3)[0]
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": ago(400), "finishedAt": ago(260)}}
    set_state(api, pod, 0, {"waiting": {"reason": "CrashLoopBackOff", "message":
        "back-off 5m0s restarting failed container=predictor pod=" + pod["metadata"]["name"]}}, 7, ended)
    event(api, pod, "BackOff", "Back-off restarting failed container predictor in pod " + pod["metadata"]["name"], count=31)
    event(api, pod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", count=9)

    pod = wait_running(api, "label-api", 2)[0]
    set_state(api, pod, 0, {"waiting": {"reason": "ImagePullBackOff", "message":
        'Back-off pulling image "registry.example.com/ml/label-api:v2.0.0-rc1": not found'}}, phase="Pending")
    event(api, pod, "Failed", 'Failed to pull image "registry.example.com/ml/label-api:v2.0.0-rc1": not found', count=14)

    pod = wait_running(api, "feature-store", 2)[-1]
    set_state(api, pod, 0, {"waiting": {"reason": "CreateContainerConfigError", "message":
        'secret "feature-store-tls" not found'}}, phase="Pending")
    event(api, pod, "Failed", 'Error: secret "feature-store-tls" not found', count=22)


def statuses(api):
    jobs = "kubeflow.org/v1/pytorchjobs"
    for name, steps in (("bert-finetune-large", ["Created", "Running"]), ("resnet-sweep-17", ["Created", "Succeeded"]),
                        ("llm-distill", ["Created", "Running", "Failed"])):
        api.patch(jobs, NAMESPACE, name, {"status": {"conditions": [
            {"type": step, "status": "True", "lastTransitionTime": ago(900 - 60 * i)} for i, step in enumerate(steps)],
            "replicaStatuses": {"Worker": {"active": 4}}}}, "status")
    services = "serving.kserve.io/v1beta1/inferenceservices"
    for name, ready, prev, latest in (("churn", "True", 90, 10), ("fraud", "False", None, 100), ("ranker", "Unknown", None, None)):
        traffic = [{"tag": "prev", "percent": prev, "revisionName": f"{name}-00001"}] if prev else []
        if latest:
            traffic.append({"latestRevision": True, "percent": latest, "revisionName": f"{name}-00002"})
        api.patch(services, NAMESPACE, name, {"status": {
            "url": f"http://{name}.{NAMESPACE}.example.com",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": ago(4000),
                            "reason": "" if ready == "True" else "PredictorNotReady"}],
            "components": {"predictor": {"traffic": traffic}}}}, "status")
    api.patch("ray.io/v1/rayclusters", NAMESPACE, "tuning", {"status": {
        "desiredWorkerReplicas": 8, "availableWorkerReplicas": 6, "state": "ready"}}, "status")
    api.patch("karpenter.sh/v1/nodepools", None, "gpu-spot", {"status": {
        "resources": {"nodes": "15", "nvidia.com/gpu": "15"},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": ago(86400)}]}}, "status")
    api.patch("persistentvolumeclaims", NAMESPACE, "mlflow-artifacts", {"status": {
        "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "200Gi"}}}, "status")
    api.patch("ingresses", NAMESPACE, "gateway", {"status": {"loadBalancer": {"ingress": [
        {"hostname": "k8s-mlplatform-0a1b2c3d.elb.eu-west-1.amazonaws.com"}]}}}, "status")


def roll_out_again(api):
    """A second revision of the gateway, so that there is something to undo."""
    image = {"spec": {"template": {"spec": {"containers": [
        {"name": "gateway", "image": "registry.example.com/ml/llm-gateway:v2.1.0"}]}}}}
    wait_running(api, "llm-gateway", 2)
    api.patch("deployments", NAMESPACE, "llm-gateway", image, kind="application/strategic-merge-patch+json")


def fill(api: Api):
    if not api.get("nodes")["items"]:
        raise SystemExit("seed: no nodes; first: seed.py cluster DIR")
    began = time.monotonic()
    apply(api.env, "crds.yaml")
    until("custom kinds served", lambda: served(api), 30)
    apply(api.env, "platform.yaml")
    statuses(api)
    roll_out_again(api)
    break_things(api)
    print(f"seed: platform in {time.monotonic() - began:.1f} s")


def served(api):
    try:
        return all(api.get(kind) for kind in ("kubeflow.org/v1/pytorchjobs", "ray.io/v1/rayclusters",
                                              "serving.kserve.io/v1beta1/inferenceservices", "karpenter.sh/v1/nodepools"))
    except ApiError:
        return False
