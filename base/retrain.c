/* retrain: see retrain.h. */
#include "base/retrain.h"
#include "base/drift.h"
#include "base/mem.h"
#include <jansson.h>

const struct config_key retrain_keys[] = {
	{ .name = "pipeline", .type = CONFIG_TEXT, .required = true, .help = "The pipeline that is triggered." },
	{ .name = "source", .type = CONFIG_TEXT, .help = "The source that has it; otherwise the only one that triggers pipelines." },
	{ .name = "conf", .type = CONFIG_MAP, .help = "Its parameters; {batch}, {model}, {feature}, {features}, {score} and {id} are "
	  "those of what drifted. One that wants what is not known is left out." },
	CONFIG_END
};

/* One of the names in "bed, bath". */
static bool lists(struct str names, struct str name)
{
	while (names.n)
		if (str_eq(str_trim(str_split(&names, ',')), name))
			return true;
	return false;
}

const struct row *retrain_check(const struct table *checks, uint16_t source, struct str model, struct str feature)
{
	const struct row *newest = NULL;
	for (uint32_t i = 0; i < checks->nslots; i++) {
		const struct row *r = table_row(checks, i);
		if (r && r->source == source && str_eq(row_text(checks, r, DRIFT_MODEL), model) &&
		    lists(row_text(checks, r, DRIFT_FEATURES), feature) &&
		    (!newest || row_int(r, DRIFT_AGE) > row_int(newest, DRIFT_AGE)))
			newest = r;
	}
	return newest;
}

/* Appends what {name} is. False: there is no such name; *known tells whether anybody knows it here. */
static bool value_of(const struct drifted *d, struct str name, struct buf *out, bool *known)
{
	static const struct { const char *name; int col; } names[] = { { "batch", DRIFT_CURRENT }, { "model", DRIFT_MODEL },
		{ "features", DRIFT_FEATURES }, { "feature", DRIFT_FEATURES }, { "score", DRIFT_SCORE }, { "id", DRIFT_ID } };
	size_t i = 0, before = out->len;
	while (i < ARRAY_SIZE(names) && !str_is(name, names[i].name))
		i++;
	if (i == ARRAY_SIZE(names))
		return false;
	struct str all = d->check && names[i].col != DRIFT_SCORE ? row_text(d->checks, d->check, names[i].col) : STR("");
	bool one = str_is(name, "feature") && (d->feature.n || memchr(all.p ? all.p : "", ',', all.n));
	struct str text = one ? d->feature : all;        /* of several, none is the one */
	if (names[i].col == DRIFT_SCORE && d->check && !row_null(d->check, DRIFT_SCORE))
		buf_addf(out, "%.6g", row_real(d->check, DRIFT_SCORE));
	else if (!text.n && str_is(name, "model"))
		text = d->model;
	else if (!text.n && str_is(name, "features"))
		text = d->feature;
	buf_addstr(out, text);
	*known = out->len > before;
	return true;
}

/* False: *bad is a name that there is not. */
static bool fill(struct str text, const struct drifted *d, struct buf *out, bool *known, struct str *bad)
{
	*known = true;
	for (size_t i = 0; i < text.n; i++) {
		size_t end = i + 1;
		while (text.p[i] == '{' && end < text.n && text.p[end] >= 'a' && text.p[end] <= 'z')
			end++;
		if (text.p[i] != '{' || end == i + 1 || end == text.n || text.p[end] != '}') {
			buf_addc(out, text.p[i]);        /* other braces are what they are: JSON */
			continue;
		}
		bool has = false;
		*bad = (struct str){ text.p + i + 1, end - i - 1 };
		if (!value_of(d, *bad, out, &has))
			return false;
		*known = *known && has;
		i = end;
	}
	return true;
}

/* In a list with commas, unless it is there. */
static void join(struct buf *list, struct str one)
{
	if (lists(buf_str(list), one))
		return;
	if (list->len)
		buf_addc(list, ',');
	buf_addstr(list, one);
}

/* One parameter, of all that drifted. NULL: not known of any of them, or *bad is no name. */
static json_t *fill_all(struct str text, const struct drifted *d, unsigned n, struct str *bad, bool *wrong)
{
	struct buf all = { 0 }, b = { 0 };
	bool known, any = false;
	for (unsigned i = 0; i < n && !*wrong; i++) {
		buf_clear(&b);
		*wrong = !fill(text, &d[i], &b, &known, bad);
		if (!*wrong && known && n == 1)
			buf_addstr(&all, buf_str(&b));
		else if (!*wrong && known && !(all.len == b.len && str_eq(buf_str(&all), buf_str(&b))))
			join(&all, buf_str(&b));
		any |= known;
	}
	json_t *v = any && !*wrong ? json_stringn(all.data ? all.data : "", all.len) : NULL;
	buf_release(&all);
	buf_release(&b);
	return v;
}

json_t *retrain_fill(const struct yaml *conf, const struct drifted *d, unsigned n, struct buf *left, char **why)
{
	json_t *o = json_object();
	*why = NULL;
	for (unsigned i = 0; conf && conf->type == YAML_MAP && i < conf->n && !*why; i++) {
		struct str name = conf->keys[i]->text, bad;
		bool wrong = false;
		json_t *v = fill_all(conf->items[i]->text, d, n, &bad, &wrong);
		if (wrong)
			*why = xasprintf("retrain.conf." STR_FMT ": there is no {" STR_FMT "}, only {batch}, {model}, {feature}, {features}, "
			                 "{score} and {id}", STR_ARG(name), STR_ARG(bad));
		else if (v)
			json_object_set_new(o, name.p, v);
		else
			buf_addf(left, "%s" STR_FMT, left->len ? ", " : "", STR_ARG(name));
	}
	if (!*why)
		return o;
	json_decref(o);
	return NULL;
}

struct drifted retrain_of(const struct table *t, const struct row *r, const struct table *checks)
{
	struct drifted d = { .checks = t, .check = r };
	if (strcmp(t->kind->name, "features"))
		return d;
	d.model = row_text(t, r, FEATURE_MODEL);
	d.feature = row_text(t, r, FEATURE_NAME);
	d.checks = checks;
	d.check = checks ? retrain_check(checks, r->source, d.model, d.feature) : NULL;
	return d;
}

struct str retrain_model(const struct drifted *d)
{
	return d->model.n || !d->check ? d->model : row_text(d->checks, d->check, DRIFT_MODEL);
}
