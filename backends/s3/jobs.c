/* jobs: what takes long: counting what is below a prefix, and downloads. Each goes on by a step at a time, and a step
 * stops in its middle when a request comes: the screen never waits for a job. A download writes to NAME.TAG.part, where
 * TAG is made of the object's ETag (or time), so that another object is never continued; it becomes NAME when it is whole. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TELL_MS 500
#define RANGE_BYTES (64ll << 20)
#define TRIES_COUNT 6

struct job {
	struct job *next;
	uint64_t id;
	char *kind, *key;
	int64_t due, told;               /* mono ms */
	struct http_backoff backoff;
	bool over;
	/* counting */
	bool counts;
	char *token;
	int64_t size, objects, newest, began;
	/* downloading */
	char *file, *part, *stamp;       /* stamp: the ETag, else the time, of what is read */
	bool by_tag, other;          /* the stamp is an ETag; a part came of another object */
	unsigned changes;
	int fd;
	int64_t got, of, from, mark_got, mark_at;   /* from: where this part begins */
	double rate;                     /* bytes a second, smoothed */
	bool ranged, unranged;           /* the answer says which part it is; it does not, and should */
	int write_error;
};
struct jobs { struct s3 *s; struct job *list; };

struct jobs *jobs_new(struct s3 *s)
{
	struct jobs *j = xcalloc(1, sizeof(*j));
	j->s = s;
	return j;
}

static int64_t mono(const struct jobs *j)
{
	return clock_mono(link_clock(j->s->link));
}

static void free_job(struct job *x)
{
	if (x->fd >= 0)
		close(x->fd);
	free(x->kind);
	free(x->key);
	free(x->token);
	free(x->file);
	free(x->part);
	free(x->stamp);
	free(x);
}

void jobs_free(struct jobs *j)
{
	while (j->list) {
		struct job *x = j->list;
		j->list = x->next;
		free_job(x);
	}
	free(j);
}

static struct job *add_job(struct jobs *j, const struct request *r)
{
	struct job *x = xcalloc(1, sizeof(*x)), **at = &j->list;
	x->id = r->id;
	x->kind = xstrdup(r->kind);
	x->key = xstrdup(r->key);
	x->fd = -1;
	x->backoff.rnd.s = r->id;
	x->began = x->mark_at = mono(j);
	while (*at)
		at = &(*at)->next;
	*at = x;
	return x;
}

void jobs_cancel(struct jobs *j, uint64_t id)
{
	for (struct job **at = &j->list; *at; at = &(*at)->next) {
		struct job *x = *at;
		if (x->id != id)
			continue;
		*at = x->next;
		free_job(x);
		return;
	}
}

bool jobs_any(const struct jobs *j)
{
	return j->list != NULL;
}

/* ---- counting */

void jobs_count(struct jobs *j, const struct request *r)
{
	add_job(j, r)->counts = true;
}

static void tell_count(struct jobs *j, struct job *x, bool over)
{
	struct buf b = { 0 };
	struct msg *m = msg_new(MSG_ROWS, 0);
	rows_start(&m->body, x->kind);
	storage_counted(&m->body, x->kind, str_of(x->key), x->size, x->objects, over ? COUNTED_ALL : COUNTED_PART);
	link_send(j->s->link, m);
	fmt_thousands(x->objects, &b);
	buf_adds(&b, x->objects == 1 ? " object, " : " objects, ");
	fmt_bytes(x->size, &b);
	buf_adds(&b, over ? "" : " so far");
	link_text(j->s->link, x->id, TEXT_RESET | (over ? TEXT_END : 0), buf_str(&b));
	x->told = mono(j);
	buf_release(&b);
}

/* Passing: again, later and later. True: it is given up, and said so. */
static bool give_up(struct jobs *j, struct job *x, unsigned tries)
{
	const struct fault *f = &j->s->fault;
	if (f->passing && x->backoff.tries < tries) {
		x->due = mono(j) + http_backoff_next(&x->backoff, -1);
		return false;
	}
	link_textf(j->s->link, x->id, TEXT_END | TEXT_ERROR, "%s%s%s", f->why, *f->remedy ? "; " : "", f->remedy);
	x->over = true;
	return true;
}

static void step_count(struct jobs *j, struct job *x)
{
	struct place at = place_of(str_of(x->key));
	struct s3_list l = { .bucket = at.bucket, .prefix = at.key };
	x->due = 0;
	if (s3_list_page(j->s, x->id, true, false, str_of(x->token), STR(""), STORAGE_PAGE, &l)) {
		x->size += l.size;
		x->objects += l.objects;
		x->newest = l.newest > x->newest ? l.newest : x->newest;
		free(x->token);
		x->token = l.truncated && l.token.len ? str_dup(buf_str(&l.token)) : NULL;
		http_backoff_reset(&x->backoff);
		x->over = !x->token;
		if (x->over || mono(j) - x->told > TELL_MS)
			tell_count(j, x, x->over);
	} else if (!j->s->fault.stopped) {
		give_up(j, x, TRIES_COUNT);
	}
	s3_list_release(&l);
}

/* ---- downloading */

static void tell_progress(struct jobs *j, struct job *x, unsigned flags, const char *say)
{
	json_t *o = json_pack("{s:I, s:I, s:f, s:s}", "got", (json_int_t)x->got, "of", (json_int_t)x->of, "rate", x->rate, "say", say);
	char *text = json_dumps(o, JSON_COMPACT);
	link_text(j->s->link, x->id, TEXT_RESET | flags, str_of(text));
	free(text);
	json_decref(o);
	x->told = mono(j);
}

static void fail(struct jobs *j, struct job *x, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct jobs *j, struct job *x, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	link_text(j->s->link, x->id, TEXT_END | TEXT_ERROR, buf_str(&b));
	buf_release(&b);
	x->over = true;
}

static void on_header(void *arg, struct str name, struct str value)
{
	struct job *x = arg;
	bool tag = str_is_fold(name, "ETag");
	if (tag || (!x->by_tag && str_is_fold(name, "Last-Modified"))) {
		free(x->stamp);
		x->stamp = str_dup(value);
		x->by_tag = tag;
	} else if (str_is_fold(name, "Content-Length") && x->fd < 0) {
		str_to_i64(value, &x->of);
	}
}

struct taking { struct jobs *j; struct job *x; };

static void on_part_header(void *arg, struct str name, struct str value)
{
	struct job *x = ((struct taking *)arg)->x;
	const char *stamp = x->by_tag ? "ETag" : "Last-Modified";
	if (str_is_fold(name, "Content-Range"))
		x->ranged = true;
	else if (str_is_fold(name, stamp))
		x->other = !str_is(value, x->stamp);
}

static void measure(struct jobs *j, struct job *x)
{
	int64_t now = mono(j), ms = now - x->mark_at;
	if (ms < TELL_MS)
		return;
	double rate = (double)(x->got - x->mark_got) * 1000 / (double)ms;
	x->rate = x->rate > 0 ? x->rate * 0.7 + rate * 0.3 : rate;
	x->mark_got = x->got;
	x->mark_at = now;
}

static bool on_part(void *arg, struct str chunk)
{
	struct taking *t = arg;
	struct job *x = t->x;
	if (x->other)
		return false;
	if (!x->ranged && x->from > 0) {         /* the whole again: it must not be added */
		x->unranged = true;
		return false;
	}
	while (chunk.n) {
		ssize_t n = pwrite(x->fd, chunk.p, chunk.n, x->got);
		if (n <= 0) {
			x->write_error = n < 0 ? errno : ENOSPC;
			return false;
		}
		chunk.p += n, chunk.n -= (size_t)n, x->got += n;
	}
	measure(t->j, x);
	if (mono(t->j) - x->told > TELL_MS)
		tell_progress(t->j, x, 0, "");
	return true;
}

void jobs_download(struct jobs *j, const struct request *r)
{
	json_t *params = json_loads(*r->params ? r->params : "{}", 0, NULL);
	const char *file = json_string_value(json_object_get(params, "file")), *home = getenv("HOME");
	struct job *x = add_job(j, r);
	if (file && !strncmp(file, "~/", 2) && home)
		x->file = xasprintf("%s%s", home, file + 1);
	else
		x->file = xstrdup(file ? file : "");
	json_decref(params);
}

/* Opens what came so far, or begins. False: said why not. */
static bool open_part(struct jobs *j, struct job *x)
{
	char sha[65] = "0000000000000000";
	struct stat st;
	sha256_hex(str_of(x->stamp), sha);
	free(x->part);
	x->part = xasprintf("%s.%.12s.part", x->file, sha);
	if (lstat(x->file, &st) == 0) {
		fail(j, x, "'%s' exists already; it is not written over", x->file);
		return false;
	}
	x->fd = open(x->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (x->fd < 0 || fstat(x->fd, &st) < 0) {
		fail(j, x, "cannot write '%s': %s", x->part, strerror(errno));
		return false;
	}
	if (flock(x->fd, LOCK_EX | LOCK_NB) < 0) {
		fail(j, x, "'%s' is being written by another download", x->part);
		return false;
	}
	x->got = st.st_size <= x->of ? st.st_size : 0;
	x->mark_got = x->got;
	if (x->got != st.st_size && ftruncate(x->fd, x->got) < 0) {
		fail(j, x, "cannot write '%s': %s", x->part, strerror(errno));
		return false;
	}
	return true;
}

static bool begin_download(struct jobs *j, struct job *x)
{
	struct at at = at_of(str_of(x->key));
	struct http_reply r = { 0 };
	struct buf q = { 0 }, doing = { 0 };
	if (!*x->file) {
		fail(j, x, "no file is given to write to");
		return false;
	}
	version_query(&q, at.version);
	buf_addf(&doing, "read s3://" STR_FMT "/" STR_FMT, STR_ARG(at.bucket), STR_ARG(at.key));
	x->of = -1;
	x->by_tag = false;
	bool ok = s3_call(j->s, &(struct s3_ask){ .method = "HEAD", .bucket = at.bucket, .key = at.key, .query = buf_str(&q),
		.doing = doing.data, .id = x->id, .on_header = on_header, .arg = x }, &r);
	http_reply_release(&r);
	buf_release(&q);
	buf_release(&doing);
	if (!ok) {
		give_up(j, x, 1000);
		return false;
	}
	if (!x->stamp || x->of < 0) {
		fail(j, x, "the server does not say how large the object is, and which");
		return false;
	}
	return open_part(j, x);
}

static void finish_download(struct jobs *j, struct job *x)
{
	/* link and unlink, for rename would replace a file that came meanwhile */
	if (fsync(x->fd) < 0)
		fail(j, x, "cannot write '%s': %s", x->part, strerror(errno));
	else if (link(x->part, x->file) == 0)
		unlink(x->part);
	else if (errno == EEXIST)
		fail(j, x, "'%s' exists already; the object is in '%s'", x->file, x->part);
	else if (rename(x->part, x->file) < 0)       /* a file system without links */
		fail(j, x, "cannot name '%s' as '%s': %s", x->part, x->file, strerror(errno));
	if (!x->over)
		tell_progress(j, x, TEXT_END, x->file);
	x->over = true;
}

/* What came of a part: go on, begin anew, wait, or give up. */
static void judge_part(struct jobs *j, struct job *x, const struct http_reply *r)
{
	if (x->write_error) {
		fail(j, x, "cannot write '%s': %s", x->part, strerror(x->write_error));
	} else if ((x->unranged || x->other || r->status == 412 || r->status == 416) && ++x->changes > 3) {
		fail(j, x, x->unranged ? "the server gives no parts of objects, so that what was cut cannot go on" :
		     "the object changes while it is read");
	} else if (x->unranged || x->other || r->status == 412 || r->status == 416) {
		/* another object by now, or a server that knows no ranges */
		close(x->fd);
		x->fd = -1;
		if (x->unranged)
			unlink(x->part);
		x->unranged = false;
		x->due = mono(j) + 1000;
	} else if (r->end == HTTP_CANCELLED) {
		x->due = 0;
	} else {
		bool waits = !give_up(j, x, 1000);
		struct buf b = { 0 };
		buf_addf(&b, "%s; again in ", j->s->fault.why);
		fmt_duration(x->due - mono(j), &b);
		if (waits)
			tell_progress(j, x, 0, b.data);
		buf_release(&b);
	}
}

static void step_download(struct jobs *j, struct job *x)
{
	struct at at = at_of(str_of(x->key));
	struct taking t = { j, x };
	struct http_reply r = { 0 };
	struct buf q = { 0 };
	char range[80];
	x->due = 0;
	if (x->fd < 0 && !begin_download(j, x))
		return;
	if (x->got >= x->of) {
		finish_download(j, x);
		return;
	}
	int64_t end = x->of - x->got > RANGE_BYTES ? x->got + RANGE_BYTES : x->of;
	snprintf(range, sizeof(range), "Range: bytes=%lld-%lld", (long long)x->got, (long long)end - 1);
	version_query(&q, at.version);
	char *match = x->by_tag ? xasprintf("If-Match: %s", x->stamp) : NULL;
	x->ranged = x->other = false;
	x->from = x->got;
	bool ok = s3_call(j->s, &(struct s3_ask){ .bucket = at.bucket, .key = at.key, .query = buf_str(&q), .id = x->id, .yield = true,
		.headers = (const char *const[]){ range, match, NULL }, .timeout_ms = -1, .max = (size_t)(x->of + 1),
		.doing = "read it", .on_data = on_part, .on_header = on_part_header, .arg = &t }, &r);
	if (ok || r.end == HTTP_CUT || r.end == HTTP_TIMEOUT)
		x->backoff.tries = ok ? 0 : x->backoff.tries;
	if (!ok)
		judge_part(j, x, &r);
	http_reply_release(&r);
	buf_release(&q);
	free(match);
}

int64_t jobs_step(struct jobs *j)
{
	int64_t now = mono(j), next = INT64_MAX;
	struct job *x = j->list, **at;
	while (x && x->due > now)
		x = x->next;
	if (x) {
		uint64_t id = x->id;
		x->counts ? step_count(j, x) : step_download(j, x);
		for (at = &j->list; *at && *at != x; at = &(*at)->next)
			;
		*at = x->next;
		x->next = NULL;
		while (*at)                  /* to the end of the line */
			at = &(*at)->next;
		*at = x;
		if (x->over)
			jobs_cancel(j, id);
	}
	for (x = j->list; x; x = x->next)
		next = x->due < next ? x->due : next;
	return next;
}
