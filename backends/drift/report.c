/* report: see report.h. Which program wrote it is told by what is there, not by version numbers. */
#include "backends/drift/report.h"
#include "backends/net/json.h"
#include "base/fmt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- values of any type */

struct str report_text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

double report_number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	double d = NAN;
	if (json_is_number(v))
		return json_number_value(v);
	if (json_is_string(v) && !str_to_f64(report_text(o, key), &d))
		d = NAN;
	return d;
}

int report_bool(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return json_is_true(v) ? 1 : json_is_false(v) ? 0 : -1;
}

int64_t report_time(struct str s)
{
	struct buf b = { 0 };
	int64_t ms = 0;
	s = str_trim(s);
	if (s.n >= 16 && s.n < 40 && s.p[8] == 'T')                /* 20261121T033214.746030Z */
		buf_addf(&b, "%.4s-%.2s-%.2sT%.2s:%.2s:" STR_FMT, s.p, s.p + 4, s.p + 6, s.p + 9, s.p + 11, (int)s.n - 13, s.p + 13);
	else if (s.n >= 19 && s.n < 48)
		buf_addstr(&b, s);
	if (b.len > 19 && b.data[10] == ' ')
		b.data[10] = 'T';
	if (b.len && !strpbrk(b.data + 10, "Z+-"))
		buf_addc(&b, 'Z');
	if (b.len && !time_parse(buf_str(&b), &ms))
		ms = 0;
	buf_release(&b);
	return ms;
}

/* ---- giving */

/* "drift/real_estate/2026-11-21.json": the folder's name, or nothing. */
static struct str folder_of(struct str path)
{
	size_t end = path.n, from;
	while (end && path.p[end - 1] != '/')
		end--;
	if (!end)
		return STR("");
	for (from = --end; from && path.p[from - 1] != '/'; from--)
		;
	return (struct str){ path.p + from, end - from };
}

struct str report_model(const struct reading *r, struct str said)
{
	return r->about->model.n ? r->about->model : said.n ? said : folder_of(r->about->name);
}

void report_give(struct reading *r, struct drift_check *c)
{
	buf_clear(&r->key);
	buf_clear(&r->names);
	buf_addstr(&r->key, r->about->name);
	if (++r->found > 1)
		buf_addf(&r->key, "#%u", r->found);
	for (unsigned i = 0; i < r->features.n; i++)
		if (r->features.items[i].drifted)
			buf_addf(&r->names, "%s" STR_FMT, r->names.len ? ", " : "", STR_ARG(feature_name(&r->features, i)));
	c->key = c->id = buf_str(&r->key);
	c->model = report_model(r, c->model);
	c->features = buf_str(&r->names);
	c->time = c->time ? c->time : r->about->time;
	if (c->count < 0 && r->features.n)
		c->count = r->features.drifted;
	if (c->checked < 0 && r->features.n)
		c->checked = r->features.n;
	r->features.complete = r->features.n > 0;              /* a report names all that it looked at */
	r->fn(r->arg, c, &r->features);
	features_clear(&r->features);
}

/* ---- reading */

enum report_is report_read(struct str text, const struct report_about *about, report_fn fn, void *arg, char *why, size_t size)
{
	struct reading r = { .about = about, .fn = fn, .arg = arg };
	why[0] = '\0';
	if (!str_trim(text).n) {
		snprintf(why, size, "it is empty");
		return REPORT_BAD;
	}
	json_t *root = json_read(text, NULL, why, size);
	if (!root)
		return REPORT_BAD;
	bool known = report_expectations(&r, root) || report_evidently(&r, root);
	if (!known && json_is_object(json_object_get(root, "metric_results")))
		snprintf(why, size, "a snapshot of Evidently's workspace; have save_json() write reports");
	else if (!known)
		snprintf(why, size, "neither a report of Evidently nor a result of Great Expectations");
	json_decref(root);
	features_release(&r.features);
	buf_release(&r.key);
	buf_release(&r.names);
	return r.found ? REPORT_DRIFT : known ? REPORT_OTHER : REPORT_BAD;
}
