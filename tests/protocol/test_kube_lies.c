/* The Kubernetes source before a server that lies (lying_api.py): through a real inbox and store, the rows must end up
 * right whatever came before. Each server is a child of ours, ended with the test. */
#define _GNU_SOURCE
#include "base/kinds.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/yaml.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

extern const struct backend backend_kubernetes;

struct server { pid_t pid; int port; };

static struct server start_server(const char *const *lies)
{
	const char *top = getenv("TOP");
	char *script = xasprintf("%s/tests/protocol/lying_api.py", top ? top : ".");
	const char *args[20] = { "python3", script };
	struct server s = { 0 };
	int out[2];
	char line[32] = "";

	for (unsigned i = 0; lies[i]; i++)
		args[i + 2] = lies[i];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	s.pid = fork();
	if (s.pid == 0) {
		dup2(out[1], 1);
		execvp("python3", (char *const *)args);
		_exit(127);
	}
	close(out[1]);
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	close(out[0]);
	s.port = atoi(line);
	free(script);
	return s;
}

struct world {
	struct server server;
	struct inbox *inbox;
	struct store *store;
	struct source *source;
	struct yaml_doc *settings;
	char kubeconfig[64];
	char said[4096];          /* every sentence of health, for tests to look into */
};

static void start_world(struct world *w, const char *const *lies)
{
	struct yaml_error err;

	memset(w, 0, sizeof(*w));
	w->server = start_server(lies);
	strcpy(w->kubeconfig, "/tmp/binnacle-lies.XXXXXX");
	int fd = mkstemp(w->kubeconfig);
	dprintf(fd, "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n"
		"users:\n- name: u\n  user: {token: secret}\ncontexts:\n- name: c\n  context: {cluster: c, user: u, namespace: ml}\n",
		w->server.port);
	close(fd);
	/* a second is what only a server that says nothing at all is waited for: an honest one may need longer on a busy machine */
	bool silent = lies[0] && strcmp(lies[0], "stall") == 0;
	char *text = xasprintf("kubeconfig: %s\ntimeout: %s\nmetrics_interval: 1s\n", w->kubeconfig, silent ? "1s" : "10s");
	w->settings = yaml_parse(str_of(text), &err);
	free(text);
	w->inbox = inbox_new(1 << 20);
	w->store = store_new(&clock_system);
	for (unsigned i = 0; kinds_all[i]; i++)
		store_add_kind(w->store, kinds_all[i]);
	store_add_source(w->store, "lies", "dev");
	w->source = source_new(0, "lies", "dev", &backend_kubernetes, yaml_root(w->settings), &clock_system, w->inbox);
	source_start(w->source);
	source_ask(w->source, request_new(REQ_WATCH, "pods", STR(""), "", ""));
}

static void end_world(struct world *w)
{
	source_stop(w->source, 5000);
	store_free(w->store);
	inbox_free(w->inbox);
	yaml_doc_free(w->settings);
	unlink(w->kubeconfig);
	kill(w->server.pid, SIGTERM);
	waitpid(w->server.pid, NULL, 0);
}

static void hear(struct world *w, const struct msg *m)
{
	struct msg_health h;

	if (m->type == MSG_HEALTH && msg_get_health(m, &h) && h.why.n && strlen(w->said) + h.why.n + 2 < sizeof(w->said)) {
		strncat(w->said, h.why.p, h.why.n);
		strcat(w->said, "\n");
	}
}

/* The honest rows and nothing else. */
static bool is_right(const struct world *w)
{
	const struct table *t = store_table_const(w->store, "pods");
	char key[32];

	if (t->count != 6 || !table_find(t, 0, STR("ml/late")))
		return false;
	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "ml/keep-%d", i);
		const struct row *r = table_find(t, 0, str_of(key));
		if (!r || !str_is(row_text(t, r, PODS_STATUS), "Running") || !str_is(row_text(t, r, PODS_NODE), "node-1"))
			return false;
	}
	return true;
}

/* And told to be well: that may come a moment after the rows. */
static bool is_well(const struct world *w)
{
	const struct kind_state *k = store_kind_state(w->store, "pods", 0);
	enum health_state state = k ? k->state : HEALTH_IDLE;

	return is_right(w) && w->store->sources[0].state == HEALTH_LIVE && (state == HEALTH_IDLE || state == HEALTH_LIVE);
}

static bool runs_until(struct world *w, bool (*ok)(const struct world *), int seconds)
{
	int64_t end = clock_mono(&clock_system) + seconds * 1000;

	while (clock_mono(&clock_system) < end) {
		struct pollfd fd = { inbox_fd(w->inbox), POLLIN, 0 };
		poll(&fd, 1, 50);
		for (struct msg *m; (m = inbox_take(w->inbox)) != NULL; ) {
			hear(w, m);
			while (store_apply(w->store, m, 3))
				m = NULL;
		}
		if (ok(w))
			return true;
	}
	return false;
}

static void survives(const char *const *lies, const char *says)
{
	struct world w;

	start_world(&w, lies);
	bool ok = runs_until(&w, is_well, 90);
	if (!ok)
		print_message("# %u rows after lie '%s'; said: %s\n", store_table_const(w.store, "pods")->count, lies[0], w.said);
	bool said = !says || strstr(w.said, says);
	if (!said)
		print_message("# '%s' was not said, but: %s\n", says, w.said);
	end_world(&w);
	assert_true(ok);
	assert_true(said);
}

#define SURVIVES(name, says, ...) \
	static void name(void **state) \
	{ \
		static const char *const lies[] = { __VA_ARGS__, NULL }; \
		survives(lies, says); \
	}
SURVIVES(honest, NULL, NULL)
SURVIVES(expired, NULL, "410", "410event", "410")
SURVIVES(expired_storm, NULL, "410storm", "410storm", "410storm", "410event", "410storm")
SURVIVES(too_new, NULL, "410event", "504event")
SURVIVES(throttled, "too many requests", "429", "410event", "429")
SURVIVES(errors, "etcdserver: leader changed", "500", "503text", "html-502")
SURVIVES(login_page, "cannot be read", "html", "redirect")
SURVIVES(cuts, NULL, "cut", "dropped", "half", "cut", "end", "dropped")
SURVIVES(noise, "cannot be read", "huge", "noise")
SURVIVES(stalls, "has sent nothing for 1 s", "stall", "silent")
SURVIVES(lengths, NULL, "long", "short")
SURVIVES(no_watchlist, NULL, "off", "off")
SURVIVES(pages, "cannot be read", "off", "old", "cutpage", "old")

/* Objects that cannot be read are left out of the list, whichever way it comes, and counted. */
static bool is_right_but_one(const struct world *w)
{
	const struct kind_state *k = store_kind_state(w->store, "pods", 0);

	return is_right(w) && k && k->state == HEALTH_LIMITED && strcmp(k->why, "1 object could not be read") == 0;
}

static bool is_right_but_two(const struct world *w)
{
	const struct kind_state *k = store_kind_state(w->store, "pods", 0);

	return is_right(w) && k && k->state == HEALTH_LIMITED && strcmp(k->why, "2 objects could not be read") == 0;
}

static void leaves_out(const char *const *lies, bool (*right)(const struct world *))
{
	struct world w;

	start_world(&w, lies);
	bool ok = runs_until(&w, right, 90);
	if (!ok)
		print_message("# %u rows; said: %s\n", store_table_const(w.store, "pods")->count, w.said);
	end_world(&w);
	assert_true(ok);
	assert_non_null(strstr(w.said, "2 objects could not be read"));
}

static void odd_objects(void **state)
{
	leaves_out((const char *const[]){ "odd", NULL }, is_right_but_one);
	leaves_out((const char *const[]){ "422", "oddpage", NULL }, is_right_but_two);
}

/* Single namespaces in place of all: no more streams than can be had, those that are refused in nobody's way, new ones
 * noticed; and the listing is over when all have been heard of. */
static const char *wanted_why;
static unsigned wanted_rows;

static bool is_spread(const struct world *w)
{
	const struct kind_state *k = store_kind_state(w->store, "pods", 0);

	return k && k->state == HEALTH_LIMITED && strcmp(k->why, wanted_why) == 0 && k->listed && !k->listing &&
	       store_table_const(w->store, "pods")->count == wanted_rows;
}

static bool spreads(struct world *w, const char *why, unsigned rows)
{
	char sentence[160];

	snprintf(sentence, sizeof(sentence), "you may not list pods of the whole cluster: %s", why);
	wanted_why = sentence;
	wanted_rows = rows;
	bool ok = runs_until(w, is_spread, 90);
	if (!ok)
		print_message("# %u rows; wanted '%s'; said: %s\n", store_table_const(w->store, "pods")->count, why, w->said);
	return ok;
}

static void namespaces(void **state)
{
	struct world w;

	start_world(&w, (const char *const[]){ "narrow", "69", "75", NULL });
	bool ok = spreads(&w, "those of 7 namespaces are shown", 7) && kill(w.server.pid, SIGUSR1) == 0 &&
		  spreads(&w, "those of 6 namespaces are shown", 6);
	const struct table *t = store_table_const(w.store, "pods");
	ok = ok && table_find(t, 0, STR("n80/one")) && !table_find(t, 0, STR("n70/one")) && !table_find(t, 0, STR("n72/one"));
	end_world(&w);
	assert_true(ok);
	start_world(&w, (const char *const[]){ "narrow", "75", "75", NULL });
	ok = spreads(&w, "only namespace 'n75' is shown", 1) && kill(w.server.pid, SIGUSR1) == 0 &&
	     spreads(&w, "those of 2 namespaces are shown", 2) && table_find(store_table_const(w.store, "pods"), 0, STR("n80/one"));
	end_world(&w);
	assert_true(ok);
	start_world(&w, (const char *const[]){ "narrow", "0", "79", NULL });
	ok = spreads(&w, "64 namespaces are followed, 16 more are not; see one by :ns NAME", 64);
	end_world(&w);
	assert_true(ok);
}

/* Metrics are polled while pods are watched, and do not undo what the listing says. */
static bool has_metrics(const struct world *w)
{
	const struct table *t = store_table_const(w->store, "pods");
	const struct row *r = table_find(t, 0, STR("ml/keep-0"));

	return r && is_right(w) && row_int(r, PODS_CPU) == 250 && row_int(r, PODS_MEM) == 64 << 20;
}

static void metrics(void **state)
{
	static const char *const lies[] = { NULL };
	struct world w;

	start_world(&w, lies);
	bool ok = runs_until(&w, has_metrics, 90);
	end_world(&w);
	assert_true(ok);
}

/* ---- logs */

struct heard {
	struct buf lines, notes;
	unsigned flags;
	size_t bytes;
	bool count_only;
};

static void hear_text(void *arg, const struct msg *m)
{
	struct heard *h = arg;
	struct msg_text t;

	assert_true(msg_get_text(m, &t));
	h->flags |= t.flags;
	h->bytes += t.chunk.n;
	if (t.flags & (TEXT_NOTE | TEXT_ERROR)) {
		buf_addstr(&h->notes, t.chunk);
		buf_addc(&h->notes, '\n');
	} else if (!h->count_only) {
		buf_addstr(&h->lines, t.chunk);
	}
}

static struct heard *ended_text;    /* which log `log_ended` looks at */

static bool log_ended(const struct world *w)
{
	return ended_text->flags & TEXT_END;
}

static struct heard read_log(const char *lie, const char *params, int seconds, bool count_only)
{
	const char *const lies[] = { lie, NULL };
	struct heard h = { .count_only = count_only };
	struct world w;

	start_world(&w, lies);
	store_expect(w.store, source_ask(w.source, request_new(REQ_OPEN, "pods", STR("ml/writer"), "logs", params)),
		hear_text, &h);
	ended_text = &h;
	bool ok = runs_until(&w, log_ended, seconds);
	end_world(&w);
	if (!ok)
		print_message("# log not ended, %zu bytes; notes: %s\n", h.bytes, h.notes.data ? h.notes.data : "");
	assert_true(ok);
	return h;
}

static void release_heard(struct heard *h)
{
	buf_release(&h->lines);
	buf_release(&h->notes);
}

/* A log that breaks in the middle of lines again and again: each line once, in order. */
static void log_resumes(void **state)
{
	struct heard h = read_log(NULL, "{\"container\":\"a\",\"follow\":true}", 90, false);
	struct str rest = buf_str(&h.lines);
	char want[40];

	for (int i = 0; i < 500; i++) {
		struct str line = str_split(&rest, '\n');
		snprintf(want, sizeof(want), "Z a line %d", i);
		if (!str_ends(line, str_of(want)))
			print_message("# wanted '%s', read '" STR_FMT "'\n", want, STR_ARG(line));
		assert_true(str_ends(line, str_of(want)));
	}
	assert_int_equal(rest.n, 0);
	assert_non_null(strstr(h.notes.data, "reconnected, nothing lost"));
	assert_non_null(strstr(h.notes.data, "ended: Error, exit code 3"));
	release_heard(&h);
}

/* Two of them, merged: in order of time, each once. */
static void logs_merge(void **state)
{
	struct heard h = read_log(NULL, "{\"all_containers\":true,\"follow\":true}", 90, false);
	struct str rest = buf_str(&h.lines);
	unsigned next[2] = { 0, 0 }, n = 0;
	char want[40];

	while (rest.n) {
		struct str line = str_split(&rest, '\n');
		bool b = str_contains_fold(line, STR("|b b line"));
		snprintf(want, sizeof(want), "|%c %c line %u", b ? 'b' : 'a', b ? 'b' : 'a', next[b]++);
		assert_true(str_ends(line, str_of(want)));
		n++;
	}
	assert_int_equal(n, 1000);
	assert_int_equal(next[0], 500);
	release_heard(&h);
}

static void log_waits_for_its_container(void **state)
{
	struct heard h = read_log("waits", "{\"container\":\"a\",\"follow\":true}", 90, false);

	assert_non_null(strstr(h.notes.data, "waiting to start: ContainerCreating"));
	assert_memory_equal(h.lines.data, "2026-11-21T03:00:00Z a line 0\n", 30);
	release_heard(&h);
}

static void log_of_no_such_container(void **state)
{
	struct heard h = read_log(NULL, "{\"container\":\"c\"}", 90, false);

	assert_true(h.flags & TEXT_ERROR);
	assert_string_equal(h.notes.data, "pod 'writer' has no container 'c'; it has a, b\n");
	release_heard(&h);
}

/* Intake: all of 182 MB arrives, and the figure is told. */
static void log_floods(void **state)
{
	int64_t start = clock_mono(&clock_system);
	struct heard h = read_log("flood", "{\"container\":\"a\"}", 250, true);
	int64_t ms = clock_mono(&clock_system) - start;

	print_message("# %zu MB of log in %lld ms\n", h.bytes >> 20, (long long)ms);
	assert_int_equal(h.bytes, 100u * 20000 * 91);
	release_heard(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest), cmocka_unit_test(expired), cmocka_unit_test(expired_storm), cmocka_unit_test(too_new),
		cmocka_unit_test(throttled), cmocka_unit_test(errors), cmocka_unit_test(login_page), cmocka_unit_test(cuts),
		cmocka_unit_test(noise), cmocka_unit_test(stalls), cmocka_unit_test(lengths), cmocka_unit_test(no_watchlist),
		cmocka_unit_test(pages), cmocka_unit_test(odd_objects), cmocka_unit_test(namespaces), cmocka_unit_test(metrics),
		cmocka_unit_test(log_resumes), cmocka_unit_test(logs_merge), cmocka_unit_test(log_waits_for_its_container),
		cmocka_unit_test(log_of_no_such_container), cmocka_unit_test(log_floods),
	};

	return cmocka_run_group_tests_name("kube_lies", tests, NULL, NULL);
}
