/* acts: what can be done to a registry: promote a version, roll back to the one before. A plan holds the requests word by word
 * and who was in production when it was made (target.version); running sends these requests and no others, after a look that
 * nobody else is in production by now, and looks again afterwards whether the right one is. */
#define _GNU_SOURCE
#include "backends/mlflow/mlflow.h"
#include "base/acts.h"
#include "base/audit.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include "base/redact.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct action *const mlflow_actions[] = { &act_promote, &act_put_back, NULL };

/* "model/6" of a version, "model" of a model. */
static struct str model_of(const struct request *r, int64_t *number)
{
	struct str key = str_of(r->key);
	*number = -1;
	if (strcmp(r->kind, "versions"))
		return key;
	while (key.n && key.p[key.n - 1] != '/')
		key.n--;
	str_to_i64(str_of(r->key + key.n), number);
	return (struct str){ key.p, key.n ? key.n - 1 : 0 };
}

/* ---- plans */

struct plan {
	struct mlflow *m;
	struct str model;
	int to;
	const char *back;            /* v6: where a rollback leaves from; NULL: a promotion */
	struct standing s;
	json_t *params, *o;
	json_t *tags;                /* of `to`, as they are; NULL: not read */
};

/* body is taken. */
static void step_by(struct plan *p, const char *method, const char *path, json_t *body, const char *check, const char *undo)
{
	char *text = json_dumps(body, JSON_COMPACT);
	json_array_append_new(json_object_get(p->o, "steps"), json_pack("{s:o, s:s, s:s, s:s}", "do", json_sprintf("%s " API "%s", method, path),
		"body", text ? text : "", "check", check, "undo", undo));
	free(text);
	json_decref(body);
}

static void step(struct plan *p, const char *path, json_t *body, const char *check, const char *undo)
{
	step_by(p, "POST", path, body, check, undo);
}

static json_t *of_version(const struct plan *p, int number)
{
	return json_pack("{s:s%, s:o}", "name", p->model.p, p->model.n, "version", json_sprintf("%d", number));
}

static void stage_step(struct plan *p, int number, const char *stage)
{
	char check[64], undo[64];
	json_t *body = of_version(p, number);
	json_object_set_new(body, "stage", json_string(stage));
	json_object_set_new(body, "archive_existing_versions", json_false());   /* servers fail when they archive by themselves */
	snprintf(check, sizeof(check), "v%d is in stage %s", number, stage);
	snprintf(undo, sizeof(undo), "v%d back to the stage it had", number);
	step(p, "model-versions/transition-stage", body, check, undo);
}

static void alias_step(struct plan *p)
{
	char check[64], undo[64];
	json_t *body = of_version(p, p->to);
	json_object_set_new(body, "alias", json_string(p->s.alias));
	snprintf(check, sizeof(check), "read back, the alias leads to v%d", p->to);
	snprintf(undo, sizeof(undo), p->s.champion >= 0 ? "the alias back to v%d" : "none led anywhere before", p->s.champion);
	step(p, "registered-models/alias", body, check, undo);
}

/* Who, why and when. Returns what an undo needs to bring back what was there before. */
static json_t *tag_steps(struct plan *p)
{
	struct str reason = str_trim(get_text(p->params, "reason"));
	char *user = p->m->access.user ? xstrdup(p->m->access.user) : audit_who();
	time_t now = (time_t)(mlflow_now(p->m) / 1000);
	struct tm tm;
	char at[32] = "", *words = reason.n ? str_dup(reason) : p->back ? xasprintf("rolled back from %s", p->back) : xstrdup("none given");
	if (gmtime_r(&now, &tm))
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	const struct { const char *key, *value; } tags[] = { { "promoted_by", user },
		{ "promoted_reason", words }, { "promoted_at", at } };
	json_t *restore = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		json_t *body = of_version(p, p->to), *was = json_object_get(p->tags, tags[i].key);
		char *undo = json_is_string(was) ? xasprintf("back to '%.200s'", json_string_value(was)) : xstrdup("deleted");
		json_object_set_new(body, "key", json_string(tags[i].key));
		json_object_set_new(body, "value", json_string(tags[i].value));
		step(p, "model-versions/set-tag", body, "the server takes it", undo);
		json_object_set_new(restore, tags[i].key, json_pack("{s:O?, s:s}", "was", was, "set", tags[i].value));
		free(undo);
	}
	free(words);
	free(user);
	return json_pack("{s:o, s:o}", "version", json_sprintf("%d", p->to), "tags", restore);
}

/* What an undo brings back of the tags that were written: those that still are as they were set. Says so. True: there are any. */
static bool restore_steps(struct plan *p)
{
	const json_t *restore = json_object_get(p->params, "restore"), *tag;
	int64_t of = -1;
	const char *key;
	unsigned n = 0;
	if (!json_is_object(restore) || !str_to_i64(get_text(restore, "version"), &of) || of < 0 || of > INT32_MAX)
		return false;
	json_t *now = detail_read(p->m, p->model, of, false), *tags = json_object_get(now, "tags");
	if (!now)
		plan_say(p->o, "warnings", "the tags of v%d stay as they are: they cannot be read: %s", (int)of, p->m->failure.error);
	json_object_foreach(json_object_get(restore, "tags"), key, tag) {
		json_t *was = json_object_get(tag, "was"), *is = json_object_get(tags, key), *body;
		if (!now || !is || (json_is_string(was) && json_equal(is, was)))
			continue;
		if (json_is_string(was) && strstr(json_string_value(was), REDACT_MASK)) {
			plan_say(p->o, "warnings", "tag %s of v%d stays: what it was before is in no journal, as it looked like a secret", key, (int)of);
			continue;
		}
		if (!json_equal(is, json_object_get(tag, "set"))) {
			plan_say(p->o, "warnings", "tag %s of v%d was changed since: it stays", key, (int)of);
			continue;
		}
		body = of_version(p, (int)of);
		json_object_set_new(body, "key", json_string(key));
		if (json_is_string(was)) {
			json_object_set(body, "value", was);
			plan_say(p->o, "change", "tag %s of v%d back to '%.200s'", key, (int)of, json_string_value(was));
			step(p, "model-versions/set-tag", body, "the server takes it", "stays");
		} else {
			plan_say(p->o, "change", "tag %s of v%d deleted: it had none", key, (int)of);
			step_by(p, "DELETE", "model-versions/delete-tag", body, "the server takes it", "stays");
		}
		n++;
	}
	json_decref(now);
	return n > 0;
}

static void all_steps(struct plan *p)
{
	if (!p->s.stages)
		alias_step(p);
	else if (!standing_version(&p->s, p->to)->production)
		stage_step(p, p->to, "Production");
	for (unsigned i = 0; p->s.stages && i < p->s.n; i++) {
		const struct stood *v = &p->s.versions[i];
		if (!v->production || v->number == p->to)
			continue;
		stage_step(p, v->number, "Archived");
		if (v->number != p->s.champion && p->s.champion != p->to)
			plan_say(p->o, "warnings", "v%d is in stage Production too: it is archived, and undo does not bring it back", v->number);
	}
	json_t *restore = json_object_get(p->params, "restore") ? NULL : tag_steps(p);
	if (!restore)                    /* an undo: v6 has the tags that it had, those of v7 go */
		restore_steps(p);
	if (p->s.champion < 0 || p->s.champion == p->to) {
		plan_say(p->o, "not_undone", p->s.champion < 0 ? "nothing was in production before: there is nothing to go back to"
		                                       : "what is archived stays so");
		json_decref(restore);
		return;
	}
	json_t *params = json_pack("{s:o}", "version", json_sprintf("%d", p->s.champion));
	if (!p->s.stages)
		json_object_set_new(params, "alias", json_string(p->s.alias));
	json_object_set_new(p->o, "undo", json_pack("{s:s, s:o}", "action", "rollback", "params", params));
	if (restore) {
		json_object_set_new(params, "restore", restore);
		json_object_set_new(json_object_get(p->o, "undo"), "say", json_sprintf("the tags of v%d as they were", p->to));
	}
	if (p->s.stages)
		plan_say(p->o, "not_undone", "undone, v%d is in stage Archived", p->to);
}

/* The champion shares stage Production with nobody. */
static bool alone(const struct standing *s)
{
	unsigned n = 0;
	for (unsigned i = 0; s->stages && i < s->n; i++)
		n += s->versions[i].production;
	return n < 2;
}

/* To which version: as asked for, else the one before. False: the plan is blocked. */
static bool choose(struct plan *p, int64_t number)
{
	const json_t *asked = json_object_get(p->params, "version");
	struct str text = str_trim(get_text(p->params, "version"));
	if (text.n && (*text.p == 'v' || *text.p == 'V'))
		text = (struct str){ text.p + 1, text.n - 1 };
	if (p->back && json_is_integer(asked))
		number = json_integer_value(asked);
	else if (p->back && text.n && (!str_to_i64(text, &number) || number < 0))
		number = -2;
	else if (p->back && !text.n)
		number = standing_before(p->m, p->model, &p->s);
	if (number == -2)
		plan_say(p->o, "blocked", "'" STR_FMT "' is no version", STR_ARG(text));
	else if (number < 0)
		plan_say(p->o, "blocked", "which version was in production before is not known: say which one (version)");
	else if (number > INT32_MAX || !standing_version(&p->s, (int)number))
		plan_say(p->o, "blocked", "there is no v%lld of this model", (long long)number);
	else if (number == p->s.champion && alone(&p->s))
		plan_say(p->o, "already", p->back ? "v%lld is in production: there is nothing to go back from" : "v%lld is in production already",
		    (long long)number);
	p->to = (int)number;
	if (json_object_get(p->o, "already"))
		json_object_set_new(json_object_get(p->o, "target"), "to", json_integer(p->to));
	return !json_object_get(p->o, "blocked") && !json_object_get(p->o, "already");
}

static void compare(struct plan *p)
{
	const struct model *known = catalog_model(&p->m->catalog, p->model, false);
	const char *metric = p->m->metric ? p->m->metric : known ? known->metric : NULL;
	json_t *new = detail_read(p->m, p->model, p->to, false), *old = NULL;
	if (!new) {
		plan_say(p->o, "blocked", "v%d cannot be read: %s", p->to, p->m->failure.error);
		return;
	}
	if (p->s.champion >= 0 && p->s.champion != p->to && !(old = detail_read(p->m, p->model, p->s.champion, false)))
		plan_say(p->o, "warnings", "v%d cannot be read, so nothing is compared: %s", p->s.champion, p->m->failure.error);
	p->tags = json_incref(json_object_get(new, "tags"));
	registry_versus(old, new, metric, json_object_get(p->o, "change"), json_object_get(p->o, "warnings"));
	if (!p->s.stages && p->s.staged >= 0 && p->s.staged != p->to)
		plan_say(p->o, "warnings", "v%d is in stage Production: whoever loads by stage, not by the alias %s, sees no change", p->s.staged,
		    p->s.alias);
	if (p->s.stages && get_text(p->params, "alias").n)
		plan_say(p->o, "warnings", "this server knows no aliases: the stage is set instead");
	json_decref(new);
	json_decref(old);
}

static void fill(struct plan *p, int64_t number)
{
	char from[24] = "none";
	if (p->s.champion >= 0)
		snprintf(from, sizeof(from), "v%d", p->s.champion);
	p->back = p->back ? from : NULL;
	if (!choose(p, number)) {
		/* an undo that was cut off in the middle: the version is there, and tags are left */
		if (json_object_get(p->o, "already") && restore_steps(p))
			json_object_del(p->o, "already");
		return;
	}
	json_object_set_new(p->o, "title", json_sprintf("%s " STR_FMT " to v%d", p->back ? "roll back" : "promote", STR_ARG(p->model), p->to));
	json_object_set_new(json_object_get(p->o, "target"), "to", json_integer(p->to));
	if (p->s.stages)
		plan_say(p->o, "change", "stage Production %s -> v%d", from, p->to);
	else
		plan_say(p->o, "change", "alias %s %s -> v%d", p->s.alias, from, p->to);
	compare(p);
	all_steps(p);
}

/* What failed failed for want of permission; the name that it is asked under is another matter. */
static void note_refusal(struct mlflow *m, uint64_t id)
{
	const struct http_reply *f = &m->failure;
	if (f->end == HTTP_STATUS && (f->status == 401 || (f->status == 403 && !strstr(f->error, "Host header"))))
		link_refused(m->link, id);
}

void mlflow_plan(struct mlflow *m, const struct request *r)
{
	int64_t number;
	struct plan p = { .m = m, .model = model_of(r, &number), .params = json_loads(r->params, 0, NULL) };
	p.back = !strcmp(r->what, "rollback") ? "" : NULL;
	if (!standing_read(m, p.model, get_text(p.params, "alias"), &p.s)) {
		note_refusal(m, r->id);
		link_fail(m->link, r->id, "%s", m->failure.error);
	} else {
		p.o = json_pack("{s:o, s:{s:s, s:s, s:s, s:s%}, s:[], s:[], s:[]}", "title", json_sprintf("%s %s", r->what, r->key), "target",
			"kind", r->kind, "key", r->key, "uid", "", "version", p.s.words.data, p.s.words.len, "change", "steps", "warnings");
		if (p.s.alias)
			json_object_set_new(json_object_get(p.o, "target"), "alias", json_string(p.s.alias));
		fill(&p, number);
		char *text = json_dumps(p.o, JSON_COMPACT);
		link_answer(m->link, r->id, true, str_of(text ? text : "{}"));
		free(text);
		json_decref(p.o);
	}
	standing_release(&p.s);
	json_decref(p.params);
	json_decref(p.tags);
}

/* ---- running */

struct running {
	struct mlflow *m;
	uint64_t id;
	struct str model, alias;
	int to;
	size_t done;                 /* steps that the server took, or may have */
	bool unsure;                 /* the last one it may have */
	struct buf say;
};

static bool is_untag(const json_t *s)
{
	return str_is(get_text(s, "do"), "DELETE " API "model-versions/delete-tag");
}

static bool is_tag(const json_t *s)
{
	return str_is(get_text(s, "do"), "POST " API "model-versions/set-tag") || is_untag(s);
}

/* Step s of the plan, as it was shown. */
static bool send(struct running *x, const json_t *s)
{
	struct str path = get_text(s, "do"), method = str_split(&path, ' ');
	char *p = str_dup(path), *body = str_dup(get_text(s, "body"));
	bool shown = (str_is(method, "POST") || is_untag(s)) && str_starts(path, STR(API));
	json_t *j = shown ? client_change(x->m, is_untag(s) ? "DELETE" : "POST", p, body) : NULL;
	bool ok = j != NULL;
	if (!ok && shown)
		note_refusal(x->m, x->id);
	if (!ok)
		buf_addf(&x->say, "%s", shown ? x->m->failure.error : "the plan is not what was shown");
	else
		buf_addf(&x->say, "%s: taken", p + strlen(API));
	enum http_end e = x->m->failure.end;
	bool untaken = !shown || e == HTTP_CREDENTIALS || e == HTTP_RESOLVE || e == HTTP_CONNECT || e == HTTP_TLS ||
	               (e == HTTP_STATUS && x->m->failure.status < 500);
	if (ok || !untaken)
		x->done++;
	x->unsure = !ok && !untaken;
	json_decref(j);
	free(p);
	free(body);
	return ok;
}

/* Who is in production now, said. True: only the one that was to be. */
static bool look(struct running *x)
{
	struct standing s;
	bool read = standing_read(x->m, x->model, x->alias, &s), right = read && s.champion == x->to;
	for (unsigned i = 0; right && s.stages && i < s.n; i++)
		right = !s.versions[i].production || s.versions[i].number == x->to;
	if (read)
		buf_addf(&x->say, "%s" STR_FMT, x->say.len ? "; now " : "", STR_ARG(buf_str(&s.words)));
	else
		buf_addf(&x->say, "%swho is in production now cannot be read (%s): look at the registry before trying again",
		         x->say.len ? "; " : "", x->m->failure.error);
	standing_release(&s);
	return right;
}

static bool still_as_planned(struct running *x, const json_t *target)
{
	struct standing s;
	bool read = standing_read(x->m, x->model, x->alias, &s), same = read && str_eq(buf_str(&s.words), get_text(target, "version"));
	if (!read)
		buf_addf(&x->say, "nothing was sent: %s", x->m->failure.error);
	else if (!same)
		buf_addf(&x->say, "changed since the plan (" STR_FMT " then, " STR_FMT " now), plan again", STR_ARG(get_text(target, "version")),
		         STR_ARG(buf_str(&s.words)));
	standing_release(&s);
	return same;
}

static void report(struct running *x, bool ok, size_t i, size_t n)
{
	link_step(x->m->link, x->id, (struct msg_step){ ok ? STEP_DONE : STEP_FAILED, ok, (unsigned)i, (unsigned)n, buf_str(&x->say),
		STR("") });
}

/* Production is changed and looked at before a tag says so. */
static bool run_steps(struct running *x, const json_t *steps)
{
	size_t n = json_array_size(steps);
	bool looked = false;
	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(steps, i);
		buf_clear(&x->say);
		if (is_tag(s) && !looked) {
			looked = look(x);
			report(x, looked, i, n);
			if (!looked)
				return false;
			buf_clear(&x->say);
		}
		if (i && link_cancelled(x->m->link, x->id)) {
			buf_addf(&x->say, "stopped before step %zu of %zu", i + 1, n);
			look(x);
			return false;
		}
		bool ok = send(x, s);
		report(x, ok, i + 1, n);
		if (!ok) {
			look(x);
			return false;
		}
	}
	buf_clear(&x->say);
	return n && look(x);
}

void mlflow_run(struct mlflow *m, const struct request *r)
{
	int64_t number;
	struct running x = { .m = m, .id = r->id, .model = model_of(r, &number) };
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *target = json_object_get(plan, "target");
	const json_t *undo = json_object_get(json_object_get(plan, "undo"), "params");
	x.to = (int)get_int(target, "to", -1);
	x.alias = get_text(target, "alias");
	bool ok = still_as_planned(&x, target) && run_steps(&x, json_object_get(plan, "steps"));
	char *back = x.done && undo ? json_dumps(undo, JSON_COMPACT) : NULL;
	link_step(m->link, r->id, (struct msg_step){ STEP_FINISHED, ok, 0, 0, buf_str(&x.say), str_of(back ? back : ""), !ok && x.unsure });
	free(back);
	json_decref(params);
	buf_release(&x.say);
	m->next_ms = m->models_ms = m->versions_ms = 0;      /* the rows show it at once */
}

/* ---- was it carried out? */

/* Whether the tag that the plan writes last is there. True where it cannot be told. */
static bool tagged(struct mlflow *m, struct str model, int version, const json_t *steps)
{
	const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
	json_t *body = json_loads(json_string_value(json_object_get(last, "body")) ? json_string_value(json_object_get(last, "body")) : "",
		0, NULL), *now = is_tag(last) ? detail_read(m, model, version, false) : NULL;
	char *key = str_dup(get_text(body, "key"));
	json_t *is = json_object_get(json_object_get(now, "tags"), key);
	bool there = !now || (is_untag(last) ? !is : json_equal(is, json_object_get(body, "value")));
	free(key);
	json_decref(now);
	json_decref(body);
	return there;
}

void mlflow_taken(struct mlflow *m, const struct request *r)
{
	int64_t number;
	struct str model = model_of(r, &number);
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan"), *target = json_object_get(plan, "target");
	int to = (int)get_int(target, "to", -1);
	struct standing s;
	bool read = standing_read(m, model, get_text(target, "alias"), &s), same = str_eq(buf_str(&s.words), get_text(target, "version"));
	const struct stood *v = read ? standing_version(&s, to) : NULL;
	bool yes = read && s.champion == to && alone(&s), part = !yes && v && s.stages && v->production, no = read && !yes && !part && same;
	const char *taken = yes ? "yes" : part ? "part" : no ? "no" : "unknown";
	struct buf say = { 0 };
	buf_addf(&say, "%s", read ? s.words.data : m->failure.error);
	if (read && !yes && !part && !no)
		buf_adds(&say, ", which is neither as it was nor as it was to be");
	if (yes && !tagged(m, model, to, json_object_get(plan, "steps")))
		buf_addf(&say, "; the tags of v%d that say who and why are not all written", to);
	json_t *o = json_pack("{s:s, s:s%}", "taken", taken, "say", say.data, say.len);
	char *text = json_dumps(o, JSON_COMPACT);
	link_answer(m->link, r->id, true, str_of(text ? text : "{}"));
	free(text);
	json_decref(o);
	json_decref(params);
	buf_release(&say);
	standing_release(&s);
}
