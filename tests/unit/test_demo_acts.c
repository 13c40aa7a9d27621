/* The demo has every key that the real systems have: each action of each backend is offered on each kind that the demo fills; each
 * goes from its plan through its run, the rows say so, and an undo brings them back. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/action.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/store.h"
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT_MS 60000
#define KSERVE "inferenceservices.serving.kserve.io"
#define SELDON "seldondeployments.machinelearning.seldon.io"
#define ARGO "applications.argoproj.io"
#define POOLS "nodepools.karpenter.sh"
#define NODE "ip-10-0-0-10.eu-west-1.compute.internal"

/* ---- nothing is missing */

/* What a cluster offers on anything is offered on objects of a cluster: not on models, not on checks. */
static bool is_object(const char *kind)
{
	static const char *const all[] = { "pods", "nodes", "namespaces", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs",
		"cronjobs", "services", "configmaps", "secrets", "persistentvolumeclaims", "persistentvolumes", "horizontalpodautoscalers" };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i], kind))
			return true;
	return false;
}

static bool never(const char *action, const char *kind)
{
	static const char *const on[][2] = {     /* no kind of these rows is in the demo, or what they are made by makes them again */
		{ "delete", "nodes" }, { "delete", "namespaces" }, { "delete", "persistentvolumes" }, { "scale", "replicasets" },
		{ "scale-zero", "replicasets" }, { "scale-back", "replicasets" }, { "rollback", "statefulsets" }, { "rollback", "daemonsets" },
		{ "delete", "ingresses" }, { "delete", "poddisruptionbudgets" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		if (!strcmp(on[i][0], action) && !strcmp(on[i][1], kind))
			return true;
	return false;
}

static void offers_what_all_others_offer(void **state)
{
	unsigned n = 0;
	for (const struct backend *const *b = backends_all; *b; b++)
		for (const struct action *const *a = (*b)->actions; a && *a; a++)
			for (const char *const *k = (*a)->kinds; *k; k++)
				for (const struct kind *const *all = kinds_all; *all; all++) {
					const char *kind = (*all)->name;
					bool any = !strcmp(*k, "*");
					if ((any ? !is_object(kind) : strcmp(*k, kind) != 0) || never((*a)->name, kind))
						continue;
					if (!any && !backend_fills(&backend_demo, kind) && strcmp(kind, "costs"))
						continue;
					n++;
					const struct action *own = action_find(&backend_demo, (*a)->name, kind);
					if (!own)
						fail_msg("%s has '%s' on %s, the demo has not", (*b)->name, (*a)->name, kind);
					if (own->fields != (*a)->fields || own->risk != (*a)->risk || own->terminal != (*a)->terminal)
						fail_msg("'%s' on %s is another one in the demo", (*a)->name, kind);
				}
	assert_true(n > 100);
	static const char *const custom[][2] = { { "canary", KSERVE }, { "canary", SELDON }, { "scale", KSERVE }, { "scale", SELDON },
		{ "sync", ARGO }, { "scale-zero", POOLS }, { "scale-back", POOLS }, { "label", KSERVE }, { "edit", ARGO } };
	for (size_t i = 0; i < ARRAY_SIZE(custom); i++)
		assert_non_null(action_find(&backend_demo, custom[i][0], custom[i][1]));
}

/* ---- each goes round */

struct demo { struct yaml_doc *settings; struct inbox *inbox; struct store *store; struct source *source; struct audit *audit; struct actor *actor; char file[64]; };

static void open_demo(struct demo *d)
{
	static const struct guard_rule rule = { .environment = "demo", .guard = GUARD_CONFIRM, .limit = 10 };
	struct yaml_error err;
	char why[200];
	*d = (struct demo){ .settings = yaml_parse(STR("{seed: 3, speed: 60}"), &err), .inbox = inbox_new(64 << 20), .file = "/tmp/test-demo-acts-XXXXXX" };
	int fd = mkstemp(d->file);
	assert_true(fd >= 0);
	close(fd);
	d->store = store_new(&clock_system);
	for (const struct kind *const *k = backend_demo.kinds; *k; k++)
		store_add_kind(d->store, *k);
	d->source = source_new(store_add_source(d->store, "demo", "demo"), "demo", "demo", &backend_demo, yaml_root(d->settings), &clock_system,
	                       d->inbox);
	d->audit = audit_open(d->file, &clock_system, why, sizeof(why));
	d->actor = actor_new(d->store, d->audit, guards_new(&rule, 1, NULL), &clock_system);
	source_start(d->source);
}

static void close_demo(struct demo *d)
{
	actor_free(d->actor);
	source_stop(d->source, WAIT_MS);
	audit_close(d->audit);
	store_free(d->store);
	inbox_free(d->inbox);
	yaml_doc_free(d->settings);
	unlink(d->file);
}

static void take(struct demo *d, int ms)
{
	struct pollfd p = { .fd = inbox_fd(d->inbox), .events = POLLIN };
	struct msg *m;
	poll(&p, 1, ms);
	while ((m = inbox_take(d->inbox)))
		store_apply(d->store, m, 0);
}

static void watch(struct demo *d, const char *kind, const char *scope)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	source_ask(d->source, request_new(REQ_WATCH, kind, str_of(scope), "", ""));
	for (;;) {
		const struct kind_state *k = store_kind_state(d->store, kind, d->source->index);
		if (k && k->listed)
			return;
		if (clock_mono(&clock_system) > end)
			fail_msg("no listing of %s", kind);
		take(d, 100);
	}
}

/* A cell as a person sees it; "" where the row is not there. */
static void cell(struct demo *d, const char *kind, const char *key, const char *col, struct buf *out)
{
	const struct table *t = store_table(d->store, kind);
	const struct row *r = t ? table_find(t, d->source->index, str_of(key)) : NULL;
	int c = t ? kind_col(t->kind, str_of(col), false) : -1;
	buf_clear(out);
	if (!r)
		buf_adds(out, "(none)");
	else if (c < 0)
		fail_msg("%s has no column %s", kind, col);
	else if (row_null(r, c))
		buf_adds(out, "-");
	else if (col_is_text(&t->kind->cols[c]))
		buf_addstr(out, row_text(t, r, c));
	else if (col_is_real(&t->kind->cols[c]))
		buf_addf(out, "%.4g", row_real(r, c));
	else
		buf_addf(out, "%lld", (long long)row_int(r, c));
}

static void becomes(struct demo *d, const char *kind, const char *key, const char *col, const char *want)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	struct buf b = { 0 };
	for (;;) {
		cell(d, kind, key, col, &b);
		if (!strcmp(b.data ? b.data : "", want))
			break;
		if (clock_mono(&clock_system) > end)
			fail_msg("%s of %s %s is '%s', not '%s'", col, kind, key, b.data ? b.data : "", want);
		take(d, 50);
	}
	buf_release(&b);
}

static void until(struct demo *d, struct act *act, enum act_state wanted)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	while (act->state != wanted) {
		if (act->state == ACT_FAILED || clock_mono(&clock_system) > end)
			fail_msg("%s %s: %s, not %s: %s", act->action->name, act->targets[0].key, act_state_name(act->state), act_state_name(wanted),
			         act->targets[0].error ? act->targets[0].error : act->error ? act->error : "");
		take(d, 50);
	}
}

static struct act *plan(struct demo *d, const char *action, const char *kind, const char *key, const char *params)
{
	const struct action *a = action_find(&backend_demo, action, kind);
	const char *why = NULL;
	if (!a)
		fail_msg("no %s on %s", action, kind);
	struct act *act = act_start(d->actor, d->source, a, kind, &key, 1, params, &why);
	if (!act)
		fail_msg("%s %s: %s", action, key, why);
	until(d, act, ACT_SHOWN);
	return act;
}

/* False: the world, which goes on, changed what it was planned for. Then it is planned again, as a person would. */
static bool confirm(struct demo *d, struct act *act)
{
	int64_t end = clock_mono(&clock_system) + WAIT_MS;
	if (!act_confirm(act, act->must_type))
		fail_msg("%s %s: %s", act->action->name, act->targets[0].key, act->error ? act->error : act->decision.why);
	while (act->state == ACT_RUNNING && clock_mono(&clock_system) < end)
		take(d, 50);
	if (act->state == ACT_FAILED && act->targets[0].error && strstr(act->targets[0].error, "plan again"))
		return false;
	until(d, act, ACT_DONE);
	return true;
}

static struct act *does(struct demo *d, const char *action, const char *kind, const char *key, const char *params)
{
	struct act *act;
	do {
		act = plan(d, action, kind, key, params);
		const json_t *p = act->targets[0].plan;
		assert_true(json_array_size(json_object_get(p, "change")) > 0);
		assert_true(json_array_size(json_object_get(p, "steps")) > 0);
	} while (!confirm(d, act));
	return act;
}

static void undo(struct demo *d, struct act *act)
{
	struct act *back;
	do {
		const char *why = NULL;
		back = act_undo(act, &why);
		if (!back)
			fail_msg("%s %s is not undone: %s", act->action->name, act->targets[0].key, why);
		until(d, back, ACT_SHOWN);
	} while (!confirm(d, back));
}

struct round { const char *action, *kind, *key, *params, *watched, *row, *col, *before, *after; bool undone; };

/* What a row says before, what it says then, and that it says the first again. */
static void go_round(struct demo *d, const struct round *r)
{
	becomes(d, r->watched, r->row, r->col, r->before);
	struct act *act = does(d, r->action, r->kind, r->key, r->params);
	becomes(d, r->watched, r->row, r->col, r->after);
	if (!r->undone)
		return;
	undo(d, act);
	becomes(d, r->watched, r->row, r->col, r->before);
}

#define SELF(kind, key) kind, key
static void cluster_goes_round(void **state)
{
	static const struct round all[] = {
		{ "scale-zero", "deployments", "mlflow/mlflow", "{}", SELF("deployments", "mlflow/mlflow"), "status", "Available", "ScaledToZero", true },
		{ "set-image", "cronjobs", "ml-training/batch-score", "{\"image\":\"registry.internal/batch-score:5\"}", SELF("cronjobs",
		  "ml-training/batch-score"), "images", "registry.internal/batch-score:4.0.2", "registry.internal/batch-score:5", true },
		{ "suspend", "cronjobs", "ml-training/batch-score", "{}", SELF("cronjobs", "ml-training/batch-score"), "suspend", "0", "1", true },
		{ "taint", "nodes", NODE, "{\"taint\":\"a=b:NoSchedule\"}", SELF("nodes", NODE), "taints", "-", "a=b:NoSchedule", true },
		{ "label", "nodes", NODE, "{\"label\":\"team=ml\"}", SELF("nodes", NODE), "labels",
		  "eks.amazonaws.com/nodegroup=system,node.kubernetes.io/instance-type=m6i.xlarge",
		  "eks.amazonaws.com/nodegroup=system,node.kubernetes.io/instance-type=m6i.xlarge,team=ml", true },
		{ "label", "deployments", "mlflow/mlflow", "{\"label\":\"app=other\"}", SELF("deployments", "mlflow/mlflow"), "labels", "app=mlflow", "app=other",
		  true },
		{ "label", "deployments", "mlflow/mlflow", "{\"label\":\"app-\"}", SELF("deployments", "mlflow/mlflow"), "labels", "app=mlflow", "", true },
		{ "delete", "services", "mlflow/mlflow", "{}", SELF("services", "mlflow/mlflow"), "type", "ClusterIP", "(none)", false },
		{ "delete", "deployments", "mail/templates", "{}", SELF("deployments", "mail/templates"), "status", "Available", "(none)", false },
		{ "canary", KSERVE, "ml-serving/price-model", "{\"weight\":50}", SELF(KSERVE, "ml-serving/price-model"), "latest", "10", "50", true },
		{ "canary", SELDON, "ml-serving/churn-model", "{\"weight\":\"100\"}", SELF(SELDON, "ml-serving/churn-model"), "main", "80", "0", true },
		{ "scale", KSERVE, "ml-serving/price-model", "{\"min\":2}", SELF(KSERVE, "ml-serving/price-model"), "min", "1", "2", true },
		{ "scale", SELDON, "ml-serving/churn-model", "{\"replicas\":3,\"predictor\":\"main\"}", SELF(SELDON, "ml-serving/churn-model"), "replicas", "3",
		  "4", true },
		{ "sync", ARGO, "argocd/model-api", "{}", SELF(ARGO, "argocd/model-api"), "sync", "OutOfSync", "Synced", true },
		{ "scale-zero", POOLS, "gpu", "{}", SELF(POOLS, "gpu"), "limits", "cpu 200", "cpu 0", true },
		{ "scale-zero", "costs", "group/node group/demo/cpu", "{}", "nodes", "ip-10-0-33-50.eu-west-1.compute.internal", "status", "Ready", "(none)", true },
	};
	static const char *const watched[] = { "deployments", "cronjobs", "jobs", "nodes", "services", KSERVE, SELDON, ARGO, POOLS };
	struct demo d;
	open_demo(&d);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		watch(&d, watched[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		go_round(&d, &all[i]);
	close_demo(&d);
}

/* In a world of its own, for it comes to its end. */
static void the_training_run_goes_round(void **state)
{
	struct demo d;
	open_demo(&d);
	watch(&d, "jobs", "");
	go_round(&d, &(struct round){ "suspend", "jobs", "ml-training/train-r3", "{}", SELF("jobs", "ml-training/train-r3"), "status", "Running",
		"Suspended", true });
	close_demo(&d);
}

static void the_rest_goes_round(void **state)
{
	static const struct round all[] = {
		{ "warm-up", "modelendpoints", "model-api", "{\"calls\":30}", SELF("modelendpoints", "model-api"), "calls", "508", "538", false },
		{ "unload", "modelendpoints", "model-api-v7", "{}", SELF("modelendpoints", "model-api-v7"), "status", "ready", "no model", true },
	};
	struct demo d;
	open_demo(&d);
	watch(&d, "modelendpoints", "");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		go_round(&d, &all[i]);
	/* a check: the newest row of the list */
	watch(&d, "drift", "");
	const struct table *t = store_table(d.store, "drift");
	char *key = NULL;
	for (uint32_t i = 0; i < t->nslots && !key; i++)
		if (table_row(t, i) && table_row(t, i)->level >= LEVEL_DOUBT)
			key = str_dup(row_key(table_row(t, i)));
	assert_non_null(key);
	go_round(&d, &(struct round){ "acknowledge", "drift", key, "{\"note\":\"a new town\"}", SELF("drift", key), "acknowledged", "-", "you: a new town",
		true });
	/* for a while only: the world's time takes it back */
	does(&d, "acknowledge", "drift", key, "{\"note\":\"a new town\",\"until\":\"2m\"}");
	becomes(&d, "drift", key, "acknowledged", "-");
	free(key);
	close_demo(&d);
}

static void objects_go_round(void **state)
{
	static const char csv[] = "mlflow-artifacts/1/", *const versions = "versions:";
	struct demo d;
	char *key = NULL, *place, *gone;
	open_demo(&d);
	watch(&d, "objects", "");
	const struct table *t = store_table(d.store, "objects");
	for (uint32_t i = 0; i < t->nslots && !key; i++)
		if (table_row(t, i) && str_starts(row_key(table_row(t, i)), STR(csv)) && str_ends(row_key(table_row(t, i)), STR("/conda.yaml")))
			key = str_dup(row_key(table_row(t, i)));
	assert_non_null(key);
	go_round(&d, &(struct round){ "delete", "objects", key, "{}", SELF("objects", key), "size", "243", "(none)", true });
	go_round(&d, &(struct round){ "copy", "objects", key, "{\"to\":\"s3://data-raw/copies/\"}", "objects", "data-raw/copies/conda.yaml", "size",
		"(none)", "243", true });
	go_round(&d, &(struct round){ "move", "objects", key, "{\"to\":\"data-raw/moved.yaml\"}", SELF("objects", key), "size", "243", "(none)", true });
	/* its versions: delete it, undelete by its marker; restore the first one; take a version away for good */
	place = xasprintf("%s%s", versions, key);
	does(&d, "delete", "objects", key, "{}");
	watch(&d, "objects", place);
	unsigned n = 0, markers = 0;
	gone = NULL;
	for (int64_t end = clock_mono(&clock_system) + WAIT_MS; n < 3 && clock_mono(&clock_system) < end; take(&d, 50)) {
		n = markers = 0;
		for (uint32_t i = 0; i < t->nslots; i++) {
			const struct row *r = table_row(t, i);
			if (!r || !str_starts(row_key(r), str_of(place)))
				continue;
			n++;
			markers += str_is(row_text_by(t, r, "type"), "deleted");
			if (!gone && !str_is(row_text_by(t, r, "type"), "deleted"))
				gone = str_dup(row_key(r));
		}
	}
	assert_true(n >= 3 && markers >= 1 && gone);
	struct act *act = does(&d, "restore", "objects", gone, "{}");
	becomes(&d, "objects", key, "size", "243");
	undo(&d, act);
	becomes(&d, "objects", key, "size", "(none)");
	does(&d, "undelete", "objects", key, "{}");
	becomes(&d, "objects", key, "size", "243");
	act = plan(&d, "delete", "objects", gone, "{}");
	assert_true(json_is_true(json_object_get(act->targets[0].plan, "irreversible")));
	assert_true(confirm(&d, act));
	becomes(&d, "objects", gone, "size", "(none)");
	assert_false(act_can_undo(act));
	free(key);
	free(place);
	free(gone);
	close_demo(&d);
}

static const char *blocked(struct demo *d, const char *action, const char *kind, const char *key, const char *params)
{
	struct act *act = plan(d, action, kind, key, params);
	const char *why = json_string_value(json_object_get(act->targets[0].plan, "blocked"));
	assert_false(act_confirm(act, act->must_type));
	return why ? why : "";
}

static void what_cannot_be_is_said(void **state)
{
	struct demo d;
	open_demo(&d);
	assert_string_equal(blocked(&d, "canary", KSERVE, "ml-serving/price-model", "{\"weight\":101}"), "say how much: weight is from 0 to 100 percent");
	assert_non_null(strstr(blocked(&d, "scale", KSERVE, "ml-serving/price-model", "{\"min\":5,\"max\":2}"), "is more than"));
	assert_non_null(strstr(blocked(&d, "sync", ARGO, "argocd/model-api", "{\"revision\":\"zzz\"}"), "git has no revision"));
	assert_non_null(strstr(blocked(&d, "label", "nodes", NODE, "{\"label\":\"no label\"}"), "is no label"));
	assert_non_null(strstr(blocked(&d, "taint", "nodes", NODE, "{\"taint\":\"a=b:Sometimes\"}"), "is no taint"));
	assert_non_null(strstr(blocked(&d, "copy-from", "pods", "monitoring/prometheus-0", "{\"path\":\"/x\"}"), "simulated"));
	assert_non_null(strstr(blocked(&d, "unload", "modelendpoints", "model-api", "{}"), "no way"));
	close_demo(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_what_all_others_offer), cmocka_unit_test(cluster_goes_round), cmocka_unit_test(the_training_run_goes_round), cmocka_unit_test(the_rest_goes_round),
		cmocka_unit_test(objects_go_round), cmocka_unit_test(what_cannot_be_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
