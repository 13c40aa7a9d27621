/* docs: the world as documents: logs, YAML, descriptions, trees, and the reasons why something is not well. */
#define _GNU_SOURCE
#include "backends/demo/flows.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/rows.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- logs */

static void stamp(int64_t ms, struct buf *out)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];
	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(out, "%s.%03d000000Z", text, (int)(ms % 1000));
}

/* One line of this pod at that time; chance decides which, so that the same moment says the same. */
static void log_line(const struct world *w, const struct pod *p, int64_t at, bool merged, struct buf *out)
{
	struct rnd r = { (uint64_t)at * 2654435761u + str_hash(str_of(p->name)) };
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	unsigned kind = rnd_below(&r, 100), ms = 4 + rnd_below(&r, 60);
	rnd_next(&r);
	stamp(at + rnd_below(&r, 900), out);
	if (merged)
		buf_addf(out, "|%s/server ", p->name);
	else
		buf_addc(out, ' ');
	bool sick = l && l->fault == EATS_MEMORY && p->revision == l->revision;
	if (l && !strcmp(l->plan->name, "model-api")) {
		if (sick && kind < 30)
			buf_addf(out, "{\"level\":\"warning\",\"msg\":\"memory high after loading model\",\"rss_mib\":%u,\"limit_mib\":%u,"
			         "\"model\":\"real_estate_model\",\"version\":7}\n", p->mem_mi, l->limit_mi);
		else if (sick && kind < 40)
			buf_adds(out, "{\"level\":\"error\",\"msg\":\"prediction failed\",\"error\":\"worker restarted\",\"status\":503}\n");
		else
			buf_addf(out, "{\"level\":\"info\",\"msg\":\"POST /predict\",\"status\":200,\"ms\":%u,\"request_id\":\"%04x\"}\n", ms,
			         rnd_below(&r, 65536));
	} else if (l && !strcmp(l->image, "postgres:15.8")) {
		buf_addf(out, "LOG:  checkpoint complete: wrote %u buffers; sync=0.%03u s\n", kind * 7 + 3, ms);
	} else if (l && !strncmp(l->plan->name, "airflow", 7)) {
		buf_addf(out, "INFO - Running <TaskInstance: mlops_full_pipeline.ingest_data> on host %s, heartbeat in %u ms\n", p->name, ms);
	} else if (l && l->plan->type == DAEMONSET) {
		buf_addf(out, "INFO  synced %u rules in %u ms\n", 100 + kind, ms);
	} else if (kind < 3) {
		buf_addf(out, "WARN  slow request GET /v1/listings took %u ms\n", 800 + ms * 10);
	} else {
		buf_addf(out, "INFO  GET /v1/listings 200 %u ms\n", ms);
	}
}

static bool of_request(const struct world *w, const struct pod *p, const char *kind, struct str key)
{
	struct str name = key, ns = str_split(&name, '/');
	if (!p->used || p->node < 0 || !str_is(ns, pod_namespace(w, p)))
		return false;
	if (!strcmp(kind, "pods"))
		return str_is(name, p->name);
	if (!strcmp(kind, "containers"))
		return str_is(str_split(&name, '/'), p->name);
	if (p->workload < 0)
		return str_is(name, p->job);
	return str_is(name, w->workloads[p->workload].plan->name);
}

static bool is_merged(const char *kind)
{
	return strcmp(kind, "pods") != 0 && strcmp(kind, "containers") != 0;
}

void demo_log_tick(struct world *w, struct link *l, uint64_t id, const char *kind, struct str key)
{
	struct buf b = { 0 };
	if (demo_tick_pipelines(w, l, id, kind, key))
		return;
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (of_request(w, p, kind, key) && p->state == RUNNING && (w->step + str_hash(str_of(p->name))) % 3 != 0)
			log_line(w, p, w->now, is_merged(kind), &b);
	if (b.len)
		link_text(l, id, 0, buf_str(&b));
	buf_release(&b);
}

static void open_logs(struct world *w, struct link *l, const struct request *r)
{
	bool previous = strstr(r->params, "\"previous\":true"), any = false;
	struct buf b = { 0 };
	for (int64_t at = w->now - 300000; at < w->now; at += 1000)
		for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
			if (of_request(w, p, r->kind, str_of(r->key)) && p->born < at && (!previous || at < p->restarted) && (at / 1000 + str_hash(str_of(p->name))) % 3 != 0)
				log_line(w, p, at, is_merged(r->kind), &b), any = true;
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX && previous; p++) {
		if (!of_request(w, p, r->kind, str_of(r->key)) || !p->restarts)
			continue;
		stamp(p->restarted, &b);
		buf_adds(&b, " {\"level\":\"critical\",\"msg\":\"allocation of 212 MiB for model weights failed\",\"version\":7}\n");
		any = true;
	}
	if (any)
		link_text(l, r->id, 0, buf_str(&b));
	if (!any)
		link_text(l, r->id, TEXT_END | TEXT_ERROR, previous ? STR("there was no instance before this one") : STR("no container of it has started yet"));
	else if (!strstr(r->params, "\"follow\":true"))
		link_text(l, r->id, TEXT_END, STR(""));
	buf_release(&b);
}

/* ---- documents */

static void pod_yaml(const struct world *w, const struct pod *p, struct buf *b)
{
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	buf_addf(b, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  namespace: %s\n  uid: %s\n  labels:\n    app: %s\n", p->name,
	         pod_namespace(w, p), p->uid, l ? l->plan->name : p->job);
	buf_addf(b, "spec:\n  nodeName: %s\n  containers:\n  - name: server\n    image: %s\n    resources:\n      limits:\n"
	         "        memory: %uMi\n      requests:\n        cpu: %um\n        memory: %uMi\n", p->node < 0 ? "\"\"" : w->nodes[p->node].name,
	         l ? l->image : w->cron_image, l ? l->limit_mi : 2048, l ? l->plan->cpu_m : 1000,
	         l ? l->plan->mem_mi : 1024);
	buf_addf(b, "status:\n  phase: %s\n  containerStatuses:\n  - name: server\n    ready: %s\n    restartCount: %u\n",
	         p->state == RUNNING ? "Running" : pod_status(p), p->state == RUNNING ? "true" : "false", p->restarts);
	if (l && l->fault == EATS_MEMORY && p->restarts)
		buf_adds(b, "    lastState:\n      terminated:\n        reason: OOMKilled\n        exitCode: 137\n");
}

void demo_workload_yaml(const struct workload *l, struct buf *b)
{
	static const char *const kinds[] = { "Deployment", "StatefulSet", "DaemonSet", "Job" };
	buf_addf(b, "apiVersion: apps/v1\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\n  annotations:\n"
	         "    deployment.kubernetes.io/revision: \"%u\"\nspec:\n  replicas: %u\n  selector:\n    matchLabels:\n      app: %s\n"
	         "  template:\n    spec:\n      containers:\n      - name: server\n        image: %s\n        resources:\n          limits:\n"
	         "            memory: %uMi\n", kinds[l->plan->type], l->plan->name, l->plan->namespace, l->revision, l->replicas,
	         l->plan->name, l->image, l->limit_mi);
}

static void add_events(const struct world *w, struct str name, struct buf *b)
{
	buf_adds(b, "\nevents\n");
	unsigned n = 0;
	for (unsigned i = 0; i < w->nevents; i++) {
		const struct event *e = &w->events[i];
		if (!str_ends(str_of(e->object), name))
			continue;
		buf_addf(b, "  %-8s %-18s x%-4u ", e->warning ? "Warning" : "Normal", e->reason, e->count);
		fmt_age(w->now - e->at, b);
		buf_addf(b, " ago  %s\n", e->text);
		n++;
	}
	if (!n)
		buf_adds(b, "  none\n");
}

static void add_list(const char *title, struct str list, struct buf *b)
{
	if (list.n)
		buf_addf(b, "# %s put on here: " STR_FMT "\n", title, STR_ARG(list));
}

bool demo_document(struct world *w, const char *kind, struct str key, struct buf *b)
{
	const struct touched *t = demo_touched(w, kind, key);
	struct str name = key;
	struct pod *p = !strcmp(kind, "pods") ? world_find_pod(w, key) : NULL;
	struct workload *l = world_find_workload(w, kind, key);
	struct node *n = !strcmp(kind, "nodes") ? world_find_node(w, key) : NULL;
	if (memchr(key.p, '/', key.n))
		str_split(&name, '/');
	if (t && t->gone)
		return false;
	if (t && t->yaml)
		buf_adds(b, t->yaml);
	else if (p)
		pod_yaml(w, p, b);
	else if (demo_custom_yaml(w, kind, key, b))
		;
	else if (l)
		demo_workload_yaml(l, b);
	else if (n)
		buf_addf(b, "apiVersion: v1\nkind: Node\nmetadata:\n  name: %s\nspec:\n  unschedulable: %s\nstatus:\n  conditions:\n"
		         "  - type: Ready\n    status: \"%s\"\n", n->name, n->cordoned ? "true" : "false", n->ready ? "True" : "Unknown");
	else if (!strcmp(kind, "pods") || !strcmp(kind, "nodes"))
		return false;
	else
		buf_addf(b, "apiVersion: v1\nkind: %s\nmetadata:\n  name: " STR_FMT "\n", kind, STR_ARG(name));
	return true;
}

static bool document(struct world *w, const char *kind, struct str key, bool describe, struct buf *b)
{
	const struct touched *t = demo_touched(w, kind, key);
	struct str name = key;
	if (!demo_document(w, kind, key, b))
		return false;
	if (t) {
		add_list("labels", str_of(t->labels), b);
		add_list("annotations", str_of(t->notes), b);
	}
	if (memchr(key.p, '/', key.n))
		str_split(&name, '/');
	if (describe)
		add_events(w, name, b);
	return true;
}

void demo_open(struct world *w, struct link *l, const struct request *r)
{
	struct buf b = { 0 };
	bool found = false;
	if (demo_registry_open(w, l, r) || demo_open_pipelines(w, l, r) || demo_storage_open(w, l, r))
		return;
	if (!strcmp(r->what, "logs")) {
		open_logs(w, l, r);
		return;
	}
	if (!strcmp(r->what, "yaml") || !strcmp(r->what, "describe"))
		found = document(w, r->kind, str_of(r->key), !strcmp(r->what, "describe"), &b);
	if (found)
		link_text(l, r->id, TEXT_END, buf_str(&b));
	else
		link_textf(l, r->id, TEXT_END | TEXT_ERROR, "there is no '%s' of %s '%s'", r->what, r->kind, r->key);
	buf_release(&b);
}

/* ---- questions */

static json_t *leaf(const char *kind, const char *key, enum level level, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static json_t *leaf(const char *kind, const char *key, enum level level, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:[]}", "text", b.data, "level", (int)level, "kind", kind, "key", key, "children");
	buf_release(&b);
	return o;
}

static json_t *tree_of(struct world *w, const struct workload *l)
{
	char key[160];
	snprintf(key, sizeof(key), "%s/%s", l->plan->namespace, l->plan->name);
	json_t *top = leaf(workload_kind(l), key, LEVEL_OK, "%s  %u of %u ready", l->plan->name, workload_ready(w, l), l->replicas);
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!p->used || p->workload != (int)(l - w->workloads))
			continue;
		snprintf(key, sizeof(key), "%s/%s", l->plan->namespace, p->name);
		json_array_append_new(json_object_get(top, "children"), leaf("pods", key, p->state == RUNNING ? LEVEL_OK : LEVEL_BAD,
		                      "%s  revision %u  %s", p->name, p->revision, pod_status(p)));
	}
	return json_pack("[o]", top);
}

static void finding(json_t *list, enum level level, const char *what, const char *kind, const char *key, const char *evidence,
                    const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void finding(json_t *list, enum level level, const char *what, const char *kind, const char *key, const char *evidence,
                    const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s, s:{s:s, s:s, s:s}}", "text", b.data, "level", (int)level, "evidence",
		evidence, "from", what, "link", "kind", kind, "key", key, "what", what));
	buf_release(&b);
}

static void why_pod(struct world *w, const struct pod *p, json_t *list)
{
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	char key[160], load[128] = "", evidence[200];
	snprintf(key, sizeof(key), "%s/%s", pod_namespace(w, p), p->name);
	if (l)
		snprintf(load, sizeof(load), "%s/%s", l->plan->namespace, l->plan->name);
	if (l && l->fault == EATS_MEMORY && p->revision == l->revision) {
		snprintf(evidence, sizeof(evidence), "last exit code 137, %u restarts, limit %u Mi", p->restarts, l->limit_mi);
		finding(list, LEVEL_BAD, "previous-logs", "pods", key, evidence, "OOMKilled: it needs more memory than its limit of %u Mi",
		        l->limit_mi);
		snprintf(evidence, sizeof(evidence), "image %s, before %s", l->image, l->before);
		finding(list, LEVEL_DOUBT, "yaml", "deployments", load, evidence,
		        "it began with the rollout of revision %u; the model file of v7 is 212 MB, of v6 74 MB", l->revision);
	} else if (p->state == PULL_ERROR || p->state == PULL_BACK_OFF) {
		finding(list, LEVEL_BAD, "describe", "pods", key, l ? l->image : "", "the image's tag does not exist in the registry");
	} else if (p->state == UNSCHEDULABLE) {
		finding(list, LEVEL_BAD, "events", "pods", key, "0/40 nodes are available",
		        "no node can take it: all 6 graphics processors are taken, 34 nodes have none");
	} else if (l && l->fault == EXITS && p->revision == l->revision) {
		finding(list, LEVEL_BAD, "previous-logs", "pods", key, "exit code 1", "it ends by itself 8 s after it started");
	}
	if (p->node >= 0 && !w->nodes[p->node].ready)
		finding(list, LEVEL_BAD, "describe", "nodes", w->nodes[p->node].name, "NotReady", "its node does not answer");
	if (!json_array_size(list))
		finding(list, LEVEL_OK, "describe", "pods", key, "", "nothing is wrong with it");
}

static json_t *why(struct world *w, const char *kind, struct str key)
{
	json_t *list = json_array();
	struct pod *p = !strcmp(kind, "pods") ? world_find_pod(w, key) : NULL;
	struct workload *l = world_find_workload(w, kind, key);
	for (struct pod *q = w->pods; l && q < w->pods + PODS_MAX; q++)
		if (q->used && q->workload == (int)(l - w->workloads) && q->state != RUNNING && !p)
			p = q;
	if (!strcmp(kind, "jobs") && memchr(key.p, '/', key.n)) {
		struct str name = key;
		str_split(&name, '/');
		for (struct pod *q = w->pods; q < w->pods + PODS_MAX; q++)
			if (q->used && q->workload < 0 && str_is(name, q->job))
				p = q;
	}
	if (p)
		why_pod(w, p, list);
	struct node *n = !strcmp(kind, "nodes") ? world_find_node(w, key) : NULL;
	if (n && !n->ready)
		finding(list, LEVEL_BAD, "events", "nodes", n->name, "NodeNotReady", "the kubelet stopped posting its status");
	if (n && n->cordoned)
		finding(list, LEVEL_DOUBT, "describe", "nodes", n->name, "unschedulable", "it is cordoned");
	return list;
}

static bool is_of_alerts(const struct request *r)
{
	return !strcmp(r->kind, "alerts") || !strcmp(r->kind, "silences");
}

void demo_ask(struct world *w, struct link *l, const struct request *r)
{
	if (demo_registry_ask(w, l, r) || demo_storage_ask(w, l, r))
		return;
	const struct kind *custom;
	json_t *answer = !strcmp(r->what, "form") ? is_of_alerts(r) ? demo_alerts_form(w, r) : demo_flow_form(w, r) : demo_ask_pipelines(w, r);
	struct workload *load = world_find_workload(w, r->kind, str_of(r->key));
	struct pod *p = !strcmp(r->kind, "pods") ? world_find_pod(w, str_of(r->key)) : NULL;
	if (p && p->workload >= 0)
		load = &w->workloads[p->workload];
	if (!answer && !strcmp(r->what, "why"))
		answer = why(w, r->kind, str_of(r->key));
	else if (!strcmp(r->what, "tree") && load)
		answer = tree_of(w, load);
	else if (!strcmp(r->what, "kind") && (custom = demo_custom_kind(str_of(r->key))))
		answer = json_pack("{s:s}", "kind", custom->name);
	else if (!strcmp(r->what, "can"))
		answer = json_pack("{s:b, s:s, s:{}}", "allowed", 1, "why", "", "may");
	else if (!strcmp(r->what, "doctor"))
		answer = json_pack("[{s:s, s:b, s:s}]", "check", "simulated", "ok", 1, "say", "a simulated platform; there is nothing to reach");
	if (!answer) {
		link_fail(l, r->id, "the demo cannot tell '%s' of '%s'", r->what, r->key);
		return;
	}
	char *text = json_dumps(answer, JSON_COMPACT);
	link_answer(l, r->id, true, str_of(text));
	json_decref(answer);
	free(text);
}
