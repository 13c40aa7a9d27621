/* exec_plugin: see exec_plugin.h. */
#define _GNU_SOURCE
#include "backends/kubernetes/exec_plugin.h"
#include "backends/net/child.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { MAX_OUT = 1 << 20, MAX_ERR = 16384 };

extern char **environ;

struct run {
	struct child child;
	struct buf stdout_bytes, stderr_bytes;
	bool too_much;
};

static int64_t mono_ms(void)
{
	return clock_mono(&clock_system);
}

/* ---- where it is and what it gets */

static char *exec_info(const struct exec_plugin *p)
{
	json_t *spec = json_pack("{s:b}", "interactive", 0);
	json_t *cluster = p->cluster_json ? json_loads(p->cluster_json, 0, NULL) : NULL;
	if (cluster)
		json_object_set_new(spec, "cluster", cluster);
	json_t *info = json_pack("{s:s, s:s, s:o}", "apiVersion", p->api_version, "kind", "ExecCredential", "spec", spec);
	char *text = json_dumps(info, JSON_COMPACT);
	char *var = xasprintf("KUBERNETES_EXEC_INFO=%s", text ? text : "{}");
	json_decref(info);
	free(text);
	return var;
}

static bool overrides(const struct exec_plugin *p, const char *var)
{
	size_t n = strcspn(var, "=") + 1;
	if (strncmp(var, "KUBERNETES_EXEC_INFO=", 21) == 0)
		return true;
	for (unsigned i = 0; i < p->nenv; i++)
		if (strncmp(p->env[i], var, n) == 0)
			return true;
	return false;
}

static char **make_env(const struct exec_plugin *p, char *info)
{
	size_t n = 0, k = 0;
	while (environ[n])
		n++;
	char **env = xcalloc(n + p->nenv + 2, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		if (!overrides(p, environ[i]))
			env[k++] = environ[i];
	for (unsigned i = 0; i < p->nenv; i++)
		env[k++] = p->env[i];
	env[k] = info;
	return env;
}

/* ---- running it */

static bool start(const struct exec_plugin *p, const char *path, struct run *r)
{
	char **argv = xcalloc(p->nargs + 2, sizeof(*argv));
	argv[0] = p->command;
	for (unsigned i = 0; i < p->nargs; i++)
		argv[i + 1] = p->args[i];
	char *info = exec_info(p), **env = make_env(p, info);
	bool ok = child_start(&r->child, path, argv, env, false);
	free(argv);
	free(env);
	free(info);
	return ok;
}

/* What is there; of standard error the last words count. True: something was there. */
static bool drain(struct run *r, bool error)
{
	struct buf *into = error ? &r->stderr_bytes : &r->stdout_bytes;
	bool some = child_read(error ? &r->child.err : &r->child.out, into);
	if (error && into->len > MAX_ERR)
		buf_consume(into, into->len - MAX_ERR);
	r->too_much |= !error && into->len > MAX_OUT;
	return some;
}

enum ended { ENDED, LATE, QUIT, TOO_MUCH };

static enum ended follow(struct run *r, int limit_ms, const atomic_bool *quit, int *status)
{
	struct child *c = &r->child;
	int64_t until = mono_ms() + limit_ms;
	enum ended how = ENDED;
	bool over = false;
	while (!over && how == ENDED) {
		struct pollfd fds[2] = { { c->out, POLLIN, 0 }, { c->err, POLLIN, 0 } };
		poll(fds, 2, c->out < 0 && c->err < 0 ? 5 : 50);
		for (int i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				drain(r, i);
		over = child_ended(c);
		how = r->too_much ? TOO_MUCH : mono_ms() > until ? LATE : quit && atomic_load(quit) ? QUIT : ENDED;
	}
	*status = child_end(c);      /* its own children, if any, go with it; what it wrote before is in the pipes */
	for (int i = 0; i < 2; i++) {
		int *fd = i ? &c->err : &c->out;
		if (*fd >= 0)
			fcntl(*fd, F_SETFL, O_NONBLOCK);
		for (int tries = 0; *fd >= 0 && tries < 200 && drain(r, i); tries++)
			;
	}
	child_close(c);
	return r->too_much ? TOO_MUCH : how;
}

/* ---- what it said */

static void say(struct kube_error *err, const char *remedy, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct kube_error *err, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	snprintf(err->remedy, sizeof(err->remedy), "%s", remedy ? remedy : "");
}

static struct secret member(const json_t *status, const char *key)
{
	const json_t *v = json_object_get(status, key);
	struct secret none = { NULL };
	return json_is_string(v) && json_string_length(v)
		? secret_of((struct str){ json_string_value(v), json_string_length(v) }) : none;
}

static bool read_credential(const struct exec_plugin *p, struct run *r, struct exec_credential *out, struct kube_error *err)
{
	json_error_t where;
	json_t *doc = json_loadb(r->stdout_bytes.data ? r->stdout_bytes.data : "", r->stdout_bytes.len, 0, &where);
	const json_t *status = json_object_get(doc, "status");
	const char *version = json_string_value(json_object_get(doc, "apiVersion"));
	const char *expires = json_string_value(json_object_get(status, "expirationTimestamp"));
	bool ok = false;
	*out = (struct exec_credential){ 0 };
	if (!doc)
		say(err, "run it by hand to see what it prints", "credential plugin '%s' printed no ExecCredential: %s", p->command,
		    where.text);
	else if (!version || strcmp(version, p->api_version) != 0)
		say(err, "set the plugin's apiVersion in the kubeconfig to what it speaks",
		    "credential plugin '%s' answered in version '%.60s', the kubeconfig says '%s'", p->command,
		    version ? version : "", p->api_version);
	else {
		out->token = member(status, "token");
		out->cert_pem = member(status, "clientCertificateData");
		out->key_pem = member(status, "clientKeyData");
		ok = secret_set(out->token) || (secret_set(out->cert_pem) && secret_set(out->key_pem));
		if (!ok)
			say(err, "log in again with the plugin's own command", "credential plugin '%s' gave neither a token nor a certificate with its key",
			    p->command);
		if (expires && !time_parse(str_of(expires), &out->expires_ms))
			out->expires_ms = 1;     /* unreadable: never cached */
	}
	json_decref(doc);
	return ok;
}

static bool judge(const struct exec_plugin *p, struct run *r, enum ended how, int limit_ms, int status,
                  struct exec_credential *out, struct kube_error *err)
{
	struct str words = child_last_words(&r->stderr_bytes);
	if (how == LATE)
		say(err, "log in by hand (it may be waiting for an answer), then try again",
		    "credential plugin '%s' did not end within %d s and was stopped", p->command, limit_ms / 1000);
	else if (how == QUIT)
		say(err, NULL, "credential plugin '%s' was stopped", p->command);
	else if (how == TOO_MUCH)
		say(err, NULL, "credential plugin '%s' printed more than 1 MiB and was stopped", p->command);
	else if (WIFSIGNALED(status))
		say(err, NULL, "credential plugin '%s' was killed by signal %d", p->command, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		say(err, "run it by hand and log in again", "credential plugin '%s' failed with code %d%s" STR_FMT, p->command,
		    WEXITSTATUS(status), words.n ? ": " : "", STR_ARG(words));
	else
		return read_credential(p, r, out, err);
	return false;
}

bool exec_plugin_run(const struct exec_plugin *p, int limit_ms, const atomic_bool *quit, struct exec_credential *out,
                     struct kube_error *err)
{
	struct run r = { .child = CHILD_NONE };
	int status = 0;
	*out = (struct exec_credential){ 0 };
	char *path = child_find(p->command);
	if (!path) {
		say(err, p->install_hint ? p->install_hint : "install it, or set PATH",
		    "credential plugin '%s' is not there or cannot be run", p->command);
		return false;
	}
	bool ok = start(p, path, &r);
	if (!ok) {
		say(err, NULL, "credential plugin '%s' could not be started: %s", p->command, strerror(errno));
	} else {
		enum ended how = follow(&r, limit_ms, quit, &status);
		ok = judge(p, &r, how, limit_ms, status, out, err);
	}
	if (r.stdout_bytes.data)
		explicit_bzero(r.stdout_bytes.data, r.stdout_bytes.cap);
	buf_release(&r.stdout_bytes);
	buf_release(&r.stderr_bytes);
	free(path);
	return ok;
}

void exec_credential_release(struct exec_credential *c)
{
	secret_release(&c->token);
	secret_release(&c->cert_pem);
	secret_release(&c->key_pem);
	c->expires_ms = 0;
}

void exec_plugin_free(struct exec_plugin *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->nargs; i++)
		free(p->args[i]);
	for (unsigned i = 0; i < p->nenv; i++)
		free(p->env[i]);
	free(p->args);
	free(p->env);
	free(p->command);
	free(p->api_version);
	free(p->install_hint);
	free(p->cluster_json);
	free(p);
}
