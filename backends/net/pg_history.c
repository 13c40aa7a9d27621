/* pg_history: see pg_history.h. Writers take turns by an advisory lock, so that the order of `seq` is the order in which rows
 * become visible: whoever has read up to one has read all before it. */
#define _GNU_SOURCE
#include "backends/net/pg_history.h"
#include "backends/net/pg.h"
#include "base/audit.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_MS (24 * 3600 * 1000ll)
enum { CONNECT_MS = 5000, STATEMENT_MS = 10000, KEEP_DAYS = 90 };

struct pg_history {
	struct history_sink sink;
	struct pg pg;
	char *name, *schema, writer[128];
	int64_t keep_ms;             /* at least so long all is kept there */
	bool checked;                /* the table is there */
};

static const char ddl[] =
	"create schema if not exists @;\n"
	"create table if not exists @.events(\n"
	"  seq bigint generated always as identity unique,\n"
	"  kind text not null, at_ms bigint not null, source text not null, subject text not null, what text not null,\n"
	"  detail text not null, value double precision,\n"
	"  writer text not null, written timestamptz not null default now(),\n"
	"  primary key (kind, at_ms, source, subject, what));\n"
	"comment on table @.events is 'what the consoles of binnacle saw, written by them: see binnacle(1)';\n";

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return n && n < 60 && !s[n] && !(s[0] >= '0' && s[0] <= '9');
}

/* `@` becomes the schema. */
static char *with_schema(const char *sql, const char *schema)
{
	struct buf b = { 0 };
	for (; *sql; sql++) {
		if (*sql == '@')
			buf_addf(&b, "\"%s\"", schema);
		else
			buf_addc(&b, *sql);
	}
	return buf_detach(&b);
}

char *pg_history_ddl(const char *schema)
{
	return is_name(schema) ? with_schema(ddl, schema) : NULL;
}

static bool run(struct pg_history *p, const char *sql, const char *const *values, int n, pg_row_fn fn, void *arg)
{
	char *text = with_schema(sql, p->schema);
	bool ok = pg_ask(&p->pg, text, values, n, fn, arg);
	free(text);
	return ok;
}

static bool take_flag(void *arg, const struct pg *pg, const PGresult *row)
{
	*(bool *)arg = str_is(pg_cell(pg, row, 0), "t");
	return true;
}

/* Statement by statement: a protocol with parameters takes one at a time. */
static bool make_table(struct pg_history *p)
{
	char *all = with_schema(ddl, p->schema);
	struct str rest = str_of(all);
	bool ok = true;
	while (ok && rest.n > 1) {
		char *one = str_dup(str_split(&rest, ';'));
		ok = pg_ask(&p->pg, one, NULL, 0, NULL, NULL);
		free(one);
	}
	free(all);
	if (!ok && p->pg.c)
		pg_say(&p->pg, HEALTH_REFUSED, "", "the schema '%s' for the team's history is not there and cannot be made; let someone who may "
		       "run what `binnacle watch --ddl` prints", p->schema);
	return ok;
}

static bool ready(struct pg_history *p)
{
	bool there = false;
	if (!is_name(p->schema)) {
		pg_say(&p->pg, HEALTH_DOWN, "", "history: schema: '%.60s' is no name; use a-z, 0-9 and _", p->schema);
		return false;
	}
	if (!p->pg.c && !pg_connect(&p->pg, CONNECT_MS))
		return false;
	if (p->checked)
		return true;
	char *table = xasprintf("\"%s\".events", p->schema);
	bool ok = pg_ask(&p->pg, "select to_regclass($1) is not null", (const char *const[]){ table }, 1, take_flag, &there);
	free(table);
	p->checked = ok && (there || make_table(p));
	return p->checked;
}

static bool fail(struct pg_history *p, char **why)
{
	static const char *const other[] = { "42703", "42804", "42809", "23502", "23514", "55000" };
	p->checked = false;                  /* it may be gone */
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		if (!strcmp(p->pg.sqlstate, other[i]))
			snprintf(p->pg.remedy, sizeof(p->pg.remedy), "its table is not that of this version of binnacle: see `binnacle watch --ddl`");
	*why = xasprintf("%s%s%s", p->pg.error, *p->pg.remedy ? "; " : "", p->pg.remedy);
	return false;
}

/* Text as PostgreSQL takes it: UTF-8 without NUL; what is not becomes '?'. */
static json_t *text_json(struct str s)
{
	json_t *j = memchr(s.p ? s.p : "", 0, s.n) ? NULL : json_stringn(s.p ? s.p : "", s.n);
	if (j)
		return j;
	char *copy = str_dup(s);
	for (size_t i = 0; i < s.n; i++)
		if (!copy[i] || (unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	j = json_stringn(copy, s.n);
	free(copy);
	return j;
}

static char *events_json(const struct history_event *e, unsigned n)
{
	json_t *all = json_array();
	for (unsigned i = 0; i < n; i++, e++) {
		json_t *o = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "kind", text_json(e->kind), "at_ms", (json_int_t)e->at, "source",
		                      text_json(e->source), "subject", text_json(e->subject), "what", text_json(e->what), "detail",
		                      text_json(e->detail));
		if (isfinite(e->value))
			json_object_set_new(o, "value", json_real(e->value));
		json_array_append_new(all, o);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

static bool put_all(struct pg_history *p, const struct history_event *events, unsigned n)
{
	static const char insert[] = "insert into @.events(kind, at_ms, source, subject, what, detail, value, writer)"
		" select kind, at_ms, source, subject, what, detail, value, $2 from jsonb_to_recordset($1::jsonb)"
		" as e(kind text, at_ms bigint, source text, subject text, what text, detail text, value double precision)"
		" on conflict do nothing";
	char *json = events_json(events, n);
	bool ok = json && pg_ask(&p->pg, "begin", NULL, 0, NULL, NULL) &&
		run(p, "select pg_advisory_xact_lock(hashtext('@.events'))", NULL, 0, NULL, NULL) &&
		run(p, insert, (const char *const[]){ json, p->writer }, 2, NULL, NULL) && pg_ask(&p->pg, "commit", NULL, 0, NULL, NULL);
	free(json);
	if (!ok)
		pg_close(&p->pg);            /* and with it the transaction */
	return ok;
}

/* What the database can never take: a value out of its range, a key longer than an index holds. */
static bool is_unfit(const struct pg_history *p)
{
	return !strncmp(p->pg.sqlstate, "22", 2) || !strncmp(p->pg.sqlstate, "54", 2);
}

/* One event that it does not take must not keep back all that follow: then they go one by one, and that one stays here only. */
static bool put(void *arg, const struct history_event *events, unsigned n, char **why)
{
	struct pg_history *p = arg;
	if (ready(p) && put_all(p, events, n))
		return true;
	bool ok = is_unfit(p);
	for (unsigned i = 0; ok && i < n; i++)
		ok = ready(p) && (put_all(p, &events[i], 1) || is_unfit(p));
	return ok || fail(p, why);
}

struct getting { void (*each)(void *arg, int64_t position, const struct history_event *e); void *arg; };

static int64_t number(const struct pg *pg, const PGresult *row, int col)
{
	int64_t v = 0;
	str_to_i64(pg_cell(pg, row, col), &v);
	return v;
}

static bool take_event(void *arg, const struct pg *pg, const PGresult *row)
{
	const struct getting *g = arg;
	struct str v = pg_cell(pg, row, 7);
	double value = NAN;
	if (v.n && !str_to_f64(v, &value))
		value = NAN;
	g->each(g->arg, number(pg, row, 0), &(struct history_event){ pg_cell(pg, row, 1), pg_cell(pg, row, 3), pg_cell(pg, row, 4),
		pg_cell(pg, row, 5), pg_cell(pg, row, 6), number(pg, row, 2), value });
	return true;
}

static bool take_newest(void *arg, const struct pg *pg, const PGresult *row)
{
	*(int64_t *)arg = number(pg, row, 0);
	return true;
}

static bool get(void *arg, int64_t after, unsigned limit, void (*each)(void *arg, int64_t position, const struct history_event *e),
                void *each_arg, int64_t *last, char **why)
{
	struct pg_history *p = arg;
	struct getting g = { each, each_arg };
	char from[24], most[16];
	snprintf(from, sizeof(from), "%lld", (long long)after);
	snprintf(most, sizeof(most), "%u", limit);
	return (ready(p) && run(p, "select coalesce(max(seq), 0) from @.events", NULL, 0, take_newest, last) &&
	        (*last <= after || run(p, "select seq, kind, at_ms, source, subject, what, left(detail, 65536), value from @.events where seq > $1::bigint"
	                               " order by seq limit $2::bigint", (const char *const[]){ from, most }, 2, take_event, &g))) || fail(p, why);
}

/* Piece by piece, so that none takes long. By the database's clock: one of a machine that is wrong would delete what is new. */
static void prune(void *arg, const char *kind, const char *but, int64_t before)
{
	static const char delete[] = "with gone as (delete from @.events where ctid in (select ctid from @.events"
		" where ($1 = '' or kind = $1) and kind <> $2"
		" and at_ms < least($3::bigint, (extract(epoch from now()) * 1000)::bigint - $4::bigint) limit 5000) returning 1)"
		" select count(*) > 0 from gone";
	struct pg_history *p = arg;
	char until[24], keep[24];
	bool more = true;
	snprintf(until, sizeof(until), "%lld", (long long)before);
	snprintf(keep, sizeof(keep), "%lld", (long long)p->keep_ms);
	const char *const values[] = { kind ? kind : "", but ? but : "", until, keep };
	for (int i = 0; i < 1000 && more && !atomic_load(p->pg.closing) && ready(p); i++)
		if (!run(p, delete, values, 4, take_flag, &more))
			break;
}

static void release(void *arg)
{
	struct pg_history *p = arg;
	pg_release(&p->pg);
	free(p->name);
	free(p->schema);
	free(p);
}

const struct history_sink *pg_history_new(const struct yaml *settings, const atomic_bool *closing)
{
	static const char *const parts[] = { "connection", "service", "host", "port", "database" };
	struct pg_history *p = xcalloc(1, sizeof(*p));
	const char *schema = yaml_text(settings, "schema"), *keep = yaml_text(settings, "keep");
	char *user = audit_who();
	struct buf name = { 0 };
	char host[64] = "";
	p->pg = (struct pg){ .settings = settings, .closing = closing, .wake = -1, .writes = true, .timeout_ms = STATEMENT_MS,
	                     .latency_us = -1 };
	p->schema = xstrdup(schema ? schema : "binnacle");
	double keep_ms;
	p->keep_ms = keep && duration_parse(str_of(keep), true, &keep_ms) && keep_ms >= DAY_MS ? (int64_t)keep_ms : KEEP_DAYS * DAY_MS;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (yaml_text(settings, parts[i]))
			buf_addf(&name, "%s ", yaml_text(settings, parts[i]));
	buf_adds(&name, p->schema);
	p->name = buf_detach(&name);
	gethostname(host, sizeof(host) - 1);
	snprintf(p->writer, sizeof(p->writer), "%.40s@%.60s", user, host);
	free(user);
	p->sink = (struct history_sink){ p->name, put, get, prune, release, p };
	return &p->sink;
}
