/* The pipelines pane on the simulated platform, in a real terminal of three sizes: from the list of pipelines to a run's time
 * axis, its graph, a log, and the reasons why it waits; the name column never goes. */
#define _GNU_SOURCE
#include "tests/screens/vt.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WAIT = 90000 };
static char home[] = "/tmp/binnacle-pipelines.XXXXXX";

static struct vt *opened(const char *option, int w, int h)
{
	static char home_set[80], config_set[80], state_set[80];
	const char *argv[] = { getenv("BINNACLE"), "demo", "--seed", "1", option, NULL };
	const char *env[] = { home_set, config_set, state_set, "LC_ALL", "TZ=UTC", NULL };
	assert_non_null(argv[0]);
	snprintf(home_set, sizeof(home_set), "HOME=%s", home);
	snprintf(config_set, sizeof(config_set), "XDG_CONFIG_HOME=%s", home);
	snprintf(state_set, sizeof(state_set), "XDG_STATE_HOME=%s", home);
	struct vt *v = vt_start(argv, env, w, h);
	assert_true(vt_wait(v, "model-api", WAIT));
	return v;
}

static void see(struct vt *v, const char *keys, const char *text)
{
	vt_type(v, keys);
	if (!vt_wait(v, text, WAIT)) {
		for (int i = 0; i < 24; i++)
			print_message("%s\n", vt_line(v, i));
		fail_msg("'%s' was not seen", text);
	}
}

static void quit(struct vt *v)
{
	vt_type(v, "Q");
	assert_int_equal(vt_end(v, WAIT), 0);
	vt_free(v);
}

static void test_down_to_the_log(void **state)
{
	static const struct { int w, h; } sizes[] = { { 80, 24 }, { 120, 40 }, { 200, 50 } };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct vt *v = opened(NULL, sizes[i].w, sizes[i].h);
		see(v, ":goto pipelines\r", "LAST RUNS");           /* triage has the same words */
		see(v, "", "No module named 'lightgbm'");
		assert_non_null(strstr(vt_line(v, 4), "import error"));          /* first of all */
		assert_true(vt_has(v, "PIPELINE") && vt_has(v, "monthly_report") && vt_has(v, "LAST RUNS"));
		see(v, "/mlops\r", "pipelines 1 of");
		see(v, "\r", "runs 24 of");
		assert_true(vt_wait(v, "manual__", WAIT) && vt_has(v, "STATE") && vt_has(v, "TOOK"));
		see(v, "j\r", "over its usual time");
		assert_true(vt_wait(v, "critical path: start > ingest_data", WAIT) && vt_has(v, "train_model") && vt_has(v, "10m"));
		see(v, "G", "graph of mlops_full_pipeline");
		assert_true(vt_has(v, "├─╮") && vt_has(v, "skip_training"));
		see(v, "G", "tasks over");
		vt_type(v, "/name=train_model\r");
		assert_true(vt_wait_gone(v, " ingest_data  ", WAIT));            /* its row; the critical path has the name too */
		see(v, "\r", "log of mlops_full_pipeline");
		assert_true(vt_wait(v, "epoch", WAIT));
		see(v, "\033", "tasks over");
		see(v, "e", "far over its usual time");
		quit(v);
	}
}

static void test_all_runs_and_reasons(void **state)
{
	struct vt *v = opened("--ascii", 80, 24);
	see(v, ":goto pipelines\r", "feature_refresh");
	see(v, "\t", "runs 1");
	assert_true(vt_has(v, "PIPELINE") && vt_has(v, "RUN"));
	see(v, ":runs pipeline=mlops_full_pipeline\r", "manual__");
	see(v, "\r", "queued");
	see(v, "e", "pool gpu has no free slot");
	see(v, "\033", "tasks over");
	see(v, "o", "real_estate_model/7");
	quit(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_down_to_the_log), cmocka_unit_test(test_all_runs_and_reasons) };
	char command[100];
	if (!mkdtemp(home))
		return 1;
	int failed = cmocka_run_group_tests_name("pipelines screens", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command) != 0 || failed;
}
