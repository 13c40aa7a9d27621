/* Read-only leaks nothing: every action of every backend's table, on every kind it is offered on, through the action machine and
 * past it, with the real backends connected to a server that counts what comes. A new action is covered by itself; a new
 * backend has to be given its settings here. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "backends/list.h"
#include "base/action.h"
#include "base/kinds.h"
#include "base/mem.h"

/* ---- a server that answers everything with {} and counts */

struct server { int fd, port; pthread_t thread; atomic_int reads, writes; };

static void serve_one(struct server *s, int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	struct timeval most = { 2, 0 };
	char head[4096];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	n = recv(fd, head, sizeof(head) - 1, 0);
	if (n > 0) {
		head[n] = '\0';
		/* PostgreSQL begins with a length; of it a connection alone is no write */
		bool http = strstr(head, " HTTP/1.") != NULL, safe = !strncmp(head, "GET ", 4) || !strncmp(head, "HEAD ", 5) ||
			strstr(head, "/search HTTP/");       /* MLflow asks by POST */

		atomic_fetch_add(http && !safe ? &s->writes : &s->reads, 1);
		send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		while (recv(fd, head, sizeof(head), 0) > 0)
			;
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0)
		serve_one(s, fd);
	return NULL;
}

static void server_open(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_close(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static void send_raw(const struct server *s, const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)s->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_true(send(fd, text, strlen(text), 0) > 0);
	while (recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
}

/* ---- every backend, connected to it */

static char *settings_of(const char *backend, int port)
{
	static const struct { const char *name, *settings; } all[] = {
		{ "kubernetes", "kubeconfig: /tmp/binnacle-readonly-kubeconfig" }, { "airflow", "url: 'http://127.0.0.1:%d'" },
		{ "postgres", "{host: 127.0.0.1, port: %d, user: x, sslmode: disable}" }, { "reports", "url: 'http://127.0.0.1:%d/'" },
		{ "serving", "{url: 'http://127.0.0.1:%d', protocol: rest}" }, { "mlflow", "url: 'http://127.0.0.1:%d'" }, { "cost", "{}" },
		{ "s3", "{endpoint: 'http://127.0.0.1:%d', access_key: a, secret_key: {env: HOME}}" }, { "demo", "{}" }, { "models", "{}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, backend))
			return xasprintf(all[i].settings, port);
	fail_msg("backend '%s' has no settings in this test: give it some", backend);
	return NULL;
}

static void write_kubeconfig(int port)
{
	FILE *f = fopen("/tmp/binnacle-readonly-kubeconfig", "w");

	fprintf(f, "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
	        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n", port);
	fclose(f);
}

struct world {
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct audit *audit;
	struct actor *actor;
	struct yaml_doc *doc;
	char file[80];
};

static void world_open(struct world *w, const struct backend *b, int port, struct guards *guards, bool readonly)
{
	struct yaml_error err;
	char *settings = settings_of(b->name, port), why[300];

	w->doc = yaml_parse(str_of(settings), &err);
	assert_non_null(w->doc);
	w->store = store_new(&clock_system);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w->store, *k);
	w->inbox = inbox_new(4 << 20);
	w->source = source_new(store_add_source(w->store, "s", "vault"), "s", "vault", b, yaml_root(w->doc), &clock_system, w->inbox);
	w->source->readonly = readonly;
	snprintf(w->file, sizeof(w->file), "/tmp/binnacle-readonly-%d.jsonl", (int)getpid());
	unlink(w->file);
	w->audit = audit_open(w->file, &clock_system, why, sizeof(why));
	w->actor = actor_new(w->store, w->audit, guards, &clock_system);
	source_start(w->source);
	free(settings);
}

static void world_close(struct world *w)
{
	actor_free(w->actor);
	source_stop(w->source, 3000);
	audit_close(w->audit);
	store_free(w->store);
	inbox_free(w->inbox);
	yaml_doc_free(w->doc);
	unlink(w->file);
}

static void take(struct world *w, int ms)
{
	struct pollfd p = { inbox_fd(w->inbox), POLLIN, 0 };
	struct msg *m;

	poll(&p, 1, ms);
	while ((m = inbox_take(w->inbox)))
		store_apply(w->store, m, 0);
}

/* ---- asking past the machine */

struct reply { bool came, done; char *why; };

static void on_reply(void *arg, const struct msg *m)
{
	struct reply *r = arg;
	struct msg_answer a;
	struct msg_step s;

	r->came = true;
	if (m->type == MSG_ANSWER && msg_get_answer(m, &a)) {
		r->done |= a.ok;
		r->why = str_dup(a.json);
	} else if (m->type == MSG_STEP && msg_get_step(m, &s)) {
		r->done |= s.ok || s.state != STEP_FINISHED;
		r->why = str_dup(s.say);
	}
}

static void refused(struct world *w, enum req_type type, const char *kind, const char *action)
{
	static const char plan[] = "{\"plan\":{\"title\":\"x\",\"target\":{\"kind\":\"k\",\"key\":\"ns/x\",\"uid\":\"\",\"version\":\"\"},"
		"\"steps\":[{\"do\":\"POST /x\",\"body\":\"{}\"}]},\"act\":1}";
	struct reply r = { 0 };
	uint64_t id = source_ask(w->source, request_new(type, kind, STR("ns/x"), action, type == REQ_RUN ? plan : "{}"));

	store_expect(w->store, id, on_reply, &r);
	for (int i = 0; i < 200 && !r.came; i++)
		take(w, 10);
	store_forget(w->store, id);
	if (!r.came || r.done || !strstr(r.why, "read-only"))
		fail_msg("%s %s on %s: %s", w->source->backend->name, action, kind, r.came ? r.why : "no answer");
	free(r.why);
}

static unsigned every_action(struct world *w, bool past)
{
	unsigned n = 0;

	for (const struct action *const *a = w->source->backend->actions; a && *a; a++)
		for (const char *const *k = (*a)->kinds; *k; k++, n++) {
			const char *kind = strcmp(*k, "*") ? *k : "configmaps", *key = "ns/x", *why = NULL;

			assert_null(act_start(w->actor, w->source, *a, kind, &key, 1, "{\"reason\":\"because\"}", &why));
			if (!strstr(why, "read-only"))
				fail_msg("%s %s on %s: %s", w->source->backend->name, (*a)->name, kind, why);
			assert_non_null(act_refused(w->actor, w->source, *a, 1));
			if (past) {
				refused(w, REQ_PLAN, kind, (*a)->name);
				refused(w, REQ_RUN, kind, (*a)->name);
			}
		}
	return n;
}

/* ---- tests */

static void test_the_counter_counts(void **state)
{
	struct server s = { 0 };

	server_open(&s);
	send_raw(&s, "GET / HTTP/1.1\r\n\r\n");
	send_raw(&s, "PATCH /apis HTTP/1.1\r\n\r\n");
	assert_int_equal(atomic_load(&s.reads), 1);
	assert_int_equal(atomic_load(&s.writes), 1);
	server_close(&s);
}

static void test_every_action_of_every_backend(void **state)
{
	unsigned actions = 0, connected = 0;

	for (const struct backend *const *b = backends_all; *b; b++) {
		struct server s = { 0 };
		struct stat trail;
		struct world w;

		server_open(&s);
		write_kubeconfig(s.port);
		world_open(&w, *b, s.port, NULL, true);
		for (const struct kind *const *k = (*b)->kinds; k && *k && k < (*b)->kinds + 3; k++)
			source_ask(w.source, request_new(REQ_WATCH, (*k)->name, STR(""), "", ""));   /* it works, and reads */
		for (int i = 0; i < 40 && !atomic_load(&s.reads); i++)
			take(&w, 25);
		actions += every_action(&w, true);
		for (int i = 0; i < 8; i++)
			take(&w, 25);
		if (atomic_load(&s.writes))
			fail_msg("%s sent %d requests that write", (*b)->name, atomic_load(&s.writes));
		connected += atomic_load(&s.reads) > 0;
		print_message("%s: %d requests that read\n", (*b)->name, atomic_load(&s.reads));
		assert_int_equal(stat(w.file, &trail), 0);
		assert_int_equal(trail.st_size, 0);
		world_close(&w);
		server_close(&s);
	}
	print_message("%u actions on kinds tried, %u backends over the wire\n", actions, connected);
	assert_true(actions >= 40);
	assert_true(connected >= 5);         /* the counter stands where the requests would go */
}

/* The same where the environment, or a rule of the guards, is what forbids. */
static void test_by_environment_and_by_rule(void **state)
{
	static const struct guard_rule vault[] = { { "vault", GUARD_READONLY, 10 } };
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(STR("{all: {guard: read-only}}"), &err);

	for (const struct backend *const *b = backends_all; *b; b++)
		for (int by_rule = 0; by_rule < 2; by_rule++) {
			struct server s = { 0 };
			struct world w;

			server_open(&s);
			write_kubeconfig(s.port);
			world_open(&w, *b, s.port, by_rule ? guards_new(NULL, 0, yaml_root(doc)) : guards_new(vault, 1, NULL), false);
			every_action(&w, false);
			assert_int_equal(atomic_load(&s.writes), 0);
			world_close(&w);
			server_close(&s);
		}
	yaml_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_counter_counts), cmocka_unit_test(test_every_action_of_every_backend),
		cmocka_unit_test(test_by_environment_and_by_rule),
	};

	return cmocka_run_group_tests_name("readonly", tests, NULL, NULL);
}
