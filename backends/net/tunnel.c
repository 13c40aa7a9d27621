/* tunnel: see tunnel.h. One thread accepts, speaks SOCKS, opens channels one after the other (libssh2 opens one at a time), and
 * carries bytes until both sides have ended. */
#define _GNU_SOURCE
#include "backends/net/tunnel_private.h"
#include "backends/net/listen.h"
#include "base/buf.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DOORS_MAX = 4, CALLS_MAX = 64, OPEN_MS = 8000, AGAIN_MS = 2000, PART = 16384, ALIVE_MS = 30000, STUCK_MS = 20 };

struct door {
	int fd, port;
	char *host; int target;          /* NULL: whoever comes says where to, by SOCKS */
};
struct call {                            /* one connection */
	int fd;
	enum { ASKING, WAITING, RELAYING, ENDING } is;       /* asking: by SOCKS; ending: only its channel is left */
	bool socks, greeted, ours_ended, theirs_ended, told_end;
	LIBSSH2_CHANNEL *channel;
	char host[256]; int port;
	size_t out_n, out_at, in_n, in_at;       /* out: to the channel */
	unsigned char out[PART], in[PART];
};
struct tunnel {
	char *where, *key, proxy[48];
	int wake, quit;                  /* eventfds: a door more, or the end; the end */
	pthread_t thread;
	pthread_mutex_t lock;
	/* behind the lock: */
	bool running, closing, failed;
	struct door doors[DOORS_MAX]; unsigned ndoors;
	char why[400], remedy[300];
	/* the thread's: */
	struct ssh ssh;
	struct call *calls[CALLS_MAX]; unsigned ncalls;
	struct call *opening;            /* whose channel libssh2 is at */
	int64_t next_try;                /* mono ms: a host that refused is left alone until then */
};

/* ---- who comes */

bool tcp_is_ours(const char *lines, int from, int to, unsigned uid)
{
	char pattern[48];
	unsigned whose;
	/* "  12: 0100007F:A1B2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000 ..." */
	snprintf(pattern, sizeof(pattern), " 0100007F:%04X 0100007F:%04X ", (unsigned)from, (unsigned)to);
	const char *at = strstr(lines, pattern);
	return at && sscanf(at + strlen(pattern), "%*x %*x:%*x %*x:%*x %*x %u", &whose) == 1 && whose == uid;
}

static bool peer_is_ours(int fd, int door)
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	struct buf lines = { 0 };
	char part[4096];
	ssize_t got;
	if (getpeername(fd, (struct sockaddr *)&a, &n) < 0 || a.sin_family != AF_INET)
		return false;
	int list = open("/proc/net/tcp", O_RDONLY | O_CLOEXEC);
	while (list >= 0 && (got = read(list, part, sizeof(part))) > 0)
		buf_add(&lines, part, (size_t)got);
	if (list >= 0)
		close(list);
	buf_addc(&lines, '\0');
	bool ours = tcp_is_ours(lines.data, ntohs(a.sin_port), door, geteuid());
	buf_release(&lines);
	return ours;
}

/* ---- SOCKS */

int socks_request(const unsigned char *p, size_t n, char *host, int *port)
{
	size_t size = n < 5 ? 0 : p[3] == 1 ? 4 : p[3] == 4 ? 16 : p[3] == 3 ? p[4] + 1u : 0;
	if (n && p[0] != 5)
		return -1;
	if (n < 5)
		return 0;
	if (p[1] != 1 || !size || (p[3] == 3 && !p[4]))      /* CONNECT to an address or a name */
		return -1;
	if (n < 4 + size + 2)
		return 0;
	if (p[3] == 3 && memchr(p + 5, '\0', size - 1))
		return -1;
	if (p[3] == 3)
		memcpy(host, p + 5, size - 1), host[size - 1] = '\0';
	else
		inet_ntop(p[3] == 1 ? AF_INET : AF_INET6, p + 4, host, 256);
	*port = p[4 + size] << 8 | p[5 + size];
	return strlen(host) && *port ? (int)(4 + size + 2) : -1;
}

/* The small answers of SOCKS always fit into an empty socket. */
static void answer(struct call *c, int code)
{
	const unsigned char reply[10] = { 5, (unsigned char)code, 0, 1 };
	if (c->socks && send(c->fd, reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		c->ours_ended = true;
}

/* True: what it wants is known, or it is over. */
static bool hear_socks(struct call *c)
{
	ssize_t n = recv(c->fd, c->out + c->out_n, sizeof(c->out) - c->out_n, MSG_DONTWAIT);
	if (n <= 0) {
		c->is = n < 0 && (errno == EAGAIN || errno == EINTR) ? ASKING : ENDING;
		return n == 0;
	}
	c->out_n += (size_t)n;
	if (!c->greeted) {                                   /* the greeting: which ways to log in it knows */
		size_t size = c->out_n < 2 ? 0 : 2u + c->out[1];
		if (c->out[0] != 5)
			c->is = ENDING;
		if (c->is == ENDING || !size || c->out_n < size)
			return true;
		if (send(c->fd, "\5\0", 2, MSG_NOSIGNAL | MSG_DONTWAIT) != 2)
			c->is = ENDING;
		c->greeted = true;
		memmove(c->out, c->out + size, c->out_n -= size);
	}
	int used = socks_request(c->out, c->out_n, c->host, &c->port);
	if (used < 0) {
		answer(c, 7);
		c->is = ENDING;
	} else if (used > 0) {
		memmove(c->out, c->out + used, c->out_n -= (size_t)used);      /* what it sent already is for the server */
		c->is = WAITING;
	}
	return true;
}

/* ---- bytes */

static void keep_trouble(struct tunnel *t, const char *why, const char *remedy)
{
	pthread_mutex_lock(&t->lock);
	t->failed = why != NULL;
	snprintf(t->why, sizeof(t->why), "%s", why ? why : "");
	snprintf(t->remedy, sizeof(t->remedy), "%s", remedy);
	pthread_mutex_unlock(&t->lock);
}

static bool send_local(struct call *c)
{
	bool moved = false;
	while (c->in_at < c->in_n) {
		ssize_t n = send(c->fd, c->in + c->in_at, c->in_n - c->in_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				c->is = ENDING;
			return moved;
		}
		c->in_at += (size_t)n;
		moved = true;
	}
	c->in_at = c->in_n = 0;
	if (c->theirs_ended)
		shutdown(c->fd, SHUT_WR);
	return moved;
}

static bool from_channel(struct tunnel *t, struct call *c)
{
	bool moved = c->in_n && send_local(c);
	if (c->in_n || c->theirs_ended || c->is != RELAYING)
		return moved;
	ssize_t n = t->ssh.lib->channel_read_ex(c->channel, 0, (char *)c->in, sizeof(c->in));
	if (n > 0)
		c->in_n = (size_t)n;
	else if (n != LIBSSH2_ERROR_EAGAIN && (n < 0 || t->ssh.lib->channel_eof(c->channel)))
		c->theirs_ended = true;
	else
		return moved;
	send_local(c);
	return true;
}

static bool to_channel(struct tunnel *t, struct call *c)
{
	bool moved = false;
	if (c->out_at == c->out_n && !c->ours_ended) {
		ssize_t n = recv(c->fd, c->out, sizeof(c->out), MSG_DONTWAIT);
		c->out_at = 0;
		c->out_n = n > 0 ? (size_t)n : 0;
		c->ours_ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
		moved = n >= 0;
	}
	while (c->out_at < c->out_n) {
		ssize_t n = t->ssh.lib->channel_write_ex(c->channel, 0, (char *)c->out + c->out_at, c->out_n - c->out_at);
		if (n <= 0) {
			if (n != LIBSSH2_ERROR_EAGAIN)
				c->is = ENDING;
			return moved;
		}
		c->out_at += (size_t)n;
		moved = true;
	}
	if (c->ours_ended && !c->told_end && t->ssh.lib->channel_send_eof(c->channel) != LIBSSH2_ERROR_EAGAIN)
		c->told_end = moved = true;
	return moved;
}

/* ---- channels */

/* True: it is decided. */
static bool open_channel(struct tunnel *t, struct call *c)
{
	struct ssh *s = &t->ssh;
	char why[360];
	c->channel = s->lib->channel_direct_tcpip_ex(s->session, c->host, c->port, "127.0.0.1", 0);
	if (c->channel) {
		keep_trouble(t, NULL, "");
		answer(c, 0);
		c->is = RELAYING;
		return true;
	}
	int rc = s->lib->session_last_error(s->session, NULL, NULL, 0);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return false;
	snprintf(why, sizeof(why), "%s cannot reach %.120s port %d: %.100s", t->where, c->host, c->port, ssh_words(s, "refused"));
	keep_trouble(t, why, "check the address as seen from there; sshd may also forbid it (AllowTcpForwarding, PermitOpen)");
	answer(c, 5);
	c->is = ENDING;
	return true;
}

static void free_call(struct tunnel *t, unsigned at)
{
	close(t->calls[at]->fd);
	free(t->calls[at]);
	t->calls[at] = t->calls[--t->ncalls];
}

static void drop_all(struct tunnel *t)
{
	while (t->ncalls) {
		if (t->calls[0]->is <= WAITING)
			answer(t->calls[0], 1);
		free_call(t, 0);
	}
	t->opening = NULL;
	ssh_close(&t->ssh);
}

static bool turn(struct tunnel *t, struct call *c)
{
	switch (c->is) {
	case ASKING:
		return hear_socks(c) && c->is != ASKING;
	case WAITING:
		if (!t->ssh.session || (t->opening && t->opening != c))
			return false;
		t->opening = open_channel(t, c) ? NULL : c;
		return !t->opening;
	case RELAYING: {
		bool in = from_channel(t, c), out = c->is == RELAYING && to_channel(t, c);
		if (c->is == RELAYING && c->theirs_ended && !c->in_n && c->told_end)
			c->is = ENDING;
		return in || out || c->is == ENDING;
	}
	case ENDING:
		break;
	}
	return false;
}

static bool connect_host(struct tunnel *t)
{
	bool soon = clock_mono(&clock_system) < t->next_try;
	if (!soon && ssh_open(&t->ssh, t->where, t->key, OPEN_MS))
		return true;
	if (!soon) {
		keep_trouble(t, t->ssh.why, t->ssh.remedy);
		t->next_try = clock_mono(&clock_system) + AGAIN_MS;
	}
	drop_all(t);
	return false;
}

/* Everything that can be done now. */
static void work(struct tunnel *t)
{
	for (bool moved = true; moved;) {
		bool waits = false;
		moved = false;
		for (unsigned i = 0; i < t->ncalls; i++) {
			moved |= turn(t, t->calls[i]);
			waits |= t->calls[i]->is == WAITING;
		}
		if (waits && !t->ssh.session)
			moved = connect_host(t);
		for (unsigned i = t->ncalls; i-- > 0;) {
			struct call *c = t->calls[i];
			if (c->is == ENDING && (!c->channel || t->ssh.lib->channel_free(c->channel) != LIBSSH2_ERROR_EAGAIN))
				free_call(t, i);
		}
	}
}

/* ---- the thread */

static void take_calls(struct tunnel *t, const struct door *d)
{
	int fd, on = 1;
	while ((fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (t->ncalls == CALLS_MAX || !peer_is_ours(fd, d->port)) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		struct call *c = xcalloc(1, sizeof(*c));
		c->fd = fd;
		c->socks = !d->host;
		c->is = c->socks ? ASKING : WAITING;
		c->port = d->target;
		snprintf(c->host, sizeof(c->host), "%s", d->host ? d->host : "");
		t->calls[t->ncalls++] = c;
	}
}

/* The SSH connection itself ended: nobody reads EOF off a channel then. */
static bool is_lost(struct tunnel *t)
{
	int next = 0;
	char c;
	if (!t->ssh.session)
		return false;
	ssize_t n = recv(t->ssh.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
	       (t->ssh.lib->keepalive_send(t->ssh.session, &next) < 0 &&
	        t->ssh.lib->session_last_error(t->ssh.session, NULL, NULL, 0) == LIBSSH2_ERROR_SOCKET_SEND);
}

static bool wait_all(struct tunnel *t, const struct door *doors, unsigned ndoors)
{
	struct pollfd p[2 + DOORS_MAX + CALLS_MAX];
	unsigned n = 0;
	p[n++] = (struct pollfd){ .fd = t->wake, .events = POLLIN };
	/* While a local end takes nothing, libssh2 must not be asked for more, and what it has would wake us at once. */
	bool stuck = false;
	for (unsigned i = 0; i < t->ncalls; i++)
		stuck |= t->calls[i]->in_n > 0;
	p[n++] = (struct pollfd){ .fd = stuck ? -1 : t->ssh.fd, .events = POLLIN };       /* -1: overlooked */
	if (t->ssh.session && t->ssh.lib->session_block_directions(t->ssh.session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		p[1].events |= POLLOUT;
	for (unsigned i = 0; i < ndoors; i++)
		p[n++] = (struct pollfd){ .fd = doors[i].fd, .events = POLLIN };
	for (unsigned i = 0; i < t->ncalls; i++) {
		const struct call *c = t->calls[i];
		bool hears = c->is == ASKING || (c->is == RELAYING && c->out_at == c->out_n && !c->ours_ended);
		short events = (short)((hears ? POLLIN : 0) | (c->in_n ? POLLOUT : 0));
		p[n++] = (struct pollfd){ .fd = events ? c->fd : -1, .events = events };
	}
	poll(p, n, stuck ? STUCK_MS : t->ssh.session ? ALIVE_MS : -1);
	for (unsigned i = 0; i < ndoors; i++)
		if (p[2 + i].revents)
			take_calls(t, &doors[i]);
	return !(p[0].revents & POLLIN);
}

static void *run(void *arg)
{
	struct tunnel *t = arg;
	struct door doors[DOORS_MAX];
	t->ssh.quit = t->quit;
	for (;;) {
		uint64_t unused;
		pthread_mutex_lock(&t->lock);
		bool closing = t->closing;
		unsigned ndoors = t->ndoors;
		memcpy(doors, t->doors, sizeof(doors));
		pthread_mutex_unlock(&t->lock);
		if (closing)
			break;
		if (!wait_all(t, doors, ndoors) && read(t->wake, &unused, sizeof(unused)) < 0 && errno != EAGAIN)
			break;
		if (is_lost(t)) {
			keep_trouble(t, "the SSH connection was lost", "it is made anew with the next try");
			drop_all(t);
		}
		work(t);
	}
	drop_all(t);
	return NULL;
}

/* ---- doors */

static const char *make_door(struct door *d, const char *host, int port)
{
	d->port = 0;
	d->fd = listen_here(&d->port);
	if (d->fd < 0)
		return strerror(errno);
	d->host = host ? xstrdup(host) : NULL;
	d->target = port;
	return NULL;
}

static int find_door(struct tunnel *t, const char *host, int port)
{
	const char *why = "too many targets of one tunnel";
	bool made = false;
	int found = 0;
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->ndoors && !found; i++)
		if (host ? t->doors[i].host && !strcmp(t->doors[i].host, host) && t->doors[i].target == port : !t->doors[i].host)
			found = t->doors[i].port;
	if (!found && t->ndoors < DOORS_MAX && !(why = make_door(&t->doors[t->ndoors], host, port))) {
		found = t->doors[t->ndoors++].port;
		made = true;
	}
	if (found && !t->running)
		t->running = pthread_create(&t->thread, NULL, run, t) == 0;
	if (!found || !t->running) {
		t->failed = true;
		snprintf(t->why, sizeof(t->why), "no door for the tunnel through %s: %s", t->where, found ? "no thread" : why);
		*t->remedy = '\0';
		found = 0;
	}
	pthread_mutex_unlock(&t->lock);
	if (made)
		eventfd_write(t->wake, 1);
	return found;
}

struct tunnel *tunnel_new(const struct yaml *settings)
{
	const char *where = settings ? yaml_text(settings, "tunnel") : NULL, *key;
	if (!where || !*where)
		return NULL;
	struct tunnel *t = xcalloc(1, sizeof(*t));
	key = yaml_text(settings, "tunnel_key");
	t->where = xstrdup(where);
	t->key = key ? xstrdup(key) : NULL;
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->ssh.fd = -1;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	bool running = t->running;
	pthread_mutex_unlock(&t->lock);
	eventfd_write(t->quit, 1);
	eventfd_write(t->wake, 1);
	if (running)
		pthread_join(t->thread, NULL);
	for (unsigned i = 0; i < t->ndoors; i++) {
		close(t->doors[i].fd);
		free(t->doors[i].host);
	}
	close(t->wake);
	close(t->quit);
	pthread_mutex_destroy(&t->lock);
	free(t->where);
	free(t->key);
	free(t);
}

const char *tunnel_proxy(struct tunnel *t)
{
	int port = find_door(t, NULL, 0);
	pthread_mutex_lock(&t->lock);
	snprintf(t->proxy, sizeof(t->proxy), "socks5h://127.0.0.1:%d", port ? port : 1);
	pthread_mutex_unlock(&t->lock);
	return t->proxy;
}

int tunnel_port(struct tunnel *t, const char *host, int port)
{
	return find_door(t, host, port);
}

bool tunnel_trouble(struct tunnel *t, char *why, size_t size, char *remedy, size_t remedy_size)
{
	pthread_mutex_lock(&t->lock);
	bool failed = t->failed;
	snprintf(why, size, "%s", t->why);
	snprintf(remedy, remedy_size, "%s", t->remedy);
	pthread_mutex_unlock(&t->lock);
	return failed;
}

const char *tunnel_name(const struct tunnel *t)
{
	return t->where;
}
