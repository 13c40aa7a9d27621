/* may: whether this user may promote and roll back a model, before it is tried. A server with basic-auth tells everybody their own
 * permission of a model: since 3.5 or so as it comes out of grants, roles and the default (users/permissions/get); before, the
 * grants alone (users/get), and of a model without one the server's default_permission holds, which nobody can ask: that is
 * not known then. Changing an alias, a stage or a tag takes EDIT. A server without basic-auth lets everybody do all, and a proxy
 * before it says nothing about it: not known either. */
#define _GNU_SOURCE
#include "backends/mlflow/mlflow.h"
#include "base/action.h"
#include "base/mem.h"
#include <stdlib.h>

static json_t *ask(struct mlflow *m, const char *path, struct str model)
{
	struct buf b = { 0 };
	buf_adds(&b, path);
	http_escape(&b, str_of(m->access.user));
	if (model.n) {
		buf_adds(&b, "&resource_type=registered_model&resource_id=");
		http_escape(&b, model);
	}
	json_t *j = client_json(m, b.data, NULL);
	buf_release(&b);
	return j;
}

/* "EDIT" and the like; empty: not known. The answer that it is in is *from, for the caller to decref. */
static struct str permission_of(struct mlflow *m, struct str model, json_t **from)
{
	struct str is;
	*from = ask(m, "/api/3.0/mlflow/users/permissions/get?username=", model);
	if (*from)
		return get_text(*from, "permission");
	if (m->failure.end != HTTP_STATUS || m->failure.status != 404)
		return STR("");
	*from = ask(m, API "users/get?username=", STR(""));
	const json_t *user = json_object_get(*from, "user"), *list = json_object_get(user, "registered_model_permissions");
	if (json_is_true(json_object_get(user, "is_admin")))
		return STR("MANAGE");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(get_text(json_array_get(list, i), "name"), model) && (is = get_text(json_array_get(list, i), "permission")).n)
			return is;
	return STR("");
}

void mlflow_may(struct mlflow *m, const struct request *r)
{
	struct str key = str_of(r->key), model = str_split(&key, '/');
	json_t *may = json_object(), *from = NULL;
	struct str is = m->access.user ? permission_of(m, model, &from) : STR("");
	bool yes = str_is(is, "EDIT") || str_is(is, "MANAGE"),
	     no = str_is(is, "READ") || str_is(is, "USE") || str_is(is, "NO_PERMISSIONS") || str_is(is, "DENY");
	for (const struct action *const *a = mlflow_actions; (yes || no) && *a; a++)
		json_object_set_new(may, (*a)->name, yes ? json_true() : json_sprintf("'%s' has " STR_FMT " on model '" STR_FMT "', and it takes "
			"EDIT", m->access.user, STR_ARG(is), STR_ARG(model)));
	json_t *o = json_pack("{s:o}", "may", may);
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(m->link, r->id, text != NULL, str_of(text ? text : "the model's name is not UTF-8"));
	free(text);
	json_decref(o);
	json_decref(from);
}
