/* say: see say.h. */
#include "base/say.h"
#include <string.h>

/* One column's value; false: unknown. Values may be long and have lines: the first SHOWN_MAX bytes of one line do. */
static bool add_value(const struct table *t, const struct row *r, struct str name, int64_t now, struct buf *out)
{
	enum { SHOWN_MAX = 160 };
	int col = kind_col(t->kind, name, false);
	size_t from = out->len;
	if (col < 0 || row_null(r, col))
		return false;
	row_show(t, r, col, now, out);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	if (out->len - from > SHOWN_MAX) {
		for (out->len = from + SHOWN_MAX; out->len > from && ((unsigned char)out->data[out->len] & 0xc0) == 0x80;)
			out->len--;
		out->data[out->len] = '\0';
		buf_adds(out, "...");
	}
	return out->len > from;
}

static bool say_one(const struct table *t, const struct row *r, struct str how, int64_t now, struct buf *out)
{
	size_t group = STR_NONE, start = out->len;
	bool group_known = true;
	for (size_t i = 0; i < how.n; i++) {
		char c = how.p[i];
		const char *end = c == '{' ? memchr(how.p + i, '}', how.n - i) : NULL;
		if (c == '[' && group == STR_NONE) {
			group = out->len;
			group_known = true;
		} else if (c == ']' && group != STR_NONE) {
			if (!group_known) {
				out->len = group;
				out->data[group] = '\0';
			}
			group = STR_NONE;
		} else if (end) {
			struct str name = { how.p + i + 1, (size_t)(end - how.p) - i - 1 };
			bool known = add_value(t, r, name, now, out);
			if (!known && group == STR_NONE) {
				out->len = start;
				return false;
			}
			group_known &= known;
			i += name.n + 1;
		} else {
			buf_addc(out, c);
		}
	}
	return true;
}

bool row_say(const struct table *t, const struct row *r, const char *how, int64_t now, struct buf *out)
{
	struct str rest = str_of(how);
	buf_reserve(out, 1);
	while (rest.p)
		if (say_one(t, r, str_split(&rest, '|'), now, out))
			return true;
	if (out->data)
		out->data[out->len] = '\0';
	return false;
}

bool say_fits(const struct kind *k, const char *how, struct buf *unknown)
{
	for (const char *p = how; (p = strchr(p, '{'));) {
		const char *end = strchr(p, '}');
		struct str name = { p + 1, end ? (size_t)(end - p) - 1 : strlen(p + 1) };
		if (!end || kind_col(k, name, false) < 0) {
			buf_addstr(unknown, name);
			return false;
		}
		p = end;
	}
	return true;
}

int64_t row_time_by(const struct table *t, const struct row *r, const char *col)
{
	int c = kind_col(t->kind, str_of(col), false);
	return c >= 0 && t->kind->cols[c].type == COL_TIME ? row_int(r, c) : 0;
}
