/* journal: see journal.h. */
#define _GNU_SOURCE
#include "base/journal.h"
#include "base/buf.h"
#include "base/folders.h"
#include "base/mem.h"
#include "base/redact.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".jsonl"
#define OVER ".over.jsonl"
#define MOST_BYTES (64u << 20)

struct journal {
	char *folder, *id, *path;
	int fd;
	const struct clock *clock;
};

struct str journal_id(const char *name)
{
	struct str s = str_of(name);
	if (!str_ends(s, STR(ENDING)) || str_ends(s, STR(OVER)) || s.n == sizeof(ENDING) - 1)
		return (struct str){ 0 };
	return (struct str){ s.p, s.n - (sizeof(ENDING) - 1) };
}

/* A new name lasts only when the folder is on disk too. */
static bool sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static struct journal *refuse(struct journal *j, const char *what, char *why, size_t size)
{
	snprintf(why, size, "journal '%s': %s", j->path, what);
	journal_free(j);
	return NULL;
}

static struct journal *make(const char *folder, struct str id, const struct clock *clock)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	*j = (struct journal){ .folder = xstrdup(folder), .id = str_dup(id), .fd = -1, .clock = clock };
	j->path = xasprintf("%s/%s" ENDING, folder, j->id);
	return j;
}

struct journal *journal_new(const char *folder, const char *id, const struct clock *clock, char *why, size_t size)
{
	struct journal *j = make(folder, str_of(id), clock);
	make_folders(j->path);
	j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (j->fd < 0 || flock(j->fd, LOCK_EX | LOCK_NB) != 0 || !sync_folder(folder))
		return refuse(j, strerror(errno), why, size);
	return j;
}

/* What stands in the file up to its last whole line; the rest is cut off, so that the next line starts on its own. */
static bool read_lines(struct journal *j, json_t *lines)
{
	struct buf b = { 0 };
	struct stat st;
	size_t whole = 0;
	if (fstat(j->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)MOST_BYTES)
		return false;
	buf_reserve(&b, (size_t)st.st_size + 1);
	ssize_t n = pread(j->fd, b.data, (size_t)st.st_size, 0);
	struct str rest = { b.data, n > 0 ? (size_t)n : 0 };
	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		json_t *line = end ? json_loadb(rest.p, (size_t)(end - rest.p), 0, NULL) : NULL;
		if (!end)
			break;
		whole = (size_t)(end + 1 - b.data);
		rest = (struct str){ end + 1, rest.n - (size_t)(end + 1 - rest.p) };
		if (json_is_object(line))
			json_array_append(lines, line);
		json_decref(line);
	}
	buf_release(&b);
	return n >= 0 && (whole == (size_t)st.st_size || ftruncate(j->fd, (off_t)whole) == 0);
}

struct journal *journal_open(const char *folder, const char *name, const struct clock *clock, json_t **lines, bool *held,
                             char *why, size_t size)
{
	struct journal *j = make(folder, journal_id(name), clock);
	*held = false;
	*lines = NULL;
	j->fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0)
		return refuse(j, strerror(errno), why, size);
	if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
		*held = errno == EWOULDBLOCK;
		return refuse(j, *held ? "a running binnacle has it" : strerror(errno), why, size);
	}
	*lines = json_array();
	if (!read_lines(j, *lines)) {
		json_decref(*lines);
		*lines = NULL;
		return refuse(j, "it cannot be read", why, size);
	}
	return j;
}

json_t *journal_of_another(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "re");
	json_t *line = NULL;
	char *text = NULL;
	size_t size = 0;
	if (f && flock(fileno(f), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK && getline(&text, &size, f) > 0)
		line = json_loads(text, 0, NULL);
	if (f)
		fclose(f);
	free(text);
	free(path);
	return line;
}

bool journal_write(struct journal *j, json_t *line, char *why, size_t size)
{
	json_object_set_new(line, "at", json_integer((json_int_t)clock_wall(j->clock)));
	json_t *clean = redact_json(line);
	char *text = json_dumps(clean, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct buf b = { 0 };
	struct stat st;
	buf_addf(&b, "%s\n", text ? text : "");
	bool ok = text && fstat(j->fd, &st) == 0 && write(j->fd, b.data, b.len) == (ssize_t)b.len;
	if (!ok && text && ftruncate(j->fd, st.st_size) != 0)
		errno = EIO;
	ok = ok && fdatasync(j->fd) == 0;
	if (!ok)
		snprintf(why, size, "journal '%s': %s", j->path, text ? strerror(errno) : "the line is not valid UTF-8");
	buf_release(&b);
	free(text);
	json_decref(clean);
	json_decref(line);
	return ok;
}

void journal_over(struct journal *j, bool over)
{
	char *to = xasprintf("%s/%s%s", j->folder, j->id, over ? OVER : ENDING);
	if (rename(j->path, to) == 0) {
		sync_folder(j->folder);
		free(j->path);
		j->path = to;
	} else {
		free(to);
	}
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j->folder);
	free(j->id);
	free(j->path);
	free(j);
}
