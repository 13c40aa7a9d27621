/* counting: a server on a port of its own that answers HTTP (nearly everything with {}) and PostgreSQL (every statement with nothing),
 * and counts what would change something: requests that are no reads, statements that are none. For tests of read-only. */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	int fd, port;
	pthread_t thread;
	atomic_int reads, writes, statements, open, noted;
	atomic_bool closing;
	char first[300];             /* of the first that writes; read it when `writes` is not 0 */
};

static void server_note_write(struct server *s, const char *what)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&s->noted, &none, 1)) {
		snprintf(s->first, sizeof(s->first), "%.*s", (int)strcspn(what, "\r"), what);
		atomic_store(&s->noted, 2);
	}
	while (atomic_load(&s->noted) != 2)      /* whoever sees the count sees the words */
		sched_yield();
	atomic_fetch_add(&s->writes, 1);
}

/* ---- HTTP */

/* POSTs that only ask: MLflow searches, AWS Cost Explorer and Budgets answer, Kubernetes says what one may. */
static bool server_asks(const char *head)
{
	return !strncmp(head, "GET ", 4) || !strncmp(head, "HEAD ", 5) || strstr(head, "/search HTTP/") ||
	       strcasestr(head, "x-amz-target: AWSInsightsIndexService.Get") || strcasestr(head, "x-amz-target: AWSBudgetServiceGateway.Describe") ||
	       strstr(head, "/selfsubject") || strstr(head, "Action=GetCallerIdentity") || !strncmp(head, "OPTIONS ", 8);
}

static void server_http(struct server *s, int fd, char *head)
{
	/* Airflow believes nobody who does not say its version */
	const char *said = strstr(head, "/api/v1/version") ? "{\"version\":\"2.10.5\"}" : strstr(head, "/api/v2/version") ? "" : "{}";
	char answer[200];

	if (server_asks(head))
		atomic_fetch_add(&s->reads, 1);
	else
		server_note_write(s, head);
	snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	         *said ? "200 OK" : "404 Not Found", strlen(said), said);
	send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (recv(fd, head, 4096, 0) > 0)
		;
}

/* ---- PostgreSQL */

static bool server_recv(struct server *s, int fd, char *to, size_t n)
{
	for (size_t have = 0; have < n && !atomic_load(&s->closing);) {
		ssize_t got = recv(fd, to + have, n - have, 0);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		have += got > 0 ? (size_t)got : 0;
	}
	return !atomic_load(&s->closing);
}

static void server_statement(struct server *s, const char *sql)
{
	static const char *const reads[] = { "select", "show", "set default_transaction_read_only = on", "set statement_timeout",
		"set idle_in_transaction", "begin read only", "begin transaction read only", "start transaction read only", "commit", "rollback",
		"listen", "unlisten", "declare", "fetch", "close", "explain", "table", "values", "set local", "" };
	size_t i = 0;

	sql += strspn(sql, " \t\n(");
	while (*reads[i] && strncasecmp(sql, reads[i], strlen(reads[i])))
		i++;
	atomic_fetch_add(&s->statements, 1);
	if (*reads[i] && !strchr(sql, ';') && !strcasestr(sql, "for update") && !strcasestr(sql, " into ") && !strcasestr(sql, "nextval(") &&
	    !strcasestr(sql, "pg_terminate") && !strcasestr(sql, "read write"))
		atomic_fetch_add(&s->reads, 1);
	else if (*sql)
		server_note_write(s, sql);
}

static void server_reply(int fd, char type, const void *body, uint32_t n)
{
	uint32_t length = htonl(n + 4);
	char head[5] = { type };

	memcpy(head + 1, &length, 4);
	send(fd, head, 5, MSG_NOSIGNAL | MSG_MORE);
	if (n)
		send(fd, body, n, MSG_NOSIGNAL | MSG_MORE);
	if (type == 'Z')
		send(fd, "", 0, MSG_NOSIGNAL);
}

static void server_postgres(struct server *s, int fd)
{
	static const char server_version[] = "server_version\0" "15.0", encoding[] = "client_encoding\0UTF8";
	char type, body[65536];
	uint32_t n;
	int one = 1;

	setsockopt(fd, 6 /* TCP */, 1 /* NODELAY */, &one, sizeof(one));
	if (!server_recv(s, fd, (char *)&n, 4) || ntohl(n) > sizeof(body) || !server_recv(s, fd, body, ntohl(n) - 4))
		return;
	server_reply(fd, 'R', "\0\0\0\0", 4);
	server_reply(fd, 'S', server_version, sizeof(server_version));
	server_reply(fd, 'S', encoding, sizeof(encoding));
	server_reply(fd, 'Z', "I", 1);
	while (server_recv(s, fd, &type, 1) && server_recv(s, fd, (char *)&n, 4) && (n = ntohl(n) - 4) < sizeof(body) &&
	       server_recv(s, fd, body, n)) {
		body[n] = '\0';
		switch (type) {
		case 'Q': server_statement(s, body); server_reply(fd, 'C', "SELECT 0", 9); server_reply(fd, 'Z', "I", 1); break;
		case 'P': server_statement(s, body + strlen(body) + 1); server_reply(fd, '1', NULL, 0); break;
		case 'B': server_reply(fd, '2', NULL, 0); break;
		case 'D': server_reply(fd, 'n', NULL, 0); break;
		case 'E': server_reply(fd, 'C', "SELECT 0", 9); break;
		case 'S': server_reply(fd, 'Z', "I", 1); break;
		case 'X': return;
		}
	}
}

/* ---- a connection each its thread */

struct server_call { struct server *s; int fd; };

static void *server_one(void *arg)
{
	struct server_call c = *(struct server_call *)arg;
	struct timeval slice = { 0, 100000 };
	char head[4097];
	ssize_t n;

	free(arg);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice));
	for (int i = 0; (n = recv(c.fd, head, 1, MSG_PEEK)) < 0 && i < 600 && !atomic_load(&c.s->closing); i++)
		;
	if (n > 0 && head[0] == '\0') {
		server_postgres(c.s, c.fd);
	} else if (n > 0 && (n = recv(c.fd, head, sizeof(head) - 1, 0)) > 0) {
		head[n] = '\0';
		server_http(c.s, c.fd, head);
	}
	close(c.fd);
	atomic_fetch_sub(&c.s->open, 1);
	return NULL;
}

static void *server_accept(void *arg)
{
	struct server *s = arg;
	pthread_t t;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct server_call *c = malloc(sizeof(*c));

		*c = (struct server_call){ s, fd };
		atomic_fetch_add(&s->open, 1);
		if (pthread_create(&t, NULL, server_one, c) == 0)
			pthread_detach(t);
	}
	return NULL;
}

static void server_open(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	pthread_create(&s->thread, NULL, server_accept, s);
}

static void server_close(struct server *s)
{
	atomic_store(&s->closing, true);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	while (atomic_load(&s->open))
		usleep(5000);
}
#endif
