/* tunnel_private: between tunnel.c and tunnel_ssh.c. */
#ifndef NET_TUNNEL_PRIVATE_H
#define NET_TUNNEL_PRIVATE_H
#include "backends/net/late.h"
#include "backends/net/tunnel.h"
#include "base/clock.h"

/* One SSH connection, of the tunnel's thread. */
struct ssh {
	const struct late_ssh2 *lib;
	int fd, quit;                    /* quit: readable when all waiting has to end */
	LIBSSH2_SESSION *session;        /* NULL: not connected; calls do not block once it is */
	char why[400], remedy[300];      /* of the last failure */
};
/* Connects, checks the host's key and logs in, within ms. False: why and remedy say what is wrong. */
bool ssh_open(struct ssh *s, const char *where, const char *key, int ms);
void ssh_close(struct ssh *s);
void ssh_say(struct ssh *s, const char *remedy, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What libssh2 last said, or `otherwise` where it said nothing. Borrowed. */
const char *ssh_words(struct ssh *s, const char *otherwise);
#endif
