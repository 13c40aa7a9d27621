/* act_pod: delete and evict. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define GONE_MS (5 * 60 * 1000)

/* What becomes of a pod that goes. */
static void say_after(struct plan *p)
{
	json_t *owner = controller_of(p->object);
	json_t *v;
	size_t i;

	if (jis(p->object, "kind", "Pod")) {
		if (owner)
			plan_change(p, "%s %s starts another in its place", jtext(owner, "kind"), jtext(owner, "name"));
		else
			plan_warn(p, "no controller owns it: nothing will start it again");
		json_array_foreach(jat(p->object, "spec.volumes"), i, v)
			if (json_object_get(v, "emptyDir"))
				plan_warn(p, "what it keeps in the emptyDir volume '%s' is lost", jtext(v, "name"));
	}
	json_array_foreach(jat(p->object, "metadata.finalizers"), i, v)
		plan_warn(p, "the finalizer '%s' has to let it go first", json_is_string(v) ? json_string_value(v) : "");
	if (*jtext(p->object, "metadata.deletionTimestamp"))
		plan_warn(p, "it is being deleted already");
}

static void add_grace(struct plan *p, json_t *options)
{
	json_int_t grace = plan_param(p, "grace", -1);

	if (grace >= 0)
		json_object_set_new(options, "gracePeriodSeconds", json_integer(grace));
	if (grace == 0)
		plan_warn(p, "grace 0: it is taken off the list at once, while its containers may still run");
}

static void warn_contents(struct plan *p)
{
	const char *kind = p->t.api->kind;

	if (!strcmp(kind, "Namespace"))
		plan_warn(p, "everything in the namespace goes with it");
	else if (!strcmp(kind, "PersistentVolumeClaim"))
		plan_warn(p, "where the volume's reclaim policy is Delete, its data go with it");
	else if (!strcmp(kind, "CustomResourceDefinition"))
		plan_warn(p, "all objects of that kind go with it");
}

bool plan_delete(struct plan *p)
{
	const char *how = jtext(p->w->params, "dependents");
	json_t *body = json_pack("{sssssoss}", "apiVersion", "v1", "kind", "DeleteOptions", "preconditions", plan_identity(p),
		"propagationPolicy", !strcasecmp(how, "orphan") ? "Orphan" : !strcasecmp(how, "foreground") ? "Foreground"
		: "Background");

	plan_title(p, "delete %s %s%s%s", p->t.api->singular, p->ns, *p->ns ? "/" : "", p->name);
	plan_change(p, "the %s goes%s", p->t.api->singular, !strcasecmp(how, "orphan") ? ", what it owns stays" : "");
	say_after(p);
	warn_contents(p);
	add_grace(p, body);
	plan_step(p, "DELETE", "", "application/json", body, "it is gone", NULL);
	plan_not_undone(p, "a deleted object does not come back");
	plan_need(p, "delete", p->t.api, p->ns, p->name, "");
	if (strcmp(p->t.api->kind, "Pod"))
		plan_warn_owners(p, "f:");
	return true;
}

/* The body of an eviction; version NULL: only the uid is demanded. */
static json_t *eviction(const char *ns, const char *name, const char *uid, const char *version)
{
	json_t *identity = json_pack("{ss}", "uid", uid);

	if (version)
		json_object_set_new(identity, "resourceVersion", json_string(version));
	return json_pack("{sssss{ssss}s{so}}", "apiVersion", "policy/v1", "kind", "Eviction", "metadata", "name", name, "namespace",
	                 ns, "deleteOptions", "preconditions", identity);
}

bool plan_evict(struct plan *p)
{
	json_t *body = eviction(p->ns, p->name, p->uid, p->version);

	plan_title(p, "evict pod %s/%s", p->ns, p->name);
	plan_change(p, "the pod goes, if its disruption budget allows it");
	say_after(p);
	add_grace(p, json_object_get(body, "deleteOptions"));
	plan_step(p, "POST", "eviction", "application/json", body, "it is gone", NULL);
	plan_not_undone(p, "a deleted pod does not come back");
	plan_need(p, "create", p->t.api, p->ns, p->name, "eviction");
	return true;
}

bool verify_gone(struct run *run)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t until = clock_mono(clock) + GONE_MS;
	bool told = false;

	for (;;) {
		json_t *o = work_object(run->w, run->t.api, run->t.ns, run->t.name);
		bool gone = (!o && run->w->status == 404) || (o && !jis(o, "metadata.uid", jtext(run->plan, "target.uid")));
		bool marked = *jtext(o, "metadata.deletionTimestamp");
		json_t *finalizer = json_array_get(jat(o, "metadata.finalizers"), 0);

		if (gone)
			snprintf(run->say, sizeof(run->say), "it is gone");
		else
			snprintf(run->say, sizeof(run->say), "%s%s%s", marked ? "it is ending" : "it is still there",
			         finalizer ? ", waiting for the finalizer " : "", finalizer ? json_string_value(finalizer) : "");
		json_decref(o);
		if (gone)
			return true;
		if (!told)
			run_step(run, STEP_WAITING, "%s", run->say);
		told = true;
		if (clock_mono(clock) >= until || !work_sleep(run->w, 500))
			return work_cancelled(run->w);
	}
}
