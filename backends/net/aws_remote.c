/* aws_remote: keys from single sign-on, from the container's agent, and from the machine we run on. */
#define _GNU_SOURCE
#include "backends/net/aws_private.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- asking */

struct signer { struct aws_chain *chain; const struct aws_keys *keys; const struct http_request *q; struct str host; };

static bool sign(void *arg, struct http_auth *auth)
{
	struct signer *s = arg;
	char type[96];
	if (!s->keys)
		return true;
	snprintf(type, sizeof(type), "Content-Type: %s", s->q->content_type);
	struct sigv4_request q = { .method = s->q->method, .host = s->host, .path = str_of(s->q->path), .body = s->q->body,
		.headers = (const char *const[]){ type, NULL }, .region = aws_chain_region(s->chain), .service = "sts",
		.now_ms = clock_wall(s->chain->conf.clock) };
	return sigv4_sign(&q, s->keys, auth);
}

bool aws_ask(struct aws_chain *c, const char *base, const char *what, bool direct, const struct aws_keys *keys,
             struct http_request *q, struct http_reply *r)
{
	const char *host = strstr(base, "://");
	host = host ? host + 3 : base;
	struct signer s = { c, keys, q, { host, strcspn(host, "/") } };
	struct http_conf conf = { .base = base, .what = what, .proxy = direct ? "" : NULL, .connect_ms = direct ? 1000 : 5000,
		.auth = sign, .arg = &s };
	struct http *h = http_new(&conf, c->conf.clock);
	q->cancelled = c->conf.cancelled;
	q->cancelled_arg = c->conf.arg;
	bool ok = http_call(h, q, r);
	http_free(h);
	return ok;
}

void aws_endpoint(const char *service, const char *host, const char *region, struct buf *out)
{
	char name[48];
	snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
	const char *given = env_of(name);
	if (!given)
		given = env_of("AWS_ENDPOINT_URL");
	if (given) {
		buf_adds(out, given);
		while (out->len && out->data[out->len - 1] == '/')
			out->data[--out->len] = '\0';
	} else {
		buf_addf(out, "https://%s.%s.amazonaws.com%s", host, region, str_starts(str_of(region), STR("cn-")) ? ".cn" : "");
	}
}

/* ---- single sign-on */

struct login {                       /* the cache of `aws sso login` */
	char *path;
	json_t *doc;
	const char *token, *refresh, *client, *client_secret;
	int64_t expires;
};

static const char *member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool login_load(struct login *l, const char *name)
{
	struct secret text = { 0 };
	char sha[41];
	const char *home = env_of("HOME");
	if (!sha1_hex(str_of(name), sha))
		return false;
	l->path = xasprintf("%s/.aws/sso/cache/%s.json", home ? home : "", sha);
	if (secret_from_file(&text, l->path) < 0)
		return false;
	l->doc = json_loadb(secret_reveal(text).p, secret_reveal(text).n, 0, NULL);
	secret_release(&text);
	l->token = member(l->doc, "accessToken");
	l->refresh = member(l->doc, "refreshToken");
	l->client = member(l->doc, "clientId");
	l->client_secret = member(l->doc, "clientSecret");
	if (!time_parse(str_of(member(l->doc, "expiresAt")), &l->expires))
		l->expires = 0;
	return l->token != NULL;
}

/* A token that ends soon is renewed where the login allows it; the new one is kept in memory only: the file is aws' own. */
static void login_renew(struct aws_chain *c, struct login *l, const char *region)
{
	struct buf base = { 0 };
	struct http_reply r = { 0 };
	int64_t now = clock_wall(c->conf.clock);
	if (!l->refresh || !l->client || !l->client_secret || l->expires - now > 15 * 60000)
		return;
	json_t *ask = json_pack("{s:s, s:s, s:s, s:s}", "clientId", l->client, "clientSecret", l->client_secret, "grantType",
	                        "refresh_token", "refreshToken", l->refresh);
	char *body = json_dumps(ask, JSON_COMPACT);
	aws_endpoint("SSO_OIDC", "oidc", region, &base);
	struct http_request q = { .method = "POST", .path = "/token", .body = str_of(body), .timeout_ms = 10000, .max = 1 << 20 };
	if (aws_ask(c, base.data, "AWS single sign-on", false, NULL, &q, &r)) {
		json_t *doc = json_loadb(r.body.data ? r.body.data : "", r.body.len, 0, NULL);
		if (member(doc, "accessToken")) {
			json_decref(l->doc);
			l->doc = doc;
			l->token = member(doc, "accessToken");
			l->refresh = NULL;
			l->expires = now + json_integer_value(json_object_get(doc, "expiresIn")) * 1000;
			explicit_bzero(r.body.data, r.body.cap);
		} else {
			json_decref(doc);
		}
	}
	explicit_bzero(body, strlen(body));
	free(body);
	json_decref(ask);
	http_reply_release(&r);
	buf_release(&base);
}

static enum aws_result portal_ask(struct aws_chain *c, const struct login *l, const char *region, const char *account,
                                  const char *role, struct aws_found *f)
{
	static const struct aws_names names = { "accessKeyId", "secretAccessKey", "sessionToken", "expiration" };
	struct buf base = { 0 }, path = { 0 };
	struct http_reply r = { 0 };
	enum aws_result is;
	char *header = xasprintf("x-amz-sso_bearer_token: %s", l->token);
	buf_adds(&path, "/federation/credentials?role_name=");
	http_escape(&path, str_of(role));
	buf_adds(&path, "&account_id=");
	http_escape(&path, str_of(account));
	aws_endpoint("SSO", "portal.sso", region, &base);
	struct http_request q = { .path = path.data, .headers = (const char *const[]){ header, NULL }, .timeout_ms = 10000, .max = 1 << 20 };
	if (aws_ask(c, base.data, "AWS single sign-on", false, NULL, &q, &r))
		is = aws_take_json(f, buf_str(&r.body), "roleCredentials", &names, "AWS single sign-on");
	else if (r.status == 401)
		is = aws_failed(f, "run: aws sso login", "the login by AWS single sign-on has expired");
	else
		is = aws_failed(f, r.remedy, "AWS single sign-on: %s", r.error);
	if (r.body.data)
		explicit_bzero(r.body.data, r.body.cap);
	explicit_bzero(header, strlen(header));
	free(header);
	http_reply_release(&r);
	buf_release(&base);
	buf_release(&path);
	return is;
}

enum aws_result link_sso(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const struct aws_profiles *p = &c->profiles;
	const char *session = profile_get(p, true, profile, "sso_session"), *start = profile_get(p, true, profile, "sso_start_url");
	const char *account = profile_get(p, true, profile, "sso_account_id"), *role = profile_get(p, true, profile, "sso_role_name");
	const char *region = session ? sso_session_get(p, session, "sso_region") : profile_get(p, true, profile, "sso_region");
	struct login l = { 0 };
	enum aws_result is;
	char remedy[160];
	if (!session && !start)
		return aws_absent(f, "no sso_session in profile '%.60s'", profile);
	if (!region || !account || !role)
		return aws_failed(f, "run: aws configure sso", "profile '%.60s' uses single sign-on, but lacks %s", profile,
		                  !region ? "sso_region" : !account ? "sso_account_id" : "sso_role_name");
	snprintf(remedy, sizeof(remedy), "run: aws sso login --profile %.100s", profile);
	if (login_load(&l, session ? session : start))
		login_renew(c, &l, region);
	if (!l.token)
		is = aws_failed(f, remedy, "nobody is logged in by AWS single sign-on for profile '%.60s'", profile);
	else if (l.expires <= clock_wall(c->conf.clock))
		is = aws_failed(f, remedy, "the login by AWS single sign-on for profile '%.60s' has expired", profile);
	else
		is = portal_ask(c, &l, region, account, role, f);
	snprintf(f->from, sizeof(f->from), "single sign-on, role %.60s of account %.20s", role, account);
	json_decref(l.doc);
	free(l.path);
	return is;
}

/* ---- the container's agent */

static bool plain_allowed(const char *url)
{
	static const char *const hosts[] = { "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	const char *host = strstr(url, "://");
	if (!host)
		return false;
	struct str h = { host + 3, strcspn(host + 3, "/?#") };
	const char *colon = memrchr(h.p, ':', h.n);
	if (colon && !memchr(colon, ']', h.n - (size_t)(colon - h.p)))
		h.n = (size_t)(colon - h.p);
	if (str_starts(str_of(url), STR("https://")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (str_is(h, hosts[i]))
			return true;
	/* any number of 127.0.0.0/8, but no name that begins so */
	for (size_t i = 0; i < h.n; i++)
		if (!memchr("0123456789.", h.p[i], 11))
			return false;
	return str_starts(h, STR("127."));
}

/* "Authorization: TOKEN" or NULL; false: the file is there to be read and cannot be. */
static bool container_header(char **out, struct aws_found *f)
{
	const char *file = env_of("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), *token = env_of("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct secret s = { 0 };
	*out = NULL;
	if (file && secret_from_file(&s, file) < 0) {
		aws_failed(f, "is the token mounted?", "cannot read the container's token '%.200s'", file);
		return false;
	}
	struct str t = file ? str_trim(secret_reveal(s)) : str_of(token);
	if (t.n && !memchr(t.p, '\r', t.n) && !memchr(t.p, '\n', t.n))
		*out = xasprintf("Authorization: " STR_FMT, STR_ARG(t));
	secret_release(&s);
	return true;
}

enum aws_result link_container(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	static const struct aws_names names = { "AccessKeyId", "SecretAccessKey", "Token", "Expiration" };
	const char *full = env_of("AWS_CONTAINER_CREDENTIALS_FULL_URI"), *relative = env_of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	struct http_reply r = { 0 };
	enum aws_result is = AWS_FAILED;
	char *url, *header;
	if (!full && !relative)
		return aws_absent(f, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
	url = relative ? xasprintf("http://169.254.170.2%s", relative) : xstrdup(full);
	if (!plain_allowed(url)) {
		free(url);
		return aws_failed(f, "use https, or an address of the container's own host",
		                  "AWS_CONTAINER_CREDENTIALS_FULL_URI is plain http to another host, to which no token is sent");
	}
	if (container_header(&header, f)) {
		size_t at = strcspn(strstr(url, "://") + 3, "/") + (size_t)(strstr(url, "://") + 3 - url);
		char *base = xstrndup(url, at);
		struct http_request q = { .path = url[at] ? url + at : "/", .headers = (const char *const[]){ header, NULL },
			.timeout_ms = 4000, .max = 1 << 20 };
		if (aws_ask(c, base, "the container's agent", true, NULL, &q, &r))
			is = aws_take_json(f, buf_str(&r.body), NULL, &names, "the container's agent");
		else
			is = aws_failed(f, "is the pod's identity set up (EKS Pod Identity agent, task role)?", "%s", r.error);
		if (header)
			explicit_bzero(header, strlen(header));
		free(header);
		free(base);
	}
	if (r.body.data)
		explicit_bzero(r.body.data, r.body.cap);
	http_reply_release(&r);
	free(url);
	snprintf(f->from, sizeof(f->from), "the container's agent");
	return is;
}

/* ---- the machine */

static bool metadata(struct aws_chain *c, const char *path, const char *token, struct http_reply *r)
{
	const char *base = env_of("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	char *header = token ? xasprintf("x-aws-ec2-metadata-token: %s", token)
	                     : xstrdup("x-aws-ec2-metadata-token-ttl-seconds: 21600");
	struct http_request q = { .method = token ? "GET" : "PUT", .path = path, .headers = (const char *const[]){ header, NULL },
		.timeout_ms = 1000, .max = 1 << 20 };
	char *own = xstrdup(base ? base : "http://169.254.169.254");
	for (size_t n = strlen(own); n && own[n - 1] == '/';)
		own[--n] = '\0';
	bool ok = aws_ask(c, own, "the instance's metadata", true, NULL, &q, r);
	free(own);
	free(header);
	return ok;
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

static enum aws_result role_keys(struct aws_chain *c, const char *token, struct aws_found *f)
{
	static const struct aws_names names = { "AccessKeyId", "SecretAccessKey", "Token", "Expiration" };
	struct http_reply r = { 0 }, keys = { 0 };
	enum aws_result is;
	struct str body = { 0 }, role = { 0 };
	struct buf path = { 0 };
	if (metadata(c, ROLES, token, &r))
		body = str_trim(buf_str(&r.body)), role = str_trim(str_split(&body, '\n'));
	buf_adds(&path, ROLES);
	http_escape(&path, role);
	if (!role.n)
		is = aws_absent(f, "this machine has no role (%s)", r.status == 404 ? "its metadata lists none" : r.error);
	else if (metadata(c, path.data, token, &keys))
		is = aws_take_json(f, buf_str(&keys.body), NULL, &names, "the instance's metadata");
	else
		is = aws_failed(f, "", "%s", keys.error);
	snprintf(f->from, sizeof(f->from), "the instance's role " STR_FMT, (int)(role.n < 100 ? role.n : 100), role.n ? role.p : "");
	if (keys.body.data)
		explicit_bzero(keys.body.data, keys.body.cap);
	http_reply_release(&r);
	http_reply_release(&keys);
	buf_release(&path);
	return is;
}

enum aws_result link_instance(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const char *off = env_of("AWS_EC2_METADATA_DISABLED");
	struct http_reply r = { 0 };
	enum aws_result is;
	if (off && !strcasecmp(off, "true"))
		return aws_absent(f, "AWS_EC2_METADATA_DISABLED is set");
	if (metadata(c, "/latest/api/token", NULL, &r) && r.body.len) {
		struct str token = str_trim(buf_str(&r.body));
		char *text = str_dup(token);
		is = role_keys(c, text, f);
		explicit_bzero(text, strlen(text));
		free(text);
	} else if (r.status == 403) {
		is = aws_absent(f, "the instance's metadata is switched off");
	} else {
		is = aws_absent(f, "this is no machine of EC2 (nothing answers at 169.254.169.254)");
	}
	http_reply_release(&r);
	return is;
}
