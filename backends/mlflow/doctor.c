/* doctor: the checks of `binnacle doctor` on one MLflow server, each with what to do when it fails. */
#include "backends/mlflow/mlflow.h"
#include "backends/net/doctor.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static void failed(struct mlflow *m, json_t *all, const char *name)
{
	doctor_check(all, name, 0, m->failure.remedy, "%s", m->failure.error);
}

static void count(void *arg, const json_t *e)
{
	++*(unsigned *)arg;
}

static void check_clock(struct mlflow *m, json_t *all)
{
	int64_t skew = m->failure.date_ms ? m->failure.date_ms - mlflow_now(m) : 0;
	if (m->failure.date_ms)
		doctor_check(all, "clock", skew > -30000 && skew < 30000 ? 1 : -1, "set the clock of this machine or of the server: ages are wrong",
		      "the server's clock is %lld s off ours", (long long)(skew / 1000));
}

static void check_lists(struct mlflow *m, json_t *all)
{
	unsigned n = 0;
	struct list_query models = { .path = API "registered-models/search?", .name = "registered_models", .page = 1000,
		.element = count, .arg = &n };
	bool ok = client_list(m, &models);
	bool refused = !ok && (m->failure.status == 401 || m->failure.status == 403);
	if (refused) {
		failed(m, all, "authenticated");
		return;
	}
	if (!ok && client_is_lost(m)) {
		failed(m, all, "registry");
		return;
	}
	doctor_check(all, "authenticated", 1, "", "%s", access_has(&m->access, "token") ? "by token" : m->access.user ? "by user and password" : "nobody asks who we are");
	check_clock(m, all);
	if (ok)
		doctor_check(all, "registry", n ? 1 : -1, "register a model there", "%u registered models", n);
	else
		failed(m, all, "registry");
	if (runs_experiments(m, false))
		doctor_check(all, "experiments", 1, "", "%u experiments", m->nexperiments);
	else
		failed(m, all, "experiments");
}

void doctor_run(struct mlflow *m, const struct request *r)
{
	json_t *all = json_array();
	m->known = false;
	if (!client_version(m)) {
		failed(m, all, m->failure.end == HTTP_STATUS || m->failure.end == HTTP_CREDENTIALS ? "authenticated" : "reachable");
	} else {
		doctor_check(all, "reachable", 1, "", "answers in %.1f ms", (double)m->latency_us / 1000);
		doctor_check(all, "version", m->version[0] && atoi(m->version) <= 3 ? 1 : -1, "1.28, 2.22 and 3.x are known to work",
		      "MLflow %s", m->version[0] ? m->version : "of unknown version");
		check_lists(m, all);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(m->link, r->id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
}
