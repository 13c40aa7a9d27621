/* access: see access.h. */
#include "backends/net/access.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *word_of(struct link *l, const char *key)
{
	const char *word = link_setting(l, key);
	return word && *word ? word : NULL;
}

void access_open(struct access *a, struct link *l, const char *what)
{
	struct str url = str_trim(str_of(link_setting(l, "url")));
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	*a = (struct access){ .settings = link_settings(l), .base = str_dup(url), .user = word_of(l, "user"),
		.host = word_of(l, "host"), .token_header = word_of(l, "token_header") };
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

/* What stands elsewhere in the settings, or is ours to say; NULL: the header may be set. */
static const char *not_for_headers(const char *name)
{
	static const char *const others[][2] = {
		{ "Authorization", "a secret: use 'token:', or 'user:' and 'password:'" },
		{ "Proxy-Authorization", "a secret: put it into 'proxy:'" },
		{ "Cookie", "a secret: use 'token:' and 'token_header: Cookie'" },
		{ "Host", "set by 'host:'" },
		{ "Content-Length", "set by binnacle" }, { "Content-Type", "set by binnacle" }, { "Transfer-Encoding", "set by binnacle" },
		{ "Accept", "set by binnacle" }, { "Connection", "set by binnacle" }, { "Expect", "set by binnacle" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcasecmp(name, others[i][0]) == 0)
			return others[i][1];
	return NULL;
}

static bool add_headers(const struct access *a, struct http_auth *auth)
{
	const struct yaml *map = a->settings ? yaml_get(a->settings, "headers") : NULL;
	if (a->host && !http_auth_add(auth, "Host", str_of(a->host))) {
		snprintf(auth->error, sizeof(auth->error), "'host:' holds bytes that no header may");
		return false;
	}
	for (unsigned i = 0; map && i < map->n; i++) {
		const char *name = map->keys[i]->text.p, *why = not_for_headers(name);
		if (why)
			snprintf(auth->error, sizeof(auth->error), "'headers:' of the source: %.40s is %s", name, why);
		else if (!http_auth_add(auth, name, map->items[i]->text))
			snprintf(auth->error, sizeof(auth->error), "'headers:' of the source: '%.80s' is no name of a header, or its value holds "
			         "bytes that no header may", name);
		else
			continue;
		snprintf(auth->remedy, sizeof(auth->remedy), "correct line %u of the configuration", map->keys[i]->line);
		return false;
	}
	return true;
}

bool access_auth(void *arg, struct http_auth *auth)
{
	struct access *a = arg;
	if (!access_secrets(a, auth) || !add_headers(a, auth))
		return false;
	bool token = secret_set(a->token.is);
	if (token && a->token_header ? http_auth_add(auth, a->token_header, str_trim(secret_reveal(a->token.is)))
	    : token ? http_auth_bearer(auth, a->token.is) : !a->user || http_auth_basic(auth, str_of(a->user), a->password.is))
		return true;
	snprintf(auth->error, sizeof(auth->error), "the %s holds bytes that no header may", token ? "token" : "password");
	return false;
}

bool access_renew(void *arg, uint64_t which)
{
	(void)which;
	return access_forget(arg);
}
