/* Read-only leaks nothing: every action of every backend's table, on every kind it is offered on, through the action machine and
 * past it, with the real backends connected to a server that counts what comes, as HTTP or as SQL. A new action is covered by
 * itself; a new backend has to be given its settings here, and fails as long as nothing of it is seen on the wire. That the
 * counter would notice is tried too: without the guard the same questions make it count. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
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
#include "base/forwards.h"
#include "base/kinds.h"
#include "base/mem.h"
#include "base/rows.h"
#include "tests/unit/counting.h"

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
		{ "serving", "{url: 'http://127.0.0.1:%d', protocol: rest}" }, { "mlflow", "url: 'http://127.0.0.1:%d'" }, 
		{ "cost", "{opencost: 'http://127.0.0.1:%d', aws: {endpoint: 'http://127.0.0.1:%d', access_key: {env: HOME}, "
		  "secret_key: {env: HOME}, eks_cluster: c, region: eu-west-1}}" },
		{ "s3", "{endpoint: 'http://127.0.0.1:%d', access_key: {env: HOME}, region: eu-west-1, secret_key: {env: HOME}}" },
		{ "demo", "{}" }, { "models", "{}" },
		{ "plugin", "{manifest: wire_plugin.yaml, settings: {port: '%d'}}" },
		{ "prometheus", "url: 'http://127.0.0.1:%d'" }, { "alertmanager", "url: 'http://127.0.0.1:%d'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, backend))
			return xasprintf(all[i].settings, port, port);
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
	const struct backend *backend;       /* as it is for this source */
	struct store *store;
	struct inbox *inbox;
	struct source *source;
	struct audit *audit;
	struct actor *actor;
	struct yaml_doc *doc;
	char file[80];
};

/* What its settings make of a backend. */
static const struct backend *shape(struct world *w, const struct backend *b)
{
	const char *top = getenv("TOP");
	char *beside = xasprintf("%s/tests/unit/binnacle.yaml", top ? top : ".");
	struct config_errors errors = { 0 };
	const struct backend *shaped = b->shape ? b->shape(yaml_root(w->doc), beside, &errors) : b;
	if (!shaped)
		fail_msg("%s: %s:%u: %s", b->name, errors.list[0].file, errors.list[0].line, errors.list[0].what);
	for (const struct kind *const *k = shaped->kinds; *k; k++)
		if (!store_table(w->store, (*k)->name))
			store_add_kind(w->store, *k);
	free(beside);
	return shaped;
}

/* A service inside a cluster, as the cluster's source would tell of it: its door is the counting server. */
static void feed_forward(struct world *w, int port)
{
	char local[32];
	struct buf b = { 0 };

	snprintf(local, sizeof(local), "127.0.0.1:%d", port);
	rows_start(&b, "forwards");
	rows_begin(&b, STR(""));
	forward_put(&b, &(struct forward_row){ .key = STR("ns/x"), .ns = STR("ns"), .target = STR("services/x:80"), .local = str_of(local),
		.status = STR("open"), .use = STR(FORWARD_FOR_MODELS), .level = LEVEL_OK, .open = 0, .total = 0, .in = 0, .out = 0, .since = 1 });
	rows_end(&b, STR(""));
	assert_true(source_feed(w->source, "forwards", "k8s", buf_str(&b), 1 << 20));
	buf_release(&b);
}

static void world_open(struct world *w, const struct backend *b, int port, struct guards *guards, bool readonly)
{
	struct yaml_error err;
	char *settings = settings_of(b->name, port), why[300];

	w->doc = yaml_parse(str_of(settings), &err);
	assert_non_null(w->doc);
	w->store = store_new(&clock_system);
	for (const struct kind *const *k = kinds_all; *k; k++)
		store_add_kind(w->store, *k);
	w->backend = shape(w, b);
	w->inbox = inbox_new(4 << 20);
	w->source = source_new(store_add_source(w->store, "s", "vault"), "s", "vault", w->backend, yaml_root(w->doc), &clock_system, w->inbox);
	w->source->readonly = readonly;
	snprintf(w->file, sizeof(w->file), "/tmp/binnacle-readonly-%d.jsonl", (int)getpid());
	unlink(w->file);
	w->audit = audit_open(w->file, &clock_system, why, sizeof(why));
	w->actor = actor_new(w->store, w->audit, guards, &clock_system);
	source_start(w->source);
	free(settings);
	if (!strcmp(b->name, "models"))
		feed_forward(w, port);
}

static void world_close(struct world *w)
{
	actor_free(w->actor);
	source_stop(w->source, 30000);
	audit_close(w->audit);
	store_free(w->store);
	inbox_free(w->inbox);
	if (w->backend->unshape)
		w->backend->unshape(w->backend);
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
	free(r->why);                /* of several steps the last */
	r->why = NULL;
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
	for (int i = 0; i < 6000 && !r.came; i++)
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

/* What each would send, in a plan that is as it was seen (%s: the server answers all with {}, and what they make of that is said by
 * the first try). */
static const struct act_of { const char *backend, *kind, *key, *action, *plan; } unguarded[] = {
	{ "kubernetes", "deployments", "ns/x", "restart", "{\"action\":\"restart\",\"target\":{\"kind\":\"deployments\",\"key\":\"ns/x\",\"version\":\"%s\"},\"steps\":[{\"do\":\"PATCH /apis/apps/v1/x?a=b\","
	  "\"body\":\"{}\"}]}" },
	{ "airflow", "pipelines", "x", "pause", "{\"target\":{\"version\":\"paused=false\"},\"names\":\"%s\",\"steps\":[{\"do\":\"PATCH /dags/x\","
	  "\"body\":\"{}\"}]}" },
	{ "mlflow", "models", "x", "rollback", "{\"target\":{\"version\":\"%s\"},\"steps\":[{\"do\":\"POST /api/2.0/mlflow/registered-models/alias\","
	  "\"body\":\"{}\"}]}" },
	{ "plugin", "wires", "x", "cut", "{\"say\":\"%s\",\"steps\":[{\"do\":\"POST /\"}]}" },
	{ "s3", "objects", "s3://b/x", "delete", "{\"target\":{\"at\":\"s3://b/x\",\"version\":\"%s\"},\"steps\":[{\"do\":\"d\","
	  "\"method\":\"DELETE\",\"bucket\":\"b\",\"key\":\"x\",\"version\":\"\",\"headers\":[]}]}" },
};

static void run_unguarded(struct world *w, struct server *s, const struct act_of *a)
{
	char seen[200] = "";

	for (int try = 0; try < 2 && !atomic_load(&s->writes); try++) {
		char *plan = xasprintf(a->plan, seen), *params = xasprintf("{\"plan\":%s,\"act\":1}", plan);
		struct reply r = { 0 };
		uint64_t id = source_ask(w->source, request_new(REQ_RUN, a->kind, str_of(a->key), a->action, params));

		store_expect(w->store, id, on_reply, &r);
		for (int i = 0; i < 6000 && !r.came; i++)
			take(w, 10);
		for (int i = 0; i < (try ? 1200 : 40) && !atomic_load(&s->writes); i++)
			take(w, 25);
		store_forget(w->store, id);
		const char *then = r.why ? strstr(r.why, " then, ") : NULL, *now = then ? strstr(then, " now)") : NULL;
		if (now)
			snprintf(seen, sizeof(seen), "%.*s", (int)(now - then - 7), then + 7);
		if (try == 1 && !atomic_load(&s->writes))
			print_message("%s: %s\n", a->backend, r.why);
		free(r.why);
		free(plan);
		free(params);
	}
}

/* ---- tests */

static void say_sql(const struct server *s, const char *sql)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)s->port) };
	static const char hello[] = "\0\0\0\x10\0\3\0\0user\0\0\0", bye[] = "X\0\0\0\4";
	uint32_t n = htonl((uint32_t)strlen(sql) + 5);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	send(fd, hello, 16, 0);
	send(fd, "Q", 1, 0);
	send(fd, &n, 4, 0);
	send(fd, sql, strlen(sql) + 1, 0);
	send(fd, bye, 5, 0);
	while (recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
}

static void test_the_counter_counts(void **state)
{
	struct server s;

	server_open(&s);
	send_raw(&s, "GET / HTTP/1.1\r\n\r\n");
	send_raw(&s, "PATCH /apis HTTP/1.1\r\n\r\n");
	assert_int_equal(atomic_load(&s.reads), 1);
	assert_int_equal(atomic_load(&s.writes), 1);
	/* as PostgreSQL's clients do: protocol 3.0, then statements */
	say_sql(&s, "select 1");
	say_sql(&s, "begin read only");
	assert_int_equal(atomic_load(&s.writes), 1);
	say_sql(&s, "insert into t values (1)");
	say_sql(&s, "select 1; drop table t");
	say_sql(&s, "select * from t for update");
	assert_int_equal(atomic_load(&s.writes), 4);
	assert_int_equal(atomic_load(&s.statements), 5);
	server_close(&s);
}

/* Kinds of it are watched: it works, and reads. */
static void look(struct world *w, struct server *s)
{
	for (const struct kind *const *k = w->source->backend->kinds; k && *k && k < w->source->backend->kinds + 4; k++)
		source_ask(w->source, request_new(REQ_WATCH, (*k)->name, STR(""), "", ""));
	for (int i = 0; i < (strcmp(w->source->backend->name, "demo") ? 2400 : 8) && !atomic_load(&s->reads); i++)
		take(w, 25);
	source_ask(w->source, request_new(REQ_ASK, "", STR(""), "doctor", "{}"));
	for (int i = 0; i < 8 || (i < 2400 && atomic_load(&s->statements) && atomic_load(&s->statements) < 4); i++)
		take(w, 25);
}

static void test_every_action_of_every_backend(void **state)
{
	unsigned actions = 0;

	for (const struct backend *const *b = backends_all; *b; b++) {
		struct server s;
		struct stat trail;
		struct world w;

		server_open(&s);
		write_kubeconfig(s.port);
		world_open(&w, *b, s.port, NULL, true);
		look(&w, &s);
		actions += every_action(&w, true);
		for (int i = 0; i < 8; i++)
			take(&w, 25);
		if (atomic_load(&s.writes))
			fail_msg("%s sent %d that write, first %s", (*b)->name, atomic_load(&s.writes), s.first);
		print_message("%s: %d that read (%d statements)\n", (*b)->name, atomic_load(&s.reads), atomic_load(&s.statements));
		/* the counter stands where the requests would go */
		if (!atomic_load(&s.reads) && strcmp((*b)->name, "demo"))
			fail_msg("nothing of '%s' came to the counting server: give it settings that lead there", (*b)->name);
		if (!strcmp((*b)->name, "postgres"))
			assert_true(atomic_load(&s.statements) > 3);
		assert_int_equal(stat(w.file, &trail), 0);
		assert_int_equal(trail.st_size, 0);
		world_close(&w);
		server_close(&s);
	}
	print_message("%u actions on kinds tried\n", actions);
	assert_true(actions >= 40);
}

/* Without the guard the same requests would have gone out: what the test above shows is the guard, not a deaf server. */
static void test_without_the_guard_it_fails(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(unguarded); i++) {
		const struct backend *const *b = backends_all;
		struct server s;
		struct world w;

		while (strcmp((*b)->name, unguarded[i].backend))
			b++;
		server_open(&s);
		write_kubeconfig(s.port);
		world_open(&w, *b, s.port, NULL, false);
		look(&w, &s);
		run_unguarded(&w, &s, &unguarded[i]);
		if (!atomic_load(&s.writes))
			fail_msg("%s: nothing was counted of what it sent unguarded", (*b)->name);
		print_message("%s: %s\n", (*b)->name, s.first);
		world_close(&w);
		server_close(&s);
	}
}

/* The same where the environment, or a rule of the guards, is what forbids. */
static void test_by_environment_and_by_rule(void **state)
{
	static const struct guard_rule vault[] = { { "vault", GUARD_READONLY, 10 } };
	struct yaml_error err;
	struct yaml_doc *doc = yaml_parse(STR("{all: {guard: read-only}}"), &err);

	for (const struct backend *const *b = backends_all; *b; b++)
		for (int by_rule = 0; by_rule < 2; by_rule++) {
			struct server s;
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
		cmocka_unit_test(test_without_the_guard_it_fails),
		cmocka_unit_test(test_by_environment_and_by_rule),
	};

	return cmocka_run_group_tests_name("readonly", tests, NULL, NULL);
}
