/* pg_say: see pg_say.h. */
#include "backends/net/pg_say.h"
#include "base/mem.h"
#include <stdio.h>

#define PASSWORD "set 'password: {env: NAME}', {file: PATH} or {command: LINE}, or put it into ~/.pgpass (mode 0600)"

static const struct { const char *sqlstate; enum health_state state; const char *remedy; } by_state[] = {
	{ "28P01", HEALTH_REFUSED, PASSWORD },
	{ "28000", HEALTH_REFUSED, "check 'user', and that pg_hba.conf lets it in from here" },
	{ "3D000", HEALTH_DOWN, "check 'database'; psql -l lists those that are there" },
	{ "42P01", HEALTH_DOWN, "check 'table' and its schema, or name another with 'table: SCHEMA.NAME' or 'query:'" },
	{ "42703", HEALTH_DOWN, "map the columns: 'columns: {time: NAME, score: NAME, ...}'" },
	{ "42501", HEALTH_REFUSED, "let this user read it: grant usage on schema ... ; grant select on ... to USER" },
	{ "42601", HEALTH_DOWN, "correct 'query:'; it must be one select statement" },
	{ "57014", HEALTH_LIMITED, "make an index on the id or time column, lower 'limit', or raise 'timeout'" },
	{ "53300", HEALTH_STALE, "the server is full; it is tried again" },
	{ "57P03", HEALTH_STALE, "the server is starting; it is tried again" },
	{ "57P01", HEALTH_STALE, "the server ended the session; it is tried again" },
	{ "57P02", HEALTH_STALE, "the server ended the session; it is tried again" },
	{ "22007", HEALTH_DOWN, "the time column holds text that is no time; map another, or use 'query:' to make it one" },
	{ "22008", HEALTH_DOWN, "the time column holds text that is no time; map another, or use 'query:' to make it one" },
	{ "25006", HEALTH_DOWN, "this session only reads; 'query:' must not write" },
};
static const struct { const char *part; enum health_state state; const char *remedy; } by_text[] = {
	{ "password authentication failed", HEALTH_REFUSED, PASSWORD },
	{ "no password supplied", HEALTH_REFUSED, PASSWORD },
	{ "no pg_hba.conf entry", HEALTH_REFUSED, "let this user in from here in the server's pg_hba.conf, or set 'sslmode: require'" },
	{ "role \"", HEALTH_REFUSED, "check 'user'" },
	{ "database \"", HEALTH_DOWN, "check 'database'; psql -l lists those that are there" },
	{ "definition of service", HEALTH_DOWN, "check 'service', and ~/.pg_service.conf or PGSERVICEFILE" },
	{ "service file", HEALTH_DOWN, "check 'service', and ~/.pg_service.conf or PGSERVICEFILE" },
	{ "certificate verify failed", HEALTH_REFUSED, "set 'sslrootcert' to the CA of the server" },
	{ "root certificate file", HEALTH_REFUSED, "set 'sslrootcert' to the CA of the server" },
	{ "server certificate for", HEALTH_REFUSED, "use the host name that the certificate is made out to" },
	{ "does not support SSL", HEALTH_REFUSED, "turn TLS on at the server, or set 'sslmode: prefer'" },
	{ "could not translate host name", HEALTH_STALE, "check 'host', and that this machine can resolve it" },
	{ "Connection refused", HEALTH_STALE, "check 'host' and 'port', and that the server runs and listens there" },
	{ "No such file or directory", HEALTH_STALE, "check 'host' and 'port', and that the server runs" },
	{ "imeout", HEALTH_STALE, "check the address, and that no firewall is in between" },
	{ "starting up", HEALTH_STALE, "the server is starting; it is tried again" },
	{ "too many", HEALTH_STALE, "the server is full; it is tried again" },
	{ "invalid connection option", HEALTH_DOWN, "correct 'connection'" },
	{ "invalid sslmode", HEALTH_DOWN, "correct 'sslmode'" },
	{ "missing \"=\"", HEALTH_DOWN, "'connection' is postgresql://USER@HOST:PORT/DATABASE or 'host=... dbname=...'" },
	{ "invalid URI", HEALTH_DOWN, "'connection' is postgresql://USER@HOST:PORT/DATABASE or 'host=... dbname=...'" },
};

struct pg_fault pg_fault(const char *sqlstate, struct str message)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_state); i++)
		if (!strcmp(by_state[i].sqlstate, sqlstate))
			return (struct pg_fault){ by_state[i].state, by_state[i].remedy };
	for (size_t i = 0; !*sqlstate && i < ARRAY_SIZE(by_text); i++)
		if (str_contains_fold(message, str_of(by_text[i].part)))
			return (struct pg_fault){ by_text[i].state, by_text[i].remedy };
	return (struct pg_fault){ HEALTH_STALE, "it is tried again" };
}

void pg_sentence(struct str message, char *out, size_t size)
{
	static const char *const heads[] = { "ERROR:", "FATAL:", "PANIC:", "error:" };
	struct str rest = str_trim(message);
	struct str line = str_trim(str_split(&rest, '\n'));
	/* libpq: `connection to server at "h" (127.0.0.1), port 5432 failed: FATAL:  ...` */
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		for (size_t at = 0; at + strlen(heads[i]) <= line.n; at++)
			if (!memcmp(line.p + at, heads[i], strlen(heads[i]))) {
				line = str_trim((struct str){ line.p + at + strlen(heads[i]),
				                              line.n - at - strlen(heads[i]) });
				break;
			}
	snprintf(out, size, STR_FMT, (int)(line.n < 300 ? line.n : 300), line.n ? line.p : "");
	if (!line.n)
		snprintf(out, size, "no reason given");
}
