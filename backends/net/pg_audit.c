/* pg_audit: see pg_audit.h. */
#define _GNU_SOURCE
#include "backends/net/pg_audit.h"
#include "backends/net/pg.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, STATEMENT_MS = 5000 };

struct pg_audit {
	struct pg pg;
	char *table;        /* quoted */
	char *origin;       /* "host:/path" */
	bool checked;       /* the table is there */
};

/* The name, and its schema if it has one, in quotes; NULL: that is no name. */
static char *quoted(const char *name)
{
	struct buf b = { 0 };
	struct str rest = str_of(name);
	bool ok = *name;

	while (rest.p) {
		struct str part = str_split(&rest, '.');

		ok = ok && part.n && part.n < 64 && strspn(part.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= part.n;
		buf_addf(&b, "%s\"" STR_FMT "\"", b.len ? "." : "", STR_ARG(part));
	}
	if (ok)
		return buf_detach(&b);
	buf_release(&b);
	return NULL;
}

static bool ready(struct pg_audit *p)
{
	char *sql;

	if (!p->table) {
		pg_say(&p->pg, HEALTH_DOWN, "", "audit: postgres: table is no name; use a-z, 0-9 and _");
		return false;
	}
	if (!p->pg.c) {
		p->checked = false;
		if (!pg_connect(&p->pg, CONNECT_MS))
			return false;
	}
	if (p->checked)
		return true;
	sql = xasprintf("create table if not exists %s (origin text not null, seq bigint not null, sha256 text not null, at timestamptz, "
	                "who text, host text, event text, action text, source text, environment text, kind text, key text, line text "
	                "not null, primary key (origin, seq, sha256))", p->table);
	p->checked = pg_ask(&p->pg, sql, NULL, 0, NULL, NULL);
	free(sql);
	if (!p->checked && p->pg.c) {                          /* it may be there, made by somebody who may */
		char *why = xstrdup(p->pg.error);

		sql = xasprintf("select 1 from %s limit 0", p->table);
		p->checked = pg_ask(&p->pg, sql, NULL, 0, NULL, NULL);
		if (!p->checked)
			pg_say(&p->pg, HEALTH_REFUSED, "", "the table %s is not there and cannot be made: %s", p->table, why);
		free(sql);
		free(why);
	}
	return p->checked;
}

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool put_line(struct pg_audit *p, const char *sql, struct str line)
{
	json_t *o = json_loadb(line.p, line.n, 0, NULL), *target = json_object_get(o, "target");
	char seq[24], hash[65] = "", *text = str_dup(line);
	const char *const values[] = { p->origin, seq, hash, text_of(o, "time"), text_of(o, "user"), text_of(o, "host"),
		text_of(o, "event"), text_of(o, "action"), text_of(o, "source"), text_of(o, "environment"), text_of(target, "kind"),
		text_of(target, "key"), text };
	bool ok;

	snprintf(seq, sizeof(seq), "%lld", (long long)json_integer_value(json_object_get(o, "seq")));
	crypto_sha256(line, hash);
	ok = pg_ask(&p->pg, sql, values, (int)ARRAY_SIZE(values), NULL, NULL);
	json_decref(o);
	free(text);
	return ok;
}

static unsigned put(void *arg, const struct str *lines, unsigned n, char **why)
{
	struct pg_audit *p = arg;
	char *sql = p->table ? xasprintf("insert into %s (origin, seq, sha256, at, who, host, event, action, source, environment, kind, key, "
	                                 "line) values ($1, $2::bigint, $3, $4::timestamptz, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
	                                 "on conflict do nothing", p->table) : NULL;
	unsigned done = 0;
	bool ok = ready(p);

	for (; ok && done < n; done += ok)
		ok = put_line(p, sql, lines[done]);
	if (!ok) {
		*why = xasprintf("%s%s%s", p->pg.error, *p->pg.remedy ? "; " : "", p->pg.remedy);
		pg_close(&p->pg);
	}
	free(sql);
	return done;
}

static void release(void *arg)
{
	struct pg_audit *p = arg;

	pg_release(&p->pg);
	free(p->table);
	free(p->origin);
	free(p);
}

struct audit_sink pg_audit_new(const struct yaml *settings, const char *path, const atomic_bool *closing)
{
	struct pg_audit *p = xcalloc(1, sizeof(*p));
	const char *table = yaml_text(settings, "table");
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	p->pg = (struct pg){ .settings = settings, .closing = closing, .wake = -1, .writes = true, .timeout_ms = STATEMENT_MS, .latency_us = -1 };
	p->table = quoted(table ? table : "binnacle_audit");
	p->origin = xasprintf("%s:%s", host, path);
	return (struct audit_sink){ "postgres", put, release, p };
}
