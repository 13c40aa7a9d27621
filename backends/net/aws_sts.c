/* aws_sts: STS gives temporary keys for a role: to whoever has keys already (AssumeRole), or a token of an identity
 * provider (AssumeRoleWithWebIdentity; service accounts of EKS). Its answers are XML. */
#define _GNU_SOURCE
#include "backends/net/aws_private.h"
#include "backends/net/xml.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct answer { char *id, *secret, *token, *expires, *code, *message; };

static bool on_end(void *arg, const char *path, struct str text)
{
	struct answer *a = arg;
	const char *leaf = strrchr(path, '/');
	struct { const char *name; char **at; } known[] = { { "/AccessKeyId", &a->id }, { "/SecretAccessKey", &a->secret },
		{ "/SessionToken", &a->token }, { "/Expiration", &a->expires }, { "/Code", &a->code }, { "/Message", &a->message } };
	for (size_t i = 0; leaf && i < ARRAY_SIZE(known); i++)
		if (!strcmp(leaf, known[i].name) && !*known[i].at)
			*known[i].at = str_dup(text);
	return true;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static enum aws_result take_answer(struct aws_found *f, const struct http_reply *r, const char *action, const char *role)
{
	struct answer a = { 0 };
	struct xml *x = xml_new(on_end, &a);
	enum aws_result is = AWS_GAVE;
	xml_feed(x, buf_str(&r->body));
	if (r->end == HTTP_OK && aws_take_keys(f, a.id, a.secret, a.token)) {
		if (a.expires && !time_parse(str_of(a.expires), &f->expires_ms))
			f->expires_ms = 1;
	} else if (r->status == 0) {
		is = aws_failed(f, r->remedy, "%s of STS: %s", action, r->error);
	} else {
		is = aws_failed(f, a.code && strstr(a.code, "Expired") ? "log in again: the identity that asks has expired"
		                                                       : "check the role, its trust policy, and who asks",
		                "STS refuses the role %.100s: %.200s", role,
		                a.message ? a.message : a.code ? a.code : *xml_error(x) ? xml_error(x) : r->error);
	}
	xml_free(x);
	for (size_t i = 0; i < 6; i++)
		wipe((char *[]){ a.id, a.secret, a.token, a.expires, a.code, a.message }[i]);
	return is;
}

static void add_form(struct buf *b, const char *name, struct str value)
{
	buf_addf(b, "&%s=", name);
	http_escape(b, value);
}

/* form: what follows Action and Version. keys NULL: unsigned. */
static enum aws_result ask_sts(struct aws_chain *c, const char *action, const char *role, struct str form,
                               const struct aws_keys *keys, struct aws_found *f)
{
	struct buf base = { 0 }, body = { 0 };
	struct http_reply r = { 0 };
	buf_reserve(&body, form.n + 128);
	buf_addf(&body, "Action=%s&Version=2011-06-15", action);
	buf_addstr(&body, form);
	aws_endpoint("STS", "sts", aws_chain_region(c), &base);
	struct http_request q = { .method = "POST", .path = "/", .body = buf_str(&body),
		.content_type = "application/x-www-form-urlencoded; charset=utf-8", .timeout_ms = 10000, .max = 1 << 20 };
	aws_ask(c, base.data, "STS", false, keys, &q, &r);
	enum aws_result is = take_answer(f, &r, action, role);
	explicit_bzero(body.data, body.cap);
	if (r.body.data)
		explicit_bzero(r.body.data, r.body.cap);
	http_reply_release(&r);
	buf_release(&base);
	buf_release(&body);
	return is;
}

static void add_role(struct aws_chain *c, struct buf *form, const char *role, const char *session)
{
	char own[64];
	snprintf(own, sizeof(own), "binnacle-%ld", (long)getpid());
	add_form(form, "RoleArn", str_of(role));
	add_form(form, "RoleSessionName", str_of(session ? session : own));
}

static const char *either(struct aws_chain *c, const char *profile, const char *name)
{
	const char *v = profile_get(&c->profiles, true, profile, name);
	return v ? v : profile_get(&c->profiles, false, profile, name);
}

enum aws_result link_web_identity(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const char *role = env_of("AWS_ROLE_ARN"), *file = env_of("AWS_WEB_IDENTITY_TOKEN_FILE"),
	           *session = env_of("AWS_ROLE_SESSION_NAME");
	struct secret token = { 0 };
	struct buf form = { 0 };
	if (c->profile_asked || !role || !file) {
		role = either(c, profile, "role_arn");
		file = either(c, profile, "web_identity_token_file");
		session = either(c, profile, "role_session_name");
	}
	if (!file)
		return aws_absent(f, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (!role)
		return aws_failed(f, "set AWS_ROLE_ARN", "a web identity token is set without a role");
	if (secret_from_file(&token, file) < 0)          /* read anew each time: the kubelet renews it */
		return aws_failed(f, "is the service account's token mounted?", "cannot read the web identity token '%.200s'", file);
	add_role(c, &form, role, session);
	buf_reserve(&form, secret_reveal(token).n * 3 + 64);
	add_form(&form, "WebIdentityToken", str_trim(secret_reveal(token)));
	secret_release(&token);
	enum aws_result is = ask_sts(c, "AssumeRoleWithWebIdentity", role, buf_str(&form), NULL, f);
	explicit_bzero(form.data, form.cap);
	buf_release(&form);
	snprintf(f->from, sizeof(f->from), "web identity for the role %.150s", role);
	return is;
}

/* Who asks for the role: another profile's keys, or those of the place we run in. */
static enum aws_result source_keys(struct aws_chain *c, const char *profile, struct aws_found *out)
{
	static const aws_link_fn of_profile[] = { link_assume_role, link_web_identity, link_sso, link_shared_file, link_process,
		link_config_file };
	const char *source = either(c, profile, "source_profile"), *place = either(c, profile, "credential_source");
	if (place && !strcmp(place, "Environment")) {
		bool asked = c->profile_asked;
		c->profile_asked = false;
		enum aws_result is = link_environment(c, profile, out);
		c->profile_asked = asked;
		return is;
	}
	if (place && !strcmp(place, "Ec2InstanceMetadata"))
		return link_instance(c, profile, out);
	if (place && !strcmp(place, "EcsContainer"))
		return link_container(c, profile, out);
	if (!source)
		return aws_failed(out, "set source_profile or credential_source beside role_arn",
		                  "profile '%.60s' has role_arn, but nobody who may ask for it", profile);
	if (!profile_is(&c->profiles, source))
		return aws_failed(out, "add it to ~/.aws/config", "the source_profile '%.60s' is in neither file of profiles", source);
	/* a profile may name itself: its own keys ask for its role */
	for (size_t i = strcmp(source, profile) ? 0 : 3; i < ARRAY_SIZE(of_profile); i++) {
		enum aws_result is = of_profile[i](c, source, out);
		if (is != AWS_ABSENT)
			return is;
	}
	return aws_failed(out, "add keys to it", "the source_profile '%.60s' has no keys", source);
}

enum aws_result link_assume_role(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const char *role = either(c, profile, "role_arn"), *external = either(c, profile, "external_id"),
	           *seconds = either(c, profile, "duration_seconds");
	struct aws_found source = { 0 };
	struct buf form = { 0 };
	if (!role || either(c, profile, "web_identity_token_file"))
		return aws_absent(f, "no role_arn in profile '%.60s'", profile);
	if (either(c, profile, "mfa_serial"))
		return aws_failed(f, "log in by a tool that asks for the code (aws sso login, aws-vault) and use its profile",
		                  "the role %.100s wants a code of a second factor, which is not asked for here", role);
	if (c->depth >= 5)
		return aws_failed(f, "see source_profile", "the profiles around '%.60s' refer to one another", profile);
	c->depth++;
	enum aws_result is = source_keys(c, profile, &source);
	c->depth--;
	if (is != AWS_GAVE) {
		is = aws_failed(f, source.remedy, "%s", source.why);
	} else {
		add_role(c, &form, role, either(c, profile, "role_session_name"));
		if (external)
			add_form(&form, "ExternalId", str_of(external));
		if (seconds)
			add_form(&form, "DurationSeconds", str_of(seconds));
		is = ask_sts(c, "AssumeRole", role, buf_str(&form), &source.keys, f);
		snprintf(f->from, sizeof(f->from), "the role %.90s, asked for by %.70s", role, source.from);
	}
	aws_keys_release(&source.keys);
	buf_release(&form);
	return is;
}
