/* access: the settings of a source that say where and as whom. */
#include "backends/serving/serving.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

struct access {
	char *base;
	struct str user, host;
	struct secret token, password;
};

static bool take_secret(struct serving *s, const char *key, struct secret *into)
{
	const struct yaml *settings = link_settings(s->link), *node = settings ? yaml_get(settings, key) : NULL;
	char why[200];
	if (!node || secret_from_setting(into, node, why, sizeof(why)) == 0)
		return true;
	snprintf(s->error, sizeof(s->error), "'%s': %s", key, why);
	snprintf(s->remedy, sizeof(s->remedy), "correct '%s:' in binnacle.yaml", key);
	return false;
}

static bool add_auth(void *arg, struct http_auth *auth)
{
	const struct access *a = arg;
	if (a->host.n && !http_auth_add(auth, "Host", a->host))
		return false;
	if (secret_set(a->token))
		return http_auth_bearer(auth, a->token);
	return !a->user.n || http_auth_basic(auth, a->user, a->password);
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
	s->conf = (struct http_conf){ .base = a->base, .what = "the model server", .ca_file = setting(s, "ca"),
		.insecure = link_settings(s->link) && yaml_bool(link_settings(s->link), "insecure", false),
		.proxy = setting(s, "proxy"), .compress = true, .connect_ms = 5000, .auth = add_auth, .arg = a };
	if (n && take_secret(s, "token", &a->token) && take_secret(s, "password", &a->password))
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
	secret_release(&a->token);
	secret_release(&a->password);
	free(a->base);
	free(a);
}
