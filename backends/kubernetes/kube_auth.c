/* kube_auth: see kube_auth.h. Token files are read again each minute, plugins run again when their credential ends or
 * was refused; one thread does it while the others wait. */
#include "backends/kubernetes/kube_auth.h"
#include "base/mem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOKEN_AGE_MS = 50000, EARLY_MS = 10000, PLUGIN_LIMIT_MS = 60000 };

bool kube_auth_read_files(struct kube_private *p, struct kube_error *err)
{
	struct { const char *path; struct secret *into; const char *what; } files[] = {
		{ p->cert_file, &p->cert_pem, "client certificate" }, { p->key_file, &p->key_pem, "client key" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct secret fresh = { NULL };
		if (!files[i].path)
			continue;
		if (secret_from_file(&fresh, files[i].path) != 0) {
			snprintf(err->what, sizeof(err->what), "%s '%s': %s", files[i].what, files[i].path, strerror(errno));
			snprintf(err->remedy, sizeof(err->remedy), "check the path in the kubeconfig and who may read it");
			return false;
		}
		secret_release(files[i].into);
		*files[i].into = fresh;
	}
	return true;
}

static bool read_token(struct kube_private *p, struct http_auth *a)
{
	int64_t now = clock_mono(p->clock);
	if (p->token_read && now - p->token_read < TOKEN_AGE_MS)
		return true;
	struct secret fresh = { NULL };
	errno = 0;
	if (secret_from_file(&fresh, p->token_file) == 0 && secret_set(fresh)) {
		secret_release(&p->token);
		p->token = fresh;
		p->token_read = now ? now : 1;
		p->which++;
		return true;
	}
	secret_release(&fresh);
	if (secret_set(p->token))
		return true;       /* the one we have may still do */
	snprintf(a->error, sizeof(a->error), "token file '%s': %s", p->token_file, errno ? strerror(errno) : "empty");
	snprintf(a->remedy, sizeof(a->remedy), "check the path in the kubeconfig and who may read it");
	return false;
}

static struct secret copy(struct secret s)
{
	struct secret none = { NULL };
	return secret_set(s) ? secret_of(secret_reveal(s)) : none;
}

/* Under the lock. */
static bool needs_plugin(const struct kube_private *p)
{
	int64_t expires = p->cached.expires_ms;

	if (!p->exec || p->token_file || secret_set(p->token) || p->username)
		return false;
	return !p->have_cached || (expires && expires - EARLY_MS <= clock_wall(p->clock));
}

/* The plugin runs without the lock, so that who only asks whether it is needed does not wait for it. */
static bool run_plugin(struct kube_private *p, struct http_auth *a)
{
	struct exec_credential fresh = { .expires_ms = 0 };
	struct kube_error err = { "", "" };
	pthread_mutex_lock(&p->plugin_lock);
	pthread_mutex_lock(&p->lock);
	bool ok = !needs_plugin(p);              /* another thread ran it while this one waited */
	pthread_mutex_unlock(&p->lock);
	if (!ok && (ok = exec_plugin_run(p->exec, PLUGIN_LIMIT_MS, p->quit, &fresh, &err))) {
		pthread_mutex_lock(&p->lock);
		exec_credential_release(&p->cached);
		p->cached = fresh;
		p->have_cached = true;
		p->which++;
		pthread_mutex_unlock(&p->lock);
	} else if (!ok) {
		snprintf(a->error, sizeof(a->error), "%.255s", err.what);
		snprintf(a->remedy, sizeof(a->remedy), "%.159s", err.remedy);
	}
	pthread_mutex_unlock(&p->plugin_lock);
	return ok;
}

static bool from_plugin(struct kube_private *p, struct http_auth *a)
{
	if (secret_set(p->cached.cert_pem)) {
		a->cert_pem = copy(p->cached.cert_pem);
		a->key_pem = copy(p->cached.key_pem);
	}
	return !secret_set(p->cached.token) || http_auth_bearer(a, p->cached.token);
}

static bool impersonate(const struct kube_private *p, struct http_auth *a)
{
	for (unsigned i = 0; i < p->nimpersonate; i++) {
		struct str value = str_of(p->impersonate[i]), name = str_split(&value, ':');
		char *n = str_dup(name);
		bool ok = http_auth_add(a, n, str_trim(value));
		free(n);
		if (!ok) {
			snprintf(a->error, sizeof(a->error), "the user to act as holds bytes no header may hold");
			return false;
		}
	}
	return true;
}

const char *kube_access_slow(struct kube_access *access)
{
	struct kube_private *p = access->priv;
	pthread_mutex_lock(&p->lock);
	bool slow = needs_plugin(p);
	pthread_mutex_unlock(&p->lock);
	return slow ? p->exec->command : NULL;
}

bool kube_access_auth(void *access, struct http_auth *a)
{
	struct kube_access *k = access;
	return (!kube_access_slow(k) || run_plugin(k->priv, a)) && kube_access_auth_now(k, a);
}

bool kube_access_auth_now(struct kube_access *access, struct http_auth *a)
{
	struct kube_private *p = access->priv;
	pthread_mutex_lock(&p->lock);
	bool ok = impersonate(p, a);
	if (ok && p->cert_file) {
		a->cert_pem = copy(p->cert_pem);
		a->key_pem = copy(p->key_pem);
	}
	if (ok && p->token_file)
		ok = read_token(p, a) && http_auth_bearer(a, p->token);
	else if (ok && secret_set(p->token))
		ok = http_auth_bearer(a, p->token);
	else if (ok && p->username)
		ok = http_auth_basic(a, str_of(p->username), p->password);
	else if (ok && p->exec)
		ok = from_plugin(p, a);
	a->which = p->which;
	if (!ok && !a->error[0])
		snprintf(a->error, sizeof(a->error), "the credential holds bytes no header may hold");
	pthread_mutex_unlock(&p->lock);
	return ok;
}

bool kube_access_unauthorized(void *access, uint64_t which)
{
	struct kube_private *p = ((struct kube_access *)access)->priv;
	struct kube_error ignored;
	bool again = false;
	pthread_mutex_lock(&p->lock);
	if (which != p->which) {
		again = true;      /* another thread renewed it while this one's refused exchange was on its way */
	} else if (p->token_file) {
		p->token_read = 0;
		again = true;
	} else if (p->exec && !secret_set(p->token) && !p->username) {
		exec_credential_release(&p->cached);
		p->have_cached = false;
		again = true;
	} else if (p->cert_file) {
		again = kube_auth_read_files(p, &ignored);
	}
	pthread_mutex_unlock(&p->lock);
	return again;
}

void kube_access_obey(struct kube_access *a, const atomic_bool *flag)
{
	a->priv->quit = flag;
}
