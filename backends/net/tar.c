/* tar: see tar.h. */
#define _GNU_SOURCE
#include "backends/net/tar.h"
#include "backends/net/late.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct tar_done *d, const char *what, const char *name)
{
	if (!*d->error)
		snprintf(d->error, sizeof(d->error), "'%.250s': %.120s", name, what);
	return false;
}

/* ---- unpacking */

struct unpacking { tar_read_fn fn; void *arg; struct tar_done *done; };

static la_ssize_t on_read(struct archive *a, void *arg, const void **bytes)
{
	struct unpacking *u = arg;
	const char *p = NULL;
	ssize_t n = u->fn(u->arg, &p, u->done);
	*bytes = p;
	return n;
}

/* The folder that holds the last part of the path, made where it is missing, none of its parts followed as a link. -1: done's
 * error. *last is what remains; n 0: the destination itself. */
static int open_parent(int dir, struct str path, struct str *last, struct tar_done *done)
{
	int at = dup(dir);
	*last = (struct str){ 0 };
	while (path.n && at >= 0) {
		struct str part = str_split(&path, '/');
		char name[256];
		if (!part.n || str_is(part, "."))
			continue;
		if (last->n) {
			snprintf(name, sizeof(name), STR_FMT, STR_ARG(*last));
			mkdirat(at, name, 0777);
			int next = openat(at, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (next < 0)
				fail(done, errno == ELOOP || errno == ENOTDIR ? "is no folder here" : strerror(errno), name);
			close(at);
			at = next;
		}
		*last = part;
		if (part.n > 255 || str_is(part, "..")) {
			fail(done, "a name in the archive leads elsewhere: stopped", str_is(part, "..") ? ".." : "too long");
			close(at);
			at = -1;
		}
	}
	return at;
}

static bool write_file(const struct late_archive *lib, struct archive *a, int fd, struct tar_done *done, const char *name)
{
	char chunk[65536];
	la_ssize_t n;
	while ((n = lib->read_data(a, chunk, sizeof(chunk))) > 0)
		for (la_ssize_t at = 0, did; at < n; at += did) {
			did = write(fd, chunk + at, (size_t)(n - at));
			if (did < 0 && errno != EINTR)
				return fail(done, strerror(errno), name);
			did = did < 0 ? 0 : did;
			done->bytes += did;
		}
	return n == 0 || fail(done, lib->error_string(a) ? lib->error_string(a) : "the stream broke", name);
}

static bool unpack_one(const struct late_archive *lib, struct archive *a, struct archive_entry *e, int dir, const char *as,
                       bool overwrite, struct tar_done *done)
{
	const char *raw = lib->entry_pathname(e);
	struct str path = str_of(raw ? raw : ""), last, first = { 0 };
	unsigned type = lib->entry_filetype(e);
	if (!raw || *raw == '/')
		return fail(done, "a name in the archive leads elsewhere: stopped", raw ? raw : "(no name)");
	if ((type != AE_IFREG && type != AE_IFDIR) || lib->entry_hardlink(e)) {
		done->left_out++;
		return true;
	}
	while (path.n && (!first.n || str_is(first, ".")))
		first = str_split(&path, '/');
	if (str_is(first, ".."))
		return fail(done, "a name in the archive leads elsewhere: stopped", raw);
	char *whole = xasprintf("%s/" STR_FMT, as, STR_ARG(path)), name[256] = "";
	int at = open_parent(dir, str_of(whole), &last, done), fd = -1;
	bool ok = at >= 0 && last.n;
	if (ok)
		snprintf(name, sizeof(name), STR_FMT, STR_ARG(last));
	if (ok && type == AE_IFDIR) {
		struct stat st;
		ok = mkdirat(at, name, 0777) == 0 || (errno == EEXIST && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) ||
		     fail(done, "is there, and is no folder", name);
		done->dirs += ok;
	} else if (ok) {
		mode_t mode = (mode_t)(lib->entry_perm(e) & 0777);
		fd = openat(at, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), mode ? mode : 0600);
		ok = fd >= 0 ? write_file(lib, a, fd, done, name) : fail(done, errno == EEXIST ? "is there already" : strerror(errno), name);
		done->files += ok;
		if (fd >= 0 && close(fd) && ok)
			ok = fail(done, strerror(errno), name);
	}
	if (at >= 0)
		close(at);
	free(whole);
	return ok;
}

bool tar_unpack(tar_read_fn fn, void *arg, int dir, const char *as, bool overwrite, struct tar_done *done)
{
	const char *why;
	const struct late_archive *lib = late_archive(&why);
	struct unpacking u = { fn, arg, done };
	struct archive_entry *e;
	int rc;
	*done = (struct tar_done){ 0 };
	if (!lib)
		return fail(done, why, as);
	struct archive *a = lib->read_new();
	lib->read_support_format_tar(a);
	rc = lib->read_open(a, &u, NULL, on_read, NULL);
	while (rc == ARCHIVE_OK && !*done->error) {
		rc = lib->read_next_header(a, &e);
		if (rc == ARCHIVE_WARN)
			rc = ARCHIVE_OK;
		if (rc == ARCHIVE_OK && !unpack_one(lib, a, e, dir, as, overwrite, done))
			break;
	}
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		fail(done, lib->error_string(a) ? lib->error_string(a) : "what came is no archive", as);
	lib->read_free(a);
	return !*done->error;
}

/* ---- packing */

struct packing { tar_write_fn fn; void *arg; struct tar_done *done; };

static la_ssize_t on_write(struct archive *a, void *arg, const void *bytes, size_t n)
{
	struct packing *p = arg;
	return p->fn(p->arg, (struct str){ bytes, n }, p->done) ? (la_ssize_t)n : -1;
}

static bool pack_bytes(const struct late_archive *lib, struct archive *a, const FTSENT *f, struct tar_done *done)
{
	char chunk[65536];
	int64_t left = f->fts_statp->st_size;
	int fd = open(f->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(done, strerror(errno), f->fts_path);
	while (left > 0) {
		ssize_t n = read(fd, chunk, left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || lib->write_data(a, chunk, (size_t)n) < 0) {
			fail(done, n < 0 ? strerror(errno) : n == 0 ? "it grew shorter while it was read" : "the stream broke", f->fts_path);
			break;
		}
		left -= n;
		done->bytes += n;
	}
	close(fd);
	return !*done->error;
}

static bool pack_one(const struct late_archive *lib, struct archive *a, const FTSENT *f, size_t skip, const char *as,
                     struct tar_done *done)
{
	bool dir = f->fts_info == FTS_D;
	char *name = xasprintf("%s%s", as, f->fts_path + skip);
	struct archive_entry *e = lib->entry_new();
	lib->entry_copy_pathname(e, name);
	lib->entry_set_filetype(e, dir ? AE_IFDIR : AE_IFREG);
	lib->entry_set_size(e, dir ? 0 : f->fts_statp->st_size);
	lib->entry_set_perm(e, f->fts_statp->st_mode & 0777);
	lib->entry_set_mtime(e, f->fts_statp->st_mtime, 0);
	bool ok = lib->write_header(a, e) >= ARCHIVE_WARN;
	if (!ok)
		fail(done, lib->error_string(a) ? lib->error_string(a) : "the stream broke", f->fts_path);
	ok = ok && (dir || pack_bytes(lib, a, f, done));
	done->dirs += ok && dir;
	done->files += ok && !dir;
	lib->entry_free(e);
	free(name);
	return ok;
}

/* Calls pack_one for all below path; lib NULL: only counts. */
static bool walk(const struct late_archive *lib, struct archive *a, const char *path, const char *as, struct tar_done *done)
{
	char *const roots[] = { (char *)(uintptr_t)path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;
	while (tree && !*done->error && (f = fts_read(tree))) {
		if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS)
			fail(done, strerror(f->fts_errno), f->fts_path);
		else if (f->fts_info == FTS_D || f->fts_info == FTS_F) {
			if (lib)
				pack_one(lib, a, f, strlen(path), as, done);
			else if (f->fts_info == FTS_F)
				done->files++, done->bytes += f->fts_statp->st_size;
			else
				done->dirs++;
		} else if (f->fts_info != FTS_DP)
			done->left_out++;
	}
	if (!tree)
		fail(done, strerror(errno), path);
	else
		fts_close(tree);
	return !*done->error;
}

bool tar_pack(tar_write_fn fn, void *arg, const char *path, const char *as, struct tar_done *done)
{
	const char *why;
	const struct late_archive *lib = late_archive(&why);
	struct packing p = { fn, arg, done };
	*done = (struct tar_done){ 0 };
	if (!lib)
		return fail(done, why, path);
	struct archive *a = lib->write_new();
	lib->write_set_format_pax_restricted(a);
	lib->write_set_bytes_in_last_block(a, 10240);
	if (lib->write_open(a, &p, NULL, on_write, NULL) != ARCHIVE_OK)
		fail(done, "the archive could not be begun", path);
	if (walk(lib, a, path, as, done) && lib->write_close(a) != ARCHIVE_OK)
		fail(done, "the stream broke", path);
	lib->write_free(a);
	return !*done->error;
}

bool tar_weigh(const char *path, struct tar_done *done)
{
	*done = (struct tar_done){ 0 };
	return walk(NULL, NULL, path, "", done);
}
