/* act_forward: a port of this machine that leads to a pod, service or workload, and its end. Nothing changes in the cluster. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "backends/kubernetes/forwards.h"
#include "backends/kubernetes/pod.h"
#include "base/acts.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const forwards[] = { "forwards", NULL };
static const char *const targets[] = { "pods", "services", "deployments", "statefulsets", "daemonsets", "replicasets", NULL };
const struct action act_forward = ACT_FORWARD(targets), act_forward_stop = ACT_FORWARD_STOP(forwards);

/* The port as the container has it, asking the pods behind a service or workload only for their template. 0: unknown. */
static int told_port(struct plan *p, const char *port)
{
	bool pod = !strcmp(p->t.api->plural, "pods"), service = !strcmp(p->t.api->plural, "services");
	const json_t *ports = service ? jat(p->object, "spec.ports") : NULL;
	json_t *like = pod ? json_incref(p->object) : json_pack("{sO*}", "spec", jat(p->object, "spec.template.spec"));
	int n = service ? (int)jint(json_array_get(ports, 0), "port", 0) : door_port(p->object, like, port);
	int64_t number;
	if (service && *port) {
		json_t *s;
		size_t i;
		bool is_number = str_to_i64(str_of(port), &number);
		n = 0;
		json_array_foreach(ports, i, s)
			if (is_number ? jint(s, "port", 0) == number : jis(s, "name", port))
				n = (int)jint(s, "port", 0);
	}
	json_decref(like);
	return n;
}

bool plan_forward(struct plan *p)
{
	const char *port = jtext(p->w->params, "port"), *kind = p->t.api->plural;
	int64_t local = plan_param(p, "local", 0);
	char number[24] = "";
	int n;
	json_int_t given = jint(p->w->params, "port", 0);       /* as a number */
	if (given)
		snprintf(number, sizeof(number), "%lld", (long long)given);
	n = told_port(p, *number ? number : port);
	if (!*number && !*port)
		snprintf(number, sizeof(number), "%d", n);
	port = *number ? number : port;
	plan_title(p, "forward a port to port %s of %s %s/%s", port, p->t.api->singular, p->ns, p->name);
	if (!n)
		plan_block(p, "it has no port %s%s", strcmp(port, "0") ? port : "that it tells: name one as port=NUMBER", "");
	else if (strcmp(kind, "pods") && json_object_size(jat(p->object, !strcmp(kind, "services") ? "spec.selector"
	                                                      : "spec.selector.matchLabels")) == 0)
		plan_block(p, "it selects no pods by labels: there is nothing to lead to");
	if (local < 0 || local > 65535)
		plan_block(p, "there is no port %lld", (long long)local);
	if (local)
		plan_change(p, "127.0.0.1:%lld of this machine leads to %s", (long long)local, !strcmp(kind, "pods") ? "the pod" : "a ready pod of it");
	else
		plan_change(p, "a free port of 127.0.0.1 leads to %s", !strcmp(kind, "pods") ? "the pod" : "a ready pod of it, another when that one dies");
	plan_change(p, "every program of this machine may use it, as %s", *jtext(p->out, "as") ? jtext(p->out, "as") : "you");
	plan_add_step(p, json_pack("{so ss ss ss}", "do", jstringf("GET /api/v1/namespaces/%s/pods/POD/portforward?ports=%d", p->ns, n),
	                           "body", "", "type", "", "check", "for each connection, by WebSocket; POD is a ready one"));
	plan_not_undone(p, "it is ended in :forwards, or with the program; nothing changes in the cluster");
	json_object_set_new(p->out, "forward", json_pack("{ss si}", "port", port, "local", (int)local));
	plan_need(p, "get", work_api(p->w, "pods"), p->ns, "", "portforward");
	return true;
}

bool send_forward(struct run *run)
{
	char key[600], say[400];
	struct forward_ask a = { run->t.api->plural, run->t.ns, run->t.name, jtext(run->plan, "forward.port"),
		(int)jint(run->plan, "forward.local", 0), "hand" };
	bool ok = forwards_start(run->w->k->forwards, &a, key, sizeof(key), say, sizeof(say));
	run->at = 1;
	snprintf(run->say, sizeof(run->say), "%.390s%s", say, ok ? "; see :forwards" : "");
	return ok;
}

/* ---- the end of one: its row is no object of the cluster */

void work_plan_forward_stop(struct work *w)
{
	if (!forwards_has(w->k->forwards, w->r->key)) {
		work_fail(w, "it is not forwarded any more");
		return;
	}
	work_answer(w, json_pack("{so s{ssss} s[s] s[{ss}] ss}", "title", jstringf("end the forward %s", w->r->key), "target",
		"kind", w->r->kind, "key", w->r->key, "change", "the port closes, and what is connected through it is cut", "steps",
		"do", "close the port of this machine", "not_undone", "it can be opened again from its target"));
}

void work_run_forward_stop(struct work *w)
{
	bool ok = forwards_stop(w->k->forwards, w->r->key);
	link_step(w->k->link, w->r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = true, .at = 1, .of = 1,
		.say = ok ? STR("it is closed") : STR("it was closed already") });
	w->ended = true;
}
