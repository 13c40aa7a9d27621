/* aws_credentials: the chain itself; see aws_credentials.h. */
#define _GNU_SOURCE
#include "backends/net/aws_private.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define RENEW_MS (10 * 60000)        /* before they end */
#define AGAIN_MS 20000               /* after a failure */

const char *const aws_link_names[AWS_LINK_COUNT] = { "settings", "environment", "assume-role", "web-identity", "sso",
	"shared-file", "process", "config-file", "container", "instance" };
static const aws_link_fn links[AWS_LINK_COUNT] = { link_settings_keys, link_environment, link_assume_role, link_web_identity,
	link_sso, link_shared_file, link_process, link_config_file, link_container, link_instance };

/* The settings, the profile and the region in force. Files are read anew at each search: a login changes them. */
static void prepare(struct aws_chain *c)
{
	const char *asked = yaml_text(c->conf.settings, "profile"), *env = env_of("AWS_PROFILE");
	const char *region = yaml_text(c->conf.settings, "region");
	profiles_load(&c->profiles);
	c->profile_asked = asked && *asked;
	free(c->profile);
	c->profile = xstrdup(c->profile_asked ? asked : env ? env : "default");
	region = region && *region ? region : env_of("AWS_REGION");
	region = region ? region : env_of("AWS_DEFAULT_REGION");
	region = region ? region : profile_get(&c->profiles, true, c->profile, "region");
	free(c->region);
	c->region = xstrdup(region ? region : "us-east-1");
}

struct aws_chain *aws_chain_new(const struct aws_conf *conf)
{
	struct aws_chain *c = xcalloc(1, sizeof(*c));
	c->conf = *conf;
	prepare(c);
	profiles_release(&c->profiles);
	return c;
}

void aws_chain_free(struct aws_chain *c)
{
	if (!c)
		return;
	aws_keys_release(&c->now.keys);
	profiles_release(&c->profiles);
	free(c->profile);
	free(c->region);
	free(c);
}

static void say_nobody(struct aws_chain *c)
{
	bool named = c->profile_asked || env_of("AWS_PROFILE");
	c->nobody = true;
	if (named && !profile_is(&c->profiles, c->profile))
		snprintf(c->why, sizeof(c->why), "no credentials: the profile '%.80s' is neither in ~/.aws/config nor in ~/.aws/credentials",
		         c->profile);
	else
		snprintf(c->why, sizeof(c->why), "no credentials: no access_key in binnacle.yaml, no AWS_ACCESS_KEY_ID, no keys in profile "
		         "'%.80s', and neither a container nor a machine that gives any", c->profile);
	snprintf(c->remedy, sizeof(c->remedy), "set access_key and secret_key or profile in binnacle.yaml, or log in (aws configure, aws sso login)");
}

/* Walks the chain. True: f holds keys. */
static bool search(struct aws_chain *c, struct aws_found *f)
{
	prepare(c);
	memset(c->said, 0, sizeof(c->said));
	c->nobody = false;
	for (int i = 0; i < AWS_LINK_COUNT; i++) {
		*f = (struct aws_found){ 0 };
		enum aws_result is = links[i](c, c->profile, f);
		snprintf(c->said[i], sizeof(c->said[i]), "%s", is == AWS_GAVE ? f->from : f->why);
		if (is == AWS_GAVE) {
			profiles_release(&c->profiles);
			return true;
		}
		aws_keys_release(&f->keys);
		if (is == AWS_FAILED) {
			snprintf(c->why, sizeof(c->why), "%s", f->why);
			snprintf(c->remedy, sizeof(c->remedy), "%s", f->remedy);
			profiles_release(&c->profiles);
			return false;
		}
	}
	say_nobody(c);
	profiles_release(&c->profiles);
	return false;
}

const struct aws_keys *aws_chain_get(struct aws_chain *c)
{
	int64_t wall = clock_wall(c->conf.clock), mono = clock_mono(c->conf.clock);
	int64_t left = c->now.expires_ms ? c->now.expires_ms - wall : INT64_MAX;
	struct aws_found f;
	if (c->have && left > RENEW_MS)
		return &c->now.keys;
	if (c->failed_at && mono - c->failed_at < AGAIN_MS)
		return c->have && left > 0 ? &c->now.keys : NULL;
	if (search(c, &f)) {
		aws_keys_release(&c->now.keys);
		c->now = f;
		c->have = true;
		c->failed_at = 0;
		/* what is short-lived by nature is not asked for at every call */
		if (f.expires_ms && f.expires_ms - wall <= RENEW_MS)
			c->failed_at = mono;
		c->why[0] = c->remedy[0] = '\0';
		return &c->now.keys;
	}
	c->failed_at = mono;
	if (c->have && left > 0)
		return &c->now.keys;
	aws_keys_release(&c->now.keys);
	c->have = false;
	return NULL;
}

void aws_chain_forget(struct aws_chain *c)
{
	aws_keys_release(&c->now.keys);
	c->have = false;
	c->failed_at = 0;
	c->now.expires_ms = 0;
}

const char *aws_chain_region(struct aws_chain *c)
{
	return c->region;
}

const char *aws_chain_from(const struct aws_chain *c)
{
	return c->have ? c->now.from : "";
}

int64_t aws_chain_expires(const struct aws_chain *c)
{
	return c->have ? c->now.expires_ms : 0;
}

const char *aws_chain_why(const struct aws_chain *c)
{
	return c->why;
}

const char *aws_chain_remedy(const struct aws_chain *c)
{
	return c->remedy;
}

bool aws_chain_nobody(const struct aws_chain *c)
{
	return !c->have && c->nobody;
}

void aws_chain_explain(const struct aws_chain *c, struct buf *out)
{
	for (int i = 0; i < AWS_LINK_COUNT; i++)
		if (c->said[i][0])
			buf_addf(out, "%s: %s\n", aws_link_names[i], c->said[i]);
}
