/* secret: each secret sits in pages of its own, so that core files can be told to leave them out and
 * wiping reaches all of it. There are only a handful. */
#define _GNU_SOURCE
#include "base/secret.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct secret_bytes {
	size_t mapped, n;
	char bytes[];
};

#define SECRET_FILE_MAX (1 << 20)
#define MASK_LEAST 4

static struct secret_bytes *secret_room(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (sizeof(struct secret_bytes) + n + 1 + page - 1) / page * page;
	struct secret_bytes *b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		abort();
	madvise(b, size, MADV_DONTDUMP);
	b->mapped = size;
	b->n = n;
	return b;
}

struct secret secret_of(struct str bytes)
{
	if (!bytes.n)
		return (struct secret){ NULL };
	struct secret s = { secret_room(bytes.n) };
	memcpy(s.b->bytes, bytes.p, bytes.n);
	return s;
}

void secret_take(struct secret *s, char *bytes, size_t n)
{
	secret_release(s);
	*s = secret_of((struct str){ bytes, n });
	if (bytes)
		explicit_bzero(bytes, n);
	free(bytes);
}

bool secret_set(struct secret s)
{
	return s.b != NULL;
}

void secret_mask(char *text, size_t n, struct str secret)
{
	char *at = text, *end = text + n;
	while (secret.n >= MASK_LEAST && n && (at = memmem(at, (size_t)(end - at), secret.p, secret.n))) {
		memset(at, '*', secret.n);
		at += secret.n;
	}
}

struct str secret_reveal(struct secret s)
{
	return s.b ? (struct str){ s.b->bytes, s.b->n } : (struct str){ "", 0 };
}

void secret_release(struct secret *s)
{
	if (s->b) {
		size_t size = s->b->mapped;
		explicit_bzero(s->b, size);
		munmap(s->b, size);
	}
	s->b = NULL;
}

int secret_from_file(struct secret *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	struct stat st;
	int bad = fstat(fd, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : !S_ISREG(st.st_mode) ? EINVAL
	        : st.st_size > SECRET_FILE_MAX ? EFBIG : 0;
	size_t room = bad ? 0 : (size_t)st.st_size, n = 0;
	char *bytes = xmalloc(room + 1);
	while (!bad && n < room) {
		ssize_t got = read(fd, bytes + n, room - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			bad = errno;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	size_t keep = n;
	if (keep && bytes[keep - 1] == '\n')
		keep--;
	if (keep && bytes[keep - 1] == '\r')
		keep--;
	struct secret read_one = bad ? (struct secret){ NULL } : secret_of((struct str){ bytes, keep });
	explicit_bzero(bytes, room + 1);
	free(bytes);
	if (bad) {
		errno = bad;
		return -1;
	}
	secret_release(s);
	*s = read_one;
	return 0;
}
