/* find: see find.h. */
#include "backends/drift/find.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 400

struct found {
	struct layout_column columns[COLUMNS_MAX];
	unsigned n;
	char *schema, *type;     /* of the first table; its other namesakes are left */
};

static void found_release(struct found *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free(f->columns[i].name);
		free(f->columns[i].type);
	}
	free(f->schema);
	free(f->type);
	*f = (struct found){ 0 };
}

static bool take_column(void *arg, const struct pg *pg, const PGresult *row)
{
	struct found *f = arg;
	struct str schema = pg_cell(pg, row, 0);
	if (!f->schema)
		f->schema = str_dup(schema);
	if (str_is(schema, f->schema) && f->n < COLUMNS_MAX)
		f->columns[f->n++] = (struct layout_column){ str_dup(pg_cell(pg, row, 1)),
		                                             str_dup(pg_cell(pg, row, 2)) };
	return true;
}

static const char columns_sql[] =
	"select table_schema, column_name, data_type from information_schema.columns "
	"where table_name = $1 and ($2 = '' or table_schema = $2) and table_schema not in "
	"('pg_catalog', 'information_schema') order by "
	"coalesce(array_position(current_schemas(false)::text[], table_schema::text), 1000), table_schema, "
	"ordinal_position";

/* information_schema shows neither what we may not read nor materialized views. */
static const char exists_sql[] =
	"select n.nspname, c.relkind::text, '' from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
	"n.oid = c.relnamespace where c.relname = $1 and ($2 = '' or n.nspname = $2) and c.relkind in "
	"('r','v','m','f','p') order by c.relkind <> 'm', n.nspname";

/* ---- a query: its columns are those of its empty answer */

static bool describe_query(struct pg *pg, const struct layout *l, struct found *f)
{
	struct buf sql = { 0 }, oids = { 0 };
	struct str q = str_trim(str_of(l->query));
	while (q.n && q.p[q.n - 1] == ';')
		q = str_trim((struct str){ q.p, q.n - 1 });
	buf_addf(&sql, "select * from (" STR_FMT "\n) as checks limit 0", STR_ARG(q));
	PGresult *r = pg_ask_once(pg, sql.data);
	bool ok = r != NULL;
	buf_addc(&oids, '{');
	for (int i = 0; ok && i < pg->q->nfields(r) && f->n < COLUMNS_MAX; i++) {
		f->columns[f->n++].name = xstrdup(pg->q->fname(r, i));
		buf_addf(&oids, "%s%u", i ? "," : "", pg->q->ftype(r, i));
	}
	buf_addc(&oids, '}');
	if (ok)
		pg->q->clear(r);
	struct found types = { 0 };
	if (ok)
		ok = pg_ask(pg, "select '', format_type(o, null), '' from unnest($1::oid[]) with ordinality as t(o, n) "
		            "order by n", (const char *const[]){ oids.data }, 1, take_column, &types);
	for (unsigned i = 0; ok && i < f->n; i++)
		f->columns[i].type = i < types.n ? xstrdup(types.columns[i].name) : xstrdup("text");
	found_release(&types);
	buf_release(&sql);
	buf_release(&oids);
	return ok;
}

/* ---- a table */

static bool say_absent(struct pg *pg, const char *table, const char *schema, bool asked, const struct found *f)
{
	struct buf who = { 0 };
	pg_describe(pg, &who);
	if (f->n)
		pg_say(pg, HEALTH_REFUSED, "let this user read it: grant usage on schema ... ; grant select on ... to USER",
		       "the table '%.60s.%.60s' is there, but this session (%.120s) may not read it", f->schema, table,
		       who.data);
	else if (asked)
		pg_say(pg, HEALTH_DOWN, "check 'table'; it is SCHEMA.NAME, and small letters unless it was made in quotes",
		       "no table '%.60s%s%.60s' in this database (%.120s)", schema, *schema ? "." : "", table, who.data);
	else
		pg_say(pg, HEALTH_DOWN, "name yours with 'table: SCHEMA.NAME' or 'query:', and its columns with 'columns:'",
		       "no table 'drift_history' in this database (%.120s)", who.data);
	snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42P01");
	buf_release(&who);
	return false;
}

static bool find_table(struct pg *pg, struct layout *l, const char *table, const char *schema, bool asked,
                       struct found *f)
{
	const char *values[] = { table, schema };
	if (!pg_ask(pg, columns_sql, values, 2, take_column, f))
		return false;
	if (f->n) {
		l->schema = xstrdup(f->schema);
		l->table = xstrdup(table);
		return true;
	}
	if (!pg_ask(pg, exists_sql, values, 2, take_column, f))
		return false;
	if (!f->n || strcmp(f->columns[0].name, "m"))
		return say_absent(pg, table, schema, asked, f);
	struct buf sql = { 0 };
	buf_adds(&sql, "select * from ");
	quote_identifier(&sql, str_of(f->schema));
	buf_addc(&sql, '.');
	quote_identifier(&sql, str_of(table));
	l->query = buf_detach(&sql);
	found_release(f);
	return describe_query(pg, l, f);
}

bool find_layout(struct pg *pg, struct layout *l)
{
	const char *table = link_setting(pg->link, "table"), *query = link_setting(pg->link, "query");
	const struct yaml *settings = link_settings(pg->link);
	const struct yaml *columns = settings ? yaml_get(settings, "columns") : NULL;
	const char *mapped[LAYOUT_FIELD_COUNT] = { 0 };
	struct found f = { 0 };
	char why[700] = "";
	bool ok;

	layout_release(l);
	for (int i = 0; columns && i < LAYOUT_FIELD_COUNT; i++)
		mapped[i] = yaml_text(columns, layout_names[i]);
	if (query && *query) {
		l->query = xstrdup(query);
		ok = describe_query(pg, l, &f);
	} else {
		struct str name = str_of(table && *table ? table : "drift_history");
		struct str rest = name, first = str_split(&rest, '.');
		char *schema = str_dup(rest.n ? first : STR("")), *plain = str_dup(rest.n ? rest : name);
		ok = find_table(pg, l, plain, schema, table && *table, &f);
		free(schema);
		free(plain);
	}
	if (ok && !layout_choose(l, f.columns, f.n, mapped, why, sizeof(why))) {
		pg_say(pg, HEALTH_DOWN, "map the columns: 'columns: {time: NAME, score: NAME, ...}'", "%s: %.350s",
		       l->table ? l->table : "the query", why);
		snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42703");
		ok = false;
	}
	found_release(&f);
	return ok;
}
