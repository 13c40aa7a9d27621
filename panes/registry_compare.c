/* registry_compare: two or more versions side by side, an ordinary list over a table made here: metrics first, with the better
 * one marked and the relative change; then what else differs: signature, size, parameters, tags. What is the same
 * everywhere is counted, not listed. The first version is what the others are compared with. */
#include "base/fmt.h"
#include "base/mem.h"
#include "panes/registry.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { WHAT, FIRST };            /* then a column for each version, then: */
enum { CHANGE, VERDICT, GROUP, AFTER };
static const char *const after_names[AFTER] = { "change", "verdict", "group" };

struct compare {
	struct compared versions[COMPARE_MAX];
	json_t *answers[COMPARE_MAX];
	char *errors[COMPARE_MAX];
	uint64_t ids[COMPARE_MAX];
	char *model, *titles[COMPARE_MAX], *names[COMPARE_MAX];
	unsigned n;
	struct column cols[FIRST + COMPARE_MAX + AFTER];
	struct kind kind;
	struct table *table;
	bool changed;
	unsigned row;                    /* rows written: part of the key, so that they stay in order */
	struct trend trend;
	char *metric;
	uint64_t seen;
};

/* ---- one row */

struct line {
	const char *group;
	struct str what;
	struct str value[COMPARE_MAX];   /* n 0: unknown */
	struct str change, verdict;
	enum level level;
};

static void put_line(struct compare *c, const struct line *l, struct buf *rows)
{
	char key[24];
	snprintf(key, sizeof(key), "%05u", c->row++);
	rows_put(rows, str_of(key), l->level);
	cell_text(rows, l->what);
	for (unsigned i = 0; i < c->n; i++)
		cell_text_or_null(rows, l->value[i]);
	cell_text_or_null(rows, l->change);
	cell_text_or_null(rows, l->verdict);
	cell_text(rows, str_of(l->group));
}

static struct str text_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static bool all_same(const struct compare *c, const struct line *l)
{
	for (unsigned i = 1; i < c->n; i++)
		if (!str_eq(l->value[0], l->value[i]))
			return false;
	return true;
}

/* ---- metrics */

static void number(double v, struct buf *out)
{
	if (fabs(v) >= 10000 && fabs(v) < 1e15)
		fmt_thousands((int64_t)llround(v), out);
	else
		fmt_real(v, out);
}

static double metric_of(const struct compare *c, unsigned i, const char *name)
{
	const json_t *v = json_object_get(json_object_get(c->answers[i], "metrics"), name);
	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* -1 lower, 1 higher, 0 unknown: as the source says. */
static int way_of(const struct compare *c, const char *name)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct str s = text_of(json_object_get(c->answers[i], "better"), name);
		if (s.n)
			return str_is(s, "lower") ? -1 : 1;
	}
	return 0;
}

static void metric_line(struct compare *c, const char *name, bool ascii, struct buf *rows)
{
	struct buf texts[COMPARE_MAX] = { 0 }, change = { 0 };
	double v[COMPARE_MAX];
	int way = way_of(c, name), best = -1;
	struct line l = { .group = "metrics", .what = str_of(name) };
	bool differ = false;
	for (unsigned i = 0; i < c->n; i++) {
		v[i] = metric_of(c, i, name);
		differ |= v[i] != v[0];
		if (!isnan(v[i]) && (best < 0 || v[i] * way > v[best] * way))
			best = (int)i;
	}
	for (unsigned i = 0; i < c->n; i++) {
		if (!isnan(v[i]))
			number(v[i], &texts[i]);
		if (way && differ && best == (int)i && !isnan(v[i]))
			buf_adds(&texts[i], ascii ? " *" : " ✓");
		else if (texts[i].len)
			buf_adds(&texts[i], "  ");
		l.value[i] = buf_str(&texts[i]);
	}
	double last = v[c->n - 1], by = relative_change(v[0], last);
	if (!isnan(by) && v[0] != last)
		buf_addf(&change, "%+.1f %%", by * 100);
	l.change = buf_str(&change);
	if (!isnan(v[0]) && !isnan(last)) {
		bool worse = way && (last - v[0]) * way < 0;
		l.verdict = v[0] == last ? STR("same") : !way ? STR("differs") : worse ? STR("worse") : STR("better");
		l.level = worse ? LEVEL_DOUBT : LEVEL_NONE;
	}
	put_line(c, &l, rows);
	buf_release(&change);
	for (unsigned i = 0; i < c->n; i++)
		buf_release(&texts[i]);
}

static int by_rank(const void *a, const void *b)
{
	struct str x = str_of(*(const char *const *)a), y = str_of(*(const char *const *)b);
	unsigned i = metric_rank(x), j = metric_rank(y);
	return i != j ? (i > j) - (i < j) : str_cmp(x, y);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the member `map` of all answers, each once. Texts belong to the answers. Caller frees. */
static const char **names_of(const struct compare *c, const char *map, int (*order)(const void *, const void *), size_t *n)
{
	json_t *all = json_object();
	const char *key;
	json_t *v;
	*n = 0;
	for (unsigned i = 0; i < c->n; i++)
		json_object_update(all, json_object_get(c->answers[i], map));
	const char **names = xcalloc(json_object_size(all) + 1, sizeof(*names));
	for (unsigned i = 0; i < c->n; i++)
		json_object_foreach(json_object_get(c->answers[i], map), key, v)
			if (json_object_get(all, key)) {
				names[(*n)++] = key;
				json_object_del(all, key);
			}
	json_decref(all);
	qsort(names, *n, sizeof(*names), order);
	return names;
}

static void metric_lines(struct compare *c, bool ascii, struct buf *rows)
{
	size_t n;
	const char **names = names_of(c, "metrics", by_rank, &n);
	for (size_t i = 0; i < n; i++)
		metric_line(c, names[i], ascii, rows);
	free(c->metric);
	c->metric = n ? xstrdup(names[0]) : NULL;
	free(names);
}

/* ---- what else */

/* Texts of one map: a line for each that differs, one for how many do not. what: "parameter". */
static void map_lines(struct compare *c, const char *map, const char *what, struct buf *rows)
{
	size_t n, same = 0;
	const char **names = names_of(c, map, by_name, &n);
	struct buf b = { 0 };
	for (size_t k = 0; k < n; k++) {
		struct line l = { .group = what, .what = str_of(names[k]), .verdict = STR("differs") };
		for (unsigned i = 0; i < c->n; i++)
			l.value[i] = text_of(json_object_get(c->answers[i], map), names[k]);
		if (all_same(c, &l))
			same++;
		else
			put_line(c, &l, rows);
	}
	if (same) {
		buf_addf(&b, "%zu %s%s%s", same, same < n ? "more " : "", what, same == 1 ? "" : "s");
		put_line(c, &(struct line){ .group = what, .what = buf_str(&b), .verdict = STR("same"), .level = LEVEL_DONE }, rows);
	}
	buf_release(&b);
	free(names);
}

static const json_t *column_of(const json_t *columns, struct str name)
{
	size_t i;
	const json_t *e;
	json_array_foreach(columns, i, e)
		if (str_eq(text_of(e, "name"), name))
			return e;
	return NULL;
}

/* Columns of the signature that one of the versions has and another not, or of another type. */
static unsigned column_lines(struct compare *c, const char *part, struct buf *rows)
{
	unsigned differ = 0;
	for (unsigned from = 0; from < c->n; from++) {
		const json_t *list = json_object_get(json_object_get(c->answers[from], "signature"), part), *e;
		size_t i;
		json_array_foreach(list, i, e) {
			struct line l = { .group = "signature", .what = text_of(e, "name"), .verdict = STR("differs"), .level = LEVEL_DOUBT };
			bool told = !l.what.n;
			for (unsigned k = 0; k < c->n; k++) {
				const json_t *s = json_object_get(c->answers[k], "signature");
				const json_t *col = column_of(json_object_get(s, part), l.what);
				told |= col && k < from;         /* said by an earlier one */
				l.value[k] = col ? text_of(col, "type") : s ? STR("not there") : STR("");
			}
			if (told || all_same(c, &l))
				continue;
			put_line(c, &l, rows);
			differ++;
		}
	}
	return differ;
}

static void signature_lines(struct compare *c, struct buf *rows)
{
	struct buf texts[COMPARE_MAX] = { 0 }, details = { 0 };
	struct line l = { .group = "signature", .what = STR("signature") };
	bool unknown = false;
	for (unsigned i = 0; i < c->n; i++) {
		const json_t *s = json_object_get(c->answers[i], "signature");
		unknown |= !s;
		if (s)
			buf_addf(&texts[i], "%zu features", json_array_size(json_object_get(s, "inputs")));
		l.value[i] = buf_str(&texts[i]);
	}
	unsigned at = c->row++;                  /* its place is before its details */
	unsigned differ = column_lines(c, "inputs", &details) + column_lines(c, "outputs", &details);
	unsigned next = c->row;
	l.verdict = differ ? STR("differs") : unknown ? STR("unknown") : STR("same");
	l.level = differ ? LEVEL_DOUBT : LEVEL_NONE;
	c->row = at;
	put_line(c, &l, rows);
	c->row = next;
	buf_addstr(rows, buf_str(&details));
	buf_release(&details);
	for (unsigned i = 0; i < c->n; i++)
		buf_release(&texts[i]);
}

static void size_line(struct compare *c, struct buf *rows)
{
	struct buf texts[COMPARE_MAX] = { 0 }, change = { 0 };
	struct line l = { .group = "artifacts", .what = STR("artifacts") };
	double v[COMPARE_MAX];
	for (unsigned i = 0; i < c->n; i++) {
		const json_t *size = json_object_get(c->answers[i], "size");
		v[i] = json_is_integer(size) ? (double)json_integer_value(size) : NAN;
		if (json_is_true(json_object_get(c->answers[i], "size_least")))
			buf_adds(&texts[i], "over ");
		if (json_is_integer(size))
			fmt_bytes(json_integer_value(size), &texts[i]);
		l.value[i] = buf_str(&texts[i]);
	}
	double by = relative_change(v[0], v[c->n - 1]);
	if (!isnan(by))
		buf_addf(&change, "%+.1f %%", by * 100);
	l.change = buf_str(&change);
	put_line(c, &l, rows);
	buf_release(&change);
	for (unsigned i = 0; i < c->n; i++)
		buf_release(&texts[i]);
}

/* "2d ago, run 8c1f" */
static void when_lines(struct compare *c, int64_t now, struct buf *rows)
{
	struct buf trained[COMPARE_MAX] = { 0 };
	struct line when = { .group = "versions", .what = STR("trained") }, who = { .group = "versions", .what = STR("who") },
	            status = { .group = "versions", .what = STR("status"), .verdict = STR("differs") };
	for (unsigned i = 0; i < c->n; i++) {
		const json_t *a = c->answers[i], *run = json_object_get(a, "run"), *at = json_object_get(run, "ended");
		struct str id = text_of(run, "id");
		if (!json_is_integer(at))
			at = json_object_get(a, "created");
		if (json_is_integer(at)) {
			fmt_age(now - json_integer_value(at), &trained[i]);
			buf_adds(&trained[i], " ago");
		}
		if (id.n)
			buf_addf(&trained[i], "%srun %.*s", trained[i].len ? ", " : "", id.n > 8 ? 8 : (int)id.n, id.p);
		if (c->errors[i])
			buf_addf(&trained[i], "%s", c->errors[i]);
		when.value[i] = buf_str(&trained[i]);
		who.value[i] = text_of(run, "user").n ? text_of(run, "user") : text_of(a, "user");
		status.value[i] = text_of(a, "status");
	}
	put_line(c, &when, rows);
	put_line(c, &who, rows);
	if (!all_same(c, &status))
		put_line(c, &status, rows);
	for (unsigned i = 0; i < c->n; i++)
		buf_release(&trained[i]);
}

static void compute(struct compare *c, struct app *app, int64_t now)
{
	struct buf rows = { 0 };
	struct rd rd;
	c->row = 0;
	rows_start(&rows, c->kind.name);
	rows_begin(&rows, STR(""));
	when_lines(c, now, &rows);
	metric_lines(c, app_ascii(app), &rows);
	signature_lines(c, &rows);
	size_line(c, &rows);
	map_lines(c, "params", "parameter", &rows);
	map_lines(c, "tags", "tag", &rows);
	map_lines(c, "run_tags", "run's tag", &rows);
	rows_end(&rows, STR(""));
	rows_open(&rd, buf_str(&rows));
	table_apply(c->table, 0, &rd, 0);
	buf_release(&rows);
}

/* ---- the page */

static void take(void *arg, const struct msg *m)
{
	struct compare *c = arg;
	struct msg_answer a;
	if (!msg_get_answer(m, &a))
		return;
	for (unsigned i = 0; i < c->n; i++) {
		if (c->ids[i] != m->id)
			continue;
		c->ids[i] = 0;
		c->answers[i] = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
		if (!a.ok)
			c->errors[i] = str_dup(a.json);
	}
	c->changed = true;
}

static bool waits(const struct compare *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->ids[i])
			return true;
	return false;
}

static bool prepare(void *arg, struct page *p, struct app *app, int64_t now)
{
	struct compare *c = arg;
	const struct table *versions = store_table_const(app_store(app), "versions");
	bool changed = c->changed || (versions && versions->version != c->seen);
	if (c->changed && !waits(c))
		compute(c, app, now);
	c->changed = false;
	if (changed && c->metric && versions) {
		c->seen = versions->version;
		trend_read(&c->trend, app_store(app), c->versions[0].source, str_of(c->model), str_of(c->metric));
	}
	return changed;
}

static bool empty(void *arg, const struct page *p, const struct app *app, int64_t now, struct buf *out)
{
	buf_adds(out, "reading the versions");
	return waits(arg);
}

static int below_lines(void *arg, const struct page *p, int h)
{
	const struct compare *c = arg;
	return h >= 12 && c->trend.n > 1 ? 2 : 0;
}

static void below(void *arg, const struct page *p, const struct app *app, struct frame *f, struct rect area, int64_t now)
{
	const struct compare *c = arg;
	trend_line(&c->trend, str_of(c->metric), f, rect_part(area, 0, 1, area.w, 1));
}

static void title(void *arg, const struct page *p, const struct app *app, struct buf *out)
{
	const struct compare *c = arg;
	buf_addf(out, "%s", c->model);
	for (unsigned i = 0; i < c->n; i++)
		buf_addf(out, "%s%s", i ? " against " : "   ", c->titles[i]);
}

/* A line that was cut is said in full; these rows have no description, log or document of their own. */
static bool command(void *arg, struct page *p, struct app *app, const struct command *c, struct str args)
{
	static const char *const none[] = { "open", "describe", "yaml", "reveal", "logs", "previous-logs", "why", "tree", "node",
		"events", "action" };
	const struct compare *k = arg;
	const struct row *r = table_page_row(p, NULL);
	struct buf b = { 0 };
	bool mine = false;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		mine |= !strcmp(c->name, none[i]);
	for (unsigned i = 0; mine && r && i < k->n; i++)
		buf_addf(&b, "%s%s: " STR_FMT, i ? "   " : "", k->names[i], STR_ARG(row_text(k->table, r, FIRST + (int)i)));
	if (mine && r)
		app_say(app, false, STR_FMT "  %s", STR_ARG(row_text(k->table, r, WHAT)), b.data ? b.data : "");
	buf_release(&b);
	return mine;
}

static void shown(void *arg, struct page *p, struct app *app, bool on)
{
	(on ? app_watch : app_unwatch)(app, "versions", "");
	(on ? app_watch : app_unwatch)(app, "models", "");
}

static void release(void *arg, struct app *app)
{
	struct compare *c = arg;
	for (unsigned i = 0; i < c->n; i++) {
		if (c->ids[i]) {
			store_forget(app_store(app), c->ids[i]);
			source_cancel(app_source(app, c->versions[i].source), c->ids[i]);
		}
		json_decref(c->answers[i]);
		free(c->errors[i]);
		free(c->titles[i]);
		free(c->names[i]);
	}
	table_free(c->table);
	free(c->metric);
	free(c->model);
	free(c);
}

static const struct table_hooks hooks = {
	.command = command, .prepare = prepare, .empty = empty, .below = below, .below_lines = below_lines, .title = title,
	.shown = shown, .free = release,
};

/* "v6 champion" for the title, "V6 CHAMPION" is its heading. */
static void name_versions(struct compare *c, const struct app *app)
{
	const struct table *t = store_table_const(app_store(app), "versions");
	for (unsigned i = 0; i < c->n; i++) {
		const struct row *r = t ? table_find(t, c->versions[i].source, str_of(c->versions[i].key)) : NULL;
		const char *slash = strrchr(c->versions[i].key, '/');
		struct str role = r ? row_text(t, r, VERSIONS_ROLE) : STR("");
		c->titles[i] = xasprintf("v%s%s" STR_FMT, slash ? slash + 1 : "?", role.n ? " " : "", STR_ARG(role));
		c->names[i] = xasprintf("v%s", slash ? slash + 1 : "?");
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(c->names[i], c->names[k])) {       /* the same number in two registries */
				free(c->names[i]);
				c->names[i] = xasprintf("v%s_%u", slash ? slash + 1 : "?", i);
				break;
			}
		c->cols[FIRST + i] = (struct column){ c->names[i], c->titles[i], COL_TEXT, COL_RIGHT, 0, 14 };
	}
}

struct page *compare_page_new(struct app *app, struct str model, const struct compared *versions, unsigned n)
{
	struct compare *c = xcalloc(1, sizeof(*c));
	c->n = n < COMPARE_MAX ? n : COMPARE_MAX;
	memcpy(c->versions, versions, c->n * sizeof(*versions));
	c->model = str_dup(model);
	c->changed = true;
	name_versions(c, app);
	struct column *after = &c->cols[FIRST + c->n];
	c->cols[WHAT] = (struct column){ "what", "", COL_TEXT, 0, 0, 22 };
	after[CHANGE] = (struct column){ after_names[CHANGE], "CHANGE", COL_TEXT, COL_RIGHT, 1, 8 };
	after[VERDICT] = (struct column){ after_names[VERDICT], "", COL_STATUS, COL_SHARED, 1, 9 };
	after[GROUP] = (struct column){ after_names[GROUP], "GROUP", COL_TEXT, COL_SHARED | COL_HIDDEN, 9 };
	c->kind = (struct kind){ .name = "comparison", .singular = "difference", .help = "versions side by side", .cols = c->cols,
		.ncols = (uint8_t)(FIRST + c->n + AFTER) };
	c->table = table_new(&c->kind);
	for (unsigned i = 0; i < c->n; i++) {
		c->ids[i] = source_ask(app_source(app, versions[i].source),
		                       request_new(REQ_ASK, "versions", str_of(c->versions[i].key), "version", ""));
		store_expect(app_store(app), c->ids[i], take, c);
	}
	struct page *p = table_page_over(app, c->table);
	table_page_hook(p, &hooks, c);
	return p;
}
