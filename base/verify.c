/* verify: see verify.h. A check that finds what is doubtful passes with that remark; one whose kind nobody could list does not
 * pass: what was not seen is not verified. */
#include "base/verify.h"
#include "base/alerts.h"
#include "base/filter.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/say.h"
#include <stdio.h>
#include <stdlib.h>

static const struct column columns[VERIFY_COL_COUNT] = {
	[VERIFY_CHECK] = { .name = "check", .title = "CHECK", .type = COL_TEXT, .width = 30 },
	[VERIFY_RESULT] = { .name = "result", .title = "RESULT", .type = COL_STATUS, .flags = COL_SHARED, .width = 10 },
	[VERIFY_EVIDENCE] = { .name = "evidence", .title = "EVIDENCE", .type = COL_TEXT },
	[VERIFY_WHERE] = { .name = "where", .title = "WHERE", .type = COL_TEXT, .flags = COL_SHARED, .width = 12, .priority = 3 },
	[VERIFY_KIND] = { .name = "kind", .title = "KIND", .type = COL_TEXT, .flags = COL_HIDDEN | COL_SHARED },
	[VERIFY_KEY] = { .name = "object", .title = "OBJECT", .type = COL_TEXT, .flags = COL_HIDDEN },
};
const struct kind kind_verify = {
	.name = "verify", .singular = "verification", .help = "the platform checked from end to end", .cols = columns,
	.ncols = VERIFY_COL_COUNT,
};
const struct config_key verify_keys[] = {
	{ "kind", CONFIG_TEXT, .required = true, .help = "Rows of this kind are counted." },
	{ "filter", CONFIG_TEXT, .help = "Only those that this filter takes, as typed after `/`." },
	{ "at_least", CONFIG_COUNT, .help = "So many must be there; 1 when at_most is not given either." },
	{ "at_most", CONFIG_COUNT, .help = "No more than these may be there." },
	{ "say", CONFIG_TEXT, .help = "What is checked, as a sentence; otherwise the entry's name." },
	CONFIG_END
};

#define DRIFT_RECENT_MS (24 * 3600 * 1000ll)

enum result { WRONG, UNKNOWN, DOUBTFUL, WELL };

struct verify {
	const struct config *config;
	struct table *table;
	unsigned failed;
};
struct checking {                /* one turn */
	struct verify *v;
	const struct store *s;
	const struct verify_probe *probe;
	int64_t now;
	struct buf rows;
	unsigned n;
};

/* What a check found, and the row that shows it (NULL: none). */
struct found { enum result is; struct buf say; const struct table *t; const struct row *row; };

static void give(struct checking *c, const char *name, const char *where, struct found *f)
{
	static const struct { const char *word; enum level level; } shown[] = { [WRONG] = { "wrong", LEVEL_BAD },
		[UNKNOWN] = { "unknown", LEVEL_DOUBT }, [DOUBTFUL] = { "doubtful", LEVEL_DOUBT }, [WELL] = { "ok", LEVEL_OK } };
	char key[8];
	snprintf(key, sizeof(key), "%03u", c->n++);
	rows_put(&c->rows, str_of(key), shown[f->is].level);
	cell_text(&c->rows, str_of(name));
	cell_text(&c->rows, str_of(shown[f->is].word));
	cell_text_or_null(&c->rows, buf_str(&f->say));
	cell_text_or_null(&c->rows, str_of(f->row ? c->s->sources[f->row->source].name : where));
	cell_text_or_null(&c->rows, f->t ? str_of(f->t->kind->name) : STR(""));
	cell_text_or_null(&c->rows, f->row ? row_key(f->row) : STR(""));
	c->v->failed += f->is < DOUBTFUL;
	buf_release(&f->say);
}

/* ---- kinds */

static bool fills(const struct store *s, unsigned source, const char *kind)
{
	const struct source *src = s->sources[source].source;
	const struct table *t = store_table_const(s, kind);
	return src ? backend_fills(src->backend, kind) : t && t->count > 0;
}

/* Somebody fills the kind. */
static bool is_configured(const struct checking *c, const char *kind)
{
	for (unsigned i = 0; i < c->s->nsources; i++)
		if (fills(c->s, i, kind))
			return true;
	return false;
}

/* Every source that fills the kind has listed it, except that one of several may know nothing of it; else f says who did not. */
static bool is_seen(const struct checking *c, const char *kind, struct found *f)
{
	bool any = false;
	for (unsigned i = 0; i < c->s->nsources; i++) {
		const struct kind_state *k = store_kind_state(c->s, kind, (uint16_t)i);
		const struct source_state *x = &c->s->sources[i];
		if (!fills(c->s, i, kind))
			continue;
		if ((k && k->listed) || !x->source) {
			any = true;
			continue;
		}
		const char *why = k && k->why && *k->why ? k->why : x->why && *x->why ? x->why : "no answer in time";
		buf_addf(&f->say, "%s%s: %s", f->say.len ? "; " : "", x->name, why);
	}
	if (any)
		buf_clear(&f->say);
	else
		f->is = UNKNOWN;
	return any;
}

static const struct row *newest(const struct table *t, const char *col)
{
	const struct row *best = NULL;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && (!best || row_time_by(t, r, col) > row_time_by(t, best, col)))
			best = r;
	}
	return best;
}

/* Rows of this level or worse, the first of them in *one. */
static unsigned count_level(const struct table *t, enum level least, const struct row **one)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && r->level >= least && n++ == 0)
			*one = r;
	}
	return n;
}

/* ---- the checks that are built in: each gets the table of its kind, which was seen */

static void check_pipelines(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned broken = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && row_text_by(t, r, "error").n && broken++ == 0)
			f->row = r;
	}
	unsigned well = t->count - broken;
	f->is = !well ? WRONG : broken ? DOUBTFUL : WELL;
	buf_addf(&f->say, "%u pipeline%s", well, well == 1 ? "" : "s");
	if (broken) {
		buf_addf(&f->say, ", %u cannot be imported: ", broken);
		row_say(t, f->row, "{name}", c->now, &f->say);
	}
}

static void check_runs(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned ran = 0, failed = 0;
	const struct row *last = NULL;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || row_text_by(t, r, "error").n || !row_time_by(t, r, "age"))
			continue;
		ran++;
		if (r->level >= LEVEL_BAD && failed++ == 0)
			f->row = r;
		if (!last || row_time_by(t, r, "age") > row_time_by(t, last, "age"))
			last = r;
	}
	f->row = f->row ? f->row : last;
	f->is = !ran ? UNKNOWN : failed ? WRONG : WELL;
	if (!ran)
		buf_adds(&f->say, "no pipeline has run yet");
	else if (failed > 1)
		buf_addf(&f->say, "%u of %u pipelines: ", failed, ran);
	if (f->row)
		row_say(t, f->row, "{name}: last run {status}, {age} ago", c->now, &f->say);
}

static void check_model(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || !row_say(t, r, n ? ", {name} {champion}" : "{name} {champion}", c->now, &f->say))
			continue;
		f->row = f->row ? f->row : r;
		if (++n == 4)
			break;
	}
	f->is = n ? WELL : WRONG;
	if (!n)
		buf_addf(&f->say, "none of %u registered models is in production", t->count);
}

static void check_endpoint(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned bad = count_level(t, LEVEL_BAD, &f->row), doubt = bad ? 0 : count_level(t, LEVEL_DOUBT, &f->row);
	f->row = f->row ? f->row : newest(t, "since");
	f->is = !t->count || bad ? WRONG : doubt ? DOUBTFUL : WELL;
	if (t->count)
		buf_addf(&f->say, "%u of %u: ", t->count - bad - doubt, t->count);
	if (f->row)
		row_say(t, f->row, "{name} {status}[, {p50} ms][: {why}]", c->now, &f->say);
	else
		buf_adds(&f->say, "there is none");
}

static struct str bare_version(struct str s)
{
	return s.n > 1 && (s.p[0] == 'v' || s.p[0] == 'V') ? (struct str){ s.p + 1, s.n - 1 } : s;
}

/* An endpoint that serves the model, the one that serves this version if any does; *same tells. NULL: none says so. */
static const struct row *endpoint_of(const struct table *t, struct str model, struct str version, bool *same)
{
	const struct row *any = NULL;
	*same = false;
	for (uint32_t i = 0; i < t->nslots && !*same; i++) {
		const struct row *r = table_row(t, i);
		struct str served = r ? row_text_by(t, r, "version") : STR("");
		if (!served.n || !str_eq(row_text_by(t, r, "model"), model))
			continue;
		*same = str_eq(bare_version(served), bare_version(version));
		any = *same || !any ? r : any;
	}
	return any;
}

/* Of every model in production that some endpoint says it serves, one serves that very version; others may serve
 * challengers. */
static void check_served(const struct checking *c, const struct table *t, struct found *f)
{
	const struct table *models = store_table_const(c->s, "models");
	unsigned well = 0, wrong = 0;
	for (uint32_t i = 0; models && i < models->nslots; i++) {
		const struct row *m = table_row(models, i), *r;
		struct buf champion = { 0 };
		bool same;
		if (m && row_say(models, m, "{champion}", c->now, &champion) &&
		    (r = endpoint_of(t, row_text_by(models, m, "name"), buf_str(&champion), &same))) {
			if (same ? well++ + wrong == 0 : wrong++ == 0) {
				f->row = r;
				buf_clear(&f->say);
				row_say(t, r, "{name} serves {model} {version}", c->now, &f->say);
				buf_addf(&f->say, ", in production is %s", champion.data);
			}
		}
		buf_release(&champion);
	}
	f->is = wrong ? WRONG : well ? WELL : UNKNOWN;
	if (!well && !wrong)
		buf_adds(&f->say, "no endpoint says which version of a model in production it serves");
}

static void check_drift(const struct checking *c, const struct table *t, struct found *f)
{
	f->row = newest(t, "age");
	bool recent = f->row && c->now - row_time_by(t, f->row, "age") <= DRIFT_RECENT_MS;
	f->is = !recent ? WRONG : f->row->level >= LEVEL_DOUBT ? DOUBTFUL : WELL;
	if (!f->row || !row_say(t, f->row, "{age} ago: {result}[, score {score}][, {count} features][, of {model}]", c->now, &f->say))
		buf_adds(&f->say, "never checked");
}

static void check_rows(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned bad = count_level(t, LEVEL_BAD, &f->row), doubt = bad ? 0 : count_level(t, LEVEL_DOUBT, &f->row);
	struct buf n = { 0 };
	f->is = !t->count || bad ? WRONG : doubt ? DOUBTFUL : WELL;
	fmt_thousands(t->count - bad - doubt, &n);
	if (f->is == WELL)
		buf_addf(&f->say, "%s %s well", n.data, t->count == 1 ? t->kind->singular : t->kind->name);
	else if (!t->count)
		buf_addf(&f->say, "there are no %s", t->kind->name);
	else
		buf_addf(&f->say, "%u %s, such as ", bad + doubt, bad ? "wrong" : "doubtful");
	if (f->row && !row_say(t, f->row, "{name}: {status}|{name}", c->now, &f->say))
		buf_addstr(&f->say, row_key(f->row));
	buf_release(&n);
}

static void check_budget(const struct checking *c, const struct table *t, struct found *f)
{
	unsigned bad = count_level(t, LEVEL_BAD, &f->row), doubt = bad ? 0 : count_level(t, LEVEL_DOUBT, &f->row);
	f->row = f->row ? f->row : newest(t, "starts");
	f->is = !t->count ? UNKNOWN : bad ? WRONG : doubt ? DOUBTFUL : WELL;
	if (!f->row)
		buf_adds(&f->say, "no budget is set");
	else
		row_say(t, f->row, "{name}: {spent} of {amount} spent, runs out {runs_out}|{name}: {spent} of {amount} spent[, {status}]", c->now, &f->say);
}

/* Those that are silenced somebody knows of. */
static void check_alerts(const struct checking *c, const struct table *t, struct found *f)
{
	enum level worst;
	unsigned n = alerts_firing(c->s, -1, &worst), doubt = count_level(t, LEVEL_DOUBT, &f->row);
	f->row = NULL;
	count_level(t, n ? worst : LEVEL_DOUBT, &f->row);
	f->is = n && worst >= LEVEL_BAD ? WRONG : doubt ? DOUBTFUL : WELL;
	if (n)
		buf_addf(&f->say, "%u fire%s: ", n, n == 1 ? "s" : "");
	if (!f->row)
		buf_adds(&f->say, "none fires");
	else
		row_say(t, f->row, "rule {name} cannot be evaluated: {error}|{name}[, {about}][: {summary}]", c->now, &f->say);
}

static const struct built_in {
	const char *name, *kind;
	void (*check)(const struct checking *c, const struct table *t, struct found *f);
	const char *also;                /* and this kind must be configured too */
} built_in[] = {
	{ "pipelines are there", "pipelines", check_pipelines },
	{ "last runs went well", "pipelines", check_runs },
	{ "a model is in production", "models", check_model },
	{ "endpoints are ready", "modelendpoints", check_endpoint },
	{ "they serve that version", "modelendpoints", check_served, "models" },
	{ "drift was checked lately", "drift", check_drift },
	{ "buckets are reachable", "buckets", check_rows },
	{ "nodes are well", "nodes", check_rows },
	{ "pods are well", "pods", check_rows },
	{ "spend is within budget", "budgets", check_budget },
	{ "no alert fires", "alerts", check_alerts },
};

static void check_built_in(struct checking *c, const struct built_in *b)
{
	const struct table *t = store_table_const(c->s, b->kind);
	struct found f = { .is = UNKNOWN, .t = t };
	if (!t || !is_configured(c, b->kind) || (b->also && !is_configured(c, b->also)))
		return;
	/* Whoever fills budgets has one only where it is set. */
	if (is_seen(c, b->kind, &f) && !(b->check == check_budget && !t->count))
		b->check(c, t, &f);
	else if (f.is == UNKNOWN && b->check == check_budget && !f.say.len)
		return;
	give(c, b->name, "", &f);
}

static void check_probe(struct checking *c)
{
	const struct verify_probe *p = c->probe;
	static const enum result results[] = { UNKNOWN, WRONG, WELL };
	if (!p || !p->tried)
		return;
	struct found f = { .is = results[p->answered + 1], .t = store_table_const(c->s, "modelendpoints") };
	buf_addstr(&f.say, p->say_answered);
	give(c, "a prediction is answered", "", &f);
	if (!is_configured(c, "predictions"))
		return;
	f = (struct found){ .is = results[p->logged + 1], .t = store_table_const(c->s, "predictions") };
	buf_addstr(&f.say, p->say_logged);
	give(c, "and found again in the log", "", &f);
}

static void check_source(struct checking *c, unsigned source)
{
	const struct source_state *x = &c->s->sources[source];
	bool live = x->state == HEALTH_LIVE, waits = x->state == HEALTH_CONNECTING || x->state == HEALTH_IDLE;
	for (unsigned i = 0; i < c->s->nkinds && !live; i++)      /* idle again after it answered */
		live = x->state == HEALTH_IDLE && c->s->kinds[i].source == source && c->s->kinds[i].listed;
	struct found f = { .is = live ? WELL : x->state == HEALTH_LIMITED ? DOUBTFUL : waits ? UNKNOWN : WRONG };
	if (live)
		buf_addf(&f.say, "%s%s%s", x->version ? x->version : "", x->version && *x->version && x->detail && *x->detail ? ", " : "",
		         x->detail ? x->detail : "");
	else
		buf_addf(&f.say, "%s%s%s", health_name(x->state), x->why && *x->why ? ": " : "", x->why ? x->why : "");
	char *name = xasprintf("%s is reachable", x->name);
	give(c, name, x->name, &f);
	free(name);
}

/* ---- of binnacle.yaml */

static int64_t number_of(const struct yaml *y, const char *key, int64_t otherwise)
{
	const char *text = yaml_text(y, key);
	int64_t n;
	return text && str_to_i64(str_of(text), &n) ? n : otherwise;
}

static void count_rows(const struct checking *c, const struct table *t, const struct filter *filter, const struct yaml *y,
                       struct found *f)
{
	int64_t most = number_of(y, "at_most", -1), least = number_of(y, "at_least", most < 0 ? 1 : 0), n = 0;
	struct buf some = { 0 };
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (!r || !filter_match(filter, t, r, c->now))
			continue;
		if (++n <= 3) {
			buf_addf(&some, n > 1 ? ", " : ": ");
			buf_addstr(&some, row_key(r));
		}
		f->row = f->row ? f->row : r;
	}
	f->is = n >= least && (most < 0 || n <= most) ? WELL : WRONG;
	buf_addf(&f->say, "%lld of %u %s%s%s", (long long)n, t->count, t->kind->name, some.data ? some.data : "", n > 3 ? ", ..." : "");
	if (f->is == WRONG)
		buf_addf(&f->say, n < least ? " (at least %lld)" : " (at most %lld)", (long long)(n < least ? least : most));
	buf_release(&some);
}

static void check_own(struct checking *c, const char *name, const struct yaml *y)
{
	const char *word = yaml_text(y, "kind"), *text = yaml_text(y, "filter"), *say = yaml_text(y, "say");
	const struct kind *k = word ? store_kind(c->s, str_of(word)) : NULL;
	const struct table *t = k ? store_table_const(c->s, k->name) : NULL;
	struct found f = { .is = WRONG, .t = t };
	struct filter_error err;
	struct filter *filter = t ? filter_parse(text ? text : "", t->kind, &err) : NULL;
	if (filter)
		filter_at(filter, c->now);
	if (!t)
		buf_addf(&f.say, "there is no kind '%s'", word ? word : "");
	else if (!filter)
		buf_addf(&f.say, "in its filter: %s", err.what);
	else if (!is_configured(c, k->name))
		buf_addf(&f.say, "no source has %s", k->name);
	else if (is_seen(c, k->name, &f))
		count_rows(c, t, filter, y, &f);
	filter_free(filter);
	give(c, say ? say : name, "", &f);
}

/* ---- the whole */

static const struct yaml *own_checks(const struct verify *v)
{
	const struct yaml *y = v->config ? yaml_get(v->config->root, "verify") : NULL;
	return y && y->type == YAML_MAP ? y : NULL;
}

struct verify *verify_new(const struct config *c)
{
	struct verify *v = xcalloc(1, sizeof(*v));
	v->config = c;
	v->table = table_new(&kind_verify);
	return v;
}

void verify_free(struct verify *v)
{
	if (v)
		table_free(v->table);
	free(v);
}

struct table *verify_table(struct verify *v)
{
	return v->table;
}

unsigned verify_failed(const struct verify *v)
{
	return v->failed;
}

const char *verify_kind(const struct verify *v, unsigned i)
{
	const struct yaml *own = own_checks(v);
	if (i < ARRAY_SIZE(built_in))
		return built_in[i].kind;
	i -= ARRAY_SIZE(built_in);
	if (i == 0)
		return "predictions";
	for (unsigned k = 0; own && k < own->n; k++)
		if (yaml_text(own->items[k], "kind") && --i == 0)
			return yaml_text(own->items[k], "kind");
	return NULL;
}

void verify_update(struct verify *v, const struct store *s, const struct verify_probe *probe, int64_t now)
{
	struct checking c = { .v = v, .s = s, .probe = probe, .now = now };
	const struct yaml *own = own_checks(v);
	struct rd rd = rd_of(STR(""));
	v->failed = 0;
	rows_start(&c.rows, kind_verify.name);
	rows_begin(&c.rows, STR(""));
	for (unsigned i = 0; i < s->nsources; i++)
		check_source(&c, i);
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
		check_built_in(&c, &built_in[i]);
		if (built_in[i].check == check_served)
			check_probe(&c);
	}
	for (unsigned i = 0; own && i < own->n; i++)
		check_own(&c, own->keys[i]->text.p, own->items[i]);
	rows_end(&c.rows, STR(""));
	rows_open(&rd, buf_str(&c.rows));
	table_apply(v->table, 0, &rd, 0);
	buf_release(&c.rows);
}
