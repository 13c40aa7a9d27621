/* lend: see lend.h. */
#define _GNU_SOURCE
#include "base/lend.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool lend_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0;
}

bool lend_put(int fd, enum lend_type type, struct str bytes)
{
	char first = (char)type;
	struct iovec parts[2] = { { &first, 1 }, { (void *)(uintptr_t)bytes.p, bytes.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = bytes.n ? 2 : 1 };
	return sendmsg(fd, &m, MSG_NOSIGNAL) >= 0;
}

ssize_t lend_take(int fd, enum lend_type *type, char *to)
{
	char first = 0;
	struct iovec parts[2] = { { &first, 1 }, { to, LEND_MOST } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;
	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? -1 : -2;
	*type = (enum lend_type)first;
	return n - 1;
}

bool lend_size(const char *bytes, size_t n, int *w, int *h)
{
	char text[24];
	snprintf(text, sizeof(text), "%.*s", (int)(n < 20 ? n : 20), bytes);
	return sscanf(text, "%dx%d", w, h) == 2 && *w > 0 && *h > 0 && *w < 10000 && *h < 10000;
}
