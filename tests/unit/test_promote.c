/* Promote and roll back: two versions held against each other in words, and MLflow's plans and runs against a server that
 * answers as recorded ones did and notes what it was sent. */
#define _GNU_SOURCE
#include "backends/list.h"
#include "base/action.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/registry.h"
#include <arpa/inet.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/forged.h"

static json_t *json(const char *text)
{
	char *copy = xstrdup(text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *j = json_loads(copy, JSON_DECODE_ANY, NULL);
	if (!j)
		fail_msg("not JSON: %s", text);
	free(copy);
	return j;
}

/* ---- in words */

static void words(const char *old, const char *new, const char *metric, const char *change, const char *warnings)
{
	json_t *a = *old ? json(old) : NULL, *b = json(new), *c = json_array(), *w = json_array();
	registry_versus(a, b, metric, c, w);
	char *said = json_dumps(c, JSON_COMPACT), *warned = json_dumps(w, JSON_COMPACT);
	json_t *want_c = json(change), *want_w = json(warnings);
	if (!json_equal(c, want_c) || !json_equal(w, want_w))
		fail_msg("change %s\nwarnings %s", said, warned);
	free(said);
	free(warned);
	json_decref(a);
	json_decref(b);
	json_decref(c);
	json_decref(w);
	json_decref(want_c);
	json_decref(want_w);
}

static void test_versus(void **state)
{
	words("{'metrics':{'rmse':100.0,'n':4.0}}", "{'status':'READY','metrics':{'rmse':90.0,'n':5.0,'new':1.0},'better':{'rmse':'lower'}}",
	      NULL, "['rmse 100 -> 90: 10.0 % better','n 4 -> 5: 25.0 % higher']", "[]");
	words("{'metrics':{'rmse':100.0}}", "{'metrics':{'rmse':110.0},'better':{'rmse':'lower'}}", "rmse", "['rmse 100 -> 110: 10.0 % worse']",
	      "['the key metric rmse is 10.0 % worse than that of the version in production']");
	words("{'metrics':{'rmse':0.0,'mae':1}}", "{'metrics':{'rmse':2.0,'mae':2},'better':{'rmse':'lower','mae':'lower'}}", "rmse",
	      "['rmse 0 -> 2: worse','mae 1 -> 2: 100.0 % worse']", "['the key metric rmse is worse than that of the version in production']");
	words("{'metrics':{'rmse':1.0}}", "{'metrics':{}}", NULL, "[]",
	      "['of the key metric rmse this version has no value: it cannot be told whether it is better']");
	words("{}", "{'status':'FAILED_REGISTRATION'}", NULL, "[]", "['its status is FAILED_REGISTRATION, not READY: it may not load']");
	words("{'params':{'depth':'8','seed':'1'}}", "{'params':{'depth':'10','seed':'1'}}", NULL, "['depth 8 -> 10']", "[]");
	words("{'signature':{'inputs':[{'name':'a','type':'long'}],'outputs':[{'type':'double'}]}}",
	      "{'signature':{'inputs':[{'name':'a','type':'double'},{'name':'b','type':'long'}],'outputs':[{'type':'double'}]}}", NULL, "[]",
	      "['its signature differs in inputs: without or otherwise a; new or otherwise a, b']");
	words("{'signature':{'inputs':[],'outputs':[]}}", "{}", NULL, "[]",
	      "['only the version in production has a signature: whether both take the same inputs cannot be told']");
	words("", "{'metrics':{'rmse':1.0},'status':'READY'}", NULL, "[]", "[]");
	words("{'metrics':[1],'params':7,'signature':'x'}", "{'metrics':{'rmse':'x'},'params':{'a':1},'signature':[],'better':3}", NULL, "[]", "[]");
}

/* ---- a server: answers by the beginning of the request; the alias follows what is set */

static struct { int fd, port; pthread_t thread; atomic_int champion; atomic_bool stages; pthread_mutex_t lock; struct buf sent; } server =
	{ .lock = PTHREAD_MUTEX_INITIALIZER };

static void put_version(struct buf *b, int n, const char *tags)
{
	bool production = server.stages && server.champion == n;
	buf_addf(b, "{\"name\":\"m\",\"version\":\"%d\",\"current_stage\":\"%s\",\"status\":\"%s\",\"run_id\":\"r%d\",\"tags\":[%s]}", n,
	         production ? "Production" : "None", n == 8 ? "PENDING_REGISTRATION" : "READY", n, tags);
}

static void answer(const char *path, struct buf *b)
{
	const char *run = strstr(path, "run_id=r"), *version = strstr(path, "&version=");
	if (strstr(path, "registered-models/get"))
		buf_addf(b, "{\"registered_model\":{\"name\":\"m\",\"aliases\":[{\"alias\":\"champion\",\"version\":\"%d\"}]}}",
		         server.stages ? -1 : server.champion);
	else if (strstr(path, "model-versions/search")) {
		buf_adds(b, "{\"model_versions\":[");
		for (int n = 8; n > 3; n--) {
			put_version(b, n, n == 5 ? "{\"key\":\"promoted_by\",\"value\":\"ada\"}" : "");
			buf_adds(b, n > 4 ? "," : "]}");
		}
	} else if (strstr(path, "model-versions/get?") && version) {
		buf_adds(b, "{\"model_version\":");
		put_version(b, atoi(version + 9), atoi(version + 9) == 5 ? "{\"key\":\"promoted_by\",\"value\":\"ada\"},{\"key\":\"note\",\"value\":\"mine\"}" : "");
		buf_adds(b, "}");
	} else if (run)
		buf_addf(b, "{\"run\":{\"info\":{\"run_id\":\"r\",\"status\":\"FINISHED\"},\"data\":{\"metrics\":[{\"key\":\"rmse\",\"value\":%d}]}}}",
		         1000 - 10 * atoi(run + 8));
	else
		buf_adds(b, "{}");
}

static void take_change(const char *path, const char *body)
{
	json_t *j = json_loads(body, 0, NULL);
	const char *version = json_string_value(json_object_get(j, "version")), *stage = json_string_value(json_object_get(j, "stage"));
	pthread_mutex_lock(&server.lock);
	buf_addf(&server.sent, "%s %s\n", strrchr(path, '/') + 1, body);
	pthread_mutex_unlock(&server.lock);
	if (version && (strstr(path, "registered-models/alias") || (stage && !strcmp(stage, "Production"))))
		server.champion = atoi(version);
	json_decref(j);
}

static void serve_one(int fd)
{
	struct buf b = { 0 }, out = { 0 };
	char piece[4096], path[1024] = "", *body = NULL;
	size_t want = 0;
	ssize_t n;
	while ((!body || strlen(body) < want) && (n = read(fd, piece, sizeof(piece))) > 0) {
		buf_addstr(&b, (struct str){ piece, (size_t)n });
		buf_addc(&b, 0);
		b.len--;
		const char *length = strcasestr(b.data, "\ncontent-length:");
		body = strstr(b.data, "\r\n\r\n");
		body = body ? body + 4 : NULL;
		want = length ? (size_t)atol(length + 16) : 0;
	}
	if (body && sscanf(b.data, "%*s %1023s", path) == 1) {
		if (!strncmp(b.data, "POST", 4))
			take_change(path, body);
		if (!strcmp(path, "/version"))
			buf_adds(&out, server.stages ? "1.28.0" : "2.22.0");
		else
			answer(path, &out);
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		        strcmp(path, "/version") ? "application/json" : "text/plain", out.len);
		n = write(fd, out.data, out.len);
	}
	buf_release(&b);
	buf_release(&out);
	close(fd);
}

static void *serve(void *arg)
{
	int fd;
	while ((fd = accept(server.fd, NULL, NULL)) >= 0)
		serve_one(fd);
	return arg;
}

static int start(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	setenv("T_PROMOTE", "hunter2", 1);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.fd, (struct sockaddr *)&at, sizeof(at)) || listen(server.fd, 16))
		return -1;
	getsockname(server.fd, (struct sockaddr *)&at, &n);
	server.port = ntohs(at.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	buf_release(&server.sent);
	return 0;
}

/* ---- one source */

struct desk { struct yaml_doc *settings; struct inbox *inbox; struct source *source; };

static void open_desk_as(struct desk *d, const char *login, int champion, bool stages, struct history *h)
{
	struct yaml_error err;
	char *text = xasprintf("{type: mlflow, %surl: 'http://127.0.0.1:%d'}", login, server.port);
	server.champion = champion;
	server.stages = stages;
	buf_clear(&server.sent);
	d->settings = yaml_parse(str_of(text), &err);
	d->inbox = inbox_new(1 << 20);
	d->source = source_new(0, "ml", "dev", &backend_mlflow, yaml_root(d->settings), &clock_system, d->inbox);
	source_keep(d->source, h);
	source_start(d->source);
	free(text);
}

static void open_desk(struct desk *d, int champion, bool stages, struct history *h)
{
	open_desk_as(d, "user: ops, password: {env: T_PROMOTE}, ", champion, stages, h);
}

static void close_desk(struct desk *d)
{
	assert_true(source_stop(d->source, 20000));
	inbox_free(d->inbox);
	yaml_doc_free(d->settings);
}

/* The next message of that request; NULL: none in time. */
static struct msg *reply(struct desk *d, uint64_t id)
{
	int64_t end = clock_mono(&clock_system) + 90000;
	while (clock_mono(&clock_system) < end) {
		struct pollfd p = { .fd = inbox_fd(d->inbox), .events = POLLIN };
		struct msg *m;
		poll(&p, 1, 100);
		while ((m = inbox_take(d->inbox))) {
			if (m->id == id)
				return m;
			msg_free(m);
		}
	}
	fail_msg("no reply");
	return NULL;
}

static json_t *plan_of(struct desk *d, const char *action, const char *kind, const char *key, const char *params)
{
	struct msg *m = reply(d, source_ask(d->source, request_new(REQ_PLAN, kind, str_of(key), action, params)));
	struct msg_answer a;
	assert_true(msg_get_answer(m, &a));
	if (!a.ok)
		fail_msg(STR_FMT, STR_ARG(a.json));
	json_t *j = json_loadb(a.json.p, a.json.n, 0, NULL);
	assert_non_null(memmem(a.json.p, a.json.n, "\"title\"", 7));
	assert_null(memmem(a.json.p, a.json.n, "hunter2", 7));
	msg_free(m);
	return j;
}

/* Runs it to the end; what was said last. */
static bool run_plan(struct desk *d, const char *action, const char *kind, const char *key, json_t *plan, struct buf *say)
{
	json_t *params = json_pack("{s:O, s:i}", "plan", plan, "act", 1);
	char *text = json_dumps(params, JSON_COMPACT);
	uint64_t id = source_ask(d->source, request_new(REQ_RUN, kind, str_of(key), action, text));
	struct msg_step s = { 0 };
	bool over = false, ok = false;
	while (!over) {
		struct msg *m = reply(d, id);
		assert_true(msg_get_step(m, &s));
		over = s.state == STEP_FINISHED;
		ok = s.ok;
		buf_clear(say);
		buf_addf(say, STR_FMT " undo=" STR_FMT, STR_ARG(s.say), STR_ARG(s.undo));
		msg_free(m);
	}
	free(text);
	json_decref(params);
	return ok;
}

static void has(const json_t *plan, const char *member, const char *text)
{
	char *all = json_dumps(json_object_get(plan, member), JSON_COMPACT | JSON_ENCODE_ANY);
	if (!all || !strstr(all, text))
		fail_msg("%s: no '%s' in %s", member, text, all ? all : "nothing");
	free(all);
}

/* Where the registry does not know us by a name, the tags have who runs it, whatever the environment says. */
static void test_who_acts(void **state)
{
	struct desk d;
	struct buf say = { 0 };
	char by[100];
	forge();
	snprintf(by, sizeof(by), "\"key\":\"promoted_by\",\"value\":\"%s\"}", who_really());
	open_desk_as(&d, "", 6, false, NULL);
	json_t *plan = plan_of(&d, "promote", "versions", "m/7", "{\"reason\":\"better\"}");
	assert_true(run_plan(&d, "promote", "versions", "m/7", plan, &say));
	buf_addc(&server.sent, 0);
	assert_non_null(strstr(server.sent.data, by));
	assert_null(strstr(server.sent.data, FORGED));
	json_decref(plan);
	buf_release(&say);
	close_desk(&d);
}

static void test_promote(void **state)
{
	struct desk d;
	struct buf say = { 0 };
	open_desk(&d, 6, false, NULL);
	json_t *plan = plan_of(&d, "promote", "versions", "m/7", "{\"reason\":\"better\"}");
	has(plan, "title", "promote m to v7");
	has(plan, "change", "[\"alias champion v6 -> v7\",\"rmse 940 -> 930: 1.1 % better\"]");
	has(plan, "target", "\"version\":\"alias champion: v6\"");
	has(plan, "undo", "{\"action\":\"rollback\",\"params\":{\"version\":\"6\",\"alias\":\"champion\",\"restore\":{\"version\":\"7\",\"tags\":{\"promoted_by\":{\"was\":null");
	assert_int_equal(json_array_size(json_object_get(plan, "steps")), 4);
	assert_null(json_object_get(plan, "blocked"));
	assert_int_equal(server.sent.len, 0);
	assert_true(run_plan(&d, "promote", "versions", "m/7", plan, &say));
	assert_non_null(strstr(say.data, "alias champion: v7 undo={\"version\":\"6\",\"alias\":\"champion\",\"restore\":{\"version\":\"7\","));
	buf_addc(&server.sent, 0);
	assert_non_null(strstr(server.sent.data, "alias {\"name\":\"m\",\"version\":\"7\",\"alias\":\"champion\"}\nset-tag "));
	assert_non_null(strstr(server.sent.data, "\"key\":\"promoted_by\",\"value\":\"ops\"}"));
	assert_non_null(strstr(server.sent.data, "\"key\":\"promoted_reason\",\"value\":\"better\"}"));
	buf_clear(&server.sent);
	assert_false(run_plan(&d, "promote", "versions", "m/7", plan, &say));        /* what it saw is not so any more */
	assert_string_equal(say.data, "changed since the plan (alias champion: v6 then, alias champion: v7 now), plan again undo=");
	assert_int_equal(server.sent.len, 0);
	json_decref(plan);
	/* its undo: what was written goes, what somebody wrote since stays, and v6 gets no tags for it */
	plan = plan_of(&d, "rollback", "models", "m", "{\"version\":\"6\",\"restore\":{\"version\":\"5\",\"tags\":{"
		"\"promoted_by\":{\"was\":null,\"set\":\"ada\"},\"note\":{\"was\":\"old\",\"set\":\"new\"},\"gone\":{\"was\":null,\"set\":\"x\"}}}}");
	has(plan, "change", "tag promoted_by of v5 deleted: it had none");
	has(plan, "warnings", "tag note of v5 was changed since: it stays");
	assert_int_equal(json_array_size(json_object_get(plan, "steps")), 2);
	has(plan, "steps", "DELETE /api/2.0/mlflow/model-versions/delete-tag");
	json_decref(plan);
	plan = plan_of(&d, "promote", "versions", "m/8", "");
	has(plan, "warnings", "PENDING_REGISTRATION, not READY");
	json_decref(plan);
	plan = plan_of(&d, "promote", "versions", "m/5", "");
	has(plan, "warnings", "key metric rmse is 2.2 % worse");
	json_decref(plan);
	plan = plan_of(&d, "promote", "versions", "m/99", "");
	has(plan, "blocked", "there is no v99");
	json_decref(plan);
	plan = plan_of(&d, "rollback", "models", "m", "");
	has(plan, "change", "alias champion v7 -> v5");                                /* its tags say that it was promoted */
	json_decref(plan);
	buf_release(&say);
	close_desk(&d);
}

static void test_stages(void **state)
{
	struct desk d;
	struct buf say = { 0 };
	open_desk(&d, 6, true, NULL);
	json_t *plan = plan_of(&d, "promote", "versions", "m/7", "{\"alias\":\"x\"}");
	has(plan, "change", "stage Production v6 -> v7");
	has(plan, "warnings", "knows no aliases");
	assert_int_equal(json_array_size(json_object_get(plan, "steps")), 5);
	assert_true(run_plan(&d, "promote", "versions", "m/7", plan, &say));
	buf_addc(&server.sent, 0);
	const char *first = strstr(server.sent.data, "\"version\":\"7\",\"stage\":\"Production\",\"archive_existing_versions\":false"),
		*then = strstr(server.sent.data, "\"version\":\"6\",\"stage\":\"Archived\",\"archive_existing_versions\":false");
	assert_true(first && then && first < then);
	json_decref(plan);
	buf_release(&say);
	close_desk(&d);
}

/* Rolling back twice goes back twice, and not to what was just left. */
static void test_history(void **state)
{
	static const struct { const char *seen; int now; const char *text; } all[] = {
		{ "4 6 7", 7, "alias champion v7 -> v6" }, { "4 6 7 6", 6, "alias champion v6 -> v4" }, { "4 6", 7, "alias champion v7 -> v6" },
		{ "6 none 7", 7, "alias champion v7 -> v6" }, { "6 99 7", 7, "alias champion v7 -> v6" },
	};
	char dir[] = "/tmp/test_promote.XXXXXX";
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		char *path = xasprintf("%s/%zu.db", dir, i);
		struct history *h = history_new(path);
		struct str rest = str_of(all[i].seen);
		for (int64_t at = 1; rest.n; at++)
			history_add(h, &(struct history_event){ .kind = STR("production"), .source = STR("ml"), .subject = STR("m"),
				.what = str_split(&rest, ' '), .at = at, .value = NAN });
		struct desk d;
		open_desk(&d, all[i].now, false, h);
		json_t *plan = plan_of(&d, "rollback", "versions", "m/7", "");
		has(plan, "change", all[i].text);
		json_decref(plan);
		close_desk(&d);
		history_free(h);
		free(path);
	}
	char *clean = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(clean), 0);
	free(clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_versus), cmocka_unit_test(test_who_acts), cmocka_unit_test(test_promote), cmocka_unit_test(test_stages),
		cmocka_unit_test(test_history) };
	return cmocka_run_group_tests_name("promote", tests, start, stop);
}
