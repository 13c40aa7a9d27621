/* sample: see sample.h. */
#include "base/sample.h"
#include "base/mem.h"
#include "base/serving.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { UNDER_WAY = 4, SIDES = 2 };

struct call { struct sample *s; uint64_t id; unsigned pair, side; };   /* id 0: free */
struct sample_private {
	struct store *store;
	struct call calls[UNDER_WAY];
	unsigned next;                   /* the next to ask: pair * SIDES + side */
};

static void settle(struct sample *s, unsigned pair, unsigned side)
{
	struct sample_pair *p = &s->list[pair];
	p->of[side].in = true;
	s->in += p->of[0].in && p->of[1].in;
}

/* ---- which inputs */

static bool known(const struct sample *s, const char *inputs)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].inputs, inputs))
			return true;
	return false;
}

/* What the log has as inputs, in one order of names, so that the same twice is seen; NULL: no object of names. */
static char *inputs_of(struct str text)
{
	json_t *j = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	char *out = json_is_object(j) && json_object_size(j) ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	return out;
}

struct found { const struct row *row; int64_t at; };

static int newest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return (x->at < y->at) - (x->at > y->at);
}

static bool counts(const struct table *t, const struct row *r, const char *model, const char *not_version)
{
	if (!row_null(r, PREDICTION_MODEL) && !str_is(row_text(t, r, PREDICTION_MODEL), model))
		return false;
	return !not_version || (!row_null(r, PREDICTION_VALUE) && !str_is(row_text(t, r, PREDICTION_VERSION), not_version));
}

static void take_inputs(struct sample *s, const char *model, const char *not_version, unsigned n)
{
	const struct table *t = store_table_const(s->priv->store, "predictions");
	struct found *rows = t && t->count ? xcalloc(t->count, sizeof(*rows)) : NULL;
	unsigned nrows = 0;
	for (uint32_t i = 0; rows && i < t->nslots; i++) {
		const struct row *r = table_row(t, i);
		if (r && counts(t, r, model, not_version))
			rows[nrows++] = (struct found){ r, row_int(r, PREDICTION_AGE) };
	}
	if (nrows)
		qsort(rows, nrows, sizeof(*rows), newest_first);
	s->list = xcalloc(n ? n : 1, sizeof(*s->list));
	for (unsigned i = 0; i < nrows && s->n < n; i++) {
		char *inputs = inputs_of(row_text(t, rows[i].row, PREDICTION_INPUTS));
		if (!inputs || known(s, inputs)) {
			free(inputs);
			continue;
		}
		struct sample_pair *p = &s->list[s->n++];
		p->inputs = inputs;
		p->logged = row_null(rows[i].row, PREDICTION_VALUE) ? NAN : row_real(rows[i].row, PREDICTION_VALUE);
		for (int k = 0; k < SIDES; k++)
			p->of[k] = (struct sample_answer){ .value = NAN, .ms = NAN };
	}
	free(rows);
}

struct sample *sample_new(struct store *store, const char *model, const char *not_version, unsigned n, const struct sample_of of[2])
{
	struct sample *s = xcalloc(1, sizeof(*s));
	s->priv = xcalloc(1, sizeof(*s->priv));
	s->priv->store = store;
	s->at_once = UNDER_WAY;
	for (unsigned k = 0; k < SIDES; k++)
		s->of[k] = (struct sample_of){ of[k].source, xstrdup(of[k].key) };
	take_inputs(s, model, not_version, n);
	for (unsigned i = 0; i < s->n; i++)
		for (unsigned k = 0; k < SIDES; k++)
			if (!s->of[k].source)
				settle(s, i, k);
	return s;
}

void sample_free(struct sample *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < UNDER_WAY; i++)
		if (s->priv->calls[i].id) {
			store_forget(s->priv->store, s->priv->calls[i].id);
			source_cancel(s->of[s->priv->calls[i].side].source, s->priv->calls[i].id);
		}
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < SIDES; k++) {
			free(s->list[i].of[k].text);
			free(s->list[i].of[k].version);
			free(s->list[i].of[k].error);
		}
		free(s->list[i].inputs);
	}
	free(s->list);
	free(s->of[0].key);
	free(s->of[1].key);
	free(s->priv);
	free(s);
}

/* ---- asking */

static char *text_of(const json_t *j, const char *name)
{
	return xstrdup(json_string_value(json_object_get(j, name)));
}

static void came(void *arg, const struct msg *m)
{
	struct call *c = arg;
	struct msg_answer a;
	struct sample_answer *to = &c->s->list[c->pair].of[c->side];
	if (m->type != MSG_ANSWER || !msg_get_answer(m, &a))
		return;
	json_t *j = a.ok ? json_loadb(a.json.p, a.json.n, 0, NULL) : NULL;
	json_t *value = json_object_get(j, "prediction"), *took = json_object_get(j, "latency_us");
	if (!j)
		to->error = a.ok ? xstrdup("its answer is not JSON") : str_dup(a.json);
	if (json_is_number(value))
		to->value = json_number_value(value);
	if (json_is_number(took))
		to->ms = json_number_value(took) / 1000;
	to->text = text_of(j, "text");
	to->version = text_of(j, "version");
	json_decref(j);
	c->id = 0;
	settle(c->s, c->pair, c->side);
	sample_tick(c->s);
}

static void ask(struct call *c)
{
	const struct sample_of *of = &c->s->of[c->side];
	struct buf params = { 0 };
	buf_addf(&params, "{\"inputs\": %s}", c->s->list[c->pair].inputs);
	c->id = source_ask(of->source, request_new(REQ_ASK, "modelendpoints", str_of(of->key), "predict", params.data));
	store_expect(c->s->priv->store, c->id, came, c);
	buf_release(&params);
}

bool sample_tick(struct sample *s)
{
	struct sample_private *p = s->priv;
	for (unsigned i = 0; i < UNDER_WAY && i < s->at_once; i++) {
		while (!p->calls[i].id && p->next < s->n * SIDES && !s->of[p->next % SIDES].source)
			p->next++;
		if (p->calls[i].id || p->next >= s->n * SIDES)
			continue;
		p->calls[i] = (struct call){ s, 0, p->next / SIDES, p->next % SIDES };
		p->next++;
		ask(&p->calls[i]);
	}
	return s->in == s->n;
}

/* ---- figures */

static int by_ms(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void take_times(const struct sample *s, unsigned side, double *p50, double *p99)
{
	double *ms = xcalloc(s->n ? s->n : 1, sizeof(*ms));
	unsigned n = 0;
	for (unsigned i = 0; i < s->n; i++)
		if (!isnan(s->list[i].of[side].ms) && !s->list[i].of[side].error)
			ms[n++] = s->list[i].of[side].ms;
	if (n)
		qsort(ms, n, sizeof(*ms), by_ms);
	*p50 = n ? ms[(n - 1) / 2] : NAN;
	*p99 = n ? ms[(n * 99 + 99) / 100 - 1] : NAN;
	free(ms);
}

/* NaN: one of both did not answer, or cannot be compared. */
static double apart(const struct sample_pair *p, bool logged)
{
	const struct sample_answer *a = &p->of[0], *b = &p->of[1];
	double was = logged ? p->logged : b->value;
	if (!isnan(a->value) && !isnan(was))
		return a->value == was ? 0 : fabs(a->value - was) / fmax(fabs(was), 1e-9);
	if (!logged && a->text && b->text)
		return strcmp(a->text, b->text) != 0;
	return NAN;
}

struct sample_figures sample_figures(const struct sample *s)
{
	struct sample_figures f = { .mean = NAN, .most = NAN };
	double sum = 0;
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < SIDES; k++) {
			const struct sample_answer *a = &s->list[i].of[k];
			if (!a->in || !s->of[k].source)
				continue;
			f.failed[k] += a->error != NULL;
			f.answered[k] += a->error == NULL;
			if (a->error && !f.error[k])
				f.error[k] = a->error;
		}
		double d = apart(&s->list[i], !s->of[1].source);
		if (isnan(d))
			continue;
		f.both++;
		f.differ += d > 1e-9;
		sum += d;
		f.most = isnan(f.most) ? d : fmax(f.most, d);
	}
	if (f.both)
		f.mean = sum / f.both;
	for (unsigned k = 0; k < SIDES; k++)
		take_times(s, k, &f.p50[k], &f.p99[k]);
	return f;
}
