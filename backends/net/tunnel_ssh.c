/* tunnel_ssh: the SSH connection of a tunnel, up to the login. What the user has set for ssh itself counts here too: `ssh -G`
 * says which host, port, user, keys and known_hosts a name means. */
#define _GNU_SOURCE
#include "backends/net/tunnel_private.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 12, LOST_MS = 45000, ALIVE_S = 30 };

struct place {                       /* what a name means */
	char user[128], host[256], alias[256];       /* alias: its name in known_hosts */
	int port;
	char *keys[FILES_MAX], *known[FILES_MAX]; unsigned nkeys, nknown;
	char jump[160];                  /* a ProxyJump or ProxyCommand, which is not followed */
};

void ssh_say(struct ssh *s, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	snprintf(s->remedy, sizeof(s->remedy), "%s", remedy);
}

const char *ssh_words(struct ssh *s, const char *otherwise)
{
	char *words = NULL;
	int n = 0;
	if (s->session)
		s->lib->session_last_error(s->session, &words, &n, 0);
	return words && n > 0 ? words : otherwise;
}

/* ---- which host */

static struct str str_from(struct str s, size_t at)
{
	return (struct str){ s.p + at, s.n - at };
}

bool tunnel_parse(const char *text, char *user, size_t user_size, char *host, size_t host_size, int *port)
{
	struct str s = str_trim(str_of(text)), before;
	int64_t n = 0;
	*user = '\0';
	*port = 0;
	if (str_starts(s, STR("ssh://")))
		s = str_from(s, 6);
	const char *at = memrchr(s.p, '@', s.n);
	if (at) {
		before = (struct str){ s.p, (size_t)(at - s.p) };
		s = str_from(s, before.n + 1);
		if (!before.n || before.n >= user_size)
			return false;
		snprintf(user, user_size, "%.*s", (int)before.n, before.p);
	}
	const char *end = s.n && *s.p == '[' ? memchr(s.p, ']', s.n) : NULL;
	const char *colon = end ? (end + 1 < s.p + s.n ? end + 1 : NULL) : memchr(s.p, ':', s.n);
	struct str name = end ? (struct str){ s.p + 1, (size_t)(end - s.p - 1) } : colon ? (struct str){ s.p, (size_t)(colon - s.p) } : s;
	if (colon && (*colon != ':' || !str_to_i64(str_from(s, (size_t)(colon - s.p) + 1), &n) || n < 1 || n > 65535))
		return false;
	/* a name that begins with - would be an option of ssh */
	if (!name.n || name.n >= host_size || *name.p == '-' || memchr(name.p, '/', name.n) || memchr(name.p, ' ', name.n))
		return false;
	snprintf(host, host_size, "%.*s", (int)name.n, name.p);
	*port = (int)n;
	return true;
}

static void add_file(char **list, unsigned *n, struct str name)
{
	const char *home = getenv("HOME");
	if (*n < FILES_MAX && name.n)
		list[(*n)++] = home && str_starts(name, STR("~/")) ? xasprintf("%s%.*s", home, (int)name.n - 1, name.p + 1) : str_dup(name);
}

static void put(char *out, size_t size, struct str value)
{
	snprintf(out, size, "%.*s", (int)value.n, value.p);
}

/* One line of `ssh -G`: a keyword in lower case and its value. */
static void take_line(struct place *p, struct str line, bool user_said, bool port_said)
{
	struct str key = str_split(&line, ' ');
	int64_t n;
	if (str_eq(key, STR("hostname")))
		put(p->host, sizeof(p->host), line);
	else if (str_eq(key, STR("user")) && !user_said)
		put(p->user, sizeof(p->user), line);
	else if (str_eq(key, STR("port")) && !port_said && str_to_i64(line, &n) && n > 0 && n < 65536)
		p->port = (int)n;
	else if (str_eq(key, STR("hostkeyalias")))
		put(p->alias, sizeof(p->alias), line);
	else if (str_eq(key, STR("identityfile")))
		add_file(p->keys, &p->nkeys, line);
	else if ((str_eq(key, STR("proxyjump")) || str_eq(key, STR("proxycommand"))) && !str_eq(line, STR("none")))
		put(p->jump, sizeof(p->jump), line);
	else if (str_eq(key, STR("userknownhostsfile")) || str_eq(key, STR("globalknownhostsfile")))
		while (line.n)
			add_file(p->known, &p->nknown, str_split(&line, ' '));
}

/* What ssh itself would make of the name. Without the program, or when it refuses its settings: its defaults. */
static void ask_ssh(struct place *p, bool user_said, bool port_said)
{
	struct buf line = { 0 };
	struct secret out = { 0 };
	char why[200];
	buf_adds(&line, "exec ssh -G -- '");
	for (const char *c = p->host; *c; c++)
		*c == '\'' ? buf_adds(&line, "'\\''") : buf_addc(&line, *c);
	buf_addc(&line, '\'');
	buf_addc(&line, '\0');
	if (secret_from_command(&out, line.data, why, sizeof(why)) == 0) {
		struct str rest = secret_reveal(out);
		while (rest.n)
			take_line(p, str_split(&rest, '\n'), user_said, port_said);
	} else {
		static const char *const keys[] = { "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa" };
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			add_file(p->keys, &p->nkeys, str_of(keys[i]));
		add_file(p->known, &p->nknown, STR("~/.ssh/known_hosts"));
		add_file(p->known, &p->nknown, STR("/etc/ssh/ssh_known_hosts"));
	}
	secret_release(&out);
	buf_release(&line);
}

static void place_release(struct place *p)
{
	for (unsigned i = 0; i < p->nkeys; i++)
		free(p->keys[i]);
	for (unsigned i = 0; i < p->nknown; i++)
		free(p->known[i]);
}

static bool place_find(struct ssh *s, struct place *p, const char *where, const char *key)
{
	if (!tunnel_parse(where, p->user, sizeof(p->user), p->host, sizeof(p->host), &p->port)) {
		ssh_say(s, "write USER@HOST:PORT, or a name of ~/.ssh/config", "'%.120s' is no host to tunnel through", where);
		return false;
	}
	bool user_said = *p->user, port_said = p->port > 0;
	const struct passwd *me = getpwuid(getuid());
	char name[256];
	snprintf(name, sizeof(name), "%s", p->host);
	ask_ssh(p, user_said, port_said);
	if (!*p->alias)
		snprintf(p->alias, sizeof(p->alias), "%s", p->host);
	if (!*p->user && me)
		snprintf(p->user, sizeof(p->user), "%s", me->pw_name);
	p->port = p->port ? p->port : 22;
	if (key && *key) {
		while (p->nkeys)
			free(p->keys[--p->nkeys]);
		add_file(p->keys, &p->nkeys, str_of(key));
	}
	if (*p->jump) {
		ssh_say(s, "name the last host that can be reached directly, or forward a port by ssh and set 'url' to it",
		        "~/.ssh/config reaches '%s' by way of '%s', which is not followed", name, p->jump);
		return false;
	}
	return true;
}

/* ---- waiting */

/* Until the connection has something for us; false: too late, or all waiting ends. */
static bool wait_ready(struct ssh *s, short events, int64_t until)
{
	int64_t left = until - clock_mono(&clock_system);
	struct pollfd p[2] = { { .fd = s->fd, .events = events }, { .fd = s->quit, .events = POLLIN } };
	if (left <= 0)
		return false;
	if (poll(p, 2, (int)left) < 0 && errno != EINTR)
		return false;
	return !(p[1].revents & POLLIN);
}

static bool wait_session(struct ssh *s, int64_t until)
{
	int d = s->lib->session_block_directions(s->session);
	return wait_ready(s, (short)((d & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0) | (d & LIBSSH2_SESSION_BLOCK_INBOUND ? POLLIN : 0)),
	                  until);
}

/* Repeats a call that would block; its result, or LIBSSH2_ERROR_TIMEOUT. */
#define PATIENTLY(s, until, call) __extension__ ({ \
	int rc_; \
	while ((rc_ = (call)) == LIBSSH2_ERROR_EAGAIN) \
		if (!wait_session(s, until)) { \
			rc_ = LIBSSH2_ERROR_TIMEOUT; \
			break; \
		} \
	rc_; })

/* ---- the way there */

static int dial_one(struct ssh *s, const struct addrinfo *a, int64_t until)
{
	int on = 1, error = 0;
	unsigned lost = LOST_MS;
	socklen_t n = sizeof(error);
	s->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (s->fd < 0)
		return errno;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost, sizeof(lost));
	if (connect(s->fd, a->ai_addr, a->ai_addrlen) < 0)
		error = errno != EINPROGRESS ? errno : !wait_ready(s, POLLOUT, until) ? ETIMEDOUT
		        : getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 ? errno : error;
	if (error)
		close(s->fd), s->fd = -1;
	return error;
}

static bool dial(struct ssh *s, const struct place *p, int64_t until)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *all = NULL;
	char port[8];
	snprintf(port, sizeof(port), "%d", p->port);
	int rc = getaddrinfo(p->host, port, &hints, &all), error = ETIMEDOUT;
	if (rc) {
		ssh_say(s, "check the name, DNS and whether the VPN is up", "SSH: no such host: %s (%s)", p->host, gai_strerror(rc));
		return false;
	}
	for (const struct addrinfo *a = all; a && s->fd < 0; a = a->ai_next)
		error = dial_one(s, a, until);
	freeaddrinfo(all);
	if (s->fd < 0)
		ssh_say(s, "check the address, the VPN, and that sshd runs there", "SSH: %s port %d cannot be reached: %s", p->host, p->port,
		        strerror(error));
	return s->fd >= 0;
}

/* ---- whose key */

static const struct { int known; const char *method; } key_kinds[] = {
	{ LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519" }, { LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384" }, { LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521" },
	{ LIBSSH2_KNOWNHOST_KEY_SSHRSA, "ssh-rsa" },
};
enum { PLAIN = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW };

static LIBSSH2_KNOWNHOSTS *read_known(struct ssh *s, const struct place *p)
{
	LIBSSH2_KNOWNHOSTS *known = s->lib->knownhost_init(s->session);
	for (unsigned i = 0; known && i < p->nknown; i++)
		s->lib->knownhost_readfile(known, p->known[i], LIBSSH2_KNOWNHOST_FILE_OPENSSH);      /* missing: nothing */
	return known;
}

/* Kinds of key that are known of this host go first, as ssh does it: a host with several would show another one. */
static void prefer_known(struct ssh *s, const struct place *p, LIBSSH2_KNOWNHOSTS *known)
{
	struct buf first = { 0 }, rest = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(key_kinds); i++) {
		int is = s->lib->knownhost_checkp(known, p->alias, p->port, "?", 1, PLAIN | key_kinds[i].known, NULL);
		struct buf *b = is == LIBSSH2_KNOWNHOST_CHECK_MISMATCH ? &first : &rest;
		buf_addf(b, "%s%s", b->len ? "," : "", key_kinds[i].method);
	}
	if (first.len && rest.len)
		buf_addc(&first, ',');
	buf_addstr(&first, buf_str(&rest));
	buf_addc(&first, '\0');
	s->lib->session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY, first.data);
	buf_release(&first);
	buf_release(&rest);
}

/* As ssh-keygen writes it, without padding. */
static void fingerprint(struct ssh *s, char out[48])
{
	const char *h = s->lib->hostkey_hash(s->session, LIBSSH2_HOSTKEY_HASH_SHA256);
	*out = '\0';
	if (h)
		base64(h, 32, out);
	out[strcspn(out, "=")] = '\0';
}

static bool check_key(struct ssh *s, const struct place *p, LIBSSH2_KNOWNHOSTS *known)
{
	static const int of_kind[] = { [LIBSSH2_HOSTKEY_TYPE_RSA] = LIBSSH2_KNOWNHOST_KEY_SSHRSA,
		[LIBSSH2_HOSTKEY_TYPE_DSS] = LIBSSH2_KNOWNHOST_KEY_SSHDSS, [LIBSSH2_HOSTKEY_TYPE_ECDSA_256] = LIBSSH2_KNOWNHOST_KEY_ECDSA_256,
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_384] = LIBSSH2_KNOWNHOST_KEY_ECDSA_384,
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_521] = LIBSSH2_KNOWNHOST_KEY_ECDSA_521,
		[LIBSSH2_HOSTKEY_TYPE_ED25519] = LIBSSH2_KNOWNHOST_KEY_ED25519 };
	size_t n = 0;
	int kind = 0;
	const char *key = s->lib->session_hostkey(s->session, &n, &kind);
	char print[48];
	int is = !key || kind <= 0 || (size_t)kind >= ARRAY_SIZE(of_kind) ? LIBSSH2_KNOWNHOST_CHECK_FAILURE
	         : s->lib->knownhost_checkp(known, p->alias, p->port, key, n, PLAIN | of_kind[kind], NULL);
	if (is == LIBSSH2_KNOWNHOST_CHECK_MATCH)
		return true;
	fingerprint(s, print);
	if (is == LIBSSH2_KNOWNHOST_CHECK_MISMATCH)
		ssh_say(s, "somebody may be in between: go no further before its operator confirms the new key; then ssh-keygen -R forgets the old one",
		        "SSH: the host key of %s is not the known one (now SHA256:%s)", p->alias, print);
	else
		ssh_say(s, "ask whoever runs it for its fingerprint, then log in to it once with ssh", "SSH: the host key of %s is not known (SHA256:%s)",
		        p->alias, print);
	return false;
}

/* ---- as whom */

static bool by_agent(struct ssh *s, const struct place *p, int64_t until, unsigned *tried)
{
	LIBSSH2_AGENT *agent = getenv("SSH_AUTH_SOCK") ? s->lib->agent_init(s->session) : NULL;
	struct libssh2_agent_publickey *key = NULL;
	bool in = false;
	if (agent && s->lib->agent_connect(agent) == 0 && s->lib->agent_list_identities(agent) == 0)
		while (!in && s->lib->agent_get_identity(agent, &key, key) == 0) {
			in = PATIENTLY(s, until, s->lib->agent_userauth(agent, p->user, key)) == 0;
			++*tried;
		}
	if (agent) {
		s->lib->agent_disconnect(agent);
		s->lib->agent_free(agent);
	}
	return in;
}

static bool log_in(struct ssh *s, const struct place *p, bool own_key, int64_t until)
{
	unsigned tried = 0;
	char last[200] = "";
	char *list = NULL;
	while (!(list = s->lib->userauth_list(s->session, p->user, (unsigned)strlen(p->user))) &&
	       !s->lib->userauth_authenticated(s->session) && s->lib->session_last_error(s->session, NULL, NULL, 0) == LIBSSH2_ERROR_EAGAIN)
		if (!wait_session(s, until))
			break;
	if (s->lib->userauth_authenticated(s->session))      /* "none" was enough */
		return true;
	if (!own_key && by_agent(s, p, until, &tried))
		return true;
	for (unsigned i = 0; i < p->nkeys; i++) {
		if (access(p->keys[i], R_OK) < 0) {
			if (own_key)
				snprintf(last, sizeof(last), "%.120s: %s", p->keys[i], strerror(errno));
			continue;
		}
		tried++;
		if (PATIENTLY(s, until, s->lib->userauth_publickey_fromfile_ex(s->session, p->user, (unsigned)strlen(p->user), NULL, p->keys[i],
		                                                               NULL)) == 0)
			return true;
		snprintf(last, sizeof(last), "%.120s: %s", p->keys[i], ssh_words(s, "refused"));
	}
	ssh_say(s, "set 'tunnel_key', or load the key into the agent (ssh-add), which also opens one with a passphrase; try it with ssh",
	        "SSH: %s lets %s not in by %u key%s%s%s", p->host, p->user, tried, tried == 1 ? "" : "s", *last ? "; " : "", last);
	return false;
}

/* ---- all of it */

static bool shake_hands(struct ssh *s, const struct place *p, int64_t until)
{
	LIBSSH2_KNOWNHOSTS *known = read_known(s, p);
	bool ok = false;
	if (!known) {
		ssh_say(s, "free some memory", "SSH: no memory for known_hosts");
		return false;
	}
	prefer_known(s, p, known);
	if (PATIENTLY(s, until, s->lib->session_handshake(s->session, s->fd)) == 0)
		ok = check_key(s, p, known);
	else
		ssh_say(s, "does sshd listen there?", "SSH: no handshake with %s port %d: %s", p->host, p->port,
		        ssh_words(s, "no answer in time"));
	s->lib->knownhost_free(known);
	return ok;
}

bool ssh_open(struct ssh *s, const char *where, const char *key, int ms)
{
	struct place p = { .port = 0 };
	const char *why = NULL;
	int64_t until = clock_mono(&clock_system) + ms;
	s->lib = s->lib ? s->lib : late_ssh2(&why);
	s->fd = -1;
	if (!s->lib) {
		ssh_say(s, "install libssh2 (Debian: apt-get install libssh2-1)", "%s", why);
		return false;
	}
	bool ok = place_find(s, &p, where, key) && dial(s, &p, until);
	if (ok) {
		s->session = s->lib->session_init_ex(NULL, NULL, NULL, NULL);
		if (s->session) {
			s->lib->session_set_blocking(s->session, 0);
			s->lib->keepalive_config(s->session, 1, ALIVE_S);
		}
		ok = s->session && shake_hands(s, &p, until) && log_in(s, &p, key && *key, until);
	}
	if (!ok)
		ssh_close(s);
	place_release(&p);
	return ok;
}

void ssh_close(struct ssh *s)
{
	if (s->session) {
		s->lib->session_disconnect_ex(s->session, SSH_DISCONNECT_BY_APPLICATION, "bye", "");
		shutdown(s->fd, SHUT_RDWR);                  /* so that nothing below waits for the other side */
		s->lib->session_set_blocking(s->session, 1);
		s->lib->session_free(s->session);
	}
	if (s->fd >= 0)
		close(s->fd);
	s->session = NULL;
	s->fd = -1;
}
