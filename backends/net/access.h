/* access: where a source's server is, and as whom it is asked: the settings that all servers behind HTTP have in common.
 * A token goes before user and password. What comes from a file is read again when that changes; what comes from a file or a
 * command is read again, too, when the server answers 401. */
#ifndef NET_ACCESS_H
#define NET_ACCESS_H
#include "backends/net/http.h"
#include "backends/net/tunnel.h"
#include "base/source.h"

/* The members of `struct config_key` for them; `url` is each backend's own, as its help says what belongs there. */
#define ACCESS_CONFIG_KEYS \
	{ .name = "user", .type = CONFIG_TEXT, .help = "User, where the server asks for user and password." }, \
	{ .name = "password", .type = CONFIG_SECRET, .help = "Its password." }, \
	{ .name = "token", .type = CONFIG_SECRET, .help = "Bearer token instead of user and password. A command may print a " \
	  "short-lived one: it is run again when the token is refused." }, \
	{ .name = "token_header", .type = CONFIG_TEXT, .help = "The header that carries the token as it is, instead of Authorization: " \
	  "Bearer: X-Api-Key, as gateways ask for it." }, \
	{ .name = "ca", .type = CONFIG_PATH, .help = "Certificates (PEM) to trust instead of the system's." }, \
	{ .name = "insecure", .type = CONFIG_BOOL, .otherwise = "false", .help = "Do not verify the certificate; shown as a red " \
	  "badge for as long as it lasts." }, \
	{ .name = "proxy", .type = CONFIG_TEXT, .help = "http://, https:// or socks5h:// proxy; else that of the environment." }, \
	{ .name = "host", .type = CONFIG_TEXT, .help = "Host header to send instead of the address's own: for an ingress in front, or " \
	  "for servers that take only names they know, when reached by port-forward." }, \
	{ .name = "headers", .type = CONFIG_MAP, .help = "Further headers for every request: a tenant (X-Scope-OrgID: ml) or a route " \
	  "(x-canary: always), so that two sources of one address are champion and challenger. No secrets." }, \
	TUNNEL_CONFIG_KEYS

struct access_secret { struct secret is; uint64_t seen; };
struct access {
	const struct yaml *settings;     /* of the source; borrowed, may be NULL */
	char *base;                      /* `url` without slashes at its end; "" where it is not set */
	char shown[160];                 /* the same for sentences */
	const char *user, *host, *token_header;      /* NULL: not set */
	struct access_secret password, token;
	struct tunnel *tunnel;           /* NULL: none */
	struct http_conf conf;           /* for http_new: all of the settings, auth and renew; the caller may change it before */
};
void access_open(struct access *a, struct link *l, const char *what);      /* what: http_conf's; borrowed */
void access_at(struct access *a, const char *url);           /* another address than the setting's; copied */
void access_close(struct access *a);
bool access_has(const struct access *a, const char *key);    /* "token" or "password" is set */
/* Has the secrets at hand that are set. False: auth's error and remedy say which cannot be read. */
bool access_secrets(struct access *a, struct http_auth *auth);
/* Before the server said no; what may be another by now is read anew when next needed. False: nothing can be. */
bool access_forget(struct access *a);
/* http_conf's auth and renew, with arg the struct access. */
bool access_auth(void *access, struct http_auth *auth);
bool access_renew(void *access, uint64_t which);
#endif
