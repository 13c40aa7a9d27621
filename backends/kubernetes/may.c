/* may: which of the actions on a kind this user may carry out in a place, so that what is refused anyway is not offered. One
 * SelfSubjectRulesReview answers for all of them; where the server cannot list its rules (a webhook decides), one
 * SelfSubjectAccessReview for each thing that is needed does. The answer is about a namespace, not about one object:
 *
 *   {"may": {"scale": true, "delete": "may not delete pods in namespace 'a'"}}      what is missing is not known */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

struct need { const char *action, *verb, *kind, *sub; };       /* kind NULL: the action's own */

static const struct need needs[] = {
	{ "restart", "patch", NULL, "" }, { "scale", "patch", NULL, "scale" }, { "rollback", "patch", NULL, "" },
	{ "set-image", "patch", NULL, "" }, { "scale-zero", "patch", NULL, "" }, { "scale-back", "patch", NULL, "" },
	{ "suspend", "patch", NULL, "" }, { "resume", "patch", NULL, "" }, { "trigger", "create", "jobs", "" },
	{ "edit", "patch", NULL, "" }, { "label", "patch", NULL, "" }, { "annotate", "patch", NULL, "" }, { "taint", "patch", NULL, "" },
	{ "untaint", "patch", NULL, "" }, { "delete", "delete", NULL, "" }, { "evict", "create", "pods", "eviction" },
	{ "cordon", "patch", NULL, "" }, { "uncordon", "patch", NULL, "" }, { "drain", "create", "pods", "eviction" },
	{ "shell", "get", "pods", "exec" }, { "copy-from", "get", "pods", "exec" }, { "copy-to", "get", "pods", "exec" },
	{ "debug", "patch", "pods", "ephemeralcontainers" }, { "forward", "get", "pods", "portforward" }, { "canary", "patch", NULL, "" },
	{ "sync", "patch", NULL, "" },
	{ "forward-stop", NULL, NULL, "" },                    /* ends what is ours */
};

bool may_knows(const char *action)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (!strcmp(needs[i].action, action))
			return true;
	return false;
}

/* ---- what the rules say */

static bool list_has(const json_t *list, const char *word)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v) {
		const char *s = json_string_value(v);

		if (s && (!strcmp(s, word) || !strcmp(s, "*")))
			return true;
	}
	return false;
}

/* 1: a rule allows it, 0: none does, -1: one does for some objects. */
static int rules_say(const json_t *rules, const char *verb, const char *group, const char *plural, const char *sub)
{
	char *resource = *sub ? xasprintf("%s/%s", plural, sub) : xstrdup(plural), *any = *sub ? xasprintf("*/%s", sub) : xstrdup("*");
	int may = 0;
	size_t i;
	json_t *r;

	json_array_foreach(rules, i, r) {
		const json_t *resources = json_object_get(r, "resources");

		if (!list_has(json_object_get(r, "verbs"), verb) || !list_has(json_object_get(r, "apiGroups"), group) ||
		    (!list_has(resources, resource) && !list_has(resources, any)))
			continue;
		if (json_array_size(json_object_get(r, "resourceNames")))
			may = may ? may : -1;
		else
			may = 1;
	}
	free(resource);
	free(any);
	return may;
}

static json_t *ask_rules(struct work *w, const char *ns)
{
	json_t *ask = json_pack("{ssss s{ss}}", "apiVersion", "authorization.k8s.io/v1", "kind", "SelfSubjectRulesReview", "spec",
	                        "namespace", ns);
	char *body = json_dumps(ask, JSON_COMPACT);
	json_t *answer = work_send(w, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", NULL, body);

	free(body);
	json_decref(ask);
	return answer;
}

/* ---- an answer for every action of the kind */

struct asked { struct work *w; const char *ns; const json_t *rules; bool incomplete; json_t *may; };

static void answer_one(struct asked *q, const struct need *n, const struct kube_api *own)
{
	const struct kube_api *api = n->kind ? work_api(q->w, n->kind) : own;
	/* custom resources are scaled by their own fields */
	const char *sub = strcmp(n->sub, "scale") || !strcmp(own->group, "apps") ? n->sub : "";
	char why[200] = "";
	int may;

	if (!api || !n->verb)
		return;
	may = rules_say(q->rules, n->verb, api->group, api->plural, sub);
	if (may == 0 && q->incomplete)
		may = work_may(q->w, n->verb, api, q->ns, "", sub, why, sizeof(why));
	if (may > 0)
		json_object_set_new(q->may, n->action, json_true());
	else if (may == 0)
		json_object_set_new(q->may, n->action, json_sprintf("you may not %s %s%s%s%s%s%s", n->verb, api->plural, *sub ? "/" : "",
			sub, *q->ns ? " in namespace '" : "", q->ns, *q->ns ? "'" : ""));
}

/* params {"namespace"}: "" where the objects are in none. */
void work_may_all(struct work *w)
{
	struct asked q = { .w = w, .ns = jtext(w->params, "namespace"), .may = json_object() };
	const struct kube_api *api = work_api(w, w->r->kind);
	/* rules are listed for a namespace; what binds the whole cluster is in each */
	json_t *review = api ? ask_rules(w, *q.ns ? q.ns : "default") : NULL;

	if (!review) {
		json_decref(q.may);
		work_fail_exchange(w);
		return;
	}
	q.rules = json_object_get(json_object_get(review, "status"), "resourceRules");
	q.incomplete = jtrue(review, "status.incomplete");
	for (size_t i = 0; i < ARRAY_SIZE(needs) && !work_cancelled(w); i++)
		for (const struct action *const *a = kube_actions; *a; a++) {
			if (strcmp((*a)->name, needs[i].action))
				continue;
			for (const char *const *k = (*a)->kinds; *k; k++)
				if (!strcmp(*k, w->r->kind) || !strcmp(*k, "*")) {
					answer_one(&q, &needs[i], api);
					break;
				}
		}
	json_decref(review);
	work_answer(w, json_pack("{so}", "may", q.may));
}
