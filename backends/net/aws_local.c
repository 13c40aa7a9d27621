/* aws_local: the links of the chain that need no network, and what all links share. */
#define _GNU_SOURCE
#include "backends/net/aws_private.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum aws_result aws_absent(struct aws_found *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return AWS_ABSENT;
}

enum aws_result aws_failed(struct aws_found *f, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
	return AWS_FAILED;
}

bool aws_take_keys(struct aws_found *f, const char *id, const char *secret, const char *token)
{
	if (!id || !*id || !secret || !*secret)
		return false;
	f->keys.id = secret_of(str_of(id));
	f->keys.secret = secret_of(str_of(secret));
	f->keys.token = secret_of(str_of(token));
	return true;
}

static int64_t expiry_of(const json_t *v)
{
	int64_t ms = 0;
	if (json_is_number(v))
		ms = (int64_t)json_number_value(v);      /* SSO: ms since 1970 */
	else if (json_is_string(v) && !time_parse(str_of(json_string_value(v)), &ms))
		ms = 1;                                  /* unreadable: never kept */
	return ms;
}

enum aws_result aws_take_json(struct aws_found *f, struct str json, const char *member, const struct aws_names *names,
                              const char *who)
{
	json_t *doc = json_loadb(json.n ? json.p : "", json.n, 0, NULL);
	const json_t *o = member && doc ? json_object_get(doc, member) : doc;
	const char *message = json_string_value(json_object_get(o, "Message")), *code = json_string_value(json_object_get(o, "Code"));
	enum aws_result is = AWS_GAVE;
	if (aws_take_keys(f, json_string_value(json_object_get(o, names->id)), json_string_value(json_object_get(o, names->secret)),
	                  json_string_value(json_object_get(o, names->token))))
		f->expires_ms = expiry_of(json_object_get(o, names->expires));
	else if (message || (code && strcmp(code, "Success") != 0))
		is = aws_failed(f, "", "%s gave no keys: %.200s", who, message ? message : code);
	else
		is = aws_failed(f, "", "%s answered without keys (%s)", who, doc ? names->id : "it is no JSON");
	json_decref(doc);
	return is;
}

/* ---- the links */

enum aws_result link_settings_keys(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const struct yaml *s = c->conf.settings, *id = yaml_get(s, "access_key"), *secret = yaml_get(s, "secret_key");
	char why[256] = "";
	if (!id && !secret)
		return aws_absent(f, "access_key is not set in binnacle.yaml");
	if (!id || !secret)
		return aws_failed(f, "set both, or neither", "%s is set in binnacle.yaml without %s", id ? "access_key" : "secret_key",
		                  id ? "secret_key" : "access_key");
	if (secret_from_setting(&f->keys.id, id, why, sizeof(why)) < 0 ||
	    secret_from_setting(&f->keys.secret, secret, why, sizeof(why)) < 0 ||
	    secret_from_setting(&f->keys.token, yaml_get(s, "session_token"), why, sizeof(why)) < 0)
		return aws_failed(f, "see access_key, secret_key and session_token in binnacle.yaml", "%s", why);
	snprintf(f->from, sizeof(f->from), "access_key in binnacle.yaml");
	return AWS_GAVE;
}

enum aws_result link_environment(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	const char *id = env_of("AWS_ACCESS_KEY_ID"), *secret = env_of("AWS_SECRET_ACCESS_KEY"), *token = env_of("AWS_SESSION_TOKEN");
	if (c->profile_asked)
		return aws_absent(f, "passed over, for the profile '%s' is asked for", profile);
	if (!id)
		return aws_absent(f, "AWS_ACCESS_KEY_ID is not set");
	if (!aws_take_keys(f, id, secret, token ? token : env_of("AWS_SECURITY_TOKEN")))
		return aws_failed(f, "set both, or neither", "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
	snprintf(f->from, sizeof(f->from), "AWS_ACCESS_KEY_ID in the environment");
	return AWS_GAVE;
}

static enum aws_result keys_of_file(struct aws_chain *c, bool config, const char *profile, struct aws_found *f)
{
	struct buf path = { 0 };
	enum aws_result is = AWS_GAVE;
	const char *id = profile_get(&c->profiles, config, profile, "aws_access_key_id");
	const char *secret = profile_get(&c->profiles, config, profile, "aws_secret_access_key");
	profiles_path(config, &path);
	if (!id && !secret)
		is = aws_absent(f, "no keys of profile '%.60s' in %.150s", profile, path.data);
	else if (!aws_take_keys(f, id, secret, profile_get(&c->profiles, config, profile, "aws_session_token")))
		is = aws_failed(f, "add the other half", "profile '%.60s' in %.150s has only one of aws_access_key_id and aws_secret_access_key",
		                profile, path.data);
	else
		snprintf(f->from, sizeof(f->from), "profile '%.60s' in %.120s", profile, path.data);
	buf_release(&path);
	return is;
}

enum aws_result link_shared_file(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	return keys_of_file(c, false, profile, f);
}

enum aws_result link_config_file(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	return keys_of_file(c, true, profile, f);
}

/* The line is run by sh, which splits it as the SDKs do; it comes from the user's own file. */
enum aws_result link_process(struct aws_chain *c, const char *profile, struct aws_found *f)
{
	static const struct aws_names names = { "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration" };
	const char *line = profile_get(&c->profiles, true, profile, "credential_process");
	struct secret out = { 0 };
	char why[300] = "", who[120];
	if (!line)
		line = profile_get(&c->profiles, false, profile, "credential_process");
	if (!line)
		return aws_absent(f, "no credential_process in profile '%.60s'", profile);
	snprintf(who, sizeof(who), "credential_process '%.80s'", line);
	if (secret_from_command(&out, line, why, sizeof(why)) < 0)
		return aws_failed(f, "run it by hand", "credential_process: %s", why);
	json_t *doc = json_loadb(secret_reveal(out).p, secret_reveal(out).n, 0, NULL);
	long long version = json_integer_value(json_object_get(doc, "Version"));
	json_decref(doc);
	enum aws_result is = doc && version != 1
		? aws_failed(f, "it has to print Version 1", "%s printed Version %lld", who, version)
		: aws_take_json(f, secret_reveal(out), NULL, &names, who);
	secret_release(&out);
	snprintf(f->from, sizeof(f->from), "credential_process of profile '%.60s'", profile);
	return is;
}
