/* gates_judge: one gate at a time: pass, fail, or cannot tell, each with its figures. What is not there yet is pending; a list that
 * somebody should fill and nobody has listed is never taken for an empty one. */
#include "base/filter.h"
#include "base/fmt.h"
#include "base/gates_in.h"
#include "base/mem.h"
#include "base/registry.h"
#include "base/serving.h"
#include "base/window.h"
#include <math.h>
#include <stdlib.h>

void gate_number(double v, struct buf *out)
{
	if (isfinite(v) && fabs(v) >= 1000 && fabs(v) < 1e15)
		fmt_thousands((int64_t)llround(v), out);
	else
		fmt_real(v, out);
}

static void percent(double share, struct buf *out)
{
	buf_addf(out, "%.1f %%", share * 100);
}

static void cannot(struct judged *j, const char *why)
{
	buf_clear(&j->say);
	buf_adds(&j->say, why);
	j->is = GATE_UNKNOWN;
}

/* The version in full, when it is there; else j says how it is. */
static const json_t *version_of(const struct gates *g, int which, struct judged *j)
{
	const struct wanted *w = &g->priv->of[which];
	if (w->json)
		return w->json;
	j->is = w->in ? GATE_UNKNOWN : GATE_PENDING;
	buf_clear(&j->say);
	if (w->in)
		buf_addf(&j->say, "version %s: %s", which == CHAMPION ? g->priv->champion : g->priv->version, w->error);
	else
		buf_adds(&j->say, "reading the versions");
	return NULL;
}

/* ---- metrics */

static int direction_of(const struct yaml *gate, const char *metric, const json_t *version)
{
	const char *said = yaml_text(gate, "direction");
	if (!said)
		said = json_string_value(json_object_get(json_object_get(version, "better"), metric));
	return said ? !strcmp(said, "higher") ? 1 : -1 : metric_better(str_of(metric));
}

static bool metric_of(const json_t *version, const char *metric, double *v)
{
	const json_t *m = json_object_get(json_object_get(version, "metrics"), metric);
	*v = json_number_value(m);
	return json_is_number(m);
}

static bool limit_of(const struct yaml *gate, const char *key, struct judged *j, double *v)
{
	const char *text = yaml_text(gate, key);
	if (text && !ratio_parse(str_of(text), v)) {
		cannot(j, "");
		buf_addf(&j->say, "%s '%s' is no number or percentage", key, text);
		return false;
	}
	return text != NULL;
}

/* How much better than the champion: j->is is left alone when it is enough. */
static void judge_relative(const struct gates *g, const struct yaml *gate, const char *metric, double is, struct judged *j)
{
	double was, by = 0, wanted = 0;
	const json_t *champion = *g->priv->champion ? version_of(g, CHAMPION, j) : NULL;
	bool gain = yaml_text(gate, "better_by") != NULL;
	if (!limit_of(gate, gain ? "better_by" : "worse_at_most", j, &wanted) || (*g->priv->champion && !champion))
		return;
	if (!champion) {
		buf_adds(&j->say, "; nothing is in production to hold it against");
		return;
	}
	int way = direction_of(gate, metric, champion);
	if (!metric_of(champion, metric, &was) || !way) {
		j->is = GATE_UNKNOWN;
		if (way)
			buf_addf(&j->say, "; the champion, version %s, has no %s", g->priv->champion, metric);
		else
			buf_adds(&j->say, "; whether more or less of it is better is not known: set direction: lower or higher");
		return;
	}
	by = relative_change(was, is) * way;
	if (isnan(by))
		by = is == was ? 0 : (is > was ? 1 : -1) * way;
	buf_adds(&j->say, " against ");
	gate_number(was, &j->say);
	buf_adds(&j->say, ": ");
	if (is == was) {
		buf_adds(&j->say, "the same");
	} else {
		percent(fabs(by), &j->say);
		buf_adds(&j->say, by > 0 ? " better" : " worse");
	}
	buf_addf(&j->say, ", wanted %s%s", gain ? "" : "at most ", yaml_text(gate, gain ? "better_by" : "worse_at_most"));
	buf_adds(&j->say, gain ? "" : " worse");
	if (gain ? by < wanted - 1e-12 : -by > wanted + 1e-12)
		j->is = GATE_FAIL;
}

static void judge_metric(const struct gates *g, const struct yaml *gate, struct judged *j)
{
	char *metric = gate_text(g, gate, "metric");
	const json_t *version = version_of(g, CHALLENGER, j);
	double is, limit;
	if (version && !metric_of(version, metric, &is)) {
		cannot(j, "");
		buf_addf(&j->say, "version %s has no %s", g->priv->version, metric);
	} else if (version) {
		j->is = GATE_PASS;
		buf_addf(&j->say, "%s ", metric);
		gate_number(is, &j->say);
		for (int most = 0; most < 2; most++) {
			const char *key = most ? "at_most" : "at_least";
			if (!limit_of(gate, key, j, &limit))
				continue;
			buf_addf(&j->say, ", wanted at %s ", most ? "most" : "least");
			gate_number(limit, &j->say);
			if (most ? is > limit : is < limit)
				j->is = GATE_FAIL;
		}
		if (yaml_get(gate, "better_by") || yaml_get(gate, "worse_at_most"))
			judge_relative(g, gate, metric, is, j);
	}
	free(metric);
}

/* ---- tags and times */

static bool any_time(const char *text, int64_t *ms)
{
	struct str s = str_of(text);
	char *day = NULL;
	bool ok = str_to_i64(s, ms);
	if (ok)                          /* seconds or milliseconds since 1970 */
		*ms *= *ms < 100000000000ll ? 1000 : 1;
	else if (!(ok = time_parse(s, ms)) && s.n == 10)
		ok = time_parse(str_of(day = xasprintf("%sT00:00:00Z", text)), ms);
	free(day);
	return ok;
}

static void judge_age(int64_t at, const char *within, int64_t wall, struct judged *j)
{
	double most = 0;
	if (!duration_parse(str_of(within), true, &most)) {
		cannot(j, "`within` is no length of time");
		return;
	}
	fmt_age(wall - at, &j->say);
	buf_addf(&j->say, " ago, wanted within %s", within);
	j->is = (double)(wall - at) <= most ? GATE_PASS : GATE_FAIL;
}

static void judge_tag(const struct gates *g, const struct yaml *gate, int64_t wall, struct judged *j)
{
	const json_t *version = version_of(g, CHALLENGER, j);
	const char *tag = yaml_text(gate, "tag"), *within = yaml_text(gate, "within");
	char *wanted = gate_text(g, gate, "is");
	const char *is = json_string_value(json_object_get(json_object_get(version, "tags"), tag));
	int64_t at;
	if (version && !is)
		is = json_string_value(json_object_get(json_object_get(version, "run_tags"), tag));
	if (version) {
		j->is = is && (!wanted || !strcmp(wanted, is)) ? GATE_PASS : GATE_FAIL;
		if (!is)
			buf_addf(&j->say, "neither the version nor its run has the tag %s", tag);
		else
			buf_addf(&j->say, "%s: %.80s", tag, is);
		if (is && j->is == GATE_FAIL)
			buf_addf(&j->say, ", wanted %.80s", wanted);
		if (is && within && !any_time(is, &at))
			cannot(j, "its value is no time such as 2026-11-21T17:45:00Z");
		else if (is && within && j->is == GATE_PASS) {
			buf_adds(&j->say, ", ");
			judge_age(at, within, wall, j);
		}
	}
	free(wanted);
}

static void judge_trained(const struct gates *g, const struct yaml *gate, int64_t wall, struct judged *j)
{
	const json_t *version = version_of(g, CHALLENGER, j), *run = json_object_get(version, "run");
	int64_t at = json_integer_value(json_object_get(run, "ended"));
	if (!version)
		return;
	if (!at)
		at = json_integer_value(json_object_get(run, "started"));
	if (!at)
		at = json_integer_value(json_object_get(version, "created"));
	if (!at) {
		cannot(j, "neither its run nor the version says when it was trained");
		return;
	}
	buf_adds(&j->say, "trained ");
	judge_age(at, yaml_text(gate, "trained_within"), wall, j);
}

/* ---- rows */

enum gate_result gate_sees(const struct store *st, const char *kind, struct buf *say)
{
	unsigned fill = 0, listed = 0, refused = 0, waits = 0;
	struct buf why = { 0 };
	for (unsigned i = 0; i < st->nsources; i++) {
		const struct source_state *s = &st->sources[i];
		const struct kind_state *k = store_kind_state(st, kind, (uint16_t)i);
		if (!s->source || !backend_fills(s->source->backend, kind))
			continue;
		fill++;
		bool lost = health_lost(s->state) || (k && health_lost(k->state));
		const char *says = k && k->why && *k->why ? k->why : s->why && *s->why ? s->why : health_name(s->state);
		if (lost && !why.len)
			buf_addf(&why, "%s: %s", s->name, says);
		if (k && k->listed && !lost)
			listed++;
		else if (lost && !health_lost(s->state) && !(k && k->listed))
			refused++;               /* it is there, and has nothing of this kind to show */
		else if (!lost)
			waits++;
	}
	enum gate_result is = !fill ? GATE_UNKNOWN : waits ? GATE_PENDING : listed && listed + refused == fill ? GATE_PASS : GATE_UNKNOWN;
	if (!fill)
		buf_addf(say, "no source is configured that shows %s", kind);
	else if (is == GATE_PENDING)
		buf_addf(say, "reading %s", kind);
	else if (is == GATE_UNKNOWN)
		buf_addf(say, "%s of %s", why.data ? why.data : "nobody lists rows", kind);
	buf_release(&why);
	return is;
}

static void put_found(const struct table *t, const struct filter *f, int64_t wall, struct few *found)
{
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && filter_match(f, t, r, wall))
			few_add(found, STR_FMT, STR_ARG(row_key(r)));
	}
}

static void judge_rows(const struct gates *g, const struct yaml *gate, int64_t wall, struct judged *j)
{
	const char *none = yaml_text(gate, "none"), *kind = none ? none : yaml_text(gate, "some");
	const struct table *t = store_table_const(g->priv->store, kind);
	char *where = gate_text(g, gate, "where");
	struct filter_error err;
	struct filter *f = t ? filter_parse(where ? where : "", t->kind, &err) : NULL;
	struct few found = { 0 };
	if (!t || !f) {
		cannot(j, "");
		buf_addf(&j->say, t ? "where: %s" : "no source is configured that shows %s", t ? err.what : kind);
	} else if ((j->is = gate_sees(g->priv->store, kind, &j->say)) == GATE_PASS) {
		filter_at(f, wall);
		put_found(t, f, wall, &found);
		if (found.n)
			buf_addf(&j->say, "%u ", found.n);
		buf_addf(&j->say, "%s%s%s%s%s%s", found.n ? "" : "no ", kind, where && *where ? " with " : "", where ? where : "",
		         found.n ? ": " : "", few_end(&found));
		j->is = (found.n > 0) == (none != NULL) ? GATE_FAIL : GATE_PASS;
	}
	buf_release(&found.text);
	filter_free(f);
	free(where);
}

/* ---- signature, freeze */

static void judge_signature(const struct gates *g, struct judged *j)
{
	const json_t *new = version_of(g, CHALLENGER, j), *old = new && *g->priv->champion ? version_of(g, CHAMPION, j) : NULL;
	const json_t *a = json_object_get(json_object_get(new, "signature"), "inputs");
	const json_t *b = json_object_get(json_object_get(old, "signature"), "inputs");
	if (!new || (*g->priv->champion && !old))
		return;
	if (!old) {
		j->is = GATE_PASS;
		buf_adds(&j->say, "nothing is in production to hold it against");
	} else if (!a || !b) {
		cannot(j, a ? "the champion has no signature" : b ? "the challenger has no signature" : "neither has a signature");
	} else {
		json_t *change = json_array(), *warnings = json_array(), *of_both[2];
		for (int i = 0; i < 2; i++)      /* what differs, in registry_versus's words */
			of_both[i] = json_pack("{s:{s:O}}", "signature", "inputs", i ? b : a);
		registry_versus(of_both[1], of_both[0], NULL, change, warnings);
		j->is = json_equal(a, b) ? GATE_PASS : GATE_FAIL;
		const char *said = json_string_value(json_array_get(warnings, 0));
		if (j->is == GATE_PASS)
			buf_addf(&j->say, "the same %zu inputs", json_array_size(a));
		else
			buf_adds(&j->say, said ? said : "the inputs differ");
		json_decref(of_both[0]);
		json_decref(of_both[1]);
		json_decref(change);
		json_decref(warnings);
	}
}

static void judge_freeze(const struct gates *g, const struct yaml *gate, int64_t wall, struct judged *j)
{
	const struct yaml *list = yaml_get(gate, "freeze");
	const char *own = yaml_text(gate, "zone"), *why;
	struct zone *zone = zone_or_here(own ? own : g->priv->zone);
	j->is = GATE_PASS;
	for (unsigned i = 0; i < list->n && j->is == GATE_PASS; i++) {
		struct window w;
		int64_t ends;
		if (!window_parse(list->items[i]->text, &w, &why)) {
			cannot(j, "");
			buf_addf(&j->say, "'" STR_FMT "': %s", STR_ARG(list->items[i]->text), why);
		} else if (window_inside(&w, zone, wall, &ends)) {
			j->is = GATE_FAIL;
			buf_addf(&j->say, "inside '" STR_FMT "' ", STR_ARG(list->items[i]->text));
			zone_say(zone, wall / 1000, &j->say);
			buf_adds(&j->say, ", over in ");
			fmt_age(ends - wall, &j->say);
		}
	}
	if (j->is == GATE_PASS) {
		buf_addf(&j->say, "inside none of %u window%s ", list->n, list->n == 1 ? "" : "s");
		zone_say(zone, wall / 1000, &j->say);
	}
	zone_free(zone);
}

/* ---- what both answer */

const struct row *gate_endpoint(const struct gates *g, const char *name, const char *version)
{
	const struct table *t = store_table_const(g->priv->store, "modelendpoints");
	for (uint32_t i = 0; t && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r)
			continue;
		if (name ? str_is(row_text(t, r, ENDPOINT_NAME), name) || str_is(row_key(r), name)
		         : str_is(row_text(t, r, ENDPOINT_MODEL), g->priv->model) && str_is(row_text(t, r, ENDPOINT_VERSION), version))
			return r;
	}
	return NULL;
}

static struct source *source_of(const struct gates *g, const struct row *r)
{
	return g->priv->store->sources[r->source].source;
}

/* Both endpoints; false: j says which is missing. Without a champion only the challenger is asked, against the log. */
static bool both_of(const struct gates *g, const struct yaml *gate, struct sample_of of[2], struct judged *j)
{
	static const char *const keys[] = { "challenger", "champion" };
	for (int i = 0; i < 2; i++) {
		char *name = gate_text(g, gate, keys[i]);
		const char *version = i ? g->priv->champion : g->priv->version;
		const struct row *r = name || *version ? gate_endpoint(g, name, version) : NULL;
		of[i] = (struct sample_of){ r ? source_of(g, r) : NULL, r ? str_dup(row_key(r)) : NULL };
		if (!r && (name || *version)) {
			cannot(j, "");
			if (name)
				buf_addf(&j->say, "there is no endpoint %s", name);
			else
				buf_addf(&j->say, "no endpoint says that it serves version %s; name one: %s: ENDPOINT", version, keys[i]);
		}
		free(name);
		if (j->say.len)
			return false;
	}
	return true;
}

/* The first answer that came from another version than it should. */
static bool wrong_version(const struct gates *g, const struct sample *s, struct judged *j)
{
	const char *wanted[2] = { g->priv->version, g->priv->champion };
	for (unsigned i = 0; i < s->n; i++)
		for (int k = 0; k < 2; k++) {
			const char *was = s->list[i].of[k].version;
			if (!was || !*wanted[k])
				continue;
			was += *was == 'v';
			if (!strcmp(was, wanted[k]))
				continue;
			cannot(j, "");
			buf_addf(&j->say, "%s answered with version %s, not %s", s->of[k].key, was, wanted[k]);
			return true;
		}
	return false;
}

static void put_differences(const struct sample *s, const struct sample_figures *f, double limit, struct judged *j)
{
	buf_addf(&j->say, "%u of %u differ", f->differ, f->both);
	if (f->differ) {
		buf_adds(&j->say, ", on average by ");
		percent(f->mean, &j->say);
		buf_adds(&j->say, ", at most by ");
		percent(f->most, &j->say);
	}
	if (!isnan(limit))
		buf_adds(&j->say, "; wanted below ");
	if (!isnan(limit))
		percent(limit, &j->say);
	if (f->both < s->n)
		buf_addf(&j->say, "; %u of %u inputs were not answered by both", s->n - f->both, s->n);
}

static void judge_sample(const struct gates *g, const struct yaml *gate, const struct sample *s, struct judged *j)
{
	struct sample_figures f = sample_figures(s);
	double limit = NAN;
	if (wrong_version(g, s, j) || (!limit_of(gate, "differ_below", j, &limit) && j->say.len))
		return;
	for (int k = 0; k < 2; k++)
		if (f.failed[k] && f.failed[k] * 2 >= s->n) {
			j->is = k ? GATE_UNKNOWN : GATE_FAIL;
			buf_addf(&j->say, "%s failed %u of %u times: %.120s", s->of[k].key, f.failed[k], s->n, f.error[k]);
			return;
		}
	if (!f.both) {
		cannot(j, "the answers cannot be compared");
		return;
	}
	put_differences(s, &f, limit, j);
	j->is = !isnan(limit) && !(f.mean < limit) ? GATE_FAIL : GATE_PASS;
}

static void judge_predictions(struct gates *g, unsigned i, const struct yaml *gate, struct judged *j)
{
	struct sample **s = &g->priv->samples[i];
	int64_t n = 0;
	if (!*s) {
		struct sample_of of[2] = { { 0 } };
		j->is = gate_sees(g->priv->store, "predictions", &j->say);
		if (j->is == GATE_PASS)
			j->is = gate_sees(g->priv->store, "modelendpoints", &j->say);
		if (j->is != GATE_PASS)
			return;
		str_to_i64(str_of(yaml_text(gate, "predictions")), &n);
		if (both_of(g, gate, of, j))
			*s = sample_new(g->priv->store, g->priv->model, NULL, n < 1 ? 1 : n > 200 ? 200 : (unsigned)n, of);
		free(of[0].key);
		free(of[1].key);
		if (!*s)
			return;
	}
	if (!(*s)->n) {
		cannot(j, "the log of predictions has no inputs of this model");
		return;
	}
	j->is = GATE_PENDING;
	if (sample_tick(*s))
		judge_sample(g, gate, *s, j);
	else
		buf_addf(&j->say, "asked %u of %u", (*s)->in, (*s)->n);
}

/* Calls of our own to that endpoint, when a gate before has made enough; else what its row says. */
static double latency_of(const struct gates *g, const char *name, unsigned *calls, bool *waits)
{
	const struct row *r = gate_endpoint(g, name, NULL);
	*waits = false;
	for (unsigned i = 0; r && i < g->n; i++) {
		const struct sample *s = g->priv->samples[i];
		for (int k = 0; s && k < 2; k++) {
			if (s->of[k].source != source_of(g, r) || !str_is(row_key(r), s->of[k].key))
				continue;
			struct sample_figures f = sample_figures(s);
			*waits = s->in < s->n && !g->priv->late;
			*calls = f.answered[k];
			if (!isnan(f.p99[k]) && f.answered[k] >= 5)
				return f.p99[k];
		}
	}
	*calls = r ? (unsigned)row_int(r, ENDPOINT_CALLS) : 0;
	return r && !row_null(r, ENDPOINT_P99) ? row_real(r, ENDPOINT_P99) : NAN;
}

/* Gates with predictions still have to make theirs. */
static bool samples_wait(const struct gates *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (yaml_get(gate_entry(g, i), "predictions") && g->list[i].result == GATE_PENDING)
			return true;
	return false;
}

static void judge_latency(const struct gates *g, const struct yaml *gate, struct judged *j)
{
	char *name = gate_text(g, gate, "latency");
	const char *below = yaml_text(gate, "below");
	double limit = NAN;
	unsigned calls = 0;
	bool waits = samples_wait(g), more = false;
	double p99 = waits ? NAN : latency_of(g, name, &calls, &more);
	j->is = waits || more ? GATE_PENDING : gate_sees(g->priv->store, "modelendpoints", &j->say);
	if (!below || !duration_parse(str_of(below), true, &limit)) {
		cannot(j, "no `below: 300ms` says what is wanted");
	} else if (j->is == GATE_PASS && !gate_endpoint(g, name, NULL)) {
		cannot(j, "");
		buf_addf(&j->say, "there is no endpoint %s", name);
	} else if (j->is == GATE_PASS && isnan(p99)) {
		cannot(j, "");
		buf_addf(&j->say, "%s has not answered yet", name);
	} else if (j->is == GATE_PASS) {
		buf_addf(&j->say, "p99 %.0f ms of %u calls, wanted below %s", p99, calls, below);
		j->is = p99 < limit ? GATE_PASS : GATE_FAIL;
	}
	free(name);
}

void gate_judge(struct gates *g, unsigned i, int64_t wall, struct judged *j)
{
	const struct yaml *gate = gate_entry(g, i);
	if (yaml_text(gate, "metric"))
		judge_metric(g, gate, j);
	else if (yaml_text(gate, "tag"))
		judge_tag(g, gate, wall, j);
	else if (yaml_text(gate, "trained_within"))
		judge_trained(g, gate, wall, j);
	else if (yaml_text(gate, "none") || yaml_text(gate, "some"))
		judge_rows(g, gate, wall, j);
	else if (yaml_get(gate, "signature"))
		judge_signature(g, j);
	else if (yaml_get(gate, "freeze"))
		judge_freeze(g, gate, wall, j);
	else if (yaml_text(gate, "predictions"))
		judge_predictions(g, i, gate, j);
	else if (yaml_text(gate, "latency"))
		judge_latency(g, gate, j);
	else
		cannot(j, "it says nothing to look at: metric, tag, trained_within, none, some, signature, freeze, predictions or latency");
}
