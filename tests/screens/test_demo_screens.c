/* The whole program on the demo in a pseudo-terminal, as an engineer on call would use it: every pane at three sizes, pages,
 * actions with their undoing, and terminals that are small, poor, in a hurry, or gone. $BINNACLE is the program. */
#define _GNU_SOURCE
#include "tests/screens/vt.h"
#include "base/mem.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT 90000

static char home[] = "/tmp/binnacle-screens-XXXXXX";
static const struct { int w, h; } sizes[] = { { 80, 24 }, { 120, 40 }, { 200, 50 } };

/* one more word for the command line, one more for the environment; both may be NULL */
static struct vt *start(const char *option, const char *set, int w, int h)
{
	static char home_set[80], config_set[80], state_set[80];
	const char *argv[] = { getenv("BINNACLE"), "demo", "--seed", "1", option, NULL };
	const char *env[] = { home_set, config_set, state_set, "LC_ALL", "TZ=UTC", set, NULL };

	assert_non_null(argv[0]);
	snprintf(home_set, sizeof(home_set), "HOME=%s", home);
	snprintf(config_set, sizeof(config_set), "XDG_CONFIG_HOME=%s", home);
	snprintf(state_set, sizeof(state_set), "XDG_STATE_HOME=%s", home);
	return vt_start(argv, env, w, h);
}

static struct vt *opened(const char *option, int w, int h)
{
	struct vt *v = start(option, NULL, w, h);

	assert_true(vt_wait(v, "model-api", WAIT));
	return v;
}

static void quit(struct vt *v)
{
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	assert_false(vt_alternate(v));
	assert_true(vt_cursor_shown(v));
	vt_free(v);
}

static void see(struct vt *v, const char *keys, const char *text)
{
	vt_type(v, keys);
	assert_true(vt_wait(v, text, WAIT));
}

static void test_panes_at_three_sizes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vt *v = opened(NULL, sizes[i].w, sizes[i].h);
		int last = sizes[i].h - 1;

		assert_non_null(strstr(vt_line(v, 0), " DEMO "));
		assert_non_null(strstr(vt_line(v, 1), sizes[i].w >= 120 ? "1 triage" : "1triage"));
		assert_non_null(strstr(vt_line(v, 1), sizes[i].w >= 120 ? " 2 cluster" : " 2cluster"));
		assert_non_null(strstr(vt_line(v, 1), sizes[i].w >= 120 ? " 4 registry" : " 4reg "));   /* short words, none cut */
		assert_true(vt_wait(v, "WHAT IS WRONG", WAIT));
		assert_true(vt_wait(v, "drift:", WAIT));
		assert_non_null(strstr(vt_line(v, last), "? help"));
		see(v, "2", "NAMESPACE");
		assert_true(vt_wait(v, "airflow-scheduler", WAIT));
		vt_quiet(v, 200);
		assert_true(vt_has(v, "STATUS") && vt_has(v, "READY") && vt_has(v, "AGE"));
		assert_int_equal(vt_has(v, "RESTARTS") && vt_has(v, "CPU") && vt_has(v, "%LIM"), sizes[i].w >= 120);
		assert_int_equal(vt_has(v, "compute.internal"), sizes[i].w >= 200);
		assert_non_null(strstr(vt_line(v, last), "? help"));
		see(v, ":goto drift\r", "drift of real_estate_model");
		assert_true(vt_wait(v, "house_size", WAIT));
		assert_true(vt_wait(v, "last check", WAIT));
		see(v, ":goto registry\r", "CHAMPION");
		assert_true(vt_wait(v, "real_estate_model", WAIT));
		see(v, "c", "v6 champion against v7 challenger");
		assert_true(vt_wait(v, "612,400", WAIT) && vt_wait(v, "worse", WAIT));
		see(v, ":goto audit\r", "audit");
		quit(v);
	}
}

static void test_pages(void **state)
{
	struct vt *v = opened(NULL, 120, 40);

	see(v, "2", "airflow-scheduler");
	see(v, "/model-api\r", "pods 3 of");
	see(v, "d", "describe of ml-serving/model-api-");
	assert_true(vt_wait(v, "apiVersion: v1", WAIT));
	vt_type(v, "\033");
	assert_true(vt_wait(v, "pods 3 of", WAIT));
	see(v, "y", "yaml of ml-serving/model-api-");
	vt_type(v, "\033");
	assert_true(vt_wait(v, "pods 3 of", WAIT));
	see(v, "l", "logs of ml-serving/model-api-");
	assert_true(vt_wait(v, "following", WAIT));
	assert_true(vt_wait(v, "predict", WAIT));
	vt_type(v, "\033");
	assert_true(vt_wait(v, "pods 3 of", WAIT));
	see(v, "W", "OOMKilled: it needs more memory");
	assert_true(vt_wait(v, "image registry.internal/model-api:v7, before registry.internal/model-api:v6", WAIT));
	vt_type(v, "\033");
	assert_true(vt_wait(v, "pods 3 of", WAIT));
	see(v, "t", "model-api  ");
	assert_true(vt_wait(v, "revision", WAIT));
	vt_type(v, "\033");
	assert_true(vt_wait(v, "pods 3 of", WAIT));
	see(v, "?", "keys and commands");
	assert_true(vt_wait(v, ":filter [TEXT]", WAIT));
	quit(v);
}

static void test_filter_and_sort(void **state)
{
	struct vt *v = opened(NULL, 120, 40);

	see(v, "2", "airflow-scheduler");
	see(v, "/redis", "pods 3 of");
	see(v, "\025foo>3", "no column 'foo' in pods");
	see(v, "\025status=Running ns=web redis\r", "pods 3 of");
	see(v, "/\025\r", "airflow-scheduler");
	see(v, "s", "NAMESPACE\342\206\221");
	see(v, "r", "NAMESPACE\342\206\223");
	assert_true(vt_wait(v, "web ", WAIT));
	see(v, ":podz\r", "did you mean");
	see(v, ":deploy\r", "deployments 3");
	see(v, ":nodes\r", "nodes 40");
	see(v, ":namespaces\r", "kube-system");
	quit(v);
}

static void test_actions_and_undo(void **state)
{
	struct vt *v = opened(NULL, 120, 40);

	see(v, ":deploy\r", "airflow-scheduler");
	see(v, "/validator\r", "deployments 1 of");
	see(v, "S", "replicas");
	see(v, "6\r", "replicas 4 -> 6");
	vt_type(v, "\033");
	assert_true(vt_wait(v, "deployments 1 of", WAIT));
	assert_true(vt_wait_gone(v, "Enter or y does it", WAIT));  /* the screen may be read while half of it is new */
	see(v, "S", "replicas");
	see(v, "6\r", "Enter or y does it");
	see(v, "\r", "validator has 6 replicas now");
	see(v, "u", "replicas 6 -> 4");
	assert_true(vt_wait(v, "Enter or y does it", WAIT));
	see(v, "\r", "validator has 4 replicas now");
	vt_type(v, "\033\033");
	assert_true(vt_wait(v, "deployments 1 of", WAIT));
	assert_true(vt_wait_gone(v, "Enter or y does it", WAIT));
	see(v, "R", "Enter or y does it");
	see(v, "\r", "validator is being restarted");
	see(v, ":goto audit\r", "OUTCOME");            /* the page before has the words that follow too */
	assert_true(vt_wait(v, "data/validator", WAIT) && vt_wait(v, "restart", WAIT) && vt_wait(v, "done", WAIT));
	quit(v);
}

static void test_readonly(void **state)
{
	struct vt *v = opened("--readonly", 120, 40);

	see(v, ":deploy\r", "airflow-scheduler");
	see(v, "R", "read-only");
	assert_false(vt_has(v, "leaves everything as it is"));
	quit(v);
}

static void test_resize_storm(void **state)
{
	struct vt *v = opened(NULL, 80, 24);

	see(v, "2", "airflow-scheduler");
	for (int i = 0; i < 1000; i++) {
		vt_resize(v, 20 + i * 7 % 180, 2 + i * 3 % 60);
		vt_run(v, 1);
	}
	vt_resize(v, 1, 1);
	vt_run(v, 100);
	vt_resize(v, 120, 40);
	assert_true(vt_wait(v, "airflow-scheduler", WAIT));
	assert_true(vt_wait(v, "? help", WAIT));
	vt_quiet(v, 200);
	assert_non_null(strstr(vt_line(v, 0), " DEMO "));
	assert_non_null(strstr(vt_line(v, 1), "1 triage"));
	assert_non_null(strstr(vt_line(v, 39), "? help"));
	quit(v);
	v = start(NULL, NULL, 1, 1);
	vt_run(v, 300);
	quit(v);
}

static void test_ends(void **state)
{
	struct vt *v = opened(NULL, 80, 24);
	pid_t pid = vt_pid(v);

	kill(pid, SIGTERM);
	assert_true(vt_end(v, WAIT) >= 0);
	assert_false(vt_alternate(v));
	assert_true(vt_cursor_shown(v));
	vt_free(v);
	v = opened(NULL, 80, 24);
	pid = vt_pid(v);
	vt_hangup(v);
	assert_true(vt_end(v, WAIT) >= 0);
	assert_true(kill(pid, 0) < 0 && errno == ESRCH);
	vt_free(v);
}

static void test_poor_terminals(void **state)
{
	struct vt *v = start(NULL, "TERM=dumb", 80, 24);

	assert_int_equal(vt_end(v, WAIT), 3);
	assert_true(vt_wait(v, "dumb", WAIT));
	vt_free(v);
	v = start(NULL, "TERM=vt100", 80, 24);
	assert_true(vt_wait(v, "WHAT IS WRONG", WAIT));
	assert_true(vt_wait(v, "model-api", WAIT));
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	vt_free(v);
	v = start(NULL, "LANG=C", 80, 24);
	assert_true(vt_wait(v, "model-api", WAIT));
	see(v, ":goto drift\r", "house_size");
	see(v, "2", "airflow-scheduler");
	struct str sent = vt_bytes(v);
	for (size_t i = 0; i < sent.n; i++)
		if ((unsigned char)sent.p[i] >= 0x80)
			fail_msg("byte %02x in the C locale", (unsigned char)sent.p[i]);
	quit(v);
}

static bool coloured(struct vt *v)
{
	bool any = false;

	for (int y = 0; y < 24; y++)
		for (int x = 0; x < 80; x++)
			any |= vt_look(v, x, y).fg != -1 || vt_look(v, x, y).bg != -1;
	return any;
}

static void test_no_color(void **state)
{
	struct vt *v = start(NULL, "NO_COLOR=1", 80, 24);

	assert_true(vt_wait(v, "model-api", WAIT));
	assert_false(coloured(v));
	quit(v);
	v = opened(NULL, 80, 24);
	assert_true(coloured(v));
	quit(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_panes_at_three_sizes), cmocka_unit_test(test_pages), cmocka_unit_test(test_filter_and_sort),
		cmocka_unit_test(test_actions_and_undo), cmocka_unit_test(test_readonly), cmocka_unit_test(test_resize_storm),
		cmocka_unit_test(test_ends), cmocka_unit_test(test_poor_terminals), cmocka_unit_test(test_no_color),
	};
	char command[100];

	if (!mkdtemp(home))
		return 1;
	int failed = cmocka_run_group_tests_name("demo screens", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command) != 0 || failed;
}
