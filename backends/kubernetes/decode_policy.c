/* decode_policy.c: horizontal autoscalers, disruption budgets and events, as
 * pkg/printers/internalversion/printers.go of k8s.io/kubernetes v1.34 prints them. Field numbers: k8s.io/api v0.34
 * autoscaling/v2, policy/v1 and core/v1 generated.proto. */
#include "backends/kubernetes/decode_common.h"

/* ---- autoscalers */

enum { METRIC_OBJECT = 2, METRIC_PODS = 3, METRIC_RESOURCE = 4, METRIC_EXTERNAL = 5, METRIC_CONTAINER = 7 };

/* Of a MetricTarget or MetricValueStatus. */
struct metric_value {
	struct str value, average;      /* quantities; p = NULL: not there */
	bool has_utilization;
	int32_t utilization;
};

static struct metric_value read_value(struct str s, uint32_t first)
{
	struct metric_value v = { { NULL, 0 }, { NULL, 0 }, false, 0 };
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		if (r.field == first)
			v.value = pb_get(r.bytes, 1);
		else if (r.field == first + 1)
			v.average = pb_get(r.bytes, 1);
		else if (r.field == first + 2) {
			v.has_utilization = true;
			v.utilization = (int32_t)r.number;
		}
	}
	return v;
}

/* Quantity.String(): of none "<nil>", as Go prints it. */
static void add_quantity(struct buf *b, struct str q)
{
	q.p ? buf_addstr(b, q) : buf_adds(b, "<nil>");
}

static uint32_t metric_field(struct str type)
{
	static const struct { const char *type; uint32_t field; } types[] = {
		{ "Object", METRIC_OBJECT }, { "Pods", METRIC_PODS }, { "Resource", METRIC_RESOURCE },
		{ "External", METRIC_EXTERNAL }, { "ContainerResource", METRIC_CONTAINER },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is(type, types[i].type))
			return types[i].field;
	return 0;
}

/* One metric: "cpu: 12%/80%", "1k/10 (avg)". status is empty when there is none. */
static void add_metric(struct buf *b, struct str spec, struct str status)
{
	uint32_t field = metric_field(pb_get(spec, 1));
	if (!field) {
		buf_adds(b, "<unknown type>");
		return;
	}
	struct str source = pb_get(spec, field), now = pb_get(status, field);
	struct metric_value target = read_value(pb_get(source, 2), 2);
	struct metric_value current = read_value(pb_get(now, 2), 1);
	bool per_pod = field == METRIC_RESOURCE || field == METRIC_CONTAINER;
	if (per_pod) {
		buf_addstr(b, pb_get(source, 1));
		buf_adds(b, ": ");
	}
	if (target.average.p || field == METRIC_PODS) {
		/* External and Object look whether there is an average, the others print what is not there. */
		bool known = now.n && (current.average.p || per_pod || field == METRIC_PODS);
		known ? add_quantity(b, current.average) : buf_adds(b, "<unknown>");
		buf_addc(b, '/');
		add_quantity(b, target.average);
		buf_adds(b, per_pod || field == METRIC_PODS ? "" : " (avg)");
	} else if (per_pod) {
		current.has_utilization ? buf_addf(b, "%d%%/", current.utilization) : buf_adds(b, "<unknown>/");
		target.has_utilization ? buf_addf(b, "%d%%", target.utilization) : buf_adds(b, "<auto>");
	} else {
		now.n ? add_quantity(b, current.value) : buf_adds(b, "<unknown>");
		buf_addc(b, '/');
		add_quantity(b, target.value);
	}
}

#define SHOWN_METRICS 2

static void put_targets(struct decoder *d, const struct parts *p, struct buf *rows)
{
	struct pb r = pb_of(p->spec), current = pb_of(p->status);
	unsigned n = 0;
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != 4)
			continue;
		struct str status = { "", 0 };
		while (pb_next(&current))
			if (current.field == 5) {
				status = current.bytes;
				break;
			}
		if (n++ >= SHOWN_METRICS)
			continue;
		buf_adds(&d->text, n > 1 ? ", " : "");
		add_metric(&d->text, r.bytes, status);
	}
	if (n > SHOWN_METRICS)
		buf_addf(&d->text, " + %u more...", n - SHOWN_METRICS);
	cell_text_or_null(rows, buf_str(&d->text));
}

/* The condition that matters most: it cannot see its metrics or its target, or it is at a limit. */
static const char *hpa_health(struct str status, enum level *level, struct str *reason)
{
	struct pb r = pb_of(status);
	const char *word = "Active";
	*level = LEVEL_OK;
	while (pb_next(&r)) {
		if (r.field != 6)
			continue;
		struct condition c = read_condition(r.bytes, 4);
		bool off = str_is(c.reason, "ScalingDisabled");
		if ((str_is(c.type, "ScalingActive") || str_is(c.type, "AbleToScale")) && !condition_true(&c)) {
			*level = off ? LEVEL_DONE : LEVEL_BAD;
			*reason = c.reason;
			return off ? "Off" : "Failing";
		}
		if (str_is(c.type, "ScalingLimited") && condition_true(&c) && str_is(c.reason, "TooManyReplicas")) {
			*level = LEVEL_DOUBT;
			*reason = c.reason;
			word = "AtLimit";
		}
	}
	return word;
}

bool decode_hpa(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	enum level level;
	struct str reason = { "", 0 };
	if (!read_parts(raw, &p))
		return false;
	const char *word = hpa_health(p.status, &level, &reason);
	struct str target = pb_get(p.spec, 1);
	int64_t min = -1, max = 0, replicas = 0;
	struct pb r = pb_of(p.spec);
	while (pb_next(&r)) {
		if (r.field == 2)
			min = (int32_t)r.number;
		else if (r.field == 3)
			max = (int32_t)r.number;
	}
	for (r = pb_of(p.status); pb_next(&r);)
		if (r.field == 3)
			replicas = (int32_t)r.number;
	put_row(d, m, level, rows);
	put_names(m, true, rows);
	buf_clear(&d->text);
	buf_addstr(&d->text, pb_get(target, 1));
	buf_addc(&d->text, '/');
	buf_addstr(&d->text, pb_get(target, 2));
	cell_text(rows, buf_str(&d->text));
	put_targets(d, &p, rows);
	cell_known(rows, min);
	cell_count(rows, max);
	cell_count(rows, replicas);
	cell_time(rows, m->created);
	cell_word(rows, word);
	cell_text_or_null(rows, reason);
	put_tail(d, p.metadata, m, rows);
	return true;
}

/* ---- disruption budgets */

/* An IntOrString: 0 is a number, 1 a text. */
static void put_int_or_string(struct decoder *d, struct str spec, uint32_t field, struct buf *rows)
{
	struct pb r = pb_of(spec);
	bool there = false;
	buf_clear(&d->text);
	while (pb_next(&r)) {
		if (r.field != field)
			continue;
		struct pb in = pb_of(r.bytes);
		struct str text = { "", 0 };
		int64_t type = 0;
		int32_t number = 0;
		while (pb_next(&in)) {
			switch (in.field) {
			case 1: type = (int64_t)in.number; break;
			case 2: number = (int32_t)in.number; break;
			case 3: text = in.bytes; break;
			}
		}
		there = true;
		buf_clear(&d->text);
		type ? buf_addstr(&d->text, text) : buf_addf(&d->text, "%d", number);
	}
	there ? cell_text(rows, buf_str(&d->text)) : cell_null(rows);
}

bool decode_pdb(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct parts p;
	if (!read_parts(raw, &p))
		return false;
	int64_t allowed = 0, healthy = 0, desired = 0, expected = 0;
	for (struct pb r = pb_of(p.status); pb_next(&r);) {
		switch (r.field) {
		case 3: allowed = (int32_t)r.number; break;
		case 4: healthy = (int32_t)r.number; break;
		case 5: desired = (int32_t)r.number; break;
		case 6: expected = (int32_t)r.number; break;
		}
	}
	enum level level = healthy < desired ? LEVEL_BAD : expected && !allowed ? LEVEL_DOUBT : LEVEL_OK;
	put_row(d, m, level, rows);
	put_names(m, true, rows);
	put_int_or_string(d, p.spec, 1, rows);
	put_int_or_string(d, p.spec, 3, rows);
	cell_count(rows, allowed);
	cell_time(rows, m->created);
	cell_int(rows, PAIR(healthy, desired));
	put_selector(d, pb_get(p.spec, 2), rows);
	put_tail(d, p.metadata, m, rows);
	return true;
}

/* ---- events */

struct event {
	struct str metadata, reason, message, type, controller, instance;
	struct str kind, name, uid, path, component, host;
	int64_t first, last, time, series_time, count, series_count;
	bool series;
};

static void read_involved(struct event *e, struct str s)
{
	struct pb r = pb_of(s);
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: e->kind = r.bytes; break;
		case 3: e->name = r.bytes; break;
		case 4: e->uid = r.bytes; break;
		case 7: e->path = r.bytes; break;
		}
	}
}

static void read_series(struct event *e, struct str s)
{
	struct pb r = pb_of(s);
	e->series = true;
	while (pb_next(&r)) {
		if (r.field == 1)
			e->series_count = (int32_t)r.number;
		else if (r.field == 2)
			e->series_time = read_time(r.bytes);
	}
}

static bool read_event(struct event *e, struct str raw)
{
	struct pb r = pb_of(raw);
	while (pb_next(&r)) {
		switch (r.field) {
		case 1: e->metadata = r.bytes; break;
		case 2: read_involved(e, r.bytes); break;
		case 3: e->reason = r.bytes; break;
		case 4: e->message = r.bytes; break;
		case 5: read_entry(r.bytes, &e->component, &e->host); break;
		case 6: e->first = read_time(r.bytes); break;
		case 7: e->last = read_time(r.bytes); break;
		case 8: e->count = (int32_t)r.number; break;
		case 9: e->type = r.bytes; break;
		case 10: e->time = read_time(r.bytes); break;
		case 11: read_series(e, r.bytes); break;
		case 14: e->controller = r.bytes; break;
		case 15: e->instance = r.bytes; break;
		}
	}
	return !r.bad;
}

/* Kinds are ASCII. */
static void add_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addc(b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
}

bool decode_event(struct decoder *d, struct str raw, struct decoded_meta *m, struct buf *rows)
{
	struct event e = { 0 };
	if (!read_event(&e, raw))
		return false;
	int64_t first = e.first ? e.first : e.time, last = e.last ? e.last : first;
	int64_t count = e.series ? e.series_count : e.count ? e.count : 1;
	if (e.series)
		last = e.series_time;
	struct str component = e.component.n ? e.component : e.controller, host = e.host.n ? e.host : e.instance;
	put_row(d, m, str_is(e.type, "Normal") ? LEVEL_NONE : LEVEL_DOUBT, rows);
	cell_text_or_null(rows, m->ns);
	cell_time(rows, last);
	cell_text_or_null(rows, e.type);
	cell_text_or_null(rows, e.reason);
	buf_clear(&d->text);
	add_lower(&d->text, e.kind);
	buf_adds(&d->text, e.name.n ? "/" : "");
	buf_addstr(&d->text, e.name);
	cell_text_or_null(rows, buf_str(&d->text));
	cell_text_or_null(rows, e.path);
	buf_clear(&d->text);
	buf_addstr(&d->text, component);
	buf_adds(&d->text, host.n ? ", " : "");
	buf_addstr(&d->text, host);
	cell_text_or_null(rows, buf_str(&d->text));
	cell_text_or_null(rows, str_trim(e.message));
	cell_time(rows, first);
	cell_count(rows, count);
	cell_text(rows, m->name);
	cell_time(rows, m->created);
	cell_text_or_null(rows, e.uid);
	put_tail(d, e.metadata, m, rows);
	return true;
}
