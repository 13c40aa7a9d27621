/* served: see served.h. */
#include "backends/drift/served.h"
#include "backends/drift/columns.h"
#include "base/mem.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 8000            /* characters of a cell that are asked for */
#define BATCH_BYTES 32768

static const char *const field_names[] = {
#define X(name, ...) #name,
	SERVED_FIELDS(X)
#undef X
};
static const column_names known_names[SERVED_FIELD_COUNT] = {
#define X(name, help, ...) { __VA_ARGS__ },
	SERVED_FIELDS(X)
#undef X
};
static const struct config_key column_keys[] = {
#define X(name_, help_, ...) { .name = #name_, .type = CONFIG_TEXT, .help = "The column that holds " help_ "." },
	SERVED_FIELDS(X)
#undef X
	CONFIG_END
};
const struct config_key served_keys[] = {
	{ .name = "table", .type = CONFIG_TEXT, .otherwise = "inference_logs", .help = "Table or view of the log, SCHEMA.NAME." },
	{ .name = "columns", .type = CONFIG_SECTION, .section = column_keys, .help = "Which column holds what; those not named are "
	  "recognised by the usual names." },
	{ .name = "limit", .type = CONFIG_COUNT, .otherwise = "2000", .help = "How many predictions are read, the newest ones." },
	CONFIG_END
};

void served_release(struct served *s)
{
	for (int f = 0; f < SERVED_FIELD_COUNT; f++) {
		free(s->columns[f].name);
		free(s->columns[f].type);
	}
	free(s->schema);
	free(s->table);
	free(s->cursor);
	*s = (struct served){ .limit = s->limit };
}

/* ---- which column is what */

bool served_choose(struct served *s, const struct layout_column *there, unsigned n, const struct yaml *mapped, char *why,
                   size_t size)
{
	if (!columns_choose(s->columns, field_names, known_names, SERVED_FIELD_COUNT, there, n, mapped, "the log of predictions", why, size))
		return false;
	if (!s->columns[SERVED_time].name) {
		snprintf(why, size, "no column of the log of predictions tells the time; say 'predictions: {columns: {time: NAME}}'");
		return false;
	}
	const char *type = s->columns[SERVED_id].name ? s->columns[SERVED_id].type : "";
	s->by_id = !strcmp(type, "integer") || !strcmp(type, "bigint");
	return true;
}

bool served_find(struct served *s, struct pg *pg)
{
	const struct yaml *all = link_settings(pg->link), *mine = all ? yaml_get(all, "predictions") : NULL;
	const char *said = mine ? yaml_text(mine, "table") : NULL, *limit = mine ? yaml_text(mine, "limit") : NULL;
	struct columns f;
	char why[300];
	if (s->table)
		return true;
	int64_t n;
	s->limit = limit && str_to_i64(str_of(limit), &n) && n > 0 && n <= 100000 ? (long)n : 2000;
	bool ok = columns_read(&f, pg, str_of(said && *said ? said : "inference_logs"));
	if (ok && !f.n) {
		pg_say(pg, HEALTH_REFUSED, "name yours with 'predictions: {table: SCHEMA.NAME}'",
		       "no table '%.60s' that could be read holds a log of predictions", f.table);
		snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42P01");
		ok = false;
	} else if (ok && !(ok = served_choose(s, f.list, f.n, mine ? yaml_get(mine, "columns") : NULL, why, sizeof(why)))) {
		pg_say(pg, HEALTH_REFUSED, "map the columns: 'predictions: {columns: {...}}'", "%s", why);
		snprintf(pg->sqlstate, sizeof(pg->sqlstate), "42703");
		served_release(s);
	}
	if (ok) {
		s->schema = xstrdup(f.schema);
		s->table = xstrdup(f.table);
	}
	columns_release(&f);
	return ok;
}

/* ---- rows */

void served_sql(const struct served *s, bool after, struct buf *out)
{
	const struct layout_column *cursor = &s->columns[s->by_id ? SERVED_id : SERVED_time];
	columns_select(s->columns, SERVED_FIELD_COUNT, SERVED_time, TEXT_MAX, out);
	buf_adds(out, ", ");
	quote_identifier(out, str_of(cursor->name));
	buf_adds(out, "::text from ");
	quote_identifier(out, str_of(s->schema));
	buf_addc(out, '.');
	quote_identifier(out, str_of(s->table));
	buf_adds(out, " where ");
	quote_identifier(out, str_of(cursor->name));
	if (after)
		buf_addf(out, " >= $2::%s", cursor->type);
	else
		buf_adds(out, " is not null");
	buf_adds(out, " order by ");
	quote_identifier(out, str_of(cursor->name));
	buf_adds(out, " desc limit $1::bigint");
}

static double first_number(const json_t *j, int deep)
{
	const json_t *v;
	const char *name;
	double found = NAN;
	if (json_is_number(j))
		return json_number_value(j);
	if (json_is_array(j) && deep < 8)
		return first_number(json_array_get(j, 0), deep + 1);
	if (deep < 8)
		json_object_foreach((json_t *)(uintptr_t)j, name, v)
			if (isnan(found))
				found = first_number(v, deep + 1);
	return found;
}

double served_value(struct str cell)
{
	double v = read_number(cell);
	json_t *j = isnan(v) && cell.n ? json_loadb(cell.p, cell.n, JSON_DECODE_ANY, NULL) : NULL;
	if (j)
		v = first_number(j, 0);
	json_decref(j);
	return v;
}

struct batch { struct served *s; struct pg *pg; struct buf rows, key; char *newest; long n; };

static void flush(struct batch *b)
{
	struct msg *m = b->rows.len ? msg_new(MSG_ROWS, 0) : NULL;
	if (!m)
		return;
	m->body = b->rows;
	b->rows = (struct buf){ 0 };
	link_send(b->pg->link, m);
}

static void start(struct batch *b)
{
	if (!b->rows.len)
		rows_start(&b->rows, "predictions");
}

static bool take_row(void *arg, const struct pg *pg, const PGresult *row)
{
	struct batch *b = arg;
	struct str c[SERVED_FIELD_COUNT];
	for (int f = 0; f < SERVED_FIELD_COUNT; f++)
		c[f] = pg_cell(pg, row, f);
	if (!b->newest)
		b->newest = str_dup(pg_cell(pg, row, SERVED_FIELD_COUNT));
	buf_clear(&b->key);
	if (c[SERVED_id].n)
		buf_addstr(&b->key, c[SERVED_id]);
	else
		buf_addf(&b->key, STR_FMT "/" STR_FMT "/%x", STR_ARG(c[SERVED_time]), STR_ARG(c[SERVED_request]), str_hash(c[SERVED_inputs]));
	start(b);
	prediction_put(&b->rows, &(struct prediction){ .key = buf_str(&b->key), .id = c[SERVED_id], .model = c[SERVED_model],
		.version = c[SERVED_version], .run = c[SERVED_run], .request = c[SERVED_request], .inputs = c[SERVED_inputs],
		.time = read_epoch(c[SERVED_time]), .value = served_value(c[SERVED_value]),
		.latency_ms = read_number(c[SERVED_latency]) });
	b->n++;
	if (b->rows.len > BATCH_BYTES)
		flush(b);
	return !link_closing(pg->link);
}

bool served_list(struct served *s, struct pg *pg)
{
	struct batch b = { .s = s, .pg = pg };
	struct buf sql = { 0 };
	char limit[24];
	bool all = !s->cursor || s->since_list > s->limit;       /* what is too old goes with a full listing */
	snprintf(limit, sizeof(limit), "%ld", s->limit);
	served_sql(s, !all, &sql);
	if (all) {
		start(&b);
		rows_begin(&b.rows, STR(""));
	}
	bool ok = pg_ask(pg, sql.data, (const char *const[]){ limit, s->cursor }, all ? 1 : 2, take_row, &b);
	if (ok && all) {
		start(&b);
		rows_end(&b.rows, STR(""));
	}
	flush(&b);
	if (ok) {
		s->since_list = all ? 0 : s->since_list + b.n - 1;   /* the newest known comes again */
		if (b.newest) {
			free(s->cursor);
			s->cursor = b.newest;
			b.newest = NULL;
		}
	}
	free(b.newest);
	buf_release(&b.rows);
	buf_release(&b.key);
	buf_release(&sql);
	return ok;
}
