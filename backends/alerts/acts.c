/* acts: silence alerts, expire and extend silences. A plan holds the requests word by word and names the alerts that they would
 * quiet or let fire again, as the server itself counts them now; running looks that the target is as it was, sends these requests
 * and no others, and reads back what became of them. A request without an answer is looked for: a new silence by its creator,
 * comment, matchers and end. */
#define _GNU_SOURCE                  /* gmtime_r */
#include "backends/alerts/alerts.h"
#include "base/acts.h"
#include "base/audit.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define USUAL_MS (2 * 3600000ll)
#define DELETE "DELETE /api/v2/silence/"
enum { NAMED_MOST = 8, BROAD = 50 };

const struct action *const alerts_actions[] = { &act_silence, &act_expire, &act_extend, NULL };

/* ---- what plans are made of */

static void put_time(int64_t ms, char out[32])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	if (!gmtime_r(&s, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*out = '\0';
}

static int64_t time_in(const json_t *o, const char *name)
{
	int64_t at = 0;
	return time_parse(str_of(json_text(o, name)), &at) ? at : 0;
}

static json_t *read_silence(struct alerts *a, const char *id)
{
	struct buf path = { 0 };
	buf_adds(&path, "/api/v2/silence/");
	http_escape(&path, str_of(id));
	json_t *j = ask_json(a, path.data);
	buf_release(&path);
	return j;
}

/* What is acted on. */
struct target {
	json_t *o;                   /* the alert or the silence; NULL: it is not there, a->failure */
	bool is_alert;
	char version[200];           /* what has to be the same when it is sent */
};

static bool read_target(struct alerts *a, const char *kind, const char *key, struct target *t)
{
	*t = (struct target){ .is_alert = !strcmp(kind, "alerts") };
	t->o = t->is_alert ? managed_find(a, key) : read_silence(a, key);
	const json_t *status = json_object_get(t->o, "status");
	if (t->is_alert)
		snprintf(t->version, sizeof(t->version), "%s, silenced by %zu", json_text(status, "state"),
		         json_array_size(json_object_get(status, "silencedBy")));
	else
		snprintf(t->version, sizeof(t->version), "%s until %s", json_text(status, "state"), json_text(t->o, "endsAt"));
	return t->o != NULL;
}

static const char *why_not(const struct alerts *a, const struct target *t)
{
	return a->failure.end == HTTP_OK ? "it fires no more" : !t->is_alert && a->failure.end == HTTP_STATUS && a->failure.status == 404
		? "there is no such silence any more" : a->failure.error;
}

struct counted { struct few names; const char *by; };

static void count(void *arg, json_t *alert)
{
	struct counted *c = arg;
	struct label_set set;
	struct buf key = { 0 };
	const json_t *ids = json_object_get(json_object_get(alert, "status"), "silencedBy"), *id;
	size_t i;
	bool by = !c->by;
	json_array_foreach(ids, i, id)
		by = by || (c->by && json_is_string(id) && !strcmp(json_string_value(id), c->by) && json_array_size(ids) == 1);
	if (!by)
		return;
	labels_read(json_object_get(alert, "labels"), &set);
	alert_about(set.l, set.n, &key);
	few_add(&c->names, STR_FMT "%s" STR_FMT, STR_ARG(alert_label(set.l, set.n, "alertname")), key.len ? " of " : "", STR_ARG(buf_str(&key)));
	buf_release(&key);
}

static void matchers_query(const json_t *matchers, struct buf *path)
{
	const json_t *m;
	size_t i;
	json_array_foreach(matchers, i, m) {
		struct buf b = { 0 };
		matcher_text(m, &b);
		buf_adds(path, "&filter=");
		http_escape(path, buf_str(&b));
		buf_release(&b);
	}
}

/* Alerts that these matchers take; by NULL: those that fire now, else those that only this silence keeps quiet. */
static bool count_alerts(struct alerts *a, const json_t *matchers, const char *by, struct counted *c)
{
	struct buf path = { 0 };
	*c = (struct counted){ .names.most = NAMED_MOST, .by = by };
	buf_adds(&path, by ? "/api/v2/alerts?active=false&inhibited=false" : "/api/v2/alerts?silenced=false&inhibited=false");
	matchers_query(matchers, &path);
	bool ok = ask_list(a, &(struct list_of){ .path = path.data, .name = "", .element = count, .arg = c });
	buf_release(&path);
	return ok;
}

/* ---- silence */

/* The body as it is posted. until: wall ms. */
static json_t *body_of(const struct alerts *a, json_t *matchers, int64_t until, const char *by, const char *comment)
{
	char starts[32], ends[32];
	put_time(alerts_now(a), starts);
	put_time(until, ends);
	char *own = a->access.user ? xstrdup(a->access.user) : audit_who();
	json_t *body = json_pack("{s:O, s:s, s:s, s:s, s:s}", "matchers", matchers, "startsAt", starts, "endsAt", ends, "createdBy",
		by ? by : own, "comment", comment);
	free(own);
	return body;
}

static void say_until(int64_t until, int64_t now, json_t *plan, const char *verb, const json_t *matchers)
{
	struct buf b = { 0 };
	char at[32];
	put_time(until, at);
	matchers_text(matchers, &b);
	buf_addf(&b, ", until %s (", at);
	fmt_age(until - now, &b);
	plan_say(plan, "change", "%s %s)", verb, b.data);
	buf_release(&b);
}

static void add_silence(struct alerts *a, json_t *plan, json_t *body)
{
	const json_t *matchers = json_object_get(body, "matchers");
	struct counted c;
	say_until(time_in(body, "endsAt"), alerts_now(a), plan, "silences", matchers);
	if (!count_alerts(a, matchers, NULL, &c))
		plan_say(plan, a->failure.end == HTTP_STATUS && a->failure.status == 400 ? "blocked" : "warnings",
		         "which alerts these matchers take cannot be told: %s", a->failure.error);
	else if (c.names.n)
		plan_say(plan, "change", "%u alert%s now: %s", c.names.n, c.names.n == 1 ? " that fires is silenced" : "s that fire are silenced", few_end(&c.names));
	else
		plan_say(plan, "warnings", "no alert that fires now has these labels: it silences what may come");
	if (c.names.n > BROAD)
		plan_say(plan, "warnings", "that is much: %u alerts; narrower matchers leave the rest audible", c.names.n);
	buf_release(&c.names.text);
	plan_request(plan, "POST /api/v2/silences", json_incref(body), "it is read back by its id", "the silence is expired");
}

/* `matchers` as text, else of the target: all labels of an alert, the matchers of a silence. */
static json_t *wanted_matchers(struct alerts *a, const struct target *t, const json_t *params, json_t *plan)
{
	struct buf text = { 0 };
	struct label_set set;
	char why[160];
	json_t *m = NULL;
	if (!plan_param_text(params, "matchers", &text).n && !t->is_alert) {
		m = json_incref(json_object_get(t->o, "matchers"));
	} else {
		labels_read(json_object_get(t->o, "labels"), &set);
		if (!text.len)
			matchers_exact(set.l, set.n, &text);
		if (!(m = matchers_parse(buf_str(&text), why, sizeof(why))))
			plan_say(plan, "blocked", "%s", why);
	}
	buf_release(&text);
	return m;
}

static void plan_silence(struct alerts *a, const struct target *t, const json_t *params, json_t *plan)
{
	const json_t *again = json_object_get(params, "again"), *one;
	const char *comment = json_text(params, "comment");
	size_t i;
	int64_t now = alerts_now(a), until = time_in(t->o, "endsAt");
	if (again) {                 /* undo of expire: word by word what was expired */
		json_array_foreach(again, i, one) {
			until = time_in(one, "endsAt");
			json_t *body = until > now ? body_of(a, json_object_get(one, "matchers"), until, json_text(one, "createdBy"),
				json_text(one, "comment")) : NULL;
			if (body)
				add_silence(a, plan, body);
			json_decref(body);
		}
		if (!json_array_size(json_object_get(plan, "steps")))
			plan_say(plan, "already", "what was silenced would have ended by itself meanwhile");
	} else {
		json_t *matchers = wanted_matchers(a, t, params, plan);
		bool as_before = !t->is_alert && until > now && !json_object_get(params, "duration");
		comment = *comment || t->is_alert ? comment : json_text(t->o, "comment");
		if (!*comment)
			plan_say(plan, "blocked", "say why (comment)");
		if (!t->is_alert && !strcmp(json_text(json_object_get(t->o, "status"), "state"), "active"))
			plan_say(plan, "warnings", "this silence is active: extend lets it end later without a second one");
		json_t *body = matchers ? body_of(a, matchers, as_before ? until : now + plan_param_ms(params, "duration", USUAL_MS), NULL, comment)
			: NULL;
		if (body)
			add_silence(a, plan, body);
		json_decref(body);
		json_decref(matchers);
	}
	if (t->is_alert && json_array_size(json_object_get(json_object_get(t->o, "status"), "silencedBy")))
		plan_say(plan, "warnings", "it is silenced already: this adds another silence");
	plan_undo(plan, "expire", json_object());
}

/* ---- expire */

/* The ids that are meant: a parameter, the row itself, or what silences the alert. Caller owns. */
static json_t *ids_of(const struct target *t, const char *key, const json_t *params)
{
	const json_t *ids = json_object_get(params, "ids");
	if (json_is_array(ids))
		return json_deep_copy(ids);
	return t->is_alert ? json_deep_copy(json_object_get(json_object_get(t->o, "status"), "silencedBy")) : json_pack("[s]", key);
}

static void expire_one(struct alerts *a, json_t *plan, const char *id, json_t *again)
{
	json_t *s = read_silence(a, id);
	struct counted c = { 0 };
	struct buf text = { 0 };
	char path[160];
	const char *state = json_text(json_object_get(s, "status"), "state");
	if (!s && !(a->failure.end == HTTP_STATUS && a->failure.status == 404))
		plan_say(plan, "blocked", "silence %s cannot be read: %s", id, a->failure.error);
	if (!s || !strcmp(state, "expired") || strlen(id) > 100 || strpbrk(id, "/?# ")) {
		json_decref(s);
		return;
	}
	matchers_text(json_object_get(s, "matchers"), &text);
	plan_say(plan, "change", "ends the silence of %s by %s (%s)", text.data ? text.data : "", json_text(s, "createdBy"), json_text(s, "comment"));
	if (!count_alerts(a, json_object_get(s, "matchers"), id, &c))
		plan_say(plan, "warnings", "which alerts it keeps quiet cannot be told: %s", a->failure.error);
	else if (c.names.n)
		plan_say(plan, "change", "%u alert%s fire again: %s", c.names.n, c.names.n == 1 ? "" : "s", few_end(&c.names));
	else
		plan_say(plan, "change", "it keeps no alert quiet just now");
	snprintf(path, sizeof(path), DELETE "%s", id);
	plan_request(plan, path, NULL, "read back, it is expired", "it is posted again");
	json_array_append_new(again, json_pack("{s:O, s:s, s:s, s:s}", "matchers", json_object_get(s, "matchers"), "endsAt",
		json_text(s, "endsAt"), "createdBy", json_text(s, "createdBy"), "comment", json_text(s, "comment")));
	buf_release(&c.names.text);
	buf_release(&text);
	json_decref(s);
}

static void plan_expire(struct alerts *a, const struct target *t, const char *key, const json_t *params, json_t *plan)
{
	json_t *ids = ids_of(t, key, params), *again = json_array(), *id;
	size_t i;
	json_array_foreach(ids, i, id)
		if (json_is_string(id))
			expire_one(a, plan, json_string_value(id), again);
	if (!json_array_size(again))
		plan_say(plan, "already", t->is_alert && !json_array_size(ids) ? "no silence keeps it quiet" : "it is expired already");
	plan_undo(plan, "silence", json_pack("{s:o}", "again", again));
	plan_say(plan, "not_undone", "who is told meanwhile was told; posted again, it has another id");
	json_decref(ids);
}

/* ---- extend */

static void plan_extend(struct alerts *a, const struct target *t, const json_t *params, json_t *plan)
{
	int64_t now = alerts_now(a), was = time_in(t->o, "endsAt"), until = time_in(params, "until");
	char ends[32];
	if (!strcmp(json_text(json_object_get(t->o, "status"), "state"), "expired"))
		plan_say(plan, "blocked", "it is expired: silence posts it once more");
	if (!until)
		until = (was > now ? was : now) + plan_param_ms(params, "duration", USUAL_MS / 2);
	if (until <= now)
		plan_say(plan, "blocked", "that end is past: expire it instead");
	if (until == was)
		plan_say(plan, "already", "it ends then already");
	put_time(until, ends);
	json_t *body = json_pack("{s:s, s:O, s:s, s:s, s:s, s:s}", "id", json_text(t->o, "id"), "matchers", json_object_get(t->o, "matchers"),
		"startsAt", json_text(t->o, "startsAt"), "endsAt", ends, "createdBy", json_text(t->o, "createdBy"), "comment", json_text(t->o, "comment"));
	plan_say(plan, "change", "ends at %s instead of %s", ends, json_text(t->o, "endsAt"));
	plan_request(plan, "POST /api/v2/silences", body, "its end is read back", "its end is put back");
	plan_undo(plan, "extend", json_pack("{s:s}", "until", json_text(t->o, "endsAt")));
}

void alerts_plan(struct alerts *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL);
	struct target t;
	if (!a->is->actions || !read_target(a, r->kind, r->key, &t)) {
		link_fail(a->link, r->id, "%s", a->is->actions ? why_not(a, &t) : "Prometheus itself silences nothing: its Alertmanager does");
		json_decref(params);
		return;
	}
	json_t *plan = plan_json(r, str_of(t.version));
	if (t.is_alert)
		plan_say(plan, "title", "%s %s", r->what, json_text(json_object_get(t.o, "labels"), "alertname"));
	if (!strcmp(r->what, "silence"))
		plan_silence(a, &t, params, plan);
	else if (!strcmp(r->what, "expire"))
		plan_expire(a, &t, r->key, params, plan);
	else
		plan_extend(a, &t, params, plan);
	plan_answer(a->link, r, plan);
	json_decref(t.o);
	json_decref(params);
}

/* ---- running */

struct seeking { const json_t *body; json_t *found; };

static void compare(void *arg, json_t *s)
{
	struct seeking *x = arg;
	if (!x->found && strcmp(json_text(json_object_get(s, "status"), "state"), "expired") &&
	    !strcmp(json_text(s, "createdBy"), json_text(x->body, "createdBy")) && !strcmp(json_text(s, "comment"), json_text(x->body, "comment")) &&
	    time_in(s, "endsAt") / 1000 == time_in(x->body, "endsAt") / 1000 &&
	    matchers_same(json_object_get(s, "matchers"), json_object_get(x->body, "matchers")))
		x->found = json_incref(s);
}

/* Whether what the step asks for is so: 1, 0, -1 it cannot be told. *id (may be NULL): of the silence that was posted. */
static int was_taken(struct alerts *a, const json_t *step, char id[128])
{
	const char *what = json_text(step, "do");
	json_t *body = json_loads(json_text(step, "body"), 0, NULL), *s;
	int is = -1;
	if (str_starts(str_of(what), STR(DELETE))) {
		s = read_silence(a, what + strlen(DELETE));
		is = s ? !strcmp(json_text(json_object_get(s, "status"), "state"), "expired") : a->failure.end == HTTP_STATUS &&
			a->failure.status == 404 ? 1 : -1;
		json_decref(s);
	} else if (*json_text(body, "id")) {
		s = read_silence(a, json_text(body, "id"));
		is = s ? time_in(s, "endsAt") / 1000 == time_in(body, "endsAt") / 1000 : -1;
		json_decref(s);
	} else if (body) {
		struct seeking x = { .body = body };
		bool ok = ask_list(a, &(struct list_of){ .path = "/api/v2/silences", .name = "", .element = compare, .arg = &x });
		is = ok ? x.found != NULL : -1;
		if (id)
			snprintf(id, 128, "%s", json_text(x.found, "id"));
		json_decref(x.found);
	}
	json_decref(body);
	return is;
}

struct carry { struct alerts *a; struct buf say; json_t *ids; bool unknown; };

/* Step i as it was shown. */
static bool send_step(struct carry *c, const json_t *step)
{
	const char *what = json_text(step, "do"), *body = json_text(step, "body");
	bool post = !strcmp(what, "POST /api/v2/silences"), delete = str_starts(str_of(what), STR(DELETE));
	struct buf answer = { 0 };
	char id[128] = "", error[sizeof(c->a->failure.error)];
	buf_clear(&c->say);
	if (!post && !delete) {
		buf_adds(&c->say, "the plan is not what was shown");
		return false;
	}
	bool ok = ask_send(c->a, post ? "POST" : "DELETE", strchr(what, ' ') + 1, str_of(body), &answer), untaken = !ok && ask_untaken(c->a);
	snprintf(error, sizeof(error), "%s", c->a->failure.error);
	json_t *j = ok && post ? json_loadb(answer.data ? answer.data : "", answer.len, 0, NULL) : NULL;
	snprintf(id, sizeof(id), "%s", json_text(j, "silenceID"));
	json_decref(j);
	buf_release(&answer);
	int is = untaken ? 0 : was_taken(c->a, step, *id ? NULL : id);
	if (ok && is == 1)
		buf_addf(&c->say, delete ? "%sit is expired" : "it is silenced, by %s", delete ? "" : id);
	else if (is == 1)
		buf_addf(&c->say, "%s; but it was taken, as a look at the server shows", error);
	else if (ok)
		buf_adds(&c->say, is ? "the server took it, but it cannot be read back" : "the server took it, but it is not so: another changed it");
	else
		buf_addf(&c->say, "%s%s", error, untaken ? "" : !is ? "; it was not taken, as a look at the server shows"
		         : "; whether it was taken cannot be told: look at the silences before trying again");
	c->unknown = !ok && is < 0;
	if (is == 1 && *id)
		json_array_append_new(c->ids, json_string(id));
	return is == 1 || (ok && is < 0);
}

/* Parameters of the undo of the first `done` steps; NULL: nothing is to be undone. */
static json_t *undo_of(const struct request *r, const json_t *plan, json_t *ids, size_t done)
{
	json_t *undo = json_deep_copy(json_object_get(json_object_get(plan, "undo"), "params")), *again = json_object_get(undo, "again");
	if (!strcmp(r->what, "silence"))
		json_object_set(undo, "ids", ids);
	while (json_array_size(again) > done)
		json_array_remove(again, json_array_size(again) - 1);
	if (done)
		return undo;
	json_decref(undo);
	return NULL;
}

void alerts_run(struct alerts *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL);
	const json_t *plan = json_object_get(params, "plan"), *steps = json_object_get(plan, "steps");
	const char *version = json_text(json_object_get(plan, "target"), "version");
	struct carry c = { .a = a, .ids = json_array() };
	struct target t;
	size_t i, n = json_array_size(steps);
	bool ok = a->is->actions && read_target(a, r->kind, r->key, &t) && n;
	if (!ok)
		buf_addf(&c.say, "nothing was sent: %s", a->is->actions ? why_not(a, &t) : "not here");
	else if (strcmp(t.version, version)) {
		ok = false;
		buf_addf(&c.say, "it has changed since the plan was shown (%s then, %s now): plan again", version, t.version);
	}
	for (i = 0; i < n && ok; i++) {
		ok = send_step(&c, json_array_get(steps, i));
		run_say(a->link, r->id, ok ? STEP_DONE : STEP_FAILED, (unsigned)i + 1, (unsigned)n, "%s", c.say.data);
	}
	if (n > 1 && i > 0)
		buf_addf(&c.say, " (%zu of %zu sent)", i - !ok, n);
	json_t *undo = undo_of(r, plan, c.ids, i - (n && i && !ok));
	char *back = undo ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(a->link, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&c.say), str_of(back ? back : ""), c.unknown });
	free(back);
	json_decref(undo);
	if (a->is->actions)
		json_decref(t.o);
	json_decref(c.ids);
	json_decref(params);
	buf_release(&c.say);
	alerts_again(a, true);
}

/* ---- questions about acts */

void alerts_taken(struct alerts *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL);
	const json_t *steps = json_object_get(json_object_get(params, "plan"), "steps"), *step;
	size_t i, yes = 0, no = 0, n = json_array_size(steps);
	json_array_foreach(steps, i, step) {
		int is = was_taken(a, step, NULL);
		yes += is == 1;
		no += is == 0;
	}
	const char *taken = n && yes == n ? "yes" : no == n ? "no" : yes && yes + no == n ? "part" : "unknown";
	json_t *o = json_pack("{s:s, s:o}", "taken", taken, "say", json_sprintf("%zu of %zu requests took effect, as the silences show", yes, n));
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(a->link, r->id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(o);
	json_decref(params);
}

void alerts_form(struct alerts *a, const struct request *r)
{
	struct target t;
	struct label_set set;
	struct buf text = { 0 };
	if (!read_target(a, r->kind, r->key, &t)) {
		link_fail(a->link, r->id, "%s", why_not(a, &t));
		return;
	}
	labels_read(json_object_get(t.o, "labels"), &set);
	if (t.is_alert)
		matchers_exact(set.l, set.n, &text);
	else
		matchers_text(json_object_get(t.o, "matchers"), &text);
	json_t *o = silence_form(buf_str(&text), t.is_alert ? "" : json_text(t.o, "comment"));
	char *answer = o ? json_dumps(o, JSON_COMPACT) : NULL;
	answer ? link_answer(a->link, r->id, true, str_of(answer)) : link_fail(a->link, r->id, "its labels are not UTF-8");
	free(answer);
	json_decref(o);
	json_decref(t.o);
	buf_release(&text);
}
