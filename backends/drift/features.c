/* features: a small tolerant reader. One grammar covers JSON, Python's repr and PostgreSQL's arrays, because all three
 * are brackets, separators, quotes and words:
 *
 *   list := open item (, item)* close      item := value [: value]      value := list | quoted | word
 *
 * What an item means depends on where it stands: a value alone in a list is a name; `name: number` is a score,
 * `name: true` a flag, `name: {...}` a record about that feature, and a record in a list says its own name. */
#include "backends/drift/features.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX 12

struct reader {
	struct feature_list *out;
	const char *p, *end;
	unsigned depth;
	struct buf word;         /* the last value that was not a list */
	bool quoted;
};
struct record {                  /* what an object said of one feature */
	struct buf name;
	double score;
	int drifted;             /* -1 not said */
};

static bool among(struct str word, const char *const *names)
{
	for (; *names; names++)
		if (word.n == strlen(*names) && str_contains_fold(word, str_of(*names)))
			return true;
	return false;
}

static const char *const nothing_words[] = { "none", "null", "nan", "n/a", "-", "nil", NULL };
static const char *const true_words[] = { "true", "t", "yes", "y", "drift", "drifted", "detected", "fail", "failed",
                                          NULL };
static const char *const false_words[] = { "false", "f", "no", "n", "ok", "clean", "pass", "passed", "success", NULL };
static const char *const name_keys[] = { "name", "feature", "feature_name", "column", "column_name", "col", NULL };
static const char *const score_keys[] = { "score", "drift_score", "p_value", "pvalue", "p", "psi", "value", "distance",
                                          "statistic", NULL };
static const char *const flag_keys[] = { "drifted", "drift_detected", "detected", "drift", "is_drifted", NULL };
static const char *const list_keys[] = { "features", "drifted_features", "features_with_drift", "columns",
                                         "drifted_columns", "drift_by_columns", "drift_by_feature", NULL };

static struct str cut_name(struct str s)
{
	s = str_trim(s);
	if (s.n > FEATURE_NAME_MAX) {
		s.n = FEATURE_NAME_MAX;
		while (s.n > 1 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	return s;
}

void features_add(struct feature_list *f, const struct feature_say *s)
{
	struct str name = cut_name(s->name), method = cut_name(s->method);
	if (!name.n || f->n >= FEATURES_MAX)
		return;
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq(feature_name(f, i), name))
			return;
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		f->items = xreallocarray(f->items, f->cap, sizeof(*f->items));
	}
	struct feature_seen *seen = &f->items[f->n++];
	*seen = (struct feature_seen){ .at = (uint32_t)f->text.len, .len = (uint32_t)name.n, .score = s->score,
		.drifted = s->drifted, .limit = s->limit, .points = s->points, .method_len = (uint32_t)method.n };
	buf_addstr(&f->text, name);
	seen->method_at = (uint32_t)f->text.len;
	buf_addstr(&f->text, method);
	f->drifted += s->drifted;
	f->complete |= !s->drifted;
}

static void add_feature(struct feature_list *f, struct str name, double score, int drifted)
{
	features_add(f, &(struct feature_say){ .name = name, .score = score, .limit = NAN, .drifted = drifted != 0 });
}

void features_clear(struct feature_list *f)
{
	f->n = f->drifted = 0;
	f->complete = false;
	buf_clear(&f->text);
}

struct str feature_name(const struct feature_list *f, unsigned i)
{
	return (struct str){ f->text.data + f->items[i].at, f->items[i].len };
}

struct str feature_method(const struct feature_list *f, unsigned i)
{
	return (struct str){ f->text.data + f->items[i].method_at, f->items[i].method_len };
}

/* ---- words */

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }
static bool is_open(char c) { return c == '[' || c == '{' || c == '('; }
static bool is_close(char c) { return c == ']' || c == '}' || c == ')'; }
static bool is_separator(char c) { return c == ',' || c == ';'; }

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

static void add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
	} else if (c < 0x800) {
		buf_addc(b, (char)(0xc0 | c >> 6));
		buf_addc(b, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_addc(b, (char)(0xe0 | c >> 12));
		buf_addc(b, (char)(0x80 | (c >> 6 & 63)));
		buf_addc(b, (char)(0x80 | (c & 63)));
	} else {
		buf_addc(b, (char)(0xf0 | c >> 18));
		buf_addc(b, (char)(0x80 | (c >> 12 & 63)));
		buf_addc(b, (char)(0x80 | (c >> 6 & 63)));
		buf_addc(b, (char)(0x80 | (c & 63)));
	}
}

/* `digits` hexadecimal digits at r->p; -1 when they are not there. */
static int32_t read_hex(struct reader *r, int digits)
{
	int32_t v = 0;
	if (r->end - r->p < digits)
		return -1;
	for (int i = 0; i < digits; i++) {
		char c = r->p[i];
		int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	r->p += digits;
	return v;
}

/* What follows a backslash. */
static void read_escape(struct reader *r)
{
	char c = *r->p++;
	int32_t v = c == 'u' ? read_hex(r, 4) : c == 'x' ? read_hex(r, 2) : -1;
	if (v >= 0xd800 && v < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
		r->p += 2;
		int32_t low = read_hex(r, 4);
		v = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
	}
	if (v >= 0xd800 && v < 0xe000)
		v = 0xfffd;
	if (v > 0)
		add_utf8(&r->word, (uint32_t)v);
	else if (c == 'n' || c == 't' || c == 'r')
		buf_addc(&r->word, ' ');
	else if (c != 'u' && c != 'x')
		buf_addc(&r->word, c);
}

static void read_quoted(struct reader *r)
{
	char quote = *r->p++;
	r->quoted = true;
	buf_clear(&r->word);
	while (r->p < r->end && *r->p != quote) {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->p++;
			read_escape(r);
		} else {
			buf_addc(&r->word, *r->p++);
		}
	}
	if (r->p < r->end)
		r->p++;
}

/* A word up to a separator; inside brackets also up to their end or a colon. At the top a colon or `=` ends it only
 * when a number or a flag follows ("bed: 0.3", not "house:size"). */
static bool says_value(const char *p, const char *end);
static void read_word(struct reader *r)
{
	const char *from = r->p;
	r->quoted = false;
	for (; r->p < r->end; r->p++) {
		char c = *r->p;
		if (is_separator(c) || (r->depth && is_close(c)) || (!r->depth && c == '\n'))
			break;
		if ((c == ':' || c == '=') && (r->depth ? c == ':' : says_value(r->p + 1, r->end)))
			break;
	}
	buf_clear(&r->word);
	buf_addstr(&r->word, str_trim((struct str){ from, (size_t)(r->p - from) }));
}

static bool word_is_number(struct str s, double *out)
{
	*out = NAN;
	return str_to_f64(s, out) || among(s, (const char *const[]){ "nan", "inf", "-inf", "infinity", NULL });
}

static int word_flag(struct str s)
{
	return among(s, true_words) ? 1 : among(s, false_words) ? 0 : -1;
}

static bool says_value(const char *p, const char *end)
{
	const char *q = p;
	double unused;
	while (q < end && !is_separator(*q) && *q != '\n' && q - p < 64)
		q++;
	struct str s = str_trim((struct str){ p, (size_t)(q - p) });
	return word_is_number(s, &unused) || word_flag(s) >= 0;
}

/* ---- items */

static void read_items(struct reader *r, struct record *about);

/* A list or a record that stands at r->p; record says what a record in it is about (NULL: names are features). */
static void read_brackets(struct reader *r, struct record *about)
{
	r->p++;
	if (r->depth >= DEPTH_MAX) {         /* too deep to mean anything: leave the rest */
		r->p = r->end;
		return;
	}
	r->depth++;
	read_items(r, about);
	r->depth--;
	if (r->p < r->end && is_close(*r->p))
		r->p++;
}

/* `key: value` inside a record: takes what is known of the feature. */
static void note_in_record(struct record *about, struct str key, struct str value)
{
	if (among(key, name_keys)) {
		buf_clear(&about->name);
		buf_addstr(&about->name, value);
	} else if (among(key, score_keys) && isnan(about->score)) {
		word_is_number(value, &about->score);
	} else if (among(key, flag_keys)) {
		about->drifted = word_flag(value);
	}
}

/* The value after `key:`. */
static void read_keyed(struct reader *r, struct str key, struct record *about)
{
	double score;
	skip_blanks(r);
	if (r->p < r->end && is_open(*r->p)) {
		if (among(key, list_keys)) {     /* a report: only its list counts */
			features_clear(r->out);
			read_brackets(r, NULL);
			r->p = r->end;
			return;
		}
		struct record record = { .score = NAN, .drifted = -1 };
		read_brackets(r, &record);
		if (!about)
			add_feature(r->out, key, record.score, record.drifted);
		buf_release(&record.name);
		return;
	}
	if (r->p < r->end && (*r->p == '"' || *r->p == '\''))
		read_quoted(r);
	else
		read_word(r);
	struct str value = buf_str(&r->word);
	if (about)
		note_in_record(about, key, value);
	else if (among(key, list_keys))
		add_feature(r->out, value, NAN, -1);
	else if (word_is_number(value, &score))
		add_feature(r->out, key, score, -1);
	else
		add_feature(r->out, key, NAN, word_flag(value));
}

/* A value that stands alone: a name; inside a record of a list of pairs, its name and then its score. */
static void take_alone(struct reader *r, struct str value, struct record *about)
{
	double score;
	if (!value.n || (!r->quoted && among(value, nothing_words)))
		return;
	if (!about)
		add_feature(r->out, value, NAN, -1);
	else if (!about->name.len)
		buf_addstr(&about->name, value);
	else if (word_is_number(value, &score))
		about->score = score;
}

/* A list in a list: [["bed", 0.3], ...] or [{"column": "bed", ...}, ...]. */
static void read_nested(struct reader *r, struct record *about)
{
	struct record record = { .score = NAN, .drifted = -1 };
	read_brackets(r, about ? about : &record);
	if (!about && record.name.len)
		add_feature(r->out, buf_str(&record.name), record.score, record.drifted);
	buf_release(&record.name);
}

static void read_items(struct reader *r, struct record *about)
{
	while (r->p < r->end) {
		skip_blanks(r);
		if (r->p >= r->end || (r->depth && is_close(*r->p)))
			return;
		if (is_separator(*r->p)) {
			r->p++;
			continue;
		}
		if (is_open(*r->p) && r->depth) {
			read_nested(r, about);
			continue;
		}
		if (*r->p == '"' || *r->p == '\'')
			read_quoted(r);
		else
			read_word(r);
		skip_blanks(r);
		if (r->p < r->end && (*r->p == ':' || *r->p == '=')) {
			struct str key = { r->word.data, r->word.len };
			char *kept = str_dup(key);
			r->p++;
			read_keyed(r, (struct str){ kept, key.n }, about);
			free(kept);
		} else {
			take_alone(r, buf_str(&r->word), about);
		}
	}
}

static void read_all(struct feature_list *f, struct str text, bool unwrap)
{
	struct reader r = { .out = f, .p = text.p, .end = text.p + text.n };
	skip_blanks(&r);
	/* A list written as a JSON text: "[\"bed\"]". */
	if (unwrap && r.p < r.end && *r.p == '"' && text.p[text.n - 1] == '"') {
		read_quoted(&r);
		struct str inner = str_trim(buf_str(&r.word));
		if (r.p == r.end && inner.n && is_open(inner.p[0])) {
			read_all(f, inner, false);
			buf_release(&r.word);
			return;
		}
		r.p = text.p;
	}
	if (r.p < r.end && is_open(*r.p))
		read_brackets(&r, NULL);
	else
		read_items(&r, NULL);
	buf_release(&r.word);
}

void features_parse(struct feature_list *f, struct str text)
{
	features_clear(f);
	text = str_trim(text);
	/* set() and frozenset({...}) of Python, array([...]) of numpy */
	for (size_t i = 0; i < text.n && i < 12; i++)
		if (text.p[i] == '(' && i && (text.p[text.n - 1] == ')')) {
			struct str head = { text.p, i };
			if (among(head, (const char *const[]){ "set", "frozenset", "array", "Index", NULL }))
				text = str_trim((struct str){ text.p + i + 1, text.n - i - 2 });
			break;
		}
	if (text.n)
		read_all(f, text, true);
}

void features_release(struct feature_list *f)
{
	free(f->items);
	buf_release(&f->text);
	*f = (struct feature_list){ 0 };
}
