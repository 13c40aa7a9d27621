/* source: see source.h. The link's lock guards only its own request queue and the list of live requests; messages go
 * through the inbox's. */
#define _GNU_SOURCE
#include "base/source.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define REST_MS 30000            /* at rest a server is asked no more than once in such a time */

#define SAY_AGAIN_MS 25000       /* how often it is said that nothing changed */

/* What link_say told last; why NULL: nothing yet. */
struct said { enum health_state state; char *why; int64_t since, at; };
struct link {
	char *name;
	struct said said;
	const struct backend *backend;
	const struct yaml *settings;
	const struct clock *clock;
	struct inbox *inbox;
	struct history *history;
	uint16_t index;
	pthread_t thread;
	bool started, rests;
	atomic_bool closing, ended;
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct request *first, **last;
	struct live { uint64_t id; bool refused; } *live;    /* neither cancelled nor answered */
	unsigned nlive, cap_live;
	uint64_t next_id;
};

struct request *request_new(enum req_type type, const char *kind, struct str key, const char *what,
                            const char *params)
{
	struct request *r = xcalloc(1, sizeof(*r));
	r->type = type;
	r->kind = xstrdup(kind ? kind : "");
	r->key = str_dup(key);
	r->what = xstrdup(what ? what : "");
	r->params = xstrdup(params ? params : "");
	r->fd = -1;
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	free(r->kind);
	free(r->key);
	free(r->what);
	free(r->params);
	if (r->fd >= 0)
		close(r->fd);
	buf_release(&r->body);
	free(r);
}

bool backend_fills(const struct backend *b, const char *kind)
{
	for (const struct kind *const *k = b->kinds; k && *k; k++)
		if (strcmp((*k)->name, kind) == 0)
			return true;
	return false;
}

bool backend_opens(const struct backend *b, const char *what, const char *kind)
{
	return !b->opens || b->opens(b, what, kind);
}

bool opens_nothing(const struct backend *b, const char *what, const char *kind)
{
	return false;
}

struct source *source_new(uint16_t index, const char *name, const char *environment, const struct backend *b,
                          const struct yaml *settings, const struct clock *clock, struct inbox *inbox)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct link *l = xcalloc(1, sizeof(*l));
	*s = (struct source){ index, xstrdup(name), xstrdup(environment ? environment : ""), false, b, l, NULL, NULL };
	l->name = xstrdup(name);
	l->backend = b;
	l->settings = settings;
	l->clock = clock;
	l->inbox = inbox;
	l->index = index;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->arrived, &attr);
	pthread_condattr_destroy(&attr);
	l->last = &l->first;
	l->next_id = (uint64_t)index << 48 | 1;
	return s;
}

static void *body(void *arg)
{
	struct link *l = arg;
	l->backend->run(l);
	atomic_store(&l->ended, true);
	return NULL;
}

void source_start(struct source *s)
{
	struct link *l = s->link;
	if (l->started)
		return;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	l->started = pthread_create(&l->thread, &attr, body, l) == 0;
	pthread_attr_destroy(&attr);
	if (!l->started)
		link_health(l, (struct msg_health){ .state = HEALTH_DOWN, .latency_us = -1,
			.why = STR("no thread could be started for this source"),
			.remedy = STR("raise the limit on processes (ulimit -u)") });
}

static void queue(struct link *l, struct request *r)
{
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
	pthread_cond_broadcast(&l->arrived);
	eventfd_write(l->fd, 1);
}

static bool forget_live(struct link *l, uint64_t id)
{
	for (unsigned i = 0; i < l->nlive; i++) {
		if (l->live[i].id == id) {
			l->live[i] = l->live[--l->nlive];
			return true;
		}
	}
	return false;
}

static void refuse(struct source *s, enum req_type type, uint64_t id)
{
	struct msg *m = msg_new(type == REQ_RUN ? MSG_STEP : MSG_ANSWER, id);
	m->at = clock_wall(s->link->clock);
	m->source = s->index;
	if (type == REQ_RUN)
		msg_put_step(m, (struct msg_step){ STEP_FINISHED, false, 0, 0, STR("this source is read-only"), { "", 0 } });
	else
		msg_put_answer(m, (struct msg_answer){ .json = STR("this source is read-only") });
	inbox_put(s->link->inbox, m, NULL);
}

uint64_t source_ask(struct source *s, struct request *r)
{
	struct link *l = s->link;
	uint64_t id = r->id = l->next_id++;     /* only the main thread asks */
	if (s->readonly && (r->type == REQ_RUN || r->type == REQ_PLAN)) {     /* a dry run is a writing request too */
		refuse(s, r->type, id);
		request_free(r);
		return id;
	}
	if (s->on_ask)
		s->on_ask(s->on_ask_arg, s, r);
	pthread_mutex_lock(&l->lock);
	if (l->nlive == l->cap_live) {
		l->cap_live = l->cap_live ? l->cap_live * 2 : 16;
		l->live = xreallocarray(l->live, l->cap_live, sizeof(*l->live));
	}
	l->live[l->nlive++] = (struct live){ id, false };
	queue(l, r);
	pthread_mutex_unlock(&l->lock);
	return id;
}

void source_cancel(struct source *s, uint64_t id)
{
	struct link *l = s->link;
	struct request *r = request_new(REQ_CANCEL, "", STR(""), "", "");
	r->id = id;
	pthread_mutex_lock(&l->lock);
	forget_live(l, id);
	queue(l, r);
	pthread_mutex_unlock(&l->lock);
}

void source_tell(struct source *s, struct request *r)
{
	pthread_mutex_lock(&s->link->lock);
	queue(s->link, r);
	pthread_mutex_unlock(&s->link->lock);
}

/* Walks what waits: short, unless the reader lags, and then this is what makes it short. */
bool source_feed(struct source *s, const char *kind, const char *from, struct str body, size_t most)
{
	struct link *l = s->link;
	size_t waiting = body.n;
	struct request *r = request_new(REQ_ROWS, kind, str_of(from), NULL, NULL);
	buf_addstr(&r->body, body);
	pthread_mutex_lock(&l->lock);
	for (struct request *q = l->first; q; q = q->next)
		if (q->type == REQ_ROWS && !strcmp(q->kind, kind) && !strcmp(q->key, from))
			waiting += q->body.len + sizeof(*q);
	bool fits = waiting <= most;
	for (struct request **at = &l->first; !fits && *at;) {
		struct request *q = *at;
		bool one = q->type == REQ_ROWS && !strcmp(q->kind, kind) && !strcmp(q->key, from);
		*at = one ? q->next : q;
		if (one)
			request_free(q);
		else
			at = &q->next;
		l->last = at;
	}
	if (fits)
		queue(l, r);
	pthread_mutex_unlock(&l->lock);
	if (!fits)
		request_free(r);
	return fits;
}

static bool wait_end(struct link *l, int wait_ms)
{
	for (int waited = 0; !atomic_load(&l->ended); waited += 2) {
		if (waited >= wait_ms)
			return false;
		nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
	}
	return true;
}

bool source_stop(struct source *s, int wait_ms)
{
	struct link *l = s->link;
	atomic_store(&l->closing, true);
	pthread_mutex_lock(&l->lock);
	pthread_cond_broadcast(&l->arrived);
	eventfd_write(l->fd, 1);
	pthread_mutex_unlock(&l->lock);
	inbox_wake_senders(l->inbox);
	bool over = !l->started || wait_end(l, wait_ms);
	if (over && l->started)
		pthread_join(l->thread, NULL);
	else if (l->started)
		pthread_detach(l->thread);
	if (over) {
		for (struct request *r = l->first, *next; r; r = next) {
			next = r->next;
			request_free(r);
		}
		close(l->fd);
		pthread_mutex_destroy(&l->lock);
		pthread_cond_destroy(&l->arrived);
		free(l->live);
		free(l->said.why);
		free(l->name);
		free(l);
	}
	free(s->name);
	free(s->environment);
	free(s);
	return over;
}

/* ---- the backend's side */

const char *link_name(const struct link *l)
{
	return l->name;
}

const struct backend *link_backend(const struct link *l)
{
	return l->backend;
}

const struct yaml *link_settings(const struct link *l)
{
	return l->settings;
}

struct history *link_history(const struct link *l)
{
	return l->history;
}

const struct yaml *source_settings(const struct source *s)
{
	return s->link->settings;
}

void source_keep(struct source *s, struct history *h)
{
	s->link->history = h;
}

void source_rest(struct source *s)
{
	s->link->rests = true;
}

int64_t link_pace(const struct link *l, int64_t usual_ms)
{
	return l->rests && usual_ms < REST_MS ? REST_MS : usual_ms;
}

const char *link_setting(const struct link *l, const char *key)
{
	return yaml_text(l->settings, key);
}

int64_t link_duration(const struct link *l, const char *key, int64_t otherwise)
{
	double ms;

	return duration_parse(str_trim(str_of(link_setting(l, key))), true, &ms) && ms >= 1 && ms < 1e13 ? (int64_t)ms : otherwise;
}

const struct clock *link_clock(const struct link *l)
{
	return l->clock;
}

bool link_closing(const struct link *l)
{
	return atomic_load(&l->closing);
}

const atomic_bool *link_closing_flag(const struct link *l)
{
	return &l->closing;
}

int link_fd(const struct link *l)
{
	return l->fd;
}

static void wait_arrival(struct link *l, int wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L)
		until.tv_sec++, until.tv_nsec -= 1000000000L;
	while (!l->first && !link_closing(l)) {
		if (wait_ms < 0)
			pthread_cond_wait(&l->arrived, &l->lock);
		else if (pthread_cond_timedwait(&l->arrived, &l->lock, &until) != 0)
			return;
	}
}

struct request *link_take(struct link *l, int wait_ms)
{
	eventfd_t ignored;
	pthread_mutex_lock(&l->lock);
	if (wait_ms)
		wait_arrival(l, wait_ms);
	struct request *r = link_closing(l) ? NULL : l->first;
	if (r) {
		l->first = r->next;
		if (!l->first)
			l->last = &l->first;
		r->next = NULL;
	}
	if (!l->first && !link_closing(l))
		eventfd_read(l->fd, &ignored);
	pthread_mutex_unlock(&l->lock);
	return r;
}

bool link_cancelled(struct link *l, uint64_t id)
{
	if (link_closing(l))
		return true;
	bool live = false;
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->nlive && !live; i++)
		live = l->live[i].id == id;
	pthread_mutex_unlock(&l->lock);
	return !live;
}

void link_refused(struct link *l, uint64_t id)
{
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->nlive; i++)
		l->live[i].refused |= l->live[i].id == id;
	pthread_mutex_unlock(&l->lock);
}

static bool is_refused(struct link *l, uint64_t id)
{
	bool refused = false;
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->nlive; i++)
		refused |= l->live[i].id == id && l->live[i].refused;
	pthread_mutex_unlock(&l->lock);
	return refused;
}

bool link_send(struct link *l, struct msg *m)
{
	m->source = l->index;
	if (!m->at)
		m->at = clock_wall(l->clock);
	if (m->id && msg_is_last(m)) {
		pthread_mutex_lock(&l->lock);
		forget_live(l, m->id);
		pthread_mutex_unlock(&l->lock);
	}
	return inbox_put(l->inbox, m, &l->closing);
}

void link_health(struct link *l, struct msg_health h)
{
	struct msg *m = msg_new(MSG_HEALTH, 0);
	if (!h.since)
		h.since = clock_wall(l->clock);
	msg_put_health(m, h);
	link_send(l, m);
}

void link_say(struct link *l, struct msg_health h)
{
	struct said *s = &l->said;
	int64_t now = clock_wall(l->clock);
	if (s->why && h.state == s->state && str_is(h.why, s->why) && now - s->at < SAY_AGAIN_MS)
		return;
	if (!s->why || h.state != s->state)
		s->since = now;
	h.since = s->since;
	char *why = str_dup(h.why);                  /* it may be the one of before */
	link_health(l, h);
	free(s->why);
	*s = (struct said){ h.state, why, s->since, now };
}

enum health_state link_said(const struct link *l)
{
	return l->said.state;
}

void link_text(struct link *l, uint64_t id, unsigned flags, struct str chunk)
{
	struct msg *m = msg_new(MSG_TEXT, id);
	msg_put_text(m, (struct msg_text){ flags, chunk });
	link_send(l, m);
}

void link_textf(struct link *l, uint64_t id, unsigned flags, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_text(l, id, flags, buf_str(&b));
	buf_release(&b);
}

void link_answer(struct link *l, uint64_t id, bool ok, struct str json_or_why)
{
	struct msg *m = msg_new(MSG_ANSWER, id);
	msg_put_answer(m, (struct msg_answer){ ok, json_or_why, is_refused(l, id) });
	link_send(l, m);
}

void link_fail(struct link *l, uint64_t id, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_answer(l, id, false, buf_str(&b));
	buf_release(&b);
}

void link_step(struct link *l, uint64_t id, struct msg_step s)
{
	struct msg *m = msg_new(MSG_STEP, id);
	s.refused = s.state == STEP_FINISHED && !s.ok && is_refused(l, id);
	msg_put_step(m, s);
	link_send(l, m);
}
