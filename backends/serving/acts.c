/* acts: what can be done to an endpoint: let it load its model anew, let it go, warm it up. A service loads what its registry
 * says, not what we say: so a plan tells what it serves, and what it would get where the registry is known; running asks
 * once, and then looks what it serves until that is the right version or time runs out. A question whose answer got lost is
 * decided in the same way. */
#define _GNU_SOURCE    /* nanosleep */
#include "backends/serving/answer.h"
#include "backends/serving/serving.h"
#include "base/acts.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WITHIN_MS = 120000, LOOK_AGAIN_MS = 1000, GRACE_MS = 10000 };

const struct action *const serving_actions[] = { &act_reload, &act_unload, &act_warm_up, NULL };

/* ---- what it serves */

static struct str bare(const char *version)
{
	struct str s = str_trim(str_of(version));
	return s.n > 1 && (*s.p == 'v' || *s.p == 'V') ? (struct str){ s.p + 1, s.n - 1 } : s;
}

static bool same_version(const char *a, const char *b)
{
	return a && b && str_eq(bare(a), bare(b));
}

/* "v6": as it is told to people. */
static const char *shown(const char *version, char out[64])
{
	struct str s = bare(version);
	snprintf(out, 64, "%s%.60s", s.n && *s.p >= '0' && *s.p <= '9' ? "v" : "", version ? s.p : "an unknown version");
	return out;
}

/* What has to be the same when a plan is run. */
static void serves(const struct model *m, struct buf *out)
{
	buf_addf(out, "%s %s %s", m->version ? m->version : "-", m->run ? m->run : "-", m->loaded ? m->loaded : "-");
}

static bool look(struct serving *s, struct model *m)
{
	if (!serving_find(s))
		return false;
	return m->status != STATUS_DOWN && m->status != STATUS_REFUSED;
}

/* ---- plans */

/* Who is champion then: the steps before it in a runbook may make another. Number, -1 nobody knows; say: how it is known. */
static int64_t champion_then(struct serving *s, const char *model, const json_t *params, char *say, size_t size)
{
	int64_t champion = known_champion(s->known, model, setting(s, "registry"), say, size);
	const json_t *before;
	size_t i;
	json_array_foreach(json_object_get(params, "after"), i, before) {
		const char *action = json_text(before, "action"), *key = json_text(before, "key");
		size_t n = model ? strlen(model) : 0;
		bool registry = !strcmp(action, "promote") || !strcmp(action, "rollback"), same = n && !strncmp(key, model, n) && (!key[n] || key[n] == '/');
		if (!registry || !same || !json_is_integer(json_object_get(before, "to")))
			continue;
		champion = json_integer_value(json_object_get(before, "to"));
		snprintf(say, size, "after step %d the registry", (int)json_integer_value(json_object_get(before, "step")));
	}
	return champion;
}

/* Which version it will be: as asked for, else the registry's. NULL: nobody knows. Caller frees. */
static char *wanted(struct serving *s, const struct model *m, json_t *plan, const json_t *params)
{
	struct buf asked = { 0 };
	char say[300], word[64], now[64];
	int64_t champion = champion_then(s, m->title ? m->title : m->name, params, say, sizeof(say));
	char *want = plan_param_text(params, "version", &asked).n ? xstrdup(asked.data) : NULL;
	char *has = champion >= 0 ? xasprintf("%lld", (long long)champion) : NULL;
	buf_release(&asked);
	if (want && has && !same_version(want, has))
		plan_say(plan, "warnings", "%s has v%s as champion: a service that loads by it will not come with %s", say, has,
		         shown(want, word));
	else if (has && !want)
		plan_say(plan, "change", "it serves %s; %s has v%s as champion: it becomes v%s", shown(m->version, now), say, has, has);
	if (want)
		plan_say(plan, "change", "it serves %s; it has to serve %s afterwards", shown(m->version, now), shown(want, word));
	else if (!has)
		plan_say(plan, "change", "it serves %s; what it becomes is unknown: %s", shown(m->version, now), say);
	json_object_set_new(json_object_get(plan, "target"), "sure", json_boolean(want));
	if (want) {
		free(has);
		return want;
	}
	return has;
}

static void reload_way(json_t *plan, const char *path, const char *want, int64_t within)
{
	char word[64];
	char *step = xasprintf("POST %s", path), *check = xasprintf("it answers with %s, ready, within %lld s",
		want ? shown(want, word) : "its version", (long long)within / 1000);
	plan_request(plan, step, NULL, check, "reload again, when the registry says the old version again");
	free(step);
	free(check);
}

static void plan_reload(struct serving *s, struct model *m, json_t *plan, const json_t *params, const char *path)
{
	int64_t within = plan_param_ms(params, "within", WITHIN_MS);
	char *want = wanted(s, m, plan, params);
	char word[64];
	if (m->status == STATUS_NOT_READY)
		plan_say(plan, "warnings", "it is not ready now: %.300s", m->why);
	if (json_is_true(json_object_get(json_object_get(plan, "target"), "sure")) && m->status == STATUS_READY &&
	    same_version(m->version, want)) {
		plan_say(plan, "already", "it serves %s", shown(want, word));
		free(want);
		return;
	}
	if (want && !m->version)
		plan_say(plan, "warnings", "it does not say which version it serves: whether the right one came cannot be read back");
	plan_say(plan, "warnings", "while it loads, it may answer slowly or not at all");
	reload_way(plan, path, want, within);
	if (want)
		json_object_set_new(json_object_get(plan, "target"), "to", json_string(want));
	json_object_set_new(json_object_get(plan, "target"), "within", json_integer(within));
	plan_undo(plan, "reload", m->version ? json_pack("{s:s}", "version", m->version) : NULL);
	json_object_set_new(json_object_get(plan, "undo"), "last", json_true());
	plan_say(plan, "not_undone", "reloading again loads whatever the registry says then: put the registry back first");
	free(want);
}

static void plan_unload(struct model *m, json_t *plan, const json_t *params, const char *path)
{
	char *step = xasprintf("POST %s", path);
	if (m->status == STATUS_NOT_READY)
		plan_say(plan, "already", "it is not loaded: %s", m->why);
	else
		plan_request(plan, step, NULL, "it is ready no more", "load it again");
	plan_say(plan, "change", "%s answers no predictions until it is loaded again", m->key);
	json_object_set_new(json_object_get(plan, "target"), "within", json_integer(plan_param_ms(params, "within", WITHIN_MS)));
	plan_undo(plan, "reload", NULL);
	free(step);
}

void serving_plan(struct serving *s, struct model *m, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan;
	struct buf now = { 0 };
	char why[300] = "";
	if (!look(s, m) && serving_lost(s)) {
		if (s->end == HTTP_STATUS && (s->status == 401 || s->status == 403))
			link_refused(s->link, r->id);
		link_fail(s->link, r->id, "%s%s%s", s->error, *s->remedy ? ": " : "", s->remedy);
		json_decref(params);
		return;
	}
	serves(m, &now);
	plan = plan_json(r, buf_str(&now));
	if (!strcmp(r->what, "warm-up")) {
		warmup_plan(s, m, r, plan);
	} else {
		bool out = !strcmp(r->what, "unload");
		char *path = s->protocol->reload ? s->protocol->reload(s, m, out, why, sizeof(why)) : NULL;
		if (!path)
			plan_say(plan, "blocked", "%s", s->protocol->reload ? why : s->protocol->fixed);
		else if (out)
			plan_unload(m, plan, params, path);
		else
			plan_reload(s, m, plan, params, path);
		free(path);
	}
	plan_answer(s->link, r, plan);
	buf_release(&now);
	json_decref(params);
}

/* ---- running */

struct running {
	struct serving *s;
	struct model *m;
	uint64_t id;
	const char *want;            /* NULL: whatever comes */
	bool sure;                   /* want was asked for, not guessed from a registry */
	bool out;                    /* unload */
	bool taken, lost;            /* 2xx; no answer, it may have been taken */
	char *was, *loaded, *said;   /* versions: before, of the answer (NULL: it does not say) */
	int64_t began, until;        /* mono ms */
	struct buf say;
};

static int64_t mono(const struct running *x)
{
	return clock_mono(link_clock(x->s->link));
}

static void note_answer(struct running *x, const struct http_reply *r)
{
	json_t *j = r->body.len ? json_loadb(r->body.data, r->body.len, 0, NULL) : NULL;
	struct answer a;
	struct buf b = { 0 };
	if (r->end == HTTP_OK && json_is_object(j)) {
		answer_read(j, NULL, &a);
		x->said = a.version ? xstrdup(a.version) : NULL;
		answer_release(&a);
	} else if (r->end != HTTP_OK && answer_complaint(j, &b)) {
		buf_addf(&x->say, "it answered %d: %.300s", r->status, b.data);
	} else if (r->end != HTTP_OK) {
		buf_addf(&x->say, "%s%s%s", r->error, *r->remedy ? ": " : "", r->remedy);
	}
	buf_release(&b);
	json_decref(j);
}

/* Sends the request of the plan; what its end means for whether it was taken. False: it certainly was not. */
static bool send_reload(struct running *x, const json_t *step)
{
	struct str path = str_of(json_string_value(json_object_get(step, "do"))), method = str_split(&path, ' ');
	struct http_reply r;
	int64_t left = x->until - mono(x);
	if (!str_is(method, "POST") || !path.n || *path.p != '/') {
		buf_adds(&x->say, "the plan is not what was shown");
		return false;
	}
	char *p = str_dup(path);
	run_say(x->s->link, x->id, STEP_RUNNING, 1, 1, "POST %s", p);
	http_call(x->s->http, &(struct http_request){ .method = "POST", .path = p, .body = STR("{}"), .max = 1 << 20, .once = true,
		.timeout_ms = (int)(left < 1000 ? 1000 : left < x->s->timeout_ms ? left : x->s->timeout_ms),
		.cancelled = is_cancelled, .cancelled_arg = x->s }, &r);
	x->taken = r.end == HTTP_OK;
	x->lost = r.end == HTTP_TIMEOUT || r.end == HTTP_CUT || r.end == HTTP_CANCELLED ||
	          (r.end == HTTP_STATUS && (r.status == 502 || r.status == 504));
	note_answer(x, &r);
	if (r.end == HTTP_STATUS && (r.status == 401 || r.status == 403))
		link_refused(x->s->link, x->id);
	if (r.end == HTTP_STATUS && (r.status == 404 || r.status == 405))
		buf_addf(&x->say, ": it has no POST %s", p);
	http_reply_release(&r);
	free(p);
	return x->taken || x->lost;
}

/* It is as it was to become. */
static bool reached(const struct running *x)
{
	const struct model *m = x->m;
	if (x->out)
		return m->status == STATUS_NOT_READY;
	if (m->status != STATUS_READY)
		return false;
	if (x->want && m->version)
		return same_version(m->version, x->want);
	bool other = (m->version && x->was && !same_version(m->version, x->was)) ||
	             (m->loaded && x->loaded && strcmp(m->loaded, x->loaded));
	return other || (x->taken && (!x->said || !m->version || same_version(m->version, x->said)));
}

/* Its own answer names another version than the wanted one, and it serves that: waiting brings nothing. */
static bool came_otherwise(const struct running *x)
{
	return !x->out && x->taken && x->want && x->said && x->m->status == STATUS_READY && same_version(x->m->version, x->said) &&
	       !same_version(x->said, x->want);
}

static bool read_back(struct running *x)
{
	bool answers = false, over = false;
	while (!over) {
		answers = look(x->s, x->m);
		over = mono(x) >= x->until || is_cancelled(x->s);
		if ((answers || x->out) && (reached(x) || came_otherwise(x)))
			return reached(x);
		for (int i = 0; i < LOOK_AGAIN_MS / 50 && !over; i++) {
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
			over = is_cancelled(x->s);
		}
	}
	return false;
}

static void say_state(struct running *x)
{
	char word[64];
	const struct model *m = x->m;
	if (m->status == STATUS_READY)
		buf_addf(&x->say, "it serves %s", shown(m->version, word));
	else
		buf_addf(&x->say, "it is not ready%s%s", *m->why ? ": " : "", m->why);
}

/* Why it is not as it was to be, after the time is over. */
static void say_missed(struct running *x)
{
	char want[64], was[64];
	if (x->say.len)
		buf_adds(&x->say, "; ");
	if (is_cancelled(x->s))
		buf_addf(&x->say, "stopped waiting, the request was %s: ", x->taken ? "taken" : "sent");
	say_state(x);
	if (x->m->status != STATUS_READY || x->out)
		return;
	if (came_otherwise(x))
		buf_addf(&x->say, ", not %s: that is what it found in its registry", shown(x->want, want));
	else if (x->want && same_version(x->m->version, x->was))
		buf_addf(&x->say, " still, after %lld s: it failed to load %s and kept the old one, or its registry says otherwise: see its log",
		         (long long)(mono(x) - x->began) / 1000, shown(x->want, want));
	else if (x->want)
		buf_addf(&x->say, ", not %s", shown(x->want, want));
	else
		buf_addf(&x->say, " as before (%s): whether it loaded anew cannot be told, no answer came", shown(x->was, was));
}

static bool still_as_planned(struct running *x, const json_t *target)
{
	struct buf now = { 0 };
	const char *then = json_string_value(json_object_get(target, "version"));
	bool lost = !look(x->s, x->m) && serving_lost(x->s), same;
	serves(x->m, &now);
	same = then && str_is(buf_str(&now), then);
	if (lost)
		buf_addf(&x->say, "nothing was sent: %s", x->s->error);
	else if (!same)
		buf_addf(&x->say, "it serves something else since the plan was shown (%s then, " STR_FMT " now): plan again", then ? then : "?",
		         STR_ARG(buf_str(&now)));
	buf_release(&now);
	return !lost && same;
}

static bool run_request(struct running *x, const json_t *plan)
{
	char word[64];
	if (!send_reload(x, json_array_get(json_object_get(plan, "steps"), 0))) {
		buf_adds(&x->say, x->say.len ? "; " : "");
		look(x->s, x->m);
		say_state(x);
		return false;
	}
	if (x->lost)
		run_say(x->s->link, x->id, STEP_WAITING, 1, 1, "%s: it may have been taken; looking what it serves", x->say.data);
	else
		run_say(x->s->link, x->id, STEP_WAITING, 1, 1, "taken%s%s; looking until it answers with it", x->said ? ", it says " : "",
		        x->said ? shown(x->said, word) : "");
	if (x->until < mono(x) + GRACE_MS)
		x->until = mono(x) + GRACE_MS;
	if (!read_back(x)) {
		say_missed(x);
		return false;
	}
	if (x->lost)
		buf_adds(&x->say, ", but it was taken: ");
	say_state(x);
	if (!x->out)
		buf_addf(&x->say, ", ready, after %.1f s", (double)(mono(x) - x->began) / 1000);
	return true;
}

void serving_run(struct serving *s, struct model *m, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *target = json_object_get(plan, "target");
	const json_t *already = json_object_get(plan, "already");
	if (!strcmp(r->what, "warm-up")) {
		warmup_run(s, m, r, plan);
		json_decref(params);
		return;
	}
	struct running x = { .s = s, .m = m, .id = r->id, .want = json_string_value(json_object_get(target, "to")),
		.sure = json_is_true(json_object_get(target, "sure")), .out = !strcmp(r->what, "unload") };
	bool ok = already != NULL;
	x.began = mono(&x);
	x.until = x.began + plan_param_ms(target, "within", WITHIN_MS);
	if (already)
		buf_addf(&x.say, "nothing to do: %s", json_string_value(already));
	else if (still_as_planned(&x, target)) {
		x.was = m->version ? xstrdup(m->version) : NULL;
		x.loaded = m->loaded ? xstrdup(m->loaded) : NULL;
		ok = run_request(&x, plan);
	}
	run_over(s->link, r->id, ok, buf_str(&x.say),
	         x.taken || x.lost ? json_object_get(json_object_get(plan, "undo"), "params") : NULL);
	buf_release(&x.say);
	free(x.was);
	free(x.loaded);
	free(x.said);
	json_decref(params);
}
