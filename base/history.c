/* history: one writer thread over a queue; readers open the file for themselves. See history.h. */
#define _GNU_SOURCE
#include "base/history_private.h"
#include "base/buf.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define BUSY_MS 3000       /* another program writes */
/* ---- the library and the file */

/* Filled once under pthread_once and constant from then on. */
static struct { pthread_once_t once; struct history_lib table; bool ok; } sqlite = { .once = PTHREAD_ONCE_INIT };

static void load(void)
{
#define X(name) "sqlite3_" #name,
	static const char *const names[] = { SQLITE(X) };
#undef X
	void *lib = dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_LOCAL);
	for (size_t i = 0; lib && i < ARRAY_SIZE(names); i++) {
		void *found = dlsym(lib, names[i]);
		if (!found)
			return;
		memcpy((char *)&sqlite.table + i * sizeof(void *), &found, sizeof(void *));
	}
	sqlite.ok = lib;
}

static const char schema[] =
	"pragma journal_mode=wal; pragma synchronous=normal; pragma cache_size=-256;"
	"create table if not exists events(kind text not null, at integer not null, source text not null,"
	" subject text not null, what text not null, detail text not null, value real,"
	" primary key(kind, at, source, subject, what)) without rowid;"
	"create index if not exists events_subject on events(kind, subject, at);"
	/* what has yet to be copied to the team's database, and how far that was read */
	"create table if not exists outbox(id integer primary key, kind text not null, at integer not null,"
	" source text not null, subject text not null, what text not null);"
	"create table if not exists meta(name text primary key, value text not null) without rowid;";

char *history_trouble(const struct history *h, const struct history_lib *s, sqlite3 *db)
{
	return xasprintf("local history '%s': %s; see whether the disk is full, or move the file away", h->path,
	                 db ? s->errmsg(db) : "out of memory");
}

/* SQLite would make it readable by all. Only a file that nobody has open yet may be opened and closed here: closing any
 * descriptor of a file drops every lock that this process has on it (fcntl(2)), and then the next program that closes it takes
 * itself for the last one and removes the log that the writer goes on writing into. */
static bool make_file(struct history *h)
{
	pthread_mutex_lock(&h->lock);
	int fd = open(h->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&h->lock);
	errno = error;
	return !error || error == EEXIST;
}

sqlite3 *history_open_file(struct history *h, const struct history_lib **lib, char **why)
{
	sqlite3 *db = NULL;
	pthread_once(&sqlite.once, load);
	if (!sqlite.ok) {
		*why = xstrdup("local history: the library libsqlite3.so.0 is not installed; install the package libsqlite3-0");
		return NULL;
	}
	const struct history_lib *s = *lib = &sqlite.table;
	if (!make_file(h)) {
		*why = xasprintf("local history '%s': %s", h->path, strerror(errno));
		return NULL;
	}
	if (s->open_v2(h->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		int rc, tries = BUSY_MS / 20;
		s->busy_timeout(db, BUSY_MS);
		/* SQLite does not wait by itself where two programs make the same file at once */
		while ((rc = s->exec(db, schema, NULL, NULL, NULL)) == SQLITE_BUSY && tries-- > 0)
			poll(NULL, 0, 20);
		if (rc == SQLITE_OK)
			return db;
	}
	int error = db ? s->system_errno(db) : 0;
	*why = error ? xasprintf("local history '%s': %s", h->path, strerror(error)) : history_trouble(h, s, db);
	s->close(db);
	return NULL;
}

/* ---- writing */

void history_bind(const struct history_lib *s, sqlite3_stmt *put, const struct str texts[5], int64_t at, double value)
{
	for (int i = 0; i < 5; i++)
		s->bind_text(put, i + 1, texts[i].p ? texts[i].p : "", (int)texts[i].n, SQLITE_STATIC);
	s->bind_int64(put, 6, at);
	isnan(value) ? s->bind_null(put, 7) : s->bind_double(put, 7, value);
}

static bool prune(const struct history_lib *s, sqlite3 *db, const struct history_waiting *w)
{
	sqlite3_stmt *drop = NULL;
	bool one = w->texts[0].n;
	bool ok = s->prepare_v2(db, one ? "delete from events where kind = ?1 and at < ?2" : "delete from events where kind <> ?1 and at < ?2",
	                        -1, &drop, NULL) == SQLITE_OK;
	if (ok) {
		s->bind_text(drop, 1, w->texts[!one].p, (int)w->texts[!one].n, SQLITE_STATIC);
		s->bind_int64(drop, 2, w->at);
		ok = s->step(drop) == SQLITE_DONE;
	}
	s->finalize(drop);
	return ok;
}

static bool write_one(const struct history *h, const struct history_lib *s, sqlite3 *db, sqlite3_stmt *put, sqlite3_stmt *out,
                      const struct history_waiting *w)
{
	if (w->prune)
		return prune(s, db, w);
	history_bind(s, put, w->texts, w->at, w->value);
	bool ok = s->step(put) == SQLITE_DONE, is_new = ok && s->changes(db) > 0;
	s->reset(put);
	if (!h->sink || !is_new)
		return ok;
	for (int i = 0; i < 4; i++)
		s->bind_text(out, i + 1, w->texts[i].p, (int)w->texts[i].n, SQLITE_STATIC);
	s->bind_int64(out, 5, w->at);
	ok = s->step(out) == SQLITE_DONE;
	s->reset(out);
	return ok;
}

static bool write_batch(struct history *h, const struct history_lib *s, sqlite3 *db, const struct history_waiting *w, char **why)
{
	sqlite3_stmt *put = NULL, *out = NULL;
	bool ok = s->exec(db, "begin immediate", NULL, NULL, NULL) == SQLITE_OK &&
		s->prepare_v2(db, "insert or ignore into events(kind, source, subject, what, detail, at, value)"
		              " values(?,?,?,?,?,?,?)", -1, &put, NULL) == SQLITE_OK &&
		s->prepare_v2(db, "insert into outbox(kind, source, subject, what, at) values(?,?,?,?,?)", -1, &out, NULL) == SQLITE_OK;
	for (; ok && w; w = w->next)
		ok = write_one(h, s, db, put, out, w);
	ok = ok && s->exec(db, "commit", NULL, NULL, NULL) == SQLITE_OK;
	if (!ok)
		*why = history_trouble(h, s, db);
	s->finalize(put);
	s->finalize(out);
	if (!ok)
		s->exec(db, "rollback", NULL, NULL, NULL);
	return ok;
}

void history_free_waiting(struct history_waiting *w)
{
	while (w) {
		struct history_waiting *next = w->next;
		free(w);
		w = next;
	}
}

static void *write_all(void *arg)
{
	struct history *h = arg;
	const struct history_lib *s = NULL;
	sqlite3 *db = NULL;
	pthread_mutex_lock(&h->lock);
	while (!h->quit || h->first) {
		if (!h->first) {
			pthread_cond_wait(&h->work, &h->lock);
			continue;
		}
		struct history_waiting *batch = h->first;
		char *why = NULL;
		h->first = NULL;
		h->last = &h->first;
		h->n = 0;
		h->busy = true;
		pthread_mutex_unlock(&h->lock);
		if (!db)
			db = history_open_file(h, &s, &why);
		if (db)
			write_batch(h, s, db, batch, &why);
		history_free_waiting(batch);
		pthread_mutex_lock(&h->lock);
		h->busy = false;
		free(h->error);
		h->error = why;
		h->written++;
		pthread_cond_signal(&h->copy);
		pthread_cond_broadcast(&h->idle);
	}
	pthread_mutex_unlock(&h->lock);
	if (db)
		s->close(db);
	return NULL;
}

struct history *history_new(const char *path)
{
	struct history *h = xcalloc(1, sizeof(*h));
	h->path = xstrdup(path);
	h->last = &h->first;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work, NULL);
	pthread_cond_init(&h->idle, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->copy, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	if (h->sink && h->shared.well)
		history_settle(h, 1500);
	pthread_mutex_lock(&h->lock);
	h->quit = true;
	pthread_cond_signal(&h->work);
	pthread_mutex_unlock(&h->lock);
	if (h->running)
		pthread_join(h->writer, NULL);
	if (h->sink) {
		atomic_store(&h->closing, true);
		pthread_mutex_lock(&h->lock);
		pthread_cond_signal(&h->copy);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->sharer, NULL);
		h->sink->free(h->sink->arg);
	}
	pthread_cond_destroy(&h->copy);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->work);
	pthread_cond_destroy(&h->idle);
	history_free_waiting(h->forget);
	free(h->error);
	free(h->path);
	free(h);
}

struct history_waiting *history_copy_event(const struct history_event *e)
{
	const struct str texts[5] = { e->kind, e->source, e->subject, e->what, e->detail };
	size_t n = 0;
	for (int i = 0; i < 5; i++)
		n += texts[i].n;
	struct history_waiting *w = xmalloc(sizeof(*w) + n + 1);
	char *to = (char *)(w + 1);
	*w = (struct history_waiting){ .at = e->at, .value = e->value };
	for (int i = 0; i < 5; i++) {
		w->texts[i] = (struct str){ to, texts[i].n };
		if (texts[i].n)
			memcpy(to, texts[i].p, texts[i].n);
		to += texts[i].n;
	}
	return w;
}

static bool enqueue(struct history *h, struct history_waiting *w)
{
	pthread_mutex_lock(&h->lock);
	if (!h->running)
		h->running = pthread_create(&h->writer, NULL, write_all, h) == 0;
	bool ok = h->running && h->n < HISTORY_WAITING;
	if (ok) {
		*h->last = w;
		h->last = &w->next;
		h->n++;
		pthread_cond_signal(&h->work);
	}
	pthread_mutex_unlock(&h->lock);
	if (!ok)
		free(w);
	return ok;
}

bool history_add(struct history *h, const struct history_event *e)
{
	return h && enqueue(h, history_copy_event(e));
}

void history_prune(struct history *h, const char *kind, const char *but, int64_t before)
{
	if (!h)
		return;
	struct history_waiting *w = history_copy_event(&(struct history_event){ .kind = str_of(kind ? kind : ""), .source = str_of(but ? but : ""),
		.subject = STR(""), .what = STR(""), .detail = STR(""), .at = before, .value = NAN });
	w->prune = true;
	if (h->sink && h->sink->prune) {
		struct history_waiting *theirs = history_copy_event(&(struct history_event){ .kind = w->texts[0], .source = w->texts[1], .at = before });
		pthread_mutex_lock(&h->lock);
		theirs->next = h->forget;
		h->forget = theirs;
		pthread_mutex_unlock(&h->lock);
	}
	enqueue(h, w);
}

bool history_flush(struct history *h, char **why)
{
	if (!h)
		return true;
	pthread_mutex_lock(&h->lock);
	while (h->running && (h->first || h->busy))
		pthread_cond_wait(&h->idle, &h->lock);
	bool ok = !h->error;
	if (why)
		*why = xstrdup(h->error);
	pthread_mutex_unlock(&h->lock);
	return ok;
}

/* ---- reading */

struct str history_text(const struct history_lib *s, sqlite3_stmt *q, int col)
{
	const char *p = (const char *)s->column_text(q, col);
	return (struct str){ p ? p : "", p ? (size_t)s->column_bytes(q, col) : 0 };
}

static void bind_or_null(const struct history_lib *s, sqlite3_stmt *q, int i, const char *text)
{
	text ? s->bind_text(q, i, text, -1, SQLITE_STATIC) : s->bind_null(q, i);
}

bool history_read(struct history *h, const struct history_query *q, bool (*each)(void *arg, const struct history_event *e),
                  void *arg, char **why)
{
	static const char select[] =
		"select kind, source, subject, what, detail, at, value from (select * from events where kind = ?1"
		" and (?2 is null or source = ?2) and (?3 is null or subject = ?3) and at between ?4 and ?5"
		" order by at desc limit ?6) order by at, source, subject, what";
	const struct history_lib *s = NULL;
	sqlite3_stmt *rows = NULL;
	char *error = NULL;
	int got;
	if (!h)
		return true;
	history_await_others(h);
	history_flush(h, NULL);        /* a failed write is told to those who flush; what is in the file can be read */
	sqlite3 *db = history_open_file(h, &s, &error);
	if (db && s->prepare_v2(db, select, -1, &rows, NULL) == SQLITE_OK) {
		bind_or_null(s, rows, 1, q->kind);
		bind_or_null(s, rows, 2, q->source);
		bind_or_null(s, rows, 3, q->subject);
		s->bind_int64(rows, 4, q->from);
		s->bind_int64(rows, 5, q->until ? q->until : INT64_MAX);
		s->bind_int64(rows, 6, q->limit ? (int64_t)q->limit : -1);
		while ((got = s->step(rows)) == SQLITE_ROW) {
			struct history_event e = { history_text(s, rows, 0), history_text(s, rows, 1), history_text(s, rows, 2), history_text(s, rows, 3),
				history_text(s, rows, 4), s->column_int64(rows, 5),
				s->column_type(rows, 6) == SQLITE_NULL ? NAN : s->column_double(rows, 6) };
			if (!each(arg, &e))
				break;
		}
		if (got != SQLITE_ROW && got != SQLITE_DONE)
			error = history_trouble(h, s, db);
	} else if (db) {
		error = history_trouble(h, s, db);
	}
	if (rows)
		s->finalize(rows);
	if (db)
		s->close(db);
	if (why)
		*why = error;
	else
		free(error);
	return !error;
}
