/* cell_json: see cell_json.h. */
#include "base/cell_json.h"
#include "base/fmt.h"
#include "base/rows.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

static json_t *time_json(int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[40];
	struct tm tm;
	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_integer(ms);
	return json_string(text);
}

json_t *cell_json(const struct table *t, const struct row *r, int column)
{
	const struct column *c = &t->kind->cols[column];
	if (row_null(r, column))
		return json_null();
	if (col_is_text(c)) {
		struct str s = row_text(t, r, column);
		return json_stringn(s.p ? s.p : "", s.n);
	}
	if (col_is_real(c))
		return json_real(row_real(r, column));
	int64_t v = row_int(r, column);
	char text[40];
	switch (c->type) {
	case COL_TIME:
		return time_json(v);
	case COL_PAIR:
		snprintf(text, sizeof(text), "%d/%d", PAIR_NUM(v), PAIR_DEN(v));
		return json_string(text);
	case COL_BOOL:
		return json_boolean(v);
	case COL_MILLI:
		return json_real((double)v / 1000);
	default:
		return json_integer(v);
	}
}

/* ---- back */

static bool text_from(const struct column *c, const json_t *v, struct buf *out)
{
	size_t i;
	json_t *x;
	if (json_is_string(v))
		buf_add(out, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		buf_addf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		buf_addf(out, "%.15g", json_real_value(v));
	else if (json_is_boolean(v))
		buf_adds(out, json_is_true(v) ? "true" : "false");
	else if (c->type == COL_SERIES && json_is_array(v))
		json_array_foreach(v, i, x) {
			if (!json_is_number(x) && !json_is_null(x))
				return false;
			buf_adds(out, i ? " " : "");
			json_is_null(x) ? buf_addc(out, '-') : buf_addf(out, "%.15g", json_number_value(x));
		}
	else
		return false;
	return true;
}

static bool pair_from(const char *s, int64_t *out)
{
	struct str rest = str_of(s), first = str_split(&rest, '/');
	int64_t n, of;
	if (!str_to_i64(first, &n) || !str_to_i64(rest, &of) || n < INT32_MIN || n > INT32_MAX || of < INT32_MIN || of > INT32_MAX)
		return false;
	*out = PAIR(n, of);
	return true;
}

static bool int_from(const struct column *c, const json_t *v, int64_t *out)
{
	const char *s = json_string_value(v);
	double f = json_number_value(v) * 1000;
	switch (c->type) {
	case COL_BOOL:
		*out = json_is_true(v);
		return json_is_boolean(v);
	case COL_PAIR:
		return s && pair_from(s, out);
	case COL_MILLI:
		*out = json_is_number(v) && fabs(f) < 9e15 ? (int64_t)llround(f) : 0;
		return json_is_number(v) && fabs(f) < 9e15;
	case COL_TIME:
		if (s)
			return time_parse(str_of(s), out);
		break;
	default:
		break;
	}
	*out = json_integer_value(v);
	return json_is_integer(v);
}

bool cell_from_json(const struct column *c, const json_t *v, struct buf *rows)
{
	struct buf text = { 0 };
	int64_t i = 0;
	bool fits = true, there = v && !json_is_null(v);
	if (there && col_is_text(c))
		fits = text_from(c, v, &text);
	else if (there && col_is_real(c))
		fits = json_is_number(v);
	else if (there)
		fits = int_from(c, v, &i);
	if (!there || !fits)
		cell_null(rows);
	else if (col_is_text(c))
		cell_text(rows, buf_str(&text));
	else if (col_is_real(c))
		cell_real(rows, json_number_value(v));
	else
		cell_int(rows, i);
	buf_release(&text);
	return fits;
}
