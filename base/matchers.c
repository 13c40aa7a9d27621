/* matchers: see matchers.h. */
#include "base/matchers.h"
#include "base/acts.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/pattern.h"
#include <stdio.h>
#include <stdlib.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c == '.' || c == '-' ||
	       c == '/' || (uint8_t)c >= 0x80;
}

static void skip_blanks(struct str *s)
{
	while (s->n && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n'))
		s->p++, s->n--;
}

static bool read_quoted(struct str *s, struct buf *out)
{
	size_t i = 1;
	for (; i < s->n && s->p[i] != '"'; i++) {
		char c = s->p[i];
		if (c == '\\' && i + 1 < s->n) {
			c = s->p[++i];
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		buf_addc(out, c);
	}
	if (i >= s->n)
		return false;
	s->p += i + 1;
	s->n -= i + 1;
	return true;
}

/* A text in quotes, or a word. */
static bool read_text(struct str *s, struct buf *out)
{
	buf_clear(out);
	if (s->n && *s->p == '"')
		return read_quoted(s, out);
	while (s->n && is_word(*s->p)) {
		buf_addc(out, *s->p);
		s->p++, s->n--;
	}
	return out->len > 0;
}

static bool read_operator(struct str *s, bool *regex, bool *equal)
{
	static const struct { const char *text; bool regex, equal; } all[] = { { "=~", true, true }, { "!~", true, false }, { "!=", false, false },
		{ "=", false, true } };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (str_starts(*s, str_of(all[i].text))) {
			*regex = all[i].regex;
			*equal = all[i].equal;
			s->p += strlen(all[i].text);
			s->n -= strlen(all[i].text);
			return true;
		}
	return false;
}

json_t *matchers_parse(struct str text, char *why, size_t size)
{
	json_t *list = json_array();
	struct buf name = { 0 }, value = { 0 };
	struct str s = str_trim(text);
	bool ok = s.n > 0;
	if (s.n > 1 && *s.p == '{' && s.p[s.n - 1] == '}')
		s = (struct str){ s.p + 1, s.n - 2 };
	snprintf(why, size, "%s", ok ? "" : "no matcher is given");
	while (ok) {
		bool regex, equal;
		skip_blanks(&s);
		struct str from = s;
		ok = read_text(&s, &name) && (skip_blanks(&s), read_operator(&s, &regex, &equal)) && (skip_blanks(&s), read_text(&s, &value));
		json_t *m = ok ? json_pack("{s:s%, s:s%, s:b, s:b}", "name", name.data, name.len, "value", value.data ? value.data : "", value.len,
			"isRegex", regex, "isEqual", equal) : NULL;
		if (m)
			json_array_append_new(list, m);
		skip_blanks(&s);
		ok = m && (!s.n || *s.p == ',');
		if (!ok)
			snprintf(why, size, "'%.*s' is no matcher: name=\"value\", with = != =~ or !~, a comma between two",
			         (int)(from.n < 40 ? from.n : 40), from.n ? from.p : "");
		if (!s.n)
			break;
		s.p++, s.n--;
		skip_blanks(&s);
		if (!s.n)
			break;               /* a comma at the end */
	}
	buf_release(&name);
	buf_release(&value);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static void put_quoted(struct str s, struct buf *out)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '\n')
			buf_addc(out, '\\');
		buf_addc(out, s.p[i] == '\n' ? 'n' : s.p[i]);
	}
	buf_addc(out, '"');
}

static void put_matcher(const json_t *m, struct buf *out)
{
	const json_t *equal = json_object_get(m, "isEqual"), *value = json_object_get(m, "value");
	bool is = !equal || json_is_true(equal), regex = json_is_true(json_object_get(m, "isRegex"));
	buf_addf(out, "%s%s", json_text(m, "name"), is ? regex ? "=~" : "=" : regex ? "!~" : "!=");
	put_quoted(json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : STR(""), out);
}

void matchers_text(const json_t *matchers, struct buf *out)
{
	const json_t *m;
	size_t i;
	json_array_foreach(matchers, i, m) {
		if (i)
			buf_addc(out, ',');
		put_matcher(m, out);
	}
}

void matcher_text(const json_t *m, struct buf *out)
{
	put_matcher(m, out);
}

void matchers_exact(const struct alert_label *l, unsigned n, struct buf *out)
{
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_addc(out, ',');
		buf_addstr(out, l[i].name);
		buf_addc(out, '=');
		put_quoted(l[i].value, out);
	}
}

static bool is_matched(const json_t *m, struct str value)
{
	const json_t *equal = json_object_get(m, "isEqual");
	bool is, want = !equal || json_is_true(equal);
	if (json_is_true(json_object_get(m, "isRegex"))) {
		char *text = str_dup(value), *whole = xasprintf("^(%s)$", json_text(m, "value")), why[80];
		regex_t re;
		is = pattern_compile(&re, whole, REG_NOSUB, why, sizeof(why));
		if (is) {
			is = !regexec(&re, text, 0, NULL, 0);
			regfree(&re);
		}
		free(whole);
		free(text);
	} else {
		is = str_is(value, json_text(m, "value"));
	}
	return is == want;
}

bool matchers_match(const json_t *matchers, const struct alert_label *l, unsigned n)
{
	const json_t *m;
	size_t i;
	json_array_foreach(matchers, i, m)
		if (!is_matched(m, alert_label(l, n, json_text(m, "name"))))
			return false;
	return json_array_size(matchers) > 0;
}

json_t *silence_form(struct str matchers, const char *comment)
{
	static const char *const types[] = { "duration", "text", "text" };
	json_t *list = json_array();
	bool ok = true;
	for (int i = 0; i < 3; i++) {
		const struct field *f = &act_silence.fields[i];
		json_t *value = i == 2 ? json_stringn(matchers.n ? matchers.p : "", matchers.n) : json_string(i ? comment : f->otherwise);
		ok = ok && value;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o*, s:b}", "name", f->name, "title", f->title, "help", f->help,
			"type", types[i], "default", value, "required", i > 0));
	}
	if (ok)
		return json_pack("{s:o}", "fields", list);
	json_decref(list);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *in_order(const json_t *list)
{
	size_t n = json_array_size(list), i;
	char **all = xcalloc(n + 1, sizeof(*all));
	struct buf out = { 0 };
	for (i = 0; i < n; i++) {
		struct buf b = { 0 };
		put_matcher(json_array_get(list, i), &b);
		all[i] = buf_detach(&b);
	}
	qsort(all, n, sizeof(*all), by_text);
	for (i = 0; i < n; i++) {
		buf_addf(&out, "%s,", all[i]);
		free(all[i]);
	}
	free(all);
	return buf_detach(&out);
}

bool matchers_same(const json_t *a, const json_t *b)
{
	char *x = in_order(a), *y = in_order(b);
	bool same = !strcmp(x, y);
	free(x);
	free(y);
	return same;
}
