/* layout: a drift history is recognised by the names of its columns, or told by the settings. Every cell travels as text
 * and is understood here, so that a numeric NaN, an infinite timestamp or a verdict in words is never an error. */
#include "backends/drift/layout.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 16000           /* characters of a text cell that are asked for */

const char *const layout_names[LAYOUT_FIELD_COUNT] = {
#define X(name, ...) #name,
	LAYOUT_FIELDS(X)
#undef X
};
static const char *const known_names[LAYOUT_FIELD_COUNT][10] = {
#define X(name, help, ...) { __VA_ARGS__ },
	LAYOUT_FIELDS(X)
#undef X
};

void layout_release(struct layout *l)
{
	free(l->schema);
	free(l->table);
	free(l->query);
	for (int i = 0; i < LAYOUT_FIELD_COUNT; i++) {
		free(l->columns[i].name);
		free(l->columns[i].type);
	}
	*l = (struct layout){ 0 };
}

enum layout_class layout_class(struct str type)
{
	static const struct { const char *name; enum layout_class is; } known[] = {
		{ "timestamp with time zone", CLASS_TIME }, { "timestamptz", CLASS_TIME },
		{ "timestamp without time zone", CLASS_LOCAL_TIME }, { "timestamp", CLASS_LOCAL_TIME },
		{ "date", CLASS_LOCAL_TIME },
		{ "smallint", CLASS_NUMBER }, { "integer", CLASS_NUMBER }, { "bigint", CLASS_NUMBER },
		{ "numeric", CLASS_NUMBER }, { "real", CLASS_NUMBER }, { "double precision", CLASS_NUMBER },
	};
	if (!type.n)
		return CLASS_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_is(type, known[i].name))
			return known[i].is;
	return CLASS_TEXT;
}

static const struct layout_column *column_named(const struct layout_column *there, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(there[i].name, name))
			return &there[i];
	return NULL;
}

static void say_missing(const struct layout_column *there, unsigned n, const char *field, const char *name,
                        char *why, size_t size)
{
	const char **names = xreallocarray(NULL, n + 1, sizeof(*names));
	struct buf list = { 0 };
	for (unsigned i = 0; i < n; i++) {
		names[i] = there[i].name;
		if (i < 12)
			buf_addf(&list, "%s%.40s", i ? ", " : "", there[i].name);
	}
	const char *nearest = str_nearest(str_of(name), names, n);
	snprintf(why, size, "no column '%.60s' (mapped as %s); %s%.60s%sthere are %.300s%s", name, field,
	         nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "",
	         list.data ? list.data : "none", n > 12 ? " ..." : "");
	free(names);
	buf_release(&list);
}

/* A number that grows with each row, of which a serial is the usual case. */
static bool is_whole(const struct layout_column *c)
{
	return c->name && (!strcmp(c->type, "integer") || !strcmp(c->type, "bigint") || !strcmp(c->type, "smallint"));
}

bool layout_choose(struct layout *l, const struct layout_column *there, unsigned n,
                   const char *const mapped[LAYOUT_FIELD_COUNT], char *why, size_t size)
{
	for (int f = 0; f < LAYOUT_FIELD_COUNT; f++) {
		const struct layout_column *c = mapped[f] ? column_named(there, n, mapped[f]) : NULL;
		if (mapped[f] && !c) {
			say_missing(there, n, layout_names[f], mapped[f], why, size);
			return false;
		}
		for (int i = 0; !c && !mapped[f] && i < 10 && known_names[f][i]; i++)
			c = column_named(there, n, known_names[f][i]);
		if (!c)
			continue;
		l->columns[f] = (struct layout_column){ xstrdup(c->name), xstrdup(c->type) };
	}
	if (!l->columns[LAYOUT_time].name) {
		snprintf(why, size, "no column tells when a check ran; say 'columns: {time: NAME}'");
		return false;
	}
	if (!l->columns[LAYOUT_score].name && !l->columns[LAYOUT_drifted].name) {
		snprintf(why, size, "no column holds a score or a verdict; say 'columns: {score: NAME, drifted: NAME}'");
		return false;
	}
	enum layout_class time = layout_class(str_of(l->columns[LAYOUT_time].type));
	l->cursor = is_whole(&l->columns[LAYOUT_id]) ? CURSOR_ID : time != CLASS_TEXT ? CURSOR_TIME : CURSOR_NONE;
	return true;
}

void quote_identifier(struct buf *out, struct str name)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < name.n && name.p[i]; i++) {
		if (name.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, name.p[i]);
	}
	buf_addc(out, '"');
}

static void add_cell(const struct layout *l, int field, struct buf *out)
{
	const struct layout_column *c = &l->columns[field];
	enum layout_class is = c->name ? layout_class(str_of(c->type)) : CLASS_NONE;
	if (is == CLASS_NONE) {
		buf_adds(out, "null");
	} else if (field == LAYOUT_time && is != CLASS_NUMBER) {
		buf_adds(out, "extract(epoch from ");
		quote_identifier(out, str_of(c->name));
		buf_adds(out, is == CLASS_TEXT ? "::timestamptz)::text" : ")::text");
	} else {
		buf_adds(out, "left(");
		quote_identifier(out, str_of(c->name));
		buf_addf(out, "::text, %d)", TEXT_MAX);
	}
}

void layout_sql(const struct layout *l, enum layout_ask ask, struct buf *out)
{
	const struct layout_column *cursor = l->cursor == CURSOR_ID ? &l->columns[LAYOUT_id] :
	                                     l->cursor == CURSOR_TIME ? &l->columns[LAYOUT_time] : NULL;
	buf_adds(out, "select ");
	for (int f = 0; f < LAYOUT_FIELD_COUNT; f++) {
		add_cell(l, f, out);
		buf_adds(out, ", ");
	}
	if (cursor) {
		quote_identifier(out, str_of(cursor->name));
		buf_adds(out, "::text");
	} else {
		buf_adds(out, "null");
	}
	buf_adds(out, " from ");
	if (l->query) {
		struct str q = str_trim(str_of(l->query));
		while (q.n && q.p[q.n - 1] == ';')
			q = str_trim((struct str){ q.p, q.n - 1 });
		buf_addc(out, '(');
		buf_addstr(out, q);
		buf_adds(out, "\n) as checks");
	} else {
		quote_identifier(out, str_of(l->schema));
		buf_addc(out, '.');
		quote_identifier(out, str_of(l->table));
	}
	if (cursor) {            /* "is not null", not "nulls last": so that an index gives the order */
		buf_adds(out, " where ");
		quote_identifier(out, str_of(cursor->name));
		if (ask == LAYOUT_NEWER)
			buf_addf(out, " >= $2::%s order by ", cursor->type);
		else
			buf_adds(out, " is not null order by ");
		quote_identifier(out, str_of(cursor->name));
		buf_adds(out, " desc");
	} else {
		buf_addf(out, " order by %d desc nulls last", LAYOUT_time + 1);
	}
	buf_adds(out, " limit $1::bigint");
}

/* ---- cells */

int read_verdict(struct str s)
{
	static const char *const yes[] = { "t", "true", "1", "y", "yes", "drift", "drifted", "detected", "fail", "failed",
	                                   "alert", "critical", "bad" };
	static const char *const no[] = { "f", "false", "0", "n", "no", "ok", "clean", "pass", "passed", "none",
	                                  "no_drift", "no drift", "success", "stable", "warn", "warning" };
	s = str_trim(s);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (s.n == strlen(yes[i]) && str_contains_fold(s, str_of(yes[i])))
			return 1;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (s.n == strlen(no[i]) && str_contains_fold(s, str_of(no[i])))
			return 0;
	return -1;
}

double read_number(struct str s)
{
	double v;
	return str_to_f64(str_trim(s), &v) ? v : NAN;
}

int64_t read_epoch(struct str s)
{
	double v = read_number(s);
	if (isnan(v) || v <= 0)
		return 0;
	if (v > 1e14)            /* microseconds */
		v /= 1000;
	else if (v < 1e11)       /* seconds, until the year 5138 */
		v *= 1000;
	return v < 4e15 ? (int64_t)llround(v) : 0;
}

static int64_t read_count(struct str s)
{
	double v = read_number(s);
	return !isnan(v) && v >= 0 && v < 1e9 ? (int64_t)v : -1;
}

void layout_check(const struct str cells[LAYOUT_FIELD_COUNT], struct buf *key, struct drift_check *c)
{
	*c = (struct drift_check){
		.model = cells[LAYOUT_model], .id = cells[LAYOUT_id], .features = cells[LAYOUT_features],
		.current = cells[LAYOUT_current], .reference = cells[LAYOUT_reference], .action = cells[LAYOUT_action],
		.time = read_epoch(cells[LAYOUT_time]), .score = read_number(cells[LAYOUT_score]),
		.limit = read_number(cells[LAYOUT_limit]), .drifted = read_verdict(cells[LAYOUT_drifted]),
		.count = read_count(cells[LAYOUT_count]), .checked = read_count(cells[LAYOUT_checked]),
	};
	buf_clear(key);
	if (c->id.n)
		buf_addstr(key, c->id);
	else
		buf_addf(key, "%lld/" STR_FMT "/" STR_FMT, (long long)c->time, STR_ARG(c->model), STR_ARG(c->current));
	c->key = buf_str(key);
}
