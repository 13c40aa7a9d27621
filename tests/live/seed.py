#!/usr/bin/env python3
"""Fill the live servers with believable things.

  seed.py cluster DIR [--nodes 100] [--pods 1000] [--namespaces 12] [--deployments]
  seed.py churn DIR [--rate 50] [--seconds 10]
  seed.py platform DIR
  seed.py drift DIR
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # a clean checkout stays clean
from kubeapi import Api, ApiError, parallel, read_env, until

HERE = pathlib.Path(__file__).resolve().parent
NAMESPACES = ["ml-train", "ml-serve", "ml-features", "ml-batch", "search", "ranking", "fraud", "churn",
              "forecast", "vision", "speech", "notebooks", "monitoring", "ingest", "labelling", "experiments"]
APPS = ["bert-finetune", "resnet-sweep", "churn-predictor", "fraud-scorer", "ranker", "embedder", "feature-sync",
        "batch-score", "tokenizer", "llm-gateway", "whisper-transcribe", "drift-check", "label-api", "forecast-nightly"]
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
# group: instance type, capacity type, share of the nodes, cpu, memory GiB, GPUs, GPU product
NODE_GROUPS = {
    "cpu-general": ("m6i.4xlarge", "ON_DEMAND", 50, 16, 64, 0, None),
    "cpu-spot": ("m6a.8xlarge", "SPOT", 25, 32, 128, 0, None),
    "gpu-train": ("p4d.24xlarge", "ON_DEMAND", 10, 96, 1152, 8, "NVIDIA-A100-SXM4-40GB"),
    "gpu-serve": ("g5.2xlarge", "SPOT", 15, 8, 32, 1, "NVIDIA-A10G"),
}
OWNERS = {  # kinds whose controllers are absent here, so that nothing interferes with their pods
    "PyTorchJob": ("kubeflow.org", "v1", "pytorchjobs"),
    "RayCluster": ("ray.io", "v1", "rayclusters"),
}


def group_of(number, count):
    """Which node group node NUMBER of COUNT belongs to, by their shares."""
    edge = 0
    for name, spec in NODE_GROUPS.items():
        edge += spec[2]
        if number * 100 < edge * count:
            return name
    return name


def node_name(number):
    return f"ip-10-0-{number // 250}-{number % 250 + 4}.eu-west-1.compute.internal"


def conditions():
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    facts = [("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
             ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
             ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
             ("Ready", "True", "KubeletReady", "kubelet is posting ready status")]
    return [{"type": kind, "status": status, "reason": reason, "message": message,
             "lastHeartbeatTime": now, "lastTransitionTime": now} for kind, status, reason, message in facts]


def node(number, count, port):
    group = group_of(number, count)
    instance, capacity_type, _, cpu, memory, gpus, product = NODE_GROUPS[group]
    zone = ZONES[number % 3]
    labels = {
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": node_name(number),
        "node.kubernetes.io/instance-type": instance, "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": zone[:-1], "eks.amazonaws.com/nodegroup": group,
        "eks.amazonaws.com/capacityType": capacity_type,
        f"node-role.kubernetes.io/{'gpu' if gpus else 'worker'}": "",
    }
    capacity = {"cpu": str(cpu), "memory": f"{memory}Gi", "pods": "250", "ephemeral-storage": "100Gi"}
    taints = []
    if gpus:
        labels["nvidia.com/gpu.product"] = product
        capacity["nvidia.com/gpu"] = str(gpus)
        taints = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    free = dict(capacity, cpu=f"{cpu * 1000 - 90}m", memory=f"{memory * 1024 - 900}Mi")
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": node_name(number), "labels": labels, "annotations": {
            "kwok.x-k8s.io/node": "fake",
            "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{node_name(number)}/metrics/resource"}},
        "spec": {"taints": taints, "providerID": f"aws:///{zone}/i-{number:017x}",
                 "podCIDR": f"10.{32 + number // 256}.{number % 256}.0/24"},
        "status": {
            "capacity": capacity, "allocatable": free,
            "addresses": [{"type": "InternalIP", "address": f"10.0.{number // 250}.{number % 250 + 4}"},
                          {"type": "Hostname", "address": node_name(number)},
                          {"type": "ExternalDNS", "address": "localhost"}],  # how logs reach kwok
            "daemonEndpoints": {"kubeletEndpoint": {"Port": int(port)}},
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "kernelVersion": "6.1.128-136.201.amzn2023.x86_64",
                "osImage": "Amazon Linux 2023.6.20250303", "containerRuntimeVersion": "containerd://1.7.25",
                "kubeletVersion": "v1.34.4", "kubeProxyVersion": "", "machineID": f"ec2{number:029x}",
                "bootID": f"b007{number:028x}", "systemUUID": f"ec2-{number:028x}"},
            "conditions": conditions(),
        },
    }


def containers(app, gpus=0):
    """Two of them; about 3 KB a pod in protobuf, as the figures for comparison were measured with."""
    limits = {"cpu": "1", "memory": "2Gi"}
    if gpus:
        limits["nvidia.com/gpu"] = str(gpus)
    main = {"name": "trainer" if gpus else "predictor",
            "image": f"registry.example.com/ml/{app}:v1.8.3",
            "ports": [{"name": "http", "containerPort": 8080}],
            "resources": {"requests": dict(limits, cpu="50m", memory="64Mi"), "limits": limits}}
    proxy = {"name": "istio-proxy", "image": "registry.example.com/istio/proxyv2:1.24.2",
             "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}
    return [main, proxy]


TOLERATE_GPU = [{"key": "nvidia.com/gpu", "operator": "Exists"}]


class Cluster:
    def __init__(self, api, options):
        self.api, self.options = api, options
        self.rng = random.Random(42)
        self.namespaces = [NAMESPACES[i] if i < len(NAMESPACES) else f"team-{i:03d}" for i in range(options.namespaces)]

    def fill(self):
        began = time.monotonic()
        kubectl(self.api.env, "apply", "-f", str(HERE / "crds.yaml"))
        port, count = self.api.env["PORT_KWOK"], self.options.nodes
        parallel(lambda n: self.api.create("nodes", node(n, count, port)), range(count))
        self.make_namespaces()
        until("nodes Ready", self.nodes_are_ready, 120)
        print(f"seed: {count} nodes in {time.monotonic() - began:.1f} s", flush=True)
        began = time.monotonic()
        (self.make_deployments if self.options.deployments else self.make_pods)()
        print(f"seed: {self.options.pods} pods made in {time.monotonic() - began:.1f} s", flush=True)
        until("pods running", self.pods_are_running, 600)
        print(f"seed: {self.options.pods} pods running after {time.monotonic() - began:.1f} s", flush=True)

    def make_namespaces(self):
        parallel(lambda name: self.api.create("namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}}),
            self.namespaces)

        def has_account(name):
            try:
                return self.api.get("serviceaccounts", name, "default")
            except ApiError:
                return None
        for name in self.namespaces:  # without it no pod is admitted
            until(f"service account of {name}", lambda name=name: has_account(name))

    def nodes_are_ready(self):
        items = self.api.get("nodes", query="?labelSelector=eks.amazonaws.com/nodegroup")["items"]
        return len(items) >= self.options.nodes and all(
            any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", []))
            and not any(t["key"] == "node.kubernetes.io/not-ready" for t in item["spec"].get("taints", []))
            for item in items)

    def pods_are_running(self):
        if self.options.deployments:
            sets = self.api.get("deployments", query="?labelSelector=seed=cluster")["items"]
            return all(s["status"].get("readyReplicas", 0) == s["spec"]["replicas"] for s in sets)
        return not self.api.get("pods", query="?labelSelector=seed%3Dcluster&fieldSelector=status.phase%3DPending"
                                              "&limit=1")["items"]

    def make_pods(self):
        """Pods bound to their node at birth, in groups of up to 20 with a common owner."""
        api, rng, pods, group = self.api, self.rng, [], 0
        while len(pods) < self.options.pods:
            namespace, app = self.namespaces[group % len(self.namespaces)], APPS[group % len(APPS)]
            kind = "PyTorchJob" if group % 3 else "RayCluster"
            size = min(rng.randint(5, 20), self.options.pods - len(pods))
            owner = self.make_owner(kind, namespace, f"{app}-{group:04d}", size)
            gpus = 1 if group % 7 == 0 else 0
            pods += [self.pod(owner, kind, app, index, gpus, len(pods) + index) for index in range(size)]
            group += 1
        parallel(lambda pod: api.create("pods", pod), pods)

    def make_owner(self, kind, namespace, name, size):
        group, version, plural = OWNERS[kind]
        where = f"{group}/{version}/{plural}"
        spec = ({"pytorchReplicaSpecs": {"Worker": {"replicas": size}},
                 "runPolicy": {"schedulingPolicy": {"queue": "research"}}} if kind == "PyTorchJob"
                else {"workerGroupSpecs": [{"groupName": "workers", "replicas": size}]})
        status = ({"conditions": [{"type": "Created", "status": "True"}, {"type": "Running", "status": "True"}]}
                  if kind == "PyTorchJob" else
                  {"desiredWorkerReplicas": size, "availableWorkerReplicas": size, "state": "ready"})
        obj = {"apiVersion": f"{group}/{version}", "kind": kind, "spec": spec,
               "metadata": {"name": name, "namespace": namespace, "labels": {"seed": "cluster"}}}
        made = self.api.create(where, obj) or self.api.get(where, namespace, name)
        self.api.patch(where, namespace, name, {"status": status}, "status")
        return made

    def pod(self, owner, kind, app, index, gpus, number):
        group, version, _ = OWNERS[kind]
        meta = owner["metadata"]
        return {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": f"{meta['name']}-worker-{index}", "namespace": meta["namespace"],
                "labels": {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": meta["name"],
                           "training.kubeflow.org/replica-index": str(index),
                           "team": meta["namespace"], "seed": "cluster"},
                "ownerReferences": [{"apiVersion": f"{group}/{version}", "kind": kind, "name": meta["name"],
                                     "uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}]},
            "spec": {"containers": containers(app, gpus), "nodeName": node_name(number % self.options.nodes),
                     "restartPolicy": "OnFailure", "automountServiceAccountToken": False, "tolerations": TOLERATE_GPU},
        }

    def make_deployments(self):
        """Pods by real Deployments of up to 25 replicas: slower, with replica sets and a scheduler."""
        left, number = self.options.pods, 0
        objects = []
        while left:
            size = min(25, left)
            namespace, app = self.namespaces[number % len(self.namespaces)], APPS[number % len(APPS)]
            labels = {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": f"{app}-{number:04d}"}
            objects.append({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": f"{app}-{number:04d}", "namespace": namespace, "labels": dict(labels, seed="cluster")},
                "spec": {"replicas": size, "selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": dict(labels, seed="cluster", team=namespace)},
                                      "spec": {"containers": containers(app), "tolerations": TOLERATE_GPU}}}})
            left, number = left - size, number + 1
        parallel(lambda obj: self.api.create("deployments", obj), objects)


def churn(api, rate, seconds):
    """Change the status of RATE pods a second, evenly paced, as kubelets would."""
    items = api.get("pods", query="?labelSelector=seed%3Dcluster&limit=500")["items"]
    if not items:
        raise SystemExit("seed: no pods; first: seed.py cluster DIR")
    began = time.monotonic()
    late = [0.0]

    def change(number):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        item = items[number % len(items)]
        states = json.loads(json.dumps(item["status"].get("containerStatuses", [])))
        for state in states[:1]:
            state["restartCount"] = number // len(items) + 1
            state["ready"] = number // len(items) % 2 == 1
        api.patch("pods", item["metadata"]["namespace"], item["metadata"]["name"],
                  {"status": {"containerStatuses": states}}, "status")
        late[0] = max(late[0], time.monotonic() - began - number / rate)

    count = int(rate * seconds)
    parallel(change, range(count))
    took = time.monotonic() - began
    print(f"seed: {count} changes in {took:.1f} s ({count / took:.1f} a second), latest {late[0] * 1000:.0f} ms late")


def kubectl(env, *words):
    subprocess.run([env["KUBECTL"], "--kubeconfig", env["KUBECONFIG"], *words], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    made = {name: commands.add_parser(name) for name in ("cluster", "churn", "platform", "drift")}
    for command in made.values():
        command.add_argument("dir")
    made["cluster"].add_argument("--nodes", type=int, default=100)
    made["cluster"].add_argument("--pods", type=int, default=1000)
    made["cluster"].add_argument("--namespaces", type=int, default=12)
    made["cluster"].add_argument("--deployments", action="store_true")
    made["churn"].add_argument("--rate", type=float, default=50)
    made["churn"].add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    if options.command == "cluster":
        Cluster(Api(options.dir), options).fill()
    elif options.command == "churn":
        churn(Api(options.dir), options.rate, options.seconds)
    elif options.command == "platform":
        import mlplatform
        mlplatform.fill(Api(options.dir))
    else:
        import driftseed
        driftseed.fill(read_env(options.dir))


main()
