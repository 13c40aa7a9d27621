/* act_runs: runs that do not exist yet: one triggered with its parameters, or one for each date of the schedule. Airflow 3 has
 * backfills of its own, with a dry run; of Airflow 2 its REST has none, so there the runs are triggered one by one, up to
 * DATES_MOST of them, each in the plan. */
#define _GNU_SOURCE
#include "backends/airflow/acts.h"
#include "backends/airflow/cron.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DATES_MOST 50

static json_t *details(struct plan *p)
{
	char *path = dag_path(p, "/details");
	json_t *dag = api_get(&p->a->api, "%s", path);
	if (!dag)
		af_say(p, "blocked", "%s", p->a->api.error);
	free(path);
	return dag;
}

/* The conf, held against what the pipeline defines; what differs from that is told and kept. NULL: blocked. */
static json_t *checked_conf(struct plan *p, const json_t *dag)
{
	json_t *conf = param_conf(p), *known = json_object_get(dag, "params"), *v;
	const char *name;
	char *why = conf ? params_check(known, conf) : NULL;
	if (why)
		af_say(p, "blocked", "%s", why);
	json_object_foreach(conf, name, v) {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		const json_t *of = json_object_get(known, name);
		char *was = of ? json_dumps(json_object_get(of, "value"), JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
		if (was)
			af_change(p, "%s = %.200s, instead of %.100s", name, text ? text : "", was);
		else
			af_change(p, "%s = %.200s", name, text ? text : "");
		if (json_object_size(known) && !of)
			af_warn(p, "the pipeline defines no parameter '%s'", name);
		free(was);
		free(text);
	}
	free(why);
	return conf;
}

static bool parse_date(struct str s, int64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M", "%Y-%m-%d" };
	char *text = str_dup(s);
	bool ok = false;
	for (size_t i = 0; i < ARRAY_SIZE(forms) && !ok; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		ok = end && !*end;
		if (ok)
			*out = (int64_t)timegm(&tm);
	}
	free(text);
	return ok;
}

/* Of a date that parse_date() takes. */
static bool has_zone(struct str s)
{
	return s.n && (s.p[s.n - 1] == 'Z' || memchr(s.p, '+', s.n));
}

static void put_date(int64_t at, char out[32])
{
	time_t s = (time_t)at;
	struct tm tm;
	*out = 0;
	if (gmtime_r(&s, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void af_trigger(struct plan *p)
{
	char name[64] = "", date[32] = "", *runs = dag_path(p, "/dagRuns"), *read;
	struct str logical = param_text(p, "logical_date");
	time_t now = (time_t)(wall_of(p->a) / 1000);
	struct tm tm;
	int64_t at;
	json_t *dag = details(p), *conf = dag ? checked_conf(p, dag) : NULL, *body;
	if (logical.n && !parse_date(logical, &at))
		af_say(p, "blocked", "'" STR_FMT "' is no date: 2026-11-21T00:00:00Z", STR_ARG(logical));
	else if (logical.n)
		put_date(at, date);
	if (gmtime_r(&now, &tm))
		strftime(name, sizeof(name), "binnacle__%Y-%m-%dT%H:%M:%S", &tm);
	af_change(p, "a run %s begins%s%s", name, *date ? ", of the logical date " : "", date);
	if (json_is_true(json_object_get(dag, "is_paused")))
		af_warn(p, "the pipeline is paused: the run stays queued until it is not");
	body = json_pack("{s:s, s:o}", "dag_run_id", name, "conf", conf ? conf : json_object());
	if (*date || p->a->api.version == 2)
		json_object_set_new(body, "logical_date", *date ? json_string(date) : json_null());
	if (param_text(p, "note").n)
		json_object_set(body, "note", json_object_get(p->params, "note"));
	read = xasprintf("%s/%s", runs, name);
	af_step(p, "POST", runs, body, "the run has this name: what gets no answer is looked for by it", read,
	          json_pack("{s:s}", "dag_run_id", name));
	json_t *made = json_pack("{s:s, s:o}", "kind", "runs", "key", json_sprintf(STR_FMT "/%s", STR_ARG(p->key.dag), name));
	af_undo(p, "cancel", json_object());
	json_object_update(json_object_get(p->o, "undo"), made);
	json_object_set_new(json_object_get(p->o, "undo"), "say", json_string("while it runs; one that has ended stays"));
	af_say(p, "not_undone", "what the run wrote is not taken back");
	json_object_set_new(p->o, "makes", made);
	json_decref(dag);
	free(read);
	free(runs);
}

/* ---- backfill, Airflow 3 */

/* Of this pipeline, that are not over; *newest: the highest number of all. Borrowed from *all. */
static const json_t *under_way(struct plan *p, json_t **all, json_int_t *newest)
{
	struct buf path = { 0 };
	const json_t *o, *open = NULL;
	size_t i;
	buf_adds(&path, "/backfills?limit=100&order_by=-id&dag_id=");
	http_escape(&path, p->key.dag);
	*all = api_get(&p->a->api, "%s", path.data);
	*newest = 0;
	json_array_foreach(json_object_get(*all, "backfills"), i, o) {
		json_int_t id = json_integer_value(json_object_get(o, "id"));
		*newest = id > *newest ? id : *newest;
		if (json_is_null(json_object_get(o, "completed_at")))
			open = o;
	}
	if (!*all)
		af_say(p, "blocked", "%s", p->a->api.error);
	buf_release(&path);
	return open;
}

static void af_dates(struct plan *p, const json_t *list)
{
	const json_t *o;
	size_t i, n = json_array_size(list);
	json_array_foreach(list, i, o)
		if (i < NAMED_MOST)
			af_change(p, "a run of " STR_FMT, STR_ARG(text_in(o, "logical_date")));
	if (n > NAMED_MOST)
		af_change(p, "and %zu more", n - NAMED_MOST);
	if (!n)
		af_say(p, "already", "no date of the schedule between these lacks a run");
}

static void backfill_rest(struct plan *p, const char *from, const char *to, json_t *conf)
{
	const json_t *at_once = json_object_get(p->params, "at_once"), *open;
	json_t *all, *body, *dry;
	json_int_t newest;
	struct str reprocess = param_text(p, "reprocess");
	open = under_way(p, &all, &newest);
	if (open)
		af_say(p, "blocked", "backfill %lld of this pipeline is under way; it may be paused or cancelled (backfill-state)",
		         (long long)json_integer_value(json_object_get(open, "id")));
	body = json_pack("{s:s%, s:s, s:s, s:b, s:O, s:s%, s:I}", "dag_id", p->key.dag.p, p->key.dag.n, "from_date", from, "to_date", to,
		"run_backwards", param_true(p, "backwards", false), "dag_run_conf", conf, "reprocess_behavior", reprocess.n ? reprocess.p : "none",
		reprocess.n ? reprocess.n : (size_t)4, "max_active_runs", json_is_integer(at_once) ? json_integer_value(at_once) : (json_int_t)1);
	dry = api_send(&p->a->api, "POST", "/backfills/dry_run", body);
	if (dry) {
		json_object_set_new(p->o, "dry_run", json_sprintf("accepted: %zu runs", json_array_size(json_object_get(dry, "backfills"))));
		af_dates(p, json_object_get(dry, "backfills"));
	} else {
		af_say(p, "dry_run", "%s", p->a->api.error);
		af_say(p, "blocked", "%s", p->a->api.error);
	}
	struct buf read = { 0 };
	buf_adds(&read, "/backfills?limit=100&order_by=-id&dag_id=");
	http_escape(&read, p->key.dag);
	af_step(p, "POST", "/backfills", body, NULL, read.data, json_pack("{s:I}", "after", newest));
	af_undo(p, "backfill-state", json_pack("{s:s}", "do", "cancel"));
	af_say(p, "not_undone", "runs that began are not undone; those that wait are");
	buf_release(&read);
	json_decref(dry);
	json_decref(all);
}

/* ---- backfill, Airflow 2 */

/* In which zone the schedule is: as the user says, or as Airflow does, who says UTC of most pipelines, whatever they were given. */
static struct str zone_meant(const struct plan *p, const json_t *dag)
{
	struct str given = param_text(p, "zone");
	return given.n ? given : text_in(dag, "timezone");
}

/* The dates of a schedule. every: seconds, of a time delta; instant: a run stands for a moment, not for the time until the next. */
struct dates { struct cron cron; int64_t every, anchor; struct zone *zone; bool by_cron, instant; };

static int64_t date_from(const struct dates *d, int64_t at)
{
	if (d->by_cron)
		return cron_next_in(&d->cron, d->zone, at);
	return d->anchor ? at + ((d->anchor - at) % d->every + d->every) % d->every : at;
}

/* The next run, as Airflow says itself, has to be one of these dates: the zone of a timetable is not told, nor which one it is. */
static bool agrees(struct plan *p, struct dates *d, const json_t *dag)
{
	int64_t next = time_in(dag, "next_dagrun") / 1000, begin = time_in(dag, "next_dagrun_data_interval_start") / 1000;
	int64_t end = time_in(dag, "next_dagrun_data_interval_end") / 1000;
	if (!next) {
		af_warn(p, "Airflow names no next run: that these are the dates of its schedule is by the pipeline's own zone, unproved");
		return true;
	}
	if (d->every)
		d->anchor = next;                      /* such dates are counted from wherever they began */
	d->instant = begin && begin == end;
	return date_from(d, next) == next && (d->instant || !end || end == date_from(d, next + 1)) && (!begin || begin == next);
}

static bool read_schedule(struct plan *p, const json_t *dag, struct dates *d)
{
	const json_t *s = json_object_get(dag, "schedule_interval");
	struct str zone, type = text_in(s, "__type"), next = text_in(dag, "next_dagrun");
	*d = (struct dates){ .anchor = time_in(dag, "start_date") / 1000 };
	if (!s || json_is_null(s)) {
		af_say(p, "blocked", "the pipeline has no schedule: there are no dates to run it for; trigger it");
		return false;
	}
	zone = zone_meant(p, dag);
	d->zone = zone_load(zone);
	if (!d->zone && zone.n) {
		af_say(p, "blocked", "this machine knows no time zone '" STR_FMT "': one is Europe/Berlin", STR_ARG(zone));
		return false;
	}
	if (str_is(type, "TimeDelta"))
		d->every = (int64_t)(real_in(s, "days") * 86400 + real_in(s, "seconds"));
	else
		d->by_cron = cron_parse(text_in(s, "value"), &d->cron);
	if ((d->by_cron || d->every > 0) && agrees(p, d, dag))
		return true;
	if (d->by_cron)
		af_say(p, "blocked", "the next run (" STR_FMT ") is none of '" STR_FMT "' in " STR_FMT ": say in which time zone the schedule is, "
		         "which REST does not tell (zone: Europe/Berlin)", STR_ARG(next), STR_ARG(text_in(s, "value")), STR_ARG(zone));
	else
		af_say(p, "blocked", "Airflow 2 has no backfill by REST, and the dates of this schedule (" STR_FMT ") are not known here; where "
		         "Airflow runs: airflow dags backfill -s FROM -e TO " STR_FMT, STR_ARG(text_in(s, "value")), STR_ARG(p->key.dag));
	return false;
}

static json_t *runs_between(struct plan *p, const char *from, const char *to)
{
	char *path = dag_path(p, "/dagRuns");
	json_t *j = api_get(&p->a->api, "%s?limit=%d&execution_date_gte=%s&execution_date_lte=%s", path, PAGE, from, to);
	if (!j)
		af_say(p, "blocked", "%s", p->a->api.error);
	free(path);
	return j;
}

/* The state of the run of that date, or "". */
static struct str run_of(const json_t *runs, int64_t at)
{
	const json_t *o;
	size_t i;
	json_array_foreach(json_object_get(runs, "dag_runs"), i, o)
		if (time_in(o, "logical_date") / 1000 == at)
			return text_in(o, "state");
	return STR("");
}

static void backfill_one(struct plan *p, int64_t at, int64_t end, json_t *conf)
{
	char date[32], until[32], name[64], *runs = dag_path(p, "/dagRuns"), *read;
	put_date(at, date);
	put_date(end, until);
	snprintf(name, sizeof(name), "binnacle_backfill__%s", date);
	read = xasprintf("%s/%s", runs, name);
	af_change(p, "a run %s, of the data from %s to %s", name, date, until);
	af_step(p, "POST", runs, json_pack("{s:s, s:s, s:s, s:s, s:O}", "dag_run_id", name, "logical_date", date, "data_interval_start",
		date, "data_interval_end", until, "conf", conf), NULL, read, json_pack("{s:s}", "dag_run_id", name));
	free(read);
	free(runs);
}

/* What ran by schedule in this time, but at none of these dates. */
static void warn_other_dates(struct plan *p, const struct dates *d, const json_t *runs)
{
	const json_t *o;
	size_t i;
	json_array_foreach(json_object_get(runs, "dag_runs"), i, o) {
		int64_t at = time_in(o, "logical_date") / 1000;
		if (str_is(text_in(o, "run_type"), "scheduled") && date_from(d, at) != at) {
			af_warn(p, "the scheduled run of " STR_FMT " is at none of these dates: the schedule or its zone was another then",
			        STR_ARG(text_in(o, "logical_date")));
			return;
		}
	}
}

static void backfill_by_runs(struct plan *p, const json_t *dag, int64_t from, int64_t to, json_t *conf)
{
	struct dates d;
	char first[32], last[32];
	unsigned n = 0, left = 0;
	put_date(from, first);
	put_date(to, last);
	json_t *runs = read_schedule(p, dag, &d) ? runs_between(p, first, last) : NULL;
	if (runs && real_in(runs, "total_entries") > PAGE)
		af_say(p, "blocked", "there are over %d runs between these dates already: take a shorter time", PAGE);
	for (int64_t at = runs ? date_from(&d, from) : -1; at >= 0 && at <= to && n <= DATES_MOST && left <= 100 * PAGE;) {
		int64_t next = date_from(&d, at + 1);
		if (run_of(runs, at).n)
			left++;
		else if (n++ < DATES_MOST)
			backfill_one(p, at, d.instant ? at : next, conf);
		at = next;
	}
	if (runs)
		warn_other_dates(p, &d, runs);
	zone_free(d.zone);
	if (!runs)
		return;
	if (left)
		af_warn(p, "%u dates have a run and are left; clear runs those again that failed", left);
	af_warn(p, "Airflow 2 has no backfill by REST: these runs are triggered one by one, and count as manual ones");
	if (n > DATES_MOST)
		af_say(p, "blocked", "over %d dates lack a run; take a shorter time, or, where Airflow runs: airflow dags backfill -s %s -e %s "
		         STR_FMT, DATES_MOST, first, last, STR_ARG(p->key.dag));
	if (!n)
		af_say(p, "already", "no date of the schedule between these lacks a run");
	af_say(p, "not_undone", "what the runs do is done; cancel ends them, one by one or marked");
	json_decref(runs);
}

/* What was given without a zone is meant by the pipeline's clock. */
static void to_zone(struct plan *p, const json_t *dag, int64_t *from, int64_t *to)
{
	struct str name = zone_meant(p, dag);
	struct zone *z = zone_load(name);
	bool first = !has_zone(param_text(p, "from")), last = !has_zone(param_text(p, "to"));
	if (z && !str_is(name, "UTC") && (first || last)) {
		*from = first ? zone_utc(z, *from) : *from;
		*to = last ? zone_utc(z, *to) : *to;
		af_change(p, "dates are those of " STR_FMT ", where the pipeline's schedule is", STR_ARG(name));
	}
	zone_free(z);
}

void af_backfill(struct plan *p)
{
	int64_t from = 0, to = 0;
	char first[32], last[32];
	json_t *dag = details(p), *conf = dag ? checked_conf(p, dag) : NULL;
	if (!parse_date(param_text(p, "from"), &from) || !parse_date(param_text(p, "to"), &to))
		af_say(p, "blocked", "'from' and 'to' are dates: 2026-11-14 or 2026-11-14T06:00:00Z");
	else if (from > to)
		af_say(p, "blocked", "'from' is after 'to'");
	else if (json_is_true(json_object_get(dag, "is_paused")))
		af_warn(p, "the pipeline is paused: the runs stay queued until it is not");
	to_zone(p, dag, &from, &to);
	put_date(from, first);
	put_date(to, last);
	if (conf && !json_object_get(p->o, "blocked")) {
		if (p->a->api.version == 2)
			backfill_rest(p, first, last, conf);
		else
			backfill_by_runs(p, dag, from, to, conf);
	}
	json_decref(conf);
	json_decref(dag);
}

void af_backfill_state(struct plan *p)
{
	struct str todo = param_text(p, "do");
	const json_t *which = json_object_get(p->params, "id"), *open;
	json_t *all = NULL;
	json_int_t id, newest;
	if (p->a->api.version != 2) {
		af_say(p, "blocked", "Airflow 2 has no backfills by REST; cancel its runs, one by one or marked");
		return;
	}
	open = under_way(p, &all, &newest);
	id = json_is_integer(which) ? json_integer_value(which) : json_integer_value(json_object_get(open, "id"));
	if (all && !id)
		af_say(p, "already", "no backfill of this pipeline is under way");
	if (!todo.n)
		todo = STR("pause");
	bool paused = json_is_true(json_object_get(open, "is_paused")), pause = str_is(todo, "pause"), cancel = str_is(todo, "cancel");
	if (open && !cancel && paused == pause)
		af_say(p, "already", pause ? "it is paused already" : "it is not paused");
	char *path = xasprintf("/backfills/%lld/" STR_FMT, (long long)id, STR_ARG(todo)), *read = xasprintf("/backfills/%lld", (long long)id);
	af_change(p, cancel ? "backfill %lld ends: its runs that wait count as failed, those under way go on"
	            : pause ? "backfill %lld begins no more runs" : "backfill %lld goes on", (long long)id);
	af_step(p, "PUT", path, json_object(), NULL, cancel ? NULL : read,
	          cancel ? NULL : json_pack("{s:b}", "is_paused", pause));
	if (cancel)
		af_say(p, "not_undone", "a backfill that was cancelled does not go on; a new one takes the dates that lack a run");
	else
		af_undo(p, "backfill-state", json_pack("{s:s, s:I}", "do", pause ? "unpause" : "pause", "id", id));
	free(path);
	free(read);
	json_decref(all);
}
