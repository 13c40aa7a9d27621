/* world: see world.h. */
#include "backends/demo/world.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define D DEPLOYMENT
#define S STATEFULSET
const struct plan_of_workload demo_workloads[] = {
	{ "ml-serving", "model-api", D, 3, CPU, "registry.internal/model-api:v6", 500, 384, 512, true },
	{ "ml-serving", "feature-store", D, 4, CPU, "registry.internal/feature-store:2.14.1", 250, 512, 1024, true },
	{ "ml-serving", "explainer", D, 2, CPU, "registry.internal/explainer:1.9.0", 500, 768, 1536, false },
	{ "ml-serving", "embedder", D, 2, GPU, "registry.internal/embedder:0.8.3", 1000, 4096, 8192, false },
	{ "ml-serving", "prediction-log", D, 3, CPU, "registry.internal/prediction-log:3.2.0", 100, 128, 256, false },
	{ "ml-training", "train-operator", D, 1, SYSTEM, "registry.internal/train-operator:1.7.2", 100, 128, 256, false },
	{ "ml-training", "notebook", S, 6, CPU, "registry.internal/notebook:2026.10", 500, 2048, 4096, false },
	{ "mlflow", "mlflow", D, 2, CPU, "registry.internal/mlflow:3.1.0", 250, 512, 1024, false },
	{ "mlflow", "mlflow-postgres", S, 1, CPU, "postgres:15.8", 500, 1024, 2048, false },
	{ "airflow", "airflow-scheduler", D, 2, CPU, "apache/airflow:2.10.5", 500, 1024, 2048, false },
	{ "airflow", "airflow-webserver", D, 2, CPU, "apache/airflow:2.10.5", 250, 768, 1536, false },
	{ "airflow", "airflow-worker", S, 12, CPU, "apache/airflow:2.10.5", 500, 1024, 2048, true },
	{ "airflow", "airflow-postgres", S, 1, CPU, "postgres:15.8", 500, 1024, 2048, false },
	{ "data", "ingest", D, 8, CPU, "registry.internal/ingest:5.3.1", 250, 256, 512, true },
	{ "data", "validator", D, 4, CPU, "registry.internal/validator:1.4.4", 250, 512, 1024, false },
	{ "data", "kafka", S, 5, CPU, "bitnami/kafka:3.8.0", 1000, 3072, 4096, false },
	{ "data", "schema-registry", D, 2, CPU, "registry.internal/schema-registry:7.6", 100, 512, 1024, false },
	{ "data", "geo-lookup", D, 6, CPU, "registry.internal/geo-lookup:2.0.9", 100, 256, 512, false },
	{ "monitoring", "prometheus", S, 2, SYSTEM, "prom/prometheus:v2.53.1", 1000, 4096, 6144, false },
	{ "monitoring", "alertmanager", S, 3, SYSTEM, "prom/alertmanager:v0.27.0", 100, 128, 256, false },
	{ "monitoring", "grafana", D, 1, SYSTEM, "grafana/grafana:11.1.0", 250, 256, 512, false },
	{ "monitoring", "drift-monitor", D, 1, CPU, "registry.internal/drift-monitor:1.2.0", 250, 512, 1024, false },
	{ "monitoring", "node-exporter", DAEMONSET, 0, SYSTEM, "prom/node-exporter:v1.8.2", 50, 64, 128, false },
	{ "kube-system", "coredns", D, 3, SYSTEM, "coredns/coredns:v1.11.3", 100, 70, 170, false },
	{ "kube-system", "aws-node", DAEMONSET, 0, SYSTEM, "amazon-k8s-cni:v1.18.5", 50, 64, 128, false },
	{ "kube-system", "kube-proxy", DAEMONSET, 0, SYSTEM, "kube-proxy:v1.31.2", 50, 64, 128, false },
	{ "kube-system", "ebs-csi-node", DAEMONSET, 0, SYSTEM, "ebs-csi-driver:v1.35.0", 30, 64, 256, false },
	{ "kube-system", "metrics-server", D, 2, SYSTEM, "metrics-server:v0.7.2", 100, 200, 400, false },
	{ "kube-system", "cluster-autoscaler", D, 1, SYSTEM, "cluster-autoscaler:v1.31.0", 100, 300, 600, false },
	{ "gpu-operator", "nvidia-device-plugin", DAEMONSET, 0, GPU, "k8s-device-plugin:v0.16.2", 50, 64, 128, false },
	{ "web", "listings-web", D, 24, CPU, "registry.internal/listings-web:2026.11.3", 250, 256, 512, true },
	{ "web", "listings-api", D, 32, CPU, "registry.internal/listings-api:2026.11.3", 250, 384, 768, true },
	{ "web", "search", D, 20, CPU, "registry.internal/search:8.1.0", 500, 768, 1536, true },
	{ "web", "images", D, 12, CPU, "registry.internal/images:3.0.2", 250, 512, 1024, true },
	{ "web", "redis", S, 3, CPU, "redis:7.4", 250, 1024, 2048, false },
	{ "billing", "invoices", D, 6, CPU, "registry.internal/invoices:1.22.0", 100, 256, 512, false },
	{ "billing", "payments", D, 8, CPU, "registry.internal/payments:4.1.7", 250, 384, 768, true },
	{ "partners", "partner-feed", D, 40, CPU, "registry.internal/partner-feed:0.31.5", 50, 128, 256, false },
	{ "partners", "partner-export", D, 16, CPU, "registry.internal/partner-export:0.12.2", 50, 128, 256, false },
	{ "mail", "mailer", D, 10, CPU, "registry.internal/mailer:2.2.1", 50, 128, 256, false },
	{ "mail", "templates", D, 4, CPU, "registry.internal/templates:1.0.8", 50, 128, 256, false },
	{ "crawl", "crawler", D, 90, CPU, "registry.internal/crawler:6.4.0", 100, 192, 384, true },
	{ "crawl", "frontier", S, 4, CPU, "registry.internal/frontier:6.4.0", 500, 1024, 2048, false },
	{ "crawl", "parser", D, 48, CPU, "registry.internal/parser:6.4.0", 100, 192, 384, true },
};
#undef D
#undef S
const unsigned demo_nworkloads = ARRAY_SIZE(demo_workloads);

static char letter(struct rnd *r)
{
	return "bcdfghjklmnpqrstvwxz2456789"[rnd_below(r, 27)];
}

unsigned revision_hash(const struct workload *l, unsigned revision)
{
	return (str_hash(str_of(l->plan->name)) + revision * 2654435761u) >> 4;
}

const char *workload_kind(const struct workload *l)
{
	static const char *const kinds[] = { "deployments", "statefulsets", "daemonsets", "jobs" };
	return kinds[l->plan->type];
}

const char *pod_namespace(const struct world *w, const struct pod *p)
{
	return p->workload < 0 ? "ml-training" : w->workloads[p->workload].plan->namespace;
}

const char *pod_status(const struct pod *p)
{
	static const char *const names[] = {
		[PENDING] = "Pending", [UNSCHEDULABLE] = "Pending", [CREATING] = "ContainerCreating", [RUNNING] = "Running",
		[OOM] = "OOMKilled", [CRASH_LOOP] = "CrashLoopBackOff", [PULL_ERROR] = "ErrImagePull",
		[PULL_BACK_OFF] = "ImagePullBackOff", [COMPLETED] = "Completed", [FAILED] = "Error", [TERMINATING] = "Terminating",
	};
	return names[p->state];
}

/* ---- making */

static int pick_node(struct world *w, enum group g)
{
	for (int tries = 0; tries < 60; tries++) {
		int n = (int)rnd_below(&w->rnd, NODES);
		if (w->nodes[n].born && w->nodes[n].group == g && w->nodes[n].ready && !w->nodes[n].cordoned && !*w->nodes[n].taint)
			return n;
	}
	return -1;
}

struct pod *world_pod(struct world *w, int workload)
{
	struct pod *p = w->pods;
	while (p < w->pods + PODS_MAX && p->used)
		p++;
	if (p == w->pods + PODS_MAX)
		return NULL;
	*p = (struct pod){ .used = true, .workload = workload, .node = -1, .born = w->now, .since = w->now, .dirty = true };
	for (int i = 0; i < 36; i++)
		p->uid[i] = strchr("\x08\x0d\x12\x17", i) && i ? '-' : "0123456789abcdef"[rnd_below(&w->rnd, 16)];
	snprintf(p->ip, sizeof(p->ip), "10.42.%u.%u", rnd_below(&w->rnd, 200), 2 + rnd_below(&w->rnd, 250));
	return p;
}

static void name_pod(struct world *w, struct pod *p, unsigned ordinal)
{
	const struct workload *l = &w->workloads[p->workload];
	struct rnd *r = &w->rnd;
	char tail[6] = { letter(r), letter(r), letter(r), letter(r), letter(r), 0 };
	p->revision = l->revision;
	if (l->plan->type == STATEFULSET)
		snprintf(p->name, sizeof(p->name), "%s-%u", l->plan->name, ordinal);
	else if (l->plan->type == DAEMONSET)
		snprintf(p->name, sizeof(p->name), "%s-%s", l->plan->name, tail);
	else
		snprintf(p->name, sizeof(p->name), "%s-%07x-%s", l->plan->name, revision_hash(l, l->revision) & 0xfffffff, tail);
}

static void use_resources(struct world *w, struct pod *p)
{
	const struct plan_of_workload *plan = w->workloads[p->workload].plan;
	p->cpu_m = plan->cpu_m / 4 + rnd_below(&w->rnd, plan->cpu_m / 2 + 1);
	p->mem_mi = plan->mem_mi / 2 + rnd_below(&w->rnd, plan->mem_mi / 3 + 1);
}

void world_state(struct world *w, struct pod *p, enum pod_state s)
{
	p->state = s;
	p->since = w->now;
	p->dirty = true;
	w->workloads_dirty = true;
}

void world_remove_pod(struct world *w, struct pod *p)
{
	w->gone_more |= w->ngone == ARRAY_SIZE(w->gone);
	if (w->ngone < ARRAY_SIZE(w->gone))
		snprintf(w->gone[w->ngone++], sizeof(w->gone[0]), "%s/%s", pod_namespace(w, p), p->name);
	p->used = false;
	w->workloads_dirty = true;
}

void world_end_pod(struct world *w, struct pod *p)
{
	if (p->state == TERMINATING)
		return;
	world_state(w, p, TERMINATING);
	p->until = w->now + 2000 + rnd_below(&w->rnd, 6000);
}

void world_roll(struct world *w, struct workload *l, const char *image, unsigned limit_mi, int fault)
{
	memcpy(l->before, l->image, sizeof(l->before));
	snprintf(l->image, sizeof(l->image), "%s", image);
	l->limit_mi = limit_mi;
	l->fault_before = l->fault;
	l->fault = fault;
	l->revision++;
	l->rolled = w->now;
	w->workloads_dirty = true;
	world_event(w, false, "ScalingReplicaSet", "deployment-controller", l->plan->namespace, l->plan->name,
	            "Scaled up replica set %s-%07x to 1", l->plan->name, revision_hash(l, l->revision) & 0xfffffff);
}

void world_event(struct world *w, bool warning, const char *reason, const char *from, const char *ns, const char *object,
                 const char *fmt, ...)
{
	char text[200], name[96];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "%s", object);
	w->events_dirty = true;
	for (unsigned i = 0; i < w->nevents; i++) {
		struct event *e = &w->events[i];
		if (strcmp(e->object, name) == 0 && e->reason == reason && strcmp(e->text, text) == 0) {
			e->at = w->now;
			e->count++;
			return;
		}
	}
	struct event *e = &w->events[w->next_event++ % EVENTS_MAX];
	w->nevents = w->next_event < EVENTS_MAX ? w->next_event : EVENTS_MAX;
	*e = (struct event){ w->now, w->now, 1, warning, reason, from, .id = w->next_event };
	snprintf(e->ns, sizeof(e->ns), "%s", ns);
	memcpy(e->object, name, sizeof(name));
	memcpy(e->text, text, sizeof(text));
}

/* ---- a second */

static void pod_event(struct world *w, const struct pod *p, bool warning, const char *reason, const char *text)
{
	char object[96];
	snprintf(object, sizeof(object), "pod/%s", p->name);
	world_event(w, warning, reason, warning && p->node < 0 ? "default-scheduler" : "kubelet", pod_namespace(w, p), object, "%s", text);
}

static void schedule(struct world *w, struct pod *p)
{
	const struct plan_of_workload *plan = p->workload < 0 ? NULL : w->workloads[p->workload].plan;
	if (p->node < 0)
		p->node = pick_node(w, plan ? plan->group : CPU);
	if (p->node < 0) {
		world_state(w, p, UNSCHEDULABLE);
		return;
	}
	world_state(w, p, CREATING);
	p->until = w->now + 1000 + rnd_below(&w->rnd, 4000);
}

static void run_or_fail(struct world *w, struct pod *p)
{
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	bool newest = l && p->revision == l->revision;
	if (newest && l->fault == CANNOT_PULL) {
		world_state(w, p, p->restarts % 2 ? PULL_BACK_OFF : PULL_ERROR);
		p->restarts ^= 1;
		p->until = w->now + 15000;
		pod_event(w, p, true, "Failed", "Failed to pull image: manifest unknown: no such tag");
		return;
	}
	world_state(w, p, RUNNING);
	if (l)
		use_resources(w, p);
	else
		p->until = w->now + 25000 + rnd_below(&w->rnd, 60000);
}

static void crash(struct world *w, struct pod *p, enum pod_state how)
{
	p->restarts++;
	p->restarted = w->now;
	world_state(w, p, how);
	p->until = w->now + (p->restarts < 3 ? 4000 : 12000);
	pod_event(w, p, true, "BackOff", "Back-off restarting failed container server");
}

static void live(struct world *w, struct pod *p)
{
	const struct workload *l = p->workload < 0 ? NULL : &w->workloads[p->workload];
	if (!l || p->revision != l->revision)
		return;
	if (l->fault == EATS_MEMORY && w->now - p->since > 3000) {
		p->mem_mi += 20 + rnd_below(&w->rnd, 30);
		p->dirty = true;
		if (p->mem_mi >= l->limit_mi) {
			p->mem_mi = l->limit_mi - 3;
			crash(w, p, OOM);
		}
	} else if (l->fault == EXITS && w->now - p->since > 8000) {
		crash(w, p, FAILED);
	}
}

static void step_pod(struct world *w, struct pod *p)
{
	if (p->job_rests)
		return;
	switch (p->state) {
	case PENDING:
		schedule(w, p);
		break;
	case UNSCHEDULABLE:
		if (w->step % 30 == 0 && p->until != INT64_MAX)
			schedule(w, p);
		break;
	case CREATING:
		if (w->now >= p->until)
			run_or_fail(w, p);
		break;
	case RUNNING:
		if (p->workload < 0 && w->now >= p->until)
			world_state(w, p, COMPLETED);
		else
			live(w, p);
		break;
	case OOM:
	case FAILED:
		if (w->now >= p->until && p->workload >= 0) {
			world_state(w, p, CRASH_LOOP);
			p->until = w->now + 8000 + 4000 * (p->restarts < 6 ? p->restarts : 6);
		}
		break;
	case CRASH_LOOP:
	case PULL_ERROR:
	case PULL_BACK_OFF:
		if (w->now >= p->until)
			run_or_fail(w, p);
		break;
	case COMPLETED:
		if (w->now - p->since > 600000)
			world_remove_pod(w, p);
		break;
	case TERMINATING:
		if (w->now >= p->until)
			world_remove_pod(w, p);
		break;
	}
}

static unsigned wanted(const struct world *w, const struct workload *l)
{
	unsigned n = 0;
	if (l->gone)
		return 0;
	if (l->plan->type != DAEMONSET)
		return l->replicas;
	for (unsigned i = 0; i < NODES; i++)
		n += w->nodes[i].born && (l->plan->group == SYSTEM || w->nodes[i].group == l->plan->group);
	return n;
}

static bool node_taken(const struct world *w, int workload, int node)
{
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used && p->workload == workload && p->node == node)
			return true;
	return false;
}

static unsigned free_ordinal(const struct world *w, int workload)
{
	char name[72];
	for (unsigned k = 0;; k++) {
		bool taken = false;
		snprintf(name, sizeof(name), "%s-%u", w->workloads[workload].plan->name, k);
		for (const struct pod *p = w->pods; p < w->pods + PODS_MAX && !taken; p++)
			taken = p->used && p->workload == workload && strcmp(p->name, name) == 0;
		if (!taken)
			return k;
	}
}

static void add_pod(struct world *w, int k)
{
	struct pod *p = world_pod(w, k);
	if (!p)
		return;
	name_pod(w, p, w->workloads[k].plan->type == STATEFULSET ? free_ordinal(w, k) : 0);
	if (w->workloads[k].plan->type == DAEMONSET)
		for (int n = 0; n < NODES && p->node < 0; n++)
			if (w->nodes[n].born && (w->workloads[k].plan->group == SYSTEM || w->nodes[n].group == w->workloads[k].plan->group) && !node_taken(w, k, n))
				p->node = n;
}

static int ordinal(const struct pod *p)
{
	return atoi(strrchr(p->name, '-') + 1);
}

/* As its controller would: as many pods as wanted, old revisions replaced while enough are ready. */
static void step_workload(struct world *w, int k)
{
	struct workload *l = &w->workloads[k];
	unsigned alive = 0, ready = 0, old = 0, ending = 0, want = wanted(w, l);
	bool rolls = l->plan->type == DEPLOYMENT;      /* the others have a place for each pod, which must be free first */
	struct pod *oldest = NULL, *victim = NULL;
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!p->used || p->workload != k)
			continue;
		if (p->state == TERMINATING) {
			ending++;
			continue;
		}
		alive++;
		ready += pod_ready(p);
		if (!victim || l->plan->type != STATEFULSET || ordinal(p) > ordinal(victim))
			victim = p;
		if (p->revision != l->revision) {
			old++;
			if (!oldest || pod_ready(oldest))
				oldest = p;
		}
	}
	if (rolls ? alive < want || (old && alive == want) : alive + ending < want)
		add_pod(w, k);
	else if (alive > want && !old && victim)
		world_end_pod(w, victim);
	else if (old && (!pod_ready(oldest) || ready >= want || alive > want + 1 ||
	                 (rolls && ready >= want - 1 && w->step % 8 == 0)))
		world_end_pod(w, oldest);
}

unsigned workload_ready(const struct world *w, const struct workload *l)
{
	unsigned n = 0;
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		n += pod_ready(p) && p->workload == (int)(l - w->workloads);
	return n;
}

struct pod *world_job(struct world *w, const char *from)
{
	struct pod *p = world_pod(w, -1);
	if (!p)
		return NULL;
	if (from)
		snprintf(p->job, sizeof(p->job), "batch-score-%s-%u", from, w->next_job++);
	else
		snprintf(p->job, sizeof(p->job), "batch-score-%u", 29384100 + w->next_job++ * 15);
	snprintf(p->name, sizeof(p->name), "%s-%c%c%c%c%c", p->job, letter(&w->rnd), letter(&w->rnd), letter(&w->rnd),
	         letter(&w->rnd), letter(&w->rnd));
	p->cpu_m = 900, p->mem_mi = 700;
	return p;
}

/* A pod of the nightly scoring now and then: it runs, completes and is cleaned up. */
static void step_jobs(struct world *w)
{
	if (w->step % 40 == 5 && !w->cron_suspended)
		world_job(w, NULL);
}

static void move_metrics(struct world *w)
{
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!pod_ready(p) || p->workload < 0)
			continue;
		unsigned base = w->workloads[p->workload].plan->cpu_m;
		p->cpu_m = (p->cpu_m * 3 + base / 4 + rnd_below(&w->rnd, base / 2 + 1)) / 4;
		p->dirty = true;
	}
	w->nodes_dirty = true;
}

void world_step(struct world *w)
{
	w->step++;
	w->now += 1000;
	world_script(w);
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used)
			step_pod(w, p);
	for (unsigned k = 0; k < w->nworkloads; k++)
		step_workload(w, (int)k);
	step_jobs(w);
	if (w->step % 15 == 0)
		move_metrics(w);
}

/* ---- the start */

static void make_nodes(struct world *w)
{
	static const unsigned until[] = { 6, 34, NODES };
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &w->nodes[i];
		n->group = i < until[0] ? SYSTEM : i < until[1] ? CPU : GPU;
		snprintf(n->name, sizeof(n->name), "ip-10-0-%u-%u.eu-west-1.compute.internal", n->group * 32 + i / 8, 10 + i * 5);
		n->born = w->now - (int64_t)(3 + rnd_below(&w->rnd, 40)) * 86400000;
		n->ready = true;
	}
	w->nodes[NODES - 1].born = w->now - 25 * 60000;     /* the one that joined tonight */
}

void world_init(struct world *w, uint64_t seed, int64_t now)
{
	memset(w, 0, sizeof(*w));
	w->rnd.s = seed * 0x9e3779b97f4a7c15u + 1;
	/* the platform has been up for a while: its last minutes are lived through at once */
	w->now = now - 200 * 1000;
	w->start = now;
	w->forwards[w->nforwards++] = (struct forwarded){ "ml-serving/service/model-api:80", 40007, now - 26 * 60 * 1000 };
	snprintf(w->cron_image, sizeof(w->cron_image), "registry.internal/batch-score:4.0.2");
	w->kserve = (struct shares){ .weight = 10, .min = 1, .max = 4 };
	w->seldon_weight = 20;
	w->seldon_replicas[0] = 2, w->seldon_replicas[1] = 1;
	demo_silences_begin(w);
	make_nodes(w);
	for (unsigned k = 0; k < demo_nworkloads; k++) {
		struct workload *l = &w->workloads[w->nworkloads++];
		*l = (struct workload){ .plan = &demo_workloads[k], .replicas = demo_workloads[k].replicas, .revision = 1 + rnd_below(&w->rnd, 30),
			.limit_mi = demo_workloads[k].limit_mi };
		snprintf(l->image, sizeof(l->image), "%s", demo_workloads[k].image);
		snprintf(l->before, sizeof(l->before), "%s", demo_workloads[k].image);
		l->born = w->now - (int64_t)(30 + rnd_below(&w->rnd, 300)) * 86400000;
		l->rolled = w->now - (int64_t)(1 + rnd_below(&w->rnd, 20)) * 86400000;
		for (unsigned i = wanted(w, l); i; i--)
			add_pod(w, (int)k);
	}
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		if (!p->used)
			continue;
		if (p->node < 0)
			p->node = pick_node(w, w->workloads[p->workload].plan->group);
		world_state(w, p, RUNNING);
		use_resources(w, p);
		p->born = w->now - 3600000 - (int64_t)rnd_below(&w->rnd, 12 * 86400) * 1000;
		p->since = p->born + 4000;
		if (rnd_below(&w->rnd, 20) == 0) {
			p->restarts = 1 + rnd_below(&w->rnd, 3);
			p->restarted = p->born + (w->now - p->born) / 2;
		}
	}
	w->step = 0;
	while (w->now < now)
		world_step(w);
	w->ngone = 0;
	w->gone_more = false;
}

/* ---- finding */

struct workload *world_workload(struct world *w, const char *name)
{
	for (unsigned k = 0; k < w->nworkloads; k++)
		if (strcmp(w->workloads[k].plan->name, name) == 0)
			return &w->workloads[k];
	return NULL;
}

struct pod *world_find_pod(struct world *w, struct str key)
{
	struct str name = key, ns = str_split(&name, '/');
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used && str_is(name, p->name) && str_is(ns, pod_namespace(w, p)))
			return p;
	return NULL;
}

struct workload *world_find_workload(struct world *w, const char *kind, struct str key)
{
	struct str name = key, ns = str_split(&name, '/');
	for (unsigned k = 0; k < w->nworkloads; k++)
		if (!w->workloads[k].gone && strcmp(workload_kind(&w->workloads[k]), kind) == 0 &&
		    str_is(name, w->workloads[k].plan->name) && str_is(ns, w->workloads[k].plan->namespace))
			return &w->workloads[k];
	return NULL;
}

struct pod *world_find_job(struct world *w, struct str key)
{
	struct str name = key, ns = str_split(&name, '/');
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (p->used && p->workload < 0 && str_is(name, p->job) && str_is(ns, "ml-training"))
			return p;
	return NULL;
}

bool pod_is_daemon(const struct world *w, const struct pod *p)
{
	return p->workload >= 0 && w->workloads[p->workload].plan->type == DAEMONSET;
}

unsigned world_empty(struct world *w, const struct node *n)
{
	unsigned count = 0;
	for (struct pod *p = w->pods; p < w->pods + PODS_MAX; p++)
		if (pod_alive(p) && p->node == (int)(n - w->nodes) && !pod_is_daemon(w, p)) {
			world_end_pod(w, p);
			count++;
		}
	return count;
}

struct node *world_find_node(struct world *w, struct str name)
{
	for (unsigned i = 0; i < NODES_ALL; i++)
		if (w->nodes[i].born && str_is(name, w->nodes[i].name))
			return &w->nodes[i];
	return NULL;
}
