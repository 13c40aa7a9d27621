/* exec_plugin: plugins that are well, hang, print rubbish or floods, want a terminal, or leave children behind. Each is a shell
 * script made here. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/kubernetes/exec_plugin.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define V1 "client.authentication.k8s.io/v1"
#define HEAD "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":"

static char dir[] = "/tmp/test_exec.XXXXXX";

static char *script(const char *body)
{
	char *path = xasprintf("%s/plugin", dir);
	unlink(path);
	FILE *f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	chmod(path, 0700);
	return path;
}

static struct exec_plugin *plugin(const char *body)
{
	struct exec_plugin *p = xcalloc(1, sizeof(*p));
	p->command = script(body);
	p->api_version = xstrdup(V1);
	return p;
}

static bool run(const char *body, int limit_ms, struct exec_credential *c, struct kube_error *err)
{
	struct exec_plugin *p = plugin(body);
	*err = (struct kube_error){ "", "" };
	bool ok = exec_plugin_run(p, limit_ms, NULL, c, err);
	exec_plugin_free(p);
	assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);     /* nothing is left to reap */
	return ok;
}

#define LIMIT 30000              /* ms: of what ends by itself, however busy the machine; what waits for 60 s was stopped before */

static void refused_within(int limit_ms, const char *body, const char *words)
{
	struct exec_credential c;
	struct kube_error err;
	int64_t start = clock_mono(&clock_system);
	if (run(body, limit_ms, &c, &err) || !strstr(err.what, words))
		fail_msg("'%s' (%s)", err.what, err.remedy);
	for (const char *p = err.what; *p; p++)
		assert_true((unsigned char)*p >= 0x20);
	assert_true(clock_mono(&clock_system) - start < LIMIT);
	assert_false(secret_set(c.token));
	exec_credential_release(&c);
}

static void refused(const char *body, const char *words)
{
	refused_within(LIMIT, body, words);
}

static void stopped(const char *body, const char *words)
{
	refused_within(400, body, words);
}

static void takes_a_token(void **state)
{
	struct exec_credential c;
	struct kube_error err;
	assert_true(run("echo '" HEAD "{\"token\":\"t0k\",\"expirationTimestamp\":\"2026-11-21T03:00:00Z\"}}'; echo words >&2", LIMIT,
	                &c, &err));
	assert_true(str_is(secret_reveal(c.token), "t0k"));
	assert_true(c.expires_ms == 1795230000000);
	exec_credential_release(&c);
	assert_false(secret_set(c.token));
	assert_true(run("echo '" HEAD "{\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\"}}'", LIMIT, &c, &err));
	assert_true(str_is(secret_reveal(c.cert_pem), "C") && str_is(secret_reveal(c.key_pem), "K"));
	assert_int_equal(c.expires_ms, 0);
	exec_credential_release(&c);
}

static void passes_what_is_promised(void **state)
{
	struct exec_credential c;
	struct kube_error err = { "", "" };
	struct exec_plugin *p = plugin("printf '" HEAD "{\"token\":\"%s|%s|%s|%s\"}}' \"$1\" \"$2\" \"$WHO\" "
	                               "\"$(printf %s \"$KUBERNETES_EXEC_INFO\" | tr -d '\"')\"");
	p->args = xcalloc(3, sizeof(char *));
	p->args[p->nargs++] = xstrdup("a b");
	p->args[p->nargs++] = xstrdup("$(id)");
	p->env = xcalloc(2, sizeof(char *));
	p->env[p->nenv++] = xstrdup("WHO=me");
	p->cluster_json = xstrdup("{\"server\":\"https://h\"}");
	setenv("WHO", "you", 1);
	setenv("KUBERNETES_EXEC_INFO", "old", 1);
	if (!exec_plugin_run(p, LIMIT, NULL, &c, &err))
		fail_msg("%s", err.what);
	struct str token = secret_reveal(c.token);
	if (!str_starts(token, STR("a b|$(id)|me|{apiVersion:" V1 ",kind:ExecCredential,spec:{")) ||
	    !strstr(token.p, "interactive:false") || !strstr(token.p, "cluster:{server:https://h}"))
		fail_msg("%s", token.p);
	exec_credential_release(&c);
	exec_plugin_free(p);
}

static void refuses_what_is_wrong(void **state)
{
	refused("echo rubbish", "printed no ExecCredential");
	refused(":", "printed no ExecCredential");
	refused("echo '{}'", "answered in version ''");
	refused("echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"x\"}}'",
	        "answered in version 'client.authentication.k8s.io/v1beta1', the kubeconfig says '" V1 "'");
	refused("echo '" HEAD "{}}'", "neither a token nor a certificate");
	refused("echo '" HEAD "{\"token\":7}}'", "neither a token nor a certificate");
	refused("echo '" HEAD "{\"clientCertificateData\":\"C\"}}'", "neither a token nor a certificate");
	refused("printf 'first\\n\\033[31mno \\tsession' >&2; exit 3", "failed with code 3:  [31mno  session");
	refused("kill -9 $$", "killed by signal 9");
	refused("yes | head -c 100000 >&2; echo last words >&2; exit 1", "failed with code 1: last words");
	refused("exec 1>&-; exit 0", "printed no ExecCredential");
}

static void stops_what_does_not_end(void **state)
{
	stopped("sleep 60", "did not end within 0 s and was stopped");
	stopped("exec 1>&- 2>&-; sleep 60", "was stopped");
	stopped("trap '' TERM INT HUP; while :; do sleep 1; done", "was stopped");
	refused("yes", "more than 1 MiB");
	stopped("yes >&2", "was stopped");
}

static void gives_no_terminal(void **state)
{
	struct exec_credential c;
	struct kube_error err;
	assert_true(run("read line && exit 5\n( : </dev/tty ) 2>/dev/null && exit 6\n"
	                "printf '" HEAD "{\"token\":\"%s\"}}' \"$(ls /proc/self/fd | tr '\\n' ' ')\"", LIMIT, &c, &err));
	assert_null(strstr(secret_reveal(c.token).p, "4"));     /* 0, 1, 2, and ls's own 3: nothing of ours */
	exec_credential_release(&c);
}

/* A child that keeps the pipe open and outlives the plugin neither holds us up nor stays. */
static void leaves_no_children(void **state)
{
	struct exec_credential c;
	struct kube_error err;
	char *note = xasprintf("%s/pid", dir), *body = xasprintf("sleep 60 & echo $! >%s; echo '" HEAD "{\"token\":\"x\"}}'", note);
	int64_t start = clock_mono(&clock_system);
	assert_true(run(body, LIMIT, &c, &err));
	assert_true(clock_mono(&clock_system) - start < LIMIT);
	exec_credential_release(&c);
	FILE *f = fopen(note, "r");
	int pid = 0;
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	char *stat_path = xasprintf("/proc/%d/stat", pid), state_of = 'R';
	for (int i = 0; i < 3000 && state_of != 'Z' && state_of != 0; i++) {
		FILE *s = fopen(stat_path, "r");
		state_of = 0;
		if (s && fscanf(s, "%*d %*s %c", &state_of) != 1)
			state_of = 0;
		if (s)
			fclose(s);
		usleep(10000);
	}
	assert_true(state_of == 'Z' || state_of == 0);          /* gone, or dead and init's to reap */
	unlink(note);
	free(stat_path);
	free(note);
	free(body);
}

static void *close_soon(void *quit)
{
	usleep(150000);
	atomic_store((atomic_bool *)quit, true);
	return NULL;
}

static void ends_when_told(void **state)
{
	struct exec_plugin *p = plugin("sleep 60");
	struct exec_credential c;
	struct kube_error err = { "", "" };
	atomic_bool quit = false;
	pthread_t t;
	int64_t start = clock_mono(&clock_system);
	pthread_create(&t, NULL, close_soon, &quit);
	assert_false(exec_plugin_run(p, 60000, &quit, &c, &err));
	assert_true(clock_mono(&clock_system) - start < LIMIT);
	assert_non_null(strstr(err.what, "was stopped"));
	pthread_join(t, NULL);
	exec_plugin_free(p);
}

static void says_what_is_missing(void **state)
{
	struct exec_plugin p = { .command = (char[]){ "no-such-plugin" }, .api_version = (char[]){ V1 }, .install_hint = (char[]){ "get it" } };
	struct exec_credential c;
	struct kube_error err = { "", "" };
	assert_false(exec_plugin_run(&p, 1000, NULL, &c, &err));
	assert_string_equal(err.what, "credential plugin 'no-such-plugin' is not there or cannot be run");
	assert_string_equal(err.remedy, "get it");
}

static int set_up(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char *path = xasprintf("%s/plugin", dir);
	unlink(path);
	free(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_token), cmocka_unit_test(passes_what_is_promised), cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(stops_what_does_not_end), cmocka_unit_test(gives_no_terminal), cmocka_unit_test(leaves_no_children),
		cmocka_unit_test(ends_when_told), cmocka_unit_test(says_what_is_missing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
