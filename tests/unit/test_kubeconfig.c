/* kubeconfig: merging, contexts, credentials, and what is said when something is wrong. */
#define _GNU_SOURCE
#include "backends/kubernetes/kubeconfig.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/test_kubeconfig.XXXXXX";
static struct kube_error err;

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static char *write_file(const char *name, const char *text)
{
	char *path = in_dir(name);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	return path;
}

static struct kube_access *load(const char *file, const char *context)
{
	return kube_access_load(&(struct kube_options){ .kubeconfig = file, .context = context }, &clock_system, &err);
}

#define CLUSTERS "clusters:\n- name: c1\n  cluster: {server: 'https://one:6443/'}\n" \
	"- name: c2\n  cluster: {server: 'https://two/prefix', insecure-skip-tls-verify: true, tls-server-name: real, " \
	"proxy-url: 'socks5://p:1080'}\n"
#define USERS "users:\n- name: u1\n  user: {token: secret-token}\n- name: u2\n  user: {username: me, password: pw, as: boss, " \
	"as-groups: [g1, g2]}\n"
#define CONTEXTS "contexts:\n- name: one\n  context: {cluster: c1, user: u1, namespace: team}\n" \
	"- name: two\n  context: {cluster: c2, user: u2}\ncurrent-context: one\n"

static bool header(struct kube_access *a, const char *want)
{
	struct http_auth auth = { 0 };
	bool found = false;
	assert_true(kube_access_auth(a, &auth));
	for (unsigned i = 0; i < auth.n; i++)
		found |= strcmp(secret_reveal(auth.lines[i]).p, want) == 0;
	http_auth_release(&auth);
	return found;
}

static void a_context_is_taken_apart(void **state)
{
	char *path = write_file("config", CLUSTERS USERS CONTEXTS);
	struct kube_access *a = load(path, NULL);
	assert_non_null(a);
	assert_string_equal(a->context, "one");
	assert_string_equal(a->server, "https://one:6443");
	assert_string_equal(a->namespace, "team");
	assert_string_equal(a->described, "u1 at https://one:6443 (token)");
	assert_true(header(a, "Authorization: Bearer secret-token"));
	assert_false(kube_access_unauthorized(a, 0));      /* a token in line is all there is */
	kube_access_free(a);
	struct http_conf conf;
	a = load(path, "two");
	assert_non_null(a);
	kube_access_http_conf(a, &conf);
	assert_true(a->insecure && conf.insecure);
	assert_string_equal(conf.base, "https://two/prefix");
	assert_string_equal(conf.tls_name, "real");
	assert_string_equal(conf.proxy, "socks5h://p:1080");
	assert_string_equal(a->namespace, "default");
	assert_false(a->namespace_given);
	assert_true(header(a, "Authorization: Basic bWU6cHc="));
	assert_true(header(a, "Impersonate-User: boss") && header(a, "Impersonate-Group: g2"));
	assert_string_equal(a->described, "u2 as boss at https://two/prefix (password)");
	kube_access_free(a);
	free(path);
}

static void of_several_files_the_first_entry_counts(void **state)
{
	char *a = write_file("a", "contexts:\n- name: one\n  context: {cluster: c1, user: u1}\n");
	char *b = write_file("b", "clusters:\n- name: c1\n  cluster: {server: 'https://b'}\ncurrent-context: one\n"
	                     "contexts:\n- name: one\n  context: {cluster: none, user: none}\n");
	char *c = write_file("c", CLUSTERS USERS "current-context: two\n");
	char *list = xasprintf("%s:%s/not-there:%s:%s", a, dir, b, c);
	setenv("KUBECONFIG", list, 1);
	struct kube_access *x = load(NULL, NULL);
	if (!x)
		fail_msg("%s", err.what);
	assert_string_equal(x->server, "https://b");
	assert_string_equal(x->user, "u1");
	assert_true(kubeconfig_present());
	kube_access_free(x);
	unsetenv("KUBECONFIG");
	free(a), free(b), free(c), free(list);
}

static void files_are_found_beside_the_config(void **state)
{
	char *ca = write_file("ca.pem", "CA"), *token = write_file("token", "first\n");
	char *path = write_file("rel", "clusters:\n- name: c\n  cluster: {server: https://h, certificate-authority: ca.pem}\n"
		"users:\n- name: u\n  user: {tokenFile: token}\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\n");
	struct http_conf conf;
	struct kube_access *a = load(path, "x");
	if (!a)
		fail_msg("%s", err.what);
	kube_access_http_conf(a, &conf);
	assert_string_equal(conf.ca_file, ca);
	assert_true(header(a, "Authorization: Bearer first"));
	free(write_file("token", "second\n"));
	assert_true(header(a, "Authorization: Bearer first"));       /* young enough */
	assert_true(kube_access_unauthorized(a, 1));                    /* refused: read again */
	assert_true(header(a, "Authorization: Bearer second"));
	unlink(token);
	kube_access_unauthorized(a, 2);
	assert_true(header(a, "Authorization: Bearer second"));      /* the one we have may still do */
	kube_access_free(a);
	free(ca), free(token), free(path);
}

static void data_is_base64(void **state)
{
	char *path = write_file("data", "clusters:\n- name: c\n  cluster: {server: https://h, certificate-authority-data: Q0E=}\n"
		"users:\n- name: u\n  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}\n"
		"contexts:\n- name: x\n  context: {cluster: c, user: u}\n");
	struct http_conf conf;
	struct kube_access *a = load(path, "x");
	if (!a)
		fail_msg("%s", err.what);
	kube_access_http_conf(a, &conf);
	assert_true(str_is(conf.ca_pem, "CA") && str_is(conf.cert_pem, "CERT"));
	assert_true(str_is(secret_reveal(conf.key_pem), "KEY"));
	kube_access_free(a);
	free(path);
}

static void errors_say_what_and_where(void **state)
{
	static const struct { const char *text, *context, *says; } cases[] = {
		{ "", NULL, "no current context" },
		{ "- a\n- b\n", NULL, "a kubeconfig is a map" },
		{ "clusters: 7\n", NULL, "bad:1:11: 'clusters' must be a list" },
		{ "a: [b\n", NULL, "bad:" },
		{ CLUSTERS USERS CONTEXTS, "oen", "no context 'oen'" },
		{ CLUSTERS USERS CONTEXTS, "oen", "did you mean 'one'" },
		{ "contexts:\n- name: x\n  context: {cluster: c, user: u}\n", "x", "names the cluster 'c', which is not there" },
		{ CLUSTERS "contexts:\n- name: x\n  context: {cluster: c1, user: u}\n", "x", "names the user 'u', who is not there" },
		{ "clusters:\n- name: c\n  cluster: {}\ncontexts:\n- name: x\n  context: {cluster: c}\n", "x", "has no server" },
		{ "clusters:\n- name: c\n  cluster: {server: 'https://u:p@h'}\ncontexts:\n- name: x\n  context: {cluster: c}\n", "x",
		  "holds a user or password" },
		{ "clusters:\n- name: c\n  cluster: {server: 'https://h', proxy-url: 'ftp://p'}\ncontexts:\n- name: x\n  context: {cluster: c}\n",
		  "x", "unknown scheme" },
		{ "clusters:\n- name: c\n  cluster: {server: 'https://h', certificate-authority-data: '%%'}\ncontexts:\n- name: x\n"
		  "  context: {cluster: c}\n", "x", "is not base64" },
		{ CLUSTERS "users:\n- name: u\n  user: {auth-provider: {name: gcp}}\ncontexts:\n- name: x\n  context: {cluster: c1, user: u}\n",
		  "x", "auth-provider 'gcp' was removed" },
		{ CLUSTERS "users:\n- name: u\n  user: {exec: {command: x}}\ncontexts:\n- name: x\n  context: {cluster: c1, user: u}\n", "x",
		  "has the apiVersion ''" },
		{ CLUSTERS "users:\n- name: u\n  user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}}\n"
		  "contexts:\n- name: x\n  context: {cluster: c1, user: u}\n", "x", "wants a terminal" },
		{ CLUSTERS "users:\n- name: u\n  user: {client-certificate-data: QQ==}\ncontexts:\n- name: x\n  context: {cluster: c1, user: u}\n",
		  "x", "a client certificate without its key" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *path = write_file("bad", cases[i].text);
		struct kube_access *a = load(path, cases[i].context);
		if (a || !strstr(err.what, cases[i].says))
			fail_msg("case %zu: %s", i, a ? "was taken" : err.what);
		free(path);
	}
	assert_null(load(dir, NULL));
	assert_non_null(strstr(err.what, "directory"));
	char *none = in_dir("none");
	assert_null(load(none, NULL));
	assert_non_null(strstr(err.what, none));
	assert_true(strlen(err.remedy) > 0);
	free(none);
}

/* Nine levels of nine aliases: a billion nodes for whoever expands them. */
static void a_bomb_is_an_error(void **state)
{
	struct buf b = { 0 };
	buf_adds(&b, "a: &a [x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c <= 'i'; c++) {
		buf_addf(&b, "%c: &%c [", c, c);
		for (int i = 0; i < 9; i++)
			buf_addf(&b, "%s*%c", i ? ", " : "", c - 1);
		buf_adds(&b, "]\n");
	}
	char *path = write_file("bomb", b.data);
	assert_null(load(path, NULL));
	assert_non_null(strstr(err.what, path));
	buf_release(&b);
	free(path);
}

static bool count(void *arg, const struct kube_context *c)
{
	int *n = arg;
	*n += c->current ? 100 : 1;
	return true;
}

static void contexts_are_listed(void **state)
{
	char *path = write_file("config", CLUSTERS USERS CONTEXTS);
	int n = 0;
	assert_int_equal(kubeconfig_contexts(path, count, &n, &err), 2);
	assert_int_equal(n, 101);
	free(path);
}

static void no_secret_is_in_a_sentence(void **state)
{
	char *path = write_file("leak", CLUSTERS "users:\n- name: u\n  user: {token: \"hidden\\nvalue\"}\n"
		"contexts:\n- name: x\n  context: {cluster: c1, user: u}\n");
	struct kube_access *a = load(path, "x");
	struct http_auth auth = { 0 };
	assert_non_null(a);
	assert_false(kube_access_auth(a, &auth));        /* a line end may not go into a header */
	assert_true(strlen(auth.error) > 0);
	assert_null(strstr(auth.error, "hidden"));
	http_auth_release(&auth);
	kube_access_free(a);
	free(path);
}

static int set_up(void **state)
{
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char *line = xasprintf("rm -rf '%s'", dir);
	int rc = system(line);
	free(line);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_is_taken_apart), cmocka_unit_test(of_several_files_the_first_entry_counts),
		cmocka_unit_test(files_are_found_beside_the_config), cmocka_unit_test(data_is_base64),
		cmocka_unit_test(errors_say_what_and_where), cmocka_unit_test(a_bomb_is_an_error), cmocka_unit_test(contexts_are_listed),
		cmocka_unit_test(no_secret_is_in_a_sentence),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
