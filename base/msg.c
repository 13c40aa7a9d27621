/* msg: see msg.h. */
#include "base/msg.h"
#include "base/mem.h"
#include <stdlib.h>

struct msg *msg_new(enum msg_type type, uint64_t id)
{
	struct msg *m = xcalloc(1, sizeof(*m));
	m->type = type;
	m->id = id;
	return m;
}

void msg_free(struct msg *m)
{
	if (!m)
		return;
	buf_release(&m->body);
	free(m);
}

void msg_put_text(struct msg *m, struct msg_text t)
{
	buf_varint(&m->body, t.flags);
	buf_string(&m->body, t.chunk);
}

bool msg_get_text(const struct msg *m, struct msg_text *t)
{
	struct rd r = rd_of(buf_str(&m->body));
	t->flags = (unsigned)rd_varint(&r);
	t->chunk = rd_string(&r);
	return m->type == MSG_TEXT && !r.bad;
}

void msg_put_health(struct msg *m, struct msg_health h)
{
	struct buf *b = &m->body;
	buf_varint(b, h.state);
	buf_zigzag(b, h.since);
	buf_zigzag(b, h.latency_us);
	buf_varint(b, h.insecure);
	buf_string(b, h.why);
	buf_string(b, h.remedy);
	buf_string(b, h.version);
	buf_string(b, h.detail);
	buf_string(b, h.kind);
}

bool msg_get_health(const struct msg *m, struct msg_health *h)
{
	struct rd r = rd_of(buf_str(&m->body));
	uint64_t state = rd_varint(&r);
	h->state = state > HEALTH_DOWN ? HEALTH_DOWN : (enum health_state)state;
	h->since = rd_zigzag(&r);
	h->latency_us = rd_zigzag(&r);
	h->insecure = rd_varint(&r);
	h->why = rd_string(&r);
	h->remedy = rd_string(&r);
	h->version = rd_string(&r);
	h->detail = rd_string(&r);
	h->kind = rd_string(&r);
	return m->type == MSG_HEALTH && !r.bad && state <= HEALTH_DOWN;
}

const char *health_name(enum health_state s)
{
	static const char *const names[] = {
		[HEALTH_IDLE] = "idle", [HEALTH_CONNECTING] = "connecting", [HEALTH_LIVE] = "live",
		[HEALTH_STALE] = "stale", [HEALTH_REFUSED] = "refused", [HEALTH_LIMITED] = "limited",
		[HEALTH_DOWN] = "down",
	};
	return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "?";
}

enum health_state health_named(const char *name)
{
	enum health_state s = HEALTH_IDLE;
	while (s < HEALTH_DOWN && strcmp(health_name(s), name))
		s++;
	return s;
}

void msg_put_step(struct msg *m, struct msg_step s)
{
	struct buf *b = &m->body;
	buf_varint(b, s.state);
	buf_varint(b, s.ok | (s.unknown ? 2u : 0u) | (s.refused ? 4u : 0u));
	buf_varint(b, s.at);
	buf_varint(b, s.of);
	buf_string(b, s.say);
	buf_string(b, s.undo);
}

bool msg_get_step(const struct msg *m, struct msg_step *s)
{
	struct rd r = rd_of(buf_str(&m->body));
	uint64_t state = rd_varint(&r);
	s->state = state > STEP_FINISHED ? STEP_FAILED : (enum step_state)state;
	uint64_t how = rd_varint(&r);
	s->ok = how & 1;
	s->unknown = how & 2;
	s->refused = how & 4;
	s->at = (unsigned)rd_varint(&r);
	s->of = (unsigned)rd_varint(&r);
	s->say = rd_string(&r);
	s->undo = rd_string(&r);
	return m->type == MSG_STEP && !r.bad && state <= STEP_FINISHED;
}

void msg_put_answer(struct msg *m, struct msg_answer a)
{
	buf_varint(&m->body, a.ok | (a.refused ? 2u : 0u));
	buf_string(&m->body, a.json);
}

bool msg_get_answer(const struct msg *m, struct msg_answer *a)
{
	struct rd r = rd_of(buf_str(&m->body));
	uint64_t how = rd_varint(&r);
	a->ok = how & 1;
	a->refused = how & 2;
	a->json = rd_string(&r);
	return m->type == MSG_ANSWER && !r.bad;
}

bool msg_is_last(const struct msg *m)
{
	struct msg_text t;
	struct msg_step s;
	return m->type == MSG_ANSWER || (msg_get_text(m, &t) && (t.flags & TEXT_END)) ||
	       (msg_get_step(m, &s) && s.state == STEP_FINISHED);
}
