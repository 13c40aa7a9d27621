/* plan: see plan.h. Order: read the object, let the action describe its requests, ask whether we may, send the same
 * request as a dry run. Nothing here changes anything. */
#define _GNU_SOURCE
#include "backends/kubernetes/plan.h"
#include "backends/kubernetes/yaml_in.h"
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/pod.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *format(const char *fmt, va_list ap)
{
	struct buf b = { 0 };
	json_t *v;

	buf_vaddf(&b, fmt, ap);
	v = jstring(buf_str(&b));
	buf_release(&b);
	return v;
}

static void add_to(struct plan *p, const char *list, json_t *v)
{
	json_t *a = json_object_get(p->out, list);

	if (!a) {
		a = json_array();
		json_object_set_new(p->out, list, a);
	}
	json_array_append_new(a, v);
}

void plan_title(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_object_set_new(p->out, "title", format(fmt, ap));
	va_end(ap);
}

void plan_change(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_to(p, "change", format(fmt, ap));
	va_end(ap);
}

void plan_warn(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_to(p, "warnings", format(fmt, ap));
	va_end(ap);
}

void plan_block(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	if (json_object_get(p->out, "blocked"))
		return;
	va_start(ap, fmt);
	json_object_set_new(p->out, "blocked", format(fmt, ap));
	va_end(ap);
}

void plan_already(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	if (json_object_get(p->out, "already"))
		return;
	va_start(ap, fmt);
	json_object_set_new(p->out, "already", format(fmt, ap));
	va_end(ap);
}

void plan_undo_by(struct plan *p, const char *action, json_t *params)
{
	json_object_set_new(p->out, "undo", json_pack("{ssso}", "action", action, "params", params ? params : json_object()));
}

void plan_not_undone(struct plan *p, const char *what)
{
	json_object_set_new(p->out, "not_undone", jstring(str_of(what)));
}

json_int_t plan_param(const struct plan *p, const char *name, json_int_t otherwise)
{
	json_t *v = json_object_get(p->w->params, name);
	int64_t n;

	if (json_is_integer(v))
		return json_integer_value(v);
	if (json_is_string(v) && str_to_i64(str_trim(str_of(json_string_value(v))), &n))
		return n;
	return otherwise;
}

bool plan_flag(const struct plan *p, const char *name)
{
	json_t *v = json_object_get(p->w->params, name);

	return json_is_true(v) || (json_is_string(v) && !strcmp(json_string_value(v), "true"));
}

json_t *plan_identity(const struct plan *p)
{
	return json_pack("{ssss}", "uid", p->uid, "resourceVersion", p->version);
}

json_t *plan_add_step(struct plan *p, json_t *step)
{
	add_to(p, "steps", step);
	return step;
}

json_t *plan_step_of(struct plan *p, const struct kube_api *api, const char *ns, const char *name, const char *method,
                     const char *sub, const char *type, json_t *body, const char *check, const char *undo)
{
	struct buf path = { 0 };
	char *text = json_dumps(body, JSON_COMPACT);
	json_t *step = json_object();

	buf_addf(&path, "%s ", method);
	kube_path(&path, api, str_of(ns), str_of(name), sub);
	if (strcmp(method, "DELETE"))
		buf_adds(&path, "?fieldManager=binnacle&fieldValidation=Strict");
	json_object_set_new(step, "do", jstring(buf_str(&path)));
	json_object_set_new(step, "body", json_string(text ? text : "{}"));
	json_object_set_new(step, "type", json_string(type));
	if (check)
		json_object_set_new(step, "check", json_string(check));
	if (undo)
		json_object_set_new(step, "undo", json_string(undo));
	plan_add_step(p, step);
	free(text);
	json_decref(body);
	buf_release(&path);
	return step;
}

json_t *plan_step(struct plan *p, const char *method, const char *sub, const char *type, json_t *body, const char *check,
                  const char *undo)
{
	return plan_step_of(p, p->t.api, p->ns, p->name, method, sub, type, body, check, undo);
}

/* ---- permissions */

int work_may(struct work *w, const char *verb, const struct kube_api *api, const char *ns, const char *name, const char *sub,
             char *why, size_t size)
{
	json_t *ask = json_pack("{ssss s{s{ssssssssssss}}}", "apiVersion", "authorization.k8s.io/v1", "kind",
		"SelfSubjectAccessReview", "spec", "resourceAttributes", "namespace", ns, "verb", verb, "group", api->group,
		"resource", api->plural, "subresource", sub, "name", name);
	char *body = json_dumps(ask, JSON_COMPACT);
	json_t *answer = work_send(w, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", NULL, body);
	int may = -1;

	if (answer) {
		const char *reason = jtext(answer, "status.reason"), *error = jtext(answer, "status.evaluationError");

		may = jtrue(answer, "status.allowed");
		snprintf(why, size, "%s%s%s", reason, *reason && *error ? "; " : "", error);
	}
	json_decref(answer);
	json_decref(ask);
	free(body);
	return may;
}

char *work_who(struct work *w)
{
	json_t *answer = work_send(w, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", NULL,
		"{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}");
	char *who = xstrdup(jtext(answer, "status.userInfo.username"));

	json_decref(answer);
	return who;
}

void plan_need(struct plan *p, const char *verb, const struct kube_api *api, const char *ns, const char *name, const char *sub)
{
	char why[200] = "";

	if (work_may(p->w, verb, api, ns, name, sub, why, sizeof(why)) != 0)
		return;
	link_refused(p->w->k->link, p->w->r->id);
	plan_block(p, "not permitted: %s may not %s %s%s%s%s%s%s%s%s", *jtext(p->out, "as") ? jtext(p->out, "as") : "you",
		           verb, api->plural, *sub ? "/" : "", sub, *ns ? " in namespace '" : "", ns, *ns ? "'" : "",
		           *why ? ": " : "", why);
}

/* ---- who else owns it */

static void warn_autoscaler(struct plan *p)
{
	json_t *all = work_list(p->w, "horizontalpodautoscalers", p->ns, ""), *hpa;
	bool to_zero = !strcmp(p->w->r->what, "scale-zero") || (!strcmp(p->w->r->what, "scale") && !plan_param(p, "replicas", -1));
	size_t i;

	json_array_foreach(all, i, hpa)
		if (jis(hpa, "spec.scaleTargetRef.kind", p->t.api->kind) && jis(hpa, "spec.scaleTargetRef.name", p->name))
			plan_warn(p, "HorizontalPodAutoscaler %s owns replicas (%lld..%lld): it %s", jtext(hpa, "metadata.name"),
			          (long long)jint(hpa, "spec.minReplicas", 1), (long long)jint(hpa, "spec.maxReplicas", 0),
			          to_zero ? "rests while they are 0, and sets them again once they are not" : "will set them again");
	json_decref(all);
}

/* Does this fieldsV1 hold f:spec / field (or f:spec / f:template below it)? */
static bool owns_field(const json_t *fields, const char *field)
{
	return json_object_get(json_object_get(fields, "f:spec"), field) != NULL;
}

void plan_warn_owners(struct plan *p, const char *field)
{
	static const struct { const char *where, *name, *who; } marks[] = {
		{ "metadata.annotations", "argocd.argoproj.io/tracking-id", "Argo CD" },
		{ "metadata.labels", "argocd.argoproj.io/instance", "Argo CD" },
		{ "metadata.labels", "kustomize.toolkit.fluxcd.io/name", "Flux" },
		{ "metadata.labels", "helm.toolkit.fluxcd.io/name", "Flux" },
		{ "metadata.annotations", "meta.helm.sh/release-name", "Helm" },
	};
	const char *before = "";
	json_t *f, *owner = controller_of(p->object);
	size_t i;

	if (!strcmp(field, "f:replicas"))
		warn_autoscaler(p);
	for (i = 0; i < ARRAY_SIZE(marks) && *field; i++) {
		const char *mark = jnamed(p->object, marks[i].where, marks[i].name);

		if (!*mark || !strcmp(before, marks[i].who))
			continue;
		before = marks[i].who;
		plan_warn(p, "%s manages it (%s): %s", marks[i].who, mark, !strcmp(before, "Helm")
			? "the next upgrade will set it again" : "where self-healing is on, it will be set back");
	}
	if (owner)
		plan_warn(p, "%s %s controls it and may set it back", jtext(owner, "kind"), jtext(owner, "name"));
	json_array_foreach(jat(p->object, "metadata.managedFields"), i, f) {
		if (*field && jis(f, "operation", "Apply") && !jis(f, "manager", "binnacle") && owns_field(json_object_get(f, "fieldsV1"), field))
			plan_warn(p, "'%s' owns %s by server-side apply: its next apply will set it again", jtext(f, "manager"), field + 2);
	}
}

/* ---- identity */

/* A node's taints without those that controllers keep in step with its status (not-ready, unschedulable ...). */
static void drop_status_taints(json_t *rest)
{
	json_t *spec, *taints, *t;
	size_t i;

	if (!jis(rest, "kind", "Node") || !json_is_object(json_object_get(rest, "spec")))
		return;
	spec = json_copy(json_object_get(rest, "spec"));
	taints = json_array();
	json_array_foreach(json_object_get(spec, "taints"), i, t)
		if (strncmp(jtext(t, "key"), "node.kubernetes.io/", 19))
			json_array_append(taints, t);
	json_object_set_new(spec, "taints", taints);
	json_object_set_new(rest, "spec", spec);
}

void object_print(const json_t *object, char out[17])
{
	json_t *rest = json_copy((json_t *)object), *meta = json_copy(json_object_get(object, "metadata"));
	uint64_t hash = 14695981039346656037u;
	char *text;

	json_object_del(rest, "status");
	json_object_del(meta, "managedFields");
	json_object_del(meta, "resourceVersion");
	json_object_del(meta, "generation");
	if (meta)
		json_object_set(rest, "metadata", meta);
	drop_status_taints(rest);
	text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
	for (const char *c = text ? text : ""; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	snprintf(out, 17, "%016llx", (unsigned long long)hash);
	free(text);
	json_decref(meta);
	json_decref(rest);
}

bool body_set_version(json_t *body, const char *version)
{
	static const char *const places[] = { "metadata", "preconditions", "deleteOptions.preconditions" };
	json_t *op;
	size_t i;

	json_array_foreach(body, i, op)
		if (jis(op, "op", "test") && jis(op, "path", "/metadata/resourceVersion"))
			return json_object_set_new(op, "value", json_string(version)) == 0;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (json_object_get(jat(body, places[i]), "resourceVersion"))
			return json_object_set_new(jat(body, places[i]), "resourceVersion", json_string(version)) == 0;
	return false;
}

/* ---- dry run */

/* The same request with nothing stored. DELETE takes it only in the body. False: the object changed since it was read. */
/* " (line 12 of what you wrote)", where the user wrote the object and the error names a field of it. */
static const char *where_written(const struct plan *p, char *out, size_t size)
{
	unsigned line = yaml_line_named(str_of(jtext(p->w->params, "secret_text")), p->w->error);

	*out = '\0';
	if (line)
		snprintf(out, size, " (line %u of what you wrote)", line);
	return out;
}

static bool dry_run(struct plan *p)
{
	char line[40];
	const json_t *step = json_array_get(json_object_get(p->out, "steps"), 0);
	const char *space = strchr(jtext(step, "do"), ' ');
	char method[12];
	struct buf path = { 0 };
	json_t *body, *answer;
	char *text;
	bool same = true;

	if (!step || !space || str_starts(str_of(jtext(step, "do")), STR("GET ")))
		return true;             /* a stream cannot be tried without opening it */
	snprintf(method, sizeof(method), "%.*s", (int)(space - jtext(step, "do")), jtext(step, "do"));
	buf_adds(&path, space + 1);
	body = json_loads(jtext(step, "body"), 0, NULL);
	if (!strcmp(method, "DELETE"))
		json_object_set_new(body, "dryRun", json_pack("[s]", "All"));
	else
		buf_addf(&path, "&dryRun=All");
	text = json_dumps(body, JSON_COMPACT);
	answer = work_send(p->w, method, path.data, jtext(step, "type"), text);
	if (answer)
		json_object_set_new(p->out, "dry_run", json_string("accepted"));
	else {
		json_object_set_new(p->out, "dry_run", jstringf("refused: %s", p->w->error));
		if (p->w->status == 429)
			plan_warn(p, "a disruption budget forbids it now: it would be tried again every 5 s");
		else if (p->w->status != 0) {
			if (p->w->status == 401 || p->w->status == 403)
				link_refused(p->w->k->link, p->w->r->id);
			plan_block(p, "the server refuses it: %s%s", p->w->error, where_written(p, line, sizeof(line)));
		}
		same = p->w->status != 409;
	}
	if (*p->w->warning)
		plan_warn(p, "the server warns: %s", p->w->warning);
	json_decref(answer);
	json_decref(body);
	free(text);
	buf_release(&path);
	return same;
}

/* One try. False: it has to be made anew, for the object changed while it was made. */
static bool make(struct plan *p, const struct act_way *way)
{
	struct work *w = p->w;
	char print[17], *who;

	p->object = work_object(w, p->t.api, p->t.ns, p->t.name);
	if (!p->object) {
		work_fail_exchange(w);
		return true;
	}
	p->ns = p->t.ns;
	p->name = p->t.name;
	p->uid = jtext(p->object, "metadata.uid");
	p->version = jtext(p->object, "metadata.resourceVersion");
	object_print(p->object, print);
	p->out = json_object();
	json_object_set_new(p->out, "title", json_string(""));
	json_object_set_new(p->out, "target", json_pack("{ssssssssss}", "kind", w->r->kind, "key", w->r->key, "uid", p->uid,
	                                                "version", p->version, "print", print));
	who = work_who(w);
	json_object_set_new(p->out, "as", jstring(str_of(*who ? who : w->k->access->user)));
	free(who);
	if (!way->plan(p)) {
		work_fail_exchange(w);
		return true;
	}
	return json_object_get(p->out, "blocked") || json_object_get(p->out, "already") || dry_run(p);
}

void work_plan(struct work *w)
{
	const struct act_way *way = act_way(w->r->what, w->r->kind);
	struct plan p = { .w = w };
	bool made = false;

	if (!way)
		work_fail(w, "a Kubernetes source has no action '%s'", w->r->what);
	else if (!strcmp(w->r->kind, "containers") && !way->containers)
		work_fail(w, "a container cannot be acted on: act on its pod");
	else if (!work_target(w, &p.t))
		work_fail_exchange(w);
	for (int tries = 0; !w->ended && !made; tries++) {
		made = make(&p, way) || tries >= 4;
		if (made && work_cancelled(w))
			work_fail(w, "cancelled");
		else if (made && !w->ended)
			work_answer(w, json_incref(p.out));
		json_decref(p.out);
		json_decref(p.object);
		p.out = p.object = NULL;
	}
	target_release(&p.t);
}
