/* trail: see trail.h. The checks of a model stand newest first; the ranking is made anew after each batch of changes:
 * sixty checks of a dozen features are nothing. */
#include "backends/drift/trail.h"
#include "base/fmt.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct past {                    /* one check */
	char *key;
	int64_t time;
	int drifted;
	struct feature_list features;
};
struct model {
	char *name;
	struct past checks[TRAIL_WINDOW];
	unsigned n;
};
struct trail { struct model **models; unsigned n; };

struct trail *trail_new(void)
{
	return xcalloc(1, sizeof(struct trail));
}

static void past_release(struct past *p)
{
	free(p->key);
	features_release(&p->features);
}

void trail_clear(struct trail *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		for (unsigned j = 0; j < t->models[i]->n; j++)
			past_release(&t->models[i]->checks[j]);
		free(t->models[i]->name);
		free(t->models[i]);
	}
	free(t->models);
	*t = (struct trail){ 0 };
}

void trail_free(struct trail *t)
{
	trail_clear(t);
	free(t);
}

static struct model *model_of(struct trail *t, struct str name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (str_is(name, t->models[i]->name))
			return t->models[i];
	if (t->n == TRAIL_MODELS)
		return NULL;
	struct model *m = xcalloc(1, sizeof(*m));
	m->name = str_dup(name);
	t->models = xreallocarray(t->models, t->n + 1, sizeof(*t->models));
	return t->models[t->n++] = m;
}

static void features_copy(struct feature_list *to, const struct feature_list *from)
{
	*to = (struct feature_list){ .n = from->n, .cap = from->n, .drifted = from->drifted,
	                             .complete = from->complete };
	if (!from->n)
		return;
	to->items = xreallocarray(NULL, from->n, sizeof(*to->items));
	memcpy(to->items, from->items, from->n * sizeof(*to->items));
	buf_addstr(&to->text, buf_str(&from->text));
}

static void forget(struct model *m, struct str key)
{
	for (unsigned i = 0; i < m->n; i++)
		if (str_is(key, m->checks[i].key)) {
			past_release(&m->checks[i]);
			memmove(m->checks + i, m->checks + i + 1, (--m->n - i) * sizeof(*m->checks));
			return;
		}
}

void trail_remove(struct trail *t, struct str key)
{
	for (unsigned i = 0; i < t->n; i++)
		forget(t->models[i], key);
}

void trail_add(struct trail *t, const struct drift_check *c, const struct feature_list *f)
{
	struct model *m = model_of(t, c->model);
	unsigned at = 0;
	if (!m)
		return;
	forget(m, c->key);
	while (at < m->n && m->checks[at].time > c->time)
		at++;
	if (at == TRAIL_WINDOW)
		return;
	if (m->n == TRAIL_WINDOW)
		past_release(&m->checks[--m->n]);
	memmove(m->checks + at + 1, m->checks + at, (m->n++ - at) * sizeof(*m->checks));
	m->checks[at] = (struct past){ .key = str_dup(c->key), .time = c->time, .drifted = drift_of(c) };
	features_copy(&m->checks[at].features, f);
}

static const struct feature_seen *seen_in(const struct past *p, struct str name)
{
	for (unsigned i = 0; i < p->features.n; i++)
		if (str_eq(feature_name(&p->features, i), name))
			return &p->features.items[i];
	return NULL;
}

/* Whether this check found the feature drifted. What a check judged by a limit of its own stands; else, where the score is
 * known, the rule decides, else being named. */
static bool verdict(const struct feature_seen *s, const struct trail_rule *rule)
{
	if (!s || !s->drifted)
		return false;
	return !isnan(s->limit) || points_over(rule->points, s->score, rule->limit) != 0;
}

/* One value of the sparkline: how far from the reference. Of a p value that is the rest to 1. */
static void add_history(const struct past *p, const struct feature_seen *s, const struct drift_feature *f, bool scores,
                        const struct trail_rule *rule, struct buf *out)
{
	if (out->len)
		buf_addc(out, ' ');
	if (!s && p->features.complete)
		buf_addc(out, '-');              /* not looked at */
	else if (!scores)
		buf_adds(out, verdict(s, rule) ? "1" : "0");
	else if (s && !isnan(s->score))
		buf_addf(out, "%.4g", f->points == POINTS_BELOW && s->score >= 0 && s->score <= 1 ? 1 - s->score : s->score);
	else
		buf_addc(out, s ? '-' : '0');
}

/* Takes what the newest check that says anything of the feature says of it: value, limit, method. */
static void take_newest(struct drift_feature *f, const struct past *p, const struct feature_seen *s)
{
	f->value = isnan(f->value) ? s->score : f->value;
	if (s->method_len && !f->method.n) {
		f->method = feature_method(&p->features, (unsigned)(s - p->features.items));
		f->limit = s->limit;
		f->points = s->points;
	}
}

static void write_feature(const struct model *m, struct str name, const struct trail_rule *rule, struct buf *out)
{
	struct drift_feature f = { .model = str_of(m->name), .name = name, .value = NAN, .limit = rule->limit,
	                           .points = rule->points };
	bool broken = false;
	struct buf history = { 0 }, scores = { 0 };

	for (unsigned i = 0; i < m->n; i++) {
		const struct feature_seen *s = seen_in(&m->checks[i], name);
		if (s)
			take_newest(&f, &m->checks[i], s);
		f.checks += s || !m->checks[i].features.complete;
		if (verdict(s, rule)) {
			f.drifted++;
			f.row += !broken;
			if (f.drifted == 1)
				f.known = rule->known && rule->known(rule->arg, str_of(m->checks[i].key));
			f.last = f.last ? f.last : m->checks[i].time;
			f.first = m->checks[i].time;
		} else if (s || !m->checks[i].features.complete) {
			broken = true;
		}
	}
	for (unsigned i = m->n; i-- > 0;) {
		const struct feature_seen *s = seen_in(&m->checks[i], name);
		if (i < TRAIL_HISTORY)
			add_history(&m->checks[i], s, &f, !isnan(f.value), rule, &history);
		if (s && !isnan(s->score) && m->checks[i].time)
			buf_addf(&scores, "%s%lld=%.6g%s", scores.len ? " " : "", (long long)(m->checks[i].time / 1000), s->score,
			         verdict(s, rule) ? "!" : "");
	}
	f.method = f.method.n ? f.method : rule->method;
	f.history = buf_str(&history);
	f.scores = buf_str(&scores);
	feature_put(out, &f);
	buf_release(&history);
	buf_release(&scores);
}

static void write_model(const struct model *m, const struct trail_rule *rule, struct buf *out)
{
	unsigned written = 0;
	for (unsigned i = 0; i < m->n; i++)
		for (unsigned j = 0; j < m->checks[i].features.n; j++) {
			struct str name = feature_name(&m->checks[i].features, j);
			bool before = false;
			for (unsigned k = 0; k < i && !before; k++)
				before = seen_in(&m->checks[k], name);
			if (before)
				continue;
			if (written++ == TRAIL_FEATURES)
				return;
			write_feature(m, name, rule, out);
		}
}

void trail_write(const struct trail *t, const struct trail_rule *rule, bool whole, struct buf *out)
{
	rows_start(out, "features");
	rows_begin(out, STR(""));
	for (unsigned i = 0; i < t->n; i++)
		write_model(t->models[i], rule, out);
	if (whole)
		rows_end(out, STR(""));
}

int64_t trail_newest(const struct trail *t)
{
	int64_t newest = 0;
	for (unsigned i = 0; i < t->n; i++)
		if (t->models[i]->n && t->models[i]->checks[0].time > newest)
			newest = t->models[i]->checks[0].time;
	return newest;
}

unsigned trail_checks(const struct trail *t)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->n; i++)
		n += t->models[i]->n;
	return n;
}
