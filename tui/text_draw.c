/* text_draw: how lines of text look: log lines by their level, JSON records in words, documents by their keys. */
#define _GNU_SOURCE
#include "tui/text.h"
#include "tui/text_page.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- levels */

static enum role level_role(struct str word)
{
	static const struct { const char *word; enum role role; } levels[] = {
		{ "error", ROLE_LOG_ERROR }, { "err", ROLE_LOG_ERROR }, { "fatal", ROLE_LOG_ERROR }, { "critical", ROLE_LOG_ERROR },
		{ "panic", ROLE_LOG_ERROR }, { "severe", ROLE_LOG_ERROR }, { "traceback", ROLE_LOG_ERROR },
		{ "warn", ROLE_LOG_WARN }, { "warning", ROLE_LOG_WARN }, { "debug", ROLE_LOG_DEBUG }, { "trace", ROLE_LOG_DEBUG },
		{ "info", ROLE_TEXT }, { "notice", ROLE_TEXT },
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (str_is_fold(word, levels[i].word))
			return levels[i].role;
	return ROLE_COUNT;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The first word of the line's head that is a level; klog's E1121, W1121. */
static enum role guess_level(struct str s)
{
	if (s.n > 5 && strchr("EWIF", s.p[0]) && s.p[1] >= '0' && s.p[1] <= '1' && s.p[2] >= '0' && s.p[2] <= '9')
		return s.p[0] == 'W' ? ROLE_LOG_WARN : s.p[0] == 'I' ? ROLE_TEXT : ROLE_LOG_ERROR;
	size_t end = s.n < 120 ? s.n : 120;
	for (size_t i = 0; i < end;) {
		if (!letter(s.p[i])) {
			i++;
			continue;
		}
		size_t k = i;
		while (k < s.n && letter(s.p[k]))
			k++;
		enum role r = level_role((struct str){ s.p + i, k - i });
		if (r != ROLE_COUNT)
			return r;
		i = k;
	}
	return ROLE_TEXT;
}

/* ---- JSON records */

static const char *first_of(json_t *o, const char *const *keys, const char **found)
{
	for (; *keys; keys++) {
		const char *v = json_string_value(json_object_get(o, *keys));
		if (v) {
			*found = *keys;
			return v;
		}
	}
	*found = "";
	return NULL;
}

/* {"level":"error","msg":"x","a":1} as "error  x  a=1". False: not a record. */
static bool record(struct str s, struct buf *out, enum role *role)
{
	static const char *const level_keys[] = { "level", "severity", "lvl", "levelname", "log.level", NULL };
	static const char *const message_keys[] = { "msg", "message", "event", NULL };
	static const char *const time_keys[] = { "ts", "time", "timestamp", "@timestamp", "asctime", NULL };
	const char *level_key, *message_key, *time_key, *name;
	json_t *value, *o = s.n && s.p[0] == '{' && s.n < 65536 ? json_loadb(s.p, s.n, 0, NULL) : NULL;
	if (!json_is_object(o)) {
		json_decref(o);
		return false;
	}
	const char *level = first_of(o, level_keys, &level_key), *message = first_of(o, message_keys, &message_key);
	first_of(o, time_keys, &time_key);
	if (level) {
		enum role r = level_role(str_of(level));
		*role = r == ROLE_COUNT ? ROLE_TEXT : r;
		buf_addf(out, "%-5s ", level);
	}
	if (message)
		buf_adds(out, message);
	json_object_foreach(o, name, value) {
		if (!strcmp(name, level_key) || !strcmp(name, message_key) || !strcmp(name, time_key))
			continue;
		char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
		buf_addf(out, "  %s=%s", name, text ? text : json_string_value(value) ? json_string_value(value) : "");
		free(text);
	}
	json_decref(o);
	return true;
}

/* A log line of a program that thought it had a terminal: of what was written over again (progress bars) the last
 * writing stays, and colours go. */
static void put_plain(struct buf *out, struct str s)
{
	for (size_t i = s.n; i > 1; i--) {
		if (s.p[i - 2] == '\r') {
			s = (struct str){ s.p + i - 1, s.n - (i - 1) };
			break;
		}
	}
	for (size_t i = 0; i < s.n; i++) {
		size_t end = i + 2;
		if (s.p[i] == 27 && i + 1 < s.n && s.p[i + 1] == '[') {
			while (end < s.n && (s.p[end] == ';' || (s.p[end] >= '0' && s.p[end] <= '9')))
				end++;
			if (end < s.n && (s.p[end] == 'm' || s.p[end] == 'K')) {
				i = end;
				continue;
			}
		}
		buf_addc(out, s.p[i]);
	}
}

void text_shape(const struct text_page *t, uint32_t line, struct buf *out, size_t *body, enum role *role)
{
	struct str s = lines_get(&t->lines, line);
	*role = ROLE_TEXT;
	*body = 0;
	if (lines_is_note(&t->lines, line)) {
		*role = ROLE_DIM;
		buf_adds(out, "-- ");
	} else if (t->style == TEXT_LOG) {
		struct logline l = logline_parse(s);
		if (t->times && l.time.n)
			buf_addf(out, STR_FMT " ", (int)(l.time.n > 19 ? 12 : l.time.n), l.time.n > 19 ? l.time.p + 11 : l.time.p);
		if (l.where.n)
			buf_addf(out, STR_FMT " ", STR_ARG(l.where));
		*body = out->len;
		if (record(l.text, out, role))
			return;
		*role = guess_level(l.text);
		put_plain(out, l.text);
		return;
	}
	buf_addstr(out, s);
}

int text_height(const struct text_page *t, uint32_t line, bool ascii)
{
	struct buf b = { 0 };
	size_t body;
	enum role role;
	if (!t->wrap || t->w <= 0)
		return 1;
	text_shape(t, line, &b, &body, &role);
	int w = text_width(buf_str(&b), ascii), h = w ? (w + t->w - 1) / t->w : 1;
	buf_release(&b);
	return h;
}

/* ---- drawing */

/* How far a document's line is a key: "  name:" */
static size_t key_end(struct str s)
{
	size_t i = 0;
	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '-'))
		i++;
	size_t k = i;
	while (k < s.n && s.p[k] != ':' && (unsigned char)s.p[k] > ' ')
		k++;
	return k > i && k < s.n && s.p[k] == ':' && (k + 1 == s.n || s.p[k + 1] == ' ') ? k + 1 : 0;
}

/* Skip `left` cells of s. */
static struct str skip_cells(struct str s, int left, bool ascii)
{
	int used;
	size_t n = left > 0 ? text_fit(s, ascii, left, &used) : 0;
	return (struct str){ s.p + n, s.n - n };
}

static void mark_matches(const struct text_page *t, struct frame *f, struct rect line, struct str s)
{
	size_t from = 0, n;
	while (matcher_find(&t->search, s, &from, &n)) {
		int x = text_width((struct str){ s.p, from }, f->ascii), w = text_width((struct str){ s.p + from, n }, f->ascii);
		if (x >= line.w)
			return;
		frame_back(f, rect_part(line, x, 0, w, 1), ROLE_MATCH);
		from += n;
	}
}

static int draw_line(const struct text_page *t, struct frame *f, struct rect area, int y, uint32_t index)
{
	struct buf b = { 0 };
	size_t body;
	enum role role;
	text_shape(t, index, &b, &body, &role);
	struct str s = buf_str(&b);
	size_t split = t->style == TEXT_DOC ? key_end(s) : body;
	int rows = 0;
	do {
		struct rect line = rect_part(area, 0, y + rows, area.w, 1);
		int used;
		struct str part = t->wrap ? s : skip_cells(s, t->left, f->ascii);
		size_t offset = (size_t)(part.p - b.data), n = text_fit(part, f->ascii, area.w, &used), head = 0;
		if (offset < split)
			head = split - offset < part.n ? split - offset : part.n;
		int x = frame_text(f, line, 0, 0, -1, (struct str){ part.p, head },
		                   t->style == TEXT_DOC ? ROLE_KEY : ROLE_LOG_TIME);
		frame_text(f, line, x, 0, -1, (struct str){ part.p + head, part.n - head }, role);
		mark_matches(t, f, line, part);
		rows++;
		if (!t->wrap || !n)
			break;
		s = (struct str){ part.p + n, part.n - n };
	} while (s.n && y + rows < area.h);
	buf_release(&b);
	return rows;
}

void text_page_draw(const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct text_page *t = (const struct text_page *)(const void *)p;
	int y = 0;
	for (uint32_t i = t->top; i < text_count(t) && y < area.h; i++)
		y += draw_line(t, f, area, y, text_line(t, i));
	if (t->error && y < area.h)
		frame_text(f, area, 0, y, -1, str_of(t->error), ROLE_SAY_BAD);
	else if (!text_count(t) && area.h > 0)
		frame_textf(f, area, 0, 0, -1, ROLE_DIM, "%s", t->filter.set ? "no line matches the filter" :
		            t->ended ? "empty" : "waiting for the first line");
}
