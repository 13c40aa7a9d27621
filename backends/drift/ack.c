/* ack: see ack.h. An acknowledgement is an event of the history; the newest of a check counts. */
#include "backends/drift/ack.h"
#include "base/acknowledge.h"
#include "base/acts.h"
#include "base/audit.h"
#include "base/drift.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/plan_json.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define KIND "acknowledged"
#define AGAIN_MS 15000           /* another console may have acknowledged meanwhile */

const struct action *const ack_actions[] = { &act_acknowledge, &act_withdraw, NULL };

struct ack { char *key, *words; int64_t at, until; bool off; };
struct acks { struct link *l; struct ack *list; unsigned n; int64_t next_ms; uint64_t print; };

struct acks *acks_new(struct link *l)
{
	struct acks *a = xcalloc(1, sizeof(*a));
	a->l = l;
	return a;
}

static void drop(struct acks *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		free(a->list[i].key);
		free(a->list[i].words);
	}
	free(a->list);
	a->list = NULL;
	a->n = 0;
}

void acks_free(struct acks *a)
{
	if (!a)
		return;
	drop(a);
	free(a);
}

static struct ack *find(struct acks *a, struct str key)
{
	for (unsigned i = 0; i < a->n; i++)
		if (str_is(key, a->list[i].key))
			return &a->list[i];
	return NULL;
}

/* {"note", "user", "until"} */
static bool take(void *arg, const struct history_event *e)
{
	struct acks *a = arg;
	struct ack *k = find(a, e->subject);
	json_t *o = json_loadb(e->detail.p ? e->detail.p : "", e->detail.n, 0, NULL);
	const char *note = json_string_value(json_object_get(o, "note")), *user = json_string_value(json_object_get(o, "user"));
	if (!k) {
		a->list = xreallocarray(a->list, a->n + 1, sizeof(*a->list));
		k = &a->list[a->n++];
		*k = (struct ack){ .key = str_dup(e->subject) };
	}
	free(k->words);
	k->at = e->at;
	k->until = json_integer_value(json_object_get(o, "until"));
	k->off = str_is(e->what, "withdrawn");
	k->words = xasprintf("%s: %s", user && *user ? user : "somebody", note ? note : "");
	json_decref(o);
	return true;
}

static bool read_all(struct acks *a, char **why)
{
	drop(a);
	return history_read(link_history(a->l), &(struct history_query){ .kind = KIND, .source = link_name(a->l) }, take, a, why);
}

static bool holds(const struct ack *k, int64_t now)
{
	return k && !k->off && (!k->until || k->until > now);
}

bool acks_hold(void *acks, struct str key)
{
	struct acks *a = acks;
	return holds(find(a, key), clock_wall(link_clock(a->l)));
}

/* What holds now, in a number. */
static uint64_t print_of(const struct acks *a, int64_t now)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < a->n; i++)
		if (holds(&a->list[i], now))
			sum += ((uint64_t)str_hash(str_of(a->list[i].key)) << 20) ^ (uint64_t)a->list[i].at;
	return sum;
}

void acks_add(struct acks *a, struct buf *body)
{
	int64_t now = clock_wall(link_clock(a->l));
	a->next_ms = clock_mono(link_clock(a->l)) + AGAIN_MS;
	if (!link_history(a->l) || !read_all(a, NULL))
		return;
	a->print = print_of(a, now);
	for (unsigned i = 0; i < a->n; i++)
		if (holds(&a->list[i], now))
			acknowledge_put(body, &(struct acknowledged){ a->list[i].key, a->list[i].words, a->list[i].until }, now);
}

bool acks_changed(struct acks *a)
{
	if (!link_history(a->l) || clock_mono(link_clock(a->l)) < a->next_ms)
		return false;
	a->next_ms = clock_mono(link_clock(a->l)) + AGAIN_MS;
	return read_all(a, NULL) && print_of(a, clock_wall(link_clock(a->l))) != a->print;
}

/* ---- acts */

static void state_of(const struct ack *k, int64_t now, struct buf *out)
{
	if (holds(k, now))
		buf_addf(out, "acknowledged %lld", (long long)k->at);
	else
		buf_adds(out, "open");
}

void acks_plan(struct acks *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan;
	int64_t now = clock_wall(link_clock(a->l));
	struct buf state = { 0 };
	char *why = NULL;
	bool read = read_all(a, &why);
	const struct ack *k = find(a, str_of(r->key));
	state_of(k, now, &state);
	plan = plan_json(r, buf_str(&state));
	if (!link_history(a->l))
		plan_say(plan, "blocked", "no history is kept here, and so nothing can be remembered: set 'history' to a file");
	else if (!read)
		plan_say(plan, "blocked", "%s", why ? why : "the history cannot be read");
	acknowledge_plan(plan, r, params, holds(k, now) ? k->words : NULL, now);
	plan_answer(a->l, r, plan);
	free(why);
	buf_release(&state);
	json_decref(params);
}

static bool write_one(struct acks *a, const struct request *r, const json_t *step, char **why)
{
	const char *body = json_string_value(json_object_get(step, "body"));
	char *user = audit_who();
	json_t *o = json_loads(body ? body : "{}", 0, NULL);
	if (!o)
		o = json_object();
	json_object_set_new(o, "user", json_string(user));
	char *text = json_dumps(o, JSON_COMPACT);
	bool ok = history_add(link_history(a->l), &(struct history_event){ .kind = STR(KIND), .source = str_of(link_name(a->l)),
		.subject = str_of(r->key), .what = str_of(strcmp(r->what, "withdraw") ? "acknowledged" : "withdrawn"), .detail = str_of(text),
		.at = clock_wall(link_clock(a->l)), .value = NAN });
	ok = ok && history_flush(link_history(a->l), why);
	free(user);
	free(text);
	json_decref(o);
	return ok;
}

void acks_run(struct acks *a, const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL), *plan = json_object_get(params, "plan");
	const char *then = json_string_value(json_object_get(json_object_get(plan, "target"), "version"));
	struct buf state = { 0 }, say = { 0 };
	char *why = NULL;
	int64_t now = clock_wall(link_clock(a->l));
	bool off = !strcmp(r->what, "withdraw"), ok = read_all(a, &why);
	if (ok)
		state_of(find(a, str_of(r->key)), now, &state);
	if (ok && (!then || !str_is(buf_str(&state), then))) {
		buf_adds(&say, "somebody else acknowledged it, or took that back, since the plan was shown: plan again");
		ok = false;
	} else if (ok) {
		ok = write_one(a, r, json_array_get(json_object_get(plan, "steps"), 0), &why) && read_all(a, &why);
		ok = ok && holds(find(a, str_of(r->key)), clock_wall(link_clock(a->l))) != off;
		buf_adds(&say, ok ? off ? "it is a finding again" : "acknowledged" : why ? why : "it was not kept");
	} else {
		buf_adds(&say, why ? why : "the history cannot be read");
	}
	a->next_ms = 0;
	run_over(a->l, r->id, ok, buf_str(&say), ok && !off ? json_object_get(json_object_get(plan, "undo"), "params") : NULL);
	free(why);
	buf_release(&state);
	buf_release(&say);
	json_decref(params);
}
