/* act_node: cordon, uncordon, drain. Which pods a drain takes, skips or stumbles over follows kubectl's filters in their
 * order (k8s.io/kubectl/pkg/drain/filters.go). */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 5000
#define DRY_RUNS_MOST 60       /* pods whose budgets are asked about beforehand */

static void cordon_step(struct plan *p, bool on)
{
	plan_step(p, "PATCH", "", JSON_STRATEGIC, json_pack("{sos{so}}", "metadata", plan_identity(p), "spec", "unschedulable",
		on ? json_true() : json_null()), on ? "it shows SchedulingDisabled" : "it takes pods", on ? "uncordon" : "cordon");
	plan_need(p, "patch", p->t.api, "", p->name, "");
}

bool plan_cordon(struct plan *p)
{
	plan_title(p, "cordon node %s", p->name);
	plan_change(p, "no new pod is scheduled here; those that run stay");
	if (jtrue(p->object, "spec.unschedulable"))
		plan_already(p, "it is cordoned already");
	cordon_step(p, true);
	plan_undo_by(p, "uncordon", NULL);
	return true;
}

bool plan_uncordon(struct plan *p)
{
	plan_title(p, "uncordon node %s", p->name);
	plan_change(p, "pods are scheduled here again");
	if (!jtrue(p->object, "spec.unschedulable"))
		plan_already(p, "it is not cordoned");
	cordon_step(p, false);
	plan_undo_by(p, "cordon", NULL);
	return true;
}

/* ---- drain: which pods */

enum fate { EVICT, DAEMON, MIRROR, EMPTYDIR, ALONE, FATES };

static bool has_emptydir(const json_t *pod)
{
	json_t *v;
	size_t i;

	json_array_foreach(jat(pod, "spec.volumes"), i, v)
		if (json_object_get(v, "emptyDir"))
			return true;
	return false;
}

static enum fate fate_of(const struct plan *p, const json_t *pod)
{
	const json_t *owner = controller_of(pod);
	bool finished = jis(pod, "status.phase", "Succeeded") || jis(pod, "status.phase", "Failed");

	if (jis(owner, "kind", "DaemonSet") && !finished)
		return DAEMON;
	if (*jnamed(pod, "metadata.annotations", "kubernetes.io/config.mirror"))
		return MIRROR;
	if (!finished && has_emptydir(pod) && !plan_flag(p, "emptydir"))
		return EMPTYDIR;
	if (!finished && !owner && !plan_flag(p, "force"))
		return ALONE;
	return EVICT;
}

/* Would the pod's budget let it go now? */
static void ask_budget(struct plan *p, const json_t *step, const json_t *pod, unsigned *forbidden)
{
	struct buf path = { 0 };
	json_t *answer;

	buf_addf(&path, "%s&dryRun=All", strchr(jtext(step, "do"), ' ') + 1);
	answer = work_send(p->w, "POST", path.data, "application/json", jtext(step, "body"));
	if (!answer && p->w->status == 429 && (*forbidden)++ < 5)
		plan_warn(p, "%s/%s is protected now: %s", jtext(pod, "metadata.namespace"), jtext(pod, "metadata.name"), p->w->error);
	json_decref(answer);
	buf_release(&path);
}

static void say_fates(struct plan *p, struct few *pods)
{
	if (pods[EVICT].n)
		plan_change(p, "%u pods are evicted: %s", pods[EVICT].n, few_end(&pods[EVICT]));
	if (pods[DAEMON].n)
		plan_change(p, "%u pods of daemon sets stay", pods[DAEMON].n);
	if (pods[MIRROR].n)
		plan_change(p, "%u static pods stay", pods[MIRROR].n);
	if (pods[EMPTYDIR].n)
		plan_block(p, "%u pods keep data in an emptyDir volume (%s): allow it with 'emptydir', their data are lost then",
		           pods[EMPTYDIR].n, few_end(&pods[EMPTYDIR]));
	if (pods[ALONE].n)
		plan_block(p, "%u pods have no controller (%s): allow it with 'force', nothing starts them again then", pods[ALONE].n,
		           few_end(&pods[ALONE]));
}

static void evict_step(struct plan *p, const struct kube_api *pods, const json_t *pod, unsigned *forbidden)
{
	const char *ns = jtext(pod, "metadata.namespace"), *name = jtext(pod, "metadata.name");
	json_int_t grace = plan_param(p, "grace", -1);
	json_t *body = json_pack("{sssss{ssss}s{s{ss}}}", "apiVersion", "policy/v1", "kind", "Eviction", "metadata", "name", name,
		"namespace", ns, "deleteOptions", "preconditions", "uid", jtext(pod, "metadata.uid"));
	json_t *step;

	if (grace >= 0)
		json_object_set_new(json_object_get(body, "deleteOptions"), "gracePeriodSeconds", json_integer(grace));
	step = plan_step_of(p, pods, ns, name, "POST", "eviction", "application/json", body, "it is gone", NULL);
	if (json_array_size(json_object_get(p->out, "steps")) <= DRY_RUNS_MOST)
		ask_budget(p, step, pod, forbidden);
}

bool plan_drain(struct plan *p)
{
	const struct kube_api *pods = work_api(p->w, "pods");
	unsigned forbidden = 0;
	struct few of_fate[FATES] = { { 0 } };
	struct buf query = { 0 };
	json_t *all, *pod;
	size_t i;

	buf_adds(&query, "fieldSelector=spec.nodeName%3D");
	http_escape(&query, str_of(p->name));
	all = pods ? work_list(p->w, "pods", "", query.data) : NULL;
	buf_release(&query);
	if (!all)
		return false;
	plan_title(p, "drain node %s", p->name);
	if (jtrue(p->object, "spec.unschedulable"))
		plan_change(p, "the node stays cordoned");
	else {
		plan_change(p, "the node is cordoned");
		cordon_step(p, true);
		plan_undo_by(p, "uncordon", NULL);
	}
	json_array_foreach(all, i, pod) {
		enum fate fate = fate_of(p, pod);

		few_add(&of_fate[fate], "%s/%s", jtext(pod, "metadata.namespace"), jtext(pod, "metadata.name"));
		if (fate == EVICT)
			evict_step(p, pods, pod, &forbidden);
	}
	say_fates(p, of_fate);
	if (forbidden > 5)
		plan_warn(p, "and %u more pods are protected now", forbidden - 5);
	if (!json_object_get(p->out, "steps"))
		plan_block(p, "there is nothing to do: the node is cordoned and holds no pod that could go");
	if (of_fate[EVICT].n)
		plan_need(p, "create", pods, "", "", "eviction");
	json_object_set_new(p->out, "timeout_s", json_integer(plan_param(p, "timeout", 600)));
	plan_not_undone(p, "evicted pods do not come back; their controllers start others elsewhere");
	for (i = 0; i < FATES; i++)
		buf_release(&of_fate[i].text);
	json_decref(all);
	return true;
}

/* ---- drain: doing it */

struct leaving {               /* a pod on its way out */
	const json_t *step;
	char uid[64], name[330];   /* name: "namespace/pod" */
	enum { ASK, WAIT, GONE } state;
	int64_t next;              /* mono ms when to ask again */
	bool protected;
};

/* Asks for one eviction. False: it failed for good. */
static bool evict_one(struct run *run, struct leaving *l, int64_t now)
{
	json_t *answer = run_send(run, l->step);
	bool ok = answer != NULL;

	json_decref(answer);
	if (ok)
		l->state = WAIT;
	else if (run->w->status == 404 || run->w->status == 409)    /* gone, or another of that name */
		l->state = GONE;
	else if (run->w->status == 429 || (run->w->status == 403 && strstr(run->w->error, "terminat"))) {
		if (!l->protected)
			run_step(run, STEP_WAITING, "%s: %s", l->name, run->w->error);
		l->protected = true;
		l->next = now + (run->w->retry_after_ms > RETRY_MS ? run->w->retry_after_ms : RETRY_MS);
	} else
		return false;
	return true;
}

/* Marks those that are not on the node any more. */
static void look(struct run *run, struct leaving *all, size_t n)
{
	struct buf query = { 0 };
	json_t *pods;

	buf_adds(&query, "fieldSelector=spec.nodeName%3D");
	http_escape(&query, str_of(run->t.name));
	pods = work_list(run->w, "pods", "", query.data);
	for (size_t i = 0; pods && i < n; i++) {
		json_t *pod;
		bool there = false;
		size_t k;

		json_array_foreach(pods, k, pod)
			there = there || jis(pod, "metadata.uid", all[i].uid);
		if (!there && all[i].state == WAIT)
			all[i].state = GONE;
	}
	json_decref(pods);
	buf_release(&query);
}

static bool drain_pods(struct run *run, struct leaving *all, size_t n)
{
	const struct clock *clock = link_clock(run->w->k->link);
	json_int_t timeout = jint(run->plan, "timeout_s", 600);
	int64_t until = timeout ? clock_mono(clock) + timeout * 1000 : INT64_MAX;
	size_t told = SIZE_MAX;

	for (;;) {
		size_t gone = 0, protected = 0;
		int64_t now = clock_mono(clock);

		for (size_t i = 0; i < n && !work_cancelled(run->w); i++)
			if (all[i].state == ASK && now >= all[i].next && !evict_one(run, &all[i], now))
				return false;
		look(run, all, n);
		for (size_t i = 0; i < n; i++) {
			gone += all[i].state == GONE;
			protected += all[i].state == ASK;
		}
		run->at = (unsigned)(run->of - n + gone);
		if (gone * 1000 + protected != told)
			run_step(run, gone == n ? STEP_DONE : STEP_RUNNING, "%zu of %zu pods are gone%s", gone, n,
			         protected ? ", some wait for their disruption budgets" : "");
		told = gone * 1000 + protected;
		snprintf(run->say, sizeof(run->say), "%zu of %zu pods are gone", gone, n);
		if (gone == n)
			return true;
		if (now >= until) {
			snprintf(run->say, sizeof(run->say), "given up after %lld s: %zu of %zu pods are gone, disruption budgets "
			         "protect %zu; the node stays cordoned", (long long)timeout, gone, n, protected);
			return false;
		}
		if (!work_sleep(run->w, 1000)) {
			snprintf(run->say, sizeof(run->say), "stopped: %zu of %zu pods are gone, the node stays cordoned", gone, n);
			return false;
		}
	}
}

bool send_drain(struct run *run)
{
	json_t *steps = json_object_get(run->plan, "steps"), *step;
	struct leaving *all = xcalloc(json_array_size(steps) + 1, sizeof(*all));
	size_t n = 0, i;
	bool ok = true;

	json_array_foreach(steps, i, step) {
		if (!strncmp(jtext(step, "do"), "POST ", 5)) {
			json_t *body = json_loads(jtext(step, "body"), 0, NULL);

			snprintf(all[n].uid, sizeof(all[n].uid), "%s", jtext(body, "deleteOptions.preconditions.uid"));
			snprintf(all[n].name, sizeof(all[n].name), "%.64s/%.253s", jtext(body, "metadata.namespace"),
			         jtext(body, "metadata.name"));
			all[n++].step = step;
			json_decref(body);
			continue;
		}
		run->at = (unsigned)i + 1;
		run_step(run, STEP_RUNNING, "%s", jtext(step, "do"));
		json_t *answer = run_send(run, step);

		ok = answer != NULL;
		json_decref(answer);
		if (!ok)
			break;
		run->at++;
		run_step(run, STEP_DONE, "the node is cordoned");
	}
	ok = ok && (!n || drain_pods(run, all, n));
	free(all);
	return ok;
}
