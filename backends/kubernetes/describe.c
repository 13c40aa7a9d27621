/* describe: one page about one object, made for reading in a hurry: how it fares comes before how it is configured, a
 * line holds one fact, events end the page with the newest last. Kinds without a layout of their own show their
 * spec and status as YAML. */
#define _GNU_SOURCE
#include "backends/kubernetes/docs.h"
#include "backends/kubernetes/event.h"
#include "backends/kubernetes/work.h"
#include "backends/kubernetes/yaml_out.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define LABEL_WIDTH 14

static void line(struct buf *out, int indent, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void line(struct buf *out, int indent, const char *label, const char *fmt, ...)
{
	va_list ap;

	buf_addf(out, "%*s%-*s ", indent, "", LABEL_WIDTH, label);
	va_start(ap, fmt);
	buf_vaddf(out, fmt, ap);
	va_end(ap);
	buf_addc(out, '\n');
}

static void ago(struct buf *out, int64_t at, int64_t now)
{
	if (!at)
		buf_addc(out, '-');
	else {
		fmt_age(now - at, out);
		buf_adds(out, " ago");
	}
}

/* "a=b" a line, the label only before the first. Long values are cut: the YAML has them whole. */
static void map_lines(struct buf *out, int indent, const char *label, const json_t *map)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)map, key, v) {
		const char *text = json_is_string(v) ? json_string_value(v) : "";
		size_t n = strcspn(text, "\n");

		line(out, indent, label, "%s=%.*s%s", key, (int)(n > 160 ? 160 : n), text,
		     n > 160 || n < json_string_length(v) ? " ..." : "");
		label = "";
	}
}

/* "cpu 100m, memory 256Mi" */
static void resources(struct buf *out, const json_t *map)
{
	const char *key, *before = "";
	json_t *v;

	json_object_foreach((json_t *)map, key, v) {
		if (json_is_string(v))
			buf_addf(out, "%s%s %s", before, key, json_string_value(v));
		else
			buf_addf(out, "%s%s %lld", before, key, (long long)json_integer_value(v));
		before = ", ";
	}
}

void describe_state(struct buf *out, const json_t *state, int64_t now)
{
	const json_t *running = json_object_get(state, "running"), *waiting = json_object_get(state, "waiting");
	const json_t *ended = json_object_get(state, "terminated");

	if (running) {
		buf_adds(out, "running since ");
		ago(out, jtime(running, "startedAt"), now);
	} else if (waiting) {
		buf_addf(out, "waiting: %s", jtext(waiting, "reason"));
		if (*jtext(waiting, "message"))
			buf_addf(out, ": %s", jtext(waiting, "message"));
	} else if (ended) {
		buf_addf(out, "ended with exit code %lld %s", (long long)jint(ended, "exitCode", 0), jtext(ended, "reason"));
		if (jint(ended, "signal", 0))
			buf_addf(out, " (signal %lld)", (long long)jint(ended, "signal", 0));
		buf_addc(out, ' ');
		ago(out, jtime(ended, "finishedAt"), now);
		if (jtime(ended, "startedAt") && jtime(ended, "finishedAt") > jtime(ended, "startedAt")) {
			buf_adds(out, ", ran ");
			fmt_duration(jtime(ended, "finishedAt") - jtime(ended, "startedAt"), out);
		}
		if (*jtext(ended, "message"))
			buf_addf(out, ": %s", jtext(ended, "message"));
	} else
		buf_adds(out, "-");
}

static void port_of(struct buf *out, const json_t *v)
{
	if (json_is_string(v))
		buf_adds(out, json_string_value(v));
	else
		buf_addf(out, "%lld", (long long)json_integer_value(v));
}

void describe_probe(struct buf *out, const json_t *probe)
{
	const json_t *http = json_object_get(probe, "httpGet"), *tcp = json_object_get(probe, "tcpSocket");
	const json_t *exec = json_object_get(probe, "exec"), *grpc = json_object_get(probe, "grpc");
	json_t *word;
	size_t i;

	if (http) {
		buf_addf(out, "GET %s://%s:", *jtext(http, "scheme") ? jtext(http, "scheme") : "HTTP", jtext(http, "host"));
		port_of(out, json_object_get(http, "port"));
		buf_adds(out, jtext(http, "path"));
	} else if (tcp) {
		buf_adds(out, "tcp :");
		port_of(out, json_object_get(tcp, "port"));
	} else if (grpc) {
		buf_addf(out, "grpc :%lld %s", (long long)jint(grpc, "port", 0), jtext(grpc, "service"));
	} else if (exec) {
		buf_adds(out, "exec");
		json_array_foreach(json_object_get(exec, "command"), i, word)
			buf_addf(out, " %.80s", json_is_string(word) ? json_string_value(word) : "");
	}
	buf_addf(out, "  after %llds, every %llds, timeout %llds, fails at %lld", (long long)jint(probe, "initialDelaySeconds", 0),
	         (long long)jint(probe, "periodSeconds", 10), (long long)jint(probe, "timeoutSeconds", 1),
	         (long long)jint(probe, "failureThreshold", 3));
}

static void env_lines(struct buf *out, const json_t *container)
{
	const char *label = "env";
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(container, "envFrom"), i, e) {
		line(out, 4, label, "all of %s%s", json_object_get(e, "secretRef") ? "secret " : "config map ",
		     *jtext(e, "secretRef.name") ? jtext(e, "secretRef.name") : jtext(e, "configMapRef.name"));
		label = "";
	}
	json_array_foreach(json_object_get(container, "env"), i, e) {
		const json_t *from = json_object_get(e, "valueFrom");
		const json_t *secret = json_object_get(from, "secretKeyRef"), *map = json_object_get(from, "configMapKeyRef");

		if (secret || map)
			line(out, 4, label, "%s from %s %s, key %s", jtext(e, "name"), secret ? "secret" : "config map",
			     jtext(secret ? secret : map, "name"), jtext(secret ? secret : map, "key"));
		else if (from)
			line(out, 4, label, "%s from %s%s", jtext(e, "name"), jtext(from, "fieldRef.fieldPath"),
			     jtext(from, "resourceFieldRef.resource"));
		else
			line(out, 4, label, "%s=%.160s", jtext(e, "name"), jtext(e, "value"));
		label = "";
	}
}

static void container_part(struct buf *out, const json_t *c, const json_t *status, int64_t now)
{
	static const char *const probes[][2] = { { "livenessProbe", "liveness" }, { "readinessProbe", "readiness" },
		{ "startupProbe", "startup" } };
	struct buf b = { 0 };
	json_t *p;
	size_t i;

	buf_addf(out, "  %s\n", jtext(c, "name"));
	line(out, 4, "image", "%s", jtext(c, "image"));
	if (status) {
		describe_state(&b, json_object_get(status, "state"), now);
		line(out, 4, "state", "%s%s", b.data, jtrue(status, "ready") ? ", ready" : ", not ready");
		buf_clear(&b);
		if (json_object_size(json_object_get(status, "lastState"))) {
			describe_state(&b, json_object_get(status, "lastState"), now);
			line(out, 4, "last state", "%s", b.data);
			buf_clear(&b);
		}
		line(out, 4, "restarts", "%lld", (long long)jint(status, "restartCount", 0));
	}
	resources(&b, jat(c, "resources.requests"));
	if (b.len)
		line(out, 4, "requests", "%s", b.data);
	buf_clear(&b);
	resources(&b, jat(c, "resources.limits"));
	line(out, 4, "limits", "%s", b.len ? b.data : "none");
	for (size_t k = 0; k < ARRAY_SIZE(probes); k++) {
		if (!json_object_get(c, probes[k][0]))
			continue;
		buf_clear(&b);
		describe_probe(&b, json_object_get(c, probes[k][0]));
		line(out, 4, probes[k][1], "%s", b.data);
	}
	json_array_foreach(json_object_get(c, "ports"), i, p)
		line(out, 4, i ? "" : "ports", "%lld/%s %s", (long long)jint(p, "containerPort", 0),
		     *jtext(p, "protocol") ? jtext(p, "protocol") : "TCP", jtext(p, "name"));
	json_array_foreach(json_object_get(c, "command"), i, p)
		line(out, 4, i ? "" : "command", "%.200s", json_is_string(p) ? json_string_value(p) : "");
	json_array_foreach(json_object_get(c, "args"), i, p)
		line(out, 4, i ? "" : "args", "%.200s", json_is_string(p) ? json_string_value(p) : "");
	env_lines(out, c);
	json_array_foreach(json_object_get(c, "volumeMounts"), i, p)
		line(out, 4, i ? "" : "mounts", "%s from %s%s", jtext(p, "mountPath"), jtext(p, "name"),
		     jtrue(p, "readOnly") ? " (read only)" : "");
	buf_release(&b);
}

static void containers_part(struct buf *out, const json_t *spec, const json_t *status, int64_t now)
{
	static const char *const lists[][3] = { { "initContainers", "initContainerStatuses", "init containers" },
		{ "containers", "containerStatuses", "containers" },
		{ "ephemeralContainers", "ephemeralContainerStatuses", "debug containers" } };
	json_t *c;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		if (!json_array_size(json_object_get(spec, lists[k][0])))
			continue;
		buf_addf(out, "\n%s\n", lists[k][2]);
		json_array_foreach(json_object_get(spec, lists[k][0]), i, c)
			container_part(out, c, jfind(status, lists[k][1], "name", jtext(c, "name")), now);
	}
}

static void conditions_part(struct buf *out, const json_t *object, int64_t now)
{
	json_t *c;
	size_t i;

	if (!json_array_size(jat(object, "status.conditions")))
		return;
	buf_adds(out, "\nconditions\n");
	json_array_foreach(jat(object, "status.conditions"), i, c) {
		struct buf b = { 0 };

		ago(&b, jtime(c, "lastTransitionTime"), now);
		buf_addf(out, "  %-24s %-8s %-10s %s%s%s\n", jtext(c, "type"), jtext(c, "status"), b.data, jtext(c, "reason"),
		         *jtext(c, "message") && *jtext(c, "reason") ? ": " : "", jtext(c, "message"));
		buf_release(&b);
	}
}

static void events_part(struct buf *out, const json_t *events, int64_t now)
{
	size_t n, *order = event_order(events, &n);

	if (events)
		buf_addf(out, "\nevents%s\n", n ? "" : ": none");
	for (size_t i = 0; i < n; i++) {
		struct event e = event_read(json_array_get(events, order[i]));
		struct buf when = { 0 };

		ago(&when, e.last, now);
		if (e.count > 1) {
			buf_addf(&when, " (x%lld over ", (long long)e.count);
			fmt_age(now - e.first, &when);
			buf_addc(&when, ')');
		}
		buf_addf(out, "  %-22s %-8s %-18s %s", when.data, e.type, e.reason, e.message);
		buf_addf(out, "%s%s%s\n", *e.from ? "  [" : "", e.from, *e.from ? "]" : "");
		buf_release(&when);
	}
	free(order);
}

static void pod_part(struct buf *out, const json_t *o, int64_t now)
{
	json_t *v;
	size_t i;

	line(out, 2, "phase", "%s %s", jtext(o, "status.phase"), jtext(o, "status.reason"));
	if (*jtext(o, "status.message"))
		line(out, 2, "message", "%s", jtext(o, "status.message"));
	line(out, 2, "node", "%s %s", *jtext(o, "spec.nodeName") ? jtext(o, "spec.nodeName") : "none yet",
	     jtext(o, "status.hostIP"));
	line(out, 2, "address", "%s", *jtext(o, "status.podIP") ? jtext(o, "status.podIP") : "-");
	line(out, 2, "account", "%s", jtext(o, "spec.serviceAccountName"));
	line(out, 2, "quality", "%s", jtext(o, "status.qosClass"));
	if (*jtext(o, "spec.priorityClassName"))
		line(out, 2, "priority", "%s (%lld)", jtext(o, "spec.priorityClassName"), (long long)jint(o, "spec.priority", 0));
	map_lines(out, 2, "node selector", jat(o, "spec.nodeSelector"));
	json_array_foreach(jat(o, "spec.tolerations"), i, v)
		line(out, 2, i ? "" : "tolerates", "%s%s%s %s", *jtext(v, "key") ? jtext(v, "key") : "everything",
		     *jtext(v, "value") ? "=" : "", jtext(v, "value"), jtext(v, "effect"));
	containers_part(out, json_object_get(o, "spec"), json_object_get(o, "status"), now);
	if (json_array_size(jat(o, "spec.volumes")))
		buf_adds(out, "\nvolumes\n");
	json_array_foreach(jat(o, "spec.volumes"), i, v) {
		const char *key;
		json_t *what;

		json_object_foreach(v, key, what)
			if (strcmp(key, "name"))
				line(out, 2, jtext(v, "name"), "%s %s%s%s", key, jtext(what, "claimName"), jtext(what, "secretName"),
				     jtext(what, "name"));
	}
}

static void node_part(struct buf *out, const json_t *o)
{
	static const char *const info[][2] = { { "kubeletVersion", "kubelet" }, { "osImage", "system" },
		{ "kernelVersion", "kernel" }, { "containerRuntimeVersion", "runtime" } };
	struct buf b = { 0 };
	const char *key;
	json_t *v;
	size_t i;

	line(out, 2, "scheduling", "%s", jtrue(o, "spec.unschedulable") ? "off (cordoned)" : "on");
	json_array_foreach(jat(o, "spec.taints"), i, v)
		line(out, 2, i ? "" : "taints", "%s%s%s:%s", jtext(v, "key"), *jtext(v, "value") ? "=" : "", jtext(v, "value"),
		     jtext(v, "effect"));
	json_array_foreach(jat(o, "status.addresses"), i, v)
		line(out, 2, i ? "" : "addresses", "%s %s", jtext(v, "address"), jtext(v, "type"));
	for (size_t k = 0; k < ARRAY_SIZE(info); k++)
		line(out, 2, info[k][1], "%s", jtext(jat(o, "status.nodeInfo"), info[k][0]));
	buf_addf(out, "\n%-24s %14s %14s\n", "  resource", "capacity", "allocatable");
	json_object_foreach(jat(o, "status.capacity"), key, v)
		buf_addf(out, "  %-22s %14s %14s\n", key, json_is_string(v) ? json_string_value(v) : "",
		         jnamed(o, "status.allocatable", key));
	buf_release(&b);
}

/* Replicas of a workload, whichever counts its kind has. */
static void workload_part(struct buf *out, const json_t *o, int64_t now)
{
	static const char *const counts[][2] = { { "spec.replicas", "desired" }, { "status.replicas", "current" },
		{ "status.desiredNumberScheduled", "desired" }, { "status.currentNumberScheduled", "current" },
		{ "status.updatedReplicas", "up to date" }, { "status.updatedNumberScheduled", "up to date" },
		{ "status.readyReplicas", "ready" }, { "status.numberReady", "ready" },
		{ "status.availableReplicas", "available" }, { "status.unavailableReplicas", "unavailable" },
		{ "status.active", "active" }, { "status.succeeded", "succeeded" }, { "status.failed", "failed" },
		{ "spec.completions", "completions" }, { "spec.parallelism", "parallelism" },
		{ "spec.backoffLimit", "retries" } };
	const char *before = "";
	const json_t *template = jat(o, "spec.template");
	struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		json_t *v = jat(o, counts[i][0]);

		if (!json_is_integer(v))
			continue;
		buf_addf(&b, "%s%lld %s", before, (long long)json_integer_value(v), counts[i][1]);
		before = ", ";
	}
	line(out, 2, "replicas", "%s", b.len ? b.data : "-");
	buf_release(&b);
	map_lines(out, 2, "selector", jat(o, "spec.selector.matchLabels"));
	if (*jtext(o, "spec.strategy.type") || *jtext(o, "spec.updateStrategy.type"))
		line(out, 2, "strategy", "%s%s", jtext(o, "spec.strategy.type"), jtext(o, "spec.updateStrategy.type"));
	if (jtrue(o, "spec.paused"))
		line(out, 2, "paused", "yes: changes of the template are not rolled out");
	if (*jnamed(o, "metadata.annotations", "deployment.kubernetes.io/revision"))
		line(out, 2, "revision", "%s", jnamed(o, "metadata.annotations", "deployment.kubernetes.io/revision"));
	containers_part(out, jat(template, "spec"), NULL, now);
}

/* Kinds without a layout: everything but metadata, as YAML. */
static void other_part(struct buf *out, const json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)o, key, v) {
		if (!strcmp(key, "metadata") || !strcmp(key, "apiVersion") || !strcmp(key, "kind"))
			continue;
		buf_addf(out, "\n%s", key);
		if (json_is_object(v) || json_is_array(v)) {
			json_t *rest = json_copy(v);

			json_object_del(rest, "conditions");
			buf_addc(out, '\n');
			yaml_write(out, rest, 2, NULL);
			json_decref(rest);
		} else {
			buf_addc(out, ' ');
			yaml_write(out, v, 2, NULL);
		}
	}
}

static void head_part(struct buf *out, const json_t *o, int64_t now)
{
	const char *ns = jtext(o, "metadata.namespace");
	struct buf b = { 0 };
	json_t *owner, *v;
	size_t i;

	buf_addf(out, "%s %s%s%s\n", jtext(o, "kind"), ns, *ns ? "/" : "", jtext(o, "metadata.name"));
	ago(&b, jtime(o, "metadata.creationTimestamp"), now);
	line(out, 2, "created", "%s  (%s)", b.data, jtext(o, "metadata.creationTimestamp"));
	buf_clear(&b);
	if (*jtext(o, "metadata.deletionTimestamp")) {
		ago(&b, jtime(o, "metadata.deletionTimestamp"), now);
		line(out, 2, "being deleted", "its time was up %s, grace %llds", b.data,
		     (long long)jint(o, "metadata.deletionGracePeriodSeconds", 0));
		json_array_foreach(jat(o, "metadata.finalizers"), i, v)
			line(out, 2, i ? "" : "waits for", "%s", json_is_string(v) ? json_string_value(v) : "");
	}
	json_array_foreach(jat(o, "metadata.ownerReferences"), i, owner)
		line(out, 2, i ? "" : "owner", "%s %s%s", jtext(owner, "kind"), jtext(owner, "name"),
		     jtrue(owner, "controller") ? "" : " (not its controller)");
	map_lines(out, 2, "labels", jat(o, "metadata.labels"));
	v = json_copy(jat(o, "metadata.annotations"));
	json_object_del(v, "kubectl.kubernetes.io/last-applied-configuration");
	map_lines(out, 2, "annotations", v);
	json_decref(v);
	buf_release(&b);
}

void doc_describe(json_t *o, const json_t *events, int64_t now, struct buf *out)
{
	const char *kind = jtext(o, "kind");

	doc_mask_secret(o);
	head_part(out, o, now);
	if (!strcmp(kind, "Pod"))
		pod_part(out, o, now);
	else if (!strcmp(kind, "Node"))
		node_part(out, o);
	else if (jat(o, "spec.template.spec.containers"))
		workload_part(out, o, now);
	conditions_part(out, o, now);
	if (strcmp(kind, "Pod") && strcmp(kind, "Node") && !jat(o, "spec.template.spec.containers"))
		other_part(out, o);
	events_part(out, events, now);
}

void work_describe(struct work *w)
{
	struct target t;
	json_t *object = NULL, *events = NULL;
	struct buf text = { 0 }, query = { 0 };

	if (!work_target(w, &t) || !(object = work_object(w, t.api, t.ns, t.name)))
		work_fail_exchange(w);
	else {
		event_query(&query, object);
		events = work_list(w, "events", t.ns, query.data);
		doc_describe(object, events, clock_wall(link_clock(w->k->link)), &text);
		if (!events)
			buf_addf(&text, "\nevents: %s\n", w->error);
		link_text(w->k->link, w->r->id, TEXT_RESET | TEXT_END, buf_str(&text));
		w->ended = true;
	}
	buf_release(&text);
	buf_release(&query);
	json_decref(events);
	json_decref(object);
	target_release(&t);
}
