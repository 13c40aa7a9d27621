/* history_share: the outbox of the local history, and the thread that carries it to the team's database and brings what others
 * wrote. See history.h. Positions are in the file, so that nothing is lost or asked for twice when a program ends. */
#define _GNU_SOURCE
#include "base/history_private.h"
#include "base/buf.h"
#include "base/mem.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 200, PAGE = 1000, LOOK_MS = 15000, FIRST_RETRY_MS = 2000, MOST_RETRY_MS = 60000, AWAIT_MS = 3000 };

struct share {
	struct history *h;
	const struct history_lib *s;
	sqlite3 *db;
	bool prepared;               /* the outbox holds what was written before there was a team */
	int64_t position;            /* of the newest that was fetched */
	bool anew;                   /* everything has to be copied again */
	uint64_t done;               /* batches of the writer that the last exchange knew of */
};

static int64_t now_ms(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec in_ms(int ms)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000l;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

/* ---- what is remembered */

static char *meta_name(const struct share *x)
{
	return xasprintf("fetched:%s", x->h->sink->name);
}

/* False: nothing is known of that database. */
static bool read_position(struct share *x)
{
	char *name = meta_name(x);
	sqlite3_stmt *q = NULL;
	bool known = false;
	if (x->s->prepare_v2(x->db, "select value from meta where name = ?", -1, &q, NULL) == SQLITE_OK) {
		x->s->bind_text(q, 1, name, -1, SQLITE_STATIC);
		known = x->s->step(q) == SQLITE_ROW && str_to_i64(history_text(x->s, q, 0), &x->position);
	}
	x->s->finalize(q);
	free(name);
	return known;
}

static bool write_position(struct share *x, int64_t position)
{
	char *name = meta_name(x), value[24];
	sqlite3_stmt *q = NULL;
	snprintf(value, sizeof(value), "%lld", (long long)position);
	bool ok = x->s->prepare_v2(x->db, "insert or replace into meta(name, value) values(?, ?)", -1, &q, NULL) == SQLITE_OK;
	if (ok) {
		x->s->bind_text(q, 1, name, -1, SQLITE_STATIC);
		x->s->bind_text(q, 2, value, -1, SQLITE_STATIC);
		ok = x->s->step(q) == SQLITE_DONE;
	}
	x->s->finalize(q);
	free(name);
	return ok;
}

static bool exec(const struct share *x, const char *sql)
{
	return x->s->exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool end(const struct share *x, bool ok, char **why)
{
	ok = ok && exec(x, "commit");
	if (!ok) {
		if (!*why)
			*why = history_trouble(x->h, x->s, x->db);
		exec(x, "rollback");
	}
	return ok;
}

/* A database that was never copied to, or one that was made anew: everything is to be copied. */
static bool begin_anew(struct share *x, char **why)
{
	x->position = 0;
	x->anew = true;
	bool ok = exec(x, "begin immediate") && exec(x, "delete from outbox; insert into outbox(kind, at, source, subject, what)"
		" select kind, at, source, subject, what from events") && write_position(x, 0);
	return end(x, ok, why);
}

static bool prepare(struct share *x, char **why)
{
	if (!x->db)
		x->db = history_open_file(x->h, &x->s, why);
	if (x->db && !x->prepared)
		x->prepared = read_position(x) || begin_anew(x, why);
	return x->db && x->prepared;
}

/* ---- out */

struct batch { struct history_event events[BATCH]; char *texts[BATCH]; unsigned n; int64_t last; };

static void take_event(struct batch *b, const struct history_lib *s, sqlite3_stmt *q)
{
	struct buf all = { 0 };
	size_t at[6] = { 0 };
	struct history_event *e = &b->events[b->n];
	for (int i = 0; i < 5; i++) {
		buf_addstr(&all, history_text(s, q, 1 + i));
		at[i + 1] = all.len;
	}
	char *t = b->texts[b->n++] = buf_detach(&all);
#define PART(i) (struct str){ t + at[i], at[(i) + 1] - at[i] }
	*e = (struct history_event){ PART(0), PART(1), PART(2), PART(3), PART(4), s->column_int64(q, 6),
		s->column_type(q, 7) == SQLITE_NULL ? NAN : s->column_double(q, 7) };
#undef PART
}

/* The oldest of the outbox; those whose event was pruned meanwhile only count. */
static bool read_outbox(struct share *x, struct batch *b, char **why)
{
	sqlite3_stmt *q = NULL;
	int got = SQLITE_ERROR;
	if (x->s->prepare_v2(x->db, "select o.id, e.kind, e.source, e.subject, e.what, e.detail, e.at, e.value from"
	                     " (select * from outbox order by id limit 200) o left join events e on e.kind = o.kind and e.at = o.at and"
	                     " e.source = o.source and e.subject = o.subject and e.what = o.what order by o.id", -1, &q, NULL) == SQLITE_OK)
		while ((got = x->s->step(q)) == SQLITE_ROW) {
			b->last = x->s->column_int64(q, 0);
			if (x->s->column_type(q, 1) != SQLITE_NULL && b->n < BATCH)
				take_event(b, x->s, q);
		}
	if (got != SQLITE_DONE)
		*why = history_trouble(x->h, x->s, x->db);
	x->s->finalize(q);
	return got == SQLITE_DONE;
}

static unsigned count_outbox(const struct share *x)
{
	sqlite3_stmt *q = NULL;
	unsigned n = 0;
	if (x->s->prepare_v2(x->db, "select count(*) from outbox", -1, &q, NULL) == SQLITE_OK && x->s->step(q) == SQLITE_ROW)
		n = (unsigned)x->s->column_int64(q, 0);
	x->s->finalize(q);
	return n;
}

/* *more: there may be. */
static bool copy_some(struct share *x, bool *more, char **why)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	const struct history_sink *sink = x->h->sink;
	bool ok = read_outbox(x, b, why) && (!b->n || sink->put(sink->arg, b->events, b->n, why));
	*more = ok && b->last;
	if (*more) {
		char drop[80];
		snprintf(drop, sizeof(drop), "delete from outbox where id <= %lld", (long long)b->last);
		ok = exec(x, drop);
		if (!ok)
			*why = history_trouble(x->h, x->s, x->db);
	}
	for (unsigned i = 0; i < b->n; i++)
		free(b->texts[i]);
	free(b);
	return ok;
}

/* ---- in */

struct page { struct history_waiting *first, **end; unsigned n; int64_t last; };

static void take_other(void *arg, int64_t position, const struct history_event *e)
{
	struct page *p = arg;
	*p->end = history_copy_event(e);
	p->end = &(*p->end)->next;
	p->last = position;
	p->n++;
}

/* Into the file, past the outbox; *fresh: how many of them were not there. */
static bool keep_page(struct share *x, const struct page *p, unsigned *fresh, char **why)
{
	const struct history_lib *s = x->s;
	sqlite3_stmt *put = NULL;
	bool ok = s->prepare_v2(x->db, "insert or ignore into events(kind, source, subject, what, detail, at, value)"
	                        " values(?,?,?,?,?,?,?)", -1, &put, NULL) == SQLITE_OK && exec(x, "begin immediate");
	for (const struct history_waiting *w = p->first; ok && w; w = w->next) {
		history_bind(s, put, w->texts, w->at, w->value);
		ok = s->step(put) == SQLITE_DONE;
		*fresh += ok && s->changes(x->db) > 0;
		s->reset(put);
	}
	s->finalize(put);
	return end(x, ok && write_position(x, p->last), why);
}

static bool fetch_page(struct share *x, bool *more, char **why)
{
	const struct history_sink *sink = x->h->sink;
	struct page p = { .end = &p.first };
	int64_t newest = 0;
	unsigned fresh = 0;
	bool ok = sink->get(sink->arg, x->position, PAGE, take_other, &p, &newest, why);
	if (ok && newest < x->position)
		ok = begin_anew(x, why);
	else if (ok && p.n && (ok = keep_page(x, &p, &fresh, why)))
		x->position = p.last;
	*more = ok && p.n == PAGE;
	if (fresh)
		atomic_fetch_add(&x->h->version, fresh);
	history_free_waiting(p.first);
	return ok;
}

/* ---- the thread */

static void say(struct share *x, bool ok, uint64_t written, const char *why)
{
	struct history *h = x->h;
	unsigned waiting = x->db ? count_outbox(x) : 0;
	pthread_mutex_lock(&h->lock);
	if (h->shared.well != ok || !h->shared.since)
		h->shared.since = now_ms(CLOCK_REALTIME);
	h->shared.well = ok;
	h->shared.waiting = waiting;
	snprintf(h->shared.why, sizeof(h->shared.why), "%s", ok ? "" : why ? why : "no memory");
	h->looked = true;
	h->copied = ok ? written : h->copied;
	pthread_cond_broadcast(&h->idle);
	pthread_mutex_unlock(&h->lock);
}

static void forget(struct history *h)
{
	pthread_mutex_lock(&h->lock);
	struct history_waiting *all = h->forget;
	h->forget = NULL;
	pthread_mutex_unlock(&h->lock);
	for (const struct history_waiting *w = all; w && !atomic_load(&h->closing); w = w->next) {
		char *kind = str_dup(w->texts[0]), *but = str_dup(w->texts[1]);
		h->sink->prune(h->sink->arg, *kind ? kind : NULL, *but ? but : NULL, w->at);
		free(kind);
		free(but);
	}
	history_free_waiting(all);
}

static bool exchange(struct share *x, bool look)
{
	char *why = NULL;
	pthread_mutex_lock(&x->h->lock);
	uint64_t written = x->done = x->h->written;
	pthread_mutex_unlock(&x->h->lock);
	bool more = true, ok = prepare(x, &why), any = false;
	do {
		x->anew = false;
		for (more = true; ok && more && !atomic_load(&x->h->closing); any |= more)
			ok = copy_some(x, &more, &why);
		for (more = look || any; ok && more && !atomic_load(&x->h->closing);)
			ok = fetch_page(x, &more, &why);
	} while (ok && x->anew);
	if (ok)
		forget(x->h);
	say(x, ok && !atomic_load(&x->h->closing), written, why);
	free(why);
	return ok;
}

void *history_share_all(void *arg)
{
	struct share x = { .h = arg };
	struct history *h = arg;
	int64_t look_at = 0, retry_at = 0;
	unsigned failures = 0;
	for (;;) {
		int64_t now = now_ms(CLOCK_MONOTONIC);
		if (now >= retry_at) {
			bool look = now >= look_at, ok = exchange(&x, look);
			failures = ok ? 0 : failures < 5 ? failures + 1 : failures;
			int64_t wait = (int64_t)FIRST_RETRY_MS << (failures ? failures - 1 : 0);
			now = now_ms(CLOCK_MONOTONIC);
			retry_at = ok ? 0 : now + (wait < MOST_RETRY_MS ? wait : MOST_RETRY_MS);
			look_at = ok && look ? now + LOOK_MS : look_at;
		}
		pthread_mutex_lock(&h->lock);
		int64_t until = retry_at ? retry_at : look_at;
		struct timespec ts = in_ms(until > now ? (int)(until - now) : 1);
		if (!atomic_load(&h->closing) && (retry_at || h->written == x.done))
			pthread_cond_timedwait(&h->copy, &h->lock, &ts);
		pthread_mutex_unlock(&h->lock);
		if (atomic_load(&h->closing))
			break;
	}
	if (x.db)
		x.s->close(x.db);
	return NULL;
}

/* ---- what others ask */

const atomic_bool *history_closing(const struct history *h)
{
	return &h->closing;
}

void history_share(struct history *h, const struct history_sink *sink)
{
	h->sink = sink;
	h->shared.on = true;
	if (pthread_create(&h->sharer, NULL, history_share_all, h) == 0)
		return;
	h->sink = NULL;
	snprintf(h->shared.why, sizeof(h->shared.why), "no thread could be made for it");
	sink->free(sink->arg);
}

void history_shared(struct history *h, struct history_shared *out)
{
	*out = (struct history_shared){ .on = false };
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	*out = h->shared;
	pthread_mutex_unlock(&h->lock);
}

uint64_t history_version(struct history *h)
{
	return h ? atomic_load(&h->version) : 0;
}

void history_await_others(struct history *h)
{
	int64_t end_ms = now_ms(CLOCK_MONOTONIC) + AWAIT_MS;
	pthread_mutex_lock(&h->lock);
	while (h->sink && !h->looked && !h->quit && now_ms(CLOCK_MONOTONIC) < end_ms) {
		struct timespec ts;                  /* idle goes by the wall clock: a slice, for that may be set */
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 100 * 1000000l;
		ts.tv_sec += ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&h->idle, &h->lock, &ts);
	}
	pthread_mutex_unlock(&h->lock);
}

bool history_settle(struct history *h, int ms)
{
	int64_t end_ms = now_ms(CLOCK_MONOTONIC) + ms;
	bool well = history_flush(h, NULL), over = false;
	if (!h || !h->sink)
		return well;
	history_await_others(h);
	pthread_mutex_lock(&h->lock);
	for (uint64_t written = h->written; !over;) {
		well = h->shared.well && h->copied >= written;
		over = well || (h->shared.since && !h->shared.well) || now_ms(CLOCK_MONOTONIC) >= end_ms;
		struct timespec slice = { .tv_nsec = 50 * 1000000l };
		pthread_mutex_unlock(&h->lock);
		if (!over)
			nanosleep(&slice, NULL);
		pthread_mutex_lock(&h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return well;
}
