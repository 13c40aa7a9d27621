"""Pods in every status that the server-side printer of `kubectl get pods` can tell apart.

Each entry of PODS is what a kubelet would have reported, and WANT, the STATUS that kubectl
prints for it. Times are seconds before now."""
import time

HOLD = "binnacle.example/hold"


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


# --- one container's report -------------------------------------------------------------------------

def report(state, ready=False, restarts=0, last=None, started=None, sidecar=False):
    return {"state": state, "ready": ready, "restartCount": restarts, "lastState": last or {},
            "started": started, "sidecar": sidecar}


def ended(code=0, reason=None, signal=0, when=300):
    """A container state: it ended. Without a reason the printer falls back to signal or code."""
    state = {"exitCode": code, "finishedAt": ago(when), "startedAt": ago(when + 60)}
    if reason:
        state["reason"] = reason
    if signal:
        state["signal"] = signal
    return {"terminated": state}


def run(ready=True, **rest):
    return report({"running": {"startedAt": ago(200)}}, ready, started=True, **rest)


def wait(reason=None, **rest):
    return report({"waiting": {"reason": reason} if reason else {}}, started=False, **rest)


def term(code=0, reason=None, signal=0, when=300, **rest):
    return report(ended(code, reason, signal, when), started=False, **rest)


def silent(**rest):
    return report({}, **rest)


def helper(one):
    """The same report of a sidecar: an init container that is restarted always."""
    return dict(one, sidecar=True)


# --- one pod ----------------------------------------------------------------------------------------

def pod(name, want, containers=(), init=(), phase="Running", **more):
    """more: reason, conditions {type: status or (status, reason)}, deleted, node (None: not bound), gates,
    ips, nominated, spec_containers (when fewer report than are asked for), spec_init, scheduling_gates"""
    return dict(more, name=name, want=want, containers=list(containers), init=list(init), phase=phase)


CRASH = wait("CrashLoopBackOff", restarts=5, last=ended(1, "Error", when=95))
DONE = term(0, "Completed")
INIT = {"Initialized": "True"}
LONG = "a-name-as-long-as-names-may-be-" + "x" * 190

PODS = [
    # phases alone
    pod("phase-pending", "Pending", phase="Pending", node=None),
    pod("phase-pending-bound", "Pending", phase="Pending"),
    pod("phase-pending-unschedulable", "Pending", phase="Pending", node=None,
        conditions={"PodScheduled": ("False", "Unschedulable")}),
    pod("phase-running-silent", "Running"),
    pod("phase-succeeded-silent", "Succeeded", phase="Succeeded"),
    pod("phase-failed-silent", "Failed", phase="Failed"),
    pod("phase-unknown", "Unknown", phase="Unknown"),
    pod("scheduling-gated", "SchedulingGated", phase="Pending", node=None, scheduling_gates=["example.com/quota"]),
    pod("nominated", "Pending", phase="Pending", node=None, nominated="corpus-ready",
        conditions={"PodScheduled": ("False", "Unschedulable")}),
    # the pod's own reason
    pod("evicted", "Evicted", phase="Failed", reason="Evicted"),
    pod("evicted-with-statuses", "Error", [term(137, "Error")], phase="Failed", reason="Evicted"),
    pod("node-lost", "NodeLost", reason="NodeLost"),
    pod("node-lost-running", "NodeLost", [run()], reason="NodeLost"),
    pod("node-affinity", "NodeAffinity", phase="Failed", reason="NodeAffinity"),
    pod("out-of-cpu", "OutOfcpu", phase="Failed", reason="OutOfcpu"),
    pod("out-of-gpu", "OutOfnvidia.com/gpu", phase="Failed", reason="OutOfnvidia.com/gpu"),
    pod("admission-error", "UnexpectedAdmissionError", phase="Failed", reason="UnexpectedAdmissionError"),
    pod("deadline", "DeadlineExceeded", phase="Failed", reason="DeadlineExceeded"),
    pod("node-shutdown", "NodeShutdown", phase="Failed", reason="NodeShutdown"),
    pod("terminated-by-shutdown", "Terminated", phase="Failed", reason="Terminated"),
    pod("preempted", "Preempting", phase="Failed", reason="Preempting"),
    # running
    pod("running", "Running", [run()]),
    pod("running-2", "Running", [run(), run()]),
    pod("running-not-ready", "Running", [run(), run(ready=False)]),
    pod("running-restarts", "Running", [run(restarts=3)]),
    pod("running-restarts-seconds", "Running", [run(restarts=1, last=ended(1, "Error", when=42))]),
    pod("running-restarts-minutes", "Running", [run(restarts=2, last=ended(1, "Error", when=8 * 60 + 30))]),
    pod("running-restarts-hours", "Running", [run(restarts=12, last=ended(137, "OOMKilled", when=5 * 3600 + 1200))]),
    pod("running-restarts-days", "Running", [run(restarts=104, last=ended(1, "Error", when=3 * 86400 + 7300))]),
    pod("running-restarts-years", "Running", [run(restarts=1, last=ended(1, "Error", when=900 * 86400))]),
    pod("running-restarts-newest", "Running", [run(restarts=1, last=ended(1, "Error", when=7200)),
                                               run(restarts=2, last=ended(1, "Error", when=600))]),
    pod("running-last-without-restarts", "Running", [run(last=ended(1, "Error", when=60))]),
    pod("running-many", "Running", [run() for _ in range(12)]),
    pod("running-fewer-reports", "Running", [run()], spec_containers=3),
    # waiting
    pod("container-creating", "ContainerCreating", [wait("ContainerCreating")], phase="Pending"),
    pod("pod-initializing", "PodInitializing", [wait("PodInitializing")], phase="Pending"),
    pod("crash-loop", "CrashLoopBackOff", [CRASH]),
    pod("crash-loop-one-of-two", "CrashLoopBackOff", [run(), CRASH]),
    pod("image-pull", "ImagePullBackOff", [wait("ImagePullBackOff")], phase="Pending"),
    pod("image-err", "ErrImagePull", [wait("ErrImagePull")], phase="Pending"),
    pod("image-name", "InvalidImageName", [wait("InvalidImageName")], phase="Pending"),
    pod("image-never", "ErrImageNeverPull", [wait("ErrImageNeverPull")], phase="Pending"),
    pod("image-registry", "RegistryUnavailable", [wait("RegistryUnavailable")], phase="Pending"),
    pod("config-error", "CreateContainerConfigError", [wait("CreateContainerConfigError")], phase="Pending"),
    pod("create-error", "CreateContainerError", [wait("CreateContainerError")], phase="Pending"),
    pod("run-error", "RunContainerError", [wait("RunContainerError", restarts=2)]),
    pod("waiting-no-reason", "Pending", [wait()], phase="Pending"),
    pod("waiting-first-wins", "ImagePullBackOff", [wait("ImagePullBackOff"), wait("ErrImagePull")], phase="Pending"),
    pod("waiting-then-ended", "Error", [term(1, "Error"), wait("CrashLoopBackOff")]),
    pod("ready-but-waiting", "Odd", [report({"waiting": {"reason": "Odd"}}, ready=True)]),
    # ended
    pod("completed", "Completed", [DONE], phase="Succeeded"),
    pod("completed-two", "Completed", [DONE, DONE], phase="Succeeded"),
    pod("error", "Error", [term(1, "Error")], phase="Failed"),
    pod("oom-killed", "OOMKilled", [term(137, "OOMKilled", restarts=4, last=ended(137, "OOMKilled", when=700))]),
    pod("cannot-run", "ContainerCannotRun", [term(128, "ContainerCannotRun")], phase="Failed"),
    pod("start-error", "StartError", [term(128, "StartError")], phase="Failed"),
    pod("status-unknown", "ContainerStatusUnknown", [term(137, "ContainerStatusUnknown")], phase="Failed"),
    pod("exit-code", "ExitCode:3", [term(3)], phase="Failed"),
    pod("exit-code-zero", "ExitCode:0", [term(0)], phase="Succeeded"),
    pod("exit-code-255", "ExitCode:255", [term(255)], phase="Failed"),
    pod("signal", "Signal:9", [term(137, signal=9)], phase="Failed"),
    pod("signal-over-code", "Signal:15", [term(143, signal=15), run()]),
    pod("completed-beside-ready", "Running", [DONE, run()], conditions={"Ready": "True"}),
    pod("completed-beside-not-ready", "NotReady", [DONE, run()], conditions={"Ready": "False"}),
    pod("completed-beside-no-condition", "NotReady", [DONE, run()]),
    pod("completed-beside-unready", "Completed", [DONE, run(ready=False)]),
    pod("completed-after-error", "Completed", [DONE, term(1, "Error")], phase="Failed"),
    pod("failed-beside-running", "Error", [term(1, "Error"), run()]),
    # init containers
    pod("init-0-of-1", "Init:0/1", [wait("PodInitializing")], [run()], phase="Pending"),
    pod("init-2-of-3", "Init:2/3", [wait("PodInitializing")], [DONE, DONE, run()], phase="Pending"),
    pod("init-waiting-to-initialize", "Init:1/3", [wait("PodInitializing")],
        [DONE, wait("PodInitializing"), wait("PodInitializing")], phase="Pending"),
    pod("init-waiting-no-reason", "Init:0/2", [wait("PodInitializing")], [wait(), wait()], phase="Pending"),
    pod("init-silent", "Init:0/2", [], [silent(), silent()], phase="Pending"),
    pod("init-unreported", "PodInitializing", [wait("PodInitializing")], spec_init=2, phase="Pending"),
    pod("init-crash", "Init:CrashLoopBackOff", [wait("PodInitializing")],
        [wait("CrashLoopBackOff", restarts=6, last=ended(1, "Error", when=130))], phase="Pending"),
    pod("init-image", "Init:ErrImagePull", [wait("PodInitializing")], [DONE, wait("ErrImagePull")], phase="Pending"),
    pod("init-image-back-off", "Init:ImagePullBackOff", [wait("PodInitializing")], [wait("ImagePullBackOff")], phase="Pending"),
    pod("init-error", "Init:Error", [wait("PodInitializing")], [term(1, "Error", restarts=1)], phase="Pending"),
    pod("init-oom", "Init:OOMKilled", [wait("PodInitializing")], [term(137, "OOMKilled")], phase="Failed"),
    pod("init-exit-code", "Init:ExitCode:2", [wait("PodInitializing")], [term(2)], phase="Pending"),
    pod("init-signal", "Init:Signal:11", [wait("PodInitializing")], [DONE, term(139, signal=11)], phase="Pending"),
    pod("init-restarts-count", "Init:1/2", [wait("PodInitializing")],
        [term(0, "Completed", restarts=4, last=ended(1, "Error", when=400)), run()], phase="Pending"),
    pod("init-done-restarts-forgotten", "Running", [run(restarts=1, last=ended(1, "Error", when=80))],
        [term(0, "Completed", restarts=9, last=ended(1, "Error", when=30))]),
    pod("init-again-though-initialized", "Init:CrashLoopBackOff", [run()], [wait("CrashLoopBackOff")], conditions=INIT),
    pod("init-again-while-crashing", "CrashLoopBackOff", [CRASH], [run()], conditions=INIT),
    # sidecars
    pod("sidecar", "Running", [run()], [helper(run())]),
    pod("sidecar-not-ready", "Running", [run()], [helper(run(ready=False))]),
    pod("sidecar-not-started", "Init:0/1", [wait("PodInitializing")],
        [helper(report({"running": {"startedAt": ago(9)}}, started=False))], phase="Pending"),
    pod("sidecar-started-then-init", "Init:1/2", [wait("PodInitializing")], [helper(run()), run()], phase="Pending"),
    pod("sidecar-crash", "Init:CrashLoopBackOff", [wait("PodInitializing")],
        [helper(wait("CrashLoopBackOff", restarts=3, last=ended(2, "Error", when=50)))], phase="Pending"),
    pod("sidecar-crash-later", "Init:CrashLoopBackOff", [run()],
        [helper(wait("CrashLoopBackOff", restarts=3, last=ended(2, "Error", when=50)))]),
    pod("sidecar-crash-initialized", "Init:CrashLoopBackOff", [run()],
        [helper(wait("CrashLoopBackOff", restarts=3, last=ended(2, "Error", when=50)))], conditions=INIT),
    pod("sidecar-restarts", "Running", [run(restarts=2, last=ended(1, "Error", when=3000))],
        [DONE, helper(run(restarts=5, last=ended(137, "OOMKilled", when=1000)))]),
    pod("sidecar-ended-well", "Completed", [DONE], [helper(DONE)], phase="Succeeded"),
    pod("sidecar-ended-badly", "Init:Error", [DONE], [helper(term(137, "Error"))], phase="Succeeded"),
    pod("sidecar-beside-completed", "Completed", [DONE], [helper(run())]),
    pod("sidecars-three", "Running", [run(), run()], [helper(run()), helper(run(ready=False)), helper(run())]),
    # going away
    pod("terminating", "Terminating", [run()], deleted=True),
    pod("terminating-pending", "Terminating", phase="Pending", deleted=True),
    pod("terminating-crash", "Terminating", [CRASH], deleted=True),
    pod("terminating-init", "Terminating", [wait("PodInitializing")], [run()], phase="Pending", deleted=True),
    pod("terminating-lost", "Unknown", [run()], reason="NodeLost", deleted=True),
    pod("terminating-completed", "Completed", [DONE], phase="Succeeded", deleted=True),
    pod("terminating-failed", "Error", [term(1, "Error")], phase="Failed", deleted=True),
    pod("terminating-evicted", "Evicted", phase="Failed", reason="Evicted", deleted=True),
    # wide columns
    pod("gates-none-true", "Running", [run()], gates=["example.com/a", "example.com/b"]),
    pod("gates-one-true", "Running", [run()], gates=["example.com/a", "example.com/b"],
        conditions={"example.com/a": "True", "example.com/b": "False"}),
    pod("gates-all-true", "Running", [run()], gates=["example.com/a"], conditions={"example.com/a": "True", "Ready": "True"}),
    pod("ip-6", "Running", [run()], ips=["fd00:10:244:1::2a"]),
    pod("ip-dual", "Running", [run()], ips=["10.244.1.17", "fd00:10:244:1::11"]),
    pod("ip-none", "Running", [run()], ips=[]),
    pod(LONG, "Running", [run()]),
    pod("odd-reason", "Größe-過大", [wait("Größe-過大")], phase="Pending"),
]

SPEC = {"schedulerName": "nobody", "terminationGracePeriodSeconds": 86400, "automountServiceAccountToken": False}


def container(name, **more):
    return dict({"name": name, "image": "registry.example.com/corpus:1"}, **more)


def manifest(entry, namespace):
    """The Pod to create."""
    spec = dict(SPEC)
    spec["containers"] = [container(f"c{i}") for i in range(entry.get("spec_containers") or max(1, len(entry["containers"])))]
    init = [dict(container(f"i{i}"), **({"restartPolicy": "Always"} if one["sidecar"] else {}))
            for i, one in enumerate(entry["init"])]
    init += [container(f"i{i}") for i in range(len(init), entry.get("spec_init", 0))]
    if init:
        spec["initContainers"] = init
    if entry.get("node", "corpus-ready"):
        spec["nodeName"] = entry.get("node", "corpus-ready")
    if entry.get("gates"):
        spec["readinessGates"] = [{"conditionType": gate} for gate in entry["gates"]]
    if entry.get("scheduling_gates"):
        spec["schedulingGates"] = [{"name": gate} for gate in entry["scheduling_gates"]]
    meta = {"name": entry["name"], "namespace": namespace, "labels": {"corpus": "pods"}}
    if entry.get("deleted"):
        meta["finalizers"] = [HOLD]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def status(entry):
    """What the kubelet reports for it."""
    def list_of(prefix, reports):
        return [{"name": f"{prefix}{i}", "image": "registry.example.com/corpus:1", "imageID": "",
                 **{key: one[key] for key in ("state", "ready", "restartCount", "lastState")},
                 **({} if one["started"] is None else {"started": one["started"]})} for i, one in enumerate(reports)]

    ips = entry.get("ips", ["10.244.1.5"] if entry["phase"] == "Running" else [])
    made = {"phase": entry["phase"], "containerStatuses": list_of("c", entry["containers"]),
            "initContainerStatuses": list_of("i", entry["init"]),
            "podIP": ips[0] if ips else None, "podIPs": [{"ip": ip} for ip in ips],
            "reason": entry.get("reason"), "nominatedNodeName": entry.get("nominated")}
    if "conditions" in entry:
        made["conditions"] = [
            {"type": kind, "status": value if isinstance(value, str) else value[0],
             **({} if isinstance(value, str) else {"reason": value[1]})} for kind, value in entry["conditions"].items()]
    return made
