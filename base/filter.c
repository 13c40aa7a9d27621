/* filter: see filter.h. A filter is a list of terms that must all hold; each term has alternatives, of which one must.
 * The text is taken apart by a small scanner that remembers where everything stood, so that an error can point. */
#include "base/filter.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/pattern.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SOME_TIME 1700000000000          /* a clock time is good at any */

enum term_type { TERM_TEXT, TERM_REGEX, TERM_FUZZY, TERM_LABEL, TERM_LABEL_SET, TERM_COLUMN };
enum term_op { OP_EQ, OP_NE, OP_HAS, OP_GT, OP_GE, OP_LT, OP_LE };

struct term {
	enum term_type type;
	enum term_op op;
	bool negate;
	int col;
	unsigned n;
	char **texts;          /* alternatives; of a label: name, value */
	double *numbers;       /* of a column with numbers, as the column counts; times: ms of age */
	int64_t *at;           /* of a column with times: a moment instead (wall ms, once filter_at() was called); else 0 */
	regex_t regex;
};

struct filter {
	struct term *terms;
	unsigned n;
	bool has_time;
	const struct kind *kind;
	int name_col, labels_col;
};

struct scan {
	const char *text, *at;
	const struct kind *kind;
	struct filter_error *err;
};

static bool fail(struct scan *s, const char *where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool fail(struct scan *s, const char *where, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	s->err->at = (size_t)(where - s->text);
	vsnprintf(s->err->what, sizeof(s->err->what), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- values */

/* The number with its unit, as the column counts it. */
static bool parse_number(const struct column *c, struct str v, double *out)
{
	int64_t i;
	if (!v.n)
		return false;
	switch (c->type) {
	case COL_TIME:
	case COL_DURATION:
		return duration_parse(v, false, out);
	case COL_BOOL:
		*out = str_is(v, "true") || str_is(v, "yes") || str_is(v, "1");
		return *out != 0 || str_is(v, "false") || str_is(v, "no") || str_is(v, "0");
	case COL_PAIR: {
		struct str den = v, num = str_split(&den, '/');
		double n, d;
		if (den.p) {
			*out = 0;
			return str_to_f64(num, &n) && str_to_f64(den, &d) && ((*out = d != 0 ? n / d : 0), true);
		}
		return str_to_f64(v, out);
	}
	case COL_MILLI:
		if (!quantity_milli(v, &i))
			return false;
		*out = (double)i;
		return true;
	case COL_RATIO:
		if (v.p[v.n - 1] == '%') {
			v.n--;
			if (!str_to_f64(v, out))
				return false;
			*out /= 100;
			return true;
		}
		return str_to_f64(v, out);
	case COL_MONEY:
		if (v.p[0] == '$')
			v.p++, v.n--;
		return str_to_f64(v, out);
	case COL_REAL:
		return str_to_f64(v, out);
	default:
		if (quantity_milli(v, &i) && i % 1000) {
			*out = (double)i / 1000;
			return true;
		}
		if (!quantity_units(v, &i))
			return false;
		*out = (double)i;
		return true;
	}
}

static const char *value_example(const struct column *c)
{
	switch (c->type) {
	case COL_TIME: return "90s, 5m, 2h, 3d, or 17:45";
	case COL_DURATION: return "90s, 5m, 2h, 3d";
	case COL_BYTES: return "500Mi, 2Gi";
	case COL_MILLI: return "120m, 3.8";
	case COL_BOOL: return "true, false";
	case COL_PAIR: return "1/2, 0.5";
	case COL_RATIO: return "18%, 0.18";
	case COL_MONEY: return "0.93";
	default: return "5, 3k";
	}
}

/* ---- words */

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One word up to a blank, with quotes and backslashes taken out; bars[] gets where unquoted '|' stood in it. */
static bool read_word(struct scan *s, struct buf *out, struct buf *bars)
{
	char quote = 0;
	const char *open = s->at;
	for (; *s->at && (quote || !blank(*s->at)); s->at++) {
		char c = *s->at;
		if (quote && c == quote) {
			quote = 0;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			open = s->at;
		} else if (c == '\\' && s->at[1]) {
			buf_addc(out, *++s->at);
		} else {
			if (c == '|' && !quote)
				buf_add(bars, &(uint32_t){ (uint32_t)out->len }, sizeof(uint32_t));
			buf_addc(out, c);
		}
	}
	buf_reserve(out, 0);
	out->data[out->len] = '\0';
	return quote ? fail(s, open, "this quote is not closed") : true;
}

/* The alternatives between bars, from byte `from` of word. */
static void split_bars(struct term *t, struct str word, size_t from, const struct buf *bars)
{
	size_t nbars = bars->len / sizeof(uint32_t), start = from;
	t->texts = xcalloc(nbars + 1, sizeof(*t->texts));
	for (size_t i = 0; i <= nbars; i++) {
		uint32_t end = (uint32_t)word.n;
		if (i < nbars)
			memcpy(&end, bars->data + i * sizeof(uint32_t), sizeof(end));
		if (end < start)
			continue;       /* a bar before the operator: part of the name, refused elsewhere */
		t->texts[t->n++] = xstrndup(word.p + start, end - start);
		start = end + 1;
	}
}

/* ---- terms */

static bool parse_regex(struct scan *s, struct term *t)
{
	const char *open = s->at++;
	struct buf re = { 0 };
	while (*s->at && *s->at != '/') {
		if (*s->at == '\\' && s->at[1] == '/')
			s->at++;
		buf_addc(&re, *s->at++);
	}
	if (*s->at == '/')
		s->at++;       /* while one types, the end may be missing */
	char *text = buf_detach(&re);
	char why[80];
	if (!pattern_compile(&t->regex, text, REG_ICASE | REG_NOSUB, why, sizeof(why))) {
		free(text);
		return fail(s, open, "in this regular expression: %s", why);
	}
	t->type = TERM_REGEX;
	t->texts = xcalloc(1, sizeof(*t->texts));
	t->texts[t->n++] = text;
	return true;
}

static struct term *add_term(struct filter *f)
{
	f->terms = xreallocarray(f->terms, f->n + 1, sizeof(*f->terms));
	f->terms[f->n] = (struct term){ .col = -1 };
	return &f->terms[f->n++];
}

static void label_term(struct filter *f, struct str name, const char *value, enum term_op op, bool negate)
{
	struct term *t = add_term(f);
	t->type = value ? TERM_LABEL : TERM_LABEL_SET;
	t->op = op;
	t->negate = negate;
	t->n = value ? 2 : 1;
	t->texts = xcalloc(2, sizeof(*t->texts));
	t->texts[0] = str_dup(name);
	if (value)
		t->texts[1] = xstrdup(value);
}

/* After `-l`: a=b,c!=d,e,!f */
static bool parse_labels(struct scan *s, struct filter *f)
{
	if (f->labels_col < 0)
		return fail(s, s->at, "%s have no labels", f->kind->name);
	s->at += 2;
	while (blank(*s->at))
		s->at++;
	const char *from = s->at;
	while (*s->at && !blank(*s->at))
		s->at++;
	struct str all = { from, (size_t)(s->at - from) };
	while (all.n) {
		struct str part = str_split(&all, ',');
		bool negate = part.n && part.p[0] == '!';
		if (negate)
			part.p++, part.n--;
		const char *eq = part.n ? memchr(part.p, '=', part.n) : NULL;
		if (!part.n)
			return fail(s, from, "a label is missing here; write -l app=api,tier!=web,gpu,!spot");
		if (!eq) {
			label_term(f, part, NULL, OP_EQ, negate);
			continue;
		}
		bool ne = eq > part.p && eq[-1] == '!';
		struct str name = { part.p, (size_t)(eq - part.p) - ne };
		const char *v = eq + 1 < part.p + part.n && eq[1] == '=' ? eq + 2 : eq + 1;
		char *value = xstrndup(v, (size_t)(part.p + part.n - v));
		label_term(f, name, value, ne ? OP_NE : OP_EQ, negate);
		free(value);
	}
	return true;
}

/* Length of a column name at the start of word that an operator follows; 0: none. */
static size_t split_op(struct str word, enum term_op *op, size_t *op_len)
{
	size_t k = 0;
	while (k < word.n && (isalnum((unsigned char)word.p[k]) || word.p[k] == '_' || word.p[k] == '%'))
		k++;
	if (!k || k == word.n)
		return 0;
	static const struct { const char *text; enum term_op op; } ops[] = {
		{ "!=", OP_NE }, { ">=", OP_GE }, { "<=", OP_LE }, { "==", OP_EQ }, { "=", OP_EQ }, { "~", OP_HAS },
		{ ">", OP_GT }, { "<", OP_LT },
	};
	struct str rest = { word.p + k, word.n - k };
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (str_starts(rest, str_of(ops[i].text))) {
			*op = ops[i].op;
			*op_len = strlen(ops[i].text);
			return k;
		}
	}
	return 0;
}

static bool unknown_column(struct scan *s, const char *at, struct str name)
{
	const char *names[KIND_MAX_COLS];
	for (int i = 0; i < s->kind->ncols; i++)
		names[i] = s->kind->cols[i].name;
	const char *near = str_nearest(name, names, s->kind->ncols);
	return fail(s, at, "no column '" STR_FMT "' in %s%s%s%s; quote it to search for text", STR_ARG(name),
	            s->kind->name, near ? "; did you mean '" : "", near ? near : "", near ? "'" : "");
}

static int find_column(const struct kind *k, struct str name)
{
	char lower[64];
	if (name.n >= sizeof(lower))
		return -1;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = (char)tolower((unsigned char)name.p[i]);
	int col = k->namespaced && str_is((struct str){ lower, name.n }, "ns") ? 0 : kind_col(k, (struct str){ lower, name.n }, true);
	for (int i = 0; col < 0 && i < k->ncols; i++)
		if (str_is_fold(name, k->cols[i].title))
			col = i;
	return col;
}

static bool parse_values(struct scan *s, struct term *t, const char *at)
{
	const struct column *c = &s->kind->cols[t->col];
	t->numbers = xcalloc(t->n ? t->n : 1, sizeof(*t->numbers));
	t->at = xcalloc(t->n ? t->n : 1, sizeof(*t->at));
	for (unsigned i = 0; i < t->n; i++) {
		if (t->op == OP_HAS || parse_number(c, str_of(t->texts[i]), &t->numbers[i]))
			continue;
		if (c->type == COL_TIME && moment_parse(str_of(t->texts[i]), SOME_TIME, &t->at[i]))
			continue;
		if (!t->texts[i][0])
			return fail(s, at + strlen(at), "a value is missing after '%s', such as %s", c->name, value_example(c));
		return fail(s, at, "'%s' is not a value for %s; write it like %s", t->texts[i], c->name, value_example(c));
	}
	return true;
}

static bool parse_word(struct scan *s, struct filter *f, struct term *t)
{
	const char *at = s->at;
	bool plain = *at == '"' || *at == '\'';
	t->type = TERM_TEXT;
	if (*at == '~') {
		t->type = TERM_FUZZY;
		s->at++;
	}
	struct buf word = { 0 }, bars = { 0 };
	bool ok = read_word(s, &word, &bars);
	size_t op_len = 0, k = 0;
	if (ok && !plain && t->type == TERM_TEXT)
		k = split_op(buf_str(&word), &t->op, &op_len);
	if (k) {
		t->col = find_column(s->kind, (struct str){ word.data, k });
		t->type = TERM_COLUMN;
		ok = t->col >= 0 || unknown_column(s, at, (struct str){ word.data, k });
		f->has_time |= ok && s->kind->cols[t->col].type == COL_TIME;
	}
	if (ok) {
		split_bars(t, buf_str(&word), k + op_len, &bars);
		if (t->type == TERM_COLUMN && !col_is_text(&s->kind->cols[t->col]))
			ok = parse_values(s, t, at + k + op_len);
	}
	buf_release(&word);
	buf_release(&bars);
	return ok;
}

static bool parse_terms(struct scan *s, struct filter *f)
{
	for (;;) {
		while (blank(*s->at))
			s->at++;
		if (!*s->at)
			return true;
		if (s->at[0] == '-' && s->at[1] == 'l' && (blank(s->at[2]) || !s->at[2])) {
			if (!parse_labels(s, f))
				return false;
			continue;
		}
		bool negate = *s->at == '!' && s->at[1] != '=';
		if (negate)
			s->at++;
		if (negate && (!*s->at || blank(*s->at)))
			continue;       /* still being typed */
		struct term *t = add_term(f);
		t->negate = negate;
		if (!(*s->at == '/' ? parse_regex(s, t) : parse_word(s, f, t)))
			return false;
	}
}

struct filter *filter_parse(const char *text, const struct kind *kind, struct filter_error *err)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	struct scan s = { text, text, kind, err };
	f->kind = kind;
	f->name_col = kind_col(kind, STR("name"), false);
	f->labels_col = -1;
	for (int i = 0; i < kind->ncols; i++)
		if (kind->cols[i].type == COL_LABELS)
			f->labels_col = i;
	*err = (struct filter_error){ 0 };
	if (parse_terms(&s, f))
		return f;
	filter_free(f);
	return NULL;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++) {
		struct term *t = &f->terms[i];
		for (unsigned k = 0; k < t->n; k++)
			free(t->texts[k]);
		if (t->type == TERM_REGEX && t->n)
			regfree(&t->regex);
		free(t->texts);
		free(t->numbers);
		free(t->at);
	}
	free(f->terms);
	free(f);
}

/* ---- matching */

static bool searched(const struct column *c)
{
	return col_is_text(c) && c->type != COL_SERIES && !(c->flags & (COL_HIDDEN | COL_PLAIN_GET));
}

static bool match_text(const struct term *t, const struct table *tab, const struct row *r)
{
	for (int c = 0; c < tab->kind->ncols; c++) {
		if (!searched(&tab->kind->cols[c]) || row_null(r, c))
			continue;
		struct str v = row_text(tab, r, c);
		for (unsigned i = 0; i < t->n; i++)
			if (str_contains_fold(v, str_of(t->texts[i])))
				return true;
	}
	return false;
}

static bool match_regex(const struct term *t, const struct table *tab, const struct row *r)
{
	for (int c = 0; c < tab->kind->ncols; c++) {
		if (!searched(&tab->kind->cols[c]) || row_null(r, c))
			continue;
		char text[1024];       /* regexec wants an end; what is longer is searched this far */
		struct str v = row_text(tab, r, c);
		size_t n = v.n < sizeof(text) ? v.n : sizeof(text) - 1;
		memcpy(text, v.p, n);
		text[n] = '\0';
		if (regexec(&t->regex, text, 0, NULL, 0) == 0)
			return true;
	}
	return false;
}

static bool fuzzy(struct str v, const char *pattern)
{
	for (size_t i = 0; *pattern && i < v.n; i++)
		if (tolower((unsigned char)v.p[i]) == tolower((unsigned char)*pattern))
			pattern++;
	return !*pattern;
}

/* Case folded, with * for any run. */
static bool glob(struct str v, struct str p)
{
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;
	while (i < v.n) {
		if (j < p.n && p.p[j] == '*') {
			star = j++;
			mark = i;
		} else if (j < p.n && tolower((unsigned char)p.p[j]) == tolower((unsigned char)v.p[i])) {
			i++, j++;
		} else if (star != SIZE_MAX) {
			j = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (j < p.n && p.p[j] == '*')
		j++;
	return j == p.n;
}

/* The value of label `name` in "a=b,c=d"; p NULL when it is not there. */
static struct str label_value(struct str labels, struct str name)
{
	while (labels.n) {
		struct str value = str_split(&labels, ','), n = str_split(&value, '=');
		if (str_eq(n, name))
			return value.p ? value : (struct str){ "", 0 };
	}
	return (struct str){ NULL, 0 };
}

static bool match_label(const struct filter *f, const struct term *t, const struct table *tab, const struct row *r)
{
	struct str v = label_value(row_text(tab, r, f->labels_col), str_of(t->texts[0]));
	if (t->type == TERM_LABEL_SET)
		return v.p != NULL;
	bool equal = v.p && str_is(v, t->texts[1]);
	return t->op == OP_NE ? !equal : equal;
}

static bool by_sign(enum term_op op, int sign)
{
	switch (op) {
	case OP_EQ: return sign == 0;
	case OP_NE: return sign != 0;
	case OP_GT: return sign > 0;
	case OP_GE: return sign >= 0;
	case OP_LT: return sign < 0;
	case OP_LE: return sign <= 0;
	default: return false;
	}
}

static bool match_text_column(const struct term *t, unsigned i, struct str v)
{
	struct str want = str_of(t->texts[i]);
	switch (t->op) {
	case OP_EQ: case OP_NE: return glob(v, want);
	case OP_HAS: return str_contains_fold(v, want);
	default: return by_sign(t->op, str_cmp_natural(v, want));
	}
}

static double number_of(const struct table *tab, const struct row *r, int col, int64_t now)
{
	const struct column *c = &tab->kind->cols[col];
	if (col_is_real(c))
		return row_real(r, col);
	int64_t v = row_int(r, col);
	if (c->type == COL_TIME)
		return (double)(now - v);
	if (c->type == COL_PAIR)
		return PAIR_DEN(v) ? (double)PAIR_NUM(v) / PAIR_DEN(v) : 0;
	return (double)v;
}

static bool match_column(const struct term *t, const struct table *tab, const struct row *r, int64_t now)
{
	const struct column *c = &tab->kind->cols[t->col];
	bool hit = false;
	if (col_is_text(c)) {
		struct str v = row_text(tab, r, t->col);
		for (unsigned i = 0; i < t->n && !hit; i++)
			hit = match_text_column(t, i, v);
	} else if (t->op == OP_HAS) {
		struct buf shown = { 0 };
		row_show(tab, r, t->col, now, &shown);
		for (unsigned i = 0; i < t->n && !hit; i++)
			hit = str_contains_fold(buf_str(&shown), str_of(t->texts[i]));
		buf_release(&shown);
	} else if (!row_null(r, t->col)) {
		double v = number_of(tab, r, t->col, now);
		enum term_op op = t->op == OP_NE ? OP_EQ : t->op;
		for (unsigned i = 0; i < t->n && !hit; i++)
			hit = t->at[i] ? by_sign(op, (row_int(r, t->col) > t->at[i]) - (row_int(r, t->col) < t->at[i]))
			               : by_sign(op, (v > t->numbers[i]) - (v < t->numbers[i]));
	} else {
		return t->op == OP_NE;
	}
	return t->op == OP_NE ? !hit : hit;
}

static bool match_term(const struct filter *f, const struct term *t, const struct table *tab, const struct row *r,
                       int64_t now)
{
	switch (t->type) {
	case TERM_TEXT: return match_text(t, tab, r);
	case TERM_REGEX: return match_regex(t, tab, r);
	case TERM_FUZZY:
		return fuzzy(f->name_col >= 0 ? row_text(tab, r, f->name_col) : row_key(r), t->n ? t->texts[0] : "");
	case TERM_LABEL:
	case TERM_LABEL_SET: return match_label(f, t, tab, r);
	case TERM_COLUMN: return match_column(t, tab, r, now);
	}
	return true;
}

bool filter_match(const struct filter *f, const struct table *t, const struct row *r, int64_t now)
{
	for (unsigned i = 0; i < f->n; i++)
		if (match_term(f, &f->terms[i], t, r, now) == f->terms[i].negate)
			return false;
	return true;
}

void filter_at(struct filter *f, int64_t now)
{
	for (unsigned i = 0; i < f->n; i++)
		for (unsigned k = 0; f->terms[i].at && k < f->terms[i].n; k++)
			if (f->terms[i].at[k])
				moment_parse(str_of(f->terms[i].texts[k]), now, &f->terms[i].at[k]);
}

bool filter_has_time(const struct filter *f)
{
	return f->has_time;
}

bool filter_takes_all(const struct filter *f)
{
	return f->n == 0;
}
