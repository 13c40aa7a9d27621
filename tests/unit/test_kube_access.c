/* kube_access: files merged, every way to log in, credentials renewed, and what is said about entries that are wrong. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "backends/kubernetes/kubeconfig.h"
#include "base/mem.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_kube.XXXXXX";

static char *file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	return path;
}

static struct kube_access *load(const struct kube_options *o, const struct clock *clock)
{
	struct kube_error err;
	struct kube_access *a = kube_access_load(o, clock ? clock : &clock_system, &err);
	if (!a)
		fail_msg("%s (%s)", err.what, err.remedy);
	return a;
}

static struct kube_access *load_text(const char *text)
{
	char *path = file("config", text);
	struct kube_access *a = load(&(struct kube_options){ .kubeconfig = path }, NULL);
	free(path);
	return a;
}

/* user's entry and cluster's entry in flow form */
static char *config_of(const char *cluster, const char *user)
{
	return xasprintf("clusters: [{name: c, cluster: %s}]\nusers: [{name: u, user: %s}]\n"
	                 "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n", cluster, user);
}

static void refused(const char *text, const char *context, const char *what, const char *remedy)
{
	struct kube_error err = { "", "" };
	char *path = file("bad", text);
	struct kube_access *a = kube_access_load(&(struct kube_options){ .kubeconfig = path, .context = context }, &clock_system, &err);
	assert_null(a);
	if (!strstr(err.what, what) || !strstr(err.remedy, remedy))
		fail_msg("'%s' (%s)", err.what, err.remedy);
	unlink(path);
	free(path);
}

static void refused_entry(const char *cluster, const char *user, const char *what, const char *remedy)
{
	char *text = config_of(cluster, user);
	refused(text, NULL, what, remedy);
	free(text);
}

static void has(struct kube_access *a, const char *line)
{
	struct http_auth auth = { 0 };
	if (!kube_access_auth(a, &auth))
		fail_msg("%s", auth.error);
	bool found = !line && !auth.n;
	for (unsigned i = 0; line && i < auth.n; i++)
		found |= strcmp(secret_reveal(auth.lines[i]).p, line) == 0;
	if (!found)
		fail_msg("'%s' is not in %u headers, first '%s'", line, auth.n, auth.n ? secret_reveal(auth.lines[0]).p : "");
	http_auth_release(&auth);
}

/* ---- files */

static const char one[] =
	"apiVersion: v1\nkind: Config\ncurrent-context: a\n"
	"clusters:\n- name: k\n  cluster: {server: 'https://one:6443/'}\n"
	"users:\n- name: u\n  user: {token: first}\n"
	"contexts:\n- name: a\n  context: {cluster: k, user: u, namespace: ns-a}\n"
	"- name: b\n  context: {cluster: two, user: u2}\n";
static const char two[] =
	"current-context: b\n"
	"clusters:\n- name: k\n  cluster: {server: 'https://never:1', tls-server-name: never}\n- name: two\n  cluster: {server: two:8080}\n"
	"users:\n- name: u\n  user: {token: never}\n- name: u2\n  user: {tokenFile: tok}\n"
	"contexts:\n- name: a\n  context: {cluster: two}\n- name: c\n  context: {cluster: k, user: u}\n";

static bool collect(void *arg, const struct kube_context *c)
{
	buf_addf(arg, "%s,%s,%s,%s,%s,%d;", c->name, c->cluster, c->user, c->namespace, c->server, c->current);
	return true;
}

static void merges_as_client_go(void **state)
{
	char sub[80];
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	mkdir(sub, 0700);
	char *f1 = file("one", one), *f2 = file("sub/two", two), *tok = file("sub/tok", "second\n");
	char *list = xasprintf("%s/none::%s:%s", dir, f1, f2);
	setenv("KUBECONFIG", list, 1);
	assert_true(kubeconfig_present());
	struct kube_access *a = load(&(struct kube_options){ 0 }, NULL);
	assert_string_equal(a->context, "a");
	assert_string_equal(a->server, "https://one:6443");
	assert_string_equal(a->namespace, "ns-a");
	assert_true(a->namespace_given);
	assert_string_equal(a->described, "u at https://one:6443 (token)");
	has(a, "Authorization: Bearer first");
	struct http_conf conf;
	kube_access_http_conf(a, &conf);
	assert_null(conf.tls_name);           /* whole entries: nothing of the second file's k */
	kube_access_free(a);
	a = load(&(struct kube_options){ .context = "b", .namespace = "mine" }, NULL);
	assert_string_equal(a->server, "http://two:8080");
	assert_string_equal(a->namespace, "mine");
	has(a, "Authorization: Bearer second");    /* beside the file that names it */
	kube_access_free(a);
	struct buf b = { 0 };
	struct kube_error err;
	assert_int_equal(kubeconfig_contexts(NULL, collect, &b, &err), 3);
	assert_string_equal(b.data, "a,k,u,ns-a,https://one:6443/,1;b,two,u2,,two:8080,0;c,k,u,,https://one:6443/,0;");
	buf_release(&b);
	setenv("HOME", dir, 1);
	a = load(&(struct kube_options){ .kubeconfig = "~/one" }, NULL);
	assert_string_equal(a->context, "a");
	kube_access_free(a);
	setenv("KUBECONFIG", "/none/at/all", 1);
	assert_false(kubeconfig_present());
	unsetenv("KUBECONFIG");
	unlink(f1), unlink(f2), unlink(tok), rmdir(sub);
	free(f1), free(f2), free(tok), free(list);
}

static void names_what_is_wrong(void **state)
{
	struct kube_error err;
	assert_null(kube_access_load(&(struct kube_options){ .kubeconfig = "/none" }, &clock_system, &err));
	assert_string_equal(err.what, "kubeconfig '/none': cannot be read: No such file or directory");
	assert_null(kube_access_load(&(struct kube_options){ .kubeconfig = dir }, &clock_system, &err));
	assert_non_null(strstr(err.what, "is a directory"));
	refused("", NULL, "no current context in ", "--context NAME");
	refused("- a\n- b\n", NULL, "bad:1: a kubeconfig is a map", "kubectl config view");
	refused("clusters: {a: b}\n", NULL, "bad:1:11: 'clusters' must be a list", "");
	refused("contexts: [{name: a, context: {cluster: k}}]\nclusters: [1, [2]]\n", "a", "names the cluster 'k', which is not there", "");
	refused("a: [\n", NULL, "bad:2:1: did not find", "");
	refused("a: &a [x,x]\nb: &b [*a,*z]\n", NULL, "names no anchor", "");
	refused(one, "aa", "no context 'aa' in ", "");
	refused(two, "a ", "did you mean 'a'?", "");
	refused("contexts: [{name: a, context: {cluster: k, user: w}}]\nclusters: [{name: k, cluster: {server: h}}]\n", "a",
	        "names the user 'w', who is not there", "");
	refused("contexts: [{name: a}]\n", "a", "names the cluster ''", "");
	refused_entry("{}", "{}", "cluster 'c' has no server", "");
	refused_entry("{server: 'ftp://h'}", "{}", "not http or https", "https://host:6443");
	refused_entry("{server: 'https://'}", "{}", "names no host", "https://host:6443");
	refused_entry("{server: 'https://u:secretpw@h'}", "{}", "holds a user or password", "");
	refused_entry("{server: 'https://h', certificate-authority-data: '***'}", "{}", "certificate-authority-data is not base64", "");
	refused_entry("{server: 'https://h', proxy-url: 'ftp://p'}", "{}", "unknown scheme", "socks5");
	refused_entry("{server: 'https://h'}", "{client-certificate-data: QQ==}", "a client certificate without its key", "");
	refused_entry("{server: 'https://h'}", "{client-certificate: nope.crt, client-key: nope.key}", "nope.crt': No such file", "path");
	refused_entry("{server: 'https://h'}", "{auth-provider: {name: gcp}}", "auth-provider 'gcp' was removed", "exec plugin");
	refused_entry("{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}", "v1alpha1", "v1beta1");
	refused_entry("{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}", "has no command", "");
	refused_entry("{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}",
	              "wants a terminal", "log in outside");
}

/* ---- clusters */

static void reads_a_cluster(void **state)
{
	char *text = config_of("{server: 'https://h:1/pre/', certificate-authority-data: Q0EK, tls-server-name: t, "
	                       "proxy-url: 'socks5://p:1', disable-compression: true, insecure-skip-tls-verify: true}", "{token: x}");
	struct kube_access *a = load_text(text);
	struct http_conf conf;
	kube_access_http_conf(a, &conf);
	assert_string_equal(conf.base, "https://h:1/pre");
	assert_true(str_is(conf.ca_pem, "CA\n"));
	assert_string_equal(conf.tls_name, "t");
	assert_string_equal(conf.proxy, "socks5h://p:1");
	assert_true(conf.insecure && a->insecure);
	assert_false(conf.compress);
	kube_access_free(a);
	free(text);
	text = config_of("{server: 'https://h', certificate-authority: ca.crt, proxy-url: ''}", "{}");
	a = load_text(text);
	kube_access_http_conf(a, &conf);
	char *ca = xasprintf("%s/ca.crt", dir);
	assert_string_equal(conf.ca_file, ca);
	assert_null(conf.proxy);
	assert_true(conf.compress);
	has(a, NULL);
	kube_access_free(a);
	free(ca);
	free(text);
	/* JSON is a kubeconfig too */
	a = load_text("{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],"
	              "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://h\"}}]}");
	assert_string_equal(a->server, "https://h");
	assert_string_equal(a->namespace, "default");
	assert_false(a->namespace_given);
	kube_access_free(a);
}

/* ---- users */

static void logs_in(void **state)
{
	struct http_conf conf;
	char *text = config_of("{server: 'https://h'}", "{username: Aladdin, password: open sesame}");
	struct kube_access *a = load_text(text);
	has(a, "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_false(kube_access_unauthorized(a, 0));
	kube_access_free(a);
	free(text);
	text = config_of("{server: 'https://h'}", "{client-certificate-data: Q0VSVA==, client-key-data: S0VZ}");
	a = load_text(text);
	kube_access_http_conf(a, &conf);
	assert_true(str_is(conf.cert_pem, "CERT"));
	assert_true(str_is(secret_reveal(conf.key_pem), "KEY"));
	assert_string_equal(a->described, "u at https://h (client certificate)");
	has(a, NULL);
	kube_access_free(a);
	free(text);
	text = config_of("{server: 'https://h'}", "{token: t, as: joe, as-uid: '7', as-groups: [g1, g2], as-user-extra: {Scopes/x: [v]}}");
	a = load_text(text);
	has(a, "Authorization: Bearer t");
	has(a, "Impersonate-User: joe");
	has(a, "Impersonate-Uid: 7");
	has(a, "Impersonate-Group: g2");
	has(a, "Impersonate-Extra-Scopes%2Fx: v");
	assert_string_equal(a->described, "u as joe at https://h (token)");
	kube_access_free(a);
	char *path = file("config", text);
	a = load(&(struct kube_options){ .kubeconfig = path, .impersonate = "ann" }, NULL);
	has(a, "Impersonate-User: ann");
	kube_access_free(a);
	free(path);
	free(text);
	text = config_of("{server: 'https://h'}", "{token: \"a\\r\\nEvil: 1\"}");
	a = load_text(text);
	struct http_auth auth = { 0 };
	assert_false(kube_access_auth(a, &auth));
	assert_int_equal(auth.n, 0);
	assert_null(strstr(auth.error, "Evil"));
	http_auth_release(&auth);
	kube_access_free(a);
	free(text);
}

static void reads_token_files_again(void **state)
{
	struct clock_fixed now = { 1000000, 5000 };
	struct clock clock = clock_still(&now);
	char *token = file("token", "one\n"), *text = config_of("{server: 'https://h'}", "{token: inline, tokenFile: token}");
	char *path = file("config", text);
	struct kube_access *a = load(&(struct kube_options){ .kubeconfig = path }, &clock);
	has(a, "Authorization: Bearer one");              /* the file wins */
	free(file("token", "two"));
	has(a, "Authorization: Bearer one");
	now.mono += 61000;
	has(a, "Authorization: Bearer two");
	free(file("token", "three"));
	assert_true(kube_access_unauthorized(a, 2));
	has(a, "Authorization: Bearer three");
	unlink(token);
	now.mono += 61000;
	has(a, "Authorization: Bearer three");            /* better than none */
	kube_access_free(a);
	a = load(&(struct kube_options){ .kubeconfig = path }, &clock);
	has(a, "Authorization: Bearer inline");           /* no file to read: what stands beside it */
	kube_access_free(a);
	free(token), free(text), free(path);
}

/* ---- plugins: a script that counts its runs and gives a token with the count */

static char *plugin_config(const char *expires)
{
	char *script = xasprintf("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho x >>runs\n"
		"printf '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":"
		"{\"token\":\"t%%d\"%s}}' $(wc -l <runs)\n", expires);
	char *path = file("plugin", script), *text, *config;
	chmod(path, 0700);
	free(path);
	free(script);
	path = xasprintf("%s/runs", dir);
	unlink(path);
	free(path);
	text = config_of("{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin}}");
	config = file("config", text);
	free(text);
	return config;
}

static void caches_what_plugins_give(void **state)
{
	struct clock_fixed now = { 1795230000000, 5000 };   /* 2026-11-21T03:00:00Z */
	struct clock clock = clock_still(&now);
	char *config = plugin_config(",\"expirationTimestamp\":\"2026-11-21T03:10:00Z\"");
	struct kube_access *a = load(&(struct kube_options){ .kubeconfig = config }, &clock);
	assert_string_equal(a->described, "u at https://h (plugin)");
	has(a, "Authorization: Bearer t1");
	has(a, "Authorization: Bearer t1");
	now.wall += 9 * 60000;
	has(a, "Authorization: Bearer t1");
	now.wall += 55000;                       /* five seconds before its end */
	has(a, "Authorization: Bearer t2");
	kube_access_free(a);
	free(config);
	config = plugin_config("");              /* no expiry: until it is refused */
	a = load(&(struct kube_options){ .kubeconfig = config }, &clock);
	has(a, "Authorization: Bearer t1");
	now.wall += 86400000;
	now.mono += 86400000;
	has(a, "Authorization: Bearer t1");
	assert_true(kube_access_unauthorized(a, 1));
	has(a, "Authorization: Bearer t2");
	assert_true(kube_access_unauthorized(a, 1));   /* another thread, the same refusal: not run again */
	has(a, "Authorization: Bearer t2");
	assert_true(kube_access_unauthorized(a, 2));
	has(a, "Authorization: Bearer t3");
	atomic_bool closing = true;
	kube_access_obey(a, &closing);
	kube_access_unauthorized(a, 3);
	struct http_auth auth = { 0 };
	assert_false(kube_access_auth(a, &auth));   /* closing: none is started */
	http_auth_release(&auth);
	kube_access_free(a);
	free(config);
}

static void *ask(void *access)
{
	has(access, "Authorization: Bearer t1");
	return NULL;
}

static void threads_share_one_run(void **state)
{
	char *config = plugin_config("");
	struct kube_access *a = load(&(struct kube_options){ .kubeconfig = config }, NULL);
	pthread_t threads[6];
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, ask, a);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	has(a, "Authorization: Bearer t1");
	kube_access_free(a);
	free(config);
}

static int set_up(void **state)
{
	unsetenv("KUBECONFIG");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const made[] = { "config", "token", "plugin", "runs" };
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		char *path = xasprintf("%s/%s", dir, made[i]);
		unlink(path);
		free(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_as_client_go), cmocka_unit_test(names_what_is_wrong), cmocka_unit_test(reads_a_cluster),
		cmocka_unit_test(logs_in), cmocka_unit_test(reads_token_files_again), cmocka_unit_test(caches_what_plugins_give),
		cmocka_unit_test(threads_share_one_run),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
