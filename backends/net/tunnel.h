/* tunnel: the way to a server that only a host behind SSH reaches: local doors whose connections come out at that host.
 *
 *   tunnel.c        doors, SOCKS, and the bytes between local connections and channels; one thread
 *   tunnel_ssh.c    the SSH connection: where to, whose host key, as whom (over libssh2, loaded late)
 *
 * A door listens on 127.0.0.1 and lets in connections of this user only (by /proc/net/tcp): others on a shared host do not
 * get in. The SSH connection is made when somebody first goes through a door, and again when it was lost. The host
 * is looked up in the user's own settings of ssh (`ssh -G`, where that program is), its key must be known
 * (known_hosts), keys come from `tunnel_key`, the agent, or the files that ssh would try. It never asks anything.
 * Protocols: RFC 4254 7.2 (direct-tcpip), RFC 1928 (SOCKS 5, CONNECT without authentication). */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H
#include "base/yaml.h"
#include <stdbool.h>
#include <stddef.h>

/* Its settings are TUNNEL_CONFIG_KEYS (base/config.h). */
struct tunnel;
/* By the settings of a source (may be NULL). NULL: none is set. Opens nothing yet. Its functions may be called by any thread. */
struct tunnel *tunnel_new(const struct yaml *settings);
void tunnel_free(struct tunnel *t);          /* NULL is nothing; ends all its connections */
/* A proxy for libcurl, "socks5h://127.0.0.1:PORT", good as long as t. Where no door can be made it is one that refuses. */
const char *tunnel_proxy(struct tunnel *t);
/* The port of 127.0.0.1 that leads to host:port; the same one for the same target. 0: none can be made, tunnel_trouble says why. */
int tunnel_port(struct tunnel *t, const char *host, int port);
/* Why the last connection through it failed, and what to do. False: it did not. */
bool tunnel_trouble(struct tunnel *t, char *why, size_t size, char *remedy, size_t remedy_size);
const char *tunnel_name(const struct tunnel *t);      /* as it was set */

/* ---- apart for tests */
/* "user@host:22", "ssh://...", "[::1]:22"; user "" and port 0 where not said. False: none of these. */
bool tunnel_parse(const char *text, char *user, size_t user_size, char *host, size_t host_size, int *port);
/* Of a client's SOCKS bytes: how many make one request, 0 for more needed, -1 for none of ours. host has 256 bytes. */
int socks_request(const unsigned char *p, size_t n, char *host, int *port);
/* Whether the connection from 127.0.0.1:`from` to 127.0.0.1:`to` is one of this user, by the lines of /proc/net/tcp. */
bool tcp_is_ours(const char *lines, int from, int to, unsigned uid);
#endif
