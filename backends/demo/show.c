/* show: the world as rows. Cells are set by their column's name and written in the kind's order; what is not set is
 * unknown. */
#include "backends/demo/world.h"
#include "base/alerts.h"
#include "base/forwards.h"
#include "base/cost.h"
#include "base/drift.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/pipelines.h"
#include "base/ranges.h"
#include "base/registry.h"
#include "base/serving.h"
#include "base/storage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct cells {
	const struct world *world;
	const struct kind *kind;
	struct { enum { UNSET, TEXT, INT, REAL } is; size_t at, n; int64_t i; double f; } v[KIND_MAX_COLS];
	struct buf text;
};

static void start(struct cells *c, const struct kind *k)
{
	c->kind = k;
	memset(c->v, 0, sizeof(c->v));
	buf_clear(&c->text);
}

static int column(const struct cells *c, const char *name)
{
	return kind_col(c->kind, str_of(name), false);
}

static void text(struct cells *c, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void text(struct cells *c, const char *name, const char *fmt, ...)
{
	int col = column(c, name);
	va_list ap;
	if (col < 0)
		return;
	size_t at = c->text.len;
	va_start(ap, fmt);
	buf_vaddf(&c->text, fmt, ap);
	va_end(ap);
	c->v[col].is = TEXT, c->v[col].at = at, c->v[col].n = c->text.len - at;
}

static void number(struct cells *c, const char *name, int64_t v)
{
	int col = column(c, name);
	if (col >= 0)
		c->v[col].is = INT, c->v[col].i = v;
}

static void real(struct cells *c, const char *name, double v)
{
	int col = column(c, name);
	if (col >= 0)
		c->v[col].is = REAL, c->v[col].f = v;
}

static void put(struct cells *c, struct buf *body, const char *key, enum level level)
{
	const struct touched *t = demo_touched(c->world, c->kind->name, str_of(key));
	int labels = column(c, "labels");
	if (t && t->gone)
		return;
	if (t && labels >= 0) {
		struct buf b = { 0 };
		bool set = c->v[labels].is == TEXT;
		demo_labels(t, set ? (struct str){ c->text.data + c->v[labels].at, c->v[labels].n } : STR(""), &b);
		text(c, "labels", STR_FMT, STR_ARG(buf_str(&b)));
		buf_release(&b);
	}
	rows_put(body, str_of(key), level);
	for (int i = 0; i < c->kind->ncols; i++) {
		if (c->v[i].is == TEXT)
			cell_text(body, (struct str){ c->text.data + c->v[i].at, c->v[i].n });
		else if (c->v[i].is == INT)
			cell_int(body, c->v[i].i);
		else if (c->v[i].is == REAL)
			cell_real(body, c->v[i].f);
		else
			cell_null(body);
	}
}

/* What every object has. */
static void object(struct cells *c, const char *ns, const char *name, int64_t born, const char *uid_seed)
{
	if (c->kind->namespaced)
		text(c, "namespace", "%s", ns);
	text(c, "name", "%s", name);
	number(c, "age", born);
	text(c, "uid", "%08x-0000-4000-8000-%012x", str_hash(str_of(name)), str_hash(str_of(uid_seed)));
}

/* ---- pods */

static enum level pod_level(const struct pod *p)
{
	switch (p->state) {
	case RUNNING: return LEVEL_OK;
	case COMPLETED: return LEVEL_DONE;
	case PENDING: case CREATING: case TERMINATING: return LEVEL_BUSY;
	case UNSCHEDULABLE: return LEVEL_DOUBT;
	default: return LEVEL_BAD;
	}
}

static void put_pod(const struct world *w, const struct pod *p, struct cells *c, struct buf *body)
{
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	unsigned limit = l ? l->limit_mi : 2048;
	bool up = p->state == RUNNING;
	char key[128];
	start(c, &kind_pods);
	text(c, "namespace", "%s", pod_namespace(w, p));
	text(c, "name", "%s", p->name);
	text(c, "uid", "%s", p->uid);
	number(c, "age", p->born);
	number(c, "ready", PAIR(up, 1));
	text(c, "status", "%s", pod_status(p));
	number(c, "restarts", p->state == PULL_ERROR || p->state == PULL_BACK_OFF ? 0 : p->restarts);
	if (p->restarted)
		number(c, "restarted", p->restarted);
	if (p->node >= 0) {
		text(c, "node", "%s", w->nodes[p->node].name);
		if (up || p->state == OOM || p->state == CRASH_LOOP)
			text(c, "ip", "%s", p->ip);
	}
	if (up) {
		number(c, "cpu", p->cpu_m);
		number(c, "mem", (int64_t)p->mem_mi << 20);
		real(c, "mem_pct", (double)p->mem_mi / limit);
	}
	number(c, "cpu_request", l ? l->plan->cpu_m : 1000);
	number(c, "mem_request", (int64_t)(l ? l->plan->mem_mi : 1024) << 20);
	number(c, "mem_limit", (int64_t)limit << 20);
	if ((l && l->plan->group == GPU && l->plan->type == DEPLOYMENT) || !strcmp(p->job, "train-r3"))
		number(c, "gpus", 1);
	if (!l)
		text(c, "labels", "job-name=%s", p->job), text(c, "owner", "Job/%s", p->job);
	else if (l->plan->type == DEPLOYMENT)
		text(c, "labels", "app=%s,pod-template-hash=%07x", l->plan->name, revision_hash(l, p->revision) & 0xfffffff),
		text(c, "owner", "ReplicaSet/%s-%07x", l->plan->name, revision_hash(l, p->revision) & 0xfffffff);
	else
		text(c, "labels", "app=%s", l->plan->name),
		text(c, "owner", "%s/%s", l->plan->type == STATEFULSET ? "StatefulSet" : "DaemonSet", l->plan->name);
	snprintf(key, sizeof(key), "%s/%s", pod_namespace(w, p), p->name);
	put(c, body, key, pod_level(p));
}

static void show_pods(struct world *w, struct cells *c, struct buf *body)
{
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used && !p->job_rests)
			put_pod(w, p, c, body);
}

void demo_show_pods_changed(struct world *w, struct buf *body)
{
	struct cells c = { .world = w };
	rows_start(body, "pods");
	for (unsigned i = 0; i < w->ngone; i++)        /* first: one of that name may be there again */
		rows_del(body, str_of(w->gone[i]));
	w->ngone = 0;
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (p->used && p->dirty && p->job_rests) {
			char key[128];
			snprintf(key, sizeof(key), "%s/%s", pod_namespace(w, p), p->name);
			rows_del(body, str_of(key));
		} else if (p->used && p->dirty) {
			put_pod(w, p, &c, body);
		}
		p->dirty = false;
	}
	buf_release(&c.text);
}

static void show_containers(struct world *w, struct cells *c, struct buf *body)
{
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!p->used)
			continue;
		const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
		const char *name = l ? "server" : "main", *ns = pod_namespace(w, p);
		char key[160];
		start(c, &kind_containers);
		object(c, ns, name, p->since, p->uid);
		text(c, "pod", "%s/%s", ns, p->name);
		text(c, "role", "main");
		number(c, "ready", p->state == RUNNING);
		text(c, "status", "%s", pod_status(p));
		number(c, "restarts", p->restarts);
		if (p->restarted)
			number(c, "restarted", p->restarted);
		if (p->restarts && l && l->fault == EATS_MEMORY)
			text(c, "last", "OOMKilled"), number(c, "exit_code", 137);
		if (p->state == RUNNING)
			number(c, "cpu", p->cpu_m), number(c, "mem", (int64_t)p->mem_mi << 20),
			real(c, "mem_pct", (double)p->mem_mi / (l ? l->limit_mi : 2048));
		text(c, "image", "%s", l ? l->image : w->cron_image);
		number(c, "mem_limit", (int64_t)(l ? l->limit_mi : 2048) << 20);
		snprintf(key, sizeof(key), "%s/%s/%s", ns, p->name, name);
		put(c, body, key, pod_level(p));
	}
}

/* ---- nodes */

struct sums { unsigned pods, cpu, mem, cpu_asked, mem_asked, gpus; };

static struct sums sum_node(const struct world *w, int n)
{
	struct sums s = { 0 };
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!p->used || p->node != n)
			continue;
		const struct plan_of_workload *plan = p->workload < 0 ? NULL : w->workloads[p->workload].plan;
		s.pods++;
		s.cpu += p->state == RUNNING ? p->cpu_m : 0;
		s.mem += p->state == RUNNING ? p->mem_mi : 0;
		s.cpu_asked += plan ? plan->cpu_m : 1000;
		s.mem_asked += plan ? plan->mem_mi : 1024;
		s.gpus += plan && plan->group == GPU && plan->type == DEPLOYMENT;
	}
	return s;
}

static void show_nodes(struct world *w, struct cells *c, struct buf *body)
{
	static const struct { const char *group, *type, *role; unsigned cpu, mem, gpus; } groups[] = {
		{ "system", "m6i.xlarge", "worker", 4000, 16384, 0 }, { "cpu", "m6i.2xlarge", "worker", 8000, 32768, 0 },
		{ "gpu", "g4dn.xlarge", "gpu", 4000, 16384, 1 }, { "gpu", "g5.12xlarge", "gpu", 48000, 196608, 4 },
	};
	for (int i = 0; i < NODES_ALL; i++) {
		const struct node *n = &w->nodes[i];
		if (!n->born)
			continue;
		struct sums s = sum_node(w, i);
		start(c, &kind_nodes);
		object(c, "", n->name, n->born, n->name);
		text(c, "status", "%s%s", n->ready ? "Ready" : "NotReady", n->cordoned ? ",SchedulingDisabled" : "");
		text(c, "roles", "%s", groups[n->group].role);
		text(c, "version", "v1.31.2-eks-94953ac");
		text(c, "internal_ip", "10.0.%u.%d", n->group * 32 + (unsigned)i / 8, 10 + i * 5);
		text(c, "os_image", "Amazon Linux 2023.6");
		text(c, "kernel", "6.1.115-126.197.amzn2023");
		text(c, "runtime", "containerd://1.7.23");
		number(c, "pods", PAIR(s.pods, 58));
		number(c, "cpu", s.cpu);
		real(c, "cpu_pct", (double)s.cpu / groups[n->group].cpu);
		number(c, "cpu_requested", s.cpu_asked);
		number(c, "mem", (int64_t)s.mem << 20);
		real(c, "mem_pct", (double)s.mem / groups[n->group].mem);
		number(c, "mem_requested", (int64_t)s.mem_asked << 20);
		if (groups[n->group].gpus)
			number(c, "gpus", groups[n->group].gpus), number(c, "gpus_allocatable", groups[n->group].gpus);
		text(c, "nodegroup", "%s", groups[n->group].group);
		text(c, "instance_type", "%s", groups[n->group].type);
		text(c, "capacity_type", "%s", n->group == CPU && i % 3 == 0 ? "SPOT" : "ON_DEMAND");
		text(c, "zone", "eu-west-1%c", 'a' + i % 3);
		if (groups[n->group].gpus || *n->taint)
			text(c, "taints", "%s%s%s", groups[n->group].gpus ? "nvidia.com/gpu:NoSchedule" : "",
			     groups[n->group].gpus && *n->taint ? "," : "", n->taint);
		number(c, "cpu_allocatable", groups[n->group].cpu - 80);
		number(c, "mem_allocatable", (int64_t)(groups[n->group].mem - 900) << 20);
		number(c, "pods_allocatable", 58);
		number(c, "cpu_capacity", groups[n->group].cpu);
		number(c, "mem_capacity", (int64_t)groups[n->group].mem << 20);
		number(c, "unschedulable", n->cordoned);
		text(c, "labels", "%s=%s,node.kubernetes.io/instance-type=%s", n->group >= GPU ? "karpenter.sh/nodepool"
		     : "eks.amazonaws.com/nodegroup", groups[n->group].group, groups[n->group].type);
		put(c, body, n->name, !n->ready ? LEVEL_BAD : n->cordoned ? LEVEL_DOUBT : LEVEL_OK);
	}
}

/* ---- workloads */

static void show_workloads(struct world *w, enum workload_type type, const struct kind *k, struct cells *c, struct buf *body)
{
	for (unsigned i = 0; i < w->nworkloads; i++) {
		const struct workload *l = &w->workloads[i];
		unsigned ready = workload_ready(w, l), want = l->replicas, fresh = 0, all = 0;
		char key[128];
		if (l->plan->type != type || l->gone)
			continue;
		for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
			if (pod_alive(p) && p->workload == (int)i)
				fresh += p->revision == l->revision, all++;
		if (type == DAEMONSET)
			want = all;
		enum level level = ready == 0 && want ? LEVEL_BAD : ready < want ? LEVEL_DOUBT : want ? LEVEL_OK : LEVEL_DONE;
		start(c, k);
		object(c, l->plan->namespace, l->plan->name, l->born, l->plan->image);
		if (type == DAEMONSET)
			number(c, "ready", ready), number(c, "desired", want), number(c, "current", all);
		else
			number(c, "ready", PAIR(ready, want));
		number(c, "up_to_date", fresh);
		number(c, "available", ready);
		text(c, "containers", "server");
		text(c, "images", "%s", l->image);
		text(c, "selector", "app=%s", l->plan->name);
		text(c, "status", "%s", level == LEVEL_OK ? "Available" : level == LEVEL_DONE ? "ScaledToZero" : "Progressing");
		number(c, "revision", l->revision);
		text(c, "labels", "app=%s", l->plan->name);
		snprintf(key, sizeof(key), "%s/%s", l->plan->namespace, l->plan->name);
		put(c, body, key, level);
	}
}

static void put_replicaset(const struct world *w, const struct workload *l, unsigned revision, struct cells *c, struct buf *body)
{
	unsigned all = 0, ready = 0;
	char name[96], key[160];
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (pod_alive(p) && p->workload == (int)(l - w->workloads) && p->revision == revision)
			all++, ready += pod_ready(p);
	snprintf(name, sizeof(name), "%s-%07x", l->plan->name, revision_hash(l, revision) & 0xfffffff);
	start(c, &kind_replicasets);
	object(c, l->plan->namespace, name, revision == l->revision ? l->rolled : l->born, name);
	number(c, "desired", all), number(c, "current", all), number(c, "ready", ready);
	text(c, "containers", "server");
	text(c, "images", "%s", revision == l->revision ? l->image : l->before);
	text(c, "selector", "app=%s,pod-template-hash=%07x", l->plan->name, revision_hash(l, revision) & 0xfffffff);
	number(c, "revision", revision);
	text(c, "owner", "Deployment/%s", l->plan->name);
	snprintf(key, sizeof(key), "%s/%s", l->plan->namespace, name);
	put(c, body, key, ready < all ? LEVEL_BUSY : all ? LEVEL_OK : LEVEL_DONE);
}

static void show_replicasets(struct world *w, struct cells *c, struct buf *body)
{
	for (unsigned i = 0; i < w->nworkloads; i++) {
		if (w->workloads[i].plan->type != DEPLOYMENT || w->workloads[i].gone)
			continue;
		put_replicaset(w, &w->workloads[i], w->workloads[i].revision, c, body);
		if (w->workloads[i].revision > 1)
			put_replicaset(w, &w->workloads[i], w->workloads[i].revision - 1, c, body);
	}
}

static void show_jobs(struct world *w, struct cells *c, struct buf *body)
{
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		char key[96];
		if (!p->used || p->workload >= 0)
			continue;
		bool over = p->state == COMPLETED;
		start(c, &kind_jobs);
		object(c, "ml-training", p->job, p->born, p->uid);
		text(c, "status", "%s", over ? "Complete" : p->job_rests ? "Suspended" : "Running");
		number(c, "completions", PAIR(over, 1));
		number(c, "started", p->born);
		if (over)
			number(c, "duration", p->since - p->born);
		if (strncmp(p->job, "batch", 5) == 0)
			text(c, "owner", "CronJob/batch-score");
		snprintf(key, sizeof(key), "ml-training/%s", p->job);
		put(c, body, key, over || p->job_rests ? LEVEL_DONE : LEVEL_OK);
	}
}

/* The volume behind each claim. */
static void show_volumes(struct world *w, struct cells *c, struct buf *body)
{
	char key[160], name[32];
	for (unsigned i = 0; i < w->nworkloads; i++) {
		const struct workload *l = &w->workloads[i];
		for (unsigned k = 0; l->plan->type == STATEFULSET && k < l->replicas; k++) {
			snprintf(key, sizeof(key), "%s/data-%s-%u", l->plan->namespace, l->plan->name, k);
			snprintf(name, sizeof(name), "pvc-%08x", str_hash(str_of(key)));
			start(c, &kind_persistentvolumes);
			object(c, "", name, l->born, "pv");
			text(c, "capacity_text", "100Gi"), text(c, "access_modes", "RWO"), text(c, "reclaim_policy", "Delete");
			text(c, "status", "Bound"), text(c, "claim", "%s", key), text(c, "storageclass", "gp3");
			number(c, "capacity", 100LL << 30);
			put(c, body, name, LEVEL_OK);
		}
	}
}

static void show_small(struct world *w, const char *kind, struct cells *c, struct buf *body)
{
	char key[160];
	for (unsigned i = 0; i < w->nworkloads; i++) {
		const struct workload *l = &w->workloads[i];
		const char *ns = l->plan->namespace, *name = l->plan->name;
		snprintf(key, sizeof(key), "%s/%s", ns, name);
		if (!strcmp(kind, "services") && l->plan->type != DAEMONSET) {
			start(c, &kind_services);
			object(c, ns, name, l->born, "svc");
			text(c, "type", "ClusterIP");
			text(c, "cluster_ip", "172.20.%u.%u", i, 10 + i);
			text(c, "ports", "80/TCP");
			text(c, "selector", "app=%s", name);
			put(c, body, key, LEVEL_OK);
		} else if (!strcmp(kind, "configmaps")) {
			start(c, &kind_configmaps);
			object(c, ns, name, l->born, "cm");
			number(c, "data", 1 + i % 5), number(c, "size", 200 + i * 37);
			put(c, body, key, LEVEL_OK);
		} else if (!strcmp(kind, "secrets") && i % 3 == 0) {
			start(c, &kind_secrets);
			object(c, ns, name, l->born, "secret");
			text(c, "type", "Opaque");
			number(c, "data", 2), number(c, "size", 96);
			put(c, body, key, LEVEL_OK);
		} else if (!strcmp(kind, "horizontalpodautoscalers") && l->plan->hpa) {
			start(c, &kind_horizontalpodautoscalers);
			object(c, ns, name, l->born, "hpa");
			text(c, "reference", "%s/%s", l->plan->type == DEPLOYMENT ? "Deployment" : "StatefulSet", name);
			text(c, "targets", "cpu: %u%%/70%%", 30 + i * 7 % 35);
			number(c, "min", 2), number(c, "max", l->replicas * 2), number(c, "replicas", l->replicas);
			put(c, body, key, LEVEL_OK);
		} else if (!strcmp(kind, "persistentvolumeclaims") && l->plan->type == STATEFULSET) {
			for (unsigned k = 0; k < l->replicas; k++) {
				char claim[96];
				snprintf(claim, sizeof(claim), "data-%s-%u", name, k);
				snprintf(key, sizeof(key), "%s/%s", ns, claim);
				start(c, &kind_persistentvolumeclaims);
				object(c, ns, claim, l->born, "pvc");
				text(c, "status", "Bound");
				text(c, "volume", "pvc-%08x", str_hash(str_of(key)));
				text(c, "capacity_text", "100Gi"), text(c, "access_modes", "RWO"), text(c, "storageclass", "gp3");
				number(c, "capacity", 100LL << 30);
				put(c, body, key, LEVEL_OK);
			}
		}
	}
}

static void show_namespaces(struct world *w, struct cells *c, struct buf *body)
{
	for (unsigned i = 0; i < w->nworkloads; i++) {
		start(c, &kind_namespaces);
		object(c, "", w->workloads[i].plan->namespace, w->start - 300ll * 86400000, "ns");
		text(c, "status", "Active");
		put(c, body, w->workloads[i].plan->namespace, LEVEL_OK);
	}
}

static void show_cronjobs(struct world *w, struct cells *c, struct buf *body)
{
	start(c, &kind_cronjobs);
	object(c, "ml-training", "batch-score", w->start - 90ll * 86400000, "cj");
	text(c, "schedule", "*/15 * * * *");
	text(c, "containers", "main"), text(c, "images", "%s", w->cron_image);
	number(c, "suspend", w->cron_suspended), number(c, "active", 1), number(c, "last_schedule", w->now - 40000);
	put(c, body, "ml-training/batch-score", LEVEL_OK);
}

static void show_events(struct world *w, struct cells *c, struct buf *body)
{
	for (unsigned i = 0; i < w->nevents; i++) {
		const struct event *e = &w->events[i];
		char key[80];
		snprintf(key, sizeof(key), "%s/e%u", e->ns, e->id);
		start(c, &kind_events);
		object(c, e->ns, key + strlen(e->ns) + 1, e->first, key);
		number(c, "last_seen", e->at), number(c, "first_seen", e->first), number(c, "count", e->count);
		text(c, "type", "%s", e->warning ? "Warning" : "Normal");
		text(c, "reason", "%s", e->reason);
		text(c, "object", "%s%s", strchr(e->object, '/') ? "" : "deployment/", e->object);
		text(c, "source", "%s", e->from);
		text(c, "message", "%s", e->text);
		put(c, body, key, e->warning ? LEVEL_DOUBT : LEVEL_OK);
	}
}

/* ---- drift */

static void show_drift(struct world *w, struct buf *body)
{
	for (unsigned i = 0; i < w->nchecks; i++) {
		const struct check *k = &w->checks[i];
		struct buf names = { 0 };
		char key[24], batch[40];
		snprintf(key, sizeof(key), "%lld", (long long)(k->at / 1000));
		snprintf(batch, sizeof(batch), "batch-%lld", (long long)(k->at / 7200000 % 10000));
		for (unsigned f = 0; f < FEATURES; f++)
			if (k->p[f] < 0.05)
				buf_addf(&names, "%s%s", names.len ? ", " : "", demo_features[f]);
		drift_put(body, &(struct drift_check){ .key = str_of(key), .model = STR("real_estate_model"), .id = str_of(key),
			.features = buf_str(&names), .current = str_of(batch), .reference = STR("train-2026-10"), .action = str_of(k->action),
			.time = k->at, .score = k->score, .limit = 0.05, .drifted = k->score > 0.05, .count = k->drifted, .checked = FEATURES,
			.rows = 48000 + k->at / 1000 % 911 });
		buf_release(&names);
	}
	demo_checks_acked(w, body);
}

static void show_features(struct world *w, struct buf *body)
{
	for (unsigned f = 0; f < FEATURES; f++) {
		struct buf history = { 0 }, scores = { 0 };
		struct drift_feature d = { .model = STR("real_estate_model"), .name = str_of(demo_features[f]), .method = STR("KS p"),
			.limit = 0.05, .points = POINTS_BELOW, .value = NAN };
		for (unsigned i = 0; i < w->nchecks; i++) {
			const struct check *k = &w->checks[i];
			bool drifted = k->p[f] < 0.05;
			d.checks++;
			d.drifted += drifted;
			d.row = drifted ? d.row + 1 : 0;
			d.value = k->p[f];
			if (drifted && !d.first)
				d.first = k->at;
			if (drifted)
				d.last = k->at, d.known = demo_check_known(w, k->at);
			if (i + 16 >= w->nchecks)
				buf_addf(&history, "%s%.3f", history.len ? " " : "", 1 - k->p[f]);
			buf_addf(&scores, "%s%lld=%.4g%s", scores.len ? " " : "", (long long)(k->at / 1000), k->p[f], drifted ? "!" : "");
		}
		d.history = buf_str(&history);
		d.scores = buf_str(&scores);
		feature_put(body, &d);
		buf_release(&history);
		buf_release(&scores);
	}
}

const struct kind *const demo_kinds[] = {
	&kind_pods, &kind_containers, &kind_nodes, &kind_namespaces, &kind_deployments, &kind_replicasets, &kind_statefulsets,
	&kind_daemonsets, &kind_jobs, &kind_cronjobs, &kind_services, &kind_configmaps, &kind_secrets,
	&kind_persistentvolumeclaims, &kind_persistentvolumes, &kind_bills, &kind_horizontalpodautoscalers, &kind_events, &kind_forwards, &kind_drift, &kind_features,
	&kind_models, &kind_versions, &kind_experiments, &kind_trainings, &kind_promotions,
	&kind_modelendpoints, &kind_predictions, &kind_ranges,
	&kind_pipelines, &kind_runs, &kind_tasks,
	&kind_buckets, &kind_objects, &kind_alerts, &kind_silences, NULL
};

bool demo_show(struct world *w, const char *kind, struct buf *body)
{
	static const struct { const char *kind; void (*show)(struct world *w, struct cells *c, struct buf *body); } plain[] = {
		{ "pods", show_pods }, { "containers", show_containers }, { "nodes", show_nodes }, { "replicasets", show_replicasets },
		{ "jobs", show_jobs }, { "namespaces", show_namespaces }, { "cronjobs", show_cronjobs }, { "persistentvolumes", show_volumes }, { "events", show_events },
	};
	struct cells c = { .world = w };
	const struct kind *custom = demo_custom_kind(str_of(kind));
	rows_start(body, kind);
	if (custom)
		rows_kind(body, custom);
	rows_begin(body, STR(""));
	bool known = true;
	if (!strcmp(kind, "deployments"))
		show_workloads(w, DEPLOYMENT, &kind_deployments, &c, body);
	else if (!strcmp(kind, "statefulsets"))
		show_workloads(w, STATEFULSET, &kind_statefulsets, &c, body);
	else if (!strcmp(kind, "daemonsets"))
		show_workloads(w, DAEMONSET, &kind_daemonsets, &c, body);
	else if (!strcmp(kind, "drift"))
		show_drift(w, body);
	else if (!strcmp(kind, "features"))
		show_features(w, body);
	else if (custom && !strcmp(kind, custom->name))
		demo_custom_show(w, custom, body);
	else if (!strcmp(kind, "forwards"))
		demo_show_forwards(w, body);
	else if (!strcmp(kind, "bills"))
		demo_show_bills(w, body);
	else if (!demo_alerts_show(w, kind, body) && !demo_registry_show(w, kind, body) && !demo_serving_show(w, kind, body) && !demo_storage_show(w, kind, body)) {
		known = false;
		for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
			if (!strcmp(kind, plain[i].kind)) {
				plain[i].show(w, &c, body);
				known = true;
			}
		known = known || demo_show_pipelines(w, kind, body);
		for (const struct kind *const *k = demo_kinds; !known && *k; k++)
			if (!strcmp(kind, (*k)->name)) {
				show_small(w, kind, &c, body);
				known = true;
			}
	}
	rows_end(body, STR(""));
	buf_release(&c.text);
	return known;
}
