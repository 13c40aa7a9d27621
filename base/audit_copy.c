/* audit_copy: see audit_copy.h. */
#define _GNU_SOURCE
#include "base/audit_copy.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 200, BATCH_BYTES = 4 << 20, LOOK_MS = 1000, AGAIN_MS = 15000 };

static const struct config_key postgres_keys[] = {
	CONFIG_PG_KEYS,
	{ "table", CONFIG_TEXT, "binnacle_audit", .help = "The table; it is made when it is not there and may be." },
	CONFIG_END
};
const struct config_key audit_keys[] = {
	{ "postgres", CONFIG_SECTION, .section = postgres_keys,
	  .help = "Copy each line into a table there too. The file stays the truth: nothing waits for the copy, and it catches up." },
	{ "syslog", CONFIG_ENUM, .choices = "auth|authpriv|daemon|user|local0|local1|local2|local3|local4|local5|local6|local7",
	  .help = "Send each line, without its plan, to syslog too, with this facility." },
	CONFIG_END
};

struct audit_copy {
	char *path, *remember;
	struct audit_sink sink;
	atomic_bool *closing;
	pthread_t thread;
	pthread_mutex_t lock;            /* of what follows */
	pthread_cond_t wake;
	bool ending, ended;
	char *why;                       /* it is behind, and why; NULL: it is not */
};

/* ---- where it was */

struct place { off_t at; char hash[65]; };       /* behind the line with this hash */

/* The place in the file, and the lock that lets one program copy at a time; -1: another does. */
static int place_take(const struct audit_copy *c, struct place *p)
{
	int fd = open(c->remember, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[160] = "";
	long long at = 0;

	*p = (struct place){ 0 };
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%lld %64[0-9a-f]", &at, p->hash) == 2)
		p->at = (off_t)at;
	return fd;
}

static void place_keep(int fd, const struct place *p)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "%lld %s\n", (long long)p->at, p->hash);

	if (pwrite(fd, text, (size_t)n, 0) == n && ftruncate(fd, n) == 0)
		fdatasync(fd);
}

/* The file may have been put away and begun anew: then the line before the place is another, or there is none. */
static bool place_holds(int fd, const struct place *p)
{
	struct stat st;
	struct buf b = { 0 };
	char hash[65] = "";
	off_t from = p->at > (1 << 20) ? p->at - (1 << 20) : 0;
	const char *nl;

	if (p->at == 0)
		return true;
	if (fstat(fd, &st) != 0 || st.st_size < p->at)
		return false;
	buf_reserve(&b, (size_t)(p->at - from));
	if (pread(fd, b.data, (size_t)(p->at - from), from) == p->at - from) {
		size_t n = (size_t)(p->at - from) - 1;

		nl = memrchr(b.data, '\n', n);
		crypto_sha256(nl ? (struct str){ nl + 1, (size_t)(b.data + n - nl - 1) } : (struct str){ b.data, n }, hash);
	}
	buf_release(&b);
	return !strcmp(hash, p->hash);
}

/* ---- copying */

static bool closing(const struct audit_copy *c)
{
	return atomic_load(c->closing);
}

/* Whole lines from the place on. */
static unsigned read_lines(FILE *f, struct str *lines, char **texts)
{
	unsigned n = 0;
	size_t all = 0, cap;
	ssize_t got;

	for (; n < BATCH && all < BATCH_BYTES; n++) {
		texts[n] = NULL;
		cap = 0;
		got = getline(&texts[n], &cap, f);
		if (got <= 0 || texts[n][got - 1] != '\n') {       /* half a line: whoever writes it is not done */
			free(texts[n]);
			break;
		}
		lines[n] = (struct str){ texts[n], (size_t)got - 1 };
		all += (size_t)got;
	}
	return n;
}

/* One batch. Returns how many lines are over there, -1: none, and *why. */
static int copy_some(struct audit_copy *c, FILE *f, int memory, struct place *p, char **why)
{
	struct str lines[BATCH];
	char *texts[BATCH];
	unsigned n, taken;

	fseeko(f, p->at, SEEK_SET);
	n = read_lines(f, lines, texts);
	taken = n ? c->sink.put(c->sink.arg, lines, n, why) : 0;
	for (unsigned i = 0; i < taken; i++)
		p->at += (off_t)lines[i].n + 1;
	if (taken) {
		crypto_sha256(lines[taken - 1], p->hash);
		place_keep(memory, p);
	}
	for (unsigned i = 0; i < n; i++)
		free(texts[i]);
	return taken < n ? -1 : (int)n;
}

/* Until the end of the file. NULL: it is there (or another program copies); else why not, to be freed. */
static char *copy_all(struct audit_copy *c)
{
	struct place p;
	int memory = place_take(c, &p), n = 0;
	FILE *f = memory >= 0 ? fopen(c->path, "re") : NULL;
	char *why = NULL;

	if (f && !place_holds(fileno(f), &p))
		p = (struct place){ 0 };
	while (f && !closing(c) && (n = copy_some(c, f, memory, &p, &why)) > 0)
		;
	if (n < 0 && !why)
		why = xstrdup("it took only some of them");
	if (f)
		fclose(f);
	if (memory >= 0)
		close(memory);
	return why;
}

static void *follow(void *arg)
{
	struct audit_copy *c = arg;
	bool ending = false;

	while (!ending) {
		char *why = copy_all(c);
		struct timespec until;

		pthread_mutex_lock(&c->lock);
		free(c->why);
		c->why = why;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (why ? AGAIN_MS : LOOK_MS) / 1000;
		while (!c->ending && pthread_cond_timedwait(&c->wake, &c->lock, &until) != ETIMEDOUT)
			;
		ending = c->ending;
		pthread_mutex_unlock(&c->lock);
	}
	free(copy_all(c));                                         /* what was written last */
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct audit_copy *audit_copy_new(const char *path, const struct audit_sink *sink, atomic_bool *stop)
{
	struct audit_copy *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attr;

	c->path = xstrdup(path);
	c->remember = xasprintf("%s.%s", path, sink->name);
	c->sink = *sink;
	c->closing = stop;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	c->ended = pthread_create(&c->thread, NULL, follow, c) != 0;
	if (c->ended)
		c->why = xstrdup("no thread could be started for it");
	return c;
}

void audit_copy_free(struct audit_copy *c, int wait_ms)
{
	struct timespec until;
	bool started;

	if (!c)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	pthread_mutex_lock(&c->lock);
	started = !c->ended;
	c->ending = true;
	pthread_cond_broadcast(&c->wake);
	while (!c->ended && pthread_cond_timedwait(&c->wake, &c->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&c->lock);
	atomic_store(c->closing, true);
	if (started)
		pthread_join(c->thread, NULL);                     /* every sink ends soon once closing */
	if (c->sink.free)
		c->sink.free(c->sink.arg);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c->why);
	free(c->path);
	free(c->remember);
	free(c);
}

void audit_copy_say(struct audit_copy *c, struct buf *out)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->why)
		buf_addf(out, "the copy in %s is behind: %s", c->sink.name, c->why);
	pthread_mutex_unlock(&c->lock);
}

/* ---- syslog */

/* syslog() tells nobody when nobody listens, so that is looked at first: the lines come again later. */
static bool somebody_listens(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EPROTOTYPE);

	if (fd >= 0)
		close(fd);
	return ok;
}

static int facility_code(const char *name)
{
	static const struct { const char *name; int code; } all[] = {
		{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV }, { "daemon", LOG_DAEMON }, { "user", LOG_USER } };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, name))
			return all[i].code;
	return LOG_LOCAL0 + (int)((unsigned)(name[5] - '0') << 3);
}

static unsigned put_syslog(void *arg, const struct str *lines, unsigned n, char **why)
{
	const int *facility = arg;

	if (!somebody_listens()) {
		*why = xasprintf("nobody listens at /dev/log (%s)", strerror(errno));
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		json_t *o = json_loadb(lines[i].p, lines[i].n, 0, NULL);
		char hash[65] = "", *text;

		json_object_del(o, "plan");
		json_object_del(o, "prev");
		if (json_is_object(o) && crypto_sha256(lines[i], hash))
			json_object_set_new(o, "sha256", json_string(hash));
		text = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
		syslog(*facility | LOG_NOTICE, "binnacle audit: %s", text ? text : "a line that is not JSON");
		free(text);
		json_decref(o);
	}
	return n;
}

struct audit_sink audit_syslog(const char *facility)
{
	int *code = xmalloc(sizeof(*code));

	*code = facility_code(facility);
	return (struct audit_sink){ "syslog", put_syslog, free, code };
}
