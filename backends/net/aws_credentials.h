/* aws_credentials: who we are for AWS and its likes, found as the SDKs find it, kept until it expires, and told: which
 * link of the chain gave the keys, or why each did not. The order is botocore's:
 *
 *   settings       access_key and secret_key of the source in binnacle.yaml
 *   environment    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (not when a profile is asked for)
 *   assume-role    role_arn with source_profile or credential_source of the profile, by STS
 *   web-identity   AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (EKS: IRSA), or the same of the profile, by STS
 *   sso            sso_session or sso_start_url of the profile, with the cache of `aws sso login`
 *   shared-file    keys of the profile in ~/.aws/credentials
 *   process        credential_process of the profile
 *   config-file    keys of the profile in ~/.aws/config
 *   container      AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI (EKS Pod Identity, ECS)
 *   instance       metadata of EC2, version 2
 *
 * A link that is not set up is passed over; one that is set up and fails ends the search with its reason, for the next
 * one would be somebody else. Where the SDKs read AWS_ENDPOINT_URL_STS, _SSO, _SSO_OIDC, AWS_ENDPOINT_URL and
 * AWS_EC2_METADATA_SERVICE_ENDPOINT, so do we. The cache of `aws login` is not read.
 *
 * One thread at a time; calls take as long as the network does, each under a limit of some seconds. */
#ifndef NET_AWS_CREDENTIALS_H
#define NET_AWS_CREDENTIALS_H
#include "backends/net/sigv4.h"
#include "base/yaml.h"

enum aws_link { AWS_SETTINGS, AWS_ENVIRONMENT, AWS_ASSUME_ROLE, AWS_WEB_IDENTITY, AWS_SSO, AWS_SHARED_FILE, AWS_PROCESS,
                AWS_CONFIG_FILE, AWS_CONTAINER, AWS_INSTANCE, AWS_LINK_COUNT };
extern const char *const aws_link_names[AWS_LINK_COUNT];   /* "settings" */

struct aws_conf {
	const struct yaml *settings;     /* the source's node: access_key, secret_key, session_token, profile, region; or NULL */
	const struct clock *clock;
	bool (*cancelled)(void *arg);    /* polled while the network is waited for; may be NULL */
	void *arg;
};
/* What a backend's table of settings begins with. */
#define AWS_CONFIG_KEYS \
	{ "region", CONFIG_TEXT, NULL, .help = "AWS region; without it AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1" }, \
	{ "profile", CONFIG_TEXT, NULL, .help = "profile in ~/.aws/config and ~/.aws/credentials; without it AWS_PROFILE, then default" }, \
	{ "access_key", CONFIG_SECRET, NULL, .help = "access key id; without it the chain of the AWS SDKs is followed" }, \
	{ "secret_key", CONFIG_SECRET, NULL, .help = "secret access key that goes with access_key" }, \
	{ "session_token", CONFIG_SECRET, NULL, .help = "session token that goes with access_key, where it is temporary" }

struct aws_chain;
struct aws_chain *aws_chain_new(const struct aws_conf *conf);   /* conf's parts are borrowed; asks nothing yet */
void aws_chain_free(struct aws_chain *c);

/* Keys that are good for a while: NULL when there are none, and aws_chain_why says why. Borrowed until the next call.
 * Kept ones are given at once; those with less than 10 minutes to go are fetched anew, and where that fails while they
 * are still good, they are given as they are. A failure is remembered for 20 seconds. */
const struct aws_keys *aws_chain_get(struct aws_chain *c);
/* The server refused them as expired or wrong: the next get asks anew, where asking can give others. */
void aws_chain_forget(struct aws_chain *c);
const char *aws_chain_region(struct aws_chain *c);          /* never NULL: "us-east-1" when nothing says */
/* Who gave the keys: "profile 'prod' in ~/.aws/credentials"; "" before there are any. */
const char *aws_chain_from(const struct aws_chain *c);
int64_t aws_chain_expires(const struct aws_chain *c);       /* wall ms, 0 = never or unknown */
/* After get gave NULL: one sentence, and what to do. "No credentials: ..." names what each link lacks. */
const char *aws_chain_why(const struct aws_chain *c);
const char *aws_chain_remedy(const struct aws_chain *c);
/* True: no link is set up at all, which is another thing than one that fails. */
bool aws_chain_nobody(const struct aws_chain *c);
/* "environment: AWS_ACCESS_KEY_ID is not set" for each link, one a line; what was said at the last search. */
void aws_chain_explain(const struct aws_chain *c, struct buf *out);
#endif
