/* pg: see pg.h. libpq is loaded when first used. */
#define _GNU_SOURCE
#include "backends/net/pg.h"
#include "backends/net/pg_say.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLICE_MS 100             /* how long one wait may overlook that its owner closes */
#define GRACE_MS 3000            /* beyond the server's own statement_timeout */

void pg_say(struct pg *pg, enum health_state state, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(pg->error, sizeof(pg->error), fmt, ap);
	va_end(ap);
	snprintf(pg->remedy, sizeof(pg->remedy), "%s", remedy);
	pg->state = state;
}

struct pg pg_of_link(struct link *l, int timeout_ms)
{
	return (struct pg){ .link = l, .settings = link_settings(l), .closing = link_closing_flag(l), .wake = link_fd(l),
	                    .timeout_ms = timeout_ms };
}

void pg_close(struct pg *pg)
{
	if (pg->c)
		pg->q->finish(pg->c);
	pg->c = NULL;
}

void pg_release(struct pg *pg)
{
	pg_close(pg);
	tunnel_free(pg->tunnel);
	pg->tunnel = NULL;
}

static int64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void ignore_notice(void *arg, const char *message)
{
}

/* Takes what the connection says went wrong. */
static bool fail_connection(struct pg *pg)
{
	struct str message = str_of(pg->q->errorMessage(pg->c));
	char sentence[320];
	pg_sentence(message, sentence, sizeof(sentence));
	struct pg_fault fault = pg_fault("", message);
	if (pg->q->connectionNeedsPassword(pg->c))
		fault = pg_fault("28P01", message);
	if (pg->tunnel && tunnel_trouble(pg->tunnel, pg->error, sizeof(pg->error), pg->remedy, sizeof(pg->remedy)))
		pg->state = HEALTH_DOWN;
	else
		pg_say(pg, fault.state, fault.remedy, "PostgreSQL: %s", sentence);
	*pg->sqlstate = '\0';
	pg_close(pg);
	return false;
}

/* Until the socket is ready, in slices; 1 ready, 0 too late, -1 the owner closes. */
static int wait_socket(struct pg *pg, short events, int64_t until_us)
{
	for (;;) {
		int64_t left = (until_us - now_us()) / 1000;
		struct pollfd p = { .fd = pg->q->socket(pg->c), .events = events };
		if (pg->closing && atomic_load(pg->closing))
			return -1;
		if (left <= 0 || p.fd < 0)
			return 0;
		if (poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS) > 0)
			return 1;
	}
}

/* ---- connecting */

struct params {
	const char *keys[20], *values[20];
	int n;
};
static void param(struct params *p, const char *key, const char *value)
{
	if (value && *value && p->n < 19) {
		p->keys[p->n] = key;
		p->values[p->n++] = value;
	}
}

/* A password in the settings would end in backups and tickets. */
static bool holds_password(struct pg *pg, const char *connection)
{
	char *why = NULL;
	PQconninfoOption *all = pg->q->conninfoParse(connection, &why), *o;
	bool found = false;
	for (o = all; o && o->keyword; o++)
		found |= !strcmp(o->keyword, "password") && o->val && *o->val;
	if (all)
		pg->q->conninfoFree(all);
	if (why)
		pg->q->freemem(why);
	return found;
}

static bool poll_connection(struct pg *pg, int64_t until)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;
	while (step != PGRES_POLLING_OK) {
		if (step == PGRES_POLLING_FAILED || pg->q->status(pg->c) == CONNECTION_BAD)
			return fail_connection(pg);
		int ready = wait_socket(pg, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, until);
		if (ready <= 0) {
			pg_say(pg, HEALTH_STALE, "check the address, and that no firewall is in between",
			       "PostgreSQL: no answer in time while connecting");
			pg_close(pg);
			return false;
		}
		step = pg->q->connectPoll(pg->c);
	}
	return true;
}

static const char *setting(const struct pg *pg, const char *key)
{
	return pg->settings ? yaml_text(pg->settings, key) : NULL;
}

/* Where the settings say that the server is, as libpq would read them; freed by the caller. */
static char *target(const struct pg *pg, int *port)
{
	const char *connection = setting(pg, "connection"), *own = setting(pg, "port");
	PQconninfoOption *all = connection ? pg->q->conninfoParse(connection, NULL) : NULL;
	char *host = setting(pg, "host") ? xstrdup(setting(pg, "host")) : NULL;
	*port = own ? atoi(own) : 0;
	for (PQconninfoOption *o = all; o && o->keyword; o++) {
		if (!host && !strcmp(o->keyword, "host") && o->val)
			host = xstrdup(o->val);
		if (!*port && !strcmp(o->keyword, "port") && o->val)
			*port = atoi(o->val);
	}
	if (all)
		pg->q->conninfoFree(all);
	*port = *port ? *port : 5432;
	return host;
}

/* libpq connects to the tunnel's door, and verifies the certificate of the host that is meant. */
static bool through_tunnel(struct pg *pg, struct params *p, char **host, char *door, size_t size)
{
	if (!pg->tunnel)
		pg->tunnel = tunnel_new(pg->settings);
	if (!pg->tunnel)
		return true;
	*host = target(pg, &pg->port);
	if (!*host || !**host || **host == '/' || strchr(*host, ',')) {
		pg_say(pg, HEALTH_DOWN, "set 'host' and 'port' as the host of the tunnel sees the server",
		       "PostgreSQL: 'tunnel' needs the one host that it is to lead to");
		return false;
	}
	int local = tunnel_port(pg->tunnel, *host, pg->port);
	if (!local) {
		tunnel_trouble(pg->tunnel, pg->error, sizeof(pg->error), pg->remedy, sizeof(pg->remedy));
		pg->state = HEALTH_DOWN;
		return false;
	}
	snprintf(door, size, "%d", local);
	param(p, "host", *host);
	param(p, "hostaddr", "127.0.0.1");
	param(p, "port", door);
	return true;
}

static bool start_connection(struct pg *pg, const char *password)
{
	static const char *const plain[] = { "service", "host", "port", "user", "passfile", "sslmode", "sslrootcert",
	                                     "sslcert", "sslkey" };
	struct params p = { .n = 0 };
	char *host = NULL, door[8];
	const char *connection = setting(pg, "connection");
	if (connection && holds_password(pg, connection)) {
		pg_say(pg, HEALTH_DOWN, "take it out and set 'password: {env: NAME}', {file: PATH} or {command: LINE}",
		       "the setting 'connection' holds a password");
		return false;
	}
	param(&p, "dbname", connection);         /* expanded; what follows goes before it */
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		param(&p, plain[i], setting(pg, plain[i]));
	if (setting(pg, "database"))
		param(&p, "dbname", setting(pg, "database"));
	param(&p, "password", password);
	param(&p, "application_name", "binnacle");
	param(&p, "client_encoding", "UTF8");
	param(&p, "keepalives_idle", "30");
	if (!through_tunnel(pg, &p, &host, door, sizeof(door))) {
		free(host);
		return false;
	}
	pg->c = pg->q->connectStartParams(p.keys, p.values, 1);
	free(host);
	if (!pg->c) {
		pg_say(pg, HEALTH_DOWN, "free some memory", "PostgreSQL: no memory for a connection");
		return false;
	}
	return true;
}

static bool prepare_session(struct pg *pg)
{
	char sql[200];
	/* Set here and not as options while connecting: poolers (pgbouncer) refuse those. */
	if (!pg->writes && !pg_ask(pg, "set default_transaction_read_only = on", NULL, 0, NULL, NULL))
		return false;
	snprintf(sql, sizeof(sql), "set statement_timeout = %d", pg->timeout_ms);
	return pg_ask(pg, sql, NULL, 0, NULL, NULL) &&
	       pg_ask(pg, "set idle_in_transaction_session_timeout = 60000", NULL, 0, NULL, NULL);
}

static bool finish_connecting(struct pg *pg, int connect_ms)
{
	if (pg->q->status(pg->c) == CONNECTION_BAD)
		return fail_connection(pg);
	pg->q->setNoticeProcessor(pg->c, ignore_notice, NULL);
	if (poll_connection(pg, now_us() + (int64_t)connect_ms * 1000) && prepare_session(pg))
		return true;
	pg_close(pg);
	return false;
}

bool pg_connect(struct pg *pg, int connect_ms)
{
	const char *why = NULL;
	char secret_why[300] = "";
	struct secret password = { 0 };
	pg_close(pg);
	pg->latency_us = -1;
	pg->q = pg->q ? pg->q : late_pq(&why);
	if (!pg->q) {
		pg_say(pg, HEALTH_DOWN, "install libpq (Debian: apt-get install libpq5)", "%s", why ? why : "no libpq");
		return false;
	}
	if (secret_from_setting(&password, pg->settings ? yaml_get(pg->settings, "password") : NULL, secret_why,
	                        sizeof(secret_why)) < 0) {
		pg_say(pg, HEALTH_REFUSED, "correct 'password'", "%s", secret_why);
		return false;
	}
	char *clear = secret_set(password) ? str_dup(secret_reveal(password)) : NULL;
	bool started = start_connection(pg, clear);
	if (clear)
		explicit_bzero(clear, strlen(clear));
	free(clear);
	bool open = started && finish_connecting(pg, connect_ms);
	if (!open)                       /* a proxy before it may quote what it was given */
		secret_mask(pg->error, strlen(pg->error), secret_reveal(password));
	secret_release(&password);
	return open;
}

/* ---- asking */

static void fail_result(struct pg *pg, const PGresult *r)
{
	const char *state = pg->q->resultErrorField(r, PG_DIAG_SQLSTATE);
	const char *primary = pg->q->resultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	struct str message = str_of(primary ? primary : pg->q->resultErrorMessage(r));
	char sentence[320];
	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", state ? state : "");
	pg_sentence(message, sentence, sizeof(sentence));
	struct pg_fault fault = pg_fault(pg->sqlstate, message);
	pg_say(pg, fault.state, fault.remedy, "PostgreSQL: %s", sentence);
}

/* Reads until no result is left, the deadline, or the link closes. whole (may be NULL) takes the complete result. */
static bool take_results(struct pg *pg, int64_t until, pg_row_fn fn, void *arg, PGresult **whole)
{
	bool ok = true, stopped = false;
	for (;;) {
		while (pg->q->isBusy(pg->c)) {
			int ready = wait_socket(pg, POLLIN, until);
			if (ready <= 0) {
				pg_say(pg, HEALTH_STALE, "the connection is made anew", "PostgreSQL: no answer in time");
				pg_close(pg);
				return false;
			}
			if (!pg->q->consumeInput(pg->c))
				return fail_connection(pg);
		}
		PGresult *r = pg->q->getResult(pg->c);
		if (!r)
			return ok;
		ExecStatusType is = pg->q->resultStatus(r);
		if (is == PGRES_SINGLE_TUPLE && fn && ok && !stopped && !fn(arg, pg, r)) {
			PGcancel *cancel = pg->q->getCancel(pg->c);
			char unused[256];
			stopped = true;
			if (cancel) {
				pg->q->cancel(cancel, unused, sizeof(unused));
				pg->q->freeCancel(cancel);
			}
		} else if (is == PGRES_FATAL_ERROR && !stopped) {
			fail_result(pg, r);
			ok = false;
		}
		if (is == PGRES_TUPLES_OK && whole && !*whole)
			*whole = r;
		else
			pg->q->clear(r);
		if (pg->q->status(pg->c) == CONNECTION_BAD) {
			if (ok)
				return fail_connection(pg);
			pg_close(pg);
			return false;
		}
	}
}

/* What both ways of asking share. */
static bool ask(struct pg *pg, const char *sql, const char *const *values, int nvalues, pg_row_fn fn, void *arg,
                PGresult **whole)
{
	int64_t began = now_us();
	if (!pg->c)
		return false;
	*pg->sqlstate = '\0';
	if (!pg->q->sendQueryParams(pg->c, sql, nvalues, NULL, values, NULL, NULL, 0))
		return fail_connection(pg);
	if (fn)
		pg->q->setSingleRowMode(pg->c);
	bool ok = take_results(pg, began + ((int64_t)pg->timeout_ms + GRACE_MS) * 1000, fn, arg, whole);
	if (ok)
		pg->latency_us = now_us() - began;
	return ok;
}

bool pg_ask(struct pg *pg, const char *sql, const char *const *values, int nvalues, pg_row_fn fn, void *arg)
{
	return ask(pg, sql, values, nvalues, fn, arg, NULL);
}

PGresult *pg_ask_once(struct pg *pg, const char *sql)
{
	PGresult *whole = NULL;
	if (ask(pg, sql, NULL, 0, NULL, NULL, &whole))
		return whole;
	if (whole)
		pg->q->clear(whole);
	return NULL;
}

struct str pg_cell(const struct pg *pg, const PGresult *row, int col)
{
	if (col >= pg->q->nfields(row) || pg->q->getisnull(row, 0, col))
		return (struct str){ NULL, 0 };
	return (struct str){ pg->q->getvalue(row, 0, col), (size_t)pg->q->getlength(row, 0, col) };
}

/* ---- waiting */

static bool take_notices(struct pg *pg)
{
	PGnotify *n;
	if (!pg->q->consumeInput(pg->c) || pg->q->status(pg->c) == CONNECTION_BAD)
		return fail_connection(pg);
	while ((n = pg->q->notifies(pg->c))) {
		pg->notified = true;
		pg->q->freemem(n);
	}
	return true;
}

bool pg_wait(struct pg *pg, int ms)
{
	struct pollfd p[2] = { { .fd = pg->wake, .events = POLLIN },
	                       { .fd = pg->c ? pg->q->socket(pg->c) : -1, .events = POLLIN } };
	if (pg->c && !take_notices(pg))          /* those that came with an answer */
		return false;
	if (pg->notified)
		return true;
	if (poll(p, 2, ms) <= 0 || !(p[1].revents & (POLLIN | POLLHUP | POLLERR)) || !pg->c)
		return true;
	return take_notices(pg);
}

void pg_describe(const struct pg *pg, struct buf *out)
{
	const char *host = pg->q->host(pg->c), *port = pg->q->port(pg->c);
	int number = pg->tunnel ? pg->port : port ? atoi(port) : 0;
	buf_addf(out, "as %s at %s%s%d/%s%s", pg->q->user(pg->c), host ? host : "?", host && *host == '/' ? " " : ":", number,
	         pg->q->db(pg->c), pg->q->sslInUse(pg->c) ? ", TLS" : "");
	if (pg->tunnel)
		buf_addf(out, ", through %s", tunnel_name(pg->tunnel));
}
