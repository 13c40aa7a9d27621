/* alerts: what fires, from Prometheus (rules and their alerts) and from Alertmanager (what became of them: silenced, inhibited,
 * sent), two backends that share a thread's loop and one kind.
 *
 *   alerts.c        the thread: settings, what is asked when, health     ask.c      one exchange; long lists as they come
 *   prometheus.c    rules, alerts, which of them an Alertmanager has     parse.c    elements of answers as rows
 *   alertmanager.c  alerts, silences                                     docs.c     one alert, silence or rule in full
 *   acts.c          silence, expire, extend
 *
 * Where both are configured an alert is there twice; the one of Alertmanager counts, for only that knows silences. So a source of
 * type prometheus `reads` the alerts of those of type alertmanager, and gives its own of the same key the state "routed". */
#ifndef ALERTS_ALERTS_H
#define ALERTS_ALERTS_H
#include "backends/net/access.h"
#include "backends/net/cut.h"
#include "backends/net/json.h"
#include "base/alerts.h"
#include "base/json_text.h"
#include "base/matchers.h"
#include "base/source.h"

enum { ALERTS_WATCHES_MAX = 64, ALERTS_JOBS = 4, ALERTS_MOST = 100000 };
#define ALERTS_REST_MS 2000      /* between two requests that nobody waits for */

struct alerts;
struct job {
	bool (*run)(struct alerts *a);
	int64_t every;               /* ms; 0: as the setting `poll` says */
	bool may_fail;               /* a server may refuse it and be well otherwise */
};
struct flavour {
	const char *what;            /* "Prometheus" */
	const struct job *jobs;      /* in the order in which they are first run; ends with run NULL */
	const struct action *const *actions;
	void (*open)(struct alerts *a, const struct request *r);
	void (*doctor)(struct alerts *a, json_t *all);
	bool reads;                  /* alerts of others: it waits for them at first */
};

/* What is done to an alert's labels on its way to Alertmanager, whose key for it is made of what comes of it. */
struct sending { json_t *external; struct relabel *relabel; };       /* labels that are added; then rules, NULL: none */
struct rule { char *name, *query, *group, *file, *error; json_t *labels; int64_t wait; };
struct alerts {
	struct link *link;
	const struct flavour *is;
	struct access access;
	struct http *http;
	struct { uint64_t id; bool silences; } watches[ALERTS_WATCHES_MAX]; unsigned nwatches;
	int64_t poll_ms, due[ALERTS_JOBS], asked_ms, retry_ms;   /* mono */
	int64_t hold_ms;             /* until then alerts wait for what Alertmanagers have, so that none is told twice at first */
	int64_t whole_ms;            /* and so long those that are told without it are no whole listing */
	bool urgent;                 /* what is due next need not wait its turn */
	int timeout_ms;
	struct http_backoff backoff;
	struct http_reply failure;   /* of the last exchange that failed, without its body */
	int64_t latency_us, date_ms;
	char version[32], trouble[256];
	unsigned skipped;            /* elements that could not be read, of the last listing */
	bool listed;
	/* Prometheus */
	struct rule *rules; unsigned nrules;
	struct sending sending;
	char not_followed[160];      /* why the key an alert has at Alertmanager is not known; "" it is */
	struct table *routed;        /* keys of alerts that Alertmanagers have */
	struct { char *name; bool away; } managers[16]; unsigned nmanagers;
	bool named;                  /* every Alertmanager has been heard of */
	/* Alertmanager */
	json_t *silenced;            /* id -> how many alerts it keeps quiet */
};
int64_t alerts_now(const struct alerts *a);
int64_t alerts_mono(const struct alerts *a);
bool alerts_watches(const struct alerts *a, bool silences);
void alerts_again(struct alerts *a, bool at_once);           /* look again: something was done */

/* ---- ask.c. False or NULL: a->failure says why. */
struct list_of {
	const char *path, *name;     /* of the list in the answer; "" the answer itself */
	const char *within, *without;
	void (*element)(void *arg, json_t *e);       /* borrowed */
	void *arg;
};
bool ask_list(struct alerts *a, const struct list_of *q);
json_t *ask_json(struct alerts *a, const char *path);
/* A change. answer (may be NULL) gets the body. */
bool ask_send(struct alerts *a, const char *method, const char *path, struct str body, struct buf *answer);
void ask_open(struct alerts *a);
void ask_close(struct alerts *a);
bool ask_is_lost(const struct alerts *a);         /* the server as a whole, not only what was asked for */
bool ask_untaken(const struct alerts *a);         /* a change that failed so was not carried out */

/* ---- parse.c: borrowed from the JSON */
struct label_set { struct alert_label l[ALERT_LABELS_MAX]; unsigned n; };
void labels_read(const json_t *o, struct label_set *out);            /* sorted; what is no text is left out */
/* Those of `more` that are not there yet. */
void labels_add(struct label_set *s, const json_t *more);
void key_of_labels(const struct label_set *s, char key[20]);
/* A row, false: not an alert. key gets the row's. */
bool put_managed(const json_t *alert, struct buf *out, char key[20]);
bool put_own(const json_t *alert, const struct rule *rule, const char *key, bool routed, struct buf *out);
bool put_silence(const json_t *silence, const json_t *counts, struct buf *out);
bool rule_read(const json_t *rule, const char *group, const char *file, struct rule *out);   /* owned; false: not an alerting rule */
void rule_release(struct rule *r);
void put_broken(const struct rule *r, struct buf *out);
const struct rule *rule_of(const struct rule *rules, unsigned n, const struct label_set *labels);
void expr_of_link(struct str link, struct buf *out);                 /* the expression in a link to Prometheus */
void key_of_own(const json_t *alert, const struct sending *s, char key[20]);

/* ---- relabel.c */
/* The rules of a list of relabel configs (NULL: none), added to *all (NULL: none so far). False: one of them is not followed,
 * why says which; *all is gone then. */
bool relabel_read(struct relabel **all, const struct yaml *list, char *why, size_t size);
void relabel_free(struct relabel *all);           /* may be NULL */
/* labels: texts by name, changed in place. False: an alert with these is not sent. */
bool relabel_apply(const struct relabel *all, json_t *labels);

/* ---- the flavours */
extern const struct flavour flavour_prometheus, flavour_alertmanager;
void routed_take(struct alerts *a, const struct request *r);
bool routed_awaited(const struct alerts *a);      /* some Alertmanager has not listed its alerts yet */
json_t *managed_find(struct alerts *a, const char *key);             /* the alert; NULL: failure, or (end HTTP_OK) it is gone */
extern const struct action *const alerts_actions[];
void alerts_plan(struct alerts *a, const struct request *r);
void alerts_run(struct alerts *a, const struct request *r);
void alerts_taken(struct alerts *a, const struct request *r);
void alerts_form(struct alerts *a, const struct request *r);
void managed_open(struct alerts *a, const struct request *r);
void own_open(struct alerts *a, const struct request *r);
void describe_alert(struct alerts *a, uint64_t id, const json_t *alert, const char *state);
void alerts_doctor(struct alerts *a, const struct request *r);

/* Rows on their way: sent in messages of a bounded size. */
struct listing { struct alerts *a; const char *kind; struct buf rows; unsigned n; bool open; };     /* open: it has no end yet */
void listing_begin(struct listing *x);
void listing_more(struct listing *x);             /* a row was put */
void listing_end(struct listing *x);
void listing_drop(struct listing *x);             /* it failed: what came so far is shown, nothing is gone */
#endif
