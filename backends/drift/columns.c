/* columns: see columns.h. */
#include "backends/drift/columns.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static bool take_column(void *arg, const struct pg *pg, const PGresult *row)
{
	struct columns *c = arg;
	struct str schema = pg_cell(pg, row, 0);
	if (!c->schema)
		c->schema = str_dup(schema);
	if (str_is(schema, c->schema) && c->n < COLUMNS_MAX)
		c->list[c->n++] = (struct layout_column){ str_dup(pg_cell(pg, row, 1)), str_dup(pg_cell(pg, row, 2)) };
	return true;
}

bool columns_read(struct columns *c, struct pg *pg, struct str name)
{
	static const char sql[] = "select table_schema, column_name, data_type from information_schema.columns where "
		"table_name = $1 and ($2 = '' or table_schema = $2) and table_schema not in ('pg_catalog', 'information_schema') "
		"order by coalesce(array_position(current_schemas(false)::text[], table_schema::text), 1000), table_schema, "
		"ordinal_position";
	struct str rest = name, first = str_split(&rest, '.');
	char *schema = str_dup(rest.n ? first : STR(""));
	*c = (struct columns){ .table = str_dup(rest.n ? rest : name) };
	bool ok = pg_ask(pg, sql, (const char *const[]){ c->table, schema }, 2, take_column, c);
	free(schema);
	return ok;
}

void columns_release(struct columns *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		free(c->list[i].name);
		free(c->list[i].type);
	}
	free(c->schema);
	free(c->table);
	*c = (struct columns){ 0 };
}

const struct layout_column *columns_named(const struct layout_column *there, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(there[i].name, name))
			return &there[i];
	return NULL;
}

bool columns_choose(struct layout_column *into, const char *const *fields, const column_names *known, int nfields,
                    const struct layout_column *there, unsigned n, const struct yaml *mapped, const char *what, char *why,
                    size_t size)
{
	for (int f = 0; f < nfields; f++) {
		const char *said = mapped ? yaml_text(mapped, fields[f]) : NULL;
		const struct layout_column *c = said ? columns_named(there, n, said) : NULL;
		if (said && !c) {
			snprintf(why, size, "%s has no column '%.60s' (mapped as %s)", what, said, fields[f]);
			return false;
		}
		for (int i = 0; !c && i < COLUMN_NAMES && known[f][i]; i++)
			c = columns_named(there, n, known[f][i]);
		if (c)
			into[f] = (struct layout_column){ xstrdup(c->name), xstrdup(c->type) };
	}
	return true;
}

void columns_select(const struct layout_column *fields, int nfields, int time, int most_text, struct buf *out)
{
	buf_adds(out, "select ");
	for (int f = 0; f < nfields; f++) {
		const struct layout_column *c = &fields[f];
		enum layout_class is = c->name ? layout_class(str_of(c->type)) : CLASS_NONE;
		bool epoch = f == time && is != CLASS_NUMBER;
		buf_adds(out, f ? ", " : "");
		if (!c->name) {
			buf_adds(out, "null");
			continue;
		}
		buf_adds(out, epoch ? "extract(epoch from " : "left(");
		quote_identifier(out, str_of(c->name));
		if (epoch)
			buf_adds(out, is == CLASS_TEXT ? "::timestamptz)::text" : ")::text");
		else
			buf_addf(out, "::text, %d)", most_text);
	}
}
