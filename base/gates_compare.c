/* gates_compare: challenger and champion side by side, as rows for the screen: metrics with the better one marked, parameters that
 * differ, where both come from, what the data did, and what both answered to the same inputs. */
#include "base/drift.h"
#include "base/fmt.h"
#include "base/gates_in.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/serving.h"
#include <math.h>
#include <stdlib.h>

enum { PARAMS_MAX = 40 };

static const json_t *of(const struct gates *g, int which)
{
	return g->priv->of[which].json;
}

/* way: 1 higher is better, -1 lower, 0 neither. */
static void put_row(json_t *rows, const char *group, const char *what, struct str champion, struct str challenger, double change, int way)
{
	json_t *r = json_pack("{s:s, s:s}", "group", group, "what", what);
	json_object_set_new(r, "champion", champion.n ? json_stringn(champion.p, champion.n) : json_null());
	json_object_set_new(r, "challenger", challenger.n ? json_stringn(challenger.p, challenger.n) : json_null());
	json_object_set_new(r, "change", isfinite(change) ? json_real(change) : json_null());
	json_object_set_new(r, "better", isfinite(change) && way && change != 0 ? json_boolean(change * way > 0) : json_null());
	json_array_append_new(rows, r);
}

struct named { const char *name; unsigned rank; };

static int by_rank(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : strcmp(x->name, y->name);
}

static void put_metrics(const struct gates *g, json_t *rows)
{
	json_t *is = json_object_get(of(g, CHALLENGER), "metrics"), *was = json_object_get(of(g, CHAMPION), "metrics"), *v;
	const char *name;
	json_t *all = json_object();
	json_object_update(all, was);
	json_object_update(all, is);
	struct named *list = xcalloc(json_object_size(all) + 1, sizeof(*list));
	unsigned n = 0;
	json_object_foreach(all, name, v)
		list[n++] = (struct named){ name, metric_rank(str_of(name)) };
	if (n)
		qsort(list, n, sizeof(*list), by_rank);
	for (unsigned i = 0; i < n; i++) {
		const json_t *a = json_object_get(was, list[i].name), *b = json_object_get(is, list[i].name);
		const char *way = json_string_value(json_object_get(json_object_get(of(g, b ? CHALLENGER : CHAMPION), "better"), list[i].name));
		struct buf x = { 0 }, y = { 0 };
		if (json_is_number(a))
			gate_number(json_number_value(a), &x);
		if (json_is_number(b))
			gate_number(json_number_value(b), &y);
		put_row(rows, "metrics", list[i].name, buf_str(&x), buf_str(&y),
		        x.len && y.len ? relative_change(json_number_value(a), json_number_value(b)) : NAN,
		        way ? !strcmp(way, "higher") ? 1 : -1 : metric_better(str_of(list[i].name)));
		buf_release(&x);
		buf_release(&y);
	}
	free(list);
	json_decref(all);
}

static struct str text_in(const json_t *map, const char *name)
{
	const json_t *v = json_object_get(map, name);
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static void put_params(const struct gates *g, json_t *rows)
{
	const json_t *is = json_object_get(of(g, CHALLENGER), "params"), *was = json_object_get(of(g, CHAMPION), "params");
	json_t *all = json_object(), *v;
	const char *name;
	unsigned n = 0;
	if (was && is) {
		json_object_update(all, (json_t *)(uintptr_t)was);
		json_object_update(all, (json_t *)(uintptr_t)is);
	}
	json_object_foreach(all, name, v) {
		struct str a = text_in(was, name), b = text_in(is, name);
		if (!str_eq(a, b) && n++ < PARAMS_MAX)
			put_row(rows, "parameters", name, a, b, NAN, 0);
	}
	json_decref(all);
}

static int64_t trained(const json_t *version)
{
	const json_t *run = json_object_get(version, "run");
	int64_t at = json_integer_value(json_object_get(run, "ended"));
	return at ? at : json_integer_value(json_object_get(version, "created"));
}

static void put_ages(const struct gates *g, json_t *rows, int64_t wall)
{
	struct buf b[2] = { { 0 }, { 0 } };
	for (int i = 0; i < 2; i++)
		if (trained(of(g, i))) {
			fmt_age(wall - trained(of(g, i)), &b[i]);
			buf_adds(&b[i], " ago");
		}
	put_row(rows, "version", "trained", buf_str(&b[CHAMPION]), buf_str(&b[CHALLENGER]), NAN, 0);
	for (int i = 0; i < 2; i++) {
		const json_t *size = json_object_get(of(g, i), "size");
		buf_clear(&b[i]);
		if (json_is_integer(size))
			fmt_bytes(json_integer_value(size), &b[i]);
	}
	if (b[0].len || b[1].len)
		put_row(rows, "version", "size", buf_str(&b[CHAMPION]), buf_str(&b[CHALLENGER]), NAN, 0);
	for (int i = 0; i < 2; i++) {
		const json_t *inputs = json_object_get(json_object_get(of(g, i), "signature"), "inputs");
		buf_clear(&b[i]);
		if (json_is_array(inputs))
			buf_addf(&b[i], "%zu inputs", json_array_size(inputs));
	}
	if (b[0].len || b[1].len)
		put_row(rows, "version", "signature", buf_str(&b[CHAMPION]), buf_str(&b[CHALLENGER]), NAN, 0);
	buf_release(&b[0]);
	buf_release(&b[1]);
}

/* What both answered: rows of their p99 and a note; what their log knows comes with each endpoint's row. */
static void put_answers(const struct gates *g, json_t *rows, json_t *notes)
{
	for (unsigned i = 0; i < g->n; i++) {
		const struct sample *s = g->priv->samples[i];
		struct buf b[2] = { { 0 }, { 0 } };
		if (!s)
			continue;
		struct sample_figures f = sample_figures(s);
		for (int k = 0; k < 2; k++)
			if (!isnan(f.p99[k]))
				buf_addf(&b[k], "%.0f ms", f.p99[k]);
		put_row(rows, "serving", "p99", buf_str(&b[CHAMPION]), buf_str(&b[CHALLENGER]), relative_change(f.p99[CHAMPION], f.p99[CHALLENGER]), -1);
		buf_release(&b[0]);
		buf_release(&b[1]);
		if (f.both && f.differ)
			json_array_append_new(notes, json_sprintf("%u of %u predictions differ, on average by %.1f %%, at most by %.1f %%", f.differ,
				f.both, f.mean * 100, f.most * 100));
		else if (f.both)
			json_array_append_new(notes, json_sprintf("all %u predictions are the same", f.both));
	}
}

static void put_drift(const struct gates *g, json_t *notes, int64_t wall)
{
	const struct table *t = store_table_const(g->priv->store, "drift");
	const struct row *newest = NULL;
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && (row_null(r, DRIFT_MODEL) || str_is(row_text(t, r, DRIFT_MODEL), g->priv->model)) &&
		    (!newest || row_int(r, DRIFT_AGE) > row_int(newest, DRIFT_AGE)))
			newest = r;
	}
	if (!newest)
		return;
	struct buf b = { 0 };
	buf_addf(&b, "drift: the last check, ");
	fmt_age(wall - row_int(newest, DRIFT_AGE), &b);
	buf_addf(&b, " ago: " STR_FMT, STR_ARG(row_text(t, newest, DRIFT_RESULT)));
	if (!row_null(newest, DRIFT_SCORE)) {
		buf_adds(&b, ", score ");
		fmt_real(row_real(newest, DRIFT_SCORE), &b);
	}
	if (row_text(t, newest, DRIFT_FEATURES).n)
		buf_addf(&b, " (" STR_FMT ")", STR_ARG(row_text(t, newest, DRIFT_FEATURES)));
	json_array_append_new(notes, json_stringn(b.data, b.len));
	buf_release(&b);
}

json_t *gates_compare(const struct gates *g, int64_t wall)
{
	json_t *rows = json_array(), *notes = json_array(), *change = json_array(), *warnings = json_array();
	put_metrics(g, rows);
	put_answers(g, rows, notes);
	put_ages(g, rows, wall);
	put_params(g, rows);
	put_drift(g, notes, wall);
	if (of(g, CHALLENGER))
		registry_versus(of(g, CHAMPION), of(g, CHALLENGER), NULL, change, warnings);
	for (int k = 0; k < 2; k++)
		if (g->priv->of[k].error)
			json_array_append_new(warnings, json_sprintf("version %s: %s", k ? g->priv->champion : g->priv->version, g->priv->of[k].error));
	json_decref(change);
	return json_pack("{s:o, s:o, s:o}", "rows", rows, "notes", notes, "warnings", warnings);
}
