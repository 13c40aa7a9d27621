/* changes: who was in production when. MLflow forgets: an alias is moved without a trace. So each change of a champion that is
 * seen goes into the local history, and what the history holds is shown beside what MLflow's own stages and tags say. */
#include "backends/mlflow/mlflow.h"
#include "base/history.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define KIND "production"        /* of the events: subject is the model, what the version ("none"), detail JSON */

static void put(struct buf *rows, struct str model, int64_t at, struct str version, const json_t *detail)
{
	struct buf key = { 0 }, name = { 0 };
	bool none = str_is(version, "none"), first = json_is_true(json_object_get(detail, "first"));
	buf_addf(&key, "seen/" STR_FMT "/%lld", STR_ARG(model), (long long)at);
	if (!none)
		buf_addf(&name, "v" STR_FMT, STR_ARG(version));
	promotion_put(rows, &(struct reg_promotion){ .key = buf_str(&key), .model = model, .time = at, .version = buf_str(&name),
		.what = none ? STR("left without champion") : first ? STR("champion, found so") : STR("became champion"),
		.before = get_text(detail, "before"), .user = get_text(detail, "user"), .reason = get_text(detail, "reason"),
		.run = get_text(detail, "run"), .metrics = get_text(detail, "metrics"), .samples = -1, .origin = STR("seen by binnacle") });
	buf_release(&key);
	buf_release(&name);
}

/* What the last event says of the model, as a version's number; -1 none, -2 nothing is known. */
static bool take_last(void *arg, const struct history_event *e)
{
	int64_t v;
	*(int *)arg = str_to_i64(e->what, &v) ? (int)v : -1;
	return true;
}

static int last_known(const struct mlflow *m, const struct model *model)
{
	int last = -2;
	history_read(link_history(m->link), &(struct history_query){ .kind = KIND, .source = link_name(m->link),
		.subject = model->name, .limit = 1 }, take_last, &last, NULL);
	return last;
}

/* Who and why, from the tags that pipelines and binnacle leave on a version. */
static json_t *ask_why(struct mlflow *m, const struct model *model)
{
	static const struct { const char *tag, *as; } tags[] = { { "promoted_by", "user" }, { "approved_by", "user" },
		{ "promotion_reason", "reason" }, { "reason", "reason" } };
	struct buf path = { 0 };
	json_t *detail = json_object();
	if (model->champion < 0)
		return detail;
	buf_adds(&path, API "model-versions/get?name=");
	http_escape(&path, str_of(model->name));
	buf_addf(&path, "&version=%d", model->champion);
	json_t *j = client_json(m, path.data, NULL), *v = json_object_get(j, "model_version");
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		const json_t *tag = get_tag(json_object_get(v, "tags"), tags[i].tag);
		if (tag && !json_object_get(detail, tags[i].as))
			json_object_set(detail, tags[i].as, (json_t *)(uintptr_t)tag);
	}
	if (json_object_get(v, "run_id"))
		json_object_set(detail, "run", json_object_get(v, "run_id"));
	json_decref(j);
	buf_release(&path);
	return detail;
}

void changes_note(struct mlflow *m, struct model *model)
{
	char what[16] = "none", before[16];
	struct buf rows = { 0 };
	bool looked = model->champion_said != -2;
	int last = looked ? model->champion_said : last_known(m, model);
	int64_t now = mlflow_now(m);
	model->champion_said = model->champion;
	if (last == model->champion || (last == -2 && model->champion < 0))
		return;
	/* at first sight, with nothing known, many models at once: nobody is asked */
	json_t *detail = last == -2 ? json_object() : ask_why(m, model);
	if (model->champion >= 0)
		snprintf(what, sizeof(what), "%d", model->champion);
	snprintf(before, sizeof(before), "v%d", last);
	if (last >= 0)
		json_object_set_new(detail, "before", json_string(before));
	if (last == -2)
		json_object_set_new(detail, "first", json_true());
	if (!looked && last != -2 && !json_object_get(detail, "reason"))
		json_object_set_new(detail, "reason", json_string("changed while binnacle did not look"));
	char *text = json_dumps(detail, JSON_COMPACT);
	history_add(link_history(m->link), &(struct history_event){ .kind = STR(KIND), .source = str_of(link_name(m->link)),
		.subject = str_of(model->name), .what = str_of(what), .detail = str_of(text), .at = now, .value = NAN });
	rows_start(&rows, "promotions");
	put(&rows, str_of(model->name), now, str_of(what), detail);
	send_body(m, &rows);
	free(text);
	json_decref(detail);
}

static bool take_event(void *arg, const struct history_event *e)
{
	json_t *detail = e->detail.n ? json_loadb(e->detail.p, e->detail.n, 0, NULL) : NULL;
	put(arg, e->subject, e->at, e->what, detail);
	json_decref(detail);
	return true;
}

void changes_send(struct mlflow *m)
{
	struct buf rows = { 0 };
	rows_start(&rows, "promotions");
	history_read(link_history(m->link), &(struct history_query){ .kind = KIND, .source = link_name(m->link), .limit = 2000 },
	             take_event, &rows, NULL);
	send_body(m, &rows);
}
