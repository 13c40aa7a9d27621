/* may: what this user may do to a pipeline, before it is tried; see base/permits.h. Neither version answers that question as such,
 * so what there is differs:
 *
 *   3.x  The dry run of marking a task, of a task that is not there: 403 where one may not, 404 where one may. It stores nothing
 *        and, unlike clearing's dry run, leaves no line in Airflow's own audit log. The token of the simple auth manager says
 *        the role besides; a viewer may only look, all others may do everything to pipelines.
 *   2.x  One's own user and its roles, where the role lets one read them (most do not): then as FAB judges. Clearing's dry run
 *        would tell, but as a "clear" in the audit log, which nobody asked for.
 *
 * What is not said here is not known, and remembered once it was refused. */
#include "backends/airflow/airflow.h"
#include "base/mem.h"
#include <stdlib.h>

static const struct need { const char *action, *verb, *resource; bool of_dag; } needs[] = {       /* of FAB */
	{ "trigger", "can_create", "DAG Runs", false }, { "backfill", "can_create", "DAG Runs", false }, { "pause", NULL, NULL, true },
	{ "unpause", NULL, NULL, true }, { "backfill-state", NULL, NULL, true }, { "clear", "can_edit", "Task Instances", false },
	{ "mark", "can_edit", "Task Instances", false }, { "cancel", "can_edit", "DAG Runs", false },
};

static void tell(json_t *may, const char *action, bool yes, const struct api *a, struct str dag)
{
	json_object_set_new(may, action, yes ? json_true() : json_sprintf("Airflow lets %s%s%s only look at '" STR_FMT "'", a->access.user ? "'" : "",
		a->access.user ? a->access.user : "this user", a->access.user ? "'" : "", STR_ARG(dag)));
}

/* ---- 3.x */

static void by_token(const struct api *a, struct str dag, json_t *may)
{
	json_t *claims = jwt_claims(secret_reveal(a->bearer));
	struct str role = text_in(claims, "role");
	bool all = str_is(role, "user") || str_is(role, "op") || str_is(role, "admin"), none = str_is(role, "viewer");
	for (size_t i = 0; (all || none) && i < ARRAY_SIZE(needs); i++)
		tell(may, needs[i].action, all, a, dag);
	json_decref(claims);
}

static void by_dry_run(struct airflow *a, struct str dag, json_t *may)
{
	json_t *body = json_pack("{s:s}", "new_state", "success"), *answer;
	struct buf path = { 0 };
	buf_adds(&path, "/dags/");
	http_escape(&path, dag);
	buf_adds(&path, "/dagRuns/binnacle-asks/taskInstances/binnacle-asks/dry_run");
	answer = api_send(&a->api, "PATCH", path.data, body);
	bool no = api_forbidden(&a->api), yes = answer || (a->api.end == HTTP_STATUS && a->api.status == 404);
	if (yes || no) {
		by_token(&a->api, dag, may);
		tell(may, "clear", yes, &a->api, dag);       /* what the server said counts more */
		tell(may, "mark", yes, &a->api, dag);
	}
	json_decref(answer);
	json_decref(body);
	buf_release(&path);
}

/* ---- 2.x */

static bool role_has(const json_t *role, const char *verb, struct str resource)
{
	const json_t *list = json_object_get(role, "actions"), *o;
	for (size_t i = 0; (o = json_array_get(list, i)); i++)
		if (str_is(text_in(json_object_get(o, "action"), "name"), verb) && str_eq(text_in(json_object_get(o, "resource"), "name"), resource))
			return true;
	return false;
}

/* Both of the DAG (or of all) and of what is below it, each by any of the roles. */
static bool roles_have(const json_t *roles, const char *verb, struct str resource)
{
	for (size_t i = 0; i < json_array_size(roles); i++)
		if (role_has(json_array_get(roles, i), verb, resource))
			return true;
	return false;
}

static void judge(const json_t *roles, const struct api *a, struct str dag, json_t *may)
{
	char *own = xasprintf("DAG:" STR_FMT, STR_ARG(dag));
	bool edit = roles_have(roles, "can_edit", STR("DAGs")) || roles_have(roles, "can_edit", str_of(own));
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		tell(may, needs[i].action, edit && (needs[i].of_dag || roles_have(roles, needs[i].verb, str_of(needs[i].resource))), a, dag);
	}
	free(own);
}

static void by_roles(struct airflow *a, struct str dag, json_t *may)
{
	struct buf path = { 0 };
	json_t *roles = json_array();
	size_t i;
	bool whole;
	buf_adds(&path, "/users/");
	http_escape(&path, str_of(a->api.access.user));
	json_t *user = api_get(&a->api, "%s", path.data);
	const json_t *names = json_object_get(user, "roles");
	whole = json_array_size(names) > 0;
	for (i = 0; whole && i < json_array_size(names); i++) {
		buf_clear(&path);
		buf_adds(&path, "/roles/");
		http_escape(&path, text_in(json_array_get(names, i), "name"));
		json_t *role = api_get(&a->api, "%s", path.data);
		whole = role && json_array_append_new(roles, role) == 0;
	}
	if (whole)
		judge(roles, &a->api, dag, may);
	json_decref(roles);
	json_decref(user);
	buf_release(&path);
}

void may_ask(struct airflow *a, const struct request *r)
{
	struct task_key k;
	json_t *may = json_object(), *o;
	bool file = str_starts(str_of(r->key), STR("import error/"));
	task_key_parse(str_of(r->key), &k);
	if (file || !k.dag.n || !api_ready(&a->api))
		;                            /* nothing is known */
	else if (a->api.version == 2)
		by_dry_run(a, k.dag, may);
	else if (a->api.access.user)
		by_roles(a, k.dag, may);
	o = json_pack("{s:o}", "may", may);
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(a->api.link, r->id, text != NULL, str_of(text ? text : "the pipeline's name is not UTF-8"));
	free(text);
	json_decref(o);
}
