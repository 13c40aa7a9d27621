/* run: sends what a plan says, no more and no less, after looking once more that the object is the one the plan was made
 * for. */
#define _GNU_SOURCE
#include "backends/kubernetes/actions.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define BUDGET_RETRY_MS 5000
#define READ_BACK_MS 15000     /* how long a server that gave no answer is asked whether it took the request */
#define CONFLICTS_MOST 5       /* how often a request goes out anew whose object's status moved on at that moment */

void run_step(struct run *run, int state, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_step(run->w->k->link, run->w->r->id, (struct msg_step){ .state = (enum step_state)state, .ok = true,
		.at = run->at, .of = run->of, .say = buf_str(&b) });
	buf_release(&b);
}

/* No answer came: was the request taken? Looks at what it was to change. 1: yes, 0: no, -1: that cannot be told. */
static int look_once(struct run *run, const char *method, const char *path, const json_t *body)
{
	char print[17];
	json_t *o;
	int taken = -1;

	if (!strcmp(method, "POST") && jis(body, "kind", "Eviction"))
		return -1;                         /* drain and evict look for the pod themselves */
	if (!strcmp(method, "POST")) {
		char *made = xasprintf("%.*s/%s", (int)strcspn(path, "?"), path, jtext(body, "metadata.name"));

		o = work_get(run->w, made);
		free(made);
		taken = o ? 1 : run->w->status == 404 ? 0 : -1;
	} else {
		o = work_object(run->w, run->t.api, run->t.ns, run->t.name);
		if (o)
			object_print(o, print);
		if (!o && run->w->status == 404)
			taken = !strcmp(method, "DELETE");
		else if (o && !strcmp(method, "DELETE"))
			taken = *jtext(o, "metadata.deletionTimestamp") || !jis(o, "metadata.uid", jtext(run->plan, "target.uid"));
		else if (o)
			taken = !jis(run->plan, "target.print", print);
	}
	json_decref(o);
	return taken;
}

static int read_back(struct run *run, const char *method, const json_t *step)
{
	const struct clock *clock = link_clock(run->w->k->link);
	int64_t until = clock_mono(clock) + READ_BACK_MS;
	json_t *body = json_loads(jtext(step, "body"), 0, NULL);
	int taken;

	run_step(run, STEP_WAITING, "no answer came: looking whether it was taken");
	do
		taken = look_once(run, method, strchr(jtext(step, "do"), ' ') + 1, body);
	while (taken < 0 && clock_mono(clock) < until && work_sleep(run->w, 1000));
	json_decref(body);
	return taken;
}

static const char *last_writer(const json_t *o)
{
	const char *who = "", *when = "";
	json_t *f;
	size_t i;

	json_array_foreach(jat(o, "metadata.managedFields"), i, f)
		if (!jis(f, "subresource", "status") && strcmp(jtext(f, "time"), when) >= 0) {
			when = jtext(f, "time");
			who = jtext(f, "manager");
		}
	return who;
}

/* The object is still the one of the plan. Where only its status moved on, the requests demand the version of now. */
static bool recheck(struct run *run)
{
	json_t *plan = run->plan, *o = work_object(run->w, run->t.api, run->t.ns, run->t.name), *step;
	const char *version = jtext(o, "metadata.resourceVersion");
	bool same = false;
	char print[17];
	size_t i;

	if (!o) {
		snprintf(run->say, sizeof(run->say), "%s: %.400s", run->w->status == 404 ? "it is gone" : "it cannot be looked at again",
		         run->w->error);
		return false;
	}
	object_print(o, print);
	if (!jis(o, "metadata.uid", jtext(plan, "target.uid")))
		snprintf(run->say, sizeof(run->say), "another object has its name since the plan was shown: plan again");
	else if (jis(plan, "target.version", version))
		same = true;
	else if (!jis(plan, "target.print", print))
		snprintf(run->say, sizeof(run->say), "it changed since the plan was shown (last by '%.80s'): plan again",
		         last_writer(o));
	else {
		same = true;
		run_step(run, STEP_RUNNING, "only its status moved on since the plan, from version %s to %s",
		         jtext(plan, "target.version"), version);
		json_array_foreach(json_object_get(plan, "steps"), i, step) {
			json_t *body = json_loads(jtext(step, "body"), 0, NULL);
			char *text;

			if (body_set_version(body, version) && (text = json_dumps(body, JSON_COMPACT))) {
				json_object_set_new(step, "body", json_string(text));
				free(text);
			}
			json_decref(body);
		}
		json_object_set_new(json_object_get(plan, "target"), "version", json_string(version));
	}
	json_decref(o);
	return same;
}

/* Refused, for the object is no longer what it was: another version, or what a JSON patch tests. */
static bool is_conflict(const struct work *w)
{
	return w->status == 409 || (w->status == 422 && (strstr(w->error, "test") || strstr(w->error, "rejected")));
}

/* Why a send was refused, in our words where the server's are those of a protocol. */
static void say_refused(struct run *run, const char *what)
{
	struct work *w = run->w;

	if (w->status == 401 || w->status == 403)
		link_refused(w->k->link, w->r->id);
	if (is_conflict(w))
		snprintf(run->say, sizeof(run->say), "it changed since the plan was shown: plan again");
	else if (w->status == 404)
		snprintf(run->say, sizeof(run->say), "it is gone: nothing was done");
	else if (w->end == HTTP_CUT || w->end == HTTP_TIMEOUT)
		snprintf(run->say, sizeof(run->say), "no answer came, and whether it was taken cannot be told: look before trying "
		         "again (%.200s)", w->error);
	else
		snprintf(run->say, sizeof(run->say), "%s was refused: %.400s", what, w->error);
}

static json_t *send_once(struct run *run, const json_t *step)
{
	const char *what = jtext(step, "do"), *space = strchr(what, ' ');
	char method[12] = "";
	json_t *answer;

	if (space && space - what < (int)sizeof(method))
		memcpy(method, what, (size_t)(space - what));
	if (!*method || space[1] != '/') {
		snprintf(run->say, sizeof(run->say), "the plan holds a step that is no request: '%.100s'", what);
		return NULL;
	}
	answer = work_send(run->w, method, space + 1, jtext(step, "type"), jtext(step, "body"));
	if (!answer && (run->w->end == HTTP_CUT || run->w->end == HTTP_TIMEOUT) && !work_cancelled(run->w)) {
		enum http_end end = run->w->end;
		int taken = read_back(run, method, step);

		if (taken > 0)
			return json_object();
		if (!taken) {
			snprintf(run->say, sizeof(run->say), "no answer came, and it was not taken: all is as it was");
			return NULL;
		}
		run->w->end = end;
		run->unknown = true;
	}
	if (!answer)
		say_refused(run, what);
	return answer;
}

/* Only its status moved on since it was looked at, and the requests demand the version of now. */
static bool moved_on(struct run *run)
{
	char *before = xstrdup(jtext(run->plan, "target.version"));
	bool moved = recheck(run) && !jis(run->plan, "target.version", before);

	free(before);
	if (moved)
		*run->say = '\0';
	return moved;
}

/* Between the look and the first request a kubelet may write its status, or a controller taint what was cordoned. */
json_t *run_send(struct run *run, const json_t *step)
{
	json_t *answer = send_once(run, step);

	for (int n = 0; !answer && run->at == 1 && n < CONFLICTS_MOST && is_conflict(run->w) && moved_on(run); n++)
		answer = send_once(run, step);
	return answer;
}

/* One request after the other. A disruption budget that forbids an eviction is asked again until cancelled. */
static bool send_steps(struct run *run)
{
	json_t *steps = json_object_get(run->plan, "steps"), *step, *answer;
	size_t i;

	json_array_foreach(steps, i, step) {
		run->at = (unsigned)i + 1;
		for (;;) {
			if (work_cancelled(run->w)) {
				snprintf(run->say, sizeof(run->say), "stopped before '%.200s'", jtext(step, "do"));
				return false;
			}
			run_step(run, STEP_RUNNING, "%s", jtext(step, "do"));
			answer = run_send(run, step);
			json_decref(answer);
			if (answer)
				break;
			if (run->w->status != 429)
				return false;
			run_step(run, STEP_WAITING, "the disruption budget forbids it now, again in 5 s: %s", run->w->error);
			work_sleep(run->w, run->w->retry_after_ms > BUDGET_RETRY_MS ? run->w->retry_after_ms : BUDGET_RETRY_MS);
		}
		run_step(run, STEP_DONE, "the server took it");
	}
	return true;
}

static void finish(struct run *run, bool ok, bool changed)
{
	json_t *undo = json_object_get(json_object_get(run->plan, "undo"), "params");
	char *params = changed && undo ? json_dumps(undo, JSON_COMPACT) : NULL;

	link_step(run->w->k->link, run->w->r->id, (struct msg_step){ .state = STEP_FINISHED, .ok = ok, .at = run->at,
		.of = run->of, .say = str_of(run->say), .undo = str_of(params), .unknown = !ok && run->unknown });
	run->w->ended = true;
	free(params);
}

/* All that the body of a patch says stands in the object; lists are compared whole. */
static bool stands_in(const json_t *body, const json_t *object)
{
	const char *key;
	json_t *v;

	if (!json_is_object(body))
		return json_equal(body, object);
	json_object_foreach((json_t *)(uintptr_t)body, key, v)
		if (strcmp(key, "resourceVersion") && !(json_is_null(v) ? !json_object_get(object, key)
		    : stands_in(v, json_object_get(object, key))))
			return false;
	return json_is_object(object);
}

/* REQ_ASK "taken": what the plan's last request says is looked for in the object. */
void work_taken(struct work *w)
{
	struct run run = { .w = w, .plan = json_object_get(w->params, "plan") };
	const json_t *steps = json_object_get(run.plan, "steps");
	const json_t *step = json_array_get(steps, json_array_size(steps) - 1);
	const char *what = jtext(step, "do"), *space = strchr(what, ' '), *taken = "unknown", *say = "it is as it was when planned";
	json_t *body = json_loads(jtext(step, "body"), 0, NULL), *o;
	char method[12] = "", print[17];

	if (!space || !work_target(w, &run.t)) {
		work_fail(w, "that is no plan whose end could be looked for");
		json_decref(body);
		return;
	}
	snprintf(method, sizeof(method), "%.*s", (int)(space - what), what);
	if (!strcmp(method, "PATCH") && json_is_object(body)) {
		o = work_object(w, run.t.api, run.t.ns, run.t.name);
		if (o)
			object_print(o, print);
		taken = !o ? "unknown" : stands_in(body, o) ? "yes" : jis(run.plan, "target.print", print) ? "no" : "unknown";
		say = !o ? w->error : !strcmp(taken, "yes") ? "what it was to set is there" : *taken == 'n' ? say
			: "it changed since it was planned, and not into what was planned";
		w->status = o ? 0 : w->status;
		work_answer(w, json_pack("{s:s, s:s}", "taken", taken, "say", say));
		json_decref(o);
	} else {
		int found = look_once(&run, method, space + 1, body);

		work_answer(w, json_pack("{s:s, s:s}", "taken", found > 0 ? "yes" : found < 0 ? "unknown" : "no", "say", found > 0
			? "what it was to bring about is so" : found < 0 ? w->error : say));
	}
	json_decref(body);
	target_release(&run.t);
}

void work_run(struct work *w)
{
	const struct act_way *way = act_way(w->r->what, w->r->kind);
	struct run run = { .w = w };
	json_t *plan = json_deep_copy(json_object_get(w->params, "plan"));
	bool ok, changed = false;

	run.plan = plan;
	run.of = (unsigned)json_array_size(json_object_get(plan, "steps"));
	if (!way || !json_is_object(plan) || !jis(plan, "target.key", w->r->key) || !jis(plan, "target.kind", w->r->kind))
		work_fail(w, "the plan is not one for '%s' of '%s'", w->r->what, w->r->key);
	else if (json_object_get(plan, "already") && !run.of) {
		snprintf(run.say, sizeof(run.say), "nothing to do: %.500s", jtext(plan, "already"));
		finish(&run, true, false);
	} else if (json_object_get(plan, "blocked") || !run.of)
		work_fail(w, "the plan cannot be run: %s", run.of ? jtext(plan, "blocked") : "it has no steps");
	else if (!work_target(w, &run.t))
		work_fail_exchange(w);
	else {
		ok = recheck(&run);
		if (ok) {
			ok = changed = way->send ? way->send(&run) : send_steps(&run);
			if (way->send && !ok)
				changed = run.at > 1;        /* the first step was taken */
			if (ok && way->verify)
				ok = way->verify(&run);
		}
		if (ok && !*run.say)
			snprintf(run.say, sizeof(run.say), "done");
		finish(&run, ok, changed);
	}
	json_decref(plan);
	target_release(&run.t);
}
