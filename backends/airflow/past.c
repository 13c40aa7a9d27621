/* past: what is known of each pipeline from the runs that went by: the strip of outcomes, usual times, the order of its
 * tasks. Small and bounded: twenty runs a pipeline. */
#include "backends/airflow/airflow.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

enum { TIMES_MAX = 64, TASKS_MAX = 4000 };

static int dag_cmp(const void *id, const void *d)
{
	return str_cmp(*(const struct str *)id, str_of((*(struct dag *const *)d)->id));
}

struct dag *past_dag(struct past *p, struct str id)
{
	struct dag **found = p->n ? bsearch(&id, p->dags, p->n, sizeof(*p->dags), dag_cmp) : NULL;
	unsigned at = p->n;
	if (found)
		return *found;
	p->dags = xreallocarray(p->dags, p->n + 1, sizeof(*p->dags));
	while (at > 0 && str_cmp(str_of(p->dags[at - 1]->id), id) > 0)
		at--;
	memmove(p->dags + at + 1, p->dags + at, (p->n - at) * sizeof(*p->dags));
	struct dag *d = xcalloc(1, sizeof(*d));
	*d = (struct dag){ .id = str_dup(id), .max = -1, .paused = -1 };
	p->n++;
	return p->dags[at] = d;
}

static void drop_run(struct dag *d, unsigned i)
{
	free(d->runs[i].name);
	memmove(d->runs + i, d->runs + i + 1, (d->nruns - i - 1) * sizeof(*d->runs));
	d->nruns--;
}

bool past_learn(struct dag *d, struct str name, int64_t at, struct str state, int64_t took)
{
	enum state_is is = state_meaning(state);
	unsigned i = 0;
	bool changed = true;
	for (unsigned k = 0; k < d->nruns; k++)
		if (str_is(name, d->runs[k].name)) {
			changed = d->runs[k].is != is || d->runs[k].took != took;
			drop_run(d, k);
			break;
		}
	if (is == STATE_WELL && at > d->well_at)
		d->well_at = at;
	while (i < d->nruns && d->runs[i].at > at)
		i++;
	if (i == PAST_RUNS)
		return false;
	if (d->nruns == PAST_RUNS)
		drop_run(d, PAST_RUNS - 1);
	memmove(d->runs + i + 1, d->runs + i, (d->nruns - i) * sizeof(*d->runs));
	d->runs[i] = (struct past_run){ str_dup(name), at, took, is };
	d->nruns++;
	d->dirty |= changed;
	return changed;
}

int64_t past_usual(const struct dag *d)
{
	int64_t ms[PAST_RUNS];
	unsigned n = 0;
	for (unsigned i = 0; i < d->nruns; i++)
		if (d->runs[i].is == STATE_WELL && d->runs[i].took >= 0)
			ms[n++] = d->runs[i].took;
	return usual_of(ms, n);
}

void past_recent(const struct dag *d, char out[STRIP + 1])
{
	unsigned n = d->nruns < STRIP ? d->nruns : STRIP;
	for (unsigned i = 0; i < n; i++)
		out[i] = state_letter(d->runs[n - 1 - i].is);
	out[n] = 0;
}

static const char *word_of(enum state_is s)
{
	static const char *const words[] = { [STATE_UNKNOWN] = "unknown", [STATE_NONE] = "", [STATE_WAITING] = "queued",
		[STATE_RUNNING] = "running", [STATE_WELL] = "success", [STATE_FAILED] = "failed", [STATE_HELD] = "failed",
		[STATE_SKIPPED] = "skipped" };
	return words[s];
}

void past_put(const struct dag *d, struct buf *out)
{
	char recent[STRIP + 1];
	int64_t active = 0;
	past_recent(d, recent);
	for (unsigned i = 0; i < d->nruns; i++)
		active += d->runs[i].is == STATE_RUNNING || d->runs[i].is == STATE_WAITING;
	pipeline_put(out, &(struct pipeline){ .key = str_of(d->id), .name = str_of(d->id), .schedule = str_of(d->schedule),
		.owner = str_of(d->owner), .tags = str_of(d->tags), .file = str_of(d->file), .help = str_of(d->help),
		.recent = str_of(recent), .last = str_of(d->nruns ? word_of(d->runs[0].is) : ""),
		.last_at = d->nruns ? d->runs[0].at : 0, .next = d->paused == 1 ? 0 : d->next, .usual = past_usual(d),
		.active = active, .max = d->max, .paused = d->paused, .gone = d->gone });
}

/* ---- tasks */

const struct past_task *past_task(const struct dag *d, struct str name)
{
	for (unsigned i = 0; i < d->ntasks; i++)
		if (str_is(name, d->tasks[i].name))
			return &d->tasks[i];
	return NULL;
}

static void drop_tasks(struct dag *d)
{
	for (unsigned i = 0; i < d->ntasks; i++) {
		free(d->tasks[i].name);
		free(d->tasks[i].upstream);
	}
	free(d->tasks);
	d->tasks = NULL;
	d->ntasks = 0;
}

static void add_upstream(struct past_task *t, struct str name)
{
	char *longer = *t->upstream ? xasprintf("%s," STR_FMT, t->upstream, STR_ARG(name)) : str_dup(name);
	free(t->upstream);
	t->upstream = longer;
}

/* Places by order: a task stands after all that comes before it, else as the server has them. */
static void order_tasks(struct dag *d)
{
	for (unsigned i = 0; i < d->ntasks; i++)
		d->tasks[i].order = -1;
	for (int64_t next = 0, before = -1; next < d->ntasks && before != next;) {
		before = next;
		for (unsigned i = 0; i < d->ntasks; i++) {
			struct past_task *t = &d->tasks[i];
			bool ready = t->order < 0;
			for (struct str rest = str_of(t->upstream); ready && rest.n;) {
				const struct past_task *up = past_task(d, str_split(&rest, ','));
				ready = !up || up->order >= 0;
			}
			if (ready)
				t->order = next++;
		}
	}
}

void past_take_tasks(struct dag *d, const json_t *tasks)
{
	size_t n = json_array_size(tasks), i, k;
	const json_t *o, *down;
	struct past_task *old = d->tasks;
	unsigned nold = d->ntasks;
	if (n > TASKS_MAX)
		n = TASKS_MAX;
	d->tasks = xcalloc(n + 1, sizeof(*d->tasks));
	d->ntasks = 0;
	for (i = 0; i < n; i++) {
		struct str name = text_in(json_array_get(tasks, i), "task_id");
		if (name.n)
			d->tasks[d->ntasks++] = (struct past_task){ str_dup(name), xstrdup(""), -1, -1 };
	}
	json_array_foreach(tasks, i, o) {
		json_array_foreach(json_object_get(o, "downstream_task_ids"), k, down) {
			const struct past_task *t = past_task(d, (struct str){ json_string_value(down), json_string_length(down) });
			if (t && text_in(o, "task_id").n)
				add_upstream((struct past_task *)(uintptr_t)t, text_in(o, "task_id"));
		}
	}
	for (i = 0; i < nold; i++) {
		struct past_task *t = (struct past_task *)(uintptr_t)past_task(d, str_of(old[i].name));
		if (t)
			t->usual = old[i].usual;
		free(old[i].name);
		free(old[i].upstream);
	}
	free(old);
	order_tasks(d);
}

void past_take_times(struct dag *d, const json_t *instances)
{
	for (unsigned k = 0; k < d->ntasks; k++) {
		int64_t ms[TIMES_MAX];
		unsigned n = 0;
		size_t i;
		const json_t *o;
		json_array_foreach(instances, i, o) {
			double s = real_in(o, "duration");
			if (n < TIMES_MAX && str_is(text_in(o, "task_id"), d->tasks[k].name) && s >= 0 && s < 1e9)
				ms[n++] = (int64_t)(s * 1000);
		}
		if (n)
			d->tasks[k].usual = usual_of(ms, n);
	}
}

void past_release(struct past *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct dag *d = p->dags[i];
		while (d->nruns)
			drop_run(d, 0);
		drop_tasks(d);
		json_decref(d->tries);
		free(d->id);
		free(d->schedule);
		free(d->owner);
		free(d->tags);
		free(d->file);
		free(d->help);
		free(d);
	}
	free(p->dags);
	*p = (struct past){ 0 };
}
