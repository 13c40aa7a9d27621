/* doctor: is this source well? Answers REQ_ASK "doctor" with the checks in order, each with what to do when it fails:
 *
 *   [{"check": "reachable", "level": 1, "say": "answers in 3 ms", "remedy": "", "ok": true}]
 *
 * (level: enum level, base/rows.h; ok: false when it is wrong, null when it is doubtful or unknown)
 *
 * and REQ_ASK "can" for one permission: params {"verb","kind","namespace","name","sub"} (kind and namespace default to the
 * request's) -> {"allowed": true, "why": ""}; without a verb for all actions on the kind (may.c). */
#define _GNU_SOURCE
#include "backends/kubernetes/plan.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/rows.h"
#include <stdio.h>
#include <stdlib.h>

#define SLOW_US 500000
#define SKEW_MS 30000

static void check(json_t *all, const char *name, enum level level, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static void check(json_t *all, const char *name, enum level level, const char *remedy, const char *fmt, ...)
{
	struct buf b = { 0 };
	json_t *o = json_object();
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	json_object_set_new(o, "check", json_string(name));
	json_object_set_new(o, "level", json_integer(level));
	json_object_set_new(o, "say", jstring(buf_str(&b)));
	json_object_set_new(o, "remedy", jstring(str_of(level >= LEVEL_DOUBT ? remedy : "")));
	json_object_set_new(o, "ok", level == LEVEL_OK ? json_true() : level == LEVEL_BAD ? json_false() : json_null());
	json_array_append_new(all, o);
	buf_release(&b);
}

static void check_clock(struct work *w, json_t *all)
{
	const struct clock *clock = link_clock(w->k->link);
	int64_t skew = w->date_ms ? w->date_ms - clock_wall(clock) : 0, size = skew < 0 ? -skew : skew;
	struct buf b = { 0 };

	if (!w->date_ms) {
		check(all, "clock", LEVEL_NONE, "", "the server does not say what time it has");
		return;
	}
	fmt_duration(size, &b);
	if (size > SKEW_MS)
		check(all, "clock", LEVEL_DOUBT, "set the clock of this machine (timedatectl set-ntp true), or the server's: ages are wrong "
		      "and tokens may be refused", "the server's clock is %s %s ours", b.data, skew > 0 ? "ahead of" : "behind");
	else
		check(all, "clock", LEVEL_OK, "", "within %d s of ours", SKEW_MS / 1000);
	buf_release(&b);
}

/* False: no further check makes sense. */
static bool check_reach(struct work *w, json_t *all)
{
	struct buf took = { 0 };
	json_t *version = work_get(w, "/version");

	if (!version) {
		bool heard = w->status != 0;

		check(all, "reachable", heard ? LEVEL_OK : LEVEL_BAD, w->remedy, "%s", heard ? w->k->access->described : w->error);
		if (heard)
			check(all, w->status == 401 ? "authenticated" : "version", LEVEL_BAD, *w->remedy ? w->remedy
			      : "look at the credentials of this context: kubectl auth whoami", "%s", w->error);
		return heard && w->status != 401;
	}
	fmt_duration(w->latency_us / 1000, &took);
	check(all, "reachable", LEVEL_OK, "", "%s", w->k->access->described);
	check(all, "latency", w->latency_us > SLOW_US ? LEVEL_DOUBT : LEVEL_OK, "the way to the server is slow, or it is busy: "
	      "everything will feel so", "the first byte of an answer takes %s", took.data);
	check(all, "version", LEVEL_OK, "", "%s", jtext(version, "gitVersion"));
	check_clock(w, all);
	json_decref(version);
	buf_release(&took);
	return true;
}

static void check_lists(struct work *w, json_t *all)
{
	static const char *const kinds[] = { "pods", "nodes", "namespaces", "events", "deployments", "replicasets", "statefulsets",
		"daemonsets", "jobs", "cronjobs", "services", "configmaps", "secrets", "persistentvolumeclaims",
		"horizontalpodautoscalers" };
	const char *ns = w->k->access->namespace;
	struct buf refused = { 0 }, narrow = { 0 };
	char why[200];
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !work_cancelled(w); i++) {
		const struct kube_api *api = work_api(w, kinds[i]);
		int may = api ? work_may(w, "list", api, "", "", "", why, sizeof(why)) : -1;

		if (may == 0 && api->namespaced && work_may(w, "list", api, ns, "", "", why, sizeof(why)) == 1)
			buf_addf(&narrow, "%s%s", narrow.len ? ", " : "", kinds[i]);
		else if (may == 0)
			buf_addf(&refused, "%s%s", refused.len ? ", " : "", kinds[i]);
		else
			n++;
	}
	check(all, "permitted", refused.len ? LEVEL_DOUBT : LEVEL_OK,
	      "ask for a role that may list them (the cluster role 'view' holds most); the rest works meanwhile",
	      "may list %u of %zu kinds everywhere%s%s%s%s%s%s%s", n, ARRAY_SIZE(kinds), narrow.len ? "; only in '" : "",
	      narrow.len ? ns : "", narrow.len ? "': " : "", narrow.len ? narrow.data : "", refused.len ? "; not at all: " : "",
	      refused.len ? refused.data : "", "");
	buf_release(&refused);
	buf_release(&narrow);
}

static void check_metrics(struct work *w, json_t *all)
{
	json_t *group = work_get(w, "/apis/metrics.k8s.io");

	if (group)
		check(all, "metrics", LEVEL_OK, "", "metrics.k8s.io is served: use of CPU and memory is known");
	else
		check(all, "metrics", LEVEL_NONE, "", "no metrics.k8s.io (%s): use of CPU and memory stays unknown", w->error);
	json_decref(group);
}

void work_doctor(struct work *w)
{
	json_t *all = json_array();
	char *who;

	if (check_reach(w, all)) {
		who = work_who(w);
		if (*who)
			check(all, "authenticated", LEVEL_OK, "", "as %s", who);
		else
			check(all, "authenticated", w->status == 401 ? LEVEL_BAD : LEVEL_NONE,
			      "look at the credentials of this context: kubectl auth whoami",
			      "the server does not say as whom: %s", w->error);
		free(who);
		check_lists(w, all);
		check_metrics(w, all);
	}
	if (w->k->access->insecure)
		check(all, "certificate", LEVEL_BAD, "set certificate-authority in the kubeconfig instead of insecure-skip-tls-verify",
		      "the server's certificate is not verified: anyone on the way can read and change everything");
	work_answer(w, all);
}

void work_can(struct work *w)
{
	if (!*jtext(w->params, "verb")) {
		work_may_all(w);
		return;
	}
	const char *kind = *jtext(w->params, "kind") ? jtext(w->params, "kind") : w->r->kind;
	const struct kube_api *api = work_api(w, kind);
	char why[300] = "";
	int may;

	if (!api) {
		work_fail_exchange(w);
		return;
	}
	may = work_may(w, jtext(w->params, "verb"), api, jtext(w->params, "namespace"),
	               jtext(w->params, "name"), jtext(w->params, "sub"), why, sizeof(why));
	if (may < 0)
		work_fail_exchange(w);
	else
		work_answer(w, json_pack("{sbss}", "allowed", may, "why", why));
}
