/* access: the settings of a source that say where and as whom. */
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

struct access {
	char *base;
	struct str user, host;
	const struct yaml *settings;
	struct kept { struct secret is; uint64_t seen; } token, password;
};

static bool take_secret(struct serving *s, const char *key, struct access *a, struct kept *into)
{
	char why[200];
	if (!a->settings || secret_follow(&into->is, &into->seen, yaml_get(a->settings, key), why, sizeof(why)) == 0)
		return true;
	snprintf(s->error, sizeof(s->error), "'%s': %s", key, why);
	snprintf(s->remedy, sizeof(s->remedy), "correct '%s:' in binnacle.yaml", key);
	return false;
}

static bool add_auth(void *arg, struct http_auth *auth)
{
	struct access *a = arg;
	if (secret_follow(&a->token.is, &a->token.seen, yaml_get(a->settings, "token"), auth->error, sizeof(auth->error)) ||
	    secret_follow(&a->password.is, &a->password.seen, yaml_get(a->settings, "password"), auth->error, sizeof(auth->error)))
		return false;
	if (a->host.n && !http_auth_add(auth, "Host", a->host))
		return false;
	if (secret_set(a->token.is))
		return http_auth_bearer(auth, a->token.is);
	return !a->user.n || http_auth_basic(auth, a->user, a->password.is);
}

struct access *access_new(struct serving *s)
{
	struct access *a = xcalloc(1, sizeof(*a));
	const char *url = setting(s, "url"), *host = setting(s, "host"), *user = setting(s, "user");
	size_t n = url ? strlen(url) : 0;
	while (n && url[n - 1] == '/')
		n--;
	a->base = xstrndup(url ? url : "", n);
	a->user = str_of(user ? user : "");
	a->host = str_of(host ? host : "");
	a->settings = link_settings(s->link);
	s->conf = (struct http_conf){ .base = a->base, .what = "the model server", .ca_file = setting(s, "ca"),
		.insecure = link_settings(s->link) && yaml_bool(link_settings(s->link), "insecure", false),
		.proxy = setting(s, "proxy"), .compress = true, .connect_ms = 5000, .auth = add_auth, .arg = a };
	if (n && take_secret(s, "token", a, &a->token) && take_secret(s, "password", a, &a->password))
		return a;
	if (!n)
		snprintf(s->error, sizeof(s->error), "no 'url' says where the models are served");
	access_free(a);
	return NULL;
}

void access_free(struct access *a)
{
	if (!a)
		return;
	secret_release(&a->token.is);
	secret_release(&a->password.is);
	free(a->base);
	free(a);
}
