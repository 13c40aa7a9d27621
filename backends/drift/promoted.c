/* promoted: see promoted.h. The table is small (a row for each training), so it is read whole at each poll. */
#include "backends/drift/promoted.h"
#include "backends/drift/columns.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX "1000"
#define TEXT_MAX 2000            /* characters of a cell that are asked for */

static const char *const field_names[] = {
#define X(name, ...) #name,
	PROMOTED_FIELDS(X)
#undef X
};
static const column_names known_names[PROMOTED_FIELD_COUNT] = {
#define X(name, help, ...) { __VA_ARGS__ },
	PROMOTED_FIELDS(X)
#undef X
};
static const struct config_key column_keys[] = {
#define X(name_, help_, ...) { .name = #name_, .type = CONFIG_TEXT, .help = "The column that holds " help_ "." },
	PROMOTED_FIELDS(X)
#undef X
	CONFIG_END
};
const struct config_key promoted_keys[] = {
	{ .name = "table", .type = CONFIG_TEXT, .otherwise = "model_history", .help = "Table or view, SCHEMA.NAME." },
	{ .name = "model", .type = CONFIG_TEXT, .help = "The model that it is about, where no column says so." },
	{ .name = "columns", .type = CONFIG_SECTION, .section = column_keys, .help = "Which column holds what; those not named are "
	  "recognised by the usual names." },
	CONFIG_END
};

void promoted_release(struct promoted *p)
{
	for (int f = 0; f < PROMOTED_FIELD_COUNT; f++) {
		free(p->columns[f].name);
		free(p->columns[f].type);
	}
	free(p->schema);
	free(p->table);
	*p = (struct promoted){ 0 };
}

bool promoted_choose(struct promoted *p, const struct layout_column *there, unsigned n, const struct yaml *mapped, char *why,
                     size_t size)
{
	if (!columns_choose(p->columns, field_names, known_names, PROMOTED_FIELD_COUNT, there, n, mapped, "the history of models", why, size))
		return false;
	if (!p->columns[PROMOTED_time].name || !p->columns[PROMOTED_version].name) {
		snprintf(why, size, "the history of models needs a time and a version; say 'promotions: {columns: {time: NAME, version: NAME}}'");
		return false;
	}
	return true;
}

static const struct yaml *settings_of(const struct pg *pg)
{
	const struct yaml *all = link_settings(pg->link);
	return all ? yaml_get(all, "promotions") : NULL;
}

bool promoted_find(struct promoted *p, struct pg *pg)
{
	const struct yaml *mine = settings_of(pg);
	const char *said = mine ? yaml_text(mine, "table") : NULL;
	struct columns c;
	char why[300];
	if (p->table)
		return true;
	bool ok = columns_read(&c, pg, str_of(said && *said ? said : "model_history"));
	if (ok && !c.n) {
		pg_say(pg, HEALTH_REFUSED, "name yours with 'promotions: {table: SCHEMA.NAME}'",
		       "no table '%.60s' that could be read holds a history of models", c.table);
		snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42P01");
		ok = false;
	} else if (ok && !(ok = promoted_choose(p, c.list, c.n, mine ? yaml_get(mine, "columns") : NULL, why, sizeof(why)))) {
		pg_say(pg, HEALTH_REFUSED, "map the columns: 'promotions: {columns: {...}}'", "%s", why);
		snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42703");
		promoted_release(p);
	}
	if (ok) {
		p->schema = xstrdup(c.schema);
		p->table = xstrdup(c.table);
	}
	columns_release(&c);
	return ok;
}

/* ---- rows */

void promoted_sql(const struct promoted *p, struct buf *out)
{
	columns_select(p->columns, PROMOTED_FIELD_COUNT, PROMOTED_time, TEXT_MAX, out);
	buf_adds(out, " from (select * from ");
	quote_identifier(out, str_of(p->schema));
	buf_addc(out, '.');
	quote_identifier(out, str_of(p->table));
	buf_adds(out, " order by ");
	quote_identifier(out, str_of(p->columns[PROMOTED_time].name));
	buf_adds(out, " desc nulls last limit $1::bigint) as newest order by ");
	quote_identifier(out, str_of(p->columns[PROMOTED_time].name));
}

void promoted_put(const struct str c[PROMOTED_FIELD_COUNT], struct str model, struct str origin, char *before, struct buf *rows)
{
	static const struct { int field; const char *name; } metrics[] = { { PROMOTED_mae, "mae" }, { PROMOTED_mape, "mape" },
		{ PROMOTED_r2, "r2_score" }, { PROMOTED_rmse, "rmse" } };
	struct buf labels = { 0 }, key = { 0 }, version = { 0 };
	int verdict = c[PROMOTED_promoted].n ? read_verdict(c[PROMOTED_promoted]) : -1;
	double samples = read_number(c[PROMOTED_samples]);
	int64_t number;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		double v = read_number(c[metrics[i].field]);
		if (isfinite(v))
			buf_addf(&labels, "%s%s=%.9g", labels.len ? "," : "", metrics[i].name, v);
	}
	buf_adds(&key, "history/");
	if (c[PROMOTED_id].n)
		buf_addstr(&key, c[PROMOTED_id]);
	else
		buf_addf(&key, STR_FMT "/" STR_FMT, STR_ARG(c[PROMOTED_time]), STR_ARG(c[PROMOTED_version]));
	if (c[PROMOTED_version].n)
		buf_addf(&version, "%s" STR_FMT, str_to_i64(c[PROMOTED_version], &number) ? "v" : "", STR_ARG(c[PROMOTED_version]));
	promotion_put(rows, &(struct reg_promotion){ .key = buf_str(&key), .model = c[PROMOTED_model].n ? c[PROMOTED_model] : model,
		.version = buf_str(&version), .before = str_of(before), .user = c[PROMOTED_user], .reason = c[PROMOTED_reason],
		.what = verdict > 0 ? STR("promoted") : verdict == 0 ? STR("kept back") : STR("trained"), .refused = verdict == 0,
		.metrics = buf_str(&labels), .features = c[PROMOTED_features], .run = c[PROMOTED_run], .origin = origin,
		.time = read_epoch(c[PROMOTED_time]), .samples = samples >= 0 && samples < 1e15 ? (int64_t)samples : -1 });
	if (verdict > 0 && version.len)
		snprintf(before, 40, "%.39s", version.data);
	buf_release(&labels);
	buf_release(&key);
	buf_release(&version);
}

struct batch { const struct promoted *p; struct buf rows; struct str model; char before[40]; };

static bool take_row(void *arg, const struct pg *pg, const PGresult *row)
{
	struct batch *b = arg;
	struct str c[PROMOTED_FIELD_COUNT];
	for (int f = 0; f < PROMOTED_FIELD_COUNT; f++)
		c[f] = pg_cell(pg, row, f);
	promoted_put(c, b->model, str_of(b->p->table), b->before, &b->rows);
	return !link_closing(pg->link);
}

bool promoted_list(struct promoted *p, struct pg *pg)
{
	const struct yaml *mine = settings_of(pg);
	struct batch b = { .p = p, .model = str_of(mine ? yaml_text(mine, "model") : NULL) };
	struct buf sql = { 0 };
	promoted_sql(p, &sql);
	rows_start(&b.rows, "promotions");
	rows_begin(&b.rows, STR(""));
	bool ok = pg_ask(pg, sql.data, (const char *const[]){ ROWS_MAX }, 1, take_row, &b);
	if (ok) {
		struct msg *m = msg_new(MSG_ROWS, 0);
		rows_end(&b.rows, STR(""));
		m->body = b.rows;
		b.rows = (struct buf){ 0 };
		link_send(pg->link, m);
	}
	buf_release(&b.rows);
	buf_release(&sql);
	return ok;
}
