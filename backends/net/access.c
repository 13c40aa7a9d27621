/* access: see access.h. */
#include "backends/net/access.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void access_open(struct access *a, struct link *l, const char *what)
{
	struct str url = str_trim(str_of(link_setting(l, "url")));
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	*a = (struct access){ .settings = link_settings(l), .base = str_dup(url), .user = link_setting(l, "user"),
		.host = link_setting(l, "host") };
	a->user = a->user && *a->user ? a->user : NULL;
	a->host = a->host && *a->host ? a->host : NULL;
	a->tunnel = tunnel_new(a->settings);
	http_redact(a->base, a->shown, sizeof(a->shown));
	a->conf = (struct http_conf){ .base = a->base, .what = what, .tunnel = a->tunnel, .ca_file = link_setting(l, "ca"), .compress = true,
		.insecure = a->settings && yaml_bool(a->settings, "insecure", false), .proxy = link_setting(l, "proxy"),
		.auth = access_auth, .renew = access_renew, .arg = a };
}

void access_at(struct access *a, const char *url)
{
	free(a->base);
	a->base = xstrdup(url);
	a->conf.base = a->base;
	http_redact(a->base, a->shown, sizeof(a->shown));
}

void access_close(struct access *a)
{
	secret_release(&a->password.is);
	secret_release(&a->token.is);
	tunnel_free(a->tunnel);
	a->tunnel = NULL;
	free(a->base);
	a->base = NULL;
}

bool access_has(const struct access *a, const char *key)
{
	return a->settings && yaml_get(a->settings, key);
}

static bool follow(struct access *a, const char *key, struct access_secret *s, struct http_auth *auth)
{
	char why[sizeof(auth->error) - 20];
	if (!access_has(a, key) || secret_follow(&s->is, &s->seen, yaml_get(a->settings, key), why, sizeof(why)) == 0)
		return true;
	snprintf(auth->error, sizeof(auth->error), "'%s': %s", key, why);
	snprintf(auth->remedy, sizeof(auth->remedy), "correct '%s:' of the source", key);
	return false;
}

bool access_secrets(struct access *a, struct http_auth *auth)
{
	return follow(a, "token", &a->token, auth) && follow(a, "password", &a->password, auth);
}

static bool forget(const struct access *a, const char *key, struct access_secret *s)
{
	const struct yaml *from = access_has(a, key) ? yaml_get(a->settings, key) : NULL;
	if (!from || (!yaml_get(from, "command") && !yaml_get(from, "file")))
		return false;
	secret_release(&s->is);
	s->seen = 0;
	return true;
}

bool access_forget(struct access *a)
{
	bool token = forget(a, "token", &a->token);
	return forget(a, "password", &a->password) || token;
}

bool access_auth(void *arg, struct http_auth *auth)
{
	struct access *a = arg;
	if (!access_secrets(a, auth))
		return false;
	if (a->host && !http_auth_add(auth, "Host", str_of(a->host))) {
		snprintf(auth->error, sizeof(auth->error), "'host:' holds bytes that no header may");
		return false;
	}
	bool token = secret_set(a->token.is);
	if (token ? http_auth_bearer(auth, a->token.is) : !a->user || http_auth_basic(auth, str_of(a->user), a->password.is))
		return true;
	snprintf(auth->error, sizeof(auth->error), "the %s holds bytes that no header may", token ? "token" : "password");
	return false;
}

bool access_renew(void *arg, uint64_t which)
{
	(void)which;
	return access_forget(arg);
}
