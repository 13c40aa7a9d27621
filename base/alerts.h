/* alerts: what a monitoring system says is wrong, and what was silenced of it: the kinds, their rows, and what the labels of an
 * alert tell. A key is the fingerprint of the labels, as Prometheus and Alertmanager reckon it, so that the same alert has the
 * same key wherever it is seen. */
#ifndef BASE_ALERTS_H
#define BASE_ALERTS_H
#include "base/rows.h"

struct store;

extern const struct kind kind_alerts, kind_silences;
enum alert_col {
	ALERT_NAME, ALERT_STATE, ALERT_SEVERITY, ALERT_SINCE, ALERT_ABOUT, ALERT_SUMMARY, ALERT_VALUE, ALERT_NAMESPACE, ALERT_POD,
	ALERT_NODE, ALERT_MODEL, ALERT_ENDPOINT, ALERT_ABOUT_KIND, ALERT_ABOUT_KEY, ALERT_LABELS, ALERT_ANNOTATIONS, ALERT_EXPR,
	ALERT_RUNBOOK, ALERT_LINK, ALERT_SILENCED_BY, ALERT_RECEIVERS, ALERT_ERROR, ALERT_URGENCY,
	ALERT_FINGERPRINT, ALERT_COL_COUNT
};
enum silence_col {
	SILENCE_MATCHERS, SILENCE_STATE, SILENCE_UNTIL, SILENCE_ALERTS, SILENCE_BY, SILENCE_COMMENT, SILENCE_SINCE, SILENCE_ENDED,
	SILENCE_ID, SILENCE_COL_COUNT
};

enum alert_state {
	ALERT_IS_FIRING, ALERT_IS_PENDING, ALERT_IS_SILENCED, ALERT_IS_INHIBITED,
	ALERT_IS_ROUTED,     /* it fires, and a row of an Alertmanager's says how it stands there: that one counts */
	ALERT_IS_ERROR,      /* no alert: a rule that cannot be evaluated, so that nobody would be told */
};
const char *alert_state_name(enum alert_state s);

struct alert_label { struct str name, value; };
#define ALERT_LABELS_MAX 128
/* By name, each once (the first stays): what all functions below want. */
unsigned alert_labels_sort(struct alert_label *l, unsigned n);
struct str alert_label(const struct alert_label *l, unsigned n, const char *name);   /* "" none */
uint64_t alert_fingerprint(const struct alert_label *l, unsigned n);
void alert_labels_text(const struct alert_label *l, unsigned n, struct buf *out);    /* "a=b,c=d" */
/* The row that an alert is about, by its labels: its kind (NULL: they do not tell), and its key appended. */
const char *alert_about(const struct alert_label *l, unsigned n, struct buf *key);

struct alert_row {                   /* empty texts are unknown */
	struct str key, name, summary, annotations, expr, runbook, link, silenced_by, receivers, error;
	const struct alert_label *labels; unsigned nlabels;      /* sorted */
	enum alert_state state;
	int64_t since;
	double value;                    /* NaN unknown */
};
void alert_put(struct buf *b, const struct alert_row *a);
enum level alert_level(enum alert_state s, struct str severity);

struct silence_row {
	struct str id, matchers, state, by, comment;
	int64_t since, until, alerts;    /* alerts: how many it keeps quiet now; -1 unknown */
};
void silence_put(struct buf *b, const struct silence_row *s);

/* Alerts that fire, are not silenced, and are more than information; source -1: of all. *worst (may be NULL): the worst level. */
unsigned alerts_firing(const struct store *s, int source, enum level *worst);
#endif
