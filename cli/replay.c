/* replay: see replay.h. A question is looked up by reading the file from its start, so that a record of any length costs no
 * memory. What followed something (a log) comes up to the present moment of the replay and goes on with it; all else comes
 * whole, at once. */
#define _GNU_SOURCE
#include "cli/replay.h"
#include "base/mem.h"
#include "base/rows.h"
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP_MS = 100 };

/* ---- lists */

void replay_play(struct replay *r, struct inbox *inbox, const struct clock *clock, const atomic_bool *quit)
{
	char why[120];
	struct msg *m;
	while ((m = replay_next(r, why, sizeof(why)))) {
		/* replies belong to questions of then; who asks now gets them from answer() */
		if (m->type != MSG_ROWS && m->type != MSG_HEALTH) {
			msg_free(m);
			continue;
		}
		while (m->at > clock_wall(clock) && !atomic_load(quit))
			poll(NULL, 0, 5);
		if (!inbox_put(inbox, m, quit))
			return;
	}
	if (why[0]) {
		m = msg_new(MSG_HEALTH, 0);
		m->at = clock_wall(clock);
		msg_put_health(m, (struct msg_health){ .state = HEALTH_STALE, .since = m->at, .latency_us = -1,
			.why = str_of(why), .remedy = STR("what is shown was recorded before that") });
		inbox_put(inbox, m, quit);
	}
}

uint64_t replay_listing(const char *path, const char *kind, int64_t within_ms)
{
	char why[300];
	struct replay *r = replay_open(path, why, sizeof(why));
	int64_t until = r ? replay_started(r) + within_ms : 0, at = 0;
	uint64_t bits = 0;
	for (struct msg *m; r && at <= until && (m = replay_next(r, why, sizeof(why))); msg_free(m)) {
		struct rd rows;
		at = m->at;
		if (m->type == MSG_ROWS && m->source < 64 && at <= until && str_eq(rows_open(&rows, buf_str(&m->body)), str_of(kind)))
			bits |= (uint64_t)1 << m->source;
	}
	replay_close(r);
	return bits;
}

/* ---- answers */

/* A question of now that is being answered. */
struct answering {
	struct answering *next;
	struct replay *file;
	uint64_t id;             /* of the question now */
	uint64_t was;            /* and then */
	int64_t later;           /* it was asked by so much later than now */
	enum req_type type;
	bool follows, over;
	struct msg *held;        /* was recorded later than now */
};

struct replaying {
	struct link *link;
	const char *path;
	uint16_t source;         /* there */
	struct answering *first;
};

static void answering_free(struct answering *a)
{
	replay_close(a->file);
	msg_free(a->held);
	free(a);
}

static void refuse(struct link *l, enum req_type type, uint64_t id, const char *why)
{
	if (type == REQ_OPEN)
		link_text(l, id, TEXT_END | TEXT_ERROR, str_of(why));
	else
		link_fail(l, id, "%s", why);
}

/* Of the times that this was asked and answered: the last one up to now, else the first one after. False: of none; *asked
 * tells whether it was asked at all. */
static bool find(const struct replaying *p, struct str question, int64_t now, uint64_t *id, int64_t *at, bool *asked)
{
	char why[300];
	struct replay *file = replay_open(p->path, why, sizeof(why));
	uint64_t last = 0;
	int64_t last_at = 0;
	bool found = false;
	*asked = false;
	for (struct msg *m; file && !link_closing(p->link) && (m = replay_next(file, why, sizeof(why))); msg_free(m)) {
		if (m->source != p->source || !m->id)
			continue;
		if (m->type == (enum msg_type)RECORD_ASKED && str_eq(buf_str(&m->body), question)) {
			*asked = true;
			last = m->id;
			last_at = m->at;
		} else if (m->id == last && (m->type == MSG_TEXT || m->type == MSG_ANSWER) && (!found || last_at <= now)) {
			found = true;
			*id = last;
			*at = last_at;
		}
	}
	replay_close(file);
	return found;
}

static bool follows(const struct request *r)
{
	json_t *params = json_loads(r->params, 0, NULL);
	bool yes = json_is_true(json_object_get(params, "follow"));
	json_decref(params);
	return yes;
}

static void begin(struct replaying *p, const struct request *r)
{
	int64_t now = clock_wall(link_clock(p->link)), at = 0;
	struct buf question = { 0 };
	char why[300] = "this was not asked while it was recorded";
	uint64_t was = 0;
	bool asked;
	record_put_question(&question, r);
	bool found = find(p, buf_str(&question), now, &was, &at, &asked);
	buf_release(&question);
	if (asked)
		snprintf(why, sizeof(why), "this was asked while it was recorded, but not answered before the recording ended");
	struct replay *file = found ? replay_open(p->path, why, sizeof(why)) : NULL;
	if (!file) {
		refuse(p->link, r->type, r->id, why);
		return;
	}
	struct answering *a = xcalloc(1, sizeof(*a));
	*a = (struct answering){ .next = p->first, .file = file, .id = r->id, .was = was, .later = at > now ? at - now : 0,
	                         .type = r->type, .follows = follows(r) };
	p->first = a;
}

/* Its next recorded reply, when it is due; NULL: not yet, or over. */
static struct msg *next_reply(const struct replaying *p, struct answering *a, int64_t now)
{
	char why[300];
	struct msg *m = a->held;
	a->held = NULL;
	for (; m || (m = replay_next(a->file, why, sizeof(why))); m = NULL) {
		if (a->follows && m->at - a->later > now) {
			a->held = m;
			return NULL;
		}
		if (m->source == p->source && m->id == a->was && (m->type == MSG_TEXT || m->type == MSG_ANSWER))
			return m;
		msg_free(m);
	}
	a->over = true;
	return NULL;
}

static void go_on(const struct replaying *p, struct answering *a)
{
	struct msg *m;
	while (!a->over && (m = next_reply(p, a, clock_wall(link_clock(p->link))))) {
		m->id = a->id;
		m->at = 0;
		a->over = msg_is_last(m);
		if (!link_send(p->link, m))
			return;
		if (a->over)
			return;
	}
	if (a->over && a->type == REQ_OPEN)
		link_text(p->link, a->id, TEXT_END | TEXT_NOTE, STR("the recording ends here"));
	else if (a->over)
		link_fail(p->link, a->id, "the recording ends here");
}

static void run(struct link *l)
{
	const char *source = link_setting(l, "source");
	struct replaying p = { .link = l, .path = link_setting(l, "file"), .source = (uint16_t)(source ? atoi(source) : 0) };
	while (!link_closing(l)) {
		struct request *r = link_take(l, p.first ? STEP_MS : -1);
		if (r && (r->type == REQ_OPEN || r->type == REQ_ASK) && strcmp(r->what, "download") != 0)
			begin(&p, r);
		else if (r && (r->type == REQ_OPEN || r->type == REQ_ASK || r->type == REQ_PLAN))
			refuse(l, r->type, r->id, "a replay does nothing, it only shows");
		request_free(r);
		for (struct answering **at = &p.first, *a; (a = *at);) {
			if (!link_cancelled(l, a->id))
				go_on(&p, a);
			if (!a->over && !link_cancelled(l, a->id)) {
				at = &a->next;
				continue;
			}
			*at = a->next;
			answering_free(a);
		}
	}
	for (struct answering *a; (a = p.first);) {
		p.first = a->next;
		answering_free(a);
	}
}

struct backend replay_backend(const struct backend *recorded)
{
	struct backend b = *recorded;
	b.run = run;
	b.actions = NULL;
	b.reads = NULL;
	b.by_itself = NULL;
	return b;
}
