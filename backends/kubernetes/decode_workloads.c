/* decode_workloads.c: deployments, replica sets, stateful sets, daemon sets, jobs and cron jobs, as
 * pkg/printers/internalversion/printers.go of k8s.io/kubernetes v1.34 prints them. Field numbers: k8s.io/api v0.34
 * apps/v1 and batch/v1 generated.proto. */
#include "backends/kubernetes/decode_common.h"

/* The small whole numbers of a message, by field; -1 where the field is not there. */
#define NUMBERS 16
static void read_numbers(struct str s, int64_t n[NUMBERS])
{
	struct pb r = pb_of(s);
	for (int i = 0; i < NUMBERS; i++)
		n[i] = -1;
	while (pb_next(&r))
		if (r.field < NUMBERS && !r.bytes.n)
			n[r.field] = (int32_t)r.number;
}

static int64_t or_zero(int64_t n)
{
	return n < 0 ? 0 : n;
}

/* PodTemplateSpec -> PodSpec. */
static struct str template_spec(struct str template)
{
	return pb_get(template, 2);
}

/* One word on the whole and its level: how many are wanted, ready, and of the newest revision. */
struct health { const char *word; enum level level; };

static struct health health_of(int64_t wanted, int64_t ready, int64_t updated, bool rolling)
{
	if (wanted == 0)
		return (struct health){ "Off", LEVEL_DONE };
	if (ready == 0)
		return (struct health){ "Unavailable", LEVEL_BAD };
	if (ready < wanted)
		return (struct health){ rolling ? "Progressing" : "Degraded", LEVEL_DOUBT };
	if (updated < wanted)
		return (struct health){ "Progressing", LEVEL_BUSY };
	return (struct health){ "Available", LEVEL_OK };
}

static int64_t revision_of(struct str metadata)
{
	struct str text;
	int64_t n;
	if (find_string(metadata, 12, "deployment.kubernetes.io/revision", &text) && str_to_i64(text, &n) && n >= 0)
		return n;
	return -1;
}

/* Deployment: spec.replicas is 1 where it is not set, as the server fills it in. */
static struct health deployment_health(const struct parts *p, const int64_t *spec, const int64_t *status,
                                       struct str *reason)
{
	struct pb r = pb_of(p->status);
	bool available = false, progressing = false, stuck = false, failure = false;
	while (pb_next(&r)) {
		if (r.field != 6)
			continue;
		struct condition c = read_condition(r.bytes, 4);
		if (str_is(c.type, "Available")) {
			available = condition_true(&c);
			if (!available && !reason->n)
				*reason = c.reason;
		} else if (str_is(c.type, "Progressing")) {
			progressing = condition_true(&c) && !str_is(c.reason, "NewReplicaSetAvailable");
			stuck = str_is(c.reason, "ProgressDeadlineExceeded");
			if (stuck)
				*reason = c.reason;
		} else if (str_is(c.type, "ReplicaFailure") && condition_true(&c)) {
			failure = true;
			*reason = c.reason;
		}
	}
	int64_t wanted = spec[1] < 0 ? 1 : spec[1], ready = or_zero(status[7]);
	struct health h = health_of(wanted, ready, or_zero(status[3]), progressing);
	if (wanted == 0) {
		*reason = (struct str){ "", 0 };
		return h;
	}
	if (stuck || failure)
		return (struct health){ "Failed", LEVEL_BAD };
	if (spec[7] > 0)
		return (struct health){ "Paused", ready < wanted ? LEVEL_DOUBT : LEVEL_BUSY };
	/* A rollout that has just begun from nothing is on its way, not broken. */
	if (ready == 0 && progressing && !available)
		return (struct health){ "Progressing", LEVEL_BUSY };
	if (h.level == LEVEL_OK)
		*reason = (struct str){ "", 0 };
	return h;
}

bool decode_deployment(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t spec[NUMBERS], status[NUMBERS];
	struct str reason = { "", 0 };
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.spec, spec);
	read_numbers(p.status, status);
	struct health h = deployment_health(&p, spec, status, &reason);
	put_row(d, m, h.level, rows);
	put_names(m, true, rows);
	cell_int(rows, PAIR(or_zero(status[7]), or_zero(spec[1])));
	cell_count(rows, or_zero(status[3]));
	cell_count(rows, or_zero(status[4]));
	cell_time(rows, m->created);
	put_containers_images(d, template_spec(pb_get(p.spec, 3)), rows);
	put_selector(d, pb_get(p.spec, 2), rows);
	cell_word(rows, h.word);
	cell_known(rows, revision_of(p.metadata));
	cell_text_or_null(rows, pb_get(pb_get(p.spec, 4), 1));
	cell_text_or_null(rows, reason);
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_replicaset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t spec[NUMBERS], status[NUMBERS];
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.spec, spec);
	read_numbers(p.status, status);
	int64_t wanted = or_zero(spec[1]), ready = or_zero(status[4]);
	struct health h = health_of(wanted, ready, wanted, false);
	put_row(d, m, h.level, rows);
	put_names(m, true, rows);
	cell_count(rows, wanted);
	cell_count(rows, or_zero(status[1]));
	cell_count(rows, ready);
	cell_time(rows, m->created);
	put_containers_images(d, template_spec(pb_get(p.spec, 3)), rows);
	put_selector(d, pb_get(p.spec, 2), rows);
	cell_word(rows, h.word);
	cell_known(rows, revision_of(p.metadata));
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_statefulset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t spec[NUMBERS], status[NUMBERS];
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.spec, spec);
	read_numbers(p.status, status);
	int64_t wanted = or_zero(spec[1]), ready = or_zero(status[3]), updated = or_zero(status[5]);
	/* With OnDelete or a partition fewer may be updated for good; the revisions say whether it is over. */
	if (str_eq(pb_get(p.status, 6), pb_get(p.status, 7)))
		updated = wanted;
	struct health h = health_of(wanted, ready, updated, false);
	put_row(d, m, h.level, rows);
	put_names(m, true, rows);
	cell_int(rows, PAIR(ready, wanted));
	cell_time(rows, m->created);
	put_containers_images(d, template_spec(pb_get(p.spec, 3)), rows);
	cell_word(rows, h.word);
	cell_count(rows, or_zero(status[5]));
	put_selector(d, pb_get(p.spec, 2), rows);
	cell_text_or_null(rows, pb_get(p.spec, 5));
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_daemonset(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t status[NUMBERS];
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.status, status);
	int64_t wanted = or_zero(status[3]), ready = or_zero(status[4]), updated = or_zero(status[6]);
	struct health h = health_of(wanted, ready, updated, false);
	struct str template = template_spec(pb_get(p.spec, 2));
	put_row(d, m, h.level, rows);
	put_names(m, true, rows);
	cell_count(rows, wanted);
	cell_count(rows, or_zero(status[1]));
	cell_count(rows, ready);
	cell_count(rows, updated);
	cell_count(rows, or_zero(status[7]));
	put_map(d, template, 7, rows);
	cell_time(rows, m->created);
	put_containers_images(d, template, rows);
	put_selector(d, pb_get(p.spec, 1), rows);
	cell_word(rows, h.word);
	put_tail(d, p.metadata, m, rows);
	return true;
}

/* ---- jobs */

/* The first condition of that type is true; its reason. */
static bool job_condition(struct str status, const char *type, struct str *reason)
{
	struct pb r = pb_of(status);
	while (pb_next(&r)) {
		if (r.field != 1)
			continue;
		struct condition c = read_condition(r.bytes, 5);
		if (!str_is(c.type, type))
			continue;
		if (condition_true(&c))
			*reason = c.reason;
		return condition_true(&c);
	}
	return false;
}

static const char *job_status(const struct parts *p, const struct decoded_meta *m, enum level *level,
                              struct str *reason)
{
	static const struct { const char *type, *word; enum level level; } order[] = {
		{ "Complete", "Complete", LEVEL_DONE }, { "Failed", "Failed", LEVEL_BAD },
		{ NULL, "Terminating", LEVEL_BUSY }, { "Suspended", "Suspended", LEVEL_DONE },
		{ "FailureTarget", "FailureTarget", LEVEL_BAD },
		{ "SuccessCriteriaMet", "SuccessCriteriaMet", LEVEL_DONE },
	};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		bool is = order[i].type ? job_condition(p->status, order[i].type, reason) : m->deleted != 0;
		if (is) {
			*level = order[i].level;
			return order[i].word;
		}
	}
	*level = LEVEL_OK;
	return "Running";
}

bool decode_job(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t spec[NUMBERS], status[NUMBERS];
	enum level level;
	struct str reason = { "", 0 };
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.spec, spec);
	read_numbers(p.status, status);
	const char *word = job_status(&p, m, &level, &reason);
	int64_t failed = or_zero(status[6]);
	if (level == LEVEL_OK && failed)
		level = LEVEL_DOUBT;   /* still trying */
	int64_t started = read_time(pb_get(p.status, 2)), ended = read_time(pb_get(p.status, 3));
	put_row(d, m, level, rows);
	put_names(m, true, rows);
	cell_word(rows, word);
	cell_int(rows, PAIR(or_zero(status[5]), spec[2] < 0 ? 1 : spec[2]));
	started && ended ? cell_int(rows, ended - started) : cell_null(rows);
	cell_time(rows, m->created);
	put_containers_images(d, template_spec(pb_get(p.spec, 6)), rows);
	put_selector(d, pb_get(p.spec, 4), rows);
	cell_time(rows, started);
	failed ? cell_count(rows, failed) : cell_null(rows);
	spec[2] < 0 ? cell_count(rows, or_zero(spec[1])) : cell_null(rows);
	cell_text_or_null(rows, reason);
	put_tail(d, p.metadata, m, rows);
	return true;
}

bool decode_cronjob(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	int64_t spec[NUMBERS];
	if (!read_parts(raw, &p))
		return false;
	read_numbers(p.spec, spec);
	int64_t active = 0;
	for (struct pb r = pb_of(p.status); pb_next(&r);)
		active += r.field == 1;
	struct str job = pb_get(pb_get(p.spec, 5), 2);
	put_row(d, m, spec[4] > 0 ? LEVEL_DONE : LEVEL_OK, rows);
	put_names(m, true, rows);
	cell_text_or_null(rows, pb_get(p.spec, 1));
	cell_text_or_null(rows, pb_get(p.spec, 8));
	cell_known(rows, spec[4]);
	cell_count(rows, active);
	cell_time(rows, read_time(pb_get(p.status, 4)));
	cell_time(rows, m->created);
	put_containers_images(d, template_spec(pb_get(job, 6)), rows);
	put_selector(d, pb_get(job, 4), rows);
	cell_time(rows, read_time(pb_get(p.status, 5)));
	put_tail(d, p.metadata, m, rows);
	return true;
}
