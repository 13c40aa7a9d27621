/* trained: see trained.h. */
#include "backends/drift/trained.h"
#include "backends/drift/layout.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

const struct config_key trained_keys[] = {
	{ .name = "table", .type = CONFIG_TEXT, .required = true, .help = "The table that the model was trained on, SCHEMA.NAME, whose columns "
	  "are named as the model's inputs; ANALYZE must have seen it." },
	{ .name = "model", .type = CONFIG_TEXT, .help = "The model; otherwise its features count for any model." },
	CONFIG_END
};

static const struct yaml *section(const struct link *l)
{
	const struct yaml *all = link_settings(l);
	return all ? yaml_get(all, "training") : NULL;
}

bool trained_said(const struct link *l)
{
	return section(l) != NULL;
}

/* The next of "{1,2,\"a b\"}"; false: none is left. NaN: no number. */
static bool next_number(struct str *list, double *value)
{
	while (list->n && (*list->p == '{' || *list->p == '}' || *list->p == ',')) {
		list->p++;
		list->n--;
	}
	size_t n = 0;
	while (n < list->n && list->p[n] != ',' && list->p[n] != '}')
		n++;
	if (!n)
		return false;
	*value = read_number((struct str){ list->p, n });
	list->p += n;
	list->n -= n;
	return true;
}

bool trained_pieces(struct str bounds, struct str values, struct str shares, struct range_pieces *out)
{
	double v, share, last = 0, common = 0;
	struct str count = bounds;
	unsigned nbounds = 0;
	while (next_number(&values, &v) && next_number(&shares, &share)) {
		if (v != v)
			return false;
		range_add(out, v, v, share);
		common += share;
	}
	while (next_number(&count, &v))
		nbounds++;
	for (unsigned i = 0; next_number(&bounds, &v); i++) {
		if (v != v)
			return false;
		if (i)
			range_add(out, last, v, (common < 1 ? 1 - common : 0) / (nbounds - 1));
		last = v;
	}
	return out->n > 0;
}

struct taking { const struct pg *pg; struct buf rows; char from[160]; const char *model; unsigned n, others; };

static bool take_row(void *arg, const struct pg *pg, const PGresult *row)
{
	struct taking *t = arg;
	struct feature_range r = { .model = str_of(t->model), .name = pg_cell(pg, row, 0), .from = str_of(t->from),
		.time = read_epoch(pg_cell(pg, row, 4)) };
	if (trained_pieces(pg_cell(pg, row, 1), pg_cell(pg, row, 2), pg_cell(pg, row, 3), &r.reference)) {
		range_put(&t->rows, &r);
		t->n++;
	} else {
		t->others++;
	}
	range_release(&r.reference);
	return true;
}

bool trained_list(struct pg *pg)
{
	/* the table's owner reads pg_stats of it, and who may select from it */
	static const char sql[] = "select s.attname::text, s.histogram_bounds::text, s.most_common_vals::text, s.most_common_freqs::text, "
		"extract(epoch from coalesce(greatest(u.last_analyze, u.last_autoanalyze), clock_timestamp()))::text from pg_stats s "
		"left join pg_stat_all_tables u on u.schemaname = s.schemaname and u.relname = s.tablename "
		"where s.tablename = $1 and ($2 = '' or s.schemaname = $2) order by 1";
	const struct yaml *mine = section(pg->link);
	const char *said = mine ? yaml_text(mine, "table") : NULL, *model = mine ? yaml_text(mine, "model") : NULL;
	struct str rest = str_of(said), first = str_split(&rest, '.');
	char *schema = str_dup(rest.n ? first : STR("")), *table = str_dup(rest.n ? rest : str_of(said));
	struct taking t = { .pg = pg, .model = model ? model : "" };
	snprintf(t.from, sizeof(t.from), "table %.140s", said ? said : "");
	rows_start(&t.rows, "ranges");
	rows_begin(&t.rows, STR(""));
	bool ok = pg_ask(pg, sql, (const char *const[]){ table, schema }, 2, take_row, &t);
	rows_end(&t.rows, STR(""));
	if (ok && !t.n && !t.others) {
		pg_say(pg, HEALTH_REFUSED, "see that it is there, that this user may read it, and run ANALYZE on it",
		       "nothing is known of the columns of '%.100s'", said ? said : "");
		ok = false;
	}
	if (ok) {
		struct msg *m = msg_new(MSG_ROWS, 0);
		m->body = t.rows;
		t.rows = (struct buf){ 0 };
		link_send(pg->link, m);
	}
	buf_release(&t.rows);
	free(schema);
	free(table);
	return ok;
}
