/* kinds_alerts: alerts and silences. Colour: what fires is doubtful, wrong by its severity, and nothing where it only informs; what
 * is silenced or only about to fire is none. */
#define _GNU_SOURCE                  /* localtime_r */
#include "base/alerts.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const alerts_aliases[] = { "al", NULL };
static const struct column alerts_cols[ALERT_COL_COUNT] = {
	[ALERT_NAME] = { "name", "ALERT", COL_TEXT, COL_SHARED, 0, 18 },
	[ALERT_STATE] = { "state", "STATE", COL_STATUS, COL_SHARED, 0, 9 },
	[ALERT_SEVERITY] = { "severity", "SEVERITY", COL_TEXT, COL_SHARED, 3, 8 },
	[ALERT_SINCE] = { "since", "SINCE", COL_TIME, 0, 0, 6 },
	[ALERT_ABOUT] = { "about", "ABOUT", COL_TEXT, 0, 1, 18 },
	[ALERT_SUMMARY] = { "summary", "SUMMARY", COL_TEXT, 0, 2, 20 },
	[ALERT_VALUE] = { "value", "VALUE", COL_REAL, 0, 4, 7 },
	[ALERT_NAMESPACE] = { "namespace", "NAMESPACE", COL_TEXT, COL_SHARED | COL_HIDDEN, 5, 14 },
	[ALERT_POD] = { "pod", "POD", COL_TEXT, COL_HIDDEN, 6 },
	[ALERT_NODE] = { "node", "NODE", COL_TEXT, COL_SHARED | COL_HIDDEN, 6 },
	[ALERT_MODEL] = { "model", "MODEL", COL_TEXT, COL_SHARED | COL_HIDDEN, 6 },
	[ALERT_ENDPOINT] = { "endpoint", "ENDPOINT", COL_TEXT, COL_SHARED | COL_HIDDEN, 6 },
	[ALERT_ABOUT_KIND] = { "about_kind", "ABOUT KIND", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_ABOUT_KEY] = { "about_object", "ABOUT OBJECT", COL_TEXT, COL_HIDDEN, 9 },
	[ALERT_LABELS] = { "labels", "LABELS", COL_LABELS, COL_HIDDEN, 9 },
	[ALERT_ANNOTATIONS] = { "annotations", "ANNOTATIONS", COL_TEXT, COL_HIDDEN, 9 },
	[ALERT_EXPR] = { "expr", "EXPRESSION", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_RUNBOOK] = { "runbook", "RUNBOOK", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_LINK] = { "link", "LINK", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_SILENCED_BY] = { "silenced_by", "SILENCED BY", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_RECEIVERS] = { "receivers", "RECEIVERS", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 },
	[ALERT_ERROR] = { "error", "ERROR", COL_TEXT, COL_HIDDEN, 9 },
	[ALERT_URGENCY] = { "urgency", "URGENCY", COL_COUNT, COL_HIDDEN, 9 },
	[ALERT_FINGERPRINT] = { "fingerprint", "FINGERPRINT", COL_TEXT, COL_HIDDEN, 9 },
};
const struct kind kind_alerts = {
	.name = "alerts", .singular = "alert", .aliases = alerts_aliases,
	.help = "alerts that fire, are about to, or are silenced; and rules that cannot be evaluated",
	.cols = alerts_cols, .ncols = ALERT_COL_COUNT, .group = "alerts", .from = "prometheus or alertmanager",
};

/* 05:50, or 23 Nov 05:50 when that is not within a day; in local time, as the clock in the header. */
static void show_until(const struct table *t, const struct row *r, int64_t now, struct buf *out)
{
	struct tm tm;
	char text[24];
	int64_t at = row_int(r, SILENCE_UNTIL);
	time_t s = (time_t)(at / 1000);
	bool near = llabs(at - now) < 24 * 3600000ll;
	if (!row_null(r, SILENCE_UNTIL) && localtime_r(&s, &tm) && strftime(text, sizeof(text), near ? "%H:%M" : "%d %b %H:%M", &tm))
		buf_adds(out, text);
}

static const char *const silences_aliases[] = { "sil", NULL };
static const struct column silences_cols[SILENCE_COL_COUNT] = {
	[SILENCE_MATCHERS] = { "matchers", "SILENCED", COL_TEXT, 0, 0, 24 },
	[SILENCE_STATE] = { "state", "STATE", COL_STATUS, COL_SHARED, 0, 8 },
	[SILENCE_UNTIL] = { "until", "UNTIL", COL_TIME, COL_RIGHT, 1, 12, .show = show_until },
	[SILENCE_ALERTS] = { "alerts", "ALERTS", COL_COUNT, 0, 2, 6 },
	[SILENCE_BY] = { "by", "BY", COL_TEXT, COL_SHARED, 3, 12 },
	[SILENCE_COMMENT] = { "comment", "COMMENT", COL_TEXT, 0, 2, 16 },
	[SILENCE_SINCE] = { "since", "SINCE", COL_TIME, 0, 4, 6 },
	[SILENCE_ENDED] = { "ended", "ENDED", COL_TIME, COL_HIDDEN, 9 },
	[SILENCE_ID] = { "id", "ID", COL_TEXT, COL_WIDE, 8, 36 },
};
const struct kind kind_silences = {
	.name = "silences", .singular = "silence", .aliases = silences_aliases, .help = "what is silenced of the alerts, by whom, until when",
	.cols = silences_cols, .ncols = SILENCE_COL_COUNT, .group = "alerts", .from = "alertmanager",
};

/* ---- labels */

static int by_name(const void *a, const void *b)
{
	const struct alert_label *x = a, *y = b;
	return str_cmp(x->name, y->name);
}

unsigned alert_labels_sort(struct alert_label *l, unsigned n)
{
	unsigned kept = 0;
	if (n)
		qsort(l, n, sizeof(*l), by_name);
	for (unsigned i = 0; i < n; i++)
		if (!i || !str_eq(l[i].name, l[i - 1].name))
			l[kept++] = l[i];
	return kept;
}

struct str alert_label(const struct alert_label *l, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_is(l[i].name, name))
			return l[i].value;
	return STR("");
}

static uint64_t fnv(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u;
}

uint64_t alert_fingerprint(const struct alert_label *l, unsigned n)
{
	uint64_t h = 14695981039346656037u;
	for (unsigned i = 0; i < n; i++)
		h = fnv(fnv(h, l[i].name), l[i].value);
	return h;
}

void alert_labels_text(const struct alert_label *l, unsigned n, struct buf *out)
{
	for (unsigned i = 0; i < n; i++)
		buf_addf(out, "%s" STR_FMT "=" STR_FMT, i ? "," : "", STR_ARG(l[i].name), STR_ARG(l[i].value));
}

static struct str first_of(const struct alert_label *l, unsigned n, const char *const *names)
{
	struct str v = STR("");
	for (; *names && !v.n; names++)
		v = alert_label(l, n, *names);
	return v;
}

static const char *const node_labels[] = { "node", "nodename", "kubernetes_node", NULL };
static const char *const model_labels[] = { "model", "model_name", "registered_model", NULL };
/* `endpoint` is not among them: to the Prometheus operator that is the name of a port. */
static const char *const endpoint_labels[] = { "model_endpoint", "inferenceservice", "isvc", "isvc_name", NULL };

/* From the narrowest to the widest: an alert of a pod carries the labels of its deployment and node too. */
const char *alert_about(const struct alert_label *l, unsigned n, struct buf *key)
{
	static const char *const jobs[] = { "job_name", NULL }, *const claims[] = { "persistentvolumeclaim", NULL },
		*const dags[] = { "dag_id", "pipeline", "dag", NULL }, *const budgets[] = { "budget", NULL };
	static const struct { const char *kind, *label; const char *const *labels; bool namespaced; } ways[] = {
		{ "modelendpoints", NULL, endpoint_labels }, { "pods", "pod", NULL, true }, { "persistentvolumeclaims", NULL, claims, true },
		{ "deployments", "deployment", NULL, true }, { "statefulsets", "statefulset", NULL, true }, { "daemonsets", "daemonset", NULL, true },
		{ "jobs", NULL, jobs, true }, { "models", NULL, model_labels }, { "pipelines", NULL, dags }, { "budgets", NULL, budgets },
		{ "nodes", NULL, node_labels },
	};
	struct str ns = alert_label(l, n, "namespace");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct str name = ways[i].label ? alert_label(l, n, ways[i].label) : first_of(l, n, ways[i].labels);
		if (!name.n || (ways[i].namespaced && !ns.n))
			continue;
		if (ways[i].namespaced)
			buf_addf(key, STR_FMT "/", STR_ARG(ns));
		buf_addstr(key, name);
		return ways[i].kind;
	}
	return NULL;
}

/* ---- rows */

const char *alert_state_name(enum alert_state s)
{
	static const char *const names[] = { "firing", "pending", "silenced", "inhibited", "routed", "error" };
	return names[s];
}

static bool is_one_of(struct str s, const char *const *names)
{
	for (; *names; names++)
		if (s.n == strlen(*names) && str_contains_fold(s, str_of(*names)))
			return true;
	return false;
}

enum level alert_level(enum alert_state s, struct str severity)
{
	static const char *const wrong[] = { "critical", "page", "pager", "error", "fatal", "emergency", "disaster", "major", "high", "sev1",
		"p1", NULL }, *const told[] = { "none", "info", "information", "informational", "notice", "debug", "low", NULL };
	if (s == ALERT_IS_PENDING)
		return LEVEL_BUSY;
	if (s == ALERT_IS_ERROR)
		return LEVEL_DOUBT;
	if (s != ALERT_IS_FIRING)
		return LEVEL_DONE;
	return is_one_of(severity, wrong) ? LEVEL_BAD : is_one_of(severity, told) ? LEVEL_NONE : LEVEL_DOUBT;
}

/* What fires before what does not, by severity, the youngest first: one number to sort by. */
static int64_t urgency(enum alert_state s, struct str severity, int64_t since)
{
	static const int of_state[] = { [ALERT_IS_FIRING] = 4, [ALERT_IS_ERROR] = 5, [ALERT_IS_PENDING] = 3, [ALERT_IS_SILENCED] = 2,
		[ALERT_IS_INHIBITED] = 1 };
	int first = s == ALERT_IS_FIRING && alert_level(s, severity) >= LEVEL_DOUBT ? 2 + (int)alert_level(s, severity) : of_state[s];
	return (int64_t)first << 44 | (since > 0 && since < 1ll << 44 ? since : 0);
}

/* "pod ml-serving/model-api-x"; without a row that it is about, what else tells where: "instance 10.0.0.7:9100". */
static void say_about(const struct alert_row *a, const char *kind, struct str key, struct buf *out)
{
	static const char *const where[] = { "instance", "service", "job", "cluster", NULL };
	struct str ns = alert_label(a->labels, a->nlabels, "namespace");
	if (kind) {                  /* "modelendpoints" are endpoints to people, and of a kind in plural one is told */
		const char *word = strcmp(kind, "modelendpoints") ? kind : "endpoints";
		buf_addf(out, "%.*s " STR_FMT, (int)strlen(word) - 1, word, STR_ARG(key));
		return;
	}
	if (ns.n)
		buf_addf(out, "namespace " STR_FMT, STR_ARG(ns));
	for (const char *const *w = where; *w && !out->len; w++)
		if (alert_label(a->labels, a->nlabels, *w).n)
			buf_addf(out, "%s " STR_FMT, *w, STR_ARG(alert_label(a->labels, a->nlabels, *w)));
}

void alert_put(struct buf *b, const struct alert_row *a)
{
	const struct alert_label *l = a->labels;
	struct buf key = { 0 }, about = { 0 }, labels = { 0 };
	struct str severity = alert_label(l, a->nlabels, "severity");
	const char *kind = alert_about(l, a->nlabels, &key);
	say_about(a, kind, buf_str(&key), &about);
	alert_labels_text(l, a->nlabels, &labels);
	rows_put(b, a->key, alert_level(a->state, severity));
	cell_text_or_null(b, a->name);
	cell_text(b, str_of(alert_state_name(a->state)));
	cell_text_or_null(b, severity);
	cell_time(b, a->since);
	cell_text_or_null(b, buf_str(&about));
	cell_text_or_null(b, a->summary);
	cell_real(b, a->value);
	cell_text_or_null(b, alert_label(l, a->nlabels, "namespace"));
	cell_text_or_null(b, alert_label(l, a->nlabels, "pod"));
	cell_text_or_null(b, first_of(l, a->nlabels, node_labels));
	cell_text_or_null(b, first_of(l, a->nlabels, model_labels));
	cell_text_or_null(b, first_of(l, a->nlabels, endpoint_labels));
	cell_text_or_null(b, str_of(kind));
	cell_text_or_null(b, buf_str(&key));
	cell_text_or_null(b, buf_str(&labels));
	const struct str rest[] = { a->annotations, a->expr, a->runbook, a->link, a->silenced_by, a->receivers, a->error };
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		cell_text_or_null(b, rest[i]);
	cell_int(b, urgency(a->state, severity, a->since));
	cell_text(b, a->key);
	buf_release(&key);
	buf_release(&about);
	buf_release(&labels);
}

void silence_put(struct buf *b, const struct silence_row *s)
{
	bool expired = str_is(s->state, "expired");
	rows_put(b, s->id, expired ? LEVEL_DONE : str_is(s->state, "pending") ? LEVEL_BUSY : LEVEL_NONE);
	cell_text_or_null(b, s->matchers);
	cell_text_or_null(b, s->state);
	cell_time(b, s->until);
	s->alerts >= 0 ? cell_int(b, s->alerts) : cell_null(b);
	cell_text_or_null(b, s->by);
	cell_text_or_null(b, s->comment);
	cell_time(b, s->since);
	cell_time(b, expired ? s->until : 0);
	cell_text(b, s->id);
}

unsigned alerts_firing(const struct store *s, int source, enum level *worst)
{
	const struct table *t = store_table_const(s, kind_alerts.name);
	unsigned n = 0;
	if (worst)
		*worst = LEVEL_NONE;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || r->level < LEVEL_DOUBT || (source >= 0 && r->source != source) || !str_is(row_text(t, r, ALERT_STATE), "firing"))
			continue;
		n++;
		if (worst && r->level > *worst)
			*worst = (enum level)r->level;
	}
	return n;
}
