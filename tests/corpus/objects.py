"""Objects of the other kinds, in the shapes that their printers tell apart.

OBJECTS: (plural, object, status or None). A status is patched onto /status afterwards; those that
controllers keep themselves (deployments, budgets) are what those controllers make of the object."""
import time

from pods import HOLD, SPEC, ago, container

NS = "corpus"
FIRST_SEEN = int(time.time())


def meta(name, namespace=NS, **more):
    made = dict({"name": name, "labels": {"corpus": "objects"}}, **more)
    return dict(made, namespace=namespace) if namespace else made


def micro(seconds):
    return ago(seconds)[:-1] + ".123456Z"


def make():
    """All objects, in the order in which they are to be created."""
    return [*nodes(), *namespaces(), *workloads(), *jobs(), *services(), *configs(), *volumes(), *autoscalers(), *budgets(), *events()]


def nodes():
    def node(name, conditions, labels=None, addresses=(), spec=None, info=None):
        facts = [{"type": kind, "status": value, "reason": "Corpus", "lastHeartbeatTime": ago(30),
                  "lastTransitionTime": ago(500)} for kind, value in conditions.items()]
        taint = {"key": "corpus", "value": "true", "effect": "NoSchedule"}
        return ("nodes", {
            "apiVersion": "v1", "kind": "Node", "metadata": meta(name, None, labels=dict(labels or {}, corpus="objects")),
            "spec": dict({"taints": [taint]}, **(spec or {})),
            "status": {"conditions": facts, "addresses": [{"type": kind, "address": ip} for kind, ip in addresses],
                       "nodeInfo": dict({"kubeletVersion": "v1.34.4", "architecture": "amd64", "bootID": "b", "kernelVersion": "",
                                         "containerRuntimeVersion": "", "kubeProxyVersion": "", "machineID": "m",
                                         "operatingSystem": "linux", "osImage": "", "systemUUID": "s"}, **(info or {}))}},
                None)
    role = "node-role.kubernetes.io/"
    full = {"osImage": "Bottlerocket OS 1.32.0 (aws-k8s-1.34)", "kernelVersion": "6.1.119", "containerRuntimeVersion": "containerd://2.0.2"}
    return [
        node("corpus-ready", {"Ready": "True"}, {role + "worker": ""}, [("InternalIP", "10.9.0.1")], info=full),
        node("corpus-not-ready", {"Ready": "False", "MemoryPressure": "True"}, {role + "worker": ""}, [("InternalIP", "10.9.0.2")]),
        node("corpus-unknown", {"Ready": "Unknown"}, addresses=[("InternalIP", "10.9.0.3"), ("ExternalIP", "203.0.113.7")], info=full),
        node("corpus-cordoned", {"Ready": "True", "DiskPressure": "True"}, {role + "worker": "", role + "gpu": ""},
             [("Hostname", "corpus-cordoned"), ("ExternalIP", "2001:db8::7")], {"unschedulable": True}),
        node("corpus-not-ready-cordoned", {"Ready": "False"}, {"kubernetes.io/role": "legacy", role + "control-plane": ""},
             spec={"unschedulable": True}),
        node("corpus-no-condition", {}, {"kubernetes.io/role": "legacy"}),
        node("corpus-no-ready-condition", {"DiskPressure": "False"}, {role + "etcd": "true", role + "a": ""},
             spec={"unschedulable": True}, info={"kubeletVersion": ""}),
    ]


def namespaces():
    """One open, one Terminating for as long as what is in it is held."""
    found = [("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(name, None)}, None)
             for name in ("corpus-open", "corpus-leaving")]
    keeper = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("keeper", "corpus-leaving", finalizers=[HOLD])}
    return found + [("configmaps", keeper, None)]


def template(labels, containers=None, **spec):
    return {"metadata": {"labels": labels}, "spec": dict(SPEC, containers=containers or [container("main")], **spec)}


def workloads():
    def workload(plural, kind, name, replicas=None, containers=None, selector=None, **spec):
        labels = {"corpus-app": name}
        body = dict({"selector": selector or {"matchLabels": labels}, "template": template(dict(labels, tier="odd"), containers)}, **spec)
        body["template"]["spec"].pop("terminationGracePeriodSeconds")
        if replicas is not None:
            body["replicas"] = replicas
        return (plural, {"apiVersion": "apps/v1", "kind": kind, "metadata": meta(name), "spec": body}, None)
    many = [container(f"c{i}", image=f"registry.example.com/team/image-{i}@sha256:{i:064x}") for i in range(4)]
    by_expression = {"matchLabels": {"corpus-app": "expressions", "tier": "odd"}, "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["odd", "even"]}, {"key": "gone", "operator": "DoesNotExist"},
        {"key": "corpus-app", "operator": "Exists"}, {"key": "zone", "operator": "NotIn", "values": ["b", "a"]}]}
    found = []
    for plural, kind, short in (("deployments", "Deployment", "d"), ("replicasets", "ReplicaSet", "r"), ("statefulsets", "StatefulSet", "s")):
        more = {"serviceName": "none"} if short == "s" else {}
        found += [workload(plural, kind, f"{short}-none", 0, **more), workload(plural, kind, f"{short}-pending", 2, **more),
                  workload(plural, kind, f"{short}-many", 0, many, **more)]
    found += [workload("deployments", "Deployment", "expressions", 0, selector=by_expression),
              workload("replicasets", "ReplicaSet", "expressions", 0, selector=by_expression),
              workload("deployments", "Deployment", "paused", 1, paused=True),
              workload("daemonsets", "DaemonSet", "ds-nowhere", selector=None),
              workload("daemonsets", "DaemonSet", "ds-many", containers=many)]
    for _, obj, _ in found:
        if obj["kind"] == "DaemonSet":
            obj["spec"]["template"]["spec"]["nodeSelector"] = {"no-node": "has-this", "b": "a"}
    found.append(("replicationcontrollers", {
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": meta("rc-old"),
        "spec": {"replicas": 0, "selector": {"app": "rc-old", "tier": "odd"},
                 "template": template({"app": "rc-old", "tier": "odd"})}}, None))
    return found


def jobs():
    def job(name, status, spec=None, deleted=False):
        obj = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(name), "spec": dict(
            {"managedBy": "binnacle.example/corpus", "template": template({"corpus-job": name}, restartPolicy="Never")}, **(spec or {}))}
        obj["spec"]["template"]["spec"].pop("terminationGracePeriodSeconds")
        if deleted:
            obj["metadata"].update(finalizers=[HOLD], annotations={"binnacle.example/deleted": "true"})
        return ("jobs", obj, status)

    def conditions(*kinds):
        return [{"type": kind, "status": "True", "reason": "Corpus", "lastTransitionTime": ago(100)} for kind in kinds]
    begun = {"startTime": ago(4000)}
    done = dict(begun, completionTime=ago(600), succeeded=1, conditions=conditions("SuccessCriteriaMet", "Complete"))
    suspended = {"suspend": True}
    found = [
        job("j-new", None), job("j-running", dict(begun, active=1)), job("j-complete", done),
        job("j-failed", dict(begun, failed=3, conditions=conditions("FailureTarget", "Failed"))),
        job("j-suspended", {"conditions": conditions("Suspended")}, suspended),
        job("j-failure-target", dict(begun, active=0, terminating=1, conditions=conditions("FailureTarget"))),
        job("j-success-criteria", dict(begun, terminating=1, conditions=conditions("SuccessCriteriaMet")),
            {"completionMode": "Indexed", "completions": 3, "parallelism": 3, "successPolicy": {"rules": [{"succeededCount": 1}]}}),
        job("j-terminating", dict(begun, active=1), deleted=True),
        job("j-terminating-complete", done, deleted=True),
        job("j-five-of-nine", dict(begun, active=2, succeeded=5), {"completions": 9, "parallelism": 2}),
        job("j-work-queue", dict(begun, active=4, succeeded=0), {"parallelism": 4}),
        job("j-work-queue-one", dict(begun, active=1), {"parallelism": 1}),
        job("j-condition-false", dict(begun, active=1, conditions=[{"type": "Suspended", "status": "False", "reason": "JobResumed",
                                                                      "lastTransitionTime": ago(10)}])),
    ]
    for name, spec, status in (("cj-hourly", {"schedule": "0 * * * *", "suspend": True}, {"lastScheduleTime": ago(1800)}),
                               ("cj-zone", {"schedule": "@daily", "timeZone": "Asia/Kolkata", "suspend": True}, {"lastScheduleTime": ago(90000)}),
                               ("cj-never", {"schedule": "0 0 31 2 *"}, None)):
        body = {"template": template({"corpus-job": name}, [container("one"), container("two", image="example.com/two:2")],
                                     restartPolicy="OnFailure")}
        body["template"]["spec"].pop("terminationGracePeriodSeconds")
        found.append(("cronjobs", {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(name),
                                   "spec": dict(spec, jobTemplate={"spec": body})}, status))
    return found


def services():
    def service(name, status=None, **spec):
        return ("services", {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": spec}, status)
    http = [{"name": "http", "port": 80}]
    many = http + [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "sctp", "port": 9999, "protocol": "SCTP"}]
    balancer = {"type": "LoadBalancer", "ports": http}

    def ingress_of(*points):
        return {"loadBalancer": {"ingress": [{"hostname" if p[-1:].isalpha() else "ip": p} for p in points]}}
    long_name = "k8s-corpus-0123456789abcdef-0123456789abcdef.elb.eu-west-1.amazonaws.com"
    found = [
        service("svc-plain", ports=http, selector={"z": "1", "a": "2"}), service("svc-headless", clusterIP="None", selector={"a": "b"}),
        service("svc-many-ports", ports=many), service("svc-external-ips", ports=http, externalIPs=["203.0.113.1", "203.0.113.2"]),
        service("svc-node-port", type="NodePort", ports=many), service("svc-external-name", type="ExternalName", externalName="db.example.com"),
        service("svc-lb-pending", **balancer), service("svc-lb-ip", ingress_of("198.51.100.4"), **balancer),
        service("svc-lb-host", ingress_of(long_name), **balancer),
        service("svc-lb-many", ingress_of("198.51.100.5", "198.51.100.6", long_name), **balancer),
        service("svc-lb-and-external", ingress_of("198.51.100.8"), externalIPs=["203.0.113.9"], **balancer),
    ]

    def endpoints(name, *subsets):
        return ("endpoints", {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta(name), "subsets": list(subsets)}, None)

    def addresses(count, first=1):
        return [{"ip": f"10.244.7.{first + i}"} for i in range(count)]
    port = [{"name": "http", "port": 8080}]
    found += [
        endpoints("ep-none"), endpoints("ep-one", {"addresses": addresses(1), "ports": port}),
        endpoints("ep-three", {"addresses": addresses(3), "ports": port}), endpoints("ep-five", {"addresses": addresses(5), "ports": port}),
        endpoints("ep-ports", {"addresses": addresses(2), "ports": port + [{"name": "grpc", "port": 9090}]}),
        endpoints("ep-no-ports", {"addresses": addresses(2)}), endpoints("ep-no-ports-many", {"addresses": addresses(6)}),
        endpoints("ep-not-ready", {"notReadyAddresses": addresses(2), "ports": port}),
        endpoints("ep-two-subsets", {"addresses": addresses(2), "ports": port},
                  {"addresses": addresses(3, 50), "ports": [{"name": "http", "port": 8081}]}),
        endpoints("ep-6", {"addresses": [{"ip": "fd00::1"}], "ports": port}),
    ]

    def ingress(name, hosts, status=None, **spec):
        backend = {"service": {"name": "svc-plain", "port": {"number": 80}}}
        if hosts is None:
            spec["defaultBackend"] = backend
        else:
            path = {"path": "/", "pathType": "Prefix", "backend": backend}
            spec["rules"] = [dict({"http": {"paths": [path]}}, **({"host": host} if host else {})) for host in hosts]
        return ("ingresses", {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(name), "spec": spec}, status)
    names = [f"host-{i}.example.com" for i in range(5)]
    found += [
        ingress("in-default", None), ingress("in-any-host", [None]), ingress("in-three", names[:3], ingressClassName="nginx"),
        ingress("in-five", names, ingressClassName="nginx"), ingress("in-some-empty", [None, names[0], None, names[1]]),
        ingress("in-tls", names[:1], ingress_of("198.51.100.20"), tls=[{"hosts": names[:1], "secretName": "tls"}]),
        ingress("in-addresses", names[:1], ingress_of("198.51.100.21", "198.51.100.22", long_name), ingressClassName="alb"),
    ]
    return found


def configs():
    def config(name, data=None, binary=None):
        return ("configmaps", dict({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name)},
                                   **({"data": data} if data else {}), **({"binaryData": binary} if binary else {})), None)

    def secret(name, kind, data):
        return ("secrets", dict({"apiVersion": "v1", "kind": "Secret", "metadata": meta(name), "stringData": data},
                                **({"type": kind} if kind else {})), None)
    found = [
        config("cm-empty"), config("cm-three", {"a": "1", "b": "2", "c": "3"}), config("cm-binary", {"a": "1"}, {"b": "AAEC", "c": "AA=="}),
        secret("se-empty", None, {}), secret("se-opaque", "Opaque", {"token": "hidden", "user": "hidden"}),
        secret("se-tls", "kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}), secret("se-basic", "kubernetes.io/basic-auth", {"username": "u"}),
        secret("se-odd", "example.com/odd", {"x": "y"}),
        ("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("sa"), "secrets": [{"name": "a"}, {"name": "b"}]}, None),
        ("resourcequotas", {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("rq", "corpus-open"), "spec": {"hard": {
            "requests.cpu": "1k", "limits.memory": "100Ti", "configmaps": "500", "requests.nvidia.com/gpu": "8"}}}, None),
        ("limitranges", {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta("lr"), "spec": {"limits": [
            {"type": "PersistentVolumeClaim", "max": {"storage": "900Ti"}}]}}, None),
    ]
    return found


def volumes():
    def volume(name, size, modes, policy="Retain", claim=None, **spec):
        body = dict({"capacity": {"storage": size}, "accessModes": modes, "persistentVolumeReclaimPolicy": policy,
                     "csi": {"driver": "ebs.csi.example.com", "volumeHandle": name}}, **spec)
        if claim:
            body["claimRef"] = {"namespace": NS, "name": claim}
            if claim.startswith("gone"):  # it was bound once, else it would only be reserved
                body["claimRef"]["uid"] = "00000000-0000-4000-8000-000000000000"
        return ("persistentvolumes", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta("corpus-" + name, None), "spec": body}, None)

    def claim(name, size, modes, deleted=False, **spec):
        obj = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(name),
               "spec": dict({"accessModes": modes, "resources": {"requests": {"storage": size}}}, **spec)}
        if deleted:
            obj["metadata"].update(finalizers=[HOLD], annotations={"binnacle.example/deleted": "true"})
        if name == "pvc-lost":
            obj["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
        return ("persistentvolumeclaims", obj, None)
    once, every = ["ReadWriteOnce"], ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]
    found = [
        volume("pv-available", "10Gi", once, storageClassName="gp3"), volume("pv-every-mode", "1536Mi", every),
        volume("pv-bound", "20Gi", once, claim="pvc-bound", storageClassName=""), volume("pv-released", "5Gi", once, claim="gone"),
        volume("pv-block", "1Ti", ["ReadWriteOncePod"], volumeMode="Block", storageClassName="io2"),
        volume("pv-odd-size", "1500000000", once), volume("pv-failed", "1Gi", once, "Delete", claim="gone-too"),
        volume("pv-reserved", "3Gi", once, claim="pvc-not-made-yet"),
        claim("pvc-bound", "15Gi", once, storageClassName="", volumeName="corpus-pv-bound"),
        claim("pvc-pending", "1Gi", once, storageClassName="absent"), claim("pvc-default-class", "1Gi", every),
        claim("pvc-block", "2Gi", ["ReadWriteOncePod"], volumeMode="Block", storageClassName="absent"),
        claim("pvc-waits-for-volume", "2Gi", once, storageClassName="", volumeName="corpus-no-such-volume"),
        claim("pvc-lost", "2Gi", once, storageClassName="", volumeName="corpus-lost-volume"),
        claim("pvc-terminating", "2Gi", once, deleted=True, storageClassName="absent"),
        ("storageclasses", {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta("corpus-fast", None, annotations={
            "storageclass.beta.kubernetes.io/is-default-class": "false"}), "provisioner": "ebs.csi.example.com",
            "allowVolumeExpansion": True, "volumeBindingMode": "WaitForFirstConsumer"}, None),
    ]
    return found


def autoscalers():
    def hpa(name, metrics, current=None, replicas=0, least=1):
        spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"absent-{name}"},
                "maxReplicas": 10, "metrics": metrics}
        if least:
            spec["minReplicas"] = least
        status = {"currentReplicas": replicas, "desiredReplicas": replicas}
        if current is not None:
            status["currentMetrics"] = current
        return ("horizontalpodautoscalers", {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                                             "metadata": meta(name), "spec": spec}, status)

    def metric(source, target, **more):
        return {"type": source[:1].upper() + source[1:], source: dict(more, target=target)}

    def value(source, current, **more):
        return {"type": source[:1].upper() + source[1:], source: dict(more, current=current)}
    percent = {"type": "Utilization", "averageUtilization": 70}
    average = {"type": "AverageValue", "averageValue": "500Mi"}
    total = {"type": "Value", "value": "2500m"}
    cpu = metric("resource", percent, name="cpu")
    memory = metric("resource", average, name="memory")
    qps = metric("pods", {"type": "AverageValue", "averageValue": "1k"}, metric={"name": "qps"})
    lag = metric("external", total, metric={"name": "lag"})
    lag_average = metric("external", {"type": "AverageValue", "averageValue": "30"}, metric={"name": "lag"})
    described = {"apiVersion": "v1", "kind": "Service", "name": "svc-plain"}
    hits = metric("object", total, metric={"name": "hits"}, describedObject=described)
    hits_average = metric("object", {"type": "AverageValue", "averageValue": "12500m"}, metric={"name": "hits"}, describedObject=described)
    inside = metric("containerResource", percent, name="cpu", container="main")
    inside_average = metric("containerResource", average, name="memory", container="main")
    cpu_now = value("resource", {"averageUtilization": 43, "averageValue": "215m"}, name="cpu")
    memory_now = value("resource", {"averageValue": "431820800"}, name="memory")
    return [
        hpa("hpa-cpu-unknown", [cpu]), hpa("hpa-cpu", [cpu], [cpu_now], 3), hpa("hpa-memory", [memory], [memory_now], 2),
        hpa("hpa-two", [cpu, memory], [cpu_now, memory_now], 4),
        hpa("hpa-four", [cpu, memory, qps, lag], [cpu_now, memory_now], 4, None),
        hpa("hpa-pods", [qps], [value("pods", {"averageValue": "873500m"}, metric={"name": "qps"})], 2),
        hpa("hpa-external", [lag], [value("external", {"value": "17"}, metric={"name": "lag"})], 2),
        hpa("hpa-external-average", [lag_average], [value("external", {"averageValue": "8"}, metric={"name": "lag"})], 2),
        hpa("hpa-external-unknown", [lag, lag_average]),
        hpa("hpa-object", [hits], [value("object", {"value": "1200m"}, metric={"name": "hits"}, describedObject=described)], 2),
        hpa("hpa-object-average", [hits_average], [value("object", {"value": "9", "averageValue": "4500m"}, metric={"name": "hits"},
                                                         describedObject=described)], 2),
        hpa("hpa-container", [inside, inside_average], [
            value("containerResource", {"averageUtilization": 91, "averageValue": "1"}, name="cpu", container="main"),
            value("containerResource", {"averageValue": "600Mi"}, name="memory", container="main")], 2),
        hpa("hpa-container-unknown", [inside, inside_average]),
    ]


def budgets():
    def budget(name, **spec):
        return ("poddisruptionbudgets", {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta(name),
                                         "spec": dict(spec, selector={"matchLabels": {"pdb": name}})}, None)
    return [budget("pdb-min", minAvailable=2), budget("pdb-max", maxUnavailable=1), budget("pdb-min-percent", minAvailable="50%"),
            budget("pdb-max-percent", maxUnavailable="25%"), budget("pdb-neither"), budget("pdb-none", maxUnavailable=0)]


def events():
    def event(name, message, **more):
        return ("events", dict({
            "apiVersion": "v1", "kind": "Event", "metadata": meta(name), "type": "Warning", "reason": "Corpus", "message": message,
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "crash-loop", "namespace": NS, "uid": "u",
                               "fieldPath": "spec.containers{c0}"},
            "source": {"component": "kubelet", "host": "corpus-ready"}, "firstTimestamp": ago(3000), "lastTimestamp": ago(100),
            "count": 12}, **more), None)
    modern = {"firstTimestamp": None, "lastTimestamp": None, "count": 0, "source": {}, "action": "Binding",
              "reportingComponent": "default-scheduler", "reportingInstance": "scheduler-0"}
    series = {"count": 44, "lastObservedTime": micro(250)}
    return [
        event("ev-plain", "Back-off restarting failed container"), event("ev-normal", "Created container c0", type="Normal", reason="Created"),
        event("ev-once", "once", count=1), event("ev-no-count", "no count", count=0), event("ev-no-host", "no host", source={"component": "kubelet"}),
        event("ev-no-source", "no source", source={}), event("ev-no-times", "no times", firstTimestamp=None, lastTimestamp=None),
        event("ev-only-first", "only first", lastTimestamp=None), event("ev-modern", "modern", eventTime=micro(700), **modern),
        event("ev-series", "series", eventTime=micro(7000), series=series, **modern),
        event("ev-series-old", "series and count", series=series), event("ev-lines", "  first line\nsecond line\n\n"),
        event("ev-escapes", "red \x1b[31mtext\x1b[0m"), event("ev-wide", "größer, 模型, שלום, 👩🏽‍🔬"),
        event("ev-empty", "", reason=""), event("ev-long", "long " * 200),
        event("ev-other-kind", "node", involvedObject={"kind": "HorizontalPodAutoscaler", "name": "hpa-cpu", "namespace": NS}),
        event("ev-no-name", "no name", involvedObject={"kind": "Pod", "namespace": NS}),
        event("ev-future", "future", lastTimestamp=ago(-3600)),
    ]
