/* aws_private: what the files of the credential chain share.
 *
 *   aws_credentials.c   the chain, keeping and refreshing      aws_profile.c   the two files of profiles
 *   aws_local.c         links that need no network             aws_sts.c       STS: assume role, web identity
 *   aws_remote.c        SSO, container, instance */
#ifndef NET_AWS_PRIVATE_H
#define NET_AWS_PRIVATE_H
#include "backends/net/aws_credentials.h"

/* ---- profiles: two files of INI, as one */
struct aws_profiles { struct ini_line { char *section, *name, *value; bool config; } *lines; unsigned n; };
void profiles_load(struct aws_profiles *p);              /* AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, ~/.aws */
void profiles_release(struct aws_profiles *p);           /* wipes values */
void profiles_path(bool config, struct buf *out);        /* where that file is */
/* A value of profile `name`: of ~/.aws/config, or of ~/.aws/credentials. NULL: not there. */
const char *profile_get(const struct aws_profiles *p, bool config, const char *profile, const char *name);
const char *sso_session_get(const struct aws_profiles *p, const char *session, const char *name);
bool profile_is(const struct aws_profiles *p, const char *profile);   /* in either file */

/* ---- a search under way */
enum aws_result { AWS_ABSENT, AWS_GAVE, AWS_FAILED };    /* not set up; here they are; set up, and it failed */
struct aws_found {
	struct aws_keys keys;
	int64_t expires_ms;
	char from[200], why[400], remedy[200];   /* from with GAVE, why with the others */
};
struct aws_chain {
	struct aws_conf conf;
	struct aws_profiles profiles;
	char *profile;                   /* in use: settings', AWS_PROFILE, "default" */
	bool profile_asked;              /* by the settings */
	char *region;
	struct aws_found now;            /* the keys in use */
	bool have, nobody;
	int64_t failed_at;               /* mono; 0: the last search did not fail */
	char why[900], remedy[256];
	char said[AWS_LINK_COUNT][400];
	unsigned depth;                  /* profiles that refer to one another */
};
typedef enum aws_result (*aws_link_fn)(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_settings_keys(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_environment(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_assume_role(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_web_identity(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_sso(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_shared_file(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_process(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_config_file(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_container(struct aws_chain *c, const char *profile, struct aws_found *f);
enum aws_result link_instance(struct aws_chain *c, const char *profile, struct aws_found *f);

/* ---- helpers */
const char *env_of(const char *name);                    /* NULL when unset or empty */
enum aws_result aws_absent(struct aws_found *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum aws_result aws_failed(struct aws_found *f, const char *remedy, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool aws_take_keys(struct aws_found *f, const char *id, const char *secret, const char *token);   /* false: one is missing */
/* The members of a JSON answer of these names into keys and expiry. False: it is none. */
struct aws_names { const char *id, *secret, *token, *expires; };
enum aws_result aws_take_json(struct aws_found *f, struct str json, const char *member, const struct aws_names *names,
                              const char *who);
/* One small exchange with a server at `base`; what: for sentences. direct: never by a proxy. False: reply says why. */
struct http_request;
bool aws_ask(struct aws_chain *c, const char *base, const char *what, bool direct, const struct aws_keys *sign,
             struct http_request *q, struct http_reply *r);
/* AWS_ENDPOINT_URL_<service>, AWS_ENDPOINT_URL, or what `fmt` makes of the region. */
void aws_endpoint(const char *service, const char *host, const char *region, struct buf *out);
#endif
