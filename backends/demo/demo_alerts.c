/* demo_alerts: what fires in the simulated world, and what is silenced of it, with the names, parameters and plans of an Alertmanager
 * source. An alert is a rule on the world as it is: nothing of it is kept. Only silences are. */
#define _GNU_SOURCE                  /* gmtime_r */
#include "backends/demo/ways.h"
#include "base/fmt.h"
#include "base/matchers.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MINUTE 60000ll
#define HOUR (60 * MINUTE)
enum { LABELS = 6 };

/* ---- what fires */

struct firing {
	struct alert_label l[LABELS]; unsigned n;
	char key[20], about[96], summary[160];
	const char *expr, *runbook;
	double value;
	int64_t since;
};
typedef void (*each_fn)(void *arg, const struct world *w, const struct firing *f);

static void label(struct firing *f, const char *name, const char *value)
{
	f->l[f->n++] = (struct alert_label){ str_of(name), str_of(value) };
}

static void fire(const struct world *w, struct firing *f, each_fn each, void *arg)
{
	if (f->since > w->now)
		return;
	f->n = alert_labels_sort(f->l, f->n);
	snprintf(f->key, sizeof(f->key), "%016llx", (unsigned long long)alert_fingerprint(f->l, f->n));
	each(arg, w, f);
}

static void crash_loops(const struct world *w, each_fn each, void *arg)
{
	for (const struct pod *p = w->pods; p < w->pods + PODS_MAX; p++) {
		const struct workload *l = p->used && p->workload >= 0 ? &w->workloads[p->workload] : NULL;
		if (!l || !pod_alive(p) || p->restarts < 2 || p->revision != l->revision || (l->fault != EATS_MEMORY && l->fault != EXITS))
			continue;
		struct firing f = { .value = p->restarts, .since = p->born + 90000, .expr = "increase(kube_pod_container_status_restarts_total[10m]) > 1",
			.runbook = "https://runbooks.internal/crash-looping" };
		label(&f, "alertname", "KubePodCrashLooping"), label(&f, "severity", "critical");
		label(&f, "namespace", l->plan->namespace), label(&f, "pod", p->name), label(&f, "deployment", l->plan->name);
		snprintf(f.summary, sizeof(f.summary), "pod %s/%s restarts again and again", l->plan->namespace, p->name);
		fire(w, &f, each, arg);
	}
}

static void drift(const struct world *w, each_fn each, void *arg)
{
	int64_t since = 0;
	for (unsigned i = w->nchecks; i-- && w->checks[i].score > 0.2;)
		since = w->checks[i].at;
	if (!since)
		return;
	struct firing f = { .value = w->checks[w->nchecks - 1].score, .since = since + MINUTE, .expr = "drift_score{model=\"real_estate_model\"} > 0.2",
		.runbook = "https://runbooks.internal/drift" };
	label(&f, "alertname", "DriftAboveLimit"), label(&f, "severity", "warning"), label(&f, "model", "real_estate_model");
	snprintf(f.summary, sizeof(f.summary), "the data of real_estate_model has drifted, score over 0.2");
	fire(w, &f, each, arg);
}

/* v7 asks for more memory than its pods have: they die under the requests (demo_serving.c, demo_reload.c). */
static void errors(const struct world *w, each_fn each, void *arg)
{
	static const char *const endpoints[] = { "model-api-v7", "model-api" };
	for (int i = 0; i < 2; i++) {
		struct firing f = { .value = 0.18, .since = i ? w->loaded + 15000 : w->start - 150000,
			.expr = "sum by (model_endpoint) (rate(predict_errors_total[1m])) / sum by (model_endpoint) (rate(predict_total[1m])) > 0.05",
			.runbook = "https://runbooks.internal/model-errors" };
		if (i && w->serves != 7)
			continue;
		label(&f, "alertname", "ModelErrorRate"), label(&f, "severity", "critical"), label(&f, "namespace", "ml-serving");
		label(&f, "model", "real_estate_model"), label(&f, "model_endpoint", endpoints[i]);
		snprintf(f.summary, sizeof(f.summary), "%s answers more than 5%% of requests with an error", endpoints[i]);
		fire(w, &f, each, arg);
	}
}

static void budget(const struct world *w, each_fn each, void *arg)
{
	const struct node *n = &w->nodes[NODES];
	if (!n->born)
		return;
	struct firing f = { .value = NAN, .since = n->born + 30000, .expr = "predict_linear(session_spend_dollars[30m], 6 * 3600) > session_budget_dollars",
		.runbook = "https://runbooks.internal/budget" };
	label(&f, "alertname", "BudgetBurn"), label(&f, "severity", "warning"), label(&f, "budget", "session");
	snprintf(f.summary, sizeof(f.summary), "at this rate the session's budget does not last");
	fire(w, &f, each, arg);
}

static void always(const struct world *w, each_fn each, void *arg)
{
	struct firing f = { .value = 1, .since = w->start - 720 * HOUR, .expr = "vector(1)" }, volume = { .value = 0.92, .since = w->start - 5 * HOUR,
		.expr = "kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes > 0.9", .runbook = "https://runbooks.internal/volumes" };
	label(&f, "alertname", "Watchdog"), label(&f, "severity", "none");
	snprintf(f.summary, sizeof(f.summary), "alerting works from end to end");
	fire(w, &f, each, arg);
	label(&volume, "alertname", "PersistentVolumeFillingUp"), label(&volume, "severity", "warning"), label(&volume, "namespace", "monitoring");
	label(&volume, "persistentvolumeclaim", "data-prometheus-0");
	snprintf(volume.summary, sizeof(volume.summary), "volume data-prometheus-0 is 92%% full");
	fire(w, &volume, each, arg);
}

static void each_alert(const struct world *w, each_fn each, void *arg)
{
	crash_loops(w, each, arg);
	errors(w, each, arg);
	drift(w, each, arg);
	budget(w, each, arg);
	always(w, each, arg);
}

/* ---- silences */

static const char *state_of(const struct world *w, const struct silenced *s)
{
	return s->until <= w->now ? "expired" : "active";
}

static bool silences(const struct world *w, const struct silenced *s, const struct firing *f)
{
	char why[8];
	json_t *m = s->until > w->now ? matchers_parse(str_of(s->matchers), why, sizeof(why)) : NULL;
	bool is = m && matchers_match(m, f->l, f->n);
	json_decref(m);
	return is;
}

void demo_silences_begin(struct world *w)
{
	struct silenced *s = &w->silences[w->nsilences++];
	*s = (struct silenced){ .since = w->start - 3 * HOUR, .until = w->start + 9 * HOUR };
	snprintf(s->id, sizeof(s->id), "d5b1c0de-0000-4000-8000-000000000001");
	snprintf(s->matchers, sizeof(s->matchers), "alertname=\"PersistentVolumeFillingUp\",persistentvolumeclaim=\"data-prometheus-0\"");
	snprintf(s->by, sizeof(s->by), "ines");
	snprintf(s->comment, sizeof(s->comment), "OPS-2211, larger volume ordered");
}

static struct silenced *silence_of(struct world *w, const char *id)
{
	for (unsigned i = 0; i < w->nsilences; i++)
		if (!strcmp(w->silences[i].id, id))
			return &w->silences[i];
	return NULL;
}

/* ---- rows */

static void show_alert(void *arg, const struct world *w, const struct firing *f)
{
	struct buf ids = { 0 };
	for (unsigned i = 0; i < w->nsilences; i++)
		if (silences(w, &w->silences[i], f))
			buf_addf(&ids, "%s%s", ids.len ? "," : "", w->silences[i].id);
	alert_put(arg, &(struct alert_row){ .key = str_of(f->key), .name = alert_label(f->l, f->n, "alertname"), .labels = f->l, .nlabels = f->n,
		.state = ids.len ? ALERT_IS_SILENCED : ALERT_IS_FIRING, .since = f->since, .summary = str_of(f->summary), .value = f->value,
		.expr = str_of(f->expr), .runbook = str_of(f->runbook), .silenced_by = buf_str(&ids), .receivers = STR("on-call") });
	buf_release(&ids);
}

struct counting { const struct silenced *s; json_t *matchers; int64_t n; struct buf names; };

static void count(void *arg, const struct world *w, const struct firing *f)
{
	struct counting *c = arg;
	if (c->s ? !silences(w, c->s, f) : !matchers_match(c->matchers, f->l, f->n))
		return;
	for (unsigned i = 0; !c->s && i < w->nsilences; i++)
		if (silences(w, &w->silences[i], f))
			return;                  /* somebody silenced it already */
	struct buf about = { 0 };
	alert_about(f->l, f->n, &about);
	buf_addf(&c->names, "%s" STR_FMT "%s" STR_FMT, c->n++ ? ", " : "", STR_ARG(alert_label(f->l, f->n, "alertname")), about.len ? " of " : "",
	         STR_ARG(buf_str(&about)));
	buf_release(&about);
}

bool demo_alerts_show(const struct world *w, const char *kind, struct buf *body)
{
	if (!strcmp(kind, "alerts")) {
		each_alert(w, show_alert, body);
		return true;
	}
	if (strcmp(kind, "silences"))
		return false;
	for (unsigned i = 0; i < w->nsilences; i++) {
		const struct silenced *s = &w->silences[i];
		struct counting c = { .s = s };
		each_alert(w, count, &c);
		silence_put(body, &(struct silence_row){ .id = str_of(s->id), .matchers = str_of(s->matchers), .state = str_of(state_of(w, s)),
			.by = str_of(s->by), .comment = str_of(s->comment), .since = s->since, .until = s->until,
			.alerts = s->until > w->now ? c.n : -1 });
		buf_release(&c.names);
	}
	return true;
}

/* ---- acts */

struct seeking { const char *key; struct firing found; char labels[512]; };

static void compare(void *arg, const struct world *w, const struct firing *f)
{
	struct seeking *x = arg;
	struct buf b = { 0 };
	if (strcmp(f->key, x->key))
		return;
	matchers_exact(f->l, f->n, &b);
	x->found = *f;                       /* its labels point at pods of the world: only while it stands still */
	snprintf(x->labels, sizeof(x->labels), "%s", b.data);
	buf_release(&b);
}

/* What is acted on: an alert that fires, or a silence. */
static bool find(struct world *w, const struct request *r, struct seeking *x, struct silenced **s)
{
	*x = (struct seeking){ .key = r->key };
	*s = !strcmp(r->kind, "silences") ? silence_of(w, r->key) : NULL;
	if (!strcmp(r->kind, "alerts"))
		each_alert(w, compare, x);
	return *s || x->found.n;
}

static bool state(struct doing *d, struct buf *out)
{
	struct seeking x;
	struct silenced *s;
	bool there = find(d->w, d->r, &x, &s);
	buf_adds(out, s ? state_of(d->w, s) : "firing");
	return there;
}

static void put_time(int64_t ms, char out[32])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	if (!gmtime_r(&s, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*out = '\0';
}

static void id_of(unsigned n, char id[40])
{
	snprintf(id, 40, "d5b1c0de-0000-4000-8000-%012u", n);
}

/* id "": a new one. */
static void post(struct doing *d, const char *matchers, int64_t until, const char *by, const char *comment, const char *id)
{
	char ends[32], why[160];
	struct counting c = { .matchers = matchers_parse(str_of(matchers), why, sizeof(why)) };
	put_time(until, ends);
	if (!c.matchers) {
		SAY(d, "blocked", "%s", why);
		return;
	}
	json_t *body = json_pack("{s:O, s:s, s:s, s:s}", "matchers", c.matchers, "endsAt", ends, "createdBy", by, "comment", comment);
	if (*id) {
		json_object_set_new(body, "id", json_string(id));
		SAY(d, "change", "ends at %s", ends);
	} else {
		each_alert(d->w, count, &c);
		SAY(d, "change", "silences %s, until %s", matchers, ends);
		if (c.n)
			SAY(d, "change", "%d alert%s now: %s", (int)c.n, c.n == 1 ? " that fires is silenced" : "s that fire are silenced", c.names.data);
		else
			SAY(d, "warnings", "no alert that fires now has these labels: it silences what may come");
		if (d->w->nsilences == SILENCES_MAX)
			SAY(d, "blocked", "the demo keeps %d silences at most", SILENCES_MAX);
	}
	plan_request(d->plan, "POST /api/v2/silences", body, "it is read back by its id", *id ? "its end is put back" : "the silence is expired");
	json_decref(c.matchers);
	buf_release(&c.names);
}

/* By its name, not by its fingerprint. */
static void entitle(struct doing *d, const struct firing *f)
{
	if (f->n)
		SAY(d, "title", "%s " STR_FMT, d->r->what, STR_ARG(alert_label(f->l, f->n, "alertname")));
}

static void plan_silence(struct doing *d)
{
	struct seeking x;
	struct silenced *s;
	struct buf text = { 0 }, comment = { 0 };
	char id[40];
	const char *again = doing_text(d->params, "again");      /* undo of expire: which one */
	find(d->w, d->r, &x, &s);
	entitle(d, &x.found);
	s = *again ? silence_of(d->w, again) : s;
	int64_t until = *again && s ? s->ended_before : d->w->now + plan_param_ms(d->params, "duration", 2 * HOUR);
	if (!plan_param_text(d->params, "comment", &comment).n && s)
		buf_adds(&comment, s->comment);
	if (!plan_param_text(d->params, "matchers", &text).n)
		buf_adds(&text, s ? s->matchers : x.labels);
	if (!comment.len)
		SAY(d, "blocked", "say why (comment)");
	post(d, text.data, until, *again && s ? s->by : "you", comment.data ? comment.data : "", "");
	id_of(d->w->nsilences + 1, id);
	plan_undo(d->plan, "expire", json_pack("{s:s}", "id", id));
	buf_release(&text);
	buf_release(&comment);
}

static void plan_expire(struct doing *d)
{
	struct seeking x;
	struct silenced *s;
	const char *id = doing_text(d->params, "id");
	find(d->w, d->r, &x, &s);
	entitle(d, &x.found);
	s = *id ? silence_of(d->w, id) : s;
	for (unsigned i = d->w->nsilences; !s && x.found.n && i--;)
		s = silences(d->w, &d->w->silences[i], &x.found) ? &d->w->silences[i] : NULL;
	struct counting c = { .s = s };
	if (!s || s->until <= d->w->now) {
		SAY(d, "already", s ? "it is expired already" : "no silence keeps it quiet");
		return;
	}
	each_alert(d->w, count, &c);
	SAY(d, "change", "ends the silence of %s by %s (%s)", s->matchers, s->by, s->comment);
	SAY(d, "change", c.n ? "%d fire again: %s" : "it keeps no alert quiet just now", (int)c.n, c.names.data ? c.names.data : "");
	doing_step(d, "", "DELETE /api/v2/silence/%s", s->id);
	plan_undo(d->plan, "silence", json_pack("{s:s}", "again", s->id));
	buf_release(&c.names);
}

static void plan_extend(struct doing *d)
{
	struct silenced *s = silence_of(d->w, d->r->key);
	int64_t until = s->until + plan_param_ms(d->params, "duration", HOUR);
	char was[32];
	put_time(s->until, was);
	if (s->until <= d->w->now)
		SAY(d, "blocked", "it is expired: silence posts it once more");
	time_parse(str_of(doing_text(d->params, "until")), &until);
	post(d, s->matchers, until, s->by, s->comment, s->id);
	plan_undo(d->plan, "extend", json_pack("{s:s}", "until", was));
}

static const json_t *step_of(const struct doing *d)
{
	return json_array_get(json_object_get(d->plan, "steps"), 0);
}

static bool run_post(struct doing *d)
{
	json_t *body = json_loads(doing_text(step_of(d), "body"), 0, NULL);
	const char *id = doing_text(body, "id");
	struct silenced *s = *id ? silence_of(d->w, id) : d->w->nsilences < SILENCES_MAX ? &d->w->silences[d->w->nsilences] : NULL;
	struct buf text = { 0 };
	if (s && !*id) {
		*s = (struct silenced){ .since = d->w->now };
		id_of(++d->w->nsilences, s->id);
		matchers_text(json_object_get(body, "matchers"), &text);
		snprintf(s->matchers, sizeof(s->matchers), "%s", text.data ? text.data : "");
		snprintf(s->by, sizeof(s->by), "%s", doing_text(body, "createdBy"));
		snprintf(s->comment, sizeof(s->comment), "%s", doing_text(body, "comment"));
		buf_release(&text);
	}
	if (s)
		time_parse(str_of(doing_text(body, "endsAt")), &s->until);
	buf_addf(&d->say, s ? "it is silenced, by %s" : "there is no room for more silences%s", s ? s->id : "");
	d->w->alerts_dirty = true;
	json_decref(body);
	return s != NULL;
}

static bool run_expire(struct doing *d)
{
	struct str what = str_of(doing_text(step_of(d), "do"));
	struct silenced *s = what.n > 36 ? silence_of(d->w, what.p + what.n - 36) : NULL;
	buf_adds(&d->say, s ? "it is expired" : "there is no such silence");
	if (s) {
		s->ended_before = s->until;
		s->until = d->w->now;
	}
	d->w->alerts_dirty = true;
	return s != NULL;
}

const struct demo_way demo_ways_alerts[] = {
	{ &act_silence, state, plan_silence, run_post }, { &act_expire, state, plan_expire, run_expire },
	{ &act_extend, state, plan_extend, run_post }, { .action = NULL },
};

json_t *demo_alerts_form(struct world *w, const struct request *r)
{
	struct seeking x;
	struct silenced *s;
	return find(w, r, &x, &s) ? silence_form(str_of(s ? s->matchers : x.labels), s ? s->comment : "") : NULL;
}
