/* audit: the file of who did what. It is opened anew for each line, so that a rotated or removed file is noticed and
 * several binnacles can share one: under a lock the last line is read for its number and hash, the new line goes in
 * by one write, and fsync makes it last before the caller goes on. A line that does not go in whole is cut
 * off again: the chain never holds half a line of ours. */
#define _GNU_SOURCE
#include "base/audit.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/folders.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (16u << 20)
#define LOCK_WAIT_MS 3000        /* others hold it for a line and its fsync: rather wait for a slow disk than refuse to act */
#define OUT_OF_ORDER 50          /* so many older lines in a row, and all before them are older */

struct audit {
	char *path;
	const struct clock *clock;
	char *broken;      /* why nothing can be written */
	char *user, *host, *tty;
};

static int fail(char *why, size_t size, const char *path, const char *what)
{
	snprintf(why, size, "audit file '%s': %s", path, what);
	return -1;
}

char *audit_who(void)
{
	const char *sudo = getenv("SUDO_USER"), *user = getenv("USER");
	struct passwd pw, *found = NULL;
	char text[4096];

	if (geteuid() == 0 && sudo && *sudo)
		return xstrdup(sudo);
	if (getuid() == 0 && user && *user)
		return xstrdup(user);
	getpwuid_r(getuid(), &pw, text, sizeof(text), &found);
	return found ? xstrdup(found->pw_name) : xasprintf("%u", (unsigned)getuid());
}

static int open_file(const char *path, char *why, size_t size)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd < 0)
		return fail(why, size, path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) && fchmod(fd, 0600) != 0) {
		close(fd);
		return fail(why, size, path, "others may read it and its mode cannot be set to 0600");
	}
	return fd;
}

struct audit *audit_open(const char *path, const struct clock *clock, char *why, size_t size)
{
	struct audit *a = xcalloc(1, sizeof(*a));
	char host[256] = "", text[400] = "";
	const char *tty = ttyname(STDIN_FILENO);
	int fd;

	a->path = xstrdup(path);
	a->clock = clock;
	a->user = audit_who();
	gethostname(host, sizeof(host) - 1);
	a->host = xstrdup(host);
	a->tty = xstrdup(tty ? tty : "");
	/* A file size limit is to be an error of write, not the end of the program. */
	signal(SIGXFSZ, SIG_IGN);
	make_folders(path);
	fd = open_file(path, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	else
		a->broken = xstrdup(text);
	if (size)
		snprintf(why, size, "%s", text);
	return a;
}

void audit_close(struct audit *a)
{
	if (!a)
		return;
	free(a->path);
	free(a->broken);
	free(a->user);
	free(a->host);
	free(a->tty);
	free(a);
}

const char *audit_path(const struct audit *a)
{
	return a->path;
}

const char *audit_user(const struct audit *a)
{
	return a ? a->user : "";
}

/* The last line of the file without its newline, into out; *torn when the newline is missing. False: unreadable. */
static bool last_line(int fd, off_t end, struct buf *out, bool *torn)
{
	char block[4096];
	off_t from = end, stop = end;
	char last;

	*torn = false;
	if (end == 0)
		return true;
	if (pread(fd, &last, 1, end - 1) != 1)
		return false;
	*torn = last != '\n';
	if (!*torn)
		stop = --from;
	while (from > 0) {
		size_t n = from > (off_t)sizeof(block) ? sizeof(block) : (size_t)from;
		char *nl;

		if (stop - from > (off_t)LINE_MAX_BYTES || pread(fd, block, n, from - (off_t)n) != (ssize_t)n)
			return false;
		nl = memrchr(block, '\n', n);
		from -= (off_t)n;
		if (nl) {
			from += nl - block + 1;
			break;
		}
	}
	buf_reserve(out, (size_t)(stop - from) + 1);
	if (pread(fd, out->data, (size_t)(stop - from), from) != (ssize_t)(stop - from))
		return false;
	out->len = (size_t)(stop - from);
	out->data[out->len] = '\0';
	return true;
}

static void stamp(int64_t wall_ms, char out[32])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&t, &tm);
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03dZ", (int)(wall_ms % 1000));
}

/* The line to write, newline included. last is the line before it; torn: it lacks its own newline. */
static void compose(const struct audit *a, const json_t *event, struct str last, bool torn, struct buf *line)
{
	json_t *before = last.n ? json_loadb(last.p, last.n, 0, NULL) : NULL;
	json_int_t seq = json_integer_value(json_object_get(before, "seq")) + 1;
	json_t *o = json_object();
	char at[32], prev[65] = "";
	char *text;

	stamp(clock_wall(a->clock), at);
	if (last.n)
		crypto_sha256(last, prev);
	json_object_set_new(o, "seq", json_integer(seq));
	json_object_set_new(o, "time", json_string(at));
	json_object_set_new(o, "user", json_string_nocheck(a->user));
	json_object_set_new(o, "uid", json_integer(getuid()));
	json_object_set_new(o, "host", json_string_nocheck(a->host));
	if (*a->tty)
		json_object_set_new(o, "tty", json_string_nocheck(a->tty));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_update_missing(o, (json_t *)event);
	json_object_set_new(o, "prev", json_string(prev));
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (torn)
		buf_addc(line, '\n');
	buf_adds(line, text ? text : "");
	buf_addc(line, '\n');
	if (!text)
		buf_clear(line);
	free(text);
	json_decref(o);
	json_decref(before);
}

static bool lock(int fd)
{
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += 5) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= LOCK_WAIT_MS)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return true;
}

static int append(const struct audit *a, int fd, const json_t *event, audit_may_fn may, void *arg, char *why, size_t size)
{
	struct buf last = { 0 }, line = { 0 };
	struct stat st;
	bool torn, ok = false;
	const char *what = NULL;

	if (!lock(fd))
		return fail(why, size, a->path, "another program holds it locked");
	if (may && !may(arg, why, size))
		return -1;
	if (fstat(fd, &st) != 0 || !last_line(fd, S_ISREG(st.st_mode) ? st.st_size : 0, &last, &torn))
		what = "its last line cannot be read";
	else {
		compose(a, event, buf_str(&last), torn, &line);
		if (!line.len)
			what = "the event is not valid UTF-8";
	}
	if (!what) {
		ssize_t n = write(fd, line.data, line.len);

		ok = n == (ssize_t)line.len && fsync(fd) == 0;
		if (!ok) {
			what = n >= 0 && n < (ssize_t)line.len ? "no room for the line (disk full?)" : strerror(errno);
			if (S_ISREG(st.st_mode) && ftruncate(fd, st.st_size) != 0)
				what = "half a line was written and cannot be removed";
		}
	}
	buf_release(&last);
	buf_release(&line);
	return ok ? 0 : fail(why, size, a->path, what);
}

int audit_write_if(struct audit *a, const struct json_t *event, audit_may_fn may, void *arg, char *why, size_t size)
{
	char hex[65];
	int fd, result;

	if (a->broken) {
		snprintf(why, size, "%s", a->broken);
		return -1;
	}
	if (!crypto_sha256(STR(""), hex))
		return fail(why, size, a->path, "libcrypto cannot be loaded, so no line can be chained; install libssl");
	fd = open_file(a->path, why, size);
	if (fd < 0)
		return -1;
	result = append(a, fd, event, may, arg, why, size);
	close(fd);
	return result;
}

int audit_write(struct audit *a, const struct json_t *event, char *why, size_t size)
{
	return audit_write_if(a, event, NULL, NULL, why, size);
}

long audit_since(const struct audit *a, int64_t wall_ms, audit_event_fn fn, void *arg, char *why, size_t size)
{
	int fd = open(a->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf line = { 0 };
	struct stat st;
	long count = 0;
	unsigned older = 0;
	bool more = true, torn;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(why, size, a->path, strerror(errno));
	for (off_t end = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0; end > 0 && more;
	     end -= (off_t)line.len + !torn) {
		int64_t at = INT64_MAX;
		json_t *event;

		buf_clear(&line);
		if (!last_line(fd, end, &line, &torn)) {
			count = fail(why, size, a->path, "a line of it cannot be read");
			break;
		}
		event = json_loadb(line.data, line.len, 0, NULL);
		if (json_is_object(event)) {
			const char *time = json_string_value(json_object_get(event, "time"));

			time_parse(str_of(time ? time : ""), &at);
			/* clocks differ: one line out of order hides none before it */
			older = at >= wall_ms ? 0 : older + 1;
			more = older < OUT_OF_ORDER;
			count += !older;
			more = more && (older || fn(arg, event));
		}
		json_decref(event);
	}
	buf_release(&line);
	close(fd);
	return count;
}

long audit_read(const char *path, audit_line_fn fn, void *arg, char *why, size_t size)
{
	char *text = NULL, hex[65];
	bool hashes = crypto_sha256(STR(""), hex);
	FILE *f = fopen(path, "re");
	size_t cap = 0;
	long count = 0;
	ssize_t n;
	json_int_t seq = 0;

	*hex = '\0';
	if (!f || !hashes) {
		int why_not = errno;

		if (f)
			fclose(f);
		return fail(why, size, path, hashes ? strerror(why_not) : "libcrypto cannot be loaded to check the chain");
	}
	while ((n = getline(&text, &cap, f)) > 0) {
		bool whole = text[n - 1] == '\n';
		struct str line = { text, (size_t)n - whole };
		json_t *event = json_loadb(line.p, line.n, 0, NULL);
		const char *prev = json_string_value(json_object_get(event, "prev"));
		json_int_t now = json_integer_value(json_object_get(event, "seq"));
		bool ok = whole && prev && !strcmp(prev, hex) && now == seq + 1;

		count++;
		seq = now;
		crypto_sha256(line, hex);
		ok = fn(arg, (unsigned)count, json_is_object(event) ? event : NULL, ok);
		json_decref(event);
		if (!ok)
			break;
	}
	if (ferror(f))
		count = fail(why, size, path, strerror(errno));
	free(text);
	fclose(f);
	return count;
}
