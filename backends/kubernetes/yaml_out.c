/* yaml_out: see yaml_out.h. The rules of when to quote are those of YAML 1.1 as Go's library applies them: whatever some
 * reader could take for null, a boolean, a number or a time is quoted. */
#define _GNU_SOURCE
#include "backends/kubernetes/yaml_out.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdlib.h>

#define DEPTH_MAX 200

/* Could a reader take the text for another type? */
static bool other_type(struct str s)
{
	static const char *const words[] = { "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n",
		"<<", "=", ".inf", "-.inf", "+.inf", ".nan" };
	size_t i = 0, digits = 0;

	for (size_t w = 0; w < ARRAY_SIZE(words); w++)
		if (str_is_fold(s, words[w]))
			return true;
	if (s.p[0] == '-' || s.p[0] == '+')
		i++;
	if (i == s.n || !(isdigit((unsigned char)s.p[i]) || s.p[i] == '.'))
		return false;
	for (; i < s.n; i++) {
		if (isdigit((unsigned char)s.p[i]))
			digits++;
		else if (!strchr("._+-:eExXoObBaAcCdDfFTtZ ", s.p[i]))
			return false;
	}
	return digits > 0;
}

static bool plain_syntax(struct str s)
{
	if (isspace((unsigned char)s.p[0]) || isspace((unsigned char)s.p[s.n - 1]) || s.p[s.n - 1] == ':')
		return false;
	if (strchr(",[]{}#&*!|>'\"%@`", s.p[0]))
		return false;
	if (strchr("-?:", s.p[0]) && (s.n == 1 || s.p[1] == ' '))
		return false;
	if (s.n >= 3 && (!memcmp(s.p, "---", 3) || !memcmp(s.p, "...", 3)))
		return false;
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((s.p[i] == ':' && s.p[i + 1] == ' ') || (s.p[i] == ' ' && s.p[i + 1] == '#'))
			return false;
	return true;
}

/* Holds something that only double quotes can say (NUL, escapes, carriage return). */
static bool needs_escapes(struct str s, bool *lines)
{
	*lines = false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n')
			*lines = true;
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
		else if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)   /* C1 controls */
			return true;
		else if (c == 0xe2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
		         ((unsigned char)s.p[i + 2] == 0xa8 || (unsigned char)s.p[i + 2] == 0xa9))  /* line separators */
			return true;
		else if (c == 0xef && i + 2 < s.n && !memcmp(s.p + i, "\xef\xbb\xbf", 3))
			return true;
	}
	return false;
}

static void double_quoted(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c == '\n')
			buf_adds(out, "\\n");
		else if (c == '\t')
			buf_adds(out, "\\t");
		else if (c == '\r')
			buf_adds(out, "\\r");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02X", c);
		else if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
			buf_addf(out, "\\x%02X", (unsigned char)s.p[++i]);
		else if (c == 0xe2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
		         ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8) {
			buf_addf(out, "\\u20%02X", (unsigned char)s.p[i + 2] - 0x80);
			i += 2;
		} else if (c == 0xef && i + 2 < s.n && !memcmp(s.p + i, "\xef\xbb\xbf", 3)) {
			buf_adds(out, "\\uFEFF");
			i += 2;
		} else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

static void single_quoted(struct buf *out, struct str s)
{
	buf_addc(out, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_addc(out, '\'');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '\'');
}

static void pad(struct buf *out, int n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

static void block(struct buf *out, struct str s, int indent)
{
	size_t ends = 0;
	struct str rest = s;

	while (ends < s.n && s.p[s.n - 1 - ends] == '\n')
		ends++;
	buf_adds(out, "|");
	if (s.p[0] == ' ' || s.p[0] == '\n')
		buf_addc(out, '2');
	buf_adds(out, ends == 0 ? "-" : ends > 1 ? "+" : "");
	if (ends)
		rest.n--;
	while (rest.p) {
		struct str line = str_split(&rest, '\n');

		buf_addc(out, '\n');
		if (line.n)
			pad(out, indent + 2);
		buf_addstr(out, line);
	}
}

/* A block scalar cannot hold lines of only blanks, or a tab where its indentation ends; one of empty lines only would
 * lose them. */
static bool block_fits(struct str s)
{
	bool start = true, blank = true, any = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			if (!start && blank)
				return false;
			start = blank = true;
			continue;
		}
		if (start && s.p[i] == '\t')
			return false;
		start = false;
		any = true;
		blank = blank && s.p[i] == ' ';
	}
	return any && (start || !blank);
}

void yaml_write_text(struct buf *out, struct str s, int indent)
{
	bool lines, escapes = needs_escapes(s, &lines);

	if (s.n == 0)
		buf_adds(out, "\"\"");
	else if (escapes || (lines && !block_fits(s)) || (!lines && (other_type(s) || memchr(s.p, '\t', s.n))))
		double_quoted(out, s);
	else if (lines)
		block(out, s, indent);
	else if (plain_syntax(s))
		buf_addstr(out, s);
	else
		single_quoted(out, s);
}

static int by_key(const void *a, const void *b)
{
	return str_cmp_natural(str_of(*(const char *const *)a), str_of(*(const char *const *)b));
}

static void value(struct buf *out, const json_t *v, int indent, int depth, const char *folded);

static void map(struct buf *out, const json_t *v, int indent, int depth, const char *folded, bool first_in_line)
{
	size_t n = json_object_size(v), i = 0;
	const char **keys = xcalloc(n, sizeof(*keys)), *key;
	json_t *item;

	json_object_foreach((json_t *)v, key, item)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 0; i < n; i++) {
		item = json_object_get(v, keys[i]);
		if (!first_in_line || i)
			pad(out, indent);
		yaml_write_text(out, str_of(keys[i]), indent);
		if (depth == 1 && folded && !strcmp(keys[i], "managedFields")) {
			buf_addf(out, ": [] # %s\n", folded);
			continue;
		}
		buf_addc(out, ':');
		value(out, item, indent, depth, depth == 0 && strcmp(keys[i], "metadata") ? NULL : folded);
	}
	free(keys);
}

/* After "key:" or "-": the value and its newline. indent is of the key's own line. */
static void value(struct buf *out, const json_t *v, int indent, int depth, const char *folded)
{
	json_t *item;
	size_t i;
	char *text;

	if (depth > DEPTH_MAX) {
		buf_adds(out, " '...'\n");
	} else if (json_is_object(v) && json_object_size(v)) {
		buf_addc(out, '\n');
		map(out, v, indent + 2, depth + 1, folded, false);
	} else if (json_is_array(v) && json_array_size(v)) {
		buf_addc(out, '\n');
		json_array_foreach(v, i, item) {
			pad(out, indent);
			buf_addc(out, '-');
			if (json_is_object(item) && json_object_size(item)) {
				buf_addc(out, ' ');
				map(out, item, indent + 2, depth + 2, NULL, true);
			} else if (json_is_array(item) && json_array_size(item))
				value(out, item, indent + 2, depth + 2, NULL);
			else
				value(out, item, indent, depth + 2, NULL);
		}
	} else if (json_is_string(v)) {
		buf_addc(out, ' ');
		yaml_write_text(out, (struct str){ json_string_value(v), json_string_length(v) }, indent);
		buf_addc(out, '\n');
	} else {
		text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		buf_addf(out, " %s\n", text ? text : "null");
		free(text);
	}
}

void yaml_write(struct buf *out, const json_t *doc, int indent, const char *folded)
{
	if (json_is_object(doc) && json_object_size(doc))
		map(out, doc, indent, 0, folded, false);
	else
		value(out, doc, indent, 0, NULL);
}
