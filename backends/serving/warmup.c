/* warmup: predictions with the inputs that were asked of late, so that caches, workers and compiled paths are warm before
 * users come; and the latency of the first beside the last, so that one sees whether it helped. */
#define _GNU_SOURCE    /* nanosleep */
#include "backends/serving/serving.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 20, CALLS_MOST = 500, FAILURES = 3, PAUSE_MS = 20 };

/* Inputs as a form would have them: every field's default. NULL: some field has none. */
static json_t *defaults(const json_t *schema)
{
	json_t *inputs = json_object(), *field;
	size_t i;
	json_array_foreach(json_object_get(schema, "fields"), i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));
		json_t *v = json_object_get(field, "default");
		if (name && v && !json_is_null(v))
			json_object_set(inputs, name, v);
		else if (json_is_true(json_object_get(field, "required")))
			i = SIZE_MAX - 1;
		if (i == SIZE_MAX - 1)
			break;
	}
	if (i != SIZE_MAX - 1 && json_object_size(inputs))
		return inputs;
	json_decref(inputs);
	return NULL;
}

/* The newest inputs known, from wherever; *from says where. */
static json_t *inputs_of(struct serving *s, struct model *m, unsigned n, const char **from)
{
	json_t *list = known_inputs(s->known, m->title ? m->title : *m->name ? m->name : NULL, n), *one;
	*from = "the log of predictions";
	if (json_array_size(list))
		return list;
	json_decref(list);
	*from = "what the service remembers";
	if ((list = history_inputs(s, n)) && json_array_size(list))
		return list;
	json_decref(list);
	list = json_array();
	*from = "the last ones sent from here";
	if (m->sent) {
		json_array_append(list, m->sent);
	} else if ((one = defaults(call_schema(s, m)))) {
		*from = "the defaults of its description";
		json_array_append_new(list, one);
	}
	return list;
}

void warmup_plan(struct serving *s, struct model *m, const struct request *r, json_t *plan)
{
	json_t *params = json_loads(r->params, 0, NULL), *list, *body = NULL;
	int64_t calls = plan_param_int(params, "calls", CALLS);
	double p50, p99;
	int64_t before, failed;
	const char *from;
	if (calls < 1 || calls > CALLS_MOST)
		plan_say(plan, "blocked", "the number of predictions is from 1 to %d", CALLS_MOST);
	list = inputs_of(s, m, (unsigned)(calls < 1 ? 1 : calls > CALLS_MOST ? CALLS_MOST : calls), &from);
	call_figures(m, &p50, &p99, &before, &failed);
	if (!json_array_size(list))
		plan_say(plan, "blocked", "no inputs are known: predict once by hand, or let a log of predictions be read");
	if (m->status == STATUS_NOT_READY)
		plan_say(plan, "blocked", "it is not ready: %.300s", m->why);
	plan_say(plan, "change", "%lld predictions with %zu different inputs, from %s", (long long)calls, json_array_size(list), from);
	if (before > failed)
		plan_say(plan, "change", "before: p50 %.1f ms, p99 %.1f ms of %lld calls", p50, p99, (long long)(before - failed));
	plan_say(plan, "warnings", "where the service logs its predictions, these are in its log too");
	struct call_form f = { 0 };
	if (json_array_size(list) && s->protocol->form(s, m, json_array_get(list, 0), false, &f)) {
		char *step = xasprintf("%lld x POST %s", (long long)calls, f.path.data);
		body = json_incref(f.body);
		plan_request(plan, step, body, "each is answered; the last are quicker than the first", "nothing to undo");
		free(step);
	}
	json_decref(f.body);
	buf_release(&f.path);
	plan_say(plan, "not_undone", "the predictions were made");
	json_object_set_new(json_object_get(plan, "target"), "calls", json_integer(calls));
	json_object_set_new(plan, "inputs", list);
	json_decref(params);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double middle(double *ms, size_t n)
{
	qsort(ms, n, sizeof(*ms), by_value);
	return n ? ms[(n - 1) / 2] : NAN;
}

/* Figures of n calls that were answered, in order. */
static void say_figures(double *ms, size_t n, const struct model *m, double before, struct buf *say)
{
	size_t tail = n / 2 < 10 ? n / 2 : 10;
	double first = ms[0], last = tail ? middle(ms + n - tail, tail) : NAN;
	buf_addf(say, "the first took %.1f ms", first);
	if (tail)
		buf_addf(say, ", the last %zu %.1f ms (p50)", tail, last);
	if (!isnan(before))
		buf_addf(say, "; before: %.1f ms", before);
	if (m->version)
		buf_addf(say, "; v%s answered", *m->version == 'v' ? m->version + 1 : m->version);
}

void warmup_run(struct serving *s, struct model *m, const struct request *r, const json_t *plan)
{
	const json_t *list = json_object_get(plan, "inputs");
	int64_t calls = plan_param_int(json_object_get(plan, "target"), "calls", 0), was, wrong;
	size_t given = json_array_size(list), n = 0, failed = 0, row = 0;
	double *ms = xcalloc(CALLS_MOST, sizeof(*ms)), before, p99;
	char why[500] = "";
	struct buf say = { 0 };
	call_figures(m, &before, &p99, &was, &wrong);
	if (!given || calls < 1 || calls > CALLS_MOST)
		calls = 0;
	for (int64_t i = 0; i < calls && !is_cancelled(s) && row < FAILURES; i++) {
		bool ok = call_once(s, m, json_array_get(list, (size_t)i % given), &ms[n], why, sizeof(why));
		row = ok ? 0 : row + 1;
		n += ok;
		failed += !ok;
		if (i == 0 || (i + 1) % 10 == 0)
			run_say(s->link, r->id, STEP_RUNNING, 1, 1, "%lld of %lld: %.1f ms", (long long)i + 1, (long long)calls, ok ? ms[n - 1] : NAN);
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000 }, NULL);   /* a human's pace would be slower still */
	}
	buf_addf(&say, "%zu of %lld answered%s", n, (long long)calls, n ? ": " : "");
	if (n)
		say_figures(ms, n, m, before, &say);
	if (failed)
		buf_addf(&say, "; %zu failed: %.300s", failed, why);
	if (is_cancelled(s))
		buf_adds(&say, "; stopped");
	run_over(s->link, r->id, n && !failed, buf_str(&say), NULL);
	buf_release(&say);
	free(ms);
}
