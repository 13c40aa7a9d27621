/* demo_change: smaller acts on the simulated cluster: another image, no pods and back, the cron job that rests or runs now, a job
 * that pauses, a tainted node, a workload edited as YAML. */
#define _GNU_SOURCE
#include "backends/demo/ways.h"
#include "base/mem.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>

#define CRON "ml-training/batch-score"
#define SCHEDULE "*/15 * * * *"

static const char *const imaged[] = { "deployments", "statefulsets", "daemonsets", "cronjobs", NULL };
static const char *const scalables[] = { "deployments", "statefulsets", NULL };
static const char *const suspendables[] = { "cronjobs", "jobs", NULL };
static const char *const cronjobs[] = { "cronjobs", NULL };
static const char *const nodes[] = { "nodes", NULL };
enum { SET_IMAGE, ZERO, BACK, SUSPEND, RESUME, RUN_NOW, TAINT, UNTAINT, EDIT };
const struct action demo_acts_change[] = {
	ACT_SET_IMAGE(imaged), ACT_SCALE_ZERO(scalables), ACT_SCALE_BACK(scalables), ACT_SUSPEND(suspendables), ACT_RESUME(suspendables),
	ACT_RUN_NOW(cronjobs), ACT_TAINT(nodes), ACT_UNTAINT(nodes), ACT_EDIT(scalables),
};

static bool is(const struct doing *d, const char *action)
{
	return !strcmp(d->r->what, action);
}

/* ---- workloads */

static void roll(struct world *w, struct workload *l, const char *image, unsigned limit_mi)
{
	int fault = !strcmp(image, l->before) ? (int)l->fault_before : strcmp(image, l->image) ? WELL : (int)l->fault;
	char wanted[80];
	if (fault == EATS_MEMORY && limit_mi >= 2 * l->limit_mi)
		fault = WELL;                      /* twice the memory is enough for it */
	snprintf(wanted, sizeof(wanted), "%s", image);
	world_roll(w, l, wanted, limit_mi, fault);
}

static bool cron_state(struct doing *d, struct buf *out)
{
	if (!strcmp(d->r->kind, "cronjobs")) {
		buf_addf(out, "%s %s", d->w->cron_suspended ? "suspended" : "on", d->w->cron_image);
		return !strcmp(d->r->key, CRON);
	}
	struct pod *p = world_find_job(d->w, str_of(d->r->key));
	if (p)
		buf_adds(out, p->job_rests ? "suspended" : "on");
	return p != NULL;
}

static bool image_state(struct doing *d, struct buf *out)
{
	if (!d->t.load)
		return cron_state(d, out);
	buf_addf(out, "revision %u, %u replicas", d->t.load->revision, d->t.load->replicas);
	return true;
}

static void plan_image(struct doing *d)
{
	const char *image = doing_text(d->params, "image"), *has = d->t.load ? d->t.load->image : d->w->cron_image;
	const char *container = doing_text(d->params, "container"), *only = d->t.load ? "server" : "main";
	char body[160];
	if (!*image || strlen(image) >= sizeof(d->w->cron_image))
		SAY(d, "blocked", "say which image, as registry/name:tag");
	else if (*container && strcmp(container, only))
		SAY(d, "blocked", "it has no container '%s'; it has %s", container, only);
	else if (!strcmp(image, has))
		SAY(d, "already", "it runs that image already");
	SAY(d, "change", "container %s: image %s -> %s", only, has, image);
	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"image\":\"%.100s\"}", only, image);
	doing_step(d, body, "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, "set-image", json_pack("{s:s}", "image", has));
}

static bool run_image(struct doing *d)
{
	const char *image = doing_text(d->params, "image");
	if (d->t.load)
		roll(d->w, d->t.load, image, d->t.load->limit_mi);
	else
		snprintf(d->w->cron_image, sizeof(d->w->cron_image), "%s", image);
	d->w->crons_dirty = true;
	buf_addf(&d->say, d->t.load ? "it rolls out %s" : "the next job runs %s", image);
	return true;
}

static void plan_scaling(struct doing *d)
{
	const struct workload *l = d->t.load;
	bool zero = is(d, "scale-zero");
	int64_t to = zero ? 0 : plan_param_int(d->params, "replicas", 0);
	char body[60];
	to = zero || to > 0 ? to : l->remembered;
	SAY(d, "change", "replicas %u -> %lld%s", l->replicas, (long long)to, zero ? ", and how many there were is remembered on it" : "");
	if (zero && !l->replicas)
		SAY(d, "already", "it has no replicas already");
	else if (zero)
		SAY(d, "warnings", "no pod will be left: what asks it gets no answer until it is scaled back");
	else if (to <= 0 || to > 100)
		SAY(d, "blocked", "how many there were is not remembered on it: scale it to a number");
	if (l->plan->hpa && zero)
		SAY(d, "warnings", "HorizontalPodAutoscaler %s owns replicas (2..%u): it rests while they are 0", l->plan->name,
		    l->plan->replicas * 2);
	snprintf(body, sizeof(body), "{\"spec\":{\"replicas\":%lld}}", (long long)to);
	doing_step(d, body, "PATCH %s/%s", d->r->kind, d->r->key);
	json_object_set_new(json_object_get(d->plan, "target"), "to", json_integer(to));
	plan_undo(d->plan, zero ? "scale-back" : "scale-zero", NULL);
}

static bool run_scaling(struct doing *d)
{
	struct workload *l = d->t.load;
	if (is(d, "scale-zero"))
		l->remembered = l->replicas;
	l->replicas = (unsigned)plan_param_int(json_object_get(d->plan, "target"), "to", l->replicas);
	d->w->workloads_dirty = true;
	buf_addf(&d->say, "%s: %u replicas of %s", l->plan->name, l->replicas, l->image);
	return true;
}

/* ---- cron jobs and jobs */

static void plan_suspend(struct doing *d)
{
	bool on = is(d, "suspend"), cron = !strcmp(d->r->kind, "cronjobs");
	const struct pod *p = world_find_job(d->w, str_of(d->r->key));
	if ((cron ? d->w->cron_suspended : p->job_rests) == on)
		SAY(d, "already", on ? "it is suspended already" : "it is not suspended");
	else if (!cron && p->state == COMPLETED)
		SAY(d, "blocked", "it is complete: there is nothing to suspend");
	if (cron)
		SAY(d, "change", on ? "no more jobs by its schedule '" SCHEDULE "'; those that run go on" : "jobs by its schedule '" SCHEDULE "' again");
	else
		SAY(d, "change", on ? "its pod ends; what it has done so far is done again when it is resumed" : "its pod is started again");
	doing_step(d, on ? "{\"spec\":{\"suspend\":true}}" : "{\"spec\":{\"suspend\":false}}", "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, on ? "resume" : "suspend", NULL);
}

static bool run_suspend(struct doing *d)
{
	bool on = is(d, "suspend");
	struct pod *p = world_find_job(d->w, str_of(d->r->key));
	if (!strcmp(d->r->kind, "cronjobs")) {
		d->w->cron_suspended = on;
		buf_adds(&d->say, on ? "it starts no more jobs" : "it starts jobs again");
	} else {
		p->job_rests = on;
		world_state(d->w, p, PENDING);
		p->node = -1;
		buf_adds(&d->say, on ? "it rests" : "its pod starts again");
	}
	d->w->crons_dirty = d->w->workloads_dirty = true;
	return true;
}

static void plan_now(struct doing *d)
{
	SAY(d, "change", "a job batch-score-manual-%u is made from its template; its schedule goes on as it is", d->w->next_job);
	doing_step(d, "", "POST jobs, from cronjobs/%s", d->r->key);
	SAY(d, "not_undone", "what the job does; it can be deleted as any job");
}

static bool run_now(struct doing *d)
{
	bool ok = world_job(d->w, "manual");
	d->w->workloads_dirty = true;
	buf_adds(&d->say, ok ? "a job has started" : "there is no room for its pod");
	return ok;
}

/* ---- taints */

static void plan_taint(struct doing *d)
{
	const char *taint = doing_text(d->params, "taint"), *colon = strchr(taint, ':'), *has = d->t.node->taint;
	bool off = is(d, "untaint"), effect = colon && (!strcmp(colon, ":NoSchedule") || !strcmp(colon, ":PreferNoSchedule") ||
		!strcmp(colon, ":NoExecute"));
	if (!off && (!effect || strlen(taint) >= sizeof(d->t.node->taint)))
		SAY(d, "blocked", "'%.100s' is no taint: write key=value:Effect, the effect NoSchedule, PreferNoSchedule or NoExecute", taint);
	else if (off ? strcmp(has, taint) != 0 : !strcmp(has, taint))
		SAY(d, "already", off ? "it has no such taint" : "it has that taint already");
	else if (!off && *has)
		SAY(d, "blocked", "a simulated node has one taint at most: take %s off first", has);
	SAY(d, "change", off ? "- %s: any pod may be scheduled here" : "+ %s: no new pod that does not tolerate it", taint);
	if (!off && effect && !strcmp(colon, ":NoExecute"))
		SAY(d, "warnings", "NoExecute: the pods that are there and do not tolerate it end");
	doing_step(d, "", "PATCH /api/v1/nodes/%s", d->r->key);
	plan_undo(d->plan, off ? "taint" : "untaint", json_pack("{s:s}", "taint", taint));
}

static bool run_taint(struct doing *d)
{
	struct node *n = d->t.node;
	const char *taint = doing_text(d->params, "taint");
	bool off = is(d, "untaint");
	snprintf(n->taint, sizeof(n->taint), "%s", off ? "" : taint);
	buf_addf(&d->say, "%s has %s", n->name, off ? "no such taint any more" : "the taint");
	if (!off && str_ends(str_of(taint), STR(":NoExecute")))
		buf_addf(&d->say, "; %u pods end", world_empty(d->w, n));
	d->w->nodes_dirty = true;
	return true;
}

/* ---- editing a workload */

struct wanted { unsigned replicas, limit_mi; char image[80]; };

/* "replicas", "image" and the memory limit of a workload as YAML. False: why. */
static bool read_workload(struct str text, struct wanted *x, char *why, size_t size)
{
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(text, &err);
	const struct yaml *spec = doc ? yaml_get(yaml_root(doc), "spec") : NULL;
	const struct yaml *pod = yaml_get(yaml_get(spec, "template"), "spec"), *all = yaml_get(pod, "containers");
	const struct yaml *c = all && all->n ? all->items[0] : NULL, *limits = yaml_get(yaml_get(c, "resources"), "limits");
	const char *replicas = yaml_text(spec, "replicas"), *image = yaml_text(c, "image"), *memory = yaml_text(limits, "memory");
	bool good = replicas && image && memory && sscanf(replicas, "%u", &x->replicas) == 1 && sscanf(memory, "%uMi", &x->limit_mi) == 1;
	if (!doc)
		snprintf(why, size, "line %u: %s", err.line, err.what);
	else if (!good)
		snprintf(why, size, "it needs spec.replicas, and of its container image and resources.limits.memory (in Mi)");
	else
		snprintf(x->image, sizeof(x->image), "%s", image);
	yaml_doc_free(doc);
	return good;
}

static bool wanted_of(const struct doing *d, struct wanted *x, struct buf *text, char *why, size_t size)
{
	const json_t *patch = json_object_get(d->params, "patch");
	struct str s = str_of(doing_text(d->params, "secret_text"));
	if (patch) {                             /* an undo */
		x->replicas = (unsigned)json_integer_value(json_object_get(patch, "replicas"));
		x->limit_mi = (unsigned)json_integer_value(json_object_get(patch, "limit_mi"));
		snprintf(x->image, sizeof(x->image), "%s", doing_text(patch, "image"));
		return true;
	}
	while (s.n) {
		struct str line = str_split(&s, '\n');
		if (!str_starts(line, STR("#")))
			buf_addf(text, STR_FMT "\n", STR_ARG(line));
	}
	return read_workload(buf_str(text), x, why, size);
}

static void plan_edit(struct doing *d)
{
	const struct workload *l = d->t.load;
	struct workload after = *l;
	struct wanted x = { 0 };
	struct buf now = { 0 }, text = { 0 }, want = { 0 };
	char why[300] = "";
	bool good = wanted_of(d, &x, &text, why, sizeof(why));
	after.replicas = x.replicas, after.limit_mi = x.limit_mi;
	memcpy(after.image, x.image, sizeof(after.image));
	demo_workload_yaml(l, &now);
	demo_workload_yaml(&after, &want);
	if (!good)
		SAY(d, "blocked", "%s", why);
	else if (text.len && !str_eq(buf_str(&want), buf_str(&text)))
		SAY(d, "blocked", "the simulated server takes another number of replicas, another image and another memory limit; the rest has "
		    "to stay as it is");
	else if (!doing_diff(d, buf_str(&now), buf_str(&want)))
		SAY(d, "already", "nothing differs from what it is now");
	SAY(d, "change", "the lines that differ, as below");
	doing_step(d, "", "PATCH %s/%s", d->r->kind, d->r->key);
	plan_undo(d->plan, "edit", json_pack("{s:{s:i, s:i, s:s}}", "patch", "replicas", (int)l->replicas, "limit_mi", (int)l->limit_mi, "image",
		l->image));
	buf_release(&now);
	buf_release(&text);
	buf_release(&want);
}

static bool run_edit(struct doing *d)
{
	struct workload *l = d->t.load;
	struct wanted x = { 0 };
	struct buf text = { 0 };
	char why[300];
	bool ok = wanted_of(d, &x, &text, why, sizeof(why));
	buf_release(&text);
	if (!ok)
		return false;
	l->replicas = x.replicas;
	if (strcmp(x.image, l->image) || x.limit_mi != l->limit_mi)
		roll(d->w, l, x.image, x.limit_mi);
	d->w->workloads_dirty = true;
	buf_addf(&d->say, "%s: %u replicas of %s", l->plan->name, l->replicas, l->image);
	return true;
}

const struct demo_way demo_ways_change[] = {
	{ demo_acts_change + SET_IMAGE, image_state, plan_image, run_image },
	{ demo_acts_change + ZERO, NULL, plan_scaling, run_scaling },
	{ demo_acts_change + BACK, NULL, plan_scaling, run_scaling },
	{ demo_acts_change + SUSPEND, cron_state, plan_suspend, run_suspend },
	{ demo_acts_change + RESUME, cron_state, plan_suspend, run_suspend },
	{ demo_acts_change + RUN_NOW, cron_state, plan_now, run_now },
	{ demo_acts_change + TAINT, NULL, plan_taint, run_taint },
	{ demo_acts_change + UNTAINT, NULL, plan_taint, run_taint },
	{ demo_acts_change + EDIT, NULL, plan_edit, run_edit },
	{ .action = NULL },
};
