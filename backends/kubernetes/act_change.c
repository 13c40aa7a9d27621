/* act_change: small changes of one object: another image, no pods at all and back, a cron job that rests or runs now, a label. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define REPLICAS "binnacle/replicas"       /* on an object scaled to zero: how many there were */
#define STARTED_MS (60 * 1000)

static void what(const struct plan *p, char *out, size_t size)
{
	snprintf(out, size, "%s %s%s%s", p->t.api->singular, p->ns, *p->ns ? "/" : "", p->name);
}

/* ---- set-image */

static json_t *pod_template(const json_t *o)
{
	return jat(o, jis(o, "kind", "CronJob") ? "spec.jobTemplate.spec.template" : "spec.template");
}

/* The container of that name, or the only one; *list is where it is. NULL: the plan is blocked. */
static const json_t *find_container(struct plan *p, const char *name, const char **list)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	const json_t *template = pod_template(p->object), *c;
	struct buf names = { 0 };

	*list = "containers";
	if (!*name && json_array_size(jat(template, "spec.containers")) == 1)
		return json_array_get(jat(template, "spec.containers"), 0);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_t *all = jat(template, lists[k]);
		size_t i;

		json_array_foreach(all, i, c) {
			if (*name && jis(c, "name", name)) {
				*list = k ? "initContainers" : "containers";
				buf_release(&names);
				return c;
			}
			buf_addf(&names, "%s%s", names.len ? ", " : "", jtext(c, "name"));
		}
	}
	plan_block(p, *name ? "it has no container '%s'; it has %s" : "%ssay which container: it has %s", name,
	           names.len ? names.data : "none");
	buf_release(&names);
	return NULL;
}

static void warn_image(struct plan *p, const char *image)
{
	const char *slash = strrchr(image, '/'), *colon = strchr(slash ? slash : image, ':');

	if (!strchr(image, '@') && (!colon || !strcmp(colon, ":latest")))
		plan_warn(p, "'%s' names no fixed version: what runs may change with each pull, and going back may not bring "
		          "back what ran", image);
}

/* {"spec": {"template": {"spec": {"containers": [...]}}}} from where the kind has it. */
static json_t *template_patch(const struct plan *p, const char *list, json_t *containers)
{
	json_t *spec = json_pack("{s{s{so}}}", "template", "spec", list, containers);

	if (jis(p->object, "kind", "CronJob"))
		spec = json_pack("{s{so}}", "jobTemplate", "spec", spec);
	return json_pack("{soso}", "metadata", plan_identity(p), "spec", spec);
}

bool plan_set_image(struct plan *p)
{
	const char *image = jtext(p->w->params, "image"), *list = "containers", *was, *name;
	const json_t *c = find_container(p, jtext(p->w->params, "container"), &list);
	char title[400];

	what(p, title, sizeof(title));
	plan_title(p, "set the image of %s to %s", title, image);
	if (!*image || strpbrk(image, " \t\n"))
		plan_block(p, "say which image, as registry/name:tag");
	if (!c || json_object_get(p->out, "blocked"))
		return true;
	was = jtext(c, "image");
	name = jtext(c, "name");
	plan_change(p, "container %s: image %s -> %s", name, was, image);
	if (!strcmp(was, image)) {
		plan_already(p, "container %s runs that image already", name);
		return true;
	}
	plan_blocked_by_pause(p);
	warn_image(p, image);
	if (jis(p->object, "kind", "CronJob"))
		plan_change(p, "jobs that run go on with the old one");
	else
		plan_warn_on_delete(p);
	plan_step(p, "PATCH", "", JSON_STRATEGIC, template_patch(p, list, json_pack("[{ssss}]", "name", name, "image", image)),
	          jis(p->object, "kind", "CronJob") ? NULL : "rollout is through", "set the old image");
	plan_undo_by(p, "set-image", json_pack("{ssss}", "container", name, "image", was));
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, "f:template");
	return true;
}

bool verify_image(struct run *run)
{
	return !strcmp(run->t.api->kind, "CronJob") || verify_rollout(run);
}

/* ---- to zero and back */

static json_t *scaled(struct plan *p, json_int_t replicas, json_t *remembered)
{
	return json_pack("{s{sssss{so}}s{sI}}", "metadata", "uid", p->uid, "resourceVersion", p->version, "annotations",
	                 REPLICAS, remembered, "spec", "replicas", replicas);
}

bool plan_scale_zero(struct plan *p)
{
	json_int_t has = jint(p->object, "spec.replicas", 1);
	char name[400], undo[64];

	if (!strcmp(p->t.api->kind, "NodePool"))
		return plan_pool_zero(p);
	what(p, name, sizeof(name));
	plan_title(p, "scale %s to zero", name);
	plan_change(p, "replicas %lld -> 0, and %lld is remembered on it (%s)", (long long)has, (long long)has, REPLICAS);
	if (!has) {
		plan_already(p, "it has no replicas already");
		return true;
	}
	plan_warn(p, "no pod will be left: what asks it gets no answer until it is scaled back");
	snprintf(undo, sizeof(undo), "scale back to %lld", (long long)has);
	plan_step(p, "PATCH", "", JSON_MERGE, scaled(p, 0, json_sprintf("%lld", (long long)has)), "no pod is left", undo);
	plan_undo_by(p, "scale-back", json_pack("{sI}", "replicas", has));
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, "f:replicas");
	return true;
}

bool plan_scale_back(struct plan *p)
{
	const char *note = jnamed(p->object, "metadata.annotations", REPLICAS);
	json_int_t has = jint(p->object, "spec.replicas", 1), want = plan_param(p, "replicas", 0);
	int64_t remembered = 0;
	char name[400];

	if (!strcmp(p->t.api->kind, "NodePool"))
		return plan_pool_back(p);
	if (want <= 0 && str_to_i64(str_of(note), &remembered))
		want = remembered;
	what(p, name, sizeof(name));
	plan_title(p, "scale %s back to %lld", name, (long long)want);
	if (want <= 0 || want > INT32_MAX)
		plan_block(p, "how many there were is not remembered on it (annotation %s): scale it to a number", REPLICAS);
	else if (has == want)
		plan_already(p, "it has %lld replicas already", (long long)has);
	if (want <= 0 || has == want)
		return true;
	plan_change(p, "replicas %lld -> %lld", (long long)has, (long long)want);
	if (has)
		plan_warn(p, "it was scaled to %lld by someone meanwhile", (long long)has);
	plan_step(p, "PATCH", "", JSON_MERGE, scaled(p, want, json_null()), "as many are ready", "scale to zero");
	plan_undo_by(p, has ? "scale" : "scale-zero", has ? json_pack("{sI}", "replicas", has) : NULL);
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, "f:replicas");
	return true;
}

bool verify_scaling(struct run *run)
{
	return !strcmp(run->t.api->kind, "NodePool") || verify_rollout(run);
}

/* ---- suspend, resume, trigger */

static bool plan_suspension(struct plan *p, bool on)
{
	bool cron = jis(p->object, "kind", "CronJob");
	const char *word = on ? "suspend" : "resume";
	char name[400];

	what(p, name, sizeof(name));
	plan_title(p, "%s %s", word, name);
	if (jtrue(p->object, "spec.suspend") == on) {
		plan_already(p, on ? "it is suspended already" : "it is not suspended");
		return true;
	}
	if (cron && on)
		plan_change(p, "no more jobs by its schedule '%s'; %zu that run go on", jtext(p->object, "spec.schedule"),
		            json_array_size(jat(p->object, "status.active")));
	else if (cron)
		plan_change(p, "jobs by its schedule '%s' again", jtext(p->object, "spec.schedule"));
	else
		plan_change(p, on ? "its %lld running pods end; what is done stays done" : "its pods are started again",
		            (long long)jint(p->object, "status.active", 0));
	if (cron && !on && !json_object_get(json_object_get(p->object, "spec"), "startingDeadlineSeconds"))
		plan_warn(p, "it has no starting deadline: a run that was missed meanwhile is started at once");
	plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{sos{sb}}", "metadata", plan_identity(p), "spec", "suspend", on), NULL,
	          on ? "resume" : "suspend");
	plan_undo_by(p, on ? "resume" : "suspend", NULL);
	plan_need(p, "patch", p->t.api, p->ns, p->name, "");
	plan_warn_owners(p, "f:suspend");
	return true;
}

bool plan_suspend(struct plan *p)
{
	return plan_suspension(p, true);
}

bool plan_resume(struct plan *p)
{
	return plan_suspension(p, false);
}

/* As `kubectl create job --from=cronjob/NAME` makes it. */
static json_t *job_from(struct plan *p, const char *job)
{
	json_t *template = jat(p->object, "spec.jobTemplate"), *notes = json_object(), *meta;

	json_object_set_new(notes, "cronjob.kubernetes.io/instantiate", json_string("manual"));
	json_object_update_missing(notes, jat(template, "metadata.annotations"));
	meta = json_pack("{sssssos[{sssssssssb}]}", "name", job, "namespace", p->ns, "annotations", notes, "ownerReferences",
	                 "apiVersion", "batch/v1", "kind", "CronJob", "name", p->name, "uid", p->uid, "controller", 1);
	if (jat(template, "metadata.labels"))
		json_object_set(meta, "labels", jat(template, "metadata.labels"));
	return json_pack("{sssssosO}", "apiVersion", "batch/v1", "kind", "Job", "metadata", meta, "spec", jat(template, "spec"));
}

bool plan_trigger(struct plan *p)
{
	const struct kube_api *jobs = work_api(p->w, "jobs");
	size_t active = json_array_size(jat(p->object, "status.active"));
	char job[64], name[400];

	if (!jobs)
		return false;
	what(p, name, sizeof(name));
	snprintf(job, sizeof(job), "%.38s-manual-%llx", p->name,
	         (unsigned long long)clock_wall(link_clock(p->w->k->link)) / 1000);
	plan_title(p, "run %s now", name);
	plan_change(p, "a job %s is made from its template; its schedule goes on as it is", job);
	if (active)
		plan_warn(p, "%zu job%s of it run%s now: this one runs beside %s, whatever its concurrency policy (%s)", active,
		          active == 1 ? "" : "s", active == 1 ? "s" : "", active == 1 ? "it" : "them",
		          jtext(p->object, "spec.concurrencyPolicy"));
	if (jtrue(p->object, "spec.suspend"))
		plan_warn(p, "it is suspended: this runs once all the same");
	if (!jat(p->object, "spec.jobTemplate.spec"))
		plan_block(p, "it has no template for jobs");
	else
		plan_step_of(p, jobs, p->ns, "", "POST", "", "application/json", job_from(p, job), "the job has a pod", NULL);
	plan_not_undone(p, "what the job does; it can be deleted as any job");
	plan_need(p, "create", jobs, p->ns, "", "");
	return true;
}

bool verify_triggered(struct run *run)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t until = clock_mono(clock) + STARTED_MS;
	json_t *body = json_loads(jtext(json_array_get(json_object_get(run->plan, "steps"), 0), "body"), 0, NULL);
	const struct kube_api *jobs = work_api(run->w, "jobs");
	bool known = false, told = false;

	while (jobs && !known) {
		json_t *job = work_object(run->w, jobs, run->t.ns, jtext(body, "metadata.name"));
		json_int_t active = jint(job, "status.active", 0), well = jint(job, "status.succeeded", 0),
			bad = jint(job, "status.failed", 0);

		known = active || well || bad;
		snprintf(run->say, sizeof(run->say), "job %.100s %s", jtext(body, "metadata.name"),
		         well ? "has succeeded" : bad && !active ? "has failed already" : active ? "runs" : "has no pod yet");
		json_decref(job);
		if (!known && !told)
			run_step(run, STEP_WAITING, "%s", run->say);
		told = true;
		if (!known && (clock_mono(clock) >= until || !work_sleep(run->w, 500)))
			break;
	}
	json_decref(body);
	return true;                   /* it was made; that its pod is not there yet is said */
}

/* ---- label, annotate */

static bool plan_note(struct plan *p, const char *action, const char *where)
{
	const char *text = jtext(p->w->params, action), *equals = strchr(text, '='), *was, *key;
	size_t n = equals ? (size_t)(equals - text) : strlen(text);
	bool remove = !equals && n > 1 && text[n - 1] == '-';
	char *name = str_dup((struct str){ text, n - remove }), object[400], *path = xasprintf("metadata.%s", where);
	json_t *now = jat(p->object, path), *note = json_object();
	const char *noun = !strcmp(action, "label") ? "label" : "annotation";

	key = name;
	was = jnamed(p->object, path, key);
	what(p, object, sizeof(object));
	plan_title(p, "%s %s: %s", action, object, text);
	if (!*key || (!equals && !remove))
		plan_block(p, "write it as key=value, or as key- to take it off");
	else if (remove ? !json_object_get(now, key) : json_object_get(now, key) && !strcmp(was, equals + 1))
		plan_already(p, remove ? "it has no %s '%s'" : "its %s '%s' is so already", noun, key);
	else {
		plan_change(p, "%s %s: %s%s%s", noun, key, json_object_get(now, key) ? was : "-", " -> ", remove ? "-" : equals + 1);
		json_object_set_new(note, key, remove ? json_null() : json_string(equals + 1));
		plan_step(p, "PATCH", "", JSON_MERGE, json_pack("{s{sssssO}}", "metadata", "uid", p->uid, "resourceVersion",
			p->version, where, note), NULL, "as it was");
		plan_undo_by(p, action, json_pack("{so}", action, json_object_get(now, key)
			? json_sprintf("%s=%s", key, was) : json_sprintf("%s-", key)));
		plan_need(p, "patch", p->t.api, p->ns, p->name, "");
		plan_warn_owners(p, "");
		if (!strcmp(action, "label"))
			plan_warn(p, "services, budgets and controllers choose by labels: see that none of them loses it");
	}
	json_decref(note);
	free(name);
	free(path);
	return true;
}

bool plan_label(struct plan *p)
{
	return plan_note(p, "label", "labels");
}

bool plan_annotate(struct plan *p)
{
	return plan_note(p, "annotate", "annotations");
}
