/* kinds_pipelines: pipelines, their runs, the tasks of a run. Colour: what failed and was not made good is wrong; a run
 * far over its usual time, and a task held up by a failure before it, are doubtful. */
#include "base/pipelines.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/table.h"
#include <stdlib.h>

#define SLOW_TIMES 2.0           /* a run that takes so many times its usual time is doubtful */
#define SLOW_LEAST_MS 60000      /* and so much more than usual */

static const struct { const char *word; enum state_is is; } states[] = {
	{ "success", STATE_WELL }, { "succeeded", STATE_WELL }, { "completed", STATE_WELL }, { "cached", STATE_WELL },
	{ "failed", STATE_FAILED }, { "error", STATE_FAILED }, { "timed_out", STATE_FAILED }, { "aborted", STATE_FAILED },
	{ "running", STATE_RUNNING }, { "restarting", STATE_RUNNING },
	{ "queued", STATE_WAITING }, { "scheduled", STATE_WAITING }, { "deferred", STATE_WAITING },
	{ "up_for_retry", STATE_WAITING }, { "up_for_reschedule", STATE_WAITING }, { "pending", STATE_WAITING },
	{ "upstream_failed", STATE_HELD }, { "skipped", STATE_SKIPPED }, { "removed", STATE_SKIPPED },
	{ "omitted", STATE_SKIPPED },
};

enum state_is state_meaning(struct str state)
{
	if (!state.n)
		return STATE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (state.n == strlen(states[i].word) && str_contains_fold(state, str_of(states[i].word)))
			return states[i].is;
	return STATE_UNKNOWN;
}

enum level state_level(enum state_is s)
{
	static const enum level levels[] = { [STATE_WAITING] = LEVEL_BUSY, [STATE_RUNNING] = LEVEL_BUSY, [STATE_WELL] = LEVEL_OK,
		[STATE_FAILED] = LEVEL_BAD, [STATE_HELD] = LEVEL_DOUBT, [STATE_SKIPPED] = LEVEL_DONE };
	return levels[s];
}

char state_letter(enum state_is s)
{
	return "??q>.XX-"[s];
}

/* ---- what is shown */

static void show_next(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (row_null(r, PIPE_NEXT))
		return;
	int64_t left = row_int(r, PIPE_NEXT) - now;
	buf_adds(out, left >= 0 ? "in " : "due ");
	fmt_age(left >= 0 ? left : -left, out);
}

/* From `from` to `to`; while `to` is open and it lasts, to now. */
static void show_span(const struct row *r, int from, int to, bool lasts, int64_t now, struct buf *out)
{
	if (row_null(r, from) || (row_null(r, to) && !lasts))
		return;
	int64_t ms = (row_null(r, to) ? now : row_int(r, to)) - row_int(r, from);
	fmt_duration(ms > 0 ? ms : 0, out);
}

static void show_run_time(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_span(r, RUN_AGE, RUN_END, state_meaning(row_text(t, r, RUN_STATUS)) == STATE_RUNNING, now, out);
}

static void show_run_queued(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (!row_null(r, RUN_QUEUED))
		fmt_duration(row_int(r, RUN_QUEUED), out);
	else if (row_null(r, RUN_AGE))
		show_span(r, RUN_CREATED, RUN_AGE, state_meaning(row_text(t, r, RUN_STATUS)) == STATE_WAITING, now, out);
}

static void show_pace(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (row_null(r, RUN_USUAL) || row_int(r, RUN_USUAL) <= 0 || row_null(r, RUN_AGE))
		return;
	bool runs = state_meaning(row_text(t, r, RUN_STATUS)) == STATE_RUNNING;
	if (row_null(r, RUN_END) && !runs)
		return;
	int64_t ms = (row_null(r, RUN_END) ? now : row_int(r, RUN_END)) - row_int(r, RUN_AGE);
	buf_addf(out, "%.1fx", (double)ms / (double)row_int(r, RUN_USUAL));
}

/* Run names carry microseconds and a zone, which nobody reads: "manual__2026-11-21T02:48:11.123456+00:00". */
static void show_run_name(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	struct str s = row_text(t, r, RUN_NAME);
	size_t point = str_find(s, STR("."), false), i = point == STR_NONE ? s.n : point + 1;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (str_ends(s, STR("+00:00")) && point != STR_NONE && i + 6 == s.n)
		s.n = point;
	else if (str_ends(s, STR("+00:00")) && point == STR_NONE)
		s.n -= 6;
	buf_addstr(out, s);
}

static void show_task_time(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	if (!row_null(r, TASK_DURATION))
		fmt_duration(row_int(r, TASK_DURATION), out);
	else
		show_span(r, TASK_AGE, TASK_END, state_meaning(row_text(t, r, TASK_STATUS)) == STATE_RUNNING, now, out);
}

static void show_task_queued(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	show_span(r, TASK_READY, TASK_AGE, state_meaning(row_text(t, r, TASK_STATUS)) == STATE_WAITING, now, out);
}

/* ---- the tables */

static const char *const pipelines_aliases[] = { "dags", "pl", NULL };
static const struct column pipelines_cols[PIPE_COL_COUNT] = {
	[PIPE_NAME] = { "name", "PIPELINE", COL_TEXT, 0, 0, 28 },
	[PIPE_STATUS] = { "status", "STATE", COL_STATUS, COL_SHARED, 0, 14 },
	[PIPE_RECENT] = { "recent", "LAST RUNS", COL_TEXT, 0, 1, 10 },
	[PIPE_AGE] = { "age", "LAST", COL_TIME, 0, 1, 6 },
	[PIPE_SCHEDULE] = { "schedule", "SCHEDULE", COL_TEXT, COL_SHARED, 3, 14 },
	[PIPE_NEXT] = { "next", "NEXT", COL_TIME, 0, 2, 8, .show = show_next },
	[PIPE_USUAL] = { "usual", "USUAL", COL_DURATION, 0, 4, 7 },
	[PIPE_OWNER] = { "owner", "OWNER", COL_TEXT, COL_SHARED, 5, 12 },
	[PIPE_TAGS] = { "tags", "TAGS", COL_TEXT, COL_SHARED, 6, 24 },
	[PIPE_ACTIVE] = { "active", "ACTIVE", COL_COUNT, COL_WIDE, 7, 6 },
	[PIPE_PAUSED] = { "paused", "PAUSED", COL_BOOL, COL_HIDDEN, 9 },
	[PIPE_FILE] = { "file", "FILE", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
	[PIPE_ERROR] = { "error", "ERROR", COL_TEXT, COL_WIDE, 8, 40 },
	[PIPE_HELP] = { "description", "DESCRIPTION", COL_TEXT, COL_WIDE, 8, 40 },
	[PIPE_MAX] = { "max_active", "MAX ACTIVE", COL_COUNT, COL_HIDDEN, 9 },
	[PIPE_RANK] = { "rank", "RANK", COL_COUNT, COL_HIDDEN, 9 },
};
const struct kind kind_pipelines = {
	.name = "pipelines", .singular = "pipeline", .aliases = pipelines_aliases,
	.help = "pipelines: what runs when, and how it went",
	.cols = pipelines_cols, .ncols = PIPE_COL_COUNT, .group = "pipelines", .from = "airflow",
};

static const char *const runs_aliases[] = { "dagruns", "executions", NULL };
static const struct column runs_cols[RUN_COL_COUNT] = {
	[RUN_PIPELINE] = { "pipeline", "PIPELINE", COL_REF, COL_SHARED, 0, 20, .ref = "pipelines" },
	[RUN_NAME] = { "name", "RUN", COL_TEXT, 0, 0, 27, .show = show_run_name },
	[RUN_STATUS] = { "status", "STATE", COL_STATUS, COL_SHARED, 0, 9 },
	[RUN_AGE] = { "age", "START", COL_TIME, 0, 1, 6 },
	[RUN_DURATION] = { "duration", "TOOK", COL_DURATION, 0, 1, 7, .show = show_run_time },
	[RUN_PACE] = { "pace", "PACE", COL_REAL, 0, 2, 6, .show = show_pace },
	[RUN_TRIGGER] = { "trigger", "TRIGGER", COL_TEXT, COL_SHARED, 3, 10 },
	[RUN_PARAMS] = { "parameters", "PARAMETERS", COL_TEXT, 0, 4, 40 },
	[RUN_USUAL] = { "usual", "USUAL", COL_DURATION, 0, 5, 7 },
	[RUN_QUEUED] = { "queued", "QUEUED", COL_DURATION, 0, 6, 7, .show = show_run_queued },
	[RUN_BY] = { "by", "BY", COL_TEXT, COL_SHARED, 7, 10 },
	[RUN_NOTE] = { "note", "NOTE", COL_TEXT, COL_WIDE, 8, 20 },
	[RUN_END] = { "end", "END", COL_TIME, COL_WIDE, 8, 6 },
	[RUN_CREATED] = { "created", "CREATED", COL_TIME, COL_HIDDEN, 9 },
	[RUN_DATE] = { "date", "DATE", COL_TIME, COL_HIDDEN, 9 },
	[RUN_TAGS] = { "tags", "TAGS", COL_TEXT, COL_HIDDEN | COL_SHARED, 9 },
};
const struct kind kind_runs = {
	.name = "runs", .singular = "run", .aliases = runs_aliases,
	.help = "runs across all pipelines",
	.cols = runs_cols, .ncols = RUN_COL_COUNT, .group = "pipelines", .from = "airflow",
};

static const char *const tasks_aliases[] = { "taskinstances", "ti", "steps", NULL };
static const struct column tasks_cols[TASK_COL_COUNT] = {
	[TASK_PIPELINE] = { "pipeline", "PIPELINE", COL_REF, COL_SHARED, 3, 20, .ref = "pipelines" },
	[TASK_RUN] = { "run", "RUN", COL_TEXT, COL_SHARED, 4, 20 },
	[TASK_NAME] = { "name", "TASK", COL_TEXT, 0, 0, 20 },
	[TASK_STATUS] = { "status", "STATE", COL_STATUS, COL_SHARED, 0, 12 },
	[TASK_TRY] = { "try", "TRY", COL_PAIR, 0, 2, 4 },
	[TASK_QUEUED] = { "queued", "QUEUED", COL_DURATION, 0, 1, 7, .show = show_task_queued },
	[TASK_DURATION] = { "duration", "RUN", COL_DURATION, 0, 0, 7, .show = show_task_time },
	[TASK_USUAL] = { "usual", "USUAL", COL_DURATION, 0, 3, 7 },
	[TASK_AGE] = { "age", "START", COL_TIME, 0, 5, 6 },
	[TASK_HOST] = { "host", "HOST", COL_TEXT, COL_SHARED, 6, 20 },
	[TASK_POOL] = { "pool", "POOL", COL_TEXT, COL_SHARED, 7, 12 },
	[TASK_OPERATOR] = { "operator", "OPERATOR", COL_TEXT, COL_SHARED, 8, 16 },
	[TASK_UPSTREAM] = { "upstream", "AFTER", COL_TEXT, COL_WIDE | COL_SHARED, 9, 20 },
	[TASK_END] = { "end", "END", COL_TIME, COL_HIDDEN, 9 },
	[TASK_READY] = { "ready", "READY", COL_TIME, COL_HIDDEN, 9 },
	[TASK_MAP] = { "map", "MAP", COL_COUNT, COL_HIDDEN, 9 },
	[TASK_ORDER] = { "order", "ORDER", COL_COUNT, COL_HIDDEN, 9 },
	[TASK_BEFORE] = { "before", "TRIES BEFORE", COL_TEXT, COL_HIDDEN, 9 },
};
const struct kind kind_tasks = {
	.name = "tasks", .singular = "task", .aliases = tasks_aliases,
	.help = "tasks of runs",
	.cols = tasks_cols, .ncols = TASK_COL_COUNT, .group = "pipelines", .from = "airflow",
};

/* ---- rows */

static void int_or_null(struct buf *b, int64_t v)
{
	v >= 0 ? cell_int(b, v) : cell_null(b);
}

/* Import errors first, then what failed, what runs, what is well, what is paused. */
void pipeline_put(struct buf *b, const struct pipeline *p)
{
	enum state_is last = state_meaning(p->last);
	bool runs = last == STATE_RUNNING || last == STATE_WAITING;
	enum level level = p->error.n ? LEVEL_BAD : p->gone || p->paused == 1 ? LEVEL_DONE : state_level(last);
	int rank = p->error.n ? 0 : p->gone ? 5 : p->paused == 1 ? 4 : last == STATE_FAILED ? 1 : runs ? 2 : 3;
	rows_put(b, p->key, level);
	cell_text(b, p->name);
	cell_text(b, p->error.n ? STR("import error") : p->gone ? STR("gone") : p->paused == 1 ? STR("paused") :
	          p->last.n ? p->last : STR("no runs"));
	cell_text_or_null(b, p->recent);
	cell_time(b, p->last_at);
	cell_text_or_null(b, p->schedule);
	cell_time(b, p->next);
	int_or_null(b, p->usual);
	cell_text_or_null(b, p->owner);
	cell_text_or_null(b, p->tags);
	int_or_null(b, p->active);
	int_or_null(b, p->paused);
	cell_text_or_null(b, p->file);
	cell_text_or_null(b, p->error);
	cell_text_or_null(b, p->help);
	int_or_null(b, p->max);
	cell_int(b, rank);
}

static enum level run_level(const struct run *r, int64_t now)
{
	enum state_is is = state_meaning(r->state);
	int64_t ms = (r->end ? r->end : now) - r->start;
	bool slow = r->start && r->usual > 0 && (double)ms > SLOW_TIMES * (double)r->usual && ms - r->usual > SLOW_LEAST_MS;
	if (is == STATE_RUNNING && slow)
		return LEVEL_DOUBT;
	return is == STATE_FAILED && r->past ? LEVEL_DONE : state_level(is);
}

void run_put(struct buf *b, const struct run *r, int64_t now)
{
	int64_t took = r->start && r->end ? r->end - r->start : -1, queued = r->created && r->start && !r->again ? r->start - r->created : -1;
	rows_put(b, r->key, run_level(r, now));
	cell_text(b, r->pipeline);
	cell_text(b, r->name);
	cell_text_or_null(b, r->state);
	cell_time(b, r->start);
	int_or_null(b, took);
	int64_t so_far = took >= 0 ? took : state_meaning(r->state) == STATE_RUNNING && r->start ? now - r->start : -1;
	so_far >= 0 && r->usual > 0 ? cell_real(b, (double)so_far / (double)r->usual) : cell_null(b);
	cell_text_or_null(b, r->trigger);
	cell_text_or_null(b, r->params);
	int_or_null(b, r->usual);
	int_or_null(b, queued);
	cell_text_or_null(b, r->by);
	cell_text_or_null(b, r->note);
	cell_time(b, r->end);
	cell_time(b, r->created);
	cell_time(b, r->date);
	cell_text_or_null(b, r->tags);
}

void task_put(struct buf *b, const struct task *t)
{
	rows_put(b, t->key, state_level(state_meaning(t->state)));
	cell_text(b, t->pipeline);
	cell_text(b, t->run);
	cell_text(b, t->name);
	cell_text_or_null(b, t->state);
	t->tried >= 0 && t->tries >= 0 ? cell_int(b, PAIR(t->tried, t->tries)) : cell_null(b);
	int_or_null(b, t->ready && t->start ? t->start > t->ready ? t->start - t->ready : 0 : -1);
	int_or_null(b, t->duration);
	int_or_null(b, t->usual);
	cell_time(b, t->start);
	cell_text_or_null(b, t->host);
	cell_text_or_null(b, t->pool);
	cell_text_or_null(b, t->operator);
	cell_text_or_null(b, t->upstream);
	cell_time(b, t->end);
	cell_time(b, t->ready);
	int_or_null(b, t->map);
	int_or_null(b, t->order);
	cell_text_or_null(b, t->before);
}

void try_put(struct buf *b, int64_t start, int64_t end, struct str state)
{
	if (start > 0 && end >= start && state.n && !memchr(state.p, ' ', state.n))
		buf_addf(b, "%s%lld-%lld:" STR_FMT, b->len ? " " : "", (long long)start, (long long)end, STR_ARG(state));
}

bool try_next(struct str *text, int64_t *start, int64_t *end, struct str *state)
{
	struct str to = str_split(text, ' '), from;
	*state = to;
	to = str_split(state, ':');
	from = str_split(&to, '-');
	return from.n && str_to_i64(from, start) && str_to_i64(to, end) && *end >= *start;
}

static int by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int64_t usual_of(int64_t *ms, unsigned n)
{
	if (!n)
		return -1;
	qsort(ms, n, sizeof(*ms), by_length);
	return n % 2 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2;
}
